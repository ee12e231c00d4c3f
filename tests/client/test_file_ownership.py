"""Nothing that is not paydown's own is changed: neither its content, nor its permissions, nor what stands beside it."""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paydown.budget.protocol import BudgetUnavailable
from paydown.budget.sqlite import SqliteBudget
from paydown.file_ownership import FileNotOurs, Found, claim, inspect
from paydown.state_directory import make_directories, private_directory

OURS = 0x70617964
Make = Callable[[Path], object]


def database(path: Path, application_id: int = 0, *, version: int = 0, log: bool = False) -> None:
    """Make a database with one table."""
    with sqlite3.connect(path) as db:
        if log:
            db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE letters (text TEXT)")
        db.execute(f"PRAGMA application_id = {application_id}")
        db.execute(f"PRAGMA user_version = {version}")
    db.close()


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _link_to(make: Make) -> Make:
    def link(path: Path) -> None:
        target = path.with_name("target")
        make(target)
        path.symlink_to(target)

    return link


def _empty(path: Path) -> None:
    path.touch()
    path.chmod(0o644)


def _text(path: Path) -> None:
    path.write_text("Dear diary")


FOREIGN: dict[str, Make] = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "socket": _socket,
    "text": _text,
    "empty file of others": _empty,
    "short": lambda path: path.write_bytes(b"SQLite format 3\x00"),
    "database": database,
    "database of the same version": lambda path: database(path, version=1),
    "database with a log": lambda path: database(path, log=True),
    "database of a third program": lambda path: database(path, 0x12345678, version=1),
    "link to text": _link_to(_text),
    "link to a database": _link_to(database),
    "link to our own": _link_to(lambda path: database(path, OURS)),
    "link to nothing": lambda path: path.symlink_to("/nowhere/at/all"),
    "foreign log": lambda path: _text(Path(f"{path}-wal")),
    "foreign rollback journal": lambda path: _text(Path(f"{path}-journal")),
    "linked log": lambda path: Path(f"{path}-wal").symlink_to("/etc/hostname"),
    "folder for memory": lambda path: Path(f"{path}-shm").mkdir(),
}


