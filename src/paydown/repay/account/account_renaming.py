"""Give an account another name, in the journal and next to the locks. It keeps its doubts."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from paydown.errors import InvalidRequest
from paydown.repay.account.account_identity import checked_name, lock_name, rename, spoken
from paydown.repay.account.account_lock import AccountLock
from paydown.repay.account.account_memory import AccountMemory
from paydown.repay.journal.journal import Journal

__all__ = ["rename_account"]


def rename_account(
    journal: Journal, directory: Path, old: str, new: str, *, base_url: str, api_key: str, now_ms: int
) -> tuple[str, str]:
    """Rename an account, under the locks of both names.

    Args:
        journal: The journal.
        directory: Where locks and memories are.
        old: The name it has; "default" for the account without a name.
        new: The name it gets.
        base_url: Address of the exchange.
        api_key: The API key that is used: an older version locks it for the default account.
        now_ms: Now, UTC milliseconds.

    Returns:
        Both names as they are stored.

    Raises:
        InvalidRequest: A name is empty, there is no such account, or the new name is taken.
        AccountBusy: A process repays for one of the two.
    """
    before, after = checked_name(old), checked_name(new)
    if not after or before == after:
        raise InvalidRequest(f"{new!r} is no new name for {spoken(before)}.", parameter="new")
    names = [lock_name(base_url, name) for name in (before, after)]
    locks = [AccountLock(directory, name) for name in names]
    memories = [AccountMemory(directory, name, durable=journal.durable) for name in names]
    if not before:
        locks.append(AccountLock(directory, lock_name(base_url, api_key)))
    with ExitStack() as held:
        for lock in locks:
            lock.take()
            held.callback(lock.release, clean=False)
        remembered, taken = (memory.read() for memory in memories)
        if remembered is not None and taken is not None and not taken.keys <= remembered.keys:
            raise InvalidRequest(
                f"There is {spoken(after)} already; two accounts cannot become one.", parameter="new"
            )
        if remembered is not None:
            memories[1].write(replace(remembered, name=after))
        known = rename(journal, base_url, before, after, now_ms)
        if not known and remembered is None:
            raise InvalidRequest(f"Nothing is known of {spoken(before)} in {journal.path}.", parameter="old")
        memories[0].forget()
    return before, after
