"""Borrowing, plain repayment, interest, ceilings and the records of all of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from paydown_sandbox.bundled_document import Document
from paydown_sandbox.http_messages import Retry
from tests.sandbox.signer import NOW_MS, Caller, calling, one_account

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
LOAN, REPAY_LOAN = "/papi/v1/marginLoan", "/papi/v1/repayLoan"
LOANS, REPAYMENTS = "/papi/v1/margin/marginLoan", "/papi/v1/margin/repayLoan"
INTEREST = "/papi/v1/margin/marginInterestHistory"
FLOW = "/sapi/v1/margin/capital-flow"


def test_borrowing_adds_debt_and_free_balance_and_leaves_a_record(caller: Caller) -> None:
    """The answer's id finds the loan again."""
    tran_id = caller.signed("POST", LOAN, "asset=ETH&amount=2".replace("ETH", "BTC")).json["tranId"]

    assert caller.balance("BTC")["crossMarginFree"] == Decimal("2.5")
    assert caller.debt("BTC") == 2
    found = caller.signed("GET", LOANS, f"asset=BTC&txId={tran_id}").json
    assert found == {
        "rows": [
            {
                "txId": tran_id,
                "asset": "BTC",
                "principal": "2.00000000",
                "timestamp": NOW_MS,
                "status": "CONFIRMED",
            }
        ],
        "total": 1,
    }


def test_repay_loan_pays_interest_first_in_the_asset_itself(document: Document) -> None:
    """0.5 of 1 + 0.01 BNB: the interest goes first, and the record splits the two."""
    caller = calling(document, accounts=one_account(BNB={"free": "2", "borrowed": "1", "interest": "0.01"}))
    tran_id = caller.signed("POST", REPAY_LOAN, "asset=BNB&amount=0.5").json["tranId"]

    row = caller.signed("GET", REPAYMENTS, f"asset=BNB&txId={tran_id}").json["rows"][0]
    assert {name: row[name] for name in ("amount", "interest", "principal", "status", "asset")} == {
        "amount": "0.50000000",
        "interest": "0.01000000",
        "principal": "0.49000000",
        "status": "CONFIRMED",
        "asset": "BNB",
    }
    assert caller.debt("BNB") == Decimal("0.51")
    assert caller.balance("BNB")["crossMarginFree"] == Decimal("1.5")


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        (REPAY_LOAN, "asset=BNB&amount=2", -3015),
        (REPAY_LOAN, "asset=BNB&amount=1", -2018),
        (REPAY_LOAN, "asset=BTC&amount=1", -3015),
        (REPAY_LOAN, "asset=NOSUCH&amount=1", -1108),
        (REPAY_LOAN, "asset=BNB", -1102),
        (LOAN, "asset=NOSUCH&amount=1", -1108),
        (LOAN, "asset=BNB&amount=1000000", 51006),
        (LOAN, "asset=BNB&amount=0", -1102),
    ],
)
def test_refused_debt_calls_change_nothing(caller: Caller, path: str, text: str, code: int) -> None:
    """Every refusal has its documented code and leaves no trace in the books."""
    answer = caller.signed("POST", path, text)

    assert (answer.status, answer.code) == (400, code)
    assert not list(caller.exchange.lines)
    assert not list(caller.exchange.records)


def test_the_lending_pool_can_be_closed_empty_or_small(document: Document) -> None:
    """51014 for a closed asset, 51061 for a pool that is too small, also on the ceiling call."""
    caller = calling(document, lendable={"BTC": "0", "USDT": "5"}, borrow_closed=["BNB"])

    assert caller.signed("POST", LOAN, "asset=BNB&amount=1").code == 51014
    assert caller.signed("POST", LOAN, "asset=BTC&amount=1").code == 51061
    assert caller.signed("GET", "/papi/v1/margin/maxBorrowable", "asset=BTC").code == 51061
    assert caller.signed("POST", LOAN, "asset=USDT&amount=5.00000001").code == 51061
    assert caller.signed("POST", LOAN, "asset=USDT&amount=5").status == 200
    assert caller.signed("POST", LOAN, "asset=USDT&amount=0.00000001").code == 51061


