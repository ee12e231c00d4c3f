"""Every threshold of the repayer in one place, each with the reason for its value.

No option is a fact of the API (facts come from the document, see `Facts`): these are our margins where the documents
are silent. A wider margin is always safer; its price is time, or the verdict `undecided` where a narrower one would
have decided.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Literal

__all__ = ["Options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The safety margins of the repayer. The defaults are meant for real money.

    Attributes:
        margin: Share of the value cap by which every piece stays below the cap. Which price the exchange uses for the
            cap is not published; 2 % covers the gap between index and trade price of liquid assets.
        conversion_reserve: Share by which the payment assets must exceed the debt's value, since
            conversion price and fee are not published.
        dust_usd: A remaining debt worth less than this is called dust in a plan's warnings.
        settle_ms: How long after a request can no longer be accepted its effect may still appear. A borrow or
            repayment normally ends within 100 ms (classic margin guidance); 15 s is 150 times that.
        quiet_ms: How long no request has left before a snapshot that is the base of a repayment, since the snapshot
            must show the earlier repayments. The same 15 s, for the same reason as `settle_ms`.
        base_max_age_ms: Greatest age of the base snapshot when the first byte of a repayment is about to leave. If it
            is older, nothing leaves and another snapshot is read. Longer than a slow read.
        fresh_look_pieces: Plans of at most this many pieces read a snapshot right before every piece. In a longer plan
            the snapshots would cost half of the pace (3,000 + 20 and 3,000 exceed 6,000 a minute), so there the second
            and every later piece relies on the last snapshot and on the pieces confirmed since.
        look_max_age_ms: In such a longer plan a snapshot older than this is read again all the same.
        look_between: "when-needed" reads snapshots as described for `fresh_look_pieces`; "always" reads one before
            every piece of every plan.
        near_ms: How much later than its repayment a row may be stamped.
        edge_ms: If the row of a borrowing is nearer in time to a snapshot than this, it is open whether the snapshot
            shows the borrowing: the row's time may be half a minute off, a snapshot five seconds old, and two clocks
            two seconds apart.
        records_lag_ms: How long a borrowing may take to appear in its lists. "Not executed" is concluded only from
            lists that were read so long after the snapshots that show the debt. Live rows took seconds; undocumented.
        clock_slack_ms: Uncertainty of the time of a snapshot. Twice the 1000 ms by which the exchange lets a timestamp
            run ahead.
        max_daily_interest: Upper bound of a daily interest rate. Interest that accrued between two snapshots is
            anything between nothing and this. Published rates of liquid assets are below 0.001.
        usual_daily_interest: Upper bound of the interest that is expected. If more than that is left at the end of a
            plan, the plan is not called done, and the rest is reported.
        price_tolerance: How far the conversion price may be from the price of the plan.
        fee_share: Share of the amount asked by which the rows of a confirmed repayment may exceed that amount.
        not_before_ms: "Not executed" is not concluded earlier than this after the timestamp. No page bounds the queue
            behind an accepted request; minutes were never reported.
        not_before_late_ms: The same as `not_before_ms`, for an account on which a late execution was suspected once.
        stands_share: Share of the amount asked by which the debt may differ and still count as unchanged.
        fell_share, fell_most_share: Shares of the amount asked: a fall of the debt counts as "executed" if the debt
            surely fell by the first and may have fallen by the second. The rest is room for a fee and for rounding.
        spent_share: Share of the value asked that may be gone from the payment assets although nothing was executed.
        fell_spent_share: Share of the value asked that must be gone from the payment assets if the fall of the debt
            shows only with listed borrowings counted in.
        looks_apart_ms: Least time between the two snapshots that "not executed" needs: more than the greatest age of a
            snapshot.
        look_again_ms: Pauses before the second and every further snapshot of one reconciliation, while the
            evidence does not decide. After the last one the attempt is undecided.
        retake_ms: Pauses before another snapshot is read if the last one does not show the confirmed pieces.
        reconcile_last: Whether a run reconciles a lost answer even if nothing else is to be sent
            after it. False ends the run at once, UNDECIDED: the caller reconciles when it likes. While pieces
            are left, a lost answer is always reconciled first.
        max_tries: How often one piece is begun, the first time included, while the exchange refuses it for a
            passing reason or it cannot leave.
        first_backoff_ms, max_backoff_ms: Pause after such a refusal, doubled each time.
        max_wait_ms: A single wait longer than this (a ban of days, say) stops the plan instead.
    """

    margin: Decimal = Decimal("0.02")
    conversion_reserve: Decimal = Decimal("0.01")
    dust_usd: Decimal = Decimal(1)
    settle_ms: int = 15_000
    quiet_ms: int = 15_000
    base_max_age_ms: int = 3_000
    fresh_look_pieces: int = 4
    look_max_age_ms: int = 900_000
    look_between: Literal["when-needed", "always"] = "when-needed"
    near_ms: int = 30_000
    edge_ms: int = 37_000
    records_lag_ms: int = 120_000
    clock_slack_ms: int = 2_000
    max_daily_interest: Decimal = Decimal("0.02")
    usual_daily_interest: Decimal = Decimal("0.001")
    price_tolerance: Decimal = Decimal("0.1")
    fee_share: Decimal = Decimal("0.02")
    not_before_ms: int = 180_000
    not_before_late_ms: int = 600_000
    stands_share: Decimal = Decimal("0.1")
    fell_share: Decimal = Decimal("0.9")
    fell_most_share: Decimal = Decimal("0.98")
    spent_share: Decimal = Decimal("0.5")
    fell_spent_share: Decimal = Decimal("0.8")
    looks_apart_ms: int = 9_000
    look_again_ms: tuple[int, ...] = (10_000, 30_000, 120_000, 60_000, 125_000)
    retake_ms: tuple[int, ...] = (5_000, 15_000, 40_000)
    reconcile_last: bool = True
    max_tries: int = 6
    first_backoff_ms: int = 1_000
    max_backoff_ms: int = 60_000
    max_wait_ms: int = 900_000

    @property
    def lists_after_ms(self) -> int:
        """Return how long after a snapshot the lists are complete for it, ms: its own time is uncertain, too."""
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
        if any(pause < 0 for pause in (*self.look_again_ms, *self.retake_ms)):
            raise ValueError("look_again_ms and retake_ms hold pauses: none may be negative")
