"""Refuse paths and schemas that the generator cannot express in Python and would lose without a word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.document.bundle import Bundle
from generator.document.json_pointer import escape
from generator.document.schema_queries import METHODS, Schema, items, members, target, text, texts
from generator.document.schema_walk import schemas
from generator.problems import Problem

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
    "not": "a pattern or an enum of what is allowed.",
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
# Texts that the pattern of a decimal must not match.
_NOT_DECIMALS = ("1e5", "NaN", "Infinity", "1_0", "+1", " 1", "1\n", "１", ".5", "5.", "")


def unsupported(joined: Bundle) -> Iterator[Problem]:
    """Yield a problem for each path or schema that the generator cannot express in Python."""
    yield from _Support(joined).problems()


class _Support:
    def __init__(self, joined: Bundle) -> None:
        self._joined = joined
        self._document = joined.document

    def problems(self) -> Iterator[Problem]:
        yield from self._paths()
        for pointer, schema in schemas(self._document):
            yield from self._keywords(pointer, schema)
        for name in members(self._document, "components", "schemas"):
            pointer = f"/components/schemas/{escape(name)}"
            if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
                yield self._problem(
                    pointer,
                    f"{name} cannot become a class.",
                    "a name in PascalCase, such as RepayDebtResult.",
                )

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
                    "/paths",
                    f"the path {path} has a parameter in it.",
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
        if text(schema, "format") == "decimal" or "x-empty" in schema:
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
