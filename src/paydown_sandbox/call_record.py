"""One call in execution: the account, its arguments, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from paydown_sandbox.books.exact_amounts import ZERO
from paydown_sandbox.books.history import History
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.books.ledger_line import LedgerLine, Transfer
from paydown_sandbox.bundled_document import OperationFacts
from paydown_sandbox.http_messages import RawResponse
from paydown_sandbox.operations.answers import Answers, Headers
from paydown_sandbox.request_log import RequestRecord

__all__ = ["AnswerWriter", "Call"]

AnswerWriter: TypeAlias = Callable[[Answers, RequestRecord, Headers], RawResponse]


def _no_lines() -> list[LedgerLine]:
    return []  # ten times as fast as calling `list[LedgerLine]`, once per call


@dataclass(slots=True)
class Call:
    """One call that passed every check. Its handler refuses it before anything changes, or executes it.

    Attributes:
        facts: The operation of the document.
        account: The account of the key, for operations that need a key.
        arguments: The checked parameters, by name. The validator decides their types, so the readers below trust it:
            a check at run time would cost every call.
        texts: The same parameters as they were written.
        now_ms: The moment of execution, milliseconds UTC.
        request: The id of the request in the log.
        debt_call: Whether it borrows or repays, so that only one such call of an account runs at a time.
        accepted: Whether what was asked for is under way or was dropped, although no money has moved yet.
        answer_lost: Whether a fault will lose the answer.
        answer_writer: Writes another answer than the handler's result.
        lines: The ledger lines that it wrote.
    """

    facts: OperationFacts
    account: Account | None
    arguments: Mapping[str, Any]
    texts: dict[str, str]
    now_ms: int
    request: int | None = None
    debt_call: bool = False
    accepted: bool = False
    answer_lost: bool = False
    answer_writer: AnswerWriter | None = None
    lines: list[LedgerLine] = field(default_factory=_no_lines)

    @property
    def owner(self) -> Account:
        """The account of the key that signed."""
        if self.account is None:
            raise LookupError(f"{self.facts.id} is a call without a key: it has no account")
        return self.account

    def text(self, name: str) -> str:
        """Return a required text argument."""
        value: str = self.arguments[name]
        return value

    def optional_text(self, name: str) -> str | None:
        """Return an optional text argument."""
        value: str | None = self.arguments.get(name)
        return value

    def integer(self, name: str) -> int | None:
        """Return an optional whole number."""
        value: int | None = self.arguments.get(name)
        return value

    def amount(self, name: str) -> Decimal | None:
        """Return an optional amount."""
        value: Decimal | None = self.arguments.get(name)
        return value

    def required_amount(self, name: str) -> Decimal:
        """Return a required amount."""
        value: Decimal = self.arguments[name]
        return value

    def texts_of(self, name: str) -> tuple[str, ...] | None:
        """Return an optional list of texts."""
        value: tuple[str, ...] | None = self.arguments.get(name)
        return value

    def book(
        self,
        history: History,
        asset: str | None,
        transfers: list[Transfer],
        *,
        interest: Decimal = ZERO,
        principal: Decimal = ZERO,
        tran_id: int | None = None,
    ) -> None:
        """Write a ledger line for what this call executed.

        Args:
            history: Where lines are written.
            asset: The asset it was about; `None` where it was about several.
            transfers: Every movement of money, in order.
            interest: By how much the interest owed fell, in units of the asset.
            principal: By how much the principal owed fell; below zero where it rose.
            tran_id: The id under which the records list it, if they do.
        """
        line = history.write_line(
            self.facts.id,
            self.owner.id,
            asset,
            transfers,
            self.now_ms,
            self.request,
            interest,
            principal,
            tran_id,
        )
        self.lines.append(line)
