# Written by `make generate` from openapi/ and generator/templates/codec.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Read JSON values exactly, and report the path of a value that the document does not allow.

Money never passes through a binary float: decimal text becomes `Decimal`, digit for digit, and a float is refused.
Parse JSON with `parse_float=number` and `parse_int=whole_number`, so that a number arrives with the digits that were
sent, and with no more of them than can be calculated with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import TypeVar, cast

from paydown_wire.operation import DecodeError

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
S = TypeVar("S", bound=str)

# One bound for every number that is read. Written out, nothing that the exchange counts comes near 28 digits before the
# point and 32 behind it, and the product of two such numbers can still be calculated exactly. Beyond the bound a number is
# a mistake or an attack: `1e999999999` is eleven characters, and a gigabyte once it is written out.
_WHOLE, _FRACTION = 28, 32
_DECIMAL = re.compile(r"-?[0-9]{1,28}(\.[0-9]{1,32})?([eE][-+]?[0-9]{1,2})?")  # ASCII digits only
_INT64 = range(-(2**63), 2**63)
_SHOWN = 40  # characters of a wrong value that a message quotes
_KINDS: tuple[tuple[type, str], ...] = (
    (type(None), "null"),
    (bool, "true or false"),  # before int: True is one
    (str, "text"),
    (int, "a number"),
    (float, "a number"),
    (Decimal, "a number"),
    (list, "an array"),
    (dict, "an object"),
)


class Reader:
    """Read the members of one JSON object, and keep the others for `rest`."""

    __slots__ = ("_left",)

    def __init__(self, data: object) -> None:
        if not isinstance(data, dict):
            raise DecodeError("", f"expected an object, got {_kind(data)}")
        self._left = dict(cast("dict[str, object]", data))

    def required(self, name: str, decode: Callable[[object], T]) -> T:
        """Return a member that must be present, decoded.

        Args:
            name: Name of the member.
            decode: Reads its value.

        Raises:
            DecodeError: The member is missing, or its value does not fit.
        """
        if name not in self._left:
            raise DecodeError(name, "is missing")
        return _at(name, decode, self._left.pop(name))

    def optional(self, name: str, decode: Callable[[object], T]) -> T | None:
        """Return a member, decoded, or `None` if it is missing.

        Args:
            name: Name of the member.
            decode: Reads its value.
        """
        return _at(name, decode, self._left.pop(name)) if name in self._left else None

    def rest(self) -> dict[str, object]:
        """Return the members that were not read."""
        return self._left


def text(value: object) -> str:
    """Read a JSON string."""
    if isinstance(value, str):
        return value
    raise DecodeError("", f"expected text, got {_kind(value)}")


def constant(expected: S) -> Callable[[object], S]:
    """Return a decoder that accepts one text only."""

    def decode(value: object) -> S:
        if value == expected and isinstance(value, str):
            return expected
        raise DecodeError("", f'expected "{expected}", got {_quoted(value)}')

    return decode


def integer(value: object) -> int:
    """Read a JSON integer of 64 bits. `true`, `1.0` and `"1"` are not integers."""
    if type(value) is int and value in _INT64:
        return value
    raise DecodeError("", f"expected an integer of 64 bits, got {_quoted(value)}")


def integer_between(low: int | None, high: int | None) -> Callable[[object], int]:
    """Return a decoder of an integer within bounds.

    Args:
        low: Smallest value, or `None` for no bound.
        high: Largest value, or `None` for no bound.
    """

    def decode(value: object) -> int:
        found = integer(value)
        if (low is not None and found < low) or (high is not None and found > high):
            raise DecodeError("", f"expected an integer from {low} to {high}, got {_quoted(value)}")
        return found

    return decode


def boolean(value: object) -> bool:
    """Read `true` or `false`; `1` and `"true"` are neither."""
    if isinstance(value, bool):
        return value
    raise DecodeError("", f"expected true or false, got {_quoted(value)}")


def number(literal: str) -> Decimal:
    """Read a number as JSON writes it, keeping its scale. Exponents such as in "0E-8" are accepted.

    Raises:
        ValueError: The text is no number, or has more digits than any amount.
    """
    found = _DECIMAL.fullmatch(literal)
    if found is not None:
        value = Decimal(literal)
        if found[2] is None or _is_within(value):
            return value
    raise ValueError(f"no number of at most {_WHOLE} digits before the point and {_FRACTION} behind it")


