"""`Client` and `AsyncClient`: the same calls, blocking and awaited.

Both are thin drivers of one flow (`paydown.call.call`), which takes every decision. The calls themselves,
`pm.margin`, `pm.account` and so on, are generated from the document (`paydown_wire.resources`) and know
nothing of HTTP.

A `Client` may be shared by threads: calls run side by side on pooled connections, and what one thread left
unresolved guards the others, too. An `AsyncClient` may be shared by tasks; it keeps connections for one event
loop at a time.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urlsplit

from paydown.budget.charges import Charges
from paydown.budget.protocol import Priority, Ticket
from paydown.budget.select import BudgetName, budget_name, open_budget
from paydown.call.attempts import Attempt, AttemptObserver, Attempts
from paydown.call.call import Core, Flow, Sleep, default_recv_window
from paydown.call.outcome import Answer
from paydown.call.pagination import Pager
from paydown.call.parameters import checked_recv_window
from paydown.call.request import RequestMaker
from paydown.call.retry import ReadRetries
from paydown.clock import Clock, ExchangeClock, machine_ms
from paydown.errors import BudgetExceeded, InvalidCredentials, InvalidRequest, InvalidRequestType
from paydown.events import Event, LastCall, Reporter
from paydown.traceback_frames import forget_frames, without_frames
from paydown.transport.channel import Address, NotSent, parse_proxy
from paydown_wire.error_codes import CLOCKS, SERVERS
from paydown_wire.operations import REPAY_DEBT, SERVER_TIME

if TYPE_CHECKING:
    import asyncio
    import ssl
    from contextlib import AbstractContextManager

    import httpx

    from paydown.budget.protocol import Budget
    from paydown.credentials import Credentials
    from paydown.transport.channel import AsyncChannel, Channel
    from paydown.transport.pins import Pins
    from paydown_wire import resources
    from paydown_wire.operation import Operation

T = TypeVar("T")

BASE_URL_VARIABLE = "PAYDOWN_BASE_URL"
_OF_THE_PARENT = "the transport's connections belong to the process that forked: make a client in this one"


# Transports that are known to open connections.
_NETWORK_TRANSPORTS = frozenset({"HTTPTransport", "AsyncHTTPTransport", "AiohttpTransport"})


def _reaches_out(transport: object) -> bool:
    """Whether requests go to the network: through our own connections, or a transport that has some."""
    return transport is None or any(
        base.__name__ in _NETWORK_TRANSPORTS and base.__module__.startswith("httpx")
        for base in type(transport).__mro__
    )


class _Base:
    """What both clients have in common: settings, attempts, and what they tell about themselves."""

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        base_url: str | None = None,
        transport: object = None,
        connect_timeout_s: float | None = None,
        answer_timeout_s: float | None = None,
        recv_window: int | None = None,
        clock: Clock | None = None,
        budget: Budget | BudgetName | None = None,
        max_wait_s: float = 65.0,
        retries: ReadRetries | None = None,
        observer: AttemptObserver | None = None,
        on_event: Callable[[Event], object] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        pin: str | Sequence[str] | None = None,
        ticks: Callable[[], int] = machine_ms,
    ) -> None:
        _check_credentials(credentials)
        for name, seconds in (
            ("connect_timeout_s", connect_timeout_s),
            ("answer_timeout_s", answer_timeout_s),
        ):
            if seconds is not None:
                _check_seconds(name, seconds)
                if not seconds > 0:
                    raise InvalidRequest(
                        f"{name} must be a positive number of seconds, not {seconds!r}.", parameter=name
                    )
        _check_seconds("max_wait_s", max_wait_s)
        if base_url is None:
            base_url = os.environ.get(BASE_URL_VARIABLE) or None
        if proxy is not None:
            parse_proxy(proxy)
        _check_connections(transport, base_url, ssl_context=ssl_context, proxy=proxy, pin=pin)
        requests = RequestMaker(
            credentials,
            base_url=base_url,
            connect_timeout_s=connect_timeout_s,
            answer_timeout_s=answer_timeout_s,
        )
        address = requests.address(SERVER_TIME.server)
        _check_not_in_the_clear(address)
        if clock is None:
            # Another address has another clock; the exchange's fallback clocks mean nothing there.
            own = f"{address.origin}{address.prefix}{SERVER_TIME.path}"
            clock = ExchangeClock(CLOCKS if base_url is None else (own,))
        self._own_budget: Budget | None = (
            None  # to be closed with the client; one that was passed is its owner's
        )
        if budget is None or isinstance(budget, str):
            # A transport that is no network's leads to a test or a double, whatever the address says.
            host = address.host.decode("ascii") if _reaches_out(transport) else "localhost"
            name = budget_name(budget, host)
            budget = open_budget(name, address.origin, clock if isinstance(clock, ExchangeClock) else None)
            self._own_budget = budget
        self._core = Core(
            requests=requests,
            clock=clock,
            budget=budget,
            charges=Charges(credentials),
            attempts=Attempts(),
            retries=retries or ReadRetries(),
            reporter=Reporter(on_event),
            observer=observer,
            recv_window=default_recv_window() if recv_window is None else checked_recv_window(recv_window),
            max_wait_s=max_wait_s,
            ticks=ticks,
        )
        self._ssl_context = ssl_context
        self._proxy = proxy
        self._pins: Pins | None = None
        if pin is not None:
            from paydown.transport.pins import Pins

            self._pins = Pins(pin)

    @property
    def base_url(self) -> str:
        """Where calls of the Portfolio Margin API go."""
        address = self._core.requests.address(SERVER_TIME.server)
        return address.origin + address.prefix

    @property
    def clock(self) -> Clock:
        """Tells the exchange's time, UTC milliseconds."""
        return self._core.clock

    @property
    def budget(self) -> Budget:
        """The ledger of request weight."""
        return self._core.budget

    @property
    def last(self) -> LastCall | None:
        """The last request and its answer, whatever thread or task made it; None before the first."""
        return self._core.last

    @property
    def credentials(self) -> Credentials | None:
        """Who signs; None if nobody does."""
        return self._core.requests.credentials

    @property
    def recv_window(self) -> int:
        """How long after its timestamp the exchange may accept a request, ms, unless a call says more."""
        return self._core.recv_window

    def observing(self, observer: AttemptObserver) -> AbstractContextManager[None]:
        """Let one more observer watch the attempts that this thread or task makes in a `with` block.

        It is asked after the client's own observer, and may refuse as well. When the block ends it is forgotten.

            with pm.observing(journal):
                pm.margin.repay_debt(asset="BNB")
        """
        return self._core.attempts.observing(observer)

    def room_in_ms(self, weight: int) -> int:
        """Say how long it takes until the budget has room for so much weight beside what is used; 0 if it has.

        Args:
            weight: Request weight, on the counter that `margin.repay_debt` is charged to.

        Returns:
            Milliseconds. Nothing is reserved: another process may take the room meanwhile.

        Raises:
            BudgetExceeded: No interval has room for so much.
            BudgetUnavailable: The ledger cannot be used.
        """
        core = self._core
        charge = replace(core.charges.of(REPAY_DEBT, {})[0], cost=weight)
        try:
            grant = core.budget.acquire((charge,), timeout_ms=1000, priority=Priority.WRITE)
        except ValueError as error:
            raise BudgetExceeded(f"There is never room for that: {error}.") from error
        if isinstance(grant, Ticket):
            core.budget.settle(grant, ended="not-sent")
            return 0
        if grant.place is not None:
            core.budget.leave(grant.place)
        return max(1, grant.wait_ms)

    @property
    def unresolved(self) -> tuple[Attempt, ...]:
        """Attempts that may have happened, oldest first. Each keeps its debt from being repaid until
        `settle()`."""
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

    def _shut(self) -> None:
        """Take no more calls, and release the file of the budget."""
        self._core.closed = True
        if self._own_budget is not None:
            self._own_budget.close()

    def __repr__(self) -> str:
        credentials = self._core.requests.credentials
        state = " closed" if self._core.closed else ""
        return f"<{type(self).__name__} {self.base_url} {credentials!r}{state}>"


