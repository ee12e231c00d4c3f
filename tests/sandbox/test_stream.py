"""Listen keys and the user data stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from paydown_sandbox.books.listen_keys import Event
from paydown_sandbox.sandbox import SocketSandbox
from paydown_sandbox.sandbox_clock import Clock
from tests.sandbox.signer import NOW_MS, Caller, digest, state_with

KEY_PATH = "/papi/v1/listenKey"


def listening(caller: Caller) -> list[Event]:
    """Open the stream of the caller's account; returns the list that events go into."""
    key = caller.raw("POST", KEY_PATH).json["listenKey"]
    events: list[Event] = []
    assert caller.exchange.streams.subscribe(key, lambda _, event: events.append(event))
    return events


def test_keys_are_reused_extended_and_closed(caller: Caller) -> None:
    """The same key comes back while it lives; closed or expired keys answer -1125."""
    first = caller.raw("POST", KEY_PATH).json["listenKey"]
    assert len(first) == 64
    assert caller.raw("POST", KEY_PATH).json["listenKey"] == first
    caller.exchange.clock.advance(3_599_999)
    assert caller.raw("PUT", KEY_PATH).json == {}
    caller.exchange.clock.advance(3_599_999)
    assert caller.raw("PUT", KEY_PATH, query=f"listenKey={first}").json == {}
    assert caller.raw("PUT", KEY_PATH, query="listenKey=other").code == -1125
    caller.exchange.clock.advance(3_600_000)
    assert caller.raw("PUT", KEY_PATH).code == -1125
    second = caller.raw("POST", KEY_PATH).json["listenKey"]
    assert second != first
    assert caller.raw("DELETE", KEY_PATH).json == {}
    assert caller.raw("DELETE", KEY_PATH).code == -1125


def test_borrow_repay_and_interest_send_their_events(caller: Caller) -> None:
    """`l` is the debt afterwards, `p` and `i` the change; balances follow; ids exceed 2**53 for charges."""
    caller.exchange.world.interest.default_daily_rate = Decimal("0.0024")
    events = listening(caller)
    tran_id = caller.signed("POST", "/papi/v1/marginLoan", "asset=BTC&amount=0.1").json["tranId"]
    caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    caller.exchange.streams.deliver()

    changes = [event for event in events if event["e"] == "liabilityChange"]
    assert changes[0] == {
        "e": "liabilityChange",
        "E": NOW_MS,
        "a": "BTC",
        "t": "BORROW",
        "T": tran_id,
        "p": "0.10000000",
        "i": "0.00000000",
        "l": "0.10000000",
    }
    assert [(change["a"], change["t"]) for change in changes] == [
        ("BTC", "BORROW"),
        ("BTC", "INTEREST"),
        ("BNB", "REPAY"),
    ]
    charge = changes[1]["T"]
    assert isinstance(charge, int)
    assert charge > 2**53
    assert (changes[2]["p"], changes[2]["i"], changes[2]["l"]) == ("0.09900000", "0.00100000", "1.40100000")
    updates = [(event["a"], event["d"]) for event in events if event["e"] == "balanceUpdate"]
    assert updates == [("BTC", "0.10000000"), ("USDT", "-60.00000000")]
    positions = [event["B"] for event in events if event["e"] == "outboundAccountPosition"]
    assert positions[-1] == [{"a": "USDT", "f": "249940.00000000", "l": "0.00000000"}]


def test_a_crash_past_every_level_is_told(caller: Caller) -> None:
    """The stream has no name for BANKRUPTED; an account that falls there at once gets FORCE_LIQUIDATION, once."""
    events = listening(caller)
    for price in ("900000", "1000000"):
        caller.exchange.set_prices({"BNB": Decimal(price)})
    caller.exchange.streams.deliver()
    levels = [event["s"] for event in events if event["e"] == "riskLevelChange"]
    assert levels == ["FORCE_LIQUIDATION"]
    assert caller.signed("GET", "/papi/v1/account").json["accountStatus"] == "BANKRUPTED"


