"""Translate results and errors of the client into the engine's data. Pure functions.

The mapping of errors alone decides what is sent again without a person: only a request that was certainly not executed,
and only if the document calls the cause a passing one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from paydown.errors import (
    BudgetExceeded,
    ClockRejected,
    ConnectionFailed,
    ExchangeBusy,
    IpBanned,
    OutcomeUnknown,
    PaydownError,
    RateLimited,
    RequestRejected,
    UnresolvedOutcome,
)
from paydown.repay.amounts import exact
from paydown.repay.errors import SnapshotTooOld
from paydown.repay.evidence.rows import Row
from paydown.repay.evidence.snapshot import Holding, Snapshot
from paydown.repay.execution.commands import Repay, RepayOutcome
from paydown.repay.planning.plan import Price
from paydown_wire.error_codes import ERROR_CODES

if TYPE_CHECKING:
    from paydown_wire.models import (
        AssetIndexPrice,
        Balance,
        BorrowRecord,
        CapitalFlow,
        RepayDebtResult,
        RepayRecord,
    )

__all__ = [
    "borrow_rows",
    "executed",
    "failed",
    "flow_rows",
    "prices_of",
    "repay_arguments",
    "repay_rows",
    "snapshot_of",
]

# The exchange's answer "Another borrow or repayment of the account is still running." How long to wait after it is our
# own margin: the classic API's guidance is that it ends within 100 ms, a second is ten times that.
_PENDING_CODE = next(abs(row.code) for row in ERROR_CODES if row.name == "HAS_PENDING_TRANSACTION")
_PENDING_WAIT_MS = 1_000

# The most by which a whole debt can have grown between the snapshot and its repayment: two hours' charges at 2 % a day.
_WHOLE_DEBT_GREW = Decimal("1.002")


def repay_arguments(command: Repay) -> dict[str, Any]:
    """Return the keyword arguments of `margin.repay_debt`. An amount that is not named is left out, never None."""
    arguments: dict[str, Any] = {"asset": command.asset}
    if command.amount is not None:
        arguments["amount"] = command.amount
    if command.pay_with:
        arguments["specify_repay_assets"] = list(command.pay_with)
    return arguments


def snapshot_of(balances: Iterable[Balance], sent_at_ms: int, answered_at_ms: int) -> Snapshot:
    """Make a snapshot from the rows of `account.balance()`.

    Args:
        balances: The rows.
        sent_at_ms: When they were asked for, UTC milliseconds on the exchange's clock.
        answered_at_ms: When the answer had come.
    """
    return Snapshot.of(
        sent_at_ms,
        answered_at_ms,
        (
            (
                row.asset,
                Holding(
                    borrowed=row.cross_margin_borrowed,
                    interest=row.cross_margin_interest,
                    free=row.cross_margin_free,
                    locked=row.cross_margin_locked,
                ),
            )
            for row in balances
        ),
    )


def prices_of(rows: Iterable[AssetIndexPrice], assets: Iterable[str]) -> dict[str, Price]:
    """Return the index prices of assets; those without one are left out.

    Args:
        rows: The exchange's prices.
        assets: The assets that are wanted.
    """
    wanted = frozenset(assets)
    return {row.asset: Price(row.asset_index_price, "index") for row in rows if row.asset in wanted}


def flow_rows(flows: Iterable[CapitalFlow]) -> list[Row]:
    """Return the rows of the capital flow."""
    return [
        Row("capital-flow", str(flow.id), str(flow.type_), flow.asset, flow.amount, flow.timestamp)
        for flow in flows
    ]


def repay_rows(records: Iterable[RepayRecord]) -> list[Row]:
    """Return the rows of the repayment records."""
    return [
        Row("repay-record", str(row.tx_id), "REPAY", row.asset, row.amount, row.timestamp, str(row.status))
        for row in records
    ]


def borrow_rows(records: Iterable[BorrowRecord]) -> list[Row]:
    """Return the rows of the loan records."""
    return [
        Row("loan-record", str(row.tx_id), "BORROW", row.asset, row.principal, row.timestamp, str(row.status))
        for row in records
    ]


def executed(result: RepayDebtResult, command: Repay, attempt_id: str) -> RepayOutcome:
    """Return the outcome of a confirmed repayment; an amount that was not asked for is a doubt, in spite of `success`.

    A live answer to a whole-debt repayment names no amount; the page does not describe the field.

    Args:
        result: The answer.
        command: The repayment.
        attempt_id: Its attempt.
    """
    amount: Decimal | None = result.amount
    detail: dict[str, Any] = {
        "message": "confirmed by the exchange",
        "amount": None if amount is None else format(amount, "f"),
        "update_time": result.update_time,
    }
    if amount is not None and not _as_asked(amount, command):
        asked = "the whole debt" if command.amount is None else format(command.amount, "f")
        detail["message"] = f"confirmed, but over {format(amount, 'f')} where {asked} was asked"
        return RepayOutcome("unknown", attempt_id, cause="unknown", detail=detail)
    return RepayOutcome("executed", attempt_id, cause="executed", detail=detail)


def _as_asked(amount: Decimal, command: Repay) -> bool:
    """Return whether the amount of an answer fits the request: the amount asked, or about the debt of the snapshot."""
    if command.amount is not None:
        return amount == command.amount
    with exact():
        # The debt may have grown by interest; later borrowings are not known here, and the evidence decides about them.
        return command.expected <= amount <= command.expected * _WHOLE_DEBT_GREW


def failed(error: PaydownError, attempt_id: str | None) -> RepayOutcome:
    """Return what an error of the client proves about the attempt, and whether the same request may be sent again.

    Args:
        error: The exception of `margin.repay_debt`.
        attempt_id: The attempt if INTENT was written, else `None`.
    """
    detail = _detail(error)
    if isinstance(error, OutcomeUnknown):
        return RepayOutcome("unknown", attempt_id, cause="unknown", detail=detail)
    if isinstance(error, RequestRejected):
        again, wait_ms = _rejected(error)
        return RepayOutcome(
            "rejected",
            attempt_id,
            again="backoff" if again else "never",
            wait_ms=wait_ms,
            cause="refused",
            detail=detail,
        )
    if isinstance(error, BudgetExceeded) and error.wait_s is not None:
        wait_ms = round(error.wait_s * 1000)
        return RepayOutcome(
            "not-sent", attempt_id, again="backoff", wait_ms=wait_ms, cause="budget", detail=detail
        )
    if isinstance(error, SnapshotTooOld):
        return RepayOutcome(
            "not-sent", attempt_id, again="backoff", wait_ms=0, cause="look-too-old", detail=detail
        )
    if isinstance(error, ConnectionFailed):
        return RepayOutcome("not-sent", attempt_id, again="backoff", cause="no-connection", detail=detail)
    cause = "client-guard" if isinstance(error, UnresolvedOutcome) else "not-sent"
    return RepayOutcome("not-sent", attempt_id, cause=cause, detail=detail)


def _rejected(error: RequestRejected) -> tuple[bool, int | None]:
    """Return whether the same request may go again, and after how long at least."""
    if isinstance(error, RateLimited):  # and IpBanned
        return True, round(error.retry_after_s * 1000)
    if isinstance(error, ExchangeBusy):
        pending = error.code is not None and abs(error.code) == _PENDING_CODE
        return error.retry == "yes-after-backoff", _PENDING_WAIT_MS if pending else None
    # After a refused timestamp the next request is signed anew, once the clock has been synced.
    return isinstance(error, ClockRejected), None


def _detail(error: PaydownError) -> dict[str, Any]:
    detail: Mapping[str, Any] = {
        "error": type(error).__name__,
        # The advice of the client is left out: the engine decides what to do.
        "message": (error.reason if isinstance(error, OutcomeUnknown) else "") or str(error),
        "status": error.status,
        "code": error.code,
        "code_name": error.code_name,
        "msg": error.msg,
        "sent_at_ms": error.sent_at_ms,
        "banned_until_ms": error.banned_until_ms if isinstance(error, IpBanned) else None,
    }
    return {name: value for name, value in detail.items() if value is not None}
