"""Vary the header that carries the API key."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from paydown_contract.document import Operation
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key


def key_variants(
    make: Composer, operation: Operation, others: Sequence[Key]
) -> Iterator[tuple[str, Request]]:
    """Yield valid requests with another API key, another header, two headers, or the key of another account.

    Args:
        make: Composes and signs the requests.
        operation: The operation to call.
        others: Further keys that the server knows.

    Returns:
        Pairs of the variant's name and its request.
    """
    right = make.right(operation)
    header = make.document.key_header
    kept = tuple(pair for pair in right.headers if pair[0] != header)
    key = make.key.api_key
    for name, value in (
        ("empty", ""),
        ("one letter less", key[:-1]),
        ("one letter more", key + "x"),
        ("first letter changed", ("A" if key[0] != "A" else "B") + key[1:]),
        ("last letter changed", key[:-1] + ("A" if key[-1] != "A" else "B")),
        ("in lower case", key.lower()),
        ("in upper case", key.upper()),
        ("with swapped case", key.swapcase()),
        ("with a blank inside", key[:8] + " " + key[8:]),
        ("of nobody", "0" * 64),
        ("a word", "key"),
        ("quoted", f'"{key}"'),
        ("as a bearer", f"Bearer {key}"),
    ):
        if value != key:
            yield f"key {name}", replace(right, headers=((header, value), *kept))
    yield "no key", replace(right, headers=kept)
    for name in dict.fromkeys((header.lower(), header.title(), header.swapcase())):
        yield f"header written {name}", replace(right, headers=((name, key), *kept))
    for name in ("Authorization", header + "S", header.replace("-", "_"), "X-API-KEY"):
        yield f"key in the header {name}", replace(right, headers=((name, key), *kept))
    for label, second in (("the same", key), ("another", "0" * 64), ("an empty one", "")):
        yield (
            f"the header twice, {label} first",
            replace(right, headers=((header, second), (header, key), *kept)),
        )
        yield (
            f"the header twice, {label} last",
            replace(right, headers=((header, key), *kept, (header, second))),
        )
    for number, other in enumerate(others, 1):
        yield (
            f"key of other {number}, signed by ours",
            replace(right, headers=((header, other.api_key), *kept)),
        )
        if operation.signed:
            foreign = replace(make, key=other).right(operation)
            yield f"our key, signed by other {number}", replace(foreign, headers=((header, key), *kept))
            yield f"key and signature of other {number}", foreign
