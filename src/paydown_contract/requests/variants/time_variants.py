"""Vary timestamp and recvWindow around every edge of the time rules."""

from collections.abc import Callable, Iterator

from paydown_contract.document import Operation
from paydown_contract.requests import parameter_texts
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.percent_encoding import join
from paydown_contract.requests.raw_request import Request

# Builds the request with a timestamp text and a recvWindow text, or without recvWindow.
_At = Callable[[str, str | None], Request]


def time_variants(make: Composer, operation: Operation) -> Iterator[tuple[str, Request]]:
    """Yield requests whose age lies at the edges of the window, and timestamps of wrong unit, zone or spelling.

    Args:
        make: Composes and signs the requests.
        operation: The operation to call.

    Returns:
        Pairs of the variant's name and its request.
    """
    arguments = [pair for pair in make.arguments(operation, optional=False) if pair[0] != "recvWindow"]

    def at(stamp: str, window: str | None) -> Request:
        sent = [] if window is None else [("recvWindow", window)]
        return make.signed(operation, join([*arguments, *sent, ("timestamp", stamp)]))

    yield from _edges_of_windows(make, at)
    yield from _timestamps(make.now_ms, at)


def _edges_of_windows(make: Composer, at: _At) -> Iterator[tuple[str, Request]]:
    rules, now_ms = make.document.signing, make.now_ms
    default, maximum = rules["recv-window"]["default"], rules["recv-window"]["maximum"]
    ahead = rules["timestamp"]["future-tolerance-ms"]
    around = (default - 1, default, default + 1, maximum - 1, maximum)
    for window in (None, "1", "2", "999", "1000", "1001", *map(str, around)):
        size = default if window is None else int(window)
        label = f"recvWindow {window or 'absent'}"
        for step in (-2, -1, 0, 1, 2):
            yield f"{label}, {size + step} ms old", at(str(now_ms - size - step), window)
        for step in (-ahead, -2, -1, 0, 1, 2):
            yield f"{label}, {ahead + step} ms ahead", at(str(now_ms + ahead + step), window)
    for window in (str(maximum + 1), str(maximum * 2), "9999999", "0", "-1", str(-maximum)):
        for age in (0, 1, 4999, maximum, maximum + 1, 9999998):
            yield f"recvWindow {window}, {age} ms old", at(str(now_ms - age), window)


def _timestamps(now_ms: int, at: _At) -> Iterator[tuple[str, Request]]:
    now = str(now_ms)
    for label, stamp in (
        ("in seconds", str(now_ms // 1000)),
        ("in microseconds", str(now_ms * 1000)),
        ("in nanoseconds", str(now_ms * 1000000)),
        ("as ISO 8601", "2021-11-08T12:30:37.000Z"),
        ("one hour ahead", str(now_ms + 3600000)),
        ("one hour old", str(now_ms - 3600000)),
        ("one day old", str(now_ms - 86400000)),
        ("an eight-hour zone ahead", str(now_ms + 8 * 3600000)),
        ("of 1970", "0"),
        ("of the year 2286", "9999999999999"),
        ("one digit less", now[:-1]),
        ("one digit more", now + "0"),
    ):
        yield f"timestamp {label}", at(stamp, None)
    for label, stamp in parameter_texts.spellings(now):
        yield f"timestamp with {label}", at(stamp, None)
