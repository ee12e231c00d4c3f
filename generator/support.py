"""Refuse schemas that the generator would have to guess at.

A schema is judged by where it stands: an answer must stay open, a request must stay closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .bundle import Bundle
from .problem import Problem
from .schema import (
    METHODS,
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
from .source import Json, escape

_KEYWORDS = frozenset(
    [
        "$ref",
        "type",
        "format",
        "title",
        "description",
        "default",
        "const",
        "enum",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "items",
        "minItems",
        "maxItems",
        "uniqueItems",
        "required",
        "properties",
        "additionalProperties",
        "oneOf",
        "discriminator",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "externalDocs",
        "$comment",
    ]
)
_REMEDIES = {
    "allOf": "the members themselves, in one named schema.",
    "anyOf": "oneOf with a discriminator, or one schema that covers all.",
    "not": "a pattern or an enum that says what is allowed.",
    "if": "a rule in words (x-rules), which the runtime checks.",
    "then": "a rule in words (x-rules), which the runtime checks.",
    "else": "a rule in words (x-rules), which the runtime checks.",
    "prefixItems": "an object with a name for each position, or items.",
    "patternProperties": "named properties; unknown ones are kept anyway.",
    "propertyNames": "named properties; unknown ones are kept anyway.",
    "$defs": "a schema of its own in components/schemas.yaml.",
    "nullable": 'type: [string, "null"], the spelling of OpenAPI 3.1.',
    "example": "examples: [...], the spelling of OpenAPI 3.1.",
    "multipleOf": "x-decimal: {max-fraction-digits: 8}, which needs no binary arithmetic.",
    "$dynamicRef": "a $ref.",
    "contains": "items.",
    "dependentRequired": "a rule in words (x-rules), which the runtime checks.",
}
_SCALARS = ("string", "integer", "boolean")
# Text that must never pass for a decimal, and text that must.
_NOT_DECIMALS = ("1e5", "NaN", "Infinity", "1_0", "+1", " 1", "1\n", "１", ".5", "5.", "")
_DECIMALS = ("0", "5", "0.10", "35.9697141", "0.000000080")


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


def unsupported(joined: Bundle) -> Iterator[Problem]:
    """Yield every place that says what the generator cannot say in Python."""
    yield from _Support(joined).problems()


class _Support:
    def __init__(self, joined: Bundle) -> None:
        self._joined = joined
        self._document = joined.document
        answered: set[str] = set()
        for _, schema in response_schema_pointers(self._document, successful=True):
            answered |= reachable(self._document, schema)
        used: set[str] = set()
        for _, operation in operations(self._document):
            used |= reachable(self._document, operation)
        self._answers = answered | (set(members(self._document, "components", "schemas")) - used)

    def problems(self) -> Iterator[Problem]:
        yield from self._paths()
        for pointer, schema in schemas(self._document):
            yield from self._keywords(pointer, schema)
        for name, component in members(self._document, "components", "schemas").items():
            pointer = f"/components/schemas/{escape(name)}"
            if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
                yield self._problem(
                    pointer,
                    f"{name} cannot become a class.",
                    "a name in PascalCase, such as RepayDebtResult.",
                )
            if name in self._answers:
                yield from self._component(pointer, component)
        for pointer, operation in operations(self._document):
            for status, response in members(operation, "responses").items():
                where = f"{pointer}/responses/{escape(status)}"
                if status.startswith("2"):
                    yield from self._answer(where, target(self._document, response), operation)
        yield from self._circles()

    def _problem(self, pointer: str, reason: str, remedy: str) -> Problem:
        return self._joined.problem(pointer, reason, remedy)

    # ------------------------------------------------------------------------------- paths

    def _paths(self) -> Iterator[Problem]:
        if not members(self._document, "paths"):
            yield self._problem(
                "/paths",
                "the document has no paths.",
                "paths: {/papi/v1/ping: {$ref: paths/market.yaml#/ping}}",
            )
        for path, item in members(self._document, "paths").items():
            pointer = f"/paths/{escape(path)}"
            if "{" in path:
                yield self._problem(
                    pointer,
                    "a path with a parameter in it.",
                    "a query parameter; no call of this API has one in its path.",
                )
            if isinstance(item, dict):
                if not any(method in item for method in METHODS):
                    yield self._problem(pointer, "the path has no call.", "get, post, put or delete.")
                if "parameters" in item:
                    yield self._problem(
                        f"{pointer}/parameters", "parameters of a whole path.", "the parameters of each call."
                    )
                for method in ("options", "head", "trace", "patch"):
                    if method in item:
                        yield self._problem(
                            f"{pointer}/{method}",
                            f"{method.upper()} is not part of the protocol.",
                            "get, post, put or delete.",
                        )

    # ------------------------------------------------------------------------------- schemas anywhere

    def _keywords(self, pointer: str, schema: Schema) -> Iterator[Problem]:
        for keyword in schema:
            if keyword not in _KEYWORDS and not keyword.startswith("x-"):
                remedy = _REMEDIES.get(keyword, f"one of: {', '.join(sorted(_KEYWORDS))}.")
                yield self._problem(
                    f"{pointer}/{escape(keyword)}", f"{keyword} is not supported: it would be lost.", remedy
                )
        for keyword in ("items", "additionalProperties"):
            if keyword == "items" and isinstance(schema.get(keyword), bool):
                yield self._problem(
                    f"{pointer}/items",
                    "items is true or false, which names no type.",
                    "items: {$ref: '#/Name'}",
                )
        for name, child in members(schema, "properties").items():
            if not isinstance(child, dict):
                yield self._problem(
                    f"{pointer}/properties/{escape(name)}",
                    "a property that is true or false names no type.",
                    f"{name}: {{type: string, description: ...}}",
                )
        if "const" in schema and not isinstance(schema["const"], str):
            yield self._problem(f"{pointer}/const", "a const that is not text.", "text, or leave it out.")
        if isinstance(schema.get("additionalProperties"), dict):
            yield self._problem(
                f"{pointer}/additionalProperties",
                "a map of values.",
                "additionalProperties: true (answers) or false (requests).",
            )
        yield from self._pattern(pointer, schema)
        yield from self._types(pointer, schema)

    def _types(self, pointer: str, schema: Schema) -> Iterator[Problem]:
        kind = schema.get("type")
        names = kind if isinstance(kind, list) else [kind]
        decimals = text(target(self._document, schema), "format") == "decimal"
        if "number" in names and not (decimals and set(names) == {"string", "number"}):
            yield self._problem(
                f"{pointer}/type",
                "a number, which would pass through a binary float.",
                "$ref DecimalText, or DecimalTextOrNumber where the exchange sends numbers.",
            )
        elif (
            isinstance(kind, list)
            and len(names) > 1
            and set(names) != {"string", "number"}
            and not (len(names) == 2 and "null" in names)
        ):
            yield self._problem(
                f"{pointer}/type",
                f"several types: {', '.join(map(str, names))}.",
                'one type, or that type and "null".',
            )
        if "integer" in names and text(schema, "format") not in ("int64", "int32"):
            yield self._problem(pointer, "an integer of unknown size.", "format: int64")
        enum = items(schema, "enum")
        if len({type(value) for value in enum}) > 1 or any(not isinstance(value, str) for value in enum):
            yield self._problem(f"{pointer}/enum", "values that are not all text.", "each value in quotes.")
        yield from self._enum_names(f"{pointer}/x-open-enum", texts(schema, "x-open-enum"))
        described = {**members(schema, "x-open-enum-descriptions"), **members(schema, "x-enum-descriptions")}
        for value in described:
            if value not in items(target(self._document, schema), "x-open-enum"):
                yield self._problem(
                    pointer,
                    f"{value} is described but not listed in x-open-enum.",
                    "the same values in both.",
                )

    def _enum_names(self, pointer: str, values: tuple[str, ...]) -> Iterator[Problem]:
        seen: dict[str, str] = {}
        for value in values:
            name = re.sub(r"[^A-Za-z0-9]+", "_", value).strip("_").upper()
            if not name or not name[0].isalpha():
                yield self._problem(
                    pointer,
                    f"{value!r} gives no name to an enum member.",
                    "plain text with x-evidence, not an enum.",
                )
            elif name in seen:
                yield self._problem(
                    pointer,
                    f"{seen[name]!r} and {value!r} would both be the enum member {name}.",
                    "plain text (no x-open-enum), and the values in the description.",
                )
            seen.setdefault(name, value)

    def _pattern(self, pointer: str, schema: Schema) -> Iterator[Problem]:
        pattern = text(schema, "pattern")
        if not pattern:
            return
        where = f"{pointer}/pattern"
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            yield self._problem(
                where, f"not a regular expression: {error}.", "one that Python, ECMA and Rust all understand."
            )
            return
        if not (pattern.startswith("^") and pattern.endswith("$")):
            yield self._problem(
                where, "a pattern that may match a part of the text.", f"^(...)$ around it: '^{pattern}$'"
            )
        if re.search(r"(?<!\\)(?:\\\\)*\\[dwsDWSbB]", pattern):
            yield self._problem(
                where,
                r"\d, \w, \s and \b mean other characters in other languages.",
                "[0-9], or the characters themselves.",
            )
        if text(schema, "format") == "decimal":
            wrong = [
                sample
                for sample in _NOT_DECIMALS
                if compiled.fullmatch(sample) and not (sample == "" and "x-empty" in schema)
            ]
            if wrong:
                yield self._problem(
                    where,
                    f"a decimal must not be {wrong[0]!r}.",
                    r"'^-?[0-9]+(\.[0-9]+)?$'; for the empty text use DecimalOrEmpty, with x-empty.",
                )

    # ------------------------------------------------------------------------------- answers

    def _component(self, pointer: str, schema: Json) -> Iterator[Problem]:
        """Judge a named schema that the exchange sends."""
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
        """Judge what a member, or an item of a list, may be."""
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
            told = target(self._document, {"$ref": ref})
            if name not in branches:
                yield self._problem(where, f"{name} is not a branch of oneOf.", "the same schemas in both.")
            elif member(target(self._document, member(told, "properties", tag)), "const") != value:
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
                    "[list, object], with x-polymorphic-by on the call or x-collapse: list beside oneOf.",
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
        """Yield models that hold each other: their modules could not import one another."""
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
