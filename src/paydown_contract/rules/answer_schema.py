"""Check the form of an answer: status, content type, headers and body, by the schemas of the document."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs

from paydown_contract.bounded_reader import answer_json
from paydown_contract.document import Operation
from paydown_contract.json_types import is_list, is_object
from paydown_contract.rules.answer_body import PLAIN_DECIMAL, Answer


class AnswerSchema:
    """Checks the answers of one operation against its documented responses."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self._validators: dict[tuple[int, str], jsonschema_rs.Draft202012Validator] = {}

    def described(self, status: int) -> Mapping[str, Any] | None:
        """Return the documented response for a status; None if the document has none."""
        responses = self.operation.responses
        return responses.get(str(status)) or responses.get(f"{status // 100}XX")

    def violations(self, answer: Answer) -> Iterator[tuple[str, str]]:
        """Yield clause and symptom of everything that is wrong with status, content type, headers and body."""
        where = f"{self.operation.id}: responses.{answer.status}"
        response = self.described(answer.status)
        if response is None:
            yield f"{self.operation.id}: responses", f"status {answer.status} is not documented"
            return
        headers = [(name.lower(), value) for name, value in answer.headers]
        types = [value for name, value in headers if name == "content-type"]
        media = types[0].split(";")[0].strip().lower() if types else ""
        content = response.get("content", {}).get(media)
        if content is None:
            yield f"{where}.content", f"content type {media or 'missing'} is not documented"
            return
        for name, header in response.get("headers", {}).items():
            values = [value for key, value in headers if key == name.lower()]
            if not values and header.get("x-limit") in ("ip-weight", "sapi-ip-weight"):
                yield f"{where}.headers.{name}", "the header is missing"
            elif values and not all(value.isascii() and value.isdigit() for value in values):
                yield f"{where}.headers.{name}", f"{values[0]!r} is no {header['schema']['type']}"
        if media == "application/json":
            yield from self._body(where, answer, content["schema"])

    def _body(self, where: str, answer: Answer, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        clause = f"{where}.content.application/json"
        try:
            body: Any = answer_json(answer.body)
        except ValueError:
            yield clause, "the body is not JSON, or deeper than any answer"
            return
        part = part_for(schema, body)
        key = (answer.status, "" if part is schema else type(body).__name__)
        schema = part
        validator = self._validators.get(key)
        if validator is None:
            validator = self._validators[key] = jsonschema_rs.Draft202012Validator(dict(schema))
        for error in validator.iter_errors(body):
            at = "/".join(str(step) for step in error.instance_path if not isinstance(step, int))
            yield f"{clause}.schema", f"{at + ': ' if at else ''}{_without_values(error.message)}"
            return
        yield from (
            (f"{clause}.schema", f"{name}: not a decimal in plain digits")
            for name in sorted(set(_wrong_decimals(schema, body, "")))
        )


def part_for(schema: Mapping[str, Any], body: Any) -> Mapping[str, Any]:
    """Choose the alternative of a `oneOf` that a body is meant to be, so that a symptom names the wrong member.

    Args:
        schema: A schema, with alternatives or without.
        body: The parsed JSON; a list chooses the array, anything else the object.
    """
    kind = "array" if isinstance(body, list) else "object"
    parts: Sequence[Mapping[str, Any]] = schema.get("oneOf", ())
    return next((part for part in parts if part.get("type") == kind), schema)


def _without_values(message: str) -> str:
    """Cut the value out of a long message, so that one mistake has one symptom with all values."""
    return message if len(message) <= 120 else message[:40] + " … " + message[-60:]


def _wrong_decimals(schema: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
    """Yield the paths of texts that must be decimals and are none, which JSON Schema itself does not check."""
    schema = part_for(schema, value)
    if is_list(value) and "items" in schema:
        for item in value:
            yield from _wrong_decimals(schema["items"], item, where)
    elif is_object(value):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield from _wrong_decimals(part, value[name], f"{where}.{name}".lstrip("."))
    elif isinstance(value, str):
        kind = str(schema.get("format", ""))
        empty_allowed = kind == "decimal-or-empty" and value == ""
        if kind.startswith("decimal") and not empty_allowed and PLAIN_DECIMAL.fullmatch(value) is None:
            yield where
