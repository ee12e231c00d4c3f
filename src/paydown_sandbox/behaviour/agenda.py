"""What the exchange has still to do by itself: repayments under way, rows to be listed, debts to rise.

Everything here falls due on the exchange's own clock, in time order, between the hourly charges and the scripted
prices (see `accrual`). Entries are plain JSON, so that a restart finds them again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["Agenda", "Entry"]


class Entry(NamedTuple):
    """One thing to do. `what` names its kind, `details` what is needed for it."""

    at_ms: int
    number: int
    what: str
    details: list[Any]


class Agenda:
    """A queue in time order; what falls due in the same millisecond happens in the order in which it was noted."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._next = 1

    @property
    def next_ms(self) -> int | None:
        """When something falls due next."""
        return self._entries[0].at_ms if self._entries else None

    def note(self, at_ms: int, what: str, details: list[Any]) -> None:
        """Note something to do at `at_ms`."""
        heapq.heappush(self._entries, Entry(at_ms, self._next, what, details))
        self._next += 1

    def due(self, now_ms: int) -> Iterator[Entry]:
        """Take what is due, one by one: what is noted meanwhile comes too."""
        while self._entries and self._entries[0].at_ms <= now_ms:
            yield heapq.heappop(self._entries)

    def of_kind(self, what: str) -> list[Entry]:
        """What is noted of one kind, in no order."""
        return [entry for entry in self._entries if entry.what == what]

    def dump(self) -> list[list[Any]]:
        """Everything that is noted, as JSON."""
        return [list(entry) for entry in sorted(self._entries)]

    def restore(self, entries: list[list[Any]]) -> None:
        """Take back what `dump` gave."""
        self._entries = [Entry(*entry) for entry in entries]
        self._next = 1 + max((entry.number for entry in self._entries), default=0)
