"""Keys, clock, parameters and paths, by the document and with its codes."""

from __future__ import annotations

from typing import Any

import pytest

from paydown_sandbox.bundled_document import Document
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox_clock import Clock
from tests.sandbox.signer import KEY, NOW_MS, REPAY, SECRET, Caller, digest, state_with

BALANCE = "/papi/v1/balance"


@pytest.mark.parametrize(
    ("at_ms", "window", "status"),
    [
        (NOW_MS, None, 200),
        (NOW_MS - 5000, None, 200),
        (NOW_MS - 5001, None, 400),
        (NOW_MS + 999, None, 200),
        (NOW_MS + 1000, None, 400),
        (NOW_MS - 60_000, 60_000, 200),
        (NOW_MS - 60_001, 60_000, 400),
        (NOW_MS - 1, 1, 200),
        (NOW_MS - 2, 1, 400),
        (NOW_MS // 1000, None, 400),
        (NOW_MS * 1000, None, 400),
    ],
)
def test_timestamp_edges(caller: Caller, at_ms: int, window: int | None, status: int) -> None:
    """timestamp < now + 1000 and now - timestamp <= recvWindow, to the millisecond; otherwise -1021."""
    text = "" if window is None else f"recvWindow={window}"
    answer = caller.signed("GET", BALANCE, text, at_ms=at_ms)

    assert answer.status == status
    assert answer.code == (None if status == 200 else -1021)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("recvWindow=60001", -1130),
        ("recvWindow=0", -1130),
        ("recvWindow=-1", -1100),
        ("recvWindow=5000.0", -1100),
        ("recvWindow=05000", -1100),
        ("recvWindow=", -1105),
        ("asset=", -1105),
        ("asset=bnb", -1100),
        ("asset=B%20B", -1100),
        ("asset=B%ZZ", -1100),
        ("asset=%FF", -1100),
        ("asset=NOSUCH", -1108),
        ("asset=BNB&asset=BNB", -1101),
        ("asset=BNB&ammount=1", -1104),
    ],
)
def test_wrong_parameters_of_a_read_get_documented_codes(caller: Caller, text: str, code: int) -> None:
    """Each kind of mistake has its code and status 400."""
    answer = caller.signed("GET", BALANCE, text)
    assert (answer.status, answer.code) == (400, code)


@pytest.mark.parametrize(
    "amount",
    [
        "0",
        "0.0",
        "-1",
        "+1",
        "1e-3",
        "1E3",
        ".5",
        "1.",
        "0.123456789",
        "NaN",
        "Infinity",
        "01",
        "1,0",
        "１",
        "0x1",
    ],
)
def test_amounts_that_are_no_positive_plain_decimal_are_refused(caller: Caller, amount: str) -> None:
    """-1102 for zero, signs, exponents, excess digits and look-alike digits; nothing is repaid."""
    from urllib.parse import quote

    answer = caller.repay(f"asset=BNB&amount={quote(amount)}&specifyRepayAssets=USDT")

    assert (answer.status, answer.code) == (400, -1102)
    assert not list(caller.exchange.lines)


@pytest.mark.parametrize("named", ["USDT%2C", "%2CUSDT", "USDT%2CUSDT", "usdt", "USDT%20", "USDT%2C%2CBTC"])
def test_malformed_payment_lists_are_refused_unless_tolerated(document: Document, named: str) -> None:
    """-1130 by default; with the option the same list is read with a forgiving eye."""
    strict = Caller(Exchange(state_with(), document=document, clock=Clock(NOW_MS)))
    options = {"malformed-payment-assets": "tolerate"}
    lenient = Caller(Exchange(state_with(options=options), document=document, clock=Clock(NOW_MS)))

    assert strict.repay(f"asset=BNB&amount=0.1&specifyRepayAssets={named}").code == -1130
    assert lenient.repay(f"asset=BNB&amount=0.1&specifyRepayAssets={named}").status == 200


def test_missing_parts_are_named(caller: Caller) -> None:
    """-1102 names the parameter that is missing."""
    stamp = f"timestamp={NOW_MS}"
    for text, name in (
        (f"asset=BNB&{stamp}", "signature"),
        (f"asset=BNB&signature={digest('asset=BNB')}", "timestamp"),
        (f"{stamp}&signature={digest(stamp)}", "asset"),
    ):
        answer = caller.raw("POST", REPAY, body=text)
        assert answer.code == -1102
        assert f"'{name}'" in answer.json["msg"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 400, -2014),
        ({"X-MBX-APIKEY": ""}, 400, -2014),
        ({"X-MBX-APIKEY": "two words"}, 400, -2014),
        ({"X-MBX-APIKEY": "k" * 257}, 400, -2014),
        ({"X-MBX-APIKEY": "unknown"}, 401, -2015),
        ({"X-MBX-APIKEY": KEY.upper()}, 401, -2015),
    ],
)
def test_keys_are_checked(caller: Caller, headers: dict[str, str], status: int, code: int) -> None:
    """A missing or malformed key is -2014, an unknown one or another case -2015."""
    text = f"timestamp={NOW_MS}"
    answer = caller.raw("GET", BALANCE, query=f"{text}&signature={digest(text)}", headers=headers)
    assert (answer.status, answer.code) == (status, code)


