"""What is fuzzed: one function for each place that reads foreign bytes, and what must hold whatever they are.

A target takes bytes and raises if a promise is broken: an exception that is not the promised one, an answer of the
server's own fault, a repayment that was proven by noise. A new place gets a function here, marked with `@target`, and
a folder of the same name in `corpus/`; `make fuzz` and the tests then run it like the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sqlite3
import tempfile
from collections.abc import Callable, Generator, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from generator.document.bundle import bundle
from generator.document.source_files import parse_files
from generator.problems import DocumentRefused
from paydown.call.answer import parse_answer
from paydown.call.failures import refusal
from paydown.call.outcome import answer_outcome
from paydown.cli.output import Output, on_one_line, shown
from paydown.errors import RequestRejected
from paydown.file_ownership import FileNotOurs, Found, inspect
from paydown.redaction import Redactor
from paydown.repay.errors import JournalUnusable
from paydown.repay.evidence.snapshot import Holding, Snapshot
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_inspection import inspect_journal
from paydown.repay.journal.journal_records import Intent
from paydown.repay.journal.schema import MIGRATIONS
from paydown.repay.journal.states import AttemptState, PlanState
from paydown.repay.moments import moment
from paydown.repay.planning.plan import Piece, Plan, Price, Request
from paydown.repay.report import Report
from paydown.transport.address import Address
from paydown.transport.channel import Answer, Lost, Outgoing
from paydown.transport.http1 import Http1
from paydown_contract.bounded_reader import Unreadable, answer_json, parse, visible
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


_ACCOUNT: Final = "acc"
_LOOK: Final = Snapshot.of(_NOW_MS - 20, _NOW_MS - 10, [("BNB", Holding(borrowed=Decimal("1.5")))])
_STEPS: Final = 20_000_000  # of SQLite's machine: a statement of a fuzzer may have no end


@cache
def _journal() -> bytes:
    """A right journal with one row of each kind, as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "repay.db"
        with Journal(path, synchronous="OFF") as journal:
            request = Request("BNB", None, ("USDT",), (), Decimal("0.02"))
            piece = Piece(1, None, Decimal("1.5"), Decimal(900), "clears the whole debt")
            price = {"BNB": Price(Decimal(600), "index")}
            plan = Plan("k", request, _LOOK, price, Decimal(49000), (piece,), 3060, _NOW_MS, (), _NOW_MS)
            row = journal.plans.add(_ACCOUNT, plan, _NOW_MS)
            journal.plans.move(row.id, PlanState.RUNNING, _NOW_MS)
            for number, outcome in enumerate(
                (AttemptState.UNKNOWN, AttemptState.EXECUTED, AttemptState.UNKNOWN), 1
            ):
                name = f"a{number}"
                intent = Intent(name, number, "BNB", None, Decimal("1.5"), (), _LOOK, (), _NOW_MS, 5000)
                journal.attempts.begin(_ACCOUNT, row.id, intent, _NOW_MS)
                journal.attempts.finish(name, outcome, _NOW_MS, outcome={"kind": "x"}, repaid=Decimal(1))
                if number == 1:
                    verdict = {
                        "rule": 1,
                        "findings": [{"says": "executed", "witness": "debt", "text": "it fell"}],
                    }
                    body: dict[str, Any] = {"verdict": {**verdict, "signs": []}, "sightings": []}
                    journal.evidence.prove(name, "PROVEN_EXECUTED", _NOW_MS, body=body, repaid=Decimal(1))
                    journal.corrections.add(name, _NOW_MS, executed=False, moved=Decimal(0), note="seen")
            journal.adoptions.add(_ACCOUNT, _NOW_MS, note="mine", count=9, body={})
        return path.read_bytes()


