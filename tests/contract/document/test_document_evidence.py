"""The document against what was published and observed."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import pytest

from paydown_contract.document import Document, Operation
from paydown_contract.rules.schema_mismatch import schema_mismatch
from tests.contract.support import evidence
from tests.contract.support.keys import signing_key

ANSWERS = evidence.load("answers")
PROTOCOL = evidence.load("protocol")
CODES = evidence.load("error-codes")["rows"]
SIGNING = evidence.vectors("signing")

# How the JSON type of an answer field looks in the evidence.
_SHAPES: Mapping[str, Mapping[str, Any]] = {
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "text": {"type": "string"},
    "open-enum": {"type": "string"},
    "decimal": {"type": "string", "format": "decimal"},
    "decimal-or-empty": {"type": "string", "format": "decimal-or-empty", "x-empty": "not-given"},
    "decimal-or-number": {"type": ["string", "number"], "format": "decimal"},
    "texts": {"type": "array"},
    "rows": {"type": "array"},
}


def look(content: Any, at: str) -> Any:
    """The value at a slash-separated place."""
    for part in at.split("/"):
        content = content[int(part)] if isinstance(content, list) else content[part]
    return content


def objects(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The object schemas that an answer's outermost schema stands for."""
    for part in schema.get("oneOf", [schema]):
        yield part["items"] if part.get("type") == "array" else part


def test_every_operation_has_evidence(contract: Document) -> None:
    """
    Each operation stands in the catalogue of published endpoints or among the observations, and has its
    answer fields listed.
    """
    for operation in contract.operations:
        assert evidence.published(operation) or evidence.override(operation), operation.id
        assert evidence.label(operation) in ANSWERS["answers"], operation.id


def test_method_path_and_security_are_as_published(operation: Operation, contract: Document) -> None:
    """
    The security type is the printed one, and it signs exactly where the live interface wants a signature.
    """
    row, seen = evidence.published(operation), evidence.override(operation)
    security = seen.get("security") or (row or {})["security"]

    assert operation.facts["x-security-type"] == security
    if row is not None:
        assert operation.signed == row["signed"]
        if row.get("doc_url"):
            assert operation.facts["x-source"] == row["doc_url"]


def test_weights_are_as_published_or_measured(operation: Operation) -> None:
    """
    The charged weight is the printed one unless a measurement is known, and both labels are recorded as
    printed.
    """
    row, seen = evidence.published(operation), evidence.override(operation)
    weight = operation.facts["x-weight"]

    assert weight["value"] == seen.get("weight", (row or {"weight": {"value": None}})["weight"]["value"])
    for name, value in seen.get("weight_with", {}).items():
        assert [
            case["value"] for case in weight["when"] if case["parameter"] == name and case["present"]
        ] == [value]
    if row is not None:
        assert weight["label"]["docs"] == (row["weight"]["label_in_docs"] or "none").lower()
        assert weight["label"]["sdk"] == (row["weight"]["label_in_sdk"] or "none").lower()
        assert weight.get("observed") == row["weight"].get("observed") or "weight" in seen
    # A limit smaller than one call cannot be the one that counts it.
    assert weight["scope"] == ("account" if weight.get("budget") in ("orders", "sapi-uid-weight") else "ip")


def test_parameters_are_as_published(operation: Operation) -> None:
    """Same names, same need, same type and bounds as the catalogue prints."""
    row = evidence.published(operation)
    if row is None:
        return
    printed = {item["name"]: item for item in row["parameters"]}
    ours = {field.name: field for field in operation.fields if field.name != "signature"}

    assert set(ours) == set(printed)
    for name, item in printed.items():
        field, text = ours[name], item.get("constraint") or ""
        assert field.required == item["required"], name
        if item["type"] in ("LONG", "INT", "INTEGER"):
            assert field.schema["type"] == "integer", name
        elif item["type"] == "DECIMAL":
            assert field.schema["format"] == "decimal", name
        elif item["type"] in ("STRING", "ENUM"):
            assert field.schema["type"] in ("string", "array"), name
        for bound, keyword in (("max", "maximum"), ("default", "default"), ("min", "minimum")):
            match = re.search(rf"\b{bound}(?:imum)?\s+([0-9]+)\b(?! (?:days|months))", text)
            if match and field.schema["type"] == "integer":
                assert field.schema[keyword] == int(match[1]), f"{name} {bound}"


def test_writes_are_marked_as_writes(operation: Operation) -> None:
    """Whatever moves money or changes a setting is marked so, whatever its security type says."""
    assert operation.facts["x-mutates"] == (
        evidence.label(operation) in ANSWERS["writes"]["moves money or changes a setting"]
    )


