"""Write a tree of files aside, compare it with another, and put it in place in one step.

Nothing is ever written into the folder that is in use: a run that fails leaves it as it was.
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
    """How a folder differs from what it should be. Paths are relative, with forward slashes.

    Attributes:
        changed: In both, with other bytes.
        missing: Should be there and is not.
        orphans: Is there and should not be.
    """

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    orphans: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing or self.orphans)


@contextmanager
def staging(target: Path) -> Generator[Path]:
    """Give an empty folder beside `target`, and remove whatever is left of it afterwards."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write text files below `folder`, with line feeds on every system.

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
    """Return how `present` differs from `wanted`, as whole trees."""
    return Difference(
        changed=tuple(name for name in wanted if name in present and present[name] != wanted[name]),
        missing=tuple(name for name in wanted if name not in present),
        orphans=tuple(name for name in present if name not in wanted),
    )


def swap(fresh: Path, target: Path) -> None:
    """Put `fresh` in the place of `target`.

    Raises:
        GeneratorFault: `target` holds files and no manifest: it was not written by this generator.
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
