"""Every threshold of the repayer in one place, each with the reason for its value.

Nothing here is a fact of the API (those come from the document, see `facts`): these are our
margins where the documents are silent. Wider is always safer; the price is time, or an
`undecided` where a narrower margin would have dared an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Literal

__all__ = ["Options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How careful to be. The defaults are meant for real money.

    Attributes:
        margin: Share of the value cap that every piece stays below. Which price the exchange uses for
            the cap is not published; 2 % covers the gap between index and trade price of liquid assets.
        conversion_reserve: Share by which the payment assets must exceed the debt's value, since
            conversion price and fee are not published.
        dust_usd: A remaining debt worth less than this is called dust in a plan's warnings.
        settle_ms: How long after a request can no longer be accepted its effect may still appear. A borrow or
            repayment normally ends within 100 ms (classic margin guidance); 15 s is 150 times that.
        clock_slack_ms: Uncertainty when a row's time is compared with the time of a look. Twice the 1000 ms
            by which the exchange lets a timestamp run ahead.
        max_daily_interest: Upper bound of a daily interest rate. Interest that accrued between two looks is
            anything between nothing and this. Published rates of liquid assets are below 0.001.
        price_tolerance: How far the conversion price may be from the price of the plan when the value that
            was spent is compared with the value that was repaid.
        records_lag_ms: How long a record or capital-flow row may take to appear. Live rows were seen within
            seconds; undocumented. "Not executed" is concluded only from lists that were read so long after a
            look, since a borrowing that is not listed yet can hide a repayment.
        look_again_ms: Pauses before the second and every further look of one reconciliation, while the
            evidence does not decide. After the last one the attempt is undecided.
        look_max_age_ms: A look older than this is not the base for another piece, even if every piece since
            was answered clearly.
        look_between: "when-needed" takes no look after a clear answer while the last look is young: a look
            costs the weight that makes the difference between one repayment a minute and two. "always" takes
            one before every piece.
        reconcile_last: Whether a run settles a lost answer by evidence even if nothing else is to be sent
            after it. False ends the run at once, UNDECIDED: the caller reconciles when it likes. While pieces
            are left, a lost answer is always settled first.
        max_tries: How often one piece is begun, the first time included, while the exchange refuses it for a
            passing reason or it cannot leave.
        first_backoff_ms, max_backoff_ms: Pause after such a refusal, doubled each time.
        max_wait_ms: A single wait longer than this (a ban of days, say) stops the plan instead.
    """

    margin: Decimal = Decimal("0.02")
    conversion_reserve: Decimal = Decimal("0.01")
    dust_usd: Decimal = Decimal(1)
    settle_ms: int = 15_000
    clock_slack_ms: int = 2_000
    max_daily_interest: Decimal = Decimal("0.02")
    price_tolerance: Decimal = Decimal("0.1")
    records_lag_ms: int = 30_000
    look_again_ms: tuple[int, ...] = (10_000, 30_000, 60_000)
    look_max_age_ms: int = 900_000
    look_between: Literal["when-needed", "always"] = "when-needed"
    reconcile_last: bool = True
    max_tries: int = 6
    first_backoff_ms: int = 1_000
    max_backoff_ms: int = 60_000
    max_wait_ms: int = 900_000

    @property
    def lists_after_ms(self) -> int:
        """How long after a look lists are complete for it: the time of a look is uncertain, too."""
        return self.records_lag_ms + self.clock_slack_ms

    def __post_init__(self) -> None:
        for field in fields(self):
            value: object = getattr(self, field.name)
            if isinstance(value, int | Decimal) and value < 0:
                raise ValueError(f"{field.name} must not be negative: {value}")
        if not 0 <= self.margin < 1:
            raise ValueError(f"margin is a share of the cap, at least 0 and below 1: {self.margin}")
        if not 0 <= self.price_tolerance < 1:
            raise ValueError(f"price_tolerance is a share, at least 0 and below 1: {self.price_tolerance}")
        if self.max_tries < 1:
            raise ValueError("max_tries counts the first try too: at least 1")
        if any(pause < 0 for pause in self.look_again_ms):
            raise ValueError("look_again_ms holds pauses: none may be negative")
