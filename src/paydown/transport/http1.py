"""One connection's side of HTTP/1.1, without I/O: what to write, and when the answer is complete.

    begin(outgoing) ──> the bytes of one request          feed(bytes read) ──> True when its answer is complete

h11 parses; this module decides what counts as an answer. An answer that is cut short, longer than `LARGEST_BODY`,
encoded in a way that was not asked for, or no HTTP at all, is `Lost`. Bytes behind an answer belong to no request:
`ready_again` is false then, and the connection must not be used again, since they would pass for the answer to the next
request.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

import h11

from paydown.transport.channel import Answer, Lost, NotSent, Outgoing

LARGEST_BODY: Final = 8 * 1024 * 1024  # the longest list of the document is well below a megabyte
_LARGEST_HEAD: Final = 100 * 1024
_END: Final = h11.EndOfMessage()


class Http1:
    """The requests and answers of one connection, one at a time."""

    __slots__ = ("_body", "_checked", "_headers", "_parser", "_status")

    def __init__(self) -> None:
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)
        self._headers: list[tuple[bytes, bytes]] = []  # of the last request
        self._checked: h11.Request | None = None  # has the same, found valid; its target is no request's
        self._status = 0
        self._body: Body | None = None

    def begin(self, outgoing: Outgoing) -> bytes:
        """Return the bytes of a request, head and body together.

        Raises:
            NotSent: It is no valid HTTP.
        """
        send = self._parser.send
        method, checked = outgoing.method, self._checked
        try:
            # Requests of one connection mostly have the same headers, and h11 spends most on checking those.
            if checked is None or outgoing.headers != self._headers:
                checked = self._checked = h11.Request(method=method, target="/", headers=outgoing.headers)
                self._headers = outgoing.headers
            parts = [
                send(h11.Request(method=method, target=outgoing.target, headers=checked.headers)),
                send(h11.Data(data=outgoing.body)) if outgoing.body else b"",
                send(_END),
            ]
        except h11.LocalProtocolError:
            # The text of this error may quote a header, and one header holds the key.
            raise NotSent("the request is no valid HTTP") from None
        self._status, self._body = 0, None
        return b"".join([part for part in parts if part])

    def feed(self, data: bytes) -> bool:
        """Take in bytes that were read; b"" means that the other side has hung up.

        Returns:
            Whether the answer is complete.

        Raises:
            Lost: There is no answer to be had from this connection.
        """
        parser = self._parser
        try:
            parser.receive_data(data)
            while True:
                event = parser.next_event()
                if event is h11.NEED_DATA:
                    if not data:
                        raise Lost("the other side hung up in the middle of its answer")
                    return False
                if isinstance(event, h11.Data):
                    if self._body is not None:
                        self._body.add(bytes(event.data))
                elif isinstance(event, h11.Response):
                    self._status = event.status_code
                    self._body = Body(event.headers.raw_items())
                elif isinstance(event, h11.EndOfMessage):
                    return True
                elif not isinstance(event, h11.InformationalResponse):
                    raise Lost("the other side hung up without an answer")
        except h11.RemoteProtocolError as error:
            begun = self._body is not None
            raise Lost(f"the answer is {'cut short' if begun else 'no HTTP'}: {error}") from None

    def answer(self) -> Answer:
        """Return the answer, once it is complete.

        Raises:
            Lost: Its encoding is broken.
        """
        if self._body is None:
            raise Lost("there is no answer")
        return self._body.answer(self._status)

    def ready_again(self) -> bool:
        """Return whether the connection may carry another request, and prepare it for that one."""
        if self._parser.trailing_data[0]:
            return False
        try:
            self._parser.start_next_cycle()
        except h11.LocalProtocolError:
            return False
        return True


class Body:
    """Collects the parts of a body, takes gzip off, and stops at `LARGEST_BODY`.

    Args:
        headers: Those of the answer, as they came.

    Raises:
        Lost: From each method: the body cannot be read.
    """

    __slots__ = ("_begun", "_gunzip", "_headers", "_parts", "_size")

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        raw = list(headers)
        names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
        if len(names) < len(raw):
            _join_doubled(names, raw)
        self._headers = names
        self._parts: list[bytes] = []
        self._size = 0
        self._begun = False
        encoding = names.get("content-encoding", "identity").strip().lower()
        gzip = encoding in ("gzip", "x-gzip")
        self._gunzip = zlib.decompressobj(wbits=31) if gzip else None
        if not gzip and encoding not in ("identity", ""):
            raise Lost(f"the answer is encoded as {encoding[:20]!r}, which was not asked for")

    def add(self, part: bytes) -> None:
        """Take in the next part of the body."""
        if self._gunzip is not None:
            self._begun = self._begun or bool(part)
            try:
                part = self._gunzip.decompress(part, LARGEST_BODY + 1)
            except zlib.error:
                raise Lost("the answer's gzip encoding is broken") from None
        self._size += len(part)
        if self._size > LARGEST_BODY or (self._gunzip is not None and self._gunzip.unconsumed_tail):
            raise Lost(f"the answer is longer than {LARGEST_BODY} bytes")
        self._parts.append(part)

    def answer(self, status: int) -> Answer:
        """Return the whole answer, with the body joined."""
        if self._gunzip is not None and self._begun:
            if not self._gunzip.eof:
                raise Lost("the answer's gzip encoding is cut short")
            if self._gunzip.unused_data:
                raise Lost("bytes came behind the answer's gzip encoding")
        return Answer(status, self._headers, b"".join(self._parts))


def _join_doubled(names: dict[str, str], raw: list[tuple[bytes, bytes]]) -> None:
    """Join headers that came twice, as RFC 9110 allows."""
    names.clear()
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        names[name] = f"{names[name]}, {value}" if name in names else value
