"""The exchange's clock, estimated without ever running ahead of it.

    request to the time endpoint                    the answer holds `server_ms`
    ──────────┬───────────────────────────────────────────┬──────────> local ticks
           sent_ms      the exchange stamped it here    received_ms

At `received_ms` the exchange's clock had reached `server_ms` and had not passed
`server_ms + round trip`. Halving the round trip would be the best guess; this clock answers with
the *lower* edge instead. The exchange accepts a request if and only if

    timestamp < serverTime + 1000   and   serverTime - timestamp <= recvWindow

so being ahead is fatal after a second, while being behind costs a little of a window of 5000 ms. The lower edge is
never ahead, however slow the network is, and it is behind by `error_ms` at most: one round trip plus the drift of the
oscillator. It also makes `now_ms` usable as evidence: an action of the exchange after a request was stamped cannot
carry an earlier time.

Between samples the clock runs on the raw oscillator (`machine_ms`), not on the wall clock: setting the date, an NTP
step and an NTP slew leave it alone. Slewing matters, since chrony may bend the ordinary monotonic clock by 8 %. The
oscillator does not count a sleep of the machine; wall clock and oscillator disagree after one, and a sample is due
before the next signature.

Nothing here does I/O. The caller asks `due`, fetches `Sync.url` and reports back.

Source: https://developers.binance.com/docs/derivatives/portfolio-margin/general-info (timing security)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple, Protocol, runtime_checkable

__all__ = ["Clock", "Due", "ExchangeClock", "Sync", "SystemClock", "machine_ms", "wall_ms"]

# One part in 10,000 (100 ppm). Crystals in computers stay within 50 ppm; the rest is for heat and
# virtual machines.
_DRIFT = 10_000

# Allowed difference between the clocks of two hosts of the exchange, ms. They follow each other closely, but it is
# undocumented how closely: a sample of another host must not put this clock ahead of the host that is called.
_OTHER_HOST_MS = 100

# Linux and macOS can read the oscillator without what NTP does to it. The value is the same for every
# process of the machine. Windows has no such clock: GetTickCount64 and its successor are not slewed.
_RAW = getattr(time, "CLOCK_MONOTONIC_RAW", None)


@runtime_checkable
class Clock(Protocol):
    """A source of UTC milliseconds."""

    def now_ms(self) -> int:
        """Return the time now, UTC milliseconds."""
        ...


def wall_ms() -> int:
    """Read the machine's wall clock, UTC milliseconds. It jumps when it is set."""
    return time.time_ns() // 1_000_000


if _RAW is None:

    def machine_ms() -> int:
        """Return the milliseconds of a clock that only runs forward, the same for all processes of the machine."""
        return time.monotonic_ns() // 1_000_000

else:
    _raw_id: int = _RAW

    def machine_ms() -> int:
        """Return the milliseconds of a clock that only runs forward, the same for all processes of the machine."""
        return time.clock_gettime_ns(_raw_id) // 1_000_000


class SystemClock:
    """The machine's wall clock, believed as it is."""

    __slots__ = ()

    def now_ms(self) -> int:
        """Return the time now, UTC milliseconds."""
        return wall_ms()


class Due(IntEnum):
    """How urgently the exchange should be asked for its time."""

    NO = 0
    """The clock is good."""

    SOON = 1
    """Due by the schedule. Ask along with the next cheap read; a costly write need not wait for it."""

    NOW = 2
    """Never asked, refused by the exchange, too old, or the machine slept. Ask before the next signature."""


class _Reading(NamedTuple):
    """One accepted sample. It is replaced as a whole, so that readers need no lock."""

    server_ms: int  # a lower bound at tick_ms
    tick_ms: int
    round_trip_ms: int  # how far below the exchange's time that may be
    wall_minus_tick_ms: int
    epoch: int


