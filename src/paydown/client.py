"""`Client` and `AsyncClient`: the same calls, blocking and awaited.

Both run the same flow (`paydown.call.call`), which takes every decision. The calls themselves, `pm.margin`,
`pm.account` and so on, are generated from the document (`paydown_wire.client_resources`) and know nothing of HTTP. So
`pm.margin.repay_debt(...)` reads downward: the resource calls `send`, `send` runs the flow of `Core.call`, and the flow
hands one finished request to a channel, which writes it to the socket.

A `Client` may be shared by threads: calls run at the same time on pooled connections, and an attempt that one thread
left unresolved guards its debt in the others, too. An `AsyncClient` may be shared by tasks; it keeps connections for
one event loop at a time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from paydown.budget.protocol import Priority, Reservation
from paydown.call.attempts import Attempt, AttemptObserver
from paydown.call.flow import Command, Sleep, run_flow, run_flow_awaited
from paydown.client_options import ClientOptions, takes_options_of
from paydown.errors import BudgetExceeded
from paydown.traceback_frames import forget_frames, without_frames
from paydown.transport.held_channel import AsyncHeldChannel, HeldChannel
from paydown_wire.client_resources import AsyncClientResources, ClientResources
from paydown_wire.operations import REPAY_DEBT, SERVER_TIME

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import httpx

    from paydown.budget.protocol import Budget
    from paydown.call.pagination import Pager
    from paydown.clock import Clock
    from paydown.credentials import Credentials
    from paydown.events import LastCall
    from paydown.transport.channel import Answer
    from paydown_wire.operation import Operation

    BlockingOptions = ClientOptions[httpx.BaseTransport, Callable[[float], object]]
    AwaitedOptions = ClientOptions[httpx.AsyncBaseTransport, Callable[[float], Awaitable[object]]]
else:
    # A single class at run time: to name the two transports here would load httpx, which most programs never use.
    BlockingOptions = AwaitedOptions = ClientOptions

T = TypeVar("T")


class _Base:
    """The common base of both clients: options, attempts, and the properties that both show."""

    def __init__(self, options: ClientOptions[Any, Any]) -> None:
        # A budget that is made here is closed with the client; a budget that was passed stays open for its owner.
        self._core, self._own_budget = options.core()

    @property
    def base_url(self) -> str:
        """Return the URL that calls of the Portfolio Margin API go to."""
        address = self._core.requests.address(SERVER_TIME.server)
        return address.origin + address.prefix

    @property
    def clock(self) -> Clock:
        """Return the clock that knows the exchange's time, UTC milliseconds."""
        return self._core.clock

    @property
    def budget(self) -> Budget:
        """Return the budget of request weight."""
        return self._core.budget

    @property
    def last(self) -> LastCall | None:
        """Return the last request of any thread or task, and its answer; None before the first."""
        return self._core.last

    @property
    def credentials(self) -> Credentials | None:
        """Return the credentials that sign the requests; None if there is no key."""
        return self._core.requests.credentials

    @property
    def recv_window(self) -> int:
        """Return how long after its timestamp the exchange may accept a request, ms, unless a call names a limit."""
        return self._core.recv_window

    def observing(self, observer: AttemptObserver) -> AbstractContextManager[None]:
        """Let one more observer watch the attempts that this thread or task makes in a `with` block.

        The client's own observer is asked first, and both may refuse an attempt. After the block the observer is
        forgotten.

            with pm.observing(journal):
                pm.margin.repay_debt(asset="BNB")
        """
        return self._core.attempts.observing(observer)

    def room_in_ms(self, weight: int) -> int:
        """Return how long it takes until the budget has room for so much more weight, milliseconds; 0 if it has.

        Args:
            weight: Request weight, on the counter that `margin.repay_debt` is charged to.

        Returns:
            Milliseconds. Nothing is reserved: another process may take the room meanwhile.

        Raises:
            BudgetExceeded: No interval has room for so much.
            BudgetUnavailable: The budget cannot be used.
        """
        core = self._core
        needed = replace(core.weights.of(REPAY_DEBT, {})[0], cost=weight)
        try:
            grant = core.budget.acquire((needed,), timeout_ms=1000, priority=Priority.WRITE)
        except ValueError as error:
            raise BudgetExceeded(f"There is never room for that: {error}.") from error
        if isinstance(grant, Reservation):
            core.budget.release(grant, ended="not-sent")
            return 0
        if grant.place is not None:
            core.budget.leave(grant.place)
        return max(1, grant.wait_ms)

    @property
    def unresolved(self) -> tuple[Attempt, ...]:
        """Return the attempts that may have been executed, oldest first. Each blocks its debt until it is settled."""
        return self._core.attempts.unresolved

    def settle(self, attempt_id: str, *, executed: bool) -> Attempt:
        """Close an attempt whose outcome you have found out, from the balance or the records.

        Args:
            attempt_id: As in `OutcomeUnknown.attempt_id` and `unresolved`.
            executed: Whether it happened.

        Returns:
            The attempt. Its debt may be repaid again.

        Raises:
            UnknownAttempt: No such attempt is open, or its call is still in flight.
            InvalidRequestType: `executed` is neither True nor False.
        """
        return self._core.attempts.settle(attempt_id, executed=executed)

    def _pager(
        self, operation: Operation, arguments: Mapping[str, object], decode_row: Callable[[object], T]
    ) -> Pager[T]:
        from paydown.call.pagination import Pager  # most programs read no list

        return Pager(operation, arguments, decode_row, now_ms=self._core.clock.now_ms)

    def _shut(self) -> None:
        """Accept no more calls, and release the file of the budget."""
        self._core.closed = True
        if self._own_budget is not None:
            self._own_budget.close()

    def __repr__(self) -> str:
        credentials = self._core.requests.credentials
        state = " closed" if self._core.closed else ""
        return f"<{type(self).__name__} {self.base_url} {credentials!r}{state}>"


