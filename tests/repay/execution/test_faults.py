"""Every fault of the exchange, on every piece: nothing is paid twice, and everything decidable is decided."""

from __future__ import annotations

from decimal import Decimal

import pytest

from paydown.repay import Options
from paydown.repay.journal.states import PlanState
from tests.faults.fault_table import FAULTS as TABLE
from tests.repay.execution.crashing import ALL_FAULTS
from tests.repay.world import World, attempts

FOR_GOOD = {"waf_403_html"}  # refused for a reason that does not pass: the plan stops


def test_every_fault_of_the_table_is_met():
    """The thirty-one ways in which the clients of others are measured are all among those below."""
    assert {fault.name for fault in TABLE} <= set(ALL_FAULTS)
    assert len(TABLE) == 31


@pytest.mark.parametrize("fault", ALL_FAULTS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"repay-debt-record": "record", "repay-debt-flow": "row", "whole-debt-answer-amount": "present"},
        {"repayment-order": "principal-first", "conversion-fee-rate": "0.01"},
    ],
    ids=["no-rows", "rows", "principal-first-and-fee"],
)
def test_a_fault_on_any_piece_costs_nothing_but_time(tmp_path, fault, options):
    """The first and the last of three pieces meet the fault; afterwards the debt is gone, paid exactly once."""
    world = World(tmp_path, options=options)
    world.give("BNB", borrowed="200", interest="0.2")
    world.give("USDT", free="1000000")
    world.fault(fault)
    world.fault(fault, skip=2)

    with world.repayer(options=Options(max_wait_ms=10**9)) as repayer:
        report = repayer.run(repayer.plan("BNB", pay_with=["USDT"], key="k"))
        while report.cause == "refused" and fault in FOR_GOOD:
            (report,) = repayer.resume("k")
        states = [attempt.state for attempt in attempts(repayer)]

    assert report.state is PlanState.DONE
    assert world.debt("BNB") == 0
    assert len(world.repaid) == 3
    assert sum(state.paid for state in states) == 3
    assert not any(state.open for state in states)


@pytest.mark.parametrize("fault", ALL_FAULTS)
def test_a_fault_on_an_exact_amount_never_repays_more(tmp_path, fault):
    """With an amount asked for, no fault makes the account pay a digit beyond it."""
    world = World(tmp_path)
    world.give("BNB", borrowed="200", interest="0.2")
    world.give("USDT", free="1000000")
    world.fault(fault, times=2)

    with world.repayer(options=Options(max_wait_ms=10**9)) as repayer:
        report = repayer.run(repayer.plan("BNB", "90.12345678", pay_with=["USDT"], key="k"))
        while report.cause == "refused" and fault in FOR_GOOD:
            (report,) = repayer.resume("k")

    assert report.state is PlanState.DONE
    assert sum(world.repaid) == Decimal("90.12345678") == report.repaid
