"""Work a plan off: read, cut the next piece, send it once, record the outcome, go on or stop.

    snapshot ──▶ cut ──▶ Repay (INTENT is durable before a byte leaves)
     ▲                 ├─ executed    next piece
     │                 ├─ not sent    again, after a pause
     ├─────────────────┼─ rejected    again after a pause, if the document allows it; else stop
     └─────────────────┴─ unknown     reconcile it before anything else is sent; undecided: stop

Everything that a run remembers can be read from the journal again, so `resume` after kill -9 is the same code as `run`:
it reconciles what is open, then goes on where the journal ends.

Decisions only; see `commands` for what acts on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from paydown.errors import PaydownError
from paydown.repay.amounts import ZERO, to_text
from paydown.repay.errors import (
    AccountBusy,
    AccountInDoubt,
    JournalUnusable,
    OutcomeNotRecorded,
    PlanRefused,
    RefusalNotVerified,
)
from paydown.repay.evidence.case import deadline_ms
from paydown.repay.evidence.reconcile import reconcile_attempt
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.execution.base_snapshot import BaseSnapshot
from paydown.repay.execution.commands import (
    Commit,
    Pause,
    Repay,
    RepayOutcome,
    ShowProgress,
    Step,
)
from paydown.repay.execution.completion import completed
from paydown.repay.execution.earlier_verdicts import EarlierVerdicts
from paydown.repay.execution.ending import (
    Ending,
    ending_in_doubt,
    ending_more_than_planned,
    ending_not_shown,
)
from paydown.repay.execution.piece_cutter import PieceCutter
from paydown.repay.execution.plan_report import close_run
from paydown.repay.execution.run_context import Context, Decisions
from paydown.repay.execution.run_tally import RunTally
from paydown.repay.execution.snapshot_reader import SnapshotReader
from paydown.repay.journal.journal_records import AttemptRecord, PlanRecord
from paydown.repay.journal.states import AttemptState, PlanState
from paydown.repay.moments import moment
from paydown.repay.planning.planner import Cut, earliest_finish_ms, warn_if_short
from paydown.repay.progress import Kind, Progress
from paydown.repay.report import Report

__all__ = ["PlanRun"]

_STATES: Mapping[str, AttemptState] = {
    "executed": AttemptState.EXECUTED,
    "rejected": AttemptState.REJECTED,
    "not-sent": AttemptState.NOT_SENT,
    "unknown": AttemptState.UNKNOWN,
}


class PlanRun:
    """One run of one plan, under the account's lock.

    Args:
        context: The context that every decision needs.
        record: The plan, as it stands in the journal.

    Raises:
        AccountInDoubt: An attempt of the plan is open.
    """

    def __init__(self, context: Context, record: PlanRecord) -> None:
        self._context = context
        self._record = record
        self._plan = plan = record.plan
        self._asset = plan.asset
        attempts = context.journal.attempts.of_plan(record.id)
        for attempt in attempts:
            # Under the account's lock no attempt can be open here, since every one was settled. Without the lock an
            # attempt that is open now might repay before the next one is begun, and would not be counted.
            if attempt.state.open:
                raise AccountInDoubt(
                    f"Attempt {attempt.id} was begun by another process meanwhile. Nothing was sent.",
                    attempt_id=attempt.id,
                    journal=str(context.journal.path),
                )
        self._tally = RunTally(plan, attempts)
        self._base = BaseSnapshot(context, plan)
        self._verdicts = EarlierVerdicts(context)
        self._take_up_the_last()
        self._cutter = PieceCutter(context, plan, self._base, self._tally)
        self._reader = SnapshotReader(
            context,
            self._asset,
            self._base,
            self._cutter,
            self._tally,
            lambda message, wait_ms: self._show("waiting", message, wait_ms=wait_ms),
        )

    def _take_up_the_last(self) -> None:
        """Take up the end of an earlier run: its last request, its confirmed pieces, and an unverified refusal."""
        context, now = self._context, self._context.now_ms()
        last = context.journal.attempts.last_sent(context.account)
        if last is None:
            return
        self._verdicts.take_up(last, self._record.key)
        closed = last.opened_at_ms if last.closed_at_ms is None else last.closed_at_ms
        if closed > now - context.options.quiet_ms:
            self._tally.left_at_ms = closed
        # Until everything that was accepted is certainly shown, a snapshot may be older than the confirmed pieces: the
        # pause and the retakes of an earlier run, which may have ended for that very reason, are shorter.
        if closed > now - context.options.not_before_ms and last.intent.asset == self._asset:
            self._base.take_up(last)

    def run(self) -> Decisions[Report]:
        """Work the plan off, and record the report."""
        context, record = self._context, self._record
        yield Commit(
            Step.WRITE_PLAN_STATE,
            lambda: context.journal.plans.move(record.id, PlanState.RUNNING, context.now_ms()),
        )
        yield self._show("started", f"{len(self._plan.pieces)} pieces planned")
        try:
            ending = yield from self._loop()
        except PlanRefused as error:
            ending = Ending(PlanState.STOPPED, error.reason, str(error))
        except (AccountBusy, AccountInDoubt, JournalUnusable, OutcomeNotRecorded):
            raise
        except PaydownError as error:
            # Once a piece was executed, a debt that cannot be read is a doubt: how much of it is left is not known.
            state = PlanState.UNDECIDED if self._tally.done else PlanState.STOPPED
            ending = Ending(state, "read-failed", f"{type(error).__name__}: {error}")
        debt_after: Decimal | None = None
        last = self._base.snapshot
        if last is not None and not self._base.since and not self._base.must_read:
            # While an attempt is in doubt, the last snapshot shows the debt before that attempt.
            debt_after = None if ending.state is PlanState.UNDECIDED else last[self._asset].debt
            if not self._base.journaled:
                yield Commit(
                    Step.WRITE_SNAPSHOT,
                    lambda: context.journal.debts.add(context.account, self._asset, last),
                )
        report = yield from close_run(
            context, record, ending, weight=self._tally.weight, debt_after=debt_after
        )
        yield self._show("finished", report.message or report.state.value)
        return report

    def _loop(self) -> Decisions[Ending]:
        while True:
            if self._context.stop():
                return Ending(
                    PlanState.STOPPED,
                    "stop-requested",
                    "Stopped as asked; nothing is in doubt. Resume to go on.",
                )
            if self._verdicts.refused is not None:
                ending = yield from self._verify(self._verdicts.refused)
                if ending is not None:
                    return ending
                continue
            base, ending = yield from self._snapshot()
            if ending is not None:
                return ending
            if self._context.stop():
                continue
            piece = self._cutter.cut(base)
            if piece is None:
                if self._base.since:
                    self._base.must_read = True  # the debt is gone by calculation: see it
                    continue
                return (yield from completed(self._context, self._record, base, self._base.first or base))
            self._tally.pieces_left = piece.pieces
            if self._tally.done >= self._tally.most:
                owed = self._base.owed(base)
                return ending_more_than_planned(self._tally.done, len(self._plan.pieces), owed, self._asset)
            ending = yield from self._send(base, piece)
            if ending is not None:
                return ending

    def _snapshot(self) -> Decisions[tuple[Snapshot, Ending | None]]:
        """Return the base of the next piece, new or the last one; with an ending if the base denies a verdict."""
        good = yield from self._reader.still_good()
        if good is not None:
            return good, None
        read = yield from self._reader.read()
        if read is None:
            base = self._base.snapshot
            assert base is not None  # noqa: S101  # without an older base the reader reads on
            return base, None
        snapshot, shown = read
        yield self._show("looked", f"{to_text(snapshot[self._asset].debt)} {self._asset} owed")
        if not shown:
            return snapshot, ending_not_shown(snapshot[self._asset].debt, self._asset)
        found = yield from self._verdicts.contradict(snapshot)
        if isinstance(found, AttemptRecord):
            return snapshot, (yield from self._reconcile_refused(found))
        return snapshot, found

    def _verify(self, refused: AttemptRecord) -> Decisions[Ending | None]:
        """Verify a refusal by the balance; if the attempt may have been executed all the same, reconcile that."""
        self._base.must_read = True
        doubted = yield from self._verdicts.verify(refused)
        self._tally.weight += self._context.facts.snapshot_weight
        return (yield from self._reconcile_refused(refused)) if doubted else None

    def _reconcile_refused(self, refused: AttemptRecord) -> Decisions[Ending | None]:
        """Reconcile a refused attempt like a lost answer, and end the run if it was executed."""
        ending = yield from self._reconcile(refused.id)
        settled = self._context.journal.attempts.find(refused.id)
        if ending is not None or settled is None or not settled.paid:
            return ending
        return Ending(
            PlanState.STOPPED,
            "contradiction",
            f"The exchange answered that attempt {refused.id} was not executed, and the balance proves that it was. It "
            "is recorded as executed. Nothing else is sent. Look at the account, then resume to go on.",
        )

    def _send(self, base: Snapshot, piece: Cut) -> Decisions[Ending | None]:
        if not self._base.since:
            reserve = self._context.options.conversion_reserve
            warn_if_short(self._plan.request, base, self._plan.prices, piece.expected, reserve)
        yield self._show("sending", f"piece {self._tally.done + 1}, about {piece.pieces} left")
        outcome = yield from Repay(
            plan_id=self._record.id,
            number=self._tally.begun + 1,
            asset=self._asset,
            amount=piece.amount,
            expected=piece.expected,
            pay_with=self._plan.request.pay_with,
            before=base,
            since=tuple(attempt_id for attempt_id, _ in self._base.since),
            fresh_snapshot=not self._base.journaled,
            base_max_age_ms=self._context.options.base_max_age_ms if self._base.fresh else None,
        ).reply()
        attempt_id = outcome.attempt_id
        if attempt_id is None:  # refused before INTENT: nothing to record
            if outcome.cause == "look-too-old":
                self._base.must_read = True
            return (yield from self._pause_or_end(outcome))
        yield from self._record_outcome(attempt_id, outcome, piece)
        if outcome.kind == "executed":
            self._count_executed(attempt_id, piece)  # first: the progress that is shown counts it
        yield self._show(outcome.kind, str(outcome.detail.get("message", "")), attempt_id=attempt_id)
        if outcome.kind == "executed":
            return None
        if outcome.kind == "unknown":
            if piece.pieces == 1 and not self._context.options.reconcile_last:
                return Ending(
                    PlanState.UNDECIDED,
                    "not-reconciled",
                    f"Attempt {attempt_id} may have happened: {outcome.detail.get('message', 'no answer')}. "
                    f"Nothing else is sent. To settle it: paydown reconcile {attempt_id}",
                )
            return (yield from self._reconcile(attempt_id))
        ending = yield from self._pause_or_end(outcome)
        if outcome.kind == "rejected":
            self._verdicts.refused = refused = self._context.journal.attempts.find(attempt_id)
            if ending is not None and refused is not None:
                return (yield from self._end_refused(refused, ending))
        return ending

    def _end_refused(self, refused: AttemptRecord, ending: Ending) -> Decisions[Ending]:
        """Verify the refusal that ends the run, and return the ending with the result."""
        try:
            other = yield from self._verify(refused)
        except RefusalNotVerified:
            message = f"{ending.message} Not verified: the balance could not be read after that."
            return replace(ending, message=message)
        return ending if other is None else other

    def _record_outcome(self, attempt_id: str, outcome: RepayOutcome, piece: Cut) -> Decisions[None]:
        context = self._context
        self._base.journaled = True
        self._tally.count_sent(piece, context.now_ms(), context.facts, left=outcome.kind != "not-sent")
        try:
            yield Commit(
                Step.WRITE_OUTCOME,
                lambda: context.journal.attempts.finish(
                    attempt_id,
                    _STATES[outcome.kind],
                    context.now_ms(),
                    outcome={"kind": outcome.kind, **outcome.detail},
                    repaid=piece.expected if outcome.kind == "executed" else None,
                ),
            )
        except JournalUnusable as error:
            unrecorded = OutcomeNotRecorded(
                f"Attempt {attempt_id} ended as {outcome.kind}, but that could not be written down: {error} "
                "To the journal it may have happened. Repair its disk, then resume."
            )
            unrecorded.attempt_id = attempt_id
            raise unrecorded from error

    def _count_executed(self, attempt_id: str, piece: Cut) -> None:
        """Count the amount asked as repaid: an answer may name less or more, and only a snapshot shows the debt."""
        self._tally.count_executed(piece.expected, piece.pieces - 1)
        self._verdicts.denied = None
        self._base.since.append((attempt_id, piece.expected))
        if piece.amount is None:
            self._base.must_read = True  # no amount was asked: only the balance shows what is left

    def _pause_or_end(self, outcome: RepayOutcome) -> Decisions[Ending | None]:
        """Pause and try again, or end the run if the cause will not go away by itself, or not soon."""
        message = str(outcome.detail.get("message", outcome.cause))
        cause = "refused" if outcome.kind == "rejected" else outcome.cause or "not-sent"
        if outcome.again == "never":
            return Ending(PlanState.STOPPED, cause, message)
        options, tally = self._context.options, self._tally
        # A wait for weight, or a snapshot that grew old during it, is not a failure and does not count as a try.
        if outcome.cause not in ("budget", "look-too-old"):
            tally.tries += 1
        if tally.tries >= options.max_tries:
            return Ending(PlanState.STOPPED, cause, f"Given up after {tally.tries} tries. {message}")
        backoff = min(options.first_backoff_ms * 2 ** max(0, tally.tries - 1), options.max_backoff_ms)
        wait_ms = max(backoff, outcome.wait_ms or 0)
        if wait_ms > options.max_wait_ms:
            until = moment(self._context.now_ms() + wait_ms)
            return Ending(PlanState.STOPPED, cause, f"It would have to wait until {until}. {message}")
        yield self._show("waiting", message, wait_ms=wait_ms)
        yield Pause(wait_ms)
        return None

    def _reconcile(self, attempt_id: str) -> Decisions[Ending | None]:
        """Reconcile an attempt in doubt; end the run if it stays in doubt, or was lost too often."""
        context, tally = self._context, self._tally
        attempt = context.journal.attempts.find(attempt_id)
        assert attempt is not None  # noqa: S101  # its outcome was just recorded
        intent = attempt.intent
        until = deadline_ms(intent.signed_at_ms, intent.recv_window_ms, context.facts, context.options)
        yield self._show(
            "reconciling",
            f"the request can act until {moment(until)}; the balance is read after that",
            attempt_id=attempt_id,
            wait_ms=max(0, until - context.now_ms()),
        )
        result = yield from reconcile_attempt(context, attempt)
        tally.weight += result.snapshots * context.facts.snapshot_weight
        if not result.decided or result.verdict is None or result.snapshot is None:
            ending = ending_in_doubt(attempt, result)
            yield self._show("undecided", ending.message, attempt_id=attempt_id)
            return ending
        self._base.replace(result.snapshot)
        executed = result.verdict.result == "PROVEN_EXECUTED"
        self._verdicts.denied = None if executed else (attempt, result.snapshot)
        # The pause begins anew: a balance that alternates between two back ends may still show an older debt than the
        # deciding snapshot.
        tally.left_at_ms = context.now_ms()
        if executed:
            tally.count_executed(result.verdict.repaid or ZERO, max(0, tally.pieces_left - 1))
        yield self._show(
            "proven-executed" if executed else "proven-not-executed",
            context.journal.evidence.of(attempt_id)[-1].summary,
            attempt_id=attempt_id,
        )
        if executed:
            return None
        self._base.must_read = True
        tally.tries += 1
        if tally.tries >= context.options.max_tries:
            return Ending(
                PlanState.STOPPED,
                "not-executed",
                f"{tally.tries} tries in a row were lost without effect. Resume later.",
            )
        return None

    def _show(
        self, kind: Kind, message: str, *, attempt_id: str | None = None, wait_ms: int | None = None
    ) -> ShowProgress:
        now, facts, tally = self._context.now_ms(), self._context.facts, self._tally
        base = self._base.snapshot
        return ShowProgress(
            Progress(
                kind=kind,
                at_ms=now,
                plan_key=self._plan.key,
                asset=self._asset,
                pieces_done=tally.done,
                pieces_total=tally.done + tally.pieces_left,
                repaid=tally.paid,
                # After a piece whose effect only the balance shows, the debt calculated from the last snapshot is
                # wrong.
                owed=None if base is None or self._base.must_read else self._base.owed(base),
                weight_used=tally.weight,
                attempt_id=attempt_id,
                wait_ms=wait_ms,
                finish_ms=earliest_finish_ms(
                    now + (wait_ms or 0),
                    tally.pieces_left,
                    facts,
                    used_weight=tally.recent_weight(now, facts),
                ),
                message=message,
            )
        )
