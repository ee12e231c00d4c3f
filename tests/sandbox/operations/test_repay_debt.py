"""repay-debt by its four published rules, and by our choices where nothing is published."""

from __future__ import annotations

from decimal import Decimal

import pytest

from paydown_sandbox.bundled_document import Document
from tests.sandbox.signer import NOW_MS, REPAY, Caller, calling, one_account


def test_amount_is_repaid_exactly_with_the_named_asset(caller: Caller) -> None:
    """0.1 BNB at 600 USD costs 60 USDT, and the answer echoes the text of the amount."""
    answer = caller.repay("asset=BNB&amount=0.10000000&specifyRepayAssets=USDT%2CBTC")

    assert answer.status == 200
    assert answer.json == {
        "amount": "0.10000000",
        "asset": "BNB",
        "specifyRepayAssets": ["USDT", "BTC"],
        "updateTime": NOW_MS,
        "success": True,
    }
    assert caller.debt("BNB") == Decimal("1.401")
    assert caller.balance("USDT")["crossMarginFree"] == Decimal("249940")
    assert caller.balance("BTC")["crossMarginFree"] == Decimal("0.5")


def test_interest_is_paid_before_principal(caller: Caller) -> None:
    """Of 0.1 BNB the first 0.001 goes to the interest."""
    caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")

    found = caller.balance("BNB")
    assert found["crossMarginInterest"] == 0
    assert found["crossMarginBorrowed"] == Decimal("1.401")


def test_whole_debt_is_repaid_without_an_amount_and_the_answer_names_none(caller: Caller) -> None:
    """As seen live: a repay-all succeeds and its answer has no `amount`."""
    answer = caller.repay("asset=BNB&specifyRepayAssets=USDT")

    assert answer.json["success"] is True
    assert "amount" not in answer.json
    assert caller.debt("BNB") == 0


def test_whole_debt_amount_is_named_when_the_option_asks_for_it(document: Document) -> None:
    """The option `whole-debt-answer-amount` puts the amount into the answer of a repay-all."""
    caller = calling(document, options={"whole-debt-answer-amount": "present"})

    assert caller.repay("asset=BNB&specifyRepayAssets=USDT").json["amount"] == "1.501"


def test_the_owed_asset_is_spent_first_even_if_it_is_not_named(document: Document) -> None:
    """Rule 4: 0.06 BNB held goes first, USDT pays the rest."""
    balances = {"BNB": {"free": "0.06", "borrowed": "0.1"}, "USDT": {"free": "100"}}
    caller = calling(document, accounts=one_account(**balances))

    assert caller.repay("asset=BNB&specifyRepayAssets=USDT").status == 200
    assert caller.balance("BNB")["crossMarginFree"] == 0
    assert caller.balance("USDT")["crossMarginFree"] == Decimal("76")


def test_named_assets_pay_in_the_order_in_which_they_are_named(document: Document) -> None:
    """BTC is emptied before USDT when it is named first."""
    balances = {"BNB": {"borrowed": "1"}, "USDT": {"free": "1000"}, "BTC": {"free": "0.005"}}
    caller = calling(document, accounts=one_account(**balances))

    caller.repay("asset=BNB&specifyRepayAssets=BTC%2CUSDT")
    assert caller.balance("BTC")["crossMarginFree"] == 0
    assert caller.balance("USDT")["crossMarginFree"] == Decimal("700")


def test_unnamed_assets_pay_nothing(caller: Caller) -> None:
    """Without a list only the owed asset itself pays, so an empty balance of it is not enough."""
    answer = caller.repay("asset=BNB&amount=0.1")

    assert (answer.status, answer.code) == (400, -2018)
    assert caller.debt("BNB") == Decimal("1.501")


def test_insufficient_payment_assets_change_nothing(document: Document) -> None:
    """All or nothing: 10 USDT cannot pay 60, so not even those 10 are taken."""
    balances = {"BNB": {"borrowed": "0.1"}, "USDT": {"free": "10"}}
    caller = calling(document, accounts=one_account(**balances))

    answer = caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")

    assert (answer.status, answer.code) == (400, -2018)
    assert caller.balance("USDT")["crossMarginFree"] == Decimal("10")
    assert caller.debt("BNB") == Decimal("0.1")


def test_partial_repayment_happens_when_the_option_asks_for_it(document: Document) -> None:
    """With `insufficient-whole-debt` = partial, 200 and success come with debt left over."""
    balances = {"BNB": {"borrowed": "0.1"}, "USDT": {"free": "30"}}
    caller = calling(
        document, accounts=one_account(**balances), options={"insufficient-whole-debt": "partial"}
    )

    answer = caller.repay("asset=BNB&specifyRepayAssets=USDT")

    assert answer.json["success"] is True
    assert caller.debt("BNB") == Decimal("0.05")


