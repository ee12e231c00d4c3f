"""
Speaks to an ASGI application in process, byte for byte: nothing is decoded, normalised or repaired on the
way.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from paydown_contract.requests.raw_request import Request

Asgi = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]],
    Awaitable[None],
]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it left the application."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The only value of a header, or None; two values are a failure of their own."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} was sent {len(values)} times"
        return values[0] if values else None

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> int | None:
        """The error code, if the body is a JSON error."""
        try:
            content = json.loads(self.body)
        except ValueError:
            return None
        code = content.get("code") if isinstance(content, dict) else None
        return code if isinstance(code, int) and not isinstance(code, bool) else None


class AnswerLost(Exception):
    """The application dropped the connection."""


class Socket:
    """One websocket of the application: what it sent, and why it ended."""

    def __init__(self, server: "AsgiServer", path: str, query: bytes) -> None:
        self._server = server
        self._incoming: asyncio.Queue[Any] = asyncio.Queue()
        self._incoming.put_nowait({"type": "websocket.connect"})
        self.messages: list[Any] = []
        self.accepted = False
        self.closed = False
        scope: MutableMapping[str, Any] = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": path,
            "raw_path": path.encode("latin-1"),
            "query_string": query,
            "root_path": "",
            "headers": [],
            "client": (server.client_ip, 50000),
            "server": ("sandbox", 80),
            "subprotocols": [],
            "state": {},
        }

        async def send(message: Any) -> None:
            self.accepted |= message["type"] == "websocket.accept"
            self.closed |= message["type"] == "websocket.close"
            if message["type"] == "websocket.send":
                self.messages.append(json.loads(message["text"]))

        async def serve() -> None:
            await server.app(scope, self._incoming.get, send)

        self._task = server.loop.create_task(serve())
        server.settle()

    def send(self, content: Any) -> Any:
        """Send one message, JSON unless it is text, and return the answer."""
        text = content if isinstance(content, str) else json.dumps(content)
        self._incoming.put_nowait({"type": "websocket.receive", "text": text})
        self._server.settle()
        return self.messages.pop()

    def take(self) -> list[Any]:
        """The messages since the last look."""
        self._server.settle()
        taken, self.messages = self.messages, []
        return taken

    def close(self) -> None:
        """Hang up."""
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        self._server.settle()


class AsgiServer:
    """One application on one event loop of its own."""

    def __init__(self, app: Asgi, client_ip: str = "127.0.0.1") -> None:
        self.app = app
        self.client_ip = client_ip
        self.loop = asyncio.new_event_loop()

    def close(self) -> None:
        """Close the event loop, and what still runs on it."""
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.loop.close()

    def settle(self) -> None:
        """Let everything happen that waits for nothing but its turn."""

        async def turns() -> None:
            for _ in range(20):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())

    def listen(self, path: str, query: bytes = b"") -> Socket:
        """Open a websocket."""
        return Socket(self, path, query)

    def send(
        self, request: Request, *, ip: str | None = None, parts: Sequence[bytes] | None = None
    ) -> Answer:
        """Hand over one request and wait for its answer. `parts` are those of its body; it comes whole without them.

        Raises:
            AnswerLost: the application ended the connection instead of answering.
        """
        return self.loop.run_until_complete(self.answer(request, parts, ip))

    async def answer(
        self, request: Request, parts: Sequence[bytes] | None = None, ip: str | None = None
    ) -> Answer:
        """The same for a coroutine."""
        sent: list[MutableMapping[str, Any]] = []
        parts = parts or [request.body]
        incoming: list[MutableMapping[str, Any]] = [
            {"type": "http.request", "body": part, "more_body": number < len(parts)}
            for number, part in enumerate(parts, 1)
        ]

        async def receive() -> Any:
            return incoming.pop(0) if incoming else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope: MutableMapping[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(request.path),
            "raw_path": request.path.encode("latin-1"),
            "query_string": request.query,
            "root_path": "",
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in (("host", "sandbox"), *request.headers)
            ],
            "client": (ip or self.client_ip, 50000),
            "server": ("sandbox", 80),
            "state": {},
        }
        try:
            await self.app(scope, receive, send)
        except ConnectionError as error:
            raise AnswerLost(str(error)) from error
        if not sent:
            raise AnswerLost("the application sent nothing")
        start = sent[0]
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
        return Answer(start["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))
