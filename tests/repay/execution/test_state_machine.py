"""Any order of things: plan, run, crash, resume, other users, interest, lost answers, duplicates."""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from paydown.errors import PaydownError, ReadFailed
from paydown.repay import (
    AccountBusy,
    AccountInDoubt,
    JournalUnusable,
    Options,
    OutcomeNotRecorded,
    PlanKeyConflict,
    PlanRefused,
    SafeRepay,
)
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.states import AttemptState, PlanState
from paydown_sandbox.choices.choice_table import draw
from paydown_sandbox.faults.faults import FAULTS
from tests.repay.world import REPAY_PATH, World

AMOUNTS = st.decimals("0.00000001", "90", places=8)
FIXED_WORLDS = st.sampled_from(
    [
        {},
        {"repay-debt-record": "record", "repay-debt-flow": "row"},
        {"repayment-order": "principal-first", "whole-debt-answer-amount": "present"},
        {"insufficient-amount": "partial", "insufficient-whole-debt": "partial"},
    ]
)
# And what the pages leave open about rows, looks, borrowings and interest, drawn from the sandbox's table of choices.
WORLDS = FIXED_WORLDS | st.integers(0, 2**32).map(
    lambda seed: draw(random.Random(seed), ("rows", "looks", "borrowings", "interest"), unusual=0.3)
)
# Refusals, and reads that an exchange in trouble does not answer: nothing was sent on account of them.
NOTHING_DONE = (PlanRefused, AccountInDoubt, ReadFailed)


class Killed(BaseException):
    """The process is gone."""


