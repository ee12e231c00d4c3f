"""Make the report of a plan from its attempts, and record how far it has come."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from paydown.errors import PaydownError
from paydown.repay.amounts import ZERO, exact
from paydown.repay.execution.commands import Commit, Step
from paydown.repay.execution.ending import Ending, ending_settled
from paydown.repay.execution.run_context import Context, Decisions
from paydown.repay.journal.journal_records import AttemptRecord, PlanRecord
from paydown.repay.journal.states import AttemptState, PlanState
from paydown.repay.report import AttemptLine, Report

__all__ = [
    "close_run",
    "repaid_by",
    "report_of",
    "report_of_failed",
    "report_of_settled",
]


def report_of(context: Context, record: PlanRecord) -> Report:
    """Return the stored report of a plan, or one made from its attempts if its process ended without a report.

    A stored report stays as it was given; its lines mark what a person has corrected since.

    Args:
        context: The context that every decision needs.
        record: The plan.
    """
    if record.report is not None and record.state is not PlanState.RUNNING:
        first = Report.from_json(record.report)
        lines = {one.id: _line(context, one) for one in context.journal.attempts.of_plan(record.id)}
        marked = tuple(
            replace(line, corrected=lines[line.id].corrected) if line.id in lines else line
            for line in first.attempts
        )
        return replace(first, attempts=marked, overruled=record.corrected)
    ending = Ending(
        record.state,
        "interrupted" if record.state is PlanState.RUNNING else "not-started",
        "A process is working on this plan, or ended without a report. Resume it."
        if record.state is PlanState.RUNNING
        else "Nothing was sent for this plan yet.",
    )
    return _report(context, record, ending, weight=0, debt_after=None)


def report_of_failed(context: Context, record: PlanRecord, error: PaydownError) -> Report:
    """Make the report of a plan that could not go on, after other plans of the same call did.

    Args:
        context: The context that every decision needs.
        record: The plan.
        error: Why it could not.
    """
    ending = Ending(PlanState.STOPPED, "not-run", f"{type(error).__name__}: {error}")
    return _report(context, record, ending, weight=0, debt_after=None)


def report_of_settled(context: Context, record: PlanRecord, attempt: AttemptRecord) -> Report:
    """Make the report of a plan whose doubtful attempt has just been settled by a person's word.

    Args:
        context: The context that every decision needs.
        record: The plan.
        attempt: The attempt.
    """
    return _report(context, record, ending_settled(attempt), weight=0, debt_after=None)


def close_run(
    context: Context, record: PlanRecord, ending: Ending, *, weight: int, debt_after: Decimal | None = None
) -> Decisions[Report]:
    """Record the state and the report with which a run ends.

    Args:
        context: The context that every decision needs.
        record: The plan.
        ending: Why the run ends.
        weight: Request weight that it has spent.
        debt_after: Debt at the last snapshot, if that is after the last piece.
    """
    report = _report(context, record, ending, weight=weight, debt_after=debt_after)
    yield Commit(
        Step.WRITE_PLAN_STATE,
        lambda: context.journal.plans.move(record.id, ending.state, context.now_ms(), report.to_json()),
    )
    return report


def repaid_by(attempt: AttemptRecord) -> Decimal:
    """Return the amount that an attempt repaid, as far as known: an answer about a whole debt need not name it."""
    return (attempt.moved or ZERO) if attempt.paid else ZERO


def _report(
    context: Context, record: PlanRecord, ending: Ending, *, weight: int, debt_after: Decimal | None
) -> Report:
    attempts = context.journal.attempts.of_plan(record.id)
    before = 0 if record.report is None else Report.from_json(record.report).weight
    with exact():
        repaid = sum((repaid_by(attempt) for attempt in attempts), ZERO)
    return Report(
        plan_key=record.key,
        asset=record.plan.asset,
        asked=record.plan.request.amount,
        state=ending.state,
        cause=ending.cause,
        message=ending.message,
        debt_before=record.plan.debt,
        debt_after=debt_after,
        repaid=repaid,
        pieces_planned=len(record.plan.pieces),
        attempts=tuple(_line(context, attempt) for attempt in attempts),
        weight=before + weight,
        started_at_ms=attempts[0].opened_at_ms if attempts else record.created_at_ms,
        ended_at_ms=context.now_ms(),
        check=ending.check,
    )


def _line(context: Context, attempt: AttemptRecord) -> AttemptLine:
    note = str((attempt.outcome or {}).get("message", ""))
    if attempt.state in (AttemptState.PROVEN_EXECUTED, AttemptState.PROVEN_NOT_EXECUTED):
        note = context.journal.evidence.of(attempt.id)[-1].summary  # it cannot be in this state without
    return AttemptLine(
        id=attempt.id,
        number=attempt.intent.number,
        amount=attempt.intent.amount,
        state=attempt.state.value,
        repaid=attempt.repaid,
        signed_at_ms=attempt.intent.signed_at_ms,
        note=note,
        corrected=""
        if attempt.correction is None
        else "executed"
        if attempt.correction.executed
        else "not executed",
    )
