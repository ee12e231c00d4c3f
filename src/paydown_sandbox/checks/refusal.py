"""An answer that says no: one error code of the document, and nothing was executed."""

from __future__ import annotations

__all__ = ["Refusal"]


class Refusal(Exception):
    """Refuse the request with a documented code. Whoever raises it has changed nothing.

    Args:
        code: A code of the document's error table.
        text: Which of the row's texts to use, such as "msg-ahead"; the usual one by default.
        status: HTTP status, where it is not the one of the row.
        reason: For the request log: what exactly was wrong, in our words.
        fields: What the text's placeholders stand for.
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
