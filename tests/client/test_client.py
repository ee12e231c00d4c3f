"""The client as its user sees it: what goes out, what comes back, what is told, what is kept secret."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import pickle
import traceback
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from paydown import (
    AsyncClient,
    BudgetExceeded,
    Client,
    ClientClosed,
    ClockRejected,
    ConnectionFailed,
    Credentials,
    DecodeError,
    Event,
    ExchangeClock,
    InvalidCredentials,
    InvalidRequest,
    IpBanned,
    MemoryBudget,
    OutcomeUnknown,
    PaydownError,
    RateLimited,
    ReadFailed,
    ReadRetries,
    RequestNotSent,
    RequestRejected,
)
from paydown.budget.protocol import Priority
from paydown_wire.operations import PING, SERVER_TIME
from tests.client.support.kit import (
    API_KEY,
    NOW_MS,
    ONE_TRY,
    REPAY,
    SECRET,
    Exchange,
    Plenty,
    Time,
    answer,
    async_client,
    client,
    credentials,
    repaid,
    vector,
)

BALANCE = {
    "asset": "BNB",
    "crossMarginBorrowed": "1.50",
    "crossMarginInterest": "0.001",
    "crossMarginFree": "0.0",
    "crossMarginLocked": "0",
}
NOTHING = httpx.Response(200, json={})
LISTED = httpx.Response(200, json=[BALANCE])


# ---------------------------------------------------------------------------------------------- what goes out


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("c1", {"amount": Decimal("0.10000000"), "specify_repay_assets": ["USDT", "BTC"]}),
        ("c4", {"specify_repay_assets": ("USDT", "BTC")}),
        ("c5", {}),
        ("c6", {"amount": "0.10000000", "specify_repay_assets": ["USDT", "BTC"]}),
        ("c7", {"amount": "0.10000000", "specify_repay_assets": ["USDT", "BTC"]}),
    ],
)
def test_a_repayment_goes_out_as_the_vectors_say(name, arguments):
    """A form body, signed, signature last; checked on the bytes of the stream, which are those that are sent."""
    expected = vector(name)
    exchange = Exchange(repaid())

    client(exchange, credentials=credentials(expected["key"])).margin.repay_debt(asset="BNB", **arguments)

    (request,) = exchange.requests
    body = b"".join(request.stream)
    assert body.decode() == f"{expected['message']}&signature={expected['signature_on_the_wire']}"
    assert request.method == "POST"
    assert str(request.url) == f"https://papi.binance.com{REPAY}"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["content-length"] == str(len(body))


def test_a_read_goes_out_as_a_signed_query():
    """GET sends everything in the query, and no body."""
    exchange = Exchange(httpx.Response(200, json=BALANCE))
    signer = credentials()

    client(exchange).account.balance(asset="BNB")

    (request,) = exchange.requests
    message = f"asset=BNB&recvWindow=5000&timestamp={NOW_MS}"
    assert request.url.query.decode() == f"{message}&signature={signer.sign(message)}"
    assert b"".join(request.stream) == b""
    assert "content-type" not in request.headers


def test_the_names_of_other_scripts_are_encoded_before_they_are_signed():
    """Signing decoded and sending encoded text is what fails elsewhere with -1022."""
    exchange = Exchange(repaid("币安人生"))

    client(exchange).margin.repay_debt(asset="币安人生")

    text = b"".join(exchange.requests[0].stream).decode()
    message, _, signature = text.rpartition("&signature=")
    assert message.startswith("asset=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9F&")
    assert signature == credentials().sign(message)


def test_the_key_goes_only_where_it_is_needed():
    """Calls without security carry no key; a listen key only the header; every header stands once."""
    exchange = Exchange(NOTHING)
    pm = client(exchange)

    pm.market.ping()
    pm.send(PING, {}, dict)
    exchange.script = [httpx.Response(200, json={"listenKey": "x" * 64})]
    pm.stream.start()

    ping, _, listen = exchange.requests
    assert "x-mbx-apikey" not in ping.headers
    assert ping.url.query == b""
    assert listen.headers.get_list("x-mbx-apikey") == [API_KEY]
    assert b"".join(listen.stream) == b""
    assert listen.headers["content-length"] == "0"
    names = [name.lower() for name, _ in listen.headers.raw]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("call", "window"), [({}, "30000"), ({"recv_window": 1000}, "1000")])
def test_recv_window_is_set_per_client_and_per_call(call, window):
    """The call wins."""
    exchange = Exchange(repaid())

    client(exchange, recv_window=30000).margin.repay_debt(asset="BNB", **call)

    assert f"&recvWindow={window}&timestamp=" in exchange.requests[0].content.decode()


@pytest.mark.parametrize("window", [0, 60001, None, True, "5000"])
def test_a_bad_recv_window_is_refused_before_sending(window):
    """60000 is the most, as the general page says."""
    exchange = Exchange(repaid())

    with pytest.raises(InvalidRequest):
        client(exchange).margin.repay_debt(asset="BNB", recv_window=window)

    assert exchange.requests == []


def test_time_outs_are_those_of_the_document():
    """Connect 3 s, the answer to repay-debt 10 s; or what the client was told."""
    exchange = Exchange(repaid())

    client(exchange).margin.repay_debt(asset="BNB")
    client(exchange, connect_timeout_s=1.5, answer_timeout_s=20).margin.repay_debt(asset="BNB")

    first, second = (request.extensions["timeout"] for request in exchange.requests)
    assert (first["connect"], first["read"], first["write"]) == (3.0, 10.0, 10.0)
    assert (second["connect"], second["read"]) == (1.5, 20)


def test_redirects_are_not_followed():
    """A followed 307 would post the repayment again, to somebody else."""
    exchange = Exchange(
        httpx.Response(307, headers={"location": "https://elsewhere.example" + REPAY}), repaid()
    )

    with pytest.raises(OutcomeUnknown):
        client(exchange).margin.repay_debt(asset="BNB")

    assert len(exchange.requests) == 1


# ------------------------------------------------------------------------------------------------ addresses


def test_the_base_url_moves_every_call():
    """Also those of the other host: a sandbox key must never reach the exchange."""
    exchange = Exchange(httpx.Response(200, json=[]))
    pm = client(exchange, base_url="http://127.0.0.1:8087/prefix/")

    pm.account.balance()
    pm.market.asset_index_prices()

    assert [str(request.url.copy_with(query=None)) for request in exchange.requests] == [
        "http://127.0.0.1:8087/prefix/papi/v1/balance",
        "http://127.0.0.1:8087/prefix/sapi/v1/portfolio/asset-index-price",
    ]
    assert exchange.requests[0].headers["host"] == "127.0.0.1:8087"
    assert pm.base_url == "http://127.0.0.1:8087/prefix"


def test_without_a_base_url_each_call_goes_to_its_own_host():
    """The document names two."""
    exchange = Exchange(httpx.Response(200, json=[]))
    pm = client(exchange)

    pm.account.balance()
    pm.market.asset_index_prices()

    assert [request.url.host for request in exchange.requests] == ["papi.binance.com", "api.binance.com"]


def test_the_environment_may_point_elsewhere(monkeypatch):
    """`PAYDOWN_BASE_URL`; an argument wins over it."""
    monkeypatch.setenv("PAYDOWN_BASE_URL", "http://127.0.0.1:9000")

    assert Client(credentials()).base_url == "http://127.0.0.1:9000"
    assert Client(credentials(), base_url="http://127.0.0.1:9001").base_url == "http://127.0.0.1:9001"
    assert AsyncClient(credentials()).base_url == "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    "url", ["http://papi.binance.com", "HTTP://PAPI.binance.com:80/x", "http://api.binance.com."]
)
def test_the_exchange_is_never_spoken_to_in_the_clear(url):
    """A base URL with http:// for a host of the exchange is refused, with the one to write instead."""
    with pytest.raises(InvalidRequest, match=r"Write https://p?api\.binance\.com\."):
        Client(credentials(), base_url=url)


