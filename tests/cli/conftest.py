"""A sandbox process for the command line's tests; each test begins with a state of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from paydown.cli import main

API_KEY, API_SECRET = "cli-tests-key", "cli-tests-secret"
REPAY = "/papi/v1/margin/repay-debt"


@dataclass(frozen=True)
class Exchange:
    """The control interface of a running sandbox."""

    url: str

    def call(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data=data, method=method, headers={"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def reset(self) -> None:
        balances = {
            "BNB": {"free": "0", "locked": "0", "borrowed": "1.5", "interest": "0.001"},
            "USDT": {"free": "250000", "locked": "0", "borrowed": "0", "interest": "0"},
        }
        key = {
            "api_key": API_KEY,
            "type": "hmac",
            "secret_or_public_key": API_SECRET,
            "permissions": ["TRADE", "USER_DATA"],
            "ip_allow": [],
        }
        self.call("DELETE", "/_sandbox/faults")
        self.call("DELETE", "/_sandbox/requests")
        self.call(
            "PUT",
            "/_sandbox/state",
            {
                "accounts": [{"id": "cli", "keys": [key], "balances": balances}],
                "prices_usd": {"BNB": "600", "USDT": "1"},
                "limits": {"weight_per_minute": 6_000_000, "orders_per_minute": 1200},
                "repay_weight_scope": "ip",
            },
        )

    def fault(self, name: str) -> None:
        """Let the next repayment meet a fault."""
        self.call(
            "POST",
            "/_sandbox/faults",
            {"match": {"method": "POST", "path": REPAY}, "fault": name, "times": 1},
        )

    def repayments(self) -> int:
        """How many repayments the exchange has executed."""
        return len(self.call("GET", "/_sandbox/ledger")["entries"])


@pytest.fixture(scope="session")
def running() -> Iterator[Exchange]:
    process = subprocess.Popen(
        [sys.executable, "-m", "paydown_sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready.startswith("sandbox ready at ")
        yield Exchange(ready.split()[-1])
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def exchange(running: Exchange, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Exchange:
    """A fresh exchange, and an environment that points at it and at a state directory of its own."""
    running.reset()
    monkeypatch.setenv("PAYDOWN_BASE_URL", running.url)
    monkeypatch.setenv("PAYDOWN_API_KEY", API_KEY)
    monkeypatch.setenv("PAYDOWN_API_SECRET", API_SECRET)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "120")
    return running


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def paydown(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run one command in this process."""

    def run(*words: str) -> Ran:
        code = main(list(words))
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run
