"""Refuse repayments that are valid: some truly, some although they are executed.

One repayment in four that could be executed is refused in the chosen way. Where `refusal-executed` names the kind of
that refusal, the sandbox executes it all the same.
"""

from __future__ import annotations

from paydown_sandbox.call_record import AnswerWriter, Call
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.http_messages import RawResponse
from paydown_sandbox.json_text import encode
from paydown_sandbox.market_state import MarketState
from paydown_sandbox.operations.answers import Answers, Headers
from paydown_sandbox.request_log import RequestRecord

__all__ = ["RepayRefusals"]

_REFUSED_ONE_IN = 4
_BAN_MS = 120_000
_KINDS = {
    "400-code": "coded",
    "51007": "coded",
    "1021": "coded",
    "401": "coded",
    "403-html": "html",
    "400-html": "html",
    "404-html": "html",
    "418": "limiter",
    "429": "limiter",
    "503-unavailable": "unavailable",
    "1008": "unavailable",
    "200-false": "answered",
}
_PAGES = {"403-html": (403, "Forbidden"), "400-html": (400, "Bad Request"), "404-html": (404, "Not Found")}
# Exchange code, status and text of each refusal; `None` stands for the value of the error table.
_ERRORS: dict[str, tuple[int, int | None, str | None]] = {
    "51007": (51007, 400, None),
    "1021": (-1021, 400, None),
    "401": (-2015, 401, None),
    "503-unavailable": (-1000, 503, "Service Unavailable."),
    "1008": (-1008, 503, None),
}
_CODES = (-3041, 51068)


class RepayRefusals:
    """Decide which repayments are refused, and how.

    Args:
        market: The options, the clock and the limits.

    Attributes:
        executes: Whether a refused repayment is executed all the same.
    """

    def __init__(self, market: MarketState) -> None:
        options = market.options
        self._market = market
        self._chances = market.chances
        self._manner = options.text("refusal")
        self.executes = _KINDS[self._manner] == options.text("refusal-executed")

    @staticmethod
    def wanted(options: Options) -> bool:
        """Return whether anything is refused. A kind that executes all the same needs a refusal of that kind."""
        return options.any_open("refusal")

    def strikes(self) -> bool:
        """Draw by chance whether the next repayment is refused."""
        return self._chances.one_in(_REFUSED_ONE_IN)

    def writer(self, call: Call) -> AnswerWriter:
        """Return the function that writes the refusal of a call."""

        def write(answers: Answers, record: RequestRecord, headers: Headers) -> RawResponse:
            record.reason = f"refused by choice: {self._manner}"
            if not record.ledger_ids:
                record.verdict = "refused"
            if self._manner == "200-false":
                answer = {"asset": call.text("asset"), "updateTime": call.now_ms, "success": False}
                return answers.sized(record, 200, headers, encode(answer).encode())
            if self._manner in _PAGES:
                return answers.page(record, *_PAGES[self._manner], headers)
            if self._manner in ("418", "429"):
                until_ms = self._market.clock.now_ms() + _BAN_MS
                limit = self._market.world.limits.weight_per_minute
                return answers.error(
                    record,
                    -1003,
                    headers,
                    text="msg-418" if self._manner == "418" else "msg",
                    status=int(self._manner),
                    fields={"limit": limit, "until": until_ms, "ip": record.ip},
                )
            code, status, text = _ERRORS.get(self._manner) or (self._chances.pick(_CODES), 400, None)
            return answers.error(record, code, headers, status=status, msg=text)

        return write
