"""Carry out what the engine asks for: one driver that blocks, one that is awaited.

Both do the same thing command by command; what they share, and everything that is a decision, is
elsewhere. Around every command that touches disk or network they mark a `Step`, before and after,
for whoever traces the run (the crash test kills the process there).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from paydown.clock import ExchangeClock, machine_ms
from paydown.errors import PaydownError, RequestRejected, UnknownAttempt
from paydown.repay.errors import (
    AccountBusy,
    AccountInDoubt,
    DebtNotListed,
    JournalUnusable,
    LookTooOld,
)
from paydown.repay.evidence.observed import Row, Source
from paydown.repay.evidence.reconcile import Decisions
from paydown.repay.execution import client_mapping as translate
from paydown.repay.execution.commands import (
    Asked,
    AwaitRoom,
    Command,
    Commit,
    Outcome,
    Pause,
    ReadBalances,
    ReadPrices,
    ReadRows,
    ReadStatus,
    ReadTime,
    Repay,
    RowsRead,
    Settle,
    Step,
    Tell,
)
from paydown.repay.execution.stopping import StopAsked, StopSwitch
from paydown.repay.journal.intent import IntentObserver
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.states import AttemptState

if TYPE_CHECKING:
    from paydown.client import AsyncClient, Client
    from paydown.repay.progress import Progress
    from paydown_wire.models import Balance

__all__ = ["AsyncDriver", "Driver", "Trace", "Work"]

T = TypeVar("T")

Trace: TypeAlias = Callable[[Step, Literal["before", "after"]], object]
"""Called before and after every step. It may raise, or end the process."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a driver works with.

    Attributes:
        journal: Where attempts are written down.
        account: The account's name in it.
        recv_window_ms: recvWindow of the repayments.
        switch: Whether to stop.
        trace: Told of every step, or `None`.
        progress: Told of progress, or `None`.
        held: Whether this very process still holds the account.
        leaving: Told the id of each attempt whose INTENT has just become durable.
    """

    journal: Journal
    account: str
    recv_window_ms: int
    switch: StopSwitch
    trace: Trace | None = None
    progress: Callable[[Progress], object] | None = None
    held: Callable[[], bool] = field(default=lambda: True)
    leaving: Callable[[str], object] = field(default=lambda _: None)

    def mark(self, step: Step, side: Literal["before", "after"]) -> None:
        """Tell the trace of a step."""
        if self.trace is not None:
            self.trace(step, side)

    def commit(self, command: Commit) -> Any:
        """Write to the journal."""
        self.mark(command.step, "before")
        result = command.write()
        self.mark(command.step, "after")
        return result

    def sending(self, command: Repay, now_ms: Callable[[], int]) -> IntentObserver:
        """What watches the call that carries out `command`."""
        return IntentObserver(
            command=command,
            journal=self.journal,
            account=self.account,
            recv_window_ms=self.recv_window_ms,
            now_ms=now_ms,
            stay=self.switch.stay,
            held=self.held,
            leaving=self.leaving,
            mark=self.mark,
        )

    def outcome(self, sending: IntentObserver, error: BaseException, now_ms: Callable[[], int]) -> Outcome:
        """What a failed repayment means. Re-raises what is not about the repayment."""
        attempt_id = sending.attempt_id
        if isinstance(error, StopAsked):
            if attempt_id is None:
                detail = {"message": "stopped"}
                return Outcome("not-sent", None, cause="stop-requested", again="backoff", detail=detail)
            # Only before signing again, after the exchange has refused the first timestamp, can it come so late.
            detail = {"message": "refused for its timestamp, and stopped before it was sent again"}
            return Outcome("rejected", attempt_id, cause="stop-requested", again="backoff", detail=detail)
        if isinstance(error, LookTooOld) and attempt_id is not None:
            # Like a stop above: the first request was refused for its timestamp, the second did not leave.
            detail = {"message": "refused for its timestamp, and the look was too old to send it again"}
            return Outcome("rejected", attempt_id, cause="look-too-old", again="backoff", detail=detail)
        if isinstance(error, JournalUnusable | AccountInDoubt | AccountBusy):
            raise error
        if isinstance(error, PaydownError):
            return translate.failed(error, attempt_id)
        if attempt_id is not None and not isinstance(error, Exception):
            # An interrupt or a cancelled task, with the request perhaps on its way: write that down, then go.
            self.journal.finish(
                attempt_id,
                AttemptState.UNKNOWN,
                now_ms(),
                outcome={"kind": "unknown", "message": f"interrupted: {type(error).__name__}"},
            )
        if attempt_id is None or not isinstance(error, Exception):
            raise error
        detail = {"message": f"unforeseen: {type(error).__name__}: {error}"}
        return Outcome("unknown", attempt_id, cause="unknown", detail=detail)


def _believed_ms(pm: Client | AsyncClient, error: PaydownError) -> int:
    """The exchange's time when its time endpoint did not answer: from a clock that another source has set."""
    clock = pm.clock
    if isinstance(clock, ExchangeClock) and not clock.synced:
        raise error
    return clock.now_ms()


