"""Encode the sandbox's answers as the bytes of HTTP/1.1."""

from __future__ import annotations

from http import HTTPStatus

from paydown_sandbox.bundled_document import Document
from paydown_sandbox.http_messages import RawResponse, html_page
from paydown_sandbox.json_text import encode
from paydown_sandbox.operations.answers import HTML, JSON

__all__ = ["TOO_LARGE", "answer_bytes", "malformed_answer", "refusal"]

_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %s\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus
}


def _status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


_common: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")


def _header_lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Encode the headers that uvicorn gives every answer, once for each second.

    uvicorn makes a new list when the date has moved on, so the identity of the list is the key of this cache.
    """
    global _common
    if _common[0] is not headers:
        _common = (headers, b"".join([b"%b: %b\r\n" % header for header in headers]))
    return _common[1]


def refusal(status: int, kind: bytes, body: bytes) -> bytes:
    """Return a whole answer after which the connection is closed.

    Args:
        status: The HTTP status.
        kind: The media type of the body.
        body: The body.
    """
    return b"%bcontent-type: %b\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (
        _status_line(status), kind, len(body), body,
    )  # fmt: skip


# Binance's firewall refuses a request that is too large; its pages know no 413, 414 or 431.
TOO_LARGE = refusal(403, HTML[1], html_page(403, "Forbidden"))


def malformed_answer(document: Document) -> bytes:
    """Return the answer to bytes that are no HTTP, in the form of every other 400 of the document."""
    row = document.error(-1013, "papi")
    return refusal(400, JSON[1], encode({"code": row.code, "msg": row.msg}).encode())


def answer_bytes(
    response: RawResponse, method: str, common: list[tuple[bytes, bytes]], *, keep_alive: bool
) -> bytes:
    """Encode one answer.

    Args:
        response: The answer of the sandbox. Of a truncated one half of the body is encoded.
        method: The method of the request, in capitals; the answer to HEAD has no body.
        common: The headers that every answer carries, as uvicorn keeps them.
        keep_alive: Whether the connection stays open after this answer.
    """
    body = b"" if method == "HEAD" else response.body
    if response.truncated:
        body = body[: len(body) // 2]
    return b"".join(
        [
            _status_line(response.status),
            _header_lines(common),
            *[b"%b: %b\r\n" % header for header in response.headers],
            b"\r\n" if keep_alive else b"connection: close\r\n\r\n",
            body,
        ]
    )
