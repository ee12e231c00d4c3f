"""Each rule of docs/never-twice.md names code and tests: they exist, and the page states what the code does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from paydown.repay import Options
from paydown.repay.evidence.rules import RULES as RULES_OF_THE_CODE
from paydown.repay.journal.states import ATTEMPT_MOVES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "never-twice.md").read_text(encoding="utf-8")
RULES = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)


def names_in(path: Path) -> set[str]:
    """Every function, method and class that a file defines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in names_in(path)
    if name.startswith("test_")
}


def test_the_rules_are_numbered_and_none_is_without_code_and_test():
    """The table is read as it stands: a rule that loses its code or its test is noticed."""
    assert [int(number) for number, *_ in RULES] == list(range(1, len(RULES) + 1))
    assert len(RULES) >= 10


@pytest.mark.parametrize("rule", RULES, ids=[f"rule {number}" for number, *_ in RULES])
def test_the_code_that_a_rule_names_exists(rule):
    """A file under src/paydown, and each name behind it is defined there."""
    _, _, code, _ = rule
    parts = re.findall(r"`([^`]+)`", code)
    defined: set[str] = set()
    assert parts
    for part in parts:
        if part.endswith(".py"):
            path = ROOT / "src" / "paydown" / part
            assert path.is_file(), part
            defined = names_in(path)
        else:
            assert part in defined, part


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", PAGE))))
def test_a_test_that_the_page_names_exists(name):
    """Wherever the page states that a test holds something, there is one of that name."""
    assert name in TESTS


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:tests|models|src)/[\w/.]+\.\w+)`", PAGE))))
def test_a_file_that_the_page_names_exists(path):
    """Tests and models that the page sends its reader to."""
    assert (ROOT / path).is_file()


def test_every_verdict_of_the_page_is_one_of_the_code_and_the_other_way_round():
    """The rules by which the evidence decides stand in one order on the page and in the code."""
    verdicts = PAGE[PAGE.index("| Rule | Verdict | Condition |") : PAGE.index("## What is assumed")]
    shown = re.findall(r"^\| `([a-z-]+)` \| ([A-Z_]+) \|", verdicts, re.MULTILINE)

    assert shown == [(rule.name, rule.result) for rule in RULES_OF_THE_CODE]


def test_the_diagram_shows_every_move():
    """Each state and each arrow of the code is on the page."""
    for state, moves in ATTEMPT_MOVES.items():
        assert state.value in PAGE
        for move in moves:
            assert f"──▶ {move.value}" in PAGE


def test_the_numbers_of_the_page_are_those_of_the_options():
    """The settle time that the argument leans on."""
    assert f"`Options.settle_ms` ({Options().settle_ms // 1000} s)" in PAGE
