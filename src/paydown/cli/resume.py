"""`paydown resume`: go on after a stop, a crash or a lost answer."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from paydown.cli.options import add_command, add_journal, open_client, open_repay
from paydown.cli.output import Output
from paydown.cli.progress import LiveProgress

if TYPE_CHECKING:
    from paydown.cli.options import Commands


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
    add_journal(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Resume, and print a report for each plan; the exit code is the most serious of theirs."""
    live = LiveProgress(output)
    with (
        open_client(arguments, live.calling) as client,
        open_repay(arguments, client, progress=live.repaying) as repay,
        live,
    ):
        reports = repay.resume(arguments.plan)
    exit_code = max((report.exit_code for report in reports), default=0)
    if output.json_mode:
        output.document(
            {
                "ok": exit_code == 0,
                "exit_code": exit_code,
                "reports": [report.to_json() for report in reports],
                "settled": [told.to_json() for told in live.settled],
            }
        )
        return exit_code
    if not reports:
        output.line("Nothing to resume.")
    for report in reports:
        output.report(report)
    return exit_code
