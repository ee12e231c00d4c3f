"""Route the control API under /_sandbox/, which reads and changes the sandbox, all in JSON.

    GET|PUT     /_sandbox/state      the state document; PUT replaces it and forgets everything else
    GET         /_sandbox/ledger     what was executed
    GET|DELETE  /_sandbox/requests   what arrived, and what was decided about it
    GET|POST|DELETE /_sandbox/faults what goes wrong on purpose
    GET|POST    /_sandbox/clock      the sandbox's time
    GET|POST    /_sandbox/prices     index prices, USD per unit
    POST        /_sandbox/balances   one position of one account, without replacing the world
    GET|POST    /_sandbox/scenarios  faults that play out over time, by name or as a document
    DELETE      /_sandbox/streams    drop every websocket
    GET         /_sandbox/options    every option, and its value
    GET         /_sandbox/unknowns   "What this double does not know", Markdown
    GET         /_sandbox/openapi.json   this API as an OpenAPI document

Errors are `{"error": {"path": ..., "reason": ...}}` with status 400, and nothing was changed. With 507 the disk
took no more: the change is lost, and the sandbox stops.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from paydown_sandbox.exchange import Exchange
from paydown_sandbox.serving.committer import Committer
from paydown_sandbox.serving.control.clock_endpoints import ClockEndpoints
from paydown_sandbox.serving.control.control_requests import (
    LARGEST_CONTROL_BODY,
    BodyTooLarge,
    RequestBodies,
    TooMuchAtOnce,
)
from paydown_sandbox.serving.control.fault_endpoints import FaultEndpoints
from paydown_sandbox.serving.control.log_endpoints import LogEndpoints
from paydown_sandbox.serving.control.reference_endpoints import ReferenceEndpoints
from paydown_sandbox.serving.control.world_endpoints import WorldEndpoints
from paydown_sandbox.serving.store import StoreError
from paydown_sandbox.serving.websocket import StreamServer
from paydown_sandbox.state.strict_json import StateError

__all__ = ["control_application"]

Endpoint = Callable[[Request], Awaitable[Response]]


def _error(path: str, reason: str, status: int = 400) -> JSONResponse:
    shown = path.encode(errors="backslashreplace").decode()  # names from the request may hold any character
    return JSONResponse({"error": {"path": shown, "reason": reason}}, status_code=status)


_QUERIES: dict[tuple[str, str], tuple[str, ...]] = {
    ("ledger", "GET"): ("after", "limit", "account"),
    ("requests", "GET"): ("after", "limit", "method", "path", "operation"),
    ("faults", "DELETE"): ("id",),
}


def control_application(exchange: Exchange, committer: Committer, streams: StreamServer) -> Starlette:
    """Return the Starlette application that serves /_sandbox/.

    Args:
        exchange: The sandbox that is read and changed.
        committer: Makes changes last in the file of `--data`.
        streams: The websockets, which can be dropped.
    """
    bodies, durable = RequestBodies(), committer.durable
    world = WorldEndpoints(exchange, bodies, durable)
    clock = ClockEndpoints(exchange, bodies, durable)
    faults = FaultEndpoints(exchange, bodies, durable)
    logs = LogEndpoints(exchange, durable)
    reference = ReferenceEndpoints(exchange)

    async def delete_streams(request: Request) -> Response:
        return JSONResponse({"dropped": streams.drop_all()})

    def route(path: str, **endpoints: Endpoint) -> Route:
        async def serve(request: Request) -> Response:
            try:
                known = _QUERIES.get((path, request.method), ())
                for name in request.query_params:
                    if name not in known:  # a misspelt filter would show everything
                        there = f"there are {', '.join(known)}" if known else "there are none here"
                        raise StateError(name, f"unknown parameter; {there}")
                return await endpoints[request.method](request)
            except StateError as error:
                return _error(error.path, error.reason)
            except ClientDisconnect:
                return Response(status_code=400)  # the client has left: this answer cannot arrive
            except BodyTooLarge:
                return _error("", f"the body is larger than {LARGEST_CONTROL_BODY} bytes", 413)
            except TooMuchAtOnce:
                return _error("", "too many large bodies are arriving at once; send it again", 503)
            except StoreError as error:
                return _error("", f"not stored: {error}; the sandbox stops", 507)

        return Route(f"/_sandbox/{path}", serve, methods=list(endpoints))

    return Starlette(
        routes=[
            route("state", GET=world.get_state, PUT=world.put_state),
            route("ledger", GET=logs.get_ledger),
            route("requests", GET=logs.get_requests, DELETE=logs.delete_requests),
            route("faults", GET=faults.get_faults, POST=faults.post_faults, DELETE=faults.delete_faults),
            route("clock", GET=clock.get_clock, POST=clock.post_clock),
            route("prices", GET=world.get_prices, POST=world.post_prices),
            route("balances", POST=world.post_balances),
            route("scenarios", GET=faults.get_scenarios, POST=faults.post_scenarios),
            route("streams", DELETE=delete_streams),
            route("options", GET=reference.get_options),
            route("unknowns", GET=reference.get_unknowns),
            route("openapi.json", GET=reference.get_openapi),
        ]
    )
