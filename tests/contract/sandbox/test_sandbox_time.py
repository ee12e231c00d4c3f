"""
What happens by itself as the clock moves, against a model: interest, automatic repayment, scripted prices,
and the state of the account at each edge of it.
"""

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import pytest

from paydown_contract.document import Document
from tests.contract.sandbox.test_sandbox_rules import Caller, world
from tests.contract.support.exchange import MAIN, NOW_MS, Exchange, exchange, holding
from tests.contract.support.model import decimal_text, plain
from tests.contract.support.passage_model import DAY_MS, HOUR_MS, PassageModel, shown

PRICES = {"BNB": "600", "USDT": "1", "BTC": "60000", "ETH": "2500.5", "X7": "0.7"}
MIDNIGHT = NOW_MS - NOW_MS % DAY_MS + DAY_MS
AMOUNTS = ("amount", "interest", "interestRate", "principal", "negativeBalance", "negativeMaxThreshold")


def debts(**more: Any) -> dict[str, Any]:
    """A world that owes in every way, begun at a moment that is no full hour."""
    balances = {
        "BNB": holding("5", "45.3313", "0.5") | {"um": "2", "cm": "0.5"},
        "USDT": holding("900", "0", "3.25", "10") | {"negative": "12.5"},
        "BTC": holding("7", "0.00000007", "0"),
        "ETH": holding("0", "0.123456789012345678", "0") | {"negative": "40"},
        "X7": holding("3", "1000000", "0") | {"negative": "2"},
        "NOPRICE": holding("1", "10", "0") | {"negative": "0.5"},
    }
    content = world(
        balances,
        PRICES,
        interest={
            "default_daily_rate": "0.00013233",
            "daily_rates": {"BTC": "0.0000012", "X7": "0.0005"},
            "negative_daily_rate": "0.0003",
            "on_borrow": False,
        },
    )
    return content | more


def worlds() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every switch that time looks at."""
    yield "as it is", debts()
    yield "negative balances stay", without_auto_repay(debts())
    yield "three digits", debts(interest={"default_daily_rate": "0.01", "fraction_digits": 3})
    yield "many digits", debts(interest={"default_daily_rate": "0.00013233", "fraction_digits": 18})
    yield "no rate", debts(interest={})
    thresholds = {"ETH": "39.9", "USDT": "12.5", "X7": "1", "NOPRICE": "0.1"}
    yield "thresholds", without_auto_repay(debts(negative_thresholds=thresholds))
    for name, funds in (("exactly enough", "5000"), ("a unit too little", "4999.99999999")):
        # 2 BNB at 600 and 40 ETH at 95 to cover, 1200 + 3800 USD: the first payer by name that has it all.
        content = without_auto_repay(debts(negative_thresholds={"BNB": "1", "ETH": "39"}))
        content["accounts"][0]["balances"] = {
            "AAA": holding("1199.99999999"),
            "BNB": holding() | {"negative": "2"},
            "ETH": holding() | {"negative": "40"},
            "USDT": holding(funds),
        }
        content["prices_usd"] = {"AAA": "1", "BNB": "600", "ETH": "95", "USDT": "1"}
        yield f"covered, {name}", content
    path = {
        "BNB": [
            {"at_ms": NOW_MS + 3 * HOUR_MS, "price": "590"},
            {"at_ms": NOW_MS + 1, "price": "610.5"},
            {"at_ms": MIDNIGHT - 1, "price": "2"},
            {"at_ms": MIDNIGHT, "price": "1"},
        ],
        "X7": [{"at_ms": NOW_MS + HOUR_MS // 2, "price": "0.9"}],
    }
    yield "prices", debts(price_paths=path)


def without_auto_repay(content: dict[str, Any]) -> dict[str, Any]:
    """The same account with the switch off."""
    content["accounts"][0]["auto_repay_futures"] = False
    return content


STEPS = {
    "to a millisecond before midnight": [MIDNIGHT - 1 - NOW_MS, 1, 1],
    "in steps to every edge": [
        *(1, NOW_MS + HOUR_MS // 2 - NOW_MS, HOUR_MS // 2),
        *(HOUR_MS - NOW_MS % HOUR_MS - 2, 1, 1, HOUR_MS - 1, 1, 2 * HOUR_MS),
        *(HOUR_MS,) * 24,
    ],
    "in one jump of three days": [3 * DAY_MS],
    "half a day at a time": [DAY_MS // 2] * 5,
}


@pytest.mark.parametrize("steps", list(STEPS))
@pytest.mark.parametrize(("name", "content"), list(worlds()), ids=[name for name, _ in worlds()])
def test_time_charges_repays_and_sells_as_the_model_says(
    name: str, content: dict[str, Any], steps: str, contract: Document
) -> None:
    """After each step every balance, every record and every price is the model's, and the books are even."""
    with exchange() as running:
        running.install(content)
        model = PassageModel(content, MAIN)
        now = NOW_MS
        for step in STEPS[steps]:
            now += step
            running.set_clock(now)
            model.advance(now)
            caller = Caller(contract, running, now_ms=now)
            where = f"{name}, {steps}, {now - NOW_MS} ms later"
            assert caller.get("/papi/v1/ping").status == 200
            assert running.balances()[MAIN] == model.balances(), where
            rows = caller.get("/sapi/v1/portfolio/asset-index-price").json()
            assert {row["asset"]: plain(row["assetIndexPrice"]) for row in rows} == model.prices, where
            judge_account(caller, model, where)
        judge_records(caller, model, now)
        assert running.control("GET", "state")["books"]["imbalance"] == {}, "money was made or lost"


