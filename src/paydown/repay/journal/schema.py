"""The journal's tables, and the rules that the database itself enforces.

    meta         the salt of the account names, and the identity of this very journal
    counter      one number that only grows: with every INTENT, every change of state, every correction
    accounts     which accounts and API keys (as salted hashes) are known, and which key belongs to which account
    plans        one row per plan key: what was asked, the plan, how far it came, its report
    attempts     one row per request that was meant to be sent: INTENT first, its outcome later
    evidence     what was seen while an UNKNOWN attempt was reconciled; never changed, never removed
    corrections  what a person knows better about an attempt that had ended; never changed, never removed
    adoptions    when a person went on with a journal that knows less than was remembered
    looks        the debt over time, for people

Some rules are held here rather than in Python, so that no other program, no older version and no
mistake of ours can break them: at most one open attempt per account, no move that `states` does
not allow, no proof without stored evidence, no change without the counter, nothing ever deleted.

The schema only grows. A file of an older version is brought forward in one transaction when it is
opened; a file of a newer version is refused. A script that was ever released is plain text and is
never edited, so it does not follow `states` when that changes: the newest script does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cache

__all__ = ["APPLICATION_ID", "MIGRATIONS", "SCHEMA_VERSION", "differing", "statements"]

# The mark that a database is this journal, for `file` and for us: "pydn" as an integer.
APPLICATION_ID = 0x7079646E


_V1 = """
CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
);

CREATE TABLE plans (
    id            INTEGER PRIMARY KEY,
    account       TEXT NOT NULL,
    key           TEXT NOT NULL,
    fingerprint   TEXT NOT NULL,
    plan          TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('PLANNED', 'RUNNING', 'STOPPED', 'UNDECIDED', 'DONE')),
    report        TEXT,
    created_at_ms INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL,
    UNIQUE (account, key)
);

CREATE TABLE attempts (
    id             TEXT PRIMARY KEY NOT NULL,
    plan_id        INTEGER NOT NULL REFERENCES plans (id),
    account        TEXT NOT NULL,
    number         INTEGER NOT NULL,
    asset          TEXT NOT NULL,
    amount         TEXT,
    expected       TEXT NOT NULL,
    pay_with       TEXT NOT NULL,
    before         TEXT NOT NULL,
    signed_at_ms   INTEGER NOT NULL,
    recv_window_ms INTEGER NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('INTENT', 'EXECUTED', 'REJECTED', 'NOT_SENT', 'UNKNOWN', 'PROVEN_EXECUTED', 'PROVEN_NOT_EXECUTED')),
    outcome        TEXT,
    repaid         TEXT,
    opened_at_ms   INTEGER NOT NULL,
    closed_at_ms   INTEGER,
    UNIQUE (plan_id, number)
) WITHOUT ROWID;

CREATE UNIQUE INDEX attempts_one_open_per_account ON attempts (account)
    WHERE state IN ('INTENT', 'UNKNOWN');

CREATE TABLE evidence (
    id          INTEGER PRIMARY KEY,
    attempt_id  TEXT NOT NULL REFERENCES attempts (id),
    taken_at_ms INTEGER NOT NULL,
    verdict     TEXT NOT NULL CHECK (verdict IN ('PROVEN_EXECUTED', 'PROVEN_NOT_EXECUTED', 'UNDECIDED')),
    body        TEXT NOT NULL
);

CREATE INDEX evidence_of_attempt ON evidence (attempt_id);

CREATE TRIGGER attempts_begin BEFORE INSERT ON attempts
WHEN NEW.state <> 'INTENT'
BEGIN SELECT RAISE(ABORT, 'an attempt begins as INTENT'); END;

