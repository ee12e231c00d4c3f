"""Refuse a document that cannot be trusted, before anything is made from it.

    structure      every object is what OpenAPI 3.1 allows, every schema is JSON Schema
    extensions     every `x-` fact that the client needs is there and spelled right
    support        every schema can be expressed in Python, and every answer has one shape
    rules          names that are referred to exist, names do not collide, no fact contradicts another
    examples       every sample fits its schema
    specification  openapi-spec-validator finds nothing more

A later stage looks only at documents that the earlier ones accept, and each reports everything it finds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import cast

import jsonschema_rs

from generator.checks.example_values import misfits
from generator.checks.extension_shapes import FIELD, OPERATION, ROOT, SIGNING, known_names
from generator.checks.link_rules import broken_links
from generator.checks.name_collisions import colliding_names
from generator.checks.operation_rules import broken_calls
from generator.checks.protocol_rules import contradictory_facts
from generator.checks.unsupported_answers import unsupported_answers
from generator.checks.unsupported_schemas import unsupported
from generator.document.bundle import Bundle
from generator.document.json_pointer import Json, escape, walk
from generator.document.schema_queries import members, operations
from generator.document.schema_walk import schemas
from generator.problems import DocumentRefused, Problem


def validate(joined: Bundle, *, specification: bool = True) -> None:
    """Check a bundled document.

    Args:
        joined: The document.
        specification: Whether openapi-spec-validator checks it last, which takes as long as all the rest.

    Raises:
        DocumentRefused: Holds all problems of the first stage that finds any.
    """
    stages: tuple[Callable[[Bundle], Iterator[Problem]], ...] = (
        _structure,
        _extensions,
        unsupported,
        unsupported_answers,
        broken_calls,
        broken_links,
        _names_and_protocol,
        misfits,
        *((_specification,) if specification else ()),
    )
    for stage in stages:
        problems = list(stage(joined))
        if problems:
            raise DocumentRefused(problems)


def _names_and_protocol(joined: Bundle) -> Iterator[Problem]:
    yield from colliding_names(joined)
    yield from contradictory_facts(joined)


# ----------------------------------------------------------------------------------- structure


def _structure(joined: Bundle) -> Iterator[Problem]:
    for error in _openapi_validator().iter_errors(joined.document):
        yield joined.problem(_pointer(error.instance_path), _reason(error), _structural_remedy(error))
    for pointer, schema in schemas(joined.document):
        for error in _dialect_validator().iter_errors(schema):
            yield joined.problem(
                pointer + _pointer(error.instance_path),
                _reason(error),
                "what JSON Schema 2020-12 allows here.",
            )


@cache
def _openapi_validator() -> jsonschema_rs.Draft202012Validator:
    text = (
        files("openapi_spec_validator")
        .joinpath("resources/schemas/v3.1/schema.json")
        .read_text(encoding="utf-8")
    )
    return jsonschema_rs.Draft202012Validator(json.loads(text))


@cache
def _dialect_validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"})


def _structural_remedy(error: jsonschema_rs.ValidationError) -> str:
    keyword = str(error.schema_path[-1]) if error.schema_path else ""
    if keyword == "required":
        return f"{error.message.split(' ')[0].strip(chr(34))}: ... next to the other members."
    if "unevaluatedProperties" in (keyword, *map(str, error.schema_path)):
        return "a member that OpenAPI 3.1 knows here, or one that starts with x-."
    return "what OpenAPI 3.1 allows here."


# ----------------------------------------------------------------------------------- extensions


def _extensions(joined: Bundle) -> Iterator[Problem]:
    document = joined.document
    yield from _shape(joined, "", document, ROOT)
    for pointer, operation in operations(document):
        yield from _shape(joined, pointer, operation, OPERATION)
        for index, parameter in enumerate(cast("list[Json]", operation.get("parameters") or [])):
            if isinstance(parameter, dict) and "$ref" not in parameter:
                yield from _shape(joined, f"{pointer}/parameters/{index}", parameter, FIELD)
    for name, parameter in members(document, "components", "parameters").items():
        yield from _shape(joined, f"/components/parameters/{escape(name)}", parameter, FIELD)
    for pointer, schema in schemas(document):
        yield from _shape(joined, pointer, schema, FIELD)
    for name, scheme in members(document, "components", "securitySchemes").items():
        pointer = f"/components/securitySchemes/{escape(name)}"
        if isinstance(scheme, dict) and "x-signing" in scheme:
            yield from _shape(joined, f"{pointer}/x-signing", scheme["x-signing"], SIGNING)
    yield from _provenance_and_spelling(joined)


def _shape(joined: Bundle, pointer: str, value: Json, schema: dict[str, Json]) -> Iterator[Problem]:
    for error in _shape_validator(json.dumps(schema)).iter_errors(value):
        yield joined.problem(pointer + _pointer(error.instance_path), _reason(error), _remedy(schema, error))


@cache
def _shape_validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads(schema))


def _remedy(schema: Json, error: jsonschema_rs.ValidationError) -> str:
    """Return the `x-remedy` nearest to the place in the schema that refused the value."""
    found = "what generator/checks/extensions.py describes."
    if str(error.schema_path[-1]) == "required":
        missing = error.message.split(" ")[0].strip('"')
        below = schema
        for step in error.schema_path[:-1]:
            below = _step(below, step)
        wanted = _step(_step(below, "properties"), missing)
        if isinstance(wanted, dict) and "x-remedy" in wanted:
            remedy = str(wanted["x-remedy"])
            return remedy if remedy.startswith(f"{missing}:") else f"{missing}: {remedy}"
    node = schema
    for step in error.schema_path:
        node = _step(node, step)
        if isinstance(node, dict) and isinstance(node.get("x-remedy"), str):
            found = str(node["x-remedy"])
    return found


def _step(node: Json, step: str | int) -> Json:
    if isinstance(node, dict):
        return node.get(str(step))
    return node[step] if isinstance(node, list) and isinstance(step, int) and step < len(node) else None


def _provenance_and_spelling(joined: Bundle) -> Iterator[Problem]:
    """Yield a problem for each provenance mark without an explanation and each extension that looks misspelt."""
    import difflib

    marks = list(members(joined.document, "x-evidence-marks"))
    known = known_names()
    unknown: dict[str, str] = {}
    for pointer, value in walk(joined.document):
        if not isinstance(value, dict) or "/value" in pointer:
            continue
        for name, child in value.items():
            if name == "x-evidence" and isinstance(child, list):
                for index, mark in enumerate(child):
                    if mark not in marks:
                        where = f"{pointer}/x-evidence/{index}"
                        yield joined.problem(
                            where,
                            f"x-evidence-marks does not explain the mark {mark!r}.",
                            f"one of: {', '.join(marks)}.",
                        )
            elif name.startswith("x-") and name not in known:
                if name not in unknown:
                    near = difflib.get_close_matches(name, known, 1, 0.85)
                    unknown[name] = near[0] if near else ""
                if unknown[name]:
                    yield joined.problem(
                        f"{pointer}/{escape(name)}",
                        f"{name} means nothing.",
                        f"{unknown[name]}, if that is what is meant.",
                    )


# ----------------------------------------------------------------------------------- specification


def _specification(joined: Bundle) -> Iterator[Problem]:
    from openapi_spec_validator import OpenAPIV31SpecValidator  # late: it costs a third of a second

    errors = OpenAPIV31SpecValidator(cast("dict[str, object]", joined.document)).iter_errors()
    for error in cast("Iterator[Exception]", errors):
        path = cast("Sequence[str | int]", getattr(error, "absolute_path", ()))
        message = " ".join(str(getattr(error, "message", error)).split())
        yield joined.problem(
            _pointer(path), f"openapi-spec-validator: {message[:300]}.", "a document that it accepts."
        )


# ----------------------------------------------------------------------------------- messages


def _pointer(path: Sequence[str | int]) -> str:
    return "".join(f"/{escape(step)}" for step in path)


def _reason(error: jsonschema_rs.ValidationError) -> str:
    text = " ".join(error.message.split())
    return f"{text[:240]}{'…' if len(text) > 240 else '.'}"
