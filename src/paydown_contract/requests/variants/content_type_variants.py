"""Vary the content type of a form body, and what the body is written in."""

from collections.abc import Iterator
from dataclasses import replace

from paydown_contract.document import FORM, Operation
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.percent_encoding import join
from paydown_contract.requests.raw_request import Request


def content_type_variants(make: Composer, operation: Operation) -> Iterator[tuple[str, Request]]:
    """Yield valid bodies under other content types, and JSON bodies.

    Args:
        make: Composes and signs the requests.
        operation: The operation to call.

    Returns:
        Pairs of the variant's name and its request.
    """
    right = make.right(operation, place="body")
    kept = tuple(header for header in right.headers if header[0].lower() != "content-type")
    for name, value in (
        ("with a charset", FORM + "; charset=utf-8"),
        ("with a charset, no blank", FORM + ";charset=UTF-8"),
        ("in upper case", FORM.upper()),
        ("JSON", "application/json"),
        ("plain text", "text/plain"),
        ("multipart", "multipart/form-data; boundary=x"),
        ("octets", "application/octet-stream"),
        ("one letter less", FORM[:-1]),
        ("one letter more", FORM + "x"),
        ("empty", ""),
    ):
        yield f"content type {name}", replace(right, headers=(*kept, ("Content-Type", value)))
    yield "no content type", replace(right, headers=kept)
    pairs = make.stamped(operation)
    signature = make.key.sign(join(pairs))
    members = ",".join(f'"{name}":"{value}"' for name, value in [*pairs, ("signature", signature)])
    body = ("{" + members + "}").encode()
    yield (
        "a JSON body",
        replace(right, headers=(*kept, ("Content-Type", "application/json")), body=body),
    )
    yield "a JSON body sent as a form", replace(right, body=body)
