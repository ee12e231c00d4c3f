"""The committed result of `make mutants` is about today's catalogue, and names nothing that the suite overlooks."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from paydown_contract.document import Document
from tests.contract.mutants.bench import TABLE, suite
from tests.contract.mutants.catalogue import catalogue
from tests.contract.report import strength
from tests.contract.report.meter import Meter
from tests.contract.report.strength import RESULTS, Result, Strength, digest
from tests.contract.report.summary import LAYERS, PARTS, complaints, layer_of, rows
from tests.contract.support.gaps import is_gap
from tests.contract.support.places import ROOT


def test_every_mutant_of_the_catalogue_has_its_result() -> None:
    """No entry is missing, left over or about another change than today's."""
    assert strength.read().stale == (), f"{RESULTS.relative_to(ROOT)} is out of date"


def test_no_mutant_survives_unless_it_changes_nothing() -> None:
    """Each was killed by a test that is named, or stands in gaps.allow.toml with the reason why nobody can see it."""
    for result in strength.read().results:
        if not is_gap("mutant", result.mutant):
            assert result.outcome == "killed", result
            assert result.killer, result


def test_the_table_for_people_says_the_same() -> None:
    """Each mutant has its line in RESULTS.md."""
    if RESULTS.exists():
        text = TABLE.read_text("utf-8")
        assert all(f"| {result.outcome} |" in text for result in strength.read().results)
        assert text.count("\n| ") >= len(strength.read().results)


def test_a_result_is_stale_when_its_mutant_changes(tmp_path: Path) -> None:
    """A changed, a new and a removed mutant are each named."""
    one, two, three = catalogue()[:3]
    path = tmp_path / "results.json"
    rows_told = [
        {"mutant": each.id, "layer": each.layer, "outcome": "killed", "killer": "t", "digest": digest(each)}
        for each in (one, two)
    ]
    path.write_text(json.dumps({"results": rows_told}), "utf-8")
    assert strength.read(path, (one, two)).stale == ()
    changed = strength.read(path, (one, replace(two, new=two.new + " "))).stale
    assert len(changed) == 1
    assert "was changed since" in changed[0]
    assert "no longer in the catalogue" in strength.read(path, (one,)).stale[0]
    assert "has no result" in strength.read(path, (one, two, three)).stale[0]
    assert strength.read(tmp_path / "nothing.json").stale


def test_the_bench_asks_every_module_that_judges_the_product() -> None:
    """A new module of tests is asked without being named anywhere, and belongs to a layer of the report."""
    modules = {path.stem for path in (ROOT / "tests" / "contract").glob("test_*.py")}
    assert {name for name in modules if name[5] in "abc"} == {name for name in suite() if "/" not in name}
    for part, layer in PARTS.items():
        assert any(f"tests/{name}".startswith(f"{part}/") for name in suite()), part
        assert layer_of(f"{part}/test_any.py::test_x") == layer
    for name in modules:
        assert layer_of(f"tests/contract/{name}.py::test_x") in LAYERS.values(), name


def test_a_run_that_touched_nothing_fails(contract: Document) -> None:
    """An empty meter: each operation, each documented answer and each keyword is complained about."""
    found = complaints(rows(contract, Meter()), Strength(), [], ["matrix", "schemathesis"])
    told = {(each.kind, each.of) for each in found}
    for operation in contract.operations:
        assert ("successes", f"exchange {operation.id}") in told
        assert ("successes", f"matrix {operation.id}") in told
        assert ("keyword", f"client {operation.id} answers 429") in told
        assert ("keyword", f"exchange {operation.id} answers 200") in told
    assert ("keyword", "exchange repayDebt amount.maxLength: above") in told
    assert ("keyword", "exchange setAutoRepayFutures autoRepay.enum: another") in told


@pytest.mark.parametrize(
    ("gap", "word"),
    [
        ({"kind": "keyword", "of": "exchange noSuchCall *", "reason": "r"}, "take it out"),
        ({"kind": "mutant", "of": "no such mutant", "reason": "r"}, "take it out"),
    ],
)
def test_a_gap_that_is_none_fails(gap: dict[str, str], word: str, contract: Document) -> None:
    """What stands in gaps.allow.toml without need is a complaint of its own."""
    found = complaints(rows(contract, Meter()), Strength(), [gap], [])
    assert [each.of for each in found if word in each.said] == [gap["of"]]


def test_a_survivor_fails_unless_it_is_accepted(contract: Document) -> None:
    """The outcome of the newest bench counts in every run."""
    survivor = Strength((Result("sandbox: x", "sandbox", "survived"),))
    assert [each.of for each in complaints([], survivor, [], [])] == ["sandbox: x"]
    gap = {"kind": "mutant", "of": "sandbox: x", "reason": "changes nothing"}
    assert complaints([], survivor, [gap], []) == []
