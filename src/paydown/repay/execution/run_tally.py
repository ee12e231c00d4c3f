"""The counts of a run: pieces, amounts asked and repaid, and request weight."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from paydown.repay.amounts import ZERO, exact
from paydown.repay.execution.plan_report import repaid_by
from paydown.repay.journal.journal_records import AttemptRecord
from paydown.repay.planning.plan import Plan
from paydown.repay.planning.planner import Cut
from paydown.repay.planning.repay_facts import Facts

__all__ = ["RunTally"]


class RunTally:
    """The pieces, the amounts and the request weight of a plan and of this run, counted.

    Args:
        plan: The plan that is worked on.
        attempts: Its attempts so far.

    Attributes:
        paid: How much of the debt the plan has repaid, in units of the asset.
        done: How many of its pieces were executed.
        begun: How many of its attempts stand in the journal.
        asked: The amounts that it has asked for; no two pieces ask for the same one.
        most: How many pieces it may need: interest, others' borrowing and a moved price may ask for more than planned.
        pieces_left: How many pieces are left.
        tries: How often the next piece was begun in vain.
        weight: Request weight that this run has spent.
        left_at_ms: When the last request left, if the balance may not show it yet.
    """

    def __init__(self, plan: Plan, attempts: Sequence[AttemptRecord]) -> None:
        with exact():
            self.paid = sum((repaid_by(attempt) for attempt in attempts), ZERO)
        self.done = sum(attempt.paid for attempt in attempts)
        self.begun = len(attempts)
        self.asked = frozenset(one.intent.amount for one in attempts if one.intent.amount is not None)
        self.most = self.done + 2 * len(plan.pieces) + 3
        self.pieces_left = max(0, len(plan.pieces) - self.done)
        self.tries = 0
        self.weight = 0
        self.left_at_ms: int | None = None
        self._sent_at_ms: list[int] = []

    def count_sent(self, piece: Cut, now_ms: int, facts: Facts, *, left: bool) -> None:
        """Count an attempt whose INTENT is in the journal.

        Args:
            piece: The piece.
            now_ms: Now, UTC milliseconds.
            facts: The facts of the document.
            left: Whether a byte of it may have left this machine.
        """
        self.begun += 1
        if piece.amount is not None:
            self.asked |= {piece.amount}
        self._sent_at_ms.append(now_ms)
        if left:
            self.left_at_ms = now_ms
        self.weight += facts.repay_weight

    def count_executed(self, repaid: Decimal, pieces_left: int) -> None:
        """Count a piece that was executed, and begin the count of failed tries anew.

        Args:
            repaid: How much of the debt it repaid, in units of the asset.
            pieces_left: How many pieces are left after it.
        """
        self.done += 1
        self.pieces_left = pieces_left
        self.tries = 0
        with exact():
            self.paid += repaid

    def recent_weight(self, now_ms: int, facts: Facts) -> int:
        """Return the weight of the repayments of the last interval.

        Args:
            now_ms: Now, UTC milliseconds.
            facts: The facts of the document.
        """
        recent = sum(at > now_ms - facts.weight_interval_ms for at in self._sent_at_ms)
        return recent * facts.repay_weight
