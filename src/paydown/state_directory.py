r"""The directory for everything that must outlive a process: the journal of attempts and the budget of request weight.

    Linux, BSD   $XDG_STATE_HOME/paydown, else ~/.local/state/paydown
    macOS        ~/Library/Application Support/paydown
    Windows      %LOCALAPPDATA%\paydown

The directory belongs to one user alone. It holds no secret, but what a person owes and when they pay is
private, and a budget or journal that others can write proves nothing.

Sources: XDG Base Directory Specification 0.8 (a relative XDG_STATE_HOME is to be ignored); Apple, File System
Programming Guide; Microsoft, KNOWNFOLDERID FOLDERID_LocalAppData.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["StateDirectoryUnusable", "make_directories", "private_directory", "state_directory"]


class StateDirectoryUnusable(OSError):
    """The state directory cannot be made, or is not the user's alone. The text names the directory and the reason."""


def state_directory(environment: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Return the directory for this user's state. It is not created; see `private_directory`.

    Args:
        environment: Variables to look at, normally those of the process.
        platform: `sys.platform` of the system to answer for.

    Raises:
        StateDirectoryUnusable: The user has no home directory, as in some containers.
    """
    variables = os.environ if environment is None else environment
    if platform == "win32":
        base = variables.get("LOCALAPPDATA", "")
        return (Path(base) if base else _home(variables) / "AppData" / "Local") / "paydown"
    if platform == "darwin":
        return _home(variables) / "Library" / "Application Support" / "paydown"
    base = variables.get("XDG_STATE_HOME", "")
    if base and Path(base).is_absolute():
        return Path(base) / "paydown"
    return _home(variables) / ".local" / "state" / "paydown"


def _home(variables: Mapping[str, str]) -> Path:
    named = variables.get("HOME", "")
    if named and Path(named).is_absolute():
        return Path(named)
    try:
        return Path.home()
    except RuntimeError:
        raise StateDirectoryUnusable(
            "No home directory for paydown's state: set HOME, or XDG_STATE_HOME, or pass a path."
        ) from None


def make_directories(path: Path) -> None:
    """Make `path` and the parents that are missing, each for its owner alone, under any umask of the process.

    `Path.mkdir(parents=True)` gives parents the permissions of the umask: with umask 0, any user could put files there.

    Raises:
        OSError: One of them cannot be made, or is no directory.
    """
    missing: list[Path] = []
    while not path.is_dir():
        missing.append(path)
        if path.parent == path:
            break
        path = path.parent
    for each in reversed(missing):
        try:
            each.mkdir(mode=0o700)
        except FileExistsError:  # another process was faster, unless it is a file
            if not each.is_dir():
                raise


def private_directory(path: Path) -> Path:
    """Make `path` and its parents, and see to it that only its owner may enter it.

    Raises:
        StateDirectoryUnusable: It cannot be made, is no directory, or belongs to another user.
    """
    try:
        make_directories(path)
        if os.name == "posix":
            found = path.stat()
            if found.st_uid != os.geteuid():
                raise StateDirectoryUnusable(f"{path} belongs to another user; state must be your own.")
            if stat.S_IMODE(found.st_mode) & 0o077:
                path.chmod(0o700)
    except StateDirectoryUnusable:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name that no system takes
        reason = getattr(error, "strerror", None) or str(error)
        raise StateDirectoryUnusable(f"{path} cannot be used for paydown's state: {reason}.") from error
    return path
