"""The journal: what was meant, written down before it is done, and how it ended.

    begin()   INTENT, with the debt seen just before     durable before a byte leaves
    finish()  EXECUTED | REJECTED | NOT_SENT | UNKNOWN   durable before anything else is begun
    prove()   PROVEN_EXECUTED | PROVEN_NOT_EXECUTED      together with its evidence, in one commit
    contradicted()  REJECTED becomes UNKNOWN again       together with its evidence, in one commit
    correct()       a person's correction beside a state that has ended; nothing is edited

SQLite in WAL mode with `synchronous=FULL`: when one of these returns, the row is on the disk, and a
kill -9 or a power cut at any instruction leaves either the whole row or none of it. Files are
readable by their owner only. No key, secret or signature is ever written: an account is a salted
hash of its address and name, a key another one.

The journal has an identity, drawn at random when it is made, and a count that only grows; with them
`memory` recognises a journal that was deleted, replaced or restored from a backup. A connection whose
file is no longer the one at its path, or that was inherited by a fork, is refused.

Several processes may open one journal. Who may write for an account is decided by `lock`; that at
most one attempt per account is open is decided here, by a unique index.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import sys
import threading
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from paydown.errors import InvalidRequest
from paydown.events import LOGGER
from paydown.file_ownership import FileNotOurs, Found, claim, inspect
from paydown.repay.amounts import from_text, to_text
from paydown.repay.errors import (
    AccountBusy,
    AccountInDoubt,
    JournalUnusable,
    PlanKeyConflict,
    UnknownPlan,
)
from paydown.repay.evidence.snapshot import Look
from paydown.repay.journal.forks import close_in_children, leave_open
from paydown.repay.journal.opened_file import OpenedFile
from paydown.repay.journal.states import AttemptState, PlanState
from paydown.repay.journal.tables import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION, differing, statements
from paydown.repay.planning.plan import Plan
from paydown.repay.stored import checked, readable
from paydown.state_directory import make_directories

__all__ = [
    "AttemptRecord",
    "CorrectionRecord",
    "EvidenceRecord",
    "Intent",
    "Journal",
    "PlanRecord",
    "Standing",
]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Intent:
    """What is written down before a request may leave.

    Attributes:
        id: The client's id of this attempt.
        number: Its place among the attempts of its plan, from 1: what the writer believes comes next.
        asset: Asset owed.
        amount: `amount` of the request; `None` sends none.
        expected: How much of the debt it should repay.
        pay_with: Payment assets of the request.
        before: The last look at the account.
        since: Ids of the attempts that were answered as executed after that look.
        signed_at_ms: Timestamp in the request, UTC milliseconds on the exchange's clock.
        recv_window_ms: How long after that the exchange may accept it.
    """

    id: str
    number: int
    asset: str
    amount: Decimal | None
    expected: Decimal
    pay_with: tuple[str, ...]
    before: Look
    since: tuple[str, ...]
    signed_at_ms: int
    recv_window_ms: int


@dataclass(frozen=True, slots=True)
class CorrectionRecord:
    """What a person knew better about an attempt that had ended.

    Attributes:
        id: Its number: a later one has a higher one, and wins.
        attempt_id: The attempt.
        made_at_ms: When it was written, UTC milliseconds.
        executed: Whether the attempt happened after all.
        moved: How much of the debt it repaid.
        note: Who says so and what was seen.
    """

    id: int
    attempt_id: str
    made_at_ms: int
    executed: bool
    moved: Decimal
    note: str

    def to_json(self) -> Json:
        """Plain data."""
        return {
            "id": self.id,
            "attempt_id": self.attempt_id,
            "made_at_ms": self.made_at_ms,
            "executed": self.executed,
            "moved": to_text(self.moved),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """What `memory` compares: who this journal is, and how much it knows.

    Attributes:
        identity: Drawn at random when the journal was made.
        count: Grows with every INTENT, every change of an attempt's state and every correction.
        doubt: The oldest open attempt of the account, or `None`.
    """

    identity: str
    count: int
    doubt: AttemptRecord | None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt as the journal knows it.

    Attributes:
        intent: What was written down before it was sent.
        plan_key: Key of its plan.
        state: What is known about it.
        outcome: What the client reported: class, status, code, text; `None` while INTENT.
        repaid: How much of the debt it repaid, if that is known; corrections not counted.
        opened_at_ms: When INTENT was written, UTC milliseconds.
        closed_at_ms: When the last state was written, or `None`.
        correction: The newest correction, or `None`.
    """

    intent: Intent
    plan_key: str
    state: AttemptState
    outcome: Json | None
    repaid: Decimal | None
    opened_at_ms: int
    closed_at_ms: int | None
    correction: CorrectionRecord | None = None

    @property
    def id(self) -> str:
        """The attempt's id."""
        return self.intent.id

    @property
    def open(self) -> bool:
        """Whether it may yet turn out to have moved money."""
        return self.state.open

    @property
    def paid(self) -> bool:
        """Whether it is known to have repaid debt: by the newest correction, else by its state."""
        return self.state.paid if self.correction is None else self.correction.executed

    @property
    def moved(self) -> Decimal | None:
        """How much of the debt it repaid, corrections counted: what was asked where no amount is known, `None` while
        it is open."""
        if self.open:
            return None
        if self.correction is not None:
            return self.correction.moved
        if not self.state.paid:
            return Decimal(0)
        return self.intent.expected if self.repaid is None else self.repaid

    def to_json(self) -> Json:
        """Plain data for people and machines: without the look, which is long."""
        intent = self.intent
        return {
            "id": intent.id,
            "plan_key": self.plan_key,
            "number": intent.number,
            "asset": intent.asset,
            "amount": None if intent.amount is None else to_text(intent.amount),
            "expected": to_text(intent.expected),
            "pay_with": list(intent.pay_with),
            "debt_before": to_text(intent.before[intent.asset].debt),
            "signed_at_ms": intent.signed_at_ms,
            "recv_window_ms": intent.recv_window_ms,
            "state": self.state.value,
            "outcome": self.outcome,
            "repaid": None if self.repaid is None else to_text(self.repaid),
            "opened_at_ms": self.opened_at_ms,
            "closed_at_ms": self.closed_at_ms,
            "correction": None if self.correction is None else self.correction.to_json(),
        }


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """One plan as the journal knows it.

    Attributes:
        id: Its number in this journal.
        account: The account, as it was written.
        plan: What was planned.
        state: How far it has come.
        report: The newest report, once the plan has ended or paused.
        created_at_ms: When it was written, UTC milliseconds.
        changed_at_ms: When its state was last written, UTC milliseconds.
        first_report: The report with which it was done first, once a correction has reopened it.
        corrected: Whether one of its attempts was corrected after it was done last: it may be worked on again.
    """

    id: int
    account: str
    plan: Plan
    state: PlanState
    report: Json | None
    created_at_ms: int
    changed_at_ms: int
    first_report: Json | None = None
    corrected: bool = False

    @property
    def key(self) -> str:
        """The plan's key."""
        return self.plan.key


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """One reconciliation of one attempt: what was seen, and what it was taken to prove."""

    attempt_id: str
    taken_at_ms: int
    verdict: str
    body: Json

    @property
    def words(self) -> str:
        """What decided, in one sentence: the rule and the first witness that says so, or a person's note.

        Raises:
            JournalUnusable: The evidence is not what paydown writes.
        """
        with readable(f"The evidence of attempt {self.attempt_id} in the journal"):
            return self._words()

    def _words(self) -> str:
        if "statement" in self.body:
            return f"somebody's word: {self.body['statement']['note']}"
        if "refusal" in self.body:
            contradicted = self.body["refusal"]["contradicted"]
            return (
                "the debt may have fallen in spite of the refusal"
                if contradicted
                else "refused, and the debt stood"
            )
        verdict: Json = self.body["verdict"]
        says = {"PROVEN_EXECUTED": "executed", "PROVEN_NOT_EXECUTED": "not executed"}.get(self.verdict)
        findings: list[Json] = verdict["findings"]
        # Where only all of them together tell, the debt is what the reader wants to see.
        spoke = [one for one in findings if one["says"] == says] or [
            one for one in findings if one["witness"] == "debt"
        ]
        return ": ".join([f"rule {verdict['rule']}", *(one["text"] for one in spoke[:1])])

    def to_json(self) -> Json:
        """Plain data."""
        return {
            "attempt_id": self.attempt_id,
            "taken_at_ms": self.taken_at_ms,
            "verdict": self.verdict,
            "body": self.body,
        }


