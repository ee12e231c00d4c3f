"""When and how much of a repayment is executed: at once and in full, or late, in part, in two steps, never.

What is executed later is planned again then, with what the account holds and owes by that time; a part that cannot
be paid any more is left out. Until it is done, the account counts as busy (`concurrent-repay`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from paydown_sandbox.behaviour.settlement import settle_repayment
from paydown_sandbox.books.exact_amounts import EXACT, divide_down, divide_up, exact_text
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.call_record import Call
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.choices.chances import Chances
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.operations.repayment_rules import Repayment, plan_repayment

if TYPE_CHECKING:
    from paydown_sandbox.exchange import Exchange

__all__ = ["Execution", "resume_repayment"]

_NAMES = (
    "execution-delay", "execution-amount", "execution-steps", "execution-times", "execution-fee", "conversion-price",
    "answer-success-unexecuted",
)  # fmt: skip
_ONE = Decimal(1)
_TWO = Decimal(2)
_FEE = Decimal("0.0005")
_SECOND_STEP_MS = 5000
_DROPPED_ONE_IN = 5
_TWICE_ONE_IN = 4
_REPEATED_MS = 1000


class Execution:
    """Decides what becomes of a repayment that can be made.

    Args:
        exchange: Whose ledger.
        chances: What decides where an option leaves it to chance.
    """

    def __init__(self, exchange: Exchange, chances: Chances) -> None:
        options = exchange.world.options
        self._exchange = exchange
        self._chances = chances
        self._delay = options.span("execution-delay")
        self._amount = options.text("execution-amount")
        self._answer_first = options.is_set("answer-comes", "before-execution")
        self._repeats = options.is_set("execution-times", "twice")
        self._two_steps = options.is_set("execution-steps", "two")
        self._fee_to_debt = options.is_set("execution-fee", "added-to-debt")
        self._price = options.text("conversion-price")
        self._drops = options.is_set("answer-success-unexecuted", "accepted")

    @staticmethod
    def wanted(options: Options) -> bool:
        """Whether any of these choices stands elsewhere than at its default."""
        return options.any_open(*_NAMES)

    # ------------------------------------------------------------------------ planning

    def share(self, amount: Decimal) -> Decimal:
        """How much of an amount that was asked for is repaid."""
        if self._amount == "exact":
            return amount
        if self._amount == "rounded-down":
            return divide_down(amount, _ONE, 4)
        # In tenths of a percent, so that no product has more digits than the ledger allows.
        ranges = {"a-little-less": (980, 999), "a-part": (100, 900), "a-little-more": (1001, 1020)}
        permille = Decimal(self._chances.between(*ranges[self._amount]))
        return divide_down(EXACT.multiply(amount, permille), Decimal(1000))

    def spread(self) -> Decimal:
        """By which factor the conversions of one repayment cost more than at index prices."""
        if self._price == "index":
            return _ONE
        off = Decimal(self._chances.between(1, 50)).scaleb(-4)
        return EXACT.add(_ONE, off if self._price == "spread" else -off)

    # ------------------------------------------------------------------------ doing

    def carry_out(
        self, call: Call, asset: str, plan: Repayment, asked: Decimal | None, named: list[str] | None
    ) -> None:
        """Execute a planned repayment, now or later, or drop it."""
        call.accepted = True
        if self._drops and self._chances.one_in(_DROPPED_ONE_IN):
            if self._exchange.conduct.rows is not None:
                self._exchange.conduct.rows.refused(call, asset, asked)
            return
        # An answer that comes after the execution cannot come before a late one: then only lost answers are early.
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
        due_ms = self._exchange.clock.now_ms() + delay_ms
        if self._repeats and self._chances.one_in(_TWICE_ONE_IN):
            self._exchange.conduct.note(due_ms + self._chances.between(1, _REPEATED_MS), "repay", details)
        if delay_ms:
            self._exchange.conduct.note(due_ms, "repay", details)
        elif self._two_steps:
            _step(self._exchange, call, details, plan.total)
        else:
            settle_repayment(self._exchange, call, asset, plan, asked)

    def charge_fee(self, account: Account, asset: str, repaid: Decimal, now_ms: int) -> None:
        """Add the fee of a repayment to the debt, if that is who bears it."""
        if self._fee_to_debt:
            fee = divide_up(EXACT.multiply(repaid, _FEE), _ONE)
            self._exchange.world.ledger.charge(account, asset, fee, now_ms)


def resume_repayment(exchange: Exchange, at_ms: int, details: list[Any]) -> None:
    """Execute what was accepted earlier, or its second half."""
    account = exchange.world.ledger.accounts[details[0]]
    facts = exchange.facts_of("repayDebt")
    call = Call(facts, account, {}, {}, at_ms, details[5])
    total = account.holding(details[1]).debt if details[2] is None else Decimal(details[2])
    _step(exchange, call, details, total)
    exchange.executed_late(call)


def _step(exchange: Exchange, call: Call, details: list[Any], total: Decimal) -> None:
    """Execute a repayment of `total`, or the first half of it and note the other."""
    _, asset, amount, asked_text, named, _, two_steps = details
    asked = None if asked_text is None else Decimal(asked_text)
    wanted: Decimal | None = None if amount is None else total
    if two_steps:
        half = divide_down(total, _TWO)
        if half:
            wanted = half
            rest = None if amount is None else exact_text(EXACT.subtract(total, half))
            later = call.now_ms + exchange.conduct.chances.between(1, _SECOND_STEP_MS)
            exchange.conduct.note(
                later, "repay", [details[0], asset, rest, asked_text, named, details[5], False]
            )
    execution = exchange.conduct.execution
    try:
        plan = plan_repayment(
            call.owner,
            asset,
            wanted,
            named,
            exchange.world.prices.usd,
            exchange.repayment_rules.relaxed(),
            spread=_ONE if execution is None else execution.spread(),
        )
    except Refusal:
        plan = None  # nothing is owed any more, or nothing is left to pay with
    if plan is not None and plan.total:
        settle_repayment(exchange, call, asset, plan, asked)
    elif exchange.conduct.rows is not None:
        exchange.conduct.rows.refused(call, asset, asked)
