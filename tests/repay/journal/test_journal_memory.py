"""A journal that was deleted, replaced, restored or lost while it was open is noticed before anything is sent."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from decimal import Decimal

import pytest

from paydown.repay import AccountBusy, JournalUnusable, Options, OutcomeNotRecorded
from paydown.repay.account.account_lock import AccountLock
from paydown.repay.account.account_memory import AccountMemory, Doubt, Remembered, RememberedJournal
from paydown.repay.errors import AccountInDoubt, JournalForgot
from paydown.repay.execution.commands import Step
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.states import AttemptState, PlanState
from tests.repay.world import REPAY_PATH, attempts

POSIX = pytest.mark.skipif(os.name != "posix", reason="open files can be removed on POSIX")
FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="fork exists on POSIX")


def die(repayer):
    """End a repayer as the kernel ends a process: nothing more is written, the lock is free."""
    repayer.journal.close()
    repayer.hold.lock.release(clean=False)
    repayer.hold.key_lock.release(clean=False)


def killed_in_flight(world, journal="repay.db", key="k"):
    """A process that dies after its request has left: the exchange executes it."""

    def kill(step, side):
        if (step, side) == (Step.REPAY, "after"):
            repayer.journal.close()

    repayer = world.repayer(journal=journal, trace=kill)
    plan = repayer.plan("BNB", "1", pay_with=["USDT"], key=key)
    with pytest.raises(OutcomeNotRecorded):  # what the clean-up of the dead one meets
        repayer.run(plan)
    die(repayer)


def remove(path):
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def traces(world):
    """What a refused process must leave as it is: the notes and the memory."""
    return {
        path.name: path.read_bytes() for path in (world.folder / "locks").iterdir() if path.stat().st_size
    }


def restored(world):
    (world.folder / "repay.db").write_bytes(b"")
    shutil.copy(world.folder / "backup.db", world.folder / "repay.db")


HOW = {
    "deleted": lambda world: remove(world.folder / "repay.db"),
    "emptied": lambda world: [
        path.write_bytes(b"") if path.suffix == ".db" else path.unlink()
        for path in world.folder.glob("repay.db*")
    ],
    "restored from a backup": lambda world: (remove(world.folder / "repay.db"), restored(world)),
    "another one at its path": lambda world: (
        remove(world.folder / "repay.db"),
        Journal(world.folder / "repay.db").close(),
    ),
}


@pytest.mark.parametrize("how", HOW)
def test_a_journal_that_forgot_is_refused_and_nothing_is_written(world, how):
    """If it forgot in any way what is in doubt: nothing is sent, and asking twice changes nothing."""
    with world.repayer() as first:
        first.plan("BNB", "1", pay_with=["USDT"], key="k")
    shutil.copy(world.folder / "repay.db", world.folder / "backup.db")
    killed_in_flight(world)
    HOW[how](world)
    before = traces(world)

    for _ in range(3):
        with world.repayer() as other:
            plan = other.plan("BNB", "1", pay_with=["USDT"], key="k")
            with pytest.raises(
                JournalForgot, match=r"repay\.db \(journal [0-9a-f]{8}, count 1, in doubt"
            ) as caught:
                other.run(plan)
            with pytest.raises(JournalForgot):
                other.resume()
            with pytest.raises(JournalForgot):
                other.reconcile()

    assert caught.value.exit_code == 3
    assert caught.value.remembered == str(world.folder / "repay.db")
    assert traces(world) == before
    assert world.sent == 1


def test_a_backup_is_refused_even_if_nothing_is_in_doubt(world):
    """An older copy of the journal knows less than is remembered: a plan key in it could pay again."""
    with world.repayer() as repayer:
        plan = repayer.plan("BNB", "1", pay_with=["USDT"], key="k")
        shutil.copy(world.folder / "repay.db", world.folder / "backup.db")
        for end in ("-wal", "-shm"):
            shutil.copy(world.folder / f"repay.db{end}", world.folder / f"backup.db{end}")
        repayer.run(plan)

    with (
        world.repayer(journal="backup.db") as backup,
        pytest.raises(JournalForgot, match=r"count 0\) knows less"),
    ):
        backup.run(backup.plan("BNB", "1", pay_with=["USDT"], key="k"))

    assert world.sent == 1


def test_a_backup_of_an_older_version_is_recognised(world, tmp_path):
    """A journal that was brought forward twice, from two copies of one old file, is one journal."""
    stored = (tmp_path / "old.sql", tmp_path / "one.db", tmp_path / "two.db")
    text = (os.path.dirname(__file__) + "/released/version-2.sql",)
    for path in stored[1:]:
        db = sqlite3.connect(path)
        with open(text[0], encoding="utf-8") as script:
            db.executescript(script.read())
        db.close()

    with Journal(stored[1]) as one, Journal(stored[2]) as two:
        assert one.identity == two.identity
        assert one.standing("acc").count == 2


def test_new_journals_are_told_apart(tmp_path):
    """Two journals have two identities; each keeps its own, and no program can change it, or the count."""
    with Journal(tmp_path / "one.db") as one, Journal(tmp_path / "two.db") as two:
        assert one.identity != two.identity
        for statement in (
            "UPDATE meta SET value = 'x' WHERE name = 'identity'",
            "DELETE FROM meta",
            "UPDATE counter SET value = value",
            "UPDATE counter SET value = value - 1",
            "DELETE FROM counter",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                one.file._db.execute(statement)


def test_the_count_grows_with_everything_that_matters(world):
    """INTENT, outcome and correction raise it by one each, in their own transaction."""
    with world.repayer() as repayer:
        repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"]))
        assert repayer.journal.standing(repayer.account).count == 2
        (attempt,) = attempts(repayer)
        world.clock.advance(600_000)
        repayer.correct(attempt.id, executed=False, note="seen", amount="1")
        assert repayer.journal.standing(repayer.account).count == 3
        remembered = repayer.hold.memory.read().journals[repayer.journal.identity]

    assert remembered == RememberedJournal(str(world.folder / "repay.db"), 3, None)


def test_a_link_that_leads_to_the_same_journal_is_no_other_journal(world):
    """The identity counts, not the path: a doubt is settled through another path."""
    killed_in_flight(world)
    (world.folder / "link.db").symlink_to("repay.db")
    (world.folder / "here").symlink_to(".")

    with world.repayer(journal="here/link.db") as repayer:
        (report,) = repayer.resume()

    assert report.state is PlanState.DONE
    assert world.sent == 1


def test_a_journal_from_another_machine_is_welcome(world):
    """Nothing is remembered here: what it has open is settled first, as ever."""
    killed_in_flight(world)
    shutil.rmtree(world.folder / "locks")

    with world.repayer() as repayer:
        (report,) = repayer.resume()

    assert report.state is PlanState.DONE
    assert world.sent == 1


def test_another_journal_without_a_doubt_is_allowed(world):
    """A person who settles what is in doubt may change journals; the old one is still recognised afterwards."""
    with world.repayer() as one:
        one.run(one.plan("BNB", "1", pay_with=["USDT"]))
    with world.repayer(journal="other.db") as two:
        two.run(two.plan("BNB", "1", pay_with=["USDT"]))
    with world.repayer() as one:
        one.run(one.plan("BNB", "1", pay_with=["USDT"]))

    assert world.sent == 3


def test_the_note_of_an_older_version_is_still_heard(world):
    """Before there was a memory, only the note under the key's lock showed that another journal holds a doubt."""
    with world.repayer() as repayer:
        lock = repayer.hold.key_lock
        assert lock.acquire("/elsewhere/old.db", 1) is None
        lock.release(clean=False)
        plan = repayer.plan("BNB", "1", pay_with=["USDT"])

        with pytest.raises(JournalForgot, match=r"/elsewhere/old\.db and did not end cleanly"):
            repayer.run(plan)

        adopted = repayer.adopt(note="looked")
        assert "/elsewhere/old.db" in adopted.remembered[0]
        (kept,) = repayer.journal.adoptions.of(repayer.account)
        assert kept["remembered"] == list(adopted.remembered)
        assert repayer.run(plan).state is PlanState.DONE


