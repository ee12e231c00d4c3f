"""The control API under /_sandbox/: look at the exchange and change it, all in JSON.

    GET|PUT     /_sandbox/state      what the world is; PUT replaces it and forgets everything else
    GET         /_sandbox/ledger     what was executed
    GET|DELETE  /_sandbox/requests   what arrived, and the verdict
    GET|POST|DELETE /_sandbox/faults what goes wrong on purpose
    GET|POST    /_sandbox/clock      what time it is
    GET|POST    /_sandbox/prices     index prices, USD per unit
    POST        /_sandbox/balances   one position of one account, without replacing the world
    GET|POST    /_sandbox/scenarios  faults that play out over time, by name or as a document
    DELETE      /_sandbox/streams    drop every websocket
    GET         /_sandbox/options    every choice there is, and what stands chosen
    GET         /_sandbox/unknowns   "What this double does not know", Markdown
    GET         /_sandbox/openapi.json   this API as an OpenAPI document

Errors are `{"error": {"path": ..., "reason": ...}}` with status 400, and nothing was changed. With 507 the disk
took no more: what was asked for is lost, and the sandbox stops.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from paydown_sandbox.assumptions_page import unknowns_page
from paydown_sandbox.books.exact_amounts import exact_text
from paydown_sandbox.books.ledger_line import LedgerLine
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.faults.scenario import bundled_scenarios, find_scenario, read_scenario, start_scenario
from paydown_sandbox.serving.store import StoreError
from paydown_sandbox.state.state_reader import POSITION_FIELDS, asset_name, read_world
from paydown_sandbox.state.state_writer import books_of, dump_records, dump_world
from paydown_sandbox.state.strict_json import Reader, StateError, parse_json

if TYPE_CHECKING:
    from paydown_sandbox.serving.asgi import Committer
    from paydown_sandbox.serving.websocket import StreamServer

__all__ = ["LARGEST_CONTROL_BODY", "control_application", "ledger_json"]

LARGEST_CONTROL_BODY = 16 * 1024 * 1024
# Of all bodies that are arriving: many clients that send slowly shall not fill the memory together.
_MOST_ARRIVING = 4 * LARGEST_CONTROL_BODY
_WHOLE = re.compile("[0-9]{1,19}")  # Python converts no text of thousands of digits

Endpoint = Callable[[Request], Awaitable[Response]]


class _TooLarge(Exception):
    pass


class _TooMuchAtOnce(Exception):
    pass


def ledger_json(line: LedgerLine) -> dict[str, object]:
    """One ledger line as `GET /_sandbox/ledger` shows it. Amounts are exact decimal texts."""
    return {
        "id": line.id,
        "time": line.time_ms,
        "account": line.account,
        "operation": line.operation,
        "asset": line.asset,
        "interest_repaid": exact_text(line.interest),
        "principal_repaid": exact_text(line.principal),
        "transfers": [
            {"asset": t.asset, "amount": exact_text(t.amount), "from": t.source, "to": t.target}
            for t in line.transfers
        ],
        "tran_id": line.tran_id,
        "request": line.request,
    }


def _error(path: str, reason: str, status: int = 400) -> JSONResponse:
    shown = path.encode(errors="backslashreplace").decode()  # names come from the request, as they may be
    return JSONResponse({"error": {"path": shown, "reason": reason}}, status_code=status)


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if _WHOLE.fullmatch(text) is None or int(text) > most:
        raise StateError(name, f"a whole number from 0 to {most}")
    return int(text)


class Control:
    """The endpoints, around one exchange."""

    def __init__(self, exchange: Exchange, committer: Committer, streams: StreamServer) -> None:
        self.exchange = exchange
        self.committer = committer
        self.streams = streams
        self._arriving = 0  # bytes of bodies that are not complete

    async def _body(self, request: Request) -> object:
        collected = bytearray()
        try:
            async for part in request.stream():
                collected += part
                self._arriving += len(part)
                if len(collected) > LARGEST_CONTROL_BODY:
                    raise _TooLarge
                if self._arriving > _MOST_ARRIVING:
                    raise _TooMuchAtOnce
        finally:
            self._arriving -= len(collected)
        if not collected:
            return {}
        return parse_json(bytes(collected))

    async def _durable(self) -> None:
        await self.committer.durable()

    async def get_state(self, request: Request) -> Response:
        """The state document; PUT it elsewhere to get the same world."""
        exchange = self.exchange
        return JSONResponse(
            {
                **dump_world(exchange.world),
                "records": dump_records(exchange.records),
                "clock": _clock_json(exchange),
                "books": books_of(exchange.world.ledger),
            }
        )

    async def put_state(self, request: Request) -> Response:
        """Replace the world. Ledger, requests, faults, budgets and bans start over; the clock goes on."""
        document = await self._body(request)
        exchange = self.exchange
        world = read_world(document, exchange.option_catalogue)
        clock = dict(Reader(document).entries()).get("clock")
        if clock is not None:
            move_clock(exchange, clock, state=True)
        exchange.install(world)
        await self._durable()
        return JSONResponse({"accounts": len(world.ledger.accounts)})

    async def get_ledger(self, request: Request) -> Response:
        """What was executed, oldest first: `?after=ID&limit=N&account=ID`."""
        after = _number(request, "after", 0, 2**63)
        limit = _number(request, "limit", 10_000, 100_000)
        account = request.query_params.get("account")
        found: list[dict[str, object]] = []
        for line in self.exchange.lines:
            if line.id > after and (account is None or line.account == account):
                if len(found) >= limit:
                    break
                found.append(ledger_json(line))
        return JSONResponse({"entries": found, "next_id": self.exchange.next_line_id})

    async def get_requests(self, request: Request) -> Response:
        """What arrived, oldest first: `?after=ID&limit=N&method=M&path=P&operation=O`."""
        after = _number(request, "after", 0, 2**63)
        limit = _number(request, "limit", 10_000, 100_000)
        wanted = {
            name: request.query_params[name]
            for name in ("method", "path", "operation")
            if name in request.query_params
        }
        found: list[dict[str, object]] = []
        for record in self.exchange.requests:
            if record.id > after and all(getattr(record, name) == value for name, value in wanted.items()):
                if len(found) >= limit:
                    break
                found.append(record.as_json())
        return JSONResponse({"requests": found, "next_id": self.exchange.requests.next_id})

    async def delete_requests(self, request: Request) -> Response:
        """Forget what arrived; ids go on."""
        deleted = self.exchange.requests.clear()
        await self._durable()
        return JSONResponse({"deleted": deleted})

    async def get_faults(self, request: Request) -> Response:
        """What is armed, and how often it has struck."""
        return JSONResponse(
            {"seed": self.exchange.faults.seed, "faults": [f.as_json() for f in self.exchange.faults.armed]}
        )

    async def post_faults(self, request: Request) -> Response:
        """Arm one fault, or a list of them."""
        document = await self._body(request)
        book = self.exchange.faults
        if isinstance(document, list):
            before = list(book.armed)
            try:
                armed = [book.arm(node.value) for node in Reader(cast(object, document)).items()]
            except StateError:
                book.armed = before  # all or nothing
                raise
            await self._durable()
            return JSONResponse({"faults": [fault.as_json() for fault in armed]}, status_code=201)
        fault = book.arm(document)
        await self._durable()
        return JSONResponse(fault.as_json(), status_code=201)

    async def delete_faults(self, request: Request) -> Response:
        """Disarm all faults, or one: `?id=ID`."""
        fault_id = _number(request, "id", 0, 2**63) if "id" in request.query_params else None
        deleted = self.exchange.faults.disarm(fault_id)
        await self._durable()
        return JSONResponse({"deleted": deleted})

    async def get_clock(self, request: Request) -> Response:
        """The exchange's time."""
        return JSONResponse(_clock_json(self.exchange))

    async def post_clock(self, request: Request) -> Response:
        """Move the clock: `{"advance_ms": N}`, `{"set_ms": N}`, `{"frozen": true}`, or several at once."""
        move_clock(self.exchange, Reader(await self._body(request)))
        await self._durable()
        return JSONResponse(_clock_json(self.exchange))

    async def get_prices(self, request: Request) -> Response:
        """The current prices."""
        return JSONResponse(
            {name: exact_text(price) for name, price in self.exchange.world.prices.usd.items()}
        )

    async def post_prices(self, request: Request) -> Response:
        """Set some prices: `{"BNB": "590"}`. The others stay."""
        entries = Reader(await self._body(request)).entries()
        prices = {asset_name(name, child): child.amount() for name, child in entries}
        for name, price in prices.items():
            if not price:
                raise StateError(name, "a price is above zero")
        self.exchange.set_prices(prices)
        await self._durable()
        return await self.get_prices(request)

    async def post_balances(self, request: Request) -> Response:
        """Set parts of one position: `{"account": "demo", "asset": "BNB", "borrowed": "0.5"}`."""
        members = Reader(await self._body(request)).members("account", "asset", *POSITION_FIELDS)
        for name in ("account", "asset"):
            if name not in members:
                raise StateError(name, "is missing")
        amounts = {name: members[name].amount() for name in POSITION_FIELDS if name in members}
        account, asset = members["account"].text(100), members["asset"]
        if account not in self.exchange.world.ledger.accounts:
            raise members["account"].fail("no such account")
        self.exchange.set_position(account, asset_name(asset.text(32), asset), amounts)
        await self._durable()
        return JSONResponse({name: exact_text(amount) for name, amount in amounts.items()})

    async def get_scenarios(self, request: Request) -> Response:
        """The scenarios that come with the sandbox."""
        return JSONResponse(
            {name: {"name": s.name, "description": s.description} for name, s in bundled_scenarios().items()}
        )

    async def post_scenarios(self, request: Request) -> Response:
        """Start one: `{"name": "a-bad-tuesday"}`, or a whole scenario document."""
        document = await self._body(request)
        entries = dict(Reader(document).entries())
        if "faults" in entries:
            scenario = read_scenario(document)
        else:
            members = Reader(document).members("name")
            scenario = find_scenario(members["name"].text(100) if "name" in members else "")
        armed = start_scenario(self.exchange.faults, scenario, self.exchange.clock.now_ms())
        faults = [fault.as_json() for fault in armed]
        await self._durable()
        return JSONResponse({"name": scenario.name, "faults": faults}, status_code=201)

    async def delete_streams(self, request: Request) -> Response:
        """Drop every websocket; listen keys stay."""
        return JSONResponse({"dropped": self.streams.drop_all()})

    async def get_options(self, request: Request) -> Response:
        """Every option: what it asks, its values, its default and what stands chosen."""
        options = self.exchange.world.options
        return JSONResponse(
            {
                option.name: {
                    "value": options.text(option.name),
                    "default": option.default,
                    "values": list(option.values),
                    "question": option.question,
                    "reading": option.reading,
                    "operations": [name for name in option.operations if name],
                    "about": option.about,
                }
                for option in options.catalogue().values()
            }
        )

    async def get_unknowns(self, request: Request) -> Response:
        """The page of open questions."""
        return PlainTextResponse(unknowns_page(self.exchange.document), media_type="text/markdown")

    async def get_openapi(self, request: Request) -> Response:
        """This API's own document."""
        document = files("paydown_sandbox.serving").joinpath("control.openapi.json").read_bytes()
        return Response(document, media_type="application/json")


