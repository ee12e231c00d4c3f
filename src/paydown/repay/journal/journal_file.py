"""The journal's database file: opened safely, read under a lock, written in durable transactions.

SQLite in WAL mode with `synchronous=FULL`: when a transaction returns, its rows are on the disk, and a kill -9 or a
power cut at any instruction leaves either the whole transaction or none of it. Files are readable by their owner only.

A connection whose file is no longer the one at its path, or that was inherited by a fork, is refused: its writes would
be lost to the process that opens the path next.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

from paydown.file_ownership import FileNotOurs, claim
from paydown.repay.errors import JournalUnusable
from paydown.repay.journal.forks import close_in_children, leave_open
from paydown.repay.journal.journal_path import checked_path, make_folders, sync_folder
from paydown.repay.journal.migration import bring_forward
from paydown.repay.journal.opened_file import OpenedFile
from paydown.repay.journal.schema import APPLICATION_ID

__all__ = ["JournalFile"]


class JournalFile:
    """An open journal file. Safe to use from several threads.

    Args:
        path: The file; made with its folders if it does not exist.
        synchronous: "FULL" makes every commit durable before it returns. "OFF" survives a killed process
            but not a power cut: for simulations only, since nothing is safe with it.

    Raises:
        JournalUnusable: Not our file, of a newer version, not writable, or on a disk without WAL.
    """

    def __init__(self, path: str | os.PathLike[str], *, synchronous: Literal["FULL", "OFF"]) -> None:
        self.path = checked_path(path)
        self.durable = synchronous == "FULL"
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._opened: OpenedFile | None = None  # until it is prepared
        try:
            make_folders(self.path)
            new = not self.path.exists()
            # SQLite gives its -wal and -shm files the mode of the database. A link is followed, and the file at its end
            # is inspected: nothing is touched before it is known to be a journal.
            claim(self.path.resolve(), APPLICATION_ID)
            if new:
                sync_folder(self.path.parent)
            self._db = sqlite3.connect(
                f"{self.path.as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=30,
            )
        except FileNotOurs as error:
            raise JournalUnusable(f"{error} Nothing may be sent without a journal.") from error
        except (OSError, ValueError, sqlite3.Error) as error:
            raise self._unusable("cannot be opened", error) from error
        # The file is closed at the latest when nothing refers to it any more, so a repayer that is never closed leaks
        # nothing.
        self._close = weakref.finalize(self, _close_in, self._pid, self._db)
        try:
            before = self.path.stat()
            self._prepare(synchronous)
            self.salt = self._read_meta("salt", "accounts in it can no longer be told apart")
            self.identity = self._read_meta("identity", "it cannot be told from another journal").decode(
                "ascii"
            )
            self._opened = OpenedFile(self.path)
            if not os.path.samestat(before, self.path.stat()):
                raise JournalUnusable(f"{self.path} was replaced while it was opened. Try again.")
        except (sqlite3.Error, OSError, UnicodeError) as error:
            self._close()
            raise self._unusable("cannot be prepared", error) from error
        except BaseException:
            self._close()
            raise
        close_in_children(self)

    def close(self) -> None:
        """Close the file. Closing twice does no harm."""
        with self._lock:
            self._close()

    def forked(self) -> None:
        """Give up the connection in a forked child: a connection of the parent must not even be closed there."""
        self._lock = threading.RLock()  # another thread of the parent may have held it
        if self._close.detach() is not None:
            leave_open(self._db)

    def check(self) -> None:
        """Refuse to go on if a commit now would be lost.

        Raises:
            JournalUnusable: The file at the journal's path is not the one that is open here, or this process was
                forked from the one that opened it.
        """
        trouble = "" if self._opened is None else self._opened.trouble()
        if trouble:
            raise JournalUnusable(
                f"The journal {self.path} {trouble}. What is written there would be lost, so nothing may be sent. "
                "Open the journal anew."
            )

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Yield the connection for reading while the block runs.

        Raises:
            JournalUnusable: The file cannot be read, or was opened before a fork.
        """
        self._refuse_child()
        with self._lock:
            try:
                yield self._db
            except (sqlite3.Error, OSError, UnicodeError) as error:  # SQLite's messages repeat damaged bytes
                raise self._unusable("cannot be read", error) from error

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """Run the block as one transaction, durable when the block ends.

        The transaction is IMMEDIATE: a writer waits at its start.

        Raises:
            JournalUnusable: It could not be written, or would be lost: nothing may be sent.
        """
        self._refuse_child()
        with self._lock:
            self.check()
            db = self._db
            try:
                try:
                    # An interrupt can come between any two steps, the first one included: a transaction that it leaves
                    # open is rolled back here, at the latest by the next writer, or no process could ever write again.
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    db.execute("BEGIN IMMEDIATE")
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    # A failed COMMIT (a full disk, for example) may have ended the transaction already.
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, UnicodeError) as error:
                raise self._unusable("cannot be written", error) from error

    def count(self) -> int:
        """Return the journal's count, which only grows.

        Raises:
            JournalUnusable: It is lost.
        """
        with self.reading() as db:
            row = db.execute("SELECT value FROM counter").fetchone()
        if row is None or type(row[0]) is not int:
            raise JournalUnusable(
                f"{self.path} has lost its count: it cannot be told from an older copy of itself. Restore it from a "
                "backup."
            )
        number: int = row[0]
        return number

    def _prepare(self, synchronous: str) -> None:
        db = self._db
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA cell_size_check = ON")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute(f"PRAGMA synchronous = {synchronous}")
        # On macOS fsync alone leaves data in the drive's cache; elsewhere this changes nothing.
        db.execute("PRAGMA fullfsync = ON")
        db.execute("PRAGMA checkpoint_fullfsync = ON")
        bring_forward(db, self.path, self.writing)

    def _read_meta(self, name: str, without: str) -> bytes:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        if row is None or not isinstance(row[0], bytes):
            raise JournalUnusable(f"{self.path} has lost its {name}: {without}.")
        value: bytes = row[0]
        return value

    def _refuse_child(self) -> None:
        if os.getpid() != self._pid:
            self.check()

    def _unusable(self, what: str, error: Exception) -> JournalUnusable:
        return JournalUnusable(f"The journal {self.path} {what}: {error}. Nothing may be sent without it.")


def _close_in(pid: int, db: sqlite3.Connection) -> None:
    if os.getpid() == pid:
        db.close()
