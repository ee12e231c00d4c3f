"""Hold an account: its locks, and the memory of its journals next to the locks."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from paydown.repay.account.account_identity import Asking, account_id, confirm, has_older_rows, lock_name
from paydown.repay.account.account_lock import AccountLock
from paydown.repay.account.account_memory import AccountMemory, Remembered
from paydown.repay.account.lock_holder import Holder
from paydown.repay.account.remembered_state import RememberedState
from paydown.repay.execution.commands import Step
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_records import Intent

__all__ = ["AccountHold"]


class AccountHold:
    """The right to act for one account: confirmed by its identity, held by its locks.

    Args:
        journal: The journal.
        directory: Where locks and memories are.
        base_url: Address of the exchange.
        name: Name of the account; "" for the default one.
        api_key: The API key that is used.
        now_ms: The exchange's time, UTC milliseconds.
        deadline_of: From when on an intent can no longer act, UTC milliseconds on the exchange's clock.

    Attributes:
        name: Name of the account.
        account: The account's name in the journal.
        lock: The account's lock.
        key_lock: The lock of the API key, which an older version takes that may run at the same time; only for the
            default account.
        memory: The memory next to the account's lock.
    """

    def __init__(
        self,
        journal: Journal,
        directory: Path,
        *,
        base_url: str,
        name: str,
        api_key: str,
        now_ms: Callable[[], int],
        deadline_of: Callable[[Intent], int],
    ) -> None:
        self._journal = journal
        self._directory = directory
        self._base_url = base_url
        self._api_key = api_key
        self._fingerprint = lock_name(base_url, api_key)
        self._now_ms = now_ms
        self._deadline_of = deadline_of
        self.take_name(name)

    def take_name(self, name: str) -> None:
        """Act for the account of this name: in the journal, for the lock, and in the memory next to the lock."""
        self.name = name
        self.account = account_id(self._journal, self._base_url, name)
        lock = lock_name(self._base_url, name)
        self.lock = AccountLock(self._directory, lock)
        self.key_lock = None if name else AccountLock(self._directory, self._fingerprint)
        self.memory = AccountMemory(self._directory, lock, durable=self._journal.durable)

    def confirm(self, *, same_account: bool, new_account: bool) -> None:
        """Check that this key may act for this account, and remember that it may.

        Args:
            same_account: Answers the question about a new key: it belongs to the same account.
            new_account: Answers the question about a new name: it is really another account.

        Raises:
            AccountUnconfirmed: A question must be answered first.
        """
        asking = Asking(
            self._base_url, self.name, self._api_key, self._fingerprint, same_account, new_account
        )
        confirm(self._journal, self.memory, asking, self._now_ms())

    def has_older_rows(self) -> bool:
        """Return whether an older version wrote rows under a hash of this API key."""
        return has_older_rows(self._journal, self._base_url, self._api_key)

    @contextmanager
    def holding(
        self,
        confirm: Callable[[], None],
        mark: Callable[[Step, Literal["before", "after"]], object],
        *,
        adopting: bool = False,
    ) -> Generator[RememberedState]:
        """Hold the account while the block runs; refuse while another journal holds a doubt about it.

        A refusal leaves no trace: neither note nor memory changes.

        Args:
            confirm: Makes sure that this key may act for this account.
            mark: Is called before and after taking and releasing the locks.
            adopting: Whether a person goes on although more is remembered than the journal knows.

        Raises:
            AccountBusy: Another process holds the account.
            JournalForgot: More is remembered than the journal knows.
            JournalUnusable: The journal or the lock cannot be used.
        """
        mark(Step.TAKE_LOCK, "before")
        confirm()
        journal = self._journal
        journal.file.check()
        clean = False

        def release(lock: AccountLock) -> None:
            lock.release(clean=clean)

        with ExitStack() as taken:
            locks = [self.lock] if self.key_lock is None else [self.lock, self.key_lock]
            notes: list[Holder | None] = []
            for lock in locks:
                notes.append(lock.take())
                taken.callback(release, lock)
            state = self._state([note for note in notes if note is not None])
            if not adopting:
                state.refuse_forgetful()
            for lock in locks:
                lock.sign(str(journal.path), self._now_ms())
            try:
                mark(Step.TAKE_LOCK, "after")
                with journal.remembering(self.account, state.write):
                    if not adopting:
                        state.write()
                    try:
                        yield state
                    finally:
                        clean = not journal.attempts.open_of(self.account)
            finally:
                mark(Step.RELEASE_LOCK, "before")
        mark(Step.RELEASE_LOCK, "after")

    def _state(self, notes: list[Holder]) -> RememberedState:
        return RememberedState(
            self._journal,
            self.account,
            self.memory,
            unknown=Remembered(self._base_url, self.name),
            fingerprint=self._fingerprint,
            deadline_of=self._deadline_of,
            notes=notes,
        )
