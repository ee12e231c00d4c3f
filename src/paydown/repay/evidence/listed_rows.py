"""The lists as evidence: borrowings, repayment rows that may belong to an attempt, and repayments of others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import combinations

from paydown.repay.amounts import ZERO, exact
from paydown.repay.evidence.case import Case
from paydown.repay.evidence.rows import Row
from paydown.repay.evidence.snapshot import Snapshot

__all__ = [
    "borrowed",
    "borrowings",
    "exact_row",
    "most_borrowed",
    "near_rows",
    "sums_of_others",
    "surely_between",
    "unexplained",
]

# With more rows than this their combinations are not tried: 2^8 are cheap, and more rows leave any sum possible.
_MOST_COMBINED = 8

# One borrowing stands in two lists at times that differ by at most this much. Two rows whose times differ by more, up
# to the lag of the lists, may be one borrowing or two: they count once for the least and twice for the most.
_SAME_MOMENT_MS = 4_000


def surely_between(case: Case, row: Row, snapshot: Snapshot) -> bool:
    """Return whether a row belongs between the base snapshot and this one, however wrong its time is.

    Args:
        case: The attempt.
        row: The row.
        snapshot: A later snapshot.
    """
    edge = case.options.edge_ms
    return case.base.answered_at_ms + edge < row.at_ms < snapshot.sent_at_ms - edge


def borrowings(asset: str, rows: Iterable[Row]) -> list[Row]:
    """Return the rows of an asset's borrowings, without those that failed.

    Args:
        asset: Asset owed.
        rows: The lists.
    """
    return [row for row in rows if row.asset == asset and row.kind == "BORROW" and row.status != "FAILED"]


def borrowed(rows: Sequence[Row], near_ms: int) -> tuple[Decimal, Decimal]:
    """Return the least and the most that was borrowed according to the rows: one borrowing may stand in two lists.

    Args:
        rows: Rows of borrowings of one asset.
        near_ms: Twice this far apart, two rows of one amount are two borrowings.
    """
    records = [row for row in rows if row.source != "capital-flow"]
    least = most = sum((abs(row.amount) for row in records), ZERO)
    for flow in (row for row in rows if row.source == "capital-flow"):
        amount = abs(flow.amount)
        twins = [(abs(row.at_ms - flow.at_ms), row) for row in records if abs(row.amount) == amount]
        apart, twin = min(twins, key=lambda pair: pair[0], default=(0, None))
        if twin is None or apart > max(2 * near_ms, _SAME_MOMENT_MS):
            least += amount
            most += amount
            continue
        records.remove(twin)
        if apart > _SAME_MOMENT_MS:
            most += amount
    return least, most


def most_borrowed(asset: str, rows: Iterable[Row]) -> Decimal:
    """Return the most that was borrowed of an asset according to the lists.

    Args:
        asset: Asset owed.
        rows: The lists.
    """
    with exact():
        return borrowed(borrowings(asset, rows), 0)[1]


def near_rows(case: Case, rows: Iterable[Row]) -> list[Row]:
    """Return the repayment rows whose time allows that this attempt, or a part of it, wrote them.

    The span begins at the earliest that a record clock can show, and ends at the latest execution that is considered,
    stamped as late as is considered.

    Args:
        case: The attempt.
        rows: The lists.
    """
    intent, options = case.attempt.intent, case.options
    first = intent.signed_at_ms - case.facts.future_tolerance_ms - options.clock_slack_ms
    last = case.deadline_ms - options.settle_ms + options.near_ms + options.clock_slack_ms
    return [row for row in _repayments(case, rows) if first <= row.at_ms <= last]


def _repayments(case: Case, rows: Iterable[Row]) -> list[Row]:
    kinds = ("REPAY", "REPAY_LIQUIDATION")
    return [row for row in rows if row.asset == case.asset and row.kind in kinds and row.status != "FAILED"]


def unexplained(case: Case, rows: Sequence[Row]) -> bool:
    """Return whether some repayment rows may belong to an attempt although the debt stood.

    How many rows a repayment leaves, and with which amounts, is not published. So rows near the attempt count by their
    sum, per list, less what our own confirmed pieces explain: a piece whose very row is listed explains no other. A row
    that is larger than the amount and its fee is no part of this attempt. And a row of its very amount counts at any
    time, since no two pieces of a plan ask for the same one.

    Args:
        case: The attempt.
        rows: The newest lists.
    """
    fee, listed = 1 + case.options.fee_share, _repayments(case, rows)
    near = near_rows(case, rows)
    for source in sorted({row.source for row in listed}):
        left = [row for row in listed if row.source == source]
        room = ZERO
        for piece in case.near:
            own = next((row for row in left if abs(row.amount) == piece.intent.expected), None)
            if own is None:
                room += piece.intent.expected * fee
            else:
                left.remove(own)
        if any(abs(row.amount) == case.attempt.intent.amount for row in left):
            return True
        parts = [abs(row.amount) for row in left if row in near and abs(row.amount) <= case.asked * fee]
        if sum(parts, ZERO) - room >= case.asked * case.options.stands_share:
            return True
    return False


def exact_row(case: Case, rows: Iterable[Row]) -> bool:
    """Return whether a row names the very amount of an attempt. No two attempts of a plan ask for the same amount.

    Args:
        case: The attempt.
        rows: Repayment rows near it.
    """
    amount = case.attempt.intent.amount
    if amount is None or any(one.intent.amount == amount for one in case.near):
        return False
    return any(abs(row.amount) == amount and row.status != "PENDING" for row in rows)


def sums_of_others(case: Case, snapshot: Snapshot, rows: Iterable[Row]) -> list[Decimal]:
    """Return the sums of the listed repayments in every combination; a row in two lists counts once.

    Args:
        case: The attempt.
        snapshot: The snapshot whose fall they may explain in part.
        rows: The newest lists.
    """
    first, last = case.base.sent_at_ms - case.options.near_ms, snapshot.answered_at_ms + case.options.near_ms
    per_list: dict[str, list[Decimal]] = {}
    for row in rows:
        if (
            row.asset == case.asset
            and row.kind == "REPAY"
            and row.status in (None, "CONFIRMED")
            and first <= row.at_ms <= last
        ):
            per_list.setdefault(row.source, []).append(abs(row.amount))
    listed = max(per_list.values(), key=len, default=list[Decimal]())
    if len(listed) > _MOST_COMBINED:
        return []
    return [sum(some, ZERO) for size in range(1, len(listed) + 1) for some in combinations(listed, size)]
