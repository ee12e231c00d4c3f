"""Read the recipes of CONTRIBUTING.md as steps that a program can apply to a copy of the tree.

The sentence before a fenced block states what to do with it:

    **New file** `path`                                    the block is the file
    **Append to** `path`                                   the block goes to its end
    **In** `path`, **after the line** `beginning`          the block goes behind that line
    **In** `path`, **before the line** `beginning`         the block goes in front of it
    **In** `path`, **instead of the line** `beginning`     the block replaces it
    **Run**, it passes                                     every command ends with exit code 0
    **Run**, it fails with `text`                          the last command fails, and prints the text
    **Try**, with `.venv/bin/python`                       the block is a program whose assertions hold
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_RECIPE = re.compile(r"^## Recipe: (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_TICKED = r"(?:`` ?(.+?) ?``|`(.+?)`)"
_EDIT = re.compile(
    rf"\*\*(New file|Append to|In)\*\* `([^`]+)`(?:, \*\*(after|before|instead of) the line\*\* {_TICKED})?$"
)
_RUN = re.compile(rf"\*\*Run\*\*, it (passes|fails with {_TICKED})$")
_TRY = "**Try**, with `.venv/bin/python`"


@dataclass(frozen=True, slots=True)
class Step:
    """One fenced block, and what to do with it.

    Attributes:
        order: "new file", "append to", "after", "before", "instead of", "run" or "try".
        block: The text of the block, without the indentation of the list that it stands in.
        path: The file that is edited, relative to the root of the tree; empty for "run" and "try".
        anchor: How the line begins that an edit names, or what a command that fails prints.
    """

    order: str
    block: str
    path: str = ""
    anchor: str = ""

    @property
    def edits(self) -> bool:
        """Return whether the step changes a file."""
        return self.order not in ("run", "try")


def _step(sentence: str, block: str) -> Step:
    edit, run = _EDIT.fullmatch(sentence), _RUN.fullmatch(sentence)
    if edit is not None:
        kind, path, place, doubled, single = edit.groups()
        if (kind == "In") == (place is None):
            raise ValueError(f"name the line of the file, or none: {sentence}")
        return Step(place or kind.lower(), block, path, doubled or single or "")
    if run is not None:
        return Step("run", block, anchor=run[2] or run[3] or "")
    if sentence == _TRY:
        return Step("try", block)
    raise ValueError(
        f"the line before a block states what to do with it, and this one does not: {sentence!r}"
    )


def recipes(page: str) -> dict[str, list[Step]]:
    """Return the steps of every recipe of the page, by its name, in the order of the page."""
    parts = _RECIPE.split(page)[1:]
    found: dict[str, list[Step]] = {}
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        found[name] = []
        for match in _BLOCK.finditer(text):
            indent = match[1]
            lines = [line.removeprefix(indent) for line in match[3].splitlines(keepends=True)]
            sentence = text[: match.start()].rstrip().rsplit("\n", 1)[-1].strip()
            found[name].append(_step(sentence, "".join(lines)))
    return found


def apply_edit(root: Path, step: Step) -> None:
    """Make the edit of a step in the tree below `root`.

    Raises:
        ValueError: The file or the line that the step names is not there, or stands there twice.
    """
    path = root / step.path
    if path.exists() == (step.order == "new file"):
        raise ValueError(f"{step.path}: a new file must not exist, and one that is changed must")
    if step.order == "new file":
        path.write_text(step.block, encoding="utf-8")
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if step.order == "append to":
        lines.append(step.block)
    else:
        places = [number for number, line in enumerate(lines) if line.lstrip().startswith(step.anchor)]
        if len(places) != 1:
            raise ValueError(f"{step.path}: {len(places)} lines begin with {step.anchor!r}, one is needed")
        first = places[0] + (step.order == "after")
        lines[first : first + (step.order == "instead of")] = [step.block]
    path.write_text("".join(lines), encoding="utf-8")


def copy_tree(root: Path) -> None:
    """Copy every tracked file of the project to `root`, and make it a Python tree of its own."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        source, target = ROOT / name, root / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())


def run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a Python of this environment in the copy, which finds the copy's packages before the installed ones."""
    path = os.pathsep.join(str(root / name) for name in ("src", "generated_client", "."))
    return subprocess.run(
        [sys.executable, *command],
        cwd=root,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def commands(step: Step) -> list[list[str]]:
    """Return the arguments of each command of a "run" step, without the interpreter that all of them begin with."""
    found = [shlex.split(line) for line in step.block.splitlines()]
    if any(words[0] != ".venv/bin/python" for words in found):
        raise ValueError(f"a command of a recipe begins with .venv/bin/python: {step.block}")
    return [words[1:] for words in found]
