"""A server of raw sockets that follows a script: what a real network does and no test transport can."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Step = Callable[["Connection"], None]

DONE = b'{"asset":"BNB","amount":"0.1","updateTime":1,"success":true}'


def http(
    body: bytes = DONE, *, status: str = "200 OK", headers: str = "", length: int | None = None
) -> bytes:
    """An HTTP answer; `length` may lie."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n{headers}\r\n"
    return head.encode() + body


@dataclass
class Connection:
    """One accepted connection."""

    socket: socket.socket
    server: ScriptedServer

    def read(self) -> bytes:
        """Read one request, head and body."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError("closed")
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        while len(body) < length:
            body += self.socket.recv(65536)
        whole = head + b"\r\n\r\n" + body
        self.server.requests.append(whole)
        return whole

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def drip(self, data: bytes, pause_s: float) -> None:
        """Send byte after byte, until the other side has had enough."""
        for index in range(len(data)):
            try:
                self.socket.sendall(data[index : index + 1])
            except OSError:
                return
            if self.server.stopped.wait(pause_s):
                return

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def hold(self) -> None:
        """Say nothing until the test is over."""
        self.server.stopped.wait(30)


@dataclass
class ScriptedServer:
    """Each connection follows the next script; the last one is for all that come after."""

    scripts: list[list[Step]]
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def serve(self, listener: socket.socket) -> None:
        """Accept until stopped, one connection at a time each in its own thread."""
        threads: list[threading.Thread] = []
        while True:
            accepted, _ = listener.accept()
            if self.stopped.is_set():
                accepted.close()
                break
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self._follow, args=(accepted, script), daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join(5)

    def _follow(self, accepted: socket.socket, script: list[Step]) -> None:
        accepted.settimeout(10)
        try:
            if self.tls is not None:
                accepted = self.tls.wrap_socket(accepted, server_side=True)
            connection = Connection(accepted, self)
            for step in script:
                step(connection)
        except OSError:
            pass  # the client went away, or did not trust us: that is its test
        finally:
            accepted.close()


@contextmanager
def serving(*scripts: list[Step], tls: ssl.SSLContext | None = None) -> Iterator[tuple[ScriptedServer, str]]:
    """A running server and its base URL."""
    server = ScriptedServer(list(scripts), tls)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield (
                server,
                f"{'http' if tls is None else 'https'}://{'127.0.0.1' if tls is None else 'localhost'}:{port}",
            )
        finally:
            server.stopped.set()
            socket.create_connection(("127.0.0.1", port)).close()  # wakes the one who accepts
            thread.join(10)


def read(connection: Connection) -> None:
    """Script step: read one request."""
    connection.read()


def respond(data: bytes) -> Step:
    """Script step: send bytes."""
    return lambda connection: connection.send(data)


def exchange(times: int = 1, data: bytes | None = None) -> list[Step]:
    """Script: answer so many requests on one connection."""
    return [step for _ in range(times) for step in (read, respond(http() if data is None else data))]


def pause(seconds: float) -> Step:
    """Script step: wait, for what only real time can show."""

    def step(connection: Connection) -> None:
        time.sleep(seconds)

    return step


def hold(connection: Connection) -> None:
    """Script step: say nothing more."""
    connection.hold()


def reset(connection: Connection) -> None:
    """Script step: reset the connection."""
    connection.reset()


def close(connection: Connection) -> None:
    """Script step: close in an orderly way."""
    connection.socket.close()


def tunnel(port: int) -> Step:
    """Script step: be a proxy that answers CONNECT and then carries bytes to a port of this machine."""

    def carry(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:  # one of the two went away: so does the tunnel
            for end in (source, target):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def step(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as inner:
            back = threading.Thread(target=carry, args=(inner, connection.socket), daemon=True)
            back.start()
            carry(connection.socket, inner)
            back.join(10)

    return step
