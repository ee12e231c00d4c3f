"""The exchange as an ASGI application.

Calls of the exchange take a short path: raw bytes in, `Exchange.handle`, raw bytes out, with
no routing and no request objects in between. Everything that is handled in one turn of the event loop
shares one commit, and every answer is sent only after it. The control API
under /_sandbox/ is a Starlette application (see `control`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from paydown_sandbox.exchange import LARGEST_BODY, Exchange
from paydown_sandbox.http_messages import Drop, RawRequest, RawResponse, Retry
from paydown_sandbox.json_text import encode
from paydown_sandbox.serving.browser_guard import BrowserGuard, Refused
from paydown_sandbox.serving.store import Store, StoreError

__all__ = ["ABORT", "Application", "Committer", "refusal_body"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Where the server's protocol leaves the function that drops the connection (see `http_protocol`).
ABORT = "paydown_sandbox.abort"

_IN_PROCESS_NAMES = ("sandbox",)

_log = logging.getLogger("paydown_sandbox")


def refusal_body(refused: Refused) -> bytes:
    """The body of the answer to a request that the guard refuses, in the form of the control API's errors."""
    return encode({"error": {"path": refused.header, "reason": refused.reason}}).encode()


async def _refuse(refused: Refused, send: Send) -> None:
    body = refusal_body(refused)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Committer:
    """Groups commits: whatever is handled in one turn of the event loop shares one transaction."""

    def __init__(self, exchange: Exchange, store: Store | None, *, in_thread: bool = False) -> None:
        self.exchange = exchange
        self.store = store
        self.failed: StoreError | None = None
        self.on_failure: Callable[[], None] | None = None
        self._in_thread = in_thread
        self._waiting: list[Callable[[StoreError | None], None]] = []
        self._scheduled = False
        self._running = False

    def when_durable(self, done: Callable[[StoreError | None], None]) -> None:
        """Call `done` once everything handled so far is on disk, or with the reason why it is not."""
        if self.store is None:
            self.exchange.forget_changes()
            self.exchange.streams.deliver()
            done(None)
            return
        self._waiting.append(done)
        if not self._scheduled and not self._running:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._commit)

    async def durable(self) -> None:
        """Wait until everything handled so far is on disk.

        Raises:
            StoreError: The disk did not take it.
        """
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[None] = loop.create_future()

        def done(error: StoreError | None) -> None:
            if waiting.done():
                return  # whoever waited was cancelled
            if error is None:
                waiting.set_result(None)
            else:
                waiting.set_exception(error)

        self.when_durable(done)
        await waiting

    def ticked(self) -> None:
        """Store what happened by itself; its events are delivered with it."""
        self.when_durable(lambda error: None)

    def _commit(self) -> None:
        self._scheduled = False
        waiting, self._waiting = self._waiting, []
        if not waiting or self.store is None:
            return
        if self.failed is not None:
            self._finish(waiting, self.failed)
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
            self._fail(error)
        self._finish(waiting, self.failed)

    def _written(
        self, waiting: list[Callable[[StoreError | None], None]], error: BaseException | None
    ) -> None:
        self._running = False
        if error is not None:
            self._fail(error if isinstance(error, StoreError) else StoreError(str(error)))
        self._finish(waiting, self.failed)
        if self._waiting:
            self._commit()

    def _finish(self, waiting: list[Callable[[StoreError | None], None]], error: StoreError | None) -> None:
        if error is None:
            self.exchange.streams.deliver()
        for done in waiting:
            done(error)

    def _fail(self, error: StoreError) -> None:
        # Memory is ahead of the disk now, so nothing more may be answered from it.
        self.failed = error
        _log.critical("%s", error)
        if self.on_failure is not None:
            self.on_failure()


class Application:
    """ASGI 3 application around one exchange.

    Args:
        exchange: What answers.
        committer: Writes down what happened, if the exchange lasts in a file.
        control: ASGI application for the paths under /_sandbox/.
        stream: ASGI application for websockets.

    Attributes:
        guard: Refuses what web pages of other sites send. In process, where no page can be, the host may be called
            `sandbox`; a server replaces it by the guard of the address it listens on.
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
        self.guard = BrowserGuard(names=_IN_PROCESS_NAMES)
        self._control = control
        self._stream = stream

    def close(self) -> None:
        """Write down what happened since the last answer, and close the file, once nothing is served any more.

        Raises:
            StoreError: The disk did not take it.
        """
        store = self.committer.store
        if store is None or store.closed:
            return
        try:
            if self.committer.failed is None:
                store.commit(self.exchange)
        finally:
            store.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of the ASGI protocol."""
        kind = scope["type"]
        if kind == "http":
            headers = scope["headers"]
            if scope["path"].startswith("/_sandbox"):
                refused = self.guard.refusal(scope["method"], headers)
                serve = self._control
            else:
                refused = self.guard.refusal_of_browser(headers)
                serve = self._http
            if refused is not None:
                await _refuse(refused, send)
            else:
                await serve(scope, receive, send)
        elif kind == "websocket" and self._stream is not None:
            if self.guard.refusal_of_browser(scope["headers"]) is not None:
                await receive()  # websocket.connect
                await send({"type": "websocket.close", "code": 1008})  # before it is accepted: HTTP 403
                return
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
        reply = handle(request)
        while isinstance(reply, Retry):
            await asyncio.sleep(reply.delay_ms / 1000)
            reply = handle(request._replace(held=reply.held))
        try:
            await self.committer.durable()
        except StoreError:  # memory is ahead of the disk: send nothing that may not last
            reply = Drop("reset", reply.delay_ms, reply.release)
        if reply.delay_ms:
            await asyncio.sleep(reply.delay_ms / 1000)
        if reply.release is not None:
            self.exchange.release(reply.release)
        if isinstance(reply, RawResponse) and not reply.truncated:
            await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
            await send({"type": "http.response.body", "body": reply.body})
        else:
            await self._drop(scope, receive, send, reply)

    async def _drop(self, scope: Scope, receive: Receive, send: Send, reply: RawResponse | Drop) -> None:
        """Lose the answer, or half of it, the way a broken connection does."""
        abort = scope.get("state", {}).get(ABORT)
        if abort is None:
            from paydown_sandbox.serving.httpx_transport import AnswerLost

            raise AnswerLost("the sandbox dropped the connection, as a fault asked it to")
        if isinstance(reply, RawResponse):
            await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
            half = reply.body[: len(reply.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await asyncio.sleep(0.02)  # lets the bytes leave before the connection does
        abort(rude=isinstance(reply, Drop) and reply.manner != "close")
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                try:
                    self.close()
                except StoreError as error:
                    await send({"type": "lifespan.shutdown.failed", "message": str(error)})
                else:
                    await send({"type": "lifespan.shutdown.complete"})
                return
