"""httpx and a hand-written signature: what a careful person writes without any SDK."""

from __future__ import annotations

import argparse
import hashlib
import hmac
import time
from typing import Any
from urllib.parse import quote

import httpx
from driver import Client, form, main

PATH = "/papi/v1/margin/repay-debt"


def make(options: argparse.Namespace) -> Client:
    secret = options.secret.encode()
    headers = {"X-MBX-APIKEY": options.key}

    def content(asset: str, amount: str | None, using: list[str]) -> bytes:
        fields = form(asset, amount, using)
        fields["timestamp"] = str(time.time_ns() // 1_000_000)
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items()).encode()
        return text + b"&signature=" + hmac.new(secret, text, hashlib.sha256).hexdigest().encode()

    headers |= {"Content-Type": "application/x-www-form-urlencoded"}
    if options.is_async:
        limits = httpx.Limits(max_connections=None)
        calm = httpx.AsyncClient(base_url=options.url, timeout=options.timeout_s, limits=limits)

        async def repay_async(asset: str, amount: str | None, using: list[str]) -> Any:
            answer = await calm.post(PATH, content=content(asset, amount, using), headers=headers)
            answer.raise_for_status()
            return answer.json()

        return Client(repay_async, lambda: calm.get("/papi/v1/ping"), calm.aclose)

    client = httpx.Client(base_url=options.url, timeout=options.timeout_s)

    def repay(asset: str, amount: str | None, using: list[str]) -> Any:
        answer = client.post(PATH, content=content(asset, amount, using), headers=headers)
        answer.raise_for_status()
        return answer.json()

    return Client(repay, lambda: client.get("/papi/v1/ping"), client.close)


if __name__ == "__main__":
    main(make)
