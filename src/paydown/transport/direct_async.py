"""The connections of the awaited client: the same rules as in `direct`, on asyncio.

A connection is an `asyncio.Protocol`: what arrives goes straight to the parser, with no task, lock or buffer in
between, which is what keeps many calls in flight cheap. (An `asyncio.BufferedProtocol` would be cheaper still, but
behind TLS it loses what its buffer has no room for when the other side hangs up.)
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from paydown.transport.address import Address
from paydown.transport.channel import Answer, Lost, NotSent, Outgoing, reason
from paydown.transport.direct import (
    CONNECTIONS,
    KEEPALIVE_S,
    NEXT_ADDRESS_S,
    READ_AT_ONCE,
    Found,
    alternating,
    default_tls,
    readable,
)
from paydown.transport.http1 import Http1

if TYPE_CHECKING:
    from paydown.transport.pins import Pins


class AsyncDirectChannel:
    """A pool of kept-alive connections of one event loop.

    Args:
        ssl_context: TLS settings; None verifies against the usual certificates.
        pins: The only keys that a server may have; None leaves it to the certificates.
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None, pins: Pins | None = None) -> None:
        self._ssl_context = ssl_context
        self._pins = pins
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[_Connection] = []  # the one that was used last at the end
        self._busy: set[_Connection] = set()
        self._closed = False

    async def exchange(self, outgoing: Outgoing) -> Answer:
        """Send a request on one connection; see `AsyncChannel.exchange`."""
        if self._room.locked():
            try:
                async with asyncio.timeout(outgoing.connect_timeout_s):
                    await self._room.acquire()
            except TimeoutError:
                raise NotSent(f"all {CONNECTIONS} connections are in use") from None
        else:
            await self._room.acquire()
        try:
            connection = self._take(outgoing.address) or await self._open(outgoing)
            keep = False
            try:
                answer = await connection.exchange(outgoing)
                keep = connection.ready_again()
            finally:
                self._give_back(connection, keep)
        finally:
            self._room.release()
        return answer

    async def aclose(self) -> None:
        """Close every connection; see `AsyncChannel.aclose`."""
        self._closed = True
        everyone = [*self._idle, *self._busy]
        self._idle.clear()
        for connection in everyone:
            connection.abort()
        if everyone:
            # The event loop needs a moment to close the sockets; it warns of those that are open when it ends.
            await asyncio.wait([connection.gone for connection in everyone], timeout=1)

    def _take(self, address: Address) -> _Connection | None:
        """Return an idle connection to this address that is still open and silent."""
        now = asyncio.get_running_loop().time()
        for connection in reversed(self._idle):
            if connection.address == address:
                self._idle.remove(connection)
                # The loop may not have read yet: a readable connection means that the other side has hung up, or sent
                # something that was not asked for.
                fresh = connection.silent and now - connection.idle_since < KEEPALIVE_S
                if fresh and not connection.has_more():
                    self._busy.add(connection)
                    return connection
                connection.abort()
                return self._take(address)
        return None

    async def _open(self, outgoing: Outgoing) -> _Connection:
        address, timeout_s = outgoing.address, outgoing.connect_timeout_s
        host = address.host.decode("ascii")
        secure = address.scheme == b"https"
        loop = asyncio.get_running_loop()
        try:
            if secure and self._ssl_context is None:
                self._ssl_context = default_tls()
            async with asyncio.timeout(timeout_s):
                found: Sequence[Found] = await loop.getaddrinfo(
                    host, address.port or (443 if secure else 80), type=socket.SOCK_STREAM
                )
                connected = await _first_that_answers(loop, alternating(found))
                transport, protocol = await loop.create_connection(
                    lambda: _Connection(address, loop),
                    sock=connected,
                    ssl=self._ssl_context if secure else None,
                    server_hostname=host if secure else None,
                )
        except TimeoutError:
            raise NotSent(f"no connection within {timeout_s:g} s") from None
        except NotSent:
            raise
        except Exception as error:  # in each case no byte of the request was handed to a socket
            raise NotSent(reason(error)) from error
        except BaseException as error:
            # This is an interrupt or a cancelled task; the cause shows the caller of this call that nothing has left.
            raise error from NotSent("interrupted before a connection stood")
        if self._pins is not None:
            shown = transport.get_extra_info("ssl_object")
            try:
                self._pins.check(None if shown is None else shown.getpeercert(binary_form=True))
            except NotSent:
                protocol.abort()
                raise
        self._busy.add(protocol)
        return protocol

    def _give_back(self, connection: _Connection, keep: bool) -> None:
        self._busy.discard(connection)
        now = asyncio.get_running_loop().time()
        if self._idle and now - self._idle[0].idle_since >= KEEPALIVE_S:
            self._idle.pop(0).abort()  # one per call is enough to keep up
        if keep and not self._closed:
            connection.idle_since = now
            self._idle.append(connection)
        else:
            connection.abort()


