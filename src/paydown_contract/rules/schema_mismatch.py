"""Find why a text is no value of a parameter's schema."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a text is no value of a schema: the kind of breach, which decides the error code, and the reason in words."""

    kind: str
    reason: str


def schema_mismatch(schema: Mapping[str, Any], text: str) -> Mismatch | None:
    """Return why a text is no value of a schema, or None if it is one.

    Args:
        schema: The schema of a parameter.
        text: The decoded value as text; items of an array are joined with commas.
    """
    kind = schema.get("type")
    if text in schema.get("x-excludes", ()):
        return Mismatch("asset", "excluded by name")
    if kind == "array":
        return _list_mismatch(schema, text.split(","))
    if kind == "integer":
        if not is_plain_integer(text):
            return Mismatch("malformed", "not a plain integer")
        number = int(text)
        if number < schema.get("minimum", number) or number > schema.get("maximum", number):
            return Mismatch("malformed", "outside minimum and maximum")
        return None
    if kind == "boolean":
        return None if text in ("true", "false") else Mismatch("malformed", "neither true nor false")
    return _text_mismatch(schema, text)


def _text_mismatch(schema: Mapping[str, Any], text: str) -> Mismatch | None:
    kind = "malformed"
    if schema.get("format") == "decimal":
        kind = _decimal_kind(schema, text)
    elif schema.get("x-unit") is None and "enum" not in schema:
        kind = "asset"
    if "enum" in schema and text not in schema["enum"]:
        return Mismatch(kind, f"not one of {schema['enum']}")
    if not schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)):
        return Mismatch(kind, "too short or too long")
    if "pattern" in schema and _pattern(schema["pattern"]).fullmatch(text) is None:
        return Mismatch(kind, "does not match the pattern")
    rules = schema.get("x-decimal", {})
    if rules and Decimal(text) <= Decimal(rules.get("exclusive-minimum", "-1")):
        return Mismatch("positive", "not above the minimum")
    return None


def _decimal_kind(schema: Mapping[str, Any], text: str) -> str:
    digits = schema.get("x-decimal", {}).get("max-fraction-digits")
    if digits is not None and re.fullmatch(rf"[0-9]+\.[0-9]{{{int(digits) + 1},}}", text):
        return "precision"
    return (
        "positive"
        if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) and (text.startswith("-") or not text.strip("0."))
        else "malformed"
    )


def _list_mismatch(schema: Mapping[str, Any], items: Sequence[str]) -> Mismatch | None:
    if not schema.get("minItems", 0) <= len(items) <= schema.get("maxItems", len(items)):
        return Mismatch("malformed", "too few or too many items")
    if schema.get("uniqueItems") and len(set(items)) != len(items):
        return Mismatch("malformed", "an item twice")
    return next(filter(None, (schema_mismatch(schema["items"], item) for item in items)), None)


def is_plain_integer(text: str) -> bool:
    """Return True if the text is an integer in ASCII digits without plus sign and leading zeros."""
    return re.fullmatch(r"0|-?[1-9][0-9]*", text) is not None


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
