"""Weight, orders, 429 and bans."""

from __future__ import annotations

import pytest

from paydown_sandbox.bundled_document import Document
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.state.state_builder import StateBuilder, clean_state
from tests.sandbox.signer import NOW_MS, Caller, state_with

HEADER = "x-mbx-used-weight-1m"
BALANCE = "/papi/v1/balance"
SMALL = "asset=BNB&amount=0.00000001&specifyRepayAssets=USDT"


def limited(document: Document, weight: int = 6000, **members: object) -> Caller:
    """A caller of a sandbox with the published limits."""
    limits = {"weight_per_minute": weight, "orders_per_minute": 1200}
    return Caller(Exchange(state_with(limits=limits, **members), document=document, clock=Clock(NOW_MS)))


def test_limits_are_the_published_ones_unless_the_state_sets_others(document: Document) -> None:
    """A state without limits, and a builder's limit that is not named, have the document's numbers."""
    weight, orders = (document.limits[name]["limit"] for name in ("ip-weight", "orders"))

    default = Exchange(clean_state(), document=document).world.limits
    assert (default.weight_per_minute, default.orders_per_minute) == (weight, orders)
    for given in ({"weight_per_minute": 7}, {"orders_per_minute": 7}, {"weight_per_minute": 0}):
        built = StateBuilder().account("a").limit(**given).document()
        limits = Exchange(built, document=document).world.limits
        expected = {"weight_per_minute": weight, "orders_per_minute": orders, **given}
        assert {name: getattr(limits, name) for name in expected} == expected


def test_every_answer_shows_the_used_weight(document: Document) -> None:
    """Errors are charged like successes, and unknown paths are not charged at all."""
    caller = limited(document)

    assert caller.signed("GET", BALANCE).headers[HEADER] == "20"
    assert caller.signed("GET", BALANCE, "asset=NOSUCH").headers[HEADER] == "40"
    assert caller.raw("GET", BALANCE, headers={}).headers[HEADER] == "60"
    assert caller.raw("GET", "/nowhere").headers[HEADER] == "60"
    assert caller.raw("GET", "/papi/v1/ping").headers[HEADER] == "61"


def test_two_repayments_fill_a_minute_and_a_third_is_refused(document: Document) -> None:
    """3000 of 6000: the second call fits exactly, the third is answered 429 and executes nothing."""
    caller = limited(document)

    assert caller.repay(SMALL).status == 200
    assert caller.repay(SMALL).headers[HEADER] == "6000"
    refused = caller.repay(SMALL)
    assert (refused.status, refused.code) == (429, -1003)
    assert "6000" in refused.json["msg"]
    assert len(caller.exchange.lines) == 2


def test_the_sliding_minute_gives_weight_back_as_it_ages(document: Document) -> None:
    """What was spent 60 s ago no longer counts; what was spent 59.999 s ago still does."""
    caller = limited(document)
    clock = caller.exchange.clock
    caller.repay(SMALL)
    clock.advance(30_000)
    caller.repay(SMALL)

    clock.advance(29_999)
    assert caller.repay(SMALL).status == 429
    clock.advance(1)
    assert caller.repay(SMALL).status == 200
    assert caller.repay(SMALL).status == 429


def test_the_fixed_minute_starts_over_on_the_clock(document: Document) -> None:
    """With `limit-window` fixed, four repayments pass around the turn of a minute."""
    caller = limited(document, options={"limit-window": "fixed"})
    caller.exchange.clock.advance(59_999)

    assert [caller.repay(SMALL).status for _ in range(3)] == [200, 200, 429]
    caller.exchange.clock.advance(1)
    assert [caller.repay(SMALL).status for _ in range(3)] == [200, 200, 429]


