"""Work out one repay-debt by its four published rules, before anything moves.

1. One call repays at most 50,000 USD of value, the limit included.
2. Without an amount the whole debt is repaid, if the payment assets suffice.
3. With an amount exactly that much is repaid, under the same condition.
4. Whatever the account holds of the owed asset is spent first, named or not.

The rest is open and therefore an option: see `RepaymentRules`. By default it is all or nothing,
named assets pay in the order they were named, at index prices, and interest is paid before principal.

Source: https://developers.binance.com/docs/derivatives/portfolio-margin/trade/Margin-Account-Repay-Debt
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from paydown_sandbox.amounts import EXACT, ZERO, divide_down, divide_up
from paydown_sandbox.ledger import Account
from paydown_sandbox.options import Options
from paydown_sandbox.refusal import Refusal

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
    any_asset_when_unnamed: bool
    largest_first: bool
    fee_rate: Decimal
    principal_first: bool

    @classmethod
    def from_options(cls, options: Options, cap_usd: Decimal | None) -> RepaymentRules:
        """Read every choice about repay-debt."""
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
            any_asset_when_unnamed=options.is_set("payment-assets-absent", "any-asset"),
            largest_first=options.is_set("payment-order", "largest-first"),
            fee_rate=options.number("conversion-fee-rate"),
            principal_first=options.is_set("repayment-order", "principal-first"),
        )


@dataclass(slots=True)
class Repayment:
    """What one call will do. `total` = `interest` + `principal`, in units of the owed asset."""

    total: Decimal
    interest: Decimal
    principal: Decimal
    own: Decimal
    paid_with: tuple[tuple[str, Decimal, Decimal], ...]
    house_gain_usd: Decimal


def plan_repayment(
    account: Account,
    asset: str,
    amount: Decimal | None,
    named: Sequence[str] | None,
    prices: Mapping[str, Decimal],
    rules: RepaymentRules,
) -> Repayment:
    """Work out a repayment without touching anything.

    Args:
        account: Who repays.
        asset: The owed asset.
        amount: How much to repay, `None` for the whole debt.
        named: The payment assets of the request, `None` if it named none.
        prices: Index prices, USD per unit. An asset without one can be neither valued nor converted.
        rules: The choices for what the pages leave open.

    Raises:
        Refusal: The repayment cannot be made as asked.
    """
    add, subtract, multiply = EXACT.add, EXACT.subtract, EXACT.multiply
    holding = account.holdings.get(asset)
    debt = holding.debt if holding is not None else ZERO
    if holding is None or not debt:
        if rules.accept_no_debt:
            return Repayment(ZERO, ZERO, ZERO, ZERO, (), ZERO)
        raise Refusal(rules.no_debt_code, parameter="asset", reason="nothing is owed")

    target = debt if amount is None else amount
    if target > debt:
        if not rules.clip_above_debt:
            raise Refusal(rules.above_debt_code, parameter="amount", reason="the amount is above the debt")
        target = debt
    price = prices.get(asset)
    if rules.cap_usd is not None and price is not None and multiply(target, price) > rules.cap_usd:
        raise Refusal(rules.cap_code, parameter="amount", reason="worth more than one repayment may be")

    own = min(holding.free, target)
    missing = subtract(target, own)
    paid: list[tuple[str, Decimal, Decimal]] = []
    gain = ZERO
    if missing and price:
        cost = multiply(price, add(_ONE, rules.fee_rate))
        for name in _payers(account, asset, named, prices, rules):
            payer = account.holdings.get(name)
            payer_price = prices.get(name)
            if payer is None or not payer.free or not payer_price:
                continue
            units = divide_up(multiply(missing, cost), payer_price)
            covers = missing
            if units > payer.free:
                units = payer.free
                covers = min(missing, divide_down(multiply(units, payer_price), cost))
                if not covers:
                    continue
            paid.append((name, units, covers))
            gain = add(gain, subtract(multiply(units, payer_price), multiply(covers, price)))
            missing = subtract(missing, covers)
            if not missing:
                break
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
        raise Refusal(
            rules.minimum_remaining_code, parameter="amount", reason="the remaining debt is too small"
        )

    if rules.principal_first:
        principal = min(target, holding.borrowed)
        interest = subtract(target, principal)
    else:
        interest = min(target, holding.interest)
        principal = subtract(target, interest)
    return Repayment(target, interest, principal, own, tuple(paid), gain)


def _payers(
    account: Account,
    asset: str,
    named: Sequence[str] | None,
    prices: Mapping[str, Decimal],
    rules: RepaymentRules,
) -> list[str]:
    """Who pays, in order. The owed asset itself has paid already."""
    if named is not None:
        names = [name for name in named if name != asset]
        in_order = not rules.largest_first
    elif rules.any_asset_when_unnamed:
        names = [name for name in account.holdings if name != asset]
        in_order = False
    else:
        return []
    if not in_order:

        def worth(name: str) -> Decimal:
            holding = account.holdings.get(name)
            return EXACT.multiply(holding.free, prices.get(name, ZERO)) if holding is not None else ZERO

        names.sort(key=lambda name: (-worth(name), name))
    return names
