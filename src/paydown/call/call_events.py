"""The events of one call, and the times and counts that they carry."""

from __future__ import annotations

from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Final, TypeVar

from paydown.errors import PaydownError, ReadFailed, RequestNotSent, RequestRejected
from paydown.events import Event
from paydown_wire.operations import SERVER_TIME

if TYPE_CHECKING:
    from paydown.call.flow import Flow
    from paydown.call.request import Prepared
    from paydown.events import Reporter
    from paydown.transport.channel import Answer, Outgoing
    from paydown_wire.operation import Operation

T = TypeVar("T")

_numbers: Final = count(1)  # of the calls of this process


class CallEvents:
    """Reports what happens to one call. An event is built only where a hook or the log takes it.

    Args:
        reporter: Takes the events.
        operation: The operation that is called.
        weight: Request weight of one request.
    """

    __slots__ = (
        "attempt_id",
        "clock_ms",
        "number",
        "operation",
        "paused_ms",
        "reporter",
        "tries",
        "unresolved",
        "waited_ms",
        "weight",
    )

    def __init__(self, reporter: Reporter, operation: Operation, weight: int) -> None:
        self.reporter = reporter
        self.operation = operation
        self.weight = weight
        self.number = next(_numbers)
        self.tries = 0
        self.waited_ms = self.clock_ms = self.paused_ms = 0
        self.attempt_id: str | None = None
        self.unresolved = False

    def around(self, flow: Flow[T]) -> Flow[T]:
        """Wrap a flow in the events "begun" and "ended".

        Args:
            flow: The flow of the call.
        """
        name, begun = self.operation.name, perf_counter()
        self.reporter.report(Event("begun", name, call=self.number))
        failure: BaseException | None = None
        try:
            return (yield from flow)
        except BaseException as error:
            failure = error
            raise
        finally:
            raised = failure if isinstance(failure, PaydownError) else None
            self.reporter.report(
                Event(
                    "ended",
                    name,
                    call=self.number,
                    outcome="unknown" if self.unresolved else _end(failure),
                    error="" if failure is None else type(failure).__name__,
                    status=None if raised is None else raised.status,
                    code=None if raised is None else raised.code,
                    weight=self.weight,
                    elapsed_ms=_elapsed_ms(begun),
                    waited_ms=self.waited_ms,
                    clock_ms=self.clock_ms,
                    paused_ms=self.paused_ms,
                    tries=self.tries,
                    attempt_id=self.attempt_id,
                )
            )

    def answered(
        self,
        prepared: Prepared,
        answer: Answer | None,
        *,
        code: int | None,
        outcome: str,
        used_weight: int | None,
        elapsed_ms: float,
    ) -> None:
        """Report how one request of the call ended.

        Args:
            prepared: The request.
            answer: Its answer; None if none came.
            code: Code of the exchange in the answer.
            outcome: "done", "no" or "unknown" by the answer; "not-sent" or "lost" without one.
            used_weight: Weight that the answer's header shows as used.
            elapsed_ms: From the first byte written to the last byte read, milliseconds.
        """
        if not self.reporter.wants("answered"):
            return
        outgoing = prepared.outgoing
        self.reporter.report(
            Event(
                "answered",
                self.operation.name,
                call=self.number,
                outcome=outcome,
                method=self.operation.method,
                url=outgoing.address.origin + outgoing.target.partition("?")[0],
                status=None if answer is None else answer.status,
                code=code,
                weight=self.weight,
                used_weight=used_weight,
                elapsed_ms=round(elapsed_ms, 3),
                tries=self.tries,
                attempt_id=self.attempt_id,
            )
        )

    def time_answered(
        self,
        outgoing: Outgoing,
        url: str,
        answer: Answer | None,
        *,
        outcome: str,
        weight: int | None,
        begun: float,
    ) -> None:
        """Report how one request for the exchange's time ended.

        Args:
            outgoing: The request.
            url: Where it went.
            answer: Its answer; None if none came.
            outcome: "done" if the answer holds a time, else "no", "not-sent" or "lost".
            weight: Request weight that it cost; None on a host with other counters.
            begun: `perf_counter()` before it was sent.
        """
        if self.reporter.wants("answered"):
            self.reporter.report(
                Event(
                    "answered",
                    SERVER_TIME.name,
                    call=self.number,
                    outcome=outcome,
                    method=outgoing.method,
                    url=url,
                    status=None if answer is None else answer.status,
                    weight=weight,
                    elapsed_ms=_elapsed_ms(begun),
                )
            )

    def synced(self, succeeded: bool, offset_ms: int | None) -> None:
        """Report the end of a clock sync.

        Args:
            succeeded: Whether a source answered with a time.
            offset_ms: The exchange's clock minus this machine's, milliseconds.
        """
        if self.reporter.wants("synced"):
            outcome = "done" if succeeded else "no"
            self.reporter.report(
                Event("synced", SERVER_TIME.name, call=self.number, outcome=outcome, offset_ms=offset_ms)
            )

    def waiting(self, wait_s: float) -> None:
        """Report that the call waits for room in the budget, for so many seconds at least."""
        if self.reporter.wants("waiting"):
            self.reporter.report(Event("waiting", self.operation.name, call=self.number, wait_s=wait_s))

    def repeating(self, wait_s: float) -> None:
        """Report that the request is sent again after so many seconds."""
        if self.reporter.wants("repeating"):
            self.reporter.report(
                Event(
                    "repeating",
                    self.operation.name,
                    call=self.number,
                    wait_s=round(wait_s, 3),
                    tries=self.tries,
                )
            )

    def left_unresolved(self, failure: BaseException | None) -> None:
        """Report that the call may have been executed; `failure` is its exception."""
        self.unresolved = True
        if self.reporter.wants("unresolved"):
            self.reporter.report(
                Event(
                    "unresolved",
                    self.operation.name,
                    call=self.number,
                    outcome="unknown",
                    status=failure.status if isinstance(failure, PaydownError) else None,
                    attempt_id=self.attempt_id,
                )
            )


def _elapsed_ms(begun: float) -> float:
    return round((perf_counter() - begun) * 1000, 3)


def _end(failure: BaseException | None) -> str:
    """Name how a call ended that left nothing unresolved."""
    if failure is None:
        return "done"
    if isinstance(failure, RequestNotSent):
        return "not-sent"
    if isinstance(failure, RequestRejected):
        return "rejected"
    return "read-failed" if isinstance(failure, ReadFailed) else "interrupted"
