"""Describe the findings of each kind of evidence in sentences with numbers, for reports and for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from paydown.repay.amounts import ZERO, ceil_to, to_text
from paydown.repay.evidence.case import Case
from paydown.repay.evidence.debt import fall_of
from paydown.repay.evidence.holdings import spent_usd
from paydown.repay.evidence.listed_rows import exact_row, near_rows
from paydown.repay.evidence.observation import Observation
from paydown.repay.evidence.rules import Result
from paydown.repay.moments import moment

__all__ = ["Finding", "Supports", "findings_of", "steps_for_a_person", "too_early_finding"]

Supports: TypeAlias = Literal["executed", "not executed", "either", "neither", "nothing"]

# Number of rows near an attempt that a person is shown; each repayment may stand in two lists.
_ROWS_SHOWN = 4

_SUPPORTS: Mapping[Result, Supports] = {
    "PROVEN_EXECUTED": "executed",
    "PROVEN_NOT_EXECUTED": "not executed",
    "UNDECIDED": "either",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: what one kind of evidence shows, in one sentence with its numbers.

    Attributes:
        kind: Which evidence.
        supports: The hypothesis that it supports.
        text: The sentence.
    """

    kind: Literal["time", "debt", "assets", "rows"]
    supports: Supports
    text: str

    def to_json(self) -> dict[str, str]:
        """Return the finding as plain data; the keys are those of the stored evidence."""
        return {"witness": self.kind, "says": self.supports, "text": self.text}


def too_early_finding(case: Case) -> Finding:
    """Explain that nothing can be concluded while the request can still act."""
    return Finding(
        "time",
        "either",
        f"the request can take effect until {moment(case.deadline_ms)}; this snapshot is older",
    )


def findings_of(case: Case, newest: Observation, result: Result) -> tuple[Finding, ...]:
    """Describe the newest observation: time, debt, holdings and rows.

    Args:
        case: The attempt and what is known around it.
        newest: The newest observation.
        result: The result of all observations together; the finding about the debt states it.
    """
    intent = case.attempt.intent
    time = Finding(
        "time",
        "nothing",
        f"signed {moment(intent.signed_at_ms)}; it could act until {moment(case.deadline_ms)}; "
        f"before this snapshot the exchange's clock read {moment(newest.server_ms)}",
    )
    spent = spent_usd(case, newest.snapshot, newest.rows)
    worth = "cannot be valued" if spent is None else f"lost {to_text(ceil_to(spent, 2))} USD"
    asked_usd = case.asked * case.prices_usd.get(case.asset, ZERO)
    assets = Finding(
        "assets",
        "nothing",
        f"assets that could pay {worth}; the amount is worth {to_text(ceil_to(asked_usd, 2))} USD",
    )
    return time, Finding("debt", _SUPPORTS[result], _debt_text(case, newest)), assets, _rows(case, newest)


def steps_for_a_person(case: Case, newest: Observation) -> tuple[str, ...]:
    """Write one screen for a person who decides: the figures, the rows, the question, and the commands to type.

    Args:
        case: The attempt and what is known around it.
        newest: The newest observation.
    """
    intent, attempt = case.attempt.intent, case.attempt.id
    what = "the whole debt" if intent.amount is None else to_text(intent.amount)
    since = moment(intent.signed_at_ms - case.options.near_ms)
    until = moment(case.deadline_ms + case.options.near_ms)
    return (
        f"{what} of {case.asset} was sent at {moment(intent.signed_at_ms)} and its outcome is not known. "
        f"{_capital(_debt_text(case, newest))}.",
        f"{_capital(_rows(case, newest).text)}.",
        f"Look again first: paydown reconcile {attempt} --wait",
        f"Else open the repayment history of {case.asset} in the exchange's web interface, from {since} to {until}, "
        "and ask everybody who can use this account whether they repaid or borrowed in that time.",
        f'If it was this attempt, or you are not sure: paydown reconcile {attempt} --executed --note "what you saw". '
        "If you are wrong, the debt is still there, and the next plan repays it.",
        f'Only if you are sure that it was not: paydown reconcile {attempt} --not-executed --note "what you saw". '
        "It is then sent again; if you are wrong, it is repaid twice.",
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _debt_text(case: Case, observation: Observation) -> str:
    before, after = case.base[case.asset], observation.snapshot[case.asset]
    fall = fall_of(case, observation.snapshot, observation.rows)
    digits = case.facts.amount_digits
    prior = f", {to_text(case.repaid_before)} repaid since by confirmed pieces" if case.repaid_before else ""
    least, most = to_text(ceil_to(fall.least, digits)), to_text(ceil_to(fall.most, digits))
    span = f"by {least}" if least == most else f"by {least} to {most}"
    return (
        f"{case.asset} owed before: {to_text(before.borrowed)} + {to_text(before.interest)} interest{prior}; now: "
        f"{to_text(after.borrowed)} + {to_text(after.interest)} interest; listed borrowings and possible interest "
        f"counted in, it fell {span} of the {to_text(case.asked)} asked"
    )


def _rows(case: Case, observation: Observation) -> Finding:
    near = near_rows(case, observation.rows)
    listed = ", ".join(sorted(observation.read)) or "no list"
    # The screen shows only the rows whose amounts are closest to the amount asked.
    closest = sorted(near, key=lambda row: abs(abs(row.amount) - case.asked))[:_ROWS_SHOWN]
    shown = "; ".join(
        f"{row.source} {row.id}: {to_text(abs(row.amount))} at {moment(row.at_ms)}"
        + (f", {row.status}" if row.status not in (None, "CONFIRMED") else "")
        for row in near
        if row in closest
    )
    if len(near) > len(closest):
        shown += f"; and {len(near) - len(closest)} more"
    text = f"read {listed}: " + (
        f"repayments that may be this one: {shown}"
        if near
        else "no repayment near it, which proves nothing by itself"
    )
    if observation.unread:
        text += "; not read: " + ", ".join(f"{name} ({why})" for name, why in observation.unread.items())
    return Finding("rows", "executed" if exact_row(case, near) else "nothing", text)
