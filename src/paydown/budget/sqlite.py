"""The budget of a machine: one row in a SQLite file, for all processes of one user.

    process A ──acquire──┐                       ┌── one row per address of the exchange ──┐
    process B ──release───┼─> one writer, by ───> │ version, ticks, names, state            │
    process C ──acquire──┘   SQLite's lock       └─────────────────────────────────────────┘

Each call is one short write transaction around the same rules as in memory (`gate.Gate`). A process
first bets that no other process wrote meanwhile: it decides on the state it remembers and writes "if the version
is still mine", one statement. If another process wrote, it throws that decision away, takes the write lock
(BEGIN IMMEDIATE), reads the row, decides anew and writes. Either way a decision is only kept if it was
made on the newest state, so two processes can never both take the last 3000.

**Time.** Times in the row are ticks of the machine's raw oscillator (`clock.machine_ms`), which all processes
read alike. The wall clock would be wrong here: a process that does not know the exchange's clock yet, or
a date that was just set, would let other processes' entries expire early. When the machine restarts, the
oscillator restarts near zero. The row remembers the boot it was written in; after another boot (or,
where the system does not name its boots, when the tick lies in the future) every entry is held for its
full remaining time again, since it is unknown how long the restart took. Only a ban, which may last days,
is shortened by the time that passed on the wall. A restart that goes unnoticed can only mean that *more*
time passed than the ticks say, which errs towards waiting.

**Failure.** A file that is damaged, read-only, on a full disk, locked by a stopped process, or written by
another version raises `BudgetUnavailable` before anything is sent; it is never taken for an empty budget.
What `release` and `close_gate` cannot write, after the fact, stays in memory and is written before the next
reservation is made. A file that is deleted under running processes is made again within a second, from what
all of them remember, and a warning is logged; only a process that starts in this second knows nothing.

The file must be on a local disk: SQLite's write-ahead log needs memory shared by all processes that open
it, which network file systems do not offer. Containers share it if they mount the same directory of one
machine and have no time namespace of their own.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from paydown.budget.gate import Gate
from paydown.budget.protocol import (
    BudgetUnavailable,
    BudgetUse,
    Ended,
    GateReason,
    Priority,
    Reservation,
    Rules,
    Wait,
    Weight,
)
from paydown.budget.sqlite_file import BudgetFile
from paydown.clock import ExchangeClock, machine_ms, wall_ms

__all__ = ["SqliteBudget"]

T = TypeVar("T")

LOGGER: Final = logging.getLogger("paydown.budget")

_SELECT = "SELECT version, boot, tick, wall, names, state FROM ledger WHERE scope = ?"
_INSERT = "INSERT INTO ledger (version, boot, tick, wall, names, state, scope) VALUES (?, ?, ?, ?, ?, ?, ?)"
_UPDATE = (
    "UPDATE ledger SET version = ?, boot = ?, tick = ?, wall = ?, names = ?, state = ?"
    " WHERE scope = ? AND version = ?"
)

# Each sandbox on a port of its own leaves a row behind. No row matters for longer than a ban, 3 days, so older rows are
# deleted. The age of rows of this boot is measured in ticks: a wall clock that was set wrong must not delete a row in
# use.
_FORGET = "DELETE FROM ledger WHERE boot = ? AND tick < ? OR boot <> ? AND wall < ?"
_FORGET_MS = 7 * 86_400_000

_LOOK_AFTER_FILE_MS = 1_000


def _boot_id() -> str:
    """Return a name for this run of the machine, or "" where the system has none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