@dataclass(frozen=True, slots=True)
class _Point:
    """The debt at one moment."""

    taken_at_ms: int
    principal: Decimal
    interest: Decimal


class Journal:
    """A journal file. Safe to use from several threads; a context manager.

    Args:
        path: The file; made with its folders if it does not exist.
        synchronous: "FULL" makes every commit durable before it returns. "OFF" survives a killed process
            but not a power cut: for simulations only, since nothing is safe with it.

    Raises:
        JournalUnusable: Not our file, of a newer version, not writable, or on a disk without WAL.
    """

    def __init__(self, path: str | os.PathLike[str], *, synchronous: Literal["FULL", "OFF"] = "FULL") -> None:
        self.path = _checked_path(path)
        self.durable = synchronous == "FULL"
        self._lock = threading.RLock()
        # Several pieces are begun from one look: its text is made once.
        self._look_text: tuple[Look, str] | None = None
        self._pid = os.getpid()
        self._file: OpenedFile | None = None  # until it is prepared
        self._remembering: dict[str, Callable[[], object]] = {}
        try:
            _make_folders(self.path)
            new = not self.path.exists()
            # SQLite gives its -wal and -shm files the mode of the database. A link is followed, and what it leads to is
            # looked at: nothing is touched before it is known to be a journal.
            claim(self.path.resolve(), APPLICATION_ID)
            if new:
                _sync_folder(self.path.parent)
            self._db = sqlite3.connect(
                f"{self.path.as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=30,
            )
        except FileNotOurs as error:
            raise JournalUnusable(f"{error} Nothing may be sent without a journal.") from error
        except (OSError, ValueError, sqlite3.Error) as error:
            raise self._unusable("cannot be opened", error) from error
        # Closed at the latest when nobody can use it any more: a repayer that is never closed leaks nothing.
        self._close = weakref.finalize(self, _close_in, self._pid, self._db)
        try:
            before = self.path.stat()
            self._prepare(synchronous)
            self._salt = self._read_meta("salt", "accounts in it can no longer be told apart")
            self.identity = self._read_meta("identity", "it cannot be told from another journal").decode(
                "ascii"
            )
            self._file = OpenedFile(self.path)
            if not os.path.samestat(before, self.path.stat()):
                raise JournalUnusable(f"{self.path} was replaced while it was opened. Try again.")
        except (sqlite3.Error, OSError, UnicodeError) as error:
            self._close()
            raise self._unusable("cannot be prepared", error) from error
        except BaseException:
            self._close()
            raise
        close_in_children(self)

    def close(self) -> None:
        """Close the file. Closing twice does no harm."""
        with self._lock:
            self._close()

    def forked(self) -> None:
        """In a child: never touch what the parent has opened, not even to close it."""
        self._lock = threading.RLock()  # another thread of the parent may have held it
        if self._close.detach() is not None:
            leave_open(self._db)

    def check_file(self) -> None:
        """Refuse to go on if what is written now would be lost.

        Raises:
            JournalUnusable: The file at the journal's path is not the one that is open here, or this process was
                forked from the one that opened it.
        """
        trouble = "" if self._file is None else self._file.trouble()
        if trouble:
            raise JournalUnusable(
                f"The journal {self.path} {trouble}. What is written there would be lost, so nothing may be sent. "
                "Open the journal anew."
            )

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Accounts

    def account(self, identity: str) -> str:
        """The name of an account in this file: a hash salted with this file's own secret.

        Args:
            identity: What tells accounts apart: API key and address. It is not stored.
        """
        return hmac.new(self._salt, identity.encode(), hashlib.sha256).hexdigest()[:32]

    # Plans

    def add_plan(self, account: str, plan: Plan, now_ms: int) -> PlanRecord:
        """Write a plan down, or find the one that already has its key.

        Raises:
            PlanKeyConflict: The key belongs to a different request.
        """
        with self.writing() as db:
            known = self._plan_row(account, plan.key)
            if known is None:
                row_id = db.execute(
                    "INSERT INTO plans (account, key, fingerprint, plan, state, created_at_ms, changed_at_ms)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        account,
                        plan.key,
                        plan.request.fingerprint,
                        _text(plan.to_json()),
                        PlanState.PLANNED.value,
                        now_ms,
                        now_ms,
                    ),
                ).lastrowid
                known = db.execute(f"SELECT {_PLAN} FROM plans WHERE id = ?", (row_id,)).fetchone()  # noqa: S608  # constants of this module
        record = self._plan_record(known)
        if record.plan.request.fingerprint != plan.request.fingerprint:
            raise _conflict(record, plan.key)
        return record

    def find_plan(self, account: str, key: str, fingerprint: str | None = None) -> PlanRecord | None:
        """The plan with this key, or `None`.

        Raises:
            PlanKeyConflict: `fingerprint` is given and the key belongs to a different request.
        """
        with self.reading():
            row = self._plan_row(account, key)
        if row is None:
            return None
        record = self._plan_record(row)
        if fingerprint is not None and record.plan.request.fingerprint != fingerprint:
            raise _conflict(record, key)
        return record

    def plan(self, account: str, key: str) -> PlanRecord:
        """The plan with this key.

        Raises:
            UnknownPlan: There is none.
        """
        record = self.find_plan(account, key)
        if record is None:
            raise UnknownPlan(f"No plan {key!r} is in {self.path} for this account.")
        return record

    def plans(self, account: str | None = None) -> list[PlanRecord]:
        """All plans, newest first; of one account, or of all."""
        where, values = (
            (f"WHERE account IN {_OF_ACCOUNT}", (account, account)) if account is not None else ("", ())
        )
        with self.reading() as db:
            rows = db.execute(f"SELECT {_PLAN} FROM plans {where} ORDER BY id DESC", values).fetchall()  # noqa: S608  # constants of this module
        return [self._plan_record(row) for row in rows]

    def move_plan(self, plan_id: int, state: PlanState, now_ms: int, report: Json | None = None) -> None:
        """Record how far a plan has come, with its report if there is one.

        Raises:
            JournalUnusable: It could not be written, or the plan cannot move that way: one that is DONE moves only
                once one of its attempts was corrected.
        """
        with self.writing() as db:
            changed = db.execute(
                "UPDATE plans SET state = ?, report = coalesce(?, report), changed_at_ms = ? WHERE id = ?",
                (state.value, None if report is None else _text(report), now_ms, plan_id),
            ).rowcount
            if changed != 1:
                raise JournalUnusable(f"The journal {self.path} has no plan number {plan_id}.")

    # Attempts

    def begin(
        self, account: str, plan_id: int, intent: Intent, now_ms: int, *, fresh_look: bool = True
    ) -> None:
        """Write INTENT. When this returns, the row is durable and the request may leave.

        Args:
            account: Name of the account.
            plan_id: The plan it belongs to.
            intent: What is about to be sent.
            now_ms: Now, UTC milliseconds.
            fresh_look: Whether `intent.before` was not recorded by an earlier attempt.

        Raises:
            AccountInDoubt: Another attempt of the account is open.
            AccountBusy: Another process has begun an attempt of this plan meanwhile.
            JournalUnusable: It could not be written, or not be remembered outside of the journal. Nothing may be
                sent.
        """
        try:
            with self.writing() as db:
                db.execute(
                    _INSERT_ATTEMPT, _attempt_values(account, plan_id, intent, self._before(intent), now_ms)
                )
                if fresh_look:
                    _insert_look(db, account, intent.asset, intent.before)
        except JournalUnusable as error:
            if isinstance(error.__cause__, sqlite3.IntegrityError):
                self._refuse_beside_open(account, error)
                raise AccountBusy(
                    f"Another process has begun attempt {intent.number} of this plan. Nothing was sent.",
                    holder=None,
                ) from error
            raise
        try:
            self._remember(account)
        except JournalUnusable:
            # The caller sends nothing now, and this attempt must not be taken for one that may have left.
            with suppress(JournalUnusable):
                self.finish(intent.id, AttemptState.NOT_SENT, now_ms, outcome={"kind": "not-sent"})
            raise

    def _refuse_beside_open(self, account: str, error: JournalUnusable) -> None:
        for record in self.open_attempts(account):
            raise AccountInDoubt(
                f"Attempt {record.id} on {record.intent.asset} is {record.state.value}: it may have "
                "happened. Nothing else is sent before it is settled. Run resume or reconcile first.",
                attempt_id=record.id,
                journal=str(self.path),
            ) from error

    def resigned(self, attempt_id: str, signed_at_ms: int) -> None:
        """Record that the request of an open INTENT was signed again and is about to leave.

        Raises:
            JournalUnusable: The attempt is no INTENT any more: another process has taken it for an orphan, and may
                have repaid in its place. Nothing may be sent.
        """
        with self.writing() as db:
            account = self._account_of(attempt_id)
            changed = db.execute(
                "UPDATE attempts SET signed_at_ms = ? WHERE id = ? AND state = 'INTENT'",
                (signed_at_ms, attempt_id),
            ).rowcount
            if changed != 1:
                (state,) = db.execute("SELECT state FROM attempts WHERE id = ?", (attempt_id,)).fetchone()
                raise JournalUnusable(
                    f"Attempt {attempt_id} is {state} in the journal {self.path}: another process has settled it "
                    "meanwhile. It was not sent again. Do the processes share their locks?"
                )
        self._remember(account)

    def finish(
        self,
        attempt_id: str,
        state: AttemptState,
        now_ms: int,
        *,
        outcome: Json,
        repaid: Decimal | None = None,
    ) -> None:
        """Record how an INTENT ended. Durable when this returns.

        Raises:
            JournalUnusable: It could not be written, or the attempt has ended otherwise meanwhile.
        """
        with self.writing() as db:
            account = self._account_of(attempt_id)
            db.execute(
                "UPDATE attempts SET state = ?, outcome = ?, repaid = ?, closed_at_ms = ? WHERE id = ?",
                (
                    state.value,
                    _text(outcome),
                    None if repaid is None else to_text(repaid),
                    now_ms,
                    attempt_id,
                ),
            )
        self._remember_later(account)

    def orphaned(self, account: str, now_ms: int) -> list[str]:
        """Turn every INTENT of the account into UNKNOWN; only its lock holder may ask this, before it begins.

        An INTENT without outcome, found at start, belongs to a process that ended in between: whether its
        request left, nobody can say.
        """
        with self.writing() as db:
            ids: list[str] = [
                row[0]
                for row in db.execute(
                    # The second condition is that of the index on open attempts, so that nothing else is read.
                    f"SELECT id FROM attempts WHERE account IN {_OF_ACCOUNT} AND state IN ('INTENT', 'UNKNOWN')"  # noqa: S608  # constants of this module
                    " AND state = 'INTENT'",
                    (account, account),
                )
            ]
            for attempt_id in ids:
                db.execute(
                    "UPDATE attempts SET state = 'UNKNOWN', outcome = ?, closed_at_ms = ? WHERE id = ?",
                    (
                        _text(
                            {"kind": "orphaned", "message": "the process ended before it recorded an outcome"}
                        ),
                        now_ms,
                        attempt_id,
                    ),
                )
        if ids:
            self._remember_later(account)
        return ids

    def prove(
        self, attempt_id: str, verdict: str, now_ms: int, *, body: Json, repaid: Decimal | None = None
    ) -> None:
        """Store evidence about an UNKNOWN attempt and, unless it is "UNDECIDED", the state that it proves."""
        with self.writing() as db:
            account = self._account_of(attempt_id)
            _insert_evidence(db, attempt_id, now_ms, verdict, body)
            if verdict != "UNDECIDED":
                db.execute(
                    "UPDATE attempts SET state = ?, repaid = ?, closed_at_ms = ? WHERE id = ?",
                    (verdict, None if repaid is None else to_text(repaid), now_ms, attempt_id),
                )
        self._remember_later(account)

    def contradicted(self, attempt_id: str, now_ms: int, body: Json) -> None:
        """Doubt a refusal: store the evidence against it and, in the same commit, make the attempt UNKNOWN.

        Args:
            attempt_id: The attempt, REJECTED and never corrected.
            now_ms: Now, UTC milliseconds.
            body: What was seen; kept as "UNDECIDED" evidence.

        Raises:
            AccountInDoubt: Another attempt of the account is open.
            JournalUnusable: It could not be written, or the attempt is not REJECTED, or a person has corrected it.
        """
        account = ""
        try:
            with self.writing() as db:
                account = self._account_of(attempt_id)
                _insert_evidence(db, attempt_id, now_ms, "UNDECIDED", body)
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
                self._refuse_beside_open(account, error)
            raise
        self._remember_later(account)

    def correct(
        self, attempt_id: str, now_ms: int, *, executed: bool, moved: Decimal, note: str
    ) -> CorrectionRecord:
        """Append what a person knows better about an attempt that has ended. Changes nothing that stands there.

        Args:
            attempt_id: The attempt, neither INTENT nor UNKNOWN.
            now_ms: Now, UTC milliseconds.
            executed: Whether it happened after all.
            moved: How much of the debt it repaid.
            note: Who says so and what was seen.

        Raises:
            JournalUnusable: It could not be written, or the attempt is open.
        """
        with self.writing() as db:
            account = self._account_of(attempt_id)
            number = db.execute(
                "INSERT INTO corrections (attempt_id, made_at_ms, executed, moved, note) VALUES (?, ?, ?, ?, ?)",
                (attempt_id, now_ms, int(executed), to_text(moved), note),
            ).lastrowid
        self._remember_later(account)
        return CorrectionRecord(number or 0, attempt_id, now_ms, executed, moved, note)

    def corrections(self, attempt_id: str) -> list[CorrectionRecord]:
        """Every correction of an attempt, oldest first; the last one counts."""
        with self.reading() as db:
            rows = db.execute(
                "SELECT id, attempt_id, made_at_ms, executed, moved, note FROM corrections WHERE attempt_id = ?"
                " ORDER BY id",
                (attempt_id,),
            ).fetchall()
        with readable(f"A correction in the journal {self.path}"):
            return [_correction(row) for row in rows]

    def confirm_refusal(self, attempt_id: str, now_ms: int, *, body: Json) -> None:
        """Store that a look behind the refusal of an attempt found the debt where it was."""
        with self.writing() as db:
            _insert_evidence(db, attempt_id, now_ms, "PROVEN_NOT_EXECUTED", body)

    def signs(self, account: str) -> frozenset[str]:
        """Signs, seen on this account, that a reading holds which is usually assumed away; from the evidence."""
        with self.reading() as db:
            rows = db.execute(
                "SELECT evidence.body FROM evidence JOIN attempts ON attempts.id = evidence.attempt_id"  # noqa: S608  # constants of this module
                f' WHERE attempts.account IN {_OF_ACCOUNT} AND evidence.body LIKE \'%"signs":["%\'',
                (account, account),
            ).fetchall()
        with readable(f"The evidence in the journal {self.path}"):
            return frozenset(
                str(sign) for row in rows for sign in json.loads(row[0]).get("verdict", {}).get("signs", ())
            )

    def last_attempt(self, account: str) -> AttemptRecord | None:
        """The newest attempt of the account that may have left this machine, or `None`."""
        with self.reading() as db:
            row = db.execute(
                f"SELECT id FROM attempts WHERE account IN {_OF_ACCOUNT} AND state <> 'NOT_SENT'"  # noqa: S608  # constants of this module
                " ORDER BY opened_at_ms DESC, number DESC LIMIT 1",
                (account, account),
            ).fetchone()
        return None if row is None else self.attempt(row[0])

    def attempt(self, attempt_id: str) -> AttemptRecord | None:
        """One attempt, or `None`."""
        found = self._attempts("attempts.id = ?", (attempt_id,))
        return found[0] if found else None

    def attempts(self, plan_id: int) -> list[AttemptRecord]:
        """All attempts of a plan, oldest first."""
        return self._attempts("attempts.plan_id = ?", (plan_id,))

    def open_attempts(self, account: str) -> list[AttemptRecord]:
        """Attempts of the account that may yet turn out to have moved money: none or one.

        More only in a journal of an older version, in which each of two keys of the account had one.
        """
        return self._attempts(
            f"attempts.account IN {_OF_ACCOUNT} AND attempts.state IN ('INTENT', 'UNKNOWN')",
            (account, account),
        )

    def attempts_since(self, account: str, opened_at_ms: int) -> list[AttemptRecord]:
        """Attempts of the account that were opened at or after a moment, oldest first."""
        return self._attempts(
            f"attempts.account IN {_OF_ACCOUNT} AND attempts.opened_at_ms >= ?",
            (account, account, opened_at_ms),
        )

    def evidence(self, attempt_id: str) -> list[EvidenceRecord]:
        """Everything that was ever seen about an attempt, oldest first."""
        with self.reading() as db:
            rows = db.execute(
                "SELECT attempt_id, taken_at_ms, verdict, body FROM evidence WHERE attempt_id = ?"
                " ORDER BY id",
                (attempt_id,),
            ).fetchall()
        with readable(f"The evidence of attempt {attempt_id} in the journal {self.path}"):
            return [checked(EvidenceRecord(row[0], row[1], row[2], json.loads(row[3]))) for row in rows]

    # The debt over time

    def add_look(self, account: str, asset: str, look: Look) -> None:
        """Remember the debt of a look that no attempt carries: the one after the last piece, say."""
        with self.writing() as db:
            _insert_look(db, account, asset, look)

    def looks(self, account: str, asset: str) -> list[tuple[int, Decimal, Decimal]]:
        """Points of the debt over time: UTC milliseconds, principal, interest; oldest first."""
        with self.reading() as db:
            rows = db.execute(
                f"SELECT taken_at_ms, principal, interest FROM looks WHERE account IN {_OF_ACCOUNT}"  # noqa: S608  # constants of this module
                " AND asset = ? ORDER BY taken_at_ms, id",
                (account, account, asset),
            ).fetchall()
        with readable(f"The debt over time in the journal {self.path}"):
            points = [checked(_Point(row[0], from_text(row[1]), from_text(row[2]))) for row in rows]
        return [(point.taken_at_ms, point.principal, point.interest) for point in points]

    # What is remembered outside

    def standing(self, account: str) -> Standing:
        """Who this journal is, how much it knows, and what is in doubt in it for an account."""
        with self.reading() as db:
            count = self._count(db)
            doubts = self.open_attempts(account)
        return Standing(self.identity, count, doubts[0] if doubts else None)

    @contextmanager
    def remembering(self, account: str, remember: Callable[[], object]) -> Generator[None]:
        """Call `remember` after every commit about the account while the block runs. For the holder of its lock.

        What it raises before a request leaves is raised here too. Later it is only logged: the outcome is in the
        journal, and what is remembered then is older and asks for more caution.
        """
        self._remembering[account] = remember
        try:
            yield
        finally:
            del self._remembering[account]

    def adopt(self, account: str, now_ms: int, *, note: str, count: int, body: Json) -> None:
        """Record that a person goes on with this journal, though more is remembered than it knows.

        Args:
            account: Name of the account.
            now_ms: Now, UTC milliseconds.
            note: Who says so and what was seen.
            count: The highest count that is remembered of it: from now on this journal counts from above that, so
                that the file which reached it is refused in its turn.
            body: What was remembered, and the look at the account.
        """
        with self.writing() as db:
            db.execute(
                "INSERT INTO adoptions (account, made_at_ms, note, body) VALUES (?, ?, ?, ?)",
                (account, now_ms, note, _text(body)),
            )
            db.execute("UPDATE counter SET value = max(value, ?) + 1", (count,))

    def adoptions(self, account: str) -> list[Json]:
        """Every adoption of the account, oldest first: when, by which note, and what was seen."""
        with self.reading() as db:
            rows = db.execute(
                f"SELECT made_at_ms, note, body FROM adoptions WHERE account IN {_OF_ACCOUNT} ORDER BY id",  # noqa: S608  # constants of this module
                (account, account),
            ).fetchall()
        with readable(f"An adoption in the journal {self.path}"):
            return [{"made_at_ms": row[0], "note": row[1], **json.loads(row[2])} for row in rows]

    # Health

    def health(self) -> Json:
        """What `doctor` shows: whether the file is sound, private and durable, and what is open in it."""
        with self.reading() as db:
            open_count: int = db.execute(
                "SELECT count(*) FROM attempts WHERE state IN ('INTENT', 'UNKNOWN')"
            ).fetchone()[0]
            return {
                "path": str(self.path),
                "identity": self.identity,
                "count": self._count(db),
                "schema_version": db.execute("PRAGMA user_version").fetchone()[0],
                "journal_mode": db.execute("PRAGMA journal_mode").fetchone()[0],
                "synchronous": {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}[
                    db.execute("PRAGMA synchronous").fetchone()[0]
                ],
                "integrity": db.execute("PRAGMA quick_check").fetchone()[0],
                "owner_only": not self.path.stat().st_mode & 0o077 if os.name == "posix" else None,
                "size_bytes": sum(
                    file.stat().st_size for file in self.path.parent.glob(f"{self.path.name}*")
                ),
                "plans": db.execute("SELECT count(*) FROM plans").fetchone()[0],
                "attempts": db.execute("SELECT count(*) FROM attempts").fetchone()[0],
                "open_attempts": open_count,
            }

    # Inside

    def _prepare(self, synchronous: str) -> None:
        db = self._db
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA cell_size_check = ON")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute(f"PRAGMA synchronous = {synchronous}")
        # On macOS fsync alone leaves data in the drive's cache; elsewhere this changes nothing.
        db.execute("PRAGMA fullfsync = ON")
        db.execute("PRAGMA checkpoint_fullfsync = ON")
        application, version = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application != APPLICATION_ID and (application != 0 or version != 0 or tables != 0):
            raise JournalUnusable(
                f"{self.path} is a database of another program. Choose another journal file."
            )
        if version > SCHEMA_VERSION:
            raise JournalUnusable(
                f"{self.path} was written by a newer version (schema {version}; this one knows "
                f"{SCHEMA_VERSION}). Upgrade this program; nothing was changed."
            )
        _check_schema(self.path, db, version)
        mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise JournalUnusable(
                f"{self.path} is on a disk where SQLite cannot use WAL (it offers {mode}), such as a network "
                "share. Choose a local disk."
            )
        if version < SCHEMA_VERSION:
            self._migrate()

    def _migrate(self) -> None:
        with self.writing() as db:
            # Read again inside the transaction: another process may have been faster.
            version = db.execute("PRAGMA user_version").fetchone()[0]
            _check_schema(self.path, db, version)
            for script in MIGRATIONS[version:]:
                for statement in statements(script):
                    db.execute(statement)
            if version == 0:
                db.execute("INSERT INTO meta (name, value) VALUES ('salt', ?)", (secrets.token_bytes(32),))
            if version < _FIRST_WITH_IDENTITY:
                # As random as the salt, and the same for every copy of an older file: a backup of it is recognised.
                salt = db.execute("SELECT value FROM meta WHERE name = 'salt'").fetchone()[0]
                identity = hashlib.sha256(b"paydown journal identity" + salt).hexdigest()[:32]
                db.execute("INSERT INTO meta (name, value) VALUES ('identity', ?)", (identity.encode(),))
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _read_meta(self, name: str, without: str) -> bytes:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        if row is None or not isinstance(row[0], bytes):
            raise JournalUnusable(f"{self.path} has lost its {name}: {without}.")
        value: bytes = row[0]
        return value

    def _account_of(self, attempt_id: str) -> str:
        """The account of an attempt, as `remembering` knows it. Inside a transaction."""
        row = self._db.execute(
            "SELECT coalesce(accounts.owner, attempts.account) FROM attempts"
            " LEFT JOIN accounts ON accounts.account = attempts.account WHERE attempts.id = ?",
            (attempt_id,),
        ).fetchone()
        if row is None:
            raise JournalUnusable(f"The journal {self.path} has no attempt {attempt_id!r}.")
        account: str = row[0]
        return account

    def _remember(self, account: str) -> None:
        remember = self._remembering.get(account)
        if remember is not None:
            remember()

    def _remember_later(self, account: str) -> None:
        try:
            self._remember(account)
        except JournalUnusable as error:
            # What is remembered asks for more caution than the journal, never for less.
            LOGGER.warning("the journal knows more than is remembered outside of it: %s", error)

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """The connection, for questions. For the modules of this package."""
        self._refuse_child()
        with self._lock:
            try:
                yield self._db
            except (sqlite3.Error, OSError, UnicodeError) as error:  # SQLite's messages repeat damaged bytes
                raise self._unusable("cannot be read", error) from error

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """One transaction, durable when the block ends. IMMEDIATE: a writer waits at its start.

        For the modules of this package.

        Raises:
            JournalUnusable: It could not be written, or would be lost: nothing may be sent.
        """
        self._refuse_child()
        with self._lock:
            self.check_file()
            db = self._db
            try:
                try:
                    # An interrupt can come between any two steps, the first one included: what it leaves begun is
                    # taken back here, at the latest by the next writer, or nobody could write ever again.
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    db.execute("BEGIN IMMEDIATE")
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    # A failed COMMIT (disk full, say) may have ended the transaction already.
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, UnicodeError) as error:
                raise self._unusable("cannot be written", error) from error

    def _refuse_child(self) -> None:
        if os.getpid() != self._pid:
            self.check_file()

    def _before(self, intent: Intent) -> str:
        known = self._look_text
        if known is None or known[0] is not intent.before:
            known = self._look_text = (intent.before, _text(intent.before.to_json()))
        return f'{{"look":{known[1]},"since":{json.dumps(intent.since)}}}'

    def _unusable(self, what: str, error: Exception) -> JournalUnusable:
        return JournalUnusable(f"The journal {self.path} {what}: {error}. Nothing may be sent without it.")

    def _plan_row(self, account: str, key: str) -> Sequence[Any] | None:
        row: Sequence[Any] | None = self._db.execute(
            # Two keys of one account may have used one plan key in a journal of an older version: the newer counts.
            f"SELECT {_PLAN} FROM plans WHERE account IN {_OF_ACCOUNT} AND key = ? ORDER BY id DESC LIMIT 1",  # noqa: S608  # constants of this module
            (account, account, key),
        ).fetchone()
        return row

    def _attempts(self, where: str, values: Sequence[object]) -> list[AttemptRecord]:
        with self.reading() as db:
            rows = db.execute(
                f"SELECT {_ATTEMPT} FROM attempts JOIN plans ON plans.id = attempts.plan_id"  # noqa: S608  # constants of this module
                " LEFT JOIN corrections ON corrections.id ="
                " (SELECT max(id) FROM corrections WHERE attempt_id = attempts.id)"
                f" WHERE {where} ORDER BY attempts.opened_at_ms, attempts.plan_id, attempts.number",
                values,
            ).fetchall()
        with readable(f"An attempt in the journal {self.path}"):
            return [_attempt_record(row) for row in rows]

    def _plan_record(self, row: Sequence[Any]) -> PlanRecord:
        with readable(f"A plan in the journal {self.path}"):
            return _plan_record(row)

    def _count(self, db: sqlite3.Connection) -> int:
        row = db.execute("SELECT value FROM counter").fetchone()
        if row is None or type(row[0]) is not int:
            raise JournalUnusable(
                f"{self.path} has lost its count: it cannot be told from an older copy of itself. Restore it from a "
                "backup."
            )
        count: int = row[0]
        return count


