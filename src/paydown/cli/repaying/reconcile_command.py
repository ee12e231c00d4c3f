"""`paydown reconcile`: find out by evidence whether a repayment whose answer was lost was executed."""

from __future__ import annotations

import argparse
import time
from itertools import chain, repeat
from typing import TYPE_CHECKING

from paydown.cli.output import Output, outcome_of
from paydown.cli.progress_display import LiveProgress
from paydown.cli.shared_options import add_command, add_journal, given, open_client, open_repay
from paydown.errors import InvalidRequest

if TYPE_CHECKING:
    from paydown.cli.shared_options import Commands
    from paydown.repay import Reconciliation, SafeRepay

UNDECIDED = 5  # it may have happened, still

# Pauses between whole reconciliations, each of which takes some minutes itself. In a pause a list may catch up, or
# become readable. The last pause is repeated.
_PAUSES_S = (60, 300, 900, 3600)


def add_parser(commands: Commands) -> None:
    """Add `reconcile` to the command line."""
    parser = add_command(
        commands,
        "reconcile",
        "settle a repayment whose answer was lost, by evidence",
        "Read balances and records until they prove that the attempt was executed, or that it was not and cannot be "
        "any more. Sends nothing that changes anything. What the evidence cannot decide, a person can: "
        "--executed or --not-executed with a --note on what was seen.",
    )
    parser.add_argument(
        "attempt", metavar="ATTEMPT", nargs="?", type=given, help="id of the attempt (default: all in doubt)"
    )
    word = parser.add_mutually_exclusive_group()
    word.add_argument("--executed", action="store_true", help="I have looked: it happened")
    word.add_argument("--not-executed", action="store_true", help="I have looked: it did not happen")
    parser.add_argument(
        "--wait",
        action="store_true",
        help="look again, with growing pauses, until the evidence decides or Ctrl-C ends it",
    )
    parser.add_argument("--note", metavar="TEXT", help="who looked, and what they saw")
    add_journal(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Reconcile by evidence, or settle on a person's word.

    Args:
        arguments: The parsed command line.
        output: Where to print.

    Returns:
        The exit code.
    """
    live = LiveProgress(output)
    with (
        open_client(arguments, live.calling) as client,
        open_repay(arguments, client, progress=live.repaying) as repay,
    ):
        if arguments.executed or arguments.not_executed:
            if arguments.attempt is None or arguments.note is None:
                raise InvalidRequest("--executed and --not-executed need ATTEMPT and --note TEXT.")
            record = repay.settle(arguments.attempt, executed=arguments.executed, note=arguments.note)
            if output.json_mode:
                output.document(
                    {"ok": True, "exit_code": 0, "outcome": "settled", "attempt": record.to_json()}
                )
            else:
                output.line(f"Attempt {record.id} is {record.state.value}. `paydown resume` goes on.")
            return 0
        with live:
            found = repay.reconcile(arguments.attempt)
            if arguments.wait:
                found = _until_decided(found, arguments.attempt, repay, output)
    undecided = [one for one in found if not one.decided]
    exit_code = UNDECIDED if undecided else 0
    if output.json_mode:
        output.document(
            {
                "ok": not undecided,
                "exit_code": exit_code,
                # Exit code 0 means that nothing is in doubt any more, by evidence or by a person's word.
                "outcome": outcome_of(exit_code) if undecided else "settled" if found else "nothing in doubt",
                "reconciled": [one.to_json() for one in found],
            }
        )
        return exit_code
    if not found:
        about = "Nothing is" if arguments.attempt is None else f"Attempt {arguments.attempt} is not"
        output.line(f"{about} in doubt.")
    for one in found:
        output.line(f"Attempt {one.attempt.id}: {one.attempt.state.value}", style="bold")
        if one.trouble:
            output.line(f"  the evidence could not be read: {one.trouble}")
        if one.verdict is not None:
            # Findings that the steps below repeat are left out here: the whole answer must fit one screen.
            steps = " ".join(one.verdict.check).casefold()
            for finding in one.verdict.findings:
                if finding.text.casefold() in steps:
                    continue
                output.line(f"  {finding.kind} supports {finding.supports}: {finding.text}")
            for step in one.verdict.check:
                output.line(f"  check: {step}")
    if undecided:
        output.line("Undecided: nothing will be sent for this account until it is settled.")
    return exit_code


def _until_decided(
    found: list[Reconciliation], attempt: str | None, repay: SafeRepay, output: Output
) -> list[Reconciliation]:
    """Reconcile again until nothing is undecided any more; a stop (Ctrl-C) ends this with what is known by then."""
    for pause_s in chain(_PAUSES_S, repeat(_PAUSES_S[-1])):
        if not found or all(one.decided for one in found):
            return found
        output.note(
            f"Still undecided. Looking again in {pause_s // 60} min; Ctrl-C ends this and changes nothing."
        )
        try:
            time.sleep(pause_s)
        except KeyboardInterrupt:
            return found
        found = repay.reconcile(attempt)
    return found
