"""What the exchange answers is held against what it does: odd answers, old looks, refusals that lie, late executions.

Written from docs/never-twice.md and the definitions of the exit codes, not from the engine: each test plays one thing
that the published pages leave open, and counts in the exchange's own books what became of it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paydown.errors import ExchangeBusy, PaydownError
from paydown.repay import Options, PlanRefused, Report
from paydown.repay.driving.client_mapping import failed
from paydown.repay.errors import NothingOwed
from paydown.repay.execution.commands import Step
from paydown.repay.journal.states import AttemptState, PlanState
from paydown.repay.planning.planner import cut
from paydown.repay.report import AttemptLine, exit_code_of
from tests.repay.world import Door, World, attempts, key_of

Go = Callable[[], httpx.Response]
Hand = Callable[[httpx.Request, Go], httpx.Response]

BALANCE, REPAY, TIME = "balance", "repay-debt", "time"
IN_ORDER = (5, 7, 9, 6, 4, 3, 8, 0)  # which code wins where several plans end differently


@dataclass(frozen=True)
class Passed:
    """One request that reached the exchange: which, and when it left and was answered."""

    name: str
    sent_ms: int
    answered_ms: int


class Wire(Door):
    """The way to the exchange with a hand on it, which may keep, change or make up answers."""

    def __init__(self, world: World, **hands: Hand) -> None:
        super().__init__(world)
        self.hands = {name.replace("_", "-"): hand for name, hand in hands.items()}
        self.passed: list[Passed] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name, sent_ms = request.url.path.rpartition("/")[2], self.world.clock.now_ms()
        way = super().handle_request
        hand = self.hands.get(name)
        try:
            return way(request) if hand is None else hand(request, lambda: way(request))
        finally:
            self.passed.append(Passed(name, sent_ms, self.world.clock.now_ms()))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = b"".join([part async for part in request.stream])  # type: ignore[union-attr]  # as httpx sends it
        return self.handle_request(
            httpx.Request(request.method, request.url, headers=request.headers, content=body)
        )

    def all(self, name: str) -> list[Passed]:
        """Every request of this name, in order."""
        return [one for one in self.passed if one.name == name]

    def looks_behind(self, number: int = 1) -> list[Passed]:
        """Every reading of the balances after the repayment of this number."""
        places = [place for place, one in enumerate(self.passed) if one.name == REPAY]
        return [one for one in self.passed[places[number - 1] :] if one.name == BALANCE]

    def bases(self) -> list[tuple[Passed, Passed]]:
        """Each repayment with the newest reading of the balances before it."""
        found, snapshot = [], None
        for one in self.passed:
            if one.name == BALANCE:
                snapshot = one
            elif one.name == REPAY and snapshot is not None:
                found.append((snapshot, one))
        return found

    def base_age_ms(self) -> int:
        """How old at most the newest look was when a repayment left."""
        return max(repayment.sent_ms - snapshot.answered_ms for snapshot, repayment in self.bases())


@pytest.fixture
def world(tmp_path):
    """An account that owes 100 BNB without interest and can pay it many times over."""
    world = World(tmp_path, rate="0")
    world.give("BNB", borrowed="100")
    world.give("USDT", free="5000000")
    return world


def says(status: int, body: object, *, executes: bool, times: int = 1) -> Hand:
    """Answer so, and execute or not; after `times` the exchange speaks for itself."""
    left = itertools.count(times, -1)

    def hand(request: httpx.Request, go: Go) -> httpx.Response:
        if next(left) <= 0:
            return go()
        if executes:
            go()
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, content=content, request=request)

    return hand


def success(**changed: object) -> dict[str, object]:
    """An answer that calls a repayment of 10 BNB done, with some members changed; `...` leaves one out."""
    members = {
        "amount": "10",
        "asset": "BNB",
        "specifyRepayAssets": ["USDT"],
        "updateTime": 1_795_000_000_000,
        "success": True,
    }
    return {name: value for name, value in {**members, **changed}.items() if value is not ...}


def gone_back(world: World, amount: str) -> None:
    """Take a part of an execution back: the debt is there again, and so is what paid for it."""
    world.give("BNB", borrowed=amount)
    world.give("USDT", free=str(Decimal(amount) * 600))


def stale(world: World, times: int) -> Hand:
    """Show the balances of before the first repayment so many times after it."""
    kept: list[bytes] = []
    left = [times]

    def hand(request: httpx.Request, go: Go) -> httpx.Response:
        answer = go()
        if world.repaid and left[0]:
            left[0] -= 1
            return httpx.Response(200, content=kept[-1], request=request)
        kept.append(answer.read())
        return answer

    return hand


class Killed(BaseException):
    """What ends a process at once."""


# Answers


ODD_AMOUNTS = {
    "zero": {"amount": "0"},
    "zero with digits": {"amount": "0E-8"},
    "minus one": {"amount": "-1"},
    "principal only": {"amount": "9.5"},
    "value in USDT": {"amount": "6000"},
    "missing": {"amount": ...},
    "a number": {"amount": 10},
    "an exponent": {"amount": "1E+1"},
    "empty": {"amount": ""},
    "null": {"amount": None},
    "what was owed before": {"amount": "100"},
    "ten times as much": {"amount": "100.0"},
    "the asset that paid": {"asset": "USDT"},
}


@pytest.mark.parametrize("odd", list(ODD_AMOUNTS.values()), ids=list(ODD_AMOUNTS))
def test_whatever_an_answer_names_what_was_asked_is_repaid_once(world, odd):
    """An amount that is not what was asked never sends the difference."""
    hand = says(200, success(**odd), executes=True, times=9)
    with world.repayer(world.client(transport=Wire(world, repay_debt=hand))) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"], key="k"))
        again = repayer.resume("k")

    assert world.repaid == [10]
    assert (report.state, report.repaid, report.exit_code) == (PlanState.DONE, 10, 0)
    assert again == [report]


@pytest.mark.parametrize("odd", list(ODD_AMOUNTS.values()), ids=list(ODD_AMOUNTS))
def test_an_answer_of_success_without_an_execution_is_never_done(world, odd):
    """The debt decides: either it is doubt that evidence settles, or the plan ends with what is left."""
    hand = says(200, success(**odd), executes=False)
    with world.repayer(world.client(transport=Wire(world, repay_debt=hand))) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"], key="k"))

    if report.state is PlanState.DONE:
        assert world.repaid == [10]
        assert [line.state for line in report.attempts] == ["PROVEN_NOT_EXECUTED", "EXECUTED"]
    else:
        assert world.repaid == []
        assert report.exit_code in (5, 7)


def test_an_answer_that_names_more_than_was_repaid_is_not_done(world):
    """The answer names 10, the debt fell by 4: nothing more is sent by itself, and the exit code is not 0."""

    def hand(request, go):
        answer = go()
        gone_back(world, "6")
        return answer

    with world.repayer(world.client(transport=Wire(world, repay_debt=hand))) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"], key="k"))

    assert world.debt("BNB") == 96
    assert world.sent == 1
    assert not report
    assert report.exit_code in (5, 7)
    assert report.debt_after in (None, 96)


@pytest.mark.parametrize(
    ("named", "state"),
    [
        ("10", "EXECUTED"),
        ("10.02", "EXECUTED"),
        ("10.03", "PROVEN_EXECUTED"),
        ("11", "PROVEN_EXECUTED"),
        ("9.99", "PROVEN_EXECUTED"),
    ],
)
def test_an_answer_to_a_whole_debt_names_it_and_a_little_interest_at_most(tmp_path, named, state):
    """Any other amount is doubt: the debt of the last look and what grew since is all that can be repaid."""
    world = World(tmp_path, rate="0")
    world.give("BNB", borrowed="10")
    world.give("USDT", free="5000000")
    hand = says(200, success(amount=named), executes=True)
    with world.repayer(world.client(transport=Wire(world, repay_debt=hand))) as repayer:
        report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert [line.state for line in report.attempts] == [state]
    assert (report.exit_code, world.repaid) == (0, [10])


@pytest.mark.parametrize(("listed", "code"), [("3.9", 7), ("4", 0)])
def test_a_listed_borrowing_explains_no_more_than_itself(world, listed, code):
    """The answer names 10 and 4 more is owed than that leaves: what no row explains of it is not done."""

    def hand(request, go):
        answer = go()
        if listed != "4":
            gone_back(world, str(4 - Decimal(listed)))
        world.stranger().margin.borrow(asset="BNB", amount=listed)
        return answer

    with world.repayer(world.client(transport=Wire(world, repay_debt=hand))) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))

    assert (report.exit_code, report.cause, world.sent) == (code, "debt-left" if code else "", 1)
    assert world.debt("BNB") == 94


def test_a_debt_that_a_listed_borrowing_explains_is_done(world):
    """Another user borrows 6 right after the repayment, and the lists show it: what was asked is repaid."""

    def hand(request, go):
        answer = go()
        world.stranger().margin.borrow(asset="BNB", amount="6")
        return answer

    with world.repayer(world.client(transport=Wire(world, repay_debt=hand))) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))

    assert (report.exit_code, world.repaid, world.debt("BNB")) == (0, [10], 96)


def test_the_awaited_repayer_doubts_the_same_answers(world):
    """An odd amount and a refusal that lies are judged by one engine."""
    wire = Wire(
        world,
        repay_debt=says(200, success(amount="0"), executes=True),
    )

    async def sleep(seconds):
        world.sleep(seconds)

    async def scenario(key):
        client = world.async_client(transport=wire, sleep=sleep)
        async with client, world.async_repayer(client, sleep=sleep) as repayer:
            return await repayer.run(await repayer.plan("BNB", "10", pay_with=["USDT"], key=key))

    assert asyncio.run(scenario("a")).exit_code == 0
    wire.hands[REPAY] = says(403, b"<html>", executes=True)
    report = asyncio.run(scenario("b"))

    assert world.repaid == [10, 10]
    assert [line.state for line in report.attempts] == ["PROVEN_EXECUTED"]
    assert report.exit_code in (0, 7)


# Lists of balances


def without(asset: str, *, since: Callable[[], bool] = lambda: True, by_name: Hand | None = None) -> Hand:
    """Leave an asset out of the list; asked for by its name the exchange answers, or `by_name` does."""

    def hand(request: httpx.Request, go: Go) -> httpx.Response:
        if not since():
            return go()
        if "asset" in request.url.params:
            return go() if by_name is None else by_name(request, go)
        rows = [row for row in json.loads(go().read()) if row["asset"] != asset]
        return httpx.Response(200, json=rows, request=request)

    return hand


def test_a_debt_that_the_list_leaves_out_is_asked_for_by_its_name(world):
    """A list without BNB hides neither the debt from the plan nor the second half of it from the run."""
    wire = Wire(world, balance=without("BNB"))
    with world.repayer(world.client(transport=wire)) as repayer:
        plan = repayer.plan("BNB", pay_with=["USDT"])
        report = repayer.run(plan)

    assert len(plan.pieces) == 2
    assert (world.debt("BNB"), sum(world.repaid), report.exit_code) == (0, 100, 0)


UNLISTED: dict[str, Hand] = {
    "refused": says(400, {"code": -1102, "msg": "no such asset"}, executes=False, times=99),
    "another asset": says(
        200,
        {
            "asset": "USDT",
            "totalWalletBalance": "1",
            "crossMarginAsset": "1",
            "crossMarginBorrowed": "0",
            "crossMarginFree": "1",
            "crossMarginInterest": "0",
            "crossMarginLocked": "0",
            "umWalletBalance": "0",
            "umUnrealizedPNL": "0",
            "cmWalletBalance": "0",
            "cmUnrealizedPNL": "0",
            "updateTime": 1_795_000_000_000,
            "negativeBalance": "0",
        },
        executes=False,
        times=99,
    ),
    "an empty object": says(200, {}, executes=False, times=99),
    "an empty list": says(200, [], executes=False, times=99),
}


def empty_since(since: Callable[[], bool]) -> Hand:
    """Answer with no balances at all."""

    def hand(request: httpx.Request, go: Go) -> httpx.Response:
        answer = go()
        return httpx.Response(200, json=[], request=request) if since() else answer

    return hand


@pytest.mark.parametrize("whole", [True, False], ids=["whole debt", "an amount"])
@pytest.mark.parametrize("how", [*UNLISTED, "no balance at all"])
def test_a_debt_that_nobody_lists_is_in_doubt_once_something_has_left(world, how, whole):
    """Missing is not zero: the plan is not done, the exit code is 5, and a later look ends it."""
    said = {"lies": True}

    def since():
        return bool(world.repaid) and said["lies"]

    hand = (
        empty_since(since)
        if how == "no balance at all"
        else without("BNB", since=since, by_name=UNLISTED[how])
    )
    with world.repayer(world.client(transport=Wire(world, balance=hand))) as repayer:
        plan = repayer.plan("BNB", None if whole else "10", pay_with=["USDT"], key="k")
        report = repayer.run(plan)
        paid = list(world.repaid)
        said["lies"] = False
        (resumed,) = repayer.resume("k")

    assert len(paid) == 1
    assert not report
    assert report.exit_code == 5
    assert resumed.exit_code == 0
    assert sum(world.repaid) == (100 if whole else 10)


@pytest.mark.parametrize("how", [*UNLISTED, "no balance at all"])
def test_a_debt_that_nobody_lists_sends_nothing_before_anything_has_left(world, how):
    """The run ends with a read that failed, and the plan is not made from a debt of zero."""
    said = {"lies": False}

    def since():
        return said["lies"]

    hand = (
        empty_since(since)
        if how == "no balance at all"
        else without("BNB", since=since, by_name=UNLISTED[how])
    )
    with world.repayer(world.client(transport=Wire(world, balance=hand))) as repayer:
        plan = repayer.plan("BNB", pay_with=["USDT"], key="k")
        said["lies"] = True
        with pytest.raises(PaydownError) as caught:
            repayer.plan("BNB", pay_with=["USDT"], key="another")
        report = repayer.run(plan)

    assert not isinstance(caught.value, NothingOwed)
    assert (report.state, report.exit_code, world.sent) == (PlanState.STOPPED, 6, 0)


# Looks


def slow(world: World, ms: int) -> Hand:
    """Take so long on the way there, and again on the way back."""

    def hand(request: httpx.Request, go: Go) -> httpx.Response:
        world.clock.advance(ms)
        answer = go()
        world.clock.advance(ms)
        return answer

    return hand


@pytest.mark.parametrize("pieces", [1, 2, 3, 4])
def test_a_short_plan_looks_right_before_every_piece(world, pieces):
    """When a piece leaves, the look is 3 s old at most, and was taken 15 s after the last thing that left."""
    world.give("BNB", borrowed="200")
    wire = Wire(world, balance=slow(world, 700), repay_debt=slow(world, 200))
    with world.repayer(world.client(transport=wire)) as repayer:
        plan = repayer.plan("BNB", str(75 * pieces), pay_with=["USDT"])
        report = repayer.run(plan)

    assert (len(plan.pieces), report.exit_code, sum(world.repaid)) == (pieces, 0, 75 * pieces)
    assert len(wire.all(REPAY)) == pieces
    assert wire.base_age_ms() <= 3_000
    for (_, before), (base, _) in itertools.pairwise(wire.bases()):
        assert base.sent_ms - before.answered_ms >= 15_000


def test_another_plan_is_quiet_too(world):
    """A second plan right behind the first one waits before its look, as a second piece does."""
    wire = Wire(world)
    with world.repayer(world.client(transport=wire)) as repayer:
        first = repayer.plan("BNB", "10", pay_with=["USDT"])
        second = repayer.plan("BNB", "20", pay_with=["USDT"], key="k")
        assert repayer.run(first)
        assert repayer.run(second)

    (_, before), (base, _) = wire.bases()
    assert base.sent_ms - before.answered_ms >= 15_000


@pytest.mark.parametrize("when", ["the plan", "the look"])
@pytest.mark.parametrize(("silent_s", "trusted"), [(880, True), (920, False)])
def test_a_price_that_cannot_be_read_is_trusted_for_a_quarter_of_an_hour(world, silent_s, trusted, when):
    """The newest reading counts, whichever it was; an older one could take a piece above the cap: nothing leaves."""
    read_ms = []

    def wait(told):
        if told.kind == "looked" and not read_ms:
            read_ms.append(world.clock.now_ms())
        if told.kind == "proven-not-executed":
            world.clock.advance(read_ms[0] + silent_s * 1_000 - world.clock.now_ms())

    with world.repayer(progress=wait) as repayer:
        plan = repayer.plan("BNB", "10", pay_with=["USDT"])
        world.clock.advance(silent_s * 1_000 if when == "the plan" else 3_600_000)
        if when == "the look":
            world.fault("not_executed_503_unknown")
        index = "/sapi/v1/portfolio/asset-index-price"
        world.fault("gateway_502_html_executed", path=index, times=None, skip=int(when == "the look"))
        report = repayer.run(plan)

    assert (report.cause, world.repaid) == (("", [10]) if trusted else ("price-unknown", []))


@pytest.mark.parametrize("payable", [True, False])
def test_what_can_pay_is_counted_again_for_every_look(world, payable):
    """Funds that went elsewhere after the first piece: the second one is not sent into a refusal."""

    def drain(told):
        if told.kind == "executed":
            world.holding("USDT").free = Decimal(40_000 if payable else 20_000)

    with world.repayer(progress=drain) as repayer:
        report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert (world.sent, report.exit_code) == ((2, 0) if payable else (1, 7))
    assert payable or report.cause == "not-enough-to-pay"


def test_a_look_that_settled_a_doubt_is_not_the_base_of_the_next_piece(world):
    """A balance that alternates between two back ends is given its pause again before the piece goes once more."""
    proven = []

    def note(told):
        if told.kind == "proven-not-executed":
            proven.append(world.clock.now_ms())

    world.fault("not_executed_503_unknown")
    wire = Wire(world)
    with world.repayer(world.client(transport=wire), progress=note) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))

    (at_ms,), (_, (base, _)) = proven, wire.bases()
    assert base.sent_ms - at_ms >= 14_000  # a client's clock is a little behind
    assert (report.exit_code, world.repaid) == (0, [10])


@pytest.mark.parametrize("answered", ["executed", "refused"])
def test_what_left_before_one_that_did_not_is_not_forgotten(world, answered):
    """A piece is answered, the next one finds no connection, the process dies: the next one is quiet all the same."""
    if answered == "refused":
        world.fault("throttled_1008")

    def die(told):
        if told.kind in ("executed", "rejected"):
            world.fault("connection_refused")
        if told.kind == "not-sent":
            raise Killed

    first = Wire(world)
    with world.repayer(
        world.client(transport=first), options=Options(quiet_ms=45_000), progress=die
    ) as repayer:
        plan = repayer.plan("BNB", pay_with=["USDT"], key="k")
        with pytest.raises(Killed):
            repayer.run(plan)
        assert [one.state.value for one in attempts(repayer)][-1] == "NOT_SENT"
    wire = Wire(world)
    with world.repayer(world.client(transport=wire), options=Options(quiet_ms=120_000)) as fresh:
        (report,) = fresh.resume("k")

    (base, _), *_ = wire.bases()
    assert base.sent_ms - first.all(REPAY)[0].answered_ms >= 119_000  # a client's clock is a little behind
    assert (report.exit_code, world.debt("BNB")) == (0, 0)


def test_a_request_that_never_left_needs_no_pause(world):
    """Of a connection that could not be made not a byte left: the next try follows in seconds."""
    world.fault("connection_refused")
    with world.repayer() as repayer:
        assert repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))
        first, second = attempts(repayer)

    assert second.opened_at_ms - first.opened_at_ms < 5_000


@pytest.mark.parametrize(("step", "side"), [(Step.READ_BALANCES, "after"), (Step.REPAY, "before")])
def test_a_look_that_grew_old_before_the_first_byte_is_taken_again(world, step, side):
    """The machine stands still for 4 s between look and repayment: nothing leaves on the old look."""
    stood, running = [], []

    def stand_still(at, where):
        if running and (at, where) == (step, side) and not stood:
            stood.append(world.clock.now_ms())
            world.clock.advance(4_000)

    wire = Wire(world)
    with world.repayer(world.client(transport=wire), trace=stand_still) as repayer:
        plan = repayer.plan("BNB", "10", pay_with=["USDT"])
        running.append(True)
        report = repayer.run(plan)

    assert stood
    assert wire.base_age_ms() <= 3_000
    assert (world.repaid, report.exit_code) == ([10], 0)


def test_a_long_plan_keeps_two_pieces_a_minute(world):
    """Seven pieces: one in the first minute, which holds the look, and two in each of the three that follow."""
    world.give("BNB", borrowed="460")
    wire = Wire(world)
    with world.repayer(world.client(transport=wire)) as repayer:
        plan = repayer.plan("BNB", pay_with=["USDT"])
        report = repayer.run(plan)

    sent = [one.sent_ms for one in wire.all(REPAY)]
    assert (len(plan.pieces), len(sent), report.exit_code, world.debt("BNB")) == (7, 7, 0, 0)
    assert sent[-1] - sent[0] <= 3 * 61_000
    assert not [record for record in world.exchange.requests if record.status in (418, 429)]


@pytest.mark.parametrize(("most_s", "looks"), [(60, 4), (900, 2)])
def test_a_long_plan_looks_again_when_its_look_is_too_old(world, most_s, looks):
    """Pieces go on one look and on what was confirmed since, but not for longer than the option allows."""
    world.give("BNB", borrowed="460")
    wire = Wire(world)
    with world.repayer(
        world.client(transport=wire), options=Options(look_max_age_ms=most_s * 1_000)
    ) as repayer:
        plan = repayer.plan("BNB", pay_with=["USDT"])
        wire.passed.clear()
        report = repayer.run(plan)

    assert (len(plan.pieces), report.exit_code, world.debt("BNB")) == (7, 0, 0)
    assert (len(wire.all(BALANCE)) >= looks) if looks > 2 else (len(wire.all(BALANCE)) == looks)
    # Its age is asked before the piece waits for its weight, which takes a minute at most.
    assert wire.base_age_ms() <= most_s * 1_000 + 61_000


def test_a_process_that_takes_the_room_in_between_costs_a_look_and_nothing_else(tmp_path):
    """After the look another process spends the minute's weight: the piece waits, and goes on a new look."""
    world = World(tmp_path, accounts=("a", "b"), rate="0")
    for account in ("a", "b"):
        world.give("BNB", account=account, borrowed="300")
        world.give("USDT", account=account, free="5000000")
    wire = Wire(world)
    pm = world.client(transport=wire)
    other = world.client(key=key_of("b"), budget=pm.budget)
    taken, running = [], []

    def take(step, side):
        if running and (step, side) == (Step.READ_BALANCES, "after") and len(taken) < 2:
            taken.append(other.margin.repay_debt(asset="BNB", amount="1", specify_repay_assets=["USDT"]))

    with world.repayer(pm, trace=take) as repayer:
        plan = repayer.plan("BNB", "150", pay_with=["USDT"])
        running.append(True)
        report = repayer.run(plan)
        states = [line.state for line in report.attempts]

    assert len(taken) == 2
    assert not [record for record in world.exchange.requests if record.status in (418, 429)]
    assert wire.base_age_ms() <= 3_000
    assert (report.exit_code, world.debt("BNB"), world.debt("BNB", account="b")) == (0, 150, 298)
    assert set(states) <= {"EXECUTED", "NOT_SENT"}
    assert len(wire.all(REPAY)) == len(plan.pieces) == states.count("EXECUTED")


