"""One observation after an answer was lost: a snapshot of the account, and the rows that were listed at that time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paydown.repay.evidence.liability_change import LiabilityChange
from paydown.repay.evidence.rows import Row, Source
from paydown.repay.evidence.snapshot import Snapshot

__all__ = ["Observation"]


@dataclass(frozen=True, slots=True)
class Observation:
    """The snapshot and the rows that were read at one moment of a reconciliation.

    Attributes:
        server_ms: The exchange's own time, read before anything else here, UTC milliseconds.
        snapshot: All balances.
        rows: Rows since the snapshot before the attempt, from every list that could be read.
        events: Stream events on the asset since then, oldest first; empty when no stream is connected.
        read: Which lists could be read.
        unread: For each list that could not be read: why.
    """

    server_ms: int
    snapshot: Snapshot
    rows: tuple[Row, ...] = ()
    events: tuple[LiabilityChange, ...] = ()
    read: frozenset[Source] = frozenset()
    unread: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, object]:
        """Return the observation as plain data, in the form that the journal keeps as evidence."""
        return {
            "server_ms": self.server_ms,
            "look": self.snapshot.to_json(),
            "rows": [row.to_json() for row in self.rows],
            "events": [event.to_json() for event in self.events],
            "read": sorted(self.read),
            "unread": dict(self.unread or {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Observation:
        """Read an observation from `to_json`, without the stream's events: verdicts rely on snapshots and lists."""
        return cls(
            server_ms=data["server_ms"],
            snapshot=Snapshot.from_json(data["look"]),
            rows=tuple(Row.from_json(row) for row in data["rows"]),
            read=frozenset(data["read"]),
            unread=data["unread"],
        )