@pytest.mark.parametrize(
    "url",
    [
        "papi.binance.com", "ftp://papi.binance.com", "https://", "https://user:pw@papi.binance.com", "https://h?x=1",
        "https://h#x", "https://h:99999", "https://h:x", "https://a b", "https://h/\n", "http://[::1", "//h",
    ],
)  # fmt: skip
def test_a_base_url_that_is_no_address_is_refused_at_once(url):
    """At the construction of the client, not in the middle of a repayment."""
    with pytest.raises(InvalidRequest, match="base URL"):
        Client(credentials(), base_url=url)


@pytest.mark.parametrize(
    "settings",
    [
        {"connect_timeout_s": 0},
        {"connect_timeout_s": True},
        {"answer_timeout_s": -1},
        {"answer_timeout_s": float("nan")},
        {"answer_timeout_s": float("inf")},
        {"answer_timeout_s": "5"},
        {"max_wait_s": -1},
        {"max_wait_s": float("nan")},
        {"max_wait_s": float("inf")},
        {"max_wait_s": None},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings):
    """A time-out of zero would lose every answer."""
    with pytest.raises(InvalidRequest, match=next(iter(settings))):
        Client(credentials(), **settings)


def test_a_secret_in_the_place_of_credentials_is_refused_and_not_shown():
    """`repr(client)` would print it."""
    with pytest.raises(InvalidCredentials, match=r"Credentials\.from_env") as caught:
        Client("my-secret-of-many-characters")  # type: ignore[arg-type]  # a mistake that a script can make

    assert "my-secret" not in str(caught.value)


def test_calls_that_need_a_key_say_so_without_one():
    """Public calls work; the rest is refused before sending."""
    exchange = Exchange(NOTHING)
    pm = client(exchange, credentials=None)

    pm.market.ping()
    with pytest.raises(InvalidCredentials, match="from_env") as caught:
        pm.margin.repay_debt(asset="BNB")

    assert len(exchange.requests) == 1
    assert caught.value.operation == "margin.repay_debt"


# ---------------------------------------------------------------------------------------------- what comes back


def test_amounts_come_back_exactly():
    """Decimal with the scale that was sent; unknown fields are kept."""
    exchange = Exchange(httpx.Response(200, json={**BALANCE, "tomorrow": "x"}))

    balance = client(exchange).account.balance(asset="BNB")

    assert balance.cross_margin_borrowed == Decimal("1.50")
    assert str(balance.cross_margin_borrowed) == "1.50"
    assert balance.additional == {"tomorrow": "x"}


def test_a_list_and_one_balance_are_told_apart():
    """The call is polymorphic; so is the method."""
    assert client(Exchange(LISTED)).account.balance()[0].asset == "BNB"
    assert client(Exchange(httpx.Response(200, json=BALANCE))).account.balance(asset="BNB").asset == "BNB"


def test_last_shows_the_limits_of_the_last_answer():
    """Used weight, order count, when it was signed, how long it took."""
    spent = repaid()
    spent.headers["X-MBX-USED-WEIGHT-1M"] = "3020"
    spent.headers["X-MBX-ORDER-COUNT-1M"] = "1"
    pm = client(Exchange(spent))
    assert pm.last is None

    pm.margin.repay_debt(asset="BNB")

    last = pm.last
    assert last is not None
    assert (last.operation, last.status, last.used_weight, last.order_count) == (
        "margin.repay_debt",
        200,
        3020,
        1,
    )
    assert last.sent_at_ms == NOW_MS
    assert last.elapsed_ms > 0
    assert dict(last.headers) == {"x-mbx-used-weight-1m": "3020", "x-mbx-order-count-1m": "1"}


def test_last_also_shows_a_request_without_an_answer():
    """The latest request counts, whatever became of it."""
    pm = client(Exchange(httpx.ReadTimeout("slow")))

    with pytest.raises(OutcomeUnknown):
        pm.margin.repay_debt(asset="BNB")

    assert pm.last is not None
    assert (pm.last.status, pm.last.used_weight, pm.last.headers) == (None, None, {})


# --------------------------------------------------------------------------------------------------- reads

READ_FAULTS = {
    "503 B": answer(503, -1000, "Service Unavailable."),
    "503 A": answer(503, -1000, "Unknown error, please check your request or try again later."),
    "502": httpx.Response(502, text="<html>"),
    "408": httpx.Response(408),
    "-1007": answer(400, -1007, "Timeout"),
    "51998": answer(400, 51998, "busy"),
    "not JSON": httpx.Response(200, text="<html>"),
    "empty": httpx.Response(200),
    "reset": httpx.ReadError("reset"),
    "time-out": httpx.ReadTimeout("slow"),
    "refused": httpx.ConnectError("refused"),
    "301": httpx.Response(301),
}


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_a_read_is_repeated_after_a_pause(fault):
    """Whatever decides nothing is asked again; the second answer counts."""
    exchange = Exchange(READ_FAULTS[fault], LISTED)
    time = Time()

    assert client(exchange, time).account.balance()[0].asset == "BNB"

    assert len(exchange.requests) == 2
    assert len(time.slept) == 1
    assert 0.1 <= time.slept[0] <= 0.2


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_a_read_that_never_succeeds_ends_as_read_failed(fault):
    """After three tries, with the last failure as cause; never as OutcomeUnknown. No connection is said so."""
    exchange = Exchange(READ_FAULTS[fault])
    time = Time()

    with pytest.raises(PaydownError) as caught:
        client(exchange, time).account.balance()

    assert type(caught.value) is (ConnectionFailed if fault == "refused" else ReadFailed)
    assert len(exchange.requests) == 3
    assert 0.2 <= time.slept[1] <= 0.4
    if isinstance(caught.value, ReadFailed):
        assert caught.value.tries == 3
        assert caught.value.exit_code == 6


def test_a_read_whose_request_once_left_does_not_end_as_not_sent():
    """Lost first, then no connection: something had left this machine."""
    exchange = Exchange(httpx.ReadError("reset"), httpx.ConnectError("refused"))

    with pytest.raises(ReadFailed) as caught:
        client(exchange).account.balance()

    assert isinstance(caught.value.__cause__, ConnectionFailed)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(400, -1102, "Mandatory parameter"), RequestRejected),
        (answer(401, -2015, "key"), RequestRejected),
        (httpx.Response(404, text="<html>"), RequestRejected),
        (answer(418, -1003, f"IP banned until {NOW_MS + 600_000}."), IpBanned),
        (answer(429, -1003, "Too much request weight used"), RateLimited),
    ],
)
def test_a_refused_read_is_not_repeated(given, kind):
    """What must be fixed is not asked again; limits that outlast the deadline are handed on."""
    exchange = Exchange(given)
    time = Time()

    with pytest.raises(kind):
        client(exchange, time).account.balance()

    assert len(exchange.requests) == 1
    assert time.slept == []


