"""Read everything that the pages are made from, once.

The document comes through the generator's own reader, so that a page spells an operation, an argument and a field
exactly as the generated client does. The sandbox's options come from the sandbox.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator.client.client_model import Client, Model, Operation
from generator.document.json_pointer import Json
from generator.document.schema_queries import Schema, items, members, number, target, text
from generator.pipeline import describe, load

if TYPE_CHECKING:
    from paydown_sandbox.assumptions_page import ShownChoice
    from paydown_sandbox.choices.settings import Option

NOT_IMITATED = "What this sandbox does not imitate"  # the heading of that section on its page
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Question:
    """Hold a question that no documentation answers, and how to work without the answer.

    Attributes:
        id: Its name, unique within its operation.
        question: What is not known.
        reading: What to assume.
        option: Name of the sandbox option that decides it there, or "".
        default: The value that the option has by itself, as the document has it.
        answer_status: HTTP status of the sandbox's refusal, or None.
        answer_code: Error code of the sandbox's refusal, or None.
    """

    id: str
    question: str
    reading: str
    option: str
    default: str
    answer_status: int | None
    answer_code: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold everything that the pages are made from.

    Attributes:
        client: Operations, models, errors and limits, named as in Python.
        document: The bundled OpenAPI document.
        options: The sandbox's options by name.
        choices: The table of what may vary on the exchange, as the sandbox honours it.
        topics: Title of each topic of that table, in its order.
        refusals: Name of the exception class by category of error, for answers that prove "not executed".
        sources: Text of `openapi/SOURCES.md`.
        not_imitated: What the sandbox does not imitate; a list in Markdown, in its own words.
        control: The OpenAPI document of the sandbox's control API.
        root: Folder of the project.
    """

    client: Client
    document: dict[str, Json]
    options: Mapping[str, Option]
    choices: tuple[ShownChoice, ...]
    topics: Mapping[str, str]
    refusals: Mapping[str, str]
    sources: str
    not_imitated: str
    control: dict[str, Json]
    root: Path

    def node(self, operation: Operation) -> Schema:
        """Return an operation as the document has it."""
        return members(self.document, "paths", operation.path, operation.method.lower())

    def resolve(self, value: Json) -> Schema:
        """Return a value, or what its `$ref` leads to."""
        return target(self.document, value)

    def model(self, name: str) -> Model:
        """Return the model of a class name."""
        return next(model for model in self.client.models if model.class_name == name)

    def questions(self, node: Json) -> tuple[Question, ...]:
        """Return the open questions of a call, or of the document itself."""
        return tuple(_question(row) for row in items(node, "x-undocumented"))

    def all_questions(self) -> list[tuple[Operation | None, Question]]:
        """Return every open question: first those about the protocol, then call by call."""
        found: list[tuple[Operation | None, Question]] = [
            (None, question) for question in self.questions(self.document)
        ]
        for operation in self.client.operations:
            found += [(operation, question) for question in self.questions(self.node(operation))]
        return found


def read_facts(root: Path = ROOT) -> Facts:
    """Read the document, its sources and the sandbox's options.

    Args:
        root: Folder of the project.

    Raises:
        DocumentRefused: The document is broken.
        LookupError: The sandbox's page has no section about what it leaves out.
    """
    for folder in ("src", "generated_client"):  # readable without an installed paydown
        path = str(root / folder)
        if path not in sys.path:
            sys.path.insert(0, path)
    from paydown.call.failures import REFUSALS
    from paydown_sandbox.assumptions_page import TITLES, shown_choices, unknowns_page
    from paydown_sandbox.bundled_document import load_document
    from paydown_sandbox.choices.settings import catalogue

    joined = load(root / "openapi")
    sandbox = load_document(root / "generated_client/paydown_wire/openapi.json")
    _, _, not_imitated = unknowns_page(sandbox).partition(f"## {NOT_IMITATED}\n")
    if not not_imitated.strip():
        raise LookupError(f'the sandbox has no text under "{NOT_IMITATED}"')
    options = catalogue(sandbox)
    return Facts(
        client=describe(joined),
        document=dict(joined.document),
        options=options,
        choices=tuple(shown_choices(options)),
        topics=TITLES,
        refusals={category: error.__name__ for category, error in REFUSALS.items()},
        sources=(root / "openapi/SOURCES.md").read_text(encoding="utf-8"),
        not_imitated=not_imitated.strip(),
        control=json.loads((root / "src/paydown_sandbox/serving/control.openapi.json").read_bytes()),
        root=root,
    )


def duration(ms: int) -> str:
    """Return a span of time in words, in the largest unit that fits evenly."""
    for size, name in ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second")):
        if ms >= size and ms % size == 0:
            count = ms // size
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{ms} ms"


def per(ms: int) -> str:
    """Return a span as it reads after "per": "minute", "10 minutes"."""
    return duration(ms).removeprefix("1 ")


def _question(row: Json) -> Question:
    default = members(row).get("sandbox-default")
    return Question(
        id=text(row, "id"),
        question=text(row, "question"),
        reading=text(row, "reading"),
        option=text(row, "sandbox-option"),
        default="" if default is None else str(default),
        answer_status=number(row, "sandbox-answer", "http"),
        answer_code=number(row, "sandbox-answer", "code"),
    )
