"""The table of evidence: the observations of each attempt, and the verdicts on them. No row is ever changed."""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal

from paydown.repay.amounts import to_text
from paydown.repay.errors import JournalUnusable
from paydown.repay.journal.commit_listeners import CommitListeners
from paydown.repay.journal.journal_file import JournalFile
from paydown.repay.journal.journal_records import EvidenceRecord, Json, json_text
from paydown.repay.journal.tables.account_rows import OF_ACCOUNT, owner_of_attempt
from paydown.repay.journal.tables.attempt_table import AttemptTable
from paydown.repay.stored import checked, readable

__all__ = ["EvidenceTable"]


class EvidenceTable:
    """Store evidence together with the state that it proves, in one commit.

    Args:
        file: The journal's file.
        listeners: Called after every commit that changes a state.
        attempts: The table whose rows the evidence is about.
    """

    def __init__(self, file: JournalFile, listeners: CommitListeners, attempts: AttemptTable) -> None:
        self._file = file
        self._listeners = listeners
        self._attempts = attempts

    def prove(
        self, attempt_id: str, verdict: str, now_ms: int, *, body: Json, repaid: Decimal | None = None
    ) -> None:
        """Store evidence about an UNKNOWN attempt and, unless it is "UNDECIDED", the state that it proves.

        Args:
            attempt_id: The attempt.
            verdict: "PROVEN_EXECUTED", "PROVEN_NOT_EXECUTED" or "UNDECIDED".
            now_ms: Now, UTC milliseconds.
            body: The observations and the verdict, or a person's statement, as plain data.
            repaid: How much of the debt the attempt repaid, in units of its asset, if that is known.

        Raises:
            JournalUnusable: It could not be written, or the attempt has moved meanwhile.
        """
        with self._file.writing() as db:
            account = owner_of_attempt(db, self._file.path, attempt_id)
            _insert(db, attempt_id, now_ms, verdict, body)
            if verdict != "UNDECIDED":
                db.execute(
                    "UPDATE attempts SET state = ?, repaid = ?, closed_at_ms = ? WHERE id = ?",
                    (verdict, None if repaid is None else to_text(repaid), now_ms, attempt_id),
                )
        self._listeners.call_or_warn(account)

    def contradict_refusal(self, attempt_id: str, now_ms: int, body: Json) -> None:
        """Store evidence against a refusal and, in the same commit, make the attempt UNKNOWN.

        Args:
            attempt_id: The attempt, REJECTED and never corrected.
            now_ms: Now, UTC milliseconds.
            body: The observations, kept as "UNDECIDED" evidence.

        Raises:
            AccountInDoubt: Another attempt of the account is open.
            JournalUnusable: It could not be written, or the attempt is not REJECTED, or a person has corrected it.
        """
        account = ""
        try:
            with self._file.writing() as db:
                account = owner_of_attempt(db, self._file.path, attempt_id)
                _insert(db, attempt_id, now_ms, "UNDECIDED", body)
                changed = db.execute(
                    "UPDATE attempts SET state = 'UNKNOWN', closed_at_ms = ? WHERE id = ? AND state = 'REJECTED'",
                    (now_ms, attempt_id),
                ).rowcount
                if changed != 1:
                    raise JournalUnusable(
                        f"Attempt {attempt_id} is not REJECTED: there is no refusal to doubt."
                    )
        except JournalUnusable as error:
            if isinstance(error.__cause__, sqlite3.IntegrityError) and account:
                self._attempts.refuse_beside_open(account, error)
            raise
        self._listeners.call_or_warn(account)

    def confirm_refusal(self, attempt_id: str, now_ms: int, *, body: Json) -> None:
        """Store that a snapshot after the refusal of an attempt showed the debt unchanged.

        Args:
            attempt_id: The attempt, REJECTED.
            now_ms: Now, UTC milliseconds.
            body: The observations, as plain data.
        """
        with self._file.writing() as db:
            _insert(db, attempt_id, now_ms, "PROVEN_NOT_EXECUTED", body)

    def of(self, attempt_id: str) -> list[EvidenceRecord]:
        """Return all evidence about an attempt, oldest first."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT attempt_id, taken_at_ms, verdict, body FROM evidence WHERE attempt_id = ?"
                " ORDER BY id",
                (attempt_id,),
            ).fetchall()
        with readable(f"The evidence of attempt {attempt_id} in the journal {self._file.path}"):
            return [checked(EvidenceRecord(row[0], row[1], row[2], json.loads(row[3]))) for row in rows]

    def signs(self, account: str) -> frozenset[str]:
        """Return the signs of unusual behaviour of the exchange that were seen on this account."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT evidence.body FROM evidence JOIN attempts ON attempts.id = evidence.attempt_id"  # noqa: S608  # constants of this room
                f' WHERE attempts.account IN {OF_ACCOUNT} AND evidence.body LIKE \'%"signs":["%\'',
                (account, account),
            ).fetchall()
        with readable(f"The evidence in the journal {self._file.path}"):
            return frozenset(
                str(sign) for row in rows for sign in json.loads(row[0]).get("verdict", {}).get("signs", ())
            )


def _insert(db: sqlite3.Connection, attempt_id: str, now_ms: int, verdict: str, body: Json) -> None:
    db.execute(
        "INSERT INTO evidence (attempt_id, taken_at_ms, verdict, body) VALUES (?, ?, ?, ?)",
        (attempt_id, now_ms, verdict, json_text(body)),
    )
