"""The protocol of a budget: the methods that a client calls, and the types of their arguments and results.

    acquire(weights) ──> Reservation            send now, then release(reservation)
                    └──> Wait              sleep recheck_ms, then acquire again with place=wait.place
                         Wait.refused      it would take longer than max_wait_ms: do not send

A budget never sleeps and does no network I/O: the caller waits on its own clock, sync or async.
All durations are milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from paydown.errors import RequestNotSent

__all__ = [
    "Budget",
    "BudgetUnavailable",
    "BudgetUse",
    "Ended",
    "GateReason",
    "Limit",
    "Priority",
    "Reservation",
    "Rules",
    "Wait",
    "WaitReason",
    "Weight",
    "WindowUse",
]

Ended: TypeAlias = Literal["answered", "lost", "not-sent"]
"""How a call ended: an answer was read, it may have left without one, or nothing left this machine."""

GateReason: TypeAlias = Literal["rate-limited", "banned"]
"""Why all calls wait: HTTP 429 or HTTP 418."""

WaitReason: TypeAlias = Literal["spent", "queue", "rate-limited", "banned"]
"""`spent`: the minute is used up. `queue`: there is room, but it belongs to a call that waits ahead."""


class Priority(IntEnum):
    """The priority of a call. Calls of equal priority queue in the order in which they began to wait."""

    WRITE = 0
    """A call that moves money, and what it cannot go without, such as a clock sync."""

    READ = 1
    """Everything else. A read delays a write that waits by `Rules.read_may_delay_ms` at most."""


class Limit(NamedTuple):
    """One counter of the exchange, from `x-limits` of the document."""

    id: str
    """Its name in the document, such as "ip-weight"."""

    limit: int
    """How much fits into one interval."""

    interval_ms: int
    """Length of the interval."""


@dataclass(frozen=True, slots=True)
class Weight:
    """The weight of one call on one counter. Make it once per operation and use it again.

    A cost of 0 reserves nothing and never waits; it lets `release` take in the counter's header.
    """

    limit: Limit
    cost: int
    key: str = ""
    """Whose counter it is, where there are several: an account's name, an endpoint's path. No secret."""
    window: str = field(init=False)
    """Name of the window in the budget."""

    def __post_init__(self) -> None:
        if self.cost < 0:
            raise ValueError(f"a call cannot cost {self.cost}")
        if "\n" in self.key:
            raise ValueError("the key of a weight is one line")
        object.__setattr__(self, "window", f"{self.limit.id}/{self.key}" if self.key else self.limit.id)


class Rules(NamedTuple):
    """The margins that make the count safe. All processes that share a budget should use the same."""

    guard_ms: int = 1_000
    """Added to every interval. It covers an exchange that counts in whole seconds, and the drift of two
    clocks over a minute (12 ms at 100 ppm each)."""

    lost_ms: int = 10_000
    """How long after its caller gave up a request may still reach the counter: as long as one was seen to hang
    on the wire, and once more in front of the exchange."""

    send_within_ms: int = 5_000
    """A reservation is good for this long. A process that stood still for longer asks again (`may_send`)."""

    read_may_delay_ms: int = 5_000
    """How much later than first promised a waiting write may go because of reads. With 0, a repayment that
    waits for the other half of the minute stops all polling for a minute to gain a second."""

    read_reserve: Mapping[str, int] = {}
    """Limit id -> weight that reads may never use, whether or not a write waits. Default: none."""


class Reservation:
    """Room for one call, taken from the budget. Send the call, then `release` the reservation in any case.

    A reservation that is never released (the process died) counts as if the call had been answered as late as
    possible, then expires by itself.
    """

    __slots__ = ("acquired_ms", "id", "marks", "open", "priority", "send_before_ms", "weights")

    def __init__(
        self,
        id: int,
        weights: Sequence[Weight],
        priority: Priority,
        acquired_ms: int,
        send_before_ms: int,
        marks: list[tuple[int, int]],
    ) -> None:
        self.id: Final = id
        self.weights: Final = weights
        self.priority: Final = priority
        self.acquired_ms: Final = acquired_ms
        """When the room was taken, on the budget's ticks."""
        self.send_before_ms: Final = send_before_ms
        """Last tick at which the call may be written."""
        self.marks: Final = marks
        """Per weight: what had been released and what had expired by then, since the budget began."""
        self.open = True

    def __repr__(self) -> str:
        costs = ", ".join(f"{weight.window}: {weight.cost}" for weight in self.weights)
        return f"<Reservation {self.id} {costs}{'' if self.open else ' released'}>"