def _lacks(balances: list[Balance], asset: str | None) -> bool:
    """Whether a list of balances leaves out an asset.

    Raises:
        DebtNotListed: The list is empty: a back end that is starting, say. It tells nothing about any debt.
    """
    if not balances:
        raise DebtNotListed(
            "The exchange answered with no balances at all, which tells nothing about the debt."
        )
    return asset is not None and all(row.asset != asset for row in balances)


def _named(row: Balance, asset: str) -> Balance:
    """The balance that was asked for by its name, since the list left it out."""
    if row.asset != asset:
        raise DebtNotListed(f"Asked for the balance of {asset}, the exchange answered with another asset.")
    return row


def _not_listed(balances: list[Balance], asset: str, error: RequestRejected) -> DebtNotListed:
    return DebtNotListed(
        f"The balances do not list {asset}, and asked for it by name the exchange refuses: {error}",
        listed=[row.asset for row in balances],
    )


def _look_started_ms(pm: Client | AsyncClient, started: int, ticks: int) -> int:
    """When a look began, on the exchange's clock, which may have been set only by the look itself."""
    clock = pm.clock
    if started or not isinstance(clock, ExchangeClock):
        return started
    return clock.now_ms() - (machine_ms() - ticks)


def _now_if_synced(pm: Client | AsyncClient) -> int:
    clock = pm.clock
    return 0 if isinstance(clock, ExchangeClock) and not clock.synced else clock.now_ms()


class Driver:
    """Carries out commands with a `Client`, blocking.

    Args:
        pm: The client.
        work: What to work with.
        sleep: Waits for so many seconds and wakes when a stop is asked for.
    """

    def __init__(self, pm: Client, work: Work, sleep: Callable[[float], object] | None = None) -> None:
        self._pm = pm
        self._work = work
        self._sleep = work.switch.sleep if sleep is None else sleep

    def run(self, decisions: Decisions[T]) -> T:
        """Work the decisions off and return what they come to."""
        try:
            command = next(decisions)
            while True:
                try:
                    result = self._do(command)
                except Exception as error:  # noqa: BLE001  # the engine decides what it means
                    command = decisions.throw(error)
                else:
                    command = decisions.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    def _do(self, command: Command) -> Any:
        if isinstance(command, Commit):
            return self._work.commit(command)
        if isinstance(command, Tell):
            if self._work.progress is not None:
                self._work.progress(command.progress)
            return None
        self._work.mark(command.step, "before")
        result = self._call(command)
        self._work.mark(command.step, "after")
        return result

    def _call(self, command: Asked) -> Any:
        pm = self._pm
        match command:
            case Repay():
                return self._repay(command)
            case ReadBalances(asset):
                started, ticks = _now_if_synced(pm), machine_ms()
                balances = list(pm.account.balance())
                if _lacks(balances, asset) and asset is not None:
                    try:
                        balances.append(_named(pm.account.balance(asset=asset), asset))
                    except RequestRejected as error:
                        raise _not_listed(balances, asset, error) from error
                return translate.look_of(balances, _look_started_ms(pm, started, ticks), pm.clock.now_ms())
            case AwaitRoom(weight):
                return pm.room_in_ms(weight)
            case ReadStatus():
                return str(pm.account.information().account_status)
            case ReadPrices(assets):
                rows = [row for asset in assets for row in pm.market.asset_index_prices(asset=asset)]
                return translate.prices_of(rows, assets)
            case ReadRows():
                return self._read_rows(command)
            case ReadTime():
                try:
                    return pm.market.time().server_time
                except PaydownError as error:
                    return _believed_ms(pm, error)
            case Settle():
                return _settle(pm, command)
            case Pause():
                return self._sleep(command.duration_ms / 1000)

    def _repay(self, command: Repay) -> Outcome:
        sending = self._work.sending(command, self._pm.clock.now_ms)
        try:
            with self._pm.observing(sending), self._work.switch.leaving():
                result = self._pm.margin.repay_debt(**translate.repay_arguments(command))
        except BaseException as error:  # noqa: BLE001  # an interrupt, too, leaves something to write down
            return self._work.outcome(sending, error, self._pm.clock.now_ms)
        return translate.executed(result, command, _known(sending))

    def _read_rows(self, command: ReadRows) -> RowsRead:
        records, asset, since = self._pm.records, command.asset, command.since_ms
        lists: tuple[tuple[Source, Callable[[], list[Row]]], ...] = (
            (
                "repay-record",
                lambda: translate.repay_rows(records.iter_repayments(asset=asset, start_time=since)),
            ),
            (
                "loan-record",
                lambda: translate.borrow_rows(records.iter_borrows(asset=asset, start_time=since)),
            ),
            ("capital-flow", lambda: translate.flow_rows(records.iter_capital_flow(start_time=since))),
        )
        rows: list[Row] = []
        read: set[Source] = set()
        unread: dict[str, str] = {}
        for name, fetch in lists:
            try:
                rows += fetch()
                read.add(name)
            except PaydownError as error:
                unread[name] = f"{type(error).__name__}: {error}"
        return RowsRead(tuple(rows), frozenset(read), unread)


