"""A budget of request weight for every process on the machine, so that the exchange never answers 429.

    protocol   what is asked and answered: Limit, Weight, Reservation, Wait, the Budget protocol
    window     what may count on one limit of the exchange, and why no interval exceeds it
    gate       the windows of one address, the gate and the queue
    memory     a budget for one process          sqlite   a budget for the machine

`memory` and `sqlite` are loaded when `MemoryBudget` and `SqliteBudget` are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paydown.budget.gate_pause import gate_pause_ms
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
    from paydown.budget.memory import MemoryBudget
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
    if name == "MemoryBudget":
        from paydown.budget.memory import MemoryBudget

        return MemoryBudget
    if name == "SqliteBudget":
        from paydown.budget.sqlite import SqliteBudget

        return SqliteBudget
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
