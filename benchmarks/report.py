"""Write one report for people (Markdown) and one for programs (JSON), with the facts of the machine in both."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from benchmarks.result import Figure, Section, Table
from generator.render.filled_json import json_text


def markdown(sections: list[Section], facts: dict[str, str], versions: dict[str, str], mode: str) -> str:
    """Return the whole report as Markdown.

    Args:
        sections: Results, in the order of the report.
        facts: Facts of the machine.
        versions: Version of each client.
        mode: "full" or "quick".
    """
    parts = ["# Benchmarks", "", f"Mode: {mode}. Written by `make bench`; edits here are lost.", ""]
    parts += lines(Table("", ["machine", ""], [[name, value] for name, value in facts.items()]))
    parts += [
        "",
        "Compared: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        "",
    ]
    judged = [(section, figure) for section in sections for figure in section.figures]
    if judged:
        parts += ["## Figures", ""]
        rows = [
            [section.name, figure.name, _shown(figure), figure.wanted, _verdict(figure)]
            for section, figure in judged
        ]
        parts += [*lines(Table("", ["section", "figure", "measured", "wanted", ""], [*rows])), ""]
    for section in sections:
        parts += [
            f"## {section.title}",
            "",
            f"`python -m benchmarks {section.name}`, {section.seconds:.0f} s.",
            "",
        ]
        for table in section.tables:
            parts += [f"**{table.title}**", ""] if table.title else []
            parts += [*lines(table), ""]
        parts += [*(f"* {note}" for note in section.notes), *([""] if section.notes else [])]
        parts += [
            *(f"* Left out: {reason}" for reason in section.left_out),
            *([""] if section.left_out else []),
        ]
    return "\n".join(parts).rstrip() + "\n"


def as_json(sections: list[Section], facts: dict[str, str], versions: dict[str, str], mode: str) -> str:
    """Return the whole report as JSON, with unrounded numbers.

    Args:
        sections: Results, in the order of the report.
        facts: Facts of the machine.
        versions: Version of each client.
        mode: "full" or "quick".
    """
    value = {
        "mode": mode,
        "machine": facts,
        "versions": versions,
        "sections": [dataclasses.asdict(section) for section in sections],
    }
    return json_text(json.loads(json.dumps(value, default=str)))


def write(
    folder: Path, sections: list[Section], facts: dict[str, str], versions: dict[str, str], mode: str
) -> list[Path]:
    """Write both reports and return their paths.

    Args:
        folder: Where to write.
        sections: Results, in the order of the report.
        facts: Facts of the machine.
        versions: Version of each client.
        mode: "full" or "quick".
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {folder / "report.md": markdown, folder / "report.json": as_json}
    for path, make in files.items():
        path.write_text(make(sections, facts, versions, mode), encoding="utf-8")
    return list(files)


def _verdict(figure: Figure) -> str:
    return {True: "met", False: "**missed**", None: ""}[figure.met]


def _shown(figure: Figure) -> str:
    return f"{number(figure.value)} {figure.unit}".strip()


def number(value: str | float | int | None) -> str:
    """Return a value as tables show it: with three digits, or whole."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def lines(table: Table) -> list[str]:
    """Return the lines of a table in Markdown."""
    texts = [[number(cell) for cell in row] for row in table.rows]
    widths = [
        max(len(name), *(len(row[i]) for row in texts), 3) if texts else len(name)
        for i, name in enumerate(table.columns)
    ]

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [
        line(list(table.columns)),
        "|" + "|".join("-" * (width + 2) for width in widths) + "|",
        *map(line, texts),
    ]
