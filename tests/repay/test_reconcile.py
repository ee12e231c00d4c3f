"""Two stories are put to the evidence: executed or not. Only if exactly one fits is an attempt decided."""

from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from paydown.repay import LiabilityChange, Options
from paydown.repay.evidence import Row, Sighting
from paydown.repay.facts import Facts
from paydown.repay.journal import AttemptRecord, Intent
from paydown.repay.look import Holding, Look
from paydown.repay.reconcile import Case, contradicts_refusal, deadline_ms, judge
from paydown.repay.states import AttemptState

SIGNED_MS = 1_795_000_000_000
FACTS = Facts.documented()
OPTIONS = Options()
PRICES = {"BNB": Decimal(600), "USDT": Decimal(1), "BTC": Decimal(60000)}
DEAD_MS = deadline_ms(SIGNED_MS, 5000, FACTS, OPTIONS)
LISTS = frozenset({"repay-record", "loan-record", "capital-flow"})


def look(at_ms, **assets):
    """Borrowed, interest, free, locked by asset."""
    return Look.of(
        at_ms, at_ms, [(name, Holding(*map(Decimal, amounts))) for name, amounts in assets.items()]
    )


def attempt(
    amount="2", *, before, pay_with=("USDT",), attempt_id="a1", signed_ms=SIGNED_MS, repaid=None, since=()
):
    owed = before["BNB"].debt
    value = None if amount is None else Decimal(amount)
    intent = Intent(attempt_id, 1, "BNB", value, value or owed, pay_with, before, since, signed_ms, 5000)
    state = AttemptState.UNKNOWN if repaid is None else AttemptState.EXECUTED
    return AttemptRecord(intent, "k", state, {}, None if repaid is None else Decimal(repaid), signed_ms, None)


def case(tried, prior=(), options=OPTIONS):
    return Case(tried, tuple(prior), PRICES, FACTS, options)


def seen(now, *rows, read=LISTS, events=(), server_ms=DEAD_MS, listed_ms=None):
    """A look, and lists that were read when they had caught up with it, unless another time is given."""
    if listed_ms is None:
        listed_ms = max(server_ms, now.answered_at_ms + OPTIONS.lists_after_ms)
    return Sighting(server_ms, now, rows, tuple(events), frozenset(read), listed_ms=listed_ms)


def flow(kind, amount, at_ms=SIGNED_MS + 500, asset="BNB", row_id="1"):
    return Row("capital-flow", row_id, kind, asset, Decimal(amount), at_ms)


def record(kind, amount, at_ms=SIGNED_MS + 500, status="CONFIRMED", row_id="1"):
    return Row(
        "repay-record" if kind == "REPAY" else "loan-record",
        row_id,
        kind,
        "BNB",
        Decimal(amount),
        at_ms,
        status,
    )


# Ten BNB owed with some interest, USDT to pay with; nothing of BNB itself.
BEFORE = look(SIGNED_MS - 500, BNB=("10", "0.01", "0", "0"), USDT=("0", "0", "50000", "0"))
PAID = look(DEAD_MS, BNB=("8.01", "0", "0", "0"), USDT=("0", "0", "48800", "0"))
UNPAID = look(DEAD_MS, BNB=("10", "0.01", "0", "0"), USDT=("0", "0", "50000", "0"))


def test_the_deadline_is_when_nothing_more_can_come_of_it():
    """After recvWindow and the answer's time-out, whichever is later, and then the settle time."""
    assert deadline_ms(SIGNED_MS, 5000, FACTS, OPTIONS) == SIGNED_MS + 10_000 + 15_000
    assert deadline_ms(SIGNED_MS, 60_000, FACTS, OPTIONS) == SIGNED_MS + 60_000 + 15_000


@pytest.mark.parametrize("now", [PAID, UNPAID])
def test_nothing_is_decided_while_the_request_can_act(now):
    """One millisecond before the deadline every sighting is undecided."""
    verdict = judge(case(attempt(before=BEFORE)), seen(now, server_ms=DEAD_MS - 1))

    assert (verdict.result, verdict.rule) == ("UNDECIDED", "too-early")
    assert judge(case(attempt(before=BEFORE)), seen(now)).decided


def test_a_debt_that_fell_by_the_amount_proves_execution():
    """Principal and interest fell by exactly the amount, and its value left the payment asset."""
    verdict = judge(case(attempt(before=BEFORE)), seen(PAID))

    assert (verdict.result, verdict.rule, verdict.repaid) == ("PROVEN_EXECUTED", "debt-fell", Decimal(2))


def test_untouched_books_prove_that_nothing_happened():
    """Debt and payment assets are what they were, to the last digit."""
    verdict = judge(case(attempt(before=BEFORE)), seen(UNPAID))

    assert (verdict.result, verdict.rule, verdict.repaid) == ("PROVEN_NOT_EXECUTED", "nothing-moved", 0)


@pytest.mark.parametrize("own", ["0", "5"])
@pytest.mark.parametrize("pay_with", [("USDT",), ()])
@pytest.mark.parametrize("read", [LISTS, {"loan-record"}, {"repay-record"}, set()])
def test_untouched_books_prove_nothing_before_borrowings_are_listed(own, pay_with, read):
    """Until the lists reach up to the look, somebody may have borrowed what the repayment took; one suffices."""
    books = {"BNB": ("10", "0", own, "0"), "USDT": ("0", "0", "50000", "0")}
    tried = case(attempt(before=look(SIGNED_MS - 500, **books), pay_with=pay_with))
    now = look(DEAD_MS + 60_000, **books)  # a borrowing may be as young as the look is

    for listed_ms in (DEAD_MS + 60_000, DEAD_MS + 91_999):
        early = judge(tried, seen(now, read=read, server_ms=DEAD_MS + 60_000, listed_ms=listed_ms))
        assert (early.result, early.rule) == ("UNDECIDED", "disturbed")
    late = judge(tried, seen(now, read=read, server_ms=DEAD_MS + 60_000, listed_ms=DEAD_MS + 92_000))
    assert late.decided is ("loan-record" in read)


