"""The protocol, checked over every interleaving by spin, with each defence taken away and each assumption denied once.

Two models in `models/`: `verdict.pml` for what snapshots prove, `never_twice.pml` for processes, journal and
its memory. Each states in its head what it covers and what every switch means. A model is compiled once; variants are
the same program with other values in the environment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

MODELS = Path(__file__).resolve().parents[3] / "models"

missing = [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]
pytestmark = [
    pytest.mark.skipif(bool(missing), reason=f"{' and '.join(missing)} not installed (apt install spin gcc)"),
    pytest.mark.timeout(300),  # seconds on an idle machine, but a search does not wait for anything
]

# What a switch of each model watches, and which of its assertions that is.
WATCHED = {"twice": "watch_twice", "lost": "watch_lost", "ends": "watch_ends"}

# How each end is numbered by the assertions that deny it.
ENDS = {
    1: "DONE",
    2: "STOPPED",
    3: "UNDECIDED",
    4: "PROVEN_EXECUTED",
    5: "PROVEN_NOT_EXECUTED",
    6: "a refusal that is doubted",
}


class Variant(NamedTuple):
    """Values that differ from those in the model, and the property that they break; "" if everything must hold."""

    model: str
    breaks: str
    switches: str

    def __str__(self) -> str:
        return f"{self.model}, {self.switches or 'as it is'}"


def rows(model, table):
    """Read a table, one variant a line: what breaks, or `holds`, and the switches."""
    found = []
    for line in table.strip().splitlines():
        breaks, _, switches = line.strip().partition(" ")
        found.append(Variant(model, "" if breaks == "holds" else breaks, switches.strip()))
    return found


# What the code does, in the world that it is made for. Then each defence taken away and each assumption denied, with
# what still holds then, and what would hold with a defence that the code does without.
VARIANTS = [
    *rows(
        "verdict",
        """
        holds  kills=1 borrows=1
        holds  borrows=2
        holds  repays=2
        holds  borrows=1 repays=1
        holds  kills=1 pieces=2 tries_allowed=3
        holds  looks_allowed=4 borrows=2
        ends   quiet=0 pieces=2 tries_allowed=3 repays=2 late=0 stale=0 lies=0
        ends   base_age=0 repays=2
        holds  stale_base=1 pieces=2 tries_allowed=3
        ends   stale_base=1 pieces=2 tries_allowed=3 retake=0
        ends   final_look=0
        twice  look_behind=0
        holds  look_behind=0 lies=0
        twice  second_look=0 late=0
        holds  second_look=0 stale=0 kills=1 watch_ends=0
        ends   second_look=0 stale=0
        twice  second_look=0 stale=0 fell_later=0
        holds  second_look=0 stale=0 late=0
        twice  time=0
        holds  time=0 late=0 borrows=2
        twice  time=0 late=0 deadline=0
        twice  list_lag=0 borrows=2
        twice  rows_explain=1
        holds  shared_base=1 watch_ends=0 pieces=2 tries_allowed=3
        twice  late_part=1
        holds  late_part=1 later_rows=0
        holds  late_part=1 late_pair=1
        twice  late_borrow=1 borrows=2
        twice  late_borrow=1 borrows=2 later_rows=0
        holds  late_borrow=1 borrows=2 late_pair=1
        twice  by_then=0
        twice  recv_window=0
        twice  once=0
        twice  lies_late=1
        twice  lies_lag=1
        holds  lies_lag=1 quiet_behind=1
        twice  lies_hidden=1 borrows=2
        ends   alternating=1 pieces=2 tries_allowed=3
        holds  alternating=1 pieces=2 tries_allowed=3 quiet_settled=1
        holds  borrows=2 late_pair=1 late_part=1 late_borrow=1 quiet_behind=1 lies_lag=1 quiet_settled=1 alternating=1
        holds  never_listed=1 borrows=2 lies=0 late=0 stale=0
        twice  never_listed=1 borrows=2 lies=0 late=0 stale=0 holdings=0
        twice  never_listed=1 borrows=2 lies=0 late=0 stale=0 refilled=1
        holds  never_listed=1 borrows=2 lies=0 late=0 stale=0 refilled=1 rows_left=1
        twice  never_listed=1 borrows=2 lies=0 late=0 stale=0 refilled=1 rows_left=1 rows_brake=0
        twice  never_listed=1 borrows=2 lies=0 stale=0
        twice  never_listed=1 borrows=2 lies=0 late=0
        holds  never_listed=1 borrows=2 lies=0 late=0 holdings_all=1
        """,
    ),
    *rows(
        "never_twice",
        """
        holds  kills=3
        holds  kills=1 resigns=1
        holds  kills=1 corrections=1 runs=1
        holds  kills=1 restores=1 workers=1 runs=1 strangers=0 lies=0
        twice  settled=0
        lost   intent_first=0
        twice  intent_first=0 kills=1
        twice  deadline=0
        twice  look_behind=0
        holds  look_behind=0 lies=0 kills=1
        holds  one_lock=0
        twice  one_lock=0 strangers=0 lies=0 number=0
        holds  one_open=0 number=0 kills=1
        twice  one_lock=0 strangers=0 lies=0 resigns=1 resign_check=0
        holds  kills=1 resigns=1 resign_check=0
        twice  memory=0 kills=1 restores=1 workers=1 runs=1 strangers=0 lies=0
        twice  memory_first=0 kills=1 restores=1 workers=1 runs=1 strangers=0 lies=0
        twice  memory_kept=0 kills=1 restores=1 workers=1 runs=1 strangers=0 lies=0
        holds  file_check=0 kills=1 restores=1 workers=1 strangers=0 lies=0
        twice  person_right=0 corrections=1 runs=1
        twice  person_right=0 corrections=1 kills=1 restores=1 workers=1 runs=1 strangers=0 lies=0
        twice  person_waits=0 corrections=1 runs=1 kills=1
        twice  recv_window=0
        twice  once=0
        """,
    ),
]

# The same with more of everything: a minute or two, and up to two gigabytes.
DEEP = [
    *rows(
        "verdict",
        """
        holds  kills=1 borrows=1 repays=1
        holds  kills=1 repays=2
        holds  kills=2 pieces=2 tries_allowed=3
        holds  pieces=2 tries_allowed=3 borrows=1 repays=1
        holds  kills=1 borrows=1 repays=1 late_pair=1 late_part=1 late_borrow=1 quiet_behind=1 lies_lag=1
        holds  look_behind=0 lies=0 borrows=1 repays=1
        holds  never_listed=1 borrows=2 lies=0 holdings_all=1
        holds  shared_base=1 watch_ends=0 pieces=2 tries_allowed=3 repays=1
        """,
    ),
    *rows(
        "never_twice",
        """
        holds  kills=3 tries=3
        holds  kills=1 resigns=1 tries=3
        holds  kills=1 corrections=1 runs=1 tries=3
        holds  kills=1 restores=1 corrections=1 workers=1 runs=1 strangers=0 lies=0
        holds  restores=1 runs=1 strangers=0 lies=0
        holds  one_lock=0 resigns=1 strangers=0 lies=0
        holds  one_open=0 number=0 kills=2 tries=3
        """,
    ),
]

# Under weak fairness each of these comes to an end.
ENDING = [
    *rows("verdict", "holds  kills=1\nholds  borrows=1\nholds  repays=1"),
    *rows("never_twice", "holds  kills=1\nholds  kills=1 corrections=1 runs=1 workers=1"),
]
ENDING_DEEP = [
    *rows("verdict", "holds  kills=1 borrows=1\nholds  kills=1 repays=1\nholds  borrows=1 repays=1"),
    *rows("never_twice", "holds  kills=1 restores=1 workers=1 runs=1 strangers=0 lies=0"),
]


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """Compile a model once for all workers of this run; return the path of the program."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # the folder of a worker lies in that of the run

    def built(model, *, live=False):
        import fcntl  # not on Windows, where this module is skipped for want of spin

        folder = root / f"model-{model}-{'live' if live else 'safe'}"
        folder.mkdir(exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "pan").exists():
                source = str(MODELS / f"{model}.pml")
                subprocess.run(["spin", "-a", source], cwd=folder, check=True, capture_output=True)
                kind = ["-DNFAIR=3"] if live else ["-DSAFETY", "-DNOCLAIM"]
                compiler = ["gcc", "-w", "-O1", *kind, "-o", "made", "pan.c"]
                subprocess.run(compiler, cwd=folder, check=True, capture_output=True)
                (folder / "made").rename(folder / "pan")
        return folder / "pan"

    return built


