"""Run a plan, or resume several: reconcile open attempts first, then work each plan off."""

from __future__ import annotations

from paydown.errors import RequestNotSent
from paydown.repay.errors import AccountInDoubt, JournalUnusable
from paydown.repay.execution.open_attempts import reconcile_open
from paydown.repay.execution.plan_report import report_of, report_of_failed
from paydown.repay.execution.plan_run import PlanRun
from paydown.repay.execution.run_context import Context, Decisions
from paydown.repay.journal.states import PlanState
from paydown.repay.report import IN_DOUBT, Report

__all__ = ["resume_plans", "run_plan"]


def run_plan(context: Context, key: str, *, only_new: bool) -> Decisions[Report]:
    """Run or resume a plan under the account's lock, and return its report, which is also in the journal.

    Args:
        context: The context that every decision needs.
        key: The plan's key.
        only_new: Whether a plan that was begun before is left alone. It is read under the lock, since another process
            may have begun it meanwhile.

    Raises:
        AccountInDoubt: An attempt of another plan is open and the evidence does not settle it.
        JournalUnusable: The journal failed before anything was sent.
        OutcomeNotRecorded: The journal failed after something was sent.
    """
    record = context.journal.plans.get(context.account, key)
    is_over = record.state is PlanState.DONE and not record.corrected
    if is_over or (only_new and record.state is not PlanState.PLANNED):
        return report_of(context, record)
    for attempt, result in (yield from reconcile_open(context)):
        if result.decided:
            continue
        if attempt.plan_key == key:
            return report_of(context, context.journal.plans.get(context.account, key))
        raise AccountInDoubt(
            f"Attempt {attempt.id} of plan {attempt.plan_key} may have happened and the evidence does not "
            "settle it. Nothing was sent. " + " ".join(result.verdict.check if result.verdict else ()),
            attempt_id=attempt.id,
            journal=str(context.journal.path),
        )
    # The plan is read again, since settling one of its attempts has changed it.
    return (yield from PlanRun(context, context.journal.plans.get(context.account, key)).run())


def resume_plans(context: Context, keys: list[str]) -> Decisions[list[Report]]:
    """Resume plans one after the other under the account's lock.

    After a doubt nothing else is sent, and an error that stops a later plan loses no report of an earlier one.

    Args:
        context: The context that every decision needs.
        keys: The plans' keys.

    Returns:
        The reports of the plans that were gone on with, and of the one that could not be.
    """
    reports: list[Report] = []
    for key in keys:
        if reports and (context.stop() or reports[-1].exit_code == IN_DOUBT):
            break
        try:
            reports.append((yield from run_plan(context, key, only_new=False)))
        except RequestNotSent as error:
            if not reports or isinstance(error, JournalUnusable):
                raise
            record = context.journal.plans.get(context.account, key)
            reports.append(report_of_failed(context, record, error))
            break
    return reports
