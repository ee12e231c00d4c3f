"""What GET balance, GET account, the index prices and the clock show, which need not be what is true now."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

import httpx

from tests.strangers.answers import answer, error, html
from tests.strangers.books import UNIT, ZERO, Books, Holding
from tests.strangers.choices import Chosen

Fields = dict[str, Any]
MILLIONTH = Decimal("0.000001")


class Readings:
    """Show the books as the choices say."""

    def __init__(self, books: Books, chosen: Chosen, prices: Mapping[str, Decimal]) -> None:
        """Show one account's books."""
        self._books = books
        self._clock = books.clock
        self._chosen = chosen
        self._prices = prices
        self._count = 0

    # ------------------------------------------------------------ balances

    def _moments(self) -> tuple[int, int]:
        """Return the moments from which debts and free balances of this answer are."""
        chosen = self._chosen
        self._count += 1
        age = chosen.number("balance-age")
        replicas = chosen["balance-replicas"]
        if replicas == "alternating" and self._count % 2:
            age = 0
        elif replicas == "one-frozen" and self._count % 3 == 0:
            age = chosen.source("balance-replicas").randrange(10_000, 60_000)
        at = self._clock.now - age
        parts = chosen["balance-parts"]
        lag = chosen.source("balance-parts").randrange(3_000) if parts != "together" else 0
        return at - (lag if parts == "payers-first" else 0), at - (lag if parts == "debt-first" else 0)

    def _text(self, amount: Decimal) -> str:
        form = self._chosen["balance-digits"]
        if form == "eight-down":
            return f"{amount.quantize(UNIT, ROUND_DOWN):f}"
        if form == "six-half-up":
            return f"{amount.quantize(MILLIONTH, ROUND_HALF_UP):f}"
        if form == "plain-exponent" and abs(amount) < MILLIONTH:
            return f"{amount.normalize():E}" if amount else "0E-8"
        text = f"{amount:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def _balance(self, asset: str, debt: Holding, free: Holding) -> Fields:
        times = {"changed": self._clock.now - 60_000, "zero": 0, "now": self._clock.now}
        text = self._text
        return {
            "asset": asset,
            "totalWalletBalance": text(free.free),
            "crossMarginAsset": text(free.free),
            "crossMarginBorrowed": text(debt.borrowed),
            "crossMarginFree": text(free.free),
            "crossMarginInterest": text(debt.interest),
            "crossMarginLocked": "0.0",
            "umWalletBalance": "0.0",
            "umUnrealizedPNL": "0.0",
            "cmWalletBalance": "0.0",
            "cmUnrealizedPNL": "",
            "updateTime": times[self._chosen["balance-update-time"]],
            "negativeBalance": "0",
        }

    def balance(self, asset: str | None) -> httpx.Response:
        """Answer GET balance: one object if an asset is named, else a list."""
        debt_at, free_at = self._moments()
        debts, frees = self._books.then(debt_at), self._books.then(free_at)
        rows = {
            name: self._balance(name, debts.get(name, Holding()), frees.get(name, Holding()))
            for name in self._books.assets
        }
        if self._chosen["balance-members"] == "no-free" and self._chosen.chance("balance-members", 0.2):
            for row in rows.values():
                del row["crossMarginFree"]
        if asset is not None:
            return self._one(asset, rows)
        return answer(200, self._listed(list(rows.values())))

    def _listed(self, rows: list[Fields]) -> list[Fields]:
        form = self._chosen["balance-list"]
        if form == "no-zeros":
            return [row for row in rows if self._counts(row)]
        if form == "asset-missing" and self._chosen.chance("balance-list", 0.2):
            missing = self._chosen.source("balance-list").choice([row for row in rows if self._counts(row)])
            return [row for row in rows if row is not missing]
        if form == "empty" and self._chosen.chance("balance-list", 1 / 6):
            return []
        return rows

    @staticmethod
    def _counts(row: Fields) -> bool:
        names = ("crossMarginBorrowed", "crossMarginInterest", "crossMarginAsset")
        return any(Decimal(row[name]) != ZERO for name in names)

    def _one(self, asset: str, rows: Mapping[str, Fields]) -> httpx.Response:
        row = rows.get(asset)
        if row is None:
            form = self._chosen["balance-unknown-asset"]
            if form == "refused":
                return error(400, -1108, "Invalid asset.")
            row = {} if form == "empty-object" else self._balance(asset, Holding(), Holding())
        if self._chosen["balance-members"] == "no-cross-margin-asset":
            row.pop("crossMarginAsset", None)
        return answer(200, [row] if self._chosen["balance-one-form"] == "list" else row)

    # ------------------------------------------------------------ the rest

    def account(self) -> httpx.Response:
        """Answer GET account."""
        held = sum((self._books[name].free * self._prices[name] for name in self._books.assets), ZERO)
        owed = sum((self._books[name].owed * self._prices[name] for name in self._books.assets), ZERO)
        status = self._chosen["account-status"]
        body = {
            "uniMMR": f"{(held / owed if owed else Decimal(999)):.8f}",
            "accountEquity": f"{held - owed:.8f}",
            "actualEquity": f"{held - owed:.8f}",
            "accountInitialMargin": "0.0",
            "accountMaintMargin": f"{owed / 10:.8f}",
            "accountStatus": "UNDER_REVIEW" if status == "new-value" else status,
            "virtualMaxWithdrawAmount": "0.0",
            "totalAvailableBalance": "",
            "totalMarginOpenLoss": "",
            "updateTime": self._clock.now,
        }
        return answer(200, body)

    def prices(self, asset: str | None) -> httpx.Response:
        """Answer the index prices."""
        if asset is not None and asset not in self._prices:
            return error(400, -1108, "Invalid asset.")
        names = list(self._prices) if asset is None else [asset]
        now = self._clock.now
        return answer(
            200, [{"asset": name, "assetIndexPrice": str(self._prices[name]), "time": now} for name in names]
        )

    def time(self, *, own_path: bool) -> httpx.Response:
        """Answer a time endpoint; only the one of this API has choices."""
        now = self._clock.now
        if not own_path:
            return answer(200, {"serverTime": now})
        errors = self._chosen["time-errors"]
        if errors == "404":
            return html(404)
        if errors == "sometimes" and self._chosen.chance("time-errors", 0.25):
            return error(500, -1000, "Request occur unknown error.")
        form = self._chosen["time-endpoint"]
        if form == "stands-still":
            now -= now % 10_000
        elif form == "jumps-back":
            now -= 900 if self._chosen.chance("time-endpoint", 0.25) else 0
        now += {"second-ahead": 900, "second-behind": -900, "far-ahead": 60_000}.get(form, 0)
        return answer(200, {"serverTime": now})

    def fails(self, choice: str, value: str = "sometimes") -> httpx.Response | None:
        """Return the failure of a read, if the choice makes it fail this time."""
        form = self._chosen[choice]
        if form == "down":
            return html(502)
        if form != value or not self._chosen.chance(choice, 0.25):
            return None
        kind = self._chosen.source(choice).randrange(3)
        if kind == 0:
            return error(500, -1000, "Request occur unknown error.")
        return html(502) if kind == 1 else answer(503, "Service Unavailable.")