CREATE TRIGGER attempts_move BEFORE UPDATE OF state ON attempts
WHEN NOT ((OLD.state = 'INTENT' AND NEW.state = 'EXECUTED') OR (OLD.state = 'INTENT' AND NEW.state = 'NOT_SENT') OR (OLD.state = 'INTENT' AND NEW.state = 'REJECTED') OR (OLD.state = 'INTENT' AND NEW.state = 'UNKNOWN') OR (OLD.state = 'UNKNOWN' AND NEW.state = 'PROVEN_EXECUTED') OR (OLD.state = 'UNKNOWN' AND NEW.state = 'PROVEN_NOT_EXECUTED'))
BEGIN SELECT RAISE(ABORT, 'an attempt cannot move that way'); END;

CREATE TRIGGER attempts_proof BEFORE UPDATE OF state ON attempts
WHEN NEW.state IN ('PROVEN_EXECUTED', 'PROVEN_NOT_EXECUTED')
    AND NOT EXISTS (SELECT 1 FROM evidence WHERE attempt_id = OLD.id AND verdict = NEW.state)
BEGIN SELECT RAISE(ABORT, 'a proof needs its evidence stored first'); END;

CREATE TRIGGER attempts_fixed BEFORE UPDATE ON attempts
WHEN NEW.id <> OLD.id OR NEW.plan_id <> OLD.plan_id OR NEW.account <> OLD.account OR NEW.number <> OLD.number
    OR NEW.asset <> OLD.asset OR NEW.amount IS NOT OLD.amount OR NEW.before <> OLD.before
    OR NEW.signed_at_ms < OLD.signed_at_ms
    OR (OLD.state <> 'INTENT' AND NEW.signed_at_ms <> OLD.signed_at_ms)
BEGIN SELECT RAISE(ABORT, 'what was sent cannot be rewritten'); END;

CREATE TRIGGER attempts_kept BEFORE DELETE ON attempts
BEGIN SELECT RAISE(ABORT, 'attempts are never deleted'); END;

CREATE TRIGGER plans_move BEFORE UPDATE OF state ON plans
WHEN NOT ((OLD.state = 'PLANNED' AND NEW.state = 'RUNNING') OR (OLD.state = 'RUNNING' AND NEW.state = 'DONE') OR (OLD.state = 'RUNNING' AND NEW.state = 'RUNNING') OR (OLD.state = 'RUNNING' AND NEW.state = 'STOPPED') OR (OLD.state = 'RUNNING' AND NEW.state = 'UNDECIDED') OR (OLD.state = 'STOPPED' AND NEW.state = 'RUNNING') OR (OLD.state = 'UNDECIDED' AND NEW.state = 'RUNNING') OR (OLD.state = 'UNDECIDED' AND NEW.state = 'STOPPED') OR (OLD.state = 'UNDECIDED' AND NEW.state = 'UNDECIDED'))
BEGIN SELECT RAISE(ABORT, 'a plan cannot move that way'); END;

CREATE TRIGGER plans_fixed BEFORE UPDATE ON plans
WHEN NEW.id <> OLD.id OR NEW.account <> OLD.account OR NEW.key <> OLD.key
    OR NEW.fingerprint <> OLD.fingerprint OR NEW.plan <> OLD.plan
BEGIN SELECT RAISE(ABORT, 'a plan cannot be rewritten'); END;

CREATE TRIGGER plans_kept BEFORE DELETE ON plans
BEGIN SELECT RAISE(ABORT, 'plans are never deleted'); END;

CREATE TRIGGER evidence_fixed BEFORE UPDATE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;

CREATE TRIGGER evidence_kept BEFORE DELETE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is never deleted'); END;
"""  # noqa: E501

_V2 = """
CREATE TABLE looks (
    id          INTEGER PRIMARY KEY,
    account     TEXT NOT NULL,
    asset       TEXT NOT NULL,
    taken_at_ms INTEGER NOT NULL,
    principal   TEXT NOT NULL,
    interest    TEXT NOT NULL
);
"""

# `Journal` writes identity and salt, which it draws at random.
_V3 = """
CREATE TRIGGER meta_fixed BEFORE UPDATE ON meta
BEGIN SELECT RAISE(ABORT, 'the journal keeps its identity and its salt'); END;