@pytest.mark.parametrize(("patience_s", "why"), [(1, "max_wait_s"), (600, "snapshot")])
def test_waiting_for_weight_is_no_failed_try(tmp_path, patience_s, why):
    """The room is taken in between more often than a piece may fail: the plan waits, and does not give up."""
    world = World(tmp_path, accounts=("a", "b"), rate="0")
    for account in ("a", "b"):
        world.give("BNB", account=account, borrowed="300")
        world.give("USDT", account=account, free="5000000")
    pm = world.client(max_wait_s=patience_s)
    other = world.client(key=key_of("b"), budget=pm.budget, max_wait_s=600)
    taken, running = [], []

    def take(step, side):
        if running and (step, side) == (Step.READ_BALANCES, "after") and len(taken) < 4:
            taken.append(other.margin.repay_debt(asset="BNB", amount="1", specify_repay_assets=["USDT"]))

    options = Options(max_tries=2)
    with world.repayer(pm, options=options, trace=take) as repayer:
        plan = repayer.plan("BNB", "10", pay_with=["USDT"])
        running.append(True)
        report = repayer.run(plan)

    assert (report.cause, report.exit_code, world.debt("BNB")) == ("", 0, 290)
    waited = [one.message for one in world.progress if one.kind == "waiting" and why in one.message]
    assert len(waited) > options.max_tries, [one.message for one in world.progress]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_look_that_does_not_show_what_was_confirmed_is_taken_again(world, times):
    """The balance lags behind a confirmed piece: it is looked at again within a minute, and nothing is repaid twice."""
    wire = Wire(world, balance=stale(world, times))
    with world.repayer(world.client(transport=wire)) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))

    behind = wire.looks_behind()
    assert (report.exit_code, world.repaid) == (0, [10])
    assert len(behind) == times + 1
    assert behind[-1].sent_ms - behind[0].sent_ms <= 60_000


