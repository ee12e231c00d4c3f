"""What the account holds and owes, and where it stands."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from paydown_sandbox.books.collateral import status_of
from paydown_sandbox.books.exact_amounts import EXACT, wire_text
from paydown_sandbox.books.ledger import Holding
from paydown_sandbox.checks.refusal import Refusal

if TYPE_CHECKING:
    from paydown_sandbox.call_record import Call
    from paydown_sandbox.exchange import Exchange

__all__ = ["account_balance", "account_information", "order_rate_limit"]


def _row(asset: str, holding: Holding, text: Callable[[Decimal], str] = wire_text) -> dict[str, object]:
    cross = EXACT.add(holding.free, holding.locked)
    return {
        "asset": asset,
        "totalWalletBalance": text(holding.held),
        "crossMarginAsset": text(cross),
        "crossMarginBorrowed": text(holding.borrowed),
        "crossMarginFree": text(holding.free),
        "crossMarginInterest": text(holding.interest),
        "crossMarginLocked": text(holding.locked),
        "umWalletBalance": text(holding.um),
        "umUnrealizedPNL": "0.00000000",
        "cmWalletBalance": text(holding.cm),
        "cmUnrealizedPNL": "0.00000000",
        "updateTime": holding.updated_ms,
        "negativeBalance": text(holding.negative) if holding.negative else "0",
    }


def account_balance(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/balance: an array without `asset`, one object with it."""
    looks = exchange.conduct.looks
    text = wire_text if looks is None else looks.text
    holdings = call.owner.holdings if looks is None else looks.seen(call.owner)
    asset = call.optional_text("asset")
    if asset is not None:
        holding = holdings.get(asset)
        if holding is None:
            if not exchange.world.knows(asset) and not exchange.zeros_for_unknown_assets:
                raise Refusal(-1108, reason="no such asset")
            row = _row(asset, Holding(), text)
            return row if looks is None else looks.absent(row)
        row = _row(asset, holding, text)
        return row if looks is None else looks.single(row)
    if exchange.balance_of_all_assets:
        names = dict.fromkeys((*holdings, *exchange.world.ledger.assets(), *exchange.world.prices.usd))
        rows = [_row(name, holdings.get(name) or Holding(), text) for name in names]
    else:
        rows = [_row(name, holding, text) for name, holding in holdings.items()]
    return rows if looks is None else looks.listed(rows, holdings)


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
        "accountStatus": exchange.told_status or standing.status,
        "virtualMaxWithdrawAmount": wire_text(standing.withdrawable),
        "totalAvailableBalance": "",  # empty in the published sample; see x-discrepancy 31
        "totalMarginOpenLoss": "",
        "updateTime": updated,
    }


def order_rate_limit(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/rateLimit/order: the limit, not the count used."""
    limit = exchange.world.limits.orders_per_minute
    return [{"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": limit}]
