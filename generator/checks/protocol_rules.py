"""Refuse rows about error codes, HTTP statuses and stream events that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from generator.document.bundle import Bundle
from generator.document.schema_queries import items, member, members, number, target, text
from generator.problems import Problem


def contradictory_facts(joined: Bundle) -> Iterator[Problem]:
    """Yield every row about errors, statuses and events that cannot hold together with another."""
    yield from _error_rows(joined)
    yield from _stream_rows(joined)


def _error_rows(joined: Bundle) -> Iterator[Problem]:
    seen: dict[tuple[int, str], str] = {}
    for index, row in enumerate(items(joined.document, "x-error-codes")):
        key = (number(row, "code") or 0, text(row, "server"))
        name = text(row, "name")
        if key in seen:
            yield joined.problem(
                f"/x-error-codes/{index}",
                f"{key[0]} is {seen[key]} already.",
                "one row for each code (and server).",
            )
        seen.setdefault(key, name)
    rows = items(joined.document, "x-status-outcomes")
    codes = {code for code, _ in seen}
    for index, row in enumerate(rows):
        pointer = f"/x-status-outcomes/{index}"
        if text(row, "status") == "default" and index != len(rows) - 1:
            yield joined.problem(
                pointer, "rows after `default` are never reached.", "default as the last row."
            )
        for code in items(row, "overrides-codes"):
            if code not in codes:
                yield joined.problem(
                    f"{pointer}/overrides-codes",
                    f"{code} is not in x-error-codes.",
                    "a code that is listed there.",
                )
    if not rows or text(rows[-1], "status") != "default":
        yield joined.problem(
            "/x-status-outcomes",
            "no row for the statuses that no other row names.",
            "{status: default, executed: unknown, ...} as the last row.",
        )


def _stream_rows(joined: Bundle) -> Iterator[Problem]:
    tag = text(joined.document, "x-stream", "type-key")
    known = members(joined.document, "components", "schemas")
    for index, event in enumerate(items(joined.document, "x-stream", "events")):
        pointer = f"/x-stream/events/{index}"
        name, schema = text(event, "name"), text(event, "schema")
        if schema not in known:
            yield joined.problem(
                f"{pointer}/schema",
                f"there is no schema {schema}.",
                "the name of a schema in components/events.yaml.",
            )
        elif member(target(joined.document, member(known, schema, "properties", tag)), "const") != name:
            yield joined.problem(
                f"{pointer}/name",
                f"{tag} of {schema} is not the constant {name}.",
                f"{tag}: {{type: string, const: {name}}} in {schema}.",
            )
