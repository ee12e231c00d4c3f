"""Answer questions about schemas of a bundled document: follow references, find what kind of thing a schema is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from generator.document.json_pointer import Json, escape, unescape

Schema = dict[str, Json]
EXAMPLE_FREE = ("example", "examples", "default")
_SCHEMA_PREFIX = "#/components/schemas/"


def member(value: Json, *names: str) -> Json:
    """Return the value at a path of members, or None where the path ends early.

    Args:
        value: JSON data.
        names: Members that lead there, the outermost first.
    """
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def members(value: Json, *names: str) -> dict[str, Json]:
    """Return the mapping at a path of members, or an empty one.

    Args:
        value: JSON data.
        names: Members that lead there, the outermost first.
    """
    found = member(value, *names)
    return found if isinstance(found, dict) else {}


def items(value: Json, *names: str) -> list[Json]:
    """Return the list at a path of members, or an empty one.

    Args:
        value: JSON data.
        names: Members that lead there, the outermost first.
    """
    found = member(value, *names)
    return found if isinstance(found, list) else []


def text(value: Json, *names: str) -> str:
    """Return the text at a path of members, or "".

    Args:
        value: JSON data.
        names: Members that lead there, the outermost first.
    """
    found = member(value, *names)
    return found if isinstance(found, str) else ""


def number(value: Json, *names: str) -> int | None:
    """Return the integer at a path of members, or None.

    Args:
        value: JSON data.
        names: Members that lead there, the outermost first.
    """
    found = member(value, *names)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def texts(value: Json, *names: str) -> tuple[str, ...]:
    """Return the texts of the list at a path of members.

    Args:
        value: JSON data.
        names: Members that lead there, the outermost first.
    """
    return tuple(entry for entry in items(value, *names) if isinstance(entry, str))


def target(document: Mapping[str, Json], value: Json) -> Schema:
    """Return a value, or what its `$ref` leads to with the siblings of the `$ref` on top.

    Args:
        document: The bundled document.
        value: A schema, parameter, response or header, or a reference to one.
    """
    found: Schema = value if isinstance(value, dict) else {}
    seen: set[str] = set()
    while isinstance(ref := found.get("$ref"), str) and ref not in seen:
        seen.add(ref)
        node: Json = dict(document)
        for part in ref.split("/")[1:]:
            node = member(node, unescape(part))
        base = node if isinstance(node, dict) else {}
        found = {**base, **{key: child for key, child in found.items() if key != "$ref"}}
        if "$ref" in base:
            found["$ref"] = base["$ref"]
    return found


def schema_name(value: Json) -> str:
    """Return the name of the component schema that a `$ref` points to, or ""."""
    ref = text(value, "$ref")
    return unescape(ref.removeprefix(_SCHEMA_PREFIX)) if ref.startswith(_SCHEMA_PREFIX) else ""


def is_object(schema: Mapping[str, Json]) -> bool:
    """Return whether the schema describes a JSON object."""
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema


def is_nullable(schema: Mapping[str, Json]) -> bool:
    """Return whether JSON null fits, by a list of types or by `oneOf: [X, null]`."""
    kind = schema.get("type")
    if isinstance(kind, list):
        return "null" in kind
    return any(member(branch, "type") == "null" for branch in items(dict(schema), "oneOf"))


def without_null(document: Mapping[str, Json], schema: Schema) -> Schema:
    """Return the schema of the values other than null.

    Args:
        document: The bundled document.
        schema: A schema that null fits.
    """
    kind = schema.get("type")
    if isinstance(kind, list) and "null" in kind:
        left = [name for name in kind if name != "null"]
        return {**schema, "type": left[0] if len(left) == 1 else left}
    branches = items(schema, "oneOf")
    left_branches = [branch for branch in branches if member(branch, "type") != "null"]
    if len(left_branches) == 1 and len(branches) == 2:
        outer = {key: child for key, child in schema.items() if key != "oneOf"}
        branch = left_branches[0]
        return {**branch, **outer} if isinstance(branch, dict) else outer
    return schema


def is_tagged_union(schema: Mapping[str, Json]) -> bool:
    """Return whether a schema is a `oneOf` whose branches are distinguished by a discriminator."""
    return isinstance(schema.get("discriminator"), dict) and isinstance(schema.get("oneOf"), list)


def references(value: Json) -> Iterator[str]:
    """Yield every `$ref` below a value, outside `x-` keys and sample data."""
    if isinstance(value, list):
        for entry in value:
            yield from references(entry)
    elif isinstance(value, dict):
        if isinstance(ref := value.get("$ref"), str):
            yield ref
        for key, child in value.items():
            if not key.startswith("x-") and key not in EXAMPLE_FREE:
                yield from references(child)


def response_schema_pointers(document: Mapping[str, Json], *, successful: bool) -> Iterator[tuple[str, Json]]:
    """Yield (pointer of the operation, JSON schema) of the answers of every operation.

    Args:
        document: The bundled document.
        successful: Answers 2XX if true, every other one if false.
    """
    for pointer, operation in operations(document):
        for status, response in members(operation, "responses").items():
            if status.startswith("2") is successful:
                schema = member(target(document, response), "content", "application/json", "schema")
                if schema is not None:
                    yield pointer, schema


METHODS = ("get", "put", "post", "delete", "patch")


def operations(document: Mapping[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield (pointer, operation) of every operation, in the order of the document."""
    for path, item in members(dict(document), "paths").items():
        if isinstance(item, dict):
            for method in item:
                operation = item[method]
                if method in METHODS and isinstance(operation, dict):
                    yield f"/paths/{escape(path)}/{method}", operation


def reachable(document: Mapping[str, Json], start: Json) -> set[str]:
    """Return the names of component schemas that a value refers to, directly or through others.

    Args:
        document: The bundled document.
        start: Any part of it.
    """
    schemas = members(dict(document), "components", "schemas")
    found: set[str] = set()
    followed: set[str] = set()  # a response or parameter may lead back to itself
    pending = [start]
    while pending:
        for ref in references(pending.pop()):
            if ref in followed:
                continue
            followed.add(ref)
            name = schema_name({"$ref": ref})
            if name:
                found.add(name)
                pending.append(schemas.get(name))
            else:
                pending.append(target(document, {"$ref": ref}))
    return found
