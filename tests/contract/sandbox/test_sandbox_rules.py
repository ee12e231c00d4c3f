"""
What the local exchange does with money, limits, keys, time, faults and files, against a model written from
the pages: every edge of every rule, and every reading that an option can choose.
"""

import copy
import itertools
import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paydown_contract.document import Document
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.raw_request import Request
from paydown_sandbox.serving.application import create_app
from tests.contract.support.asgi import Answer
from tests.contract.support.evidence import vectors
from tests.contract.support.exchange import (
    MAIN,
    NOW_MS,
    OTHER,
    Exchange,
    exchange,
    holding,
    registered,
    state,
)
from tests.contract.support.keys import signing_key
from tests.contract.support.model import Model, decimal_text, plain
from tests.contract.support.profile import profile, seeded

REPAY = "/papi/v1/margin/repay-debt"


class Caller:
    """Makes right requests of one key."""

    def __init__(self, contract: Document, running: Exchange, key: str = "S1", now_ms: int = NOW_MS) -> None:
        self.contract = contract
        self.running = running
        self.composer = Composer(contract, signing_key(key), now_ms)

    def request(self, method: str, path: str, texts: Mapping[str, str] | None = None) -> Request:
        """A right request."""
        operation = self.contract.operation(method, path)
        assert operation is not None
        return self.composer.right(operation, list((texts or {}).items()))

    def repay(self, **texts: str) -> Answer:
        """One repayment."""
        return self.running.send(self.request("POST", REPAY, texts))

    def get(self, path: str, **texts: str) -> Answer:
        """One read."""
        return self.running.send(self.request("GET", path, texts))


