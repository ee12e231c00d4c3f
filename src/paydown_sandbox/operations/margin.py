"""Borrowing and repaying margin debt, and the ceilings of both."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from paydown_sandbox.accrual import charge_interest
from paydown_sandbox.amounts import EXACT, ZERO, divide_down, exact_text, wire_text
from paydown_sandbox.collateral import status_of
from paydown_sandbox.ledger import Account
from paydown_sandbox.records import Record
from paydown_sandbox.refusal import Refusal
from paydown_sandbox.repayment import plan_repayment

if TYPE_CHECKING:
    from paydown_sandbox.calls import Call
    from paydown_sandbox.exchange import Exchange

__all__ = ["borrow", "max_borrowable", "max_withdraw", "repay_debt", "repay_loan"]

# The account level's ceiling where the state document names none.
_DEFAULT_BORROW_LIMIT_USD = Decimal(10_000_000)
_LIQUIDATING = frozenset({"ACTIVE_LIQUIDATION", "FORCE_LIQUIDATION", "BANKRUPTED"})


def repay_debt(exchange: Exchange, call: Call) -> object:
    """POST /papi/v1/margin/repay-debt: by the four published rules; see `repayment`."""
    world = exchange.world
    account = call.owner
    asset = call.text("asset")
    prices = world.prices.usd
    if asset not in prices and not world.knows(asset):
        raise Refusal(-1108, reason="no such asset")
    named = call.texts_of("specifyRepayAssets")
    if named is not None and not exchange.lenient_lists:
        for name in named:
            if name not in prices and not world.knows(name):
                raise Refusal(-1130, parameter="specifyRepayAssets", reason="no such payment asset")
    amount = call.amount("amount")
    exchange.lock_debt_calls(call)
    plan = plan_repayment(account, asset, amount, named or None, prices, exchange.repayment_rules)
    if plan.total:
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
        tran_id = exchange.next_tran()
        exchange.book(
            call, asset, transfers, interest=plan.interest, principal=plan.principal, tran_id=tran_id
        )
        if exchange.record_repay_debt:
            _record_repayment(exchange, call, asset, tran_id, plan.interest, plan.principal)
        if exchange.flow_repay_debt:
            exchange.write_flow(account, "REPAY", asset, -plan.total, tran_id, call.now_ms)
        if exchange.streams.listening(account.id):
            deltas = {name: -units for name, units, _ in plan.paid_with}
            deltas[asset] = -plan.own
            kind = world.options.text("repay-debt-event-type")
            _told(exchange, call, asset, kind, tran_id, plan.principal, plan.interest, deltas)
    answer: dict[str, object] = {}
    if amount is not None:
        # Echoes the scale of the request, as seen live: "5", not "5.00000000".
        answer["amount"] = call.texts["amount"] if plan.total == amount else exact_text(plan.total)
    elif exchange.whole_debt_amount:
        answer["amount"] = exact_text(plan.total)
    answer["asset"] = asset
    if named:
        answer["specifyRepayAssets"] = named
    answer["updateTime"] = call.now_ms
    answer["success"] = True
    return answer


def repay_loan(exchange: Exchange, call: Call) -> object:
    """POST /papi/v1/repayLoan: in the owed asset itself, interest first, with an id."""
    world = exchange.world
    account = call.owner
    asset = call.text("asset")
    if not world.knows(asset):
        raise Refusal(-1108, reason="no such asset")
    amount = call.required_amount("amount")
    exchange.lock_debt_calls(call)
    holding = account.holdings.get(asset)
    debt = ZERO if holding is None else holding.debt
    rules = exchange.repayment_rules
    if holding is None or not debt:
        raise Refusal(rules.no_debt_code, reason="nothing is owed")
    if amount > debt:
        if not rules.clip_above_debt:
            raise Refusal(rules.above_debt_code, reason="the amount is above the debt")
        amount = debt
    if amount > holding.free:
        raise Refusal(rules.insufficient_code, reason="the free balance is too small")
    interest = min(amount, holding.interest)
    principal = EXACT.subtract(amount, interest)
    transfers = world.ledger.repay(
        account, asset, interest=interest, principal=principal, own=amount, paid_with=(), now_ms=call.now_ms
    )
    tran_id = exchange.next_tran()
    exchange.book(call, asset, transfers, interest=interest, principal=principal, tran_id=tran_id)
    _record_repayment(exchange, call, asset, tran_id, interest, principal)
    exchange.write_flow(account, "REPAY", asset, -amount, tran_id, call.now_ms)
    _told(exchange, call, asset, "REPAY", tran_id, principal, interest, {asset: -amount})
    return {"tranId": tran_id}


def borrow(exchange: Exchange, call: Call) -> object:
    """POST /papi/v1/marginLoan: lends from the pool and charges the first hour of interest at once."""
    world = exchange.world
    account = call.owner
    asset = call.text("asset")
    if not world.knows(asset):
        raise Refusal(-1108, reason="no such asset")
    amount = call.required_amount("amount")
    exchange.lock_debt_calls(call)
    if asset in world.borrow_closed:
        raise Refusal(51014, reason="borrowing of this asset is closed")
    if status_of(account, world.prices.usd, world.collateral).status in _LIQUIDATING:
        raise Refusal(51068, reason="the account is being liquidated")
    lendable = world.ledger.house_of(asset).lendable
    if lendable is not None and amount > lendable:
        raise Refusal(51061, reason="the pool is too small")
    if amount > _ceilings(exchange, account, asset)[0]:
        raise Refusal(51006, reason="above the maximum borrowable")
    transfer = world.ledger.lend(account, asset, amount, call.now_ms)
    tran_id = exchange.next_tran()
    exchange.book(call, asset, [transfer], principal=-amount, tran_id=tran_id)
    row: dict[str, object] = {
        "txId": tran_id,
        "asset": asset,
        "principal": wire_text(amount),
        "timestamp": call.now_ms,
        "status": "CONFIRMED",
    }
    exchange.write_record(Record("loan", tran_id, account.id, asset, call.now_ms, row))
    exchange.write_flow(account, "BORROW", asset, amount, tran_id, call.now_ms)
    _told(exchange, call, asset, "BORROW", tran_id, amount, ZERO, {asset: amount})
    if world.interest.on_borrow:
        charge_interest(exchange, account, asset, call.now_ms, "ON_BORROW", on=amount)
    return {"tranId": tran_id}


def max_borrowable(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/margin/maxBorrowable: an empty pool is an error, not zero."""
    asset = call.text("asset")
    if not exchange.world.knows(asset):
        raise Refusal(-1108, reason="no such asset")
    lendable = exchange.world.ledger.house_of(asset).lendable
    if lendable is not None and not lendable:
        raise Refusal(51061, reason="the pool is empty")
    amount, limit = _ceilings(exchange, call.owner, asset)
    return {"amount": wire_text(amount), "borrowLimit": exact_text(limit)}


