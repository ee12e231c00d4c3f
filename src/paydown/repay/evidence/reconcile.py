"""Find out by evidence what an UNKNOWN attempt did, and record the verdict. Sends nothing but reads.

    INTENT found at start ──▶ UNKNOWN                  its process ended in between
    UNKNOWN ──▶ wait until it can no longer act ──▶ observe ──▶ judge ──▶ proven, or observe again
                                                                 └─ after the last observation: undecided
    REJECTED ──▶ observe ──▶ the debt may have fallen: UNKNOWN, reconciled like a lost answer

Written as generators of commands: see `paydown.repay.execution.commands`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paydown.errors import PaydownError
from paydown.repay.errors import ClockStandsStill
from paydown.repay.evidence.case import REFUSALS_LIE, Case
from paydown.repay.evidence.observation import Observation
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.evidence.verdict import Verdict, judge, may_have_fallen
from paydown.repay.execution.commands import (
    Commit,
    Pause,
    ReadBalances,
    ReadRows,
    ReadTime,
    ReleaseGuard,
    Step,
)
from paydown.repay.execution.run_context import Context, Decisions
from paydown.repay.journal.journal_records import AttemptRecord
from paydown.repay.moments import moment
from paydown.repay.stored import readable

__all__ = [
    "Reconciled",
    "case_of",
    "find_orphans",
    "reconcile_attempt",
    "verify_refusal",
    "wait_until",
]

# Most sleeps until a deadline: a clock that is right needs one, a clock that is a little behind two or three.
_MOST_NAPS = 5


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The result of reconciling an attempt in doubt.

    Attributes:
        verdict: The verdict of the evidence; `None` if the work was interrupted before there was any.
        snapshot: The newest snapshot: a base for what comes next.
        snapshots: How many snapshots were taken.
        trouble: Why no evidence could be read, or "".
    """

    verdict: Verdict | None
    snapshot: Snapshot | None
    snapshots: int
    trouble: str = ""

    @property
    def decided(self) -> bool:
        """Return whether the attempt is proven executed or not executed."""
        return self.verdict is not None and self.verdict.decided


def find_orphans(context: Context) -> Decisions[list[str]]:
    """Turn INTENTs of an ended process into UNKNOWN, and return their ids. Only under the account's lock."""
    return (
        yield from Commit(
            Step.WRITE_ORPHANS,
            lambda: context.journal.attempts.mark_orphans(context.account, context.now_ms()),
        ).reply()
    )


def case_of(context: Context, attempt: AttemptRecord) -> Case:
    """Make the case of an attempt from the journal.

    Rows of our own repayments can stand near this attempt: those of every attempt that was executed about that time.

    Args:
        context: The context that every decision needs.
        attempt: The attempt.
    """
    intent, options, journal = attempt.intent, context.options, context.journal
    since_ms = intent.signed_at_ms - options.quiet_ms - 2 * options.near_ms
    about = journal.attempts.since(context.account, since_ms)
    near = tuple(one for one in about if one.id != attempt.id and one.paid)
    prior = tuple(one for one in map(journal.attempts.find, intent.since) if one is not None)
    plan = journal.plans.get(context.account, attempt.plan_key).plan
    prices = {asset: price.usd for asset, price in plan.prices.items()}
    return Case(
        attempt,
        prior,
        prices,
        context.facts,
        options,
        near=tuple({one.id: one for one in (*prior, *near)}.values()),
        signs=journal.evidence.signs(context.account),
    )


def reconcile_attempt(context: Context, attempt: AttemptRecord) -> Decisions[Reconciled]:
    """Reconcile one UNKNOWN attempt and record the result, evidence included.

    Waits until the deadline of the request has passed, then observes up to `1 + len(options.look_again_ms)` times.
    Every snapshot, also of earlier reconciliations, is judged by the newest lists.

    Args:
        context: The context that every decision needs.
        attempt: The attempt, UNKNOWN.
    """
    case = case_of(context, attempt)
    earlier = _observed_before(context, attempt.id)
    taken: list[Observation] = []
    verdict: Verdict | None = None
    trouble = ""
    for pause_ms in (0, *context.options.look_again_ms):
        if pause_ms:
            yield Pause(pause_ms)
        if context.stop():
            break
        try:
            server_ms = yield from wait_until(context, case.deadline_ms)
            if context.stop():
                break
            taken.append((yield from _observe(context, attempt, server_ms)))
        except PaydownError as error:
            trouble = f"{type(error).__name__}: {error}"
            continue
        verdict = judge(case, [*earlier, *taken])
        if verdict.decided:
            break
    if verdict is not None:
        yield from _record(context, attempt.id, verdict, taken)
        if verdict.decided:
            yield ReleaseGuard(attempt.id, verdict.result == "PROVEN_EXECUTED")
    return Reconciled(verdict, taken[-1].snapshot if taken else None, len(taken), trouble)


