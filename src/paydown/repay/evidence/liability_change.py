"""The stream's event `liabilityChange`, and the store of the events that a repayer has received."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from paydown.repay.amounts import to_text
from paydown_wire import codec
from paydown_wire.operation import DecodeError

__all__ = ["LiabilityChange", "StreamEvents"]

# Number of stream events kept for evidence. An account makes a few per hour; a run takes minutes.
_EVENTS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class LiabilityChange:
    """One `liabilityChange` of the user data stream, as far as it can be relied on.

    Attributes:
        asset: Asset owed.
        at_ms: Event time, UTC milliseconds on the exchange's clock.
        total: `l`, the total liability after the change. `p` and `i` are undocumented and not used.
        kind: `t`; only BORROW is documented.
    """

    asset: str
    at_ms: int
    total: Decimal
    kind: str

    @classmethod
    def from_json(cls, event: Mapping[str, Any]) -> LiabilityChange:
        """Read the event from the JSON of the stream.

        Raises:
            ValueError: It is another event, or misses a field.
        """
        try:
            if event["e"] != "liabilityChange":
                raise ValueError(f"not a liabilityChange: {event['e']!r}")
            return cls(str(event["a"]), codec.integer(event["E"]), codec.decimal(event["l"]), str(event["t"]))
        except (KeyError, TypeError, DecodeError) as error:
            raise ValueError(f"not a liabilityChange: {error}") from None

    def to_json(self) -> dict[str, object]:
        """Return the event as plain data."""
        return {"asset": self.asset, "at_ms": self.at_ms, "total": to_text(self.total), "kind": self.kind}


class StreamEvents:
    """Keep the newest events that the caller has passed on from the stream. Safe to add to from any thread."""

    def __init__(self) -> None:
        self._events: deque[LiabilityChange] = deque(maxlen=_EVENTS_KEPT)

    def add(self, event: LiabilityChange) -> None:
        """Keep one event of the stream."""
        self._events.append(event)

    def since(self, asset: str, since_ms: int) -> tuple[LiabilityChange, ...]:
        """Return the events on an asset since a moment, in the order of their times.

        Args:
            asset: Asset owed.
            since_ms: The moment, UTC milliseconds on the exchange's clock.
        """
        found = [event for event in tuple(self._events) if event.asset == asset and event.at_ms >= since_ms]
        return tuple(sorted(found, key=lambda event: event.at_ms))
