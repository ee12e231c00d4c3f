"""Constants and edges of connections: each of these was once wrong, or could be, without any other test noticing."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import threading
import time
import tracemalloc

import httpx
import pytest

from paydown import (
    AsyncClient,
    Client,
    InvalidRequest,
    OutcomeUnknown,
    PaydownError,
    RequestRejected,
    SystemClock,
)
from paydown.transport.address import Address
from paydown.transport.channel import Answer, Lost, Outgoing
from paydown.transport.direct import DirectChannel
from paydown.transport.direct_async import AsyncDirectChannel
from paydown.transport.http1 import LARGEST_BODY, Body
from tests.client.support.kit import ONE_TRY, Plenty, credentials
from tests.client.transport.test_httpx_adapter import SLOW
from tests.doubles.scripted_exchange import Connection, close, exchange, http, read, respond, serving

BALANCERS_CLOSE_S = 60  # the idle time after which load balancers usually close, and may do so at any moment


def settings(**more):
    """Of a client that asks nobody for the time, and asks once."""
    return {
        "clock": SystemClock(),
        "budget": Plenty(),
        "retries": ONE_TRY,
        "answer_timeout_s": 5,
        **more,
    }


# ------------------------------------------------------------------------------------------- one time limit


@pytest.mark.parametrize("kind", SLOW)
@pytest.mark.parametrize("call", ["repay", "read"])
def test_a_blocking_transport_of_httpx_has_one_time_limit_too(kind, call):
    """Its own limits begin anew with every byte: without ours a server that drips keeps a program for minutes."""
    with serving(SLOW[kind]) as (_, url):
        started = time.monotonic()
        with Client(
            credentials(),
            base_url=url,
            transport=httpx.HTTPTransport(),
            **settings(answer_timeout_s=0.3, connect_timeout_s=0.2),
        ) as pm:
            with pytest.raises(PaydownError) as caught:
                pm.margin.repay_debt(asset="BNB") if call == "repay" else pm.account.balance()
            elapsed = time.monotonic() - started
    assert type(caught.value).__name__ == ("OutcomeUnknown" if call == "repay" else "ReadFailed")
    assert 0.25 < elapsed < 3


def test_a_transport_of_httpx_still_sees_what_its_caller_has_set():
    """Context variables, such as those of tracing, reach the transport as if it were called directly."""
    from contextvars import ContextVar

    seen = []
    tenant = ContextVar("tenant", default="nobody")

    class Looking(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(tenant.get())
            return super().handle_request(request)

    tenant.set("desk-a")
    with (
        serving(exchange()) as (_, url),
        Client(credentials(), base_url=url, transport=Looking(), **settings()) as pm,
    ):
        assert pm.margin.repay_debt(asset="BNB").success
    assert seen == ["desk-a"]


# ---------------------------------------------------------------------------------- in the clear to the exchange


@pytest.mark.parametrize(
    "url",
    [
        "http://papi.binance.com",
        "http://api1.binance.com",
        "http://API-GCP.Binance.COM/prefix",
        "http://fapi.binance.com.:80",
        "http://binance.com",
        "http://www.binance.com",
        "http://a.b.binance.com",
        "http://papi\u3002binance\uff0ecom",
    ],
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_no_host_of_the_exchange_is_called_in_the_clear(url, kind):
    """Whatever its case, a dot behind it, or the dots of another script: the key would be read on the way."""
    with pytest.raises(InvalidRequest, match="unencrypted"):
        kind(credentials(), base_url=url)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8087", "http://notbinance.com", "http://binance.com.example", "http://example.pm"],
)
def test_other_hosts_may_be_called_in_the_clear(url):
    """A sandbox, a recording proxy on this machine: names that only look like the exchange's are others."""
    with Client(credentials(), base_url=url) as pm:
        assert pm.base_url == url


# ------------------------------------------------------------------------------------------------ keep-alive


def twice(url, idle_s, monkeypatch):
    """Two repayments on one client, so many seconds apart on the clock that connections go by."""
    with Client(credentials(), base_url=url, **settings()) as pm:
        pm.margin.repay_debt(asset="BNB")
        now = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: now() + idle_s)
        try:
            pm.margin.repay_debt(asset="BNB")
        finally:
            monkeypatch.setattr(time, "monotonic", now)


