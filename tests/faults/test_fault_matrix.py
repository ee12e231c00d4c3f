"""Every fault of the table, met by our own client, against two exchanges that share no code.

The exception's type alone must say what may be concluded, and a caller who tries three times over any
exception must never repay twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from paydown import (
    AsyncClient,
    Client,
    Credentials,
    OutcomeUnknown,
    RepayDebtResult,
    RequestNotSent,
    RequestRejected,
    UnresolvedOutcome,
)
from paydown.budget import MemoryBudget
from tests.doubles.independent_fake import FakeExchange, refused_url
from tests.faults.fault_behaviour import FAULT_BEHAVIOUR
from tests.faults.fault_table import BY_NAME, FAULTS, STRANGER_FAULTS, Expected, Fault
from tests.interop.exchange import Exchange, Fake, Sandbox

TRIES = 3
SHORT_S, LONG_S = 0.3, 10.0
NEVER_ANSWERED = ("executed_then_delay", "delay_before")

# Refused for its timestamp, so certainly not executed: the client asks for the time and sends it once more.
HEALED = {"clock_skew": "done"}

# Made once: it costs more than all the rest of a new client.
TLS = ssl.create_default_context()

Outcome = tuple[Expected, object]


class Ticks:
    """Milliseconds of a clock on which waiting takes no time; the budget's pauses run on it."""

    def __init__(self) -> None:
        self.now_ms = 0

    def read(self) -> int:
        return self.now_ms

    def sleep(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000) + 1

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


@pytest.fixture(scope="module")
def fake() -> Iterator[Fake]:
    """The independent fake, in a thread."""
    with Fake.started() as exchange:
        yield exchange


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The sandbox, as a process."""
    with Sandbox.started() as exchange:
        yield exchange


def told_by_type(call: Callable[[], object]) -> Outcome:
    """What the caller learns, from the type of the exception and nothing else."""
    try:
        return "done", call()
    except RequestNotSent as error:
        return "not-sent", error
    except RequestRejected as error:
        return "rejected", error
    except OutcomeUnknown as error:
        return "unknown", error


def credentials(exchange: Exchange) -> Credentials:
    return Credentials.hmac(exchange.target.key, exchange.target.secret)


@contextlib.contextmanager
def repaying(exchange: Exchange, url: str, timeout_s: float) -> Iterator[Callable[[], RepayDebtResult]]:
    """A new blocking client, as a function that repays half a BNB."""
    ticks = Ticks()
    with Client(
        credentials(exchange), base_url=url, answer_timeout_s=timeout_s,
        budget=MemoryBudget(ticks=ticks.read), ticks=ticks.read, sleep=ticks.sleep, ssl_context=TLS,
    ) as client:  # fmt: skip
        yield lambda: client.margin.repay_debt(
            asset="BNB", amount=Decimal("0.5"), specify_repay_assets=["USDT"]
        )


@contextlib.contextmanager
def repaying_async(exchange: Exchange, url: str, timeout_s: float) -> Iterator[Callable[[], RepayDebtResult]]:
    """The same with a new awaited client."""
    ticks = Ticks()
    client = AsyncClient(
        credentials(exchange), base_url=url, answer_timeout_s=timeout_s,
        budget=MemoryBudget(ticks=ticks.read), ticks=ticks.read, sleep=ticks.sleep_async, ssl_context=TLS,
    )  # fmt: skip

    async def repay() -> RepayDebtResult:
        return await client.margin.repay_debt(
            asset="BNB", amount=Decimal("0.5"), specify_repay_assets=["USDT"]
        )

    with asyncio.Runner() as runner:
        try:
            yield lambda: runner.run(repay())
        finally:
            runner.run(client.aclose())


Repaying = Callable[[Exchange, str, float], contextlib.AbstractContextManager[Callable[[], RepayDebtResult]]]


def loop(exchange: Exchange, fault: Fault, repaying: Repaying) -> list[Outcome]:
    """Try up to three times over any exception, the fault striking the first try."""
    timeout_s = SHORT_S if fault.name in NEVER_ANSWERED else LONG_S
    exchange.forget()
    with contextlib.ExitStack() as stack:
        if fault.name == "connection_refused":
            url = stack.enter_context(refused_url())
        else:
            url = exchange.target.url
            exchange.fail_next(fault.name, timeout_s)
        repay = stack.enter_context(repaying(exchange, url, timeout_s))
        outcomes: list[Outcome] = []
        for _ in range(TRIES):
            outcomes.append(told_by_type(repay))
            if outcomes[-1][0] == "done":
                break
    return outcomes


def check(exchange: Exchange, fault: Fault, outcomes: list[Outcome]) -> None:
    """The type is right, the loop repaid at most once, and what may have happened is not tried again."""
    first, what = outcomes[0]
    assert first == HEALED.get(fault.name, fault.expected), f"{fault.why}: {what!r}"
    executed = exchange.executed("BNB")
    assert executed <= 1
    if first == "unknown":
        assert [type(error) for _, error in outcomes[1:]] == [UnresolvedOutcome] * (TRIES - 1)
        assert executed == int(fault.executes)
    if first == "done":
        assert executed == 1


def by_name(fault: Fault) -> str:
    return fault.name


@pytest.mark.parametrize("repaying", [repaying, repaying_async], ids=["blocking", "awaited"])
@pytest.mark.parametrize("fault", FAULTS + STRANGER_FAULTS, ids=by_name)
def test_type_says_what_is_known_and_a_loop_repays_once(fake: Fake, fault: Fault, repaying: Repaying) -> None:
    """Against the fake, the exception's type is that of the table, and three tries repay at most once."""
    check(fake, fault, loop(fake, fault, repaying))


@pytest.mark.parametrize("repaying", [repaying, repaying_async], ids=["blocking", "awaited"])
@pytest.mark.parametrize("fault", FAULTS, ids=by_name)
def test_sandbox_shows_the_same_faults(sandbox: Sandbox, fault: Fault, repaying: Repaying) -> None:
    """Against the sandbox, the same name gives the same type, and three tries repay at most once."""
    check(sandbox, fault, loop(sandbox, fault, repaying))


def test_table_counts_thirty_one_and_both_exchanges_know_it() -> None:
    """The README says thirty-one; each has a name of its own, and the fake knows every fault it can make."""
    assert len(FAULTS) == 31
    assert len(BY_NAME) == len(FAULTS) + len(STRANGER_FAULTS)
    assert set(BY_NAME) == {*FAULT_BEHAVIOUR, "connection_refused"}
    for name, (when, _) in FAULT_BEHAVIOUR.items():
        assert BY_NAME[name].executes is (when != "never"), name


def test_fault_strikes_once_and_only_a_valid_repayment(fake: Fake) -> None:
    """A fault stays armed while requests with a wrong signature arrive, and is gone after it struck."""
    fake.forget()
    fake.fail_next("service_unavailable_503", LONG_S)
    wrong = Credentials.hmac(fake.target.key, "another-secret")
    with Client(wrong, base_url=fake.target.url) as client, pytest.raises(RequestRejected) as refused:
        client.margin.repay_debt(asset="BNB", amount="0.5")
    assert refused.value.code == -1022

    outcomes = loop(fake, BY_NAME["service_unavailable_503"], repaying)

    assert [kind for kind, _ in outcomes] == ["rejected", "done"]
    assert fake.executed() == 1


def test_fake_names_are_refused_when_misspelt() -> None:
    """A fault that does not exist is an error, not a test that passes for nothing."""
    with pytest.raises(ValueError, match="no fault"):
        FakeExchange().fail_next("executed_then_504")
