"""Everything in the document that a run can touch, keyword by keyword.

A target is one line of text about one operation and one side: `asset.maxLength: above`, `answers 429`,
`200.rows.asset`. The client is asked for what is right only, since it refuses the rest before anything leaves; the
exchange is asked for both.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from paydown_contract.document import Document, Field, Operation
from paydown_contract.rules.schema_mismatch import schema_mismatch

Schema = Mapping[str, Any]
CLIENT: Final = "client"
EXCHANGE: Final = "exchange"
SIDES: Final = (CLIENT, EXCHANGE)

# Keywords of request schemas whose edges are counted: name, the edge inside, the edge outside, and the step to it.
_BOUNDS: Final = (
    ("minimum", "below", -1),
    ("maximum", "above", 1),
    ("minLength", "below", -1),
    ("maxLength", "above", 1),
    ("minItems", "below", -1),
    ("maxItems", "above", 1),
)


def kind_of(target: str) -> str:
    """Which group of the report a target is counted in."""
    if target.startswith("answers "):
        return "statuses"
    if target.startswith("code "):
        return "error codes"
    if re.match(r"\d", target):
        return "answer fields"
    keyword = target.partition(":")[0].rpartition(".")[2]
    return {
        "present": "parameters",
        "absent": "parameters",
        "required": "required",
        "enum": "choices",
        "pattern": "patterns",
        "type": "patterns",
    }.get(keyword, "bounds")


KINDS: Final = (
    "parameters",
    "required",
    "bounds",
    "choices",
    "patterns",
    "statuses",
    "error codes",
    "answer fields",
)


def targets(document: Document, operation: Operation, side: str) -> list[str]:
    """What a whole run must touch on one operation, on one side."""
    found: list[str] = []
    for field in operation.fields:
        found += [f"{field.name}.present"]
        if not field.required:
            found.append(f"{field.name}.absent")
        elif side == EXCHANGE:
            found.append(f"{field.name}.required: missing")
        wrong_too = side == EXCHANGE
        found += [item for item, right in _keywords(field.name, field.schema) if right or wrong_too]
    found += [f"answers {status}" for status in operation.responses]
    found += [f"code {code}" for code in _codes(document, operation, side)]
    for status, response in operation.responses.items():
        for media in response.get("content", {}).values():
            if status == "200":
                found += _members("200", media["schema"], absent=side == CLIENT)
        if side == EXCHANGE and status == "200":
            found += [
                f"200.headers.{name}"
                for name, header in response.get("headers", {}).items()
                if "weight" in str(header.get("x-limit", ""))
            ]
    return list(dict.fromkeys(found))


def _codes(document: Document, operation: Operation, side: str) -> list[int]:
    """The client reads the whole table; the exchange answers what the document names for this call."""
    if side == CLIENT:
        return [row.code for row in document.errors]
    found = [row["code"] for row in operation.facts.get("x-known-errors", [])]
    found += [
        question["sandbox-answer"]["code"]
        for question in operation.facts.get("x-undocumented", [])
        if "code" in question.get("sandbox-answer", {})
    ]
    coded: Mapping[str, int] = document.signing["error-codes"]
    if operation.api_key:
        found += [coded["key-format"], coded["key"]]
    if operation.signed:
        found += [coded["time"], coded["signature"], coded["missing"]]
    return list(dict.fromkeys(found))


def _keywords(prefix: str, schema: Schema) -> Iterator[tuple[str, bool]]:
    """(target, whether a right value touches it) for every keyword of a request schema."""
    for keyword, outside, _ in _BOUNDS:
        if keyword in schema:
            yield f"{prefix}.{keyword}: at", True
            if not (keyword == "minItems" and schema[keyword] <= 1):  # no text stands for an empty list
                yield f"{prefix}.{keyword}: {outside}", False
    for value in schema.get("enum", ()):
        yield f"{prefix}.enum: {value}", True
    if "enum" in schema:
        yield f"{prefix}.enum: another", False
    if "pattern" in schema:
        yield f"{prefix}.pattern: fits", True
        yield f"{prefix}.pattern: broken", False
    if schema.get("type") == "integer":
        yield f"{prefix}.type: no integer", False
    for value in schema.get("x-excludes", ()):
        yield f"{prefix}.x-excludes: {value}", False
    rules = schema.get("x-decimal", {})
    for keyword in ("max-fraction-digits", "max-integer-digits"):
        if keyword in rules:
            yield f"{prefix}.{keyword}: at", True
            yield f"{prefix}.{keyword}: above", False
    if "exclusive-minimum" in rules:
        yield f"{prefix}.exclusive-minimum: at", False
        yield f"{prefix}.exclusive-minimum: just above", True
    if schema.get("uniqueItems"):
        yield f"{prefix}.uniqueItems: broken", False
    if "items" in schema:
        yield from _keywords(f"{prefix}.items", schema["items"])


@lru_cache(maxsize=200_000)
def _touched(operation_id: str, field: "_Cached", text: str) -> tuple[tuple[str, ...], bool]:
    return tuple(_touches(field.name, field.schema, text)), schema_mismatch(field.schema, text) is None


class _Cached:
    """A field that can be a key of a cache: equal to itself alone."""

    def __init__(self, field: Field) -> None:
        self.name = field.name
        self.schema = field.schema


_CACHED: dict[tuple[str, str], _Cached] = {}


def touched(operation: Operation, field: Field, text: str) -> tuple[tuple[str, ...], bool]:
    """The targets that the wire text of one parameter touches, and whether it is a right value."""
    key = (operation.id, field.name)
    cached = _CACHED.get(key) or _CACHED.setdefault(key, _Cached(field))
    return _touched(operation.id, cached, text)


def _touches(prefix: str, schema: Schema, text: str) -> Iterator[str]:
    right = schema_mismatch(schema, text) is None
    kind = schema.get("type")
    items = text.split(",") if kind == "array" and text else []
    integer = int(text) if kind == "integer" and re.fullmatch(r"-?[0-9]{1,30}", text) else None
    measures = {"Length": len(text), "Items": len(items), "imum": integer}
    for keyword, outside, step in _BOUNDS:
        size = measures[keyword[3:]]
        if keyword not in schema or size is None:
            continue
        if size == schema[keyword] and right:
            yield f"{prefix}.{keyword}: at"
        elif size == schema[keyword] + step and not right:
            yield f"{prefix}.{keyword}: {outside}"
    if "enum" in schema:
        yield f"{prefix}.enum: {text if text in schema['enum'] else 'another'}"
    if "pattern" in schema:
        yield f"{prefix}.pattern: {'fits' if right else 'broken'}"
    if kind == "integer" and integer is None:
        yield f"{prefix}.type: no integer"
    if text in schema.get("x-excludes", ()):
        yield f"{prefix}.x-excludes: {text}"
    yield from _decimal_touches(prefix, schema.get("x-decimal", {}), text, right=right)
    if schema.get("uniqueItems") and len(items) != len(set(items)):
        yield f"{prefix}.uniqueItems: broken"
    for item in items:
        yield from _touches(f"{prefix}.items", schema["items"], item)


def _decimal_touches(prefix: str, rules: Schema, text: str, *, right: bool) -> Iterator[str]:
    match = re.fullmatch(r"([0-9]+)(?:\.([0-9]+))?", text)
    if not rules or match is None:
        return
    for keyword, digits in (("max-integer-digits", match[1]), ("max-fraction-digits", match[2] or "")):
        if keyword in rules and len(digits) == int(rules[keyword]) and right:
            yield f"{prefix}.{keyword}: at"
        elif keyword in rules and len(digits) == int(rules[keyword]) + 1 and not right:
            yield f"{prefix}.{keyword}: above"
    if "exclusive-minimum" in rules:
        if not text.strip("0."):
            yield f"{prefix}.exclusive-minimum: at"
        elif right and text == "0." + "0" * (int(rules.get("max-fraction-digits", 8)) - 1) + "1":
            yield f"{prefix}.exclusive-minimum: just above"


def _members(where: str, schema: Schema, *, absent: bool) -> Iterator[str]:
    """Every member of an answer; with `absent`, every optional one missing, and every known open choice."""
    for part in schema.get("oneOf", ()):
        yield from _members(where, part, absent=absent)
    if schema.get("type") == "array":
        yield from _members(where, schema["items"], absent=absent)
    for name, part in schema.get("properties", {}).items():
        yield f"{where}.{name}"
        if absent and name not in schema.get("required", ()):
            yield f"{where}.{name}: absent"
        if absent:
            for value in part.get("x-open-enum", ()):
                yield f"{where}.{name}: {value}"
        yield from _members(f"{where}.{name}", part, absent=absent)


def read_members(where: str, schema: Schema, body: Any) -> Iterator[str]:
    """The members that one answer shows."""
    for part in schema.get("oneOf", ()):
        if part.get("type") == ("array" if isinstance(body, list) else "object"):
            yield from read_members(where, part, body)
    if schema.get("type") == "array" and isinstance(body, list):
        for row in body[:20]:
            yield from read_members(where, schema["items"], row)
    if not isinstance(body, dict):
        return
    for name, part in schema.get("properties", {}).items():
        if name not in body:
            yield f"{where}.{name}: absent"
            continue
        yield f"{where}.{name}"
        if isinstance(body[name], str) and body[name] in part.get("x-open-enum", ()):
            yield f"{where}.{name}: {body[name]}"
        yield from read_members(f"{where}.{name}", part, body[name])
