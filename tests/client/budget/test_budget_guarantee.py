"""No window on the exchange's side is ever exceeded, and nothing waits longer than that takes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paydown.budget import (
    Budget,
    Limit,
    MemoryBudget,
    Priority,
    Reservation,
    Rules,
    Wait,
    Weight,
    gate_pause_ms,
)
from paydown.call.retry import retry_after_s
from paydown.clock import ExchangeClock

WEIGHT = Limit("ip-weight", 6_000, 60_000)
ORDERS = Limit("orders", 1_200, 60_000)
REPAY = (Weight(WEIGHT, 3_000),)
BALANCE = (Weight(WEIGHT, 20),)
GUARD_MS = Rules().guard_ms
TIMEOUT_MS = 13_000


@dataclass
class Exchange:
    """The other side, written from the documents alone: it counts when it likes and forgets nothing."""

    limit: int = 6_000
    interval_ms: float = 60_000
    events: list[tuple[float, int]] = field(default_factory=list)

    def count(self, at_ms: float, weight: int) -> None:
        self.events.append((at_ms, weight))

    def most_in_any_window(self) -> int:
        """The fullest window of one interval, both ends included. Every clock minute is such a window."""
        events = sorted(self.events)
        most = held = first = 0
        for at, weight in events:
            held += weight
            while at - events[first][0] > self.interval_ms:
                held -= events[first][1]
                first += 1
            most = max(most, held)
        return most

    def sliding(self, at_ms: float) -> int:
        """What a sliding minute shows at a moment."""
        return sum(weight for at, weight in self.events if at_ms - self.interval_ms < at <= at_ms)

    def fixed(self, at_ms: float, phase_ms: float = 0) -> int:
        """What a clock minute shows at a moment."""
        begin = (at_ms - phase_ms) // self.interval_ms * self.interval_ms + phase_ms
        return sum(weight for at, weight in self.events if begin <= at <= at_ms)


class Ticks:
    """Milliseconds that a test moves by hand."""

    def __init__(self, now_ms: int = 1_000_000) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def granted(answer: Reservation | Wait) -> Reservation:
    assert isinstance(answer, Reservation), answer
    return answer


def waiting(answer: Reservation | Wait) -> Wait:
    assert isinstance(answer, Wait), answer
    return answer


def acquire(budget: Budget, weights=REPAY, priority=Priority.WRITE, **more) -> Reservation | Wait:
    return budget.acquire(weights, timeout_ms=TIMEOUT_MS, priority=priority, **more)


# ------------------------------------------------------------------------------------- never too much


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    sizes=st.lists(st.sampled_from([1, 20, 50, 750, 3_000]), min_size=1, max_size=4),
    gap_ms=st.sampled_from([1, 30, 400, 5_000]),
    latency_ms=st.sampled_from([1, 500, 13_000]),
    lost=st.sampled_from([0.0, 0.2]),
    drift=st.sampled_from([1 - 1e-4, 1, 1 + 1e-4]),
    whole_seconds=st.booleans(),
    header=st.sampled_from([None, "sliding", "fixed"]),
)
def test_no_window_is_ever_exceeded(seed, sizes, gap_ms, latency_ms, lost, drift, whole_seconds, header):
    """
    Calls of any size with any latency, counted at any moment between sending and answering, some of them lost
    and counted later still, by an exchange whose clock drifts or counts in whole seconds, never fill
    any window of a minute beyond the limit.
    """
    rng = random.Random(seed)
    ticks = Ticks()
    exchange = Exchange()
    clock = ExchangeClock(
        ["https://papi.test/time"], ticks=ticks, wall=lambda: ticks.now_ms + 1_700_000_000_000
    )
    clock.accept(ticks.now_ms, ticks.now_ms, 1_700_000_000_000 + ticks.now_ms)
    budget = MemoryBudget(clock=clock, ticks=ticks)
    flying: list[tuple[int, Reservation, str]] = []
    admitted = 0
    for _ in range(400):
        ticks.now_ms += rng.randint(1, gap_ms * 2)
        while flying and flying[0][0] <= ticks.now_ms:
            at, reservation, ended = flying.pop(0)
            now, ticks.now_ms = ticks.now_ms, max(at, reservation.acquired_ms)
            shown = getattr(exchange, header)(at * drift) if header and ended == "answered" else None
            budget.release(reservation, ended=ended, used={} if shown is None else {"ip-weight": shown})
            ticks.now_ms = now
        cost = rng.choice(sizes)
        answer = acquire(budget, (Weight(WEIGHT, cost),), rng.choice(list(Priority)))
        if isinstance(answer, Wait):
            if rng.random() < 0.5:
                ticks.now_ms += answer.recheck_ms
            continue
        admitted += cost
        took = rng.randint(0, latency_ms)
        ended = "lost" if rng.random() < lost else "answered"
        late = rng.randint(0, took) + (rng.randint(0, Rules().lost_ms) if ended == "lost" else 0)
        counted = (ticks.now_ms + late) * drift
        exchange.count(counted - counted % 1_000 if whole_seconds else counted, cost)
        flying.append((ticks.now_ms + took, answer, ended))
        flying.sort(key=lambda entry: entry[0])

    assert admitted > 0
    assert exchange.most_in_any_window() <= exchange.limit


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32), kind=st.sampled_from(["sliding", "fixed"]), ahead_ms=st.integers(0, 59_999)
)
def test_a_header_never_invents_other_users(seed, kind, ahead_ms):
    """With nobody else behind the IP, no header of either kind of exchange is taken for foreign use."""
    rng = random.Random(seed)
    ticks = Ticks()
    epoch = (
        1_700_000_040_000 + ahead_ms
    )  # the exchange's time at tick 0; whole minutes are multiples of 60 000
    exchange = Exchange()
    clock = ExchangeClock(["https://papi.test/time"], ticks=ticks, wall=lambda: ticks.now_ms + epoch)
    clock.accept(ticks.now_ms, ticks.now_ms, epoch + ticks.now_ms)
    budget = MemoryBudget(clock=clock, ticks=ticks)
    flying: list[tuple[int, Reservation, int]] = []
    for _ in range(300):
        ticks.now_ms += rng.choice([1, 50, 700, 4_000])
        while flying and flying[0][0] <= ticks.now_ms:
            at, reservation, shown = flying.pop(0)
            now, ticks.now_ms = ticks.now_ms, at
            budget.release(reservation, used={"ip-weight": shown})
            ticks.now_ms = now
            assert budget.snapshot().windows[0].foreign == 0
        cost = rng.choice([1, 20, 3_000])
        answer = acquire(budget, (Weight(WEIGHT, cost),))
        if isinstance(answer, Reservation):
            took = rng.choice([0, 10, 300, 2_000])
            exchange.count(epoch + ticks.now_ms + rng.randint(0, took), cost)
            counted = exchange.events[-1][0]
            exchange.events.sort()
            flying.append((ticks.now_ms + took, answer, getattr(exchange, kind)(counted)))
            flying.sort(key=lambda entry: entry[0])


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    cost=st.sampled_from([20, 750, 3_000]),
)
def test_other_users_that_were_seen_are_left_room_for(seed, cost):
    """When an answer of ours shows every foreign use, none of our own calls goes over the limit."""
    rng = random.Random(seed)
    ticks = Ticks()
    exchange = Exchange(interval_ms=60_000 + GUARD_MS)  # one that uses all the slack that the guard allows
    budget = MemoryBudget(ticks=ticks)

    def call(weight: int) -> None:
        answer = acquire(budget, (Weight(WEIGHT, weight),))
        if isinstance(answer, Reservation):
            exchange.count(ticks.now_ms, weight)
            shown = exchange.sliding(ticks.now_ms)
            assert shown <= exchange.limit, "this call would have earned a 429"
            budget.release(answer, used={"ip-weight": shown})

    for _ in range(200):
        ticks.now_ms += rng.choice([1_000, 5_000, 20_000])
        room = exchange.limit - exchange.sliding(ticks.now_ms)
        probe = acquire(budget, (Weight(WEIGHT, 1),))
        if rng.random() < 0.3 and room > 1 and isinstance(probe, Reservation):
            exchange.count(ticks.now_ms, rng.randint(1, room - 1))  # somebody else
            exchange.count(ticks.now_ms, 1)
            budget.release(probe, used={"ip-weight": exchange.sliding(ticks.now_ms)})
        elif isinstance(probe, Reservation):
            budget.release(probe, ended="not-sent")
        call(cost)


# ------------------------------------------------------------------------------------- never too late


def test_two_repayments_go_at_once_and_the_third_when_the_minute_allows():
    """The third 3000 leaves exactly one interval and the guard after the first one's answer."""
    ticks = Ticks()
    budget = MemoryBudget(ticks=ticks)
    first = granted(acquire(budget))
    ticks.now_ms += 700
    budget.release(first)
    answered = ticks.now_ms
    ticks.now_ms += 5_000
    budget.release(granted(acquire(budget)))

    third = waiting(acquire(budget))
    assert third.wait_ms == answered + 60_000 + GUARD_MS - ticks.now_ms
    assert (third.reason, third.window, third.refused) == ("spent", "ip-weight", False)

    ticks.now_ms = answered + 60_000 + GUARD_MS - 1
    place = waiting(acquire(budget)).place
    ticks.now_ms += 1
    granted(acquire(budget, place=place))


