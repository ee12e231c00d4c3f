"""Serve the user data stream over websockets, as an ASGI application.

    /pm/ws/<listenKey>  and  /ws/<listenKey>    events of that key, bare
    /pm/stream          and  /stream            SUBSCRIBE to keys by message; events come in an envelope,
                                                {"stream": <listenKey>, "data": <event>}

A connection lives at most 24 hours. uvicorn pings every 3 minutes and gives up after 10 without a
pong. An unknown key is answered with HTTP 404 before the handshake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast
from urllib.parse import parse_qs

from paydown_sandbox.books.listen_keys import Event
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.json_text import encode
from paydown_sandbox.state.strict_json import StateError, parse_json

__all__ = ["StreamServer"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# A client that reads nothing is dropped when so much waits for it.
_MOST_WAITING = 10_000
_MOST_WAITING_CHARS = 4_194_304
_MOST_STREAMS = 200
_TICK_S = 0.2


class _Connection:
    """One websocket: the listen keys that it follows, and the events that wait to be sent."""

    def __init__(self, exchange: Exchange, *, enveloped: bool) -> None:
        self.exchange = exchange
        self.enveloped = enveloped
        self.keys: list[str] = []
        self.waiting: asyncio.Queue[str | None] = asyncio.Queue()
        self.waiting_chars = 0
        self.overflow = asyncio.Event()

    def on_event(self, key: str, event: Event) -> None:
        """Queue an event for sending."""
        self.put(encode({"stream": key, "data": event} if self.enveloped else event))

    def put(self, text: str) -> None:
        """Queue a text for sending, or drop a client that does not read."""
        if self.waiting.qsize() >= _MOST_WAITING or self.waiting_chars > _MOST_WAITING_CHARS:
            self.overflow.set()
            return
        self.waiting_chars += len(text)
        self.waiting.put_nowait(text)

    def follow(self, key: str) -> bool:
        """Subscribe to a listen key; return False if that is impossible."""
        if key in self.keys:
            return True
        if len(self.keys) >= _MOST_STREAMS or not self.exchange.streams.subscribe(key, self.on_event):
            return False
        self.keys.append(key)
        return True

    def leave(self, key: str) -> None:
        """Unsubscribe from a listen key."""
        if key in self.keys:
            self.keys.remove(key)
            self.exchange.streams.unsubscribe(key, self.on_event)

    def drop(self) -> None:
        """Close the connection after the events that wait."""
        self.waiting.put_nowait(None)

    def close(self) -> None:
        """Unsubscribe from every listen key."""
        for key in list(self.keys):
            self.leave(key)

    def answer(self, text: str) -> str:
        """Carry out a message of the client, and return the answer."""
        try:
            message = parse_json(text.encode())
        except StateError:
            return encode({"code": 3, "msg": "Invalid JSON: expected value"})
        if not isinstance(message, dict):
            return encode({"code": 2, "msg": "Invalid request: a JSON object is needed"})
        request = cast(dict[str, object], message)
        request_id = request.get("id")
        # The id is sent back to the client, so it must be small and flat.
        if not isinstance(request_id, (int, str, type(None))):
            return encode({"code": 2, "msg": "Invalid request: the id is a number or a text"})
        params = request.get("params", [])
        names: list[str] = []
        if isinstance(params, list):
            names = [name for name in cast(list[object], params) if isinstance(name, str)]
        match request.get("method"):
            case "SUBSCRIBE":
                for name in names:
                    self.follow(name)
            case "UNSUBSCRIBE":
                for name in names:
                    self.leave(name)
            case "LIST_SUBSCRIPTIONS":
                return encode({"result": self.keys, "id": request_id})
            case _:
                return encode({"code": 2, "msg": "Invalid request: unknown method", "id": request_id})
        return encode({"result": None, "id": request_id})


class StreamServer:
    """Serve websockets and remember them, so that they can be dropped on request.

    Args:
        exchange: The sandbox whose events are sent.
        on_tick: Called whenever something may have fallen due; stores and delivers it.
        lifetime_s: How long one connection may last, seconds.
    """

    def __init__(self, exchange: Exchange, on_tick: Callable[[], None], lifetime_s: float = 86_400.0) -> None:
        self.exchange = exchange
        self.on_tick = on_tick
        self.lifetime_s = lifetime_s
        self._open: set[_Connection] = set()
        self._ticking: asyncio.Task[None] | None = None

    async def _tick(self) -> None:
        """While a websocket is open, let due events happen without a request."""
        while self._open:
            await asyncio.sleep(_TICK_S)
            self.exchange.advance_to_now()
            self.on_tick()

    def drop_all(self) -> int:
        """Close every connection, as a maintenance of Binance would; return how many there were."""
        for connection in self._open:
            connection.drop()
        return len(self._open)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one websocket."""
        await receive()  # the message websocket.connect, which opens the connection
        connection = self._connect(scope)
        if connection is None:
            await _deny(scope, send)
            return
        self._open.add(connection)
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.create_task(self._tick())
        await send({"type": "websocket.accept"})
        listening = asyncio.create_task(self._answer_messages(connection, receive))
        sending = asyncio.create_task(self._send_events(connection, send))
        full = asyncio.create_task(connection.overflow.wait())
        try:
            # A client that does not read would not read a closing message either, so returning ends the connection.
            await asyncio.wait({listening, full}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (listening, sending, full):
                task.cancel()
            await asyncio.gather(listening, sending, full, return_exceptions=True)
            connection.close()
            self._open.discard(connection)

    async def _answer_messages(self, connection: _Connection, receive: Receive) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            if isinstance(text, str):
                connection.put(connection.answer(text))

    def _connect(self, scope: Scope) -> _Connection | None:
        path = str(scope["path"]).removeprefix("/pm")
        if path.startswith("/ws/"):
            connection = _Connection(self.exchange, enveloped=False)
            return connection if connection.follow(path.removeprefix("/ws/")) else None
        if path == "/stream":
            connection = _Connection(self.exchange, enveloped=True)
            query = parse_qs(scope["query_string"].decode("latin-1"))
            for key in "/".join(query.get("streams", [])).split("/"):
                if key:
                    connection.follow(key)
            return connection
        return None

    async def _send_events(self, connection: _Connection, send: Send) -> None:
        try:
            async with asyncio.timeout(self.lifetime_s):
                while (text := await connection.waiting.get()) is not None:
                    connection.waiting_chars -= len(text)
                    await send({"type": "websocket.send", "text": text})
        except TimeoutError:
            pass
        await send({"type": "websocket.close", "code": 1001})


async def _deny(scope: Scope, send: Send) -> None:
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})
    else:
        await send({"type": "websocket.close", "code": 1008})
