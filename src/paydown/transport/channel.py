"""What goes to a channel and what comes back: addresses, finished requests, and two ways to fail.

A channel sends one request exactly once: through `connections` or `async_connections`, through a proxy (`proxies`), or
through a transport of httpx (`transport`). This module loads none of them, so that a client can be built before one is
needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import SplitResult, urlsplit

from paydown.errors import InvalidRequest

if TYPE_CHECKING:
    from paydown.call.outcome import Answer


class NotSent(Exception):
    """Nothing was written. `str()` says why, without addresses of the request."""


class Lost(Exception):
    """Something may have been written, and no complete answer came. `str()` says why."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests go: scheme, host, port and a path that stands before every path.

    Attributes:
        origin: Scheme, host and port as text, such as "https://papi.binance.com".
        host_header: What the Host header says.
        prefix: Path before every path, without a slash at its end; usually "".
    """

    scheme: bytes
    host: bytes
    port: int | None
    origin: str
    host_header: bytes
    prefix: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Take a base URL apart.

        Raises:
            InvalidRequest: It is no plain http or https URL.
        """
        shown = _shown(url)
        try:
            parts = urlsplit(url)
            port = parts.port
            host = (parts.hostname or "").encode("idna").decode("ascii")
        except (ValueError, TypeError, AttributeError):  # UnicodeError is a ValueError
            raise InvalidRequest(f"The base URL{shown} cannot be read.", parameter="base_url") from None
        if parts.scheme not in ("http", "https") or not host:
            raise InvalidRequest(
                f"The base URL{shown} must look like https://papi.binance.com.", parameter="base_url"
            )
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise InvalidRequest(
                "The base URL must be scheme, host, port and path only: no user, query or fragment.",
                parameter="base_url",
            )
        if (not url.isascii() and not parts.path.isascii()) or any(letter <= " " for letter in url):
            raise InvalidRequest("The base URL holds a blank or a non-ASCII path.", parameter="base_url")
        bracketed = f"[{host}]" if ":" in host else host
        netloc = bracketed if port is None else f"{bracketed}:{port}"
        return cls(
            scheme=parts.scheme.encode("ascii"),
            host=host.encode("ascii"),
            port=port,
            origin=f"{parts.scheme}://{netloc}",
            host_header=netloc.encode("ascii"),
            prefix=parts.path.rstrip("/"),
        )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request, finished: nothing downstream changes a byte of it.

    Attributes:
        target: Path and query as they go on the wire.
        headers: All of them, Host and Content-Length included.
        connect_timeout_s: Until the connection stands.
        answer_timeout_s: From then until the whole answer is there.
    """

    method: str
    address: Address
    # Key and signature are in these three, so they are not shown.
    target: str = field(repr=False)
    headers: list[tuple[bytes, bytes]] = field(repr=False)
    body: bytes = field(repr=False)
    connect_timeout_s: float
    answer_timeout_s: float


def timeouts(outgoing: Outgoing) -> dict[str, float]:
    """The time limits of a request, as httpcore and httpx take them."""
    return {
        "connect": outgoing.connect_timeout_s,
        "pool": outgoing.connect_timeout_s,
        "read": outgoing.answer_timeout_s,
        "write": outgoing.answer_timeout_s,
    }


class Channel(Protocol):
    """Sends one request and returns its answer. Blocking; safe to use from several threads."""

    def exchange(self, outgoing: Outgoing) -> Answer:
        """Send it once. Raises NotSent or Lost.

        An interrupt goes through. It has `NotSent` for its cause if it certainly came before the first byte; without
        that the request may have left.
        """
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class AsyncChannel(Protocol):
    """Sends one request and returns its answer. Awaited."""

    async def exchange(self, outgoing: Outgoing) -> Answer:
        """Send it once. Raises NotSent or Lost."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


def _shown(url: object) -> str:
    """A URL in a message, unless it may hold a password."""
    text = repr(url)
    return "" if "@" in text or len(text) > 120 else f" {text}"


def parse_proxy(url: str) -> SplitResult:
    """Take the URL of a proxy apart.

    Raises:
        InvalidRequest: It is no URL of an HTTP or SOCKS proxy.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is no number
    except (ValueError, TypeError, AttributeError):
        parts = SplitResult("", "", "", "", "")
    if parts.scheme not in ("http", "https", "socks5", "socks5h") or not parts.hostname:
        # The URL is not repeated: it may hold a password.
        raise InvalidRequest("The proxy must look like http://127.0.0.1:3128.", parameter="proxy")
    return parts


def reason(error: BaseException) -> str:
    """Why, in a few words: the class, and its text, which holds no part of the request."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return f"{name}: {text[:200]}" if text else name
