"""The calls of the client that carry out a command: one description for the blocking and the awaited driver.

Each command that reads is a generator. It yields a call, or an iterator to collect, and is sent the result or thrown
the exception. A driver only knows how to make one call: by calling, or by awaiting. So the two cannot differ in what
they read, in which order, or in how they treat an error.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from paydown.clock import ExchangeClock, machine_ms
from paydown.errors import PaydownError, RequestRejected, UnknownAttempt
from paydown.repay.driving.client_mapping import (
    borrow_rows,
    flow_rows,
    prices_of,
    repay_rows,
    snapshot_of,
)
from paydown.repay.errors import DebtNotListed, JournalUnusable
from paydown.repay.evidence.rows import Row, Source
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.execution.commands import (
    AwaitRoom,
    ReadBalances,
    ReadPrices,
    ReadRows,
    ReadStatus,
    ReadTime,
    ReleaseGuard,
    RowsRead,
)

if TYPE_CHECKING:
    from paydown.client import AsyncClient, Client
    from paydown.repay.driving.intent_observer import IntentObserver
    from paydown_wire.models import Balance

__all__ = ["ClientCall", "Collect", "Reading", "calls_of", "known_attempt"]


@dataclass(frozen=True, slots=True)
class ClientCall:
    """One call of the client. Its result is the return value of `make`, awaited by the awaited driver."""

    make: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Collect:
    """A call whose result is the list of everything that an iterator of the client yields."""

    make: Callable[[], Any]


Reading: TypeAlias = ReadTime | ReadBalances | ReadStatus | ReadPrices | ReadRows | AwaitRoom | ReleaseGuard
"""The commands that are carried out by calls of the client alone."""

Calls: TypeAlias = Generator[ClientCall | Collect, Any, Any]


def calls_of(pm: Client | AsyncClient, command: Reading) -> Calls:
    """Return the calls that carry out a command; the generator's value is the command's reply.

    Args:
        pm: The client.
        command: The command.
    """
    match command:
        case ReadTime():
            return _read_time(pm)
        case ReadBalances(asset):
            return _read_balances(pm, asset)
        case ReadStatus():
            return _read_status(pm)
        case ReadPrices(assets):
            return _read_prices(pm, assets)
        case ReadRows():
            return _read_rows(pm, command)
        case AwaitRoom(weight):
            return _read_room(pm, weight)
        case ReleaseGuard():
            return _release_guard(pm, command)


def known_attempt(observer: IntentObserver) -> str:
    """Return the attempt id of a repayment that was answered.

    Raises:
        JournalUnusable: The client sent the repayment without asking its observer: INTENT is missing.
    """
    if observer.attempt_id is None:
        raise JournalUnusable("The client sent a repayment without asking its observer first.")
    return observer.attempt_id


def _read_time(pm: Client | AsyncClient) -> Calls:
    try:
        answer = yield ClientCall(pm.market.time)
    except PaydownError:
        # The time comes from the client's clock if another source has set that clock.
        clock = pm.clock
        if isinstance(clock, ExchangeClock) and not clock.synced:
            raise
        return clock.now_ms()
    return answer.server_time


def _read_balances(pm: Client | AsyncClient, asset: str | None) -> Generator[ClientCall, Any, Snapshot]:
    clock = pm.clock
    unsynced = isinstance(clock, ExchangeClock) and not clock.synced
    started, ticks = 0 if unsynced else clock.now_ms(), machine_ms()
    balances: list[Balance] = list((yield ClientCall(pm.account.balance)))
    if _lacks(balances, asset) and asset is not None:
        try:
            named: Balance = yield ClientCall(lambda: pm.account.balance(asset=asset))
        except RequestRejected as error:
            raise DebtNotListed(
                f"The balances do not list {asset}, and asked for it by name the exchange refuses: {error}",
                listed=[row.asset for row in balances],
            ) from error
        if named.asset != asset:
            raise DebtNotListed(
                f"Asked for the balance of {asset}, the exchange answered with another asset."
            )
        balances.append(named)
    if not started and isinstance(clock, ExchangeClock):
        # This very reading has set the clock: so the start is counted back from now by the machine's ticks.
        started = clock.now_ms() - (machine_ms() - ticks)
    return snapshot_of(balances, started, clock.now_ms())


def _lacks(balances: list[Balance], asset: str | None) -> bool:
    """Return whether a list of balances leaves out an asset.

    Raises:
        DebtNotListed: The list is empty, as from a back end that is starting. It shows nothing about any debt.
    """
    if not balances:
        raise DebtNotListed(
            "The exchange answered with no balances at all, so nothing is known about the debt."
        )
    return asset is not None and all(row.asset != asset for row in balances)


def _read_status(pm: Client | AsyncClient) -> Calls:
    answer = yield ClientCall(pm.account.information)
    return str(answer.account_status)


def _read_prices(pm: Client | AsyncClient, assets: tuple[str, ...]) -> Calls:
    rows: list[Any] = []
    for asset in assets:
        rows += yield ClientCall(partial(pm.market.asset_index_prices, asset=asset))
    return prices_of(rows, assets)


def _read_rows(pm: Client | AsyncClient, command: ReadRows) -> Generator[Collect, Any, RowsRead]:
    records, asset, since = pm.records, command.asset, command.since_ms
    lists: tuple[tuple[Source, Callable[[], Any], Callable[[Any], list[Row]]], ...] = (
        ("repay-record", lambda: records.iter_repayments(asset=asset, start_time=since), repay_rows),
        ("loan-record", lambda: records.iter_borrows(asset=asset, start_time=since), borrow_rows),
        ("capital-flow", lambda: records.iter_capital_flow(start_time=since), flow_rows),
    )
    rows: list[Row] = []
    read: set[Source] = set()
    unread: dict[str, str] = {}
    for name, fetch, convert in lists:
        try:
            rows += convert((yield Collect(fetch)))
            read.add(name)
        except PaydownError as error:
            unread[name] = f"{type(error).__name__}: {error}"
    return RowsRead(tuple(rows), frozenset(read), unread)


def _read_room(pm: Client | AsyncClient, weight: int) -> Calls:
    # Asking the budget sends no request, so both clients answer at once.
    return pm.room_in_ms(weight)
    yield  # makes this a generator


def _release_guard(pm: Client | AsyncClient, command: ReleaseGuard) -> Calls:
    # The client does not know an attempt that another process sent, or that it has forgotten: then it guards nothing.
    with suppress(UnknownAttempt):
        pm.settle(command.attempt_id, executed=command.executed)
    return None
    yield  # makes this a generator
