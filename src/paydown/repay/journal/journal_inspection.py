"""Inspect a journal for `paydown doctor`."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from paydown.file_ownership import FileNotOurs, Found, inspect
from paydown.repay.errors import JournalUnusable
from paydown.repay.journal.journal_file import JournalFile
from paydown.repay.journal.journal_records import Json
from paydown.repay.journal.migration import check_schema
from paydown.repay.journal.schema import APPLICATION_ID

__all__ = ["health_of", "inspect_journal"]


def health_of(file: JournalFile) -> Json:
    """Describe an open journal: whether its file is sound, private and durable, and its open attempts."""
    with file.reading() as db:
        return {
            "path": str(file.path),
            "identity": file.identity,
            "count": file.count(),
            "schema_version": db.execute("PRAGMA user_version").fetchone()[0],
            "journal_mode": db.execute("PRAGMA journal_mode").fetchone()[0],
            "synchronous": {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}[
                db.execute("PRAGMA synchronous").fetchone()[0]
            ],
            "integrity": db.execute("PRAGMA quick_check").fetchone()[0],
            "owner_only": _owner_only(file.path),
            "size_bytes": sum(found.stat().st_size for found in file.path.parent.glob(f"{file.path.name}*")),
            **_counts(db),
        }


def inspect_journal(path: Path) -> Json | None:
    """Describe a journal without changing a byte of it; return `None` if there is none.

    Args:
        path: The file, or a link to it.

    Raises:
        JournalUnusable: Something else stands there, or it cannot be read.
    """
    real = path.resolve()
    try:
        if inspect(real, APPLICATION_ID) is not Found.OURS:
            return None
        # Without a log nothing is pending, so SQLite may be promised that no process writes: then it leaves no files.
        how = "mode=ro" if real.with_name(f"{real.name}-wal").exists() else "mode=ro&immutable=1"
        with closing(sqlite3.connect(f"{real.as_uri()}?{how}", uri=True, timeout=5)) as db:
            db.execute("PRAGMA trusted_schema = OFF")
            db.execute("PRAGMA cell_size_check = ON")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            check_schema(path, db, version)
            return {
                "path": str(path),
                "schema_version": version,
                "journal_mode": db.execute("PRAGMA journal_mode").fetchone()[0],
                "integrity": db.execute("PRAGMA quick_check").fetchone()[0],
                "owner_only": _owner_only(real),
                **_counts(db),
            }
    except FileNotOurs as error:
        raise JournalUnusable(f"{error} Nothing may be sent without a journal.") from error
    except (OSError, sqlite3.Error, UnicodeError) as error:
        raise JournalUnusable(f"The journal {path} cannot be read: {error}.") from error


def _owner_only(path: Path) -> bool | None:
    return not path.stat().st_mode & 0o077 if os.name == "posix" else None


def _counts(db: sqlite3.Connection) -> dict[str, int]:
    return {
        "plans": db.execute("SELECT count(*) FROM plans").fetchone()[0],
        "attempts": db.execute("SELECT count(*) FROM attempts").fetchone()[0],
        "open_attempts": db.execute(
            "SELECT count(*) FROM attempts WHERE state IN ('INTENT', 'UNKNOWN')"
        ).fetchone()[0],
    }
