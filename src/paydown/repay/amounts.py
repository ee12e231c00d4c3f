"""Exact amounts: their text on the wire and in the journal, and roundings that cannot overpay.

Every calculation of the repayer runs in one decimal context that is wide enough never to round a product of two
amounts, and that raises if it ever had to. So the last digit of an amount never depends on the precision that a
caller's program has set.
"""

from __future__ import annotations

import decimal
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal

__all__ = ["ZERO", "ceil_to", "exact", "floor_to", "from_text", "money", "to_text"]

ZERO = Decimal(0)

# The context has 60 digits: an amount has at most 28 (20 before the point, 8 or 9 behind), a product twice that.
# Division is always followed by `floor_to` or compared with a tolerance, so it may round.
_CONTEXT = decimal.Context(
    prec=60,
    rounding=decimal.ROUND_HALF_EVEN,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)


# Longest result of a calculation with amounts: it has more digits than one amount, and never as many as this.
_LONGEST = 200

# Longest number in a sentence: the product of two of the longest amounts fits.
_WRITING = decimal.Context(prec=3 * _LONGEST, traps=[decimal.InvalidOperation])


@contextmanager
def exact() -> Generator[None]:
    """Calculate with 60 digits, in any decimal context of the calling thread."""
    with decimal.localcontext(_CONTEXT):
        yield


def floor_to(value: Decimal, digits: int) -> Decimal:
    """Cut a value to so many fraction digits, never rounded up: a repayment must not exceed the debt.

    Args:
        value: The value.
        digits: How many fraction digits it keeps.
    """
    return value.quantize(Decimal(1).scaleb(-digits), rounding=decimal.ROUND_DOWN, context=_CONTEXT)


def ceil_to(value: Decimal, digits: int) -> Decimal:
    """Raise a value to so many fraction digits: for a bound that is shown, and must not look smaller than it is.

    Args:
        value: The value.
        digits: How many fraction digits it keeps.
    """
    return value.quantize(Decimal(1).scaleb(-digits), rounding=decimal.ROUND_CEILING, context=_CONTEXT)


def to_text(value: Decimal) -> str:
    """Write plain decimal text, no exponent, no needless zero at the end: `1E-7` becomes `0.0000001`."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def from_text(text: str) -> Decimal:
    """Read a decimal from the text of `to_text`, or from the stream.

    Raises:
        ValueError: It is no finite number, or one that could not be written out in `_LONGEST` digits.
    """
    try:
        value = Decimal(text[: _LONGEST + 1])
    except decimal.InvalidOperation:
        raise ValueError(f"not a decimal: {text[:_LONGEST]!r}") from None
    if not value.is_finite():
        raise ValueError(f"not a finite decimal: {text!r}")
    exponent = value.as_tuple().exponent
    if len(text) > _LONGEST or abs(value.adjusted()) > _LONGEST or abs(int(exponent)) > _LONGEST:
        raise ValueError(f"a decimal of too many digits: {text[:_LONGEST]!r}")
    return value


def money(value_usd: Decimal) -> str:
    """Format USD for people, two digits, thousands apart: `49,000.00 USD`."""
    cents = value_usd.quantize(Decimal("0.01"), rounding=decimal.ROUND_HALF_UP, context=_WRITING)
    return f"{cents:,f} USD"
