"""The table of adoptions: when a person went on with a journal that knows less than was remembered."""

from __future__ import annotations

import json

from paydown.repay.journal.journal_file import JournalFile
from paydown.repay.journal.journal_records import Json, json_text
from paydown.repay.journal.tables.account_rows import OF_ACCOUNT
from paydown.repay.stored import readable

__all__ = ["AdoptionTable"]


class AdoptionTable:
    """Record adoptions. They are never changed and never removed.

    Args:
        file: The journal's file.
    """

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def add(self, account: str, now_ms: int, *, note: str, count: int, body: Json) -> None:
        """Record that a person goes on with this journal, though more is remembered than it knows.

        Args:
            account: Name of the account.
            now_ms: Now, UTC milliseconds.
            note: Which person adopts it and what they saw.
            count: The highest count that is remembered of this journal. From now on it counts from above that, so
                that the file which reached it is refused in its turn.
            body: The remembered facts, and the snapshot of the account.
        """
        with self._file.writing() as db:
            db.execute(
                "INSERT INTO adoptions (account, made_at_ms, note, body) VALUES (?, ?, ?, ?)",
                (account, now_ms, note, json_text(body)),
            )
            db.execute("UPDATE counter SET value = max(value, ?) + 1", (count,))

    def of(self, account: str) -> list[Json]:
        """Return every adoption of the account, oldest first: its time, its note, and the snapshot."""
        with self._file.reading() as db:
            rows = db.execute(
                f"SELECT made_at_ms, note, body FROM adoptions WHERE account IN {OF_ACCOUNT} ORDER BY id",  # noqa: S608  # constants of this room
                (account, account),
            ).fetchall()
        with readable(f"An adoption in the journal {self._file.path}"):
            return [{"made_at_ms": row[0], "note": row[1], **json.loads(row[2])} for row in rows]
