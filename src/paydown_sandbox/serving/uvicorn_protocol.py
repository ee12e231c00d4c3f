"""Serve the control API and websockets with uvicorn's own protocol, within the sandbox's bounds."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from paydown_sandbox.serving.asgi import ABORT
from paydown_sandbox.serving.request_parser import RequestMeter
from paydown_sandbox.serving.wire_answers import TOO_LARGE

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

__all__ = ["IDLE_S", "BoundedUvicornProtocol", "drop"]

# How long a connection may be silent, and how long one request may take to arrive. Seconds.
IDLE_S = 75.0


def drop(transport: asyncio.Transport, *, rude: bool) -> None:
    """Close a connection.

    Args:
        transport: The connection.
        rude: Whether the client sees a reset, as from a broken network path, instead of an orderly end.
    """
    if not rude:
        transport.close()
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        # SO_LINGER with a timeout of 0 makes the kernel send a reset when the socket is closed.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class BoundedUvicornProtocol(HttpToolsProtocol):
    """Extend uvicorn's protocol: bound heads and time, and let the application drop the connection.

    uvicorn limits how long a connection may be silent between two requests. Here one request may not take longer
    than that to arrive either, counted from its first byte, so that bytes that trickle in gain no time; nor may a
    client take longer to read on when its answers have piled up.
    """

    _meter: RequestMeter
    malformed: bytes
    _arrival: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(  # type: ignore[override] # uvicorn narrows the transport in the same way
        self, transport: asyncio.Transport
    ) -> None:
        """Take over a connection, and offer the application a function that drops it."""
        super().connection_made(transport)
        self._meter = RequestMeter()

        def abort(*, rude: bool) -> None:
            drop(transport, rude=rude)

        self.app_state = {**self.app_state, ABORT: abort}

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers: the client has closed the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are no HTTP."""
        self.transport.write(self.malformed)
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Parse bytes, and close a connection whose request is too large."""
        super().data_received(data)
        if (
            self.transport.get_protocol() is not self
        ):  # the connection is a websocket now, which has pings of its own
            self._stop_waiting()
            return
        if self._meter.unfinished and self._arrival is None:
            self._arrival = self.loop.call_later(IDLE_S, self._too_slow)
        if self._meter.too_much(len(data)) and not self.transport.is_closing():
            cycle = cast(
                "RequestResponseCycle | None", self.cycle
            )  # uvicorn sets no cycle before the first request
            if cycle is None or cycle.response_complete:
                self.transport.write(TOO_LARGE)
            self.transport.close()

    def _too_slow(self) -> None:
        self._arrival = None
        self.transport.abort() if self._unread is not None else self.transport.close()

    def _stop_waiting(self) -> None:
        for timer in (self._arrival, self._unread):
            if timer is not None:
                timer.cancel()
        self._arrival = self._unread = None

    def pause_writing(self) -> None:
        """Start the time within which the client must read on."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(IDLE_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop that time: the client reads again."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def on_message_begin(self) -> None:
        """Begin to measure a request."""
        self._meter.begin()
        self._meter.unfinished = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Pass one header on; a trailer after the body is ignored.

        Args:
            name: As it arrived.
            value: As it arrived.
        """
        if self._meter.in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Note that the head is complete."""
        self._meter.head_done()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count a piece of the body and pass it on."""
        self._meter.body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the time of arrival: the request is complete."""
        self._meter.begin()
        self._meter.unfinished = False
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None
        super().on_message_complete()
