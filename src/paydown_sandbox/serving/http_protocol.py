"""The short way from a socket to the exchange, without a task or an ASGI message per request.

    bytes ──httptools──> Exchange.handle ──commit of this turn──> bytes

uvicorn accepts the connection and hands it to this protocol. As long as a connection carries calls of the
exchange, they are answered here. The first request for the control API, or for a websocket, gives
the connection to uvicorn's own protocol for good, which reaches the same exchange through ASGI.

Answers leave in the order of their requests, a refusal of bytes that are no HTTP included. A client that sends
ahead without reading is not read from until its answers are out. No client can make this process keep more than
a head and a body of a bounded size for each connection, whatever it sends and however slowly.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from paydown_sandbox.exchange import LARGEST_BODY
from paydown_sandbox.http_messages import Drop, RawRequest, RawResponse, Retry, html_page
from paydown_sandbox.json_text import encode
from paydown_sandbox.operations.answers import HTML, JSON
from paydown_sandbox.serving.asgi import ABORT, refusal_body
from paydown_sandbox.serving.browser_guard import BROWSER_HEADERS
from paydown_sandbox.serving.store import StoreError

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from paydown_sandbox.serving.asgi import Application

__all__ = ["ExchangeProtocol", "drop", "protocol_for"]

_LARGEST_HEAD = 65_536
# What may stand around a body: sizes of chunks, their extensions, trailers.
_LARGEST_WRAPPING = 1_048_576
# A body above LARGEST_BODY is refused once it is complete; one that goes on beyond this, at once.
_ENDLESS_BODY = 1_048_576
_MOST_AHEAD = 16
# How long a connection may be silent, and how long one request may take to arrive.
_IDLE_S = 75.0

_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %s\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus
}
_UPGRADE = b"\r\nupgrade:"
# Java's client offers h2c with its first request. The parser would take a request with an offer for one
# without a body, so the offer is taken out where there is nothing to upgrade to.
_NO_OFFER = re.compile(rb"(?<=\r\n)upgrade:[^\n]*\n", re.IGNORECASE)
_STREAMS = (b"/pm/", b"/ws", b"/stream")


def _status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


_common: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    """The headers that uvicorn gives every answer. It makes a new list when the date has moved on."""
    global _common
    if _common[0] is not headers:
        _common = (headers, b"".join([b"%b: %b\r\n" % header for header in headers]))
    return _common[1]


def _refusal(status: int, kind: bytes, body: bytes) -> bytes:
    return b"%bcontent-type: %b\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (
        _status_line(status), kind, len(body), body,
    )  # fmt: skip


# What is too large does not pass the firewall; the pages know no 413, 414 or 431.
_TOO_LARGE = _refusal(403, HTML[1], html_page(403, "Forbidden"))


def drop(transport: asyncio.Transport, *, rude: bool) -> None:
    """Close a connection: rudely, as a broken path does, or in order."""
    if not rude:
        transport.close()
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        # Linger 0 turns the close into a reset.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _path_at(target: bytes) -> int:
    """Where the path of a request target begins; proxies send the absolute form, http://host/path."""
    if not target.startswith((b"http://", b"https://")):
        return 0
    found = target.find(b"/", 8)
    return len(target) if found < 0 else found


class _Gauge:
    """Counts what arrives of one request. A packet in which it begins is not counted: others may end there."""

    __slots__ = ("_began", "_in_head", "body", "fed", "waits")

    def __init__(self) -> None:
        self.waits = False  # for the rest of a request
        self.begin()

    def begin(self) -> None:
        """A request begins."""
        self._began = True
        self._in_head = True
        self.fed = 0
        self.body = 0

    def head_done(self) -> None:
        """Its headers are complete; what the parser calls a header from here on is a trailer."""
        self._in_head = False

    @property
    def in_head(self) -> bool:
        """Whether headers are still arriving."""
        return self._in_head

    def too_much(self, size: int) -> bool:
        """After `size` more bytes that did not end the request: whether it has become too large."""
        if self._began:
            self._began = False
            return False
        self.fed += size
        return self.fed - self.body > (_LARGEST_HEAD if self._in_head else _LARGEST_WRAPPING)


