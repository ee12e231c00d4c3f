"""A hundred thousand requests of every kind over the whole document: `make soak`, and a small piece of it always.

No answer is a 5xx without a fault, every answer to a call is one that the document describes, money is
conserved, and what was not signed well moves nothing. Once through ASGI, once over the socket of a process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from paydown_sandbox.bundled_document import load_document
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.serving.application import create_app
from tests.sandbox.judge import Judge, check_conservation
from tests.sandbox.serving.hostile_clients import KINDS, Moment, Wire, schedule
from tests.sandbox.signer import KEY, NOW_MS, SECRET

DOCUMENT = load_document()
JUDGE = Judge(DOCUMENT)
FEW = 3_000
MANY = 100_000
# After so many requests the books are looked at, the clock moves, and the account gets what it needs to go on.
ROUND = 500


def state() -> dict[str, object]:
    """A world in which every call can succeed, with a key that may only read and one for another address."""
    keys: list[dict[str, object]] = [
        {"api_key": KEY, "type": "hmac", "secret_or_public_key": SECRET},
        {
            "api_key": "read-only",
            "type": "hmac",
            "secret_or_public_key": SECRET,
            "permissions": ["USER_DATA"],
        },
        {
            "api_key": "elsewhere",
            "type": "hmac",
            "secret_or_public_key": SECRET,
            "ip_allow": ["192.0.2.0/24"],
        },
    ]
    return {
        "accounts": [{"id": "a", "keys": keys, "balances": dict(POSITIONS)}],
        "prices_usd": {"BNB": "600", "USDT": "1", "BTC": "60000"},
        "limits": {"weight_per_minute": 10**12, "orders_per_minute": 10**12},
        "interest": {"default_daily_rate": "0.001", "negative_daily_rate": "0.001"},
        "seed": 4,
    }


POSITIONS: dict[str, dict[str, str]] = {
    "BNB": {"free": "5", "borrowed": "3", "um": "2", "negative": "0.5"},
    "USDT": {"free": "250000", "um": "100", "negative": "5", "borrowed": "50"},
    "BTC": {"free": "1", "cm": "0.1", "borrowed": "0.1"},
}


class Received(NamedTuple):
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class Count:
    """What was sent and what came back."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.kinds: Counter[str] = Counter()
        self.succeeded: set[str] = set()
        self.pairs: set[tuple[str, str]] = set()

    def take(self, kind: str, wire: Wire, answer: Received | None) -> None:
        """Judge one answer. Where HTTP itself was broken there may be none."""
        self.kinds[kind] += 1
        self.pairs.add((kind, wire.facts.id))
        if answer is None:
            assert wire.raw is not None, f"{kind} {wire.facts.id}: no answer to {wire.bytes()[:300]!r}"
            self.statuses[0] += 1
            return
        self.statuses[answer.status] += 1
        shown = f"{kind} {wire.facts.id}: {answer.status} to {wire.bytes()[:300]!r}: {answer.body[:300]!r}"
        assert answer.status < 500, shown
        if wire.judged:
            try:
                JUDGE.check(wire.facts, answer.status, answer.headers, answer.body)
            except Exception as error:
                raise AssertionError(shown) from error
            if answer.status == 200:
                self.succeeded.add(wire.facts.id)
        else:
            assert answer.status in (101, 200, 400, 401, 403, 404, 426), shown

    def summary(self) -> str:
        """One line for people."""
        statuses = ", ".join(
            f"{number} x {status or 'closed'}" for status, number in sorted(self.statuses.items())
        )
        calls = len({operation for _, operation in self.pairs})
        return f"{self.kinds.total()} requests of {len(self.kinds)} kinds to {calls} calls: {statuses}"

    def check_complete(self, requests: int) -> None:
        """Every call met every kind, and every call succeeded at least once."""
        operations = {facts.id for facts in DOCUMENT.operations}
        if requests >= MANY:
            assert self.pairs == {(kind, operation) for kind in KINDS for operation in operations}
        assert self.kinds.keys() == KINDS.keys()
        assert self.succeeded == operations


