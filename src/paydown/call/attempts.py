"""Remember the attempts that may have been executed, so that no debt is repaid twice.

Every call that changes something is an attempt. It is noted before anything is sent, and forgotten only when
the answer proves that it was executed or refused, or when it certainly never left. Everything else, an
exception that was not foreseen, Ctrl-C, a cancelled task, leaves it open, and the next call on the same debt is
refused until the attempt is settled:

    INTENT ──> EXECUTED | REJECTED | NOT_SENT          forgotten
           ──> UNKNOWN ──settle()──> forgotten

The document defines which calls guard each other (`x-unresolved-scope`): repaying BNB guards repaying BNB, by
any call. This memory lives as long as its client; an observer can write it down for longer.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from os import urandom
from typing import TYPE_CHECKING, Final, Protocol

from paydown.call.outcome import Outcome
from paydown.errors import InvalidRequestType, PaydownError, UnknownAttempt, UnresolvedOutcome

if TYPE_CHECKING:
    from paydown_wire.operation import Operation


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call that changes something.

    Attributes:
        id: Local id, made at random. The exchange never sees it.
        operation: Name of the call, such as "margin.repay_debt".
        asset: The `asset` that the call names, or None.
        amount: The `amount` that the call names, as text; None means the whole debt.
        arguments: Every parameter as it goes on the wire, without timestamp and signature.
        created_at_ms: When it was noted, UTC milliseconds on the exchange's clock.
        sent_at_ms: When it was last signed, UTC milliseconds on the exchange's clock; None if it never was.
        outcome: The outcome, as far as it is proven.
    """

    id: str
    operation: str
    asset: str | None
    amount: str | None
    arguments: Mapping[str, str] = field(hash=False)
    created_at_ms: int
    sent_at_ms: int | None = None
    outcome: Outcome = Outcome.INTENT

    def __str__(self) -> str:
        amount = "the whole debt" if self.amount is None else self.amount
        what = f" of {amount} {self.asset}" if self.asset is not None else ""
        return f"{self.id}: {self.operation}{what}, {self.outcome.value}"


class AttemptObserver(Protocol):
    """Watches attempts: a journal, say. Called from the thread or task that makes the call."""

    def before_send(self, attempt: Attempt) -> None:
        """Note an attempt whose request is signed and not yet sent; again if the request is signed anew.

        `attempt.sent_at_ms` is its timestamp. Any exception refuses the attempt: nothing is sent then.
        """
        ...

    def after(self, attempt: Attempt, error: PaydownError | None) -> None:
        """Note the outcome of an attempt. An exception is logged and changes nothing, since the money has moved or not.

        Args:
            attempt: The attempt, with its outcome.
            error: The exception that the call raises, or None.
        """
        ...


class ObserverChain:
    """Two observers in a row: the second is asked only if the first lets the attempt pass."""

    def __init__(self, first: AttemptObserver, second: AttemptObserver) -> None:
        self._both = (first, second)

    def before_send(self, attempt: Attempt) -> None:
        """Ask both observers in turn; see `AttemptObserver.before_send`."""
        for observer in self._both:
            observer.before_send(attempt)

    def after(self, attempt: Attempt, error: PaydownError | None) -> None:
        """Pass the outcome to both observers, also to the second if the first fails.

        Args:
            attempt: The attempt, with its outcome.
            error: The exception that the call raises, or None.
        """
        first, second = self._both
        try:
            first.after(attempt, error)
        finally:
            second.after(attempt, error)


# The observers of the calls of this thread or task, in addition to the client's own: pairs of a client's attempts and
# an observer. They belong to the context, not to the client: they end with the block, and other threads never see them.
_observing: ContextVar[tuple[tuple[Attempts, AttemptObserver], ...]] = ContextVar(
    "paydown_observing", default=()
)


