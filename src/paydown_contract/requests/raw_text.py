"""Splits raw query and body text, byte by byte, and says everything that is unusual about it.

Two readings of one text: what a lenient server understands (`pairs`), and what is wrong with it for a sender that
follows the document's percent-encoding rule (`faults`). No library decoder is used: they repair what must be seen.
"""

from dataclasses import dataclass
from typing import Final

UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_UPPER: Final = frozenset(b"0123456789ABCDEF")
_HEX: Final = frozenset(b"0123456789ABCDEFabcdef")


@dataclass(frozen=True, slots=True)
class Pair:
    """One `name=value` of the text, decoded; `raw` is exactly what was sent."""

    name: str
    value: str
    raw: bytes
    has_equals: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """A query or body text, split."""

    raw: bytes
    pairs: tuple[Pair, ...]
    faults: tuple[str, ...]  # departures from the strict form, in order
    broken: bool  # no reading is possible: a bad escape, or bytes that are not UTF-8

    def values(self, name: str) -> tuple[str, ...]:
        """Every value given to `name`, in order."""
        return tuple(pair.value for pair in self.pairs if pair.name == name)

    def names(self) -> tuple[str, ...]:
        """The names, in order, repeated ones repeated."""
        return tuple(pair.name for pair in self.pairs)


def split(raw: bytes) -> Text:
    """Read `raw` as `name=value` joined by `&`. An empty text has no pairs."""
    if not raw:
        return Text(raw, (), (), broken=False)
    faults: list[str] = []
    pairs: list[Pair] = []
    broken = False
    for piece in raw.split(b"&"):
        if not piece:
            faults.append("an empty piece between two &")
            continue
        name, equals, value = piece.partition(b"=")
        if not equals:
            faults.append("a piece without =")
        decoded: list[str] = []
        for part in (name, value):
            octets, notes, bad = unescape(part)
            faults.extend(notes)
            broken = broken or bad
            try:
                decoded.append(octets.decode("utf-8"))
            except UnicodeDecodeError:
                faults.append("bytes that are not UTF-8")
                broken = True
                decoded.append(octets.decode("utf-8", "replace"))
        pairs.append(Pair(decoded[0], decoded[1], piece, bool(equals)))
    return Text(raw, tuple(pairs), tuple(faults), broken)


def unescape(part: bytes) -> tuple[bytes, list[str], bool]:
    """The octets that `part` stands for, what is unusual about its spelling, and whether an escape is broken."""
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
    """`value` in the one spelling that the document allows: UTF-8, upper-case hex, all but `A-Za-z0-9-_.~`."""
    return "".join(chr(octet) if octet in UNRESERVED else f"%{octet:02X}" for octet in value.encode("utf-8"))


def join(pairs: list[tuple[str, str]]) -> bytes:
    """`pairs` as strict text, in the given order."""
    return "&".join(f"{escape(name)}={escape(value)}" for name, value in pairs).encode("ascii")
