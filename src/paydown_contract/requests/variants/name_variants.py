"""Vary the names of parameters: missing, repeated, misspelt, unknown."""

from collections.abc import Iterator

from paydown_contract.document import Operation
from paydown_contract.requests import parameter_texts
from paydown_contract.requests.composer import SIGNING_PARAMETERS, Composer, Pairs
from paydown_contract.requests.percent_encoding import join
from paydown_contract.requests.raw_request import Request


def name_variants(make: Composer, operation: Operation) -> Iterator[tuple[str, Request]]:
    """Yield requests in which a parameter's name is missing, repeated, misspelt or unknown.

    Args:
        make: Composes and signs the requests.
        operation: The operation to call.

    Returns:
        Pairs of the variant's name and its request.
    """
    pairs = make.stamped(operation) if operation.signed else make.arguments(operation)
    for name, _ in pairs:
        without = [pair for pair in pairs if pair[0] != name]
        yield f"{name} missing", make.signed(operation, join(without))
    yield from _repeated(make, operation, pairs)
    yield from _misspelt(make, operation, pairs)
    yield from _unknown(make, operation, pairs)
    if not operation.signed:
        for name in SIGNING_PARAMETERS:
            if operation.field(name) is None:
                yield f"an unneeded {name}", make.signed(operation, join([*pairs, (name, str(make.now_ms))]))


def _repeated(make: Composer, operation: Operation, pairs: Pairs) -> Iterator[tuple[str, Request]]:
    for at, (name, value) in enumerate(pairs):
        item = operation.field(name)
        known = item is not None and name not in SIGNING_PARAMETERS
        other = parameter_texts.valid(item.schema, 2) if item is not None and known else value
        for label, pair in (
            ("the same value", (name, value)),
            ("another value", (name, other)),
            ("empty", (name, "")),
        ):
            for where in dict.fromkeys((at, at + 1, len(pairs))):
                yield (
                    f"{name} twice, {label}, at {where}",
                    make.signed(operation, join([*pairs[:where], pair, *pairs[where:]])),
                )


def _misspelt(make: Composer, operation: Operation, pairs: Pairs) -> Iterator[tuple[str, Request]]:
    for name, value in pairs:
        for label, wrong in (
            ("in upper case", name.upper()),
            ("capitalised", name[0].upper() + name[1:]),
            ("with [] behind", name + "[]"),
            ("with [0] behind", name + "[0]"),
            ("one letter less", name[:-1]),
            ("one letter more", name + "s"),
            ("with a blank before", " " + name),
            ("with a blank behind", name + " "),
            ("in snake case", "".join("_" + each.lower() if each.isupper() else each for each in name)),
        ):
            if wrong == name or operation.field(wrong) is not None:
                continue
            renamed = [(wrong if each == name else each, old) for each, old in pairs]
            yield f"{name} {label}", make.signed(operation, join(renamed))
            yield f"{name}, and again {label}", make.signed(operation, join([*pairs, (wrong, value)]))


def _unknown(make: Composer, operation: Operation, pairs: Pairs) -> Iterator[tuple[str, Request]]:
    for name, value in (
        ("foo", "1"),
        ("newClientOrderId", "abc"),
        ("symbol", "BTCUSDT"),
        ("", "x"),
        ("X-MBX-APIKEY", "k"),
        ("€", "1"),
    ):
        if operation.field(name) is not None:
            continue
        label = f"an unknown parameter {name or 'without a name'}"
        yield label, make.signed(operation, join([*pairs, (name, value)]))
        yield f"{label} first", make.signed(operation, join([(name, value), *pairs]))
        if operation.takes_form and operation.signed:
            yield f"{label} in the query", make.split(operation, join([(name, value)]), join(pairs))
