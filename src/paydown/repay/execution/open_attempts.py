"""Reconcile the attempts that earlier processes left open, before anything else is sent for the account."""

from __future__ import annotations

from typing import Literal

from paydown.repay.amounts import ZERO, exact, to_text
from paydown.repay.evidence.case import deadline_ms
from paydown.repay.evidence.reconcile import Reconciled, find_orphans, reconcile_attempt
from paydown.repay.execution.commands import ShowProgress
from paydown.repay.execution.ending import ending_in_doubt, ending_settled
from paydown.repay.execution.plan_report import close_run, repaid_by
from paydown.repay.execution.run_context import Context, Decisions
from paydown.repay.journal.journal_records import AttemptRecord, PlanRecord
from paydown.repay.moments import moment
from paydown.repay.progress import Progress

__all__ = ["reconcile_open"]


def reconcile_open(context: Context) -> Decisions[list[tuple[AttemptRecord, Reconciled]]]:
    """Reconcile every open attempt of the account, orphans of ended processes first, and report to their plans.

    Returns:
        Each attempt as it was found, and what became of it.
    """
    yield from find_orphans(context)
    found: list[tuple[AttemptRecord, Reconciled]] = []
    for attempt in context.journal.attempts.open_of(context.account):
        record = context.journal.plans.get(context.account, attempt.plan_key)
        yield _progress(context, record, attempt, None)
        result = yield from reconcile_attempt(context, attempt)
        found.append((attempt, result))
        ending = ending_settled(attempt) if result.decided else ending_in_doubt(attempt, result)
        weight = result.snapshots * context.facts.snapshot_weight
        yield from close_run(context, record, ending, weight=weight)
        # The progress comes last: the caller's display may raise, and by now everything is recorded.
        yield _progress(context, record, attempt, result)
    return found


def _progress(
    context: Context, record: PlanRecord, attempt: AttemptRecord, result: Reconciled | None
) -> ShowProgress:
    """Describe an attempt that an earlier run left open, with the figures of its own plan.

    Args:
        context: The context that every decision needs.
        record: Its plan.
        attempt: The attempt, as it was found.
        result: The result of its reconciliation; `None` before that ends.
    """
    intent, now = attempt.intent, context.now_ms()
    amount = "the whole debt" if intent.amount is None else to_text(intent.amount)
    about = f"attempt {attempt.id} of plan {record.key} ({amount} of {intent.asset}, {moment(intent.signed_at_ms)})"
    kind: Literal["reconciling", "proven-executed", "proven-not-executed", "undecided"] = "reconciling"
    wait_ms: int | None = None
    if result is None:
        until = deadline_ms(intent.signed_at_ms, intent.recv_window_ms, context.facts, context.options)
        wait_ms = max(0, until - now)
        message = (
            f"{about} was left in doubt; it can act until {moment(until)}; the balance is read after that"
        )
    elif result.decided and result.verdict is not None:
        kind = "proven-executed" if result.verdict.result == "PROVEN_EXECUTED" else "proven-not-executed"
        message = f"{about}, {context.journal.evidence.of(attempt.id)[-1].summary}"
    else:
        kind = "undecided"
        message = f"{about} stays in doubt"
    attempts = context.journal.attempts.of_plan(record.id)
    done = sum(one.paid for one in attempts)
    with exact():
        repaid = sum((repaid_by(one) for one in attempts), ZERO)
    return ShowProgress(
        Progress(
            kind=kind,
            at_ms=now,
            plan_key=record.key,
            asset=record.plan.asset,
            pieces_done=done,
            pieces_total=max(done, len(record.plan.pieces)),
            repaid=repaid,
            owed=None,
            weight_used=0 if result is None else result.snapshots * context.facts.snapshot_weight,
            attempt_id=attempt.id,
            wait_ms=wait_ms,
            finish_ms=None,
            message=message,
        )
    )
