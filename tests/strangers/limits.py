"""The limits of the exchange: request weight per minute, orders per minute, bans."""

from __future__ import annotations

from collections import deque

import httpx

from tests.strangers.answers import error
from tests.strangers.books import MINUTE_MS, Clock
from tests.strangers.choices import Chosen

WEIGHT = 6_000
ORDERS = 1_200
SAPI_WEIGHT = 12_000
STRIKES = 10
BAN_MS = 120_000


class Counter:
    """Count what was used within a minute, sliding or from one full minute to the next."""

    def __init__(self, limit: int) -> None:
        """Count up to a limit."""
        self.limit = limit
        self._used: deque[tuple[int, int]] = deque()

    def used(self, now: int, *, fixed: bool) -> int:
        """Return what was used in the minute that ends now."""
        start = now - now % MINUTE_MS if fixed else now - MINUTE_MS + 1
        while self._used and self._used[0][0] < start:
            self._used.popleft()
        return sum(weight for _, weight in self._used)

    def add(self, now: int, weight: int) -> None:
        """Use some of it."""
        self._used.append((now, weight))


class Limits:
    """Charge requests, and refuse those beyond a limit."""

    def __init__(self, clock: Clock, chosen: Chosen) -> None:
        """Begin with nothing used."""
        self._clock = clock
        self._chosen = chosen
        self._weight = Counter(WEIGHT)
        self._orders = Counter(ORDERS)
        self._sapi: dict[str, Counter] = {}
        self._strikes = Counter(STRIKES)
        self._banned_until = 0
        self.headers: dict[str, str] = {}

    def charge(self, path: str, weight: int, *, repay_debt: bool) -> httpx.Response | None:
        """Charge a request; return the refusal if it is one too many."""
        now = self._clock.now
        fixed = self._chosen["weight-window"] == "fixed"
        if path.startswith("/sapi/"):
            pool = self._sapi.setdefault(path, Counter(SAPI_WEIGHT))
            return self._take(pool, weight, now, "X-SAPI-USED-IP-WEIGHT-1M", fixed=fixed)
        scope = self._chosen["weight-scope"] if repay_debt else "ip"
        ip_weight = 1 if scope == "orders" else weight
        refusal = self._take(self._weight, ip_weight, now, "X-MBX-USED-WEIGHT-1M", fixed=fixed)
        if refusal is None and scope in ("orders", "both"):
            used = self.headers
            refusal = self._take(self._orders, 1, now, "X-MBX-ORDER-COUNT-1M", fixed=fixed)
            self.headers = {**used, **self.headers}
        return refusal

    def _take(
        self, counter: Counter, weight: int, now: int, header: str, *, fixed: bool
    ) -> httpx.Response | None:
        used = counter.used(now, fixed=fixed)
        self.headers = {header: str(used)}
        if now < self._banned_until:
            text = f"Way too many requests; IP banned until {self._banned_until}."
            return error(418, -1003, text, self._retry_after(self._banned_until - now))
        if used + weight > counter.limit:
            self._strikes.add(now, 1)
            if self._strikes.used(now, fixed=False) > STRIKES:
                self._banned_until = now + BAN_MS
            text = f"Too many requests; current limit is {counter.limit} request weight per minute."
            return error(429, -1003, text, self._retry_after(MINUTE_MS))
        counter.add(now, weight)
        self.headers = {header: str(used + weight)}
        return None

    def _retry_after(self, ms: int) -> dict[str, str]:
        if self._chosen["retry-after"] == "absent":
            return {}
        return {"Retry-After": str(-(-ms // 1000))}
