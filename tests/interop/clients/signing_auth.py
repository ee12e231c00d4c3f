"""Somebody's own httpx client, signed by `paydown.SigningAuth`."""

from __future__ import annotations

import argparse
from typing import Any

import httpx
from driver import Client, form, main

from paydown import Credentials, SigningAuth

PATH = "/papi/v1/margin/repay-debt"


def make(options: argparse.Namespace) -> Client:
    auth = SigningAuth(Credentials.hmac(options.key, options.secret))
    client = httpx.Client(base_url=options.url, auth=auth, timeout=options.timeout_s)

    def repay(asset: str, amount: str | None, using: list[str]) -> Any:
        answer = client.post(PATH, data=form(asset, amount, using))
        answer.raise_for_status()
        return answer.json()

    return Client(repay, lambda: client.get("/papi/v1/balance"), client.close)


if __name__ == "__main__":
    main(make)
