"""Answer the operations without an account: reachability, the time and the index prices."""

from __future__ import annotations

from paydown_sandbox.behaviour.time_answers import TimeAnswers
from paydown_sandbox.books.exact_amounts import exact_text
from paydown_sandbox.call_record import Call
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.market_state import MarketState

__all__ = ["MarketOperations"]


class MarketOperations:
    """Handlers of the operations that need no account.

    Args:
        market: Prices and options.
        time: Decides what the time endpoint answers, where a choice differs from the default.
    """

    def __init__(self, market: MarketState, time: TimeAnswers | None) -> None:
        self._prices = market.prices
        self._time = time
        self._empty_unknown_prices = market.options.is_set("unknown-asset-index-price", "empty")

    def ping(self, call: Call) -> object:
        """Answer GET /papi/v1/ping: an empty object."""
        return {}

    def server_time(self, call: Call) -> object:
        """Answer GET /papi/v1/time: the sandbox's clock, ms UTC."""
        return {"serverTime": call.now_ms if self._time is None else self._time.server_time(call.now_ms)}

    def asset_index_price(self, call: Call) -> object:
        """Answer GET /sapi/v1/portfolio/asset-index-price: always a list, even for one `asset`."""
        asset = call.optional_text("asset")
        names = self._prices if asset is None else [asset]
        if asset is not None and asset not in self._prices:
            if self._empty_unknown_prices:
                return []
            raise Refusal(-1108, reason="no index price")
        return [
            {"asset": name, "assetIndexPrice": exact_text(self._prices[name]), "time": call.now_ms}
            for name in names
        ]
