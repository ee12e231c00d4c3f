"""Read a state document, which is JSON, into a world.

    {"accounts": [{"id": "demo", "keys": [...], "balances": {"BNB": {"free": "0", "borrowed": "1.5", ...}}}],
     "prices_usd": {"BNB": "600"}, "limits": {"weight_per_minute": 60000}, "repay_weight_scope": "ip"}

Amounts are plain decimal texts. An unknown member is an error that names its place, and a
document never names a file: nothing in it can read or write elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from paydown_sandbox.books.collateral import RISK_LEVELS, CollateralModel
from paydown_sandbox.books.ledger import Account, Holding
from paydown_sandbox.books.prices import PricePoint, Prices
from paydown_sandbox.books.records import Record, RecordKind
from paydown_sandbox.checks.api_keys import ApiKey, KeyRing
from paydown_sandbox.checks.rate_limits import LimitSettings
from paydown_sandbox.choices.settings import Option, OptionError, Options
from paydown_sandbox.state.strict_json import Reader, StateError
from paydown_sandbox.state.world import InterestSettings, World

__all__ = [
    "COLLATERAL_AMOUNTS",
    "DEMO_API_KEY",
    "DEMO_SECRET",
    "StateError",
    "demo_state",
    "read_world",
]

# Not secrets: they open nothing but a local sandbox, and their text states it.
DEMO_API_KEY = "sandbox-demo-key-opens-nothing-but-the-local-exchange-0000000001"
DEMO_SECRET = "sandbox-demo-secret-protects-nothing-keep-real-ones-elsewhere-01"  # noqa: S105 - public on purpose

_ASSET_LENGTH = 32
_LARGEST_RECORD_ID = 2**62  # new ids follow the largest one, and must fit 64 bits
POSITION_FIELDS = ("free", "locked", "borrowed", "interest", "um", "cm", "negative")
_RECORD_KINDS: tuple[RecordKind, ...] = (
    "loan", "repay", "interest", "flow", "negative-interest", "negative-exchange",
)  # fmt: skip


def demo_state() -> dict[str, object]:
    """Return the state of a sandbox that is given none: account `demo` owes BNB and holds USDT."""
    return {
        "accounts": [
            {
                "id": "demo",
                "keys": [
                    {
                        "api_key": DEMO_API_KEY,
                        "type": "hmac",
                        "secret_or_public_key": DEMO_SECRET,
                        "permissions": ["TRADE", "USER_DATA"],
                        "ip_allow": [],
                    }
                ],
                "balances": {
                    "BNB": {"free": "0", "locked": "0", "borrowed": "1.5", "interest": "0.001"},
                    "USDT": {"free": "250000", "locked": "0", "borrowed": "0", "interest": "0"},
                    "BTC": {"free": "0.5", "locked": "0", "borrowed": "0", "interest": "0"},
                },
            }
        ],
        "prices_usd": {"BNB": "600", "USDT": "1", "BTC": "60000"},
        "repay_weight_scope": "ip",
        "interest": {"default_daily_rate": "0.00013233"},
    }


# ------------------------------------------------------------------------------- reading


def asset_name(name: str, node: Reader) -> str:
    """Check the name of an asset, and return it.

    Args:
        name: The name.
        node: The place of the name in the document, for the error.

    Raises:
        StateError: At the place of `node`.
    """
    if (
        not name
        or len(name) > _ASSET_LENGTH
        or name != name.upper()
        or not name.isprintable()
        or any(c in name for c in " ,&=")
    ):
        raise node.fail(
            "an asset name is upper case, without blanks, comma, & or =, and at most 32 characters"
        )
    return name


def _holding(node: Reader) -> Holding:
    members = node.members(*POSITION_FIELDS, "updated_ms")
    values = {name: members[name].amount() for name in POSITION_FIELDS if name in members}
    updated = members["updated_ms"].integer() if "updated_ms" in members else 0
    return Holding(**values, updated_ms=updated)


def _key(node: Reader, account: str) -> ApiKey:
    members = node.members("api_key", "type", "secret_or_public_key", "permissions", "ip_allow")
    for name in ("api_key", "type", "secret_or_public_key"):
        if name not in members:
            raise node.fail(f"{name} is missing")
    permissions = (
        tuple(item.text(40) for item in members["permissions"].items())
        if "permissions" in members
        else ("TRADE", "USER_DATA")
    )
    ip_allow = tuple(item.text(60) for item in members["ip_allow"].items()) if "ip_allow" in members else ()
    return node.using(
        lambda: ApiKey.make(
            members["api_key"].text(256),
            members["type"].text(20),
            members["secret_or_public_key"].text(),
            account,
            permissions,
            ip_allow,
        )
    )


def _account(node: Reader, keys: KeyRing) -> Account:
    members = node.members(
        "id",
        "keys",
        "balances",
        "auto_repay_futures",
        "status",
        "maintenance_margin_usd",
        "initial_margin_usd",
    )
    if "id" not in members:
        raise node.fail("id is missing")
    account = Account(members["id"].text(100))
    if not account.id.isprintable() or not account.id or ":" in account.id or account.id == "house":
        raise members["id"].fail("a printable name without a colon, and not house")
    if "keys" in members:
        for key_node in members["keys"].items():
            key = _key(key_node, account.id)
            key_node.using(lambda key=key: keys.add(key))  # type: ignore[misc] # mypy cannot infer a lambda with a default
    if "balances" in members:
        for name, holding_node in members["balances"].entries():
            account.holdings[asset_name(name, holding_node)] = _holding(holding_node)
    if "auto_repay_futures" in members:
        account.auto_repay_futures = members["auto_repay_futures"].boolean()
    if "status" in members and members["status"].value is not None:
        account.status = members["status"].text(40)
        if account.status not in RISK_LEVELS:
            raise members["status"].fail(
                f"one of {', '.join(RISK_LEVELS)}, or null to let the balances decide"
            )
    if "maintenance_margin_usd" in members:
        account.maintenance_margin_usd = members["maintenance_margin_usd"].amount()
    if "initial_margin_usd" in members:
        account.initial_margin_usd = members["initial_margin_usd"].amount()
    return account


def _amounts(node: Reader) -> dict[str, Decimal]:
    return {asset_name(name, child): child.amount() for name, child in node.entries()}


def _prices(members: Mapping[str, Reader]) -> Prices:
    usd: dict[str, Decimal] = {}
    if "prices_usd" in members:
        for name, child in members["prices_usd"].entries():
            usd[asset_name(name, child)] = child.amount()
            if not usd[name]:
                raise child.fail("a price is above zero")
    paths: dict[str, list[PricePoint]] = {}
    if "price_paths" in members:
        for name, path in members["price_paths"].entries():
            points = paths[asset_name(name, path)] = []
            for point in path.items():
                parts = point.members("at_ms", "price")
                if set(parts) != {"at_ms", "price"}:
                    raise point.fail("at_ms and price belong here")
                price = parts["price"].amount()
                if not price:
                    raise parts["price"].fail("a price is above zero")
                points.append(PricePoint(parts["at_ms"].integer(), price))
    return Prices(usd, paths)


def _limits(node: Reader | None, options: Options) -> LimitSettings:
    settings = LimitSettings(
        fixed_window=options.is_set("limit-window", "fixed"), ban_after_429=options.integer("ban-after-429")
    )
    if node is not None:
        members = node.members("weight_per_minute", "orders_per_minute", "shortest_ban_ms", "longest_ban_ms")
        for name, child in members.items():
            setattr(settings, name, child.integer(0, 10**12))
    return settings


def _interest(node: Reader) -> InterestSettings:
    members = node.members(
        "default_daily_rate", "daily_rates", "negative_daily_rate", "on_borrow", "fraction_digits"
    )
    settings = InterestSettings()
    if "default_daily_rate" in members:
        settings.default_daily_rate = members["default_daily_rate"].amount()
    if "daily_rates" in members:
        settings.daily_rates = _amounts(members["daily_rates"])
    if "negative_daily_rate" in members:
        settings.negative_daily_rate = members["negative_daily_rate"].amount()
    if "on_borrow" in members:
        settings.on_borrow = members["on_borrow"].boolean()
    if "fraction_digits" in members:
        settings.fraction_digits = members["fraction_digits"].integer(0, 18)
    return settings


COLLATERAL_AMOUNTS = (
    "default_collateral_rate", "maintenance_rate", "initial_rate", "margin_call_at", "reduce_only_at",
    "liquidation_at",
)  # fmt: skip


def _collateral(node: Reader) -> CollateralModel:
    members = node.members("collateral_rates", *COLLATERAL_AMOUNTS)
    model = CollateralModel()
    if "collateral_rates" in members:
        model.collateral_rates = _amounts(members["collateral_rates"])
    for name in COLLATERAL_AMOUNTS:
        if name in members:
            setattr(model, name, members[name].amount())
    return model


def _options(members: Mapping[str, Reader], known: Mapping[str, Option]) -> Options:
    chosen: dict[str, str] = {}
    if "options" in members:
        for name, child in members["options"].entries():
            chosen[name] = child.text(100)
    if "repay_weight_scope" in members:
        chosen["repay-weight-scope"] = members["repay_weight_scope"].text(20)
    try:
        return Options(known, chosen)
    except OptionError as error:
        raise StateError("options", str(error)) from None


def _record(node: Reader, world: World) -> Record:
    members = node.members("kind", "id", "account", "asset", "time", "row")
    if len(members) != 6:
        raise node.fail("kind, id, account, asset, time and row belong here")
    kind: RecordKind | None = next((known for known in _RECORD_KINDS if known == members["kind"].value), None)
    if kind is None:
        raise members["kind"].fail(f"one of {', '.join(_RECORD_KINDS)}")
    account = members["account"].text(100)
    if account not in world.ledger.accounts:
        raise members["account"].fail("no such account")
    row = {name: child.free() for name, child in members["row"].entries()}
    asset = asset_name(members["asset"].text(_ASSET_LENGTH), members["asset"])
    record_id, time_ms = members["id"].integer(1, _LARGEST_RECORD_ID), members["time"].integer()
    return Record(kind, record_id, account, asset, time_ms, row)


_TOP = (
    "accounts", "prices_usd", "price_paths", "limits", "repay_weight_scope", "options", "interest",
    "collateral",
    "lendable", "borrow_limits", "borrow_closed", "negative_thresholds", "seed", "choices_seed", "clock", "records",
    "books",
)  # fmt: skip


def read_world(document: object, known: Mapping[str, Option]) -> World:
    """Build a world from a state document.

    Args:
        document: What `json.loads` returned.
        known: Every option by name.

    Raises:
        StateError: Something in it is wrong; the text names the place.
    """
    members = Reader(document).members(*_TOP)
    options = _options(members, known)
    world = World(options, prices=_prices(members), limits=_limits(members.get("limits"), options))
    if "accounts" in members:
        for node in members["accounts"].items():
            account = _account(node, world.keys)
            if account.id in world.ledger.accounts:
                raise node.fail(f"account {account.id!r:.60} exists twice")
            world.ledger.open(account)
    if "interest" in members:
        world.interest = _interest(members["interest"])
    if "collateral" in members:
        world.collateral = _collateral(members["collateral"])
    if "lendable" in members:
        for asset, amount in _amounts(members["lendable"]).items():
            world.ledger.counterparty_of(asset).lendable = amount
    if "borrow_limits" in members:
        world.borrow_limits = _amounts(members["borrow_limits"])
    if "borrow_closed" in members:
        world.borrow_closed = frozenset(
            asset_name(item.text(32), item) for item in members["borrow_closed"].items()
        )
    if "records" in members:
        known_ids: set[tuple[str, str, int]] = set()
        for node in members["records"].items():
            record = _record(node, world)
            identity = (record.account, record.kind, record.id)
            if identity in known_ids:
                raise node.fail(f"the account has another {record.kind} record with the id {record.id}")
            known_ids.add(identity)
            world.records.append(record)
    if "negative_thresholds" in members:
        world.negative_thresholds = _amounts(members["negative_thresholds"])
    if "seed" in members:
        world.seed = members["seed"].integer()
    if "choices_seed" in members:
        world.choices_seed = members["choices_seed"].integer()
    return world
