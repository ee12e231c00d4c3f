"""Turn a checked call into the finished request: address, headers, query, body, signature.

Calls that change something send their parameters as a form body, reads as a query. What takes no part in
the signature is prepared once per operation; the rest is written, signed and handed over in one step, at the
moment of sending.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from paydown._version import __version__
from paydown.call.signing import encode_pairs, signed
from paydown.errors import InvalidCredentials
from paydown.redaction import Redactor
from paydown.transport.address import Address
from paydown.transport.channel import Outgoing
from paydown_wire.error_codes import SERVERS, SIGNING

if TYPE_CHECKING:
    from paydown.credentials import Credentials
    from paydown_wire.operation import Operation

_FORM: Final = b"application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that is ready to go.

    Attributes:
        outgoing: Its bytes.
        sent_at_ms: Its timestamp, UTC milliseconds on the exchange's clock; None if it is not signed.
        api_key: The key in its header, or "".
        signature: The signature as it is spelt on the wire, or "".
    """

    outgoing: Outgoing
    sent_at_ms: int | None
    api_key: str = field(repr=False)
    signature: str = field(repr=False)

    def redactor(self) -> Redactor:
        """Return the redactor that removes the secrets of this request from texts."""
        return Redactor((self.api_key, self.signature, unquote(self.signature)))


@dataclass(frozen=True, slots=True)
class _Route:
    """The parts that are the same in every request of an operation."""

    address: Address
    path: str
    headers: tuple[tuple[bytes, bytes], ...] = field(repr=False)  # the key is one
    in_body: frozenset[str]  # wire names
    signs_body: bool
    connect_timeout_s: float
    answer_timeout_s: float


class RequestMaker:
    """Makes the requests of one client.

    Args:
        credentials: Key and secret that sign; None can only make calls that need no key.
        base_url: Where every call goes; None means the servers of the document.
        connect_timeout_s: Instead of the document's, for every call.
        answer_timeout_s: Instead of the document's, for every call.

    Raises:
        InvalidRequest: The base URL cannot be used.
    """

    def __init__(
        self,
        credentials: Credentials | None,
        *,
        base_url: str | None = None,
        connect_timeout_s: float | None = None,
        answer_timeout_s: float | None = None,
    ) -> None:
        self.credentials = credentials
        self._one_address = None if base_url is None else Address.parse(base_url)
        self._addresses: dict[str, Address] = {}
        self._connect_timeout_s = connect_timeout_s
        self._answer_timeout_s = answer_timeout_s
        self._routes: dict[str, _Route] = {}

    def address(self, server: str) -> Address:
        """Return where calls of a server of the document go."""
        if self._one_address is not None:
            return self._one_address
        address = self._addresses.get(server)
        if address is None:
            address = self._addresses[server] = Address.parse(SERVERS[server])
        return address

    def check(self, operation: Operation) -> None:
        """Refuse a call that needs credentials where there are none.

        Raises:
            InvalidCredentials: It needs a key.
        """
        if operation.api_key and self.credentials is None:
            raise InvalidCredentials(
                f"{operation.name} needs an API key. Make the client so: Client(Credentials.from_env()).",
                operation=operation.name,
            )

    def make(
        self, operation: Operation, texts: Mapping[str, str], *, timestamp_ms: int, recv_window: int
    ) -> Prepared:
        """Write and sign one request.

        Args:
            operation: The call.
            texts: Its parameters by wire name, in the order of the document.
            timestamp_ms: Now, UTC milliseconds on the exchange's clock.
            recv_window: How long the exchange may still accept it, ms.
        """
        route = self._routes.get(operation.id)
        if route is None:
            route = self._routes[operation.id] = self._route(operation)
        in_body = route.in_body
        query = encode_pairs([pair for pair in texts.items() if pair[0] not in in_body])
        body = encode_pairs([pair for pair in texts.items() if pair[0] in in_body]) if in_body else ""
        key = signature = ""
        credentials = self.credentials
        if operation.signed and credentials is not None:
            if route.signs_body:
                body = signed(
                    body, credentials, timestamp_ms=timestamp_ms, recv_window=recv_window, before=query
                )
            else:
                query = signed(query, credentials, timestamp_ms=timestamp_ms, recv_window=recv_window)
            # Base64 ends in "=", which is percent-encoded here, so the last "=" stands before the signature.
            signature = (body if route.signs_body else query).rpartition("=")[2]
        if operation.api_key and credentials is not None:
            key = credentials.api_key
        content = body.encode("ascii")
        headers = list(route.headers)
        if operation.method != "GET":
            if content:
                headers.append((b"Content-Type", _FORM))
            headers.append((b"Content-Length", b"%d" % len(content)))
        return Prepared(
            Outgoing(
                method=operation.method,
                address=route.address,
                target=f"{route.path}?{query}" if query else route.path,
                headers=headers,
                body=content,
                connect_timeout_s=route.connect_timeout_s,
                answer_timeout_s=route.answer_timeout_s,
            ),
            timestamp_ms if operation.signed else None,
            key,
            signature,
        )

    def fetch(self, url: str, like: Operation) -> Outgoing:
        """Return an unsigned GET of a whole URL, such as that of a clock.

        Args:
            url: The URL.
            like: Operation whose time-outs hold.
        """
        address = Address.parse(url)
        return Outgoing(
            method="GET",
            address=address,
            target=address.prefix or "/",
            headers=_common_headers(address),
            body=b"",
            connect_timeout_s=self._connect_timeout_s or like.connect_timeout_s,
            answer_timeout_s=self._answer_timeout_s or like.answer_timeout_s,
        )

    def _route(self, operation: Operation) -> _Route:
        address = self.address(operation.server)
        headers = _common_headers(address)
        if operation.api_key and self.credentials is not None:
            headers.append((SIGNING.api_key_header.encode("ascii"), self.credentials.api_key.encode("ascii")))
        return _Route(
            address=address,
            path=address.prefix + operation.path,
            headers=tuple(headers),
            in_body=frozenset(
                parameter.name for parameter in operation.parameters if parameter.in_ == "body"
            ),
            signs_body=operation.method != "GET",
            connect_timeout_s=self._connect_timeout_s or operation.connect_timeout_s,
            answer_timeout_s=self._answer_timeout_s or operation.answer_timeout_s,
        )


def _common_headers(address: Address) -> list[tuple[bytes, bytes]]:
    return [
        (b"Host", address.host_header),
        (b"User-Agent", f"paydown/{__version__}".encode("ascii")),
        (b"Accept", b"application/json"),
        (b"Accept-Encoding", b"gzip"),
    ]
