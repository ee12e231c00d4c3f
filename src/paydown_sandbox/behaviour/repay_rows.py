"""Write the rows that a repay-debt leaves, at the moments from which the lists show them.

    one repayment ─> parts ─> amount and asset of each ─> stamped ─> listed ─> PENDING, CONFIRMED

By default it leaves none (`repay-debt-record`, `repay-debt-flow`); everything else here is a choice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from paydown_sandbox.books.exact_amounts import EXACT, ZERO, divide_down, divide_up
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.books.records import Record
from paydown_sandbox.call_record import Call
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.market_state import MarketState
from paydown_sandbox.operations.repayment_rules import Repayment

__all__ = ["RepayRows", "repay_record"]

_NAMES = (
    "repayment-rows", "row-amount", "row-asset", "row-lists-apart", "row-clock-offset", "row-stamped-late",
    "row-listed-late", "row-first-status", "row-pending-ms", "row-repeated", "failed-rows",
    "flow-conversion-rows",
)  # fmt: skip
_ONE = Decimal(1)
_DUST = Decimal("0.00000001")
_FEE = Decimal("0.001")


class _Part(NamedTuple):
    """The part of a repayment that one row stands for.

    Attributes:
        interest: The interest that it repays, in units of the owed asset.
        principal: The principal that it repays.
        payer: The asset that pays for it.
        units: How many units of that asset.
    """

    interest: Decimal
    principal: Decimal
    payer: str
    units: Decimal

    @property
    def amount(self) -> Decimal:
        return EXACT.add(self.interest, self.principal)


class _Moments(NamedTuple):
    """The times of the rows of one repayment, ms UTC: the time that they name, and when each list shows them."""

    stamped: int
    in_records: int
    in_flow: int


class RepayRows:
    """Write the rows of repay-debt as the choices demand.

    Args:
        market: The options, the lists and the agenda.
    """

    def __init__(self, market: MarketState) -> None:
        options = market.options
        self._market = market
        self._chances = market.chances
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
        """Return whether any of these choices differs from its default."""
        return options.any_open(*_NAMES)

    @property
    def doubled(self) -> bool:
        """Return whether a list shows each row of a repayment twice, with one id."""
        return self._repeated == "same-id"

    def write(self, call: Call, asset: str, plan: Repayment, asked: Decimal | None, tran_id: int) -> None:
        """Write the rows of an executed repayment.

        Args:
            call: The call.
            asset: The owed asset.
            plan: How it was repaid.
            asked: The amount of the request, in units of the asset; `None` for the whole debt.
            tran_id: The id of the first row.
        """
        moments = self._moments(call.now_ms)
        parts = self._parts(asset, plan)
        for index, part in enumerate(parts):
            row_id = tran_id if index == 0 else self._market.history.ids.next_transaction()
            self._list(call.owner, asset, part, self._shown(part, plan, asked), row_id, moments)
            if self._repeated == "other-id":
                again = self._market.history.ids.next_transaction()
                self._list(call.owner, asset, part, self._shown(part, plan, asked), again, moments)
        self._write_conversions(call.owner, asset, plan, tran_id, moments)
        if self._failed == "first-try":
            self._write_failed(call.owner, asset, plan.total, moments)

    def refused(self, call: Call, asset: str, amount: Decimal | None) -> None:
        """Write the row of a refused or dropped repayment, if it leaves one.

        Args:
            call: The call.
            asset: The owed asset.
            amount: The amount of the request, in units of the asset; `None` for the whole debt.
        """
        if self._failed != "never":
            owed = call.owner.holdings.get(asset)
            asked = amount if amount is not None else ZERO if owed is None else owed.debt
            self._write_failed(call.owner, asset, asked, self._moments(call.now_ms))

    # -------------------------------------------------------- contents of the rows

    def _parts(self, asset: str, plan: Repayment) -> list[_Part]:
        payers = [(asset, plan.own, plan.own)] if plan.own else []
        payers += plan.paid_with
        largest, units, covers = max(payers, key=lambda payer: payer[2])
        # A single row names one payer: the largest, with the amount that it would have paid alone.
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
        """Return the amount that the row shows for a part."""
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

    # ----------------------------------------------------------- times and lists of the rows

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
                self._market, account, shown, row_id, part.interest, part.principal, moments.stamped,
                amount=amount, status=status,
            )  # fmt: skip
            self._market.list_later(record, moments.in_records)
            if self._pending_first:
                done_ms = moments.in_records + self._pending.draw(self._chances)
                self._market.amend_later(record, done_ms, status="CONFIRMED")
        if self._flow:
            self._write_flow(account, "REPAY", shown, -amount, row_id, moments)

    def _write_flow(
        self, account: Account, kind: str, asset: str, amount: Decimal, tran_id: int, moments: _Moments
    ) -> None:
        record = self._market.history.flow_record(account, kind, asset, amount, tran_id, moments.stamped)
        self._market.list_later(record, moments.in_flow)

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
            self._market, account, asset, self._market.history.ids.next_transaction(), ZERO, amount, moments.stamped,
            status="FAILED",
        )  # fmt: skip
        self._market.list_later(record, moments.in_records)


def _shared_out(plan: Repayment, payers: list[tuple[str, Decimal, Decimal]]) -> list[_Part]:
    """Return one part for each payer, interest before principal."""
    parts: list[_Part] = []
    interest = plan.interest
    for name, units, covers in payers:
        of_interest = min(interest, covers)
        interest = EXACT.subtract(interest, of_interest)
        parts.append(_Part(of_interest, EXACT.subtract(covers, of_interest), name, units))
    return parts


def repay_record(
    market: MarketState,
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
    """Return a record as GET repayLoan lists it.

    Args:
        market: Gives the form of rows.
        account: The account that repaid.
        asset: The asset that the row names.
        row_id: The id of the row.
        interest: The interest repaid, in units of the asset.
        principal: The principal repaid.
        at_ms: The moment that the row names, milliseconds UTC.
        amount: The amount that the row names; interest and principal together if absent.
        status: The status that the row names.
    """
    text = market.history.form.text
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
