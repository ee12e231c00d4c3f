"""The history of an account: every plan with its attempts and evidence."""

from __future__ import annotations

from dataclasses import dataclass

from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_records import AttemptRecord, CorrectionRecord, EvidenceRecord, PlanRecord

__all__ = ["PlanHistory", "history_of"]


@dataclass(frozen=True, slots=True)
class PlanHistory:
    """One plan with its attempts, corrections and evidence.

    Attributes:
        record: The plan, its state and its report.
        attempts: Its attempts, oldest first.
        evidence: Everything that was seen about them.
        corrections: Everything that people corrected.
    """

    record: PlanRecord
    attempts: tuple[AttemptRecord, ...]
    evidence: tuple[EvidenceRecord, ...]
    corrections: tuple[CorrectionRecord, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the history of the plan as plain data."""
        return {
            "plan": self.record.plan.to_json(),
            "state": self.record.state.value,
            "created_at_ms": self.record.created_at_ms,
            "changed_at_ms": self.record.changed_at_ms,
            "report": self.record.report,
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "evidence": [evidence.to_json() for evidence in self.evidence],
            "corrections": [correction.to_json() for correction in self.corrections],
        }


def history_of(journal: Journal, account: str) -> list[PlanHistory]:
    """Return every plan of an account with its attempts and evidence, newest first.

    Args:
        journal: The journal.
        account: The account's name in it.
    """
    entries: list[PlanHistory] = []
    for record in journal.plans.newest_first(account):
        attempts = journal.attempts.of_plan(record.id)
        evidence = [found for attempt in attempts for found in journal.evidence.of(attempt.id)]
        corrections = [found for attempt in attempts for found in journal.corrections.of(attempt.id)]
        entries.append(PlanHistory(record, tuple(attempts), tuple(evidence), tuple(corrections)))
    return entries
