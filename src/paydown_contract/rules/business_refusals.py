"""Refusals of right requests: what the document says about the state of an account, not about the request."""

from typing import Any

from paydown_contract.bounded_reader import answer_json
from paydown_contract.document import Document, Operation
from paydown_contract.json_types import is_object
from paydown_contract.requests.verifier import ABOUT_FORM


def is_business(document: Document, operation: Operation, status: int, code: int | None) -> bool:
    """Whether the document names this status and code for a right request that the state of the account does not
    allow."""
    known = [
        question["sandbox-answer"]
        for question in operation.facts.get("x-undocumented", [])
        if "sandbox-answer" in question
    ]
    known += operation.facts.get("x-known-errors", [])
    if any(row["code"] == code and row.get("http", 400) == status for row in known):
        return True
    # Otherwise a row that speaks of something else than the form of the request: a name of nothing, a
    # reversed window, too little of something.
    row = document.error(code) if code is not None else None
    return status == 400 and row is not None and row.executed == "no" and row.name not in ABOUT_FORM


def code_of(body: bytes) -> int | None:
    """The code of a JSON error body."""
    try:
        content: Any = answer_json(body)
    except ValueError:
        return None
    code = content.get("code") if is_object(content) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None
