"""The use of the budget by one call: wait for room, reserve it, release it, close the gate after a 429.

A budget may be a class of the user's. An exception that it raises before anything is sent refuses the call. An
exception that it raises afterwards is logged and goes no further: a failing budget must not be mistaken for knowledge
about the debt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from paydown.budget.gate_pause import gate_pause_ms
from paydown.budget.protocol import Ended, Priority, Reservation, Weight
from paydown.call.failures import banned_until_ms
from paydown.call.flow import Sleep
from paydown.call.retry import retry_after_s
from paydown.errors import BudgetExceeded
from paydown.events import LOGGER
from paydown_wire.error_codes import BAN

if TYPE_CHECKING:
    from paydown.budget.protocol import Budget
    from paydown.call.answer import ParsedAnswer
    from paydown.call.call_events import CallEvents
    from paydown.call.flow import Flow
    from paydown_wire.operation import Operation

LIMITED: Final = (429, 418)


class BudgetWait:
    """The budget of request weight, as one call uses it.

    Args:
        budget: Where room is reserved.
        ticks: Milliseconds that only run forward.
        max_wait_s: Longest wait for room, named in the error of a call that would wait longer.
        priority: Priority of the call, and of a clock sync that the call needs.
        events: Events and times of the call.
    """

    __slots__ = ("budget", "events", "max_wait_s", "name", "priority", "ticks")

    def __init__(
        self,
        budget: Budget,
        ticks: Callable[[], int],
        max_wait_s: float,
        priority: Priority,
        events: CallEvents,
    ) -> None:
        self.budget = budget
        self.ticks = ticks
        self.max_wait_s = max_wait_s
        self.priority = priority
        self.events = events
        self.name = events.operation.name

    def reserve(
        self, operation: Operation, weights: Sequence[Weight], max_wait_s: float
    ) -> Flow[Reservation]:
        """Wait until the budget has room, and reserve it.

        Args:
            operation: The operation that is about to be sent: the call itself, or the clock sync that it needs.
            weights: The weights of that operation.
            max_wait_s: Longest wait, seconds.

        Raises:
            BudgetExceeded: The wait would be longer, or there is never room for so much.
        """
        longest_ms = max(0, int(max_wait_s * 1000))
        until = self.ticks() + longest_ms
        timeout_ms = int(1000 * (2 * operation.connect_timeout_s + operation.answer_timeout_s))
        place: int | None = None
        reported = False
        while True:
            try:
                grant = self.budget.acquire(
                    weights,
                    timeout_ms=timeout_ms,
                    priority=self.priority,
                    max_wait_ms=longest_ms,
                    place=place,
                )
            except ValueError as error:
                raise BudgetExceeded(f"{self.name} was not sent: {error}.", operation=self.name) from error
            if isinstance(grant, Reservation):
                return grant
            wait_s = grant.wait_ms / 1000
            if grant.refused:
                raise BudgetExceeded(
                    f"{self.name} was not sent: there is room in {wait_s:.1f} s at the earliest"
                    f" ({grant.reason}), and max_wait_s is {self.max_wait_s:g}. Call again then.",
                    wait_s=wait_s,
                    operation=self.name,
                )
            place = grant.place
            if not reported:
                self.events.waiting(wait_s)
            reported = True
            slept = self.ticks()
            try:
                yield Sleep(grant.recheck_ms / 1000)
            except BaseException:
                if place is not None:
                    self.budget.leave(place)
                raise
            finally:
                self.events.waited_ms += self.ticks() - slept
            longest_ms = max(0, until - self.ticks())

    def renew(self, operation: Operation, reservation: Reservation) -> Flow[Reservation]:
        """Return a reservation that is still good.

        A process that stood still for too long, in a debugger or on a sleeping laptop, has lost its room to others.
        The old reservation is released then, and a new one is made.

        Args:
            operation: The operation that is about to be sent.
            reservation: Its reservation.
        """
        while not self.budget.may_send(reservation):
            self.release(reservation, "not-sent")
            reservation = yield from self.reserve(operation, reservation.weights, self.max_wait_s)
        return reservation

    def release(self, reservation: Reservation, ended: Ended, used: Mapping[str, int] | None = None) -> None:
        """Release a reservation after its request. Never raises.

        Args:
            reservation: The reservation.
            ended: How the request ended.
            used: Used weight that the answer's header shows, by limit id.
        """
        try:
            self.budget.release(reservation, ended=ended, used=used)
        except Exception:  # noqa: BLE001  # see the module
            LOGGER.exception("the budget failed after %s", self.name)

    def close_gate(self, answered: ParsedAnswer, clock: Callable[[], int]) -> None:
        """Stop all sending after a 429 or 418: going on regardless is what earns a ban. Never raises.

        Args:
            answered: The answer; with another status nothing is done.
            clock: Returns the exchange's time, UTC milliseconds.
        """
        answer = answered.answer
        if answer.status not in LIMITED:
            return
        now_ms = clock()
        asked_s = retry_after_s(answer.headers, now_ms=now_ms)
        pause_ms = gate_pause_ms(
            answer.status,
            now_ms=now_ms,
            retry_after_ms=None if asked_s is None else int(asked_s * 1000),
            banned_until_ms=banned_until_ms(answered.msg),
            pause_after_429_ms=BAN.pause_after_429_ms,
            minimum_ban_ms=BAN.minimum_ms,
            maximum_ban_ms=BAN.maximum_ms,
        )
        try:
            self.budget.close_gate(pause_ms, "banned" if answer.status == 418 else "rate-limited")
        except Exception:  # noqa: BLE001  # see the module
            LOGGER.exception("the budget could not close its gate after HTTP %d", answer.status)

    def would_displace(self, own: tuple[Weight, ...], extra: tuple[Weight, ...]) -> bool:
        """Return whether spending the clock sync's weight now costs a call its room in this minute.

        For a read that is so if the weight left holds the read, but not the sync as well. For a repayment it is so
        already if fewer repayments fit afterwards than before: two fit exactly into an unused minute, and with the
        weight of a clock sync taken only one does.

        Args:
            own: The weights of the call.
            extra: The weights of the clock sync.
        """
        used = {window.name: window.used for window in self.budget.snapshot().windows}
        needed = {weight.window: weight.cost for weight in extra}
        most = 1 if self.priority is Priority.READ else None
        for weight in own:
            if weight.cost and weight.window in needed:
                free = max(0, weight.limit.limit - used.get(weight.window, 0))
                fit, fit_then = (left // weight.cost for left in (free, free - needed[weight.window]))
                if fit > fit_then and (most is None or fit == most):
                    return True
        return False
