"""Clients that nobody here wrote, and ours beside them, each driven in its own environment and process."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.interop import environments

SCRIPTS = Path(__file__).parent / "clients"

# Clients read their proxies from the environment; everything here talks to loopback.
NO_PROXY = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class Peer(NamedTuple):
    """One client: which environment, which script, which arguments."""

    name: str
    environment: str
    script: str
    arguments: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        return self.environment in environments.OURS

    @property
    def is_async(self) -> bool:
        return "--async" in self.arguments


# openxapi never signs this call; as `openxapi` it gets the missing signature, so that the rest can be
# compared.
PEERS: tuple[Peer, ...] = (
    Peer("paydown", "paydown", "paydown_client.py"),
    Peer("paydown, budget in memory", "paydown", "paydown_client.py", ("--budget", "memory")),
    Peer("paydown async", "paydown", "paydown_client.py", ("--async",)),
    Peer("httpx + SigningAuth", "paydown", "signing_auth.py"),
    Peer("raw httpx", "httpx", "raw_httpx.py"),
    Peer("raw httpx async", "httpx", "raw_httpx.py", ("--async",)),
    Peer("official", "official", "official.py"),
    Peer("python-binance", "python-binance", "python_binance.py"),
    Peer("python-binance async", "python-binance", "python_binance.py", ("--async",)),
    Peer("ccxt", "ccxt", "ccxt_binance.py"),
    Peer("ccxt async", "ccxt", "ccxt_binance.py", ("--async",)),
    Peer("openxapi", "openxapi", "openxapi.py", ("--signed-for-them",)),
)
AS_PUBLISHED = Peer("openxapi as published", "openxapi", "openxapi.py")
BY_NAME = {peer.name: peer for peer in (*PEERS, AS_PUBLISHED)}


class Target(NamedTuple):
    """Whom to talk to, and as whom."""

    url: str
    key: str
    secret: str


class DriverFailed(RuntimeError):
    """The client's process ended or said something else than it should."""


def command_line(peer: Peer, target: Target, timeout_s: float = 10.0) -> list[str]:
    """The command that starts a client's driver."""
    return [
        str(environments.python(peer.environment)), str(SCRIPTS / peer.script),
        "--url", target.url, "--key", target.key, "--secret", target.secret,
        "--timeout-s", str(timeout_s), *peer.arguments,
    ]  # fmt: skip


def clean_environment() -> dict[str, str]:
    """This process's environment without proxies, without our settings, without this project on the path."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in PROXIES and not name.startswith(("PAYDOWN_", "PYTHON"))
    }
    return kept | NO_PROXY | {"PYTHONUNBUFFERED": "1"}


class Running:
    """A client's process: `ask` sends one command and returns its answer."""

    def __init__(self, command: list[str], start_s: float = 120.0) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(),
        )
        self._buffer = b""
        try:
            if self._read(start_s) != {"ready": True}:
                raise DriverFailed("the driver did not say that it is ready")
        except BaseException:
            self.stop()
            raise

    @classmethod
    def of(cls, peer: Peer, target: Target, timeout_s: float = 10.0) -> Self:
        """Start the driver of a client."""
        return cls(command_line(peer, target, timeout_s))

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, do: str, answer_s: float = 120.0, **arguments: Any) -> dict[str, Any]:
        """Send one command of `clients/driver.py`; raises `DriverFailed` where the driver itself failed."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._read(answer_s)
        if "error" in answer:
            raise DriverFailed(str(answer["error"]))
        return answer

    def _read(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise DriverFailed(f"no answer within {seconds:g} s")
            piece = os.read(descriptor, 65536)
            if not piece:
                raise DriverFailed(f"the client's process ended: {self._last_words()}")
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._process.kill()
        assert self._process.stderr is not None
        return self._process.stderr.read().decode(errors="replace").strip()[-1500:]

    def stop(self) -> None:
        """End the process; an orderly end of input first, so that it closes its connections."""
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
