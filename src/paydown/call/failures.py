"""The errors of calls: what each failure proves, in words, with the facts that a program may need.

Nothing here decides. `outcome` decides what an answer proves, `call` decides what happens next; this module builds the
error that goes with the decision. Every text of the exchange passes through the request's `Redactor` first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from paydown.call.outcome import ADVICE
from paydown.call.retry import retry_after_s
from paydown.errors import (
    AccountRestricted,
    AttemptRefused,
    ClockRejected,
    ConnectionFailed,
    CredentialsRejected,
    ExchangeBusy,
    FirewallBlocked,
    InsufficientFunds,
    IpBanned,
    OutcomeUnknown,
    RateLimited,
    ReadFailed,
    RequestRejected,
    WrongAddress,
)
from paydown.transport.channel import NotSent
from paydown_wire.error_codes import BAN
from paydown_wire.operation import DecodeError

if TYPE_CHECKING:
    from paydown.call.answer import ParsedAnswer
    from paydown.call.attempts import Attempt
    from paydown.call.outcome import AnswerOutcome
    from paydown.call.request import Prepared
    from paydown.errors import PaydownError
    from paydown.redaction import Redactor
    from paydown_wire.error_codes import Category, ErrorCode
    from paydown_wire.operation import Operation

# The class of the error, by the category of the failure.
REFUSALS: Final[Mapping[Category, type[RequestRejected]]] = {
    "request": RequestRejected,
    "credentials": CredentialsRejected,
    "clock": ClockRejected,
    "rate-limit": RateLimited,
    "ban": IpBanned,
    "busy": ExchangeBusy,
    "firewall": FirewallBlocked,
    "wrong-host": WrongAddress,
    "wrong-path": WrongAddress,
    "funds": InsufficientFunds,
    "account-state": AccountRestricted,
    "unknown": RequestRejected,
}

# The exchange's text of a ban, such as "Way too much request weight used; IP banned until 1786293621962."
_BANNED_UNTIL: Final = re.compile(r"banned until ([0-9]{13})(?![0-9])")


def banned_until_ms(msg: str | None) -> int | None:
    """Return the end of a ban, UTC milliseconds, if the exchange's text names one."""
    found = _BANNED_UNTIL.search(msg or "")
    return None if found is None else int(found[1])


def refusal(
    operation: Operation,
    answered: ParsedAnswer,
    outcome: AnswerOutcome,
    *,
    now_ms: int,
    sent_at_ms: int | None,
    redact: Redactor,
) -> RequestRejected:
    """Return the error for an answer which proves that nothing was executed.

    Args:
        operation: The operation that was called.
        answered: Its answer.
        outcome: The outcome of the answer, by `answer_outcome`.
        now_ms: Now, UTC milliseconds on the exchange's clock: bans and pauses count from here.
        sent_at_ms: When the request was signed, or None if it was not.
        redact: Removes secrets from texts.
    """
    row = outcome.row
    category = outcome.category or "request"
    banned_until = banned_until_ms(answered.msg)
    if banned_until is not None and category == "rate-limit":
        category = "ban"
    advice = ADVICE.get(category, "")
    if row is not None and row.name == "INVALID_SIGNATURE":
        advice = "Check the secret or private key: it is not the one that belongs to this API key."
    wait_s = _pause_s(answered, category, banned_until, now_ms)
    if category == "rate-limit":
        advice = f"Wait {wait_s:g} s before anything else is sent."
    elif category == "ban":
        advice = f"Stop all traffic of this IP for {wait_s:.0f} s."
    nothing = "nothing was executed" if operation.mutates else "no answer was given"
    summary = _summary(answered, row, redact(answered.msg))
    text = f"{operation.name} was refused, {nothing}: {summary}."
    error = REFUSALS[category](
        f"{text} {advice}" if advice else text,
        operation=operation.name,
        status=answered.answer.status,
        code=answered.code,
        code_name=None if row is None else row.name,
        msg=redact(answered.msg),
        headers=redact.headers(answered.answer.headers),
        sent_at_ms=sent_at_ms,
    )
    if outcome.retry is not None:
        error.retry = outcome.retry
    if isinstance(error, RateLimited):
        error.retry_after_s = wait_s
    if isinstance(error, IpBanned):
        error.banned_until_ms = now_ms + int(wait_s * 1000)
    return error


def _pause_s(answered: ParsedAnswer, category: Category, banned_until: int | None, now_ms: int) -> float:
    """Return for how long a limit or a ban asks to send nothing, seconds; 0 in any other category."""
    if category not in ("rate-limit", "ban"):
        return 0.0
    asked = retry_after_s(answered.answer.headers, now_ms=now_ms)
    if category == "rate-limit":
        return asked if asked is not None else BAN.pause_after_429_ms / 1000
    if banned_until is None and asked is None:
        return BAN.minimum_ms / 1000
    left = (
        0.0 if banned_until is None else min(max(0.0, (banned_until - now_ms) / 1000), BAN.maximum_ms / 1000)
    )
    return max(left, asked or 0.0)


def described(answered: ParsedAnswer, outcome: AnswerOutcome, redact: Redactor) -> str:
    """Describe an answer that proves nothing, in one clause.

    Args:
        answered: The answer.
        outcome: The outcome of the answer, by `answer_outcome`.
        redact: Removes secrets from texts.
    """
    summary = _summary(answered, outcome.row, redact(answered.msg))
    return f"{summary}: {outcome.why.rstrip('.')}" if outcome.why else summary