def twice_awaited(url, idle_s, monkeypatch):
    """The same, awaited: there the loop tells the time."""

    async def go():
        async with AsyncClient(credentials(), base_url=url, **settings()) as pm:
            await pm.margin.repay_debt(asset="BNB")
            loop = asyncio.get_running_loop()
            now = loop.time
            monkeypatch.setattr(loop, "time", lambda: now() + idle_s)
            await pm.margin.repay_debt(asset="BNB")

    asyncio.run(go())


@pytest.mark.parametrize("do", [twice, twice_awaited], ids=["blocking", "awaited"])
@pytest.mark.parametrize(
    ("idle_s", "connections"), [(5, 1), (BALANCERS_CLOSE_S / 2, 2), (BALANCERS_CLOSE_S, 2)]
)
def test_a_connection_is_not_used_again_near_the_time_when_balancers_close(
    do, idle_s, connections, monkeypatch
):
    """What is sent while the other side closes is lost: for a repayment that is a doubt that costs a person's time."""
    with serving(exchange(2), exchange(2)) as (server, url):
        do(url, idle_s, monkeypatch)
        assert server.connections == connections


@pytest.mark.parametrize("kind", ["blocking", "awaited"])
def test_a_connection_through_a_proxy_is_never_used_again(kind):
    """A proxy closes when it likes, and no silence of a kept tunnel says that it has not."""
    with serving(*[exchange(3)] * 3) as (server, url):
        if kind == "blocking":
            with Client(credentials(), base_url="http://exchange.test", proxy=url, **settings()) as pm:
                for _ in range(3):
                    pm.margin.repay_debt(asset="BNB")
        else:

            async def go() -> None:
                async with AsyncClient(
                    credentials(), base_url="http://exchange.test", proxy=url, **settings()
                ) as pm:
                    for _ in range(3):
                        await pm.margin.repay_debt(asset="BNB")

            asyncio.run(go())
        assert server.connections == 3


# --------------------------------------------------------------------------------------------- early answers


