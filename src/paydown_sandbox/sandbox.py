"""Offer one sandbox to a test: set what is owed, make it fail, and read what arrived.

    def test_lost_answer(paydown_sandbox):
        paydown_sandbox.owe("BNB", "0.10")
        paydown_sandbox.drop_next_answer()
        ...                                    # any client, at paydown_sandbox.url
        assert paydown_sandbox.debt("BNB") == 0

`Sandbox` runs inside the test's process, without a socket. `SocketSandbox` serves the same on a socket of
127.0.0.1, from a thread of its own, and runs every method on that thread.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from paydown_sandbox.exchange import Exchange
from paydown_sandbox.helpers.fault_control import FaultControl
from paydown_sandbox.helpers.sandbox_logs import SandboxLogs
from paydown_sandbox.helpers.tested_account import TestedAccount
from paydown_sandbox.helpers.time_control import TimeControl
from paydown_sandbox.helpers.world_settings import WorldSettings
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.serving.application import create_app
from paydown_sandbox.serving.asgi import Application
from paydown_sandbox.serving.process import listen, make_server
from paydown_sandbox.state.state_builder import API_KEY, API_SECRET, StateBuilder, clean_state

if TYPE_CHECKING:
    from paydown_sandbox.serving.httpx_transport import ExchangeTransport

__all__ = ["API_KEY", "API_SECRET", "Sandbox", "SocketSandbox", "clean_state"]

T = TypeVar("T")
P = ParamSpec("P")
Helper = TypeVar("Helper")

_START_WITHIN_S = 20.0


def _forwarded(
    part: Callable[[Sandbox], Helper], method: Callable[Concatenate[Helper, P], T]
) -> Callable[Concatenate[Sandbox, P], T]:
    """Return a method of `Sandbox` that runs a helper's method where the sandbox runs.

    It keeps the helper's signature and docstring. So each helper is written once, for an `Exchange` alone, and
    `SocketSandbox` decides in one place on which thread all of them run.
    """

    @functools.wraps(method)
    def run(self: Sandbox, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(  # pyright: ignore[reportPrivateUsage] # this function writes methods of that class
            lambda: method(part(self), *args, **kwargs)
        )

    return run


class Sandbox:
    """A sandbox inside the test's process, for clients that take an httpx transport or an ASGI application.

    Args:
        state: A state document or its builder; `clean_state` if absent. Helpers work on its first account.
        clock: The sandbox's clock; one that runs with the machine's if absent.

    Attributes:
        exchange: The sandbox itself, without any server.
        app: The sandbox as an ASGI application.
        account: The id of the account that the methods work on.

    Its methods are those of five helpers: the account (`owe`, `hold`, `debt`, `free`, `add_key`), the settings
    (`set_price`, `choose`, `limit`), the clock (`now_ms`, `freeze`, `advance`), the faults (`fail`,
    `drop_next_answer`, `lose_next_answer`, `hold_next_answer`, `play`, `heal`) and the logs (`requests`, `ledger`).
    """

    def __init__(self, state: object | None = None, *, clock: Clock | None = None) -> None:
        if isinstance(state, StateBuilder):
            state = state.document()
        self.exchange = Exchange(clean_state() if state is None else state, clock=clock)
        self.app: Application = create_app(self.exchange)
        accounts = self.exchange.world.ledger.accounts
        if not accounts:
            raise ValueError("the state document has no account")
        self.account = next(iter(accounts))
        self._account = TestedAccount(self.exchange, self.account)
        self._settings = WorldSettings(self.exchange)
        self._time = TimeControl(self.exchange)
        self._faults = FaultControl(self.exchange)
        self._logs = SandboxLogs(self.exchange)

    def _run(self, action: Callable[[], T]) -> T:
        """Call `action` where the sandbox runs, and return its result: here, on the thread of the test."""
        return action()

    # ------------------------------------------------------------------- how to reach it

    @property
    def url(self) -> str:
        """Return the base URL. Inside the process any host name will do."""
        return "http://sandbox"

    @property
    def api_key(self) -> str:
        """Return the first key of the account."""
        return self.exchange.world.keys.of(self.account)[0].api_key

    @property
    def api_secret(self) -> str:
        """Return the secret of that key, if it is an HMAC key."""
        return self.exchange.world.keys.of(self.account)[0].secret_or_public_key

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables with which the client of this project finds the sandbox."""
        return {
            "PAYDOWN_BASE_URL": self.url,
            "PAYDOWN_API_KEY": self.api_key,
            "PAYDOWN_API_SECRET": self.api_secret,
        }

    def transport(self) -> ExchangeTransport:
        """Return an httpx transport, sync and async, that needs no socket."""
        from paydown_sandbox.serving.httpx_transport import ExchangeTransport

        return ExchangeTransport(self.exchange)

    # ------------------------------------------------------------------- what tests change and read

    owe = _forwarded(lambda sandbox: sandbox._account, TestedAccount.owe)
    hold = _forwarded(lambda sandbox: sandbox._account, TestedAccount.hold)
    debt = _forwarded(lambda sandbox: sandbox._account, TestedAccount.debt)
    free = _forwarded(lambda sandbox: sandbox._account, TestedAccount.free)
    add_key = _forwarded(lambda sandbox: sandbox._account, TestedAccount.add_key)

    set_price = _forwarded(lambda sandbox: sandbox._settings, WorldSettings.set_price)
    choose = _forwarded(lambda sandbox: sandbox._settings, WorldSettings.choose)
    limit = _forwarded(lambda sandbox: sandbox._settings, WorldSettings.limit)

    now_ms = _forwarded(lambda sandbox: sandbox._time, TimeControl.now_ms)
    freeze = _forwarded(lambda sandbox: sandbox._time, TimeControl.freeze)
    advance = _forwarded(lambda sandbox: sandbox._time, TimeControl.advance)

    fail = _forwarded(lambda sandbox: sandbox._faults, FaultControl.fail)
    drop_next_answer = _forwarded(lambda sandbox: sandbox._faults, FaultControl.drop_next_answer)
    lose_next_answer = _forwarded(lambda sandbox: sandbox._faults, FaultControl.lose_next_answer)
    hold_next_answer = _forwarded(lambda sandbox: sandbox._faults, FaultControl.hold_next_answer)
    play = _forwarded(lambda sandbox: sandbox._faults, FaultControl.play)
    heal = _forwarded(lambda sandbox: sandbox._faults, FaultControl.heal)

    requests = _forwarded(lambda sandbox: sandbox._logs, SandboxLogs.requests)
    ledger = _forwarded(lambda sandbox: sandbox._logs, SandboxLogs.ledger)