AMOUNT = pytest.mark.parametrize(
    "requests",
    [
        pytest.param(FEW, id="few"),
        pytest.param(MANY, id="many", marks=[pytest.mark.deep, pytest.mark.timeout(1800)]),
    ],
)


# ------------------------------------------------------------------------ through ASGI

Message = MutableMapping[str, Any]
App = Callable[[Any, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


async def through_asgi(app: App, wire: Wire) -> Received:
    """Hand one request in as a server would."""
    scope = {
        "type": "http",
        "method": wire.method,
        "path": wire.path.decode("latin-1"),
        "raw_path": wire.path,
        "query_string": wire.query,
        "headers": [(name.lower(), value) for name, value in wire.headers],
        "client": ("127.0.0.1", 5),
        "http_version": "1.1",
        "scheme": "http",
        "server": ("sandbox", 80),
    }
    middle = len(wire.body) // 2 if wire.chunks else len(wire.body)
    parts = [wire.body[:middle], wire.body[middle:]]
    started: dict[str, Any] = {}
    body = bytearray()

    async def receive() -> Message:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, send)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in started["headers"]}
    return Received(started["status"], headers, bytes(body))


@AMOUNT
def test_every_kind_of_request_through_asgi(requests: int) -> None:
    """Right, wrong and hostile ones in one process, on a clock that is moved."""
    chance = random.Random(requests)
    exchange = Exchange(state(), document=DOCUMENT, clock=Clock(NOW_MS))
    app = create_app(exchange)
    count = Count()

    async def run() -> None:
        for number, (kind, facts) in enumerate(schedule(DOCUMENT.operations, requests, chance)):
            wire = KINDS[kind](facts, Moment(chance, exchange.clock.now_ms()))
            if wire.raw is not None:
                count.kinds[kind] += 1  # no server would hand these in
                count.pairs.add((kind, facts.id))
                continue
            before = exchange.next_line_id
            answer = await through_asgi(app, wire)
            if wire.path.startswith(b"/_sandbox"):
                continue
            count.take(kind, wire, answer)
            if answer.status != 200:
                assert exchange.next_line_id == before, f"{kind} {facts.id}: refused, and moved money"
            if number % ROUND == 0:
                check_conservation(await world(app))
                exchange.clock.advance(chance.randrange(1, 3_600_000))
                exchange.advance_to_now()  # what falls due is not the doing of the next request
                await refill(app)

    asyncio.run(run())
    check_conservation(asyncio.run(world(app)))
    print(f"\nthrough ASGI: {count.summary()}")
    count.check_complete(requests)


async def control(app: App, method: str, path: str, content: object = None) -> httpx.Response:
    """One call of the control API."""
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type] # any ASGI callable will do
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        answer = await client.request(method, f"/_sandbox/{path}", json=content)
        assert answer.is_success, answer.text
        return answer


async def world(app: App) -> dict[str, Any]:
    """The state document as the control API shows it."""
    return dict((await control(app, "GET", "state")).json())


async def refill(app: App) -> None:
    """Give the account what it needs for every call to succeed again."""
    for asset, row in POSITIONS.items():
        await control(app, "POST", "balances", {"account": "a", "asset": asset, **row})


# ------------------------------------------------------------------------ over a socket


