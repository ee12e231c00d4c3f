"""Fixtures for tests of any client. Installed with the package; pytest finds them by itself.

    paydown_exchange   an exchange in this process: `Sandbox`
    paydown_sandbox    the same on a real socket: `SocketSandbox`

`@pytest.mark.paydown_state({...})` gives either of them another state document, or a `StateBuilder`.
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
    """Make the marker known, also where unknown markers are errors."""
    config.addinivalue_line("markers", "paydown_state(document): state document of the sandbox fixtures")


def _state(request: pytest.FixtureRequest) -> object | None:
    marker = request.node.get_closest_marker("paydown_state")
    return marker.args[0] if marker is not None else None


@contextlib.contextmanager
def _installed() -> Generator[None]:
    """Say what to install, where the package was installed without its `sandbox` extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        pytest.fail(f"the sandbox needs {error.name}: pip install 'paydown[sandbox]'", pytrace=False)


@pytest.fixture
def paydown_exchange(request: pytest.FixtureRequest) -> Sandbox:
    """A fresh exchange in this process, for clients that take an httpx transport or an ASGI application."""
    # Imported here: the plugin is loaded in every pytest run of everybody who has the package.
    with _installed():
        from paydown_sandbox.sandbox import Sandbox

    return Sandbox(_state(request))


@pytest.fixture
def paydown_sandbox(request: pytest.FixtureRequest) -> Iterator[SocketSandbox]:
    """A fresh exchange on a real socket of 127.0.0.1, for any client in any language."""
    with _installed():
        from paydown_sandbox.sandbox import SocketSandbox

    with SocketSandbox(_state(request)) as running:
        yield running
