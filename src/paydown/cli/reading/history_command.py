"""`paydown history`: show every plan and attempt that the journal knows."""

from __future__ import annotations

import argparse
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from paydown.cli.debt_chart import terminal_chart, write_png
from paydown.cli.output import Output, decimal_text
from paydown.cli.shared_options import add_command, add_journal, open_client, open_repay
from paydown.errors import InvalidRequest

if TYPE_CHECKING:
    from paydown.cli.shared_options import Commands
    from paydown.repay import PlanHistory


def add_parser(commands: Commands) -> None:
    """Add `history` to the command line."""
    parser = add_command(
        commands,
        "history",
        "show what was planned, sent and proven",
        "Show every plan of the account with its attempts, newest first. Reads the journal only.",
    )
    parser.add_argument("--plot", metavar="ASSET", help="draw the debt of ASSET over time instead")
    parser.add_argument(
        "--png", metavar="FILE", help="with --plot: write the chart to FILE (pip install 'paydown[plot]')"
    )
    add_journal(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Print the history, or draw the debt.

    Args:
        arguments: The parsed command line.
        output: Where to print.

    Returns:
        The exit code.
    """
    if arguments.png is not None and arguments.plot is None:
        raise InvalidRequest("--png needs --plot ASSET.", parameter="png")
    with open_client(arguments) as client, open_repay(arguments, client, ask=False) as repay:
        if arguments.plot is not None:
            points = repay.debt_over_time(arguments.plot)
            return _plot(arguments, output, points)
        entries = repay.history()
    if output.json_mode:
        output.document({"ok": True, "plans": [entry.to_json() for entry in entries]})
    elif not entries:
        output.line("The journal holds nothing for this account.")
    else:
        for entry in entries:
            _show(output, entry)
    return 0


def _show(output: Output, entry: PlanHistory) -> None:
    from paydown.repay.moments import moment

    plan = entry.record.plan
    asked = "the whole debt" if plan.request.amount is None else decimal_text(plan.request.amount)
    title = f"{plan.key}: {asked} of {plan.asset}, {entry.record.state.value}, {moment(entry.record.created_at_ms)}"
    if not entry.attempts:
        output.line(f"{title}, nothing was sent", style="bold")
        return
    output.line(title, style="bold")
    output.table(
        "",
        [
            ("#", "right"),
            ("Signed", "left"),
            ("Amount", "right"),
            ("Repaid", "right"),
            ("State", "whole"),
            ("Attempt", "whole"),
        ],
        [
            [
                str(attempt.intent.number),
                moment(attempt.intent.signed_at_ms),
                "whole" if attempt.intent.amount is None else decimal_text(attempt.intent.amount),
                "" if attempt.repaid is None else decimal_text(attempt.repaid),
                attempt.state.value,
                attempt.id,
            ]
            for attempt in entry.attempts
        ],
    )


def _plot(arguments: argparse.Namespace, output: Output, points: list[tuple[int, Decimal, Decimal]]) -> int:
    asset = arguments.plot
    if not points:
        raise InvalidRequest(f"The journal holds no snapshot of {asset} of this account.", parameter="plot")
    if arguments.png is not None:
        write_png(Path(arguments.png), asset, points)
    if output.json_mode:
        output.document(
            {
                "ok": True,
                "asset": asset,
                "points": [
                    {"at_ms": at, "principal": principal, "interest": interest}
                    for at, principal, interest in points
                ],
            }
        )
    elif arguments.png is not None:
        output.line(f"Wrote {arguments.png}: {len(points)} points.")
    else:
        output.line(terminal_chart(asset, points, width=output.console.width))
    return 0
