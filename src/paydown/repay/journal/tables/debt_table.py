"""The table of debts over time, for charts. No decision is based on it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from decimal import Decimal

from paydown.repay.amounts import from_text, to_text
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.journal.journal_file import JournalFile
from paydown.repay.journal.tables.account_rows import OF_ACCOUNT
from paydown.repay.stored import checked, readable

__all__ = ["DebtTable", "insert_debt"]


@dataclass(frozen=True, slots=True)
class _Point:
    """The debt at one moment, in units of its asset."""

    taken_at_ms: int
    principal: Decimal
    interest: Decimal


class DebtTable:
    """Keep the debt that snapshots showed.

    Args:
        file: The journal's file.
    """

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def add(self, account: str, asset: str, snapshot: Snapshot) -> None:
        """Keep the debt of a snapshot that no attempt carries, such as the one after the last piece.

        Args:
            account: Name of the account.
            asset: Asset owed.
            snapshot: The snapshot that showed the debt.
        """
        with self._file.writing() as db:
            insert_debt(db, account, asset, snapshot)

    def over_time(self, account: str, asset: str) -> list[tuple[int, Decimal, Decimal]]:
        """Return points of the debt over time: UTC milliseconds, principal, interest; oldest first.

        Args:
            account: Name of the account.
            asset: Asset owed.
        """
        with self._file.reading() as db:
            rows = db.execute(
                f"SELECT taken_at_ms, principal, interest FROM looks WHERE account IN {OF_ACCOUNT}"  # noqa: S608  # constants of this room
                " AND asset = ? ORDER BY taken_at_ms, id",
                (account, account, asset),
            ).fetchall()
        with readable(f"The debt over time in the journal {self._file.path}"):
            points = [checked(_Point(row[0], from_text(row[1]), from_text(row[2]))) for row in rows]
        return [(point.taken_at_ms, point.principal, point.interest) for point in points]


def insert_debt(db: sqlite3.Connection, account: str, asset: str, snapshot: Snapshot) -> None:
    """Insert the debt of a snapshot. Called inside a transaction.

    Args:
        db: The connection.
        account: Name of the account.
        asset: Asset owed.
        snapshot: The snapshot that showed the debt.
    """
    owed = snapshot[asset]
    db.execute(
        "INSERT INTO looks (account, asset, taken_at_ms, principal, interest) VALUES (?, ?, ?, ?, ?)",
        (account, asset, snapshot.answered_at_ms, to_text(owed.borrowed), to_text(owed.interest)),
    )
