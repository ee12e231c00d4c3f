"""Sign the requests of any httpx client, ours or not.

    httpx.Client(base_url="https://papi.binance.com", auth=SigningAuth(credentials))

Query and form body are written again in the exchange's spelling, stamped, signed, and put back into the same
request, so that what is signed is what is sent and the request's time-outs survive. An earlier timestamp or
signature, from a repeated request say, is replaced.

`httpx.Client` decides about redirects, repeats and errors. It cannot distinguish a repayment that failed from one
that may have happened: `paydown.Client` can. Two things to leave as they are:

* `follow_redirects` stays False. httpx would carry the key header to another host, and repeat a POST on 307.
* httpx logs every URL at level INFO, and a signed read has its signature there. Keep the logger "httpx" at
  WARNING.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

import httpx

from paydown.call.parameters import checked_recv_window
from paydown.call.signing import encode_pairs, signed
from paydown.clock import SystemClock
from paydown.errors import InvalidRequest
from paydown.traceback_frames import without_frames
from paydown_wire.error_codes import SIGNING
from paydown_wire.operations import ALL_OPERATIONS

if TYPE_CHECKING:
    from paydown.clock import Clock
    from paydown.credentials import Credentials

_TIMESTAMP: Final = "timestamp"
_RECV_WINDOW: Final = "recvWindow"
_FORM: Final = "application/x-www-form-urlencoded"
_SECURITY: Final[Mapping[tuple[str, str], tuple[bool, bool]]] = {
    (operation.method, operation.path): (operation.api_key, operation.signed)
    for operation in ALL_OPERATIONS.values()
}


class SigningAuth(httpx.Auth):
    """Adds the key header, timestamp and signature that a call needs.

    Calls of the document get what their security type asks for: `GET /papi/v1/ping` nothing, a listen key
    only the header. Everything else is signed.

    Args:
        credentials: Who signs.
        clock: Knows the exchange's time, UTC milliseconds. Default: this machine's clock.
        recv_window: How long the exchange may still accept a request, ms, where the request does not say.
            Default: the document's 5000.

    Raises:
        InvalidRequest: `recv_window` is out of bounds; or, while sending, a body is neither empty nor a form,
            or a parameter that the signature covers has no value.
    """

    def __init__(
        self, credentials: Credentials, *, clock: Clock | None = None, recv_window: int | None = None
    ) -> None:
        self._credentials = credentials
        self._clock = SystemClock() if clock is None else clock
        self._recv_window = (
            SIGNING.default_recv_window_ms if recv_window is None else checked_recv_window(recv_window)
        )

    def __repr__(self) -> str:
        return f"SigningAuth({self._credentials!r})"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request in place. Called by httpx, right before it sends."""
        api_key, signature = _security_of(request.method, request.url.path)
        if api_key:
            request.headers[SIGNING.api_key_header] = self._credentials.api_key
        if signature:
            self._sign(request)
        yield request

    @without_frames
    def _sign(self, request: httpx.Request) -> None:
        body = _form_of(request)
        if body and request.method in ("GET", "HEAD"):
            raise InvalidRequest(
                f"A {request.method} sends its parameters as a query, and this one has a body. Use params={{...}}."
            )
        query_pairs = _pairs(request.url.query)
        body_pairs = _pairs(body)
        named = any(name == _RECV_WINDOW for name, _ in (*query_pairs, *body_pairs))
        window = None if named else self._recv_window
        now_ms = self._clock.now_ms()
        query, form = encode_pairs(query_pairs), encode_pairs(body_pairs)
        if form:
            form = signed(form, self._credentials, timestamp_ms=now_ms, recv_window=window, before=query)
        else:
            query = signed(query, self._credentials, timestamp_ms=now_ms, recv_window=window)
        unsigned = request.url
        request.url = request.url.copy_with(query=query.encode("ascii") if query else None)
        if request.url.query != query.encode("ascii"):
            request.url = unsigned  # the frames of httpx hold the request
            raise InvalidRequest(
                "httpx would send another query than the one that was signed. Nothing was sent."
            )
        if body or form:
            content = form.encode("ascii")
            # The stream is what is sent; `content` is what people look at. Both must be the signed text.
            request.stream = httpx.ByteStream(content)
            request._content = content  # pyright: ignore[reportPrivateUsage]  # httpx has no setter
            request.headers["Content-Length"] = str(len(content))
            request.headers["Content-Type"] = _FORM


def _security_of(method: str, path: str) -> tuple[bool, bool]:
    """Return whether a call needs the key header, and whether it needs a signature."""
    exact = _SECURITY.get((method, path))
    if exact is not None:
        return exact
    # A base URL may bring a path of its own: /prefix/papi/v1/ping.
    found = (needs for (verb, known), needs in _SECURITY.items() if verb == method and path.endswith(known))
    return next(found, (True, True))


def _form_of(request: httpx.Request) -> bytes:
    """Return the form body as it would be sent, or b"" for none.

    Raises:
        InvalidRequest: The body is something that cannot be signed: JSON, multipart, a stream.
    """
    stream = request.stream
    if not isinstance(stream, httpx.ByteStream):
        raise InvalidRequest(
            "A streamed or multipart body cannot be signed. Send parameters as data={...} or params={...}."
        )
    body = b"".join(stream)
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if body and kind != _FORM:
        raise InvalidRequest(
            f"A body of type {kind or 'unknown'!r} cannot be signed: the exchange takes forms only. Send"
            " parameters as data={...} or params={...}."
        )
    return body


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    """Return the names and values of a query or form, without timestamp and signature."""
    try:
        text = raw.decode("ascii")
        pairs: list[tuple[str, str]] = []
        for part in text.split("&"):
            if not part:
                continue
            name, _, value = part.partition("=")
            pairs.append((unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")))
    except UnicodeError:
        raise InvalidRequest("A parameter is not UTF-8 text, percent-encoded.") from None
    return [pair for pair in pairs if pair[0] not in (_TIMESTAMP, SIGNING.signature_parameter)]