def test_calls_that_end_together_expire_with_the_last_of_them():
    """Two calls of the same moment share an entry, which is never given back before the later one's time."""
    ticks = Ticks(61_000 * 20)
    budget = MemoryBudget(ticks=ticks)
    budget.release(granted(acquire(budget)))
    ticks.now_ms += 200
    budget.release(granted(acquire(budget)))

    assert waiting(acquire(budget, max_wait_ms=0)).wait_ms == 60_000 + GUARD_MS


def test_costs_are_exact_to_the_last_unit():
    """6000 is reached and 6001 is not."""
    budget = MemoryBudget(ticks=Ticks())
    granted(acquire(budget))
    granted(acquire(budget, (Weight(WEIGHT, 2_999),)))
    waiting(acquire(budget, (Weight(WEIGHT, 2),)))
    granted(acquire(budget, (Weight(WEIGHT, 1),)))

    assert budget.snapshot().windows[0].used == 6_000


def test_steady_demand_reaches_the_ceiling():
    """Under constant demand of small calls every minute carries the full limit, but for guard and slots."""
    ticks = Ticks()
    budget = MemoryBudget(ticks=ticks)
    exchange = Exchange()
    begin = ticks.now_ms
    while ticks.now_ms < begin + 600_000:
        answer = acquire(budget, BALANCE, Priority.READ)
        if isinstance(answer, Reservation):
            exchange.count(ticks.now_ms, 20)
            budget.release(answer)
            ticks.now_ms += 5
        else:
            ticks.now_ms += answer.recheck_ms

    assert exchange.most_in_any_window() == 6_000
    assert sum(weight for _, weight in exchange.events) >= 0.97 * 6_000 * 10


