"""Check whether an open database is still the file at its path.

SQLite goes on writing to a file that was deleted, replaced or moved while it was open: every commit succeeds, and
the process that opens the path next finds none of them. So before something is sent the path is checked again.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["OpenedFile"]


class OpenedFile:
    """A database in WAL mode as it was when this process opened it.

    Args:
        path: The database. It must be open, and read from at least once, so that its -wal exists.

    Raises:
        OSError: It, or its -wal, is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # The path is resolved: SQLite follows links, and keeps the -wal next to the file at their end.
        real = path.resolve()
        self._log = real.with_name(f"{real.name}-wal")
        self._pid = os.getpid()
        self._ids = _identity(path), _identity(self._log)

    def trouble(self) -> str:
        """Return why a commit now would be lost, or "" if it would not."""
        if os.getpid() != self._pid:
            return f"was opened by process {self._pid}, before this process was forked from it"
        for path, opened in zip((self._path, self._log), self._ids, strict=True):
            try:
                found = _identity(path)
            except OSError as error:
                return f"has lost its file while it was open: {path} cannot be found ({error.strerror})"
            if found != opened:
                return f"has lost its file while it was open: {path} is another file now"
        if self._path.stat().st_size == 0:
            return f"was emptied while it was open: {self._path} has no content"
        return ""


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
