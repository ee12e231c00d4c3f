"""What is written is durable and private, and the database itself refuses every forbidden move."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from paydown.repay import AccountBusy, AccountInDoubt, JournalUnusable, PlanKeyConflict, UnknownPlan
from paydown.repay.evidence.snapshot import Holding, Snapshot
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_records import Intent
from paydown.repay.journal.schema import MIGRATIONS, SCHEMA_VERSION
from paydown.repay.journal.states import ATTEMPT_MOVES, PLAN_MOVES, AttemptState, PlanState
from paydown.repay.planning.plan import Piece, Plan, Price, Request

NOW_MS = 1_795_000_000_000
LOOK = Snapshot.of(
    NOW_MS - 20, NOW_MS - 10, [("BNB", Holding(borrowed=Decimal("1.5"), interest=Decimal("0.001")))]
)


def a_plan(key="k", amount=None):
    request = Request("BNB", amount, ("USDT",), (), Decimal("0.02"))
    piece = Piece(1, amount, Decimal("1.501"), Decimal("900.6"), "clears the whole debt")
    price = Price(Decimal(600), "index")
    return Plan(key, request, LOOK, {"BNB": price}, Decimal(49000), (piece,), 3060, NOW_MS, (), NOW_MS)


def an_intent(attempt_id="a1", amount=None, number=1):
    return Intent(attempt_id, number, "BNB", amount, Decimal("1.501"), ("USDT",), LOOK, (), NOW_MS, 5000)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "repay.db") as opened:
        yield opened


@pytest.fixture
def begun(journal):
    """A journal with one plan that runs."""
    record = journal.plans.add("acc", a_plan(), NOW_MS)
    journal.plans.move(record.id, PlanState.RUNNING, NOW_MS)
    return record


def raw(journal):
    return sqlite3.connect(journal.path, isolation_level=None)


# Durability and privacy


def test_commits_are_durable_by_setting(journal):
    """WAL with synchronous FULL: a commit that returned survives a power cut."""
    health = journal.health()

    assert (health["journal_mode"], health["synchronous"], health["integrity"]) == ("wal", "FULL", "ok")


@pytest.mark.skipif(os.name != "posix", reason="file modes exist on POSIX")
def test_files_are_for_their_owner_only(tmp_path):
    """No other user can read what is owed: not in the files SQLite adds, nor in a file found open."""
    path = tmp_path / "new" / "repay.db"
    with Journal(path) as journal:
        journal.plans.add("acc", a_plan(), NOW_MS)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    path.chmod(0o644)
    with Journal(path) as journal:
        assert journal.health()["owner_only"]

    assert modes == {"repay.db": 0o600, "repay.db-wal": 0o600, "repay.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform != "linux", reason="strace exists on Linux, and /proc shows descriptors")
def test_a_new_journal_syncs_its_folder(tmp_path, monkeypatch):
    """The name of the file must survive a power cut as well as its contents."""
    synced = []
    real = os.fsync

    def spy(handle):
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        real(handle)

    monkeypatch.setattr(os, "fsync", spy)

    with Journal(tmp_path / "repay.db"):
        pass

    assert synced == [str(tmp_path / "repay.db"), str(tmp_path)]


def test_an_account_is_a_salted_hash(tmp_path):
    """The key is not stored, nor anything to look it up by: two journals name it differently."""
    key = "secret-looking-api-key"
    with Journal(tmp_path / "one.db") as one, Journal(tmp_path / "two.db") as two:
        names = {one.account(key), two.account(key)}
        one.plans.add(one.account(key), a_plan(), NOW_MS)
        again = one.account(key)
        written = b"".join(file.read_bytes() for file in tmp_path.iterdir())

    assert len(names) == 2
    assert again in names
    assert key.encode() not in written


def test_the_salt_stays(tmp_path):
    """The same account has the same name when the journal is opened again."""
    with Journal(tmp_path / "repay.db") as journal:
        name = journal.account("key")
    with Journal(tmp_path / "repay.db") as journal:
        assert journal.account("key") == name


# Plans


def test_a_plan_key_is_an_idempotency_key(journal):
    """The same request under the same key finds the first plan, even if the second one differs."""
    first = journal.plans.add("acc", a_plan(), NOW_MS)
    later = Plan(
        **{**{f: getattr(a_plan(), f) for f in a_plan().__dataclass_fields__}, "created_at_ms": NOW_MS + 1}
    )

    assert journal.plans.add("acc", later, NOW_MS + 1) == first


def test_another_request_under_the_same_key_is_refused(journal):
    """A key cannot come to mean something else; the refusal names what it means."""
    journal.plans.add("acc", a_plan(), NOW_MS)

    with pytest.raises(PlanKeyConflict, match="whole debt of BNB"):
        journal.plans.add("acc", a_plan(amount=Decimal(1)), NOW_MS)


def test_two_accounts_may_use_one_key(journal):
    """Keys belong to their account."""
    journal.plans.add("acc", a_plan(), NOW_MS)
    journal.plans.add("other", a_plan(amount=Decimal(1)), NOW_MS)

    assert len(journal.plans.newest_first()) == 2
    assert len(journal.plans.newest_first("acc")) == 1


def test_an_unknown_plan_is_an_error(journal):
    """Asking for a plan that is not there is not answered with an empty one."""
    with pytest.raises(UnknownPlan, match="nope"):
        journal.plans.get("acc", "nope")


# Attempts


def test_an_attempt_comes_back_as_it_was_written(journal, begun):
    """Amounts, look, times and payers survive the journal exactly."""
    intent = an_intent(amount=Decimal("0.1"))

    journal.attempts.begin("acc", begun.id, intent, NOW_MS)

    (record,) = journal.attempts.open_of("acc")
    assert record.intent == intent
    assert (record.state, record.plan_key, record.outcome) == (AttemptState.INTENT, "k", None)


def test_no_second_attempt_is_begun_while_one_is_open(journal, begun):
    """The database holds it: at most one attempt per account that may yet have moved money."""
    journal.attempts.begin("acc", begun.id, an_intent("a1"), NOW_MS)

    with pytest.raises(AccountInDoubt) as caught:
        journal.attempts.begin("acc", begun.id, an_intent("a2"), NOW_MS)

    assert caught.value.attempt_id == "a1"
    journal.attempts.finish("a1", AttemptState.UNKNOWN, NOW_MS, outcome={})
    with pytest.raises(AccountInDoubt):
        journal.attempts.begin("acc", begun.id, an_intent("a2"), NOW_MS)


def test_a_process_that_missed_an_attempt_cannot_begin_the_next(journal, begun):
    """A process for which attempt 1 comes next, while it came and went, is stopped: it missed what that paid."""
    journal.attempts.begin("acc", begun.id, an_intent("a1"), NOW_MS)
    journal.attempts.finish("a1", AttemptState.EXECUTED, NOW_MS, outcome={})

    with pytest.raises(AccountBusy, match="Another process"):
        journal.attempts.begin("acc", begun.id, an_intent("a2", number=1), NOW_MS)


def test_two_processes_cannot_both_begin(journal, begun, tmp_path):
    """Even without the lock, of two journals on one file only one INTENT gets through."""
    results = []

    def begin(name):
        with Journal(tmp_path / "repay.db") as mine:
            try:
                mine.attempts.begin("acc", begun.id, an_intent(name), NOW_MS)
                results.append("begun")
            except AccountInDoubt:
                results.append("refused")

    threads = [threading.Thread(target=begin, args=(f"a{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == ["begun", "refused", "refused", "refused"]


def test_another_account_is_not_held_up(journal, begun):
    """One account in doubt does not stop another one that shares the file."""
    other = journal.plans.add("other", a_plan(), NOW_MS)
    journal.attempts.begin("acc", begun.id, an_intent("a1"), NOW_MS)

    journal.attempts.begin("other", other.id, an_intent("a2"), NOW_MS)

    assert len(journal.attempts.open_of("other")) == 1


ATTEMPT_PAIRS = [(old, new) for old in AttemptState for new in AttemptState]


@pytest.mark.parametrize(("old", "new"), ATTEMPT_PAIRS, ids=lambda state: state.value)
def test_attempts_move_only_as_the_diagram_says(journal, begun, old, new):
    """Every pair of states is tried against the database; only the arrows of the diagram pass."""
    reach(journal, begun, old)
    with raw(journal) as db:
        evidence = "INSERT INTO evidence (attempt_id, taken_at_ms, verdict, body) VALUES ('a1', 1, ?, '{}')"
        if new in (AttemptState.PROVEN_EXECUTED, AttemptState.PROVEN_NOT_EXECUTED):
            db.execute(evidence, (new.value,))
        if (old, new) == (AttemptState.REJECTED, AttemptState.UNKNOWN):
            with pytest.raises(sqlite3.IntegrityError, match="stored evidence"):
                db.execute("UPDATE attempts SET state = 'UNKNOWN' WHERE id = 'a1'")
            db.execute(evidence, ("UNDECIDED",))
        if new in ATTEMPT_MOVES[old]:
            db.execute("UPDATE attempts SET state = ? WHERE id = 'a1'", (new.value,))
        else:
            with pytest.raises(sqlite3.IntegrityError):
                db.execute("UPDATE attempts SET state = ? WHERE id = 'a1'", (new.value,))
    db.close()


def reach(journal, begun, state):
    """Bring attempt a1 into a state along the arrows."""
    journal.attempts.begin("acc", begun.id, an_intent("a1"), NOW_MS)
    if state is AttemptState.INTENT:
        return
    if state in ATTEMPT_MOVES[AttemptState.INTENT]:
        journal.attempts.finish("a1", state, NOW_MS, outcome={})
        return
    journal.attempts.finish("a1", AttemptState.UNKNOWN, NOW_MS, outcome={})
    journal.evidence.prove("a1", state.value, NOW_MS, body={})


@pytest.mark.parametrize("old", PlanState, ids=lambda state: state.value)
@pytest.mark.parametrize("new", PlanState, ids=lambda state: state.value)
def test_plans_move_only_as_the_diagram_says(journal, old, new):
    """A plan that is done stays done; one that was not begun cannot end."""
    record = journal.plans.add("acc", a_plan(), NOW_MS)
    for step in {PlanState.PLANNED: [], PlanState.RUNNING: [PlanState.RUNNING]}.get(
        old, [PlanState.RUNNING, old]
    ):
        journal.plans.move(record.id, step, NOW_MS)

    if old is PlanState.DONE and new is PlanState.RUNNING:
        with pytest.raises(JournalUnusable, match="no attempt was corrected"):
            journal.plans.move(record.id, new, NOW_MS)
        journal.attempts.begin("acc", record.id, an_intent("a1"), NOW_MS)
        journal.attempts.finish("a1", AttemptState.EXECUTED, NOW_MS, outcome={})
        journal.corrections.add("a1", NOW_MS, executed=False, moved=Decimal(0), note="seen")
    if new in PLAN_MOVES[old]:
        journal.plans.move(record.id, new, NOW_MS)
    else:
        with pytest.raises(JournalUnusable, match="cannot move that way"):
            journal.plans.move(record.id, new, NOW_MS)


def test_nothing_is_proven_without_stored_evidence(journal, begun):
    """The database refuses PROVEN_EXECUTED for an attempt that has no evidence row saying so."""
    reach(journal, begun, AttemptState.UNKNOWN)

    with raw(journal) as db, pytest.raises(sqlite3.IntegrityError, match="evidence"):
        db.execute("UPDATE attempts SET state = 'PROVEN_EXECUTED' WHERE id = 'a1'")
    db.close()


def test_undecided_evidence_is_kept_and_changes_no_state(journal, begun):
    """What did not decide is stored too; the attempt stays UNKNOWN."""
    reach(journal, begun, AttemptState.UNKNOWN)

    journal.evidence.prove("a1", "UNDECIDED", NOW_MS, body={"seen": "something"})

    assert journal.attempts.find("a1").state is AttemptState.UNKNOWN
    assert [row.verdict for row in journal.evidence.of("a1")] == ["UNDECIDED"]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM attempts",
        "DELETE FROM plans",
        "DELETE FROM evidence",
        "UPDATE evidence SET verdict = 'UNDECIDED'",
        "UPDATE attempts SET amount = '9'",
        "UPDATE attempts SET before = '{}'",
        "UPDATE attempts SET asset = 'ETH'",
        "UPDATE attempts SET signed_at_ms = 0",
        "UPDATE attempts SET signed_at_ms = signed_at_ms + 1",
        "UPDATE plans SET plan = '{}'",
        "UPDATE plans SET key = 'other'",
        "INSERT INTO attempts SELECT 'a2', plan_id, account, 2, asset, amount, expected, pay_with, before,"
        " signed_at_ms, recv_window_ms, 'EXECUTED', outcome, repaid, opened_at_ms, closed_at_ms"
        " FROM attempts",
    ],
)
def test_history_cannot_be_rewritten(journal, begun, statement):
    """No program can delete or alter what was written, or enter an attempt that never was an INTENT."""
    reach(journal, begun, AttemptState.PROVEN_NOT_EXECUTED)

    with raw(journal) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)
    db.close()


def test_a_new_signature_moves_the_time_forward(journal, begun):
    """A request that was signed again is remembered by its latest timestamp."""
    journal.attempts.begin("acc", begun.id, an_intent("a1"), NOW_MS)

    journal.attempts.sign_again("a1", NOW_MS + 700)

    assert journal.attempts.find("a1").intent.signed_at_ms == NOW_MS + 700


@pytest.mark.parametrize("state", [state for state in AttemptState if state is not AttemptState.INTENT])
def test_what_another_process_has_settled_is_not_signed_again(journal, begun, state):
    """A process whose INTENT was taken for an orphan while it stood still gets an error before anything leaves."""
    reach(journal, begun, state)

    with pytest.raises(JournalUnusable, match=f"a1 is {state.value} in the journal"):
        journal.attempts.sign_again("a1", NOW_MS + 9000)

    assert journal.attempts.find("a1").intent.signed_at_ms == NOW_MS


@pytest.mark.parametrize(
    "write",
    [
        lambda journal: journal.attempts.sign_again("nope", NOW_MS),
        lambda journal: journal.attempts.finish("nope", AttemptState.EXECUTED, NOW_MS, outcome={}),
        lambda journal: journal.evidence.prove("nope", "PROVEN_EXECUTED", NOW_MS, body={}),
        lambda journal: journal.evidence.contradict_refusal("nope", NOW_MS, {}),
        lambda journal: journal.corrections.add("nope", NOW_MS, executed=True, moved=Decimal(1), note="seen"),
        lambda journal: journal.plans.move(99, PlanState.RUNNING, NOW_MS),
    ],
)
def test_a_write_that_changes_no_row_is_an_error(journal, begun, write):
    """Writing about what the journal does not know is an error; nothing is taken for written."""
    with pytest.raises(JournalUnusable, match="has no"):
        write(journal)


def test_orphans_become_unknown(journal, begun):
    """An INTENT that its process left behind may have happened, and is reported so."""
    journal.attempts.begin("acc", begun.id, an_intent("a1"), NOW_MS)

    assert journal.attempts.mark_orphans("acc", NOW_MS) == ["a1"]
    assert journal.attempts.find("a1").state is AttemptState.UNKNOWN
    assert journal.attempts.find("a1").outcome["kind"] == "orphaned"
    assert journal.attempts.mark_orphans("acc", NOW_MS) == []


# The file itself


OLD = sorted((Path(__file__).parent / "released").glob("version-*.sql"), key=lambda path: path.name)


@pytest.mark.parametrize("stored", OLD, ids=lambda path: path.stem)
def test_a_stored_journal_is_brought_forward(tmp_path, stored):
    """A file as an earlier program wrote it keeps its rows, its open attempt and its rules."""
    path = tmp_path / "repay.db"
    old = sqlite3.connect(path)
    old.executescript(stored.read_text(encoding="utf-8"))
    old.close()

    with Journal(path) as journal:
        assert journal.health()["schema_version"] == SCHEMA_VERSION
        assert journal.health()["integrity"] == "ok"
        (plan,) = journal.plans.newest_first("acc")
        states = [(attempt.id, attempt.state) for attempt in journal.attempts.of_plan(plan.id)]
        assert states == [("a1", AttemptState.EXECUTED), ("a2", AttemptState.UNKNOWN)]
        with pytest.raises(AccountInDoubt):
            journal.attempts.begin("acc", plan.id, an_intent("a3", number=3), NOW_MS)
        with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
            journal.file._db.execute("DELETE FROM attempts")
        journal.evidence.prove("a2", "PROVEN_EXECUTED", NOW_MS, body={"seen": 1}, repaid=Decimal(1))
        journal.attempts.begin("acc", plan.id, an_intent("a3", number=3), NOW_MS)
        journal.attempts.finish("a3", AttemptState.EXECUTED, NOW_MS, outcome={})
        journal.debts.add("acc", "BNB", LOOK)
        assert journal.debts.over_time("acc", "BNB")[-1] == (NOW_MS - 10, Decimal("1.5"), Decimal("0.001"))


def test_every_version_of_the_schema_has_a_stored_journal():
    """A new version comes with a file of the one before: that is what users have."""
    assert [path.stem for path in OLD] == [f"version-{number + 1}" for number in range(len(MIGRATIONS))]


def test_a_newer_version_is_refused_and_left_alone(tmp_path):
    """An older program does not touch a journal that it cannot understand."""
    path = tmp_path / "repay.db"
    Journal(path).close()
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()

    with pytest.raises(JournalUnusable, match="newer version"):
        Journal(path)

    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused(tmp_path):
    """A mistyped path never adds our tables to another program's file."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()

    with pytest.raises(JournalUnusable, match="another program"):
        Journal(path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    """Garbage is an error that names the file."""
    path = tmp_path / "repay.db"
    path.write_bytes(b"not a database at all, but long enough to be mistaken for one" * 20)

    with pytest.raises(JournalUnusable, match=r"repay\.db"):
        Journal(path)


def test_a_damaged_file_is_refused_before_anything_is_sent(journal, begun):
    """A page of garbage is an error that names the file, from whichever call meets it."""
    path = journal.path
    for number in range(1, 60):
        journal.attempts.begin("acc", begun.id, an_intent(f"a{number}", number=number), NOW_MS)
        journal.attempts.finish(f"a{number}", AttemptState.NOT_SENT, NOW_MS, outcome={})
    journal.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))

    with pytest.raises(JournalUnusable, match=r"repay\.db"), Journal(path) as opened:
        opened.attempts.begin("acc", begun.id, an_intent("b1", number=60), NOW_MS)


