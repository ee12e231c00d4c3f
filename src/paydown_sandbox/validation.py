"""From the bytes of a query and a body to checked arguments, or to a documented refusal.

    name twice in one place   -1101      text of a required value malformed   -1102
    required and missing      -1102      a character outside the legal range  -1100
    present and empty         -1105      a value outside its range or list    -1130
    not a known name          -1104      an amount that is no plain decimal   -1102

A name sent in the query and in the body counts once, and the query's value is used. `signature`
must be the last item of the query or of the body; what is left of the two texts is what was signed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from paydown_sandbox.document import OperationFacts, ParameterFacts
from paydown_sandbox.refusal import Refusal

__all__ = ["Arguments", "Received", "Validator", "read_received"]

Value = str | int | Decimal | list[str]
Arguments = dict[str, Value]

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Received(NamedTuple):
    """What arrived: the decoded parameters, the signature, and the bytes it must cover."""

    parameters: dict[str, str]
    signature: str | None
    message: bytes


def _decoded(raw: bytes, name: str) -> str:
    """Percent-decode one item of a form, where `+` stands for a blank."""
    if b"%" in raw:
        if _PERCENT.search(raw):
            raise Refusal(-1100, parameter=name, reason="a percent sign without two hex digits")
        raw = unquote_to_bytes(raw.replace(b"+", b" "))
    elif b"+" in raw:
        raw = raw.replace(b"+", b" ")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Refusal(-1100, parameter=name, reason="not UTF-8") from None


def _without_signature(raw: bytes) -> tuple[bytes, bytes | None]:
    """Split off a signature that is the last item."""
    at = raw.rfind(b"signature=")
    if at == 0:
        value = raw[10:]
        rest = b""
    elif at > 0 and raw[at - 1] == 38:  # &
        value = raw[at + 10 :]
        rest = raw[: at - 1]
    else:
        return raw, None
    if b"&" in value:
        raise Refusal(-1022, reason="signature is not the last item")
    return rest, value


def _pairs(raw: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    if not raw:
        return found
    for item in raw.split(b"&"):
        if not item:
            continue
        name_raw, _, value_raw = item.partition(b"=")
        name = _decoded(name_raw, "name")
        if name in found:
            raise Refusal(-1101, parameter=name, reason="a parameter was sent twice")
        found[name] = _decoded(value_raw, name if name.isascii() and name.isidentifier() else "name")
    if "signature" in found:
        # It was split off before if it stood last and was spelled plainly.
        raise Refusal(-1101, parameter="signature", reason="signature sent twice, or not as the last item")
    return found


def read_received(query: bytes, body: bytes) -> Received:
    """Take query and body apart.

    Raises:
        Refusal: A name was sent twice in one place, an item cannot be decoded, or the signature is not last.
    """
    query, query_signature = _without_signature(query)
    if body:
        body, body_signature = _without_signature(body)
        parameters = _pairs(body)
        parameters.update(_pairs(query))
        raw_signature = body_signature if query_signature is None else query_signature
        message = query + body
    else:
        parameters = _pairs(query)
        raw_signature = query_signature
        message = query
    signature = None if raw_signature is None else _decoded(raw_signature, "signature")
    return Received(parameters, signature, message)


def _integer_reader(facts: ParameterFacts) -> Callable[[str], int]:
    name, low, high = facts.name, facts.minimum, facts.maximum
    malformed = -1102 if facts.required else -1100

    def read(text: str) -> int:
        if _INTEGER.fullmatch(text) is None:
            raise Refusal(malformed, parameter=name, reason="not an integer")
        value = int(text)
        if (low is not None and value < low) or (high is not None and value > high):
            raise Refusal(-1130, parameter=name, reason="out of range")
        return value

    return read


def _decimal_reader(facts: ParameterFacts) -> Callable[[str], Decimal]:
    name = facts.name
    pattern = re.compile(facts.pattern or r"[0-9]{1,20}(\.[0-9]{1,8})?")

    def read(text: str) -> Decimal:
        if pattern.fullmatch(text) is None:
            raise Refusal(-1102, parameter=name, reason="not a positive plain decimal with at most 8 digits")
        return Decimal(text)

    return read


def _text_checker(facts: ParameterFacts, illegal_code: int) -> Callable[[str], str]:
    name, low, high = facts.name, facts.min_length, facts.max_length
    choices = frozenset(facts.choices)
    match = re.compile(facts.pattern).fullmatch if facts.pattern else None

    def read(text: str) -> str:
        if choices and text not in choices:
            raise Refusal(-1130, parameter=name, reason="not one of the documented values")
        if match is not None and match(text) is None:
            raise Refusal(illegal_code, parameter=name, reason="illegal characters")
        if (low is not None and len(text) < low) or (high is not None and len(text) > high):
            raise Refusal(-1130, parameter=name, reason="too long or too short")
        return text

    return read


def _list_reader(facts: ParameterFacts) -> Callable[[str], list[str]]:
    name = facts.name
    check = _text_checker(facts, -1130)

    def read(text: str) -> list[str]:
        items = text.split(",")
        if facts.max_items is not None and len(items) > facts.max_items:
            raise Refusal(-1130, parameter=name, reason="too many items")
        if facts.unique_items and len(set(items)) != len(items):
            raise Refusal(-1130, parameter=name, reason="an item is named twice")
        for item in items:
            check(item)
        return items

    return read


def _lenient_list_reader(text: str) -> list[str]:
    """For the option that tolerates odd lists: blanks, case, doubles and empty items are forgiven."""
    return list(dict.fromkeys(item.strip().upper() for item in text.split(",") if item.strip()))


def _reader(facts: ParameterFacts) -> Callable[[str], Value]:
    if facts.kind == "integer":
        return _integer_reader(facts)
    if facts.kind == "decimal":
        return _decimal_reader(facts)
    if facts.kind == "string_list":
        return _list_reader(facts)
    return _text_checker(facts, -1100)


_OWNED = frozenset({"timestamp", "recvWindow", "signature"})


class Validator:
    """Checks the parameters of one call. Built once from the document, used for every request.

    Args:
        facts: The call.
        lenient_lists: Forgive blanks, case, doubles and empty items in lists.
        unknown_code: What answers a parameter that the call does not know; `None` ignores it.
        also_known: Names that are read over in silence.
    """

    __slots__ = ("_accepts_scheme", "_lenient", "_readers", "_required", "_unknown_code")

    def __init__(
        self,
        facts: OperationFacts,
        *,
        lenient_lists: bool = False,
        unknown_code: int | None = -1104,
        also_known: frozenset[str] = frozenset(),
    ) -> None:
        own = [parameter for parameter in facts.parameters if parameter.name not in _OWNED]
        self._readers: dict[str, Callable[[str], Value]] = {
            parameter.name: _lenient_list_reader
            if lenient_lists and parameter.kind == "string_list"
            else _reader(parameter)
            for parameter in own
        }
        self._required = tuple(parameter.name for parameter in own if parameter.required)
        self._accepts_scheme: frozenset[str] = (
            _OWNED if facts.signed or facts.signature_tolerated else frozenset[str]()
        ) | also_known
        self._unknown_code = unknown_code
        self._lenient = frozenset(
            parameter.name for parameter in own if lenient_lists and parameter.kind == "string_list"
        )

    def arguments(self, parameters: dict[str, str]) -> Arguments:
        """Check and convert everything but the parameters of the signing scheme.

        Raises:
            Refusal: Something is unknown, missing, empty, malformed or out of range.
        """
        readers = self._readers
        found: Arguments = {}
        for name, text in parameters.items():
            reader = readers.get(name)
            if reader is not None:
                if text or name in self._lenient:
                    found[name] = reader(text)
                else:
                    raise Refusal(-1105, parameter=name, reason="empty")
            elif name not in self._accepts_scheme and self._unknown_code is not None:
                raise Refusal(self._unknown_code, reason="unknown parameter")
        for name in self._required:
            if name not in found:
                raise Refusal(-1102, parameter=name, reason="missing")
        return found
