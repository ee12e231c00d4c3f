"""What was answered lasts: restarts, kill -9, and files that are not ours."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from paydown_sandbox.bundled_document import Document
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.serving.application import create_app
from paydown_sandbox.serving.asgi import Application
from paydown_sandbox.serving.committer import Committer
from paydown_sandbox.serving.control.log_endpoints import ledger_json
from paydown_sandbox.serving.store import Store, StoreError
from paydown_sandbox.state.state_writer import dump_records, dump_world
from tests.sandbox.signer import KEY, NOW_MS, REPAY, Caller, digest, state_with


def reopened(path: Path, document: Document) -> Exchange:
    """A fresh exchange that continues from the file."""
    exchange = Exchange({}, document=document, clock=Clock(1_000_000_000_000))
    store = Store(path)
    assert store.holds_state
    store.load(exchange)
    store.close()
    return exchange


def everything(exchange: Exchange) -> dict[str, object]:
    """All that must survive, as JSON-able data."""
    return {
        "world": dump_world(exchange.world),
        "records": dump_records(exchange.records),
        "lines": [ledger_json(line) for line in exchange.lines],
        "counters": exchange.counters(),
        "imbalance": exchange.world.ledger.imbalance(),
        "house": {name: (h.pool, h.conversion) for name, h in exchange.world.ledger.counterparties.items()},
        "issued": exchange.world.ledger.issued,
    }


def test_a_restart_changes_nothing(tmp_path: Path, document: Document) -> None:
    """Balances, debts, the counterparty, records, ids, prices, switches, keys and the clock come back exactly."""
    path = tmp_path / "exchange.db"
    state = state_with(
        interest={"default_daily_rate": "0.0005"},
        price_paths={"BNB": [{"at_ms": NOW_MS + 5_000_000, "price": "500"}]},
        lendable={"BTC": "10"},
        options={"repay-debt-record": "record", "repay-debt-flow": "row"},
    )
    exchange = Exchange(state, document=document, clock=Clock(NOW_MS))
    store = Store(path)
    store.commit(exchange)
    caller = Caller(exchange)
    caller.repay("asset=BNB&amount=0.30000001&specifyRepayAssets=BTC")
    store.commit(exchange)
    caller.signed("POST", "/papi/v1/marginLoan", "asset=BTC&amount=0.1")
    caller.signed("POST", "/papi/v1/repay-futures-switch", "autoRepay=false")
    key = caller.raw("POST", "/papi/v1/listenKey").json["listenKey"]
    exchange.clock.advance(7_300_000)
    exchange.clock.advance(-0)
    caller.raw("GET", "/papi/v1/ping")
    caller.raw("POST", "/papi/v1/listenKey")
    store.commit(exchange)
    store.close()
    assert key

    assert everything(reopened(path, document)) == everything(exchange)


def test_the_log_in_the_file_holds_no_signature(tmp_path: Path, document: Document) -> None:
    """Nor does it hold a secret: what was sent is stored without the value of its signature."""
    path = tmp_path / "exchange.db"
    exchange = Exchange(state_with(), document=document, clock=Clock(NOW_MS))
    store = Store(path)
    caller = Caller(exchange)
    caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    text = f"asset=BNB&timestamp={NOW_MS}"
    caller.raw("POST", REPAY, query=f"signature={digest(text)}&{text}")
    caller.raw("POST", REPAY, body=f"{text}&signature={digest(text)}&x=1")
    store.commit(exchange)
    store.close()

    with contextlib.closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT query, body FROM request").fetchall()
    assert len(rows) == 3
    shown = json.dumps(rows) + json.dumps([record.as_json() for record in exchange.requests])
    assert digest(text) not in shown
    assert "signature=***" in shown


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    """A SQLite file of something else, and a file that is no database, are left as they are."""
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE holiday (day TEXT)")
    db.close()
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"no database" * 100)
    for path in (foreign, garbage):
        before = path.read_bytes()
        with pytest.raises(StoreError):
            Store(path)
        assert path.read_bytes() == before


def test_one_file_serves_one_exchange(tmp_path: Path) -> None:
    """A second sandbox on the same file is refused instead of writing over the first."""
    first = Store(tmp_path / "exchange.db")
    try:
        with pytest.raises(StoreError, match="cannot be used"):
            Store(tmp_path / "exchange.db", timeout_s=0.05)
    finally:
        first.close()


def test_many_requests_share_one_commit(tmp_path: Path, document: Document) -> None:
    """Everything handled in one turn of the loop waits for the same transaction."""
    exchange = Exchange(state_with(), document=document, clock=Clock(NOW_MS))
    store = Store(tmp_path / "exchange.db")
    store.commit(exchange)
    commits: list[int] = []
    written = store.write

    def counting(work: Any) -> None:
        commits.append(len(work))
        written(work)

    store.write = counting  # type: ignore[method-assign] # counts the calls of the real one

    async def run() -> None:
        committer = Committer(exchange, store)
        caller = Caller(exchange)

        async def one() -> None:
            caller.repay("asset=BNB&amount=0.001&specifyRepayAssets=USDT")
            await committer.durable()

        await asyncio.gather(*(one() for _ in range(50)))

    asyncio.run(run())
    store.close()
    assert len(commits) == 1
    assert reopened(tmp_path / "exchange.db", document).next_line_id == 51


def test_a_disk_that_refuses_stops_the_answers(tmp_path: Path, document: Document) -> None:
    """Once a commit failed nothing more is called durable, for memory is ahead of the file."""
    exchange = Exchange(state_with(), document=document, clock=Clock(NOW_MS))
    store = Store(tmp_path / "exchange.db")
    store.close()
    stopped: list[bool] = []

    async def run() -> None:
        committer = Committer(exchange, store)
        committer.on_failure = lambda: stopped.append(True)
        Caller(exchange).repay("asset=BNB&amount=0.001&specifyRepayAssets=USDT")
        for _ in range(2):
            with pytest.raises(StoreError):
                await committer.durable()

    asyncio.run(run())
    assert stopped == [True]


def started(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    """A sandbox process and its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "paydown_sandbox", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("sandbox ready at http://127.0.0.1:"), first
    return process, first.split()[-1]