# An account, and the keys whose rows an older version wrote under a hash of the key.
_OF_ACCOUNT = "(SELECT account FROM accounts WHERE owner = ? UNION ALL SELECT ?)"

_FIRST_WITH_IDENTITY = 3

_PLAN = (
    "id, account, plan, state, report, created_at_ms, changed_at_ms, first_report,"
    " state = 'DONE' AND EXISTS (SELECT 1 FROM corrections JOIN attempts ON attempts.id = corrections.attempt_id"
    " WHERE attempts.plan_id = plans.id AND corrections.id > plans.corrected)"
)

_ATTEMPT = (
    "attempts.id, plans.key, number, asset, amount, expected, pay_with, before, signed_at_ms, recv_window_ms,"
    " attempts.state, outcome, repaid, opened_at_ms, closed_at_ms,"
    " corrections.id, corrections.attempt_id, made_at_ms, executed, moved, note"
)

_INSERT_ATTEMPT = (
    "INSERT INTO attempts (id, plan_id, account, number, asset, amount, expected, pay_with, before,"
    " signed_at_ms, recv_window_ms, state, opened_at_ms) VALUES (?, ?, ?,"
    " ?, ?, ?, ?, ?, ?, ?, ?, 'INTENT', ?)"
)


def _attempt_values(
    account: str, plan_id: int, intent: Intent, before: str, now_ms: int
) -> tuple[object, ...]:
    return (
        intent.id,
        plan_id,
        account,
        intent.number,
        intent.asset,
        None if intent.amount is None else to_text(intent.amount),
        to_text(intent.expected),
        json.dumps(intent.pay_with, ensure_ascii=False),
        before,
        intent.signed_at_ms,
        intent.recv_window_ms,
        now_ms,
    )


