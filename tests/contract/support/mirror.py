"""Every answer that the document allows, every one that it forbids, and what a reader must make of them.

From a 200 schema and its samples: each member absent, at each edge, of each wrong type, unknown members and
values of tomorrow. Finite
and the same on every run.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from paydown_contract.document import Operation
from tests.contract.support.drive import python_name

Schema = Mapping[str, Any]

# The second is for texts that may be empty: no other tool may take them for decimals.
DECIMAL_FORMATS: Final = ("decimal", "decimal-or-empty")
RIGHT_DECIMALS: Final = (
    "0",
    "0.0",
    "0.00000000",
    "5",
    "35.9697141",
    "0.000000080",
    "0.00999992",
    "-1",
    "-0.5",
    "-0.00000001",
    "0.1",
    "0.10",
    "100000000000000000000000.000000000000000001",
    "99999999999999999999.99999999",
    "1.10",
    "-0",
    "0.30000000000000004",
    "9" * 28,
    "0." + "0" * 31 + "1",
)
# Not what the document promises, yet numbers: a server that prints decimals without care writes them so.
TOLERATED_DECIMALS: Final = ("0E-8", "1E-8", "1e5", "-1.50e-7", "0e0", "1.25E+3")
WRONG_DECIMALS: Final = (
    "",
    "abc",
    "1e",
    "E5",
    "1E--8",
    "1E+400",
    "1e50000000",
    "1e999999999999999999",
    "9E+28",
    "1E-33",
    "1" + "0" * 28,
    "0." + "0" * 32 + "1",
    "1" * 10_000,
    ".5",
    "5.",
    "+1",
    "١",
    "１",
    "NaN",
    "Infinity",
    "-",
    "1,0",
    " 1",
    "1 ",
    "0x1",
    "1_0",
    "--1",
    "1\n",
)
RIGHT_INTEGERS: Final = (
    0,
    1,
    -1,
    1636371437000,
    2**31,
    2**53,
    2**53 + 1,
    1352286576452864727,
    2**63 - 1,
    -(2**63),
)
WRONG_JSON: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    "",
    "1",
    "true",
    "null",
    1.5,
    [],
    ["1"],
    {},
    {"a": 1},
)


@dataclass(frozen=True, slots=True)
class Case:
    """One body and whether it must be read: because the document allows it, or although it does not."""

    label: str
    body: Any
    right: bool
    tolerated: bool = False


def shape(operation: Operation, sample: Any) -> Schema:
    """The part of the 200 schema that a sample belongs to."""
    schema = operation.success_schema()
    if "oneOf" not in schema:
        return schema
    kind = "array" if isinstance(sample, list) else "object"
    found: Schema = next(part for part in schema["oneOf"] if part["type"] == kind)
    return found


def samples(operation: Operation) -> list[Any]:
    """The documented 200 bodies."""
    return [
        example["value"]
        for example in operation.responses["200"]["content"]["application/json"]["examples"].values()
    ]


def cases(operation: Operation) -> Iterator[Case]:
    """Every body worth answering with."""
    for number, sample in enumerate(samples(operation)):
        schema = shape(operation, sample)
        full = filled(schema, sample)
        yield Case(f"sample {number}", sample, right=True)
        yield Case(f"sample {number}, every member", full, right=True)
        yield from _inside(schema, full, f"sample {number}")
    for value in WRONG_JSON:
        kinds = {
            part.get("type") for part in operation.success_schema().get("oneOf", [operation.success_schema()])
        }
        if json_type(value) not in kinds:
            yield Case(f"the whole answer is {value!r}", value, right=False)


def event_cases(schema: Schema) -> Iterator[Case]:
    """Every body worth sending as an event of this schema; its name stays, since it decides which event it is."""
    for number, example in enumerate(schema["x-examples"].values()):
        sample = example["value"]
        full = filled(schema, sample)
        yield Case(f"sample {number}", sample, right=True)
        yield Case(f"sample {number}, every member", full, right=True)
        for case in _inside(schema, full, f"sample {number}"):
            if case.body.get("e", "") == sample["e"]:
                yield case


def filled(schema: Schema, sample: Any) -> Any:
    """The sample with every documented member, and at least one row in every list."""
    if schema.get("type") == "array":
        items = sample if sample else [None]
        return [filled(schema["items"], item) for item in items]
    if schema.get("type") == "object" and "properties" in schema:
        given = sample if isinstance(sample, dict) else {}
        return {
            **{name: filled(part, given.get(name)) for name, part in schema["properties"].items()},
            **{k: v for k, v in given.items() if k not in schema["properties"]},
        }
    return plain_value(schema) if sample is None else sample


def plain_value(schema: Schema) -> Any:
    """A right scalar."""
    kind = schema.get("type")
    if "x-open-enum" in schema:
        return schema["x-open-enum"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("format") in DECIMAL_FORMATS:
        return "1.5"
    return (
        {"integer": 7, "boolean": True, "string": "text", "array": [], "object": {}}[
            kind if isinstance(kind, str) else kind[0]
        ]
        if kind
        else "text"
    )


def _inside(schema: Schema, body: Any, where: str) -> Iterator[Case]:
    """Changes at every place of a body."""
    for path, part in places(schema, body):
        at = where + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        kind = part.get("type")
        if kind == "object":
            for name, inner in part.get("properties", {}).items():
                required = name in part.get("required", [])
                yield Case(f"{at}.{name} is missing", without(body, (*path, name)), right=not required)
                for value in wrong_values(inner):
                    yield Case(f"{at}.{name} is {value!r}", put(body, (*path, name), value), right=False)
                for value in right_values(inner):
                    yield Case(f"{at}.{name} is {value!r}", put(body, (*path, name), value), right=True)
                for value in tolerated_values(inner):
                    tolerated = put(body, (*path, name), value)
                    yield Case(f"{at}.{name} is {value!r}", tolerated, right=True, tolerated=True)
            if part.get("additionalProperties", True) is True:
                for extra in ("1", 1, None, True, [1, "2"], {"nested": {"a": [1]}}, 2**60, "币安人生"):
                    yield Case(
                        f"{at} has a member of tomorrow: {extra!r}",
                        put(body, (*path, "tomorrowsMember"), extra),
                        right=True,
                    )
                    yield Case(
                        f"{at} has a member of Python: {extra!r}",
                        put(body, (*path, "class"), extra),
                        right=True,
                    )
            optional = [name for name in part.get("properties", {}) if name not in part.get("required", [])]
            bare = body
            for name in optional:
                bare = without(bare, (*path, name))
            yield Case(f"{at} with required members only", bare, right=True)
        elif kind == "array":
            rows = read(body, path)
            yield Case(f"{at} is empty", put(body, path, []), right=True)
            yield Case(
                f"{at} has two rows",
                put(body, path, [*rows, copy.deepcopy(rows[0])] if rows else []),
                right=True,
            )
            yield Case(
                f"{at} has fifty rows",
                put(body, path, [copy.deepcopy(rows[0]) for _ in range(50)] if rows else []),
                right=True,
            )
            if rows:
                for value in WRONG_JSON:
                    if not allows(part["items"], value):
                        yield Case(f"{at} has a row {value!r}", put(body, path, [*rows, value]), right=False)


def places(schema: Schema, body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Schema]]:
    """Every object and list of a body with the schema that describes it."""
    if schema.get("type") == "object":
        yield path, schema
        for name, part in schema.get("properties", {}).items():
            if isinstance(body, dict) and name in body:
                yield from places(part, body[name], (*path, name))
    elif schema.get("type") == "array":
        yield path, schema
        if isinstance(body, list) and body:
            yield from places(schema["items"], body[0], (*path, 0))


def right_values(schema: Schema) -> Iterator[Any]:
    """Every edge of what a member may be."""
    if "x-open-enum" in schema:
        yield from (*schema["x-open-enum"], "TOMORROW_VALUE", "lower", "with blank", "", "币安人生")
    elif "const" in schema:
        yield schema["const"]
    elif schema.get("format") in DECIMAL_FORMATS:
        yield from (text for text in RIGHT_DECIMALS if may_be_negative(schema) or not text.startswith("-"))
        if schema.get("x-empty"):
            yield ""
        if isinstance(schema.get("type"), list) and "number" in schema["type"]:
            yield from (
                Number("1.69248805"),
                Number("60"),
                Number("0.1"),
                Number("0.00000001"),
                Number("0.10"),
                Number("99999999999999999999.99999999"),
                0,
                60,
            )
            if may_be_negative(schema):
                yield -1
    elif schema.get("type") == "integer":
        low, high = (schema.get(name) for name in ("minimum", "maximum"))
        yield from (number for number in RIGHT_INTEGERS if in_span(number, low, high))
        yield from (bound for bound in (low, high) if bound is not None)
    elif schema.get("type") == "boolean":
        yield from (True, False)
    elif schema.get("type") == "string":
        yield from ("", "BNB", "币安人生", "a" * 1000, '"quoted"', "null")


def wrong_values(schema: Schema) -> Iterator[Any]:
    """Every JSON type that a member is not, and every wrong text of a decimal."""
    for value in WRONG_JSON:
        if not allows(schema, value):
            yield value
    if schema.get("format") in DECIMAL_FORMATS:
        for text in WRONG_DECIMALS:
            if not (text == "" and schema.get("x-empty")):
                yield text
        if not may_be_negative(schema):
            yield from ("-1", "-0.00000001", "-1E-8")
        if isinstance(schema.get("type"), list) and "number" in schema["type"]:
            yield from (Number("1E+400"), Number("1e50000000"), Number("1E-33"), 10**28, 10**4000)
    if schema.get("type") == "integer":
        low, high = (schema.get(name) for name in ("minimum", "maximum"))
        yield from (2**63, -(2**63) - 1, 10**19, Number("1.0"), Number("1E3"), "1636371437000")
        yield from (number for number in RIGHT_INTEGERS if not in_span(number, low, high))
        yield from (bound + step for bound, step in ((low, -1), (high, 1)) if bound is not None)
    if "const" in schema:
        yield from (schema["const"] + "x", schema["const"].upper() + "X")


def tolerated_values(schema: Schema) -> Iterator[Any]:
    """What the document does not promise and a reader takes all the same."""
    if schema.get("format") in DECIMAL_FORMATS:
        yield from (
            text for text in TOLERATED_DECIMALS if may_be_negative(schema) or not text.startswith("-")
        )


def may_be_negative(schema: Schema) -> bool:
    """Whether a decimal may be less than nothing."""
    return "minimum" not in schema.get("x-decimal", {})


def in_span(number: int, low: int | None, high: int | None) -> bool:
    """Whether a number lies between two bounds, of which each may be missing."""
    return (low is None or number >= low) and (high is None or number <= high)


def allows(schema: Schema, value: Any) -> bool:
    """Whether the document allows this JSON value at this place, as far as its type shows; enums are open."""
    kinds = schema.get("type")
    if kinds is None:
        return True
    if "const" in schema:
        return bool(value == schema["const"])
    if json_type(value) not in ([kinds] if isinstance(kinds, str) else kinds) and not (
        json_type(value) == "integer" and "number" in kinds
    ):
        return False
    if schema.get("format") in DECIMAL_FORMATS and isinstance(value, str):
        text = value
        return (text == "" and bool(schema.get("x-empty"))) or (
            is_decimal(text) and (may_be_negative(schema) or not text.startswith("-"))
        )
    if schema.get("format") in DECIMAL_FORMATS and not may_be_negative(schema):
        return bool(value >= 0)
    if json_type(value) == "integer":
        return in_span(value, schema.get("minimum"), schema.get("maximum"))
    if schema.get("type") == "object":
        return not schema.get("required") and all(
            allows(part, value[name]) for name, part in schema.get("properties", {}).items() if name in value
        )
    if schema.get("type") == "array":
        return all(allows(schema["items"], item) for item in value)
    return True


def is_decimal(text: str) -> bool:
    """Plain digits, one point at most with digits on both sides, an optional minus."""
    whole, point, fraction = text.removeprefix("-").partition(".")
    return all(part.isascii() and part.isdigit() for part in ((whole, fraction) if point else (whole,)))


def json_type(value: Any) -> str:
    """The JSON Schema name of a value's type."""
    if isinstance(value, Number):
        return "number"
    if value is None:
        return "null"
    return {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}[
        type(value)
    ]


