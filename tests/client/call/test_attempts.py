"""The guard: what may have happened is not repeated, by whatever caller, thread or call."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from paydown import (
    AttemptRefused,
    ConnectionFailed,
    InvalidRequestType,
    Outcome,
    OutcomeUnknown,
    PaydownError,
    RequestNotSent,
    RequestRejected,
    UnknownAttempt,
    UnresolvedOutcome,
)
from paydown.call.attempts import Attempt, Attempts, ObserverChain
from paydown_wire.operations import MARGIN_BORROW, REPAY_DEBT, REPAY_LOAN
from tests.client.support.kit import NOW_MS, Exchange, Time, answer, async_client, client, repaid

LOST = httpx.ReadTimeout("slow")


def lose(pm, asset="BNB", **arguments) -> OutcomeUnknown:
    """Send a repayment whose answer gets lost."""
    with pytest.raises(OutcomeUnknown) as caught:
        pm.margin.repay_debt(asset=asset, **arguments)
    return caught.value


def test_after_an_unknown_outcome_the_same_debt_is_refused_and_nothing_is_sent():
    """The error names the attempt and says what to do."""
    exchange = Exchange(LOST)
    pm = client(exchange)
    lost = lose(pm, amount="0.1")

    with pytest.raises(UnresolvedOutcome) as caught:
        pm.margin.repay_debt(asset="BNB", amount="0.2")

    assert len(exchange.requests) == 1
    assert caught.value.attempt_id == lost.attempt_id
    assert isinstance(caught.value, RequestNotSent)
    assert lost.attempt_id in str(caught.value)
    assert "balance of BNB" in str(caught.value)
    assert f"settle('{lost.attempt_id}', executed=True)" in str(caught.value)


def test_other_debts_are_not_held_up():
    """Each asset is a debt of its own."""
    exchange = Exchange(LOST, repaid("BTC"))
    pm = client(exchange)
    lose(pm, "BNB")

    assert pm.margin.repay_debt(asset="BTC").asset == "BTC"


def test_every_call_that_repays_the_debt_is_held_up():
    """repayLoan pays the same debt: the document puts both into one group."""
    assert REPAY_DEBT.unresolved_scope == REPAY_LOAN.unresolved_scope
    exchange = Exchange(LOST)
    pm = client(exchange)
    lose(pm)

    with pytest.raises(UnresolvedOutcome):
        pm.margin.repay_loan(asset="BNB", amount="1")

    assert len(exchange.requests) == 1


def test_borrowing_is_another_matter_than_repaying():
    """A lost borrow keeps the next borrow back, not the repayment."""
    assert MARGIN_BORROW.unresolved_scope is not None
    exchange = Exchange(LOST, repaid())
    pm = client(exchange)
    with pytest.raises(OutcomeUnknown):
        pm.margin.borrow(asset="BNB", amount="1")

    assert pm.margin.repay_debt(asset="BNB").success is True
    with pytest.raises(UnresolvedOutcome):
        pm.margin.borrow(asset="BNB", amount="1")


@pytest.mark.parametrize("executed", [True, False])
def test_settling_opens_the_debt_again(executed):
    """Whoever has looked at the balance says so, once."""
    exchange = Exchange(LOST, repaid())
    pm = client(exchange)
    lost = lose(pm)

    settled = pm.settle(lost.attempt_id, executed=executed)

    assert settled.outcome is (Outcome.EXECUTED if executed else Outcome.REJECTED)
    assert pm.unresolved == ()
    assert pm.margin.repay_debt(asset="BNB").success is True
    with pytest.raises(UnknownAttempt, match="None is open"):
        pm.settle(lost.attempt_id, executed=executed)


def test_settling_an_unknown_attempt_names_those_that_are_open():
    """A mistyped id does not open anything."""
    pm = client(Exchange(LOST))
    lost = lose(pm)

    with pytest.raises(UnknownAttempt, match=lost.attempt_id) as caught:
        pm.settle("a1", executed=False)

    assert isinstance(caught.value, LookupError)
    assert len(pm.unresolved) == 1


@pytest.mark.parametrize("executed", [None, 1, 0, "no", "True"])
def test_settling_takes_a_plain_true_or_false(executed):
    """`executed=None` or "no" must not pass for an answer."""
    pm = client(Exchange(LOST))
    lost = lose(pm)

    with pytest.raises(InvalidRequestType):
        pm.settle(lost.attempt_id, executed=executed)

    assert len(pm.unresolved) == 1


def test_unresolved_lists_what_may_have_happened():
    """Enough to look for it: debt, amount, parameters, and when it was signed."""
    pm = client(Exchange(LOST))
    lose(pm, amount="0.10", specify_repay_assets=["USDT", "BTC"])

    (attempt,) = pm.unresolved

    assert (attempt.operation, attempt.asset, attempt.amount) == ("margin.repay_debt", "BNB", "0.10")
    assert attempt.arguments == {"asset": "BNB", "amount": "0.10", "specifyRepayAssets": "USDT,BTC"}
    assert attempt.sent_at_ms == attempt.created_at_ms == NOW_MS
    assert attempt.outcome is Outcome.UNKNOWN
    assert "0.10 BNB" in str(attempt)
    assert pickle.loads(pickle.dumps(attempt)) == attempt


def test_an_attempt_for_the_whole_debt_says_so():
    """No amount means all of it."""
    pm = client(Exchange(LOST))
    lose(pm)

    assert pm.unresolved[0].amount is None
    assert "the whole debt BNB" in str(pm.unresolved[0])


@pytest.mark.parametrize(
    "outcome", [repaid(), answer(400, -2018, "Balance is insufficient."), httpx.ConnectError("refused")]
)
def test_decided_outcomes_leave_nothing_open(outcome):
    """Done, refused and never-left free the debt at once."""
    pm = client(Exchange(outcome))
    for _ in range(2):
        with contextlib.suppress(RequestRejected, ConnectionFailed):
            pm.margin.repay_debt(asset="BNB")

    assert pm.unresolved == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("BNB", "BNB"),
        ("BNB", "bnb"),
        ("币安人生", "币安人生"),
        ("ＢＮＢ", "BNB"),
        ("É", "E\u0301"),
        ("Ⅷ", "VIII"),
        ("BNB", "BNB\ufe0f"),
        ("BNB", "B\u034fNB"),
        ("BNB", "BNB\u3164"),
        ("BNB", "BNB\U000e0041"),
    ],
)
def test_two_spellings_of_a_name_are_one_debt(first, second):
    """The guard compares names as Unicode does, so that no look-alike gets past it."""
    attempts = Attempts()
    attempts.begin(REPAY_DEBT, {"asset": first}, now_ms=NOW_MS)

    with pytest.raises(UnresolvedOutcome):
        attempts.begin(REPAY_DEBT, {"asset": second}, now_ms=NOW_MS)


def test_ids_are_not_reused():
    """An id names one attempt for good, also across clients: a journal stores them."""
    attempts = Attempts()
    ids = {attempts.begin(REPAY_DEBT, {"asset": f"A{number}"}, now_ms=0).id for number in range(2000)}

    assert len(ids) == 2000


# ------------------------------------------------------------------------------ interrupts, threads, tasks


class Stop(BaseException):
    """An interrupt."""


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, Stop])
def test_an_interrupt_in_flight_leaves_the_attempt_unresolved(stop):
    """Ctrl-C says nothing about the money: it goes through, and the debt stays guarded."""

    def interrupted(request: httpx.Request) -> httpx.Response:
        raise stop

    exchange = Exchange(interrupted)
    pm = client(exchange)

    with pytest.raises(stop):
        pm.margin.repay_debt(asset="BNB")

    (attempt,) = pm.unresolved
    with pytest.raises(UnresolvedOutcome):
        pm.margin.repay_debt(asset="BNB")
    pm.settle(attempt.id, executed=False)
    assert len(exchange.requests) == 1


def test_an_interrupt_while_waiting_for_room_leaves_nothing_open():
    """Nothing had left: the debt is free, and so is the place in the queue."""
    time = Time()
    pm = client(Exchange(repaid()), time)
    for _ in range(2):  # 6000 of 6000
        pm.margin.repay_debt(asset="BNB")

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    pm._sleep = interrupted  # Ctrl-C during the wait
    with pytest.raises(KeyboardInterrupt):
        pm.margin.repay_debt(asset="BNB")

    assert pm.unresolved == ()
    assert pm.budget.snapshot().waiting == 0


def test_a_call_in_flight_keeps_the_same_debt_back():
    """Two threads, one debt: the second is told to wait, and only one request leaves."""
    arrived, go_on = threading.Event(), threading.Event()

    def held(request: httpx.Request) -> httpx.Response:
        arrived.set()
        assert go_on.wait(10)
        return repaid()

    exchange = Exchange(held)
    pm = client(exchange)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(pm.margin.repay_debt, asset="BNB")
        assert arrived.wait(10)
        with pytest.raises(UnresolvedOutcome, match="in flight") as caught:
            pm.margin.repay_debt(asset="BNB")
        with pytest.raises(UnknownAttempt, match="in flight"):
            pm.settle(caught.value.attempt_id, executed=False)
        assert pm.unresolved == ()
        go_on.set()
        assert first.result(10).success is True

    assert len(exchange.requests) == 1


def test_of_many_threads_one_repays():
    """Sixteen at once: one request leaves, fifteen are told why not."""
    gate = threading.Barrier(16)
    go_on = threading.Event()

    def held(request: httpx.Request) -> httpx.Response:
        assert go_on.wait(10)
        return repaid()

    exchange = Exchange(held)
    pm = client(exchange)
    refused = []

    def repay() -> None:
        gate.wait()
        try:
            pm.margin.repay_debt(asset="BNB")
        except UnresolvedOutcome as error:
            refused.append(error)
            if len(refused) == 15:
                go_on.set()

    with ThreadPoolExecutor(16) as pool:
        for future in [pool.submit(repay) for _ in range(16)]:
            future.result(20)

    assert len(refused) == 15
    assert len(exchange.requests) == 1


def test_a_cancelled_task_leaves_its_attempt_unresolved():
    """`asyncio.timeout` around a repayment: the time-out is raised, and the debt stays guarded."""

    async def scenario() -> None:
        async def never(request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

        async with async_client(Exchange(repaid())) as pm:
            pm._channel._transport = httpx.MockTransport(never)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await pm.margin.repay_debt(asset="BNB")
            (attempt,) = pm.unresolved
            with pytest.raises(UnresolvedOutcome):
                await pm.margin.repay_debt(asset="BNB")
            pm.settle(attempt.id, executed=False)

    asyncio.run(scenario())


# ---------------------------------------------------------------------------------------------- observers


class Journal:
    """An observer that writes everything down, and fails on demand."""

    def __init__(self, before: BaseException | None = None, after: BaseException | None = None) -> None:
        self.before, self.after_ = before, after
        self.seen: list[tuple[str, Outcome, type | None]] = []

    def before_send(self, attempt: Attempt) -> None:
        self.seen.append(("before", attempt.outcome, None))
        if self.before is not None:
            raise self.before

    def after(self, attempt: Attempt, error: PaydownError | None) -> None:
        self.seen.append(("after", attempt.outcome, None if error is None else type(error)))
        if self.after_ is not None:
            raise self.after_


@pytest.mark.parametrize(
    ("outcome", "state", "error"),
    [
        (repaid(), Outcome.EXECUTED, None),
        (answer(401, -2015, "key"), Outcome.REJECTED, "CredentialsRejected"),
        (httpx.ConnectError("refused"), Outcome.NOT_SENT, "ConnectionFailed"),
        (LOST, Outcome.UNKNOWN, "OutcomeUnknown"),
    ],
)
def test_an_observer_sees_each_attempt_before_and_after(outcome, state, error):
    """INTENT first, then what became of it."""
    journal = Journal()
    pm = client(Exchange(outcome), observer=journal)
    with contextlib.suppress(PaydownError):
        pm.margin.repay_debt(asset="BNB")

    (first, last) = journal.seen
    assert first == ("before", Outcome.INTENT, None)
    assert last[:2] == ("after", state)
    assert (None if last[2] is None else last[2].__name__) == error


@pytest.mark.parametrize("failure", [OSError("disk full"), ValueError("no")])
def test_an_observer_that_fails_before_sending_keeps_the_repayment_back(failure):
    """What cannot be written down is not sent."""
    exchange = Exchange(repaid())
    pm = client(exchange, observer=Journal(before=failure))

    with pytest.raises(AttemptRefused, match="observer failed") as caught:
        pm.margin.repay_debt(asset="BNB")

    assert exchange.requests == []
    assert caught.value.__cause__ is failure
    assert isinstance(caught.value, RequestNotSent)
    assert pm.unresolved == ()
    assert pm.budget.snapshot().windows[0].in_flight == 0


def test_an_observer_may_refuse_in_its_own_words():
    """An error of this package goes through as it is."""
    refusal = UnresolvedOutcome("the journal knows better", attempt_id="a0")
    pm = client(Exchange(repaid()), observer=Journal(before=refusal))

    with pytest.raises(UnresolvedOutcome, match="the journal knows better"):
        pm.margin.repay_debt(asset="BNB")


def test_an_observer_that_fails_afterwards_hides_no_success(caplog):
    """The money has moved: an error here would invite a second repayment."""
    pm = client(Exchange(repaid()), observer=Journal(after=OSError("disk full")))

    with caplog.at_level(logging.ERROR, "paydown.client"):
        assert pm.margin.repay_debt(asset="BNB").success is True

    assert "observer of attempts failed" in caplog.text
    assert pm.unresolved == ()


def test_an_interrupt_inside_the_observer_leaves_something_to_settle():
    """Executed, but perhaps not written down: it must not look as if nothing had happened."""
    pm = client(Exchange(repaid()), observer=Journal(after=KeyboardInterrupt()))

    with pytest.raises(KeyboardInterrupt):
        pm.margin.repay_debt(asset="BNB")

    assert len(pm.unresolved) == 1


def test_reads_are_no_attempts():
    """A read changes nothing: nothing is observed, nothing is left open."""
    journal = Journal()
    pm = client(Exchange(httpx.Response(200, json=[])), observer=journal)

    pm.account.balance()

    assert journal.seen == []


def test_both_observers_of_a_chain_hear_how_it_ended():
    """The second hears the end even if the first fails; before sending, the first that objects is the last asked."""

    class Noting:
        def __init__(self, failure: Exception | None) -> None:
            self.failure, self.heard = failure, []

        def before_send(self, attempt):
            self.heard.append("before")

        def after(self, attempt, error):
            self.heard.append("after")
            if self.failure is not None:
                raise self.failure

    first, second = Noting(RuntimeError("no disk")), Noting(None)
    pm = client(Exchange(repaid()), observer=ObserverChain(first, second))

    assert pm.margin.repay_debt(asset="BNB").success is True
    assert (first.heard, second.heard) == (["before", "after"], ["before", "after"])


def test_an_observer_of_a_block_is_forgotten_when_it_ends():
    """It sees the calls of the block, after the client's own observer, and nothing before or behind it."""
    always, here = Journal(), Journal()
    pm = client(Exchange(repaid(), repaid(), repaid()), observer=always)

    pm.margin.repay_debt(asset="BNB")
    with pm.observing(here):
        pm.margin.repay_debt(asset="BNB")
    pm.margin.repay_debt(asset="BNB")

    assert [event for event, *_ in here.seen] == ["before", "after"]
    assert [event for event, *_ in always.seen] == ["before", "after"] * 3


