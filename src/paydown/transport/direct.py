"""The connections of the blocking client: opened when needed, kept for a while, each used by one call at a time.

A request is written once, in one piece, to a connection that is open and silent. A failure before the first
byte is handed to the socket is `NotSent`; a failure afterwards is `Lost`. The whole answer shares one time
limit: a server that sends a byte now and then cannot stretch it.
"""

from __future__ import annotations

import errno
import os
import select
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from paydown.transport.address import Address
from paydown.transport.channel import Answer, Lost, NotSent, Outgoing, reason
from paydown.transport.http1 import Http1

if TYPE_CHECKING:
    from paydown.transport.pins import Pins

# An idle connection is kept for this long. Reusing one that the other side is about to close loses the answer
# of what is sent on it, so this stays well below the 60 s after which load balancers usually close.
KEEPALIVE_S: Final = 15.0
CONNECTIONS: Final = 64
READ_AT_ONCE: Final = 65536

# How long an address may stay silent before the next one is tried as well (RFC 8305).
NEXT_ADDRESS_S: Final = 0.25

# The results of a connect that does not wait: 0 if it is done already, the others while it is under way.
_UNDER_WAY: Final = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR)

# One entry of `socket.getaddrinfo`.
Found: TypeAlias = tuple[
    int, int, int, str, "tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]"
]


