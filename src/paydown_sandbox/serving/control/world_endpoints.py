"""Serve the world in the control API: the state document, prices and positions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from paydown_sandbox.books.exact_amounts import exact_text
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.serving.control.clock_endpoints import clock_json, move_clock
from paydown_sandbox.serving.control.control_requests import RequestBodies
from paydown_sandbox.state.state_reader import POSITION_FIELDS, asset_name, read_world
from paydown_sandbox.state.state_writer import books_of, dump_records, dump_world
from paydown_sandbox.state.strict_json import Reader, StateError

__all__ = ["WorldEndpoints"]


class WorldEndpoints:
    """Serve /_sandbox/state, /_sandbox/prices and /_sandbox/balances.

    Args:
        exchange: The sandbox that is read and changed.
        bodies: Reads the bodies of requests.
        durable: Waits until every change so far is in the file of `--data`, if there is one.
    """

    def __init__(
        self, exchange: Exchange, bodies: RequestBodies, durable: Callable[[], Awaitable[None]]
    ) -> None:
        self._exchange = exchange
        self._bodies = bodies
        self._durable = durable

    async def get_state(self, request: Request) -> Response:
        """Show the state document, from which another sandbox gets the same world."""
        exchange = self._exchange
        return JSONResponse(
            {
                **dump_world(exchange.world),
                "records": dump_records(exchange.records),
                "clock": clock_json(exchange),
                "books": books_of(exchange.world.ledger),
            }
        )

    async def put_state(self, request: Request) -> Response:
        """Replace the world. Ledger, requests, faults, budgets and bans start over; the clock goes on."""
        document = await self._bodies.read(request)
        exchange = self._exchange
        world = read_world(document, exchange.option_catalogue)
        clock = dict(Reader(document).entries()).get("clock")
        if clock is not None:
            move_clock(exchange, clock, state=True)
        exchange.install(world)
        await self._durable()
        return JSONResponse({"accounts": len(world.ledger.accounts)})

    async def get_prices(self, request: Request) -> Response:
        """Show the current prices, USD per unit."""
        return JSONResponse(
            {name: exact_text(price) for name, price in self._exchange.world.prices.usd.items()}
        )

    async def post_prices(self, request: Request) -> Response:
        """Set some prices: `{"BNB": "590"}`. The others stay."""
        entries = Reader(await self._bodies.read(request)).entries()
        prices = {asset_name(name, child): child.amount() for name, child in entries}
        for name, price in prices.items():
            if not price:
                raise StateError(name, "a price is above zero")
        self._exchange.set_prices(prices)
        await self._durable()
        return await self.get_prices(request)

    async def post_balances(self, request: Request) -> Response:
        """Set parts of one position: `{"account": "demo", "asset": "BNB", "borrowed": "0.5"}`."""
        members = Reader(await self._bodies.read(request)).members("account", "asset", *POSITION_FIELDS)
        for name in ("account", "asset"):
            if name not in members:
                raise StateError(name, "is missing")
        amounts = {name: members[name].amount() for name in POSITION_FIELDS if name in members}
        account, asset = members["account"].text(100), members["asset"]
        if account not in self._exchange.world.ledger.accounts:
            raise members["account"].fail("no such account")
        self._exchange.set_position(account, asset_name(asset.text(32), asset), amounts)
        await self._durable()
        return JSONResponse({name: exact_text(amount) for name, amount in amounts.items()})
