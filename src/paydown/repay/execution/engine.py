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
from paydown.repay.amounts import ZERO, exact, to_text
from paydown.repay.errors import (
    AccountBusy,
    AccountInDoubt,
    JournalUnusable,
    OutcomeNotRecorded,
    PlanRefused,
    RefusalNotVerified,
)
from paydown.repay.evidence.reconcile import Context, Decisions, Settled, find_orphans, settle, verify_refusal
from paydown.repay.evidence.snapshot import Look
from paydown.repay.evidence.verdict import LATE_EXECUTION, REFUSALS_LIE, deadline_ms, most_borrowed
from paydown.repay.execution.commands import (
    AwaitRoom,
    Commit,
    Outcome,
    Pause,
    ReadBalances,
    ReadPrices,
    ReadRows,
    ReadStatus,
    Repay,
    RowsRead,
    Step,
    Tell,
)
from paydown.repay.journal.journal import AttemptRecord, PlanRecord
from paydown.repay.journal.states import AttemptState, PlanState
from paydown.repay.planning.plan import Price, moment
from paydown.repay.planning.planner import Cut, cut, earliest_finish_ms, refuse_liquidation, warn_if_short
from paydown.repay.progress import Progress
from paydown.repay.report import AttemptLine, Report
from paydown.repay.stored import readable

__all__ = ["report_of", "report_of_failed", "report_of_settled", "settle_open", "work"]

# A price older than this is read again before a piece is cut: the cap is checked against it.
_PRICE_AGE_MS = 30_000

# The capital flow is read in windows of seven days: an older look cannot be held against the lists.
_LISTED_FOR_MS = 6 * 86_400_000

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
    done = sum(one.paid for one in attempts)
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
        first = Report.from_json(record.report)
        # The first report stays, with what a person has corrected since beside it.
        lines = {one.id: _line(context, one) for one in context.journal.attempts(record.id)}
        marked = tuple(
            replace(line, corrected=lines[line.id].corrected) if line.id in lines else line
            for line in first.attempts
        )
        return replace(first, attempts=marked, overruled=record.corrected)
    ending = _Ending(
        record.state,
        "interrupted" if record.state is PlanState.RUNNING else "not-started",
        "A process is working on this plan, or ended without a word. Resume it."
        if record.state is PlanState.RUNNING
        else "Nothing was sent for this plan yet.",
    )
    return _report(context, record, ending, weight=0, debt_after=None)