def test_a_call_that_never_left_frees_its_room_at_once():
    """A connection that failed before a byte was written costs nothing."""
    budget = MemoryBudget(ticks=Ticks())
    granted(acquire(budget))
    second = granted(acquire(budget))
    waiting(acquire(budget, max_wait_ms=0))

    budget.release(second, ended="not-sent")

    granted(acquire(budget))


def test_a_lost_call_is_held_longer_than_an_answered_one():
    """A request whose answer was lost may be counted after its caller gave up."""
    ticks = Ticks()
    budget = MemoryBudget(ticks=ticks)
    for ended in ("lost", "answered"):
        budget.release(granted(acquire(budget)), ended=ended)

    ticks.now_ms += 60_000 + GUARD_MS
    budget.release(granted(acquire(budget)))
    assert waiting(acquire(budget)).wait_ms == Rules().lost_ms


def test_the_tickets_of_a_dead_process_expire():
    """A reservation that nobody settles counts as answered as late as possible, then its room comes back."""
    ticks = Ticks()
    budget = MemoryBudget(ticks=ticks)
    granted(acquire(budget))
    granted(acquire(budget))
    rules = Rules()
    longest = rules.send_within_ms + TIMEOUT_MS + rules.lost_ms + 60_000 + rules.guard_ms

    ticks.now_ms += longest - 1
    waiting(acquire(budget, max_wait_ms=0))
    ticks.now_ms += 1
    granted(acquire(budget))


