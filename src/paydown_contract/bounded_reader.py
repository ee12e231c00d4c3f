"""Read foreign text within bounds: files of a document, and bodies of answers.

A foreign document may be made to exhaust its reader: a few lines of aliases that unfold to billions of values, ten
thousand brackets, a path to a device that never ends. So YAML is first read event by event, which costs no more memory
than its text and no stack, and nothing is built that would be too deep or too large. The same bounds hold for answers
of a server that is not trusted yet.
"""

import json
import os
import stat
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

import yaml

from paydown_contract.json_types import is_list, is_object

__all__ = ["DEEPEST", "LARGEST_TREE", "Unreadable", "answer_json", "parse_file", "visible"]

LARGEST_FILE: Final = 8 * 1024 * 1024
# Values of a whole document once every reference and alias is replaced. The document of this project has 20,000.
LARGEST_TREE: Final = 200_000
DEEPEST: Final = 100
_MOST_DIGITS: Final = 400  # of a number, exponent included


class Unreadable(ValueError):
    """The text is no YAML or JSON, or exceeds a bound. The message names the reason, and what to do."""


def parse_file(path: Path) -> Any:
    """Read one file of a document, YAML or JSON.

    Raises:
        Unreadable: It is no regular file, too large, too deep, or cannot be parsed.
    """
    return parse(_content(path), path.suffix)


def parse(content: bytes, suffix: str) -> Any:
    """Parse the content of a file within the bounds.

    Args:
        content: The bytes of the file, UTF-8.
        suffix: ".json" for JSON; anything else is read as YAML.

    Raises:
        Unreadable: It is too deep or too large, or cannot be parsed.
    """
    try:
        text = content.decode("utf-8-sig")
        value: Any = _json(text, float) if suffix == ".json" else _yaml(text)
        _check_tree(value)
    except Unreadable:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark is not None else ""
        what = getattr(error, "problem", None) or error
        raise Unreadable(f"no YAML: {line}{' '.join(str(what).split())}") from error
    except UnicodeError as error:
        raise Unreadable("a text that is not UTF-8, or half of a pair of surrogates") from error
    except (ValueError, OverflowError, RecursionError) as error:
        what = "too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())[:200]
        raise Unreadable(f"cannot be read: {what}") from error
    return value


def answer_json(body: bytes, numbers: type[float] | type[Decimal] = float) -> Any:
    """Parse the JSON of an answer's body within the bounds.

    Args:
        body: The bytes of the body.
        numbers: The type of numbers with a point or an exponent.

    Raises:
        ValueError: It is none, is deeper than any answer, or holds a number of hundreds of digits.
    """
    try:
        value = _json(body.decode("utf-8-sig"), numbers)
        _check_tree(value)
    except RecursionError as error:
        raise Unreadable("too deep") from error
    return value


def visible(text: str) -> str:
    """Escape every character of a text that a terminal would obey, except line feeds."""
    return "".join(
        sign if sign == "\n" or sign.isprintable() else sign.encode("unicode_escape").decode()
        for sign in text
    )


def _content(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK a pipe would wait for its other end for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Unreadable("is no regular file")
            with os.fdopen(handle, "rb", closefd=False) as file:
                content = file.read(LARGEST_FILE + 1)
        finally:
            os.close(handle)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    if len(content) > LARGEST_FILE:
        raise Unreadable(f"is larger than {LARGEST_FILE // 1024**2} MiB")
    return content


def _json(text: str, numbers: type[float] | type[Decimal]) -> Any:
    def number(digits: str) -> Any:
        if len(digits) > _MOST_DIGITS:
            raise Unreadable("a number of hundreds of digits")
        if numbers is not float:
            _, _, exponent = digits.lower().partition("e")
            if len(exponent) > 4:
                raise Unreadable("a number of thousands of digits")
        return numbers(digits)

    def integer(digits: str) -> int:
        if len(digits) > _MOST_DIGITS:
            raise Unreadable("a number of hundreds of digits")
        return int(digits)

    return json.loads(text, parse_float=number, parse_int=integer, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise Unreadable(f"{name} is not JSON")


def _yaml(text: str) -> Any:
    _check_events(yaml.parse(text, Loader=yaml.CSafeLoader))
    # The size is bounded by now, and the safe loader builds plain data only.
    return yaml.load(text, Loader=yaml.CSafeLoader)


def _check_events(events: Iterator[Any]) -> None:
    """Count the values that a YAML text unfolds to, aliases included, without building them."""
    open_: list[tuple[str | None, int]] = []  # (anchor, size before) of the collections around
    sizes: dict[str, tuple[int, int]] = {}  # anchor -> (values, depth)
    total = 0
    deepest = [0]
    for event in events:
        size, depth = 1, 0
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise Unreadable(f"line {_line(event)}: an alias to what it stands in, or to nothing")
            size, depth = sizes[event.anchor]
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, total))
            deepest.append(0)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            depth = deepest.pop() + 1
            if anchor is not None:
                sizes[anchor] = (total - before, depth)
            size = 0
        elif isinstance(event, yaml.ScalarEvent):
            if event.anchor is not None:
                sizes[event.anchor] = (1, 0)
            if (
                len(event.value) > _MOST_DIGITS
                and event.value.lstrip("+-")[:1].isdigit()
                and event.implicit[0]
            ):
                raise Unreadable(f"line {_line(event)}: a number of hundreds of digits; put it in quotes")
        else:
            continue
        total += size
        deepest[-1] = max(deepest[-1], depth)
        if total > LARGEST_TREE or len(open_) + deepest[-1] > DEEPEST:
            raise Unreadable(
                f"line {_line(event)}: unfolds to more than {LARGEST_TREE} values or {DEEPEST} levels"
            )


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 0


def _check_tree(value: Any) -> None:
    """Refuse a value with too many levels or members for the functions that walk over it, or half a surrogate pair."""
    pending = [(value, 0)]
    count = 0
    while pending:
        node, depth = pending.pop()
        count += 1
        if depth > DEEPEST or count > LARGEST_TREE:
            raise Unreadable(f"more than {DEEPEST} levels or {LARGEST_TREE} values")
        if is_object(node):
            for key, child in cast("dict[object, Any]", node).items():  # YAML has keys that are no text
                if isinstance(key, str):
                    key.encode()
                pending.append((child, depth + 1))
        elif is_list(node):
            pending += [(child, depth + 1) for child in node]
        elif isinstance(node, str):
            node.encode()  # half of a pair of surrogates is no text