def _observed_before(context: Context, attempt_id: str) -> list[Observation]:
    """Return the observations of earlier reconciliations of an attempt, since an old snapshot stays valid."""
    found: list[Observation] = []
    for record in context.journal.evidence.of(attempt_id):
        with readable(f"The evidence of attempt {attempt_id} in the journal"):
            found += [Observation.from_json(one) for one in record.body.get("sightings", ())]
    return found


def _observe(context: Context, attempt: AttemptRecord, server_ms: int) -> Decisions[Observation]:
    """Read the balances and the lists once."""
    intent, options = attempt.intent, context.options
    snapshot = yield from ReadBalances(intent.asset).reply()
    since_ms = intent.before.sent_at_ms - options.edge_ms - options.quiet_ms
    listed = yield from ReadRows(intent.asset, since_ms).reply()
    events = tuple(context.events(intent.asset, intent.before.sent_at_ms))
    return Observation(server_ms, snapshot, listed.rows, events, listed.read, listed.unread)


def verify_refusal(context: Context, attempt: AttemptRecord) -> Decisions[tuple[Snapshot | None, bool]]:
    """Verify a refusal by the balance, and store the snapshot: with the confirmation, or with the move to UNKNOWN.

    On an account where a refusal was caught contradicting the debt, the balance gets `options.quiet_ms` to show it.

    Args:
        context: The context that every decision needs.
        attempt: The attempt, REJECTED.

    Returns:
        The newest snapshot, if one could be taken, and whether the refusal is in doubt.
    """
    case = case_of(context, attempt)
    if REFUSALS_LIE in case.signs:
        yield Pause(context.options.quiet_ms)
    try:
        server_ms = yield from ReadTime().reply()
        seen = yield from _observe(context, attempt, server_ms)
    except PaydownError:
        return None, False
    contradicted = may_have_fallen(case, seen)
    body: dict[str, Any] = {"refusal": {"contradicted": contradicted}, "sightings": [seen.to_json()]}
    if contradicted:
        body["verdict"] = {"signs": [REFUSALS_LIE]}
        yield Commit(
            Step.WRITE_EVIDENCE,
            lambda: context.journal.evidence.contradict_refusal(attempt.id, context.now_ms(), body=body),
        )
    else:
        yield Commit(
            Step.WRITE_EVIDENCE,
            lambda: context.journal.evidence.confirm_refusal(attempt.id, context.now_ms(), body=body),
        )
    return seen.snapshot, contradicted


def wait_until(context: Context, deadline: int) -> Decisions[int]:
    """Wait until the exchange's own clock has passed a deadline; our clock only paces the sleep.

    Args:
        context: The context that every decision needs.
        deadline: UTC milliseconds on the exchange's clock.

    Returns:
        The exchange's time; before the deadline only if a stop was asked for.

    Raises:
        ClockStandsStill: The exchange's clock did not move on while ours did.
    """
    server_ms = yield from ReadTime().reply()
    for _ in range(_MOST_NAPS):
        if server_ms >= deadline or context.stop():
            return server_ms
        yield Pause(deadline - server_ms)
        server_ms = yield from ReadTime().reply()
    if server_ms >= deadline or context.stop():
        return server_ms
    raise ClockStandsStill(
        f"The exchange's clock reads {moment(server_ms)} after {_MOST_NAPS} waits that should have taken it past "
        f"{moment(deadline)}: nothing can be concluded from the time."
    )


def _record(
    context: Context, attempt_id: str, verdict: Verdict, observations: Sequence[Observation]
) -> Decisions[None]:
    body = {"verdict": verdict.to_json(), "sightings": [seen.to_json() for seen in observations]}
    yield Commit(
        Step.WRITE_EVIDENCE,
        lambda: context.journal.evidence.prove(
            attempt_id, verdict.result, context.now_ms(), body=body, repaid=verdict.repaid
        ),
    )
