"""What the budget is asked and what it answers.

    acquire(charges) ──> Ticket            send now, then settle(ticket)
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
    "Charge",
    "Ended",
    "GateReason",
    "Limit",
    "PoolUse",
    "Priority",
    "Rules",
    "Snapshot",
    "Ticket",
    "Wait",
    "WaitReason",
    "gate_pause_ms",
]

Ended: TypeAlias = Literal["answered", "lost", "not-sent"]
"""How a call ended: an answer was read, it may have left without one, or nothing left this machine."""

GateReason: TypeAlias = Literal["rate-limited", "banned"]
"""Why everybody waits: HTTP 429 or HTTP 418."""

WaitReason: TypeAlias = Literal["spent", "queue", "rate-limited", "banned"]
"""`spent`: the minute is used up. `queue`: there is room, but it belongs to a call that waits ahead."""


class Priority(IntEnum):
    """Who goes first. Calls of equal priority queue in the order in which they began to wait."""

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
class Charge:
    """What one call costs on one counter. Make it once per operation and use it again.

    A cost of 0 reserves nothing and never waits; it lets `settle` take in the counter's header.
    """

    limit: Limit
    cost: int
    key: str = ""
    """Whose counter it is, where there are several: an account's name, an endpoint's path. No secret."""
    pool: str = field(init=False)
    """Name of the counter in the ledger."""

    def __post_init__(self) -> None:
        if self.cost < 0:
            raise ValueError(f"a call cannot cost {self.cost}")
        if "\n" in self.key:
            raise ValueError("the key of a charge is one line")
        object.__setattr__(self, "pool", f"{self.limit.id}/{self.key}" if self.key else self.limit.id)


class Rules(NamedTuple):
    """The margins that make the count safe. All processes that share a ledger should use the same."""

    guard_ms: int = 1_000
    """Added to every interval. It covers an exchange that counts in whole seconds, and the drift of two
    clocks over a minute (12 ms at 100 ppm each)."""

    lost_ms: int = 10_000
    """How long after its caller gave up a request may still reach the counter: as long as one was seen to hang
    on the wire, and once more in front of the exchange."""

    send_within_ms: int = 5_000
    """A ticket is good for this long. A process that stood still for longer asks again (`may_send`)."""

    read_may_delay_ms: int = 5_000
    """How much later than first promised a waiting write may go because of reads. With 0, a repayment that
    waits for the other half of the minute stops all polling for a minute to gain a second."""

    read_reserve: Mapping[str, int] = {}
    """Limit id -> weight that reads may never use, whether or not a write waits. Default: none."""


class Ticket:
    """Room for one call, taken from the ledger. Send the call, then `settle` the ticket, whatever happened.

    A ticket that is never settled (the process died) counts as if the call had been answered as late as
    possible, then expires by itself.
    """

    __slots__ = ("acquired_ms", "charges", "id", "marks", "open", "priority", "send_before_ms")

    def __init__(
        self,
        id: int,
        charges: Sequence[Charge],
        priority: Priority,
        acquired_ms: int,
        send_before_ms: int,
        marks: list[tuple[int, int]],
    ) -> None:
        self.id: Final = id
        self.charges: Final = charges
        self.priority: Final = priority
        self.acquired_ms: Final = acquired_ms
        """When the room was taken, on the ledger's ticks."""
        self.send_before_ms: Final = send_before_ms
        """Last tick at which the call may be written."""
        self.marks: Final = marks
        """Per charge: what had been settled and what had expired by then, since the ledger began."""
        self.open = True

    def __repr__(self) -> str:
        costs = ", ".join(f"{charge.pool}: {charge.cost}" for charge in self.charges)
        return f"<Ticket {self.id} {costs}{'' if self.open else ' settled'}>"


class Wait(NamedTuple):
    """There is no room yet, or never within `max_wait_ms`."""

    wait_ms: int
    """The call cannot go before this long; others may make it longer."""

    recheck_ms: int
    """Sleep this long, then call `acquire` again. Longer naps lose the place in the queue."""

    reason: WaitReason
    """What it waits for."""

    pool: str
    """The counter that has no room, or "" if the gate is closed for all."""

    place: int | None
    """Place in the queue, for the next `acquire`; `None` if refused."""

    refused: bool
    """Whether `wait_ms` exceeds `max_wait_ms`. Nothing was reserved and no place is kept."""


