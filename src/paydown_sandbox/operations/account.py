"""What the account holds and owes, and where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paydown_sandbox.amounts import EXACT, wire_text
from paydown_sandbox.collateral import status_of
from paydown_sandbox.ledger import Holding
from paydown_sandbox.refusal import Refusal

if TYPE_CHECKING:
    from paydown_sandbox.calls import Call
    from paydown_sandbox.exchange import Exchange

__all__ = ["account_balance", "account_information", "order_rate_limit"]


def _row(asset: str, holding: Holding) -> dict[str, object]:
    cross = EXACT.add(holding.free, holding.locked)
    return {
        "asset": asset,
        "totalWalletBalance": wire_text(holding.held),
        "crossMarginAsset": wire_text(cross),
        "crossMarginBorrowed": wire_text(holding.borrowed),
        "crossMarginFree": wire_text(holding.free),
        "crossMarginInterest": wire_text(holding.interest),
        "crossMarginLocked": wire_text(holding.locked),
        "umWalletBalance": wire_text(holding.um),
        "umUnrealizedPNL": "0.00000000",
        "cmWalletBalance": wire_text(holding.cm),
        "cmUnrealizedPNL": "0.00000000",
        "updateTime": holding.updated_ms,
        "negativeBalance": wire_text(holding.negative) if holding.negative else "0",
    }


def account_balance(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/balance: an array without `asset`, one object with it."""
    holdings = call.owner.holdings
    asset = call.optional_text("asset")
    if asset is not None:
        holding = holdings.get(asset)
        if holding is None:
            if not exchange.world.knows(asset) and not exchange.zeros_for_unknown_assets:
                raise Refusal(-1108, reason="no such asset")
            holding = Holding()
        return _row(asset, holding)
    if exchange.balance_of_all_assets:
        names = dict.fromkeys((*holdings, *exchange.world.ledger.assets(), *exchange.world.prices.usd))
        return [_row(name, holdings.get(name) or Holding()) for name in names]
    return [_row(name, holding) for name, holding in holdings.items()]


def account_information(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/account: equity, margin and state, in USD."""
    standing = status_of(call.owner, exchange.world.prices.usd, exchange.world.collateral)
    updated = max((holding.updated_ms for holding in call.owner.holdings.values()), default=0)
    return {
        "uniMMR": wire_text(standing.uni_mmr),
        "accountEquity": wire_text(standing.equity),
        "actualEquity": wire_text(standing.actual_equity),
        "accountInitialMargin": wire_text(standing.initial_margin),
        "accountMaintMargin": wire_text(standing.maintenance_margin),
        "accountStatus": standing.status,
        "virtualMaxWithdrawAmount": wire_text(standing.withdrawable),
        "totalAvailableBalance": "",  # empty in the published sample; see x-discrepancy 31
        "totalMarginOpenLoss": "",
        "updateTime": updated,
    }


def order_rate_limit(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/rateLimit/order: the limit, not the count used."""
    limit = exchange.world.limits.orders_per_minute
    return [{"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": limit}]
