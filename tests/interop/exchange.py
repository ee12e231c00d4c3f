"""The exchanges that clients are pointed at: the sandbox as a process, and the independent fake in a thread.

Both look the same from here: forget everything, let the next repayment fail in a named way, count what was
executed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from tests.doubles import independent_fake
from tests.faults.fault_behaviour import REPAY_PATH
from tests.interop.environments import ROOT
from tests.interop.peer import Target, clean_environment

KEY, SECRET = "interop-key", "interop-secret"
REPAY = {"method": "POST", "path": REPAY_PATH}
ENDLESS = 10**12


def state(weight_per_minute: int = ENDLESS) -> dict[str, Any]:
    """A state document: one key, many large debts, and by default no limit that anybody reaches."""
    key = {"api_key": KEY, "type": "hmac", "secret_or_public_key": SECRET}
    none = {"free": "0", "locked": "0", "borrowed": "0", "interest": "0"}
    owed = {
        asset: none | {"borrowed": format(amount, "f")} for asset, amount in independent_fake.OWED.items()
    }
    held = none | {"free": "1000000000000000"}
    return {
        "accounts": [
            {
                "id": "interop",
                "keys": [key | {"permissions": ["TRADE", "USER_DATA"], "ip_allow": []}],
                "balances": owed | dict.fromkeys(("USDT", "BTC"), held),
            }
        ],
        "prices_usd": dict.fromkeys(owed, "600") | {"USDT": "1", "BTC": "60000"},
        "limits": {"weight_per_minute": weight_per_minute, "orders_per_minute": ENDLESS},
        "repay_weight_scope": "ip",
    }


class Exchange(Protocol):
    """What a census and a test need of an exchange."""

    @property
    def target(self) -> Target:
        """Where it is, and the key it knows."""
        ...

    def forget(self) -> None:
        """Start again with a new ledger and no fault."""
        ...

    def fail_next(self, fault: str, timeout_s: float) -> None:
        """Let this fault strike the next repayment; `timeout_s` is how long the client will wait."""
        ...

    def executed(self, asset: str = "BNB") -> int:
        """How many repayments were executed, once nothing is under way any more."""
        ...


class ServerFailed(RuntimeError):
    """A server did not start; the message holds its last words."""


@contextlib.contextmanager
def process(
    command: Sequence[str | Path], says: str = "", port: int = 0, start_s: float = 60.0, cwd: Path = ROOT
) -> Iterator[tuple[str, int]]:
    """Run a server until the block ends; yields its address and its process id.

    Args:
        command: What to run.
        says: It is ready when it prints a line with this text, whose last word is its address.
        port: It is ready when it accepts connections here (for servers that say nothing).
        start_s: Seconds after which it counts as failed.
        cwd: Where it runs.

    Raises:
        ServerFailed: It ended, or did not get ready in time.
    """
    with tempfile.TemporaryFile() as errors:
        running = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd, stdout=subprocess.PIPE, stderr=errors, env=clean_environment(),
        )  # fmt: skip
        assert running.stdout is not None
        try:
            url = _ready(running, says, port, start_s)
            if url is None:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()[-1500:]
                raise ServerFailed(f"{command[0]} did not get ready within {start_s:g} s: {said}")
            yield url, running.pid
        finally:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait(5)
            running.stdout.close()


def _ready(running: subprocess.Popen[bytes], says: str, port: int, seconds: float) -> str | None:
    """Read what the server prints until it names its address, or until its port takes connections."""
    assert running.stdout is not None
    descriptor = running.stdout.fileno()
    deadline = time.monotonic() + seconds
    printed = b""
    while (left := deadline - time.monotonic()) > 0 and running.poll() is None:
        if port and _accepts(port):
            return f"http://127.0.0.1:{port}"
        if select.select([descriptor], [], [], 0.05 if port else left)[0]:
            printed += os.read(descriptor, 65536)
            for line in printed.decode(errors="replace").splitlines(keepends=True):
                if says and says in line and line.endswith("\n"):
                    return line.split()[-1]
    return None


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def control(url: str, method: str, path: str, body: object = None) -> Any:
    """One call of the sandbox's control interface."""
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(
        url + path, data=data, method=method, headers={"content-type": "application/json"}
    )
    with opener.open(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


class Sandbox:
    """The sandbox as a process of its own."""

    def __init__(self, url: str, pid: int, weight_per_minute: int = ENDLESS) -> None:
        self.url, self.pid = url, pid
        self._state = state(weight_per_minute)
        self.forget()

    @classmethod
    @contextlib.contextmanager
    def started(cls, *options: str, weight_per_minute: int = ENDLESS) -> Iterator[Sandbox]:
        """Run until the block ends."""
        command = [sys.executable, "-m", "paydown_sandbox", "--port", "0", *options]
        with process(command, says="sandbox ready at") as (url, pid):
            yield cls(url, pid, weight_per_minute)

    @property
    def target(self) -> Target:
        """Where it is, and the key it knows."""
        return Target(self.url, KEY, SECRET)

    def forget(self) -> None:
        """Start again with a new ledger and no fault."""
        control(self.url, "PUT", "/_sandbox/state", self._state)
        control(self.url, "DELETE", "/_sandbox/faults")
        control(self.url, "DELETE", "/_sandbox/requests")

    def fail_next(self, fault: str, timeout_s: float) -> None:
        """Let this fault strike the next repayment, once."""
        late = fault in ("executed_then_delay", "delay_before")
        delay_ms = int(timeout_s * 1000) + 300 if late else 0
        # Nobody documents the status of -1007; the table says 408, and 504 is a fault of its own.
        status = 408 if fault in ("timeout_1007_executed", "timeout_1007_not_executed") else None
        fault_json = {"match": REPAY, "fault": fault, "times": 1, "delay_ms": delay_ms, "status": status}
        control(self.url, "POST", "/_sandbox/faults", fault_json)

    def executed(self, asset: str = "BNB") -> int:
        """How many repayments were executed, once nothing is under way any more."""
        patience = threading.Event()
        for _ in range(100):
            if not self._late():  # asked first: what is late may be executed between the two questions
                entries = control(self.url, "GET", "/_sandbox/ledger")["entries"]
                return sum(1 for entry in entries if entry["asset"] == asset)
            patience.wait(0.05)  # a request that the exchange holds back can be waited for in no other way
        raise ServerFailed("the sandbox still holds a request back")

    def _late(self) -> bool:
        records = control(self.url, "GET", "/_sandbox/requests?method=POST")["requests"]
        return any(record["fault"] == "delay_before" and not record["moved_money"] for record in records)

    def owed(self, asset: str = "BNB") -> Decimal:
        """Principal and interest owed, in units of the asset."""
        row = control(self.url, "GET", "/_sandbox/state")["accounts"][0]["balances"][asset]
        return Decimal(row["borrowed"]) + Decimal(row["interest"])


class Fake:
    """The independent fake in a thread of this process."""

    def __init__(self, fake: independent_fake.FakeExchange) -> None:
        self.fake = fake

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> Iterator[Fake]:
        """Run until the block ends."""
        with independent_fake.FakeExchange.started() as fake:
            yield cls(fake)

    @property
    def target(self) -> Target:
        """Where it is, and the key it knows."""
        return Target(self.fake.url, independent_fake.API_KEY, independent_fake.API_SECRET)

    def forget(self) -> None:
        """Start again with a new ledger and no fault."""
        self.fake.forget()

    def fail_next(self, fault: str, timeout_s: float) -> None:
        """Let this fault strike the next repayment, once; what is held back waits for the client to go."""
        self.fake.fail_next(fault)

    def executed(self, asset: str = "BNB") -> int:
        """How many repayments were executed, once nothing is under way any more."""
        return self.fake.executed(asset)