CREATE TRIGGER meta_kept BEFORE DELETE ON meta
BEGIN SELECT RAISE(ABORT, 'the journal keeps its identity and its salt'); END;

CREATE TABLE counter (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    value INTEGER NOT NULL
);

INSERT INTO counter (id, value) SELECT 1, count(*) FROM attempts;

CREATE TRIGGER counter_grows BEFORE UPDATE ON counter
WHEN NEW.id <> OLD.id OR NEW.value <= OLD.value
BEGIN SELECT RAISE(ABORT, 'the count only grows'); END;

CREATE TRIGGER counter_kept BEFORE DELETE ON counter
BEGIN SELECT RAISE(ABORT, 'the count only grows'); END;

CREATE TABLE accounts (
    account     TEXT PRIMARY KEY NOT NULL,
    owner       TEXT NOT NULL,
    base_url    TEXT NOT NULL,
    name        TEXT,
    added_at_ms INTEGER NOT NULL,
    CHECK ((account = owner) = (name IS NOT NULL))
);

CREATE UNIQUE INDEX accounts_names ON accounts (base_url, name) WHERE name IS NOT NULL;

CREATE INDEX accounts_owners ON accounts (owner);

CREATE TRIGGER accounts_fixed BEFORE UPDATE ON accounts
WHEN NEW.account <> OLD.account OR NEW.owner <> OLD.owner OR NEW.base_url <> OLD.base_url
BEGIN SELECT RAISE(ABORT, 'a key stays with its account'); END;

CREATE TRIGGER accounts_kept BEFORE DELETE ON accounts
BEGIN SELECT RAISE(ABORT, 'accounts are never deleted'); END;

CREATE TABLE corrections (
    id         INTEGER PRIMARY KEY,
    attempt_id TEXT NOT NULL REFERENCES attempts (id),
    made_at_ms INTEGER NOT NULL,
    executed   INTEGER NOT NULL CHECK (executed IN (0, 1)),
    moved      TEXT NOT NULL,
    note       TEXT NOT NULL
);

CREATE INDEX corrections_of_attempt ON corrections (attempt_id);

CREATE TRIGGER corrections_begin BEFORE INSERT ON corrections
WHEN EXISTS (SELECT 1 FROM attempts WHERE id = NEW.attempt_id AND state IN ('INTENT', 'UNKNOWN'))
BEGIN SELECT RAISE(ABORT, 'an open attempt is settled, not corrected'); END;

CREATE TRIGGER corrections_fixed BEFORE UPDATE ON corrections
BEGIN SELECT RAISE(ABORT, 'corrections are never changed'); END;

CREATE TRIGGER corrections_kept BEFORE DELETE ON corrections
BEGIN SELECT RAISE(ABORT, 'corrections are never deleted'); END;

CREATE TRIGGER corrections_counted AFTER INSERT ON corrections
BEGIN UPDATE counter SET value = value + 1; END;

CREATE TABLE adoptions (
    id         INTEGER PRIMARY KEY,
    account    TEXT NOT NULL,
    made_at_ms INTEGER NOT NULL,
    note       TEXT NOT NULL,
    body       TEXT NOT NULL
);

CREATE TRIGGER adoptions_fixed BEFORE UPDATE ON adoptions
BEGIN SELECT RAISE(ABORT, 'adoptions are never changed'); END;

CREATE TRIGGER adoptions_kept BEFORE DELETE ON adoptions
BEGIN SELECT RAISE(ABORT, 'adoptions are never deleted'); END;

DROP TRIGGER attempts_move;

