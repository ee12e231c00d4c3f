"""Read the facts that belong to no single operation: error codes, HTTP statuses and limits."""

from __future__ import annotations

from typing import cast

from generator.client.client_model import ErrorCode, Limit, StatusOutcome
from generator.document.json_pointer import Json
from generator.document.schema_queries import items, member, number, text, texts


def error_code(row: Json) -> ErrorCode:
    """Return a row of the table of error codes."""
    return ErrorCode(
        code=number(row, "code") or 0,
        name=text(row, "name"),
        meaning=" ".join(text(row, "meaning").split()),
        executed=text(row, "executed"),
        retry=text(row, "retry"),
        category=text(row, "category"),
        match=text(row, "match"),
        http=tuple(status for status in cast("list[int]", items(row, "http"))),
        server=text(row, "server") or None,
        listed=text(row, "listed"),
        provenance=texts(row, "x-evidence"),
    )


def status_outcome(row: Json) -> StatusOutcome:
    """Return a row of the table of HTTP statuses."""
    return StatusOutcome(
        status=text(row, "status"),
        body=text(row, "body") or "any",
        text=text(row, "text") or None,
        code=number(row, "code"),
        overrides_codes=tuple(code for code in cast("list[int]", items(row, "overrides-codes"))),
        executed=text(row, "executed"),
        category=text(row, "category"),
        retry=text(row, "retry"),
        provenance=texts(row, "x-evidence"),
    )


def limit(name: str, row: Json) -> Limit:
    """Return a budget that the exchange counts.

    Args:
        name: Key of the limit in `x-limits`.
        row: What stands there.
    """
    return Limit(
        id=name,
        limit=number(row, "limit") or 0,
        interval_ms=number(row, "interval-ms") or 0,
        per=text(row, "per"),
        per_endpoint=member(row, "per-endpoint") is True,
        header=text(row, "header"),
        counted_on_error=member(row, "counted-on-error") is True,
        window=text(row, "window-reading") or text(row, "window"),
        provenance=texts(row, "x-evidence"),
    )
