"""A few hundred repayments of `make chaos`, and that its count and its check can fail at all."""

from __future__ import annotations

import random
from dataclasses import asdict

import httpx
import pytest

from paydown.budget import Rules
from paydown_sandbox import ExchangeTransport
from paydown_sandbox.choices.choice_table import table
from paydown_sandbox.faults.faults import FaultBook
from tests.chaos import arena
from tests.chaos.arena import OUR_IP, REPAY_PATH, Chances
from tests.chaos.episode import WORLDS, Tally, options_of, play

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


class Doubling(ExchangeTransport):
    """Delivers every fifth repayment twice: denies what never-twice.md assumes of the network."""

    count = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if request.url.path == REPAY_PATH and self.client_ip == OUR_IP and response.status_code == 200:
            type(self).count += 1
            if type(self).count % 5 == 0:
                super().handle_request(request)
        return response


def test_what_is_delivered_twice_is_counted(monkeypatch):
    """The count finds what was repaid twice: it is made from the exchange's log, not from what is reported."""
    monkeypatch.setattr(arena, "ExchangeTransport", Doubling)

    total = play(8, 60)

    assert total.twice > 0
    assert not total.sound


class Lying(ExchangeTransport):
    """Executes every fifth repayment and says that it did not."""

    count = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if request.url.path == REPAY_PATH and self.client_ip == OUR_IP and response.status_code == 200:
            type(self).count += 1
            if type(self).count % 5 == 0:
                refusal = {"code": -2018, "msg": "Balance is not sufficient."}
                return httpx.Response(400, json=refusal, request=request)
        return response


def test_a_refusal_that_lies_is_looked_behind(monkeypatch):
    """What was executed in spite of its refusal is seen in the debt, and not repaid again."""
    monkeypatch.setattr(arena, "ExchangeTransport", Lying)

    total = play(8, 60, Chances(stranger=0))

    assert Lying.count > 10
    assert (total.twice, total.overpaid) == (0, 0), total.trouble


def test_no_request_is_later_than_the_budget_reckons():
    """One may hang on the wire and once more in front of the exchange; its weight is still held when it counts."""
    hangs_ms = FaultBook().arm({"fault": "delay_before"}).delay_ms

    assert Chances().late_ms[1] + hangs_ms <= Rules().lost_ms


def test_every_choice_of_the_worlds_is_drawn_in_every_run():
    """A run plays every world in turn, and a hundred draws of one leave no value of its topics out."""
    topics = {topic for world in WORLDS.values() if isinstance(world, tuple) for topic in world}
    drawn: dict[str, set[str]] = {}
    for seed in range(800):
        for name, value in options_of(tuple(WORLDS)[seed % len(WORLDS)], random.Random(seed)).items():
            drawn.setdefault(name, set()).add(value)

    for choice in table().values():
        if choice.about in topics:
            assert drawn[choice.name] == set(choice.standing_at("considered")), choice.name