def test_a_short_retry_after_is_honoured():
    """429 with two seconds to wait: waited, asked again, answered."""
    exchange = Exchange(answer(429, -1003, "Too much", Retry_After="2"), LISTED)
    time = Time()

    client(exchange, time).account.balance()

    assert time.elapsed_ms >= 2000


def test_retry_after_is_honoured_on_503_too():
    """A pause that the other side asks for is never cut short."""
    exchange = Exchange(httpx.Response(503, headers={"Retry-After": "3"}), LISTED)
    time = Time()

    client(exchange, time).account.balance()

    assert time.slept == [3.0]


def test_a_read_gives_up_at_its_deadline():
    """No new try begins later than that."""
    exchange = Exchange(httpx.ReadError("reset"))
    time = Time()
    retries = ReadRetries(tries=1000, first_pause_s=4.0, longest_pause_s=4.0, deadline_s=10.0)

    with pytest.raises(ReadFailed):
        client(exchange, time, retries=retries).account.balance()

    assert time.elapsed_ms <= 10_100
    assert 3 <= len(exchange.requests) <= 6


def test_an_answer_of_another_shape_is_not_asked_for_again():
    """The same question would get the same answer; the error names the place and keeps an excerpt."""
    exchange = Exchange(httpx.Response(200, json=[{"asset": "BNB"}]))

    with pytest.raises(ReadFailed, match=r"\[0\]\.crossMargin") as caught:
        client(exchange).account.balance()

    assert len(exchange.requests) == 1
    assert isinstance(caught.value.__cause__, DecodeError)
    assert caught.value.excerpt == '[{"asset":"BNB"}]'
    assert caught.value.status == 200


def test_read_failed_carries_the_facts_of_the_last_answer():
    """Whoever looks at it sees what the exchange said."""
    with pytest.raises(ReadFailed) as caught:
        client(Exchange(answer(503, -1008, "Request throttled")), retries=ONE_TRY).account.balance()

    error = caught.value
    assert (error.status, error.code, error.code_name, error.msg) == (
        503,
        -1008,
        "REQUEST_THROTTLED",
        "Request throttled",
    )
    assert "calling again is safe" in str(error)


@pytest.mark.parametrize(
    "settings", [{"tries": 0}, {"first_pause_s": 9}, {"deadline_s": 0}, {"first_pause_s": -1}]
)
def test_retries_that_make_no_sense_are_refused(settings):
    """At construction."""
    with pytest.raises(ValueError, match=r"tries|pause|deadline"):
        ReadRetries(**settings)


# --------------------------------------------------------------------------------------------------- clock


class Skewed:
    """An exchange whose clock is off, which refuses what its rule refuses, and answers the time."""

    def __init__(self, time: Time, ahead_ms: int) -> None:
        self.time, self.ahead_ms = time, ahead_ms
        self.requests: list[httpx.Request] = []
        self.executed = 0

    def now_ms(self) -> int:
        return self.time.now_ms() + self.ahead_ms

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path == SERVER_TIME.path:
            return httpx.Response(200, json={"serverTime": self.now_ms()})
        text = request.content.decode() or request.url.query.decode()
        stamp = int(text.partition("timestamp=")[2].partition("&")[0])
        if not (stamp < self.now_ms() + 1000 and self.now_ms() - stamp <= 5000):
            return answer(400, -1021, "Timestamp for this request is outside of the recvWindow.")
        if request.method == "GET":
            return LISTED
        self.executed += 1
        return repaid()

    @property
    def paths(self) -> list[str]:
        return [request.url.path.rpartition("/")[2] for request in self.requests]