def _check_credentials(credentials: object) -> None:
    """A secret passed instead of credentials would be shown by `repr(client)`."""
    if credentials is None:
        return
    from paydown.credentials import Credentials

    if not isinstance(credentials, Credentials):
        raise InvalidCredentials(
            "credentials must be made by Credentials.from_env(), .hmac(), .rsa() or .ed25519(), not be a"
            f" {type(credentials).__name__}."
        )


def _check_connections(
    transport: object,
    base_url: str | None,
    *,
    ssl_context: ssl.SSLContext | None,
    proxy: str | None,
    pin: str | Sequence[str] | None,
) -> None:
    """Refuse what would silently have no effect, and connections that nobody verifies."""
    if transport is not None:
        for name, value in (("ssl_context", ssl_context), ("proxy", proxy), ("pin", pin)):
            if value is not None:
                raise InvalidRequest(
                    f"{name} is for our own connections, and transport takes their place: leave one of them"
                    " out. A transport of httpx has settings of its own for TLS and proxies.",
                    parameter=name,
                )
    if pin is not None and base_url is not None and not base_url.lower().startswith("https:"):
        raise InvalidRequest("pin needs an https base URL: without TLS no key is shown.", parameter="pin")
    if ssl_context is not None and pin is None:
        from ssl import CERT_REQUIRED

        if ssl_context.verify_mode != CERT_REQUIRED or not ssl_context.check_hostname:
            raise InvalidRequest(
                "ssl_context must verify certificates and host names, or anybody on the way can repay, and read"
                " the key. Trust a private authority with ssl.create_default_context(cafile=...), or say which"
                " public key the server has: pin=.",
                parameter="ssl_context",
            )


