"""Reachability, the clock and the index prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paydown_sandbox.books.exact_amounts import exact_text
from paydown_sandbox.checks.refusal import Refusal

if TYPE_CHECKING:
    from paydown_sandbox.call_record import Call
    from paydown_sandbox.exchange import Exchange

__all__ = ["asset_index_price", "ping", "server_time"]


def ping(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/ping: an empty object."""
    return {}


def server_time(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/time: the exchange's clock, ms UTC."""
    timepiece = exchange.conduct.timepiece
    return {"serverTime": call.now_ms if timepiece is None else timepiece.told(call.now_ms)}


def asset_index_price(exchange: Exchange, call: Call) -> object:
    """GET /sapi/v1/portfolio/asset-index-price: a list in both cases."""
    prices = exchange.world.prices
    asset = call.optional_text("asset")
    if asset is not None:
        price = prices.usd.get(asset)
        if price is None:
            if exchange.empty_unknown_prices:
                return []
            raise Refusal(-1108, reason="no index price")
        return [{"asset": asset, "assetIndexPrice": exact_text(price), "time": call.now_ms}]
    return [
        {"asset": name, "assetIndexPrice": exact_text(price), "time": call.now_ms}
        for name, price in prices.usd.items()
    ]
