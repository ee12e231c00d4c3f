"""The context that every decision of a run needs, and the type of a decision: a generator of commands."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from paydown.repay.evidence.liability_change import LiabilityChange
from paydown.repay.execution.commands import Command
from paydown.repay.journal.journal import Journal
from paydown.repay.planning.repay_facts import Facts
from paydown.repay.repay_options import Options

__all__ = ["Context", "Decisions"]

T = TypeVar("T")

Decisions: TypeAlias = Generator[Command, Any, T]
"""A run as a generator: it yields commands, is sent their replies, and returns a `T`."""


@dataclass(frozen=True, slots=True)
class Context:
    """The context that every decision needs.

    Attributes:
        journal: Where attempts are written down.
        account: The account's name in it.
        facts: The facts of the document.
        options: Thresholds.
        now_ms: The exchange's time, UTC milliseconds, never ahead of it.
        stop: Whether a stop was asked for.
        events: Stream events on an asset since a moment.
    """

    journal: Journal
    account: str
    facts: Facts
    options: Options
    now_ms: Callable[[], int]
    stop: Callable[[], bool]
    events: Callable[[str, int], Sequence[LiabilityChange]]
