"""Serve faults and scenarios in the control API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from paydown_sandbox.exchange import Exchange
from paydown_sandbox.faults.scenario import bundled_scenarios, find_scenario, read_scenario, start_scenario
from paydown_sandbox.serving.control.control_requests import RequestBodies, query_number
from paydown_sandbox.state.strict_json import Reader, StateError

__all__ = ["FaultEndpoints"]


class FaultEndpoints:
    """Serve /_sandbox/faults and /_sandbox/scenarios.

    Args:
        exchange: The sandbox that is read and changed.
        bodies: Reads the bodies of requests.
        durable: Waits until every change so far is in the file of `--data`, if there is one.
    """

    def __init__(
        self, exchange: Exchange, bodies: RequestBodies, durable: Callable[[], Awaitable[None]]
    ) -> None:
        self._exchange = exchange
        self._bodies = bodies
        self._durable = durable

    async def get_faults(self, request: Request) -> Response:
        """Show the armed faults, and how often each has struck."""
        return JSONResponse(
            {"seed": self._exchange.faults.seed, "faults": [f.as_json() for f in self._exchange.faults.armed]}
        )

    async def post_faults(self, request: Request) -> Response:
        """Arm one fault, or a list of them."""
        document = await self._bodies.read(request)
        book = self._exchange.faults
        if isinstance(document, list):
            before = list(book.armed)
            try:
                armed = [book.arm(node.value) for node in Reader(cast(object, document)).items()]
            except StateError:
                book.armed = before  # one wrong fault disarms those of the same list: all or nothing
                raise
            await self._durable()
            return JSONResponse({"faults": [fault.as_json() for fault in armed]}, status_code=201)
        fault = book.arm(document)
        await self._durable()
        return JSONResponse(fault.as_json(), status_code=201)

    async def delete_faults(self, request: Request) -> Response:
        """Disarm all faults, or one: `?id=ID`."""
        fault_id = query_number(request, "id", 0, 2**63) if "id" in request.query_params else None
        deleted = self._exchange.faults.disarm(fault_id)
        await self._durable()
        return JSONResponse({"deleted": deleted})

    async def get_scenarios(self, request: Request) -> Response:
        """List the scenarios that come with the sandbox."""
        return JSONResponse(
            {name: {"name": s.name, "description": s.description} for name, s in bundled_scenarios().items()}
        )

    async def post_scenarios(self, request: Request) -> Response:
        """Start a scenario: `{"name": "a-bad-tuesday"}`, or a whole scenario document."""
        document = await self._bodies.read(request)
        entries = dict(Reader(document).entries())
        if "faults" in entries:
            scenario = read_scenario(document)
        else:
            members = Reader(document).members("name")
            scenario = find_scenario(members["name"].text(100) if "name" in members else "")
        armed = start_scenario(self._exchange.faults, scenario, self._exchange.clock.now_ms())
        faults = [fault.as_json() for fault in armed]
        await self._durable()
        return JSONResponse({"name": scenario.name, "faults": faults}, status_code=201)
