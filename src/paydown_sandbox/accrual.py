"""What happens by itself as the clock moves: interest, scripted prices, automatic repayment, expiring keys.

    every full hour   a 24th of the daily rate on the principal of every margin debt, PERIODIC
    00:00 UTC         the whole daily rate on every negative futures balance
    11:00, 23:00 UTC  automatic repayment of negative futures balances, where the account has it on; the
                      second one lies within the two hours before the daily charge
    each moment of a scripted price path, and the end of each listen key

Things that fall due together happen in time order, so that a jump of a month gives the same books as a
month of waiting.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from paydown_sandbox.amounts import EXACT, ZERO, divide_half_up, divide_up, exact_text, wire_text
from paydown_sandbox.json_text import number
from paydown_sandbox.ledger import Account
from paydown_sandbox.records import Record

if TYPE_CHECKING:
    from paydown_sandbox.exchange import Exchange

__all__ = ["Accrual", "charge_interest"]

_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000
_AUTO_REPAY_HOURS = (11, 23)
_HOURS_PER_DAY = Decimal(24)
_NEVER = 1 << 62


def charge_interest(
    exchange: Exchange, account: Account, asset: str, at_ms: int, kind: str, *, on: Decimal | None = None
) -> Decimal:
    """Charge one hour of interest on a debt, or on the part `on` of it; zero if it rounds to nothing."""
    settings = exchange.world.interest
    holding = account.holding(asset)
    daily = settings.daily(asset)
    principal = holding.borrowed if on is None else on
    charge = divide_half_up(EXACT.multiply(principal, daily), _HOURS_PER_DAY, settings.fraction_digits)
    if not charge:
        return ZERO
    exchange.world.ledger.charge(account, asset, charge, at_ms)
    interest_id = exchange.next_interest()
    exchange.write_record(
        Record(
            "interest",
            interest_id,
            account.id,
            asset,
            at_ms,
            {
                "txId": interest_id,
                "interestAccuredTime": at_ms,
                "asset": asset,
                "rawAsset": asset,
                "principal": exact_text(principal),
                "interest": wire_text(charge),
                "interestRate": exact_text(daily),
                "type": kind,
            },
        )
    )
    exchange.liability_changed(account, asset, "INTEREST", interest_id, ZERO, charge, at_ms)
    return charge


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
        self.next_due_ms = min(
            self.next_hour_ms,
            exchange.world.prices.next_change_ms() or _NEVER,
            exchange.streams.next_expiry_ms() or _NEVER,
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
            if at_ms >= self.next_hour_ms:
                changed = self._hour(self.next_hour_ms) or changed
                self.next_hour_ms += _HOUR_MS
            self.plan()
        return changed

    def _hour(self, at_ms: int) -> bool:
        exchange = self._exchange
        changed = False
        hour = at_ms % _DAY_MS // _HOUR_MS
        for account in exchange.world.ledger.accounts.values():
            for asset, holding in list(account.holdings.items()):
                if holding.borrowed and charge_interest(exchange, account, asset, at_ms, "PERIODIC"):
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
