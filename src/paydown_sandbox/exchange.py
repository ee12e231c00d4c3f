"""The public face of the sandbox: one request in, one reply out, no web framework and no event loop.

`Exchange.handle` is synchronous and works in memory; `request_pipeline` holds the steps that a request takes. The
changes of a request are collected in `Exchange.changes` until they are taken, so that a server can commit many requests
at once and send their answers after that. Simulations call `handle` directly, on a clock that they move themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from paydown_sandbox.behaviour.behaviour import Behaviour
from paydown_sandbox.books.changes import Changes
from paydown_sandbox.books.exact_amounts import EXACT
from paydown_sandbox.bundled_document import Document, load_document
from paydown_sandbox.choices.settings import Option, catalogue
from paydown_sandbox.faults.faults import FaultBook
from paydown_sandbox.http_messages import RawRequest, Reply, Retry
from paydown_sandbox.market_state import MarketState
from paydown_sandbox.operations.budgets import Budgets
from paydown_sandbox.request_log import RequestLog, RequestRecord
from paydown_sandbox.request_pipeline import LARGEST_BODY, LARGEST_QUERY, RequestPipeline
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.scheduler import Scheduler
from paydown_sandbox.state.state_reader import demo_state, read_world
from paydown_sandbox.state.world import World

__all__ = ["LARGEST_BODY", "LARGEST_QUERY", "Exchange"]


class Exchange:
    """A sandbox in plain Python, around one world.

    Args:
        state: A state document (parsed JSON); the demo state if absent.
        document: The API document; the bundled one if absent.
        clock: The sandbox's clock; one that runs with the machine's if absent.

    Raises:
        StateError: The state document is wrong.

    Attributes:
        world: Accounts, keys, prices, limits and options.
        market: The state that calls read and change: the world, its books and its agenda.
        changes: The changes that are not durable yet.
        records: The rows of the record lists.
        lines: The ledger lines, oldest first.
        streams: Listen keys, and the events that go out under them.
        budgets: The budgets that calls are charged to.
        requests: The request log.
        faults: The armed faults.
        fresh: Whether the world was installed and nothing of it was stored yet.
        option_catalogue: Every option, by name.
    """

    def __init__(
        self, state: object | None = None, *, document: Document | None = None, clock: Clock | None = None
    ) -> None:
        self.document = document or load_document()
        self.clock = clock or Clock()
        self.option_catalogue: Mapping[str, Option] = catalogue(self.document)
        self.faults = FaultBook()
        self.requests = RequestLog()
        self.install(read_world(demo_state() if state is None else state, self.option_catalogue))

    # --------------------------------------------- replacing and editing the world

    def install(self, world: World) -> None:
        """Replace the world; counters, requests, ledger lines, records and faults start over."""
        self.world = world
        self.faults.disarm()
        self.faults.reseed(world.seed)
        self.requests.start_over()
        self.market = MarketState(world, self.document, self.clock)
        self.changes = self.market.changes
        self.records = self.market.history.records
        self.lines = self.market.history.lines
        self.streams = self.market.streams
        self.budgets = Budgets(world, self.document)
        self._scheduler = Scheduler(self.market, self.clock.now_ms())
        self.changes.world = True
        self.fresh = True
        self.apply_options()

    def apply_options(self) -> None:
        """Read the options of the world again, and build what depends on them."""
        self.market.read_options()
        self._behaviour = Behaviour(self.market, self.requests)
        self._scheduler.replan()
        self._pipeline = RequestPipeline(
            self.document, self.market, self._behaviour, self.budgets, self.faults
        )

    def advance_to_now(self) -> None:
        """Execute everything that has fallen due since the last request."""
        self._scheduler.run(self._behaviour, self.clock.now_ms())

    def set_prices(self, prices: Mapping[str, Decimal]) -> None:
        """Set index prices by hand, USD per unit. Accounts whose risk rises by this get an event."""
        now_ms = self.clock.now_ms()
        for asset, price in prices.items():
            self.world.prices.set(asset, price, now_ms)
        self.changes.world = True
        self.market.events.prices_moved(now_ms)

    def set_position(self, account_id: str, asset: str, amounts: Mapping[str, Decimal]) -> None:
        """Set parts of one position by hand; what was issued to the account changes with it.

        Args:
            account_id: The id of the account.
            asset: The asset.
            amounts: The new amounts, in units of the asset, by place, such as "free" or "borrowed".
        """
        account = self.world.ledger.accounts[account_id]
        holding = account.holding(asset)
        for place, amount in amounts.items():
            self.world.ledger.issue(account, asset, place, EXACT.subtract(amount, getattr(holding, place)))
        self.changes.world = True

    # ---------------------------------------------------------- answering requests

    def handle(self, request: RawRequest) -> Reply:
        """Answer one request. No request can make this raise.

        Args:
            request: The request. Where an earlier reply was a `Retry`, the same request with its `held`.

        Returns:
            An answer, the wish to be handed the request again, or a dropped connection.
        """
        now_ms = self.clock.now_ms()
        if self._scheduler.is_due(now_ms):
            self.advance_to_now()
        held = request.held
        if isinstance(held, RequestRecord):
            record = held
        else:
            held = None
            record = self.requests.open(
                now_ms, request.method, request.path, request.query, request.body, request.client_ip
            )
        reply = self._pipeline.reply(request, record, now_ms, held=held is not None)
        if isinstance(reply, Retry):
            reply.held = record
        else:
            self.changes.requests.append(record)
        return reply

    def release(self, account: str) -> None:
        """Note that the answer that kept `account` busy has been sent."""
        self.market.busy.release(account)

    # ----------------------------------------------------- storing and restoring

    @property
    def next_line_id(self) -> int:
        """Return the id that the next ledger line will get."""
        return self.market.history.next_line_id

    def take_changes(self) -> Changes:
        """Return the changes since the last call, and begin a new collection."""
        return self.changes.take()

    def forget_changes(self) -> None:
        """Drop the collected changes of a sandbox that nothing makes durable."""
        self.changes.clear()
        self.world.ledger.touched.clear()
        self.world.ledger.counterparties_touched.clear()

    def counters(self) -> dict[str, str]:
        """Return the counters, which must continue after a restart, to be stored."""
        return {
            "request": str(self.requests.next_id),
            "requests_forgotten_below": str(self.requests.forgotten_below),
            "faults": self.faults.dump(),
            "clock_frozen_at_ms": str(self.clock.now_ms()) if self.clock.frozen else "",
            "clock_offset_ms": "0" if self.clock.frozen else str(self.clock.offset_ms),
            "next_hour_ms": str(self._scheduler.next_hour_ms),
            "conduct": self._behaviour.dump(),
            **self.market.history.counters(),
            **self.market.events.counters(),
            "dust_usd": str(self.world.ledger.dust_usd),
            "streams": self.streams.dump(),
        }

    def restore_counters(self, counters: Mapping[str, str]) -> None:
        """Continue from the counters of `counters`."""
        self.requests.next_id = int(counters["request"])
        self.requests.forgotten_below = int(counters["requests_forgotten_below"])
        self.faults.restore(counters["faults"])
        frozen = counters["clock_frozen_at_ms"]
        self.clock.restore(int(frozen) if frozen else None, int(counters["clock_offset_ms"]))
        self._scheduler.next_hour_ms = int(counters["next_hour_ms"])
        self._scheduler.replan()
        if "conduct" in counters:  # an older file knows no choices: nothing is under way in it
            self._behaviour.restore(counters["conduct"])
        self.market.history.restore(counters)
        self.market.events.restore(counters)
        self.world.ledger.dust_usd = Decimal(counters["dust_usd"])
        self.streams.restore(counters["streams"])
