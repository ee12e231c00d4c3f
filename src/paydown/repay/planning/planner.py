"""Cut a debt into repayments that are each legal: a pure function of readings, prices and facts.

    debt 1,000,000 USD, limit 49,000 USD  ──▶  21 pieces of 47,619 USD each

Pieces are equal rather than "as many full ones as fit": every piece then keeps the widest
distance from the cap, and no piece is a crumb that a minimum could refuse. The last piece of a
whole-debt plan carries no amount, so interest that accrued meanwhile goes with it.

`cut` is also what the engine calls before every piece, with the debt and price of that moment:
plan and engine cannot disagree on how a debt is split.
"""

from __future__ import annotations

import decimal
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from paydown.repay.amounts import ZERO, exact, floor_to, money, to_text
from paydown.repay.errors import NothingOwed, PlanRefused
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.planning.plan import Piece, Plan, Price, Request
from paydown.repay.planning.repay_facts import Facts
from paydown.repay.repay_options import Options

__all__ = [
    "Cut",
    "cut",
    "earliest_finish_ms",
    "look_alike",
    "make_plan",
    "refuse_liquidation",
    "warn_if_short",
]

# Account states in which the exchange itself is selling the account's assets: repaying in
# parallel fights over the same funds. REDUCE_ONLY, SUPPLY_MARGIN and MARGIN_CALL are states in
# which repaying is exactly what helps, so they only warn.
_LIQUIDATION = frozenset({"ACTIVE_LIQUIDATION", "FORCE_LIQUIDATION", "BANKRUPTED"})


@dataclass(frozen=True, slots=True)
class Cut:
    """The next repayment of a debt, and how many are left with it.

    Attributes:
        amount: `amount` to send; `None` for none, which clears the debt.
        expected: How much of the debt that repays.
        value_usd: Value of `expected`.
        pieces: How many pieces are left, this one included.
    """

    amount: Decimal | None
    expected: Decimal
    value_usd: Decimal
    pieces: int


def cut(
    owed: Decimal,
    goal: Decimal | None,
    *,
    price_usd: Decimal,
    limit_usd: Decimal,
    digits: int,
    growth: Decimal = ZERO,
    avoid: Collection[Decimal] = (),
) -> Cut | None:
    """Return the next piece of a debt; `None` when nothing is left to repay.

    Args:
        owed: Debt now, in units of the asset.
        goal: How much is still to be repaid at most; `None` for the whole debt. A goal is never exceeded:
            with one, every piece names its amount.
        price_usd: USD per unit, above zero.
        limit_usd: Highest value of one piece.
        digits: Most fraction digits of an amount.
        growth: Share by which interest may let the debt grow before the last piece leaves.
        avoid: Amounts that this plan has asked for already. Equal pieces are made to differ in their last digits,
            so that a row or a fall cannot be taken for that of another piece.

    Raises:
        PlanRefused: The smallest amount that can be sent is already worth more than `limit_usd`.
    """
    with exact():
        target = owed if goal is None else floor_to(min(goal, owed), digits)
        if target <= 0:
            return None
        reserve = growth if goal is None else ZERO
        pieces = _ceil(target * (1 + reserve) * price_usd / limit_usd)
        if pieces == 1:
            return Cut(None if goal is None else target, target, target * price_usd, 1)
        unit = Decimal(1).scaleb(-digits)
        most = floor_to(limit_usd / price_usd, digits)
        amount = min(_ceil(target / pieces / unit) * unit, most)
        if amount + (pieces - 1) * unit <= most:  # the later ones are larger by as much, and must stay legal
            amount -= min((pieces - 1) * unit, max(ZERO, amount - unit))
        while amount in avoid and amount > unit:
            amount -= unit
        if amount <= 0:
            raise PlanRefused(
                "cannot-be-cut",
                f"The smallest amount that can be sent, {to_text(unit)}, is worth {money(unit * price_usd)}, "
                f"above the limit of {money(limit_usd)} for one piece.",
                {"unit": to_text(unit), "price_usd": to_text(price_usd), "limit_usd": to_text(limit_usd)},
            )
        return Cut(amount, amount, amount * price_usd, pieces)


def _ceil(value: Decimal) -> int:
    return int(value.to_integral_value(rounding=decimal.ROUND_CEILING))