def report_of_failed(context: Context, record: PlanRecord, error: PaydownError) -> Report:
    """The report of a plan that could not be gone on with, behind others of the same call that were."""
    ending = _Ending(PlanState.STOPPED, "not-run", f"{type(error).__name__}: {error}")
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
    return (attempt.moved or ZERO) if attempt.paid else ZERO


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
        corrected=""
        if attempt.correction is None
        else "executed"
        if attempt.correction.executed
        else "not executed",
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
        self.done = sum(attempt.paid for attempt in attempts)
        self.begun = len(attempts)
        self.asked = frozenset(one.intent.amount for one in attempts if one.intent.amount is not None)
        # Interest, foreign borrowing and a moved price may ask for more pieces than planned, within reason.
        self.most = self.done + 2 * len(self.plan.pieces) + 3
        # What every later look is held against: the newest look, and what was confirmed since.
        self.base: Look | None = None
        self.since: list[tuple[str, Decimal]] = []
        self.first: Look | None = None
        self.journaled_look = False
        self.must_look = True
        self.refused: AttemptRecord | None = None
        self.left_at_ms: int | None = None
        # The last attempt that was proven not executed, and the look that proved it: a later fall denies the proof.
        self.denied: tuple[AttemptRecord, Look] | None = None
        self._remember_the_last()
        self.tries = 0
        self.weight = 0
        self.sent_at_ms: list[int] = []
        self.price = self.plan.prices[self.asset]
        self.price_at_ms: int | None = None
        self.pieces_left = max(0, len(self.plan.pieces) - self.done)

    def _remember_the_last(self) -> None:
        """Take up where an earlier run ended: what left last, what a look must show, what refusal was not verified."""
        context, now = self.context, self.context.now_ms()
        last = context.journal.last_attempt(context.account)
        if last is None:
            return
        if last.state is AttemptState.REJECTED and not context.journal.evidence(last.id):
            self.refused = last
        closed = last.opened_at_ms if last.closed_at_ms is None else last.closed_at_ms
        if (
            last.state is AttemptState.PROVEN_NOT_EXECUTED
            and last.correction is None
            and last.plan_key == self.record.key
        ):
            # A person's word comes without a look, and so does a fall that was told before: then it is theirs to say.
            seen = context.journal.evidence(last.id)[-1].body.get("sightings")
            with readable(f"The evidence of attempt {last.id} in the journal"):
                self.denied = (last, Look.from_json(seen[-1]["look"])) if seen else None
        if closed > now - context.options.quiet_ms:
            self.left_at_ms = closed
        # Until everything that was accepted is certainly shown, a look may be older than what was confirmed: the pause
        # and the retakes of an earlier run, which may have ended for that very reason, are shorter.
        if closed > now - context.options.not_before_ms and last.intent.asset == self.asset:
            prior = (context.journal.attempt(one) for one in last.intent.since)
            self.base = last.intent.before
            # Only what the exchange itself confirmed must be shown: a person's word is no reading of the debt.
            self.since = [
                (one.id, one.intent.expected)
                for one in (*prior, last)
                if one is not None and one.state is AttemptState.EXECUTED and one.correction is None
            ]

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
            # Once something was executed, a debt that cannot be read is doubt: nobody knows what is left of it.
            state = PlanState.UNDECIDED if self.done else PlanState.STOPPED
            ending = _Ending(state, "read-failed", f"{type(error).__name__}: {error}")
        debt_after: Decimal | None = None
        if self.base is not None and not self.since and not self.must_look:
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
            if self.refused is not None:
                ending = yield from self._look_behind(self.refused)
                if ending is not None:
                    return ending
                continue
            base, ending = yield from self._look()
            if ending is not None:
                return ending
            if self.context.stop():
                continue
            step = self._cut(base)
            if step is None:
                if self.since:
                    self.must_look = True  # the debt is gone by calculation: see it
                    continue
                return (yield from self._finished(base))
            self.pieces_left = step.pieces
            ending = self._too_many(base) or (yield from self._send(base, step))
            if ending is not None:
                return ending

    def _too_many(self, base: Look) -> _Ending | None:
        if self.done < self.most:
            return None
        return _Ending(
            PlanState.STOPPED,
            "more-than-planned",
            f"{self.done} pieces are done, {len(self.plan.pieces)} were planned, and "
            f"{to_text(self._owed(base))} {self.asset} is still owed: somebody else is borrowing. "
            "Look at the account, then resume.",
        )

    # The account

    def _look(self) -> Decisions[tuple[Look, _Ending | None]]:
        """The base of the next piece: a fresh look, taken when its weight is there, or the last one."""
        base = self.base
        if base is not None and not self._look_needed(base):
            # Young as it is, it would grow old while the piece waits for its weight.
            room_ms: int = (yield AwaitRoom(self.context.facts.repay_weight)) if self._fresh else 0
            if room_ms <= self.context.options.base_max_age_ms / 2:
                return base, None
        sends = not self._all_paid(base)
        if sends:
            yield from self._be_quiet()
            yield from self._reserve()
            if self.context.stop() and base is not None:
                return base, None
        if self.first is None:
            status: str = yield ReadStatus()
            self.weight += self.context.facts.look_weight
            refuse_liquidation(status)
        yield from self._read_price()
        look, shown = yield from self._take()
        self._rebase(look)
        if self.first is None:
            self.first = look
        yield self._tell("looked", f"{to_text(look[self.asset].debt)} {self.asset} owed")
        return look, (yield from self._fell_later(look)) if shown else self._not_shown(look)

    def _fell_later(self, look: Look) -> Decisions[_Ending | None]:
        """Stop if the debt has fallen by what an attempt asked that was proven not executed a moment ago."""
        if self.denied is None:
            return None
        attempt, seen = self.denied
        with exact():
            fell = seen[self.asset].debt - look[self.asset].debt
            if fell < attempt.intent.expected * self.context.options.fell_share:
                return None
        if attempt.state is AttemptState.REJECTED:
            body = {
                "refusal": {"contradicted": True},
                "verdict": {"signs": [REFUSALS_LIE]},
                "looks": [look.to_json()],
            }
            yield Commit(
                Step.WRITE_EVIDENCE,
                lambda: self.context.journal.contradicted(attempt.id, self.context.now_ms(), body=body),
            )
            self.denied = None
            return (yield from self._settle_refused(attempt))
        text = (
            f"proven not executed, and later the debt was lower by {to_text(fell)} {self.asset} all the same"
        )
        finding = {"witness": "debt", "says": "executed", "text": text}
        told = {"rule": "fell-later", "signs": [LATE_EXECUTION], "findings": [finding]}
        yield Commit(
            Step.WRITE_EVIDENCE,
            lambda: self.context.journal.prove(
                attempt.id,
                "UNDECIDED",
                self.context.now_ms(),
                body={"verdict": told, "looks": [look.to_json()]},
            ),
        )
        return _Ending(
            PlanState.UNDECIDED,
            "fell-later",
            f"Attempt {attempt.id} was proven not executed, and now the debt is lower by {to_text(fell)} {self.asset} "
            f"all the same. Nothing else is sent. If it was executed late: paydown correct {attempt.id} --executed "
            '--note "what you saw". If somebody else repaid, resume.',
        )

    def _all_paid(self, base: Look | None) -> bool:
        """Whether nothing is left to send by calculation: then the look is the last one and needs no room behind it."""
        return base is not None and self.first is not None and bool(self.since) and self._cut(base) is None

    def _be_quiet(self) -> Decisions[None]:
        """Let the balance catch up with what left last, so that the base of the next piece shows it."""
        if self.left_at_ms is None:
            return
        wait_ms = self.left_at_ms + self.context.options.quiet_ms - self.context.now_ms()
        if wait_ms > 0:
            yield self._tell("waiting", "until the balance shows what was sent before", wait_ms=wait_ms)
            yield Pause(wait_ms)

    def _reserve(self) -> Decisions[None]:
        """Wait until the next piece and the look before it fit, so that only milliseconds lie between the two."""
        facts = self.context.facts
        weight = facts.repay_weight + facts.look_weight * (2 if self.first is None else 1)
        told = False
        while not self.context.stop():
            wait_ms: int = yield AwaitRoom(weight)
            if wait_ms <= 0:
                return
            if wait_ms > self.context.options.max_wait_ms:
                return  # the call itself refuses to wait so long, and says why
            if not told:
                yield self._tell("waiting", "for request weight", wait_ms=wait_ms)
                told = True
            yield Pause(wait_ms)

    def _take(self) -> Decisions[tuple[Look, bool]]:
        """A look that shows what was confirmed before it; after the last retake whatever there is, and False."""
        for pause_ms in (*self.context.options.retake_ms, None):
            look: Look = yield ReadBalances(self.asset)
            self.weight += self.context.facts.look_weight
            missing = self._missing(look)
            if missing <= 0 or (yield from self._borrowed_since()) >= missing:
                return look, True
            if pause_ms is None or self.context.stop():
                return look, False
            yield self._tell(
                "waiting",
                f"the balance does not show yet what was confirmed: {to_text(missing)} {self.asset} are missing",
                wait_ms=pause_ms,
            )
            yield Pause(pause_ms)
        raise AssertionError("the last retake has returned")

    def _missing(self, look: Look) -> Decimal:
        """By how much the debt is higher than what was confirmed leaves, if that is half a piece or more; else 0."""
        if self.base is None or not self.since:
            return ZERO
        with exact():
            over = look[self.asset].debt - self._owed(self.base) - self._growth(self.base)
            return over if over >= min(amount for _, amount in self.since) / 2 else ZERO

    def _borrowed_since(self) -> Decisions[Decimal]:
        """The most that the lists show to have been borrowed since the base look."""
        assert self.base is not None  # noqa: S101  # only asked where something is missing against it
        since_ms = self.base.sent_at_ms - self.context.options.near_ms
        listed: RowsRead = yield ReadRows(self.asset, since_ms)
        return most_borrowed(self.asset, listed.rows)

    def _not_shown(self, look: Look) -> _Ending:
        return _Ending(
            PlanState.UNDECIDED,
            "not-shown",
            "The exchange confirmed what was sent, yet the debt does not show it: "
            f"{to_text(look[self.asset].debt)} {self.asset} is owed, and no listed borrowing explains that. Nothing "
            "else is sent. Compare the repayment history with `paydown history`, then resume.",
        )

    def _rebase(self, look: Look) -> None:
        self.base = look
        self.since = []
        self.journaled_look = False
        self.must_look = False

    def _look_needed(self, base: Look) -> bool:
        options = self.context.options
        if self.must_look or self.first is None:
            return True
        age_ms = self.context.now_ms() - base.answered_at_ms
        if age_ms > (options.base_max_age_ms if self._fresh else options.look_max_age_ms):
            return True
        if self.since and options.look_between == "always":
            return True
        events = self.context.events(self.asset, base.answered_at_ms)
        # The stream knows better than our calculation: somebody else moved this debt.
        return bool(events) and abs(events[-1].total - self._owed(base)) > self._growth(base)

    @property
    def _fresh(self) -> bool:
        """Whether every piece of this plan gets a look of its own, at half of the pace."""
        options = self.context.options
        return options.look_between == "always" or len(self.plan.pieces) <= options.fresh_look_pieces

    def _growth(self, base: Look) -> Decimal:
        with exact():
            return base[self.asset].debt * self.context.options.max_daily_interest / 24

    def _owed(self, base: Look) -> Decimal:
        with exact():
            return base[self.asset].debt - sum((repaid for _, repaid in self.since), ZERO)

    def _finished(self, base: Look) -> Decisions[_Ending]:
        """Nothing is left to repay by the count: done only if the debt itself says so."""
        if self.plan.request.amount is None:
            return _Ending(PlanState.DONE, "", "")  # the look shows no debt
        attempts = self.context.journal.attempts(self.record.id)
        paid = [one for one in attempts if one.paid]
        start = paid[0].intent.before if paid else base
        if base.answered_at_ms - start.sent_at_ms > _LISTED_FOR_MS:
            start = self.first or base
            paid = [one for one in paid if one.opened_at_ms >= start.sent_at_ms]
        with exact():
            repaid = sum((_repaid(one) for one in paid), ZERO)
            hours = (base.answered_at_ms - start.sent_at_ms) // 3_600_000 + 2
            # Not the bound that doubt is given elsewhere: what it lets through would be called done and is not.
            growth = start[self.asset].debt * self.context.options.usual_daily_interest / 24 * hours
            unit = Decimal(1).scaleb(-self.context.facts.amount_digits) * (len(paid) + 1)
            left = base[self.asset].debt - (start[self.asset].debt - repaid) - growth - unit
        if left <= 0:
            return _Ending(PlanState.DONE, "", "")
        listed: RowsRead = yield ReadRows(self.asset, start.sent_at_ms - self.context.options.near_ms)
        if most_borrowed(self.asset, listed.rows) >= left:
            return _Ending(PlanState.DONE, "", "")
        return _Ending(
            PlanState.STOPPED,
            "debt-left",
            f"Everything that was asked was confirmed, yet {to_text(left)} {self.asset} more is owed than that "
            "leaves, and neither a listed borrowing nor usual interest explains it. Nothing more is sent by itself. "
            "Look at the account, then make a new plan for what is left.",
        )

    # Refusals

    def _look_behind(self, refused: AttemptRecord) -> Decisions[_Ending | None]:
        """Look whether a refused attempt was executed all the same; if it may have been, judge it as lost."""
        self.refused, self.must_look = None, True
        look, doubted = yield from verify_refusal(self.context, refused)
        if look is None:
            self.refused = refused
            raise RefusalNotVerified("Not verified: the balance could not be read after a refusal.")
        self.weight += self.context.facts.look_weight
        if not doubted:
            # One look may be too early: the next one, behind the pause, is held against it.
            self.denied = (refused, look)
            return None
        return (yield from self._settle_refused(refused))

    def _settle_refused(self, refused: AttemptRecord) -> Decisions[_Ending | None]:
        """Judge a refused attempt like a lost answer, and end the run if it was executed."""
        ending = yield from self._doubt(refused.id)
        settled = self.context.journal.attempt(refused.id)
        if ending is not None or settled is None or not settled.paid:
            return ending
        return _Ending(
            PlanState.STOPPED,
            "contradiction",
            f"The exchange answered that attempt {refused.id} was not executed, and the balance proves that it was. It "
            "is recorded as executed. Nothing else is sent. Look at the account, then resume to go on.",
        )

    def _end_refused(self, refused: AttemptRecord, ending: _Ending) -> Decisions[_Ending]:
        """Look behind a refusal that ends the run."""
        try:
            other = yield from self._look_behind(refused)
        except RefusalNotVerified:
            message = f"{ending.message} Not verified: the balance could not be read after that."
            return replace(ending, message=message)
        return ending if other is None else other

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
                avoid=self.asked,
            )

    def _send(self, base: Look, step: Cut) -> Decisions[_Ending | None]:
        if not self.since:
            reserve = self.context.options.conversion_reserve
            warn_if_short(self.plan.request, base, self.plan.prices, step.expected, reserve)
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
            base_max_age_ms=self.context.options.base_max_age_ms if self._fresh else None,
        )
        if outcome.attempt_id is None:  # refused before INTENT: nothing to record
            if outcome.cause == "look-too-old":
                self.must_look = True
            return (yield from self._again(outcome))
        yield from self._record_outcome(outcome, step)
        attempt_id = outcome.attempt_id
        if outcome.kind == "executed":
            self._executed(attempt_id, step)  # first: what is told counts it
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
        ending = yield from self._again(outcome)
        if outcome.kind == "rejected":
            self.refused = self.context.journal.attempt(attempt_id)
            if ending is not None and self.refused is not None:
                return (yield from self._end_refused(self.refused, ending))
        return ending

    def _record_outcome(self, outcome: Outcome, step: Cut) -> Decisions[None]:
        attempt_id = outcome.attempt_id
        assert attempt_id is not None  # noqa: S101  # without INTENT there is nothing to record
        self.begun += 1
        self.journaled_look = True
        if step.amount is not None:
            self.asked |= {step.amount}
        now = self.context.now_ms()
        self.sent_at_ms.append(now)
        if outcome.kind != "not-sent":
            self.left_at_ms = now
        self.weight += self.context.facts.repay_weight
        try:
            yield Commit(
                Step.WRITE_OUTCOME,
                lambda: self.context.journal.finish(
                    attempt_id,
                    _STATES[outcome.kind],
                    self.context.now_ms(),
                    outcome={"kind": outcome.kind, **outcome.detail},
                    repaid=step.expected if outcome.kind == "executed" else None,
                ),
            )
        except JournalUnusable as error:
            unrecorded = OutcomeNotRecorded(
                f"Attempt {attempt_id} ended as {outcome.kind}, but that could not be written down: {error} "
                "To the journal it may have happened. Repair its disk, then resume."
            )
            unrecorded.attempt_id = attempt_id
            raise unrecorded from error

    def _executed(self, attempt_id: str, step: Cut) -> None:
        """Count what was asked: an answer may name less or more, only a look says what is owed."""
        self.done += 1
        self.pieces_left = step.pieces - 1
        self.tries = 0
        self.denied = None
        with exact():
            self.paid += step.expected
        self.since.append((attempt_id, step.expected))
        if step.amount is None:
            self.must_look = True  # no amount was asked: only the balance says what is left

    def _again(self, outcome: Outcome) -> Decisions[_Ending | None]:
        """Pause and go on, or end: the cause will not go away by itself, or not soon."""
        message = str(outcome.detail.get("message", outcome.cause))
        cause = "refused" if outcome.kind == "rejected" else outcome.cause or "not-sent"
        if outcome.again == "never":
            return _Ending(PlanState.STOPPED, cause, message)
        options = self.context.options
        # Waiting for weight is not a failure, nor is a look that grew old meanwhile: neither counts as a try.
        if outcome.cause not in ("budget", "look-too-old"):
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
        self.denied = None if executed else (attempt, result.look)
        # A balance that alternates between two back ends may show less than the look that settled it.
        self.left_at_ms = self.context.now_ms()
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
        self.must_look = True
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