@pytest.mark.parametrize("amount", ["10", "150", None], ids=["one piece", "pieces left", "whole debt"])
def test_three_looks_in_vain_stop_the_plan_in_doubt(world, amount):
    """The balance never shows the confirmed piece: UNDECIDED, exit code 5, one piece sent; a true look ends it."""
    world.give("BNB", borrowed="100")
    wire = Wire(world, balance=stale(world, 10**9))
    with world.repayer(world.client(transport=wire)) as repayer:
        report = repayer.run(repayer.plan("BNB", amount, pay_with=["USDT"], key="k"))
        behind, sent = wire.looks_behind(), world.sent
        del wire.hands[BALANCE]
        (resumed,) = repayer.resume("k")

    assert (report.state, report.cause, report.exit_code, sent) == (PlanState.UNDECIDED, "not-shown", 5, 1)
    assert len(behind) == 4
    assert behind[-1].sent_ms - behind[0].sent_ms <= 60_000
    assert resumed.exit_code == 0
    assert sum(world.repaid) == Decimal(amount or 200)


@pytest.mark.parametrize(
    ("shown", "cause"),
    [(False, "not-shown"), (True, "")],
    ids=["the balance stays as it was", "the balance shows it"],
)
def test_a_piece_that_repaid_interest_alone_must_be_shown_too(world, shown, cause):
    """Interest and principal are one debt: the principal stands before and after, and is no sign either way."""
    world.give("BNB", interest="20")
    wire = Wire(world, balance=stale(world, 0 if shown else 10**9))
    with world.repayer(world.client(transport=wire)) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))

    assert (report.cause, report.exit_code, world.sent) == (cause, 0 if shown else 5, 1)
    assert (world.holding("BNB").borrowed, world.holding("BNB").interest) == (100, 10)


