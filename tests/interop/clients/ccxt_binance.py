"""ccxt. Its throttle is off: by default it would wait 150 s before a second repayment."""

from __future__ import annotations

import argparse
from typing import Any

from driver import Client, form, main


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "apiKey": options.key,
        "secret": options.secret,
        "timeout": int(options.timeout_s * 1000),
        "enableRateLimit": False,
    }


async def make_async(options: argparse.Namespace) -> Client:
    import ccxt.async_support as ccxt

    exchange = ccxt.binance(_settings(options))
    exchange.urls["api"]["papi"] = options.url + "/papi/v1"

    async def repay(asset: str, amount: str | None, using: list[str]) -> Any:
        return await exchange.papi_post_margin_repay_debt(form(asset, amount, using))

    return Client(repay, exchange.papi_get_ping, exchange.close)


def make_sync(options: argparse.Namespace) -> Client:
    import ccxt

    exchange = ccxt.binance(_settings(options))
    exchange.urls["api"]["papi"] = options.url + "/papi/v1"

    def repay(asset: str, amount: str | None, using: list[str]) -> Any:
        return exchange.papi_post_margin_repay_debt(form(asset, amount, using))

    return Client(repay, exchange.papi_get_ping)


if __name__ == "__main__":
    main(lambda options: make_async(options) if options.is_async else make_sync(options))
