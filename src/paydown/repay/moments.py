"""Format times for people."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["moment"]


def moment(at_ms: int) -> str:
    """Format a time in UTC milliseconds as `2026-11-22 12:00:00Z`."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
