"""Carry out what was decided: a repayment or a loan reaches the ledger, the lists and the stream."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from paydown_sandbox.behaviour.repay_rows import repay_record
from paydown_sandbox.books.exact_amounts import EXACT, ZERO
from paydown_sandbox.call_record import Call
from paydown_sandbox.operations.repayment_rules import Repayment

if TYPE_CHECKING:
    from paydown_sandbox.exchange import Exchange

__all__ = ["lend", "settle_repayment", "tell"]


def settle_repayment(
    exchange: Exchange, call: Call, asset: str, plan: Repayment, asked: Decimal | None
) -> None:
    """Execute a planned repayment: move the money, write lines and rows, tell the stream."""
    world = exchange.world
    account = call.owner
    transfers = world.ledger.repay(
        account,
        asset,
        interest=plan.interest,
        principal=plan.principal,
        own=plan.own,
        paid_with=plan.paid_with,
        now_ms=call.now_ms,
    )
    if plan.house_gain_usd:
        world.ledger.dust_usd = EXACT.add(world.ledger.dust_usd, plan.house_gain_usd)
    conduct = exchange.conduct
    if conduct.execution is not None:
        conduct.execution.charge_fee(account, asset, plan.total, call.now_ms)
    tran_id = exchange.next_tran()
    exchange.book(call, asset, transfers, interest=plan.interest, principal=plan.principal, tran_id=tran_id)
    if conduct.rows is not None:
        conduct.rows.write(call, asset, plan, asked, tran_id)
    else:
        if exchange.record_repay_debt:
            exchange.write_record(
                repay_record(exchange, account, asset, tran_id, plan.interest, plan.principal, call.now_ms)
            )
        if exchange.flow_repay_debt:
            exchange.write_flow(account, "REPAY", asset, -plan.total, tran_id, call.now_ms)
    if exchange.streams.listening(account.id):
        deltas = {name: -units for name, units, _ in plan.paid_with}
        deltas[asset] = -plan.own
        kind = world.options.text("repay-debt-event-type")
        tell(exchange, call, asset, kind, tran_id, plan.principal, plan.interest, deltas)


def lend(exchange: Exchange, call: Call, asset: str, amount: Decimal, tran_id: int) -> None:
    """Raise a debt: move the money, write the line, tell the stream."""
    transfer = exchange.world.ledger.lend(call.owner, asset, amount, call.now_ms)
    exchange.book(call, asset, [transfer], principal=-amount, tran_id=tran_id)
    tell(exchange, call, asset, "BORROW", tran_id, amount, ZERO, {asset: amount})


def tell(
    exchange: Exchange,
    call: Call,
    asset: str,
    kind: str,
    tran_id: int,
    principal: Decimal,
    interest: Decimal,
    deltas: dict[str, Decimal],
) -> None:
    """Send the events of a borrow or repayment."""
    exchange.liability_changed(call.owner, asset, kind, tran_id, principal, interest, call.now_ms)
    exchange.debt_moved(call.owner, deltas, call.now_ms)
