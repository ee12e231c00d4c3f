"""Work out one repay-debt by its four published rules, before anything moves.

1. One call repays at most 50,000 USD of value, the limit included.
2. Without an amount the whole debt is repaid, if the payment assets suffice.
3. With an amount exactly that much is repaid, under the same condition.
4. What the account holds of the owed asset is spent first, named or not.

The rest is open and therefore an option: see `RepaymentRules`. By default it is all or nothing,
named assets pay in the order they were named, at index prices, and interest is paid before principal.

Source: https://developers.binance.com/docs/derivatives/portfolio-margin/trade/Margin-Account-Repay-Debt
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from paydown_sandbox.books.exact_amounts import EXACT, ZERO, divide_down, divide_up
from paydown_sandbox.books.ledger import Account, Holding
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.choices.settings import Options

__all__ = ["Repayment", "RepaymentRules", "plan_repayment"]

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class RepaymentRules:
    """The documented cap and one field per open question, read from the options once."""

    cap_usd: Decimal | None
    cap_code: int
    partial_whole: bool
    partial_amount: bool
    insufficient_code: int
    clip_above_debt: bool
    above_debt_code: int
    accept_no_debt: bool
    no_debt_code: int
    minimum_repayment: Decimal
    minimum_repayment_code: int
    minimum_remaining: Decimal
    minimum_remaining_code: int
    clear_remaining: bool
    any_asset_when_unnamed: bool
    unnamed: str
    order: str
    in_order: bool
    own_last: bool
    cost_factor: Decimal
    first: str

    @classmethod
    def from_options(cls, options: Options, cap_usd: Decimal | None) -> RepaymentRules:
        """Read every choice about repay-debt.

        Args:
            options: The choices.
            cap_usd: The most that one call repays, in USD; `None` for no limit.
        """
        return cls(
            cap_usd=cap_usd,
            cap_code=options.integer("above-value-cap-code"),
            partial_whole=options.is_set("insufficient-whole-debt", "partial"),
            partial_amount=options.is_set("insufficient-amount", "partial"),
            insufficient_code=options.code("insufficient-amount"),
            clip_above_debt=options.is_set("amount-above-debt", "clip"),
            above_debt_code=options.code("amount-above-debt"),
            accept_no_debt=options.is_set("no-debt", "accept"),
            no_debt_code=options.code("no-debt"),
            minimum_repayment=options.number("minimum-repayment"),
            minimum_repayment_code=options.code("minimum-repayment"),
            minimum_remaining=options.number("minimum-remaining-debt"),
            minimum_remaining_code=options.code("minimum-remaining-debt"),
            clear_remaining=options.is_set("dust-rule", "cleared"),
            any_asset_when_unnamed=options.is_set("payment-assets-absent", "any-asset"),
            unnamed=options.text("unnamed-payers"),
            order=options.text("payment-order"),
            in_order=options.is_set("payment-order", "as-listed")
            and options.is_set("unnamed-payers", "never"),
            own_last=options.is_set("own-asset", "last"),
            cost_factor=EXACT.add(_ONE, options.number("conversion-fee-rate")),
            first=options.text("repayment-order"),
        )

    def relaxed(self) -> RepaymentRules:
        """Return the rules for a repayment that was accepted earlier, of which as much as possible is executed."""
        return replace(
            self,
            cap_usd=None,
            partial_whole=True,
            partial_amount=True,
            clip_above_debt=True,
            minimum_repayment=ZERO,
            minimum_remaining=ZERO,
        )


@dataclass(slots=True)
class Repayment:
    """A repayment that can be executed.

    Attributes:
        total: `interest` + `principal`, in units of the owed asset.
        interest: The interest that is repaid.
        principal: The principal that is repaid.
        own: Units of the owed asset that are taken from the free balance.
        paid_with: (payment asset, units paid, units of the owed asset bought with them).
        dust_usd: The value that the account pays above the exact value, because conversions are rounded, in USD.
    """

    total: Decimal
    interest: Decimal
    principal: Decimal
    own: Decimal
    paid_with: tuple[tuple[str, Decimal, Decimal], ...]
    dust_usd: Decimal


# The payment of a target: units of the owed asset, the conversions, the part that cannot be paid, and the dust in USD.
_Payments: TypeAlias = tuple[Decimal, tuple[tuple[str, Decimal, Decimal], ...], Decimal, Decimal]


def plan_repayment(
    account: Account,
    asset: str,
    amount: Decimal | None,
    named: Sequence[str] | None,
    prices: Mapping[str, Decimal],
    rules: RepaymentRules,
    *,
    share: Callable[[Decimal], Decimal] | None = None,
    spread: Decimal = _ONE,
) -> Repayment:
    """Work out a repayment without changing anything.

    Args:
        account: The account that repays.
        asset: The owed asset.
        amount: How much to repay, `None` for the whole debt.
        named: The payment assets of the request, `None` if it named none.
        prices: Index prices, USD per unit. An asset without one can be neither valued nor converted.
        rules: The choices for what the pages leave open.
        share: Returns how much of an amount that was asked for is repaid; all of it if absent.
        spread: By which factor a conversion costs more than at index prices.

    Raises:
        Refusal: The repayment cannot be made as asked.
    """
    subtract = EXACT.subtract
    holding = account.holdings.get(asset)
    debt = holding.debt if holding is not None else ZERO
    if holding is None or not debt:
        if rules.accept_no_debt:
            return Repayment(ZERO, ZERO, ZERO, ZERO, (), ZERO)
        raise Refusal(rules.no_debt_code, parameter="asset", reason="nothing is owed")

    asked = target = _target(debt, amount, prices.get(asset), rules)
    if share is not None and amount is not None:
        target = min(debt, share(target))
        if not target:
            raise Refusal(rules.minimum_repayment_code, parameter="amount", reason="nothing of it is left")
    if rules.clear_remaining and subtract(debt, target) < rules.minimum_remaining:
        target = debt
    own, paid, missing, dust = _payments(account, asset, target, named, prices, rules, spread)
    if missing and target > asked:
        target = asked  # more than was asked for is taken only where it can be paid
        own, paid, missing, dust = _payments(account, asset, target, named, prices, rules, spread)
    if missing:
        if not (rules.partial_whole if amount is None else rules.partial_amount):
            raise Refusal(rules.insufficient_code, reason="the payment assets do not suffice")
        target = subtract(target, missing)
        if not target:
            raise Refusal(rules.insufficient_code, reason="no payment asset holds anything")

    if target < rules.minimum_repayment:
        raise Refusal(rules.minimum_repayment_code, parameter="amount", reason="below the smallest repayment")
    remaining = subtract(debt, target)
    if remaining and remaining < rules.minimum_remaining:
        raise Refusal(rules.minimum_remaining_code, parameter="amount", reason="too little would remain")
    interest = _interest_part(target, holding, rules.first)
    return Repayment(target, interest, subtract(target, interest), own, paid, dust)


def _target(debt: Decimal, amount: Decimal | None, price: Decimal | None, rules: RepaymentRules) -> Decimal:
    target = debt if amount is None else amount
    if target > debt:
        if not rules.clip_above_debt:
            raise Refusal(rules.above_debt_code, parameter="amount", reason="the amount is above the debt")
        target = debt
    if rules.cap_usd is not None and price is not None and EXACT.multiply(target, price) > rules.cap_usd:
        raise Refusal(rules.cap_code, parameter="amount", reason="worth more than one repayment may be")
    return target


def _interest_part(target: Decimal, holding: Holding, first: str) -> Decimal:
    """Return how much of the interest a repayment of `target` pays off."""
    if first == "interest-first":
        return min(target, holding.interest)
    if first == "principal-first":
        return EXACT.subtract(target, min(target, holding.borrowed))
    if target == holding.debt:
        return holding.interest
    interest = divide_down(EXACT.multiply(target, holding.interest), holding.debt)
    # Rounding the interest down adds the digits to the principal, which may not have room for them.
    return max(interest, EXACT.subtract(target, holding.borrowed))


def _payments(
    account: Account,
    asset: str,
    target: Decimal,
    named: Sequence[str] | None,
    prices: Mapping[str, Decimal],
    rules: RepaymentRules,
    spread: Decimal,
) -> _Payments:
    add, subtract, multiply = EXACT.add, EXACT.subtract, EXACT.multiply
    holdings = account.holdings
    free = holdings[asset].free
    own = ZERO if rules.own_last else min(free, target)
    missing = subtract(target, own)
    paid: list[tuple[str, Decimal, Decimal]] = []
    dust = ZERO
    price = prices.get(asset)
    if missing and price:
        cost = multiply(price, rules.cost_factor)
        if spread is not _ONE:
            cost = multiply(cost, spread)
        names = _payers(account, asset, named, prices, rules)
        limits = (
            None if rules.order != "all-share" else _shares(names, account, prices, multiply(missing, cost))
        )
        for name in names:
            payer = holdings.get(name)
            payer_price = prices.get(name)
            if payer is None or not payer.free or not payer_price:
                continue
            units = divide_up(multiply(missing, cost), payer_price)
            covers = missing
            available = payer.free if limits is None else limits[name]
            if units > available:
                units = available
                covers = min(missing, divide_down(multiply(units, payer_price), cost))
                if not covers:
                    continue
            paid.append((name, units, covers))
            dust = add(dust, subtract(multiply(units, payer_price), multiply(covers, price)))
            missing = subtract(missing, covers)
            if not missing:
                break
    if rules.own_last and missing:
        own = min(free, missing)
        missing = subtract(missing, own)
    return own, tuple(paid), missing, dust


def _worth(account: Account, name: str, prices: Mapping[str, Decimal]) -> Decimal:
    holding = account.holdings.get(name)
    return EXACT.multiply(holding.free, prices.get(name, ZERO)) if holding is not None else ZERO


def _shares(
    names: Sequence[str], account: Account, prices: Mapping[str, Decimal], value: Decimal
) -> dict[str, Decimal]:
    """Return the units that each payer offers: a share of `value` by worth, and from the last payer all it has."""
    worth = {name: _worth(account, name, prices) for name in names}
    total = sum(worth.values(), ZERO)
    offered = {name: account.holdings[name].free for name in names if worth[name]}
    if total > value:
        for name in list(offered)[:-1]:
            share = divide_up(divide_up(EXACT.multiply(value, worth[name]), total), prices[name])
            offered[name] = min(offered[name], share)
    return offered


def _payers(
    account: Account,
    asset: str,
    named: Sequence[str] | None,
    prices: Mapping[str, Decimal],
    rules: RepaymentRules,
) -> list[str]:
    """Return the payment assets in order, without the owed asset itself, which needs no conversion."""
    if named is not None:
        names = [name for name in named if name != asset]
        if rules.in_order:
            return names
    elif rules.any_asset_when_unnamed:
        names = [name for name in account.holdings if name != asset]
    else:
        names = []

    if rules.order == "largest-first" or named is None:
        _sort_by_worth(names, account, prices)
    elif rules.order == "reversed":
        names.reverse()
    if rules.unnamed != "never":
        others = [name for name in account.holdings if name != asset]
        _sort_by_worth(others, account, prices)
        if rules.unnamed == "always":
            names = [*others[:1], *(name for name in names if name not in others[:1])]
        else:
            names += [name for name in others if name not in names]
    return names


def _sort_by_worth(names: list[str], account: Account, prices: Mapping[str, Decimal]) -> None:
    names.sort(key=lambda name: (-_worth(account, name, prices), name))
