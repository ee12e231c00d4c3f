"""Call the listeners of commits, such as the account memory outside of the journal."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from paydown.events import LOGGER
from paydown.repay.errors import JournalUnusable

__all__ = ["CommitListeners"]


class CommitListeners:
    """Keep one listener per account, for as long as the holder of its lock works."""

    def __init__(self) -> None:
        self._listeners: dict[str, Callable[[], object]] = {}

    @contextmanager
    def listening(self, account: str, listener: Callable[[], object]) -> Generator[None]:
        """Call `listener` after every commit about the account while the block runs.

        Args:
            account: Name of the account.
            listener: Takes no argument. What it raises before a request leaves keeps the request back. What it raises
                later is only logged: the outcome is in the journal, and what is remembered then is older and asks for
                more caution.
        """
        self._listeners[account] = listener
        try:
            yield
        finally:
            del self._listeners[account]

    def call(self, account: str) -> None:
        """Call the listener of an account; an exception that it raises is raised here, too."""
        listener = self._listeners.get(account)
        if listener is not None:
            listener()

    def call_or_warn(self, account: str) -> None:
        """Call the listener of an account; only log `JournalUnusable`.

        After such a failure the memory asks for more caution than the journal itself, never for less.
        """
        try:
            self.call(account)
        except JournalUnusable as error:
            LOGGER.warning("the account memory could not be written after a commit of the journal: %s", error)
