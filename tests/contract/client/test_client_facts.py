"""The generated client's data against the document, fact by fact, without sending anything."""

import asyncio
import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

import pytest

import paydown_wire
from paydown_contract.document import Document, Field, Operation
from paydown_wire import error_codes, operations, resources
from paydown_wire.operation import UNSET
from tests.contract.support import drive

_KINDS = {"integer": "integer", "array": "string_list", "boolean": "boolean_text"}


def plain(value: Any) -> Any:
    """Dataclasses as dicts, tuples as lists, mappings as dicts."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def expected_parameter(field: Field) -> dict[str, Any]:
    """What the client must know about a field, worked out from its schema."""
    schema = field.schema
    inner = schema["items"] if field.is_list else schema
    if drive.is_boolean_text(field):
        kind = "boolean_text"
    elif "enum" in schema:
        kind = "enum"
    elif schema.get("format") == "decimal":
        kind = "decimal"
    else:
        kind = _KINDS.get(schema["type"], "string")
    return {
        "name": field.name,
        "python_name": drive.python_name(field.name),
        "in_": field.place,
        "kind": kind,
        "required": field.required,
        "minimum": schema.get("minimum"),
        "maximum": schema.get("maximum"),
        "exclusive_minimum": schema.get("x-decimal", {}).get("exclusive-minimum"),
        "max_integer_digits": schema.get("x-decimal", {}).get("max-integer-digits"),
        "max_fraction_digits": schema.get("x-decimal", {}).get("max-fraction-digits"),
        "min_length": inner.get("minLength"),
        "max_length": inner.get("maxLength"),
        "pattern": inner.get("pattern"),
        "choices": list(schema.get("enum", [])) if kind == "enum" else [],
        "unit": schema.get("x-unit", ""),
        "excludes": list(schema.get("x-excludes", [])),
        "min_items": schema.get("minItems"),
        "max_items": schema.get("maxItems"),
        "unique_items": bool(schema.get("uniqueItems")),
    }


def test_the_client_has_exactly_the_documents_operations(contract: Document) -> None:
    """Every operation of the document is there under its id, and no other."""
    assert sorted(operations.ALL_OPERATIONS) == sorted(operation.id for operation in contract.operations)
    assert all(key == value.id for key, value in operations.ALL_OPERATIONS.items())


def test_an_operation_knows_what_the_document_says(operation: Operation, contract: Document) -> None:
    """Method, path, host, security, weight, timeouts, caps, success rules and scope are the document's."""
    ours = plain(operations.ALL_OPERATIONS[operation.id])
    facts = operation.facts
    timeout = facts.get("x-timeout", contract.content["x-default-timeout"])
    weight = facts["x-weight"]

    assert ours["name"] == f"{facts['tags'][0]}.{facts['x-method-name']}"
    assert ours["method"] == operation.method
    assert ours["path"] == operation.path
    assert ours["server"] == facts.get("x-server", "papi")
    assert ours["security_type"] == facts["x-security-type"]
    assert ours["api_key"] is operation.api_key
    assert ours["signed"] is operation.signed
    assert ours["mutates"] is facts["x-mutates"]
    assert ours["connect_timeout_s"] == timeout["connect-ms"] / 1000
    assert ours["answer_timeout_s"] == timeout["answer-ms"] / 1000
    assert ours["provenance"] == facts["x-evidence"]
    assert ours["source"] == facts["x-source"]
    assert ours["weight"]["value"] == weight["value"]
    assert ours["weight"]["scope"] == weight["scope"]
    assert ours["weight"]["budget"] == weight.get("budget", "ip-weight")
    assert ours["weight"]["observed"] == weight.get("observed")
    assert ours["weight"]["when"] == [
        {key: case[key] for key in ("parameter", "present", "value")} for case in weight.get("when", [])
    ]
    assert ours["unresolved_scope"] == facts.get("x-unresolved-scope")
    assert [{key: value for key, value in rule.items() if value is not None} for rule in ours["success"]] == [
        {key.replace("-", "_"): value for key, value in rule.items()} for rule in facts.get("x-success", [])
    ]
    assert [type(rule["equals"]) for rule in ours["success"]] == [
        type(rule.get("equals")) for rule in facts.get("x-success", [])
    ]
    assert [
        (cap["id"], cap["kind"], cap["limit"], cap["unit"], cap["inclusive"], cap["interval_ms"])
        for cap in ours["caps"]
    ] == [
        (cap["id"], cap["kind"], cap["limit"], cap["unit"], cap["inclusive"], cap.get("interval-ms"))
        for cap in facts.get("x-caps", [])
    ]


def test_parameters_know_what_the_document_says(operation: Operation) -> None:
    """
    Names, places, kinds, bounds, patterns and order of the parameters are the document's, the scheme's own
    left out.
    """
    ours = [plain(parameter) for parameter in operations.ALL_OPERATIONS[operation.id].parameters]
    for parameter in ours:
        assert parameter.pop("description")
    theirs = [expected_parameter(field) for field in drive.own_fields(operation)]

    assert [item["name"] for item in ours] == [item["name"] for item in theirs]
    for mine, wanted in zip(ours, theirs, strict=True):
        assert {key: mine[key] for key in wanted} == wanted


