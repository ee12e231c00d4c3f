# Written by `make generate` from openapi/paths/ and generator/templates/client_resources.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Give clients a property per resource, each loaded when it is first used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paydown_wire import resources
    from paydown_wire.operation import AsyncSender, Sender


class ClientResources:
    """Add the resources to a blocking client, which sends the calls."""

    @cached_property
    def market(self: Sender) -> resources.MarketResource:
        """Reachability, the exchange's clock, index prices."""
        from paydown_wire.resources.market import MarketResource

        return MarketResource(self)

    @cached_property
    def account(self: Sender) -> resources.AccountResource:
        """What the account holds and owes."""
        from paydown_wire.resources.account import AccountResource

        return AccountResource(self)

    @cached_property
    def margin(self: Sender) -> resources.MarginResource:
        """Borrowing and repaying margin debt, and the ceilings of both."""
        from paydown_wire.resources.margin import MarginResource

        return MarginResource(self)

    @cached_property
    def records(self: Sender) -> resources.RecordsResource:
        """What was borrowed, repaid and charged."""
        from paydown_wire.resources.records import RecordsResource

        return RecordsResource(self)

    @cached_property
    def futures_debt(self: Sender) -> resources.FuturesDebtResource:
        """Negative futures balances: a different debt, which repay-debt does not cover."""
        from paydown_wire.resources.futures_debt import FuturesDebtResource

        return FuturesDebtResource(self)

    @cached_property
    def stream(self: Sender) -> resources.StreamResource:
        """The key that opens the user data stream."""
        from paydown_wire.resources.stream import StreamResource

        return StreamResource(self)


class AsyncClientResources:
    """Add the resources to an awaited client, which sends the calls."""

    @cached_property
    def market(self: AsyncSender) -> resources.AsyncMarketResource:
        """Reachability, the exchange's clock, index prices."""
        from paydown_wire.resources.market import AsyncMarketResource

        return AsyncMarketResource(self)

    @cached_property
    def account(self: AsyncSender) -> resources.AsyncAccountResource:
        """What the account holds and owes."""
        from paydown_wire.resources.account import AsyncAccountResource

        return AsyncAccountResource(self)

    @cached_property
    def margin(self: AsyncSender) -> resources.AsyncMarginResource:
        """Borrowing and repaying margin debt, and the ceilings of both."""
        from paydown_wire.resources.margin import AsyncMarginResource

        return AsyncMarginResource(self)

    @cached_property
    def records(self: AsyncSender) -> resources.AsyncRecordsResource:
        """What was borrowed, repaid and charged."""
        from paydown_wire.resources.records import AsyncRecordsResource

        return AsyncRecordsResource(self)

    @cached_property
    def futures_debt(self: AsyncSender) -> resources.AsyncFuturesDebtResource:
        """Negative futures balances: a different debt, which repay-debt does not cover."""
        from paydown_wire.resources.futures_debt import AsyncFuturesDebtResource

        return AsyncFuturesDebtResource(self)

    @cached_property
    def stream(self: AsyncSender) -> resources.AsyncStreamResource:
        """The key that opens the user data stream."""
        from paydown_wire.resources.stream import AsyncStreamResource

        return AsyncStreamResource(self)