def whole_number(literal: str) -> int:
    """Read an integer as JSON writes it.

    Raises:
        ValueError: The number has more digits than any id, time or amount.
    """
    if len(literal.removeprefix("-")) > _WHOLE:
        raise ValueError(f"an integer of more than {_WHOLE} digits")
    return int(literal)


def decimal(value: object) -> Decimal:
    """Read decimal text, keeping its scale: "0.10" stays Decimal("0.10")."""
    if isinstance(value, str):
        try:
            return number(value)
        except ValueError:
            pass  # the error below names what was found
    raise DecodeError("", f"expected decimal text, got {_quoted(value)}")


def decimal_or_empty(value: object) -> Decimal | None:
    """Read decimal text, or `None` where the exchange sends "" for a number that it does not give."""
    return None if value == "" and isinstance(value, str) else decimal(value)


def decimal_text_or_number(value: object) -> Decimal:
    """Read a decimal that some answers carry as text and others as a JSON number."""
    if isinstance(value, Decimal) and value.is_finite() and _is_within(value):
        return value
    if type(value) is int and abs(value) < 10**_WHOLE:
        return Decimal(value)
    if isinstance(value, float):
        raise DecodeError("", "a binary float has lost digits: parse the JSON with parse_float=Decimal")
    return decimal(value)


def not_negative(decode: Callable[[object], Decimal]) -> Callable[[object], Decimal]:
    """Return a decoder of a decimal that is zero or more."""

    def decode_not_negative(value: object) -> Decimal:
        found = decode(value)
        if found < 0:
            raise DecodeError("", f"expected no less than 0, got {_quoted(value)}")
        return found

    return decode_not_negative


def enum_of(enum: type[E]) -> Callable[[object], E]:
    """Return a decoder of an open enum: an unknown value becomes a member of its own."""
    return lambda value: enum(text(value))


def nullable(decode: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return a decoder that reads JSON null as `None`."""
    return lambda value: None if value is None else decode(value)


def list_of(decode: Callable[[object], T]) -> Callable[[object], list[T]]:
    """Return a decoder of a JSON array."""

    def decode_list(value: object) -> list[T]:
        if not isinstance(value, list):
            raise DecodeError("", f"expected an array, got {_kind(value)}")
        return [_at(f"[{index}]", decode, item) for index, item in enumerate(cast("list[object]", value))]

    return decode_list


def list_or_one_of(decode: Callable[[object], T]) -> Callable[[object], list[T]]:
    """Return a decoder of a JSON array that may also come as its only item, bare."""
    decode_list = list_of(decode)
    return lambda value: [decode(value)] if _kind(value) == "an object" else decode_list(value)


def tuple_of(decode: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    """Return a decoder of a JSON array that becomes part of an unchanging model."""
    decode_list = list_of(decode)
    return lambda value: tuple(decode_list(value))


def nothing(value: object) -> None:
    """Accept any JSON object, for an answer without content."""
    Reader(value)


def decimal_text(value: Decimal) -> str:
    """Write a decimal without exponent: `str(Decimal("0.0000001"))` would be "1E-7"."""
    return format(value, "f")


def decimal_text_or_empty(value: Decimal | None) -> str:
    """Write a decimal, or "" for one that was not given."""
    return "" if value is None else decimal_text(value)


def plain(value: Mapping[str, object]) -> dict[str, object]:
    """Return unknown members as plain JSON data. Numbers that are not integers become text, digit for digit."""
    return {name: _plain(member) for name, member in value.items()}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, Mapping):
        return plain(cast("Mapping[str, object]", value))
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[object]", value)]
    return value


def _is_within(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_FRACTION and value.adjusted() < _WHOLE


def _at(step: str, decode: Callable[[object], T], value: object) -> T:
    try:
        return decode(value)
    except DecodeError as error:
        raise error.inside(step) from None


def _kind(value: object) -> str:
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return type(value).__name__


def _quoted(value: object) -> str:
    if isinstance(value, str):
        return f"the text {value[:_SHOWN]!r}{'…' if len(value) > _SHOWN else ''}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 128:
        return "a number of many digits"  # which Python may refuse to write out
    if isinstance(value, (int, float, Decimal)):
        return f"the number {str(value)[:_SHOWN]}"
    return _kind(value)
