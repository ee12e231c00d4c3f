"""Eight processes on one ledger, killed at random and started again: was any window overfull? Prints JSON.

python -m tests.client.budget.budget_chaos LEDGER NOTES SECONDS

Each process writes a note at the moment when an exchange would count its call, so that a process that is killed
between that moment and its settling has counted all the same.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time

from benchmarks.weight_ceiling import fullest_fixed, fullest_sliding
from paydown.budget import Limit, Priority, Reservation, Rules, SqliteBudget, Weight
from paydown.clock import wall_ms

LIMIT, INTERVAL_MS, PROCESSES = 6_000, 500, 8
RULES = Rules(guard_ms=25, lost_ms=100, send_within_ms=200)
WRITE = (Weight(Limit("ip-weight", LIMIT, INTERVAL_MS), 3_000),)
READ = (Weight(Limit("ip-weight", LIMIT, INTERVAL_MS), 20),)


def work(ledger: str, notes: int, seed: int) -> None:
    """Ask for room for ever; every process has another opinion of what the date is."""
    rng = random.Random(seed)
    date_off_ms = rng.randrange(-86_400_000, 86_400_000)
    budget = SqliteBudget(
        "chaos", ledger, rules=RULES, busy_timeout_ms=10_000, wall=lambda: wall_ms() + date_off_ms
    )
    while True:
        write = rng.randrange(8) == 0
        weights = WRITE if write else READ
        answer = budget.acquire(weights, timeout_ms=100, priority=Priority.WRITE if write else Priority.READ)
        while not isinstance(answer, Reservation):
            time.sleep(answer.recheck_ms / 1000)
            answer = budget.acquire(weights, timeout_ms=100, place=answer.place)
        time.sleep(rng.random() * 0.01)
        if budget.may_send(answer):
            os.write(notes, f"{time.monotonic_ns()} {weights[0].cost}\n".encode())
            time.sleep(rng.random() * 0.01)
            budget.release(answer)
        else:
            budget.release(answer, ended="not-sent")


def main(ledger: str, path: str, seconds: str) -> None:
    """Start, kill, start again; then judge the notes."""
    rng = random.Random(1)
    notes = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    running: list[int] = []
    started = killed = 0
    ends_at = time.monotonic() + float(seconds)
    while time.monotonic() < ends_at:
        while len(running) < PROCESSES:
            started += 1
            pid = os.fork()
            if pid == 0:
                work(ledger, notes, started)
            running.append(pid)
        time.sleep(rng.random() * 0.15)
        victim = running.pop(rng.randrange(PROCESSES))
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        killed += 1
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    with open(path, encoding="ascii") as file:
        counted = sorted((int(at), int(weight)) for at, weight in map(str.split, file))
    interval_ns = INTERVAL_MS * 1_000_000
    report = {
        "killed": killed,
        "calls": len(counted),
        "sliding": fullest_sliding(counted, interval_ns),
        "fixed": fullest_fixed(counted, interval_ns),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
