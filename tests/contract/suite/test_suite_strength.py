"""The catalogue of wrong ideas fits today's tree, and its committed result names nothing that the tests overlook."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from paydown_contract.document import Document
from tests.contract.report import strength
from tests.contract.report.meter import Meter
from tests.contract.report.strength import Strength
from tests.contract.report.summary import LAYERS, complaints, layer_of, rows
from tests.contract.support.places import ROOT
from tools.mutation.areas import Areas, Mutation
from tools.mutation.ideas import Idea, catalogue
from tools.mutation.patterns import NoSuchPlace, replaced
from tools.mutation.results import RESULTS, Rate, page, read_ideas, read_rates
from tools.mutation.runner import Outcome


@pytest.mark.parametrize("idea", catalogue(), ids=lambda idea: idea.id)
def test_every_wrong_idea_changes_exactly_one_place(idea: Idea) -> None:
    """Its place is there, its pattern matches exactly once, and what comes out is another program or document."""
    text = (ROOT / idea.path).read_text("utf-8")
    changed = idea.applied(text)
    if not idea.is_of_the_document:
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(text))
    assert idea.area in Areas().areas


def test_the_catalogue_is_no_copy_of_the_source() -> None:
    """No pattern is a line of the file that it is about: it names a place by its structure."""
    for idea in catalogue():
        if idea.pattern:
            lines = {line.strip() for line in (ROOT / idea.path).read_text("utf-8").splitlines()}
            assert not lines & {line.strip() for line in idea.pattern.splitlines() if len(line) > 20}, idea.id


SOURCE = """
LIMIT = 5
class Window:
    def fits(self, used, cost):
        if used < 0 or cost < 0:
            raise ValueError("negative")
        return used + cost <= self.limit
    def close(self):
        self.drop(used=1, cost=2)
def outer():
    def inner(value):
        return not value
    return inner
