"""A client written for these tests alone: it signs with the standard library and calls the sandbox."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from paydown_sandbox.bundled_document import Document
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.http_messages import RawRequest, RawResponse, Reply
from paydown_sandbox.sandbox_clock import Clock

NOW_MS = 1_767_225_600_000  # 2026-01-01 00:00:00 UTC
KEY = "test-key"
SECRET = "test-secret"
REPAY = "/papi/v1/margin/repay-debt"


def state_with(**members: object) -> dict[str, object]:
    """A small world: account `a` owes 1.501 BNB and holds USDT and BTC. Budgets are wide open."""
    return {
        "accounts": [
            {
                "id": "a",
                "keys": [{"api_key": KEY, "type": "hmac", "secret_or_public_key": SECRET}],
                "balances": {
                    "BNB": {"borrowed": "1.5", "interest": "0.001"},
                    "USDT": {"free": "250000"},
                    "BTC": {"free": "0.5"},
                },
            }
        ],
        "prices_usd": {"BNB": "600", "USDT": "1", "BTC": "60000"},
        "limits": {"weight_per_minute": 1_000_000, "orders_per_minute": 1200},
        **members,
    }


@dataclass
class Answer:
    """One answer, decoded; without an answer the status is 0."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: Reply

    @property
    def json(self) -> Any:
        """The body as JSON, amounts untouched."""
        return json.loads(self.body)

    @property
    def code(self) -> int | None:
        """The error code, if the body is an error."""
        content = json.loads(self.body)
        return content.get("code") if isinstance(content, dict) else None


def digest(message: str | bytes, secret: str = SECRET) -> str:
    """HMAC-SHA256 in lower-case hexadecimal."""
    text = message.encode() if isinstance(message, str) else message
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


class Caller:
    """Calls one exchange with one key."""

    def __init__(
        self, exchange: Exchange, key: str = KEY, secret: str = SECRET, ip: str = "127.0.0.1"
    ) -> None:
        self.exchange = exchange
        self.key = key
        self.secret = secret
        self.ip = ip

    def raw(
        self,
        method: str,
        path: str,
        query: str | bytes = b"",
        body: str | bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send these very bytes."""
        if headers is None:
            headers = {"X-MBX-APIKEY": self.key}
            if body:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
        request = RawRequest(
            method,
            path,
            query.encode() if isinstance(query, str) else query,
            [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
            body.encode() if isinstance(body, str) else body,
            self.ip,
        )
        reply = self.exchange.handle(request)
        if not isinstance(reply, RawResponse):
            return Answer(0, {}, b"", reply)
        found = {name.decode().lower(): value.decode() for name, value in reply.headers}
        return Answer(reply.status, found, reply.body, reply)

    def signed(self, method: str, path: str, text: str = "", *, at_ms: int | None = None) -> Answer:
        """Sign `text` plus a timestamp; in the query of a GET, in the body of everything else."""
        moment = self.exchange.clock.now_ms() if at_ms is None else at_ms
        message = f"{text}&timestamp={moment}" if text else f"timestamp={moment}"
        full = f"{message}&signature={digest(message, self.secret)}"
        return self.raw(method, path, query=full) if method == "GET" else self.raw(method, path, body=full)

    def repay(self, text: str) -> Answer:
        """One repay-debt."""
        return self.signed("POST", REPAY, text)

    def balance(self, asset: str) -> dict[str, Decimal]:
        """The amounts that the balance call answers for one asset, as decimals."""
        answer = self.signed("GET", "/papi/v1/balance", f"asset={asset}")
        assert answer.status == 200
        fields = (
            "crossMarginFree",
            "crossMarginLocked",
            "crossMarginBorrowed",
            "crossMarginInterest",
            "negativeBalance",
        )
        return {name: Decimal(answer.json[name]) for name in fields}

    def debt(self, asset: str) -> Decimal:
        """Principal plus interest."""
        found = self.balance(asset)
        return found["crossMarginBorrowed"] + found["crossMarginInterest"]


def calling(document: Document, **members: object) -> Caller:
    """A caller of a sandbox with this state."""
    return Caller(Exchange(state_with(**members), document=document, clock=Clock(NOW_MS)))


def one_account(**balances: dict[str, str]) -> list[dict[str, object]]:
    """The accounts of a state: one, with these balances."""
    key = {"api_key": "test-key", "type": "hmac", "secret_or_public_key": "test-secret"}
    return [{"id": "a", "keys": [key], "balances": balances}]
