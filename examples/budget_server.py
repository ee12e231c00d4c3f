"""One ledger of request weight for several machines behind one IP address: a `paydown.budget.Budget` of your own.

    python examples/budget_server.py 10.0.0.5 50000 secret    the server: one ledger for all who know the word

    from budget_server import SharedBudget
    Client(credentials, budget=SharedBudget(("10.0.0.5", 50000), b"secret"))

The exchange counts per IP address. Machines that leave through the same one must count together, and a file cannot
do that. What a client needs is small: the seven methods of `paydown.budget.Budget`. This one asks a server by
`multiprocessing.managers`, which pickles: run it in a network that you trust. Two rules of the protocol are kept here:
a ledger that cannot be reached stops calls before anything is sent (`BudgetUnavailable`), and what happened
meanwhile is written down before the next reservation.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.managers import BaseManager
from typing import Any

from paydown.budget import (
    BudgetUnavailable,
    BudgetUse,
    Ended,
    GateReason,
    MemoryBudget,
    Priority,
    Reservation,
    Wait,
    Weight,
)

UNREACHABLE = (OSError, EOFError)


class _Ledger(BaseManager):
    """Makes proxies of the server's one ledger."""


_Ledger.register("budget", exposed=["acquire", "may_send", "release", "close_gate", "leave", "snapshot"])


class _Served(MemoryBudget):
    """The ledger as clients reach it: reservations come as copies, closed by the client that releases them once."""

    def release(
        self, reservation: Reservation, *, ended: Ended = "answered", used: Mapping[str, int] | None = None
    ) -> None:
        """See `Budget.release`."""
        reservation.open = True
        super().release(reservation, ended=ended, used=used)


def serve(address: tuple[str, int], word: bytes) -> tuple[str, int]:
    """Serve one ledger from a thread of its own; returns the address, with the port that was free."""
    ledger = _Served()
    _Ledger.register("budget", callable=lambda: ledger)
    server = _Ledger(address, word).get_server()
    threading.Thread(target=server.serve_forever, name="budget-server", daemon=True).start()
    return server.address  # type: ignore[no-any-return]  # a pair, as it was given one


class SharedBudget:
    """A `Budget` on a server."""

    def __init__(self, address: tuple[str, int], word: bytes) -> None:
        self._address = address
        self._word = word
        self._lock = threading.Lock()
        self._ledger: Any = None
        self._unwritten: list[tuple[str, tuple[object, ...], dict[str, object]]] = []

    def acquire(
        self,
        weights: Sequence[Weight],
        *,
        timeout_ms: int,
        priority: Priority = Priority.READ,
        max_wait_ms: int | None = None,
        place: int | None = None,
    ) -> Reservation | Wait:
        """Take room for one call, once everything that happened is written down."""
        self._write_down()
        answer: Reservation | Wait = self._ask(
            "acquire", weights, timeout_ms=timeout_ms, priority=priority, max_wait_ms=max_wait_ms, place=place
        )
        return answer

    def may_send(self, reservation: Reservation) -> bool:
        """Whether the reservation is still good, by the server's clock."""
        return reservation.open and bool(self._ask("may_send", reservation))

    def release(
        self, reservation: Reservation, *, ended: Ended = "answered", used: Mapping[str, int] | None = None
    ) -> None:
        """Give back what the call did not use. Never raises; settling twice does nothing."""
        with self._lock:
            if not reservation.open:
                return
            reservation.open = False
        self._write_down("release", reservation, ended=ended, used=used)

    def close_gate(self, wait_ms: int, reason: GateReason) -> None:
        """Let nobody send for a while, on any machine. Never raises."""
        self._write_down("close_gate", wait_ms, reason)

    def leave(self, place: int) -> None:
        """Give up a place in the queue. Never raises: it is lost by itself, too."""
        self._write_down("leave", place)

    def snapshot(self) -> BudgetUse:
        """What the ledger holds now."""
        held: BudgetUse = self._ask("snapshot")
        return held

    def close(self) -> None:
        """Forget the connection; the ledger stays."""
        with self._lock:
            self._ledger = None

    def _write_down(self, method: str = "", *arguments: object, **named: object) -> None:
        """Tell the server what happened, what it could not be told before first."""
        with self._lock:
            if method:
                self._unwritten.append((method, arguments, named))
            waiting, self._unwritten = self._unwritten, []
        for number, (name, given, also) in enumerate(waiting):
            try:
                self._ask(name, *given, **also)
            except BudgetUnavailable:
                with self._lock:
                    self._unwritten[:0] = waiting[number:]
                if method:
                    return  # the next reservation will need it
                raise

    def _ask(self, method: str, *arguments: object, **named: object) -> Any:
        try:
            with self._lock:
                if self._ledger is None:
                    manager = _Ledger(self._address, self._word)
                    manager.connect()
                    self._ledger = manager.budget()  # type: ignore[attr-defined]  # registered above
                ledger = self._ledger
            return ledger._callmethod(method, arguments, named)
        except UNREACHABLE as error:
            self.close()
            raise BudgetUnavailable(f"The budget server {self._address} does not answer: {error}.") from error


if __name__ == "__main__":
    host, port, word = sys.argv[1:]
    print("budget server at", serve((host, int(port)), word.encode()))
    threading.Event().wait()
