"""The note that the holder of an account's lock leaves for people."""

from __future__ import annotations

import json
from dataclasses import dataclass

from paydown.repay.moments import moment

__all__ = ["Holder"]


@dataclass(frozen=True, slots=True)
class Holder:
    """Describe the process that holds, or last held, an account.

    Attributes:
        pid: Process id on `host`. For people: nothing is decided by it.
        host: Name of the machine.
        since_ms: When the lock was taken, UTC milliseconds.
        journal: Path of the journal in which that process writes its attempts.
        clean: Whether it ended with no attempt open.
    """

    pid: int
    host: str
    since_ms: int
    journal: str
    clean: bool = False

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {moment(self.since_ms)}"

    def to_json(self) -> dict[str, object]:
        """Return the note as plain data."""
        return {
            "pid": self.pid,
            "host": self.host,
            "since_ms": self.since_ms,
            "journal": self.journal,
            "clean": self.clean,
        }

    @classmethod
    def from_text(cls, text: str) -> Holder | None:
        """Read a note; return `None` where none was written or a crash cut it short."""
        try:
            data = json.loads(text)
            return cls(
                pid=int(data["pid"]),
                host=str(data["host"]),
                since_ms=int(data["since_ms"]),
                journal=str(data["journal"]),
                clean=data["clean"] is True,
            )
        except (ValueError, KeyError, TypeError):
            return None
