"""
The signer alone: encoding of every character, every kind of key, every place of a parameter, and the bytes
on a socket.
"""

import asyncio
import base64
import hashlib
import hmac
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from paydown import AsyncClient, Client, Credentials, SigningAuth
from paydown.call.signing import encode_pairs, percent_encode, signed
from paydown.errors import InvalidRequest
from paydown_contract.document import FORM, Document, Operation
from paydown_contract.requests import percent_encoding as wire
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.raw_request import Request
from paydown_contract.rules.allowed_answers import Oracle
from tests.contract.client.test_client_requests import right_texts
from tests.contract.support import drive
from tests.contract.support.client import Bench, Clock, OpenBudget, confirming, credentials, reply
from tests.contract.support.evidence import vectors
from tests.contract.support.exchange import NOW_MS
from tests.contract.support.keys import signing_key

KINDS = ("S1", "S2", "S3", "E1", "R1")
MESSAGES = (
    b"",
    b"a",
    b"asset=BNB&amount=0.10000000&specifyRepayAssets=USDT%2CBTC&recvWindow=5000&timestamp=1636371437000",
    b"asset=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9F&timestamp=1",
    b"x" * 10_000,
    bytes(range(32, 127)),
)


def test_every_character_has_one_spelling() -> None:
    """All code points: only A-Z a-z 0-9 - _ . ~ stay bare, everything else is UTF-8 in upper-case hex."""
    for number in (*range(0xD800), *range(0xE000, 0x110000, 1)):
        if number >= 0x3000 and number % 61:
            continue
        character = chr(number)
        spelled = percent_encode(character)
        if character.isascii() and (character.isalnum() or character in "-_.~"):
            assert spelled == character
        else:
            assert spelled == "".join(f"%{octet:02X}" for octet in character.encode("utf-8")), hex(number)


def test_texts_are_encoded_character_by_character() -> None:
    """A text of many characters is the characters' spellings in a row, and never encoded twice."""
    text = "".join(chr(number) for number in range(0x250)) + "%2C%20+ ,币安人生😀"
    assert percent_encode(text) == "".join(percent_encode(character) for character in text)
    assert percent_encode(text) == wire.escape(text)
    assert percent_encode("%2C") == "%252C"
    assert percent_encode("") == ""


def test_pairs_are_joined_in_order_and_names_are_encoded_too() -> None:
    """
    name=value joined by &, the given order kept, nothing sorted, nothing dropped, repeated names repeated.
    """
    pairs = [("b", "2"), ("a", "1"), ("a", ""), ("n ame", "v&l=ue"), ("名", "值"), ("z", "+")]
    assert encode_pairs(pairs) == "b=2&a=1&a=&n%20ame=v%26l%3Due&%E5%90%8D=%E5%80%BC&z=%2B"
    assert encode_pairs([]) == ""
    assert encode_pairs(pairs).encode("ascii") == wire.join(pairs)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_key_signs_as_published(name: str) -> None:
    """Hex for HMAC, base64 for RSA and Ed25519, over the bytes and nothing but the bytes."""
    key = signing_key(name)
    ours = credentials(key)
    for message in MESSAGES:
        signature = ours.sign(message)
        assert signature == key.sign(message)
        assert key.verifies(signature, message)
        assert ours.sign(message.decode("utf-8")) == signature
    if key.kind == "hmac":
        assert isinstance(key.secret, bytes)
        assert ours.sign(b"x") == hmac.new(key.secret, b"x", hashlib.sha256).hexdigest()
        assert ours.sign(b"x").islower()
    else:
        assert len(base64.b64decode(ours.sign(b"x"), validate=True)) == (64 if key.kind == "ed25519" else 256)
    assert ours.api_key == key.api_key
    assert ours.sign("ä") == ours.sign("ä".encode())


@pytest.mark.parametrize(
    "row", vectors("signing")["verifying"], ids=[row["id"] for row in vectors("signing")["verifying"]]
)
def test_the_client_signs_the_published_vectors(row: dict[str, str]) -> None:
    """Each published message gives the published signature."""
    ours = credentials(signing_key(row["key"]))
    assert ours.sign(row["query"] + row["body"]) == row["signature"]


@pytest.mark.parametrize("name", ["E1", "R1"])
def test_keys_are_read_from_every_usual_file(name: str) -> None:
    """
    Plain and encrypted PEM, text and bytes, Unix and Windows line ends, blanks around: the same signature.
    """
    key = signing_key(name)
    pem = key.pem()
    locked = load_pem_private_key(pem, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass word")
    )
    make: Any = Credentials.rsa if key.kind == "rsa" else Credentials.ed25519
    expected = key.sign(b"message")
    for form in (pem, pem.decode(), pem.replace(b"\n", b"\r\n"), b"\n" + pem + b"\n"):
        assert make(key.api_key, form).sign(b"message") == expected
    for password in (b"pass word", "pass word"):
        assert make(key.api_key, locked, password).sign(b"message") == expected


