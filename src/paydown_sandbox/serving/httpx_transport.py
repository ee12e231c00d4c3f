"""Reach a sandbox without a socket: an httpx transport that calls it directly.

    httpx.Client(transport=ExchangeTransport(exchange), base_url="http://sandbox")

The delay of a fault moves the sandbox's clock if that stands still, and is never slept; when it is longer than the
client's read timeout, the client gets `httpx.ReadTimeout` as it would over a socket.
A dropped connection raises `AnswerLost`, which is an `httpx.ReadError`.
"""

from __future__ import annotations

from typing import cast

import httpx

from paydown_sandbox.exchange import Exchange
from paydown_sandbox.http_messages import RawRequest, RawResponse, Reply, Retry

__all__ = ["AnswerLost", "ExchangeTransport"]


class AnswerLost(httpx.ReadError, ConnectionResetError):
    """The sandbox dropped the connection without an answer, or in the middle of one."""


class ExchangeTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Serve `httpx.Client` and `httpx.AsyncClient` from a sandbox in the same process.

    Args:
        exchange: The sandbox that answers.
        client_ip: The address that the sandbox sees as the client's.
    """

    def __init__(self, exchange: Exchange, client_ip: str = "127.0.0.1") -> None:
        self.exchange = exchange
        self.client_ip = client_ip

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; see the module's text for delays and lost answers."""
        # The stream holds the bytes that would be sent; after authentication `request.content` can be different.
        return self._answer(request, b"".join(cast(httpx.SyncByteStream, request.stream)))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; see the module's text for delays and lost answers."""
        parts = [part async for part in cast(httpx.AsyncByteStream, request.stream)]
        return self._answer(request, b"".join(parts))

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        target, _, query = request.url.raw_path.partition(b"?")
        raw = RawRequest(
            request.method,
            target.decode("latin-1"),
            query,
            [(name.lower(), value) for name, value in request.headers.raw],
            body,
            self.client_ip,
        )
        timeout = request.extensions.get("timeout", {}).get("read")
        waited_ms = 0
        reply = self.exchange.handle(raw)
        while isinstance(reply, Retry):
            waited_ms += self._wait(reply)
            again = self.exchange.handle(raw._replace(held=reply.held))
            if isinstance(again, Retry) and not self.exchange.clock.frozen:
                # The request waits for time to pass. Nothing sleeps inside a test's process: the time passes at once.
                self.exchange.clock.advance(again.delay_ms)
            reply = again
        waited_ms += self._wait(reply)
        if reply.release is not None:
            self.exchange.release(reply.release)
        self.exchange.forget_changes()
        self.exchange.streams.deliver()
        if timeout is not None and waited_ms > timeout * 1000:
            raise httpx.ReadTimeout("the sandbox answered too late, as a fault asked it to", request=request)
        if isinstance(reply, RawResponse):
            if reply.truncated:
                raise httpx.RemoteProtocolError(
                    "the sandbox cut the answer off, as a fault asked it to", request=request
                )
            return httpx.Response(reply.status, headers=reply.headers, content=reply.body, request=request)
        if reply.manner == "unconnected":
            raise httpx.ConnectError("the sandbox cannot be reached, as a fault asked it to", request=request)
        if reply.manner == "reset":
            raise AnswerLost("the sandbox dropped the connection, as a fault asked it to", request=request)
        raise httpx.RemoteProtocolError(
            "the sandbox closed the connection without an answer", request=request
        )

    def _wait(self, reply: Reply) -> int:
        if reply.delay_ms and self.exchange.clock.frozen:
            self.exchange.clock.advance(reply.delay_ms)
        return reply.delay_ms
