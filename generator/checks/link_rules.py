"""Refuse links that lead to an operation, a parameter or a value that the document does not have."""

from __future__ import annotations

from collections.abc import Iterator

from generator.document.bundle import Bundle
from generator.document.json_pointer import Json
from generator.document.operation_parameters import operation_parameters
from generator.document.schema_queries import Schema, member, members, operations, target, text
from generator.problems import Problem

_SOURCES = "$request.body#/NAME, $request.query.NAME, $response.body#/NAME, or the value itself"


def broken_links(joined: Bundle) -> Iterator[Problem]:
    """Yield a problem for each link that names something that the document does not have."""
    document = joined.document
    calls = {
        text(operation, "operationId"): (pointer, operation) for pointer, operation in operations(document)
    }
    for pointer, operation in calls.values():
        for status in members(operation, "responses"):
            response = target(document, member(operation, "responses", status))
            for name, link in members(response, "links").items():
                where = f"{pointer}/responses/{status}/links/{name}"
                wanted = text(link, "operationId")
                if wanted not in calls:
                    remedy = f"operationId: one of {', '.join(calls)}."
                    yield joined.problem(
                        where, f"the link leads to no call: {wanted or 'no operationId'}.", remedy
                    )
                    continue
                yield from _arguments(joined, where, link, operation, pointer, response, calls[wanted])


def _arguments(
    joined: Bundle,
    where: str,
    link: Json,
    operation: Schema,
    pointer: str,
    response: Schema,
    followed: tuple[str, Schema],
) -> Iterator[Problem]:
    document = joined.document
    accepted = {text(each, "name") for _, _, each in operation_parameters(document, *followed)}
    sent = {
        (place, text(each, "name")) for _, place, each in operation_parameters(document, pointer, operation)
    }
    answer = target(document, member(response, "content", "application/json", "schema"))
    for name, value in members(link, "parameters").items():
        at = f"{where}/parameters/{name}"
        if name not in accepted:
            yield joined.problem(
                at,
                f"{text(followed[1], 'operationId')} has no parameter {name}.",
                f"one of: {', '.join(sorted(accepted))}.",
            )
        source = str(value)
        if not source.startswith("$"):
            continue
        start, _, wanted = source.replace("$request.query.", "$request.query#/", 1).partition("#/")
        known = {
            "$request.body": {each for place, each in sent if place == "body"},
            "$request.query": {each for place, each in sent if place == "query"},
            "$response.body": set(members(answer, "properties")),
        }
        if start not in known:
            yield joined.problem(at, f"{source} points to nothing that is kept.", f"{_SOURCES}.")
        elif wanted not in known[start]:
            yield joined.problem(
                at,
                f"{source} points to nothing.",
                f"one of: {', '.join(sorted(known[start])) or 'none there'}.",
            )
