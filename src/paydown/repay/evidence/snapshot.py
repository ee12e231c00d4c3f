"""One snapshot of the account: every debt and every holding that one reading of the balances showed.

The repayer knows nothing about the account but its snapshots, so each also holds when it was taken: the exchange formed
the answer somewhere between `sent_at_ms` and `answered_at_ms`. Assets that the exchange leaves out are zero (it does
not list every asset).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from paydown.repay.amounts import ZERO, exact, from_text, to_text
from paydown.repay.stored import checked

__all__ = ["NOTHING", "Holding", "Snapshot"]


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset in the cross-margin wallet: what is held of it and owed in it, in units of that asset."""

    borrowed: Decimal = ZERO
    interest: Decimal = ZERO
    free: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def debt(self) -> Decimal:
        """Return principal and accrued interest together."""
        with exact():
            return self.borrowed + self.interest

    @property
    def held(self) -> Decimal:
        """Return free and locked together: placing an order moves one into the other, a repayment lowers the sum."""
        with exact():
            return self.free + self.locked

    def to_json(self) -> dict[str, str]:
        """Return the four amounts as text."""
        return {
            "borrowed": to_text(self.borrowed),
            "interest": to_text(self.interest),
            "free": to_text(self.free),
            "locked": to_text(self.locked),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> Holding:
        """Read a holding from the four texts of `to_json`."""
        return checked(
            cls(
                borrowed=from_text(data["borrowed"]),
                interest=from_text(data["interest"]),
                free=from_text(data["free"]),
                locked=from_text(data["locked"]),
            )
        )


NOTHING = Holding()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A reading of all balances. Times are UTC milliseconds on the exchange's clock."""

    sent_at_ms: int
    answered_at_ms: int
    assets: Mapping[str, Holding]

    @classmethod
    def of(cls, sent_at_ms: int, answered_at_ms: int, rows: Iterable[tuple[str, Holding]]) -> Snapshot:
        """Make a snapshot from its rows; rows that are zero throughout are left out, as the exchange may do.

        Args:
            sent_at_ms: When the balances were asked for, UTC milliseconds on the exchange's clock.
            answered_at_ms: When the answer had come.
            rows: Assets and what is held and owed of them.
        """
        kept = {asset: holding for asset, holding in rows if holding != NOTHING}
        return cls(sent_at_ms, answered_at_ms, kept)

    def __getitem__(self, asset: str) -> Holding:
        return self.assets.get(asset, NOTHING)

    def to_json(self) -> dict[str, object]:
        """Return plain data, amounts as text; also the form in the journal."""
        return {
            "sent_at_ms": self.sent_at_ms,
            "answered_at_ms": self.answered_at_ms,
            "assets": {asset: holding.to_json() for asset, holding in sorted(self.assets.items())},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Snapshot:
        """Read a snapshot from the plain data of `to_json`.

        Raises:
            ValueError: It is anything else.
        """
        sent, answered, assets = data.get("sent_at_ms"), data.get("answered_at_ms"), data.get("assets")
        if not (isinstance(sent, int) and isinstance(answered, int) and isinstance(assets, dict)):
            raise ValueError("not a snapshot: sent_at_ms, answered_at_ms and assets are required")
        rows = cast("dict[str, dict[str, str]]", assets)
        return checked(
            cls.of(sent, answered, ((asset, Holding.from_json(row)) for asset, row in rows.items()))
        )