def world(
    balances: Mapping[str, Mapping[str, str]],
    prices: Mapping[str, str],
    options: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A state document with one account."""
    content: dict[str, Any] = {
        "accounts": [
            {
                "id": MAIN,
                "keys": [registered(signing_key("S1"))],
                "balances": {name: dict(row) for name, row in balances.items()},
            }
        ],
        "prices_usd": dict(prices),
        "limits": {"weight_per_minute": 10**12, "orders_per_minute": 10**12},
        "clock": {"now_ms": NOW_MS, "frozen": True},
    }
    if options:
        content["options"] = dict(options)
    return {**content, **more}


def play(
    contract: Document, running: Exchange, content: Mapping[str, Any], calls: list[dict[str, str]]
) -> None:
    """Make the calls one after the other; answers, balances and ledger must be the model's after each."""
    running.install(copy.deepcopy(dict(content)))
    model = Model(content, MAIN)
    caller = Caller(contract, running)
    before_lines = 0
    for texts in calls:
        held = {name: position.debt for name, position in model.positions.items()}
        expected = model.repay_debt(texts, NOW_MS)
        answer = caller.repay(**texts)
        held_then = json.dumps(content["accounts"][0]["balances"])
        where = f"{texts} in {held_then} {content.get('options')}: {answer.status} {answer.body!r}"
        lines = running.executed()
        if expected.codes:
            assert answer.status == 400, where
            assert answer.code in expected.codes, f"{sorted(expected.codes)}: {where}"
            assert len(lines) == before_lines, where
        else:
            assert answer.status == 200, where
            assert json.dumps(answer.json(), sort_keys=True) == json.dumps(expected.answer, sort_keys=True), (
                where
            )
            repaid = held.get(texts["asset"], Fraction(0)) - model.position(texts["asset"]).debt
            assert len(lines) == before_lines + (1 if repaid else 0), where
            if repaid:
                judge_line(lines[-1], texts["asset"], repaid, where)
        before_lines = len(lines)
        assert running.balances()[MAIN] == model.balances(), where
    then = running.control("GET", "state")
    assert then["books"]["imbalance"] == {}, "money was made or lost"
    assert plain(then["books"]["conversion_gain_usd"]) == model.gain_usd >= 0
    assert {name: plain(text) for name, text in then["lendable"].items()} == model.pools


def judge_line(line: Mapping[str, Any], asset: str, repaid: Fraction, where: str) -> None:
    """The ledger line tells what was repaid, and its movements add up."""
    assert line["operation"] == "repayDebt", where
    assert (line["account"], line["asset"], line["time"]) == (MAIN, asset, NOW_MS), where
    assert plain(line["interest_repaid"]) + plain(line["principal_repaid"]) == repaid, where
    into_pool = sum(
        (
            plain(row["amount"])
            for row in line["transfers"]
            if row["asset"] == asset and row["to"] == "house:pool"
        ),
        Fraction(0),
    )
    assert into_pool == repaid, where


# ------------------------------------------------------------------------------------------------ the four
# rules

PRICES = {
    "BNB": "600",
    "USDT": "1",
    "BTC": "60000",
    "ETH": "2500.5",
    "X3": "3",
    "X7": "0.7",
    "DUST": "0.00000003",
}


def grid() -> Iterator[tuple[dict[str, dict[str, str]], list[dict[str, str]]]]:
    """
    Small worlds around every edge: own funds, interest and principal, payers that suffice, just do, and
    just do not.
    """
    owns = ("0", "0.00000001", "0.5", "1", "1.00000001", "5")
    debts = (("1", "0"), ("0", "1"), ("0.75", "0.25"), ("1", "0.00000001"), ("0.00000001", "0"))
    for own, (borrowed, interest) in itertools.product(owns, debts):
        balances = {
            "BNB": holding(own, borrowed, interest),
            "USDT": holding("600"),
            "BTC": holding("0.01"),
            "X7": holding("10"),
            "X3": holding("0"),
        }
        debt = decimal_text(plain(borrowed) + plain(interest))
        amounts = [
            "0.00000001",
            "0.25",
            "0.5",
            "0.75",
            "1",
            "1.00000001",
            debt,
            decimal_text(plain(debt) + Fraction(1, 10**8)),
            "100",
        ]
        for amount in dict.fromkeys(amounts):
            yield (
                balances,
                [{"asset": "BNB", "amount": amount}, {"asset": "BNB", "amount": amount}, {"asset": "BNB"}],
            )
        for payers in (
            "USDT",
            "BTC",
            "USDT,BTC",
            "BTC,USDT",
            "X7",
            "X3",
            "X3,USDT",
            "BNB",
            "BNB,USDT",
            "X7,BTC,USDT",
        ):
            yield (
                balances,
                [
                    {"asset": "BNB", "specifyRepayAssets": payers},
                    {"asset": "BNB", "specifyRepayAssets": payers},
                ],
            )
            yield (
                balances,
                [
                    {"asset": "BNB", "amount": "0.00000001", "specifyRepayAssets": payers},
                    {"asset": "BNB", "amount": "0.33333333", "specifyRepayAssets": payers},
                    {"asset": "BNB", "specifyRepayAssets": payers},
                ],
            )


@pytest.mark.parametrize("part", range(4))
def test_repayments_move_exactly_what_the_rules_say(part: int, contract: Document) -> None:
    """
    All small worlds: same asset first, named payers in order, interest before principal, all or nothing.
    """
    cases = list(grid())[part::4]
    assert len(cases) > 100
    with exchange() as running:
        for balances, calls in cases:
            play(contract, running, world(balances, PRICES), calls)


def conversions() -> Iterator[tuple[dict[str, dict[str, str]], dict[str, str], list[dict[str, str]]]]:
    """
    Prices that do not divide, payers that hold exactly enough, one unit of the last digit less, or more.
    """
    for debt_price, payer_price in itertools.product(
        ("600", "3", "0.7", "0.00000003", "60000.12345678"), ("1", "7", "0.3", "59999.99", "0.00000007")
    ):
        for debt in ("1", "0.00000001", "0.33333333", "12.3456789"):
            exact = plain(debt) * plain(debt_price) / plain(payer_price)
            ticks = -((-exact * 10**8) // 1)
            for step in (-1, 0, 1):
                if ticks + step <= 0:
                    continue
                funds = decimal_text(Fraction(ticks + step, 10**8))
                prices = {"OWED": debt_price, "PAYS": payer_price, "MORE": "1"}
                balances = {"OWED": holding("0", debt), "PAYS": holding(funds), "MORE": holding("0.00000001")}
                yield (
                    balances,
                    prices,
                    [
                        {"asset": "OWED", "specifyRepayAssets": "PAYS"},
                        {"asset": "OWED", "specifyRepayAssets": "PAYS,MORE"},
                    ],
                )


def test_conversions_never_make_money(contract: Document) -> None:
    """
    What a payment asset gives is worth at least what it repays, and less than one unit of its eighth digit
    more.
    """
    with exchange() as running:
        for balances, prices, calls in conversions():
            content = world(balances, prices)
            play(contract, running, content, calls)
            for line in running.executed():
                for move in line["transfers"]:
                    assert plain(move["amount"]) > 0
                paid = sum(
                    (
                        plain(row["amount"]) * plain(prices[row["asset"]])
                        for row in line["transfers"]
                        if row["to"] == "house:conversion"
                    ),
                    Fraction(0),
                )
                bought = sum(
                    (
                        plain(row["amount"]) * plain(prices[row["asset"]])
                        for row in line["transfers"]
                        if row["from"] == "house:conversion"
                    ),
                    Fraction(0),
                )
                dust = sum(
                    (
                        Fraction(1, 10**8) * plain(prices[row["asset"]])
                        for row in line["transfers"]
                        if row["to"] == "house:conversion"
                    ),
                    Fraction(0),
                )
                covered = sum(
                    (
                        Fraction(1, 10**8) * plain(prices[row["asset"]])
                        for row in line["transfers"]
                        if row["from"] == "house:conversion"
                    ),
                    Fraction(0),
                )
                assert bought <= paid < bought + dust + covered or paid == bought == 0, line


def test_the_cap_includes_its_limit(contract: Document) -> None:
    """
    Worth exactly 50,000 USD passes, one unit of the last digit more does not, with and without an amount.
    """
    cap = plain(contract.by_id("repayDebt").facts["x-caps"][0]["limit"])
    with exchange() as running:
        for price in ("600", "1", "50000", "0.5", "49999.99999999", "60000"):
            most = cap / plain(price) // Fraction(1, 10**8) * Fraction(1, 10**8)
            tick = Fraction(1, 10**8)
            for amount in (most, most + tick, most - tick, most * 2):
                if amount <= 0:
                    continue
                text = decimal_text(amount)
                enough = decimal_text(amount * 3)
                own = world({"OWED": holding(enough, decimal_text(amount * 2))}, {"OWED": price})
                play(contract, running, own, [{"asset": "OWED", "amount": text}])
                whole = world({"OWED": holding(enough, text)}, {"OWED": price})
                play(contract, running, whole, [{"asset": "OWED"}])
                converted = world(
                    {"OWED": holding("0", text), "USDT": holding("200000")}, {"OWED": price, "USDT": "1"}
                )
                play(contract, running, converted, [{"asset": "OWED", "specifyRepayAssets": "USDT"}])
                # More is asked for than is owed: what counts is what will be repaid, where that is chosen.
                for asked in (amount + tick, amount * 2, most + tick, most * 3):
                    for choice in ("reject", "clip"):
                        above = world(
                            {"OWED": holding(enough, text)}, {"OWED": price}, {"amount-above-debt": choice}
                        )
                        play(contract, running, above, [{"asset": "OWED", "amount": decimal_text(asked)}])


def test_answers_repeat_the_request(contract: Document) -> None:
    """
    The amount in the scale of the request, the payers in their order, the asset, the moment; no amount for
    all of it.
    """
    with exchange() as running:
        for amount in ("5", "5.0", "5.00000000", "0.10000000", "1.5", "0.00000001"):
            for payers in (None, "USDT", "USDT,BTC", "BTC,USDT", "BNB,USDT"):
                running.install(
                    world({"BNB": holding("100", "50"), "USDT": holding("1"), "BTC": holding("1")}, PRICES)
                )
                texts = {"asset": "BNB", "amount": amount} | (
                    {"specifyRepayAssets": payers} if payers else {}
                )
                content = Caller(contract, running).repay(**texts).json()
                expected: dict[str, Any] = {
                    "amount": amount,
                    "asset": "BNB",
                    "updateTime": NOW_MS,
                    "success": True,
                }
                if payers:
                    expected["specifyRepayAssets"] = payers.split(",")
                assert content == expected
        content = Caller(contract, running).repay(asset="BNB").json()
        assert content == {"asset": "BNB", "updateTime": NOW_MS, "success": True}


# ------------------------------------------------------------------------------------------------ open
# questions


# They have tests of their own.
IGNORED = {"repay-weight-scope", "repay-counts-as-order", "malformed-payment-assets"}


def readings(contract: Document) -> list[tuple[str, str]]:
    """Every value of every option that is about repay-debt."""
    found: list[tuple[str, str]] = []
    numbers = {
        "minimum-repayment": ("0.5", "1"),
        "minimum-remaining-debt": ("0.5", "0.25"),
        "conversion-fee-rate": ("0.001", "0.5"),
        "above-value-cap-code": ("-3015", "51006"),
    }
    for question in contract.by_id("repayDebt").facts["x-undocumented"]:
        option = question.get("sandbox-option")
        if option is None or option in (
            "repay-debt-record",
            "repay-debt-flow",
            "repay-debt-event-type",
            "concurrent-repay",
        ):
            continue
        found += [(option, str(value)) for value in question.get("sandbox-values", numbers.get(option, ()))]
    return found


def option_worlds() -> Iterator[tuple[dict[str, dict[str, str]], list[dict[str, str]]]]:
    """Worlds in which each open question is asked."""
    rich = {
        "BNB": holding("0.25", "1", "0.5"),
        "USDT": holding("300"),
        "BTC": holding("0.02"),
        "ETH": holding("0.1"),
        "X3": holding("0"),
        "XYZ": holding("7"),
    }
    poor = {"BNB": holding("0.1", "1", "0.5"), "USDT": holding("30"), "BTC": holding("0.0001")}
    none = {"BNB": holding("3"), "USDT": holding("300")}
    empty = {"BNB": holding("0", "1"), "USDT": holding("0")}
    calls = [
        {"asset": "BNB"},
        {"asset": "BNB", "amount": "0.25"},
        {"asset": "BNB", "amount": "0.5", "specifyRepayAssets": "USDT"},
        {"asset": "BNB", "amount": "1.4", "specifyRepayAssets": "USDT"},
        {"asset": "BNB", "amount": "2", "specifyRepayAssets": "USDT,BTC"},
        {"asset": "BNB", "amount": "0.9", "specifyRepayAssets": "USDT,BTC,ETH"},
        {"asset": "BNB", "specifyRepayAssets": "USDT"},
        {"asset": "BNB", "specifyRepayAssets": "BTC,USDT,ETH"},
        {"asset": "BNB", "specifyRepayAssets": "ETH,USDT,BTC"},
        {"asset": "USDT", "amount": "1"},
        {"asset": "USDT"},
    ]
    for balances in (rich, poor, none, empty):
        for texts in calls:
            known = {"BNB", "USDT", "BTC", "ETH"}
            if set(texts.get("specifyRepayAssets", "USDT").split(",")) <= known:
                yield balances, [texts, texts]
    big = {"BNB": holding("0", "200", "1"), "USDT": holding("900000")}
    yield (
        big,
        [
            {"asset": "BNB", "specifyRepayAssets": "USDT"},
            {"asset": "BNB", "amount": "90", "specifyRepayAssets": "USDT"},
        ],
    )


@pytest.mark.parametrize("part", range(4))
def test_every_reading_of_an_open_question_does_what_it_says(part: int, contract: Document) -> None:
    """Each value of each option: the exchange follows the model that was told the same."""
    chosen = readings(contract)
    assert len(chosen) >= 20
    with exchange() as running:
        for option, value in chosen[part::4]:
            if option in IGNORED:
                continue
            for balances, calls in option_worlds():
                play(contract, running, world(balances, PRICES, {option: value}), calls)


def chosen_together(contract: Document) -> st.SearchStrategy[dict[str, str]]:
    """Readings of several open questions at once."""
    by_option: dict[str, list[str]] = {}
    for option, value in readings(contract):
        if option not in IGNORED:
            by_option.setdefault(option, []).append(value)
    return st.fixed_dictionaries(
        {}, optional={option: st.sampled_from(values) for option, values in by_option.items()}
    )


# Around the cap at 600 USD, around what is owed, around what the payers give.
_OWED = ("1", "1.5", "83.33333333", "83.33333334", "84", "200")
_ASKED = ("0.00000001", "0.25", "0.49999999", "0.5", "1", "1.5", *_OWED[2:], "100", "300")
_HELD = ("0", "0.00000001", "0.25", "300", "900", "49999.99", "900000")


@pytest.mark.timeout(600)
def test_readings_that_are_chosen_together_do_what_each_says(contract: Document) -> None:
    """Options by the handful, debts around the cap, payers that suffice or do not: always the model's answer."""
    texts = st.fixed_dictionaries(
        {"asset": st.sampled_from(("BNB", "BNB", "BNB", "USDT"))},
        optional={
            "amount": st.sampled_from(_ASKED),
            "specifyRepayAssets": st.lists(
                st.sampled_from(("USDT", "BTC", "X7", "BNB", "XYZ")), min_size=1, max_size=3, unique=True
            ).map(",".join),
        },
    )

    with exchange() as running:

        @seeded(profile().examples * 8)
        @given(
            options=chosen_together(contract),
            own=st.sampled_from(_HELD),
            owed=st.sampled_from(_OWED),
            interest=st.sampled_from(("0", "0.00000001", "0.25", "1")),
            payers=st.tuples(*[st.sampled_from(_HELD)] * 3),
            lendable=st.sampled_from(({}, {"BNB": "10"}, {"BNB": "0", "USDT": "5"})),
            calls=st.lists(texts, min_size=1, max_size=3),
        )
        def plays(
            options: dict[str, str],
            own: str,
            owed: str,
            interest: str,
            payers: tuple[str, str, str],
            lendable: dict[str, str],
            calls: list[dict[str, str]],
        ) -> None:
            balances = {"BNB": holding(own, owed, interest), "XYZ": holding("7")}
            balances |= {
                name: holding(free) for name, free in zip(("USDT", "BTC", "X7"), payers, strict=True)
            }
            balances["USDT"]["borrowed"] = "2"
            play(contract, running, world(balances, PRICES, options, lendable=lendable), calls)

        plays()


def test_odd_payment_lists_are_refused_or_tolerated_as_chosen(contract: Document) -> None:
    """Twice the same asset, lower case, empty items: refused by default, forgiven under the option."""
    odd = ("USDT,USDT", "usdt", "USDT,", ",USDT", "USDT, BTC", "usdt,USDT")
    composer = Composer(contract, signing_key("S1"), NOW_MS)
    operation = contract.by_id("repayDebt")
    balances = {"BNB": holding("0", "1"), "USDT": holding("900"), "BTC": holding("1")}
    with exchange() as running:
        for text in odd:
            request = composer.right(
                operation, [("asset", "BNB"), ("amount", "0.5"), ("specifyRepayAssets", text)]
            )
            running.install(world(balances, PRICES))
            answer = running.send(request)
            assert (answer.status, answer.code) == (400, -1130), text
            running.install(world(balances, PRICES, {"malformed-payment-assets": "tolerate"}))
            assert running.send(request).status == 200, text
            assert running.balances()[MAIN]["USDT"]["free"] == "600", text


# ------------------------------------------------------------------------------------------------ keys,
# accounts, time


def test_a_key_does_what_it_is_permitted_to(contract: Document) -> None:
    """Without TRADE no repayment, without USER_DATA no balance; a key off its address list does nothing."""
    cases: list[tuple[list[str], list[str], int, int]] = [
        (["TRADE", "USER_DATA"], [], 200, 200),
        (["TRADE"], [], 200, 401),
        (["USER_DATA"], [], 401, 200),
        ([], [], 401, 401),
        (["TRADE", "USER_DATA"], ["127.0.0.1"], 200, 200),
        (["TRADE", "USER_DATA"], ["10.0.0.9"], 401, 401),
        (["TRADE", "USER_DATA"], ["10.0.0.9", "127.0.0.1"], 200, 200),
        (["TRADE", "USER_DATA"], ["127.0.0.0/30"], 200, 200),
        (["TRADE", "USER_DATA"], ["127.0.0.5/24"], 200, 200),
        (["TRADE", "USER_DATA"], ["127.0.0.2/31"], 401, 401),
        (["TRADE", "USER_DATA"], ["::/0"], 401, 401),
    ]
    with exchange() as running:
        for permissions, addresses, trade, read in cases:
            content = world({"BNB": holding("5", "4")}, PRICES)
            content["accounts"][0]["keys"][0] |= {"permissions": permissions, "ip_allow": addresses}
            running.install(content)
            caller = Caller(contract, running)
            repaid, balance = caller.repay(asset="BNB", amount="1"), caller.get("/papi/v1/balance")
            assert (repaid.status, balance.status) == (trade, read), (permissions, addresses)
            assert {answer.code for answer in (repaid, balance) if answer.status == 401} <= {-2015}
            assert len(running.executed()) == (1 if trade == 200 else 0)
            assert caller.get("/papi/v1/ping").status == 200


# What each security type is granted by. The pages name the types and no permission but "Portfolio Margin"; that a
# trading key may borrow, and one that reads may open a stream, is the reading of this sandbox.
GRANTED_BY: dict[str, set[str]] = {
    "TRADE": {"TRADE"},
    "MARGIN": {"MARGIN", "TRADE"},
    "USER_DATA": {"USER_DATA"},
    "USER_STREAM": {"USER_STREAM", "USER_DATA"},
    "MARKET_DATA": {"TRADE", "MARGIN", "USER_DATA", "USER_STREAM", "MARKET_DATA"},
}


def test_each_call_needs_a_permission_of_its_type(contract: Document) -> None:
    """
    Every call with each permission alone, all others together, and from an address that is not on the key's
    list: -2015 unless the call's security type is granted, or needs no key.
    """
    names = sorted(set().union(*GRANTED_BY.values()))
    chosen = [{name} for name in names] + [set(names) - {name} for name in names] + [set()]
    with exchange() as running:
        for permissions, addresses in [
            *((each, []) for each in chosen),
            (set(names), ["10.0.0.9"]),
            (set(names), ["127.0.0.1"]),
        ]:
            content = state()
            content["accounts"][0]["keys"][0] |= {"permissions": sorted(permissions), "ip_allow": addresses}
            running.install(content)
            for operation in contract.operations:
                kind = operation.facts["x-security-type"]
                answer = running.send(Caller(contract, running).composer.right(operation))
                refused = (answer.status, answer.code) == (401, -2015)
                granted = permissions & GRANTED_BY.get(kind, set()) and addresses != ["10.0.0.9"]
                where = f"{operation.id} ({kind}) with {permissions} from {addresses}: {answer.body!r}"
                assert refused is (kind != "NONE" and not granted), where


def test_a_body_that_is_no_form_still_counts_for_the_signature(contract: Document) -> None:
    """Its parameters are not read; its bytes are signed all the same."""
    key = signing_key("S1")
    query, body = f"asset=BNB&amount=1&timestamp={NOW_MS}", "amount=2"
    for signed, status in ((query + body, 200), (query, 400), (body + query, 400)):
        with exchange(world({"BNB": holding("5", "4")}, PRICES, {"json-body": "unread"})) as running:
            proof = key.sign(signed.encode())
            headers = ((contract.key_header, key.api_key), ("content-type", "text/plain"))
            whole = f"{query}&signature={proof}".encode()
            answer = running.send(Request("POST", REPAY, whole, headers, body.encode()))
            assert (answer.status, answer.code) == (status, None if status == 200 else -1022)
            if status == 200:
                assert answer.json()["amount"] == "1"


def test_a_timestamp_in_microseconds_is_cut_to_its_millisecond(contract: Document) -> None:
    """Where sixteen digits are accepted, both edges of time stay where they are."""
    rules = contract.signing
    ahead, window = rules["timestamp"]["future-tolerance-ms"], rules["recv-window"]["default"]
    edges = (
        ((NOW_MS + ahead) * 1000 - 1, 200),
        ((NOW_MS + ahead) * 1000, 400),
        ((NOW_MS - window) * 1000, 200),
        ((NOW_MS - window) * 1000 + 999, 200),
        ((NOW_MS - window) * 1000 - 1, 400),
    )
    for choice in ("accept", "reject"):
        with exchange(
            world({"BNB": holding("5", "4")}, PRICES, {"microsecond-timestamps": choice})
        ) as running:
            for stamp, status in edges:
                composer = Composer(contract, signing_key("S1"), NOW_MS)
                answer = running.send(
                    composer.signed(contract.by_id("accountBalance"), f"asset=BNB&timestamp={stamp}".encode())
                )
                assert answer.status == (status if choice == "accept" else 400), (stamp, answer.body)


def test_a_request_may_be_as_large_as_the_gate_and_no_larger(contract: Document) -> None:
    """64 KiB of body and 32 KiB of query reach the exchange, which refuses what stands in them; a byte more meets the
    gate."""
    operation = contract.by_id("repayDebt")
    for place, largest in (("body", 65_536), ("query", 32_768)):
        for size, reaches in ((largest - 1, True), (largest, True), (largest + 1, False)):
            with exchange() as running:
                bare = Composer(contract, signing_key("S1"), NOW_MS).signed(operation, b"asset=", place=place)
                filler = b"A" * (size - len(getattr(bare, place)))
                request = Composer(contract, signing_key("S1"), NOW_MS).signed(
                    operation, b"asset=" + filler, place=place
                )
                assert len(getattr(request, place)) == size
                answer = running.send(request)
                assert (answer.code is not None) is reaches, (place, size, answer.status, answer.body[:80])


def test_accounts_do_not_touch_each_other(contract: Document) -> None:
    """A repayment under one account's key changes that account alone, and each key reads its own balances."""
    with exchange() as running:
        before = running.balances()
        assert Caller(contract, running, "S2").repay(asset="BNB", amount="1").status == 200
        after = running.balances()
        assert after[MAIN] == before[MAIN]
        assert after[OTHER]["BNB"]["free"] == decimal_text(plain(before[OTHER]["BNB"]["free"]) - 1)
        lent = running.send(
            Caller(contract, running, "S2").request(
                "POST", "/papi/v1/marginLoan", {"asset": "BNB", "amount": "0.5"}
            )
        )
        back = running.send(
            Caller(contract, running, "S2").request(
                "POST", "/papi/v1/repayLoan", {"asset": "BNB", "amount": "0.5"}
            )
        )
        for made, path in ((lent, "marginLoan"), (back, "repayLoan")):
            for key, total in (("S1", 0), ("E1", 0), ("S2", 1)):
                caller = Caller(contract, running, key)
                identity = str(made.json()["tranId"])
                for texts in ({"txId": identity}, {"startTime": str(NOW_MS)}):
                    rows = caller.get(f"/papi/v1/margin/{path}", asset="BNB", **texts).json()
                    assert rows["total"] == len(rows["rows"]) == total, (key, path)
        for key, total in (("S1", 0), ("S2", 2)):
            assert len(Caller(contract, running, key).get("/sapi/v1/margin/capital-flow").json()) == total
        row = Caller(contract, running, "S2").get("/papi/v1/balance", asset="BNB").json()
        assert plain(row["crossMarginBorrowed"]) + plain(row["crossMarginInterest"]) == Fraction(11, 10)


def test_time_is_the_exchanges_clock(contract: Document) -> None:
    """`GET time` tells the clock that requests are judged by, wherever it is moved."""
    with exchange() as running:
        for now in (NOW_MS, NOW_MS + 1, NOW_MS + 86_400_000, NOW_MS - 86_400_000, 1_700_000_000_000):
            running.set_clock(now)
            assert Caller(contract, running).get("/papi/v1/time").json() == {"serverTime": now}
            assert Caller(contract, running, now_ms=now).get("/papi/v1/account").status == 200
            assert Caller(contract, running, now_ms=now - 5000).get("/papi/v1/account").status == 200
            late = Caller(contract, running, now_ms=now - 5001).get("/papi/v1/account")
            assert (late.status, late.code) == (400, -1021)
            assert Caller(contract, running, now_ms=now + 999).get("/papi/v1/account").status == 200
            early = Caller(contract, running, now_ms=now + 1000).get("/papi/v1/account")
            assert (early.status, early.code) == (400, -1021)


def test_published_requests_are_accepted(contract: Document) -> None:
    """
    Vectors C1 to C7 and their split over query and body are accepted as they were published; the bare comma
    C3 as well.
    """
    from paydown_contract.requests import percent_encoding as wire

    rows = {row["id"]: row for row in vectors("signing")["verifying"] if row["id"].startswith("C")}
    assert len(rows) >= 7
    with exchange() as running:
        for name, row in rows.items():
            running.install(state())
            proof = b"signature=" + wire.escape(row["signature"]).encode()
            query, body = row["query"].encode(), row["body"].encode()
            if body:
                body += b"&" + proof
            else:
                query += b"&" + proof
            headers: tuple[tuple[str, str], ...] = ((contract.key_header, signing_key(row["key"]).api_key),)
            if body:
                headers += (("Content-Type", "application/x-www-form-urlencoded"),)
            answer = running.send(Request("POST", REPAY, query, headers, body))
            needs_all = b"amount" not in query + body
            assert answer.status == 200 or (needs_all and answer.code in (-2018,)), (name, answer.body)


# ------------------------------------------------------------------------------------------------ what is
# written down


def funded() -> dict[str, Any]:
    """A world in which a few small repayments succeed without payment assets."""
    balances = {name: holding("5", "4", "0.5") for name in ("BNB", "ETH", "BTC", "USDT")}
    return world(balances, {name: PRICES[name] for name in balances})


def test_what_arrived_and_what_was_executed_is_told(contract: Document) -> None:
    """
    The request log holds each request with its verdict, the ledger only what moved money, in order; DELETE
    forgets.
    """
    with exchange() as running:
        running.install(funded())
        caller = Caller(contract, running)
        caller.get("/papi/v1/ping")
        caller.repay(asset="BNB", amount="0.5")
        caller.repay(asset="BNB", amount="100000")
        caller.get("/papi/v1/balance", asset="BNB")
        running.send(Request("GET", "/papi/v1/account", b"timestamp=1&signature=00"))
        running.send(Request("GET", "/nowhere"))
        rows = running.control("GET", "requests")["requests"]
        assert [(row["method"], row["path"], row["status"]) for row in rows] == [
            ("GET", "/papi/v1/ping", 200),
            ("POST", REPAY, 200),
            ("POST", REPAY, 400),
            ("GET", "/papi/v1/balance", 200),
            ("GET", "/papi/v1/account", rows[4]["status"]),
            ("GET", "/nowhere", 404),
        ]
        assert rows[1]["signature"] == "valid"
        assert rows[2]["code"] == -3015
        assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
        secret = signing_key("S1").secret
        assert isinstance(secret, bytes)
        assert secret.decode() not in json.dumps(rows)
        (line,) = running.executed()
        assert line["request"] == rows[1]["id"]
        only = running.control("GET", "requests", query=f"path={REPAY}&method=POST")["requests"]
        assert [row["id"] for row in only] == [rows[1]["id"], rows[2]["id"]]
        assert running.control("DELETE", "requests")["deleted"] == 6
        assert running.control("GET", "requests")["requests"] == []
        assert len(running.executed()) == 1


def test_a_state_document_comes_back_as_it_was_put(contract: Document) -> None:
    """
    What GET gives, PUT accepts, and the world is the same: balances, keys, prices, limits, options, clock.
    """
    with exchange() as running:
        content = state()
        content["options"] = {"payment-order": "largest-first"}
        content["interest"] = {"default_daily_rate": "0.0001"}
        running.install(content)
        Caller(contract, running).repay(asset="BNB", amount="0.5", specifyRepayAssets="USDT")
        first = running.control("GET", "state")
        running.install({key: value for key, value in first.items() if key != "books"})
        second = running.control("GET", "state")
        assert {key: value for key, value in first.items() if key != "books"} == {
            key: value for key, value in second.items() if key != "books"
        }
        assert running.executed() == []
        for account, mine in zip(content["accounts"], second["accounts"], strict=True):
            assert [key["api_key"] for key in mine["keys"]] == [key["api_key"] for key in account["keys"]]
        assert second["prices_usd"] == content["prices_usd"]
        assert second["limits"]["weight_per_minute"] == content["limits"]["weight_per_minute"]
        assert second["options"] == content["options"]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        "text",
        {"accounts": {}},
        {"unknown": 1},
        {"accounts": [{"balances": {}}]},
        {"accounts": [{"id": "a"}, {"id": "a"}]},
        {"accounts": [{"id": "a", "balances": {"BNB": {"free": "-1"}}}]},
        {"accounts": [{"id": "a", "balances": {"BNB": {"free": 1}}}]},
        {"accounts": [{"id": "a", "balances": {"BNB": {"free": "1e5"}}}]},
        {"prices_usd": {"BNB": "0"}},
        {"prices_usd": {"BNB": 600}},
        {"options": {"no-such": "x"}},
        {"options": {"no-debt": "perhaps"}},
        {"limits": {"weight_per_minute": "6000"}},
    ],
)
def test_a_wrong_state_is_refused_and_changes_nothing(wrong: Any, contract: Document) -> None:
    """A state document with a mistake is answered 400 with its place, and the world stays."""
    with exchange() as running:
        before = running.control("GET", "state")
        body = json.dumps(wrong).encode()
        answer = running.server.send(
            Request("PUT", "/_sandbox/state", b"", (("content-type", "application/json"),), body)
        )
        assert answer.status == 400
        assert set(answer.json()["error"]) == {"path", "reason"}
        assert running.control("GET", "state") == before


