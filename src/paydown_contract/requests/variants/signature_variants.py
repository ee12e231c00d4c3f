"""Vary the signature: misspelt, repeated, or left as it was when the request was changed."""

from collections.abc import Iterator, Sequence

from paydown_contract.document import Operation
from paydown_contract.requests import parameter_texts
from paydown_contract.requests.composer import SIGNING_PARAMETERS, Composer, Pairs, joined, signature_pair
from paydown_contract.requests.percent_encoding import escape, join
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key
from paydown_contract.requests.variants.wrong_signatures import (
    wrong_messages,
    wrong_signatures,
    wrong_split_messages,
)


def signature_variants(
    make: Composer, operation: Operation, others: Sequence[Key]
) -> Iterator[tuple[str, Request]]:
    """Yield requests whose signature is missing, changed, made in another way or made over another text.

    Args:
        make: Composes and signs the requests.
        operation: The operation to call.
        others: Further keys that the server knows, to sign with the wrong one.

    Returns:
        Pairs of the variant's name and its request.
    """
    pairs = make.stamped(operation)
    text = join(pairs)
    signature = make.key.sign(text)

    def sent(pair: bytes) -> Request:
        return make.signed(operation, joined(text, pair), sign=False)

    yield "no signature", make.signed(operation, text, sign=False)
    yield "a right signature", sent(signature_pair(signature))
    for label, wrong in _misspelt(signature, make.key.kind):
        yield label, sent(signature_pair(wrong))
    if escape(signature) != signature:
        # In a form a bare + is a blank, so that the exchange reads another signature than was made.
        yield "signature not percent-encoded", sent(b"signature=" + signature.encode("utf-8"))
    if "+" in signature:
        bare_plus = signature_pair(signature).replace(b"%2B", b"+")
        yield "signature with a bare + only", sent(bare_plus)
    for label, wrong in wrong_signatures(make.key, others, text):
        yield f"signed {label}", sent(signature_pair(wrong))
    for label, message in wrong_messages(operation, pairs):
        if message != text:
            yield f"signed over {label}", sent(signature_pair(make.key.sign(message)))
    yield from _changed_after_signing(make, operation, pairs)
    yield from _repeated(make, operation, text, signature_pair(signature))
    if operation.takes_form:
        yield from _split(make, operation, pairs)


def _misspelt(signature: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield the signature with each character changed, and in every other spelling."""
    first, second = ("0", "1") if kind == "hmac" else ("A", "B")
    for at in range(len(signature.rstrip("="))):
        swap = first if signature[at] != first else second
        yield f"character {at} changed", signature[:at] + swap + signature[at + 1 :]
    encoded = escape(signature)
    for label, wrong in (
        ("empty", ""),
        ("in upper case", signature.upper()),
        ("in lower case", signature.lower()),
        ("with swapped case", signature.swapcase()),
        ("half in upper case", signature[:32].upper() + signature[32:]),
        ("one character less", signature[:-1]),
        ("two characters less", signature[:-2]),
        ("the first half", signature[: len(signature) // 2]),
        ("first character missing", signature[1:]),
        ("one character more", signature + "0"),
        ("twice", signature + signature),
        ("with 0x before", "0x" + signature),
        ("with a blank before", " " + signature),
        ("with a blank behind", signature + " "),
        ("with a newline behind", signature + "\n"),
        ("quoted", f'"{signature}"'),
        (
            "with a fullwidth digit",
            signature.translate({48 + digit: 0xFF10 + digit for digit in range(10)}),
        ),
        ("reversed", signature[::-1]),
        ("zeros", "0" * 64),
        ("the word null", "null"),
        ("percent-encoded twice", escape(encoded) if "%" in encoded else "%25" + signature),
        ("base64url", signature.replace("+", "-").replace("/", "_")),
        ("without padding", signature.rstrip("=")),
        ("with more padding", signature + "="),
        ("with a line break", signature[:60] + "\n" + signature[60:]),
    ):
        if wrong != signature:
            yield f"signature {label}", wrong


def _changed_after_signing(
    make: Composer, operation: Operation, pairs: Pairs
) -> Iterator[tuple[str, Request]]:
    pair = signature_pair(make.key.sign(join(pairs)))
    for name, value in pairs:
        item = operation.field(name)
        if item is None:
            continue
        for turn in (1, 2):
            other = (
                str(int(value) + turn)
                if name in SIGNING_PARAMETERS
                else parameter_texts.valid(item.schema, turn + 1)
            )
            if other != value:
                changed = join([(each, other if each == name else old) for each, old in pairs])
                yield (
                    f"{name} changed to {other} after signing",
                    make.signed(operation, changed + b"&" + pair, sign=False),
                )
        rest = join([each for each in pairs if each[0] != name])
        yield f"{name} removed after signing", make.signed(operation, rest + b"&" + pair, sign=False)


def _repeated(
    make: Composer, operation: Operation, text: bytes, pair: bytes
) -> Iterator[tuple[str, Request]]:
    """Yield requests with two signatures, a signature under another name, or parameters around the signature."""
    right = joined(text, pair)
    value = pair.removeprefix(b"signature=")
    zeros = b"signature=" + b"0" * 64
    after = b"recvWindow=5000" if b"recvWindow" not in right else b"foo=1"
    for label, changed in (
        ("signature twice, the same", joined(right, pair)),
        ("signature twice, the first wrong", joined(text, zeros, pair)),
        ("signature twice, the second wrong", joined(right, zeros)),
        ("signature named Signature", joined(text, b"Signature=" + value)),
        ("signature named sign", joined(text, b"sign=" + value)),
        ("a parameter after the signature", joined(right, after)),
        ("a parameter slipped in before the signature", joined(text, b"foo=1", pair)),
    ):
        yield label, make.signed(operation, changed, sign=False)


def _split(make: Composer, operation: Operation, pairs: Pairs) -> Iterator[tuple[str, Request]]:
    """Yield requests with parameters in query and body, and a signature over another join of the two."""
    for at in range(len(pairs) + 1):
        query, body = join(pairs[:at]), join(pairs[at:])
        for label, message in wrong_split_messages(query, body):
            pair = signature_pair(make.key.sign(message))
            yield f"{at} in the query, signed over: {label}", make.bare(operation, query, joined(body, pair))