class AsyncDriver:
    """Carries out commands with an `AsyncClient`, awaited. Commits are made in place: a few milliseconds.

    Args:
        pm: The client.
        work: What to work with.
        sleep: Awaits so many seconds; a stop wakes it if it is `None`.
    """

    def __init__(self, pm: AsyncClient, work: Work, sleep: Callable[[float], Any] | None = None) -> None:
        self._pm = pm
        self._work = work
        self._sleep = self._pause if sleep is None else sleep

    async def run(self, decisions: Decisions[T]) -> T:
        """Work the decisions off and return what they come to."""
        try:
            command = next(decisions)
            while True:
                try:
                    result = await self._do(command)
                except Exception as error:  # noqa: BLE001  # the engine decides what it means
                    command = decisions.throw(error)
                else:
                    command = decisions.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    async def _do(self, command: Command) -> Any:
        if isinstance(command, Commit):
            return self._work.commit(command)
        if isinstance(command, Tell):
            if self._work.progress is not None:
                self._work.progress(command.progress)
            return None
        self._work.mark(command.step, "before")
        result = await self._call(command)
        self._work.mark(command.step, "after")
        return result

    async def _call(self, command: Asked) -> Any:
        pm = self._pm
        match command:
            case Repay():
                return await self._repay(command)
            case ReadBalances(asset):
                started, ticks = _now_if_synced(pm), machine_ms()
                balances = list(await pm.account.balance())
                if _lacks(balances, asset) and asset is not None:
                    try:
                        balances.append(_named(await pm.account.balance(asset=asset), asset))
                    except RequestRejected as error:
                        raise _not_listed(balances, asset, error) from error
                return translate.look_of(balances, _look_started_ms(pm, started, ticks), pm.clock.now_ms())
            case AwaitRoom(weight):
                return pm.room_in_ms(weight)
            case ReadStatus():
                return str((await pm.account.information()).account_status)
            case ReadPrices(assets):
                rows = [row for asset in assets for row in await pm.market.asset_index_prices(asset=asset)]
                return translate.prices_of(rows, assets)
            case ReadRows():
                return await self._read_rows(command)
            case ReadTime():
                try:
                    return (await pm.market.time()).server_time
                except PaydownError as error:
                    return _believed_ms(pm, error)
            case Settle():
                return _settle(pm, command)
            case Pause():
                return await self._sleep(command.duration_ms / 1000)

    async def _repay(self, command: Repay) -> Outcome:
        sending = self._work.sending(command, self._pm.clock.now_ms)
        try:
            with self._pm.observing(sending):
                result = await self._pm.margin.repay_debt(**translate.repay_arguments(command))
        except BaseException as error:  # noqa: BLE001  # a cancelled task, too, leaves something to write down
            return self._work.outcome(sending, error, self._pm.clock.now_ms)
        return translate.executed(result, command, _known(sending))

    async def _read_rows(self, command: ReadRows) -> RowsRead:
        records, asset, since = self._pm.records, command.asset, command.since_ms
        rows: list[Row] = []
        read: set[Source] = set()
        unread: dict[str, str] = {}

        async def fetch(
            name: Source, found: AsyncIterator[Any], convert: Callable[[list[Any]], list[Row]]
        ) -> None:
            try:
                rows.extend(convert([row async for row in found]))
                read.add(name)
            except PaydownError as error:
                unread[name] = f"{type(error).__name__}: {error}"

        await fetch(
            "repay-record", records.iter_repayments(asset=asset, start_time=since), translate.repay_rows
        )
        await fetch("loan-record", records.iter_borrows(asset=asset, start_time=since), translate.borrow_rows)
        await fetch("capital-flow", records.iter_capital_flow(start_time=since), translate.flow_rows)
        return RowsRead(tuple(rows), frozenset(read), unread)

    async def _pause(self, seconds: float) -> None:
        # The switch belongs to threads and signal handlers; looking ten times a second is enough for people.
        import asyncio

        left = seconds
        while left > 0 and not self._work.switch.asked:
            nap = min(left, 0.1)
            await asyncio.sleep(nap)
            left -= nap


def _settle(pm: Client | AsyncClient, command: Settle) -> None:
    # Another process sent it, or this client has forgotten it: then there is nothing to tell.
    with suppress(UnknownAttempt):
        pm.settle(command.attempt_id, executed=command.executed)


def _known(sending: IntentObserver) -> str:
    if sending.attempt_id is None:
        raise JournalUnusable("The client sent a repayment without asking its observer first.")
    return sending.attempt_id
