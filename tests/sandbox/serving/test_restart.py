"""Spent weight, bans, faults and the log survive that the sandbox is killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from paydown_sandbox.bundled_document import Document
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.serving.store import Store
from paydown_sandbox.state.state_reader import read_world
from tests.sandbox.signer import NOW_MS, REPAY, Caller, state_with

BALANCE = "/papi/v1/balance"
PING = "/papi/v1/ping"
SWITCH = "/papi/v1/repay-futures-switch"
PRICE = "/sapi/v1/portfolio/asset-index-price"
HEADER = "x-mbx-used-weight-1m"
SMALL = "asset=BNB&amount=0.00000001&specifyRepayAssets=USDT"


class Life:
    """One exchange in one file, which can be started anew in the middle of a test."""

    def __init__(self, path: Path, document: Document, **members: object) -> None:
        self.path, self.document = path, document
        limits = {"weight_per_minute": 6000, "orders_per_minute": 1200}
        self.exchange = Exchange(
            state_with(**{"limits": limits, **members}), document=document, clock=Clock(NOW_MS)
        )
        self.store = Store(path)
        self.store.commit(self.exchange)

    def restart(self) -> None:
        """What was answered is on disk; everything else is gone."""
        self.store.commit(self.exchange)
        self.store.close()
        self.exchange = Exchange({}, document=self.document, clock=Clock(1))
        self.store = Store(self.path)
        self.store.load(self.exchange)

    @property
    def caller(self) -> Caller:
        """A client of the sandbox that runs now."""
        return Caller(self.exchange)

    def used(self) -> int:
        """The used weight that an answer shows, with a ping of weight 1 included."""
        return int(self.caller.raw("GET", PING).headers[HEADER])


Begin = Callable[..., Life]


@pytest.fixture
def begin(tmp_path: Path, document: Document) -> Iterator[Begin]:
    """Starts a life with members of a state document."""
    lives: list[Life] = []

    def begin(**members: object) -> Life:
        lives.append(Life(tmp_path / "exchange.db", document, **members))
        return lives[-1]

    yield begin
    for life in lives:
        life.store.close()


@pytest.mark.parametrize("window", ["sliding", "fixed"])
def test_weight_that_was_spent_stays_spent(begin: Begin, window: str) -> None:
    """Reads, errors and repayments count on after a restart, and leave the minute when they would have left it."""
    life = begin(options={"limit-window": window})
    clock = life.exchange.clock
    life.caller.repay(SMALL)
    clock.advance(10_000)
    life.caller.signed("GET", BALANCE)
    life.caller.raw("GET", BALANCE, headers={})
    life.restart()

    assert life.used() == 3000 + 20 + 20 + 1
    assert life.caller.repay(SMALL).status == 429  # 6000 would be one too many
    life.restart()
    life.exchange.clock.advance(50_000)
    assert life.used() == (20 + 20 + 1 + 1 if window == "sliding" else 1)


def test_a_restart_in_a_loop_earns_no_budget(begin: Begin) -> None:
    """A sandbox that is restarted after every call shows the same used weight as one that is not."""
    restarted = begin()
    steady = Exchange(
        state_with(limits={"weight_per_minute": 6000}), document=restarted.document, clock=Clock(NOW_MS)
    )
    shown: list[str] = []
    expected: list[str] = []
    for number in range(8):
        shown.append(restarted.caller.signed("GET", BALANCE).headers[HEADER])
        expected.append(Caller(steady).signed("GET", BALANCE).headers[HEADER])
        steady.clock.advance(9_000)
        restarted.exchange.clock.advance(9_000)
        if number % 2:
            restarted.restart()
    assert shown == expected


def test_a_ban_lasts_over_a_restart_and_the_next_is_longer(begin: Begin) -> None:
    """A ban ends at the announced time after a restart, and earlier bans are remembered."""
    life = begin(limits={"weight_per_minute": 10, "orders_per_minute": 10})
    for expected_ms in (120_000, 240_000):
        assert [life.caller.signed("GET", BALANCE).status for _ in range(6)] == [429] * 6
        life.restart()
        statuses = [life.caller.signed("GET", BALANCE).status for _ in range(5)]
        assert statuses == [429] * 4 + [418]  # ten in a row, counted over the restart
        until = life.exchange.clock.now_ms() + expected_ms
        life.restart()
        banned = life.caller.raw("GET", PING)
        assert banned.status == 418
        assert f"banned until {until}" in banned.json["msg"]
        life.exchange.clock.advance(expected_ms)
        assert life.caller.raw("GET", PING).status == 200
        life.exchange.clock.advance(60_000)


def test_a_ban_by_a_fault_lasts_over_a_restart(begin: Begin) -> None:
    """It is a ban like any other."""
    life = begin()
    life.exchange.faults.arm({"fault": "banned_418", "ban_ms": 180_000})
    life.caller.raw("GET", PING)
    life.restart()
    assert life.caller.raw("GET", PING).status == 418


def test_orders_and_hard_caps_count_on(begin: Begin) -> None:
    """The order counter of the account, and the 20 calls per day of the switch, a day later too."""
    limits = {"weight_per_minute": 100_000, "orders_per_minute": 1200}
    life = begin(limits=limits, options={"repay-counts-as-order": "true"})
    assert life.caller.repay(SMALL).headers["x-mbx-order-count-1m"] == "1"
    for _ in range(19):
        assert life.caller.signed("POST", SWITCH, "autoRepay=false").status == 200
    assert life.caller.signed("POST", SWITCH, "autoRepay=neither").status == 400  # refused before it counts
    life.restart()
    assert life.caller.repay(SMALL).headers["x-mbx-order-count-1m"] == "2"
    life.exchange.clock.advance(3_600_000)
    life.restart()
    assert life.caller.signed("POST", SWITCH, "autoRepay=true").status == 200
    assert life.caller.signed("POST", SWITCH, "autoRepay=true").status == 429
    life.exchange.clock.advance(86_400_000)
    life.restart()
    assert life.caller.signed("POST", SWITCH, "autoRepay=true").status == 200


def test_pools_stay_apart(begin: Begin) -> None:
    """A SAPI call counts in its own pool after a restart, and in no other."""
    life = begin()
    life.caller.raw("GET", PRICE, query="asset=BNB")
    life.restart()
    assert life.caller.raw("GET", PRICE, query="asset=BNB").headers["x-sapi-used-ip-weight-1m"] == "2"
    assert life.used() == 1


def test_a_new_state_starts_budgets_and_bans_over(begin: Begin) -> None:
    """PUT forgets them in memory and on disk."""
    life = begin()
    life.exchange.faults.arm({"fault": "banned_418", "ban_ms": 180_000})
    life.caller.repay(SMALL)
    from paydown_sandbox.state.state_reader import read_world

    life.exchange.install(read_world(state_with(), life.exchange.option_catalogue))
    life.restart()
    assert life.used() == 1


def test_armed_faults_go_on_where_they_stood(begin: Begin) -> None:
    """Counts, skips and the seeded chances: killed in the middle, the same requests meet the same faults."""

    def statuses(kill_after: int | None) -> list[int]:
        life = begin(seed=7)
        life.exchange.faults.arm({"fault": "waf_403_html", "probability": 0.3, "times": None})
        life.exchange.faults.arm({"fault": "service_unavailable_503", "skip": 15, "times": 12})
        found: list[int] = []
        for number in range(40):
            if number == kill_after:
                life.restart()
            found.append(life.caller.raw("GET", PING).status)
        life.store.close()
        life.path.unlink()
        return found

    whole = statuses(None)
    assert {200, 403, 503} == set(whole)
    assert statuses(20) == whole


def test_the_log_is_read_again_and_what_was_forgotten_stays_forgotten(begin: Begin) -> None:
    """Every record comes back as it was shown, signatures removed; DELETE holds over a restart."""
    life = begin(limits={"weight_per_minute": 100_000})
    life.caller.repay(SMALL)
    life.exchange.faults.arm({"fault": "executed_then_503"})
    life.caller.repay(SMALL)
    life.caller.raw("POST", REPAY, body=b"\x00\xff&signature=abc")
    life.caller.raw("GET", "/nowhere")
    before: list[dict[str, Any]] = [record.as_json() for record in life.exchange.requests]
    life.restart()
    assert [record.as_json() for record in life.exchange.requests] == before
    assert [row["moved_money"] for row in before] == [True, True, False, False]

    life.exchange.requests.clear()
    used = life.used()
    life.restart()
    assert [record.id for record in life.exchange.requests] == [5]
    assert life.used() == used + 1  # the budget is not forgotten with the log


def test_the_clock_stands_where_it_was_put(begin: Begin) -> None:
    """Freezing it is on disk although nothing else has changed."""
    life = begin()
    life.store.commit(life.exchange)
    life.exchange.clock.advance(1_234)
    life.restart()
    assert (life.exchange.clock.frozen, life.exchange.clock.now_ms()) == (True, NOW_MS + 1_234)


def test_a_ban_that_ended_does_not_return_with_a_restart(begin: Begin) -> None:
    """Lifted by time and by a call that was admitted, it is gone from the file, even if the clock is set back."""
    life = begin(limits={"weight_per_minute": 10, "orders_per_minute": 10})
    began_ms = life.exchange.clock.now_ms()
    while life.caller.signed("GET", BALANCE).status != 418:
        pass
    life.restart()
    assert life.caller.raw("GET", PING).status == 418
    life.exchange.clock.advance(120_000)
    assert life.caller.raw("GET", PING).status == 200
    life.restart()
    life.exchange.clock.set(began_ms + 1_000)
    assert life.caller.raw("GET", PING).status == 200


def test_a_new_state_lifts_bans_for_good(begin: Begin) -> None:
    """A new state starts everything over, after a restart as well."""
    life = begin()
    life.exchange.faults.arm({"fault": "banned_418", "ban_ms": 10_000_000})
    assert life.caller.raw("GET", PING).status == 418
    life.restart()
    assert life.caller.raw("GET", PING).status == 418
    life.exchange.install(read_world(state_with(), life.exchange.option_catalogue))
    assert life.caller.raw("GET", PING).status == 200
    life.restart()
    assert life.caller.raw("GET", PING).status == 200
