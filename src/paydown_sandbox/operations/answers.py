"""Write answers that are no result of a call: errors of the document's table, pages of a gateway, limits."""

from __future__ import annotations

from collections.abc import Mapping

from paydown_sandbox.bundled_document import Document
from paydown_sandbox.checks.rate_limits import Admission
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.http_messages import RawResponse, html_page
from paydown_sandbox.json_text import encode
from paydown_sandbox.request_log import RequestRecord

__all__ = ["HTML", "JSON", "Answers", "Headers"]

Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json;charset=UTF-8")
HTML = (b"content-type", b"text/html")


class Answers:
    """Write errors in the document's words, and note status and code in the request log.

    Args:
        document: Where the codes, statuses and texts stand.
        options: Choices: whether 429 and 418 carry Retry-After, and the status of errors for which no page names one.
    """

    def __init__(self, document: Document, options: Options) -> None:
        self._document = document
        self._retry_after = options.is_set("retry-after", "present")
        self._unlisted_status = options.integer("status-of-unlisted-errors")

    def page(self, record: RequestRecord, status: int, reason: str, headers: Headers) -> RawResponse:
        """Write an HTML page, as a gateway does.

        Args:
            record: The request in the log.
            status: The HTTP status.
            reason: The title of the page, such as "Forbidden".
            headers: Further headers.
        """
        return self.sized(record, status, headers, html_page(status, reason), HTML)

    def sized(
        self,
        record: RequestRecord,
        status: int,
        headers: Headers,
        body: bytes,
        content_type: tuple[bytes, bytes] = JSON,
    ) -> RawResponse:
        """Write a body as it is, with its length.

        Args:
            record: The request in the log.
            status: The HTTP status.
            headers: Further headers.
            body: The body.
            content_type: The header that names its type.
        """
        record.status = status
        return RawResponse(status, [content_type, *headers, (b"content-length", b"%d" % len(body))], body)

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
        """Write an error of the document's table, its placeholders filled in.

        Args:
            record: The request in the log.
            code: The error code.
            headers: Further headers.
            server: The server of the operation: one code means two things on two servers.
            text: Which of the row's texts to use, such as "msg-ahead".
            status: The HTTP status, where it is not the one of the row.
            msg: The text itself, where it is none of the row's.
            fields: The values of the text's placeholders.
        """
        row = self._document.error(code, server)
        if msg is None:
            msg = row.msg if text == "msg" else row.extra.get(text, row.msg)
        for name, value in (fields or {}).items():
            msg = msg.replace("{" + name + "}", str(value))
        record.code = code
        body = encode({"code": code, "msg": msg}).encode()
        return self.sized(record, status or row.status or self._unlisted_status, headers, body)

    def limited(
        self, record: RequestRecord, admission: Admission, limit: int, header: bytes, now_ms: int
    ) -> RawResponse:
        """Write 429, or write 418 with the end of the ban.

        Args:
            record: The request in the log.
            admission: The decision of the address's weight budget.
            limit: The size of that budget, weight per minute.
            header: The name of the header that shows the used weight.
            now_ms: Now, milliseconds UTC.
        """
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
