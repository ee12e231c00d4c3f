"""Hold the state of a sandbox: accounts, keys, prices, limits and choices.

A world is read from a state document and written back as one. It knows no request and no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from paydown_sandbox.books.collateral import CollateralModel
from paydown_sandbox.books.exact_amounts import ZERO
from paydown_sandbox.books.ledger import Ledger
from paydown_sandbox.books.prices import Prices
from paydown_sandbox.books.records import Record
from paydown_sandbox.checks.api_keys import KeyRing
from paydown_sandbox.checks.rate_limits import LimitSettings
from paydown_sandbox.choices.settings import Options

__all__ = ["InterestSettings", "World"]


@dataclass(slots=True)
class InterestSettings:
    """Daily interest rates as shares of one.

    Margin debt is charged a 24th of its rate at every full hour, a negative futures balance the whole of its rate at
    00:00 UTC.
    """

    default_daily_rate: Decimal = ZERO
    daily_rates: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    negative_daily_rate: Decimal = ZERO
    on_borrow: bool = True
    fraction_digits: int = 8

    def daily(self, asset: str) -> Decimal:
        """Return the daily rate of margin debt in `asset`, as a share of one."""
        return self.daily_rates.get(asset, self.default_daily_rate)


@dataclass(slots=True)
class World:
    """The state of a sandbox between two requests."""

    options: Options
    ledger: Ledger = field(default_factory=Ledger)
    keys: KeyRing = field(default_factory=KeyRing)
    prices: Prices = field(default_factory=lambda: Prices({}))
    limits: LimitSettings = field(default_factory=LimitSettings)
    interest: InterestSettings = field(default_factory=InterestSettings)
    collateral: CollateralModel = field(default_factory=CollateralModel)
    borrow_limits: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    borrow_closed: frozenset[str] = frozenset()
    records: list[Record] = field(default_factory=list[Record])
    negative_thresholds: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    seed: int = 0
    choices_seed: int = 0

    def knows(self, asset: str) -> bool:
        """Return whether the asset has a price, a balance or a lendable amount."""
        return asset in self.prices.usd or asset in self.ledger.issued or asset in self.ledger.counterparties
