"""Channels that send through a proxy by httpcore, each call on a connection of its own.

The environment is never asked for a proxy.

httpcore reports what it does step by step (its `trace` extension). That shows whether the request itself has begun to
leave, which the class of an error often does not, and it is where pins are held against the server's key.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import unquote

import httpcore

from paydown.transport.address import parse_proxy
from paydown.transport.channel import Answer, Lost, NotSent, Outgoing, reason, timeouts
from paydown.transport.direct import CONNECTIONS, default_tls
from paydown.transport.http1 import Body
from paydown.transport.pins import Pins

# The errors of httpcore that come before the first byte of a request.
NOT_SENT: Final = (
    httpcore.ConnectError,  # name resolution, refused, TLS
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.ProxyError,  # CONNECT was refused
    httpcore.UnsupportedProtocol,
)


class ProxyChannel:
    """A blocking channel through a proxy, with a connection for every call.

    Args:
        proxy: URL of the proxy, such as "http://127.0.0.1:3128".
        ssl_context: TLS settings; None verifies against the usual certificates.
        pins: The only keys that the exchange's server may have; the proxy's own is not held against them.
    """

    def __init__(
        self, proxy: str, *, ssl_context: ssl.SSLContext | None = None, pins: Pins | None = None
    ) -> None:
        self._pins = pins
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or default_tls(),
            proxy=_proxy(proxy),
            max_connections=CONNECTIONS,
            max_keepalive_connections=0,
            network_backend=_TimedBackend(),
        )

    def exchange(self, outgoing: Outgoing) -> Answer:
        """Send a request through the proxy; see `Channel.exchange`."""
        steps = _Steps(self._pins)
        try:
            response = self._pool.handle_request(_core_request(outgoing, outgoing.body, trace=steps))
            try:
                body = Body(response.headers)
                for part in response.iter_stream():
                    body.add(part)
            finally:
                response.close()
        except (NotSent, Lost):
            raise
        except Exception as error:
            raise steps.failure(error) from error
        return body.answer(response.status)

    def close(self) -> None:
        """Close every connection; see `Channel.close`."""
        self._pool.close()


class AsyncProxyChannel:
    """An awaited channel through a proxy, with a connection for every call."""

    def __init__(
        self, proxy: str, *, ssl_context: ssl.SSLContext | None = None, pins: Pins | None = None
    ) -> None:
        self._pins = pins
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or default_tls(),
            proxy=_proxy(proxy),
            max_connections=CONNECTIONS,
            max_keepalive_connections=0,
        )

    async def exchange(self, outgoing: Outgoing) -> Answer:
        """Send a request through the proxy; see `AsyncChannel.exchange`."""
        steps = _Steps(self._pins)
        try:
            # The limit covers waiting for a connection and making one; the answer's limit begins when the body is asked
            # for.
            async with asyncio.timeout(2 * outgoing.connect_timeout_s) as limit:
                request = _core_request(outgoing, _Content(outgoing, limit), trace=steps.awaited)
                response = await self._pool.handle_async_request(request)
                try:
                    body = Body(response.headers)
                    async for part in response.aiter_stream():
                        body.add(part)
                finally:
                    await response.aclose()
        except (NotSent, Lost):
            raise
        except Exception as error:
            raise steps.failure(error) from error
        return body.answer(response.status)

    async def aclose(self) -> None:
        """Close every connection; see `AsyncChannel.aclose`."""
        await self._pool.aclose()


class _Steps:
    """The steps that httpcore has taken for one request, and the check of the server's key against the pins.

    If httpcore ever calls its steps by other names, this class sees no key, so nothing is sent where pins are set; and
    it sees no step towards the proxy, so a failure counts as lost, not as never sent.
    """

    __slots__ = ("_begun", "_connecting", "_met", "_pins")

    def __init__(self, pins: Pins | None) -> None:
        self._pins = pins
        self._met = False
        self._connecting = False
        self._begun = False

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

    def failure(self, error: Exception) -> NotSent | Lost:
        """Decide what an error proves: whether the request had begun to leave."""
        never_left = isinstance(error, NOT_SENT) or (self._connecting and not self._begun)
        return NotSent(reason(error)) if never_left else Lost(reason(error))

    def _follow(self, step: str, info: dict[str, Any]) -> None:
        # The step "connection.start_tls" is TLS to the proxy itself.
        if step in ("proxy.start_tls.complete", "socks.start_tls.complete") and self._pins is not None:
            shown = info["return_value"].get_extra_info("ssl_object")
            self._pins.check(None if shown is None else shown.getpeercert(True))
            self._met = True
        elif step.endswith("send_request_headers.started"):
            if info["request"].method == b"CONNECT":
                self._connecting = True  # and the name of this step is still what we know
                return
            self._begun = True
            if self._pins is not None and not self._met:
                raise NotSent("the server's public key was not seen, and pins are set")


class _TimedBackend(httpcore.SyncBackend):
    """Blocking connections on which all reads and writes of an answer share one time limit.

    httpcore's own limit begins anew with every byte that comes.
    """

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect by TCP; see `httpcore.NetworkBackend`."""
        return _Timed(super().connect_tcp(host, port, timeout, local_address, socket_options), timeout)


class _Timed(httpcore.NetworkStream):
    """A connection whose time limit begins with the first byte that is written, and anew behind TLS."""

    def __init__(self, stream: httpcore.NetworkStream, connect_s: float | None = None) -> None:
        self._stream = stream
        self._connect_s = connect_s
        self._ends_at: float | None = None

    def _left(self, timeout: float | None) -> float | None:
        if timeout is None:
            return None
        if self._ends_at is None:
            self._ends_at = time.monotonic() + timeout
        return max(0.001, self._ends_at - time.monotonic())  # 0 would mean "do not wait at all"

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read within the time limit; see `httpcore.NetworkStream`."""
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write within the time limit; see `httpcore.NetworkStream`."""
        tunnel = self._connect_s is not None and buffer.startswith(b"CONNECT ")
        self._stream.write(buffer, self._left(self._connect_s if tunnel else timeout))

    def close(self) -> None:
        """Close the connection; see `httpcore.NetworkStream`."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Begin TLS on this connection; see `httpcore.NetworkStream`."""
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection; see `httpcore.NetworkStream`."""
        return self._stream.get_extra_info(info)


class _Content:
    """A body that starts the answer's time limit when it is written: the connection stands by then."""

    __slots__ = ("_body", "_limit", "_seconds")

    def __init__(self, outgoing: Outgoing, limit: asyncio.Timeout) -> None:
        self._body = outgoing.body
        self._seconds = outgoing.answer_timeout_s
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._limit.reschedule(asyncio.get_running_loop().time() + self._seconds)
        yield self._body


def _core_request(
    outgoing: Outgoing, content: bytes | _Content, *, trace: Callable[[str, dict[str, Any]], Any]
) -> httpcore.Request:
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
        extensions={"timeout": timeouts(outgoing), "trace": trace},
    )


def _proxy(url: str) -> httpcore.Proxy:
    parts = parse_proxy(url)
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        # httpcore reports a missing socksio only when it connects, too late to know that nothing was sent.
        raise ModuleNotFoundError("a SOCKS proxy needs: pip install 'httpx[socks]'")
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    netloc = host if parts.port is None else f"{host}:{parts.port}"
    auth = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    return httpcore.Proxy(f"{parts.scheme}://{netloc}/", auth=auth)