def test_ceilings_are_what_can_be_done(document: Document) -> None:
    """The largest amount named by the ceiling call can be borrowed, and one unit more cannot."""
    caller = calling(document, borrow_limits={"BNB": "60"})
    ceiling = caller.signed("GET", "/papi/v1/margin/maxBorrowable", "asset=BNB").json
    assert ceiling == {"amount": "58.50000000", "borrowLimit": "60"}

    assert caller.signed("POST", LOAN, "asset=BNB&amount=58.50000001").code == 51006
    assert caller.signed("POST", LOAN, "asset=BNB&amount=58.5").status == 200
    held = caller.signed("GET", "/papi/v1/margin/maxWithdraw", "asset=BTC").json["amount"]
    assert Decimal(held) == Decimal("0.5")


def test_an_account_in_liquidation_cannot_borrow(document: Document) -> None:
    """51068 while the account is being liquidated; repaying still works."""
    accounts: Any = one_account(BNB={"free": "1", "borrowed": "1"}, USDT={"free": "1"})
    accounts[0]["status"] = "FORCE_LIQUIDATION"
    caller = calling(document, accounts=accounts)

    assert caller.signed("POST", LOAN, "asset=USDT&amount=1").code == 51068
    assert caller.signed("POST", REPAY_LOAN, "asset=BNB&amount=1").status == 200


def test_interest_is_charged_at_each_full_hour(document: Document) -> None:
    """45.3313 x 0.00013233 / 24 = 0.00024995, the published example, once per full hour."""
    caller = calling(
        document,
        accounts=one_account(USDT={"free": "1000", "borrowed": "45.3313"}),
        interest={"daily_rates": {"USDT": "0.00013233"}},
    )
    clock = caller.exchange.clock
    clock.advance(HOUR_MS - 1)
    assert caller.debt("USDT") == Decimal("45.3313")
    clock.advance(1)
    assert caller.debt("USDT") == Decimal("45.33154995")
    clock.advance(23 * HOUR_MS)
    assert caller.debt("USDT") == Decimal("45.3313") + 24 * Decimal("0.00024995")

    page = caller.signed("GET", INTEREST, "asset=USDT&size=100").json
    assert page["total"] == 24
    newest = page["rows"][0]
    assert newest["interestAccuredTime"] == NOW_MS + 24 * HOUR_MS
    assert newest["txId"] > 2**53
    assert {name: newest[name] for name in ("interest", "interestRate", "principal", "type", "rawAsset")} == {
        "interest": "0.00024995",
        "interestRate": "0.00013233",
        "principal": "45.3313",
        "type": "PERIODIC",
        "rawAsset": "USDT",
    }


def test_borrowing_charges_the_first_hour_at_once(document: Document) -> None:
    """ON_BORROW comes with the loan itself and counts what was borrowed, not the debt before it."""
    caller = calling(document, interest={"default_daily_rate": "0.0024"})
    caller.signed("POST", LOAN, "asset=BTC&amount=1")

    rows = caller.signed("GET", INTEREST, "asset=BTC").json["rows"]
    assert [(row["type"], row["interest"]) for row in rows] == [("ON_BORROW", "0.00010000")]
    assert caller.debt("BTC") == Decimal("1.0001")


