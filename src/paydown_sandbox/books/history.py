"""The history of the sandbox: ledger lines for every execution, and the records that the record operations list."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal

from paydown_sandbox.books.changes import Changes
from paydown_sandbox.books.exact_amounts import ZERO
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.books.ledger_line import LedgerLine, Transfer
from paydown_sandbox.books.records import Record, RecordBook, RecordKind
from paydown_sandbox.books.row_format import RowFormat
from paydown_sandbox.books.row_ids import RowIds
from paydown_sandbox.choices.settings import Options

__all__ = ["LINES_IN_MEMORY", "History"]

LINES_IN_MEMORY = 50_000


class History:
    """The history of one sandbox.

    Args:
        changes: Where every new line and record is noted, so that it can be made durable.
        records: Records that a state document brings along; new ids go on behind theirs.
    """

    def __init__(self, changes: Changes, records: Iterable[Record] = ()) -> None:
        self.lines: deque[LedgerLine] = deque(maxlen=LINES_IN_MEMORY)
        self.records = RecordBook()
        self.ids = RowIds()
        self.form = RowFormat()
        self._changes = changes
        self._next_line = 1
        for record in records:
            self.records.add(record)
            self.ids.continue_after(record)

    @property
    def next_line_id(self) -> int:
        """Return the id that the next ledger line will get."""
        return self._next_line

    def read_options(self, options: Options) -> None:
        """Read the form of rows and the order of their ids from the options."""
        self.ids.reorder(options.text("row-ids"))
        self.form = RowFormat.from_options(options)

    def counters(self) -> dict[str, str]:
        """Return the counters, which must continue after a restart, to be stored."""
        return {"line": str(self._next_line), **self.ids.counters()}

    def restore(self, counters: Mapping[str, str]) -> None:
        """Continue from the counters of `counters`."""
        self._next_line = int(counters["line"])
        self.ids.restore(counters)

    def write_line(
        self,
        operation: str,
        account: str,
        asset: str | None,
        transfers: list[Transfer],
        at_ms: int,
        request: int | None = None,
        interest: Decimal = ZERO,
        principal: Decimal = ZERO,
        tran_id: int | None = None,
    ) -> LedgerLine:
        """Write one ledger line about an execution.

        Args:
            operation: The `operationId` of the call, or the name of what the exchange did by itself.
            account: The id of the account.
            asset: The asset it was about; `None` where it was about several.
            transfers: Every movement of money, in the order in which they happened.
            at_ms: When it was executed, milliseconds UTC.
            request: The id of the request that asked for it; `None` where none did.
            interest: By how much the interest owed fell, in units of the asset.
            principal: By how much the principal owed fell; below zero where it rose.
            tran_id: The id under which the records list it, if they do.
        """
        line = LedgerLine(
            self._next_line, at_ms, account, operation, asset, request, interest, principal, transfers, tran_id
        )  # fmt: skip
        self._next_line += 1
        self.lines.append(line)
        self._changes.lines.append(line)
        return line

    def write_record(self, record: Record) -> None:
        """Write one record that the record operations list from now on."""
        self.records.add(record)
        self._changes.records.append(record)

    def amend_record(self, account: str, kind: RecordKind, record_id: int, **members: object) -> None:
        """Change members of a listed record, such as its status; do nothing if there is no such record.

        Args:
            account: The id of the account.
            kind: The list that holds the record.
            record_id: The id of the record.
            **members: The new values, by name.
        """
        record = self.records.amend(account, kind, record_id, **members)
        if record is not None:
            self._changes.amended.append(record)

    def flow_record(
        self, account: Account, kind: str, asset: str, amount: Decimal, tran_id: int, at_ms: int
    ) -> Record:
        """Make one row of the capital flow, with an id of its own, without listing it yet.

        Args:
            account: The account.
            kind: The type of the row, such as "BORROW" or "REPAY".
            asset: The asset that moved.
            amount: Units of the asset, below zero where they left the account.
            tran_id: The id of the loan, repayment or transfer.
            at_ms: The moment that the row names, milliseconds UTC.
        """
        row_id = self.ids.next_charge()
        row: dict[str, object] = {
            "id": row_id,
            "tranId": tran_id,
            "timestamp": at_ms,
            "asset": asset,
            "type": kind,
            "amount": self.form.text(self.form.signed(kind, amount)),
            **self.form.notes(kind),
        }
        return Record("flow", row_id, account.id, asset, at_ms, row)
