"""The bundled OpenAPI document, read as data and compiled once at start.

The sandbox is built from the document and not from the client that the document also generates: a mistake in that
client cannot agree with itself here. So the file is located without running any code of the package that holds it,
and everything known about an operation (parameters, weight, security, error texts, what is undocumented) comes from
it.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

__all__ = [
    "Document",
    "DocumentError",
    "ErrorRow",
    "OperationFacts",
    "ParameterFacts",
    "Question",
    "TimeWindow",
    "WeightCase",
    "load_document",
]

Json = Any  # what json.loads returns; the accessors below check shapes where it matters

ParameterKind = Literal["string", "decimal", "integer", "string_list"]


class DocumentError(Exception):
    """The bundled document is missing, or the sandbox cannot serve it."""


@dataclass(frozen=True, slots=True)
class ParameterFacts:
    """One parameter of an operation, as it must look on the wire."""

    name: str
    kind: ParameterKind
    required: bool
    pattern: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool = False


@dataclass(frozen=True, slots=True)
class WeightCase:
    """The weight that applies when `parameter` is present (or absent)."""

    parameter: str
    present: bool
    value: int


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """The time window of a list of rows: its longest length, and its length without times. Milliseconds."""

    longest_ms: int
    default_ms: int


@dataclass(frozen=True, slots=True)
class Question:
    """Something the published pages leave open, and the option of the sandbox that answers it."""

    id: str
    operation: str
    question: str
    reading: str
    option: str | None = None
    default: str | None = None
    values: tuple[str, ...] = ()
    code: int | None = None
    http: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One error code: its number, its HTTP status and the text of the answer."""

    code: int
    name: str
    http: tuple[int, ...]
    msg: str
    category: str
    server: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def status(self) -> int | None:
        """Return the documented HTTP status, the first of several; `None` where the pages name none."""
        return self.http[0] if self.http else None


@dataclass(frozen=True, slots=True)
class OperationFacts:
    """Everything that the document states about one operation."""

    id: str
    method: str
    path: str
    server: str
    security_type: str
    api_key: bool
    signed: bool
    signature_tolerated: bool
    mutates: bool
    weight: int
    weight_budget: str
    weight_cases: tuple[WeightCase, ...]
    parameters: tuple[ParameterFacts, ...]
    value_cap_usd: Decimal | None
    rate_caps: tuple[tuple[str, int, int], ...]
    questions: tuple[Question, ...]
    window: TimeWindow | None
    default_size: int
    requires_any: tuple[str, ...]
    evidence: tuple[str, ...]
    source: str


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in cast(list[object], value)) if isinstance(value, list) else ()


