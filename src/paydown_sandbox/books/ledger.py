"""Who holds what and who owes what: one ledger, exact, with the house on the other side.

    account   free, locked, um, cm     what the account holds
              borrowed, interest       what it owes the house
              negative                 what it owes from futures losses
    house     pool                     what the house can lend
              conversion               what it took and gave when it converted payment assets

Every movement is a transfer between two of these places, so that for each asset

    held by all accounts + house pool + house conversion - negative balances = issued

stays true from the first state document on (`Ledger.imbalance` is zero for every asset).
The house may be below zero: it sells what a conversion needs, and the state document says
how much it can lend only if somebody asks.

A conversion divides by a price and cannot always be exact. The account then pays up to one unit of the
eighth digit more than the exact value, never less: the dust goes to the house, is counted in USD
(`dust_usd`, exact) and is never negative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from paydown_sandbox.books.exact_amounts import EXACT, ZERO

__all__ = ["Account", "Holding", "House", "Ledger", "LedgerError", "Transfer"]

PLACES = ("free", "locked", "um", "cm")


class LedgerError(Exception):
    """A movement would break a rule of the ledger. Nothing was moved."""


@dataclass(slots=True)
class Holding:
    """One account's position in one asset, in units of the asset. Nothing here is ever below zero."""

    free: Decimal = ZERO
    locked: Decimal = ZERO
    borrowed: Decimal = ZERO
    interest: Decimal = ZERO
    um: Decimal = ZERO
    cm: Decimal = ZERO
    negative: Decimal = ZERO
    updated_ms: int = 0

    @property
    def debt(self) -> Decimal:
        """Principal plus interest."""
        return EXACT.add(self.borrowed, self.interest)

    @property
    def held(self) -> Decimal:
        """Everything the account holds of this asset, in all wallets."""
        add = EXACT.add
        return add(add(self.free, self.locked), add(self.um, self.cm))


@dataclass(slots=True)
class House:
    """The house's position in one asset. `lendable` is `None` while the pool has no bottom."""

    pool: Decimal = ZERO
    conversion: Decimal = ZERO
    lendable: Decimal | None = None


@dataclass(slots=True)
class Account:
    """One Portfolio Margin account: its positions and its switches."""

    id: str
    holdings: dict[str, Holding] = field(default_factory=dict[str, Holding])
    auto_repay_futures: bool = True
    status: str | None = None
    maintenance_margin_usd: Decimal = ZERO
    initial_margin_usd: Decimal = ZERO

    def holding(self, asset: str) -> Holding:
        """The position in `asset`, made empty on first use."""
        found = self.holdings.get(asset)
        if found is None:
            found = self.holdings[asset] = Holding()
        return found


@dataclass(slots=True)
class Transfer:
    """One movement of `amount` units of `asset` from one place to another."""

    asset: str
    amount: Decimal
    source: str
    target: str


# Told after each change of a position: account, asset, position, and the moment (`None`: now).
Watcher = Callable[[str, str, Holding, int | None], None]


