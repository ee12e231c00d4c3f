"""`paydown debts`: show what the account owes, and which holdings could pay."""

from __future__ import annotations

import argparse
from decimal import Decimal
from typing import TYPE_CHECKING

from paydown.cli.output import Output, decimal_text
from paydown.cli.shared_options import add_command, open_client

if TYPE_CHECKING:
    from paydown.cli.shared_options import Commands
    from paydown_wire.models import Balance

ZERO = Decimal(0)


def add_parser(commands: Commands) -> None:
    """Add `debts` to the command line."""
    parser = add_command(
        commands,
        "debts",
        "show what is owed and what could pay",
        "Show every margin debt (principal and interest) and what is free to repay it.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Read all balances with one request and print them in two tables.

    Args:
        arguments: The parsed command line.
        output: Where to print.

    Returns:
        The exit code.
    """
    with open_client(arguments) as client:
        balances = client.account.balance()
    owed = sorted((b for b in balances if _debt(b) > ZERO), key=lambda b: b.asset)
    free = sorted((b for b in balances if b.cross_margin_free > ZERO), key=lambda b: b.asset)
    if output.json_mode:
        output.document(
            {
                "ok": True,
                "debts": [
                    {
                        "asset": b.asset,
                        "principal": b.cross_margin_borrowed,
                        "interest": b.cross_margin_interest,
                        "owed": _debt(b),
                        "free": b.cross_margin_free,
                    }
                    for b in owed
                ],
                "free": [{"asset": b.asset, "free": b.cross_margin_free} for b in free],
            }
        )
        return 0
    if owed:
        output.table(
            "Debts",
            [("Asset", "left"), ("Principal", "right"), ("Interest", "right"), ("Owed", "right")],
            [
                [
                    b.asset,
                    decimal_text(b.cross_margin_borrowed),
                    decimal_text(b.cross_margin_interest),
                    decimal_text(_debt(b)),
                ]
                for b in owed
            ],
        )
    else:
        output.line("No margin debt.")
    if free:
        output.table(
            "Free to pay with",
            [("Asset", "left"), ("Free", "right")],
            [[b.asset, decimal_text(b.cross_margin_free)] for b in free],
        )
    return 0


def _debt(balance: Balance) -> Decimal:
    return balance.cross_margin_borrowed + balance.cross_margin_interest
