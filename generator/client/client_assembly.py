"""Assemble the description of the whole client, from which every file is rendered."""

from __future__ import annotations

from collections.abc import Mapping

from generator.client.answer_assembly import AnswerAssembly
from generator.client.client_model import Client, Operation, Resource
from generator.client.operation_assembly import OperationAssembly, Place
from generator.client.parser_adapter import Parsed
from generator.client.parser_document import Transformed
from generator.client.protocol_facts import error_code, limit, status_outcome
from generator.client.python_names import resource_class_name
from generator.document.json_pointer import Json
from generator.document.schema_queries import items, members, number, operations, text, texts


def assemble(source: Mapping[str, Json], place: Place, transformed: Transformed, parsed: Parsed) -> Client:
    """Return the client that the document describes.

    Args:
        source: The validated, bundled document.
        place: Maps a pointer in it to (file, pointer) of the sources.
        transformed: The document that the parser read.
        parsed: The names and types that the parser found.
    """
    document = dict(source)
    default_timeout = members(document, "x-default-timeout")
    timeout = (number(default_timeout, "connect-ms") or 0, number(default_timeout, "answer-ms") or 0)
    answers = AnswerAssembly(document, place, transformed, parsed)
    header, signing = _auth_scheme(document)
    servers = members(document, "x-servers")
    return Client(
        title=text(document, "info", "title"),
        version=text(document, "info", "version"),
        resources=_resources(document, OperationAssembly(document, place, parsed, timeout)),
        models=answers.models(),
        enums=answers.enums(),
        unions=answers.unions(),
        error_codes=tuple(error_code(row) for row in items(document, "x-error-codes")),
        status_outcomes=tuple(status_outcome(row) for row in items(document, "x-status-outcomes")),
        limits=tuple(limit(name, row) for name, row in members(document, "x-limits").items()),
        servers={name: text(row, "url") for name, row in servers.items() if text(row, "url")},
        clocks=tuple(text(row, "url") for row in items(servers, "clocks")),
        ban=members(document, "x-ban"),
        stream=members(document, "x-stream"),
        api_key_header=header,
        signing=signing,
        default_connect_timeout_ms=timeout[0],
        default_answer_timeout_ms=timeout[1],
        provenance_marks={
            name: str(meaning) for name, meaning in members(document, "x-evidence-marks").items()
        },
    )


def _resources(document: dict[str, Json], assembly: OperationAssembly) -> tuple[Resource, ...]:
    grouped: dict[str, list[Operation]] = {}
    for pointer, operation in operations(document):
        grouped.setdefault(texts(operation, "tags")[0], []).append(assembly.operation(pointer, operation))
    described = {text(tag, "name"): text(tag, "description") for tag in items(document, "tags")}
    order = [name for name in described if name in grouped] + [
        name for name in grouped if name not in described
    ]
    return tuple(
        Resource(tag, resource_class_name(tag), tag, described.get(tag, ""), tuple(grouped[tag]))
        for tag in order
    )


def _auth_scheme(document: dict[str, Json]) -> tuple[str, Mapping[str, Json]]:
    for scheme in members(document, "components", "securitySchemes").values():
        if text(scheme, "type") == "apiKey":
            return text(scheme, "name"), members(scheme, "x-signing")
    return "", {}
