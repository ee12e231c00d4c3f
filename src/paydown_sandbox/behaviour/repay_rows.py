"""Which rows a repay-debt leaves, and when a list shows them.

    one repayment ─> parts ─> amount and asset of each ─> stamped ─> listed ─> PENDING, CONFIRMED

By default it leaves none (`repay-debt-record`, `repay-debt-flow`); everything else here is a choice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from paydown_sandbox.books.exact_amounts import EXACT, ZERO, divide_down, divide_up
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.books.records import Record
from paydown_sandbox.call_record import Call
from paydown_sandbox.choices.chances import Chances
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.operations.repayment_rules import Repayment

if TYPE_CHECKING:
    from paydown_sandbox.exchange import Exchange

__all__ = ["Rows", "repay_record"]

_NAMES = (
    "repayment-rows", "row-amount", "row-asset", "row-lists-apart", "row-clock-offset", "row-stamped-late",
    "row-listed-late", "row-first-status", "row-pending-ms", "row-repeated", "failed-rows",
    "flow-conversion-rows",
)  # fmt: skip
_ONE = Decimal(1)
_DUST = Decimal("0.00000001")
_FEE = Decimal("0.001")


class _Part(NamedTuple):
    """What one row stands for: parts of the debt, and who paid how many units for it."""

    interest: Decimal
    principal: Decimal
    payer: str
    units: Decimal

    @property
    def amount(self) -> Decimal:
        return EXACT.add(self.interest, self.principal)


class _Moments(NamedTuple):
    """When the rows of one repayment are stamped, and when each list shows them."""

    stamped: int
    in_records: int
    in_flow: int


class Rows:
    """Writes the rows of repay-debt as the choices have it.

    Args:
        exchange: Whose lists.
        chances: What decides where an option leaves it to chance.
    """

    def __init__(self, exchange: Exchange, chances: Chances) -> None:
        options = exchange.world.options
        self._exchange = exchange
        self._chances = chances
        self._shape = options.text("repayment-rows")
        self._records = self._shape != "none" and options.is_set("repay-debt-record", "record")
        self._flow = self._shape != "none" and options.is_set("repay-debt-flow", "row")
        self._amount = options.text("row-amount")
        self._by_payer = options.is_set("row-asset", "payer")
        self._apart = options.span("row-lists-apart")
        self._offset = options.span("row-clock-offset")
        self._stamped_late = options.span("row-stamped-late")
        self._listed_late = options.span("row-listed-late")
        self._pending = options.span("row-pending-ms")
        self._pending_first = options.is_set("row-first-status", "PENDING")
        self._repeated = options.text("row-repeated")
        self._failed = options.text("failed-rows")
        self._conversions = options.text("flow-conversion-rows")
        self._fee_rate = options.number("conversion-fee-rate")

    @staticmethod
    def wanted(options: Options) -> bool:
        """Whether any of these choices stands elsewhere than at its default."""
        return options.any_open(*_NAMES)

    @property
    def doubled(self) -> bool:
        """Whether a list shows each row of a repayment twice, with one id."""
        return self._repeated == "same-id"

    def write(self, call: Call, asset: str, plan: Repayment, asked: Decimal | None, tran_id: int) -> None:
        """Write what an executed repayment leaves."""
        moments = self._moments(call.now_ms)
        parts = self._parts(asset, plan)
        for index, part in enumerate(parts):
            row_id = tran_id if index == 0 else self._exchange.next_tran()
            self._list(call.owner, asset, part, self._shown(part, plan, asked), row_id, moments)
            if self._repeated == "other-id":
                again = self._exchange.next_tran()
                self._list(call.owner, asset, part, self._shown(part, plan, asked), again, moments)
        self._write_conversions(call.owner, asset, plan, tran_id, moments)
        if self._failed == "first-try":
            self._write_failed(call.owner, asset, plan.total, moments)

    def refused(self, call: Call, asset: str, amount: Decimal | None) -> None:
        """Write what a refused or dropped repayment leaves."""
        if self._failed != "never":
            owed = call.owner.holdings.get(asset)
            asked = amount if amount is not None else ZERO if owed is None else owed.debt
            self._write_failed(call.owner, asset, asked, self._moments(call.now_ms))

    # ------------------------------------------------------------------------ what

    def _parts(self, asset: str, plan: Repayment) -> list[_Part]:
        payers = [(asset, plan.own, plan.own)] if plan.own else []
        payers += plan.paid_with
        largest, units, covers = max(payers, key=lambda payer: payer[2])
        # One row names one payer: the largest, with what it would have paid alone.
        alone = divide_up(EXACT.multiply(units, plan.total), covers)
        if self._shape == "per-payer":
            return _shared_out(plan, payers)
        if self._shape == "interest-and-principal":
            halves = [(plan.interest, ZERO), (ZERO, plan.principal)]
        elif self._shape == "halves":
            first = (divide_down(plan.interest, Decimal(2)), divide_down(plan.principal, Decimal(2)))
            second = (EXACT.subtract(plan.interest, first[0]), EXACT.subtract(plan.principal, first[1]))
            halves = [first, second]
        else:
            return [_Part(plan.interest, plan.principal, largest, alone)]
        return [
            _Part(interest, principal, largest, self._share(alone, EXACT.add(interest, principal), plan))
            for interest, principal in halves
            if interest or principal
        ]

    @staticmethod
    def _share(units: Decimal, part: Decimal, plan: Repayment) -> Decimal:
        return divide_up(EXACT.multiply(units, part), plan.total)

    def _shown(self, part: _Part, plan: Repayment, asked: Decimal | None) -> Decimal:
        """The amount that the row of a part names."""
        amount = part.amount
        if self._amount == "dust-above":
            amount = EXACT.add(amount, _DUST)
        elif self._amount == "dust-below":
            amount = max(ZERO, EXACT.subtract(amount, _DUST))
        elif self._amount == "with-fee":
            amount = divide_up(EXACT.multiply(amount, EXACT.add(_ONE, _FEE)), _ONE)
        elif self._amount == "less-fee":
            amount = divide_down(EXACT.multiply(amount, EXACT.subtract(_ONE, _FEE)), _ONE)
        elif self._amount == "principal-only":
            amount = part.principal
        elif self._amount == "asked" and asked is not None:
            amount = divide_down(EXACT.multiply(asked, amount), plan.total)
        if self._by_payer:
            amount = divide_up(EXACT.multiply(part.units, amount), part.amount)
        return amount

    # ------------------------------------------------------------------------ when and where

    def _moments(self, executed_ms: int) -> _Moments:
        chances = self._chances
        stamped = executed_ms + self._stamped_late.draw(chances) + self._offset.draw(chances)
        listed = executed_ms + self._listed_late.draw(chances)
        second = listed + self._apart.draw(chances)
        return _Moments(max(1, stamped), listed, second if self._records else listed)

    def _list(
        self, account: Account, asset: str, part: _Part, amount: Decimal, row_id: int, moments: _Moments
    ) -> None:
        shown = part.payer if self._by_payer else asset
        if self._records:
            status = "PENDING" if self._pending_first else "CONFIRMED"
            record = repay_record(
                self._exchange, account, shown, row_id, part.interest, part.principal, moments.stamped,
                amount=amount, status=status,
            )  # fmt: skip
            self._exchange.conduct.list_later(record, moments.in_records)
            if self._pending_first:
                done_ms = moments.in_records + self._pending.draw(self._chances)
                self._exchange.conduct.amend_later(record, done_ms, status="CONFIRMED")
        if self._flow:
            self._write_flow(account, "REPAY", shown, -amount, row_id, moments)

    def _write_flow(
        self, account: Account, kind: str, asset: str, amount: Decimal, tran_id: int, moments: _Moments
    ) -> None:
        record = self._exchange.flow_record(account, kind, asset, amount, tran_id, moments.stamped)
        self._exchange.conduct.list_later(record, moments.in_flow)

    def _write_conversions(
        self, account: Account, asset: str, plan: Repayment, tran_id: int, moments: _Moments
    ) -> None:
        if self._conversions == "none":
            return
        for name, units, covers in plan.paid_with:
            self._write_flow(account, "SELL_EXPENSE", name, -units, tran_id, moments)
            self._write_flow(account, "BUY_INCOME", asset, covers, tran_id, moments)
            if self._conversions == "with-commission":
                fee = divide_up(EXACT.multiply(units, self._fee_rate), EXACT.add(_ONE, self._fee_rate))
                self._write_flow(account, "TRADING_COMMISSION", name, -fee, tran_id, moments)

    def _write_failed(self, account: Account, asset: str, amount: Decimal, moments: _Moments) -> None:
        record = repay_record(
            self._exchange, account, asset, self._exchange.next_tran(), ZERO, amount, moments.stamped,
            status="FAILED",
        )  # fmt: skip
        self._exchange.conduct.list_later(record, moments.in_records)


def _shared_out(plan: Repayment, payers: list[tuple[str, Decimal, Decimal]]) -> list[_Part]:
    """One part for each payer, interest before principal."""
    parts: list[_Part] = []
    interest = plan.interest
    for name, units, covers in payers:
        of_interest = min(interest, covers)
        interest = EXACT.subtract(interest, of_interest)
        parts.append(_Part(of_interest, EXACT.subtract(covers, of_interest), name, units))
    return parts


def repay_record(
    exchange: Exchange,
    account: Account,
    asset: str,
    row_id: int,
    interest: Decimal,
    principal: Decimal,
    at_ms: int,
    *,
    amount: Decimal | None = None,
    status: str = "CONFIRMED",
) -> Record:
    """A record as GET repayLoan lists it; `amount` is interest and principal together unless it is given."""
    text = exchange.row_text
    row: dict[str, object] = {
        "amount": text(EXACT.add(interest, principal) if amount is None else amount),
        "asset": asset,
        "interest": text(interest),
        "principal": text(principal),
        "status": status,
        "timestamp": at_ms,
        "txId": row_id,
    }
    return Record("repay", row_id, account.id, asset, at_ms, row)
