"""The vendor's own SDK, binance-sdk-derivatives-trading-portfolio-margin."""

from __future__ import annotations

import argparse
from typing import Any

from binance_common.configuration import ConfigurationRestAPI
from binance_sdk_derivatives_trading_portfolio_margin.derivatives_trading_portfolio_margin import (
    DerivativesTradingPortfolioMargin,
)
from driver import Client, main


def make(options: argparse.Namespace) -> Client:
    client = DerivativesTradingPortfolioMargin(
        config_rest_api=ConfigurationRestAPI(
            api_key=options.key,
            api_secret=options.secret,
            base_path=options.url,
            timeout=int(options.timeout_s * 1000),
        )
    )

    def repay(asset: str, amount: str | None, using: list[str]) -> Any:
        answer = client.rest_api.margin_account_repay_debt(
            asset=asset, amount=amount, specify_repay_assets=",".join(using) or None
        )
        return answer.data()

    return Client(repay, lambda: client.rest_api.account_balance(asset="BNB").data())


if __name__ == "__main__":
    main(make)
