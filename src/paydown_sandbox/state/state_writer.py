"""Write a world as the state document that reads back as the same world."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from paydown_sandbox.books.exact_amounts import exact_text
from paydown_sandbox.books.ledger import Account, Holding, Ledger
from paydown_sandbox.books.records import RecordBook
from paydown_sandbox.checks.api_keys import KeyRing
from paydown_sandbox.state.state_reader import COLLATERAL_AMOUNTS, POSITION_FIELDS
from paydown_sandbox.state.world import World

__all__ = ["books_of", "dump_records", "dump_world"]


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: exact_text(amount) for name, amount in amounts.items()}


def _dump_holding(holding: Holding) -> dict[str, object]:
    values: dict[str, object] = {
        name: exact_text(getattr(holding, name))
        for name in POSITION_FIELDS
        if name in ("free", "locked", "borrowed", "interest") or getattr(holding, name)
    }
    if holding.updated_ms:
        values["updated_ms"] = holding.updated_ms
    return values


def _dump_account(account: Account, keys: KeyRing) -> dict[str, object]:
    written: dict[str, object] = {
        "id": account.id,
        "keys": [
            {
                "api_key": key.api_key,
                "type": key.type,
                "secret_or_public_key": key.secret_or_public_key,
                "permissions": list(key.permissions),
                "ip_allow": list(key.ip_allow),
            }
            for key in keys.of(account.id)
        ],
        "balances": {asset: _dump_holding(holding) for asset, holding in account.holdings.items()},
        "auto_repay_futures": account.auto_repay_futures,
    }
    if account.status is not None:
        written["status"] = account.status
    if account.maintenance_margin_usd:
        written["maintenance_margin_usd"] = exact_text(account.maintenance_margin_usd)
    if account.initial_margin_usd:
        written["initial_margin_usd"] = exact_text(account.initial_margin_usd)
    return written


def dump_world(world: World, *, accounts: bool = True) -> dict[str, object]:
    """Write a world as the state document that `read_world` turns into the same world.

    Secrets of the registered keys are part of it, since a state without them could not be loaded again.

    Args:
        world: The world.
        accounts: Whether to write the accounts; without them their list is empty.
    """
    model, interest, limits = world.collateral, world.interest, world.limits
    return {
        "accounts": [_dump_account(account, world.keys) for account in world.ledger.accounts.values()]
        if accounts
        else [],
        "prices_usd": _texts(world.prices.usd),
        "price_paths": {
            asset: [{"at_ms": point.at_ms, "price": exact_text(point.price)} for point in points]
            for asset, points in world.prices.paths.items()
            if points
        },
        "limits": {
            "weight_per_minute": limits.weight_per_minute,
            "orders_per_minute": limits.orders_per_minute,
            "shortest_ban_ms": limits.shortest_ban_ms,
            "longest_ban_ms": limits.longest_ban_ms,
        },
        "repay_weight_scope": world.options.text("repay-weight-scope"),
        "options": {
            name: value for name, value in world.options.chosen.items() if name != "repay-weight-scope"
        },
        "interest": {
            "default_daily_rate": exact_text(interest.default_daily_rate),
            "daily_rates": _texts(interest.daily_rates),
            "negative_daily_rate": exact_text(interest.negative_daily_rate),
            "on_borrow": interest.on_borrow,
            "fraction_digits": interest.fraction_digits,
        },
        "collateral": {
            "collateral_rates": _texts(model.collateral_rates),
            **{name: exact_text(getattr(model, name)) for name in COLLATERAL_AMOUNTS},
        },
        "lendable": {
            asset: exact_text(counterparty.lendable)
            for asset, counterparty in world.ledger.counterparties.items()
            if counterparty.lendable is not None
        },
        "borrow_limits": _texts(world.borrow_limits),
        "borrow_closed": sorted(world.borrow_closed),
        "negative_thresholds": _texts(world.negative_thresholds),
        "seed": world.seed,
        "choices_seed": world.choices_seed,
    }


def dump_records(records: RecordBook) -> list[dict[str, object]]:
    """Write the records as the `records` of a state document."""
    return [
        {
            "kind": record.kind,
            "id": record.id,
            "account": record.account,
            "asset": record.asset,
            "time": record.time_ms,
            "row": record.row,
        }
        for record in sorted(records, key=lambda each: (each.time_ms, each.id))
    ]


def books_of(ledger: Ledger) -> dict[str, object]:
    """Return the counterparty's side of the ledger, as `GET /_sandbox/state` shows it.

    Loading the state again does not need it.
    """
    return {
        "house": {
            asset: {
                "pool": exact_text(counterparty.pool),
                "conversion": exact_text(counterparty.conversion),
            }
            for asset, counterparty in ledger.counterparties.items()
        },
        "issued": _texts(ledger.issued),
        "conversion_gain_usd": exact_text(ledger.dust_usd),
        "imbalance": {asset: exact_text(off) for asset, off in ledger.imbalance().items()},
    }