@dataclass(frozen=True, slots=True)
class PoolUse:
    """What one counter holds now. Weights, not calls."""

    name: str
    """Limit id, and the key behind a slash."""

    used: int
    """All that may count on the other side: own calls, calls in flight, other users of the IP."""

    in_flight: int
    """The part reserved by calls that have not ended."""

    foreign: int
    """The part that the exchange's header showed beyond our own."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The ledger at one moment."""

    pools: tuple[PoolUse, ...]
    gate_wait_ms: int
    """How long the gate stays closed; 0 if it is open."""
    gate_reason: GateReason | None
    waiting: int
    """Calls in the queue, of all processes that share the ledger."""


class BudgetUnavailable(RequestNotSent):
    """The shared ledger cannot be read or written, so nobody knows what is left. Nothing was sent.

    The text says which file and why: damaged, disk full, read-only, held by a stopped process, written by a
    newer version. Going on without a shared ledger is a decision for a person: pass `MemoryBudget()`.
    """


@runtime_checkable
class Budget(Protocol):
    """One ledger of what the exchange may have counted. Every method may be called from any thread.

    `MemoryBudget` and `SqliteBudget` keep it; so may a class of yours, on a server say, for machines behind one
    address (examples/budget_server.py). Three things make it safe: a decision is taken on the newest state only,
    a ledger that cannot be reached raises `BudgetUnavailable` before anything is sent, and what happened is written
    down before the next ticket is given.
    """

    def acquire(
        self,
        charges: Sequence[Charge],
        *,
        timeout_ms: int,
        priority: Priority = Priority.READ,
        max_wait_ms: int | None = None,
        place: int | None = None,
    ) -> Ticket | Wait:
        """Take room for one call, on all of its counters or on none.

        Args:
            charges: What the call costs. Keep the sequence unchanged until the ticket is settled.
            timeout_ms: The longest that the call can take from its first byte until its caller gives up.
            priority: Who goes first.
            max_wait_ms: Refuse instead of queueing if the wait is longer than this. `None`: any wait.
            place: `Wait.place` of the previous answer for the same call.

        Raises:
            ValueError: The call alone costs more than an interval allows. It can never be sent.
            BudgetUnavailable: The ledger cannot be used. Nothing was reserved.
        """
        ...

    def may_send(self, ticket: Ticket) -> bool:
        """Whether the ticket is still good. If not: settle it as "not-sent" and acquire again.

        Ask right before writing the request. A process that was stopped in between (a debugger, a sleeping
        laptop) would otherwise send on room that went to somebody else.
        """
        ...

    def settle(
        self, ticket: Ticket, *, ended: Ended = "answered", used: Mapping[str, int] | None = None
    ) -> None:
        """The call is over. Never raises on account of the ledger; settling twice does nothing.

        Args:
            ticket: What `acquire` gave.
            ended: "answered": a complete status line and headers were read. "not-sent": no byte of the
                request left, so its room is free at once. "lost": anything else.
            used: Limit id -> what the exchange's header says is used, from this answer.
        """
        ...

    def close_gate(self, wait_ms: int, reason: GateReason) -> None:
        """Let nobody send for `wait_ms` (see `gate_pause_ms`). A gate closed for longer stays closed.

        Never raises on account of the ledger.
        """
        ...

    def leave(self, place: int) -> None:
        """Give up a place in the queue. A place that is not renewed is lost within seconds anyway."""
        ...

    def snapshot(self) -> Snapshot:
        """What the ledger holds now."""
        ...

    def close(self) -> None:
        """Release files. The ledger itself stays."""
        ...


def gate_pause_ms(
    status: int,
    *,
    now_ms: int,
    retry_after_ms: int | None = None,
    banned_until_ms: int | None = None,
    pause_after_429_ms: int,
    minimum_ban_ms: int,
    maximum_ban_ms: int,
) -> int:
    """How long to close the gate after HTTP 429 or 418.

    What the exchange says wins: `Retry-After`, or the moment after "banned until" in the text of -1003; the
    later of the two if it says both. Otherwise the document's pauses. No pause is longer than the longest ban: a
    header of a gateway, or of somebody who plays the exchange, must not close a gate for years.

    Args:
        status: 429 or 418.
        now_ms: The exchange's time, UTC ms.
        retry_after_ms: `Retry-After`, in milliseconds.
        banned_until_ms: UTC ms.
        pause_after_429_ms: `x-ban.pause-after-429-ms` of the document.
        minimum_ban_ms: `x-ban.minimum-ms` of the document.
        maximum_ban_ms: `x-ban.maximum-ms` of the document.
    """
    said = [pause for pause in (retry_after_ms,) if pause is not None and pause >= 0]
    if banned_until_ms is not None and banned_until_ms > now_ms:
        said.append(banned_until_ms - now_ms)
    if said:
        return min(max(said), maximum_ban_ms)
    return minimum_ban_ms if status == 418 else pause_after_429_ms
