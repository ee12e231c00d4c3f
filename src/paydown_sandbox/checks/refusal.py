"""Refuse a request: one error code of the document, and nothing was executed."""

from __future__ import annotations

__all__ = ["Refusal"]


class Refusal(Exception):
    """Refuse the request with a documented code. Code that raises it has changed nothing.

    Args:
        code: A code of the document's error table.
        text: Which text of the error table's row to use, such as "msg-ahead"; the usual one by default.
        status: HTTP status, where it differs from the status in the row.
        reason: For the request log: what exactly was wrong, in the sandbox's own words.
        fields: Values for the placeholders of the text.
    """

    def __init__(
        self, code: int, *, text: str = "msg", status: int | None = None, reason: str = "", **fields: object
    ) -> None:
        super().__init__(code, reason)
        self.code = code
        self.text = text
        self.status = status
        self.reason = reason
        self.fields = fields
