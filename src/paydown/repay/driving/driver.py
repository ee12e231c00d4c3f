"""Carry out what the engine asks for: one driver that blocks, one that is awaited.

Both do the same, command by command. What they share is in `client_calls` and `run_services`, every decision is made
elsewhere, and the loops that run a generator are those of the client's calls (`call/flow`). Around every command that
touches disk or network they mark a `Step`, before and after, for a trace of the run (the crash test kills the process
there).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from paydown.call.flow import run_flow, run_flow_awaited
from paydown.repay.driving.client_calls import ClientCall, Collect, Reading, calls_of, known_attempt
from paydown.repay.driving.client_mapping import executed, repay_arguments
from paydown.repay.driving.run_services import RunServices
from paydown.repay.execution.commands import Command, Commit, Pause, Repay, RepayOutcome, ShowProgress
from paydown.repay.execution.run_context import Decisions

if TYPE_CHECKING:
    from paydown.client import AsyncClient, Client

__all__ = ["AsyncDriver", "Driver"]

T = TypeVar("T")


class Driver:
    """The blocking driver: it carries out commands with a `Client`.

    Args:
        pm: The client.
        services: The services of the run.
        sleep: Waits for so many seconds and wakes when a stop is asked for.
    """

    def __init__(
        self, pm: Client, services: RunServices, sleep: Callable[[float], object] | None = None
    ) -> None:
        self._pm = pm
        self._services = services
        self._sleep = services.switch.sleep if sleep is None else sleep

    def run(self, decisions: Decisions[T]) -> T:
        """Carry out the commands of a run one after the other, and return the result of the run."""
        return run_flow(decisions, self._do)

    def _do(self, command: Command) -> Any:
        if isinstance(command, Commit):
            return self._services.commit(command)
        if isinstance(command, ShowProgress):
            return self._services.show(command.progress)
        self._services.mark(command.step, "before")
        result: Any
        if isinstance(command, Repay):
            result = self._repay(command)
        elif isinstance(command, Pause):
            result = self._sleep(command.duration_ms / 1000)
        else:
            result = self._read(command)
        self._services.mark(command.step, "after")
        return result

    def _read(self, command: Reading) -> Any:
        return run_flow(calls_of(self._pm, command), _made)

    def _repay(self, command: Repay) -> RepayOutcome:
        observer = self._services.observer(command, self._pm.clock.now_ms)
        try:
            with self._pm.observing(observer), self._services.switch.leaving():
                result = self._pm.margin.repay_debt(**repay_arguments(command))
        except BaseException as error:  # noqa: BLE001  # an interrupt, too, leaves something to write down
            return self._services.outcome_of(observer, error, self._pm.clock.now_ms)
        return executed(result, command, known_attempt(observer))


class AsyncDriver:
    """The awaited driver: it carries out commands with an `AsyncClient`.

    Commits are made in place: they take a few milliseconds.

    Args:
        pm: The client.
        services: The services of the run.
        sleep: Awaits so many seconds; a stop wakes it if it is `None`.
    """

    def __init__(
        self,
        pm: AsyncClient,
        services: RunServices,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        self._pm = pm
        self._services = services
        self._sleep = self._pause if sleep is None else sleep

    async def run(self, decisions: Decisions[T]) -> T:
        """Carry out the commands of a run one after the other, and return the result of the run."""
        return await run_flow_awaited(decisions, self._do)

    async def _do(self, command: Command) -> Any:
        if isinstance(command, Commit):
            return self._services.commit(command)
        if isinstance(command, ShowProgress):
            return self._services.show(command.progress)
        self._services.mark(command.step, "before")
        result: Any
        if isinstance(command, Repay):
            result = await self._repay(command)
        elif isinstance(command, Pause):
            result = await self._sleep(command.duration_ms / 1000)
        else:
            result = await self._read(command)
        self._services.mark(command.step, "after")
        return result

    async def _read(self, command: Reading) -> Any:
        return await run_flow_awaited(calls_of(self._pm, command), _awaited)

    async def _repay(self, command: Repay) -> RepayOutcome:
        observer = self._services.observer(command, self._pm.clock.now_ms)
        try:
            with self._pm.observing(observer):
                result = await self._pm.margin.repay_debt(**repay_arguments(command))
        except BaseException as error:  # noqa: BLE001  # a cancelled task, too, leaves something to write down
            return self._services.outcome_of(observer, error, self._pm.clock.now_ms)
        return executed(result, command, known_attempt(observer))

    async def _pause(self, seconds: float) -> None:
        # The stop switch belongs to threads and signal handlers; reading it ten times a second is enough for people.
        import asyncio

        left = seconds
        while left > 0 and not self._services.switch.asked:
            nap = min(left, 0.1)
            await asyncio.sleep(nap)
            left -= nap


def _made(call: ClientCall | Collect) -> Any:
    return list(call.make()) if isinstance(call, Collect) else call.make()


async def _awaited(call: ClientCall | Collect) -> Any:
    if isinstance(call, Collect):
        return [row async for row in call.make()]
    return await call.make()
