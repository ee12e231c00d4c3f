"""The state of one budget: the windows of one address, the gate in front of them and the queue before it.

    gate closed?  ──yes──> Wait rate-limited / banned       429 and 418 stop all calls
    room on every counter?  ──no──> Wait spent
    does it delay a call that waits ahead?  ──yes──> Wait queue
    ──> Reservation

The queue is ordered by priority, then by the time a call began to wait. A call passes those ahead of it
only if they lose nothing by it: at the moment when the calls ahead will fit, they must still fit with the
passing call counted in. A read that passes a write is judged by a moment a little later than the one the
write was promised when it began to wait (`Rules.read_may_delay_ms`), which does not move however
many reads pass. So polls of the balance go through while a repayment waits for the minute, unless they would
take the room that it waits for. A place belongs to the call that keeps asking; it is gone when
`recheck_ms` is overslept by far.

This module decides; it does not lock, store or read a clock. `memory` and `sqlite` do.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Final

from paydown.budget.protocol import (
    BudgetUse,
    Ended,
    GateReason,
    Priority,
    Reservation,
    Rules,
    Wait,
    WaitReason,
    Weight,
    WindowUse,
)
from paydown.budget.window import UNCERTAIN, Window
from paydown.budget.window_numbers import pack_window, unpack_window

__all__ = ["Gate"]

_FORMAT = 1
_NUMBERS = 6
_REASONS: Final[tuple[GateReason, ...]] = ("rate-limited", "banned")

# Per interval: how often a waiting call asks again, and after which part of the interval (one of so many) a place that
# was not asked for again is lost.
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


class Gate:
    """The state of one budget, on ticks (ms) that run forward and are the same for all who share it."""

    __slots__ = ("gate_reason", "gate_until", "next_id", "queue", "rules", "windows")

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.windows: dict[str, Window] = {}
        self.queue: list[_Waiting] = []
        self.gate_until = 0
        self.gate_reason = 0
        self.next_id = 1

    def acquire(
        self,
        now: int,
        weights: Sequence[Weight],
        timeout_ms: int,
        priority: Priority,
        max_wait_ms: int | None,
        place: int | None,
    ) -> Reservation | Wait:
        """Reserve room for one call, or a place in the queue; see `Budget.acquire`.

        Args:
            now: The tick, ms.
            weights: The weights of the call.
            timeout_ms: The longest that the call can take.
            priority: The call's priority.
            max_wait_ms: Longest wait, or None for any.
            place: The call's place in the queue, if it has one.
        """
        go_at, blocker = now, ""
        reason: WaitReason = "spent"
        windows, rules = self.windows, self.rules
        guard_ms = rules.guard_ms
        if self.queue:
            self.queue = [waiting for waiting in self.queue if waiting.lost_at > now]
        if self.gate_until > now:
            go_at, reason = self.gate_until, _REASONS[self.gate_reason]
        for weight in weights:
            window = windows.get(weight.window)
            if window is None:
                window = windows[weight.window] = Window()
            window.advance(now)
            if not weight.cost:
                continue
            limit = weight.limit
            keep_ms = limit.interval_ms + guard_ms
            ceiling = limit.limit
            if rules.read_reserve and priority is Priority.READ:
                # Only the weight of reads counts against the share of the reads: a repayment must not lock them out.
                ceiling -= rules.read_reserve.get(limit.id, 0)
                if weight.cost <= ceiling and window.used_by_reads + weight.cost > ceiling:
                    free = window.free_at(weight.cost, ceiling, now, keep_ms, reads_only=True)
                    if free > go_at:
                        go_at, reason, blocker = free, "spent", weight.window
            if weight.cost > ceiling:
                raise ValueError(
                    f"{weight.window}: a call of weight {weight.cost} never fits"
                    f" into {ceiling} per {limit.interval_ms} ms"
                )
            if window.used + weight.cost > limit.limit:
                free = window.free_at(weight.cost, limit.limit, now, keep_ms)
                if free > go_at:
                    go_at, reason, blocker = free, "spent", weight.window
            if self.queue:
                free = self._behind_queue(weight, window, priority, place, now, keep_ms)
                if free > go_at:
                    go_at, reason, blocker = free, "queue", weight.window
        if go_at > now:
            return self._wait(now, weights, priority, max_wait_ms, place, go_at, reason, blocker)
        return self._grant(now, weights, priority, timeout_ms, place)

    def _behind_queue(
        self, weight: Weight, window: Window, priority: Priority, place: int | None, now: int, keep_ms: int
    ) -> int:
        """Return the tick from which a call makes no call that waits ahead of it later; `now` if that is at once."""
        limit = weight.limit.limit
        ahead = 0
        passes = True
        for waiting in self.queue:  # in order
            if waiting.place == place or waiting.priority > priority:
                break
            ahead += waiting.costs.get(weight.window, 0)
            # If the calls ahead need more than the limit of one interval, no weight of this interval is free for this
            # call.
            if passes and ahead:
                passes = ahead + weight.cost <= limit
                if passes:
                    tick = window.free_at(ahead, limit, now, keep_ms)
                    if priority > waiting.priority:
                        tick = max(tick, waiting.due + self.rules.read_may_delay_ms)
                    passes = window.used_at(tick, now, keep_ms) <= limit - ahead - weight.cost
        if passes:
            return now
        need = ahead + weight.cost
        if need <= limit:
            return max(now + 1, window.free_at(need, limit, now, keep_ms))
        return now + keep_ms * ((need - 1) // limit)

    def _grant(
        self, now: int, weights: Sequence[Weight], priority: Priority, timeout_ms: int, place: int | None
    ) -> Reservation:
        reservation = self.next_id
        self.next_id = reservation + 1
        rules = self.rules
        send_before = now + rules.send_within_ms
        latest = send_before + timeout_ms + rules.lost_ms + rules.guard_ms
        marks: list[tuple[int, int]] = []
        for weight in weights:
            window = self.windows[weight.window]
            cost = weight.cost
            marks.append((window.settled_ever, window.purged_ever))
            if cost:
                low = cost if priority is Priority.READ else 0
                window.fly(reservation, cost, low, latest + weight.limit.interval_ms)
        if place is not None:
            self.leave(place)
        return Reservation(reservation, weights, priority, now, send_before, marks)

    def _wait(
        self,
        now: int,
        weights: Sequence[Weight],
        priority: Priority,
        max_wait_ms: int | None,
        place: int | None,
        go_at: int,
        reason: WaitReason,
        blocker: str,
    ) -> Wait:
        wait_ms = go_at - now
        interval_ms = min((weight.limit.interval_ms for weight in weights), default=wait_ms)
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
            costs = {weight.window: weight.cost for weight in weights if weight.cost}
            self.queue.append(_Waiting(place, priority, go_at, lost_at, costs))
            self.queue.sort(key=lambda waiting: (waiting.priority, waiting.place))
        return Wait(wait_ms, recheck_ms, reason, blocker, place, False)

    def release(
        self,
        now: int,
        reservation: Reservation,
        ended: Ended,
        used: Mapping[str, int] | None,
        exchange_ms: int | None = None,
        error_ms: int = 0,
    ) -> None:
        """Release a reservation after its request; see `Budget.release`.

        Args:
            now: The tick, ms.
            reservation: The reservation that `acquire` returned.
            ended: How the request ended.
            used: Used weight that the answer's header shows, by limit id.
            exchange_ms: The exchange's time now, UTC ms; None if unknown.
            error_ms: How far that may be behind, ms.
        """
        guard_ms = self.rules.guard_ms
        for weight, mark in zip(reservation.weights, reservation.marks, strict=True):
            window = self.windows.get(weight.window)
            if window is None:
                window = self.windows[weight.window] = Window()
            window.advance(now)
            cost = weight.cost
            if cost:
                window.land(reservation.id)
            if ended == "not-sent":
                continue
            header = used.get(weight.limit.id) if used and ended == "answered" else None
            interval_ms = weight.limit.interval_ms
            keep_ms = interval_ms + guard_ms
            if cost:
                expires = now + keep_ms + (self.rules.lost_ms if ended == "lost" else 0)
                low = cost if reservation.priority is Priority.READ else 0
                # Without the header it is not certain that the call was counted: a 503 "Service Unavailable." is not.
                since = reservation.acquired_ms if header is not None else UNCERTAIN
                window.record(cost, low, expires, since, keep_ms)
                if exchange_ms is not None:
                    window.count_minute((exchange_ms + guard_ms) // interval_ms, cost)
            if header is not None:
                window.observe(
                    header,
                    cost,
                    reservation.acquired_ms,
                    mark,
                    now,
                    interval_ms,
                    guard_ms,
                    exchange_ms,
                    error_ms,
                )

    def close_gate(self, until: int, reason: GateReason) -> None:
        """Let no call pass before the tick `until`.

        Args:
            until: Tick of the budget, ms.
            reason: Why the gate is closed.
        """
        if until > self.gate_until:
            self.gate_until = until
            self.gate_reason = _REASONS.index(reason)

    def leave(self, place: int) -> None:
        """Give up a place in the queue; see `Budget.leave`."""
        self.queue = [waiting for waiting in self.queue if waiting.place != place]

    def snapshot(self, now: int) -> BudgetUse:
        """Return what the budget holds now; see `Budget.snapshot`."""
        uses: list[WindowUse] = []
        for name, window in sorted(self.windows.items()):
            window.advance(now)
            uses.append(WindowUse(name, window.used, window.flying_weight, window.foreign))
        closed = self.gate_until > now
        return BudgetUse(
            tuple(uses),
            self.gate_until - now if closed else 0,
            _REASONS[self.gate_reason] if closed else None,
            sum(waiting.lost_at > now for waiting in self.queue),
        )

    def absorb(self, other: Gate, now: int) -> None:
        """Count the weight that another budget of the same windows holds as used by others.

        The sum may be too high, never too low, and the next header of the exchange corrects it.

        Args:
            other: The other budget.
            now: The tick, ms.
        """
        for name, window in other.windows.items():
            window.advance(now)
            if window.used:
                mine = self.windows.setdefault(name, Window())
                mine.advance(now)
                mine.foreign += window.used
                mine.foreign_until = max(mine.foreign_until, window.last_expiry)
        if other.gate_until > self.gate_until:
            self.gate_until, self.gate_reason = other.gate_until, other.gate_reason

    # Methods that store and restore the state.

    def shift(self, delta: int, gate_delta: int) -> None:
        """Shift every tick after a restart of the machine's clock.

        Args:
            delta: For what is counted, ms.
            gate_delta: For the gate, ms.
        """
        for window in self.windows.values():
            window.shift(delta)
        self.gate_until += gate_delta
        self.queue.clear()  # the calls that waited are gone

    def to_numbers(self) -> tuple[str, array[int]]:
        """Return the names of the windows, one per line, and everything else as integers, for a file."""
        names = list(self.windows)
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
        for window in self.windows.values():
            pack_window(window, packed)
        return "\n".join(names), packed

    @classmethod
    def from_numbers(cls, rules: Rules, names: str, numbers: array[int]) -> Gate:
        """Rebuild a budget's state from the names and numbers of `to_numbers`.

        Args:
            rules: Guards and reserves.
            names: Names of the windows, one per line.
            numbers: Everything else.

        Raises:
            ValueError: These are not the numbers of a budget.
        """
        gate = cls(rules)
        known = names.split("\n") if names else []
        try:
            form, gate.next_id, gate.gate_until, gate.gate_reason, waiting, windows = numbers[:_NUMBERS]
            if form != _FORMAT or windows != len(known) or not 0 <= gate.gate_reason < len(_REASONS):
                raise ValueError("a budget of another format")
            at = _NUMBERS
            for _ in range(waiting):
                place, priority, due, lost_at, count = numbers[at : at + 5]
                pairs = numbers[at + 5 : at + 5 + 2 * count]
                costs = {known[pairs[i]]: pairs[i + 1] for i in range(0, 2 * count, 2)}
                gate.queue.append(_Waiting(place, priority, due, lost_at, costs))
                at += 5 + 2 * count
            for name in known:
                gate.windows[name], at = unpack_window(numbers, at)
        except IndexError:
            raise ValueError("a budget that is cut off") from None
        if at != len(numbers):
            raise ValueError("a budget with something behind its end")
        return gate
