"""Every input that was found, and a bounded number of new ones, keep each reader's promises."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import CORPUS, changed
from tests.fuzz.targets import TARGETS, run_one

INPUTS = sorted(file for file in CORPUS.rglob("*") if file.is_file())


def test_every_target_has_inputs_and_every_input_a_target() -> None:
    """
    A target starts from a few right inputs, each of them small; a folder without a target would never be run.
    """
    assert {file.parent.name for file in INPUTS} == set(TARGETS)
    assert all(file.stat().st_size <= 4_096 for file in INPUTS)


@pytest.mark.parametrize("file", INPUTS, ids=[f"{file.parent.name}-{file.name}" for file in INPUTS])
def test_an_input_that_was_kept_breaks_nothing(file: Path) -> None:
    """
    What was found once is asked again at every change.
    """
    run_one(file.parent.name, file.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs_break_nothing(name: str) -> None:
    """
    Small changes of the kept inputs, the same ones in every run, keep the promises.
    """
    chance = random.Random(name)
    seeds = [file.read_bytes() for file in INPUTS if file.parent.name == name]
    for _ in range(120):
        run_one(name, changed(chance.choice(seeds), chance.choice(seeds), chance))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_break_nothing(name: str, data: bytes) -> None:
    """
    Bytes that resemble nothing are read or refused like any others.
    """
    run_one(name, data)