def test_pagination_knows_what_the_document_says(operation: Operation) -> None:
    """Page, size, window and order of a list are the document's."""
    ours, facts = (
        plain(operations.ALL_OPERATIONS[operation.id].pagination),
        operation.facts.get("x-pagination"),
    )
    if facts is None:
        assert ours is None
        return
    expected = {key.replace("-", "_"): value for key, value in facts.items()}
    for inner in ("window", "archive"):
        if inner in expected:
            expected[inner] = {
                key.replace("-", "_"): value
                for key, value in expected[inner].items()
                if not key.startswith("x-")
            }
    for key, value in expected.items():
        if isinstance(value, dict):
            assert {name: item for name, item in ours[key].items() if item is not None} == value, key
        else:
            assert ours[key] == value, key
    assert {key for key, value in ours.items() if value is not None} == set(expected)


def test_methods_take_the_documents_parameters(operation: Operation) -> None:
    """
    Keyword-only arguments in document order, optional ones unset by default, recv_window on signed calls
    only.
    """
    tag = operation.facts["tags"][0]
    names = [drive.python_name(field.name) for field in drive.own_fields(operation)]
    required = {drive.python_name(field.name) for field in drive.own_fields(operation) if field.required}
    for prefix in ("", "Async"):
        resource = getattr(resources, f"{prefix}{tag.title().replace('_', '')}Resource")
        method = getattr(resource, operation.facts["x-method-name"])
        parameters = [item for name, item in inspect.signature(method).parameters.items() if name != "self"]

        assert [item.name for item in parameters] == names + (["recv_window"] if operation.signed else [])
        assert all(item.kind is inspect.Parameter.KEYWORD_ONLY for item in parameters)
        for item in parameters:
            assert item.default is (inspect.Parameter.empty if item.name in required else UNSET), item.name
        assert method.__doc__


def carries_something(operation: Operation) -> bool:
    """Whether a 200 has anything to hand to the caller."""
    schema = operation.success_schema()
    return schema.get("type") != "object" or bool(schema.get("properties"))


