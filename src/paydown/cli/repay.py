"""`paydown repay`: one repayment, shown before it is sent."""

from __future__ import annotations

import argparse
from decimal import Decimal
from typing import TYPE_CHECKING

from paydown.cli.options import add_base_url, add_json, open_client
from paydown.cli.output import Output, decimal_text
from paydown.errors import PaydownError

if TYPE_CHECKING:
    from paydown.client import Client
    from paydown_wire.models import RepayDebtResult

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # pyright: ignore[reportPrivateUsage]  # argparse names it so

NOT_CONFIRMED = 3  # like every other way in which nothing left this machine


def add_parser(commands: Commands) -> None:
    """Add `repay` to the command line."""
    parser = commands.add_parser(
        "repay",
        help="repay a margin debt",
        description="Show what would be sent, ask, send it once, and say what is known about it afterwards.",
        allow_abbrev=False,
    )
    parser.add_argument("asset", metavar="ASSET", help="the asset that is owed, such as BNB")
    parser.add_argument(
        "--amount",
        metavar="A",
        help="how much of the debt to repay, in units of ASSET; without it: all of it",
    )
    parser.add_argument(
        "--using",
        metavar="USDT,BTC",
        help="assets that may pay, in this order; ASSET itself is always used first",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="show what would be sent, send nothing")
    add_base_url(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Look at the debt, ask, repay once, look again."""
    using = [name.strip() for name in arguments.using.split(",")] if arguments.using is not None else None
    with open_client(arguments) as client:
        before = _owed(client, arguments.asset)
        what = (
            f"{arguments.amount} {arguments.asset}"
            if arguments.amount is not None
            else f"all {arguments.asset}"
        )
        paying = f" with {', '.join(using)}" if using else ""
        if arguments.dry_run:
            return _dry_run(output, arguments, using, before, f"Would repay {what}{paying}")
        output.line(f"Owed: {decimal_text(before)} {arguments.asset}. About to repay {what}{paying}.")
        if not arguments.yes:
            confirmed = output.confirm("Send it? [y/N]")
            if not confirmed:
                reason = "nobody to ask here: add --yes" if confirmed is None else "not confirmed"
                output.refusal(f"Nothing was sent: {reason}.", exit_code=NOT_CONFIRMED)
                return NOT_CONFIRMED
        result = _send(client, arguments.asset, arguments.amount, using)
        try:
            after = _owed(client, arguments.asset)
        except PaydownError as error:
            # The repayment is done and said so; a lost look at the balance must not hide that.
            output.note(f"Repaid, but the balance could not be read afterwards: {error}")
            after = None
    if output.json_mode:
        output.document(
            {
                "ok": True,
                "outcome": "executed",
                "asset": result.asset,
                "amount": result.amount,
                "update_time": result.update_time,
                "owed_before": before,
                "owed_after": after,
            }
        )
    else:
        output.line(
            f"Repaid. Owed before: {decimal_text(before)} {arguments.asset}"
            + (f", now: {decimal_text(after)} {arguments.asset}." if after is not None else "."),
            style="green",
        )
    return 0


def _send(client: Client, asset: str, amount: str | None, using: list[str] | None) -> RepayDebtResult:
    # "All of it" is said by leaving `amount` out, never by passing None: so each combination is spelt out.
    if amount is None:
        if using is None:
            return client.margin.repay_debt(asset=asset)
        return client.margin.repay_debt(asset=asset, specify_repay_assets=using)
    if using is None:
        return client.margin.repay_debt(asset=asset, amount=amount)
    return client.margin.repay_debt(asset=asset, amount=amount, specify_repay_assets=using)


def _dry_run(
    output: Output, arguments: argparse.Namespace, using: list[str] | None, owed: Decimal, sentence: str
) -> int:
    if output.json_mode:
        output.document(
            {
                "ok": True,
                "outcome": "dry run",
                "asset": arguments.asset,
                "amount": arguments.amount,
                "using": using,
                "owed_before": owed,
            }
        )
    else:
        output.line(f"Owed: {decimal_text(owed)} {arguments.asset}. {sentence}. Nothing was sent.")
    return 0


def _owed(client: Client, asset: str) -> Decimal:
    balance = client.account.balance(asset=asset)
    return balance.cross_margin_borrowed + balance.cross_margin_interest
