"""An account is its base URL and name: a rotated key or a mistyped name hides no doubt."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from paydown import InvalidRequest
from paydown.errors import UnknownAttempt
from paydown.repay import AccountBusy, AccountInDoubt, AccountUnconfirmed, Options
from paydown.repay.account.account_identity import lock_name
from paydown.repay.account.account_lock import AccountLock
from paydown.repay.account.account_memory import AccountMemory
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.schema import MIGRATIONS, statements
from paydown.repay.journal.states import AttemptState, PlanState
from tests.repay.journal.test_journal import NOW_MS, a_plan, an_intent
from tests.repay.world import API_KEY, BASE_URL, OTHER_KEY, attempts

THIRD_KEY = "M" * 64


def doubt(world, key=API_KEY, **settings):
    """Leave one repayment in doubt, in an orderly way. Returns its attempt."""
    world.fault("executed_then_503")
    with world.repayer(world.client(key=key), options=Options(reconcile_last=False), **settings) as repayer:
        assert repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"], key="k")).exit_code == 5
        return attempts(repayer)[0]


def used(world, key=API_KEY, **settings):
    """Use a key once, with nothing in doubt afterwards."""
    with world.repayer(world.client(key=key), **settings) as repayer:
        repayer.plan("BNB", "1", pay_with=["USDT"])


CALLS = {
    "plan": lambda repayer: repayer.plan("BNB", "1", pay_with=["USDT"], key="other"),
    "resume": lambda repayer: repayer.resume(),
    "reconcile": lambda repayer: repayer.reconcile(),
    "settle": lambda repayer: repayer.settle("a1", executed=True, note="seen"),
    "correct": lambda repayer: repayer.correct("a1", executed=True, note="seen"),
    "adopt": lambda repayer: repayer.adopt(note="seen"),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_new_key_of_the_default_account_is_asked_about(world, call):
    """A rotated key may be another account: nothing is sent before a person has confirmed which it is."""
    doubt(world)

    with world.repayer(world.client(key=OTHER_KEY)) as repayer:
        assert repayer.account_question.reason == "new-key"
        with pytest.raises(AccountUnconfirmed, match="--same-account") as caught:
            CALLS[call](repayer)

    assert (caught.value.reason, caught.value.exit_code) == ("new-key", 3)
    assert world.sent == 1


def test_a_plan_of_another_process_does_not_run_under_a_new_key(world):
    """`run` asks as well: the plan may come from a process that had the other key."""
    with world.repayer() as repayer:
        plan = repayer.plan("BNB", "1", pay_with=["USDT"])
    with world.repayer(world.client(key=OTHER_KEY)) as repayer, pytest.raises(AccountUnconfirmed):
        repayer.run(plan)

    assert world.sent == 0


def test_a_rotated_key_inherits_doubt_and_plan_keys(world):
    """Once a person has confirmed that it is the same account, it is: for good, and without being asked again."""
    attempt = doubt(world)

    with world.repayer(world.client(key=OTHER_KEY), same_account=True) as repayer:
        assert repayer.account_question is None
        assert repayer.in_doubt == [attempt]
    with world.repayer(world.client(key=OTHER_KEY)) as repayer:
        (report,) = repayer.resume()
        again = repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"], key="k"))

    assert (report.state, again) == (PlanState.DONE, report)
    assert world.sent == 1


def test_the_first_key_is_simply_remembered(world):
    """There is nothing to ask about."""
    with world.repayer() as repayer:
        assert repayer.account_question is None


def test_a_new_key_is_asked_about_whatever_journal_it_brings(world):
    """The keys of an account are remembered next to its lock, too."""
    with world.repayer() as repayer:
        repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"]))

    with world.repayer(world.client(key=OTHER_KEY), journal="other.db") as repayer:
        assert repayer.account_question.reason == "new-key"


def test_a_second_key_of_a_named_account_is_welcome(world):
    """The name is the identity: its doubts are inherited without a question."""
    attempt = doubt(world, account="desk")

    with world.repayer(world.client(key=OTHER_KEY), account="desk") as repayer:
        assert repayer.account_question is None
        assert repayer.in_doubt == [attempt]
        assert repayer.resume()[0].state is PlanState.DONE
    assert world.sent == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [("desk", "dsek"), ("desk", None), (None, "desk")],
    ids=["a mistyped name", "a forgotten name", "a name after none"],
)
@pytest.mark.parametrize("journal", ["repay.db", "other.db"])
def test_a_new_name_beside_a_doubt_is_asked_about(world, first, second, journal):
    """Another key and another name may still be the same account; `same_account` is no answer to that."""
    doubt(world, account=first)
    client = world.client(key=OTHER_KEY)

    for same_account in (False, True):
        with world.repayer(client, journal=journal, account=second, same_account=same_account) as repayer:
            with pytest.raises(AccountUnconfirmed, match="--new-account") as caught:
                repayer.plan("BNB", "1", pay_with=["USDT"])
            assert caught.value.reason == "new-name"
    with world.repayer(client, journal=journal, account=second, new_account=True) as repayer:
        repayer.plan("BNB", "1", pay_with=["USDT"])
    with world.repayer(client, journal=journal, account=second) as repayer:
        assert repayer.account_question is None


def test_a_new_name_with_nothing_in_doubt_is_no_question(world):
    """Several accounts side by side are ordinary."""
    used(world, account="desk")

    with world.repayer(world.client(key=OTHER_KEY), account="other") as repayer:
        assert repayer.account_question is None


def test_another_exchange_is_another_matter(world):
    """A doubt at one address means nothing about an account at another one."""
    doubt(world, account="desk")
    client = world.client(key=OTHER_KEY, base_url="http://elsewhere")

    with world.repayer(client, account="other") as repayer:
        assert repayer.account_question is None


@pytest.mark.parametrize("journal", ["repay.db", "other.db"])
@pytest.mark.parametrize(("first", "second"), [("desk", "other"), ("desk", None), (None, "desk")])
def test_one_key_has_one_name(world, first, second, journal):
    """Two names for one key would hide a doubt from each other: refused, with any answer."""
    doubt(world, account=first)

    with (
        world.repayer(journal=journal, account=second, same_account=True, new_account=True) as repayer,
        pytest.raises(AccountUnconfirmed, match="paydown accounts rename") as caught,
    ):
        repayer.plan("BNB", "1", pay_with=["USDT"])

    assert caught.value.reason == "key-of-another-account"
    assert world.sent == 1


def test_a_refused_key_leaves_no_trace(world):
    """Asking twice is asking twice."""
    doubt(world)
    with world.repayer() as repayer:
        before = repayer.journal.file._db.execute("SELECT * FROM accounts").fetchall()

    for _ in range(2):
        with world.repayer(world.client(key=OTHER_KEY)) as repayer:
            assert repayer.account_question is not None
            assert repayer.journal.file._db.execute("SELECT * FROM accounts").fetchall() == before


@pytest.mark.parametrize("name", ["", " ", "a ", "a\nb"])
def test_a_name_that_is_no_name_is_refused(world, name):
    """An unset variable is not an account of its own."""
    with pytest.raises(InvalidRequest, match="name"):
        world.repayer(account=name)


def test_default_is_how_the_account_without_a_name_is_called(world):
    """The word can be written out, and means the same account."""
    with world.repayer() as one, world.repayer(account="default") as two:
        assert one.account == two.account
        assert one.hold.lock.path == two.hold.lock.path


# Renaming


@pytest.mark.parametrize("old", ["desk", "default"])
def test_a_renamed_account_keeps_its_doubt(world, old):
    """Plans, doubts and keys stay with it; the old name is free, and hides nothing."""
    attempt = doubt(world, account=None if old == "default" else old)

    with world.repayer(account=None if old == "default" else old) as repayer:
        repayer.rename_account(old, "fund")
        assert repayer.in_doubt == [attempt]

    with (
        world.repayer(account=None if old == "default" else old) as repayer,
        pytest.raises(AccountUnconfirmed),
    ):
        repayer.resume()
    with (
        world.repayer(world.client(key=OTHER_KEY), account=old) as repayer,
        pytest.raises(AccountUnconfirmed),
    ):
        repayer.resume()
    with world.repayer(account="fund") as repayer:
        assert repayer.account_question is None
        assert repayer.resume()[0].state is PlanState.DONE
    with world.repayer(world.client(key=OTHER_KEY), account=old) as repayer:
        assert repayer.history() == []
        assert repayer.account_question is None
    assert world.sent == 1


def test_what_is_remembered_moves_with_the_name(world):
    """A journal that forgot is refused under the new name as well."""
    doubt(world, account="desk")
    with world.repayer(account="desk") as repayer:
        repayer.rename_account("desk", "fund")

    with world.repayer(journal="other.db", account="fund") as repayer:
        plan = repayer.plan("BNB", "1", pay_with=["USDT"])
        with pytest.raises(AccountInDoubt, match="is remembered"):
            repayer.run(plan)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("nobody", "fund", "Nothing is known of account nobody"),
        ("desk", "other", "already"),
        ("desk", "desk", "no new name"),
        ("desk", "default", "no new name"),
        ("desk", "", "empty"),
        ("", "fund", "empty"),
    ],
)
def test_a_name_that_cannot_be_given_is_refused(world, old, new, error):
    """Two accounts never become one, and a typing error renames nothing."""
    doubt(world, account="desk")
    used(world, OTHER_KEY, account="other", new_account=True)

    with world.repayer(account="desk") as repayer:
        with pytest.raises(InvalidRequest, match=error):
            repayer.rename_account(old, new)
        assert len(repayer.in_doubt) == 1


def test_a_rename_that_was_cut_short_can_be_done_again(world):
    """It died when the memory had its new name and the journal had not: the second time finishes it."""
    doubt(world, account="desk")
    with world.repayer(account="desk") as repayer:
        shutil.copy(
            repayer.hold.memory.path,
            repayer.hold.memory.path.with_name(f"{lock_name(BASE_URL, 'fund')}.memory"),
        )
        repayer.rename_account("desk", "fund")
        assert len(repayer.in_doubt) == 1

    with world.repayer(account="fund") as repayer:
        assert repayer.account_question is None
        assert len(repayer.in_doubt) == 1


@pytest.mark.parametrize("held", ["", "fund", API_KEY], ids=["old name", "new name", "key"])
def test_an_account_is_not_renamed_while_a_process_repays_for_it(world, held):
    """Under the old name, the new one, or the key alone, as an older version does: nothing is renamed."""
    attempt = doubt(world)
    lock = AccountLock(world.folder / "locks", lock_name(BASE_URL, held))
    lock.acquire("elsewhere.db", NOW_MS)
    with world.repayer() as repayer:
        with pytest.raises(AccountBusy):
            repayer.rename_account("default", "fund")
        assert repayer.in_doubt == [attempt]
        lock.release(clean=True)
        repayer.rename_account("default", "fund")
        assert repayer.in_doubt == [attempt]


def test_a_name_that_another_key_has_used_since_is_taken(world):
    """A rename was cut short, and the new name went on with another key as well: the two do not become one."""
    doubt(world, account="desk")
    with world.repayer(account="desk") as repayer:
        here = repayer.hold.memory.read()
        fund = AccountMemory(world.folder / "locks", lock_name(BASE_URL, "fund"))
        fund.write(replace(here, name="fund").with_key(lock_name(BASE_URL, OTHER_KEY)))

        with pytest.raises(InvalidRequest, match="already"):
            repayer.rename_account("desk", "fund")

        assert len(repayer.in_doubt) == 1
        assert repayer.hold.memory.read() == here
        assert len(fund.read().keys) == 2


# Journals of older versions


def older_journal(path: Path, *, version: int, accounts: dict[str, AttemptState]) -> None:
    """A journal as an older version left it: per account, named by its key or name, a plan and an attempt."""
    salt = bytes(range(32))
    db = sqlite3.connect(path, isolation_level=None)
    for script in MIGRATIONS[:version]:
        for statement in statements(script):
            db.execute(statement)
    db.execute("INSERT INTO meta VALUES ('salt', ?)", (salt,))
    db.execute("PRAGMA application_id = 1887003758")
    db.execute(f"PRAGMA user_version = {version}")
    db.execute("PRAGMA journal_mode = WAL")
    for number, (key_or_name, state) in enumerate(accounts.items()):
        account = hmac.new(salt, f"{BASE_URL}\n{key_or_name}".encode(), hashlib.sha256).hexdigest()[:32]
        plan, intent = a_plan(key=f"old-{number}", amount=Decimal(1)), an_intent(f"a{number}", Decimal(1))
        snapshot = '{"look":' + json.dumps(intent.before.to_json()) + ',"since":[]}'
        db.execute(
            "INSERT INTO plans (id, account, key, fingerprint, plan, state, created_at_ms, changed_at_ms)"
            " VALUES (?, ?, ?, ?, ?, 'RUNNING', ?, ?)",
            (
                number,
                account,
                plan.key,
                plan.request.fingerprint,
                json.dumps(plan.to_json()),
                NOW_MS,
                NOW_MS,
            ),
        )
        db.execute(
            "INSERT INTO attempts (id, plan_id, account, number, asset, amount, expected, pay_with, before,"
            " signed_at_ms, recv_window_ms, state, opened_at_ms)"
            " VALUES (?, ?, ?, 1, 'BNB', '1', '1', '[\"USDT\"]', ?, ?, 5000, 'INTENT', ?)",
            (f"a{number}", number, account, snapshot, NOW_MS, NOW_MS),
        )
        if state is not AttemptState.INTENT:
            db.execute("UPDATE attempts SET state = ? WHERE id = ?", (state.value, f"a{number}"))
    db.close()


def test_what_was_seen_under_an_old_key_counts_for_the_account(world):
    """The last attempt, and the signs in its evidence, are the account's, whichever key left them."""
    older_journal(world.folder / "repay.db", version=2, accounts={API_KEY: AttemptState.UNKNOWN})
    with world.repayer() as repayer:
        body = {"verdict": {"signs": ["late"]}}
        repayer.journal.evidence.prove("a0", "UNDECIDED", NOW_MS, body=body)

        assert repayer.journal.evidence.signs(repayer.account) == {"late"}
        assert repayer.journal.attempts.last_sent(repayer.account).id == "a0"


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("state", [AttemptState.INTENT, AttemptState.UNKNOWN])
def test_rows_under_a_keys_hash_belong_to_the_default_account(world, version, state):
    """The doubt that an older version left under the key is the default account's: nothing else is begun."""
    older_journal(world.folder / "repay.db", version=version, accounts={API_KEY: state})

    with world.repayer() as repayer:
        assert [attempt.id for attempt in repayer.in_doubt] == ["a0"]
        assert repayer.account_question is None
        assert [entry.record.key for entry in repayer.history()] == ["old-0"]
        with pytest.raises(UnknownAttempt):
            repayer.settle("a1", executed=True, note="seen")
        world.clock.advance(600_000)
        assert repayer.settle("a0", executed=True, note="seen").state is AttemptState.PROVEN_EXECUTED
        (report,) = repayer.resume()
    assert (report.state, report.cause) == (
        PlanState.STOPPED,
        "debt-left",
    )  # the word was wrong, and the debt shows it
    assert world.sent == 0


