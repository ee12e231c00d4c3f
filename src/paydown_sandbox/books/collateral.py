"""A simple collateral model: the value of an account, and how near it is to liquidation.

    actualEquity    sum of (held - owed) at index prices
    accountEquity   the same, with positive positions multiplied by their collateral rate
    maintenance     debt at index prices x maintenance rate, plus what the state document adds
    uniMMR          accountEquity / maintenance

The real rates are tiered and change; these are round numbers that make the states reachable. Only the names of the
states and the order in which they are reached are copied from the published pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from paydown_sandbox.books.exact_amounts import EXACT, ZERO, divide_down
from paydown_sandbox.books.ledger import Account

__all__ = ["LIQUIDATION", "RISK_LEVELS", "CollateralModel", "Standing", "status_of"]

# Every account status with its level of risk, from the harmless to the worst. The stream sends an event when an
# account reaches a higher level; an account on the highest one is being liquidated and may not borrow.
LIQUIDATION = 3
RISK_LEVELS: Mapping[str, int] = {
    "NORMAL": 0,
    "MARGIN_CALL": 1,
    "SUPPLY_MARGIN": 1,
    "REDUCE_ONLY": 2,
    "ACTIVE_LIQUIDATION": LIQUIDATION,
    "FORCE_LIQUIDATION": LIQUIDATION,
    "BANKRUPTED": LIQUIDATION,
}

# The uniMMR that an account without any margin requirement shows.
NO_RISK = Decimal("99999999")


@dataclass(slots=True)
class CollateralModel:
    """The rates and thresholds of the model. Rates are shares of one; thresholds are values of uniMMR."""

    collateral_rates: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    default_collateral_rate: Decimal = Decimal("0.95")
    maintenance_rate: Decimal = Decimal("0.05")
    initial_rate: Decimal = Decimal("0.10")
    margin_call_at: Decimal = Decimal("1.5")
    reduce_only_at: Decimal = Decimal("1.2")
    liquidation_at: Decimal = Decimal("1.05")


@dataclass(frozen=True, slots=True)
class Standing:
    """The value, the margin and the status of an account. Amounts in USD."""

    equity: Decimal
    actual_equity: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    uni_mmr: Decimal
    status: str

    @property
    def withdrawable(self) -> Decimal:
        """Return the value in USD that may leave the account, never below zero."""
        return max(ZERO, EXACT.subtract(self.equity, self.initial_margin))


def status_of(account: Account, prices: Mapping[str, Decimal], model: CollateralModel) -> Standing:
    """Value an account and derive its status.

    Args:
        account: The account. A status that its state document names wins over the one that follows from its value.
        prices: Index prices, USD per unit. Assets without a price count for nothing.
        model: Collateral rates and thresholds.
    """
    add, subtract, multiply = EXACT.add, EXACT.subtract, EXACT.multiply
    equity = actual = debts = ZERO
    for asset, holding in account.holdings.items():
        price = prices.get(asset)
        if price is None:
            continue
        owed = add(holding.debt, holding.negative)
        net = multiply(subtract(holding.held, owed), price)
        actual = add(actual, net)
        if net > 0:
            net = multiply(net, model.collateral_rates.get(asset, model.default_collateral_rate))
        equity = add(equity, net)
        debts = add(debts, multiply(owed, price))
    maintenance = add(multiply(debts, model.maintenance_rate), account.maintenance_margin_usd)
    initial = add(multiply(debts, model.initial_rate), account.initial_margin_usd)
    uni_mmr = divide_down(equity, maintenance) if maintenance else NO_RISK
    if account.status is not None:
        status = account.status
    elif maintenance and equity <= 0:
        status = "BANKRUPTED"
    elif uni_mmr <= model.liquidation_at:
        status = "FORCE_LIQUIDATION"
    elif uni_mmr <= model.reduce_only_at:
        status = "REDUCE_ONLY"
    elif uni_mmr <= model.margin_call_at:
        status = "MARGIN_CALL"
    else:
        status = "NORMAL"
    return Standing(equity, actual, initial, maintenance, uni_mmr, status)
