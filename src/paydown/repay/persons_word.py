"""Settle and correct attempts by a person's word."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Protocol

from paydown.errors import InvalidRequest, InvalidRequestType, UnknownAttempt
from paydown.repay.amounts import to_text
from paydown.repay.errors import AccountInDoubt
from paydown.repay.evidence.case import deadline_ms
from paydown.repay.evidence.reconcile import find_orphans
from paydown.repay.execution.commands import Commit, ReadTime, Step
from paydown.repay.execution.plan_report import report_of_settled
from paydown.repay.execution.run_context import Context, Decisions
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_records import AttemptRecord
from paydown.repay.journal.states import AttemptState, PlanState
from paydown.repay.moments import moment

__all__ = [
    "checked_correction",
    "checked_note",
    "checked_word",
    "correct_by_word",
    "known_attempt",
    "settle_by_word",
]


class _ReleasesGuard(Protocol):
    def __call__(self, attempt_id: str, *, executed: bool) -> object: ...


def settle_by_word(
    context: Context,
    attempt_id: str,
    *,
    executed: bool,
    note: str,
    release_guard: _ReleasesGuard,
) -> Decisions[AttemptRecord]:
    """Settle an UNKNOWN attempt by a person's word, which is stored as its evidence. Under the account's lock.

    Args:
        context: The context that every decision needs.
        attempt_id: The attempt.
        executed: Whether it happened.
        note: Which person has looked, and what they saw.
        release_guard: Releases the client's own guard of the attempt.

    Raises:
        AccountInDoubt: It is not UNKNOWN, or it may still act and cannot be called not executed yet.
    """
    journal = context.journal
    yield from find_orphans(context)
    attempt = _attempt(journal, attempt_id)
    if attempt.state is not AttemptState.UNKNOWN:
        raise AccountInDoubt(
            f"Attempt {attempt_id} cannot be settled: it is {attempt.state.value}; only an UNKNOWN one "
            f"can be.{'' if attempt.open else ' If that is wrong, correct it.'}",
            attempt_id=attempt_id,
            journal=str(journal.path),
        )
    if not executed:
        yield from _refuse_early(context, attempt)
    verdict = "PROVEN_EXECUTED" if executed else "PROVEN_NOT_EXECUTED"
    repaid = attempt.intent.expected if executed else Decimal(0)
    body = {"statement": {"executed": executed, "note": note}}
    yield Commit(
        Step.WRITE_EVIDENCE,
        lambda: journal.evidence.prove(attempt_id, verdict, context.now_ms(), body=body, repaid=repaid),
    )
    record = journal.plans.get(context.account, attempt.plan_key)
    if record.state is PlanState.UNDECIDED:
        report = report_of_settled(context, record, attempt)
        yield Commit(
            Step.WRITE_PLAN_STATE,
            lambda: journal.plans.move(record.id, report.state, context.now_ms(), report.to_json()),
        )
    with suppress(UnknownAttempt):  # another client sent it: then no guard of this one holds anything back
        release_guard(attempt_id, executed=executed)
    return _attempt(journal, attempt_id)


def correct_by_word(
    context: Context, attempt_id: str, *, executed: bool, note: str, amount: Decimal | None
) -> Decisions[AttemptRecord]:
    """Append a correction to an attempt that has ended. Under the account's lock.

    Args:
        context: The context that every decision needs.
        attempt_id: The attempt.
        executed: Whether it happened after all.
        note: Which person corrects it, and what they saw.
        amount: How much it repaid, in units of its asset; `None` for what was asked.

    Raises:
        AccountInDoubt: It is open, or it may still act and cannot be called not executed yet.
        InvalidRequest: It counts as that already.
    """
    journal = context.journal
    attempt = _attempt(journal, attempt_id)
    if attempt.open:
        raise AccountInDoubt(
            f"Attempt {attempt_id} is {attempt.state.value}: it is not corrected but settled, by evidence "
            "(reconcile) or on your word.",
            attempt_id=attempt_id,
            journal=str(journal.path),
        )
    moved = Decimal(0)
    if executed:
        moved = attempt.intent.expected if amount is None else amount
    if executed == attempt.paid and moved == attempt.moved:
        raise InvalidRequest(
            f"Attempt {attempt_id} counts as {'' if executed else 'not '}executed already: nothing to correct.",
            parameter="executed",
        )
    if not executed:
        yield from _refuse_early(context, attempt)
    yield Commit(
        Step.WRITE_EVIDENCE,
        lambda: journal.corrections.add(
            attempt_id, context.now_ms(), executed=executed, moved=moved, note=note
        ),
    )
    return _attempt(journal, attempt_id)


def _refuse_early(context: Context, attempt: AttemptRecord) -> Decisions[None]:
    """Refuse a person's word "not executed" while the attempt may still act, on the exchange's own clock.

    The word "executed" is accepted at any time: a mistake there pays too little, not twice.
    """
    intent = attempt.intent
    until = deadline_ms(intent.signed_at_ms, intent.recv_window_ms, context.facts, context.options)
    server_ms = yield from ReadTime().reply()
    if server_ms < until:
        raise AccountInDoubt(
            f"Attempt {attempt.id} may still act until {moment(until)}. Look again after that.",
            attempt_id=attempt.id,
            journal=str(context.journal.path),
        )


def known_attempt(context: Context, attempt_id: str) -> AttemptRecord:
    """Return an attempt of this account.

    Args:
        context: The context that every decision needs.
        attempt_id: The attempt.

    Raises:
        UnknownAttempt: The journal has no such attempt of this account.
    """
    for attempt in context.journal.attempts.since(context.account, 0):
        if attempt.id == attempt_id:
            return attempt
    raise UnknownAttempt(f"No attempt {attempt_id!r} is in {context.journal.path} for this account.")


def checked_word(executed: object, note: object) -> None:
    """Check the parts of a person's word: whether the attempt was executed, and a note.

    Args:
        executed: Whether it happened.
        note: Which person has looked, and what they saw.

    Raises:
        InvalidRequest: The note is empty.
        InvalidRequestType: `executed` is no bool.
    """
    if not isinstance(executed, bool):
        raise InvalidRequestType(
            f"executed is True or False, not {type(executed).__name__}.", parameter="executed"
        )
    checked_note(note)


def checked_note(note: object) -> None:
    """Check that a note holds text.

    Raises:
        InvalidRequest: It is empty or no text.
    """
    if not isinstance(note, str) or not note.strip():
        raise InvalidRequest("A note says who looked and what they saw.", parameter="note")


def checked_correction(
    attempt: AttemptRecord, executed: bool, amount: Decimal | str | None
) -> Decimal | None:
    """Check the amount of a correction, and return how much was repaid, if that is given.

    A person who calls an attempt not executed must type the amount that it asked for, since it will be repaid again.

    Args:
        attempt: The attempt.
        executed: Whether it happened after all.
        amount: The amount that was typed, or "all" for a whole debt.

    Raises:
        InvalidRequest: The amount is none, is not above zero, or is not the one that was asked.
    """
    if executed:
        moved = None if amount is None else _amount(amount)
        if moved is not None and moved <= 0:
            raise InvalidRequest(
                "amount is how much was repaid: above zero. If nothing was, say not executed.",
                parameter="amount",
            )
        return moved
    intent = attempt.intent
    asked = "all" if intent.amount is None else to_text(intent.amount)
    if amount is None or (
        amount != "all" if intent.amount is None else amount == "all" or _amount(amount) != intent.amount
    ):
        raise InvalidRequest(
            f"To say that attempt {attempt.id} was not executed, give the amount that it asked for: "
            f"{'all, for a whole debt' if intent.amount is None else asked}. It will be repaid again.",
            parameter="amount",
        )
    return None


def _attempt(journal: Journal, attempt_id: str) -> AttemptRecord:
    found = journal.attempts.find(attempt_id)
    if found is None:
        raise UnknownAttempt(f"No attempt {attempt_id!r} is in {journal.path}.")
    return found


def _amount(value: object) -> Decimal:
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except InvalidOperation:
            raise InvalidRequest(f"amount is no number: {value!r:.40}.", parameter="amount") from None
    if not isinstance(value, Decimal):
        raise InvalidRequestType(
            f"amount must be Decimal or str, not {type(value).__name__}.", parameter="amount"
        )
    if not value.is_finite():
        raise InvalidRequest(f"amount must be a finite number, not {value}.", parameter="amount")
    return value
