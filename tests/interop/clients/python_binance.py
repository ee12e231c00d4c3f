"""python-binance. No argument changes the address of this API, so its attribute is set on the object."""

from __future__ import annotations

import argparse
from typing import Any

from binance.async_client import AsyncClient
from binance.client import Client as SyncClient
from driver import Client, form, main


async def make_async(options: argparse.Namespace) -> Client:
    client = AsyncClient(options.key, options.secret, requests_params={"timeout": options.timeout_s})
    client.PAPI_URL = options.url + "/papi"

    async def repay(asset: str, amount: str | None, using: list[str]) -> Any:
        return await client.papi_get_margin_repay_debt(**form(asset, amount, using))

    return Client(repay, lambda: client.papi_get_balance(asset="BNB"), client.close_connection)


def make_sync(options: argparse.Namespace) -> Client:
    client = SyncClient(
        options.key, options.secret, requests_params={"timeout": options.timeout_s}, ping=False
    )
    client.PAPI_URL = options.url + "/papi"

    def repay(asset: str, amount: str | None, using: list[str]) -> Any:
        return client.papi_get_margin_repay_debt(**form(asset, amount, using))

    return Client(repay, lambda: client.papi_get_balance(asset="BNB"))


if __name__ == "__main__":
    main(lambda options: make_async(options) if options.is_async else make_sync(options))