@pytest.mark.parametrize("in_doubt", [True, False])
def test_an_end_in_doubt_is_no_clean_end(world, in_doubt):
    """Where the memory is lost, the notes of both locks still keep another journal from what it cannot know."""
    if in_doubt:
        world.fault("executed_then_503")
    with world.repayer(options=Options(reconcile_last=False)) as repayer:
        report = repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"]))
        notes = [lock.holder().clean for lock in (repayer.hold.lock, repayer.hold.key_lock)]
        repayer.hold.memory.forget()
    with world.repayer(journal="other.db") as other:
        plan = other.plan("BNB", "2", pay_with=["USDT"])
        if in_doubt:
            with pytest.raises(JournalForgot, match=r"repay\.db and did not end cleanly"):
                other.run(plan)
        else:
            assert other.run(plan).state is PlanState.DONE

    assert (report.exit_code, notes) == ((5, [False, False]) if in_doubt else (0, [True, True]))
    assert world.sent == (1 if in_doubt else 2)


def test_an_older_process_that_holds_the_key_is_not_joined(world):
    """A version before this one locks the key: both exclude each other."""
    with world.repayer() as repayer:
        older = repayer.hold.key_lock
        plan = repayer.plan("BNB", "1", pay_with=["USDT"])
        older.acquire("old.db", 1)
        before = traces(world)
        with world.repayer() as newer, pytest.raises(AccountBusy):
            newer.run(plan)
        assert traces(world) == before
        older.release(clean=True)

    assert world.sent == 0