def test_a_ticket_goes_stale_and_a_late_settle_still_counts():
    """A process that stood still must ask again; if it sent all the same, the call is held from its end."""
    ticks = Ticks()
    budget = MemoryBudget(ticks=ticks)
    reservation = granted(acquire(budget))
    ticks.now_ms += Rules().send_within_ms
    assert budget.may_send(reservation)
    ticks.now_ms += 1
    assert not budget.may_send(reservation)

    ticks.now_ms += 600_000
    budget.release(reservation)
    budget.release(reservation)  # the second time does nothing

    assert budget.snapshot().windows[0].used == 3_000
    assert not budget.may_send(reservation)


def test_a_call_that_would_wait_too_long_is_refused_with_the_time():
    """Beyond max_wait nothing is reserved and no place is kept; at max_wait the call queues."""
    ticks = Ticks()
    budget = MemoryBudget(ticks=ticks)
    for _ in range(2):
        budget.release(granted(acquire(budget)))

    refused = waiting(acquire(budget, max_wait_ms=60_000))
    assert (refused.refused, refused.place, refused.wait_ms) == (True, None, 61_000)
    assert budget.snapshot().waiting == 0

    assert not waiting(acquire(budget, max_wait_ms=61_000)).refused
    assert budget.snapshot().waiting == 1


def test_a_call_that_can_never_fit_is_a_mistake():
    """More than a whole interval's worth raises at once instead of waiting for ever."""
    budget = MemoryBudget(ticks=Ticks())

    with pytest.raises(ValueError, match="never fits"):
        acquire(budget, (Weight(WEIGHT, 6_001),))
    with pytest.raises(ValueError, match="cannot cost"):
        Weight(WEIGHT, -1)


# ------------------------------------------------------------------------------------- several counters


def test_a_call_takes_room_on_all_counters_or_on_none():
    """Orders are counted apart from weight and per account; a full one holds nothing back on the other."""
    budget = MemoryBudget(ticks=Ticks())
    order = (Weight(WEIGHT, 1), Weight(ORDERS, 600, key="main"))
    granted(acquire(budget, order))
    granted(acquire(budget, order))

    full = waiting(acquire(budget, order, max_wait_ms=0))

    assert full.window == "orders/main"
    granted(acquire(budget, (Weight(WEIGHT, 1), Weight(ORDERS, 600, key="other"))))
    used = {window.name: window.used for window in budget.snapshot().windows}
    assert used == {"ip-weight": 3, "orders/main": 1_200, "orders/other": 600}


def test_a_free_charge_listens_to_the_header_only():
    """A cost of 0 reserves nothing, yet an order count in the answer is taken in."""
    budget = MemoryBudget(ticks=Ticks())
    reservation = granted(acquire(budget, (Weight(WEIGHT, 20), Weight(ORDERS, 0, key="main"))))
    budget.release(reservation, used={"ip-weight": 20, "orders": 1_150})

    assert waiting(acquire(budget, (Weight(ORDERS, 51, key="main"),), max_wait_ms=0)).window == "orders/main"
    granted(acquire(budget, (Weight(ORDERS, 50, key="main"),)))


# ------------------------------------------------------------------------------------- other users


def test_a_larger_header_is_foreign_use_for_a_minute():
    """What the header shows beyond our own calls is held for an interval and the guard."""
    ticks = Ticks()
    budget = MemoryBudget(ticks=ticks)
    budget.release(granted(acquire(budget, BALANCE)), used={"ip-weight": 4_020})
    assert budget.snapshot().windows[0].foreign == 4_000

    assert waiting(acquire(budget, max_wait_ms=0)).wait_ms == 60_000 + GUARD_MS
    ticks.now_ms += 60_000 + GUARD_MS
    granted(acquire(budget))


