"""The protocol, checked over every interleaving by spin (package `spin`), and each defence taken away once."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).resolve().parents[2] / "models" / "never_twice.pml"

missing = [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]
pytestmark = pytest.mark.skipif(
    bool(missing), reason=f"{' and '.join(missing)} not installed (apt install spin gcc)"
)

TWICE = "assertion violated (paid==0)"
UNWRITTEN = "assertion violated (journal["


def check(folder, *defines, live=False):
    """Explore the whole state space; returns spin's words about it."""
    flags = [f"-D{define}" for define in defines]
    subprocess.run(["spin", "-a", *flags, str(MODEL)], cwd=folder, check=True, capture_output=True)
    kind = ["-DNFAIR=3"] if live else ["-DSAFETY", "-DNOCLAIM"]
    optimise = "-O1" if live or "NO_LOCK" in defines else "-O0"  # compiling costs more than most searches
    compiler = ["gcc", "-w", optimise, *kind, "-o", "pan", "pan.c"]
    subprocess.run(compiler, cwd=folder, check=True, capture_output=True)
    options = ["-m200000", "-w22", *(["-a", "-f"] if live else [])]
    told = subprocess.run(["./pan", *options], cwd=folder, check=True, capture_output=True, text=True).stdout
    assert "max search depth too small" not in told
    return told


def errors(told):
    return int(re.search(r"errors: (\d+)", told)[1])


def test_never_twice_none_lost_no_wrong_end(tmp_path):
    """With three kills and two processes no order of events pays twice, loses an attempt or ends wrongly."""
    told = check(tmp_path)

    assert errors(told) == 0
    assert int(re.search(r"(\d+) states, stored", told)[1]) > 100_000  # it did look


def test_every_run_ends(tmp_path):
    """Under weak fairness every run comes to DONE, STOPPED or UNDECIDED."""
    assert errors(check(tmp_path, "KILLS=1", live=True)) == 0


@pytest.mark.parametrize(
    ("taken_away", "breaks"),
    [
        ("RETRY_UNKNOWN", TWICE),
        ("INTENT_AFTER_SENDING", UNWRITTEN),
        ("NO_DEADLINE", TWICE),
        ("NO_LOCK NO_NUMBER", TWICE),
        ("LYING_REFUSAL", TWICE),
        ("LATE_ACCEPTANCE", TWICE),
        ("DUPLICATE_DELIVERY", TWICE),
    ],
    ids=lambda value: value if value.isupper() else "",
)
def test_without_a_defence_or_an_assumption_it_breaks(tmp_path, taken_away, breaks):
    """Each rule of the protocol, and each thing assumed of the world, is needed."""
    told = check(tmp_path, *taken_away.split())

    assert errors(told) == 1
    assert breaks in told


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("taken_away", ["NO_LOCK KILLS=0", "NO_INDEX NO_NUMBER"])
def test_lock_and_journal_each_suffice_alone(tmp_path, taken_away):
    """The kernel's lock and the journal's own rules each keep two processes apart without the other."""
    assert errors(check(tmp_path, *taken_away.split())) == 0


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_every_run_ends_with_three_kills(tmp_path):
    """The same as above, with more kills than there are tries."""
    assert errors(check(tmp_path, "KILLS=3", live=True)) == 0
