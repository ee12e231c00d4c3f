"""Everything here drives clients in environments of their own, which are made when they are first needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.exchange import Fake, Sandbox

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, so that `-m "not interop"` leaves the whole folder out."""
    for item in items:
        if HERE in item.path.parents:
            # The first test of a client installs it, which takes longer than a test may otherwise take.
            item.add_marker(pytest.mark.interop)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session", autouse=True)
def environment() -> None:
    """Left as it is: who installs a client may need a proxy. The clients themselves get a clean one."""


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """The sandbox as a process, for all tests."""
    with Sandbox.started() as exchange:
        yield exchange


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The sandbox with a new ledger."""
    running_sandbox.forget()
    return running_sandbox


@pytest.fixture(scope="session")
def fake() -> Iterator[Fake]:
    """The independent fake, for all tests."""
    with Fake.started() as exchange:
        yield exchange
