"""Negative futures balances, the futures wallets, and the switch."""

from __future__ import annotations

from decimal import Decimal

import pytest

from paydown_sandbox.bundled_document import Document
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox_clock import Clock
from tests.sandbox.signer import NOW_MS, Caller, state_with

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NEGATIVE = "/papi/v1/repay-futures-negative-balance"


def calling(document: Document, balances: dict[str, dict[str, str]], **members: object) -> Caller:
    """A caller of an exchange with one account with these balances."""
    key = {"api_key": "test-key", "type": "hmac", "secret_or_public_key": "test-secret"}
    accounts = [{"id": "a", "keys": [key], "balances": balances, "auto_repay_futures": False}]
    return Caller(Exchange(state_with(accounts=accounts, **members), document=document, clock=Clock(NOW_MS)))


def test_negative_balances_are_repaid_all_or_none(document: Document) -> None:
    """Each from its own free balance; if one is short, -4050 and none is touched."""
    caller = calling(document, {"USDT": {"free": "10", "negative": "4"}, "BNB": {"negative": "1"}})

    assert caller.signed("POST", NEGATIVE).code == -4050
    assert caller.balance("USDT")["negativeBalance"] == 4
    caller.exchange.set_position("a", "BNB", {"free": Decimal(3)})
    assert caller.signed("POST", NEGATIVE).json == {"msg": "success"}
    assert caller.balance("USDT")["negativeBalance"] == 0
    assert caller.balance("USDT")["crossMarginFree"] == 6
    assert caller.balance("BNB")["crossMarginFree"] == 2
    assert caller.exchange.world.ledger.imbalance() == {}


def test_interest_on_negative_balances_is_charged_daily(document: Document) -> None:
    """210000 x 0.0001164 = 24.444, the published example, at 00:00 UTC."""
    caller = calling(
        document, {"USDT": {"negative": "210000"}}, interest={"negative_daily_rate": "0.0001164"}
    )
    caller.exchange.clock.advance(DAY_MS)

    rows = caller.signed("GET", "/papi/v1/portfolio/interest-history").json
    assert rows == [
        {
            "asset": "USDT",
            "interest": "24.44400000",
            "interestAccuredTime": NOW_MS + DAY_MS,
            "interestRate": "0.0001164",
            "principal": "210000",
        }
    ]
    assert caller.balance("USDT")["negativeBalance"] == Decimal("210024.444")
    assert caller.exchange.world.ledger.imbalance() == {}


def test_automatic_repayment_follows_the_switch(document: Document) -> None:
    """Off at first: nothing happens; switched on, free balance covers the hole twice a day."""
    caller = calling(document, {"USDT": {"free": "3", "negative": "5"}})
    path = "/papi/v1/repay-futures-switch"
    caller.exchange.clock.advance(DAY_MS)
    assert caller.balance("USDT")["negativeBalance"] == 5

    assert caller.signed("GET", path).json == {"autoRepay": False}
    assert caller.signed("POST", path, "autoRepay=true").json == {"msg": "success"}
    assert caller.signed("GET", path).json == {"autoRepay": True}
    caller.exchange.clock.advance(12 * HOUR_MS)
    assert caller.balance("USDT")["negativeBalance"] == 2
    assert caller.signed("POST", path, "autoRepay=True").code == -1130


def test_a_hole_above_its_threshold_is_covered_by_selling(document: Document) -> None:
    """The record's two amounts are JSON numbers, digit for digit."""
    caller = calling(
        document,
        {"USDT": {"free": "5000"}, "BNB": {"negative": "1.10264488"}},
        negative_thresholds={"BNB": "0.5"},
    )
    caller.exchange.clock.advance(HOUR_MS)

    answer = caller.signed(
        "GET",
        "/papi/v1/portfolio/negative-balance-exchange-record",
        f"startTime={NOW_MS}&endTime={NOW_MS + DAY_MS}",
    )
    assert b'"negativeBalance":1.10264488,"negativeMaxThreshold":0.5' in answer.body
    assert answer.json["total"] == 1
    assert caller.balance("USDT")["crossMarginFree"] == Decimal("5000") - Decimal("1.10264488") * 600
    assert caller.exchange.world.ledger.imbalance() == {}


