"""Which ledger of request weight a client uses when it is not told."""

from __future__ import annotations

from pathlib import Path

import pytest

from paydown import Client, InvalidRequest
from paydown.budget import MemoryBudget, SqliteBudget
from paydown.budget.select import is_loopback


@pytest.fixture(autouse=True)
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A state directory of its own, and no choice in the environment."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("PAYDOWN_BUDGET", raising=False)
    monkeypatch.delenv("PAYDOWN_BASE_URL", raising=False)


def test_calls_to_the_exchange_share_one_ledger():
    """Without a word the real address gets the ledger that all processes share, under its own name."""
    with Client() as pm:
        assert isinstance(pm.budget, SqliteBudget)
        assert pm.budget.scope == "https://papi.binance.com"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8087", "http://localhost:8087", "http://[::1]:8087"])
def test_an_exchange_on_this_machine_gets_a_ledger_in_memory(url: str):
    """A sandbox that restarts with empty counters does not meet a ledger that remembers the last one."""
    with Client(base_url=url) as pm:
        assert isinstance(pm.budget, MemoryBudget)


def test_the_caller_wins_over_the_environment_and_the_environment_over_the_default(
    monkeypatch: pytest.MonkeyPatch,
):
    """`budget=` is obeyed first, PAYDOWN_BUDGET second."""
    monkeypatch.setenv("PAYDOWN_BUDGET", "shared")
    with Client(base_url="http://127.0.0.1:1") as asked_by_environment:
        assert isinstance(asked_by_environment.budget, SqliteBudget)
    with Client(base_url="http://127.0.0.1:1", budget="memory") as asked_by_caller:
        assert isinstance(asked_by_caller.budget, MemoryBudget)


def test_an_unknown_name_is_refused_with_the_known_ones(monkeypatch: pytest.MonkeyPatch):
    """A misspelt name must not become a ledger of its own."""
    monkeypatch.setenv("PAYDOWN_BUDGET", "share")
    with pytest.raises(InvalidRequest, match='PAYDOWN_BUDGET must be "shared"'):
        Client()


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("papi.binance.com", False),
    ],
)
def test_only_addresses_of_this_machine_are_loopback(host: str, local: bool):
    """A private network is not this machine."""
    assert is_loopback(host) is local