def max_withdraw(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/margin/maxWithdraw: what is free and not needed as collateral."""
    world = exchange.world
    asset = call.text("asset")
    if not world.knows(asset):
        raise Refusal(-1108, reason="no such asset")
    holding = call.owner.holdings.get(asset)
    free = ZERO if holding is None else holding.free
    price = world.prices.usd.get(asset)
    standing = status_of(call.owner, world.prices.usd, world.collateral)
    if price and standing.initial_margin:
        rate = world.collateral.collateral_rates.get(asset, world.collateral.default_collateral_rate)
        if rate:
            free = min(free, divide_down(standing.withdrawable, EXACT.multiply(price, rate)))
    return {"amount": wire_text(free)}


def _ceilings(exchange: Exchange, account: Account, asset: str) -> tuple[Decimal, Decimal]:
    """What may be borrowed now, and the ceiling of the account level, in units of the asset."""
    world = exchange.world
    price = world.prices.usd.get(asset)
    holding = account.holdings.get(asset)
    borrowed = ZERO if holding is None else holding.borrowed
    limit = world.borrow_limits.get(asset)
    if limit is None:
        limit = divide_down(_DEFAULT_BORROW_LIMIT_USD, price) if price else ZERO
    room = max(ZERO, EXACT.subtract(limit, borrowed))
    if price and world.collateral.initial_rate:
        # What is borrowed is held as well, so it adds nothing to the equity and only needs margin.
        spare = status_of(account, world.prices.usd, world.collateral).withdrawable
        room = min(room, divide_down(spare, EXACT.multiply(price, world.collateral.initial_rate)))
    lendable = world.ledger.house_of(asset).lendable
    if lendable is not None:
        room = min(room, lendable)
    return room, limit


def _record_repayment(
    exchange: Exchange, call: Call, asset: str, tran_id: int, interest: Decimal, principal: Decimal
) -> None:
    row: dict[str, object] = {
        "amount": wire_text(EXACT.add(interest, principal)),
        "asset": asset,
        "interest": wire_text(interest),
        "principal": wire_text(principal),
        "status": "CONFIRMED",
        "timestamp": call.now_ms,
        "txId": tran_id,
    }
    exchange.write_record(Record("repay", tran_id, call.owner.id, asset, call.now_ms, row))


def _told(
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
