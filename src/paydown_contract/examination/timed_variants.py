"""Give each variant the time of the server at which it is judged, and avoid edges that a running clock would blur."""

from collections.abc import Iterator
from typing import Final

from paydown_contract.document import Document, Operation
from paydown_contract.examination.server_clock import ServerClock
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.percent_encoding import join
from paydown_contract.requests.signing_key import Key
from paydown_contract.requests.variants.tamperer import Tamperer, Variant
from paydown_contract.rules.allowed_answers import Oracle

# A running clock advances while a request waits for its turn and travels, and our reading of it may be a little ahead.
# Requests whose allowed answer changes within this span are sent only to servers whose clock stands still.
_LATER_MS: Final = 3_000
_EARLIER_MS: Final = 200
# Variants that share one timestamp; after so many a running clock is read again.
_BATCH: Final = 100


def timed_variants(
    document: Document, key: Key, others: tuple[Key, ...], operation: Operation, clock: ServerClock
) -> Iterator[tuple[Variant, int]]:
    """Yield the variants of an operation, each with the time at which its answer is judged, UTC milliseconds.

    Args:
        document: The document that the server claims to keep.
        key: The key that signs.
        others: Further keys that the server knows.
        operation: The operation to call.
        clock: The server's clock. If it runs, the timestamp is renewed on the way, and requests near an edge of the
            time rules are replaced by requests well inside and well outside of the window.
    """
    if clock.frozen_at_ms is not None:
        for variant in Tamperer(document, key, others, clock.frozen_at_ms).variants(operation):
            yield variant, clock.frozen_at_ms
        return
    now = clock.now_ms()
    for variant in _far_from_edges(Composer(document, key, now), operation):
        yield variant, now
    count = sum(1 for _ in Tamperer(document, key, others, 10**12).variants(operation))
    for start in range(0, count, _BATCH):
        now = clock.now_ms()
        for number, variant in enumerate(Tamperer(document, key, others, now).variants(operation)):
            if start <= number < start + _BATCH and not _near_an_edge(document, variant, now):
                yield variant, now


def _far_from_edges(make: Composer, operation: Operation) -> Iterator[Variant]:
    """Yield requests whose age is well inside or well outside of the window."""
    if not operation.signed:
        return
    rules = make.document.signing
    default, maximum = rules["recv-window"]["default"], rules["recv-window"]["maximum"]
    arguments = [pair for pair in make.arguments(operation, optional=False) if pair[0] != "recvWindow"]
    for window, age in (
        (None, default // 4),
        (None, default * 3),
        (1, _LATER_MS + 1_000),
        (1_000, _LATER_MS + 2_000),
        (maximum // 2, maximum // 4),
        (maximum // 2, maximum * 3 // 4),
        (maximum, maximum // 2),
        (maximum, maximum * 2),
    ):
        sent = [("recvWindow", str(window))] if window is not None else []
        pairs = [*arguments, *sent, ("timestamp", str(make.now_ms - age))]
        name = f"recvWindow {'absent' if window is None else window}, {age} ms old"
        yield Variant(operation.id, "time", name, make.signed(operation, join(pairs)))


def _near_an_edge(document: Document, variant: Variant, now_ms: int) -> bool:
    """Return True if the time rules would allow another answer within the span that a running clock may be off."""
    oracle = Oracle(document, ())
    broken = {
        tuple(
            breach.clause
            for breach in oracle.expect(variant.request, now_ms + step).breaches
            if "acceptance" in breach.clause
        )
        for step in (-_EARLIER_MS, 0, _LATER_MS)
    }
    return len(broken) > 1