def judge_account(caller: Caller, model: PassageModel, where: str) -> None:
    """Worth, margins and state are the model's."""
    seen = caller.get("/papi/v1/account").json()
    expected = model.account()
    for field, value in expected.items():
        found = plain(seen[field]) if isinstance(value, Fraction) else seen[field]
        assert found == value, f"{field}: {where}"
    ratio = model.standing().ratio
    assert plain(seen["uniMMR"]) == (Fraction(99999999) if ratio is None else ratio), where


def judge_records(caller: Caller, model: PassageModel, now: int) -> None:
    """Each charge left its record, newest first, under an id of its own."""
    window = {"startTime": str(NOW_MS), "endTime": str(now)}
    answer = caller.get("/papi/v1/margin/marginInterestHistory", size="100", **window).json()
    expected = model.charges[::-1]
    assert answer["total"] == len(expected)
    ids = [row.pop("txId") for row in answer["rows"]]
    assert len(set(ids)) == len(ids)
    assert all(identity > 2**53 for identity in ids)
    assert [exact(row) for row in answer["rows"]] == [shown(row) for row in expected[:100]]
    second = caller.get("/papi/v1/margin/marginInterestHistory", size="100", current="2", **window).json()
    assert [exact(row, "txId") for row in second["rows"]] == [shown(row) for row in expected[100:200]]

    rows = caller.get("/papi/v1/portfolio/interest-history", size="100", **window).json()
    assert [exact(row) for row in rows] == [shown(row) for row in model.negative_charges[::-1][:100]]

    found = caller.get("/papi/v1/portfolio/negative-balance-exchange-record", **window)
    import json

    answer = json.loads(found.body, parse_float=str, parse_int=str)  # its amounts are JSON numbers
    sold = [
        {key: row[key] for key in ("asset", "negativeBalance", "negativeMaxThreshold")}
        | {"at": record["startTime"]}
        for record in answer["rows"]
        for row in record["details"]
    ]
    assert [exact(row) for row in sold] == [
        shown(row) | {"at": str(row["at"])} for row in model.exchanges[::-1]
    ]


def exact(row: Mapping[str, Any], *left_out: str) -> dict[str, Any]:
    """A record with amounts in their shortest form."""
    return {
        key: decimal_text(plain(str(value))) if key in AMOUNTS else value
        for key, value in row.items()
        if key not in left_out
    }


