"""Measure four processes that want more than the minute allows, for a minute: see `weight_ceiling`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.result import Section, Settings, Table
from benchmarks.weight_ceiling import Demand, measure


def run(settings: Settings) -> Section:
    """Measure with the real minute, or, in a hurry, with a minute of two seconds."""
    section = Section("demand", "Four processes, one budget")
    demand = Demand(interval_ms=2_000, guard_ms=100, seconds=8.0) if settings.quick else Demand(seconds=65.0)
    with tempfile.TemporaryDirectory(prefix="paydown-demand-") as folder:
        ceiling = measure(demand, Path(folder))
    section.tables.append(
        Table(
            f"{demand.processes} processes, {demand.seconds:g} s, {demand.limit} per {demand.interval_ms / 1000:g} s",
            ["calls", "weight admitted", "fullest sliding window", "fullest fixed window", "us per acquire"],
            [
                [
                    ceiling.calls,
                    ceiling.admitted,
                    ceiling.fullest_sliding_window,
                    ceiling.fullest_fixed_window,
                    ceiling.microseconds_per_acquire,
                ]
            ],
        )
    )
    section.at_most(
        "fullest window of weight",
        max(ceiling.fullest_sliding_window, ceiling.fullest_fixed_window),
        "",
        demand.limit,
    )
    section.at_least(
        "fullest window of weight (ceiling reached)",
        ceiling.fullest_sliding_window,
        "",
        demand.limit - demand.read_cost + 1,
    )
    if settings.quick:
        section.left_out.append("the real minute (quick): here a minute has two seconds")
    return section
