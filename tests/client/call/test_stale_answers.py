"""Bytes that come behind an answer are never taken for the answer to the next request, and delay none of it.

A refusal read in the place of another one's answer would pass an executed repayment off as refused.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from typing import Any

import pytest
import trustme

from paydown import AsyncClient, RequestRejected
from paydown_wire import RepayDebtResult
from tests.client.transport.test_httpx_adapter import METHODS, Colour
from tests.doubles.scripted_exchange import (
    Connection,
    Step,
    close,
    exchange,
    http,
    pause,
    read,
    respond,
    serving,
)

REFUSED = http(b'{"code":-1102,"msg":"x"}', status="400 Bad Request")
LISTED = http(b"[]")


@pytest.fixture(params=["blocking", "awaited"])
def colour(request):
    """Both clients."""
    return Colour(request.param)


def arrived(requests: list[bytes]) -> int:
    """How many repayments reached the server, two in one packet included."""
    return sum(data.count(b"POST /papi/v1/margin/repay-debt ") for data in requests)


def in_one_packet(*parts: bytes) -> Step:
    """Script step: send each part as a TLS record of its own, all in one packet."""

    def step(connection: Connection) -> None:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        for part in parts:
            connection.send(part)
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    return step


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("a refusal and another", REFUSED + REFUSED),
        ("a confirmation and a refusal", http() + REFUSED),
        ("a refusal and half of another", REFUSED + REFUSED[:30]),
        ("a refusal and a line end", REFUSED + b"\r\n"),
        ("a chunked refusal and another", b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n"
         b"18\r\n{\"code\":-1102,\"msg\":\"x\"}\r\n0\r\n\r\n" + REFUSED),
    ],
)  # fmt: skip
def test_a_spare_answer_is_not_the_next_ones(colour, first, said):
    """The second repayment gets a connection and an answer of its own, and leaves once."""
    with serving([read, respond(said), read, respond(REFUSED[30:] + http())], exchange()) as (server, url):
        one, two = colour.run(url, "repay", "repay")

    assert isinstance(one, RepayDebtResult if first.startswith("a conf") else RequestRejected)
    assert isinstance(two, RepayDebtResult)
    assert arrived(server.requests) == 2
    assert server.connections == 2


def test_a_spare_answer_to_a_read_is_not_that_of_a_repayment(colour):
    """Reads and repayments share their connections."""
    with serving([read, respond(LISTED + REFUSED), read, respond(http())], exchange()) as (server, url):
        _, repaid = colour.run(url, "balances", "repay")

    assert isinstance(repaid, RepayDebtResult)
    assert arrived(server.requests) == 1


def test_an_answer_that_comes_while_nothing_was_asked_is_nobodys(colour, monkeypatch):
    """A server may say goodbye to an idle connection with an answer that looks like one."""
    monkeypatch.setitem(
        METHODS, "wait", lambda pm: asyncio.sleep(0.2) if isinstance(pm, AsyncClient) else time.sleep(0.2)
    )
    with serving([read, respond(LISTED), pause(0.05), respond(REFUSED), close], exchange()) as (server, url):
        _, _, repaid = colour.run(url, "balances", "wait", "repay")

    assert isinstance(repaid, RepayDebtResult)
    assert arrived(server.requests) == 1


@pytest.mark.skipif(not hasattr(socket, "TCP_CORK"), reason="two records cannot be held together here")
def test_a_spare_answer_under_tls_is_not_the_next_ones(colour):
    """There it may wait in a record that is read from the socket, but not decrypted yet."""
    authority = trustme.CA()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_side)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    scripts: list[Any] = [
        [read, in_one_packet(REFUSED, REFUSED), read, respond(http())],
        exchange(),
    ]

    with serving(*scripts, tls=server_side) as (server, url):
        _, repaid = colour.run(url, "repay", "repay", ssl_context=client_side)

    assert isinstance(repaid, RepayDebtResult)
    assert arrived(server.requests) == 2


def test_a_kept_connection_without_spare_bytes_is_used_again(colour):
    """The care costs no connection where the server does as it should."""
    with serving(exchange(2)) as (server, url):
        results = colour.run(url, "repay", "repay")

    assert all(isinstance(result, RepayDebtResult) for result in results)
    assert server.connections == 1
