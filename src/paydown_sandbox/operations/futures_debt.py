"""Repay negative futures balances, and move money between the futures wallets and the cross wallet."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from paydown_sandbox.books.exact_amounts import ZERO
from paydown_sandbox.books.ledger_line import Transfer
from paydown_sandbox.call_record import Call
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.market_state import MarketState

__all__ = ["FuturesOperations"]

_DONE = {"msg": "success"}


class FuturesOperations:
    """Handlers of the operations about futures wallets.

    Args:
        market: Accounts, books and options.
    """

    def __init__(self, market: MarketState) -> None:
        self._market = market
        self._bnb_collection_code = market.options.integer("bnb-collection-code")

    def repay_negative_balance(self, call: Call) -> object:
        """Answer POST /papi/v1/repay-futures-negative-balance: repay all or none, each from its own free balance."""
        market, account = self._market, call.owner
        owed = [(asset, holding) for asset, holding in account.holdings.items() if holding.negative]
        for _, holding in owed:
            if holding.negative > holding.free:
                raise Refusal(-4050, reason="the cross balance is too small")
        transfers: list[Transfer] = []
        deltas: dict[str, Decimal] = {}
        for asset, holding in owed:
            amount = holding.negative
            transfers.append(market.world.ledger.fill_negative(account, asset, amount, call.now_ms))
            deltas[asset] = -amount
        if transfers:
            call.book(market.history, None, transfers)
            market.events.balances_changed(account, deltas, call.now_ms)
        return _DONE

    def auto_repay_status(self, call: Call) -> object:
        """Answer GET /papi/v1/repay-futures-switch: whether automatic repayment is on."""
        return {"autoRepay": call.owner.auto_repay_futures}

    def set_auto_repay(self, call: Call) -> object:
        """Answer POST /papi/v1/repay-futures-switch: turn automatic repayment on or off."""
        call.owner.auto_repay_futures = call.text("autoRepay") == "true"
        self._market.changes.world = True
        return _DONE

    def auto_collection(self, call: Call) -> object:
        """Answer POST /papi/v1/auto-collection: move everything but the BNB of the USD-M wallet."""
        transfers: list[Transfer] = []
        for asset in list(call.owner.holdings):
            transfers += self._emptied(call, asset, ("cm",) if asset == "BNB" else ("um", "cm"))
        return self._collected(call, None, transfers)

    def asset_collection(self, call: Call) -> object:
        """Answer POST /papi/v1/asset-collection: move one asset; BNB is not supported."""
        asset = call.text("asset")
        if asset == "BNB":
            raise Refusal(self._bnb_collection_code, reason="BNB is not supported")
        if not self._market.world.knows(asset):
            raise Refusal(-1108, reason="no such asset")
        return self._collected(call, asset, self._emptied(call, asset, ("um", "cm")))

    def bnb_transfer(self, call: Call) -> object:
        """Answer POST /papi/v1/bnb-transfer: move BNB between the cross wallet and the USD-M wallet."""
        market, account = self._market, call.owner
        amount = call.required_amount("amount")
        inward = call.text("transferSide") == "FROM_UM"
        source, target = ("um", "free") if inward else ("free", "um")
        holding = account.holdings.get("BNB")
        available: Decimal = ZERO if holding is None else getattr(holding, source)
        if amount > available:
            raise Refusal(-2018 if inward else -4050, reason=f"not enough BNB in {source}")
        transfer = market.world.ledger.move(account, "BNB", amount, source, target, call.now_ms)
        tran_id = market.history.ids.next_transaction()
        call.book(market.history, "BNB", [transfer], tran_id=tran_id)
        delta = amount if inward else -amount
        market.write_flow(account, "TRANSFER", "BNB", delta, tran_id, call.now_ms)
        market.events.futures_changed(account, "BNB", "UM", -delta, call.now_ms)
        market.events.balances_changed(account, {"BNB": delta}, call.now_ms)
        return {"tranId": tran_id}

    def _emptied(self, call: Call, asset: str, wallets: Sequence[str]) -> list[Transfer]:
        """Move everything in these futures wallets ("um", "cm") into the free balance."""
        holding = call.owner.holding(asset)
        return [
            self._market.world.ledger.move(call.owner, asset, amount, wallet, "free", call.now_ms)
            for wallet in wallets
            if (amount := getattr(holding, wallet))
        ]

    def _collected(self, call: Call, asset: str | None, transfers: list[Transfer]) -> object:
        market = self._market
        if transfers:
            call.book(market.history, asset, transfers)
            deltas: dict[str, Decimal] = {}
            for transfer in transfers:
                deltas[transfer.asset] = deltas.get(transfer.asset, ZERO) + transfer.amount
                business = transfer.source.rpartition(":")[2].upper()
                market.events.futures_changed(
                    call.owner, transfer.asset, business, -transfer.amount, call.now_ms
                )
            market.events.balances_changed(call.owner, deltas, call.now_ms)
        return _DONE
