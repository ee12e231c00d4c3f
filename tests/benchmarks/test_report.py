"""What the benchmarks say must be what they measured, also where they could not measure."""

from __future__ import annotations

import json
import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

import benchmarks.__main__ as command
from benchmarks import imports, load, minute, readme, report
from benchmarks.result import ROOT, Section, Settings, Table
from tests.doubles.independent_fake import API_KEY, API_SECRET, OWED
from tests.interop.exchange import Fake, ServerFailed, process


def test_load_is_validly_signed_and_every_answer_is_counted() -> None:
    """As many repayments are executed by an exchange that checks signatures as the load says were answered."""
    with Fake.started() as exchange:
        url = exchange.target.url
        requests = load.signed_requests(url, API_KEY, API_SECRET, 50)
        fired = load.fire(url, requests, seconds=0.2, connections=4)
        executed = exchange.executed("BNB")
        left = exchange.fake.ledger.owed["BNB"]

    assert fired.ok == fired.answered == executed > 0
    assert OWED["BNB"] - left == executed * Decimal(load.AMOUNT)


def test_load_says_what_was_refused() -> None:
    """Answers that are no 200 are counted apart, and the first one is kept."""
    with Fake.started() as exchange:
        url = exchange.target.url
        fired = load.fire(url, load.signed_requests(url, API_KEY, "another", 5), seconds=0.05, connections=1)

    assert fired.ok == 0 < fired.answered
    assert "-1022" in fired.first_refusal


def test_report_shows_missed_figures_and_what_was_left_out() -> None:
    """A figure beyond its limit is marked, one within is not, and reasons for gaps are printed."""
    section = Section("name", "Title", seconds=1.2)
    section.tables.append(Table("Rows", ["client", "us"], [["one", 12.345], ["two", None]]))
    section.at_most("too slow", 21.0, "ms", 20)
    section.at_least("fast enough", 2.5, "x", 2)
    section.left_out.append("everything else")

    text = report.markdown([section], {"cores": "2"}, {"httpx": "0.28.1"}, "quick")

    def row(*cells: str) -> str:
        return r"\| +".join(["", *(re.escape(cell) + " +" for cell in cells)]).replace(r"\| +", r"\| ", 1)

    assert re.search(row("name", "too slow", "21 ms", "<= 20", "**missed**"), text)
    assert re.search(row("name", "fast enough", "2.5 x", ">= 2", "met"), text)
    assert re.search(row("one", "12.3"), text)
    assert "* Left out: everything else" in text


def test_json_keeps_numbers_unrounded(tmp_path: Path) -> None:
    """The report for programs has the figures as they were measured."""
    section = Section("name", "Title")
    section.figure("ratio", 1.23456789, "x")

    _, file = report.write(tmp_path, [section], {}, {}, "full")

    assert json.loads(file.read_text(encoding="utf-8"))["sections"][0]["figures"][0]["value"] == 1.23456789


def test_section_that_fails_is_said_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A section that cannot be run becomes a line of the report instead of the end of it."""
    monkeypatch.setitem(command.SECTIONS, "no_such_section", "a section that does not exist")

    section = command.run("no_such_section", Settings())

    assert section.left_out == [
        "failed with ModuleNotFoundError: No module named 'benchmarks.no_such_section'"
    ]


def test_multiplied_document_has_every_operation_again(tmp_path: Path) -> None:
    """The document that the growth of import time is measured with has each path again under another name."""
    shutil.copytree(ROOT / "openapi", tmp_path / "openapi")
    root = tmp_path / "openapi" / "openapi.yaml"
    before = len(re.findall(r"^  /", root.read_text(encoding="utf-8"), flags=re.MULTILINE))

    count = imports.multiply(tmp_path / "openapi", 2)

    after = len(re.findall(r"^  /", root.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert after == 3 * before
    identifiers = {
        name
        for file in (tmp_path / "openapi" / "paths").glob("*.yaml")
        for name in re.findall(r"operationId: *(\w+)", file.read_text(encoding="utf-8"))
    }
    assert len(identifiers) == 3 * count


def test_server_that_does_not_start_shows_its_last_words() -> None:
    """What a server printed before it ended is in the error, so that nobody has to look for it."""
    with (
        pytest.raises(ServerFailed, match="no such option"),
        process(["sh", "-c", "echo no such option >&2; exit 2"], says="ready at", start_s=10),
    ):
        pass


def measured() -> dict[str, object]:
    """A report with one number for the README, and one figure that was missed."""
    calls = Section("calls", "Calls")
    calls.tables.append(
        Table("One in flight, per call", ["client", "CPU us"], [["paydown", 300.4], ["raw httpx", None]])
    )
    alone = Section("generation", "Generating")
    alone.at_most("make generate, CPU", 5.0, "s", 4)
    text = report.as_json(
        [calls, alone], {"cores": "2", "processor": "P", "python": "CPython 3"}, {}, "full, x"
    )
    return json.loads(text)  # type: ignore[no-any-return]  # an object, as written above


def test_the_table_of_the_readme_shows_what_was_measured_and_a_dash_for_the_rest() -> None:
    """No number appears that is not in the report, and a figure that was missed says so."""
    table = readme.table(measured())

    def cells(label: str) -> list[str]:
        return [
            cell.strip() for line in table.splitlines() if label in line for cell in line.split("|")[2:-1]
        ]

    assert cells("| one signed repayment, CPU us") == ["300", "-", "-", "-", "-", "-"]
    assert cells("| import, ms") == ["-"] * 6
    assert cells("`make generate`, CPU") == ["5 s", "<= 4", "missed"]
    assert "(full run)" in table


def test_the_table_is_put_between_the_marks_and_nowhere_else(tmp_path: Path) -> None:
    """Text around it stays; what was there before is gone."""
    (tmp_path / "report.json").write_text(json.dumps(measured()), encoding="utf-8")
    page = tmp_path / "README.md"
    page.write_text(f"# Before\n{readme.BEGIN}\nold\n{readme.END}\nAfter\n", encoding="utf-8")

    assert command.main(["--out", str(tmp_path), "--readme", str(page)]) == 0

    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# Before\n{readme.BEGIN}\n")
    assert text.endswith(f"\n{readme.END}\nAfter\n")
    assert "old" not in text
    assert readme.between_marks(text) == readme.table(measured())


@pytest.mark.parametrize("text", ["", readme.BEGIN, readme.BEGIN + readme.END * 2])
def test_a_readme_without_its_marks_is_refused(text: str) -> None:
    """Rather than compared with nothing."""
    with pytest.raises(ValueError, match="must have one line"):
        readme.between_marks(text)


def test_every_row_of_the_readme_names_a_section_that_exists() -> None:
    """A section that is renamed would leave dashes behind."""
    named = {row.section for row in readme.ROWS} | {section for section, _, _ in readme.ALONE}

    assert named <= set(command.SECTIONS)


def test_the_minute_is_measured_on_virtual_time_and_every_figure_is_met() -> None:
    """Two repayments at once, twenty within ten minutes, and no failure from a wrong clock."""
    section = minute.run(Settings())

    assert [figure.name for figure in section.figures if not figure.met] == []


def test_what_is_not_the_whole_report_is_not_written_over_it(monkeypatch, tmp_path: Path) -> None:
    """A quick run, or one of some sections, leaves the committed results alone."""
    written: list[Path] = []
    monkeypatch.setattr(command.report, "write", lambda folder, *rest: written.append(folder) or [])

    command.main(["minute"])
    command.main(["minute", "--out", str(tmp_path)])

    assert written == [ROOT / ".build" / "benchmarks", tmp_path]