class SqliteBudget:
    """A `Budget` shared by all processes of this user on this machine.

    The file is opened at the first use, so that making one costs nothing and cannot fail. It may be carried
    over a `fork`.

    Args:
        scope: Address of the exchange, such as "https://papi.binance.com". Budgets of different addresses do
            not mix: what a sandbox counts is not what the exchange counts.
        path: The file, on a local disk. It is made readable for its owner alone. Default: `budget.sqlite3` in
            the state directory.
        rules: Guards and reserves.
        clock: Shows where the exchange's minute begins, which sharpens the reading of its header.
        busy_timeout_ms: How long to wait for another process's transaction. They take a tenth of a
            millisecond; only a process that was stopped inside one holds longer.
        ticks: Milliseconds that only run forward, the same for every process that opens the file.
        wall: The wall clock, UTC ms.
        boot: Name of this run of the machine.
    """

    def __init__(
        self,
        scope: str,
        path: str | os.PathLike[str] | None = None,
        *,
        rules: Rules | None = None,
        clock: ExchangeClock | None = None,
        busy_timeout_ms: int = 2_000,
        ticks: Callable[[], int] = machine_ms,
        wall: Callable[[], int] = wall_ms,
        boot: str | None = None,
    ) -> None:
        self.scope = scope
        self.rules = rules or Rules()
        self._file = BudgetFile(None if path is None else Path(path), busy_timeout_ms)
        self._clock = clock
        self._ticks = ticks
        self._wall = wall
        self._boot = _boot_id() if boot is None else boot
        self._cached: Gate | None = None  # as this process wrote it last
        self._version = 0  # of the row then; 0 if there was none
        self._looked = ticks()
        self._cleaned = False
        self._unwritten: list[Callable[[Gate, int], object]] = []

    @property
    def path(self) -> Path:
        """Return the path of the budget's file.

        Raises:
            BudgetUnavailable: There is no state directory for this user.
        """
        return self._file.path

    # Methods that a client calls.

    def acquire(
        self,
        weights: Sequence[Weight],
        *,
        timeout_ms: int,
        priority: Priority = Priority.READ,
        max_wait_ms: int | None = None,
        place: int | None = None,
    ) -> Reservation | Wait:
        """Reserve room for one call; see `Budget.acquire`.

        Args:
            weights: The weights of the call.
            timeout_ms: The longest that the call can take.
            priority: The call's priority.
            max_wait_ms: Longest wait; None means any.
            place: The call's place in the queue.
        """
        return self._change(
            lambda gate, now: gate.acquire(now, weights, timeout_ms, priority, max_wait_ms, place)
        )

    def may_send(self, reservation: Reservation) -> bool:
        """Return whether a reservation is still good; see `Budget.may_send`."""
        return reservation.open and self._ticks() <= reservation.send_before_ms

    def release(
        self, reservation: Reservation, *, ended: Ended = "answered", used: Mapping[str, int] | None = None
    ) -> None:
        """Release a reservation after its request; see `Budget.release`.

        Args:
            reservation: The reservation that `acquire` returned.
            ended: How the request ended.
            used: Used weight that the answer's header shows, by limit id.
        """
        if not reservation.open:
            return
        reservation.open = False
        clock = self._clock
        error_ms = clock.error_ms if clock is not None else None
        exchange_ms = clock.now_ms() if clock is not None and error_ms is not None else None
        self._record(
            lambda gate, now: gate.release(now, reservation, ended, used, exchange_ms, error_ms or 0)
        )

    def close_gate(self, wait_ms: int, reason: GateReason) -> None:
        """Let no call pass for a while; see `Budget.close_gate`.

        Args:
            wait_ms: For how long.
            reason: Why.
        """
        until = self._ticks() + wait_ms
        self._record(lambda gate, _: gate.close_gate(until, reason))

    def leave(self, place: int) -> None:
        """Give up a place in the queue; see `Budget.leave`."""
        self._record(lambda gate, _: gate.leave(place))

    def snapshot(self) -> BudgetUse:
        """Return what the budget holds now; see `Budget.snapshot`.

        Raises:
            BudgetUnavailable: The file cannot be read.
        """
        return self._change(lambda gate, now: gate.snapshot(now))

    def close(self) -> None:
        """Close the file. A later call opens it again, and so does the end of a call that is in flight."""
        if self._file.pid != os.getpid():
            return  # a child's, of a fork that Python did not see: file and lock are the parent's
        with self._file.lock:
            self._file.close()

    # The transaction around each change.

    def _record(self, work: Callable[[Gate, int], object]) -> None:
        """Write a past event into the budget now or, if the file cannot be written, before the next reservation."""
        try:
            self._change(work)
        except BudgetUnavailable:
            with self._file.lock:
                self._unwritten.append(work)

    def _change(self, work: Callable[[Gate, int], T]) -> T:
        """Run `work` on the newest state and write the result; if another process wrote meanwhile, run `work` again."""
        file = self._file
        with file.lock:
            if file.pid != os.getpid():
                raise BudgetUnavailable(
                    "This process was forked without Python's knowledge, and the shared budget cannot be"
                    " carried over. Make the client after the fork."
                )
            try:
                gate, self._cached = self._cached, None  # what is not written is not remembered
                now = self._ticks()
                known: Gate | None = None
                if now - self._looked >= _LOOK_AFTER_FILE_MS:
                    self._looked = now
                    if file.vanished():
                        LOGGER.warning(
                            "the shared budget %s was removed or replaced while it was in use: processes that"
                            " start now know only what the others remember. Stop all of them before you delete it.",
                            file.path,
                        )
                        file.close()
                        known, gate = gate, None
                connection = file.connection
                if gate is not None and not self._unwritten:
                    result = work(gate, now)
                    if self._store(connection, gate, now):
                        return result
                return self._transact(connection, work, known)
            except sqlite3.Error as error:
                file.close()
                raise file.explain(error) from error

    def _transact(
        self, connection: sqlite3.Connection, work: Callable[[Gate, int], T], known: Gate | None
    ) -> T:
        """Read, decide and write under the write lock; `known` is the state that the file held before it was lost."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            now = self._ticks()  # after the lock is held: no entry in the row is younger
            found = self._load(connection, now)
            if found is not None and known is not None:
                found.absorb(known, now)  # another process was quicker to make the file again
            gate = found or known or Gate(self.rules)
            for late in self._unwritten:
                late(gate, now)
            result = work(gate, now)
            self._store(connection, gate, now)
            if not self._cleaned:
                connection.execute(
                    _FORGET, (self._boot, now - _FORGET_MS, self._boot, self._wall() - _FORGET_MS)
                )
            connection.execute("COMMIT")
        except BaseException:
            self._cached = None
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._cleaned = True
        self._unwritten.clear()
        return result

    def _load(self, connection: sqlite3.Connection, now: int) -> Gate | None:
        row = connection.execute(_SELECT, (self.scope,)).fetchone()
        if row is None:
            self._version = 0
            return None
        self._version, boot, tick, wall, names, state = row
        numbers = array("q")
        try:
            numbers.frombytes(state)
            gate = Gate.from_numbers(self.rules, names, numbers)
        except (ValueError, TypeError, AttributeError) as error:
            raise sqlite3.DatabaseError(f"it is damaged: {self.scope} has {error}") from error
        if tick > now or (boot and self._boot and boot != self._boot):
            restart = now - tick
            gate.shift(restart, restart - max(0, self._wall() - wall))
        return gate

    def _store(self, connection: sqlite3.Connection, gate: Gate, now: int) -> bool:
        """Write the state, unless another process has changed the row that the state was made from."""
        names, numbers = gate.to_numbers()
        version = self._version
        # A new row begins at a random version, so it never has the version that a process remembers of a deleted row.
        newer = version + 1 if version else int.from_bytes(os.urandom(6), "big") + 1
        values = (newer, self._boot, now, self._wall(), names, numbers.tobytes(), self.scope)
        if version:
            if connection.execute(_UPDATE, (*values, version)).rowcount == 0:
                return False
        else:
            connection.execute(_INSERT, values)
        self._version = newer
        self._cached = gate
        return True
