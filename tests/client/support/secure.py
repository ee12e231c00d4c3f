"""Both sides of TLS for localhost, with certificates made in the test run."""

from __future__ import annotations

import ssl
from base64 import b64encode
from hashlib import sha256

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Secure:
    """An authority, its server, and the pin of the server's key. Making one takes a while: share it."""

    def __init__(self) -> None:
        authority = trustme.CA()
        leaf = authority.issue_cert("localhost")
        self.server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(self.server_side)
        self.client_side = ssl.create_default_context()
        authority.configure_trust(self.client_side)
        self.authority_pem = authority.cert_pem.bytes()
        key = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).public_key()
        shown = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.pin = "sha256//" + b64encode(sha256(shown).digest()).decode()
