"""Write INTENT, the last record before the first byte of a repayment may leave."""

from __future__ import annotations

from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_records import Intent

__all__ = ["write_intent"]


def write_intent(
    journal: Journal,
    account: str,
    plan_id: int,
    intent: Intent,
    now_ms: int,
    *,
    fresh_snapshot: bool,
    again: bool,
) -> None:
    """Make INTENT durable, or its new timestamp if the same attempt was signed anew. Then the request may leave.

    A request is signed anew only after the exchange has refused its first timestamp, so the same attempt goes again
    and no second INTENT is written.

    Args:
        journal: Where INTENT is written.
        account: The account's name in it.
        plan_id: The plan that the attempt belongs to.
        intent: The repayment that is about to be sent.
        now_ms: Now, UTC milliseconds.
        fresh_snapshot: Whether no earlier attempt carries the snapshot of the intent.
        again: Whether INTENT of this attempt is durable already.

    Raises:
        AccountInDoubt: Another attempt of the account is open.
        AccountBusy: Another process has begun an attempt of this plan meanwhile.
        JournalUnusable: It cannot be written, or the attempt was taken for an orphan meanwhile. Nothing may be sent.
    """
    if again:
        journal.attempts.sign_again(intent.id, intent.signed_at_ms)
    else:
        journal.attempts.begin(account, plan_id, intent, now_ms, fresh_snapshot=fresh_snapshot)
