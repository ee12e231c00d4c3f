"""What is fuzzed: one function for each place that reads foreign bytes, and what must hold whatever they are.

A target takes bytes and raises if a promise is broken: an exception that is not the promised one, an answer of the
server's own fault, a repayment that was proven by noise. A new place gets a function here, marked with `@target`, and
a folder of the same name in `corpus/`; `make fuzz` and the tests then run it like the others. The journal's file and
the rules of the terminal belong here, too, as soon as each has its one reader.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from generator.document.bundle import bundle
from generator.document.source import parse_files
from generator.problems import DocumentRefused
from paydown.call.answer import parse_answer
from paydown.call.failures import refusal
from paydown.call.outcome import answer_outcome
from paydown.file_ownership import FileNotOurs, Found, inspect
from paydown.redaction import Redactor
from paydown.transport.address import Address
from paydown.transport.channel import Answer, Lost, Outgoing
from paydown.transport.http1 import Http1
from paydown_contract.bounded_reader import Unreadable, answer_json, parse
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.serving.application import create_app
from paydown_sandbox.serving.http_protocol import protocol_for
from paydown_wire.operations import ACCOUNT_BALANCE, REPAY_DEBT

Target = Callable[[bytes], None]
TARGETS: Final[dict[str, Target]] = {}
_NOW_MS: Final = 1_800_000_000_000
_LONGEST: Final = 16_384  # bytes of one input; what is longer shows nothing new


def target(function: Target) -> Target:
    """Register a function as a target, under its own name."""
    TARGETS[function.__name__] = function
    return function


def pieces(data: bytes) -> Iterator[bytes]:
    """Cut bytes where the first of them says, so that the fuzzer decides how they arrive."""
    size = data[0] % 64 if data else 0
    rest = data[1:]
    yield from ([rest] if not size else (rest[at : at + size] for at in range(0, len(rest), size)))


@target
def answers(data: bytes) -> None:
    """Read an answer from a connection: it is complete, incomplete or lost, and noise proves no repayment."""
    connection = Http1()
    target = "/papi/v1/margin/repay-debt"
    headers = [(b"host", b"x"), (b"content-length", b"3")]
    connection.begin(Outgoing("POST", Address.parse("http://x"), target, headers, b"a=1", 1.0, 1.0))
    try:
        complete = any(connection.feed(piece) for piece in pieces(data) if piece)
        answer = connection.answer() if complete else None
    except Lost:
        answer = None
    if answer is None:
        return
    _judge(answer)


@target
def bodies(data: bytes) -> None:
    """Judge the body of an answer, with a status that the first bytes choose."""
    status = 100 + int.from_bytes(data[:2], "big") % 900
    _judge(Answer(status, {"retry-after": data[2:8].decode("latin-1")}, data[2:]))


def _judge(answer: Answer) -> None:
    clean = Redactor(["secret"])
    for operation in (REPAY_DEBT, ACCOUNT_BALANCE):
        answered = parse_answer(answer, strict=operation.mutates)
        outcome = answer_outcome(operation, answered, {"asset": "BNB"})
        if outcome.executed == "done" and operation.mutates:
            content = json.loads(answer.body)
            assert answer.status == 200
            assert content["success"] is True
            assert content["asset"] == "BNB"
        if outcome.executed == "no":
            error = refusal(operation, answered, outcome, now_ms=_NOW_MS, sent_at_ms=None, redact=clean)
            assert str(error).isprintable()
        assert "\x1b" not in clean.excerpt(answer.body)


@target
def documents(data: bytes) -> None:
    """Read a document's file in both readers: data, or a refusal with its place."""
    for name in ("openapi.yaml", "examples/a.json"):
        with contextlib.suppress(DocumentRefused):
            bundle(parse_files({"openapi.yaml": b"x: 1", name: data}), lenient=True)
        with contextlib.suppress(Unreadable):
            parse(data, Path(name).suffix)
    with contextlib.suppress(ValueError):
        answer_json(data)


