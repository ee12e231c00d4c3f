"""No error shows a key, a signature or a password to a tool that prints the variables of every frame."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from paydown import (
    AsyncClient,
    Client,
    Credentials,
    InvalidCredentials,
    MemoryBudget,
    PaydownError,
    SigningAuth,
    SystemClock,
)
from tests.client.support.kit import ONE_TRY, pem
from tests.client.support.secret_frames import frames, leaks, linked
from tests.client.support.secure import Secure
from tests.doubles.scripted_exchange import (
    Connection,
    Step,
    close,
    hold,
    http,
    read,
    reset,
    respond,
    serving,
)

KEY = "KEYwVw4wsLqKm7mLQz8yJ2KEY"
SECRET = "SECmPq2xFt8hR0vZk31bNcSEC"
PASSWORD = "PASxJ71tGh9wQe5PAS"
SECRETS = [KEY, SECRET, PASSWORD]
PROXY = f"http://user:{PASSWORD}@127.0.0.1"

CALLS: dict[str, Callable[[Any], Any]] = {
    "repay": lambda pm: pm.margin.repay_debt(asset="BNB", amount="0.1"),
    "read": lambda pm: pm.account.balance(),
}


def settings(**more: Any) -> dict[str, Any]:
    """Of a client that asks nobody for the time, and asks once."""
    return {
        "clock": SystemClock(),
        "budget": MemoryBudget(),
        "retries": ONE_TRY,
        "answer_timeout_s": 0.5,
        "connect_timeout_s": 2,
        **more,
    }


def who(kind: str) -> Credentials:
    """A signer of each kind."""
    if kind == "hmac":
        return Credentials.hmac(KEY, SECRET)
    return getattr(Credentials, kind)(KEY, pem({"rsa": "R1", "ed25519": "E1"}[kind]))


class Eavesdropper:
    """Keeps what arrived, to know the signatures that nothing may show."""

    def __init__(self) -> None:
        self.heard = b""
        self.arrived = threading.Event()

    def step(self, connection: Connection) -> None:
        """Script step: read one request and keep it."""
        self.heard += connection.read()
        self.arrived.set()

    def keep(self, request: httpx.Request) -> None:
        """The same, of a transport."""
        self.heard += f"{request.url} {request.content.decode()}".encode()

    @property
    def signatures(self) -> list[str]:
        """Each as it was sent."""
        return [found.decode() for found in re.findall(rb"signature=([^ &]+)", self.heard)]


def failure_of(call: str, awaited: bool, **more: Any) -> BaseException:
    """The error of one call."""
    given = settings(**more)
    signer = given.pop("signer", None) or Credentials.hmac(KEY, SECRET)

    async def go() -> BaseException:
        async with AsyncClient(signer, **given) as pm:
            try:
                await CALLS[call](pm)
            except BaseException as error:  # noqa: BLE001  # whatever it is, it is looked at
                return error
        raise AssertionError("it did not fail")

    if awaited:
        return asyncio.run(go())
    with Client(signer, **given) as pm:
        try:
            CALLS[call](pm)
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is looked at
            return error
    raise AssertionError("it did not fail")


def echo(connection: Connection) -> None:
    """Script step: answer with what was asked, as a gateway in trouble may."""
    heard = connection.read()
    connection.server.heard = heard
    body = b"<pre>" + heard + b"</pre>"
    connection.send(
        http(body, status="502 Bad Gateway", headers=f"X-Echo: {heard.split(b' ')[1].decode()}\r\n")
    )


def refusing_echo(connection: Connection) -> None:
    """Script step: refuse, and quote the request in the text."""
    heard = connection.read()
    quoted = heard.decode().replace("\r\n", " ").replace('"', "'")
    body = f'{{"code":-1102,"msg":"bad request: {quoted}"}}'.encode()
    connection.send(http(body, status="400 Bad Request", headers="Content-Type: application/json\r\n"))


@pytest.fixture(params=["blocking", "awaited"])
def awaited(request: pytest.FixtureRequest) -> bool:
    """Every kind of error in both clients."""
    return request.param == "awaited"


@pytest.fixture(scope="module")
def secure() -> Secure:
    """Both sides of TLS."""
    return Secure()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("own", [True, False], ids=["own connections", "httpx's"])
@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([reset], id="reset"),
        pytest.param([close], id="closed"),
        pytest.param([hold], id="time-out"),
        pytest.param([respond(b"nonsense\r\n\r\n")], id="no HTTP"),
        pytest.param([respond(http(length=99))], id="cut short"),
        pytest.param([respond(http(b"{}", headers="Content-Encoding: br\r\n"))], id="odd encoding"),
        pytest.param([respond(http(b"{}", headers="Content-Encoding: gzip\r\n"))], id="broken gzip"),
        pytest.param([respond(http(b"<html>"))], id="no JSON"),
        pytest.param([respond(http(b'{"success":1}'))], id="odd answer"),
        pytest.param([respond(http(b"", status="401 Unauthorized"))], id="401"),
        pytest.param([respond(http(b'{"code":-1021,"msg":"x"}', status="400 Bad"))], id="clock"),
        pytest.param([respond(http(b'{"code":-1003,"msg":"x"}', status="429 Slow"))], id="429"),
        pytest.param([respond(http(b'{"code":-1003,"msg":"x"}', status="418 Tea"))], id="418"),
    ],
)
def test_what_went_wrong_on_the_way_shows_no_secret(call, own, steps, awaited):
    """Neither the request nor its signed URL is in any variable of any frame, whoever opened the connection."""
    ear = Eavesdropper()
    kind = httpx.AsyncHTTPTransport if awaited else httpx.HTTPTransport
    with serving([ear.step, *steps]) as (_, url):
        error = failure_of(call, awaited, base_url=url, transport=None if own else kind())
    assert ear.signatures
    assert leaks(error, [*SECRETS, *ear.signatures]) == []


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("step", [echo, refusing_echo])
@pytest.mark.parametrize("own", [True, False], ids=["own connections", "httpx's"])
def test_an_answer_that_repeats_the_request_shows_no_secret(call, step, own, awaited):
    """What a gateway echoes, in body, header or text, is in no variable either."""
    ear = Eavesdropper()

    def hear(connection: Connection) -> None:
        original = connection.read

        def both() -> bytes:
            heard = original()
            ear.heard += heard
            return heard

        connection.read = both  # type: ignore[method-assign]  # to hear what the next step reads
        step(connection)

    kind = httpx.AsyncHTTPTransport if awaited else httpx.HTTPTransport
    with serving([hear]) as (_, url):
        error = failure_of(call, awaited, base_url=url, transport=None if own else kind())
    assert ear.signatures
    assert leaks(error, [*SECRETS, *ear.signatures]) == []


@pytest.mark.parametrize("kind", ["hmac", "rsa", "ed25519"])
def test_no_kind_of_key_shows_its_signature(kind, awaited):
    """Base64 signatures as they are and as they are escaped, and nothing of the private key."""
    ear = Eavesdropper()
    with serving([ear.step, reset]) as (_, url):
        error = failure_of("repay", awaited, base_url=url, signer=who(kind))
    assert ear.signatures
    bare = [httpx.QueryParams(f"s={signature}")["s"] for signature in ear.signatures]
    assert leaks(error, [*SECRETS, *ear.signatures, *bare]) == []


class Failing(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Fails as it is told to, with the request in a variable of its own."""

    def __init__(self, error: BaseException, ear: Eavesdropper) -> None:
        self.error = error
        self.ear = ear

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.ear.keep(request)
        raise self.error

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.ProxyError("407"),
        ZeroDivisionError("a bug"),
        KeyboardInterrupt(),
        asyncio.CancelledError(),
        SystemExit(3),
        MemoryError(),
        ExceptionGroup("several", [OSError("one"), ValueError("two")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_transport_that_fails_shows_no_secret(call, error, awaited):
    """Also an interrupt, a cancellation and a bug: they come through the same frames."""
    if awaited and isinstance(error, (KeyboardInterrupt, SystemExit)):
        pytest.skip("asyncio ends the loop on these by itself")
    error = error.with_traceback(None)
    error.__cause__ = error.__context__ = None
    ear = Eavesdropper()
    found = failure_of(call, awaited, base_url="http://exchange.test", transport=Failing(error, ear))
    assert ear.signatures
    assert leaks(found, [*SECRETS, *ear.signatures]) == []


def test_a_cancelled_call_shows_no_secret():
    """A task that is cancelled while it waits for its answer."""
    ear = Eavesdropper()

    async def go(url: str) -> BaseException:
        async with AsyncClient(
            Credentials.hmac(KEY, SECRET), base_url=url, **settings(answer_timeout_s=9)
        ) as pm:
            task = asyncio.create_task(CALLS["repay"](pm))
            await asyncio.to_thread(ear.arrived.wait, 10)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                return error
        raise AssertionError("it was not cancelled")

    with serving([ear.step, hold]) as (_, url):
        error = asyncio.run(go(url))
    assert ear.signatures
    assert leaks(error, [*SECRETS, *ear.signatures]) == []


@pytest.mark.parametrize("call", CALLS)
def test_a_connection_that_never_stood_shows_no_secret(call, awaited, secure, monkeypatch):
    """Refused, a name that is none, a certificate that nobody signed, another key than the pinned one, no TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refused = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert leaks(failure_of(call, awaited, base_url=refused), SECRETS) == []
    other = "sha256//" + "A" * 43 + "="
    with serving([read], [read], tls=secure.server_side) as (_, url):
        assert leaks(failure_of(call, awaited, base_url=url), SECRETS) == []
        pinned = {"ssl_context": secure.client_side, "pin": other}
        assert leaks(failure_of(call, awaited, base_url=url, **pinned), SECRETS) == []
    with serving([close]) as (_, url):
        assert leaks(failure_of(call, awaited, base_url=url.replace("http:", "https:")), SECRETS) == []

    def unknown(*args: object, **kwargs: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert leaks(failure_of(call, awaited, base_url="http://exchange.invalid"), SECRETS) == []


@contextmanager
def a_proxy(*script: Step) -> Iterator[str]:
    """A proxy with a password in its URL."""
    with serving(list(script)) as (_, url):
        yield url.replace("http://", f"http://user:{PASSWORD}@")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "script",
    [
        pytest.param([read, respond(http(b"", status="407 Proxy Authentication Required"))], id="407"),
        pytest.param([read, reset], id="reset"),
        pytest.param([read, hold], id="time-out"),
        pytest.param([read, respond(b"nonsense\r\n\r\n")], id="no HTTP"),
        pytest.param([read, respond(http(b"")), close], id="no TLS behind it"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_went_wrong_at_a_proxy_shows_no_secret(call, script, scheme, awaited):
    """Neither its password nor the request."""
    ear = Eavesdropper()
    with a_proxy(*([ear.step, *script[1:]] if script[0] is read else script)) as proxy:
        error = failure_of(
            call, awaited, base_url=f"{scheme}://exchange.test", proxy=proxy, connect_timeout_s=0.5
        )
    basic = httpx.BasicAuth("user", PASSWORD)._auth_header.removeprefix("Basic ")
    assert leaks(error, [*SECRETS, basic, *ear.signatures]) == []


def test_a_proxy_that_cannot_be_used_shows_no_secret(awaited):
    """A SOCKS proxy without the library for it, and one that nobody answers at."""
    for proxy in (f"socks5://user:{PASSWORD}@127.0.0.1:9", f"{PROXY}:9"):
        error = failure_of("repay", awaited, base_url="http://exchange.test", proxy=proxy)
        assert leaks(error, SECRETS) == []


PRIVATE = pem("R1").decode()
LOCKED = pem("R1", PASSWORD.encode()).decode()
# Each line of the keys, but for those that say what they are: any of them is enough to recognise a leak.
LINES = [
    line
    for text in (PRIVATE, LOCKED, pem("E1").decode())
    for line in text.splitlines()
    if "-----" not in line
]
WRONG = "x" * 3 + PASSWORD


@pytest.mark.parametrize(
    "make",
    {
        "secret with a blank": lambda: Credentials.hmac(KEY, f"{SECRET} x"),
        "secret that is bytes": lambda: Credentials.hmac(KEY, SECRET.encode()),
        "empty secret": lambda: Credentials.hmac(KEY, ""),
        "key with a line break": lambda: Credentials.hmac(f"{KEY}\n", SECRET),
        "empty key": lambda: Credentials.hmac("", SECRET),
        "no key": lambda: Credentials.hmac(None, SECRET),
        "key for the constructor": lambda: Credentials(f"{KEY} ", "hmac", lambda _: SECRET),
        "damaged PEM": lambda: Credentials.rsa(KEY, PRIVATE.replace("A", "B")),
        "cut PEM": lambda: Credentials.rsa(KEY, PRIVATE[: len(PRIVATE) // 2]),
        "PEM of another kind": lambda: Credentials.ed25519(KEY, PRIVATE),
        "PEM of the other kind": lambda: Credentials.rsa(KEY, pem("E1")),
        "PEM with a letter that none has": lambda: Credentials.rsa(KEY, PRIVATE + "ü"),
        "wrong password": lambda: Credentials.rsa(KEY, LOCKED, WRONG),
        "password of another type": lambda: Credentials.rsa(KEY, LOCKED, [WRONG]),
        "no password": lambda: Credentials.rsa(KEY, LOCKED),
        "password for nothing": lambda: Credentials.rsa(KEY, PRIVATE, WRONG),
        "bad key beside a good PEM": lambda: Credentials.rsa(f"{KEY} ", PRIVATE),
        "environment: blank": lambda: Credentials.from_env(
            {"PAYDOWN_API_KEY": KEY, "PAYDOWN_API_SECRET": f"{SECRET} "}
        ),
        "environment: both": lambda: Credentials.from_env(
            {"PAYDOWN_API_KEY": KEY, "PAYDOWN_API_SECRET": SECRET, "PAYDOWN_PRIVATE_KEY_FILE": "x"}
        ),
        "environment: password": lambda: Credentials.from_env(
            {"PAYDOWN_API_KEY": KEY, "PAYDOWN_API_SECRET": SECRET, "PAYDOWN_PRIVATE_KEY_PASSWORD": PASSWORD}
        ),
        "environment: no file": lambda: Credentials.from_env(
            {
                "PAYDOWN_API_KEY": KEY,
                "PAYDOWN_PRIVATE_KEY_FILE": "/nowhere",
                "PAYDOWN_PRIVATE_KEY_PASSWORD": PASSWORD,
            }
        ),
        "environment: nothing": lambda: Credentials.from_env({"PAYDOWN_API_KEY": KEY}),
        "client: a secret for credentials": lambda: Client(SECRET),
        "awaited client: a secret": lambda: AsyncClient(SECRET),
        "client: an address": lambda: Client(None, base_url=f"https://user:{PASSWORD}@exchange.test"),
        "client: a proxy": lambda: Client(None, proxy=f"ftp://user:{PASSWORD}@127.0.0.1"),
        "client: two ways": lambda: Client(None, proxy=PROXY, transport=httpx.HTTPTransport()),
        "awaited client: a proxy": lambda: AsyncClient(None, proxy=f"ftp://user:{PASSWORD}@127.0.0.1"),
        "client: a time-out": lambda: Client(None, proxy=PROXY, connect_timeout_s=-1),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_what_cannot_be_used_is_not_shown(make):
    """An error about a key, a secret, a PEM or a password holds none of them, nor does what it was raised from."""
    with pytest.raises(ValueError, match=r".") as caught:
        make[1]()
    assert leaks(caught.value, [*SECRETS, *LINES]) == []


def test_a_file_with_a_wrong_password_is_not_shown(tmp_path, monkeypatch):
    """From the environment: content, password, and the rest of the environment."""
    path = tmp_path / "key.pem"
    path.write_text(LOCKED)
    monkeypatch.setenv("PAYDOWN_API_KEY", KEY)
    monkeypatch.setenv("PAYDOWN_PRIVATE_KEY_FILE", str(path))
    monkeypatch.setenv("PAYDOWN_PRIVATE_KEY_PASSWORD", WRONG)
    monkeypatch.setenv("ANOTHER", SECRET)
    with pytest.raises(InvalidCredentials) as caught:
        Credentials.from_env()
    assert leaks(caught.value, [*SECRETS, *LINES]) == []


@pytest.mark.parametrize("call", CALLS)
def test_a_device_that_does_not_sign_shows_no_secret(call, awaited):
    """Whoever signs elsewhere may fail; what there was to sign is no secret, and the key is not shown."""

    def broken(message: bytes) -> str:
        raise OSError("the device is gone")

    error = failure_of(
        call, awaited, base_url="http://exchange.test", signer=Credentials(KEY, "hmac", broken)
    )
    assert leaks(error, SECRETS) == []


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "POST", "url": "/papi/v1/margin/repay-debt", "json": {"asset": "BNB"}},
        {"method": "GET", "url": "/papi/v1/balance", "data": {"asset": "BNB"}},
        {"method": "GET", "url": "/papi/v1/balance?asset=%ff"},
    ],
)
def test_a_request_that_cannot_be_signed_shows_no_secret(request_):
    """The signer of other clients: what is ours in its frames holds no secret."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    signer = SigningAuth(Credentials.hmac(KEY, SECRET))
    with (
        httpx.Client(transport=transport, base_url="https://exchange.test", auth=signer) as client,
        pytest.raises(ValueError, match=r".") as caught,
    ):
        client.request(**request_)
    assert leaks(caught.value, [SECRET]) == []


def test_an_error_that_the_caller_was_handling_keeps_its_frames(awaited):
    """It is the caller's own: whoever calls from an `except` block finds out where that error came from."""

    def deep() -> None:
        raise LookupError("the caller's")

    async def awaiting() -> None:
        async with AsyncClient(None, base_url="http://exchange.invalid", **settings()) as pm:
            try:
                deep()
            except LookupError:
                await pm.market.ping()

    def blocking() -> None:
        with Client(None, base_url="http://exchange.invalid", **settings()) as pm:
            try:
                deep()
            except LookupError:
                pm.market.ping()

    with pytest.raises(PaydownError) as caught:
        asyncio.run(awaiting()) if awaited else blocking()
    mine = next(one for one in linked(caught.value) if isinstance(one, LookupError))
    names = []
    trace = mine.__traceback__
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert names[-1] == "deep"


def test_an_error_still_shows_which_call_of_the_caller_failed():
    """The frames of the caller, of the call and of its decision stay; only those that hold the request go."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refused = f"http://127.0.0.1:{listener.getsockname()[1]}"
    names = {frame.f_code.co_name for frame in frames(failure_of("repay", False, base_url=refused))}
    assert {"repay_debt", "send", "write"} <= names
    with pytest.raises(InvalidCredentials) as caught:
        Credentials.hmac(KEY, "a b")
    assert caught.traceback[0].name == "test_an_error_still_shows_which_call_of_the_caller_failed"
