"""The minute of the exchange on virtual time, with its double in process: nothing is wasted, nothing is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from paydown import BudgetExceeded
from paydown.budget import Limit, Reservation, Weight
from paydown.clock import ExchangeClock
from paydown_wire.error_codes import CLOCKS
from tests.client.support.internet import Internet, repay
from tests.client.support.kit import REPAY


@pytest.mark.parametrize("window", ["fixed", "sliding"])
def test_the_first_two_repayments_of_a_new_client_share_its_first_minute(window):
    """
    3000 and 3000 are exactly 6000. The time is asked of a neighbour, whose counter is another one, so that
    the second repayment need not wait a minute for the weight of a clock.
    """
    internet = Internet()
    internet.sandbox.choose(limit_window=window)
    pm = internet.client()

    repay(pm, 2)

    assert internet.time.elapsed_ms < 2_000
    assert internet.clocks_asked == [CLOCKS[1]]
    repay(pm, 1)
    assert 60_000 < internet.time.elapsed_ms < 63_000
    assert internet.limited() == []


@pytest.mark.parametrize("window", ["fixed", "sliding"])
def test_twenty_repayments_go_out_two_a_minute_while_the_clock_is_refreshed(window):
    """Ten pairs need nine waits of a minute and its guard; no refresh of the clock costs another."""
    internet = Internet()
    internet.sandbox.choose(limit_window=window)
    time = internet.time
    clock = ExchangeClock(CLOCKS, refresh_ms=60_000, stale_ms=90_000, ticks=time.ticks, wall=time.now_ms)

    repay(internet.client(clock), 20)

    assert 9 * 60_000 < time.elapsed_ms < 10 * 60_000
    assert len(internet.clocks_asked) >= 5
    assert internet.limited() == []
    assert internet.sandbox.debt("BNB") == Decimal("99.8")


@pytest.mark.parametrize("window", ["fixed", "sliding"])
def test_where_there_is_one_clock_only_its_weight_delays_one_repayment_once(window):
    """At an address of its own an exchange has no neighbours: 1 + 6000 is too much for one minute, but only once."""
    internet = Internet()
    internet.sandbox.choose(limit_window=window)
    time = internet.time
    clock = ExchangeClock(["http://127.0.0.1:8087/papi/v1/time"], ticks=time.ticks, wall=time.now_ms)

    repay(internet.client(clock, base_url="http://127.0.0.1:8087"), 20)

    assert time.elapsed_ms < 11 * 60_000
    assert len(internet.clocks_asked) == 1
    assert internet.limited() == []


def test_the_own_clock_is_asked_where_its_weight_takes_nothing_away():
    """After a read of weight 20 a second repayment does not fit anyway."""
    internet = Internet()

    pm = internet.client()
    pm.account.balance()
    repay(pm, 1)

    assert internet.clocks_asked == [CLOCKS[0]]


def test_the_own_clock_is_asked_when_no_neighbour_answers():
    """A firewall may know one host only: the repayment goes on."""
    internet = Internet(neighbours_up=False)

    repay(internet.client(), 1)

    assert internet.clocks_asked == [*CLOCKS[1:], CLOCKS[0]]


def test_the_own_clock_is_asked_after_a_refused_timestamp():
    """A neighbour whose clock is wrong cannot make the repeated request wrong, too."""
    internet = Internet(neighbours_ahead_ms=7_000)

    repay(internet.client(), 1)

    assert internet.clocks_asked == [CLOCKS[1], CLOCKS[0]]
    statuses = [one["status"] for one in internet.sandbox.requests("POST", REPAY)]
    assert statuses == [400, 200]


@pytest.mark.parametrize("ahead_ms", [-90, 0, 90])
def test_a_neighbours_clock_never_puts_ours_ahead_of_the_exchange(ahead_ms):
    """Hosts differ a little: what is allowed for that is taken off, and shown as part of the error."""
    internet = Internet(neighbours_ahead_ms=ahead_ms)
    pm = internet.client()
    clock = pm.clock
    assert isinstance(clock, ExchangeClock)

    repay(pm, 1)

    behind = internet.time.now_ms() - clock.now_ms()
    assert clock.error_ms is not None
    assert 0 <= behind <= clock.error_ms


def test_a_refresh_of_the_clock_that_is_not_urgent_waits_for_no_room():
    """The minute is used up to the last unit but the read's own: the read goes, the refresh another time."""
    internet = Internet()
    time = internet.time
    clock = ExchangeClock(
        ["http://127.0.0.1:8087/papi/v1/time"], refresh_ms=1_000, ticks=time.ticks, wall=time.now_ms
    )
    pm = internet.client(clock, base_url="http://127.0.0.1:8087")
    pm.account.balance()  # 1 + 20
    time.elapsed_ms += 70_000
    limit = Limit("ip-weight", 6_000, 60_000)
    rest = pm.budget.acquire([Weight(limit, 5_980)], timeout_ms=0)
    assert isinstance(rest, Reservation)
    pm.budget.release(rest)

    before = time.elapsed_ms
    pm.account.balance()

    assert time.elapsed_ms - before < 1_000
    assert len(internet.clocks_asked) == 1


def test_asking_for_the_time_and_waiting_for_room_share_one_longest_wait():
    """`max_wait_s` is per call: the clock waits 31 s for its weight, and the repayment would wait 30 s more."""
    internet = Internet()
    time = internet.time
    clock = ExchangeClock(["http://127.0.0.1:8087/papi/v1/time"], ticks=time.ticks, wall=time.now_ms)
    pm = internet.client(clock, base_url="http://127.0.0.1:8087", max_wait_s=40)
    limit = Limit("ip-weight", 6_000, 60_000)
    for weight, at_ms in ((2_000, 0), (4_000, 30_000)):
        time.elapsed_ms = at_ms
        taken = pm.budget.acquire([Weight(limit, weight)], timeout_ms=0)
        assert isinstance(taken, Reservation)
        pm.budget.release(taken)

    with pytest.raises(BudgetExceeded) as caught:
        repay(pm, 1)

    assert len(internet.clocks_asked) == 1
    assert 61_000 <= time.elapsed_ms < 63_000
    assert caught.value.wait_s is not None
    assert 25 < caught.value.wait_s < 35
