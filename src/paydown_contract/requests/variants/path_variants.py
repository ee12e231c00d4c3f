"""Vary method and path, towards calls that the document does not have."""

from collections.abc import Iterator
from dataclasses import replace

from paydown_contract.document import Operation
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.raw_request import Request


def path_variants(make: Composer, operation: Operation) -> Iterator[tuple[str, Request]]:
    """Yield valid requests sent with another method or to another spelling of the path.

    Args:
        make: Composes and signs the requests.
        operation: The operation to call.

    Returns:
        Pairs of the variant's name and its request.
    """
    right = make.right(operation)
    in_query = make.right(operation, place="query")
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
        if method != operation.method and make.document.operation(method, operation.path) is None:
            yield f"method {method}", replace(in_query, method=method)
    path = operation.path
    for name, other in (
        ("a slash at the end", path + "/"),
        ("upper case", path.upper()),
        ("one letter less", path[:-1]),
        ("one letter more", path + "s"),
        ("another version", path.replace("/v1/", "/v3/")),
        ("two slashes", path.replace("/v1/", "/v1//")),
        ("no prefix", path.removeprefix("/papi")),
    ):
        if other != path and make.document.operation(operation.method, other) is None:
            yield f"path with {name}", replace(right, path=other)
