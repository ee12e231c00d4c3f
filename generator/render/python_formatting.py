"""Format generated Python with a ruff of known version: another one would write other bytes.

ruff gives each argument of a long call a line of its own. In a signature that reads well; a table of facts becomes a
column of words. So the modules that hold tables and lists of names have their lines filled afterwards.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tokenize
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from generator.problems import GeneratorFault

PINNED = "0.17.6"
LINE_LENGTH = 110
_TABLES = frozenset({"error_codes.py", "operations.py", "__init__.py"})


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
        str(LINE_LENGTH),
        "--target-version",
        "py311",
        "--quiet",
        ".",
    ]
    _ruff(folder, "check", "--fix-only", "--select", "F401,F811,I", *common)
    _ruff(folder, "format", *common)
    for file in sorted(folder.rglob("*.py")):
        if file.name in _TABLES:
            file.write_text(filled(file.read_text(encoding="utf-8")), encoding="utf-8")


def filled(source: str) -> str:
    """Return formatted Python in which the members of a bracket that stand alone on their lines share lines.

    A member that itself covers several lines keeps them, and so does a text inside of quotation marks.
    """
    lines = source.splitlines()
    depths, inside_text = _places(source, len(lines))
    result: list[str] = []
    mergeable = False  # whether the last line of the result may take another member
    for number, line in enumerate(lines):
        whole = (
            depths[number] > 0
            and depths[number] == depths[number + 1]
            and line.endswith(",")
            and not inside_text[number]
        )
        if whole and mergeable and len(result[-1]) + 1 + len(line.lstrip()) <= LINE_LENGTH:
            result[-1] = f"{result[-1]} {line.lstrip()}"
        else:
            result.append(line)
        mergeable = whole
    return "\n".join(result) + "\n"


def _places(source: str, count: int) -> tuple[list[int], list[bool]]:
    """Return how many brackets are open before each line, and which lines hold a comment or part of a long text.

    Args:
        source: A Python module.
        count: How many lines it has.
    """
    depths = [0] * (count + 2)
    inside_text = [False] * (count + 1)
    depth, reached = 0, 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        for line in range(reached, token.start[0]):
            depths[line] = depth
        reached = max(reached, token.start[0])
        depth += (token.string in "([{") - (token.string in ")]}") if token.type == tokenize.OP else 0
        if token.type == tokenize.COMMENT or token.start[0] != token.end[0]:
            for line in range(token.start[0] - 1, token.end[0]):
                inside_text[line] = True
    return depths, inside_text


def _ruff(folder: Path, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603  (no shell, our own arguments)
        [sys.executable, "-m", "ruff", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise GeneratorFault(f"ruff {arguments[0]} failed on generated code:\n{done.stdout}{done.stderr}")
