"""Build a state document in a test, without writing it out.

    desk = (
        StateBuilder()
        .account("desk").owes("BNB", "1.5", interest="0.001").holds("USDT", "250000")
        .account("other", api_key="other-key", secret="other-secret").holds("BTC", "2")
        .price("BNB", "590").interest("0.0024", asset="BNB").choose(insufficient_whole_debt="partial")
    )
    with SocketSandbox(desk) as sandbox: ...          or    @pytest.mark.paydown_state(desk)

Keys and positions belong to the account that was named last. Nothing is checked by the builder: the sandbox reads the
document and names the place of an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from paydown_sandbox.checks.rate_limits import LimitSettings

__all__ = ["API_KEY", "API_SECRET", "Amount", "StateBuilder", "clean_state", "plain_text"]

# The key of the first account, unless it names another. Not secrets: they open nothing but a local sandbox.
API_KEY = "sandbox-test-key-opens-nothing-but-the-local-exchange-0000000001"
API_SECRET = "sandbox-test-secret-protects-nothing-keep-real-ones-elsewhere-01"  # noqa: S105 - public on purpose

Amount: TypeAlias = str | Decimal

_PRICES = {"BNB": "600", "BTC": "60000", "ETH": "3000", "USDT": "1", "USDC": "1"}


def plain_text(amount: Amount) -> str:
    """Return an amount as plain decimal text, without an exponent."""
    return format(amount, "f") if isinstance(amount, Decimal) else amount


class _Accounts:
    """The accounts of a state document in the making, of which the last named one is current."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    @property
    def current(self) -> dict[str, Any]:
        if not self.rows:
            raise ValueError('name an account first: StateBuilder().account("desk")')
        return self.rows[-1]


class StateBuilder:
    """A state document in the making. Every method returns the builder."""

    def __init__(self) -> None:
        self._accounts = _Accounts()
        self._members: dict[str, Any] = {"prices_usd": dict(_PRICES)}

    # ------------------------------------------------------------------- accounts

    def account(self, name: str, *, api_key: str | None = None, secret: str | None = None) -> StateBuilder:
        """Begin an account with one HMAC key.

        Args:
            name: The id of the account.
            api_key: The key; if absent, `API_KEY` for the first account and `NAME-key` for others.
            secret: Its secret; if absent, `API_SECRET` for the first account and `NAME-secret` for others.
        """
        first = not self._accounts.rows
        self._accounts.rows.append({"id": name, "keys": [], "balances": {}})
        return self.key(
            api_key or (API_KEY if first else f"{name}-key"),
            secret or (API_SECRET if first else f"{name}-secret"),
        )

    def key(
        self,
        api_key: str,
        secret_or_public_key: str,
        *,
        key_type: str = "hmac",
        permissions: Sequence[str] = ("TRADE", "USER_DATA"),
        ip_allow: Sequence[str] = (),
    ) -> StateBuilder:
        """Give the account another key.

        Args:
            api_key: The text that a client sends in the header `X-MBX-APIKEY`.
            secret_or_public_key: The secret of an HMAC key, or the public key as PEM text.
            key_type: "hmac", "rsa" or "ed25519".
            permissions: Such as "TRADE" and "USER_DATA".
            ip_allow: Addresses or networks from which the key may be used; empty for every address.
        """
        self._accounts.current["keys"].append(
            {
                "api_key": api_key,
                "type": key_type,
                "secret_or_public_key": secret_or_public_key,
                "permissions": list(permissions),
                "ip_allow": list(ip_allow),
            }
        )
        return self

    def owes(self, asset: str, amount: Amount, *, interest: Amount = "0") -> StateBuilder:
        """Set a debt of the account: principal and interest.

        Args:
            asset: The asset that is owed.
            amount: Principal, in units of the asset.
            interest: Interest that is due, in units of the asset.
        """
        return self.position(asset, borrowed=amount, interest=interest)

    def holds(self, asset: str, amount: Amount, *, locked: Amount = "0") -> StateBuilder:
        """Set a balance of the account.

        Args:
            asset: The asset that is held.
            amount: The free part, in units of the asset.
            locked: The locked part, in units of the asset.
        """
        return self.position(asset, free=amount, locked=locked)

    def position(self, asset: str, **amounts: Amount) -> StateBuilder:
        """Set any parts of a position: `free`, `locked`, `borrowed`, `interest`, `um`, `cm`, `negative`."""
        row = self._accounts.current["balances"].setdefault(asset, {})
        row.update({name: plain_text(amount) for name, amount in amounts.items()})
        return self

    def status(self, status: str) -> StateBuilder:
        """Fix the account's status, such as "REDUCE_ONLY", instead of deriving it from the balances."""
        self._accounts.current["status"] = status
        return self

    # ------------------------------------------------------------------- the world

    def price(self, asset: str, usd: Amount) -> StateBuilder:
        """Set an index price. BNB, BTC, ETH, USDT and USDC have one from the start.

        Args:
            asset: The asset.
            usd: USD per unit.
        """
        self._members["prices_usd"][asset] = plain_text(usd)
        return self

    def price_path(self, asset: str, *points: tuple[int, Amount]) -> StateBuilder:
        """Set prices to come.

        Args:
            asset: The asset.
            points: Pairs of a time, in UTC milliseconds on the sandbox's clock, and USD per unit.
        """
        written = [{"at_ms": at_ms, "price": plain_text(price)} for at_ms, price in points]
        self._members.setdefault("price_paths", {})[asset] = written
        return self

    def interest(self, daily_rate: Amount, *, asset: str | None = None) -> StateBuilder:
        """Set a daily interest rate.

        Args:
            daily_rate: As a share of one.
            asset: The asset that it is for; if absent, every asset without a rate of its own.
        """
        rates = self._members.setdefault("interest", {})
        if asset is None:
            rates["default_daily_rate"] = plain_text(daily_rate)
        else:
            rates.setdefault("daily_rates", {})[asset] = plain_text(daily_rate)
        return self

    def limit(
        self, *, weight_per_minute: int | None = None, orders_per_minute: int | None = None
    ) -> StateBuilder:
        """Set the limits of a minute; one that is absent is the published one.

        Args:
            weight_per_minute: Request weight of one address.
            orders_per_minute: Orders of one account.
        """
        published = LimitSettings()
        self._members["limits"] = {
            "weight_per_minute": (
                published.weight_per_minute if weight_per_minute is None else weight_per_minute
            ),
            "orders_per_minute": (
                published.orders_per_minute if orders_per_minute is None else orders_per_minute
            ),
        }
        return self

    def choose(self, **options: str) -> StateBuilder:
        """Choose options, with `_` for `-`: `choose(whole_debt_answer_amount="present")`."""
        chosen = self._members.setdefault("options", {})
        chosen.update({name.replace("_", "-"): value for name, value in options.items()})
        return self

    def seed(self, seed: int) -> StateBuilder:
        """Set the seed of the chances of faults."""
        self._members["seed"] = seed
        return self

    def choices_seed(self, seed: int) -> StateBuilder:
        """Set the seed of the chances that choices such as `balance_age="0..5000"` leave open."""
        self._members["choices_seed"] = seed
        return self

    def document(self) -> dict[str, Any]:
        """Return the state document, for `PUT /_sandbox/state`, `--state` or a fixture."""
        return {"accounts": self._accounts.rows, **self._members}


def clean_state() -> dict[str, Any]:
    """Return a state document for tests: account `test`, one HMAC key, 1,000,000 USDT, no debt, no interest."""
    return StateBuilder().account("test").holds("USDT", "1000000").document()
