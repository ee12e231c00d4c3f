"""The threat model names a test in every line, and each of them exists and is run."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "threat-model.md"
_ROW = re.compile(r"^\| (?P<who>[^|]+) \| (?P<promise>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE)
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def _rows() -> list[tuple[str, str, str]]:
    found = [
        (row["who"].strip(), row["promise"].strip(), row["tests"].strip())
        for row in _ROW.finditer(PAGE.read_text())
    ]
    return [row for row in found if row[0] != "Somebody or something"]


@cache
def _tests(path: str) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


def test_every_line_of_the_page_is_a_row() -> None:
    """
    No line of a table has another form, so none can leave its test out unnoticed.
    """
    lines = [
        line for line in PAGE.read_text().splitlines() if line.startswith("|") and not line.startswith("|---")
    ]
    headings = sum(line.startswith("| Somebody or something") for line in lines)

    assert len(_rows()) == len(lines) - headings
    assert len(_rows()) >= 40
    assert len({(who, promise) for who, promise, _ in _rows()}) == len(_rows())


@pytest.mark.parametrize("row", _rows(), ids=[f"{who[:40]}" for who, _, _ in _rows()])
def test_the_test_of_a_promise_exists_and_is_run(row: tuple[str, str, str]) -> None:
    """
    Each promise names at least one test function that stands where it says, and that no mark leaves out.
    """
    named = _NAMED.findall(row[2])
    assert named, row
    assert _NAMED.sub("", row[2]).strip(" ,") == "", "something else stands in the last column"
    for path, name in named:
        assert name in _tests(path), f"{path} has no {name}"
        marks = {ast.unparse(mark) for mark in _tests(path)[name].decorator_list}
        assert not any(re.match(r"pytest\.mark\.(skip\b|xfail|deep)", mark) for mark in marks), (
            path,
            name,
            marks,
        )


def test_the_way_to_report_is_private_and_holds_no_address() -> None:
    """
    SECURITY.md sends people to the host's own private reporting, and invents no address.
    """
    text = (ROOT / "SECURITY.md").read_text()

    assert "private vulnerability reporting" in text
    assert "docs/threat-model.md" in text
    assert not re.search(r"[\w.+-]+@[\w-]+\.\w+|https?://", text)
