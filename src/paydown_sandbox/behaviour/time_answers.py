"""What the time endpoint tells, where it is not the exchange's time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paydown_sandbox.choices.chances import Chances
from paydown_sandbox.choices.settings import Options

if TYPE_CHECKING:
    from paydown_sandbox.exchange import Exchange

__all__ = ["Timepiece"]

_STANDS_MS = 10_000
_BACK_ONE_IN = 4
_OFF_MS = {"jumps-back": -900, "second-ahead": 900, "second-behind": -900, "far-ahead": 60_000}


class Timepiece:
    """A clock that stands still, jumps back or is off, and nothing else in the exchange reads it.

    Args:
        exchange: Whose options.
        chances: What decides where an option leaves it to chance.
    """

    def __init__(self, exchange: Exchange, chances: Chances) -> None:
        self._chances = chances
        self._manner = exchange.world.options.text("time-endpoint")

    @staticmethod
    def wanted(options: Options) -> bool:
        """Whether the time endpoint tells anything else than the time."""
        return options.any_open("time-endpoint")

    def told(self, now_ms: int) -> int:
        """What it answers at `now_ms`."""
        if self._manner == "stands-still":
            return now_ms - now_ms % _STANDS_MS
        if self._manner == "jumps-back" and not self._chances.one_in(_BACK_ONE_IN):
            return now_ms
        return now_ms + _OFF_MS[self._manner]
