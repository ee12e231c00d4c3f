"""A server whose public key is not pinned is never sent to."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from paydown import AsyncClient, Client, ConnectionFailed, InvalidRequest, InvalidRequestType
from paydown.transport.channel import Lost, NotSent
from paydown.transport.pins import Pins, public_key_digest
from paydown.transport.proxy import _Steps
from tests.client.support.kit import credentials, private_key
from tests.client.support.secure import Secure
from tests.client.transport.test_httpx_adapter import Colour
from tests.doubles.scripted_exchange import ScriptedServer, exchange, serving, tunnel

OTHER = "sha256//" + b64encode(bytes(32)).decode()


@pytest.fixture(params=["blocking", "awaited"])
def colour(request):
    """Both clients."""
    return Colour(request.param)


class World(Secure):
    """A server, straight or behind a proxy."""

    @contextmanager
    def serving(self, through: str) -> Iterator[tuple[ScriptedServer, str, dict[str, str]]]:
        """The server, its URL, and the settings that lead there, straight or through a proxy."""
        with serving(exchange(9), tls=self.server_side) as (server, url):
            if through == "straight":
                yield server, url, {}
            else:
                with serving([tunnel(urlsplit(url).port or 0)]) as (_, proxy):
                    yield server, url, {"proxy": proxy}


@pytest.fixture(scope="module")
def world():
    """One for all tests: making keys takes a while."""
    return World()


THROUGH = pytest.mark.parametrize("through", ["straight", "a proxy"])


@THROUGH
def test_a_pinned_key_is_sent_to(colour, world, through):
    """One of several pins is enough: the next key is pinned before it is used."""
    with world.serving(through) as (server, url, settings):
        (result,) = colour.run(
            url, "repay", ssl_context=world.client_side, pin=[OTHER, world.pin], **settings
        )

    assert result.success is True
    assert len(server.requests) == 1


@THROUGH
@pytest.mark.parametrize("call", ["repay", "balances"])
def test_another_key_is_not_sent_to_and_is_named(colour, world, through, call):
    """The certificate is in order, the key is another: nothing leaves, and the text says which key was met."""
    with world.serving(through) as (server, url, settings):
        (error,) = colour.run(url, call, ssl_context=world.client_side, pin=OTHER, **settings)

    assert type(error) is ConnectionFailed
    assert world.pin in str(error)
    assert server.requests == []


def test_a_pin_does_not_replace_the_certificate(colour, world):
    """The right key under a certificate that nobody signed is refused as before."""
    with world.serving("straight") as (server, url, _):
        (error,) = colour.run(url, "repay", pin=world.pin)

    assert type(error) is ConnectionFailed
    assert "certificate" in str(error).lower()
    assert server.requests == []


def test_a_pin_may_vouch_for_a_server_that_no_authority_knows(colour, world):
    """Whoever turns verification off must pin; then the key decides alone."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    with world.serving("straight") as (server, url, _):
        (right,) = colour.run(url, "repay", pin=world.pin, ssl_context=trusting)
        (wrong,) = colour.run(url, "repay", pin=OTHER, ssl_context=trusting)

    assert right.success is True
    assert type(wrong) is ConnectionFailed
    assert len(server.requests) == 1


def test_the_pin_of_a_known_key():
    """
    The digest is taken over the SubjectPublicKeyInfo: for the RSA key of RFC 7515 its bytes are laid out here
    by hand, as RFC 8017 and RFC 5280 say.
    """
    key = private_key("R1")
    assert isinstance(key, RSAPrivateKey)
    modulus = key.private_numbers().public_numbers.n.to_bytes(256, "big")
    head = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begins = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begins, begins + datetime.timedelta(days=1))
        .sign(key, SHA256())
        .public_bytes(Encoding.DER)
    )

    assert public_key_digest(certificate) == sha256(head + modulus + bytes.fromhex("0203010001")).digest()


@pytest.mark.parametrize("certificate", [None, b"", b"no certificate"])
def test_what_is_no_certificate_meets_no_pin(certificate):
    """Nothing to compare is not taken for equal."""
    with pytest.raises(NotSent):
        Pins(OTHER).check(certificate)


def test_a_tunnel_whose_key_was_not_seen_is_not_sent_through():
    """Should the library below name its steps otherwise one day, the request stays here."""
    steps = _Steps(Pins(OTHER))

    class Post:
        method = b"POST"

    class Connect:
        method = b"CONNECT"

    steps("http11.send_request_headers.started", {"request": Connect()})
    with pytest.raises(NotSent, match="not seen"):
        steps("http11.send_request_headers.started", {"request": Post()})


@pytest.mark.parametrize("seen", [[], ["http11.write_headers.started"], ["connection.connect_tcp.started"]])
def test_what_fails_in_a_tunnel_of_unknown_steps_counts_as_lost(seen):
    """Only a CONNECT that was seen, and no request behind it, proves that nothing left."""

    class Post:
        method = b"POST"

    steps = _Steps(None)
    for step in seen:
        steps(step, {"request": Post()})

    assert type(steps.failure(TimeoutError())) is Lost


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"pin": "sha256/AAAA"}, "sha256//"),
        ({"pin": OTHER[:-4]}, "44 characters"),
        ({"pin": OTHER.removeprefix("sha256//")}, "sha256//"),
        ({"pin": "sha256//ü"}, "44 characters"),
        ({"pin": []}, "empty"),
        ({"pin": OTHER, "base_url": "http://127.0.0.1:8087"}, "https"),
        ({"pin": OTHER, "transport": object()}, "transport"),
        ({"ssl_context": ssl.create_default_context(), "transport": object()}, "transport"),
        ({"proxy": "http://127.0.0.1:3128", "transport": object()}, "transport"),
    ],
)
def test_pins_that_could_not_be_held_to_are_refused(client, settings, says):
    """Before anything is sent; a setting without effect would be worse than none."""
    with pytest.raises(InvalidRequest, match=says):
        client(credentials(), **settings)


def test_a_pin_is_text():
    """Bytes, as a digest often comes, are refused with the reason."""
    with pytest.raises(InvalidRequestType, match="text"):
        Client(credentials(), pin=[bytes(32)])  # type: ignore[list-item]  # that is the test


@pytest.mark.parametrize("careless", ["nobody verified", "no name checked"])
def test_connections_that_nobody_verifies_are_refused(careless):
    """The key and the right to repay would be anybody's on the way."""
    context = ssl.create_default_context()
    context.check_hostname = False
    if careless == "nobody verified":
        context.verify_mode = ssl.CERT_NONE

    with pytest.raises(InvalidRequest, match="verify"):
        Client(credentials(), ssl_context=context)
    with pytest.raises(InvalidRequest, match="verify"):
        asyncio.run(_made(context))


async def _made(context: ssl.SSLContext) -> AsyncClient:
    return AsyncClient(credentials(), ssl_context=context)