class Number(Decimal):
    """A JSON number with its digits, as they stand on the wire."""

    def __repr__(self) -> str:
        return f"number {self}"


def dump(value: Any) -> str:
    """JSON text in which a `Number` keeps its digits."""
    import json

    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{dump(item)}" for key, item in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(dump(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def read(body: Any, path: Sequence[Any]) -> Any:
    """The value at a place."""
    for step in path:
        body = body[step]
    return body


def put(body: Any, path: Sequence[Any], value: Any) -> Any:
    """A copy of the body with another value at a place."""
    if not path:
        return value
    changed = copy.deepcopy(body)
    read(changed, path[:-1])[path[-1]] = value
    return changed


def without(body: Any, path: Sequence[Any]) -> Any:
    """A copy of the body without the member at a place."""
    changed = copy.deepcopy(body)
    read(changed, path[:-1]).pop(path[-1], None)
    return changed


# --------------------------------------------------------------------------------- what a reader must see


def disagreement(schema: Schema, body: Any, seen: Any, at: str = "answer") -> str | None:
    """Return where a Python object differs from the JSON it was read from, or None."""
    kind = schema.get("type")
    if kind == "object" and schema.get("properties"):
        for name, part in schema["properties"].items():
            mine = part.get("x-python-name") or python_name(name)
            attribute = getattr(seen, mine, MISSING)
            if attribute is MISSING:
                return f"{at}.{mine} does not exist"
            if name not in body:
                if attribute is not None:
                    return f"{at}.{name} was absent and reads {attribute!r}"
                continue
            if (found := disagreement(part, body[name], attribute, f"{at}.{name}")) is not None:
                return found
        extra = {name: value for name, value in body.items() if name not in schema["properties"]}
        return (
            None
            if same(extra, dict(seen.additional))
            else f"{at}: unknown members {extra!r} were kept as {dict(seen.additional)!r}"
        )
    if kind == "object":
        return None
    if kind == "array":
        if not isinstance(seen, list | tuple) or len(seen) != len(body):
            return f"{at} has {len(body)} items and reads {seen!r:.80}"
        return next(
            (
                found
                for number, item in enumerate(body)
                if (found := disagreement(schema["items"], item, seen[number], f"{at}[{number}]"))
            ),
            None,
        )
    if "x-open-enum" in schema:
        ok = (
            seen == body
            and isinstance(seen, str)
            and getattr(seen, "value", None) == body
            and getattr(seen, "is_known", None) is (body in schema["x-open-enum"])
        )
    elif schema.get("format") in DECIMAL_FORMATS:
        wanted = None if body == "" else Decimal(str(body))
        ok = (
            seen is None
            if wanted is None
            else isinstance(seen, Decimal) and seen.as_tuple() == wanted.as_tuple()
        )
    else:
        ok = seen == body and type(seen) is type(body)
    return None if ok else f"{at}: {body!r} reads {seen!r}"


