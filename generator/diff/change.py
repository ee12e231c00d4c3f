"""Describe one difference between two versions of the client, and its effect on users."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from generator.client.client_model import Operation

T = TypeVar("T")


class Effect(IntEnum):
    """Rank what a change does to users, in rising order."""

    TEXT = 1  # words, provenance, sources
    CHANGE = 2  # other numbers, same code
    ADDITION = 3
    BREAKING = 4


@dataclass(frozen=True, slots=True)
class Change:
    """Hold one difference between two versions.

    Attributes:
        effect: What it does to users.
        subject: What changed: an operation, a class, an error.
        text: A sentence for a changelog, with Python names in backticks.
    """

    effect: Effect
    subject: str
    text: str

    @property
    def breaking(self) -> bool:
        """Return whether code that works today may stop working."""
        return self.effect is Effect.BREAKING


def pairs(
    old: Sequence[T], new: Sequence[T], key: Callable[[T], object]
) -> Iterator[tuple[T | None, T | None]]:
    """Yield (old, new) of everything in either version, None where one version does not have it.

    Args:
        old: Rows of the older version.
        new: Rows of the newer version.
        key: What identifies a row in both versions.
    """
    before: Mapping[object, T] = {key(item): item for item in old}
    after: Mapping[object, T] = {key(item): item for item in new}
    for name in [*before, *(name for name in after if name not in before)]:
        yield before.get(name), after.get(name)


def method(operation: Operation) -> str:
    """Return a method of the client as a changelog writes it."""
    return f"`client.{operation.name}()`"
