"""A fixed session of a plain client with the exchange, written down: two exchanges that differ show it here.

Its requests are signed by hand, so that no code of the product is needed to see what a choice does.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from decimal import Decimal
from urllib.parse import urlencode

import httpx

from tests.strangers.books import Holding
from tests.strangers.exchange import KEY, SECRET, Exchange, Fate

D = Decimal
OPENING = {
    "BNB": Holding(D("60.12345678"), D("0.12345678"), D("2.5")),
    "USDT": Holding(free=D("90000.5")),
    "BTC": Holding(free=D("0.05")),
    "ETH": Holding(D("12"), D("0.0000001"), D("0.1")),
}
PAYERS = "BTC,USDT,ETH"


class Session:
    """Send requests and write down what comes back."""

    def __init__(self, values: Mapping[str, str | Sequence[str]], seed: int = 1) -> None:
        """Open an account at an exchange with some choices."""
        self.exchange = Exchange(values, seed=seed, opening=OPENING)
        self.lines: list[str] = []

    def request(self, method: str, path: str, *, signed_at: int | None, **params: str) -> httpx.Request:
        """Build a request; `signed_at` is its timestamp, `None` leaves it unsigned."""
        headers = {"X-MBX-APIKEY": KEY}
        text = urlencode(params)
        if signed_at is not None:
            text = urlencode({**params, "recvWindow": "5000", "timestamp": str(signed_at)})
            text += "&signature=" + hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        url = f"http://exchange{path}"
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            return httpx.Request(method, url, headers=headers, content=text)
        return httpx.Request(method, f"{url}?{text}" if text else url, headers=headers)

    def send(self, method: str, path: str, *, signed: bool = True, **params: str) -> httpx.Response | None:
        """Send a request; return its answer, `None` if none came."""
        request = self.request(method, path, signed_at=self.exchange.now if signed else None, **params)
        try:
            response = self.exchange.handle_request(request)
        except httpx.TransportError as error:
            self.lines.append(f"{self.exchange.now} {method} {path} {type(error).__name__}")
            return None
        told = {name: value for name, value in response.headers.items() if name != "content-length"}
        self.lines.append(
            f"{self.exchange.now} {method} {path} {response.status_code} {told} {response.text}"
        )
        return response

    def repay(self, asset: str, amount: str | None, fate: Fate, payers: str = PAYERS) -> None:
        """Send a repay-debt, and decide what becomes of it."""
        self.exchange.fates.append(fate)
        named = {"asset": asset, "amount": amount or "", "specifyRepayAssets": payers}
        given = {name: value for name, value in named.items() if value}
        self.send("POST", "/papi/v1/margin/repay-debt", signed=True, **given)
        self.exchange.fates.clear()

    def look(self, *after_s: float) -> None:
        """Read everything that there is, after some pauses."""
        start = str(self.exchange.now - 100_000)
        for pause in after_s:
            self.exchange.sleep(pause)
            self.send("GET", "/papi/v1/balance")
            self.send("GET", "/papi/v1/margin/repayLoan", asset="BNB", startTime=start, size="100")
            self.send("GET", "/papi/v1/margin/repayLoan", asset="USDT", startTime=start, size="100")
            self.send("GET", "/papi/v1/margin/marginLoan", asset="BNB", startTime=start, size="100")
            self.send("GET", "/sapi/v1/margin/capital-flow", startTime=start, limit="1000")

    def play(self) -> list[str]:
        """Play the whole session; return what was written down."""
        self._reads()
        self._repayments()
        self._lists()
        self._others()
        self._refusals()
        self._corners()
        self._weight()
        self.lines.append(str(self.exchange.books.entries))
        self.lines.append(str([(one.executed, one.told) for one in self.exchange.arrivals]))
        return self.lines

    def _reads(self) -> None:
        for _ in range(20):
            self.send("GET", "/papi/v1/time", signed=False)
            self.exchange.sleep(2)
        self.send("GET", "/fapi/v1/time", signed=False)
        self.send("GET", "/papi/v1/account")
        for asset in ("BNB", "DOGE"):
            self.send("GET", "/papi/v1/balance", asset=asset)
        for _ in range(6):
            self.send("GET", "/sapi/v1/portfolio/asset-index-price", signed=False, asset="BNB")

    def _repayments(self) -> None:
        self.repay("BNB", "5.12345678", Fate("answered"))
        self.look(0.001, 0.5, 1.5, 2, 4, 8, 20, 30, 60)
        for _ in range(3):
            self.repay("BNB", "3", Fate("lost"))
            self.look(0.5, 6, 70)
        for executed in (True, False):
            self.repay("BNB", "2.00000001", Fate("lost", executed))
            self.repay("BNB", "1", Fate("answered"))
            self.look(0.001, 4, 60)
        self.repay("BNB", "1.5", Fate("unsent"))
        self.repay("BNB", None, Fate("answered"), "")
        self.look(0.001, 130, 600)

    def _lists(self) -> None:
        now = self.exchange.now
        answered = self.send("GET", "/sapi/v1/margin/capital-flow", startTime=str(now - 6 * 10**8), limit="3")
        rows: list[dict[str, object]] = []
        if answered is not None and answered.status_code == 200:
            rows = answered.json()
        if rows:
            self.send(
                "GET",
                "/sapi/v1/margin/capital-flow",
                startTime=str(now - 6 * 10**8),
                fromId=str(rows[-1]["id"]),
                limit="2",
            )
            end = str(rows[0]["timestamp"])
            self.send("GET", "/sapi/v1/margin/capital-flow", startTime=str(now - 6 * 10**8), endTime=end)
        self.send(
            "GET", "/papi/v1/margin/repayLoan", asset="BNB", startTime=str(now - 10**8), size="2", current="1"
        )

    def _others(self) -> None:
        others = self.exchange.others
        for amount in ("1.25", "0.5"):
            others.borrow("BNB", D(amount))
            self.look(0.001, 3, 10, 30, 60)
        others.repay("BNB", D("0.75"), "USDT")
        others.repay("BNB", D("0.25"))
        others.trade("USDT", "BNB", D("600"))
        others.transfer("USDT", D("-100"))
        self.look(0.001, 40)
        self.send("POST", "/papi/v1/marginLoan", asset="BNB", amount="1")
        self.send("POST", "/papi/v1/repayLoan", asset="BNB", amount="0.5")
        self.look(0.001, 70)
        self.exchange.sleep(3_700)
        self.look(0.001)

    def _refusals(self) -> None:
        for _ in range(4):
            self.repay("BNB", "0.1", Fate("refused"))
            self.look(0.001, 61)
        self.exchange.sleep(150)

    def _corners(self) -> None:
        self.repay("BTC", "0.001", Fate("answered"))  # nothing is owed
        self.exchange.sleep(130)
        owed = self.exchange.books["BNB"].owed
        self.repay("BNB", str(owed + 1), Fate("answered"))  # more than is owed
        self.exchange.sleep(700)
        self.exchange.others.borrow("BNB", D("0.5"))
        self.exchange.sleep(130)
        owed = self.exchange.books["BNB"].owed
        if owed > D("0.1"):
            self.repay("BNB", str(owed - D("0.00005")), Fate("answered"))  # a tiny rest
        self.exchange.sleep(700)
        self.repay("ETH", "0.01", Fate("answered"), "BTC")
        self.exchange.sleep(130)
        free = self.exchange.books["USDT"].free
        self.exchange.others.transfer("USDT", D("6000") - free)
        self.repay("ETH", "2.2", Fate("answered"), "USDT")  # more than the one that is named
        self.exchange.sleep(700)
        self.repay("ETH", "9", Fate("answered"))  # more than the payers are worth
        self.exchange.sleep(700)
        self.repay("ETH", None, Fate("answered"), "BTC")
        self.look(5)

    def _weight(self) -> None:
        self.exchange.sleep(200)
        self.exchange.sleep(
            59.0 - self.exchange.now % 60_000 / 1000 if self.exchange.now % 60_000 < 58_000 else 59
        )
        for _ in range(3):
            self.repay("ETH", "0.001", Fate("answered"), "USDT")
        self.exchange.sleep(2)
        for _ in range(2):
            self.repay("ETH", "0.001", Fate("answered"), "USDT")
        self.send("GET", "/papi/v1/rateLimit/order")
