"""Stop a run when asked, but never between sending and recording.

    SIGINT, SIGTERM, request()  ──▶  the call in flight ends, its outcome is recorded, the run stops
    a second signal             ──▶  KeyboardInterrupt at once; what was in flight is UNKNOWN

A wait ends at once: a `Pause` wakes up, and a call that still waits for request weight ends before anything was sent.

A signal handler runs between two steps of the main thread, perhaps inside a lock that the main thread holds: then
`threading.Event.set` would wait for itself for ever. `queue.SimpleQueue.put` is made for that ("reentrant").
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

__all__ = ["StopAsked", "StopSwitch"]


class StopAsked(KeyboardInterrupt):
    """Raised by a signal inside a wait that may be left at once. Never raised while a request is in flight."""


class StopSwitch:
    """A switch that remembers that a stop was asked for, and wakes waiting code."""

    def __init__(self) -> None:
        self._asked = False
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._leaving = False

    @property
    def asked(self) -> bool:
        """Return whether a stop was asked for."""
        return self._asked

    def request(self) -> None:
        """Ask to stop. From any thread or signal handler."""
        self._asked = True  # first: what is woken reads it
        self._wake.put(None)

    def clear(self) -> None:
        """Forget an earlier stop at the beginning of a new run."""
        self._asked = False
        with suppress(queue.Empty):
            while True:
                self._wake.get_nowait()

    def sleep(self, seconds: float) -> None:
        """Sleep, but wake when a stop is asked for."""
        if self._asked:
            return
        with suppress(queue.Empty):
            self._wake.get(timeout=max(0.0, seconds))
            self._wake.put(None)  # for another thread that may sleep here

    @contextmanager
    def leaving(self) -> Generator[None]:
        """Let a signal raise `StopAsked` right away while the block runs, since nothing has been sent yet."""
        self._leaving = True
        try:
            yield
        finally:
            self._leaving = False

    def stay(self) -> None:
        """Let signals only set the stop flag from here on, since a request may be in flight.

        Raises:
            StopAsked: A stop was asked for already. Nothing was sent.
        """
        self._leaving = False
        if self.asked:
            raise StopAsked

    @contextmanager
    def signals(self) -> Generator[None]:
        """Listen to SIGINT and SIGTERM. Does nothing outside the main thread, where Python has no signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[signal.Signals, Any] = {}
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                before[number] = signal.signal(number, self._on_signal)
            yield
        finally:
            for number, handler in before.items():
                # A handler that was not set from Python is None here and cannot be put back.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.asked:
            raise KeyboardInterrupt
        self.request()
        if self._leaving:
            raise StopAsked
