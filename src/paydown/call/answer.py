"""Parse the body of an answer: JSON with exact numbers, and the exchange's code and text where it has them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn, cast

from paydown_wire.codec import number, whole_number

if TYPE_CHECKING:
    from paydown.transport.channel import Answer


class NotJson:
    """The type of `NOT_JSON`: the body is no JSON text."""

    __slots__ = ()


NOT_JSON: Final = NotJson()


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """An answer and its parsed body.

    Attributes:
        answer: As it came.
        json: Its body as JSON, numbers with a fraction as Decimal; NOT_JSON if it is none.
        code: The exchange's code if the body is an object with an integer `code`, else None.
        msg: The exchange's text if the body is an object with a text `msg`, else None; as it came.
    """

    answer: Answer
    json: object = field(repr=False)
    code: int | None
    msg: str | None = field(repr=False)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


# Infinity and NaN are no JSON, though Python reads them. Ids above 2**53 stay exact. A number with more digits than any
# amount has makes the whole answer unreadable, wherever it stands: writing it out in full would exhaust the memory.
_READER: Final = json.JSONDecoder(parse_float=number, parse_int=whole_number, parse_constant=_no_constant)
# Of two `success` members it is unknown which one holds, so the answer to a write must not have two.
_STRICT_READER: Final = json.JSONDecoder(
    parse_float=number, parse_int=whole_number, parse_constant=_no_constant, object_pairs_hook=_once
)
_LARGEST_CODE: Final = 10**9  # the exchange's have at most five digits


def parse_answer(answer: Answer, *, strict: bool) -> ParsedAnswer:
    """Parse an answer's body as JSON.

    Args:
        answer: The answer.
        strict: Treat an object that names a member twice as no JSON: right for calls that change something.

    Returns:
        The parsed answer; its `json` is `NOT_JSON` if the body cannot be read.
    """
    try:
        value: object = (_STRICT_READER if strict else _READER).decode(answer.body.decode("utf-8"))
    except (ValueError, RecursionError):
        # A body of a thousand brackets raises RecursionError.
        return ParsedAnswer(answer, NOT_JSON, None, None)
    code: object = None
    msg: object = None
    body: object = value
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        code, msg = members.get("code"), members.get("msg")
    if type(code) is not int or abs(code) > _LARGEST_CODE:
        code = None
    return ParsedAnswer(answer, body, code, msg if isinstance(msg, str) else None)
