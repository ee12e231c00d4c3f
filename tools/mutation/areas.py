"""Read the areas of the code, the tests that know each of them, and how the sample is drawn."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
AREAS: Final = Path(__file__).with_name("areas.yaml")
_SAMPLER: Final = Path(__file__).with_name("sampling.py")


@dataclass(frozen=True, slots=True)
class Area:
    """Hold one area.

    Attributes:
        name: Its name.
        code: Patterns of the paths of its code, from the root; none if only the catalogue is about it.
        but: Patterns of the paths that `code` would take in and that belong elsewhere.
        first: The tests that should notice; they are asked before the others.
        wider: The tests that are asked when those notice nothing.
        sample: How many mutations are drawn.
    """

    name: str
    code: tuple[str, ...]
    but: tuple[str, ...]
    first: tuple[str, ...]
    wider: tuple[str, ...]
    sample: int

    def paths(self, root: Path = ROOT) -> list[str]:
        """Return the paths of the area's code."""
        found = {path for pattern in self.code for path in root.glob(pattern)}
        found -= {path for pattern in self.but for path in root.glob(pattern)}
        return sorted(str(path.relative_to(root)) for path in found if path.name != "__init__.py")


@dataclass(frozen=True, slots=True)
class Mutation:
    """Hold one mutation of the sample.

    Attributes:
        area: The area that it was drawn for.
        path: The file that it changes.
        name: The qualified name of the definition around the place; empty at module level.
        operator: The operator of the mutation tool.
        nth: Which place of this operator in the definition is meant, counted from 1.
        change: The lines that change, before and after, for a person to read.
        source: The whole text of the changed file.
    """

    area: str
    path: str
    name: str
    operator: str
    nth: int
    change: str
    source: str

    @property
    def id(self) -> str:
        """Name the mutation by its place."""
        return f"{self.path} {self.name or '(module)'} {self.operator} {self.nth}"


class Areas:
    """Hold what `areas.yaml` holds."""

    def __init__(self, path: Path = AREAS) -> None:
        self._content: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))

    @property
    def seed(self) -> int:
        """Return the seed of the sample."""
        return int(self._content["seed"])

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return regular expressions for the names of the operators that are not used."""
        return tuple(self._content["operators-left-out"])

    @property
    def not_asked(self) -> tuple[str, ...]:
        """Return the tests that are never asked, by their node ids."""
        return tuple(self._content["tests-not-asked"])

    @cached_property
    def areas(self) -> dict[str, Area]:
        """Return each area by its name."""
        groups: dict[str, list[str]] = self._content["tests"]
        return {
            name: Area(
                name,
                tuple(row.get("code", ())),
                tuple(row.get("but", ())),
                _named(row["first"], groups),
                _named(row["wider"], groups),
                row.get("sample", 0),
            )
            for name, row in self._content["areas"].items()
        }

    def equivalent(self, mutation: Mutation) -> str | None:
        """Return why a mutation changes nothing that can be observed, or None if it may change something."""
        for row in self._content.get("equivalent") or ():
            place = (row["path"], row["name"], row["operator"], row["nth"])
            if place == (mutation.path, mutation.name, mutation.operator, mutation.nth):
                return str(row["reason"])
        return None

    def drawn(self, interpreter: Path, seed: int | None = None) -> tuple[str, list[Mutation]]:
        """Draw the sample.

        Args:
            interpreter: A Python that has the mutation tool.
            seed: Another seed than that of the file.

        Returns:
            The tool with its version, and the mutations, the areas taking turns.
        """
        sampled = [area for area in self.areas.values() if area.sample]
        request = {
            "root": str(ROOT),
            "seed": self.seed if seed is None else seed,
            "leave_out": self.left_out,
            "areas": [{"name": area.name, "paths": area.paths(), "size": area.sample} for area in sampled],
        }
        done = subprocess.run(
            [str(interpreter), str(_SAMPLER)],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the sample could not be drawn: {done.stderr.strip()[-2000:]}")
        answer = json.loads(done.stdout)
        return answer["tool"], _in_turns([Mutation(**row) for row in answer["mutations"]])


def _named(names: Sequence[str], groups: dict[str, list[str]]) -> tuple[str, ...]:
    """Return the tests that are meant: a name without a slash stands for a group."""
    found = [path for name in names for path in ([name] if "/" in name else _named(groups[name], groups))]
    return tuple(dict.fromkeys(found))


def _in_turns(mutations: Sequence[Mutation]) -> list[Mutation]:
    """Order mutations so that the areas take turns: a run that ends early has asked about each."""
    counts: dict[str, int] = {}
    turns: list[tuple[int, Mutation]] = []
    for mutation in mutations:
        turns.append((counts.get(mutation.area, 0), mutation))
        counts[mutation.area] = counts.get(mutation.area, 0) + 1
    return [mutation for _, mutation in sorted(turns, key=lambda turn: turn[0])]
