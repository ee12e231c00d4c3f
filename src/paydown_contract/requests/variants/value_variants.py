"""Vary the values of parameters: every edge and every spelling of their schemas."""

from collections.abc import Iterator

from paydown_contract.document import Operation
from paydown_contract.requests import parameter_texts
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.raw_request import Request


def value_variants(make: Composer, operation: Operation) -> Iterator[tuple[str, Request]]:
    """Yield requests with one parameter varied and the other required parameters valid.

    Timestamp and signature are left out: `time_variants` and `signature_variants` vary them.

    Args:
        make: Composes and signs the requests.
        operation: The operation to call.

    Returns:
        Pairs of the variant's name and its request.
    """
    required = make.arguments(operation, optional=False)
    for item in operation.fields:
        if item.name in ("timestamp", "signature"):
            continue
        rest = [(name, value) for name, value in required if name != item.name]
        for label, text in parameter_texts.texts(item.schema):
            chosen = dict([*rest, (item.name, text)])
            ordered = [(each.name, chosen[each.name]) for each in operation.fields if each.name in chosen]
            yield f"{item.name}: {label}", make.right(operation, ordered)
