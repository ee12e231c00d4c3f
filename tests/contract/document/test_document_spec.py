"""The document against itself: nothing dangling, nothing missing, every sample true."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from paydown_contract import read_document
from paydown_contract.document import FORM, Document, Operation
from paydown_contract.rules.schema_mismatch import schema_mismatch
from tests.contract.support import facts
from tests.contract.support.evidence import vectors
from tests.contract.support.keys import signing_key
from tests.contract.support.places import BUNDLED, OPENAPI, ROOT

REFUSALS = {"400", "403", "418", "429", "503", "5XX"}


@cache
def root() -> Mapping[str, Any]:
    """The resolved document."""
    return read_document(OPENAPI).content


def walk(node: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every object of the document with its place."""
    if isinstance(node, dict):
        yield at, node
        for key, value in node.items():
            yield from walk(value, f"{at}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from walk(value, f"{at}/{number}")


def schemas(operation: Operation) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema that an operation mentions, inner ones too."""
    for at, node in walk(operation.facts):
        if at.endswith("/schema") or re.search(r"/(properties/[^/]+|items|oneOf/\d+|anyOf/\d+)$", at):
            yield at, node


def media(operation: Operation) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every media type object: of the request and of all answers."""
    for content in operation.facts.get("requestBody", {}).get("content", {}).items():
        yield f"request {content[0]}", content[1]
    for status, response in operation.responses.items():
        for name, content_object in response.get("content", {}).items():
            yield f"{status} {name}", content_object


def test_the_bundle_that_ships_says_what_the_sources_say(contract: Document) -> None:
    """
    Resolved by two programs that share no code, `openapi/` and the shipped openapi.json are the same
    document.
    """
    shipped = read_document(BUNDLED)

    assert {op.id for op in shipped.operations} == {op.id for op in contract.operations}
    for mine, theirs in zip(contract.operations, shipped.operations, strict=True):
        assert theirs.facts == mine.facts, mine.id
    extensions = {key for key in (*contract.content, *shipped.content) if key.startswith("x-")}
    extensions.discard("x-written-by")
    for key in (*sorted(extensions), "info", "servers", "tags", "openapi"):
        assert shipped.content.get(key) == contract.content.get(key), key
    for kind, components in contract.content["components"].items():
        for name, component in components.items():
            assert shipped.content["components"][kind][name] == component, f"{kind}/{name}"


def test_no_fact_changes_without_its_evidence() -> None:
    """
    Every fact of the document stands in the evidence ledger with the same value, and every ledger line in
    the document.
    """
    differences = facts.difference(facts.facts(), facts.recorded())

    assert not differences, (
        "facts changed; look at their source, then run `python -m tests.contract.support.facts --accept`:\n"
        + "\n".join(differences[:40])
    )


def test_operation_ids_and_method_names_are_unique(contract: Document) -> None:
    """No two operations share an id, and no two of one resource share a method name."""
    ids = Counter(operation.id for operation in contract.operations)
    names = Counter(
        (operation.facts["tags"][0], operation.facts["x-method-name"]) for operation in contract.operations
    )

    assert [key for key, count in [*ids.items(), *names.items()] if count > 1] == []


def test_an_operation_carries_every_fact(operation: Operation, contract: Document) -> None:
    """Security, weight, mutation, evidence, source and one known tag stand on every operation."""
    facts_of = operation.facts

    assert facts_of["x-security-type"] in contract.content["x-security-types"]
    assert isinstance(facts_of["x-mutates"], bool)
    assert facts_of["x-weight"]["value"] > 0
    assert facts_of["x-weight"].get("budget", "ip-weight") in contract.content["x-limits"]
    assert facts_of["x-weight"]["scope"] in ("ip", "account")
    assert facts_of["x-evidence"]
    assert facts_of["x-source"].startswith("https://developers.binance.com/docs/")
    assert facts_of["tags"]
    assert set(facts_of["tags"]) <= {tag["name"] for tag in contract.content["tags"]}
    assert re.fullmatch(r"[a-z][a-z_]*", facts_of["x-method-name"])
    assert re.fullmatch(r"[a-z][A-Za-z]*", operation.id)
    assert facts_of["summary"]
    assert facts_of["description"]


def test_evidence_marks_are_known_and_discrepancies_exist(operation: Operation, contract: Document) -> None:
    """Every mark is explained at the root, and every discrepancy number is one of the list."""
    marks = set(contract.content["x-evidence-marks"])
    for at, node in walk(operation.facts):
        for mark in node.get("x-evidence", []):
            assert mark in marks, f"{at}: {mark}"
        for number in node.get("x-discrepancy", []):
            assert 1 <= number <= 86, f"{at}: {number}"


def test_security_says_the_same_in_both_places(operation: Operation, contract: Document) -> None:
    """
    `security` names the key scheme exactly where the security type needs a key, and the scheme's parameters
    where it signs.
    """
    needs_key = contract.content["x-security-types"][operation.facts["x-security-type"]]["api-key"]
    names = {field.name for field in operation.fields}

    assert bool(operation.facts["security"]) is needs_key
    assert all(set(entry) == {"ApiKey"} for entry in operation.facts["security"])
    if operation.signed:
        assert {"timestamp", "signature"} <= {field.name for field in operation.fields if field.required}
        assert "recvWindow" in names
        assert operation.fields[-1].name == "signature"
    else:
        assert not names & {"timestamp", "recvWindow", "signature"}


def test_fields_travel_where_the_method_allows(operation: Operation) -> None:
    """
    GET sends everything in the query, a write models the form body, and nothing is in a path, header or
    cookie.
    """
    places = {field.place for field in operation.fields}
    assert places <= ({"body"} if operation.takes_form else {"query"})
    assert all(parameter["in"] == "query" for parameter in operation.facts.get("parameters", []))
    assert "{" not in operation.path
    if "body" in places:
        assert set(operation.facts["requestBody"]["content"]) == {FORM}
        assert operation.facts["requestBody"]["required"] is True
        schema = operation.facts["requestBody"]["content"][FORM]["schema"]
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        encoding = operation.facts["requestBody"]["content"][FORM].get("encoding", {})
        lists = {field.name for field in operation.fields if field.is_list}
        assert {name for name, how in encoding.items() if how == {"style": "form", "explode": False}} == lists
    for parameter in operation.facts.get("parameters", []):
        if parameter["schema"].get("type") == "array":
            assert parameter.get("explode") is False
    assert operation.path.startswith(
        "/papi/" if operation.facts.get("x-server", "papi") == "papi" else "/sapi/"
    )


def test_every_answer_is_described(operation: Operation) -> None:
    """
    200 and every refusal of the API is listed, 401 where a key is needed, with a schema or a plain body.
    """
    expected = {"200", *REFUSALS} | ({"401"} if operation.api_key else set())
    assert expected <= set(operation.responses)
    assert set(operation.responses) <= expected | {"404"}
    for status, response in operation.responses.items():
        assert response["description"], status
        assert response["content"], status
        for header, value in response.get("headers", {}).items():
            assert value["schema"]["type"] == "integer", header


def test_every_operation_has_a_sample_answer(operation: Operation) -> None:
    """The 200 answer has at least one example that carries its evidence."""
    examples = operation.responses["200"]["content"]["application/json"]["examples"]
    assert examples
    assert all(example["x-evidence"] for example in examples.values())


def test_samples_fit_their_schemas(operation: Operation) -> None:
    """Each example, of requests and of answers, is valid under the schema beside it."""
    seen = 0
    for where, content in media(operation):
        validator = jsonschema_rs.Draft202012Validator(content["schema"])
        for name, example in content.get("examples", {}).items():
            seen += 1
            errors = [error.message for error in validator.iter_errors(example["value"])]
            assert not errors, f"{where} {name}: {errors}"
    for field in operation.facts.get("parameters", []):
        for name, example in field.get("examples", {}).items():
            assert jsonschema_rs.Draft202012Validator(field["schema"]).is_valid(example["value"]), (
                f"{field['name']} {name}"
            )
    assert seen


def test_signed_samples_are_truly_signed(operation: Operation, contract: Document) -> None:
    """
    A request example of the document verifies under one of the published test keys, over the text that it
    stands for.
    """
    for where, content in media(operation):
        for name, example in content.get("examples", {}).items():
            if not where.startswith("request") or "signature" not in example["value"]:
                continue
            pairs = [
                (key, ",".join(value) if isinstance(value, list) else str(value))
                for key, value in example["value"].items()
                if key != "signature"
            ]
            from paydown_contract.requests import percent_encoding as wire

            message = wire.join(pairs)
            keys = [signing_key(key) for key in vectors("signing")["keys"]]
            assert any(key.verifies(example["value"]["signature"], message) for key in keys), (
                f"{where} {name}"
            )


def test_answers_are_open_and_money_is_text(operation: Operation) -> None:
    """Every object of an answer tolerates new members, and no number without bounds of exactness is money."""
    for status, response in operation.responses.items():
        for at, node in walk(response.get("content", {})):
            if node.get("type") == "object" and "properties" in node:
                assert node.get("additionalProperties") is True, f"{status}{at}"
            if node.get("type") == "number":
                raise AssertionError(f"{status}{at}: a bare number")


def test_integers_in_requests_have_both_bounds(operation: Operation) -> None:
    """A number that is sent has a minimum and a maximum, and a default between them."""
    for field in operation.fields:
        if field.schema.get("type") == "integer":
            assert (
                field.schema["minimum"]
                <= field.schema.get("default", field.schema["minimum"])
                <= field.schema["maximum"]
            ), field.name


def test_patterns_are_anchored_and_ascii(operation: Operation) -> None:
    """
    Patterns are written to be full matches and name their digits, since \\d means other characters
    elsewhere.
    """
    for at, schema in schemas(operation):
        pattern = schema.get("pattern")
        if pattern is not None:
            assert (pattern[0], pattern[-1]) == ("^", "$"), at
            assert not [name for name in ("\\d", "\\w", "\\s") if name in pattern], at
            re.compile(pattern)


def test_required_names_are_properties(operation: Operation) -> None:
    """`required` names nothing that is not there."""
    for at, schema in schemas(operation):
        assert set(schema.get("required", [])) <= set(schema.get("properties", {})), at


def test_parameters_and_fields_are_explained(operation: Operation) -> None:
    """Each parameter, body member and answer field has a description and evidence: they become docstrings."""
    for parameter in operation.facts.get("parameters", []):
        assert parameter["description"], parameter["name"]
        assert parameter["x-evidence"], parameter["name"]
    for at, schema in schemas(operation):
        for name, field in schema.get("properties", {}).items():
            assert field.get("description"), f"{at}/{name}"
            assert field.get("x-evidence"), f"{at}/{name}"


def test_the_error_table_is_complete(contract: Document) -> None:
    """Every row has all its columns, from closed lists, and no number stands twice for one server."""
    categories = {"request", "credentials", "clock", "rate-limit", "ban", "busy", "firewall", "wrong-host"}
    categories |= {"wrong-path", "funds", "account-state", "unknown"}
    for row in contract.errors:
        assert row.executed in ("no", "unknown"), row.code
        assert row.retry in ("never-blindly", "after-fixing-request", "yes-after-backoff"), row.code
        assert row.category in categories, row.code
        assert (row.executed == "unknown") == (row.retry == "never-blindly") == (row.category == "unknown"), (
            row.code
        )
        assert row.facts["match"] in ("exact", "absolute"), row.code
        assert row.absolute == (51000 <= abs(row.code) < 52000), row.code
        assert all(row.facts[column] for column in ("meaning", "msg", "x-evidence")), row.code
        assert row.facts["msg-from"] in ("docs", "ours"), row.code
        assert all(400 <= status < 600 for status in row.statuses), row.code
    assert [
        key for key, count in Counter((row.code, row.server) for row in contract.errors).items() if count > 1
    ] == []


def test_every_code_that_the_document_answers_is_in_the_table(contract: Document) -> None:
    """
    Codes of open questions, of the auth scheme, of parameter transport and of samples have a row that
    explains them.
    """
    used = set(contract.signing["error-codes"].values())
    used.add(contract.content["x-parameter-transport"]["duplicate-code"])
    for operation in contract.operations:
        for question in operation.facts.get("x-undocumented", []):
            if "sandbox-answer" in question:
                used.add(question["sandbox-answer"]["code"])
        for _, content in media(operation):
            used |= {
                example["value"]["code"]
                for example in content.get("examples", {}).values()
                if isinstance(example["value"], dict) and "code" in example["value"]
            }
    assert {code for code in used if contract.error(code) is None} == set()


def test_open_questions_are_whole(operation: Operation) -> None:
    """A question has a reading; a choice of the local exchange has a default that is one of its values."""
    for question in operation.facts.get("x-undocumented", []):
        assert question["question"].endswith("?"), question["id"]
        assert question["reading"], question["id"]
        if "sandbox-values" in question:
            assert question["sandbox-default"] in question["sandbox-values"], question["id"]
    ids = Counter(question["id"] for question in operation.facts.get("x-undocumented", []))
    assert [key for key, count in ids.items() if count > 1] == []


def test_the_status_rules_end_and_are_all_reachable(contract: Document) -> None:
    """The last rule catches everything, and no rule stands behind one that catches all it could."""
    rules = contract.content["x-status-outcomes"]
    assert rules[-1]["status"] == "default"
    plain = [rule["status"] for rule in rules if not {"text", "code", "body"} & set(rule)]
    assert len(plain) == len(set(plain))
    for number, rule in enumerate(rules):
        assert rule["executed"] in ("no", "unknown", "see-body"), number
        assert isinstance(rule["status"], str), number
        earlier = {
            before["status"] for before in rules[:number] if not {"text", "code", "body"} & set(before)
        }
        assert rule["status"] not in earlier, number


@pytest.mark.parametrize("name", ["Amount", "AssetName"])
def test_no_value_that_breaks_the_wire_is_right(name: str, contract: Document) -> None:
    """
    Blanks, controls, commas, ampersands and look-alike digits are wrong in every value that money depends
    on.
    """
    schema = next(
        field.schema if not field.is_list else field.schema["items"]
        for operation in contract.operations
        for field in operation.fields
        if (field.schema.get("format") == "decimal") == (name == "Amount")
        and field.schema.get("type") in ("string", "array")
        and field.name in ("amount", "asset")
    )
    for character in ",&=%+ \t\n\r\x00\x7f\u00a0\u2028\u200b":
        assert schema_mismatch(schema, f"1{character}1") is not None, repr(character)


def test_the_evidence_of_sources_is_there() -> None:
    """SOURCES.md explains where facts come from."""
    text = (ROOT / "openapi" / "SOURCES.md").read_text("utf-8")
    assert "repay-debt" in text
    assert "discrepanc" in text.lower()
