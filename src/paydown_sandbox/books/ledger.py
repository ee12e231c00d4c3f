"""The ledger: what each account holds and owes, with a counterparty on the other side of every movement.

    account        free, locked, um, cm     what the account holds
                   borrowed, interest       what it owes to the counterparty
                   negative                 what it owes from futures losses
    counterparty   pool                     what can be lent
                   conversion               what it took and gave when it converted payment assets

Every movement is a transfer between two of these places (the counterparty's are named `house:` in transfers), so that
for each asset

    held by all accounts + pool + conversion - negative balances = issued

stays true from the first state document on (`Ledger.imbalance` is zero for every asset).
The counterparty may be below zero: it sells what a conversion needs, and a state document limits how
much it can lend only where it names a limit.

A conversion divides by a price and cannot always be exact. The account then pays up to one unit of the
eighth digit more than the exact value, never less: the dust goes to the counterparty, is counted in USD
(`dust_usd`, exact) and is never negative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from paydown_sandbox.books.exact_amounts import EXACT, ZERO
from paydown_sandbox.books.ledger_line import Transfer

__all__ = ["Account", "Counterparty", "Holding", "Ledger", "LedgerError"]

PLACES = ("free", "locked", "um", "cm")


class LedgerError(Exception):
    """A movement would break a rule of the ledger. Nothing was moved."""


@dataclass(slots=True)
class Holding:
    """One account's position in one asset, in units of the asset. No member is ever below zero."""

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
        """Return principal plus interest."""
        return EXACT.add(self.borrowed, self.interest)

    @property
    def held(self) -> Decimal:
        """Return how much the account holds of this asset, in all wallets."""
        add = EXACT.add
        return add(add(self.free, self.locked), add(self.um, self.cm))


@dataclass(slots=True)
class Counterparty:
    """The position of the exchange itself in one asset: the other side of every loan and conversion.

    Attributes:
        pool: The amount that can be lent; below zero where more was lent than was there.
        conversion: The amount that conversions of payment assets took, less the amount that they gave.
        lendable: How much may still be lent; `None` for no limit.
    """

    pool: Decimal = ZERO
    conversion: Decimal = ZERO
    lendable: Decimal | None = None


@dataclass(slots=True)
class Account:
    """One Portfolio Margin account: its positions and its switches.

    Attributes:
        id: The name in state documents.
        holdings: The positions, by asset.
        auto_repay_futures: Whether negative futures balances are repaid by themselves at 11:00 and 23:00 UTC.
        status: A status that wins over the one that follows from the balances; `None` for none.
        maintenance_margin_usd: Maintenance margin in addition to that of the debts, in USD.
        initial_margin_usd: Initial margin in addition to that of the debts, in USD.
    """

    id: str
    holdings: dict[str, Holding] = field(default_factory=dict[str, Holding])
    auto_repay_futures: bool = True
    status: str | None = None
    maintenance_margin_usd: Decimal = ZERO
    initial_margin_usd: Decimal = ZERO

    def holding(self, asset: str) -> Holding:
        """Return the position in `asset`; its first use makes an empty position."""
        found = self.holdings.get(asset)
        if found is None:
            found = self.holdings[asset] = Holding()
        return found


# A function that is called after each change of a position, with account, asset, position and time (`None`: now).
Watcher = Callable[[str, str, Holding, int | None], None]