def test_a_place_that_cannot_hold_a_file_is_refused(tmp_path):
    """A folder, a folder below a file, and a file system that takes no files are errors that name the path."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "repay.db", Path("/proc/repay.db")):
        with pytest.raises(JournalUnusable, match=re.escape(str(path))):
            Journal(path)


def test_a_journal_that_another_program_holds_is_refused(journal, begun):
    """A writer that does not let go is waited for, and then named as the reason; nothing may be sent."""
    journal.file._db.execute("PRAGMA busy_timeout = 50")
    with sqlite3.connect(journal.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalUnusable, match="locked"):
            journal.attempts.begin("acc", begun.id, an_intent(), NOW_MS)
        other.execute("ROLLBACK")
    other.close()
    journal.attempts.begin("acc", begun.id, an_intent(), NOW_MS)


def test_a_full_disk_refuses_the_intent(journal, begun):
    """When INTENT cannot be written, the caller gets an error before anything is sent; nothing is half-written."""
    journal.file._db.execute(
        f"PRAGMA max_page_count = {journal.file._db.execute('PRAGMA page_count').fetchone()[0]}"
    )

    def fill():
        for number in range(10_000):
            journal.attempts.begin("acc", begun.id, an_intent(f"a{number}", number=number), NOW_MS)
            journal.attempts.finish(f"a{number}", AttemptState.NOT_SENT, NOW_MS, outcome={})

    with pytest.raises(JournalUnusable, match="full"):
        fill()

    journal.file._db.execute("PRAGMA max_page_count = 1073741823")
    assert journal.health()["integrity"] == "ok"
    assert not [
        record for record in journal.attempts.of_plan(begun.id) if record.state is not AttemptState.NOT_SENT
    ][1:]


def test_the_debt_over_time_is_kept(journal, begun):
    """Every look that an attempt carries is a point of the chart; a look used twice is one point."""
    journal.attempts.begin("acc", begun.id, an_intent("a1"), NOW_MS)
    journal.attempts.finish("a1", AttemptState.REJECTED, NOW_MS, outcome={})
    journal.attempts.begin("acc", begun.id, an_intent("a2", number=2), NOW_MS, fresh_snapshot=False)

    assert journal.debts.over_time("acc", "BNB") == [(NOW_MS - 10, Decimal("1.5"), Decimal("0.001"))]
