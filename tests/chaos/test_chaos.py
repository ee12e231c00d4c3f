"""A few hundred repayments of `make chaos`, and that its count and its check can fail at all."""

from __future__ import annotations

import itertools
from dataclasses import asdict

import httpx
import pytest

from paydown.budget import Rules
from paydown_sandbox import ExchangeTransport
from paydown_sandbox.faults import FaultBook
from tests.chaos import arena, histories
from tests.chaos.arena import OUR_IP, REPAY_PATH, Chances, Entry
from tests.chaos.episode import Episode, Tally, play

pytestmark = pytest.mark.timeout(120)


def test_some_hundred_repayments_in_chaos_are_paid_once():
    """Faults, deaths, late requests, strangers and second processes: nothing twice, nothing lost, no 429."""
    total = Tally()
    for seed in (1, 2, 4):
        total += play(seed, 150)

    assert total.sound, total.trouble
    assert total.asked >= 450
    assert (
        min(total.executed, total.deaths, total.intruders, total.deeds, total.faults, total.lost_answers) > 0
    )


def test_the_same_seed_tells_the_same_story():
    """An episode that went wrong can be played again."""
    first, second = (asdict(play(9, 60)) for _ in range(2))

    assert first == second


class Lying(ExchangeTransport):
    """Executes every fifth repayment and says that it did not: denies the first assumption of never-twice.md."""

    count = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if request.url.path == REPAY_PATH and self.client_ip == OUR_IP and response.status_code == 200:
            type(self).count += 1
            if type(self).count % 5 == 0:
                refusal = {"code": -2018, "msg": "Balance is not sufficient."}
                return httpx.Response(400, json=refusal, request=request)
        return response


def test_an_exchange_that_lies_is_counted(monkeypatch):
    """The count finds what was repaid twice: it is made from the exchange's log, not from what is reported."""
    monkeypatch.setattr(arena, "ExchangeTransport", Lying)

    total = play(3, 60)

    assert total.twice > 0
    assert not total.sound


def test_no_request_is_later_than_the_budget_reckons():
    """One may hang on the wire and once more in front of the exchange; its weight is still held when it counts."""
    hangs_ms = FaultBook().arm({"fault": "delay_before"}).delay_ms

    assert Chances().late_ms[1] + hangs_ms <= Rules().lost_ms


CALM = Chances(stranger=0, death=0, intruder=0, stop=0, unreachable=0, late=0)


@pytest.fixture
def lost():
    """One attempt whose answer is lost, on a healthy line, with whatever a stranger does beside it."""
    episodes: list[Episode] = []

    def play_one(
        *deeds: Entry, executed: bool = True, before: str = "read time", skip: int = 0
    ) -> histories.Historian:
        episode = Episode(5, 1, CALM)
        episodes.append(episode)
        place, process = episode.arena, episode.processes["a0"]
        episode._fund("a0")
        name = "executed_then_reset" if executed else "reset_before"
        episode._fault(name, REPAY_PATH, times=1)
        meddling = list(deeds)
        requests = itertools.count()
        begun = False

        def mark(step: str, side: str) -> None:
            nonlocal begun
            if (side, step) == ("before", before):
                begun = True
                if skip == 0:
                    meddle()

        def on_the_wire(name: str) -> None:
            if name == "before the first byte" and begun and next(requests) == skip - 1:
                meddle()

        def meddle() -> None:
            if meddling:
                deed = meddling.pop()
                assert arena.do(place.exchange, deed, place.stranger("a0"))
                place.tape.append(
                    Entry(deed.kind, place.clock.now_ms(), "a0", deed.asset, deed.amount, deed.pay_with)
                )
                place.elapse(1)

        process.repay.trace = mark
        process.mark = on_the_wire
        process.repay.run(process.repay.plan("BNB", "3", pay_with=["USDT"], key="k"))
        attempt = process.repay.history()[0].attempts[0]
        (evidence,) = process.repay.journal.evidence(attempt.id)
        return histories.Historian(
            place, "a0", attempt, evidence.body["sightings"][-1], executed, episode._executions()
        )

    yield play_one
    for episode in episodes:
        for process in episode.processes.values():
            process.close()


@pytest.mark.parametrize("executed", [True, False])
def test_without_strangers_there_is_no_second_history(lost, executed):
    """Nobody else acted, so the evidence has one story only: the check would expose an undecided attempt."""
    assert lost(executed=executed).other() is None


def test_a_stranger_who_repaid_in_part_makes_a_second_history(lost):
    """Three were repaid, and one by a stranger whom no list shows: it may as well have been four of his."""
    deed = Entry("repay-debt", 0, "a0", "BNB", arena.Decimal(1), ("USDT",))

    assert lost(deed).other() == "not executed, and repay-debt 4.00000000 BNB"


@pytest.mark.parametrize("skip", [1, 2, 3])
def test_what_happens_between_two_lists_is_in_the_later_ones(lost, skip):
    """The lists are read one after the other, and the other exchange shows each as of its own moment."""
    deed = Entry("borrow", 0, "a0", "BNB", arena.Decimal(1))
    historian = lost(deed, before="read records", skip=skip)

    assert len(historian.sighting["rows"]) == (2, 2, 1)[skip - 1]
    assert historian.other() is None


def test_a_history_that_did_not_happen_is_not_believed(lost):
    """The check replays what did happen first, and complains if that does not give the stored evidence."""
    historian = lost()
    historian.executed = False

    with pytest.raises(histories.CannotReplay):
        historian.other()
