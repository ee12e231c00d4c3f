"""The reports of a client about its work: `client.last`, one hook, and the log.

Log records go to `paydown.client`. Their text is short; `record.paydown` holds the same facts as a dict.
Neither, nor any event, holds a key, a signature, a query or a body.

    DEBUG    begun, ended        a call, from its first check of the clock to its result or error
    DEBUG    answered, synced    one request and its end; the clock was set
    INFO     waiting, repeating  room in the budget is waited for; a read, or a refused timestamp, goes again
    WARNING  unresolved          an attempt may have happened

Arguments that are refused before anything is done make no call. `paydown.telemetry` turns events into spans.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal

EventName = Literal["begun", "answered", "waiting", "repeating", "synced", "unresolved", "ended"]

LOGGER: Final = logging.getLogger("paydown.client")

_LEVELS: Final[Mapping[EventName, int]] = {
    "begun": logging.DEBUG,
    "ended": logging.DEBUG,
    "answered": logging.DEBUG,
    "synced": logging.DEBUG,
    "waiting": logging.INFO,
    "repeating": logging.INFO,
    "unresolved": logging.WARNING,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a client did.

    Attributes:
        name: The name of the event: see the module.
        operation: Name of the call it was done for, such as "margin.repay_debt"; "market.time" where a request
            only asked for the time.
        call: Number of the call within this process.
        outcome: How a request ended: "done", "no", "unknown", "not-sent" or "lost". How a call ended: "done",
            "rejected", "unknown", "not-sent", "read-failed" or, by an interrupt of a read or before a request,
            "interrupted".
        error: Class of what a call raised, else "".
        method: HTTP method of a request.
        url: Where a request went, without its query.
        status: HTTP status, if an answer came.
        code: Code of the exchange, if the answer had one.
        weight: The weight of the request.
        used_weight: The used weight that the answer's header shows.
        elapsed_ms: Of a request from its first byte, or its connecting where that was needed, to the last byte
            read; of a call as a whole. Milliseconds.
        waited_ms: The part of a call that it waited for room in the budget.
        clock_ms: The part that it took to ask for the time.
        paused_ms: The part that it paused between tries.
        wait_s: How long is waited now, seconds.
        tries: Number of the request within its call.
        attempt_id: The attempt, for calls that change something.
        offset_ms: The exchange's clock minus this machine's, milliseconds.
    """

    name: EventName
    operation: str
    call: int | None = None
    outcome: str = ""
    error: str = ""
    method: str = ""
    url: str = ""
    status: int | None = None
    code: int | None = None
    weight: int | None = None
    used_weight: int | None = None
    elapsed_ms: float | None = None
    waited_ms: int | None = None
    clock_ms: int | None = None
    paused_ms: int | None = None
    wait_s: float | None = None
    tries: int | None = None
    attempt_id: str | None = None
    offset_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LastCall:
    """The last request of a client, in any thread or task, and its answer.

    Attributes:
        operation: Name of the call.
        status: HTTP status; None if no answer came.
        used_weight: The request weight of this minute that the answer shows as used; None if it does not
            show that.
        order_count: The same for orders.
        headers: The answer's headers that speak of limits: used weight, order count, Retry-After.
        sent_at_ms: When it was signed, UTC milliseconds on the exchange's clock; None for unsigned calls.
        elapsed_ms: From the first byte written to the last byte read, milliseconds.
        clock_offset_ms: The exchange's clock minus this machine's; None if never measured.
    """

    operation: str
    status: int | None
    used_weight: int | None
    order_count: int | None
    headers: Mapping[str, str]
    sent_at_ms: int | None
    elapsed_ms: float
    clock_offset_ms: int | None


class Reporter:
    """Hands events to the hook and to the log, where one of them takes them.

    A hook that raises is logged and otherwise ignored: it cannot change whether the money has moved.
    """

    __slots__ = ("_hook",)

    def __init__(self, hook: Callable[[Event], object] | None) -> None:
        self._hook = hook

    def wants(self, name: EventName) -> bool:
        """Return whether the hook or the log takes this event; this check costs less than building an event."""
        return self._hook is not None or LOGGER.isEnabledFor(_LEVELS[name])

    def report(self, event: Event) -> None:
        """Hand an event to the hook and the log."""
        level = _LEVELS[event.name]
        if LOGGER.isEnabledFor(level):
            facts = {key: value for key, value in asdict(event).items() if value not in (None, "")}
            details = " ".join(
                f"{key}={value}" for key, value in facts.items() if key not in ("name", "operation")
            )
            LOGGER.log(level, "%s %s %s", event.operation, event.name, details, extra={"paydown": facts})
        if self._hook is not None:
            try:
                self._hook(event)
            except Exception:  # a failing hook of the user must not decide about money
                LOGGER.exception("the on_event hook failed")