class TimeTelling(Exchange):
    """An exchange that tells the time by itself; the script is for everything else."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == SERVER_TIME.path:
            self.requests.append(request)
            return httpx.Response(200, json={"serverTime": NOW_MS})
        return super().__call__(request)


def exchange_clock(time: Time) -> ExchangeClock:
    return ExchangeClock([f"https://papi.binance.com{SERVER_TIME.path}"], ticks=time.ticks, wall=time.now_ms)


@pytest.mark.parametrize("ahead_ms", [0, 5_000, -8_000, 3_600_000, -3_600_000])
def test_a_wrong_local_clock_is_corrected_before_the_first_signature(ahead_ms):
    """Whatever this machine believes: the exchange was asked first, so no call is refused."""
    time = Time()
    exchange = Skewed(time, ahead_ms)
    pm = client(exchange, time, clock=exchange_clock(time))

    pm.margin.repay_debt(asset="BNB")
    pm.account.balance()

    assert exchange.paths == ["time", "repay-debt", "balance"]
    assert pm.last is not None
    assert pm.last.clock_offset_ms == pytest.approx(ahead_ms, abs=5)


@pytest.mark.parametrize("jump_ms", [8_000, -8_000])
def test_a_clock_that_jumps_during_the_run_is_noticed_by_the_refusal(jump_ms):
    """-1021 was not executed: the time is asked, and the same call goes out once more, freshly signed."""
    time = Time()
    exchange = Skewed(time, 0)
    pm = client(exchange, time, clock=exchange_clock(time))
    pm.account.balance()
    exchange.ahead_ms = jump_ms

    pm.margin.repay_debt(asset="BNB", amount="0.1")

    assert exchange.paths == ["time", "balance", "repay-debt", "time", "repay-debt"]
    first, second = (request.content for request in exchange.requests if request.url.path == REPAY)
    assert first.partition(b"&timestamp")[0] == second.partition(b"&timestamp")[0]
    assert first != second
    assert exchange.executed == 1
    assert pm.unresolved == ()


def test_a_write_does_not_wait_for_a_time_that_is_still_good():
    """A sample that is due soon is a read's to renew: in front of a repayment it would cost a way and weight."""
    time = Time()
    exchange = Skewed(time, 0)
    budget = MemoryBudget(ticks=time.ticks)
    pm = client(exchange, time, clock=exchange_clock(time), budget=budget)
    pm.account.balance()
    time.sleep(900)  # ten minutes make it due soon, an hour makes it due
    client(
        exchange, time, budget=budget
    ).account.balance()  # has a clock of its own: room for one more, not two

    pm.margin.repay_debt(asset="BNB")
    pm.account.balance()

    assert exchange.paths == ["time", "balance", "balance", "repay-debt", "time", "balance"]


def test_a_refusal_of_an_older_time_leaves_a_newer_one_alone():
    """Another call asked while this one was under way: it goes out again with that time, and nobody asks once more."""
    time = Time()
    exchange = Skewed(time, 0)
    clock = exchange_clock(time)
    pm = client(exchange, time, clock=clock)
    pm.account.balance()
    exchange.ahead_ms = 8_000
    refused = exchange.__call__

    def another_call_asks(request: httpx.Request) -> httpx.Response:
        answered = refused(request)
        if answered.status_code == 400:
            sync = clock.begin_sync()
            sync.sample(time.ticks(), time.ticks(), time.now_ms() + exchange.ahead_ms)
        return answered

    pm = client(Exchange(another_call_asks), time, clock=clock)
    pm.margin.repay_debt(asset="BNB")
    pm.margin.repay_debt(asset="BNB")

    assert exchange.paths == ["time", "balance", "repay-debt", "repay-debt", "repay-debt"]
    assert exchange.executed == 2


@pytest.mark.parametrize("code", [-1021, -5028])
def test_a_refused_timestamp_is_repeated_once_at_most(code):
    """An exchange that always says -1021 or -5028 gets two requests, and the caller its refusal."""
    time = Time()
    exchange = TimeTelling(answer(400, code, "Timestamp for this request"))
    pm = client(exchange, time, clock=exchange_clock(time))

    with pytest.raises(ClockRejected):
        pm.margin.repay_debt(asset="BNB")

    assert len(exchange.repayments) == 2
    assert pm.unresolved == ()


def test_a_refused_timestamp_is_not_repeated_when_the_time_cannot_be_asked():
    """The same clock would be refused again, at a weight of 3000."""
    time = Time()
    exchange = Exchange(
        lambda request: (
            httpx.Response(404, text="<html>")
            if request.url.path == SERVER_TIME.path
            else answer(400, -1021, "Timestamp for this request")
        )
    )
    pm = client(exchange, time, clock=exchange_clock(time))

    with pytest.raises(ClockRejected):
        pm.margin.repay_debt(asset="BNB")

    assert len(exchange.repayments) == 1


def test_a_clock_of_ones_own_is_never_synced():
    """A frozen clock stays frozen: one request per call."""
    exchange = Exchange(answer(400, -1021, "Timestamp for this request"))

    with pytest.raises(ClockRejected):
        client(exchange).margin.repay_debt(asset="BNB")

    assert len(exchange.requests) == 1


def test_a_refused_timestamp_stays_the_answer_when_there_is_no_room_to_ask_the_time():
    """ "Not sent" would be wrong: the first request left, and the exchange refused it."""
    time = Time()
    budget = MemoryBudget(ticks=time.ticks)

    exchange = TimeTelling(answer(400, -1021, "Timestamp", X_MBX_USED_WEIGHT_1M="6000"))
    pm = client(exchange, time, clock=exchange_clock(time), budget=budget, max_wait_s=0)

    with pytest.raises(ClockRejected):
        pm.margin.repay_debt(asset="BNB")

    assert len(exchange.repayments) == 1
    assert pm.unresolved == ()


