"""SigningAuth: any httpx client sends what was signed, and its time-outs survive."""

from __future__ import annotations

import asyncio
import hmac
import socket
import threading
import time as real_time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paydown import InvalidRequest, SigningAuth
from tests.client.support.kit import API_KEY, NOW_MS, REPAY, SECRET, Time, credentials, vector

PAPI = "https://papi.binance.com"
FORM = {"asset": "BNB", "amount": "0.10000000", "specifyRepayAssets": "USDT,BTC"}
KEY = "x-mbx-apikey"


class Wire:
    """Keeps what would go on the wire: the bytes of the stream, not `request.content`."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.bodies: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        self.requests.append(request)
        self.bodies.append(b"".join(request.stream))
        return httpx.Response(200, json={})

    @property
    def query(self) -> str:
        return self.requests[-1].url.query.decode()

    @property
    def body(self) -> str:
        return self.bodies[-1].decode()


def send(
    method: str, path: str, key: str = "S1", auth: dict[str, Any] | None = None, **arguments: Any
) -> Wire:
    """One request through a whole httpx client."""
    wire = Wire()
    signing = SigningAuth(credentials(key), clock=Time(), **(auth or {}))
    with httpx.Client(base_url=PAPI, transport=httpx.MockTransport(wire), auth=signing) as http:
        http.request(method, path, **arguments)
    return wire


def hmac_of(text: str) -> str:
    """The signature of a text under the key S1, by the standard library."""
    return hmac.new(vector("keys")["S1"]["secret"].encode(), text.encode(), "sha256").hexdigest()


@pytest.mark.parametrize("name", ["c1", "c6", "c7"])
def test_a_form_is_signed_as_the_vectors_say(name):
    """`data=` of httpx writes + and lower case where it likes; what leaves is the exchange's spelling."""
    expected = vector(name)

    wire = send("POST", REPAY, expected["key"], data=FORM)

    assert wire.body == f"{expected['message']}&signature={expected['signature_on_the_wire']}"
    assert wire.query == ""
    request = wire.requests[0]
    assert request.headers["content-length"] == str(len(wire.bodies[0]))
    assert request.content == wire.bodies[0]
    assert request.headers[KEY] == (API_KEY if expected["key"] != "S1" else credentials().api_key)


def test_a_query_is_signed_as_the_vectors_say():
    """The same text as a query has the same signature (C1)."""
    wire = send("POST", REPAY, params=FORM)

    assert wire.query == f"{vector('c1')['message']}&signature={vector('c1')['signature']}"
    assert wire.body == ""
    assert wire.requests[0].headers["content-length"] == "0"


def test_a_split_over_query_and_body_is_signed_as_one_text():
    """Vector C2: query, then body, no separator; the signature is the last item of the body."""
    wire = send(
        "POST",
        REPAY,
        params={"asset": "BNB", "amount": "0.10000000"},
        data={"specifyRepayAssets": "USDT,BTC"},
    )

    assert wire.query == vector("c2")["query"]
    assert wire.body == f"{vector('c2')['body']}&signature={vector('c2')['signature']}"


@pytest.mark.parametrize("name", ["c4", "c5"])
def test_a_repayment_of_the_whole_debt_is_signed_as_the_vectors_say(name):
    """No amount; with and without payment assets."""
    form = {"asset": "BNB"} | ({"specifyRepayAssets": "USDT,BTC"} if name == "c4" else {})

    assert send("POST", REPAY, data=form).body.startswith(
        vector(name)["message"] + "&signature=" + vector(name)["signature"]
    )


@pytest.mark.parametrize(
    ("path", "method", "key", "signed"),
    [
        ("/papi/v1/ping", "GET", False, False),
        ("/papi/v1/time", "GET", False, False),
        ("/prefix/papi/v1/time", "GET", False, False),
        ("/papi/v1/listenKey", "POST", True, False),
        ("/papi/v1/listenKey", "PUT", True, False),
        ("/papi/v1/listenKey", "DELETE", True, False),
        ("/sapi/v1/portfolio/asset-index-price", "GET", True, False),
        ("/papi/v1/balance", "GET", True, True),
        ("/papi/v1/marginLoan", "POST", True, True),
        ("/papi/v1/margin/marginLoan", "GET", True, True),
        ("/papi/v1/repay-futures-negative-balance", "POST", True, True),
        ("/papi/v1/um/order", "POST", True, True),  # not in the document: signed
    ],
)
def test_each_call_gets_what_its_security_type_asks_for(path, method, key, signed):
    """Nothing for a ping, the header alone for a listen key, header and signature for the rest."""
    wire = send(method, path)

    assert (KEY in wire.requests[0].headers) is key
    assert ("signature=" in wire.query) is signed
    assert ("timestamp=" in wire.query) is signed
    assert wire.body == ""


