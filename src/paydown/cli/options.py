"""Options that several commands share, and the client they describe."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from paydown.credentials import Credentials

if TYPE_CHECKING:
    from paydown.client import Client


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`: one JSON document on stdout."""
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def add_base_url(parser: argparse.ArgumentParser) -> None:
    """`--base-url`: talk to another address, the sandbox say."""
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help="address of the exchange or of a sandbox (default: PAYDOWN_BASE_URL, then the real exchange)",
    )


def open_client(arguments: argparse.Namespace) -> Client:
    """A client with the credentials of the environment and the address of the arguments."""
    from paydown.client import Client

    return Client(Credentials.from_env(), base_url=arguments.base_url)
