"""Read the files of a document within bounds, before anything is built of them.

A document may come from elsewhere, and a few lines of it can mean billions of values (aliases of aliases), ten thousand
levels, or a file that never ends. So a file must be a regular one inside the folder, YAML is looked at event by event,
which costs no more than its text and no stack, and what is too deep or too large is refused with its line.
"""

from __future__ import annotations

import itertools
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

import yaml

from generator.problems import DocumentRefused, Problem

MOST_FILES = 1_000
LARGEST_FILE = 4 * 1024 * 1024
# Values of a file once its aliases are written out, and of the bundled document. Today's has 20,000.
LARGEST_TREE = 200_000
DEEPEST = 60
MOST_DIGITS = 300
# A $ref to what is put in place, which holds such a $ref, and so on.
LONGEST_CHAIN = 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


class TooMuch(ValueError):
    """A text is beyond a bound. `line` is where, from 1, or 0."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def read_files(folder: Path, suffixes: Iterable[str]) -> dict[str, bytes]:
    """Return the content of files below a folder, keyed by relative path, sorted.

    Args:
        folder: Folder of the document.
        suffixes: Endings of the names to read, with the dot.

    Raises:
        DocumentRefused: One of them is no regular file of this folder, has an odd name, or is too large.
    """
    known = frozenset(suffixes)
    found = [path for path in itertools.islice(folder.rglob("*"), MOST_FILES * 10) if path.suffix in known]
    problems: list[Problem] = []
    if len(found) > MOST_FILES:
        problems.append(
            Problem(
                ".", 0, "", f"more than {MOST_FILES} files.", "the folder of the document, and nothing else."
            )
        )
        found = []
    root = folder.resolve()
    files: dict[str, bytes] = {}
    for path in sorted(found):
        name = path.relative_to(folder).as_posix()
        try:
            if path.is_dir():
                continue
            files[name] = _content(path, name, root)
        except TooMuch as error:
            remedy = (
                "a regular file inside the folder, of a few hundred kilobytes at most, with a plain name."
            )
            problems.append(Problem(name, 0, "", error.reason, remedy))
    if problems:
        raise DocumentRefused(problems)
    return files


def _content(path: Path, name: str, root: Path) -> bytes:
    if not _NAME.fullmatch(name):
        # The name goes into the head of every file that is generated from it.
        raise TooMuch(0, "the name holds other signs than letters, digits, `.`, `-` and `_`.")
    try:
        if not path.resolve().is_relative_to(root):
            raise TooMuch(0, "a link that leaves the folder of the document.")
        # Without O_NONBLOCK a pipe would wait for its other end for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise TooMuch(0, "no regular file.")
            with os.fdopen(handle, "rb", closefd=False) as file:
                content = file.read(LARGEST_FILE + 1)
        finally:
            os.close(handle)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
        raise TooMuch(0, f"cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if len(content) > LARGEST_FILE:
        raise TooMuch(0, f"larger than {LARGEST_FILE // 1024**2} MiB.")
    return content


def check_yaml(content: bytes) -> None:
    """Count what a YAML text unfolds to, aliases included, without building it.

    Raises:
        TooMuch: It is too deep or too large, or an alias leads into itself.
        yaml.YAMLError: It is no YAML.
    """
    around: list[tuple[str | None, int]] = []  # (anchor, size before) of the collections that are open
    sizes: dict[str, tuple[int, int]] = {}  # anchor -> (values, levels)
    total = 0
    levels = [0]
    for event in yaml.parse(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        line = event.start_mark.line + 1 if event.start_mark is not None else 0
        size, deep = 1, 0
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise TooMuch(
                    line, f"the alias *{event.anchor} stands inside of what it means, or means nothing."
                )
            size, deep = sizes[event.anchor]
        elif isinstance(event, yaml.CollectionStartEvent):
            around.append((event.anchor, total))
            levels.append(0)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = around.pop()
            size, deep = 0, levels.pop() + 1
            if anchor is not None:
                sizes[anchor] = (total - before, deep)
        elif isinstance(event, yaml.ScalarEvent):
            if event.anchor is not None:
                sizes[event.anchor] = (1, 0)
        else:
            continue
        total += size
        levels[-1] = max(levels[-1], deep)
        if len(around) + levels[-1] > DEEPEST:
            raise TooMuch(line, f"more than {DEEPEST} levels deep.")
        if total > LARGEST_TREE:
            raise TooMuch(line, f"more than {LARGEST_TREE} values, aliases written out.")


def check_tree(value: object) -> None:
    """Refuse data of a JSON file that is too deep or too large, or a text that is none.

    Raises:
        TooMuch: With the reason.
    """
    pending: list[tuple[object, int]] = [(value, 0)]
    count = 0
    while pending:
        node, depth = pending.pop()
        count += 1
        if depth > DEEPEST or count > LARGEST_TREE:
            raise TooMuch(0, f"more than {DEEPEST} levels deep, or more than {LARGEST_TREE} values.")
        if isinstance(node, dict):
            for key, child in node.items():  # pyright: ignore[reportUnknownVariableType]  (JSON: keys are texts)
                check_text(str(key))  # pyright: ignore[reportUnknownArgumentType]
                pending.append((child, depth + 1))  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(node, list):
            pending += [(child, depth + 1) for child in node]  # pyright: ignore[reportUnknownVariableType]
        elif isinstance(node, str):
            check_text(node)


def check_text(text: str, line: int = 0) -> None:
    """Refuse half of a pair of surrogates, which can be written in an escape and in no file.

    Args:
        text: A text of the document.
        line: Line where it stands, 0 if unknown.

    Raises:
        TooMuch: The text holds one.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise TooMuch(line, "a text holds half of a pair of surrogates.") from None
