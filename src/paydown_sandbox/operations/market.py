"""Reachability, the clock and the index prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paydown_sandbox.calls import Call
    from paydown_sandbox.exchange import Exchange

__all__ = ["ping", "server_time"]


def ping(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/ping: an empty object."""
    return {}


def server_time(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/time: the exchange's clock, ms UTC."""
    return {"serverTime": call.now_ms}
