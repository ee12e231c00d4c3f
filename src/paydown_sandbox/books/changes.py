"""The changes of the sandbox since they were last taken, for the code that makes them durable."""

from __future__ import annotations

from paydown_sandbox.books.ledger_line import LedgerLine
from paydown_sandbox.books.records import Record
from paydown_sandbox.request_log import RequestRecord

__all__ = ["Changes"]


class Changes:
    """A collection of the changes since the last commit.

    The parts of the sandbox share one object and append to it while they work; `take` empties it, so that a server
    can commit the changes of many requests at once and send their answers after that.

    Attributes:
        lines: New ledger lines.
        records: New rows of the record lists.
        requests: Requests that were answered.
        amended: Records that were stored before and have other members now.
        executed_late: Requests that were stored before, and whose call has been executed since.
        world: Whether accounts, prices or options changed in a way that only the whole state document shows.
    """

    __slots__ = ("amended", "executed_late", "lines", "records", "requests", "world")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Drop every collected change."""
        self.lines: list[LedgerLine] = []
        self.records: list[Record] = []
        self.requests: list[RequestRecord] = []
        self.amended: list[Record] = []
        self.executed_late: list[RequestRecord] = []
        self.world = False

    def take(self) -> Changes:
        """Return the collected changes, and begin a new collection."""
        taken = Changes()
        for name in self.__slots__:
            setattr(taken, name, getattr(self, name))
        self.clear()
        return taken
