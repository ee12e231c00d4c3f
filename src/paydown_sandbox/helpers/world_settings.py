"""Set prices, limits and options of a running sandbox."""

from __future__ import annotations

from paydown_sandbox.books.exact_amounts import parse
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.state.state_builder import Amount, plain_text

__all__ = ["WorldSettings"]


class WorldSettings:
    """The settings of a sandbox that a test may change while it runs.

    Args:
        exchange: The sandbox whose settings these are.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def set_price(self, asset: str, price: Amount) -> None:
        """Set an index price. An asset without one cannot be converted.

        Args:
            asset: Such as "BNB".
            price: USD per unit.
        """
        self._exchange.set_prices({asset: parse(plain_text(price))})

    def choose(self, /, **options: str) -> None:
        """Choose options, with `_` for `-`: `choose(whole_debt_answer_amount="present")`."""
        world = self._exchange.world
        named = {name.replace("_", "-"): value for name, value in options.items()}
        world.options = world.options.replaced(named)
        world.limits.fixed_window = world.options.is_set("limit-window", "fixed")
        world.limits.ban_after_429 = world.options.integer("ban-after-429")
        self._exchange.apply_options()

    def limit(self, weight_per_minute: int) -> None:
        """Set the request weight that one address may spend in a minute; the published limit at the start."""
        self._exchange.world.limits.weight_per_minute = weight_per_minute
