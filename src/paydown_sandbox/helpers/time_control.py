"""Read, stop and move the clock of a sandbox."""

from __future__ import annotations

from paydown_sandbox.exchange import Exchange

__all__ = ["TimeControl"]


class TimeControl:
    """The clock of a sandbox, and what happens when time passes.

    Args:
        exchange: The sandbox whose clock it is.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def now_ms(self) -> int:
        """Return the sandbox's time, UTC milliseconds."""
        return self._exchange.clock.now_ms()

    def freeze(self, at_ms: int | None = None) -> None:
        """Make the clock stand still, now or at `at_ms` (UTC milliseconds)."""
        self._exchange.clock.freeze()
        if at_ms is not None:
            self._exchange.clock.set(at_ms)

    def advance(self, by_ms: int) -> None:
        """Move the clock ahead by milliseconds; interest, scripted prices and expiries happen at once."""
        self._exchange.clock.advance(by_ms)
        self._exchange.advance_to_now()