@pytest.mark.parametrize(("charged", "cause"), [("0.06", "debt-left"), ("0.2", "not-shown")])
def test_interest_that_is_charged_in_between_is_no_piece_that_is_missing(world, charged, cause):
    """A piece of 0.1 of a debt of 100: an hour's interest may be half of it, and hides no execution."""
    with world.repayer() as repayer:
        repayer.progress = lambda told: (
            world.give("BNB", interest=charged) if told.kind == "executed" else None
        )
        report = repayer.run(repayer.plan("BNB", "0.1", pay_with=["USDT"]))

    assert (report.cause, world.repaid) == (cause, [Decimal("0.1")])
    assert report.exit_code == (7 if cause == "debt-left" else 5)


def test_a_plan_that_stopped_in_doubt_sends_nothing_while_the_look_stays_old(world):
    """Resumed by a fresh process at once, and again: the confirmed piece must be shown before the next one leaves."""
    world.give("BNB", borrowed="100")
    wire = Wire(world, balance=stale(world, 10**9))
    with world.repayer(world.client(transport=wire)) as repayer:
        repayer.run(repayer.plan("BNB", "150", pay_with=["USDT"], key="k"))
    with world.repayer(world.client(transport=wire)) as fresh:
        (resumed,) = fresh.resume("k")

    assert resumed.exit_code == 5
    assert world.sent == 1


