"""Serve what a sandbox can do in the control API: its options, its open questions and its document."""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from paydown_sandbox.assumptions_page import unknowns_page
from paydown_sandbox.exchange import Exchange

__all__ = ["ReferenceEndpoints"]


class ReferenceEndpoints:
    """Serve /_sandbox/options, /_sandbox/unknowns and /_sandbox/openapi.json.

    Args:
        exchange: The sandbox that is described.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def get_options(self, request: Request) -> Response:
        """Show every option: its question, its values, its default and its present value."""
        options = self._exchange.world.options
        return JSONResponse(
            {
                option.name: {
                    "value": options.text(option.name),
                    "default": option.default,
                    "values": list(option.values),
                    "question": option.question,
                    "reading": option.reading,
                    "operations": [name for name in option.operations if name],
                    "about": option.about,
                }
                for option in options.catalogue().values()
            }
        )

    async def get_unknowns(self, request: Request) -> Response:
        """Show the page of open questions, in Markdown."""
        return PlainTextResponse(unknowns_page(self._exchange.document), media_type="text/markdown")

    async def get_openapi(self, request: Request) -> Response:
        """Show the OpenAPI document of the control API itself."""
        document = files("paydown_sandbox.serving").joinpath("control.openapi.json").read_bytes()
        return Response(document, media_type="application/json")
