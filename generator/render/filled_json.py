"""Write JSON that a person can read, in no more lines than it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import cast

WIDTH = 110


def json_text(value: object) -> str:
    """Return JSON in lines of up to 110 columns, ending with a newline.

    An object or an array that fits on one line stays on one. Otherwise its plain members share lines, and each member
    that is itself an object or an array begins a line. Only a text that is longer than a line makes a longer one.

    Args:
        value: JSON data.
    """
    return _written(value, depth=0, used=0) + "\n"


def _written(value: object, depth: int, used: int) -> str:
    """Return one value.

    Args:
        value: What to write.
        depth: How many objects and arrays it lies in.
        used: How many columns of its first line stand before and behind it.
    """
    line = json.dumps(value, ensure_ascii=False)
    members = _members(value)
    if used + len(line) <= WIDTH or not members:
        return line
    indent = " " * (depth + 1)
    lines = "".join(f"{indent}{line}\n" for line in _filled(members, depth + 1))
    return f"{line[0]}\n{lines}{' ' * depth}{line[-1]}"


def _members(value: object) -> list[tuple[str, object]]:
    """Return what stands before each member of an object or an array, and the member; nothing for a plain value."""
    if isinstance(value, dict):
        table = cast("dict[str, object]", value)
        return [(f"{json.dumps(name, ensure_ascii=False)}: ", item) for name, item in table.items()]
    if isinstance(value, list | tuple):
        return [("", item) for item in cast("Sequence[object]", value)]
    return []


def _filled(members: list[tuple[str, object]], depth: int) -> Iterator[str]:
    """Yield the lines between the brackets, without their indentation."""
    line = ""
    for number, (lead, item) in enumerate(members, 1):
        comma = "," if number < len(members) else ""
        text = f"{lead}{_written(item, depth, depth + len(lead) + len(comma))}{comma}"
        shares = not isinstance(item, dict | list | tuple)
        if line and shares and depth + len(line) + 1 + len(text) <= WIDTH:
            line = f"{line} {text}"
        else:
            if line:
                yield line
            line = text
        if not shares:
            yield line
            line = ""
    if line:
        yield line
