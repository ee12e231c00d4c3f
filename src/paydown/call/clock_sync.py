"""The clock of a call: synced before a signature if a sync is due, and after the exchange has refused a timestamp."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from paydown.budget.weights import used, weight_of
from paydown.call.answer import parse_answer
from paydown.clock import Clock, Due, ExchangeClock
from paydown.errors import BudgetExceeded
from paydown.transport.channel import Lost, NotSent
from paydown_wire.operation import DecodeError
from paydown_wire.operations import SERVER_TIME

if TYPE_CHECKING:
    from paydown.budget.protocol import Ended, Weight
    from paydown.budget.weights import Weights
    from paydown.call.budget_wait import BudgetWait
    from paydown.call.call_events import CallEvents
    from paydown.call.flow import Flow
    from paydown.call.request import RequestMaker
    from paydown.transport.channel import Answer


class ClockSync:
    """The exchange's clock, as one call uses it. A clock of another class is only read, never synced.

    Args:
        clock: The clock of the client.
        requests: Makes the requests for the time.
        weights: The weights of each operation.
        own: The weights of the call itself.
        wait: The budget, as the call uses it.
        events: Events and times of the call.
    """

    __slots__ = ("_clock", "_epoch", "_events", "_own", "_requests", "_wait", "_weights")

    def __init__(
        self,
        clock: Clock,
        requests: RequestMaker,
        weights: Weights,
        own: tuple[Weight, ...],
        wait: BudgetWait,
        events: CallEvents,
    ) -> None:
        self._clock = clock
        self._requests = requests
        self._weights = weights
        self._own = own
        self._wait = wait
        self._events = events
        self._epoch = 0  # of the clock, when the last request was stamped

    def stamp_ms(self) -> int:
        """Return the timestamp of the next request, UTC milliseconds, and remember the clock sample behind it."""
        clock = self._clock
        if isinstance(clock, ExchangeClock):
            self._epoch = clock.epoch
        return clock.now_ms()

    def sync_if_due(self, at_least: Due) -> Flow[None]:
        """Sync the clock if the sync is at least as urgent as `at_least`.

        A sync that is only due soon waits for no room and displaces no call: the next call does it just as well.

        Raises:
            BudgetExceeded: The sync is due now, since the clock may be wrong by more than the exchange accepts, and
                the budget has no room for it.
        """
        clock = self._clock
        if not isinstance(clock, ExchangeClock) or (due := clock.due) < at_least:
            return
        if due is Due.SOON and self._wait.would_displace(self._own, self._weights.of(SERVER_TIME, {})):
            return
        try:
            yield from self._sync(clock, 0.0 if due is Due.SOON else self._wait.max_wait_s)
        except BudgetExceeded:
            if due is not Due.SOON:
                raise

    def sync_after_refusal(self) -> Flow[bool]:
        """Sync the clock after a refused timestamp, and return whether the next timestamp is a better one."""
        clock = self._clock
        if not isinstance(clock, ExchangeClock):
            return False
        clock.refused(self._epoch)
        if clock.epoch != self._epoch:
            return True  # another call has synced the clock meanwhile
        return (yield from self._sync(clock, self._wait.max_wait_s))

    def _sync(self, clock: ExchangeClock, max_wait_s: float) -> Flow[bool]:
        """Ask the sources of the clock in turn, and return whether one answered with a time."""
        wait, events = self._wait, self._events
        begun, waited_ms = wait.ticks(), events.waited_ms
        weights = self._weights.of(SERVER_TIME, {})
        origin = self._requests.address(SERVER_TIME.server).origin
        # Before the first request another server may give the time, so that the sync costs no weight. After a refused
        # timestamp the server that refused it must be asked.
        spare = origin if not events.tries and wait.would_displace(self._own, weights) else None
        sync = clock.begin_sync(spare=spare)
        while (url := sync.url) is not None:
            counted = url.startswith(f"{origin}/")  # the other sources count on counters of their own
            sample = yield from self._ask(clock, url, weights if counted else None, max_wait_s)
            if sample is None:
                sync.failed()
            else:
                sync.sample(*sample)
        events.synced(sync.succeeded, clock.offset_ms)
        events.clock_ms += wait.ticks() - begun - (events.waited_ms - waited_ms)
        return sync.succeeded

    def _ask(
        self, clock: ExchangeClock, url: str, weights: tuple[Weight, ...] | None, max_wait_s: float
    ) -> Flow[tuple[int, int, int] | None]:
        """Ask one source for the time.

        Returns:
            Ticks before and after, and the server's time, all in milliseconds; None without a usable answer.
        """
        reservation = None
        if weights is not None:
            reservation = yield from self._wait.reserve(SERVER_TIME, weights, max_wait_s)
        outgoing = self._requests.fetch(url, SERVER_TIME)
        sent_ms, begun = clock.tick_ms(), perf_counter()
        answer: Answer | None = None
        ended: Ended = "lost"
        try:
            answer = yield outgoing
            ended = "answered"
        except NotSent:
            ended = "not-sent"
        except Lost:
            pass
        finally:
            if reservation is not None and weights is not None:
                self._wait.release(
                    reservation, ended, None if answer is None else used(weights, answer.headers)
                )
        received_ms = clock.tick_ms()  # before the answer is parsed: the round trip is over
        server_ms = None if answer is None else _server_time(answer)
        self._events.time_answered(
            outgoing,
            url,
            answer,
            outcome=ended if answer is None else "no" if server_ms is None else "done",
            weight=None if reservation is None else weight_of(SERVER_TIME, {}),
            begun=begun,
        )
        return None if server_ms is None else (sent_ms, max(sent_ms, received_ms), server_ms)


def _server_time(answer: Answer) -> int | None:
    """Return the time in a clock's answer, UTC milliseconds; None if the answer holds no positive time."""
    if answer.status != 200:
        return None
    from paydown_wire.models.server_time import ServerTime

    try:
        server_ms = ServerTime.from_json(parse_answer(answer, strict=False).json).server_time
    except DecodeError:
        return None
    return server_ms if server_ms > 0 else None