def _clock_json(exchange: Exchange) -> dict[str, object]:
    clock = exchange.clock
    return {
        "now_ms": clock.now_ms(),
        "frozen": clock.frozen,
        "offset_ms": 0 if clock.frozen else clock.offset_ms,
    }


# A jump of ten years makes 87,600 hourly charges per debt, which is still quick.
_LONGEST_JUMP_MS = 10 * 366 * 86_400_000


def move_clock(exchange: Exchange, node: Reader, *, state: bool = False) -> None:
    """Apply what `POST /_sandbox/clock` or the `clock` of a state document says.

    With `state` nothing falls due: the world of that clock is about to be replaced.

    Raises:
        StateError: It says something else. The clock stands where it stood.
    """
    members = node.members("advance_ms", "set_ms", "now_ms", "offset_ms", "frozen")
    clock = exchange.clock
    now = clock.now_ms()
    target = members["set_ms"].integer(1, 9_999_999_999_999) if "set_ms" in members else None
    shown = members["now_ms"].integer(1, 9_999_999_999_999) if "now_ms" in members else None
    advance = members["advance_ms"].integer(0, _LONGEST_JUMP_MS) if "advance_ms" in members else 0
    frozen = members["frozen"].boolean() if "frozen" in members else None
    offset = members["offset_ms"].integer(-(10**13), 10**13) if "offset_ms" in members else None
    if target is None and frozen:
        target = shown  # of a running clock, `now_ms` only tells what it was
    if target is not None and target - now > _LONGEST_JUMP_MS and not state:
        raise node.fail("a jump of more than ten years")
    if frozen is True:
        clock.freeze()
    elif frozen is False:
        clock.resume()
        if offset is not None:
            clock.restore(None, offset)
    if target is not None:
        clock.set(target)
    if advance:
        clock.advance(advance)
    if not state:
        exchange.advance_to_now()


