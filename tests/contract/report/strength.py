"""Reads the newest result of `make mutants`: which wrong ideas the suite notices, by which test and how fast."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.contract.mutants.catalogue import Mutant, catalogue
from tests.contract.support.places import ROOT

RESULTS: Final = ROOT / "tests" / "contract" / "mutants" / "results.json"
MODES: Final = ("unsigned", "signed")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one mutant."""

    mutant: str
    layer: str
    outcome: str  # killed, survived, stale, invalid
    killer: str = ""
    seconds: float = 0.0
    message: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Strength:
    """The results, and what is out of date about them."""

    results: tuple[Result, ...] = ()
    stock: dict[str, dict[str, str]] = field(default_factory=dict)  # mode -> mutant -> outcome
    stale: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def killed(self) -> int:
        """How many were noticed."""
        return sum(result.outcome == "killed" for result in self.results)

    def layers(self) -> list[tuple[str, int, int, dict[str, tuple[int, int]]]]:
        """(layer, killed, tried, {mode: (killed, tried) by stock schemathesis}) in the order of the catalogue."""
        found: list[tuple[str, int, int, dict[str, tuple[int, int]]]] = []
        for layer in dict.fromkeys(result.layer for result in self.results):
            mine = [result for result in self.results if result.layer == layer]
            stock: dict[str, tuple[int, int]] = {}
            for mode in MODES:
                told = [
                    self.stock[mode][result.mutant]
                    for result in mine
                    if result.mutant in self.stock.get(mode, {})
                ]
                if told:
                    stock[mode] = (sum(outcome == "killed" for outcome in told), len(told))
            found.append((layer, sum(result.outcome == "killed" for result in mine), len(mine), stock))
        return found


def digest(mutant: Mutant) -> str:
    """What a mutant does, in a few letters: a result counts only for the very same change."""
    text = json.dumps([mutant.layer, mutant.file, mutant.old, mutant.new, mutant.nth])
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def read(path: Path = RESULTS, mutants: Sequence[Mutant] | None = None) -> Strength:
    """The results at `path`, compared with the catalogue of today."""
    wanted = {mutant.id: digest(mutant) for mutant in (catalogue() if mutants is None else mutants)}
    if not path.exists():
        return Strength(stale=("there is no result: run `make mutants`",))
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    results = tuple(Result(**row) for row in content["results"])
    stale: list[str] = []
    told = {result.mutant: result.digest for result in results}
    for name in told.keys() - wanted.keys():
        stale.append(f"{name}: no longer in the catalogue, run `make mutants`")
    for name, value in wanted.items():
        if name not in told:
            stale.append(f"{name}: has no result, run `make mutants`")
        elif told[name] != value:
            stale.append(f"{name}: was changed since its result, run `make mutants`")
    return Strength(results, content.get("stock", {}), tuple(sorted(stale)), content.get("seconds", 0.0))
