"""The virtual clock of the exchange, and the balances of one account with everything they ever were."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

ZERO = Decimal(0)
UNIT = Decimal("0.00000001")
START_MS = 1_795_000_000_000  # 40 s after a full minute, 400 s after a full hour
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
RUNNING_STEP_MS = 5_000


def down(amount: Decimal) -> Decimal:
    """Cut an amount to eight fraction digits."""
    return amount.quantize(UNIT, ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class Holding:
    """Hold what an account has and owes of one asset. As a change, its members are differences."""

    borrowed: Decimal = ZERO
    interest: Decimal = ZERO
    free: Decimal = ZERO

    def __add__(self, other: Holding) -> Holding:
        """Add a change."""
        return Holding(self.borrowed + other.borrowed, self.interest + other.interest, self.free + other.free)

    @property
    def owed(self) -> Decimal:
        """Return principal and interest."""
        return self.borrowed + self.interest


NOTHING = Holding()


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one change of one asset: when, why, by how much."""

    at: int
    why: str
    asset: str
    change: Holding


class Clock:
    """Tell the virtual time, and run at its time whatever was put off."""

    def __init__(self, now: int = START_MS) -> None:
        """Begin at a moment, ms UTC."""
        self.now = now
        self._later: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, when: int, what: Callable[[], None]) -> None:
        """Run something at a moment; at once, if that has passed."""
        if when <= self.now:
            what()
            return
        self._number += 1
        heapq.heappush(self._later, (when, self._number, what))

    def pass_ms(self, ms: int) -> None:
        """Let time pass."""
        until = self.now + ms
        while self._later and self._later[0][0] <= until:
            when, _, what = heapq.heappop(self._later)
            self.now = max(self.now, when)
            what()
        self.now = max(self.now, until)


class Books:
    """Keep the balances of one account, with an entry for every change and a picture of every moment."""

    def __init__(self, clock: Clock, opening: Mapping[str, Holding]) -> None:
        """Open with what the account holds and owes."""
        self.clock = clock
        self.opening = dict(opening)
        self.entries: list[Entry] = []
        self._state = dict(opening)
        self._times = [clock.now]
        self._states = [dict(opening)]

    @property
    def assets(self) -> tuple[str, ...]:
        """Return every asset that the account ever had."""
        return tuple(self._state)

    def __getitem__(self, asset: str) -> Holding:
        """Return what is held and owed of an asset now."""
        return self._state.get(asset, NOTHING)

    def then(self, at: int) -> dict[str, Holding]:
        """Return what was held and owed at a moment; the opening, if it was before that."""
        return self._states[max(0, bisect_right(self._times, at) - 1)]

    def move(self, why: str, changes: Mapping[str, Holding]) -> None:
        """Change balances in one instant.

        Args:
            why: Who did it, such as "repay-debt 1" or "borrow".
            changes: Differences by asset.

        Raises:
            AssertionError: A balance would be below zero: a mistake of the double.
        """
        now = self.clock.now
        state = dict(self._state)
        for asset, change in changes.items():
            state[asset] = state.get(asset, NOTHING) + change
            if min(state[asset].borrowed, state[asset].interest, state[asset].free) < 0:
                raise AssertionError(f"{why}: {asset} would be {state[asset]}")
            self.entries.append(Entry(now, why, asset, change))
        self._state = state
        self._times.append(now)
        self._states.append(state)

    def total(self, reasons: tuple[str, ...], asset: str, since: int, until: int = 1 << 62) -> Decimal:
        """Add up by how much a debt changed between two moments for some reasons, such as "interest"."""
        return sum(
            (
                entry.change.owed
                for entry in self.entries
                if entry.asset == asset and since <= entry.at <= until and entry.why in reasons
            ),
            ZERO,
        )


class Interest:
    """Charge interest on what is owed."""

    def __init__(
        self, books: Books, *, rate: Decimal, paid_in: str, each_ms: int | None, late_ms: Callable[[], int]
    ) -> None:
        """Charge from now on.

        Args:
            books: Whose debts.
            rate: Daily rate.
            paid_in: "owed", "principal" or "BNB".
            each_ms: Length of a period; `None` charges nothing.
            late_ms: How long after the end of a period it is charged, ms.
        """
        self._books = books
        self._rate = rate
        self._paid_in = paid_in
        self._late_ms = late_ms
        self._each_ms = each_ms
        if each_ms is not None:
            self._next()

    def _next(self) -> None:
        assert self._each_ms is not None
        clock = self._books.clock
        end = (clock.now // self._each_ms + 1) * self._each_ms
        clock.at(end + self._late_ms(), self._period)

    def _period(self) -> None:
        assert self._each_ms is not None
        for asset in self._books.assets:
            self.charge(asset, self._books[asset].borrowed, self._each_ms)
        self._next()

    def charge(self, asset: str, principal: Decimal, for_ms: int) -> None:
        """Charge the interest of some time on some principal."""
        interest = down(principal * self._rate * for_ms / (24 * HOUR_MS))
        if interest <= 0:
            return
        bnb = interest if asset == "BNB" else down(interest / 1000)
        if self._paid_in == "BNB" and self._books["BNB"].free >= bnb:
            self._books.move("interest", {"BNB": Holding(free=-bnb)})
        elif self._paid_in == "principal":
            self._books.move("interest", {asset: Holding(borrowed=interest)})
        else:
            self._books.move("interest", {asset: Holding(interest=interest)})