class Ledger:
    """The accounts and their counterparty, and the only code that changes them.

    Attributes:
        accounts: By id.
        counterparties: The counterparty's position in each asset.
        issued: The amounts brought into the books from outside, by asset.
        dust_usd: The value that accounts paid above the exact value of conversions, in USD.
        touched: Account and asset of every position that changed since it was last stored.
        counterparties_touched: Assets of the counterparty's positions that changed since.
        watcher: Called after each change of an account's position.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.counterparties: dict[str, Counterparty] = {}
        self.issued: dict[str, Decimal] = {}
        self.dust_usd = ZERO
        self.touched: set[tuple[str, str]] = set()
        self.counterparties_touched: set[str] = set()
        self.watcher: Watcher | None = None

    def counterparty_of(self, asset: str) -> Counterparty:
        """Return the counterparty's position in `asset`; its first use makes an empty position."""
        found = self.counterparties.get(asset)
        if found is None:
            found = self.counterparties[asset] = Counterparty()
        return found

    def assets(self) -> Iterator[str]:
        """Yield every asset that an account ever held or owed."""
        seen = dict.fromkeys(self.issued)
        seen.update(dict.fromkeys(self.counterparties))
        for account in self.accounts.values():
            seen.update(dict.fromkeys(account.holdings))
        yield from seen

    # --------------------------------------------------------------- opening accounts

    def open(self, account: Account) -> None:
        """Enter an account with its holdings and debts; the counterparty has lent what the account owes before."""
        self.accounts[account.id] = account
        for asset, holding in account.holdings.items():
            issued = EXACT.subtract(holding.held, holding.negative)
            self.issued[asset] = EXACT.add(self.issued.get(asset, ZERO), issued)
            self.touched.add((account.id, asset))

    def issue(self, account: Account, asset: str, place: str, amount: Decimal) -> None:
        """Bring an amount into the books from outside. Only for edits of the state.

        Args:
            account: The account.
            asset: The asset.
            place: The part of the position, such as "free" or "borrowed".
            amount: Units of the asset; below zero to take them out.

        Raises:
            LedgerError: The place would fall below zero. Nothing was changed.
        """
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

    # ------------------------------------------------------------------ moving money

    def lend(self, account: Account, asset: str, amount: Decimal, now_ms: int) -> Transfer:
        """Lend from the pool to the account's free balance.

        Args:
            account: The account that borrows.
            asset: The asset.
            amount: How much, in units of the asset.
            now_ms: The moment of the loan, milliseconds UTC.

        Raises:
            LedgerError: The pool is too small. Nothing was moved.
        """
        counterparty = self.counterparty_of(asset)
        if counterparty.lendable is not None:
            if amount > counterparty.lendable:
                raise LedgerError(f"the pool of {asset} is too small")
            counterparty.lendable = EXACT.subtract(counterparty.lendable, amount)
        holding = account.holding(asset)
        counterparty.pool = EXACT.subtract(counterparty.pool, amount)
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
            account: The account that owes.
            asset: The owed asset.
            interest: How much of the interest is paid.
            principal: How much of the principal is paid.
            own: Units of `asset` taken from the free balance.
            paid_with: (payment asset, units paid, units of `asset` bought with them).
            now_ms: The moment of the repayment, milliseconds UTC.

        Raises:
            LedgerError: The parts do not add up or a balance would fall below zero. Nothing was moved.
        """
        add, subtract = EXACT.add, EXACT.subtract
        # A lookup is cheaper than a call, and most requests to the sandbox end here.
        holdings, counterparties = account.holdings, self.counterparties
        debt = holdings.get(asset) or account.holding(asset)
        paid = [
            (holdings.get(name) or account.holding(name), name, units, covers)
            for name, units, covers in paid_with
        ]
        bought = ZERO
        for payer, name, units, covers in paid:
            if units < 0 or covers < 0 or units > payer.free:
                raise LedgerError(f"not enough free {name}")
            bought = add(bought, covers)
        total = add(interest, principal)
        if own < 0 or own > debt.free or interest < 0 or principal < 0 or add(own, bought) != total:
            raise LedgerError("the parts of a repayment do not add up")
        if interest > debt.interest or principal > debt.borrowed:
            raise LedgerError("more would be repaid than is owed")

        counterparty = counterparties.get(asset) or self.counterparty_of(asset)
        transfers: list[Transfer] = []
        if own:
            debt.free = subtract(debt.free, own)
            counterparty.pool = add(counterparty.pool, own)
            transfers.append(Transfer(asset, own, f"{account.id}:free", "house:pool"))
        for payer, name, units, covers in paid:
            payer.free = subtract(payer.free, units)
            other = counterparties.get(name) or self.counterparty_of(name)
            other.conversion = add(other.conversion, units)
            counterparty.conversion = subtract(counterparty.conversion, covers)
            counterparty.pool = add(counterparty.pool, covers)
            transfers.append(Transfer(name, units, f"{account.id}:free", "house:conversion"))
            transfers.append(Transfer(asset, covers, "house:conversion", "house:pool"))
            self._touch(account, name, payer, now_ms)
        debt.interest = subtract(debt.interest, interest)
        debt.borrowed = subtract(debt.borrowed, principal)
        if counterparty.lendable is not None:
            counterparty.lendable = add(counterparty.lendable, total)
        self._touch(account, asset, debt, now_ms)
        return transfers

    def charge(
        self, account: Account, asset: str, interest: Decimal, now_ms: int, *, to_principal: bool = False
    ) -> None:
        """Add interest to a debt. No money moves; the account owes the counterparty more.

        Args:
            account: The account that owes.
            asset: The owed asset.
            interest: How much, in units of the asset.
            now_ms: The moment of the charge, milliseconds UTC.
            to_principal: Whether it is added to the principal instead of the interest.
        """
        holding = account.holding(asset)
        if to_principal:
            holding.borrowed = EXACT.add(holding.borrowed, interest)
        else:
            holding.interest = EXACT.add(holding.interest, interest)
        self._touch(account, asset, holding, now_ms)

    def hand_over(self, account: Account, asset: str, amount: Decimal, place: str, now_ms: int) -> Transfer:
        """Move an amount from the free balance to the counterparty.

        Args:
            account: The account that pays.
            asset: The asset.
            amount: How much, in units of the asset.
            place: "pool" for a payment, "conversion" for something that was spent.
            now_ms: The moment, milliseconds UTC.

        Raises:
            LedgerError: Less is free. Nothing was moved.
        """
        holding = account.holding(asset)
        if amount < 0 or amount > holding.free:
            raise LedgerError(f"not enough free {asset}")
        counterparty = self.counterparty_of(asset)
        holding.free = EXACT.subtract(holding.free, amount)
        setattr(counterparty, place, EXACT.add(getattr(counterparty, place), amount))
        self._touch(account, asset, holding, now_ms)
        return Transfer(asset, amount, f"{account.id}:free", f"house:{place}")

    def charge_negative(self, account: Account, asset: str, interest: Decimal, now_ms: int) -> Transfer:
        """Add interest to a negative futures balance; the counterparty's pool gains the same amount.

        Args:
            account: The account that owes.
            asset: The asset.
            interest: How much, in units of the asset.
            now_ms: The moment of the charge, milliseconds UTC.
        """
        holding = account.holding(asset)
        holding.negative = EXACT.add(holding.negative, interest)
        counterparty = self.counterparty_of(asset)
        counterparty.pool = EXACT.add(counterparty.pool, interest)
        self._touch(account, asset, holding, now_ms)
        return Transfer(asset, interest, f"{account.id}:negative", "house:pool")

    def fill_negative(self, account: Account, asset: str, amount: Decimal, now_ms: int) -> Transfer:
        """Repay a negative futures balance from the free balance.

        Args:
            account: The account that owes.
            asset: The asset.
            amount: How much, in units of the asset.
            now_ms: The moment, milliseconds UTC.

        Raises:
            LedgerError: Less is free or less is owed. Nothing was moved.
        """
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
        """Convert one asset of the free balance into another.

        Args:
            account: The account.
            paid: The asset that is sold.
            units: How much of it.
            bought: The asset that is bought.
            amount: How much of that.
            now_ms: The moment, milliseconds UTC.

        Raises:
            LedgerError: Less is free, or both assets are the same. Nothing was moved.
        """
        payer, receiver = account.holding(paid), account.holding(bought)
        if units < 0 or amount < 0 or units > payer.free or paid == bought:
            raise LedgerError(f"not enough free {paid}")
        payer.free = EXACT.subtract(payer.free, units)
        receiver.free = EXACT.add(receiver.free, amount)
        gained, given = self.counterparty_of(paid), self.counterparty_of(bought)
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
        """Move an amount between two wallets of one account.

        Args:
            account: The account.
            asset: The asset.
            amount: How much, in units of the asset.
            source: The wallet it leaves, such as "um".
            target: The wallet it reaches, such as "free".
            now_ms: The moment, milliseconds UTC.

        Raises:
            LedgerError: The wallet holds less. Nothing was moved.
        """
        holding = account.holding(asset)
        available: Decimal = getattr(holding, source)
        if amount < 0 or amount > available:
            raise LedgerError(f"not enough {asset} in {source}")
        setattr(holding, source, EXACT.subtract(available, amount))
        setattr(holding, target, EXACT.add(getattr(holding, target), amount))
        self._touch(account, asset, holding, now_ms)
        return Transfer(asset, amount, f"{account.id}:{source}", f"{account.id}:{target}")

    def _touch(self, account: Account, asset: str, holding: Holding, now_ms: int) -> None:
        holding.updated_ms = now_ms
        self.touched.add((account.id, asset))
        self.counterparties_touched.add(asset)
        if self.watcher is not None:
            self.watcher(account.id, asset, holding, now_ms)

    # -------------------------------------------------------------- checking the sums

    def imbalance(self) -> dict[str, Decimal]:
        """Return by how much each asset breaks the law of conservation; an empty mapping if none does."""
        totals: dict[str, Decimal] = {asset: -amount for asset, amount in self.issued.items()}
        for account in self.accounts.values():
            for asset, holding in account.holdings.items():
                here = EXACT.subtract(holding.held, holding.negative)
                totals[asset] = EXACT.add(totals.get(asset, ZERO), here)
        for asset, counterparty in self.counterparties.items():
            totals[asset] = EXACT.add(
                totals.get(asset, ZERO), EXACT.add(counterparty.pool, counterparty.conversion)
            )
        return {asset: total for asset, total in totals.items() if total}
