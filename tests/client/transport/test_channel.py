"""Addresses and finished requests: what is refused, and what they show of themselves."""

from __future__ import annotations

import pytest

from paydown import Client, InvalidRequest
from paydown.call.request import RequestMaker
from paydown.transport.address import Address
from paydown.transport.channel import Outgoing
from paydown_wire.operations import REPAY_DEBT
from tests.client.support.kit import API_KEY, credentials

PASSWORD = "correct-horse"


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{PASSWORD}@papi.binance.com",
        f"ftp://user:{PASSWORD}@papi.binance.com",
        f"user:{PASSWORD}@papi.binance.com",
        f"https://user:{PASSWORD}@[::1",
        f"https://user:{PASSWORD}@papi.binance.com:99999",
        f"https://user:{PASSWORD}@papi.binance.com/a b",
    ],
)
def test_a_refused_base_url_with_a_password_is_not_repeated(url):
    """The message says what is wrong and shows no part of the URL."""
    with pytest.raises(InvalidRequest, match="base URL") as caught:
        Client(credentials(), base_url=url)

    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("url", [b"http://127.0.0.1", 5, ["http://127.0.0.1"], "x" * 100_000])
def test_a_base_url_that_is_no_text_or_too_long_to_show_is_refused_in_one_sentence(url):
    """Whatever is passed, the refusal is short."""
    with pytest.raises(InvalidRequest, match="base URL") as caught:
        Client(credentials(), base_url=url)

    assert len(str(caught.value)) < 300


def test_a_request_shows_where_it_goes_and_nothing_that_is_in_it():
    """Tools that print the variables of every frame print this one too."""
    outgoing = Outgoing(
        method="POST",
        address=Address.parse("https://papi.binance.com"),
        target="/papi/v1/balance?signature=9f86d081884c7d65",
        headers=[(b"X-MBX-APIKEY", API_KEY.encode())],
        body=b"asset=BNB&signature=9f86d081884c7d65",
        connect_timeout_s=3.0,
        answer_timeout_s=10.0,
    )

    assert "https://papi.binance.com" in repr(outgoing)
    assert "9f86d081884c7d65" not in repr(outgoing)
    assert API_KEY not in repr(outgoing)


@pytest.mark.parametrize(
    "proxy",
    [
        5,
        b"http://127.0.0.1:3128",
        "",
        "127.0.0.1:3128",
        f"ftp://user:{PASSWORD}@h",
        f"http://u:{PASSWORD}@h:99999",
    ],
)
def test_a_proxy_that_is_no_address_is_refused_and_not_repeated(proxy):
    """The URL of a proxy often holds a password."""
    with pytest.raises(InvalidRequest, match="must look like http://127") as caught:
        Client(credentials(), proxy=proxy)

    assert PASSWORD not in str(caught.value)


def test_a_signed_request_shows_neither_key_nor_signature():
    """The flow holds it in a variable while it waits for the answer."""
    maker = RequestMaker(credentials())
    prepared = maker.make(REPAY_DEBT, {"asset": "BNB"}, timestamp_ms=1, recv_window=5000)

    assert prepared.signature in prepared.outgoing.body.decode()
    for shown in (repr(prepared), repr(vars(maker))):
        assert API_KEY not in shown
        assert prepared.signature not in shown
