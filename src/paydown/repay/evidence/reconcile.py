"""Settle what an earlier process, or a lost answer, left in doubt. Sends nothing but reads.

    INTENT found at start ──▶ UNKNOWN                  its process ended in between
    UNKNOWN ──▶ wait until it can no longer act ──▶ look ──▶ judge ──▶ proven, or look again
                                                              └─ after the last look: undecided
    REJECTED ──▶ look ──▶ the debt may have fallen: UNKNOWN, judged like a lost answer

Written as generators: see `commands`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from paydown.errors import PaydownError
from paydown.repay.errors import ClockStandsStill
from paydown.repay.evidence.observed import LiabilityChange, Sighting
from paydown.repay.evidence.snapshot import Look
from paydown.repay.evidence.verdict import REFUSALS_LIE, Case, Verdict, judge, may_have_fallen
from paydown.repay.execution.commands import (
    Command,
    Commit,
    Pause,
    ReadBalances,
    ReadRows,
    ReadTime,
    RowsRead,
    Settle,
    Step,
)
from paydown.repay.journal.journal import AttemptRecord, Journal
from paydown.repay.planning.plan import moment
from paydown.repay.planning.repay_facts import Facts
from paydown.repay.repay_options import Options
from paydown.repay.stored import readable

__all__ = [
    "Context",
    "Decisions",
    "Settled",
    "case_of",
    "find_orphans",
    "settle",
    "verify_refusal",
    "wait_until",
]

T = TypeVar("T")

# A clock that is right needs one nap, one that is a little behind two or three.
_MOST_NAPS = 5

Decisions: TypeAlias = Generator[Command, Any, T]
"""A run: yields commands, is sent their results, returns a `T`."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every decision needs.

    Attributes:
        journal: Where attempts are written down.
        account: The account's name in it.
        facts: What the document says.
        options: Thresholds.
        now_ms: The exchange's time, UTC milliseconds, never ahead of it.
        stop: Whether somebody asked to stop.
        events: Stream events on an asset since a moment.
    """

    journal: Journal
    account: str
    facts: Facts
    options: Options
    now_ms: Callable[[], int]
    stop: Callable[[], bool]
    events: Callable[[str, int], Sequence[LiabilityChange]]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an attempt in doubt.

    Attributes:
        verdict: What the evidence proves; `None` if the work was interrupted before any could be judged.
        look: The newest look: a base for what comes next.
        looks: How many looks were taken.
        trouble: Why no evidence could be read, or "".
    """

    verdict: Verdict | None
    look: Look | None
    looks: int
    trouble: str = ""

    @property
    def decided(self) -> bool:
        """Whether the attempt is proven one way or the other."""
        return self.verdict is not None and self.verdict.decided


def find_orphans(context: Context) -> Decisions[list[str]]:
    """Turn INTENTs of an ended process into UNKNOWN. Only under the account's lock. Returns their ids."""
    ids: list[str] = yield Commit(
        Step.WRITE_ORPHANS, lambda: context.journal.orphaned(context.account, context.now_ms())
    )
    return ids


def case_of(context: Context, attempt: AttemptRecord) -> Case:
    """The case of an attempt, from the journal."""
    intent, options = attempt.intent, context.options
    # Rows of our own repayments can stand near this one: those of every attempt that was executed about this time.
    since_ms = intent.signed_at_ms - options.quiet_ms - 2 * options.near_ms
    about = context.journal.attempts_since(context.account, since_ms)
    near = tuple(one for one in about if one.id != attempt.id and one.paid)
    prior = tuple(one for one in map(context.journal.attempt, intent.since) if one is not None)
    plan = context.journal.plan(context.account, attempt.plan_key).plan
    prices = {asset: price.usd for asset, price in plan.prices.items()}
    return Case(
        attempt,
        prior,
        prices,
        context.facts,
        options,
        near=tuple({one.id: one for one in (*prior, *near)}.values()),
        signs=context.journal.signs(context.account),
    )


