"""Four processes that want more than the minute allows: is the ceiling reached, and never passed?

    python benchmarks/weight_ceiling.py                           the real minute, 60 s of demand
    python benchmarks/weight_ceiling.py --interval-ms 500 --guard-ms 50 --seconds 3    the same, in a hurry

Each process takes reservations from one ledger file as fast as it gets them. Instead of an exchange there is a
note: each call is counted at a random moment between its sending and its answer, in nanoseconds of the
machine's clock. Afterwards the notes of all processes are merged, and the fullest window is looked for: the
fullest of all (sliding) and the fullest that begins at a multiple of the interval (fixed).

`measure` is the same for callers in Python.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TypeAlias

from paydown.budget import Limit, Priority, Reservation, Rules, SqliteBudget, Weight

Notes: TypeAlias = list[tuple[int, int]]  # ns of the machine's clock, weight
Results: TypeAlias = "multiprocessing.Queue[tuple[Notes, list[int]]]"


@dataclass(frozen=True, slots=True)
class Demand:
    """What the processes ask for. Durations in ms."""

    processes: int = 4
    seconds: float = 60.0
    limit: int = 6_000
    interval_ms: int = 60_000
    guard_ms: int = 1_000
    latency_ms: float = 200.0
    repay_cost: int = 3_000
    """Cost of a write. Every eighth call is one."""
    read_cost: int = 20


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Hold the result. Values are weights, except where the name is a count or a time."""

    demand: Demand
    calls: int
    admitted: int
    fullest_sliding_window: int
    fullest_fixed_window: int
    possible: int
    """What a perfect ledger could have admitted in this time: the limit, once per interval begun."""
    microseconds_per_acquire: float
    """Median, of those that were granted."""

    @property
    def kept(self) -> bool:
        """No window above the limit."""
        return max(self.fullest_sliding_window, self.fullest_fixed_window) <= self.demand.limit

    @property
    def reached(self) -> bool:
        """Some window was filled but for less than a read."""
        return self.fullest_sliding_window > self.demand.limit - self.demand.read_cost


def _work(demand: Demand, path: str, begin_ns: int, seed: int, results: Results) -> None:
    rng = random.Random(seed)
    limit = Limit("ip-weight", demand.limit, demand.interval_ms)
    write, read = (Weight(limit, demand.repay_cost),), (Weight(limit, demand.read_cost),)
    budget = SqliteBudget("bench", path, rules=Rules(guard_ms=demand.guard_ms), busy_timeout_ms=10_000)
    notes: Notes = []
    costs_ns: list[int] = []
    time.sleep(max(0, begin_ns - time.monotonic_ns()) / 1e9)
    end_ns = begin_ns + int(demand.seconds * 1e9)
    while time.monotonic_ns() < end_ns:
        priority, weights = (Priority.WRITE, write) if rng.randrange(8) == 0 else (Priority.READ, read)
        place: int | None = None
        while time.monotonic_ns() < end_ns:
            started = time.perf_counter_ns()
            answer = budget.acquire(weights, timeout_ms=10_000, priority=priority, place=place)
            if isinstance(answer, Reservation):
                costs_ns.append(time.perf_counter_ns() - started)
                latency_s = rng.random() * demand.latency_ms / 1000
                counted_after = rng.random()
                time.sleep(latency_s * counted_after)
                notes.append((time.monotonic_ns(), weights[0].cost))
                time.sleep(latency_s * (1 - counted_after))
                budget.release(answer)
                break
            place = answer.place
            time.sleep(answer.recheck_ms / 1000)
    budget.close()
    results.put((notes, costs_ns))


def fullest_sliding(notes: Notes, interval_ns: int) -> int:
    """Return the most weight within any stretch of an interval.

    Args:
        notes: Time (ns) and weight of each granted call, in order of time.
        interval_ns: Length of the interval, nanoseconds.
    """
    most = held = first = 0
    for at, weight in notes:
        held += weight
        while at - notes[first][0] > interval_ns:
            held -= notes[first][1]
            first += 1
        most = max(most, held)
    return most


def fullest_fixed(notes: Notes, interval_ns: int) -> int:
    """Return the most weight within a stretch that begins at a multiple of the interval.

    Args:
        notes: Time (ns) and weight of each granted call, in order of time.
        interval_ns: Length of the interval, nanoseconds.
    """
    minutes: Counter[int] = Counter()
    for at, weight in notes:
        minutes[at // interval_ns] += weight
    return max(minutes.values(), default=0)


def measure(demand: Demand, directory: Path, seed: int = 1) -> Ceiling:
    """Run the processes against one budget file, and return how full its windows were.

    Args:
        demand: The load that the processes make.
        directory: Folder of the budget file.
        seed: Seed of the order of calls.
    """
    context = multiprocessing.get_context("spawn")
    results: Results = context.Queue()
    begin_ns = time.monotonic_ns() + 1_500_000_000  # all of them are awake by then
    path = str(directory / "ceiling.sqlite3")
    workers = [
        context.Process(target=_work, args=(demand, path, begin_ns, seed + number, results))
        for number in range(demand.processes)
    ]
    for worker in workers:
        worker.start()
    notes: Notes = []
    costs_ns: list[int] = []
    for _ in workers:
        some_notes, some_costs = results.get(timeout=demand.seconds + 60)
        notes += some_notes
        costs_ns += some_costs
    for worker in workers:
        worker.join()
    notes.sort()
    costs_ns.sort()
    interval_ns = demand.interval_ms * 1_000_000
    return Ceiling(
        demand=demand,
        calls=len(notes),
        admitted=sum(weight for _, weight in notes),
        fullest_sliding_window=fullest_sliding(notes, interval_ns),
        fullest_fixed_window=fullest_fixed(notes, interval_ns),
        possible=demand.limit * -(-int(demand.seconds * 1000) // demand.interval_ms),
        microseconds_per_acquire=costs_ns[len(costs_ns) // 2] / 1000 if costs_ns else 0.0,
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and fail if a window was overfull or none was filled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    usual = Demand()
    for item in fields(usual):
        value: int | float = getattr(usual, item.name)
        kind = float if isinstance(value, float) else int
        parser.add_argument(f"--{item.name.replace('_', '-')}", type=kind, default=value)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = vars(parser.parse_args(arguments))
    seed, as_json = options.pop("seed"), options.pop("json")
    with tempfile.TemporaryDirectory() as directory:
        ceiling = measure(Demand(**options), Path(directory), seed)
    report = asdict(ceiling) | {"kept": ceiling.kept, "reached": ceiling.reached}
    if as_json:
        print(json.dumps(report))
    else:
        for key, value in report.items():
            print(f"{key:26} {value}")
    return 0 if ceiling.kept and ceiling.reached else 1


if __name__ == "__main__":
    sys.exit(main())
