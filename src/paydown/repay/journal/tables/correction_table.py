"""The table of corrections: a person's corrections of attempts that have ended. No row is ever changed."""

from __future__ import annotations

from decimal import Decimal

from paydown.repay.amounts import to_text
from paydown.repay.journal.commit_listeners import CommitListeners
from paydown.repay.journal.journal_file import JournalFile
from paydown.repay.journal.journal_records import CorrectionRecord
from paydown.repay.journal.tables.account_rows import owner_of_attempt
from paydown.repay.stored import readable

__all__ = ["CorrectionTable"]


class CorrectionTable:
    """The corrections of attempts. A correction is appended and edits no other row.

    Args:
        file: The journal's file.
        listeners: Called after every commit.
    """

    def __init__(self, file: JournalFile, listeners: CommitListeners) -> None:
        self._file = file
        self._listeners = listeners

    def add(
        self, attempt_id: str, now_ms: int, *, executed: bool, moved: Decimal, note: str
    ) -> CorrectionRecord:
        """Append a correction to an attempt that has ended.

        Args:
            attempt_id: The attempt, neither INTENT nor UNKNOWN.
            now_ms: Now, UTC milliseconds.
            executed: Whether it happened after all.
            moved: How much of the debt it repaid, in units of its asset.
            note: Which person corrects it and what they saw.

        Raises:
            JournalUnusable: It could not be written, or the attempt is open.
        """
        with self._file.writing() as db:
            account = owner_of_attempt(db, self._file.path, attempt_id)
            number = db.execute(
                "INSERT INTO corrections (attempt_id, made_at_ms, executed, moved, note) VALUES (?, ?, ?, ?, ?)",
                (attempt_id, now_ms, int(executed), to_text(moved), note),
            ).lastrowid
        self._listeners.call_or_warn(account)
        return CorrectionRecord(number or 0, attempt_id, now_ms, executed, moved, note)

    def of(self, attempt_id: str) -> list[CorrectionRecord]:
        """Return every correction of an attempt, oldest first; the last one counts."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT id, attempt_id, made_at_ms, executed, moved, note FROM corrections WHERE attempt_id = ?"
                " ORDER BY id",
                (attempt_id,),
            ).fetchall()
        with readable(f"A correction in the journal {self._file.path}"):
            return [CorrectionRecord.from_row(row) for row in rows]