class Repaying(RuleBasedStateMachine):
    """A model of one account: what was asked under each key, against what the exchange executed for it."""

    @initialize(options=WORLDS)
    def begin(self, options):
        self.folder = Path(tempfile.mkdtemp())
        self.world = World(self.folder, options=options)
        self.world.give("BNB", borrowed="150", interest="0.3")
        self.world.give("USDT", free="1000000")
        self.asked: dict[str, Decimal | None] = {}
        self.known: dict[str, object] = {}
        self.process: SafeRepay | None = None
        self.die_in: int | None = None
        self.dead = False
        self.meddle_in: int | None = None
        self.meddler: str = "repay"
        self.strangers: list[Decimal] = []
        self.open()

    def teardown(self):
        if getattr(self, "process", None) is not None:
            self.process.close()
            self.process.journal.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Processes

    def open(self):
        """A new process: it knows nothing but the journal."""
        journal = Journal(
            self.folder / "repay.db", synchronous="OFF"
        )  # nothing here survives a power cut anyway
        self.process = self.world.repayer(
            journal=journal, trace=self.mark, options=Options(max_wait_ms=10**12), progress=lambda _: None
        )

    def mark(self, step, side):
        if self.dead:
            return  # its own clean-up after the death, which a real process does not live to do
        if self.die_in is not None:
            self.die_in -= 1
            if self.die_in < 0:
                self.die_in = None
                self.process.journal.close()
                self.dead = True
                event("died")
                raise Killed
        if self.meddle_in is not None:
            self.meddle_in -= 1
            if self.meddle_in < 0:
                self.meddle_in = None
                event(f"{self.meddler} with our amount, in the middle of a run")
                self.meddle(self.meddler, self.newest_amount())

    def guarded(self, action):
        """Do it; if the process dies in it, the next one takes over."""
        try:
            return action()
        except (Killed, JournalUnusable, OutcomeNotRecorded):
            if not self.dead:
                raise
            self.dead = False
            self.process.hold.lock.release(clean=False)  # what the kernel does
            self.open()
            return None
        finally:
            self.die_in = self.meddle_in = None

    def newest_amount(self):
        """What the newest attempt asked for: what another user can do most harm with."""
        newest = self.process.journal.attempts.since(self.process.account, 0)[-1:]
        return newest[0].intent.amount or newest[0].intent.expected if newest else Decimal(1)

    # What happens

    @rule(
        key=st.sampled_from("abcde"),
        amount=st.none() | AMOUNTS,
        die_in=st.none() | st.integers(0, 60),
        meddle_in=st.none() | st.integers(0, 60),
        meddler=st.sampled_from(["borrow", "repay", "trade"]),
    )
    def plan_and_run(self, key, amount, die_in, meddle_in, meddler):
        """Ask under a key; the first request under it stays. Another user may act in the middle of it."""
        amount = self.asked.get(key, amount)
        self.die_in, self.meddle_in, self.meddler = die_in, meddle_in, meddler

        def act():
            try:
                plan = self.process.plan("BNB", amount, pay_with=["USDT"], key=key)
                report = self.process.run(plan)
            except NOTHING_DONE:
                return
            if report.state is PlanState.DONE:
                # The same key again: the first report, and nothing sent.
                assert self.known.setdefault(key, report) == report

        self.guarded(act)
        self.learn(key, amount)

    def learn(self, key, amount):
        """A process that died after it stored its plan has bound the key, though its caller never learned of it."""
        for stored in self.process.journal.plans.newest_first(self.process.account):
            if stored.key == key:
                assert stored.plan.request.amount == self.asked.setdefault(key, amount)

    @rule(die_in=st.none() | st.integers(0, 60))
    def resume(self, die_in):
        """The next process cleans up."""
        self.die_in = die_in

        def act():
            with contextlib.suppress(*NOTHING_DONE):
                self.process.resume()

        self.guarded(act)

    @rule()
    def another_process_beside(self):
        """While this one holds the account, another one is refused."""
        with self.process.hold.holding(lambda: None, lambda step, side: None):
            with self.world.repayer(journal="repay.db", progress=lambda _: None) as other:
                try:
                    other.resume()
                except AccountBusy:
                    return
            raise AssertionError("two processes held one account")

    @precondition(lambda self: self.process.in_doubt)
    @rule()
    def a_person_settles(self):
        """A person compares with the exchange's own ledger and states what happened."""
        for attempt in self.process.in_doubt:
            if attempt.state is not AttemptState.UNKNOWN:
                return
            self.world.clock.advance(60_000)
            executed = self.lines(attempt.intent.signed_at_ms) > 0
            self.process.settle(attempt.id, executed=executed, note="looked at the ledger")

    @rule(name=st.sampled_from(sorted(FAULTS)), skip=st.integers(0, 2), times=st.integers(1, 2))
    def break_something(self, name, skip, times):
        """The next repayments meet a fault of the exchange."""
        # Ours alone: a fault that meets another user is wasted.
        match = {"path": REPAY_PATH, "ip": "127.0.0.1"}
        self.world.exchange.faults.arm({"match": match, "fault": name, "skip": skip, "times": times})

    @rule(
        path=st.sampled_from(
            ["/papi/v1/margin/repayLoan", "/sapi/v1/margin/capital-flow", "/papi/v1/balance"]
        )
    )
    def blind(self, path):
        """Some list cannot be read for a while."""
        self.world.fault("gateway_502_html_executed", path=path, times=4)

    @rule()
    def mend(self):
        """All faults are over."""
        self.world.exchange.faults.disarm()

    @rule(minutes=st.integers(1, 200))
    def time_passes(self, minutes):
        """Interest accrues."""
        self.world.clock.advance(minutes * 60_000)

    @rule(kind=st.sampled_from(["borrow", "repay", "trade"]), amount=AMOUNTS, same=st.booleans())
    def stranger(self, kind, amount, same):
        """Another user uses the account, now and then with the very amount of our newest attempt."""
        self.meddle(kind, self.newest_amount() if same else amount)

    def meddle(self, kind, amount):
        stranger = self.world.stranger()
        try:
            if kind == "borrow":
                stranger.margin.borrow(asset="BNB", amount=amount)
            elif kind == "repay":
                stranger.margin.repay_debt(asset="BNB", amount=amount, specify_repay_assets=["USDT"])
                self.strangers.append(amount)
            else:
                self.world.give("USDT", free=f"-{amount}")
        except PaydownError:
            pass  # nothing is owed, or too little

    # What must always hold

    def lines(self, signed_at_ms):
        """How many repayments the ledger shows for requests with that timestamp."""
        found = 0
        for record in self.world.exchange.requests:
            if (
                record.path.endswith("repay-debt")
                and f"timestamp={signed_at_ms}" in f"{record.body!r}{record.query!r}"
            ):
                found += len(record.ledger_ids) if record.ip == "127.0.0.1" else 0
        return found

    @invariant()
    def the_journal_knows_everything_and_nothing_moved_twice(self):
        """Each executed request of ours belongs to one attempt that is paid, or open, and no plan overpaid."""
        if getattr(self, "process", None) is None:
            return
        executed = sum(
            len(record.ledger_ids)
            for record in self.world.exchange.requests
            if record.path.endswith("repay-debt") and record.ip == "127.0.0.1"
        )
        attempts = [
            (plan, attempt)
            for plan in self.process.journal.plans.newest_first(self.process.account)
            for attempt in self.process.journal.attempts.of_plan(plan.id)
        ]
        paid = sum(attempt.state.paid for _, attempt in attempts)
        undecided = sum(attempt.state.open for _, attempt in attempts)
        assert paid <= executed + self.mistaken()
        assert executed <= paid + undecided
        assert undecided <= 1
        amounts: dict[int, Decimal] = {}
        for line in self.world.exchange.lines:
            amounts[line.request] = line.interest + line.principal
        for plan in self.process.journal.plans.newest_first(self.process.account):
            asked = self.asked.get(plan.key)
            if asked is None:
                continue
            stamps = {attempt.intent.signed_at_ms for p, attempt in attempts if p.key == plan.key}
            total = sum(
                amounts.get(record.id, Decimal(0))
                for record in self.world.exchange.requests
                if record.ip == "127.0.0.1"
                and any(f"timestamp={stamp}" in f"{record.body!r}" for stamp in stamps)
            )
            assert total <= asked, f"asked {asked}, repaid {total} under {plan.key}"

    def mistaken(self):
        """Attempts taken for executed because another user repaid in their place: an underpayment, never a second."""
        journal = self.process.journal
        wrong = [
            attempt
            for attempt in journal.attempts.since(self.process.account, 0)
            if attempt.state is AttemptState.PROVEN_EXECUTED and not self.lines(attempt.intent.signed_at_ms)
        ]
        for attempt in wrong:
            told = journal.evidence.of(attempt.id)[-1].body
            if "statement" not in told:
                assert self.strangers, f"nobody else repaid, yet {attempt.id} was taken for executed"
        event(f"taken for executed: {len(wrong)}")
        return len(wrong)


