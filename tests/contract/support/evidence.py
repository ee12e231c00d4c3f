"""Reads the evidence: what was published or observed, as data with source and date."""

import json
from functools import cache
from typing import Any

from paydown_contract.document import Operation
from tests.contract.support.places import EVIDENCE, VECTORS


@cache
def load(name: str) -> Any:
    """One evidence file, by name."""
    return json.loads((EVIDENCE / f"{name}.json").read_text("utf-8"))


@cache
def vectors(name: str) -> Any:
    """One file of vectors, by name."""
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


def label(operation: Operation) -> str:
    """How the evidence names an operation."""
    return f"{operation.method} {operation.path}"


def published(operation: Operation) -> dict[str, Any] | None:
    """The catalogue entry of an operation, or None where no page and no SDK method exists."""
    for row in load("endpoints")["endpoints"]:
        if (row["method"], row["path"]) == (operation.method, operation.path):
            assert isinstance(row, dict)
            return row
    return None


def override(operation: Operation) -> dict[str, Any]:
    """Observations that win over the catalogue."""
    rows: list[dict[str, Any]] = load("answers")["overrides"]
    return next((row for row in rows if row["operation"] == label(operation)), {})
