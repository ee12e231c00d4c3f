"""Turn the bytes of a query and a body into checked arguments, or into a documented refusal.

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
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from paydown_sandbox.bundled_document import OperationFacts, ParameterFacts
from paydown_sandbox.checks.refusal import Refusal

__all__ = ["Arguments", "Received", "Validator", "read_received"]

Value = str | int | Decimal | tuple[str, ...]
Arguments = dict[str, Value]

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_BROKEN_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


class Received(NamedTuple):
    """The decoded parameters of a request, its signature, and the bytes that the signature must cover."""

    parameters: dict[str, str]
    signature: str | None
    message: bytes


# Names and amounts repeat in most requests; a longer text is not worth the memory of a cache.
_LONGEST_CACHED = 256


def _decoded(text: str, name: str) -> str:
    """Percent-decode one piece of a form, where `+` stands for a blank."""
    return _cached_decoded(text, name) if len(text) <= _LONGEST_CACHED else _plainly_decoded(text, name)


def _plainly_decoded(text: str, name: str) -> str:
    if _BROKEN_PERCENT.search(text):
        raise Refusal(-1100, parameter=name, reason="a percent sign without two hex digits")
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise Refusal(-1100, parameter=name, reason="not UTF-8") from None


_cached_decoded = lru_cache(maxsize=4096)(_plainly_decoded)


def _without_signature(raw: bytes) -> tuple[bytes, bytes | None]:
    """Split off a signature that is the last item of a query or a body."""
    at = raw.rfind(b"&signature=")
    if at > 0:
        value = raw[at + 11 :]
        rest = raw[:at]
    elif raw.startswith(b"signature="):
        value = raw[10:]
        rest = b""
    else:
        return raw, None
    if b"&" in value:
        raise Refusal(-1022, reason="signature is not the last item")
    return rest, value


def _pairs(raw: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Refusal(-1100, parameter="name", reason="not UTF-8") from None
    encoded = "%" in text or "+" in text
    for item in text.split("&"):
        name, _, value = item.partition("=")
        if encoded and ("%" in item or "+" in item):
            name = _decoded(name, "name")
            value = _decoded(value, name if name.isascii() and name.isidentifier() else "name")
        if name in found:
            raise Refusal(-1101, parameter=name, reason="a parameter was sent twice")
        if item:
            found[name] = value
    if "signature" in found:
        # A plainly spelled signature at the end was split off before, so this one is misplaced or a second one.
        raise Refusal(-1101, parameter="signature", reason="signature sent twice, or not as the last item")
    return found


def read_received(query: bytes, body: bytes) -> Received:
    """Split the query and the body of a request into parameters, signature and signed bytes.

    Args:
        query: The raw query, without the question mark.
        body: The raw body, if it is a form; empty otherwise.

    Raises:
        Refusal: A name was sent twice in one place, an item cannot be decoded, or the signature is not last.
    """
    signature: bytes | None = None
    if body:
        body, signature = _without_signature(body)
        message = body
        parameters = _pairs(body) if body else {}
        if query:
            query, query_signature = _without_signature(query)
            message = query + body
            if query:
                parameters.update(_pairs(query))
            if query_signature is not None:
                signature = query_signature
    elif query:
        message, signature = _without_signature(query)
        parameters = _pairs(message) if message else {}
    else:
        return Received({}, None, b"")
    if signature is None:
        return Received(parameters, None, message)
    text = signature.decode("latin-1")
    return Received(parameters, text if text.isalnum() else _decoded(text, "signature"), message)


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


def _list_reader(facts: ParameterFacts) -> Callable[[str], tuple[str, ...]]:
    name = facts.name
    check = _text_checker(facts, -1130)

    def read(text: str) -> tuple[str, ...]:
        items = tuple(text.split(","))
        if facts.max_items is not None and len(items) > facts.max_items:
            raise Refusal(-1130, parameter=name, reason="too many items")
        if facts.unique_items and len(set(items)) != len(items):
            raise Refusal(-1130, parameter=name, reason="an item is named twice")
        for item in items:
            check(item)
        return items

    return read


def _lenient_list_reader(text: str) -> tuple[str, ...]:
    """Read a list leniently, by option: blanks, case, doubles and empty items are forgiven."""
    return tuple(dict.fromkeys(item.strip().upper() for item in text.split(",") if item.strip()))


def _reader(facts: ParameterFacts) -> Callable[[str], Value]:
    if facts.kind == "integer":
        return _integer_reader(facts)
    if facts.kind == "decimal":
        return _decimal_reader(facts)
    return _remembering(_list_reader(facts) if facts.kind == "string_list" else _text_checker(facts, -1100))


def _remembering(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """Cache the results of a reader for short texts: reading one has no other effect than its result."""
    cached = lru_cache(maxsize=1024)(read)

    def reader(text: str) -> Value:
        return cached(text) if len(text) <= _LONGEST_CACHED else read(text)

    return reader


_OWNED = frozenset({"timestamp", "recvWindow", "signature"})


class Validator:
    """Check the parameters of one operation. Built once from the document, used for every request.

    Args:
        facts: The operation.
        lenient_lists: Forgive blanks, case, doubles and empty items in lists.
        unknown_code: The error code for a parameter that the operation does not have; `None` ignores the parameter.
        also_known: Names of parameters that are accepted and ignored.
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
