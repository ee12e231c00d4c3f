"""Work a plan off: look, cut the next piece, send it once, write down what is known, go on or stop.

    look ──▶ cut ──▶ Repay (INTENT is durable before a byte leaves)
     ▲                 ├─ executed    next piece
     │                 ├─ not sent    again, after a pause
     ├─────────────────┼─ rejected    again after a pause, if the document says so; else stop
     └─────────────────┴─ unknown     settle it by evidence before anything else is sent; undecided: stop

Nothing is remembered outside the journal that could not be read from it again, so `resume` after
kill -9 is the same code as `run`: it settles what is open, then goes on where the journal ends.

Decisions only; see `commands` for who acts on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from paydown.errors import PaydownError
from paydown.repay.commands import (
    Commit,
    Outcome,
    Pause,
    ReadBalances,
    ReadPrices,
    ReadStatus,
    Repay,
    Step,
    Tell,
)
from paydown.repay.errors import (
    AccountBusy,
    AccountInDoubt,
    JournalUnusable,
    OutcomeNotRecorded,
    PlanRefused,
)
from paydown.repay.events import Progress
from paydown.repay.evidence import Sighting
from paydown.repay.journal import AttemptRecord, PlanRecord
from paydown.repay.look import Look
from paydown.repay.plan import Price, moment
from paydown.repay.planner import Cut, cut, earliest_finish_ms, refuse_liquidation, warn_if_short
from paydown.repay.quantities import ZERO, exact, to_text
from paydown.repay.reconcile import contradicts_refusal, deadline_ms
from paydown.repay.recovery import Context, Decisions, Settled, case_of, find_orphans, settle
from paydown.repay.report import AttemptLine, Report
from paydown.repay.states import AttemptState, PlanState

__all__ = ["report_of", "report_of_settled", "settle_open", "work"]

# A price older than this is read again before a piece is cut: the cap is checked against it.
_PRICE_AGE_MS = 30_000

_STATES: Mapping[str, AttemptState] = {
    "executed": AttemptState.EXECUTED,
    "rejected": AttemptState.REJECTED,
    "not-sent": AttemptState.NOT_SENT,
    "unknown": AttemptState.UNKNOWN,
}

Kind = Literal["executed", "rejected", "not-sent", "unknown"]


@dataclass(frozen=True, slots=True)
class _Ending:
    """Why a run ends."""

    state: PlanState
    cause: str
    message: str
    check: tuple[str, ...] = ()


def settle_open(context: Context) -> Decisions[list[tuple[AttemptRecord, Settled]]]:
    """Settle every open attempt of the account, orphans of ended processes first, and tell their plans."""
    yield from find_orphans(context)
    settled: list[tuple[AttemptRecord, Settled]] = []
    for attempt in context.journal.open_attempts(context.account):
        record = context.journal.plan(context.account, attempt.plan_key)
        yield _earlier(context, record, attempt, None)
        result = yield from settle(context, attempt)
        settled.append((attempt, result))
        ending = _settled(attempt) if result.decided else _in_doubt(attempt, result)
        yield from _end(context, record, ending, weight=result.looks * context.facts.look_weight)
        # Last: whoever listens may fail, and by now everything is written down.
        yield _earlier(context, record, attempt, result)
    return settled


def _earlier(context: Context, record: PlanRecord, attempt: AttemptRecord, result: Settled | None) -> Tell:
    """Progress of an attempt that an earlier run left open, with the figures of its own plan.

    Args:
        context: What every decision needs.
        record: Its plan.
        attempt: The attempt, as it was found.
        result: What became of it; `None` before it is known.
    """
    intent, now = attempt.intent, context.now_ms()
    amount = "the whole debt" if intent.amount is None else to_text(intent.amount)
    about = f"attempt {attempt.id} of plan {record.key} ({amount} of {intent.asset}, {moment(intent.signed_at_ms)})"
    kind: Any = "reconciling"
    wait_ms: int | None = None
    if result is None:
        until = deadline_ms(intent.signed_at_ms, intent.recv_window_ms, context.facts, context.options)
        wait_ms = max(0, until - now)
        message = f"{about} was left in doubt; it can act until {moment(until)}, then the balance tells"
    elif result.decided and result.verdict is not None:
        kind = "proven-executed" if result.verdict.result == "PROVEN_EXECUTED" else "proven-not-executed"
        message = f"{about}, {context.journal.evidence(attempt.id)[-1].words}"
    else:
        kind = "undecided"
        message = f"{about} stays in doubt"
    attempts = context.journal.attempts(record.id)
    done = sum(one.state.paid for one in attempts)
    with exact():
        repaid = sum((_repaid(one) for one in attempts), ZERO)
    return Tell(
        Progress(
            kind=kind,
            at_ms=now,
            plan_key=record.key,
            asset=record.plan.asset,
            pieces_done=done,
            pieces_total=max(done, len(record.plan.pieces)),
            repaid=repaid,
            owed=None,
            weight_used=0 if result is None else result.looks * context.facts.look_weight,
            attempt_id=attempt.id,
            wait_ms=wait_ms,
            finish_ms=None,
            message=message,
        )
    )


def work(context: Context, record: PlanRecord) -> Decisions[Report]:
    """Run or resume a plan, under the account's lock. Returns its report, which is also in the journal.

    Raises:
        AccountInDoubt: An attempt of another plan is open and the evidence does not settle it.
        JournalUnusable: The journal failed before anything was sent.
        OutcomeNotRecorded: The journal failed after something was sent.
    """
    for attempt, result in (yield from settle_open(context)):
        if result.decided:
            continue
        if attempt.plan_key == record.key:
            return report_of(context, context.journal.plan(context.account, record.key))
        raise AccountInDoubt(
            f"Attempt {attempt.id} of plan {attempt.plan_key} may have happened and the evidence does not "
            "settle it. Nothing was sent. " + " ".join(result.verdict.check if result.verdict else ()),
            attempt_id=attempt.id,
            journal=str(context.journal.path),
        )
    # Read again: settling an attempt of this plan has changed it.
    return (yield from _Work(context, context.journal.plan(context.account, record.key)).run())


def report_of(context: Context, record: PlanRecord) -> Report:
    """The stored report of a plan, or one made from its attempts if its process ended without a word."""
    if record.report is not None and record.state is not PlanState.RUNNING:
        return Report.from_json(record.report)
    ending = _Ending(
        record.state,
        "interrupted" if record.state is PlanState.RUNNING else "not-started",
        "A process is working on this plan, or ended without a word. Resume it."
        if record.state is PlanState.RUNNING
        else "Nothing was sent for this plan yet.",
    )
    return _report(context, record, ending, weight=0, debt_after=None)


def report_of_settled(context: Context, record: PlanRecord, attempt: AttemptRecord) -> Report:
    """The report of a plan whose doubtful attempt has just been settled on somebody's word."""
    return _report(context, record, _settled(attempt), weight=0, debt_after=None)


