"""The lines of the ledger: one for each execution, with the movements of money that it consists of."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["LedgerLine", "Transfer"]


@dataclass(slots=True)
class Transfer:
    """One movement of `amount` units of `asset` from one place to another."""

    asset: str
    amount: Decimal
    source: str
    target: str


@dataclass(slots=True)
class LedgerLine:
    """One execution: its movements of money and its change of the debt.

    Attributes:
        id: Lines are numbered in the order in which they were written.
        time_ms: When it was executed, milliseconds UTC.
        account: The id of the account.
        operation: The `operationId` of the call, or the name of what the exchange did by itself.
        asset: The asset it was about; `None` where it was about several.
        request: The id of the request that asked for it; `None` where none did.
        interest: By how much the interest owed fell, in units of the asset.
        principal: By how much the principal owed fell; below zero where it rose.
        transfers: Every movement of money, in order.
        tran_id: The id under which the records list it, if they do.
    """

    id: int
    time_ms: int
    account: str
    operation: str
    asset: str | None
    request: int | None
    interest: Decimal
    principal: Decimal
    transfers: list[Transfer]
    tran_id: int | None = None