class Wait(NamedTuple):
    """The answer of `acquire` when the call must wait for room, or would wait longer than `max_wait_ms`."""

    wait_ms: int
    """The call cannot go before this long; others may make it longer."""

    recheck_ms: int
    """Sleep this long, then call `acquire` again. Longer naps lose the place in the queue."""

    reason: WaitReason
    """What it waits for."""

    window: str
    """The counter that has no room, or "" if the gate is closed for all."""

    place: int | None
    """Place in the queue, for the next `acquire`; `None` if refused."""

    refused: bool
    """Whether `wait_ms` exceeds `max_wait_ms`. Nothing was reserved and no place is kept."""


@dataclass(frozen=True, slots=True)
class WindowUse:
    """The use of one counter at one moment. All numbers are weights, not numbers of calls."""

    name: str
    """Limit id, and the key behind a slash."""

    used: int
    """All that may count on the other side: own calls, calls in flight, other users of the IP."""

    in_flight: int
    """The part reserved by calls that have not ended."""

    foreign: int
    """The part that the exchange's header showed beyond our own."""


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """The state of a budget at one moment."""

    windows: tuple[WindowUse, ...]
    gate_wait_ms: int
    """How long the gate stays closed; 0 if it is open."""
    gate_reason: GateReason | None
    waiting: int
    """Calls in the queue, of all processes that share the budget."""


class BudgetUnavailable(RequestNotSent):
    """The shared budget cannot be read or written, so what is left of it is unknown. Nothing was sent.

    The text names the file and the reason: damaged, disk full, read-only, held by a stopped process, written by a
    newer version. Going on without a shared budget is a decision for a person: pass `MemoryBudget()`.
    """


@runtime_checkable
class Budget(Protocol):
    """A count of all weight that the exchange may have counted, so that no call exceeds a limit.

    Every method may be called from any thread.

    `MemoryBudget` and `SqliteBudget` keep it; so may a class of yours, on a server say, for machines behind one
    address (examples/budget_server.py). Three things make it safe: a decision is taken on the newest state only,
    a budget that cannot be reached raises `BudgetUnavailable` before anything is sent, and what happened is written
    down before the next reservation is given.
    """

    def acquire(
        self,
        weights: Sequence[Weight],
        *,
        timeout_ms: int,
        priority: Priority = Priority.READ,
        max_wait_ms: int | None = None,
        place: int | None = None,
    ) -> Reservation | Wait:
        """Take room for one call, on all of its counters or on none.

        Args:
            weights: The weights of the call. Keep the sequence unchanged until the reservation is released.
            timeout_ms: The longest that the call can take from its first byte until its caller gives up.
            priority: Who goes first.
            max_wait_ms: Refuse instead of queueing if the wait is longer than this. `None`: any wait.
            place: `Wait.place` of the previous answer for the same call.

        Raises:
            ValueError: The call alone costs more than an interval allows. It can never be sent.
            BudgetUnavailable: The budget cannot be used. Nothing was reserved.
        """
        ...

    def may_send(self, reservation: Reservation) -> bool:
        """Return whether the reservation is still good. If not, release it as "not-sent" and acquire again.

        Ask right before writing the request. A process that was stopped in between (a debugger, a sleeping
        laptop) would otherwise send on room that went to another call.
        """
        ...

    def release(
        self, reservation: Reservation, *, ended: Ended = "answered", used: Mapping[str, int] | None = None
    ) -> None:
        """Release a reservation after its request. A second release does nothing; a failure of the budget never raises.

        Args:
            reservation: The reservation that `acquire` returned.
            ended: "answered": a complete status line and headers were read. "not-sent": no byte of the
                request left, so its room is free at once. "lost": anything else.
            used: Used weight that the header of this answer shows, by limit id.
        """
        ...

    def close_gate(self, wait_ms: int, reason: GateReason) -> None:
        """Let no call pass for a while. A gate that is closed for longer already stays closed for longer.

        Never raises on account of the budget.

        Args:
            wait_ms: For how long; see `gate_pause_ms`.
            reason: Why.
        """
        ...

    def leave(self, place: int) -> None:
        """Give up a place in the queue. A place that is not renewed is lost within seconds anyway."""
        ...

    def snapshot(self) -> BudgetUse:
        """Return what the budget holds now."""
        ...

    def close(self) -> None:
        """Close the files of the budget. The weight that was counted stays counted."""
        ...
