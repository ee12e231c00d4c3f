"""What a person knows better stands next to a state that has ended; nothing is edited, and nothing is sent."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from decimal import Decimal

import pytest

from paydown import InvalidRequest, InvalidRequestType
from paydown.errors import PaydownError, UnknownAttempt
from paydown.repay import AccountBusy, AccountInDoubt, JournalUnusable, Options
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.states import AttemptState, PlanState
from tests.repay.journal.test_journal import NOW_MS, a_plan, an_intent, reach
from tests.repay.world import attempts

ENDED = [state for state in AttemptState if not state.open]


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "repay.db") as opened:
        yield opened


@pytest.fixture
def begun(journal):
    record = journal.plans.add("acc", a_plan(), NOW_MS)
    journal.plans.move(record.id, PlanState.RUNNING, NOW_MS)
    return record


@pytest.fixture
def done(world):
    """A repayer whose plan "k" has repaid 1 BNB, a long time ago, and its attempt."""
    with world.repayer() as repayer:
        repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"], key="k"))
        world.clock.advance(600_000)
        (attempt,) = attempts(repayer)
        yield repayer, attempt


# In the journal


@pytest.mark.parametrize("state", ENDED)
def test_the_newest_correction_counts(journal, begun, state):
    """In every such state: it stands as it was, and what it repaid follows the last word."""
    reach(journal, begun, state)

    first = journal.corrections.add("a1", NOW_MS, executed=True, moved=Decimal("0.5"), note="one")
    record = journal.attempts.find("a1")
    assert (record.state, record.paid, record.moved, record.correction) == (
        state,
        True,
        Decimal("0.5"),
        first,
    )
    second = journal.corrections.add("a1", NOW_MS + 1, executed=False, moved=Decimal(0), note="two")
    record = journal.attempts.find("a1")
    assert (record.state, record.paid, record.moved, record.correction) == (state, False, Decimal(0), second)
    assert journal.corrections.of("a1") == [first, second]
    assert json.loads(json.dumps(record.to_json()))["correction"]["note"] == "two"


@pytest.mark.parametrize("state", list(AttemptState))
def test_without_a_correction_the_state_counts(journal, begun, state):
    """Executed: what the answer named, else what was asked; not executed: nothing; open: it is not known."""
    reach(journal, begun, state)
    record = journal.attempts.find("a1")

    assert record.paid is state.paid
    assert record.open is state.open
    assert record.moved == (Decimal("1.501") if state.paid else None if state.open else Decimal(0))


def test_the_answered_amount_counts_where_there_is_one(journal, begun):
    """What the exchange confirmed is more than what was asked for."""
    journal.attempts.begin("acc", begun.id, an_intent("a1"), NOW_MS)
    journal.attempts.finish("a1", AttemptState.EXECUTED, NOW_MS, outcome={}, repaid=Decimal("1.2"))

    assert journal.attempts.find("a1").moved == Decimal("1.2")


@pytest.mark.parametrize("state", [AttemptState.INTENT, AttemptState.UNKNOWN])
def test_an_open_attempt_takes_no_correction(journal, begun, state):
    """It is settled instead."""
    reach(journal, begun, state)

    with pytest.raises(JournalUnusable, match="settled, not corrected"):
        journal.corrections.add("a1", NOW_MS, executed=True, moved=Decimal(1), note="seen")


def test_corrections_stay(journal, begun):
    """No program can take one back or alter it."""
    reach(journal, begun, AttemptState.EXECUTED)
    journal.corrections.add("a1", NOW_MS, executed=False, moved=Decimal(0), note="seen")

    for statement in ("DELETE FROM corrections", "UPDATE corrections SET executed = 1"):
        with pytest.raises(sqlite3.IntegrityError):
            journal.file._db.execute(statement)


def test_a_contradicted_refusal_is_in_doubt_again(journal, begun):
    """The evidence is stored in the same commit, and nothing else begins while it is open."""
    reach(journal, begun, AttemptState.REJECTED)

    journal.evidence.contradict_refusal("a1", NOW_MS + 5, {"seen": "the debt fell"})

    (record,) = journal.attempts.open_of("acc")
    assert (record.state, record.closed_at_ms) == (AttemptState.UNKNOWN, NOW_MS + 5)
    (evidence,) = journal.evidence.of("a1")
    assert (evidence.verdict, evidence.body) == ("UNDECIDED", {"seen": "the debt fell"})
    with pytest.raises(AccountInDoubt):
        journal.attempts.begin("acc", begun.id, an_intent("a2", number=2), NOW_MS)
    journal.evidence.prove("a1", "PROVEN_EXECUTED", NOW_MS, body={}, repaid=Decimal(1))
    assert journal.attempts.find("a1").moved == Decimal(1)


def test_a_refusal_is_not_doubted_beside_another_open_attempt(journal, begun):
    """At most one attempt of an account is open, whichever way it got there; the evidence is not kept alone."""
    reach(journal, begun, AttemptState.REJECTED)
    journal.attempts.begin("acc", begun.id, an_intent("a2", number=2), NOW_MS)

    with pytest.raises(AccountInDoubt) as caught:
        journal.evidence.contradict_refusal("a1", NOW_MS, {})

    assert caught.value.attempt_id == "a2"
    assert journal.evidence.of("a1") == []


@pytest.mark.parametrize("state", [state for state in AttemptState if state is not AttemptState.REJECTED])
def test_only_a_refusal_can_be_contradicted(journal, begun, state):
    """What is open is in doubt already, and what was proven is corrected by a person."""
    reach(journal, begun, state)
    known = journal.evidence.of("a1")

    with pytest.raises(JournalUnusable, match="not REJECTED"):
        journal.evidence.contradict_refusal("a1", NOW_MS, {})

    assert journal.evidence.of("a1") == known


def test_a_persons_word_is_not_contradicted(journal, begun):
    """Once a person has corrected a refusal, evidence does not reopen it."""
    reach(journal, begun, AttemptState.REJECTED)
    journal.corrections.add("a1", NOW_MS, executed=True, moved=Decimal(1), note="seen")

    with pytest.raises(JournalUnusable, match="not after a correction"):
        journal.evidence.contradict_refusal("a1", NOW_MS, {})


def test_a_plan_that_is_done_goes_on_once_per_correction(journal, begun):
    """Its first report is kept; without a newer correction it stays done."""
    reach(journal, begun, AttemptState.EXECUTED)
    journal.plans.move(begun.id, PlanState.DONE, NOW_MS, {"report": 1})
    assert not journal.plans.get("acc", "k").corrected
    journal.corrections.add("a1", NOW_MS, executed=False, moved=Decimal(0), note="seen")
    assert journal.plans.get("acc", "k").corrected

    journal.plans.move(begun.id, PlanState.RUNNING, NOW_MS)
    journal.plans.move(begun.id, PlanState.DONE, NOW_MS, {"report": 2})

    record = journal.plans.get("acc", "k")
    assert (record.first_report, record.report, record.corrected) == ({"report": 1}, {"report": 2}, False)
    with pytest.raises(JournalUnusable, match="no attempt was corrected since"):
        journal.plans.move(begun.id, PlanState.RUNNING, NOW_MS)
    journal.corrections.add("a1", NOW_MS, executed=True, moved=Decimal(1), note="seen again")
    journal.plans.move(begun.id, PlanState.RUNNING, NOW_MS)
    assert journal.plans.get("acc", "k").first_report == {"report": 1}
    with pytest.raises(sqlite3.IntegrityError):
        journal.file._db.execute("UPDATE plans SET first_report = NULL")


# By a person


def test_what_was_not_executed_after_all_is_corrected(world, done):
    """Nothing is sent and the first report stays; the attempt counts as not executed."""
    repayer, attempt = done
    first = repayer.report("k")

    corrected = repayer.correct(attempt.id, executed=False, note="not in the history", amount="1.0")

    assert (corrected.state, corrected.paid, corrected.moved) == (AttemptState.EXECUTED, False, 0)
    assert world.sent == 1
    assert repayer.journal.plans.get(repayer.account, "k").report == first.to_json()
    assert repayer.journal.plans.get(repayer.account, "k").corrected
    (entry,) = repayer.history()
    assert [one.note for one in entry.corrections] == ["not in the history"]
    assert json.loads(json.dumps(entry.to_json()))["corrections"][0]["executed"] is False


@pytest.mark.parametrize(
    "amount", [None, "2", "0.99999999", "1.00000001", "-1", "all", "nonsense", Decimal("NaN")]
)
def test_the_amount_is_typed_before_something_is_repaid_again(world, done, amount):
    """Without it, or with another one, nothing is corrected."""
    repayer, attempt = done

    with pytest.raises(InvalidRequest):
        repayer.correct(attempt.id, executed=False, note="seen", amount=amount)

    assert repayer.journal.corrections.of(attempt.id) == []


def test_the_amount_of_a_whole_debt_is_all(world):
    """It named no amount, so there is none to type."""
    with world.repayer() as repayer:
        repayer.run(repayer.plan("BNB", pay_with=["USDT"]))
        world.clock.advance(600_000)
        (attempt,) = attempts(repayer)
        for wrong in (None, "12.01", "0"):
            with pytest.raises(InvalidRequest, match="all, for a whole debt"):
                repayer.correct(attempt.id, executed=False, note="seen", amount=wrong)

        assert not repayer.correct(attempt.id, executed=False, note="seen", amount="all").paid


def test_a_refusal_that_was_executed_is_corrected(world):
    """The exchange refused and did it: what it asked for counts as repaid, or what the person saw."""
    world.fault("waf_403_html", times=2)
    with world.repayer() as repayer:
        repayer.run(repayer.plan("BNB", "3", pay_with=["USDT"], key="k"))
        world.clock.advance(600_000)
        (attempt,) = attempts(repayer)
        assert repayer.correct(attempt.id, executed=True, note="seen").moved == 3
        assert repayer.correct(attempt.id, executed=True, note="seen", amount="2.5").moved == Decimal("2.5")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"executed": True, "note": "seen"}, "counts as executed already"),
        ({"executed": True, "note": " "}, "note"),
        ({"executed": True, "note": "seen", "amount": "0"}, "above zero"),
        ({"executed": True, "note": "seen", "amount": 1.5}, "Decimal or str"),
        ({"executed": None, "note": "seen"}, "True or False"),
    ],
)
def test_words_that_correct_nothing_are_refused(world, done, words, error):
    """A correction states something new, and names its person."""
    repayer, attempt = done

    with pytest.raises((InvalidRequest, InvalidRequestType), match=error):
        repayer.correct(attempt.id, **words)


def test_only_what_this_account_sent_is_corrected(done):
    """A mistyped id is an error."""
    repayer, _ = done

    with pytest.raises(UnknownAttempt):
        repayer.correct("a-typo", executed=True, note="seen")


def test_a_doubt_is_settled_and_not_corrected(world):
    """The two words are not mixed up."""
    world.fault("executed_then_503")
    with world.repayer(options=Options(reconcile_last=False)) as repayer:
        repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"]))
        (attempt,) = attempts(repayer)
        with pytest.raises(AccountInDoubt, match="not corrected but settled"):
            repayer.correct(attempt.id, executed=True, note="seen")
        world.clock.advance(600_000)
        repayer.settle(attempt.id, executed=True, note="seen")
        with pytest.raises(AccountInDoubt, match="correct it"):
            repayer.settle(attempt.id, executed=False, note="seen")
        assert not repayer.correct(attempt.id, executed=False, note="seen", amount="1").paid


def test_a_running_plan_is_not_corrected_from_the_side(world):
    """A correction holds the account."""
    busy = []

    def progress(told):
        if told.kind == "finished":
            (attempt,) = attempts(repayer)
            with world.repayer(progress=lambda _: None) as other:
                try:
                    other.correct(attempt.id, executed=True, note="seen", amount="0.5")
                except AccountBusy as error:
                    busy.append(error)

    with world.repayer(progress=progress) as repayer:
        repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"]))

    assert busy


# The exchange's own clock


def ahead_client(world):
    """A client in a fresh process whose machine clock is an hour ahead, and which was never synchronised."""
    from paydown.clock import ExchangeClock

    clock = ExchangeClock(
        ("http://sandbox/papi/v1/time",),
        ticks=world.clock.now_ms,
        wall=lambda: world.clock.now_ms() + 3_600_000,
    )
    return world.client(clock=clock)


@pytest.mark.parametrize("what", ["settle", "correct"])
@pytest.mark.parametrize("time", ["answers", "is silent"])
def test_not_executed_trusts_no_clock_but_the_exchanges(world, what, time):
    """A wall clock that runs ahead makes no request dead; without the exchange's time nothing is concluded."""
    fault = "not_executed_503_unknown" if what == "settle" else "service_unavailable_503"
    world.fault(fault, times=None)
    with world.repayer(options=Options(reconcile_last=False, max_tries=1)) as repayer:
        repayer.run(repayer.plan("BNB", "1", pay_with=["USDT"], key="k"))
        (attempt,) = attempts(repayer)
        if what == "correct":
            repayer.journal.corrections.add(attempt.id, 1, executed=True, moved=Decimal(1), note="seen")
    if time == "is silent":
        world.fault("gateway_502_html_executed", path="/papi/v1/time", times=None)

    with world.repayer(ahead_client(world)) as fresh:
        word = {"amount": "1"} if what == "correct" else {}
        with pytest.raises(PaydownError) as caught:
            getattr(fresh, what)(attempt.id, executed=False, note="seen", **word)

    assert isinstance(caught.value, AccountInDoubt) is (time == "answers")
    assert caught.value.exit_code == (3 if time == "answers" else 6)


def test_both_words_are_awaited_too(world):
    """The asynchronous repayer settles and corrects by the same rules."""

    async def sleep(seconds):
        world.sleep(seconds)

    async def scenario():
        world.fault("executed_then_503")
        client = world.async_client(sleep=sleep)
        options = Options(reconcile_last=False)
        async with client, world.async_repayer(client, sleep=sleep, options=options) as repayer:
            await repayer.run(await repayer.plan("BNB", "1", pay_with=["USDT"], key="k"))
            (attempt,) = repayer.in_doubt
            with pytest.raises(AccountInDoubt, match="may still act"):
                await repayer.settle(attempt.id, executed=False, note="seen")
            world.clock.advance(600_000)
            settled = await repayer.settle(attempt.id, executed=False, note="seen")
            corrected = await repayer.correct(attempt.id, executed=True, note="seen")
            return settled, corrected, await repayer.adopt(note="seen")

    settled, corrected, adopted = asyncio.run(scenario())

    assert settled.state is AttemptState.PROVEN_NOT_EXECUTED
    assert (corrected.paid, corrected.moved) == (True, Decimal(1))
    assert adopted is None
