"""Make the file of `--data`, or take it if it is a sandbox's: readable by its owner alone, since it holds secrets.

SQLite changes a database by opening it (a write-ahead log, a table), so the file's kind and its first bytes are
examined before. Any other file is refused and stays as it was. A folder that is missing is not made.
"""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

__all__ = ["APPLICATION_ID", "FileRefused", "claim"]

APPLICATION_ID = 0x70797362  # "pysb": at byte 68 of a database, https://sqlite.org/fileformat.html, 1.3
# The beginning of a sandbox's file that was made before the sandbox set `APPLICATION_ID`.
_SIGN = b"CREATE TABLE world (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, state TEXT NOT NULL)"
_MAGIC = b"SQLite format 3\x00"
_LARGEST_PAGE = 65_536
_FLAGS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))


class FileRefused(Exception):
    """The path cannot be the sandbox's file. Nothing was changed. The text gives the reason and the remedy."""


def claim(path: Path) -> None:
    """Make the file, or take one that is a sandbox's, and leave it readable by its owner alone.

    Raises:
        FileRefused: The path is something else, or the file cannot be made.
    """
    try:
        if not path.parent.is_dir():
            raise FileRefused(
                f"{_shown(path.parent)} is no folder. Make it first: mkdir -p -m 700 {shlex.quote(_shown(path.parent))}"
            )
        for suffix in ("-wal", "-shm", "-journal"):
            companion = Path(f"{path}{suffix}")
            if os.path.lexists(companion):
                _check_kind(companion)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600))
        except FileExistsError:
            _take(path)
    except OSError as error:
        raise FileRefused(f"{_shown(path)} cannot be used: {error.strerror or error}.") from error
    except ValueError as error:  # the operating system takes no such name, for example one with a NUL
        raise FileRefused(f"{_shown(path)} cannot be used: {error}.") from error


def _take(path: Path) -> None:
    _check_kind(path)
    handle = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        found = os.fstat(handle)
        shared = os.name == "posix" and bool(stat.S_IMODE(found.st_mode) & 0o077)
        page = os.read(handle, _LARGEST_PAGE)
        if not page and shared:
            raise FileRefused(
                f"{_shown(path)} is an empty file that no sandbox made. Delete it, or name another."
            )
        ours = int.from_bytes(page[68:72], "big") == APPLICATION_ID or _SIGN in page
        if page and not (page.startswith(_MAGIC) and ours):
            raise FileRefused(f"{_shown(path)} is a file of something else. Name another for --data.")
        if shared:
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def _check_kind(path: Path) -> None:
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise FileRefused(f"{_shown(path)} is no regular file. Name another for --data.")


def _shown(path: Path) -> str:
    text = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(path))
    return text if len(text) <= 200 else f"{text[:120]}…{text[-60:]}"
