"""Real sockets: what has left, what has not, and how long anybody waits."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import httpcore
import httpx
import pytest
import trustme

from paydown import (
    AsyncClient,
    Client,
    ConnectionFailed,
    InvalidRequest,
    MemoryBudget,
    OutcomeUnknown,
    PaydownError,
    ReadFailed,
    RequestNotSent,
    SystemClock,
)
from paydown.transport.address import Address
from paydown.transport.http1 import LARGEST_BODY
from tests.client.support.kit import ONE_TRY, Exchange, client, credentials
from tests.doubles.scripted_exchange import (
    DONE,
    close,
    exchange,
    hold,
    http,
    pause,
    read,
    reset,
    respond,
    serving,
)

BALANCES = b"[]"


class Colour:
    """The same calls, blocking or awaited."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, url: str, *calls: str, **settings: Any) -> list[object]:
        """Make calls on one client; each gives its result or its error."""
        settings = {
            "base_url": url,
            "clock": SystemClock(),
            "budget": MemoryBudget(),
            "retries": ONE_TRY,
            "answer_timeout_s": 5,
            **settings,
        }
        if self.name == "blocking":
            with Client(credentials(), **settings) as pm:
                return [self._one(lambda call=call: METHODS[call](pm)) for call in calls]
        return asyncio.run(self._all(settings, calls))

    @staticmethod
    def _one(call: Callable[[], object]) -> object:
        try:
            return call()
        except PaydownError as error:
            return error

    @staticmethod
    async def _all(settings: dict[str, Any], calls: tuple[str, ...]) -> list[object]:
        results: list[object] = []
        async with AsyncClient(credentials(), **settings) as pm:
            for call in calls:
                try:
                    results.append(await METHODS[call](pm))
                except PaydownError as error:
                    results.append(error)
        return results


METHODS: dict[str, Callable[[Any], Any]] = {
    "repay": lambda pm: pm.margin.repay_debt(asset="BNB"),
    "other": lambda pm: pm.margin.repay_debt(asset="BTC"),
    "balances": lambda pm: pm.account.balance(),
}


@pytest.fixture(params=["blocking", "awaited"])
def colour(request):
    """Every test runs in both."""
    return Colour(request.param)


# ------------------------------------------------------------------------------------------------ not sent


def test_a_refused_connection_is_not_sent(colour):
    """Nobody listens: not a byte was written, and the text says where."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    (error,) = colour.run(f"http://127.0.0.1:{port}", "repay")

    assert type(error) is ConnectionFailed
    assert isinstance(error, RequestNotSent)
    assert f"http://127.0.0.1:{port}" in str(error)


def test_a_name_that_does_not_resolve_is_not_sent(colour, monkeypatch):
    """DNS fails before anything is written."""

    def unknown(*args: object, **kwargs: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    (error,) = colour.run("http://exchange.invalid", "repay")

    assert type(error) is ConnectionFailed
    assert "not known" in str(error)


@pytest.fixture(scope="module")
def authority():
    """A certificate authority that nobody trusts yet."""
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority):
    """The server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def test_a_certificate_that_nobody_signed_is_not_sent_to(colour, tls):
    """TLS fails before the request is written: the key never left."""
    with serving(exchange(), tls=tls) as (server, url):
        (error,) = colour.run(url, "repay")

    assert type(error) is ConnectionFailed
    assert "certificate" in str(error).lower()
    assert server.requests == []


def test_a_trusted_certificate_works(colour, authority, tls):
    """With the right authority the same server is heard."""
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with serving(exchange(), tls=tls) as (server, url):
        (result,) = colour.run(url, "repay", ssl_context=trusting)

    assert result.success is True
    assert server.requests[0].startswith(b"POST /papi/v1/margin/repay-debt HTTP/1.1\r\nHost: localhost:")


def test_a_certificate_for_another_name_is_not_sent_to(colour, authority, tls):
    """Trusted, but not this host."""
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with serving(exchange(), tls=tls) as (server, url):
        (error,) = colour.run(url.replace("localhost", "127.0.0.1"), "repay", ssl_context=trusting)

    assert type(error) is ConnectionFailed
    assert server.requests == []


def test_a_server_without_tls_is_not_sent_to(colour):
    """https to a plain port: the handshake fails."""
    with serving([respond(b"HTTP/1.1 400 Bad Request\r\n\r\n"), close]) as (server, url):
        (error,) = colour.run(url.replace("http:", "https:"), "repay")

    assert type(error) is ConnectionFailed
    assert server.requests == []


