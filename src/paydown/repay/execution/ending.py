"""The reasons why a run ends, in the words of its report."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from paydown.repay.amounts import to_text
from paydown.repay.evidence.reconcile import Reconciled
from paydown.repay.journal.journal_records import AttemptRecord
from paydown.repay.journal.states import PlanState

__all__ = [
    "Ending",
    "ending_in_doubt",
    "ending_more_than_planned",
    "ending_not_shown",
    "ending_settled",
]


@dataclass(frozen=True, slots=True)
class Ending:
    """The reason why a run ends.

    Attributes:
        state: The state in which it leaves its plan.
        cause: Short name of the cause, for reports.
        message: The same in one sentence.
        check: What a person should look at, if something is undecided.
    """

    state: PlanState
    cause: str
    message: str
    check: tuple[str, ...] = ()


def ending_settled(attempt: AttemptRecord) -> Ending:
    """Return the ending of a plan whose doubtful attempt was settled: it stops until it is resumed."""
    return Ending(PlanState.STOPPED, "settled", f"Attempt {attempt.id} is settled. Resume the plan to go on.")


def ending_in_doubt(attempt: AttemptRecord, result: Reconciled) -> Ending:
    """Return the ending of a plan with an attempt that stays in doubt: such an attempt is never sent again.

    Args:
        attempt: The attempt.
        result: The result of its reconciliation.
    """
    if result.verdict is None:
        why = f"No evidence could be read ({result.trouble})." if result.trouble else "It was interrupted."
        return Ending(
            PlanState.UNDECIDED,
            "not-reconciled",
            f"Attempt {attempt.id} may have happened. {why} Nothing else is sent. Resume to look again.",
        )
    return Ending(
        PlanState.UNDECIDED,
        "undecided",
        f"Attempt {attempt.id} may have happened, and the evidence does not decide it. Nothing else is sent.",
        result.verdict.check,
    )


def ending_more_than_planned(done: int, planned: int, owed: Decimal, asset: str) -> Ending:
    """Return the ending of a run that needs far more pieces than were planned.

    Args:
        done: How many pieces are done.
        planned: How many were planned.
        owed: The debt that is left, in units of the asset.
        asset: Asset owed.
    """
    return Ending(
        PlanState.STOPPED,
        "more-than-planned",
        f"{done} pieces are done, {planned} were planned, and {to_text(owed)} {asset} is still owed: another user is "
        "borrowing. Look at the account, then resume.",
    )


def ending_not_shown(owed: Decimal, asset: str) -> Ending:
    """Return the ending of a run whose confirmed pieces the debt does not show.

    Args:
        owed: The debt by the newest snapshot, in units of the asset.
        asset: Asset owed.
    """
    return Ending(
        PlanState.UNDECIDED,
        "not-shown",
        "The exchange confirmed what was sent, yet the debt does not show it: "
        f"{to_text(owed)} {asset} is owed, and no listed borrowing explains that. Nothing "
        "else is sent. Compare the repayment history with `paydown history`, then resume.",
    )