def test_the_second_answer_after_a_refused_timestamp_may_be_lost():
    """The repeated request counts like a first one: its loss leaves the attempt unresolved."""
    time = Time()
    exchange = TimeTelling(answer(400, -1021, "Timestamp"), httpx.ReadTimeout("slow"))
    pm = client(exchange, time, clock=exchange_clock(time))

    with pytest.raises(OutcomeUnknown):
        pm.margin.repay_debt(asset="BNB")

    assert len(pm.unresolved) == 1


def test_a_repeated_repayment_that_finds_no_connection_ends_as_the_refusal_that_it_repeats():
    """ "Not sent" would be wrong: the first request left, and the exchange refused it."""
    time = Time()
    exchange = TimeTelling(answer(400, -1021, "Timestamp"), httpx.ConnectError("refused"))
    pm = client(exchange, time, clock=exchange_clock(time))

    with pytest.raises(ClockRejected):
        pm.margin.repay_debt(asset="BNB")

    assert len(exchange.repayments) == 2
    assert pm.unresolved == ()


def test_a_refused_timestamp_asks_for_the_time_however_lately_it_was_asked_in_vain():
    """A clock that did not answer is left alone for a while, but not when the exchange says that ours is wrong."""
    time = Time()
    times = [httpx.Response(404), httpx.Response(200, json={"serverTime": NOW_MS + 90_000})]
    repayments = [answer(400, -1021, "Timestamp"), repaid()]
    exchange = Exchange(
        lambda request: (times if request.url.path == SERVER_TIME.path else repayments).pop(0)
    )

    client(exchange, time, clock=exchange_clock(time)).margin.repay_debt(asset="BNB")

    assert (times, repayments) == ([], [])
    assert b"timestamp=16363715" in exchange.repayments[1].content


@pytest.mark.parametrize(
    "given",
    [
        httpx.Response(404, text="<html>"),
        httpx.Response(200, text="no"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"serverTime": "1636371437000"}),
        httpx.Response(200, json={"serverTime": 0}),
        httpx.Response(200, json={"serverTime": True}),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
    ],
)
def test_a_clock_that_does_not_answer_keeps_no_repayment_back(given):
    """The machine's own clock is used meanwhile; the endpoint is undocumented and may go away."""
    time = Time()

    def scripted(request: httpx.Request) -> httpx.Response:
        if request.url.path != SERVER_TIME.path:
            return repaid()
        if isinstance(given, Exception):
            raise given
        return given

    exchange = Exchange(scripted)

    assert client(exchange, time, clock=exchange_clock(time)).margin.repay_debt(asset="BNB").success is True
    assert len(exchange.requests) == 2


def test_the_default_clock_asks_the_fallbacks_of_the_document():
    """When the first does not answer, the other two are asked; all three are asked for nothing but the time."""
    asked: list[str] = []

    def scripted(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/balance"):
            return httpx.Response(200, json=[])
        asked.append(str(request.url))
        return httpx.Response(404) if len(asked) < 3 else httpx.Response(200, json={"serverTime": NOW_MS})

    exchange = Exchange(scripted)
    client(exchange, clock=None).account.balance()

    assert asked == [
        "https://papi.binance.com/papi/v1/time",
        "https://fapi.binance.com/fapi/v1/time",
        "https://api.binance.com/api/v3/time",
    ]
    # A neighbour's clock may be ahead of the exchange's by the tenth of a second that the document allows for: what is
    # signed must not lie in the future.
    (stamp,) = [
        int(request.url.params["timestamp"])
        for request in exchange.requests
        if "timestamp" in request.url.params
    ]
    assert NOW_MS - 110 <= stamp <= NOW_MS - 100


def test_asking_for_the_time_keeps_the_time_outs_of_the_client():
    """The clock is asked as patiently as everything else, and no more."""
    exchange = Exchange(httpx.Response(200, json={"serverTime": NOW_MS}), httpx.Response(200, json=[]))

    client(exchange, clock=None, connect_timeout_s=1.5, answer_timeout_s=4).account.balance()

    assert exchange.requests[0].url.path == "/papi/v1/time"
    for request in exchange.requests:
        assert (request.extensions["timeout"]["connect"], request.extensions["timeout"]["read"]) == (1.5, 4)


def test_at_another_address_only_its_own_clock_is_asked():
    """A sandbox has a time of its own."""
    asked: list[str] = []

    def scripted(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return repaid() if request.url.path.endswith("repay-debt") else httpx.Response(404)

    client(Exchange(scripted), clock=None, base_url="http://127.0.0.1:1/x").margin.repay_debt(asset="BNB")

    assert asked == ["http://127.0.0.1:1/x/papi/v1/time", f"http://127.0.0.1:1/x{REPAY}"]


def test_unsigned_calls_need_no_clock():
    """A ping asks for nothing else."""
    time = Time()
    exchange = Skewed(time, 0)

    client(exchange, time, clock=exchange_clock(time)).market.time()

    assert exchange.paths == ["time"]


# -------------------------------------------------------------------------------------------------- budget


class Broken(MemoryBudget):
    """Somebody's budget that fails once a request is over."""

    def release(self, *args: object, **kwargs: object) -> None:
        """Fail."""
        raise RuntimeError("no ledger today")

    def close_gate(self, *args: object) -> None:
        """Fail."""
        raise RuntimeError("no ledger today")


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (repaid(), None),
        (answer(429, -1003, "Too much"), RateLimited),
        (answer(400, -1102, "x"), RequestRejected),
        (httpx.Response(503), OutcomeUnknown),
        (httpx.ReadTimeout("slow"), OutcomeUnknown),
        (httpx.ConnectError("refused"), ConnectionFailed),
    ],
)
def test_a_budget_that_fails_after_a_request_does_not_decide_about_the_debt(step, kind, caplog):
    """What is known about the debt is known, whatever a ledger of somebody else's makes of it."""
    time = Time()
    pm = client(Exchange(step), time, budget=Broken(ticks=time.ticks))

    with contextlib.nullcontext() if kind is None else pytest.raises(kind):
        pm.margin.repay_debt(asset="BNB")

    assert len(pm.unresolved) == (kind is OutcomeUnknown)
    assert "the budget failed" in caplog.text


