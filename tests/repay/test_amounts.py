"""Amounts stay exact, in any decimal context of the caller's program."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paydown.repay.amounts import ceil_to, exact, floor_to, from_text, money, to_text

AMOUNTS = st.decimals(min_value=0, max_value=10**15, places=9, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E-7", "0.0000001"),
        ("0.10000000", "0.1"),
        ("5", "5"),
        ("100", "100"),
        ("1E+3", "1000"),
        ("0E-8", "0"),
        ("-0.0", "0"),
    ],
)
def test_an_amount_is_written_plainly(value, text):
    """No exponent and no needless zero reaches the wire or the journal."""
    assert to_text(Decimal(value)) == text


@given(AMOUNTS)
def test_text_and_back_is_the_same_amount(value):
    """What the journal stores is exactly what was meant."""
    assert from_text(to_text(value)) == value


@given(AMOUNTS)
def test_a_bound_is_shown_short_and_never_too_small(value):
    """A raised amount has no more digits than asked for, and is less than one step above."""
    raised = ceil_to(value, 2)

    assert value <= raised < value + Decimal("0.01")
    assert raised.as_tuple().exponent >= -2


@pytest.mark.parametrize("text", ["NaN", "Infinity", "", "1,5", "abc"])
def test_what_is_not_a_finite_number_is_refused(text):
    """A damaged journal row is an error, never an amount."""
    with pytest.raises(ValueError, match="decimal"):
        from_text(text)


@given(AMOUNTS, st.integers(0, 8))
def test_cutting_digits_never_rounds_up(value, digits):
    """A repayment may fall short of the debt by a last digit; it may not exceed it."""
    cut = floor_to(value, digits)

    assert cut <= value < cut + Decimal(1).scaleb(-digits)


def test_products_are_exact_in_a_program_with_three_digits_of_precision():
    """A caller who has set a coarse decimal context cannot coarsen our amounts."""
    with decimal.localcontext() as context:
        context.prec = 3
        with exact():
            assert Decimal("1234567.89") * Decimal("100000.001") == Decimal("123456790234.56789")
            assert Decimal("123456789.12345678") + Decimal("0.000000001") == Decimal("123456789.123456781")


def test_money_is_written_for_people():
    """USD values show cents and thousands."""
    assert money(Decimal("49000")) == "49,000.00 USD"
    assert money(Decimal("0.005")) == "0.01 USD"