def _integer(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


class Document:
    """The document, whose references can be resolved, with its facts compiled.

    Args:
        raw: The parsed OpenAPI document.

    Raises:
        DocumentError: It is of another version, or something in it cannot be served.
    """

    def __init__(self, raw: Mapping[str, Json]) -> None:
        if not str(raw.get("openapi", "")).startswith("3.1"):
            raise DocumentError("the bundled document is not OpenAPI 3.1")
        self.raw = raw
        types = cast(dict[str, dict[str, Json]], raw["x-security-types"])
        self._types = types
        self.operations = tuple(self._operations())
        self._errors = self._error_rows()
        self.signing = cast(dict[str, Json], raw["components"]["securitySchemes"]["ApiKey"]["x-signing"])
        self.limits = cast(dict[str, dict[str, Json]], raw["x-limits"])
        self.stream = cast(dict[str, Json], raw["x-stream"])

    def questions(self) -> Iterator[Question]:
        """Yield every open question of the document: those of the protocol, then operation by operation."""
        for entry in self.raw.get("x-undocumented", []):
            yield self._question("", entry)
        for operation in self.operations:
            yield from operation.questions

    def resolve(self, node: Json) -> dict[str, Json]:
        """Follow `$ref` inside the document; siblings of the reference win over its target.

        Raises:
            DocumentError: A reference leaves the document or leads back to itself.
        """
        merged: dict[str, Json] = {}
        current = node
        for _ in range(32):
            if not isinstance(current, dict):
                raise DocumentError(f"not an object where a schema belongs: {current!r:.80}")
            merged = {**current, **merged}
            reference = merged.pop("$ref", None)
            if reference is None:
                return merged
            if not isinstance(reference, str) or not reference.startswith("#/"):
                raise DocumentError(f"a reference leaves the bundled document: {reference!r:.80}")
            current = self.raw
            for part in reference[2:].split("/"):
                current = current[part.replace("~1", "/").replace("~0", "~")]
        raise DocumentError("references go round in a circle")

    # ------------------------------------------------------------------------- compiling

    def _operations(self) -> Iterator[OperationFacts]:
        for path, item in self.raw["paths"].items():
            for method in ("get", "post", "put", "delete"):
                if method in item:
                    yield self._operation(method.upper(), path, item[method])

    def _operation(self, method: str, path: str, node: dict[str, Json]) -> OperationFacts:
        security_type = str(node["x-security-type"])
        security = self._types[security_type]
        weight = node["x-weight"]
        caps = cast(list[dict[str, Json]], node.get("x-caps", []))
        value_cap = next((Decimal(str(cap["limit"])) for cap in caps if cap["kind"] == "value"), None)
        pagination: Json = node.get("x-pagination", {})
        window: Json = pagination.get("window", {})
        identity = str(node["operationId"])
        return OperationFacts(
            id=identity,
            method=method,
            path=path,
            server=str(node.get("x-server", "papi")),
            security_type=security_type,
            api_key=bool(security["api-key"]),
            signed=bool(security["signed"]),
            signature_tolerated=bool(security.get("signature-tolerated", False)),
            mutates=bool(node.get("x-mutates", False)),
            weight=int(weight["value"]),
            weight_budget=str(weight.get("budget", "ip-weight")),
            weight_cases=tuple(
                WeightCase(str(case["parameter"]), bool(case["present"]), int(case["value"]))
                for case in weight.get("when", [])
            ),
            parameters=tuple(self._parameters(node)),
            value_cap_usd=value_cap,
            rate_caps=tuple(
                (str(cap["id"]), int(str(cap["limit"])), int(cap["interval-ms"]))
                for cap in caps
                if cap["kind"] == "rate"
            ),
            questions=tuple(self._question(identity, entry) for entry in node.get("x-undocumented", [])),
            window=TimeWindow(int(window["max-ms"]), int(window.get("default-ms", window["max-ms"])))
            if window
            else None,
            default_size=int(pagination.get("default-size", 0)),
            requires_any=_strings(node.get("x-requires-any")),
            evidence=_strings(node.get("x-evidence")),
            source=str(node.get("x-source", "")),
        )

    def _question(self, operation: str, node: dict[str, Json]) -> Question:
        answer: Json = node.get("sandbox-answer", {})
        default = node.get("sandbox-default")
        return Question(
            id=str(node["id"]),
            operation=operation,
            question=str(node["question"]),
            reading=str(node["reading"]),
            option=node.get("sandbox-option"),
            default=None if default is None else str(default),
            values=_strings(node.get("sandbox-values")),
            code=_integer(answer.get("code")),
            http=_integer(answer.get("http")),
        )

    def _parameters(self, node: dict[str, Json]) -> Iterator[ParameterFacts]:
        for entry in node.get("parameters", []):
            parameter = self.resolve(entry)
            if parameter["in"] == "query":
                yield self._parameter(
                    str(parameter["name"]), bool(parameter.get("required", False)), parameter["schema"]
                )
        content: Json = self.resolve(node["requestBody"])["content"] if "requestBody" in node else {}
        form: Json = content.get("application/x-www-form-urlencoded")
        if form is not None:
            schema = self.resolve(form["schema"])
            required = _strings(schema.get("required"))
            for name, member in schema.get("properties", {}).items():
                yield self._parameter(str(name), name in required, member)

    def _parameter(self, name: str, required: bool, node: Json) -> ParameterFacts:
        schema = self.resolve(node)
        kind: ParameterKind
        if schema["type"] == "integer":
            kind = "integer"
        elif schema["type"] == "array":
            kind = "string_list"
        elif schema.get("format") == "decimal":
            kind = "decimal"
        elif schema["type"] == "string":
            kind = "string"
        else:
            raise DocumentError(f"parameter {name}: type {schema['type']!r} is not served here")
        items = self.resolve(schema["items"]) if kind == "string_list" else schema
        return ParameterFacts(
            name=name,
            kind=kind,
            required=required,
            pattern=items.get("pattern"),
            minimum=_integer(schema.get("minimum")),
            maximum=_integer(schema.get("maximum")),
            min_length=_integer(items.get("minLength")),
            max_length=_integer(items.get("maxLength")),
            choices=_strings(items.get("enum")),
            min_items=_integer(schema.get("minItems")),
            max_items=_integer(schema.get("maxItems")),
            unique_items=bool(schema.get("uniqueItems", False)),
        )

    def _error_rows(self) -> dict[tuple[int, str | None], ErrorRow]:
        rows: dict[tuple[int, str | None], ErrorRow] = {}
        for node in cast(list[dict[str, Json]], self.raw["x-error-codes"]):
            row = ErrorRow(
                code=int(node["code"]),
                name=str(node["name"]),
                http=tuple(int(status) for status in node["http"]),
                msg=str(node["msg"]),
                category=str(node["category"]),
                server=node.get("server"),
                extra={key: str(text) for key, text in node.items() if key.startswith("msg-")},
            )
            rows[row.code, row.server] = row
        return rows

    def error(self, code: int, server: str = "papi") -> ErrorRow:
        """Return the row of an error code; the number -4047 means two things on two servers.

        Args:
            code: The number, which is negative.
            server: "papi" or "sapi".

        Raises:
            KeyError: No such code.
        """
        return self._errors.get((code, server)) or self._errors[code, None]

    def error_codes(self, server: str = "papi") -> frozenset[int]:
        """Return every code that has a row for this server."""
        return frozenset(code for code, of in self._errors if of in (None, server))


def load_document(path: Path | None = None) -> Document:
    """Return the bundled document, which is read once, or read another file.

    Args:
        path: A file to read instead of the one that lies in the installed package.

    Raises:
        DocumentError: There is no such file, or it cannot be served.
    """
    return _bundled() if path is None else _read(path)


@lru_cache(maxsize=1)
def _bundled() -> Document:
    # find_spec of a top-level package locates it and runs none of its code.
    spec = importlib.util.find_spec("paydown_wire")
    if spec is None or not spec.submodule_search_locations:
        raise DocumentError("the package paydown_wire, which holds openapi.json, is not installed")
    return _read(Path(next(iter(spec.submodule_search_locations))) / "openapi.json")


def _read(path: Path) -> Document:
    try:
        raw = json.loads(path.read_bytes())
    except OSError as error:
        raise DocumentError(f"the bundled document cannot be read: {error.strerror}") from None
    except ValueError:
        raise DocumentError("the bundled document is not JSON") from None
    try:
        return Document(raw)
    except (KeyError, TypeError) as error:
        raise DocumentError(
            f"the bundled document lacks something that the sandbox needs: {error!r}"
        ) from error