def test_the_third_repayment_of_a_minute_waits_for_the_next():
    """3000 each of 6000: two go out, the third when the first no longer counts."""
    time = Time()
    exchange = Exchange(repaid())
    pm = client(exchange, time)

    for _ in range(3):
        pm.margin.repay_debt(asset="BNB")

    assert len(exchange.requests) == 3
    assert 60_000 <= time.elapsed_ms <= 65_000


def test_a_wait_that_is_too_long_is_refused_and_says_how_long():
    """Nothing was sent; the attempt is not open."""
    time = Time()
    exchange = Exchange(repaid())
    pm = client(exchange, time, max_wait_s=5)
    for _ in range(2):
        pm.margin.repay_debt(asset="BNB")

    with pytest.raises(BudgetExceeded, match=r"6\d\.\d s") as caught:
        pm.margin.repay_debt(asset="BNB")

    assert caught.value.wait_s == pytest.approx(61, abs=1)
    assert isinstance(caught.value, RequestNotSent)
    assert len(exchange.requests) == 2
    assert pm.unresolved == ()


def test_a_limit_of_the_exchange_closes_the_gate_for_every_call():
    """After 429 nothing leaves until the pause is over, whoever asks."""
    time = Time()
    exchange = Exchange(answer(429, -1003, "Too much", Retry_After="30"), NOTHING)
    pm = client(exchange, time)
    with pytest.raises(RateLimited):
        pm.margin.repay_debt(asset="BNB")

    pm.market.ping()

    assert time.elapsed_ms >= 30_000


def test_a_ban_refuses_every_call_until_its_end():
    """10 minutes are longer than anybody waits: refused, saying how long."""
    time = Time()
    exchange = Exchange(answer(418, -1003, f"IP banned until {NOW_MS + 600_000}."))
    pm = client(exchange, time)
    with pytest.raises(IpBanned):
        pm.account.balance()

    with pytest.raises(BudgetExceeded, match="banned") as caught:
        pm.margin.repay_debt(asset="BNB")

    assert caught.value.wait_s == pytest.approx(600, abs=1)
    assert len(exchange.requests) == 1


def test_the_header_of_the_exchange_corrects_the_ledger():
    """Others use the same IP: what they spent is not ours to spend."""
    time = Time()
    spent = httpx.Response(200, json=[], headers={"X-MBX-USED-WEIGHT-1M": "5000"})
    pm = client(Exchange(spent, repaid()), time)
    pm.account.balance()

    pm.margin.repay_debt(asset="BNB")

    assert time.elapsed_ms > 30_000


def test_nothing_stays_reserved_after_any_kind_of_end():
    """Not sent, refused, lost, interrupted: the budget releases the reservation of each request."""
    for step in (httpx.ConnectError("x"), answer(400, -1102, "x"), httpx.ReadError("x"), repaid()):
        pm = client(Exchange(step), retries=ONE_TRY)
        with contextlib.suppress(PaydownError):
            pm.margin.repay_debt(asset="BNB")
        assert all(window.in_flight == 0 for window in pm.budget.snapshot().windows)


def interrupted(request: httpx.Request) -> httpx.Response:
    """Ctrl-C while the answer is waited for."""
    raise KeyboardInterrupt


class Listening(Plenty):
    """Somebody's budget that writes down what it is asked and told."""

    def __init__(self) -> None:
        self.asked: list[tuple[Priority, int]] = []
        self.told: list[tuple[str, dict[str, int] | None]] = []

    def acquire(self, weights, *, timeout_ms, priority=Priority.READ, max_wait_ms=None, place=None):
        """Note who asks for how much."""
        self.asked.append((priority, sum(weight.cost for weight in weights)))
        return super().acquire(weights, timeout_ms=timeout_ms, priority=priority)

    def release(self, reservation, *, ended="answered", used=None):
        """Note how it ended."""
        self.told.append((ended, None if used is None else dict(used)))
        super().release(reservation)


def test_repayments_are_writes_to_a_budget_and_polls_are_reads():
    """A repayment goes before the reads that wait: the budget must hear which is which, and what each costs."""
    budget = Listening()
    pm = client(Exchange(repaid(), httpx.Response(200, json=[BALANCE])), budget=budget)

    pm.margin.repay_debt(asset="BNB")
    pm.account.balance()

    assert budget.asked == [(Priority.WRITE, 3000), (Priority.READ, 20)]


@pytest.mark.parametrize("call", ["repay", "poll"])
@pytest.mark.parametrize(
    ("step", "told"),
    [
        (httpx.ConnectError("refused"), "not-sent"),
        (httpx.ConnectTimeout("slow"), "not-sent"),
        (httpx.ReadTimeout("slow"), "lost"),
        (httpx.ReadError("reset"), "lost"),
        (httpx.WriteError("broken"), "lost"),
        (httpx.RemoteProtocolError("cut"), "lost"),
        (interrupted, "lost"),
        (answer(400, -1102, "x"), "answered"),
        (answer(500, -1000, "x"), "answered"),
    ],
)
def test_a_budget_hears_whether_a_request_may_have_been_counted(step, told, call):
    """What never left is free; what may have arrived is held as spent, whether or not the answer came back."""
    budget = Listening()
    pm = client(Exchange(step), budget=budget, retries=ONE_TRY)

    with contextlib.suppress(PaydownError, KeyboardInterrupt):
        if call == "repay":
            pm.margin.repay_debt(asset="BNB")
        else:
            pm.account.balance()

    assert [ended for ended, _ in budget.told] == [told]


