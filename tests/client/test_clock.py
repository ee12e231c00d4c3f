"""The clock is never ahead of the exchange, whatever the machine's own clock does."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paydown.clock import Due, ExchangeClock, Sync, SystemClock, machine_ms

TIME_URL = "https://papi.test/papi/v1/time"
SECOND_URL = "https://fapi.test/fapi/v1/time"
THIRD_URL = "https://api.test/api/v3/time"

# The general page accepts if timestamp < serverTime + 1000 and serverTime - timestamp <= recvWindow.
FUTURE_TOLERANCE_MS = 1_000
RECV_WINDOW_MS = 5_000


@dataclass
class Machine:
    """A machine and an exchange. `true_ms` is the real time that both clocks are made of."""

    true_ms: float = 1_000_000_000.0
    exchange_ahead_ms: float = 0.0
    wall_ahead_ms: float = 0.0
    oscillator_rate: float = 1.0
    slept_ms: float = 0.0
    sources: tuple[str, ...] = (TIME_URL, SECOND_URL, THIRD_URL)
    start_ms: float = field(init=False)
    clock: ExchangeClock = field(init=False)

    def __post_init__(self) -> None:
        self.start_ms = self.true_ms
        self.clock = ExchangeClock(self.sources, ticks=self.ticks, wall=self.wall)

    def ticks(self) -> int:
        return int((self.true_ms - self.start_ms - self.slept_ms) * self.oscillator_rate) + 77_000

    def wall(self) -> int:
        return int(self.true_ms + self.wall_ahead_ms)

    def exchange(self) -> int:
        return int(self.true_ms + self.exchange_ahead_ms)

    def sleep(self, ms: float) -> None:
        """The machine sleeps: the oscillator stands still, the wall clock does not."""
        self.true_ms += ms
        self.slept_ms += ms

    def ask(self, sync: Sync, there_ms: float = 20, back_ms: float = 30) -> None:
        sent = self.clock.tick_ms()
        self.true_ms += there_ms
        server = self.exchange()
        self.true_ms += back_ms
        sync.sample(sent, self.clock.tick_ms(), server)

    def sync(self, there_ms: float = 20, back_ms: float = 30) -> None:
        sync = self.clock.begin_sync()
        while sync.url is not None:
            self.ask(sync, there_ms, back_ms)

    def accepts(self, timestamp: int) -> bool:
        now = self.exchange()
        return timestamp < now + FUTURE_TOLERANCE_MS and now - timestamp <= RECV_WINDOW_MS


legs = st.floats(0, 2_000, allow_nan=False)


@settings(deadline=None)
@example(  # within the first seconds: the drift that is allowed for must not be cut to nothing
    ahead=1.5, rate=1.0000793702337423, trips=[(251.8125, 0), (0, 250.875), (1.25, 249.25)], later=6334.25
)
@example(ahead=0.0, rate=1 + 90e-6, trips=[(0, 0), (0, 0), (0, 0)], later=9_999.9)
@given(
    ahead=st.floats(-86_400_000, 86_400_000),
    rate=st.floats(1 - 90e-6, 1 + 90e-6),
    trips=st.lists(st.tuples(legs, legs), min_size=3, max_size=3),
    later=st.floats(0, 3_600_000),
)
def test_the_clock_is_never_ahead_and_never_further_behind_than_it_says(ahead, rate, trips, later):
    """Whatever wall, network and oscillator do, now_ms lies below the truth, within its error."""
    machine = Machine(exchange_ahead_ms=ahead, oscillator_rate=rate)
    sync = machine.clock.begin_sync()
    for there, back in trips:
        if sync.url is not None:
            machine.ask(sync, there, back)

    machine.true_ms += later

    error = machine.clock.error_ms
    assert error is not None
    behind = machine.true_ms + ahead - machine.clock.now_ms()
    assert 0 <= behind <= error


@pytest.mark.parametrize("wrong_by_ms", [5_000, -8_000, 3_600_000])
def test_a_wrong_wall_clock_is_invisible_after_one_sync(wrong_by_ms):
    """A machine that is 5 s ahead or 8 s behind signs timestamps that the exchange accepts."""
    machine = Machine(wall_ahead_ms=wrong_by_ms)
    assert not machine.accepts(machine.clock.now_ms())

    machine.sync()

    assert machine.accepts(machine.clock.now_ms())
    assert abs((machine.clock.offset_ms or 0) + wrong_by_ms) <= 30


@pytest.mark.parametrize("jump_ms", [5_000, -8_000])
def test_setting_the_date_moves_nothing_and_asks_for_a_sample(jump_ms):
    """A jump of the wall clock leaves now_ms alone and makes a sample due before the next signature."""
    machine = Machine()
    machine.sync()
    before = machine.clock.now_ms()

    machine.wall_ahead_ms += jump_ms

    assert machine.clock.now_ms() == before
    assert machine.clock.due is Due.NOW
    machine.sync()
    assert machine.clock.due is Due.NO


def test_a_machine_that_slept_asks_before_it_signs():
    """After a sleep the oscillator is behind, the wall shows it, and one sample mends it."""
    machine = Machine()
    machine.sync()

    machine.sleep(600_000)

    assert not machine.accepts(machine.clock.now_ms())
    assert machine.clock.due is Due.NOW
    machine.sync()
    assert machine.accepts(machine.clock.now_ms())


def test_before_the_first_sample_the_wall_clock_answers():
    """An unsynced clock repeats the wall, says so, and knows no error."""
    machine = Machine(wall_ahead_ms=4_000)

    assert machine.clock.now_ms() == machine.wall()
    assert machine.clock.due is Due.NOW
    assert (machine.clock.synced, machine.clock.error_ms, machine.clock.offset_ms, machine.clock.age_ms) == (
        False,
        None,
        None,
        None,
    )


def test_the_schedule_asks_softly_first_and_firmly_later():
    """A sample is due SOON after ten minutes and NOW after an hour."""
    machine = Machine()
    machine.sync()

    machine.true_ms += 599_000
    assert machine.clock.due is Due.NO
    machine.true_ms += 1_000
    assert machine.clock.due is Due.SOON
    machine.true_ms += 3_000_000
    assert machine.clock.due is Due.NOW


def test_a_refused_timestamp_makes_a_sample_due():
    """After -1021 the next signature waits for a fresh sample, and the sample settles it."""
    machine = Machine()
    machine.sync()

    machine.clock.refused(machine.clock.epoch)

    assert machine.clock.due is Due.NOW
    machine.sync()
    assert machine.clock.due is Due.NO


def test_many_refusals_of_one_sample_make_one_sync():
    """A refusal that arrives after another sample says nothing about that sample."""
    machine = Machine()
    machine.sync()
    stamped = machine.clock.epoch
    machine.clock.refused(stamped)
    machine.sync()

    machine.clock.refused(stamped)

    assert machine.clock.due is Due.NO


def test_a_narrow_sample_ends_the_sync():
    """One quick answer is enough: a sync of the exchange's own clock costs request weight."""
    machine = Machine()
    sync = machine.clock.begin_sync()

    machine.ask(sync, 60, 60)

    assert sync.url is None
    assert sync.succeeded


