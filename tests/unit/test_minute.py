"""The minute of the exchange on virtual time, with its double in process: nothing is wasted, nothing is refused."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import urlsplit

import httpx
import pytest

from paydown import Client, Credentials, MemoryBudget
from paydown.clock import ExchangeClock
from paydown_sandbox.clock import Clock
from paydown_sandbox.sandbox import Sandbox
from paydown_wire.error_codes import CLOCKS, SERVERS
from tests.unit.kit import REPAY, Time

PAPI = urlsplit(SERVERS["papi"]).hostname
LATENCY_MS = 80


class Internet(httpx.BaseTransport):
    """The exchange at its own address, the neighbours' clocks at theirs, and time that passes on the way."""

    def __init__(self, *, neighbours_up: bool = True, neighbours_ahead_ms: int = 0) -> None:
        self.time = Time()
        self.sandbox = Sandbox(clock=Clock(source=self.time.now_ms))
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
                200, json={"serverTime": self.time.now_ms() + self.neighbours_ahead_ms}, request=request
            )
        else:
            raise httpx.ConnectError("no route")
        self.time.elapsed_ms += LATENCY_MS / 2
        return answer

    def client(self, clock: ExchangeClock | None = None, **settings: object) -> Client:
        """A client on this time; by default with the clocks of the document."""
        time = self.time
        clock = clock or ExchangeClock(CLOCKS, ticks=time.ticks, wall=time.now_ms)
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


@pytest.mark.parametrize("window", ["fixed", "sliding"])
def test_the_first_two_repayments_of_a_new_client_share_its_first_minute(window):
    """
    3000 and 3000 are exactly 6000. The time is asked of a neighbour, whose counter is another one, so that
    the second repayment need not wait a minute for the weight of a clock.
    """
    internet = Internet()
    internet.sandbox.choose(limit_window=window)
    pm = internet.client()

    repay(pm, 2)

    assert internet.time.elapsed_ms < 2_000
    assert internet.clocks_asked == [CLOCKS[1]]
    repay(pm, 1)
    assert 60_000 < internet.time.elapsed_ms < 63_000
    assert internet.limited() == []


@pytest.mark.parametrize("window", ["fixed", "sliding"])
def test_twenty_repayments_go_out_two_a_minute_while_the_clock_is_refreshed(window):
    """Ten pairs need nine waits of a minute and its guard; no refresh of the clock costs another."""
    internet = Internet()
    internet.sandbox.choose(limit_window=window)
    time = internet.time
    clock = ExchangeClock(CLOCKS, refresh_ms=60_000, stale_ms=90_000, ticks=time.ticks, wall=time.now_ms)

    repay(internet.client(clock), 20)

    assert 9 * 60_000 < time.elapsed_ms < 10 * 60_000
    assert len(internet.clocks_asked) >= 5
    assert internet.limited() == []
    assert internet.sandbox.debt("BNB") == Decimal("99.8")


@pytest.mark.parametrize("window", ["fixed", "sliding"])
def test_where_there_is_one_clock_only_its_weight_delays_one_repayment_once(window):
    """At an address of its own an exchange has no neighbours: 1 + 6000 is too much for one minute, but only once."""
    internet = Internet()
    internet.sandbox.choose(limit_window=window)
    time = internet.time
    clock = ExchangeClock(["http://127.0.0.1:8087/papi/v1/time"], ticks=time.ticks, wall=time.now_ms)

    repay(internet.client(clock, base_url="http://127.0.0.1:8087"), 20)

    assert time.elapsed_ms < 11 * 60_000
    assert len(internet.clocks_asked) == 1
    assert internet.limited() == []


def test_the_own_clock_is_asked_where_its_weight_takes_nothing_away():
    """After a read of weight 20 a second repayment does not fit anyway."""
    internet = Internet()

    pm = internet.client()
    pm.account.balance()
    repay(pm, 1)

    assert internet.clocks_asked == [CLOCKS[0]]


def test_the_own_clock_is_asked_when_no_neighbour_answers():
    """A firewall may know one host only: the repayment goes on."""
    internet = Internet(neighbours_up=False)

    repay(internet.client(), 1)

    assert internet.clocks_asked == [*CLOCKS[1:], CLOCKS[0]]


def test_the_own_clock_is_asked_after_a_refused_timestamp():
    """A neighbour whose clock is wrong cannot make the repeated request wrong, too."""
    internet = Internet(neighbours_ahead_ms=7_000)

    repay(internet.client(), 1)

    assert internet.clocks_asked == [CLOCKS[1], CLOCKS[0]]
    statuses = [one["status"] for one in internet.sandbox.requests("POST", REPAY)]
    assert statuses == [400, 200]


@pytest.mark.parametrize("ahead_ms", [-90, 0, 90])
def test_a_neighbours_clock_never_puts_ours_ahead_of_the_exchange(ahead_ms):
    """Hosts differ a little: what is allowed for that is taken off, and shown as part of the error."""
    internet = Internet(neighbours_ahead_ms=ahead_ms)
    pm = internet.client()
    clock = pm.clock
    assert isinstance(clock, ExchangeClock)

    repay(pm, 1)

    behind = internet.time.now_ms() - clock.now_ms()
    assert clock.error_ms is not None
    assert 0 <= behind <= clock.error_ms