@pytest.mark.parametrize(("amount", "status"), [("83.33333333", 200), ("83.33333334", 400)])
def test_one_repayment_is_worth_at_most_50000_usd(document: Document, amount: str, status: int) -> None:
    """At 600 USD, 83.33333333 BNB are 49,999.999998 USD and the next unit is above the cap."""
    balances = {"BNB": {"borrowed": "100"}, "USDT": {"free": "100000"}}
    caller = calling(document, accounts=one_account(**balances))

    assert caller.repay(f"asset=BNB&amount={amount}&specifyRepayAssets=USDT").status == status


def test_the_cap_itself_is_allowed(document: Document) -> None:
    """The limit is included: exactly 50,000 USD pass, and one unit of the eighth digit more does not."""
    balances = {"USDC": {"borrowed": "60000"}, "USDT": {"free": "60000"}}
    prices = {"USDC": "1", "USDT": "1"}
    caller = calling(document, accounts=one_account(**balances), prices_usd=prices)

    above = caller.repay("asset=USDC&amount=50000.00000001&specifyRepayAssets=USDT")
    assert (above.status, above.code) == (400, -1130)
    assert caller.repay("asset=USDC&amount=50000&specifyRepayAssets=USDT").status == 200


def test_amount_above_the_debt_is_refused(caller: Caller) -> None:
    """An amount is clipped only where an option demands it."""
    answer = caller.repay("asset=BNB&amount=1.50100001&specifyRepayAssets=USDT")

    assert (answer.status, answer.code) == (400, -3015)
    assert caller.debt("BNB") == Decimal("1.501")


def test_nothing_owed_is_refused(caller: Caller) -> None:
    """An asset without a debt cannot be repaid."""
    assert caller.repay("asset=BTC&specifyRepayAssets=USDT").code == -3015


def test_unknown_assets_are_refused(caller: Caller) -> None:
    """An unheard-of asset is -1108 as the debt and -1130 in the list of payment assets."""
    assert caller.repay("asset=NOSUCH").code == -1108
    assert caller.repay("asset=BNB&specifyRepayAssets=NOSUCH").code == -1130


def test_conversion_dust_goes_to_the_house(document: Document) -> None:
    """1 BNB at 600 USD costs 0.20000000066... of an asset at 2999.99999 USD: the payer rounds up."""
    balances = {"BNB": {"borrowed": "1"}, "ETH": {"free": "1"}}
    prices = {"BNB": "600", "ETH": "2999.99999"}
    caller = calling(document, accounts=one_account(**balances), prices_usd=prices)

    assert caller.repay("asset=BNB&amount=1&specifyRepayAssets=ETH").status == 200

    paid = 1 - caller.balance("ETH")["crossMarginFree"]
    assert paid == Decimal("0.20000001")
    ledger = caller.exchange.world.ledger
    assert ledger.dust_usd == paid * Decimal("2999.99999") - 600
    assert 0 < ledger.dust_usd < Decimal("0.00000001") * 3000
    assert ledger.imbalance() == {}


def test_the_ledger_line_proves_what_moved(caller: Caller) -> None:
    """One repayment leaves one line that names every transfer and both parts of the debt."""
    caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")

    (line,) = caller.exchange.lines
    assert (line.account, line.operation, line.asset) == ("a", "repayDebt", "BNB")
    assert (line.interest, line.principal) == (Decimal("0.001"), Decimal("0.099"))
    assert [(t.asset, t.amount, t.source, t.target) for t in line.transfers] == [
        ("USDT", Decimal("60"), "a:free", "house:conversion"),
        ("BNB", Decimal("0.1"), "house:conversion", "house:pool"),
    ]


def test_query_body_and_mixed_transport_are_the_same_call(caller: Caller) -> None:
    """The official SDK sends the query of a POST, others a form body; a split over both works too."""
    from tests.sandbox.signer import digest

    full = f"asset=BNB&amount=0.1&specifyRepayAssets=USDT&timestamp={NOW_MS}"
    assert caller.raw("POST", REPAY, query=f"{full}&signature={digest(full)}").status == 200
    assert caller.raw("POST", REPAY, body=f"{full}&signature={digest(full)}").status == 200
    query, body = "asset=BNB&amount=0.1", f"specifyRepayAssets=USDT&timestamp={NOW_MS}"
    mixed = caller.raw("POST", REPAY, query=query, body=f"{body}&signature={digest(query + body)}")
    assert mixed.status == 200
    assert caller.debt("BNB") == Decimal("1.201")
