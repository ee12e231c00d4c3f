"""Carry out loans: rows in one list or two, late or never, and a debt that may rise later than its row."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from paydown_sandbox.behaviour.debt_movements import DebtMovements
from paydown_sandbox.books.exact_amounts import EXACT, divide_down, exact_text
from paydown_sandbox.books.ledger import LedgerError
from paydown_sandbox.books.records import Record
from paydown_sandbox.call_record import Call
from paydown_sandbox.market_state import MarketState
from paydown_sandbox.operations.interest import Interest

__all__ = ["Borrowings"]

_NAMES = (
    "borrow-rows", "borrow-list", "borrow-listed-late", "borrow-row-time", "borrow-debt-late",
    "borrow-first-status", "borrow-proceeds",
)  # fmt: skip
_PENDING_MS = 3000


class Borrowings:
    """Carry out loans, by default or as the choices demand.

    Args:
        market: The options, the lists and the agenda.
        movements: Lends.
        interest: Charges the first interest of a loan.
    """

    def __init__(self, market: MarketState, movements: DebtMovements, interest: Interest) -> None:
        options = market.options
        self._market = market
        self._chances = market.chances
        self._movements = movements
        self._interest = interest
        self._by_choice = options.any_open(*_NAMES)
        self._rows = options.text("borrow-rows")
        self._list = options.text("borrow-list")
        self._listed_late = options.span("borrow-listed-late")
        self._row_time = options.span("borrow-row-time")
        self._debt_late = options.span("borrow-debt-late")
        self._pending = options.is_set("borrow-first-status", "PENDING")
        self._spent = options.is_set("borrow-proceeds", "spent")

    def carry_out(self, call: Call, asset: str, amount: Decimal, tran_id: int) -> None:
        """Lend, now or later, and have the loan listed.

        Args:
            call: The call that borrows.
            asset: The borrowed asset.
            amount: How much, in units of the asset.
            tran_id: The id of the loan.
        """
        if not self._by_choice:
            self._market.history.write_record(
                self._loan_record(call.owner.id, asset, tran_id, amount, call.now_ms, "CONFIRMED")
            )
            self._market.write_flow(call.owner, "BORROW", asset, amount, tran_id, call.now_ms)
            self._take(call, asset, amount, tran_id, spent=False)
            return
        call.accepted = True
        listed_ms = call.now_ms + self._listed_late.draw(self._chances)
        late_ms = self._debt_late.draw(self._chances)
        risen_ms = listed_ms + late_ms if late_ms else call.now_ms
        ids = self._write_rows(call, asset, amount, tran_id, listed_ms, risen_ms)
        if late_ms:
            details = [call.owner.id, asset, exact_text(amount), tran_id, call.request, self._spent, ids]
            self._market.agenda.add(risen_ms, "borrow", details)
        else:
            self._take(call, asset, amount, tran_id, spent=self._spent)

    def resume(self, at_ms: int, details: list[Any]) -> Call:
        """Let a debt rise whose loan was listed before. If the pool has run dry meanwhile, the rows become FAILED.

        Args:
            at_ms: The moment of execution, milliseconds UTC.
            details: The arguments that the agenda kept.

        Returns:
            The call with the ledger lines that it wrote now.
        """
        account_id, asset, amount, tran_id, request, spent, ids = details
        account = self._market.world.ledger.accounts[account_id]
        call = Call(self._market.facts_of("marginBorrow"), account, {}, {}, at_ms, request)
        try:
            self._take(call, asset, Decimal(amount), tran_id, spent=spent)
        except LedgerError:
            for row_id in ids:
                self._market.history.amend_record(account_id, "loan", row_id, status="FAILED")
        return call

    def _take(self, call: Call, asset: str, amount: Decimal, tran_id: int, *, spent: bool) -> None:
        self._movements.lend(call, asset, amount, tran_id)
        if spent:
            ledger = self._market.world.ledger
            gone = ledger.hand_over(call.owner, asset, amount, "conversion", call.now_ms)
            call.lines[-1].transfers.append(gone)
            self._market.events.balances_changed(call.owner, {asset: -amount}, call.now_ms)
        self._interest.charge_loan(call.owner, asset, amount, call.now_ms)

    def _write_rows(
        self, call: Call, asset: str, amount: Decimal, tran_id: int, listed_ms: int, risen_ms: int
    ) -> list[int]:
        """Write the rows of a loan; return the ids of its loan records."""
        market, history = self._market, self._market.history
        amounts = [amount]
        if self._rows == "several" and (half := divide_down(amount, Decimal(2))):
            amounts = [half, EXACT.subtract(amount, half)]
        elif self._rows == "none":
            amounts = []
        ids: list[int] = []
        for index, part in enumerate(amounts):
            row_id = tran_id if index == 0 else history.ids.next_transaction()
            stamped = max(1, risen_ms + self._row_time.draw(self._chances))
            if self._list != "capital-flow":
                status = "PENDING" if self._pending else "CONFIRMED"
                record = self._loan_record(call.owner.id, asset, row_id, part, stamped, status)
                market.list_later(record, listed_ms)
                if self._pending:
                    done_ms = max(risen_ms, listed_ms + _PENDING_MS)
                    market.amend_later(record, done_ms, status="CONFIRMED")
                ids.append(row_id)
            if self._list != "loan-records":
                flow = history.flow_record(call.owner, "BORROW", asset, part, row_id, stamped)
                market.list_later(flow, listed_ms)
        return ids

    def _loan_record(
        self, account: str, asset: str, row_id: int, amount: Decimal, at_ms: int, status: str
    ) -> Record:
        """Return a record as GET marginLoan lists it."""
        row: dict[str, object] = {
            "txId": row_id,
            "asset": asset,
            "principal": self._market.history.form.text(amount),
            "timestamp": at_ms,
            "status": status,
        }
        return Record("loan", row_id, account, asset, at_ms, row)
