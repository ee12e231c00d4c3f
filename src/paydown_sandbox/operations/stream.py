"""The key that opens the user data stream. Unsigned: the page lists no parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paydown_sandbox.checks.refusal import Refusal

if TYPE_CHECKING:
    from paydown_sandbox.call_record import Call
    from paydown_sandbox.exchange import Exchange

__all__ = ["close_stream", "keep_alive_stream", "start_stream"]


def _check_key(exchange: Exchange, call: Call) -> None:
    named = call.texts.get("listenKey")
    if named is not None and named != exchange.streams.key_of(call.owner.id):
        raise Refusal(-1125, reason="not the key of this account")


def start_stream(exchange: Exchange, call: Call) -> object:
    """POST /papi/v1/listenKey: the active key, or a new one; its hour starts over."""
    return {"listenKey": exchange.streams.open(call.owner.id, call.now_ms)}


def keep_alive_stream(exchange: Exchange, call: Call) -> object:
    """PUT /papi/v1/listenKey: the hour starts over."""
    _check_key(exchange, call)
    if not exchange.streams.extend(call.owner.id, call.now_ms):
        raise Refusal(-1125, reason="the account has no active key")
    return {}


def close_stream(exchange: Exchange, call: Call) -> object:
    """DELETE /papi/v1/listenKey: nothing more arrives."""
    _check_key(exchange, call)
    if not exchange.streams.close(call.owner.id, call.now_ms):
        raise Refusal(-1125, reason="the account has no active key")
    return {}