class Client(_Base, ClientResources):
    """Calls the exchange, blocking. Safe to share between threads.

    Args:
        credentials: Key and secret that sign. Without them only calls that need no key work.
        base_url: Where every call goes, such as "http://127.0.0.1:8087". None asks `PAYDOWN_BASE_URL`, then
            takes the servers of the document.
        transport: A transport of httpx to send through instead of our own connections. It must send a request
            at most once.
        connect_timeout_s: Instead of the document's 3 s, for every call.
        answer_timeout_s: Instead of the document's 10 s, for every call: from the first byte sent to the last
            read.
        recv_window: How long the exchange may still accept a request, ms. Default: the document's 5000.
        clock: Knows the exchange's time. Default: an `ExchangeClock` that asks the exchange when needed.
        budget: The budget of request weight: "shared" by all processes of this user on this machine (in the
            state directory), "memory" for this client alone, or a `Budget`. Default: PAYDOWN_BUDGET, then
            "shared", except for an exchange on this machine and for a `transport` that opens no connections:
            "memory".
        max_wait_s: Longest wait for room in the budget; a call that would wait longer is refused.
        retries: How reads are repeated. Calls that change something never are.
        observer: Watches attempts, and may refuse them before they are sent.
        on_event: Called with each event, for metrics.
        ssl_context: TLS settings. Default: verified against the usual certificates.
        proxy: URL of a proxy. The environment is not asked for one.
        pin: The only public keys that a server may have, each like "sha256//…=" (see `transport.pins`), on every
            connection: name those of all hosts that you call. A server with another one is never sent to.
        ticks: Milliseconds that only run forward, for waits and deadlines.
        sleep: Waits for so many seconds; None means `time.sleep`.

    Raises:
        InvalidRequest: An option cannot be used.
    """

    @without_frames  # the password of a proxy, or a secret in the place of credentials, may be among the arguments
    @takes_options_of(BlockingOptions)
    def __init__(self, *arguments: Any, **options: Any) -> None:
        chosen = BlockingOptions(*arguments, **options)
        super().__init__(chosen)
        self._channel = HeldChannel(chosen.transport, chosen.proxy, chosen.ssl_context, chosen.pins())
        self._sleep = time.sleep if chosen.sleep is None else chosen.sleep

    def send(self, operation: Operation, arguments: Mapping[str, object], decode: Callable[[object], T]) -> T:
        """Make one call of the document. The resources use this; so may you, with `paydown_wire.operations`.

        Args:
            operation: The operation to call.
            arguments: Values by wire name.
            decode: Reads the answer's JSON, in which numbers with a fraction are `Decimal`.
        """
        return run_flow(
            self._core.call(operation, arguments, decode),
            self._perform,
            caught=BaseException,  # the flow decides what an error proves, that of an interrupt included
            on_error=partial(forget_frames, handled=sys.exception()),  # the request is in their variables
        )

    def iterate(
        self, operation: Operation, arguments: Mapping[str, object], decode_row: Callable[[object], T]
    ) -> Iterator[T]:
        """Read a list to its end, page by page and window by window. The resources' `iter_` methods use this.

        Args:
            operation: The operation to call.
            arguments: Values by wire name, without a page number.
            decode_row: Reads one row.
        """
        return self._rows(self._pager(operation, arguments, decode_row))

    def _rows(self, pager: Pager[T]) -> Iterator[T]:
        while (asked := pager.next_request()) is not None:
            yield from self.send(pager.operation, asked, pager.take)

    def _perform(self, command: Command) -> Answer | None:
        """Carry out one command of a flow, without any decision."""
        if isinstance(command, Sleep):
            self._sleep(command.seconds)
            return None
        return self._channel.get().exchange(command)

    def close(self) -> None:
        """Close every connection.

        Calls made afterwards raise `ClientClosed`; calls in flight lose their answer.
        """
        self._shut()
        self._channel.close()

    def __enter__(self) -> Self:
        self._core.check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Base, AsyncClientResources):
    """Calls the exchange, awaited (asyncio). Method for method the same as `Client`.

    Its arguments are those of `Client`, but for `transport`, which is an async one, and `sleep`, which is awaited.
    """

    @without_frames  # the password of a proxy, or a secret in the place of credentials, may be among the arguments
    @takes_options_of(AwaitedOptions)
    def __init__(self, *arguments: Any, **options: Any) -> None:
        chosen = AwaitedOptions(*arguments, **options)
        super().__init__(chosen)
        self._channel = AsyncHeldChannel(chosen.transport, chosen.proxy, chosen.ssl_context, chosen.pins())
        self._sleep = chosen.sleep

    async def send(
        self, operation: Operation, arguments: Mapping[str, object], decode: Callable[[object], T]
    ) -> T:
        """Make one call of the document. The resources use this; so may you, with `paydown_wire.operations`.

        Args:
            operation: The operation to call.
            arguments: Values by wire name.
            decode: Reads the answer's JSON, in which numbers with a fraction are `Decimal`.
        """
        return await run_flow_awaited(
            self._core.call(operation, arguments, decode),
            self._perform,
            caught=BaseException,  # the flow decides what an error proves, that of a cancellation included
            on_error=partial(forget_frames, handled=sys.exception()),  # the request is in their variables
        )

    def iterate(
        self, operation: Operation, arguments: Mapping[str, object], decode_row: Callable[[object], T]
    ) -> AsyncIterator[T]:
        """Read a list to its end, page by page and window by window. The resources' `iter_` methods use this.

        Args:
            operation: The operation to call.
            arguments: Values by wire name, without a page number.
            decode_row: Reads one row.
        """
        return self._rows(self._pager(operation, arguments, decode_row))

    async def _rows(self, pager: Pager[T]) -> AsyncIterator[T]:
        while (asked := pager.next_request()) is not None:
            for row in await self.send(pager.operation, asked, pager.take):
                yield row

    async def _perform(self, command: Command) -> Answer | None:
        """Carry out one command of a flow, without any decision."""
        if not isinstance(command, Sleep):
            return await self._channel.get().exchange(command)
        if self._sleep is None:
            import asyncio

            await asyncio.sleep(command.seconds)
        else:
            await self._sleep(command.seconds)
        return None

    async def aclose(self) -> None:
        """Close every connection.

        Calls made afterwards raise `ClientClosed`; calls in flight lose their answer.
        """
        self._shut()
        await self._channel.aclose()

    async def __aenter__(self) -> Self:
        self._core.check_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
