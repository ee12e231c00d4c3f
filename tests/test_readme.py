"""What the README prints works when pasted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import readme
from paydown import errors
from paydown.cli.main import build_parser

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.strip() for line in re.findall(r"^    (.*)$", README, re.MULTILINE)]


def test_the_readme_has_python_to_paste():
    """The first screen shows Python, and so there is something to run."""
    assert PYTHON_BLOCKS


def printed_by(block: str, folder: Path) -> list[str]:
    """Run a block in an empty folder, with no key and no network; returns the lines that it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PAYDOWN_")}
    environment["XDG_STATE_HOME"] = str(folder / "state")
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=45,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("block", PYTHON_BLOCKS, ids=range(len(PYTHON_BLOCKS)))
def test_python_of_the_readme_runs_as_pasted(block: str, tmp_path: Path):
    """Each Python block runs on its own, in an empty folder, with no key and no network."""
    printed = printed_by(block, tmp_path)  # whole lines: "0E-8" is not the "0" that was promised
    for line in re.findall(r"# prints? (.*)$", block, re.MULTILINE):
        assert line in printed


def test_the_first_example_of_the_readme_shows_a_lost_answer(tmp_path: Path):
    """The answer is lost, the client says so and refuses to guess, and the debt is gone all the same."""
    told, ended = printed_by(PYTHON_BLOCKS[0], tmp_path)
    assert told.startswith("margin.repay_debt of BNB may have happened: ")
    assert "HTTP 503" in told
    assert "Do not send it again." in told
    assert ended == "debt gone: True"


def test_every_make_target_of_the_readme_exists():
    """`make X` in the README is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z][a-z-]*)", README))
    assert named
    assert named <= targets


def test_every_command_of_the_readme_parses():
    """`paydown ...` in the README is understood by the command line."""
    lines = [line.partition("#")[0].split() for line in COMMANDS if line.startswith("paydown ")]
    assert lines
    for words in lines:
        if words[1] != "sandbox":
            build_parser().parse_args(words[1:])


def test_exit_codes_of_the_readme_are_those_of_the_classes():
    """Each row of the outcome table names a class and its exit code."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\d) \|$", README, re.MULTILINE)
    assert {name for name, _ in rows} >= {"RequestNotSent", "RequestRejected", "OutcomeUnknown"}
    for name, code in rows:
        assert getattr(errors, name).exit_code == int(code)


def test_measured_numbers_of_the_readme_are_those_of_the_report():
    """Nobody types a number of the benchmarks: the table is what `--readme` makes of the committed report."""
    report = json.loads((readme.RESULTS / "report.json").read_text(encoding="utf-8"))

    assert readme.between_marks(README) == readme.table(report)