# Going on


def test_adopting_goes_on_with_a_journal_that_forgot(world):
    """After one look at the account, and with a note, the journal that is there is used; the look is kept."""
    killed_in_flight(world)
    remove(world.folder / "repay.db")
    world.clock.advance(600_000)
    with world.repayer() as repayer:
        plan = repayer.plan("BNB", "2", pay_with=["USDT"], key="k")
        with pytest.raises(JournalForgot):
            repayer.run(plan)

        adopted = repayer.adopt(note="the disk broke; 11.01 BNB are owed")

        *_, last = world.exchange.requests
        assert last.path == "/papi/v1/balance"
        assert "in doubt attempt" in adopted.remembered[0]
        (kept,) = repayer.journal.adoptions.of(repayer.account)
        assert kept["note"] == "the disk broke; 11.01 BNB are owed"
        assert kept["look"]["assets"]["BNB"]["borrowed"] == "11.01"
        assert json.loads(json.dumps(adopted.to_json()))["journal"] == str(world.folder / "repay.db")
        assert repayer.adopt(note="again") is None
        assert repayer.run(plan).state is PlanState.DONE


def test_the_journal_that_was_given_up_is_refused_after_that(world):
    """A backup that was adopted counts on from above: the file it came from does not come back unnoticed."""
    with world.repayer() as repayer:
        repayer.plan("BNB", "1", pay_with=["USDT"], key="k")
    shutil.copy(world.folder / "repay.db", world.folder / "backup.db")
    with world.repayer() as repayer:
        repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"], key="k"))

    with world.repayer(journal="backup.db") as backup:
        assert backup.adopt(note="looked") is not None
        backup.resume()

    with world.repayer() as first, pytest.raises(JournalForgot, match="knows less"):
        first.run(first.plan("BNB", "3", pay_with=["USDT"]))


