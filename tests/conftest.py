"""What holds for every test: none leaves this machine, and none knows what its user has set."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests import skips
from tests.unclosed import DATABASES

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_OURS = "PAYDOWN_CONTRACT_"  # says how the suite runs, not what the product does


def pytest_configure(config: pytest.Config) -> None:
    """Where nothing may be skipped in silence, every skip is held against a list."""
    skips.register(config)


@pytest.fixture(scope="session", autouse=True)
def environment() -> Iterator[None]:
    """No proxy stands between a test and its server on loopback; no key, budget or journal of the user is seen."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            upper = name.upper()
            if upper in _PROXIES or (upper.startswith("PAYDOWN_") and not upper.startswith(_OURS)):
                patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def every_database_is_closed() -> Iterator[None]:
    """Whoever opens a database closes it, in every version of Python: a test that drops one has shown a leak."""
    yield
    dropped = DATABASES.dropped()
    assert not dropped, f"{dropped} SQLite connection(s) were dropped without being closed"
