"""The budget of one process, in memory.

Choose it when nothing else on the machine talks to the exchange, or nothing may be written to disk. Two
processes with a budget each can spend twice the limit; a child made by `fork` has a copy of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from paydown.budget.gate import Gate
from paydown.budget.protocol import BudgetUse, Ended, GateReason, Priority, Reservation, Rules, Wait, Weight
from paydown.clock import ExchangeClock, machine_ms

__all__ = ["MemoryBudget"]


class MemoryBudget:
    """A `Budget` that lives as long as this object.

    Args:
        rules: Guards and reserves.
        clock: Shows where the exchange's minute begins, which sharpens the reading of its header (see
            `window.Window.observe`). Not needed for the guarantee.
        ticks: Milliseconds that only run forward.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        clock: ExchangeClock | None = None,
        ticks: Callable[[], int] = machine_ms,
    ) -> None:
        self.rules = rules or Rules()
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._gate = Gate(self.rules)

    def acquire(
        self,
        weights: Sequence[Weight],
        *,
        timeout_ms: int,
        priority: Priority = Priority.READ,
        max_wait_ms: int | None = None,
        place: int | None = None,
    ) -> Reservation | Wait:
        """Reserve room for one call; see `Budget.acquire`.

        Args:
            weights: The weights of the call.
            timeout_ms: The longest that the call can take.
            priority: The call's priority.
            max_wait_ms: Longest wait; None means any.
            place: The call's place in the queue.
        """
        with self._lock:
            return self._gate.acquire(self._ticks(), weights, timeout_ms, priority, max_wait_ms, place)

    def may_send(self, reservation: Reservation) -> bool:
        """Return whether a reservation is still good; see `Budget.may_send`."""
        return reservation.open and self._ticks() <= reservation.send_before_ms

    def release(
        self, reservation: Reservation, *, ended: Ended = "answered", used: Mapping[str, int] | None = None
    ) -> None:
        """Release a reservation after its request; see `Budget.release`.

        Args:
            reservation: The reservation that `acquire` returned.
            ended: How the request ended.
            used: Used weight that the answer's header shows, by limit id.
        """
        clock = self._clock
        error_ms = clock.error_ms if clock is not None else None
        with self._lock:
            if not reservation.open:
                return
            reservation.open = False
            exchange_ms = clock.now_ms() if clock is not None and error_ms is not None else None
            self._gate.release(self._ticks(), reservation, ended, used, exchange_ms, error_ms or 0)

    def close_gate(self, wait_ms: int, reason: GateReason) -> None:
        """Let no call pass for a while; see `Budget.close_gate`.

        Args:
            wait_ms: For how long.
            reason: Why.
        """
        with self._lock:
            self._gate.close_gate(self._ticks() + wait_ms, reason)

    def leave(self, place: int) -> None:
        """Give up a place in the queue; see `Budget.leave`."""
        with self._lock:
            self._gate.leave(place)

    def snapshot(self) -> BudgetUse:
        """Return what the budget holds now; see `Budget.snapshot`."""
        with self._lock:
            return self._gate.snapshot(self._ticks())

    def close(self) -> None:
        """Do nothing: a budget in memory holds no file."""
