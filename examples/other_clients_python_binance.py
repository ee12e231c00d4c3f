"""python-binance against the local exchange.

    pip install python-binance
    paydown sandbox &                           # prints its address and a key that opens nothing else
    python examples/other_clients_python_binance.py

It signs decoded text and sends encoded text, so a list such as "USDT,BTC" fails with -1022: name one asset.
"""

from __future__ import annotations

import os

from binance.client import Client

client = Client(os.environ["PAYDOWN_API_KEY"], os.environ["PAYDOWN_API_SECRET"], ping=False)
client.PAPI_URL = os.environ.get("PAYDOWN_BASE_URL", "http://127.0.0.1:8087") + "/papi"

answer = client.papi_get_margin_repay_debt(asset="BNB", amount="0.1", specifyRepayAssets="USDT")
print(f"repaid {answer['amount']} {answer['asset']}, success: {answer['success']}")
