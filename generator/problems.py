"""Report what is wrong with a document: where, why, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from generator.quoting import visible


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Name one reason to refuse a document.

    Attributes:
        file: Path below the document's folder, with forward slashes.
        line: Line of the place, from 1, or 0 where the format gives none (JSON).
        pointer: JSON pointer inside `file`; "" is the whole file.
        reason: What is wrong, as a statement.
        remedy: What to write instead.
    """

    file: str
    line: int
    pointer: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        lines = (f"{place} #{self.pointer}", self.reason, f"Instead: {self.remedy}")
        return "\n    ".join(visible(line) for line in lines)  # what they quote was written by others


class DocumentRefused(Exception):
    """Refuse a document that cannot be turned into a client. Nothing was written.

    Attributes:
        problems: Every reason found in the stage that failed, in the order of the files.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class GeneratorFault(Exception):
    """Report that the generator or one of its tools is not what it should be; the document is not the cause."""