def earliest_finish_ms(now_ms: int, pieces: int, facts: Facts, *, used_weight: int) -> int:
    """Return the earliest moment at which the last of `pieces` repayments can leave, UTC milliseconds.

    The weight already used keeps calls out of the first interval; every later one takes as many as
    its weight allows, at its very start.

    Args:
        now_ms: Now, UTC milliseconds.
        pieces: How many repayments are left.
        facts: The facts of the document.
        used_weight: Request weight already used in the running interval.
    """
    first = max(0, facts.weight_limit - used_weight) // facts.repay_weight
    intervals = -(-max(0, pieces - first) // facts.calls_per_interval)
    return now_ms + intervals * facts.weight_interval_ms


def refuse_liquidation(account_status: str) -> None:
    """Raise `PlanRefused` while the exchange is liquidating the account."""
    if account_status in _LIQUIDATION:
        raise PlanRefused(
            "liquidation",
            f"The account is being liquidated ({account_status}): the exchange is using the same assets to "
            "pay the same debt. Wait until its status changes.",
            {"account_status": account_status},
        )


def make_plan(
    request: Request,
    snapshot: Snapshot,
    prices: Mapping[str, Price],
    *,
    key: str,
    account_status: str,
    facts: Facts,
    options: Options,
    now_ms: int,
    used_weight: int,
) -> Plan:
    """Cut the debt of `request.asset` into pieces, or refuse with the numbers that show why.

    Args:
        request: The debt to repay, and the payment assets.
        snapshot: The account now.
        prices: USD prices that are known, by asset.
        key: Idempotency key of the plan.
        account_status: `accountStatus` of the account.
        facts: The facts of the document about repay-debt.
        options: Margins of caution.
        now_ms: Now, UTC milliseconds.
        used_weight: Request weight already used in the running minute, snapshots of this plan included.

    Raises:
        PlanRefused: No debt, more asked than owed, a price unknown, too little to pay with, or the
            account is being liquidated. `.reason` and `.numbers` say which and show it.
    """
    refuse_liquidation(account_status)
    asset = request.asset
    owed = snapshot[asset]
    with exact():
        _refuse_nothing_or_too_much(request, snapshot)
        price = _price(prices, asset)
        limit = facts.cap_usd * (1 - request.margin)
        growth = options.max_daily_interest / 24
        pieces: list[Piece] = []
        left, goal = owed.debt, request.amount
        while (
            step := cut(
                left, goal, price_usd=price.usd, limit_usd=limit, digits=facts.amount_digits, growth=growth
            )
        ) is not None:
            pieces.append(_piece(len(pieces) + 1, step, left - step.expected, asset))
            left -= step.expected
            goal = None if goal is None else goal - step.expected
        total = owed.debt - left
        warnings = [
            *_warn_account(account_status),
            *warn_if_short(request, snapshot, prices, total, options.conversion_reserve),
            *_warn_dust(request, left, price, options.dust_usd),
        ]
    # The weight of a plan includes balances and status before the first piece, and balances after the last.
    weight = len(pieces) * facts.repay_weight + 3 * facts.snapshot_weight
    return Plan(
        key=key,
        request=request,
        snapshot=snapshot,
        prices={name: prices[name] for name in (asset, *request.pay_with) if name in prices},
        piece_limit_usd=limit,
        pieces=tuple(pieces),
        weight=weight,
        earliest_finish_ms=earliest_finish_ms(
            now_ms, len(pieces), facts, used_weight=used_weight + facts.snapshot_weight
        ),
        warnings=tuple(warnings),
        created_at_ms=now_ms,
    )


def _refuse_nothing_or_too_much(request: Request, snapshot: Snapshot) -> None:
    owed = snapshot[request.asset]
    if owed.debt <= 0:
        others = sorted(asset for asset, holding in snapshot.assets.items() if holding.debt > 0)
        hint = f" Debts are owed in: {', '.join(others)}." if others else " No margin debt is owed at all."
        hint = look_alike(request.asset) or hint
        raise NothingOwed("no-debt", f"Nothing is owed in {request.asset}.{hint}", {"debt": "0"})
    if request.amount is not None and request.amount > owed.debt:
        raise PlanRefused(
            "amount-above-debt",
            f"Asked to repay {to_text(request.amount)} {request.asset}, but only {to_text(owed.debt)} is "
            f"owed (principal {to_text(owed.borrowed)} + interest {to_text(owed.interest)}). Leave the "
            "amount out to repay everything.",
            {
                "amount": to_text(request.amount),
                "debt": to_text(owed.debt),
                "principal": to_text(owed.borrowed),
                "interest": to_text(owed.interest),
            },
        )


# Cyrillic and Greek capitals that look like Latin ones, and the Latin ones.
_LOOK_ALIKES = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
    "ABEKMHOPCTYXSIJABEZHIKMNOPTYX",
)


