"""An exchange on a clock that stands still, an account on it, and repayers that talk to it in process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from paydown import AsyncClient, Client, Credentials
from paydown.budget import MemoryBudget
from paydown.clock import ExchangeClock
from paydown.repay import AsyncSafeRepay, Options, Progress, SafeRepay
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_records import AttemptRecord
from paydown_sandbox import Clock, Exchange, ExchangeTransport
from paydown_sandbox.books.ledger import Holding

API_KEY = "K" * 64
SECRET = "S" * 64
OTHER_KEY = "L" * 64
START_MS = 1_795_000_000_000
BASE_URL = "http://sandbox"
REPAY_PATH = "/papi/v1/margin/repay-debt"

PRICES = {"BNB": "600", "USDT": "1", "BTC": "60000", "ETH": "3000"}


class Door(ExchangeTransport):
    """The way to the exchange of a world, which may be shut."""

    def __init__(self, world: World, ip: str = "127.0.0.1") -> None:
        super().__init__(world.exchange, ip)
        self.world = world

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.world.refuses(request.url.path):
            raise httpx.ConnectError("nobody listens", request=request)
        return super().handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.world.refuses(request.url.path):
            raise httpx.ConnectError("nobody listens", request=request)
        answer = await super().handle_async_request(request)
        if self.world.cancels is not None and request.url.path == REPAY_PATH:
            self.world.cancels.cancel()
            self.world.cancels = None
            await asyncio.sleep(0)
        return answer


class World:
    """One exchange, one account, and as many processes as a test wants to pretend."""

    def __init__(
        self,
        tmp_path: Path,
        *,
        accounts: Sequence[str] = ("a",),
        options: dict[str, str] | None = None,
        rate: str = "0.0005",
        **limits: object,
    ) -> None:
        self.folder = tmp_path
        self.clock = Clock(frozen_at_ms=START_MS)
        state = {
            "accounts": [
                {"id": name, "keys": [_key(key_of(name)), _key(key_of(name, OTHER_KEY))], "balances": {}}
                for name in accounts
            ],
            "prices_usd": PRICES,
            "limits": {"weight_per_minute": 6000, "orders_per_minute": 1200, **limits},
            "interest": {"default_daily_rate": rate},
            "options": options or {},
        }
        self.exchange = Exchange(state, clock=self.clock)
        self.progress: list[Progress] = []
        self.refusals: list[dict[str, Any]] = []
        self.cancels: asyncio.Task[Any] | None = None  # while the answer of the next repayment is on its way

    # The account

    def holding(self, asset: str, *, account: str = "a") -> Holding:
        return self.exchange.world.ledger.accounts[account].holding(asset)

    def debt(self, asset: str, *, account: str = "a") -> Decimal:
        return self.holding(asset, account=account).debt

    def give(self, asset: str, *, account: str = "a", **amounts: str) -> None:
        """Bring amounts into the books: free, locked, borrowed, interest."""
        ledger = self.exchange.world.ledger
        for place, amount in amounts.items():
            ledger.issue(ledger.accounts[account], asset, place, Decimal(amount))

    # What the exchange did

    @property
    def repaid(self) -> list[Decimal]:
        """How much each executed repay-debt repaid, in order."""
        return [
            line.interest + line.principal for line in self.exchange.lines if line.operation == "repayDebt"
        ]

    @property
    def sent(self) -> int:
        """How many repay-debt requests reached the exchange."""
        return sum(record.path == REPAY_PATH for record in self.exchange.requests)

    def fault(
        self, name: str, *, path: str = REPAY_PATH, times: int | None = 1, skip: int = 0, **more: object
    ) -> None:
        """Arm a fault of the sandbox, or of the table of thirty-one that every client is measured with."""
        if name == "connection_refused":
            self.refusals.append({"path": path, "times": 10**9 if times is None else times, "skip": skip})
            return
        known = {"timeout_1007_504_executed": "timeout_1007_executed"}.get(
            name, name
        )  # there with status 504
        self.exchange.faults.arm(
            {"match": {"path": path}, "fault": known, "times": times, "skip": skip, **more}
        )

    def refuses(self, path: str) -> bool:
        """Whether no server listens when this request wants to leave."""
        for refusal in self.refusals:
            if refusal["path"] == path and refusal["times"]:
                if refusal["skip"]:
                    refusal["skip"] -= 1
                    continue
                refusal["times"] -= 1
                return True
        return False

    # Who talks to it

    def sleep(self, seconds: float) -> None:
        self.clock.advance(max(1, round(seconds * 1000)))

    def client(self, *, ip: str = "127.0.0.1", key: str = API_KEY, **settings: Any) -> Client:
        return Client(
            Credentials.hmac(key, SECRET), **{**self._settings(ip), "sleep": self.sleep, **settings}
        )

    def async_client(self, *, account: str = "a", ip: str = "127.0.0.1", **settings: Any) -> AsyncClient:
        return AsyncClient(Credentials.hmac(key_of(account), SECRET), **{**self._settings(ip), **settings})

    def _settings(self, ip: str) -> dict[str, Any]:
        ticks = self.clock.now_ms
        clock = ExchangeClock((f"{BASE_URL}/papi/v1/time",), ticks=ticks, wall=ticks)
        return {
            "base_url": BASE_URL,
            "transport": Door(self, ip),
            "clock": clock,
            "budget": MemoryBudget(clock=clock, ticks=ticks),
            "ticks": ticks,
        }

    def repayer(
        self,
        pm: Client | None = None,
        *,
        journal: str | Journal = "repay.db",
        options: Options | None = None,
        progress: Callable[[Progress], object] | None = None,
        **settings: Any,
    ) -> SafeRepay:
        return SafeRepay(
            pm or self.client(),
            self.folder / journal if isinstance(journal, str) else journal,
            options=options,
            lock_directory=self.folder / "locks",
            sleep=self.sleep,
            signals=False,
            progress=progress or self.progress.append,
            **settings,
        )

    def async_repayer(
        self, pm: AsyncClient, *, account: str | None = None, sleep: Any, options: Options | None = None
    ) -> AsyncSafeRepay:
        return AsyncSafeRepay(
            pm,
            self.folder / "repay.db",
            account=account,
            options=options,
            lock_directory=self.folder / "locks",
            sleep=sleep,
            signals=False,
            progress=self.progress.append,
        )

    def stranger(self) -> Client:
        """Another user who uses the same account, from another address and with another key."""
        return self.client(ip="127.0.0.2", key=OTHER_KEY)


def key_of(account: str, key: str = API_KEY) -> str:
    """An API key of an account; those of the first one are the plain ones."""
    return key if account == "a" else key[: -len(account)] + account


def _key(api_key: str) -> dict[str, object]:
    return {
        "api_key": api_key,
        "type": "hmac",
        "secret_or_public_key": SECRET,
        "permissions": ["TRADE", "USER_DATA", "MARGIN"],
        "ip_allow": [],
    }


def attempts(repayer: SafeRepay) -> Sequence[AttemptRecord]:
    """Every attempt of the account, oldest first."""
    return [attempt for entry in reversed(repayer.history()) for attempt in entry.attempts]