@target
def owned_files(data: bytes) -> None:
    """Look at a database and its log: absent, empty, ours, or a refusal in words that a terminal can show."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        main, _, log = data.partition(b"\xff\x00\xff")
        path.write_bytes(main)
        path.chmod(0o600)
        if log:
            Path(f"{path}-wal").write_bytes(log)
        try:
            assert inspect(path, 0x70796462) in Found
        except FileNotOurs as refused:
            assert str(refused).isprintable()  # noqa: PT017  (either way is right)


class _Wire(asyncio.Transport):
    """A transport that keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.open = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert self.open, "written behind the end"
        self.written += data

    def is_closing(self) -> bool:
        return not self.open

    def close(self) -> None:
        self.open = False

    def abort(self) -> None:
        self.open = False

    def pause_reading(self) -> None:
        """Nothing more is fed then."""

    def resume_reading(self) -> None:
        """Everything is fed anyhow."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol


@cache
def _exchange() -> Exchange:
    return Exchange(clock=Clock(_NOW_MS))


@target
def requests(data: bytes) -> None:
    """Feed bytes to a connection of the sandbox: answers in HTTP, none of them a failure of the server's own."""
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    exchange = _exchange()
    exchange.requests.clear()
    app = create_app(exchange)
    before = exchange.next_line_id

    async def run() -> bytes:
        config = Config(app, log_config=None, log_level="critical", lifespan="off")  # type: ignore[arg-type]  # any ASGI callable will do
        config.load()
        loop = asyncio.get_running_loop()
        failures: list[dict[str, Any]] = []
        loop.set_exception_handler(lambda _, context: failures.append(context))
        state = ServerState()
        wire = _Wire()
        protocol = protocol_for(app)(config, state, {}, loop)  # type: ignore[call-arg]  # as uvicorn makes it
        wire.set_protocol(protocol)
        protocol.connection_made(wire)
        for piece in pieces(data):
            if wire.open:
                wire.get_protocol().data_received(piece)  # type: ignore[attr-defined]
            await asyncio.sleep(0)
        for _ in range(6):
            await asyncio.sleep(0)
        for task in list(state.tasks):
            task.cancel()
        wire.get_protocol().connection_lost(None)  # type: ignore[attr-defined]
        await asyncio.gather(*state.tasks, return_exceptions=True)
        assert not failures, failures
        return bytes(wire.written)

    written = asyncio.run(run())
    assert not written or written.startswith(b"HTTP/1.1 "), written[:40]
    assert b"HTTP/1.1 5" not in written
    assert exchange.next_line_id == before, "unsigned bytes moved money"


_CALLS: Final = (
    ("GET", "state"), ("PUT", "state"), ("GET", "ledger"), ("GET", "requests"), ("DELETE", "requests"),
    ("GET", "faults"), ("POST", "faults"), ("DELETE", "faults"), ("GET", "clock"), ("POST", "clock"),
    ("GET", "prices"), ("POST", "prices"), ("POST", "balances"), ("POST", "scenarios"), ("DELETE", "streams"),
)  # fmt: skip


@target
def control(data: bytes) -> None:
    """Call the control API: no failure of its own, and the state can be read and put back afterwards."""
    exchange = Exchange(clock=Clock(_NOW_MS))
    app = create_app(exchange)
    method, name = _CALLS[data[0] % len(_CALLS)] if data else _CALLS[0]
    query, _, body = data[1:].partition(b"\x00") if method != "PUT" else (b"", b"", data[1:])

    async def call(method: str, path: str, query: bytes, body: bytes) -> tuple[int, bytes]:
        sent: list[Any] = []
        received = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            return next(received)

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {
            "type": "http", "method": method, "path": f"/_sandbox/{path}", "raw_path": f"/_sandbox/{path}".encode(),
            "query_string": query, "headers": headers, "root_path": "", "client": ("127.0.0.1", 1),
        }  # fmt: skip
        await app(scope, receive, send)
        return int(sent[0]["status"]), b"".join(message.get("body", b"") for message in sent[1:])

    async def run() -> None:
        status, _ = await call(method, name, query, body)
        assert status < 500, (method, name, status)
        status, state = await call("GET", "state", b"", b"")
        assert status == 200
        assert (await call("PUT", "state", b"", state))[0] == 200
        assert (await call("GET", "faults", b"", b""))[0] == 200

    asyncio.run(run())


def run_one(name: str, data: bytes) -> None:
    """Run one target on one input."""
    TARGETS[name](data[:_LONGEST])
