"""How the exchange says no, and how a fault spoils a yes. Nothing here decides or executes anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from paydown_sandbox.bundled_document import Document
from paydown_sandbox.call_record import Call
from paydown_sandbox.checks.rate_limits import Admission
from paydown_sandbox.faults.faults import Fault
from paydown_sandbox.http_messages import RawResponse, html_page
from paydown_sandbox.json_text import encode
from paydown_sandbox.request_log import RequestRecord

__all__ = ["HTML", "JSON", "Answers", "Headers"]

Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json;charset=UTF-8")
HTML = (b"content-type", b"text/html")

# Status, code and text of the errors that faults answer with. A text of None is the one of the error table.
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


def _sized(status: int, headers: Headers, body: bytes) -> RawResponse:
    return RawResponse(status, [*headers, (b"content-length", b"%d" % len(body))], body)


class Answers:
    """Writes errors in the document's words.

    Args:
        document: Where the codes, statuses and texts stand.
        retry_after: Whether 429 and 418 carry Retry-After.
        unlisted_status: The HTTP status of an error for which the pages name none.
    """

    def __init__(self, document: Document, *, retry_after: bool, unlisted_status: int) -> None:
        self._document = document
        self._retry_after = retry_after
        self._unlisted_status = unlisted_status

    def page(self, record: RequestRecord, status: int, reason: str, headers: Headers) -> RawResponse:
        """An HTML page, as a gateway writes it."""
        record.status = status
        return _sized(status, [HTML, *headers], html_page(status, reason))

    def sized(
        self,
        record: RequestRecord,
        status: int,
        headers: Headers,
        body: bytes,
        content_type: tuple[bytes, bytes] = JSON,
    ) -> RawResponse:
        """A body as it is, with its length."""
        record.status = status
        return _sized(status, [content_type, *headers], body)

    def error(
        self,
        record: RequestRecord,
        code: int,
        headers: Headers,
        *,
        server: str = "papi",
        text: str = "msg",
        status: int | None = None,
        msg: str | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> RawResponse:
        """An error of the document's table, its placeholders filled in."""
        row = self._document.error(code, server)
        if msg is None:
            msg = row.msg if text == "msg" else row.extra.get(text, row.msg)
        for name, value in (fields or {}).items():
            msg = msg.replace("{" + name + "}", str(value))
        if status is None:
            status = row.status or self._unlisted_status
        record.status = status
        record.code = code
        return _sized(record.status, [JSON, *headers], encode({"code": code, "msg": msg}).encode())

    def limited(
        self,
        record: RequestRecord,
        admission: Admission,
        limit: int,
        header: bytes,
        now_ms: int,
    ) -> RawResponse:
        """429, or 418 with the moment at which the ban ends."""
        headers = [(header, b"%d" % admission.used)]
        if self._retry_after:
            seconds = -((now_ms - admission.until_ms) // 1000)
            headers.append((b"retry-after", b"%d" % max(1, seconds)))
        return self.error(
            record,
            -1003,
            headers,
            text="msg-418" if admission.status == 418 else "msg",
            status=admission.status,
            fields={"limit": limit, "until": admission.until_ms, "ip": record.ip},
        )

    # ------------------------------------------------------------------------ faults

    def fault_error(self, fault: Fault, record: RequestRecord, headers: Headers) -> RawResponse:
        """The error that a fault answers with; executed or not, it reads the same."""
        status, code, msg = _FAULT_ERRORS[fault.name]
        return self.error(record, code, headers, status=fault.status or status, msg=msg)

    def not_executed(self, fault: Fault, record: RequestRecord, headers: Headers, call: Call) -> RawResponse:
        """The answer to a request that was checked and charged, and is not executed."""
        if fault.name == "success_false_not_executed":
            asset = call.texts.get("asset", "")
            record.status = fault.status or 200
            body = {"asset": asset, "updateTime": call.now_ms, "success": False}
            return _sized(record.status, [JSON, *headers], encode(body).encode())
        if fault.name == "redirect_307_not_executed":
            record.status = fault.status or 307
            return _sized(
                record.status, [(b"location", record.path.encode("latin-1", "replace")), *headers], b""
            )
        return self.fault_error(fault, record, headers)

    def spoilt(
        self, fault: Fault, record: RequestRecord, headers: Headers, result: object, body: bytes
    ) -> RawResponse:
        """The answer to an executed request: lost, late or changed."""
        name = fault.name
        if name in _FAULT_ERRORS:
            record.answer = "spoilt"
            return self.fault_error(fault, record, headers)
        if name == "gateway_502_html_executed":
            record.answer = "spoilt"
            return self.page(record, fault.status or 502, "Bad Gateway", [])
        record.status = fault.status or 200
        response = _sized(record.status, [JSON, *headers], _changed(name, result, body))
        if name == "executed_then_reset":
            record.answer = response.action = "reset"
        elif name == "executed_then_closed":
            record.answer = response.action = "close"
        elif name == "truncated_body_executed":
            record.answer = response.action = "truncate"
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
        # Written by hand: a float would round it.
        return encode({**members, "amount": 0}).replace('"amount":0', f'"amount":{amount}', 1).encode()
    return body