class Attempts:
    """The open attempts of one client. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Attempt] = {}
        self._holders: dict[tuple[str, str], str] = {}  # debt -> id of the attempt that guards it
        self._guards: dict[str, tuple[str, str]] = {}  # the same, read the other way

    @contextmanager
    def observing(self, observer: AttemptObserver) -> Generator[None]:
        """Let an observer watch the attempts that this thread or task makes while the block runs."""
        token = _observing.set((*_observing.get(), (self, observer)))
        try:
            yield
        finally:
            _observing.reset(token)

    def observer(self, permanent: AttemptObserver | None) -> AttemptObserver | None:
        """Return the observer of an attempt that begins now: the permanent one, then those of `observing`."""
        watching = permanent
        for attempts, observer in _observing.get():
            if attempts is self:
                watching = observer if watching is None else ObserverChain(watching, observer)
        return watching

    def begin(self, operation: Operation, texts: Mapping[str, str], *, now_ms: int) -> Attempt:
        """Note an attempt before anything is sent.

        Args:
            operation: The call.
            texts: Its parameters as they go on the wire.
            now_ms: Now, UTC milliseconds on the exchange's clock.

        Raises:
            UnresolvedOutcome: An attempt on the same debt is in flight, or may have happened.
        """
        attempt = Attempt(
            id=f"a{urandom(6).hex()}",
            operation=operation.name,
            asset=texts.get("asset"),
            amount=texts.get("amount"),
            arguments=texts,
            created_at_ms=now_ms,
        )
        scope = operation.unresolved_scope
        guard = None if scope is None else (scope.group, _same_debt(texts.get(scope.argument, "")))
        with self._lock:
            holder = None if guard is None else self._holders.get(guard)
            if holder is not None:
                raise _unresolved(self._open[holder], operation)
            self._open[attempt.id] = attempt
            if guard is not None:
                self._holders[guard] = attempt.id
                self._guards[attempt.id] = guard
        return attempt

    def update(
        self, attempt: Attempt, *, sent_at_ms: int | None = None, outcome: Outcome | None = None
    ) -> Attempt:
        """Note when an attempt was signed, or that its outcome is unknown.

        Args:
            attempt: The attempt.
            sent_at_ms: Its timestamp, UTC milliseconds; None keeps it.
            outcome: Its outcome; None keeps it.

        Returns:
            The changed attempt.
        """
        changed = Attempt(  # not `replace`, which takes ten times as long
            attempt.id,
            attempt.operation,
            attempt.asset,
            attempt.amount,
            attempt.arguments,
            attempt.created_at_ms,
            attempt.sent_at_ms if sent_at_ms is None else sent_at_ms,
            attempt.outcome if outcome is None else outcome,
        )
        with self._lock:
            if attempt.id in self._open:
                self._open[attempt.id] = changed
        return changed

    def close(self, attempt: Attempt) -> None:
        """Forget an attempt whose outcome is known."""
        with self._lock:
            self._close(attempt.id)

    def settle(self, attempt_id: str, *, executed: bool) -> Attempt:
        """Close an attempt whose outcome a person or a program has found out.

        Args:
            attempt_id: As in `OutcomeUnknown.attempt_id`.
            executed: Whether it happened.

        Returns:
            The attempt, as EXECUTED or REJECTED.

        Raises:
            UnknownAttempt: No such attempt is open, or its call is still in flight.
            InvalidRequestType: `executed` is neither True nor False.
        """
        if not isinstance(executed, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # None would read as "no"
            raise InvalidRequestType(
                f"settle() takes executed=True or executed=False, not {type(executed).__name__}.",
                parameter="executed",
            )
        with self._lock:
            attempt = self._open.get(attempt_id)
            if attempt is None:
                ids = ", ".join(open_.id for open_ in self._open.values() if open_.outcome is Outcome.UNKNOWN)
                raise UnknownAttempt(
                    f"No attempt {attempt_id!r} is open in this client. "
                    + (f"Open: {ids}." if ids else "None is open: nothing to settle.")
                )
            if attempt.outcome is not Outcome.UNKNOWN:
                raise UnknownAttempt(
                    f"Attempt {attempt_id} is still in flight. Wait for its call to end before settling it."
                )
            self._close(attempt_id)
        return replace(attempt, outcome=Outcome.EXECUTED if executed else Outcome.REJECTED)

    @property
    def unresolved(self) -> tuple[Attempt, ...]:
        """Return every attempt that may have been executed, oldest first. Attempts in flight are not among them."""
        with self._lock:
            return tuple(attempt for attempt in self._open.values() if attempt.outcome is Outcome.UNKNOWN)

    def _close(self, attempt_id: str) -> None:
        self._open.pop(attempt_id, None)
        guard = self._guards.pop(attempt_id, None)
        if guard is not None:
            del self._holders[guard]


_BLANK: Final = "\u115f\u1160\u3164\uffa0"  # letters by category, though nothing is seen of them


def _same_debt(asset: str) -> str:
    """Return one key per debt: two spellings of one name must not pass for two debts."""
    if asset.isascii():
        return asset.upper()
    from unicodedata import normalize

    # Only letters and digits count: a mark that joins, varies or shows nothing does not make another name. Two names
    # that differ only in such marks block each other until the doubt is settled, which costs a wait and no money.
    return "".join(
        letter for letter in normalize("NFKC", asset).upper() if letter.isalnum() and letter not in _BLANK
    )


def _unresolved(holder: Attempt, operation: Operation) -> UnresolvedOutcome:
    of = f" of {holder.asset}" if holder.asset is not None else ""
    if holder.outcome is Outcome.UNKNOWN:
        what = (
            f"{operation.name} was not sent: attempt {holder.id} ({holder.operation}{of}) may have happened. "
            f"Look at the balance{of}, then call settle({holder.id!r}, executed=True) or executed=False."
        )
    else:
        what = (
            f"{operation.name} was not sent: attempt {holder.id} ({holder.operation}{of}) is in flight. "
            "Wait for its call to end."
        )
    return UnresolvedOutcome(what, attempt_id=holder.id, operation=operation.name)
