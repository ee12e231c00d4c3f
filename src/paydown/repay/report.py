"""The report of a plan: the request, what is known to have been executed, and what is left to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from paydown.repay.amounts import from_text, to_text
from paydown.repay.journal.states import OPEN_STATES, AttemptState, PlanState
from paydown.repay.moments import moment
from paydown.repay.stored import checked, readable

__all__ = ["IN_DOUBT", "AttemptLine", "Report", "exit_code_of"]

IN_DOUBT = 5
"""Exit code of everything that may have happened."""

_OPEN = frozenset(state.value for state in OPEN_STATES)
_PAID = frozenset(state.value for state in AttemptState if state.paid)


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt as a report shows it.

    Attributes:
        id: Its id, for `reconcile` and `settle`.
        number: Place among the attempts of the plan, from 1.
        amount: `amount` of the request; `None` asked for the whole debt.
        state: State in the journal.
        repaid: How much of the debt it repaid, if known.
        signed_at_ms: Timestamp of the request, UTC milliseconds.
        note: The answer of the exchange; of a settled attempt, the rule and the evidence, or a person's note.
        corrected: "executed" or "not executed" where a person has corrected the state since, else "".
    """

    id: str
    number: int
    amount: Decimal | None
    state: str
    repaid: Decimal | None
    signed_at_ms: int
    note: str
    corrected: str = ""

    @property
    def paid(self) -> bool:
        """Return whether this attempt is known to have repaid debt, a correction counted."""
        return self.corrected == "executed" if self.corrected else self.state in _PAID

    def to_json(self) -> dict[str, object]:
        """Return the line as plain data, amounts as text."""
        return {
            "id": self.id,
            "number": self.number,
            "amount": None if self.amount is None else to_text(self.amount),
            "state": self.state,
            "repaid": None if self.repaid is None else to_text(self.repaid),
            "signed_at_ms": self.signed_at_ms,
            "note": self.note,
            "corrected": self.corrected,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AttemptLine:
        """Read a line from the plain data of `to_json`."""
        return checked(
            cls(
                id=data["id"],
                number=data["number"],
                amount=_optional(data["amount"]),
                state=data["state"],
                repaid=_optional(data["repaid"]),
                signed_at_ms=data["signed_at_ms"],
                note=data["note"],
                corrected=data.get("corrected", ""),
            )
        )


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a plan. `bool(report)` is true if the plan is done.

    Attributes:
        plan_key: Key of the plan.
        asset: Asset owed.
        asked: How much was to be repaid; `None` for the whole debt.
        state: DONE, STOPPED, UNDECIDED, or RUNNING for a plan whose process ended without a report.
        cause: Why it is not done, as a short name: "stop-requested", "refused", "read-failed", "undecided";
            "" when done.
        message: The same in one sentence.
        debt_before: Debt when the plan was made.
        debt_after: Debt at the last snapshot, if there was one after the last piece.
        repaid: How much of the debt was repaid by this plan, as far as known.
        pieces_planned: How many repayments were planned.
        attempts: Every attempt, in order.
        weight: Request weight that the runs of this plan spent.
        started_at_ms, ended_at_ms: UTC milliseconds.
        check: What a person should look at, if something is undecided.
        overruled: Whether an attempt was corrected after this report was made: its totals hold no more.
    """

    plan_key: str
    asset: str
    asked: Decimal | None
    state: PlanState
    cause: str
    message: str
    debt_before: Decimal
    debt_after: Decimal | None
    repaid: Decimal
    pieces_planned: int
    attempts: tuple[AttemptLine, ...]
    weight: int
    started_at_ms: int
    ended_at_ms: int
    check: tuple[str, ...] = ()
    overruled: bool = False

    def __bool__(self) -> bool:
        return self.exit_code == 0

    @property
    def moved(self) -> bool:
        """Return whether any attempt of the plan is known to have repaid debt."""
        return any(line.paid for line in self.attempts)

    @property
    def exit_code(self) -> int:
        """Return the exit code, from the attempts and the debt, never from the last cause alone.

        0 done. 5 in doubt: a request left, and no proven refusal or settlement exists, or money moved and the debt
        cannot be read. 9 stopped as asked with some money moved, 7 money moved and it is not all, both with nothing in
        doubt. Nothing moved: 4 something left and was not executed, 6 a read failed, 3 nothing left this machine.
        """
        if any(line.state in _OPEN for line in self.attempts) or self.state in (
            PlanState.UNDECIDED,
            PlanState.RUNNING,
        ):
            return IN_DOUBT
        denied = self.overruled and any(line.corrected == "not executed" for line in self.attempts)
        if self.state is PlanState.DONE and not denied:
            return 0
        if self.moved:
            return 9 if self.cause == "stop-requested" else 7
        if self.state is PlanState.DONE or any(line.state != AttemptState.NOT_SENT for line in self.attempts):
            return 4  # what was proven not executed has left, too
        return 6 if self.cause == "read-failed" else 3

    def to_json(self) -> dict[str, object]:
        """Return the report as plain data, amounts as text, times in UTC milliseconds; also the form in the journal."""
        return {
            "plan_key": self.plan_key,
            "asset": self.asset,
            "asked": None if self.asked is None else to_text(self.asked),
            "state": self.state.value,
            "cause": self.cause,
            "message": self.message,
            "debt_before": to_text(self.debt_before),
            "debt_after": None if self.debt_after is None else to_text(self.debt_after),
            "repaid": to_text(self.repaid),
            "pieces_planned": self.pieces_planned,
            "attempts": [line.to_json() for line in self.attempts],
            "weight": self.weight,
            "started_at_ms": self.started_at_ms,
            "ended_at_ms": self.ended_at_ms,
            "check": list(self.check),
            "overruled": self.overruled,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Read a report from the plain data of `to_json`.

        Raises:
            JournalUnusable: It is something else.
        """
        with readable("The report of a plan in the journal"):
            return cls._from_json(data)

    @classmethod
    def _from_json(cls, data: Mapping[str, Any]) -> Report:
        lines: list[Mapping[str, Any]] = data["attempts"]
        return checked(
            cls(
                plan_key=data["plan_key"],
                asset=data["asset"],
                asked=_optional(data["asked"]),
                state=PlanState(data["state"]),
                cause=data["cause"],
                message=data["message"],
                debt_before=from_text(data["debt_before"]),
                debt_after=_optional(data["debt_after"]),
                repaid=from_text(data["repaid"]),
                pieces_planned=data["pieces_planned"],
                attempts=tuple(AttemptLine.from_json(line) for line in lines),
                weight=data["weight"],
                started_at_ms=data["started_at_ms"],
                ended_at_ms=data["ended_at_ms"],
                check=tuple(data["check"]),
                overruled=data.get("overruled", False),
            )
        )

    def __str__(self) -> str:
        asked = "the whole debt" if self.asked is None else to_text(self.asked)
        lines = [
            f"Plan {self.plan_key}: {self.state.value}. Asked {asked} of {self.asset}, "
            f"repaid {to_text(self.repaid)}"
            + ("" if self.debt_after is None else f", still owed {to_text(self.debt_after)}")
        ]
        if self.message:
            lines.append(f"  {self.message}")
        for line in self.attempts:
            amount = "whole debt" if line.amount is None else to_text(line.amount)
            note = f"  {line.note}" if line.note else ""
            if line.corrected:
                note += f"  CORRECTED since: {line.corrected}"
            lines.append(
                f"  {line.number:>3}  {moment(line.signed_at_ms)}  {amount:>20}  {line.state:<20} {line.id}"
                + note
            )
        lines.extend(f"  check     {step}" for step in self.check)
        return "\n".join(lines)


def exit_code_of(reports: Sequence[Report]) -> int:
    """Return one exit code for the reports of several plans; 0 for none.

    A doubt comes first. Where money moved and not all plans are done, the code is never one that means "nothing moved".
    """
    codes = {report.exit_code for report in reports}
    for code in (5, 7, 9):
        if code in codes:
            return code
    if any(report.moved for report in reports) and codes - {0, 8}:
        return 7
    return next((code for code in (6, 4, 3, 8) if code in codes), 0)


def _optional(text: str | None) -> Decimal | None:
    return None if text is None else from_text(text)
