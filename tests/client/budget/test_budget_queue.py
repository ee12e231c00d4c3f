"""A repayment's room is not eaten by polls, and polls are not stopped where they do no harm."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paydown.budget import Limit, MemoryBudget, Priority, Reservation, Rules, Wait, Weight

WEIGHT = Limit("ip-weight", 6_000, 60_000)
TIMEOUT_MS = 13_000
KEEP_MS = 61_000  # interval and guard


class Ticks:
    """Milliseconds that a test moves by hand."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


class Desk:
    """One budget, asked in short words."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.ticks = Ticks()
        self.budget = MemoryBudget(rules, ticks=self.ticks)

    def ask(self, cost: int, priority: Priority, place: int | None = None, max_wait_ms: int | None = None):
        return self.budget.acquire(
            (Weight(WEIGHT, cost),),
            timeout_ms=TIMEOUT_MS,
            priority=priority,
            place=place,
            max_wait_ms=max_wait_ms,
        )

    def write(self, cost: int = 3_000, **more) -> Reservation | Wait:
        return self.ask(cost, Priority.WRITE, **more)

    def read(self, cost: int = 20, **more) -> Reservation | Wait:
        return self.ask(cost, Priority.READ, **more)

    def done(self, answer: Reservation | Wait) -> None:
        assert isinstance(answer, Reservation), answer
        self.budget.release(answer)

    def pass_ms(self, ms: int) -> None:
        self.ticks.now_ms += ms


def test_a_poll_does_not_take_the_room_that_a_repayment_waits_for():
    """A poll that fits now but would still be counted when the repayment's turn comes has to wait."""
    desk = Desk()
    desk.done(desk.write(2_000))
    desk.pass_ms(10_000)
    desk.done(desk.write(3_000))
    repayment = desk.write()
    assert isinstance(repayment, Wait)

    # 1000 are free now. When the 2000 expire, 3000 + 3000 is all that fits.
    poll = desk.read(20, max_wait_ms=0)

    assert isinstance(poll, Wait)
    assert (poll.reason, poll.window) == ("queue", "ip-weight")
    desk.pass_ms(KEEP_MS - 10_000)
    assert isinstance(desk.write(place=repayment.place), Reservation)


def test_a_poll_passes_a_waiting_repayment_that_it_does_not_delay():
    """With room beyond what the repayment will need, polling goes on while it waits."""
    desk = Desk()
    desk.done(desk.write(5_000))
    repayment = desk.write()
    assert isinstance(repayment, Wait)

    # When the 5000 expire, 3000 will be for the repayment and 3000 for whoever came before.
    desk.pass_ms(500)
    desk.done(desk.read(1_000))
    desk.pass_ms(repayment.wait_ms - 500)

    assert isinstance(desk.write(place=repayment.place), Reservation)


def test_polling_goes_on_while_a_repayment_waits_for_the_one_before_it():
    """
    A repayment that could go a moment before the one ahead of it expires, if all polling stopped, leaves polls
    alone: they cost it seconds, and stopping would cost them a minute.
    """
    desk = Desk()
    desk.done(desk.read())
    desk.pass_ms(2_000)
    desk.done(desk.write())
    second = desk.write()
    assert isinstance(second, Wait)
    assert second.wait_ms == KEEP_MS - 2_000
    asked = desk.ticks.now_ms
    while isinstance(second, Wait):
        desk.done(desk.read())
        desk.pass_ms(second.recheck_ms)
        second = desk.write(place=second.place)

    assert desk.ticks.now_ms == asked + KEEP_MS


def test_room_is_kept_for_a_repayment_that_has_not_come_back_for_it():
    """When the minute has passed, a poll may use the rest but not what the repayment is about to take."""
    desk = Desk()
    desk.done(desk.write(6_000))
    repayment = desk.write()
    for _ in range(60):
        assert isinstance(repayment, Wait)
        desk.pass_ms(1_000)
        repayment = desk.write(place=repayment.place)
    assert isinstance(repayment, Wait)
    desk.pass_ms(1_000)  # 6000 are free now

    desk.done(desk.read(3_000))
    poll = desk.read(20)

    assert isinstance(poll, Wait)
    assert poll.reason == "queue"
    assert isinstance(desk.write(place=repayment.place), Reservation)


def test_a_small_write_does_not_overtake_a_large_one():
    """Equal priority is served in order: small repayments cannot starve a large one."""
    desk = Desk()
    desk.done(desk.write(3_500))
    desk.pass_ms(1_000)
    desk.done(desk.write(500))
    large = desk.write(5_000)
    assert isinstance(large, Wait)

    small = desk.write(750)

    assert isinstance(small, Wait)
    assert (small.reason, small.window) == ("queue", "ip-weight")
    due = desk.ticks.now_ms + large.wait_ms
    while desk.ticks.now_ms < due:
        assert isinstance(large, Wait)
        assert isinstance(small, Wait)
        desk.pass_ms(1_000)
        small = desk.write(750, place=small.place)
        large = desk.write(5_000, place=large.place)
    assert isinstance(small, Wait)
    assert isinstance(large, Reservation)


