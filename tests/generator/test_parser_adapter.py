"""The parts of openapi-python-client that the adapter leans on, each held by a test of its own."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import pytest

from generator.client import parser_adapter, python_names
from generator.client.parser_adapter import ParserComplaint, parse
from generator.client.parser_document import transform
from generator.client.python_types import Type
from generator.document.json_pointer import Json
from generator.problems import GeneratorFault
from tests.generator.small_document import joined, small

GENERATOR = Path(parser_adapter.__file__).parents[1]


def document(schemas: dict[str, Json], responses: dict[str, Json] | None = None) -> dict[str, Json]:
    """Return a document for the parser with one call."""
    operation: dict[str, Json] = {
        "operationId": "readThing",
        "tags": ["t"],
        "parameters": [],
        "responses": responses or {},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "0"},
        "paths": {"/thing": {"get": operation}},
        "components": {"schemas": schemas},
    }


def model(**properties: Json) -> dict[str, Json]:
    """Return an object schema."""
    return {"type": "object", "properties": dict(properties)}


def field_type(schema: Json, **others: Json) -> Type:
    """Return the type that the adapter gives to a member with a schema."""
    parsed = parse(document({"Thing": model(member=schema), **others}))
    return parsed.models["Thing"].fields["member"].type


def test_another_version_of_the_parser_stops_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A version other than the pinned one is a fault that says what to install.
    """
    monkeypatch.setattr(parser_adapter, "version", lambda name: "0.30.0")

    with pytest.raises(GeneratorFault, match=r"openapi-python-client 0\.29\.1 is needed, found 0\.30\.0"):
        parser_adapter.check_pin()


def test_the_pin_is_what_is_installed_and_what_the_project_asks_for() -> None:
    """
    The installed parser is the pinned one, and pyproject.toml pins the same.
    """
    pyproject = (GENERATOR.parent / "pyproject.toml").read_text(encoding="utf-8")

    assert importlib.metadata.version("openapi-python-client") == parser_adapter.PINNED
    assert f"openapi-python-client=={parser_adapter.PINNED}" in pyproject


def test_only_the_adapter_imports_the_parser() -> None:
    """
    No other file of the generator, template or not, mentions a module of the parser.
    """
    users = {
        path.name
        for path in (*GENERATOR.rglob("*.py"), *GENERATOR.glob("templates/*"))
        if re.search(r"(import|from) openapi_python_client", path.read_text(encoding="utf-8"))
    }

    assert users == {"parser_adapter.py"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, Type("text")),
        ({"type": "integer"}, Type("integer")),
        ({"type": "boolean"}, Type("boolean")),
        ({"type": "string", "const": "x"}, Type("constant", name="x")),
        ({"type": "string", "format": "decimal"}, Type("decimal")),
        ({"type": "string", "format": "decimal-or-empty"}, Type("decimal_or_empty")),
        ({"type": "string", "format": "decimal-text-or-number"}, Type("decimal_text_or_number")),
        ({"type": "array", "items": {"type": "string"}}, Type("list", item=Type("text"))),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, Type("text", nullable=True)),
        (
            {"oneOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]},
            Type("decimal", nullable=True),
        ),
    ],
    ids=str,
)
def test_a_schema_becomes_its_type(schema: Json, expected: Type) -> None:
    """
    Each form that the transformation writes is read back as the type that was meant.
    """
    assert field_type(schema) == expected


def test_references_keep_the_names_of_models_and_enums() -> None:
    """
    A reference to an object or an enum is a type of that name, also below a list and next to null.
    """
    other: Json = model(a={"type": "string"})
    enum: Json = {"type": "string", "enum": ["A", "B"]}
    ref: Json = {"$ref": "#/components/schemas/Other"}

    assert field_type(ref, Other=other) == Type("model", name="Other")
    assert field_type({"type": "array", "items": ref}, Other=other) == Type(
        "list", item=Type("model", name="Other")
    )
    assert field_type({"oneOf": [ref, {"type": "null"}]}, Other=other) == Type(
        "model", name="Other", nullable=True
    )
    assert field_type(ref, Other=enum) == Type("enum", name="Other")


def test_decimal_formats_leave_no_trace_in_the_parser() -> None:
    """
    Outside the adapter the parser is as it was: its builder of string properties is put back.
    """
    from openapi_python_client.parser import properties

    before = properties._string_based_property  # pyright: ignore[reportPrivateUsage]  (it is what the adapter replaces)
    parse(document({"Thing": model(member={"type": "string", "format": "decimal"})}))

    assert properties._string_based_property is before  # pyright: ignore[reportPrivateUsage]


def test_python_names_follow_the_parser() -> None:
    """
    Names of members, arguments and calls are spelt by the parser's own rule, reserved words included.
    """
    assert python_names.python_name("crossMarginBorrowed") == "cross_margin_borrowed"
    assert python_names.python_name("uniMMR") == "uni_mmr"
    assert python_names.python_name("type") == "type_"
    assert python_names.python_name("id") == "id"
    assert python_names.module_name("RepayDebtResult") == "repay_debt_result"


@pytest.mark.parametrize(
    ("schemas", "complaint"),
    [
        ({"Thing": {"type": "string", "enum": ["a", "A"]}}, "Duplicate key"),
        ({"Thing": model(member={"$ref": "#/components/schemas/Nobody"})}, "Could not find reference"),
        ({"Thing": model(member={"type": "array"})}, "must have items"),
        ({"Thing": {"type": "string", "enum": ["A_B", "A-B"]}}, "1 values would be lost"),
        ({"Thing": model(member={"type": "number"})}, "FloatProperty has no Python type here"),
    ],
    ids=["values that collide", "lost reference", "list without items", "values that vanish", "binary float"],
)
def test_whatever_the_parser_would_leave_out_is_a_complaint(schemas: dict[str, Json], complaint: str) -> None:
    """
    A warning or a crash of the parser stops the run, and its words are kept.
    """
    with pytest.raises(ParserComplaint, match=complaint):
        parse(document(schemas))


def test_a_lost_operation_is_a_complaint() -> None:
    """
    An answer that the parser cannot read is not dropped in silence.
    """
    answer: Json = {
        "description": "",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Nobody"}}},
    }

    with pytest.raises(ParserComplaint, match=r"Cannot parse response .*Could not find") as caught:
        parse(document({}, {"200": answer}))

    assert "object at 0x" not in str(caught.value)


def test_every_operation_of_a_document_comes_back() -> None:
    """
    The parser gives back each operationId, with its arguments in Python.
    """
    parsed = parse(transform(joined(small()).document).document)

    assert sorted(parsed.operations) == ["accountBalance", "ping", "repayDebt", "repayRecords"]
    assert parsed.operations["repayDebt"].arguments == {
        "asset": "asset",
        "amount": "amount",
        "specifyRepayAssets": "specify_repay_assets",
        "side": "side",
    }
    assert parsed.operations["accountBalance"].results == (
        Type("list", item=Type("model", name="Balance")),
        Type("model", name="Balance"),
    )


def test_nothing_of_the_parser_leaves_the_adapter() -> None:
    """
    Everything parsed is built from text and our own dataclasses.
    """
    parsed = parse(transform(joined(small()).document).document)

    assert "openapi_python_client" not in repr(parsed)
    assert "UntrustedString" not in repr(parsed)
    assert all(type(name) is str for name in [*parsed.models, *parsed.enums, *parsed.operations])
