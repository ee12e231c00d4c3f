"""Answer the record operations: loans, repayments, charges and movements."""

from __future__ import annotations

from paydown_sandbox.behaviour.repay_rows import RepayRows
from paydown_sandbox.books.records import Record, RecordKind, time_window
from paydown_sandbox.bundled_document import DocumentError, TimeWindow
from paydown_sandbox.call_record import Call
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.market_state import MarketState

__all__ = ["RecordOperations"]

_KEPT_FLOW_MS = 90 * 86_400_000
# By choice some answers come from a replica that lacks the newest rows.
_HIDDEN_ONE_IN, _HIDDEN_MS = 5, 60_000


def _window(call: Call) -> TimeWindow:
    if call.facts.window is None:
        raise DocumentError(f"{call.facts.id} has no time window in the document")
    return call.facts.window


class RecordOperations:
    """Handlers of the record operations.

    Args:
        market: Records and options.
        rows: The chosen rows of repay-debt; some choices show each of them twice.
    """

    def __init__(self, market: MarketState, rows: RepayRows | None) -> None:
        options = market.options
        self._records = market.history.records
        self._chances = market.chances
        self._repayments_twice = rows is not None and rows.doubled
        self._reject_unfiltered = options.is_set("records-without-filter", "reject")
        self._too_long_code = options.integer("window-too-long-code")
        self._end_included = options.is_set("rows-bounds", "included")
        self._total = options.text("record-total")
        self._newest_hidden = options.is_set("rows-empty", "sometimes")
        self._from_id_included = options.is_set("flow-from-id", "from")
        self._flow_oldest_first = options.is_set("capital-flow-order", "oldest-first")

    def borrow_records(self, call: Call) -> object:
        """Answer GET /papi/v1/margin/marginLoan: the records of loans."""
        return self._page(call, "loan")

    def repay_records(self, call: Call) -> object:
        """Answer GET /papi/v1/margin/repayLoan: the records of repayments."""
        return self._page(call, "repay")

    def margin_interest_history(self, call: Call) -> object:
        """Answer GET /papi/v1/margin/marginInterestHistory: the records of interest."""
        return self._page(call, "interest")

    def negative_balance_interest_history(self, call: Call) -> object:
        """Answer GET /papi/v1/portfolio/interest-history: a bare list without pages."""
        start, end = call.integer("startTime"), call.integer("endTime")
        first, last = time_window(start, end, call.now_ms, _window(call))
        asset = call.optional_text("asset")
        matches = self._records.between(call.owner.id, "negative-interest", first, last, asset=asset)
        return [record.row for record in matches[: call.integer("size") or call.facts.default_size]]

    def negative_balance_exchange_records(self, call: Call) -> object:
        """Answer GET /papi/v1/portfolio/negative-balance-exchange-record: its two amounts are JSON numbers."""
        start, end = call.integer("startTime"), call.integer("endTime")
        first, last = time_window(start, end, call.now_ms, _window(call))
        matches = self._records.between(call.owner.id, "negative-exchange", first, last)
        return {"total": len(matches), "rows": [record.row for record in matches]}

    def capital_flow(self, call: Call) -> object:
        """Answer GET /sapi/v1/margin/capital-flow: rows after `fromId`, or the latest ones."""
        start, end = call.integer("startTime"), call.integer("endTime")
        oldest = call.now_ms - _KEPT_FLOW_MS
        if start is not None and end is not None:
            first, last = time_window(start, end, call.now_ms, _window(call), too_long=-4047)
        else:
            first, last = (oldest if start is None else start), (call.now_ms if end is None else end)
        matches = self._records.between(
            call.owner.id, "flow", max(first, oldest), last, asset=call.optional_text("asset"),
            end_included=self._end_included,
        )  # fmt: skip
        matches = self._shown(call, matches)
        kind = call.optional_text("type")
        from_id = call.integer("fromId")
        if from_id is not None and not self._from_id_included:
            from_id += 1
        rows = [
            record.row
            for record in matches
            if (kind is None or record.row["type"] == kind) and (from_id is None or record.id >= from_id)
        ]
        limit = call.integer("limit") or call.facts.default_size
        # After an id the oldest rows come first, so that nothing is skipped; without one the latest.
        rows = rows[:limit] if from_id is None else rows[-limit:]
        return rows[::-1] if self._flow_oldest_first else rows

    def _page(self, call: Call, kind: RecordKind) -> object:
        """Return one page of a record call: by id, or by time."""
        asset = call.optional_text("asset")
        record_id = call.integer("txId")
        start, end = call.integer("startTime"), call.integer("endTime")
        if record_id is not None:
            found = self._records.by_id(call.owner.id, kind, record_id)
            rows = [found.row] if found is not None and (asset is None or found.asset == asset) else []
        else:
            if call.facts.requires_any and start is None and self._reject_unfiltered:
                raise Refusal(-1102, parameter="startTime", reason="neither txId nor startTime was sent")
            first, last = time_window(start, end, call.now_ms, _window(call), too_long=self._too_long_code)
            archived = call.optional_text("archived") == "true"
            matches = self._records.between(
                call.owner.id, kind, first, last, asset=asset, now_ms=call.now_ms, archived=archived,
                end_included=self._end_included,
            )  # fmt: skip
            rows = [record.row for record in self._shown(call, matches)]
        size = call.integer("size") or call.facts.default_size
        skip = ((call.integer("current") or 1) - 1) * size
        page = rows[skip : skip + size]
        totals = {"all-matches": len(rows), "page": len(page), "zero": 0}
        return {"rows": page, "total": totals[self._total]}

    def _shown(self, call: Call, matches: list[Record]) -> list[Record]:
        """Return the matching rows that a list shows: by choice without the newest, or with repayments twice."""
        if self._newest_hidden and self._chances.one_in(_HIDDEN_ONE_IN):
            matches = [record for record in matches if record.time_ms <= call.now_ms - _HIDDEN_MS]
        if self._repayments_twice:
            matches = [record for record in matches for _ in range(2 if _is_repayment(record) else 1)]
        return matches


def _is_repayment(record: Record) -> bool:
    return record.kind == "repay" or record.row.get("type") == "REPAY"
