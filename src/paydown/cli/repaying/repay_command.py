"""`paydown repay`: plan, show, ask, and work the plan off under the journal."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from paydown.cli.confirmation import NOT_CONFIRMED, is_confirmed, place_of
from paydown.cli.output import Output, decimal_text
from paydown.cli.progress_display import LiveProgress
from paydown.cli.reading.plan_command import begun_before, make_plan, sentence_on_begun
from paydown.cli.shared_options import add_command, add_journal, add_request, open_client, open_repay

if TYPE_CHECKING:
    from paydown.cli.shared_options import Commands
    from paydown.repay import Plan, Report, SafeRepay


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
    """Plan, show, ask, run the plan, and print its report.

    Args:
        arguments: The parsed command line.
        output: Where to print.

    Returns:
        The exit code.
    """
    from paydown.repay import Options, PlanUnfinished

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
            return _show_begun(output, plan, begun, dry_run=arguments.dry_run)
        place = place_of(arguments, client)
        if not output.json_mode:
            _show_plan(output, place, plan, repay)
        if arguments.dry_run:
            if output.json_mode:
                output.document({"ok": True, "exit_code": 0, "outcome": "dry run", "plan": plan.to_json()})
            else:
                output.line("Dry run: nothing was sent.")
            return 0
        if not is_confirmed(output, f"Send it, for {place}? [y/N]", yes=arguments.yes):
            return NOT_CONFIRMED
        if output.lost is not None:
            output.note(f"Nothing was sent: the plan could not be shown ({output.lost.strerror}).")
            return NOT_CONFIRMED
        with live:
            report = repay.run(plan)
    output.report(report, live.settled)
    return report.exit_code


def _show_begun(output: Output, plan: Plan, begun: Report, *, dry_run: bool) -> int:
    """Print the report of a plan whose key was given again, and return the exit code: nothing is sent for it."""
    if not output.json_mode:
        output.line(sentence_on_begun(plan, begun))
    if dry_run and output.json_mode:
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
    return 0 if dry_run else begun.exit_code


def _show_plan(output: Output, place: str, plan: Plan, repay: SafeRepay) -> None:
    """Print everything that a person confirms: the account, the exchange, the plan, and the doubts settled first."""
    from paydown.repay.moments import moment

    output.line(place[:1].upper() + place[1:])
    output.line(str(plan))
    for attempt in repay.in_doubt:
        amount = "the whole debt" if attempt.intent.amount is None else decimal_text(attempt.intent.amount)
        output.line(
            f"In doubt: attempt {attempt.id} of plan {attempt.plan_key}, {amount} of {attempt.intent.asset}, "
            f"signed {moment(attempt.intent.signed_at_ms)}. It is settled by evidence before anything else is sent, "
            "which can take four minutes."
        )


def _advice(repay: SafeRepay, plan_key: str) -> str:
    """Return what to type while a plan is unfinished.

    A new plan is not proposed while an attempt of the old one is in doubt.
    """
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
