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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from paydown.errors import InvalidCredentials, InvalidRequest, UnknownAttempt
from paydown.paths import private_directory, state_directory
from paydown.repay.commands import Commit, Step
from paydown.repay.drive import AsyncDriver, Driver, JournalObserver, Trace, Work
from paydown.repay.engine import report_of, report_of_settled, settle_open, work
from paydown.repay.errors import AccountInDoubt, JournalUnusable, OutcomeNotRecorded, PlanUnfinished
from paydown.repay.events import Progress
from paydown.repay.evidence import LiabilityChange
from paydown.repay.facts import Facts
from paydown.repay.journal import AttemptRecord, EvidenceRecord, Journal, PlanRecord
from paydown.repay.lock import AccountLock, Holder
from paydown.repay.options import Options
from paydown.repay.plan import Plan, moment
from paydown.repay.proposal import checked_key, checked_request, new_key, propose
from paydown.repay.reconcile import Verdict, deadline_ms
from paydown.repay.recovery import Context, Decisions, Settled
from paydown.repay.report import Report
from paydown.repay.states import AttemptState, PlanState
from paydown.repay.stopping import StopSwitch

if TYPE_CHECKING:
    from paydown.client import AsyncClient, Client

__all__ = ["AsyncSafeRepay", "PlanHistory", "Reconciliation", "SafeRepay"]

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
class PlanHistory:
    """A plan with everything that is known about it."""

    record: PlanRecord
    attempts: tuple[AttemptRecord, ...]
    evidence: tuple[EvidenceRecord, ...]

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
        }


