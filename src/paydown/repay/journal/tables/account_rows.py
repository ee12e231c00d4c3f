"""Select the rows of an account: its own, and those that an older version wrote under a hash of one of its keys."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from paydown.repay.errors import JournalUnusable

__all__ = ["OF_ACCOUNT", "owner_of_attempt"]

OF_ACCOUNT = "(SELECT account FROM accounts WHERE owner = ? UNION ALL SELECT ?)"
"""SQL for the names under which rows of an account stand. It takes the account twice."""


def owner_of_attempt(db: sqlite3.Connection, path: Path, attempt_id: str) -> str:
    """Return the account of an attempt, as commit listeners know it. Called inside a transaction.

    Args:
        db: The connection.
        path: The journal, for the error.
        attempt_id: The attempt.

    Raises:
        JournalUnusable: There is no such attempt.
    """
    row = db.execute(
        "SELECT coalesce(accounts.owner, attempts.account) FROM attempts"
        " LEFT JOIN accounts ON accounts.account = attempts.account WHERE attempts.id = ?",
        (attempt_id,),
    ).fetchone()
    if row is None:
        raise JournalUnusable(f"The journal {path} has no attempt {attempt_id!r}.")
    account: str = row[0]
    return account