def test_answer_fields_are_as_published(operation: Operation) -> None:
    """
    Answer objects have exactly the published members, of the published JSON types, and optional where one
    was missing.
    """
    known = ANSWERS["answers"][evidence.label(operation)]
    schema = operation.success_schema()
    parts = list(objects(schema))

    shape = schema.get("type") or "oneOf"
    if " without " in known["shape"]:
        assert {part["type"] for part in schema["oneOf"]} == {"array", "object"}
    else:
        assert shape == known["shape"] or {part.get("type") for part in schema.get("oneOf", [])} >= {
            known["shape"]
        }
    for part in parts:
        _compare(part, known["fields"], known)
        for name in known.get("absent", []):
            assert name not in part.get("required", []), f"{name} was missing in {known['absent_from']}"


def _compare(schema: Mapping[str, Any], fields: Mapping[str, str], known: Mapping[str, Any]) -> None:
    properties = schema.get("properties", {})
    assert set(properties) == set(fields)
    for name, kind in fields.items():
        field = properties[name]
        for keyword, value in _SHAPES[kind].items():
            assert field.get(keyword) == value, f"{name}: {keyword}"
        if kind in ("text", "open-enum"):
            assert field.get("format") in (None, "password"), name
        if kind == "decimal":
            assert "x-empty" not in field, name
        if kind == "integer":
            assert field.get("format") == "int64", name
        if kind == "open-enum":
            assert field["x-open-enum"] == known["enums"][name], name
            assert "enum" not in field, f"{name} must accept tomorrow's value"
        if kind == "texts":
            assert field["items"]["type"] == "string", name
        if kind == "rows":
            _compare(field["items"], known["rows" if name == "rows" else name], known)
        if name in known.get("units", {}):
            assert field["x-unit"] == known["units"][name], name
        if "time" in name.lower() and kind == "integer":
            assert field["x-unit"] == "ms", name


def test_published_samples_are_valid_answers(operation: Operation) -> None:
    """
    What a page printed or the wire carried fits the 200 schema, and its money is never read as an empty
    field.
    """
    validator = jsonschema_rs.Draft202012Validator(operation.success_schema())
    row = evidence.published(operation)
    samples = (
        [row["response_example"], *row.get("response_example_alternatives", [])]
        if row and row.get("response_example") is not None
        else []
    )
    samples += [
        sample["answer"] for sample in ANSWERS["samples"] if sample["operation"] == evidence.label(operation)
    ]

    assert samples
    for sample in samples:
        assert validator.is_valid(sample), sample


def test_the_documents_examples_are_the_published_ones(operation: Operation) -> None:
    """Where a page prints an answer, an example of the document is that answer, word for word."""
    row = evidence.published(operation)
    if row is None or row.get("response_example") is None:
        return
    examples = [
        example["value"]
        for example in operation.responses["200"]["content"]["application/json"]["examples"].values()
    ]

    for sample in [row["response_example"], *row.get("response_example_alternatives", [])]:
        assert sample in examples


def test_samples_lose_nothing_but_what_the_document_lets_go(operation: Operation) -> None:
    """
    An answer without a required member, or with a member of another type, is not valid: the schema has
    teeth.
    """
    validator = jsonschema_rs.Draft202012Validator(operation.success_schema())
    for example in operation.responses["200"]["content"]["application/json"]["examples"].values():
        sample = example["value"]
        row = sample[0] if isinstance(sample, list) and sample else sample
        part = next(
            (
                part
                for part in objects(operation.success_schema())
                if set(part.get("properties", {})) & set(row or {})
            ),
            None,
        )
        if not isinstance(row, dict) or part is None:
            continue
        for name in part.get("required", []):
            less = {key: value for key, value in row.items() if key != name}
            assert not validator.is_valid([less] if isinstance(sample, list) else less), name
        for name, value in row.items():
            wrong = {**row, name: {"an": "object"} if not isinstance(value, dict) else "text"}
            assert not validator.is_valid([wrong] if isinstance(sample, list) else wrong), name


def test_what_was_sent_live_is_a_valid_request(contract: Document) -> None:
    """The arguments of the published live calls are right values of their parameters."""
    for sample in ANSWERS["samples"]:
        method, path = sample["operation"].split()
        operation = contract.operation(method, path)
        if operation is None:
            continue
        for name, text in sample["sent"].items():
            field = operation.field(name)
            assert field is not None, name
            assert schema_mismatch(field.schema, text) is None, name


def test_caps_are_as_published(contract: Document) -> None:
    """The 50,000 USD of one repayment stand in the document, the limit included."""
    for cap in ANSWERS["caps"]:
        method, path = cap["operation"].split()
        operation = contract.operation(method, path)
        assert operation is not None
        found = [
            each
            for each in operation.facts["x-caps"]
            if all(each.get(key) == cap[key] for key in ("kind", "limit", "unit", "inclusive"))
        ]
        assert len(found) == 1, cap


