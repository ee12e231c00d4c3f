"""`AsyncSafeRepay` is `SafeRepay`, awaited: the same methods, decisions, journal and report."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from paydown.repay import AsyncSafeRepay, Options, SafeRepay
from paydown.repay.journal.states import AttemptState, PlanState
from tests.repay.execution.crashing import ALL_FAULTS
from tests.repay.world import World, attempts

# What ends a `with` block is named otherwise in an `async with`.
PAIRS = {"close": "aclose", "__enter__": "__aenter__", "__exit__": "__aexit__"}


def signature(method):
    """Names, kinds and defaults of the parameters."""
    return [
        (name, parameter.kind, parameter.default)
        for name, parameter in inspect.signature(method).parameters.items()
    ]


def public(kind):
    return {name for name in dir(kind) if not name.startswith("_") or name in {*PAIRS, *PAIRS.values()}}


def test_both_have_the_same_methods_with_the_same_arguments():
    """What can be asked of one can be asked of the other; what touches the exchange is awaited."""
    assert {PAIRS.get(name, name) for name in public(SafeRepay)} == public(AsyncSafeRepay)
    assert signature(SafeRepay.__init__) == signature(AsyncSafeRepay.__init__)
    for name in public(SafeRepay):
        one, other = getattr(SafeRepay, name), getattr(AsyncSafeRepay, PAIRS.get(name, name))
        if not inspect.isfunction(one):
            continue
        assert signature(one) == signature(other), name
        awaited = name in ("plan", "run", "resume", "reconcile", "settle", "correct", "adopt", *PAIRS)
        assert inspect.iscoroutinefunction(other) is awaited, name


def told(world, repayer, reports):
    """What a run came to: the same for both, but for ids and moments."""
    return {
        "reports": [(report.state, report.cause, report.repaid, report.weight) for report in reports],
        "attempts": [
            (one.intent.number, one.intent.amount, one.state, one.repaid) for one in attempts(repayer)
        ],
        "repaid": world.repaid,
        "debt": world.debt("BNB"),
        "calls": [(record.path, record.status) for record in world.exchange.requests],
        "said": [(one.kind, one.pieces_done, one.repaid, one.weight_used) for one in world.progress],
    }


def a_world(folder, fault):
    folder.mkdir()
    world = World(folder)
    world.give("BNB", borrowed="200", interest="0.2")
    world.give("USDT", free="1000000")
    if fault is not None:
        world.fault(fault, skip=1)
    return world


def blocking(folder, fault):
    world = a_world(folder, fault)
    with world.repayer(options=Options(max_wait_ms=10**9)) as repayer:
        reports = [repayer.run(repayer.plan("BNB", pay_with=["USDT"], key="k"))]
        reports += repayer.resume("k")
        repayer.reconcile()
        return told(world, repayer, reports)


def awaited(folder, fault):
    world = a_world(folder, fault)

    async def sleep(seconds):
        world.sleep(seconds)

    async def story():
        client = world.async_client(sleep=sleep)
        async with (
            client,
            world.async_repayer(client, sleep=sleep, options=Options(max_wait_ms=10**9)) as repayer,
        ):
            reports = [await repayer.run(await repayer.plan("BNB", pay_with=["USDT"], key="k"))]
            reports += await repayer.resume("k")
            await repayer.reconcile()
            return told(world, repayer, reports)

    return asyncio.run(story())


@pytest.mark.parametrize("fault", [None, *ALL_FAULTS])
def test_both_tell_the_same_story(tmp_path, fault):
    """With any fault of the second piece: call for call, attempt for attempt, word for word the same."""
    one, other = blocking(tmp_path / "blocking", fault), awaited(tmp_path / "awaited", fault)

    assert one == other
    assert one["reports"][-1][0] is PlanState.DONE
    assert one["debt"] == 0


def test_a_cancelled_task_leaves_the_attempt_unknown_and_the_next_one_settles_it(tmp_path):
    """Cancelled while the answer is on its way: it may have happened, the journal records it, nothing is paid twice."""
    world = a_world(tmp_path / "w", None)

    async def sleep(seconds):
        world.sleep(seconds)

    async def story():
        client = world.async_client(sleep=sleep)
        async with client, world.async_repayer(client, sleep=sleep) as repayer:
            plan = await repayer.plan("BNB", "1", pay_with=["USDT"], key="k")
            task = asyncio.ensure_future(repayer.run(plan))
            world.cancels = task
            with pytest.raises(asyncio.CancelledError):
                await task
            states = [one.state for one in attempts(repayer)]
            (report,) = await repayer.resume("k")
            return states, report

    states, report = asyncio.run(story())

    assert states == [AttemptState.UNKNOWN]
    assert report.state is PlanState.DONE
    assert len(world.repaid) == 1
