"""Bring a journal of an older version forward, in one transaction; refuse one of a newer version."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from paydown.repay.errors import JournalUnusable
from paydown.repay.journal.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION, differing, statements

__all__ = ["bring_forward", "check_schema"]

_FIRST_WITH_IDENTITY = 3


def bring_forward(
    db: sqlite3.Connection, path: Path, writing: Callable[[], AbstractContextManager[sqlite3.Connection]]
) -> None:
    """Check that a database is a journal of this or an older version, set WAL mode, and migrate it.

    Args:
        db: The open database.
        path: Its file, for the errors.
        writing: Opens a transaction on `db`.

    Raises:
        JournalUnusable: It belongs to another program or a newer version, or its disk cannot hold a WAL.
    """
    application, version = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and (application != 0 or version != 0 or tables != 0):
        raise JournalUnusable(f"{path} is a database of another program. Choose another journal file.")
    if version > SCHEMA_VERSION:
        raise JournalUnusable(
            f"{path} was written by a newer version (schema {version}; this one knows "
            f"{SCHEMA_VERSION}). Upgrade this program; nothing was changed."
        )
    check_schema(path, db, version)
    mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise JournalUnusable(
            f"{path} is on a disk where SQLite cannot use WAL (it offers {mode}), such as a network "
            "share. Choose a local disk."
        )
    if version < SCHEMA_VERSION:
        with writing() as transaction:
            _migrate(path, transaction)


def check_schema(path: Path, db: sqlite3.Connection, version: int) -> None:
    """Refuse a file whose tables, rules or indexes are not the ones that a version of paydown has made.

    A schema is executed by those who read the database: a trigger could delete an INTENT after its commit, and a view
    in the place of a table could never end. So the schema is compared before any of it is used.

    Args:
        path: The file, for the error.
        db: The open database.
        version: The version that its schema claims.

    Raises:
        JournalUnusable: The schema differs.
    """
    wrong = differing(db, version)
    if wrong:
        raise JournalUnusable(
            f"{path} is no journal as paydown makes it: {wrong}. It was damaged, or another program changed it. "
            "Nothing was changed. Restore it from a backup, or choose another journal file."
        )


def _migrate(path: Path, db: sqlite3.Connection) -> None:
    # The version is read again inside the transaction, since another process may have migrated the file meanwhile.
    version = db.execute("PRAGMA user_version").fetchone()[0]
    check_schema(path, db, version)
    for script in MIGRATIONS[version:]:
        for statement in statements(script):
            db.execute(statement)
    if version == 0:
        db.execute("INSERT INTO meta (name, value) VALUES ('salt', ?)", (secrets.token_bytes(32),))
    if version < _FIRST_WITH_IDENTITY:
        # The identity is as random as the salt, and the same for every copy of an older file, so that a backup is
        # recognised.
        salt = db.execute("SELECT value FROM meta WHERE name = 'salt'").fetchone()[0]
        identity = hashlib.sha256(b"paydown journal identity" + salt).hexdigest()[:32]
        db.execute("INSERT INTO meta (name, value) VALUES ('identity', ?)", (identity.encode(),))
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
