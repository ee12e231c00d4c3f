"""How an answer gets lost, and whether its request was executed: what the fault `answer_lost` does.

    curl -X POST …/_sandbox/faults -d '{"fault": "answer_lost"}'

The choices `lost-answer`, `lost-request` and `unsent` say the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from paydown_sandbox.choices.chances import Chances
from paydown_sandbox.faults.fault_effects import HTML, Answers, Headers
from paydown_sandbox.faults.faults import Fault
from paydown_sandbox.http_messages import RawResponse
from paydown_sandbox.request_log import RequestRecord

if TYPE_CHECKING:
    from paydown_sandbox.exchange import Exchange

__all__ = ["Losses"]

# Longer than any client waits that wants an answer.
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


class Losses:
    """Loses answers in the chosen way.

    Args:
        exchange: Whose options.
        chances: What decides where an option leaves it to chance.
    """

    def __init__(self, exchange: Exchange, chances: Chances) -> None:
        options = exchange.world.options
        self._chances = chances
        self._manner = options.text("lost-answer")
        self._executed = options.text("lost-request")
        self._unsent = options.is_set("unsent", "connect-error")

    def kind(self) -> Literal["executed", "refused"]:
        """Whether the request whose answer gets lost is executed."""
        if self._executed == "either":
            return "executed" if self._chances.one_in(2) else "refused"
        return "executed" if self._executed == "executed" else "refused"

    def response(
        self, answers: Answers, fault: Fault, record: RequestRecord, headers: Headers, body: bytes
    ) -> RawResponse:
        """What is left of the answer; `body` is what it would have been."""
        manner = self._manner
        record.answer = "spoilt"
        if manner in _ERRORS:
            status, code, text = _ERRORS[manner]
            response = answers.error(record, code, headers, status=fault.status or status, msg=text)
        elif manner in _PAGES:
            status, reason = _PAGES[manner]
            response = answers.page(record, fault.status or status, reason, headers)
        elif manner in ("504", "408"):
            response = answers.sized(record, fault.status or int(manner), headers, b"", HTML)
        else:
            response = answers.sized(record, fault.status or 200, headers, body)
            record.answer = response.action = "truncate" if manner == "truncated" else "reset"
        response.delay_ms = fault.delay_ms
        if manner == "read-timeout":
            response.delay_ms = max(fault.delay_ms, _TOO_LATE_MS)
        if self._unsent:
            record.answer = response.action = "unconnected"
        return response
