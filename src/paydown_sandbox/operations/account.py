"""Answer the operations about the account as a whole: balances, margin, and the order limit."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from paydown_sandbox.behaviour.balance_readings import BalanceReadings
from paydown_sandbox.books.collateral import status_of
from paydown_sandbox.books.exact_amounts import EXACT, wire_text
from paydown_sandbox.books.ledger import Holding
from paydown_sandbox.call_record import Call
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.market_state import MarketState

__all__ = ["AccountOperations"]


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


class AccountOperations:
    """Handlers of the operations about the account as a whole.

    Args:
        market: Accounts, prices and options.
        readings: Decides what GET balance shows, where choices differ from the default.
    """

    def __init__(self, market: MarketState, readings: BalanceReadings | None) -> None:
        options = market.options
        self._market = market
        self._readings = readings
        self._zeros_for_unknown_assets = options.is_set("unknown-asset-balance", "zeros")
        self._all_assets = options.is_set("balance-array-holds", "all")
        status = options.text("account-status")
        self._shown_status = {"NORMAL": None, "new-value": "FROZEN"}.get(status, status)

    def balance(self, call: Call) -> object:
        """Answer GET /papi/v1/balance: an array without `asset`, one object with it."""
        readings, world = self._readings, self._market.world
        text = wire_text if readings is None else readings.text
        holdings = call.owner.holdings if readings is None else readings.seen(call.owner)
        asset = call.optional_text("asset")
        if asset is not None:
            holding = holdings.get(asset)
            if holding is None:
                if not world.knows(asset) and not self._zeros_for_unknown_assets:
                    raise Refusal(-1108, reason="no such asset")
                row = _row(asset, Holding(), text)
                return row if readings is None else readings.absent(row)
            row = _row(asset, holding, text)
            return row if readings is None else readings.single(row)
        if self._all_assets:
            names = dict.fromkeys((*holdings, *world.ledger.assets(), *world.prices.usd))
            rows = [_row(name, holdings.get(name) or Holding(), text) for name in names]
        else:
            rows = [_row(name, holding, text) for name, holding in holdings.items()]
        return rows if readings is None else readings.listed(rows, holdings)

    def information(self, call: Call) -> object:
        """Answer GET /papi/v1/account: equity, margin and status, in USD."""
        world = self._market.world
        standing = status_of(call.owner, world.prices.usd, world.collateral)
        updated = max((holding.updated_ms for holding in call.owner.holdings.values()), default=0)
        return {
            "uniMMR": wire_text(standing.uni_mmr),
            "accountEquity": wire_text(standing.equity),
            "actualEquity": wire_text(standing.actual_equity),
            "accountInitialMargin": wire_text(standing.initial_margin),
            "accountMaintMargin": wire_text(standing.maintenance_margin),
            "accountStatus": self._shown_status or standing.status,
            "virtualMaxWithdrawAmount": wire_text(standing.withdrawable),
            "totalAvailableBalance": "",  # empty in the published sample; see x-discrepancy 31
            "totalMarginOpenLoss": "",
            "updateTime": updated,
        }

    def order_limit(self, call: Call) -> object:
        """Answer GET /papi/v1/rateLimit/order: the limit, not the count used."""
        limit = self._market.world.limits.orders_per_minute
        return [{"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": limit}]
