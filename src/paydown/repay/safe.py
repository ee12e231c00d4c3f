"""`SafeRepay` and `AsyncSafeRepay`: plan, run, resume, reconcile, and never pay twice.

    repay = SafeRepay(pm, journal="repay.db")
    plan = repay.plan("BNB", Decimal("12"), pay_with=["USDT"], key="close-2026-11")
    report = repay.run(plan)

Both hand the same decisions to a driver. A run holds the account's lock, so no other process sends; it first reconciles
what an earlier run left open; and nothing leaves before it is written in the journal. `docs/never-twice.md` gives the
argument.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Self

from paydown.repay.account.journal_adoption import Adoption, adopt_journal
from paydown.repay.driving.driver import AsyncDriver, Driver
from paydown.repay.driving.run_services import Trace
from paydown.repay.execution.open_attempts import reconcile_open
from paydown.repay.execution.plan_report import report_of
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_records import AttemptRecord
from paydown.repay.journal.states import PlanState
from paydown.repay.persons_word import (
    checked_correction,
    checked_note,
    checked_word,
    correct_by_word,
    known_attempt,
    settle_by_word,
)
from paydown.repay.plan_runs import resume_plans, run_plan
from paydown.repay.planning.plan import Plan
from paydown.repay.planning.stored_plan import plan_decisions, store_plan
from paydown.repay.progress import Progress
from paydown.repay.reconciliation import Reconciliation, reconciliations
from paydown.repay.repay_options import Options
from paydown.repay.repayer import Repayer
from paydown.repay.report import Report

if TYPE_CHECKING:
    from paydown.client import AsyncClient, Client

__all__ = ["AsyncSafeRepay", "SafeRepay"]


class SafeRepay(Repayer):
    """Repays margin debt without ever paying twice, blocking. A context manager.

    Args:
        pm: The client. All its settings (budget, clock, timeouts) hold.
        journal: Path of the journal, a `Journal`, or `None` for the one in the user's state directory.
        account: A name for the account: with the base URL, its identity. Without it, the one default account of the
            base URL. A rotated or second key under the same name inherits every doubt.
        same_account: Answers the question about a new key of the default account: it is the same account.
        new_account: Answers the question about a new name next to a doubt: it is really another account.
        options: Thresholds.
        lock_directory: Where the locks are; `None` for the state directory, which all journals share.
        progress: Is called with what happens.
        sleep: Waits for so many seconds; the default wakes when a stop is asked for.
        signals: Whether SIGINT and SIGTERM stop a run in an orderly way. Main thread only.
        trace: Is called before and after every step: for tests.

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
        """Read the account and cut the debt into pieces. Changes nothing at the exchange.

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
        self._confirm()
        known, decisions = plan_decisions(
            self._context(),
            asset,
            amount,
            pay_with=pay_with,
            key=key,
            prices=prices,
            margin=margin,
            new=new,
            used_weight=lambda: _used_weight(self._pm, self.facts.weight_budget),
        )
        return known if known is not None else self._driver().run(decisions)

    def run(self, plan: Plan) -> Report:
        """Repay a plan. A plan that was begun before is not run again: its report is returned.

        Returns:
            The report. Its `.state` is DONE, STOPPED or UNDECIDED.

        Raises:
            AccountBusy: Another process repays for this account. Nothing was sent.
            AccountInDoubt: An earlier attempt is not settled. Nothing was sent.
            PlanKeyConflict: The plan's key belongs to a different request. Nothing was sent.
            JournalUnusable: The journal failed before anything was sent.
            OutcomeNotRecorded: The journal failed after something was sent: it may have happened.
        """
        self._confirm()
        record = self._driver().run(store_plan(self._context(), plan))
        if record.state is not PlanState.PLANNED:
            return report_of(self._context(), record)
        with self._running():
            return self._driver().run(run_plan(self._context(), plan.key, only_new=True))

    def resume(self, plan_key: str | None = None) -> list[Report]:
        """Go on with a plan that did not end, or with all such plans, oldest first.

        Reconciles the attempts that an earlier process left in doubt, then repays what is left. A plan that is DONE is
        not touched, and its report is returned, unless one of its attempts was corrected since.

        Args:
            plan_key: The plan; `None` for every plan that is RUNNING, STOPPED or UNDECIDED.

        Raises:
            UnknownPlan: There is no such plan. The errors of `run` as well.
        """
        with self._running():
            keys = [record.key for record in self.unfinished(plan_key)]
            return self._driver().run(resume_plans(self._context(), keys))

    def reconcile(self, attempt_id: str | None = None) -> list[Reconciliation]:
        """Look for evidence about attempts in doubt, and record the verdicts. Repays nothing.

        Args:
            attempt_id: Which attempt to report; `None` for all (there is at most one).

        Returns:
            What became of what was in doubt. Empty if nothing was, or not that attempt.

        Raises:
            UnknownAttempt: This journal has no such attempt of this account.
        """
        self._confirm()
        if attempt_id is not None:
            known_attempt(self._context(), attempt_id)
        with self._running():
            found = self._driver().run(reconcile_open(self._context()))
            return reconciliations(self.journal, found, attempt_id)

    def settle(self, attempt_id: str, *, executed: bool, note: str) -> AttemptRecord:
        """Settle an attempt that the evidence did not decide, by the word of a person who has looked.

        Args:
            attempt_id: The attempt, UNKNOWN.
            executed: Whether it happened.
            note: Which person looked and what they saw; stored as the evidence.

        Raises:
            UnknownAttempt: This journal has no such attempt of this account.
            AccountInDoubt: It is not UNKNOWN, or it is called not executed while the request may still act.
            AccountBusy: Another process holds the account.
            InvalidRequest: The note is empty.
            ReadFailed: The exchange's time cannot be read, so "not executed" cannot be taken yet.
        """
        checked_word(executed, note)
        self._confirm()
        known_attempt(self._context(), attempt_id)
        decisions = settle_by_word(
            self._context(), attempt_id, executed=executed, note=note, release_guard=self._pm.settle
        )
        with self.hold.holding(self._confirm, self._services().mark):
            return self._driver().run(decisions)

    def correct(
        self, attempt_id: str, *, executed: bool, note: str, amount: Decimal | str | None = None
    ) -> AttemptRecord:
        """Append a correction to an attempt whose end was recorded wrongly. Edits nothing and sends nothing.

        The corrected amount counts from then on; `resume` of its plan goes on from there, even if the plan was DONE.

        Args:
            attempt_id: The attempt, in any state but INTENT and UNKNOWN.
            executed: Whether it happened after all.
            note: Which person looked and what they saw.
            amount: If it was executed: how much it repaid, by default what was asked. If it was not: the amount that
                it asked for ("all" for a whole debt), typed as a safeguard, since it will be repaid again.

        Returns:
            The attempt, with the correction.

        Raises:
            UnknownAttempt: This journal has no such attempt of this account.
            AccountInDoubt: It is open, or it is called not executed while the request may still act.
            AccountBusy: Another process holds the account.
            InvalidRequest: The note is empty, the amount is not the asked one, or there is nothing to correct.
            ReadFailed: The exchange's time cannot be read, so "not executed" cannot be taken yet.
        """
        checked_word(executed, note)
        self._confirm()
        moved = checked_correction(known_attempt(self._context(), attempt_id), executed, amount)
        decisions = correct_by_word(self._context(), attempt_id, executed=executed, note=note, amount=moved)
        with self.hold.holding(self._confirm, self._services().mark):
            return self._driver().run(decisions)

    def adopt(self, *, note: str) -> Adoption | None:
        """Go on with this journal although more is remembered than it knows, after one snapshot of the account.

        Args:
            note: Which person looked at the account and what they saw; kept in the journal with the snapshot.

        Returns:
            What was remembered and what was seen; `None` if there was nothing to adopt.

        Raises:
            AccountInDoubt: What is remembered may still act on the exchange's clock.
            AccountBusy: Another process holds the account.
            InvalidRequest: The note is empty.
            ReadFailed: The account could not be read. Nothing was changed.
        """
        checked_note(note)
        with self.hold.holding(self._confirm, self._services().mark, adopting=True) as state:
            return self._driver().run(adopt_journal(self._context(), state, note))

    def close(self) -> None:
        """Close the journal, if this repayer opened it. The client stays open."""
        if self._owns_journal:
            self.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _driver(self) -> Driver:
        return Driver(self._pm, self._services(), self._sleep)


class AsyncSafeRepay(Repayer):
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
        """Read the account and cut the debt into pieces: see `SafeRepay.plan`.

        Args:
            asset: Asset owed, such as "BNB".
            amount: How much to repay, in units of `asset`; `None` repays the whole debt.
            pay_with: Assets that may pay; `asset` itself always pays first.
            key: Idempotency key.
            prices: USD per unit; they win over the index prices of the exchange.
            margin: Share of the value cap that every piece stays below; default `options.margin`.
            new: Without a key: plan even though an earlier plan for this asset is not finished.
        """
        self._confirm()
        known, decisions = plan_decisions(
            self._context(),
            asset,
            amount,
            pay_with=pay_with,
            key=key,
            prices=prices,
            margin=margin,
            new=new,
            used_weight=lambda: _used_weight(self._pm, self.facts.weight_budget),
        )
        return known if known is not None else await self._driver().run(decisions)

    async def run(self, plan: Plan) -> Report:
        """Repay a plan: see `SafeRepay.run`."""
        self._confirm()
        record = await self._driver().run(store_plan(self._context(), plan))
        if record.state is not PlanState.PLANNED:
            return report_of(self._context(), record)
        with self._running():
            return await self._driver().run(run_plan(self._context(), plan.key, only_new=True))

    async def resume(self, plan_key: str | None = None) -> list[Report]:
        """Go on with plans that did not end: see `SafeRepay.resume`."""
        with self._running():
            keys = [record.key for record in self.unfinished(plan_key)]
            return await self._driver().run(resume_plans(self._context(), keys))

    async def reconcile(self, attempt_id: str | None = None) -> list[Reconciliation]:
        """Find out by evidence what the attempts in doubt did, and record it: see `SafeRepay.reconcile`."""
        self._confirm()
        if attempt_id is not None:
            known_attempt(self._context(), attempt_id)
        with self._running():
            found = await self._driver().run(reconcile_open(self._context()))
            return reconciliations(self.journal, found, attempt_id)

    async def settle(self, attempt_id: str, *, executed: bool, note: str) -> AttemptRecord:
        """Settle an attempt by a person's word: see `SafeRepay.settle`.

        Args:
            attempt_id: The attempt, UNKNOWN.
            executed: Whether it happened.
            note: Which person looked and what they saw.
        """
        checked_word(executed, note)
        self._confirm()
        known_attempt(self._context(), attempt_id)
        decisions = settle_by_word(
            self._context(), attempt_id, executed=executed, note=note, release_guard=self._pm.settle
        )
        with self.hold.holding(self._confirm, self._services().mark):
            return await self._driver().run(decisions)

    async def correct(
        self, attempt_id: str, *, executed: bool, note: str, amount: Decimal | str | None = None
    ) -> AttemptRecord:
        """Append a correction to an attempt whose end was recorded wrongly: see `SafeRepay.correct`.

        Args:
            attempt_id: The attempt, in any state but INTENT and UNKNOWN.
            executed: Whether it happened after all.
            note: Which person looked and what they saw.
            amount: How much it repaid; or, if it did not happen, the amount that it asked for.
        """
        checked_word(executed, note)
        self._confirm()
        moved = checked_correction(known_attempt(self._context(), attempt_id), executed, amount)
        decisions = correct_by_word(self._context(), attempt_id, executed=executed, note=note, amount=moved)
        with self.hold.holding(self._confirm, self._services().mark):
            return await self._driver().run(decisions)

    async def adopt(self, *, note: str) -> Adoption | None:
        """Go on with this journal although more is remembered than it knows: see `SafeRepay.adopt`."""
        checked_note(note)
        with self.hold.holding(self._confirm, self._services().mark, adopting=True) as state:
            return await self._driver().run(adopt_journal(self._context(), state, note))

    async def aclose(self) -> None:
        """Close the journal, if this repayer opened it. The client stays open."""
        if self._owns_journal:
            self.journal.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _driver(self) -> AsyncDriver:
        return AsyncDriver(self._pm, self._services(), self._sleep)


def _used_weight(pm: Client | AsyncClient, budget: str) -> int:
    """Return the request weight used in the running minute, of the limit that a repayment counts against."""
    return sum(use.used for use in pm.budget.snapshot().windows if use.name == budget)
