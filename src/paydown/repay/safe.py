"""`SafeRepay` and `AsyncSafeRepay`: plan, run, resume, reconcile, and never pay twice.

    repay = SafeRepay(pm, journal="repay.db")
    plan = repay.plan("BNB", Decimal("12"), pay_with=["USDT"], key="close-2026-11")
    report = repay.run(plan)

Both hand the same decisions (`engine`) to a driver. What a run may rely on: it holds the account's
lock, so no other process sends; it starts by settling what an earlier one left open; and nothing
leaves before the journal has it. `docs/never-twice.md` gives the argument.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from paydown.errors import (
    InvalidCredentials,
    InvalidRequest,
    InvalidRequestType,
    RequestNotSent,
    UnknownAttempt,
)
from paydown.repay.amounts import to_text
from paydown.repay.errors import (
    AccountInDoubt,
    AccountUnconfirmed,
    JournalForgot,
    JournalUnusable,
    OutcomeNotRecorded,
    PlanUnfinished,
)
from paydown.repay.evidence.observed import LiabilityChange
from paydown.repay.evidence.reconcile import Context, Decisions, Settled
from paydown.repay.evidence.snapshot import Look
from paydown.repay.evidence.verdict import Verdict, deadline_ms
from paydown.repay.execution.commands import Commit, ReadBalances, ReadTime, Step
from paydown.repay.execution.driver import AsyncDriver, Driver, Trace, Work
from paydown.repay.execution.engine import report_of, report_of_failed, report_of_settled, settle_open, work
from paydown.repay.execution.stopping import StopSwitch
from paydown.repay.journal.account_identity import (
    Asking,
    account_id,
    checked_name,
    confirm,
    has_older_rows,
    lock_name,
    rename,
    spoken,
)
from paydown.repay.journal.account_lock import AccountLock, Holder
from paydown.repay.journal.journal import AttemptRecord, CorrectionRecord, EvidenceRecord, Journal, PlanRecord
from paydown.repay.journal.journal_memory import AccountMemory, Doubt, Remembered, RememberedJournal
from paydown.repay.journal.states import AttemptState, PlanState
from paydown.repay.planning.plan import Plan, moment
from paydown.repay.planning.plan_request import checked_key, checked_request, new_key, propose
from paydown.repay.planning.repay_facts import Facts
from paydown.repay.progress import Progress
from paydown.repay.repay_options import Options
from paydown.repay.report import IN_DOUBT, Report
from paydown.state_directory import private_directory, state_directory

if TYPE_CHECKING:
    from paydown.client import AsyncClient, Client

__all__ = ["Adoption", "AsyncSafeRepay", "PlanHistory", "Reconciliation", "SafeRepay"]

# Stream events kept for evidence. An account makes a few per hour; a run takes minutes.
_EVENTS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What became of one attempt in doubt.

    Attributes:
        attempt: The attempt, in its new state.
        verdict: What the evidence proves; `None` if no evidence could be read.
        trouble: Why none could be read, or "".
    """

    attempt: AttemptRecord
    verdict: Verdict | None
    trouble: str = ""

    @property
    def decided(self) -> bool:
        """Whether the attempt is proven one way or the other."""
        return self.verdict is not None and self.verdict.decided

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        return {
            "attempt": self.attempt.to_json(),
            "verdict": None if self.verdict is None else self.verdict.to_json(),
            "trouble": self.trouble,
        }


@dataclass(frozen=True, slots=True)
class Adoption:
    """What a person went on with.

    Attributes:
        journal: Path of the journal that is used from now on.
        remembered: What was remembered of other journals, or of this one, in a sentence each.
        look: The account as it was seen.
    """

    journal: str
    remembered: tuple[str, ...]
    look: Look

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        return {"journal": self.journal, "remembered": list(self.remembered), "look": self.look.to_json()}


