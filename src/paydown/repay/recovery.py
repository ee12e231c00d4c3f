"""Settle what an earlier process, or a lost answer, left in doubt. Sends nothing but reads.

    INTENT found at start ──▶ UNKNOWN                  its process ended in between
    UNKNOWN ──▶ wait until it can no longer act ──▶ look ──▶ judge ──▶ proven, or look again
                                                              └─ after the last look: undecided

Written as generators: see `commands`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

from paydown.errors import PaydownError
from paydown.repay.commands import (
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
from paydown.repay.evidence import LiabilityChange, Sighting
from paydown.repay.facts import Facts
from paydown.repay.journal import AttemptRecord, Journal
from paydown.repay.look import Look
from paydown.repay.options import Options
from paydown.repay.reconcile import Case, Verdict, deadline_ms, judge

__all__ = ["Context", "Decisions", "Settled", "case_of", "find_orphans", "settle"]

T = TypeVar("T")

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
    prior: list[AttemptRecord] = []
    for attempt_id in attempt.intent.since:
        earlier = context.journal.attempt(attempt_id)
        if earlier is not None:
            prior.append(earlier)
    plan = context.journal.plan(context.account, attempt.plan_key).plan
    prices = {asset: price.usd for asset, price in plan.prices.items()}
    return Case(attempt, tuple(prior), prices, context.facts, context.options)


def settle(context: Context, attempt: AttemptRecord) -> Decisions[Settled]:
    """Reconcile one UNKNOWN attempt and record the result, evidence included.

    Waits until nothing more can come of the request, then looks up to `1 + len(options.look_again_ms)` times. The
    lists that are read with each look also complete what the looks before it showed: "not executed" waits for that.
    """
    case = case_of(context, attempt)
    intent = attempt.intent
    deadline = deadline_ms(intent.signed_at_ms, intent.recv_window_ms, context.facts, context.options)
    taken: list[Sighting] = []
    verdict: Verdict | None = None
    trouble = ""
    for pause_ms in (0, *context.options.look_again_ms):
        if pause_ms:
            yield Pause(pause_ms)
        if context.stop():
            break
        try:
            server_ms = yield from _wait_until(context, deadline)
            if context.stop():
                break
            look: Look = yield ReadBalances()
            listed = yield from _read_rows(context, attempt)
        except PaydownError as error:
            trouble = f"{type(error).__name__}: {error}"
            continue
        events = tuple(context.events(intent.asset, intent.before.sent_at_ms))
        taken.append(Sighting(server_ms, look, listed.rows, events, listed.read, listed.unread))
        verdict = judge(case, taken[-1])
        if verdict.decided:
            break
        caught_up = _judge_again(case, taken, verdict)
        if caught_up is not None:
            verdict, decisive = caught_up
            taken.append(decisive)
            break
    looks = [seen for seen in taken if seen.listed_ms is None]
    if (
        verdict is not None
        and not verdict.decided
        and _only_lists_lag(case, taken[-1])
        and not context.stop()
    ):
        # No look follows whose lists would complete this one: they alone are read once more.
        try:
            server_ms = yield from _wait_until(
                context, taken[-1].look.answered_at_ms + context.options.lists_after_ms
            )
            if not context.stop():
                listed = yield from _read_rows(context, attempt)
                events = tuple(context.events(intent.asset, intent.before.sent_at_ms))
                taken.append(_with_lists_of(taken[-1], listed, events, server_ms))
                verdict = judge(case, taken[-1])
        except PaydownError as error:
            trouble = f"{type(error).__name__}: {error}"
    if verdict is not None:
        yield from _record(context, attempt.id, verdict, taken)
        if verdict.decided:
            yield Settle(attempt.id, verdict.result == "PROVEN_EXECUTED")
    return Settled(verdict, looks[-1].look if looks else None, len(looks), trouble)


def _read_rows(context: Context, attempt: AttemptRecord) -> Decisions[RowsRead]:
    since_ms = attempt.intent.before.sent_at_ms - context.options.clock_slack_ms
    listed: RowsRead = yield ReadRows(attempt.intent.asset, since_ms)
    return listed


def _judge_again(case: Case, taken: Sequence[Sighting], newest: Verdict) -> tuple[Verdict, Sighting] | None:
    """Judge the looks before the newest by its lists: "not executed", and what proves it, or `None`."""
    if newest.rule in ("contradiction", "pending"):
        return None  # the newest look knows of something that the earlier ones cannot answer
    last = taken[-1]
    for earlier in reversed(taken[:-1]):
        seen = _with_lists_of(earlier, last, last.events, last.server_ms)
        verdict = judge(case, seen)
        if verdict.result == "PROVEN_NOT_EXECUTED":
            return verdict, seen
    return None


def _with_lists_of(
    seen: Sighting, listed: RowsRead | Sighting, events: tuple[LiabilityChange, ...], server_ms: int
) -> Sighting:
    """A look as it is judged by lists that were read at `server_ms`."""
    return replace(
        seen, rows=listed.rows, events=events, read=listed.read, unread=listed.unread, listed_ms=server_ms
    )


def _only_lists_lag(case: Case, seen: Sighting) -> bool:
    """Whether these very lists would decide, had they been read late enough."""
    late_ms = seen.look.answered_at_ms + case.options.lists_after_ms
    return judge(case, replace(seen, listed_ms=late_ms)).decided


def _wait_until(context: Context, deadline: int) -> Decisions[int]:
    """Wait until the exchange itself says that `deadline` has passed; our clock only paces the sleep."""
    while True:
        server_ms: int = yield ReadTime()
        if server_ms >= deadline or context.stop():
            return server_ms
        yield Pause(deadline - server_ms)


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