def test_the_database_itself_keeps_one_open_attempt_for_all_keys(world):
    """A new attempt of the account is refused while one stands open under the hash of an old key."""
    older_journal(world.folder / "repay.db", version=2, accounts={API_KEY: AttemptState.UNKNOWN})
    with world.repayer() as repayer:
        assert repayer.account_question is None
        journal, account = repayer.journal, repayer.account
        record = journal.plans.add(account, a_plan(), NOW_MS)

        with pytest.raises(AccountInDoubt) as caught:
            journal.attempts.begin(account, record.id, an_intent("a9"), NOW_MS)

    assert caught.value.attempt_id == "a0"


def test_a_rotated_key_is_asked_about_what_an_older_version_left(world):
    """The hash does not show whose rows they are; the answer is remembered, and brings the doubt."""
    older_journal(world.folder / "repay.db", version=2, accounts={API_KEY: AttemptState.UNKNOWN})
    new = world.client(key=OTHER_KEY)

    with world.repayer(new) as repayer, pytest.raises(AccountUnconfirmed, match="older version"):
        repayer.resume()
    with world.repayer(new, same_account=True) as repayer:
        assert repayer.account_question is None
    with world.repayer(new) as repayer:
        assert [attempt.id for attempt in repayer.in_doubt] == ["a0"]
    with world.repayer() as repayer:  # the old key is the same account too
        assert repayer.account_question is None
        assert [attempt.id for attempt in repayer.in_doubt] == ["a0"]


