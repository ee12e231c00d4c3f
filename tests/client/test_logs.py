"""Nothing that is logged holds a secret: every way that a call can go, over real sockets, everything at DEBUG."""

from __future__ import annotations

import logging
import re
from urllib.parse import unquote, urlsplit

import pytest

from paydown import MemoryBudget, PaydownError, ReadRetries, RequestNotSent
from paydown.clock import ExchangeClock
from tests.client.support.kit import credentials
from tests.client.support.secure import Secure
from tests.client.transport.test_httpx_adapter import Colour
from tests.doubles.scripted_exchange import (
    Connection,
    Step,
    close,
    exchange,
    http,
    read,
    reset,
    respond,
    serving,
    tunnel,
)

TIME = http(b'{"serverTime":1636371437000}')
LISTED = http(b"[]")


@pytest.fixture(params=["blocking", "awaited"])
def colour(request):
    """Both clients."""
    return Colour(request.param)


def echo(status: str) -> Step:
    """Script step: answer with everything that was asked, in a header and in the body."""

    def step(connection: Connection) -> None:
        asked = re.sub(rb"[^ -~]", b" ", connection.read())
        body = b'{"code":-1102,"msg":"' + asked.replace(b'"', b"'") + b'"}'
        head = f"X-Echo: {asked.decode()}\r\nConnection: close\r\n"
        connection.send(http(body, status=status, headers=head))

    return step


REFUSED = http(b'{"code":-1021,"msg":"Timestamp"}', status="400 Bad Request")
LIMITED = http(
    b'{"code":-1003,"msg":"Too much"}', status="429 Too Many Requests", headers="Retry-After: 0\r\n"
)
FLOWS: dict[str, tuple[list[list[Step]], tuple[str, ...]]] = {
    "done": ([[read, respond(TIME), *exchange()]], ("repay",)),
    "refused": ([[read, respond(TIME), echo("400 Bad Request")]], ("repay",)),
    "refused for its key": ([[read, respond(TIME), echo("401 Unauthorized")]], ("repay",)),
    "a firewall": ([[read, respond(TIME), echo("403 Forbidden")]], ("repay",)),
    "unknown": ([[read, respond(TIME), echo("503 Service Unavailable")]], ("repay",)),
    "200 that is no confirmation": ([[read, respond(TIME), echo("200 OK")]], ("repay",)),
    "lost": ([[read, respond(TIME), read, reset]], ("repay", "repay")),
    "a refused timestamp": (
        [[read, respond(TIME), read, respond(REFUSED), read, respond(TIME), *exchange()]],
        ("repay",),
    ),
    "a clock that does not answer": ([[read, respond(http(b"", status="404 Not Found")), *exchange()]], ("repay",)),
    "a repeated read": ([[read, respond(TIME), read, close], [read, respond(LISTED)]], ("balances",)),
    "a read that fails": ([[read, respond(TIME), read, close], [echo("502 Bad Gateway")]], ("balances",)),
    "a limit": ([[read, respond(TIME), read, respond(LIMITED), read, respond(LISTED)]], ("repay", "balances")),
    "no room": ([[read, respond(TIME), *exchange(2)]], ("repay", "repay", "repay")),
}  # fmt: skip
THROUGH = pytest.mark.parametrize("through", ["plain", "TLS", "a proxy"])


@pytest.fixture(scope="module")
def secure():
    """One for all tests: making keys takes a while."""
    return Secure()


@THROUGH
@pytest.mark.parametrize("flow", FLOWS)
def test_no_record_holds_a_secret(colour, secure, flow, through, caplog):
    """Neither key nor signature nor parameters, in the text, the arguments or the facts of a record of ours."""
    scripts, calls = FLOWS[flow]
    settings: dict[str, object] = {
        "retries": ReadRetries(tries=2, first_pause_s=0.01),
        "budget": MemoryBudget(),
        "max_wait_s": 0.5,
    }
    # Through a proxy each call has a connection of its own: one request each, by turns.
    if through == "a proxy":
        scripts = [[*pair] for script in scripts for pair in _requests(script)]
    with (
        caplog.at_level(logging.DEBUG),
        serving(*scripts, tls=None if through == "plain" else secure.server_side) as (server, url),
        serving([tunnel(urlsplit(url).port or 0)]) as (_, proxy),
    ):
        settings["clock"] = ExchangeClock([f"{url}/papi/v1/time"])
        if through != "plain":
            settings["ssl_context"] = secure.client_side
        if through == "a proxy":
            settings["proxy"] = proxy.replace("http://", "http://somebody:proxy-password@")
        results = colour.run(url, *calls, **settings)

    assert len(results) == len(calls)
    ours = [record for record in caplog.records if record.name.partition(".")[0] == "paydown"]
    assert {record.msg for record in ours}
    shown = " ".join(f"{record.getMessage()} {vars(record)!r} {record.exc_text or ''}" for record in ours)
    for secret in secrets(server.requests) | parameters(server.requests):
        assert secret not in shown
    # What the exchange says may be in an error, and here it says everything back; but no secret.
    said = " ".join(repr(result) + str(result) for result in results if isinstance(result, PaydownError))
    for secret in secrets(server.requests):
        assert secret not in said


@THROUGH
def test_no_library_below_logs_a_request(colour, secure, through, caplog):
    """What we send is in no record of anybody's, as long as the exchange does not say it back."""
    with (
        caplog.at_level(logging.DEBUG),
        serving(exchange(), tls=None if through == "plain" else secure.server_side) as (server, url),
        serving([tunnel(urlsplit(url).port or 0)]) as (_, proxy),
    ):
        settings = {} if through == "plain" else {"ssl_context": secure.client_side}
        if through == "a proxy":
            settings["proxy"] = proxy.replace("http://", "http://somebody:proxy-password@")
        (result,) = colour.run(url, "repay", **settings)

    assert not isinstance(result, RequestNotSent)
    shown = " ".join(f"{record.getMessage()} {vars(record)!r}" for record in caplog.records)
    assert len(secrets(server.requests)) >= 4
    for secret in secrets(server.requests) | parameters(server.requests):
        assert secret not in shown


def secrets(requests: list[bytes]) -> set[str]:
    """Key, signatures, the proxy's name and password."""
    found = {credentials().api_key, "proxy-password", "somebody"}
    for request in requests:
        text = request.decode()
        found |= {unquote(value) for value in re.findall(r"signature=([^& \r]+)", text)}
        found |= set(re.findall(r"signature=([^& \r]+)", text))
    return found


def parameters(requests: list[bytes]) -> set[str]:
    """Everything of the queries and bodies."""
    return {pair for request in requests for pair in re.findall(r"[?&\n](\w+=[^& \r]+)", request.decode())}


def _requests(script: list[Step]) -> list[list[Step]]:
    """A script cut behind each answer."""
    parts: list[list[Step]] = []
    for step in script:
        if step is read or step.__qualname__.startswith("echo") or not parts:
            parts.append([])
        parts[-1].append(step)
    return parts
