"""`paydown accounts`: give an account another name."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from paydown.cli.output import Output
from paydown.cli.shared_options import add_command, add_journal, given, open_client, open_repay

if TYPE_CHECKING:
    from paydown.cli.shared_options import Commands


def add_parser(commands: Commands) -> None:
    """Add `accounts` to the command line."""
    parser = commands.add_parser(
        "accounts",
        help="rename an account",
        description="Give an account another name.",
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    rename = add_command(
        verbs,
        "rename",
        "give an account another name",
        "Give an account another name, in the journal and among the locks. It keeps its plans and its doubts. The "
        "account without a name is called `default`.",
    )
    rename.add_argument("old", metavar="OLD", type=given, help="the name it has")
    rename.add_argument("new", metavar="NEW", type=given, help="the name it gets")
    add_journal(rename)
    rename.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Rename the account.

    Args:
        arguments: The parsed command line.
        output: Where to print.

    Returns:
        The exit code.
    """
    with open_client(arguments) as client, open_repay(arguments, client, ask=False) as repay:
        repay.rename_account(arguments.old, arguments.new)
    if output.json_mode:
        output.document({"ok": True, "exit_code": 0, "old": arguments.old, "new": arguments.new})
    else:
        output.line(f"Account {arguments.old} is called {arguments.new} now. Its doubts stay with it.")
    return 0
