"""The commands that the engine asks for, one at a time, and the type of each reply.

The engine only decides; a driver only acts. So the blocking and the awaited repayer cannot differ in a decision, and a
test can put anything between command and reply.

    ReadTime   ─▶ int         ReadBalances ─▶ Snapshot   ReadStatus ─▶ str
    ReadPrices ─▶ {asset: Price}                         ReadRows   ─▶ RowsRead
    Repay      ─▶ RepayOutcome   ReleaseGuard ─▶ None    Commit     ─▶ what its `write` returns
    AwaitRoom  ─▶ int         Pause        ─▶ None       ShowProgress ─▶ None

A decision gets a typed reply with `yield from command.reply()`; where the reply does not matter it yields the command.

A driver brackets every command with `Step` marks. They are the places at which the crash test kills the process, so
every command that touches the disk or the network has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from paydown.repay.evidence.rows import Row, Source
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.planning.plan import Price
from paydown.repay.progress import Progress

__all__ = [
    "AwaitRoom",
    "ClientCommand",
    "Command",
    "Commit",
    "Pause",
    "ReadBalances",
    "ReadPrices",
    "ReadRows",
    "ReadStatus",
    "ReadTime",
    "ReleaseGuard",
    "Repay",
    "RepayOutcome",
    "RowsRead",
    "ShowProgress",
    "Step",
]

R = TypeVar("R")


class Step(StrEnum):
    """A place in a run at which a process may die. Each is marked before and after."""

    READ_TIME = "read time"
    READ_BALANCES = "read balances"
    READ_STATUS = "read account status"
    READ_PRICES = "read prices"
    READ_ROWS = "read records"
    AWAIT_ROOM = "ask for room"
    REPAY = "repay"
    WRITE_INTENT = "write INTENT"
    WRITE_OUTCOME = "write outcome"
    WRITE_EVIDENCE = "write evidence"
    WRITE_ORPHANS = "mark orphans UNKNOWN"
    WRITE_PLAN = "write plan"
    WRITE_PLAN_STATE = "write plan state"
    WRITE_SNAPSHOT = "write snapshot"
    TAKE_LOCK = "take the account"
    RELEASE_LOCK = "release the account"
    RELEASE_GUARD = "release the client's guard"
    PAUSE = "pause"


class _Asks(Generic[R]):
    """A command whose reply is an `R`."""

    __slots__ = ()

    def reply(self) -> Generator[Any, Any, R]:
        """Yield this command to the driver, and return its reply with its type."""
        answer: R = yield self
        return answer


@dataclass(frozen=True, slots=True)
class ReadTime(_Asks[int]):
    """Read the exchange's own clock, in UTC milliseconds."""

    step = Step.READ_TIME


@dataclass(frozen=True, slots=True)
class ReadBalances(_Asks[Snapshot]):
    """Read all balances, and that of `asset` by its name if the list leaves it out: missing is not zero."""

    asset: str | None = None
    step = Step.READ_BALANCES


@dataclass(frozen=True, slots=True)
class ReadStatus(_Asks[str]):
    """Read the account's status."""

    step = Step.READ_STATUS


@dataclass(frozen=True, slots=True)
class ReadPrices(_Asks[Mapping[str, Price]]):
    """Read USD index prices. Assets without one are left out of the reply."""

    assets: tuple[str, ...]
    step = Step.READ_PRICES


@dataclass(frozen=True, slots=True)
class RowsRead:
    """The rows of the lists that could be read, and why the other lists could not."""

    rows: tuple[Row, ...]
    read: frozenset[Source]
    unread: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReadRows(_Asks[RowsRead]):
    """Read borrowings, repayments and flows since a moment. A list that fails is named, not raised."""

    asset: str
    since_ms: int
    step = Step.READ_ROWS


@dataclass(frozen=True, slots=True)
class AwaitRoom(_Asks[int]):
    """Ask how long it takes, in ms, until the budget has room for so much weight; 0 if it has. Reserves nothing."""

    weight: int
    step = Step.AWAIT_ROOM


@dataclass(frozen=True, slots=True)
class RepayOutcome:
    """The end of a repayment, as the client reports it.

    Attributes:
        kind: The outcome.
        attempt_id: Its id; `None` if it was refused before INTENT was written.
        again: "backoff" if the same may be tried again by itself, "never" if its cause must go first.
        wait_ms: How long to wait before trying again, if the exchange or the budget named a time.
        cause: Short name of the cause, for reports.
        detail: Class, status, code and text for the journal. No secret.
    """

    kind: Literal["executed", "rejected", "not-sent", "unknown"]
    attempt_id: str | None
    again: Literal["backoff", "never"] = "never"
    wait_ms: int | None = None
    cause: str = ""
    detail: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Repay(_Asks[RepayOutcome]):
    """Send one repayment once. INTENT is written between signing and the first byte.

    Attributes:
        plan_id: The plan it belongs to.
        number: Its place among the attempts of the plan, from 1.
        asset: Asset owed.
        amount: `amount` of the request; `None` sends none.
        expected: How much of the debt it should repay.
        pay_with: Payment assets.
        before: The last snapshot.
        since: Attempts answered as executed after that snapshot.
        fresh_snapshot: Whether no earlier attempt carries that snapshot.
        base_max_age_ms: How old the snapshot may be when the first byte is about to leave; `None` for any age.
    """

    plan_id: int
    number: int
    asset: str
    amount: Decimal | None
    expected: Decimal
    pay_with: tuple[str, ...]
    before: Snapshot
    since: tuple[str, ...]
    fresh_snapshot: bool
    base_max_age_ms: int | None = None
    step = Step.REPAY


@dataclass(frozen=True, slots=True)
class ReleaseGuard(_Asks[None]):
    """Release the client's own guard of an attempt that was settled, so that it lets the next one pass."""

    attempt_id: str
    executed: bool
    step = Step.RELEASE_GUARD


@dataclass(frozen=True, slots=True)
class Commit(_Asks[R]):
    """Write to the journal; the reply is what `write` returns. Durable when it returns."""

    step: Step
    write: Callable[[], R]


@dataclass(frozen=True, slots=True)
class Pause(_Asks[None]):
    """Wait, and wake at once when a stop is asked for."""

    duration_ms: int
    step = Step.PAUSE


@dataclass(frozen=True, slots=True)
class ShowProgress(_Asks[None]):
    """Pass one event of progress to the caller's display or log."""

    progress: Progress


ClientCommand: TypeAlias = (
    ReadTime | ReadBalances | ReadStatus | ReadPrices | ReadRows | AwaitRoom | Repay | ReleaseGuard | Pause
)
"""What is asked of the exchange, of the client or of time: all that a driver brackets with `Step` marks."""

Command: TypeAlias = ClientCommand | Commit[Any] | ShowProgress
