"""Through a transport of httpx, somebody else's: our own connections are in `connections` and `async_connections`.

It keeps the same promise with less to go by: the class of an error, and what it was raised from. A transport must send
each request at most once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from paydown.channel import Lost, NotSent, Outgoing, reason, timeouts
from paydown.http1 import Body

if TYPE_CHECKING:
    import httpx

    from paydown.outcome import Answer


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
        extensions={"timeout": timeouts(outgoing)},
    )


def _never_left(error: Exception) -> bool:
    """Whether a transport's error proves that nothing was written.

    The class alone does not: httpx-aiohttp reports a connection that died *after* sending as
    `httpx.ConnectTimeout`, because aiohttp's ServerDisconnectedError is a ClientConnectionError. So the cause
    is asked, too, and one that is not known to belong to connecting is not believed.
    """
    import httpx

    from paydown.proxies import NOT_SENT

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
    if cause is None or isinstance(cause, NOT_SENT):
        return True
    return any(
        base.__name__ == "ClientConnectorError" and base.__module__.partition(".")[0] == "aiohttp"
        for base in type(cause).__mro__
    )
