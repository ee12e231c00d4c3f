"""Pins: the public keys that a server may show, whether or not certificates verify it.

A pin is `sha256//` and the base64 of the SHA-256 over the certificate's SubjectPublicKeyInfo, as in
`curl --pinnedpubkey`. It stays the same when a certificate is renewed for the same key. To get one:

    openssl s_client -connect papi.binance.com:443 </dev/null | openssl x509 -pubkey -noout |
        openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64

The server's own certificate is held against the pins, right after the handshake: not a byte of a request leaves for
one that meets none of them.

Source: https://www.rfc-editor.org/rfc/rfc7469#section-2.4
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable
from hashlib import sha256

from paydown.errors import InvalidRequest, InvalidRequestType
from paydown.transport.channel import NotSent

_PREFIX = "sha256//"


class Pins:
    """The public keys that a server may show, on every connection of a client.

    Args:
        pins: One or several. A second one is for the key that comes next, or for another host.

    Raises:
        InvalidRequest: One of them is no pin, or there is none.
    """

    __slots__ = ("_digests",)

    def __init__(self, pins: str | Iterable[str]) -> None:
        named = [pins] if isinstance(pins, str) else list(pins)
        if not named:
            raise InvalidRequest("pin is empty: leave it out, or name a key.", parameter="pin")
        self._digests = frozenset(_digest(pin) for pin in named)

    def check(self, certificate: bytes | None) -> None:
        """Compare a server's certificate with the pins.

        Args:
            certificate: As the handshake brought it, DER.

        Raises:
            NotSent: Its key is none of them.
        """
        if certificate is None:
            raise NotSent("the server showed no certificate to hold against the pins")
        met = public_key_digest(certificate)
        if met not in self._digests:
            shown = b64encode(met).decode("ascii")
            raise NotSent(f"the server's public key is {_PREFIX}{shown}, which is not pinned")


def public_key_digest(certificate: bytes) -> bytes:
    """Return the SHA-256 over the SubjectPublicKeyInfo of a certificate, DER."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from cryptography.x509 import load_der_x509_certificate

    try:
        key = load_der_x509_certificate(certificate).public_key()
        return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    except Exception as error:  # noqa: BLE001  # a key of a kind that cannot be read here meets no pin
        raise NotSent(f"the server's certificate cannot be read ({type(error).__name__})") from None


def _digest(pin: object) -> bytes:
    if not isinstance(pin, str):
        raise InvalidRequestType(f"A pin is text, not {type(pin).__name__}.", parameter="pin")
    try:
        digest = b64decode(pin.removeprefix(_PREFIX), validate=True)
    except (Error, ValueError):
        digest = b""
    if not pin.startswith(_PREFIX) or len(digest) != 32:
        raise InvalidRequest(
            f'A pin must look like "{_PREFIX}" and 44 characters of base64, not {pin[:80]!r}.',
            parameter="pin",
        )
    return digest
