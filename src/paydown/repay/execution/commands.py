"""What the engine asks for, one thing at a time, and what it is told in return.

The engine decides and never does; a driver does and never decides. So the sync and the async
repayer cannot differ in a decision, and a test can put anything between question and answer.

    ReadTime   ─▶ int         ReadBalances ─▶ Look       ReadStatus ─▶ str
    ReadPrices ─▶ {asset: Price}                         ReadRows   ─▶ RowsRead
    Repay      ─▶ Outcome     Settle       ─▶ None       Commit     ─▶ whatever was committed
    AwaitRoom  ─▶ int         Pause        ─▶ None       Tell       ─▶ None

A driver brackets every command with `Step` marks. They are the places at which the crash test
kills the process, so every command that touches the disk or the network has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from paydown.repay.evidence.observed import Row, Source
from paydown.repay.evidence.snapshot import Look
from paydown.repay.progress import Progress

__all__ = [
    "Asked",
    "AwaitRoom",
    "Command",
    "Commit",
    "Outcome",
    "Pause",
    "ReadBalances",
    "ReadPrices",
    "ReadRows",
    "ReadStatus",
    "ReadTime",
    "Repay",
    "RowsRead",
    "Settle",
    "Step",
    "Tell",
]


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
    WRITE_LOOK = "write look"
    TAKE_LOCK = "take the account"
    RELEASE_LOCK = "release the account"
    SETTLE = "settle in the client"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class ReadTime:
    """Read the exchange's own clock."""

    step = Step.READ_TIME


@dataclass(frozen=True, slots=True)
class ReadBalances:
    """Read all balances, and those of `asset` by its name if the list leaves it out: missing is not zero."""

    asset: str | None = None
    step = Step.READ_BALANCES


@dataclass(frozen=True, slots=True)
class ReadStatus:
    """Read the account's status."""

    step = Step.READ_STATUS


@dataclass(frozen=True, slots=True)
class ReadPrices:
    """Read USD index prices. Assets without one are left out of the answer."""

    assets: tuple[str, ...]
    step = Step.READ_PRICES


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Read borrowings, repayments and flows since a moment. A list that fails is named, not raised."""

    asset: str
    since_ms: int
    step = Step.READ_ROWS


@dataclass(frozen=True, slots=True)
class RowsRead:
    """Rows of the lists that could be read, and why the others could not."""

    rows: tuple[Row, ...]
    read: frozenset[Source]
    unread: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AwaitRoom:
    """Ask how long it takes, in ms, until the budget has room for so much weight; 0 if it has. Reserves nothing."""

    weight: int
    step = Step.AWAIT_ROOM


@dataclass(frozen=True, slots=True)
class Repay:
    """Send one repayment once. INTENT is written between signing and the first byte.

    Attributes:
        plan_id: The plan it belongs to.
        number: Its place among the attempts of the plan, from 1.
        asset: Asset owed.
        amount: `amount` of the request; `None` sends none.
        expected: How much of the debt it should repay.
        pay_with: Payment assets.
        before: The last look.
        since: Attempts answered as executed after that look.
        fresh_look: Whether no earlier attempt carries that look.
        base_max_age_ms: How old the look may be when the first byte is about to leave; `None` for any age.
    """

    plan_id: int
    number: int
    asset: str
    amount: Decimal | None
    expected: Decimal
    pay_with: tuple[str, ...]
    before: Look
    since: tuple[str, ...]
    fresh_look: bool
    base_max_age_ms: int | None = None
    step = Step.REPAY


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a repayment ended, as the client reports it.

    Attributes:
        kind: What is known.
        attempt_id: Its id; `None` if it was refused before INTENT was written.
        again: "backoff" if the same may be tried again by itself, "never" if its cause must go first.
        wait_ms: How long to wait before trying again, if the other side or the budget said so.
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
class Settle:
    """Tell the client's own guard what became of an attempt, so that it lets the next one pass."""

    attempt_id: str
    executed: bool
    step = Step.SETTLE


@dataclass(frozen=True, slots=True)
class Commit:
    """Write to the journal; the answer is what `write` returns. Durable when it returns."""

    step: Step
    write: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait, but wake at once when somebody asks to stop."""

    duration_ms: int
    step = Step.PAUSE


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell whoever watches."""

    progress: Progress


Asked: TypeAlias = (
    ReadTime | ReadBalances | ReadStatus | ReadPrices | ReadRows | AwaitRoom | Repay | Settle | Pause
)
"""What is asked of the exchange, of the client or of time: all that a driver brackets with `Step` marks."""

Command: TypeAlias = Asked | Commit | Tell