class ExchangeClock:
    """A lower bound of the exchange's time, kept by samples from its time endpoint.

    Until the first sample it repeats the machine's wall clock and `due` is `Due.NOW`. All methods may be
    called from any thread; `now_ms` takes no lock.

    Args:
        sources: URLs that answer `{"serverTime": <ms>}`: the time endpoint first, then the fallback clocks
            (`x-servers.clocks` of the document). They are asked in this order, unless a sync is to spare the
            first one's host.
        refresh_ms: Age of a sample that makes the next one due SOON.
        stale_ms: Age that makes it due NOW. The drift allowed for by then is a ten-thousandth of it.
        samples: Most samples to take in one sync. The one with the smallest round trip counts.
        good_round_trip_ms: A sample at most this wide ends the sync early. The first one on a new connection
            contains its handshake and is usually wider than the second.
        jump_ms: Disagreement of wall and oscillator that makes a sample due NOW.
        retry_ms: Pause after a sync in which no source answered; the last known time is used meanwhile.
        ticks: Milliseconds that only run forward.
        wall: The wall clock, UTC milliseconds.
    """

    def __init__(
        self,
        sources: Sequence[str],
        *,
        refresh_ms: int = 600_000,
        stale_ms: int = 3_600_000,
        samples: int = 3,
        good_round_trip_ms: int = 250,
        jump_ms: int = 1_000,
        retry_ms: int = 10_000,
        ticks: Callable[[], int] = machine_ms,
        wall: Callable[[], int] = wall_ms,
    ) -> None:
        if not sources:
            raise ValueError("a clock needs at least one source to ask")
        if samples < 1:
            raise ValueError(f"samples must be at least 1, not {samples}")
        self.sources = tuple(sources)
        self.samples = samples
        self.good_round_trip_ms = good_round_trip_ms
        self._refresh_ms = refresh_ms
        self._stale_ms = stale_ms
        self._jump_ms = jump_ms
        self._retry_ms = retry_ms
        self._ticks = ticks
        self._wall = wall
        self._lock = threading.Lock()
        self._reading: _Reading | None = None
        self._refused = False
        self._failed_at_ms: int | None = None

    # Methods that a client calls before every request.

    def now_ms(self) -> int:
        """Return the exchange's time, UTC ms: never ahead of it, and behind by `error_ms` at most."""
        reading = self._reading
        if reading is None:
            return self._wall()
        elapsed = self._ticks() - reading.tick_ms
        return reading.server_ms + elapsed - _drift_of(elapsed)

    @property
    def due(self) -> Due:
        """Return whether, and how urgently, to sync. A sync that failed is not repeated before `retry_ms`."""
        tick = self._ticks()
        failed_at = self._failed_at_ms
        if failed_at is not None and 0 <= tick - failed_at < self._retry_ms:
            return Due.NO
        reading = self._reading
        if reading is None or self._refused:
            return Due.NOW
        age = tick - reading.tick_ms
        if age >= self._stale_ms or age < 0:
            return Due.NOW
        # A sleep of the machine stops the oscillator, and setting the date moves the wall clock. The difference between
        # the two looks the same in both cases, and one sample ends either.
        if abs(self._wall() - tick - reading.wall_minus_tick_ms) > self._jump_ms:
            return Due.NOW
        return Due.SOON if age >= self._refresh_ms else Due.NO

    # Methods that a client reports with.

    @property
    def epoch(self) -> int:
        """Return the number of the sample in use; 0 before the first. Remember it with a signature for `refused`."""
        reading = self._reading
        return 0 if reading is None else reading.epoch

    def refused(self, epoch: int | None = None) -> None:
        """Note that the exchange refused a timestamp (-1021 or -5028), so that a sample is due NOW.

        Args:
            epoch: `epoch` when the refused request was stamped. If another sample arrived since, the refusal
                proves nothing about it and is ignored, so that many refused calls make one sync.
        """
        with self._lock:
            if epoch is None or epoch == self.epoch:
                self._refused = True
                self._failed_at_ms = None

    def begin_sync(self, *, spare: str | None = None) -> Sync:
        """Start a sync. Concurrent ones do no harm; the last good sample counts.

        Args:
            spare: Scheme and host, such as "https://papi.binance.com", that are asked only if no other source
                answers: to be asked costs weight there.
        """
        return Sync(self, spare)

    # Properties that `paydown doctor` and `client.last` show.

    @property
    def synced(self) -> bool:
        """Return whether any sample was accepted."""
        return self._reading is not None

    @property
    def offset_ms(self) -> int | None:
        """Return the exchange's time minus the wall clock, from the middle of the last sample; `None` before one."""
        reading = self._reading
        if reading is None:
            return None
        return self.now_ms() + reading.round_trip_ms // 2 - self._wall()

    @property
    def error_ms(self) -> int | None:
        """Return how far `now_ms` may be behind the exchange; `None` before the first sample."""
        reading = self._reading
        if reading is None:
            return None
        elapsed = max(0, self._ticks() - reading.tick_ms)
        # Five roundings cost one ms each: that of the exchange's answer and those of four ticks. The drift is rounded
        # up already.
        return reading.round_trip_ms + 2 * _drift_of(elapsed) + 5

    @property
    def age_ms(self) -> int | None:
        """Return the age of the sample in use; `None` before the first."""
        reading = self._reading
        return None if reading is None else self._ticks() - reading.tick_ms

    # Methods that a sync calls.

    def tick_ms(self) -> int:
        """Read the oscillator, for the `sent_ms` and `received_ms` of a sample."""
        return self._ticks()

    def accept(self, sent_ms: int, received_ms: int, server_ms: int, *, other_host: bool = False) -> None:
        """Use this sample from now on. `Sync.sample` calls this with the best sample of the sync.

        Args:
            sent_ms: See `Sync.sample`.
            received_ms: See `Sync.sample`.
            server_ms: See `Sync.sample`.
            other_host: It is the clock of a neighbour of the host that is called.
        """
        allowed_ms = _OTHER_HOST_MS if other_host else 0
        # Ticks are cut to whole ms, which may hide one ms: so one is subtracted.
        with self._lock:
            self._reading = _Reading(
                server_ms=server_ms - 1 - allowed_ms,
                tick_ms=received_ms,
                round_trip_ms=received_ms - sent_ms + 2 * allowed_ms,
                wall_minus_tick_ms=self._wall() - self._ticks(),
                epoch=self.epoch + 1,
            )
            self._refused = False
            self._failed_at_ms = None

    def give_up(self) -> None:
        """Keep the last known time after a sync in which no source answered, and ask again after `retry_ms`."""
        with self._lock:
            self._failed_at_ms = self._ticks()


