"""Every decision about a call, and no I/O: one generator that both clients drive.

    flow ──Outgoing──> driver sends it once     ──Answer──> flow
         ──Sleep────> driver sleeps             ──None────> flow
                      driver fails: the exception is thrown into the flow, which knows what it means

A call that changes something:  check, note the attempt, clock, budget, sign, observer, send once, judge
A read:                         check, clock, budget, sign, send, judge, repeat while the document allows

The attempt is noted before anything is sent and cleared only by an answer that decides, or by the certainty
that nothing left. So whatever passes through here, an interrupt, a cancelled task, a bug, leaves it
unresolved.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from paydown.budget.charges import LIMIT_HEADERS, Charges, order_count, used, used_weight, weight_of
from paydown.budget.protocol import Charge, Ended, Priority, Ticket, gate_pause_ms
from paydown.call.attempts import Attempt, AttemptObserver, Attempts, AttemptState, refused_by_observer
from paydown.call.outcome import (
    NOT_JSON,
    Answer,
    Answered,
    Verdict,
    banned_until_ms,
    described,
    judge,
    read,
    refusal,
)
from paydown.call.parameters import checked_recv_window, wire_texts
from paydown.call.retry import ReadRetries, retry_after_s
from paydown.clock import Clock, Due, ExchangeClock
from paydown.errors import (
    BudgetExceeded,
    ClientClosed,
    ClockRejected,
    ConnectionFailed,
    OutcomeUnknown,
    PaydownError,
    RateLimited,
    ReadFailed,
    RequestNotSent,
    RequestRejected,
)
from paydown.events import LOGGER, Event, LastCall, Reporter
from paydown.transport.channel import Lost, NotSent, Outgoing
from paydown_wire.error_codes import BAN, SIGNING
from paydown_wire.operation import UNSET, DecodeError
from paydown_wire.operations import SERVER_TIME

if TYPE_CHECKING:
    from paydown.budget.protocol import Budget
    from paydown.call.request import Prepared, RequestMaker
    from paydown_wire.operation import Operation

T = TypeVar("T")


class Sleep(NamedTuple):
    """Ask the driver to do nothing for a while."""

    seconds: float


Command: TypeAlias = Outgoing | Sleep
Flow: TypeAlias = Generator[Command, Answer | None, T]

_LIMITED: Final = (429, 418)
_numbers = count(1)  # of calls, for events


@dataclass(slots=True)
class Core:
    """What one client knows: shared by all its calls, whatever thread or task makes them.

    Attributes:
        requests: Writes and signs requests.
        clock: Tells the exchange's time, UTC milliseconds.
        budget: The ledger of request weight.
        charges: What each call costs.
        attempts: What may have happened.
        retries: How reads are repeated.
        reporter: Who is told.
        observer: Watches every attempt, or None.
        recv_window: How long the exchange may still accept a request, ms.
        max_wait_s: Longest wait for room in the budget, per call.
        ticks: Milliseconds that only run forward.
        last: The last request and its answer.
        closed: Whether the client was closed.
    """

    requests: RequestMaker
    clock: Clock
    budget: Budget
    charges: Charges
    attempts: Attempts
    retries: ReadRetries
    reporter: Reporter
    observer: AttemptObserver | None
    recv_window: int
    max_wait_s: float
    ticks: Callable[[], int]
    last: LastCall | None = None
    closed: bool = False

    def call(
        self, operation: Operation, arguments: Mapping[str, object], decode: Callable[[object], T]
    ) -> Flow[T]:
        """The flow of one call.

        Args:
            operation: What to call.
            arguments: Values by wire name; `UNSET` ones count as absent.
            decode: Reads the answer's JSON.

        Raises:
            RequestNotSent: Nothing left this machine.
            RequestRejected: The exchange refused.
            OutcomeUnknown: It may have happened; only from calls that change something.
            ReadFailed: No usable answer; only from reads.
        """
        self.check_open()
        texts = wire_texts(operation, arguments)
        self.requests.check(operation)
        window = arguments.get("recvWindow", UNSET)
        call = _Call(
            self, operation, texts, self.recv_window if window is UNSET else checked_recv_window(window)
        )
        flow = call.write(decode) if operation.mutates else call.read(decode)
        if self.reporter.wants("ended"):
            flow = call.told(flow)
        return (yield from flow)

    def check_open(self) -> None:
        """Refuse to go on after `close()`."""
        if self.closed:
            raise ClientClosed("This client is closed. Nothing was sent; open a new one.")

    @property
    def offset_ms(self) -> int | None:
        """The exchange's clock minus this machine's, milliseconds; None if never measured."""
        return self.clock.offset_ms if isinstance(self.clock, ExchangeClock) else None


class _Call:
    """One call on its way."""

    __slots__ = (
        "attempt",
        "charges",
        "clock_ms",
        "core",
        "epoch",
        "number",
        "observer",
        "operation",
        "paused_ms",
        "priority",
        "texts",
        "tries",
        "unresolved",
        "waited_ms",
        "window",
    )

    def __init__(self, core: Core, operation: Operation, texts: Mapping[str, str], window: int) -> None:
        self.core = core
        self.operation = operation
        self.texts = texts
        self.window = window
        self.charges = core.charges.of(operation, texts)
        self.priority = Priority.WRITE if operation.mutates else Priority.READ
        self.tries = 0
        self.epoch = 0  # of the clock, when the last request was stamped
        self.attempt: Attempt | None = None
        self.observer: AttemptObserver | None = None
        self.unresolved = False
        self.number = next(_numbers)
        self.waited_ms = self.clock_ms = self.paused_ms = 0

    def told(self, flow: Flow[T]) -> Flow[T]:
        """The same flow, between two events."""
        core, name = self.core, self.operation.name
        begun = perf_counter()
        core.reporter.tell(Event("begun", name, call=self.number))
        failure: BaseException | None = None
        try:
            return (yield from flow)
        except BaseException as error:
            failure = error
            raise
        finally:
            raised = failure if isinstance(failure, PaydownError) else None
            core.reporter.tell(
                Event(
                    "ended",
                    name,
                    call=self.number,
                    outcome="unknown" if self.unresolved else _outcome(failure),
                    error="" if failure is None else type(failure).__name__,
                    status=None if raised is None else raised.status,
                    code=None if raised is None else raised.code,
                    weight=weight_of(self.operation, self.texts),
                    elapsed_ms=round((perf_counter() - begun) * 1000, 3),
                    waited_ms=self.waited_ms,
                    clock_ms=self.clock_ms,
                    paused_ms=self.paused_ms,
                    tries=self.tries,
                    attempt_id=None if self.attempt is None else self.attempt.id,
                )
            )

    # ----------------------------------------------------------------------------------------------- write

    def write(self, decode: Callable[[object], T]) -> Flow[T]:
        core, operation = self.core, self.operation
        self.observer = core.attempts.observer(core.observer)
        attempt = core.attempts.begin(operation, self.texts, now_ms=core.clock.now_ms())
        # What becomes of the attempt if anything at all is raised from here on.
        state, failure, ticket = AttemptState.NOT_SENT, None, None
        try:
            until = core.ticks() + int(core.max_wait_s * 1000)
            if operation.signed:
                yield from self.sync_if(Due.NOW)
            ticket = yield from self.room((until - core.ticks()) / 1000)
            refused = None
            while True:
                ticket = yield from self.still_room(ticket)
                prepared = self.prepare()
                attempt = self.attempt = core.attempts.update(attempt, sent_at_ms=prepared.sent_at_ms)
                self.ask_observer(attempt)
                state = AttemptState.UNKNOWN
                try:
                    answered, verdict = yield from self.exchange(prepared, ticket)
                except NotSent as error:
                    state = AttemptState.NOT_SENT
                    raise refused or self.not_connected(prepared, error) from error
                except Lost as error:
                    raise self.unknown(attempt, prepared, None, str(error)) from error
                except BaseException as error:
                    if left_nothing(error):
                        state = AttemptState.NOT_SENT
                    raise
                if verdict.executed == "done":
                    try:
                        result = decode(answered.json)
                    except Exception as error:  # noqa: BLE001  # executed or not, the caller must hear of it as unknown
                        said = described(answered, verdict, prepared.cleaner())
                        why = f"{said}, whose body cannot be read: {error}"
                        raise self.unknown(attempt, prepared, answered, why) from cleaned(error, prepared)
                    state = AttemptState.EXECUTED
                    return result
                if verdict.executed == "unknown":
                    why = described(answered, verdict, prepared.cleaner())
                    raise self.unknown(attempt, prepared, answered, why, verdict)
                state = AttemptState.REJECTED
                error_ = self.refusal(answered, verdict, prepared)
                if refused is not None or not isinstance(error_, ClockRejected):
                    raise error_
                # Refused for its timestamp, so certainly not executed: ask for the time, and send once more.
                refused = error_
                try:
                    if not (yield from self.clock_was_wrong()):
                        raise refused
                    ticket = yield from self.room(core.max_wait_s)
                except RequestNotSent:
                    raise refused from None  # not NotSent: the first request left
                self.tell_repeating(0.0)
        except BaseException as error:
            failure = error
            raise
        finally:
            if ticket is not None and ticket.open:
                self.settle(ticket, "lost" if state is AttemptState.UNKNOWN else "not-sent")
            self.end(attempt, state, failure)

    def ask_observer(self, attempt: Attempt) -> None:
        """Let a journal write down what was signed, before the first byte of it leaves."""
        observer = self.observer
        if observer is None:
            return
        try:
            observer.before_send(attempt)
        except PaydownError:
            raise
        except Exception as error:
            raise refused_by_observer(attempt, error) from error

    def end(self, attempt: Attempt, state: AttemptState, failure: BaseException | None) -> None:
        """Tell what became of the attempt, and forget it unless it may have happened."""
        core = self.core
        unknown = self.unresolved = state is AttemptState.UNKNOWN
        if unknown or self.observer is not None:
            # Also while the observer writes it down: an interrupt there must leave something to settle.
            core.attempts.update(attempt, state=AttemptState.UNKNOWN)
        if self.observer is not None:
            try:
                self.observer.after(
                    replace(attempt, state=state), failure if isinstance(failure, PaydownError) else None
                )
            except Exception:  # noqa: BLE001  # the outcome is decided, whatever the observer makes of it
                LOGGER.exception("the observer of attempts failed after %s", attempt.id)
        if not unknown:
            core.attempts.close(attempt)
        elif core.reporter.wants("unresolved"):
            status = failure.status if isinstance(failure, PaydownError) else None
            core.reporter.tell(
                Event(
                    "unresolved",
                    self.operation.name,
                    call=self.number,
                    outcome="unknown",
                    status=status,
                    attempt_id=attempt.id,
                )
            )

    # ------------------------------------------------------------------------------------------------ read

    def read(self, decode: Callable[[object], T]) -> Flow[T]:
        core, operation = self.core, self.operation
        retries = core.retries
        begun: int | None = None
        until = core.ticks() + int(core.max_wait_s * 1000)
        may_have_left = clock_asked = False
        while True:
            if operation.signed:
                yield from self.sync_if(Due.SOON)
            ends = until if begun is None else begun + int(retries.deadline_s * 1000)
            ticket = yield from self.room((ends - core.ticks()) / 1000)
            begun = core.ticks() if begun is None else begun
            prepared = self.prepare()
            asked_s: float | None = None
            try:
                answered, verdict = yield from self.exchange(prepared, ticket)
            except NotSent as error:
                failure: PaydownError = self.not_connected(prepared, error)
                failure.__cause__ = error
            except Lost as error:
                may_have_left = True
                failure = self.read_failed(prepared, None, f"the answer was lost ({error})")
                failure.__cause__ = error
            else:
                may_have_left = True
                if verdict.executed == "done" and answered.json is not NOT_JSON:
                    try:
                        return decode(answered.json)
                    except DecodeError as error:
                        # The same question would get the same odd answer.
                        raise self.read_failed(
                            prepared, answered, f"the answer cannot be read ({error})"
                        ) from cleaned(error, prepared)
                failure, again = self.read_failure(answered, verdict, prepared)
                if isinstance(failure, ClockRejected) and not clock_asked:
                    clock_asked = True
                    again = yield from self.clock_was_wrong()
                if not again:
                    raise failure
                if isinstance(failure, RateLimited):
                    asked_s = failure.retry_after_s
                else:
                    asked_s = retry_after_s(answered.answer.headers, now_ms=core.clock.now_ms())
            pause_s = retries.pause_s(self.tries, asked_s)
            late = (core.ticks() - begun) / 1000 + pause_s > retries.deadline_s
            if late or self.tries >= retries.tries:
                raise self.given_up(failure, prepared, may_have_left)
            self.tell_repeating(pause_s)
            paused = core.ticks()
            yield Sleep(pause_s)
            self.paused_ms += core.ticks() - paused

    def read_failure(
        self, answered: Answered, verdict: Verdict, prepared: Prepared
    ) -> tuple[PaydownError, bool]:
        """What an answer without an answer means for a read, and whether to ask again."""
        if verdict.executed == "done":
            return self.read_failed(prepared, answered, "the answer is not JSON"), True
        if verdict.executed == "unknown":
            # For a write it decides nothing; a read may always be repeated after a pause.
            why = described(answered, verdict, prepared.cleaner())
            return self.read_failed(prepared, answered, f"the answer was no answer ({why})", verdict), True
        error = self.refusal(answered, verdict, prepared)
        return error, verdict.retry == "yes-after-backoff"

    def given_up(self, failure: PaydownError, prepared: Prepared, may_have_left: bool) -> PaydownError:
        """The error for the last failure: itself where it says more than that it was the last."""
        if isinstance(failure, (RateLimited, ReadFailed)) or not may_have_left:
            return failure
        error = self.read_failed(prepared, None, f"the last time because: {failure}")
        error.status, error.code, error.code_name = failure.status, failure.code, failure.code_name
        error.msg, error.headers = failure.msg, failure.headers
        error.__cause__ = failure
        return error

    # -------------------------------------------------------------------------------------- clock and budget

    def sync_if(self, at_least: Due) -> Flow[None]:
        clock = self.core.clock
        if not isinstance(clock, ExchangeClock) or (due := clock.due) < at_least:
            return
        if due is Due.SOON and self.takes_the_last(self.core.charges.of(SERVER_TIME, {})):
            return
        try:
            yield from self.sync(clock, 0.0 if due is Due.SOON else self.core.max_wait_s)
        except BudgetExceeded:
            if due is not Due.SOON:
                raise  # the clock may be wrong by more than the exchange accepts

    def clock_was_wrong(self) -> Flow[bool]:
        """Ask for the time after a refused timestamp. False if that changes nothing."""
        clock = self.core.clock
        if not isinstance(clock, ExchangeClock):
            return False
        clock.refused(self.epoch)
        if clock.epoch != self.epoch:
            return True  # another call has asked meanwhile
        return (yield from self.sync(clock, self.core.max_wait_s))

    def sync(self, clock: ExchangeClock, max_wait_s: float) -> Flow[bool]:
        """Ask for the time; False if nobody answered."""
        core = self.core
        begun, waited_ms = core.ticks(), self.waited_ms
        charges = core.charges.of(SERVER_TIME, {})
        origin = core.requests.address(SERVER_TIME.server).origin
        # A refused timestamp is a matter between the exchange and its own clock.
        sync = clock.begin_sync(spare=origin if not self.tries and self.takes_the_last(charges) else None)
        while (url := sync.url) is not None:
            ticket = None
            if url.startswith(f"{origin}/"):  # the other clocks count on counters of their own
                ticket = yield from self.room(max_wait_s, SERVER_TIME, charges)
            outgoing = core.requests.fetch(url, SERVER_TIME)
            sent_ms, started = clock.tick_ms(), perf_counter()
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
                if ticket is not None:
                    self.settle(ticket, ended, None if answer is None else used(charges, answer.headers))
            received_ms = clock.tick_ms()  # before anything is made of the answer: the round trip is over
            server_ms = None if answer is None else _server_time(answer)
            if core.reporter.wants("answered"):
                core.reporter.tell(
                    Event(
                        "answered",
                        SERVER_TIME.name,
                        call=self.number,
                        outcome=ended if answer is None else "no" if server_ms is None else "done",
                        method=outgoing.method,
                        url=url,
                        status=None if answer is None else answer.status,
                        weight=None if ticket is None else weight_of(SERVER_TIME, {}),
                        elapsed_ms=round((perf_counter() - started) * 1000, 3),
                    )
                )
            if server_ms is None:
                sync.failed()
            else:
                sync.sample(sent_ms, max(sent_ms, received_ms), server_ms)
        if core.reporter.wants("synced"):
            outcome = "done" if sync.succeeded else "no"
            core.reporter.tell(
                Event(
                    "synced",
                    SERVER_TIME.name,
                    call=self.number,
                    outcome=outcome,
                    offset_ms=clock.offset_ms,
                )
            )
        self.clock_ms += core.ticks() - begun - (self.waited_ms - waited_ms)
        return sync.succeeded

    def takes_the_last(self, clock: tuple[Charge, ...]) -> bool:
        """Whether asking for the time would cost this call its room in this minute, or a repayment the room of the
        next one like it: two fit exactly, and with the weight of the clock beside them only one."""
        used = {pool.name: pool.used for pool in self.core.budget.snapshot().pools}
        needed = {charge.pool: charge.cost for charge in clock}
        most = 1 if self.priority is Priority.READ else None
        for charge in self.charges:
            if charge.cost and charge.pool in needed:
                free = max(0, charge.limit.limit - used.get(charge.pool, 0))
                fit, fit_then = (left // charge.cost for left in (free, free - needed[charge.pool]))
                if fit > fit_then and (most is None or fit == most):
                    return True
        return False

    def room(
        self, max_wait_s: float, operation: Operation | None = None, charges: tuple[Charge, ...] | None = None
    ) -> Flow[Ticket]:
        """Wait until the budget has room for the call, or for another that it cannot go without."""
        core = self.core
        operation = operation or self.operation
        asked = charges or self.charges
        longest_ms = max(0, int(max_wait_s * 1000))
        until = core.ticks() + longest_ms
        timeout_ms = int(1000 * (2 * operation.connect_timeout_s + operation.answer_timeout_s))
        place: int | None = None
        told = False
        while True:
            try:
                grant = core.budget.acquire(
                    asked,
                    timeout_ms=timeout_ms,
                    priority=self.priority,
                    max_wait_ms=longest_ms,
                    place=place,
                )
            except ValueError as error:
                raise BudgetExceeded(
                    f"{self.operation.name} was not sent: {error}.", operation=self.operation.name
                ) from error
            if isinstance(grant, Ticket):
                return grant
            if grant.refused:
                wait_s = grant.wait_ms / 1000
                raise BudgetExceeded(
                    f"{self.operation.name} was not sent: there is room in {wait_s:.1f} s at the earliest"
                    f" ({grant.reason}), and max_wait_s is {core.max_wait_s:g}. Call again then.",
                    wait_s=wait_s,
                    operation=self.operation.name,
                )
            place = grant.place
            if not told and core.reporter.wants("waiting"):
                core.reporter.tell(
                    Event("waiting", self.operation.name, call=self.number, wait_s=grant.wait_ms / 1000)
                )
            told = True
            slept = core.ticks()
            try:
                yield Sleep(grant.recheck_ms / 1000)
            except BaseException:
                if place is not None:
                    core.budget.leave(place)
                raise
            finally:
                self.waited_ms += core.ticks() - slept
            longest_ms = max(0, until - core.ticks())

    def still_room(self, ticket: Ticket) -> Flow[Ticket]:
        """The ticket, or a new one if this process stood still for so long that its room has gone."""
        budget = self.core.budget
        while not budget.may_send(ticket):
            self.settle(ticket, "not-sent")
            ticket = yield from self.room(self.core.max_wait_s)
        return ticket

    def settle(self, ticket: Ticket, ended: Ended, used: Mapping[str, int] | None = None) -> None:
        """Tell the budget how a request ended. What a budget of somebody else's raises here must not pass for what
        is known about the debt."""
        try:
            self.core.budget.settle(ticket, ended=ended, used=used)
        except Exception:  # noqa: BLE001  # see above
            LOGGER.exception("the budget failed after %s", self.operation.name)

    # ------------------------------------------------------------------------------------------- one request

    def prepare(self) -> Prepared:
        """Stamp and sign: the last thing before sending."""
        clock = self.core.clock
        self.tries += 1
        if isinstance(clock, ExchangeClock):
            self.epoch = clock.epoch
        return self.core.requests.make(
            self.operation, self.texts, timestamp_ms=clock.now_ms(), recv_window=self.window
        )

    def exchange(self, prepared: Prepared, ticket: Ticket) -> Flow[tuple[Answered, Verdict]]:
        """Send once, keep the ledger, and judge the answer."""
        operation = self.operation
        begun = perf_counter()
        try:
            answer = yield prepared.outgoing
            assert answer is not None  # the driver answers an Outgoing with an Answer  # noqa: S101
        except BaseException as error:
            not_sent = isinstance(error, NotSent) or left_nothing(error)
            self.settle(ticket, "not-sent" if not_sent else "lost")
            self.note(
                prepared, None, None, "not-sent" if not_sent else "lost", (perf_counter() - begun) * 1000
            )
            raise
        elapsed_ms = (perf_counter() - begun) * 1000
        self.settle(ticket, "answered", used(self.charges, answer.headers))
        answered = read(answer, strict=operation.mutates)
        if answer.status in _LIMITED:
            self.close_gate(answered)
        verdict = judge(operation, answered, self.texts)
        self.note(prepared, answer, answered.code, verdict.executed, elapsed_ms)
        return answered, verdict

    def close_gate(self, answered: Answered) -> None:
        """After 429 and 418 nobody sends: going on regardless is what earns a ban."""
        core, answer = self.core, answered.answer
        now_ms = core.clock.now_ms()
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
            core.budget.close_gate(pause_ms, "banned" if answer.status == 418 else "rate-limited")
        except Exception:  # noqa: BLE001  # as for settle
            LOGGER.exception("the budget could not close its gate after HTTP %d", answer.status)

    def note(
        self, prepared: Prepared, answer: Answer | None, code: int | None, outcome: str, elapsed_ms: float
    ) -> None:
        """Remember the request for `client.last`, and tell of it."""
        core, operation = self.core, self.operation
        headers: Mapping[str, str] = {} if answer is None else answer.headers
        weight = used_weight(operation, headers)
        core.last = LastCall(
            operation=operation.name,
            status=None if answer is None else answer.status,
            used_weight=weight,
            order_count=order_count(headers),
            headers={name: headers[name] for name in LIMIT_HEADERS if name in headers},
            sent_at_ms=prepared.sent_at_ms,
            elapsed_ms=elapsed_ms,
            clock_offset_ms=core.offset_ms,
        )
        if core.reporter.wants("answered"):
            core.reporter.tell(
                Event(
                    "answered",
                    operation.name,
                    call=self.number,
                    outcome=outcome,
                    method=operation.method,
                    url=prepared.outgoing.address.origin + prepared.outgoing.target.partition("?")[0],
                    status=None if answer is None else answer.status,
                    code=code,
                    weight=weight_of(operation, self.texts),
                    used_weight=weight,
                    elapsed_ms=round(elapsed_ms, 3),
                    tries=self.tries,
                    attempt_id=None if self.attempt is None else self.attempt.id,
                )
            )

    def tell_repeating(self, wait_s: float) -> None:
        if self.core.reporter.wants("repeating"):
            self.core.reporter.tell(
                Event(
                    "repeating",
                    self.operation.name,
                    call=self.number,
                    wait_s=round(wait_s, 3),
                    tries=self.tries,
                )
            )

    # ------------------------------------------------------------------------------------------------ errors

    def not_connected(self, prepared: Prepared, error: NotSent) -> ConnectionFailed:
        return ConnectionFailed(
            f"{self.operation.name} was not sent: no connection to {prepared.outgoing.address.origin}"
            f" ({prepared.cleaner()(str(error))})."
            " Nothing left this machine; calling again is safe.",
            operation=self.operation.name,
        )

    def refusal(self, answered: Answered, verdict: Verdict, prepared: Prepared) -> PaydownError:
        error = refusal(
            self.operation,
            answered,
            verdict,
            now_ms=self.core.clock.now_ms(),
            sent_at_ms=prepared.sent_at_ms,
            clean=prepared.cleaner(),
        )
        if self.attempt is not None:
            error.attempt_id = self.attempt.id
        return error

    def unknown(
        self,
        attempt: Attempt,
        prepared: Prepared,
        answered: Answered | None,
        why: str,
        verdict: Verdict | None = None,
    ) -> OutcomeUnknown:
        of = f" of {attempt.asset}" if attempt.asset is not None else ""
        clean = prepared.cleaner()
        error = OutcomeUnknown(
            f"{self.operation.name}{of} may have happened: attempt {attempt.id}, {clean(why)}."
            f" Do not send it again. Look at the balance{of}, then call"
            f" settle({attempt.id!r}, executed=True) or executed=False.",
            operation=self.operation.name,
            status=None if answered is None else answered.answer.status,
            code=None if answered is None else answered.code,
            code_name=None if verdict is None or verdict.row is None else verdict.row.name,
            msg=None if answered is None else clean(answered.msg),
            headers=None if answered is None else clean.headers(answered.answer.headers),
            sent_at_ms=prepared.sent_at_ms,
        )
        error.attempt_id = attempt.id
        error.reason = clean(why) or ""
        error.excerpt = "" if answered is None else clean.excerpt(answered.answer.body)
        return error

    def read_failed(
        self, prepared: Prepared, answered: Answered | None, why: str, verdict: Verdict | None = None
    ) -> ReadFailed:
        clean = prepared.cleaner()
        error = ReadFailed(
            f"{self.operation.name} has no usable answer after {self.tries} request(s): {clean(why)}."
            " Nothing was changed; calling again is safe.",
            operation=self.operation.name,
            status=None if answered is None else answered.answer.status,
            code=None if answered is None else answered.code,
            code_name=None if verdict is None or verdict.row is None else verdict.row.name,
            msg=None if answered is None else clean(answered.msg),
            headers=None if answered is None else clean.headers(answered.answer.headers),
            sent_at_ms=prepared.sent_at_ms,
        )
        error.tries = self.tries
        error.excerpt = "" if answered is None else clean.excerpt(answered.answer.body)
        return error


def left_nothing(error: BaseException) -> bool:
    """Whether an interrupt came before a connection stood, as the channel marks by its cause: nothing has left."""
    return not isinstance(error, Exception) and isinstance(error.__cause__, NotSent)


def cleaned(error: Exception, prepared: Prepared) -> Exception:
    """An error of a decoder without what it repeats of the request: a traceback shows it with the error of the call."""
    if not isinstance(error, DecodeError):
        return error
    clean = prepared.cleaner()
    return DecodeError(clean(error.path) or "", clean(error.reason) or "")


def default_recv_window() -> int:
    """The document's recvWindow, ms."""
    return SIGNING.default_recv_window_ms


def _outcome(failure: BaseException | None) -> str:
    """How a call ended, if nothing is left unresolved."""
    if failure is None:
        return "done"
    if isinstance(failure, RequestNotSent):
        return "not-sent"
    if isinstance(failure, RequestRejected):
        return "rejected"
    return "read-failed" if isinstance(failure, ReadFailed) else "interrupted"


def _server_time(answer: Answer) -> int | None:
    """The time in a clock's answer, or None if it is no such answer, or no moment that a clock can show."""
    if answer.status != 200:
        return None
    from paydown_wire.models.server_time import ServerTime

    try:
        server_ms = ServerTime.from_json(read(answer, strict=False).json).server_time
    except DecodeError:
        return None
    return server_ms if server_ms > 0 else None