@pytest.mark.parametrize(
    ("hole", "usdt", "covered"),
    [
        ("0.5", {"free": "5000"}, False),
        ("0.50000001", {"free": "5000"}, True),
        ("1", {"free": "599", "locked": "5000"}, False),
        ("1", {"free": "600", "locked": "5000"}, True),
    ],
)
def test_only_a_hole_above_its_threshold_is_covered_and_only_by_what_is_free(
    document: Document, hole: str, usdt: dict[str, str], covered: bool
) -> None:
    """At the threshold nothing is sold, and what an order has locked is never sold."""
    caller = calling(document, {"USDT": usdt, "BNB": {"negative": hole}}, negative_thresholds={"BNB": "0.5"})
    caller.exchange.clock.advance(HOUR_MS)

    assert caller.balance("BNB")["negativeBalance"] == (0 if covered else Decimal(hole))
    assert caller.balance("USDT")["crossMarginLocked"] == Decimal(usdt.get("locked", "0"))
    assert caller.exchange.world.ledger.imbalance() == {}


def test_collection_moves_the_futures_wallets(document: Document) -> None:
    """Everything but the BNB of the USD-M wallet; a single asset on request, and never BNB."""
    wallets = {"BNB": {"um": "1", "cm": "2"}, "USDT": {"um": "10", "cm": "20"}, "BTC": {"um": "0.5"}}
    caller = calling(document, wallets)

    assert caller.signed("POST", "/papi/v1/asset-collection", "asset=BNB").code == -1108
    assert caller.signed("POST", "/papi/v1/asset-collection", "asset=BTC").json == {"msg": "success"}
    assert caller.balance("BTC")["crossMarginFree"] == Decimal("0.5")
    assert caller.balance("USDT")["crossMarginFree"] == 0
    assert caller.signed("POST", "/papi/v1/auto-collection").json == {"msg": "success"}
    assert caller.balance("USDT")["crossMarginFree"] == 30
    assert caller.balance("BNB")["crossMarginFree"] == 2


def test_bnb_moves_between_the_wallets(document: Document) -> None:
    """There and back; more than there is gets a code per direction."""
    caller = calling(document, {"BNB": {"free": "3", "um": "1"}})
    path = "/papi/v1/bnb-transfer"

    assert isinstance(caller.signed("POST", path, "amount=2&transferSide=TO_UM").json["tranId"], int)
    assert caller.balance("BNB")["crossMarginFree"] == 1
    assert caller.signed("POST", path, "amount=2&transferSide=TO_UM").code == -4050
    assert caller.signed("POST", path, "amount=4&transferSide=FROM_UM").code == -2018
    assert caller.signed("POST", path, "amount=3&transferSide=FROM_UM").status == 200
    assert caller.balance("BNB")["crossMarginFree"] == 4
    assert caller.signed("POST", path, "amount=1&transferSide=SIDEWAYS").code == -1130


def test_the_order_limit_is_told(document: Document) -> None:
    """The limit only, not the count."""
    caller = calling(document, {})
    assert caller.signed("GET", "/papi/v1/rateLimit/order").json == [
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200}
    ]


def test_a_required_time_that_is_no_number_is_malformed(document: Document) -> None:
    """-1102 is documented for required values, missing, empty or malformed."""
    caller = calling(document, {})
    answer = caller.signed(
        "GET", "/papi/v1/portfolio/negative-balance-exchange-record", f"startTime=soon&endTime={NOW_MS}"
    )

    assert (answer.status, answer.code) == (400, -1102)


def test_the_dust_of_an_automatic_exchange_goes_to_the_house_to_the_last_digit(document: Document) -> None:
    """What was sold is worth what was owed and the dust, exactly; no digit is gained or lost."""
    caller = calling(
        document,
        {"BTC": {"free": "1"}, "BNB": {"negative": "1.10264488"}},
        negative_thresholds={"BNB": "0.5"},
        prices_usd={"BNB": "601.37", "BTC": "61234.56789"},
    )
    ledger = caller.exchange.world.ledger
    before = ledger.dust_usd
    caller.exchange.clock.advance(DAY_MS)

    assert caller.balance("BNB")["negativeBalance"] == 0
    sold = Decimal(1) - ledger.accounts["a"].holding("BTC").free
    owed = Decimal("1.10264488") * Decimal("601.37")
    assert ledger.dust_usd - before == sold * Decimal("61234.56789") - owed
    assert 0 < ledger.dust_usd - before < Decimal("0.00000001") * Decimal("61234.56789")
    assert ledger.imbalance() == {}
