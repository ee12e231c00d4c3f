"""One process of the client: it plans, repays, and may die at any step as if it had been killed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx

from paydown import Client, Credentials
from paydown.budget import MemoryBudget
from paydown.clock import ExchangeClock
from paydown.repay import Journal, Options, SafeRepay
from tests.strangers.draw import Death
from tests.strangers.exchange import KEY, REPAY_DEBT, SECRET, Exchange
from tests.strangers.repayment import Arrival

Result = TypeVar("Result")

BASE = "http://exchange"
TIMES = (f"{BASE}/papi/v1/time", f"{BASE}/fapi/v1/time")


class Killed(BaseException):
    """Say that the process was killed; nothing may catch it for good."""


class Process(httpx.BaseTransport):
    """Run one client against the exchange, standing between the two.

    A killed process writes nothing any more: its journal is closed under it, its requests go nowhere, and what its
    error handlers leave in the lock's folder is put back to what it was, for a killed process has no error handlers.
    """

    def __init__(
        self,
        exchange: Exchange,
        folder: Path,
        death: Death | None,
        *,
        wall_off_ms: int = 0,
        budget: MemoryBudget | None = None,
    ) -> None:
        """Start it.

        Args:
            exchange: Whom it talks to.
            folder: Where journal and locks are.
            death: Where it dies; `None` if it lives.
            wall_off_ms: How wrong this machine's own clock is.
            budget: The weight counted by earlier processes; `None` for a machine that forgot.
        """
        self._exchange = exchange
        self._death = death
        self._counts: dict[str, int] = {}
        self._locks = folder / "locks"
        self._kept: dict[Path, bytes] = {}
        self.dead = False
        self.died_at: int | None = None
        self.steps: list[tuple[str, str]] = []
        clock = ExchangeClock(TIMES, ticks=lambda: exchange.now, wall=lambda: exchange.now + wall_off_ms)
        self.budget = budget or MemoryBudget(clock=clock, ticks=lambda: exchange.now)
        self._client = Client(
            Credentials.hmac(KEY, SECRET),
            base_url=BASE,
            transport=self,
            clock=clock,
            budget=self.budget,
            ticks=lambda: exchange.now,
            sleep=self._sleep,
            max_wait_s=100_000,
        )
        self.journal = Journal(folder / "repay.db", synchronous="OFF")
        self.repay = SafeRepay(
            self._client,
            self.journal,
            options=Options(),
            lock_directory=self._locks,
            sleep=self._sleep,
            signals=False,
            trace=self._step,
        )
        exchange.watchers.append(self._tag)

    # ------------------------------------------------------------ dying

    def _die(self) -> None:
        self.dead = True
        self.died_at = self._exchange.now
        self._kept = {path: path.read_bytes() for path in self._locks.rglob("*") if path.is_file()}
        self.journal.close()
        raise Killed

    def _reach(self, where: str) -> None:
        """Count a place where a process can die, and die there if it is its time."""
        if self.dead:
            raise Killed
        self._counts[where] = self._counts.get(where, 0) + 1
        if self._death is not None and self._death == Death(where, self._counts[where]):
            self._die()

    def _step(self, *told: Any) -> None:
        self._reach("step")

    def _sleep(self, seconds: float) -> None:
        self._reach("sleep")
        self._exchange.sleep(seconds)

    def _tag(self, what: str, arrival: Arrival | None) -> None:
        """Write the client's own name for an attempt beside the request that arrives for it."""
        if arrival is not None and not self.dead:
            for attempt in self.journal.attempts.open_of(self.repay.account):
                arrival.attempt = attempt.id

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Hand a request to the exchange; the process may die before or after."""
        ours = (request.method, request.url.path) == REPAY_DEBT
        if ours:
            self._reach("repay-before")
        self._reach("request-before")
        try:
            return self._exchange.handle_request(request)
        finally:
            if ours:
                self._reach("repay-after")
            self._reach("request-after")

    # ------------------------------------------------------------ living

    def do(self, what: Callable[[SafeRepay], Result]) -> Result | None:
        """Let it do something.

        Returns:
            What that returns; `None` if the process died meanwhile.
        """
        try:
            return what(self.repay)
        except Killed:
            return None
        except Exception:
            if self.dead:
                return None
            raise

    def end(self) -> None:
        """End it: the kernel's part, if it was killed."""
        self._exchange.watchers.remove(self._tag)
        if self.dead:
            with suppress(Exception):
                self.repay.hold.lock.release(clean=False)  # pyright: ignore[reportPrivateUsage]  # as the kernel does
            for path, content in self._kept.items():
                path.write_bytes(content)
        else:
            self.repay.close()
            self.journal.close()
        self._client.close()
