"""Find and walk the values of JSON data by JSON pointer (RFC 6901)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def escape(part: object) -> str:
    """Return one step of a JSON pointer, escaped as RFC 6901 requires."""
    return str(part).replace("~", "~0").replace("/", "~1")


def unescape(part: str) -> str:
    """Return the key that a step of a JSON pointer stands for."""
    return part.replace("~1", "/").replace("~0", "~")


def at(value: Json, pointer: str) -> Json:
    """Return the value at a JSON pointer, or None if there is none.

    Args:
        value: JSON data.
        pointer: The pointer; "" is the whole of it.
    """
    for step in pointer.split("/")[1:]:
        if isinstance(value, dict):
            value = value.get(unescape(step))
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def walk(value: Json, pointer: str = "") -> Iterator[tuple[str, Json]]:
    """Yield every value inside JSON data with its JSON pointer, parents first.

    Args:
        value: JSON data.
        pointer: Pointer of `value` itself.
    """
    yield pointer, value
    if isinstance(value, dict):
        for key, child in value.items():
            yield from walk(child, f"{pointer}/{escape(key)}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from walk(child, f"{pointer}/{index}")
