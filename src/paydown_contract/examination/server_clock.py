"""Read the clock of the server that is examined, and check that it runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from paydown_contract.document import Document, Operation
from paydown_contract.examination.finding import Finding
from paydown_contract.requests.raw_request import Request
from paydown_contract.rules.answer_body import Answer, members_of


@dataclass(frozen=True, slots=True)
class ServerClock:
    """The server's time, derived from this machine's clock.

    Args:
        frozen_at_ms: Where the server's clock stands still, UTC milliseconds; None if it runs.
        offset_ms: How far a running clock is ahead of this machine's.
    """

    frozen_at_ms: int | None
    offset_ms: int = 0

    def now_ms(self) -> int:
        """Return the server's time, UTC milliseconds."""
        if self.frozen_at_ms is not None:
            return self.frozen_at_ms
        return time.time_ns() // 1_000_000 + self.offset_ms


def read_clock(document: Document, send: Callable[[Request], Answer]) -> ServerClock:
    """Read a running clock once, and remember how far it is from this machine's.

    Args:
        document: Names the operation that returns the server's time.
        send: Sends one raw request and returns the answer.

    Returns:
        A clock with offset 0 where the server does not return its time.
    """
    shown = server_time(document, send)
    return ServerClock(None, 0 if shown is None else shown - time.time_ns() // 1_000_000)


def server_time(document: Document, send: Callable[[Request], Answer]) -> int | None:
    """Return what the server's clock shows now, UTC milliseconds; None if the server does not return its time.

    Args:
        document: Names the operation that returns the server's time.
        send: Sends one raw request and returns the answer.
    """
    operation = _time_operation(document)
    return None if operation is None else _shown(operation, send)


def clock_finding(document: Document, send: Callable[[Request], Answer]) -> Finding | None:
    """Ask a running clock for its time twice, 50 ms apart, and report a clock that does not advance.

    Args:
        document: Names the operation that returns the server's time.
        send: Sends one raw request and returns the answer.

    Returns:
        None if the clock advances, or if an answer holds no time: `AnswerSchema` reports that.
    """
    operation = _time_operation(document)
    if operation is None:
        return None
    first = _shown(operation, send)
    if first is None:
        return None
    time.sleep(0.05)
    second = _shown(operation, send)
    if second is None or second > first:
        return None
    return Finding(
        operation.id,
        f"{operation.id}: serverTime",
        "the clock stands still or goes back; if it is meant to stand, name its time with --frozen-at-ms",
        "the same call, 50 ms later",
        Request(operation.method, operation.path),
        200,
        b"",
    )


def _shown(operation: Operation, send: Callable[[Request], Answer]) -> int | None:
    answer = send(Request(operation.method, operation.path))
    shown = members_of(answer.body).get("serverTime")
    return shown if answer.status == 200 and isinstance(shown, int) else None


def _time_operation(document: Document) -> Operation | None:
    return next(
        (each for each in document.operations if each.path.endswith("/time") and not each.fields), None
    )
