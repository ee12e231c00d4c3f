"""
The user data stream of the local exchange: after every call the events say what changed in the account, each
with every documented member, and nothing else does.
"""

import itertools
import json
from collections import Counter
from fractions import Fraction
from typing import Any

import jsonschema_rs
import pytest

from paydown_contract.document import Document
from paydown_contract.requests.raw_request import Request
from tests.contract.client.test_client_events import events
from tests.contract.sandbox.test_sandbox_rules import Caller
from tests.contract.support.asgi import Socket
from tests.contract.support.exchange import MAIN, NOW_MS, OTHER, Exchange, exchange, state
from tests.contract.support.model import plain

LISTEN = "/papi/v1/listenKey"
HOUR_MS = 3_600_000
Balances = dict[str, dict[str, Any]]

# Each call that moves something, and how it names what it does to a debt.
CALLS: list[tuple[str, str, dict[str, str], str | None]] = [
    ("POST", "/papi/v1/marginLoan", {"asset": "BNB", "amount": "1.5"}, "BORROW"),
    ("POST", "/papi/v1/marginLoan", {"asset": "BTC", "amount": "0.00000001"}, "BORROW"),
    ("POST", "/papi/v1/repayLoan", {"asset": "BNB", "amount": "0.25"}, "REPAY"),
    ("POST", "/papi/v1/repayLoan", {"asset": "BNB", "amount": "1.5"}, "REPAY"),
    ("POST", "/papi/v1/margin/repay-debt", {"asset": "ETH", "amount": "2"}, "REPAY"),
    (
        "POST",
        "/papi/v1/margin/repay-debt",
        {"asset": "BTC", "amount": "0.7", "specifyRepayAssets": "USDT"},
        "REPAY",
    ),
    (
        "POST",
        "/papi/v1/margin/repay-debt",
        {"asset": "1000SATS", "specifyRepayAssets": "BNB,USDT"},
        "REPAY",
    ),
    ("POST", "/papi/v1/bnb-transfer", {"amount": "0.5", "transferSide": "FROM_UM"}, None),
    ("POST", "/papi/v1/bnb-transfer", {"amount": "1.25", "transferSide": "TO_UM"}, None),
    ("POST", "/papi/v1/asset-collection", {"asset": "ETH"}, None),
    ("POST", "/papi/v1/auto-collection", {}, None),
    ("POST", "/papi/v1/repay-futures-negative-balance", {}, None),
]


def key_of(running: Exchange, caller: Caller) -> str:
    """A listen key."""
    answer = running.send(caller.request("POST", LISTEN))
    assert answer.status == 200, answer.body
    return str(answer.json()["listenKey"])


def test_events_say_what_each_call_changed(contract: Document) -> None:
    """
    Amounts, totals, ids and moments are those of the account before and after; the other account's stream
    stays silent, and so does this one's on reads and refusals.
    """
    with exchange() as running:
        running.install(state())
        caller, stranger = Caller(contract, running), Caller(contract, running, "S2")
        mine = running.server.listen(f"/pm/ws/{key_of(running, caller)}")
        theirs = running.server.listen(f"/ws/{key_of(running, stranger)}")
        assert mine.accepted
        assert theirs.accepted
        now, last_update = NOW_MS, 0
        for method, path, texts, kind in CALLS:
            now += 1000
            running.set_clock(now)
            caller = Caller(contract, running, now_ms=now)
            before = running.balances()[MAIN]
            answer = running.send(caller.request(method, path, texts))
            assert answer.status == 200, answer.body
            after = running.balances()[MAIN]
            told = mine.take()
            where = f"{path} {texts}: {json.dumps(told)}"
            assert told, where
            last_update = judge(contract, told, before, after, kind, now, last_update, where)
            for event in told:
                if event["e"] == "liabilityChange" and "tranId" in answer.json():
                    assert event["T"] == answer.json()["tranId"], where
        caller.get("/papi/v1/balance")
        caller.repay(asset="BNB", amount="1000000")
        running.send(Request("POST", "/papi/v1/margin/repay-debt"))
        assert mine.take() == []
        assert theirs.take() == []


