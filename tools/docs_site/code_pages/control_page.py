"""Write the page of the sandbox's control API, from its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator

from generator.document.json_pointer import Json
from generator.document.schema_queries import Schema, items, member, members, schema_name, target, text, texts
from tools.docs_site.markdown import Links, code, codes, page, prose, table
from tools.docs_site.page_facts import Facts

CONTROL = "control.md"


def control_page(facts: Facts) -> str:
    """Return the page of the control API: every operation, then every object that requests and answers hold."""
    document = facts.control
    links = Links(CONTROL)
    parts = [
        "# Control API",
        prose(text(document, "info", "description")),
        "The sandbox serves the document that this page is made from at"
        f" {code('/_sandbox/openapi.json')}. What to do with these calls stands in"
        f" {links.to('sandbox.md', 'Sandbox')} and {links.to('faults.md', 'Faults')}.",
        "## Calls { #calls }",
        table(("Call", "Takes", "Answers"), (_call(links, document, *found) for found in _calls(document))),
    ]
    for name, schema in members(document, "components", "schemas").items():
        parts += [f"## {name} {{ #{name.lower()} }}", prose(text(schema, "description"))]
        parts += (
            [_object(links, document, schema)] if members(schema, "properties") else [_shape(links, schema)]
        )
    return page(*parts)


def _calls(document: dict[str, Json]) -> Iterator[tuple[str, str, Schema]]:
    for path, item in members(document, "paths").items():
        for method, call in members(item).items():
            yield method.upper(), path, members(call)


def _call(
    links: Links, document: dict[str, Json], method: str, path: str, call: Schema
) -> tuple[str, str, str]:
    takes = [
        f"{code(text(entry, 'name'))}: {prose(text(entry, 'description'))}"
        for entry in items(call, "parameters")
    ]
    body = member(call, "requestBody", "content", "application/json", "schema")
    if body is not None:
        takes.append(_shape(links, body))
    answers = [
        f"**{status}** {prose(text(target(document, answer), 'description'))}"
        for status, answer in members(call, "responses").items()
    ]
    for status, answer in members(call, "responses").items():
        schema = member(answer, "content", "application/json", "schema")
        if status.startswith("2") and schema is not None:
            answers[0] += f" Body: {_shape(links, schema)}."
    shown = f"{code(f'{method} {path}')} <br>{prose(text(call, 'summary'))}"
    return shown, " <br>".join(takes), " <br>".join(answers)


def _object(links: Links, document: dict[str, Json], schema: Json) -> str:
    needed = texts(schema, "required")
    return table(
        ("Member", "Is", "Meaning"),
        (
            (
                code(name) + ("" if name in needed else " <br>*optional*"),
                _shape(links, node),
                f"{prose(text(node, 'description'))}{_bounds(node)}".strip(),
            )
            for name, node in members(schema, "properties").items()
        ),
    )


def _shape(links: Links, schema: Json) -> str:
    """Return what kind of value a schema describes, in one line; named objects are links."""
    name = schema_name(schema)
    if name:
        return links.to(CONTROL, code(name), name.lower())
    choices = items(schema, "oneOf")
    if choices:
        return " or ".join(_shape(links, choice) for choice in choices)
    if items(schema, "enum"):
        return codes((str(value) for value in items(schema, "enum")), between=" or ")
    kind = member(schema, "type")
    if kind == "array":
        return f"list of {_shape(links, member(schema, 'items'))}"
    if kind == "object" and members(schema, "properties"):
        inside = (
            f"{code(key)}: {_shape(links, node)}" for key, node in members(schema, "properties").items()
        )
        return f"an object with {', '.join(inside)}"
    if kind == "object" and members(schema, "additionalProperties"):
        return f"an object, by name: {_shape(links, member(schema, 'additionalProperties'))}"
    names = [str(one) for one in kind] if isinstance(kind, list) else [str(kind)]
    return " or ".join("null" if one == "null" else one for one in names)


def _bounds(schema: Json) -> str:
    known = {
        "minimum": "at least",
        "maximum": "at most",
        "maxLength": "at most characters:",
        "default": "default",
    }
    bounds = [
        f"{words} {code(json.dumps(member(schema, key)))}"
        for key, words in known.items()
        if member(schema, key) is not None
    ]
    return f" {'; '.join(bounds).capitalize()}." if bounds else ""
