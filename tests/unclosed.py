"""Databases that are dropped before they are closed: Python 3.13 warns of each, and this module finds them on 3.11.

A connection that nobody refers to any more is closed by the interpreter, in silence before Python 3.13. That a program
got away with it shows nothing: SQLite then folds its log into the file whenever the garbage happens to be collected,
and in whatever process. So every connection is kept here until it is closed. One that is open, and that nothing but
this module refers to, has been dropped.
"""

from __future__ import annotations

import gc
import sqlite3
import sys

_OPENED = "sqlite3.connect/handle"  # https://docs.python.org/3.11/library/audit_events.html


class Databases:
    """Every connection of this process that is opened from now on. There is no way to stop watching."""

    def __init__(self) -> None:
        self._open: list[sqlite3.Connection] = []
        sys.addaudithook(self._note)
        sqlite3.connect(":memory:")
        # References that a connection has when it is kept here alone: its own, too, which differ between versions.
        self._references = sys.getrefcount(self._open[0])
        self._open.pop().close()

    def _note(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == _OPENED and isinstance(arguments[0], sqlite3.Connection):
            self._open.append(arguments[0])

    def left_open(self) -> int:
        """How many are open, whoever refers to them."""
        self._open = [one for one in self._open if _is_open(one)]
        return len(self._open)

    def dropped(self) -> int:
        """How many were dropped unclosed since the last time. They are closed now."""
        if not self.left_open():
            return 0
        gc.collect()  # a ring of objects is dropped only here
        open_, self._open = self._open, []
        dropped = 0
        while open_:
            self._open.append(open_.pop())
            if sys.getrefcount(self._open[-1]) > self._references:
                continue
            self._open.pop().close()
            dropped += 1
        return dropped


DATABASES = Databases()


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        _ = connection.total_changes
    except sqlite3.ProgrammingError:
        return False
    return True
