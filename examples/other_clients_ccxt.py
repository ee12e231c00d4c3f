"""ccxt against the local exchange.

    pip install ccxt
    paydown sandbox &                           # prints its address and a key that opens nothing else
    python examples/other_clients_ccxt.py

With its throttle on, ccxt waits 150 s before a second repayment. Leave `maxRetriesOnFailure` at 0: it repeats
this POST, and each repetition is a repayment.
"""

from __future__ import annotations

import os

import ccxt

exchange = ccxt.binance(
    {
        "apiKey": os.environ["PAYDOWN_API_KEY"],
        "secret": os.environ["PAYDOWN_API_SECRET"],
        "enableRateLimit": False,
    }
)
exchange.urls["api"]["papi"] = os.environ.get("PAYDOWN_BASE_URL", "http://127.0.0.1:8087") + "/papi/v1"

answer = exchange.papi_post_margin_repay_debt(
    {"asset": "BNB", "amount": "0.1", "specifyRepayAssets": "USDT,BTC"}
)
print(f"repaid {answer['amount']} {answer['asset']}, success: {answer['success']}")
