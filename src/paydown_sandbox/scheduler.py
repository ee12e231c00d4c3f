"""The actions of the sandbox as the clock moves: interest, scripted prices, automatic repayment, expiring keys.

    every full hour   a 24th of the daily rate on the principal of every margin debt, PERIODIC
    00:00 UTC         the whole daily rate on every negative futures balance
    11:00, 23:00 UTC  automatic repayment of negative futures balances, where the account has it on
    each moment of a scripted price path, and the end of each listen key
    the entries of the agenda: repayments under way, rows to be listed, debts to rise

Choices move the hourly charge and change its rate and its asset (see `interest_schedule`).

Actions that fall due together are executed in time order, so that a jump of a month gives the same books as a month of
waiting.
"""

from __future__ import annotations

from paydown_sandbox.behaviour.agenda import NEVER
from paydown_sandbox.behaviour.behaviour import Behaviour
from paydown_sandbox.market_state import MarketState
from paydown_sandbox.operations.negative_balances import NegativeBalances

__all__ = ["Scheduler"]

_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000


class Scheduler:
    """Execute everything that has fallen due, in time order.

    Args:
        market: Accounts, prices, books and the agenda.
        now_ms: From when on, milliseconds UTC; what lies before has never been due.

    Attributes:
        next_hour_ms: The next full hour, milliseconds UTC.
    """

    def __init__(self, market: MarketState, now_ms: int) -> None:
        self._market = market
        self._agenda = market.agenda
        self._negative_balances = NegativeBalances(market)
        self._planned_ms = 0
        self.next_hour_ms = now_ms - now_ms % _HOUR_MS + _HOUR_MS

    def replan(self) -> None:
        """Calculate the next due time anew, because the hour, the agenda or a schedule has changed."""
        self._planned_ms = 0

    def is_due(self, now_ms: int) -> bool:
        """Return whether anything may be due at `now_ms` (milliseconds UTC); cheap enough for every request."""
        return now_ms >= self._planned_ms or now_ms >= self._agenda.next_ms

    def run(self, behaviour: Behaviour, now_ms: int) -> None:
        """Execute everything that is due, in time order.

        Args:
            behaviour: Executes the entries of the agenda and charges interest.
            now_ms: Now, milliseconds UTC.
        """
        market = self._market
        while (at_ms := self._next_ms(behaviour)) <= now_ms:
            if market.world.prices.advance(at_ms):
                market.changes.world = True
                market.events.prices_moved(at_ms)
            market.streams.expire(at_ms)
            behaviour.run_agenda(at_ms)
            schedule = behaviour.interest.schedule
            if schedule is not None and schedule.next_ms <= at_ms:
                behaviour.interest.charge_everyone(at_ms)
                schedule.plan_next()
            if at_ms >= self.next_hour_ms:
                self._hour(behaviour, self.next_hour_ms)
                self.next_hour_ms += _HOUR_MS
        self._planned_ms = at_ms

    def _next_ms(self, behaviour: Behaviour) -> int:
        market, schedule = self._market, behaviour.interest.schedule
        return min(
            self.next_hour_ms,
            market.world.prices.next_change_ms() or NEVER,
            market.streams.next_expiry_ms() or NEVER,
            self._agenda.next_ms,
            NEVER if schedule is None else schedule.next_ms,
        )

    def _hour(self, behaviour: Behaviour, at_ms: int) -> None:
        interest = behaviour.interest
        hour = at_ms % _DAY_MS // _HOUR_MS
        changed = False
        for account in self._market.world.ledger.accounts.values():
            for asset, holding in list(account.holdings.items()):
                if interest.schedule is None and holding.borrowed:
                    changed = interest.charge(account, asset, at_ms, "PERIODIC") or changed
                if holding.negative:
                    changed = self._negative_balances.treat(account, asset, hour, at_ms) or changed
        if changed:
            self._market.events.prices_moved(at_ms)
