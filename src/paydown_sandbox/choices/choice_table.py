"""Read the table of what the published pages leave open (`choices.toml`), and draw worlds from it.

    world = draw(random.Random(7))                                   # a value for every question
    world = draw(rng, about=("rows", "looks"), unusual=0.2)          # mostly the ordinary readings
    Exchange({**state, "options": world})                            # the sandbox behaves like that

The sandbox makes an option of every choice (see `settings`), and its page "What this double does not know" shows the
table. `draw` makes a world at random, for tests that must hold under every choice.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

__all__ = ["TOPICS", "Choice", "Standing", "draw", "table"]

Standing = Literal["considered", "assumed-away"]

TOPICS = ("rows", "looks", "execution", "answers", "refusals", "borrowings", "interest", "time")


@dataclass(frozen=True, slots=True)
class Choice:
    """One question that no published page answers reliably, and the ways in which Binance could behave.

    Attributes:
        name: Its name, unique.
        about: One of `TOPICS`.
        question: What is left open.
        values: The first one is the ordinary reading.
        source: What the published pages state about the question.
        means: For each value, how the sandbox behaves under it.
        standing: Whether a correct client must hold under a value, or it is assumed away.
        unit: Of values that are numbers or ranges such as "0..5000"; "" otherwise.
        invented: The values that no page names or hints at.
        reason: Why a value is assumed away.
        likelihood: How likely such a value holds all the same.
        cost: What happens if it does.
    """

    name: str
    about: str
    question: str
    values: tuple[str, ...]
    source: str
    means: Mapping[str, str]
    standing: Mapping[str, Standing]
    unit: str
    invented: tuple[str, ...]
    reason: Mapping[str, str]
    likelihood: Mapping[str, str]
    cost: Mapping[str, str]

    @property
    def default(self) -> str:
        """Return the ordinary reading, which is the first value."""
        return self.values[0]

    def standing_at(self, standing: Standing | None) -> tuple[str, ...]:
        """Return the values of one standing, or all values for `None`."""
        return tuple(value for value in self.values if standing in (None, self.standing[value]))


def _choice(node: Mapping[str, Any]) -> Choice:
    return Choice(
        name=node["name"],
        about=node["about"],
        question=node["question"],
        values=tuple(node["values"]),
        source=node["source"],
        means=node["means"],
        standing=node["standing"],
        unit=node.get("unit", ""),
        invented=tuple(node.get("invented", ())),
        reason=node.get("reason", {}),
        likelihood=node.get("likelihood", {}),
        cost=node.get("cost", {}),
    )


@lru_cache(maxsize=1)
def table() -> Mapping[str, Choice]:
    """Return every choice by name, in the order of the table."""
    text = files("paydown_sandbox.choices").joinpath("choices.toml").read_text(encoding="utf-8")
    return {node["name"]: _choice(node) for node in tomllib.loads(text)["choice"]}


def draw(
    rng: random.Random,
    about: str | Collection[str] | None = None,
    standing: Standing | None = "considered",
    *,
    unusual: float = 1.0,
) -> dict[str, str]:
    """Draw a value for each choice, as the `options` of a state document.

    Args:
        rng: The generator of chance. The same generator in the same state draws the same world.
        about: One topic or several; all of them if absent.
        standing: Draw only values that are "considered" or only those "assumed-away"; `None` draws from all. A choice
            that has none of that standing keeps its ordinary reading.
        unusual: The chance that a choice is drawn at all, instead of keeping its ordinary reading.

    Raises:
        ValueError: There is no such topic.
    """
    wanted = TOPICS if about is None else (about,) if isinstance(about, str) else tuple(about)
    for topic in wanted:
        if topic not in TOPICS:
            raise ValueError(f"there is no topic {topic!r:.40}: write one of {', '.join(TOPICS)}")
    drawn: dict[str, str] = {}
    for choice in table().values():
        if choice.about in wanted:
            values = choice.standing_at(standing) or (choice.default,)
            drawn[choice.name] = rng.choice(values) if rng.random() < unusual else choice.default
    return drawn