@pytest.mark.parametrize("paid_with", ["USDT", "BTC"])
def test_a_tiny_piece_paid_with_an_asset_that_was_not_named_is_not_overlooked(paid_with):
    """The debt is too large to tell, so the holdings must, and not only those that were to pay."""
    before = look(
        SIGNED_MS - 500,
        BNB=("1000", "3", "0", "0"),
        USDT=("0", "0", "50000", "0"),
        BTC=("0", "0", "1", "0"),
    )
    held = {"USDT": "50000", "BTC": "1"} | {paid_with: {"USDT": "49940", "BTC": "0.999"}[paid_with]}
    now = look(
        DEAD_MS,
        BNB=("1000", "3.05", "0", "0"),
        USDT=("0", "0", held["USDT"], "0"),
        BTC=("0", "0", held["BTC"], "0"),
    )

    verdict = judge(case(attempt("0.1", before=before)), seen(now))

    assert verdict.result != "PROVEN_NOT_EXECUTED"


def test_a_loan_beside_a_look_is_not_counted_in_for_holdings_and_out_for_debt():
    """Another asset paid, and a loan just before the look made the debt what it was: no reading proves "lost"."""
    before = look(
        SIGNED_MS - 500,
        BNB=("10", "0", "0", "0"),
        USDT=("0", "0", "50000", "0"),
        BTC=("0", "0", "1", "0"),
    )
    now = look(
        DEAD_MS,
        BNB=("10", "0", "2", "0"),
        USDT=("0", "0", "50000", "0"),
        BTC=("0", "0", "0.98", "0"),
    )

    verdict = judge(case(attempt(before=before)), seen(now, flow("BORROW", "2", DEAD_MS - 1_000)))

    assert verdict.result != "PROVEN_NOT_EXECUTED"


def test_a_listed_loan_and_an_unlisted_repayment_do_not_add_up_to_nothing():
    """A loan of 3 beside the look, ours of 2, and 1 that somebody repaid without a row: the books stand still."""
    before = look(SIGNED_MS - 500, BNB=("10", "0", "5", "0"), USDT=("0", "0", "50000", "0"))
    now = look(DEAD_MS, BNB=("10", "0", "5", "0"), USDT=("0", "0", "50000", "0"))

    verdict = judge(case(attempt(before=before)), seen(now, flow("BORROW", "3", DEAD_MS - 1_000)))

    assert verdict.result != "PROVEN_NOT_EXECUTED"


@pytest.mark.parametrize("interest", ["0.01", "0.012", "0.018"])
def test_interest_that_accrued_meanwhile_hides_nothing(interest):
    """Interest only adds a bounded bit to the debt; both stories are still told apart."""
    unpaid = look(DEAD_MS, BNB=("10", interest, "0", "0"), USDT=("0", "0", "50000", "0"))
    paid = look(
        DEAD_MS,
        BNB=("8.01", str(Decimal(interest) - Decimal("0.01")), "0", "0"),
        USDT=("0", "0", "48800", "0"),
    )

    assert judge(case(attempt(before=BEFORE)), seen(unpaid)).result == "PROVEN_NOT_EXECUTED"
    assert judge(case(attempt(before=BEFORE)), seen(paid)).result == "PROVEN_EXECUTED"


@pytest.mark.parametrize("principal_first", [True, False])
def test_the_order_of_interest_and_principal_does_not_matter(principal_first):
    """Which of the two is paid first is not published; both are understood."""
    debt = ("8", "0.01") if principal_first else ("8.01", "0")
    now = look(DEAD_MS, BNB=(*debt, "0", "0"), USDT=("0", "0", "48800", "0"))

    assert judge(case(attempt(before=BEFORE)), seen(now)).result == "PROVEN_EXECUTED"


def test_a_whole_debt_that_is_gone_was_repaid():
    """A request without amount that left no debt is proven, with what it repaid."""
    now = look(DEAD_MS, USDT=("0", "0", "43994", "0"))
    verdict = judge(case(attempt(None, before=BEFORE)), seen(now))

    assert (verdict.result, verdict.repaid) == ("PROVEN_EXECUTED", Decimal("10.01"))


def test_what_the_account_holds_of_the_asset_is_spent_first():
    """With BNB of its own the account pays with that; the payment asset need not move."""
    before = look(SIGNED_MS - 500, BNB=("10", "0.01", "5", "0"), USDT=("0", "0", "50000", "0"))
    now = look(DEAD_MS, BNB=("8.01", "0", "3", "0"), USDT=("0", "0", "50000", "0"))

    assert judge(case(attempt(before=before)), seen(now)).result == "PROVEN_EXECUTED"