def test_recv_window_is_taken_from_the_request_or_the_auth_or_the_document():
    """In this order; it is sent once."""
    assert "recvWindow=5000&" in send("GET", "/papi/v1/balance").query
    assert "recvWindow=700&" in send("GET", "/papi/v1/balance", auth={"recv_window": 700}).query
    own = send("GET", "/papi/v1/balance", params={"recvWindow": 42}, auth={"recv_window": 700}).query
    assert own.startswith("recvWindow=42&timestamp=")
    assert own.count("recvWindow") == 1
    form = send("POST", REPAY, data={"asset": "BNB", "recvWindow": 42}, auth={"recv_window": 700})
    assert form.body.count("recvWindow") == 1
    assert "recvWindow=42&" in form.body


@pytest.mark.parametrize("window", [0, 60001, True, "5000"])
def test_a_bad_recv_window_is_refused_at_construction(window):
    """Not at the first request."""
    with pytest.raises(InvalidRequest):
        SigningAuth(credentials(), recv_window=window)


def test_an_earlier_timestamp_and_signature_are_replaced():
    """A request that is sent again must not carry the stale ones along."""
    wire = Wire()
    clock = Time()
    signing = SigningAuth(credentials(), clock=clock)
    with httpx.Client(transport=httpx.MockTransport(wire)) as http:
        request = http.build_request("POST", PAPI + REPAY, data=FORM)
        http.send(request, auth=signing)
        clock.sleep(5)
        http.send(request, auth=signing)

    first, second = (dict(parse_qsl(body.decode())) for body in wire.bodies)
    assert wire.bodies[1].count(b"timestamp=") == wire.bodies[1].count(b"signature=") == 1
    assert int(second["timestamp"]) >= int(first["timestamp"]) + 5000
    assert first["signature"] != second["signature"]
    message, _, signature = wire.body.rpartition("&signature=")
    assert signature == credentials().sign(message)


def test_values_are_encoded_once_and_in_the_exchanges_spelling():
    """Lower-case hex, + for a blank, bare brackets: all become what is signed."""
    wire = send("GET", "/papi/v1/balance?asset=%e5%b8%81+x&b=%2c&c=[1]&d=a%20b&e=~-_.")

    assert wire.query.startswith("asset=%E5%B8%81%20x&b=%2C&c=%5B1%5D&d=a%20b&e=~-_.&recvWindow=5000&")
    message, _, signature = wire.query.rpartition("&signature=")
    assert signature == credentials().sign(message)


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=8), max_size=4),
    st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=8), max_size=4),
    st.sampled_from(["S1", "E1"]),
)
def test_whatever_is_sent_is_what_was_signed(params, form, key):
    """Any names and values, in query and body: the bytes on the wire verify, and mean what was meant."""
    owned = {"timestamp", "signature", "recvWindow"}
    params = {name: value for name, value in params.items() if name not in owned}
    form = {name: value for name, value in form.items() if name not in owned}

    wire = send("POST", REPAY, key, params=params, data=form)

    last = wire.body or wire.query
    message, _, signature = last.rpartition("signature=")
    signed = (wire.query if wire.body else "") + message.removesuffix("&")
    assert parse_qsl(f"s={signature}")[0][1] == credentials(key).sign(signed)
    sent = parse_qsl(wire.query, keep_blank_values=True) + parse_qsl(wire.body, keep_blank_values=True)
    meant = [*params.items(), *form.items()]
    assert [pair for pair in sent if pair[0] not in owned] == meant


def stream() -> Iterator[bytes]:
    yield b"asset=BNB"


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"asset": "BNB"}},
        {"content": stream()},
        {"content": b"asset=BNB"},
        {"content": b"asset=BNB", "headers": {"content-type": "text/plain"}},
        {"files": {"asset": b"BNB"}},
        {"data": FORM, "files": {"asset": b"BNB"}},
    ],
    ids=["json", "stream", "bytes of no type", "text", "multipart", "form and file"],
)
def test_bodies_that_the_protocol_does_not_know_are_refused(body):
    """JSON bodies are no part of it; a stream cannot be signed before it is sent."""
    wire = Wire()
    signing = SigningAuth(credentials(), clock=Time())
    with (
        httpx.Client(transport=httpx.MockTransport(wire), auth=signing) as http,
        pytest.raises(InvalidRequest, match=r"data=\{\.\.\.\}"),
    ):
        http.post(PAPI + REPAY, **body)

    assert wire.requests == []


