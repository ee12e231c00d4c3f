"""
What the client makes of each answer: every body that the document allows is read without loss, every one
that it forbids is a typed failure, and a write is never called done on an answer that cannot be read.
"""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import pytest

from paydown.errors import OutcomeUnknown, ReadFailed
from paydown_contract.document import Document, Operation
from paydown_contract.requests.raw_request import Request
from tests.contract.client.test_client_requests import right_texts
from tests.contract.support import drive, mirror
from tests.contract.support.client import Bench, Reply, confirming
from tests.contract.support.keys import signing_key


class Reader:
    """Calls one operation and answers with a body of the test's choosing."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.body = ""
        self.bench = Bench(signing_key("S1"), self.answer)

    def answer(self, request: Request) -> Reply:
        """Give the chosen body."""
        return 200, {"content-type": "application/json;charset=UTF-8"}, self.body.encode("utf-8")

    def call(self, body: Any, texts: Mapping[str, str]) -> Any:
        """Call, and return what the method returns."""
        return self.call_with(mirror.dump(body), texts)

    def call_with(self, body: str, texts: Mapping[str, str]) -> Any:
        """The same with a body that is already text."""
        self.body = body
        client = self.bench.client
        try:
            return drive.method(client, self.operation)(**drive.arguments(self.operation, texts))
        finally:
            for attempt in client.unresolved:
                client.settle(attempt.id, executed=True)


def texts_for(operation: Operation, body: Any) -> dict[str, str]:
    """Arguments that fit an answer: an array comes without the argument that makes the answer one object."""
    texts = right_texts(operation, optional=True)
    by = operation.facts.get("x-polymorphic-by")
    if by and isinstance(body, list):
        del texts[by]
    return texts


def confirms(operation: Operation, body: Any, texts: Mapping[str, str]) -> bool:
    """Whether the document's success rules hold for a body."""
    for rule in operation.facts.get("x-success", []):
        if not isinstance(body, dict) or rule["field"] not in body:
            return False
        value = body[rule["field"]]
        if "equals" in rule and not mirror.same(rule["equals"], value):
            return False
        if "equals-argument" in rule and value != texts.get(rule["equals-argument"]):
            return False
        if "type" in rule and mirror.json_type(value) != rule["type"]:
            return False
    return True


def with_asset(operation: Operation, texts: dict[str, str], body: Any) -> dict[str, str]:
    """Arguments that the sample echoes, so that the sample confirms them."""
    for rule in operation.facts.get("x-success", []):
        name = rule.get("equals-argument")
        if (
            name
            and isinstance(body, dict)
            and isinstance(body.get(rule["field"]), str)
            and body[rule["field"]].isascii()
            and body[rule["field"]]
        ):
            texts = {**texts, name: body[rule["field"]].upper()}
    return texts


def test_every_allowed_answer_is_read_without_loss_and_every_other_is_refused(
    operation: Operation, contract: Document
) -> None:
    """
    Each body of the mirror: an allowed one gives an object that says exactly what the JSON said and writes it
    back; a forbidden one is `ReadFailed` for a read and `OutcomeUnknown` for a write.
    """
    reader = Reader(operation)
    validator = jsonschema_rs.Draft202012Validator(operation.success_schema())
    counted = {True: 0, False: 0}
    for case in mirror.cases(operation):
        sample_texts = texts_for(operation, case.body if isinstance(case.body, list | dict) else None)
        texts = with_asset(operation, sample_texts, mirror.samples(operation)[0])
        known = not case.tolerated and not has_numbers(case.body)
        if isinstance(case.body, dict | list) and known and "2**63" not in case.label:
            assert validator.is_valid(case.body) in (case.right, True), (
                f"the mirror is wrong about {case.label}"
            )
        expected = case.right and confirms(operation, case.body, texts)
        counted[expected] += 1
        if expected:
            result = reader.call(case.body, texts)
            problem = judge_result(operation, case.body, result)
            assert problem is None, f"{case.label}: {problem}"
        else:
            failure: type[Exception] = OutcomeUnknown if operation.facts["x-mutates"] else ReadFailed
            with pytest.raises(failure) as caught:
                reader.call(case.body, texts)
            assert caught.value.status == 200, case.label  # type: ignore[attr-defined]  # both classes have it
    if operation.success_schema().get("properties") != {} and "properties" in operation.success_schema():
        assert counted[True] >= 10, counted
        assert counted[False] >= 10, counted