def _attempt_record(row: Sequence[Any]) -> AttemptRecord:
    before: Json = json.loads(row[7])
    intent = Intent(
        id=row[0],
        number=row[2],
        asset=row[3],
        amount=None if row[4] is None else from_text(row[4]),
        expected=from_text(row[5]),
        pay_with=tuple(json.loads(row[6])),
        before=Look.from_json(before["look"]),
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
            correction=None if row[15] is None else _correction(row[15:]),
        )
    )


def _correction(row: Sequence[Any]) -> CorrectionRecord:
    return checked(
        CorrectionRecord(
            id=row[0],
            attempt_id=row[1],
            made_at_ms=row[2],
            executed={0: False, 1: True}[row[3]],
            moved=from_text(row[4]),
            note=row[5],
        )
    )


def _plan_record(row: Sequence[Any]) -> PlanRecord:
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


def _insert_evidence(db: sqlite3.Connection, attempt_id: str, now_ms: int, verdict: str, body: Json) -> None:
    db.execute(
        "INSERT INTO evidence (attempt_id, taken_at_ms, verdict, body) VALUES (?, ?, ?, ?)",
        (attempt_id, now_ms, verdict, _text(body)),
    )


def _insert_look(db: sqlite3.Connection, account: str, asset: str, look: Look) -> None:
    owed = look[asset]
    db.execute(
        "INSERT INTO looks (account, asset, taken_at_ms, principal, interest) VALUES (?, ?, ?, ?, ?)",
        (account, asset, look.answered_at_ms, to_text(owed.borrowed), to_text(owed.interest)),
    )