def default_tls() -> ssl.SSLContext:
    """Return a TLS context that trusts the certificates of the system and of certifi, or those of SSL_CERT_FILE.

    Raises:
        NotSent: It names none.
    """
    own = os.environ.get("SSL_CERT_FILE")
    if own:
        try:
            return ssl.create_default_context(cafile=own)
        except OSError as error:  # so is every error of TLS
            raise NotSent(
                f"SSL_CERT_FILE names {own!r}, which holds no certificates: {reason(error)}."
                " Unset it, or name a file of certificates"
            ) from error
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class DirectChannel:
    """A pool of kept-alive connections. Safe to use from several threads.

    Args:
        ssl_context: TLS settings; None verifies against the usual certificates.
        pins: The only keys that a server may have; None leaves it to the certificates.
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None, pins: Pins | None = None) -> None:
        self._ssl_context = ssl_context
        self._pins = pins
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []  # the one that was used last at the end
        self._busy: set[_Connection] = set()
        self._closed = False

    def exchange(self, outgoing: Outgoing) -> Answer:
        """Send a request on one connection; see `Channel.exchange`."""
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
        """Close every connection; see `Channel.close`."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for connection in idle:
            connection.close()
        for connection in busy:
            connection.hang_up()  # its own thread closes it

    def _take(self, address: Address) -> _Connection | None:
        """Return an idle connection to this address that is still open and silent."""
        now = time.monotonic()
        while True:
            with self._lock:
                found = next((one for one in reversed(self._idle) if one.address == address), None)
                if found is None:
                    return None
                self._idle.remove(found)
                self._busy.add(found)
            # A readable idle connection is of no use: the other side has hung up, or sent something that was not asked
            # for.
            if now - found.idle_since < KEEPALIVE_S and not found.has_more():
                return found
            self._give_back(found, keep=False)

    def _open(self, outgoing: Outgoing) -> _Connection:
        address, timeout_s = outgoing.address, outgoing.connect_timeout_s
        ends_at = time.monotonic() + timeout_s  # for all addresses of the name, and for TLS
        host = address.host.decode("ascii")
        secure = address.scheme == b"https"
        connected: socket.socket | None = None
        try:
            context = self._tls() if secure else None
            connected = _first_that_answers(
                _looked_up(host, address.port or (443 if secure else 80), ends_at), ends_at
            )
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                connected.settimeout(_left(ends_at))
                connected = context.wrap_socket(connected, server_hostname=host)
            if self._pins is not None:
                self._pins.check(
                    connected.getpeercert(binary_form=True) if isinstance(connected, ssl.SSLSocket) else None
                )
        except TimeoutError:
            _close(connected)
            raise NotSent(f"no connection within {timeout_s:g} s") from None
        except NotSent:
            _close(connected)
            raise
        except Exception as error:
            # Any exception counts, also one of a patched library or of a machine that gives no more threads or memory:
            # in each case no byte of the request was handed to a socket.
            _close(connected)
            raise NotSent(reason(error)) from error
        except BaseException as error:
            _close(connected)
            # This is an interrupt; the cause shows the caller of this call that nothing has left.
            raise error from NotSent("interrupted before a connection stood")
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
                # A server may answer and hang up before it has read everything. Then its answer can be read here.
                pass
            while True:
                connected.settimeout(_left(ends_at))
                if self.http.feed(connected.recv(READ_AT_ONCE)):
                    return self.http.answer()
        except TimeoutError:
            raise Lost(f"no complete answer within {limit_s:g} s") from None
        except OSError as error:
            raise Lost(reason(error)) from error

    def has_more(self) -> bool:
        """Return whether something can be read, below TLS or above it."""
        connected = self.socket
        return (isinstance(connected, ssl.SSLSocket) and connected.pending() > 0) or readable(
            connected.fileno()
        )

    def hang_up(self) -> None:
        """Shut the socket down, so that the thread that waits for an answer wakes up and loses the answer."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # already gone

    def close(self) -> None:
        """Close the socket."""
        _close(self.socket)


def _looked_up(host: str, port: int, ends_at: float) -> Sequence[Found]:
    """Return the addresses of a name, without waiting for a resolver longer than for a connection."""
    from concurrent.futures import Future

    found: Future[Sequence[Found]] = Future()

    def look() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except BaseException as error:  # noqa: BLE001  # it belongs to the thread that asked
            found.set_exception(error)

    if host.replace(".", "").isdigit() or ":" in host:
        look()  # an address: no resolver has to be asked
    else:
        threading.Thread(target=look, name="paydown-resolver", daemon=True).start()
    return alternating(found.result(_left(ends_at)))


def alternating(found: Sequence[Found]) -> Sequence[Found]:
    """Return the same addresses, one of each family in turn: an unreachable IPv6 must not delay every IPv4."""
    first = [one for one in found if one[0] == found[0][0]]
    other = [one for one in found if one[0] != found[0][0]]
    turns = [pair for both in zip(first, other, strict=False) for pair in both]
    shorter = min(len(first), len(other))
    return [*turns, *first[shorter:], *other[shorter:]]


def _first_that_answers(addresses: Sequence[Found], ends_at: float) -> socket.socket:
    """Connect to the first address that answers.

    Each address is tried when the one before it has failed, or has been silent for `NEXT_ADDRESS_S`.
    """
    waiting = list(addresses)
    failure = OSError("the name has no address")
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                if waiting:
                    family, kind, protocol, _, address = waiting.pop(0)
                    try:
                        one = socket.socket(family, kind, protocol)
                    except OSError as error:  # a family that this machine does not speak
                        failure = error
                        continue
                    selector.register(one, selectors.EVENT_WRITE, one)
                    one.setblocking(False)
                    number = one.connect_ex(address)
                    if number not in _UNDER_WAY:
                        failure = _drop(selector, one, number)
                        continue
                left_s = _left(ends_at)
                for key, _ in selector.select(min(left_s, NEXT_ADDRESS_S) if waiting else left_s):
                    one = cast("socket.socket", key.data)
                    number = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if not number:
                        selector.unregister(one)
                        return one
                    failure = _drop(selector, one, number)
        finally:
            for key in list(selector.get_map().values()):
                key.data.close()
    raise failure


def _drop(selector: selectors.BaseSelector, one: socket.socket, number: int) -> OSError:
    selector.unregister(one)
    one.close()
    return OSError(number, os.strerror(number))


def _left(ends_at: float) -> float:
    left_s = ends_at - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _close(connected: socket.socket | None) -> None:
    if connected is not None:
        connected.close()


def readable(number: int) -> bool:
    """Return whether the socket is readable; also True if that cannot be found out, since the connection is over then.

    Args:
        number: The file descriptor of the socket; negative once it is closed.
    """
    if number < 0:
        return True
    try:
        # `poll` is looked up at each call: libraries that patch `select`, such as gevent, remove it, also after our
        # import. `select.select` takes no numbers above 1023.
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(number, select.POLLIN)
            return bool(poll.poll(0))
        return bool(select.select([number], [], [], 0)[0])
    except (OSError, ValueError, AttributeError):
        return True
