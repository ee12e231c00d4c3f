"""The forms that answers to a repay-debt take: good ones, odd ones, lost ones and refusals."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn

import httpx

from tests.strangers.choices import Chosen
from tests.strangers.repayment import Arrival, Refusal

HTML = (
    "<html><head><title>Bad Gateway</title></head><body><center><h1>Bad Gateway</h1></center></body></html>"
)
UNKNOWN_TEXT = "Unknown error, please check your request or try again later."
INTERNAL_TEXT = "Internal error; unable to process your request. Please try again."
UNAVAILABLE_TEXT = "Service Unavailable."
THROTTLED_TEXT = (
    "Request throttled by system-level protection. "
    "Reduce-only/close-position orders are exempt. Please try again."
)
YEAR_MS = 365 * 24 * 3_600_000

# Which refusals a false promise of `refusal-executed` concerns.
KIND_OF_REFUSAL = {
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
    "200-false": "success-false",
}


def answer(status: int, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    """Build an answer; text is sent as it stands, anything else as JSON."""
    if isinstance(body, str):
        return httpx.Response(status, headers=headers, text=body)
    return httpx.Response(
        status, headers={"content-type": "application/json", **(headers or {})}, content=json.dumps(body)
    )


def html(status: int) -> httpx.Response:
    """Build an answer that is an HTML page."""
    return httpx.Response(status, headers={"content-type": "text/html"}, text=HTML)


def error(status: int, code: int, text: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """Build an answer with a code and a text."""
    return answer(status, {"code": code, "msg": text}, headers)


class Answers:
    """Build what the client gets for a repay-debt."""

    def __init__(self, chosen: Chosen) -> None:
        """Follow the given choices."""
        self._chosen = chosen

    # ------------------------------------------------------------ refusals

    def refusal(self, name: str, now: int) -> Refusal:
        """Return a refusal by its name in the table."""
        until = now + 120_000
        return {
            "400-code": self._chosen.source("refusal-code").choice(
                (
                    Refusal(400, -3041, "Balance is not enough."),
                    Refusal(400, 51068, "Your margin account is being liquidated."),
                    Refusal(400, -3010, "Repay not allowed. Repay amount exceeds borrow amount."),
                )
            ),
            "51007": Refusal(400, 51007, "You have a pending transaction. Please try again later."),
            "1021": Refusal(400, -1021, "Timestamp for this request is outside of the recvWindow."),
            "401": Refusal(401, -2015, "Invalid API-key, IP, or permissions for action."),
            "403-html": Refusal(403, 0),
            "400-html": Refusal(400, 0),
            "404-html": Refusal(404, 0),
            "418": Refusal(418, -1003, f"Way too many requests; IP banned until {until}."),
            "429": Refusal(429, -1003, "Too many requests; current limit is 6000 request weight per minute."),
            "503-unavailable": Refusal(503, 0, UNAVAILABLE_TEXT),
            "1008": Refusal(503, -1008, THROTTLED_TEXT),
            "200-false": Refusal(200, 1),
        }[name]

    def refused(self, refusal: Refusal, arrival: Arrival) -> httpx.Response:
        """Build the answer that refuses."""
        headers: dict[str, str] = {}
        if refusal.status in (418, 429) and self._chosen["retry-after"] == "seconds":
            headers["Retry-After"] = "120" if refusal.status == 418 else "30"
        if refusal.code == 1:
            body = {"asset": arrival.asset, "updateTime": arrival.at, "success": False}
            return answer(200, body)
        if refusal.code:
            return error(refusal.status, refusal.code, refusal.text, headers)
        if refusal.text:
            return answer(refusal.status, refusal.text)
        return html(refusal.status)

    # ------------------------------------------------------------ lost answers

    def lost(self, form: str, request: httpx.Request) -> httpx.Response:
        """Build an answer that says nothing about the outcome.

        Raises:
            httpx.TransportError: No answer comes at all.
        """
        if form in ("reset", "read-timeout", "truncated"):
            self._cut(form, request)
        return {
            "503-unknown": lambda: answer(503, UNKNOWN_TEXT),
            "503-html": lambda: html(503),
            "503-internal": lambda: error(503, -1001, INTERNAL_TEXT),
            "500": lambda: error(500, -1000, "Request occur unknown error."),
            "502-html": lambda: html(502),
            "504": lambda: answer(504, ""),
            "408": lambda: answer(408, ""),
            "1006": lambda: error(
                400, -1006, "An unexpected response was received. Execution status unknown."
            ),
            "1007": lambda: error(408, -1007, "Timeout waiting for response. Send status unknown."),
            "51998": lambda: error(400, 51998, "System busy, please try again later."),
            "51999": lambda: error(400, 51999, "Unknown error."),
        }[form]()

    @staticmethod
    def _cut(form: str, request: httpx.Request) -> NoReturn:
        if form == "read-timeout":
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        if form == "truncated":
            text = "peer closed connection without sending complete message body"
            raise httpx.RemoteProtocolError(text, request=request)
        raise httpx.ReadError("[Errno 104] Connection reset by peer", request=request)

    # ------------------------------------------------------------ good answers

    def good(
        self, arrival: Arrival, now: int, *, principal: Decimal, value: Decimal, used: list[str]
    ) -> httpx.Response:
        """Build the answer to a repayment that was executed.

        Args:
            arrival: What arrived.
            now: The time.
            principal: How much principal it repaid.
            value: What it was worth in USDT.
            used: The assets that paid.
        """
        body: dict[str, Any] = {}
        self._amount(body, arrival, principal, value)
        self._asset(body, arrival, used)
        form = self._chosen["answer-payers"]
        if form != "missing" and arrival.payers:
            lists: dict[str, Any] = {
                "list": list(arrival.payers),
                "text": ",".join(arrival.payers),
                "used": used,
            }
            body["specifyRepayAssets"] = lists[form]
        form = self._chosen["answer-update-time"]
        times = {"now": now, "zero": 0, "year-old": now - YEAR_MS, "ahead": now + 5_000, "text": str(now)}
        if form != "missing":
            body["updateTime"] = times[form]
        form = self._chosen["answer-success"]
        if form != "missing":
            body["success"] = {"true": True, "false": False, "text": "true", "null": None}[form]
        if self._chosen["answer-extra"] == "some":
            body |= {"tranId": 100_000_001, "fee": "0.00010000", "status": "PENDING"}
        return self._wrapped(body)

    def _amount(self, body: dict[str, Any], arrival: Arrival, principal: Decimal, value: Decimal) -> None:
        form = self._chosen["answer-amount"]
        # A live answer to a request without an amount had none either.
        if form == "missing" or (arrival.amount is None and form in ("repaid", "echo")):
            return
        moved = arrival.moved
        body["amount"] = {
            # The live answer had the scale of the request.
            "repaid": f"{arrival.amount:f}" if moved == arrival.amount else f"{moved:f}",
            "echo": f"{arrival.asked:f}",
            "zero": "0",
            "minus-one": "-1",
            "principal-only": f"{principal:f}",
            "in-usdt": f"{value:.8f}",
            "number": float(moved),
            "exponent": f"{moved:E}" if moved else "0E-8",
            "empty": "",
            "null": None,
            "owed-before": f"{arrival.owed:f}",
        }[form]

    def _asset(self, body: dict[str, Any], arrival: Arrival, used: list[str]) -> None:
        form = self._chosen["answer-asset"]
        other = "DOGE"
        payer = next((asset for asset in used if asset != arrival.asset), other)
        names = {"asked": arrival.asset, "payer": payer, "lower-case": arrival.asset.lower(), "other": other}
        if form != "missing":
            body["asset"] = names[form]

    def _wrapped(self, body: dict[str, Any]) -> httpx.Response:
        form = self._chosen["answer-status"]
        shapes: dict[str, tuple[int, Any]] = {
            "200": (200, body),
            "200-empty": (200, ""),
            "202-empty": (202, ""),
            "202": (202, body),
            "201": (201, body),
            "200-list": (200, [body]),
            "200-wrapped": (200, {"code": 200, "data": body}),
            "200-code": (
                200,
                {"code": -1000, "msg": "An unknown error occurred while processing the request."},
            ),
        }
        if form == "200-html":
            return html(200)
        if form == "302":
            return httpx.Response(302, headers={"location": "/papi/v1/moved"})
        return answer(*shapes[form])


def accepted(arrival: Arrival, now: int) -> httpx.Response:
    """Build an answer that says success although nothing was executed."""
    body: dict[str, Any] = {"asset": arrival.asset, "updateTime": now, "success": True}
    if arrival.amount is not None:
        body["amount"] = f"{arrival.amount:f}"
    return answer(200, body)