def test_a_falling_price_raises_the_risk_level_once_per_level(caller: Caller) -> None:
    """riskLevelChange is sent when the account becomes riskier, not when it recovers."""
    exchange = caller.exchange
    exchange.set_position("a", "USDT", {"free": Decimal(0), "borrowed": Decimal(20000)})
    events = listening(caller)
    for price in ("60000", "47200", "46500", "46300", "60000", "46500"):
        exchange.set_prices({"BTC": Decimal(price)})
    exchange.streams.deliver()
    levels = [event["s"] for event in events if event["e"] == "riskLevelChange"]
    assert levels == ["MARGIN_CALL", "REDUCE_ONLY", "FORCE_LIQUIDATION", "REDUCE_ONLY"]


@pytest.fixture
def served() -> Iterator[SocketSandbox]:
    """An exchange on a real socket, its clock standing still."""
    with SocketSandbox(state_with(), clock=Clock(NOW_MS)) as running:
        yield running


def post(served: SocketSandbox, path: str, text: str = "") -> Any:
    """One signed POST over HTTP."""
    message = f"{text}&timestamp={NOW_MS}" if text else f"timestamp={NOW_MS}"
    content = "" if path == KEY_PATH else f"{message}&signature={digest(message)}"
    headers = {"X-MBX-APIKEY": "test-key", "Content-Type": "application/x-www-form-urlencoded"}
    answer = httpx.post(served.url + path, content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def received(socket: ClientConnection) -> Any:
    """The next message, decoded."""
    return json.loads(socket.recv(timeout=5))


@pytest.mark.parametrize("prefix", ["/pm/ws/", "/ws/"])
def test_events_arrive_over_a_websocket(served: SocketSandbox, prefix: str) -> None:
    """Connect with the key in the path, repay, and read what changed."""
    key = post(served, KEY_PATH)["listenKey"]
    with connect(served.url.replace("http", "ws") + prefix + key) as socket:
        post(served, "/papi/v1/margin/repay-debt", "asset=BNB&amount=0.1&specifyRepayAssets=USDT")
        assert received(socket)["e"] == "liabilityChange"
        assert received(socket)["e"] == "balanceUpdate"
        assert received(socket)["e"] == "outboundAccountPosition"
        served.advance(3_600_000)
        assert received(socket)["e"] == "listenKeyExpired"


def test_the_sdk_way_of_subscribing_works(served: SocketSandbox) -> None:
    """/pm/stream with SUBSCRIBE messages; events come in an envelope."""
    key = post(served, KEY_PATH)["listenKey"]
    with connect(served.url.replace("http", "ws") + "/pm/stream") as socket:
        socket.send(json.dumps({"method": "SUBSCRIBE", "params": [key], "id": 7}))
        assert received(socket) == {"result": None, "id": 7}
        socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 8}))
        assert received(socket) == {"result": [key], "id": 8}
        socket.send("not json")
        assert received(socket)["code"] == 3
        post(served, "/papi/v1/margin/repay-debt", "asset=BNB&amount=0.1&specifyRepayAssets=USDT")
        message = received(socket)
        assert (message["stream"], message["data"]["e"]) == (key, "liabilityChange")
        socket.send(json.dumps({"method": "UNSUBSCRIBE", "params": [key], "id": 9}))
        while "result" not in (message := received(socket)):
            pass
        assert message == {"result": None, "id": 9}


def test_unknown_keys_are_turned_away(served: SocketSandbox) -> None:
    """The handshake is refused with 404."""
    with pytest.raises(InvalidStatus) as caught:
        connect(served.url.replace("http", "ws") + "/pm/ws/" + "0" * 64)
    assert caught.value.response.status_code == 404


def test_connections_can_be_dropped_from_outside(served: SocketSandbox) -> None:
    """As in a maintenance; the key stays and a new connection works."""
    key = post(served, KEY_PATH)["listenKey"]
    url = served.url.replace("http", "ws") + "/pm/ws/" + key
    with connect(url) as socket:
        assert httpx.delete(served.url + "/_sandbox/streams").json() == {"dropped": 1}
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)
    with connect(url):
        pass
