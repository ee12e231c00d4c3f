"""The holdings as evidence: whether the value of the payment assets is gone, or still there.

A borrowing that no list shows can refill the debt that an execution lowered, but the value of the payment assets is
gone all the same. So the holdings guard the verdict "not executed". Every asset counts, since it is not published
whether an asset that was not named ever pays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from paydown.repay.amounts import ZERO
from paydown.repay.evidence.case import Case
from paydown.repay.evidence.listed_rows import surely_between
from paydown.repay.evidence.rows import Row
from paydown.repay.evidence.snapshot import Snapshot

__all__ = ["spent_enough", "spent_usd", "still_there"]


def spent_usd(case: Case, snapshot: Snapshot, rows: Iterable[Row], *, lent: bool = False) -> Decimal | None:
    """Return the USD value that is gone from the assets that could pay; `None` if it cannot be calculated.

    A gain in one asset does not make up for a loss in another. Value that the lists show to have come in is added: it
    can stand where something was spent. Value that they show to have left is taken off only where one row is worth more
    than this attempt can have spent: a smaller row may be its own.

    Args:
        case: The attempt.
        snapshot: The snapshot that is compared with the one before the attempt.
        rows: The newest lists.
        lent: Whether what was borrowed counts as having come in too. Its proceeds may be spent elsewhere at once.
    """
    prices, price = case.prices_usd, case.prices_usd.get(case.asset)
    if price is None:
        return None
    too_large = case.asked * price * (1 + case.options.spent_share)
    moved: dict[str, Decimal] = {}
    for row in rows:
        inside = case.base.sent_at_ms - case.options.clock_slack_ms <= row.at_ms <= snapshot.answered_at_ms
        if row.kind == "BORROW":
            inside = lent and surely_between(case, row, snapshot)
        if row.source != "capital-flow" or row.kind == "REPAY" or not inside:
            continue
        if row.amount > 0 or -row.amount * prices.get(row.asset, ZERO) > too_large:
            moved[row.asset] = moved.get(row.asset, ZERO) + row.amount
    total = ZERO
    for name in _payers(case, snapshot):
        gone = case.base[name].held - snapshot[name].held + moved.get(name, ZERO)
        if gone > 0:
            if name not in prices:
                return None
            total += gone * prices[name]
    return total


def _payers(case: Case, snapshot: Snapshot) -> set[str]:
    return {case.asset, *case.base.assets, *snapshot.assets}


def spent_enough(case: Case, snapshot: Snapshot, rows: Sequence[Row], share: Decimal) -> bool:
    """Return whether a share of the value asked is gone from the assets that could pay.

    The spending of our confirmed pieces is no sign of this attempt. Assets that were borrowed in between may have been
    spent or kept, so both calculations are tried.

    Args:
        case: The attempt.
        snapshot: The snapshot that is compared with the one before the attempt.
        rows: The newest lists.
        share: The share; zero asks only whether anything is poorer at all.
    """
    price = case.prices_usd.get(case.asset)
    spent = [spent_usd(case, snapshot, rows), spent_usd(case, snapshot, rows, lent=True)]
    if share == 0:
        poorer = any(snapshot[name].held < case.base[name].held for name in _payers(case, snapshot))
        return poorer or any(one is not None and one > 0 for one in spent)
    if price is None:
        return False
    wanted = (case.repaid_before + case.asked * share) * price
    return any(one is not None and one >= wanted for one in spent)


def still_there(case: Case, snapshot: Snapshot, rows: Iterable[Row]) -> bool:
    """Return whether less than half of the value asked is gone from the assets that could pay.

    Args:
        case: The attempt.
        snapshot: The snapshot that is compared with the one before the attempt.
        rows: The newest lists.

    Returns:
        `False` also where the loss cannot be valued: then "not executed" cannot be concluded.
    """
    price, spent = case.prices_usd.get(case.asset), spent_usd(case, snapshot, rows)
    if spent is None or price is None:
        return False
    options = case.options
    allowed = case.repaid_before * price * (1 + options.price_tolerance)
    return spent - allowed < case.asked * price * options.spent_share