@pytest.mark.parametrize("ahead", [1, 4])
def test_an_adopted_journal_counts_on_from_above_the_one_it_replaces(world, ahead):
    """However far the other file had come, and though nothing was sent since: it is refused from that moment on."""
    with world.repayer() as repayer:
        repayer.plan("BNB", "1", pay_with=["USDT"], key="k")
    shutil.copy(world.folder / "repay.db", world.folder / "backup.db")
    with world.repayer() as repayer:
        for number in range(ahead):
            repayer.run(repayer.plan("BNB", f"0.{number + 1}", pay_with=["USDT"], key=f"k{number}"))

    with world.repayer(journal="backup.db") as backup:
        assert backup.adopt(note="looked") is not None

    with world.repayer() as first, pytest.raises(JournalForgot, match="knows less"):
        first.run(first.plan("BNB", "3", pay_with=["USDT"]))
    assert world.sent == ahead


def test_nothing_is_adopted_while_the_lost_request_can_act(world):
    """One look is only worth something once nothing more can come of what is in doubt."""
    killed_in_flight(world)
    remove(world.folder / "repay.db")

    with world.repayer() as repayer, pytest.raises(AccountInDoubt, match="can act until"):
        repayer.adopt(note="looked")


def test_adopting_needs_a_note(world):
    """Who looked, and what they saw, is kept."""
    from paydown import InvalidRequest

    with world.repayer() as repayer, pytest.raises(InvalidRequest, match="note"):
        repayer.adopt(note=" ")


# Remembering


def test_what_is_in_doubt_is_remembered_before_a_byte_leaves(world):
    """When the request arrives at the exchange, its attempt stands in the memory already."""
    seen = []

    class Peeping(type(world.client()._channel._transport)):
        def handle_request(self, request):
            if request.url.path == REPAY_PATH:
                seen.append(repayer.hold.memory.read().journals[repayer.journal.identity])
            return super().handle_request(request)

    with world.repayer(world.client(transport=Peeping(world))) as repayer:
        repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"]))
        after = repayer.hold.memory.read().journals[repayer.journal.identity]
        (attempt,) = attempts(repayer)

    assert [(one.count, one.doubt.attempt_id) for one in seen] == [(1, attempt.id)]
    assert (after.count, after.doubt) == (2, None)


@pytest.mark.parametrize("after", ["before the request", "after the answer"])
def test_a_memory_that_cannot_be_written_keeps_back_what_has_not_left(world, monkeypatch, after):
    """Before the first byte it is a reason not to send; after the answer the journal knows more, which does no harm."""
    real = AccountMemory.write

    def breaks(self, remembered):
        doubtful = any(one.doubt is not None for one in remembered.journals.values())
        if doubtful if after == "before the request" else world.sent:
            raise JournalUnusable("no room")
        real(self, remembered)

    with world.repayer() as repayer:
        plan = repayer.plan("BNB", "1", pay_with=["USDT"], key="k")
        with monkeypatch.context() as patched:
            patched.setattr(AccountMemory, "write", breaks)
            if after == "before the request":
                with pytest.raises(JournalUnusable, match="no room"):
                    repayer.run(plan)
            else:
                assert repayer.run(plan).state is PlanState.DONE
        states = [one.state for one in attempts(repayer)]
        assert states == [AttemptState.NOT_SENT if after == "before the request" else AttemptState.EXECUTED]
        assert all(repayer.resume("k"))

    assert world.repaid == [Decimal(1)]


def test_a_damaged_memory_is_no_empty_memory(world):
    """What cannot be read may hold a doubt: nothing is sent before a person has looked."""
    with world.repayer() as repayer:
        plan = repayer.plan("BNB", "1", pay_with=["USDT"])
        repayer.hold.memory.path.parent.mkdir(exist_ok=True)
        repayer.hold.memory.path.write_text('{"base_url": ')

        with pytest.raises(JournalUnusable, match="is damaged"):
            repayer.run(plan)

    assert world.sent == 0