def test_what_an_older_version_left_may_be_another_account(world):
    """Then it stays where it is, and its own key finds it, under a name."""
    older_journal(world.folder / "repay.db", version=2, accounts={API_KEY: AttemptState.UNKNOWN})

    with world.repayer(world.client(key=OTHER_KEY), new_account=True) as repayer:
        assert repayer.account_question is None
        assert repayer.in_doubt == []


def test_two_keys_of_an_older_version_may_be_one_account(world):
    """Each had a doubt of its own; both are the default account's, and both are settled first."""
    accounts = {API_KEY: AttemptState.UNKNOWN, OTHER_KEY: AttemptState.UNKNOWN}
    older_journal(world.folder / "repay.db", version=2, accounts=accounts)

    with world.repayer() as repayer, pytest.raises(AccountUnconfirmed, match="older version"):
        repayer.resume()
    with world.repayer(same_account=True) as repayer:
        assert repayer.account_question is None
        assert [attempt.id for attempt in repayer.in_doubt] == ["a0", "a1"]
    with world.repayer(world.client(key=OTHER_KEY)) as repayer:
        assert repayer.account_question is None


def test_named_accounts_of_an_older_version_keep_their_rows(world):
    """A name is what it was: no question, no move."""
    older_journal(world.folder / "repay.db", version=2, accounts={"desk": AttemptState.UNKNOWN})

    with world.repayer(account="desk") as repayer:
        assert repayer.account_question is None
        assert [attempt.id for attempt in repayer.in_doubt] == ["a0"]


