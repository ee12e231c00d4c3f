"""The schedule of interest: when, at which rate and in which asset, where choices differ from the state document."""

from __future__ import annotations

from decimal import Decimal

from paydown_sandbox.behaviour.agenda import NEVER
from paydown_sandbox.choices.chances import Chances
from paydown_sandbox.choices.settings import Options

__all__ = ["InterestSchedule"]

_NAMES = ("interest-charged", "interest-moment", "interest-on-borrow", "interest-rate", "interest-paid-in")
_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000
_SOON_MS = 10_000


class InterestSchedule:
    """The schedule and the manner of interest on margin debt.

    Args:
        options: The choices.
        chances: Decides where an option leaves something to chance.
        now_ms: Now, milliseconds UTC; the first charge comes after it.

    Attributes:
        next_ms: When the next charge comes, `NEVER` if none does.
        on_borrow: When the first interest of a loan is charged.
        paid_in: The asset in which interest is paid.
        rate: The daily rate of every asset as a share of one; `None` where the state document states the rates.
        period_ms: The time between two charges.
    """

    def __init__(self, options: Options, chances: Chances, now_ms: int) -> None:
        self._chances = chances
        self._charged = options.text("interest-charged")
        self._moment = options.span("interest-moment")
        self.on_borrow = options.text("interest-on-borrow")
        self.paid_in = options.text("interest-paid-in")
        rate = options.text("interest-rate")
        self.rate = None if rate == "as-stated" else Decimal(rate)
        self.period_ms = _MINUTE_MS if self._charged == "each-minute" else _HOUR_MS
        self._full_ms = now_ms - now_ms % self.period_ms
        self.next_ms = NEVER if self.never else 0
        self.plan_next()

    @staticmethod
    def wanted(options: Options) -> bool:
        """Return whether any of these choices differs from its default."""
        return options.any_open(*_NAMES)

    @property
    def per_day(self) -> Decimal:
        """Return the number of charges a day."""
        return Decimal(_DAY_MS // self.period_ms)

    @property
    def never(self) -> bool:
        """Return whether no interest is charged as time passes."""
        return self._charged == "never"

    def plan_next(self) -> None:
        """Calculate when the charge of the next full period comes; it never comes before an earlier one."""
        if not self.never:
            self._full_ms += self.period_ms
            self.next_ms = max(self._full_ms + self._moment.draw(self._chances), self.next_ms + 1)

    def dump(self) -> list[int | None]:
        """Return the state of the schedule, to be stored."""
        return [self._full_ms, None if self.never else self.next_ms]

    def restore(self, full_ms: int, next_ms: int | None) -> None:
        """Continue from the state of `dump`.

        Args:
            full_ms: The full period that was planned last, milliseconds UTC.
            next_ms: When the next charge comes; `None` if none does.
        """
        self._full_ms = full_ms
        self.next_ms = NEVER if next_ms is None else next_ms

    def soon(self) -> int:
        """Draw how many ms after a loan its first interest is charged, if the choice is to charge it soon."""
        return self._chances.between(1, _SOON_MS)
