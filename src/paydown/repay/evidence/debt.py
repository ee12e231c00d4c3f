"""The debt as evidence: the fall of the debt since just before a request left.

The fall is a span, since the time of a row, the interest and the list of borrowings are uncertain:

    least   only borrowings that surely came in between are counted in
    most    every borrowing that is listed near is, and all interest that can have accrued

No repayment row, no trade and no price is ever used to explain a fall away: an unexplained fall only widens doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from paydown.repay.evidence.case import Case
from paydown.repay.evidence.listed_rows import borrowed, borrowings, surely_between
from paydown.repay.evidence.observation import Observation
from paydown.repay.evidence.rows import Row
from paydown.repay.evidence.snapshot import Snapshot

__all__ = ["Fall", "can_stand", "fall_of", "fell_between", "stands", "stood_apart"]

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Fall:
    """The fall of the debt since the base snapshot, in units of the asset; negative if the debt rose.

    Attributes:
        least: Only borrowings that surely came in between are counted in.
        most: Every borrowing listed near and all possible interest are counted in.
        alone: No borrowing is counted in.
    """

    least: Decimal
    most: Decimal
    alone: Decimal


def fall_of(case: Case, snapshot: Snapshot, rows: Iterable[Row]) -> Fall:
    """Calculate by how much the debt fell from the base snapshot to this one, without our confirmed pieces.

    Interest can hide a part of a fall, since it is repaid and charged anew. Two readings bound it. Interest only adds
    to what is owed, so no less was repaid than the principal fell by. And where the interest shown is not lower, and
    no asset at all is held in another amount, no interest was repaid: the principal alone decides. Without that second
    reading a tiny amount would drown in the bound on interest.

    Args:
        case: The attempt.
        snapshot: A later snapshot.
        rows: The newest lists.
    """
    edge, base, asset = case.options.edge_ms, case.base, case.asset
    listed = borrowings(asset, rows)
    sure, _ = borrowed([row for row in listed if surely_between(case, row, snapshot)], edge)
    _, possible = borrowed(
        [row for row in listed if base.sent_at_ms - edge <= row.at_ms <= snapshot.answered_at_ms + edge], edge
    )
    before, after = base[asset], snapshot[asset]
    fell = before.debt - case.repaid_before - after.debt
    alone = max(fell, before.borrowed - case.repaid_before - after.borrowed)
    if after.interest >= before.interest and _untouched(case, snapshot):
        return Fall(alone + sure, alone + possible, alone)
    return Fall(alone + sure, fell + possible + _interest(case, snapshot, possible), alone)


def _untouched(case: Case, snapshot: Snapshot) -> bool:
    """Return whether every asset is held in the same amount as before, to the last digit."""
    names = {*case.base.assets, *snapshot.assets}
    return all(case.base[name].held == snapshot[name].held for name in names)


def _interest(case: Case, snapshot: Snapshot, possible: Decimal) -> Decimal:
    """Bound the interest that can have accrued between base and snapshot, charged in any minute of the hour."""
    hours = snapshot.answered_at_ms // _HOUR_MS - case.base.sent_at_ms // _HOUR_MS + 1
    return (case.base[case.asset].debt + possible) * case.options.max_daily_interest / 24 * hours


def stands(case: Case, fall: Fall) -> bool:
    """Return whether the debt is where it was, to a tenth of the amount asked, with uncertain borrowings counted in.

    If the debt is higher than even that allows, the lists lack a borrowing, and a borrowing that they lack could hide
    an execution.

    Args:
        case: The attempt.
        fall: By how much the debt fell.
    """
    room = case.asked * case.options.stands_share
    return -room <= fall.most <= room


def can_stand(case: Case, fall: Fall) -> bool:
    """Return whether the debt may be where it was, with some of the uncertain borrowings counted in.

    Args:
        case: The attempt.
        fall: By how much the debt fell.
    """
    room = case.asked * case.options.stands_share
    return fall.least <= room and fall.most >= -room


def stood_apart(case: Case, seen: Sequence[Observation], falls: Sequence[Fall]) -> list[Observation]:
    """Return the first observations that show the debt where it was, until they lie far enough apart.

    Two are needed because one snapshot can come from a back end that lags behind. No observation before the last of
    them may surely show the debt anywhere else: a debt that came back to where it was proves nothing.

    Args:
        case: The attempt.
        seen: The observations after the deadline, oldest first.
        falls: The fall of each of them.

    Returns:
        Those observations, or an empty list if the debt did not stand.
    """
    found: list[Observation] = []
    for one, fall in zip(seen, falls, strict=True):
        if not can_stand(case, fall):
            return []
        if stands(case, fall):
            found.append(one)
            if one.snapshot.sent_at_ms - found[0].snapshot.answered_at_ms >= case.options.looks_apart_ms:
                return found
    return []


def fell_between(case: Case, stood: Sequence[Observation], seen: Sequence[Observation]) -> bool:
    """Return whether the debt fell by more than a tenth of the amount asked after an observation in which it stood.

    The comparison with the base snapshot alone can miss such a fall. A borrowing whose time allows that the base held
    it already, or not yet, widens the span by its whole amount, and a debt that rose by the borrowing and fell by the
    attempt ends where the base was. Between two later snapshots nothing explains a fall but a repayment.

    Args:
        case: The attempt.
        stood: The observations in which the debt stood.
        seen: The observations after the deadline, oldest first.
    """
    room = case.asked * case.options.stands_share
    for before in stood:
        old = before.snapshot[case.asset]
        for later in seen:
            new = later.snapshot[case.asset]
            after = later.snapshot.sent_at_ms > before.snapshot.answered_at_ms
            if after and max(old.debt - new.debt, old.borrowed - new.borrowed) > room:
                return True
    return False
