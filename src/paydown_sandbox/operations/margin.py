"""Borrowing and repaying margin debt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paydown_sandbox.amounts import EXACT, ZERO, exact_text
from paydown_sandbox.refusal import Refusal
from paydown_sandbox.repayment import plan_repayment

if TYPE_CHECKING:
    from paydown_sandbox.calls import Call
    from paydown_sandbox.exchange import Exchange

__all__ = ["repay_debt"]


def repay_debt(exchange: Exchange, call: Call) -> object:
    """POST /papi/v1/margin/repay-debt: by the four published rules; see `repayment`."""
    world = exchange.world
    account = call.owner
    asset = call.text("asset")
    if not world.knows(asset):
        raise Refusal(-1108, reason="no such asset")
    named = call.texts_of("specifyRepayAssets")
    if named is not None and not exchange.lenient_lists:
        for name in named:
            if not world.knows(name):
                raise Refusal(-1130, parameter="specifyRepayAssets", reason="no such payment asset")
    amount = call.amount("amount")
    exchange.lock_debt_calls(call)
    plan = plan_repayment(account, asset, amount, named or None, world.prices.usd, exchange.repayment_rules)
    if plan.total:
        transfers = world.ledger.repay(
            account,
            asset,
            interest=plan.interest,
            principal=plan.principal,
            own=plan.own,
            paid_with=plan.paid_with,
            now_ms=call.now_ms,
        )
        if plan.house_gain_usd:
            world.ledger.dust_usd = EXACT.add(world.ledger.dust_usd, plan.house_gain_usd)
        exchange.book(call, asset, plan.interest, plan.principal, transfers)
    answer: dict[str, object] = {}
    if amount is not None:
        # Echoes the scale of the request, as seen live: "5", not "5.00000000".
        answer["amount"] = call.texts["amount"] if plan.total == amount else exact_text(plan.total)
    elif world.options.is_set("whole-debt-answer-amount", "present"):
        answer["amount"] = exact_text(plan.total or ZERO)
    answer["asset"] = asset
    if named:
        answer["specifyRepayAssets"] = named
    answer["updateTime"] = call.now_ms
    answer["success"] = True
    return answer