def test_a_smaller_header_never_frees_our_own_use():
    """The exchange may have begun a new minute; a sliding one would still count what we hold."""
    budget = MemoryBudget(ticks=Ticks())
    budget.release(granted(acquire(budget)), used={"ip-weight": 3_000})
    budget.release(granted(acquire(budget, BALANCE)), used={"ip-weight": 20})

    assert budget.snapshot().windows[0].used == 3_020


def test_foreign_use_shrinks_when_the_header_does():
    """A later header that leaves no room for as much foreign use lowers it."""
    ticks = Ticks()
    budget = MemoryBudget(ticks=ticks)
    budget.release(granted(acquire(budget, BALANCE)), used={"ip-weight": 5_020})
    ticks.now_ms += 30_000
    budget.release(granted(acquire(budget, BALANCE)), used={"ip-weight": 140})

    assert budget.snapshot().windows[0].foreign == 100


def test_a_call_in_flight_does_not_shrink_what_was_known_of_others():
    """A header that may or may not contain a call in flight is no proof that others used less."""
    budget = MemoryBudget(ticks=Ticks())
    budget.release(granted(acquire(budget, BALANCE)), used={"ip-weight": 4_020})
    granted(acquire(budget, (Weight(WEIGHT, 900),)))
    budget.release(granted(acquire(budget, BALANCE)), used={"ip-weight": 4_040})

    assert budget.snapshot().windows[0].foreign == 4_000


def test_an_answer_without_a_header_proves_nothing_about_the_exchange():
    """
    A 503 that is not counted leaves the next header below our own sum. A sliding exchange is not taken for
    one with clock minutes on such evidence, which would turn our own earlier calls into foreign use.
    """
    ticks = Ticks(0)
    minute = 1_700_000_040_000  # a multiple of 60 000
    clock = ExchangeClock(["https://papi.test/time"], ticks=ticks, wall=lambda: minute + ticks.now_ms)
    clock.accept(0, 0, minute)
    budget = MemoryBudget(clock=clock, ticks=ticks)
    ticks.now_ms = 40_000
    budget.release(granted(acquire(budget)))  # 503, no header, not counted
    ticks.now_ms = 50_000
    budget.release(granted(acquire(budget, (Weight(WEIGHT, 2_000),))), used={"ip-weight": 2_000})

    ticks.now_ms = 65_000
    budget.release(granted(acquire(budget, BALANCE)), used={"ip-weight": 2_020})

    assert budget.snapshot().windows[0].foreign == 0


def test_calls_in_flight_explain_a_larger_header():
    """Another of our own calls that the exchange counted first is not foreign."""
    budget = MemoryBudget(ticks=Ticks())
    other = granted(acquire(budget))
    budget.release(granted(acquire(budget, BALANCE)), used={"ip-weight": 3_020})

    assert budget.snapshot().windows[0].foreign == 0
    budget.release(other, used={"ip-weight": 3_020})
    assert budget.snapshot().windows[0].foreign == 0


def test_on_a_clock_minute_old_calls_do_not_hide_other_users():
    """
    An exchange that forgot our calls of the previous minute shows 2020; it proves by this that it counts
    clock minutes, so 2000 of it are foreign and are held to the minute's end, though we still hold 3000.
    """
    ticks = Ticks(0)
    minute = 1_700_000_040_000  # a multiple of 60 000
    clock = ExchangeClock(["https://papi.test/time"], ticks=ticks, wall=lambda: minute + ticks.now_ms)
    clock.accept(0, 0, minute)
    budget = MemoryBudget(clock=clock, ticks=ticks)
    ticks.now_ms = 50_000
    budget.release(granted(acquire(budget)), used={"ip-weight": 3_000})

    ticks.now_ms = 65_000
    budget.release(granted(acquire(budget, BALANCE)), used={"ip-weight": 2_020})
    assert budget.snapshot().windows[0].foreign == 2_000
    ticks.now_ms = 70_000
    budget.release(granted(acquire(budget, (Weight(WEIGHT, 900),))), used={"ip-weight": 2_920})

    # The 3000 of the first minute expire at 111 000. A repayment fits then: 2920 + 3000 <= 6000. Without the
    # knowledge of the 2000, another 1000 would seem to fit too.
    ticks.now_ms = 111_000
    budget.release(granted(acquire(budget)), used={"ip-weight": 5_920})
    assert waiting(acquire(budget, (Weight(WEIGHT, 1_000),), max_wait_ms=0)).wait_ms >= 120_000 - ticks.now_ms


