"""openxapi-binance. It never signs a form body, so as published it cannot repay.

`--signed-for-them` appends the missing signature, so that the rest of the client can still be measured and
driven.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import time
from typing import Any
from urllib.parse import urlencode

from binance.pmargin import ApiClient, Configuration, PortfolioMarginApi
from binance.pmargin.signing import BinanceAuth
from driver import Client, main


def _signing(client_class: Any, secret: bytes) -> Any:
    class Signing(client_class):  # type: ignore[misc]  # a base class that is known at run time only
        def call_api(
            self,
            method: str,
            url: str,
            header_params: Any = None,
            body: Any = None,
            post_params: Any = None,
            _request_timeout: Any = None,
        ) -> Any:
            if post_params:
                message = urlencode(post_params).encode()
                post_params = [
                    *post_params,
                    ("signature", hmac.new(secret, message, hashlib.sha256).hexdigest()),
                ]
            return super().call_api(method, url, header_params, body, post_params, _request_timeout)

    return Signing


def make(options: argparse.Namespace) -> Client:
    configuration = Configuration(host=options.url, auth=BinanceAuth(options.key, secret_key=options.secret))
    client_class = _signing(ApiClient, options.secret.encode()) if options.signed_for_them else ApiClient
    api = PortfolioMarginApi(client_class(configuration))

    def repay(asset: str, amount: str | None, using: list[str]) -> Any:
        # Its `timestamp` is the caller's business, and the only recvWindow is the server's default.
        return api.create_margin_repay_debt_v1(
            asset=asset,
            timestamp=time.time_ns() // 1_000_000,
            amount=amount,
            specify_repay_assets=",".join(using) or None,
            _request_timeout=options.timeout_s,
        )

    return Client(repay, api.get_ping_v1)


if __name__ == "__main__":
    main(make)
