"""What writing an attempt down costs, against bare SQLite commits on the same disk.

    python -m benchmarks.journal            for a person
    python -m benchmarks.journal --json     for `benchmarks.durability`

One attempt is two commits: INTENT before the request leaves, its outcome afterwards. The other side is SQLite alone,
in the same mode (WAL, synchronous=FULL): two commits of one row each, as large as what the journal wrote. The disk is
that of the working directory, not that of a temporary folder, which may be memory. Both sides take turns attempt
by attempt, so that other work of the disk slows both.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sqlite3
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from paydown.repay import Journal, Plan, PlanState
from paydown.repay.evidence.snapshot import Holding, Snapshot
from paydown.repay.journal.journal_records import Intent
from paydown.repay.journal.states import AttemptState
from paydown.repay.planning.plan import Piece, Price, Request

NOW_MS = 1_795_000_000_000
LIMIT = 1.5


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians of one attempt, in microseconds, and the ratio of the two."""

    journal_us: float
    bare_sqlite_us: float
    ratio: float
    ratio_of_cpu: float
    attempts: int
    row_bytes: int


def a_snapshot() -> Snapshot:
    """Balances of an account with a dozen assets."""
    rows = [(f"A{number}", Holding(free=Decimal("12.34567890"))) for number in range(11)]
    owed = Holding(borrowed=Decimal("1234.56789012"), interest=Decimal("0.12345678"))
    return Snapshot.of(NOW_MS, NOW_MS + 40, [("BNB", owed), *rows])


def a_plan(snapshot: Snapshot) -> Plan:
    """Return a plan that attempts can belong to; nothing is sent."""
    owed = snapshot["BNB"].debt
    piece = Piece(1, None, owed, owed * 600, "clears the whole debt")
    return Plan(
        key="bench", request=Request("BNB", None, ("USDT",), (), Decimal("0.02")), snapshot=snapshot,
        prices={"BNB": Price(Decimal(600), "index")}, piece_limit_usd=Decimal(49_000), pieces=(piece,),
        weight=3_060, earliest_finish_ms=NOW_MS, warnings=(), created_at_ms=NOW_MS,
    )  # fmt: skip


class JournalSide:
    """Attempts as the engine writes them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"
        self.journal = Journal(self.path)
        self.account = self.journal.account("bench")
        self.snapshot = a_snapshot()
        self.plan = self.journal.plans.add(self.account, a_plan(self.snapshot), NOW_MS)
        self.journal.plans.move(self.plan.id, PlanState.RUNNING, NOW_MS)
        self.number = 0

    def attempt(self) -> None:
        """INTENT, then EXECUTED."""
        self.number += 1
        number = self.number
        amount = Decimal("81.66666666")
        attempt_id = f"a{secrets.token_hex(6)}"
        intent = Intent(
            attempt_id, number, "BNB", amount, amount, ("USDT",), self.snapshot, (), NOW_MS + number, 5_000
        )
        self.journal.attempts.begin(
            self.account, self.plan.id, intent, NOW_MS + number, fresh_snapshot=number == 1
        )
        outcome = {
            "kind": "executed",
            "status": 200,
            "update_time": NOW_MS,
            "message": "the exchange confirmed it",
        }
        self.journal.attempts.finish(
            attempt_id, AttemptState.EXECUTED, NOW_MS + number, outcome=outcome, repaid=amount
        )

    def row_bytes(self) -> int:
        """How large the row of one attempt is."""
        with sqlite3.connect(self.path) as db:
            columns = [row[1] for row in db.execute("PRAGMA table_info(attempts)")]
            sizes = " + ".join(f"coalesce(length({column}), 0)" for column in columns)
            return int(db.execute(f"SELECT {sizes} FROM attempts LIMIT 1").fetchone()[0])


class BareSide:
    """SQLite alone: the same bytes, in as many commits."""

    def __init__(self, folder: Path, row_bytes: int) -> None:
        self.db = sqlite3.connect(folder / "bare.db", isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT, outcome TEXT)")
        self.body = "x" * (row_bytes - 120)
        self.outcome = "y" * 120

    def attempt(self) -> None:
        """One row, then its other half: each in a commit of its own."""
        row = self.db.execute("INSERT INTO rows (body) VALUES (?)", (self.body,)).lastrowid
        self.db.execute("UPDATE rows SET outcome = ? WHERE id = ?", (self.outcome, row))


def measure(attempts: int, folder: Path) -> Figures:
    """Measure the journal and bare SQLite in turns, and return the medians.

    Args:
        attempts: How many attempts to write.
        folder: Folder for both files.
    """
    ours = JournalSide(folder)
    ours.attempt()
    bare = BareSide(folder, ours.row_bytes())
    walls: dict[str, list[int]] = {"ours": [], "bare": []}
    cpus: dict[str, int] = {"ours": 0, "bare": 0}
    for number in range(attempts + 10):
        for name, side in (("ours", ours), ("bare", bare)):
            cpu, begun = time.process_time_ns(), time.perf_counter_ns()
            side.attempt()
            if number >= 10:
                walls[name].append(time.perf_counter_ns() - begun)
                cpus[name] += time.process_time_ns() - cpu
    row_bytes = ours.row_bytes()
    ours.journal.close()
    bare.db.close()
    journal_us, bare_us = (statistics.median(walls[name]) / 1000 for name in ("ours", "bare"))
    return Figures(
        journal_us, bare_us, journal_us / bare_us, cpus["ours"] / cpus["bare"], attempts, row_bytes
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if the journal costs more than it may."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.journal", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--attempts", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix=".journal-bench-", dir=Path.cwd()) as folder:
        figures = measure(options.attempts, Path(folder))
    result = {
        "one attempt, journal, us": round(figures.journal_us, 1),
        "one attempt, bare SQLite, us": round(figures.bare_sqlite_us, 1),
        "ratio (at most 1.5)": round(figures.ratio, 2),
        "ratio of CPU time": round(figures.ratio_of_cpu, 2),
        "attempts": figures.attempts,
        "bytes of one row": figures.row_bytes,
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:30} {value}")
    return 0 if figures.ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
