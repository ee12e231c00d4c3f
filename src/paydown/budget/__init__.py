"""One ledger of request weight for every process on the machine, so that no 429 is ever earned.

    terms    what is asked and answered: Limit, Weight, Reservation, Wait, the Budget protocol
    window     one counter of the exchange, and why no window exceeds it
    ledger   the counters of one address, the gate and the queue
    memory   a ledger for one process            sqlite   a ledger for the machine

`sqlite` is loaded when `SqliteBudget` is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paydown.budget.gate_pause import gate_pause_ms
from paydown.budget.memory import MemoryBudget
from paydown.budget.protocol import (
    Budget,
    BudgetUnavailable,
    BudgetUse,
    Ended,
    GateReason,
    Limit,
    Priority,
    Reservation,
    Rules,
    Wait,
    WaitReason,
    Weight,
    WindowUse,
)

if TYPE_CHECKING:
    from paydown.budget.sqlite import SqliteBudget

__all__ = [
    "Budget",
    "BudgetUnavailable",
    "BudgetUse",
    "Ended",
    "GateReason",
    "Limit",
    "MemoryBudget",
    "Priority",
    "Reservation",
    "Rules",
    "SqliteBudget",
    "Wait",
    "WaitReason",
    "Weight",
    "WindowUse",
    "gate_pause_ms",
]


def __getattr__(name: str) -> object:
    if name == "SqliteBudget":
        from paydown.budget.sqlite import SqliteBudget

        return SqliteBudget
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
