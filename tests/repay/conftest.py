"""The world in which most tests of a repayment play."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repay.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An account that owes 12.01 BNB and can pay it many times over."""
    world = World(tmp_path)
    world.give("BNB", borrowed="12", interest="0.01")
    world.give("USDT", free="5000000")
    return world
