"""Keep the sandbox's time: UTC milliseconds that a test can stop, move and shift.

    running   now = machine clock + offset
    frozen    now stands still until a test moves it

The clock moves only forward unless it is set to a time: hourly interest, listen keys and bans read this clock, so a
jump ahead makes them all happen.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Clock", "machine_ms"]


def machine_ms() -> int:
    """Read the machine's wall clock, UTC milliseconds."""
    return time.time_ns() // 1_000_000


class Clock:
    """A movable clock in UTC milliseconds.

    Args:
        frozen_at_ms: Stand still at this time. `None` runs with the machine's clock.
        offset_ms: Added to the machine's clock while running.
        source: Returns the machine's time, UTC milliseconds.
    """

    __slots__ = ("_frozen_at_ms", "_offset_ms", "_source")

    def __init__(
        self, frozen_at_ms: int | None = None, offset_ms: int = 0, source: Callable[[], int] = machine_ms
    ) -> None:
        self._frozen_at_ms = frozen_at_ms
        self._offset_ms = offset_ms
        self._source = source

    @property
    def frozen(self) -> bool:
        """Return whether the clock stands still."""
        return self._frozen_at_ms is not None

    @property
    def offset_ms(self) -> int:
        """Return how far a running clock is ahead of the machine's, milliseconds."""
        return self._offset_ms

    def now_ms(self) -> int:
        """Return the sandbox's time, UTC milliseconds."""
        if self._frozen_at_ms is not None:
            return self._frozen_at_ms
        return self._source() + self._offset_ms

    def set(self, now_ms: int) -> None:
        """Set the time to `now_ms`; a frozen clock stays frozen, a running one runs on from there."""
        if self._frozen_at_ms is not None:
            self._frozen_at_ms = now_ms
        else:
            self._offset_ms = now_ms - self._source()

    def advance(self, by_ms: int) -> None:
        """Move the clock ahead by `by_ms` milliseconds, which must not be negative."""
        if by_ms < 0:
            raise ValueError("a clock advances by zero or more milliseconds; use set() to go back")
        if self._frozen_at_ms is not None:
            self._frozen_at_ms += by_ms
        else:
            self._offset_ms += by_ms

    def freeze(self) -> None:
        """Stop the clock at the present time."""
        if self._frozen_at_ms is None:
            self._frozen_at_ms = self.now_ms()

    def resume(self) -> None:
        """Let a frozen clock run again from its present time."""
        if self._frozen_at_ms is not None:
            self._offset_ms = self._frozen_at_ms - self._source()
            self._frozen_at_ms = None

    def restore(self, frozen_at_ms: int | None, offset_ms: int) -> None:
        """Restore the clock of an earlier process.

        Args:
            frozen_at_ms: The time at which it stood still, or `None` if it ran.
            offset_ms: How far it was ahead of the machine's clock.
        """
        self._frozen_at_ms = frozen_at_ms
        self._offset_ms = offset_ms
