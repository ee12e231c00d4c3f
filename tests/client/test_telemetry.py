"""Spans: what they say, what they never say, and that nobody pays for them who did not ask."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from paydown import PaydownError
from paydown.clock import ExchangeClock
from paydown.telemetry import Spans
from paydown_wire.operations import SERVER_TIME
from tests.client.support.kit import (
    API_KEY,
    NOW_MS,
    SECRET,
    Exchange,
    Time,
    answer,
    async_client,
    client,
    credentials,
    repaid,
)

LISTED = httpx.Response(200, json=[], headers={"X-MBX-USED-WEIGHT-1M": "21"})


class Recorder:
    """An in-memory exporter, and calls that are recorded by it."""

    def __init__(self, colour: str) -> None:
        self.colour = colour
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.spans = Spans(self.provider)
        self.exchange: Exchange | None = None

    def call(self, *script: Any, repay: bool = True, **settings: Any) -> None:
        """Make one call; its error, if any, is somebody else's test."""
        self.exchange = Exchange(*script)
        settings = {"on_event": self.spans, **settings}
        with contextlib.suppress(PaydownError):
            if self.colour == "blocking":
                pm = client(self.exchange, **settings)
                pm.margin.repay_debt(asset="BNB", amount="0.1") if repay else pm.account.balance()
            else:
                asyncio.run(self._awaited(repay, settings))

    async def _awaited(self, repay: bool, settings: dict[str, Any]) -> None:
        assert self.exchange is not None
        pm = async_client(self.exchange, **settings)
        await (pm.margin.repay_debt(asset="BNB", amount="0.1") if repay else pm.account.balance())

    @property
    def finished(self) -> list[ReadableSpan]:
        """Children first, in the order in which they ended."""
        return list(self.exporter.get_finished_spans())


@pytest.fixture(params=["blocking", "awaited"])
def recorder(request) -> Iterator[Recorder]:
    """Both clients."""
    made = Recorder(request.param)
    yield made
    made.provider.shutdown()


def facts(span: ReadableSpan) -> dict[str, object]:
    """A span's attributes."""
    return dict(span.attributes or {})


def test_a_repayment_is_a_call_with_one_request(recorder):
    """The request is a child of the call and says what the conventions for HTTP clients ask for."""
    recorder.call(repaid())

    request, call = recorder.finished
    assert (call.name, call.kind) == ("margin.repay_debt", SpanKind.INTERNAL)
    assert (request.name, request.kind) == ("POST /papi/v1/margin/repay-debt", SpanKind.CLIENT)
    assert request.parent is not None
    assert call.context is not None
    assert request.parent.span_id == call.context.span_id
    attempt = facts(call).pop("paydown.attempt_id")
    assert facts(request) == {
        "http.request.method": "POST",
        "url.full": "https://papi.binance.com/papi/v1/margin/repay-debt",
        "server.address": "papi.binance.com",
        "server.port": 443,
        "http.response.status_code": 200,
        "paydown.operation": "margin.repay_debt",
        "paydown.outcome": "done",
        "paydown.weight": 3000,
        "paydown.attempt_id": attempt,
    }
    assert facts(call) == {
        "paydown.operation": "margin.repay_debt",
        "paydown.outcome": "done",
        "paydown.weight": 3000,
        "paydown.tries": 1,
        "paydown.attempt_id": attempt,
        "paydown.waited_ms": 0,
        "paydown.clock_ms": 0,
        "paydown.paused_ms": 0,
    }
    assert call.status.status_code is request.status.status_code is StatusCode.UNSET


def test_a_refusal_shows_status_and_code(recorder):
    """Both spans are errors; the call's names the class that was raised."""
    recorder.call(answer(400, -1102, "Mandatory parameter"))

    request, call = recorder.finished
    assert facts(request)["error.type"] == "400"
    assert facts(request)["paydown.code"] == facts(call)["paydown.code"] == -1102
    assert facts(request)["http.response.status_code"] == facts(call)["http.response.status_code"] == 400
    assert facts(call)["error.type"] == "RequestRejected"
    assert facts(call)["paydown.outcome"] == "rejected"
    assert call.status.status_code is request.status.status_code is StatusCode.ERROR