def test_a_long_jump_gives_the_same_books_as_many_small_ones(document: Document) -> None:
    """Interest over 30 days is the same whether the clock jumps or creeps."""
    rates = {"default_daily_rate": "0.0005"}
    jump, creep = (calling(document, interest=rates) for _ in range(2))
    jump.exchange.clock.advance(30 * DAY_MS)
    for _ in range(60):
        creep.exchange.clock.advance(DAY_MS // 2)
        creep.raw("GET", "/papi/v1/ping")
    assert jump.debt("BNB") == creep.debt("BNB") > Decimal("1.501")


def test_scripted_prices_arrive_on_time(document: Document) -> None:
    """A price path is a list of moments: each holds until the next."""
    path = {"BNB": [{"at_ms": NOW_MS + 1000, "price": "500"}, {"at_ms": NOW_MS + 2000, "price": "700.5"}]}
    caller = calling(document, price_paths=path)
    seen: list[str] = []
    for _ in range(4):
        row = caller.raw("GET", "/sapi/v1/portfolio/asset-index-price", query="asset=BNB").json[0]
        seen.append(row["assetIndexPrice"])
        caller.exchange.clock.advance(999)
    assert seen == ["600", "600", "500", "700.5"]
    caller.repay("asset=BNB&amount=1&specifyRepayAssets=USDT")
    assert caller.balance("USDT")["crossMarginFree"] == Decimal("249299.5")


def test_records_are_paged_newest_first(document: Document) -> None:
    """25 loans are three pages of ten; ids fall, nothing is lost or doubled, total counts all."""
    caller = calling(document)
    ids: list[int] = []
    for _ in range(25):
        ids.append(caller.signed("POST", LOAN, "asset=BTC&amount=0.001").json["tranId"])
        caller.exchange.clock.advance(1000)
    pages = [
        caller.signed("GET", LOANS, f"asset=BTC&startTime={NOW_MS}&current={page}").json
        for page in (1, 2, 3, 4)
    ]
    assert [len(page["rows"]) for page in pages] == [10, 10, 5, 0]
    assert {page["total"] for page in pages} == {25}
    assert [row["txId"] for page in pages for row in page["rows"]] == ids[::-1]


def test_record_windows_follow_the_pages(document: Document) -> None:
    """No times: 7 days. Start only: up to now, at most 30 days. End only: 7 days before it. Too long: -4165."""
    caller = calling(document)
    for _ in range(10):  # one loan every five days
        caller.signed("POST", LOAN, "asset=BTC&amount=0.001")
        caller.exchange.clock.advance(5 * DAY_MS)
    now = caller.exchange.clock.now_ms()

    def count(text: str) -> int:
        return int(caller.signed("GET", LOANS, f"asset=BTC&{text}".rstrip("&")).json["total"])

    assert count("") == 1
    assert count(f"startTime={now - 5 * DAY_MS}") == 1
    assert count(f"startTime={now - 50 * DAY_MS}") == 6
    assert count(f"endTime={now - 10 * DAY_MS}") == 2
    assert count(f"startTime={now - 30 * DAY_MS}&endTime={now}") == 6
    too_long = caller.signed("GET", LOANS, f"asset=BTC&startTime={now - 30 * DAY_MS - 1}&endTime={now}")
    assert too_long.code == -4165
    assert "30 days" in too_long.json["msg"]
    reversed_times = caller.signed("GET", LOANS, f"asset=BTC&startTime={now}&endTime={now - 1}")
    assert reversed_times.code == -1023


def test_old_records_are_archived(document: Document) -> None:
    """Older than six months: only with archived=true; younger: only without."""
    caller = calling(document)
    caller.signed("POST", LOAN, "asset=BTC&amount=0.001")
    caller.exchange.clock.advance(200 * DAY_MS)
    window = f"asset=BTC&startTime={NOW_MS - 1}&endTime={NOW_MS + 1}"

    assert caller.signed("GET", LOANS, window).json["total"] == 0
    assert caller.signed("GET", LOANS, f"{window}&archived=true").json["total"] == 1
    assert caller.signed("GET", LOANS, f"{window}&archived=yes").code == -1130


def test_a_filter_can_be_demanded(document: Document) -> None:
    """The page demands txId or startTime and yet answers without: the option refuses."""
    caller = calling(document, options={"records-without-filter": "reject"})
    assert caller.signed("GET", LOANS, "asset=BTC").code == -1102
    assert caller.signed("GET", LOANS, f"asset=BTC&startTime={NOW_MS}").status == 200


@pytest.mark.parametrize(("option", "expected"), [("none", 0), ("record", 1)])
def test_repay_debt_leaves_a_record_only_if_asked(document: Document, option: str, expected: int) -> None:
    """No page states whether repay-debt leaves a record: by default a record search finds none."""
    caller = calling(document, options={"repay-debt-record": option})
    caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    assert caller.signed("GET", REPAYMENTS, "asset=BNB").json["total"] == expected


def test_the_capital_flow_lists_movements_with_their_sign(document: Document) -> None:
    """Borrowed plus, repaid minus; rows can be continued after an id, and 7 days is the longest window."""
    caller = calling(document, options={"repay-debt-flow": "row"})
    caller.signed("POST", LOAN, "asset=BTC&amount=0.1")
    caller.signed("POST", REPAY_LOAN, "asset=BTC&amount=0.04")
    caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")

    rows = caller.signed("GET", FLOW).json
    assert [(row["type"], row["asset"], row["amount"]) for row in rows] == [
        ("REPAY", "BNB", "-0.10000000"),
        ("REPAY", "BTC", "-0.04000000"),
        ("BORROW", "BTC", "0.10000000"),
    ]
    assert [row["type"] for row in caller.signed("GET", FLOW, "asset=BTC&type=REPAY").json] == ["REPAY"]
    after = caller.signed("GET", FLOW, f"fromId={rows[2]['id']}&limit=1").json
    assert [row["id"] for row in after] == [rows[1]["id"]]
    too_long = caller.signed("GET", FLOW, f"startTime={NOW_MS - 7 * DAY_MS - 1}&endTime={NOW_MS}")
    assert too_long.code == -4047
    assert "7 days" in too_long.json["msg"]


def test_two_debt_calls_at_once_meet_51007(document: Document) -> None:
    """While the answer of one is held back, another borrow or repayment of the account is refused."""
    caller = calling(document, options={"debt-call-ms": "500"})
    first = caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    assert (first.status, first.raw.delay_ms) == (200, 500)

    second = caller.signed("POST", LOAN, "asset=BTC&amount=0.1")
    assert (second.status, second.code) == (400, 51007)
    caller.exchange.clock.advance(500)
    assert caller.signed("POST", LOAN, "asset=BTC&amount=0.1").status == 200
    assert caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT").code == 51007
    caller.exchange.release("a")
    assert caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT").status == 200


def test_a_debt_call_under_way_keeps_its_own_account_back_alone(document: Document) -> None:
    """While the answer of one account is held back, another account borrows and repays."""
    owed = {"BNB": {"borrowed": "1"}, "USDT": {"free": "1000"}}
    key = {"api_key": "other-key", "type": "hmac", "secret_or_public_key": "test-secret"}
    others = {"id": "b", "keys": [key], "balances": owed}
    caller = calling(document, accounts=[*one_account(**owed), others], options={"debt-call-ms": "500"})
    other = Caller(caller.exchange, key="other-key")
    assert caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT").status == 200

    assert other.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT").status == 200
    assert caller.signed("POST", LOAN, "asset=BTC&amount=0.001").code == 51007


def test_debt_calls_can_queue_instead(document: Document) -> None:
    """With `concurrent-repay` queue the second call is handed in again when the first is done."""
    caller = calling(document, options={"debt-call-ms": "500", "concurrent-repay": "queue"})
    caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    second = caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    assert isinstance(second.raw, Retry)
    assert second.raw.delay_ms == 500
    assert caller.debt("BNB") == Decimal("1.401")


def test_account_status_follows_the_collateral(document: Document) -> None:
    """As BTC falls the account goes from NORMAL through every documented level."""
    balances = {"BTC": {"free": "1"}, "USDT": {"borrowed": "20000"}}
    caller = calling(document, accounts=one_account(**balances), collateral={"default_collateral_rate": "1"})
    seen: list[str] = []
    for price in ("60000", "21400", "21100", "21010", "19000"):
        caller.exchange.set_prices({"BTC": Decimal(price)})
        seen.append(caller.signed("GET", "/papi/v1/account").json["accountStatus"])
    assert seen == ["NORMAL", "MARGIN_CALL", "REDUCE_ONLY", "FORCE_LIQUIDATION", "BANKRUPTED"]
