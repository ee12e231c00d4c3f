"""The types of a channel: a finished request, its answer, and the two errors of sending.

A channel sends one request exactly once: through `direct` or `direct_async`, through a proxy (`proxy`), or through a
transport of httpx (`httpx_adapter`). This module loads none of them, so that a client can be built before one is
needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from paydown.transport.address import Address


class NotSent(Exception):
    """Nothing was written. `str()` is the reason, without addresses of the request."""


class Lost(Exception):
    """Something may have been written, and no complete answer came. `str()` is the reason."""


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
    # `repr` leaves out these three fields, which hold key and signature.
    target: str = field(repr=False)
    headers: list[tuple[bytes, bytes]] = field(repr=False)
    body: bytes = field(repr=False)
    connect_timeout_s: float
    answer_timeout_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete HTTP answer.

    Attributes:
        status: HTTP status.
        headers: Lower-case names; a name that came twice has its values joined by ", ".
        body: The whole body, content encoding removed.
    """

    status: int
    # `repr` leaves out both fields: a gateway may repeat the request in them, key and signature included.
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def timeouts(outgoing: Outgoing) -> dict[str, float]:
    """Return the time limits of a request, as httpcore and httpx take them."""
    return {
        "connect": outgoing.connect_timeout_s,
        "pool": outgoing.connect_timeout_s,
        "read": outgoing.answer_timeout_s,
        "write": outgoing.answer_timeout_s,
    }


class Channel(Protocol):
    """Sends one request and returns its answer. Blocking; safe to use from several threads."""

    def exchange(self, outgoing: Outgoing) -> Answer:
        """Send a request once. Raises NotSent or Lost.

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
        """Send a request once. Raises NotSent or Lost."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


def reason(error: BaseException) -> str:
    """Return an exception as a short reason: its class, and its text, which holds no part of the request."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return f"{name}: {text[:200]}" if text else name
