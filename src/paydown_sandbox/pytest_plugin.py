"""Offer pytest fixtures for tests of any client. pytest finds them by itself where paydown is installed.

    paydown_exchange   a sandbox inside the test's process, without a socket    -> `Sandbox`
    paydown_sandbox    a sandbox served on a socket of 127.0.0.1                -> `SocketSandbox`

The names are older than the classes: `paydown_exchange` is the fixture of `Sandbox`, `paydown_sandbox` that of
`SocketSandbox`. `@pytest.mark.paydown_state({...})` gives either of them another state document, or a `StateBuilder`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from paydown_sandbox.sandbox import Sandbox, SocketSandbox

__all__ = ["paydown_exchange", "paydown_sandbox"]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker `paydown_state`, so that it also works where unknown markers are errors."""
    config.addinivalue_line("markers", "paydown_state(document): state document of the sandbox fixtures")


def _state(request: pytest.FixtureRequest) -> object | None:
    marker = request.node.get_closest_marker("paydown_state")
    return marker.args[0] if marker is not None else None


@contextlib.contextmanager
def _installed() -> Generator[None]:
    """Fail the test with the command to run, if paydown was installed without its `sandbox` extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        pytest.fail(f"the sandbox needs {error.name}: pip install 'paydown[sandbox]'", pytrace=False)


@pytest.fixture
def paydown_exchange(request: pytest.FixtureRequest) -> Sandbox:
    """Return a fresh `Sandbox` inside the test's process, without a socket.

    It suits clients that take an httpx transport or an ASGI application. `paydown_sandbox` is served on a socket.
    """
    # Imported on demand: pytest loads this plugin in every run wherever paydown is installed.
    with _installed():
        from paydown_sandbox.sandbox import Sandbox

    return Sandbox(_state(request))


@pytest.fixture
def paydown_sandbox(request: pytest.FixtureRequest) -> Iterator[SocketSandbox]:
    """Serve a fresh `SocketSandbox` on a socket of 127.0.0.1, for any client in any language.

    Its `url` is the base URL. `paydown_exchange` runs inside the test's process and needs no socket.
    """
    with _installed():
        from paydown_sandbox.sandbox import SocketSandbox

    with SocketSandbox(_state(request)) as running:
        yield running
