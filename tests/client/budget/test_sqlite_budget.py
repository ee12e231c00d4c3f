"""The shared ledger decides as the one in memory does, and fails loudly."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paydown.budget import (
    Budget,
    BudgetUnavailable,
    Limit,
    MemoryBudget,
    Priority,
    Reservation,
    Rules,
    SqliteBudget,
    Wait,
    Weight,
)
from paydown.errors import RequestNotSent
from paydown.state_directory import state_directory

WEIGHT = Limit("ip-weight", 6_000, 60_000)
ORDERS = Limit("orders", 1_200, 60_000)
REPAY = (Weight(WEIGHT, 3_000),)
SCOPE = "https://papi.test"
TIMEOUT_MS = 13_000


class Ticks:
    """Milliseconds that a test moves by hand."""

    def __init__(self, now_ms: int = 1_000_000) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def make(tmp_path, ticks):
    """Make budgets on one file, as many as a test wants, and close them."""
    made: list[SqliteBudget] = []

    def budget(scope: str = SCOPE, **more) -> SqliteBudget:
        more.setdefault("ticks", ticks)
        more.setdefault("wall", ticks)
        more.setdefault("boot", "boot-1")
        made.append(SqliteBudget(scope, tmp_path / "state" / "budget.sqlite3", **more))
        return made[-1]

    yield budget
    for each in made:
        each.close()


def repay(budget: Budget, **more) -> Reservation | Wait:
    return budget.acquire(REPAY, timeout_ms=TIMEOUT_MS, priority=Priority.WRITE, **more)


def granted(answer: Reservation | Wait) -> Reservation:
    assert isinstance(answer, Reservation), answer
    return answer


def log_pages(budget: SqliteBudget) -> int:
    """Pages that were written to the write-ahead log (https://sqlite.org/fileformat2.html#the_write_ahead_log)."""
    log = budget.path.with_name(f"{budget.path.name}-wal").read_bytes()
    page_size = int.from_bytes(log[8:12], "big")
    return (len(log) - 32) // (24 + page_size)


# ------------------------------------------------------------------------------------- one ledger


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_three_processes_with_one_file_decide_as_one_ledger_in_memory(tmp_path_factory, seed):
    """Whatever calls three users of one file make in turn, each answer is the one that memory gives."""
    rng = random.Random(seed)
    ticks = Ticks()
    rules = Rules(read_reserve={"ip-weight": 1_000})
    path = tmp_path_factory.mktemp("ledger") / "budget.sqlite3"
    one = MemoryBudget(rules, ticks=ticks)
    many = [SqliteBudget(SCOPE, path, rules=rules, ticks=ticks, wall=ticks, boot="b") for _ in range(3)]
    flying: list[tuple[Reservation, Reservation]] = []
    places: list[int] = []
    for _ in range(80):
        ticks.now_ms += rng.choice([0, 7, 900, 9_000])
        shared = rng.choice(many)
        what = rng.random()
        if what < 0.6 or not flying:
            weights = [Weight(WEIGHT, rng.choice([1, 20, 3_000]))]
            if rng.random() < 0.3:
                weights.append(Weight(ORDERS, rng.choice([0, 1, 500]), key=rng.choice(["a", "b"])))
            options = {
                "timeout_ms": TIMEOUT_MS,
                "priority": rng.choice(list(Priority)),
                "max_wait_ms": rng.choice([None, 0, 30_000]),
                "place": rng.choice([*places, None]),
            }
            expected = one.acquire(weights, **options)
            answer = shared.acquire(weights, **options)
            if isinstance(expected, Wait):
                assert answer == expected
                places = [place for place in [*places, expected.place] if place][-3:]
            else:
                assert isinstance(answer, Reservation)
                assert (answer.id, answer.marks) == (expected.id, expected.marks)
                flying.append((expected, answer))
        elif what < 0.95:
            expected, answer = flying.pop(rng.randrange(len(flying)))
            ended = rng.choice(["answered", "lost", "not-sent"])
            used = rng.choice([None, {"ip-weight": rng.randint(0, 6_000)}, {"orders": 3}])
            one.release(expected, ended=ended, used=used)
            shared.release(answer, ended=ended, used=used)
        else:
            one.close_gate(5_000, "rate-limited")
            shared.close_gate(5_000, "rate-limited")
        assert rng.choice(many).snapshot() == one.snapshot()
    for each in many:
        each.close()


def test_two_processes_cannot_both_take_the_last_room(make):
    """What one holds, the other does not get."""
    first, second = make(), make()
    granted(repay(first))
    granted(repay(second))

    assert isinstance(repay(first, max_wait_ms=0), Wait)
    assert isinstance(repay(second, max_wait_ms=0), Wait)


def test_addresses_do_not_share_a_ledger(make):
    """What a sandbox counts is not what the exchange counts."""
    granted(repay(make()))
    granted(repay(make()))

    granted(repay(make(scope="http://127.0.0.1:8087")))


def test_a_ban_stops_every_process_and_the_next_one_too(make):
    """418 in one process closes the gate for all, and for programs that start later."""
    first, second = make(), make()
    first.close_gate(120_000, "banned")

    for budget in (first, second, make()):
        answer = repay(budget, max_wait_ms=0)
        assert isinstance(answer, Wait)
        assert (answer.reason, answer.wait_ms) == ("banned", 120_000)


def test_room_that_a_dead_process_held_comes_back(make, ticks):
    """A process that was killed between taking and settling blocks its room for a bounded time."""
    dead = make()
    granted(repay(dead))
    granted(repay(dead))
    dead.close()
    rules = Rules()

    ticks.now_ms += rules.send_within_ms + TIMEOUT_MS + rules.lost_ms + rules.guard_ms + 60_000

    granted(repay(make()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX systems fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the test runner may have threads
def test_a_child_made_by_fork_shares_the_ledger(make):
    """A client that was used before a fork goes on in parent and child, in one ledger, whoever closes first."""
    budget = make()
    granted(repay(budget))
    from_parent, from_child = os.pipe(), os.pipe()

    child = os.fork()
    if child == 0:
        status = 9
        try:
            budget.snapshot()
            os.write(from_child[1], b"open")
            os.read(from_parent[0], 1)
            status = 3 if isinstance(repay(budget, max_wait_ms=0), Reservation) else 0
        finally:
            os._exit(status)
    os.read(from_child[0], 4)
    budget.close()
    granted(repay(make()))
    os.write(from_parent[1], b"x")

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    for end in (*from_parent, *from_child):
        os.close(end)


# ------------------------------------------------------------------------------------- restarts


@pytest.mark.parametrize("now_ms", [5_000, 1_030_000, 90_000_000])
def test_after_a_restart_of_the_machine_entries_are_held_in_full_again(make, ticks, now_ms):
    """Nobody knows how long the restart took, so what was held 10 s ago is held for its whole rest."""
    before = make()
    before.release(granted(repay(before)))
    before.release(granted(repay(before)))
    ticks.now_ms += 10_000
    before.release(granted(before.acquire((Weight(ORDERS, 1),), timeout_ms=1)))
    before.close()

    ticks.now_ms = now_ms  # the oscillator began again
    answer = repay(make(boot="boot-2"), max_wait_ms=0)

    assert isinstance(answer, Wait)
    assert answer.wait_ms == 51_000


def test_a_system_without_boot_names_notices_a_restart_by_its_ticks(make, ticks):
    """Ticks that lie behind those in the file mean that the machine restarted."""
    before = make(boot="")
    before.release(granted(repay(before)))
    before.release(granted(repay(before)))
    before.close()

    ticks.now_ms = 4_000
    answer = repay(make(boot=""), max_wait_ms=0)

    assert isinstance(answer, Wait)
    assert answer.wait_ms == 61_000


def test_a_ban_goes_on_by_the_wall_clock_after_a_restart(make, ticks):
    """A ban of hours is not begun anew by a restart, and not ended by it."""
    wall = Ticks(1_700_000_000_000)
    before = make(wall=wall)
    before.close_gate(7_200_000, "banned")
    before.close()

    ticks.now_ms = 20_000
    wall.now_ms += 3_600_000
    answer = repay(make(boot="boot-2", wall=wall), max_wait_ms=0)

    assert isinstance(answer, Wait)
    assert (answer.reason, answer.wait_ms) == ("banned", 3_600_000)


# ------------------------------------------------------------------------------------- the file


def test_the_file_and_its_directory_are_for_their_owner_alone(monkeypatch, tmp_path, ticks):
    """The default ledger lies in the state directory; database, log and shared memory are private."""
    for variable in ("HOME", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    budget = SqliteBudget(SCOPE, ticks=ticks)
    granted(repay(budget))

    files = sorted(state_directory().iterdir())
    modes = {stat.S_IMODE(file.stat().st_mode) for file in files}
    budget.close()

    assert budget.path == state_directory() / "budget.sqlite3"
    assert [file.name for file in files] == ["budget.sqlite3", "budget.sqlite3-shm", "budget.sqlite3-wal"]
    assert modes == {0o600}
    assert stat.S_IMODE(state_directory().stat().st_mode) == 0o700


def test_a_directory_that_somebody_chose_keeps_its_permissions(tmp_path, ticks):
    """Only paydown's own directory is closed to others."""
    tmp_path.chmod(0o755)
    budget = SqliteBudget(SCOPE, tmp_path / "b.sqlite3", ticks=ticks)
    granted(repay(budget))
    budget.close()

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def break_garbage(path):
    path.write_bytes(b"this was never a database, but it is long enough to look like one" * 100)


def break_table(path):
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE ledger")
    database.close()


def break_version(path):
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


def break_row(path):
    with sqlite3.connect(path) as database:
        database.execute("UPDATE ledger SET state = x'0102030405060708'")
    database.close()


def break_half_row(path):
    with sqlite3.connect(path) as database:
        database.execute("UPDATE ledger SET state = substr(state, 1, length(state) - 8)")
    database.close()


def break_type(path):
    with sqlite3.connect(path) as database:
        database.execute("UPDATE ledger SET state = 7, names = 8")
    database.close()


def break_directory(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (break_garbage, "damaged"),
        (break_table, "no such table"),
        (break_version, "another version"),
        (break_row, "damaged"),
        (break_half_row, "damaged"),
        (break_type, "damaged"),
        (break_directory, "is a folder"),
    ],
)
def test_a_file_that_cannot_be_trusted_stops_the_call(make, damage, says):
    """A damaged ledger is an error that names the file; it is never taken for an empty one."""
    healthy = make()
    granted(repay(healthy))
    path = healthy.path
    healthy.close()
    damage(path)

    with pytest.raises(BudgetUnavailable, match=says) as caught:
        repay(make())

    assert isinstance(caught.value, RequestNotSent)
    assert str(path) in str(caught.value)


def test_a_stopped_process_that_holds_the_file_stops_the_call(make):
    """Behind a lock that is not released, a call fails after the busy timeout, and works once it is."""
    budget = make(busy_timeout_ms=20)
    granted(repay(budget))
    other = sqlite3.connect(budget.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(BudgetUnavailable, match="another process holds it"):
        repay(budget)

    other.execute("ROLLBACK")
    other.close()
    granted(repay(budget))


def test_what_could_not_be_written_is_written_before_the_next_ticket(make, ticks):
    """Settling never fails the call that was answered; the ledger catches up before it grants again."""
    budget = make(busy_timeout_ms=20)
    reservation = granted(repay(budget))
    other = sqlite3.connect(budget.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    budget.release(reservation, used={"ip-weight": 6_000})
    budget.close_gate(90_000, "rate-limited")
    other.execute("ROLLBACK")
    other.close()

    answer = repay(budget, max_wait_ms=0)

    assert isinstance(answer, Wait)
    assert (answer.reason, answer.wait_ms) == ("rate-limited", 90_000)
    snapshot = make().snapshot()
    assert (snapshot.windows[0].used, snapshot.windows[0].in_flight) == (6_000, 0)


def test_a_ticket_costs_two_pages_of_the_log(make, ticks):
    """With forty calls in flight, too, the ledger is written in one piece: one page to take room, one to release."""
    poll = (Weight(WEIGHT, 20),)
    budget = make()
    for _ in range(40):
        granted(budget.acquire(poll, timeout_ms=TIMEOUT_MS))
    before = log_pages(budget)

    for _ in range(20):
        ticks.now_ms += 10
        budget.release(granted(budget.acquire(poll, timeout_ms=TIMEOUT_MS)))

    assert log_pages(budget) - before == 40


def test_a_file_whose_table_is_stored_the_former_way_is_used_as_it_is(make):
    """What an earlier version wrote is neither refused nor forgotten."""
    first = make()
    granted(repay(first))
    path = first.path
    first.close()
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE former (scope TEXT PRIMARY KEY, version INTEGER NOT NULL, boot TEXT NOT NULL,"
            " tick INTEGER NOT NULL, wall INTEGER NOT NULL, names TEXT NOT NULL, state BLOB NOT NULL) WITHOUT ROWID"
        )
        database.execute("INSERT INTO former SELECT * FROM ledger")
        database.execute("DROP TABLE ledger")
        database.execute("ALTER TABLE former RENAME TO ledger")
    database.close()

    granted(repay(make()))

    assert isinstance(repay(make(), max_wait_ms=0), Wait)


def test_a_file_that_was_deleted_is_made_again_from_memory(make, ticks):
    """Removing the file under a running program does not give it a second minute's worth."""
    budget = make()
    granted(repay(budget))
    granted(repay(budget))
    for file in budget.path.parent.iterdir():
        file.unlink()

    ticks.now_ms += 1_000
    assert isinstance(repay(budget, max_wait_ms=0), Wait)

    assert budget.path.exists()
    assert isinstance(repay(make(), max_wait_ms=0), Wait)


def test_a_file_that_another_process_made_again_holds_what_the_others_remember(make, ticks, caplog):
    """
    A process that starts right after the file was deleted knows nothing. The others bring along what they know,
    and say so in the log: it never happens silently.
    """
    old = make()
    granted(repay(old))
    granted(repay(old))
    for file in old.path.parent.iterdir():
        file.unlink()
    new = make()
    granted(repay(new))

    ticks.now_ms += 1_000
    assert isinstance(repay(old, max_wait_ms=0), Wait)
    assert isinstance(repay(new, max_wait_ms=0), Wait)

    assert "removed or replaced" in caplog.text
    ticks.now_ms += 120_000
    granted(repay(old))
    granted(repay(new))
    assert isinstance(repay(new, max_wait_ms=0), Wait)


@pytest.mark.parametrize(("old_ms", "new_ms"), [(300_000, 0), (300_000, 5_000), (5_000, 300_000)])
def test_a_ban_outlives_the_file_that_held_it(make, ticks, old_ms, new_ms):
    """The file is deleted, and another process makes it again before the one that knows of the ban: the longer one
    of two holds for both."""
    old = make()
    old.close_gate(old_ms, "banned")
    for file in old.path.parent.iterdir():
        file.unlink()
    new = make()
    if new_ms:
        new.close_gate(new_ms, "rate-limited")
    else:
        granted(repay(new))

    ticks.now_ms += 1_000
    for budget in (old, new):
        left = budget.snapshot()
        assert left.gate_wait_ms == max(old_ms, new_ms) - 1_000
        assert left.gate_reason == ("banned" if old_ms > new_ms else "rate-limited")


def test_a_write_ahead_log_that_was_deleted_is_noticed(make, ticks, caplog):
    """The newest entries are in it, not in the file itself."""
    budget = make()
    granted(repay(budget))
    granted(repay(budget))
    ticks.now_ms += 1_000
    assert isinstance(repay(budget, max_wait_ms=0), Wait)
    for suffix in ("-wal", "-shm"):
        budget.path.with_name(budget.path.name + suffix).unlink()

    ticks.now_ms += 1_000
    assert isinstance(repay(budget, max_wait_ms=0), Wait)

    assert "removed or replaced" in caplog.text
    assert isinstance(repay(make(), max_wait_ms=0), Wait)


def test_a_repayment_is_not_kept_waiting_by_the_polls_of_other_processes(make, ticks):
    """
    Three processes poll without a pause while a fourth waits for the other half of its minute: it goes when it was
    promised, give or take the grace of the rules, and the polls go on meanwhile.
    """
    payer, *pollers = (make() for _ in range(4))
    poll = (Weight(WEIGHT, 20),)
    payer.release(granted(repay(payer)))
    for poller in pollers:
        poller.release(granted(poller.acquire(poll, timeout_ms=TIMEOUT_MS)))
    waiting = repay(payer)
    assert isinstance(waiting, Wait)
    promised = ticks.now_ms + waiting.wait_ms
    polls = 0
    while isinstance(waiting, Wait):
        for poller in pollers:
            answer = poller.acquire(poll, timeout_ms=TIMEOUT_MS, max_wait_ms=0)
            if isinstance(answer, Reservation):
                poller.release(answer)
                polls += 1
        ticks.now_ms += min(200, waiting.recheck_ms)
        waiting = payer.acquire(REPAY, timeout_ms=TIMEOUT_MS, priority=Priority.WRITE, place=waiting.place)

    assert ticks.now_ms <= promised + payer.rules.read_may_delay_ms + 1_000
    assert polls > 50


def test_a_full_disk_stops_the_call(tmp_path):
    """When nothing can be written any more, nothing is sent any more."""
    script = """
import resource, signal, sys
from paydown.budget import *
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
weights = (Weight(Limit("ip-weight", 6000, 60000), 1),)
budget = SqliteBudget("s", sys.argv[1])
budget.acquire(weights, timeout_ms=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    for _ in range(1000):
        budget.acquire(weights, timeout_ms=1)
except BudgetUnavailable as error:
    print(error)
"""
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "b.sqlite3")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "cannot be used" in run.stdout, run.stderr


def test_old_rows_are_forgotten_and_rows_in_use_are_not(make, ticks):
    """Sandboxes on random ports leave no rows for ever; a wall clock that jumps deletes nothing in use."""
    make(scope="http://127.0.0.1:1", boot="boot-0").snapshot()
    make(scope="http://127.0.0.1:2").snapshot()
    ticks.now_ms += 8 * 86_400_000
    make(scope="http://127.0.0.1:3").snapshot()

    make(scope="http://127.0.0.1:4", wall=lambda: ticks.now_ms + 10**12).snapshot()

    database = sqlite3.connect(make().path)
    scopes = [row[0] for row in database.execute("SELECT scope FROM ledger ORDER BY scope")]
    database.close()
    assert scopes == ["http://127.0.0.1:3", "http://127.0.0.1:4"]


def test_a_home_without_a_directory_is_said_plainly(monkeypatch, ticks):
    """Without any place for state the error says what to set."""
    for variable in ("HOME", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, "/dev/null")

    with pytest.raises(BudgetUnavailable, match="cannot be opened"):
        repay(SqliteBudget(SCOPE, ticks=ticks))


def test_the_database_library_is_loaded_on_demand():
    """A program that keeps its budget in memory never loads sqlite3."""
    script = (
        "import sys; import paydown.budget as b; b.MemoryBudget(); assert 'sqlite3' not in sys.modules;"
        "b.SqliteBudget; assert 'sqlite3' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_shared_budget_keeps_the_protocol(make):
    """What a client needs is what `Budget` names."""
    assert isinstance(make(), Budget)