class Sync:
    """One round of asking for the time. Ask while `url` is not `None`, and report each answer.

        sync = clock.begin_sync()
        while (url := sync.url) is not None:
            sent = clock.tick_ms()
            ...                                     # GET url, without following redirects
            sync.sample(sent, clock.tick_ms(), server_ms)    # or sync.failed()

    A sync that is given up halfway leaves the clock as it was, or better.
    """

    __slots__ = ("_best_ms", "_clock", "_left", "_taken", "_url")

    def __init__(self, clock: ExchangeClock, spare: str | None = None) -> None:
        self._clock = clock
        # The spare source comes last; `sorted()` keeps the order of the others.
        self._left = sorted(clock.sources, key=lambda url: _origin(url) == spare)
        self._taken = 0
        self._best_ms: int | None = None
        self._url: str | None = self._left.pop(0)

    @property
    def url(self) -> str | None:
        """Return the URL to fetch next, or `None` when the sync is over."""
        return self._url

    @property
    def succeeded(self) -> bool:
        """Return whether at least one sample was accepted."""
        return self._best_ms is not None

    def sample(self, sent_ms: int, received_ms: int, server_ms: int) -> None:
        """Take in the answer of `url` as a sample.

        Args:
            sent_ms: `tick_ms()` before the request was written.
            received_ms: `tick_ms()` after the answer was read.
            server_ms: The answer's `serverTime`, UTC ms.

        Raises:
            ValueError: The ticks run backwards, or the time is not positive. Report `failed()` instead.
        """
        if received_ms < sent_ms:
            raise ValueError(f"the answer came at tick {received_ms}, before the request at {sent_ms}")
        if server_ms <= 0:
            raise ValueError(f"serverTime must be positive UTC milliseconds, not {server_ms}")
        round_trip_ms = received_ms - sent_ms
        self._taken += 1
        if self._best_ms is None or round_trip_ms < self._best_ms:
            self._best_ms = round_trip_ms
            other_host = self._url is not None and _origin(self._url) != _origin(self._clock.sources[0])
            self._clock.accept(sent_ms, received_ms, server_ms, other_host=other_host)
        if self._taken >= self._clock.samples or round_trip_ms <= self._clock.good_round_trip_ms:
            self._url = None

    def failed(self) -> None:
        """Go on with the next source, or end the sync, after `url` gave no usable answer."""
        if self._best_ms is not None:
            self._url = None  # one answer is enough: the other hosts are for when there is none
        elif self._left:
            self._url = self._left.pop(0)
        else:
            self._url = None
            self._clock.give_up()


def _drift_of(elapsed_ms: int) -> int:
    """Return how far the oscillator may have run ahead in this time, rounded up.

    Rounded down, the first ten seconds would allow for nothing, and a fast crystal would carry the clock ahead of the
    exchange.
    """
    return -(-elapsed_ms // _DRIFT)


def _origin(url: str) -> str:
    """Return scheme and host of a URL."""
    return "/".join(url.split("/", 3)[:3])
