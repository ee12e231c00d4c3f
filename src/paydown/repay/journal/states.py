"""The states of an attempt and of a plan, and the only moves between them.

    INTENT ──▶ EXECUTED            the exchange answered: done
           ──▶ REJECTED            the exchange answered: nothing was executed
                 └─▶ UNKNOWN       the balance contradicts that answer: it may have happened after all
           ──▶ NOT_SENT            not a byte of the request left this machine
           ──▶ UNKNOWN ──▶ PROVEN_EXECUTED          only by evidence that is
                       ──▶ PROVEN_NOT_EXECUTED      stored together with the move

An attempt is *open* while it is INTENT or UNKNOWN. While one attempt of an account is open, no
other is begun: that single rule, held by the journal itself, is what "never twice" rests on.
`docs/never-twice.md` gives the argument; the journal's triggers refuse every other move.

A state that has ended is not edited: a person who knows better appends a correction, and only a correction lets a plan
that is DONE be worked on again.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ATTEMPT_MOVES", "OPEN_STATES", "PLAN_MOVES", "AttemptState", "PlanState"]


class AttemptState(StrEnum):
    """The state of one request that was meant to be sent once."""

    INTENT = "INTENT"
    EXECUTED = "EXECUTED"
    REJECTED = "REJECTED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"
    PROVEN_EXECUTED = "PROVEN_EXECUTED"
    PROVEN_NOT_EXECUTED = "PROVEN_NOT_EXECUTED"

    @property
    def open(self) -> bool:
        """Return whether this request may yet turn out to have moved money."""
        return self in OPEN_STATES

    @property
    def paid(self) -> bool:
        """Return whether this request is known to have repaid debt."""
        return self in (AttemptState.EXECUTED, AttemptState.PROVEN_EXECUTED)


OPEN_STATES: frozenset[AttemptState] = frozenset({AttemptState.INTENT, AttemptState.UNKNOWN})

ATTEMPT_MOVES: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.INTENT: frozenset(
        {AttemptState.EXECUTED, AttemptState.REJECTED, AttemptState.NOT_SENT, AttemptState.UNKNOWN}
    ),
    AttemptState.UNKNOWN: frozenset({AttemptState.PROVEN_EXECUTED, AttemptState.PROVEN_NOT_EXECUTED}),
    AttemptState.EXECUTED: frozenset(),
    # This move needs stored evidence, and is refused once a person has corrected the attempt.
    AttemptState.REJECTED: frozenset({AttemptState.UNKNOWN}),
    AttemptState.NOT_SENT: frozenset(),
    AttemptState.PROVEN_EXECUTED: frozenset(),
    AttemptState.PROVEN_NOT_EXECUTED: frozenset(),
}


class PlanState(StrEnum):
    """The state of a plan.

    PLANNED     written down, nothing was sent
    RUNNING     a process works on it, or died while it did: resume
    STOPPED     ended early with nothing in doubt (a signal, too many refusals): resume when you like
    UNDECIDED   an attempt is in doubt and the evidence does not decide it: a person must look
    DONE        what was asked is repaid; the report is final, unless an attempt is corrected
    """

    PLANNED = "PLANNED"
    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    UNDECIDED = "UNDECIDED"
    DONE = "DONE"


PLAN_MOVES: dict[PlanState, frozenset[PlanState]] = {
    PlanState.PLANNED: frozenset({PlanState.RUNNING}),
    PlanState.RUNNING: frozenset({PlanState.RUNNING, PlanState.STOPPED, PlanState.UNDECIDED, PlanState.DONE}),
    PlanState.STOPPED: frozenset({PlanState.RUNNING}),
    PlanState.UNDECIDED: frozenset({PlanState.UNDECIDED, PlanState.RUNNING, PlanState.STOPPED}),
    # This move is allowed only if an attempt of the plan was corrected after the plan's last report.
    PlanState.DONE: frozenset({PlanState.RUNNING}),
}