def look_alike(asset: str) -> str:
    """Return what to write instead of a name whose letters only look like those of another name; "" otherwise."""
    instead = asset.translate(_LOOK_ALIKES)
    if instead == asset or not instead.isascii():
        return ""
    wrong = dict.fromkeys(letter for letter in asset if not letter.isascii())
    named = ", ".join(f"U+{ord(letter):04X} {unicodedata.name(letter)}" for letter in wrong)
    return f" It holds {named}, which only looks like a Latin letter. Write {instead!r}."


def _price(prices: Mapping[str, Price], asset: str) -> Price:
    price = prices.get(asset)
    if price is None or price.usd <= 0:
        raise PlanRefused(
            "price-unknown",
            f"No USD price is known for {asset}, so no piece can be kept below the cap. "
            f"Give one: prices={{{asset!r}: Decimal(...)}}.",
            {"asset": asset},
        )
    return price


def _piece(number: int, step: Cut, left: Decimal, asset: str) -> Piece:
    if step.amount is None:
        reason = (
            "clears the whole debt, interest accrued meanwhile included"
            if number == 1
            else "the last one clears what is left, interest accrued meanwhile included"
        )
    elif step.pieces > 1:
        reason = f"one of {step.pieces + number - 1} equal parts, {to_text(left)} {asset} left after it"
    elif left > 0:
        reason = f"the rest of what was asked, {to_text(left)} {asset} stays owed"
    else:
        reason = "the rest of what was asked"
    return Piece(number, step.amount, step.expected, step.value_usd, reason)


def warn_if_short(
    request: Request, snapshot: Snapshot, prices: Mapping[str, Price], total: Decimal, reserve: Decimal
) -> list[str]:
    """Warn of payment assets without a known price; refuse if those with one cannot cover the repayment.

    Args:
        request: The debt to repay, and the payment assets.
        snapshot: The account now.
        prices: USD prices that are known, by asset.
        total: How much is to be repaid, in units of the asset.
        reserve: Share by which the payment assets must exceed it.

    Raises:
        PlanRefused: There is too little to pay with, or a price is missing.
    """
    asset = request.asset
    own = min(snapshot[asset].free, total)
    need_usd = (total - own) * prices[asset].usd * (1 + reserve)
    if need_usd <= 0:
        return []
    payers = [name for name in request.pay_with if name != asset and snapshot[name].free > 0]
    unpriced = [name for name in payers if name not in prices or prices[name].usd <= 0]
    have_usd = sum((snapshot[name].free * prices[name].usd for name in payers if name not in unpriced), ZERO)
    if have_usd >= need_usd:
        return [f"no USD price is known for {name}; it was counted as worth nothing" for name in unpriced]
    numbers = {
        "to_repay": to_text(total),
        "own_free": to_text(snapshot[asset].free),
        "need_usd": to_text(need_usd),
        "have_usd": to_text(have_usd),
        **{f"free_{name}": to_text(snapshot[name].free) for name in request.pay_with},
    }
    if unpriced:
        them = "it" if len(unpriced) == 1 else "them"
        raise PlanRefused(
            "price-unknown",
            f"No USD price is known for {', '.join(unpriced)}, and without {them} there is too little to pay "
            f"with: {money(have_usd)} of {money(need_usd)}. Give the price.",
            numbers,
        )
    held = ", ".join(f"{to_text(snapshot[name].free)} {name}" for name in (asset, *request.pay_with))
    advice = (
        "Add payment assets, move them into the cross-margin wallet, or repay less."
        if request.pay_with
        else "Name the assets that may pay (pay_with, --using): which assets pay if none is named is not published."
    )
    raise PlanRefused(
        "not-enough-to-pay",
        f"Not enough to pay: repaying {to_text(total)} {asset} needs {money(need_usd)} beyond the {asset} "
        f"held (a reserve of {to_text(reserve * 100)} % included), the payment assets are worth "
        f"{money(have_usd)}. Free: {held}. {advice}",
        numbers,
    )


def _warn_account(account_status: str) -> list[str]:
    if account_status == "NORMAL":
        return []
    return [f"the account status is {account_status}, not NORMAL"]


def _warn_dust(request: Request, left: Decimal, price: Price, dust_usd: Decimal) -> list[str]:
    if request.amount is None or left * price.usd >= dust_usd:
        return []
    if left > 0:
        rest = f"leaves {to_text(left)} {request.asset} ({money(left * price.usd)}) owed"
    else:
        rest = f"is the whole {request.asset} debt of this moment; interest that accrues meanwhile stays owed"
    return [f"the amount {rest}: leave the amount out to clear the debt"]