@pytest.mark.parametrize("factor", ["0.91", "1.09"])
def test_a_conversion_at_another_price_is_still_recognised(factor):
    """The price of a conversion is not published: a tenth more or less still fits."""
    left = 50_000 - 1200 * Decimal(factor)
    now = look(DEAD_MS, BNB=("8.01", "0", "0", "0"), USDT=("0", "0", str(left), "0"))

    verdict = judge(case(attempt(before=BEFORE)), seen(now))
    assert verdict.result == "PROVEN_EXECUTED"
    assert {finding.witness: finding.says for finding in verdict.findings}["assets"] == "executed"


# Others


def test_a_loan_that_undoes_the_repayment_is_seen_in_the_list():
    """Somebody borrowed the same again: the books look untouched, and only the list tells; it is read."""
    before = look(SIGNED_MS - 500, BNB=("10", "0", "5", "0"))
    now = look(DEAD_MS, BNB=("10", "0", "5", "0"))
    tried = attempt(before=before, pay_with=())

    verdict = judge(case(tried), seen(now, flow("BORROW", "2"), record("BORROW", "2")))
    assert verdict.result != "PROVEN_NOT_EXECUTED"
    unread = judge(case(tried), seen(now, read=()))
    assert (unread.result, unread.rule) == ("UNDECIDED", "disturbed")


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize(("kind", "change"), [("BORROW", "3"), ("REPAY", "-0.7")])
def test_others_who_borrow_or_repay_are_reckoned_with(executed, kind, change):
    """A listed loan or repayment of somebody else is taken out of the sum before the stories are compared."""
    change = Decimal(change)
    borrowed = (Decimal("8.01") if executed else Decimal(10)) + change
    interest = "0" if executed else "0.01"
    held = change if change > 0 else Decimal(0)
    usdt = (Decimal(48800) if executed else Decimal(50000)) + (change * 600 if change < 0 else 0)
    now = look(DEAD_MS, BNB=(str(borrowed), interest, str(held), "0"), USDT=("0", "0", str(usdt), "0"))
    later = seen(now, flow(kind, change), server_ms=DEAD_MS + 60_000)

    verdict = judge(case(attempt(before=BEFORE)), later)

    assert verdict.result == ("PROVEN_EXECUTED" if executed else "PROVEN_NOT_EXECUTED")


def test_a_trade_of_the_payment_asset_waits_until_the_lists_are_complete():
    """The debt stands, but USDT moved: only after the lists had time to show a loan is that believed."""
    now = look(DEAD_MS, BNB=("10", "0.01", "0", "0"), USDT=("0", "0", "41234", "0"))
    tried = case(attempt(before=BEFORE))

    assert not judge(tried, seen(now, listed_ms=DEAD_MS)).decided
    late = judge(tried, seen(now))
    assert (late.result, late.rule) == ("PROVEN_NOT_EXECUTED", "debt-stands")
    assert not judge(tried, seen(now, read={"repay-record"}, server_ms=DEAD_MS + 30_000)).decided


def test_a_trade_that_the_flow_explains_leaves_the_payers_untouched():
    """Known rows of other people's trades are taken off before the holdings are compared."""
    now = look(DEAD_MS, BNB=("10", "0.01", "0", "0"), USDT=("0", "0", "41234", "0"))
    trade = flow("BUY_EXPENSE", "-8766", asset="USDT")

    verdict = judge(case(attempt(before=BEFORE)), seen(now, trade))

    assert (verdict.result, verdict.rule) == ("PROVEN_NOT_EXECUTED", "nothing-moved")


def test_a_debt_that_fell_while_nothing_was_spent_is_a_contradiction():
    """The debt is lower by the amount, but what could pay is untouched: somebody else paid, or worse."""
    now = look(DEAD_MS, BNB=("8.01", "0", "0", "0"), USDT=("0", "0", "50000", "0"))

    verdict = judge(case(attempt(before=BEFORE)), seen(now))

    assert (verdict.result, verdict.rule) == ("UNDECIDED", "contradiction")
    assert verdict.check


def test_a_debt_that_stands_while_its_price_was_spent_is_a_contradiction():
    """The value left the payment asset, yet the debt stands: nothing is sent again on that."""
    now = look(DEAD_MS, BNB=("10", "0.01", "0", "0"), USDT=("0", "0", "48800", "0"))

    for server_ms in (DEAD_MS, DEAD_MS + 3_600_000):
        assert not judge(case(attempt(before=BEFORE)), seen(now, server_ms=server_ms)).decided


def test_a_pending_record_is_waited_for():
    """While a repayment is listed as PENDING nothing is concluded."""
    verdict = judge(case(attempt(before=BEFORE)), seen(UNPAID, record("REPAY", "2", status="PENDING")))

    assert (verdict.result, verdict.rule) == ("UNDECIDED", "pending")


def test_a_failed_record_changes_nothing():
    """FAILED means that nothing changed."""
    assert (
        judge(case(attempt(before=BEFORE)), seen(UNPAID, record("REPAY", "2", status="FAILED"))).result
        == "PROVEN_NOT_EXECUTED"
    )


def test_a_row_that_fits_is_never_called_not_executed():
    """A listed repayment of exactly this amount in exactly this window speaks against "not executed"."""
    for row in (flow("REPAY", "-2"), record("REPAY", "2")):
        assert judge(case(attempt(before=BEFORE)), seen(UNPAID, row)).result == "UNDECIDED"


