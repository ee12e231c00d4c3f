"""Apply a fault to an answer: another error, a lost or late answer, a changed body. Nothing here executes anything."""

from __future__ import annotations

from typing import cast

from paydown_sandbox.faults.faults import Fault
from paydown_sandbox.http_messages import Drop, RawResponse
from paydown_sandbox.json_text import encode
from paydown_sandbox.operations.answers import Answers, Headers
from paydown_sandbox.request_log import RequestRecord

__all__ = ["fault_error", "not_executed", "spoilt"]

# Status, code and text of the errors that faults answer with; a text of `None` stands for the one of the error table.
_FAULT_ERRORS: dict[str, tuple[int, int, str | None]] = {
    "executed_then_503": (503, -1000, "Unknown error, please check your request or try again later."),
    "not_executed_503_unknown": (503, -1000, "Unknown error, please check your request or try again later."),
    "service_unavailable_503": (503, -1000, "Service Unavailable."),
    "throttled_1008": (503, -1008, None),
    "timeout_1007_executed": (504, -1007, None),
    "timeout_1007_not_executed": (504, -1007, None),
    "timeout_1007_408_executed": (408, -1007, None),
    "timeout_1007_504_executed": (504, -1007, None),
    "unexpected_1006_executed": (500, -1006, None),
    "unexpected_1006_not_executed": (500, -1006, None),
    "internal_1001_503_executed": (503, -1001, None),
    "busy_51998_not_executed": (400, 51998, None),
    "pending_51007": (400, 51007, None),
}


def fault_error(answers: Answers, fault: Fault, record: RequestRecord, headers: Headers) -> RawResponse:
    """Write the error that a fault answers with. The error is the same whether the request was executed or not.

    Args:
        answers: Writes errors.
        fault: The fault; its own status wins over the usual one.
        record: The request in the log.
        headers: Further headers.
    """
    status, code, msg = _FAULT_ERRORS[fault.name]
    return answers.error(record, code, headers, status=fault.status or status, msg=msg)


def not_executed(
    answers: Answers, fault: Fault, record: RequestRecord, headers: Headers, asset: str, now_ms: int
) -> RawResponse:
    """Write the answer to a request that was checked and charged, and that a fault keeps from being executed.

    Args:
        answers: Writes errors.
        fault: The fault.
        record: The request in the log.
        headers: Further headers.
        asset: The asset that the request named, empty if it named none.
        now_ms: Now, milliseconds UTC.
    """
    if fault.name == "success_false_not_executed":
        body = {"asset": asset, "updateTime": now_ms, "success": False}
        return answers.sized(record, fault.status or 200, headers, encode(body).encode())
    if fault.name == "redirect_307_not_executed":
        record.status = fault.status or 307
        location = (b"location", record.path.encode("latin-1", "replace"))
        return RawResponse(record.status, [location, *headers, (b"content-length", b"0")], b"")
    return fault_error(answers, fault, record, headers)


def spoilt(
    answers: Answers, fault: Fault, record: RequestRecord, headers: Headers, result: object, body: bytes
) -> RawResponse | Drop:
    """Lose, cut, delay or change the answer to an executed request.

    Args:
        answers: Writes errors.
        fault: The fault.
        record: The request in the log; its member `answer` shows what happened to the answer.
        headers: Further headers.
        result: The answer as the handler gave it.
        body: The answer as JSON.
    """
    name = fault.name
    if name in _FAULT_ERRORS:
        record.answer = "spoilt"
        return fault_error(answers, fault, record, headers)
    if name == "gateway_502_html_executed":
        record.answer = "spoilt"
        return answers.page(record, fault.status or 502, "Bad Gateway", [])
    response = answers.sized(record, fault.status or 200, headers, _changed(name, result, body))
    if name == "executed_then_reset":
        record.answer = "reset"
        return Drop("reset")
    if name == "executed_then_closed":
        record.answer = "close"
        return Drop("close")
    if name == "truncated_body_executed":
        record.answer = "truncate"
        response.truncated = True
    elif name != "executed_then_delay":
        record.answer = "spoilt"
    return response


def _changed(name: str, result: object, body: bytes) -> bytes:
    if name == "malformed_json_executed":
        return body[: max(1, len(body) // 2)]
    if name == "empty_200_executed":
        return b""
    if not isinstance(result, dict):
        return body
    members = cast(dict[str, object], result)
    if name == "success_without_amount":
        return encode({key: value for key, value in members.items() if key != "amount"}).encode()
    if name == "extra_field":
        return encode({**members, "sandboxExtraField": {"nested": [1, "2"]}}).encode()
    amount = members.get("amount")
    if name == "amount_as_number" and isinstance(amount, str):
        # The number is written by hand, since a float would round it.
        return encode({**members, "amount": 0}).replace('"amount":0', f'"amount":{amount}', 1).encode()
    return body
