"""What one answer proves about a call that moves money, by the document's tables and nothing else.

The first status rule that fits decides; then a code whose row says unknown makes the outcome unknown, unless the rule
overrides that code. A code never turns an unknown into a no.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paydown_contract.bounded_reader import answer_json
from paydown_contract.document import Document, ErrorRow
from paydown_contract.json_types import is_object


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What may be concluded from an answer."""

    executed: str  # "no", "unknown", or "see-body": done if every success rule of the call holds
    category: str
    retry: str
    code: int | None
    row: ErrorRow | None


def conclude(document: Document, status: int, body: bytes, server: str = "papi") -> Conclusion:
    """Judge an answer of `server` by status and body."""
    content, is_json = _read(body)
    code: Any = content.get("code") if is_object(content) else None
    number = code if isinstance(code, int) and not isinstance(code, bool) else None
    row = None if number is None else _row(document, number, server)
    for rule in document.content["x-status-outcomes"]:
        is_error = number is not None and (number < 0 or row is not None)
        if not _fits(rule, status, body, content, number, is_json=is_json, is_error=is_error):
            continue
        if rule["executed"] == "see-body":
            return Conclusion("see-body", rule["category"], rule["retry"], number, row)
        if row is None or number in rule.get("overrides-codes", []):
            return Conclusion(rule["executed"], rule["category"], rule["retry"], number, row)
        if "unknown" in (row.executed, rule["executed"]):
            return Conclusion("unknown", "unknown", "never-blindly", number, row)
        if rule["category"] == "ban":  # a ban outlasts every other meaning of the code
            return Conclusion("no", rule["category"], rule["retry"], number, row)
        return Conclusion("no", row.category, row.retry, number, row)
    raise ValueError("x-status-outcomes has no default")


def _row(document: Document, code: int, server: str) -> ErrorRow | None:
    row = document.error(code, server)
    return row if row is None or row.facts.get("server") in (None, server) else None


def _read(body: bytes) -> tuple[Any, bool]:
    try:
        return answer_json(body), True
    except ValueError:
        return None, False


def _fits(
    rule: Mapping[str, Any],
    status: int,
    body: bytes,
    content: Any,
    code: int | None,
    *,
    is_json: bool,
    is_error: bool,
) -> bool:
    if rule["status"] not in (str(status), f"{status // 100}XX", "default"):
        return False
    if "text" in rule:
        text: Any = content.get("msg") if is_object(content) else None
        shown: Any = text if is_json else body.decode("utf-8", "replace")
        if not isinstance(shown, str) or shown.strip() != rule["text"]:
            return False
    if "code" in rule and rule["code"] != code:
        return False
    fits = {
        "any": True,
        "empty": not body,
        "html": body.lstrip().lower().startswith((b"<!doctype html", b"<html")),
        "json-error": is_error,
    }
    return fits[rule.get("body", "any")]
