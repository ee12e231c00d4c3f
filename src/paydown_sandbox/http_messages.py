"""Carry messages between a web server and the sandbox: raw bytes in, raw bytes out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

__all__ = ["Action", "RawRequest", "RawResponse", "html_page"]

# The actions of an answer:
# send: answer after `delay_ms`. reset, close: drop the connection, rudely or in order, without an answer.
# again: wait `delay_ms`, then hand the same request in again. truncate: send half of the body, then drop.
# unconnected: fail as if the client could not connect, which only a transport in its own process can do; over a
# socket it is a reset.
Action = Literal["send", "reset", "close", "again", "truncate", "unconnected"]


class RawRequest(NamedTuple):
    """One request as it arrived. Header names are lower case; nothing is decoded.

    `held` is the `RawResponse.held` of an answer that asked to be handed in again.
    """

    method: str
    path: str
    query: bytes
    headers: Iterable[tuple[bytes, bytes]]
    body: bytes
    client_ip: str
    held: object | None = None


class RawResponse:
    """One answer, and how it is to be delivered (`action`).

    `release` names an account that stays busy until the answer is out (`Exchange.release`).
    """

    __slots__ = ("action", "body", "delay_ms", "headers", "held", "release", "status")

    def __init__(
        self,
        status: int,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        action: Action = "send",
        delay_ms: int = 0,
        release: str | None = None,
        held: object | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.action: Action = action
        self.delay_ms = delay_ms
        self.release = release
        self.held = held

    def header(self, name: str) -> str | None:
        """Return the value of one header, by any spelling of its name, or None."""
        wanted = name.lower().encode()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value.decode("latin-1")
        return None


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
