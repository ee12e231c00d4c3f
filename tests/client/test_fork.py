"""A process that forks: two processes never write to one connection, whichever thread asks for it first."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import httpx
import pytest

from paydown import Client, ConnectionFailed, SystemClock
from tests.client.support.kit import Plenty, credentials
from tests.doubles.scripted_exchange import exchange, serving

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def in_child(look: Callable[[], str]) -> str:
    """What `look` returns in a child of this process."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            said = look()
        except BaseException as error:  # noqa: BLE001  # the child must not go on with the tests
            said = type(error).__name__
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(pid, 0)
    return said


def repaid(pm: Client) -> str:
    """Repay once; the name of what came of it."""
    return type(pm.margin.repay_debt(asset="BNB", amount="0.1")).__name__


def test_a_child_opens_connections_of_its_own():
    """Two processes on one socket would read each other's answers."""
    with (
        serving(exchange(9)) as (server, url),
        Client(credentials(), base_url=url, clock=SystemClock(), budget=Plenty()) as pm,
    ):
        repaid(pm)

        assert in_child(lambda: repaid(pm)) == "RepayDebtResult"
        assert server.connections == 2
        repaid(pm)
        assert server.connections == 2


def test_no_thread_of_a_child_gets_the_connections_of_the_parent(monkeypatch):
    """While one thread still opens the child's own, another must wait for them, not take the parent's."""
    with (
        serving(exchange(9)) as (_, url),
        Client(credentials(), base_url=url, clock=SystemClock(), budget=Plenty()) as pm,
    ):
        repaid(pm)
        parents = pm._channel.get()
        opening, go_on = threading.Event(), threading.Event()
        open_new = pm._channel.open_new

        def slowly():
            opening.set()
            go_on.wait(10)
            return open_new()

        def look() -> str:
            monkeypatch.setattr(pm._channel, "open_new", slowly)
            got: list[bool] = []
            threads = [
                threading.Thread(target=lambda: got.append(pm._channel.get() is parents)) for _ in range(2)
            ]
            threads[0].start()
            opening.wait(10)
            threads[1].start()
            threads[1].join(0.2)
            go_on.set()
            for thread in threads:
                thread.join(10)
            return str(got)

        assert in_child(look) == "[False, False]"


def test_a_transport_of_ones_own_is_not_shared_with_a_child():
    """Its connections cannot be opened anew here, so the child is refused before anything is sent."""
    with (
        serving(exchange(9)) as (server, url),
        Client(
            credentials(), base_url=url, clock=SystemClock(), budget=Plenty(), transport=httpx.HTTPTransport()
        ) as pm,
    ):
        repaid(pm)

        assert in_child(lambda: repaid(pm)) == ConnectionFailed.__name__
        assert len(server.requests) == 1
        assert repaid(pm) == "RepayDebtResult"
