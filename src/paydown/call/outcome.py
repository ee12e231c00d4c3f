"""Decide what one answer proves about the call, by the document's tables alone.

    status, headers, body ──parse_answer()──> ParsedAnswer
    ParsedAnswer ──answer_outcome()──> AnswerOutcome: "done" | "no" | "unknown"

For a call that changes something the order is careful by construction: the first status rule that fits decides; an
exchange code that is itself "unknown" can turn a "no" into "unknown", never the other way round. A 200 is "done" only
if every success rule of the operation holds and the body carries no error code; a refusal whose body confirms the call
is "unknown". For a read only 200 is an answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, cast

from paydown.call.answer import NOT_JSON, ParsedAnswer
from paydown_wire.error_codes import STATUS_OUTCOMES, find_error_code

if TYPE_CHECKING:
    from paydown_wire.error_codes import Category, ErrorCode, Retry, StatusOutcome
    from paydown_wire.operation import Operation


class Outcome(StrEnum):
    """The outcome of an attempt, as far as it is proven."""

    INTENT = "INTENT"  # noted, perhaps sent, no answer yet
    EXECUTED = "EXECUTED"  # the exchange confirmed it
    REJECTED = "REJECTED"  # the exchange answered that nothing was executed
    NOT_SENT = "NOT_SENT"  # nothing left this machine
    UNKNOWN = "UNKNOWN"  # it may have been executed


@dataclass(frozen=True, slots=True)
class AnswerOutcome:
    """The conclusion from one answer.

    Attributes:
        executed: "done" (confirmed), "no" (certainly nothing happened) or "unknown".
        category: The category of the error; None with "done".
        retry: The advice of the document; None with "done".
        row: The document's row of the exchange's code, if it has one.
        why: What a 200 lacks to count as done, or what to check first, or "".
    """

    executed: Literal["done", "no", "unknown"]
    category: Category | None = None
    retry: Retry | None = None
    row: ErrorCode | None = None
    why: str = ""


_DONE: Final = AnswerOutcome("done")

# Advice to a person, by the category of the error.
ADVICE: Final[Mapping[Category, str]] = {
    "credentials": "Check the key, its IP list and its Portfolio Margin permission.",
    "clock": "Check this machine's clock, or raise recv_window.",
    "busy": "Wait, look at the balance, then decide.",
    "firewall": "Send fewer requests, and look at the balance before the next call that changes something.",
    "wrong-host": "Check the base URL.",
    "wrong-path": "Check the base URL; this path is not served there.",
}


def answer_outcome(operation: Operation, answered: ParsedAnswer, texts: Mapping[str, str]) -> AnswerOutcome:
    """Decide what an answer to a call proves.

    Args:
        operation: The call.
        answered: Its answer, read.
        texts: The parameters that were sent, by wire name: a success rule may compare with one.

    Returns:
        "done" only if the answer confirms the call, "no" only if it proves that nothing was executed.
    """
    row = None if answered.code is None else find_error_code(answered.code, operation.server)
    rule = _status_rule(answered, listed=row is not None)
    if rule.executed == "see-body":
        if not operation.mutates:
            return _DONE
        why = _missing(operation, answered, texts) or _denied(answered, row)
        return _DONE if not why else AnswerOutcome("unknown", rule.category, rule.retry, row, why)
    confirms = operation.mutates and operation.success and not _missing(operation, answered, texts)
    if confirms and rule.executed == "no":
        # The body confirms what the status denies, and nothing shows which of the two is right.
        return AnswerOutcome("unknown", "unknown", "never-blindly", row, "its body says that it was executed")
    if row is None or answered.code in rule.overrides_codes:
        why = ADVICE.get(rule.category, "") if rule.executed == "unknown" else ""
        return AnswerOutcome(rule.executed, rule.category, rule.retry, row, why)
    if row.executed == "unknown" or rule.executed == "unknown":
        return AnswerOutcome("unknown", "unknown", "never-blindly", row)
    # A ban outlasts every other advice of the code; otherwise the code is more precise than the status.
    finer = rule if rule.category == "ban" else row
    return AnswerOutcome("no", finer.category, finer.retry, row)


def _status_rule(answered: ParsedAnswer, *, listed: bool) -> StatusOutcome:
    """Return the first status rule of the document that fits an answer.

    Args:
        answered: The answer, read.
        listed: Whether the document lists its code.
    """
    status = str(answered.answer.status)
    fitting = (status, f"{status[0]}XX", "default")
    for rule in STATUS_OUTCOMES:
        if rule.status not in fitting:
            continue
        if rule.code is not None and rule.code != answered.code:
            continue
        if rule.text is not None and rule.text != _text(answered):
            continue
        # A code that is neither negative nor listed is not treated as an error, neither with a 200 nor here.
        if rule.body == "json-error" and not (listed or (answered.code is not None and answered.code < 0)):
            continue
        if rule.body == "html" and not _is_html(answered.answer.body):
            continue
        if rule.body == "empty" and answered.answer.body:
            continue
        return rule
    raise AssertionError("the document ends its status outcomes with a default")


def _is_html(body: bytes) -> bool:
    return body[:1024].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _text(answered: ParsedAnswer) -> str | None:
    if answered.json is NOT_JSON:
        return answered.answer.body.decode("utf-8", "replace").strip()
    return None if answered.msg is None else answered.msg.strip()


def _missing(operation: Operation, answered: ParsedAnswer, texts: Mapping[str, str]) -> str:
    """Return what a 200 lacks to count as done, or "" if it lacks nothing."""
    body = answered.json
    if body is NOT_JSON:
        return "its body is not JSON" if answered.answer.body else "its body is empty"
    members = cast("dict[str, object]", body) if isinstance(body, dict) else None
    for rule in operation.success:
        if members is None:
            return "its body is not a JSON object"
        if rule.field not in members:
            return f"it has no {rule.field!r}"
        value = members[rule.field]
        if rule.equals_argument is not None:
            if value != texts.get(rule.equals_argument):
                return f"{rule.field!r} is not the one asked for"
        elif rule.type is not None:
            if type(value) is not _JSON_TYPES[rule.type]:
                return f"{rule.field!r} is no {rule.type}"
        elif type(value) is not type(rule.equals) or value != rule.equals:
            # The types are compared, too: 1 equals True in Python, and the text "true" is no boolean.
            return f"{rule.field!r} is not {json.dumps(rule.equals)}"
    return ""


def _denied(answered: ParsedAnswer, row: ErrorCode | None) -> str:
    """Return why a 200 that confirms the call does not count, namely for an error code in it; "" if it counts."""
    code = answered.code
    if code is not None:
        return "" if row is None and code >= 0 else f"it carries the error code {code}"
    body: object = answered.json
    members = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    return "" if members.get("code") is None else "it carries a code that is no code of the exchange"


_JSON_TYPES: Final[Mapping[str, type]] = {"integer": int, "string": str, "boolean": bool}
