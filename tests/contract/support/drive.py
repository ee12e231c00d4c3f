"""From wire names and wire texts to a Python call, by rules of this suite's own.

The client's own tables are not asked: if they are wrong, they must not agree with themselves here.
"""

import builtins
import keyword
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from paydown_contract.document import Field, Operation

OWNED = ("timestamp", "signature")


def python_name(wire_name: str) -> str:
    """
    How a wire name is written as a keyword argument: snake case, and not a name that Python already has.
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", wire_name).lower()
    return name + "_" if keyword.iskeyword(name) or (hasattr(builtins, name) and name != "id") else name


def python_value(field: Field, text: str) -> Any:
    """The Python value that should go out as `text`: a list, an int, a bool, a Decimal or the text itself."""
    schema = field.schema
    if field.is_list:
        return text.split(",")
    if schema.get("type") == "integer":
        return int(text)
    if is_boolean_text(field):
        return text == "true"
    if schema.get("format") == "decimal":
        return Decimal(text)
    return text


def is_boolean_text(field: Field) -> bool:
    """Whether the wire text is one of `true` and `false`."""
    return set(field.schema.get("enum", ())) == {"true", "false"} or field.schema.get("type") == "boolean"


def arguments(operation: Operation, texts: Mapping[str, str]) -> dict[str, Any]:
    """Keyword arguments for the client's method from wire texts."""
    found: dict[str, Any] = {}
    for name, text in texts.items():
        field = operation.field(name)
        assert field is not None, name
        found[python_name(name)] = python_value(field, text)
    return found


def method(client: object, operation: Operation) -> Any:
    """The client's method for an operation: resource and name stand in the document."""
    return getattr(getattr(client, operation.facts["tags"][0]), operation.facts["x-method-name"])


def own_fields(operation: Operation) -> list[Field]:
    """The fields that a caller passes: all but those of the auth scheme."""
    return [field for field in operation.fields if field.name not in ("timestamp", "recvWindow", "signature")]
