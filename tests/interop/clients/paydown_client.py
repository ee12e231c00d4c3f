"""paydown, with everything on: signing, clock, budget, guard, classification, typed result."""

from __future__ import annotations

import argparse
import atexit
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from driver import Client, main

from paydown import AsyncClient, Credentials
from paydown import Client as SyncClient
from paydown.budget import MemoryBudget, SqliteBudget, Weight
from paydown.clock import ExchangeClock


class _Roomy:
    """The same ledger with a limit that nobody reaches: what is measured is a call, not the next minute."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._roomy: dict[int, tuple[Sequence[Weight], list[Weight]]] = {}

    def acquire(self, weights: Sequence[Weight], **terms: Any) -> Any:
        """As the ledger's own, of a limit a billion times as high."""
        known = self._roomy.get(id(weights))
        if known is None:  # holds on to `weights`, so that nothing else gets its id
            roomy = [
                replace(each, limit=each.limit._replace(limit=each.limit.limit * 10**9)) for each in weights
            ]
            known = self._roomy[id(weights)] = (weights, roomy)
        return super().acquire(known[1], **terms)  # type: ignore[misc]  # what the classes below inherit besides


class RoomyMemoryBudget(_Roomy, MemoryBudget):
    """What an exchange on this machine gets by default."""


class RoomySharedBudget(_Roomy, SqliteBudget):
    """What the real exchange gets by default: a file, shared by all processes."""


def _optional(amount: str | None, using: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if amount is not None:
        values["amount"] = amount
    if using:
        values["specify_repay_assets"] = using
    return values


def make(options: argparse.Namespace) -> Client:
    clock = ExchangeClock((options.url + "/papi/v1/time",))
    settings: dict[str, Any] = {
        "base_url": options.url,
        "answer_timeout_s": options.timeout_s,
        "clock": clock,
    }
    if options.budget == "memory":
        settings["budget"] = RoomyMemoryBudget(clock=clock)
    else:
        folder = tempfile.TemporaryDirectory(prefix="paydown-budget-")
        atexit.register(folder.cleanup)
        settings["budget"] = RoomySharedBudget(options.url, Path(folder.name) / "budget.db", clock=clock)
    credentials = Credentials.hmac(options.key, options.secret)
    if options.is_async:
        calm = AsyncClient(credentials, **settings)

        async def repay_async(asset: str, amount: str | None, using: list[str]) -> Any:
            return await calm.margin.repay_debt(asset=asset, **_optional(amount, using))

        return Client(repay_async, calm.market.ping, calm.aclose)

    client = SyncClient(credentials, **settings)

    def repay(asset: str, amount: str | None, using: list[str]) -> Any:
        return client.margin.repay_debt(asset=asset, **_optional(amount, using))

    return Client(repay, client.market.ping, client.close)


if __name__ == "__main__":
    main(make)
