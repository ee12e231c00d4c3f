"""Channels that send through a transport of httpx which the user passed, instead of our own connections (`direct`).

Such a channel decides whether a request left from less than our own connections know: the class of an error, and the
error that it was raised from. A transport must send each request at most once.

The time limits that httpx hands to a transport begin anew with every byte. A blocking transport cannot be stopped from
outside while it waits for the next one, so where it opens connections it works in a thread of its own, and its caller
stops waiting when the limit of the whole answer is over.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from paydown.transport.channel import Answer, Lost, NotSent, Outgoing, reason, timeouts
from paydown.transport.http1 import Body

if TYPE_CHECKING:
    import httpx


class _Sending:
    """The message from the thread of a transport when the first byte of the request is about to leave."""


# The messages of a transport's thread to its caller; an error is passed on as it is.
Queued: TypeAlias = "SimpleQueue[_Sending | Answer | BaseException]"


class HttpxChannel:
    """Any blocking transport of httpx. It must send each request at most once.

    Args:
        transport: The transport. One that opens connections (an `httpx.HTTPTransport`, or a transport that keeps one)
            has a limit for each answer as a whole. Another one is only asked between two parts of the body whether the
            limit is over.
    """

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport
        self._in_thread = _opens_connections(transport)

    def exchange(self, outgoing: Outgoing) -> Answer:
        """Send a request through the transport; see `Channel.exchange`."""
        limit_s = 2 * outgoing.connect_timeout_s + outgoing.answer_timeout_s
        if not self._in_thread:
            return self._exchange(outgoing, time.monotonic() + limit_s, None)
        import threading
        from contextvars import copy_context

        queue: Queued = SimpleQueue()

        def work() -> None:
            try:
                queue.put(self._exchange(outgoing, time.monotonic() + limit_s, queue))
            except BaseException as error:  # noqa: BLE001  # it belongs to the thread that asked
                queue.put(error)

        # The thread is a daemon, so that the interpreter does not wait for it: a slow server may keep it for very long.
        worker = threading.Thread(target=copy_context().run, args=(work,), name="paydown-httpx", daemon=True)
        try:
            worker.start()
        except RuntimeError as error:
            raise NotSent(f"no thread can be started ({error})") from error
        return _waited_for(queue, outgoing, limit_s)

    def _exchange(self, outgoing: Outgoing, ends_at: float, queue: Queued | None) -> Answer:
        request = _httpx_request(outgoing)
        if queue is not None:
            request.extensions["trace"] = _Steps(queue)
        try:
            response = self._transport.handle_request(request)
            try:
                body = Body(response.headers.raw)
                for part in _stream_of(response):
                    body.add(part)
                    if time.monotonic() > ends_at:
                        raise Lost("no complete answer within the limit")
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
        """Close the transport; see `Channel.close`."""
        self._transport.close()


class _Steps:
    """Follows what httpcore does for a request, and reports when it begins to send."""

    __slots__ = ("_queue",)

    def __init__(self, queue: Queued) -> None:
        self._queue = queue

    def __call__(self, step: str, info: Mapping[str, object]) -> None:
        """Take note of one step of httpcore."""
        if step.endswith("send_request_headers.started"):
            self._queue.put(_Sending())


def _waited_for(queue: Queued, outgoing: Outgoing, limit_s: float) -> Answer:
    """Return the answer that the thread of a transport brings in time, or raise what it raised."""
    ends_at = time.monotonic() + limit_s
    while True:
        try:
            found = queue.get(timeout=max(0.0, ends_at - time.monotonic()))
        except Empty:
            # It is not certain whether a byte has left: a transport need not report it.
            raise Lost(f"no complete answer within {outgoing.answer_timeout_s:g} s") from None
        if isinstance(found, BaseException):
            raise found
        if not isinstance(found, _Sending):
            return found
        ends_at = min(ends_at, time.monotonic() + outgoing.answer_timeout_s)


def _opens_connections(transport: httpx.BaseTransport) -> bool:
    import httpx

    held = [transport, *getattr(transport, "__dict__", {}).values()]
    return any(isinstance(one, httpx.HTTPTransport) for one in held)


class AsyncHttpxChannel:
    """Any awaited transport of httpx. It must send each request at most once."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def exchange(self, outgoing: Outgoing) -> Answer:
        """Send a request through the transport; see `AsyncChannel.exchange`."""
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
        """Close the transport; see `AsyncChannel.aclose`."""
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
    """Return whether a transport's error proves that nothing was written.

    The class alone does not: httpx-aiohttp reports a connection that died *after* sending as
    `httpx.ConnectTimeout`, because aiohttp's ServerDisconnectedError is a ClientConnectionError. So the cause
    is asked, too, and one that is not known to belong to connecting is not believed.
    """
    import httpx

    from paydown.transport.proxy import NOT_SENT

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