@pytest.mark.parametrize("at_ms", [SIGNED_MS - 1001, DEAD_MS + 1])
def test_a_row_outside_the_window_is_not_ours(at_ms):
    """A repayment before the request was stamped, or after it was dead, is somebody else's."""
    now = look(DEAD_MS, BNB=("8.01", "0", "0", "0"), USDT=("0", "0", "48800", "0"))
    base = look(SIGNED_MS - 100_000, BNB=("10", "0.01", "0", "0"), USDT=("0", "0", "50000", "0"))
    later = replace(now, sent_at_ms=DEAD_MS + 90_000, answered_at_ms=DEAD_MS + 90_000)

    verdict = judge(
        case(attempt(before=base)), seen(later, flow("REPAY", "-2", at_ms), server_ms=DEAD_MS + 90_000)
    )

    assert verdict.result != "PROVEN_EXECUTED"


def test_one_event_in_two_lists_is_counted_once():
    """A repayment shows up as a record and as a flow row, a second apart: it is one repayment."""
    now = look(DEAD_MS, BNB=("9.31", "0", "0", "0"), USDT=("0", "0", "49580", "0"))
    rows = (flow("REPAY", "-0.7", row_id="f"), record("REPAY", "0.7", SIGNED_MS + 1500, row_id="r"))

    verdict = judge(case(attempt(before=BEFORE)), seen(now, *rows, server_ms=DEAD_MS + 60_000))

    assert (verdict.result, verdict.rule) == ("PROVEN_NOT_EXECUTED", "debt-stands")


def test_a_stream_event_that_fits_speaks_for_execution():
    """A liabilityChange that took the total down by the amount is a row that fits."""
    event = LiabilityChange("BNB", SIGNED_MS + 300, Decimal("8.01"), "REPAY")
    noisy = look(DEAD_MS, BNB=("11", "0", "0", "0"), USDT=("0", "0", "40000", "0"))

    verdict = judge(case(attempt(before=BEFORE)), seen(noisy, events=[event]))

    assert (verdict.result, verdict.rule) == ("PROVEN_EXECUTED", "row-fits")
    assert not judge(case(attempt(before=BEFORE)), seen(noisy, listed_ms=DEAD_MS)).decided


def test_the_documented_event_is_understood():
    """Only `l`, the total, is used; other events are refused."""
    event = {
        "e": "liabilityChange", "E": 1573200697110, "a": "BTC", "t": "BORROW", "T": 1352286576452864727,
        "p": "1.03453430", "i": "0", "l": "1.03476851",
    }  # fmt: skip  # papi-debt.md (c), quotes and comma repaired

    assert LiabilityChange.from_json(event).total == Decimal("1.03476851")
    with pytest.raises(ValueError, match="liabilityChange"):
        LiabilityChange.from_json({**event, "e": "riskLevelChange"})
    with pytest.raises(ValueError, match="liabilityChange"):
        LiabilityChange.from_json({"e": "liabilityChange"})


def test_a_partial_repayment_is_recognised_by_its_empty_purse():
    """All that could pay is gone and the debt fell by as much: it was executed in part."""
    before = look(SIGNED_MS - 500, BNB=("10", "0.01", "0", "0"), USDT=("0", "0", "900", "0"))
    now = look(DEAD_MS, BNB=("8.51", "0", "0", "0"))

    verdict = judge(case(attempt(before=before)), seen(now))

    assert (verdict.result, verdict.rule) == ("PROVEN_EXECUTED", "partly-executed")
    # At most, interest included: what is reckoned too low would be asked for once more.
    assert Decimal("1.5") <= verdict.repaid <= Decimal("1.52")


@pytest.mark.parametrize("executed", [True, False])
def test_a_tiny_piece_of_a_large_debt_is_told_by_the_assets(executed):
    """An amount smaller than the interest in question shows in the holdings, not in the debt."""
    before = look(SIGNED_MS - 500, BNB=("1000", "3", "0", "0"), USDT=("0", "0", "50000", "0"))
    debt, usdt = (("1000", "2.9"), "49940") if executed else (("1000", "3"), "50000")
    now = look(DEAD_MS, BNB=(*debt, "0", "0"), USDT=("0", "0", usdt, "0"))

    verdict = judge(case(attempt("0.1", before=before)), seen(now))

    assert verdict.result == ("PROVEN_EXECUTED" if executed else "PROVEN_NOT_EXECUTED")


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("days", [0, 1, 30])
def test_pieces_answered_since_the_last_look_are_reckoned_with(executed, days):
    """Four clear answers and then a lost one, looked at at once or a month later: principal never accrues."""
    base = look(SIGNED_MS - 60_000, BNB=("1000", "1", "0", "0"), USDT=("0", "0", "600000", "0"))
    prior = [
        attempt("80", before=base, attempt_id=f"p{n}", signed_ms=SIGNED_MS - 50_000 + n, repaid="80")
        for n in range(4)
    ]
    tried = attempt("80", before=base, since=tuple(one.id for one in prior))
    paid = 4 + executed
    then = DEAD_MS + 30_000 + days * 86_400_000
    accrued = Decimal(days) * 600 * Decimal("0.0005")
    now = look(
        then,
        BNB=(str(1001 - 80 * paid), str(accrued), "0", "0"),
        USDT=("0", "0", str(600_000 - 80 * paid * 600), "0"),
    )

    verdict = judge(case(tried, prior), seen(now, server_ms=then))

    assert verdict.result == ("PROVEN_EXECUTED" if executed else "PROVEN_NOT_EXECUTED")