def test_an_unknown_outcome_names_its_attempt(recorder):
    """Whoever looks at the trace finds what to settle."""
    recorder.call(httpx.ReadTimeout("slow"))

    request, call = recorder.finished
    assert facts(request)["error.type"] == "lost"
    assert facts(call)["paydown.outcome"] == "unknown"
    assert facts(call)["error.type"] == "OutcomeUnknown"
    assert facts(call)["paydown.attempt_id"]
    assert [event.name for event in call.events] == ["unresolved"]


def test_a_repeated_read_has_a_request_for_each_try(recorder):
    """The second one says that it is a repetition, and the pause between them is told."""
    recorder.call(httpx.ReadError("reset"), LISTED, repay=False)

    first, second, call = recorder.finished
    assert "http.request.resend_count" not in facts(first)
    assert facts(second)["http.request.resend_count"] == 1
    assert facts(second)["paydown.used_weight"] == 21
    assert facts(call)["paydown.tries"] == 2
    assert facts(call)["paydown.paused_ms"] > 0
    assert [event.name for event in call.events] == ["repeating"]
    assert call.status.status_code is StatusCode.UNSET


def test_asking_for_the_time_is_a_request_of_the_call_that_needed_it(recorder):
    """It costs time and weight, so it is seen."""
    time = Time()
    clock = ExchangeClock([f"https://papi.binance.com{SERVER_TIME.path}"], ticks=time.ticks, wall=time.now_ms)
    recorder.call(
        lambda request: (
            httpx.Response(200, json={"serverTime": NOW_MS})
            if request.url.path == SERVER_TIME.path
            else repaid()
        ),
        time=time,
        clock=clock,
    )

    asked, request, call = recorder.finished
    assert asked.name == "GET /papi/v1/time"
    assert facts(asked)["paydown.operation"] == "market.time"
    assert request.parent is not None
    assert asked.parent == request.parent
    assert [event.name for event in call.events] == ["synced"]


def test_a_call_belongs_to_the_span_around_it(recorder):
    """A plan's span holds its repayments."""
    with recorder.provider.get_tracer("test").start_as_current_span("plan") as plan:
        recorder.call(repaid())

    request, call, outer = recorder.finished
    assert outer.name == "plan"
    assert call.parent is not None
    assert call.parent.span_id == plan.get_span_context().span_id
    assert request.start_time is not None
    assert call.start_time is not None
    assert request.end_time is not None
    assert call.end_time is not None
    assert request.start_time <= request.end_time <= call.end_time


@pytest.mark.parametrize("step", [repaid(), answer(400, -1102, "x"), httpx.ReadTimeout("slow"), LISTED])
@pytest.mark.parametrize("repay", [True, False])
def test_no_span_holds_a_secret(recorder, step, repay):
    """Neither key nor signature, query nor body, whatever the outcome."""
    recorder.call(step, repay=repay)

    assert recorder.exchange is not None
    request = recorder.exchange.requests[0]
    sent = request.content.decode() or request.url.query.decode()
    shown = " ".join(span.to_json() for span in recorder.finished)
    assert recorder.finished
    for secret in (SECRET, API_KEY, credentials().api_key, sent.rpartition("signature=")[2]):
        assert secret not in shown
    for word in ("signature", "timestamp=", "recvWindow", "asset=", "?"):
        assert word not in shown


def test_tasks_side_by_side_keep_their_requests_apart():
    """Twenty calls at once on one hook: each request is under its own call."""
    recorder = Recorder("awaited")

    async def scenario() -> None:
        async with async_client(Exchange(LISTED), on_event=recorder.spans) as pm:
            await asyncio.gather(*(pm.account.balance() for _ in range(20)))

    asyncio.run(scenario())

    calls = {span.context.span_id for span in recorder.finished if span.context and span.parent is None}
    parents = [span.parent.span_id for span in recorder.finished if span.parent is not None]
    assert len(calls) == 20
    assert sorted(parents) == sorted(calls)


def test_nobody_loads_opentelemetry_who_did_not_ask():
    """A call, a read and a hook: nothing of it is imported."""
    program = (
        "import sys, httpx; from paydown import Client, Credentials\n"
        "pm = Client(Credentials.hmac('k', 's'), transport=httpx.MockTransport("
        "lambda request: httpx.Response(200, json={'serverTime': 1})), on_event=print)\n"
        "pm.market.time()\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ran.returncode == 0, ran.stderr


def test_without_opentelemetry_the_module_says_what_to_install():
    """The extra has a name."""
    program = "import sys; sys.modules['opentelemetry'] = None; import paydown.telemetry"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert "pip install 'paydown[otel]'" in ran.stderr
