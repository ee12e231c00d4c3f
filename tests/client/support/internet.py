"""The exchange and its neighbours on virtual time, in this process."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import urlsplit

import httpx

from paydown import Client, Credentials, MemoryBudget
from paydown.clock import ExchangeClock
from paydown_sandbox.sandbox import Sandbox
from paydown_sandbox.sandbox_clock import Clock
from paydown_wire.error_codes import CLOCKS, SERVERS
from tests.client.support.kit import Time

PAPI = urlsplit(SERVERS["papi"]).hostname
LATENCY_MS = 80


class Internet(httpx.BaseTransport):
    """The exchange at its own address, the neighbours' clocks at theirs, and time that passes on the way."""

    def __init__(
        self, *, neighbours_up: bool = True, neighbours_ahead_ms: int = 0, ahead_ms: int = 0
    ) -> None:
        self.time = Time()
        self.ahead_ms = ahead_ms  # the exchange, of this machine
        self.date_by_ms = 0  # what somebody set this machine's date by
        self.sandbox = Sandbox(clock=Clock(source=lambda: self.time.now_ms() + self.ahead_ms))
        self.sandbox.owe("BNB", "100")
        self.inside = self.sandbox.transport()
        self.neighbours_up = neighbours_up
        self.neighbours_ahead_ms = neighbours_ahead_ms
        self.clocks_asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Half the way, the answer, the other half."""
        if request.url.path.endswith("/time"):
            self.clocks_asked.append(str(request.url))
        self.time.elapsed_ms += LATENCY_MS / 2
        if request.url.host in (PAPI, "127.0.0.1"):
            answer = self.inside.handle_request(request)
        elif self.neighbours_up:
            answer = httpx.Response(
                200,
                json={"serverTime": self.time.now_ms() + self.ahead_ms + self.neighbours_ahead_ms},
                request=request,
            )
        else:
            raise httpx.ConnectError("no route")
        self.time.elapsed_ms += LATENCY_MS / 2
        return answer

    def client(self, clock: ExchangeClock | None = None, **settings: object) -> Client:
        """A client on this time; by default with the clocks of the document."""
        time = self.time
        clock = clock or ExchangeClock(CLOCKS, ticks=time.ticks, wall=lambda: time.now_ms() + self.date_by_ms)
        return Client(
            Credentials.hmac(self.sandbox.api_key, self.sandbox.api_secret),
            transport=self,
            clock=clock,
            budget=MemoryBudget(ticks=time.ticks, clock=clock),
            ticks=time.ticks,
            sleep=time.sleep,
            **settings,  # type: ignore[arg-type]  # the names are those of Client
        )

    def limited(self) -> list[object]:
        """The requests that the exchange refused for their weight."""
        return [one for one in self.sandbox.requests() if one["status"] in (429, 418)]


def repay(pm: Client, times: int) -> None:
    """Repay a little of the debt, so many times."""
    for _ in range(times):
        assert pm.margin.repay_debt(
            asset="BNB", amount=Decimal("0.01"), specify_repay_assets=["USDT"]
        ).success
