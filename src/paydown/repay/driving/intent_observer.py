"""Keep a repayment back, or write its INTENT, between signing and the first byte.

    signed ──▶ stop asked?  snapshot still young?  account still held?  journal still the file at its path?
           ──▶ INTENT durable, and remembered outside of the journal
           ──▶ account still held?  journal still the file at its path?  ──▶ first byte

A driver makes one `IntentObserver` per repayment and passes it to the client for that call alone (`Client.observing`).
Nothing stays behind when the call has ended, so any number of repayers on one client write one INTENT per piece.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from paydown.repay.errors import JournalUnusable, SnapshotTooOld
from paydown.repay.execution.commands import Repay, Step
from paydown.repay.journal.intent import write_intent
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_records import Intent
from paydown.repay.journal.states import AttemptState

if TYPE_CHECKING:
    from paydown.call.attempts import Attempt
    from paydown.errors import PaydownError

__all__ = ["IntentObserver"]


@dataclass(slots=True)
class IntentObserver:
    """An observer of one repayment that writes INTENT before the request leaves.

    Attributes:
        command: The repayment.
        journal: Where INTENT is written.
        account: The account's name in it.
        recv_window_ms: recvWindow of the request.
        now_ms: The exchange's time, UTC milliseconds.
        stay: Is called first: raises `StopAsked` if a stop was asked for; after it signals only set the stop flag.
        held: Whether this very process still holds the account.
        leaving: Is called with the id of the attempt when nothing keeps it back any more.
        mark: Is called before and after the step.
        attempt_id: The attempt whose INTENT is durable, or `None`.
    """

    command: Repay
    journal: Journal
    account: str
    recv_window_ms: int
    now_ms: Callable[[], int]
    stay: Callable[[], object]
    held: Callable[[], bool]
    leaving: Callable[[str], object]
    mark: Callable[[Step, Literal["before", "after"]], object]
    attempt_id: str | None = None

    def before_send(self, attempt: Attempt) -> None:
        """Write INTENT, or keep the request from being sent by raising.

        Raises:
            StopAsked: A stop was asked for.
            AccountInDoubt: Another attempt of the account is open.
            AccountBusy: Another process has begun an attempt of this plan meanwhile.
            SnapshotTooOld: The snapshot before it has grown old while the request waited.
            JournalUnusable: INTENT cannot be written, or would be lost, or the account is not held any more.
        """
        # After this line SIGINT and SIGTERM only set the stop flag, because the request may be in flight. If it is
        # already set, this raises StopAsked, with nothing sent.
        self.stay()
        self._refuse_old_snapshot()
        self._refuse_unheld()
        signed_at_ms = self.now_ms() if attempt.sent_at_ms is None else attempt.sent_at_ms
        again = self.attempt_id == attempt.id
        self.mark(Step.WRITE_INTENT, "before")
        write_intent(
            self.journal,
            self.account,
            self.command.plan_id,
            self._intent(attempt.id, signed_at_ms),
            self.now_ms(),
            fresh_snapshot=self.command.fresh_snapshot,
            again=again,
        )
        self.attempt_id = attempt.id
        self.mark(Step.WRITE_INTENT, "after")
        # The lock is checked again as near to the first byte as can be: a commit may take long on a slow disk.
        try:
            self._refuse_unheld()
        except JournalUnusable:
            self._record_kept_back(attempt.id, again)
            raise
        if not again:
            self.leaving(attempt.id)

    def after(self, attempt: Attempt, error: PaydownError | None) -> None:
        """Do nothing: the engine records the outcome, since the record needs the answer.

        Args:
            attempt: The attempt.
            error: Why it failed, or `None`.
        """

    def _record_kept_back(self, attempt_id: str, again: bool) -> None:
        """Record that nothing left, if the journal still can; otherwise the attempt is reconciled as an orphan."""
        state = AttemptState.REJECTED if again else AttemptState.NOT_SENT
        why = "refused for its timestamp, and not sent again" if again else "not sent"
        outcome = {
            "kind": "rejected" if again else "not-sent",
            "message": f"{why}: the account was not held any more",
        }
        with suppress(JournalUnusable):
            self.journal.attempts.finish(attempt_id, state, self.now_ms(), outcome=outcome)

    def _intent(self, attempt_id: str, signed_at_ms: int) -> Intent:
        command = self.command
        return Intent(
            id=attempt_id,
            number=command.number,
            asset=command.asset,
            amount=command.amount,
            expected=command.expected,
            pay_with=command.pay_with,
            before=command.before,
            since=command.since,
            signed_at_ms=signed_at_ms,
            recv_window_ms=self.recv_window_ms,
        )

    def _refuse_old_snapshot(self) -> None:
        """Refuse a request whose snapshot has grown old while it waited for room or for the clock."""
        command = self.command
        age_ms = self.now_ms() - command.before.answered_at_ms
        if command.base_max_age_ms is not None and age_ms > command.base_max_age_ms:
            raise SnapshotTooOld(
                f"The snapshot before this repayment is {age_ms} ms old; at most {command.base_max_age_ms} ms are "
                "allowed. Nothing was sent; another snapshot is read."
            )

    def _refuse_unheld(self) -> None:
        if not self.held():
            raise JournalUnusable(
                "This process does not hold the account any more: it was forked from the one that does, or the lock "
                "file was deleted or replaced. Nothing was sent."
            )
        self.journal.file.check()
