"""How the exchange behaves where the pages leave it open: one part for each topic of the table of choices.

A part exists only while one of its choices stands elsewhere than at its default, so that nothing is computed for
choices that nobody made. Chance comes from `choices_seed` of the state document, and what is still to come from an
agenda; both outlast the process with `--data`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from paydown_sandbox.behaviour.agenda import Agenda
from paydown_sandbox.behaviour.balance_readings import Looks
from paydown_sandbox.behaviour.borrowings import Borrowings, resume_borrowing
from paydown_sandbox.behaviour.execution import Execution, resume_repayment
from paydown_sandbox.behaviour.interest_charges import Charges
from paydown_sandbox.behaviour.outages import Outages
from paydown_sandbox.behaviour.repay_answers import Replies
from paydown_sandbox.behaviour.repay_refusals import Refusals
from paydown_sandbox.behaviour.repay_rows import Rows
from paydown_sandbox.behaviour.time_answers import Timepiece
from paydown_sandbox.books.exact_amounts import parse
from paydown_sandbox.books.records import Record
from paydown_sandbox.choices.chances import Chances
from paydown_sandbox.faults.lost_answers import Losses
from paydown_sandbox.scheduler import charge_interest

if TYPE_CHECKING:
    from paydown_sandbox.exchange import Exchange

__all__ = ["Conduct"]

_NOTHING = "[0, [], null]"


class Conduct:
    """The parts of an exchange that its choices call for.

    Args:
        exchange: Whose conduct; its world stands already.
    """

    looks: Looks | None = None
    rows: Rows | None = None
    execution: Execution | None = None
    replies: Replies | None = None
    refusals: Refusals | None = None
    borrowings: Borrowings | None = None
    outages: Outages | None = None
    timepiece: Timepiece | None = None
    charges: Charges | None = None
    losses: Losses

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.chances = Chances(exchange.world.choices_seed)
        self.agenda = Agenda()

    def read_options(self) -> None:
        """Make the parts anew; what is in the agenda stays."""
        exchange, chances, options = self._exchange, self.chances, self._exchange.world.options
        exchange.world.ledger.watcher = None
        self.looks = Looks(exchange, chances) if Looks.wanted(options) else None
        self.rows = Rows(exchange, chances) if Rows.wanted(options) else None
        self.execution = Execution(exchange, chances) if Execution.wanted(options) else None
        self.replies = Replies(exchange) if Replies.wanted(options) else None
        self.refusals = Refusals(exchange, chances) if Refusals.wanted(options) else None
        self.borrowings = Borrowings(exchange, chances) if Borrowings.wanted(options) else None
        self.outages = Outages(exchange, chances) if Outages.wanted(options) else None
        self.timepiece = Timepiece(exchange, chances) if Timepiece.wanted(options) else None
        self.charges = Charges(exchange, chances) if Charges.wanted(options) else None
        self.losses = Losses(exchange, chances)
        exchange.accrual.next_due_ms = 0  # the schedule of charges may be another one now

    # ------------------------------------------------------------------------ later

    def note(self, at_ms: int, what: str, details: list[Any]) -> None:
        """Note something to do later."""
        self.agenda.note(at_ms, what, details)
        accrual = self._exchange.accrual
        accrual.next_due_ms = min(accrual.next_due_ms, at_ms)

    def list_later(self, record: Record, at_ms: int) -> None:
        """Write a record when it is to be listed; at once if that is now."""
        if at_ms <= self._exchange.clock.now_ms():
            self._exchange.write_record(record)
        else:
            details = [record.kind, record.id, record.account, record.asset, record.time_ms, record.row]
            self.note(at_ms, "list", details)

    def amend_later(self, record: Record, at_ms: int, **members: object) -> None:
        """Change members of a record that is PENDING until then."""
        self.note(at_ms, "amend", [record.account, record.kind, record.id, members])

    def busy_until(self, account: str) -> int:
        """Until when a repayment of the account is under way; 0 if none is."""
        due = (entry.at_ms for entry in self.agenda.of_kind("repay") if entry.details[0] == account)
        return max(due, default=0)

    def run(self, now_ms: int) -> bool:
        """Do what is due; true if there was anything."""
        ran = False
        for entry in self.agenda.due(now_ms):
            ran = True
            self._do(entry.what, entry.at_ms, entry.details)
        return ran

    def _do(self, what: str, at_ms: int, details: list[Any]) -> None:
        exchange = self._exchange
        if what == "list":
            exchange.write_record(Record(*details))
        elif what == "amend":
            account, kind, record_id, members = details
            record = exchange.records.by_id(account, kind, record_id)
            if record is not None and record.row["status"] == "PENDING":
                exchange.amend_record(account, kind, record_id, **members)
        elif what == "repay":
            resume_repayment(exchange, at_ms, details)
        elif what == "borrow":
            resume_borrowing(exchange, at_ms, details)
        else:
            account, asset, amount = details
            owner = exchange.world.ledger.accounts[account]
            charge_interest(exchange, owner, asset, at_ms, "ON_BORROW", on=parse(amount))

    # ------------------------------------------------------------------------ lasting

    def dump(self) -> str:
        """How far chance has come, and what is still to come, to be written down."""
        entries = self.agenda.dump()
        if not self.chances.drawn and not entries and self.charges is None:
            return _NOTHING
        schedule = None if self.charges is None else self.charges.dump()
        return json.dumps([self.chances.drawn, entries, schedule])

    def restore(self, text: str) -> None:
        """Take back what `dump` gave."""
        self.chances.drawn, entries, schedule = json.loads(text)
        self.agenda.restore(entries)
        if self.charges is not None and schedule is not None:
            self.charges.restore(schedule)
