"""`paydown repay`: plan, show, ask, and work the plan off under the journal."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from paydown.cli.output import Output, decimal_text
from paydown.cli.progress_display import LiveProgress
from paydown.cli.reading.plan_command import begun_before, make_plan, said_of_begun
from paydown.cli.shared_options import add_command, add_journal, add_request, open_client, open_repay
from paydown.cli.where import account_of, exchange_of

if TYPE_CHECKING:
    from paydown.cli.shared_options import Commands
    from paydown.repay import SafeRepay

NOT_CONFIRMED = 3  # like every other way in which nothing left this machine


def add_parser(commands: Commands) -> None:
    """Add `repay` to the command line."""
    parser = add_command(
        commands,
        "repay",
        "repay a margin debt, and never twice",
        "Show the plan, ask, then send each piece once, written down before it leaves. A lost answer is settled by "
        "evidence before anything else is sent; if it belongs to the last piece, the command ends with exit code 5 "
        "and `paydown reconcile` settles it (or --reconcile, right away). Ctrl-C finishes the call in flight, "
        "records it and stops.",
    )
    add_request(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--new",
        action="store_true",
        help="without --key: make a new plan even though an earlier one for ASSET is not finished",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the plan, send nothing")
    parser.add_argument(
        "--reconcile",
        action="store_true",
        help="settle a lost answer before ending, even if nothing else is to be sent (takes up to four minutes)",
    )
    add_journal(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Plan, ask, run, report."""
    from paydown.repay import Options, PlanUnfinished
    from paydown.repay.moments import moment

    live = LiveProgress(output)
    options = Options(reconcile_last=arguments.reconcile)
    with (
        open_client(arguments, live.calling) as client,
        open_repay(arguments, client, progress=live.repaying, options=options) as repay,
    ):
        try:
            plan = make_plan(arguments, repay, new=arguments.new)
        except PlanUnfinished as error:
            output.failure(error)
            if not output.json_mode:
                output.note(_advice(repay, error.plan_key))
            return error.exit_code
        begun = begun_before(arguments, repay)
        if begun is not None:
            if not output.json_mode:
                output.line(said_of_begun(plan, begun))
            if arguments.dry_run and output.json_mode:
                output.document(
                    {
                        "ok": True,
                        "exit_code": 0,
                        "outcome": "dry run",
                        "plan": plan.to_json(),
                        "report": begun.to_json(),
                    }
                )
            else:
                output.report(begun)
            return 0 if arguments.dry_run else begun.exit_code
        if not output.json_mode:
            output.line(f"{account_of(arguments.account).capitalize()} on {exchange_of(client)}")
            output.line(str(plan))
            for attempt in repay.in_doubt:
                output.line(
                    f"In doubt: attempt {attempt.id} of plan {attempt.plan_key}, "
                    f"{'the whole debt' if attempt.intent.amount is None else decimal_text(attempt.intent.amount)} "
                    f"of {attempt.intent.asset}, signed {moment(attempt.intent.signed_at_ms)}. It is settled by "
                    "evidence before anything else is sent, which can take four minutes."
                )
        if arguments.dry_run:
            if output.json_mode:
                output.document({"ok": True, "exit_code": 0, "outcome": "dry run", "plan": plan.to_json()})
            else:
                output.line("Dry run: nothing was sent.")
            return 0
        if not arguments.yes:
            where = f"{account_of(arguments.account)} on {exchange_of(client)}"
            confirmed = output.confirm(f"Send it, for {where}? [y/N]")
            if not confirmed:
                reason = "there is nobody to ask here; add --yes" if confirmed is None else "not confirmed"
                output.refusal(f"Nothing was sent: {reason}.", exit_code=NOT_CONFIRMED)
                return NOT_CONFIRMED
        if output.lost is not None:
            output.note(f"Nothing was sent: the plan could not be shown ({output.lost.strerror}).")
            return NOT_CONFIRMED
        with live:
            report = repay.run(plan)
    output.report(report, live.settled)
    return report.exit_code


def _advice(repay: SafeRepay, plan_key: str) -> str:
    """What to type beside an unfinished plan. While something of it is in doubt, a new plan is no advice at all."""
    doubt = next((attempt.id for attempt in repay.in_doubt if attempt.plan_key == plan_key), None)
    if doubt is not None:
        return (
            f"Attempt {doubt} of it may have happened. Run `paydown reconcile {doubt}`, then "
            f"`paydown resume {plan_key}`. A new plan would repay on top of it."
        )
    return (
        f"Run `paydown resume {plan_key}` to finish it. Only if you want to repay on top of what it repaid: "
        "the same command with --new."
    )
