"""Write a tree of files aside, compare it with another, and put it in place in one step.

Nothing is ever written into the folder that is in use, so a run that fails leaves that folder as it was.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from generator.problems import GeneratorFault
from generator.quoting import visible

MANIFEST = "manifest.json"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.]*(/[A-Za-z0-9_][A-Za-z0-9_.]*)*")
_IGNORED = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".DS_Store"})


@dataclass(frozen=True, slots=True)
class Difference:
    """Hold how a folder differs from the wanted one. Paths are relative, with forward slashes.

    Attributes:
        changed: Files in both, with other bytes.
        missing: Wanted files that are not there.
        orphans: Files that are there and are not wanted.
    """

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    orphans: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing or self.orphans)


@contextmanager
def staging(target: Path) -> Generator[Path]:
    """Yield an empty folder next to `target`, and remove what is left of it afterwards.

    Args:
        target: The folder that is to be replaced; its parent is made if needed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write text files below a folder, with line feeds on every system.

    Args:
        folder: Where to write.
        files: Text of each file, keyed by relative path.

    Raises:
        GeneratorFault: A name is not made of plain parts, and might lead out of the folder.
    """
    for name, text in files.items():
        if not _PLAIN_PATH.fullmatch(name):
            raise GeneratorFault(f"{visible(name)!r} is not the path of a file below {folder.name}")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def read(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder` but caches, keyed by relative path, sorted."""
    if not folder.is_dir():
        return {}
    paths = (
        path
        for path in folder.rglob("*")
        if path.is_file() and not _IGNORED.intersection(path.relative_to(folder).parts)
    )
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}


def compare(present: Mapping[str, bytes], wanted: Mapping[str, bytes]) -> Difference:
    """Return how one tree of files differs from another.

    Args:
        present: Content of the files that are there, keyed by relative path.
        wanted: Content of the files that should be there.
    """
    return Difference(
        changed=tuple(name for name in wanted if name in present and present[name] != wanted[name]),
        missing=tuple(name for name in wanted if name not in present),
        orphans=tuple(name for name in present if name not in wanted),
    )


def swap(fresh: Path, target: Path) -> None:
    """Put a finished folder in the place of another, in one step.

    Args:
        fresh: The finished folder; it is moved.
        target: The folder to replace, which need not exist.

    Raises:
        GeneratorFault: `target` holds files and no manifest, so this generator did not write it.
    """
    if read(target) and not (target / MANIFEST).is_file():
        raise GeneratorFault(f"{target} holds files that this generator did not write. Name an empty folder.")
    if not target.exists():
        os.replace(fresh, target)
        return
    with staging(target) as aside:
        old = aside / "old"
        os.replace(target, old)
        try:
            os.replace(fresh, target)
        except OSError:
            os.replace(old, target)
            raise
