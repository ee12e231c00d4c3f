"""Run the sections, print what they found as they find it, and write the report.

python -m benchmarks                        all of it, at most fifteen minutes on two cores
python -m benchmarks --quick                three minutes: fewer rounds, fewer clients
python -m benchmarks imports throughput     these sections only
python -m benchmarks --readme               the table of the README, from the last full report
python -m benchmarks --readme README.md     and put it there

A full report is written to benchmarks/results, which is committed: the README is held to it. Anything less goes to
.build/benchmarks, unless --out names another folder.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from pathlib import Path

from benchmarks import machine, readme, report
from benchmarks.result import ROOT, Section, Settings

# name -> what it measures; each is a module of this package with `run(settings) -> Section`.
SECTIONS = {
    "imports": "import time, time to a built client, growth with the number of operations",
    "calls": "CPU and latency of one signed repayment, one to fifty in flight",
    "memory": "resident memory after the first call",
    "instructions": "instructions of one signed repayment (needs valgrind)",
    "faults": "31 faults: what a careless loop repays twice",
    "generation": "time to generate the client from the document",
    "throughput": "sandbox against mock servers that check nothing (needs npm)",
    "durability": "what writing an attempt down before sending costs",
    "cases": "contract cases per second",
    "demand": "four processes that want more than the minute allows",
    "minute": "how repayments use the minute, and what wrong clocks do, on virtual time",
}


def run(name: str, settings: Settings) -> Section:
    """Run one section; what it cannot measure is noted in its result, and the other sections still run.

    Args:
        name: Name of the section.
        settings: How much to measure.
    """
    begun = time.monotonic()
    try:
        section: Section = importlib.import_module(f"benchmarks.{name}").run(settings)
    except Exception as error:  # noqa: BLE001  # the other sections must still run; the report shows it, and exit is 1
        traceback.print_exc()
        section = Section(name, SECTIONS[name], left_out=[f"failed with {type(error).__name__}: {error}"])
    section.seconds = time.monotonic() - begun
    return section


def main(arguments: list[str]) -> int:
    """Run the requested sections; return 1 if one of them failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure every speed claim of the README.",
        epilog="sections: " + "; ".join(f"{name}: {what}" for name, what in SECTIONS.items()),
    )  # fmt: skip
    parser.add_argument("section", nargs="*", choices=[*SECTIONS, []], help="which sections (default: all)")
    parser.add_argument("--quick", action="store_true", help="three minutes instead of fifteen")
    parser.add_argument(
        "--server", choices=["sandbox", "fake"], default="sandbox", help="who answers the clients"
    )
    parser.add_argument("--out", type=Path, help="folder of the report")
    parser.add_argument(
        "--readme",
        nargs="?",
        const="",
        metavar="FILE",
        help="measure nothing: print the README's table, or put it into FILE",
    )
    options = parser.parse_args(arguments)
    if options.readme is not None:
        return readme.main(options.readme, options.out or readme.RESULTS)
    whole = not options.quick and not options.section
    out = options.out or (readme.RESULTS if whole else ROOT / ".build" / "benchmarks")
    settings = Settings(quick=options.quick, server=options.server)
    mode = f"{'quick' if options.quick else 'full'}, clients against the {options.server}"

    facts = machine.facts() | {"load at the start": f"{machine.load():.1f}"}
    sections: list[Section] = []
    for name in options.section or SECTIONS:
        print(f"[{name}] {SECTIONS[name]}", file=sys.stderr, flush=True)
        section = run(name, settings)
        sections.append(section)
        print(f"[{name}] {section.seconds:.0f} s", file=sys.stderr, flush=True)
        facts["load at the end"] = f"{machine.load():.1f}"
        written = report.write(
            out, sections, facts, machine.versions(), mode
        )  # an interrupted run keeps its part
    print(report.markdown(sections, facts, machine.versions(), mode))
    print("written: " + ", ".join(str(path) for path in written), file=sys.stderr)
    return int(any(reason.startswith("failed with") for section in sections for reason in section.left_out))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
