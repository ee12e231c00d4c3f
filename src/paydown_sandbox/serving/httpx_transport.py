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
from paydown_sandbox.http_messages import RawRequest, RawResponse

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
        response = self.exchange.handle(raw)
        while response.action == "again":
            waited_ms += self._wait(response)
            again = self.exchange.handle(raw._replace(held=response.held))
            if again.action == "again" and not self.exchange.clock.frozen:
                # The request waits for time to pass. Nothing sleeps inside a test's process: the time passes at once.
                self.exchange.clock.advance(again.delay_ms)
            response = again
        waited_ms += self._wait(response)
        if response.release is not None:
            self.exchange.release(response.release)
        self.exchange.forget_changes()
        self.exchange.streams.deliver()
        if timeout is not None and waited_ms > timeout * 1000:
            raise httpx.ReadTimeout("the sandbox answered too late, as a fault asked it to", request=request)
        if response.action == "unconnected":
            raise httpx.ConnectError("the sandbox cannot be reached, as a fault asked it to", request=request)
        if response.action == "reset":
            raise AnswerLost("the sandbox dropped the connection, as a fault asked it to", request=request)
        if response.action == "close":
            raise httpx.RemoteProtocolError(
                "the sandbox closed the connection without an answer", request=request
            )
        if response.action == "truncate":
            raise httpx.RemoteProtocolError(
                "the sandbox cut the answer off, as a fault asked it to", request=request
            )
        return httpx.Response(
            response.status, headers=response.headers, content=response.body, request=request
        )

    def _wait(self, response: RawResponse) -> int:
        if response.delay_ms and self.exchange.clock.frozen:
            self.exchange.clock.advance(response.delay_ms)
        return response.delay_ms
