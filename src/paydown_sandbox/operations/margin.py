"""Borrow and repay margin debt, and answer the ceilings of both."""

from __future__ import annotations

from decimal import Decimal

from paydown_sandbox.behaviour.behaviour import Behaviour
from paydown_sandbox.behaviour.repay_answers import Repaid
from paydown_sandbox.behaviour.repay_rows import repay_record
from paydown_sandbox.books.collateral import LIQUIDATION, RISK_LEVELS, status_of
from paydown_sandbox.books.exact_amounts import EXACT, ZERO, divide_down, exact_text, wire_text
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.call_record import Call
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.market_state import MarketState
from paydown_sandbox.operations.repayment_rules import Repayment, plan_repayment

__all__ = ["MarginOperations"]

# The ceiling of the account level where the state document names none.
_DEFAULT_BORROW_LIMIT_USD = Decimal(10_000_000)


class MarginOperations:
    """Handlers of the operations about margin debt.

    Args:
        market: Accounts, prices, books and options.
        behaviour: Executes repayments and loans, and what choices demand of them.
    """

    def __init__(self, market: MarketState, behaviour: Behaviour) -> None:
        options = market.options
        self._market = market
        self._rules = behaviour.rules
        self._execution = behaviour.execution
        self._refusals = behaviour.refusals
        self._rows = behaviour.rows
        self._answers = behaviour.answers
        self._movements = behaviour.movements
        self._borrowings = behaviour.borrowings
        self._lenient_lists = options.is_set("malformed-payment-assets", "tolerate")
        self._whole_debt_amount = options.is_set("whole-debt-answer-amount", "present")
        rows = options.text("other-repayment-rows")
        self._loan_repayments_recorded = rows == "one"
        self._loan_repayments_in_flow = rows != "none"

    # ------------------------------------------------------------------------ repaying

    def repay_debt(self, call: Call) -> object:
        """Answer POST /papi/v1/margin/repay-debt: repay by the four published rules; see `repayment_rules`."""
        world, prices, account = self._market.world, self._market.prices, call.owner
        asset = call.text("asset")
        if asset not in prices and not world.knows(asset):
            raise Refusal(-1108, reason="no such asset")
        named = call.texts_of("specifyRepayAssets")
        if named is not None and not self._lenient_lists:
            for name in named:
                if name not in prices and not world.knows(name):
                    raise Refusal(-1130, parameter="specifyRepayAssets", reason="no such payment asset")
        amount = call.amount("amount")
        call.debt_call = True
        self._market.busy.enter(account.id)
        answers = self._answers
        owed_before = ZERO if answers is None else _debt(call, asset)
        plan = self._plan(call, account, asset, amount, named)
        if plan.total:
            self._carry_out(call, asset, plan, amount, named)
        answer: dict[str, object] = {}
        if amount is not None:
            # The answer repeats the scale of the request, as seen live: "5", not "5.00000000".
            answer["amount"] = call.texts["amount"] if plan.total == amount else exact_text(plan.total)
        elif self._whole_debt_amount:
            answer["amount"] = exact_text(plan.total)
        answer["asset"] = asset
        if named:
            answer["specifyRepayAssets"] = named
        answer["updateTime"] = call.now_ms
        answer["success"] = True
        if answers is None:
            return answer
        repaid = Repaid(asset, plan, call.texts.get("amount"), owed_before, named or ())
        return answers.members(call, answer, repaid)

    def _plan(
        self,
        call: Call,
        account: Account,
        asset: str,
        amount: Decimal | None,
        named: tuple[str, ...] | None,
    ) -> Repayment:
        """Work out a repayment before anything changes."""
        execution, rules, prices = self._execution, self._rules, self._market.prices
        try:
            if execution is None:
                return plan_repayment(account, asset, amount, named or None, prices, rules)
            return plan_repayment(
                account, asset, amount, named or None, prices, rules,
                share=execution.share, spread=execution.spread(),
            )  # fmt: skip
        except Refusal:
            if self._rows is not None:
                self._rows.refused(call, asset, amount)
            raise

    def _carry_out(
        self,
        call: Call,
        asset: str,
        plan: Repayment,
        amount: Decimal | None,
        named: tuple[str, ...] | None,
    ) -> None:
        """Execute a repayment that can be made, unless a choice refuses, delays or drops it."""
        refusals = self._refusals
        if refusals is not None and refusals.strikes():
            call.answer_writer = refusals.writer(call)
            if not refusals.executes:
                if self._rows is not None:
                    self._rows.refused(call, asset, amount)
                return
        if self._execution is None:
            self._movements.repay(call, asset, plan, amount)
        else:
            self._execution.carry_out(call, asset, plan, amount, list(named) if named else None)

    def repay_loan(self, call: Call) -> object:
        """Answer POST /papi/v1/repayLoan: repay in the owed asset itself, interest first, with an id."""
        market, account, rules = self._market, call.owner, self._rules
        asset = call.text("asset")
        if not market.world.knows(asset):
            raise Refusal(-1108, reason="no such asset")
        amount = call.required_amount("amount")
        call.debt_call = True
        market.busy.enter(account.id)
        holding = account.holdings.get(asset)
        debt = ZERO if holding is None else holding.debt
        if holding is None or not debt:
            raise Refusal(rules.no_debt_code, reason="nothing is owed")
        if amount > debt:
            if not rules.clip_above_debt:
                raise Refusal(rules.above_debt_code, reason="the amount is above the debt")
            amount = debt
        if amount > holding.free:
            raise Refusal(rules.insufficient_code, reason="the free balance is too small")
        interest = min(amount, holding.interest)
        principal = EXACT.subtract(amount, interest)
        transfers = market.world.ledger.repay(
            account,
            asset,
            interest=interest,
            principal=principal,
            own=amount,
            paid_with=(),
            now_ms=call.now_ms,
        )
        tran_id = market.history.ids.next_transaction()
        call.book(market.history, asset, transfers, interest=interest, principal=principal, tran_id=tran_id)
        if self._loan_repayments_recorded:
            market.history.write_record(
                repay_record(market, account, asset, tran_id, interest, principal, call.now_ms)
            )
        if self._loan_repayments_in_flow:
            market.write_flow(account, "REPAY", asset, -amount, tran_id, call.now_ms)
        deltas = {asset: -amount}
        self._movements.announce(call, asset, "REPAY", tran_id, principal, interest, deltas)
        return {"tranId": tran_id}

    # ------------------------------------------------------------------------ borrowing

    def borrow(self, call: Call) -> object:
        """Answer POST /papi/v1/marginLoan: lend from the pool and charge the first hour of interest at once."""
        market, world, account = self._market, self._market.world, call.owner
        asset = call.text("asset")
        if not world.knows(asset):
            raise Refusal(-1108, reason="no such asset")
        amount = call.required_amount("amount")
        call.debt_call = True
        market.busy.enter(account.id)
        if asset in world.borrow_closed:
            raise Refusal(51014, reason="borrowing of this asset is closed")
        status = status_of(account, world.prices.usd, world.collateral).status
        if RISK_LEVELS[status] == LIQUIDATION:
            raise Refusal(51068, reason="the account is being liquidated")
        lendable = world.ledger.counterparty_of(asset).lendable
        if lendable is not None and amount > lendable:
            raise Refusal(51061, reason="the pool is too small")
        if amount > self._ceilings(account, asset)[0]:
            raise Refusal(51006, reason="above the maximum borrowable")
        tran_id = market.history.ids.next_transaction()
        self._borrowings.carry_out(call, asset, amount, tran_id)
        return {"tranId": tran_id}

    def max_borrowable(self, call: Call) -> object:
        """Answer GET /papi/v1/margin/maxBorrowable: an empty pool is an error, not zero."""
        asset = call.text("asset")
        if not self._market.world.knows(asset):
            raise Refusal(-1108, reason="no such asset")
        lendable = self._market.world.ledger.counterparty_of(asset).lendable
        if lendable is not None and not lendable:
            raise Refusal(51061, reason="the pool is empty")
        amount, limit = self._ceilings(call.owner, asset)
        return {"amount": wire_text(amount), "borrowLimit": exact_text(limit)}

    def max_withdraw(self, call: Call) -> object:
        """Answer GET /papi/v1/margin/maxWithdraw: the free amount that is not needed as collateral."""
        world = self._market.world
        asset = call.text("asset")
        if not world.knows(asset):
            raise Refusal(-1108, reason="no such asset")
        holding = call.owner.holdings.get(asset)
        free = ZERO if holding is None else holding.free
        price = world.prices.usd.get(asset)
        standing = status_of(call.owner, world.prices.usd, world.collateral)
        if price and standing.initial_margin:
            rate = world.collateral.collateral_rates.get(asset, world.collateral.default_collateral_rate)
            if rate:
                free = min(free, divide_down(standing.withdrawable, EXACT.multiply(price, rate)))
        return {"amount": wire_text(free)}

    def _ceilings(self, account: Account, asset: str) -> tuple[Decimal, Decimal]:
        """Return the amount that may be borrowed now, and the ceiling of the account level, in units of the asset."""
        world = self._market.world
        price = world.prices.usd.get(asset)
        holding = account.holdings.get(asset)
        borrowed = ZERO if holding is None else holding.borrowed
        limit = world.borrow_limits.get(asset)
        if limit is None:
            limit = divide_down(_DEFAULT_BORROW_LIMIT_USD, price) if price else ZERO
        room = max(ZERO, EXACT.subtract(limit, borrowed))
        if price and world.collateral.initial_rate:
            # A borrowed asset is held as well, so a loan adds nothing to the equity and only needs margin.
            spare = status_of(account, world.prices.usd, world.collateral).withdrawable
            room = min(room, divide_down(spare, EXACT.multiply(price, world.collateral.initial_rate)))
        lendable = world.ledger.counterparty_of(asset).lendable
        if lendable is not None:
            room = min(room, lendable)
        return room, limit


def _debt(call: Call, asset: str) -> Decimal:
    held = call.owner.holdings.get(asset)
    return ZERO if held is None else held.debt
