"""Count request weight and orders and ban addresses, on the sandbox's clock.

    accepted ──weight spent──> 429, 429, … ──still sending──> 418 until the ban ends ──again──> a longer ban

The published pages state neither whether the minute is fixed or sliding nor how many answers 429 lead to a ban: both
are options (`limit-window`, `ban-after-429`). With a file of `--data` nothing is forgotten when the process stops: the
request log holds the weight that was spent, and a table of its own the refused and banned addresses (see `store`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from paydown_sandbox.bundled_document import load_document

__all__ = ["MINUTE_MS", "Admission", "Charge", "IpGate", "LimitSettings", "Standing", "Window"]

MINUTE_MS = 60_000

# Beyond this many addresses the one that was seen first is forgotten.
_MOST_ADDRESSES = 10_000


class Window:
    """The weight or count that was spent in the current interval, as a sliding or a fixed window.

    Args:
        interval_ms: The length of the interval, milliseconds.
        fixed: Whether intervals begin at multiples of their length, instead of sliding.
    """

    __slots__ = ("_entries", "_fixed", "_interval_ms", "_started_ms", "_used")

    def __init__(self, interval_ms: int = MINUTE_MS, *, fixed: bool = False) -> None:
        self._interval_ms = interval_ms
        self._fixed = fixed
        self._entries: deque[list[int]] = deque()
        self._started_ms = 0
        self._used = 0

    def used(self, now_ms: int) -> int:
        """Return the sum that counts at `now_ms` (UTC milliseconds)."""
        if self._fixed:
            start = now_ms - now_ms % self._interval_ms
            if start != self._started_ms:
                self._started_ms = start
                self._used = 0
            return self._used
        entries = self._entries
        horizon = now_ms - self._interval_ms
        while entries and entries[0][0] <= horizon:
            self._used -= entries.popleft()[1]
        return self._used

    def add(self, now_ms: int, cost: int, used: int | None = None) -> int:
        """Spend `cost` and return the sum that counts then.

        Args:
            now_ms: UTC milliseconds.
            cost: Weight or count; negative to take a charge back.
            used: The result of `used(now_ms)`, if it is known already.
        """
        if used is None:
            used = self.used(now_ms)
        if cost:
            if not self._fixed:
                entries = self._entries
                if entries and entries[-1][0] >= now_ms:
                    entries[-1][1] += cost
                else:
                    entries.append([now_ms, cost])
            self._used = used = used + cost
        return used

    def free_at(self, now_ms: int, cost: int, limit: int) -> int:
        """Return the first time, UTC milliseconds, at which `cost` would fit under `limit`.

        Args:
            now_ms: UTC milliseconds.
            cost: The weight or count that is to be spent.
            limit: The most that may be spent in the interval.
        """
        used = self.used(now_ms)
        if used + cost <= limit:
            return now_ms
        if self._fixed:
            return self._started_ms + self._interval_ms
        for moment, spent in self._entries:
            used -= spent
            if used + cost <= limit:
                return moment + self._interval_ms
        return now_ms + self._interval_ms

    def clear(self) -> None:
        """Forget everything that was spent."""
        self._entries.clear()
        self._used = 0


def _published(limit: str) -> int:
    return int(load_document().limits[limit]["limit"])


@dataclass(slots=True)
class LimitSettings:
    """The size of the limits and what follows when a client exceeds them. Durations in ms.

    The sizes are those of the bundled document unless a state document sets others.
    """

    weight_per_minute: int = field(default_factory=lambda: _published("ip-weight"))
    orders_per_minute: int = field(default_factory=lambda: _published("orders"))
    fixed_window: bool = False
    ban_after_429: int = 10
    shortest_ban_ms: int = 120_000
    longest_ban_ms: int = 259_200_000


@dataclass(slots=True)
class _Address:
    window: Window
    refusals: int = 0
    bans: int = 0
    banned_until_ms: int = 0


class Standing(NamedTuple):
    """What an address keeps beyond a window: answers 429 in a row, bans so far, end of the last ban (ms UTC)."""

    pool: str
    ip: str
    refusals: int
    bans: int
    banned_until_ms: int


class Charge(NamedTuple):
    """The cost of one request, or of several at one time: weight, orders, and requests that count for a hard cap."""

    time_ms: int
    ip: str
    operation: str
    account: str | None
    weight: int
    orders: int
    capped: int


class Admission(NamedTuple):
    """The decision of the gate: `status` is 200, 429 or 418, and a request may be sent again from `until_ms` on."""

    status: int
    used: int
    until_ms: int = 0


class IpGate:
    """Count weight per client address, and ban addresses that go on after answers 429.

    Args:
        settings: The size of the limit and what follows when a client exceeds it.
        name: Names this gate among all gates of one sandbox: the path of a SAPI operation, or "" for PAPI.
    """

    def __init__(self, settings: LimitSettings, name: str = "") -> None:
        self.settings = settings
        self.name = name
        self.changed: set[str] = set()
        self._addresses: dict[str, _Address] = {}

    def _address(self, ip: str) -> _Address:
        found = self._addresses.get(ip)
        if found is None:
            if len(self._addresses) >= _MOST_ADDRESSES:
                del self._addresses[next(iter(self._addresses))]
            found = self._addresses[ip] = _Address(Window(fixed=self.settings.fixed_window))
        return found

    def admit(self, ip: str, weight: int, now_ms: int) -> Admission:
        """Charge weight to an address, or refuse. A refused request costs nothing.

        Args:
            ip: The address of the client.
            weight: The weight of the request.
            now_ms: UTC milliseconds.
        """
        address = self._addresses.get(ip) or self._address(ip)
        window = address.window
        if address.banned_until_ms:
            if now_ms < address.banned_until_ms:
                return Admission(418, window.used(now_ms), address.banned_until_ms)
            address.banned_until_ms = 0
            address.refusals = 0
            self.changed.add(ip)
        settings = self.settings
        used = window.used(now_ms)
        if used + weight <= settings.weight_per_minute:
            if address.refusals:
                address.refusals = 0
                self.changed.add(ip)
            return Admission(200, window.add(now_ms, weight, used))
        address.refusals += 1
        self.changed.add(ip)
        if address.refusals > settings.ban_after_429:
            length = min(settings.shortest_ban_ms << min(address.bans, 32), settings.longest_ban_ms)
            address.bans += 1
            address.refusals = 0
            address.banned_until_ms = now_ms + length
            return Admission(418, used, address.banned_until_ms)
        return Admission(429, used, window.free_at(now_ms, weight, settings.weight_per_minute))

    def refund(self, ip: str, weight: int, now_ms: int) -> int:
        """Take back a charge made at `now_ms`, for answers that the documents call uncounted.

        Args:
            ip: The address of the client.
            weight: The weight that was charged.
            now_ms: The time of the charge, UTC milliseconds.

        Returns:
            The weight that still counts for the address.
        """
        return self._address(ip).window.add(now_ms, -weight)

    def used(self, ip: str, now_ms: int) -> int:
        """Return the weight that counts for an address.

        Args:
            ip: The address of the client.
            now_ms: UTC milliseconds.
        """
        found = self._addresses.get(ip)
        return found.window.used(now_ms) if found is not None else 0

    def ban(self, ip: str, until_ms: int) -> None:
        """Ban an address regardless of the weight that it has spent.

        Args:
            ip: The address of the client.
            until_ms: The end of the ban, UTC milliseconds.
        """
        self._address(ip).banned_until_ms = until_ms
        self.changed.add(ip)

    def spent(self, ip: str, weight: int, at_ms: int) -> None:
        """Charge weight that an earlier process admitted.

        Args:
            ip: The address of the client.
            weight: The weight of the request.
            at_ms: The time of the request, UTC milliseconds.
        """
        self._address(ip).window.add(at_ms, weight)

    def standings(self) -> list[Standing]:
        """Return the addresses that were refused or banned since the last call of this method."""
        rows: list[Standing] = []
        for ip in self.changed:
            one = self._addresses.get(ip)
            if one is not None:
                rows.append(Standing(self.name, ip, one.refusals, one.bans, one.banned_until_ms))
        self.changed = set()
        return rows

    def restore(self, standing: Standing) -> None:
        """Restore the refusals and the ban of one address from an earlier process."""
        address = self._address(standing.ip)
        address.refusals, address.bans = standing.refusals, standing.bans
        address.banned_until_ms = standing.banned_until_ms