def _check_not_in_the_clear(address: Address) -> None:
    """Refuse http:// for any host of the exchange: anybody on the way could read the key, and change the answer."""
    host = address.host.decode("ascii").lower().rstrip(".")
    if address.scheme != b"http":
        return
    for server in SERVERS.values():
        domain = ".".join((urlsplit(server).hostname or "").split(".")[-2:])
        if f".{host}".endswith(f".{domain}"):
            raise InvalidRequest(
                f"http:// would send the key to the exchange unencrypted. Write https://{host}.",
                parameter="base_url",
            )


def _check_seconds(name: str, seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise InvalidRequestType(
            f"{name} must be a number of seconds, not {type(seconds).__name__}.", parameter=name
        )
    if not 0 <= seconds < float("inf"):
        raise InvalidRequest(
            f"{name} must be a number of seconds, neither negative nor infinite, not {seconds!r}.",
            parameter=name,
        )


class Client(_Base):
    """Calls the exchange, blocking. Safe to share between threads.

    Args:
        credentials: Who signs. Without them only calls that need no key work.
        base_url: Where every call goes, such as "http://127.0.0.1:8087". None asks `PAYDOWN_BASE_URL`, then
            takes the servers of the document.
        transport: A transport of httpx to send through instead of our own connections. It must send a request
            at most once.
        connect_timeout_s: Instead of the document's 3 s, for every call.
        answer_timeout_s: Instead of the document's 10 s, for every call: from the first byte sent to the last
            read.
        recv_window: How long the exchange may still accept a request, ms. Default: the document's 5000.
        clock: Tells the exchange's time. Default: an `ExchangeClock` that asks the exchange when needed.
        budget: The ledger of request weight: "shared" by all processes of this user on this machine (in the
            state directory), "memory" for this client alone, or a `Budget`. Default: PAYDOWN_BUDGET, then
            "shared", except for an exchange on this machine and for a `transport` that is no network's:
            "memory".
        max_wait_s: Longest wait for room in the budget; a call that would wait longer is refused.
        retries: How reads are repeated. Calls that change something never are.
        observer: Watches attempts, and may refuse them before they are sent.
        on_event: Is told what happens, for metrics.
        ssl_context: TLS settings. Default: verified against the usual certificates.
        proxy: URL of a proxy. The environment is not asked for one.
        pin: The only public keys that a server may have, each like "sha256//…=" (see `transport.pins`), on every
            connection: name those of all hosts that you call. A server with another one is never sent to.
        ticks: Milliseconds that only run forward, for waits and deadlines.
        sleep: Waits for so many seconds.

    Raises:
        InvalidRequest: A setting cannot be used.
    """

    @without_frames  # the password of a proxy, or a secret in the place of credentials, may be among the arguments
    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        base_url: str | None = None,
        transport: httpx.BaseTransport | None = None,
        connect_timeout_s: float | None = None,
        answer_timeout_s: float | None = None,
        recv_window: int | None = None,
        clock: Clock | None = None,
        budget: Budget | BudgetName | None = None,
        max_wait_s: float = 65.0,
        retries: ReadRetries | None = None,
        observer: AttemptObserver | None = None,
        on_event: Callable[[Event], object] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        pin: str | Sequence[str] | None = None,
        ticks: Callable[[], int] = machine_ms,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        super().__init__(
            credentials,
            base_url=base_url,
            transport=transport,
            connect_timeout_s=connect_timeout_s,
            answer_timeout_s=answer_timeout_s,
            recv_window=recv_window,
            clock=clock,
            budget=budget,
            max_wait_s=max_wait_s,
            retries=retries,
            observer=observer,
            on_event=on_event,
            ssl_context=ssl_context,
            proxy=proxy,
            pin=pin,
            ticks=ticks,
        )
        self._transport = transport
        self._sleep = sleep
        self._channel: tuple[int, Channel] | None = None  # and the process that opened it
        self._channel_lock = threading.Lock()

    @cached_property
    def market(self) -> resources.MarketResource:
        """Reachability, the exchange's clock, index prices."""
        from paydown_wire.resources.market import MarketResource

        return MarketResource(self)

    @cached_property
    def account(self) -> resources.AccountResource:
        """What the account holds and owes."""
        from paydown_wire.resources.account import AccountResource

        return AccountResource(self)

    @cached_property
    def margin(self) -> resources.MarginResource:
        """Borrowing and repaying margin debt, and the ceilings of both."""
        from paydown_wire.resources.margin import MarginResource

        return MarginResource(self)

    @cached_property
    def records(self) -> resources.RecordsResource:
        """What was borrowed, repaid and charged."""
        from paydown_wire.resources.records import RecordsResource

        return RecordsResource(self)

    @cached_property
    def futures_debt(self) -> resources.FuturesDebtResource:
        """Negative futures balances: a different debt, which repay-debt does not cover."""
        from paydown_wire.resources.futures_debt import FuturesDebtResource

        return FuturesDebtResource(self)

    @cached_property
    def stream(self) -> resources.StreamResource:
        """The key that opens the user data stream."""
        from paydown_wire.resources.stream import StreamResource

        return StreamResource(self)

    def send(self, operation: Operation, arguments: Mapping[str, object], decode: Callable[[object], T]) -> T:
        """Make one call of the document. The resources use this; so may you, with `paydown_wire.operations`.

        Args:
            operation: What to call.
            arguments: Values by wire name.
            decode: Reads the answer's JSON, in which numbers with a fraction are `Decimal`.
        """
        return self._drive(self._core.call(operation, arguments, decode))

    def iterate(
        self, operation: Operation, arguments: Mapping[str, object], decode_row: Callable[[object], T]
    ) -> Iterator[T]:
        """Read a list to its end, page by page and window by window. The resources' `iter_` methods use
        this."""
        pager = Pager(operation, arguments, decode_row, now_ms=self._core.clock.now_ms)
        return self._rows(pager)

    def _rows(self, pager: Pager[T]) -> Iterator[T]:
        while (asked := pager.next_request()) is not None:
            yield from self.send(pager.operation, asked, pager.take)

    def close(self) -> None:
        """Close every connection. Calls made afterwards raise `ClientClosed`; calls in flight lose their
        answer."""
        self._shut()
        opened = self._channel
        if opened is not None and opened[0] != os.getpid():
            return  # the parent's: to hang up here would take its answers away
        with self._channel_lock:
            opened, self._channel = self._channel, None
        if opened is not None:
            opened[1].close()
        elif self._transport is not None:
            self._transport.close()

    def __enter__(self) -> Self:
        self._core.check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # The driver: no decisions here.

    def _drive(self, flow: Flow[T]) -> T:
        sleep, handled = self._sleep, sys.exception()
        try:
            command = next(flow)
            while True:
                try:
                    if isinstance(command, Sleep):
                        sleep(command.seconds)
                        answer: Answer | None = None
                    else:
                        answer = self._open_channel().exchange(command)
                except BaseException as error:  # noqa: BLE001  # the flow decides what it means, an interrupt included
                    forget_frames(error, handled)  # the request is in their variables
                    command = flow.throw(error)
                else:
                    command = flow.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _open_channel(self) -> Channel:
        opened = self._channel
        # A child made by fork shares the parent's sockets: two processes would read each other's answers.
        if opened is not None and opened[0] == os.getpid():
            return opened[1]
        with self._channel_lock:
            if self._core.closed:
                raise NotSent("the client was closed meanwhile")
            opened = self._channel
            if opened is None or opened[0] != os.getpid():
                if opened is not None and self._transport is not None:
                    raise NotSent(_OF_THE_PARENT)
                opened = self._channel = (os.getpid(), self._new_channel())
            return opened[1]

    def _new_channel(self) -> Channel:
        try:
            if self._transport is not None:
                from paydown.transport.httpx_adapter import HttpxChannel

                return HttpxChannel(self._transport)
            if self._proxy is not None:
                from paydown.transport.proxy import ProxyChannel

                return ProxyChannel(self._proxy, ssl_context=self._ssl_context, pins=self._pins)
            from paydown.transport.direct import DirectChannel

            return DirectChannel(ssl_context=self._ssl_context, pins=self._pins)
        except NotSent:
            raise
        except Exception as error:
            raise NotSent(f"connections could not be set up: {type(error).__name__}: {error}") from error


class AsyncClient(_Base):
    """Calls the exchange, awaited (asyncio). Method for method the same as `Client`.

    Its arguments are those of `Client`, but for `transport`, which is an async one, and `sleep`, which is
    awaited.
    """

    @without_frames  # the password of a proxy, or a secret in the place of credentials, may be among the arguments
    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        base_url: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        connect_timeout_s: float | None = None,
        answer_timeout_s: float | None = None,
        recv_window: int | None = None,
        clock: Clock | None = None,
        budget: Budget | BudgetName | None = None,
        max_wait_s: float = 65.0,
        retries: ReadRetries | None = None,
        observer: AttemptObserver | None = None,
        on_event: Callable[[Event], object] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        pin: str | Sequence[str] | None = None,
        ticks: Callable[[], int] = machine_ms,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        super().__init__(
            credentials,
            base_url=base_url,
            transport=transport,
            connect_timeout_s=connect_timeout_s,
            answer_timeout_s=answer_timeout_s,
            recv_window=recv_window,
            clock=clock,
            budget=budget,
            max_wait_s=max_wait_s,
            retries=retries,
            observer=observer,
            on_event=on_event,
            ssl_context=ssl_context,
            proxy=proxy,
            pin=pin,
            ticks=ticks,
        )
        self._transport = transport
        self._sleep = sleep
        # And the process and the loop that opened it.
        self._channel: tuple[int, asyncio.AbstractEventLoop, AsyncChannel] | None = None

    @cached_property
    def market(self) -> resources.AsyncMarketResource:
        """Reachability, the exchange's clock, index prices."""
        from paydown_wire.resources.market import AsyncMarketResource

        return AsyncMarketResource(self)

    @cached_property
    def account(self) -> resources.AsyncAccountResource:
        """What the account holds and owes."""
        from paydown_wire.resources.account import AsyncAccountResource

        return AsyncAccountResource(self)

    @cached_property
    def margin(self) -> resources.AsyncMarginResource:
        """Borrowing and repaying margin debt, and the ceilings of both."""
        from paydown_wire.resources.margin import AsyncMarginResource

        return AsyncMarginResource(self)

    @cached_property
    def records(self) -> resources.AsyncRecordsResource:
        """What was borrowed, repaid and charged."""
        from paydown_wire.resources.records import AsyncRecordsResource

        return AsyncRecordsResource(self)

    @cached_property
    def futures_debt(self) -> resources.AsyncFuturesDebtResource:
        """Negative futures balances: a different debt, which repay-debt does not cover."""
        from paydown_wire.resources.futures_debt import AsyncFuturesDebtResource

        return AsyncFuturesDebtResource(self)

    @cached_property
    def stream(self) -> resources.AsyncStreamResource:
        """The key that opens the user data stream."""
        from paydown_wire.resources.stream import AsyncStreamResource

        return AsyncStreamResource(self)

    async def send(
        self, operation: Operation, arguments: Mapping[str, object], decode: Callable[[object], T]
    ) -> T:
        """Make one call of the document. The resources use this; so may you, with `paydown_wire.operations`.

        Args:
            operation: What to call.
            arguments: Values by wire name.
            decode: Reads the answer's JSON, in which numbers with a fraction are `Decimal`.
        """
        return await self._drive(self._core.call(operation, arguments, decode))

    def iterate(
        self, operation: Operation, arguments: Mapping[str, object], decode_row: Callable[[object], T]
    ) -> AsyncIterator[T]:
        """Read a list to its end, page by page and window by window. The resources' `iter_` methods use
        this."""
        pager = Pager(operation, arguments, decode_row, now_ms=self._core.clock.now_ms)
        return self._rows(pager)

    async def _rows(self, pager: Pager[T]) -> AsyncIterator[T]:
        while (asked := pager.next_request()) is not None:
            for row in await self.send(pager.operation, asked, pager.take):
                yield row

    async def aclose(self) -> None:
        """Close every connection. Calls made afterwards raise `ClientClosed`; calls in flight lose their
        answer."""
        import asyncio

        self._shut()
        opened, self._channel = self._channel, None
        if opened is None:
            if self._transport is not None:
                await self._transport.aclose()
        elif opened[0] == os.getpid() and (
            opened[1] is asyncio.get_running_loop() or self._transport is not None
        ):
            await opened[2].aclose()
        # Else they are the parent's, whose answers would be taken away, or another loop's, who alone can close them.

    async def __aenter__(self) -> Self:
        self._core.check_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # The driver: no decisions here.

    async def _drive(self, flow: Flow[T]) -> T:
        handled = sys.exception()
        try:
            command = next(flow)
            while True:
                try:
                    if isinstance(command, Sleep):
                        await self._pause(command.seconds)
                        answer: Answer | None = None
                    else:
                        answer = await self._open_channel().exchange(command)
                except BaseException as error:  # noqa: BLE001  # the flow decides what it means, a cancellation included
                    forget_frames(error, handled)  # the request is in their variables
                    command = flow.throw(error)
                else:
                    command = flow.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _pause(self, seconds: float) -> None:
        import asyncio

        await (asyncio.sleep if self._sleep is None else self._sleep)(seconds)

    def _open_channel(self) -> AsyncChannel:
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise NotSent(
                "AsyncClient needs a running event loop of asyncio; no other library's will do"
            ) from error
        opened = self._channel
        if opened is not None and opened[0] == os.getpid():
            # Connections belong to the loop that opened them. Those of another loop are left to it.
            if opened[1] is loop or self._transport is not None:
                return opened[2]
        elif opened is not None and self._transport is not None:
            raise NotSent(_OF_THE_PARENT)
        if self._core.closed:
            raise NotSent("the client was closed meanwhile")
        self._channel = os.getpid(), loop, self._new_channel()
        return self._channel[2]

    def _new_channel(self) -> AsyncChannel:
        try:
            if self._transport is not None:
                from paydown.transport.httpx_adapter import AsyncHttpxChannel

                return AsyncHttpxChannel(self._transport)
            if self._proxy is not None:
                from paydown.transport.proxy import AsyncProxyChannel

                return AsyncProxyChannel(self._proxy, ssl_context=self._ssl_context, pins=self._pins)
            from paydown.transport.direct_async import AsyncDirectChannel

            return AsyncDirectChannel(ssl_context=self._ssl_context, pins=self._pins)
        except NotSent:
            raise
        except Exception as error:
            raise NotSent(f"connections could not be set up: {type(error).__name__}: {error}") from error
