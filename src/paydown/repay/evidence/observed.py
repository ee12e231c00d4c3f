"""What is looked at after an answer was lost: balances, records, capital flow and stream events.

    Sighting = one Look + the Rows that were listed at that time

A row says that some debt moved; none of them carries an id of ours, and whether a repay-debt leaves
rows at all is not published. So rows support or contradict a story about the balances, and their
absence alone never proves anything. `reconcile` draws the conclusions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from paydown.repay.amounts import from_text, to_text
from paydown.repay.evidence.snapshot import Look
from paydown_wire import codec
from paydown_wire.operation import DecodeError

__all__ = ["LiabilityChange", "Row", "Sighting", "Source"]

Source = Literal["repay-record", "loan-record", "capital-flow"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a record list or of the capital flow.

    Attributes:
        source: Which list it is from.
        id: Its id in that list.
        kind: "BORROW" or "REPAY" for records; the flow's own type for the capital flow.
        asset: The asset.
        amount: As listed: positive in records, signed in the capital flow.
        at_ms: Time of the row, UTC milliseconds on the exchange's clock.
        status: "PENDING", "CONFIRMED" or "FAILED" for records, else `None`.
    """

    source: Source
    id: str
    kind: str
    asset: str
    amount: Decimal
    at_ms: int
    status: str | None = None

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        return {
            "source": self.source,
            "id": self.id,
            "kind": self.kind,
            "asset": self.asset,
            "amount": to_text(self.amount),
            "at_ms": self.at_ms,
            "status": self.status,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Row:
        """What `to_json` wrote."""
        return cls(
            source=data["source"],
            id=data["id"],
            kind=data["kind"],
            asset=data["asset"],
            amount=from_text(data["amount"]),
            at_ms=data["at_ms"],
            status=data["status"],
        )


@dataclass(frozen=True, slots=True)
class LiabilityChange:
    """The stream's `liabilityChange`, as far as it can be relied on.

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
        """From the event as it comes over the stream. Raises `ValueError` for any other event."""
        try:
            if event["e"] != "liabilityChange":
                raise ValueError(f"not a liabilityChange: {event['e']!r}")
            return cls(str(event["a"]), codec.integer(event["E"]), codec.decimal(event["l"]), str(event["t"]))
        except (KeyError, TypeError, DecodeError) as error:
            raise ValueError(f"not a liabilityChange: {error}") from None

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        return {"asset": self.asset, "at_ms": self.at_ms, "total": to_text(self.total), "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Sighting:
    """Everything that was seen at one moment of a reconciliation.

    Attributes:
        server_ms: The exchange's own time, read before anything else here, UTC milliseconds.
        look: All balances.
        rows: Rows since the look before the attempt, from every list that could be read.
        events: Stream events on the asset since then, oldest first; empty when no stream is connected.
        read: Which lists could be read.
        unread: For each list that could not be read: why.
    """

    server_ms: int
    look: Look
    rows: tuple[Row, ...] = ()
    events: tuple[LiabilityChange, ...] = ()
    read: frozenset[Source] = frozenset()
    unread: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, object]:
        """Plain data; what the journal keeps as evidence."""
        return {
            "server_ms": self.server_ms,
            "look": self.look.to_json(),
            "rows": [row.to_json() for row in self.rows],
            "events": [event.to_json() for event in self.events],
            "read": sorted(self.read),
            "unread": dict(self.unread or {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sighting:
        """What `to_json` wrote, without the stream's events: a later judgement relies on looks and lists."""
        return cls(
            server_ms=data["server_ms"],
            look=Look.from_json(data["look"]),
            rows=tuple(Row.from_json(row) for row in data["rows"]),
            read=frozenset(data["read"]),
            unread=data["unread"],
        )
