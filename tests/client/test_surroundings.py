"""A machine or a program in which something is missing: an error of ours that says what, and no doubt about money."""

from __future__ import annotations

import asyncio
import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from paydown import AsyncClient, Client, ConnectionFailed, PaydownError, RequestNotSent, SystemClock
from tests.client.support.kit import Plenty, credentials
from tests.client.support.secure import Secure
from tests.doubles.scripted_exchange import exchange, serving


def settings(**more: Any) -> dict[str, Any]:
    """Of a client that asks nobody for the time."""
    return {"clock": SystemClock(), "budget": Plenty(), "connect_timeout_s": 2, "answer_timeout_s": 5, **more}


class Session:
    """The same calls, blocking or awaited, with what happens in between."""

    def __init__(self, awaited: bool) -> None:
        self.awaited = awaited

    def repay(self, *between: Callable[[], object], **more: Any) -> list[object]:
        """Repay once, and once more after each of these; each call gives its result or its error."""
        results: list[object] = []
        if not self.awaited:
            with Client(credentials(), **settings(**more)) as pm:
                for step in (None, *between):
                    if step is not None:
                        step()
                    try:
                        results.append(pm.margin.repay_debt(asset="BNB"))
                    except PaydownError as error:
                        results.append(error)
                assert pm.unresolved == ()
            return results

        async def go() -> None:
            async with AsyncClient(credentials(), **settings(**more)) as pm:
                for step in (None, *between):
                    if step is not None:
                        step()
                    try:
                        results.append(await pm.margin.repay_debt(asset="BNB"))
                    except PaydownError as error:
                        results.append(error)
                assert pm.unresolved == ()

        asyncio.run(go())
        return results


@pytest.fixture(params=["blocking", "awaited"])
def session(request: pytest.FixtureRequest) -> Session:
    """Every test runs in both."""
    return Session(request.param == "awaited")


@pytest.fixture(scope="module")
def secure() -> Secure:
    """Both sides of TLS."""
    return Secure()


# ---------------------------------------------------------------------------------------------- certificates


def nothing(path: Path) -> None:
    """There is no such file."""


def empty(path: Path) -> None:
    """There is one, and nothing in it."""
    path.write_bytes(b"")


def no_certificates(path: Path) -> None:
    """There is another file of this name."""
    path.write_text("127.0.0.1 localhost\n")


def a_folder(path: Path) -> None:
    """It is a folder."""
    path.mkdir()


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9"])
@pytest.mark.parametrize("make", [nothing, empty, no_certificates, a_folder])
def test_a_variable_that_names_no_certificates_is_named(make, proxy, session, tmp_path, monkeypatch):
    """The variable, the path and what to do; nothing was sent, so nothing is in doubt."""
    path = tmp_path / "authorities.pem"
    make(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    (error,) = session.repay(base_url="https://127.0.0.1:9", proxy=proxy)
    assert type(error) is ConnectionFailed
    assert "SSL_CERT_FILE" in str(error)
    assert str(path) in str(error)
    assert "Unset it" in str(error)


def test_a_variable_that_is_put_right_is_read_again(session, secure, tmp_path, monkeypatch):
    """The next call works, without a new client."""
    path = tmp_path / "authorities.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with serving(exchange(), tls=secure.server_side) as (_, url):
        one, two = session.repay(lambda: path.write_bytes(secure.authority_pem), base_url=url)
    assert type(one) is ConnectionFailed
    assert two.success is True


# --------------------------------------------------------------------------------------------------- threads


def no_thread(self: threading.Thread) -> None:
    """What Python says when the system gives no more threads."""
    raise RuntimeError("can't start new thread")


def test_a_machine_without_threads_cannot_ask_for_a_name_and_has_sent_nothing(session, monkeypatch):
    """Names are resolved in a thread: where there is none left, the next call may have one."""
    start = threading.Thread.start
    with serving(exchange()) as (_, url):
        port = url.rpartition(":")[2]
        monkeypatch.setattr(threading.Thread, "start", no_thread)
        one, two = session.repay(
            lambda: monkeypatch.setattr(threading.Thread, "start", start), base_url=f"http://localhost:{port}"
        )
    assert type(one) is ConnectionFailed
    assert "can't start new thread" in str(one)
    assert two.success is True


def test_a_transport_of_httpx_without_a_thread_has_sent_nothing(monkeypatch):
    """The thread that would keep its time limit cannot be started."""
    with serving(exchange()) as (server, url):
        monkeypatch.setattr(threading.Thread, "start", no_thread)
        (error,) = Session(awaited=False).repay(base_url=url, transport=httpx.HTTPTransport())
        monkeypatch.undo()
        assert server.requests == []
    assert type(error) is ConnectionFailed


# ----------------------------------------------------------------------------------------- patched libraries


@pytest.mark.parametrize("gone", [["poll"], ["poll", "select"], ["poll", "epoll"]])
def test_a_library_that_was_patched_after_the_import_makes_no_doubt(gone, session, monkeypatch):
    """gevent and eventlet take functions out of `select`: a kept connection is looked at in another way, or left."""

    def patch() -> None:
        for name in gone:
            monkeypatch.delattr(select, name)

    with serving(exchange(2), exchange(2)) as (_, url):
        one, two = session.repay(patch, base_url=url)
    assert one.success is True
    assert two.success is True


@pytest.mark.parametrize(
    "error", [AttributeError("gone"), RuntimeError("no"), MemoryError(), TypeError("patched")]
)
def test_whatever_fails_while_connecting_has_sent_nothing(error, session, monkeypatch):
    """No class of error that a patched or starved library raises makes a doubt of a connection that never stood."""

    def broken(*args: object, **kwargs: object) -> object:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", broken)
        (failure,) = session.repay(base_url="http://exchange.test")
    assert type(failure) is ConnectionFailed
    assert type(error).__name__ in str(failure)


def test_an_awaited_client_outside_of_asyncio_says_which_loop_it_needs():
    """Under trio, say: nothing was sent, and nothing is in doubt."""
    pm = AsyncClient(credentials(), base_url="http://127.0.0.1:9", **settings())
    call = pm.margin.repay_debt(asset="BNB")
    with pytest.raises(RequestNotSent, match="asyncio"):
        call.send(None)
    assert pm.unresolved == ()