def test_a_file_keeps_everything(tmp_path: Path, contract: Document) -> None:
    """
    A new exchange on the same file has the same balances, ledger and clock, and goes on from
    there.
    """
    path = tmp_path / "exchange.db"
    first = Exchange(create_app(data=path))
    first.install(state())
    caller = Caller(contract, first)
    assert caller.repay(asset="BNB", amount="0.75", specifyRepayAssets="USDT").status == 200
    assert caller.repay(asset="BTC", amount="0.25").status == 200
    kept = first.control("GET", "state"), first.executed()
    close(first)
    second = Exchange(create_app(data=path))
    assert second.control("GET", "state") == kept[0]
    assert second.executed() == kept[1]
    again = Caller(contract, second).repay(asset="BNB", amount="0.25", specifyRepayAssets="USDT")
    assert again.status == 200
    assert [line["id"] for line in second.executed()] == [1, 2, 3]
    close(second)


def test_a_file_keeps_every_kind_of_change(tmp_path: Path, contract: Document) -> None:
    """
    One of each: loans, repayments, wallets, switches, keys, hours that pass, edits by hand. After each the
    exchange is opened anew, and nothing that it can be asked for is different.
    """
    content = state() | {
        "interest": {"default_daily_rate": "0.0024", "negative_daily_rate": "0.001", "on_borrow": True},
        "negative_thresholds": {"ETH": "1"},
        "lendable": {"BTC": "3"},
        "price_paths": {"BTC": [{"at_ms": NOW_MS + 90_000, "price": "61000"}]},
    }
    content["accounts"][0]["auto_repay_futures"] = False
    content["accounts"][0]["balances"]["ETH"]["negative"] = "2"
    hour = 3_600_000
    midnight = NOW_MS - NOW_MS % (24 * hour) + 24 * hour
    steps: list[tuple[str, str, Any]] = [
        ("POST", "/papi/v1/marginLoan", {"asset": "BTC", "amount": "0.5"}),
        ("POST", "/papi/v1/repayLoan", {"asset": "BNB", "amount": "0.25"}),
        ("POST", REPAY, {"asset": "BNB", "amount": "6", "specifyRepayAssets": "USDT"}),
        ("POST", REPAY, {"asset": "BTC", "amount": "0.75"}),
        ("POST", "/papi/v1/bnb-transfer", {"amount": "0.5", "transferSide": "FROM_UM"}),
        ("POST", "/papi/v1/asset-collection", {"asset": "USDT"}),
        ("POST", "/papi/v1/auto-collection", {}),
        ("POST", "/papi/v1/listenKey", {}),
        ("clock", "", NOW_MS + 100_000),  # a scripted price
        ("clock", "", midnight - hour),  # interest, and a negative balance that is sold off
        ("clock", "", midnight),  # what negative balances cost by the day
        ("POST", "/papi/v1/repay-futures-negative-balance", {}),
        ("POST", "/papi/v1/repay-futures-switch", {"autoRepay": "true"}),
        ("control", "balances", {"account": MAIN, "asset": "USDT", "negative": "3", "interest": "0.5"}),
        ("clock", "", midnight + 11 * hour),  # paid back by itself
        ("control", "prices", {"ETH": "2600"}),
        ("POST", REPAY, {"asset": "NOSUCH"}),  # a refusal is written down as well
        ("control", "faults", {"match": {"operation": "repayDebt"}, "fault": "reset_before", "times": 2}),
    ]
    path = tmp_path / "exchange.db"
    running = Exchange(create_app(data=path))
    running.install(content)
    now = NOW_MS
    for method, name, told in steps:
        if method == "clock":
            now = told
            running.set_clock(now)
        elif method == "control":
            running.control("POST", name, told)
        else:
            caller = Caller(contract, running, now_ms=now)
            answer = running.send(caller.request(method, name, told))
            assert answer.status == (400 if told.get("asset") == "NOSUCH" else 200), (name, answer.body)
        before = asked(running)
        close(running)
        running = Exchange(create_app(data=path))
        assert asked(running) == before, (method, name, told)
    kinds = {entry["operation"] for entry in running.executed()}
    assert {"repayDebt", "autoRepay", "autoExchange", "negativeInterest", "bnbTransfer"} <= kinds
    close(running)


def asked(running: Exchange) -> dict[str, Any]:
    """Everything that the control API tells."""
    names = ("state", "ledger", "requests", "faults", "clock", "prices", "options")
    return {name: running.control("GET", name) for name in names}


def test_what_is_set_by_hand_leaves_the_books_even(contract: Document) -> None:
    """Each part of a position, up and down and to nothing: it is what was set, and no money is missing."""
    with exchange() as running:
        for asset in ("BNB", "USDT", "NEW"):
            for part in ("free", "locked", "borrowed", "interest", "um", "cm", "negative"):
                for amount in ("3.5", "0.00000001", "1000000", "0"):
                    running.control("POST", "balances", {"account": MAIN, "asset": asset, part: amount})
                    assert running.balances()[MAIN].get(asset, {}).get(part, "0") == amount
                    assert running.control("GET", "state")["books"]["imbalance"] == {}, (asset, part, amount)


def close(running: Exchange) -> None:
    """Let go of the file, as the end of the process would."""
    running.server.close()
    store = running.app.committer.store
    assert store is not None
    store.close()
