"""Write values as Python source: literals, long texts and calls."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import cast

from generator.quoting import Source, string

_PROSE = 84  # characters of a text on one line


def literal(value: object) -> Source:
    """Return the source of a constant: text, numbers, None, tuples and mappings of them."""
    if isinstance(value, str):
        return string(value)
    if value is None or isinstance(value, (bool, int)):
        return Source(repr(value))
    if isinstance(value, float) and math.isfinite(value):  # `inf` and `nan` are names, not numbers
        return Source(repr(value))
    if isinstance(value, Mapping):
        table = cast("Mapping[object, object]", value)
        entries = [f"{literal(key)}: {literal(entry)}" for key, entry in table.items()]
        return Source("{" + ", ".join(entries) + "}")
    if isinstance(value, (tuple, list)):
        entries = [literal(entry) for entry in cast("Sequence[object]", value)]
        return Source(f"({entries[0]},)" if len(entries) == 1 else f"({', '.join(entries)})")
    raise TypeError(f"{type(value).__name__} has no literal")


def prose(value: str) -> Source:
    """Return the source of a text, cut at blanks into literals that stand below each other."""
    if len(value) <= _PROSE or " " not in value:
        return literal(value)
    lines = textwrap.wrap(
        value,
        _PROSE,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=False,
        replace_whitespace=False,
        expand_tabs=False,
    )
    return Source("(" + "\n".join(literal(line) for line in lines) + ")")


def call(name: str, /, *positional: object, **keywords: object) -> Source:
    """Return the source of a call. Keywords whose value is None, "", () or ... are left out: the defaults.

    Args:
        name: Name of the class or function.
        positional: Values, or source, that are passed by position.
        keywords: Values, or source, that are passed by name.
    """
    arguments: list[str] = [_source(value) for value in positional]
    arguments += [
        f"{key}={_source(value)}" for key, value in keywords.items() if value not in (None, "", (), Ellipsis)
    ]
    return Source(f"{name}({', '.join(arguments)})")


def _source(value: object) -> Source:
    if isinstance(value, Source):
        return value
    if isinstance(value, str) and len(value) > _PROSE and " " in value:
        return prose(value)
    if isinstance(value, tuple):
        entries = cast("tuple[object, ...]", value)
        sources = [entry for entry in entries if isinstance(entry, Source)]
        if sources and len(sources) == len(entries):
            return Source("(" + ", ".join(sources) + ",)")
        return literal(entries)
    return literal(value)