def test_the_memory_is_private_plain_data(tmp_path):
    """It reads back as it was written, no other user may read it, and no draft stays behind."""
    memory = AccountMemory(tmp_path / "locks", "acc")
    doubt = RememberedJournal("/j.db", 3, Doubt("a1", 99))
    remembered = Remembered(
        "http://x", "", frozenset({"k"}), {"one": doubt, "two": RememberedJournal("/k.db", 4)}
    )

    assert memory.read() is None
    memory.write(remembered)

    assert memory.read() == remembered
    assert remembered.doubts() == {"one": doubt}
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["acc.memory"]
    if os.name == "posix":
        assert memory.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="/proc shows descriptors")
def test_the_memory_survives_a_power_cut(tmp_path, monkeypatch):
    """The new text is on the disk before it gets its name, and the name after that."""
    synced = []
    real = os.fsync

    def spy(handle):
        synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{handle}")))
        real(handle)

    monkeypatch.setattr(os, "fsync", spy)
    AccountMemory(tmp_path, "acc").write(Remembered("http://x", ""))
    AccountMemory(tmp_path, "fast", durable=False).write(Remembered("http://x", ""))

    assert synced == [f".acc.memory.{os.getpid()}", tmp_path.name]


# A connection that lost its file


def unlinked(folder):
    for path in folder.glob("repay.db*"):
        path.unlink()


def replaced(folder):
    unlinked(folder)
    Journal(folder / "repay.db").close()


def log_removed(folder):
    (folder / "repay.db-wal").unlink()


def emptied(folder):
    os.truncate(folder / "repay.db", 0)


def moved(folder):
    for path in list(folder.glob("repay.db*")):
        path.rename(path.with_name(f"moved-{path.name}"))


@POSIX
@pytest.mark.parametrize("lose", [unlinked, replaced, log_removed, emptied, moved])
@pytest.mark.parametrize("when", ["before INTENT", "before the first byte"])
def test_a_journal_that_lost_its_file_sends_nothing(world, lose, when):
    """Commits to a file that is not found again are no commits: refused, before INTENT and after it."""

    def interfere(step, side):
        wanted = "before" if when == "before INTENT" else "after"
        if (step, side) == (Step.WRITE_INTENT, wanted):
            lose(world.folder)

    with world.repayer(trace=interfere) as repayer:
        plan = repayer.plan("BNB", "1", pay_with=["USDT"], key="k")
        with pytest.raises(JournalUnusable, match="othing"):
            repayer.run(plan)
        with pytest.raises(JournalUnusable):
            repayer.resume()

    assert world.sent == 0


@POSIX
@pytest.mark.parametrize("lose", [unlinked, replaced, log_removed, emptied, moved])
def test_a_journal_that_lost_its_file_takes_no_plan(world, lose):
    """It is refused as soon as something is to be kept."""
    with world.repayer() as repayer:
        repayer.plan("BNB", "1", pay_with=["USDT"])
        lose(world.folder)
        with pytest.raises(JournalUnusable, match="while it was open"):
            repayer.plan("BNB", "1", pay_with=["USDT"], key="k")


@POSIX
def test_an_answer_that_cannot_be_written_any_more_is_not_called_harmless(world):
    """The file goes while the request is on its way: it has left, and the exit code shows it."""

    def interfere(step, side):
        if (step, side) == (Step.WRITE_OUTCOME, "before"):
            unlinked(world.folder)

    with world.repayer(trace=interfere) as repayer:
        plan = repayer.plan("BNB", "1", pay_with=["USDT"], key="k")
        with pytest.raises(OutcomeNotRecorded) as caught:
            repayer.run(plan)
    assert caught.value.exit_code == 5

    # The memory knows of it, though the journal is gone.
    with world.repayer() as next_one, pytest.raises(JournalForgot):
        next_one.run(next_one.plan("BNB", "1", pay_with=["USDT"], key="k"))
    assert world.sent == 1