class _Connection(asyncio.Protocol):
    """One connection, plain or TLS, as the event loop sees it."""

    __slots__ = ("_http", "_loop", "_transport", "_waiting", "address", "gone", "idle_since", "silent")

    def __init__(self, address: Address, loop: asyncio.AbstractEventLoop) -> None:
        self.address = address
        self.idle_since = 0.0
        self.silent = True  # open, and nothing came unasked
        self.gone: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._http = Http1()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[None] | None = None

    async def exchange(self, outgoing: Outgoing) -> Answer:
        """Write the request, wait for its answer."""
        data = self._http.begin(outgoing)
        transport = self._transport
        if transport is None or transport.is_closing() or not self.silent:
            raise NotSent("the connection was closed before the request was written")
        waiting = self._waiting = self._loop.create_future()
        limit_s = outgoing.answer_timeout_s
        timer = self._loop.call_later(limit_s, self._end, f"no complete answer within {limit_s:g} s")
        transport.write(data)
        try:
            await waiting
        finally:
            timer.cancel()
            self._waiting = None
        return self._http.answer()

    def ready_again(self) -> bool:
        """Return whether the connection may carry another request, and prepare it for that one."""
        return self.silent and self._http.ready_again()

    def has_more(self) -> bool:
        """Return whether something can be read that the loop has not handed over yet."""
        kept = None if self._transport is None else self._transport.get_extra_info("socket")
        return kept is not None and readable(kept.fileno())

    def abort(self) -> None:
        """Close the connection at once."""
        self.silent = False
        if self._transport is not None:
            self._transport.abort()

    # Methods that the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note that the connection stands, TLS included."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take in bytes of an answer; close the connection if no request waits for any."""
        waiting = self._waiting
        if waiting is None or waiting.done():
            self.abort()
            return
        try:
            complete = self._http.feed(data)
        except Lost as error:
            self._end(str(error))
        else:
            if complete:
                waiting.set_result(None)

    def eof_received(self) -> bool:
        """Note that the other side has hung up; some bodies end so."""
        self.data_received(b"")
        self.silent = False
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is gone."""
        if exc is not None:
            self._read_what_came_early()
        self.silent = False
        self._end("the connection was lost" if exc is None else reason(exc))
        if not self.gone.done():
            self.gone.set_result(None)

    def _read_what_came_early(self) -> None:
        """Read what arrived before a write failed: a server may answer and hang up before it has read everything.

        The loop stops reading when a write fails. Below TLS the socket holds records that only the loop could decrypt:
        there the answer stays lost, which is the careful reading.
        """
        transport, waiting = self._transport, self._waiting
        if transport is None or waiting is None or waiting.done() or transport.get_extra_info("ssl_object"):
            return
        kept = transport.get_extra_info("socket")
        try:
            # The socket of the transport cannot be read, so a duplicate of it is.
            with socket.socket(fileno=os.dup(kept.fileno())) as own:
                own.setblocking(False)
                while not waiting.done():
                    self.data_received(data := own.recv(READ_AT_ONCE))
                    if not data:
                        return
        except (OSError, ValueError):  # nothing there, or a platform whose sockets cannot be doubled so
            return

    def _end(self, why: str) -> None:
        self.silent = False
        waiting = self._waiting
        if waiting is not None and not waiting.done():
            waiting.set_exception(Lost(why))


async def _first_that_answers(loop: asyncio.AbstractEventLoop, addresses: Sequence[Found]) -> socket.socket:
    """Connect to the first address that answers.

    Each address is tried when the one before it has failed, or has been silent for `NEXT_ADDRESS_S`. asyncio's own
    method for this is not in every loop: uvloop has none.
    """
    waiting = list(addresses)
    running: set[asyncio.Task[socket.socket]] = set()
    failure: BaseException = OSError("the name has no address")
    try:
        while waiting or running:
            if waiting:
                running.add(loop.create_task(_connected(loop, waiting.pop(0))))
            done, running = await asyncio.wait(
                running, timeout=NEXT_ADDRESS_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            won = [task.result() for task in done if task.exception() is None]
            for spare in won[1:]:
                spare.close()
            if won:
                return won[0]
            failure = next((error for task in done if (error := task.exception()) is not None), failure)
    finally:
        for task in running:
            task.add_done_callback(_close_what_came_late)
            task.cancel()
    raise failure


async def _connected(loop: asyncio.AbstractEventLoop, found: Found) -> socket.socket:
    family, kind, protocol, _, address = found
    one = socket.socket(family, kind, protocol)
    try:
        one.setblocking(False)
        await loop.sock_connect(one, address)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        one.close()
        raise
    return one


def _close_what_came_late(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
