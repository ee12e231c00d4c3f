"""Find the plan of a key, or make one; refuse a plan without a key next to an unfinished plan for the same debt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from paydown.repay.errors import PlanUnfinished
from paydown.repay.execution.commands import Commit, Step
from paydown.repay.execution.run_context import Context, Decisions
from paydown.repay.journal.journal_records import PlanRecord
from paydown.repay.journal.states import PlanState
from paydown.repay.moments import moment
from paydown.repay.planning.plan import Plan, Request
from paydown.repay.planning.plan_request import checked_key, checked_request, new_key, propose

__all__ = ["plan_decisions", "store_plan", "unfinished_plans"]


def plan_decisions(
    context: Context,
    asset: str,
    amount: Decimal | str | None,
    *,
    pay_with: Sequence[str],
    key: str | None,
    prices: Mapping[str, Decimal | str] | None,
    margin: Decimal | str | None,
    new: bool,
    used_weight: Callable[[], int],
) -> tuple[Plan | None, Decisions[Plan]]:
    """Check the request, and return the stored plan of its key, or the decisions that make one.

    Args:
        context: The context that every decision needs.
        asset: Asset owed.
        amount: How much to repay, in units of `asset`; `None` repays the whole debt.
        pay_with: Assets that may pay.
        key: Idempotency key, or `None`.
        prices: USD per unit; they win over the index prices of the exchange.
        margin: Share of the value cap that every piece stays below; `None` for the one of the options.
        new: Whether to plan without a key although an earlier plan for the asset is not finished.
        used_weight: Request weight already used in the running minute; asked only if a plan is made.

    Raises:
        PlanUnfinished: No key is given, and an earlier plan for this asset is not finished.
        PlanKeyConflict: The key belongs to a different request.
        InvalidRequest: An argument cannot be used.
    """
    share = context.options.margin if margin is None else margin
    request = checked_request(asset, amount, pay_with, prices, share)
    if key is not None:
        known = context.journal.plans.find(context.account, checked_key(key), request.fingerprint)
        if known is not None:
            return known.plan, _nothing(known.plan)
    elif not new:
        _refuse_beside_unfinished(context, request.asset)
    plan_key = new_key(request.asset) if key is None else key
    return None, _propose(context, request, plan_key, store=key is not None, used_weight=used_weight)


def store_plan(context: Context, plan: Plan) -> Decisions[PlanRecord]:
    """Write a plan down, or return the stored one: of two processes with one key the first one's plan is kept.

    Args:
        context: The context that every decision needs.
        plan: The plan.

    Raises:
        PlanKeyConflict: The key belongs to a different request.
    """
    return (
        yield from Commit(
            Step.WRITE_PLAN, lambda: context.journal.plans.add(context.account, plan, context.now_ms())
        ).reply()
    )


def unfinished_plans(context: Context, plan_key: str | None) -> list[PlanRecord]:
    """Return every plan that `resume` would go on with, oldest first; with a key that key's plan, in any state.

    Args:
        context: The context that every decision needs.
        plan_key: The key, or `None`.

    Raises:
        UnknownPlan: There is no plan with that key.
    """
    plans = context.journal.plans
    if plan_key is not None:
        return [plans.get(context.account, plan_key)]
    unfinished = (PlanState.RUNNING, PlanState.STOPPED, PlanState.UNDECIDED)
    return [record for record in reversed(plans.newest_first(context.account)) if record.state in unfinished]


def _refuse_beside_unfinished(context: Context, asset: str) -> None:
    """Refuse a plan without a key: after a crash, a repetition cannot be distinguished from a new request."""
    for record in unfinished_plans(context, None):
        if record.plan.asset == asset:
            raise PlanUnfinished(
                f"Plan {record.key} for {asset} was begun {moment(record.created_at_ms)} and is "
                f"{record.state.value}: another one would repay on top of it. Resume {record.key}, or ask "
                "for a new plan next to it.",
                plan_key=record.key,
            )


def _propose(
    context: Context, request: Request, key: str, *, store: bool, used_weight: Callable[[], int]
) -> Decisions[Plan]:
    plan = yield from propose(request, key, context.facts, context.options, used_weight=used_weight())
    if not store:
        return plan
    record = yield from store_plan(context, plan)
    return record.plan


def _nothing(plan: Plan) -> Decisions[Plan]:
    """Yield no command, since the plan is known already."""
    return plan
    yield  # makes this a generator