def test_of_several_wide_samples_the_narrowest_counts():
    """The first answer on a new connection contains the handshake; a later, quicker one replaces it."""
    machine = Machine()
    sync = machine.clock.begin_sync()

    for there, back in [(900, 300), (200, 100), (400, 400)]:
        assert sync.url == TIME_URL
        machine.ask(sync, there, back)

    assert sync.url is None
    assert machine.clock.epoch == 2  # the third was wider than the second
    # What the crystal may have gained or lost since, which begins with a whole ms, and what rounding may hide.
    assert machine.clock.error_ms == 300 + 2 * 1 + 5


def test_the_fallback_clocks_are_asked_in_order():
    """When the time endpoint gives no answer, the next host is asked, and its answer counts."""
    machine = Machine(wall_ahead_ms=-8_000)
    sync = machine.clock.begin_sync()

    asked = [sync.url]
    sync.failed()
    asked.append(sync.url)
    sync.failed()
    asked.append(sync.url)
    machine.ask(sync)

    assert asked == [TIME_URL, SECOND_URL, THIRD_URL]
    assert sync.url is None
    assert machine.accepts(machine.clock.now_ms())


def test_when_no_clock_answers_the_call_goes_on_and_asks_again_later():
    """A sync without any answer ends, keeps the last known time and is not repeated for ten seconds."""
    machine = Machine()
    sync = machine.clock.begin_sync()

    for _ in machine.sources:
        sync.failed()

    assert sync.url is None
    assert not sync.succeeded
    assert machine.clock.now_ms() == machine.wall()
    assert machine.clock.due is Due.NO
    machine.true_ms += 10_000
    assert machine.clock.due is Due.NOW


def test_a_refusal_ends_the_pause_after_a_failed_sync():
    """That the clock is wrong is known now: to sign with it for ten more seconds would only be refused again."""
    machine = Machine()
    machine.sync()
    sync = machine.clock.begin_sync()
    for _ in machine.sources:
        sync.failed()
    assert machine.clock.due is Due.NO

    machine.clock.refused(machine.clock.epoch)

    assert machine.clock.due is Due.NOW


def test_a_failure_after_a_sample_ends_the_sync_with_that_sample():
    """Fallback hosts are for when there is no answer at all."""
    machine = Machine()
    sync = machine.clock.begin_sync()
    machine.ask(sync, 900, 300)

    sync.failed()

    assert sync.url is None
    assert machine.clock.synced


@pytest.mark.parametrize(
    ("sent", "received", "server"), [(10, 9, 1_700_000_000_000), (10, 20, 0), (10, 20, -5)]
)
def test_an_impossible_sample_is_refused(sent, received, server):
    """Ticks that run backwards and times before 1970 are not taken in."""
    machine = Machine()
    sync = machine.clock.begin_sync()

    with pytest.raises(ValueError, match=r"tick|serverTime"):
        sync.sample(sent, received, server)

    assert not machine.clock.synced


def test_a_clock_needs_somebody_to_ask():
    """No source, or no sample, is a mistake of the caller."""
    with pytest.raises(ValueError, match="source"):
        ExchangeClock([])
    with pytest.raises(ValueError, match="samples"):
        ExchangeClock([TIME_URL], samples=0)


def test_processes_read_the_same_oscillator():
    """The ticks of another process lie between two readings of this one."""
    before = machine_ms()
    said = subprocess.run(
        [sys.executable, "-c", "from paydown.clock import machine_ms; print(machine_ms())"],
        capture_output=True,
        text=True,
        check=True,
    )
    after = machine_ms()

    assert before <= int(said.stdout) <= after


def test_the_system_clock_is_the_wall():
    """SystemClock believes the machine."""
    import time

    before = time.time_ns() // 1_000_000
    assert before <= SystemClock().now_ms() <= time.time_ns() // 1_000_000
