"""All counters behind one address, the gate in front of them and the queue before it.

    gate closed?  ──yes──> Wait rate-limited / banned       429 and 418 stop everybody
    room on every counter?  ──no──> Wait spent
    does it delay a call that waits ahead?  ──yes──> Wait queue
    ──> Ticket

The queue is ordered by priority, then by the time a call began to wait. A call passes those ahead of it
only if they lose nothing by it: at the moment when the calls ahead will fit, they must still fit with the
passing call counted in. A read that passes a write is judged by a moment a little later than the one the
write was promised when it began to wait (`Rules.read_may_delay_ms`), which does not move however
many reads pass. So polls of the balance go through while a repayment waits for the minute, unless they would
take the room that it waits for. A place belongs to whoever keeps asking; it is gone when `recheck_ms`
is overslept by far.

This module decides; it does not lock, store or read a clock. `memory` and `sqlite` do.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Final

from paydown.budget.protocol import (
    Charge,
    Ended,
    GateReason,
    PoolUse,
    Priority,
    Rules,
    Snapshot,
    Ticket,
    Wait,
    WaitReason,
)
from paydown.budget.window import UNCERTAIN, Pool

__all__ = ["Ledger"]

_FORMAT = 1
_NUMBERS = 6
_REASONS: Final[tuple[GateReason, ...]] = ("rate-limited", "banned")

# Per interval: how often a waiting call looks again, and how long its place outlives a missed look.
_LOOKS = 60
_LEASES = 30


class _Waiting:
    """A call in the queue."""

    __slots__ = ("costs", "due", "lost_at", "place", "priority")

    def __init__(self, place: int, priority: int, due: int, lost_at: int, costs: dict[str, int]) -> None:
        self.due = due  # when it could go, as promised when it began to wait
        self.place = place
        self.priority = priority
        self.lost_at = lost_at
        self.costs = costs


class Ledger:
    """The state of one budget, on ticks (ms) that run forward and are the same for all who share it."""

    __slots__ = ("gate_reason", "gate_until", "next_id", "pools", "queue", "rules")

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.pools: dict[str, Pool] = {}
        self.queue: list[_Waiting] = []
        self.gate_until = 0
        self.gate_reason = 0
        self.next_id = 1

    def acquire(
        self,
        now: int,
        charges: Sequence[Charge],
        timeout_ms: int,
        priority: Priority,
        max_wait_ms: int | None,
        place: int | None,
    ) -> Ticket | Wait:
        """See `Budget.acquire`."""
        go_at, blocker = now, ""
        reason: WaitReason = "spent"
        pools, rules = self.pools, self.rules
        guard_ms = rules.guard_ms
        if self.queue:
            self.queue = [waiting for waiting in self.queue if waiting.lost_at > now]
        if self.gate_until > now:
            go_at, reason = self.gate_until, _REASONS[self.gate_reason]
        for charge in charges:
            pool = pools.get(charge.pool)
            if pool is None:
                pool = pools[charge.pool] = Pool()
            pool.advance(now)
            if not charge.cost:
                continue
            limit = charge.limit
            keep_ms = limit.interval_ms + guard_ms
            ceiling = limit.limit
            if rules.read_reserve and priority is Priority.READ:
                # Only reads count against the reads' share, so that a repayment does not lock them out.
                ceiling -= rules.read_reserve.get(limit.id, 0)
                if charge.cost <= ceiling and pool.used_by_reads + charge.cost > ceiling:
                    free = pool.free_at(charge.cost, ceiling, now, keep_ms, reads_only=True)
                    if free > go_at:
                        go_at, reason, blocker = free, "spent", charge.pool
            if charge.cost > ceiling:
                raise ValueError(
                    f"{charge.pool}: a call of weight {charge.cost} never fits"
                    f" into {ceiling} per {limit.interval_ms} ms"
                )
            if pool.used + charge.cost > limit.limit:
                free = pool.free_at(charge.cost, limit.limit, now, keep_ms)
                if free > go_at:
                    go_at, reason, blocker = free, "spent", charge.pool
            if self.queue:
                free = self._behind_queue(charge, pool, priority, place, now, keep_ms)
                if free > go_at:
                    go_at, reason, blocker = free, "queue", charge.pool
        if go_at > now:
            return self._wait(now, charges, priority, max_wait_ms, place, go_at, reason, blocker)
        return self._grant(now, charges, priority, timeout_ms, place)

    def _behind_queue(
        self, charge: Charge, pool: Pool, priority: Priority, place: int | None, now: int, keep_ms: int
    ) -> int:
        """When the call may go without making one that waits ahead of it later; `now` if at once."""
        limit = charge.limit.limit
        ahead = 0
        passes = True
        for waiting in self.queue:  # in order
            if waiting.place == place or waiting.priority > priority:
                break
            ahead += waiting.costs.get(charge.pool, 0)
            # With more ahead than one interval holds, every bit of weight is spoken for.
            if passes and ahead:
                passes = ahead + charge.cost <= limit
                if passes:
                    tick = pool.free_at(ahead, limit, now, keep_ms)
                    if priority > waiting.priority:
                        tick = max(tick, waiting.due + self.rules.read_may_delay_ms)
                    passes = pool.used_at(tick, now, keep_ms) <= limit - ahead - charge.cost
        if passes:
            return now
        need = ahead + charge.cost
        if need <= limit:
            return max(now + 1, pool.free_at(need, limit, now, keep_ms))
        return now + keep_ms * ((need - 1) // limit)

    def _grant(
        self, now: int, charges: Sequence[Charge], priority: Priority, timeout_ms: int, place: int | None
    ) -> Ticket:
        ticket = self.next_id
        self.next_id = ticket + 1
        rules = self.rules
        send_before = now + rules.send_within_ms
        latest = send_before + timeout_ms + rules.lost_ms + rules.guard_ms
        marks: list[tuple[int, int]] = []
        for charge in charges:
            pool = self.pools[charge.pool]
            cost = charge.cost
            marks.append((pool.settled_ever, pool.purged_ever))
            if cost:
                low = cost if priority is Priority.READ else 0
                pool.fly(ticket, cost, low, latest + charge.limit.interval_ms)
        if place is not None:
            self.leave(place)
        return Ticket(ticket, charges, priority, now, send_before, marks)

    def _wait(
        self,
        now: int,
        charges: Sequence[Charge],
        priority: Priority,
        max_wait_ms: int | None,
        place: int | None,
        go_at: int,
        reason: WaitReason,
        blocker: str,
    ) -> Wait:
        wait_ms = go_at - now
        interval_ms = min((charge.limit.interval_ms for charge in charges), default=wait_ms)
        recheck_ms = min(wait_ms, max(1, interval_ms // _LOOKS))
        if max_wait_ms is not None and wait_ms > max_wait_ms:
            if place is not None:
                self.leave(place)
            return Wait(wait_ms, recheck_ms, reason, blocker, None, True)
        lost_at = now + recheck_ms + max(1, interval_ms // _LEASES)
        for waiting in self.queue:
            if waiting.place == place:
                waiting.lost_at = lost_at
                break
        else:
            place = self.next_id
            self.next_id = place + 1
            costs = {charge.pool: charge.cost for charge in charges if charge.cost}
            self.queue.append(_Waiting(place, priority, go_at, lost_at, costs))
            self.queue.sort(key=lambda waiting: (waiting.priority, waiting.place))
        return Wait(wait_ms, recheck_ms, reason, blocker, place, False)

    def settle(
        self,
        now: int,
        ticket: Ticket,
        ended: Ended,
        used: Mapping[str, int] | None,
        exchange_ms: int | None = None,
        error_ms: int = 0,
    ) -> None:
        """See `Budget.settle`. `exchange_ms` and `error_ms` are the exchange's time now, if known."""
        guard_ms = self.rules.guard_ms
        for charge, mark in zip(ticket.charges, ticket.marks, strict=True):
            pool = self.pools.get(charge.pool)
            if pool is None:
                pool = self.pools[charge.pool] = Pool()
            pool.advance(now)
            cost = charge.cost
            if cost:
                pool.land(ticket.id)
            if ended == "not-sent":
                continue
            header = used.get(charge.limit.id) if used and ended == "answered" else None
            interval_ms = charge.limit.interval_ms
            keep_ms = interval_ms + guard_ms
            if cost:
                expires = now + keep_ms + (self.rules.lost_ms if ended == "lost" else 0)
                low = cost if ticket.priority is Priority.READ else 0
                # Without the header nobody says that it was counted: 503 "Service Unavailable." is not.
                since = ticket.acquired_ms if header is not None else UNCERTAIN
                pool.settle(cost, low, expires, since, keep_ms)
                if exchange_ms is not None:
                    pool.tell_minute((exchange_ms + guard_ms) // interval_ms, cost)
            if header is not None:
                pool.observe(
                    header, cost, ticket.acquired_ms, mark, now, interval_ms, guard_ms, exchange_ms, error_ms
                )

    def close_gate(self, until: int, reason: GateReason) -> None:
        """Let nobody pass before the tick `until`."""
        if until > self.gate_until:
            self.gate_until = until
            self.gate_reason = _REASONS.index(reason)

    def leave(self, place: int) -> None:
        """See `Budget.leave`."""
        self.queue = [waiting for waiting in self.queue if waiting.place != place]

    def snapshot(self, now: int) -> Snapshot:
        """See `Budget.snapshot`."""
        uses: list[PoolUse] = []
        for name, pool in sorted(self.pools.items()):
            pool.advance(now)
            uses.append(PoolUse(name, pool.used, pool.flying_weight, pool.foreign))
        closed = self.gate_until > now
        return Snapshot(
            tuple(uses),
            self.gate_until - now if closed else 0,
            _REASONS[self.gate_reason] if closed else None,
            sum(waiting.lost_at > now for waiting in self.queue),
        )

    def absorb(self, other: Ledger, now: int) -> None:
        """Take in what another ledger of the same counters holds, as if others had used it: too much rather than too
        little, and the next header of the exchange says how much it was."""
        for name, pool in other.pools.items():
            pool.advance(now)
            if pool.used:
                mine = self.pools.setdefault(name, Pool())
                mine.advance(now)
                mine.foreign += pool.used
                mine.foreign_until = max(mine.foreign_until, pool.last_expiry)
        if other.gate_until > self.gate_until:
            self.gate_until, self.gate_reason = other.gate_until, other.gate_reason

    # Storage

    def shift(self, delta: int, gate_delta: int) -> None:
        """Move every tick by `delta`, the gate's by `gate_delta`: the machine's clock restarted."""
        for pool in self.pools.values():
            pool.shift(delta)
        self.gate_until += gate_delta
        self.queue.clear()  # whoever waited is gone

    def to_numbers(self) -> tuple[str, array[int]]:
        """The names of the counters, one per line, and everything else as integers, for a file."""
        names = list(self.pools)
        numbers = [
            _FORMAT,
            self.next_id,
            self.gate_until,
            self.gate_reason,
            len(self.queue),
            len(names),
        ]
        for waiting in self.queue:
            numbers += (waiting.place, waiting.priority, waiting.due, waiting.lost_at, len(waiting.costs))
            for name, cost in waiting.costs.items():
                numbers += (names.index(name), cost)
        packed = array("q", numbers)
        for pool in self.pools.values():
            pool.pack(packed)
        return "\n".join(names), packed

    @classmethod
    def from_numbers(cls, rules: Rules, names: str, numbers: array[int]) -> Ledger:
        """Rebuild a ledger from `to_numbers`.

        Raises:
            ValueError: These are not the numbers of a ledger.
        """
        ledger = cls(rules)
        known = names.split("\n") if names else []
        try:
            form, ledger.next_id, ledger.gate_until, ledger.gate_reason, waiting, pools = numbers[:_NUMBERS]
            if form != _FORMAT or pools != len(known) or not 0 <= ledger.gate_reason < len(_REASONS):
                raise ValueError("a ledger of another format")
            at = _NUMBERS
            for _ in range(waiting):
                place, priority, due, lost_at, count = numbers[at : at + 5]
                pairs = numbers[at + 5 : at + 5 + 2 * count]
                costs = {known[pairs[i]]: pairs[i + 1] for i in range(0, 2 * count, 2)}
                ledger.queue.append(_Waiting(place, priority, due, lost_at, costs))
                at += 5 + 2 * count
            for name in known:
                ledger.pools[name], at = Pool.unpack(numbers, at)
        except IndexError:
            raise ValueError("a ledger that is cut off") from None
        if at != len(numbers):
            raise ValueError("a ledger with something behind its end")
        return ledger
