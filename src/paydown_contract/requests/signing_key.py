"""Sign requests and verify signatures by the document's `x-signing`, without the client's code.

HMAC comes from the standard library and RSA signatures are verified with integer arithmetic, so that only Ed25519 is
verified by the library that the client uses as well.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

Kind = Literal["hmac", "rsa", "ed25519"]

# DER of AlgorithmIdentifier sha256 and an OCTET STRING of 32 bytes: RFC 8017, 9.2, note 1.
_SHA256_PREFIX: Final = bytes.fromhex("3031300d060960864801650304020105000420")


@dataclass(frozen=True, slots=True)
class RsaNumbers:
    """An RSA key as the numbers of RFC 7517. `d` is 0 where only the public half is known."""

    n: int
    e: int
    d: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A key to sign requests with: the API key of the header, and the secret that belongs to it."""

    kind: Kind
    api_key: str
    secret: bytes | RsaNumbers  # the HMAC secret text, the Ed25519 seed (32 bytes), or RSA numbers

    def __repr__(self) -> str:
        return f"Key({self.kind}, {self.api_key[:4]}…)"

    def sign(self, message: bytes) -> str:
        """Return the signature over a message as text, before percent-encoding."""
        if isinstance(self.secret, RsaNumbers):
            return base64.b64encode(_rsa_private(self.secret).sign(message, PKCS1v15(), SHA256())).decode(
                "ascii"
            )
        if self.kind == "ed25519":
            return base64.b64encode(Ed25519PrivateKey.from_private_bytes(self.secret).sign(message)).decode(
                "ascii"
            )
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()

    def verifies(self, signature: str, message: bytes) -> bool:
        """Return whether a signature fits a message, by the document's rules of case and encoding.

        Args:
            signature: The text of the signature, percent-decoded.
            message: The bytes that must have been signed.
        """
        if self.kind == "hmac":
            # Hexadecimal is case-insensitive. Only ASCII is folded: no other character is a hex digit.
            return signature.isascii() and hmac.compare_digest(signature.lower(), self.sign(message))
        try:
            octets = base64.b64decode(signature.encode("ascii"), validate=True)
        except (UnicodeEncodeError, binascii.Error):
            return False
        if isinstance(self.secret, RsaNumbers):
            return _rsa_verifies(self.secret, octets, message)
        try:
            Ed25519PrivateKey.from_private_bytes(self.secret).public_key().verify(octets, message)
        except InvalidSignature:
            return False
        return True

    def is_plainly_spelled(self, signature: str) -> bool:
        """Return whether a signature is the usual base64 spelling of its octets.

        Base64 leaves bits of its last character unused, so one signature has several spellings.
        """
        if self.kind == "hmac":
            return True
        try:
            octets = base64.b64decode(signature.encode("ascii"), validate=True)
        except (UnicodeEncodeError, binascii.Error):
            return True  # no spelling of anything
        return base64.b64encode(octets).decode("ascii") == signature

    def pem(self) -> bytes:
        """Return the private key as unencrypted PKCS#8 PEM text, for RSA and Ed25519 keys.

        Raises:
            TypeError: An HMAC key has no PEM text.
        """
        return self._private().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def public_pem(self) -> bytes:
        """Return the public key as PEM text, for RSA and Ed25519 keys.

        Raises:
            TypeError: An HMAC key has no public half.
        """
        return self._private().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def _private(self) -> rsa.RSAPrivateKey | Ed25519PrivateKey:
        if isinstance(self.secret, RsaNumbers):
            return _rsa_private(self.secret)
        if self.kind == "ed25519":
            return Ed25519PrivateKey.from_private_bytes(self.secret)
        raise TypeError("an HMAC key is a text, not a key pair")


def _encoded(size: int, message: bytes) -> bytes:
    """Encode the SHA-256 of a message as EMSA-PKCS1-v1_5, `size` octets long."""
    digest = _SHA256_PREFIX + hashlib.sha256(message).digest()
    return b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest


def _rsa_verifies(key: RsaNumbers, signature: bytes, message: bytes) -> bool:
    size = (key.n.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= key.n:
        return False
    return pow(number, key.e, key.n).to_bytes(size, "big") == _encoded(size, message)


@lru_cache(maxsize=8)
def _rsa_private(key: RsaNumbers) -> rsa.RSAPrivateKey:
    """Load an RSA key once: that costs a tenth of a second. Integer arithmetic would take 30 ms for each signature."""
    p, q = rsa.rsa_recover_prime_factors(key.n, key.e, key.d)
    crt = (rsa.rsa_crt_dmp1(key.d, p), rsa.rsa_crt_dmq1(key.d, q), rsa.rsa_crt_iqmp(p, q))
    return rsa.RSAPrivateNumbers(p, q, key.d, *crt, rsa.RSAPublicNumbers(key.e, key.n)).private_key()
