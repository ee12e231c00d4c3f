"""Vary the order of parameters, and the place of the signature among them."""

from collections.abc import Iterator

from paydown_contract.document import Operation
from paydown_contract.requests.composer import Composer, joined, signature_pair
from paydown_contract.requests.percent_encoding import join
from paydown_contract.requests.raw_request import Request


def order_variants(make: Composer, operation: Operation) -> Iterator[tuple[str, Request]]:
    """Yield requests with the parameters in other orders, and with the signature not at the end.

    Args:
        make: Composes and signs the requests.
        operation: The operation to call.

    Returns:
        Pairs of the variant's name and its request.
    """
    pairs = make.stamped(operation)
    orders = {
        "reversed": pairs[::-1],
        "sorted": sorted(pairs),
        "sorted backwards": sorted(pairs, reverse=True),
    }
    orders |= {f"rotated by {turn}": pairs[turn:] + pairs[:turn] for turn in range(1, len(pairs))}
    for name, order in orders.items():
        yield f"parameters {name}", make.signed(operation, join(order))
    signature = signature_pair(make.key.sign(join(pairs)))
    for at in range(len(pairs)):
        moved = joined(join(pairs[:at]), signature, join(pairs[at:]))
        yield f"signature at place {at}", make.signed(operation, moved, sign=False)
