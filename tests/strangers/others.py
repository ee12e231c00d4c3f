"""What others do to the same account: another program, the web page, an order that borrows or repays by itself."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tests.strangers.books import HOUR_MS, ZERO, Books, Holding, Interest, down
from tests.strangers.choices import Chosen
from tests.strangers.records import Records


class Others:
    """Move debts and balances by other calls than repay-debt. Each movement is named "other-…" in the books."""

    def __init__(
        self,
        books: Books,
        records: Records,
        chosen: Chosen,
        prices: Mapping[str, Decimal],
        interest: Interest,
    ) -> None:
        """Act on one account."""
        self._books = books
        self._clock = books.clock
        self._records = records
        self._chosen = chosen
        self._prices = prices
        self._interest = interest
        self.deeds: list[tuple[int, str, str]] = []

    def _note(self, what: str, asset: str, amount: Decimal) -> None:
        """Remember a deed: when it was begun, on which asset, and a text for people."""
        self.deeds.append((self._clock.now, asset, f"{what} {asset} {amount:f}"))

    def borrow(self, asset: str, amount: Decimal) -> int:
        """Borrow; the row, the debt and its first interest appear as the choices say. Return the tranId."""
        amount = down(amount)
        self._note("borrow", asset, amount)
        rises_at = self._clock.now + self._chosen.number("borrow-debt-late")
        tran = self._records.borrowed(asset, amount, rises_at)
        kept = amount if self._chosen["borrow-proceeds"] == "kept" else ZERO

        def rise() -> None:
            self._books.move("other-borrow", {asset: Holding(borrowed=amount, free=kept)})
            first = self._chosen["interest-on-borrow"]
            if first == "at-once":
                self._interest.charge(asset, amount, HOUR_MS)
            elif first == "soon":
                soon = self._clock.now + self._chosen.source("interest-on-borrow").randrange(1, 10_000)
                self._clock.at(soon, lambda: self._interest.charge(asset, amount, HOUR_MS))

        self._clock.at(rises_at, rise)
        return tran

    def repay(self, asset: str, amount: Decimal, payer: str | None = None) -> int | None:
        """Repay by another call: repayLoan out of the asset itself, or an order that sells a payer.

        Args:
            asset: The asset owed.
            amount: How much, at most what is owed and can be paid.
            payer: What is sold for it; `None` for repayLoan.

        Returns:
            The tranId; `None` if nothing could be repaid.
        """
        holding = self._books[asset]
        rate = Decimal(1) if payer is None else self._prices[asset] / self._prices[payer]
        free = self._books[payer or asset].free
        amount = min(down(amount), holding.owed, down(free / rate))
        if amount <= 0:
            return None
        interest = min(holding.interest, amount)
        principal = amount - interest
        self._note("repay", asset, amount)
        fall = Holding(borrowed=-principal, interest=-interest)
        spent = Holding(free=-min(free, down(amount * rate)))
        changes = {asset: fall + spent} if payer in (None, asset) else {asset: fall, payer or "": spent}
        self._books.move("other-repay", changes)
        return self._records.repaid_otherwise(asset, interest, principal, always=payer is None)

    def trade(self, sold: str, bought: str, usd: Decimal) -> None:
        """Sell one asset for another, for as much as is there; debts stay."""
        units = min(self._books[sold].free, down(usd / self._prices[sold]))
        got = down(units * self._prices[sold] / self._prices[bought])
        if units > 0:
            self._note(f"buy {bought} with", sold, units)
            self._books.move("other-trade", {sold: Holding(free=-units), bought: Holding(free=got)})
            self._records.moved({"SELL_EXPENSE": (sold, -units), "BUY_INCOME": (bought, got)})

    def transfer(self, asset: str, amount: Decimal) -> None:
        """Move an asset out of the account, or into it if the amount is positive."""
        amount = max(down(amount), -self._books[asset].free)
        if amount:
            self._note("transfer", asset, amount)
            self._books.move("other-transfer", {asset: Holding(free=amount)})
            self._records.moved({"TRANSFER": (asset, amount)})