def explore(pan, folder, model, switches, *, live=False):
    """Explore the whole state space with these switches; return what the program prints about it."""
    values = dict(item.split("=") for item in switches.split())
    known = set(re.findall(r"SWITCH\((\w+),", (MODELS / f"{model}.pml").read_text(encoding="utf-8")))
    assert set(values) <= known, "no such switch"
    command = [str(pan), "-m100000", "-w22", *(["-a", "-f"] if live else [])]
    run = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, env=values)
    assert "max search depth too small" not in run.stdout
    return run.stdout


def errors(output):
    return int(re.search(r"errors: (\d+)", output)[1])


def only(watched, model):
    """Return the switches that watch one property and no other."""
    rest = {"verdict": ("twice", "ends"), "never_twice": ("twice", "lost", "ends")}[model]
    return "".join(f" {WATCHED[other]}=0" for other in rest if other != watched)


def check(program, folder, variant):
    """Assert that a variant holds, or breaks just what it is expected to break."""
    pan = program(variant.model)
    if not variant.breaks:
        output = explore(pan, folder, variant.model, variant.switches)
        assert errors(output) == 0, output
        assert float(re.search(r"(\S+) states, stored", output)[1]) > 1_000, "it did not look"
        return
    output = explore(pan, folder, variant.model, variant.switches + only(variant.breaks, variant.model))
    assert errors(output) == 1, output
    broken = re.search(r"pan:1: (.*)", output)[1]
    assert "assertion violated" in broken
    assert WATCHED[variant.breaks] in broken


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_each_defence_and_each_assumption_is_needed(program, tmp_path, variant):
    """The protocol holds as it is; without a defence, or in a world that is assumed away, what is named breaks."""
    check(program, tmp_path, variant)


