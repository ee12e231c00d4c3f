"""Signatures are verified over the bytes that arrived, with keys of three kinds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from paydown_sandbox.bundled_document import Document
from paydown_sandbox.checks.signature import KeyMaterialError, make_verifier
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox_clock import Clock
from tests.sandbox.signer import KEY, NOW_MS, REPAY, Caller, digest, state_with

VECTORS = Path(__file__).parents[2] / "vectors" / "signing"
TEXT = f"asset=BNB&amount=0.1&specifyRepayAssets=USDT%2CBTC&recvWindow=5000&timestamp={NOW_MS}"


def published(name: str) -> dict[str, Any]:
    """One vector file."""
    vector: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return vector


@pytest.mark.parametrize("name", ["v1", "v2", "v3", "v4", "c1", "c2", "c3", "c4", "c5"])
def test_published_and_computed_digests_verify(name: str) -> None:
    """The HMAC of every good vector fits its message, in either case of its hex digits."""
    vector = published(name)
    secret = json.loads((VECTORS / "keys.json").read_text())[vector["key"]]["secret"]
    verifier = make_verifier("hmac", secret)

    message = vector["message"].encode()
    assert verifier.verify(message, vector["signature"])
    assert verifier.verify(message, vector["signature"].upper())
    assert not verifier.verify(message + b"&", vector["signature"])


@pytest.mark.parametrize("name", ["n1", "n2", "n3", "n4"])
def test_published_digests_that_are_wrong_do_not_verify(name: str) -> None:
    """The digests that the pages print wrongly are refused, the corrected ones fit."""
    vector = published(name)
    secret = json.loads((VECTORS / "keys.json").read_text())[vector["key"]]["secret"]
    verifier = make_verifier("hmac", secret)

    assert not verifier.verify(vector["message"].encode(), vector["signature"])
    assert verifier.verify(vector["message"].encode(), vector["correct_signature"])


def test_hex_digits_of_either_case_are_accepted(caller: Caller) -> None:
    """HMAC signatures are compared without regard to case."""
    assert caller.raw("POST", REPAY, body=f"{TEXT}&signature={digest(TEXT).upper()}").status == 200


@pytest.mark.parametrize(
    "body",
    [
        f"{TEXT}&signature={'0' * 64}",
        f"{TEXT}&signature={digest(TEXT)[:-1]}",
        f"{TEXT}&signature={digest(TEXT)}0",
        f"{TEXT}&signature={digest(TEXT.replace('%2C', ','))}",
        f"{TEXT.replace('%2C', '%2c')}&signature={digest(TEXT)}",
        f"{TEXT}&signature={digest(TEXT, 'another secret')}",
        f"signature={digest(TEXT)}&{TEXT}",
        f"{TEXT}&signature=é",
    ],
)
def test_a_signature_that_does_not_fit_is_refused(caller: Caller, body: str) -> None:
    """Another secret, another spelling, a missing digit or another place: -1022, and nothing happens."""
    answer = caller.raw("POST", REPAY, body=body)

    assert (answer.status, answer.code) == (400, -1022)
    assert not list(caller.exchange.lines)


def test_a_signature_sent_twice_is_a_duplicate(caller: Caller) -> None:
    """Twice in one place is -1101, like any parameter."""
    sent = f"{TEXT}&signature={digest(TEXT)}&signature={digest(TEXT)}"
    assert caller.raw("POST", REPAY, body=sent).code in (-1022, -1101)


def test_signature_in_the_query_covers_the_body_behind_it(caller: Caller) -> None:
    """The message is the query without its signature, directly followed by the body."""
    query, body = "asset=BNB&amount=0.1", f"specifyRepayAssets=USDT&timestamp={NOW_MS}"
    signature = digest(query + body)
    answer = caller.raw("POST", REPAY, query=f"{query}&signature={signature}", body=body)
    assert answer.status == 200


def test_rsa_and_ed25519_signatures_are_verified(document: Document) -> None:
    """Base64, percent-encoded, over the same bytes; a flipped bit is refused."""
    rsa, ed = generate_private_key(65537, 2048), Ed25519PrivateKey.generate()
    pems = [
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        for key in (rsa, ed)
    ]
    state: Any = state_with()
    state["accounts"][0]["keys"] = [
        {"api_key": "r", "type": "rsa", "secret_or_public_key": pems[0]},
        {"api_key": "e", "type": "ed25519", "secret_or_public_key": pems[1]},
    ]
    caller = Caller(Exchange(state, document=document, clock=Clock(NOW_MS)))
    import base64

    for api_key, signature in (
        ("r", rsa.sign(TEXT.encode(), PKCS1v15(), SHA256())),
        ("e", ed.sign(TEXT.encode())),
    ):
        headers = {"X-MBX-APIKEY": api_key, "Content-Type": "application/x-www-form-urlencoded"}
        good = quote(base64.b64encode(signature), safe="")
        bad = quote(base64.b64encode(bytes([signature[0] ^ 1]) + signature[1:]), safe="")
        assert caller.raw("POST", REPAY, body=f"{TEXT}&signature={bad}", headers=headers).code == -1022
        assert caller.raw("POST", REPAY, body=f"{TEXT}&signature=%ff", headers=headers).code == -1100
        assert caller.raw("POST", REPAY, body=f"{TEXT}&signature=xyz", headers=headers).code == -1022
        assert caller.raw("POST", REPAY, body=f"{TEXT}&signature={good}", headers=headers).status == 200


def test_ed25519_can_be_switched_off(document: Document) -> None:
    """Whether Ed25519 works is unproven: an option answers -4056 instead."""
    pem = Ed25519PrivateKey.generate().public_key()
    text = pem.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    state: Any = state_with(options={"ed25519-keys": "reject"})
    state["accounts"][0]["keys"] = [{"api_key": KEY, "type": "ed25519", "secret_or_public_key": text}]
    caller = Caller(Exchange(state, document=document, clock=Clock(NOW_MS)))
    assert caller.raw("POST", REPAY, body=f"{TEXT}&signature=AAAA").code == -4056


@pytest.mark.parametrize(
    ("key_type", "material"),
    [("hmac", ""), ("rsa", "no pem"), ("ed25519", "-----BEGIN PUBLIC KEY-----"), ("dsa", "x")],
)
def test_unusable_key_material_is_refused_without_quoting_it(key_type: str, material: str) -> None:
    """A key that cannot be used is refused when it is registered, and its text appears nowhere."""
    with pytest.raises(KeyMaterialError) as caught:
        make_verifier(key_type, material)
    assert not material or material not in str(caught.value)
