"""Serve calls over a socket on a short path, without a task or an ASGI message per request.

    bytes ──RequestParser──> Exchange.handle ──commit of this turn──> bytes

uvicorn accepts the connection and hands it to this protocol. As long as a connection carries calls of the
API, they are answered here. The first request for the control API, or for a websocket, gives the connection to
uvicorn's own protocol for good (`uvicorn_protocol`), which reaches the same sandbox through ASGI.

Answers leave in the order of their requests, the refusal of bytes that are no HTTP included. A client that sends
requests ahead without reading is not read from until its answers are out.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import httptools

from paydown_sandbox.http_messages import Drop, RawRequest, RawResponse, Retry
from paydown_sandbox.operations.answers import JSON
from paydown_sandbox.serving.asgi import refusal_body
from paydown_sandbox.serving.request_parser import LARGEST_HEAD, IncomingRequest, RequestParser, path_start
from paydown_sandbox.serving.store import StoreError
from paydown_sandbox.serving.uvicorn_protocol import IDLE_S, BoundedUvicornProtocol, drop
from paydown_sandbox.serving.wire_answers import TOO_LARGE, answer_bytes, malformed_answer, refusal

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from paydown_sandbox.serving.asgi import Application

__all__ = ["SandboxProtocol", "protocol_for"]

# Requests of one connection that may wait for their turn before the client is not read from any more.
_MOST_AHEAD = 16

_UPGRADE = b"\r\nupgrade:"
# Java's client offers h2c with its first request. The parser would take a request with an offer for one
# without a body, so the offer is taken out where there is nothing to upgrade to.
_NO_OFFER = re.compile(rb"(?<=\r\n)upgrade:[^\n]*\n", re.IGNORECASE)
_STREAMS = (b"/pm/", b"/ws", b"/stream")


def _is_for_uvicorn(data: bytes, end: int) -> bool:
    """Return whether a head, which ends at `end`, asks for the control API or for a websocket."""
    target = data.find(b" ") + 1
    if data.startswith(b"/_sandbox", target):
        return True
    if data.startswith(b"http", target) and data.startswith(
        b"/_sandbox", target + path_start(data[target:end])
    ):
        return True
    return (
        data.find(b"pgrade", 0, end) > 0
        and data.startswith(_STREAMS, target)
        and _UPGRADE in data[:end].lower()
    )


class SandboxProtocol(asyncio.Protocol):
    """Serve one connection. uvicorn makes an instance for each, see `protocol_for`."""

    application: Application

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_event_loop()
        self._exchange = self.application.exchange
        self._committer = self.application.committer
        self._transport: asyncio.Transport = cast(
            asyncio.Transport, None
        )  # a transport exists from connection_made on
        self._ip = "127.0.0.1"
        self._head: bytes = b""
        self._ahead: deque[IncomingRequest] = deque()
        self._broken: bytes | None = None
        self._answering = False
        self._closing = False
        self._gone = False
        self._write_paused = False
        self._idle: asyncio.TimerHandle | None = None
        self._last_s = 0.0

        def send_continue() -> None:
            if not self._answering:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

        self._requests = RequestParser(self._take, send_continue)

    # ------------------------------------------------------------------------ connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start serving a connection that uvicorn accepted."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and peer:
            self._ip = str(cast(tuple[object, ...], peer)[0])
        self._server_state.connections.add(self)  # type: ignore[arg-type] # has what uvicorn calls: shutdown
        self._idle = self._loop.call_later(IDLE_S, self._idled)
        self._last_s = self._loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection that is closed; requests that arrived before have been executed all the same."""
        self._gone = True
        self._server_state.connections.discard(self)
        if self._idle is not None:
            self._idle.cancel()

    def shutdown(self) -> None:
        """Finish the answer in flight, then close: uvicorn calls this when it stops."""
        self._closing = True
        if not self._answering and not self._requests.in_message:
            self._transport.close()

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read its answers."""
        self._write_paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on reading from a client that reads its answers again."""
        self._write_paused = False
        if self._broken is None:
            self._transport.resume_reading()

    def _idled(self) -> None:
        quiet = self._loop.time() - self._last_s
        if quiet >= IDLE_S and not self._answering:
            # A client that does not read would never let an orderly close come to its end.
            self._transport.abort() if self._write_paused else self._transport.close()
        elif not self._gone:
            self._idle = self._loop.call_later(max(1.0, IDLE_S - quiet), self._idled)

    # ------------------------------------------------------------------------ bytes

    def data_received(self, data: bytes) -> None:
        """Parse bytes. The head of a new request is examined first: it decides which protocol serves it."""
        if self._broken is not None or self._gone:
            return
        if not self._requests.in_message:
            if self._head:
                data = self._head + data
            else:
                self._last_s = self._loop.time()  # set once for a request: bytes that trickle in gain no time
            end = data.find(b"\r\n\r\n")
            if end > LARGEST_HEAD or (end < 0 and len(data) > LARGEST_HEAD):
                self._refuse(TOO_LARGE)
                return
            if end < 0:
                self._head = data
                return
            self._head = b""
            if _is_for_uvicorn(data, end):
                self._hand_over(data)
                return
            if data.find(b"pgrade", 0, end) > 0:
                data = _NO_OFFER.sub(b"", data[: end + 2]) + data[end + 2 :]
            self._requests.in_message = True
        try:
            if not self._requests.feed(data):
                self._refuse(TOO_LARGE)
        except httptools.HttpParserError:
            self._refuse(malformed_answer(self._exchange.document))

    def _hand_over(self, data: bytes) -> None:
        if self._answering or self._ahead:
            # The control API in the middle of a pipeline of calls is rare enough to be refused.
            self._refuse(malformed_answer(self._exchange.document))
            return
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        self._server_state.connections.discard(self)
        other = BoundedUvicornProtocol(self._config, self._server_state, self._app_state, self._loop)
        other.malformed = malformed_answer(self._exchange.document)
        other.connection_made(self._transport)
        self._transport.set_protocol(other)
        other.data_received(data)

    def _refuse(self, answer: bytes) -> None:
        """Send a refusal once all requests before it are answered, and read no more."""
        self._head = b""
        if self._answering:
            self._broken = answer
            self._transport.pause_reading()
        elif not self._gone:
            self._gone = True
            self._transport.write(answer)
            self._transport.close()

    # ------------------------------------------------------------------------ answering

    def _take(self, incoming: IncomingRequest) -> None:
        """Answer a complete request, or queue it behind those before it."""
        if self._gone or self._broken is not None:
            return  # an answer could not leave any more, so the request is not executed
        if self._closing:
            if not self._answering:
                self._transport.close()
        elif self._answering:
            self._ahead.append(incoming)
            if len(self._ahead) >= _MOST_AHEAD:
                self._transport.pause_reading()
        else:
            self._answer(incoming)

    def _answer(self, incoming: IncomingRequest) -> None:
        url = incoming.url
        path, _, query = (url if url.startswith(b"/") else url[path_start(url) :] or b"/").partition(b"?")
        if path.startswith(b"/_sandbox"):
            # Behind calls of the same pipeline it is too late to hand the connection over.
            self._answering = False
            self._refuse(malformed_answer(self._exchange.document))
            return
        if incoming.from_browser:
            refused = self.application.guard.refusal_of_browser(incoming.headers)
            if refused is not None:
                self._answering = False
                self._refuse(refusal(refused.status, JSON[1], refusal_body(refused)))
                return
        self._answering = True
        request = RawRequest(
            incoming.method, path.decode("latin-1"), query, incoming.headers, incoming.body, self._ip
        )
        self._handle(request, incoming)

    def _handle(self, request: RawRequest, incoming: IncomingRequest) -> None:
        reply = self._exchange.handle(request)
        if isinstance(reply, Retry):
            again = request._replace(held=reply.held)
            self._loop.call_later(reply.delay_ms / 1000, self._handle, again, incoming)
        else:
            self._committer.when_durable(lambda error: self._ready(reply, incoming, error))

    def _ready(self, reply: RawResponse | Drop, incoming: IncomingRequest, error: StoreError | None) -> None:
        if error is not None:  # memory is ahead of the file: an answer must not promise what may not last
            reply = Drop("reset", reply.delay_ms, reply.release)
        if reply.delay_ms:
            self._loop.call_later(reply.delay_ms / 1000, self._send, reply, incoming)
        else:
            self._send(reply, incoming)

    def _send(self, reply: RawResponse | Drop, incoming: IncomingRequest) -> None:
        if reply.release is not None:
            self._exchange.release(reply.release)
        if self._gone:
            return
        transport = self._transport
        if isinstance(reply, Drop):
            drop(transport, rude=reply.manner != "close")
            return
        keep_alive = incoming.keep_alive and not self._closing and not reply.truncated
        common = self._server_state.default_headers
        transport.write(answer_bytes(reply, incoming.method, common, keep_alive=keep_alive))
        self._last_s = self._loop.time()
        if not keep_alive:
            self._gone = True
            transport.close()
        elif self._ahead:
            if len(self._ahead) == _MOST_AHEAD and not self._write_paused and self._broken is None:
                transport.resume_reading()
            # A long pipeline must not become a deep recursion, so the next answer is scheduled.
            self._loop.call_soon(self._answer, self._ahead.popleft())
            return
        self._answering = False
        if self._broken is not None:
            self._refuse(self._broken)


def protocol_for(application: Application) -> type[asyncio.Protocol]:
    """Return the protocol class of one application: uvicorn makes an instance of it for each connection."""
    return type("SandboxProtocol", (SandboxProtocol,), {"application": application})