def test_a_handshake_that_hangs_is_given_up_and_not_sent(colour):
    """The connect time-out covers TLS."""
    with serving([hold]) as (_, url):
        started = time.monotonic()
        (error,) = colour.run(url.replace("http:", "https:"), "repay", connect_timeout_s=0.2)

    assert type(error) is ConnectionFailed
    assert time.monotonic() - started < 5


def test_a_proxy_that_refuses_is_not_sent_through(colour):
    """CONNECT is answered with 407: the exchange never saw a byte."""
    with serving([read, respond(http(b"", status="407 Proxy Authentication Required"))]) as (proxy, url):
        (error,) = colour.run("https://papi.example", "repay", proxy=url)

    assert type(error) is ConnectionFailed
    assert proxy.requests[0].startswith(b"CONNECT papi.example:443 HTTP/1.1")
    assert b"signature" not in proxy.requests[0]


def test_a_proxy_is_used_when_given_and_only_then(colour, monkeypatch):
    """The environment is not asked: a forgotten HTTPS_PROXY must not see what a client sends."""
    with serving(exchange()) as (proxy, proxy_url), serving(exchange()) as (server, url):
        monkeypatch.setenv("HTTP_PROXY", proxy_url)
        monkeypatch.setenv("ALL_PROXY", proxy_url)
        colour.run(url, "repay")
        assert (len(server.requests), len(proxy.requests)) == (1, 0)
        colour.run("http://papi.example", "repay", proxy=proxy_url)
        assert (len(server.requests), len(proxy.requests)) == (1, 1)

    assert proxy.requests[0].startswith(b"POST http://papi.example/papi/v1/margin/repay-debt HTTP/1.1")


@pytest.mark.parametrize("proxy", ["127.0.0.1:3128", "ftp://x", "http://"])
def test_a_proxy_that_is_no_address_is_refused(proxy):
    """Before anything is sent."""
    with pytest.raises(InvalidRequest, match="proxy"):
        Client(credentials(), proxy=proxy)


