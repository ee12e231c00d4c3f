"""One writer per account, across processes, released by the kernel when its holder dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from paydown.repay import AccountBusy
from paydown.repay.account.account_lock import AccountLock

NOW_MS = 1_795_000_000_000

HOLD = """
import sys, time
from pathlib import Path
from paydown.repay.account.account_lock import AccountLock
lock = AccountLock(Path(sys.argv[1]), "acc")
lock.acquire("their.db", 1795000000000)
print("held", flush=True)
sys.stdin.read()
lock.release(clean=True)
"""


@pytest.fixture
def other_process(tmp_path):
    """A process that holds the account."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.stdin.close()
    process.wait()
    process.stdout.close()


def test_the_second_process_is_refused_and_told_who_holds_it(tmp_path, other_process):
    """Process, machine, time and journal of the holder are in the error."""
    with pytest.raises(AccountBusy) as caught:
        AccountLock(tmp_path, "acc").acquire("mine.db", NOW_MS)

    holder = caught.value.holder
    assert (holder.pid, holder.host) == (other_process.pid, socket.gethostname())
    assert (holder.since_ms, holder.journal) == (NOW_MS, "their.db")
    assert str(other_process.pid) in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL exists on POSIX")
def test_a_killed_holder_holds_nothing(tmp_path, other_process):
    """After kill -9 the account is free at once, and the note records that the end was not clean."""
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()

    lock = AccountLock(tmp_path, "acc")
    previous = lock.acquire("mine.db", NOW_MS)
    lock.release(clean=True)

    assert previous.pid == other_process.pid
    assert not previous.clean


def test_a_clean_end_is_noted(tmp_path):
    """The next holder can distinguish an orderly end from a crash."""
    first, second = AccountLock(tmp_path, "acc"), AccountLock(tmp_path, "acc")
    assert first.acquire("one.db", NOW_MS) is None
    first.release(clean=True)

    assert second.acquire("two.db", NOW_MS).clean
    second.release(clean=False)
    assert not second.holder().clean


def test_two_repayers_of_one_process_exclude_each_other(tmp_path):
    """A second object in the same process is no way around the lock."""
    first, second = AccountLock(tmp_path, "acc"), AccountLock(tmp_path, "acc")
    first.acquire("one.db", NOW_MS)

    with pytest.raises(AccountBusy):
        second.acquire("one.db", NOW_MS)
    with pytest.raises(AccountBusy):
        first.acquire("one.db", NOW_MS)
    first.release(clean=True)

    second.acquire("one.db", NOW_MS)
    second.release(clean=True)


def test_accounts_do_not_hold_each_other_up(tmp_path):
    """Two accounts are repaid side by side."""
    one, two = AccountLock(tmp_path, "one"), AccountLock(tmp_path, "two")
    one.acquire("j.db", NOW_MS)

    two.acquire("j.db", NOW_MS)

    assert one.held
    assert two.held
    one.release(clean=True)
    two.release(clean=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork exists on POSIX")
def test_a_forked_child_does_not_hold_its_parents_lock(tmp_path):
    """The child inherits the descriptor, not the right to repay."""
    lock = AccountLock(tmp_path, "acc")
    lock.acquire("j.db", NOW_MS)
    child = os.fork()
    if child == 0:
        os._exit(1 if lock.held else 0)
    _, status = os.waitpid(child, 0)

    assert lock.held
    assert os.waitstatus_to_exitcode(status) == 0
    lock.release(clean=True)


def test_a_damaged_note_does_not_hold_anybody_up(tmp_path):
    """The text in the file is a help; the kernel's lock is the rule."""
    lock = AccountLock(tmp_path, "acc")
    lock.path.write_text('{"pid": 12, "ho')

    assert lock.holder() is None
    assert lock.acquire("j.db", NOW_MS) is None
    lock.release(clean=True)
