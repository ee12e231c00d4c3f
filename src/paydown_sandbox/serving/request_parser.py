"""Turn the bytes of one connection into requests, and bound what one request may occupy.

No client can make the sandbox keep more than a head and a body of a bounded size for each connection, however
large the request is and however slowly its bytes arrive. Both protocols of a connection measure requests with
`RequestMeter`; `RequestParser` also assembles them, for the short path without ASGI.
"""

from __future__ import annotations

from collections.abc import Callable

import httptools

from paydown_sandbox.exchange import LARGEST_BODY
from paydown_sandbox.serving.browser_guard import BROWSER_HEADERS

__all__ = ["LARGEST_HEAD", "IncomingRequest", "RequestMeter", "RequestParser", "path_start"]

LARGEST_HEAD = 65_536
# The largest overhead around a body: the sizes of chunks, their extensions, and trailers.
_LARGEST_WRAPPING = 1_048_576
# A body above LARGEST_BODY is refused when it is complete; a body that goes on beyond this size, at once.
_ENDLESS_BODY = 1_048_576


def path_start(target: bytes) -> int:
    """Return the index at which the path of a request target begins.

    Proxies send the absolute form, http://host/path; every other client sends the path alone.
    """
    if not target.startswith((b"http://", b"https://")):
        return 0
    found = target.find(b"/", 8)
    return len(target) if found < 0 else found


class RequestMeter:
    """Count the bytes of one request while they arrive.

    The packet in which a request begins is not counted, because earlier requests may end in the same packet.
    """

    __slots__ = ("_began", "_in_head", "body", "fed", "unfinished")

    def __init__(self) -> None:
        self.unfinished = False  # whether the end of a request is still to come
        self.begin()

    def begin(self) -> None:
        """Start counting a new request."""
        self._began = True
        self._in_head = True
        self.fed = 0
        self.body = 0

    def head_done(self) -> None:
        """Note that the head is complete: a later header of the same request is a trailer."""
        self._in_head = False

    @property
    def in_head(self) -> bool:
        """Return whether headers are still arriving."""
        return self._in_head

    def too_much(self, size: int) -> bool:
        """Count `size` more bytes that did not end the request; return whether it has become too large."""
        if self._began:
            self._began = False
            return False
        self.fed += size
        return self.fed - self.body > (LARGEST_HEAD if self._in_head else _LARGEST_WRAPPING)


class IncomingRequest:
    """One request while its bytes arrive. Header names are lower case."""

    __slots__ = ("body", "from_browser", "headers", "keep_alive", "method", "url")

    def __init__(self) -> None:
        self.from_browser = False
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.method = ""
        self.keep_alive = True


class RequestParser:
    """Assemble requests from bytes; httptools calls the methods `on_...` while it parses.

    Args:
        on_request: Called with each complete request, in the order of arrival.
        on_expect: Called when a head asks for `100 Continue` before it sends its body.

    Attributes:
        in_message: Whether a request has begun and is not complete.
    """

    __slots__ = ("_incoming", "_meter", "_on_expect", "_on_request", "_parser", "in_message")

    def __init__(self, on_request: Callable[[IncomingRequest], None], on_expect: Callable[[], None]) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._on_request = on_request
        self._on_expect = on_expect
        self._meter = RequestMeter()
        self._incoming = IncomingRequest()
        self.in_message = False

    def feed(self, data: bytes) -> bool:
        """Parse bytes; return False if the request that they belong to has become too large.

        Raises:
            httptools.HttpParserError: The bytes are no HTTP.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Nothing can be upgraded on the short path: the request is answered as if it had made no offer.
            return True
        return not self.in_message or not (
            self._meter.too_much(len(data)) or self._meter.body > _ENDLESS_BODY
        )

    def on_message_begin(self) -> None:
        """Begin a new request."""
        self._meter.begin()
        self._incoming = IncomingRequest()
        self.in_message = True

    def on_url(self, url: bytes) -> None:
        """Append a piece of the request target."""
        self._incoming.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add one header; a trailer after the body is ignored.

        Args:
            name: In any spelling.
            value: As it arrived.
        """
        if not self._meter.in_head:
            return
        name = name.lower()
        self._incoming.headers.append((name, value))
        if name in BROWSER_HEADERS:
            self._incoming.from_browser = True
        if name == b"expect" and value.lower() == b"100-continue":
            self._on_expect()

    def on_headers_complete(self) -> None:
        """Note that the head is complete."""
        self._meter.head_done()

    def on_body(self, body: bytes) -> None:
        """Append a piece of the body; of a body that is too large, keep just enough to show that."""
        incoming = self._incoming
        self._meter.body += len(body)
        if not incoming.body:
            incoming.body = body
        elif len(incoming.body) <= LARGEST_BODY:
            incoming.body += body

    def on_message_complete(self) -> None:
        """Hand over the complete request."""
        incoming = self._incoming
        parser = self._parser
        incoming.method = parser.get_method().decode("latin-1")
        incoming.keep_alive = (
            parser.should_keep_alive()
            and parser.get_http_version() != "1.0"
            and not (parser.should_upgrade())  # after an upgrade the bytes would be of another protocol
        )
        self.in_message = False
        self._on_request(incoming)