def test_the_rows_of_answered_pieces_are_not_this_ones():
    """A row of an earlier piece with the same amount does not speak for the lost one."""
    base = look(SIGNED_MS - 60_000, BNB=("1000", "0", "0", "0"), USDT=("0", "0", "600000", "0"))
    prior = attempt("80", before=base, attempt_id="p", signed_ms=SIGNED_MS - 900, repaid="80")
    tried = attempt("80", before=base, since=("p",))
    now = look(DEAD_MS, BNB=("920", "0", "0", "0"), USDT=("0", "0", "552000", "0"))

    verdict = judge(case(tried, [prior]), seen(now, flow("REPAY", "-80", SIGNED_MS - 400)))

    assert verdict.result == "PROVEN_NOT_EXECUTED"


@pytest.mark.parametrize("stranger", ["0.7", "1.9"])
def test_what_was_repaid_is_the_amount_whatever_strangers_did(stranger):
    """A stranger's row near a look makes the sums ambiguous; the proven attempt still repaid all that it asked.

    A smaller figure here would make an exact plan ask for the difference once more: `chaos` found that.
    """
    row = flow("REPAY", f"-{stranger}", SIGNED_MS - 900)  # may or may not be part of the look before
    verdict = judge(case(attempt(before=BEFORE)), seen(PAID, row))

    assert (verdict.result, verdict.repaid) == ("PROVEN_EXECUTED", Decimal(2))


@pytest.mark.parametrize("lists", [{"capital-flow", "loan-record"}, {"loan-record"}, {"capital-flow"}])
@pytest.mark.parametrize("with_row", [True, False])
def test_what_a_stranger_borrowed_can_have_paid(lists, with_row):
    """Somebody borrows just as much beside the look, and the repayment is paid out of that: all stands as before.

    The asset's own holdings pay first, and borrowing fills them. To call this "nothing moved" pays twice.
    """
    before = look(SIGNED_MS - 500, BNB=("10", "0", "0", "0"), USDT=("0", "0", "50000", "0"))
    now = look(DEAD_MS, BNB=("10", "0", "0", "0"), USDT=("0", "0", "50000", "0"))
    rows = [
        *([flow("BORROW", "2", SIGNED_MS - 300, row_id="8")] if "capital-flow" in lists else []),
        *([record("BORROW", "2", SIGNED_MS - 300, row_id="9")] if "loan-record" in lists else []),
        *([flow("REPAY", "-2", SIGNED_MS + 60, row_id="10")] if with_row and "capital-flow" in lists else []),
    ]

    verdict = judge(case(attempt(before=before)), seen(now, *rows, read=lists, server_ms=DEAD_MS + 60_000))

    assert verdict.result != "PROVEN_NOT_EXECUTED"
    if len(rows) == len(lists) + 1:
        assert verdict.result == "PROVEN_EXECUTED"


@pytest.mark.parametrize(
    ("left", "usdt", "lists", "late", "decided"),
    [
        ("8.5", "47000", LISTS, True, True),  # less is gone than this one would have repaid
        ("8.1", "48860", LISTS, True, True),  # and nearly as much was spent, by whoever repaid that
        ("8.1", "48860", LISTS, False, False),
        ("8.1", "48860", LISTS - {"loan-record"}, True, False),
        ("8.5", "48860", LISTS, True, False),  # more was spent than what is gone
        ("8.5", "47000", LISTS, False, False),  # a borrowing may still be missing in the lists
        ("8.5", "47000", LISTS - {"loan-record"}, True, False),
        ("8.5", "0", LISTS, True, False),  # all that could pay is gone: it may have been executed in part
        ("8", "47000", LISTS, True, False),  # just as much is gone
        ("7", "47000", LISTS, True, False),
    ],
)
def test_a_debt_that_fell_by_less_was_not_repaid_by_this(left, usdt, lists, late, decided):
    """A stranger's unlisted repayment is smaller than ours: only a listed borrowing could hide ours behind it."""
    before = look(SIGNED_MS - 500, BNB=("10", "0", "0", "0"), USDT=("0", "0", "50000", "0"))
    now = look(DEAD_MS, BNB=(left, "0", "0", "0"), USDT=("0", "0", usdt, "0"))
    listed_ms = DEAD_MS + (32_000 if late else 0)

    verdict = judge(case(attempt(before=before)), seen(now, read=lists, listed_ms=listed_ms))

    found = (verdict.result, verdict.rule) == ("PROVEN_NOT_EXECUTED", "fell-too-little")
    assert found is decided
    if not decided:
        assert verdict.result != "PROVEN_NOT_EXECUTED"


@pytest.mark.parametrize("amount", [None, "10"])
@pytest.mark.parametrize("part", ["1.5", "9.5"])
def test_a_listed_part_is_not_taken_for_somebody_elses(amount, part):
    """The payment assets are used up and a smaller repayment is listed in time: it may be this one, in part."""
    spent = Decimal(part) * 600
    before = look(SIGNED_MS - 500, BNB=("10", "0", "0", "0"), USDT=("0", "0", str(spent), "0"))
    now = look(DEAD_MS, BNB=(str(10 - Decimal(part)), "0", "0", "0"))
    rows = (flow("REPAY", f"-{part}"), record("REPAY", part))

    verdict = judge(case(attempt(amount, before=before)), seen(now, *rows, server_ms=DEAD_MS + 60_000))

    assert verdict.result != "PROVEN_NOT_EXECUTED"


