"""The table of plans: one row per plan key, so that a key is an idempotency key."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from paydown.repay.amounts import to_text
from paydown.repay.errors import JournalUnusable, PlanKeyConflict, UnknownPlan
from paydown.repay.journal.journal_file import JournalFile
from paydown.repay.journal.journal_records import Json, PlanRecord, json_text
from paydown.repay.journal.states import PlanState
from paydown.repay.journal.tables.account_rows import OF_ACCOUNT
from paydown.repay.planning.plan import Plan
from paydown.repay.stored import checked, readable

__all__ = ["PlanTable"]

_COLUMNS = (
    "id, account, plan, state, report, created_at_ms, changed_at_ms, first_report,"
    " state = 'DONE' AND EXISTS (SELECT 1 FROM corrections JOIN attempts ON attempts.id = corrections.attempt_id"
    " WHERE attempts.plan_id = plans.id AND corrections.id > plans.corrected)"
)


class PlanTable:
    """Write plans down and find them by their key.

    Args:
        file: The journal's file.
    """

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def add(self, account: str, plan: Plan, now_ms: int) -> PlanRecord:
        """Write a plan down, or find the one that already has its key.

        Args:
            account: Name of the account.
            plan: The plan.
            now_ms: Now, UTC milliseconds.

        Returns:
            The stored plan. Two processes that plan under one key both get the plan of the first.

        Raises:
            PlanKeyConflict: The key belongs to a different request.
        """
        with self._file.writing() as db:
            known = _row(db, account, plan.key)
            if known is None:
                row_id = db.execute(
                    "INSERT INTO plans (account, key, fingerprint, plan, state, created_at_ms, changed_at_ms)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        account,
                        plan.key,
                        plan.request.fingerprint,
                        json_text(plan.to_json()),
                        PlanState.PLANNED.value,
                        now_ms,
                        now_ms,
                    ),
                ).lastrowid
                known = db.execute(f"SELECT {_COLUMNS} FROM plans WHERE id = ?", (row_id,)).fetchone()  # noqa: S608  # constants of this module
        record = self._record(known)
        if record.plan.request.fingerprint != plan.request.fingerprint:
            raise _conflict(record, plan.key)
        return record

    def find(self, account: str, key: str, fingerprint: str | None = None) -> PlanRecord | None:
        """Return the plan with a key, or `None`.

        Args:
            account: Name of the account.
            key: The plan key.
            fingerprint: Fingerprint of the request that the key is expected to stand for, if that matters.

        Raises:
            PlanKeyConflict: `fingerprint` is given and the key belongs to a different request.
        """
        with self._file.reading() as db:
            row = _row(db, account, key)
        if row is None:
            return None
        record = self._record(row)
        if fingerprint is not None and record.plan.request.fingerprint != fingerprint:
            raise _conflict(record, key)
        return record

    def get(self, account: str, key: str) -> PlanRecord:
        """Return the plan with a key.

        Args:
            account: Name of the account.
            key: The plan key.

        Raises:
            UnknownPlan: There is none.
        """
        record = self.find(account, key)
        if record is None:
            raise UnknownPlan(f"No plan {key!r} is in {self._file.path} for this account.")
        return record

    def newest_first(self, account: str | None = None) -> list[PlanRecord]:
        """Return all plans, newest first; of one account, or of all."""
        where, values = (
            (f"WHERE account IN {OF_ACCOUNT}", (account, account)) if account is not None else ("", ())
        )
        with self._file.reading() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM plans {where} ORDER BY id DESC", values).fetchall()  # noqa: S608  # constants of this module
        return [self._record(row) for row in rows]

    def move(self, plan_id: int, state: PlanState, now_ms: int, report: Json | None = None) -> None:
        """Record how far a plan has come, with its report if there is one.

        Args:
            plan_id: Number of the plan in this journal.
            state: Its new state.
            now_ms: Now, UTC milliseconds.
            report: Its report as plain data; `None` keeps the stored one.

        Raises:
            JournalUnusable: It could not be written, or the plan cannot move that way: one that is DONE moves only
                once one of its attempts was corrected.
        """
        with self._file.writing() as db:
            changed = db.execute(
                "UPDATE plans SET state = ?, report = coalesce(?, report), changed_at_ms = ? WHERE id = ?",
                (state.value, None if report is None else json_text(report), now_ms, plan_id),
            ).rowcount
            if changed != 1:
                raise JournalUnusable(f"The journal {self._file.path} has no plan number {plan_id}.")

    def _record(self, row: Sequence[Any]) -> PlanRecord:
        with readable(f"A plan in the journal {self._file.path}"):
            return _record(row)


def _row(db: sqlite3.Connection, account: str, key: str) -> Sequence[Any] | None:
    row: Sequence[Any] | None = db.execute(
        # In a journal of an older version two keys of one account may have used one plan key: the newer plan counts.
        f"SELECT {_COLUMNS} FROM plans WHERE account IN {OF_ACCOUNT} AND key = ? ORDER BY id DESC LIMIT 1",  # noqa: S608  # constants of this room
        (account, account, key),
    ).fetchone()
    return row


def _record(row: Sequence[Any]) -> PlanRecord:
    return checked(
        PlanRecord(
            id=row[0],
            account=row[1],
            plan=Plan.from_json(json.loads(row[2])),
            state=PlanState(row[3]),
            report=None if row[4] is None else json.loads(row[4]),
            created_at_ms=row[5],
            changed_at_ms=row[6],
            first_report=None if row[7] is None else json.loads(row[7]),
            corrected=bool(row[8]),
        )
    )


def _conflict(record: PlanRecord, key: str) -> PlanKeyConflict:
    asked = record.plan.request
    amount = "the whole debt" if asked.amount is None else to_text(asked.amount)
    return PlanKeyConflict(
        f"The plan key {key!r} belongs to another request: {amount} of {asked.asset}, paid with "
        f"{', '.join(asked.pay_with) or asked.asset}, margin {to_text(asked.margin)}. Choose another key.",
        key=key,
    )
