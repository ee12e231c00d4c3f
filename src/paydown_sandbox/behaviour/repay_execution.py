"""The execution of a repayment: at once and in full, or late, in part, in two steps, or never.

A repayment that is executed later is planned again then, with what the account holds and owes at that time; a part that
cannot be paid any more is left out. Until the repayment is done, the account counts as busy (`concurrent-repay`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from paydown_sandbox.behaviour.debt_movements import DebtMovements
from paydown_sandbox.behaviour.repay_rows import RepayRows
from paydown_sandbox.books.exact_amounts import EXACT, divide_down, exact_text
from paydown_sandbox.call_record import Call
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.market_state import MarketState
from paydown_sandbox.operations.repayment_rules import Repayment, RepaymentRules, plan_repayment

__all__ = ["RepayExecution"]

_NAMES = (
    "execution-delay", "execution-amount", "execution-steps", "execution-times", "execution-fee", "conversion-price",
    "answer-success-unexecuted",
)  # fmt: skip
_ONE = Decimal(1)
_TWO = Decimal(2)
_SECOND_STEP_MS = 5000
_DROPPED_ONE_IN = 5
_TWICE_ONE_IN = 4
_REPEATED_MS = 1000


class RepayExecution:
    """Decide how much of a valid repayment is executed, and when.

    Args:
        market: The options, the accounts and the agenda.
        movements: Executes repayments.
        rows: Writes the rows of dropped repayments, where choices demand some.
        rules: The rules by which a repayment is planned.
    """

    def __init__(
        self, market: MarketState, movements: DebtMovements, rows: RepayRows | None, rules: RepaymentRules
    ) -> None:
        options = market.options
        self._market = market
        self._chances = market.chances
        self._movements = movements
        self._rows = rows
        self._late_rules = rules.relaxed()
        self._delay = options.span("execution-delay")
        self._amount = options.text("execution-amount")
        self._answer_first = options.is_set("answer-comes", "before-execution")
        self._repeats = options.is_set("execution-times", "twice")
        self._two_steps = options.is_set("execution-steps", "two")
        self._price = options.text("conversion-price")
        self._drops = options.is_set("answer-success-unexecuted", "accepted")

    @staticmethod
    def wanted(options: Options) -> bool:
        """Return whether any of these choices differs from its default."""
        return options.any_open(*_NAMES)

    # ----------------------------------------------------------- planning an execution

    def share(self, amount: Decimal) -> Decimal:
        """Return how much of the amount asked is repaid."""
        if self._amount == "exact":
            return amount
        if self._amount == "rounded-down":
            return divide_down(amount, _ONE, 4)
        # The share is drawn in tenths of a percent, so that no product has more digits than the ledger allows.
        ranges = {"a-little-less": (980, 999), "a-part": (100, 900), "a-little-more": (1001, 1020)}
        permille = Decimal(self._chances.between(*ranges[self._amount]))
        return divide_down(EXACT.multiply(amount, permille), Decimal(1000))

    def spread(self) -> Decimal:
        """Return by which factor the conversions of one repayment cost more than at index prices."""
        if self._price == "index":
            return _ONE
        off = Decimal(self._chances.between(1, 50)).scaleb(-4)
        return EXACT.add(_ONE, off if self._price == "spread" else -off)

    # -------------------------------------------------------------------- executing

    def carry_out(
        self, call: Call, asset: str, plan: Repayment, asked: Decimal | None, named: list[str] | None
    ) -> None:
        """Execute a planned repayment, now or later, or drop it.

        Args:
            call: The call.
            asset: The owed asset.
            plan: The planned repayment.
            asked: The amount of the request, in units of the asset; `None` for the whole debt.
            named: The payment assets of the request; `None` if it named none.
        """
        call.accepted = True
        if self._drops and self._chances.one_in(_DROPPED_ONE_IN):
            if self._rows is not None:
                self._rows.refused(call, asset, asked)
            return
        # Unless the choice lets the answer come first, an execution can be late only if its answer is lost.
        delay_ms = self._delay.draw(self._chances) if self._answer_first or call.answer_lost else 0
        details: list[Any] = [
            call.owner.id,
            asset,
            None if asked is None else exact_text(plan.total),
            None if asked is None else exact_text(asked),
            named,
            call.request,
            self._two_steps,
        ]
        agenda = self._market.agenda
        due_ms = self._market.clock.now_ms() + delay_ms
        if self._repeats and self._chances.one_in(_TWICE_ONE_IN):
            agenda.add(due_ms + self._chances.between(1, _REPEATED_MS), "repay", details)
        if delay_ms:
            agenda.add(due_ms, "repay", details)
        elif self._two_steps:
            self._step(call, details, plan.total)
        else:
            self._movements.repay(call, asset, plan, asked)

    def resume(self, at_ms: int, details: list[Any]) -> Call:
        """Execute a repayment that was accepted earlier, or its second half.

        Args:
            at_ms: The moment of execution, milliseconds UTC.
            details: The arguments that the agenda kept.

        Returns:
            The call with the ledger lines that it wrote now.
        """
        account = self._market.world.ledger.accounts[details[0]]
        call = Call(self._market.facts_of("repayDebt"), account, {}, {}, at_ms, details[5])
        total = account.holding(details[1]).debt if details[2] is None else Decimal(details[2])
        self._step(call, details, total)
        return call

    def _step(self, call: Call, details: list[Any], total: Decimal) -> None:
        """Execute a repayment of `total`; or execute its first half and put the second into the agenda."""
        account, asset, amount, asked_text, named, request, two_steps = details
        asked = None if asked_text is None else Decimal(asked_text)
        wanted: Decimal | None = None if amount is None else total
        if two_steps:
            half = divide_down(total, _TWO)
            if half:
                wanted = half
                rest = None if amount is None else exact_text(EXACT.subtract(total, half))
                later_ms = call.now_ms + self._chances.between(1, _SECOND_STEP_MS)
                later = [account, asset, rest, asked_text, named, request, False]
                self._market.agenda.add(later_ms, "repay", later)
        try:
            plan = plan_repayment(
                call.owner, asset, wanted, named, self._market.prices, self._late_rules, spread=self.spread()
            )
        except Refusal:
            plan = None  # nothing is owed any more, or nothing is left to pay with
        if plan is not None and plan.total:
            self._movements.repay(call, asset, plan, asked)
        elif self._rows is not None:
            self._rows.refused(call, asset, asked)
