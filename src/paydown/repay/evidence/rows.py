"""Rows of the lists that the exchange keeps: repayment records, loan records and the capital flow.

A row shows that some debt moved; none of them carries an id of ours, and whether a repay-debt leaves rows at all is not
published. So rows support or contradict a hypothesis about the balances, and their absence alone never proves anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from paydown.repay.amounts import from_text, to_text

__all__ = ["Row", "Source"]

Source = Literal["repay-record", "loan-record", "capital-flow"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a record list or of the capital flow.

    Attributes:
        source: Which list it is from.
        id: Its id in that list.
        kind: "BORROW" or "REPAY" for records; the flow's own type for the capital flow.
        asset: The asset.
        amount: As listed: positive in records, signed in the capital flow.
        at_ms: Time of the row, UTC milliseconds on the exchange's clock.
        status: "PENDING", "CONFIRMED" or "FAILED" for records, else `None`.
    """

    source: Source
    id: str
    kind: str
    asset: str
    amount: Decimal
    at_ms: int
    status: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return the row as plain data."""
        return {
            "source": self.source,
            "id": self.id,
            "kind": self.kind,
            "asset": self.asset,
            "amount": to_text(self.amount),
            "at_ms": self.at_ms,
            "status": self.status,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Row:
        """Read a row from the plain data of `to_json`."""
        return cls(
            source=data["source"],
            id=data["id"],
            kind=data["kind"],
            asset=data["asset"],
            amount=from_text(data["amount"]),
            at_ms=data["at_ms"],
            status=data["status"],
        )