def test_a_new_name_beside_a_doubt_of_an_older_version_is_asked_about(world):
    """It may be the name of the account that had none."""
    older_journal(world.folder / "repay.db", version=2, accounts={API_KEY: AttemptState.UNKNOWN})

    with world.repayer(world.client(key=THIRD_KEY), account="desk") as repayer:
        assert repayer.account_question.reason == "new-name"


def test_keys_are_remembered_as_hashes_only(world):
    """Neither journal nor memory holds a key, in no form to look it up by."""
    used(world)
    with world.repayer() as repayer:
        repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"]))

    for path in world.folder.rglob("*"):
        if path.is_file():
            assert API_KEY.encode() not in path.read_bytes(), path


def test_a_key_stays_with_its_account(world):
    """No program can move a key, and with it a doubt, to another account."""
    used(world)
    with world.repayer() as repayer:
        for statement in (
            "UPDATE accounts SET owner = 'x' WHERE name IS NULL",
            "UPDATE accounts SET base_url = 'x'",
            "DELETE FROM accounts",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                repayer.journal.file._db.execute(statement)


def test_two_processes_remember_the_first_key_once(world):
    """Both come first, with two keys: one is remembered, the other one is asked."""
    with Journal(world.folder / "repay.db") as journal:
        one = world.repayer(journal=journal)
        two = world.repayer(world.client(key=OTHER_KEY), journal=journal)
        questions = [one.account_question, two.account_question]

    assert questions[0] is None
    assert questions[1].reason == "new-key"
