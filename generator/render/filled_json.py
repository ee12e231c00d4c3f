"""Write JSON so that a person can read it and a file has no more lines than it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator

WIDTH = 110


def json_text(value: object) -> str:
    """Return JSON in lines of up to 110 columns, ending with a newline.

    An object or an array that fits on one line stays on one. Otherwise its plain members share lines, and each member
    that is itself an object or an array begins a line. Only a text that is longer than a line makes a longer one.
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
    if used + len(line) <= WIDTH or not isinstance(value, dict | list | tuple) or not value:
        return line
    indent = " " * (depth + 1)
    lines = "".join(f"{indent}{line}\n" for line in _filled(value, depth + 1))
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{lines}{' ' * depth}{closing}"


def _filled(value: dict[str, object] | list[object] | tuple[object, ...], depth: int) -> Iterator[str]:
    """Yield the lines between the brackets, without their indentation."""
    members = list(value.items()) if isinstance(value, dict) else [(None, item) for item in value]
    line = ""
    for number, (name, item) in enumerate(members, 1):
        lead = "" if name is None else f"{json.dumps(name, ensure_ascii=False)}: "
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
