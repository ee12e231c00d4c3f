"""The entry point `main()`: parse the arguments, run the command, return its exit code."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from paydown.cli import sandbox_command
from paydown.cli.reading import (
    accounts_command,
    debts_command,
    doctor_command,
    history_command,
    plan_command,
)
from paydown.cli.repaying import (
    adopt_command,
    correct_command,
    reconcile_command,
    repay_command,
    resume_command,
)
from paydown.errors import PaydownError, RequestNotSent
from paydown.state_directory import StateDirectoryUnusable

if TYPE_CHECKING:
    from paydown.cli.output import Output

INTERRUPTED = 130  # what shells report for a program ended by Ctrl-C: 128 + SIGINT

EPILOG = """\
exit codes:
  0  done
  1  paydown itself failed (a bug): look at the balance before anything is sent again
  2  the command line or the configuration is wrong
  3  nothing left this machine: calling again is safe
  4  the exchange refused: nothing was executed
  5  in doubt: it may have happened; look at the balance before anything is sent again
  6  a question stayed unanswered: nothing was changed
  7  everything that was sent was executed, and the target was missed
  8  nothing owed, nothing to do
  9  stopped as asked, with some money moved and nothing in doubt
  130  interrupted before anything left

environment:
  PAYDOWN_API_KEY                 the key's public half
  PAYDOWN_API_SECRET              its secret (HMAC keys), or
  PAYDOWN_PRIVATE_KEY_FILE        a PEM file (RSA and Ed25519 keys)
  PAYDOWN_PRIVATE_KEY_PASSWORD    its password, if it has one
  PAYDOWN_BASE_URL                another address, such as http://127.0.0.1:8087
  PAYDOWN_BUDGET                  shared or memory: whose request weight is counted together
"""


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command line; the documentation is made from it, too."""
    import paydown

    parser = argparse.ArgumentParser(
        prog="paydown",
        description="Repay Binance Portfolio Margin debt, and never repay it twice.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # `--am 5` must not come to mean `--amount 5` and then something else
    )
    parser.add_argument("--version", action="version", version=f"paydown {paydown.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in (
        debts_command,
        plan_command,
        repay_command,
        resume_command,
        reconcile_command,
        correct_command,
        adopt_command,
        history_command,
        accounts_command,
        doctor_command,
        sandbox_command,
    ):
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after `paydown`; `None` takes them from the process.

    Returns:
        The exit code, as in the table of this package.
    """
    from paydown.cli.output import Output

    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["sandbox"]:
        return sandbox_command.run(words[1:])
    arguments = build_parser().parse_args(words)
    # The log of the library repeats what the command line prints in plainer words.
    logging.getLogger("paydown").addHandler(logging.NullHandler())
    output = Output(json_mode=bool(arguments.json))
    return _run(arguments, output)


def _run(arguments: argparse.Namespace, output: Output) -> int:
    try:
        exit_code = int(arguments.run(arguments, output))
    except PaydownError as error:
        output.failure(error)
        exit_code = error.exit_code
    except StateDirectoryUnusable as error:
        exit_code = RequestNotSent.exit_code
        output.refusal(f"Nothing was sent: {error}", exit_code=exit_code)
    except KeyboardInterrupt:
        output.note("Interrupted.")
        exit_code = INTERRUPTED
    return output.end(exit_code)
