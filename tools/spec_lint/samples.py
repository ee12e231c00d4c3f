"""Collect every sample of the document, with the schemas that it may belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from generator.document.json_pointer import Json
from generator.document.schema_queries import items, member, members, operations, schema_name, target


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold a sample value.

    Attributes:
        place: Where it stands, for people.
        schemas: Names of component schemas; it must fit at least one.
        value: The sample itself.
    """

    place: str
    schemas: tuple[str, ...]
    value: Json


def samples(document: Mapping[str, Json]) -> Iterator[Sample]:
    """Yield the samples of requests, answers and events that are JSON.

    Args:
        document: The bundled document.
    """
    for pointer, operation in operations(document):
        call = pointer.replace("~1", "/").removeprefix("/paths/")
        yield from _contents(document, f"{call} request", operation.get("requestBody"))
        for status, answer in members(operation, "responses").items():
            yield from _contents(document, f"{call} {status}", answer)
    for name, schema in members(dict(document), "components", "schemas").items():
        for title, sample in members(schema, "x-examples").items():
            yield Sample(f"{name} {title}", (name,), member(sample, "value"))


def _contents(document: Mapping[str, Json], place: str, holder: Json) -> Iterator[Sample]:
    for kind, content in members(target(document, holder), "content").items():
        if kind == "text/html":
            continue
        schema = members(content, "schema")
        names = tuple(schema_name(branch) for branch in items(schema, "oneOf")) or (schema_name(schema),)
        for title, sample in members(content, "examples").items():
            yield Sample(f"{place} {title}", names, member(sample, "value"))
