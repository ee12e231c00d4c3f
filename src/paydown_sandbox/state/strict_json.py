"""Read a JSON document strictly: a wrong shape names its place, and an unknown member is an error."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TypeVar, cast

from paydown_sandbox.books.exact_amounts import AmountError, parse

__all__ = ["Reader", "StateError", "parse_json"]

T = TypeVar("T")


class StateError(ValueError):
    """A JSON document cannot be used. `path` names the place, the text what to write instead."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path or '(document)'}: {reason}")
        self.path = path
        self.reason = reason


_MOST_DIGITS = 60
_DEEPEST = 20
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_json(raw: bytes) -> object:
    """Parse JSON in UTF-8, all texts of which can be written back.

    Raises:
        StateError: The bytes are something else.
    """
    try:
        found = cast(
            object,
            json.loads(
                raw.decode("utf-8-sig"), parse_constant=_no_number, parse_float=_float, parse_int=_integer
            ),
        )
        if _HALF.search(raw):
            # Half a surrogate pair is a legal escape and no text: it could be stored, but never be sent as UTF-8.
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise StateError("", "a text holds half a surrogate pair") from None
    except StateError:
        raise
    except (ValueError, RecursionError):
        raise StateError("", "not JSON in UTF-8") from None
    return found


def _no_number(text: str) -> object:
    raise StateError("", f"{text} is no number in JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):  # infinity could be stored, but never be written as JSON
        raise StateError("", f"a number beyond all bounds: {text:.40}")
    return value


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise StateError("", f"a number of more than {_MOST_DIGITS} digits")
    return int(text)


class Reader:
    """One node of a JSON document, with the path that leads to it."""

    __slots__ = ("path", "value")

    def __init__(self, value: object, path: str = "") -> None:
        self.value = value
        self.path = path

    def fail(self, reason: str) -> StateError:
        """Return an error that names the place of this node."""
        return StateError(self.path, reason)

    def members(self, *known: str) -> dict[str, Reader]:
        """Return the members of an object, all of whose names must be in `known`."""
        found = dict(self.entries())
        for name in found:
            if name not in known:
                raise self.fail(f"unknown member {name!r:.60}; there are {', '.join(known)}")
        return found

    def entries(self) -> Iterator[tuple[str, Reader]]:
        """Yield the members of an object with free names."""
        value = self.value
        if not isinstance(value, Mapping):
            raise self.fail("a JSON object belongs here")
        for name, child in cast(Mapping[str, object], value).items():
            yield name, Reader(child, f"{self.path}.{name}" if self.path else name)

    def items(self) -> Iterator[Reader]:
        """Yield the items of an array."""
        value = self.value
        if not isinstance(value, list):
            raise self.fail("a JSON array belongs here")
        for index, child in enumerate(cast(list[object], value)):
            yield Reader(child, f"{self.path}[{index}]")

    def text(self, most: int = 10_000) -> str:
        """Return a text of at most `most` characters."""
        if not isinstance(self.value, str) or len(self.value) > most:
            raise self.fail(f"a text of at most {most} characters belongs here")
        return self.value

    def integer(self, least: int = 0, most: int = 10**15) -> int:
        """Return a whole number.

        Args:
            least: The smallest number that is accepted.
            most: The largest number that is accepted.
        """
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.fail(f"a whole number from {least} to {most} belongs here")
        return value

    def boolean(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            raise self.fail("true or false belongs here")
        return self.value

    def amount(self, *, negative: bool = False) -> Decimal:
        """Return the amount of a plain decimal text: at most 24 digits before the point and 18 after."""
        try:
            return parse(self.value, negative=negative)
        except AmountError as error:
            raise self.fail(str(error)) from None

    def free(self) -> object:
        """Return any JSON, of at most 20 levels, so that it can be written back wherever it is kept."""
        pending: list[tuple[object, int]] = [(self.value, 0)]
        while pending:
            node, depth = pending.pop()
            if depth > _DEEPEST:
                raise self.fail(f"more than {_DEEPEST} levels deep")
            if isinstance(node, Mapping):
                pending += [(child, depth + 1) for child in cast(Mapping[str, object], node).values()]
            elif isinstance(node, list):
                pending += [(child, depth + 1) for child in cast(list[object], node)]
        return self.value

    def using(self, make: Callable[[], T]) -> T:
        """Return the result of `make`, and give a `ValueError` of it the path of this node."""
        try:
            return make()
        except StateError:
            raise
        except ValueError as error:
            raise self.fail(str(error)) from None
