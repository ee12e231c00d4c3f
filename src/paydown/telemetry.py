"""OpenTelemetry spans of calls, where a program asks for them: `Client(..., on_event=Spans())`.

    margin.repay_debt                               one span per call (internal)
    ├── GET /fapi/v1/time                           one per request (client), the clock's too
    └── POST /papi/v1/margin/repay-debt

Requests carry the attributes of the conventions for HTTP clients; the names of all other attributes begin with
`paydown.`. Neither holds a key, a signature, a query or a body: `url.full` ends before the query. A call that waits for
room or goes again has events of its span for that.

This module needs `pip install 'paydown[otel]'`, and nothing else of this package loads it: without spans nothing of
OpenTelemetry is imported.

Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from __future__ import annotations

import time
from typing import Final
from urllib.parse import urlsplit

from paydown._version import __version__
from paydown.events import Event

try:
    from opentelemetry import trace
except ImportError as error:
    raise ImportError("Spans need OpenTelemetry: pip install 'paydown[otel]'") from error

__all__ = ["Spans"]

_PORTS: Final = {"https": 443, "http": 80}
_CALL: Final = ("outcome", "weight", "tries", "attempt_id", "code", "waited_ms", "clock_ms", "paused_ms")
_REQUEST: Final = ("operation", "outcome", "weight", "used_weight", "attempt_id", "code")
_MOMENT: Final = ("outcome", "wait_s", "tries", "offset_ms")


class Spans:
    """A hook for `on_event` that makes spans. One may serve several clients, threads and tasks.

    A call's span is a child of the span that is current where the call is made.

    Args:
        tracer_provider: Who makes the spans. Default: the global one.
    """

    def __init__(self, tracer_provider: trace.TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("paydown", __version__, tracer_provider)
        self._calls: dict[int, trace.Span] = {}

    def __call__(self, event: Event) -> None:
        """Start, extend or end the span of a call, as one event of the client asks."""
        if event.call is None:
            return
        if event.name == "begun":
            self._calls[event.call] = self._tracer.start_span(
                event.operation, attributes={"paydown.operation": event.operation}
            )
            return
        call = self._calls.get(event.call)
        if call is None:
            return  # the call began before this hook was set
        if event.name == "ended":
            del self._calls[event.call]
            self._end(call, event)
        elif event.name == "answered":
            self._request(call, event)
        else:
            call.add_event(event.name, _facts(event, _MOMENT))

    def _end(self, call: trace.Span, event: Event) -> None:
        call.set_attributes(_facts(event, _CALL))
        if event.status is not None:
            call.set_attribute("http.response.status_code", event.status)
        if event.outcome != "done":
            call.set_attribute("error.type", event.error)
            call.set_status(trace.StatusCode.ERROR, event.outcome)
        call.end()

    def _request(self, call: trace.Span, event: Event) -> None:
        now_ns = time.time_ns()
        parts = urlsplit(event.url)
        attributes = _facts(event, _REQUEST) | {
            "http.request.method": event.method,
            "url.full": event.url,
            "server.address": parts.hostname or "",
            "server.port": parts.port or _PORTS.get(parts.scheme, 0),
        }
        if event.tries is not None and event.tries > 1:
            attributes["http.request.resend_count"] = event.tries - 1
        failed = ""
        if event.status is None:
            failed = event.outcome
        else:
            attributes["http.response.status_code"] = event.status
            if event.status >= 400:
                failed = str(event.status)
        if failed:
            attributes["error.type"] = failed
        request = self._tracer.start_span(
            f"{event.method} {parts.path}",
            context=trace.set_span_in_context(call),
            kind=trace.SpanKind.CLIENT,
            attributes=attributes,
            start_time=now_ns - int((event.elapsed_ms or 0) * 1_000_000),
        )
        if failed:
            request.set_status(trace.StatusCode.ERROR)
        request.end(now_ns)


def _facts(event: Event, names: tuple[str, ...]) -> dict[str, str | int | float]:
    """Return some of an event's facts as attributes."""
    found = {f"paydown.{name}": getattr(event, name) for name in names}
    return {name: value for name, value in found.items() if value not in (None, "")}