@POSIX
@pytest.mark.parametrize("recreated", [False, True])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lock_file_that_was_deleted_while_held_is_noticed(world, recreated, when):
    """The next process would make a new one and hold that: the first sends nothing more."""
    others = []

    def interfere(step, side):
        if (step, side) == (Step.WRITE_INTENT, when):
            repayer.hold.lock.path.unlink()
            if recreated:
                other = type(repayer.hold.lock)(world.folder / "locks", repayer.hold.lock.path.stem)
                other.acquire("other.db", 1)
                others.append(other)

    with world.repayer(trace=interfere) as repayer:
        plan = repayer.plan("BNB", "1", pay_with=["USDT"], key="k")
        with pytest.raises(JournalUnusable, match="lock file was deleted") as caught:
            repayer.run(plan)
        assert caught.value.exit_code == 3
        assert not repayer.in_doubt
        for other in others:
            assert other.held
            other.release(clean=True)
        repayer.trace = None
        assert all(repayer.resume())

    assert world.sent == 1


# Forks and threads


def in_child(work):
    """Do it in a forked child; its exit code."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@FORK
def test_a_forked_child_may_use_nothing_that_was_open(world):
    """Journal, repayer and lock of the parent are refused in the child; those it opens itself work."""

    def child():
        refused = 0
        for use in (
            lambda: repayer.plan("BNB", "1", pay_with=["USDT"], key="k"),
            lambda: repayer.run(plan),
            repayer.resume,
            repayer.history,
            repayer.journal.plans.newest_first,
            lambda: repayer.hold.lock.acquire("j.db", 1),
        ):
            try:
                use()
            except JournalUnusable:
                refused += 1
        repayer.close()
        with world.repayer() as own:
            own.run(own.plan("BNB", "1", pay_with=["USDT"], key="own"))
            return refused + 10 * len(own.history())

    with world.repayer() as repayer:
        plan = repayer.plan("BNB", "1", pay_with=["USDT"])
        assert in_child(child) == 6 + 10
        # The parent goes on with what the child has left alone. Its exchange has not seen what the child repaid on a
        # copy of it, so it begins when nothing must be shown any more.
        world.clock.advance(900_000)
        assert repayer.run(plan).state is PlanState.DONE
        assert len(repayer.history()) == 2


# The child ends like a program, finalizers included; in between the parent has closed, and a third process has
# crashed with rows in a -wal of its own.
ENDING_CHILD = """
import os, signal, sys
from paydown.repay.journal.journal import Journal

path = sys.argv[1]
read, write = os.pipe()
journal = Journal(path)
child = os.fork()
if child == 0:
    os.close(write)
    os.read(read, 1)
    sys.exit(0)
journal.close()
other = os.fork()
if other == 0:
    crashed = Journal(path)
    with crashed.file.writing() as db:
        db.execute("INSERT INTO meta (name, value) VALUES ('mark', 'x')")
    os.kill(os.getpid(), signal.SIGKILL)
os.waitpid(other, 0)
os.close(write)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@FORK
def test_a_child_that_ends_leaves_the_files_of_others_alone(tmp_path):
    """SQLite removes the -wal when its last user closes: an inherited connection must never close."""
    path = tmp_path / "repay.db"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", ENDING_CHILD, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.stdout, ran.stderr) == ("0\n", "")
    assert (tmp_path / "repay.db-wal").stat().st_size > 0
    with Journal(path) as again, again.file.reading() as db:
        assert db.execute("SELECT count(*) FROM meta WHERE name = 'mark'").fetchone() == (1,)


