"""Turn the bundled document into one that openapi-python-client parses without guessing. A pure function.

What the parser would lose or mistake is put in a form that it cannot mistake:

    parameters of the auth scheme      dropped; the runtime adds them
    form body                          one query parameter per member, in the order of the members
    answers other than 2XX             dropped; errors are raised in one place
    open enum, wherever it stands      a named schema with `enum`
    decimal text and its variants      a string with a format of `decimal_forms`
    null                               `oneOf: [X, null]`
    descriptions, units, provenance    dropped here, read from the bundled document by `client_assembly`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.client.decimal_forms import decimal_form
from generator.client.python_names import nested_schema_name
from generator.document.json_pointer import Json
from generator.document.operation_parameters import operation_parameters, owned_parameters
from generator.document.schema_queries import (
    Schema,
    is_nullable,
    is_object,
    is_tagged_union,
    items,
    member,
    members,
    operations,
    reachable,
    response_schema_pointers,
    schema_name,
    target,
    text,
    texts,
    without_null,
)


@dataclass(frozen=True, slots=True)
class Enumeration:
    """Hold an open enum, with its schema, which stands at `pointer` of the bundled document."""

    name: str
    values: tuple[str, ...]
    schema: Schema
    pointer: str


@dataclass(frozen=True, slots=True)
class Transformed:
    """Hold a document for the parser, and the names of its parts that become classes."""

    document: dict[str, Json]
    models: tuple[str, ...]
    unions: tuple[str, ...]
    enums: Mapping[str, Enumeration]


def transform(document: Mapping[str, Json]) -> Transformed:
    """Return the document to parse.

    Args:
        document: A validated, bundled document; it is not changed.
    """
    return _Transformer(document).run()


@dataclass(slots=True)
class _Transformer:
    document: Mapping[str, Json]
    enums: dict[str, Enumeration] = field(default_factory=dict[str, Enumeration])

    def run(self) -> Transformed:
        schemas = members(dict(self.document), "components", "schemas")
        wanted = self._answers() | (set(schemas) - self._used_by_paths())
        models = [
            name
            for name in schemas
            if name in wanted
            and is_object(target(self.document, schemas[name]))
            and members(target(self.document, schemas[name]), "properties")
        ]
        unions = [
            name
            for name in schemas
            if name in wanted and is_tagged_union(target(self.document, schemas[name]))
        ]
        parsed: dict[str, Json] = {
            name: self._model(name, target(self.document, schemas[name])) for name in models
        }
        paths: dict[str, dict[str, Json]] = {}
        for pointer, operation in operations(self.document):
            path, method = _path_and_method(pointer)
            paths.setdefault(path, {})[method] = self._operation(pointer, operation)
        for name in schemas:
            if name in wanted and "x-open-enum" in target(self.document, schemas[name]):
                self._enum(target(self.document, schemas[name]), name, f"/components/schemas/{name}")
        for enum in self.enums.values():
            parsed[enum.name] = {"type": "string", "enum": list(enum.values)}
        document: dict[str, Json] = {
            "openapi": "3.1.0",
            "info": {"title": "paydown-wire", "version": "0"},
            "paths": dict(paths),
            "components": {"schemas": parsed},
        }
        return Transformed(document, tuple(models), tuple(unions), dict(self.enums))

    def _answers(self) -> set[str]:
        found: set[str] = set()
        for _, schema in response_schema_pointers(self.document, successful=True):
            found |= reachable(self.document, schema)
        return found

    def _used_by_paths(self) -> set[str]:
        found: set[str] = set()
        for _, operation in operations(self.document):
            found |= reachable(self.document, operation)
        return found

    # ------------------------------------------------------------------------------- operations

    def _operation(self, pointer: str, operation: Schema) -> Json:
        owned = owned_parameters(self.document)
        parameters: list[Json] = [
            {
                "name": parameter["name"],
                "in": "query",
                "required": parameter.get("required", False),
                "schema": {"type": "string"},
            }
            for _, _, parameter in operation_parameters(self.document, pointer, operation)
            if parameter["name"] not in owned
        ]
        responses: dict[str, Json] = {}
        for status, response in members(operation, "responses").items():
            schema = member(target(self.document, response), "content", "application/json", "schema")
            if status.startswith("2") and self._has_content(schema):
                if text(target(self.document, schema), "x-collapse") == "list":
                    schema = items(target(self.document, schema), "oneOf")[0]
                responses[status] = {
                    "description": "",
                    "content": {
                        "application/json": {
                            "schema": self._schema(schema, operation_name(operation), pointer)
                        }
                    },
                }
        return {
            "operationId": operation["operationId"],
            "tags": operation["tags"],
            "parameters": parameters,
            "responses": responses,
        }

    def _has_content(self, schema: Json) -> bool:
        resolved = target(self.document, schema)
        return bool(resolved) and not (is_object(resolved) and not members(resolved, "properties"))

    # ------------------------------------------------------------------------------- schemas

    def _model(self, name: str, schema: Schema) -> Json:
        pointer = f"/components/schemas/{name}"
        return {
            "type": "object",
            "required": list(texts(schema, "required")),
            "properties": {
                key: self._schema(child, nested_schema_name(name, key), f"{pointer}/properties/{key}")
                for key, child in members(schema, "properties").items()
            },
        }

    def _schema(self, value: Json, name: str, pointer: str) -> Json:
        """Return the form of a schema that the parser takes.

        Args:
            value: The schema, perhaps a reference with siblings.
            name: Name for an enum that has none of its own.
            pointer: Where it stands in the bundled document.
        """
        resolved = target(self.document, value)
        if is_nullable(resolved):
            inner = without_null(self.document, resolved)
            return {"oneOf": [self._schema(inner, name, pointer), {"type": "null"}]}
        if "x-open-enum" in resolved:
            component = self._enum_component(value)
            return {"$ref": f"#/components/schemas/{self._enum(resolved, component or name, pointer)}"}
        if is_object(resolved):
            return {"$ref": f"#/components/schemas/{_component_of(self.document, value)}"}
        if items(resolved, "oneOf"):
            return {"oneOf": [self._schema(branch, name, pointer) for branch in items(resolved, "oneOf")]}
        kind = resolved.get("type")
        if kind == "array":
            return {"type": "array", "items": self._schema(resolved.get("items"), name, f"{pointer}/items")}
        if "const" in resolved:
            return {"type": "string", "const": resolved["const"]}
        if form := decimal_form(resolved):
            return {"type": "string", "format": form}
        return {"type": kind}

    def _enum_component(self, value: Json) -> str:
        """Return the name of the referenced component that holds the enum, or "" for an enum written in place."""
        return (
            ""
            if "x-open-enum" in (value if isinstance(value, dict) else {})
            else _component_of(self.document, value)
        )

    def _enum(self, schema: Schema, fallback: str, pointer: str) -> str:
        name = text(schema, "x-enum-name") or fallback
        self.enums.setdefault(name, Enumeration(name, texts(schema, "x-open-enum"), schema, pointer))
        return name


def operation_name(operation: Schema) -> str:
    """Return the operationId in PascalCase, the prefix of anything nameless below it."""
    return nested_schema_name("", text(operation, "operationId"))


def _component_of(document: Mapping[str, Json], value: Json) -> str:
    """Return the name of the last component in a chain of references."""
    name = ""
    while found := schema_name(value):
        name = found
        value = member(dict(document), "components", "schemas", found)
    return name


def _path_and_method(pointer: str) -> tuple[str, str]:
    _, _, path, method = pointer.split("/")
    return path.replace("~1", "/").replace("~0", "~"), method
