"""`paydown plan`: show how a debt would be repaid. Reads only."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from paydown.cli.output import Output
from paydown.cli.shared_options import (
    add_command,
    add_journal,
    add_request,
    open_client,
    open_repay,
    pay_with,
    prices,
)

if TYPE_CHECKING:
    from paydown.cli.shared_options import Commands
    from paydown.repay import Plan, Report, SafeRepay


def add_parser(commands: Commands) -> None:
    """Add `plan` to the command line."""
    parser = add_command(
        commands,
        "plan",
        "show how a debt would be repaid, piece by piece",
        "Read the account and the prices, cut the debt into pieces below the exchange's cap, and explain each. "
        "Sends nothing. With --key the plan is kept, and `repay --key` runs that very plan.",
    )
    add_request(parser)
    add_journal(parser)
    parser.set_defaults(run=run)


def make_plan(arguments: argparse.Namespace, repay: SafeRepay, *, new: bool) -> Plan:
    """Make the plan that the arguments describe.

    Args:
        arguments: With those of `shared_options.add_request`.
        repay: Makes it; reads only.
        new: Allow a plan although an earlier one for the asset is not finished.
    """
    return repay.plan(
        arguments.asset,
        arguments.amount,
        pay_with=pay_with(arguments),
        key=arguments.key,
        prices=prices(arguments) or None,
        margin=arguments.margin,
        new=new,
    )


def begun_before(arguments: argparse.Namespace, repay: SafeRepay) -> Report | None:
    """Return the report of the plan with the key of the arguments, if that plan was begun: its key is used up then.

    Args:
        arguments: With `key`, which may be `None`.
        repay: Knows the plan.
    """
    from paydown.repay import PlanState

    if arguments.key is None:
        return None
    report = repay.report(arguments.key)
    return None if report.state is PlanState.PLANNED else report


def sentence_on_begun(plan: Plan, report: Report) -> str:
    """Return the sentence that a person should read before the report of a plan that was begun earlier.

    Args:
        plan: The plan whose key was given again.
        report: Its report.
    """
    from paydown.repay import PlanState
    from paydown.repay.moments import moment

    if report.state is PlanState.DONE:
        payers = "".join(f", then {name}" for name in plan.request.pay_with)
        return (
            f"Plan {plan.key} is done since {moment(report.ended_at_ms)}, paid with {plan.asset} first{payers}. "
            "Nothing is sent again."
        )
    return (
        f"Plan {plan.key} was begun {moment(report.started_at_ms)} and is {report.state.value}. "
        f"Nothing was sent now; `paydown resume {plan.key}` goes on."
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Make the plan and print it.

    Args:
        arguments: The parsed command line.
        output: Where to print.

    Returns:
        The exit code.
    """
    with open_client(arguments) as client, open_repay(arguments, client) as repay:
        # A plan that is only shown does no harm next to an unfinished one; only `repay` refuses that.
        plan = make_plan(arguments, repay, new=True)
        begun = begun_before(arguments, repay)
    if output.json_mode:
        output.document({"ok": True, "plan": plan.to_json()})
    else:
        if begun is not None:
            output.line(sentence_on_begun(plan, begun))
        output.line(str(plan))
    return 0
