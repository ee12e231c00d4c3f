"""The connections of the blocking client: opened when needed, kept for a while, each used by one call at a time.

A request is written once, in one piece, to a connection that is open and silent. Whatever goes wrong before the first
byte is handed to the socket is `NotSent`; whatever goes wrong afterwards is `Lost`. The whole answer shares one time
limit: a server that sends a byte now and then cannot stretch it.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import threading
import time
from typing import Final

from paydown.channel import Address, Lost, NotSent, Outgoing, forget_frames, reason
from paydown.http1 import Http1
from paydown.outcome import Answer

# An idle connection is kept for this long. Reusing one that the other side is about to close loses the answer
# of whatever is sent on it, so this stays well below the 60 s after which load balancers usually close.
KEEPALIVE_S: Final = 15.0
CONNECTIONS: Final = 64
READ_AT_ONCE: Final = 65536


def default_tls() -> ssl.SSLContext:
    """Certificates of the system and of certifi, or those that SSL_CERT_FILE names."""
    own = os.environ.get("SSL_CERT_FILE")
    if own:
        return ssl.create_default_context(cafile=own)
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class DirectChannel:
    """A pool of kept-alive connections. Safe to use from several threads.

    Args:
        ssl_context: TLS settings; None verifies against the usual certificates.
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = ssl_context
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []  # the one that was used last at the end
        self._busy: set[_Connection] = set()
        self._closed = False

    def exchange(self, outgoing: Outgoing) -> Answer:
        """See `Channel.exchange`."""
        if not self._room.acquire(timeout=outgoing.connect_timeout_s):
            raise NotSent(f"all {CONNECTIONS} connections are in use")
        try:
            connection = self._take(outgoing.address) or self._open(outgoing)
            keep = False
            try:
                answer = connection.exchange(outgoing)
                keep = connection.http.ready_again()
            finally:
                self._give_back(connection, keep)
        finally:
            self._room.release()
        return answer

    def close(self) -> None:
        """See `Channel.close`."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for connection in idle:
            connection.close()
        for connection in busy:
            connection.hang_up()  # its own thread closes it

    def _take(self, address: Address) -> _Connection | None:
        """An idle connection to this address that is still open and silent."""
        now = time.monotonic()
        while True:
            with self._lock:
                found = next((one for one in reversed(self._idle) if one.address == address), None)
                if found is None:
                    return None
                self._idle.remove(found)
                self._busy.add(found)
            # Readable means that the other side has hung up, or says something that nobody asked for.
            if now - found.idle_since < KEEPALIVE_S and not _readable(found.socket):
                return found
            self._give_back(found, keep=False)

    def _open(self, outgoing: Outgoing) -> _Connection:
        address, timeout_s = outgoing.address, outgoing.connect_timeout_s
        host = address.host.decode("ascii")
        secure = address.scheme == b"https"
        connected: socket.socket | None = None
        try:
            context = self._tls() if secure else None
            connected = socket.create_connection((host, address.port or (443 if secure else 80)), timeout_s)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                connected.settimeout(timeout_s)
                connected = context.wrap_socket(connected, server_hostname=host)
        except TimeoutError:
            _close(connected)
            raise NotSent(f"no connection within {timeout_s:g} s") from None
        except (OSError, UnicodeError) as error:  # every error of TLS is an OSError
            _close(connected)
            forget_frames(error)
            raise NotSent(reason(error)) from error
        connection = _Connection(connected, address)
        with self._lock:
            self._busy.add(connection)
        return connection

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._ssl_context is None:
                self._ssl_context = default_tls()
            return self._ssl_context

    def _give_back(self, connection: _Connection, keep: bool) -> None:
        now = time.monotonic()
        with self._lock:
            self._busy.discard(connection)
            old = [one for one in self._idle if now - one.idle_since >= KEEPALIVE_S]
            for one in old:
                self._idle.remove(one)
            if keep and not self._closed:
                connection.idle_since = now
                self._idle.append(connection)
            else:
                old.append(connection)
        for one in old:
            one.close()


class _Connection:
    """One socket, plain or TLS."""

    __slots__ = ("address", "http", "idle_since", "socket")

    def __init__(self, connected: socket.socket, address: Address) -> None:
        self.socket = connected
        self.address = address
        self.http = Http1()
        self.idle_since = 0.0

    def exchange(self, outgoing: Outgoing) -> Answer:
        """Write the request, read its answer."""
        data = self.http.begin(outgoing)
        connected, limit_s = self.socket, outgoing.answer_timeout_s
        ends_at = time.monotonic() + limit_s
        try:
            try:
                while data:
                    connected.settimeout(_left(ends_at))
                    data = data[connected.send(data) :]
            except TimeoutError:
                raise
            except OSError:
                # A server may answer and hang up before it has read everything. If it did, the answer is there.
                pass
            while True:
                connected.settimeout(_left(ends_at))
                if self.http.feed(connected.recv(READ_AT_ONCE)):
                    return self.http.answer()
        except TimeoutError:
            raise Lost(f"no complete answer within {limit_s:g} s") from None
        except OSError as error:
            forget_frames(error)
            raise Lost(reason(error)) from error

    def hang_up(self) -> None:
        """Wake the thread that waits for an answer: it has lost it."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # already gone

    def close(self) -> None:
        """Close the socket."""
        _close(self.socket)


def _left(ends_at: float) -> float:
    left_s = ends_at - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _close(connected: socket.socket | None) -> None:
    if connected is not None:
        connected.close()


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
