"""Read requests for the control API, within bounds."""

from __future__ import annotations

import re

from starlette.requests import Request

from paydown_sandbox.state.strict_json import StateError, parse_json

__all__ = ["LARGEST_CONTROL_BODY", "BodyTooLarge", "RequestBodies", "TooMuchAtOnce", "query_number"]

LARGEST_CONTROL_BODY = 16 * 1024 * 1024
# Of all bodies that are arriving: many clients that send slowly shall not fill the memory together.
_MOST_ARRIVING = 4 * LARGEST_CONTROL_BODY
_WHOLE = re.compile("[0-9]{1,19}")  # Python refuses to convert a text of thousands of digits


class BodyTooLarge(Exception):
    """One body is larger than `LARGEST_CONTROL_BODY`."""


class TooMuchAtOnce(Exception):
    """The bodies that are arriving at the same time are too large together."""


class RequestBodies:
    """Read JSON bodies, and bound the memory of all that are arriving at once."""

    def __init__(self) -> None:
        self._arriving = 0  # bytes of all bodies that are not complete yet

    async def read(self, request: Request) -> object:
        """Return the parsed body of a request; an empty body is an empty object.

        Raises:
            BodyTooLarge: The body is larger than `LARGEST_CONTROL_BODY`.
            TooMuchAtOnce: All bodies that are arriving are too large together; the same request may be sent again.
            StateError: The body is not JSON.
        """
        collected = bytearray()
        try:
            async for part in request.stream():
                collected += part
                self._arriving += len(part)
                if len(collected) > LARGEST_CONTROL_BODY:
                    raise BodyTooLarge
                if self._arriving > _MOST_ARRIVING:
                    raise TooMuchAtOnce
        finally:
            self._arriving -= len(collected)
        if not collected:
            return {}
        return parse_json(bytes(collected))


def query_number(request: Request, name: str, default: int, most: int) -> int:
    """Read a whole number from the query.

    Args:
        request: The request.
        name: The parameter.
        default: The number if the parameter is absent.
        most: The largest number that is accepted; the smallest is 0.

    Raises:
        StateError: The parameter is no such number.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    if _WHOLE.fullmatch(text) is None or int(text) > most:
        raise StateError(name, f"a whole number from 0 to {most}")
    return int(text)