def _conflict(record: PlanRecord, key: str) -> PlanKeyConflict:
    asked = record.plan.request
    amount = "the whole debt" if asked.amount is None else to_text(asked.amount)
    return PlanKeyConflict(
        f"The plan key {key!r} belongs to another request: {amount} of {asked.asset}, paid with "
        f"{', '.join(asked.pay_with) or asked.asset}, margin {to_text(asked.margin)}. Choose another key.",
        key=key,
    )


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _close_in(pid: int, db: sqlite3.Connection) -> None:
    if os.getpid() == pid:
        db.close()


def _checked_path(path: str | os.PathLike[str]) -> Path:
    """An absolute path, with `~` as the home directory.

    Raises:
        InvalidRequest: It is empty, as an unset variable is, or names no file.
    """
    text = os.fspath(path)
    if not text.strip():
        raise InvalidRequest(
            "The journal's path is empty (an unset variable?). Write a file name, or leave it out.",
            parameter="journal",
        )
    if text == ":memory:":
        raise InvalidRequest(
            "A journal in memory is lost with its process. Write the name of a file.", parameter="journal"
        )
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise InvalidRequest(
            f"{text} names no home directory ({error}). Write the whole path.", parameter="journal"
        ) from error


def _check_schema(path: Path, db: sqlite3.Connection, version: int) -> None:
    """Refuse a file whose tables, rules or indexes are not the ones that a version of paydown has made.

    A trigger that deletes an INTENT behind its commit, a view that never ends in the place of a table: what stands
    in a schema is executed by those who read the database, so it is compared before anything of it is used.
    """
    wrong = differing(db, version)
    if wrong:
        raise JournalUnusable(
            f"{path} is no journal as paydown makes it: {wrong}. It was damaged, or another program changed it. "
            "Nothing was changed. Restore it from a backup, or choose another journal file."
        )


