"""One call in execution: who asks for what, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias, cast

from paydown_sandbox.books.ledger import Account, Transfer
from paydown_sandbox.bundled_document import OperationFacts
from paydown_sandbox.checks.parameter_checks import Arguments

if TYPE_CHECKING:
    from paydown_sandbox.faults.fault_effects import Answers, Headers
    from paydown_sandbox.http_messages import RawResponse
    from paydown_sandbox.request_log import RequestRecord

__all__ = ["Call", "LedgerLine", "Reply"]

Reply: TypeAlias = "Callable[[Answers, RequestRecord, Headers], RawResponse]"


@dataclass(slots=True)
class LedgerLine:
    """One thing that was executed: what moved, and how the debt changed. Amounts in units of their asset."""

    id: int
    time_ms: int
    account: str
    operation: str
    asset: str | None
    request: int | None
    interest: Decimal
    principal: Decimal
    transfers: list[Transfer]
    tran_id: int | None = None


@dataclass(slots=True)
class Call:
    """What a handler gets. Handlers refuse before they change anything.

    `accepted` says that what was asked for is under way or dropped, although nothing has moved yet, `answer_lost` that
    a fault will lose the answer; `reply` writes another answer than the handler's own.
    """

    facts: OperationFacts
    account: Account | None
    arguments: Arguments
    texts: dict[str, str]
    now_ms: int
    request: int | None = None
    debt_call: bool = False
    accepted: bool = False
    answer_lost: bool = False
    reply: Reply | None = None
    lines: list[LedgerLine] = field(default_factory=list[LedgerLine])

    @property
    def owner(self) -> Account:
        """The account of the key that signed."""
        if self.account is None:
            raise LookupError(f"{self.facts.id} is a call without a key: it has no account")
        return self.account

    def text(self, name: str) -> str:
        """A required text argument."""
        return cast(str, self.arguments[name])

    def optional_text(self, name: str) -> str | None:
        """An optional text argument."""
        return cast("str | None", self.arguments.get(name))

    def integer(self, name: str) -> int | None:
        """An optional whole number."""
        return cast("int | None", self.arguments.get(name))

    def amount(self, name: str) -> Decimal | None:
        """An optional amount."""
        return cast("Decimal | None", self.arguments.get(name))

    def required_amount(self, name: str) -> Decimal:
        """A required amount."""
        return cast(Decimal, self.arguments[name])

    def texts_of(self, name: str) -> tuple[str, ...] | None:
        """An optional list of texts."""
        return cast("tuple[str, ...] | None", self.arguments.get(name))
