"""The state that calls may read and change: accounts, prices, books, the agenda and the clock.

Requests, faults and limits are no part of it.
"""

from __future__ import annotations

from decimal import Decimal

from paydown_sandbox.behaviour.agenda import Agenda
from paydown_sandbox.books.changes import Changes
from paydown_sandbox.books.history import History
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.books.ledger_line import Transfer
from paydown_sandbox.books.listen_keys import Streams
from paydown_sandbox.books.records import Record
from paydown_sandbox.books.stream_events import StreamEvents
from paydown_sandbox.bundled_document import Document, OperationFacts
from paydown_sandbox.choices.chances import Chances
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.operations.busy_accounts import BusyAccounts
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.state.world import World

__all__ = ["MarketState"]

_MOVEMENT_LATE_MS = 30_000


class MarketState:
    """The market of one world, which handlers, behaviours and the scheduler read and change.

    Args:
        world: Accounts, keys, prices, limits and options.
        document: The API document.
        clock: The sandbox's clock.

    Attributes:
        prices: Index prices, USD per unit, by asset.
        changes: The changes that are not durable yet.
        history: Ledger lines and records.
        streams: Listen keys, and the events that go out under them.
        events: Writes the events.
        agenda: The actions that are due later.
        chances: Draws where an option leaves something to chance.
        busy: Accounts with a borrow or repayment that is still running.
    """

    def __init__(self, world: World, document: Document, clock: Clock) -> None:
        self.world = world
        self.prices = world.prices.usd
        self.clock = clock
        self.changes = Changes()
        self.history = History(self.changes, world.records)
        self.streams = Streams(int(document.stream["key-lifetime-ms"]))
        self.events = StreamEvents(world, self.streams)
        self.agenda = Agenda()
        self.chances = Chances(world.choices_seed)
        self.busy = BusyAccounts(clock, self.agenda)
        self._facts = {facts.id: facts for facts in document.operations}
        self.read_options()

    @property
    def options(self) -> Options:
        """Return the options of the world."""
        return self.world.options

    def read_options(self) -> None:
        """Read the options of the world that concern rows and busy accounts."""
        self.history.read_options(self.options)
        self.busy.queue = self.options.is_set("concurrent-repay", "queue")
        self._movement_rows = self.options.text("other-movement-rows")

    def facts_of(self, operation: str) -> OperationFacts:
        """Return what the document states about an operation, by its `operationId`."""
        return self._facts[operation]

    def book_by_itself(
        self, account: Account, operation: str, asset: str, transfers: list[Transfer], at_ms: int
    ) -> None:
        """Write a ledger line for an action that the exchange takes by itself.

        Args:
            account: The account.
            operation: The name of what was done, such as "interest".
            asset: The asset it was about.
            transfers: Every movement of money, in order.
            at_ms: When it was done, milliseconds UTC.
        """
        self.history.write_line(operation, account.id, asset, transfers, at_ms)

    def list_later(self, record: Record, at_ms: int) -> None:
        """Write a record at the time from which the lists show it; at once if that time has come.

        Args:
            record: The record.
            at_ms: That moment, milliseconds UTC.
        """
        if at_ms <= self.clock.now_ms():
            self.history.write_record(record)
        else:
            details = [record.kind, record.id, record.account, record.asset, record.time_ms, record.row]
            self.agenda.add(at_ms, "list", details)

    def amend_later(self, record: Record, at_ms: int, **members: object) -> None:
        """Change members of a PENDING record at a later time.

        Args:
            record: The record.
            at_ms: When its members change, milliseconds UTC.
            **members: The new values, by name.
        """
        self.agenda.add(at_ms, "amend", [record.account, record.kind, record.id, members])

    def write_flow(
        self, account: Account, kind: str, asset: str, amount: Decimal, tran_id: int, at_ms: int
    ) -> None:
        """Write one row of the capital flow, by choice late or never, unless it is a loan or a repayment.

        Args:
            account: The account.
            kind: The type of the row, such as "TRANSFER".
            asset: The asset that moved.
            amount: Units of the asset, below zero where they left the account.
            tran_id: The id of the loan, repayment or transfer.
            at_ms: When it happened, milliseconds UTC.
        """
        if self._movement_rows == "listed" or kind in ("BORROW", "REPAY"):
            self.history.write_record(self.history.flow_record(account, kind, asset, amount, tran_id, at_ms))
        elif self._movement_rows == "late":
            record = self.history.flow_record(account, kind, asset, amount, tran_id, at_ms)
            late_ms = self.chances.between(0, _MOVEMENT_LATE_MS)
            self.list_later(record, self.clock.now_ms() + late_ms)