def _settled(attempt: AttemptRecord) -> _Ending:
    return _Ending(
        PlanState.STOPPED, "settled", f"Attempt {attempt.id} is settled. Resume the plan to go on."
    )


def _in_doubt(attempt: AttemptRecord, result: Settled) -> _Ending:
    if result.verdict is None:
        why = f"No evidence could be read ({result.trouble})." if result.trouble else "It was interrupted."
        return _Ending(
            PlanState.UNDECIDED,
            "not-reconciled",
            f"Attempt {attempt.id} may have happened. {why} Nothing else is sent. Resume to look again.",
        )
    return _Ending(
        PlanState.UNDECIDED,
        "undecided",
        f"Attempt {attempt.id} may have happened: the evidence fits both or neither. Nothing else is sent.",
        result.verdict.check,
    )


def _end(
    context: Context, record: PlanRecord, ending: _Ending, *, weight: int, debt_after: Decimal | None = None
) -> Decisions[Report]:
    report = _report(context, record, ending, weight=weight, debt_after=debt_after)
    yield Commit(
        Step.WRITE_PLAN_STATE,
        lambda: context.journal.move_plan(record.id, ending.state, context.now_ms(), report.to_json()),
    )
    return report


def _report(
    context: Context, record: PlanRecord, ending: _Ending, *, weight: int, debt_after: Decimal | None
) -> Report:
    attempts = context.journal.attempts(record.id)
    before = 0 if record.report is None else Report.from_json(record.report).weight
    with exact():
        repaid = sum((_repaid(attempt) for attempt in attempts), ZERO)
    return Report(
        plan_key=record.key,
        asset=record.plan.asset,
        asked=record.plan.request.amount,
        state=ending.state,
        cause=ending.cause,
        message=ending.message,
        debt_before=record.plan.debt,
        debt_after=debt_after,
        repaid=repaid,
        pieces_planned=len(record.plan.pieces),
        attempts=tuple(_line(context, attempt) for attempt in attempts),
        weight=before + weight,
        started_at_ms=attempts[0].opened_at_ms if attempts else record.created_at_ms,
        ended_at_ms=context.now_ms(),
        check=ending.check,
    )


