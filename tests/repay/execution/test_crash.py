"""Real processes are killed with SIGKILL at every step; in every case the debt is repaid exactly once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from paydown.repay.execution.commands import Step
from tests.repay.execution.crashing import ALL_FAULTS, NetStep

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the program forks, which POSIX has"),
    pytest.mark.timeout(3600),  # the full form, on a machine that has other things to do
]

FULL = pytest.param("full", marks=pytest.mark.deep)


def cases(tmp_path, kind, full):
    """Run the program; one dict per case."""
    command = [
        sys.executable,
        "-m",
        "tests.repay.execution.crashing",
        str(tmp_path / "cases"),
        kind,
        *([full] if full else []),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_repaid_once(case):
    """The debt is gone, it took two repayments, and the journal knows both of them and nothing open."""
    assert case["error"] is None, case
    assert case["state"] == "DONE", case
    assert Decimal(case["debt"]) == 0, case
    assert sum(map(Decimal, case["executed"])) == Decimal("100.5"), case
    assert sorted(map(Decimal, case["paid"])) == sorted(map(Decimal, case["executed"])), case
    assert not {"INTENT", "UNKNOWN"} & set(case["attempts"]), case


@pytest.mark.parametrize("full", ["", FULL])
def test_killed_at_every_step_the_debt_is_repaid_once(tmp_path, full):
    """Whichever step of journal or network a process dies in, resume pays what is left and not what is paid."""
    found = cases(tmp_path, "steps", full)

    for case in found:
        assert_repaid_once(case)
    names = " ".join(case["case"] for case in found)
    for step in NetStep:  # every network step of the repayment itself and of every kind of read
        for path in ("repay-debt", "balance", "account", "time", "asset-index-price", "capital-flow"):
            assert f"{step}: {path}" in names


@pytest.mark.parametrize("full", ["", FULL])
def test_killed_while_cleaning_up_the_debt_is_repaid_once(tmp_path, full):
    """A process that dies while it settles what another one left open leaves nothing worse behind."""
    for case in cases(tmp_path, "recovery", full):
        assert_repaid_once(case)


def test_no_step_is_skipped(tmp_path):
    """Every step that the code names is reached, before and after, by one of the two plans that are killed."""
    marks = set()
    for kind in ("steps", "recovery"):
        command = [sys.executable, "-m", "tests.repay.execution.crashing", str(tmp_path / kind), kind]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            marks |= set(json.loads(process.stdout.readline())["marks"])  # the undisturbed run comes first
            process.terminate()

    assert {f"{side} {step}" for step in Step for side in ("before", "after")} <= marks


@pytest.mark.parametrize("full", ["", FULL])
def test_killed_around_every_fault_the_debt_is_repaid_once(tmp_path, full):
    """Every fault, a kill while it strikes (in full: around it, with another process that wants the account)."""
    found = cases(tmp_path, "faults", full)

    assert {case["case"].partition(":")[0] for case in found} == set(ALL_FAULTS)
    for case in found:
        if "waf_403_html" in case["case"] and case["state"] == "STOPPED":
            # Refused for good: the plan stops in good order, with nothing in doubt and nothing paid twice.
            assert Decimal(case["debt"]) + sum(map(Decimal, case["executed"])) == Decimal("100.5"), case
            assert not {"INTENT", "UNKNOWN"} & set(case["attempts"]), case
            continue
        assert_repaid_once(case)
    # While the first process lives the other one is refused; when it is dead, the other one may take over.
    assert {case["intruder"] for case in found} <= {None, "AccountBusy AccountBusy", "resumed resumed"}
    if full:
        assert any(case["intruder"] == "AccountBusy AccountBusy" for case in found)
