"""Borrowing and repaying margin debt, and the ceilings of both."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from paydown_sandbox.behaviour.borrowings import loan_record
from paydown_sandbox.behaviour.repay_answers import Repaid
from paydown_sandbox.behaviour.repay_rows import repay_record
from paydown_sandbox.behaviour.settlement import lend, settle_repayment, tell
from paydown_sandbox.books.collateral import status_of
from paydown_sandbox.books.exact_amounts import EXACT, ZERO, divide_down, exact_text, wire_text
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.operations.repayment_rules import Repayment, plan_repayment
from paydown_sandbox.scheduler import first_interest

if TYPE_CHECKING:
    from paydown_sandbox.call_record import Call
    from paydown_sandbox.exchange import Exchange

__all__ = ["borrow", "max_borrowable", "max_withdraw", "repay_debt", "repay_loan"]

# The account level's ceiling where the state document names none.
_DEFAULT_BORROW_LIMIT_USD = Decimal(10_000_000)
_LIQUIDATING = frozenset({"ACTIVE_LIQUIDATION", "FORCE_LIQUIDATION", "BANKRUPTED"})


def repay_debt(exchange: Exchange, call: Call) -> object:
    """POST /papi/v1/margin/repay-debt: by the four published rules; see `repayment`."""
    world = exchange.world
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
    replies = exchange.conduct.replies
    owed = ZERO if replies is None else _owed(call, asset)
    plan = _planned(exchange, call, asset, amount, named)
    if plan.total:
        _carry_out(exchange, call, asset, plan, amount, named)
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
    if replies is None:
        return answer
    return replies.members(call, answer, Repaid(asset, plan, call.texts.get("amount"), owed, named or ()))


def _owed(call: Call, asset: str) -> Decimal:
    held = call.owner.holdings.get(asset)
    return ZERO if held is None else held.debt


def _planned(
    exchange: Exchange, call: Call, asset: str, amount: Decimal | None, named: tuple[str, ...] | None
) -> Repayment:
    """What a repayment will do."""
    conduct = exchange.conduct
    prices, rules = exchange.world.prices.usd, exchange.repayment_rules
    try:
        if conduct.execution is None:
            return plan_repayment(call.owner, asset, amount, named or None, prices, rules)
        share, spread = conduct.execution.share, conduct.execution.spread()
        return plan_repayment(
            call.owner, asset, amount, named or None, prices, rules, share=share, spread=spread
        )
    except Refusal:
        if conduct.rows is not None:
            conduct.rows.refused(call, asset, amount)
        raise


def _carry_out(
    exchange: Exchange,
    call: Call,
    asset: str,
    plan: Repayment,
    amount: Decimal | None,
    named: tuple[str, ...] | None,
) -> None:
    """Execute a repayment that can be made, unless a choice refuses, delays or drops it."""
    conduct = exchange.conduct
    if conduct.refusals is not None and conduct.refusals.strikes():
        call.reply = conduct.refusals.reply(call)
        if not conduct.refusals.executes:
            if conduct.rows is not None:
                conduct.rows.refused(call, asset, amount)
            return
    if conduct.execution is None:
        settle_repayment(exchange, call, asset, plan, amount)
    else:
        conduct.execution.carry_out(call, asset, plan, amount, list(named) if named else None)


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
    if exchange.other_repayment_rows == "one":
        exchange.write_record(
            repay_record(exchange, account, asset, tran_id, interest, principal, call.now_ms)
        )
    if exchange.other_repayment_rows != "none":
        exchange.write_flow(account, "REPAY", asset, -amount, tran_id, call.now_ms)
    tell(exchange, call, asset, "REPAY", tran_id, principal, interest, {asset: -amount})
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
    tran_id = exchange.next_tran()
    if exchange.conduct.borrowings is not None:
        exchange.conduct.borrowings.carry_out(call, asset, amount, tran_id)
        return {"tranId": tran_id}
    exchange.write_record(loan_record(exchange, account.id, asset, tran_id, amount, call.now_ms))
    exchange.write_flow(account, "BORROW", asset, amount, tran_id, call.now_ms)
    lend(exchange, call, asset, amount, tran_id)
    first_interest(exchange, account, asset, call.now_ms, amount)
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
