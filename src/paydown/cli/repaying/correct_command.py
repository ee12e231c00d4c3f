"""`paydown correct`: correct how an attempt ended, where its end was recorded wrongly."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from paydown.cli.output import Output, decimal_text
from paydown.cli.shared_options import add_command, add_journal, given, open_client, open_repay

if TYPE_CHECKING:
    from paydown.cli.shared_options import Commands


def add_parser(commands: Commands) -> None:
    """Add `correct` to the command line."""
    parser = add_command(
        commands,
        "correct",
        "correct how an attempt ended, on your word",
        "Append a correction to an attempt that has ended (one in doubt is settled with `reconcile`). Edits nothing "
        "and sends nothing; `resume PLAN` goes on from there, even if the plan was done. An amount that was not "
        "executed will be repaid again, so --not-executed is accepted only once the request can no longer act, and "
        "with the amount typed once more.",
    )
    parser.add_argument("attempt", metavar="ATTEMPT", type=given, help="id of the attempt")
    word = parser.add_mutually_exclusive_group(required=True)
    word.add_argument("--executed", action="store_true", help="I have looked: it happened")
    word.add_argument("--not-executed", action="store_true", help="I have looked: it did not happen")
    parser.add_argument(
        "--note", metavar="TEXT", type=given, required=True, help="who looked, and what they saw"
    )
    parser.add_argument(
        "--amount",
        metavar="A",
        type=given,
        help="with --not-executed: what it asked for, `all` for a whole debt; with --executed: how much it repaid "
        "(default: what it asked for)",
    )
    add_journal(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Append the correction, and print what counts now.

    Args:
        arguments: The parsed command line.
        output: Where to print.

    Returns:
        The exit code.
    """
    with open_client(arguments) as client, open_repay(arguments, client) as repay:
        attempt = repay.correct(
            arguments.attempt, executed=arguments.executed, note=arguments.note, amount=arguments.amount
        )
    if output.json_mode:
        output.document({"ok": True, "exit_code": 0, "outcome": "corrected", "attempt": attempt.to_json()})
        return 0
    moved = attempt.moved
    output.line(
        f"Attempt {attempt.id} was {attempt.state.value} and counts as "
        f"{'executed' if attempt.paid else 'not executed'} now"
        + (f": {decimal_text(moved)} {attempt.intent.asset} repaid" if attempt.paid and moved else "")
        + f". Nothing was sent; `paydown resume {attempt.plan_key}` goes on."
    )
    return 0
