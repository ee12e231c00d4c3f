"""The budgets that calls are charged to: weight per address, hard caps per page, and orders per account."""

from __future__ import annotations

from collections.abc import Iterable

from paydown_sandbox.books.ledger import Account
from paydown_sandbox.bundled_document import Document, OperationFacts
from paydown_sandbox.checks.rate_limits import Charge, IpGate, Standing, Window
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.operations.answers import Headers
from paydown_sandbox.operations.routes import Route, Routes, header_name
from paydown_sandbox.request_log import RequestRecord
from paydown_sandbox.state.world import World

__all__ = ["Budgets"]


class Budgets:
    """All budgets of one world.

    Args:
        world: Its limits give the sizes, its options the meaning of the weight of repay-debt.
        document: Names the header of the order budget.
    """

    def __init__(self, world: World, document: Document) -> None:
        self._world = world
        self._order_header = header_name(document, "orders")
        self._order_windows: dict[str, Window] = {}
        self._by_operation: dict[str, Route] = {}
        self._gates: dict[str, IpGate] = {}

    def follow(self, routes: Routes, shared: IpGate) -> None:
        """Charge the weight budgets of new routes from here on, and read the options.

        Args:
            routes: The routes, by path and method.
            shared: The weight budget that most routes share.
        """
        self._by_operation = {
            route.facts.id: route for methods in routes.values() for route in methods.values()
        }
        self._gates = {shared.name: shared}
        for route in self._by_operation.values():
            self._gates[route.gate.name] = route.gate
        options = self._world.options
        self._weight_as_order = options.is_set("repay-weight-scope", "order")
        self._counts_orders = (
            self._weight_as_order
            or options.is_set("repay-counts-as-order", "true")
            or options.is_set("repay-weight-scope", "orders")
        )

    def count(
        self, route: Route, account: Account, record: RequestRecord, headers: Headers, now_ms: int
    ) -> None:
        """Count a call of an account that passed every check towards the caps of its page and the order budget.

        Args:
            route: The route of the call.
            account: The account of the key.
            record: The request in the log; it shows what was counted.
            headers: Gets the header that shows the used orders.
            now_ms: Now, milliseconds UTC.

        Raises:
            Refusal: A budget is spent. Nothing was counted towards it.
        """
        if route.facts.rate_caps:
            self._count_towards_caps(route, account, record, now_ms)
        if self._counts_orders and route.facts.id == "repayDebt":
            self._count_order(account, route.facts, record, headers, now_ms)

    def _count_towards_caps(self, route: Route, account: Account, record: RequestRecord, now_ms: int) -> None:
        windows: list[Window] = []
        for name, limit, interval_ms in route.facts.rate_caps:
            window = _cap_window(route, account.id + name, interval_ms)
            if window.used(now_ms) + 1 > limit:
                raise Refusal(-1003, status=429, limit=limit, reason=f"more than {limit} calls: {name}")
            windows.append(window)
        for window in windows:
            window.add(now_ms, 1)
        record.capped = True

    def _count_order(
        self, account: Account, facts: OperationFacts, record: RequestRecord, headers: Headers, now_ms: int
    ) -> None:
        limits = self._world.limits
        window = self._order_window(account.id)
        cost, limit = 1, limits.orders_per_minute
        if self._weight_as_order:
            # The documented weight of one repayment is larger than the whole order budget, so "Order" cannot be meant
            # literally. It is counted per account against the budget that the weight would have been counted against.
            cost, limit = facts.weight, limits.weight_per_minute
        if window.used(now_ms) + cost > limit:
            raise Refusal(-1015, limit=limit, reason="the order budget is spent")
        record.orders = cost
        headers.append((self._order_header, b"%d" % window.add(now_ms, cost)))

    def _order_window(self, account: str) -> Window:
        window = self._order_windows.get(account)
        if window is None:
            window = self._order_windows[account] = Window(fixed=self._world.limits.fixed_window)
        return window

    # ---------------------------------------------------------- storing and restoring

    def standings(self) -> list[Standing]:
        """Return the addresses that a weight budget refused or banned since the last call of this method."""
        return [standing for gate in self._gates.values() if gate.changed for standing in gate.standings()]

    def longest_cap_ms(self) -> int:
        """Return the interval of the longest hard cap, in milliseconds."""
        caps = [cap[2] for route in self._by_operation.values() for cap in route.facts.rate_caps]
        return max(caps, default=0)

    def restore(self, standings: Iterable[Standing], charges: Iterable[Charge]) -> None:
        """Restore budgets and bans of an earlier process.

        Args:
            standings: The addresses that were refused or banned.
            charges: The weights charged to requests, in the order of their times.
        """
        for standing in standings:
            gate = self._gates.get(standing.pool)
            if gate is not None:
                gate.restore(standing)
        for charge in charges:
            route = self._by_operation.get(charge.operation)
            if route is None:
                continue
            if charge.weight:
                route.gate.spent(charge.ip, charge.weight, charge.time_ms)
            if charge.account is None:
                continue
            if charge.orders:
                self._order_window(charge.account).add(charge.time_ms, charge.orders)
            for name, _, interval_ms in route.facts.rate_caps if charge.capped else ():
                _cap_window(route, charge.account + name, interval_ms).add(charge.time_ms, charge.capped)


def _cap_window(route: Route, name: str, interval_ms: int) -> Window:
    window = route.rate_windows.get(name)
    if window is None:
        window = route.rate_windows[name] = Window(interval_ms)
    return window
