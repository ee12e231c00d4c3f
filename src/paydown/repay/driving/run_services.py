"""The services of a driver, blocking or awaited: journal, stop switch, trace, progress and lock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from paydown.errors import PaydownError
from paydown.repay.driving.client_mapping import failed
from paydown.repay.driving.intent_observer import IntentObserver
from paydown.repay.errors import AccountBusy, AccountInDoubt, JournalUnusable, SnapshotTooOld
from paydown.repay.execution.commands import Commit, Repay, RepayOutcome, Step
from paydown.repay.execution.stopping import StopAsked, StopSwitch
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.states import AttemptState
from paydown.repay.progress import Progress

__all__ = ["RunServices", "Trace"]

R = TypeVar("R")

Trace: TypeAlias = Callable[[Step, Literal["before", "after"]], object]
"""Called before and after every step. It may raise, or end the process."""


@dataclass(frozen=True, slots=True)
class RunServices:
    """The services that a driver works with.

    Attributes:
        journal: Where attempts are written down.
        account: The account's name in it.
        recv_window_ms: recvWindow of the repayments.
        switch: Whether to stop.
        trace: Called before and after every step, or `None`.
        progress: Called with progress, or `None`.
        held: Whether this very process still holds the account.
        leaving: Called with the id of each attempt whose INTENT has just become durable.
    """

    journal: Journal
    account: str
    recv_window_ms: int
    switch: StopSwitch
    trace: Trace | None = None
    progress: Callable[[Progress], object] | None = None
    held: Callable[[], bool] = field(default=lambda: True)
    leaving: Callable[[str], object] = field(default=lambda _: None)

    def mark(self, step: Step, side: Literal["before", "after"]) -> None:
        """Call the trace for a step.

        Args:
            step: The step.
            side: Whether it begins or has ended.
        """
        if self.trace is not None:
            self.trace(step, side)

    def commit(self, command: Commit[R]) -> R:
        """Write to the journal, and return the value that the write returns."""
        self.mark(command.step, "before")
        result = command.write()
        self.mark(command.step, "after")
        return result

    def show(self, progress: Progress) -> None:
        """Pass progress on to the caller."""
        if self.progress is not None:
            self.progress(progress)

    def observer(self, command: Repay, now_ms: Callable[[], int]) -> IntentObserver:
        """Make the observer of the one call that carries out a repayment.

        Args:
            command: The repayment.
            now_ms: The exchange's time, UTC milliseconds.
        """
        return IntentObserver(
            command=command,
            journal=self.journal,
            account=self.account,
            recv_window_ms=self.recv_window_ms,
            now_ms=now_ms,
            stay=self.switch.stay,
            held=self.held,
            leaving=self.leaving,
            mark=self.mark,
        )

    def outcome_of(
        self, observer: IntentObserver, error: BaseException, now_ms: Callable[[], int]
    ) -> RepayOutcome:
        """Return what the error of a repayment proves; raise the error again if it is not about the repayment.

        Args:
            observer: The observer of the call.
            error: The exception of the call.
            now_ms: The exchange's time, UTC milliseconds.
        """
        attempt_id = observer.attempt_id
        if isinstance(error, StopAsked):
            if attempt_id is None:
                detail = {"message": "stopped"}
                return RepayOutcome("not-sent", None, cause="stop-requested", again="backoff", detail=detail)
            # A stop can come this late only before the request is signed again, after the exchange has refused the
            # first timestamp.
            detail = {"message": "refused for its timestamp, and stopped before it was sent again"}
            return RepayOutcome(
                "rejected", attempt_id, cause="stop-requested", again="backoff", detail=detail
            )
        if isinstance(error, SnapshotTooOld) and attempt_id is not None:
            # As with a stop, the first request was refused for its timestamp, and the second did not leave.
            detail = {"message": "refused for its timestamp, and its snapshot was too old to send it again"}
            return RepayOutcome("rejected", attempt_id, cause="look-too-old", again="backoff", detail=detail)
        if isinstance(error, JournalUnusable | AccountInDoubt | AccountBusy):
            raise error
        if isinstance(error, PaydownError):
            return failed(error, attempt_id)
        if attempt_id is not None and not isinstance(error, Exception):
            # An interrupt or a cancelled task may have left the request on its way: record that, then raise it again.
            self.journal.attempts.finish(
                attempt_id,
                AttemptState.UNKNOWN,
                now_ms(),
                outcome={"kind": "unknown", "message": f"interrupted: {type(error).__name__}"},
            )
        if attempt_id is None or not isinstance(error, Exception):
            raise error
        detail = {"message": f"unforeseen: {type(error).__name__}: {error}"}
        return RepayOutcome("unknown", attempt_id, cause="unknown", detail=detail)
