"""Execute a repayment or a loan: change the ledger, the lists and the stream."""

from __future__ import annotations

from decimal import Decimal

from paydown_sandbox.behaviour.repay_rows import RepayRows, repay_record
from paydown_sandbox.books.exact_amounts import EXACT, ZERO, divide_up
from paydown_sandbox.call_record import Call
from paydown_sandbox.market_state import MarketState
from paydown_sandbox.operations.repayment_rules import Repayment

__all__ = ["DebtMovements"]

_ONE = Decimal(1)
_FEE = Decimal("0.0005")


class DebtMovements:
    """The movements of money for repayments and loans, with every row and event that they leave.

    Args:
        market: The ledger, the lists and the stream.
        rows: Writes the rows of repay-debt, where choices differ from the default.
    """

    def __init__(self, market: MarketState, rows: RepayRows | None) -> None:
        options = market.options
        self._market = market
        self._rows = rows
        self._recorded = options.is_set("repay-debt-record", "record")
        self._in_flow = options.is_set("repay-debt-flow", "row")
        self._event_type = options.text("repay-debt-event-type")
        self._fee_to_debt = options.is_set("execution-fee", "added-to-debt")

    def repay(self, call: Call, asset: str, plan: Repayment, asked: Decimal | None) -> None:
        """Execute a planned repayment.

        Args:
            call: The call.
            asset: The owed asset.
            plan: The planned repayment.
            asked: The amount of the request, in units of the asset; `None` for the whole debt.
        """
        market, account, now_ms = self._market, call.owner, call.now_ms
        ledger, history = market.world.ledger, market.history
        transfers = ledger.repay(
            account,
            asset,
            interest=plan.interest,
            principal=plan.principal,
            own=plan.own,
            paid_with=plan.paid_with,
            now_ms=now_ms,
        )
        if plan.dust_usd:
            ledger.dust_usd = EXACT.add(ledger.dust_usd, plan.dust_usd)
        if self._fee_to_debt:
            ledger.charge(account, asset, divide_up(EXACT.multiply(plan.total, _FEE), _ONE), now_ms)
        tran_id = history.ids.next_transaction()
        call.book(
            history, asset, transfers, interest=plan.interest, principal=plan.principal, tran_id=tran_id
        )
        if self._rows is not None:
            self._rows.write(call, asset, plan, asked, tran_id)
        else:
            if self._recorded:
                history.write_record(
                    repay_record(market, account, asset, tran_id, plan.interest, plan.principal, now_ms)
                )
            if self._in_flow:
                market.write_flow(account, "REPAY", asset, -plan.total, tran_id, now_ms)
        if market.streams.listening(account.id):
            deltas = {name: -units for name, units, _ in plan.paid_with}
            deltas[asset] = -plan.own
            self.announce(call, asset, self._event_type, tran_id, plan.principal, plan.interest, deltas)

    def lend(self, call: Call, asset: str, amount: Decimal, tran_id: int) -> None:
        """Raise a debt by a loan.

        Args:
            call: The call that borrows.
            asset: The borrowed asset.
            amount: How much, in units of the asset.
            tran_id: The id of the loan.

        Raises:
            LedgerError: The pool is too small. Nothing was lent.
        """
        transfer = self._market.world.ledger.lend(call.owner, asset, amount, call.now_ms)
        call.book(self._market.history, asset, [transfer], principal=-amount, tran_id=tran_id)
        self.announce(call, asset, "BORROW", tran_id, amount, ZERO, {asset: amount})

    def announce(
        self,
        call: Call,
        asset: str,
        kind: str,
        tran_id: int,
        principal: Decimal,
        interest: Decimal,
        deltas: dict[str, Decimal],
    ) -> None:
        """Send the events of a loan or a repayment.

        Args:
            call: The call.
            asset: The owed asset.
            kind: The type that the event names, such as "BORROW".
            tran_id: The id of the loan or repayment.
            principal: The size of the change of the principal, in units of the asset.
            interest: The size of the change of the interest.
            deltas: By how much each free balance changed, in units of its asset.
        """
        events = self._market.events
        events.liability_changed(call.owner, asset, kind, tran_id, principal, interest, call.now_ms)
        events.balances_changed(call.owner, deltas, call.now_ms)
