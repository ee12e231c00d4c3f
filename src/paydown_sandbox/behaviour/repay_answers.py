"""The answer to an executed repayment: members and form as the choices demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from paydown_sandbox.books.exact_amounts import EXACT, ZERO, divide_down, exact_text
from paydown_sandbox.call_record import Call
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.http_messages import RawResponse, html_page
from paydown_sandbox.json_text import encode_numbers, number
from paydown_sandbox.operations.answers import HTML, JSON, Answers, Headers
from paydown_sandbox.operations.repayment_rules import Repayment
from paydown_sandbox.request_log import RequestRecord

__all__ = ["Repaid", "RepayAnswers"]

_NAMES = (
    "answer-amount", "answer-success", "answer-asset", "answer-payers", "answer-update-time", "answer-status",
    "answer-extra",
)  # fmt: skip
_YEAR_MS = 365 * 86_400_000
_AHEAD_MS = 5000
_ELSEWHERE = b"https://www.binance.com/"
_ONE = Decimal(1)
_TENTH = Decimal("0.1")
_TEN = Decimal(10)


class Repaid(NamedTuple):
    """An executed repayment, with everything that its answer may show.

    Attributes:
        asset: The owed asset.
        plan: How it was repaid.
        asked: The amount of the request as it was written; `None` if it named none.
        owed_before: The debt before the repayment, in units of the asset.
        named: The payment assets that the request named.
    """

    asset: str
    plan: Repayment
    asked: str | None
    owed_before: Decimal
    named: Iterable[str]


def _exponent(value: Decimal) -> str:
    if not value:
        return "0E-8"
    digits = value.normalize()
    return f"{digits:E}" if digits >= _TEN or digits < _TENTH else f"{digits:f}E+0"


class RepayAnswers:
    """Write the answer to a repayment as the choices demand.

    Args:
        options: The choices.
        prices: Index prices, USD per unit, by asset.
    """

    def __init__(self, options: Options, prices: Mapping[str, Decimal]) -> None:
        self._prices = prices
        self._amount = options.text("answer-amount")
        self._success = options.text("answer-success")
        self._asset = options.text("answer-asset")
        self._payers = options.text("answer-payers")
        self._update_time = options.text("answer-update-time")
        self._form = options.text("answer-status")
        self._extra = options.is_set("answer-extra", "some")

    @staticmethod
    def wanted(options: Options) -> bool:
        """Return whether any of these choices differs from its default."""
        return options.any_open(*_NAMES)

    # ---------------------------------------------------------- members of the answer

    def members(self, call: Call, answer: dict[str, object], repaid: Repaid) -> dict[str, object]:
        """Return the members of the answer, changed in place.

        Args:
            call: The call.
            answer: The members by default.
            repaid: The repayment.
        """
        now_ms = call.now_ms
        _choose(answer, "amount", self._amount, self._amounts(repaid))
        _choose(answer, "asset", self._asset, self._assets(repaid))
        _choose(answer, "success", self._success, {"false": False, "text": "true", "null": None})
        _choose(answer, "specifyRepayAssets", self._payers, self._named(answer, repaid))
        times = {"zero": 0, "year-old": now_ms - _YEAR_MS, "ahead": now_ms + _AHEAD_MS, "text": str(now_ms)}
        _choose(answer, "updateTime", self._update_time, times)
        if self._extra:
            answer.update(tranId=call.lines[0].tran_id if call.lines else 0, fee="0", status="CONFIRMED")
        return answer

    def _amounts(self, repaid: Repaid) -> dict[str, object]:
        total, price = repaid.plan.total, self._prices.get(repaid.asset, ZERO)
        values: dict[str, object] = {
            "zero": "0",
            "minus-one": "-1",
            "principal-only": exact_text(repaid.plan.principal),
            "in-usdt": exact_text(divide_down(EXACT.multiply(total, price), _ONE)),
            "number": number(total),
            "exponent": _exponent(total),
            "empty": "",
            "null": None,
            "owed-before": exact_text(repaid.owed_before),
        }
        if repaid.asked is not None:  # else there is nothing to echo
            values["echo"] = repaid.asked
        return values

    def _assets(self, repaid: Repaid) -> dict[str, object]:
        paid = [name for name, _, _ in repaid.plan.paid_with]
        concerned = {repaid.asset, *paid, *repaid.named}
        known = (name for name in self._prices if name not in concerned)
        return {
            "payer": paid[0] if paid else repaid.asset,
            "lower-case": repaid.asset.lower(),
            "other": next(known, "OTHER"),
        }

    @staticmethod
    def _named(answer: dict[str, object], repaid: Repaid) -> dict[str, object]:
        own = [repaid.asset] if repaid.plan.own else []
        values: dict[str, object] = {"used": own + [name for name, _, _ in repaid.plan.paid_with]}
        if "specifyRepayAssets" in answer:
            values["text"] = ",".join(repaid.named)
        return values

    # ---------------------------------------------------------- form of the answer

    @staticmethod
    def encode(answer: object) -> str:
        """Return the answer as JSON, with amounts that are marked as numbers written without quotes."""
        return encode_numbers(answer)

    def response(
        self, answers: Answers, record: RequestRecord, headers: Headers, result: object, body: bytes
    ) -> RawResponse:
        """Return the answer to a repayment in the chosen form.

        Args:
            answers: Writes bodies and pages.
            record: The request in the log.
            headers: Further headers.
            result: The answer as the handler gave it.
            body: The ordinary answer as JSON.
        """
        form = self._form
        if form in ("200", "201", "202"):
            return answers.sized(record, int(form), headers, body)
        if form in ("200-empty", "202-empty"):
            return answers.sized(record, int(form[:3]), headers, b"")
        if form == "200-html":
            return answers.sized(record, 200, headers, html_page(200, "OK"), HTML)
        if form == "302":
            return answers.sized(record, 302, [(b"location", _ELSEWHERE), *headers], b"", HTML)
        wrapped: object = [result]
        if form == "200-wrapped":
            wrapped = {"code": 200, "data": result}
        elif form == "200-code":
            wrapped = {"code": -1000, "msg": "An unknown error occurred while processing the request."}
        return answers.sized(record, 200, headers, self.encode(wrapped).encode(), JSON)


def _choose(answer: dict[str, object], name: str, choice: str, values: Mapping[str, object]) -> None:
    """Set a member of an answer to the value of a choice; a choice without a value leaves the member as it is."""
    if choice == "missing":
        answer.pop(name, None)
    elif choice in values:
        answer[name] = values[choice]
