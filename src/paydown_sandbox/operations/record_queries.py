"""What was borrowed, repaid, charged and moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paydown_sandbox.books.records import Record, RecordKind, time_window
from paydown_sandbox.bundled_document import DocumentError, TimeWindow
from paydown_sandbox.checks.refusal import Refusal

if TYPE_CHECKING:
    from paydown_sandbox.call_record import Call
    from paydown_sandbox.exchange import Exchange

__all__ = [
    "borrow_records",
    "capital_flow",
    "margin_interest_history",
    "negative_balance_exchange_records",
    "negative_balance_interest_history",
    "repay_records",
]

_KEPT_FLOW_MS = 90 * 86_400_000
# A replica that lacks the newest rows answers now and then, where a choice says so.
_HIDDEN_ONE_IN, _HIDDEN_MS = 5, 60_000


def _window(call: Call) -> TimeWindow:
    if call.facts.window is None:
        raise DocumentError(f"{call.facts.id} has no time window in the document")
    return call.facts.window


def _page(exchange: Exchange, call: Call, kind: RecordKind) -> object:
    """One page of a record call: by id, or by time."""
    asset = call.optional_text("asset")
    record_id = call.integer("txId")
    start, end = call.integer("startTime"), call.integer("endTime")
    if record_id is not None:
        found = exchange.records.by_id(call.owner.id, kind, record_id)
        rows = [found.row] if found is not None and (asset is None or found.asset == asset) else []
    else:
        if call.facts.requires_any and start is None and exchange.reject_unfiltered_records:
            raise Refusal(-1102, parameter="startTime", reason="neither txId nor startTime was sent")
        first, last = time_window(
            start, end, call.now_ms, _window(call), too_long=exchange.window_too_long_code
        )
        archived = call.optional_text("archived") == "true"
        matches = exchange.records.between(
            call.owner.id, kind, first, last, asset=asset, now_ms=call.now_ms, archived=archived,
            end_included=exchange.window_end_included,
        )  # fmt: skip
        rows = [record.row for record in _shown(exchange, call, matches)]
    size = call.integer("size") or call.facts.default_size
    skip = ((call.integer("current") or 1) - 1) * size
    page = rows[skip : skip + size]
    totals = {"all-matches": len(rows), "page": len(page), "zero": 0}
    return {"rows": page, "total": totals[exchange.total_of]}


def _shown(exchange: Exchange, call: Call, matches: list[Record]) -> list[Record]:
    """What a list shows of the rows that match: by choice not the newest, or those of repayments twice."""
    if exchange.recent_rows_hidden and exchange.conduct.chances.one_in(_HIDDEN_ONE_IN):
        matches = [record for record in matches if record.time_ms <= call.now_ms - _HIDDEN_MS]
    rows = exchange.conduct.rows
    if rows is not None and rows.doubled:
        matches = [record for record in matches for _ in range(2 if _is_repayment(record) else 1)]
    return matches


def _is_repayment(record: Record) -> bool:
    return record.kind == "repay" or record.row.get("type") == "REPAY"


def borrow_records(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/margin/marginLoan."""
    return _page(exchange, call, "loan")


def repay_records(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/margin/repayLoan."""
    return _page(exchange, call, "repay")


def margin_interest_history(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/margin/marginInterestHistory."""
    return _page(exchange, call, "interest")


def negative_balance_interest_history(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/portfolio/interest-history: a bare list without pages."""
    first, last = time_window(call.integer("startTime"), call.integer("endTime"), call.now_ms, _window(call))
    asset = call.optional_text("asset")
    matches = exchange.records.between(call.owner.id, "negative-interest", first, last, asset=asset)
    return [record.row for record in matches[: call.integer("size") or call.facts.default_size]]


def negative_balance_exchange_records(exchange: Exchange, call: Call) -> object:
    """GET /papi/v1/portfolio/negative-balance-exchange-record: its two amounts are JSON numbers."""
    first, last = time_window(call.integer("startTime"), call.integer("endTime"), call.now_ms, _window(call))
    matches = exchange.records.between(call.owner.id, "negative-exchange", first, last)
    return {"total": len(matches), "rows": [record.row for record in matches]}


def capital_flow(exchange: Exchange, call: Call) -> object:
    """GET /sapi/v1/margin/capital-flow: rows after `fromId`, or the latest ones."""
    start, end = call.integer("startTime"), call.integer("endTime")
    oldest = call.now_ms - _KEPT_FLOW_MS
    if start is not None and end is not None:
        first, last = time_window(start, end, call.now_ms, _window(call), too_long=-4047)
    else:
        first, last = (oldest if start is None else start), (call.now_ms if end is None else end)
    matches = exchange.records.between(
        call.owner.id, "flow", max(first, oldest), last, asset=call.optional_text("asset"),
        end_included=exchange.window_end_included,
    )  # fmt: skip
    matches = _shown(exchange, call, matches)
    kind = call.optional_text("type")
    from_id = call.integer("fromId")
    if from_id is not None and not exchange.flow_from_id_included:
        from_id += 1
    rows = [
        record.row
        for record in matches
        if (kind is None or record.row["type"] == kind) and (from_id is None or record.id >= from_id)
    ]
    limit = call.integer("limit") or call.facts.default_size
    # After an id the oldest rows come first, so that nothing is skipped; without one the latest.
    rows = rows[:limit] if from_id is None else rows[-limit:]
    return rows[::-1] if exchange.flow_oldest_first else rows
