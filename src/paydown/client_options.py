"""The options of a client, written once: their defaults, their checks, and the parts that are made from them.

`Client` and `AsyncClient` take the fields of `ClientOptions` as their arguments. Each check here refuses an option that
would silently have no effect, or that would send the key where others can read it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from paydown.budget.select import BudgetName, budget_name, open_budget
from paydown.budget.weights import Weights
from paydown.call.attempts import Attempts
from paydown.call.call import Core
from paydown.call.parameters import checked_recv_window
from paydown.call.request import RequestMaker
from paydown.call.retry import ReadRetries
from paydown.clock import Clock, ExchangeClock, machine_ms
from paydown.errors import InvalidCredentials, InvalidRequest, InvalidRequestType
from paydown.events import Event, Reporter
from paydown.transport.address import parse_proxy
from paydown.transport.held_channel import reaches_network
from paydown_wire.error_codes import CLOCKS, SERVERS, SIGNING
from paydown_wire.operations import SERVER_TIME

if TYPE_CHECKING:
    import ssl

    from paydown.budget.protocol import Budget
    from paydown.call.attempts import AttemptObserver
    from paydown.credentials import Credentials
    from paydown.transport.address import Address
    from paydown.transport.pins import Pins

BASE_URL_VARIABLE: Final = "PAYDOWN_BASE_URL"

P = ParamSpec("P")
TransportT = TypeVar("TransportT")
SleepT = TypeVar("SleepT")


@dataclass(repr=False, eq=False, match_args=False)
class ClientOptions(Generic[TransportT, SleepT]):
    """The arguments of a client, which `Client` documents, with their defaults.

    The transport is one of httpx, blocking or async. `sleep` waits for so many seconds, blocking or awaited; None means
    `time.sleep` and `asyncio.sleep`.
    """

    credentials: Credentials | None = None
    _: KW_ONLY
    base_url: str | None = None
    transport: TransportT | None = None
    connect_timeout_s: float | None = None
    answer_timeout_s: float | None = None
    recv_window: int | None = None
    clock: Clock | None = None
    budget: Budget | BudgetName | None = None
    max_wait_s: float = 65.0
    retries: ReadRetries | None = None
    observer: AttemptObserver | None = None
    on_event: Callable[[Event], object] | None = None
    ssl_context: ssl.SSLContext | None = None
    proxy: str | None = None
    pin: str | Sequence[str] | None = None
    ticks: Callable[[], int] = machine_ms
    sleep: SleepT | None = None

    def core(self) -> tuple[Core, Budget | None]:
        """Check the options, and make the `Core` that all calls of the client share.

        Returns:
            The core, and the budget if it was made here: it is closed with the client, one that was passed is not.

        Raises:
            InvalidRequest: An option cannot be used.
            InvalidCredentials: The credentials are no `Credentials`.
        """
        _check_credentials(self.credentials)
        for name, seconds in (
            ("connect_timeout_s", self.connect_timeout_s),
            ("answer_timeout_s", self.answer_timeout_s),
        ):
            if seconds is not None:
                _check_seconds(name, seconds)
                if not seconds > 0:
                    raise InvalidRequest(
                        f"{name} must be a positive number of seconds, not {seconds!r}.", parameter=name
                    )
        _check_seconds("max_wait_s", self.max_wait_s)
        base_url = self.base_url
        if base_url is None:
            base_url = os.environ.get(BASE_URL_VARIABLE) or None
        if self.proxy is not None:
            parse_proxy(self.proxy)
        self._check_connections(base_url)
        requests = RequestMaker(
            self.credentials,
            base_url=base_url,
            connect_timeout_s=self.connect_timeout_s,
            answer_timeout_s=self.answer_timeout_s,
        )
        address = requests.address(SERVER_TIME.server)
        _check_encrypted(address)
        clock = self.clock
        if clock is None:
            # Another address has another clock; the fallback clocks of the exchange mean nothing there.
            own = f"{address.origin}{address.prefix}{SERVER_TIME.path}"
            clock = ExchangeClock(CLOCKS if base_url is None else (own,))
        budget, made = self.budget, None
        if budget is None or isinstance(budget, str):
            # A transport that opens no connections leads to a test or a sandbox, not to the host in the address.
            host = address.host.decode("ascii") if reaches_network(self.transport) else "localhost"
            name = budget_name(budget, host)
            budget = made = open_budget(
                name, address.origin, clock if isinstance(clock, ExchangeClock) else None
            )
        window = self.recv_window
        core = Core(
            requests=requests,
            clock=clock,
            budget=budget,
            weights=Weights(self.credentials),
            attempts=Attempts(),
            retries=self.retries or ReadRetries(),
            reporter=Reporter(self.on_event),
            observer=self.observer,
            recv_window=SIGNING.default_recv_window_ms if window is None else checked_recv_window(window),
            max_wait_s=self.max_wait_s,
            ticks=self.ticks,
        )
        return core, made

    def pins(self) -> Pins | None:
        """Return the public keys that a server may have; None if certificates alone decide."""
        if self.pin is None:
            return None
        from paydown.transport.pins import Pins

        return Pins(self.pin)

    def _check_connections(self, base_url: str | None) -> None:
        """Refuse options that would silently have no effect, and connections that are not verified."""
        ssl_context, pin = self.ssl_context, self.pin
        if self.transport is not None:
            for name, value in (("ssl_context", ssl_context), ("proxy", self.proxy), ("pin", pin)):
                if value is not None:
                    raise InvalidRequest(
                        f"{name} is for our own connections, and transport takes their place: leave one of them"
                        " out. A transport of httpx has settings of its own for TLS and proxies.",
                        parameter=name,
                    )
        if pin is not None and base_url is not None and not base_url.lower().startswith("https:"):
            raise InvalidRequest("pin needs an https base URL: without TLS no key is shown.", parameter="pin")
        if ssl_context is not None and pin is None:
            from ssl import CERT_REQUIRED

            if ssl_context.verify_mode != CERT_REQUIRED or not ssl_context.check_hostname:
                raise InvalidRequest(
                    "ssl_context must verify certificates and host names, or any machine on the way can read the key"
                    " and repay. Trust a private authority with ssl.create_default_context(cafile=...), or name"
                    " the public key of the server: pin=.",
                    parameter="ssl_context",
                )


def takes_options_of(
    options: Callable[P, object],
) -> Callable[[Callable[..., None]], Callable[Concatenate[Any, P], None]]:
    """Give a constructor that passes its arguments on the signature of the options, for type checkers and `help()`.

    Args:
        options: The class of the options.
    """

    def decorate(init: Callable[..., None]) -> Callable[Concatenate[Any, P], None]:
        cast("Any", init).__wrapped__ = cast("Any", options).__init__  # `inspect.signature` follows this
        return init

    return decorate


def _check_credentials(credentials: object) -> None:
    """Refuse a secret in the place of credentials: `repr(client)` would show it."""
    if credentials is None:
        return
    from paydown.credentials import Credentials

    if not isinstance(credentials, Credentials):
        raise InvalidCredentials(
            "credentials must be made by Credentials.from_env(), .hmac(), .rsa() or .ed25519(), not be a"
            f" {type(credentials).__name__}."
        )


def _check_encrypted(address: Address) -> None:
    """Refuse http:// for a host of the exchange: on the way the key could be read, and the answer changed."""
    host = address.host.decode("ascii").lower().rstrip(".")
    if address.scheme != b"http":
        return
    for server in SERVERS.values():
        domain = ".".join((urlsplit(server).hostname or "").split(".")[-2:])
        if f".{host}".endswith(f".{domain}"):
            raise InvalidRequest(
                f"http:// would send the key to the exchange unencrypted. Write https://{host}.",
                parameter="base_url",
            )


def _check_seconds(name: str, seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise InvalidRequestType(
            f"{name} must be a number of seconds, not {type(seconds).__name__}.", parameter=name
        )
    if not 0 <= seconds < float("inf"):
        raise InvalidRequest(
            f"{name} must be a number of seconds, neither negative nor infinite, not {seconds!r}.",
            parameter=name,
        )
