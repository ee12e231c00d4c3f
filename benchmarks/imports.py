"""Import time: this package, httpx and the other clients, each in its own environment.

Each round starts every statement once, one after the other, so that a busy moment of the machine hits all of
them. A time is that of a whole new process minus that of `python -c pass` in the same environment and round.
"Best" is the fastest process of all rounds minus the fastest `python -c pass`: what the statement costs when
nothing disturbs it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.field import can_be_made
from benchmarks.result import ROOT, Section, Settings, Table, median, spread
from tests.interop import environments
from tests.interop.peer import clean_environment

# Building a client means: as its README does, with a key, ready for the first call.
STATEMENTS: dict[str, tuple[str, str]] = {
    "import httpx": ("httpx", "import httpx"),
    "httpx.Client()": ("httpx", "import httpx; httpx.Client()"),
    "import paydown": ("paydown", "import paydown"),
    "paydown.Client(...)": (
        "paydown",
        "from paydown import Client, Credentials; Client(Credentials.hmac('key', 'secret'))",
    ),
    "paydown.AsyncClient(...)": (
        "paydown",
        "from paydown import AsyncClient, Credentials; AsyncClient(Credentials.hmac('key', 'secret'))",
    ),
    "official": (
        "official",
        "from binance_sdk_derivatives_trading_portfolio_margin.derivatives_trading_portfolio_margin import "
        "DerivativesTradingPortfolioMargin",
    ),
    "python-binance": ("python-binance", "from binance.client import Client"),
    "python-binance async": ("python-binance", "from binance import AsyncClient"),
    "ccxt": ("ccxt", "import ccxt"),
    "ccxt async": ("ccxt", "import ccxt.async_support"),
    "openxapi": ("openxapi", "from binance.pmargin import ApiClient, Configuration, PortfolioMarginApi"),
}
QUICK = ("import httpx", "httpx.Client()", "import paydown", "paydown.Client(...)")
BARE = "pass"
COPIES = 4


class Cost(NamedTuple):
    """What one process took, in milliseconds."""

    cpu_ms: float
    wall_ms: float


def start(
    python: Path, statement: str, environment: dict[str, str] | None = None, isolated: bool = True
) -> Cost:
    """Run one statement in a new interpreter.

    Args:
        python: The interpreter.
        statement: What to run.
        environment: Variables of the process.
        isolated: Whether user settings are ignored (`-I`).
    """
    command = [str(python), *(["-I"] if isolated else []), "-c", statement]
    begun = time.perf_counter()
    child = subprocess.Popen(command, env=environment or clean_environment(), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{statement!r} failed in {python}")
    return Cost((used.ru_utime + used.ru_stime) * 1000, wall * 1000)


def run(settings: Settings) -> Section:
    """Measure all statements and the growth with the number of operations."""
    section = Section("imports", "Import time")
    wanted = QUICK if settings.quick else tuple(STATEMENTS)
    able = can_be_made(section, {STATEMENTS[name][0] for name in wanted})
    names = tuple(name for name in wanted if STATEMENTS[name][0] in able)
    over, best = _rounds(names, settings.rounds(7, 5))

    table = Table("Over bare python", ["statement", "CPU ms", "wall ms", "wall ms, range", "wall ms, best"])
    for name in names:
        walls = [cost.wall_ms for cost in over[name]]
        cpu = median([cost.cpu_ms for cost in over[name]])
        table.rows.append([name, cpu, median(walls), spread(walls), best[name]])
    section.tables.append(table)

    section.at_most("import paydown over bare python, best", best["import paydown"], "ms", 20)
    # Round by round, so that noise which hits a whole round cancels out.
    built = [
        a.wall_ms / b.wall_ms
        for a, b in zip(over["paydown.Client(...)"], over["httpx.Client()"], strict=True)
    ]
    section.at_most("import and client built, paydown / httpx", median(built), "x", 1.1)
    _growth(section, settings)
    if settings.quick:
        section.left_out.append("the other clients (quick)")
    return section


def _rounds(names: tuple[str, ...], rounds: int) -> tuple[dict[str, list[Cost]], dict[str, float]]:
    """Each statement over bare python, round by round, and at its best (wall time, ms)."""
    pythons = {STATEMENTS[name][0]: environments.python(STATEMENTS[name][0]) for name in names}
    over: dict[str, list[Cost]] = {name: [] for name in names}
    walls: dict[str, list[float]] = {name: [] for name in names}
    bare_walls: dict[str, list[float]] = {home: [] for home in pythons}
    for name in names:  # once for the byte code and the file cache
        start(pythons[STATEMENTS[name][0]], STATEMENTS[name][1])
    for _ in range(rounds):
        bare = {home: start(python, BARE) for home, python in pythons.items()}
        for home, cost in bare.items():
            bare_walls[home].append(cost.wall_ms)
        for name in names:
            home, statement = STATEMENTS[name]
            cost = start(pythons[home], statement)
            over[name].append(Cost(cost.cpu_ms - bare[home].cpu_ms, cost.wall_ms - bare[home].wall_ms))
            walls[name].append(cost.wall_ms)
    return over, {name: min(walls[name]) - min(bare_walls[STATEMENTS[name][0]]) for name in names}


def _growth(section: Section, settings: Settings) -> None:
    """Compare `import paydown` of this document with that of one with five times as many operations."""
    with tempfile.TemporaryDirectory(prefix="paydown-growth-") as folder:
        document, wire = Path(folder) / "openapi", Path(folder) / "wire"
        shutil.copytree(ROOT / "openapi", document)
        count = multiply(document, COPIES)
        made = subprocess.run(
            [sys.executable, "-m", "generator", "--openapi", str(document), "--out", str(wire)],
            cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if made.returncode:
            section.left_out.append(f"growth with the number of operations: {made.stderr.strip()[:400]}")
            return
        python = environments.python("paydown")
        rows: dict[str, dict[int, list[Cost]]] = {}
        sizes = {count: ROOT / "generated_client", count * (COPIES + 1): wire}
        for name in ("import paydown", "paydown.Client(...)"):
            rows[name] = {size: [] for size in sizes}
            for number in range(settings.rounds(9, 5) + 1):
                for size, home in sizes.items():
                    own = clean_environment() | {"PYTHONPATH": f"{ROOT / 'src'}:{home}"}
                    cost = start(python, STATEMENTS[name][1], own, isolated=False)
                    if number:  # the first writes the byte code
                        rows[name][size].append(cost)
        small, large = sizes
        table = Table(
            "Growth, whole process",
            ["statement", f"CPU ms, {small} operations", f"CPU ms, {large} operations"],
        )
        for name, by_size in rows.items():
            table.rows.append([name, *(median([cost.cpu_ms for cost in by_size[size]]) for size in sizes)])
        section.tables.append(table)
        grown = [b.cpu_ms - a.cpu_ms for a, b in zip(*rows["import paydown"].values(), strict=True)]
        section.at_most(f"growth of import paydown, {small} -> {large} operations", median(grown), "ms", 2)


def multiply(document: Path, copies: int) -> int:
    """Add `copies` of every operation to a document, under other names; return how many there were.

    Works on the text: a path file is copied with its operation ids and method names changed, and the root
    gets the same paths again under a prefix of their own.

    Args:
        document: Folder of the document; its files are changed.
        copies: How many copies of every operation to add.
    """
    root = document / "openapi.yaml"
    text = root.read_text(encoding="utf-8")
    lines = re.findall(r"^  (/[^\s:]+): *(\{.*\}|\n    \$ref: .*)$", text, flags=re.MULTILINE)
    head, mark, rest = text.partition("\npaths:\n")
    if not mark or not lines:
        raise ValueError("openapi.yaml has no section 'paths' in the form that this benchmark multiplies")
    added: list[str] = []
    for copy in range(copies):
        for file in sorted((document / "paths").glob("*.yaml")):
            if "_copy" in file.stem:
                continue
            own = file.read_text(encoding="utf-8")
            own = re.sub(r"(operationId: *)(\w+)", rf"\g<1>\g<2>Copy{copy}", own)
            own = re.sub(r"(x-method-name: *)(\w+)", rf"\g<1>\g<2>_copy{copy}", own)
            file.with_stem(f"{file.stem}_copy{copy}").write_text(own, encoding="utf-8")
        for path, target in lines:
            version, _, tail = path.removeprefix("/").partition("/")
            copied = re.sub(r"(paths/)(\w+)(\.yaml)", rf"\g<1>\g<2>_copy{copy}\g<3>", target)
            added.append(f"  /{version}/copy{copy}/{tail}: {copied}")
    root.write_text(f"{head}{mark}" + "\n".join(added) + "\n" + rest, encoding="utf-8")
    return len(
        {
            name  # a link names an operation by the same word, so each is counted once
            for file in (document / "paths").glob("*.yaml")
            if "_copy" not in file.stem
            for name in re.findall(r"operationId: *(\w+)", file.read_text(encoding="utf-8"))
        }
    )
