"""Through somebody else's connections: a proxy, by httpcore, or a transport of httpx.

Our own connections are in `connections` and `async_connections`. What stands here keeps the same promise with less to
go by: the class of an error, and what it was raised from. A transport must send each request at most once.

Through a proxy every call has a connection of its own, and with the blocking client each read, not the whole answer,
has the time limit. The environment is never asked for a proxy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from paydown.channel import Lost, NotSent, Outgoing, forget_frames, parse_proxy, reason
from paydown.http1 import Body

if TYPE_CHECKING:
    import asyncio
    import ssl

    import httpcore
    import httpx

    from paydown.outcome import Answer
    from paydown.pins import Pins


def _not_sent(core: Any) -> tuple[type[Exception], ...]:
    """The errors of httpcore that come before the first byte of a request."""
    return (
        core.ConnectError,  # name resolution, refused, TLS
        core.ConnectTimeout,
        core.PoolTimeout,
        core.ProxyError,  # CONNECT was refused
        core.UnsupportedProtocol,
    )


# ---------------------------------------------------------------------------------------- through a proxy


class ProxyChannel:
    """Every call on a connection of its own, through a proxy.

    Args:
        proxy: URL of the proxy, such as "http://127.0.0.1:3128".
        ssl_context: TLS settings; None verifies against the usual certificates.
        pins: The only keys that the exchange's server may have; the proxy's own is not held against them.
    """

    def __init__(
        self, proxy: str, *, ssl_context: ssl.SSLContext | None = None, pins: Pins | None = None
    ) -> None:
        import httpcore

        from paydown.connections import CONNECTIONS, default_tls

        self._not_sent = _not_sent(httpcore)
        self._pins = pins
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or default_tls(),
            proxy=_proxy(proxy),
            max_connections=CONNECTIONS,
            max_keepalive_connections=0,
        )

    def exchange(self, outgoing: Outgoing) -> Answer:
        """See `Channel.exchange`."""
        request = _core_request(
            outgoing, outgoing.body, trace=None if self._pins is None else _PinnedTunnel(self._pins)
        )
        try:
            response = self._pool.handle_request(request)
            try:
                body = Body(response.headers)
                for part in response.iter_stream():
                    body.add(part)
            finally:
                response.close()
        except self._not_sent as error:
            forget_frames(error)
            raise NotSent(reason(error)) from error
        except (Lost, NotSent):
            raise
        except Exception as error:
            forget_frames(error)
            raise Lost(reason(error)) from error
        return body.answer(response.status)

    def close(self) -> None:
        """See `Channel.close`."""
        self._pool.close()


class AsyncProxyChannel:
    """The same, awaited."""

    def __init__(
        self, proxy: str, *, ssl_context: ssl.SSLContext | None = None, pins: Pins | None = None
    ) -> None:
        import httpcore

        from paydown.connections import CONNECTIONS, default_tls

        self._not_sent = _not_sent(httpcore)
        self._pins = pins
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or default_tls(),
            proxy=_proxy(proxy),
            max_connections=CONNECTIONS,
            max_keepalive_connections=0,
        )

    async def exchange(self, outgoing: Outgoing) -> Answer:
        """See `AsyncChannel.exchange`."""
        import asyncio

        try:
            # Waiting for a connection and connecting have limits of their own; the answer's begins when the
            # body is asked for.
            async with asyncio.timeout(None) as limit:
                trace = None if self._pins is None else _PinnedTunnel(self._pins).awaited
                request = _core_request(outgoing, _Content(outgoing, limit), trace=trace)
                response = await self._pool.handle_async_request(request)
                try:
                    body = Body(response.headers)
                    async for part in response.aiter_stream():
                        body.add(part)
                finally:
                    await response.aclose()
        except self._not_sent as error:
            forget_frames(error)
            raise NotSent(reason(error)) from error
        except (Lost, NotSent):
            raise
        except Exception as error:
            forget_frames(error)
            raise Lost(reason(error)) from error
        return body.answer(response.status)

    async def aclose(self) -> None:
        """See `AsyncChannel.aclose`."""
        await self._pool.aclose()


class _PinnedTunnel:
    """Follows what httpcore does for one request (its `trace` extension) and stops it where the key is not pinned.

    Should httpcore ever call its steps by other names, then no key is seen, and nothing is sent.
    """

    __slots__ = ("_met", "_pins")

    def __init__(self, pins: Pins) -> None:
        self._pins = pins
        self._met = False

    def __call__(self, step: str, info: dict[str, Any]) -> None:
        """Take note of one step of a blocking connection."""
        try:
            self._follow(step, info)
        except NotSent:
            if (stream := info.get("return_value")) is not None:
                stream.close()  # httpcore does not expect that its step fails when it is done
            raise

    async def awaited(self, step: str, info: dict[str, Any]) -> None:
        """Take note of one step of an awaited connection."""
        try:
            self._follow(step, info)
        except NotSent:
            if (stream := info.get("return_value")) is not None:
                await stream.aclose()  # as above
            raise

    def _follow(self, step: str, info: dict[str, Any]) -> None:
        # "connection.start_tls" is TLS to the proxy itself.
        if step in ("proxy.start_tls.complete", "socks.start_tls.complete"):
            shown = info["return_value"].get_extra_info("ssl_object")
            self._pins.check(None if shown is None else shown.getpeercert(True))
            self._met = True
        elif (
            step.endswith("send_request_headers.started")
            and info["request"].method != b"CONNECT"
            and not self._met
        ):
            raise NotSent("the server's public key was not seen, and pins are set")


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


def _core_request(
    outgoing: Outgoing, content: bytes | _Content, *, trace: Callable[[str, dict[str, Any]], Any] | None
) -> httpcore.Request:
    import httpcore

    address = outgoing.address
    return httpcore.Request(
        method=outgoing.method.encode("ascii"),
        url=httpcore.URL(
            scheme=address.scheme,
            host=address.host,
            port=address.port,
            target=outgoing.target.encode("ascii"),
        ),
        headers=outgoing.headers,
        content=content,
        extensions={"timeout": _timeouts(outgoing)} | ({} if trace is None else {"trace": trace}),
    )


def _timeouts(outgoing: Outgoing) -> dict[str, float]:
    return {
        "connect": outgoing.connect_timeout_s,
        "pool": outgoing.connect_timeout_s,
        "read": outgoing.answer_timeout_s,
        "write": outgoing.answer_timeout_s,
    }


def _proxy(url: str) -> httpcore.Proxy:
    import httpcore

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
                body = Body(response.headers.raw)
                for part in _stream_of(response):
                    body.add(part)
            finally:
                response.close()
        except Lost:
            raise
        except Exception as error:
            forget_frames(error)
            if _never_left(error):
                raise NotSent(reason(error)) from error
            raise Lost(reason(error)) from error
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
                    body = Body(response.headers.raw)
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
            forget_frames(error)
            if _never_left(error):
                raise NotSent(reason(error)) from error
            raise Lost(reason(error)) from error
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
        extensions={"timeout": _timeouts(outgoing)},
    )


def _never_left(error: Exception) -> bool:
    """Whether a transport's error proves that nothing was written.

    The class alone does not: httpx-aiohttp reports a connection that died *after* sending as
    `httpx.ConnectTimeout`, because aiohttp's ServerDisconnectedError is a ClientConnectionError. So the cause
    is asked, too, and one that is not known to belong to connecting is not believed.
    """
    import httpcore
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
    if cause is None or isinstance(cause, _not_sent(httpcore)):
        return True
    return any(
        base.__name__ == "ClientConnectorError" and base.__module__.partition(".")[0] == "aiohttp"
        for base in type(cause).__mro__
    )