def refuse_and_hang_up(connection: Connection) -> None:
    """Script step: read the head only, refuse, and close with the rest unread: what is still sent is reset."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.socket.recv(100)
    connection.send(http(b'{"code":-1102,"msg":"too long"}', status="413 Too Large"))
    connection.socket.close()


def test_an_answer_that_came_before_the_write_failed_is_heard():
    """A server that refuses while we still write has answered: to call that lost would leave a doubt for nothing."""
    with serving([refuse_and_hang_up]) as (_, url):
        channel = DirectChannel()
        body = b"x" * 20_000_000
        outgoing = Outgoing(
            method="POST",
            address=Address.parse(url),
            target="/",
            headers=[(b"Host", b"exchange.test"), (b"Content-Length", b"%d" % len(body))],
            body=body,
            connect_timeout_s=5,
            answer_timeout_s=5,
        )
        answer = channel.exchange(outgoing)
        channel.close()
    assert answer.status == 413
    assert b"too long" in answer.body


@pytest.mark.parametrize("awaited", [False, True], ids=["blocking", "awaited"])
def test_an_answer_that_came_before_the_very_first_write_failed_is_heard(awaited):
    """Answered and reset before a byte was written: the answer lies in the socket, for either client."""
    connected = threading.Event()

    def answer_and_reset(connection: Connection) -> None:
        connected.wait(5)
        connection.send(http(b'{"code":-1102,"msg":"too long"}', status="413 Too Large"))
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.socket.close()

    with serving([answer_and_reset]) as (_, url):
        outgoing = Outgoing(
            method="POST",
            address=Address.parse(url),
            target="/",
            headers=[(b"Host", b"exchange.test"), (b"Content-Length", b"3")],
            body=b"abc",
            connect_timeout_s=5,
            answer_timeout_s=5,
        )
        if awaited:

            async def go() -> Answer:
                channel = AsyncDirectChannel()
                connection = await channel._open(outgoing)
                connected.set()
                time.sleep(0.2)  # noqa: ASYNC251  # the loop must not see it arrive
                try:
                    return await connection.exchange(outgoing)
                finally:
                    await channel.aclose()

            answer = asyncio.run(go())
        else:
            channel = DirectChannel()
            connection = channel._open(outgoing)
            connected.set()
            time.sleep(0.2)
            answer = connection.exchange(outgoing)
            channel._give_back(connection, keep=False)
    assert answer.status == 413
    assert b"too long" in answer.body


def test_an_idle_connection_that_was_hung_up_unseen_is_not_written_to():
    """The loop was busy and has not seen it: a repayment that is written to it would be in doubt for nothing."""
    with serving([*exchange(), close], exchange()) as (server, url):
        outgoing = Outgoing(
            method="GET",
            address=Address.parse(url),
            target="/",
            headers=[(b"Host", b"exchange.test")],
            body=b"",
            connect_timeout_s=5,
            answer_timeout_s=5,
        )

        async def go() -> Answer:
            channel = AsyncDirectChannel()
            await channel.exchange(outgoing)
            time.sleep(0.2)  # noqa: ASYNC251  # the loop must not see it
            try:
                return await channel.exchange(outgoing)
            finally:
                await channel.aclose()

        assert asyncio.run(go()).status == 200
        assert server.connections == 2


def test_a_write_that_failed_without_an_answer_may_have_happened():
    """Nothing can be read afterwards: then it is lost, and never taken for not sent."""

    def hang_up(connection: Connection) -> None:
        connection.socket.recv(100)
        connection.socket.close()

    with serving([hang_up]) as (_, url):
        channel = DirectChannel()
        body = b"x" * 20_000_000
        outgoing = Outgoing(
            method="POST",
            address=Address.parse(url),
            target="/",
            headers=[(b"Host", b"exchange.test"), (b"Content-Length", b"%d" % len(body))],
            body=body,
            connect_timeout_s=5,
            answer_timeout_s=5,
        )
        with pytest.raises(Lost):
            channel.exchange(outgoing)
        channel.close()


# ----------------------------------------------------------------------------------------------------- gzip


def bomb(megabytes: int) -> bytes:
    """So many megabytes of zeros, in a thousandth of that."""
    return gzip.compress(b"\0" * (megabytes * 1024 * 1024), compresslevel=9)


def test_one_part_of_gzip_is_unpacked_no_further_than_the_longest_answer():
    """A hundred kilobytes that unpack to a hundred megabytes: they are not unpacked to be measured."""
    packed = bomb(100)
    tracemalloc.start()
    try:
        with pytest.raises(Lost, match="longer than"):
            Body([(b"Content-Encoding", b"gzip")]).add(packed)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * LARGEST_BODY


def test_many_parts_of_gzip_share_the_bound():
    """Each part unpacks to less than is allowed, together they do not."""
    packed = bomb(20)
    body = Body([(b"Content-Encoding", b"gzip")])

    def take_all() -> None:
        for at in range(0, len(packed), 1000):
            body.add(packed[at : at + 1000])

    with pytest.raises(Lost, match="longer than"):
        take_all()


@pytest.mark.parametrize("kind", ["blocking", "httpx's"])
def test_a_repayment_that_is_answered_with_a_bomb_may_have_happened(kind):
    """On every way in."""
    data = http(bomb(50), headers="Content-Encoding: gzip\r\n")
    transport = httpx.HTTPTransport() if kind == "httpx's" else None
    with (
        serving([read, respond(data)]) as (_, url),
        Client(credentials(), base_url=url, transport=transport, **settings()) as pm,
        pytest.raises(OutcomeUnknown, match="longer than"),
    ):
        pm.margin.repay_debt(asset="BNB")


def test_a_refusal_is_heard_through_httpx_as_well():
    """The thread that keeps the time hands on what was said, with its class."""
    refusal = http(b'{"code":-2018,"msg":"Balance is insufficient."}', status="400 Bad Request")
    with (
        serving([read, respond(refusal)]) as (_, url),
        Client(credentials(), base_url=url, transport=httpx.HTTPTransport(), **settings()) as pm,
        pytest.raises(RequestRejected, match="-2018"),
    ):
        pm.margin.repay_debt(asset="BNB")