def test_a_ready_made_form_is_taken_with_its_content_type():
    """Some libraries encode the form themselves; the charset beside the type does not matter."""
    kind = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}

    wire = send("POST", REPAY, content=b"asset=BNB&specifyRepayAssets=USDT,BTC", headers=kind)

    assert wire.body.startswith(vector("c4")["message"])


def test_a_body_on_a_get_is_refused():
    """The exchange does not read it, so neither the parameters nor the signature would arrive."""
    with pytest.raises(InvalidRequest, match="params="):
        send("GET", "/papi/v1/balance", data={"asset": "BNB"})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_form_is_signed_in_itself_whatever_the_method(method):
    """The signature covers the body and is its last parameter; nothing goes into the query."""
    wire = send(method, "/papi/v1/listenKey/another", data={"a": "b"})

    text, _, signature = wire.body.rpartition("&signature=")
    assert signature == hmac_of(text)
    assert text.startswith("a=b&")
    assert wire.query == ""


def test_an_equals_sign_belongs_to_the_value():
    """The first one ends the name, as in every form; it is escaped where it is sent again."""
    wire = send("GET", "/papi/v1/margin/repayLoan?asset=B=N=B")

    assert wire.query.startswith("asset=B%3DN%3DB&")


def test_text_that_is_not_utf8_is_refused():
    """%FF is no character of UTF-8, so nobody knows what was meant."""
    with pytest.raises(InvalidRequest, match="UTF-8"):
        send("GET", "/papi/v1/balance?asset=%ff")


def test_it_works_with_an_async_client():
    """The same object, awaited: one flow for both."""
    expected = vector("c1")
    bodies: list[bytes] = []

    async def handler(request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        bodies.append(b"".join([part async for part in request.stream]))
        return httpx.Response(200, json={})

    async def scenario() -> None:
        signing = SigningAuth(credentials(), clock=Time())
        async with httpx.AsyncClient(transport=httpx.MockTransport(handler), auth=signing) as http:
            await http.post(PAPI + REPAY, data=FORM)

    asyncio.run(scenario())

    assert bodies == [f"{expected['message']}&signature={expected['signature']}".encode()]


@pytest.mark.parametrize("arguments", [{"data": FORM}, {"params": FORM}])
def test_time_outs_survive_signing(arguments):
    """
    Through a whole client and a real socket: an auth that yields a new request drops the time-out, and a late
    answer comes back as success.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            held.append(server.accept()[0])  # and never answer

        thread = threading.Thread(target=accept)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}{REPAY}"
        signing = SigningAuth(credentials(), clock=Time())
        started = real_time.monotonic()
        with (
            httpx.Client(auth=signing, timeout=0.2, trust_env=False) as http,
            pytest.raises(httpx.ReadTimeout),
        ):
            http.post(url, **arguments)
        elapsed = real_time.monotonic() - started
        thread.join()
        for connection in held:
            connection.close()

    assert elapsed < 5


def test_extensions_of_the_request_are_kept():
    """Time-outs are one of them; a tracer is another."""
    wire = Wire()
    signing = SigningAuth(credentials(), clock=Time())
    with httpx.Client(transport=httpx.MockTransport(wire), auth=signing) as http:
        http.post(PAPI + REPAY, data=FORM, extensions={"mark": "kept"}, timeout=7)

    assert wire.requests[0].extensions["mark"] == "kept"
    assert wire.requests[0].extensions["timeout"]["read"] == 7


def test_it_shows_no_secret():
    """repr is what ends up in logs."""
    signing = SigningAuth(credentials())

    assert SECRET not in repr(signing)
    assert API_KEY not in repr(signing)


def test_without_a_clock_it_uses_this_machines():
    """Good enough for most; give it an ExchangeClock for the rest."""
    wire = Wire()
    with httpx.Client(transport=httpx.MockTransport(wire), auth=SigningAuth(credentials())) as http:
        http.get(PAPI + "/papi/v1/balance")

    stamp = int(dict(parse_qsl(wire.query))["timestamp"])
    assert abs(stamp - real_time.time() * 1000) < 60_000
    assert stamp != NOW_MS
