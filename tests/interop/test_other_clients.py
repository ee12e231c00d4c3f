"""Clients that nobody here wrote repay against the sandbox, and what they cannot do is written down.

`make interop`. Each client lives in an environment of its own under `.build/interop/`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.faults.fault_table import FAULTS
from tests.interop import census, environments
from tests.interop.exchange import Exchange, Fake, Sandbox
from tests.interop.limits import ATTEMPTS, CENSUS, LIMITS, Attempt, CensusRow
from tests.interop.peer import AS_PUBLISHED, BY_NAME, PEERS, Peer, Running, clean_environment

EVERYBODY = (*(peer for peer in PEERS if "--budget" not in peer.arguments), AS_PUBLISHED)
EXAMPLES = {
    "official": "other_clients_official.py",
    "ccxt": "other_clients_ccxt.py",
    "python-binance": "other_clients_python_binance.py",
}

# Where the two exchanges differ on purpose, seen from a client.
DIFFERENT = {
    "executed_then_delay": "the sandbox calls the repayment pending (51007) until its late answer is due",
}


def name_of(peer: Peer) -> str:
    return peer.name


class Drivers:
    """One running process per client and exchange, started when it is first asked for."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._running: dict[tuple[str, str], Running] = {}

    def of(self, peer: Peer, exchange: Exchange) -> Running:
        key = (peer.name, exchange.target.url)
        if key not in self._running:
            self._running[key] = self._stack.enter_context(Running.of(peer, exchange.target))
        return self._running[key]


@pytest.fixture(scope="session")
def drivers() -> Iterator[Drivers]:
    """The clients' processes; they end with the session."""
    with contextlib.ExitStack() as stack:
        yield Drivers(stack)


@pytest.fixture(params=["sandbox", "fake"])
def exchange(request: pytest.FixtureRequest, running_sandbox: Sandbox, fake: Fake) -> Exchange:
    """Both exchanges, with new ledgers."""
    chosen: Exchange = running_sandbox if request.param == "sandbox" else fake
    chosen.forget()
    return chosen


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize("peer", EVERYBODY, ids=name_of)
def test_client_repays_or_fails_as_written_down(
    peer: Peer, attempt: Attempt, exchange: Exchange, drivers: Drivers
) -> None:
    """A client repays once, or gets the code of its row in `limits.py`, and then nothing was repaid."""
    asked = ATTEMPTS[attempt]
    limit = next((row for row in LIMITS if (row.peer, row.attempt) == (peer.name, attempt)), None)

    tried = drivers.of(peer, exchange).ask("repay", **asked._asdict(), tries=1)["tries"][0]

    if limit is None:
        assert "returned" in tried, tried
        assert exchange.executed(asked.asset) == 1
    else:
        assert "raised" in tried, f"{peer.name} can do this now: take the row out of limits.py"
        assert str(limit.code) in tried["text"]
        assert exchange.executed(asked.asset) == 0


def test_debt_shrinks_by_what_was_asked(sandbox: Sandbox, drivers: Drivers) -> None:
    """The vendor's SDK repays half a BNB, and the sandbox's books show exactly that."""
    before = sandbox.owed("BNB")

    drivers.of(BY_NAME["official"], sandbox).ask("repay", asset="BNB", amount="0.5", using=["USDT"], tries=1)

    assert before - sandbox.owed("BNB") == Decimal("0.5")


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_runs_as_printed(name: str, sandbox: Sandbox) -> None:
    """The copy-paste example of a client repays 0.1 BNB when it is run as it stands."""
    url, key, secret = sandbox.target
    script = environments.ROOT / "examples" / EXAMPLES[name]
    own = clean_environment() | {
        "PAYDOWN_BASE_URL": url,
        "PAYDOWN_API_KEY": key,
        "PAYDOWN_API_SECRET": secret,
    }
    before = sandbox.owed("BNB")

    done = subprocess.run(
        [environments.python(name), script], env=own, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "repaid 0.1 BNB, success: True\n"
    assert before - sandbox.owed("BNB") == Decimal("0.1")


@pytest.mark.parametrize("row", CENSUS, ids=lambda row: row.peer)
def test_census_of_faults_is_as_published(row: CensusRow, fake: Fake) -> None:
    """The three numbers that the README compares clients by are those of the pinned versions."""
    taken = census.take(BY_NAME[row.peer], fake)

    found = CensusRow(row.peer, len(taken.repaid_twice), len(taken.mixed_types), len(taken.taken_for_done))

    assert found == row


@pytest.mark.parametrize("name", ["paydown", "raw httpx", "official", "python-binance", "ccxt"])
def test_sandbox_and_fake_look_the_same_to_a_client(name: str, sandbox: Sandbox, fake: Fake) -> None:
    """Fault by fault, a client raises the same type at both exchanges and its loop repays as often."""
    faults = [fault for fault in FAULTS if fault.name not in DIFFERENT]

    at_sandbox = census.take(BY_NAME[name], sandbox, faults)
    at_fake = census.take(BY_NAME[name], fake, faults)

    def facts(taken: census.Census) -> dict[str, tuple[str | None, int]]:
        return {seen.fault.name: (seen.first, seen.executed) for seen in taken.seen}

    assert facts(at_sandbox) == facts(at_fake)


def test_readme_shows_every_row() -> None:
    """The page beside this file holds the limits and the census as the tests assert them."""
    page = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
    for limit in LIMITS:
        assert f"| {limit.peer} | {limit.attempt} | {limit.code} | {limit.reason} |" in page
    for row in CENSUS:
        assert f"| {row.peer} | {row.repaid_twice} | {row.mixed_types} | {row.taken_for_done} |" in page
    for name, reason in DIFFERENT.items():
        assert f"| `{name}` | {reason} |" in page


def test_pins_name_no_address() -> None:
    """Every environment is pinned by hash, and no file says where packages come from."""
    for name in environments.NAMES:
        pins = environments.requirements(name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in pins
        assert "://" not in pins
    assert os.path.commonpath([environments.HOME, environments.ROOT]) == str(environments.ROOT)
