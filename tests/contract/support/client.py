"""
The client under test, everything around it replaced by things that record: transport, clock, budget, sleep.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import httpx

from paydown import AsyncClient, Client, Credentials
from paydown.budget.protocol import BudgetUse, Priority, Reservation, Weight
from paydown_contract.document import Operation
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key, RsaNumbers
from tests.contract.report.meter import METER
from tests.contract.report.targets import CLIENT
from tests.contract.support.exchange import NOW_MS

Reply = tuple[int, Mapping[str, str], bytes]
Responder = Callable[[Request], Reply]

BASE_URL: Final = "http://exchange.test"


class Clock:
    """Stands at the moment of the published samples, and goes one millisecond on with every look."""

    def __init__(self, now_ms: int = NOW_MS, step_ms: int = 0) -> None:
        self.now = now_ms
        self.step_ms = step_ms

    def now_ms(self) -> int:
        """Now, UTC ms."""
        self.now += self.step_ms
        return self.now


class OpenBudget:
    """A budget that always has room, and notes what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[Weight, ...]] = []
        self.released: list[tuple[str, Mapping[str, int]]] = []
        self.gates: list[tuple[int, str]] = []

    def acquire(
        self, weights: Sequence[Weight], *, timeout_ms: int, priority: Priority = Priority.READ, **_: object
    ) -> Reservation:
        """Room, always."""
        self.asked.append(tuple(weights))
        return Reservation(len(self.asked), weights, priority, 0, 2**62, [(0, 0)] * len(weights))

    def may_send(self, reservation: Reservation) -> bool:
        """Always."""
        return reservation.open

    def release(
        self, reservation: Reservation, *, ended: str = "answered", used: Mapping[str, int] | None = None
    ) -> None:
        """Note how a call ended."""
        if reservation.open:
            reservation.open = False
            self.released.append((ended, dict(used or {})))

    def close_gate(self, wait_ms: int, reason: str) -> None:
        """Note a pause without waiting."""
        self.gates.append((wait_ms, reason))

    def leave(self, place: int) -> None:
        """Nobody queues."""

    def snapshot(self) -> BudgetUse:
        """Nothing is counted."""
        return BudgetUse((), 0, None, 0)

    def close(self) -> None:
        """Nothing is open."""


class Capture(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """
    A transport that keeps the raw bytes of each request: its stream, which is what is sent, not its
    `content`.
    """

    def __init__(self, responder: Responder) -> None:
        self.responder = responder
        self.requests: list[Request] = []
        self.raw: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Keep and answer one request."""
        assert isinstance(request.stream, httpx.SyncByteStream)
        return self._answer(request, b"".join(request.stream))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Keep and answer one request."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        return self._answer(request, b"".join([part async for part in request.stream]))

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        path, _, query = request.url.raw_path.partition(b"?")
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw
        )
        captured = Request(request.method, path.decode("latin-1"), query, headers, body)
        self.requests.append(captured)
        self.raw.append(request)
        status, answer_headers, content = self.responder(captured)
        METER.note(CLIENT, captured, status, answer_headers, content)
        return httpx.Response(status, headers=dict(answer_headers), content=content)


def reply(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8")
    return status, {"content-type": "application/json;charset=UTF-8", **(headers or {})}, body


def credentials(key: Key) -> Credentials:
    """The client's credentials for one of the test keys."""
    if isinstance(key.secret, RsaNumbers):
        return Credentials.rsa(key.api_key, key.pem())
    if key.kind == "ed25519":
        return Credentials.ed25519(key.api_key, key.pem())
    return Credentials.hmac(key.api_key, key.secret.decode("ascii"))


class Bench:
    """One client with its surroundings."""

    def __init__(
        self,
        key: Key | Credentials | None,
        responder: Responder,
        *,
        base_url: str | None = BASE_URL,
        step_ms: int = 0,
    ) -> None:
        self.clock = Clock(step_ms=step_ms)
        self.budget = OpenBudget()
        self.capture = Capture(responder)
        self.slept: list[float] = []
        self.base_url = base_url
        self.credentials = credentials(key) if isinstance(key, Key) else key
        self.client = self.make()

    def make(self) -> Client:
        """Another client around the same transport."""
        return Client(
            self.credentials,
            base_url=self.base_url,
            transport=self.capture,
            clock=self.clock,
            budget=self.budget,
            sleep=self.slept.append,
        )

    def make_async(self) -> AsyncClient:
        """The awaited client around the same transport."""

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        return AsyncClient(
            self.credentials,
            base_url=self.base_url,
            transport=self.capture,
            clock=self.clock,
            budget=self.budget,
            sleep=sleep,
        )


def confirming(operation: Operation, texts: Mapping[str, str]) -> Any:
    """
    A documented 200 body that confirms a call with these texts: the sample, with the success rules
    fulfilled.
    """
    examples = [
        example["value"]
        for example in operation.responses["200"]["content"]["application/json"]["examples"].values()
    ]
    schema = operation.success_schema()
    if "oneOf" in schema and operation.facts.get("x-polymorphic-by"):
        wanted = dict if operation.facts["x-polymorphic-by"] in texts else list
        examples = [example for example in examples if isinstance(example, wanted)]
    content = json.loads(json.dumps(examples[0]))
    for rule in operation.facts.get("x-success", []):
        if "equals" in rule:
            content[rule["field"]] = rule["equals"]
        elif "equals-argument" in rule:
            content[rule["field"]] = texts.get(rule["equals-argument"], content.get(rule["field"]))
        elif rule["field"] not in content:
            content[rule["field"]] = {"integer": 1, "string": "x", "boolean": True}[rule["type"]]
    return content
