"""The credentials that sign requests: an API key with an HMAC secret, an RSA key or an Ed25519 key.

A `Credentials` object can sign and can name the key that it belongs to. It cannot be printed, pickled or compared into
giving up its secret. Keys in PEM form are parsed once, here, because parsing an RSA key costs more than a hundred
signatures.

    Credentials.hmac(api_key, secret)          signature: lower-case hex
    Credentials.rsa(api_key, pem, password)    signature: base64, RSASSA-PKCS1-v1_5 with SHA-256
    Credentials.ed25519(api_key, pem, ...)     signature: base64, pure Ed25519 (RFC 8032); probably accepted,
    unproven Credentials.from_env()                     one of the three, from PAYDOWN_* variables

Source: https://developers.binance.com/docs/derivatives/portfolio-margin/general-info
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal, NoReturn

from paydown.errors import InvalidCredentials
from paydown.traceback_frames import without_frames

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

KeyKind = Literal["hmac", "rsa", "ed25519"]

API_KEY_VARIABLE: Final = "PAYDOWN_API_KEY"
SECRET_VARIABLE: Final = "PAYDOWN_API_SECRET"  # noqa: S105  # a name, not a secret
KEY_FILE_VARIABLE: Final = "PAYDOWN_PRIVATE_KEY_FILE"
PASSWORD_VARIABLE: Final = "PAYDOWN_PRIVATE_KEY_PASSWORD"  # noqa: S105  # a name, too

# Below this, an RSA key is not safe to move money with (NIST SP 800-131A). It is our rule: the published
# sample of the exchange shows a signature of 128 bytes, so shorter keys exist.
_MINIMUM_RSA_BITS: Final = 2048


class Credentials:
    """An API key, and the secret or private key that signs for it.

    Immutable and safe to share between threads. `copy` and `deepcopy` return the object itself; pickling is
    refused.
    """

    __slots__ = ("_api_key", "_kind", "_sign")

    @without_frames
    def __init__(self, api_key: str, kind: KeyKind, sign: Callable[[bytes], str]) -> None:
        """Make credentials with a signer of your own; for a key use `hmac`, `rsa`, `ed25519` or `from_env`.

        Args:
            api_key: The key's public half, as the exchange shows it.
            kind: Which algorithm `sign` computes.
            sign: Returns the signature of a message as text: hex for "hmac", base64 for the others.

        Raises:
            InvalidCredentials: The key is empty or holds blanks, control or non-ASCII characters.
        """
        self._api_key = _checked_key(api_key, "The API key")
        self._kind: KeyKind = kind
        self._sign = sign

    # ------------------------------------------------------------------------------------------ constructors

    @classmethod
    @without_frames
    def hmac(cls, api_key: str, secret: str) -> Credentials:
        """Make credentials of an API key with a secret text (HMAC-SHA256).

        Args:
            api_key: The key's public half, as the exchange shows it.
            secret: The secret text, as the exchange showed it once.

        Raises:
            InvalidCredentials: One of the two is empty, or holds blanks or control characters.
        """
        from hmac import digest

        key = _checked_secret(secret, "The API secret").encode("utf-8")

        def sign(message: bytes) -> str:
            return digest(key, message, "sha256").hex()

        return cls(api_key, "hmac", sign)

    @classmethod
    @without_frames
    def rsa(cls, api_key: str, pem: str | bytes, password: str | bytes | None = None) -> Credentials:
        """Make credentials of an API key with an RSA private key of at least 2048 bits.

        Args:
            api_key: The key's public half, as the exchange shows it.
            pem: The private key as PEM text (not the name of a file); CRLF line ends are fine.
            password: Its password, if the PEM is encrypted.

        Raises:
            InvalidCredentials: The PEM cannot be read, is not RSA, is too short, or the password is wrong.
        """
        return cls._from_pem(api_key, pem, password, expected="rsa")

    @classmethod
    @without_frames
    def ed25519(cls, api_key: str, pem: str | bytes, password: str | bytes | None = None) -> Credentials:
        """Make credentials of an API key with an Ed25519 private key. Probably accepted for this product, unproven.

        Args:
            api_key: The key's public half, as the exchange shows it.
            pem: The private key as PEM text (not the name of a file); CRLF line ends are fine.
            password: Its password, if the PEM is encrypted.

        Raises:
            InvalidCredentials: The PEM cannot be read, is not Ed25519, or the password is wrong.
        """
        return cls._from_pem(api_key, pem, password, expected="ed25519")

    @classmethod
    @without_frames
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Credentials:
        """Read the key from environment variables.

        `PAYDOWN_API_KEY`, and either `PAYDOWN_API_SECRET` (HMAC) or `PAYDOWN_PRIVATE_KEY_FILE`, a PEM file
        whose content shows whether it is RSA or Ed25519, with `PAYDOWN_PRIVATE_KEY_PASSWORD` if it is
        encrypted.

        Args:
            environ: Where to look; None means `os.environ`.

        Raises:
            InvalidCredentials: A variable is missing, doubled or wrong. The message names it, never its
                value.
        """
        env = os.environ if environ is None else environ
        api_key = env.get(API_KEY_VARIABLE, "")
        secret, path = env.get(SECRET_VARIABLE, ""), env.get(KEY_FILE_VARIABLE, "")
        password = env.get(PASSWORD_VARIABLE) or None
        if not api_key:
            raise InvalidCredentials(
                f"{API_KEY_VARIABLE} is not set. Set it to the API key, and {SECRET_VARIABLE} to its secret"
                f" (or {KEY_FILE_VARIABLE} to its PEM file)."
            )
        _checked_key(api_key, API_KEY_VARIABLE)
        if secret and path:
            raise InvalidCredentials(
                f"{SECRET_VARIABLE} and {KEY_FILE_VARIABLE} are both set. Unset the one that does not"
                f" belong to {API_KEY_VARIABLE}."
            )
        if secret:
            if password is not None:
                raise InvalidCredentials(
                    f"{PASSWORD_VARIABLE} belongs to {KEY_FILE_VARIABLE}, which is not set. Unset it."
                )
            _checked_secret(secret, SECRET_VARIABLE)
            return cls.hmac(api_key, secret)
        if not path:
            raise InvalidCredentials(
                f"{API_KEY_VARIABLE} is set, but nothing that signs for it. Set {SECRET_VARIABLE} (HMAC), or"
                f" {KEY_FILE_VARIABLE} (RSA or Ed25519)."
            )
        try:
            with open(path, "rb") as file:
                pem = file.read(_LARGEST_PEM + 1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise InvalidCredentials(
                f"The file that {KEY_FILE_VARIABLE} names cannot be read: {reason}."
            ) from None
        try:
            return cls._from_pem(api_key, pem, password, expected=None)
        except InvalidCredentials as error:
            raise InvalidCredentials(
                f"{KEY_FILE_VARIABLE}: {error} ({PASSWORD_VARIABLE} holds its password.)"
            ) from None

    @classmethod
    def _from_pem(
        cls, api_key: str, pem: str | bytes, password: str | bytes | None, *, expected: KeyKind | None
    ) -> Credentials:
        from base64 import b64encode

        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256

        key = _load_pem(pem, password)
        if isinstance(key, RSAPrivateKey):
            if expected == "ed25519":
                raise InvalidCredentials("This is an RSA key. Use Credentials.rsa().")
            if key.key_size < _MINIMUM_RSA_BITS:
                raise InvalidCredentials(
                    f"The RSA key has {key.key_size} bits. Make one of at least {_MINIMUM_RSA_BITS}."
                )
            rsa, padding, digest = key, PKCS1v15(), SHA256()

            def sign_rsa(message: bytes) -> str:
                return b64encode(rsa.sign(message, padding, digest)).decode("ascii")

            return cls(api_key, "rsa", sign_rsa)
        if isinstance(key, Ed25519PrivateKey):
            if expected == "rsa":
                raise InvalidCredentials("This is an Ed25519 key. Use Credentials.ed25519().")
            ed25519 = key

            def sign_ed25519(message: bytes) -> str:
                return b64encode(ed25519.sign(message)).decode("ascii")

            return cls(api_key, "ed25519", sign_ed25519)
        raise InvalidCredentials(
            "The exchange accepts no keys of this kind. Make an RSA or Ed25519 key, or use an HMAC secret."
        )

    # --------------------------------------------------------------------------------------------- signing

    @property
    def api_key(self) -> str:
        """Return the public half of the key, which goes into the `X-MBX-APIKEY` header."""
        return self._api_key

    @property
    def kind(self) -> KeyKind:
        """Return the algorithm that signs: "hmac", "rsa" or "ed25519"."""
        return self._kind

    def sign(self, message: bytes | str) -> str:
        """Sign exactly these bytes.

        Args:
            message: Query text followed by body text, as they go on the wire. Text is taken as UTF-8.

        Returns:
            Lower-case hex (HMAC) or base64 (RSA, Ed25519), not percent-encoded.
        """
        return self._sign(message.encode("utf-8") if isinstance(message, str) else message)

    # ------------------------------------------------------------------------- protection of the secret

    def __repr__(self) -> str:
        return f"<Credentials {self._kind} {masked(self._api_key)}>"

    def __copy__(self) -> Credentials:
        return self

    def __deepcopy__(self, memo: object) -> Credentials:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "Credentials are not pickled, so that no secret is written anywhere. "
            "Make them in each process, with Credentials.from_env() say."
        )

    def __getstate__(self) -> NoReturn:
        raise TypeError("Credentials do not give out their state: it holds a secret.")


# A PEM of an RSA-16384 key is below 14 KB; anything longer is some other file.
_LARGEST_PEM: Final = 64 * 1024
_PRIVATE_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


def masked(api_key: str) -> str:
    """Return the last four characters of an API key, or none of a short one."""
    return f"…{api_key[-4:]}" if len(api_key) >= 16 else "…"


def _checked_key(text: object, what: str) -> str:
    if not isinstance(text, str):
        raise InvalidCredentials(f"{what} must be a str, not {type(text).__name__}.")
    if not text:
        raise InvalidCredentials(f"{what} is empty.")
    # `isprintable()` is not enough: a header takes ASCII only, and a look-alike letter is a copying mistake.
    if not all("!" <= letter <= "~" for letter in text):
        raise InvalidCredentials(
            f"{what} holds a blank, a line break, a control or a non-ASCII character. Copy it again, without"
            " line ends."
        )
    return text


def _checked_secret(text: object, what: str) -> str:
    return _checked_key(text, what)


def _load_pem(pem: object, password: object) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if isinstance(pem, str):
        if not pem.isascii():
            raise InvalidCredentials("The private key holds characters that no PEM text has.")
        data = pem.encode("ascii")
    elif isinstance(pem, bytes):
        data = pem
    else:
        raise InvalidCredentials(
            f"The private key must be PEM text (str or bytes), not {type(pem).__name__}."
        )
    if password is not None and not isinstance(password, (str, bytes)):
        raise InvalidCredentials(f"The password must be str or bytes, not {type(password).__name__}.")
    # Files that went through Windows may begin with a byte order mark and have CRLF line ends.
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip() + b"\n"
    if len(data) > _LARGEST_PEM:
        raise InvalidCredentials("The private key is too long to be PEM text.")
    if b"-----BEGIN " not in data:
        raise InvalidCredentials(
            "The private key is not PEM text: it has no '-----BEGIN' line. Pass the content of the file, not"
            " its name."
        )
    private = _PRIVATE_BLOCK.search(data)
    if private is not None:
        data = private[0] + b"\n"  # the file may hold the public half or a certificate as well
    elif (
        b"-----BEGIN PUBLIC KEY" in data
        or b"-----BEGIN RSA PUBLIC KEY" in data
        or b"-----BEGIN CERTIFICATE" in data
    ):
        raise InvalidCredentials("This is a public key or certificate. The private half signs.")
    if b"-----BEGIN OPENSSH PRIVATE KEY" in data:
        raise InvalidCredentials(
            "This key is in OpenSSH form. Convert a copy of it: ssh-keygen -p -m PKCS8 -f COPY"
        )
    secret = password.encode("utf-8") if isinstance(password, str) else password
    try:
        return load_pem_private_key(data, secret or None)
    except TypeError:
        # cryptography raises if the password of an encrypted key is missing, and if a password is given for a key
        # without one.
        if secret:
            raise InvalidCredentials("A password was given, but the private key is not encrypted.") from None
        raise InvalidCredentials("The private key is encrypted. Give its password.") from None
    except UnsupportedAlgorithm:
        raise InvalidCredentials(
            "The private key or its encryption is of a kind that is not supported."
        ) from None
    except ValueError:
        if secret:
            raise InvalidCredentials(
                "The private key cannot be read: the password is wrong, or the PEM is damaged."
            ) from None
        raise InvalidCredentials("The private key cannot be read: the PEM is damaged.") from None