@pytest.mark.parametrize("amount", ["75", "74", "80"])
def test_a_listed_borrowing_explains_a_debt_that_did_not_fall(world, amount):
    """Another user borrows about what a piece repaid, and the lists show it: the plan goes on to its end."""
    world.give("BNB", borrowed="100")

    def borrow(told):
        if told.kind == "executed" and told.pieces_done == 1:
            world.stranger().margin.borrow(asset="BNB", amount=amount)

    with world.repayer(progress=borrow) as repayer:
        report = repayer.run(repayer.plan("BNB", "150", pay_with=["USDT"]))

    assert report.exit_code == 0
    assert sum(world.repaid) == 150


DIGITS = 8
UNIT = Decimal(1).scaleb(-DIGITS)


@settings(max_examples=150, deadline=None)
@given(
    debt=st.decimals("0.00000001", "5000", places=8, allow_nan=False),
    share=st.one_of(st.none(), st.decimals("0.01", "1", places=4, allow_nan=False)),
    price=st.sampled_from([Decimal("600"), Decimal("60000"), Decimal("0.9"), Decimal("4999.37")]),
    limit=st.sampled_from([Decimal(49_000), Decimal(600), Decimal("1234.5")]),
)
def test_no_two_pieces_of_a_plan_ask_for_the_same_amount(debt, share, price, limit):
    """Equal pieces differ in their last digits, are legal, come to what was asked, and are no more than needed."""
    goal = None if share is None else (debt * share).quantize(UNIT)
    wanted = debt if goal is None else goal
    if wanted <= 0 or wanted * price / limit > 60 or UNIT * price > limit:
        return
    left, owed, pieces = goal, debt, []
    while (
        step := cut(owed, left, price_usd=price, limit_usd=limit, digits=DIGITS, avoid=seen(pieces))
    ) is not None:
        pieces.append(step)
        owed -= step.expected
        left = None if left is None else left - step.expected
        assert len(pieces) <= 61

    amounts = [step.amount for step in pieces if step.amount is not None]
    assert len(set(amounts)) == len(amounts)
    assert all(amount > 0 and amount == amount.quantize(UNIT) for amount in amounts)
    assert all(step.expected * price <= limit for step in pieces)
    assert sum(step.expected for step in pieces) == wanted
    assert goal is None or None not in [step.amount for step in pieces]
    fewest = -(-wanted * price // limit)
    # One more only where the pieces are too full to differ: each of n pieces may need room for n units.
    tight = wanted + UNIT * len(pieces) ** 2 > limit / price * fewest
    assert len(pieces) <= fewest + tight


def seen(pieces):
    """What was asked before."""
    return frozenset(step.amount for step in pieces if step.amount is not None)


def test_equal_pieces_leave_with_different_amounts(world):
    """What the exchange is asked for differs from piece to piece."""
    world.give("BNB", borrowed="140")
    with world.repayer() as repayer:
        report = repayer.run(repayer.plan("BNB", "240", pay_with=["USDT"]))

    amounts = [line.amount for line in report.attempts]
    assert len(amounts) == len(set(amounts)) == 3
    assert sum(world.repaid) == 240


# Refusals


REFUSALS: dict[str, tuple[int, object]] = {
    "400": (400, {"code": -1102, "msg": "Mandatory parameter was malformed."}),
    "401": (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}),
    "403": (403, b"<html>forbidden</html>"),
    "404": (404, b"<html>not found</html>"),
}
PASSING = {"503": (503, {"code": -1000, "msg": "Service Unavailable."})}


@pytest.mark.parametrize("name", list(REFUSALS))
def test_a_refusal_that_ends_the_run_is_looked_behind(world, name):
    """It is true: the debt stands, the look is kept as evidence, and the exit code is 4."""
    wire = Wire(world, repay_debt=says(*REFUSALS[name], executes=False))
    with world.repayer(world.client(transport=wire)) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))
        (attempt,) = attempts(repayer)
        evidence = repayer.journal.evidence.of(attempt.id)

    assert (report.state, report.exit_code, len(wire.all(REPAY))) == (PlanState.STOPPED, 4, 1)
    assert attempt.state is AttemptState.REJECTED
    assert wire.looks_behind()
    assert evidence
    assert "ot verified" not in str(report)


@pytest.mark.parametrize("name", [*REFUSALS, *PASSING])
def test_a_success_that_lied_about_not_executing_is_settled_like_a_lost_answer(world, name):
    """It refuses and executes: evidence proves it, nothing is sent again, no code means "nothing moved"."""
    status, body = {**REFUSALS, **PASSING}[name]
    wire = Wire(world, repay_debt=says(status, body, executes=True))
    with world.repayer(world.client(transport=wire)) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"], key="k"))
        signs = repayer.journal.evidence.signs(repayer.account)
        (resumed,) = repayer.resume("k")

    assert [line.state for line in report.attempts] == ["PROVEN_EXECUTED"]
    assert report.exit_code in (0, 7)
    assert "refusals-lie" in signs
    assert (resumed.exit_code, world.repaid) == (0, [10])


@pytest.mark.parametrize("name", [*REFUSALS, *PASSING])
def test_a_refusal_that_cannot_be_looked_behind_says_so(world, name):
    """The look is refused as well, and nothing had moved before: exit code 4, and not verified."""
    status, body = {**REFUSALS, **PASSING}[name]
    refused = says(status, body, executes=False, times=99)
    wire = Wire(
        world,
        repay_debt=refused,
        balance=lambda request, go: refused(request, go) if wire.all(REPAY) else go(),
    )
    with world.repayer(world.client(transport=wire)) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))

    assert (report.state, report.exit_code, world.repaid) == (PlanState.STOPPED, 4, [])
    assert "ot verified" in str(report)


