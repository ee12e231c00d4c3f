"""Repay margin debt and never pay twice: plan, journal, send once, prove.

    from paydown.repay import SafeRepay

    planning   what is owed, cut into legal pieces
    journal    what is meant is durable before it is done
    account    one process at a time, and no journal that has forgotten something
    execution  each piece is sent once, and the next one only when its outcome is known
    driving    the commands of a run, carried out by a client that blocks or is awaited
    evidence   after a lost answer: what happened, or that it cannot be known

Each name below is loaded when it is first used. The argument is in `docs/never-twice.md`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paydown.repay.account.journal_adoption import Adoption as Adoption
    from paydown.repay.errors import AccountBusy as AccountBusy
    from paydown.repay.errors import AccountInDoubt as AccountInDoubt
    from paydown.repay.errors import AccountUnconfirmed as AccountUnconfirmed
    from paydown.repay.errors import JournalForgot as JournalForgot
    from paydown.repay.errors import JournalUnusable as JournalUnusable
    from paydown.repay.errors import NothingOwed as NothingOwed
    from paydown.repay.errors import OutcomeNotRecorded as OutcomeNotRecorded
    from paydown.repay.errors import PlanKeyConflict as PlanKeyConflict
    from paydown.repay.errors import PlanRefused as PlanRefused
    from paydown.repay.errors import PlanUnfinished as PlanUnfinished
    from paydown.repay.errors import UnknownPlan as UnknownPlan
    from paydown.repay.evidence.liability_change import LiabilityChange as LiabilityChange
    from paydown.repay.evidence.verdict import Verdict as Verdict
    from paydown.repay.journal.journal import Journal as Journal
    from paydown.repay.journal.states import AttemptState as AttemptState
    from paydown.repay.journal.states import PlanState as PlanState
    from paydown.repay.plan_history import PlanHistory as PlanHistory
    from paydown.repay.planning.plan import Piece as Piece
    from paydown.repay.planning.plan import Plan as Plan
    from paydown.repay.progress import Progress as Progress
    from paydown.repay.reconciliation import Reconciliation as Reconciliation
    from paydown.repay.repay_options import Options as Options
    from paydown.repay.report import Report as Report
    from paydown.repay.safe import AsyncSafeRepay as AsyncSafeRepay
    from paydown.repay.safe import SafeRepay as SafeRepay

_HOMES = {
    "AccountBusy": "errors",
    "AccountInDoubt": "errors",
    "AccountUnconfirmed": "errors",
    "Adoption": "account.journal_adoption",
    "AsyncSafeRepay": "safe",
    "AttemptState": "journal.states",
    "Journal": "journal.journal",
    "JournalForgot": "errors",
    "JournalUnusable": "errors",
    "LiabilityChange": "evidence.liability_change",
    "NothingOwed": "errors",
    "Options": "repay_options",
    "OutcomeNotRecorded": "errors",
    "Piece": "planning.plan",
    "Plan": "planning.plan",
    "PlanHistory": "plan_history",
    "PlanKeyConflict": "errors",
    "PlanRefused": "errors",
    "PlanState": "journal.states",
    "PlanUnfinished": "errors",
    "Progress": "progress",
    "Reconciliation": "reconciliation",
    "Report": "report",
    "SafeRepay": "safe",
    "UnknownPlan": "errors",
    "Verdict": "evidence.verdict",
}

__all__ = [
    "AccountBusy",
    "AccountInDoubt",
    "AccountUnconfirmed",
    "Adoption",
    "AsyncSafeRepay",
    "AttemptState",
    "Journal",
    "JournalForgot",
    "JournalUnusable",
    "LiabilityChange",
    "NothingOwed",
    "Options",
    "OutcomeNotRecorded",
    "Piece",
    "Plan",
    "PlanHistory",
    "PlanKeyConflict",
    "PlanRefused",
    "PlanState",
    "PlanUnfinished",
    "Progress",
    "Reconciliation",
    "Report",
    "SafeRepay",
    "UnknownPlan",
    "Verdict",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
