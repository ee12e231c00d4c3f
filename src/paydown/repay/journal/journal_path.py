"""The path of a journal: made usable, in folders for their owner alone, with names that survive a power cut."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from paydown.errors import InvalidRequest
from paydown.repay.errors import JournalUnusable
from paydown.state_directory import make_directories

__all__ = ["checked_path", "make_folders", "sync_folder"]


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Return an absolute path, with `~` as the home directory.

    Raises:
        InvalidRequest: It is empty, as an unset variable is, or names no file.
    """
    text = os.fspath(path)
    if not text.strip():
        raise InvalidRequest(
            "The journal's path is empty (an unset variable?). Write a file name, or leave it out.",
            parameter="journal",
        )
    if text == ":memory:":
        raise InvalidRequest(
            "A journal in memory is lost with its process. Write the name of a file.", parameter="journal"
        )
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise InvalidRequest(
            f"{text} names no home directory ({error}). Write the whole path.", parameter="journal"
        ) from error


def make_folders(path: Path) -> None:
    """Make the folders of a new journal, readable by their owner alone under any umask.

    Raises:
        JournalUnusable: They cannot be made.
    """
    try:
        make_directories(path.parent)
    except OSError as error:
        raise JournalUnusable(f"The folder of the journal {path} cannot be made: {error}.") from error


def sync_folder(folder: Path) -> None:
    """Make the names of a folder's files durable, so that a power cut cannot lose a file that was just made.

    Windows has no such call, and needs none: NTFS logs names itself.
    """
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