def test_going_on_after_429_ends_in_bans_that_grow(document: Document) -> None:
    """Ten refusals, then 418 for two minutes, then for four; the text names the end."""
    caller = limited(document, weight=10)
    clock = caller.exchange.clock

    for expected_ms in (120_000, 240_000):
        statuses = [caller.signed("GET", BALANCE).status for _ in range(11)]
        assert statuses == [429] * 10 + [418]
        banned = caller.raw("GET", "/papi/v1/ping")
        assert banned.status == 418
        assert f"banned until {clock.now_ms() + expected_ms}" in banned.json["msg"]
        clock.advance(expected_ms - 1)
        assert caller.raw("GET", "/papi/v1/ping").status == 418
        clock.advance(1)
        assert caller.raw("GET", "/papi/v1/ping").status == 200
        clock.advance(60_000)


def test_bans_never_last_longer_than_three_days(document: Document) -> None:
    """Doubling stops at the documented maximum."""
    caller = limited(document, weight=0, options={"ban-after-429": "0"})
    lengths: list[int] = []
    for _ in range(14):
        text = caller.raw("GET", "/papi/v1/ping").json["msg"]
        until = int("".join(c for c in text.rpartition("until ")[2] if c.isdigit()))
        lengths.append(until - caller.exchange.clock.now_ms())
        caller.exchange.clock.set(until)
    assert lengths[:3] == [120_000, 240_000, 480_000]
    assert lengths[-1] == 259_200_000


def test_budgets_and_bans_are_per_address(document: Document) -> None:
    """Another address has a budget of its own."""
    caller = limited(document, weight=20)
    other = Caller(caller.exchange, ip="192.0.2.1")

    assert caller.signed("GET", BALANCE).status == 200
    assert caller.signed("GET", BALANCE).status == 429
    assert other.signed("GET", BALANCE).status == 200


@pytest.mark.parametrize("option", ["absent", "present"])
def test_retry_after_is_switchable(document: Document, option: str) -> None:
    """Not documented for this API: absent by default, whole seconds when asked for."""
    caller = limited(document, weight=20, options={"retry-after": option})
    caller.signed("GET", BALANCE)
    caller.exchange.clock.advance(500)

    answer = caller.signed("GET", BALANCE)
    assert answer.headers.get("retry-after") == (None if option == "absent" else "60")


def test_repayments_can_be_counted_as_orders(document: Document) -> None:
    """By option the order counter of the account goes up and is shown; IP weight is charged as well."""
    caller = limited(document, options={"repay-counts-as-order": "true"})
    answer = caller.repay(SMALL)
    assert (answer.headers["x-mbx-order-count-1m"], answer.headers[HEADER]) == ("1", "3000")


def test_repayment_weight_can_be_read_as_orders(document: Document) -> None:
    """With scope order, 3000 of 6000 are counted per account and the IP pays nothing."""
    caller = limited(document, repay_weight_scope="order")

    first = caller.repay(SMALL)
    assert (first.headers["x-mbx-order-count-1m"], first.headers[HEADER]) == ("3000", "0")
    assert caller.repay(SMALL).status == 200
    third = caller.repay(SMALL)
    assert (third.status, third.code) == (429, -1015)


def test_sapi_calls_have_pools_of_their_own(document: Document) -> None:
    """asset-index-price costs 50, or 1 with an asset, and touches no other budget."""
    caller = limited(document)
    price = "/sapi/v1/portfolio/asset-index-price"

    assert caller.raw("GET", price).headers["x-sapi-used-ip-weight-1m"] == "50"
    assert caller.raw("GET", price, query="asset=BNB").headers["x-sapi-used-ip-weight-1m"] == "51"
    assert caller.raw("GET", "/papi/v1/ping").headers[HEADER] == "1"


def test_hard_caps_per_call_are_kept(document: Document) -> None:
    """The auto-repay switch takes 20 calls a day; the 21st is answered 429 and changes nothing."""
    caller = limited(document, weight=10**9)
    path = "/papi/v1/repay-futures-switch"

    assert [caller.signed("POST", path, "autoRepay=false").status for _ in range(20)] == [200] * 20
    refused = caller.signed("POST", path, "autoRepay=true")
    assert (refused.status, refused.code) == (429, -1003)
    assert caller.signed("GET", path).json == {"autoRepay": False}
    caller.exchange.clock.advance(86_400_000)
    assert caller.signed("POST", path, "autoRepay=true").status == 200
