"""Serve a sandbox as an ASGI application.

Calls of the API take a short path: raw bytes in, `Exchange.handle`, raw bytes out, with no routing and no request
objects in between. An answer is sent only after the changes of its request are committed. The control API under
/_sandbox/ is a Starlette application (see `control.control_api`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from paydown_sandbox.exchange import LARGEST_BODY, Exchange
from paydown_sandbox.http_messages import Drop, RawRequest, RawResponse, Retry
from paydown_sandbox.json_text import encode
from paydown_sandbox.serving.browser_guard import BrowserGuard, Refused
from paydown_sandbox.serving.committer import Committer
from paydown_sandbox.serving.store import StoreError

__all__ = ["ABORT", "Application", "refusal_body"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# The key in the ASGI state under which the server's protocol offers a function that drops the connection (see
# `uvicorn_protocol`).
ABORT = "paydown_sandbox.abort"

_IN_PROCESS_NAMES = ("sandbox",)


def refusal_body(refused: Refused) -> bytes:
    """Encode the answer to a request that the browser guard refuses, in the form of the control API's errors."""
    return encode({"error": {"path": refused.header, "reason": refused.reason}}).encode()


async def _refuse(refused: Refused, send: Send) -> None:
    body = refusal_body(refused)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Application:
    """ASGI 3 application of one sandbox.

    Args:
        exchange: The sandbox that answers.
        committer: Writes changes into the file of `--data`, if there is one.
        control: ASGI application for the paths under /_sandbox/.
        stream: ASGI application for websockets.

    Attributes:
        guard: Refuses requests of web pages of other sites. Inside a test's process, which no page can reach, the host
            may be called `sandbox`; a server replaces it by the guard of the address it listens on.
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
        """Write changes since the last answer into the file, and close it, once nothing is served any more.

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
                await receive()  # the message websocket.connect, which opens the connection
                # A websocket that is closed before it is accepted gets HTTP 403.
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._stream(scope, receive, send)
        elif kind == "lifespan":
            await self._lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        body = message.get("body", b"")
        while message.get("more_body", False):
            message = await receive()
            if len(body) <= LARGEST_BODY:  # one byte above the limit is enough to refuse the body
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
        except StoreError:  # memory is ahead of the file: an answer must not promise what may not last
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
        """Lose the answer, or half of it, as a broken connection does."""
        abort = scope.get("state", {}).get(ABORT)
        if abort is None:
            from paydown_sandbox.serving.httpx_transport import AnswerLost

            raise AnswerLost("the sandbox dropped the connection, as a fault asked it to")
        if isinstance(reply, RawResponse):
            await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
            half = reply.body[: len(reply.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await asyncio.sleep(0.02)  # gives the bytes time to leave before the connection is dropped
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
