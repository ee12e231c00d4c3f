"""Serve the sandbox's clock in the control API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from paydown_sandbox.exchange import Exchange
from paydown_sandbox.serving.control.control_requests import RequestBodies
from paydown_sandbox.state.strict_json import Reader

__all__ = ["ClockEndpoints", "clock_json", "move_clock"]


def clock_json(exchange: Exchange) -> dict[str, object]:
    """Return the clock as `GET /_sandbox/clock` shows it."""
    clock = exchange.clock
    return {
        "now_ms": clock.now_ms(),
        "frozen": clock.frozen,
        "offset_ms": 0 if clock.frozen else clock.offset_ms,
    }


# A jump of ten years makes 87,600 hourly charges per debt, which is still quick.
_LONGEST_JUMP_MS = 10 * 366 * 86_400_000


def move_clock(exchange: Exchange, node: Reader, *, state: bool = False) -> None:
    """Move the clock as the body of `POST /_sandbox/clock` or the `clock` of a state document asks.

    Args:
        exchange: The sandbox whose clock it is.
        node: The body, or the `clock` of a state document.
        state: Whether the clock belongs to a state document. Then nothing falls due, since the world is about to be
            replaced.

    Raises:
        StateError: The document is wrong. The clock was not moved.
    """
    members = node.members("advance_ms", "set_ms", "now_ms", "offset_ms", "frozen")
    clock = exchange.clock
    now = clock.now_ms()
    target = members["set_ms"].integer(1, 9_999_999_999_999) if "set_ms" in members else None
    shown = members["now_ms"].integer(1, 9_999_999_999_999) if "now_ms" in members else None
    advance = members["advance_ms"].integer(0, _LONGEST_JUMP_MS) if "advance_ms" in members else 0
    frozen = members["frozen"].boolean() if "frozen" in members else None
    offset = members["offset_ms"].integer(-(10**13), 10**13) if "offset_ms" in members else None
    if target is None and frozen:
        target = shown  # of a running clock, `now_ms` only shows what the time was
    if target is not None and target - now > _LONGEST_JUMP_MS and not state:
        raise node.fail("a jump of more than ten years")
    if frozen is True:
        clock.freeze()
    elif frozen is False:
        clock.resume()
        if offset is not None:
            clock.restore(None, offset)
    if target is not None:
        clock.set(target)
    if advance:
        clock.advance(advance)
    if not state:
        exchange.advance_to_now()


class ClockEndpoints:
    """Serve /_sandbox/clock.

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

    async def get_clock(self, request: Request) -> Response:
        """Show the sandbox's time."""
        return JSONResponse(clock_json(self._exchange))

    async def post_clock(self, request: Request) -> Response:
        """Move the clock: `{"advance_ms": N}`, `{"set_ms": N}`, `{"frozen": true}`, or several at once."""
        move_clock(self._exchange, Reader(await self._bodies.read(request)))
        await self._durable()
        return JSONResponse(clock_json(self._exchange))
