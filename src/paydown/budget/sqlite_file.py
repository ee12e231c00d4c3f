"""The file under `sqlite.SqliteBudget`: found, made private, opened, checked, and safe across `fork`.

SQLite must not be carried over a `fork`: a child that inherits an open connection believes to hold locks
which it does not hold, and two processes would end up in two budgets
(https://sqlite.org/howtocorrupt.html, 2.6). So every open file is closed right before Python forks and opened
again, on both sides, when needed.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from pathlib import Path

from paydown.budget.protocol import BudgetUnavailable
from paydown.file_ownership import FileNotOurs, claim
from paydown.state_directory import (
    StateDirectoryUnusable,
    make_directories,
    private_directory,
    state_directory,
)

__all__ = ["BudgetFile"]

_SCHEMA = 1
_APPLICATION_ID = 0x70796462  # "pydb": by which the file is known to be ours before anything is changed
# The first bytes of files that were made before files had an application id.
_SIGN = b"CREATE TABLE ledger (\n    scope TEXT PRIMARY KEY,     -- address of the exchange"
# A table with row ids: SQLite keeps a row of up to 4 KB in one page, and without row ids only up to 1 KB, beyond which
# each change writes four pages.
_CREATE = """
CREATE TABLE ledger (
    scope TEXT PRIMARY KEY,     -- address of the exchange
    version INTEGER NOT NULL,   -- grows by one with every change, from a random number
    boot TEXT NOT NULL,         -- boot of the machine in which `tick` was read
    tick INTEGER NOT NULL,      -- ms of the machine's oscillator at the last change
    wall INTEGER NOT NULL,      -- UTC ms at the last change
    names TEXT NOT NULL,        -- counters, one per line
    state BLOB NOT NULL         -- see Gate.to_numbers: 64-bit integers
)
"""

# The longest wait at the end of the interpreter for a statement of a daemon thread, seconds.
_LAST_STATEMENT_S = 0.5

_ADVICE = {
    sqlite3.SQLITE_BUSY: "another process holds it; is one stopped in a debugger?",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_NOTADB: "it is damaged; stop all paydown processes, delete it and wait a minute",
    sqlite3.SQLITE_CORRUPT: "it is damaged; stop all paydown processes, delete it and wait a minute",
}


class BudgetFile:
    """One SQLite file, opened at the first use. Hold `lock` during every use.

    Args:
        path: The file; `None` takes `budget.sqlite3` in the state directory.
        busy_timeout_ms: How long a statement waits for another process.
    """

    def __init__(self, path: Path | None, busy_timeout_ms: int) -> None:
        self._chosen = path
        self._busy_timeout_ms = busy_timeout_ms
        self._connection: sqlite3.Connection | None = None
        self._closing: weakref.finalize[..., BudgetFile] | None = None
        self._identity: tuple[int, int] | None = None
        self._log_identity: tuple[int, int] | None = None  # of SQLite's -wal file, once there is one
        self.lock = threading.Lock()
        self.pid = os.getpid()
        _files.add(self)

    @property
    def path(self) -> Path:
        """Return the path of the file.

        Raises:
            BudgetUnavailable: There is no state directory for this user.
        """
        if self._chosen is not None:
            return self._chosen
        try:
            return state_directory() / "budget.sqlite3"
        except StateDirectoryUnusable as error:
            raise BudgetUnavailable(f"No place for the shared budget: {error}") from error

    @property
    def connection(self) -> sqlite3.Connection:
        """Return the connection to the open database.

        Raises:
            BudgetUnavailable: The file or its directory cannot be made or opened.
            sqlite3.Error: It is not usable as a budget; see `explain`.
        """
        return self._connection or self._open()

    def _open(self) -> sqlite3.Connection:
        path = self.path
        try:
            if self._chosen is None:
                private_directory(path.parent)
            else:  # a directory that the user chose may have other uses
                make_directories(path.parent)
            # SQLite gives its -wal and -shm files the permissions of the database.
            found = claim(path, _APPLICATION_ID, sign=_SIGN)
        except FileNotOurs as error:
            raise BudgetUnavailable(f"The shared budget cannot be used: {error}") from error
        except (OSError, ValueError) as error:
            raise BudgetUnavailable(
                f"The shared budget {str(path)!r:.200} cannot be opened: {error}"
            ) from error
        connection = sqlite3.connect(
            path, timeout=self._busy_timeout_ms / 1000, isolation_level=None, check_same_thread=False
        )
        try:
            # The table with the application id is made before the write-ahead log is turned on, so that a process that
            # inspects the file before the log is written back finds the id in the file itself.
            self._make_table(connection)
            self._use_write_ahead_log(connection)
            # Changes are not flushed to the disk one by one: after a power cut the minute is over anyway, and SQLite
            # reads a log that was cut off up to the cut.
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        # The file is also closed when its budget or client is dropped without `close()`, and when the interpreter ends.
        self._closing = weakref.finalize(self, _close_dropped, connection, self.lock, os.getpid())
        self._identity = found
        return connection

    def _use_write_ahead_log(self, connection: sqlite3.Connection) -> None:
        # Turning WAL mode on needs the file alone for a moment, and SQLite does not wait for that by itself.
        deadline = time.monotonic() + self._busy_timeout_ms / 1000
        while True:
            try:
                mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.002)
        if mode != "wal":
            raise sqlite3.NotSupportedError("its file system cannot share memory; use a local disk")

    def _make_table(self, connection: sqlite3.Connection) -> None:
        schema = connection.execute("PRAGMA user_version").fetchone()[0]
        if schema == 0:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                connection.execute(_CREATE)
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {_SCHEMA}")
            connection.execute("COMMIT")
        elif schema != _SCHEMA:
            raise sqlite3.NotSupportedError(f"it was written by another version of paydown (schema {schema})")

    def vanished(self) -> bool:
        """Return whether the file was removed or replaced under the open connection."""
        if self._connection is None:
            return False
        identity, log = (_identity(f"{self.path}{suffix}") for suffix in ("", "-wal"))
        if self._log_identity is None:
            self._log_identity = log
        return identity != self._identity or log != self._log_identity

    def close(self) -> None:
        """Close the file, if it is open. It opens again when needed."""
        connection, self._connection = self._connection, None
        self._log_identity = None
        if self._closing is not None:
            self._closing.detach()
            self._closing = None
        if connection is not None:
            connection.close()

    def explain(self, error: sqlite3.Error) -> BudgetUnavailable:
        """Return the error that names what is wrong with the file and what to do about it."""
        code = getattr(error, "sqlite_errorcode", None)
        advice = _ADVICE.get(code & 0xFF) if isinstance(code, int) else None
        reason = f"{advice} ({error})" if advice else str(error)
        return BudgetUnavailable(f"The shared budget {self.path} cannot be used: {reason}.")

    def renew_lock(self) -> None:
        """Replace the lock in a child made by `fork`: a lock that the parent holds is never released there."""
        self.lock = threading.Lock()
        self.pid = os.getpid()


def _close_dropped(connection: sqlite3.Connection, lock: threading.Lock, pid: int) -> None:
    """Close a connection whose owner was dropped without closing it, or is still open when the interpreter ends."""
    # A child that was forked without Python's knowledge must not close the connection: that would release the locks of
    # its parent, and write the parent's log into the file.
    if pid != os.getpid():
        return
    # A daemon thread may be in the middle of a statement when the interpreter ends.
    if lock.acquire(timeout=_LAST_STATEMENT_S):
        try:
            connection.close()
        finally:
            lock.release()


def _identity(path: str) -> tuple[int, int] | None:
    """Return device and inode, which identify a file even if another takes its name."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


_files: weakref.WeakSet[BudgetFile] = weakref.WeakSet()
_held: list[BudgetFile] = []


def _before_fork() -> None:
    for file in list(_files):
        file.lock.acquire()
        file.close()
        _held.append(file)


def _after_fork_in_parent() -> None:
    while _held:
        _held.pop().lock.release()


def _after_fork_in_child() -> None:
    while _held:
        _held.pop().renew_lock()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
