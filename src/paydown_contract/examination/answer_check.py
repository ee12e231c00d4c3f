"""Check one answer: how the server treated the request, and which clauses of the document that breaks."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from paydown_contract.document import Document, Operation
from paydown_contract.examination.examination import Tally
from paydown_contract.requests.raw_request import Request
from paydown_contract.rules.allowed_answers import AllowedAnswers, Oracle
from paydown_contract.rules.answer_body import Answer, error_code_of
from paydown_contract.rules.answer_consistency import contradictions
from paydown_contract.rules.answer_schema import AnswerSchema
from paydown_contract.rules.business_refusals import is_business_refusal
from paydown_contract.rules.links import BEYOND_A_LIMIT

# A server may refuse an odd body, target or content type before its own code runs: of these answers the document
# describes no form.
_REFUSED_BEFORE_READING: Final = (413, 414, 415)


class Treatment(Enum):
    """How a server treated a request, as the tally of its operation counts it."""

    ACCEPTED = auto()
    REFUSED = auto()
    REFUSED_BY_STATE = auto()  # valid, and refused because of the state of the account
    REFUSED_WRONGLY = auto()  # valid, and refused without a reason that the document knows
    LIMITED = auto()  # 429 or 418
    NO_OPINION = auto()  # the document does not decide how the request is to be treated


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """How one request was treated, and each violation as a pair of clause and symptom."""

    treatment: Treatment
    violations: tuple[tuple[str, str], ...]

    def count_in(self, tally: Tally) -> None:
        """Add the treatment to the counters of an operation."""
        tally.accepted += self.treatment is Treatment.ACCEPTED
        tally.refused += self.treatment is Treatment.REFUSED
        tally.business += self.treatment is Treatment.REFUSED_BY_STATE
        tally.limited += self.treatment is Treatment.LIMITED
        tally.silent += self.treatment is Treatment.NO_OPINION


class AnswerCheck:
    """Checks the answers of one operation.

    Args:
        document: The document that the server claims to keep.
        oracle: Decides which answers a request allows.
        operation: The operation that the requests call, or almost call.
    """

    def __init__(self, document: Document, oracle: Oracle, operation: Operation) -> None:
        self._document = document
        self._oracle = oracle
        self._operation = operation
        self._schema = AnswerSchema(operation)

    def check(self, request: Request, answer: Answer, now_ms: int) -> CheckedAnswer:
        """Compare an answer with what the document allows for its request.

        Args:
            request: The request, valid or not.
            answer: The server's answer to it.
            now_ms: The server's time when the request arrived, UTC milliseconds.
        """
        allowed = self._oracle.expect(request, now_ms)
        code = error_code_of(answer.body)
        if allowed.operation is None:
            return CheckedAnswer(
                Treatment.REFUSED, tuple(_unknown_path(allowed, request, answer.status, code))
            )
        if answer.status in BEYOND_A_LIMIT:
            return CheckedAnswer(Treatment.LIMITED, tuple(self._schema.violations(answer)))
        if allowed.silent:
            return CheckedAnswer(Treatment.NO_OPINION, tuple(self._server_fault(answer.status)))
        if not allowed.accepted:
            return CheckedAnswer(Treatment.REFUSED, tuple(self._refusal(allowed, answer, code)))
        form = () if answer.status in _REFUSED_BEFORE_READING else tuple(self._schema.violations(answer))
        if answer.status == 200:
            wrong = contradictions(self._operation, request, answer)
            return CheckedAnswer(Treatment.ACCEPTED, (*wrong, *form))
        if is_business_refusal(self._document, self._operation, answer.status, code):
            return CheckedAnswer(Treatment.REFUSED_BY_STATE, form)
        clause = f"{self._operation.id}: responses.200"
        symptom = f"a right request was refused: {answer.status}, code {code}"
        return CheckedAnswer(Treatment.REFUSED_WRONGLY, ((clause, symptom), *form))

    def _server_fault(self, status: int) -> Iterator[tuple[str, str]]:
        if status >= 500:
            yield f"{self._operation.id}: responses", f"a fault of the server: {status}"

    def _refusal(
        self, allowed: AllowedAnswers, answer: Answer, code: int | None
    ) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with the answer to an invalid request."""
        if allowed.allows(answer.status, code):
            if answer.status not in _REFUSED_BEFORE_READING:
                yield from self._schema.violations(answer)
            return
        # An answer with an allowed status whose body holds no code breaks the form of refusals first.
        form = (
            list(self._schema.violations(answer))
            if code is None and answer.status in allowed.statuses
            else []
        )
        clauses = "; ".join(dict.fromkeys(breach.clause for breach in allowed.breaches))
        yield from form or [(clauses, _symptom(allowed, answer.status, code))]


def _unknown_path(
    allowed: AllowedAnswers, request: Request, status: int, code: int | None
) -> Iterator[tuple[str, str]]:
    if not allowed.allows(status, code):
        yield "paths", f"{request.method} {request.path} is not documented and was answered {status}"


def _symptom(allowed: AllowedAnswers, status: int, code: int | None) -> str:
    statuses = "/".join(map(str, sorted(allowed.statuses)))
    codes = " or ".join(map(str, sorted(allowed.codes))) or "any"
    wanted = f"where the document wants {statuses} with code {codes}"
    if 200 <= status < 300:
        error_body = f", with an error body of code {code}," if code is not None else ""
        return f"was accepted ({status}){error_body} {wanted}"
    if code is None:
        return f"was answered {status} without an error code {wanted}"
    return f"was answered {status}, code {code} {wanted}"
