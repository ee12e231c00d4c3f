"""The sockets under the blocking client: one deadline for a whole answer, one packet for a whole request.

httpcore writes head and body of a request separately and gives every read of the socket the full time-out. Here the
parts of a request are collected until the answer is asked for, and all reads and writes of one call share a
`Deadline`: a server that sends a byte now and then cannot stretch it.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Final

import httpcore

_NO_DELAY: Final = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Deadline(float):
    """A time-out in seconds that knows when it began.

    httpcore hands it unchanged to each read and write of its request. To anybody who does not know this class it is
    a plain number of seconds.
    """

    __slots__ = ("_ends_at",)
    _ends_at: float

    @classmethod
    def of(cls, seconds: float) -> Deadline:
        """A deadline that begins with the first write."""
        deadline = cls(seconds)
        deadline._ends_at = 0.0
        return deadline

    def left_s(self) -> float:
        """Seconds left, perhaps less than none. The first call starts the count."""
        now = time.monotonic()
        if not self._ends_at:
            self._ends_at = now + self
        return self._ends_at - now


class SocketStream(httpcore.NetworkStream):
    """One connection, plain or TLS."""

    __slots__ = ("_socket", "_unsent")

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._unsent = b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Keep these bytes for the packet that goes out when the answer is asked for."""
        if buffer:
            self._unsent += buffer
            if isinstance(timeout, Deadline):
                timeout.left_s()  # the count begins here

    @property
    def holds_back(self) -> bool:
        """Whether something written has not been sent yet."""
        return bool(self._unsent)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Send what was written, then read."""
        if self._unsent:
            self._flush(timeout)
        try:
            self._socket.settimeout(_left(timeout, httpcore.ReadTimeout))
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout("no complete answer in time") from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def _flush(self, timeout: float | None) -> None:
        unsent, self._unsent = self._unsent, b""
        try:
            while unsent:
                self._socket.settimeout(_left(timeout, httpcore.WriteTimeout))
                unsent = unsent[self._socket.send(unsent) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout("the request could not be written in time") from error
        except OSError:
            # A server may answer and hang up before it has read everything. If it did, the answer is there.
            return

    def close(self) -> None:
        """Close the connection. What was not sent yet never is."""
        self._unsent = b""
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Put TLS on the connection."""
        try:
            self._socket.settimeout(timeout)
            return SocketStream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname))
        except TimeoutError as error:
            self.close()
            raise httpcore.ConnectTimeout("no TLS in time") from error
        except OSError as error:  # every error of TLS is one
            self.close()
            raise httpcore.ConnectError(str(error)) from error

    def get_extra_info(self, info: str) -> object:
        """What httpcore asks about a connection."""
        if info == "is_readable":
            return _readable(self._socket)
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        if info == "socket":
            return self._socket
        return None


class SocketBackend(httpcore.NetworkBackend):
    """Opens connections of this kind."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve the name and connect."""
        source = None if local_address is None else (local_address, 0)
        try:
            connected = socket.create_connection((host, port), timeout, source_address=source)
            connected.setsockopt(*_NO_DELAY)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("no connection in time") from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that no DNS could hold
            raise httpcore.ConnectError(str(error)) from error
        return SocketStream(connected)


def _left(timeout: float | None, expired: type[Exception]) -> float | None:
    if not isinstance(timeout, Deadline):
        return timeout
    left_s = timeout.left_s()
    if left_s <= 0:
        raise expired("no complete answer in time")
    return left_s


if hasattr(select, "poll"):

    def _readable(connected: socket.socket) -> bool:
        number = connected.fileno()
        if number < 0:
            return True
        poll = select.poll()
        poll.register(number, select.POLLIN)
        return bool(poll.poll(0))

else:

    def _readable(connected: socket.socket) -> bool:
        return connected.fileno() < 0 or bool(select.select([connected], [], [], 0)[0])