def test_a_retry_after_of_nothing_does_not_take_the_pause_away():
    """An exchange that says 0 is asked again after the pause of our own choosing, not at once."""
    time = Time()
    busy = answer(503, -1000, "Service Unavailable.", Retry_After="0")

    client(Exchange(busy, httpx.Response(200, json=[])), time).account.balance()

    assert len(time.slept) == 1
    assert time.slept[0] >= 0.1


@pytest.mark.parametrize("call", ["time", "repay"])
def test_a_budget_hears_every_used_weight_that_the_exchange_tells(call):
    """Also that of the clock: it is the first answer of the day, and may say that others have used the minute."""
    budget, time = Listening(), Time()
    tells = {"X-MBX-USED-WEIGHT-1M": "4711"}

    def scripted(request: httpx.Request) -> httpx.Response:
        if request.url.path == SERVER_TIME.path:
            return httpx.Response(200, json={"serverTime": NOW_MS}, headers=tells if call == "time" else {})
        return httpx.Response(200, json=[], headers=tells if call == "repay" else {})

    client(Exchange(scripted), time, clock=exchange_clock(time), budget=budget).account.balance()

    assert [used for _, used in budget.told] == [
        {"ip-weight": 4711} if call == told else {} for told in ("time", "repay")
    ]


class Stale(Listening):
    """A budget whose first room is gone before the request could leave."""

    def may_send(self, reservation):
        """Not at the first time."""
        return len(self.asked) > 1


def test_a_repayment_that_stood_still_asks_for_room_again():
    """A process that slept over its reservation gives the room back, and waits for new one before it signs."""
    budget = Stale()
    exchange = Exchange(repaid())

    client(exchange, budget=budget).margin.repay_debt(asset="BNB")

    assert [cost for _, cost in budget.asked] == [3000, 3000]
    assert [ended for ended, _ in budget.told] == ["not-sent", "answered"]
    assert len(exchange.requests) == 1


# ------------------------------------------------------------------------------------------- what is told


def test_an_unsigned_call_claims_no_timestamp():
    """`sent_at_ms` is when it was signed, and nobody signed a ping."""
    pm = client(Exchange(NOTHING))

    pm.market.ping()

    assert pm.last.sent_at_ms is None


def test_events_tell_what_happened():
    """One per request, with weight, outcome and timing; waits and repeats are told, too."""
    events: list[Event] = []
    time = Time()
    exchange = Exchange(httpx.ReadError("reset"), LISTED)

    client(exchange, time, on_event=events.append).account.balance()

    assert [(event.name, event.outcome, event.tries) for event in events] == [
        ("begun", "", None),
        ("answered", "lost", 1),
        ("repeating", "", 1),
        ("answered", "done", 2),
        ("ended", "done", 2),
    ]
    answered, ended = events[-2:]
    assert answered.weight == ended.weight == 20
    assert answered.status == 200
    assert answered.elapsed_ms is not None
    assert (answered.method, answered.url) == ("GET", "https://papi.binance.com/papi/v1/balance")
    assert ended.paused_ms == pytest.approx(sum(time.slept) * 1000, abs=2)
    assert len({event.call for event in events}) == 1


def test_a_call_says_where_its_time_went():
    """Waiting for the minute, asking for the time and pausing are told apart."""
    events: list[Event] = []
    time = Time()
    clock = exchange_clock(time)
    exchange = Skewed(time, 5_000)

    def slowly(request: httpx.Request) -> httpx.Response:
        time.elapsed_ms += 100
        return exchange(request)

    pm = client(Exchange(slowly), time, clock=clock, on_event=events.append, max_wait_s=100)
    for _ in range(2):
        pm.margin.repay_debt(asset="BNB")

    first, second = (event for event in events if event.name == "ended")
    assert (first.clock_ms, first.waited_ms, first.paused_ms) == (100, 0, 0)
    assert second.clock_ms == 0
    assert second.waited_ms is not None
    assert 60_000 < second.waited_ms < 63_000


@pytest.mark.parametrize(
    ("step", "outcome", "error"),
    [
        (repaid(), "done", ""),
        (answer(400, -1102, "x"), "rejected", "RequestRejected"),
        (httpx.Response(503), "unknown", "OutcomeUnknown"),
        (httpx.ReadTimeout("slow"), "unknown", "OutcomeUnknown"),
        (httpx.ConnectError("refused"), "not-sent", "ConnectionFailed"),
        (KeyboardInterrupt(), "unknown", "KeyboardInterrupt"),
    ],
)
def test_each_end_of_a_call_has_a_name(step, outcome, error):
    """By what is known about the debt, an interrupt included."""
    events: list[Event] = []

    def raising(request: httpx.Request) -> httpx.Response:
        if isinstance(step, BaseException):
            raise step
        return step

    with contextlib.suppress(PaydownError, KeyboardInterrupt):
        client(Exchange(raising), on_event=events.append).margin.repay_debt(asset="BNB")

    assert (events[-1].name, events[-1].outcome, events[-1].error) == ("ended", outcome, error)


def test_an_unknown_outcome_is_logged_as_a_warning_with_its_attempt(caplog):
    """The log names the attempt, so that a person can settle it."""
    with caplog.at_level(logging.DEBUG, "paydown"), pytest.raises(OutcomeUnknown) as caught:
        client(Exchange(httpx.Response(502))).margin.repay_debt(asset="BNB")

    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.name == "paydown.client"
    assert warning.paydown["attempt_id"] == caught.value.attempt_id
    assert warning.paydown["operation"] == "margin.repay_debt"


def test_a_hook_that_fails_changes_nothing(caplog):
    """The money has moved, whatever a metrics library thinks of it."""

    def broken(event: Event) -> None:
        raise RuntimeError("no metrics today")

    with caplog.at_level(logging.ERROR):
        assert client(Exchange(repaid()), on_event=broken).margin.repay_debt(asset="BNB").success is True

    assert "hook failed" in caplog.text


# ------------------------------------------------------------------------------------------------- secrets


