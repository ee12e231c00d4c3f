"""The events of the user data stream: debts, balances, futures wallets, and rising risk of an account."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from paydown_sandbox.books.collateral import RISK_LEVELS, status_of
from paydown_sandbox.books.exact_amounts import wire_text
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.books.listen_keys import Event, Streams
from paydown_sandbox.state.world import World

__all__ = ["StreamEvents"]

# The stream's name for each level of risk. It has no name for the states after FORCE_LIQUIDATION; an account that falls
# there at once gets the event with the worst name that exists.
_LEVELS = ("", "MARGIN_CALL", "REDUCE_ONLY", "FORCE_LIQUIDATION")


class StreamEvents:
    """Write the events that follow from a change of an account. Without a listen key none is written.

    Args:
        world: The accounts, prices and margin rates.
        streams: Where the events are queued.
    """

    def __init__(self, world: World, streams: Streams) -> None:
        self._world = world
        self._streams = streams
        self._next_update = 1_027_053_479_517  # of a size seen on the wire
        self._levels: dict[str, int] = {}

    def counters(self) -> dict[str, str]:
        """Return the id of the last balance update, to be stored."""
        return {"update": str(self._next_update)}

    def restore(self, counters: Mapping[str, str]) -> None:
        """Continue from the id of `counters`."""
        self._next_update = int(counters["update"])

    def liability_changed(
        self,
        account: Account,
        asset: str,
        kind: str,
        tran_id: int,
        principal: Decimal,
        interest: Decimal,
        at_ms: int,
    ) -> None:
        """Send `liabilityChange` for a loan, a repayment or a charge of interest.

        Args:
            account: The account.
            asset: The owed asset; the event also shows what is owed of it afterwards.
            kind: The value of the event's member `t`, such as "BORROW".
            tran_id: The id of the loan, repayment or charge.
            principal: The size of the change of the principal, in units of the asset.
            interest: The size of the change of the interest.
            at_ms: The moment of the event, milliseconds UTC.
        """
        if not self._streams.listening(account.id):
            return
        event: Event = {
            "e": "liabilityChange",
            "E": at_ms,
            "a": asset,
            "t": kind,
            "T": tran_id,
            "p": wire_text(principal),
            "i": wire_text(interest),
            "l": wire_text(account.holding(asset).debt),
        }
        self._streams.emit(account.id, event)
        self._compare_risk(account, at_ms)

    def balances_changed(self, account: Account, deltas: Mapping[str, Decimal], at_ms: int) -> None:
        """Send `balanceUpdate` for each asset whose cross balance moved, then `outboundAccountPosition`.

        Args:
            account: The account.
            deltas: Each asset with the change of its balance, in units of the asset; zeros are left out.
            at_ms: The moment of the events, milliseconds UTC.
        """
        if not self._streams.listening(account.id):
            return
        positions: list[dict[str, object]] = []
        for asset, delta in deltas.items():
            if not delta:
                continue
            holding = account.holding(asset)
            self._next_update += 1
            event: Event = {
                "e": "balanceUpdate",
                "E": at_ms,
                "a": asset,
                "d": wire_text(delta),
                "U": self._next_update,
                "T": at_ms,
            }
            self._streams.emit(account.id, event)
            positions.append({"a": asset, "f": wire_text(holding.free), "l": wire_text(holding.locked)})
        self._streams.emit(
            account.id,
            {"e": "outboundAccountPosition", "E": at_ms, "u": at_ms, "U": self._next_update, "B": positions},
        )
        self._compare_risk(account, at_ms)

    def futures_changed(
        self, account: Account, asset: str, business: str, delta: Decimal, at_ms: int
    ) -> None:
        """Send `ACCOUNT_UPDATE` for a futures wallet.

        Args:
            account: The account.
            asset: The asset that moved.
            business: Which wallet: "UM" or "CM".
            delta: By how much the wallet changed, in units of the asset.
            at_ms: The moment of the event, milliseconds UTC.
        """
        if self._streams.listening(account.id):
            holding = account.holding(asset)
            balance = wire_text(holding.um if business == "UM" else holding.cm)
            change = {"a": asset, "wb": balance, "cw": balance, "bc": wire_text(delta)}
            update = {"m": "MARGIN_TRANSFER", "B": [change], "P": []}
            event: Event = {
                "e": "ACCOUNT_UPDATE",
                "fs": business,
                "E": at_ms,
                "T": at_ms,
                "i": "",
                "a": update,
            }
            self._streams.emit(account.id, event)

    def prices_moved(self, at_ms: int) -> None:
        """Send `riskLevelChange` to every listening account that became riskier, at `at_ms` milliseconds UTC."""
        for account in self._world.ledger.accounts.values():
            if self._streams.listening(account.id):
                self._compare_risk(account, at_ms)

    def _compare_risk(self, account: Account, at_ms: int) -> None:
        standing = status_of(account, self._world.prices.usd, self._world.collateral)
        before, level = self._levels.get(account.id, 0), RISK_LEVELS[standing.status]
        self._levels[account.id] = level
        if level > before:
            self._streams.emit(
                account.id,
                {
                    "e": "riskLevelChange",
                    "E": at_ms,
                    "u": wire_text(standing.uni_mmr),
                    "s": _LEVELS[level],
                    "eq": wire_text(standing.equity),
                    "ae": wire_text(standing.actual_equity),
                    "m": wire_text(standing.maintenance_margin),
                },
            )