def test_what_others_repaid_explains_what_was_spent():
    """A listed repayment of a stranger took most of the debt: its price does not speak for the rest."""
    now = look(DEAD_MS, BNB=("0.51", "0", "0", "0"), USDT=("0", "0", "44300", "0"))
    rows = (flow("REPAY", "-9.5", DEAD_MS + 60_000), record("REPAY", "9.5", DEAD_MS + 60_000))
    tried = case(attempt(None, before=BEFORE))
    later = replace(now, sent_at_ms=DEAD_MS + 90_000, answered_at_ms=DEAD_MS + 90_000)

    verdict = judge(tried, seen(later, *rows, server_ms=DEAD_MS + 90_000))

    assert (verdict.result, verdict.rule) == ("PROVEN_NOT_EXECUTED", "debt-stands")


def test_another_debt_that_fell_explains_what_was_spent():
    """Somebody repaid as much of another debt: once the lists show no borrowing, the standing debt is believed."""
    before = look(
        SIGNED_MS - 500,
        BNB=("10", "0.01", "0", "0"),
        BTC=("1", "0", "0", "0"),
        USDT=("0", "0", "50000", "0"),
    )
    now = look(
        DEAD_MS, BNB=("10", "0.01", "0", "0"), BTC=("0.98", "0", "0", "0"), USDT=("0", "0", "48800", "0")
    )
    tried = case(attempt(before=before))

    assert not judge(tried, seen(now, listed_ms=DEAD_MS)).decided
    late = judge(tried, seen(now))
    assert (late.result, late.rule) == ("PROVEN_NOT_EXECUTED", "debt-stands")


def test_a_stranger_who_spent_the_holdings_first_is_reckoned_with():
    """Both would have taken the asset's own holdings, and they fell by his alone; interest hides nothing then."""
    before = look(SIGNED_MS - 500, BNB=("1000", "0", "60", "0"), USDT=("0", "0", "50000", "0"))
    tried = case(attempt("0.3", before=before))
    rows = (flow("REPAY", "-0.3", DEAD_MS + 60_000), record("REPAY", "0.3", DEAD_MS + 60_000))
    for executed in (True, False):
        owed, held = ("999.7", "59.4") if executed else ("999.7", "59.7")
        now = replace(
            look(DEAD_MS, BNB=(owed, "0", held, "0"), USDT=("0", "0", "50000", "0")),
            sent_at_ms=DEAD_MS + 90_000,
            answered_at_ms=DEAD_MS + 90_000,
        )
        verdict = judge(tried, seen(now, *rows, server_ms=DEAD_MS + 90_000))
        assert verdict.result == ("PROVEN_EXECUTED" if executed else "PROVEN_NOT_EXECUTED"), verdict


def test_equal_pieces_close_to_each_other_each_keep_their_own_row():
    """Of several rows that could be a piece's, the nearest is; otherwise one is left over as a stranger's."""
    base = look(SIGNED_MS - 90_000, BNB=("1000", "0", "0", "0"), USDT=("0", "0", "600000", "0"))
    stamps = [SIGNED_MS - 60_000, SIGNED_MS - 36_000, SIGNED_MS - 20_000]
    prior = [
        attempt("80", before=base, attempt_id=f"p{n}", signed_ms=stamp, repaid="80")
        for n, stamp in enumerate(stamps)
    ]
    tried = attempt("80", before=base, since=tuple(one.id for one in prior))
    rows = [flow("REPAY", "-80", at_ms + 1, row_id=str(at_ms)) for at_ms in (SIGNED_MS, *reversed(stamps))]
    now = look(DEAD_MS, BNB=("680", "0", "0", "0"), USDT=("0", "0", "408000", "0"))

    verdict = judge(case(tried, prior), seen(now, *rows))

    assert (verdict.result, verdict.repaid) == ("PROVEN_EXECUTED", Decimal(80))


def test_more_rows_near_a_look_than_can_be_tried_are_not_guessed_at():
    """With many rows at the very moment of a look the debt is called disturbed."""
    rows = [flow("BORROW", "0.2", SIGNED_MS - 500, row_id=str(n)) for n in range(20)]

    assert not judge(case(attempt(before=BEFORE)), seen(UNPAID, *rows, server_ms=DEAD_MS + 60_000)).decided


def test_a_refusal_that_the_debt_contradicts_is_noticed():
    """ "Not executed" and a debt that fell by exactly that much do not go together."""
    assert contradicts_refusal(case(attempt(before=BEFORE)), seen(PAID))
    assert not contradicts_refusal(case(attempt(before=BEFORE)), seen(UNPAID))


def test_two_equal_borrowings_are_two_though_one_list_knows_the_first_alone():
    """The records show both, the capital flow lags: the second is no repeat of the first, and hides a repayment."""
    before = look(SIGNED_MS - 500, BNB=("10", "0", "2", "0"), USDT=("0", "0", "50000", "0"))
    after = look(DEAD_MS, BNB=("12", "0", "4", "0"), USDT=("0", "0", "50000", "0"))
    first_ms, second_ms = SIGNED_MS + 2000, SIGNED_MS + 2000 + 3 * OPTIONS.clock_slack_ms
    rows = (
        flow("BORROW", "2", first_ms, row_id="f1"),
        record("BORROW", "2", first_ms, row_id="r1"),
        record("BORROW", "2", second_ms, row_id="r2"),
    )

    verdict = judge(case(attempt(before=before)), seen(after, *rows))

    assert verdict.result != "PROVEN_NOT_EXECUTED"


