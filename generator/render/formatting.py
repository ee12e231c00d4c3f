"""Format generated Python with a ruff of known version: another one would write other bytes."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from generator.problems import GeneratorFault

PINNED = "0.17.6"
_LINE_LENGTH = "110"


def check_pin() -> None:
    """Stop unless ruff is exactly the version that the committed client was formatted with."""
    try:
        found = version("ruff")
    except PackageNotFoundError:
        found = "none"
    if found != PINNED:
        raise GeneratorFault(f"ruff {PINNED} is needed, found {found}. Run: pip install ruff=={PINNED}")


def format_tree(folder: Path) -> None:
    """Drop unused imports, sort the others and lay out every Python file below `folder`, in place."""
    common = [
        "--isolated",
        "--no-cache",
        "--line-length",
        _LINE_LENGTH,
        "--target-version",
        "py311",
        "--quiet",
        ".",
    ]
    _ruff(folder, "check", "--fix-only", "--select", "F401,F811,I", *common)
    _ruff(folder, "format", *common)


def _ruff(folder: Path, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603  (no shell, our own arguments)
        [sys.executable, "-m", "ruff", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise GeneratorFault(f"ruff {arguments[0]} failed on generated code:\n{done.stdout}{done.stderr}")
