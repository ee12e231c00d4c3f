"""List the parameters of an operation, from the query and from the form body, in the order of the wire."""

from __future__ import annotations

from collections.abc import Mapping

from generator.document.json_pointer import Json
from generator.document.schema_queries import Schema, items, member, members, schema_name, target, text, texts

FORM = "application/x-www-form-urlencoded"


def operation_parameters(
    document: Mapping[str, Json], pointer: str, operation: Schema
) -> list[tuple[str, str, Schema]]:
    """Return (pointer, location, parameter) of every parameter of an operation, in wire order.

    Members of a form body come as parameters with `name`, `required` and `schema`; their location is "body".

    Args:
        document: The bundled document.
        pointer: JSON pointer of the operation.
        operation: What stands there.
    """
    found: list[tuple[str, str, Schema]] = []
    for index, entry in enumerate(items(operation, "parameters")):
        parameter = target(document, entry)
        found.append((f"{pointer}/parameters/{index}", text(parameter, "in"), parameter))
    form = member(operation, "requestBody", "content", FORM, "schema")
    body = target(document, form)
    required = texts(body, "required")
    for name, schema in members(body, "properties").items():
        resolved = target(document, schema)
        where = (
            f"/components/schemas/{schema_name(form)}"
            if schema_name(form)
            else f"{pointer}/requestBody/content/{FORM.replace('/', '~1')}/schema"
        )
        member_of_form: Schema = {
            "name": name,
            "required": name in required,
            "description": text(resolved, "description"),
            "schema": schema,
            "encoding": member(operation, "requestBody", "content", FORM, "encoding", name),
        }
        if "x-python-name" in resolved:
            member_of_form["x-python-name"] = resolved["x-python-name"]
        found.append((f"{where}/properties/{name}", "body", member_of_form))
    return found


def owned_parameters(document: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the names of the parameters that the auth scheme owns, such as `timestamp`."""
    for scheme in members(dict(document), "components", "securitySchemes").values():
        owned = texts(scheme, "x-signing", "owned-parameters")
        if owned:
            return owned
    return ()
