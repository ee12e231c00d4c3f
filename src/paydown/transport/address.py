"""Addresses that requests go to, parsed from URLs: that of the exchange and that of a proxy.

An `Address` is parsed once per client. A URL that cannot be used is refused here with an error that shows what a
usable one looks like, and never repeats a URL that may hold a password.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from paydown.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests go: scheme, host, port, and a prefix for every path.

    Attributes:
        scheme: b"https" or b"http".
        host: Host name or IP address, as ASCII; names of other scripts in their IDNA form.
        port: Port of the URL; None means the usual one of the scheme.
        origin: Scheme, host and port as text, such as "https://papi.binance.com".
        host_header: Value of the Host header.
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
        """Parse a base URL.

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


def _shown(url: object) -> str:
    """Quote a URL for a message, unless it may hold a password."""
    text = repr(url)
    return "" if "@" in text or len(text) > 120 else f" {text}"


def parse_proxy(url: str) -> SplitResult:
    """Parse the URL of a proxy.

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
