"""List the mistakes of a careless signer: the right text signed in a wrong way, and wrong texts to sign."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence

from paydown_contract.document import Operation
from paydown_contract.requests.composer import Pairs
from paydown_contract.requests.percent_encoding import join
from paydown_contract.requests.signing_key import Key


def wrong_signatures(key: Key, others: Sequence[Key], text: bytes) -> Iterator[tuple[str, str]]:
    """Yield signatures over the right text that were made in a wrong way.

    Args:
        key: The key that should have signed in the right way.
        others: Further keys, which must not sign for this one.
        text: The text that the signature must cover.

    Returns:
        Pairs of the mistake's name and the signature, not percent-encoded.
    """
    for number, other in enumerate(others, 1):
        yield f"by other {number}", other.sign(text)
    if key.kind == "hmac" and isinstance(key.secret, bytes):
        yield from _wrong_hmac(key.api_key, key.secret, text)
    else:
        yield from _wrong_asymmetric(key, text)


def _wrong_hmac(api_key: str, secret: bytes, text: bytes) -> Iterator[tuple[str, str]]:
    for name in ("md5", "sha1", "sha224", "sha384", "sha512", "sha3_256", "blake2s"):
        yield f"with HMAC of {name}", hmac.new(secret, text, name).hexdigest()
    digest = hmac.new(secret, text, hashlib.sha256).digest()
    yield "in base64", base64.b64encode(digest).decode()
    yield "with a plain SHA-256", hashlib.sha256(text).hexdigest()
    yield "with a plain SHA-256 of secret and text", hashlib.sha256(secret + text).hexdigest()
    for label, changed in (
        ("the secret in lower case", secret.lower()),
        ("the secret in upper case", secret.upper()),
        ("the secret and a newline", secret + b"\n"),
        ("a letter less of the secret", secret[:-1]),
        ("an empty secret", b""),
        ("the key as secret", api_key.encode()),
        ("the secret decoded", _decoded(secret)),
    ):
        if changed is not None and changed != secret:
            yield f"with {label}", hmac.new(changed, text, hashlib.sha256).hexdigest()
    yield "with key and text exchanged", hmac.new(text, secret, hashlib.sha256).hexdigest()


def _decoded(secret: bytes) -> bytes | None:
    """Decode the secret from base64; return None if it is no base64, as most secrets are not."""
    try:
        return base64.b64decode(secret + b"=" * (-len(secret) % 4), validate=True)
    except ValueError:
        return None


def _wrong_asymmetric(key: Key, text: bytes) -> Iterator[tuple[str, str]]:
    raw = base64.b64decode(key.sign(text))
    for label, wrong in (
        ("a byte more", raw + b"\0"),
        ("three bytes more", raw + b"\0\0\0"),
        ("a byte before", b"\0" + raw),
        ("a byte less", raw[:-1]),
        ("every byte twice", raw + raw),
        ("no byte", b""),
    ):
        yield f"with {label}", base64.b64encode(wrong).decode()
    yield "in hexadecimal", raw.hex()
    keyed = hmac.new(key.api_key.encode(), text, hashlib.sha256)
    yield "with HMAC and the key as secret", keyed.hexdigest()
    yield "over the digest of the text", key.sign(hashlib.sha256(text).digest())
    yield "over the hex digest of the text", key.sign(hashlib.sha256(text).hexdigest().encode())


def wrong_messages(operation: Operation, pairs: Pairs) -> Iterator[tuple[str, bytes]]:
    """Yield texts that a careless signer would sign instead of the one that is sent.

    Args:
        operation: Method and path, which some signers of other exchanges include.
        pairs: Names and decoded values, in the order in which they are sent.

    Returns:
        Pairs of the mistake's name and the text; some texts may equal the right one.
    """
    text = join(pairs)
    bare = "&".join(f"{name}={value}" for name, value in pairs)
    yield "decoded text", bare.encode("utf-8")
    yield "lower-case escapes", text.replace(b"%2C", b"%2c")
    yield "nothing", b""
    yield "the text and a newline", text + b"\n"
    yield "the text with & before", b"&" + text
    yield "the text with & behind", text + b"&"
    yield "the text with ? before", b"?" + text
    yield "the text and signature=", text + b"&signature="
    yield "sorted parameters", join(sorted(pairs))
    yield "reversed parameters", join(pairs[::-1])
    yield "values only", "".join(value for _, value in pairs).encode()
    yield "a JSON text", ("{" + ",".join(f'"{name}":"{value}"' for name, value in pairs) + "}").encode()
    yield "path and text", operation.path.encode() + b"?" + text
    yield "method, path and text", f"{operation.method} {operation.path}?".encode() + text
    yield "the text in upper case", text.upper()
    yield "the text in lower case", text.lower()
    yield "the text twice", text + text
    for name, _ in pairs:
        yield f"all but {name}", join([pair for pair in pairs if pair[0] != name])


def wrong_split_messages(query: bytes, body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield texts that a careless signer would make of query and body, other than the right `query + body`.

    Args:
        query: Percent-encoded parameters of the query.
        body: Percent-encoded parameters of the form body.

    Returns:
        Pairs of the mistake's name and the text.
    """
    for label, message in (
        ("joined with &", query + b"&" + body),
        ("the body only", body),
        ("the query only", query),
        ("the body first", body + query),
        ("with a question mark", b"?" + query + body),
        ("joined with a newline", query + b"\n" + body),
    ):
        if message != query + body:
            yield label, message