@pytest.mark.parametrize("name", ["S1", "E1", "R1"])
@pytest.mark.parametrize(
    ("query", "text"), [("", ""), ("", "asset=BNB"), ("a=1&b=%2C", "asset=BNB"), ("a=1", "")]
)
@pytest.mark.parametrize("window", [None, 5000, 1])
def test_what_is_signed_is_query_then_body(name: str, query: str, text: str, window: int | None) -> None:
    """
    recvWindow, timestamp, then the signature last, over the query text directly followed by the body text.
    """
    key = signing_key(name)
    finished = signed(text, credentials(key), timestamp_ms=NOW_MS, recv_window=window, before=query)
    message, _, signature = finished.rpartition("&signature=")
    names = [pair.name for pair in wire.split(finished.encode()).pairs]

    assert names == ([] if not text else ["asset"]) + ([] if window is None else ["recvWindow"]) + [
        "timestamp",
        "signature",
    ]
    assert wire.split(finished.encode()).irregularities == ()
    assert key.verifies(wire.split(b"s=" + signature.encode()).pairs[0].value, (query + message).encode())
    assert f"timestamp={NOW_MS}" in message
    assert window is None or f"recvWindow={window}" in message


def auth_client(key_name: str, clock: Clock, kept: list[Request], **settings: Any) -> httpx.Client:
    """A foreign client that signs with our signer."""
    bench = Bench(None, lambda _: reply({}))
    bench.capture.requests = kept
    return httpx.Client(
        transport=bench.capture,
        base_url="http://exchange.test",
        auth=SigningAuth(credentials(signing_key(key_name)), clock=clock, **settings),
    )


@pytest.mark.parametrize("name", ["S1", "E1", "R1"])
@pytest.mark.parametrize("place", ["query", "body", "split"])
def test_signing_auth_makes_any_httpx_request_valid(
    name: str, place: str, operation: Operation, contract: Document
) -> None:
    """
    Parameters in the query, in a form or in both: the request that leaves is accepted as the document says.
    """
    key = signing_key(name)
    kept: list[Request] = []
    client = auth_client(name, Clock(), kept)
    composer = Composer(contract, key, NOW_MS)
    for optional in (False, True):
        pairs = [pair for pair in composer.arguments(operation, optional=optional) if pair[0] != "recvWindow"]
        if place == "query" or not operation.takes_form:
            client.request(operation.method, operation.path, params=dict(pairs) or None)
        elif place == "body":
            client.request(operation.method, operation.path, data=dict(pairs) or None)
        else:
            client.request(
                operation.method, operation.path, params=dict(pairs[:1]) or None, data=dict(pairs[1:]) or None
            )
        verdict = Oracle(contract, (key,)).expect(kept[-1], NOW_MS)
        assert verdict.accepted, (verdict.silent, verdict.breaches, kept[-1])
        assert wire.split(kept[-1].query).irregularities == () == wire.split(kept[-1].body).irregularities
        assert kept[-1].header(contract.key_header) == ((key.api_key,) if operation.api_key else ())
        sent = {
            pair.name: pair.value
            for text in (kept[-1].query, kept[-1].body)
            for pair in wire.split(text).pairs
        }
        assert {
            key_: value
            for key_, value in sent.items()
            if key_ not in ("timestamp", "recvWindow", "signature")
        } == dict(pairs)
        assert ("signature" in sent) is operation.signed
        if kept[-1].body:
            assert kept[-1].header("Content-Type") == (FORM,)
            assert kept[-1].header("Content-Length") == (str(len(kept[-1].body)),)


def test_signing_auth_replaces_what_an_earlier_signature_left(contract: Document) -> None:
    """
    A request that already carries timestamp and signature, a repeated one say, is stamped and signed anew,
    once.
    """
    key = signing_key("S1")
    kept: list[Request] = []
    clock = Clock(step_ms=7)
    client = auth_client("S1", clock, kept)
    old = {"asset": "BNB", "timestamp": "1", "signature": "00"}
    client.post("/papi/v1/margin/repay-debt", data=old)
    client.post("/papi/v1/margin/repay-debt", params=old)
    client.get("/papi/v1/balance", params={**old, "recvWindow": "60000"})
    client.get("/papi/v1/account", params={"recvWindow": "1"})
    for request in kept:
        assert Oracle(contract, (key,)).expect(request, clock.now).accepted
    assert b"recvWindow=60000" in kept[2].query
    assert b"recvWindow=1&" in kept[3].query
    assert len({request.query + request.body for request in kept}) == 4


