"""The records of the journal: intents, attempts, corrections, plans and evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from paydown.repay.amounts import from_text, to_text
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.journal.states import AttemptState, PlanState
from paydown.repay.planning.plan import Plan
from paydown.repay.stored import checked, readable

__all__ = [
    "AttemptRecord",
    "CorrectionRecord",
    "EvidenceRecord",
    "Intent",
    "Json",
    "PlanRecord",
    "Standing",
    "json_text",
]

Json: TypeAlias = dict[str, Any]


def json_text(data: Mapping[str, Any]) -> str:
    """Write plain data as the compact JSON that the journal stores."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Intent:
    """The record of an attempt that is written before its request may leave.

    Attributes:
        id: The client's id of this attempt.
        number: Its place among the attempts of its plan, from 1: what the writer believes comes next.
        asset: Asset owed.
        amount: `amount` of the request; `None` sends none.
        expected: How much of the debt it should repay.
        pay_with: Payment assets of the request.
        before: The last snapshot of the account.
        since: Ids of the attempts that were answered as executed after that snapshot.
        signed_at_ms: Timestamp in the request, UTC milliseconds on the exchange's clock.
        recv_window_ms: How long after that the exchange may accept it.
    """

    id: str
    number: int
    asset: str
    amount: Decimal | None
    expected: Decimal
    pay_with: tuple[str, ...]
    before: Snapshot
    since: tuple[str, ...]
    signed_at_ms: int
    recv_window_ms: int