# ------------------------------------------------------------------------------------- the gate


@pytest.mark.parametrize("reason", ["rate-limited", "banned"])
def test_a_closed_gate_stops_everybody_until_its_time(reason):
    """After 429 or 418 no call goes, whatever room there is, and a shorter pause does not open it earlier."""
    ticks = Ticks()
    budget = MemoryBudget(ticks=ticks)
    budget.close_gate(120_000, reason)
    budget.close_gate(5_000, "rate-limited")

    closed = waiting(acquire(budget, BALANCE, max_wait_ms=1_000))
    assert (closed.reason, closed.wait_ms, closed.refused) == (reason, 120_000, True)
    assert (budget.snapshot().gate_wait_ms, budget.snapshot().gate_reason) == (120_000, reason)

    ticks.now_ms += 119_999
    waiting(acquire(budget, BALANCE, max_wait_ms=0))
    ticks.now_ms += 1
    granted(acquire(budget, BALANCE))
    assert budget.snapshot().gate_reason is None


NOW = 1_700_000_000_000
PAUSES = [  # papi-protocol.md, section 6
    (429, None, None, 60_000),
    (429, 7_000, None, 7_000),
    (429, 0, None, 0),
    (418, None, None, 120_000),
    (418, 30_000, None, 30_000),
    (418, None, NOW + 300_000, 300_000),
    (418, 30_000, NOW + 300_000, 300_000),
    (418, None, NOW - 1, 120_000),
]


@pytest.mark.parametrize(("status", "retry_after", "until", "expected"), PAUSES)
def test_the_pause_is_what_the_exchange_says_or_what_the_document_does(status, retry_after, until, expected):
    """Retry-After and "banned until" win; without them it is a minute after 429 and two after 418."""
    pause = gate_pause_ms(
        status,
        now_ms=NOW,
        retry_after_ms=retry_after,
        banned_until_ms=until,
        pause_after_429_ms=60_000,
        minimum_ban_ms=120_000,
        maximum_ban_ms=259_200_000,
    )
    assert pause == expected


@given(
    status=st.sampled_from([429, 418]),
    header=st.text(max_size=12)
    | st.integers(min_value=0, max_value=10**10).map(str)
    | st.datetimes(min_value=datetime(1971, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001  # the strategy adds it
        lambda at: format_datetime(at, usegmt=True)
    ),
    until=st.none() | st.integers(min_value=0, max_value=10**13 - 1),
)
def test_nothing_that_an_answer_says_closes_the_gate_for_longer_than_the_longest_ban(status, header, until):
    """Bans last up to three days; a header of 999,999,999 s would keep a debt unpaid for 31 years."""
    asked_s = retry_after_s({"retry-after": header}, now_ms=NOW)
    assert asked_s is None or 0 <= asked_s <= 3 * 86_400
    pause = gate_pause_ms(
        status,
        now_ms=NOW,
        retry_after_ms=None if asked_s is None else int(asked_s * 1000),
        banned_until_ms=until,
        pause_after_429_ms=60_000,
        minimum_ban_ms=120_000,
        maximum_ban_ms=259_200_000,
    )
    assert 0 <= pause <= 3 * 86_400_000
    if until is not None and until > NOW:
        assert pause >= min(until - NOW, 3 * 86_400_000), "and what is within the bound is kept"


def test_the_budgets_keep_the_protocol():
    """What a client needs is what `Budget` names."""
    assert isinstance(MemoryBudget(), Budget)
