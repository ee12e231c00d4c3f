"""Read a list to its end: page by page, window by window, no row lost and none twice.

    start ────────────┬──────────────┬──────────── end    windows as long as the call allows, oldest first;
      page 1, 2, 3 …  │ page 1, 2 …  │ page 1 …           neighbours overlap by a ms: nothing falls between

The behaviour of the exchange at the borders of a window, and while rows arrive, is undocumented, so this module
assumes nothing about it:

* The ends of a window may count or not, so windows overlap. A row that comes twice is recognised by its id, or by
  all of its members where it has none.
* New rows push older ones to the next page of a newest-first list, so a row that comes again is dropped.
* A page that is full is never the last, even by `total`; a short one is, unless `total` counts more rows.
* A list without pages that comes back full has been cut off, so its window is halved until no part is full.
* Rows older than some months are in an archive: if a window may reach into it, both are read.

Sans I/O: `next_request` returns what to ask, `take` reads the answer. Every fact comes from `Operation.pagination`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from paydown.call.parameters import wire_texts
from paydown.errors import InvalidRequest, ReadFailed
from paydown_wire.operation import UNSET, DecodeError

if TYPE_CHECKING:
    from paydown_wire.operation import Operation, Pagination

T = TypeVar("T")

_DAY_MS: Final = 86_400_000
# A month is 28 to 31 days; a day more on either side for time zones.
_SHORTEST_MONTH_MS: Final = 28 * _DAY_MS
_LONGEST_MONTH_MS: Final = 31 * _DAY_MS

# Our clock may be behind by this much: a window that ends "now" is left open instead of being cut too short.
_CLOCK_SLACK_MS: Final = 60_000

# Windows that follow each other share this much, so that a row on a border is inside of one of them.
_OVERLAP_MS: Final = 1

# So many pages in a row may hold nothing new before the list is taken for broken: new rows may push a whole page down
# once or twice, but not for ever.
_STALE_PAGES: Final = 20

# A row may come again in the neighbouring window, read from the archive or not: so the keys of this many windows are
# kept.
_REMEMBERED: Final = 3


@dataclass(frozen=True, slots=True)
class _Window:
    """One span of time to read.

    Attributes:
        start: First ms, or None for the exchange's default.
        end: Last ms, or None for the exchange's default.
        reaches_now: `end` is now and need not be sent.
        archived: Value of the archive parameter; None leaves it out.
    """

    start: int | None = None
    end: int | None = None
    reaches_now: bool = False
    archived: bool | None = None


class Pager(Generic[T]):
    """The requests that read one list completely, and their rows.

    Args:
        operation: A call with `pagination`.
        arguments: Its arguments by wire name, without a page number.
        decode_row: Reads one row.
        now_ms: Now, UTC milliseconds on the exchange's clock; asked once.

    Raises:
        InvalidRequest: An argument breaks a rule of the document, or the span ends before it begins.
    """

    def __init__(
        self,
        operation: Operation,
        arguments: Mapping[str, object],
        decode_row: Callable[[object], T],
        *,
        now_ms: Callable[[], int],
    ) -> None:
        if operation.pagination is None:
            raise InvalidRequest(f"{operation.name} is no list.", operation=operation.name)
        self.operation = operation
        self._facts: Pagination = operation.pagination
        self._arguments = {name: value for name, value in arguments.items() if value is not UNSET}
        self._decode_row = decode_row
        facts = self._facts
        wire_texts(operation, self._arguments)
        if facts.size is not None and facts.max_size is not None:
            if facts.page is None:
                # In a list without pages a smaller page size only means that more windows are cut off.
                self._arguments[facts.size] = facts.max_size
            self._arguments.setdefault(facts.size, facts.max_size)
        size = self._arguments.get(facts.size) if facts.size is not None else None
        self._size = size if isinstance(size, int) else None
        self._windows = deque(self._spans(now_ms))
        self._window = self._windows.popleft()
        self._page = 1
        self._counted = 0
        self._stale = 0
        self._seen: deque[set[object]] = deque([set()], maxlen=_REMEMBERED)
        self._done = False

    def next_request(self) -> dict[str, object] | None:
        """Return the arguments of the next request by wire name, or None when the list is read."""
        if self._done:
            return None
        facts, window = self._facts, self._window
        asked = dict(self._arguments)
        if facts.page is not None:
            asked[facts.page] = self._page
        if facts.window is not None:
            if window.start is not None:
                asked[facts.window.start] = window.start
            if window.end is not None and not window.reaches_now:
                asked[facts.window.end] = window.end
        if facts.archive is not None and window.archived is not None:
            asked[facts.archive.parameter] = window.archived
        return asked

    def take(self, answer: object) -> list[T]:
        """Read one answer: its rows that were not seen yet, decoded, in the exchange's order.

        Raises:
            DecodeError: The answer or a row has another shape than in the document.
            ReadFailed: The list cannot be read completely; the text names the reason and what to ask instead.
        """
        rows, total = self._rows(answer)
        if self._facts.page is None and self._cut_off(rows, total):
            self._halve()
            return []
        new = self._new(rows)
        decoded = [self._decode(index, row) for index, row in new]
        self._counted += len(rows)
        short = not rows or self._size is None or len(rows) < self._size
        if self._facts.page is None or not rows or (short and (total is None or self._counted >= total)):
            self._next_window()
        else:
            self._stale = 0 if new else self._stale + 1
            if self._stale >= _STALE_PAGES:
                raise ReadFailed(
                    f"{self.operation.name}: the exchange sent {_STALE_PAGES} pages without a new row."
                    " Ask for a shorter time.",
                    operation=self.operation.name,
                )
            self._page += 1
        return decoded

    # ------------------------------------------------------------------------------------ rows of an answer

    def _rows(self, answer: object) -> tuple[list[object], int | None]:
        name, total = self._facts.rows, None
        if name is not None:
            if not isinstance(answer, dict):
                raise DecodeError("", "expected an object with rows")
            members = cast("dict[str, object]", answer)
            answer = members.get(name)
            counted = members.get(self._facts.total) if self._facts.total is not None else None
            total = counted if type(counted) is int else None
        if not isinstance(answer, list):
            raise DecodeError(name or "", "expected an array of rows")
        return cast("list[object]", answer), total

    def _new(self, rows: list[object]) -> list[tuple[int, object]]:
        """Return the rows that no earlier answer held, each with its index."""
        new: list[tuple[int, object]] = []
        here: set[object] = set()
        for index, row in enumerate(rows):
            key, by_id = self._key(row)
            # Two equal rows of one answer count as two rows, unless they share an id.
            if any(key in seen for seen in self._seen) or (by_id and key in here):
                continue
            here.add(key)
            new.append((index, row))
        self._seen[-1] |= here
        return new

    def _key(self, row: object) -> tuple[object, bool]:
        if isinstance(row, dict):
            members = cast("dict[str, object]", row)
            value = members.get(self._facts.id) if self._facts.id is not None else None
            if isinstance(value, (int, str)):
                return (type(value), value), True
            return repr(sorted(members.items(), key=lambda item: item[0])), False
        return repr(row), False

    def _decode(self, index: int, row: object) -> T:
        try:
            return self._decode_row(row)
        except DecodeError as error:
            raise error.inside(f"{self._facts.rows or ''}[{index}]") from error

    # -------------------------------------------------------------------------------------- windows of time

    def _spans(self, now_ms: Callable[[], int]) -> list[_Window]:
        facts, arguments = self._facts, self._arguments
        window = facts.window
        one_row = facts.id is not None and facts.id in arguments
        after_id = facts.from_id is not None and facts.from_id in arguments
        if window is None or one_row or after_id:
            return [_Window()]  # an id wins over the times
        start, end = arguments.pop(window.start, None), arguments.pop(window.end, None)
        now = now_ms()
        first = start if isinstance(start, int) else None
        last = end if isinstance(end, int) else None
        if first is None:
            usual = window.default_ms if facts.page is None else None
            if usual is not None:
                first = (now if last is None else last) - usual
            elif facts.page is None and facts.kept_ms is not None:
                first = min(now, now if last is None else last) - facts.kept_ms
        if first is None:
            return self._with_archive(_Window(None, last), now)
        reaches_now = last is None
        last = max(now, first) if last is None else last
        if last < first:
            raise InvalidRequest(
                f"{self.operation.name}: the span ends before it begins.", operation=self.operation.name
            )
        spans: list[_Window] = []
        longest = window.max_ms or last - first + 1
        while last - first > longest - (_CLOCK_SLACK_MS if reaches_now else 0):
            spans += self._with_archive(_Window(first, first + longest), now)
            first += longest - _OVERLAP_MS
        if spans and first > last:
            return spans  # the slack has carried the last window past now
        return spans + self._with_archive(_Window(first, last, reaches_now), now)

    def _with_archive(self, window: _Window, now: int) -> list[_Window]:
        """Return the window once or twice: out of the archive, in it, or both where that is uncertain."""
        archive = self._facts.archive
        if archive is None or archive.parameter in self._arguments or window.start is None:
            return [window]
        surely_live = now - archive.older_than_months * _SHORTEST_MONTH_MS + _DAY_MS
        surely_archived = now - archive.older_than_months * _LONGEST_MONTH_MS - _DAY_MS
        if window.start > surely_live:
            return [window]
        archived = replace(window, archived=True)
        return [archived] if (window.end or now) < surely_archived else [archived, window]

    def _next_window(self) -> None:
        if not self._windows:
            self._done = True
            return
        self._window = self._windows.popleft()
        self._page, self._counted, self._stale = 1, 0, 0
        self._seen.append(set())

    def _cut_off(self, rows: list[object], total: int | None) -> bool:
        """Return whether a list without pages holds more rows than the answer shows."""
        full = self._size is not None and len(rows) >= self._size
        return full or (total is not None and total > len(rows))

    def _halve(self) -> None:
        window = self._window
        # Narrower windows are never asked for: where the ends of a window do not count, they would be empty.
        if window.start is None or window.end is None or window.end - window.start <= 2 * _OVERLAP_MS + 1:
            raise ReadFailed(
                f"{self.operation.name}: the answer is cut off, and this call has no pages. "
                + ("Give a start time." if window.start is None else "Too many rows share one moment."),
                operation=self.operation.name,
            )
        middle = (window.start + window.end) // 2
        self._windows.appendleft(replace(window, start=middle - _OVERLAP_MS))
        self._windows.appendleft(replace(window, end=middle, reaches_now=False))
        # No row of this window was returned yet, so the keys of earlier windows are kept as they are.
        self._window = self._windows.popleft()
