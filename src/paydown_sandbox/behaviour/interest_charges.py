"""When interest is charged, at which rate, and in which asset, where that is not as the state document says."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from paydown_sandbox.choices.chances import Chances
from paydown_sandbox.choices.settings import Options

if TYPE_CHECKING:
    from paydown_sandbox.exchange import Exchange

__all__ = ["Charges"]

_NAMES = ("interest-charged", "interest-moment", "interest-on-borrow", "interest-rate", "interest-paid-in")
_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000
_SOON_MS = 10_000


class Charges:
    """The schedule and the manner of interest on margin debt.

    Args:
        exchange: Whose options.
        chances: What decides where an option leaves it to chance.
    """

    def __init__(self, exchange: Exchange, chances: Chances) -> None:
        options = exchange.world.options
        self._chances = chances
        self._charged = options.text("interest-charged")
        self._moment = options.span("interest-moment")
        self.on_borrow = options.text("interest-on-borrow")
        self.paid_in = options.text("interest-paid-in")
        rate = options.text("interest-rate")
        self.rate = None if rate == "as-stated" else Decimal(rate)
        self.period_ms = _MINUTE_MS if self._charged == "each-minute" else _HOUR_MS
        now_ms = exchange.clock.now_ms()
        self._full_ms = now_ms - now_ms % self.period_ms
        self.next_ms: int | None = None
        self.plan_next()

    @staticmethod
    def wanted(options: Options) -> bool:
        """Whether any of these choices stands elsewhere than at its default."""
        return options.any_open(*_NAMES)

    @property
    def per_day(self) -> Decimal:
        """How often a day interest is charged."""
        return Decimal(_DAY_MS // self.period_ms)

    @property
    def never(self) -> bool:
        """Whether no interest is charged as time passes."""
        return self._charged == "never"

    def plan_next(self) -> None:
        """Work out when the charge of the next full period comes."""
        if not self.never:
            self._full_ms += self.period_ms
            self.next_ms = max(self._full_ms + self._moment.draw(self._chances), (self.next_ms or 0) + 1)

    def dump(self) -> list[int | None]:
        """Where the schedule stands, to be written down."""
        return [self._full_ms, self.next_ms]

    def restore(self, schedule: list[int]) -> None:
        """Take back what `dump` gave."""
        self._full_ms, self.next_ms = schedule

    def soon(self) -> int:
        """How many ms after a loan its first interest is charged, where it comes soon."""
        return self._chances.between(1, _SOON_MS)
