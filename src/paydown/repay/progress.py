"""Progress of a run, as plain data for a display or a log."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Literal, TypeAlias

from paydown.repay.amounts import to_text

__all__ = ["Kind", "Progress"]


Kind: TypeAlias = Literal[
    "started",
    "looked",
    "waiting",
    "sending",
    "executed",
    "rejected",
    "not-sent",
    "unknown",
    "reconciling",
    "proven-executed",
    "proven-not-executed",
    "undecided",
    "finished",
]
"""What can happen during a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One event while a plan ran.

    Attributes:
        kind: The kind of event.
            "started", "looked" (balances were read), "waiting" (for weight, or before trying again),
            "sending", "executed", "rejected", "not-sent", "unknown", "reconciling" (waits until a lost
            request can no longer act, then observes), "proven-executed", "proven-not-executed", "undecided",
            "finished".
        at_ms: When, UTC milliseconds.
        plan_key: The plan.
        asset: Asset owed.
        pieces_done: Repayments that are known to be done.
        pieces_total: How many the plan needs now, the done ones included.
        repaid: Debt repaid so far, in units of `asset`.
        owed: Debt left, in units of `asset`; `None` until a snapshot has shown it.
        weight_used: Request weight that this run has spent.
        attempt_id: The attempt it is about, if any.
        wait_ms: How long it waits, for "waiting".
        finish_ms: Earliest time of the last repayment, UTC milliseconds, if known.
        message: The same in one sentence.
    """

    kind: Kind
    at_ms: int
    plan_key: str
    asset: str
    pieces_done: int
    pieces_total: int
    repaid: Decimal
    owed: Decimal | None
    weight_used: int
    attempt_id: str | None = None
    wait_ms: int | None = None
    finish_ms: int | None = None
    message: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the event as plain data, amounts as text."""
        data: dict[str, object] = {}
        for item in fields(self):
            value: object = getattr(self, item.name)
            data[item.name] = to_text(value) if isinstance(value, Decimal) else value
        return data