_QUERIES: dict[tuple[str, str], tuple[str, ...]] = {
    ("ledger", "GET"): ("after", "limit", "account"),
    ("requests", "GET"): ("after", "limit", "method", "path", "operation"),
    ("faults", "DELETE"): ("id",),
}


def control_application(exchange: Exchange, committer: Committer, streams: StreamServer) -> Starlette:
    """The Starlette application that serves /_sandbox/."""
    control = Control(exchange, committer, streams)

    def route(path: str, **endpoints: Endpoint) -> Route:
        async def serve(request: Request) -> Response:
            try:
                known = _QUERIES.get((path, request.method), ())
                for name in request.query_params:
                    if name not in known:  # a misspelt filter would show everything
                        there = f"there are {', '.join(known)}" if known else "there are none here"
                        raise StateError(name, f"unknown parameter; {there}")
                return await endpoints[request.method](request)
            except StateError as error:
                return _error(error.path, error.reason)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody hears it: the body will never be complete
            except _TooLarge:
                return _error("", f"the body is larger than {LARGEST_CONTROL_BODY} bytes", 413)
            except _TooMuchAtOnce:
                return _error("", "too many large bodies are arriving at once; send it again", 503)
            except StoreError as error:
                return _error("", f"not stored: {error}; the sandbox stops", 507)

        return Route(f"/_sandbox/{path}", serve, methods=list(endpoints))

    return Starlette(
        routes=[
            route("state", GET=control.get_state, PUT=control.put_state),
            route("ledger", GET=control.get_ledger),
            route("requests", GET=control.get_requests, DELETE=control.delete_requests),
            route("faults", GET=control.get_faults, POST=control.post_faults, DELETE=control.delete_faults),
            route("clock", GET=control.get_clock, POST=control.post_clock),
            route("prices", GET=control.get_prices, POST=control.post_prices),
            route("balances", POST=control.post_balances),
            route("scenarios", GET=control.get_scenarios, POST=control.post_scenarios),
            route("streams", DELETE=control.delete_streams),
            route("options", GET=control.get_options),
            route("unknowns", GET=control.get_unknowns),
            route("openapi.json", GET=control.get_openapi),
        ]
    )