def test_a_block_that_fails_leaves_no_observer_behind():
    """What the block raises changes nothing about that."""
    here = Journal(before=UnresolvedOutcome("no", attempt_id="a0"))
    pm = client(Exchange(repaid()))

    with contextlib.suppress(UnresolvedOutcome), pm.observing(here):
        pm.margin.repay_debt(asset="BNB")

    assert pm.margin.repay_debt(asset="BNB").success is True


def test_an_observer_of_a_block_sees_one_client_and_one_thread():
    """Another client, and another thread of the same client, are not its business."""
    here = Journal()
    pm, other = client(Exchange(repaid(), repaid())), client(Exchange(repaid()))

    with pm.observing(here):
        other.margin.repay_debt(asset="BNB")
        thread = threading.Thread(target=pm.margin.repay_debt, kwargs={"asset": "BNB"})
        thread.start()
        thread.join()
        assert here.seen == []
        pm.margin.repay_debt(asset="BNB")

    assert [event for event, *_ in here.seen] == ["before", "after"]


def test_two_tasks_have_their_own_observers():
    """Side by side on one asynchronous client, each block sees its own call only."""
    seen: dict[str, Journal] = {"BNB": Journal(), "ETH": Journal()}

    async def repay(pm, asset):
        with pm.observing(seen[asset]):
            await asyncio.sleep(0)
            await pm.margin.repay_debt(asset=asset)

    async def scenario():
        pm = async_client(Exchange(lambda request: repaid("ETH" if b"ETH" in request.content else "BNB")))
        await asyncio.gather(*(repay(pm, asset) for asset in seen))

    asyncio.run(scenario())

    assert [[event for event, *_ in one.seen] for one in seen.values()] == [["before", "after"]] * 2
