"""The common base of `SafeRepay` and `AsyncSafeRepay`: settings, and everything that needs no exchange."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paydown.errors import InvalidCredentials, InvalidRequest
from paydown.repay.account.account_hold import AccountHold
from paydown.repay.account.account_identity import checked_name
from paydown.repay.account.account_renaming import rename_account
from paydown.repay.account.lock_holder import Holder
from paydown.repay.driving.run_services import RunServices, Trace
from paydown.repay.errors import AccountUnconfirmed, JournalUnusable, OutcomeNotRecorded
from paydown.repay.evidence.case import deadline_ms
from paydown.repay.evidence.liability_change import LiabilityChange, StreamEvents
from paydown.repay.execution.plan_report import report_of
from paydown.repay.execution.run_context import Context
from paydown.repay.execution.stopping import StopSwitch
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_records import AttemptRecord, PlanRecord
from paydown.repay.plan_history import PlanHistory, history_of
from paydown.repay.planning.repay_facts import Facts
from paydown.repay.planning.stored_plan import unfinished_plans
from paydown.repay.progress import Progress
from paydown.repay.repay_options import Options
from paydown.repay.report import Report
from paydown.state_directory import private_directory, state_directory

if TYPE_CHECKING:
    from paydown.client import AsyncClient, Client

__all__ = ["Repayer"]


class Repayer:
    """The settings of a repayer, and the answers that its journal gives without the exchange.

    Args:
        pm: The client. All its settings (budget, clock, timeouts) hold.
        journal: Path of the journal, a `Journal`, or `None` for the one in the user's state directory.
        account: Name of the account, or `None` for the default one.
        same_account: Answers the question about a new key of the default account: it is the same account.
        new_account: Answers the question about a new name next to a doubt: it is really another account.
        options: Thresholds.
        lock_directory: Where the locks are; `None` for the state directory, which all journals share.
        progress: Is called with what happens.
        signals: Whether SIGINT and SIGTERM stop a run in an orderly way. Main thread only.
        trace: Is called before and after every step: for tests.

    Attributes:
        account: The account's name in the journal.
        hold: The right to act for the account.
    """

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
        name = checked_name(account)
        self.same_account = same_account
        self.new_account = new_account
        self.options = options or Options()
        self.facts = Facts.documented()
        self.switch = StopSwitch()
        self.progress = progress
        self.trace = trace
        self._signals = signals
        self._left: list[str] = []  # attempts of the running call that may have left
        self._events = StreamEvents()
        self._base_url = pm.base_url
        self._api_key = credentials.api_key
        self._now_ms = pm.clock.now_ms
        self._recv_window_ms = pm.recv_window
        self._directory = _lock_directory(lock_directory)
        self._owns_journal = not isinstance(journal, Journal)
        self.journal = journal if isinstance(journal, Journal) else _opened(journal)
        try:
            self.hold = AccountHold(
                self.journal,
                self._directory,
                base_url=self._base_url,
                name=name,
                api_key=self._api_key,
                now_ms=self._now_ms,
                deadline_of=lambda intent: deadline_ms(
                    intent.signed_at_ms, intent.recv_window_ms, self.facts, self.options
                ),
            )
            self.account = self.hold.account
            if self.hold.has_older_rows():
                with suppress(
                    AccountUnconfirmed
                ):  # it is raised again when something is done for the account
                    self._confirm()
        except BaseException:
            if self._owns_journal:
                self.journal.close()
            raise

    @property
    def account_question(self) -> AccountUnconfirmed | None:
        """Return the question to answer before this key may act for this account, or `None`.

        "new-key" is answered by setting `same_account`, "new-name" by setting `new_account`.
        """
        try:
            self._confirm()
        except AccountUnconfirmed as error:
            return error
        return None

    @property
    def holder(self) -> Holder | None:
        """Return the process that repays, or last repaid, for this account, as far as its note can be read."""
        return self.hold.lock.holder()

    @property
    def in_doubt(self) -> list[AttemptRecord]:
        """Return the attempts of this account that may have been executed and are not settled: none or one."""
        return self.journal.attempts.open_of(self.account)

    def stop(self) -> None:
        """Ask the running plan to stop: the call in flight ends and is recorded. From any thread."""
        self.switch.request()

    def observe(self, event: LiabilityChange | Mapping[str, Any]) -> None:
        """Keep a `liabilityChange` of the user data stream as evidence for the case that an answer is lost.

        Raises:
            ValueError: It is no such event.
        """
        self._events.add(event if isinstance(event, LiabilityChange) else LiabilityChange.from_json(event))

    def history(self) -> list[PlanHistory]:
        """Return every plan of this account with its attempts and evidence, newest first."""
        return history_of(self.journal, self.account)

    def debt_over_time(self, asset: str) -> list[tuple[int, Decimal, Decimal]]:
        """Return points for a chart of the debt in `asset`: UTC milliseconds, principal, interest; oldest first."""
        return self.journal.debts.over_time(self.account, asset)

    def unfinished(self, plan_key: str | None = None) -> list[PlanRecord]:
        """Return every plan that `resume` would go on with, oldest first; with a key that key's plan, in any state.

        Raises:
            UnknownPlan: There is no plan with that key.
        """
        return unfinished_plans(self._context(), plan_key)

    def report(self, plan_key: str) -> Report:
        """Return the report of a plan so far. Reads the journal only.

        Raises:
            UnknownPlan: There is no such plan.
        """
        return report_of(self._context(), self.journal.plans.get(self.account, plan_key))

    def rename_account(self, old: str, new: str) -> None:
        """Give an account another name, in this journal and next to the locks. It keeps its doubts.

        Args:
            old: The name it has; "default" for the account without a name.
            new: The name it gets.

        Raises:
            InvalidRequest: A name is empty, there is no such account, or the new name is taken.
            AccountBusy: A process repays for one of the two.
        """
        before, after = rename_account(
            self.journal,
            self._directory,
            old,
            new,
            base_url=self._base_url,
            api_key=self._api_key,
            now_ms=self._now_ms(),
        )
        if self.hold.name == before:
            self.hold.take_name(after)
            self.account = self.hold.account

    def _confirm(self) -> None:
        self.hold.confirm(same_account=self.same_account, new_account=self.new_account)

    def _context(self) -> Context:
        return Context(
            journal=self.journal,
            account=self.account,
            facts=self.facts,
            options=self.options,
            now_ms=self._now_ms,
            stop=lambda: self.switch.asked,
            events=self._events.since,
        )

    def _services(self) -> RunServices:
        return RunServices(
            journal=self.journal,
            account=self.account,
            recv_window_ms=self._recv_window_ms,
            switch=self.switch,
            trace=self.trace,
            progress=self.progress,
            held=lambda: self.hold.lock.held,
            leaving=self._left.append,
        )

    @contextmanager
    def _running(self) -> Generator[None]:
        """Hold the account and listen to signals, for one run."""
        left: list[str] = []
        try:
            with self.hold.holding(self._confirm, self._services().mark):
                # The switch is cleared only here: a call that is refused above must not undo a stop of the run in
                # progress, nor its record that a request has left.
                self.switch.clear()
                self._left = left
                if not self._signals:
                    yield
                    return
                with self.switch.signals():
                    yield
        except JournalUnusable as error:
            # The class that states "nothing left this machine" would be wrong here, and so would its exit code.
            if not left:
                raise
            raise OutcomeNotRecorded(
                f"{len(left)} repayment{' was' if len(left) == 1 else 's were'} begun before the "
                f"journal failed, the last one as attempt {left[-1]}: {error} Repair its disk, then resume."
            ) from error


def _lock_directory(given: str | os.PathLike[str] | None) -> Path:
    """Return the directory of the locks: the given one, or the one in the user's state directory."""
    if given is None:
        return private_directory(state_directory() / "locks")
    if not os.fspath(given).strip():
        raise InvalidRequest("The lock directory is empty (an unset variable?).", parameter="lock_directory")
    return Path(given)


def _opened(path: str | os.PathLike[str] | None) -> Journal:
    """Open the journal at a path, or the one in the user's state directory."""
    return Journal(private_directory(state_directory()) / "repay.db" if path is None else path)
