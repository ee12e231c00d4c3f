"""What happens by itself as the clock moves: interest, scripted prices, automatic repayment, expiring keys.

    every full hour   a 24th of the daily rate on the principal of every margin debt, PERIODIC
    00:00 UTC         the whole daily rate on every negative futures balance
    11:00, 23:00 UTC  automatic repayment of negative futures balances, where the account has it on; the
                      second one lies within the two hours before the daily charge
    each moment of a scripted price path, and the end of each listen key
    what was noted in the agenda: repayments under way, rows to be listed, debts to rise

Choices move the hourly charge and change its rate and its asset (see `charges`).

Things that fall due together happen in time order, so that a jump of a month gives the same books as a
month of waiting.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from paydown_sandbox.books.exact_amounts import (
    EXACT,
    ZERO,
    divide_down,
    divide_half_up,
    divide_up,
    exact_text,
    wire_text,
)
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.books.records import Record
from paydown_sandbox.json_text import number

if TYPE_CHECKING:
    from paydown_sandbox.exchange import Exchange

__all__ = ["Accrual", "accrued_interest", "charge_interest", "first_interest"]

_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000
_AUTO_REPAY_HOURS = (11, 23)
_HOURS_PER_DAY = Decimal(24)
_NEVER = 1 << 62


def charge_interest(
    exchange: Exchange, account: Account, asset: str, at_ms: int, kind: str, *, on: Decimal | None = None
) -> Decimal:
    """Charge one period of interest on a debt, or on the part `on` of it; zero if it rounds to nothing."""
    settings, charges = exchange.world.interest, exchange.conduct.charges
    holding = account.holding(asset)
    daily, per_day, paid_in = settings.daily(asset), _HOURS_PER_DAY, "owed"
    if charges is not None:
        daily, per_day, paid_in = charges.rate or daily, charges.per_day, charges.paid_in
    principal = holding.borrowed if on is None else on
    charge = divide_half_up(EXACT.multiply(principal, daily), per_day, settings.fraction_digits)
    if not charge:
        return ZERO
    paid_asset, shown = asset, charge
    in_bnb = _in_bnb(exchange, account, asset, charge) if paid_in == "BNB" and asset != "BNB" else None
    if in_bnb is not None:
        paid_asset, shown, kind = "BNB", in_bnb, f"{kind}_CONVERTED"
        transfer = exchange.world.ledger.hand_over(account, "BNB", in_bnb, "pool", at_ms)
        exchange.book_by_itself(account, "interest", "BNB", [transfer], at_ms)
    else:
        exchange.world.ledger.charge(account, asset, charge, at_ms, to_principal=paid_in == "principal")
    interest_id = exchange.next_interest()
    row: dict[str, object] = {
        "txId": interest_id,
        "interestAccuredTime": at_ms,
        "asset": paid_asset,
        "rawAsset": asset,
        "principal": exact_text(principal),
        "interest": exchange.row_text(shown),
        "interestRate": exact_text(daily),
        "type": kind,
    }
    exchange.write_record(Record("interest", interest_id, account.id, asset, at_ms, row))
    if in_bnb is None:
        exchange.liability_changed(account, asset, "INTEREST", interest_id, ZERO, charge, at_ms)
    else:
        exchange.balances_changed(account, [("BNB", -in_bnb)], at_ms)
    return charge


def _in_bnb(exchange: Exchange, account: Account, asset: str, charge: Decimal) -> Decimal | None:
    """What a charge costs in BNB; `None` if there is no price or not enough of it is free."""
    prices = exchange.world.prices.usd
    price, bnb = prices.get(asset), prices.get("BNB")
    if not price or not bnb:
        return None
    units = divide_up(EXACT.multiply(charge, price), bnb)
    held = account.holdings.get("BNB")
    return units if held is not None and units <= held.free else None


def first_interest(exchange: Exchange, account: Account, asset: str, at_ms: int, borrowed: Decimal) -> None:
    """Charge the first interest of a loan, if and when it is charged by itself."""
    charges = exchange.conduct.charges
    if not exchange.world.interest.on_borrow:
        return
    if charges is None or charges.on_borrow == "at-once":
        charge_interest(exchange, account, asset, at_ms, "ON_BORROW", on=borrowed)
    elif charges.on_borrow == "soon":
        exchange.conduct.note(at_ms + charges.soon(), "interest", [account.id, asset, exact_text(borrowed)])


def accrued_interest(exchange: Exchange, asset: str, principal: Decimal, moment_ms: int) -> Decimal:
    """What has accrued on a principal since the last full period, and is not charged yet."""
    settings, charges = exchange.world.interest, exchange.conduct.charges
    daily, period_ms = settings.daily(asset), _HOUR_MS
    if charges is not None:
        daily, period_ms = charges.rate or daily, charges.period_ms
        if charges.never:
            return ZERO
    seconds = moment_ms % period_ms // 1000
    return divide_down(EXACT.multiply(EXACT.multiply(principal, daily), Decimal(seconds)), Decimal(86_400))


class Accrual:
    """Runs what has fallen due.

    Args:
        exchange: Whose books.
        now_ms: From when on; what lies before has never been due.
    """

    def __init__(self, exchange: Exchange, now_ms: int) -> None:
        self._exchange = exchange
        self.next_hour_ms = now_ms - now_ms % _HOUR_MS + _HOUR_MS
        self.next_due_ms = 0

    def plan(self) -> None:
        """Work out when something will be due next."""
        exchange = self._exchange
        charges = exchange.conduct.charges
        self.next_due_ms = min(
            self.next_hour_ms,
            exchange.world.prices.next_change_ms() or _NEVER,
            exchange.streams.next_expiry_ms() or _NEVER,
            exchange.conduct.agenda.next_ms or _NEVER,
            _NEVER if charges is None else charges.next_ms or _NEVER,
        )

    def run(self, now_ms: int) -> bool:
        """Do everything that is due at `now_ms`, in time order; true if anything changed."""
        changed = False
        self.plan()
        while self.next_due_ms <= now_ms:
            at_ms = self.next_due_ms
            moved = self._exchange.world.prices.advance(at_ms)
            if moved:
                changed = True
                self._exchange.changes.world = True
                self._exchange.prices_moved(at_ms)
            self._exchange.streams.expire(at_ms)
            changed = self._exchange.conduct.run(at_ms) or changed
            changed = self._charge_by_choice(at_ms) or changed
            if at_ms >= self.next_hour_ms:
                changed = self._hour(self.next_hour_ms) or changed
                self.next_hour_ms += _HOUR_MS
            self.plan()
        return changed

    def _charge_by_choice(self, at_ms: int) -> bool:
        """Charge interest where a choice says when; where none does, the hour does it."""
        exchange = self._exchange
        charges = exchange.conduct.charges
        if charges is None or charges.next_ms is None or charges.next_ms > at_ms:
            return False
        changed = False
        for account in exchange.world.ledger.accounts.values():
            for asset, holding in list(account.holdings.items()):
                if holding.borrowed and charge_interest(exchange, account, asset, at_ms, "PERIODIC"):
                    changed = True
        charges.plan_next()
        return changed

    def _hour(self, at_ms: int) -> bool:
        exchange = self._exchange
        changed = False
        hour = at_ms % _DAY_MS // _HOUR_MS
        by_hour = exchange.conduct.charges is None
        for account in exchange.world.ledger.accounts.values():
            for asset, holding in list(account.holdings.items()):
                if (
                    by_hour
                    and holding.borrowed
                    and charge_interest(exchange, account, asset, at_ms, "PERIODIC")
                ):
                    changed = True
                if not holding.negative:
                    continue
                if account.auto_repay_futures and hour in _AUTO_REPAY_HOURS:
                    changed = self._auto_repay(account, asset, at_ms) or changed
                threshold = exchange.world.negative_thresholds.get(asset)
                if threshold is not None and holding.negative > threshold:
                    changed = self._auto_exchange(account, asset, threshold, at_ms) or changed
                if hour == 0 and holding.negative:
                    changed = self._charge_negative(account, asset, at_ms) or changed
        if changed:
            exchange.prices_moved(at_ms)
        return changed

    def _auto_repay(self, account: Account, asset: str, at_ms: int) -> bool:
        holding = account.holding(asset)
        amount = min(holding.free, holding.negative)
        if not amount:
            return False
        transfer = self._exchange.world.ledger.fill_negative(account, asset, amount, at_ms)
        self._exchange.book_by_itself(account, "autoRepay", asset, [transfer], at_ms)
        return True

    def _auto_exchange(self, account: Account, asset: str, threshold: Decimal, at_ms: int) -> bool:
        """Cover a negative balance above its threshold by selling what the account holds most of."""
        exchange = self._exchange
        world = exchange.world
        price = world.prices.usd.get(asset)
        if not price:
            return False
        owed = account.holding(asset).negative
        cost = EXACT.multiply(owed, price)
        for name, payer in sorted(account.holdings.items()):
            other = world.prices.usd.get(name)
            if name == asset or not other:
                continue
            units = divide_up(cost, other)
            if units > payer.free:
                continue
            transfers = world.ledger.convert(account, name, units, asset, owed, at_ms)
            transfers.append(world.ledger.fill_negative(account, asset, owed, at_ms))
            gain = EXACT.subtract(EXACT.multiply(units, other), cost)
            world.ledger.dust_usd = EXACT.add(world.ledger.dust_usd, gain)
            exchange.book_by_itself(account, "autoExchange", asset, transfers, at_ms)
            detail = {
                "asset": asset,
                "negativeBalance": number(owed),
                "negativeMaxThreshold": number(threshold),
            }
            exchange.write_record(
                Record(
                    "negative-exchange",
                    exchange.next_interest(),
                    account.id,
                    asset,
                    at_ms,
                    {"startTime": at_ms, "endTime": at_ms, "details": [detail]},
                )
            )
            return True
        return False

    def _charge_negative(self, account: Account, asset: str, at_ms: int) -> bool:
        exchange = self._exchange
        rate = exchange.world.interest.negative_daily_rate
        holding = account.holding(asset)
        principal = holding.negative
        charge = divide_half_up(
            EXACT.multiply(principal, rate), Decimal(1), exchange.world.interest.fraction_digits
        )
        if not charge:
            return False
        transfer = exchange.world.ledger.charge_negative(account, asset, charge, at_ms)
        exchange.book_by_itself(account, "negativeInterest", asset, [transfer], at_ms)
        exchange.write_record(
            Record(
                "negative-interest",
                exchange.next_interest(),
                account.id,
                asset,
                at_ms,
                {
                    "asset": asset,
                    "interest": wire_text(charge),
                    "interestAccuredTime": at_ms,
                    "interestRate": exact_text(rate),
                    "principal": exact_text(principal),
                },
            )
        )
        return True