def test_waiting_calls_of_equal_priority_are_served_in_order():
    """The one that began to wait first goes first, however often the other asks."""
    desk = Desk()
    desk.done(desk.write(6_000))
    first = desk.write(4_000)
    second = desk.write(4_000)
    assert isinstance(first, Wait)
    assert isinstance(second, Wait)
    for _ in range(60):
        desk.pass_ms(1_000)
        second = desk.write(4_000, place=second.place)
        first = desk.write(4_000, place=first.place)
        assert isinstance(first, Wait)
        assert isinstance(second, Wait)
    desk.pass_ms(1_000)

    assert isinstance(desk.write(4_000, place=second.place), Wait)
    assert isinstance(desk.write(4_000, place=first.place), Reservation)


def test_a_repayment_goes_before_a_read_that_waited_longer():
    """Priority comes before the order of arrival."""
    desk = Desk()
    desk.done(desk.write(6_000))
    read = desk.read(4_000)
    write = desk.write(4_000)
    assert isinstance(read, Wait)
    assert isinstance(write, Wait)
    for _ in range(61):
        desk.pass_ms(1_000)
        read = desk.read(4_000, place=read.place)
        assert isinstance(read, Wait)
        if desk.ticks.now_ms < 1_000_000 + KEEP_MS:
            write = desk.write(4_000, place=write.place)

    assert isinstance(desk.write(4_000, place=write.place), Reservation)


@pytest.mark.parametrize("how", ["leaves", "is silent"])
def test_a_place_is_free_again_when_its_owner_is_gone(how):
    """A caller that gives up, or dies, blocks the queue for seconds at most."""
    desk = Desk()
    desk.done(desk.write())
    gone = desk.write(5_000)
    assert isinstance(gone, Wait)
    assert gone.place is not None
    assert isinstance(desk.write(3_000, max_wait_ms=0), Wait)

    if how == "leaves":
        desk.budget.leave(gone.place)
    else:
        desk.pass_ms(4_000)

    assert isinstance(desk.write(3_000), Reservation)


def test_a_standing_reserve_keeps_room_for_writes_only():
    """Reads share what is left beside the reserve; writes may use all of it, and do not lock reads out."""
    desk = Desk(Rules(read_reserve={"ip-weight": 3_000}))
    desk.done(desk.write())  # counts against nobody's share but the total
    for _ in range(150):
        desk.done(desk.read(20))

    full = desk.read(20, max_wait_ms=0)

    assert isinstance(full, Wait)
    assert full.wait_ms == KEEP_MS
    with pytest.raises(ValueError, match="never fits into 3000"):
        desk.read(3_001)


def test_a_standing_reserve_lets_a_repayment_go_after_any_polling():
    """However much was polled, one repayment fits at once."""
    desk = Desk(Rules(read_reserve={"ip-weight": 3_000}))
    polled = 0
    while isinstance(answer := desk.read(20, max_wait_ms=0), Reservation):
        desk.budget.release(answer)
        polled += 20

    assert polled == 3_000
    assert isinstance(desk.write(), Reservation)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    cost=st.sampled_from([750, 3_000, 6_000]),
    grace_ms=st.sampled_from([0, 5_000]),
)
def test_reads_delay_a_waiting_write_by_no_more_than_the_rule(seed, cost, grace_ms):
    """A write goes when it was first told it could, or so much later, however many reads come in between."""
    rng = random.Random(seed)
    desk = Desk(Rules(read_may_delay_ms=grace_ms))
    for _ in range(rng.randint(1, 40)):
        desk.pass_ms(rng.randint(0, 3_000))
        answer = desk.ask(rng.choice([1, 20, 750, 3_000]), rng.choice(list(Priority)), max_wait_ms=0)
        if isinstance(answer, Reservation):
            desk.budget.release(answer)
    answer = desk.write(cost)
    if isinstance(answer, Reservation):
        return
    latest = desk.ticks.now_ms + answer.wait_ms + grace_ms
    while isinstance(answer, Wait):
        assert desk.ticks.now_ms < latest
        for _ in range(rng.randint(0, 4)):
            read = desk.read(rng.choice([1, 20, 50, 500]), max_wait_ms=0)
            if isinstance(read, Reservation):
                desk.budget.release(read)
        desk.pass_ms(min(answer.recheck_ms, latest - desk.ticks.now_ms))
        answer = desk.write(cost, place=answer.place)
