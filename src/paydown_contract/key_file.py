"""Read RSA and Ed25519 private keys from PEM files, PKCS#8 or the older forms."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from paydown_contract.requests.signing_key import Key, RsaNumbers


class UnreadableKey(ValueError):
    """No key to sign with can be read."""


def read_private_key(path: Path, api_key: str, password: str | None = None) -> Key:
    """Read a private key.

    Args:
        path: A PEM file, PKCS#8 or an older form.
        api_key: The API key that belongs to the private key.
        password: Password of the file; None if it has none.

    Raises:
        UnreadableKey: No such file, a wrong password, or no RSA and no Ed25519 key.
    """
    try:
        loaded = load_pem_private_key(path.read_bytes(), password.encode("utf-8") if password else None)
    except OSError as error:
        raise UnreadableKey(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnreadableKey(f"{path} cannot be read as a PEM private key: {error}") from error
    if isinstance(loaded, Ed25519PrivateKey):
        return Key("ed25519", api_key, loaded.private_bytes_raw())
    if isinstance(loaded, RSAPrivateKey):
        numbers = loaded.private_numbers()
        public = numbers.public_numbers
        return Key("rsa", api_key, RsaNumbers(public.n, public.e, numbers.d))
    raise UnreadableKey(f"{path} holds a {type(loaded).__name__}; RSA and Ed25519 keys can sign")
