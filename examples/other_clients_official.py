"""The vendor's SDK against the local exchange.

    pip install binance-sdk-derivatives-trading-portfolio-margin
    paydown sandbox &                           # prints its address and a key that opens nothing else
    python examples/other_clients_official.py

Its default time-out is one second; repay-debt has been seen to take 0.8 s. It drops the body of every 5XX, so
"may have happened" and "was not executed" look the same.
"""

from __future__ import annotations

import os

from binance_common.configuration import ConfigurationRestAPI
from binance_sdk_derivatives_trading_portfolio_margin.derivatives_trading_portfolio_margin import (
    DerivativesTradingPortfolioMargin,
)

client = DerivativesTradingPortfolioMargin(
    config_rest_api=ConfigurationRestAPI(
        api_key=os.environ["PAYDOWN_API_KEY"],
        api_secret=os.environ["PAYDOWN_API_SECRET"],
        base_path=os.environ.get("PAYDOWN_BASE_URL", "http://127.0.0.1:8087"),
        timeout=10_000,
    )
)

answer = client.rest_api.margin_account_repay_debt(
    asset="BNB", amount="0.1", specify_repay_assets="USDT,BTC"
).data()
print(f"repaid {answer.amount} {answer.asset}, success: {answer.success}")