@pytest.mark.parametrize(
    "fact",
    PROTOCOL["facts"],
    ids=[fact["at"].removeprefix("components/securitySchemes/") for fact in PROTOCOL["facts"]],
)
def test_the_protocol_is_as_published(fact: Mapping[str, Any], contract: Document) -> None:
    """Hosts, security types, signing, time and limits have the published values."""
    found = look(contract.content, fact["at"])
    assert (found, type(found)) == (fact["is"], type(fact["is"])), f"{fact['from']}, {fact['date']}"


def test_error_codes_are_as_published(contract: Document) -> None:
    """
    Each published code is in the table with the published name, status, outcome and advice, and the table
    holds no other.
    """
    ours = {(row.code, row.server): row for row in contract.errors}
    known = {(row["code"], row.get("server", "papi")): row for row in CODES}

    assert set(ours) == set(known)
    for key, row in known.items():
        mine = ours[key]
        if row["name"] is not None:
            assert mine.name == row["name"], key
        else:
            assert mine.facts["x-name-from"] == "ours", key
        assert list(mine.statuses) == row["http"], key
        assert mine.executed == row["executed"], key
        assert row["retry"] is None or mine.retry == row["retry"], key
        assert mine.facts["listed"] == row["listed"], key
        assert mine.facts["match"] == row["match"], key
        assert ("docs" in mine.facts["x-evidence"]) == (row["listed"] == "papi"), key


@pytest.mark.parametrize(
    "row",
    PROTOCOL["outcomes"],
    ids=[f"{row['status']} {row['code']} {row['msg'][:20]}" for row in PROTOCOL["outcomes"]],
)
def test_the_status_rules_read_as_published(row: Mapping[str, Any], contract: Document) -> None:
    """
    What may be concluded about a repayment from each published answer follows from the document's rules.
    """
    assert _executed(contract, row["status"], row["msg"], row["code"]) == row["executed"], (
        f"{row['from']}, {row['date']}"
    )


def _executed(contract: Document, status: int, msg: str, code: int | None) -> str:
    """The document's rules, read once more and on their own."""
    for rule in contract.content["x-status-outcomes"]:
        if rule["status"] not in (str(status), f"{status // 100}XX", "default"):
            continue
        if "text" in rule and rule["text"] != msg.strip():
            continue
        if "code" in rule and rule["code"] != code:
            continue
        if rule.get("body") == "empty" and msg:
            continue
        row = contract.error(code) if code is not None else None
        if rule.get("body") == "json-error" and (code is None or (code >= 0 and row is None)):
            continue
        if rule.get("body") == "html" and not msg.lower().startswith(("<html", "<!doctype html")):
            continue
        if row is not None and row.executed == "unknown" and code not in rule.get("overrides-codes", []):
            return "unknown"
        return str(rule["executed"])
    raise AssertionError("no rule matched")


@pytest.mark.parametrize("name", list(ANSWERS["values"]))
def test_values_are_right_and_wrong_as_observed(name: str, contract: Document) -> None:
    """Each scalar of the document accepts what was seen and refuses what nobody documents."""
    schema = _scalar(contract, name)
    for text in ANSWERS["values"][name]["right"]:
        assert schema_mismatch(schema, text) is None, repr(text)
    for text in ANSWERS["values"][name]["wrong"]:
        assert schema_mismatch(schema, text) is not None, repr(text)


def _scalar(contract: Document, name: str) -> Mapping[str, Any]:
    """The scalar schema of that name, found where it is used."""
    repay = contract.operation("POST", "/papi/v1/margin/repay-debt")
    balance = contract.operation("GET", "/papi/v1/balance")
    assert repay is not None
    assert balance is not None
    sent = {
        "Amount": "amount",
        "AssetName": "asset",
        "RecvWindow": "recvWindow",
        "RequestTime": "timestamp",
        "Signature": "signature",
    }
    if name in sent:
        field = repay.field(sent[name])
        assert field is not None
        return field.schema
    one = next(part for part in balance.success_schema()["oneOf"] if part["type"] == "object")
    found = one["properties"]["cmUnrealizedPNL" if name == "DecimalOrEmpty" else "crossMarginFree"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("vector", SIGNING["verifying"], ids=[row["id"] for row in SIGNING["verifying"]])
def test_published_vectors_verify(vector: Mapping[str, str]) -> None:
    """Our own verifier and signer agree with every published vector that is right."""
    key = signing_key(vector["key"])
    message = (vector["query"] + vector["body"]).encode("ascii")

    assert key.verifies(vector["signature"], message)
    assert key.sign(message) == vector["signature"]
    assert not key.verifies(vector["signature"], message + b"0")


@pytest.mark.parametrize(
    "vector", SIGNING["published_but_wrong"], ids=[row["where"] for row in SIGNING["published_but_wrong"]]
)
def test_broken_samples_stay_broken(vector: Mapping[str, str]) -> None:
    """The digests that the pages print wrongly do not verify, and the right ones do."""
    key = signing_key(vector["key"])
    assert not key.verifies(vector["printed"], vector["message"].encode("ascii"))
    assert key.verifies(vector["right"], vector["message"].encode("ascii"))
