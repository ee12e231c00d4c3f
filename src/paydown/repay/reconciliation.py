"""The results of `reconcile`: one for each attempt that was in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paydown.repay.evidence.reconcile import Reconciled
from paydown.repay.evidence.verdict import Verdict
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_records import AttemptRecord

__all__ = ["Reconciliation", "reconciliations"]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The result of reconciling one attempt in doubt.

    Attributes:
        attempt: The attempt, in its new state.
        verdict: The verdict of the evidence; `None` if no evidence could be read.
        trouble: Why none could be read, or "".
    """

    attempt: AttemptRecord
    verdict: Verdict | None
    trouble: str = ""

    @property
    def decided(self) -> bool:
        """Return whether the attempt is proven executed or not executed."""
        return self.verdict is not None and self.verdict.decided

    def to_json(self) -> dict[str, object]:
        """Return the result as plain data."""
        return {
            "attempt": self.attempt.to_json(),
            "verdict": None if self.verdict is None else self.verdict.to_json(),
            "trouble": self.trouble,
        }


def reconciliations(
    journal: Journal, found: Sequence[tuple[AttemptRecord, Reconciled]], attempt_id: str | None
) -> list[Reconciliation]:
    """Return the result of each attempt, or of the one that was asked for.

    Args:
        journal: The journal.
        found: The attempts that were in doubt, and what became of them.
        attempt_id: The one that was asked for; `None` for all.
    """
    results: list[Reconciliation] = []
    for attempt, result in found:
        now = journal.attempts.find(attempt.id)
        if now is not None and attempt_id in (None, attempt.id):
            results.append(Reconciliation(now, result.verdict, result.trouble))
    return results
