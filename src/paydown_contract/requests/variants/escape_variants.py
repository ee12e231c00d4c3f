"""Vary the percent-encoding of names and values."""

from collections.abc import Iterator

from paydown_contract.document import Operation
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.percent_encoding import escape, join
from paydown_contract.requests.raw_request import Request


def escape_variants(make: Composer, operation: Operation) -> Iterator[tuple[str, Request]]:
    """Yield requests with needless, broken, doubled and non-UTF-8 escapes, signed over the bytes that are sent.

    Args:
        make: Composes and signs the requests.
        operation: The operation to call.

    Returns:
        Pairs of the variant's name and its request.
    """
    pairs = make.stamped(operation)
    text = join(pairs)
    yield "lower-case escapes", make.signed(operation, text.replace(b"%2C", b"%2c"))
    yield "bare commas", make.signed(operation, text.replace(b"%2C", b","))
    for name, value in pairs:
        for label, spelled in _spellings(value) if value else ():
            raw = "&".join(f"{each}={spelled if each == name else escape(old)}" for each, old in pairs)
            yield f"{name} {label}", make.signed(operation, raw.encode("ascii"))
    name = pairs[0][0]
    escaped_name = f"%{ord(name[0]):02X}{name[1:]}"
    yield (
        f"the name {name} with a needless escape",
        make.signed(operation, escaped_name.encode() + text[len(name) :]),
    )


def _spellings(value: str) -> Iterator[tuple[str, str]]:
    """Yield other encodings of a value, and encodings of the value with something unusual behind."""
    plain = escape(value)
    first = f"%{ord(value[0]):02X}{escape(value[1:])}" if ord(value[0]) < 128 else plain
    yield "with a needless escape", first
    lower = first.lower() if first[1:3].isdigit() else first[:3].lower() + first[3:]
    yield "with a needless escape in lower case", lower
    yield "escaped twice", "%25" + first[1:] if first.startswith("%") else first
    for label, end in (
        ("with a bad escape", "%"),
        ("with a half escape", "%4"),
        ("with an escape that is not hexadecimal", "%G1"),
        ("with bytes that are not UTF-8", "%FF"),
        ("with half a character", "%E5%B8"),
        ("with a long form of a slash", "%C0%AF"),
        ("with a surrogate", "%ED%A0%80"),
        ("with an escaped NUL", "%00"),
        ("with a plus", "+"),
        ("with an escaped blank", "%20"),
        ("with an escaped newline", "%0A"),
        ("with an escaped ampersand", "%26foo%3D1"),
    ):
        yield label, plain + end
    yield "with a byte order mark", "%EF%BB%BF" + plain
