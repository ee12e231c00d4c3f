"""Negative futures balances, the futures wallets, and what moves between them and the cross wallet."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from paydown_sandbox.books.exact_amounts import ZERO
from paydown_sandbox.books.ledger import Transfer
from paydown_sandbox.checks.refusal import Refusal

if TYPE_CHECKING:
    from paydown_sandbox.call_record import Call
    from paydown_sandbox.exchange import Exchange

__all__ = [
    "asset_collection",
    "auto_collection",
    "auto_repay_status",
    "bnb_transfer",
    "repay_negative_balance",
    "set_auto_repay",
]

_DONE = {"msg": "success"}


def repay_negative_balance(exchange: Exchange, call: Call) -> object:
    """POST /papi/v1/repay-futures-negative-balance: all of them or none, each from its own free balance."""
    account = call.owner
    owed = [(asset, holding) for asset, holding in account.holdings.items() if holding.negative]
    for _, holding in owed:
        if holding.negative > holding.free:
            raise Refusal(-4050, reason="the cross balance is too small")
    transfers: list[Transfer] = []
    deltas: dict[str, Decimal] = {}
    for asset, holding in owed:
        amount = holding.negative
        transfers.append(exchange.world.ledger.fill_negative(account, asset, amount, call.now_ms))
        deltas[asset] = -amount
    if transfers:
        exchange.book(call, None, transfers)
        exchange.balances_changed(account, deltas.items(), call.now_ms)
    return _DONE


def auto_repay_status(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/repay-futures-switch."""
    return {"autoRepay": call.owner.auto_repay_futures}


def set_auto_repay(exchange: Exchange, call: Call) -> object:
    """POST /papi/v1/repay-futures-switch."""
    call.owner.auto_repay_futures = call.text("autoRepay") == "true"
    exchange.changes.world = True
    return _DONE


def auto_collection(exchange: Exchange, call: Call) -> object:
    """POST /papi/v1/auto-collection: everything but the BNB of the USD-M wallet."""
    account = call.owner
    transfers: list[Transfer] = []
    for asset in list(account.holdings):
        wallets = ("cm",) if asset == "BNB" else ("um", "cm")
        transfers += exchange.world.ledger.collect(account, asset, wallets, call.now_ms)
    return _collected(exchange, call, None, transfers)


def asset_collection(exchange: Exchange, call: Call) -> object:
    """POST /papi/v1/asset-collection: one asset; BNB is not supported."""
    asset = call.text("asset")
    if asset == "BNB":
        raise Refusal(exchange.bnb_collection_code, reason="BNB is not supported")
    if not exchange.world.knows(asset):
        raise Refusal(-1108, reason="no such asset")
    transfers = exchange.world.ledger.collect(call.owner, asset, ("um", "cm"), call.now_ms)
    return _collected(exchange, call, asset, transfers)


def _collected(exchange: Exchange, call: Call, asset: str | None, transfers: list[Transfer]) -> object:
    if transfers:
        exchange.book(call, asset, transfers)
        deltas: dict[str, Decimal] = {}
        for transfer in transfers:
            deltas[transfer.asset] = deltas.get(transfer.asset, ZERO) + transfer.amount
            business = transfer.source.rpartition(":")[2].upper()
            exchange.futures_changed(call.owner, transfer.asset, business, -transfer.amount, call.now_ms)
        exchange.balances_changed(call.owner, deltas.items(), call.now_ms)
    return _DONE


def bnb_transfer(exchange: Exchange, call: Call) -> object:
    """POST /papi/v1/bnb-transfer: between the cross wallet and the USD-M wallet."""
    account = call.owner
    amount = call.required_amount("amount")
    inward = call.text("transferSide") == "FROM_UM"
    source, target = ("um", "free") if inward else ("free", "um")
    holding = account.holdings.get("BNB")
    available: Decimal = ZERO if holding is None else getattr(holding, source)
    if amount > available:
        raise Refusal(-2018 if inward else -4050, reason=f"not enough BNB in {source}")
    transfer = exchange.world.ledger.move(account, "BNB", amount, source, target, call.now_ms)
    tran_id = exchange.next_tran()
    exchange.book(call, "BNB", [transfer], tran_id=tran_id)
    delta = amount if inward else -amount
    exchange.write_flow(account, "TRANSFER", "BNB", delta, tran_id, call.now_ms)
    exchange.futures_changed(account, "BNB", "UM", -delta, call.now_ms)
    exchange.balances_changed(account, [("BNB", delta)], call.now_ms)
    return {"tranId": tran_id}