def test_a_whole_debt_to_which_a_stranger_added_is_recognised_by_its_row():
    """The row is that of all that was owed at that moment, borrowed just before included, and so is what we repaid."""
    before = look(SIGNED_MS - 500, BNB=("10", "0", "0", "0"), USDT=("0", "0", "50000", "0"))
    after = look(DEAD_MS, BNB=("0", "0", "2", "0"), USDT=("0", "0", "42800", "0"))
    rows = (flow("BORROW", "2", SIGNED_MS - 100, row_id="theirs"), flow("REPAY", "-12", row_id="ours"))

    verdict = judge(case(attempt(None, before=before)), seen(after, *rows))

    assert (verdict.result, verdict.repaid) == ("PROVEN_EXECUTED", Decimal(12))


def test_what_a_stranger_borrowed_after_a_repayment_is_no_part_of_it():
    """A row of more than was owed at its moment is not that of a whole debt."""
    before = look(SIGNED_MS - 500, BNB=("10", "0", "0", "0"), USDT=("0", "0", "50000", "0"))
    after = look(DEAD_MS, BNB=("0", "0", "0", "0"), USDT=("0", "0", "42800", "0"))
    rows = (flow("BORROW", "2", SIGNED_MS + 10_000, row_id="theirs"), flow("REPAY", "-12", row_id="another"))

    verdict = judge(case(attempt(None, before=before)), seen(after, *rows))

    assert verdict.repaid != Decimal(12)


# Soundness over worlds: whatever accrues and whoever trades, a verdict is right or withheld.

AMOUNT = st.decimals("0.5", "20", places=8)


@given(
    executed=st.booleans(),
    amount=AMOUNT,
    owed=st.decimals("20.5", "200", places=8),
    interest=st.decimals("0", "0.2", places=9),
    own=st.decimals("0", "30", places=8),
    accrued=st.decimals("0", "0.01", places=9),
    price=st.decimals("0.92", "1.08", places=4),
    principal_first=st.booleans(),
    strangers=st.lists(
        st.tuples(
            st.sampled_from(["BORROW", "REPAY", "TRADE", "REPAY UNLISTED", "REPAY ANOTHER"]),
            st.decimals("0.01", "5", places=8),
            st.booleans(),
        ),
        max_size=3,
    ),
    same=st.sampled_from([None, "BORROW", "REPAY", "REPAY UNLISTED"]),
    same_listed=st.booleans(),
    late=st.booleans(),
    first=st.booleans(),
    listed_itself=st.booleans(),
    purse=st.one_of(st.just(Decimal(500_000)), st.decimals("100", "15000", places=2)),
    whole=st.booleans(),
)
@example(  # the whole debt, to which a stranger had just added: the row is larger than what was looked at
    *(True, Decimal("0.5"), Decimal("20.5"), Decimal(0), Decimal("20.51709760"), Decimal(0), Decimal("0.92")),
    *(
        False,
        [("BORROW", Decimal("0.01709759"), False)],
        None,
        False,
        True,
        True,
        True,
        Decimal(500_000),
        True,
    ),
)
@example(  # the whole debt, of which a stranger had just repaid: the row is smaller
    *(True, Decimal("0.5"), Decimal("20.5"), Decimal(0), Decimal("20.51709760"), Decimal(0), Decimal("0.92")),
    *(False, [("REPAY", Decimal("0.5"), True)], None, False, True, True, True, Decimal(500_000), True),
)
def test_a_verdict_of_not_executed_is_never_wrong(
    executed,
    amount,
    owed,
    interest,
    own,
    accrued,
    price,
    principal_first,
    strangers,
    same,
    same_listed,
    late,
    first,
    listed_itself,
    purse,
    whole,
):
    """In random worlds an executed attempt is never called not executed; that mistake would pay twice.

    Strangers borrow, repay and trade, before us or after, listed or (if the lists lag) not, even with exactly this
    amount; a repayment may leave no row ever, and ours may be executed in part, if the purse is small.
    What is assumed of strangers is what docs/never-twice.md assumes: borrowings and trades are listed once the
    lag is over.
    """
    borrowed, interest_now, held, usdt, other_debt = owed, interest, own, purse, Decimal(1)
    before = Look.of(SIGNED_MS - 500, SIGNED_MS - 500, [
        ("BNB", Holding(borrowed, interest, own)), ("USDT", Holding(free=usdt)), ("BTC", Holding(other_debt)),
    ])  # fmt: skip
    rows, number = [], itertools.count()

    def repay(value):
        nonlocal borrowed, interest_now, held, usdt
        from_principal = min(value, borrowed) if principal_first else max(Decimal(0), value - interest_now)
        borrowed -= from_principal
        interest_now -= value - from_principal
        mine = min(held, value)
        held -= mine
        usdt -= (value - mine) * 600 * price

    def possible(value):
        return min(value, borrowed + interest_now, held + usdt / (600 * price))

    def repay_ours():
        asked = borrowed + interest_now if whole else amount
        value = possible(asked)
        if value < asked:
            value = value.quantize(Decimal("1e-8"), "ROUND_DOWN")
        repay(value)
        if listed_itself:
            rows.append(flow("REPAY", -value, SIGNED_MS + 3000, row_id="ours"))

    doings = [*strangers, *([] if same is None else [(same, amount, same_listed)])]
    if executed and not first:
        repay_ours()
    for kind, value, listed in doings:
        at_ms = SIGNED_MS + 4000 + next(number) - (2000 if first else 0)
        if kind == "BORROW":
            borrowed += value
            held += value
        elif kind == "REPAY ANOTHER":
            if value * 600 > usdt:
                continue
            usdt -= value * 600
            other_debt -= value / 100
        elif kind != "TRADE":
            if value > min(borrowed, possible(value)):
                continue
            repay(value)
        elif value <= usdt:
            usdt -= value
        else:
            continue
        if (listed or late) and kind in ("BORROW", "REPAY", "TRADE"):
            asset = "USDT" if kind == "TRADE" else "BNB"
            signed = value if kind == "BORROW" else -value
            rows.append(flow("SELL_EXPENSE" if kind == "TRADE" else kind, signed, at_ms, asset, str(at_ms)))
    if executed and first:
        repay_ours()
    if borrowed:
        interest_now += accrued
    server_ms = DEAD_MS
    now = Look.of(server_ms, server_ms, [
        ("BNB", Holding(borrowed, interest_now, held)), ("USDT", Holding(free=usdt)), ("BTC", Holding(other_debt)),
    ])  # fmt: skip

    tried = attempt(None if whole else str(amount), before=before)
    listed_ms = server_ms + (OPTIONS.lists_after_ms if late else 0)
    verdict = judge(case(tried), seen(now, *rows, server_ms=server_ms, listed_ms=listed_ms))

    if executed:
        assert verdict.result != "PROVEN_NOT_EXECUTED"
    elif not doings:
        assert verdict.result == ("PROVEN_NOT_EXECUTED" if late else "UNDECIDED")
    if executed and not doings and purse == 500_000:
        assert verdict.result == "PROVEN_EXECUTED"


