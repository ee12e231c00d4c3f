"""`paydown resume`: go on with plans after a stop, a crash or a lost answer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from paydown.cli.confirmation import NOT_CONFIRMED, is_confirmed, place_of
from paydown.cli.output import Output, decimal_text, outcome_of
from paydown.cli.progress_display import LiveProgress
from paydown.cli.shared_options import add_command, add_journal, open_client, open_repay

if TYPE_CHECKING:
    from paydown.cli.shared_options import Commands
    from paydown.repay import SafeRepay
    from paydown.repay.journal.journal_records import PlanRecord


def add_parser(commands: Commands) -> None:
    """Add `resume` to the command line."""
    parser = add_command(
        commands,
        "resume",
        "go on with plans that were interrupted",
        "Settle what an ended process left open, then work the plan off where the journal ends. Without PLAN every "
        "unfinished plan of the account, oldest first.",
    )
    parser.add_argument(
        "plan", metavar="PLAN", nargs="?", help="key of the plan (default: every unfinished one)"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be gone on with, send nothing"
    )
    add_journal(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Show the unfinished plans, ask, resume them, and print a report for each.

    Args:
        arguments: The parsed command line.
        output: Where to print.

    Returns:
        The exit code, the gravest of all plans.
    """
    from paydown.repay.report import exit_code_of

    live = LiveProgress(output)
    with (
        open_client(arguments, live.calling) as client,
        open_repay(arguments, client, progress=live.repaying) as repay,
    ):
        unfinished = repay.unfinished(arguments.plan)
        place = place_of(arguments, client)
        if unfinished and not output.json_mode:
            output.line(place[:1].upper() + place[1:])
            for record in unfinished:
                output.line(_sentence_on(record, repay))
        if arguments.dry_run:
            return _dry(output, unfinished)
        if unfinished and not is_confirmed(output, f"Go on, for {place}? [y/N]", yes=arguments.yes):
            return NOT_CONFIRMED
        if output.lost is not None:
            output.note(f"Nothing was sent: the plans could not be shown ({output.lost.strerror}).")
            return NOT_CONFIRMED
        with live:
            reports = repay.resume(arguments.plan)
    exit_code = exit_code_of(reports)
    if output.json_mode:
        output.document(
            {
                "ok": exit_code == 0,
                "exit_code": exit_code,
                "outcome": outcome_of(exit_code),
                "reports": [report.to_json() for report in reports],
                "settled": [one.to_json() for one in live.settled],
            }
        )
        return exit_code
    if not reports:
        output.line("Nothing to resume.")
    for report in reports:
        output.report(report)
    return exit_code


def _sentence_on(record: PlanRecord, repay: SafeRepay) -> str:
    """Describe an unfinished plan in one sentence: what was asked, what is repaid, and what is in doubt."""
    report = repay.report(record.key)
    asked = "the whole debt" if report.asked is None else decimal_text(report.asked)
    doubt = next((line.id for line in report.attempts if line.state in {"UNKNOWN", "INTENT"}), None)
    settled_first = (
        f"; attempt {doubt} may have happened and is settled by evidence first, which can take four minutes"
        if doubt is not None
        else ""
    )
    return (
        f"Plan {record.key} is {record.state.value}: asked {asked} of {report.asset}, repaid "
        f"{decimal_text(report.repaid)}{settled_first}. The rest is planned from the balance of that moment."
    )


def _dry(output: Output, unfinished: Sequence[PlanRecord]) -> int:
    if output.json_mode:
        plans = [record.plan.to_json() for record in unfinished]
        output.document({"ok": True, "exit_code": 0, "outcome": "dry run", "plans": plans})
    else:
        output.line("Dry run: nothing was sent." if unfinished else "Nothing to resume.")
    return 0