def look_into(path: Path) -> Json | None:
    """What `doctor` shows of a journal, read without changing a byte of it; `None` if there is none.

    Raises:
        JournalUnusable: Something else stands there, or it cannot be read.
    """
    real = path.resolve()
    try:
        if inspect(real, APPLICATION_ID) is not Found.OURS:
            return None
        # Without a log nothing is pending, and SQLite may be told that nobody writes: it leaves no files then.
        how = "mode=ro" if real.with_name(f"{real.name}-wal").exists() else "mode=ro&immutable=1"
        with closing(sqlite3.connect(f"{real.as_uri()}?{how}", uri=True, timeout=5)) as db:
            count = "SELECT count(*) FROM "
            db.execute("PRAGMA trusted_schema = OFF")
            db.execute("PRAGMA cell_size_check = ON")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            _check_schema(path, db, version)
            return {
                "path": str(path),
                "schema_version": version,
                "journal_mode": db.execute("PRAGMA journal_mode").fetchone()[0],
                "integrity": db.execute("PRAGMA quick_check").fetchone()[0],
                "owner_only": not real.stat().st_mode & 0o077 if os.name == "posix" else None,
                "plans": db.execute(f"{count}plans").fetchone()[0],
                "attempts": db.execute(f"{count}attempts").fetchone()[0],
                "open_attempts": db.execute(
                    f"{count}attempts WHERE state IN ('INTENT', 'UNKNOWN')"
                ).fetchone()[0],
            }
    except FileNotOurs as error:
        raise JournalUnusable(f"{error} Nothing may be sent without a journal.") from error
    except (OSError, sqlite3.Error, UnicodeError) as error:
        raise JournalUnusable(f"The journal {path} cannot be read: {error}.") from error


def _make_folders(path: Path) -> None:
    """Make the folders of a new journal, for their owner alone, whatever the umask."""
    try:
        make_directories(path.parent)
    except OSError as error:
        raise JournalUnusable(f"The folder of the journal {path} cannot be made: {error}.") from error


def _sync_folder(folder: Path) -> None:
    """Make a file's name durable, so that a power cut after the first commit cannot lose it."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
