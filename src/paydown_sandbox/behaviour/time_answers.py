"""The answers of the time endpoint, where a choice lets them differ from the sandbox's clock."""

from __future__ import annotations

from paydown_sandbox.choices.chances import Chances
from paydown_sandbox.choices.settings import Options

__all__ = ["TimeAnswers"]

_STANDS_MS = 10_000
_BACK_ONE_IN = 4
_OFF_MS = {"jumps-back": -900, "second-ahead": 900, "second-behind": -900, "far-ahead": 60_000}


class TimeAnswers:
    """Answer with a clock that stands still, jumps back or is off. No other part of the sandbox reads that clock.

    Args:
        options: The choices.
        chances: Decides where an option leaves something to chance.
    """

    def __init__(self, options: Options, chances: Chances) -> None:
        self._chances = chances
        self._manner = options.text("time-endpoint")

    @staticmethod
    def wanted(options: Options) -> bool:
        """Return whether the time endpoint answers anything but the sandbox's time."""
        return options.any_open("time-endpoint")

    def server_time(self, now_ms: int) -> int:
        """Return the answer of the time endpoint at `now_ms`; both are milliseconds UTC."""
        if self._manner == "stands-still":
            return now_ms - now_ms % _STANDS_MS
        if self._manner == "jumps-back" and not self._chances.one_in(_BACK_ONE_IN):
            return now_ms
        return now_ms + _OFF_MS[self._manner]
