"""One exchange for a test: what it owes, what goes wrong, and what arrived.

    def test_lost_answer(paydown_sandbox):
        paydown_sandbox.owe("BNB", "0.10")
        paydown_sandbox.drop_next_answer()
        ...                                    # any client, at paydown_sandbox.url
        assert paydown_sandbox.debt("BNB") == 0

`Sandbox` works in process; `SocketSandbox` serves the same exchange on a real socket, from a thread of
its own, and does everything it is asked on that thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from paydown_sandbox.books.exact_amounts import parse
from paydown_sandbox.checks.api_keys import ApiKey
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.faults.scenario import find_scenario, read_scenario, start_scenario
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.serving.application import create_app
from paydown_sandbox.serving.asgi import Application
from paydown_sandbox.serving.control.log_endpoints import ledger_json
from paydown_sandbox.serving.process import listen, make_server
from paydown_sandbox.state.state_builder import API_KEY, API_SECRET, StateBuilder, clean_state

if TYPE_CHECKING:
    from paydown_sandbox.serving.httpx_transport import ExchangeTransport

__all__ = ["API_KEY", "API_SECRET", "Sandbox", "SocketSandbox", "clean_state"]

T = TypeVar("T")

_START_WITHIN_S = 20.0


class Sandbox:
    """An exchange in this process, and everything a test wants to do with it.

    Args:
        state: A state document or its builder; `clean_state` if absent. Helpers work on its first account.
        clock: What tells the time; a running clock if absent.
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

    def _do(self, action: Callable[[], T]) -> T:
        return action()

    # ------------------------------------------------------------------- how to reach it

    @property
    def url(self) -> str:
        """The base URL. In process any host name will do."""
        return "http://sandbox"

    @property
    def api_key(self) -> str:
        """The first key of the account."""
        return self.exchange.world.keys.of(self.account)[0].api_key

    @property
    def api_secret(self) -> str:
        """The secret of that key, if it is an HMAC key."""
        return self.exchange.world.keys.of(self.account)[0].secret_or_public_key

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which the client of this project finds the sandbox."""
        return {
            "PAYDOWN_BASE_URL": self.url,
            "PAYDOWN_API_KEY": self.api_key,
            "PAYDOWN_API_SECRET": self.api_secret,
        }

    def transport(self) -> ExchangeTransport:
        """An httpx transport, sync and async, that needs no socket."""
        from paydown_sandbox.serving.httpx_transport import ExchangeTransport

        return ExchangeTransport(self.exchange)

    # ------------------------------------------------------------------- the world

    def owe(self, asset: str, amount: str | Decimal, *, interest: str | Decimal = "0") -> None:
        """Make the account owe `amount` of principal and `interest`, in units of the asset."""
        self._set(asset, borrowed=amount, interest=interest)

    def hold(self, asset: str, amount: str | Decimal) -> None:
        """Make the free balance `amount`, in units of the asset."""
        self._set(asset, free=amount)

    def _set(self, asset: str, **amounts: str | Decimal) -> None:
        exact = {
            name: parse(format(amount, "f") if isinstance(amount, Decimal) else amount)
            for name, amount in amounts.items()
        }
        self._do(lambda: self.exchange.set_position(self.account, asset, exact))

    def debt(self, asset: str) -> Decimal:
        """What is owed, principal and interest, in units of the asset."""
        return self._do(lambda: self.exchange.world.ledger.accounts[self.account].holding(asset).debt)

    def free(self, asset: str) -> Decimal:
        """What is free, in units of the asset."""
        return self._do(lambda: self.exchange.world.ledger.accounts[self.account].holding(asset).free)

    def set_price(self, asset: str, price: str | Decimal) -> None:
        """Set an index price, USD per unit. An asset without one cannot be converted."""
        exact = parse(format(price, "f") if isinstance(price, Decimal) else price)
        self._do(lambda: self.exchange.set_prices({asset: exact}))

    def choose(self, **options: str) -> None:
        """Choose options, with `_` for `-`: `choose(whole_debt_answer_amount="present")`."""

        def apply() -> None:
            world = self.exchange.world
            named = {name.replace("_", "-"): value for name, value in options.items()}
            world.options = world.options.replaced(named)
            world.limits.fixed_window = world.options.is_set("limit-window", "fixed")
            world.limits.ban_after_429 = world.options.integer("ban-after-429")
            self.exchange.apply_options()

        self._do(apply)

    def limit(self, weight_per_minute: int) -> None:
        """Set the weight budget per minute and address; 6000 at the start."""

        def apply() -> None:
            self.exchange.world.limits.weight_per_minute = weight_per_minute

        self._do(apply)

    def add_key(self, api_key: str, key_type: str, secret_or_public_key: str) -> None:
        """Register another key of the account: "hmac", "rsa" or "ed25519" (PEM text)."""
        key = ApiKey.make(api_key, key_type, secret_or_public_key, self.account, ("TRADE", "USER_DATA"), ())
        self._do(lambda: self.exchange.world.keys.add(key))

    # ------------------------------------------------------------------- the clock

    def now_ms(self) -> int:
        """The exchange's time, UTC milliseconds."""
        return self._do(self.exchange.clock.now_ms)

    def freeze(self, at_ms: int | None = None) -> None:
        """Make the clock stand still, now or at `at_ms`."""

        def apply() -> None:
            self.exchange.clock.freeze()
            if at_ms is not None:
                self.exchange.clock.set(at_ms)

        self._do(apply)

    def advance(self, by_ms: int) -> None:
        """Move the clock ahead; interest, scripted prices and expiries happen."""

        def apply() -> None:
            self.exchange.clock.advance(by_ms)
            self.exchange.advance_to_now()

        self._do(apply)

    # ------------------------------------------------------------------- what goes wrong

    def fail(self, fault: str, *, times: int | None = 1, **members: object) -> int:
        """Arm any fault by name; `members` are those of the control API, such as `match` or `delay_ms`."""
        node = {"fault": fault, "times": times, **members}
        return self._do(lambda: self.exchange.faults.arm(node).id)

    def drop_next_answer(self) -> None:
        """The next call that moves money is executed, and the connection is reset instead of an answer."""
        self.fail("executed_then_reset", match={"method": "POST"})

    def lose_next_answer(self) -> None:
        """The next call that moves money is executed and answered with a 503 that says nothing."""
        self.fail("executed_then_503", match={"method": "POST"})

    def hold_next_answer(self, delay_ms: int) -> None:
        """The next call that moves money is executed at once and answered `delay_ms` later."""
        self.fail("executed_then_delay", match={"method": "POST"}, delay_ms=delay_ms)

    def play(self, scenario: str | dict[str, Any]) -> None:
        """Start a scenario: a bundled one by name, or a document."""
        found = find_scenario(scenario) if isinstance(scenario, str) else read_scenario(scenario)
        self._do(lambda: start_scenario(self.exchange.faults, found, self.exchange.clock.now_ms()))

    def heal(self) -> None:
        """Disarm every fault."""
        self._do(self.exchange.faults.disarm)

    # ------------------------------------------------------------------- what happened

    def requests(self, method: str | None = None, path: str | None = None) -> list[dict[str, object]]:
        """What arrived, oldest first, each with its verdict."""
        return self._do(
            lambda: [
                record.as_json()
                for record in self.exchange.requests
                if (method is None or record.method == method) and (path is None or record.path == path)
            ]
        )

    def ledger(self) -> list[dict[str, object]]:
        """What was executed, oldest first."""
        return self._do(lambda: [ledger_json(line) for line in self.exchange.lines])


class SocketSandbox(Sandbox):
    """The same on a real socket of 127.0.0.1, for any client. Use it as a context manager."""

    def __init__(self, state: object | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(state, clock=clock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._socket, self._url = listen("127.0.0.1", 0)
        self._server = make_server(self.app, self._on_ready)
        self._thread = threading.Thread(target=self._serve, name="paydown-sandbox", daemon=True)

    @property
    def url(self) -> str:
        """The base URL, with the port that was free."""
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

    def _do(self, action: Callable[[], T]) -> T:
        loop = self._loop
        if loop is None or not self._thread.is_alive():
            return action()
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(action())
            except BaseException as error:  # noqa: BLE001 - it belongs to the thread that asked
                done.set_exception(error)

        loop.call_soon_threadsafe(run)
        return done.result(_START_WITHIN_S)
