"""Vary where parameters stand: in the query, in the form body, in both."""

from collections.abc import Iterator

from paydown_contract.document import Operation
from paydown_contract.requests import parameter_texts
from paydown_contract.requests.composer import SIGNING_PARAMETERS, Composer, Pairs
from paydown_contract.requests.percent_encoding import join
from paydown_contract.requests.raw_request import Request


def place_variants(make: Composer, operation: Operation) -> Iterator[tuple[str, Request]]:
    """Yield requests with required and with all parameters, in every place that the method allows.

    Args:
        make: Composes and signs the requests.
        operation: The operation to call.

    Returns:
        Pairs of the variant's name and its request.
    """
    for optional in (False, True):
        label = "all parameters" if optional else "required parameters"
        arguments = make.arguments(operation, optional=optional)
        yield label, make.right(operation, arguments)
        if not operation.takes_form or not operation.signed:
            continue
        yield f"{label} in the query", make.right(operation, arguments, place="query")
        pairs = [*arguments, ("timestamp", str(make.now_ms))]
        for at in range(len(pairs) + 1):
            query, body = join(pairs[:at]), join(pairs[at:])
            for last in ("query", "body"):
                name = f"{label}, {at} in the query, signature in the {last}"
                yield name, make.split(operation, query, body, last=last)
        if optional:
            yield from _in_both_places(make, operation, pairs)


def _in_both_places(make: Composer, operation: Operation, pairs: Pairs) -> Iterator[tuple[str, Request]]:
    """Yield requests that give one parameter in the query and in the body, where the query's value must win."""
    for at, (name, value) in enumerate(pairs):
        rest = pairs[:at] + pairs[at + 1 :]
        item = operation.field(name)
        other = "999" if name in SIGNING_PARAMETERS or item is None else parameter_texts.valid(item.schema, 2)
        for label, text in (("the same", value), ("another", other), ("a broken", "")):
            yield (
                f"{name} in both places, {label} value in the body",
                make.split(operation, join([(name, value)]), join([*rest, (name, text)])),
            )
        yield (
            f"{name} in both places, a broken value in the query",
            make.split(operation, join([(name, "")]), join(pairs)),
        )
