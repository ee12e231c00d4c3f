"""The journal's tables, and the rules that the database itself enforces.

    plans      one row per plan key: what was asked, the plan, how far it came, its report
    attempts   one row per request that was meant to be sent: INTENT first, its outcome later
    evidence   what was seen while an UNKNOWN attempt was reconciled; never changed, never removed
    looks      the debt over time, for people

Some rules are held here rather than in Python, so that no other program, no older version and no
mistake of ours can break them: at most one open attempt per account, no move that `states` does
not allow, no proof without stored evidence, nothing ever deleted.

The schema only grows. A file of an older version is brought forward in one transaction when it is
opened; a file of a newer version is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from paydown.repay.states import ATTEMPT_MOVES, PLAN_MOVES, AttemptState, PlanState

__all__ = ["APPLICATION_ID", "MIGRATIONS", "SCHEMA_VERSION", "statements"]

# Tells `file` and us that a database is this journal: "pydn" as an integer.
APPLICATION_ID = 0x7079646E


def _names(states: type[AttemptState] | type[PlanState]) -> str:
    return ", ".join(f"'{state.value}'" for state in states)


def _allowed(
    moves: dict[AttemptState, frozenset[AttemptState]] | dict[PlanState, frozenset[PlanState]],
) -> str:
    pairs = [(old.value, new.value) for old, news in moves.items() for new in sorted(news)]
    return " OR ".join(f"(OLD.state = '{old}' AND NEW.state = '{new}')" for old, new in pairs)


_V1 = f"""
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
    state         TEXT NOT NULL CHECK (state IN ({_names(PlanState)})),
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
    state          TEXT NOT NULL CHECK (state IN ({_names(AttemptState)})),
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
WHEN NOT ({_allowed(ATTEMPT_MOVES)})
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
WHEN NOT ({_allowed(PLAN_MOVES)})
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
"""  # noqa: S608  # built from the names of our own states

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

# Version n is reached by running the first n scripts. A script that was ever released is never edited.
MIGRATIONS: tuple[str, ...] = (_V1, _V2)
SCHEMA_VERSION = len(MIGRATIONS)


def statements(script: str) -> Iterator[str]:
    """The statements of a script, one at a time, so that they can share one transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
