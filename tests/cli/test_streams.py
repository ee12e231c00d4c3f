"""Streams that break: the exit code tells what became of the debt, whatever became of the display."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from tests.cli.conftest import API_KEY, API_SECRET, Exchange

REPAY = ("repay", "BNB", "--amount", "0.5", "--using", "USDT", "--yes")
FULL = Path("/dev/full")
full = pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")


@pytest.fixture
def run(exchange: Exchange, tmp_path: Path):
    """The command as a process of its own; its exit code and what it wrote."""

    def run(
        *words: str, environment: dict[str, str] | None = None, **streams: Any
    ) -> subprocess.CompletedProcess[str]:
        variables = {
            **os.environ,
            "PAYDOWN_API_KEY": API_KEY,
            "PAYDOWN_API_SECRET": API_SECRET,
            "PAYDOWN_BASE_URL": exchange.url,
            "XDG_STATE_HOME": str(tmp_path),
            **(environment or {}),
        }
        streams = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **streams,
        }
        return subprocess.run(
            [sys.executable, "-c", "from paydown.cli import main; raise SystemExit(main())", *words],
            env=variables, text=True, encoding="utf-8", errors="replace", timeout=60, check=False, **streams,
        )  # fmt: skip

    return run


@contextmanager
def nobody_reads() -> Iterator[IO[bytes]]:
    """The writing end of a pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stream:
        yield stream


def test_a_plan_that_nobody_reads_is_not_sent(run, exchange):
    """`paydown repay --yes | true`: nothing was shown, nothing leaves, and the code says so."""
    with nobody_reads() as gone:
        ran = run(*REPAY, stdout=gone)

    assert ran.returncode == 3
    assert "Nothing was sent" in ran.stderr
    assert exchange.repayments() == 0


@pytest.mark.parametrize("words", [("resume", "--yes"), ("resume", "k", "--yes")])
def test_plans_that_are_shown_to_a_closed_pipe_are_not_resumed(run, exchange, words):
    """The same for what would be gone on with: the yes was given for a list that did not arrive."""
    exchange.fault("waf_403_html")
    assert run(*REPAY, "--key", "k").returncode == 4
    with nobody_reads() as gone:
        ran = run(*words, stdout=gone)

    assert ran.returncode == 3
    assert "Nothing was sent" in ran.stderr
    assert exchange.repayments() == 0


@pytest.mark.parametrize("words", [REPAY, (*REPAY, "--json")])
def test_remarks_that_nobody_reads_stop_no_repayment(run, exchange, words):
    """Progress goes to stderr; losing it is no reason to stop in the middle."""
    with nobody_reads() as gone:
        ran = run(*words, stderr=gone)

    assert ran.returncode == 0
    assert exchange.repayments() == 1


@full
def test_remarks_on_a_full_disk_stop_no_repayment(run, exchange):
    """The same where stderr is a file on a full disk."""
    with FULL.open("w") as stream:
        ran = run(*REPAY, stderr=stream)

    assert ran.returncode == 0
    assert exchange.repayments() == 1


@full
@pytest.mark.parametrize("fault", ["", "executed_then_503"])
def test_a_report_that_cannot_be_written_never_ends_as_success(run, exchange, fault):
    """Done but not written is 1 and says where to look; what may have happened stays 5."""
    if fault:
        exchange.fault(fault)
    with FULL.open("w") as stream:
        ran = run(*REPAY, "--json", stdout=stream)

    assert ran.returncode == (5 if fault else 1)
    assert "paydown history" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert exchange.repayments() == 1


@pytest.mark.parametrize("words", [("debts",), ("debts", "--json"), ("repay", "bnb", "--json")])
def test_a_reader_that_goes_away_changes_no_exit_code(run, exchange, words):
    """`paydown debts | head`: no traceback, and not the interpreter's 120."""
    with nobody_reads() as gone:
        ran = run(*words, stdout=gone)

    assert ran.returncode == (3 if words[0] == "repay" else 0)
    assert ran.stderr == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_cannot_write_a_name_crashes_nothing(run, exchange, encoding):
    """JSON stays JSON with the name escaped, and text shows its numbers, also after a repayment."""
    name = "币安人生"
    state = exchange.call("GET", "/_sandbox/state")
    state["accounts"][0]["balances"][name] = {"free": "0", "locked": "0", "borrowed": "3", "interest": "0"}
    state["prices_usd"][name] = "1"
    exchange.call("PUT", "/_sandbox/state", state)
    terminal = {"PYTHONIOENCODING": encoding}

    repaid = run("repay", name, "--amount", "1", "--using", "USDT", "--yes", "--json", environment=terminal)
    shown = run("debts", environment=terminal)

    assert repaid.returncode == 0
    assert json.loads(repaid.stdout)["report"]["asset"] == name
    assert shown.returncode == 0
    assert r"\u5e01" in shown.stdout
    assert exchange.repayments() == 1


def test_without_any_stdin_nothing_is_sent(run, exchange):
    """A job that runs with stdin closed has nobody to ask."""
    ran = run("repay", "BNB", "--using", "USDT", stdin=None, preexec_fn=lambda: os.close(0))

    assert ran.returncode == 3
    assert "--yes" in ran.stderr
    assert exchange.repayments() == 0


def test_a_state_directory_that_cannot_be_made_is_a_refusal(run, exchange):
    """No traceback, and the code that says that nothing left."""
    unusable = {"XDG_STATE_HOME": "", "HOME": "/dev/null"}

    ran = run(*REPAY, "--json", environment=unusable)

    assert ran.returncode == 3
    assert "/dev/null" in json.loads(ran.stdout)["error"]["message"]
    assert exchange.repayments() == 0
