"""One writer per account: a lock that the kernel takes back when its holder dies.

    <state directory>/locks/<account>.lock      held with flock (POSIX) or LockFile (Windows)

The lock itself is the kernel's, so a crash, a kill -9 or a power cut releases it, and a recycled process id can never
be mistaken for the holder. The file's text is only a note for people: which process had it, since when, and which
journal knows what was sent. Everything that the next holder must know is in the account memory.

A lock file that is deleted while it is held excludes no other process any more: the next one makes a new file. So the
holder compares the file at the path with the one it holds before anything is sent.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from pathlib import Path

from paydown.repay.account.lock_holder import Holder
from paydown.repay.errors import AccountBusy, JournalUnusable
from paydown.repay.journal.forks import close_in_children
from paydown.state_directory import make_directories

__all__ = ["AccountLock"]

if sys.platform == "win32":
    import msvcrt

    # The locked byte lies far behind the note: locking a byte on Windows also bars reading it.
    _LOCKED_BYTE = 1 << 30

    def _try_lock(handle: int) -> bool:
        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        # The lock is taken by flock, not by lockf: flock also excludes a second lock of the same process, and closing
        # another descriptor of the file does not drop it.
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class AccountLock:
    """Hold the right to repay for one account, from `take` to `release`.

    Args:
        directory: Where the lock files are; made with owner-only permissions.
        account: Name of the file: a fingerprint, never a key.
    """

    def __init__(self, directory: Path, account: str) -> None:
        self.path = directory / f"{account}.lock"
        self._handle: int | None = None
        self._pid = os.getpid()
        self._holder: Holder | None = None
        close_in_children(self)

    @property
    def held(self) -> bool:
        """Return whether this process holds the lock by this object, and the file at the path is the locked one."""
        handle = self._handle
        return handle is not None and self._pid == os.getpid() and _is_at(self.path, handle)

    def holder(self) -> Holder | None:
        """Return who holds or last held the account, as far as the note can be read."""
        try:
            return Holder.from_text(self.path.read_text(encoding="utf-8"))
        except OSError:
            return None

    def acquire(self, journal: str, now_ms: int) -> Holder | None:
        """Take the lock at once or raise, and write a note.

        Args:
            journal: Path of the journal that will know the attempts.
            now_ms: Now, UTC milliseconds.

        Returns:
            The previous holder's note, if there was one.

        Raises:
            AccountBusy: Another process, or this one, holds it.
            JournalUnusable: The lock file cannot be opened, or this object was made before a fork.
        """
        previous = self.take()
        try:
            self.sign(journal, now_ms)
        except BaseException:
            self.release(clean=False)
            raise
        return previous

    def take(self) -> Holder | None:
        """Take the lock at once or raise. The note stays as it was, so that a refusal leaves no trace.

        Returns:
            The previous holder's note, if there was one.

        Raises:
            AccountBusy: Another process, or this one, holds it; `.holder` names it.
            JournalUnusable: The lock file cannot be opened, or this object was made before a fork.
        """
        if self._pid != os.getpid():
            raise JournalUnusable(
                f"This repayer was made by process {self._pid}, from which this process was forked. Nothing was sent. "
                "Make another one in this process."
            )
        if self._handle is not None:
            raise AccountBusy("This object already holds the account.", holder=self._holder)
        handle = self._locked()
        try:
            previous = Holder.from_text(_read(handle))
        except BaseException:
            os.close(handle)
            raise
        self._holder = None
        self._handle = handle
        return previous

    def sign(self, journal: str, now_ms: int) -> None:
        """Write the note of a lock that is held: which process has it, since when, and where its attempts are written.

        Args:
            journal: Path of the journal that will know the attempts.
            now_ms: Now, UTC milliseconds.
        """
        handle = self._handle
        if handle is not None:
            self._holder = Holder(os.getpid(), socket.gethostname(), now_ms, journal)
            _write_note(handle, self._holder)

    def _locked(self) -> int:
        """Open and lock the file at the path; again, if the file was deleted between the two steps."""
        while True:
            try:
                make_directories(self.path.parent)
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise JournalUnusable(
                    f"The lock file {self.path} cannot be opened: {error.strerror}."
                ) from error
            try:
                if not _try_lock(handle):
                    holder = self.holder()
                    who = str(holder) if holder is not None else "another process"
                    raise AccountBusy(
                        f"{who} is repaying for this account. Nothing was sent. Wait for it to end, or stop it.",
                        holder=holder,
                    )
                if _is_at(self.path, handle):
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def forked(self) -> None:
        """Close the inherited descriptor in a forked child: it would keep the lock after the parent has died."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def release(self, *, clean: bool) -> None:
        """Release the lock.

        Args:
            clean: Whether no attempt of this process is open; a note that was signed records it.
        """
        handle, self._handle = self._handle, None
        if handle is None:
            return
        try:
            if self._pid == os.getpid() and self._holder is not None and clean:
                held = self._holder
                with contextlib.suppress(OSError):  # the note is a help, the kernel's lock is the rule
                    _write_note(handle, Holder(held.pid, held.host, held.since_ms, held.journal, clean=True))
        finally:
            os.close(handle)


def _is_at(path: Path, handle: int) -> bool:
    """Return whether an open file is the one at a path."""
    try:
        at_path = path.stat()
    except OSError:
        return False
    return os.path.samestat(at_path, os.fstat(handle))


def _read(handle: int) -> str:
    os.lseek(handle, 0, os.SEEK_SET)
    return os.read(handle, 4096).decode("utf-8", "replace")


def _write_note(handle: int, holder: Holder) -> None:
    text = json.dumps(holder.to_json()).encode()
    os.lseek(handle, 0, os.SEEK_SET)
    os.ftruncate(handle, 0)
    os.write(handle, text)  # not synced: after a power cut the account memory holds what matters
