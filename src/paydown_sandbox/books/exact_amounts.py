"""Exact decimal amounts: no operation rounds unless its name states a direction.

Every amount of the sandbox is a `Decimal` inside these bounds: at most 24 digits before the
point and 18 after. Sums and products of such amounts are exact under `EXACT`, whose
`Inexact` trap turns a lost digit into an exception instead of money out of nothing. Only a
division can need rounding, so there is one function for each direction.
"""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Context, Decimal, Inexact, InvalidOperation, Overflow

__all__ = [
    "EXACT",
    "ZERO",
    "AmountError",
    "divide_down",
    "divide_half_up",
    "divide_up",
    "exact_text",
    "parse",
    "wire_text",
]

ZERO = Decimal(0)

# Two bounded amounts multiply to 84 digits, and a sum of a few such products stays below 100 digits.
EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, Overflow])
# Almost every quotient fits into 50 digits, and the cost of dividing grows with the square of the digits. Further
# digits are rounded in the same direction as afterwards, so that rounding twice gives the result of rounding once.
_DOWN = Context(prec=50, rounding=ROUND_DOWN, traps=[InvalidOperation, Overflow])
_UP = Context(prec=50, rounding=ROUND_UP, traps=[InvalidOperation, Overflow])
_LONG_DOWN = Context(prec=120, rounding=ROUND_DOWN, traps=[InvalidOperation, Overflow])
_LONG_UP = Context(prec=120, rounding=ROUND_UP, traps=[InvalidOperation, Overflow])
_HALF_UP = Context(prec=120, rounding=ROUND_HALF_UP, traps=[InvalidOperation, Overflow])

_PLAIN = re.compile(r"-?[0-9]{1,24}(\.[0-9]{1,18})?")
_QUANTA = [Decimal(1).scaleb(-digits) for digits in range(19)]


class AmountError(ValueError):
    """A text is not a plain decimal inside the bounds of this module."""


def parse(text: object, *, negative: bool = False) -> Decimal:
    """Read a plain decimal text: no exponent, no blanks, ASCII digits only.

    Args:
        text: The text, or another value that is refused.
        negative: Whether it may be below zero.

    Raises:
        AmountError: The text is something else, is too long, or is below zero while `negative` is false.
    """
    if not isinstance(text, str) or _PLAIN.fullmatch(text) is None:
        raise AmountError(f'{text!r:.60} is not a plain decimal text such as "0.10"')
    value = Decimal(text)
    if value < 0 and not negative:
        raise AmountError(f"{text!r:.60} is below zero")
    return value


def _tidy(value: Decimal, least_digits: int) -> str:
    text = format(value, "f")
    if "." not in text:
        return text if least_digits == 0 else text + "." + "0" * least_digits
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) < least_digits:
        fraction += "0" * (least_digits - len(fraction))
    return whole + "." + fraction if fraction else whole


def exact_text(value: Decimal) -> str:
    """Return the shortest plain text of the exact value: "1.5", never "1.50" or "15E-1"."""
    return _tidy(value, 0) if value else "0"


def wire_text(value: Decimal) -> str:
    """Return the text used in answers: at least 8 digits after the point, more where the value has more."""
    if value.as_tuple().exponent == -8:  # the usual case, and the cheap one
        return format(value, "f")
    return _tidy(value, 8) if value else "0.00000000"


def divide_down(numerator: Decimal, denominator: Decimal, digits: int = 8) -> Decimal:
    """Return a quotient that is never more than the true value.

    Args:
        numerator: The dividend.
        denominator: The divisor.
        digits: Where the quotient is cut, in digits after the point.
    """
    try:
        return _DOWN.quantize(_DOWN.divide(numerator, denominator), _QUANTA[digits])
    except InvalidOperation:  # more than 50 digits
        return _LONG_DOWN.quantize(_LONG_DOWN.divide(numerator, denominator), _QUANTA[digits])


def divide_up(numerator: Decimal, denominator: Decimal, digits: int = 8) -> Decimal:
    """Return a quotient that is never less than the true value.

    Args:
        numerator: The dividend.
        denominator: The divisor.
        digits: Where the quotient is raised, in digits after the point.
    """
    try:
        return _UP.quantize(_UP.divide(numerator, denominator), _QUANTA[digits])
    except InvalidOperation:  # more than 50 digits
        return _LONG_UP.quantize(_LONG_UP.divide(numerator, denominator), _QUANTA[digits])


def divide_half_up(numerator: Decimal, denominator: Decimal, digits: int = 8) -> Decimal:
    """Return a quotient rounded half up, for charges such as 45.3313 x 0.00013233 / 24.

    Args:
        numerator: The dividend.
        denominator: The divisor.
        digits: Where the quotient is rounded, in digits after the point.
    """
    return _HALF_UP.quantize(_HALF_UP.divide(numerator, denominator), _QUANTA[digits])