def _summary(answered: ParsedAnswer, row: ErrorCode | None, msg: str | None) -> str:
    parts = [f"HTTP {answered.answer.status}"]
    if answered.code is not None:
        parts.append(f"{answered.code} {row.name}" if row is not None else str(answered.code))
    if msg:
        parts.append(f'"{msg if len(msg) <= 160 else msg[:159] + "…"}"')
    return ", ".join(parts)


def not_connected(operation: Operation, prepared: Prepared, error: NotSent) -> ConnectionFailed:
    """Return the error for a request of which no byte was written.

    Args:
        operation: The operation that was called.
        prepared: The request.
        error: Why nothing was written.
    """
    return ConnectionFailed(
        f"{operation.name} was not sent: no connection to {prepared.outgoing.address.origin}"
        f" ({prepared.redactor()(str(error))})."
        " Nothing left this machine; calling again is safe.",
        operation=operation.name,
    )


def refused_by_observer(attempt: Attempt, error: Exception) -> AttemptRefused:
    """Return the error for an observer that failed before anything was sent.

    Args:
        attempt: The attempt.
        error: The exception of the observer.
    """
    return AttemptRefused(
        f"{attempt.operation} was not sent: its observer failed ({type(error).__name__}). Repair that first.",
        operation=attempt.operation,
    )


def unknown(
    attempt: Attempt,
    prepared: Prepared,
    answered: ParsedAnswer | None,
    why: str,
    outcome: AnswerOutcome | None = None,
) -> OutcomeUnknown:
    """Return the error for a call that may have been executed.

    Args:
        attempt: The attempt, which stays open.
        prepared: Its request.
        answered: Its answer, or None if none came.
        why: Why the outcome is unknown, in one clause.
        outcome: The outcome of the answer, by `answer_outcome`.
    """
    of = f" of {attempt.asset}" if attempt.asset is not None else ""
    redact = prepared.redactor()
    error = OutcomeUnknown(
        f"{attempt.operation}{of} may have happened: attempt {attempt.id}, {redact(why)}."
        f" Do not send it again. Look at the balance{of}, then call"
        f" settle({attempt.id!r}, executed=True) or executed=False."
    )
    _add_facts(error, attempt.operation, prepared, answered, outcome)
    error.attempt_id = attempt.id
    error.reason = redact(why) or ""
    error.excerpt = "" if answered is None else redact.excerpt(answered.answer.body)
    return error


def read_failed(
    operation: Operation,
    prepared: Prepared,
    answered: ParsedAnswer | None,
    why: str,
    *,
    tries: int,
    outcome: AnswerOutcome | None = None,
) -> ReadFailed:
    """Return the error for a read without a usable answer.

    Args:
        operation: The operation that was called.
        prepared: Its last request.
        answered: Its answer, or None if none came.
        why: Why the answer is not usable, in one clause.
        tries: How many requests were made.
        outcome: The outcome of the answer, by `answer_outcome`.
    """
    redact = prepared.redactor()
    error = ReadFailed(
        f"{operation.name} has no usable answer after {tries} request(s): {redact(why)}."
        " Nothing was changed; calling again is safe."
    )
    _add_facts(error, operation.name, prepared, answered, outcome)
    error.tries = tries
    error.excerpt = "" if answered is None else redact.excerpt(answered.answer.body)
    return error


def retries_exhausted(
    operation: Operation, failure: PaydownError, prepared: Prepared, *, may_have_left: bool, tries: int
) -> PaydownError:
    """Choose the error to raise when retries are exhausted.

    Args:
        operation: The operation that was called.
        failure: The last failure.
        prepared: The last request.
        may_have_left: Whether any request may have left this machine.
        tries: How many requests were made.

    Returns:
        The last failure if it is RateLimited or ReadFailed, or if no request left; otherwise a ReadFailed that is
        chained to it.
    """
    if isinstance(failure, (RateLimited, ReadFailed)) or not may_have_left:
        return failure
    error = read_failed(operation, prepared, None, f"the last time because: {failure}", tries=tries)
    error.status, error.code, error.code_name = failure.status, failure.code, failure.code_name
    error.msg, error.headers = failure.msg, failure.headers
    error.__cause__ = failure
    return error


def _add_facts(
    error: PaydownError,
    operation: str,
    prepared: Prepared,
    answered: ParsedAnswer | None,
    outcome: AnswerOutcome | None,
) -> None:
    """Give an error the facts of its request and answer."""
    error.operation = operation
    error.sent_at_ms = prepared.sent_at_ms
    if answered is not None:
        redact = prepared.redactor()
        error.status, error.code = answered.answer.status, answered.code
        error.msg, error.headers = redact(answered.msg), redact.headers(answered.answer.headers)
    if outcome is not None and outcome.row is not None:
        error.code_name = outcome.row.name


def left_nothing(error: BaseException) -> bool:
    """Return whether an interrupt came before a connection stood, so that nothing has left this machine.

    The channel marks such an interrupt with `NotSent` as its cause. Anything less certain stays unknown.
    """
    return not isinstance(error, Exception) and isinstance(error.__cause__, NotSent)


def redacted(error: Exception, prepared: Prepared) -> Exception:
    """Return an error of a decoder without the parts of the request that it repeats from the answer.

    A traceback shows the cause of an error, so the cause must hold no secret either.

    Args:
        error: The exception of the decoder; an error of another kind is returned as it is.
        prepared: The request, which knows its secrets.
    """
    if not isinstance(error, DecodeError):
        return error
    redact = prepared.redactor()
    return DecodeError(redact(error.path) or "", redact(error.reason) or "")