@pytest.mark.parametrize("name", list(REFUSALS))
def test_a_refusal_after_money_has_moved_is_not_called_refused(world, name):
    """One piece is executed, the second refused and its look too: the exit code is neither 3 nor 4."""
    status, body = REFUSALS[name]
    refused = says(status, body, executes=False, times=99)

    def second(request, go):
        return refused(request, go) if world.repaid else go()

    def after_that(request, go):
        return refused(request, go) if len(wire.all(REPAY)) > 1 else go()

    wire = Wire(world, repay_debt=second, balance=after_that)
    with world.repayer(world.client(transport=wire)) as repayer:
        report = repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    assert len(world.repaid) == 1
    assert [line.state for line in report.attempts] == ["EXECUTED", "REJECTED"]
    assert report.exit_code in (5, 7)
    assert "Not verified" in str(report)


@pytest.mark.parametrize(
    ("advice", "again"), [("yes-after-backoff", "backoff"), ("after-fixing-request", "never")]
)
def test_a_busy_exchange_is_asked_again_only_where_the_document_advises_it(advice, again):
    """Overload passes by itself; what the request must be mended for does not."""
    error = ExchangeBusy("busy")
    error.retry = advice

    assert failed(error, "attempt").again == again


@pytest.mark.parametrize("lies", [True, False])
@pytest.mark.parametrize("step", [Step.WRITE_OUTCOME, Step.READ_TIME, Step.READ_BALANCES, Step.READ_ROWS])
def test_a_restart_between_a_refusal_and_the_look_behind_it_looks_first(world, lies, step):
    """The process dies right after it wrote REJECTED: the next one looks before it sends anything."""

    def die(at, side):
        if world.refusal_came and at is step and side == "after":
            raise Killed

    def hand(request, go):
        answer = once(request, go)
        world.refusal_came = True
        return answer

    world.refusal_came = False
    once = says(*PASSING["503"], executes=lies)
    with world.repayer(world.client(transport=Wire(world, repay_debt=hand)), trace=die) as repayer:
        plan = repayer.plan("BNB", "10", pay_with=["USDT"], key="k")
        with pytest.raises(Killed):
            repayer.run(plan)
        (attempt,) = attempts(repayer)
        assert attempt.state is AttemptState.REJECTED

    wire = Wire(world)
    with world.repayer(world.client(transport=wire)) as fresh:
        (report,) = fresh.resume("k")
        states = [line.state for line in report.attempts]
        (again,) = fresh.resume("k")

    assert states == (["PROVEN_EXECUTED"] if lies else ["REJECTED", "EXECUTED"])
    assert report.exit_code in ((0, 7) if lies else (0,))
    assert (again.exit_code, world.repaid) == (0, [10])


def test_a_refusal_of_another_plan_is_looked_behind_as_well(world):
    """The one whose refusal was never verified is not the one that is run next: it is looked behind all the same."""
    lies = says(*PASSING["503"], executes=True)

    def die(at, side):
        if (at, side) == (Step.WRITE_OUTCOME, "after"):
            raise Killed

    with world.repayer(world.client(transport=Wire(world, repay_debt=lies)), trace=die) as repayer:
        plan = repayer.plan("BNB", "10", pay_with=["USDT"], key="first")
        with pytest.raises(Killed):
            repayer.run(plan)
    with world.repayer() as fresh:
        fresh.run(fresh.plan("BNB", "20", pay_with=["USDT"], key="second"))
        fresh.resume("first")
        fresh.resume("second")

    assert sorted(world.repaid) == [10, 20]


def test_refusals_that_lied_are_waited_for_from_then_on(world):
    """The account is marked: the look behind the next refusal comes 15 s after it, and sees what came late."""
    wire = Wire(world, repay_debt=says(*REFUSALS["403"], executes=True))
    with world.repayer(world.client(transport=wire)) as repayer:
        repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"], key="a"))
        repayer.resume("a")
        world.clock.advance(60_000)
        wire.hands[REPAY] = says(*REFUSALS["403"], executes=False)
        wire.passed.clear()
        report = repayer.run(repayer.plan("BNB", "20", pay_with=["USDT"], key="b"))

    (refused,) = wire.all(REPAY)
    assert report.exit_code == 4
    assert wire.looks_behind()[0].sent_ms - refused.answered_ms >= 15_000
    assert world.repaid == [10]


@pytest.mark.parametrize("through", ["run", "reconcile"])
def test_a_time_endpoint_that_stands_still_does_not_hold_the_plan_for_ever(world, through):
    """It cannot be known that the request is dead: the plan ends in doubt after a bounded number of questions."""
    stands = {}

    def hand(request, go):
        answer = go()
        if not world.sent:
            return answer
        stands.setdefault("at", json.loads(answer.read())["serverTime"])
        return httpx.Response(200, json={"serverTime": stands["at"]}, request=request)

    world.fault("not_executed_503_unknown")
    wire = Wire(world, time=hand)
    options = Options(reconcile_last=through == "run")
    with world.repayer(world.client(transport=wire), options=options) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"], key="k"))
        if through == "reconcile":
            (settled,) = repayer.reconcile()
            assert not settled.decided
            assert settled.trouble
        del wire.hands[TIME]
        (resumed,) = repayer.resume("k")

    assert (report.state, report.exit_code) == (PlanState.UNDECIDED, 5)
    assert len(wire.all(TIME)) < 100
    assert (resumed.exit_code, world.repaid) == (0, [10])


# Late executions


def late(world: World, *, of: str = "10") -> None:
    """Execute what was asked a long time ago."""
    world.holding("BNB").borrowed -= Decimal(of)
    world.holding("USDT").free -= Decimal(of) * 600


def test_a_debt_that_falls_after_not_executed_stops_the_plan(world):
    """It comes after the proof: nothing is sent again, a person is shown how to correct it, and nothing is left."""
    world.fault("not_executed_503_unknown")

    def arrive(told):
        if told.kind == "proven-not-executed":
            late(world)

    with world.repayer(progress=arrive) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"], key="k"))
        (attempt,) = attempts(repayer)
        signs = repayer.journal.evidence.signs(repayer.account)
        repayer.correct(attempt.id, executed=True, note="in the history, minutes late")
        (resumed,) = repayer.resume("k")

    assert not report
    assert report.exit_code == 5
    assert f"paydown correct {attempt.id} --executed" in str(report)
    assert "late-execution" in signs
    assert world.sent == 1
    assert (resumed.exit_code, resumed.repaid, world.debt("BNB")) == (0, 10, 90)


@pytest.mark.parametrize("how", ["killed", "reconciled", "stopped", "unconnected"])
def test_a_debt_that_falls_after_not_executed_stops_a_plan_that_was_resumed(world, how):
    """The proof was another process's: the look before the piece goes again is held against it all the same."""
    world.fault("not_executed_503_unknown")

    def end(told):
        if told.kind == "proven-not-executed" and how == "unconnected":
            world.fault("connection_refused")
        if told.kind == {"killed": "proven-not-executed", "unconnected": "not-sent"}.get(how):
            raise Killed
        if told.kind == "proven-not-executed" and how == "stopped":
            repayer.stop()

    options = Options(reconcile_last=how != "reconciled")
    with world.repayer(progress=end, options=options) as repayer:
        plan = repayer.plan("BNB", "10", pay_with=["USDT"], key="k")
        if how in ("killed", "unconnected"):
            with pytest.raises(Killed):
                repayer.run(plan)
        else:
            repayer.run(plan)
        if how == "reconciled":
            repayer.reconcile()
        states = [attempt.state.value for attempt in attempts(repayer)]
        assert states == ["PROVEN_NOT_EXECUTED", *(["NOT_SENT"] if how == "unconnected" else [])]
    late(world)
    with world.repayer() as fresh:
        (report,) = fresh.resume("k")

    assert world.sent == 1
    assert report.exit_code == 5


