"""Measure how long the generator takes for the whole document, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.result import ROOT, Section, Settings, Table, median, spread


def run(settings: Settings) -> Section:
    """Generate into an empty folder, several times."""
    section = Section("generation", "Generating the client")
    cpu: list[float] = []
    wall: list[float] = []
    with tempfile.TemporaryDirectory(prefix="paydown-generated-") as folder:
        for number in range(settings.rounds(3, 2)):
            begun = time.perf_counter()
            child = subprocess.Popen(
                [sys.executable, "-m", "generator", "--out", str(Path(folder) / str(number))],
                cwd=ROOT, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode:
                raise RuntimeError(f"the generator ended with {child.returncode}")
            wall.append(time.perf_counter() - begun)
            cpu.append(used.ru_utime + used.ru_stime)
    section.tables.append(
        Table(
            "",
            ["", "median s", "range s"],
            [["CPU", median(cpu), spread(cpu)], ["wall", median(wall), spread(wall)]],
        )
    )
    section.at_most("make generate, CPU", median(cpu), "s", 4)
    return section