def _repaid(attempt: AttemptRecord) -> Decimal:
    """What an attempt repaid, as far as known: the answer to a whole-debt repayment need not name it."""
    if not attempt.state.paid:
        return ZERO
    return attempt.intent.expected if attempt.repaid is None else attempt.repaid


def _line(context: Context, attempt: AttemptRecord) -> AttemptLine:
    note = str((attempt.outcome or {}).get("message", ""))
    if attempt.state in (AttemptState.PROVEN_EXECUTED, AttemptState.PROVEN_NOT_EXECUTED):
        note = context.journal.evidence(attempt.id)[-1].words  # it cannot be in this state without
    return AttemptLine(
        id=attempt.id,
        number=attempt.intent.number,
        amount=attempt.intent.amount,
        state=attempt.state.value,
        repaid=attempt.repaid,
        signed_at_ms=attempt.intent.signed_at_ms,
        note=note,
    )


class _Work:
    """One run of one plan."""

    def __init__(self, context: Context, record: PlanRecord) -> None:
        self.context = context
        self.record = record
        self.plan = record.plan
        self.asset = record.plan.asset
        attempts = context.journal.attempts(record.id)
        for attempt in attempts:
            # Under the lock this cannot be: everything open was settled. Without it, what is open now might
            # be paid by the time the next one is begun, and would not be counted.
            if attempt.state.open:
                raise AccountInDoubt(
                    f"Attempt {attempt.id} was begun by another process meanwhile. Nothing was sent.",
                    attempt_id=attempt.id,
                    journal=str(context.journal.path),
                )
        with exact():
            self.paid = sum((_repaid(attempt) for attempt in attempts), ZERO)
        self.done = sum(attempt.state.paid for attempt in attempts)
        self.begun = len(attempts)
        # Interest, foreign borrowing and a moved price may ask for more pieces than planned, within reason.
        self.most = self.done + 2 * len(self.plan.pieces) + 3
        self.base: Look | None = None
        self.since: list[tuple[str, Decimal]] = []
        self.journaled_look = False
        self.must_look = True
        self.refused: str | None = None
        self.tries = 0
        self.weight = 0
        self.sent_at_ms: list[int] = []
        self.price = self.plan.prices[self.asset]
        self.price_at_ms: int | None = None
        self.pieces_left = max(0, len(self.plan.pieces) - self.done)

    def run(self) -> Decisions[Report]:
        context, record = self.context, self.record
        yield Commit(
            Step.WRITE_PLAN_STATE,
            lambda: context.journal.move_plan(record.id, PlanState.RUNNING, context.now_ms()),
        )
        yield self._tell("started", f"{len(self.plan.pieces)} pieces planned")
        try:
            ending = yield from self._loop()
        except PlanRefused as error:
            ending = _Ending(PlanState.STOPPED, error.reason, str(error))
        except (AccountBusy, AccountInDoubt, JournalUnusable, OutcomeNotRecorded):
            raise
        except PaydownError as error:
            ending = _Ending(PlanState.STOPPED, "read-failed", f"{type(error).__name__}: {error}")
        debt_after: Decimal | None = None
        if self.base is not None and not self.since:
            last = self.base
            # With an attempt in doubt the last look says what was owed before it.
            debt_after = None if ending.state is PlanState.UNDECIDED else last[self.asset].debt
            if not self.journaled_look:
                yield Commit(
                    Step.WRITE_LOOK, lambda: context.journal.add_look(context.account, self.asset, last)
                )
        report = yield from _end(context, record, ending, weight=self.weight, debt_after=debt_after)
        yield self._tell("finished", report.message or report.state.value)
        return report

    def _loop(self) -> Decisions[_Ending]:
        while True:
            if self.context.stop():
                return _Ending(
                    PlanState.STOPPED,
                    "stop-requested",
                    "Stopped as asked; nothing is in doubt. Resume to go on.",
                )
            base, ending = yield from self._look()
            if ending is not None:
                return ending
            yield from self._read_price()
            step = self._cut(base)
            if step is None:
                if self.since:
                    self.must_look = True  # the debt is gone by calculation: see it
                    continue
                return _Ending(PlanState.DONE, "", "")
            self.pieces_left = step.pieces
            if self.done >= self.most:
                return _Ending(
                    PlanState.STOPPED,
                    "more-than-planned",
                    f"{self.done} pieces are done, {len(self.plan.pieces)} were planned, and "
                    f"{to_text(self._owed(base))} {self.asset} is still owed: somebody else is borrowing. "
                    "Look at the account, then resume.",
                )
            if not self.since:
                warn_if_short(
                    self.plan.request,
                    base,
                    self.plan.prices,
                    step.expected,
                    self.context.options.conversion_reserve,
                )
            ending = yield from self._send(base, step)
            if ending is not None:
                return ending

    # The account

    def _look(self) -> Decisions[tuple[Look, _Ending | None]]:
        base = self.base
        if base is not None and not self._look_needed(base):
            return base, None
        first = base is None
        look: Look = yield ReadBalances()
        self.weight += self.context.facts.look_weight
        self._rebase(look)
        yield self._tell("looked", f"{to_text(look[self.asset].debt)} {self.asset} owed")
        if first:
            status: str = yield ReadStatus()
            self.weight += self.context.facts.look_weight
            refuse_liquidation(status)
        refused, self.refused = self.refused, None
        if refused is not None and self._contradicts(refused, look):
            return look, _Ending(
                PlanState.STOPPED,
                "contradiction",
                f"The exchange answered that attempt {refused} was not executed, yet the debt fell by "
                "exactly that much. Nothing else is sent. Compare the repayment history, then resume.",
            )
        return look, None

    def _rebase(self, look: Look) -> None:
        self.base = look
        self.since = []
        self.journaled_look = False
        self.must_look = False

    def _look_needed(self, base: Look) -> bool:
        options = self.context.options
        if self.must_look or (self.since and options.look_between == "always"):
            return True
        if self.context.now_ms() - base.answered_at_ms > options.look_max_age_ms:
            return True
        events = self.context.events(self.asset, base.answered_at_ms)
        # The stream knows better than our calculation: somebody else moved this debt.
        return bool(events) and abs(events[-1].total - self._owed(base)) > self._growth(base)

    def _growth(self, base: Look) -> Decimal:
        with exact():
            return base[self.asset].debt * self.context.options.max_daily_interest / 24

    def _owed(self, base: Look) -> Decimal:
        with exact():
            return base[self.asset].debt - sum((repaid for _, repaid in self.since), ZERO)

    def _contradicts(self, attempt_id: str, look: Look) -> bool:
        attempt = self.context.journal.attempt(attempt_id)
        return attempt is not None and contradicts_refusal(
            case_of(self.context, attempt), Sighting(look.sent_at_ms, look)
        )

    # The next piece

    def _read_price(self) -> Decisions[None]:
        now = self.context.now_ms()
        if self.price.source == "given" or (
            self.price_at_ms is not None and now - self.price_at_ms < _PRICE_AGE_MS
        ):
            return
        try:
            prices: Mapping[str, Price] = yield ReadPrices((self.asset,))
        except PaydownError:
            prices = {}
        price = prices.get(self.asset)
        if price is not None and price.usd > 0:
            self.price, self.price_at_ms = price, now
            return
        last = self.plan.created_at_ms if self.price_at_ms is None else self.price_at_ms
        if now - last > self.context.options.look_max_age_ms:
            raise PlanRefused(
                "price-unknown",
                f"The price of {self.asset} could not be read since {moment(last)}, so it cannot be said "
                "what stays below the cap. Give a price, or resume later.",
                {"asset": self.asset, "last_price_usd": to_text(self.price.usd)},
            )

    def _cut(self, base: Look) -> Cut | None:
        request, facts = self.plan.request, self.context.facts
        with exact():
            return cut(
                self._owed(base),
                None if request.amount is None else request.amount - self.paid,
                price_usd=self.price.usd,
                limit_usd=facts.cap_usd * (1 - request.margin),
                digits=facts.amount_digits,
                growth=self.context.options.max_daily_interest / 24,
            )

    def _send(self, base: Look, step: Cut) -> Decisions[_Ending | None]:
        yield self._tell("sending", f"piece {self.done + 1}, about {step.pieces} left")
        outcome: Outcome = yield Repay(
            plan_id=self.record.id,
            number=self.begun + 1,
            asset=self.asset,
            amount=step.amount,
            expected=step.expected,
            pay_with=self.plan.request.pay_with,
            before=base,
            since=tuple(attempt_id for attempt_id, _ in self.since),
            fresh_look=not self.journaled_look,
        )
        if outcome.attempt_id is None:  # refused before INTENT: nothing to record
            return (yield from self._again(outcome))
        attempt_id = outcome.attempt_id
        self.begun += 1
        self.journaled_look = True
        self.sent_at_ms.append(self.context.now_ms())
        self.weight += self.context.facts.repay_weight
        repaid = self._repaid_by(outcome, step)
        try:
            yield Commit(
                Step.WRITE_OUTCOME,
                lambda: self.context.journal.finish(
                    attempt_id,
                    _STATES[outcome.kind],
                    self.context.now_ms(),
                    outcome={"kind": outcome.kind, **outcome.detail},
                    repaid=repaid,
                ),
            )
        except JournalUnusable as error:
            unrecorded = OutcomeNotRecorded(
                f"Attempt {attempt_id} ended as {outcome.kind}, but that could not be written down: {error} "
                "To the journal it may have happened. Repair its disk, then resume."
            )
            unrecorded.attempt_id = attempt_id
            raise unrecorded from error
        if outcome.kind == "executed":
            self._executed(attempt_id, step, repaid)  # first: what is told counts it
        yield self._tell(outcome.kind, str(outcome.detail.get("message", "")), attempt_id=attempt_id)
        if outcome.kind == "executed":
            return None
        if outcome.kind == "unknown":
            if step.pieces == 1 and not self.context.options.reconcile_last:
                return _Ending(
                    PlanState.UNDECIDED,
                    "not-reconciled",
                    f"Attempt {attempt_id} may have happened: {outcome.detail.get('message', 'no answer')}. "
                    "Nothing else is sent. Reconcile it.",
                )
            return (yield from self._doubt(attempt_id))
        if outcome.kind == "rejected":
            self.refused, self.must_look = attempt_id, True
        return (yield from self._again(outcome))

    @staticmethod
    def _repaid_by(outcome: Outcome, step: Cut) -> Decimal | None:
        if outcome.kind != "executed":
            return None
        return step.amount if outcome.repaid is None else outcome.repaid

    def _executed(self, attempt_id: str, step: Cut, repaid: Decimal | None) -> None:
        self.done += 1
        self.pieces_left = step.pieces - 1
        self.tries = 0
        with exact():
            self.paid += step.expected if repaid is None else repaid
        if step.amount is not None and repaid == step.amount:
            self.since.append((attempt_id, step.amount))
        else:
            # No amount asked or another one answered: only the balance says what is left.
            self.must_look = True

    def _again(self, outcome: Outcome) -> Decisions[_Ending | None]:
        """Pause and go on, or end: the cause will not go away by itself, or not soon."""
        message = str(outcome.detail.get("message", outcome.cause))
        cause = "refused" if outcome.kind == "rejected" else outcome.cause or "not-sent"
        if outcome.again == "never":
            return _Ending(PlanState.STOPPED, cause, message)
        options = self.context.options
        # Waiting for weight is not a failure: it does not count as a try.
        if outcome.cause != "budget":
            self.tries += 1
        if self.tries >= options.max_tries:
            return _Ending(PlanState.STOPPED, cause, f"Given up after {self.tries} tries. {message}")
        backoff = min(options.first_backoff_ms * 2 ** max(0, self.tries - 1), options.max_backoff_ms)
        wait_ms = max(backoff, outcome.wait_ms or 0)
        if wait_ms > options.max_wait_ms:
            until = moment(self.context.now_ms() + wait_ms)
            return _Ending(PlanState.STOPPED, cause, f"It would have to wait until {until}. {message}")
        yield self._tell("waiting", message, wait_ms=wait_ms)
        yield Pause(wait_ms)
        return None

    def _doubt(self, attempt_id: str) -> Decisions[_Ending | None]:
        attempt = self.context.journal.attempt(attempt_id)
        assert attempt is not None  # noqa: S101  # its outcome was just recorded
        intent = attempt.intent
        until = deadline_ms(
            intent.signed_at_ms, intent.recv_window_ms, self.context.facts, self.context.options
        )
        yield self._tell(
            "reconciling",
            f"the request can act until {moment(until)}; then the balance tells",
            attempt_id=attempt_id,
            wait_ms=max(0, until - self.context.now_ms()),
        )
        result = yield from settle(self.context, attempt)
        self.weight += result.looks * self.context.facts.look_weight
        if not result.decided or result.verdict is None or result.look is None:
            ending = _in_doubt(attempt, result)
            yield self._tell("undecided", ending.message, attempt_id=attempt_id)
            return ending
        self._rebase(result.look)
        executed = result.verdict.result == "PROVEN_EXECUTED"
        if executed:
            self.done += 1
            self.pieces_left = max(0, self.pieces_left - 1)
            self.tries = 0
            with exact():
                self.paid += result.verdict.repaid or ZERO
        yield self._tell(
            "proven-executed" if executed else "proven-not-executed",
            self.context.journal.evidence(attempt_id)[-1].words,
            attempt_id=attempt_id,
        )
        if executed:
            return None
        self.tries += 1
        if self.tries >= self.context.options.max_tries:
            return _Ending(
                PlanState.STOPPED,
                "not-executed",
                f"{self.tries} tries in a row were lost without effect. Resume later.",
            )
        return None

    # Watching

    def _tell(
        self, kind: Any, message: str, *, attempt_id: str | None = None, wait_ms: int | None = None
    ) -> Tell:
        now = self.context.now_ms()
        facts = self.context.facts
        recent = sum(at > now - facts.weight_interval_ms for at in self.sent_at_ms)
        progress = Progress(
            kind=kind,
            at_ms=now,
            plan_key=self.plan.key,
            asset=self.asset,
            pieces_done=self.done,
            pieces_total=self.done + self.pieces_left,
            repaid=self.paid,
            # After a piece whose effect only the balance tells, what was owed before it says nothing.
            owed=None if self.base is None or self.must_look else self._owed(self.base),
            weight_used=self.weight,
            attempt_id=attempt_id,
            wait_ms=wait_ms,
            finish_ms=earliest_finish_ms(
                now + (wait_ms or 0), self.pieces_left, facts, used_weight=recent * facts.repay_weight
            ),
            message=message,
        )
        return Tell(replace(progress))
