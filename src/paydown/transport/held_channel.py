"""The channel of one client: opened when it is first needed, and kept for the next call.

Connections belong to the process that opened them, and those of asyncio to the event loop as well. A child made by
`fork` shares its parent's sockets, so two processes would read each other's answers: the child opens a channel of its
own, and leaves that of the parent alone. A transport of httpx that the user passed cannot be opened anew, so in a child
it is refused before anything is sent.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from paydown.transport.channel import NotSent

if TYPE_CHECKING:
    import asyncio
    import ssl

    import httpx

    from paydown.transport.channel import AsyncChannel, Channel
    from paydown.transport.pins import Pins

ChannelT = TypeVar("ChannelT")

_OF_THE_PARENT: Final = (
    "the transport's connections belong to the process that forked: make a client in this one"
)
_CLOSED: Final = "the client was closed meanwhile"

# The transports of httpx that are known to open connections.
_NETWORK_TRANSPORTS: Final = frozenset({"HTTPTransport", "AsyncHTTPTransport", "AiohttpTransport"})


def reaches_network(transport: object) -> bool:
    """Return whether requests go to the network: through our own connections, or a transport that has some."""
    return transport is None or any(
        base.__name__ in _NETWORK_TRANSPORTS and base.__module__.startswith("httpx")
        for base in type(transport).__mro__
    )


class HeldChannel:
    """The channel of a blocking client. Safe to use from several threads.

    Args:
        transport: A transport of httpx to send through; None means our own connections.
        proxy: URL of a proxy, or None.
        ssl_context: TLS settings; None verifies against the usual certificates.
        pins: The only keys that a server may have, or None.
    """

    def __init__(
        self,
        transport: httpx.BaseTransport | None,
        proxy: str | None,
        ssl_context: ssl.SSLContext | None,
        pins: Pins | None,
    ) -> None:
        self._transport = transport
        self._proxy = proxy
        self._ssl_context = ssl_context
        self._pins = pins
        self._opened: tuple[int, Channel] | None = None  # and the process that opened it
        self._lock = threading.Lock()
        self._closed = False

    def get(self) -> Channel:
        """Return the channel of this process.

        Raises:
            NotSent: It cannot be opened, or the client was closed.
        """
        opened = self._opened
        if opened is not None and opened[0] == os.getpid():
            return opened[1]
        with self._lock:
            if self._closed:
                raise NotSent(_CLOSED)
            opened = self._opened
            if opened is None or opened[0] != os.getpid():
                if opened is not None and self._transport is not None:
                    raise NotSent(_OF_THE_PARENT)
                opened = self._opened = (os.getpid(), _opened(self.open_new))
            return opened[1]

    def open_new(self) -> Channel:
        """Open a channel as the settings ask."""
        if self._transport is not None:
            from paydown.transport.httpx_adapter import HttpxChannel

            return HttpxChannel(self._transport)
        if self._proxy is not None:
            from paydown.transport.proxy import ProxyChannel

            return ProxyChannel(self._proxy, ssl_context=self._ssl_context, pins=self._pins)
        from paydown.transport.direct import DirectChannel

        return DirectChannel(ssl_context=self._ssl_context, pins=self._pins)

    def close(self) -> None:
        """Close the channel of this process, and open no other."""
        self._closed = True
        opened = self._opened
        if opened is not None and opened[0] != os.getpid():
            return  # the parent's: closing it here would take its answers away
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened[1].close()
        elif self._transport is not None:
            self._transport.close()


class AsyncHeldChannel:
    """The channel of an awaited client, for one event loop at a time.

    Args:
        transport: An async transport of httpx to send through; None means our own connections.
        proxy: URL of a proxy, or None.
        ssl_context: TLS settings; None verifies against the usual certificates.
        pins: The only keys that a server may have, or None.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None,
        proxy: str | None,
        ssl_context: ssl.SSLContext | None,
        pins: Pins | None,
    ) -> None:
        self._transport = transport
        self._proxy = proxy
        self._ssl_context = ssl_context
        self._pins = pins
        # The process and the event loop that opened the channel, and the channel.
        self._opened: tuple[int, asyncio.AbstractEventLoop, AsyncChannel] | None = None
        self._closed = False

    def get(self) -> AsyncChannel:
        """Return the channel of this process and event loop.

        Raises:
            NotSent: It cannot be opened, no event loop of asyncio runs, or the client was closed.
        """
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise NotSent(
                "AsyncClient needs a running event loop of asyncio; no other library's will do"
            ) from error
        opened = self._opened
        if opened is not None and opened[0] == os.getpid():
            # Connections that belong to another event loop are left to that loop.
            if opened[1] is loop or self._transport is not None:
                return opened[2]
        elif opened is not None and self._transport is not None:
            raise NotSent(_OF_THE_PARENT)
        if self._closed:
            raise NotSent(_CLOSED)
        channel = _opened(self.open_new)
        self._opened = os.getpid(), loop, channel
        return channel

    def open_new(self) -> AsyncChannel:
        """Open a channel as the settings ask."""
        if self._transport is not None:
            from paydown.transport.httpx_adapter import AsyncHttpxChannel

            return AsyncHttpxChannel(self._transport)
        if self._proxy is not None:
            from paydown.transport.proxy import AsyncProxyChannel

            return AsyncProxyChannel(self._proxy, ssl_context=self._ssl_context, pins=self._pins)
        from paydown.transport.direct_async import AsyncDirectChannel

        return AsyncDirectChannel(ssl_context=self._ssl_context, pins=self._pins)

    async def aclose(self) -> None:
        """Close the channel of this process and event loop, and open no other."""
        import asyncio

        self._closed = True
        opened, self._opened = self._opened, None
        if opened is None:
            if self._transport is not None:
                await self._transport.aclose()
        elif opened[0] == os.getpid() and (
            opened[1] is asyncio.get_running_loop() or self._transport is not None
        ):
            await opened[2].aclose()
        # A channel of the parent process stays open, because its answers would be lost; so does one of another event
        # loop, which alone can close it.


def _opened(open_new: Callable[[], ChannelT]) -> ChannelT:
    """Open a channel, and turn every failure into `NotSent`, since nothing was sent yet."""
    try:
        return open_new()
    except NotSent:
        raise
    except Exception as error:
        raise NotSent(f"connections could not be set up: {type(error).__name__}: {error}") from error
