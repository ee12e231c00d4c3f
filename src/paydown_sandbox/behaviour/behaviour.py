"""The behaviour of the sandbox where the pages leave it open: one part for each topic of the table of choices.

Most parts exist only while one of their choices differs from its default, so that nothing is computed for choices that
a state document does not make. Chance comes from `choices_seed` of the state document, and future actions are in the
agenda; both outlast the process with `--data`.
"""

from __future__ import annotations

import json

from paydown_sandbox.behaviour.agenda import Entry
from paydown_sandbox.behaviour.balance_readings import BalanceReadings
from paydown_sandbox.behaviour.borrowings import Borrowings
from paydown_sandbox.behaviour.debt_movements import DebtMovements
from paydown_sandbox.behaviour.interest_schedule import InterestSchedule
from paydown_sandbox.behaviour.outages import Outages
from paydown_sandbox.behaviour.repay_answers import RepayAnswers
from paydown_sandbox.behaviour.repay_execution import RepayExecution
from paydown_sandbox.behaviour.repay_refusals import RepayRefusals
from paydown_sandbox.behaviour.repay_rows import RepayRows
from paydown_sandbox.behaviour.time_answers import TimeAnswers
from paydown_sandbox.books.exact_amounts import parse
from paydown_sandbox.books.records import Record
from paydown_sandbox.call_record import Call
from paydown_sandbox.faults.lost_answers import LostAnswers
from paydown_sandbox.market_state import MarketState
from paydown_sandbox.operations.interest import Interest
from paydown_sandbox.operations.repayment_rules import RepaymentRules
from paydown_sandbox.request_log import RequestLog

__all__ = ["Behaviour"]

_NOTHING = "[0, [], null]"


class Behaviour:
    """The parts that the options of one market need. New options need a new behaviour.

    Args:
        market: The market that the parts read and change.
        requests: The request log, where a late execution is noted.
    """

    def __init__(self, market: MarketState, requests: RequestLog) -> None:
        self._market = market
        self._requests = requests
        options, chances = market.options, market.chances
        market.world.ledger.watcher = None  # of the balance readings of earlier options
        self.rules = RepaymentRules.from_options(options, market.facts_of("repayDebt").value_cap_usd)
        schedule = None
        if InterestSchedule.wanted(options):
            schedule = InterestSchedule(options, chances, market.clock.now_ms())
        self.interest = Interest(market, schedule)
        self.rows = RepayRows(market) if RepayRows.wanted(options) else None
        self.movements = DebtMovements(market, self.rows)
        # A repayment that was accepted under earlier options is carried out even if the present options delay nothing.
        self._execution = RepayExecution(market, self.movements, self.rows, self.rules)
        self.execution = self._execution if RepayExecution.wanted(options) else None
        market.busy.late_repayments = self.execution is not None
        self.borrowings = Borrowings(market, self.movements, self.interest)
        self.balances = BalanceReadings(market, self.interest) if BalanceReadings.wanted(options) else None
        self.answers = RepayAnswers(options, market.prices) if RepayAnswers.wanted(options) else None
        self.refusals = RepayRefusals(market) if RepayRefusals.wanted(options) else None
        self.outages = Outages(options, chances) if Outages.wanted(options) else None
        self.time = TimeAnswers(options, chances) if TimeAnswers.wanted(options) else None
        self.lost_answers = LostAnswers(options, chances)

    def run_agenda(self, now_ms: int) -> None:
        """Do every entry of the agenda that is due at `now_ms` (milliseconds UTC)."""
        for entry in self._market.agenda.due(now_ms):
            self._do(entry)

    def _do(self, entry: Entry) -> None:
        market, details = self._market, entry.details
        if entry.what == "list":
            market.history.write_record(Record(*details))
        elif entry.what == "amend":
            account, kind, record_id, members = details
            record = market.history.records.by_id(account, kind, record_id)
            if record is not None and record.row["status"] == "PENDING":
                market.history.amend_record(account, kind, record_id, **members)
        elif entry.what == "repay":
            self._note_execution(self._execution.resume(entry.at_ms, details))
        elif entry.what == "borrow":
            self._note_execution(self.borrowings.resume(entry.at_ms, details))
        else:
            account, asset, amount = details
            owner = market.world.ledger.accounts[account]
            self.interest.charge(owner, asset, entry.at_ms, "ON_BORROW", principal=parse(amount))

    def _note_execution(self, call: Call) -> None:
        """Record in the request log that the action of a request was executed by now."""
        record = None if call.request is None else self._requests.by_id(call.request)
        if record is not None and call.lines:
            record.verdict = "executed"
            record.ledger_ids += tuple(line.id for line in call.lines)
            self._market.changes.executed_late.append(record)

    def dump(self) -> str:
        """Return the state of chance, agenda and interest schedule as text to be stored."""
        drawn, entries, schedule = (
            self._market.chances.drawn,
            self._market.agenda.dump(),
            self.interest.schedule,
        )
        if not drawn and not entries and schedule is None:
            return _NOTHING
        return json.dumps([drawn, entries, None if schedule is None else schedule.dump()])

    def restore(self, text: str) -> None:
        """Continue from the text of `dump`."""
        self._market.chances.drawn, entries, dumped = json.loads(text)
        self._market.agenda.restore(entries)
        if self.interest.schedule is not None and dumped is not None:
            self.interest.schedule.restore(*dumped)
