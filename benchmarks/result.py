"""Hold what a section measured: tables for people, figures that a claim depends on, and what was left out."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Settings:
    """How much to measure.

    Attributes:
        quick: Fewer clients and rounds: under three minutes instead of fifteen.
        server: Who answers the clients, "sandbox" or "fake" (`tests.doubles.independent_fake`).
    """

    quick: bool = False
    server: str = "sandbox"

    def rounds(self, full: int, quick: int) -> int:
        """Return how often to repeat.

        Args:
            full: Repetitions of a full run.
            quick: Repetitions of a quick run.
        """
        return quick if self.quick else full


@dataclass
class Table:
    """Rows of equal length; numbers are rounded when they are shown, not before."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str | float | int | None]] = field(default_factory=list)


@dataclass
class Figure:
    """One number that is judged: what it is, what came out, what is wanted."""

    name: str
    value: float
    unit: str
    wanted: str = ""
    met: bool | None = None


@dataclass
class Section:
    """Hold the whole result of one section."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def at_most(self, name: str, value: float, unit: str, limit: float) -> None:
        """Record a figure that should not exceed a limit.

        Args:
            name: Name of the figure.
            value: The measured value.
            unit: Its unit.
            limit: Largest value that meets the claim.
        """
        self.figures.append(Figure(name, value, unit, f"<= {limit:g}", value <= limit))

    def at_least(self, name: str, value: float, unit: str, limit: float) -> None:
        """Record a figure that should reach a limit.

        Args:
            name: Name of the figure.
            value: The measured value.
            unit: Its unit.
            limit: Smallest value that meets the claim.
        """
        self.figures.append(Figure(name, value, unit, f">= {limit:g}", value >= limit))

    def figure(self, name: str, value: float, unit: str) -> None:
        """Record a figure that no claim depends on.

        Args:
            name: Name of the figure.
            value: The measured value.
            unit: Its unit.
        """
        self.figures.append(Figure(name, value, unit))


def median(values: Sequence[float]) -> float:
    """Return the median; of an even number of values the mean of the two in the middle."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> str:
    """Lowest and highest value, to show how noisy the machine was."""
    return f"{min(values):.4g}-{max(values):.4g}"