def has_numbers(body: Any) -> bool:
    """Whether a body holds a JSON number that is kept with its digits."""
    if isinstance(body, dict):
        return any(has_numbers(value) for value in body.values())
    if isinstance(body, list):
        return any(has_numbers(value) for value in body)
    return isinstance(body, mirror.Number) or (isinstance(body, int) and not -(2**63) <= body < 2**63)


def judge_result(operation: Operation, body: Any, result: Any) -> str | None:
    """What the returned object gets wrong, or None."""
    schema = mirror.shape(operation, body)
    if schema["type"] == "object" and not schema.get("properties"):
        return None if result is None else f"returned {result!r} for an empty answer"
    problem = mirror.disagreement(schema, body, result)
    if problem is not None:
        return problem
    written = [row.to_json() for row in result] if isinstance(body, list) else result.to_json()
    return mirror.rewritten(schema, body, written)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}}",
        b"null",
        b"nul",
        b"[]",
        b"[",
        b'"text"',
        b"0",
        b"true",
        b"NaN",
        b'{"success":true',
        b"\xff\xfe",
        b"\x00",
        b"<html></html>",
        b"{'success': true}",
        b'{"success":true}{"success":true}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"code":-1121,"msg":"Invalid symbol."}',
        b'{"success":true,"success":false,"asset":"BNB"}',
        b'{"asset":"BNB","success":false,"success":true,"updateTime":1}',
    ],
)
def test_a_write_is_never_done_on_an_odd_body(body: bytes, operation: Operation) -> None:
    """A 200 whose body is broken, empty, of another shape or contradicts itself leaves a write unknown."""
    if not operation.facts["x-mutates"]:
        return
    texts = right_texts(operation, optional=False)
    bench = Bench(signing_key("S1"), lambda _: (200, {"content-type": "application/json"}, body))
    with pytest.raises(OutcomeUnknown) as caught:
        drive.method(bench.client, operation)(**drive.arguments(operation, texts))
    assert len(bench.capture.requests) == 1
    assert caught.value.attempt_id
    assert len(caught.value.excerpt) <= 400
    assert [attempt.id for attempt in bench.client.unresolved] == [caught.value.attempt_id]


def test_what_is_no_json_is_no_answer(operation: Operation) -> None:
    """A right answer with one word in it that JSON does not have, cut off, or with something behind it."""
    texts = right_texts(operation, optional=False)
    right = mirror.dump(confirming(operation, texts))
    reader = Reader(operation)
    failure: type[Exception] = OutcomeUnknown if operation.facts["x-mutates"] else ReadFailed
    comma = "," if "{}" not in right else ""
    odd = [
        right.replace("{", f'{{"tomorrow":{word}{comma}', 1)
        for word in ("NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1", "'x'", "undefined", "True")
    ]
    for body in (*odd, right[:-1], right + right, right + ",", "\ufeff" + right):
        with pytest.raises(failure):
            reader.call_with(body, texts)
    reader.call_with(f" \n{right}\r\n\t", texts)


def test_a_write_is_never_done_on_a_body_that_says_a_thing_twice(operation: Operation) -> None:
    """A confirmation in which one member stands twice, with two values or with one, leaves a write unknown."""
    if not operation.facts["x-mutates"]:
        return
    texts = right_texts(operation, optional=False)
    right = confirming(operation, texts)
    reader = Reader(operation)
    for name, value in right.items():
        for other in (value, None, False, 0, "", "other", [value]):
            for pairs in (((name, other), *right.items()), (*right.items(), (name, other))):
                body = ",".join(f"{mirror.dump(key)}:{mirror.dump(item)}" for key, item in pairs)
                with pytest.raises(OutcomeUnknown):
                    reader.call_with(f"{{{body}}}", texts)
    assert (
        reader.call_with(mirror.dump(right), texts) is not None
        or not operation.success_schema()["properties"]
    )


def test_the_mirror_covers_every_operation(contract: Document) -> None:
    """Every operation has allowed and forbidden bodies, those with members dozens of each."""
    for operation in contract.operations:
        found = list(mirror.cases(operation))
        assert any(case.right for case in found), operation.id
        assert any(not case.right for case in found), operation.id
