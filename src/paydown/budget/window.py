"""One counter of the exchange, estimated so that it is never lower than the exchange's own count.

It is undocumented whether the exchange counts clock minutes or the last 60 seconds, nor when between
sending and answering it counts. So every call is held against the limit for all the time in which it
might count:

        acquire         counted somewhere here         release               expires
    ───────┬──────────────────────────────────────────────┬────────────────────┬───────>
           └──────────── in flight: held ─────────────────┴ interval + guard ──┘

**Why no window ever exceeds the limit.** Take any stretch of `interval` on the exchange's side and the
calls counted in it; let L be the one *acquired* last. Every other call E of them was acquired before L, and
expires `interval + guard` after its answer, hence more than `interval` after it was counted, hence after the
stretch ends, hence after L was acquired. So E was held when L was granted, and the sum of all held
calls, L included, was within the limit. A clock minute is one such stretch: both ways of counting are
covered, without knowing where the minute begins. The guard is what makes this hold for two clocks that
drift and for an exchange that rounds to whole seconds.

**Why nothing waits longer than that.** Room is given the millisecond the sum allows it. Calls that expire
in the same 1/200 of the interval share one entry, which expires with the last of them; that bounds the
entries at about 200 in any traffic.

**What others use.** The exchange's header counts everybody behind the same IP. Weight that the header shows beyond our
own calls that could be in it is foreign, and is held until it must have left the exchange's window. Our own count is
never lowered by a header.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

__all__ = ["ENTRY_WIDTH", "UNCERTAIN", "Window"]

UNCERTAIN = -(1 << 62)
"""As `since` of a call: it may not have been counted at all. Before every tick."""

_FAR = 1 << 62
ENTRY_WIDTH = 4  # of one settled entry: expires, weight, weight of reads, since
_SLOTS = 200

# A proof that the exchange counts clock minutes holds for this many intervals; traffic renews it each minute.
_FIXED_FOR = 60


class Window:
    """The weight that may count on one limit of the exchange, on the budget's ticks (ms). The caller locks."""

    __slots__ = (
        "fixed_until",
        "flying",
        "flying_low",
        "flying_weight",
        "foreign",
        "foreign_until",
        "minute",
        "minute_weight",
        "next_expiry",
        "purged_ever",
        "settled",
        "settled_ever",
        "settled_low",
        "settled_weight",
    )

    def __init__(self) -> None:
        self.settled = array("q")
        self.settled_weight = 0
        self.settled_low = 0
        self.flying: dict[int, tuple[int, int, int]] = {}
        self.flying_weight = 0
        self.flying_low = 0
        self.next_expiry = _FAR  # of the calls in flight: what a dead process left behind
        self.foreign: int = 0
        self.foreign_until: int = 0
        self.settled_ever: int = 0
        self.purged_ever: int = 0
        self.minute: int = 0
        self.minute_weight: int = 0
        self.fixed_until: int = 0

    # Methods that read the sum of the weight.

    @property
    def used(self) -> int:
        """Return all weight that may count now. Call `advance` first."""
        return self.settled_weight + self.flying_weight + self.foreign

    @property
    def used_by_reads(self) -> int:
        """Return the part of the used weight that own reads used."""
        return self.settled_low + self.flying_low

    @property
    def last_expiry(self) -> int:
        """Return the tick at which the last weight that is held now expires."""
        settled = max(self.settled[::ENTRY_WIDTH], default=0)
        flying = max((flight[2] for flight in self.flying.values()), default=0)
        return max(settled, flying, self.foreign_until if self.foreign else 0)

    def advance(self, now: int) -> None:
        """Drop the weight that has expired by `now`."""
        settled = self.settled
        if settled and settled[0] <= now:
            end, size = 0, len(settled)
            gone = 0
            while end < size and settled[end] <= now:
                gone += settled[end + 1]
                self.settled_low -= settled[end + 2]
                end += ENTRY_WIDTH
            del settled[:end]
            self.settled_weight -= gone
            self.purged_ever += gone
        if self.next_expiry <= now:
            for reservation, (weight, _, expires) in list(self.flying.items()):
                if expires <= now:
                    self.land(reservation)
                    self.purged_ever += weight
            self.next_expiry = min((flight[2] for flight in self.flying.values()), default=_FAR)
        if self.foreign and self.foreign_until <= now:
            self.foreign = 0

    def free_at(self, need: int, limit: int, now: int, keep_ms: int, *, reads_only: bool = False) -> int:
        """Return the first tick at which `need` would fit under `limit` if no other call came.

        A call in flight is taken to be answered at once: its answer will come later, so the result is the
        earliest possible.

        Args:
            need: Weight to fit in, at most `limit`.
            limit: Most weight per interval.
            now: The tick, ms.
            keep_ms: Interval and guard.
            reads_only: Count only what reads used.
        """
        column = 2 if reads_only else 1
        excess = (self.used_by_reads if reads_only else self.used) + need - limit
        if excess <= 0:
            return now
        for tick, weight in self._frees(now, keep_ms, column):
            excess -= weight
            if excess <= 0:
                return tick
        return now + keep_ms

    def used_at(self, tick: int, now: int, keep_ms: int) -> int:
        """Return how much of the weight used now is still held later, with calls in flight answered at once.

        Args:
            tick: The later tick, ms.
            now: The tick, ms.
            keep_ms: Interval and guard.
        """
        return self.used - sum(weight for freed, weight in self._frees(now, keep_ms, 1) if freed <= tick)

    def _frees(self, now: int, keep_ms: int, column: int) -> Iterator[tuple[int, int]]:
        settled = self.settled
        frees = [(settled[i], settled[i + column]) for i in range(0, len(settled), ENTRY_WIDTH)]
        frees.append((now + keep_ms, self.flying_weight if column == 1 else self.flying_low))
        if self.foreign and column == 1:
            frees.append((self.foreign_until, self.foreign))
        frees.sort()
        return iter(frees)

    # Methods that follow one call.

    def fly(self, reservation: int, weight: int, low: int, expires: int) -> None:
        """Reserve weight for a call that is about to leave.

        Args:
            reservation: Id of the reservation.
            weight: Its weight.
            low: The same if it is a read, else 0.
            expires: Tick at which it is dropped if its process dies.
        """
        self.flying[reservation] = (weight, low, expires)
        self.flying_weight += weight
        self.flying_low += low
        if expires < self.next_expiry:
            self.next_expiry = expires

    def land(self, reservation: int) -> None:
        """Remove a call from the calls in flight. Its weight is free again unless `record` follows."""
        flight = self.flying.pop(reservation, None)
        if flight is not None:
            self.flying_weight -= flight[0]
            self.flying_low -= flight[1]

    def record(self, weight: int, low: int, expires: int, since: int, keep_ms: int) -> None:
        """Hold the weight of a call that ended until `expires`.

        Args:
            weight: Its weight.
            low: The same if it was a read, else 0.
            expires: When it cannot count any more.
            since: Earliest tick at which it may have been counted, or `UNCERTAIN`.
            keep_ms: Interval and guard.
        """
        self.settled_weight += weight
        self.settled_low += low
        self.settled_ever += weight
        settled = self.settled
        slot_ms = max(1, keep_ms // _SLOTS)
        slot = expires // slot_ms
        at = len(settled)
        # The entry almost always belongs at the end; only a lost call is held longer than calls answered after it.
        while at and settled[at - ENTRY_WIDTH] > expires and settled[at - ENTRY_WIDTH] // slot_ms != slot:
            at -= ENTRY_WIDTH
        if at and settled[at - ENTRY_WIDTH] // slot_ms == slot:
            at -= ENTRY_WIDTH
            settled[at] = max(settled[at], expires)
            settled[at + 1] += weight
            settled[at + 2] += low
            settled[at + 3] = min(settled[at + 3], since)
        else:
            settled[at:at] = array("q", (expires, weight, low, since))

    # Methods that use the exchange's headers.

    def observe(
        self,
        header: int,
        weight: int,
        acquired: int,
        mark: tuple[int, int],
        now: int,
        interval_ms: int,
        guard_ms: int,
        exchange_ms: int | None,
        error_ms: int,
    ) -> None:
        """Take in a used-weight header, after `record` of the call that brought it.

        The call was counted somewhere between `acquired` and `now`. Our own weight that may be in the header is the
        weight held now and the weight expired since `acquired`; the rest of the header is foreign.

        On an exchange that counts clock minutes this would miss foreign use early in a minute, hidden by
        our own calls of the previous minute that we still hold and the exchange has forgotten: once they
        expire, the foreign weight would be a surprise. A header that shows less than what we certainly
        used within the last interval proves such an exchange; from then on the header is
        compared with the calls of the clock minute only, and the excess is held to the minute's end.

        Args:
            header: The used weight that the exchange shows.
            weight: Cost of the call that brought the header.
            acquired: When its reservation was given.
            mark: `settled_ever` and `purged_ever` at that time.
            now: The tick of its answer.
            interval_ms: Length of the interval.
            guard_ms: Guard of the budget.
            exchange_ms: The exchange's time now, UTC ms; `None` if unknown.
            error_ms: How wrong that may be.
        """
        most_own = self.settled_weight + self.flying_weight + self.purged_ever - mark[1]
        if header >= most_own and not self.foreign:
            least_own = most_own  # not needed below
        else:
            settled_since = self.settled_ever - mark[0]  # may have been counted after the header was written
            least_own = max(weight, self._certain(now - interval_ms) - settled_since + weight)
        if exchange_ms is not None:
            into = exchange_ms % interval_ms
            margin = guard_ms + error_ms
            if into - (now - acquired) >= margin and into < interval_ms - margin:
                # The whole call lies inside one clock minute, so the header belongs to that minute.
                if header < least_own:
                    self.fixed_until = now + _FIXED_FOR * interval_ms
                if self.fixed_until > now and self.minute == exchange_ms // interval_ms:
                    foreign = header - min(most_own, self.minute_weight + self.flying_weight)
                    if foreign > 0:
                        self.foreign = max(self.foreign, foreign)
                        self.foreign_until = max(self.foreign_until, now + interval_ms - into + margin)
                    return
        # Foreign weight seen earlier may have expired on the other side: the header is the newer evidence.
        known = min(self.foreign, max(0, header - least_own))
        foreign = header - most_own
        if foreign > 0:
            self.foreign = max(known, foreign)
            self.foreign_until = now + interval_ms + guard_ms
        else:
            self.foreign = known

    def _certain(self, since: int) -> int:
        """Return the weight of calls that were certainly counted after the tick `since`."""
        starts = self.settled[3::ENTRY_WIDTH]
        weight = self.settled_weight
        if starts and min(starts) <= since:
            weights = self.settled[1::ENTRY_WIDTH]
            weight -= sum(weights[i] for i, start in enumerate(starts) if start <= since)
        return weight

    def count_minute(self, minute: int, weight: int) -> None:
        """Add a call that ended to the count of one clock minute of the exchange.

        Args:
            minute: Number of the minute.
            weight: The call's weight.
        """
        if minute > self.minute:
            self.minute = minute
            self.minute_weight = 0
        self.minute_weight += weight

    # Methods that store and restore the window.

    def shift(self, delta: int) -> None:
        """Move every tick by `delta` after a restart of the machine's clock."""
        settled = self.settled
        for at in range(0, len(settled), ENTRY_WIDTH):
            settled[at] += delta
            settled[at + 3] = UNCERTAIN  # it is unknown how long ago it was
        self.flying = {key: (weight, low, end + delta) for key, (weight, low, end) in self.flying.items()}
        self.next_expiry = min((flight[2] for flight in self.flying.values()), default=_FAR)
        self.foreign_until += delta
        self.fixed_until = 0
