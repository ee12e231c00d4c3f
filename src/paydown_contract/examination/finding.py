"""What the contract tool reports: a clause that a server breaks, the symptom, and a request that shows it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from paydown_contract.requests.raw_request import Request
from paydown_contract.rules.answer_body import Answer

# Of an answer's body so much is kept, in bytes: a report shows the start only.
_BODY_KEPT = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """One clause of the document that a server breaks, and the smallest request that shows it.

    `symptom` is how the breach showed; `status` is 0 and `body` empty where no answer came.
    """

    operation: str
    clause: str
    symptom: str
    variant: str
    request: Request
    status: int
    body: bytes

    @classmethod
    def of_answer(
        cls, operation: str, clause: str, symptom: str, variant: str, request: Request, answer: Answer
    ) -> "Finding":
        """Make a finding of the answer that shows it, with the start of the answer's body.

        Args:
            operation: Id of the operation that is to blame.
            clause: The place in the document that is broken.
            symptom: How the breach showed, in words for the report.
            variant: Name of what was special about the request.
            request: The request that shows it.
            answer: The answer to this request.
        """
        return cls(operation, clause, symptom, variant, request, answer.status, answer.body[:_BODY_KEPT])

    @property
    def size(self) -> int:
        """Length of the request in bytes, without method and path, to choose the shortest of several."""
        headers = sum(len(value) for _, value in self.request.headers)
        return len(self.request.query) + len(self.request.body) + headers

    @property
    def kind(self) -> str:
        """The symptom without the error codes and the values of this one request.

        A server that is wrong in one way breaks a clause with many values; all of them have the same kind.
        """
        without_value = re.sub(
            r"(^|: )(\"[^\"]*\"|\S+) (is not of type|does not match|is no) ", r"\1\3 ", self.symptom
        )
        return re.sub(r"(code -?\d+)( or -?\d+)*", "code", without_value)

    @property
    def treatment(self) -> str:
        """What the server did, without what the document wants: the symptom up to "where"."""
        return self.symptom.partition(" where ")[0]


def without_implied(findings: Iterable[Finding]) -> list[Finding]:
    """Drop findings on several clauses if one of these clauses was also broken alone with the same treatment.

    A request that breaks several clauses at once does not show which of them the server overlooks. Where a request
    that breaks only one of them was treated in the same way, that finding explains the others.
    """
    kept = list(findings)
    alone = {(each.operation, each.clause, each.treatment) for each in kept if "; " not in each.clause}
    return [
        each
        for each in kept
        if "; " not in each.clause
        or not any((each.operation, clause, each.treatment) in alone for clause in each.clause.split("; "))
    ]