# ------------------------------------------------------------------------------------------- may have happened

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(b" " * (LARGEST_BODY + 1))
LOSSES = {
    "closed after reading": [read, close],
    "reset after reading": [read, reset],
    "closed without reading": [close],
    "reset without reading": [pause(0.05), reset],
    "body cut short": [read, respond(http(DONE[:20], length=len(DONE))), close],
    "body reset": [read, respond(http(DONE[:20], length=len(DONE))), reset],
    "chunk cut short": [read, respond(CHUNKED + b"3c\r\n" + DONE[:9]), close],
    "head cut short": [read, respond(b"HTTP/1.1 200 OK\r\nContent-Le"), close],
    "not HTTP": [read, respond(b"220 smtp ready\r\n\r\n"), close],
    "longer than said": [read, respond(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), close],
    "two lengths": [read, respond(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345"), close],
    "broken gzip": [read, respond(http(b"not gzip", headers="Content-Encoding: gzip\r\n"))],
    "gzip cut short": [read, respond(http(gzip.compress(DONE)[:-9], headers="Content-Encoding: gzip\r\n"))],
    "an encoding nobody asked for": [read, respond(http(DONE, headers="Content-Encoding: br\r\n"))],
    "too long": [read, respond(http(b" " * (LARGEST_BODY + 1)))],
    "gzip with more behind it": [
        read,
        respond(http(gzip.compress(DONE) + gzip.compress(b" "), headers="Content-Encoding: gzip\r\n")),
    ],
    # Nothing comes out of the first bytes of gzip; that is not the empty body of a dead host.
    "202 whose gzip is cut short": [
        read,
        respond(http(gzip.compress(DONE)[:10], status="202 Accepted", headers="Content-Encoding: gzip\r\n")),
    ],
    "a bomb": [read, respond(http(BOMB, headers="Content-Encoding: gzip\r\n"))],
}  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
def test_whatever_is_lost_after_the_first_byte_may_have_happened(colour, loss):
    """One request, one connection, and the outcome unknown."""
    with serving(LOSSES[loss]) as (server, url):
        error, guarded = colour.run(url, "repay", "repay")

    assert type(error) is OutcomeUnknown
    assert guarded.attempt_id == error.attempt_id
    assert server.connections == 1


@pytest.mark.parametrize("loss", LOSSES)
def test_a_read_whose_answer_is_lost_fails_as_a_read(colour, loss):
    """The same losses, nothing at stake."""
    with serving(LOSSES[loss]) as (_, url):
        (error,) = colour.run(url, "balances")

    assert type(error) is ReadFailed


SLOW = {
    "no answer": [read, hold],
    "one byte of the head now and then": [read, lambda connection: connection.drip(http(), 0.05)],
    "one byte of the body now and then": [
        read,
        respond(b"HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n"),
        lambda connection: connection.drip(b" " * 600, 0.05),
    ],
    "endless hints": [
        read,
        lambda connection: connection.drip(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 99, 0.01),
    ],
}


@pytest.mark.parametrize("kind", SLOW)
def test_an_answer_has_one_time_limit_however_it_comes(colour, kind):
    """A server that sends a byte now and then cannot stretch it: each read of the socket shares the limit."""
    with serving(SLOW[kind]) as (_, url):
        started = time.monotonic()
        (error,) = colour.run(url, "repay", answer_timeout_s=0.3, connect_timeout_s=0.1)
        elapsed = time.monotonic() - started

    assert type(error) is OutcomeUnknown
    assert 0.25 < elapsed < 3


def test_a_slow_answer_within_the_limit_is_heard(colour):
    """Live repayments took 519 and 808 ms: time-outs of a second, common elsewhere, are uncomfortably near."""
    with serving([read, pause(0.3), respond(http())]) as (_, url):
        (result,) = colour.run(url, "repay", answer_timeout_s=5)

    assert result.success is True


# ----------------------------------------------------------------------------------------------- keep-alive


def test_connections_are_kept_and_reused(colour):
    """Three calls, one connection."""
    with serving(exchange(3)) as (server, url):
        results = colour.run(url, "repay", "repay", budget=_wide())

    assert [result.success for result in results] == [True, True]
    assert server.connections == 1


def test_a_reused_connection_that_dies_before_a_byte_is_unknown_for_a_write(colour):
    """The second request was read; whether it was executed nobody says."""
    with serving([*exchange(), read, reset]) as (server, url):
        first, second = colour.run(url, "other", "repay")

    assert first.args if isinstance(first, PaydownError) else True
    assert type(second) is OutcomeUnknown
    assert server.connections == 1
    assert len(server.requests) == 2


def test_a_reused_connection_that_dies_is_replaced_for_a_read(colour):
    """A read is simply asked again, on a new connection."""
    from paydown import ReadRetries

    answered = exchange(data=http(BALANCES))
    with serving([*answered, read, reset], answered) as (server, url):
        results = colour.run(url, "balances", "balances", retries=ReadRetries(tries=2, first_pause_s=0.01))

    assert results == [[], []]
    assert server.connections == 2


def test_an_idle_connection_that_was_closed_is_not_written_to(colour):
    """The other side hung up between two calls: seen before writing, so the write goes out on a new connection."""
    with serving([*exchange(data=http(BALANCES)), close], exchange()) as (server, url):
        if colour.name == "blocking":
            with Client(credentials(), base_url=url, clock=SystemClock(), budget=MemoryBudget()) as pm:
                pm.account.balance()
                _until_closed(server)
                assert pm.margin.repay_debt(asset="BNB").success is True
        else:

            async def scenario() -> None:
                async with AsyncClient(
                    credentials(), base_url=url, clock=SystemClock(), budget=MemoryBudget()
                ) as pm:
                    await pm.account.balance()
                    await asyncio.sleep(0.2)
                    assert (await pm.margin.repay_debt(asset="BNB")).success is True

            asyncio.run(scenario())

    assert server.connections == 2
    assert len(server.requests) == 2


def _until_closed(server: object) -> None:
    time.sleep(0.2)  # real: the FIN has to travel


def _wide() -> MemoryBudget:
    return MemoryBudget()


def test_an_interim_answer_is_not_taken_for_the_answer(colour):
    """103 Early Hints comes first, 200 after it."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    with serving([read, respond(hints + http())]) as (_, url):
        (result,) = colour.run(url, "repay")

    assert result.success is True


def test_gzip_is_understood(colour):
    """It is what we say we accept."""
    with serving(exchange(data=http(gzip.compress(DONE), headers="Content-Encoding: gzip\r\n"))) as (
        server,
        url,
    ):
        (result,) = colour.run(url, "repay")

    assert result.success is True
    assert b"\r\nAccept-Encoding: gzip\r\n" in server.requests[0]


def test_what_is_written_is_one_plain_request(colour):
    """Head and body as a packet sniffer sees them: no cookie, no expectation, each header once."""
    with serving(exchange()) as (server, url):
        colour.run(url, "repay")

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    names = [line.partition(":")[0] for line in lines[1:]]
    assert lines[0] == "POST /papi/v1/margin/repay-debt HTTP/1.1"
    assert names == [
        "Host", "User-Agent", "Accept", "Accept-Encoding", "X-MBX-APIKEY", "Content-Type", "Content-Length",
    ]  # fmt: skip
    assert body.startswith(b"asset=BNB&recvWindow=5000&timestamp=")


# ------------------------------------------------------------------------------------------- other transports


def test_a_disconnect_that_a_transport_calls_a_connect_time_out_is_not_believed():
    """
    httpx-aiohttp reports a connection that died after the request was sent as `httpx.ConnectTimeout`, since
    aiohttp's ServerDisconnectedError is a ClientConnectionError. Taken at its word it would be repaid twice.
    """
    import httpx_aiohttp

    with serving([read, close]) as (server, url):
        transport = httpx_aiohttp.AiohttpTransport()
        (error,) = Colour("awaited").run(url, "repay", transport=transport)

    assert isinstance(error.__cause__.__cause__, httpx.ConnectTimeout)
    assert type(error) is OutcomeUnknown
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (None, ConnectionFailed),
        (httpcore.ConnectError(), ConnectionFailed),
        (httpcore.ConnectTimeout(), ConnectionFailed),
        (httpcore.ReadError(), OutcomeUnknown),
        (ConnectionResetError(), OutcomeUnknown),
        (BrokenPipeError(), OutcomeUnknown),
        (TimeoutError(), OutcomeUnknown),
        (OSError(), OutcomeUnknown),
        (ValueError(), OutcomeUnknown),
    ],
)
@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout])
def test_an_error_of_connecting_is_believed_by_what_is_behind_it(error, cause, kind):
    """The class that a transport chose proves nothing beside a cause that may come from a connection in use."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise error("as the transport says") from cause

    with pytest.raises(kind):
        client(Exchange(fail)).margin.repay_debt(asset="BNB")


def test_a_connection_refused_below_aiohttp_is_not_sent():
    """What does belong to connecting is still recognised."""
    import httpx_aiohttp

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    (error,) = Colour("awaited").run(url, "repay", transport=httpx_aiohttp.AiohttpTransport())

    assert type(error) is ConnectionFailed


def test_the_transports_of_httpx_can_take_our_connections_place(colour):
    """The same classification through httpx.HTTPTransport."""
    make = httpx.HTTPTransport if colour.name == "blocking" else httpx.AsyncHTTPTransport
    with serving(exchange()) as (_, url):
        (result,) = colour.run(url, "repay", transport=make())
    with serving([read, close]) as (_, url):
        (lost,) = colour.run(url, "repay", transport=make())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    (refused,) = colour.run(url, "repay", transport=make())

    assert result.success is True
    assert type(lost) is OutcomeUnknown
    assert type(refused) is ConnectionFailed


def test_an_async_client_may_be_used_in_one_loop_after_another():
    """Connections of a loop that has ended are not touched again."""
    with serving(exchange(data=http(BALANCES))) as (server, url):
        pm = AsyncClient(credentials(), base_url=url, clock=SystemClock(), budget=MemoryBudget())

        async def once() -> object:
            try:
                return await pm.account.balance()
            finally:
                await pm._channel.get().aclose()

        assert asyncio.run(once()) == asyncio.run(once()) == []

    assert server.connections == 2


# --------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("url", "origin", "host_header", "prefix"),
    [
        ("https://papi.binance.com", "https://papi.binance.com", b"papi.binance.com", ""),
        ("https://papi.binance.com/", "https://papi.binance.com", b"papi.binance.com", ""),
        ("http://127.0.0.1:8087", "http://127.0.0.1:8087", b"127.0.0.1:8087", ""),
        ("http://[::1]:8087/a/b/", "http://[::1]:8087", b"[::1]:8087", "/a/b"),
        ("HTTPS://PAPI.Binance.com", "https://papi.binance.com", b"papi.binance.com", ""),
        ("https://börse.example", "https://xn--brse-5qa.example", b"xn--brse-5qa.example", ""),
    ],
)
def test_addresses_are_taken_apart(url, origin, host_header, prefix):
    """Scheme and host in lower case, other scripts as the DNS spells them, IPv6 in brackets."""
    address = Address.parse(url)

    assert (address.origin, address.host_header, address.prefix) == (origin, host_header, prefix)
