"""The form of rows in the record lists: amounts, signs and notes, by the choices of a state document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from paydown_sandbox.books.exact_amounts import exact_text, wire_text
from paydown_sandbox.choices.settings import Options

__all__ = ["RowFormat"]

_NINE = Decimal("1e-9")
_NEAREST = Context(prec=60, rounding=ROUND_HALF_UP)
# The values of `note` in rows that name the operation which caused them.
_CALL_NOTES = {"REPAY": "repay-debt", "BORROW": "marginLoan", "TRANSFER": "bnb-transfer"}


def _nine_digits(amount: Decimal) -> str:
    return format(_NEAREST.quantize(amount, _NINE), "f")


_TEXTS: dict[str, Callable[[Decimal], str]] = {
    "eight": wire_text,
    "plain": exact_text,
    "nine": _nine_digits,
}


@dataclass(frozen=True, slots=True)
class RowFormat:
    """The form of the rows of one sandbox.

    Attributes:
        text: Writes an amount as the lists show it.
        note: Value of the option `flow-note`; with "absent" a row of the capital flow has no member `note`.
        positive_repayments: Whether the capital flow shows repayments without their minus sign.
    """

    text: Callable[[Decimal], str] = wire_text
    note: str = "absent"
    positive_repayments: bool = False

    @classmethod
    def from_options(cls, options: Options) -> RowFormat:
        """Read the form from the options `row-digits`, `flow-note` and `flow-sign`."""
        return cls(
            _TEXTS[options.text("row-digits")],
            options.text("flow-note"),
            options.is_set("flow-sign", "positive"),
        )

    def signed(self, kind: str, amount: Decimal) -> Decimal:
        """Return the amount with the sign that the capital flow shows.

        Args:
            kind: The type of the row, such as "REPAY".
            amount: Units of the asset, below zero where they left the account.
        """
        return abs(amount) if self.positive_repayments and kind == "REPAY" else amount

    def notes(self, kind: str) -> dict[str, object]:
        """Return the member `note` of a row of this type, or nothing if rows have no such member."""
        if self.note == "absent":
            return {}
        notes = {"empty": "", "null": None, "repay-debt": _CALL_NOTES.get(kind, kind.lower())}
        return {"note": notes[self.note]}