class Recorder:
    """A sender that notes what a resource hands over."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, dict[str, object], Any]] = []

    def send(self, operation: Any, arguments: Mapping[str, object], decode: Any) -> Any:
        """Note one call."""
        self.calls.append((operation, dict(arguments), decode))
        return "sent"

    def iterate(self, operation: Any, arguments: Mapping[str, object], decode_row: Any) -> Any:
        """Note one paged call."""
        self.calls.append((operation, dict(arguments), decode_row))
        return iter(())


class AsyncRecorder(Recorder):
    """The same for the awaited resources."""

    async def send(self, operation: Any, arguments: Mapping[str, object], decode: Any) -> Any:
        """Note one call."""
        return super().send(operation, arguments, decode)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_methods_hand_over_each_argument_under_its_wire_name(
    operation: Operation, asynchronous: bool
) -> None:
    """No argument is lost, renamed or exchanged on the way from the keyword to the wire name."""
    tag = operation.facts["tags"][0].title().replace("_", "")
    fields = drive.own_fields(operation)
    marks = {field.name: object() for field in fields} | (
        {"recvWindow": object()} if operation.signed else {}
    )
    subsets = [set(marks)] + [
        {field.name for field in fields if field.required} | {name}
        for name in [*marks, *[field.name for field in fields]]
    ]
    for subset in subsets:
        recorder = AsyncRecorder() if asynchronous else Recorder()
        resource = getattr(resources, f"{'Async' if asynchronous else ''}{tag}Resource")(recorder)
        result = getattr(resource, operation.facts["x-method-name"])(
            **{drive.python_name(name): mark for name, mark in marks.items() if name in subset}
        )
        if inspect.isawaitable(result):
            result = asyncio.run(_wait(result))

        assert result == ("sent" if carries_something(operation) else None)
        assert len(recorder.calls) == 1
        sent_operation, arguments, decode = recorder.calls[0]
        assert sent_operation is operations.ALL_OPERATIONS[operation.id]
        assert {name: value for name, value in arguments.items() if value is not UNSET} == {
            name: marks[name] for name in subset
        }
        assert set(arguments) <= set(marks)
        assert callable(decode)


async def _wait(awaitable: Any) -> Any:
    return await awaitable


def test_the_error_table_is_the_documents(contract: Document) -> None:
    """Row for row, column for column, in order."""
    ours = [plain(row) for row in error_codes.ERROR_CODES]
    theirs = [
        {
            "code": row.code,
            "name": row.name,
            "meaning": row.facts["meaning"],
            "executed": row.executed,
            "retry": row.retry,
            "category": row.category,
            "match": row.facts["match"],
            "http": list(row.statuses),
            "server": row.facts.get("server"),
            "listed": row.facts["listed"],
            "provenance": row.facts["x-evidence"],
        }
        for row in contract.errors
    ]
    assert ours == theirs


def test_the_status_rules_are_the_documents(contract: Document) -> None:
    """Rule for rule, in order, since the first match decides."""
    ours = [plain(rule) for rule in error_codes.STATUS_OUTCOMES]
    theirs = [
        {
            "status": rule["status"],
            "body": rule.get("body", "any"),
            "text": rule.get("text"),
            "code": rule.get("code"),
            "overrides_codes": rule.get("overrides-codes", []),
            "executed": rule["executed"],
            "category": rule["category"],
            "retry": rule["retry"],
            "provenance": rule["x-evidence"],
        }
        for rule in contract.content["x-status-outcomes"]
    ]
    assert ours == theirs


def test_limits_servers_and_clocks_are_the_documents(contract: Document) -> None:
    """Budgets, the ban, hosts and fallback clocks."""
    limits = {
        name: {
            "id": name,
            "limit": row["limit"],
            "interval_ms": row["interval-ms"],
            "per": row["per"],
            "header": row["header"],
            "counted_on_error": row["counted-on-error"],
            "per_endpoint": row.get("per-endpoint", False),
            "window": row["window-reading"],
            "provenance": row["x-evidence"],
        }
        for name, row in contract.content["x-limits"].items()
    }
    found = {name: plain(row) for name, row in error_codes.LIMITS.items()}
    servers = contract.content["x-servers"]

    assert {name: {key: row[key] for key in limits[name]} for name, row in found.items()} == limits
    assert dict(error_codes.SERVERS) == {name: servers[name]["url"] for name in ("papi", "sapi", "stream")}
    assert list(error_codes.CLOCKS) == [clock["url"] for clock in servers["clocks"]]
    assert dict(error_codes.PROVENANCE_MARKS) == contract.content["x-evidence-marks"]


def test_signing_facts_are_the_documents(contract: Document) -> None:
    """Header, payload, owned parameters, tolerances, bounds, codes and algorithms."""
    ours, theirs = plain(error_codes.SIGNING), contract.signing
    encoding = theirs["percent-encoding"]

    assert ours["api_key_header"] == contract.key_header
    assert ours["payload"] == theirs["payload"]
    assert ours["separator"] == theirs["separator"]
    assert ours["signature_parameter"] == theirs["signature"]["parameter"]
    assert ours["owned_parameters"] == theirs["owned-parameters"]
    assert ours["algorithms"] == {
        name: {
            "algorithm": row["algorithm"],
            "encoding": row["encoding"],
            "percent_encoded": row["percent-encoded"],
            "provenance": row["x-evidence"],
        }
        for name, row in theirs["algorithms"].items()
    }
    assert (ours["charset"], ours["unreserved"], ours["hex_case"]) == (
        encoding["charset"],
        encoding["unreserved"],
        encoding["hex-case"],
    )
    assert ours["future_tolerance_ms"] == theirs["timestamp"]["future-tolerance-ms"]
    assert ours["default_recv_window_ms"] == theirs["recv-window"]["default"]
    assert ours["maximum_recv_window_ms"] == theirs["recv-window"]["maximum"]
    codes = theirs["error-codes"]
    assert (ours["time_code"], ours["signature_code"], ours["key_format_code"], ours["key_code"]) == (
        codes["time"],
        codes["signature"],
        codes["key-format"],
        codes["key"],
    )


def test_a_code_is_found_on_its_server(contract: Document) -> None:
    """Every number, of either sign, on every server, leads to the document's row or to none."""
    numbers = {sign * row.code for row in contract.errors for sign in (1, -1)} | {
        0,
        1,
        -1,
        51000,
        -51000,
        200,
        400,
    }
    for server in ("papi", "sapi"):
        for number in sorted(numbers):
            rows = [
                row
                for row in contract.errors
                if (row.code == number or (row.absolute and abs(row.code) == abs(number)))
                and row.facts.get("server") in (None, server)
            ]
            found = error_codes.find_error_code(number, server)
            assert (
                (found and (found.code, found.name)) == (rows[0].code, rows[0].name if rows else None)
                if rows
                else found is None
            ), number


def test_open_enums_are_the_documents(contract: Document) -> None:
    """
    Each open enum has the document's values under the document's name, and keeps a value that it does not
    know.
    """
    listed: dict[str, list[str]] = {}

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "x-open-enum" in node and "x-enum-name" in node:
                listed[node["x-enum-name"]] = node["x-open-enum"]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(contract.content)
    assert listed
    for name, values in listed.items():
        enum = getattr(paydown_wire, name)
        assert [member.value for member in enum] == values, name
        assert all(enum(value).is_known for value in values)
        tomorrow = enum("TOMORROW_1")
        assert (tomorrow, tomorrow.value, tomorrow.is_known) == ("TOMORROW_1", "TOMORROW_1", False)
        assert isinstance(tomorrow, enum)
        assert [member.value for member in enum] == values  # asking for a stranger does not make it known