def ended(process: subprocess.Popen[str]) -> int:
    """Wait for the end and close the pipe."""
    code = process.wait(20)
    assert process.stdout is not None
    process.stdout.close()
    return code


@pytest.mark.parametrize("durability", ["normal", "full"])
def test_kill_9_loses_no_answered_request(tmp_path: Path, durability: str) -> None:
    """A process killed under load: every repayment that was answered is in the books of the next one."""
    state = tmp_path / "state.json"
    state.write_text(json.dumps(state_with(limits={"weight_per_minute": 10**9})))
    arguments = ("--data", str(tmp_path / "exchange.db"), "--state", str(state), "--durability", durability)
    process, url = started(*arguments)
    answered = 0

    async def load() -> int:
        nonlocal answered
        stop_at = time.monotonic() + 0.7

        async def client(session: httpx.AsyncClient) -> None:
            nonlocal answered
            while True:
                now_ms = time.time_ns() // 10**6
                text = f"asset=BNB&amount=0.0001&specifyRepayAssets=USDT&recvWindow=60000&timestamp={now_ms}"
                content = f"{text}&signature={digest(text)}"
                try:
                    response = await session.post(REPAY, content=content)
                except httpx.TransportError:
                    return
                assert response.status_code == 200, response.text
                answered += 1
                if time.monotonic() > stop_at and process.poll() is None:
                    os.kill(process.pid, signal.SIGKILL)

        headers = {"X-MBX-APIKEY": KEY, "Content-Type": "application/x-www-form-urlencoded"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as session:
            await asyncio.gather(*(client(session) for _ in range(4)))
        return answered

    asyncio.run(load())
    assert ended(process) == -signal.SIGKILL
    assert answered > 0  # a busy machine answers few before it is killed; each of them must be there

    process, url = started(*arguments)
    try:
        entries = httpx.get(f"{url}/_sandbox/ledger").json()
        books = httpx.get(f"{url}/_sandbox/state").json()["books"]
        balance = httpx.get(f"{url}/_sandbox/state").json()["accounts"][0]["balances"]["BNB"]
    finally:
        process.terminate()
    assert ended(process) == 0
    executed = entries["next_id"] - 1
    assert answered <= executed <= answered + 4  # at most the four in flight were executed unheard
    repaid = Decimal("1.501") - Decimal(balance["borrowed"]) - Decimal(balance["interest"])
    assert repaid == executed * Decimal("0.0001")
    assert books["imbalance"] == {}


def test_a_graceful_stop_answers_what_is_in_flight(tmp_path: Path) -> None:
    """SIGTERM while an answer is held back: it still arrives, and the process ends with 0."""
    process, url = started("--data", str(tmp_path / "exchange.db"))
    late = {"fault": "executed_then_delay", "delay_ms": 600, "match": {"operation": "ping"}}
    httpx.post(f"{url}/_sandbox/faults", json=late)

    async def run() -> int:
        async with httpx.AsyncClient() as session:
            waiting = asyncio.create_task(session.get(f"{url}/papi/v1/ping", timeout=10))
            await asyncio.sleep(0.2)
            process.terminate()
            return (await waiting).status_code

    assert asyncio.run(run()) == 200
    assert ended(process) == 0


async def last_word(app: Application) -> str:
    """How an application answers a server that ends."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.shutdown" if sent else "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "lifespan"}, receive, send)
    return str(sent[-1]["type"])


def test_the_end_of_the_server_writes_everything_and_closes_the_file(
    tmp_path: Path, document: Document
) -> None:
    """What happened without a request is on disk, and another process may have the file."""
    exchange = Exchange(state_with(), document=document, clock=Clock(NOW_MS))
    app = create_app(exchange, data=tmp_path / "exchange.db")
    exchange.clock.advance(1_234)

    assert asyncio.run(last_word(app)) == "lifespan.shutdown.complete"
    app.close()  # twice does no harm
    assert reopened(tmp_path / "exchange.db", document).clock.now_ms() == NOW_MS + 1_234


def test_what_the_file_does_not_take_at_the_end_is_said_and_the_file_is_closed(
    tmp_path: Path, document: Document
) -> None:
    """A server gets an error if the last changes are lost."""
    exchange = Exchange(state_with(), document=document, clock=Clock(NOW_MS))
    app = create_app(exchange, data=tmp_path / "exchange.db")
    assert app.committer.store is not None
    ledger = exchange.world.ledger
    name = next(iter(ledger.accounts))
    ledger.accounts[name].holding("BNB").updated_ms = 2**64  # more than a row of the file holds
    ledger.touched.add((name, "BNB"))

    assert asyncio.run(last_word(app)) == "lifespan.shutdown.failed"
    assert app.committer.store.closed


def test_a_file_that_cannot_be_loaded_is_let_go(tmp_path: Path, document: Document) -> None:
    """A refused file can be repaired, since it is not held open."""
    path = tmp_path / "exchange.db"
    create_app(Exchange(state_with(), document=document, clock=Clock(NOW_MS)), data=path).close()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE world SET state = 'no state'")
        database.commit()
    with pytest.raises(StoreError, match="damaged"):
        create_app(data=path)
    with contextlib.closing(sqlite3.connect(path, timeout=0)) as database:
        database.execute("DROP TABLE world")