# ------------------------------------------------------------------------------------------------ where it
# stands


def edges() -> Iterator[tuple[str, dict[str, Any]]]:
    """Accounts around each threshold: just above, on it, just below, and without any debt."""
    for threshold in ("1.5", "1.2", "1.05", "0"):
        # 1000 USDT owed: 50 USD of maintenance, so the ratio is (held * 0.95 - 1000) / 50.
        exact_held = (plain(threshold) * 50 + 1000) / Fraction(95, 100)
        ticks = exact_held * 10**8 // 1
        for step in (-1000, -1, 0, 1, 2, 1000):
            held = decimal_text(Fraction(ticks + step, 10**8))
            yield (
                f"{threshold} {step:+d}",
                world({"BTC": holding(held), "USDT": holding("0", "900", "100")}, {"BTC": "1", "USDT": "1"}),
            )
    # With everything counted in full the ratio is (held - 1000) / 50: on each threshold to the last digit, and at
    # 1000 the account is worth nothing.
    for held in ("1075", "1060", "1052.5", "1000"):
        for step in (-1, 0, 1):
            amount = decimal_text(plain(held) + Fraction(step, 10**8))
            yield (
                f"in full {held} {step:+d}",
                world(
                    {"BTC": holding(amount), "USDT": holding("0", "900", "100")},
                    {"BTC": "1", "USDT": "1"},
                    collateral={"default_collateral_rate": "1"},
                ),
            )
    yield "no debt", world({"BTC": holding("1")}, PRICES)
    yield "nothing", world({}, PRICES)
    yield (
        "wallets count",
        world({"BNB": holding("1", "2", "0.5", "3") | {"um": "4", "cm": "5", "negative": "0.25"}}, PRICES),
    )
    rates = {"collateral_rates": {"BNB": "0.5", "BTC": "0"}, "default_collateral_rate": "0.9"}
    rates |= {"maintenance_rate": "0.2", "initial_rate": "0.4"}
    rates |= {"margin_call_at": "3", "reduce_only_at": "2.5", "liquidation_at": "2"}
    for free in ("100", "12", "11", "10", "9", "8", "1"):
        balances = {"BNB": holding(free), "BTC": holding("1", "0.01"), "USDT": holding("50", "600")}
        yield f"own rates {free}", world(balances, PRICES, collateral=rates)
    content = world({"BNB": holding("10")}, PRICES)
    content["accounts"][0] |= {"maintenance_margin_usd": "4000", "initial_margin_usd": "5000.5"}
    yield "futures margins", content
    for state in (
        "NORMAL",
        "MARGIN_CALL",
        "SUPPLY_MARGIN",
        "REDUCE_ONLY",
        "ACTIVE_LIQUIDATION",
        "FORCE_LIQUIDATION",
        "BANKRUPTED",
    ):
        content = world({"BNB": holding("10", "1")}, PRICES)
        content["accounts"][0]["status"] = state
        yield f"said to be {state}", content


def ceilings() -> Iterator[tuple[str, dict[str, Any]]]:
    """What bounds a loan: the account level, the margin, the pool."""
    balances = {"BNB": holding("3", "1.5"), "USDT": holding("250"), "BTC": holding("0", "0.001")}
    yield "by margin", world(balances, PRICES)
    yield "by limit", world(balances, PRICES, borrow_limits={"BNB": "1.6", "BTC": "0.001", "USDT": "0"})
    yield "by pool", world(balances, PRICES, lendable={"BNB": "0.25", "USDT": "0", "ETH": "0.00000001"})
    yield "by the usual limit", world({"BTC": holding("10000")}, PRICES)
    yield "without margin", world(balances, PRICES, collateral={"initial_rate": "0"})


