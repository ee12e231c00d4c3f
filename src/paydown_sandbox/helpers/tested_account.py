"""Set and read what the account of a test owes and holds."""

from __future__ import annotations

from decimal import Decimal

from paydown_sandbox.books.exact_amounts import parse
from paydown_sandbox.checks.api_keys import ApiKey
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.state.state_builder import Amount, plain_text

__all__ = ["TestedAccount"]


class TestedAccount:
    """One account of a sandbox, seen from a test.

    Args:
        exchange: The sandbox that keeps the account.
        account_id: The `id` of the account in the state document.
    """

    __test__ = False  # pytest collects classes that are called Test...

    def __init__(self, exchange: Exchange, account_id: str) -> None:
        self._exchange = exchange
        self._id = account_id

    def owe(self, asset: str, amount: Amount, *, interest: Amount = "0") -> None:
        """Make the account owe `amount` and `interest`, and no more than these.

        Args:
            asset: The asset that is owed, such as "BNB".
            amount: Principal, in units of the asset.
            interest: Interest that is due, in units of the asset.
        """
        self._set(asset, borrowed=amount, interest=interest)

    def hold(self, asset: str, amount: Amount) -> None:
        """Make the free balance of the account `amount`.

        Args:
            asset: The asset that is held, such as "USDT".
            amount: In units of the asset.
        """
        self._set(asset, free=amount)

    def _set(self, asset: str, **amounts: Amount) -> None:
        exact = {name: parse(plain_text(amount)) for name, amount in amounts.items()}
        self._exchange.set_position(self._id, asset, exact)

    def debt(self, asset: str) -> Decimal:
        """Return what the account owes, principal and interest, in units of the asset."""
        return self._exchange.world.ledger.accounts[self._id].holding(asset).debt

    def free(self, asset: str) -> Decimal:
        """Return the free balance of the account, in units of the asset."""
        return self._exchange.world.ledger.accounts[self._id].holding(asset).free

    def add_key(self, api_key: str, key_type: str, secret_or_public_key: str) -> None:
        """Register another key of the account, which may trade and read.

        Args:
            api_key: The text that the client sends in the header `X-MBX-APIKEY`.
            key_type: "hmac", "rsa" or "ed25519".
            secret_or_public_key: The secret of an HMAC key, or the public key as PEM text.

        Raises:
            ValueError: A part is malformed, or the key is registered already.
        """
        key = ApiKey.make(api_key, key_type, secret_or_public_key, self._id, ("TRADE", "USER_DATA"), ())
        self._exchange.world.keys.add(key)
