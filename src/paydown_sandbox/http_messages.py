"""Carry messages between a web server and the sandbox: a raw request in; an answer, a retry or a drop out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["Drop", "RawRequest", "RawResponse", "Reply", "Retry", "html_page"]


class RawRequest(NamedTuple):
    """One request as it arrived. Header names are lower case; nothing is decoded.

    `held` is the `Retry.held` of the reply that asked for the request to be handed in again.
    """

    method: str
    path: str
    query: bytes
    headers: Iterable[tuple[bytes, bytes]]
    body: bytes
    client_ip: str
    held: object | None = None


class RawResponse:
    """One answer, to be sent after `delay_ms`.

    Attributes:
        status: The HTTP status.
        headers: Name and value of each header.
        body: The body.
        delay_ms: How long to wait before it is sent.
        release: An account that stays busy until the answer is out (`Exchange.release`).
        truncated: Whether only half of the body is sent, and the connection dropped after it.
    """

    __slots__ = ("body", "delay_ms", "headers", "release", "status", "truncated")

    def __init__(
        self,
        status: int,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        delay_ms: int = 0,
        release: str | None = None,
        *,
        truncated: bool = False,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.delay_ms = delay_ms
        self.release = release
        self.truncated = truncated

    def header(self, name: str) -> str | None:
        """Return the value of one header, by any spelling of its name, or None."""
        wanted = name.lower().encode()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value.decode("latin-1")
        return None


@dataclass(slots=True)
class Retry:
    """Hand the same request in again after `delay_ms`, with `held` as its member of that name."""

    delay_ms: int
    held: object | None = None


@dataclass(slots=True)
class Drop:
    """Drop the connection after `delay_ms` and send no answer.

    Attributes:
        manner: "reset" drops it rudely, "close" in order. "unconnected" lets the client find that it could not
            connect, which only a transport in the client's own process can do; over a socket it is a reset.
        delay_ms: How long to wait before.
        release: An account that stays busy until then (`Exchange.release`).
    """

    manner: Literal["reset", "close", "unconnected"]
    delay_ms: int = 0
    release: str | None = None


Reply: TypeAlias = RawResponse | Retry | Drop


def html_page(status: int, reason: str) -> bytes:
    """Return an HTML page as a gateway writes it, without JSON and without an error code.

    Args:
        status: The HTTP status.
        reason: The reason phrase of the status.
    """
    return (
        f"<html>\n<head><title>{status} {reason}</title></head>\n"
        f"<body>\n<center><h1>{status} {reason}</h1></center>\n</body>\n</html>\n"
    ).encode()
