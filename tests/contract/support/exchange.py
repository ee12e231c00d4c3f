"""The local exchange under test: started in process, steered and watched through its control API only."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key
from paydown_sandbox.serving.application import create_app
from tests.contract.report.meter import Watched
from tests.contract.support.asgi import Answer, AsgiServer
from tests.contract.support.keys import signing_key

# The moment of the published samples: with it, vectors C1 to C7 are requests that the exchange accepts.
NOW_MS: Final = 1636371437000

MAIN: Final = "main"
OTHER: Final = "other"


def registered(key: Key, permissions: tuple[str, ...] = ("TRADE", "USER_DATA")) -> dict[str, Any]:
    """A key as the state document holds it."""
    secret = (
        key.secret.decode("ascii")
        if key.kind == "hmac" and isinstance(key.secret, bytes)
        else key.public_pem().decode("ascii")
    )
    return {
        "api_key": key.api_key,
        "type": key.kind,
        "secret_or_public_key": secret,
        "permissions": list(permissions),
        "ip_allow": [],
    }


def holding(free: str = "0", borrowed: str = "0", interest: str = "0", locked: str = "0") -> dict[str, str]:
    """One balance of the state document."""
    return {"free": free, "locked": locked, "borrowed": borrowed, "interest": interest}


def state() -> dict[str, Any]:
    """
    A world in which every right request of the matrix can succeed: debts in several assets, plenty to pay
    with, no weight limit in the way, and the clock standing still.
    """
    return {
        "accounts": [
            {
                "id": MAIN,
                "keys": [registered(signing_key(name)) for name in ("S1", "E1", "R1")],
                "balances": {
                    "BNB": holding("5", "40", "0.5") | {"um": "2.5", "cm": "0.5"},
                    "USDT": holding("900000", "1200", "3.25", "10")
                    | {"um": "700", "cm": "30", "negative": "12.5"},
                    "BTC": holding("7", "0.75", "0.0125"),
                    "ETH": holding("50", "30", "0.00000001") | {"um": "0.25"},
                    "币安人生": holding("5", "12", "0.125"),
                    "1000SATS": holding("10", "20", "0.1"),
                },
            },
            {
                "id": OTHER,
                "keys": [registered(signing_key("S2"))],
                "balances": {
                    "BNB": holding("3", "2", "0.1"),
                    "ETH": holding("3", "2", "0.1"),
                    "USDT": holding("5000"),
                },
            },
        ],
        "prices_usd": {
            "BNB": "600",
            "USDT": "1",
            "BTC": "60000",
            "ETH": "2500.5",
            "币安人生": "0.3",
            "1000SATS": "0.0004",
        },
        "limits": {"weight_per_minute": 10**12, "orders_per_minute": 10**12},
        "repay_weight_scope": "ip",
        "interest": {"on_borrow": False},
        "clock": {"now_ms": NOW_MS, "frozen": True},
    }


class Exchange:
    """The sandbox's ASGI application and its control API."""

    def __init__(self, app: Any | None = None) -> None:
        self.app = Watched(app if app is not None else create_app(state=state()))
        self.server = AsgiServer(self.app)

    def send(self, request: Request, *, ip: str | None = None) -> Answer:
        """Send one raw request."""
        return self.server.send(request, ip=ip)

    def control(self, method: str, name: str, content: Any = None, query: str = "") -> Any:
        """Call the control API; anything but success is a failure of the test itself."""
        body = b"" if content is None else json.dumps(content).encode("utf-8")
        headers = (("content-type", "application/json"),) if body else ()
        answer = self.server.send(Request(method, f"/_sandbox/{name}", query.encode("ascii"), headers, body))
        assert 200 <= answer.status < 300, (method, name, answer.status, answer.body[:300])
        return answer.json()

    def install(self, content: dict[str, Any]) -> None:
        """Replace the world."""
        self.control("PUT", "state", content)

    def set_clock(self, now_ms: int) -> None:
        """Stand still at `now_ms`."""
        self.control("POST", "clock", {"frozen": True, "set_ms": now_ms})

    def balances(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What each account holds and owes, as the control API shows it."""
        return {
            account["id"]: {asset: {"updated_ms": 0, **row} for asset, row in account["balances"].items()}
            for account in self.control("GET", "state")["accounts"]
        }

    def executed(self) -> list[dict[str, Any]]:
        """Everything that was executed since the world was installed."""
        entries: list[dict[str, Any]] = self.control("GET", "ledger")["entries"]
        return entries


@contextmanager
def exchange(content: dict[str, Any] | None = None) -> Iterator[Exchange]:
    """A fresh exchange, closed at the end."""
    running = Exchange()
    try:
        running.install(copy.deepcopy(content if content is not None else state()))
        yield running
    finally:
        running.server.close()
