"""The table of the README, made from the committed report, so that no number there is typed by hand.

What stands between the two marks of the README must be what this module writes; tests/test_readme.py compares.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.report import lines, number
from benchmarks.result import ROOT, Table

RESULTS = ROOT / "benchmarks" / "results"
BEGIN = "<!-- measured: python -m benchmarks --readme README.md -->"
END = "<!-- end of what was measured -->"

Report = dict[str, Any]


class Row(NamedTuple):
    """One line of the table: where its numbers stand in the report."""

    label: str
    section: str
    table: str
    column: str
    clients: tuple[str | None, ...]
    """Name of the row of each client, in the order of `CLIENTS`; None where it has none."""


CLIENTS = ("paydown", "raw httpx", "official", "python-binance", "ccxt", "openxapi")
_ASYNC = ("paydown async", "raw httpx async", None, "python-binance async", "ccxt async", None)
ROWS = (
    Row(
        "import, ms over bare Python",
        "imports",
        "Over bare python",
        "wall ms, best",
        ("import paydown", "import httpx", *CLIENTS[2:]),
    ),
    Row(
        "one signed repayment, thousand instructions",
        "instructions",
        "Kept-alive connection, one in flight",
        "thousand instructions",
        CLIENTS,
    ),
    Row("one signed repayment, CPU us", "calls", "One in flight, per call", "CPU us", CLIENTS),
    Row("the same, async, 16 in flight", "calls", "16 in flight, per call", "CPU us", _ASYNC),
    Row("memory after the first, MiB", "memory", "", "MiB", CLIENTS),
    Row(
        "faults of 31 in which a loop of three tries pays twice",
        "faults",
        "Of 31 faults",
        "repaid more than once",
        CLIENTS,
    ),
)
# Figures that stand for themselves: section, name in the report, words for a reader.
ALONE = (
    ("minute", "second repayment after the first", "second repayment after the first, virtual time"),
    ("minute", "20 repayments", "20 repayments, virtual time"),
    (
        "minute",
        "failures that a caller sees of wrong clocks",
        "failures seen with clocks that are off or jump",
    ),
    ("demand", "fullest window of weight", "fullest window of four greedy processes, of 6000"),
    ("throughput", "sandbox / prism", "signed repayments per second, sandbox / prism"),
    ("cases", "contract cases generated, sent and judged", "contract cases generated, sent and judged"),
    ("generation", "make generate, CPU", "`make generate`, CPU"),
)


def table(report: Report) -> str:
    """Return the table that belongs between the marks of the README."""
    sections = {section["name"]: section for section in report["sections"]}
    field = Table("", ["", *CLIENTS])
    for row in ROWS:
        field.rows.append([row.label, *(_cell(sections, row, client) for client in row.clients)])
    alone = Table("", ["", "measured", "wanted", ""])
    for section, name, label in ALONE:
        figure = _figure(sections, section, name)
        if figure is not None:
            shown = f"{number(figure['value'])} {figure['unit']}".strip()
            verdict = {True: "met", False: "missed", None: ""}[figure["met"]]
            alone.rows.append([label, shown, figure["wanted"], verdict])
    machine = report["machine"]
    facts = (
        f"Measured on {machine['cores']} cores of {machine['processor']}, {machine['python']}"
        f" ({report['mode'].partition(',')[0]} run); `make bench` measures anew, and"
        " [the report](benchmarks/results/report.md) has the rest. A dash was not measured."
    )
    return "\n".join([facts, "", *lines(field), "", *lines(alone)])


def between_marks(text: str) -> str:
    """Return what a README has between the marks.

    Raises:
        ValueError: It has no marks, or several.
    """
    return _parts(text)[1].strip("\n")


def main(file: str, results: Path) -> int:
    """Print the table, or put it into a file.

    Args:
        file: README to change, or "" to print.
        results: Folder of the report.
    """
    made = table(json.loads((results / "report.json").read_text(encoding="utf-8")))
    if not file:
        sys.stdout.write(f"{BEGIN}\n{made}\n{END}\n")
        return 0
    path = Path(file)
    before, _, after = _parts(path.read_text(encoding="utf-8"))
    path.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
    return 0


def _parts(text: str) -> tuple[str, str, str]:
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"the README must have one line {BEGIN!r} and, behind it, one line {END!r}")
    before, _, rest = text.partition(BEGIN)
    inside, _, after = rest.partition(END)
    return before, inside, after


def _cell(sections: dict[str, Any], row: Row, client: str | None) -> str | float | int | None:
    if client is None or row.section not in sections:
        return None
    for found in sections[row.section]["tables"]:
        if found["title"] == row.table and row.column in found["columns"]:
            column = found["columns"].index(row.column)
            for cells in found["rows"]:
                if cells[0] == client:
                    value: str | float | int | None = cells[column]
                    return value
    return None


def _figure(sections: dict[str, Any], section: str, name: str) -> dict[str, Any] | None:
    figures = sections[section]["figures"] if section in sections else []
    return next((figure for figure in figures if figure["name"] == name), None)
