"""A local exchange that follows the published rules of Binance Portfolio Margin, and fails on request.

No testnet for Portfolio Margin exists. This one runs on your machine, keeps its books exactly, checks
signatures, limits and parameters like the documents say, and loses answers when told to:

    paydown sandbox                                   a process, for any client
    paydown_sandbox.create_app()                      an ASGI application
    paydown_sandbox.Exchange()                        plain Python, no event loop, a clock you move
    paydown_sandbox.SocketSandbox()                   a thread of this process, for any client
    pytest -p paydown_sandbox.pytest_plugin           fixtures

It shares no code with the client of this project: it reads the OpenAPI document as data and
computes signatures itself, so a mistake in the client cannot agree with itself here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paydown_sandbox.application import create_app
    from paydown_sandbox.clock import Clock
    from paydown_sandbox.exchange import Exchange
    from paydown_sandbox.in_process import ExchangeTransport
    from paydown_sandbox.reading import StateError
    from paydown_sandbox.sandbox import Sandbox, SocketSandbox
    from paydown_sandbox.state_builder import StateBuilder
    from paydown_sandbox.wire import RawRequest, RawResponse

__all__ = [
    "Clock",
    "Exchange",
    "ExchangeTransport",
    "RawRequest",
    "RawResponse",
    "Sandbox",
    "SocketSandbox",
    "StateBuilder",
    "StateError",
    "create_app",
]

_HOMES = {
    "Clock": "clock",
    "Exchange": "exchange",
    "ExchangeTransport": "in_process",
    "RawRequest": "wire",
    "RawResponse": "wire",
    "Sandbox": "sandbox",
    "SocketSandbox": "sandbox",
    "StateBuilder": "state_builder",
    "StateError": "reading",
    "create_app": "application",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