class _Base:
    """What both repayers share: journal, account, lock, and everything that needs no exchange."""

    def __init__(
        self,
        pm: Client | AsyncClient,
        journal: Journal | str | os.PathLike[str] | None,
        *,
        account: str | None,
        options: Options | None,
        lock_directory: str | os.PathLike[str] | None,
        progress: Callable[[Progress], object] | None,
        signals: bool,
        trace: Trace | None,
    ) -> None:
        credentials = pm.credentials
        if credentials is None:
            raise InvalidCredentials("Repaying needs credentials: Client(Credentials.from_env()).")
        self._owns_journal = not isinstance(journal, Journal)
        if isinstance(journal, Journal):
            self.journal = journal
        elif journal is None:
            self.journal = Journal(private_directory(state_directory()) / "repay.db")
        else:
            self.journal = Journal(journal)
        self.options = options or Options()
        self.facts = Facts.documented()
        self.switch = StopSwitch()
        self.progress = progress
        self.trace = trace
        self._signals = signals
        self._left: list[str] = []  # attempts of the running call that may have left this machine
        self._events: deque[LiabilityChange] = deque(maxlen=_EVENTS_KEPT)
        identity = f"{pm.base_url}\n{account if account is not None else credentials.api_key}"
        self.account = self.journal.account(identity)
        directory = (
            private_directory(state_directory() / "locks") if lock_directory is None else Path(lock_directory)
        )
        self._lock = AccountLock(directory, _lock_name(identity))
        self._now_ms = pm.clock.now_ms
        self._recv_window_ms = pm.recv_window
        self._budget = pm.budget
        self._settle_in_client = pm.settle
        pm.watch(JournalObserver())

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
            entries.append(PlanHistory(record, tuple(attempts), tuple(evidence)))
        return entries

    def debt_over_time(self, asset: str) -> list[tuple[int, Decimal, Decimal]]:
        """Points for a chart: UTC milliseconds, principal, interest; oldest first."""
        return self.journal.looks(self.account, asset)

    def report(self, plan_key: str) -> Report:
        """The report of a plan, so far. Reads the journal only.

        Raises:
            UnknownPlan: There is no such plan.
        """
        return report_of(self._context(), self.journal.plan(self.account, plan_key))

    def settle(self, attempt_id: str, *, executed: bool, note: str) -> AttemptRecord:
        """Close an attempt that the evidence did not decide, on the word of somebody who has looked.

        Args:
            attempt_id: The attempt, UNKNOWN.
            executed: Whether it happened.
            note: Who says so and what was seen; stored as the evidence.

        Raises:
            UnknownAttempt: This journal has no such attempt of this account.
            AccountInDoubt: It is not UNKNOWN, or the request may still act.
            AccountBusy: Another process holds the account.
            InvalidRequest: The note is empty.
        """
        if not note.strip():
            raise InvalidRequest("A note says who looked and what they saw.", parameter="note")
        self._known_attempt(attempt_id)
        with self._hold():
            self.journal.orphaned(self.account, self._now_ms())
            attempt = self.journal.attempt(attempt_id)
            assert attempt is not None  # noqa: S101  # attempts are never deleted
            if attempt.state is not AttemptState.UNKNOWN:
                raise AccountInDoubt(
                    f"Attempt {attempt_id} cannot be settled: it is {attempt.state.value}; only an UNKNOWN one "
                    "can be.",
                    attempt_id=attempt_id,
                    journal=str(self.journal.path),
                )
            intent = attempt.intent
            until = deadline_ms(intent.signed_at_ms, intent.recv_window_ms, self.facts, self.options)
            if self._now_ms() < until:
                raise AccountInDoubt(
                    f"Attempt {attempt_id} may still act until {moment(until)}. Look again after that.",
                    attempt_id=attempt_id,
                    journal=str(self.journal.path),
                )
            verdict = "PROVEN_EXECUTED" if executed else "PROVEN_NOT_EXECUTED"
            repaid = intent.expected if executed else Decimal(0)
            body = {"statement": {"executed": executed, "note": note}}
            self.journal.prove(attempt_id, verdict, self._now_ms(), body=body, repaid=repaid)
            record = self.journal.plan(self.account, attempt.plan_key)
            if record.state is PlanState.UNDECIDED:
                report = report_of_settled(self._context(), record, attempt)
                self.journal.move_plan(record.id, report.state, self._now_ms(), report.to_json())
        with suppress(UnknownAttempt):  # another client sent it: then there is nothing to tell
            self._settle_in_client(attempt_id, executed=executed)
        settled = self.journal.attempt(attempt_id)
        assert settled is not None  # noqa: S101  # attempts are never deleted
        return settled

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
        uses = self._budget.snapshot().pools
        return sum(use.used for use in uses if use.name == "ip-weight")

    @contextmanager
    def _hold(self) -> Generator[None]:
        """Hold the account; refuse while another journal knows of something that may have happened."""
        work = self._work()
        work.mark(Step.TAKE_LOCK, "before")
        previous = self._lock.acquire(str(self.journal.path), self._now_ms())
        clean = False
        try:
            work.mark(Step.TAKE_LOCK, "after")
            if previous is not None and not previous.clean and previous.journal != str(self.journal.path):
                raise AccountInDoubt(
                    f"{previous} wrote its attempts to {previous.journal} and did not end cleanly: something "
                    "may have happened that this journal does not know. Resume with that journal first. If "
                    f"it is gone, look at the account, then delete {self._lock.path}.",
                    attempt_id="",
                    journal=previous.journal,
                )
            try:
                yield
            finally:
                clean = not self.journal.open_attempts(self.account)
        finally:
            work.mark(Step.RELEASE_LOCK, "before")
            self._lock.release(clean=clean)
            work.mark(Step.RELEASE_LOCK, "after")

    @contextmanager
    def _running(self) -> Generator[None]:
        """Hold the account and listen to signals, for one run."""
        self.switch.clear()
        self._left.clear()
        try:
            with self._hold():
                if not self._signals:
                    yield
                    return
                with self.switch.signals():
                    yield
        except JournalUnusable as error:
            # "Nothing left this machine" would be wrong now, and so would its exit code.
            if not self._left:
                raise
            raise OutcomeNotRecorded(
                f"{len(self._left)} repayment{' was' if len(self._left) == 1 else 's were'} begun before the "
                f"journal failed, the last one as attempt {self._left[-1]}: {error} Repair its disk, then resume."
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

    def _known_attempt(self, attempt_id: str | None) -> None:
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
        account: A name for the account. Give the same one when several API keys belong to one account;
            without it each key counts as an account of its own.
        options: Thresholds.
        lock_directory: Where the locks are; `None` for the state directory, which all journals share.
        progress: Is told what happens.
        sleep: Waits for so many seconds; the default wakes when a stop is asked for.
        signals: Whether SIGINT and SIGTERM stop a run in an orderly way. Main thread only.
        trace: Is told of every step, before and after: for tests.

    Raises:
        InvalidCredentials: The client has none.
        JournalUnusable: The journal cannot be opened.
    """

    def __init__(
        self,
        pm: Client,
        journal: Journal | str | os.PathLike[str] | None = None,
        *,
        account: str | None = None,
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

        Settles what an earlier process left in doubt, then repays what is left. A plan that is DONE is
        not touched: its report is returned.

        Args:
            plan_key: The plan; `None` for every plan that is RUNNING, STOPPED or UNDECIDED.

        Raises:
            UnknownPlan: There is no such plan. The errors of `run` as well.
        """
        with self._running():
            keys = [record.key for record in self._unfinished(plan_key)]
            reports: list[Report] = []
            for key in keys:
                if reports and self.switch.asked:
                    break
                reports.append(self._run_held(key, only_new=False))
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
        if record.state is PlanState.DONE or (only_new and record.state is not PlanState.PLANNED):
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
                if reports and self.switch.asked:
                    break
                reports.append(await self._run_held(key, only_new=False))
            return reports

    async def reconcile(self, attempt_id: str | None = None) -> list[Reconciliation]:
        """See `SafeRepay.reconcile`."""
        self._known_attempt(attempt_id)
        with self._running():
            found = await self._driver().run(settle_open(self._context()))
            return self._reconciled(found, attempt_id)

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
        if record.state is PlanState.DONE or (only_new and record.state is not PlanState.PLANNED):
            return report_of(self._context(), record)
        return await self._driver().run(work(self._context(), record))


def _nothing(plan: Plan) -> Decisions[Plan]:
    """Decisions that ask for nothing: the plan is known."""
    return plan
    yield  # makes this a generator


def _lock_name(identity: str) -> str:
    """Name of an account's lock file. It must be the same for every journal, so it has no salt of one.

    PBKDF2 instead: an API key is long and random, but a name that somebody chose for `account` need not be.
    """
    import hashlib

    return hashlib.pbkdf2_hmac("sha256", identity.encode(), b"paydown account lock", 10_000).hex()[:32]
