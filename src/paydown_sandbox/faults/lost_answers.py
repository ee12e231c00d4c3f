"""Lose answers for the fault `answer_lost`: how an answer gets lost, and whether its request was executed.

    curl -X POST …/_sandbox/faults -d '{"fault": "answer_lost"}'

The choices `lost-answer`, `lost-request` and `unsent` decide both.
"""

from __future__ import annotations

from typing import Literal

from paydown_sandbox.choices.chances import Chances
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.faults.faults import Fault
from paydown_sandbox.http_messages import Drop, RawResponse
from paydown_sandbox.operations.answers import HTML, Answers, Headers
from paydown_sandbox.request_log import RequestRecord

__all__ = ["LostAnswers"]

# A delay longer than any client waits.
_TOO_LATE_MS = 60_000
_PAGES = {"503-html": (503, "Service Unavailable"), "502-html": (502, "Bad Gateway")}
_UNKNOWN = "Unknown error, please check your request or try again later."
_ERRORS: dict[str, tuple[int, int, str | None]] = {
    "503-unknown": (503, -1000, _UNKNOWN),
    "503-internal": (503, -1001, None),
    "500": (500, -1000, None),
    "1006": (400, -1006, None),
    "1007": (408, -1007, None),
    "51998": (400, 51998, None),
    "51999": (400, 51999, None),
}


class LostAnswers:
    """Lose answers in the chosen way.

    Args:
        options: The choices.
        chances: Decides where an option leaves the outcome to chance.
    """

    def __init__(self, options: Options, chances: Chances) -> None:
        self._chances = chances
        self._manner = options.text("lost-answer")
        self._executed = options.text("lost-request")
        self._unsent = options.is_set("unsent", "connect-error")

    def kind(self) -> Literal["executed", "refused"]:
        """Decide whether the request whose answer gets lost is executed."""
        if self._executed == "either":
            return "executed" if self._chances.one_in(2) else "refused"
        return "executed" if self._executed == "executed" else "refused"

    def reply(
        self, answers: Answers, fault: Fault, record: RequestRecord, headers: Headers, body: bytes
    ) -> RawResponse | Drop:
        """Return the lost answer as the client receives it.

        Args:
            answers: Writes errors.
            fault: The fault; its status and its delay win over the usual ones.
            record: The request in the log; its member `answer` shows what happened to the answer.
            headers: Further headers.
            body: The answer as it would have been.
        """
        response = self._response(answers, fault, record, headers, body)
        response.delay_ms = fault.delay_ms
        if self._manner == "read-timeout":
            response.delay_ms = max(fault.delay_ms, _TOO_LATE_MS)
        if self._unsent:
            record.answer = "unconnected"
            return Drop("unconnected", response.delay_ms)
        return response

    def _response(
        self, answers: Answers, fault: Fault, record: RequestRecord, headers: Headers, body: bytes
    ) -> RawResponse | Drop:
        manner = self._manner
        record.answer = "spoilt"
        if manner in _ERRORS:
            status, code, text = _ERRORS[manner]
            return answers.error(record, code, headers, status=fault.status or status, msg=text)
        if manner in _PAGES:
            status, reason = _PAGES[manner]
            return answers.page(record, fault.status or status, reason, headers)
        if manner in ("504", "408"):
            return answers.sized(record, fault.status or int(manner), headers, b"", HTML)
        response = answers.sized(record, fault.status or 200, headers, body)
        if manner == "truncated":
            record.answer = "truncate"
            response.truncated = True
            return response
        record.answer = "reset"
        return Drop("reset")
