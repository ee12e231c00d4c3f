"""Recognise refusals of valid requests: those that the document explains by the state of the account."""

from paydown_contract.document import Document, Operation
from paydown_contract.rules.allowed_answers import ABOUT_FORM


def is_business_refusal(document: Document, operation: Operation, status: int, code: int | None) -> bool:
    """Return whether the document knows this refusal of a valid request, as one that the state of the account explains.

    Args:
        document: Holds the error table.
        operation: The operation that was refused; it may name refusals of its own.
        status: HTTP status of the answer.
        code: Error code in its body; None if it has none.
    """
    known = [
        question["sandbox-answer"]
        for question in operation.facts.get("x-undocumented", [])
        if "sandbox-answer" in question
    ]
    known += operation.facts.get("x-known-errors", [])
    if any(row["code"] == code and row.get("http", 400) == status for row in known):
        return True
    # Any other row of the error table explains a refusal if it is not about the form of the request: an unknown name,
    # a reversed window, too little of something.
    row = document.error(code) if code is not None else None
    return status == 400 and row is not None and row.executed == "no" and row.name not in ABOUT_FORM