TestRepaying = Repaying.TestCase
TestRepaying.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("die_in", range(12))
def test_a_key_is_bound_as_soon_as_its_plan_is_stored(die_in, monkeypatch):
    """Wherever the first process dies, the key means its request if the plan was stored, else the next one's."""
    monkeypatch.setitem(globals(), "event", lambda _: None)  # Hypothesis counts events only in its own runs
    state = Repaying()
    try:
        state.begin(options={})
        state.plan_and_run(
            amount=Decimal("0.00000001"), die_in=die_in, key="a", meddle_in=None, meddler="borrow"
        )
        stored = [plan.key for plan in state.process.journal.plans.newest_first(state.process.account)]
        assert list(state.asked) == stored
        if stored:
            with pytest.raises(PlanKeyConflict):
                state.process.plan("BNB", None, pay_with=["USDT"], key="a")
        state.plan_and_run(amount=None, die_in=None, key="a", meddle_in=None, meddler="borrow")
        state.the_journal_knows_everything_and_nothing_moved_twice()
        assert state.asked == {"a": Decimal("0.00000001") if stored else None}
    finally:
        state.teardown()


@pytest.mark.deep
@pytest.mark.timeout(7200)
class TestRepayingAtLength(Repaying.TestCase):
    """The same for as long as a night allows: rarer orders of things."""

    settings = settings(
        max_examples=1500, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )
