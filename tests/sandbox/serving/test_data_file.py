"""The file of `--data` holds secrets: it is its owner's alone, and nothing that is not a sandbox's is touched."""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from paydown_sandbox.exchange import Exchange
from paydown_sandbox.serving.process import main
from paydown_sandbox.serving.store import Store, StoreError
from paydown_sandbox.serving.store_file import APPLICATION_ID


def _database(path: Path, *, table: str = "letters", log: bool = False) -> None:
    with sqlite3.connect(path) as db:
        if log:
            db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"CREATE TABLE {table} (text TEXT)")
    db.close()


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _link(path: Path) -> None:
    path.with_name("target").write_text("Dear diary")
    path.symlink_to(path.with_name("target"))


def _empty(path: Path) -> None:
    path.touch()
    path.chmod(0o644)


FOREIGN: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "socket": _socket,
    "link": _link,
    "text": lambda path: path.write_text("Dear diary"),
    "empty file of others": _empty,
    "database": _database,
    "database with a log": lambda path: _database(path, log=True),
    "database with a table of our name": lambda path: _database(path, table="world"),
    "folder for the log": lambda path: Path(f"{path}-wal").mkdir(),
    "linked log": lambda path: Path(f"{path}-wal").symlink_to("/etc/hostname"),
}


def _picture(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
        found[path.name] = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, content)
    return found


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_something_else_is_refused_and_left_as_it_was(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Exit code 2, a sentence, and not one bit of what stood there has changed.
    """
    path = tmp_path / "exchange.db"
    FOREIGN[kind](path)
    before = _picture(tmp_path)

    assert main(["--port", "0", "--data", str(path)]) == 2

    assert str(path) in capsys.readouterr().err
    assert _picture(tmp_path) == before


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    A mistyped path makes no folders; the command that would is written out, ready to be pasted.
    """
    path = tmp_path / "no such folder" / "below" / "exchange.db"

    assert main(["--port", "0", "--data", str(path)]) == 2

    assert f"mkdir -p -m 700 '{path.parent}'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_file_is_its_owners_alone(tmp_path: Path, umask: int) -> None:
    """
    Database and log hold keys with their secrets: under every umask only their owner may read them.
    """
    before = os.umask(umask)
    try:
        store = Store(tmp_path / "exchange.db")
        store.commit(Exchange())
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(before)

    assert set(modes.values()) == {0o600}
    assert "exchange.db-wal" in modes


def test_a_file_of_ours_is_closed_to_others_and_used_again(tmp_path: Path) -> None:
    """
    A file that others could read, from an earlier version too, is made private when it is opened.
    """
    path = tmp_path / "exchange.db"
    store = Store(path)
    store.commit(Exchange())
    store.close()
    for mark in (APPLICATION_ID, 0):
        with sqlite3.connect(path) as db:
            db.execute(f"PRAGMA application_id = {mark}")
        db.close()
        path.chmod(0o644)

        store = Store(path)
        assert store.holds_state
        store.close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_bytes()[68:72] == APPLICATION_ID.to_bytes(4, "big")


@pytest.mark.parametrize("name", ["x" * 300, "a\x00b", "\x1b]0;x\x07/y"])
def test_a_name_that_cannot_be_used_is_a_sentence(tmp_path: Path, name: str) -> None:
    """
    A name that is too long or that no system takes is refused in printable words.
    """
    with pytest.raises(StoreError) as caught:
        Store(tmp_path / name)
    assert str(caught.value).isprintable()
