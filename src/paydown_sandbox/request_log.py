"""Log requests: what arrived, what was decided, and whether money moved. No secret and no signature is kept."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

__all__ = ["RequestLog", "RequestRecord", "redacted"]

# The name `sign...` in any spelling, plain or percent-encoded, and what may precede its value in a form, in JSON or in
# a multipart body.
_NAME = "".join(f"(?:{letter}|%{ord(letter):02x}|%{ord(letter.upper()):02x})" for letter in "sign")
_SIGNATURE = re.compile(rf"({_NAME}[^=:&\r\n]*(?:[=:]|\r\n\r\n))[^&]*".encode(), re.IGNORECASE)
_LONGEST_TEXT = 2048
# How many bytes of a query or a body are kept: enough to show its first part without the signature.
_KEPT = 2 * _LONGEST_TEXT


def redacted(raw: bytes) -> str:
    """Return the text of a query or body without the value of its signature, at most 2048 characters."""
    at = raw.rfind(b"&signature=")
    if (
        0 < at < _LONGEST_TEXT
        and raw.lower().find(b"sign") == at + 1
        and raw.find(b"&", at + 1) < 0
        and (raw.find(b"%", 0, at) < 0 or _SIGNATURE.search(raw, 0, at) is None)
    ):
        return raw[: at + 11].decode("utf-8", "backslashreplace") + "***"  # the usual and cheapest case
    shown = _SIGNATURE.sub(rb"\1***", raw[:_KEPT]).decode("utf-8", "backslashreplace")
    return shown[:_LONGEST_TEXT]


class RequestRecord:
    """One request and its verdict.

    `verdict` is executed, answered, refused, not-executed or unknown-path; `signature` is valid, invalid, missing,
    unchecked or not-needed. `weight` and `orders` are what was charged. With `capped` the request counted towards the
    hard caps of its operation; with `queued` it waited for another request of the account.
    """

    __slots__ = (
        "account", "answer", "body", "capped", "code", "fault", "id", "ip", "ledger_ids", "method", "operation",
        "orders", "path", "query", "queued", "reason", "signature", "status", "time_ms", "verdict", "weight",
    )  # fmt: skip

    def __init__(
        self, record_id: int, time_ms: int, method: str, path: str, query: bytes, body: bytes, ip: str
    ) -> None:
        self.id = record_id
        self.time_ms = time_ms
        self.method = method
        self.path = path[:_LONGEST_TEXT]
        self.query = query[:_KEPT]
        self.body = body[:_KEPT]
        self.ip = ip
        self.operation: str | None = None
        self.account: str | None = None
        self.signature = "unchecked"
        self.verdict = "refused"
        self.reason = ""
        self.status = 0
        self.code: int | None = None
        self.fault: str | None = None
        self.answer = "sent"
        self.weight = 0
        self.orders = 0
        self.capped = False
        self.queued = False
        self.ledger_ids: tuple[int, ...] = ()

    @property
    def shown_query(self) -> str:
        """Return the query without the value of its signature."""
        return redacted(self.query) if self.query else ""

    @property
    def shown_body(self) -> str:
        """Return the body without the value of its signature."""
        return redacted(self.body) if self.body else ""

    @property
    def moved_money(self) -> bool:
        """Return whether this request changed what an account holds or owes."""
        return bool(self.ledger_ids)

    def as_json(self) -> dict[str, object]:
        """Return the request as `GET /_sandbox/requests` shows it."""
        return {
            "id": self.id,
            "time": self.time_ms,
            "method": self.method,
            "path": self.path,
            "query": self.shown_query,
            "body": self.shown_body,
            "ip": self.ip,
            "operation": self.operation,
            "account": self.account,
            "signature": self.signature,
            "verdict": self.verdict,
            "reason": self.reason,
            "status": self.status,
            "code": self.code,
            "fault": self.fault,
            "answer": self.answer,
            "weight": self.weight,
            "orders": self.orders,
            "moved_money": bool(self.ledger_ids),
            "ledger": list(self.ledger_ids),
        }


class RequestLog:
    """The last requests, newest last.

    Args:
        most: How many requests are kept.
    """

    def __init__(self, most: int = 20_000) -> None:
        self.most = most
        self._records: deque[RequestRecord] = deque(maxlen=most)
        self.next_id = 1
        self.forgotten_below = 1

    def open(self, time_ms: int, method: str, path: str, query: bytes, body: bytes, ip: str) -> RequestRecord:
        """Start the record of a request that has just arrived.

        Args:
            time_ms: The sandbox's time, UTC milliseconds.
            method: In capitals.
            path: As it arrived, not decoded.
            query: Without the question mark.
            body: As it arrived.
            ip: The address of the client.
        """
        record = RequestRecord(self.next_id, time_ms, method, path, query, body, ip)
        self.next_id += 1
        self._records.append(record)
        return record

    def by_id(self, record_id: int) -> RequestRecord | None:
        """Return the record with this id, if it is still kept."""
        newest_first = reversed(self._records)
        return next((record for record in newest_first if record.id == record_id), None)

    def restore(self, records: Iterable[RequestRecord]) -> None:
        """Append records of an earlier process, oldest first."""
        self._records.extend(records)

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def clear(self) -> int:
        """Forget all records; ids go on. Returns how many were forgotten."""
        count = len(self._records)
        self._records.clear()
        self.forgotten_below = self.next_id
        return count

    def start_over(self) -> None:
        """Forget all records, and begin with the first id again."""
        self._records.clear()
        self.next_id = self.forgotten_below = 1