def echoing(status: int, *, decoded: bool) -> Any:
    """An answer that throws back the whole request, query, body and headers, or the signature as it was made."""

    def respond(request: httpx.Request) -> httpx.Response:
        raw = f"{request.url} {request.content.decode()}"
        echo = unquote(raw.rpartition("signature=")[2]) if decoded else f"{raw} {dict(request.headers)}"
        return httpx.Response(
            status,
            json={"code": -1102, "msg": echo},
            headers={"x-echo": echo.encode("ascii", "replace"), "set-cookie": "session=hunter2"},
        )

    return respond


@pytest.mark.parametrize("key", ["S1", "R1", "E1"])
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500, 503])
@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize("decoded", [False, True])
def test_no_secret_gets_out_whatever_the_other_side_echoes(key, status, read, decoded, caplog):
    """Not in str, repr, attributes, pickles, logs, events, tracebacks, nor in what the client shows of itself."""
    signer = credentials(key)
    exchange = Exchange(echoing(status, decoded=decoded))
    events: list[Event] = []
    pm = client(exchange, credentials=signer, on_event=events.append, retries=ONE_TRY)
    with caplog.at_level(logging.DEBUG), pytest.raises(PaydownError) as caught:
        pm.account.balance(asset="BNB") if read else pm.margin.repay_debt(asset="BNB")

    error = caught.value
    shown = io.StringIO()
    traceback.print_exception(error, file=shown)
    everything = " ".join(
        [
            str(error),
            repr(error),
            repr(vars(error)),
            pickle.dumps(error).decode("latin-1"),
            shown.getvalue(),
            caplog.text,
            repr([vars(record) for record in caplog.records]),
            repr(events),
            repr(pm),
            repr(pm.last),
            repr(pm.unresolved),
            json.dumps([str(link) for link in chain(error)]),
        ]
    )
    request = exchange.requests[0]
    sent = request.content.decode() or request.url.query.decode()
    signature = sent.rpartition("signature=")[2]
    assert len(signature) >= 64
    for secret in (
        SECRET,
        signer.api_key,
        signature,
        unquote(signature),
        signer.sign(sent.rpartition("&signature=")[0]),
        "hunter2",
    ):
        assert secret not in everything


def chain(error: BaseException | None) -> list[BaseException]:
    """An error and everything it was raised from."""
    links: list[BaseException] = []
    while error is not None:
        links.append(error)
        error = error.__cause__ or error.__context__
    return links


def test_a_lost_answer_keeps_a_short_excerpt():
    """Enough to recognise what answered, with status and headers."""
    html = httpx.Response(
        502, text="<html><h1>502 Bad Gateway</h1>" + "x" * 10_000, headers={"server": "cdn"}
    )

    with pytest.raises(OutcomeUnknown) as caught:
        client(Exchange(html)).margin.repay_debt(asset="BNB")

    error = caught.value
    assert error.excerpt.startswith("<html><h1>502 Bad Gateway</h1>xx")
    assert len(error.excerpt) == 300
    assert error.status == 502
    assert error.headers["server"] == "cdn"
    assert error.sent_at_ms == NOW_MS


def test_neither_client_can_be_pickled():
    """It holds credentials."""
    for kind in (Client, AsyncClient):
        with pytest.raises(TypeError):
            pickle.dumps(kind(credentials()))


# ----------------------------------------------------------------------------------------------- end of life


def test_a_closed_client_says_so_and_sends_nothing():
    """Its transport is closed, too; closing twice is fine."""
    exchange = Exchange(repaid())
    with client(exchange) as pm:
        pm.margin.repay_debt(asset="BNB")
    pm.close()

    with pytest.raises(ClientClosed, match="open a new one"):
        pm.margin.repay_debt(asset="BNB")
    with pytest.raises(ClientClosed), pm:
        pass

    assert len(exchange.requests) == 1
    assert pm.unresolved == ()
    assert "closed" in repr(pm)


def test_a_closed_async_client_says_so_and_sends_nothing():
    """The same, awaited."""

    async def scenario() -> None:
        exchange = Exchange(repaid())
        async with async_client(exchange) as pm:
            await pm.margin.repay_debt(asset="BNB")
        await pm.aclose()
        with pytest.raises(ClientClosed):
            await pm.margin.repay_debt(asset="BNB")
        assert len(exchange.requests) == 1

    asyncio.run(scenario())


def test_what_was_left_unresolved_can_still_be_seen_after_closing():
    """The list outlives the connections: it is what a person needs next."""
    with client(Exchange(httpx.ReadTimeout("slow"))) as pm, pytest.raises(OutcomeUnknown):
        pm.margin.repay_debt(asset="BNB")

    assert len(pm.unresolved) == 1
    pm.settle(pm.unresolved[0].id, executed=True)


def test_the_credentials_of_the_environment_make_a_working_client(monkeypatch):
    """The README's way."""
    monkeypatch.setenv("PAYDOWN_API_KEY", API_KEY)
    monkeypatch.setenv("PAYDOWN_API_SECRET", SECRET)
    for name in ("PAYDOWN_PRIVATE_KEY_FILE", "PAYDOWN_PRIVATE_KEY_PASSWORD", "PAYDOWN_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    exchange = Exchange(repaid())

    with client(exchange, credentials=Credentials.from_env()) as pm:
        pm.margin.repay_debt(asset="BNB")

    assert exchange.requests[0].headers["x-mbx-apikey"] == API_KEY


def test_a_test_transport_does_not_spend_the_weight_that_the_machine_shares():
    """What goes to a MockTransport never reaches the exchange; what goes to the network does."""
    handler = httpx.MockTransport(Exchange(repaid()))

    assert isinstance(Client(credentials(), transport=handler).budget, MemoryBudget)
    assert isinstance(AsyncClient(credentials(), transport=handler).budget, MemoryBudget)
    assert not isinstance(Client(credentials(), transport=httpx.HTTPTransport()).budget, MemoryBudget)
    assert not isinstance(Client(credentials()).budget, MemoryBudget)
    assert isinstance(Client(credentials(), base_url="http://127.0.0.1:8087").budget, MemoryBudget)