def test_resumed_after_a_person_was_told_of_the_fall_the_plan_goes_on(world):
    """It was another user who repaid: the plan stops once, and resume repays what was asked."""
    world.fault("not_executed_503_unknown")

    def repay(told):
        if told.kind == "proven-not-executed":
            late(world)

    with world.repayer(progress=repay) as repayer:
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"], key="k"))
        repayer.progress = None
        (resumed,) = repayer.resume("k")

    assert (report.exit_code, resumed.exit_code) == (5, 0)
    assert (world.repaid, world.debt("BNB")) == ([10], 80)


# Corrections


def test_a_wrong_not_executed_is_corrected_and_nothing_is_sent(world):
    """A person stated "not executed", and it was: corrected, the plan is done without another request."""
    world.fault("executed_then_503")
    with world.repayer(options=Options(reconcile_last=False)) as repayer:
        plan = repayer.plan("BNB", "10", pay_with=["USDT"], key="k")
        repayer.run(plan)
        world.clock.advance(600_000)
        (attempt,) = repayer.in_doubt
        repayer.settle(attempt.id, executed=False, note="not in the list")
        repayer.correct(attempt.id, executed=True, note="it is there now")
        told = repayer.report("k")
        (report,) = repayer.resume("k")

    assert told.attempts[0].corrected == "executed"
    assert "CORRECTED" in str(told)
    assert told.exit_code not in (3, 4)
    assert (report.exit_code, report.repaid, world.sent) == (0, 10, 1)


@pytest.mark.parametrize("moved", ["4", None])
def test_a_refusal_that_a_person_corrects_counts_what_they_saw(world, moved):
    """REJECTED, and 4 of 10 were repaid after all: resume repays the other 6, or nothing if all was."""
    world.fault("waf_403_html")
    with world.repayer() as repayer:
        repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"], key="k"))
        late(world, of=moved or "10")
        (attempt,) = attempts(repayer)
        repayer.correct(attempt.id, executed=True, note="seen", amount=moved)
        sent = world.sent
        (report,) = repayer.resume("k")

    assert sent == 1
    assert (report.exit_code, report.repaid, world.debt("BNB")) == (0, 10, 90)
    assert world.repaid == ([6] if moved else [])


@pytest.mark.parametrize("later_ms", [60_000, 600_000])
def test_a_done_that_was_not_is_corrected_and_resume_repays_the_rest(world, later_ms):
    """The old key keeps its first report and shows the correction; the same plan sends nothing, resume does."""
    with world.repayer() as repayer:
        plan = repayer.plan("BNB", pay_with=["USDT"], key="k")
        first = repayer.run(plan)
        last = attempts(repayer)[-1]
        gone_back(world, str(world.repaid[-1]))
        world.clock.advance(later_ms)
        for wrong in (None, "1", "50.1"):
            with pytest.raises(PaydownError):
                repayer.correct(last.id, executed=False, note="not in the history", amount=wrong)
        assert repayer.report("k") == first
        repayer.correct(last.id, executed=False, note="not in the history", amount="all")
        asked_again = repayer.run(repayer.plan("BNB", pay_with=["USDT"], key="k"))
        sent = world.sent
        (resumed,) = repayer.resume("k")

    assert sent == 2
    assert replace(asked_again, attempts=first.attempts, overruled=False) == first
    assert [line.corrected for line in asked_again.attempts] == ["", "not executed"]
    assert "CORRECTED" in str(asked_again)
    assert asked_again.exit_code == 7
    assert (resumed.exit_code, world.sent, world.debt("BNB"), resumed.repaid) == (0, 3, 0, 100)


# Exit codes


def _refused(world, repayer):
    world.fault("waf_403_html")
    return repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))


def _never_connected(world, repayer):
    world.fault("connection_refused", times=None)
    return repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))


def _undecided(world, repayer):
    world.fault("not_executed_503_unknown")

    def disturb(told):
        if told.kind == "unknown":
            late(world, of="5")

    repayer.progress = disturb
    return repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))


def _unread(world, repayer):
    plan = repayer.plan("BNB", "10", pay_with=["USDT"])
    world.fault("gateway_502_html_executed", path="/papi/v1/balance", times=None)
    return repayer.run(plan)


def _second_piece(fault, **more):
    def play(world, repayer):
        plan = repayer.plan("BNB", pay_with=["USDT"])
        world.fault(fault, skip=1, **more)
        return repayer.run(plan)

    return play


def _after_the_first_piece(act):
    def play(world, repayer):
        repayer.progress = lambda told: act(world, repayer) if told.kind == "executed" else None
        return repayer.run(repayer.plan("BNB", pay_with=["USDT"]))

    return play


def _stopped_before(world, repayer):
    repayer.progress = lambda told: repayer.stop() if told.kind == "looked" else None
    return repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))


def _drain(world, repayer):
    world.holding("USDT").free = Decimal(1)


def _lost_read(world, repayer):
    world.fault("gateway_502_html_executed", path="/papi/v1/balance", times=None)


ENDS = {
    "done": (0, lambda world, repayer: repayer.run(repayer.plan("BNB", pay_with=["USDT"]))),
    "never connected": (3, _never_connected),
    "stopped before anything left": (3, _stopped_before),
    "refused": (4, _refused),
    "undecided": (5, _undecided),
    "the balance cannot be read": (6, _unread),
    "executed, then refused": (7, _second_piece("waf_403_html")),
    "executed, then refused again and again": (7, _second_piece("service_unavailable_503", times=None)),
    "executed, then never connected": (7, _second_piece("connection_refused", times=None)),
    "executed, then too little to pay": (7, _after_the_first_piece(_drain)),
    "stopped after the first piece": (9, _after_the_first_piece(lambda world, repayer: repayer.stop())),
}


@pytest.mark.parametrize(("code", "play"), list(ENDS.values()), ids=list(ENDS))
def test_the_exit_code_says_what_became_of_the_money(world, code, play):
    """Each row of the definitions, played: what left, what moved, and whether anything is in doubt."""
    with world.repayer() as repayer:
        report = play(world, repayer)
        assert repayer.report(report.plan_key).exit_code == code

    assert report.exit_code == code
    assert bool(report) is (code == 0)
    if code in (3, 4, 6):
        assert world.repaid == []
    if code in (7, 9):
        assert len(world.repaid) == 1


