"""The published test keys, as this suite signs and verifies with them."""

import base64

from paydown_contract.requests.signing_key import Key, RsaNumbers
from tests.contract.support.evidence import vectors


def signing_key(name: str) -> Key:
    """A key of `vectors/signing.json`: S1, S2 and S3 are HMAC, E1 is Ed25519, R1 is RSA."""
    row = vectors("signing")["keys"][name]
    if row["type"] == "hmac":
        return Key("hmac", row["api_key"], row["secret"].encode("ascii"))
    header = (name + "key").ljust(64, "x")
    if row["type"] == "ed25519":
        return Key("ed25519", header, bytes.fromhex(row["seed_hex"]))
    return Key("rsa", header, RsaNumbers(_number(row["n"]), row["e"], _number(row["d"])))


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