def settle(context: Context, attempt: AttemptRecord) -> Decisions[Settled]:
    """Reconcile one UNKNOWN attempt and record the result, evidence included.

    Waits until nothing more can come of the request, then looks up to `1 + len(options.look_again_ms)` times. Every
    look, those of earlier reconciliations included, is judged by the newest lists.
    """
    case = case_of(context, attempt)
    earlier = _seen_before(context, attempt.id)
    taken: list[Sighting] = []
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
            taken.append((yield from _see(context, attempt, server_ms)))
        except PaydownError as error:
            trouble = f"{type(error).__name__}: {error}"
            continue
        verdict = judge(case, [*earlier, *taken])
        if verdict.decided:
            break
    if verdict is not None:
        yield from _record(context, attempt.id, verdict, taken)
        if verdict.decided:
            yield Settle(attempt.id, verdict.result == "PROVEN_EXECUTED")
    return Settled(verdict, taken[-1].look if taken else None, len(taken), trouble)


def _seen_before(context: Context, attempt_id: str) -> list[Sighting]:
    """The sightings of earlier reconciliations of an attempt: what a look showed then does not grow old."""
    found: list[Sighting] = []
    for record in context.journal.evidence(attempt_id):
        with readable(f"The evidence of attempt {attempt_id} in the journal"):
            found += [Sighting.from_json(one) for one in record.body.get("sightings", ())]
    return found


def _see(context: Context, attempt: AttemptRecord, server_ms: int) -> Decisions[Sighting]:
    """Read balances and lists."""
    intent, options = attempt.intent, context.options
    look: Look = yield ReadBalances(intent.asset)
    since_ms = intent.before.sent_at_ms - options.edge_ms - options.quiet_ms
    listed: RowsRead = yield ReadRows(intent.asset, since_ms)
    events = tuple(context.events(intent.asset, intent.before.sent_at_ms))
    return Sighting(server_ms, look, listed.rows, events, listed.read, listed.unread)


def verify_refusal(context: Context, attempt: AttemptRecord) -> Decisions[tuple[Look | None, bool]]:
    """Look behind a refusal: the newest look, if one could be taken, and whether the refusal is in doubt.

    What is seen is stored: as confirmed, or together with the move to UNKNOWN.
    """
    case = case_of(context, attempt)
    doubted = REFUSALS_LIE in case.signs
    if doubted:
        yield Pause(context.options.quiet_ms)
    try:
        server_ms: int = yield ReadTime()
        seen = yield from _see(context, attempt, server_ms)
    except PaydownError:
        return None, False
    contradicted = may_have_fallen(case, seen)
    body: dict[str, Any] = {"refusal": {"contradicted": contradicted}, "sightings": [seen.to_json()]}
    if contradicted:
        body["verdict"] = {"signs": [REFUSALS_LIE]}
        yield Commit(
            Step.WRITE_EVIDENCE,
            lambda: context.journal.contradicted(attempt.id, context.now_ms(), body=body),
        )
    else:
        yield Commit(
            Step.WRITE_EVIDENCE,
            lambda: context.journal.confirm_refusal(attempt.id, context.now_ms(), body=body),
        )
    return seen.look, contradicted


def wait_until(context: Context, deadline: int) -> Decisions[int]:
    """Wait until the exchange itself says that `deadline` has passed; our clock only paces the sleep.

    Raises:
        ClockStandsStill: The exchange's clock did not move on while ours did.
    """
    server_ms: int = yield ReadTime()
    for _ in range(_MOST_NAPS):
        if server_ms >= deadline or context.stop():
            return server_ms
        yield Pause(deadline - server_ms)
        server_ms = yield ReadTime()
    if server_ms >= deadline or context.stop():
        return server_ms
    raise ClockStandsStill(
        f"The exchange's clock reads {moment(server_ms)} after {_MOST_NAPS} waits that should have taken it past "
        f"{moment(deadline)}: nothing can be concluded from the time."
    )


def _record(
    context: Context, attempt_id: str, verdict: Verdict, sightings: Sequence[Sighting]
) -> Decisions[None]:
    body = {"verdict": verdict.to_json(), "sightings": [seen.to_json() for seen in sightings]}
    yield Commit(
        Step.WRITE_EVIDENCE,
        lambda: context.journal.prove(
            attempt_id, verdict.result, context.now_ms(), body=body, repaid=verdict.repaid
        ),
    )
