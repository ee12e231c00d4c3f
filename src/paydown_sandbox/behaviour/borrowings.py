"""What a borrowing leaves: rows in one list or two, late or never, and a debt that may rise later than its row."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from paydown_sandbox.behaviour.settlement import lend
from paydown_sandbox.books.exact_amounts import EXACT, divide_down, exact_text
from paydown_sandbox.books.ledger import LedgerError
from paydown_sandbox.books.records import Record
from paydown_sandbox.call_record import Call
from paydown_sandbox.choices.chances import Chances
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.scheduler import first_interest

if TYPE_CHECKING:
    from paydown_sandbox.exchange import Exchange

__all__ = ["Borrowings", "loan_record", "resume_borrowing"]

_NAMES = (
    "borrow-rows", "borrow-list", "borrow-listed-late", "borrow-row-time", "borrow-debt-late",
    "borrow-first-status", "borrow-proceeds",
)  # fmt: skip
_PENDING_MS = 3000


class Borrowings:
    """Carries out a loan as the choices have it.

    Args:
        exchange: Whose ledger and lists.
        chances: What decides where an option leaves it to chance.
    """

    def __init__(self, exchange: Exchange, chances: Chances) -> None:
        options = exchange.world.options
        self._exchange = exchange
        self._chances = chances
        self._rows = options.text("borrow-rows")
        self._list = options.text("borrow-list")
        self._listed_late = options.span("borrow-listed-late")
        self._row_time = options.span("borrow-row-time")
        self._debt_late = options.span("borrow-debt-late")
        self._pending = options.is_set("borrow-first-status", "PENDING")
        self._spent = options.is_set("borrow-proceeds", "spent")

    @staticmethod
    def wanted(options: Options) -> bool:
        """Whether any of these choices stands elsewhere than at its default."""
        return options.any_open(*_NAMES)

    def carry_out(self, call: Call, asset: str, amount: Decimal, tran_id: int) -> None:
        """Lend, now or later, and have it listed."""
        call.accepted = True
        listed_ms = call.now_ms + self._listed_late.draw(self._chances)
        late_ms = self._debt_late.draw(self._chances)
        risen_ms = listed_ms + late_ms if late_ms else call.now_ms
        ids = self._write_rows(call, asset, amount, tran_id, listed_ms, risen_ms)
        if late_ms:
            details = [call.owner.id, asset, exact_text(amount), tran_id, call.request, self._spent, ids]
            self._exchange.conduct.note(risen_ms, "borrow", details)
        else:
            _take(self._exchange, call, asset, amount, tran_id, spent=self._spent)

    def _write_rows(
        self, call: Call, asset: str, amount: Decimal, tran_id: int, listed_ms: int, risen_ms: int
    ) -> list[int]:
        """Write the rows; returns the ids of those among the loan records."""
        exchange, conduct = self._exchange, self._exchange.conduct
        amounts = [amount]
        if self._rows == "several" and (half := divide_down(amount, Decimal(2))):
            amounts = [half, EXACT.subtract(amount, half)]
        elif self._rows == "none":
            amounts = []
        ids: list[int] = []
        for index, part in enumerate(amounts):
            row_id = tran_id if index == 0 else exchange.next_tran()
            stamped = max(1, risen_ms + self._row_time.draw(self._chances))
            if self._list != "capital-flow":
                status = "PENDING" if self._pending else "CONFIRMED"
                record = loan_record(exchange, call.owner.id, asset, row_id, part, stamped, status)
                conduct.list_later(record, listed_ms)
                if self._pending:
                    done_ms = max(risen_ms, listed_ms + _PENDING_MS)
                    conduct.amend_later(record, done_ms, status="CONFIRMED")
                ids.append(row_id)
            if self._list != "loan-records":
                flow = exchange.flow_record(call.owner, "BORROW", asset, part, row_id, stamped)
                conduct.list_later(flow, listed_ms)
        return ids


def resume_borrowing(exchange: Exchange, at_ms: int, details: list[Any]) -> None:
    """Let a debt rise that was listed before. A pool that ran dry meanwhile makes its rows FAILED."""
    account_id, asset, amount, tran_id, request, spent, ids = details
    account = exchange.world.ledger.accounts[account_id]
    call = Call(exchange.facts_of("marginBorrow"), account, {}, {}, at_ms, request)
    try:
        _take(exchange, call, asset, Decimal(amount), tran_id, spent=spent)
    except LedgerError:
        for row_id in ids:
            exchange.amend_record(account_id, "loan", row_id, status="FAILED")
        return
    exchange.executed_late(call)


def _take(exchange: Exchange, call: Call, asset: str, amount: Decimal, tran_id: int, *, spent: bool) -> None:
    lend(exchange, call, asset, amount, tran_id)
    if spent:
        ledger = exchange.world.ledger
        gone = ledger.hand_over(call.owner, asset, amount, "conversion", call.now_ms)
        call.lines[-1].transfers.append(gone)
        exchange.balances_changed(call.owner, [(asset, -amount)], call.now_ms)
    first_interest(exchange, call.owner, asset, call.now_ms, amount)


def loan_record(
    exchange: Exchange,
    account: str,
    asset: str,
    row_id: int,
    amount: Decimal,
    at_ms: int,
    status: str = "CONFIRMED",
) -> Record:
    """A record as GET marginLoan lists it."""
    row: dict[str, object] = {
        "txId": row_id,
        "asset": asset,
        "principal": exchange.row_text(amount),
        "timestamp": at_ms,
        "status": status,
    }
    return Record("loan", row_id, account, asset, at_ms, row)
