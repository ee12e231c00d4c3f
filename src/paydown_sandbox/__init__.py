"""Run a local sandbox that follows the published rules of Binance Portfolio Margin, and fails on request.

No testnet for Portfolio Margin exists. The sandbox runs on your machine, keeps its books exactly, checks signatures,
limits and parameters as the documents describe them, and loses answers when a test asks for it:

    paydown sandbox                                   a process, for any client
    paydown_sandbox.create_app()                      an ASGI application
    paydown_sandbox.Exchange()                        plain Python, no event loop, a clock you move
    paydown_sandbox.SocketSandbox()                   a thread of this process, for any client
    pytest -p paydown_sandbox.pytest_plugin           fixtures

It shares no code with the client of this project: it reads the OpenAPI document as data and computes signatures
itself, so a mistake in the client cannot agree with itself in the sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paydown_sandbox.exchange import Exchange
    from paydown_sandbox.http_messages import Drop, RawRequest, RawResponse, Retry
    from paydown_sandbox.sandbox import Sandbox, SocketSandbox
    from paydown_sandbox.sandbox_clock import Clock
    from paydown_sandbox.serving.application import create_app
    from paydown_sandbox.serving.httpx_transport import ExchangeTransport
    from paydown_sandbox.state.state_builder import StateBuilder
    from paydown_sandbox.state.strict_json import StateError

__all__ = [
    "Clock",
    "Drop",
    "Exchange",
    "ExchangeTransport",
    "RawRequest",
    "RawResponse",
    "Retry",
    "Sandbox",
    "SocketSandbox",
    "StateBuilder",
    "StateError",
    "create_app",
]

_HOMES = {
    "Clock": "sandbox_clock",
    "Drop": "http_messages",
    "Exchange": "exchange",
    "ExchangeTransport": "serving.httpx_transport",
    "RawRequest": "http_messages",
    "RawResponse": "http_messages",
    "Retry": "http_messages",
    "Sandbox": "sandbox",
    "SocketSandbox": "sandbox",
    "StateBuilder": "state.state_builder",
    "StateError": "state.strict_json",
    "create_app": "serving.application",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
