"""One call, from checked arguments to a result or an exception, as a flow without I/O that both clients run.

A call that changes something:  check, note the attempt, clock, budget, sign, observer, send once, decide
A read:                         check, clock, budget, sign, send, decide, repeat while the document allows

The attempt is noted before anything is sent, and cleared only by an answer that decides, or by the certainty that
nothing left. An exception that was not foreseen, an interrupt or a cancelled task, at any point in between, therefore
leaves the attempt unresolved, and the client refuses to repay that debt again until the attempt is settled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from paydown.budget.protocol import Priority
from paydown.budget.weights import LIMIT_HEADERS, order_count, used, used_weight
from paydown.call import failures
from paydown.call.answer import NOT_JSON, parse_answer
from paydown.call.attempts import Attempts
from paydown.call.budget_wait import BudgetWait
from paydown.call.call_events import CallEvents
from paydown.call.clock_sync import ClockSync
from paydown.call.flow import Sleep
from paydown.call.outcome import Outcome, answer_outcome
from paydown.call.parameters import checked_recv_window, wire_texts
from paydown.call.retry import ReadRetries, retry_after_s
from paydown.clock import Clock, Due, ExchangeClock
from paydown.errors import ClientClosed, ClockRejected, PaydownError, RateLimited, RequestNotSent
from paydown.events import LOGGER, LastCall, Reporter
from paydown.transport.channel import Lost, NotSent
from paydown_wire.operation import UNSET, DecodeError

if TYPE_CHECKING:
    from paydown.budget.protocol import Budget, Ended, Reservation
    from paydown.budget.weights import Weights
    from paydown.call.answer import ParsedAnswer
    from paydown.call.attempts import Attempt, AttemptObserver
    from paydown.call.flow import Flow
    from paydown.call.outcome import AnswerOutcome
    from paydown.call.request import Prepared, RequestMaker
    from paydown.transport.channel import Answer
    from paydown_wire.operation import Operation

T = TypeVar("T")


@dataclass(slots=True)
class Core:
    """The parts that all calls of one client share, in every thread and task.

    Attributes:
        requests: Writes and signs requests.
        clock: Knows the exchange's time, UTC milliseconds.
        budget: The budget of request weight.
        weights: The weights of each operation.
        attempts: The attempts that may have been executed.
        retries: How reads are repeated.
        reporter: Takes the events.
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
    weights: Weights
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
        """Return the flow of one call.

        Args:
            operation: The operation to call.
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
            flow = call.events.around(flow)
        return (yield from flow)

    def check_open(self) -> None:
        """Refuse to go on after `close()`."""
        if self.closed:
            raise ClientClosed("This client is closed. Nothing was sent; open a new one.")

    @property
    def offset_ms(self) -> int | None:
        """Return the exchange's clock minus this machine's, milliseconds; None if never measured."""
        return self.clock.offset_ms if isinstance(self.clock, ExchangeClock) else None


class _Call:
    """One call in progress."""

    __slots__ = (
        "attempt",
        "clock",
        "core",
        "events",
        "observer",
        "operation",
        "recv_window",
        "texts",
        "wait",
        "weights",
    )

    def __init__(self, core: Core, operation: Operation, texts: Mapping[str, str], recv_window: int) -> None:
        self.core = core
        self.operation = operation
        self.texts = texts
        self.recv_window = recv_window
        self.weights = core.weights.of(operation, texts)
        self.events = CallEvents(core.reporter, operation, self.weights[0].cost)
        priority = Priority.WRITE if operation.mutates else Priority.READ
        self.wait = BudgetWait(core.budget, core.ticks, core.max_wait_s, priority, self.events)
        self.clock = ClockSync(core.clock, core.requests, core.weights, self.weights, self.wait, self.events)
        self.attempt: Attempt | None = None
        self.observer: AttemptObserver | None = None

    # ------------------------------------------------------------------------- calls that change something

    def write(self, decode: Callable[[object], T]) -> Flow[T]:
        """Make a call that changes something: one attempt, sent once.

        A request goes out a second time in one case only: the exchange has refused the first for its timestamp, so
        the first was certainly not executed.
        """
        core, operation, wait = self.core, self.operation, self.wait
        self.observer = core.attempts.observer(core.observer)
        attempt = core.attempts.begin(operation, self.texts, now_ms=core.clock.now_ms())
        # The outcome of the attempt if any exception is raised from here on.
        outcome, failure, reservation = Outcome.NOT_SENT, None, None
        try:
            until = core.ticks() + int(core.max_wait_s * 1000)
            if operation.signed:
                yield from self.clock.sync_if_due(Due.NOW)
            reservation = yield from wait.reserve(operation, self.weights, (until - core.ticks()) / 1000)
            refused: PaydownError | None = None
            while True:
                reservation = yield from wait.renew(operation, reservation)
                prepared = self.prepare()
                attempt = self.note_signed(attempt, prepared)
                self.ask_observer(attempt)
                outcome = Outcome.UNKNOWN
                try:
                    answered, proven = yield from self.exchange(prepared, reservation)
                except NotSent as error:
                    outcome = Outcome.NOT_SENT
                    raise refused or failures.not_connected(operation, prepared, error) from error
                except Lost as error:
                    raise failures.unknown(attempt, prepared, None, str(error)) from error
                except BaseException as error:
                    if failures.left_nothing(error):
                        outcome = Outcome.NOT_SENT
                    raise
                if proven.executed == "done":
                    result = self.decoded(decode, attempt, prepared, answered, proven)
                    outcome = Outcome.EXECUTED
                    return result
                if proven.executed == "unknown":
                    why = failures.described(answered, proven, prepared.redactor())
                    raise failures.unknown(attempt, prepared, answered, why, proven)
                outcome = Outcome.REJECTED
                error_ = self.refusal(answered, proven, prepared)
                if refused is not None or not isinstance(error_, ClockRejected):
                    raise error_
                # The request was refused for its timestamp, so it was certainly not executed: sync the clock, and send
                # it again.
                refused = error_
                try:
                    if not (yield from self.clock.sync_after_refusal()):
                        raise refused
                    reservation = yield from wait.reserve(operation, self.weights, core.max_wait_s)
                except RequestNotSent:
                    raise refused from None  # not NotSent: the first request left
                self.events.repeating(0.0)
        except BaseException as error:
            failure = error
            raise
        finally:
            if reservation is not None and reservation.open:
                wait.release(reservation, "lost" if outcome is Outcome.UNKNOWN else "not-sent")
            self.end(attempt, outcome, failure)

    def note_signed(self, attempt: Attempt, prepared: Prepared) -> Attempt:
        """Note when the attempt was signed."""
        self.attempt = attempt = self.core.attempts.update(attempt, sent_at_ms=prepared.sent_at_ms)
        self.events.attempt_id = attempt.id
        return attempt

    def ask_observer(self, attempt: Attempt) -> None:
        """Let the observer, such as a journal, record the signed request before its first byte leaves."""
        observer = self.observer
        if observer is None:
            return
        try:
            observer.before_send(attempt)
        except PaydownError:
            raise
        except Exception as error:
            raise failures.refused_by_observer(attempt, error) from error

    def decoded(
        self,
        decode: Callable[[object], T],
        attempt: Attempt,
        prepared: Prepared,
        answered: ParsedAnswer,
        proven: AnswerOutcome,
    ) -> T:
        """Decode an answer that confirms the call. If that fails, the caller has no result, so it counts as unknown."""
        try:
            return decode(answered.json)
        except Exception as error:  # noqa: BLE001  # executed or not, the caller must get it as unknown
            summary = failures.described(answered, proven, prepared.redactor())
            why = f"{summary}, whose body cannot be read: {error}"
            raise failures.unknown(attempt, prepared, answered, why) from failures.redacted(error, prepared)

    def end(self, attempt: Attempt, outcome: Outcome, failure: BaseException | None) -> None:
        """Report the attempt's outcome, and forget the attempt unless it may have been executed."""
        core = self.core
        unknown = outcome is Outcome.UNKNOWN
        if unknown or self.observer is not None:
            # The attempt is UNKNOWN for the client while the observer records any outcome, so that an interrupt
            # meanwhile leaves an attempt that can be settled.
            core.attempts.update(attempt, outcome=Outcome.UNKNOWN)
        if self.observer is not None:
            try:
                self.observer.after(
                    replace(attempt, outcome=outcome), failure if isinstance(failure, PaydownError) else None
                )
            except Exception:  # noqa: BLE001  # the outcome is decided; a failing observer does not change it
                LOGGER.exception("the observer of attempts failed after %s", attempt.id)
        if unknown:
            self.events.left_unresolved(failure)
        else:
            core.attempts.close(attempt)

    # ----------------------------------------------------------------------------------------------- reads

    def read(self, decode: Callable[[object], T]) -> Flow[T]:
        """Make a call that changes nothing, and repeat it while the document and the client's retries allow."""
        core, operation, events = self.core, self.operation, self.events
        retries = core.retries
        begun: int | None = None
        until = core.ticks() + int(core.max_wait_s * 1000)
        may_have_left = clock_asked = False
        while True:
            if operation.signed:
                yield from self.clock.sync_if_due(Due.SOON)
            ends = until if begun is None else begun + int(retries.deadline_s * 1000)
            reservation = yield from self.wait.reserve(operation, self.weights, (ends - core.ticks()) / 1000)
            begun = core.ticks() if begun is None else begun
            prepared = self.prepare()
            asked_s: float | None = None
            try:
                answered, proven = yield from self.exchange(prepared, reservation)
            except NotSent as error:
                failure: PaydownError = failures.not_connected(operation, prepared, error)
                failure.__cause__ = error
            except Lost as error:
                may_have_left = True
                failure = self.read_failed(prepared, None, f"the answer was lost ({error})")
                failure.__cause__ = error
            else:
                may_have_left = True
                if proven.executed == "done" and answered.json is not NOT_JSON:
                    try:
                        return decode(answered.json)
                    except DecodeError as error:
                        # Repeating the request would bring the same unreadable answer.
                        raise self.read_failed(
                            prepared, answered, f"the answer cannot be read ({error})"
                        ) from failures.redacted(error, prepared)
                failure, again = self.read_failure(answered, proven, prepared)
                if isinstance(failure, ClockRejected) and not clock_asked:
                    clock_asked = True
                    again = yield from self.clock.sync_after_refusal()
                if not again:
                    raise failure
                asked_s = self.asked_pause_s(answered, failure)
            pause_s = retries.pause_s(events.tries, asked_s)
            late = (core.ticks() - begun) / 1000 + pause_s > retries.deadline_s
            if late or events.tries >= retries.tries:
                raise failures.retries_exhausted(
                    operation, failure, prepared, may_have_left=may_have_left, tries=events.tries
                )
            events.repeating(pause_s)
            paused = core.ticks()
            yield Sleep(pause_s)
            events.paused_ms += core.ticks() - paused

    def read_failure(
        self, answered: ParsedAnswer, proven: AnswerOutcome, prepared: Prepared
    ) -> tuple[PaydownError, bool]:
        """Return the error for an answer that a read cannot use, and whether to ask again."""
        if proven.executed == "done":
            return self.read_failed(prepared, answered, "the answer is not JSON"), True
        if proven.executed == "unknown":
            # Such an answer proves nothing about a write, but a read may always be repeated after a pause.
            why = failures.described(answered, proven, prepared.redactor())
            return self.read_failed(prepared, answered, f"the answer is not usable ({why})", proven), True
        return self.refusal(answered, proven, prepared), proven.retry == "yes-after-backoff"

    def read_failed(
        self,
        prepared: Prepared,
        answered: ParsedAnswer | None,
        why: str,
        proven: AnswerOutcome | None = None,
    ) -> PaydownError:
        """Return the error for a request of this read that brought no usable answer."""
        return failures.read_failed(
            self.operation, prepared, answered, why, tries=self.events.tries, outcome=proven
        )

    def asked_pause_s(self, answered: ParsedAnswer, failure: PaydownError) -> float | None:
        """Return the pause that the exchange asks for, seconds, or None if it asks for none."""
        if isinstance(failure, RateLimited):
            return failure.retry_after_s
        return retry_after_s(answered.answer.headers, now_ms=self.core.clock.now_ms())

    # ----------------------------------------------------------------------------------- sending one request

    def prepare(self) -> Prepared:
        """Stamp and sign the request: the last step before sending."""
        self.events.tries += 1
        return self.core.requests.make(
            self.operation, self.texts, timestamp_ms=self.clock.stamp_ms(), recv_window=self.recv_window
        )

    def exchange(
        self, prepared: Prepared, reservation: Reservation
    ) -> Flow[tuple[ParsedAnswer, AnswerOutcome]]:
        """Send a request once, release its reservation, and decide what the answer proves."""
        operation, core = self.operation, self.core
        begun = perf_counter()
        try:
            answer = yield prepared.outgoing
            assert answer is not None  # the loop answers an Outgoing with an Answer  # noqa: S101
        except BaseException as error:
            nothing_left = isinstance(error, NotSent) or failures.left_nothing(error)
            ended: Ended = "not-sent" if nothing_left else "lost"
            self.wait.release(reservation, ended)
            self.note(prepared, None, None, ended, (perf_counter() - begun) * 1000)
            raise
        elapsed_ms = (perf_counter() - begun) * 1000
        self.wait.release(reservation, "answered", used(self.weights, answer.headers))
        answered = parse_answer(answer, strict=operation.mutates)
        self.wait.close_gate(answered, core.clock.now_ms)
        proven = answer_outcome(operation, answered, self.texts)
        self.note(prepared, answer, answered.code, proven.executed, elapsed_ms)
        return answered, proven

    def refusal(self, answered: ParsedAnswer, proven: AnswerOutcome, prepared: Prepared) -> PaydownError:
        """Return the error for an answer which proves that nothing was executed."""
        error = failures.refusal(
            self.operation,
            answered,
            proven,
            now_ms=self.core.clock.now_ms(),
            sent_at_ms=prepared.sent_at_ms,
            redact=prepared.redactor(),
        )
        if self.attempt is not None:
            error.attempt_id = self.attempt.id
        return error

    def note(
        self, prepared: Prepared, answer: Answer | None, code: int | None, outcome: str, elapsed_ms: float
    ) -> None:
        """Keep the request for `client.last`, and report it."""
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
        self.events.answered(
            prepared, answer, code=code, outcome=outcome, used_weight=weight, elapsed_ms=elapsed_ms
        )
