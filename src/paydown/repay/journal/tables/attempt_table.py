"""The table of attempts: one row per request that was meant to be sent, INTENT first, its outcome later."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from paydown.repay.amounts import from_text, to_text
from paydown.repay.errors import AccountBusy, AccountInDoubt, JournalUnusable
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.journal.commit_listeners import CommitListeners
from paydown.repay.journal.journal_file import JournalFile
from paydown.repay.journal.journal_records import AttemptRecord, CorrectionRecord, Intent, Json, json_text
from paydown.repay.journal.states import AttemptState
from paydown.repay.journal.tables.account_rows import OF_ACCOUNT, owner_of_attempt
from paydown.repay.journal.tables.debt_table import insert_debt
from paydown.repay.stored import checked, readable

__all__ = ["AttemptTable"]

_COLUMNS = (
    "attempts.id, plans.key, number, asset, amount, expected, pay_with, before, signed_at_ms, recv_window_ms,"
    " attempts.state, outcome, repaid, opened_at_ms, closed_at_ms,"
    " corrections.id, corrections.attempt_id, made_at_ms, executed, moved, note"
)

_INSERT = (
    "INSERT INTO attempts (id, plan_id, account, number, asset, amount, expected, pay_with, before,"
    " signed_at_ms, recv_window_ms, state, opened_at_ms) VALUES (?, ?, ?,"
    " ?, ?, ?, ?, ?, ?, ?, ?, 'INTENT', ?)"
)


class AttemptTable:
    """Write attempts down before they are sent, record how they ended, and find them again.

    Args:
        file: The journal's file.
        listeners: Called after every commit.
    """

    def __init__(self, file: JournalFile, listeners: CommitListeners) -> None:
        self._file = file
        self._listeners = listeners
        # Several pieces begin from one snapshot, so its text is made once.
        self._snapshot_text: tuple[Snapshot, str] | None = None

    def begin(
        self, account: str, plan_id: int, intent: Intent, now_ms: int, *, fresh_snapshot: bool = True
    ) -> None:
        """Write INTENT. After the return the row is durable, and the request may leave.

        Args:
            account: Name of the account.
            plan_id: The plan it belongs to.
            intent: The repayment that is about to be sent.
            now_ms: Now, UTC milliseconds.
            fresh_snapshot: Whether `intent.before` was not recorded by an earlier attempt.

        Raises:
            AccountInDoubt: Another attempt of the account is open.
            AccountBusy: Another process has begun an attempt of this plan meanwhile.
            JournalUnusable: It could not be written, or not be remembered outside of the journal. Nothing may be
                sent.
        """
        try:
            with self._file.writing() as db:
                db.execute(_INSERT, self._values(account, plan_id, intent, now_ms))
                if fresh_snapshot:
                    insert_debt(db, account, intent.asset, intent.before)
        except JournalUnusable as error:
            if isinstance(error.__cause__, sqlite3.IntegrityError):
                self.refuse_beside_open(account, error)
                raise AccountBusy(
                    f"Another process has begun attempt {intent.number} of this plan. Nothing was sent.",
                    holder=None,
                ) from error
            raise
        try:
            self._listeners.call(account)
        except JournalUnusable:
            # The caller sends nothing now, so this attempt must not be taken for one that may have left.
            with suppress(JournalUnusable):
                self.finish(intent.id, AttemptState.NOT_SENT, now_ms, outcome={"kind": "not-sent"})
            raise

    def refuse_beside_open(self, account: str, error: JournalUnusable) -> None:
        """Raise `AccountInDoubt` if an attempt of the account is open: the database has refused a second one.

        Args:
            account: Name of the account.
            error: The database's refusal, which becomes the cause.
        """
        for record in self.open_of(account):
            raise AccountInDoubt(
                f"Attempt {record.id} on {record.intent.asset} is {record.state.value}: it may have "
                "happened. Nothing else is sent before it is settled. Run resume or reconcile first.",
                attempt_id=record.id,
                journal=str(self._file.path),
            ) from error

    def sign_again(self, attempt_id: str, signed_at_ms: int) -> None:
        """Record that the request of an open INTENT was signed again and is about to leave.

        Args:
            attempt_id: The attempt.
            signed_at_ms: The new timestamp, UTC milliseconds on the exchange's clock.

        Raises:
            JournalUnusable: The attempt is no INTENT any more: another process has taken it for an orphan, and may
                have repaid in its place. Nothing may be sent.
        """
        with self._file.writing() as db:
            account = owner_of_attempt(db, self._file.path, attempt_id)
            changed = db.execute(
                "UPDATE attempts SET signed_at_ms = ? WHERE id = ? AND state = 'INTENT'",
                (signed_at_ms, attempt_id),
            ).rowcount
            if changed != 1:
                (state,) = db.execute("SELECT state FROM attempts WHERE id = ?", (attempt_id,)).fetchone()
                raise JournalUnusable(
                    f"Attempt {attempt_id} is {state} in the journal {self._file.path}: another process has settled "
                    "it meanwhile. It was not sent again. Do the processes share their locks?"
                )
        self._listeners.call(account)

    def finish(
        self,
        attempt_id: str,
        state: AttemptState,
        now_ms: int,
        *,
        outcome: Json,
        repaid: Decimal | None = None,
    ) -> None:
        """Record how an INTENT ended. The record is durable after the return.

        Args:
            attempt_id: The attempt.
            state: EXECUTED, REJECTED, NOT_SENT or UNKNOWN.
            now_ms: Now, UTC milliseconds.
            outcome: The report of the client, as plain data without secrets.
            repaid: How much of the debt it repaid, in units of its asset, if that is known.

        Raises:
            JournalUnusable: It could not be written, or the attempt has ended otherwise meanwhile.
        """
        with self._file.writing() as db:
            account = owner_of_attempt(db, self._file.path, attempt_id)
            db.execute(
                "UPDATE attempts SET state = ?, outcome = ?, repaid = ?, closed_at_ms = ? WHERE id = ?",
                (
                    state.value,
                    json_text(outcome),
                    None if repaid is None else to_text(repaid),
                    now_ms,
                    attempt_id,
                ),
            )
        self._listeners.call_or_warn(account)

    def mark_orphans(self, account: str, now_ms: int) -> list[str]:
        """Turn every INTENT of the account into UNKNOWN, and return their ids.

        An INTENT without an outcome, found at a start, belongs to a process that ended in between: whether its request
        left cannot be known. Only the holder of the account's lock may call this, and before it begins anything.

        Args:
            account: Name of the account.
            now_ms: Now, UTC milliseconds.
        """
        with self._file.writing() as db:
            ids: list[str] = [
                row[0]
                for row in db.execute(
                    # The second condition is that of the index on open attempts, so that only the index is read.
                    f"SELECT id FROM attempts WHERE account IN {OF_ACCOUNT} AND state IN ('INTENT', 'UNKNOWN')"  # noqa: S608  # constants of this room
                    " AND state = 'INTENT'",
                    (account, account),
                )
            ]
            outcome = {"kind": "orphaned", "message": "the process ended before it recorded an outcome"}
            for attempt_id in ids:
                db.execute(
                    "UPDATE attempts SET state = 'UNKNOWN', outcome = ?, closed_at_ms = ? WHERE id = ?",
                    (json_text(outcome), now_ms, attempt_id),
                )
        if ids:
            self._listeners.call_or_warn(account)
        return ids

    def find(self, attempt_id: str) -> AttemptRecord | None:
        """Return one attempt, or `None`."""
        found = self._select("attempts.id = ?", (attempt_id,))
        return found[0] if found else None

    def of_plan(self, plan_id: int) -> list[AttemptRecord]:
        """Return all attempts of a plan, oldest first."""
        return self._select("attempts.plan_id = ?", (plan_id,))

    def open_of(self, account: str) -> list[AttemptRecord]:
        """Return the attempts of the account that may yet turn out to have moved money: none or one.

        More than one exists only in a journal of an older version, in which each of two keys of the account had one.
        """
        return self._select(
            f"attempts.account IN {OF_ACCOUNT} AND attempts.state IN ('INTENT', 'UNKNOWN')",
            (account, account),
        )

    def since(self, account: str, opened_at_ms: int) -> list[AttemptRecord]:
        """Return the attempts of the account that were opened at or after a moment, oldest first.

        Args:
            account: Name of the account.
            opened_at_ms: The moment, UTC milliseconds; 0 for every attempt.
        """
        return self._select(
            f"attempts.account IN {OF_ACCOUNT} AND attempts.opened_at_ms >= ?",
            (account, account, opened_at_ms),
        )

    def last_sent(self, account: str) -> AttemptRecord | None:
        """Return the newest attempt of the account that may have left this machine, or `None`."""
        with self._file.reading() as db:
            row = db.execute(
                f"SELECT id FROM attempts WHERE account IN {OF_ACCOUNT} AND state <> 'NOT_SENT'"  # noqa: S608  # constants of this room
                " ORDER BY opened_at_ms DESC, number DESC LIMIT 1",
                (account, account),
            ).fetchone()
        return None if row is None else self.find(row[0])

    def _values(self, account: str, plan_id: int, intent: Intent, now_ms: int) -> tuple[object, ...]:
        return (
            intent.id,
            plan_id,
            account,
            intent.number,
            intent.asset,
            None if intent.amount is None else to_text(intent.amount),
            to_text(intent.expected),
            json.dumps(intent.pay_with, ensure_ascii=False),
            self._before(intent),
            intent.signed_at_ms,
            intent.recv_window_ms,
            now_ms,
        )

    def _before(self, intent: Intent) -> str:
        known = self._snapshot_text
        if known is None or known[0] is not intent.before:
            known = self._snapshot_text = (intent.before, json_text(intent.before.to_json()))
        return f'{{"look":{known[1]},"since":{json.dumps(intent.since)}}}'

    def _select(self, where: str, values: Sequence[object]) -> list[AttemptRecord]:
        with self._file.reading() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM attempts JOIN plans ON plans.id = attempts.plan_id"  # noqa: S608  # constants of this room
                " LEFT JOIN corrections ON corrections.id ="
                " (SELECT max(id) FROM corrections WHERE attempt_id = attempts.id)"
                f" WHERE {where} ORDER BY attempts.opened_at_ms, attempts.plan_id, attempts.number",
                values,
            ).fetchall()
        with readable(f"An attempt in the journal {self._file.path}"):
            return [_record(row) for row in rows]


def _record(row: Sequence[Any]) -> AttemptRecord:
    before: Json = json.loads(row[7])
    intent = Intent(
        id=row[0],
        number=row[2],
        asset=row[3],
        amount=None if row[4] is None else from_text(row[4]),
        expected=from_text(row[5]),
        pay_with=tuple(json.loads(row[6])),
        before=Snapshot.from_json(before["look"]),
        since=tuple(before["since"]),
        signed_at_ms=row[8],
        recv_window_ms=row[9],
    )
    return checked(
        AttemptRecord(
            intent=checked(intent),
            plan_key=row[1],
            state=AttemptState(row[10]),
            outcome=None if row[11] is None else json.loads(row[11]),
            repaid=None if row[12] is None else from_text(row[12]),
            opened_at_ms=row[13],
            closed_at_ms=row[14],
            correction=None if row[15] is None else CorrectionRecord.from_row(row[15:]),
        )
    )