@dataclass(frozen=True, slots=True)
class CorrectionRecord:
    """A person's correction of an attempt that had ended.

    Attributes:
        id: Its number: a later one has a higher one, and wins.
        attempt_id: The attempt.
        made_at_ms: When it was written, UTC milliseconds.
        executed: Whether the attempt happened after all.
        moved: How much of the debt it repaid.
        note: Which person corrects it and what they saw.
    """

    id: int
    attempt_id: str
    made_at_ms: int
    executed: bool
    moved: Decimal
    note: str

    def to_json(self) -> Json:
        """Return the correction as plain data."""
        return {
            "id": self.id,
            "attempt_id": self.attempt_id,
            "made_at_ms": self.made_at_ms,
            "executed": self.executed,
            "moved": to_text(self.moved),
            "note": self.note,
        }

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> CorrectionRecord:
        """Read a row of the corrections table, its columns in the order of the attributes."""
        return checked(
            cls(
                id=row[0],
                attempt_id=row[1],
                made_at_ms=row[2],
                executed={0: False, 1: True}[row[3]],
                moved=from_text(row[4]),
                note=row[5],
            )
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a journal that the account memory compares: its identity, its count and its doubt.

    Attributes:
        identity: Drawn at random when the journal was made.
        count: Grows with every INTENT, every change of an attempt's state and every correction.
        doubt: The oldest open attempt of the account, or `None`.
    """

    identity: str
    count: int
    doubt: AttemptRecord | None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt as the journal knows it.

    Attributes:
        intent: The record from before the request left.
        plan_key: Key of its plan.
        state: The state of the attempt.
        outcome: The report of the client: class, status, code, text; `None` while INTENT.
        repaid: How much of the debt it repaid, if that is known; corrections not counted.
        opened_at_ms: When INTENT was written, UTC milliseconds.
        closed_at_ms: When the last state was written, or `None`.
        correction: The newest correction, or `None`.
    """

    intent: Intent
    plan_key: str
    state: AttemptState
    outcome: Json | None
    repaid: Decimal | None
    opened_at_ms: int
    closed_at_ms: int | None
    correction: CorrectionRecord | None = None

    @property
    def id(self) -> str:
        """Return the attempt's id."""
        return self.intent.id

    @property
    def open(self) -> bool:
        """Return whether the attempt may yet turn out to have moved money."""
        return self.state.open

    @property
    def paid(self) -> bool:
        """Return whether the attempt is known to have repaid debt: by the newest correction, else by its state."""
        return self.state.paid if self.correction is None else self.correction.executed

    @property
    def moved(self) -> Decimal | None:
        """Return how much of the debt the attempt repaid, corrections counted; `None` while it is open.

        Where no amount is known, the amount asked is returned.
        """
        if self.open:
            return None
        if self.correction is not None:
            return self.correction.moved
        if not self.state.paid:
            return Decimal(0)
        return self.intent.expected if self.repaid is None else self.repaid

    def to_json(self) -> Json:
        """Return the attempt as plain data, without the snapshot, which is long."""
        intent = self.intent
        return {
            "id": intent.id,
            "plan_key": self.plan_key,
            "number": intent.number,
            "asset": intent.asset,
            "amount": None if intent.amount is None else to_text(intent.amount),
            "expected": to_text(intent.expected),
            "pay_with": list(intent.pay_with),
            "debt_before": to_text(intent.before[intent.asset].debt),
            "signed_at_ms": intent.signed_at_ms,
            "recv_window_ms": intent.recv_window_ms,
            "state": self.state.value,
            "outcome": self.outcome,
            "repaid": None if self.repaid is None else to_text(self.repaid),
            "opened_at_ms": self.opened_at_ms,
            "closed_at_ms": self.closed_at_ms,
            "correction": None if self.correction is None else self.correction.to_json(),
        }


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """One plan as the journal knows it.

    Attributes:
        id: Its number in this journal.
        account: The account, as it was written.
        plan: The plan as it was made.
        state: How far it has come.
        report: The newest report, once the plan has ended or paused.
        created_at_ms: When it was written, UTC milliseconds.
        changed_at_ms: When its state was last written, UTC milliseconds.
        first_report: The report with which it was done first, once a correction has reopened it.
        corrected: Whether one of its attempts was corrected after it was done last: it may be worked on again.
    """

    id: int
    account: str
    plan: Plan
    state: PlanState
    report: Json | None
    created_at_ms: int
    changed_at_ms: int
    first_report: Json | None = None
    corrected: bool = False

    @property
    def key(self) -> str:
        """Return the plan's key."""
        return self.plan.key


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """The evidence of one reconciliation of one attempt: the observations and the verdict.

    Attributes:
        attempt_id: The attempt.
        taken_at_ms: When it was stored, UTC milliseconds.
        verdict: The state that it proves, or "UNDECIDED".
        body: The verdict and the observations, or a person's statement, as plain data.
    """

    attempt_id: str
    taken_at_ms: int
    verdict: str
    body: Json

    @property
    def summary(self) -> str:
        """Return in one sentence what decided: the rule and the first finding that supports it, or a person's note.

        Raises:
            JournalUnusable: The evidence is not what paydown writes.
        """
        with readable(f"The evidence of attempt {self.attempt_id} in the journal"):
            return self._summary()

    def _summary(self) -> str:
        if "statement" in self.body:
            return f"a person's word: {self.body['statement']['note']}"
        if "refusal" in self.body:
            contradicted = self.body["refusal"]["contradicted"]
            return (
                "the debt may have fallen in spite of the refusal"
                if contradicted
                else "refused, and the debt stood"
            )
        verdict: Json = self.body["verdict"]
        proven = {"PROVEN_EXECUTED": "executed", "PROVEN_NOT_EXECUTED": "not executed"}.get(self.verdict)
        findings: list[Json] = verdict["findings"]
        # Where no single finding supports the verdict, the finding about the debt is shown.
        shown = [one for one in findings if one["says"] == proven] or [
            one for one in findings if one["witness"] == "debt"
        ]
        return ": ".join([f"rule {verdict['rule']}", *(one["text"] for one in shown[:1])])

    def to_json(self) -> Json:
        """Return the evidence as plain data."""
        return {
            "attempt_id": self.attempt_id,
            "taken_at_ms": self.taken_at_ms,
            "verdict": self.verdict,
            "body": self.body,
        }