def test_signing_auth_keeps_its_own_window_and_the_callers_text(contract: Document) -> None:
    """
    Its default window is the document's, another one can be set, blanks and commas are spelled the
    exchange's way.
    """
    kept: list[Request] = []
    auth_client("S1", Clock(), kept).get("/papi/v1/balance", params={"asset": "A"})
    auth_client("S1", Clock(), kept, recv_window=777).get("/papi/v1/balance", params={"asset": "A"})
    auth_client("S1", Clock(), kept).get("/somewhere/else", params={"text": "a b,c+d~e", "list": "USDT,BTC"})
    default = contract.signing["recv-window"]["default"]

    assert f"recvWindow={default}&".encode() in kept[0].query
    assert b"recvWindow=777&" in kept[1].query
    assert kept[2].query.startswith(b"text=a%20b%2Cc%2Bd~e&list=USDT%2CBTC&recvWindow=")
    assert wire.split(kept[2].query).irregularities == ()


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"asset": "BNB"}},
        {"files": {"a": b"1"}},
        {"content": b"asset=BNB"},
        {"content": iter([b"a"])},
    ],
)
def test_signing_auth_refuses_what_it_cannot_sign(body: dict[str, Any]) -> None:
    """JSON, multipart, untyped and streamed bodies are refused before anything leaves."""
    kept: list[Request] = []
    client = auth_client("S1", Clock(), kept)
    with pytest.raises(InvalidRequest):
        client.post("/papi/v1/margin/repay-debt", **body)
    assert kept == []


@pytest.mark.parametrize("wrong", [0, -1, 60001, "5000", None.__class__, 1.5, True])
def test_signing_auth_checks_its_window(wrong: Any) -> None:
    """A window outside the document's bounds, or one that is no whole number, is refused at once."""
    with pytest.raises(ValueError, match="recv_window"):
        SigningAuth(credentials(signing_key("S1")), recv_window=wrong)


# ------------------------------------------------------------------------------- on a real socket


@contextmanager
def listener(answer: bytes, seen: list[bytes]) -> Iterator[str]:
    """A server that reads one request per connection, keeps its bytes and gives one answer."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(5)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                data = b""
                while b"\r\n\r\n" not in data:
                    part = connection.recv(65536)
                    if not part:
                        break
                    data += part
                head, _, body = data.partition(b"\r\n\r\n")
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length:")
                    ),
                    0,
                )
                while len(body) < length:
                    body += connection.recv(65536)
                seen.append(head + b"\r\n\r\n" + body)
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)  # wakes the thread; close() alone would not
        server.close()
        thread.join(5)


def parsed(data: bytes) -> Request:
    """The bytes of one HTTP/1.1 request as a raw request."""
    head, _, body = data.partition(b"\r\n\r\n")
    line, *rows = head.split(b"\r\n")
    method, target, version = line.split(b" ")
    assert version == b"HTTP/1.1"
    path, _, query = target.partition(b"?")
    headers = tuple(
        (name.decode(), value.strip().decode()) for name, _, value in (row.partition(b":") for row in rows)
    )
    return Request(method.decode(), path.decode(), query, headers, body)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["blocking", "awaited"])
def test_the_bytes_on_the_socket_are_the_signed_ones(
    asynchronous: bool, operation: Operation, contract: Document
) -> None:
    """What the client's own connections write is, byte for byte, what was judged at the transport."""
    texts = right_texts(operation, optional=True)
    keywords = drive.arguments(operation, texts)
    _, _, content = reply(confirming(operation, texts))
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    head += f"Content-Length: {len(content)}\r\n\r\n"
    seen: list[bytes] = []
    key = signing_key("S1")
    with listener(head.encode() + content, seen) as url:
        settings: dict[str, Any] = {"base_url": url, "clock": Clock(), "budget": OpenBudget()}
        if asynchronous:

            async def call() -> None:
                async with AsyncClient(credentials(key), **settings) as client:
                    await drive.method(client, operation)(**keywords)

            asyncio.run(call())
        else:
            with Client(credentials(key), **settings) as client:
                drive.method(client, operation)(**keywords)
    assert len(seen) == 1
    request = parsed(seen[0])
    bench = Bench(key, lambda _: reply(confirming(operation, texts)))
    drive.method(bench.client, operation)(**keywords)

    assert Oracle(contract, (key,)).expect(request, NOW_MS).accepted
    assert (request.method, request.path, request.query, request.body) == (
        bench.capture.requests[0].method,
        bench.capture.requests[0].path,
        bench.capture.requests[0].query,
        bench.capture.requests[0].body,
    )
    assert request.header("Host") == (url.removeprefix("http://"),)
    mine = {(name.lower(), value) for name, value in request.headers if name.lower() != "host"}
    theirs = {
        (name.lower(), value) for name, value in bench.capture.requests[0].headers if name.lower() != "host"
    }
    assert theirs <= mine | {("connection", "keep-alive")}