class SocketSandbox(Sandbox):
    """A sandbox served on a socket of 127.0.0.1, for any client in any language. Use it as a context manager."""

    def __init__(self, state: object | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(state, clock=clock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._socket, self._url = listen("127.0.0.1", 0)
        self._server = make_server(self.app, self._on_ready)
        self._thread = threading.Thread(target=self._serve, name="paydown-sandbox", daemon=True)

    @property
    def url(self) -> str:
        """Return the base URL, with the port that was free."""
        return self._url

    def __enter__(self) -> SocketSandbox:
        self._thread.start()
        if not self._ready.wait(_START_WITHIN_S):
            raise TimeoutError("the sandbox did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(_START_WITHIN_S)
        self._socket.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def _on_ready(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()

    def _run(self, action: Callable[[], T]) -> T:
        """Call `action` on the thread that serves the socket, and return its result.

        Before that thread has started and after it has stopped, `action` runs on the thread of the test.
        """
        loop = self._loop
        if loop is None or not self._thread.is_alive():
            return action()
        done: Future[T] = Future()

        def answer() -> None:
            try:
                done.set_result(action())
            except BaseException as error:  # noqa: BLE001 - it belongs to the thread that asked
                done.set_exception(error)

        loop.call_soon_threadsafe(answer)
        return done.result(_START_WITHIN_S)
