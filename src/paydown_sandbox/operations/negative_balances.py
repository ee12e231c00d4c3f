"""Treat negative futures balances: automatic repayment, automatic exchange, and daily interest."""

from __future__ import annotations

from decimal import Decimal

from paydown_sandbox.books.exact_amounts import EXACT, divide_half_up, divide_up, exact_text, wire_text
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.books.records import Record
from paydown_sandbox.json_text import number
from paydown_sandbox.market_state import MarketState

__all__ = ["NegativeBalances"]

# The second automatic repayment lies within the two hours before the daily charge.
_AUTO_REPAY_HOURS = (11, 23)


class NegativeBalances:
    """The hourly treatment of negative futures balances.

    Args:
        market: Accounts, prices and books.
    """

    def __init__(self, market: MarketState) -> None:
        self._market = market

    def treat(self, account: Account, asset: str, hour: int, at_ms: int) -> bool:
        """Treat one negative balance at a full hour.

        At 11:00 and 23:00 UTC it is repaid from the free balance, if the account has that switched on; above its
        threshold it is covered by selling another asset; at 00:00 UTC the remaining negative balance costs the whole
        daily rate.

        Args:
            account: The account.
            asset: The asset whose futures balance is negative.
            hour: The hour of the day, UTC.
            at_ms: The full hour, milliseconds UTC.

        Returns:
            Whether anything changed.
        """
        holding = account.holding(asset)
        changed = False
        if account.auto_repay_futures and hour in _AUTO_REPAY_HOURS:
            changed = self._repay(account, asset, at_ms)
        threshold = self._market.world.negative_thresholds.get(asset)
        if threshold is not None and holding.negative > threshold:
            changed = self._cover(account, asset, threshold, at_ms) or changed
        if hour == 0 and holding.negative:
            changed = self._charge(account, asset, at_ms) or changed
        return changed

    def _repay(self, account: Account, asset: str, at_ms: int) -> bool:
        holding = account.holding(asset)
        amount = min(holding.free, holding.negative)
        if not amount:
            return False
        transfer = self._market.world.ledger.fill_negative(account, asset, amount, at_ms)
        self._market.book_by_itself(account, "autoRepay", asset, [transfer], at_ms)
        return True

    def _cover(self, account: Account, asset: str, threshold: Decimal, at_ms: int) -> bool:
        """Cover a negative balance above its threshold by selling the first asset that suffices."""
        market, ledger, prices = self._market, self._market.world.ledger, self._market.prices
        price = prices.get(asset)
        if not price:
            return False
        owed = account.holding(asset).negative
        cost = EXACT.multiply(owed, price)
        for name, payer in sorted(account.holdings.items()):
            other = prices.get(name)
            if name == asset or not other:
                continue
            units = divide_up(cost, other)
            if units > payer.free:
                continue
            transfers = ledger.convert(account, name, units, asset, owed, at_ms)
            transfers.append(ledger.fill_negative(account, asset, owed, at_ms))
            gain = EXACT.subtract(EXACT.multiply(units, other), cost)
            ledger.dust_usd = EXACT.add(ledger.dust_usd, gain)
            market.book_by_itself(account, "autoExchange", asset, transfers, at_ms)
            detail = {
                "asset": asset,
                "negativeBalance": number(owed),
                "negativeMaxThreshold": number(threshold),
            }
            row: dict[str, object] = {"startTime": at_ms, "endTime": at_ms, "details": [detail]}
            record_id = market.history.ids.next_charge()
            market.history.write_record(Record("negative-exchange", record_id, account.id, asset, at_ms, row))
            return True
        return False

    def _charge(self, account: Account, asset: str, at_ms: int) -> bool:
        market, settings = self._market, self._market.world.interest
        principal = account.holding(asset).negative
        rate = settings.negative_daily_rate
        charge = divide_half_up(EXACT.multiply(principal, rate), Decimal(1), settings.fraction_digits)
        if not charge:
            return False
        transfer = market.world.ledger.charge_negative(account, asset, charge, at_ms)
        market.book_by_itself(account, "negativeInterest", asset, [transfer], at_ms)
        row: dict[str, object] = {
            "asset": asset,
            "interest": wire_text(charge),
            "interestAccuredTime": at_ms,
            "interestRate": exact_text(rate),
            "principal": exact_text(principal),
        }
        record_id = market.history.ids.next_charge()
        market.history.write_record(Record("negative-interest", record_id, account.id, asset, at_ms, row))
        return True