def judge(
    contract: Document,
    told: list[Any],
    before: Balances,
    after: Balances,
    kind: str | None,
    now: int,
    last_update: int,
    where: str,
) -> int:
    """Hold the events of one call to the account before and after it; the last update id."""
    schemas = events(contract)
    for event in told:
        schema = schemas[event["e"]]
        errors = [error.message for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(event)]
        assert not errors, f"{errors}: {where}"
        assert set(event) == set(schema["properties"]), f"a member is missing or new: {where}"
        assert event["E"] == now, where
        assert event.get("T", now) == now or event["e"] == "liabilityChange", where
    nothing = dict.fromkeys(("free", "locked", "borrowed", "interest", "um", "cm", "negative"), "0")

    def change(asset: str, name: str) -> Fraction:
        old, new = nothing | before.get(asset, {}), nothing | after.get(asset, {})
        return plain(new[name]) - plain(old[name])

    assets = [*after]
    liabilities = {event["a"]: event for event in told if event["e"] == "liabilityChange"}
    owed = {name for name in assets if change(name, "borrowed") or change(name, "interest")}
    assert set(liabilities) == owed, where
    for name, event in liabilities.items():
        assert event["t"] == kind, where
        assert plain(event["p"]) == abs(change(name, "borrowed")), where
        assert plain(event["i"]) == abs(change(name, "interest")), where
        assert plain(event["l"]) == plain(after[name]["borrowed"]) + plain(after[name]["interest"]), where

    updates = [event for event in told if event["e"] == "balanceUpdate"]
    assert {event["a"]: plain(event["d"]) for event in updates} == {
        name: change(name, "free") for name in assets if change(name, "free")
    }, where
    assert all(count == 1 for count in Counter(event["a"] for event in updates).values()), where
    ids = [last_update, *(event["U"] for event in updates)]
    assert all(one < two for one, two in itertools.pairwise(ids)), where
    (position,) = [event for event in told if event["e"] == "outboundAccountPosition"]
    assert [(row["a"], plain(row["f"]), plain(row["l"])) for row in position["B"]] == [
        (event["a"], plain(after[event["a"]]["free"]), plain(after[event["a"]]["locked"]))
        for event in updates
    ], where
    assert (position["U"], position["u"]) == (ids[-1], now), where

    wallets = [event for event in told if event["e"] == "ACCOUNT_UPDATE"]
    moved = {
        (event["fs"], row["a"]): (plain(row["wb"]), plain(row["cw"]), plain(row["bc"]))
        for event in wallets
        for row in event["a"]["B"]
    }
    expected = {}
    for wallet in ("um", "cm"):
        for name in assets:
            if change(name, wallet):
                held = plain((nothing | after[name])[wallet])
                expected[wallet.upper(), name] = (held, held, change(name, wallet))
    assert moved == expected, where
    order = [event["e"] for event in told]
    assert order == sorted(
        order, key=["liabilityChange", "ACCOUNT_UPDATE", "balanceUpdate", "outboundAccountPosition"].index
    )
    return int(position["U"])


def test_interest_and_automatic_repayment_are_told(contract: Document) -> None:
    """
    An hour that passes by itself tells each charge with the total afterwards, and a risk level that rose
    once per level.
    """
    with exchange() as running:
        content = state()
        content["interest"] = {"default_daily_rate": "0.0024", "on_borrow": True}
        running.install(content)
        caller = Caller(contract, running)
        socket = running.server.listen(f"/pm/ws/{key_of(running, caller)}")
        before = running.balances()[MAIN]
        hour = NOW_MS - NOW_MS % HOUR_MS + HOUR_MS
        running.set_clock(hour)
        after = running.balances()[MAIN]
        told = [event for event in socket.take() if event["e"] == "liabilityChange"]
        assert {event["a"]: (plain(event["i"]), plain(event["l"])) for event in told} == {
            name: (
                plain(row["interest"]) - plain(before[name]["interest"]),
                plain(row["borrowed"]) + plain(row["interest"]),
            )
            for name, row in after.items()
            if row["interest"] != before[name]["interest"]
        }
        assert {(event["t"], event["E"], plain(event["p"])) for event in told} == {
            ("INTEREST", hour, Fraction(0))
        }
        assert all(event["T"] > 2**53 for event in told)


def test_a_rising_risk_is_told_once_per_level(contract: Document) -> None:
    """A price that falls through each threshold, recovers and falls again: only what became riskier is told."""
    with exchange() as running:
        content = state()
        content["accounts"][0]["balances"] = {
            "BTC": {"free": "2", "locked": "0", "borrowed": "0", "interest": "0"},
            "USDT": {"free": "0", "locked": "0", "borrowed": "20000", "interest": "0"},
        }
        content["collateral"] = {"default_collateral_rate": "0.5"}  # 2 BTC count as one
        running.install(content)
        caller = Caller(contract, running)
        socket = running.server.listen(f"/pm/ws/{key_of(running, caller)}")
        schema = events(contract)["riskLevelChange"]
        levels: list[tuple[str, Fraction]] = []
        for price in (
            "60000",
            "21400",
            "21400",
            "21100",
            "21010",
            "60000",
            "21100",
            "60000",
            "21400",
            "21100",
        ):
            running.control("POST", "prices", {"BTC": price})
            for event in socket.take():
                assert set(event) == set(schema["properties"])
                worth, actual = plain(price) - 20000, 2 * plain(price) - 20000
                assert (plain(event["eq"]), plain(event["ae"]), plain(event["m"])) == (worth, actual, 1000)
                levels.append((event["s"], plain(event["u"])))
        assert levels == [
            ("MARGIN_CALL", Fraction("1.4")),
            ("REDUCE_ONLY", Fraction("1.1")),
            ("FORCE_LIQUIDATION", Fraction("1.01")),
            ("REDUCE_ONLY", Fraction("1.1")),
            ("MARGIN_CALL", Fraction("1.4")),
            ("REDUCE_ONLY", Fraction("1.1")),
        ]