CREATE TRIGGER attempts_move BEFORE UPDATE OF state ON attempts
WHEN NOT (
    (OLD.state = 'INTENT' AND NEW.state IN ('EXECUTED', 'REJECTED', 'NOT_SENT', 'UNKNOWN'))
    OR (OLD.state = 'UNKNOWN' AND NEW.state IN ('PROVEN_EXECUTED', 'PROVEN_NOT_EXECUTED'))
    OR (OLD.state = 'REJECTED' AND NEW.state = 'UNKNOWN')
)
BEGIN SELECT RAISE(ABORT, 'an attempt cannot move that way'); END;

CREATE TRIGGER attempts_contradicted BEFORE UPDATE OF state ON attempts
WHEN OLD.state = 'REJECTED' AND (
    NOT EXISTS (SELECT 1 FROM evidence WHERE attempt_id = OLD.id AND verdict = 'UNDECIDED')
    OR EXISTS (SELECT 1 FROM corrections WHERE attempt_id = OLD.id)
)
BEGIN SELECT RAISE(ABORT, 'a refusal is doubted only by stored evidence, and not after a correction'); END;

CREATE TRIGGER attempts_one_open_of_all_keys BEFORE INSERT ON attempts
WHEN EXISTS (
    SELECT 1 FROM attempts AS other WHERE other.state IN ('INTENT', 'UNKNOWN')
    AND coalesce((SELECT owner FROM accounts WHERE account = other.account), other.account)
        = coalesce((SELECT owner FROM accounts WHERE account = NEW.account), NEW.account)
)
BEGIN SELECT RAISE(ABORT, 'another attempt of the account is open'); END;

CREATE TRIGGER attempts_one_doubt_of_all_keys BEFORE UPDATE OF state ON attempts
WHEN NEW.state = 'UNKNOWN' AND OLD.state <> 'INTENT' AND EXISTS (
    SELECT 1 FROM attempts AS other WHERE other.state IN ('INTENT', 'UNKNOWN')
    AND coalesce((SELECT owner FROM accounts WHERE account = other.account), other.account)
        = coalesce((SELECT owner FROM accounts WHERE account = NEW.account), NEW.account)
)
BEGIN SELECT RAISE(ABORT, 'another attempt of the account is open'); END;

DROP TRIGGER attempts_fixed;

CREATE TRIGGER attempts_fixed BEFORE UPDATE ON attempts
WHEN NEW.id <> OLD.id OR NEW.plan_id <> OLD.plan_id OR NEW.account <> OLD.account OR NEW.number <> OLD.number
    OR NEW.asset <> OLD.asset OR NEW.amount IS NOT OLD.amount OR NEW.expected <> OLD.expected
    OR NEW.pay_with <> OLD.pay_with OR NEW.before <> OLD.before OR NEW.opened_at_ms <> OLD.opened_at_ms
    OR NEW.recv_window_ms <> OLD.recv_window_ms OR NEW.signed_at_ms < OLD.signed_at_ms
    OR (OLD.state <> 'INTENT' AND NEW.signed_at_ms <> OLD.signed_at_ms)
BEGIN SELECT RAISE(ABORT, 'what was sent cannot be rewritten'); END;

CREATE TRIGGER attempts_counted AFTER INSERT ON attempts
BEGIN UPDATE counter SET value = value + 1; END;

CREATE TRIGGER attempts_moves_counted AFTER UPDATE OF state ON attempts
BEGIN UPDATE counter SET value = value + 1; END;

ALTER TABLE plans ADD COLUMN first_report TEXT;

ALTER TABLE plans ADD COLUMN corrected INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER plans_move;

CREATE TRIGGER plans_move BEFORE UPDATE OF state ON plans
WHEN NOT (
    (OLD.state = 'PLANNED' AND NEW.state = 'RUNNING')
    OR (OLD.state = 'RUNNING' AND NEW.state IN ('RUNNING', 'STOPPED', 'UNDECIDED', 'DONE'))
    OR (OLD.state = 'STOPPED' AND NEW.state = 'RUNNING')
    OR (OLD.state = 'UNDECIDED' AND NEW.state IN ('UNDECIDED', 'RUNNING', 'STOPPED'))
    OR (OLD.state = 'DONE' AND NEW.state = 'RUNNING')
)
BEGIN SELECT RAISE(ABORT, 'a plan cannot move that way'); END;

