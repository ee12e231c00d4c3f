"""The ids of loans, repayments, transfers and charges, as the exchange counts them."""

from __future__ import annotations

from collections.abc import Mapping

from paydown_sandbox.books.records import Record

__all__ = ["RowIds"]

# Scattered ids: within a block of ids the places are taken in strides, so that each place is taken once.
_BLOCK, _STRIDE = 1024, 389
_HUGE = 1 << 53


class RowIds:
    """Two counters, one for transactions and one for charges, and the order in which their ids come.

    The counters begin at sizes that were seen on the wire: a program that passes a 64-bit id through a binary
    floating-point number loses its last digits, and must lose them here as well.
    """

    def __init__(self) -> None:
        self._next_transaction = 154_266_068_121
        self._next_charge = 1_352_286_576_452_864_727
        self._order = "rising"

    def reorder(self, order: str) -> None:
        """Choose the order of ids: "rising", "huge" (above 2**53) or "scattered" (unique, but in no order)."""
        if order != self._order:
            # Scattered ids are one whole block in another order, so a new block begins here and no id comes twice.
            self._order = order
            self._next_transaction = -(-self._next_transaction // _BLOCK) * _BLOCK
            self._next_charge = -(-self._next_charge // _BLOCK) * _BLOCK

    def next_transaction(self) -> int:
        """Return a fresh id of a loan, a repayment or a transfer."""
        self._next_transaction += 1
        counted = self._next_transaction - 1
        return counted if self._order == "rising" else self._shaped(counted)

    def next_charge(self) -> int:
        """Return a fresh id of a charge or of a row of the capital flow; above 2**53, as on the wire."""
        self._next_charge += 1
        counted = self._next_charge - 1
        return counted if self._order == "rising" else self._shaped(counted)

    def continue_after(self, record: Record) -> None:
        """Continue the ids after the id of a record from a state document."""
        if record.kind in ("loan", "repay"):
            self._next_transaction = max(self._next_transaction, record.id + 1)
        else:
            self._next_charge = max(self._next_charge, record.id + 1)

    def counters(self) -> dict[str, str]:
        """Return the values of both counters, to be stored."""
        return {"tran": str(self._next_transaction), "interest": str(self._next_charge)}

    def restore(self, counters: Mapping[str, str]) -> None:
        """Continue from the values of `counters`."""
        self._next_transaction = int(counters["tran"])
        self._next_charge = int(counters["interest"])

    def _shaped(self, counted: int) -> int:
        if self._order == "huge":
            return counted + _HUGE if counted < _HUGE else counted
        block, place = divmod(counted, _BLOCK)
        return block * _BLOCK + place * _STRIDE % _BLOCK
