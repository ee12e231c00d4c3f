"""A thousand listeners, two hundred dripping connections, the control API at work: memory is flat, all are answered.

Small in the normal tests; `make soak` runs it in full, a minute or two.
"""

from __future__ import annotations

import contextlib
import itertools
import resource
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.sandbox.serving.test_soak import Process
from tests.sandbox.signer import KEY, digest

HANDSHAKE = (
    b"GET /stream?streams=%b HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
# How each dripping connection begins; a byte of its own follows from time to time.
DRIPS = (
    b"PUT /_sandbox/state HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 9000000\r\n\r\n",
    b"POST /_sandbox/clock HTTP/1.1\r\nHost: localhost\r\nX: ",
    b"GET /_sandbox/clock HTTP/1.1\r\nHost: localhost\r\n\r\nGET /_sandbox/clock HTTP/1.1\r\nHost",
    b"POST /papi/v1/margin/repay-debt HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n",
    b"GET /papi/v1/ping HTTP/1.1\r\nX: ",
)
CALLS = (
    ("GET", "state", None),
    ("POST", "clock", {"advance_ms": 10}),
    ("POST", "balances", {"account": "a", "asset": "BNB", "free": "5"}),
    ("POST", "prices", {"BNB": "601"}),
    ("POST", "faults", {"fault": "clock_skew", "skew_ms": 0, "match": {"path": "/nothing"}}),
    ("DELETE", "faults", None),
    ("GET", "ledger?limit=10", None),
    ("GET", "requests?limit=10", None),
    ("GET", "options", None),
)
_PAGE = resource.getpagesize()


def memory_of(process: Process) -> int:
    """Resident bytes of the process."""
    return int(Path(f"/proc/{process.running.pid}/statm").read_text().split()[1]) * _PAGE


@contextlib.contextmanager
def many_files() -> Iterator[None]:
    """Let this process, and those it starts, open as many files as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def listening(port: int, key: bytes) -> socket.socket:
    """A websocket that follows a key and reads what comes."""
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    raw.sendall(HANDSHAKE % key)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += raw.recv(1024)
    assert answer.startswith(b"HTTP/1.1 101"), answer
    raw.setblocking(False)
    return raw


def emptied(raw: socket.socket) -> int:
    """Read what has come; returns how many bytes that was."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while part := raw.recv(65_536):
            count += len(part)
    return count


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
@pytest.mark.parametrize(
    ("listeners", "dripping", "rounds"),
    [(100, 30, 60), pytest.param(1_000, 200, 1_500, marks=[pytest.mark.deep, pytest.mark.timeout(900)])],
)
def test_memory_stays_flat_and_every_request_gets_its_answer(
    listeners: int, dripping: int, rounds: int, tmp_path: Path
) -> None:
    """
    Rounds of control calls among listeners and slow bytes: each is answered, no listener is lost, nothing is kept.
    """
    with many_files(), Process.started(tmp_path) as process, contextlib.ExitStack() as stack:
        client = stack.enter_context(httpx.Client(base_url=process.url, timeout=20))
        opened = client.post("/papi/v1/listenKey", headers={"X-MBX-APIKEY": KEY})
        key = str(opened.raise_for_status().json()["listenKey"]).encode()
        ears = [stack.enter_context(listening(process.port, key)) for _ in range(listeners)]
        drips: list[socket.socket] = []
        for start in itertools.islice(itertools.cycle(DRIPS), dripping):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", process.port), timeout=20))
            raw.sendall(start)
            raw.setblocking(False)
            drips.append(raw)
        answered, received, sizes = 0, 0, list[int]()
        for number in range(rounds):
            for method, path, content in CALLS:
                answer = client.request(method, f"/_sandbox/{path}", json=content)
                assert answer.is_success, (number, method, path, answer.text)
                answered += 1
            now_ms = client.get("/papi/v1/time").raise_for_status().json()["serverTime"]
            if not number % 20:  # something that every listener receives
                text = f"asset=BNB&amount=0.001&timestamp={now_ms}"
                content = f"{text}&signature={digest(text)}"
                headers = {"X-MBX-APIKEY": KEY, "Content-Type": "application/x-www-form-urlencoded"}
                client.post("/papi/v1/marginLoan", content=content, headers=headers).raise_for_status()
            for raw in drips[number % 10 :: 10]:
                with contextlib.suppress(OSError):  # given up meanwhile, as it must be after a while
                    raw.send(b" ")
            received += sum(emptied(raw) for raw in ears)
            sizes.append(memory_of(process))
        warm = sizes[rounds // 3]
        assert answered == rounds * len(CALLS)
        assert received > 0
        shown = [size // 1024 for size in sizes[:: rounds // 10]]
        assert max(sizes[rounds // 3 :]) - warm < 12 * 1024 * 1024, shown
        assert process.control("DELETE", "streams") == {"dropped": listeners}
    growth = (max(sizes) - warm) // 1024
    print(f"\n{answered} calls, {listeners} listeners, {dripping} drips: {warm // 1024} KiB, {growth:+} KiB")