def test_permissions_and_addresses_are_checked(document: Document) -> None:
    """A read-only key cannot repay and a key with an address list works from those addresses only."""
    state: Any = state_with()
    state["accounts"][0]["keys"] = [
        {
            "api_key": "reader",
            "type": "hmac",
            "secret_or_public_key": SECRET,
            "permissions": ["USER_DATA"],
            "ip_allow": ["10.1.0.0/16", "192.0.2.7"],
        }
    ]
    exchange = Exchange(state, document=document, clock=Clock(NOW_MS))

    inside = Caller(exchange, key="reader", ip="10.1.2.3")
    assert inside.signed("GET", BALANCE).status == 200
    assert inside.raw("POST", "/papi/v1/listenKey").status == 200
    assert inside.repay("asset=BNB").code == -2015
    outside = Caller(exchange, key="reader", ip="10.2.0.1").signed("GET", BALANCE)
    assert (outside.status, outside.code) == (401, -2015)
    assert "10.2.0.1" in outside.json["msg"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-8",
        "Application/X-WWW-Form-URLEncoded;charset=UTF-8",
    ],
)
def test_form_bodies_are_read_whatever_their_charset(caller: Caller, content_type: str) -> None:
    """Clients add a charset or write the type in another case."""
    text = f"asset=BNB&amount=0.1&specifyRepayAssets=USDT&timestamp={NOW_MS}"
    headers = {"X-MBX-APIKEY": KEY, "Content-Type": content_type}
    body = f"{text}&signature={digest(text)}"
    assert caller.raw("POST", REPAY, body=body, headers=headers).status == 200


def test_an_empty_body_may_have_any_type(caller: Caller) -> None:
    """The official SDK sends everything in the query and yet names a content type."""
    text = f"asset=BNB&amount=0.1&specifyRepayAssets=USDT&timestamp={NOW_MS}"
    headers = {"X-MBX-APIKEY": KEY, "Content-Type": "application/json", "User-Agent": "whatever/1.0"}
    query = f"{text}&signature={digest(text)}"
    assert caller.raw("POST", REPAY, query=query, headers=headers).status == 200


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_bodies_of_another_type_are_not_read(caller: Caller, content_type: str) -> None:
    """A form sent under another type counts for the signature, but its parameters are missing."""
    text = f"asset=BNB&amount=0.1&specifyRepayAssets=USDT&timestamp={NOW_MS}"
    headers = {"X-MBX-APIKEY": KEY, "Content-Type": content_type}
    answer = caller.raw("POST", REPAY, body=f"{text}&signature={digest(text)}", headers=headers)
    assert (answer.status, answer.code) == (400, -1102)


def test_the_query_wins_where_a_name_stands_in_both_places(caller: Caller) -> None:
    """The signature covers both texts as sent; the value is the query's."""
    query = "amount=0.2"
    body = f"asset=BNB&amount=0.1&specifyRepayAssets=USDT&timestamp={NOW_MS}"
    answer = caller.raw("POST", REPAY, query=query, body=f"{body}&signature={digest(query + body)}")
    assert answer.json["amount"] == "0.2"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/papi/v1/exchangeInfo"),
        ("POST", "/papi/v1/margin/repay-debt/"),
        ("GET", REPAY),
        ("POST", "/papi/v1/margin/repay%2Ddebt"),
        ("GET", "/"),
        ("OPTIONS", BALANCE),
    ],
)
def test_unknown_paths_answer_an_html_page(caller: Caller, method: str, path: str) -> None:
    """404 in HTML, as seen live."""
    answer = caller.raw(method, path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "text/html"
    assert answer.body.startswith(b"<html>")


def test_a_known_path_can_answer_405_to_a_wrong_method(document: Document) -> None:
    """A wrong method is undocumented: an option answers 405 with Allow."""
    exchange = Exchange(state_with(options={"wrong-method": "405"}), document=document, clock=Clock(NOW_MS))
    answer = Caller(exchange).raw("GET", REPAY)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_public_calls_need_no_key(caller: Caller) -> None:
    """ping and time need no key, and time answers with the sandbox's clock."""
    assert caller.raw("GET", "/papi/v1/ping", headers={}).json == {}
    assert caller.raw("GET", "/papi/v1/time", headers={}).json == {"serverTime": NOW_MS}


def test_unsigned_stream_calls_tolerate_a_signature(caller: Caller) -> None:
    """The table asks for one, the pages and live calls do without: both work."""
    assert caller.raw("POST", "/papi/v1/listenKey").status == 200
    assert caller.signed("PUT", "/papi/v1/listenKey").status == 200


def test_requests_beyond_the_size_limits_are_cut_off(caller: Caller) -> None:
    """A gateway refuses a body above 64 KiB and a query above 32 KiB, in HTML, and nothing happens."""
    assert caller.raw("POST", REPAY, body=b"x" * 65_537).status == 403
    assert caller.raw("GET", BALANCE, query=b"x" * 32_769).status == 403


def test_unknown_parameters_can_be_ignored(document: Document) -> None:
    """Whether an unknown name is refused is open: the option reads over it."""
    exchange = Exchange(
        state_with(options={"unknown-parameter": "ignore"}), document=document, clock=Clock(NOW_MS)
    )
    assert Caller(exchange).signed("GET", BALANCE, "strange=1").status == 200


def test_long_windows_can_be_clipped(document: Document) -> None:
    """Whether a recvWindow above 60000 is refused is open: the option clips it."""
    options = {"recv-window-above-maximum": "clip"}
    caller = Caller(Exchange(state_with(options=options), document=document, clock=Clock(NOW_MS)))
    assert caller.signed("GET", BALANCE, "recvWindow=70000", at_ms=NOW_MS - 60_000).status == 200
    assert caller.signed("GET", BALANCE, "recvWindow=70000", at_ms=NOW_MS - 60_001).code == -1021
