"""Decide whether a plan is DONE: the debt itself must show that it is."""

from __future__ import annotations

from decimal import Decimal

from paydown.repay.amounts import ZERO, exact, to_text
from paydown.repay.evidence.listed_rows import most_borrowed
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.execution.commands import ReadRows
from paydown.repay.execution.ending import Ending
from paydown.repay.execution.plan_report import repaid_by
from paydown.repay.execution.run_context import Context, Decisions
from paydown.repay.journal.journal_records import PlanRecord
from paydown.repay.journal.states import PlanState

__all__ = ["completed"]

# The capital flow is read in windows of seven days: an older snapshot cannot be compared with the lists.
_LISTED_FOR_MS = 6 * 86_400_000


def completed(context: Context, record: PlanRecord, base: Snapshot, first: Snapshot) -> Decisions[Ending]:
    """End the plan when nothing is left to send by calculation: DONE only if the debt itself shows it.

    The debt may have grown by usual interest only, not by the bound of interest that doubt is given elsewhere: with
    that bound a plan could be called done that is not.

    Args:
        context: The context that every decision needs.
        record: The plan.
        base: The newest snapshot.
        first: The first snapshot of this run.
    """
    if record.plan.request.amount is None:
        return Ending(PlanState.DONE, "", "")  # the snapshot shows no debt
    asset = record.plan.asset
    paid = [one for one in context.journal.attempts.of_plan(record.id) if one.paid]
    start = paid[0].intent.before if paid else base
    if base.answered_at_ms - start.sent_at_ms > _LISTED_FOR_MS:
        start = first
        paid = [one for one in paid if one.opened_at_ms >= start.sent_at_ms]
    with exact():
        repaid = sum((repaid_by(one) for one in paid), ZERO)
        hours = (base.answered_at_ms - start.sent_at_ms) // 3_600_000 + 2
        growth = start[asset].debt * context.options.usual_daily_interest / 24 * hours
        unit = Decimal(1).scaleb(-context.facts.amount_digits) * (len(paid) + 1)
        left = base[asset].debt - (start[asset].debt - repaid) - growth - unit
    if left <= 0:
        return Ending(PlanState.DONE, "", "")
    listed = yield from ReadRows(asset, start.sent_at_ms - context.options.near_ms).reply()
    if most_borrowed(asset, listed.rows) >= left:
        return Ending(PlanState.DONE, "", "")
    return Ending(
        PlanState.STOPPED,
        "debt-left",
        f"Everything that was asked was confirmed, yet {to_text(left)} {asset} more is owed than that "
        "leaves, and neither a listed borrowing nor usual interest explains it. Nothing more is sent by itself. "
        "Look at the account, then make a new plan for what is left.",
    )