def test_a_debt_that_cannot_be_read_after_the_last_piece_is_in_doubt(world):
    """An error at the look that would show DONE: something has left and it is not known what is owed."""
    with world.repayer() as repayer:
        repayer.progress = lambda told: _lost_read(world, repayer) if told.kind == "executed" else None
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"], key="k"))
        world.exchange.faults.disarm()
        (resumed,) = repayer.resume("k")

    assert report.exit_code == 5
    assert (resumed.exit_code, world.repaid) == (0, [10])


def test_nothing_owed_ends_with_8(world):
    """Nothing to do is neither done nor refused."""
    with world.repayer() as repayer, pytest.raises(PlanRefused) as caught:
        repayer.plan("ETH", pay_with=["USDT"])

    assert caught.value.exit_code == 8


def test_what_was_proven_not_executed_has_left(world):
    """Stopped right after the proof: nothing moved, yet code 3 would say that nothing left this machine."""
    world.fault("not_executed_503_unknown")
    with world.repayer() as repayer:
        repayer.progress = lambda told: repayer.stop() if told.kind == "proven-not-executed" else None
        report = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"]))

    assert [line.state for line in report.attempts] == ["PROVEN_NOT_EXECUTED"]
    assert (report.cause, report.exit_code) == ("stop-requested", 4)


STATES = [state.value for state in AttemptState]
STOPS = ["stop-requested", "refused", "read-failed", "not-sent", "contradiction", "debt-left", "not-run"]


def a_report(state: PlanState, cause: str, lines: list[tuple[str, str]]) -> Report:
    """A report over attempts in these states, some of them corrected."""
    attempts_of = tuple(
        AttemptLine(f"a{number}", number, Decimal(1), at, None, 1, "", corrected)
        for number, (at, corrected) in enumerate(lines, 1)
    )
    zero = Decimal(0)
    return Report("k", "BNB", None, state, cause, "", Decimal(9), None, zero, 1, attempts_of, 0, 1, 2)


REPORTS = st.builds(
    a_report,
    st.sampled_from([PlanState.DONE, PlanState.STOPPED, PlanState.UNDECIDED, PlanState.RUNNING]),
    st.sampled_from(STOPS),
    st.lists(
        st.tuples(st.sampled_from(STATES), st.sampled_from(["", "", "executed", "not executed"])), max_size=4
    ),
)


@pytest.mark.parametrize(
    ("cause", "lines", "alone"),
    [("not-sent", [], 3), ("refused", [("REJECTED", "")], 4), ("read-failed", [], 6)],
)
def test_no_code_that_denies_it_ends_plans_of_which_one_has_moved_money(cause, lines, alone):
    """One plan is done and the other did nothing: the code of the second one would be a lie about the first."""
    done = a_report(PlanState.DONE, "", [("EXECUTED", "")])
    idle = a_report(PlanState.STOPPED, cause, lines)

    assert exit_code_of([idle]) == alone
    assert exit_code_of([done, idle]) == exit_code_of([idle, done]) == 7


@settings(max_examples=300, deadline=None)
@given(st.lists(REPORTS, max_size=4))
def test_the_exit_code_of_several_plans_is_the_one_that_matters_most(reports):
    """5 before 7, 9, 6, 4, 3, 8, 0; never 3 or 4 where money moved; 0 only if everything is done."""
    codes = [report.exit_code for report in reports]
    code = exit_code_of(reports)
    moved = any(line.paid for report in reports for line in report.attempts)

    for report, one in zip(reports, codes, strict=True):
        opened = any(line.state in ("INTENT", "UNKNOWN") for line in report.attempts)
        assert one in IN_ORDER
        assert not opened or one == 5
        # Of a plan that runs the next piece may be on its way, whatever its attempts are known to be.
        assert report.state not in (PlanState.RUNNING, PlanState.UNDECIDED) or one == 5
        assert not report.moved or one not in (3, 4, 6, 8)
        assert one != 0 or report.state is PlanState.DONE
    first = next((one for one in IN_ORDER if one in codes), 0)
    assert code == (7 if moved and first in (6, 4, 3) else first)


@pytest.mark.parametrize("order", list(itertools.permutations(["moved", "stopped", "refused"])))
def test_several_real_plans_end_with_one_code(world, order):
    """In any order, a plan that moved money keeps the code from being 3 or 4."""
    play = {
        "moved": lambda: repayer.run(repayer.plan("BNB", "5", pay_with=["USDT"], key="moved")),
        "stopped": lambda: _stopped_with_key(repayer),
        "refused": lambda: _refused_with_key(world, repayer),
    }
    with world.repayer() as repayer:
        reports = [play[name]() for name in order]

    assert sorted(report.exit_code for report in reports) == [0, 3, 4]
    assert exit_code_of(reports) == 7
    assert exit_code_of([one for one in reports if one.plan_key != "moved"]) == 4


def _stopped_with_key(repayer):
    repayer.progress = lambda told: repayer.stop() if told.kind == "looked" else None
    report = repayer.run(repayer.plan("BNB", "6", pay_with=["USDT"], key="stopped"))
    repayer.progress = None
    return report


def _refused_with_key(world, repayer):
    world.fault("waf_403_html")
    return repayer.run(repayer.plan("BNB", "7", pay_with=["USDT"], key="refused"))


def test_resume_of_several_plans_keeps_every_report(world):
    """The first plan is finished, the second ends in doubt: both are reported, and the code is 5."""
    with world.repayer() as repayer:
        _stopped_with_key(repayer)
        repayer.progress = lambda told: repayer.stop() if told.kind == "looked" else None
        repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"], key="second"))

        def disturb(told):
            if told.plan_key == "second" and told.kind == "unknown":
                late(world, of="5")

        world.fault("not_executed_503_unknown", skip=1)
        repayer.progress = disturb
        reports = repayer.resume()

    assert [report.exit_code for report in reports] == [0, 5]
    assert exit_code_of(reports) == 5
    assert world.repaid == [6]


@pytest.mark.parametrize("awaited", [False, True])
def test_a_plan_behind_one_in_doubt_waits_for_it(world, awaited):
    """The first one ends in doubt, so the second is not even begun: the code is 5, and the first report is kept."""
    with world.repayer() as repayer:
        _stopped_with_key(repayer)
        repayer.progress = lambda told: repayer.stop() if told.kind == "looked" else None
        before = repayer.run(repayer.plan("BNB", "10", pay_with=["USDT"], key="second"))
    world.fault("not_executed_503_unknown")
    seen = []

    def disturb(told):
        seen.append(told.plan_key)
        if told.kind == "unknown":
            late(world, of="3")

    async def sleep(seconds):
        world.sleep(seconds)

    async def scenario():
        client = world.async_client(sleep=sleep)
        async with client, world.async_repayer(client, sleep=sleep) as repayer:
            repayer.progress = disturb
            return await repayer.resume(), repayer.report("second")

    if awaited:
        reports, second = asyncio.run(scenario())
    else:
        with world.repayer(progress=disturb) as repayer:
            reports, second = repayer.resume(), repayer.report("second")

    assert [report.plan_key for report in reports] == ["stopped"]
    assert set(seen) == {"stopped"}
    assert (exit_code_of(reports), second) == (5, before)
    assert world.sent == 1