class _Incoming:
    """One request while its bytes arrive."""

    __slots__ = ("body", "from_browser", "headers", "keep_alive", "method", "url")

    def __init__(self) -> None:
        self.from_browser = False
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.method = ""
        self.keep_alive = True


class _HandedOver(HttpToolsProtocol):
    """uvicorn's protocol, which also tells the application how to drop the connection, and bounds heads and time.

    uvicorn limits how long a connection may be silent between two requests. Here one request may not take longer
    than that to arrive either, counted from its first byte, so that bytes that trickle in gain no time; nor may a
    client take longer to read on when its answers have piled up.
    """

    _gauge: _Gauge
    malformed: bytes
    _arrival: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def send_400_response(self, msg: str) -> None:
        """Bytes that are no HTTP."""
        self.transport.write(self.malformed)
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Bytes arrived."""
        super().data_received(data)
        if self.transport.get_protocol() is not self:  # a websocket now, which has pings of its own
            self._stop_waiting()
            return
        if self._gauge.waits and self._arrival is None:
            self._arrival = self.loop.call_later(_IDLE_S, self._too_slow)
        if self._gauge.too_much(len(data)) and not self.transport.is_closing():
            cycle = cast("RequestResponseCycle | None", self.cycle)  # none before the first request
            if cycle is None or cycle.response_complete:
                self.transport.write(_TOO_LARGE)
            self.transport.close()

    def _too_slow(self) -> None:
        self._arrival = None
        self.transport.abort() if self._unread is not None else self.transport.close()

    def _stop_waiting(self) -> None:
        for timer in (self._arrival, self._unread):
            if timer is not None:
                timer.cancel()
        self._arrival = self._unread = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(_IDLE_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def on_message_begin(self) -> None:
        """A request begins."""
        self._gauge.begin()
        self._gauge.waits = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; trailers are no headers."""
        if self._gauge.in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._gauge.head_done()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._gauge.body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._gauge.begin()
        self._gauge.waits = False
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None
        super().on_message_complete()

    def connection_made(  # type: ignore[override] # uvicorn narrows the transport in the same way
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        self._gauge = _Gauge()

        def abort(*, rude: bool) -> None:
            drop(transport, rude=rude)

        self.app_state = {**self.app_state, ABORT: abort}


class ExchangeProtocol(asyncio.Protocol):
    """One connection. Built by uvicorn, see `protocol_for`."""

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
        self._parser = httptools.HttpRequestParser(self)
        self._exchange = self.application.exchange
        self._committer = self.application.committer
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)  # until connection_made
        self._ip = "127.0.0.1"
        self._head: bytes = b""
        self._in_message = False
        self._gauge = _Gauge()
        self._incoming = _Incoming()
        self._ahead: deque[_Incoming] = deque()
        self._broken: bytes | None = None
        self._answering = False
        self._closing = False
        self._gone = False
        self._write_paused = False
        self._idle: asyncio.TimerHandle | None = None
        self._last_s = 0.0

    # ------------------------------------------------------------------------ connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """uvicorn accepted a connection."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and peer:
            self._ip = str(cast(tuple[object, ...], peer)[0])
        self._server_state.connections.add(self)  # type: ignore[arg-type] # has what uvicorn calls: shutdown
        self._idle = self._loop.call_later(_IDLE_S, self._idled)
        self._last_s = self._loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone; what it asked for has been done all the same."""
        self._gone = True
        self._server_state.connections.discard(self)
        if self._idle is not None:
            self._idle.cancel()

    def shutdown(self) -> None:
        """uvicorn stops: finish the answer in flight, then close."""
        self._closing = True
        if not self._answering and not self._in_message:
            self._transport.close()

    def pause_writing(self) -> None:
        """The client does not read: do not read from it either."""
        self._write_paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._write_paused = False
        if self._broken is None:
            self._transport.resume_reading()

    def _idled(self) -> None:
        quiet = self._loop.time() - self._last_s
        if quiet >= _IDLE_S and not self._answering:
            # A client that does not read would never let an orderly close come to its end.
            self._transport.abort() if self._write_paused else self._transport.close()
        elif not self._gone:
            self._idle = self._loop.call_later(max(1.0, _IDLE_S - quiet), self._idled)

    # ------------------------------------------------------------------------ bytes

    def data_received(self, data: bytes) -> None:
        """Bytes arrived: look at a new request's head first, for it decides who serves the connection."""
        if self._broken is not None or self._gone:
            return
        if not self._in_message:
            if self._head:
                data = self._head + data
            else:
                self._last_s = self._loop.time()  # of the whole request: bytes that trickle in gain no time
            end = data.find(b"\r\n\r\n")
            if end > _LARGEST_HEAD or (end < 0 and len(data) > _LARGEST_HEAD):
                self._refuse(_TOO_LARGE)
                return
            if end < 0:
                self._head = data
                return
            self._head = b""
            if self._is_for_uvicorn(data, end):
                self._hand_over(data)
                return
            if data.find(b"pgrade", 0, end) > 0:
                data = _NO_OFFER.sub(b"", data[: end + 2]) + data[end + 2 :]
            self._in_message = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return  # nothing here can be upgraded: the request is answered as if nobody had asked
        except httptools.HttpParserError:
            self._refuse(self._malformed())
        if self._in_message and (self._gauge.too_much(len(data)) or self._gauge.body > _ENDLESS_BODY):
            self._refuse(_TOO_LARGE)

    def _is_for_uvicorn(self, data: bytes, end: int) -> bool:
        target = data.find(b" ") + 1
        if data.startswith(b"/_sandbox", target):
            return True
        if data.startswith(b"http", target) and data.startswith(
            b"/_sandbox", target + _path_at(data[target:end])
        ):
            return True
        return (
            data.find(b"pgrade", 0, end) > 0
            and data.startswith(_STREAMS, target)
            and _UPGRADE in data[:end].lower()
        )

    def _hand_over(self, data: bytes) -> None:
        if self._answering or self._ahead:
            # Asked for in the middle of a pipeline: rare enough to refuse it.
            self._refuse(self._malformed())
            return
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        self._server_state.connections.discard(self)
        other = _HandedOver(self._config, self._server_state, self._app_state, self._loop)
        other.malformed = self._malformed()
        other.connection_made(self._transport)
        self._transport.set_protocol(other)
        other.data_received(data)

    def _malformed(self) -> bytes:
        """The answer to bytes that are no HTTP, in the form of every other 400."""
        row = self._exchange.document.error(-1013, "papi")
        body = encode({"code": row.code, "msg": row.msg}).encode()
        return _refusal(400, JSON[1], body)

    def _refuse(self, answer: bytes) -> None:
        """Refuse what has arrived, once everything before it is answered, and read no more."""
        self._head = b""
        if self._answering:
            self._broken = answer
            self._transport.pause_reading()
        elif not self._gone:
            self._gone = True
            self._transport.write(answer)
            self._transport.close()

    # ------------------------------------------------------------------------ parser callbacks

    def on_message_begin(self) -> None:
        """A request begins."""
        self._gauge.begin()
        self._incoming = _Incoming()
        self._in_message = True

    def on_url(self, url: bytes) -> None:
        """A piece of the request target."""
        self._incoming.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; trailers are no headers."""
        if not self._gauge.in_head:
            return
        name = name.lower()
        self._incoming.headers.append((name, value))
        if name in BROWSER_HEADERS:
            self._incoming.from_browser = True
        if name == b"expect" and value.lower() == b"100-continue" and not self._answering:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._gauge.head_done()

    def on_body(self, body: bytes) -> None:
        """A piece of the body; of one that is too large, only as much is kept as shows it."""
        incoming = self._incoming
        self._gauge.body += len(body)
        if not incoming.body:
            incoming.body = body
        elif len(incoming.body) <= LARGEST_BODY:
            incoming.body += body

    def on_message_complete(self) -> None:
        """A request is complete: answer it, or queue it behind those before it."""
        if self._gone or self._broken is not None:
            return  # nobody would hear the answer: do not do it either
        if self._closing:
            if not self._answering:
                self._transport.close()
            return
        incoming = self._incoming
        parser = self._parser
        incoming.method = parser.get_method().decode("latin-1")
        incoming.keep_alive = (
            parser.should_keep_alive()
            and parser.get_http_version() != "1.0"
            and not (parser.should_upgrade())  # what follows would be of another protocol
        )
        self._in_message = False
        if self._answering:
            self._ahead.append(incoming)
            if len(self._ahead) >= _MOST_AHEAD:
                self._transport.pause_reading()
        else:
            self._answer(incoming)

    # ------------------------------------------------------------------------ answering

    def _answer(self, incoming: _Incoming) -> None:
        url = incoming.url
        path, _, query = (url if url.startswith(b"/") else url[_path_at(url) :] or b"/").partition(b"?")
        if path.startswith(b"/_sandbox"):
            self._answering = False
            self._refuse(self._malformed())  # behind other requests in a pipeline, too late to hand over
            return
        if incoming.from_browser:
            refused = self.application.guard.refusal_of_browser(incoming.headers)
            if refused is not None:
                self._answering = False
                self._refuse(_refusal(refused.status, JSON[1], refusal_body(refused)))
                return
        self._answering = True
        request = RawRequest(
            incoming.method, path.decode("latin-1"), query, incoming.headers, incoming.body, self._ip
        )
        self._handle(request, incoming)

    def _handle(self, request: RawRequest, incoming: _Incoming) -> None:
        reply = self._exchange.handle(request)
        if isinstance(reply, Retry):
            again = request._replace(held=reply.held)
            self._loop.call_later(reply.delay_ms / 1000, self._handle, again, incoming)
        else:
            self._committer.when_durable(lambda error: self._ready(reply, incoming, error))

    def _ready(self, reply: RawResponse | Drop, incoming: _Incoming, error: StoreError | None) -> None:
        if error is not None:  # memory is ahead of the disk: send nothing that may not last
            reply = Drop("reset", reply.delay_ms, reply.release)
        if reply.delay_ms:
            self._loop.call_later(reply.delay_ms / 1000, self._send, reply, incoming)
        else:
            self._send(reply, incoming)

    def _send(self, reply: RawResponse | Drop, incoming: _Incoming) -> None:
        if reply.release is not None:
            self._exchange.release(reply.release)
        if self._gone:
            return
        transport = self._transport
        if isinstance(reply, Drop):
            drop(transport, rude=reply.manner != "close")
            return
        keep_alive = incoming.keep_alive and not self._closing and not reply.truncated
        body = b"" if incoming.method == "HEAD" else reply.body
        if reply.truncated:
            body = body[: len(body) // 2]
        transport.write(
            b"".join(
                [
                    _status_line(reply.status),
                    _lines(self._server_state.default_headers),
                    *[b"%b: %b\r\n" % header for header in reply.headers],
                    b"\r\n" if keep_alive else b"connection: close\r\n\r\n",
                    body,
                ]
            )
        )
        self._last_s = self._loop.time()
        if not keep_alive:
            self._gone = True
            transport.close()
        elif self._ahead:
            if len(self._ahead) == _MOST_AHEAD and not self._write_paused and self._broken is None:
                transport.resume_reading()
            self._loop.call_soon(self._answer, self._ahead.popleft())  # no recursion: a pipeline can be long
            return
        self._answering = False
        if self._broken is not None:
            self._refuse(self._broken)


def protocol_for(application: Application) -> type[asyncio.Protocol]:
    """The protocol class of one application, in the form in which uvicorn wants it."""
    return type("ExchangeProtocol", (ExchangeProtocol,), {"application": application})
