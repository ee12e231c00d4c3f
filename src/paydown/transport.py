"""Bytes out, bytes in, and the one question that matters when it fails: had anything left?

    Outgoing ──Channel.exchange()──> Answer
                                 ──> NotSent   name, connect, TLS or proxy failed: not a byte was written
                                 ──> Lost      anything else: a call that moves money may have happened

A channel sends a request exactly once. It never follows a redirect, never repeats, and never reads more than
`LARGEST_BODY` bytes. The default channels talk to httpcore, the engine of httpx, directly: one long-lived
pool, HTTP/1.1 keep-alive, TLS verified, no proxy from the environment. A transport of httpx (its
MockTransport, say) can take their place; it must not repeat requests either.

Time-outs: connecting has its own; the answer as a whole, from the first byte written to the last byte read,
has another. A server that sends one byte now and then cannot stretch it.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import AsyncIterator, Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import httpcore

from paydown.channel import Address, Lost, NotSent, Outgoing, parse_proxy
from paydown.outcome import Answer
from paydown.sockets import Deadline, SocketBackend, SocketStream

if TYPE_CHECKING:
    import asyncio
    import ssl

    import httpx

LARGEST_BODY: Final = 8 * 1024 * 1024  # the longest list of the document is well below a megabyte

# An idle connection is kept for this long. Reusing one that the other side is about to close loses the answer
# of whatever is sent on it, so this stays well below the 60 s after which load balancers usually close.
_KEEPALIVE_S: Final = 15.0
_CONNECTIONS: Final = 64

_NOT_SENT: Final = (
    httpcore.ConnectError,  # name resolution, refused, TLS
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.ProxyError,  # CONNECT was refused
    httpcore.UnsupportedProtocol,
)


# ------------------------------------------------------------------------------------------ httpcore, direct


def _tls() -> ssl.SSLContext:
    """Certificates of certifi, or those that SSL_CERT_FILE names, as in httpx."""
    own = os.environ.get("SSL_CERT_FILE")
    if own:
        import ssl

        return ssl.create_default_context(cafile=own)
    return httpcore.default_ssl_context()


class DirectChannel:
    """A pool of kept-alive connections.

    Args:
        ssl_context: TLS settings; None verifies against the usual certificates.
        proxy: URL of a proxy, such as "http://127.0.0.1:3128"; the environment is not asked.
        tls: Whether TLS will be used at all; loading the certificates takes longer than a call.
    """

    def __init__(
        self, *, ssl_context: ssl.SSLContext | None = None, proxy: str | None = None, tls: bool = True
    ) -> None:
        context = ssl_context or (_tls() if tls else None)
        # TLS through a proxy that speaks TLS itself needs httpcore's own sockets; each read has the time limit then.
        tls_in_tls = proxy is not None and proxy.startswith("https")
        backend = httpcore.SyncBackend() if tls_in_tls else SocketBackend()
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            proxy=_proxy(proxy),
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_KEEPALIVE_S,
            network_backend=backend,
        )

    def exchange(self, outgoing: Outgoing) -> Answer:
        """See `Channel.exchange`."""
        request = _Request(outgoing, Deadline.of(outgoing.answer_timeout_s), (outgoing.body,))
        try:
            response = self._pool.handle_request(request)
            try:
                stream = _stream_below(response)
                if isinstance(stream, SocketStream) and stream.holds_back:
                    # It was there before the request was written. Neither may stay.
                    stream.close()
                    raise NotSent("the connection held an answer that nobody asked for")
                body = _Body(response.headers)
                for part in response.iter_stream():
                    body.add(part)
                _close_if_more_came(response)
            finally:
                response.close()
        except _NOT_SENT as error:
            _forget_frames(error)
            raise NotSent(_reason(error)) from error
        except (NotSent, Lost):
            raise
        except Exception as error:
            _forget_frames(error)
            raise Lost(_reason(error)) from error
        return body.answer(response.status)

    def close(self) -> None:
        """See `Channel.close`."""
        self._pool.close()


class AsyncDirectChannel:
    """The same pool, awaited. Its arguments are those of `DirectChannel`."""

    def __init__(
        self, *, ssl_context: ssl.SSLContext | None = None, proxy: str | None = None, tls: bool = True
    ) -> None:
        context = ssl_context or (_tls() if tls else None)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            proxy=_proxy(proxy),
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_KEEPALIVE_S,
        )

    async def exchange(self, outgoing: Outgoing) -> Answer:
        """See `AsyncChannel.exchange`."""
        import asyncio

        try:
            # Waiting for a connection and connecting have limits of their own; the rest shares the answer's,
            # which begins when the body is asked for.
            async with asyncio.timeout(None) as limit:
                content = _Content(outgoing, limit)
                request = _Request(outgoing, outgoing.answer_timeout_s, content)
                response = await self._pool.handle_async_request(request)
                try:
                    body = _Body(response.headers)
                    async for part in response.aiter_stream():
                        body.add(part)
                    _close_if_more_came(response)
                finally:
                    await response.aclose()
        except _NOT_SENT as error:
            _forget_frames(error)
            raise NotSent(_reason(error)) from error
        except Lost:
            raise
        except Exception as error:
            _forget_frames(error)
            raise Lost(_reason(error)) from error
        return body.answer(response.status)

    async def aclose(self) -> None:
        """See `AsyncChannel.aclose`."""
        await self._pool.aclose()


class _Content:
    """A body that starts the answer's time limit when it is written: the connection stands by then."""

    __slots__ = ("_body", "_limit", "_seconds")

    def __init__(self, outgoing: Outgoing, limit: asyncio.Timeout) -> None:
        self._body = outgoing.body
        self._seconds = outgoing.answer_timeout_s
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        import asyncio

        self._limit.reschedule(asyncio.get_running_loop().time() + self._seconds)
        yield self._body


