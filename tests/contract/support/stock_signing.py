"""Signs what schemathesis sends: the prepared bytes, at the last moment, so that what is signed is what leaves.

A case that breaks `timestamp` or `signature` itself keeps its break: only right values are replaced by working ones.
The rest of the request is left as the case made it, wrong or right, and is signed as it stands.
"""

from collections.abc import Callable, Mapping

from requests.auth import AuthBase
from requests.models import PreparedRequest

from paydown_contract.document import Document, Operation
from paydown_contract.requests import percent_encoding as wire
from paydown_contract.requests.signing_key import Key
from paydown_contract.rules.schema_mismatch import schema_mismatch


class Signer(AuthBase):
    """Signs prepared requests with one key.

    Args:
        document: Says what is signed and where the signature goes.
        key: Who signs.
        now_ms: Tells the server's time, UTC ms.
        known: Right values to send instead of a made-up one, by name of the parameter: an asset that the server has
            heard of, say. Three of four made-up values are replaced, so that both are tried.
        before: Called before each request: a server that runs dry can be filled up here.
    """

    def __init__(
        self,
        document: Document,
        key: Key,
        now_ms: Callable[[], int],
        known: Mapping[str, tuple[str, ...]] | None = None,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self.document = document
        self.key = key
        self.now_ms = now_ms
        self.known = dict(known or {})
        self.before = before
        self._turn = 0

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign one request in place."""
        self.before()
        address, _, query_text = (request.url or "").partition("?")
        path = "/" + address.split("://", 1)[-1].partition("/")[2]
        operation = self.document.operation(request.method or "", path)
        if operation is None or not operation.api_key:
            return request
        request.headers[self.document.key_header] = self.key.api_key
        if not operation.signed:
            return request
        query = query_text.encode("utf-8")
        sent = request.body or b""
        if not isinstance(sent, str | bytes):
            return request  # a stream: nothing that this signer could sign
        body = sent.encode("utf-8") if isinstance(sent, str) else sent
        query, query_signs = self._prepared(operation, query)
        body, body_signs = self._prepared(operation, body)
        if query_signs or body_signs:
            proof = b"signature=" + wire.escape(self.key.sign(query + body)).encode("ascii")
            if body_signs:
                body += (b"&" if body else b"") + proof
            else:
                query += (b"&" if query else b"") + proof
        request.url = address + ("?" + query.decode("utf-8") if query else "")
        if request.body is not None:
            request.body = body
            request.headers["Content-Length"] = str(len(body))
        return request

    def _prepared(self, operation: Operation, raw: bytes) -> tuple[bytes, bool]:
        """The text without a right signature, its right timestamp made current, and whether it had a right
        signature."""
        text = wire.split(raw)
        pieces: list[bytes] = []
        signs = False
        names = text.names()
        for pair in text.pairs:
            field = operation.field(pair.name)
            right = (
                field is not None
                and names.count(pair.name) == 1
                and schema_mismatch(field.schema, pair.value) is None
            )
            if pair.name == "signature" and right:
                signs = True
            elif pair.name == "timestamp" and right:
                pieces.append(f"timestamp={self.now_ms()}".encode("ascii"))
            elif right and pair.name in self.known:
                pieces.append(self._known(pair))
            else:
                pieces.append(pair.raw)
        return b"&".join(pieces), signs

    def _known(self, pair: wire.Pair) -> bytes:
        self._turn += 1
        choices = self.known[pair.name]
        if pair.value in choices or self._turn % 4 == 0:
            return pair.raw
        return wire.join([(pair.name, choices[self._turn % len(choices)])])
