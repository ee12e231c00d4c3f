"""Records of loans, repayments, charges and movements, and the rules by which the record operations find them.

Lists are newest first. The rules of the time window are those of the record pages:

    no times        the last 7 days             start only   from there to now, clipped to the last 30 days
    end only        the 7 days before it        both         at most 30 days apart, else -4165

Records older than six months are `archived`: a call shows either those or the others.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from paydown_sandbox.bundled_document import TimeWindow
from paydown_sandbox.checks.refusal import Refusal

__all__ = ["Record", "RecordBook", "RecordKind", "time_window"]

RecordKind = Literal["loan", "repay", "interest", "flow", "negative-interest", "negative-exchange"]

_SIX_MONTHS_MS = 183 * 86_400_000
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Record:
    """One record. Its `row` is the row in the answer of the record operation, ids and times included."""

    kind: RecordKind
    id: int
    account: str
    asset: str
    time_ms: int
    row: dict[str, object]


class RecordBook:
    """All records, by account and kind, in the order in which they were written."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, RecordKind], list[Record]] = {}
        self._by_id: dict[tuple[str, RecordKind, int], Record] = {}

    def add(self, record: Record) -> None:
        """Write one record; times within one kind never go back, even if the clock does."""
        rows = self._rows.setdefault((record.account, record.kind), [])
        rows.append(record)
        self._by_id[record.account, record.kind, record.id] = record
        if len(rows) > 1 and rows[-2].time_ms > record.time_ms:
            rows.sort(key=lambda each: each.time_ms)  # the clock was set back

    def __iter__(self) -> Iterator[Record]:
        for rows in self._rows.values():
            yield from rows

    def by_id(self, account: str, kind: RecordKind, record_id: int) -> Record | None:
        """Return the record with an id, or `None` if there is none.

        Args:
            account: The id of the account.
            kind: The list that holds the record.
            record_id: The id of the record.
        """
        return self._by_id.get((account, kind, record_id))

    def amend(self, account: str, kind: RecordKind, record_id: int, **members: object) -> Record | None:
        """Change members of a row, such as its status.

        Args:
            account: The id of the account.
            kind: The list that holds the record.
            record_id: The id of the record.
            **members: The new values, by name.

        Returns:
            The changed record, or `None` if there is no such one.
        """
        old = self._by_id.get((account, kind, record_id))
        if old is None:
            return None
        new = replace(old, row={**old.row, **members})
        rows = self._rows[account, kind]
        rows[rows.index(old)] = new
        self._by_id[account, kind, record_id] = new
        return new

    def between(
        self,
        account: str,
        kind: RecordKind,
        start_ms: int,
        end_ms: int,
        *,
        asset: str | None = None,
        now_ms: int = 0,
        archived: bool | None = None,
        end_included: bool = True,
    ) -> list[Record]:
        """Return the records of one list inside a time window, newest first.

        Args:
            account: The id of the account.
            kind: The list.
            start_ms: The first moment, milliseconds UTC, included.
            end_ms: The last moment.
            asset: The asset; records of all assets if absent.
            now_ms: Now; needed with `archived`.
            archived: Whether only records older than six months are wanted, or only the others; all if absent.
            end_included: Whether records of the last moment belong to the window.
        """
        rows = self._rows.get((account, kind), [])
        first = bisect_left(rows, start_ms, key=lambda record: record.time_ms)
        last = bisect_right(rows, end_ms if end_included else end_ms - 1, key=lambda record: record.time_ms)
        found = [record for record in reversed(rows[first:last]) if asset is None or record.asset == asset]
        if archived is not None:
            edge = now_ms - _SIX_MONTHS_MS
            found = [record for record in found if (record.time_ms < edge) == archived]
        return found


def time_window(
    start: int | None, end: int | None, now_ms: int, window: TimeWindow, *, too_long: int = -4165
) -> tuple[int, int]:
    """Return the first and the last millisecond of the time window of a record call, UTC.

    Args:
        start: `startTime` of the request, `None` if it sent none.
        end: `endTime` of the request, `None` if it sent none.
        now_ms: Now, milliseconds UTC.
        window: How long a window may be, and how long it is without times.
        too_long: The error code of a window that is too long.

    Raises:
        Refusal: The window is reversed (-1023) or longer than allowed.
    """
    if start is not None and end is not None:
        if start > end:
            raise Refusal(-1023, reason="startTime is after endTime")
        if end - start > window.longest_ms:
            raise Refusal(too_long, limit=window.longest_ms // _DAY_MS, reason="the window is too long")
        return start, end
    if start is not None:
        return max(start, now_ms - window.longest_ms), now_ms
    if end is not None:
        return end - window.default_ms, end
    return now_ms - window.default_ms, now_ms
