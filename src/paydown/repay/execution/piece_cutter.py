"""Cut the next piece of a plan by the price and the debt at this time."""

from __future__ import annotations

from collections.abc import Mapping

from paydown.errors import PaydownError
from paydown.repay.amounts import exact, to_text
from paydown.repay.errors import PlanRefused
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.execution.base_snapshot import BaseSnapshot
from paydown.repay.execution.commands import ReadPrices
from paydown.repay.execution.run_context import Context, Decisions
from paydown.repay.execution.run_tally import RunTally
from paydown.repay.moments import moment
from paydown.repay.planning.plan import Plan, Price
from paydown.repay.planning.planner import Cut, cut

__all__ = ["PieceCutter"]

# A price older than this is read again before a piece is cut: the cap is checked against it.
_PRICE_AGE_MS = 30_000


class PieceCutter:
    """Keeps the newest price, and cuts pieces that stay below the cap at that price.

    Args:
        context: The context that every decision needs.
        plan: The plan that is worked on.
        base: The base of the next piece.
        tally: The amounts repaid and asked for so far.

    Attributes:
        price: The newest price of the asset owed.
    """

    def __init__(self, context: Context, plan: Plan, base: BaseSnapshot, tally: RunTally) -> None:
        self._context = context
        self._plan = plan
        self._base = base
        self._tally = tally
        self.price = plan.prices[plan.asset]
        self._price_at_ms: int | None = None

    def read_price(self) -> Decisions[None]:
        """Read the price again if it has grown old. A price that the caller gave is kept.

        Raises:
            PlanRefused: It could not be read for so long that what stays below the cap cannot be determined.
        """
        context, asset = self._context, self._plan.asset
        now = context.now_ms()
        if self.price.source == "given" or (
            self._price_at_ms is not None and now - self._price_at_ms < _PRICE_AGE_MS
        ):
            return
        try:
            prices = yield from ReadPrices((asset,)).reply()
        except PaydownError:
            empty: Mapping[str, Price] = {}
            prices = empty
        price = prices.get(asset)
        if price is not None and price.usd > 0:
            self.price, self._price_at_ms = price, now
            return
        last = self._plan.created_at_ms if self._price_at_ms is None else self._price_at_ms
        if now - last > context.options.look_max_age_ms:
            raise PlanRefused(
                "price-unknown",
                f"The price of {asset} could not be read since {moment(last)}, so no piece can be "
                "kept below the cap. Give a price, or resume later.",
                {"asset": asset, "last_price_usd": to_text(self.price.usd)},
            )

    def cut(self, base: Snapshot) -> Cut | None:
        """Return the next piece; `None` if nothing is left to repay by calculation."""
        request, facts = self._plan.request, self._context.facts
        with exact():
            return cut(
                self._base.owed(base),
                None if request.amount is None else request.amount - self._tally.paid,
                price_usd=self.price.usd,
                limit_usd=facts.cap_usd * (1 - request.margin),
                digits=facts.amount_digits,
                growth=self._context.options.max_daily_interest / 24,
                avoid=self._tally.asked,
            )
