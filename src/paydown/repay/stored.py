"""Check records that are read back from a file: their types are those that were written, or they are refused.

SQLite keeps a text in an INTEGER column if it is given one, and JSON keeps anything. A journal that was damaged, or
that another program wrote, must therefore not reach the repayer as numbers and names: each record is checked when it is
made, and everything that a reader may raise on the way ends in `JournalUnusable`.
"""

from __future__ import annotations

import types
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from paydown.repay.errors import JournalUnusable

__all__ = ["checked", "readable"]

T = TypeVar("T")

# The last millisecond of a calendar's last year: 9999-12-31.
_LATEST_MS: Final = 253_402_300_799_999

# The largest power of ten in an amount or a price. Their products, in fields that end in `_usd`, have twice that.
_LARGEST_POWER: Final = 28

_LARGEST: Final = 2**63 - 1  # what SQLite's integers hold


@contextmanager
def readable(what: str) -> Generator[None]:
    """Turn an error that the block raises on unreadable data into `JournalUnusable`.

    Args:
        what: Name of the data that is read, as the beginning of a sentence: "The report of a plan in the journal".

    Raises:
        JournalUnusable: The block raised what reading foreign data raises.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise JournalUnusable(
            f"{what} cannot be read ({type(error).__name__}: {error!s:.120}): it was damaged, or paydown did not write "
            "it. Nothing may be sent without it. Stop all paydown processes and restore the journal from a backup."
        ) from error


def checked(record: T) -> T:
    """Return the record if each of its fields holds a value of the declared type.

    Raises:
        ValueError: One does not, or is a time or an amount that cannot be.
    """
    kind: Any = type(record)
    hints = _hints(kind)
    for field in fields(cast("Any", record)):
        value = getattr(record, field.name)
        if not _fits(value, hints[field.name]):
            raise ValueError(f"{field.name} is not of the type that was written")
        if isinstance(value, Decimal) and value.adjusted() > _LARGEST_POWER * (
            1 + field.name.endswith("_usd")
        ):
            raise ValueError(f"{field.name} is no amount")
        if field.name.endswith("_ms") and value is not None and not 0 <= value <= _LATEST_MS:
            raise ValueError(f"{field.name} is no time")
    return record


@cache
def _hints(kind: type[object]) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _fits(value: object, hint: Any) -> bool:
    """Return whether a value has a type, its parts included; another dataclass has checked itself when it was made."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is tuple:
        items = cast("tuple[object, ...]", value) if isinstance(value, tuple) else None
        if items is None:
            return False
        if inner[-1:] == (Ellipsis,):
            return all(_fits(item, inner[0]) for item in items)
        return len(items) == len(inner) and all(map(_fits, items, inner))
    if origin is not None:
        if not isinstance(value, Mapping):
            return False
        members = cast("Mapping[object, object]", value)
        return all(_fits(name, inner[0]) and _fits(member, inner[1]) for name, member in members.items())
    if hint is int:
        return type(value) is int and abs(value) <= _LARGEST
    if hint is str:
        # JSON can hold halves of letters (surrogates), which no file can hold.
        return isinstance(value, str) and (
            value.isascii() or not any("\ud800" <= one <= "\udfff" for one in value)
        )
    if hint is Decimal:
        return isinstance(value, Decimal) and value.is_finite() and value.adjusted() <= 2 * _LARGEST_POWER
    if isinstance(hint, type) and issubclass(hint, Enum):
        return isinstance(value, hint)
    return isinstance(value, hint)