class Line:
    """One connection that is kept as long as the other side keeps it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket: socket.socket | None = None
        self._buffer = b""

    def _open(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=20)
            self._buffer = b""
        return self._socket

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, wire: Wire) -> Received | None:
        """Send one request, read its answer."""
        if wire.raw is not None:
            return self._ask_broken(wire.raw)
        raw = self._open()
        with contextlib.suppress(ConnectionError):  # refused before all of it was sent: the answer is there
            raw.sendall(wire.bytes())
        answer = self._answer(raw, has_body=wire.method != "HEAD")
        while answer.status == 100:
            answer = self._answer(raw, has_body=wire.method != "HEAD")
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    def _answer(self, raw: socket.socket, *, has_body: bool) -> Received:
        while b"\r\n\r\n" not in self._buffer:
            self._more(raw)
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(headers.get("content-length", "0")) if has_body else 0
        while len(self._buffer) < size:
            self._more(raw)
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return Received(int(first.split()[1]), headers, body)

    def _more(self, raw: socket.socket) -> None:
        part = raw.recv(65536)
        if not part:
            raise ConnectionError(f"closed inside an answer: {self._buffer!r}")
        self._buffer += part

    def _ask_broken(self, data: bytes) -> Received | None:
        """Send bytes on a connection of their own and end them; every answer must be below 500."""
        found = b""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as raw,
            contextlib.suppress(ConnectionError),
        ):
            raw.sendall(data)
            raw.shutdown(socket.SHUT_WR)
            while part := raw.recv(65536):
                found += part
        statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", found)]
        assert all(status < 500 for status in statuses), (data[:300], found[:300])
        return Received(statuses[-1], {}, b"") if statuses else None


# uvicorn's words, where a connection was handed to it before.
SAID_OF_BYTES_THAT_ARE_NO_HTTP = {
    "Invalid HTTP request received.",
    "Unsupported upgrade request.",
}


class Process:
    """`paydown sandbox` as users start it, with a file."""

    def __init__(self, url: str, running: subprocess.Popen[str]) -> None:
        self.url, self.running = url, running
        self.port = int(url.rpartition(":")[2])
        self._client = httpx.Client(base_url=f"{url}/_sandbox", timeout=60)

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path) -> Iterator[Process]:
        """Run until the block ends; then it must end in order, and no error may have been reported."""
        document = folder / "state.json"
        document.write_text(json.dumps(state()))
        command = [sys.executable, "-m", "paydown_sandbox", "--port", "0"]
        options = ["--data", str(folder / "exchange.db"), "--state", str(document)]
        running = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert running.stdout is not None
        found = cls(running.stdout.readline().split()[-1], running)
        try:
            yield found
        finally:
            found._client.close()
            running.terminate()
            _, errors = running.communicate(timeout=30)
        assert running.returncode == 0
        assert set(errors.splitlines()) <= SAID_OF_BYTES_THAT_ARE_NO_HTTP

    def control(self, method: str, path: str, content: object = None) -> dict[str, Any]:
        """One call of the control API."""
        answer = self._client.request(method, path, json=content)
        assert answer.is_success, answer.text
        return dict(answer.json())


@AMOUNT
def test_every_kind_of_request_over_a_socket(requests: int, tmp_path: Path) -> None:
    """The same against a process with a file, bytes that are no HTTP among them; afterwards it stops in order."""
    chance = random.Random(requests + 1)
    count = Count()
    with Process.started(tmp_path) as process:
        now_ms = process.control("POST", "clock", {"frozen": True, "set_ms": NOW_MS})["now_ms"]
        line = Line(process.port)
        for number, (kind, facts) in enumerate(schedule(DOCUMENT.operations, requests, chance)):
            wire = KINDS[kind](facts, Moment(chance, now_ms))
            try:
                answer = line.ask(wire)
            except OSError as error:
                raise AssertionError(f"{kind} {facts.id}: {wire.bytes()[:300]!r}") from error
            if not wire.path.startswith(b"/_sandbox"):
                count.take(kind, wire, answer)
            if number % ROUND == 0:
                check_conservation(process.control("GET", "state"))
                now_ms = process.control("POST", "clock", {"advance_ms": chance.randrange(1, 3_600_000)})[
                    "now_ms"
                ]
                for asset, row in POSITIONS.items():
                    process.control("POST", "balances", {"account": "a", "asset": asset, **row})
        line.close()
        check_conservation(process.control("GET", "state"))
        log = process.control("GET", "requests?limit=100000")["requests"]
        assert all(row["status"] < 500 for row in log)
        assert all(row["signature"] == "valid" for row in log if row["moved_money"])
    print(f"\nover a socket: {count.summary()}")
    count.check_complete(requests)
