"""Counts what leaves the client and what reaches the exchange, and which targets that touches.

One meter for each process. It holds plain counters, so that a worker can hand it over; switched off it costs one
comparison per request.
"""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from paydown_contract.document import Document, Operation
from paydown_contract.requests import percent_encoding as wire
from paydown_contract.requests.raw_request import Request
from paydown_contract.rules.allowed_answers import ABOUT_FORM
from paydown_contract.rules.answer_body import error_code_of
from tests.contract.report.targets import CLIENT, EXCHANGE, read_members, touched

Message = MutableMapping[str, Any]
Asgi = Callable[
    [Message, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]],
    Awaitable[None],
]


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One request with its answer."""

    side: str
    request: Request
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(slots=True)
class Meter:
    """What one process has seen."""

    document: Document | None = None  # None: switched off
    layer: str = ""
    last: Exchanged | None = None
    # "side|operation|layer|2xx", and the same with refused
    requests: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)  # "side|operation|target"
    _form: frozenset[int] = frozenset()

    def start(self, document: Document) -> None:
        """Begin to count."""
        self.document = document
        self._form = document.codes_named(*ABOUT_FORM)

    def enter(self, layer: str) -> None:
        """A test of `layer` begins."""
        self.layer = layer
        self.last = None

    def dump(self) -> dict[str, dict[str, int]]:
        """Everything counted, as plain data."""
        return {"requests": dict(self.requests), "hits": dict(self.hits)}

    def add(self, dumped: Mapping[str, Mapping[str, int]]) -> None:
        """Add what another process has counted."""
        self.requests.update(dumped["requests"])
        self.hits.update(dumped["hits"])

    def note(self, side: str, request: Request, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Count one request with its answer."""
        if self.document is None:
            return
        operation = self.document.operation(request.method, request.path)
        if operation is None:
            return
        self.last = Exchanged(side, request, status, tuple(headers.items()), body)
        outcome = "2xx" if 200 <= status < 300 else "refused"
        self.requests[f"{side}|{operation.id}|{self.layer}|{outcome}"] += 1
        begin = f"{side}|{operation.id}|"
        for target in self._request(operation, side, request, status, error_code_of(body)):
            self.hits[begin + target] += 1
        for target in _answer(operation, status, headers, body):
            self.hits[begin + target] += 1

    def _request(
        self, operation: Operation, side: str, request: Request, status: int, code: int | None
    ) -> set[str]:
        """Targets of the parameters: right ones count if they passed the form, wrong ones if they were refused."""
        passed = side == CLIENT or 200 <= status < 300 or code not in self._form
        refused = 400 <= status < 500
        sent = {
            pair.name: pair.value
            for text in (wire.split(request.body), wire.split(request.query))
            for pair in text.pairs
        }
        found: set[str] = set()
        for item in operation.fields:
            text = sent.get(item.name)
            if text is None:
                if item.required and refused:
                    found.add(f"{item.name}.required: missing")
                elif not item.required and passed:
                    found.add(f"{item.name}.absent")
                continue
            names, right = touched(operation, item, text)
            if (right and passed) or (not right and refused):
                found.add(f"{item.name}.present")
                found.update(names)
        return found


def _answer(operation: Operation, status: int, headers: Mapping[str, str], body: bytes) -> set[str]:
    """Targets of an answer."""
    described = str(status) if str(status) in operation.responses else f"{status // 100}XX"
    found = {f"answers {described}"}
    code = error_code_of(body)
    if code is not None:
        found |= {f"code {code}"} | ({f"code {-code}"} if abs(code) >= 51_000 else set())
    if status == 200:
        found.update(f"200.headers.{name}" for name in _documented(operation, headers))
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            return found
        found.update(read_members("200", operation.success_schema(), content))
    return found


def _documented(operation: Operation, headers: Mapping[str, str]) -> list[str]:
    present = {name.lower() for name in headers}
    return [name for name in operation.responses["200"].get("headers", {}) if name.lower() in present]


METER = Meter()


class Watched:
    """An ASGI application whose exchanges are counted."""

    def __init__(self, app: Asgi) -> None:
        self.app = app

    def __getattr__(self, name: str) -> Any:
        return getattr(self.app, name)

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Pass everything through, and count it at the end."""
        if METER.document is None or scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        incoming: list[bytes] = []
        outgoing: list[Message] = []

        async def hear() -> Any:
            message = await receive()
            incoming.append(message.get("body", b""))
            return message

        async def say(message: Any) -> None:
            outgoing.append(message)
            await send(message)

        await self.app(scope, hear, say)
        if not outgoing:
            return
        request = Request(
            scope["method"],
            scope["raw_path"].decode("latin-1") if scope.get("raw_path") else scope["path"],
            scope["query_string"],
            tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
            b"".join(incoming),
        )
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in outgoing[0].get("headers", [])
        }
        body = b"".join(message.get("body", b"") for message in outgoing[1:])
        METER.note(EXCHANGE, request, outgoing[0]["status"], headers, body)
