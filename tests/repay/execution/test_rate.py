"""A million dollars in the time that weight and cap allow, and not a call more than the exchange takes.

The bound is worked out from the document alone: pieces of at most the cap less the margin, two of them per minute
(3000 of 6000). Both fill the minute to the last unit, so anything else that is read there costs a repayment its
place. A run reads the time (1), the status (20) and the balances (20, twice) before its first piece, which therefore
has its minute to itself, and the balances once more when the last one is paid. In between a plan of more than
`Options.fresh_look_pieces` reads prices only, which count elsewhere. For an odd number of pieces the first minute's
empty place costs nothing.

The budget adds one second to each minute: the guard for an exchange that counts in whole seconds.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from contextlib import closing
from decimal import Decimal

import pytest

from paydown.budget import SqliteBudget
from paydown.repay import Options
from paydown.repay.journal.states import PlanState
from paydown.repay.planning.repay_facts import Facts
from tests.repay.world import REPAY_PATH, World

FACTS = Facts.documented()
MILLION_USD = Decimal(1_000_000)
OPTIONS = Options()
# How much longer than an interval the budget holds a call: the guard for a count in whole seconds.
GUARD_MS = 1_000


def pieces_of(usd: Decimal) -> int:
    """How many repayments the cap asks for."""
    return math.ceil(usd / (FACTS.cap_usd * (1 - OPTIONS.margin)))


def repayments(world: World) -> list[int]:
    """When each repayment reached the exchange, UTC milliseconds."""
    return [record.time_ms for record in world.exchange.requests if record.path == REPAY_PATH]


def refused(world: World) -> list[int]:
    return [record.status for record in world.exchange.requests if record.status in (418, 429)]


@pytest.mark.parametrize("window", ["fixed", "sliding"])
def test_a_million_takes_what_weight_and_cap_allow(tmp_path, window):
    """21 pieces, one and then two a minute: the last one leaves after ten intervals, and no call is refused."""
    world = World(tmp_path, options={"limit-window": window})
    world.give("BNB", borrowed=str(MILLION_USD / 600))
    world.give("USDT", free="2000000")
    pieces = pieces_of(MILLION_USD)

    with world.repayer() as repayer:
        report = repayer.run(repayer.plan("BNB", pay_with=["USDT"], key="million"))

    sent = repayments(world)
    intervals = -(-pieces // FACTS.calls_per_interval) - 1
    assert report.state is PlanState.DONE
    assert world.debt("BNB") == 0
    assert len(sent) == pieces == len(report.attempts)
    assert refused(world) == []
    assert sent[-1] - sent[0] >= intervals * FACTS.weight_interval_ms
    # Two a minute throughout: the guard is all that is added.
    assert sent[-1] - sent[0] <= intervals * (FACTS.weight_interval_ms + GUARD_MS)


class VirtualTime:
    """Runs tasks on a clock that stands still while any of them can go on, and then jumps to the next waker."""

    def __init__(self, world: World) -> None:
        self.clock = world.clock
        self.sleeping: list[tuple[int, int, asyncio.Future[None]]] = []
        self.numbers = itertools.count()

    async def sleep(self, seconds: float) -> None:
        wakes = asyncio.get_running_loop().create_future()
        due = self.clock.now_ms() + max(1, round(seconds * 1000))
        heapq.heappush(self.sleeping, (due, next(self.numbers), wakes))
        await wakes

    async def run(self, *jobs):
        tasks = [asyncio.ensure_future(job) for job in jobs]
        while working := [task for task in tasks if not task.done()]:
            if len(self.sleeping) < len(working):
                await asyncio.sleep(0)
                continue
            due, _, wakes = heapq.heappop(self.sleeping)
            self.clock.set(max(due, self.clock.now_ms()))
            wakes.set_result(None)
            await asyncio.sleep(0)
        return [task.result() for task in tasks]


@pytest.mark.parametrize("window", ["fixed", "sliding"])
def test_four_processes_behind_one_address_share_two_a_minute(tmp_path, window):
    """Four accounts repay a million together, each with a client, a clock and a ledger connection of its own."""
    names = ("a", "b", "c", "d")
    world = World(tmp_path, accounts=names, options={"limit-window": window})
    for name in names:
        world.give("BNB", account=name, borrowed=str(MILLION_USD / 4 / 600))
        world.give("USDT", account=name, free="500000")
    pieces = 4 * pieces_of(MILLION_USD / 4)
    time = VirtualTime(world)

    async def repay(name: str) -> bool:
        path = str(tmp_path / "budget.sqlite3")
        with closing(SqliteBudget("sandbox", path, ticks=world.clock.now_ms)) as budget:
            async with (
                world.async_client(account=name, budget=budget, sleep=time.sleep, max_wait_s=3600) as client,
                world.async_repayer(client, account=name, sleep=time.sleep) as repayer,
            ):
                return bool(await repayer.run(await repayer.plan("BNB", pay_with=["USDT"], key="million")))

    async def together() -> list[bool]:
        return await time.run(*(repay(name) for name in names))

    assert asyncio.run(together()) == [True] * 4

    sent = repayments(world)
    assert all(world.debt("BNB", account=name) == 0 for name in names)
    assert len(sent) == pieces
    assert refused(world) == []
    intervals = math.ceil(pieces / FACTS.calls_per_interval) - 1
    assert sent[-1] - sent[0] >= intervals * FACTS.weight_interval_ms
    # Each process looks right before its first piece and once more after its last, and a minute with a look has room
    # for one repayment only: half an interval for each of the two.
    assert sent[-1] - sent[0] <= (intervals + len(names)) * (FACTS.weight_interval_ms + GUARD_MS)
    alone = [at for at in set(sent) if sent.count(at) == 1]
    assert len(alone) <= 2 * len(names)


@pytest.mark.parametrize("used", [False, True], ids=["an unused minute", "a used one"])
def test_asking_for_room_takes_none_and_keeps_no_place(tmp_path, used):
    """However often it is asked: nothing is reserved, and nothing waits in the queue before the next call."""
    world = World(tmp_path)
    world.give("BNB", borrowed="100")
    world.give("USDT", free="5000000")
    pm = world.client()
    pm.market.ping()
    if used:
        pm.margin.repay_debt(asset="BNB", amount="1", specify_repay_assets=["USDT"])
    before = pm.budget.snapshot()

    waits = [pm.room_in_ms(3_000) for _ in range(3)]

    assert [wait > 0 for wait in waits] == [used] * 3
    assert pm.budget.snapshot() == before
    assert before.waiting == 0