@pytest.mark.parametrize(
    ("name", "content"),
    [*edges(), *ceilings()],
    ids=[name for name, _ in itertools.chain(edges(), ceilings())],
)
def test_where_an_account_stands_and_what_it_may_still_do(
    name: str, content: dict[str, Any], contract: Document
) -> None:
    """
    Worth, state, what may be borrowed and withdrawn are the model's; the most that may be borrowed can be,
    and one unit of the last digit more cannot, nor anything by an account that is being liquidated.
    """
    liquidating = ("ACTIVE_LIQUIDATION", "FORCE_LIQUIDATION", "BANKRUPTED")
    with exchange() as running:
        running.install(content)
        caller, model = Caller(contract, running), PassageModel(content, MAIN)
        judge_account(caller, model, name)
        for asset in model.known:
            withdraw = caller.get("/papi/v1/margin/maxWithdraw", asset=asset)
            assert plain(withdraw.json()["amount"]) == model.withdrawable(asset), asset
            most, limit = model.borrowable(asset)
            answer = caller.get("/papi/v1/margin/maxBorrowable", asset=asset)
            if asset in model.pools and not model.pools[asset]:
                assert (answer.status, answer.code) == (400, 51061), asset
            else:
                assert (plain(answer.json()["amount"]), plain(answer.json()["borrowLimit"])) == (most, limit)
            borrow(caller, running, asset, most + Fraction(1, 10**8), {400})
            if most:
                expected = 400 if model.standing().status in liquidating else 200
                borrow(caller, running, asset, most, {expected})
                running.install(content)


def borrow(caller: Caller, running: Exchange, asset: str, amount: Fraction, statuses: set[int]) -> None:
    """Ask for a loan; what is refused changes nothing."""
    before = running.balances()
    request = caller.request("POST", "/papi/v1/marginLoan", {"asset": asset, "amount": decimal_text(amount)})
    answer = running.send(request)
    assert answer.status in statuses, f"{asset} {decimal_text(amount)}: {answer.status} {answer.body!r}"
    if answer.status == 400:
        assert answer.code in (51006, 51061, 51068)
        assert running.balances() == before


def test_what_keeps_a_loan_from_being_made_has_its_own_code(contract: Document) -> None:
    """Closed assets, an empty pool, the ceiling and a liquidation are four different refusals."""
    rich = {"BNB": holding("100"), "USDT": holding("0", "1")}
    cases: list[tuple[int, dict[str, Any], str, str]] = [
        (51014, world(rich, PRICES, borrow_closed=["BTC"]), "BTC", "0.1"),
        (51061, world(rich, PRICES, lendable={"BTC": "0.09999999"}), "BTC", "0.1"),
        (51006, world(rich, PRICES, borrow_limits={"BTC": "0.09999999"}), "BTC", "0.1"),
        (51006, world(rich, PRICES), "BTC", "1000"),
    ]
    with exchange() as running:
        for code, content, asset, amount in cases:
            running.install(content)
            caller = Caller(contract, running)
            texts = {"asset": asset, "amount": amount}
            answer = running.send(caller.request("POST", "/papi/v1/marginLoan", texts))
            assert (answer.status, answer.code) == (400, code)
        for state, code_ in (("FORCE_LIQUIDATION", 51068), ("REDUCE_ONLY", None)):
            content = world(rich, PRICES)
            content["accounts"][0]["status"] = state
            running.install(content)
            caller = Caller(contract, running)
            texts = {"asset": "BTC", "amount": "0.1"}
            assert running.send(caller.request("POST", "/papi/v1/marginLoan", texts)).code == code_