def picture(folder: Path) -> dict[str, object]:
    """Everything that can be seen of a folder: names, kinds, modes, times of change, content."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
        link = os.readlink(path) if path.is_symlink() else None
        times = (status.st_mtime_ns, status.st_ctime_ns)
        found[path.name] = (status.st_mode, status.st_size, times, content, link)
    return found


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_not_ours_is_refused_and_left_as_it_was(tmp_path: Path, kind: str) -> None:
    """
    Folders, pipes, sockets, links, texts and databases of others are refused by a sentence, and not one bit changes.
    """
    path = tmp_path / "file"
    FOREIGN[kind](path)
    before = picture(tmp_path)

    for attempt in (inspect, claim):
        with pytest.raises(FileNotOurs) as caught:
            attempt(path, OURS)
        assert str(path) in str(caught.value)
        assert str(caught.value).endswith(".")
    assert picture(tmp_path) == before


@pytest.mark.parametrize("kind", [kind for kind in FOREIGN if kind != "link to our own"])
def test_the_budget_takes_no_file_of_others(tmp_path: Path, kind: str) -> None:
    """
    A budget that is pointed at something else says so before anything is sent, and leaves it as it was.
    """
    path = tmp_path / "file"
    FOREIGN[kind](path)
    before = picture(tmp_path)
    budget = SqliteBudget("https://papi.binance.com", path)

    with pytest.raises(BudgetUnavailable, match="cannot be used"):
        budget.snapshot()
    budget.close()

    assert picture(tmp_path) == before


def test_a_device_is_refused_without_being_opened() -> None:
    """
    Opening some devices is an action already; a device is refused by its kind.
    """
    before = os.stat("/dev/null").st_mode

    with pytest.raises(FileNotOurs, match="is a device"):
        claim(Path("/dev/null"), OURS)

    assert os.stat("/dev/null").st_mode == before


def test_absent_empty_and_own_files_are_told_apart(tmp_path: Path) -> None:
    """
    A file is made for its owner alone, known again while it is empty, and known again once it is a database.
    """
    path = tmp_path / "file"

    assert inspect(path, OURS) is Found.ABSENT
    assert not path.exists()
    made = claim(path, OURS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert inspect(path, OURS) is Found.EMPTY
    database(path, OURS)
    assert inspect(path, OURS) is Found.OURS
    assert claim(path, OURS) == made


def test_our_own_file_is_closed_to_others(tmp_path: Path) -> None:
    """
    A database of ours that others may read is made private when it is claimed, and not when it is looked at.
    """
    path = tmp_path / "file"
    database(path, OURS)
    path.chmod(0o644)

    assert inspect(path, OURS) is Found.OURS
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    claim(path, OURS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_mark_that_is_only_in_the_log_is_found(tmp_path: Path) -> None:
    """
    After a crash the mark may not have reached the database itself; it is read from the write-ahead log, if finished.
    """
    path = tmp_path / "file"
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN")
        db.execute("CREATE TABLE ours (x)")
        db.execute(f"PRAGMA application_id = {OURS}")
        with pytest.raises(FileNotOurs, match="another program"):
            inspect(path, OURS)
        db.execute("COMMIT")

        assert path.read_bytes()[68:72] == bytes(4)
        assert inspect(path, OURS) is Found.OURS
        with pytest.raises(FileNotOurs):
            inspect(path, OURS + 1)
    db.close()


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_no_bytes_break_the_look(tmp_path_factory: pytest.TempPathFactory, main: bytes, log: bytes) -> None:
    """
    Whatever stands in a file and its log, the answer is a kind or a refusal.
    """
    path = tmp_path_factory.mktemp("bytes") / "file"
    path.write_bytes(main)
    path.chmod(0o600)
    for content in (
        log,
        b"\x37\x7f\x06\x82" + log,
        b"\x37\x7f\x06\x82\x00\x2d\xe2\x18\x00\x00\x02\x00" + log,
    ):
        Path(f"{path}-wal").write_bytes(content)
        try:
            assert inspect(path, OURS) in Found
        except FileNotOurs as refused:
            assert str(path) in str(refused)  # noqa: PT017  (either way is right)


@pytest.mark.parametrize("name", ["x" * 300, "a\x00b", "no/such/folder/file", "\ud800", "\x1b]0;title\x07"])
def test_a_name_that_cannot_be_used_is_a_sentence(tmp_path: Path, name: str) -> None:
    """
    A name that is too long, or that no system takes, is refused in words, without signs that a terminal obeys.
    """
    path = tmp_path / name
    if name == "\x1b]0;title\x07":
        path.mkdir()

    with pytest.raises(FileNotOurs) as caught:
        claim(path, OURS)

    assert str(caught.value).isprintable()
    budget = SqliteBudget("https://papi.binance.com", tmp_path / name)
    if name != "no/such/folder/file":  # which is made
        with pytest.raises(BudgetUnavailable) as unusable:
            budget.snapshot()
        assert str(unusable.value).isprintable()
    budget.close()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_folders_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """
    Every folder that is made on the way is its owner's alone; one that was there keeps its permissions.
    """
    tmp_path.chmod(0o755)
    before = os.umask(umask)
    try:
        make_directories(tmp_path / "a" / "b")
        private_directory(tmp_path / "c" / "d")
        budget = SqliteBudget("https://papi.binance.com", tmp_path / "e" / "f" / "budget.sqlite3")
        budget.snapshot()
        budget.close()
    finally:
        os.umask(before)

    made = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert len(made) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}
    assert stat.S_IMODE((tmp_path / "e" / "f" / "budget.sqlite3").stat().st_mode) == 0o600
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_budget_from_before_the_mark_is_still_ours(tmp_path: Path) -> None:
    """
    A file with the ledger's table and without a mark is used as before.
    """
    path = tmp_path / "budget.sqlite3"
    first = SqliteBudget("https://papi.binance.com", path)
    first.snapshot()
    first.close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA application_id = 0")
    db.close()

    again = SqliteBudget("https://papi.binance.com", path)
    again.snapshot()
    again.close()