@dataclass(frozen=True, slots=True)
class PlanHistory:
    """A plan with everything that is known about it."""

    record: PlanRecord
    attempts: tuple[AttemptRecord, ...]
    evidence: tuple[EvidenceRecord, ...]
    corrections: tuple[CorrectionRecord, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        return {
            "plan": self.record.plan.to_json(),
            "state": self.record.state.value,
            "created_at_ms": self.record.created_at_ms,
            "changed_at_ms": self.record.changed_at_ms,
            "report": self.record.report,
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "evidence": [evidence.to_json() for evidence in self.evidence],
            "corrections": [correction.to_json() for correction in self.corrections],
        }


class _Base:
    """What both repayers share: journal, account, lock, and everything that needs no exchange."""

    def __init__(
        self,
        pm: Client | AsyncClient,
        journal: Journal | str | os.PathLike[str] | None,
        *,
        account: str | None,
        same_account: bool,
        new_account: bool,
        options: Options | None,
        lock_directory: str | os.PathLike[str] | None,
        progress: Callable[[Progress], object] | None,
        signals: bool,
        trace: Trace | None,
    ) -> None:
        credentials = pm.credentials
        if credentials is None:
            raise InvalidCredentials("Repaying needs credentials: Client(Credentials.from_env()).")
        self._name = checked_name(account)
        self.same_account = same_account
        self.new_account = new_account
        self.options = options or Options()
        self.facts = Facts.documented()
        self.switch = StopSwitch()
        self.progress = progress
        self.trace = trace
        self._signals = signals
        self._left: list[str] = []  # attempts of the running call that may have left this machine
        self._events: deque[LiabilityChange] = deque(maxlen=_EVENTS_KEPT)
        self._base_url = pm.base_url
        self._api_key = credentials.api_key
        self._fingerprint = lock_name(self._base_url, self._api_key)
        self._now_ms = pm.clock.now_ms
        self._recv_window_ms = pm.recv_window
        self._budget = pm.budget
        self._settle_in_client = pm.settle
        if lock_directory is not None and not os.fspath(lock_directory).strip():
            raise InvalidRequest(
                "The lock directory is empty (an unset variable?).", parameter="lock_directory"
            )
        self._directory = (
            private_directory(state_directory() / "locks") if lock_directory is None else Path(lock_directory)
        )
        self._owns_journal = not isinstance(journal, Journal)
        if isinstance(journal, Journal):
            self.journal = journal
        elif journal is None:
            self.journal = Journal(private_directory(state_directory()) / "repay.db")
        else:
            self.journal = Journal(journal)
        try:
            self._take_name(self._name)
            if has_older_rows(self.journal, self._base_url, self._api_key):
                with suppress(AccountUnconfirmed):  # whoever acts for the account hears it
                    self._confirm()
        except BaseException:
            self._close()
            raise

    def _take_name(self, name: str) -> None:
        """Act for the account of this name: in the journal, for the lock, and in the memory beside it."""
        self._name = name
        self.account = account_id(self.journal, self._base_url, name)
        lock = lock_name(self._base_url, name)
        self._lock = AccountLock(self._directory, lock)
        # An older version, which may run beside this one, took the lock of the key.
        self._key_lock = None if name else AccountLock(self._directory, self._fingerprint)
        self._memory = AccountMemory(self._directory, lock, durable=self.journal.durable)
        # While the lock is held: what the memory says, and notes of earlier versions that speak of another journal.
        self._remembered: Remembered | None = None
        self._notes: list[Holder] = []

    @property
    def account_question(self) -> AccountUnconfirmed | None:
        """What must be answered before this key may act for this account, or `None`.

        "new-key" is answered by setting `same_account`, "new-name" by setting `new_account`.
        """
        try:
            self._confirm()
        except AccountUnconfirmed as error:
            return error
        return None

    def _confirm(self) -> None:
        asking = Asking(
            self._base_url, self._name, self._api_key, self._fingerprint, self.same_account, self.new_account
        )
        confirm(self.journal, self._memory, asking, self._now_ms())

    # What needs no exchange

    @property
    def holder(self) -> Holder | None:
        """Who repays, or last repaid, for this account, as far as its note can be read."""
        return self._lock.holder()

    @property
    def in_doubt(self) -> list[AttemptRecord]:
        """Attempts of this account that may have happened and are not settled: none or one."""
        return self.journal.open_attempts(self.account)

    def stop(self) -> None:
        """Ask the running plan to stop: the call in flight ends and is recorded. From any thread."""
        self.switch.request()

    def observe(self, event: LiabilityChange | Mapping[str, Any]) -> None:
        """Take in a `liabilityChange` of the user data stream; it is evidence when an answer is lost.

        Raises:
            ValueError: It is no such event.
        """
        self._events.append(event if isinstance(event, LiabilityChange) else LiabilityChange.from_json(event))

    def history(self) -> list[PlanHistory]:
        """Every plan of this account with its attempts and evidence, newest first."""
        entries: list[PlanHistory] = []
        for record in self.journal.plans(self.account):
            attempts = self.journal.attempts(record.id)
            evidence = [found for attempt in attempts for found in self.journal.evidence(attempt.id)]
            corrections = [found for attempt in attempts for found in self.journal.corrections(attempt.id)]
            entries.append(PlanHistory(record, tuple(attempts), tuple(evidence), tuple(corrections)))
        return entries

    def debt_over_time(self, asset: str) -> list[tuple[int, Decimal, Decimal]]:
        """Points for a chart: UTC milliseconds, principal, interest; oldest first."""
        return self.journal.looks(self.account, asset)

    def unfinished(self, plan_key: str | None = None) -> list[PlanRecord]:
        """Every plan that `resume` would go on with, oldest first; or the one of that key, whatever its state.

        Raises:
            UnknownPlan: There is no such plan.
        """
        return self._unfinished(plan_key)

    def report(self, plan_key: str) -> Report:
        """The report of a plan, so far. Reads the journal only.

        Raises:
            UnknownPlan: There is no such plan.
        """
        return report_of(self._context(), self.journal.plan(self.account, plan_key))

    def rename_account(self, old: str, new: str) -> None:
        """Give an account another name, in this journal and beside the locks. It keeps its doubts.

        Args:
            old: The name it has; "default" for the account without a name.
            new: The name it gets.

        Raises:
            InvalidRequest: A name is empty, there is no such account, or the new name is taken.
            AccountBusy: A process repays for one of the two.
        """
        before, after = checked_name(old), checked_name(new)
        if not after or before == after:
            raise InvalidRequest(f"{new!r} is no new name for {spoken(before)}.", parameter="new")
        locks = [AccountLock(self._directory, lock_name(self._base_url, name)) for name in (before, after)]
        memories = [
            AccountMemory(self._directory, lock_name(self._base_url, name), durable=self.journal.durable)
            for name in (before, after)
        ]
        if not before:
            locks.append(AccountLock(self._directory, self._fingerprint))
        with ExitStack() as held:
            for lock in locks:
                lock.take()
                held.callback(lock.release, clean=False)
            remembered, taken = (memory.read() for memory in memories)
            if remembered is not None and taken is not None and not taken.keys <= remembered.keys:
                raise InvalidRequest(
                    f"There is {spoken(after)} already; two accounts cannot become one.", parameter="new"
                )
            if remembered is not None:
                memories[1].write(replace(remembered, name=after))
            known = rename(self.journal, self._base_url, before, after, self._now_ms())
            if not known and remembered is None:
                raise InvalidRequest(
                    f"Nothing is known of {spoken(before)} in {self.journal.path}.", parameter="old"
                )
            memories[0].forget()
        if self._name == before:
            self._take_name(after)

    def _settling(self, attempt_id: str, executed: bool, note: str) -> Decisions[AttemptRecord]:
        """Close an UNKNOWN attempt on somebody's word. Under the account's lock."""
        yield Commit(Step.WRITE_ORPHANS, lambda: self.journal.orphaned(self.account, self._now_ms()))
        attempt = self._attempt(attempt_id)
        if attempt.state is not AttemptState.UNKNOWN:
            raise AccountInDoubt(
                f"Attempt {attempt_id} cannot be settled: it is {attempt.state.value}; only an UNKNOWN one "
                f"can be.{'' if attempt.open else ' If that is wrong, correct it.'}",
                attempt_id=attempt_id,
                journal=str(self.journal.path),
            )
        if not executed:
            yield from self._refuse_early(attempt)
        verdict = "PROVEN_EXECUTED" if executed else "PROVEN_NOT_EXECUTED"
        repaid = attempt.intent.expected if executed else Decimal(0)
        body = {"statement": {"executed": executed, "note": note}}
        yield Commit(
            Step.WRITE_EVIDENCE,
            lambda: self.journal.prove(attempt_id, verdict, self._now_ms(), body=body, repaid=repaid),
        )
        record = self.journal.plan(self.account, attempt.plan_key)
        if record.state is PlanState.UNDECIDED:
            report = report_of_settled(self._context(), record, attempt)
            yield Commit(
                Step.WRITE_PLAN_STATE,
                lambda: self.journal.move_plan(record.id, report.state, self._now_ms(), report.to_json()),
            )
        with suppress(UnknownAttempt):  # another client sent it: then there is nothing to tell
            self._settle_in_client(attempt_id, executed=executed)
        return self._attempt(attempt_id)

    def _correcting(
        self, attempt_id: str, executed: bool, note: str, amount: Decimal | None
    ) -> Decisions[AttemptRecord]:
        """Append a correction to an attempt that has ended. Under the account's lock."""
        attempt = self._attempt(attempt_id)
        if attempt.open:
            raise AccountInDoubt(
                f"Attempt {attempt_id} is {attempt.state.value}: it is not corrected but settled, by evidence "
                "(reconcile) or on your word.",
                attempt_id=attempt_id,
                journal=str(self.journal.path),
            )
        moved = Decimal(0)
        if executed:
            moved = attempt.intent.expected if amount is None else amount
        if executed == attempt.paid and moved == attempt.moved:
            raise InvalidRequest(
                f"Attempt {attempt_id} counts as {'' if executed else 'not '}executed already: nothing to correct.",
                parameter="executed",
            )
        if not executed:
            yield from self._refuse_early(attempt)
        yield Commit(
            Step.WRITE_EVIDENCE,
            lambda: self.journal.correct(
                attempt_id, self._now_ms(), executed=executed, moved=moved, note=note
            ),
        )
        return self._attempt(attempt_id)

    def _refuse_early(self, attempt: AttemptRecord) -> Decisions[None]:
        """Refuse to call an attempt not executed while it may still act, on the exchange's own clock.

        That something was executed may be said at any time: a mistake there pays too little, not twice.
        """
        intent = attempt.intent
        until = deadline_ms(intent.signed_at_ms, intent.recv_window_ms, self.facts, self.options)
        server_ms: int = yield ReadTime()
        if server_ms < until:
            raise AccountInDoubt(
                f"Attempt {attempt.id} may still act until {moment(until)}. Look again after that.",
                attempt_id=attempt.id,
                journal=str(self.journal.path),
            )

    def _correction_asked(
        self, attempt_id: str, executed: bool, note: str, amount: Decimal | str | None
    ) -> Decimal | None:
        """Check the words of a correction; how much moved, if it was said."""
        _checked_word(executed, note)
        self._known_attempt(attempt_id)
        if executed:
            said = None if amount is None else _amount(amount)
            if said is not None and said <= 0:
                raise InvalidRequest(
                    "amount is how much was repaid: above zero. If nothing was, say not executed.",
                    parameter="amount",
                )
            return said
        intent = self._attempt(attempt_id).intent
        asked = "all" if intent.amount is None else to_text(intent.amount)
        if amount is None or (
            amount != "all" if intent.amount is None else amount == "all" or _amount(amount) != intent.amount
        ):
            raise InvalidRequest(
                f"To say that attempt {attempt_id} was not executed, give the amount that it asked for: "
                f"{'all, for a whole debt' if intent.amount is None else asked}. It will be repaid again.",
                parameter="amount",
            )
        return None

    def _adopting(self, note: str) -> Decisions[Adoption | None]:
        """Look at the account once, and go on with this journal. Under the account's lock."""
        found = self.journal.standing(self.account)
        remembered = self._remembered
        known = {} if remembered is None else dict(remembered.journals)
        own = known.get(found.identity)
        others = {
            name: one for name, one in known.items() if name != found.identity and one.doubt is not None
        }
        fewer = own is not None and found.count < own.count
        if not fewer and not others and not self._notes:
            return None
        server_ms: int = yield ReadTime()
        for one in (*others.values(), *((own,) if fewer and own is not None else ())):
            if one.doubt is not None and server_ms < one.doubt.until_ms:
                raise AccountInDoubt(
                    f"{one.path} holds {one.doubt}. Look at the account after that, then adopt.",
                    attempt_id=one.doubt.attempt_id,
                    journal=one.path,
                )
        look: Look = yield ReadBalances()
        said = tuple(map(_noted_words, self._notes))
        said += tuple(_remembered_words(name, one) for name, one in known.items() if name in others)
        if fewer and own is not None:
            said += (_remembered_words(found.identity, own),)
        highest = own.count if own is not None else 0
        body = {"remembered": list(said), "look": look.to_json()}
        yield Commit(
            Step.WRITE_EVIDENCE,
            lambda: self.journal.adopt(self.account, self._now_ms(), note=note, count=highest, body=body),
        )
        settled = {name: replace(one, doubt=None) for name, one in known.items()}
        if remembered is not None:
            self._remembered = replace(remembered, journals=settled)
        self._remember()
        return Adoption(str(self.journal.path), said, look)

    def _close(self) -> None:
        if self._owns_journal:
            self.journal.close()

    # Shared by both drivers

    def _context(self) -> Context:
        return Context(
            journal=self.journal,
            account=self.account,
            facts=self.facts,
            options=self.options,
            now_ms=self._now_ms,
            stop=lambda: self.switch.asked,
            events=self._events_since,
        )

    def _work(self) -> Work:
        return Work(
            journal=self.journal,
            account=self.account,
            recv_window_ms=self._recv_window_ms,
            switch=self.switch,
            trace=self.trace,
            progress=self.progress,
            held=lambda: self._lock.held,
            leaving=self._left.append,
        )

    def _events_since(self, asset: str, since_ms: int) -> Sequence[LiabilityChange]:
        found = [event for event in tuple(self._events) if event.asset == asset and event.at_ms >= since_ms]
        return sorted(found, key=lambda event: event.at_ms)

    def _used_weight(self) -> int:
        uses = self._budget.snapshot().windows
        return sum(use.used for use in uses if use.name == "ip-weight")

    @contextmanager
    def _hold(self, *, adopting: bool = False) -> Generator[None]:
        """Hold the account; refuse while another journal knows of something that may have happened.

        What is refused leaves no trace: neither note nor memory changes.
        """
        work = self._work()
        work.mark(Step.TAKE_LOCK, "before")
        self._confirm()
        self.journal.check_file()
        clean = False

        def release(lock: AccountLock) -> None:
            lock.release(clean=clean)

        with ExitStack() as taken:
            locks = [self._lock] if self._key_lock is None else [self._lock, self._key_lock]
            notes: list[Holder | None] = []
            for lock in locks:
                notes.append(lock.take())
                taken.callback(release, lock)
            self._remembered = self._memory.read()
            self._notes = [note for note in notes if note is not None and self._is_elsewhere(note)]
            if not adopting:
                self._refuse_forgetful()
            for lock in locks:
                lock.sign(str(self.journal.path), self._now_ms())
            try:
                work.mark(Step.TAKE_LOCK, "after")
                with self.journal.remembering(self.account, self._remember):
                    if not adopting:
                        self._remember()
                    try:
                        yield
                    finally:
                        clean = not self.journal.open_attempts(self.account)
            finally:
                work.mark(Step.RELEASE_LOCK, "before")
        work.mark(Step.RELEASE_LOCK, "after")

    def _is_elsewhere(self, note: Holder) -> bool:
        """Whether an earlier holder ended uncleanly with another journal, as far as its note tells.

        Only where nothing is remembered: versions before this one left no more than the note.
        """
        return self._remembered is None and not note.clean and not _same_file(note.journal, self.journal.path)

    def _refuse_forgetful(self) -> None:
        """Refuse a journal that knows less than is remembered. Under the lock, before anything is written."""
        found = self.journal.standing(self.account)
        remembered = self._remembered
        here = f"{self.journal.path} (journal {_short(found.identity)}, count {found.count})"
        for note in self._notes:
            raise JournalForgot(
                f"{_noted_words(note)}: something may have happened that {here} does not know. {_GO_ON}",
                attempt_id="",
                journal=note.journal,
                remembered=note.journal,
            )
        if remembered is None:
            return
        own = remembered.journals.get(found.identity)
        if own is not None and found.count < own.count:
            raise JournalForgot(
                f"{here} knows less than it did: {_remembered_words(found.identity, own)} is remembered. It was "
                f"restored from a backup, or is a copy. {_GO_ON}",
                attempt_id="" if own.doubt is None else own.doubt.attempt_id,
                journal=own.path,
                remembered=own.path,
            )
        for identity, other in remembered.doubts().items():
            if identity != found.identity and other.doubt is not None:
                raise JournalForgot(
                    f"{_remembered_words(identity, other)} is remembered, and {here} does not know of that. {_GO_ON}",
                    attempt_id=other.doubt.attempt_id,
                    journal=other.path,
                    remembered=other.path,
                )

    def _remember(self) -> None:
        """Write down what this journal knows now, outside of it. Only while the lock is held."""
        found = self.journal.standing(self.account)
        doubt: Doubt | None = None
        if found.doubt is not None:
            intent = found.doubt.intent
            until = deadline_ms(intent.signed_at_ms, intent.recv_window_ms, self.facts, self.options)
            doubt = Doubt(intent.id, until)
        before = self._remembered  # nobody else writes it while the lock is held
        known = before if before is not None else Remembered(self._base_url, self._name)
        now = RememberedJournal(str(self.journal.path), found.count, doubt)
        after = known.with_key(self._fingerprint).with_journal(found.identity, now)
        if after != before:
            self._memory.write(after)
            self._remembered = after

    @contextmanager
    def _running(self) -> Generator[None]:
        """Hold the account and listen to signals, for one run."""
        left: list[str] = []
        try:
            with self._hold():
                # Only now: whoever is refused above must take back neither the stop of the one who works nor what it
                # knows to have sent.
                self.switch.clear()
                self._left = left
                if not self._signals:
                    yield
                    return
                with self.switch.signals():
                    yield
        except JournalUnusable as error:
            # "Nothing left this machine" would be wrong now, and so would its exit code.
            if not left:
                raise
            raise OutcomeNotRecorded(
                f"{len(left)} repayment{' was' if len(left) == 1 else 's were'} begun before the "
                f"journal failed, the last one as attempt {left[-1]}: {error} Repair its disk, then resume."
            ) from error

    def _known_plan(
        self,
        asset: str,
        amount: Decimal | str | None,
        pay_with: Sequence[str],
        key: str | None,
        prices: Mapping[str, Decimal | str] | None,
        margin: Decimal | str | None,
        new: bool,
    ) -> tuple[Plan | None, Decisions[Plan]]:
        """The stored plan of that key, or the decisions that make one."""
        self._confirm()
        request = checked_request(
            asset, amount, pay_with, prices, self.options.margin if margin is None else margin
        )
        if key is not None:
            known = self.journal.find_plan(self.account, checked_key(key), request.fingerprint)
            if known is not None:
                return known.plan, _nothing(known.plan)
        elif not new:
            self._refuse_beside_unfinished(request.asset)
        plan_key = new_key(request.asset) if key is None else key
        return None, self._propose(request, plan_key, store=key is not None)

    def _refuse_beside_unfinished(self, asset: str) -> None:
        """Without a key nobody can tell a new wish from the old one asked again, after a crash, say."""
        for record in self._unfinished(None):
            if record.plan.asset == asset:
                raise PlanUnfinished(
                    f"Plan {record.key} for {asset} was begun {moment(record.created_at_ms)} and is "
                    f"{record.state.value}: another one would repay on top of it. Resume {record.key}, or ask "
                    "for a new plan beside it.",
                    plan_key=record.key,
                )

    def _propose(self, request: Any, key: str, *, store: bool) -> Decisions[Plan]:
        plan = yield from propose(request, key, self.facts, self.options, used_weight=self._used_weight())
        if store:
            # Two processes may have planned under one key: the first one's plan is everybody's.
            record: PlanRecord = yield Commit(
                Step.WRITE_PLAN, lambda: self.journal.add_plan(self.account, plan, self._now_ms())
            )
            return record.plan
        return plan

    def _begin(self, plan: Plan) -> PlanRecord:
        self._confirm()
        work = self._work()
        record: PlanRecord = work.commit(
            Commit(Step.WRITE_PLAN, lambda: self.journal.add_plan(self.account, plan, self._now_ms()))
        )
        return record

    def _unfinished(self, plan_key: str | None) -> list[PlanRecord]:
        if plan_key is not None:
            return [self.journal.plan(self.account, plan_key)]
        unfinished = (PlanState.RUNNING, PlanState.STOPPED, PlanState.UNDECIDED)
        return [record for record in reversed(self.journal.plans(self.account)) if record.state in unfinished]

    def _attempt(self, attempt_id: str) -> AttemptRecord:
        found = self.journal.attempt(attempt_id)
        if found is None:
            raise UnknownAttempt(f"No attempt {attempt_id!r} is in {self.journal.path}.")
        return found

    def _known_attempt(self, attempt_id: str | None) -> None:
        self._confirm()
        if attempt_id is None:
            return
        mine = self.journal.attempts_since(self.account, 0)
        if all(attempt.id != attempt_id for attempt in mine):
            raise UnknownAttempt(f"No attempt {attempt_id!r} is in {self.journal.path} for this account.")

    def _reconciled(
        self, found: list[tuple[AttemptRecord, Settled]], attempt_id: str | None
    ) -> list[Reconciliation]:
        results: list[Reconciliation] = []
        for attempt, settled in found:
            now = self.journal.attempt(attempt.id)
            if now is not None and attempt_id in (None, attempt.id):
                results.append(Reconciliation(now, settled.verdict, settled.trouble))
        return results


class SafeRepay(_Base):
    """Repays margin debt without ever paying twice, blocking. A context manager.

    Args:
        pm: The client. All its settings (budget, clock, timeouts) hold.
        journal: Path of the journal, a `Journal`, or `None` for the one in the user's state directory.
        account: A name for the account: with the base URL, its identity. Without it, the one default account of the
            base URL. A rotated or second key under the same name inherits every doubt.
        same_account: Answers the question about a new key of the default account: it is the same account.
        new_account: Answers the question about a new name beside a doubt: it is really another account.
        options: Thresholds.
        lock_directory: Where the locks are; `None` for the state directory, which all journals share.
        progress: Is told what happens.
        sleep: Waits for so many seconds; the default wakes when a stop is asked for.
        signals: Whether SIGINT and SIGTERM stop a run in an orderly way. Main thread only.
        trace: Is told of every step, before and after: for tests.

    Raises:
        InvalidCredentials: The client has none.
        InvalidRequest: The name of the account or the journal's path is empty.
        JournalUnusable: The journal cannot be opened.
    """

    def __init__(
        self,
        pm: Client,
        journal: Journal | str | os.PathLike[str] | None = None,
        *,
        account: str | None = None,
        same_account: bool = False,
        new_account: bool = False,
        options: Options | None = None,
        lock_directory: str | os.PathLike[str] | None = None,
        progress: Callable[[Progress], object] | None = None,
        sleep: Callable[[float], object] | None = None,
        signals: bool = True,
        trace: Trace | None = None,
    ) -> None:
        super().__init__(
            pm,
            journal,
            account=account,
            same_account=same_account,
            new_account=new_account,
            options=options,
            lock_directory=lock_directory,
            progress=progress,
            signals=signals,
            trace=trace,
        )
        self._pm = pm
        self._sleep = sleep

    def plan(
        self,
        asset: str,
        amount: Decimal | str | None = None,
        *,
        pay_with: Sequence[str] = (),
        key: str | None = None,
        prices: Mapping[str, Decimal | str] | None = None,
        margin: Decimal | str | None = None,
        new: bool = False,
    ) -> Plan:
        """Read the account and cut the debt into pieces. Sends nothing that changes anything.

        Args:
            asset: Asset owed, such as "BNB".
            amount: How much to repay, in units of `asset`; `None` repays the whole debt.
            pay_with: Assets that may pay; `asset` itself always pays first.
            key: Idempotency key. The same key with the same request returns the same plan, for ever.
            prices: USD per unit; they win over the index prices of the exchange.
            margin: Share of the value cap that every piece stays below; default `options.margin`.
            new: Without a key: plan even though an earlier plan for this asset is not finished.

        Raises:
            PlanUnfinished: No key is given, and an earlier plan for this asset is not finished.
            PlanRefused: It cannot or should not be done; `.reason` and `.numbers` say why.
            PlanKeyConflict: The key belongs to a different request.
            InvalidRequest: An argument cannot be used.
            ReadFailed: The account could not be read. Nothing was changed.
        """
        known, decisions = self._known_plan(asset, amount, pay_with, key, prices, margin, new)
        return known if known is not None else self._driver().run(decisions)

    def run(self, plan: Plan) -> Report:
        """Repay what the plan says. A plan that was begun before is not run again: its report is returned.

        Returns:
            The report. Look at `.state`: DONE, STOPPED or UNDECIDED.

        Raises:
            AccountBusy: Another process repays for this account. Nothing was sent.
            AccountInDoubt: An earlier attempt is not settled. Nothing was sent.
            PlanKeyConflict: The plan's key belongs to a different request. Nothing was sent.
            JournalUnusable: The journal failed before anything was sent.
            OutcomeNotRecorded: The journal failed after something was sent: it may have happened.
        """
        record = self._begin(plan)
        if record.state is not PlanState.PLANNED:
            return report_of(self._context(), record)
        with self._running():
            return self._run_held(plan.key, only_new=True)

    def resume(self, plan_key: str | None = None) -> list[Report]:
        """Go on with a plan that did not end, or with all of them, oldest first.

        Settles what an earlier process left in doubt, then repays what is left. A plan that is DONE is not touched,
        and its report is returned, unless one of its attempts was corrected since.

        Args:
            plan_key: The plan; `None` for every plan that is RUNNING, STOPPED or UNDECIDED.

        Raises:
            UnknownPlan: There is no such plan. The errors of `run` as well.
        """
        with self._running():
            keys = [record.key for record in self._unfinished(plan_key)]
            reports: list[Report] = []
            for key in keys:
                # Behind a doubt nothing else is sent, and no report of what was done is lost for it.
                if reports and (self.switch.asked or reports[-1].exit_code == IN_DOUBT):
                    break
                try:
                    reports.append(self._run_held(key, only_new=False))
                except RequestNotSent as error:
                    if not reports or isinstance(error, JournalUnusable):
                        raise
                    record = self.journal.plan(self.account, key)
                    reports.append(report_of_failed(self._context(), record, error))
                    break
            return reports

    def reconcile(self, attempt_id: str | None = None) -> list[Reconciliation]:
        """Look for evidence about what is in doubt and record what it proves. Repays nothing.

        Args:
            attempt_id: Which attempt to report; `None` for all (there is at most one).

        Returns:
            What became of what was in doubt. Empty if nothing was, or not that attempt.

        Raises:
            UnknownAttempt: This journal has no such attempt of this account.
        """
        self._known_attempt(attempt_id)
        with self._running():
            found = self._driver().run(settle_open(self._context()))
            return self._reconciled(found, attempt_id)

    def settle(self, attempt_id: str, *, executed: bool, note: str) -> AttemptRecord:
        """Close an attempt that the evidence did not decide, on the word of somebody who has looked.

        Args:
            attempt_id: The attempt, UNKNOWN.
            executed: Whether it happened.
            note: Who says so and what was seen; stored as the evidence.

        Raises:
            UnknownAttempt: This journal has no such attempt of this account.
            AccountInDoubt: It is not UNKNOWN, or "not executed" is said while the request may still act.
            AccountBusy: Another process holds the account.
            InvalidRequest: The note is empty.
            ReadFailed: The exchange's time cannot be read, so "not executed" cannot be taken yet.
        """
        _checked_word(executed, note)
        self._known_attempt(attempt_id)
        with self._hold():
            return self._driver().run(self._settling(attempt_id, executed, note))

    def correct(
        self, attempt_id: str, *, executed: bool, note: str, amount: Decimal | str | None = None
    ) -> AttemptRecord:
        """Append a correction to an attempt that has ended wrongly. Edits nothing and sends nothing.

        What it repaid counts from then on; `resume` of its plan goes on from there, even if the plan was DONE.

        Args:
            attempt_id: The attempt, in any state but INTENT and UNKNOWN.
            executed: Whether it happened after all.
            note: Who says so and what was seen.
            amount: If it was executed: how much it repaid, by default what was asked. If it was not: the amount that
                it asked for ("all" for a whole debt), typed as a safeguard, since it will be repaid again.

        Returns:
            The attempt, with the correction.

        Raises:
            UnknownAttempt: This journal has no such attempt of this account.
            AccountInDoubt: It is open, or "not executed" is said while the request may still act.
            AccountBusy: Another process holds the account.
            InvalidRequest: The note is empty, the amount is not the asked one, or there is nothing to correct.
            ReadFailed: The exchange's time cannot be read, so "not executed" cannot be taken yet.
        """
        moved = self._correction_asked(attempt_id, executed, note, amount)
        with self._hold():
            return self._driver().run(self._correcting(attempt_id, executed, note, moved))

    def adopt(self, *, note: str) -> Adoption | None:
        """Go on with this journal although more is remembered than it knows, after one look at the account.

        Args:
            note: Who has looked at the account and what they saw; kept in the journal with the look.

        Returns:
            What was remembered and what was seen; `None` if there was nothing to adopt.

        Raises:
            AccountInDoubt: What is remembered may still act on the exchange's clock.
            AccountBusy: Another process holds the account.
            InvalidRequest: The note is empty.
            ReadFailed: The account could not be read. Nothing was changed.
        """
        _checked_note(note)
        with self._hold(adopting=True):
            return self._driver().run(self._adopting(note))

    def close(self) -> None:
        """Close the journal, if it was opened here. The client stays open."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _driver(self) -> Driver:
        return Driver(self._pm, self._work(), self._sleep)

    def _run_held(self, key: str, *, only_new: bool) -> Report:
        record = self.journal.plan(self.account, key)
        # Read under the lock: another process may have begun it since.
        if _is_over(record) or (only_new and record.state is not PlanState.PLANNED):
            return report_of(self._context(), record)
        return self._driver().run(work(self._context(), record))


class AsyncSafeRepay(_Base):
    """Repays margin debt without ever paying twice, awaited. Method for method the same as `SafeRepay`.

    Its arguments are those of `SafeRepay`, but for `pm`, an `AsyncClient`, and `sleep`, which is awaited. A
    cancelled task leaves what was in flight UNKNOWN; to end in an orderly way call `stop()`.
    """

    def __init__(
        self,
        pm: AsyncClient,
        journal: Journal | str | os.PathLike[str] | None = None,
        *,
        account: str | None = None,
        same_account: bool = False,
        new_account: bool = False,
        options: Options | None = None,
        lock_directory: str | os.PathLike[str] | None = None,
        progress: Callable[[Progress], object] | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
        signals: bool = True,
        trace: Trace | None = None,
    ) -> None:
        super().__init__(
            pm,
            journal,
            account=account,
            same_account=same_account,
            new_account=new_account,
            options=options,
            lock_directory=lock_directory,
            progress=progress,
            signals=signals,
            trace=trace,
        )
        self._pm = pm
        self._sleep = sleep

    async def plan(
        self,
        asset: str,
        amount: Decimal | str | None = None,
        *,
        pay_with: Sequence[str] = (),
        key: str | None = None,
        prices: Mapping[str, Decimal | str] | None = None,
        margin: Decimal | str | None = None,
        new: bool = False,
    ) -> Plan:
        """See `SafeRepay.plan`."""
        known, decisions = self._known_plan(asset, amount, pay_with, key, prices, margin, new)
        return known if known is not None else await self._driver().run(decisions)

    async def run(self, plan: Plan) -> Report:
        """See `SafeRepay.run`."""
        record = self._begin(plan)
        if record.state is not PlanState.PLANNED:
            return report_of(self._context(), record)
        with self._running():
            return await self._run_held(plan.key, only_new=True)

    async def resume(self, plan_key: str | None = None) -> list[Report]:
        """See `SafeRepay.resume`."""
        with self._running():
            keys = [record.key for record in self._unfinished(plan_key)]
            reports: list[Report] = []
            for key in keys:
                # Behind a doubt nothing else is sent, and no report of what was done is lost for it.
                if reports and (self.switch.asked or reports[-1].exit_code == IN_DOUBT):
                    break
                try:
                    reports.append(await self._run_held(key, only_new=False))
                except RequestNotSent as error:
                    if not reports or isinstance(error, JournalUnusable):
                        raise
                    record = self.journal.plan(self.account, key)
                    reports.append(report_of_failed(self._context(), record, error))
                    break
            return reports

    async def reconcile(self, attempt_id: str | None = None) -> list[Reconciliation]:
        """See `SafeRepay.reconcile`."""
        self._known_attempt(attempt_id)
        with self._running():
            found = await self._driver().run(settle_open(self._context()))
            return self._reconciled(found, attempt_id)

    async def settle(self, attempt_id: str, *, executed: bool, note: str) -> AttemptRecord:
        """See `SafeRepay.settle`."""
        _checked_word(executed, note)
        self._known_attempt(attempt_id)
        with self._hold():
            return await self._driver().run(self._settling(attempt_id, executed, note))

    async def correct(
        self, attempt_id: str, *, executed: bool, note: str, amount: Decimal | str | None = None
    ) -> AttemptRecord:
        """See `SafeRepay.correct`."""
        moved = self._correction_asked(attempt_id, executed, note, amount)
        with self._hold():
            return await self._driver().run(self._correcting(attempt_id, executed, note, moved))

    async def adopt(self, *, note: str) -> Adoption | None:
        """See `SafeRepay.adopt`."""
        _checked_note(note)
        with self._hold(adopting=True):
            return await self._driver().run(self._adopting(note))

    async def aclose(self) -> None:
        """Close the journal, if it was opened here. The client stays open."""
        self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _driver(self) -> AsyncDriver:
        return AsyncDriver(self._pm, self._work(), self._sleep)

    async def _run_held(self, key: str, *, only_new: bool) -> Report:
        record = self.journal.plan(self.account, key)
        if _is_over(record) or (only_new and record.state is not PlanState.PLANNED):
            return report_of(self._context(), record)
        return await self._driver().run(work(self._context(), record))


def _nothing(plan: Plan) -> Decisions[Plan]:
    """Decisions that ask for nothing: the plan is known."""
    return plan
    yield  # makes this a generator


def _is_over(record: PlanRecord) -> bool:
    """Whether a plan is done, and no attempt of it was corrected since."""
    return record.state is PlanState.DONE and not record.corrected


_GO_ON = (
    "Nothing was sent. Go on with the journal that knows, if you have it; else look at the account, then adopt this "
    "one (`paydown adopt --note ...`)."
)


def _short(identity: str) -> str:
    return identity[:8]


def _remembered_words(identity: str, known: RememberedJournal) -> str:
    doubt = "" if known.doubt is None else f", in doubt {known.doubt}"
    return f"{known.path} (journal {_short(identity)}, count {known.count}{doubt})"


def _noted_words(note: Holder) -> str:
    return f"{note} wrote its attempts to {note.journal} and did not end cleanly"


def _same_file(one: str, other: Path) -> bool:
    """Whether two paths lead to one file, by whatever links."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _checked_word(executed: object, note: str) -> None:
    if not isinstance(executed, bool):
        raise InvalidRequestType(
            f"executed is True or False, not {type(executed).__name__}.", parameter="executed"
        )
    _checked_note(note)


def _checked_note(note: object) -> None:
    if not isinstance(note, str) or not note.strip():
        raise InvalidRequest("A note says who looked and what they saw.", parameter="note")


def _amount(value: object) -> Decimal:
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except InvalidOperation:
            raise InvalidRequest(f"amount is no number: {value!r:.40}.", parameter="amount") from None
    if not isinstance(value, Decimal):
        raise InvalidRequestType(
            f"amount must be Decimal or str, not {type(value).__name__}.", parameter="amount"
        )
    if not value.is_finite():
        raise InvalidRequest(f"amount must be a finite number, not {value}.", parameter="amount")
    return value
