"""Walk over every schema object of a bundled document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from generator.document.json_pointer import Json, escape
from generator.document.schema_queries import Schema, items, member, members, operations


def schemas(document: Mapping[str, Json]) -> Iterator[tuple[str, Schema]]:
    """Yield (pointer, schema) of every schema object, wherever OpenAPI allows one, and of those below it."""
    for name, schema in members(dict(document), "components", "schemas").items():
        yield from _below(f"/components/schemas/{escape(name)}", schema)
    for kind in ("parameters", "headers"):
        for name, holder in members(dict(document), "components", kind).items():
            yield from _held(f"/components/{kind}/{escape(name)}", holder)
    for name, response in members(dict(document), "components", "responses").items():
        yield from _response(f"/components/responses/{escape(name)}", response)
    for pointer, operation in operations(document):
        for index, parameter in enumerate(items(operation, "parameters")):
            yield from _held(f"{pointer}/parameters/{index}", parameter)
        yield from _content(f"{pointer}/requestBody", member(operation, "requestBody"))
        for status, response in members(operation, "responses").items():
            yield from _response(f"{pointer}/responses/{escape(status)}", response)


def _response(pointer: str, response: Json) -> Iterator[tuple[str, Schema]]:
    yield from _content(pointer, response)
    for name, header in members(response, "headers").items():
        yield from _held(f"{pointer}/headers/{escape(name)}", header)


def _content(pointer: str, holder: Json) -> Iterator[tuple[str, Schema]]:
    for name, media in members(holder, "content").items():
        yield from _held(f"{pointer}/content/{escape(name)}", media)


def _held(pointer: str, holder: Json) -> Iterator[tuple[str, Schema]]:
    if member(holder, "schema") is not None:
        yield from _below(f"{pointer}/schema", member(holder, "schema"))


def _below(pointer: str, schema: Json) -> Iterator[tuple[str, Schema]]:
    if not isinstance(schema, dict):
        return
    yield pointer, schema
    for name, child in members(schema, "properties").items():
        yield from _below(f"{pointer}/properties/{escape(name)}", child)
    yield from _below(f"{pointer}/items", schema.get("items"))
    for index, child in enumerate(items(schema, "oneOf")):
        yield from _below(f"{pointer}/oneOf/{index}", child)
