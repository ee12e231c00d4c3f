"""INTENT is written once per piece, by the repayer that sends it, and by no other one on the same client."""

from __future__ import annotations

from decimal import Decimal

import pytest

from paydown.repay import SafeRepay
from paydown.repay.journal.states import AttemptState
from tests.repay.world import World


@pytest.fixture
def world(tmp_path):
    """An account that owes 188 BNB and can pay it many times over."""
    world = World(tmp_path)
    world.give("BNB", borrowed="188")
    world.give("USDT", free="5000000")
    return world


def test_fifty_repayers_on_one_client_write_one_intent_per_piece(world):
    """Repayers that were closed, and those that are still open, observe no call of another one."""
    written: list[tuple[int, str]] = []
    opened: list[SafeRepay] = []
    with world.client() as client:
        for number in range(50):
            repayer = world.repayer(
                client,
                journal=f"{number}.db",
                trace=lambda step, side, number=number: written.append((number, f"{side} {step}")),
            )
            opened.append(repayer)
            if number % 2:
                repayer.close()
        last = opened[48]
        report = last.run(last.plan("BNB", "100", pay_with=["USDT"], key="k"))

    attempts = last.journal.attempts.since(last.account, 0)
    others = [one.journal.attempts.since(one.account, 0) for one in opened[:48:2]]
    for repayer in opened[::2]:
        repayer.close()
    assert len(report.attempts) >= 2
    assert [number for number, step in written if step == "after write INTENT"] == [48] * len(report.attempts)
    assert [one.state for one in attempts] == [AttemptState.EXECUTED] * len(report.attempts)
    assert others == [[]] * 24
    assert sum(world.repaid) == Decimal(100)
