"""The exchange's clock: UTC milliseconds that a test can stop, move and shift.

    running   now = machine clock + offset
    frozen    now stands still until somebody moves it

Moving only ever goes forward unless the clock is set outright: hourly interest, listen keys
and bans read this clock, so a jump ahead makes them all happen.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Clock", "machine_ms"]


def machine_ms() -> int:
    """The machine's wall clock, UTC milliseconds."""
    return time.time_ns() // 1_000_000


class Clock:
    """A movable clock in UTC milliseconds.

    Args:
        frozen_at_ms: Stand still at this moment. `None` runs with the machine's clock.
        offset_ms: Added to the machine's clock while running.
        source: What tells the machine's time, in UTC milliseconds.
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
        """Whether the clock stands still."""
        return self._frozen_at_ms is not None

    @property
    def offset_ms(self) -> int:
        """How far a running clock is ahead of the machine's."""
        return self._offset_ms

    def now_ms(self) -> int:
        """Now, UTC milliseconds."""
        if self._frozen_at_ms is not None:
            return self._frozen_at_ms
        return self._source() + self._offset_ms

    def set(self, now_ms: int) -> None:
        """Make it `now_ms`; a frozen clock stays frozen, a running one runs on from there."""
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
        """Stand still from now on."""
        if self._frozen_at_ms is None:
            self._frozen_at_ms = self.now_ms()

    def resume(self) -> None:
        """Run again from where the clock stands."""
        if self._frozen_at_ms is not None:
            self._offset_ms = self._frozen_at_ms - self._source()
            self._frozen_at_ms = None

    def restore(self, frozen_at_ms: int | None, offset_ms: int) -> None:
        """Put the clock where an earlier one stood."""
        self._frozen_at_ms = frozen_at_ms
        self._offset_ms = offset_ms