@pytest.mark.parametrize("variant", ENDING, ids=str)
def test_every_run_ends(program, tmp_path, variant):
    """Under weak fairness every run comes to DONE, STOPPED or UNDECIDED, or is refused."""
    output = explore(program(variant.model, live=True), tmp_path, variant.model, variant.switches, live=True)

    assert errors(output) == 0, output


@pytest.mark.parametrize("model", ["verdict", "never_twice"])
@pytest.mark.parametrize("end", ENDS, ids=ENDS.get)
def test_every_end_is_reached(program, tmp_path, model, end):
    """No property holds only because the model never comes that far: each end, when denied, is found."""
    switches = f"reach={end}" + "".join(only("", model))

    output = explore(program(model), tmp_path, model, switches)

    assert errors(output) == 1
    assert "reach!=" in re.search(r"pan:1: (.*)", output)[1]


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("variant", DEEP, ids=str)
def test_the_protocol_holds_with_more_of_everything(program, tmp_path, variant):
    """More deaths, other users, looks and attempts change nothing."""
    check(program, tmp_path, variant)


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("variant", ENDING_DEEP, ids=str)
def test_every_longer_run_ends(program, tmp_path, variant):
    """The same as above, with more deaths and other users, and with a journal that is restored."""
    output = explore(program(variant.model, live=True), tmp_path, variant.model, variant.switches, live=True)

    assert errors(output) == 0, output
