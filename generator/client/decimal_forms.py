"""Decide in which form the exchange sends a decimal: as text, as text that may be empty, or as text or a number.

JSON numbers pass through a binary float in most parsers and lose digits there. The document therefore never has a
plain number; where the exchange sends one all the same, the schema lists both types, and the generated codec reads
either without a float.
"""

from __future__ import annotations

from collections.abc import Mapping

from generator.document.json_pointer import Json

# Form of a decimal, as a format that the parser keeps, and the kind of generated type that reads it.
DECIMAL_KINDS = {
    "decimal": "decimal",
    "decimal-or-empty": "decimal_or_empty",
    "decimal-text-or-number": "decimal_text_or_number",
}


def decimal_form(schema: Mapping[str, Json]) -> str | None:
    """Return the form in which a schema sends a decimal, a key of `DECIMAL_KINDS`, or None for anything else.

    The checks refuse every list of types but `[string, number]` with the format `decimal`, and those with null.

    Args:
        schema: A schema of a validated document, without null.
    """
    if isinstance(schema.get("type"), list):
        return "decimal-text-or-number"
    if schema.get("type") == "string" and "x-empty" in schema:
        return "decimal-or-empty"
    return "decimal" if schema.get("type") == "string" and schema.get("format") == "decimal" else None