CREATE TRIGGER plans_reopened BEFORE UPDATE OF state ON plans
WHEN OLD.state = 'DONE' AND NOT EXISTS (
    SELECT 1 FROM corrections JOIN attempts ON attempts.id = corrections.attempt_id
    WHERE attempts.plan_id = OLD.id AND corrections.id > OLD.corrected
)
BEGIN SELECT RAISE(ABORT, 'a plan cannot move that way: it is done, and no attempt was corrected since'); END;

CREATE TRIGGER plans_first_report AFTER UPDATE OF state ON plans
WHEN OLD.state = 'DONE' AND OLD.first_report IS NULL
BEGIN UPDATE plans SET first_report = OLD.report WHERE id = OLD.id; END;

CREATE TRIGGER plans_done AFTER UPDATE OF state ON plans
WHEN NEW.state = 'DONE'
BEGIN
    UPDATE plans SET corrected = coalesce((
        SELECT max(corrections.id) FROM corrections JOIN attempts ON attempts.id = corrections.attempt_id
        WHERE attempts.plan_id = NEW.id
    ), 0) WHERE id = NEW.id;
END;

CREATE TRIGGER plans_reports_fixed BEFORE UPDATE ON plans
WHEN NEW.corrected < OLD.corrected
    OR (OLD.first_report IS NOT NULL AND NEW.first_report IS NOT OLD.first_report)
BEGIN SELECT RAISE(ABORT, 'a report that was given is kept'); END;
"""

# Version n is reached by running the first n scripts. A script that was ever released is never edited.
MIGRATIONS: tuple[str, ...] = (_V1, _V2, _V3)
SCHEMA_VERSION = len(MIGRATIONS)


def statements(script: str) -> Iterator[str]:
    """Yield the statements of a script one at a time, so that they can share one transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def differing(db: sqlite3.Connection, version: int) -> str:
    """Return how the schema of a database differs from the schema of a version; "" if it does not.

    Further tables, views and indexes do no harm and are left alone; a further trigger acts on what is
    written here, so there may be none.

    Args:
        db: The database.
        version: The version that its schema claims. Of a newer one than `SCHEMA_VERSION` only the tables are known.
    """
    if version < 0:
        return f"there is no version {version}"
    found = _schema(db)
    expected = _expected(min(version, SCHEMA_VERSION))
    newer = version > SCHEMA_VERSION
    for name, (kind, text) in expected.items():
        there = found.get(name)
        if there is None:
            if newer and kind != "table":
                continue
            return f"it lacks the {kind} {name}"
        own = text == there[1] or (newer and there[1].upper().startswith("CREATE TABLE "))
        if there[0] != kind or not own:
            return f"the {kind} {name} differs"
    further = next(
        (name for name, (kind, _) in found.items() if kind == "trigger" and name not in expected), None
    )
    if further is not None and not newer:
        return f"it has a trigger that is not paydown's: {ascii(further)[1:-1]:.60}"
    return ""


def _schema(db: sqlite3.Connection) -> Mapping[str, tuple[str, str]]:
    """Return kind and text of everything in a database, by name, without what SQLite makes for itself."""
    rows = db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    # Tables keep the same rows with or without row numbers, and journals of both kinds were written.
    return {
        str(name): (str(kind), " ".join(str(text).split()).removesuffix(" WITHOUT ROWID"))
        for kind, name, text in rows
        if text is not None
    }


@cache
def _expected(version: int) -> Mapping[str, tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as db:
        for script in MIGRATIONS[:version]:
            for statement in statements(script):
                db.execute(statement)
        return _schema(db)
