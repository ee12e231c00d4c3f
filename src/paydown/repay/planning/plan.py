"""A plan: the request, the account as it was, and the pieces that follow from both.

Plain data, exact to the last digit, and able to explain itself: `print(plan)` for people,
`to_json` for machines and for the journal. A plan never sends anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from paydown.repay.amounts import ZERO, exact, from_text, money, to_text
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.moments import moment
from paydown.repay.stored import checked

__all__ = ["Piece", "Plan", "Price", "Request"]


@dataclass(frozen=True, slots=True)
class Price:
    """USD for one unit of an asset, and the source: "given" by the caller, or the exchange's "index"."""

    usd: Decimal
    source: str

    def to_json(self) -> dict[str, str]:
        """Return the price as text, and its source."""
        return {"usd": to_text(self.usd), "source": self.source}

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> Price:
        """Read a price from the text and the source of `to_json`."""
        return checked(cls(from_text(data["usd"]), data["source"]))


@dataclass(frozen=True, slots=True)
class Request:
    """The request of the caller; equal requests are the same request under one plan key.

    Attributes:
        asset: Asset owed.
        amount: How much to repay in units of `asset`; `None` repays the whole debt.
        pay_with: Assets that may pay, in the caller's order. `asset` itself always pays first.
        given_prices: Prices that the caller insists on, USD per unit.
        margin: Share of the cap to stay below.
    """

    asset: str
    amount: Decimal | None
    pay_with: tuple[str, ...]
    given_prices: tuple[tuple[str, Decimal], ...]
    margin: Decimal

    def to_json(self) -> dict[str, object]:
        """Return the request as plain data, spelled in one way, so that equal requests give equal text."""
        return {
            "asset": self.asset,
            "amount": None if self.amount is None else to_text(self.amount),
            "pay_with": list(self.pay_with),
            "given_prices": {asset: to_text(price) for asset, price in sorted(self.given_prices)},
            "margin": to_text(self.margin),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Request:
        """Read a request from the plain data of `to_json`."""
        amount: str | None = data["amount"]
        prices: Mapping[str, str] = data["given_prices"]
        return checked(
            cls(
                asset=data["asset"],
                amount=None if amount is None else from_text(amount),
                pay_with=tuple(data["pay_with"]),
                given_prices=tuple(sorted((asset, from_text(price)) for asset, price in prices.items())),
                margin=from_text(data["margin"]),
            )
        )

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the request's canonical text, which the journal compares under one plan key."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Piece:
    """One repayment of a plan, as foreseen. The engine cuts each piece anew from the debt it sees.

    Attributes:
        number: Place in the plan, from 1.
        amount: `amount` of the request, in units of the asset; `None` sends none and so clears the debt.
        expected: How much of the debt this piece is expected to repay.
        value_usd: Value of `expected` at the plan's price.
        reason: Why this piece has this size, in one sentence.
    """

    number: int
    amount: Decimal | None
    expected: Decimal
    value_usd: Decimal
    reason: str

    def to_json(self) -> dict[str, object]:
        """Return the piece as plain data, amounts as text."""
        return {
            "number": self.number,
            "amount": None if self.amount is None else to_text(self.amount),
            "expected": to_text(self.expected),
            "value_usd": to_text(self.value_usd),
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Piece:
        """Read a piece from the plain data of `to_json`."""
        amount: str | None = data["amount"]
        return checked(
            cls(
                number=data["number"],
                amount=None if amount is None else from_text(amount),
                expected=from_text(data["expected"]),
                value_usd=from_text(data["value_usd"]),
                reason=data["reason"],
            )
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan to repay a debt, made by `SafeRepay.plan`. Nothing has been sent.

    Attributes:
        key: The idempotency key: the journal knows this plan, its attempts and its report by it.
        request: The request of the caller.
        snapshot: The account as it was when the plan was made.
        prices: USD prices that were used, by asset.
        piece_limit_usd: Cap less margin: no piece is worth more.
        pieces: The repayments in order.
        weight: Request weight of the whole plan, its snapshots included.
        earliest_finish_ms: Earliest moment of the last repayment that weight and cap allow.
        warnings: What a person should know before saying yes.
        created_at_ms: When the plan was made, UTC milliseconds.
    """

    key: str
    request: Request
    snapshot: Snapshot
    prices: Mapping[str, Price]
    piece_limit_usd: Decimal
    pieces: tuple[Piece, ...]
    weight: int
    earliest_finish_ms: int
    warnings: tuple[str, ...]
    created_at_ms: int

    @property
    def asset(self) -> str:
        """Return the asset owed."""
        return self.request.asset

    @property
    def debt(self) -> Decimal:
        """Return principal and interest owed when the plan was made."""
        return self.snapshot[self.asset].debt

    @property
    def whole(self) -> bool:
        """Return whether the plan clears the debt, interest that accrues meanwhile included."""
        return self.request.amount is None

    @property
    def total(self) -> Decimal:
        """Return the sum that the pieces are expected to repay."""
        with exact():
            return sum((piece.expected for piece in self.pieces), ZERO)

    @property
    def value_usd(self) -> Decimal:
        """Return the value of `total` at the plan's price, USD."""
        with exact():
            return sum((piece.value_usd for piece in self.pieces), ZERO)

    def to_json(self) -> dict[str, object]:
        """Return the plan as plain data, amounts as text, times in UTC milliseconds."""
        return {
            "key": self.key,
            "request": self.request.to_json(),
            "debt": to_text(self.debt),
            "total": to_text(self.total),
            "value_usd": to_text(self.value_usd),
            "whole": self.whole,
            "look": self.snapshot.to_json(),
            "prices": {asset: price.to_json() for asset, price in sorted(self.prices.items())},
            "piece_limit_usd": to_text(self.piece_limit_usd),
            "pieces": [piece.to_json() for piece in self.pieces],
            "weight": self.weight,
            "earliest_finish_ms": self.earliest_finish_ms,
            "warnings": list(self.warnings),
            "created_at_ms": self.created_at_ms,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Read a plan from the plain data of `to_json`.

        Raises:
            ValueError: It is something else; so are other errors of reading foreign data.
        """
        prices: Mapping[str, Mapping[str, str]] = data["prices"]
        pieces: list[Mapping[str, Any]] = data["pieces"]
        plan = cls(
            key=data["key"],
            request=Request.from_json(data["request"]),
            snapshot=Snapshot.from_json(data["look"]),
            prices={asset: Price.from_json(price) for asset, price in prices.items()},
            piece_limit_usd=from_text(data["piece_limit_usd"]),
            pieces=tuple(Piece.from_json(piece) for piece in pieces),
            weight=data["weight"],
            earliest_finish_ms=data["earliest_finish_ms"],
            warnings=tuple(data["warnings"]),
            created_at_ms=data["created_at_ms"],
        )
        if plan.asset not in plan.prices:
            raise ValueError("not a plan: it has no price of its own asset")
        return checked(plan)

    def __str__(self) -> str:
        owed = self.snapshot[self.asset]
        price = self.prices[self.asset]
        payers = ", ".join(self.request.pay_with) or "nothing else"
        asked = (
            f"the whole debt of {self.asset}"
            if self.request.amount is None
            else f"{to_text(self.request.amount)} {self.asset}"
        )
        lines = [
            f"Plan {self.key}: repay {asked}, paid with {self.asset} first, then {payers}",
            f"  owed      {to_text(owed.debt)} {self.asset} = principal {to_text(owed.borrowed)} + "
            f"interest {to_text(owed.interest)}, at {to_text(price.usd)} USD ({price.source}) "
            f"worth {money(owed.debt * price.usd)}",
            f"  pieces    {len(self.pieces)}, each worth at most {money(self.piece_limit_usd)}",
        ]
        for piece in self.pieces:
            size = (
                "no amount (clears the debt)" if piece.amount is None else f"amount {to_text(piece.amount)}"
            )
            lines.append(f"    {piece.number:>3}  {size}, about {money(piece.value_usd)}: {piece.reason}")
        lines.append(
            f"  cost      weight {self.weight:,}; the last piece can leave at "
            f"{moment(self.earliest_finish_ms)} at the earliest"
        )
        lines.extend(f"  warning   {warning}" for warning in self.warnings)
        return "\n".join(lines)