def test_the_first_hour_of_a_loan_is_charged_at_once(contract: Document) -> None:
    """ON_BORROW: a 24th of the daily rate on what was borrowed, not on what was owed before."""
    balances = {"BTC": holding("10", "1"), "USDT": holding("5")}
    rates = {"default_daily_rate": "0.0024", "daily_rates": {"USDT": "0.00000001"}}
    for charged in (True, False):
        content = world(balances, PRICES, interest=rates | {"on_borrow": charged})
        with exchange() as running:
            running.install(content)
            caller = Caller(contract, running)
            for asset, amount in (("BTC", "2"), ("USDT", "3")):
                texts = {"asset": asset, "amount": amount}
                assert running.send(caller.request("POST", "/papi/v1/marginLoan", texts)).status == 200
            rows = caller.get("/papi/v1/margin/marginInterestHistory").json()["rows"]
            found = [
                (row["asset"], row["type"], plain(row["interest"]), plain(row["principal"])) for row in rows
            ]
            # What rounds to nothing is not charged and leaves no record.
            assert found == ([("BTC", "ON_BORROW", Fraction(2, 10_000), 2)] if charged else [])
            owed = running.balances()[MAIN]["BTC"]
            assert (owed["borrowed"], owed["interest"]) == ("3", "0.0002" if charged else "0")


def test_records_go_into_the_archive_after_six_months(contract: Document) -> None:
    """Each record is in exactly one of the two, at every age around the border."""
    content = world({"BNB": holding("100", "1")}, PRICES)
    half_year = 183 * DAY_MS
    with exchange() as running:
        running.install(content)
        caller = Caller(contract, running)
        made = running.send(caller.request("POST", "/papi/v1/marginLoan", {"asset": "BNB", "amount": "1"}))
        assert made.status == 200
        for age, archived in ((0, False), (half_year - 1, False), (half_year, False), (half_year + 1, True)):
            now = NOW_MS + age
            running.set_clock(now)
            later = Caller(contract, running, now_ms=now)
            window = {"asset": "BNB", "startTime": str(NOW_MS - 1), "endTime": str(NOW_MS + 1)}
            totals = {
                choice: later.get("/papi/v1/margin/marginLoan", archived=choice, **window).json()["total"]
                for choice in ("true", "false")
            }
            assert totals == {"true": int(archived), "false": int(not archived)}, age
            assert later.get("/papi/v1/margin/marginLoan", **window).json()["total"] == int(not archived)
            by_id = later.get("/papi/v1/margin/marginLoan", asset="BNB", txId=str(made.json()["tranId"]))
            assert by_id.json()["total"] == 1, "an id finds its record however old"


def test_prices_and_positions_set_by_hand_count_at_once(contract: Document) -> None:
    """A price or a position that is set over the control API is what the next call works with."""
    with exchange() as running:
        running.install(world({"BNB": holding("0", "2"), "USDT": holding("9000")}, PRICES))
        caller = Caller(contract, running)
        running.control("POST", "prices", {"BNB": "500"})
        assert caller.repay(asset="BNB", amount="1", specifyRepayAssets="USDT").status == 200
        assert running.balances()[MAIN]["USDT"]["free"] == "8500"
        running.control("POST", "balances", {"account": MAIN, "asset": "BNB", "borrowed": "7", "free": "0.5"})
        row = caller.get("/papi/v1/balance", asset="BNB").json()
        assert (plain(row["crossMarginBorrowed"]), plain(row["crossMarginFree"])) == (7, Fraction(1, 2))
        assert running.control("GET", "state")["books"]["imbalance"] == {}


def test_a_price_that_is_set_by_hand_stays_until_its_path_goes_on(contract: Document) -> None:
    """A scripted path is not forgotten: its next point counts when its moment comes."""
    content = world({"BNB": holding("1")}, PRICES)
    content["price_paths"] = {
        "BNB": [{"at_ms": NOW_MS + 1000, "price": "601"}, {"at_ms": NOW_MS + 2000, "price": "602"}]
    }
    with exchange() as running:
        running.install(content)
        for step, price in (
            (0, "500"),
            (999, "500"),
            (1000, "601"),
            (1001, "700"),
            (1999, "700"),
            (2000, "602"),
        ):
            running.set_clock(NOW_MS + step)
            if price in ("500", "700"):
                running.control("POST", "prices", {"BNB": price})
            rows = Caller(contract, running, now_ms=NOW_MS + step).get(
                "/sapi/v1/portfolio/asset-index-price", asset="BNB"
            )
            assert [plain(row["assetIndexPrice"]) for row in rows.json()] == [plain(price)], step
