"""Name the exchange and the account of a command, and ask a person before money moves."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paydown.cli.output import Output
    from paydown.client import Client

NOT_CONFIRMED = 3  # like every other way in which nothing left this machine


def exchange_of(client: Client) -> str:
    """Name the exchange of a client, in capitals if it is the real one."""
    from paydown_wire.error_codes import SERVERS

    url = client.base_url
    real = any(url == server or url.startswith(f"{server}/") for server in SERVERS.values())
    return f"REAL MONEY at {url}" if real else f"{url} (not the real exchange)"


def account_of(name: str | None) -> str:
    """Name the account as the journal knows it."""
    return "the default account" if name is None else f"account {name!r}"


def place_of(arguments: argparse.Namespace, client: Client) -> str:
    """Name the account and the exchange that a command is about, in one phrase.

    Args:
        arguments: With `account`, as `shared_options.add_journal` adds it.
        client: The client that will send.
    """
    return f"{account_of(arguments.account)} on {exchange_of(client)}"


def is_confirmed(output: Output, question: str, *, yes: bool) -> bool:
    """Ask a person whether to send; without a yes, print that nothing was sent.

    Enter alone, end of input and a missing terminal are no: money moves on an explicit yes alone.

    Args:
        output: Where to ask, and where to print the refusal.
        question: The question, its possible answers included.
        yes: `--yes` was given: do not ask.

    Returns:
        True if the command may send. False if it must end with `NOT_CONFIRMED`.
    """
    if yes:
        return True
    answer = output.confirm(question)
    if answer:
        return True
    reason = "no person can be asked here; add --yes" if answer is None else "not confirmed"
    output.refusal(f"Nothing was sent: {reason}.", exit_code=NOT_CONFIRMED)
    return False
