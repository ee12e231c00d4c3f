"""One ledger of request weight for every process on the machine, so that no 429 is ever earned.

    terms    what is asked and answered: Limit, Charge, Ticket, Wait, the Budget protocol
    pool     one counter of the exchange, and why no window exceeds it
    ledger   the counters of one address, the gate and the queue
    memory   a ledger for one process            sqlite   a ledger for the machine

`sqlite` is loaded when `SqliteBudget` is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paydown.budget.memory import MemoryBudget
from paydown.budget.protocol import (
    Budget,
    BudgetUnavailable,
    Charge,
    Ended,
    GateReason,
    Limit,
    PoolUse,
    Priority,
    Rules,
    Snapshot,
    Ticket,
    Wait,
    WaitReason,
    gate_pause_ms,
)

if TYPE_CHECKING:
    from paydown.budget.sqlite import SqliteBudget

__all__ = [
    "Budget",
    "BudgetUnavailable",
    "Charge",
    "Ended",
    "GateReason",
    "Limit",
    "MemoryBudget",
    "PoolUse",
    "Priority",
    "Rules",
    "Snapshot",
    "SqliteBudget",
    "Ticket",
    "Wait",
    "WaitReason",
    "gate_pause_ms",
]


def __getattr__(name: str) -> object:
    if name == "SqliteBudget":
        from paydown.budget.sqlite import SqliteBudget

        return SqliteBudget
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