class _Missing:
    pass


MISSING: Final = _Missing()


def same(one: Any, two: Any) -> bool:
    """Equality that holds 1, true and 1.0 for three values."""
    if isinstance(one, dict) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(same(value, two[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(two, list | tuple):
        return len(one) == len(two) and all(same(left, right) for left, right in zip(one, two, strict=True))
    if isinstance(one, Number | float):
        return isinstance(two, Decimal) and two == Decimal(str(one))
    return bool(one == two) and type(one) is type(two)


def rewritten(schema: Schema, body: Any, written: Any, at: str = "answer") -> str | None:
    """
    Where `to_json` does not give back what came, or None. Amounts may come back as text; nothing else may
    change.
    """
    kind = schema.get("type")
    if kind == "object" and isinstance(written, dict):
        # "" stands for "no value", as an absent member does.
        parts = schema.get("properties", {})
        empty = {name for name, value in body.items() if value == "" and parts.get(name, {}).get("x-empty")}
        if not body.keys() - empty <= written.keys() <= body.keys():
            return f"{at}: members {sorted(body)} came back as {sorted(written)}"
        for name, value in body.items():
            part = parts.get(name)
            if (
                part is not None
                and name in written
                and (found := rewritten(part, value, written[name], f"{at}.{name}"))
            ):
                return found
            if part is None and not same(value, written[name]):
                return f"{at}.{name}: {value!r} came back as {written[name]!r}"
        return None
    if kind == "array" and isinstance(written, list):
        if len(body) != len(written):
            return f"{at}: {len(body)} rows came back as {len(written)}"
        return next(
            (
                found
                for number, item in enumerate(body)
                if (found := rewritten(schema["items"], item, written[number], f"{at}[{number}]"))
            ),
            None,
        )
    if schema.get("format") in DECIMAL_FORMATS:
        exponent = isinstance(body, str) and "E" in body.upper()
        return (
            None
            if written == (format(Decimal(body), "f") if exponent or isinstance(body, Number) else str(body))
            else f"{at}: {body!r} came back as {written!r}"
        )
    return (
        None
        if body == written and type(body) is type(written)
        else f"{at}: {body!r} came back as {written!r}"
    )