"""


@pytest.mark.parametrize(
    ("name", "pattern", "becomes", "there"),
    [
        ("Window.fits", "$A <= $B", "$A < $B", "return used + cost < self.limit"),
        ("Window.fits", "$A + $B <= $C.limit", "$A <= $C.limit", "return used <= self.limit"),
        ("Window.fits", "if $A: $B", "", "def fits(self, used, cost):\n        return used"),
        (
            "Window.fits",
            "if $A or $B: $C",
            "if $B: $C",
            "if cost < 0:\n            raise ValueError('negative')",
        ),
        ("Window.close", "$A.drop(...)", "$A.keep(...)", "self.keep(used=1, cost=2)"),
        ("Window.close", "self.drop(...)", "", "def close(self):\n        pass"),
        ("outer.inner", "not $A", "$A", "return value"),
        ("LIMIT", "5", "6", "LIMIT = 6"),
        ("LIMIT", "$A = $B", "$A = $B + 1", "LIMIT = 5 + 1"),
    ],
)
def test_a_pattern_names_a_place_by_its_structure(name: str, pattern: str, becomes: str, there: str) -> None:
    """Variables stand for expressions, names and bodies, and what they matched goes into the replacement."""
    assert there in replaced(SOURCE, name, pattern, becomes)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Window.fits", "$A < 0"),  # twice
        ("Window.fits", "$A < $A"),  # one variable, two things
        ("Window.fits", "$A <= 1.0"),
        ("Window.close", "$A <= $B"),  # elsewhere
        ("Window.gone", "$A <= $B"),
    ],
)
def test_a_pattern_that_does_not_match_once_is_refused(name: str, pattern: str) -> None:
    """A place that is gone or not clear is an error, never a change somewhere else."""
    with pytest.raises(NoSuchPlace):
        replaced(SOURCE, name, pattern, "None")


@pytest.mark.parametrize(
    "edit",
    [
        {"at": ["a", "b"]},
        {"at": ["list", {"code": 3}]},
        {"at": ["list", {"kind": "x"}]},
        {"at": ["one"], "becomes": 1},
    ],
)
def test_an_edit_of_the_document_that_fits_nothing_is_refused(edit: dict[str, object]) -> None:
    """A key or an element that is not there, is not clear, or has the value already is an error."""
    text = "one: 1\na: {}\nlist: [{code: 1, kind: x}, {code: 2, kind: x}]\n"
    with pytest.raises(NoSuchPlace):
        Idea("x", "document", "x.yaml", edits=(edit,)).applied(text)


def test_every_file_of_the_code_belongs_to_one_area() -> None:
    """A new module is in the sample without being named anywhere, and each test that an area names exists."""
    areas = Areas().areas
    counts = Counter(path for area in areas.values() for path in area.paths())
    code = [path for part in ("src", "generator") for path in (ROOT / part).rglob("*.py")]
    expected = {str(path.relative_to(ROOT)) for path in code if path.name != "__init__.py"}
    assert counts.keys() == expected
    assert set(counts.values()) == {1}
    for area in areas.values():
        assert not area.code or area.sample
        assert [path for path in (*area.first, *area.wider) if not (ROOT / path).is_file()] == []


def test_every_equivalent_mutation_has_a_reason() -> None:
    """A mutation counts as equivalent only at the very place that the file names."""
    drawn = Mutation("client", "src/a.py", "f", "AddNot", 2, "", "")
    assert Areas().equivalent(drawn) is None


def test_the_result_is_about_todays_catalogue() -> None:
    """No wrong idea is missing or left over, each was noticed by a test that is named, and the sample is today's."""
    found = strength.read()
    assert found.stale == (), f"{RESULTS.relative_to(ROOT)} is out of date"
    assert found.overlooked == ()
    assert f"seed {Areas().seed} " in RESULTS.read_text("utf-8")
    assert {rate.area for rate in found.rates} == Areas().areas.keys()


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Rates, survivors and what noticed each idea come back; an idea that is new, gone or overlooked is named."""
    ideas = [
        Outcome("a | b", "document", "noticed", "tests/test_x.py::test_y[a|b]"),
        Outcome("no cap", "document", "survived"),
    ]
    drawn = Mutation("budget", "src/a.py", "f", "AddNot", 1, "if a: → if not a:", "")
    sample = [Outcome(drawn.id, "budget", "survived"), Outcome("m", "budget", "noticed", "t")]
    sample.append(Outcome("i", "budget", "invalid"))
    text = page(ideas, sample, {drawn.id: drawn}, ["A head."], {"src/b.py g AddNot 1": "it is a cache"})
    assert read_rates(text) == [Rate("document", (1, 2), (0, 0)), Rate("budget", (0, 0), (1, 2))]
    assert read_ideas(text) == {"a | b": "tests/test_x.py::test_y[a|b]", "no cap": "survived"}
    assert "| budget | src/a.py f AddNot 1 | survived | if a: → if not a: |" in text
    assert "it is a cache" in text
    path = tmp_path / "RESULTS.md"
    path.write_text(text, "utf-8")
    read = strength.read(path, ["a | b", "new"])
    assert read.overlooked == ("no cap",)
    assert [each.partition(":")[0] for each in read.stale] == ["new", "no cap"]
    assert (read.ideas, read.sample) == ((1, 2), (1, 2))
    assert strength.read(tmp_path / "nothing.md").stale


def test_every_module_of_the_contract_belongs_to_a_layer_of_the_report() -> None:
    """A new module of tests has its row in the report without being named anywhere."""
    for path in (ROOT / "tests" / "contract").rglob("test_*.py"):
        assert layer_of(f"{path.relative_to(ROOT)}::test_x") in LAYERS.values(), path.stem


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
        ({"kind": "successes", "of": "exchange noSuchCall", "reason": "r"}, "take it out"),
    ],
)
def test_a_gap_that_is_none_fails(gap: dict[str, str], word: str, contract: Document) -> None:
    """What stands in gaps.allow.toml without need is a complaint of its own."""
    found = complaints(rows(contract, Meter()), Strength(), [gap], [])
    assert [each.of for each in found if word in each.said] == [gap["of"]]


def test_a_wrong_idea_that_was_overlooked_fails_a_run() -> None:
    """The result of the newest `make mutants` counts in every run."""
    assert [each.of for each in complaints([], Strength(overlooked=("no cap",)), [], [])] == ["no cap"]
    assert complaints([], Strength(), [], []) == []
