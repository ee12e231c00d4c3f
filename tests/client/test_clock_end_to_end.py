"""Wrong clocks on both sides of a real socket, with the exchange in a process of its own: no caller sees a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from paydown import AsyncClient, Client, Credentials
from tests.client.support.kit import REPAY, Plenty
from tests.interop.exchange import KEY, SECRET, Sandbox


@pytest.fixture(scope="module")
def process() -> Iterator[Sandbox]:
    """One process for all tests here."""
    with Sandbox.started() as sandbox:
        yield sandbox


@pytest.fixture
def exchange(process) -> Iterator[str]:
    """Its address; the world is new and the clocks agree."""
    process.forget()
    url = process.target.url
    httpx.request("DELETE", f"{url}/_sandbox/faults")
    httpx.request("DELETE", f"{url}/_sandbox/requests")
    set_clock(url, 0)
    yield url
    httpx.request("DELETE", f"{url}/_sandbox/faults")
    set_clock(url, 0)


def set_clock(url: str, ahead_ms: int) -> None:
    """Let the exchange's clock run so far ahead of this machine's."""
    now_ms = time.clock_gettime_ns(time.CLOCK_REALTIME) // 1_000_000
    httpx.post(f"{url}/_sandbox/clock", json={"set_ms": now_ms + ahead_ms}).raise_for_status()


def repayments(url: str) -> list[int]:
    """The statuses of all repayments that arrived."""
    arrived = httpx.get(f"{url}/_sandbox/requests").json()
    found = arrived["requests"] if isinstance(arrived, dict) else arrived
    return [one["status"] for one in found if one["path"] == REPAY]


def run(colour: str, url: str, between: Callable[[], None]) -> list[bool]:
    """Read, repay, let something happen, repay and read again; whether each call succeeded."""
    key = Credentials.hmac(KEY, SECRET)

    async def awaited() -> list[bool]:
        async with AsyncClient(key, base_url=url, budget=Plenty()) as pm:
            done = [bool(await pm.account.balance()), (await repay(pm)).success]
            between()
            done += [(await repay(pm)).success, bool(await pm.account.balance())]
            assert pm.unresolved == ()
            return done

    if colour == "awaited":
        return asyncio.run(awaited())
    with Client(key, base_url=url, budget=Plenty()) as pm:
        done = [bool(pm.account.balance()), repay(pm).success]
        between()
        done += [repay(pm).success, bool(pm.account.balance())]
        assert pm.unresolved == ()
        return done


def repay(pm: Any) -> Any:
    """A little of the debt."""
    return pm.margin.repay_debt(asset="BNB", amount="0.00000001", specify_repay_assets=["USDT"])


COLOURS = pytest.mark.parametrize("colour", ["blocking", "awaited"])


@COLOURS
@pytest.mark.parametrize("ahead_ms", [5_000, -8_000])
def test_a_clock_that_is_off_is_asked_for_before_the_first_signature(colour, exchange, ahead_ms):
    """Nothing is refused: each repayment leaves once."""
    set_clock(exchange, ahead_ms)

    assert all(run(colour, exchange, lambda: None))
    assert repayments(exchange) == [200, 200]


@COLOURS
@pytest.mark.parametrize("ahead_ms", [8_000, -8_000])
def test_an_exchange_whose_clock_jumps_refuses_once_and_is_asked_again(colour, exchange, ahead_ms):
    """-1021 was not executed: signed anew with the right time, and sent once more."""
    assert all(run(colour, exchange, lambda: set_clock(exchange, ahead_ms)))
    assert repayments(exchange) == [200, 400, 200]


@COLOURS
@pytest.mark.parametrize("jump_ms", [3_600_000, -3_600_000, 5_000, -8_000])
def test_a_local_clock_that_is_set_during_the_run_changes_nothing(colour, exchange, jump_ms, monkeypatch):
    """Somebody sets the date, or NTP steps it: the exchange is asked again, and nothing is refused."""
    real = time.time_ns

    def jump() -> None:
        monkeypatch.setattr(time, "time_ns", lambda: real() + jump_ms * 1_000_000)

    assert all(run(colour, exchange, jump))
    assert repayments(exchange) == [200, 200]


@COLOURS
@pytest.mark.parametrize("skew_ms", [8_000, -8_000])
def test_a_request_that_arrives_at_the_wrong_time_is_repeated_with_a_fresh_signature(
    colour, exchange, skew_ms
):
    """The fault `clock_skew` strikes one repayment."""

    def arm() -> None:
        fault = {"match": {"path": REPAY}, "fault": "clock_skew", "times": 1, "skew_ms": skew_ms}
        httpx.post(f"{exchange}/_sandbox/faults", json=fault).raise_for_status()

    assert all(run(colour, exchange, arm))
    assert repayments(exchange) == [200, 400, 200]
