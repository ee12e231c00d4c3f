"""Encode and decode query and body texts by the percent-encoding rule of the document, byte by byte.

Decoding gives two readings of one text: what a lenient server understands (`pairs`), and every departure from the one
spelling that the rule allows (`irregularities`). No library decodes here, since libraries repair what must be seen.
"""

from dataclasses import dataclass
from typing import Final

UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_UPPER: Final = frozenset(b"0123456789ABCDEF")
_HEX: Final = frozenset(b"0123456789ABCDEFabcdef")


@dataclass(frozen=True, slots=True)
class Pair:
    """One decoded `name=value` of a text; `raw` holds the bytes that were sent for it."""

    name: str
    value: str
    raw: bytes
    has_equals: bool = True


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A query or body text, split into its pairs."""

    raw: bytes
    pairs: tuple[Pair, ...]
    irregularities: tuple[str, ...]  # departures from the strict form, in order
    broken: bool  # no reading is possible: a bad escape, or bytes that are not UTF-8

    def values(self, name: str) -> tuple[str, ...]:
        """Return every value given to a name, in order."""
        return tuple(pair.value for pair in self.pairs if pair.name == name)

    def names(self) -> tuple[str, ...]:
        """Return the names in order; a name that is sent twice is listed twice."""
        return tuple(pair.name for pair in self.pairs)


def split(raw: bytes) -> EncodedText:
    """Split a text of `name=value` pairs joined by `&`. An empty text has no pairs."""
    if not raw:
        return EncodedText(raw, (), (), broken=False)
    irregularities: list[str] = []
    pairs: list[Pair] = []
    broken = False
    for piece in raw.split(b"&"):
        if not piece:
            irregularities.append("an empty piece between two &")
            continue
        name, equals, value = piece.partition(b"=")
        if not equals:
            irregularities.append("a piece without =")
        decoded: list[str] = []
        for part in (name, value):
            octets, notes, bad = unescape(part)
            irregularities.extend(notes)
            broken = broken or bad
            try:
                decoded.append(octets.decode("utf-8"))
            except UnicodeDecodeError:
                irregularities.append("bytes that are not UTF-8")
                broken = True
                decoded.append(octets.decode("utf-8", "replace"))
        pairs.append(Pair(decoded[0], decoded[1], piece, bool(equals)))
    return EncodedText(raw, tuple(pairs), tuple(irregularities), broken)


def effective_values(query: EncodedText, body: EncodedText) -> dict[str, str]:
    """Choose the value that counts for each name: the query's over the body's, and the first of several.

    Args:
        query: The query of a request.
        body: The form body of the same request.
    """
    return {pair.name: pair.value for text in (body, query) for pair in reversed(text.pairs)}


def unescape(part: bytes) -> tuple[bytes, list[str], bool]:
    """Decode the escapes of a name or value.

    Returns:
        The octets, what is unusual about the spelling, and whether an escape is broken.
    """
    out = bytearray()
    notes: list[str] = []
    broken = False
    at = 0
    while at < len(part):
        byte = part[at]
        if byte == 0x25:  # %
            digits = part[at + 1 : at + 3]
            if len(digits) == 2 and all(digit in _HEX for digit in digits):
                octet = int(digits, 16)
                if not all(digit in _UPPER for digit in digits):
                    notes.append("an escape in lower case")
                if octet in UNRESERVED:
                    notes.append("an escape of a character that needs none")
                out.append(octet)
                at += 3
                continue
            notes.append("a % that starts no escape")
            broken = True
        elif byte == 0x2B:  # +
            notes.append("a + where a blank or a plus is meant")
            byte = 0x20
        elif byte not in UNRESERVED:
            notes.append(f"the bare byte {byte:#04x}")
        out.append(byte)
        at += 1
    return bytes(out), notes, broken


def escape(value: str) -> str:
    """Encode a value in the one spelling that the document allows: UTF-8, upper-case hex, all but `A-Za-z0-9-_.~`."""
    return "".join(chr(octet) if octet in UNRESERVED else f"%{octet:02X}" for octet in value.encode("utf-8"))


def join(pairs: list[tuple[str, str]]) -> bytes:
    """Encode names and values as strict text, in the given order."""
    return "&".join(f"{escape(name)}={escape(value)}" for name, value in pairs).encode("ascii")
