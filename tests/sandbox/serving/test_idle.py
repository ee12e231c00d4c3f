"""A connection that stops in the middle of something does not stay: half a head, half a body, half an answer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox import SocketSandbox
from paydown_sandbox.serving import http_protocol, uvicorn_protocol
from paydown_sandbox.serving.application import create_app
from paydown_sandbox.serving.control.control_requests import LARGEST_CONTROL_BODY
from paydown_sandbox.serving.http_protocol import protocol_for
from tests.sandbox.serving.raw_sockets import connected

CLOCK = b"GET /_sandbox/clock HTTP/1.1\r\nHost: localhost\r\n\r\n"
PUT = b"PUT /_sandbox/state HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
IDLE_S = 0.4


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[SocketSandbox]:
    """A sandbox that waits for less than a second where it waits for more than a minute."""
    monkeypatch.setattr(http_protocol, "IDLE_S", IDLE_S)
    monkeypatch.setattr(uvicorn_protocol, "IDLE_S", IDLE_S)
    with SocketSandbox() as sandbox:
        yield sandbox


def is_closed_by(raw: socket.socket, *, feeding: bytes = b"") -> bool:
    """Whether the other side closes, however lively bytes are fed to it; False after ten seconds."""
    raw.settimeout(0.05)
    for _ in range(200):
        try:
            if feeding:
                raw.sendall(feeding)
            if not raw.recv(65_536):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize(
    ("start", "feeding"),
    [
        (b"GET /_sandbox/clock HTTP/1.1\r\nHost: localhost\r\nX: ", b"y"),
        (CLOCK + b"GET /_sandbox/clock HTTP/1.1\r\nHost", b"y"),
        (CLOCK + b"G", b""),
        (CLOCK + PUT + b"Content-Length: 15000000\r\n\r\n{", b" "),
        (PUT + b"Content-Length: 15000000\r\n\r\n{", b""),
        (PUT + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (CLOCK + b"POST /papi/v1/repay-debt HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", b"a"),
        (b"GET /papi/v1/ping HTTP/1.1\r\nX: ", b"y"),
        (b"POST /papi/v1/repay-debt HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", b"a"),
    ],
    ids=[
        "head",
        "second head",
        "one letter",
        "second body",
        "body",
        "chunks",
        "call",
        "direct head",
        "direct body",
    ],
)
def test_a_request_that_does_not_arrive_is_given_up(
    running: SocketSandbox, start: bytes, feeding: bytes
) -> None:
    """
    Before and after the connection was handed over, a request has so long to arrive, bytes that trickle included.
    """
    with connected(running) as raw:
        raw.sendall(start)
        assert is_closed_by(raw, feeding=feeding)


def test_a_client_that_does_not_read_is_given_up(running: SocketSandbox) -> None:
    """
    Answers that pile up in front of a client which reads nothing are thrown away in the end.
    """
    with connected(running) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(0.2)
        ask = b"GET /_sandbox/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with contextlib.suppress(OSError):
            for _ in range(3_000):
                raw.sendall(ask)
        for _ in range(100):
            open_ = running._run(lambda: len(running._server.server_state.connections))  # pyright: ignore[reportPrivateUsage]
            if not open_:
                return
            with contextlib.suppress(TimeoutError):
                httpx.get(f"{running.url}/_sandbox/clock", timeout=5)
    pytest.fail("the connection is still there")


def test_requests_that_do_arrive_are_served_however_long_the_connection_lives(running: SocketSandbox) -> None:
    """
    The limit is of one request: a connection that is used goes on beyond it.
    """
    with connected(running) as raw:
        for _ in range(8):
            raw.sendall(CLOCK)
            found = b""
            while b"offset_ms" not in found:
                found += raw.recv(65_536)
            raw.settimeout(IDLE_S / 4)
            with contextlib.suppress(TimeoutError):
                raw.recv(1)
            raw.settimeout(10)


def test_large_bodies_of_many_clients_have_one_bound() -> None:
    """
    All bodies that arrive at once are bounded together; one beyond the bound is refused until memory is freed.
    """
    app = create_app(Exchange())

    async def run() -> tuple[list[int], int]:
        held = asyncio.Event()

        async def put(release: bool) -> int:
            sent: list[dict[str, Any]] = []
            parts = iter([b" " * (LARGEST_CONTROL_BODY - 1)])

            async def receive() -> dict[str, Any]:
                part = next(parts, None)
                if part is not None:
                    return {"type": "http.request", "body": part, "more_body": True}
                if not release:
                    await held.wait()
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: Any) -> None:
                sent.append(message)

            headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
            scope = {
                "type": "http", "method": "PUT", "path": "/_sandbox/state", "raw_path": b"/_sandbox/state",
                "query_string": b"", "headers": headers, "root_path": "",
            }  # fmt: skip
            await app(scope, receive, send)  # type: ignore[arg-type]  # any callable that is awaited
            return int(sent[0]["status"])

        waiting = [asyncio.create_task(put(release=False)) for _ in range(4)]
        await asyncio.sleep(0)
        one_too_many = [await put(release=True) for _ in range(3)]
        held.set()
        first = await asyncio.gather(*waiting)
        return [*first, *one_too_many], await put(release=True)

    statuses, later = asyncio.run(run())
    assert statuses == [400] * 4 + [503] * 3  # blanks are no state document
    assert later == 400


def test_a_client_that_leaves_inside_its_body_changes_nothing_and_is_no_error() -> None:
    """
    A body that will never be complete is forgotten, without a traceback.
    """
    exchange = Exchange()
    app = create_app(exchange)
    before = exchange.clock.frozen
    parts = iter([b'{"frozen": true}'])

    async def receive() -> dict[str, Any]:
        part = next(parts, None)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": True}

    async def send(message: Any) -> None:
        """Discard the message."""

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {
        "type": "http", "method": "POST", "path": "/_sandbox/clock", "raw_path": b"/_sandbox/clock",
        "query_string": b"", "headers": headers, "root_path": "",
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]  # any coroutine

    assert exchange.clock.frozen is before


class _Wire(asyncio.Transport):
    """A transport that remembers whether it was asked to stop reading."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = True
        self.paused = 0
        self.written = bytearray()
        self.wrote = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data
        self.wrote.set()

    def pause_reading(self) -> None:
        self.reading = False
        self.paused += 1

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        self.reading = False


def test_a_client_that_sends_ahead_is_not_read_from_until_its_answers_are_out() -> None:
    """
    Behind an answer that waits, no more than a handful of requests is taken in, and each of them is answered.
    """
    exchange = Exchange()
    exchange.faults.arm({"fault": "delay_before", "delay_ms": 50})
    app = create_app(exchange)
    ping = b"GET /papi/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n"

    async def run() -> tuple[int, bytes, int]:
        from uvicorn.config import Config
        from uvicorn.server import ServerState

        protocol = protocol_for(app)(Config(app, log_config=None), ServerState(), {})  # type: ignore[call-arg, arg-type]  # as uvicorn makes it
        wire = _Wire()
        protocol.connection_made(wire)
        taken = 0
        while wire.reading and taken < 1_000:
            protocol.data_received(ping)  # type: ignore[attr-defined]
            taken += 1
        async with asyncio.timeout(10):
            while wire.written.count(b"HTTP/1.1 200") < taken:
                wire.wrote.clear()
                await wire.wrote.wait()
        protocol.connection_lost(None)
        return taken, bytes(wire.written), wire.paused

    taken, written, paused = asyncio.run(run())

    assert taken <= 20
    assert paused == 1
    assert written.count(b"HTTP/1.1 200") == taken
