"""Refuse answers that the generator would have to guess at: each must be one named shape that may grow."""

from __future__ import annotations

from collections.abc import Iterator

from generator.document.bundle import Bundle
from generator.document.json_pointer import Json, escape
from generator.document.schema_queries import (
    Schema,
    is_object,
    is_tagged_union,
    items,
    member,
    members,
    operations,
    reachable,
    references,
    response_schema_pointers,
    schema_name,
    target,
    text,
    texts,
)
from generator.problems import Problem

_SCALARS = ("string", "integer", "boolean")


def unsupported_answers(joined: Bundle) -> Iterator[Problem]:
    """Yield a problem for each answer, and each schema inside one, that has no exact Python type."""
    yield from _Answers(joined).problems()


class _Answers:
    def __init__(self, joined: Bundle) -> None:
        self._joined = joined
        self._document = joined.document
        answered: set[str] = set()
        for _, schema in response_schema_pointers(self._document, successful=True):
            answered |= reachable(self._document, schema)
        used: set[str] = set()
        for _, operation in operations(self._document):
            used |= reachable(self._document, operation)
        # Schemas that no call uses are there for their own sake: stream events.
        self._names = answered | (set(members(self._document, "components", "schemas")) - used)

    def problems(self) -> Iterator[Problem]:
        for name, component in members(self._document, "components", "schemas").items():
            if name in self._names:
                yield from self._component(f"/components/schemas/{escape(name)}", component)
        for pointer, operation in operations(self._document):
            for status, response in members(operation, "responses").items():
                where = f"{pointer}/responses/{escape(status)}"
                if status.startswith("2"):
                    yield from self._answer(where, target(self._document, response), operation)
        yield from self._circles()

    def _problem(self, pointer: str, reason: str, remedy: str) -> Problem:
        return self._joined.problem(pointer, reason, remedy)

    def _component(self, pointer: str, schema: Json) -> Iterator[Problem]:
        """Yield the problems of a named schema that the exchange sends."""
        if not isinstance(schema, dict):
            return
        if is_tagged_union(schema):
            yield from self._union(pointer, schema)
        elif is_object(schema):
            yield from self._object(pointer, schema)
        elif schema.get("type") == "array":
            yield from self._value(f"{pointer}/items", schema.get("items"))
        else:
            yield from self._value(pointer, schema)

    def _object(self, pointer: str, schema: Schema) -> Iterator[Problem]:
        if schema.get("additionalProperties") is False:
            yield self._problem(
                f"{pointer}/additionalProperties",
                "a closed answer: a member that the exchange adds tomorrow would break it.",
                "additionalProperties: true",
            )
        names = members(schema, "properties")
        for name in texts(schema, "required"):
            if name not in names:
                yield self._problem(
                    f"{pointer}/required",
                    f"{name} is required but not among the properties.",
                    f"{name}: {{...}} below properties.",
                )
        for name, child in names.items():
            where = f"{pointer}/properties/{escape(name)}"
            if not text(target(self._document, child), "description"):
                yield self._problem(
                    where, f"{name} has no description.", "description: what it is, with its unit."
                )
            yield from self._value(where, child)

    def _value(self, pointer: str, value: Json) -> Iterator[Problem]:
        """Yield the problems of a member of an object, or of an item of a list."""
        resolved = target(self._document, value)
        kind = resolved.get("type")
        if not resolved:
            yield self._problem(
                pointer,
                "a schema that allows anything.",
                "type: ..., or leave the member out: unknown members are kept.",
            )
        elif is_object(resolved):
            if not schema_name(value):
                yield self._problem(
                    pointer,
                    "an object without a name.",
                    "a schema in components/schemas.yaml, and a $ref to it.",
                )
            elif not members(resolved, "properties"):
                yield self._problem(
                    pointer,
                    "an object without members.",
                    "its properties, or leave it out: unknown members are kept.",
                )
        elif is_tagged_union(resolved):
            yield self._problem(
                pointer,
                "a member that is one of several objects.",
                "one object whose members cover all, the rest is kept anyway.",
            )
        elif items(resolved, "oneOf"):
            yield from self._nullable(pointer, resolved)
        elif kind == "array" or (isinstance(kind, list) and "array" in kind):
            inner = target(self._document, resolved.get("items"))
            if "items" not in resolved:
                yield self._problem(pointer, "a list of unknown items.", "items: {$ref: '#/Name'}")
            elif inner.get("type") == "array":
                yield self._problem(
                    f"{pointer}/items", "a list of lists.", "a list of objects with a name for each position."
                )
            elif not isinstance(resolved["items"], bool):
                yield from self._value(f"{pointer}/items", resolved["items"])
        elif "enum" in resolved:
            yield self._problem(
                f"{pointer}/enum",
                "a closed list of values in an answer: tomorrow's value would break it.",
                "x-open-enum: [...], with type: string.",
            )
        elif isinstance(kind, str) and kind not in (*_SCALARS, "number"):
            yield self._problem(
                f"{pointer}/type", f"{kind} is not a value.", "string, integer, boolean, array or a $ref."
            )
        elif kind is None and "const" not in resolved:
            yield self._problem(
                pointer, "a schema without a type.", "type: string, integer, boolean or array, or a $ref."
            )

    def _nullable(self, pointer: str, resolved: Schema) -> Iterator[Problem]:
        branches = items(resolved, "oneOf")
        nulls = [branch for branch in branches if member(branch, "type") == "null"]
        if len(branches) != 2 or len(nulls) != 1:
            yield self._problem(
                f"{pointer}/oneOf",
                "a choice between several shapes.",
                "one shape, or oneOf: [X, {type: 'null'}].",
            )

    def _union(self, pointer: str, schema: Schema) -> Iterator[Problem]:
        tag = text(schema, "discriminator", "propertyName")
        mapping = members(schema, "discriminator", "mapping")
        branches = {schema_name(branch) for branch in items(schema, "oneOf")}
        if not mapping:
            yield self._problem(
                f"{pointer}/discriminator",
                "no mapping.",
                "mapping: {value: '#/Name', ...}, a line for each branch.",
            )
        if "" in branches:
            yield self._problem(
                f"{pointer}/oneOf", "a branch without a name.", "$ref to a named object in each branch."
            )
        for value, ref in mapping.items():
            name = schema_name({"$ref": ref})
            where = f"{pointer}/discriminator/mapping/{escape(value)}"
            branch = target(self._document, {"$ref": ref})
            if name not in branches:
                yield self._problem(where, f"{name} is not a branch of oneOf.", "the same schemas in both.")
            elif member(target(self._document, member(branch, "properties", tag)), "const") != value:
                yield self._problem(
                    where,
                    f"{tag} of {name} is not the constant {value!r}.",
                    f"{tag}: {{type: string, const: {value}}} in {name}.",
                )

    def _answer(self, pointer: str, response: Schema, operation: Schema) -> Iterator[Problem]:
        content = members(response, "content")
        where = f"{pointer}/content"
        if content and set(content) != {"application/json"}:
            yield self._problem(
                where, f"an answer as {', '.join(content)}.", "application/json; errors may be anything."
            )
        schema = member(content.get("application/json"), "schema")
        if schema is None:
            return
        resolved = target(self._document, schema)
        inside = f"{where}/application~1json/schema"
        branches = items(resolved, "oneOf")
        if branches:
            shapes = [target(self._document, branch) for branch in branches]
            pair = len(shapes) == 2 and shapes[0].get("type") == "array" and is_object(shapes[1])
            if not pair or not ("x-polymorphic-by" in operation or text(resolved, "x-collapse") == "list"):
                yield self._problem(
                    f"{inside}/oneOf",
                    "an answer with several shapes.",
                    "[list, object], with x-polymorphic-by on the call or x-collapse: list next to oneOf.",
                )
        elif is_object(resolved):
            if not schema_name(schema) and members(resolved, "properties"):
                yield self._problem(
                    inside,
                    "an object without a name.",
                    "a schema in components/schemas.yaml, and a $ref to it.",
                )
        elif resolved.get("type") == "array":
            if not schema_name(schema):
                yield from self._value(inside, schema)
        else:
            yield self._problem(
                inside,
                "an answer that is neither an object nor a list.",
                "the object or list that the exchange sends.",
            )

    def _circles(self) -> Iterator[Problem]:
        """Yield a problem for each model that holds itself through others: modules cannot import each other."""
        edges = {
            name: {found for found in _direct(schema) if found != name}
            for name, schema in members(self._document, "components", "schemas").items()
        }
        for name in edges:
            seen: set[str] = set()
            pending = set(edges[name])
            while pending:
                step = pending.pop()
                if step == name:
                    yield self._problem(
                        f"/components/schemas/{escape(name)}",
                        f"{name} holds itself through another schema.",
                        "a list of ids on one side.",
                    )
                    break
                if step not in seen:
                    seen.add(step)
                    pending |= edges.get(step, set())


def _direct(schema: Json) -> set[str]:
    return {name for ref in references(schema) if (name := schema_name({"$ref": ref}))}
