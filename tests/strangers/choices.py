"""The table of what the pages leave open, and one reading of it.

The table is data of the sandbox; nothing else of it is used here.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parents[2] / "src" / "paydown_sandbox" / "choices" / "choices.toml"

# One value, or several of which each case draws one.
Value = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Hold one question with its values.

    Attributes:
        name: Its name.
        about: What it concerns, such as "rows".
        values: All values, the ordinary one first.
        away: The values that are assumed away.
    """

    name: str
    about: str
    values: tuple[str, ...]
    away: frozenset[str]

    @property
    def default(self) -> str:
        """Return the ordinary value."""
        return self.values[0]

    @property
    def considered(self) -> tuple[str, ...]:
        """Return the values under which a client must never be wrong."""
        return tuple(value for value in self.values if value not in self.away)


@lru_cache(maxsize=1)
def table() -> dict[str, Choice]:
    """Read the table: each choice under its name."""
    entries: list[dict[str, Any]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))["choice"]
    return {
        entry["name"]: Choice(
            entry["name"],
            entry["about"],
            tuple(entry["values"]),
            frozenset(value for value, standing in entry["standing"].items() if standing == "assumed-away"),
        )
        for entry in entries
    }


def assumed_away(values: Mapping[str, Value]) -> list[str]:
    """Name the choices whose given value is one that the table assumes away."""
    known = table()
    return [
        name
        for name, value in values.items()
        if known[name].away.intersection((value,) if isinstance(value, str) else value)
    ]


class Chosen:
    """Answer each question of the table for one exchange.

    Every choice draws from a source of randomness of its own, so that another value of one choice never changes what
    is drawn for another: two exchanges that differ in one choice differ by its effect alone.
    """

    def __init__(self, values: Mapping[str, str | Sequence[str]], seed: int) -> None:
        """Take the given values; every other choice has its ordinary one.

        Args:
            values: Value or values by name of the choice.
            seed: Where the draws begin.

        Raises:
            ValueError: The table has no such choice, or the choice no such value.
        """
        known = table()
        self._values: dict[str, tuple[str, ...]] = {name: (choice.default,) for name, choice in known.items()}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"no choice is called {name!r}; the table has {', '.join(sorted(known))}")
            given = (value,) if isinstance(value, str) else tuple(value)
            wrong = [one for one in given if one not in known[name].values]
            if wrong or not given:
                raise ValueError(f"{name} has no value {wrong}; it has {', '.join(known[name].values)}")
            self._values[name] = given
        self._seed = seed
        self._sources: dict[str, random.Random] = {}
        self.asked: set[str] = set()

    def source(self, name: str) -> random.Random:
        """Return the randomness that belongs to a choice, or to any other word."""
        found = self._sources.get(name)
        if found is None:
            found = self._sources[name] = random.Random(f"{self._seed}/{name}")
        return found

    def __getitem__(self, name: str) -> str:
        """Return the value of a choice for this case; drawn, if several are given."""
        given = self._values[name]
        self.asked.add(name)
        return given[0] if len(given) == 1 else self.source(name).choice(given)

    def possible(self, name: str) -> tuple[str, ...]:
        """Return every value that a choice may take."""
        self.asked.add(name)
        return self._values[name]

    def number(self, name: str) -> int:
        """Return the value of a choice of whole numbers; a range "a..b" is drawn from anew, its ends left out.

        The ends are left out so that "-2000..2000" means: by less than two seconds.
        """
        low, dots, high = self[name].partition("..")
        if not dots:
            return int(low)
        return self.source(name).randrange(int(low) + (int(low) != 0), int(high))

    def chance(self, name: str, probability: float) -> bool:
        """Return whether something happens this time that belongs to a choice."""
        return self.source(name).random() < probability

    def share(self, name: str, low: str, high: str) -> Decimal:
        """Draw a number between two others, with six fraction digits."""
        places = 1_000_000
        return (
            Decimal(self.source(name).randint(int(Decimal(low) * places), int(Decimal(high) * places)))
            / places
        )
