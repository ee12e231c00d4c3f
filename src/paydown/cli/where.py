"""Which exchange and which account a command is about: in every question, and before anything moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paydown.client import Client


def exchange_of(client: Client) -> str:
    """Name the exchange of a client, and say in capitals if it is the real one."""
    from paydown_wire.error_codes import SERVERS

    url = client.base_url
    real = any(url == server or url.startswith(f"{server}/") for server in SERVERS.values())
    return f"REAL MONEY at {url}" if real else f"{url} (not the real exchange)"


def account_of(name: str | None) -> str:
    """Name the account as the journal knows it."""
    return "the default account" if name is None else f"account {name!r}"
