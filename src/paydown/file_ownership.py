"""Find out whether a file is paydown's own before anything about it is changed.

A mistyped path must not damage a foreign file: a database of another program would get a table and a write-ahead log, a
device or a folder other permissions, a symbolic link's target a change that its owner does not expect. So the file is
looked at first, by its kind and by its first bytes, without SQLite, which changes files when it opens them. Only a path
without a file, a file of ours, or an empty file that we left behind is used.

A database carries the name of its program in its header: `PRAGMA application_id`, at byte 68 (https://sqlite.org/fileformat.html,
1.3). While it has a write-ahead log, its newest header may be in the log (4.1 there), so that is read too.
"""

from __future__ import annotations

import os
import stat
from enum import Enum
from pathlib import Path
from typing import Final

__all__ = ["FileNotOurs", "Found", "claim", "inspect"]

_MAGIC: Final = b"SQLite format 3\x00"
_HEADER: Final = 100
_LARGEST_PAGE: Final = 65_536
_LOG_MAGIC: Final = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_ROLLBACK_MAGIC: Final = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a symbolic link; name the file itself"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class FileNotOurs(OSError):
    """The file is not paydown's, or cannot be looked at. Nothing about it was changed. The text names the reason."""


class Found(Enum):
    """What exists at a path: nothing, a file without content that is this user's alone, or a database of ours."""

    ABSENT = "absent"
    EMPTY = "empty"
    OURS = "ours"


def inspect(path: Path, application_id: int, *, sign: bytes = b"") -> Found:
    """Return what exists at `path`, without changing anything.

    Args:
        path: Where a database of ours is, or shall be.
        application_id: The number that the header of a database of ours holds.
        sign: Text in the first page of databases that were made before they had an `application_id`; b"" for none.

    Raises:
        FileNotOurs: Something else stands there, or it cannot be looked at.
    """
    return _inspect(path, application_id, sign)[0]


def claim(path: Path, application_id: int, *, sign: bytes = b"") -> tuple[int, int]:
    """Create the file for its owner alone, or take the one that is ours; then no other user may read it.

    Args:
        path: The file. Its folder must exist.
        application_id: The number that the header of a database of ours holds.
        sign: As for `inspect`.

    Returns:
        Device and inode, which identify the file even if another takes its name.

    Raises:
        FileNotOurs: Something else stands there, or the file cannot be made. Nothing was changed.
    """
    found, status = _inspect(path, application_id, sign)
    try:
        if found is Found.ABSENT:
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _flags(), 0o600)
            except FileExistsError:  # another process was faster
                found, status = _inspect(path, application_id, sign)
            else:
                try:
                    os.fsync(handle)
                    status = os.fstat(handle)
                finally:
                    os.close(handle)
        assert status is not None  # absent twice in a row would have raised  # noqa: S101
        if os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077:
            _close_to_others(path, status)
    except FileNotOurs:
        raise
    except OSError as error:
        raise _failure(path, error) from error
    return status.st_dev, status.st_ino


def _close_to_others(path: Path, status: os.stat_result) -> None:
    handle = os.open(path, os.O_RDONLY | _flags())
    try:
        now = os.fstat(handle)
        if (now.st_dev, now.st_ino) != (status.st_dev, status.st_ino):
            raise FileNotOurs(f"{_shown(path)} was replaced while it was looked at. Nothing was changed.")
        os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def _inspect(path: Path, application_id: int, sign: bytes) -> tuple[Found, os.stat_result | None]:
    try:
        for suffix in ("-wal", "-shm", "-journal"):
            _check_sibling(Path(f"{path}{suffix}"))
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return Found.ABSENT, None
        _check_kind(path, status)
        head = _first_bytes(path, _LARGEST_PAGE)
        if not head:
            # An empty file that no other user may read was made by us and never filled. Any other empty file is not
            # ours.
            if os.name == "posix" and (stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.geteuid()):
                raise FileNotOurs(
                    f"{_shown(path)} is an empty file that paydown did not make. Delete it, or choose another."
                )
            return Found.EMPTY, status
        if not head.startswith(_MAGIC) or len(head) < _HEADER:
            raise FileNotOurs(
                f"{_shown(path)} is no database of paydown, or is damaged. Choose another file; if it was paydown's, "
                "stop all paydown processes and move it away."
            )
        page = _newest_page(path, head)
        if int.from_bytes(page[68:72], "big") != application_id and not (sign and sign in page):
            raise FileNotOurs(f"{_shown(path)} is a database of another program. Choose another file.")
    except FileNotOurs:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name that no system takes
        raise _failure(path, error) from error
    return Found.OURS, status


def _check_kind(path: Path, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kind = next((name for test, name in _KINDS if test(status.st_mode)), "no regular file")
    raise FileNotOurs(f"{_shown(path)} is {kind}. Choose a file of its own for paydown.")


def _check_sibling(path: Path) -> None:
    """Refuse a foreign file next to the database that SQLite would take for a log of the database, and change."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    _check_kind(path, status)
    start = _first_bytes(path, 8)
    wal, rollback = path.name.endswith("-wal"), path.name.endswith("-journal")
    if start and (
        (wal and not start.startswith(_LOG_MAGIC))
        or (rollback and start not in (_ROLLBACK_MAGIC, bytes(8)))  # zeros: a journal that is done with
    ):
        raise FileNotOurs(
            f"{_shown(path)} is not SQLite's, and would be overwritten. Choose another name for paydown's file."
        )


def _first_bytes(path: Path, count: int) -> bytes:
    handle = os.open(path, os.O_RDONLY | _flags())
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise FileNotOurs(f"{_shown(path)} was replaced while it was looked at. Nothing was changed.")
        return os.read(handle, count)
    finally:
        os.close(handle)


def _newest_page(path: Path, head: bytes) -> bytes:
    """Return the first page of a database: from its log if a finished transaction wrote it there, else `head`."""
    try:
        log = os.open(f"{path}-wal", os.O_RDONLY | _flags())
    except FileNotFoundError:
        return head
    with os.fdopen(log, "rb") as file:
        start = file.read(32)
        size = int.from_bytes(start[8:12], "big") if len(start) == 32 else 0
        if not start.startswith(_LOG_MAGIC) or size not in (1 << shift for shift in range(9, 17)):
            return head
        newest = pending = head
        while len(frame := file.read(24)) == 24 and frame[8:16] == start[16:24]:
            if int.from_bytes(frame[:4], "big") == 1:
                pending = file.read(size)
            else:
                file.seek(size, os.SEEK_CUR)
            if frame[4:8] != bytes(4):  # the last frame of a transaction
                newest = pending
        return newest


def _flags() -> int:
    """Return the flags for opening a file: follow no link, do not wait for a pipe, do not pass it on to a child."""
    names = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY")
    return sum(getattr(os, name, 0) for name in names)


def _failure(path: Path, error: OSError | ValueError) -> FileNotOurs:
    reason = getattr(error, "strerror", None) or str(error)
    return FileNotOurs(f"{_shown(path)} cannot be used: {reason}.")


def _shown(path: Path) -> str:
    """Return a path for a sentence: short, and without characters that a terminal would obey."""
    text = str(path)
    safe = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
    return safe if len(safe) <= 200 else f"{safe[:120]}…{safe[-60:]}"
