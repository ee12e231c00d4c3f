"""The exchange as an ASGI application.

Calls of the exchange take a short path: raw bytes in, `Exchange.handle`, raw bytes out, with
no routing and no request objects in between. Everything that is handled in one turn of the event loop
shares one commit, and an answer that must be durable is sent only after it. The control API
under /_sandbox/ is a Starlette application (see `control`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from paydown_sandbox.exchange import LARGEST_BODY, Exchange
from paydown_sandbox.store import Store, StoreError
from paydown_sandbox.wire import RawRequest, RawResponse

__all__ = ["ABORT", "Application", "Committer"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Where the server's protocol leaves the function that drops the connection (see `process`).
ABORT = "paydown_sandbox.abort"

_log = logging.getLogger("paydown_sandbox")


class Committer:
    """Groups commits: whoever waits in the same turn of the event loop waits for the same transaction."""

    def __init__(self, exchange: Exchange, store: Store | None, *, in_thread: bool = False) -> None:
        self.exchange = exchange
        self.store = store
        self.failed: StoreError | None = None
        self.on_failure: Callable[[], None] | None = None
        self._in_thread = in_thread
        self._waiting: asyncio.Future[None] | None = None
        self._running = False
        self._tidy: asyncio.TimerHandle | None = None

    def ticked(self) -> None:
        """Store what happened by itself, then deliver its events."""
        waiting = self.durable()
        if waiting is None:
            self.exchange.streams.deliver()
        else:
            waiting.add_done_callback(self._deliver)

    def _deliver(self, done: asyncio.Future[None]) -> None:
        if done.exception() is None:
            self.exchange.streams.deliver()

    def soon(self) -> None:
        """Have what nobody waits for (the log of reads) written within a second."""
        if self.store is not None and self._waiting is None and self._tidy is None:
            self._tidy = asyncio.get_running_loop().call_later(1.0, self._tidy_up)

    def _tidy_up(self) -> None:
        self._tidy = None
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
            self._waiting.add_done_callback(lambda done: done.exception())
            self._commit()

    def durable(self) -> asyncio.Future[None] | None:
        """What to wait for until everything handled so far is on disk; `None` if it needs no waiting."""
        if self.store is None:
            self.exchange.forget_changes()
            return None
        waiting = self._waiting
        if waiting is None:
            loop = asyncio.get_running_loop()
            waiting = self._waiting = loop.create_future()
            if not self._running:
                loop.call_soon(self._commit)
        return waiting

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None or self.store is None:
            return
        if self.failed is not None:
            waiting.set_exception(self.failed)
            return
        try:
            work = self.store.collect(self.exchange)
            if self._in_thread:
                self._running = True
                running = asyncio.get_running_loop().run_in_executor(None, self.store.write, work)
                running.add_done_callback(lambda done: self._written(waiting, done.exception()))
                return
            self.store.write(work)
        except StoreError as error:
            self._fail(waiting, error)
            return
        waiting.set_result(None)

    def _written(self, waiting: asyncio.Future[None], error: BaseException | None) -> None:
        self._running = False
        if error is not None:
            self._fail(waiting, error if isinstance(error, StoreError) else StoreError(str(error)))
        elif not waiting.done():
            waiting.set_result(None)
        if self._waiting is not None:
            self._commit()

    def _fail(self, waiting: asyncio.Future[None], error: StoreError) -> None:
        # Memory is ahead of the disk now, so nothing more may be answered from it.
        self.failed = error
        _log.critical("%s", error)
        if not waiting.done():
            waiting.set_exception(error)
        if self.on_failure is not None:
            self.on_failure()


class Application:
    """ASGI 3 application around one exchange.

    Args:
        exchange: What answers.
        store: Where it lasts; memory only if absent.
        control: ASGI application for the paths under /_sandbox/.
        stream: ASGI application for websockets.
    """

    def __init__(
        self,
        exchange: Exchange,
        committer: Committer,
        control: Callable[[Scope, Receive, Send], Awaitable[None]],
        stream: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None,
    ) -> None:
        self.exchange = exchange
        self.committer = committer
        self._control = control
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of the ASGI protocol."""
        kind = scope["type"]
        if kind == "http":
            path = scope["path"]
            if path.startswith("/_sandbox"):
                await self._control(scope, receive, send)
                return
            await self._http(scope, receive, send)
        elif kind == "websocket" and self._stream is not None:
            await self._stream(scope, receive, send)
        elif kind == "lifespan":
            await self._lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        body = message.get("body", b"")
        while message.get("more_body", False):
            message = await receive()
            if len(body) <= LARGEST_BODY:  # one more byte than allowed is enough to refuse it
                body += message.get("body", b"")
        if message["type"] == "http.disconnect":
            return  # the client left before its request was complete: nothing has arrived
        client = scope.get("client")
        raw_path = scope.get("raw_path")
        request = RawRequest(
            scope["method"],
            raw_path.decode("latin-1") if raw_path else scope["path"],
            scope["query_string"],
            scope["headers"],
            body,
            client[0] if client else "127.0.0.1",
        )
        handle = self.exchange.handle
        response = handle(request)
        while response.action == "again":
            await asyncio.sleep(response.delay_ms / 1000)
            response = handle(request._replace(held=response.held))
        if response.durable:
            waiting = self.committer.durable()
            if waiting is not None:
                try:
                    await asyncio.shield(waiting) if response.delay_ms else await waiting
                except StoreError:
                    response.action = "reset"
        else:
            self.committer.soon()
        self.exchange.streams.deliver()
        if response.delay_ms:
            await asyncio.sleep(response.delay_ms / 1000)
        if response.release is not None:
            self.exchange.release(response.release)
        if response.action == "send":
            await send(
                {"type": "http.response.start", "status": response.status, "headers": response.headers}
            )
            await send({"type": "http.response.body", "body": response.body})
        else:
            await self._drop(scope, receive, send, response)

    async def _drop(self, scope: Scope, receive: Receive, send: Send, response: RawResponse) -> None:
        """Lose the answer, or half of it, the way a broken connection does."""
        abort = scope.get("state", {}).get(ABORT)
        if abort is None:
            from paydown_sandbox.in_process import AnswerLost

            raise AnswerLost("the sandbox dropped the connection, as a fault asked it to")
        if response.action == "truncate":
            await send(
                {"type": "http.response.start", "status": response.status, "headers": response.headers}
            )
            half = response.body[: len(response.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await asyncio.sleep(0.02)  # lets the bytes leave before the connection does
        abort(rude=response.action == "reset")
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await send({"type": "lifespan.shutdown.complete"})
                return
