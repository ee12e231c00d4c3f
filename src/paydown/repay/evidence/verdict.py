"""The verdict: the conclusion from the evidence about an attempt whose answer was lost.

    executed        the debt fell by what was asked, and something that could pay is spent; or a row
                    of the very amount is there and the debt does not stand
    not executed    the debt stood, in two snapshots apart, and nothing else allows for an execution
    undecided       everything else

`docs/never-twice.md` gives each rule its argument and names what is still assumed. Pure functions: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from paydown.repay.amounts import ZERO, exact, to_text
from paydown.repay.evidence.case import LATE_EXECUTION, Case
from paydown.repay.evidence.debt import fall_of
from paydown.repay.evidence.findings import Finding, findings_of, steps_for_a_person, too_early_finding
from paydown.repay.evidence.holdings import still_there
from paydown.repay.evidence.observation import Observation
from paydown.repay.evidence.rules import Gathered, Result, first_that_applies

__all__ = ["Verdict", "judge", "may_have_fallen"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The conclusion from the evidence about one attempt.

    Attributes:
        result: The state it proves, or "UNDECIDED".
        rule: Name of the rule that decided, as in `docs/never-twice.md`.
        repaid: How much of the debt the attempt repaid: zero if not executed, `None` if undecided.
        findings: The finding of each kind of evidence.
        check: What a person should look at, for an undecided attempt, and the commands to type.
        signs: Signs that a reading holds which is usually assumed away.
    """

    result: Result
    rule: str
    repaid: Decimal | None
    findings: tuple[Finding, ...]
    check: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()

    @property
    def decided(self) -> bool:
        """Return whether the attempt is proven executed or not executed."""
        return self.result != "UNDECIDED"

    def to_json(self) -> dict[str, object]:
        """Return the verdict as plain data; it is stored with the observations that led to it."""
        return {
            "result": self.result,
            "rule": self.rule,
            "repaid": None if self.repaid is None else to_text(self.repaid),
            "findings": [finding.to_json() for finding in self.findings],
            "check": list(self.check),
            "signs": list(self.signs),
        }


def judge(case: Case, observations: Sequence[Observation]) -> Verdict:
    """Decide what the observations since an attempt prove, every one of them judged by the newest lists.

    Args:
        case: The attempt and what is known around it.
        observations: Everything that was observed since, oldest first; at least one.

    Returns:
        The verdict. An undecided one may be decided by a later observation.
    """
    with exact():
        newest = observations[-1]
        rule = first_that_applies(Gathered(case, observations))
        if rule.name == "too-early":
            findings: tuple[Finding, ...] = (too_early_finding(case),)
        else:
            findings = findings_of(case, newest, rule.result)
        signs = (LATE_EXECUTION,) if rule.name == "fell-later" else ()
        if rule.result == "UNDECIDED":
            return Verdict(rule.result, rule.name, None, findings, steps_for_a_person(case, newest), signs)
        repaid = case.asked if rule.result == "PROVEN_EXECUTED" else ZERO
        return Verdict(rule.result, rule.name, repaid, findings, (), signs)


def may_have_fallen(case: Case, observation: Observation) -> bool:
    """Return whether a refused attempt may have been executed in spite of the refusal.

    It may if the debt can be lower by half of the amount asked, or if half of the value is gone from the payment
    assets, where a borrowing that no list shows could hide the fall.

    Args:
        case: The refused attempt.
        observation: The observation after the refusal.
    """
    with exact():
        fell = fall_of(case, observation.snapshot, observation.rows).most >= case.asked / 2
        return fell or not still_there(case, observation.snapshot, observation.rows)
