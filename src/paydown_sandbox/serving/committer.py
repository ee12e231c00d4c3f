"""Group commits: all requests of one turn of the event loop share one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from paydown_sandbox.exchange import Exchange
from paydown_sandbox.serving.store import Store, StoreError

__all__ = ["Committer"]

_log = logging.getLogger("paydown_sandbox")


class Committer:
    """Write the sandbox's changes into its file, in one transaction for each turn of the event loop.

    Args:
        exchange: The sandbox that changes.
        store: The file of `--data`, or `None` if the sandbox lives in memory only.
        in_thread: Whether to write in another thread, so that a slow flush does not stop the event loop.

    Attributes:
        failed: Why the file took no more, or None. From then on nothing may be answered.
        on_failure: Called once when the file takes no more.
    """

    def __init__(self, exchange: Exchange, store: Store | None, *, in_thread: bool = False) -> None:
        self.exchange = exchange
        self.store = store
        self.failed: StoreError | None = None
        self.on_failure: Callable[[], None] | None = None
        self._in_thread = in_thread
        self._waiting: list[Callable[[StoreError | None], None]] = []
        self._scheduled = False
        self._running = False

    def when_durable(self, done: Callable[[StoreError | None], None]) -> None:
        """Call `done` once everything handled so far is on disk, or with the reason why it is not."""
        if self.store is None:
            self.exchange.forget_changes()
            self.exchange.streams.deliver()
            done(None)
            return
        self._waiting.append(done)
        if not self._scheduled and not self._running:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._commit)

    async def durable(self) -> None:
        """Wait until everything handled so far is on disk.

        Raises:
            StoreError: The disk did not take it.
        """
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[None] = loop.create_future()

        def done(error: StoreError | None) -> None:
            if waiting.done():
                return  # the waiting task was cancelled
            if error is None:
                waiting.set_result(None)
            else:
                waiting.set_exception(error)

        self.when_durable(done)
        await waiting

    def ticked(self) -> None:
        """Store changes that time alone has made, and deliver their events."""
        self.when_durable(lambda error: None)

    def _commit(self) -> None:
        self._scheduled = False
        waiting, self._waiting = self._waiting, []
        if not waiting or self.store is None:
            return
        if self.failed is not None:
            self._finish(waiting, self.failed)
            return
        try:
            work = self.store.collect(self.exchange)
            if self._in_thread:
                self._running = True
                running = asyncio.get_running_loop().run_in_executor(None, self.store.write, work)
                running.add_done_callback(lambda done: self._written(waiting, done.exception()))
                return
            self.store.write(work)
        except StoreError as error:
            self._fail(error)
        self._finish(waiting, self.failed)

    def _written(
        self, waiting: list[Callable[[StoreError | None], None]], error: BaseException | None
    ) -> None:
        self._running = False
        if error is not None:
            self._fail(error if isinstance(error, StoreError) else StoreError(str(error)))
        self._finish(waiting, self.failed)
        if self._waiting:
            self._commit()

    def _finish(self, waiting: list[Callable[[StoreError | None], None]], error: StoreError | None) -> None:
        if error is None:
            self.exchange.streams.deliver()
        for done in waiting:
            done(error)

    def _fail(self, error: StoreError) -> None:
        # Memory is ahead of the file now, so nothing more may be answered from it.
        self.failed = error
        _log.critical("%s", error)
        if self.on_failure is not None:
            self.on_failure()