def test_a_listen_key_lives_an_hour_from_its_last_extension(contract: Document) -> None:
    """
    To the millisecond; the same key comes back while it lives, another after that; one account, one key;
    its end is told as the last event.
    """
    with exchange() as running:
        running.install(state())

        def call(method: str, now: int, key: str = "S1", **texts: str) -> Any:
            caller = Caller(contract, running, key, now)
            answer = running.send(caller.request(method, LISTEN, texts))
            return answer.json() if answer.status == 200 else (answer.status, answer.code)

        now = NOW_MS
        first = call("POST", now)["listenKey"]
        assert call("POST", now)["listenKey"] == first
        assert call("POST", now, "S2")["listenKey"] != first
        assert call("POST", now, "E1")["listenKey"] == first, "the key belongs to the account"
        socket = running.server.listen(f"/pm/ws/{first}")
        for method in ("PUT", "POST", "PUT"):
            now += HOUR_MS - 1
            running.set_clock(now)
            assert call(method, now) in ({}, {"listenKey": first})
        running.set_clock(now + HOUR_MS)
        assert socket.take() == [{"e": "listenKeyExpired", "E": now + HOUR_MS}]
        now += HOUR_MS
        assert call("PUT", now) == (400, -1125)
        assert call("DELETE", now) == (400, -1125)
        assert not running.server.listen(f"/pm/ws/{first}").accepted
        second = call("POST", now)["listenKey"]
        assert second != first
        socket = running.server.listen(f"/pm/ws/{second}")
        assert call("DELETE", now) == {}
        assert socket.take() == [{"e": "listenKeyExpired", "E": now}]
        assert call("PUT", now) == (400, -1125)
        assert OTHER in running.balances()


def subscribed(running: Exchange, key: str) -> Socket:
    """A connection of the other kind, that follows a key."""
    socket = running.server.listen("/pm/stream")
    assert socket.send({"method": "SUBSCRIBE", "params": [key], "id": 7}) == {"result": None, "id": 7}
    return socket


def test_streams_are_followed_by_message_too(contract: Document) -> None:
    """In an envelope that names the key; listed, left, and dropped from outside; nonsense is answered."""
    with exchange() as running:
        running.install(state())
        caller = Caller(contract, running)
        key = key_of(running, caller)
        by_message = subscribed(running, key)
        by_query = running.server.listen("/stream", f"streams={key}/nobody".encode())
        by_path = running.server.listen(f"/ws/{key}")
        assert by_message.send({"method": "LIST_SUBSCRIPTIONS", "id": 8}) == {"result": [key], "id": 8}
        assert by_query.send({"method": "LIST_SUBSCRIPTIONS", "id": 9}) == {"result": [key], "id": 9}
        assert by_message.send("not json")["code"] == 3
        assert by_message.send([])["code"] == 2
        assert by_message.send({"method": "NOPE", "id": 1})["code"] == 2
        assert caller.repay(asset="BNB", amount="0.25").status == 200
        bare = by_path.take()
        assert [event["e"] for event in bare] == [
            "liabilityChange",
            "balanceUpdate",
            "outboundAccountPosition",
        ]
        for socket in (by_message, by_query):
            assert socket.take() == [{"stream": key, "data": event} for event in bare]
        left = by_message.send({"method": "UNSUBSCRIBE", "params": [key, "nobody"], "id": 2})
        assert left == {"result": None, "id": 2}
        assert by_message.send({"method": "LIST_SUBSCRIPTIONS", "id": 8}) == {"result": [], "id": 8}
        assert caller.repay(asset="BNB", amount="0.25").status == 200
        assert by_message.take() == []
        assert len(by_query.take()) == len(by_path.take()) == 3
        assert not running.server.listen("/pm/ws/nobody").accepted
        assert not running.server.listen("/elsewhere").accepted
        assert running.control("DELETE", "streams") == {"dropped": 3}
        running.server.settle()
        assert by_path.closed
        by_message.close()
        by_query.close()
        assert running.server.listen(f"/ws/{key}").accepted


@pytest.mark.parametrize(
    "query",
    [
        "streams={0}/{1}",
        "streams={1}/{0}",
        "streams={0}&streams={1}",
        "streams=/{0}//{1}/nobody",
        "streams={1}%2F{0}",
    ],
)
def test_every_key_of_a_list_is_followed(query: str, contract: Document) -> None:
    """Whichever account does something: one connection hears of both, each event once and under its own key."""
    with exchange() as running:
        running.install(state())
        callers = [Caller(contract, running, key) for key in ("S1", "S2")]
        keys = [key_of(running, caller) for caller in callers]
        socket = running.server.listen("/pm/stream", query.format(*keys).encode())
        assert sorted(socket.send({"method": "LIST_SUBSCRIPTIONS", "id": 1})["result"]) == sorted(keys)
        for key, caller in zip(keys, callers, strict=True):
            alone = running.server.listen(f"/ws/{key}")
            assert caller.repay(asset="BNB", amount="0.25").status == 200
            told = alone.take()
            assert told
            assert socket.take() == [{"stream": key, "data": event} for event in told]
