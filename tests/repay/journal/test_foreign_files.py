"""What is no journal is refused as a journal, and nothing about it is changed."""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from paydown.repay import Journal, JournalUnusable
from paydown.repay.journal.journal_inspection import inspect_journal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes, sockets and links as POSIX has them")


def a_folder(path: Path) -> None:
    path.mkdir(mode=0o755)


def a_text(path: Path) -> None:
    path.write_text("somebody's notes")
    path.chmod(0o644)


def an_empty_file(path: Path) -> None:
    path.touch()
    path.chmod(0o644)


def a_socket(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(path))


def a_pipe(path: Path) -> None:
    os.mkfifo(path, 0o644)


def a_foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")
        db.commit()
    path.chmod(0o644)


def a_link_to_a_foreign_database(path: Path) -> None:
    a_foreign_database(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def as_it_is(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Mode, size and content of everything in a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.stat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(path)] = (status.st_mode, status.st_size, content)
    return found


@pytest.mark.parametrize(
    "make",
    [
        a_folder,
        a_text,
        an_empty_file,
        a_socket,
        a_pipe,
        a_foreign_database,
        a_link_to_a_foreign_database,
    ],
)
@pytest.mark.parametrize("use", [Journal, inspect_journal])
def test_what_is_no_journal_is_refused_and_left_as_it_is(tmp_path, make, use):
    """Neither a repayer nor `doctor` changes mode, content or neighbours of what it did not make."""
    path = tmp_path / "repay.db"
    make(path)
    before = as_it_is(tmp_path)

    with pytest.raises(JournalUnusable):
        use(path)

    assert as_it_is(tmp_path) == before


def test_a_look_into_a_journal_changes_nothing_of_it(tmp_path):
    """`doctor` neither migrates nor closes it to others: it reports what it finds."""
    path = tmp_path / "repay.db"
    Journal(path).close()
    path.chmod(0o644)
    before = as_it_is(tmp_path)

    found = inspect_journal(path)

    assert found is not None
    assert (found["owner_only"], found["attempts"]) == (False, 0)
    assert as_it_is(tmp_path) == before


def test_a_journal_that_does_not_exist_is_not_made_by_a_look(tmp_path):
    """Looking makes no file and no folder."""
    assert inspect_journal(tmp_path / "deeper" / "repay.db") is None
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_no_system_takes_is_said_so(tmp_path):
    """A name of 300 letters is an error that names it, not a traceback of the system."""
    with pytest.raises(JournalUnusable, match="name"):
        Journal(tmp_path / ("j" * 300))


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TRIGGER eats AFTER INSERT ON attempts BEGIN UPDATE counter SET value = value + 9; END"],
        ["DROP TRIGGER attempts_kept"],
        [
            "DROP TABLE looks",
            "CREATE VIEW looks AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n",
        ],
        ["ALTER TABLE plans ADD COLUMN more TEXT"],
        ["PRAGMA user_version = -1"],
    ],
    ids=["a further trigger", "a rule is gone", "a view without end", "a further column", "no version"],
)
def test_a_journal_whose_schema_was_changed_is_refused_and_not_changed(tmp_path, statements):
    """What stands in a schema is executed by those who read the file, so it is compared before it is used."""
    path = tmp_path / "repay.db"
    Journal(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)
    before = path.read_bytes()

    for use in (Journal, inspect_journal):
        with pytest.raises(JournalUnusable, match="no journal as paydown makes it"):
            use(path)
    assert path.read_bytes() == before


def test_a_further_view_or_index_does_no_harm(tmp_path):
    """People make reports of their own."""
    path = tmp_path / "repay.db"
    Journal(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("CREATE VIEW mine AS SELECT count(*) AS plans FROM plans")
        db.execute("CREATE INDEX mine_too ON plans (created_at_ms)")

    with Journal(path) as journal:
        assert journal.plans.newest_first() == []
