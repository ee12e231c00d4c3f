"""A plan is a pure function of what was read, and every piece of it is legal."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from paydown.repay import Options, PlanRefused
from paydown.repay.evidence.snapshot import Holding, Snapshot
from paydown.repay.planning.plan import Plan, Price, Request
from paydown.repay.planning.planner import cut, earliest_finish_ms, make_plan
from paydown.repay.planning.repay_facts import Facts

NOW_MS = 1_795_000_000_000
CAP = Decimal(50_000)  # papi-debt.md (a): one repayment is worth at most 50 000 USD
FACTS = Facts.documented()


def request(amount=None, pay_with=("USDT",), asset="BNB", margin="0.02"):
    return Request(asset, None if amount is None else Decimal(amount), tuple(pay_with), (), Decimal(margin))


def snapshot(**assets):
    return Snapshot.of(
        NOW_MS, NOW_MS, [(asset, Holding(*map(Decimal, amounts))) for asset, amounts in assets.items()]
    )


def prices(**usd):
    return {asset: Price(Decimal(price), "index") for asset, price in usd.items()}


def plan(asked, seen, known=None, *, status="NORMAL", used_weight=0, options=None):
    known = prices(BNB="600", USDT="1") if known is None else known
    return make_plan(
        asked,
        seen,
        known,
        key="k",
        account_status=status,
        facts=FACTS,
        options=options or Options(),
        now_ms=NOW_MS,
        used_weight=used_weight,
    )


RICH = ("0", "0", "10000000", "0")


def test_the_facts_are_those_of_the_published_page():
    """Cap, weights and time rules come from the document and are the published numbers."""
    assert FACTS.cap_usd == CAP
    assert (FACTS.repay_weight, FACTS.weight_limit, FACTS.weight_interval_ms) == (3000, 6000, 60_000)
    assert (FACTS.snapshot_weight, FACTS.amount_digits) == (20, 8)
    assert (FACTS.answer_timeout_ms, FACTS.default_recv_window_ms, FACTS.future_tolerance_ms) == (
        10_000,
        5000,
        1000,
    )


def test_a_small_debt_is_one_piece_without_amount():
    """The whole debt goes in one request that names no amount, so accrued interest goes with it."""
    made = plan(request(), snapshot(BNB=("1.5", "0.001", "0", "0"), USDT=RICH))

    assert [piece.amount for piece in made.pieces] == [None]
    assert made.total == Decimal("1.501")
    assert made.whole


def test_a_million_is_cut_into_equal_pieces_below_the_cap():
    """1,000,000 USD at 2 % margin needs 21 pieces; the last one names no amount."""
    made = plan(request(), snapshot(BNB=("1666.66666666", "0", "0", "0"), USDT=RICH))

    assert len(made.pieces) == 21
    assert all(piece.amount is not None for piece in made.pieces[:-1])
    assert made.pieces[-1].amount is None
    values = [piece.value_usd for piece in made.pieces]
    assert max(values) <= CAP * Decimal("0.98")
    assert max(values) - min(values) < Decimal("0.01")


def test_an_amount_is_repaid_exactly_and_every_piece_names_one():
    """With an amount nothing beyond it can be paid: no piece is sent without its own amount."""
    made = plan(request("250"), snapshot(BNB=("500", "3", "0", "0"), USDT=RICH))

    assert [piece.amount for piece in made.pieces].count(None) == 0
    assert made.total == Decimal(250)


def test_the_plan_costs_its_pieces_and_its_looks():
    """Two pieces of 3000, balances and status before, balances after: 6060."""
    made = plan(request(), snapshot(BNB=("100", "0", "0", "0"), USDT=RICH))

    assert len(made.pieces) == 2
    assert made.weight == 2 * 3000 + 3 * 20


@pytest.mark.parametrize(
    ("pieces", "used", "minutes"),
    [(1, 0, 0), (2, 0, 0), (3, 0, 1), (21, 0, 10), (1, 3001, 1), (2, 20, 1), (21, 60, 10), (1, 6000, 1)],
)
def test_the_earliest_finish_is_what_weight_allows(pieces, used, minutes):
    """Two calls a minute, fewer in a minute whose weight is partly used."""
    assert earliest_finish_ms(NOW_MS, pieces, FACTS, used_weight=used) == NOW_MS + minutes * 60_000


@pytest.mark.parametrize("status", ["ACTIVE_LIQUIDATION", "FORCE_LIQUIDATION", "BANKRUPTED"])
def test_an_account_in_liquidation_is_refused(status):
    """The exchange is using the same assets for the same debt: stay away."""
    with pytest.raises(PlanRefused) as caught:
        plan(request(), snapshot(BNB=("1", "0", "0", "0"), USDT=RICH), status=status)

    assert caught.value.reason == "liquidation"
    assert caught.value.numbers == {"account_status": status}


@pytest.mark.parametrize("status", ["MARGIN_CALL", "SUPPLY_MARGIN", "REDUCE_ONLY", "TOMORROWS_STATUS"])
def test_a_strained_account_is_warned_about_but_may_repay(status):
    """Repaying is what helps a strained account; an unknown status is shown, not guessed at."""
    made = plan(request(), snapshot(BNB=("1", "0", "0", "0"), USDT=RICH), status=status)

    assert any(status in warning for warning in made.warnings)


def test_no_debt_is_refused_and_the_other_debts_are_named():
    """A person who mistypes the asset sees where debts are."""
    with pytest.raises(PlanRefused, match="ETH") as caught:
        plan(request(), snapshot(BNB=("0", "0", "3", "0"), ETH=("2", "0", "0", "0"), USDT=RICH))

    assert caught.value.reason == "no-debt"


def test_more_than_is_owed_is_refused_with_principal_and_interest():
    """Asking for more than the debt is undocumented, so it is never sent."""
    with pytest.raises(PlanRefused) as caught:
        plan(request("1.6"), snapshot(BNB=("1.5", "0.001", "0", "0"), USDT=RICH))

    assert caught.value.reason == "amount-above-debt"
    assert caught.value.numbers["debt"] == "1.501"


def test_an_unknown_price_is_refused():
    """Without a price it is not known what stays below the cap."""
    with pytest.raises(PlanRefused) as caught:
        plan(request(), snapshot(BNB=("1", "0", "0", "0"), USDT=RICH), prices(USDT="1"))

    assert caught.value.reason == "price-unknown"


def test_too_little_to_pay_with_is_refused_with_both_sums():
    """The refusal shows what is needed, reserve included, and what there is."""
    with pytest.raises(PlanRefused) as caught:
        plan(request(), snapshot(BNB=("10", "0", "1", "0"), USDT=("0", "0", "5000", "0")))

    assert caught.value.reason == "not-enough-to-pay"
    assert Decimal(caught.value.numbers["need_usd"]) == 9 * 600 * Decimal("1.01")
    assert Decimal(caught.value.numbers["have_usd"]) == 5000


def test_the_owed_asset_pays_first_and_may_be_enough():
    """Rule 4: what the account holds of the asset itself is spent first, so no other asset need be named."""
    made = plan(request(pay_with=()), snapshot(BNB=("10", "0", "10", "0")))

    assert made.total == 10


@pytest.mark.parametrize(
    ("own", "payer"),
    [
        (("0", "0"), ("0", "999999")),
        (("0", "0"), ("5000", "999999")),
        (("1", "9"), ("5400", "999999")),
        (("1", "9"), ("0", "999999")),
    ],
)
def test_locked_funds_do_not_pay(own, payer):
    """What open orders hold cannot be spent, neither of the owed asset nor of a payer that is partly free."""
    with pytest.raises(PlanRefused) as caught:
        plan(request(), snapshot(BNB=("10", "0", *own), USDT=("0", "0", *payer)))

    assert caught.value.reason == "not-enough-to-pay"
    assert Decimal(caught.value.numbers["have_usd"]) == Decimal(payer[0])
    assert Decimal(caught.value.numbers["need_usd"]) == (10 - Decimal(own[0])) * 600 * Decimal("1.01")


def test_a_payer_without_price_is_warned_about_when_the_others_suffice():
    """An asset that cannot be valued counts as nothing, and the plan warns of it."""
    made = plan(request(pay_with=("USDT", "ODD")), snapshot(BNB=("1", "0", "0", "0"), USDT=RICH, ODD=RICH))

    assert any("ODD" in warning for warning in made.warnings)


@pytest.mark.parametrize("amount", ["1.501", "1.5009"])
def test_an_amount_that_leaves_dust_is_warned_about(amount):
    """A crumb that would stay owed is announced, with the way to avoid it."""
    made = plan(request(amount), snapshot(BNB=("1.5", "0.001", "0", "0"), USDT=RICH))

    assert any("leave the amount out" in warning for warning in made.warnings)


@given(
    owed=st.decimals("0.00000001", "100000", places=9),
    price=st.decimals("0.0001", "100000", places=4),
    margin=st.decimals("0", "0.5", places=3),
    share=st.none() | st.decimals("0.0001", "1", places=4),
)
def test_every_cut_is_legal_and_together_they_pay_what_was_asked(owed, price, margin, share):
    """No piece is above the limit or below a crumb, at most eight digits are sent, and the sum is exact."""
    limit = CAP * (1 - margin)
    goal = None if share is None else (owed * share).quantize(Decimal("1E-8"))
    assume(goal is None or 0 < goal <= owed)
    assume(owed * price / limit < 300)
    left, paid, amounts = owed, Decimal(0), []

    while (
        step := cut(left, None if goal is None else goal - paid, price_usd=price, limit_usd=limit, digits=8)
    ) is not None:
        assert step.value_usd <= limit
        assert step.expected > 0
        assert step.amount is None or step.amount == step.amount.quantize(Decimal("1E-8"))
        amounts.append(step.amount)
        paid += step.expected
        left -= step.expected

    assert paid == (owed if goal is None else goal)
    assert [amount for amount in amounts if amount is None] == ([None] if goal is None else [])
    full = int(-(-(owed if goal is None else goal) * price // limit))
    assert full <= len(amounts) <= full + 1


def test_a_goal_above_what_is_still_owed_is_cut_down_to_it():
    """Another user repaid meanwhile: more than is owed is never asked for, and every piece still names its amount."""
    step = cut(Decimal(5), Decimal(10), price_usd=Decimal(600), limit_usd=CAP, digits=8)

    assert step is not None
    assert (step.amount, step.pieces) == (Decimal(5), 1)


@pytest.mark.parametrize(("goal", "pieces"), [(None, 2), (Decimal(1), 1)])
def test_a_whole_debt_leaves_room_for_the_interest_until_it_is_paid(goal, pieces):
    """What it may grow by stays below the limit of a piece; a piece that names its amount does not grow."""
    step = cut(
        Decimal(1),
        goal,
        price_usd=Decimal(100),
        limit_usd=Decimal(100),
        digits=8,
        growth=Decimal("0.001"),
    )

    assert step is not None
    assert step.pieces == pieces


@given(st.decimals("0.01", "2000000", places=2))
def test_pieces_of_one_plan_are_of_one_size(value):
    """No piece is a crumb next to full ones: all are within a cent of each other, but for the rounding."""
    made = plan(request(), snapshot(BNB=(str(value / 600), "0", "0", "0"), USDT=RICH))

    values = [piece.value_usd for piece in made.pieces]
    assert max(values) - min(values) <= Decimal("0.01")


def test_a_plan_survives_json():
    """What the journal stores is the plan, to the last digit."""
    made = plan(request("250", ("USDT", "BTC")), snapshot(BNB=("500", "3.123456789", "0", "0"), USDT=RICH))

    again = Plan.from_json(json.loads(json.dumps(made.to_json())))

    assert again == made
    assert again.request.fingerprint == made.request.fingerprint


def test_a_plan_explains_itself():
    """The printed plan names debt, price, every piece with its reason, cost and time."""
    text = str(plan(request(), snapshot(BNB=("100", "0.5", "0", "0"), USDT=RICH)))

    for part in (
        "100.5 BNB",
        "principal 100 + interest 0.5",
        "600 USD (index)",
        "clears what is left",
        "weight 6,060",
    ):
        assert part in text


def test_requests_that_differ_have_different_fingerprints():
    """Asset, amount, payers, prices and margin all belong to the request behind a key."""
    asked = [
        request(),
        request("1"),
        request(asset="ETH"),
        request(pay_with=("BTC",)),
        request(margin="0.03"),
        Request("BNB", None, ("USDT",), (("BNB", Decimal(500)),), Decimal("0.02")),
    ]

    assert len({one.fingerprint for one in asked}) == len(asked)
    assert request("1.0").fingerprint == request("1").fingerprint
