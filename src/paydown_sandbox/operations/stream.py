"""Open, extend and close the listen key of the user data stream. Unsigned: the page lists no parameter."""

from __future__ import annotations

from paydown_sandbox.books.listen_keys import Streams
from paydown_sandbox.call_record import Call
from paydown_sandbox.checks.refusal import Refusal

__all__ = ["StreamOperations"]


class StreamOperations:
    """Handlers of the listen key.

    Args:
        streams: The listen keys.
    """

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def start(self, call: Call) -> object:
        """Answer POST /papi/v1/listenKey: return the active key or a new one; its hour starts over."""
        return {"listenKey": self._streams.open(call.owner.id, call.now_ms)}

    def keep_alive(self, call: Call) -> object:
        """Answer PUT /papi/v1/listenKey: start the hour of the key over."""
        self._check_key(call)
        if not self._streams.extend(call.owner.id, call.now_ms):
            raise Refusal(-1125, reason="the account has no active key")
        return {}

    def close(self, call: Call) -> object:
        """Answer DELETE /papi/v1/listenKey: close the key, after which no event arrives."""
        self._check_key(call)
        if not self._streams.close(call.owner.id, call.now_ms):
            raise Refusal(-1125, reason="the account has no active key")
        return {}

    def _check_key(self, call: Call) -> None:
        named = call.texts.get("listenKey")
        if named is not None and named != self._streams.key_of(call.owner.id):
            raise Refusal(-1125, reason="not the key of this account")