class Ledger:
    """Accounts and the house, and the only code that changes them. `watcher` is told of every change."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.house: dict[str, House] = {}
        self.issued: dict[str, Decimal] = {}
        self.dust_usd = ZERO
        self.touched: set[tuple[str, str]] = set()
        self.house_touched: set[str] = set()
        self.watcher: Watcher | None = None

    def house_of(self, asset: str) -> House:
        """The house's position in `asset`, made empty on first use."""
        found = self.house.get(asset)
        if found is None:
            found = self.house[asset] = House()
        return found

    def assets(self) -> Iterator[str]:
        """Every asset that anybody ever held or owed."""
        seen = dict.fromkeys(self.issued)
        seen.update(dict.fromkeys(self.house))
        for account in self.accounts.values():
            seen.update(dict.fromkeys(account.holdings))
        yield from seen

    # ------------------------------------------------------------------------ opening

    def open(self, account: Account) -> None:
        """Enter an account with what it holds; what it owes was lent by the house before."""
        self.accounts[account.id] = account
        for asset, holding in account.holdings.items():
            issued = EXACT.subtract(holding.held, holding.negative)
            self.issued[asset] = EXACT.add(self.issued.get(asset, ZERO), issued)
            self.touched.add((account.id, asset))

    def issue(self, account: Account, asset: str, place: str, amount: Decimal) -> None:
        """Bring `amount` into the books from outside (below zero: take it out), for state edits only."""
        holding = account.holding(asset)
        after = EXACT.add(getattr(holding, place), amount)
        if after < 0:
            raise LedgerError(f"{place} of {asset} would fall below zero")
        setattr(holding, place, after)
        sign = -amount if place == "negative" else amount
        if place not in ("borrowed", "interest"):
            self.issued[asset] = EXACT.add(self.issued.get(asset, ZERO), sign)
        self.touched.add((account.id, asset))
        if self.watcher is not None:
            self.watcher(account.id, asset, holding, None)

    # ------------------------------------------------------------------------ moving

    def lend(self, account: Account, asset: str, amount: Decimal, now_ms: int) -> Transfer:
        """Lend `amount` from the pool to the account's free balance."""
        house = self.house_of(asset)
        if house.lendable is not None:
            if amount > house.lendable:
                raise LedgerError(f"the pool of {asset} is too small")
            house.lendable = EXACT.subtract(house.lendable, amount)
        holding = account.holding(asset)
        house.pool = EXACT.subtract(house.pool, amount)
        holding.free = EXACT.add(holding.free, amount)
        holding.borrowed = EXACT.add(holding.borrowed, amount)
        self._touch(account, asset, holding, now_ms)
        return Transfer(asset, amount, "house:pool", f"{account.id}:free")

    def repay(
        self,
        account: Account,
        asset: str,
        *,
        interest: Decimal,
        principal: Decimal,
        own: Decimal,
        paid_with: Iterable[tuple[str, Decimal, Decimal]],
        now_ms: int,
    ) -> list[Transfer]:
        """Lower the debt by `interest` + `principal`, paid with `own` units of the asset and conversions.

        Args:
            account: Whose debt.
            asset: The owed asset.
            interest: How much of the interest is paid.
            principal: How much of the principal is paid.
            own: Units of `asset` taken from the free balance.
            paid_with: (payment asset, units paid, units of `asset` bought with them).
            now_ms: Moment of the repayment.

        Raises:
            LedgerError: The parts do not add up or a balance would fall below zero. Nothing was moved.
        """
        add, subtract = EXACT.add, EXACT.subtract
        debt = account.holding(asset)
        paid = list(paid_with)
        bought = ZERO
        for name, units, covers in paid:
            if units < 0 or covers < 0 or units > account.holding(name).free:
                raise LedgerError(f"not enough free {name}")
            bought = add(bought, covers)
        total = add(interest, principal)
        if own < 0 or own > debt.free or interest < 0 or principal < 0 or add(own, bought) != total:
            raise LedgerError("the parts of a repayment do not add up")
        if interest > debt.interest or principal > debt.borrowed:
            raise LedgerError("more would be repaid than is owed")

        house = self.house_of(asset)
        transfers: list[Transfer] = []
        if own:
            debt.free = subtract(debt.free, own)
            house.pool = add(house.pool, own)
            transfers.append(Transfer(asset, own, f"{account.id}:free", "house:pool"))
        for name, units, covers in paid:
            payer = account.holding(name)
            payer.free = subtract(payer.free, units)
            other = self.house_of(name)
            other.conversion = add(other.conversion, units)
            house.conversion = subtract(house.conversion, covers)
            house.pool = add(house.pool, covers)
            transfers.append(Transfer(name, units, f"{account.id}:free", "house:conversion"))
            transfers.append(Transfer(asset, covers, "house:conversion", "house:pool"))
            self._touch(account, name, payer, now_ms)
        debt.interest = subtract(debt.interest, interest)
        debt.borrowed = subtract(debt.borrowed, principal)
        if house.lendable is not None:
            house.lendable = add(house.lendable, total)
        self._touch(account, asset, debt, now_ms)
        return transfers

    def charge(
        self, account: Account, asset: str, interest: Decimal, now_ms: int, *, to_principal: bool = False
    ) -> None:
        """Add interest to a debt, as interest or to the principal. Nothing moves: the house is owed more."""
        holding = account.holding(asset)
        if to_principal:
            holding.borrowed = EXACT.add(holding.borrowed, interest)
        else:
            holding.interest = EXACT.add(holding.interest, interest)
        self._touch(account, asset, holding, now_ms)

    def hand_over(self, account: Account, asset: str, amount: Decimal, place: str, now_ms: int) -> Transfer:
        """Move `amount` from the free balance to the house: to its "pool" as a payment, or to its "conversion"."""
        holding = account.holding(asset)
        if amount < 0 or amount > holding.free:
            raise LedgerError(f"not enough free {asset}")
        house = self.house_of(asset)
        holding.free = EXACT.subtract(holding.free, amount)
        setattr(house, place, EXACT.add(getattr(house, place), amount))
        self._touch(account, asset, holding, now_ms)
        return Transfer(asset, amount, f"{account.id}:free", f"house:{place}")

    def charge_negative(self, account: Account, asset: str, interest: Decimal, now_ms: int) -> Transfer:
        """Add interest to a negative futures balance: the hole grows, the house gains as much."""
        holding = account.holding(asset)
        holding.negative = EXACT.add(holding.negative, interest)
        house = self.house_of(asset)
        house.pool = EXACT.add(house.pool, interest)
        self._touch(account, asset, holding, now_ms)
        return Transfer(asset, interest, f"{account.id}:negative", "house:pool")

    def fill_negative(self, account: Account, asset: str, amount: Decimal, now_ms: int) -> Transfer:
        """Pay off `amount` of a negative futures balance from the free balance."""
        holding = account.holding(asset)
        if amount < 0 or amount > holding.free or amount > holding.negative:
            raise LedgerError(f"not enough free {asset}")
        holding.free = EXACT.subtract(holding.free, amount)
        holding.negative = EXACT.subtract(holding.negative, amount)
        self._touch(account, asset, holding, now_ms)
        return Transfer(asset, amount, f"{account.id}:free", f"{account.id}:negative")

    def convert(
        self, account: Account, paid: str, units: Decimal, bought: str, amount: Decimal, now_ms: int
    ) -> list[Transfer]:
        """Exchange `units` of one asset for `amount` of another, both in the free balance."""
        payer, receiver = account.holding(paid), account.holding(bought)
        if units < 0 or amount < 0 or units > payer.free or paid == bought:
            raise LedgerError(f"not enough free {paid}")
        payer.free = EXACT.subtract(payer.free, units)
        receiver.free = EXACT.add(receiver.free, amount)
        gained, given = self.house_of(paid), self.house_of(bought)
        gained.conversion = EXACT.add(gained.conversion, units)
        given.conversion = EXACT.subtract(given.conversion, amount)
        self._touch(account, paid, payer, now_ms)
        self._touch(account, bought, receiver, now_ms)
        return [
            Transfer(paid, units, f"{account.id}:free", "house:conversion"),
            Transfer(bought, amount, "house:conversion", f"{account.id}:free"),
        ]

    def move(
        self, account: Account, asset: str, amount: Decimal, source: str, target: str, now_ms: int
    ) -> Transfer:
        """Move `amount` between two wallets of one account, such as "free" and "um"."""
        holding = account.holding(asset)
        available: Decimal = getattr(holding, source)
        if amount < 0 or amount > available:
            raise LedgerError(f"not enough {asset} in {source}")
        setattr(holding, source, EXACT.subtract(available, amount))
        setattr(holding, target, EXACT.add(getattr(holding, target), amount))
        self._touch(account, asset, holding, now_ms)
        return Transfer(asset, amount, f"{account.id}:{source}", f"{account.id}:{target}")

    def collect(self, account: Account, asset: str, wallets: Iterable[str], now_ms: int) -> list[Transfer]:
        """Move the futures wallets `wallets` ("um", "cm") of `asset` into the free balance."""
        holding = account.holding(asset)
        transfers: list[Transfer] = []
        for wallet in wallets:
            amount: Decimal = getattr(holding, wallet)
            if amount:
                setattr(holding, wallet, ZERO)
                holding.free = EXACT.add(holding.free, amount)
                transfers.append(Transfer(asset, amount, f"{account.id}:{wallet}", f"{account.id}:free"))
        if transfers:
            self._touch(account, asset, holding, now_ms)
        return transfers

    def _touch(self, account: Account, asset: str, holding: Holding, now_ms: int) -> None:
        holding.updated_ms = now_ms
        self.touched.add((account.id, asset))
        self.house_touched.add(asset)
        if self.watcher is not None:
            self.watcher(account.id, asset, holding, now_ms)

    # ------------------------------------------------------------------------ proving

    def imbalance(self) -> dict[str, Decimal]:
        """By how much each asset is off its conservation law; empty when all is well."""
        totals: dict[str, Decimal] = {asset: -amount for asset, amount in self.issued.items()}
        for account in self.accounts.values():
            for asset, holding in account.holdings.items():
                here = EXACT.subtract(holding.held, holding.negative)
                totals[asset] = EXACT.add(totals.get(asset, ZERO), here)
        for asset, house in self.house.items():
            totals[asset] = EXACT.add(totals.get(asset, ZERO), EXACT.add(house.pool, house.conversion))
        return {asset: total for asset, total in totals.items() if total}