class _Url(httpcore.URL):
    """A URL whose parts were checked when the client was made; httpcore would check each of them per request."""

    def __init__(self, address: Address, target: str) -> None:
        self.scheme = address.scheme
        self.host = address.host
        self.port = address.port
        self.target = target.encode("ascii")
        self._origin = super().origin

    @property
    def origin(self) -> httpcore.Origin:
        """Scheme, host and port; asked for three times per request."""
        return self._origin


class _Request(httpcore.Request):
    """A request made of bytes that are known to be right."""

    def __init__(self, outgoing: Outgoing, answer_timeout_s: float, body: Iterable[bytes] | _Content) -> None:
        self.method = outgoing.method.encode("ascii")
        self.url = _Url(outgoing.address, outgoing.target)
        self.headers = outgoing.headers
        self.stream = body
        self.extensions = {
            "timeout": {
                "connect": outgoing.connect_timeout_s,
                "pool": outgoing.connect_timeout_s,
                "read": answer_timeout_s,
                "write": answer_timeout_s,
            }
        }


def _stream_below(response: Any) -> object:
    """The connection that an answer came from."""
    return response.extensions.get("network_stream")


def _close_if_more_came(response: httpcore.Response) -> None:
    """See to it that a connection on which bytes came behind the answer is not used again.

    httpcore keeps such bytes and takes them for the answer to the next request: a refusal of nothing would pass for
    the refusal of a repayment. It offers no look at them, so this looks inside; tests/unit/test_stale_answers.py
    fails where a new version has changed what is there.
    """
    inside: Any = response
    connection = getattr(getattr(inside.stream, "_stream", None), "_connection", None)
    parser = getattr(connection, "_h11_state", None)
    if parser is None:
        return
    # Under TLS an awaited connection also has bytes that are read, but not decrypted yet.
    tls = getattr(_stream_below(response), "_stream", None)
    undecrypted: ssl.MemoryBIO | None = getattr(tls, "_read_bio", None)
    if parser.trailing_data[0] or (undecrypted is not None and undecrypted.pending):
        parser.send_failed()  # httpcore closes what is in such a state


def _proxy(url: str | None) -> httpcore.Proxy | None:
    if url is None:
        return None
    parts = parse_proxy(url)
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        # httpcore would say so when it connects, too late to know that nothing was sent.
        raise ModuleNotFoundError("a SOCKS proxy needs: pip install 'httpx[socks]'")
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    netloc = host if parts.port is None else f"{host}:{parts.port}"
    auth = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    return httpcore.Proxy(f"{parts.scheme}://{netloc}/", auth=auth)


# ------------------------------------------------------------------------------------------- through httpx


class HttpxChannel:
    """Any blocking transport of httpx. It must send each request at most once."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def exchange(self, outgoing: Outgoing) -> Answer:
        """See `Channel.exchange`."""
        request = _httpx_request(outgoing)
        try:
            response = self._transport.handle_request(request)
            try:
                body = _Body(response.headers.raw)
                for part in _stream_of(response):
                    body.add(part)
            finally:
                response.close()
        except Lost:
            raise
        except Exception as error:
            _forget_frames(error)
            if _never_left(error):
                raise NotSent(_reason(error)) from error
            raise Lost(_reason(error)) from error
        return body.answer(response.status_code)

    def close(self) -> None:
        """See `Channel.close`."""
        self._transport.close()


class AsyncHttpxChannel:
    """Any awaited transport of httpx. It must send each request at most once."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def exchange(self, outgoing: Outgoing) -> Answer:
        """See `AsyncChannel.exchange`."""
        import asyncio

        import httpx

        request = _httpx_request(outgoing)
        try:
            async with asyncio.timeout(2 * outgoing.connect_timeout_s + outgoing.answer_timeout_s):
                response = await self._transport.handle_async_request(request)
                try:
                    body = _Body(response.headers.raw)
                    stream = response.stream
                    if not isinstance(stream, httpx.AsyncByteStream):
                        raise Lost("the transport gave a blocking answer")
                    async for part in stream:
                        body.add(part)
                finally:
                    await response.aclose()
        except Lost:
            raise
        except Exception as error:
            _forget_frames(error)
            if _never_left(error):
                raise NotSent(_reason(error)) from error
            raise Lost(_reason(error)) from error
        return body.answer(response.status_code)

    async def aclose(self) -> None:
        """See `AsyncChannel.aclose`."""
        await self._transport.aclose()