@given(
    amount=st.decimals("0.001", "20", places=8),
    owed=st.decimals("20.5", "2000", places=8),
    own=st.sampled_from(["none", "less", "more"]),
    interest=st.decimals("0", "3", places=8),
    accrued=st.decimals("0", "0.01", places=9),
    pay_with=st.sampled_from([("USDT",), ()]),
    borrowed_after_ms=st.integers(0, 120_000),
    row_lag_ms=st.integers(0, OPTIONS.records_lag_ms),
    look_ms=st.sampled_from([0, 10_000, 40_000, 100_000]),
    listed_after_ms=st.sampled_from([0, 1, 10_000, 29_999, 30_000, 32_000, 60_000]),
    read=st.sampled_from([LISTS, {"capital-flow"}, {"loan-record"}, {"repay-record"}, set()]),
)
@example(  # paid from what a stranger borrowed before it, with nothing of its own
    Decimal(2), Decimal(30), "none", Decimal(0), Decimal(0), ("USDT",), 0, 30_000, 0, 0, LISTS
)
@example(  # paid from its own holdings, which a stranger's borrowing fills again
    Decimal(2), Decimal(30), "more", Decimal(0), Decimal(0), (), 600, 30_000, 0, 0, LISTS
)
@example(  # the same, but borrowed just before a look that is later than the lag
    Decimal(2), Decimal(30), "more", Decimal(0), Decimal(0), ("USDT",), 64_000, 30_000, 40_000, 0, LISTS
)
def test_a_borrowing_that_is_not_listed_yet_hides_no_repayment(
    amount,
    owed,
    own,
    interest,
    accrued,
    pay_with,
    borrowed_after_ms,
    row_lag_ms,
    look_ms,
    listed_after_ms,
    read,
):
    """A stranger borrows just our amount, at any moment, and its rows appear at any moment within the lag.

    Debt and holdings are then what they were, although the attempt was executed, and it leaves no row itself.
    """
    held = {"none": Decimal(0), "less": amount / 2, "more": amount * 2}[own]
    borrowed_ms = SIGNED_MS + borrowed_after_ms
    at_ms = DEAD_MS + look_ms
    assume(borrowed_ms < at_ms)
    if own != "more":
        assume(borrowed_ms <= SIGNED_MS)  # it paid for ours, so it came first
    before = Look.of(
        SIGNED_MS - 500,
        SIGNED_MS - 500,
        [("BNB", Holding(owed, interest, held)), ("USDT", Holding(free=Decimal(50_000)))],
    )
    now = Look.of(
        at_ms,
        at_ms,
        [("BNB", Holding(owed, interest + accrued, held)), ("USDT", Holding(free=Decimal(50_000)))],
    )
    listed_ms = at_ms + listed_after_ms
    rows = []
    if borrowed_ms + row_lag_ms <= listed_ms:
        rows += [flow("BORROW", amount, borrowed_ms, row_id="8")] if "capital-flow" in read else []
        rows += [record("BORROW", amount, borrowed_ms, row_id="9")] if "loan-record" in read else []

    tried = attempt(str(amount), before=before, pay_with=pay_with)
    verdict = judge(case(tried), seen(now, *rows, read=read, server_ms=at_ms, listed_ms=listed_ms))

    assert verdict.result != "PROVEN_NOT_EXECUTED"


@given(st.data())
def test_a_verdict_of_executed_means_that_as_much_was_repaid_once(data):
    """An attempt that was not executed is called executed only if somebody repaid exactly as much meanwhile."""
    amount = data.draw(AMOUNT)
    trade = data.draw(st.decimals("0", "30000", places=8))
    accrued = data.draw(st.decimals("0", "0.01", places=9))
    now = look(
        DEAD_MS,
        BNB=("100", str(Decimal("0.2") + accrued), "0", "0"),
        USDT=("0", "0", str(500_000 - trade), "0"),
    )
    before = look(SIGNED_MS - 500, BNB=("100", "0.2", "0", "0"), USDT=("0", "0", "500000", "0"))

    assert judge(case(attempt(str(amount), before=before)), seen(now)).result != "PROVEN_EXECUTED"
