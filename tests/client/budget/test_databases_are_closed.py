"""Every database file is closed by whoever opened it: at `close()`, when it is dropped, at the interpreter's end."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paydown import AsyncClient, BudgetUnavailable, Client, SystemClock
from paydown.budget import Limit, SqliteBudget, Weight
from tests.client.support.kit import credentials
from tests.doubles.scripted_exchange import exchange, serving
from tests.unclosed import DATABASES

ROOT = Path(__file__).resolve().parents[3]
PING = (Weight(Limit("ip-weight", 6_000, 60_000), 1),)


@pytest.fixture(autouse=True)
def nothing_open_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A state directory of its own, and no connection of another test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    gc.collect()
    before = DATABASES.left_open()
    yield
    assert DATABASES.left_open() == before


def used(budget: SqliteBudget) -> SqliteBudget:
    """A budget whose file is open."""
    budget.acquire(PING, timeout_ms=1)
    assert DATABASES.left_open()
    return budget


def test_a_client_closes_the_budget_that_it_opened():
    """The shared ledger of a client that is closed holds no file open."""
    with serving(exchange(1)) as (_, url):
        with Client(credentials(), base_url=url, clock=SystemClock(), budget="shared") as pm:
            pm.margin.repay_debt(asset="BNB", amount="0.1")
            assert DATABASES.left_open() == 1
        assert DATABASES.left_open() == 0


def test_an_awaited_client_closes_the_budget_that_it_opened():
    """The same, awaited."""

    async def repay(url: str) -> None:
        async with AsyncClient(credentials(), base_url=url, clock=SystemClock(), budget="shared") as pm:
            await pm.margin.repay_debt(asset="BNB", amount="0.1")
            assert DATABASES.left_open() == 1
        assert DATABASES.left_open() == 0

    with serving(exchange(1)) as (_, url):
        asyncio.run(repay(url))


def test_a_budget_that_was_passed_stays_open(tmp_path):
    """It may serve other clients: whoever made it closes it."""
    budget = used(SqliteBudget("s", tmp_path / "b.sqlite3"))
    with Client(credentials(), base_url="http://127.0.0.1:9", clock=SystemClock(), budget=budget):
        pass
    assert DATABASES.left_open() == 1
    budget.close()


def test_a_budget_that_is_dropped_is_closed(tmp_path):
    """Neither Python's warning nor the interpreter's own closing is needed."""
    used(SqliteBudget("s", tmp_path / "b.sqlite3"))
    gc.collect()
    assert DATABASES.left_open() == 0


def test_a_client_that_is_dropped_closes_its_budget():
    """A program that never closes its client leaves no file open either."""
    with serving(exchange(1)) as (_, url):
        pm = Client(credentials(), base_url=url, clock=SystemClock(), budget="shared")
        pm.margin.repay_debt(asset="BNB", amount="0.1")
        pm._channel.get().close()
        del pm
        gc.collect()
        assert DATABASES.left_open() == 0


def test_an_opening_that_fails_half_way_leaves_nothing_open(tmp_path):
    """The file was opened before anybody could see that it is another version's."""
    path = tmp_path / "b.sqlite3"
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    budget = SqliteBudget("s", path)
    with pytest.raises(BudgetUnavailable):
        budget.acquire(PING, timeout_ms=1)
    assert DATABASES.left_open() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_takes_no_open_file_along(tmp_path):
    """Parent and child each open the file anew, and each closes its own."""
    budget = used(SqliteBudget("s", tmp_path / "b.sqlite3"))
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        carried = DATABASES.left_open()
        used(budget)
        budget.close()
        os.write(writing, bytes((carried, DATABASES.left_open())))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == bytes((0, 0))
    os.waitpid(pid, 0)
    assert DATABASES.left_open() == 0


AT_THE_END = """
import atexit, os, sys
from tests.unclosed import DATABASES

@atexit.register  # the first that is registered runs last
def look():
    left = DATABASES.left_open()
    if left:
        print(left, "left open", file=sys.stderr, flush=True)
        os._exit(1)

from paydown import Client, Credentials
from paydown.budget import Weight, Limit, SqliteBudget
from paydown_sandbox import create_app
PING = (Weight(Limit("ip-weight", 6_000, 60_000), 1),)
"""


@pytest.mark.parametrize(
    "program",
    [
        "kept = SqliteBudget('s', 'b'); kept.acquire(PING, timeout_ms=1)",
        "SqliteBudget('s', 'b').acquire(PING, timeout_ms=1)",
        "ring = [SqliteBudget('s', 'b')]; ring.append(ring); ring[0].acquire(PING, timeout_ms=1)",
        "kept = SqliteBudget('s', 'b'); kept.acquire(PING, timeout_ms=1); 1/0",
        "kept = SqliteBudget('s', 'b'); kept.acquire(PING, timeout_ms=1)\n"
        "pid = os.fork()\nkept.acquire(PING, timeout_ms=1)\nif pid: assert os.waitpid(pid, 0)[1] == 0",
        "kept = Client(Credentials.hmac('k' * 16, 's' * 16), base_url='http://127.0.0.1:9', budget='shared')\n"
        "try: kept.market.ping()\nexcept Exception as error: print(type(error).__name__)",
        "from pathlib import Path; kept = create_app(data=Path('sandbox.db'))",
        "from pathlib import Path; create_app(data=Path('sandbox.db')).close()",
        "from paydown_sandbox.serving.process import main\n"
        "assert main(['--data', 'sandbox.db', '--port', '0', '--scenario', 'no-such-scenario']) == 2",
    ],
    ids=["kept", "dropped", "ring", "traceback", "fork", "client", "application", "closed", "refused"],
)
def test_the_end_of_the_interpreter_finds_every_database_closed(tmp_path, program):
    """However a program ends, short of being killed: also where it has closed nothing itself."""
    end = subprocess.run(
        [
            sys.executable,
            "-X",
            "dev",
            "-W",
            "error",
            "-c",
            f"{AT_THE_END}\nos.chdir(sys.argv[1])\n{program}",
            tmp_path,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    expected = 1 if "1/0" in program else 0
    assert end.returncode == expected, end.stderr
    assert "left open" not in end.stderr
    assert "unclosed" not in end.stderr