# The parent is killed while it holds the lock, and its child lives on.
DEAD_PARENT = """
import os, signal, sys
from pathlib import Path
from paydown.repay.account.account_lock import AccountLock

lock = AccountLock(Path(sys.argv[1]), "acc")
lock.acquire("j.db", 1)
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, b"x")
    sys.stdin.read()
    os._exit(0)
os.read(read, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


@FORK
def test_a_child_does_not_keep_the_lock_of_a_dead_parent(tmp_path):
    """The child closes what it has inherited of a held lock at once."""
    with subprocess.Popen(
        [sys.executable, "-c", DEAD_PARENT, str(tmp_path)], stdin=subprocess.PIPE
    ) as parent:
        assert parent.wait(timeout=60) == -signal.SIGKILL

        lock = AccountLock(tmp_path, "acc")
        lock.acquire("j.db", 1)
        lock.release(clean=True)


def in_thread(work):
    """Do it in another thread; what it raised, by class name."""
    raised = []

    def run():
        try:
            work()
        except Exception as error:  # noqa: BLE001  # the test looks at any of them
            raised.append(type(error).__name__)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised


@pytest.mark.parametrize("call", ["resume", "reconcile", "run"])
def test_a_second_thread_takes_back_no_stop(world, call):
    """It gets AccountBusy; what the first one was asked to do, and what it has sent, stay as they are."""
    world.give("BNB", borrowed="400")
    heard = []

    def progress(told):
        if told.kind == "executed" and told.pieces_done == 1:
            repayer.stop()
            heard.extend(in_thread(lambda: getattr(repayer, call)(*([other] if call == "run" else []))))

    with world.repayer(progress=progress) as repayer:
        plan = repayer.plan("BNB", "300", pay_with=["USDT"], key="k")
        other = repayer.plan("BNB", "1", pay_with=["USDT"], key="other")
        report = repayer.run(plan)

    assert heard == ["AccountBusy"]
    assert (report.state, report.cause) == (PlanState.STOPPED, "stop-requested")
    assert len(world.repaid) == 1


def test_two_tasks_of_one_repayer_exclude_each_other(world):
    """As two threads do: the second one gets AccountBusy, and takes back no stop."""
    world.give("BNB", borrowed="400")
    heard = []

    async def sleep(seconds):
        world.sleep(seconds)

    async def scenario():
        client = world.async_client(sleep=sleep)
        async with client, world.async_repayer(client, sleep=sleep) as repayer:
            plan = await repayer.plan("BNB", "300", pay_with=["USDT"], key="k")

            async def disturb():
                try:
                    await repayer.resume()
                except AccountBusy as error:
                    heard.append(error)

            class Busy(type(client._channel._transport)):
                async def handle_async_request(self, request):
                    if request.url.path == REPAY_PATH:
                        repayer.stop()
                        await asyncio.ensure_future(disturb())
                    return await super().handle_async_request(request)

            client._channel._transport.__class__ = Busy
            return await repayer.run(plan)

    report = asyncio.run(scenario())

    assert len(heard) == 1
    assert (report.state, report.cause) == (PlanState.STOPPED, "stop-requested")
    assert len(world.repaid) == 1


def test_a_second_thread_does_not_make_the_first_forget_what_it_sent(world):
    """A journal that breaks after a piece has left is "it may have happened", also with calls in between."""
    world.give("BNB", borrowed="400")

    def progress(told):
        if told.kind == "executed":
            assert in_thread(repayer.resume) == ["AccountBusy"]
            repayer.journal.file._db.execute("PRAGMA query_only = ON")

    with world.repayer(progress=progress) as repayer:
        plan = repayer.plan("BNB", "300", pay_with=["USDT"], key="k")
        with pytest.raises(OutcomeNotRecorded):
            repayer.run(plan)


def test_a_process_that_stood_still_does_not_sign_again(world):
    """Its lock is not the other one's: the other has settled the attempt and repaid, so the first sends no more."""
    # The clock that is put right makes the look old; here signing anew is what is asked about.
    patient = Options(base_max_age_ms=10**9)
    with world.repayer(options=patient) as one, world.repayer() as two:
        two.hold.lock = type(two.hold.lock)(world.folder / "locks of another user", "acc")
        two.hold.key_lock = None
        two.hold.memory = AccountMemory(world.folder / "locks of another user", "acc")

        world.fault("clock_skew")

        def suspended(step, side):
            if (step, side) == (Step.WRITE_INTENT, "before") and world.sent and not world.repaid:
                two.resume()

        one.trace = suspended
        plan = one.plan("BNB", "1", pay_with=["USDT"], key="k")
        with pytest.raises(OutcomeNotRecorded, match="another process has settled it"):
            one.run(plan)

    assert world.repaid == [Decimal(1)]


