"""Verify a signature over the bytes that arrived, and over nothing else.

The message is the query text without `signature`, directly followed by the body text without
`signature`, no separator. Nothing is decoded, sorted or re-encoded before the check: a client
that signs one text and sends another must fail in the sandbox as it would fail at Binance.

Source: https://developers.binance.com/docs/derivatives/portfolio-margin/general-info
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

__all__ = [
    "Ed25519Verifier",
    "HmacVerifier",
    "KeyMaterialError",
    "KeyType",
    "RsaVerifier",
    "Verifier",
    "make_verifier",
]

KeyType = Literal["hmac", "rsa", "ed25519"]


class KeyMaterialError(ValueError):
    """The registered secret or public key cannot be used. The text never quotes it."""


class Verifier(Protocol):
    """Something that verifies the signatures of one key."""

    def verify(self, message: bytes, signature: str) -> bool:
        """Return whether a signature fits a message.

        Args:
            message: The signed bytes.
            signature: The signature, already percent-decoded.
        """
        ...


class HmacVerifier:
    """Verify HMAC-SHA256 with the secret text as key; hexadecimal in either case."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        if not secret:
            raise KeyMaterialError("an HMAC secret must not be empty")
        self._secret = secret.encode()

    def verify(self, message: bytes, signature: str) -> bool:
        """Compare in constant time; the case of the hex digits does not matter.

        Args:
            message: The signed bytes.
            signature: Hexadecimal digits.
        """
        expected = hmac.digest(self._secret, message, "sha256").hex()
        try:
            return hmac.compare_digest(expected, signature.lower())
        except TypeError:  # a signature that is not ASCII
            return False


def _decoded(signature: str) -> bytes | None:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return None


class RsaVerifier:
    """Verify RSASSA-PKCS1-v1_5 with SHA-256; base64, case sensitive."""

    __slots__ = ("_key",)

    def __init__(self, key: RSAPublicKey) -> None:
        self._key = key

    def verify(self, message: bytes, signature: str) -> bool:
        """Check the decoded signature against the registered public key.

        Args:
            message: The signed bytes.
            signature: Base64 text.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        raw = _decoded(signature)
        if raw is None:
            return False
        try:
            self._key.verify(raw, message, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


class Ed25519Verifier:
    """Verify pure Ed25519 (RFC 8032); base64, case sensitive."""

    __slots__ = ("_key",)

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    def verify(self, message: bytes, signature: str) -> bool:
        """Check the decoded signature against the registered public key.

        Args:
            message: The signed bytes.
            signature: Base64 text.
        """
        from cryptography.exceptions import InvalidSignature

        raw = _decoded(signature)
        if raw is None:
            return False
        try:
            self._key.verify(raw, message)
        except InvalidSignature:
            return False
        return True


def make_verifier(key_type: str, secret_or_public_key: str) -> Verifier:
    """Build the verifier of a registered key.

    Args:
        key_type: "hmac", "rsa" or "ed25519".
        secret_or_public_key: The HMAC secret, or the public key as PEM text.

    Raises:
        KeyMaterialError: The type is unknown or the key does not fit it.
    """
    if key_type == "hmac":
        return HmacVerifier(secret_or_public_key)
    if key_type not in ("rsa", "ed25519"):
        raise KeyMaterialError("a key type is one of hmac, rsa, ed25519")

    # Imported on demand: a sandbox that has only HMAC keys starts faster without cryptography.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(secret_or_public_key.encode())
    except Exception as error:  # noqa: BLE001 - cryptography documents no closed list of errors for bad PEM text
        raise KeyMaterialError(f"not a PEM public key ({type(error).__name__})") from None
    if key_type == "rsa" and isinstance(key, RSAPublicKey):
        return RsaVerifier(key)
    if key_type == "ed25519" and isinstance(key, Ed25519PublicKey):
        return Ed25519Verifier(key)
    raise KeyMaterialError(f"the PEM text holds no {key_type} public key")
