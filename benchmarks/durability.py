"""Measure what a journal costs: an attempt is durable before its request leaves. See `journal`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks.result import ROOT, Section, Settings, Table


def run(settings: Settings) -> Section:
    """Run `benchmarks.journal` in a process of its own and show its result."""
    section = Section("durability", "Journal")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.journal", "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if not done.stdout:
        raise RuntimeError(f"benchmarks.journal ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    found = json.loads(done.stdout)
    section.at_most("one attempt against bare SQLite commits", found["ratio (at most 1.5)"], "x", 1.5)
    rows = [[name, value] for name, value in _flat(found)]
    section.tables.append(Table("", ["figure", "value"], [*rows]))
    return section


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str | float | int]]:
    """Yield each leaf of a JSON value, with the names that lead to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name} {key}".strip().replace("_", " "))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{name} {number}".strip())
    elif isinstance(value, str | int | float):
        yield name, value
