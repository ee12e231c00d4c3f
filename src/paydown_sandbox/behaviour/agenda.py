"""The agenda: actions that the sandbox will take by itself, such as repayments under way and rows to be listed.

Everything in it falls due on the sandbox's own clock, in time order, between the hourly charges and the scripted
prices (see `scheduler`). Entries are plain JSON, so that a restart finds them again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["NEVER", "Agenda", "Entry"]

# A time that no clock reaches.
NEVER = 1 << 62


class Entry(NamedTuple):
    """One action that the sandbox will take.

    Attributes:
        at_ms: When it falls due, milliseconds UTC.
        number: Entries are numbered in the order in which they were added.
        what: The kind, such as "repay" or "list".
        details: The arguments of the action, as JSON values.
    """

    at_ms: int
    number: int
    what: str
    details: list[Any]


class Agenda:
    """A queue of entries in time order; entries of one millisecond come in the order in which they were added.

    Attributes:
        next_ms: When the next entry falls due, `NEVER` if there is none. Read at every request, so it is no property.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._next = 1
        self.next_ms = NEVER

    def add(self, at_ms: int, what: str, details: list[Any]) -> None:
        """Add an entry.

        Args:
            at_ms: When it falls due, milliseconds UTC.
            what: The kind of the entry.
            details: The arguments of the action, as JSON values.
        """
        heapq.heappush(self._entries, Entry(at_ms, self._next, what, details))
        self._next += 1
        self.next_ms = self._entries[0].at_ms

    def due(self, now_ms: int) -> Iterator[Entry]:
        """Take the entries that are due, one by one, with those that are added meanwhile."""
        while self.next_ms <= now_ms:
            entry = heapq.heappop(self._entries)
            self._find_next()
            yield entry

    def of_kind(self, what: str) -> list[Entry]:
        """Return the entries of one kind, in no order."""
        return [entry for entry in self._entries if entry.what == what]

    def dump(self) -> list[list[Any]]:
        """Return all entries as JSON values."""
        return [list(entry) for entry in sorted(self._entries)]

    def restore(self, entries: list[list[Any]]) -> None:
        """Replace the entries by those of `dump`."""
        self._entries = [Entry(*entry) for entry in entries]
        self._next = 1 + max((entry.number for entry in self._entries), default=0)
        self._find_next()

    def _find_next(self) -> None:
        self.next_ms = self._entries[0].at_ms if self._entries else NEVER
