"""Charge interest on margin debt: its amount, its asset, and the records and events that a charge leaves."""

from __future__ import annotations

from decimal import Decimal

from paydown_sandbox.behaviour.interest_schedule import InterestSchedule
from paydown_sandbox.books.exact_amounts import (
    EXACT,
    ZERO,
    divide_down,
    divide_half_up,
    divide_up,
    exact_text,
)
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.books.records import Record
from paydown_sandbox.market_state import MarketState

__all__ = ["Interest"]

_HOUR_MS = 3_600_000
_HOURS_PER_DAY = Decimal(24)
_SECONDS_PER_DAY = Decimal(86_400)


class Interest:
    """Interest on margin debt, by the rates of the state document or by a schedule that choices call for.

    Args:
        market: Accounts, prices and books.
        schedule: The chosen schedule; without one every full hour costs a 24th of the daily rate.
    """

    def __init__(self, market: MarketState, schedule: InterestSchedule | None) -> None:
        self._market = market
        self.schedule = schedule

    def _daily(self, asset: str) -> Decimal:
        chosen = None if self.schedule is None else self.schedule.rate
        return chosen or self._market.world.interest.daily(asset)

    def charge(
        self, account: Account, asset: str, at_ms: int, kind: str, *, principal: Decimal | None = None
    ) -> bool:
        """Charge one period of interest; a charge that rounds to zero writes nothing.

        Args:
            account: The account that owes.
            asset: The owed asset.
            at_ms: The moment of the charge, milliseconds UTC.
            kind: The type that the record names, such as "PERIODIC".
            principal: The part of the debt that is charged; the whole principal if absent.

        Returns:
            Whether anything was charged.
        """
        market, schedule, settings = self._market, self.schedule, self._market.world.interest
        if principal is None:
            principal = account.holding(asset).borrowed
        daily = self._daily(asset)
        per_day = _HOURS_PER_DAY if schedule is None else schedule.per_day
        paid_in = "owed" if schedule is None else schedule.paid_in
        charge = divide_half_up(EXACT.multiply(principal, daily), per_day, settings.fraction_digits)
        if not charge:
            return False
        paid_asset, shown = asset, charge
        in_bnb = self._in_bnb(account, asset, charge) if paid_in == "BNB" and asset != "BNB" else None
        if in_bnb is not None:
            paid_asset, shown, kind = "BNB", in_bnb, f"{kind}_CONVERTED"
            transfer = market.world.ledger.hand_over(account, "BNB", in_bnb, "pool", at_ms)
            market.book_by_itself(account, "interest", "BNB", [transfer], at_ms)
        else:
            market.world.ledger.charge(account, asset, charge, at_ms, to_principal=paid_in == "principal")
        interest_id = market.history.ids.next_charge()
        row: dict[str, object] = {
            "txId": interest_id,
            "interestAccuredTime": at_ms,
            "asset": paid_asset,
            "rawAsset": asset,
            "principal": exact_text(principal),
            "interest": market.history.form.text(shown),
            "interestRate": exact_text(daily),
            "type": kind,
        }
        market.history.write_record(Record("interest", interest_id, account.id, asset, at_ms, row))
        if in_bnb is None:
            market.events.liability_changed(account, asset, "INTEREST", interest_id, ZERO, charge, at_ms)
        else:
            market.events.balances_changed(account, {"BNB": -in_bnb}, at_ms)
        return True

    def charge_everyone(self, at_ms: int) -> bool:
        """Charge every margin debt for one period that ended at `at_ms` (ms UTC); return whether any was charged."""
        charged = False
        for account in self._market.world.ledger.accounts.values():
            for asset, holding in list(account.holdings.items()):
                if holding.borrowed and self.charge(account, asset, at_ms, "PERIODIC"):
                    charged = True
        return charged

    def charge_loan(self, account: Account, asset: str, borrowed: Decimal, at_ms: int) -> None:
        """Charge the first interest of a loan, at once, soon, or not before the next full period.

        Args:
            account: The account that borrowed.
            asset: The borrowed asset.
            borrowed: How much, in units of the asset.
            at_ms: The moment of the loan, milliseconds UTC.
        """
        if not self._market.world.interest.on_borrow:
            return
        schedule = self.schedule
        if schedule is None or schedule.on_borrow == "at-once":
            self.charge(account, asset, at_ms, "ON_BORROW", principal=borrowed)
        elif schedule.on_borrow == "soon":
            details = [account.id, asset, exact_text(borrowed)]
            self._market.agenda.add(at_ms + schedule.soon(), "interest", details)

    def accrued(self, asset: str, principal: Decimal, at_ms: int) -> Decimal:
        """Return the interest accrued since the last full period and not charged yet, in units of the asset.

        Args:
            asset: The owed asset.
            principal: The principal owed.
            at_ms: The moment, milliseconds UTC.
        """
        period_ms = _HOUR_MS
        if self.schedule is not None:
            if self.schedule.never:
                return ZERO
            period_ms = self.schedule.period_ms
        seconds = at_ms % period_ms // 1000
        daily_interest = EXACT.multiply(principal, self._daily(asset))
        return divide_down(EXACT.multiply(daily_interest, Decimal(seconds)), _SECONDS_PER_DAY)

    def _in_bnb(self, account: Account, asset: str, charge: Decimal) -> Decimal | None:
        """Return the BNB that a charge costs; `None` if there is no price or not enough BNB is free."""
        price, bnb = self._market.prices.get(asset), self._market.prices.get("BNB")
        if not price or not bnb:
            return None
        units = divide_up(EXACT.multiply(charge, price), bnb)
        held = account.holdings.get("BNB")
        return units if held is not None and units <= held.free else None