def _stream_of(response: httpx.Response) -> Iterable[bytes]:
    import httpx

    stream = response.stream
    if not isinstance(stream, httpx.SyncByteStream):
        raise Lost("the transport gave an async answer")
    return stream


def _httpx_request(outgoing: Outgoing) -> httpx.Request:
    import httpx

    return httpx.Request(
        outgoing.method,
        outgoing.address.origin + outgoing.target,
        headers=outgoing.headers,
        content=outgoing.body,
        extensions={
            "timeout": {
                "connect": outgoing.connect_timeout_s,
                "pool": outgoing.connect_timeout_s,
                "read": outgoing.answer_timeout_s,
                "write": outgoing.answer_timeout_s,
            }
        },
    )


def _never_left(error: Exception) -> bool:
    """Whether a transport's error proves that nothing was written.

    The class alone does not: httpx-aiohttp reports a connection that died *after* sending as
    `httpx.ConnectTimeout`, because aiohttp's ServerDisconnectedError is a ClientConnectionError. So the cause
    is asked, too, and one that is not known to belong to connecting is not believed.
    """
    import httpx

    believed = (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
    )
    if not isinstance(error, believed):
        return False
    cause = error.__cause__
    if cause is None or isinstance(cause, _NOT_SENT):
        return True
    return any(
        base.__name__ == "ClientConnectorError" and base.__module__.partition(".")[0] == "aiohttp"
        for base in type(cause).__mro__
    )


# ---------------------------------------------------------------------------------------------- the answer


class _Body:
    """Collects the parts of a body, takes gzip off, and stops at `LARGEST_BODY`."""

    __slots__ = ("_begun", "_gunzip", "_headers", "_parts", "_size")

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        raw = list(headers)
        names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
        if len(names) < len(raw):
            _join_doubled(names, raw)
        self._headers = names
        self._parts: list[bytes] = []
        self._size = 0
        self._begun = False
        encoding = names.get("content-encoding", "identity").strip().lower()
        gzip = encoding in ("gzip", "x-gzip")
        self._gunzip = zlib.decompressobj(wbits=31) if gzip else None
        if not gzip and encoding not in ("identity", ""):
            raise Lost(f"the answer is encoded as {encoding[:20]!r}, which was not asked for")

    def add(self, part: bytes) -> None:
        if self._gunzip is not None:
            self._begun = self._begun or bool(part)
            try:
                part = self._gunzip.decompress(part, LARGEST_BODY + 1)
            except zlib.error:
                raise Lost("the answer's gzip encoding is broken") from None
        self._size += len(part)
        if self._size > LARGEST_BODY or (self._gunzip is not None and self._gunzip.unconsumed_tail):
            raise Lost(f"the answer is longer than {LARGEST_BODY} bytes")
        self._parts.append(part)

    def answer(self, status: int) -> Answer:
        if self._gunzip is not None and self._begun:
            if not self._gunzip.eof:
                raise Lost("the answer's gzip encoding is cut short")
            if self._gunzip.unused_data:
                raise Lost("bytes came behind the answer's gzip encoding")
        return Answer(status, self._headers, b"".join(self._parts))


def _join_doubled(names: dict[str, str], raw: list[tuple[bytes, bytes]]) -> None:
    """Headers that came twice are joined, as RFC 9110 says."""
    names.clear()
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        names[name] = f"{names[name]}, {value}" if name in names else value


def _forget_frames(error: Exception) -> None:
    """Drop the frames that an error and its causes came through: the request is in their variables, and tools that
    print the variables of every frame would print its key and signature."""
    link: BaseException | None = error
    for _ in range(20):  # causes may form a ring
        if link is None:
            return
        link.__traceback__ = None
        link = link.__cause__ or link.__context__


def _reason(error: BaseException) -> str:
    """Why, in a few words: the class, and its text, which holds no part of the request."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return f"{name}: {text[:200]}" if text else name
