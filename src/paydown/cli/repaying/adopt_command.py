"""`paydown adopt`: go on with a journal although more is remembered than it knows."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from paydown.cli.output import Output, decimal_text
from paydown.cli.shared_options import add_command, add_journal, given, open_client, open_repay

if TYPE_CHECKING:
    from paydown.cli.shared_options import Commands

NOTHING_TO_DO = 8


def add_parser(commands: Commands) -> None:
    """Add `adopt` to the command line."""
    parser = add_command(
        commands,
        "adopt",
        "go on with a journal that knows less than is remembered",
        "After a journal was lost or restored from a backup: read the account once, keep that snapshot with your "
        "note, and go on with the journal that is there. The plans and plan keys of the lost one are gone: compare the "
        "exchange's own repayment history before anything is repaid again. If the lost journal can be found, use that "
        "instead.",
    )
    parser.add_argument(
        "--note",
        metavar="TEXT",
        type=given,
        required=True,
        help="who looked at the account, and what they saw",
    )
    add_journal(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Adopt the journal, and show what was remembered and what is owed.

    Args:
        arguments: The parsed command line.
        output: Where to print.

    Returns:
        The exit code.
    """
    with open_client(arguments) as client, open_repay(arguments, client) as repay:
        adopted = repay.adopt(note=arguments.note)
    exit_code = NOTHING_TO_DO if adopted is None else 0
    if output.json_mode:
        document = None if adopted is None else adopted.to_json()
        output.document({"ok": True, "exit_code": exit_code, "adopted": document})
        return exit_code
    if adopted is None:
        output.line("Nothing to adopt: the journal knows everything that is remembered.")
        return exit_code
    output.line(f"From now on {adopted.journal} is used. Remembered before:", style="bold")
    for words in adopted.remembered:
        output.line(f"  {words}")
    owed = {name: holding.debt for name, holding in adopted.snapshot.assets.items() if holding.debt}
    for name, debt in sorted(owed.items()):
        output.line(f"  owed now: {decimal_text(debt)} {name}")
    return exit_code
