"""Flows: every decision about a call as a generator without I/O, and the two loops that run one.

    flow ──Outgoing──> the loop sends it once     ──Answer──> flow
         ──Sleep────> the loop sleeps             ──None────> flow
                      sending fails: the exception is thrown into the flow, which decides what it proves

A flow is written once and serves both clients: `run_flow` blocks, `run_flow_awaited` awaits. Neither decides anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import NamedTuple, TypeAlias, TypeVar

from paydown.transport.channel import Answer, Outgoing

T = TypeVar("T")
CommandT = TypeVar("CommandT")
ResultT = TypeVar("ResultT")


class Sleep(NamedTuple):
    """Ask the loop to do nothing for so many seconds."""

    seconds: float


Command: TypeAlias = Outgoing | Sleep
Flow: TypeAlias = Generator[Command, Answer | None, T]


def run_flow(
    flow: Generator[CommandT, ResultT, T],
    perform: Callable[[CommandT], ResultT],
    *,
    caught: type[BaseException] = Exception,
    on_error: Callable[[BaseException], object] | None = None,
) -> T:
    """Run a flow to its end, blocking, and return its result.

    Args:
        flow: The generator to run.
        perform: Carries out one command. Its result, or its exception, goes back into the flow.
        caught: Exceptions of `perform` that the flow is to see; others leave the flow where it is.
        on_error: Called with such an exception before the flow sees it.
    """
    try:
        command = next(flow)
        while True:
            try:
                result = perform(command)
            except caught as error:
                if on_error is not None:
                    on_error(error)
                command = flow.throw(error)
            else:
                command = flow.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value


async def run_flow_awaited(
    flow: Generator[CommandT, ResultT, T],
    perform: Callable[[CommandT], Awaitable[ResultT]],
    *,
    caught: type[BaseException] = Exception,
    on_error: Callable[[BaseException], object] | None = None,
) -> T:
    """Run a flow to its end, awaiting each command, and return its result.

    Args:
        flow: The generator to run.
        perform: Carries out one command. Its result, or its exception, goes back into the flow.
        caught: Exceptions of `perform` that the flow is to see; others leave the flow where it is.
        on_error: Called with such an exception before the flow sees it.
    """
    try:
        command = next(flow)
        while True:
            try:
                result = await perform(command)
            except caught as error:
                if on_error is not None:
                    on_error(error)
                command = flow.throw(error)
            else:
                command = flow.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