def _changed_journal(path: Path, data: bytes) -> None:
    """Write a journal: the input itself (0), or a right one with bytes changed (1) or with statements run (2)."""
    kind, rest = (data[0] % 3 if data else 0), data[1:]
    if kind == 0:
        content = bytearray(rest)
        content[68:72] = (0x7079646E).to_bytes(4, "big")
    else:
        content = bytearray(_journal())
    if kind == 1:
        for at in range(0, len(rest) - 4, 5):
            content[int.from_bytes(rest[at : at + 4], "big") % len(content)] = rest[at + 4]
    path.write_bytes(content)
    path.chmod(0o600)
    if kind == 2:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
            for pragma in ("ignore_check_constraints = ON", "writable_schema = ON", "synchronous = OFF"):
                db.execute(f"PRAGMA {pragma}")
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                db.execute(f"DROP TRIGGER {name}")
            # Only this file is changed, whatever the statements name.
            db.set_authorizer(_only_this_file)
            db.set_progress_handler(lambda: 1, _STEPS)
            for statement in rest.decode("utf-8", "replace").split(";;"):
                # A statement of a fuzzer need not be one.
                with contextlib.suppress(sqlite3.Error, sqlite3.Warning, ValueError):
                    db.execute(statement).fetchmany(1)
            db.set_authorizer(None)
            if b"trigger" not in rest:
                # Its rules stand again, so that it is a journal by its schema, and its rows are what is wrong.
                for text in _triggers():
                    with contextlib.suppress(sqlite3.Error):
                        db.execute(text)


def _only_this_file(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK


@cache
def _triggers() -> list[str]:
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        for script in MIGRATIONS:
            db.executescript(script)
        return [text for (text,) in db.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]


@target
def journals(data: bytes) -> None:
    """Look into a journal, open it and read all of it: it works or is refused in words; looking changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "repay.db"
        _changed_journal(path, data)
        before = {file.name: file.read_bytes() for file in Path(folder).iterdir()}
        with _refused_in_words():
            inspect_journal(path)
        if not any(name.endswith("-wal") for name in before):
            assert {file.name: file.read_bytes() for file in Path(folder).iterdir()} == before
        with _refused_in_words(), Journal(path, synchronous="OFF") as journal:
            for read in (
                journal.health,
                journal.adoptions.of,
                journal.debts.over_time,
                journal.evidence.signs,
                journal.standing,
            ):
                with _refused_in_words():
                    arguments = {"health": (), "over_time": (_ACCOUNT, "BNB")}.get(read.__name__, (_ACCOUNT,))
                    read(*arguments)
            with _refused_in_words():
                journal.attempts.last_sent(_ACCOUNT)
            with _refused_in_words():
                for record in journal.plans.newest_first():
                    assert str(record.plan)
                    assert json.dumps(record.plan.to_json())
                    for attempt in journal.attempts.of_plan(record.id):
                        assert json.dumps(attempt.to_json())
                        assert moment(attempt.intent.signed_at_ms)
                        assert attempt.moved is None or attempt.moved.is_finite()
                        for evidence in journal.evidence.of(attempt.id):
                            assert evidence.summary is not None
                        assert journal.corrections.of(attempt.id) is not None
                    if record.report is not None:
                        assert str(Report.from_json(record.report))
            with _refused_in_words():
                journal.attempts.mark_orphans(_ACCOUNT, _NOW_MS)


@contextlib.contextmanager
def _refused_in_words() -> Generator[None]:
    try:
        yield
    except JournalUnusable as refused:
        assert str(refused)  # noqa: PT017  (either way is right)


def _steers(text: str) -> list[str]:
    """What a terminal would obey instead of showing it."""
    return [letter for letter in text if letter != "\n" and not letter.isprintable()]


@target
def terminal(data: bytes) -> None:
    """Show a foreign text in every way: nothing of it is obeyed, no markup acts, a row of a table is one line."""
    text = data.decode("utf-8", "surrogateescape")
    row = on_one_line(text)
    assert not _steers(row)
    assert "\n" not in row
    assert not _steers(shown(text).replace("\t", ""))
    outputs = (io.StringIO(), io.StringIO())
    with contextlib.redirect_stdout(outputs[0]), contextlib.redirect_stderr(outputs[1]):
        output = Output(json_mode=False)
        output.console.width = output.errors.width = 100_000
        output.line(text)
        output.note(text)
        output.failure(RequestRejected(text))
        before = len(outputs[0].getvalue())
        output.table("", [("Asset", "left")], [["first"], [text], ["last"]])
    printed = outputs[0].getvalue()
    for stream in outputs:
        assert "".join(shown(text).split()) in "".join(stream.getvalue().split()), "it was changed on its way"
    assert not _steers((printed + outputs[1].getvalue()).replace("\t", ""))
    table = [line.strip() for line in printed[before:].splitlines() if line.strip()]
    assert table.index("last") - table.index("first") == (2 if row.strip() else 1), table
    if row.strip():
        assert table[table.index("first") + 1] == row.strip()
    assert "\x1b" not in visible(text)
    assert not _steers(visible(text).replace("\t", ""))


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