# Interrupts and leaks


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "COMMIT", "INSERT"])
def test_an_interrupt_inside_a_transaction_leaves_nobody_locked_out(tmp_path, statement):
    """Ctrl-C between any two steps of a commit: the next writer, here or elsewhere, can write."""
    path = tmp_path / "repay.db"
    with Journal(path) as journal, Journal(path) as other:
        real = journal.file._db

        class Interrupted:
            def __getattr__(self, name):
                return getattr(real, name)

            def execute(self, sql, *values):
                cursor = real.execute(sql, *values)
                if sql.startswith(statement):
                    raise KeyboardInterrupt
                return cursor

        def write(into, name):
            with into.file.writing() as db:
                db.execute("INSERT INTO meta (name, value) VALUES (?, 'x')", (name,))

        journal.file._db = Interrupted()
        with pytest.raises(KeyboardInterrupt):
            write(journal, "one")
        journal.file._db = real

        other.file._db.execute("PRAGMA busy_timeout = 50")
        write(other, "two")
        write(journal, "three")


def test_an_interrupt_right_after_begin_is_taken_back(tmp_path):
    """Even where Python had no chance to clean up, the next use does."""
    with Journal(tmp_path / "repay.db") as journal:
        journal.file._db.execute("BEGIN IMMEDIATE")
        with journal.file.writing() as db:
            db.execute("INSERT INTO meta (name, value) VALUES ('mark', 'x')")
        assert not journal.file._db.in_transaction


def test_a_repayer_that_cannot_be_made_closes_its_journal(world, monkeypatch):
    """A connection that nothing can reach any more is closed where it was opened."""
    opened = []
    real = Journal.__init__

    def remember(self, *arguments, **named):
        real(self, *arguments, **named)
        opened.append(self)

    monkeypatch.setattr(Journal, "__init__", remember)
    monkeypatch.setattr("paydown.repay.account.account_hold.account_id", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        world.repayer()

    with pytest.raises(JournalUnusable, match="closed database"):
        opened[0].plans.newest_first()


def test_a_journal_that_nobody_closes_is_closed_with_its_last_user(tmp_path):
    """`SafeRepay(pm)` without `with` leaks no connection: the -wal goes when the journal does."""
    path = tmp_path / "repay.db"
    journal = Journal(path)
    assert path.with_name("repay.db-wal").exists()

    del journal

    assert not path.with_name("repay.db-wal").exists()


@pytest.mark.parametrize("path", ["", " ", ":memory:"])
def test_a_path_that_names_no_file_is_refused(path):
    """An unset variable is no journal, and neither is one that dies with its process."""
    from paydown import InvalidRequest

    with pytest.raises(InvalidRequest, match="file"):
        Journal(path)


def test_a_tilde_is_the_home_directory(monkeypatch, tmp_path):
    """`--journal=~/x.db` reaches us as it stands: no shell expands it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    with Journal("~/repay.db") as journal:
        assert journal.path == tmp_path / "repay.db"


def test_fifty_repayers_on_one_client_write_each_intent_once(world):
    """Repayers that were closed, or only made, watch nothing: one piece is one INTENT."""
    written = []
    client = world.client()
    for _ in range(49):
        world.repayer(client, trace=lambda step, side: written.append(("other", step, side))).close()

    with world.repayer(client, trace=lambda step, side: written.append(("this", step, side))) as repayer:
        repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"]))

    assert [who for who, step, side in written if (step, side) == (Step.WRITE_INTENT, "after")] == ["this"]
    assert client._core.observer is None
