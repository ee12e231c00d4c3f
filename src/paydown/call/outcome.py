"""What one answer says about the debt, decided by the document's tables alone.

    status, headers, body ──read()──> Answered ──judge()──> Verdict: "done" | "no" | "unknown"
                                                   │
                                    refusal() ─────┴───── unknown() make the error that says so

For a call that changes something the order is careful by construction: the first status rule that fits
decides; an exchange code that is itself "unknown" can turn a "no" into "unknown", never the other way round.
A 200 is "done" only if every success rule of the operation holds and no error code stands beside it; a refusal
whose body confirms the call is "unknown". For a read only 200 is an answer.

Texts of the exchange are shortened and cleaned of keys and signatures before they reach an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NoReturn, cast

from paydown.call.retry import retry_after_s
from paydown.errors import (
    AccountRestricted,
    ClockRejected,
    CredentialsRejected,
    ExchangeBusy,
    FirewallBlocked,
    InsufficientFunds,
    IpBanned,
    RateLimited,
    RequestRejected,
    WrongAddress,
)
from paydown_wire.codec import number, whole_number
from paydown_wire.error_codes import BAN, STATUS_OUTCOMES, find_error_code

if TYPE_CHECKING:
    from paydown_wire.error_codes import Category, ErrorCode, Retry, StatusOutcome
    from paydown_wire.operation import Operation

# Enough to recognise a page or an error by; a page of a gateway may have megabytes.
_EXCERPT: Final = 300
_LONGEST_MSG: Final = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete HTTP answer.

    Attributes:
        status: HTTP status.
        headers: Lower-case names; a name that came twice has its values joined by ", ".
        body: The whole body, content encoding removed.
    """

    status: int
    # Neither is shown: a gateway may repeat the request in them, key and signature included.
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class NotJson:
    """The type of `NOT_JSON`: the body is no JSON text."""

    __slots__ = ()


NOT_JSON: Final = NotJson()


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, read.

    Attributes:
        answer: As it came.
        json: Its body as JSON, numbers with a fraction as Decimal; NOT_JSON if it is none.
        code: The exchange's code if the body is an object with an integer `code`, else None.
        msg: The exchange's text if the body is an object with a text `msg`, else None; as it came.
    """

    answer: Answer
    json: object = field(repr=False)
    code: int | None
    msg: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means.

    Attributes:
        executed: "done" (confirmed), "no" (certainly nothing happened) or "unknown".
        category: What kind of trouble it is; None with "done".
        retry: What the document advises; None with "done".
        row: The document's row of the exchange's code, if it has one.
        why: What a 200 lacks to count as done, or what to check first, or "".
    """

    executed: Literal["done", "no", "unknown"]
    category: Category | None = None
    retry: Retry | None = None
    row: ErrorCode | None = None
    why: str = ""


_DONE: Final = Verdict("done")


# --------------------------------------------------------------------------------------------------- read


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


# Infinity and NaN are no JSON, though Python reads them. Ids above 2**53 stay exact. A number of more digits than
# anything is counted with makes the whole answer unreadable, wherever it stands: whoever writes it out would run out of
# memory.
_READER: Final = json.JSONDecoder(parse_float=number, parse_int=whole_number, parse_constant=_no_constant)
# Of two `success` members nobody can say which one holds, so a write must not have two.
_STRICT_READER: Final = json.JSONDecoder(
    parse_float=number, parse_int=whole_number, parse_constant=_no_constant, object_pairs_hook=_once
)
_LARGEST_CODE: Final = 10**9  # the exchange's have at most five digits


def read(answer: Answer, *, strict: bool) -> Answered:
    """Read an answer's body.

    Args:
        answer: The answer.
        strict: Take an object that names a member twice for broken: right for calls that change something.
    """
    try:
        value: object = (_STRICT_READER if strict else _READER).decode(answer.body.decode("utf-8"))
    except (ValueError, RecursionError):
        # RecursionError: a body of a thousand brackets.
        return Answered(answer, NOT_JSON, None, None)
    code: object = None
    msg: object = None
    body: object = value
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        code, msg = members.get("code"), members.get("msg")
    if type(code) is not int or abs(code) > _LARGEST_CODE:
        code = None
    return Answered(answer, body, code, msg if isinstance(msg, str) else None)


# -------------------------------------------------------------------------------------------------- judge


def judge(operation: Operation, answered: Answered, texts: Mapping[str, str]) -> Verdict:
    """Say what an answer to a call means.

    Args:
        operation: The call.
        answered: Its answer, read.
        texts: The parameters that were sent, by wire name: a success rule may compare with one.
    """
    row = None if answered.code is None else find_error_code(answered.code, operation.server)
    rule = _status_rule(answered, listed=row is not None)
    if rule.executed == "see-body":
        if not operation.mutates:
            return _DONE
        why = _missing(operation, answered, texts) or _denied(answered, row)
        return _DONE if not why else Verdict("unknown", rule.category, rule.retry, row, why)
    confirms = operation.mutates and operation.success and not _missing(operation, answered, texts)
    if confirms and rule.executed == "no":
        # A body that confirms what its status denies: nobody can say which of the two is right.
        return Verdict("unknown", "unknown", "never-blindly", row, "its body says that it was executed")
    if row is None or answered.code in rule.overrides_codes:
        why = _ADVICE.get(rule.category, "") if rule.executed == "unknown" else ""
        return Verdict(rule.executed, rule.category, rule.retry, row, why)
    if row.executed == "unknown" or rule.executed == "unknown":
        return Verdict("unknown", "unknown", "never-blindly", row)
    # A ban outlasts whatever else the code says; otherwise the code knows more than the status.
    finer = rule if rule.category == "ban" else row
    return Verdict("no", finer.category, finer.retry, row)


def _status_rule(answered: Answered, *, listed: bool) -> StatusOutcome:
    """The first rule of the document that fits an answer.

    Args:
        answered: The answer, read.
        listed: Whether the document lists its code.
    """
    status = str(answered.answer.status)
    fitting = (status, f"{status[0]}XX", "default")
    for rule in STATUS_OUTCOMES:
        if rule.status not in fitting:
            continue
        if rule.code is not None and rule.code != answered.code:
            continue
        if rule.text is not None and rule.text != _text(answered):
            continue
        # What says "no error" beside a 200 (a code that is neither negative nor listed) says none here either.
        if rule.body == "json-error" and not (listed or (answered.code is not None and answered.code < 0)):
            continue
        if rule.body == "html" and not _is_html(answered.answer.body):
            continue
        if rule.body == "empty" and answered.answer.body:
            continue
        return rule
    raise AssertionError("the document ends its status outcomes with a default")


def _is_html(body: bytes) -> bool:
    return body[:1024].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _text(answered: Answered) -> str | None:
    if answered.json is NOT_JSON:
        return answered.answer.body.decode("utf-8", "replace").strip()
    return None if answered.msg is None else answered.msg.strip()


def _missing(operation: Operation, answered: Answered, texts: Mapping[str, str]) -> str:
    """What a 200 lacks to count as done, or "" if it lacks nothing."""
    body = answered.json
    if body is NOT_JSON:
        return "its body is not JSON" if answered.answer.body else "its body is empty"
    members = cast("dict[str, object]", body) if isinstance(body, dict) else None
    for rule in operation.success:
        if members is None:
            return "its body is not a JSON object"
        if rule.field not in members:
            return f"it has no {rule.field!r}"
        value = members[rule.field]
        if rule.equals_argument is not None:
            if value != texts.get(rule.equals_argument):
                return f"{rule.field!r} is not the one asked for"
        elif rule.type is not None:
            if type(value) is not _JSON_TYPES[rule.type]:
                return f"{rule.field!r} is no {rule.type}"
        elif type(value) is not type(rule.equals) or value != rule.equals:
            # The types are compared, too: 1 equals True in Python, and "true" is no truth.
            return f"{rule.field!r} is not {json.dumps(rule.equals)}"
    return ""


def _denied(answered: Answered, row: ErrorCode | None) -> str:
    """Why a 200 that confirms the call is not believed: it carries an error code as well. Or ""."""
    code = answered.code
    if code is not None:
        return "" if row is None and code >= 0 else f"it carries the error code {code}"
    body: object = answered.json
    members = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    return "" if members.get("code") is None else "it carries a code that is no code of the exchange"


_JSON_TYPES: Final[Mapping[str, type]] = {"integer": int, "string": str, "boolean": bool}


# ------------------------------------------------------------------------------------------------- refusal

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

_ADVICE: Final[Mapping[Category, str]] = {
    "credentials": "Check the key, its IP list and its Portfolio Margin permission.",
    "clock": "Check this machine's clock, or raise recv_window.",
    "busy": "Wait, look at the balance, then decide.",
    "firewall": "Slow down, and change nothing blindly.",
    "wrong-host": "Check the base URL.",
    "wrong-path": "Check the base URL; this path is not served there.",
}

# "Way too much request weight used; IP banned until 1786293621962."
_BANNED_UNTIL: Final = re.compile(r"banned until ([0-9]{13})(?![0-9])")


def banned_until_ms(msg: str | None) -> int | None:
    """The end of a ban, UTC milliseconds, if the exchange's text names one."""
    found = _BANNED_UNTIL.search(msg or "")
    return None if found is None else int(found[1])


def refusal(
    operation: Operation,
    answered: Answered,
    verdict: Verdict,
    *,
    now_ms: int,
    sent_at_ms: int | None,
    clean: Cleaner,
) -> RequestRejected:
    """The error for an answer which says that nothing was executed.

    Args:
        operation: The call.
        answered: Its answer, read.
        verdict: What `judge` said.
        now_ms: Now, UTC milliseconds on the exchange's clock: bans and pauses count from here.
        sent_at_ms: When the request was signed, or None if it was not.
        clean: Takes secrets out of texts.
    """
    answer, row = answered.answer, verdict.row
    category = verdict.category or "request"
    msg = clean(answered.msg)
    banned = banned_until_ms(answered.msg)
    if banned is not None and category == "rate-limit":
        category = "ban"
    advice = _ADVICE.get(category, "")
    if row is not None and row.name == "INVALID_SIGNATURE":
        advice = "Check the secret or private key: it is not the one that belongs to this API key."
    wait_s = 0.0
    if category in ("rate-limit", "ban"):
        asked = retry_after_s(answer.headers, now_ms=now_ms)
        if category == "rate-limit":
            wait_s = asked if asked is not None else BAN.pause_after_429_ms / 1000
            advice = f"Wait {wait_s:g} s before anything else is sent."
        else:
            if banned is not None:
                wait_s = min(max(0.0, (banned - now_ms) / 1000), BAN.maximum_ms / 1000)
            wait_s = (
                max(wait_s, asked or 0.0)
                if banned is not None or asked is not None
                else BAN.minimum_ms / 1000
            )
            advice = f"Stop all traffic of this IP for {wait_s:.0f} s."
    nothing = "nothing was executed" if operation.mutates else "no answer was given"
    error = REFUSALS[category](
        " ".join(
            part
            for part in (f"{operation.name} was refused, {nothing}: {_said(answered, row, msg)}.", advice)
            if part
        ),
        operation=operation.name,
        status=answer.status,
        code=answered.code,
        code_name=None if row is None else row.name,
        msg=msg,
        headers=clean.headers(answer.headers),
        sent_at_ms=sent_at_ms,
    )
    if verdict.retry is not None:
        error.retry = verdict.retry
    if isinstance(error, RateLimited):
        error.retry_after_s = wait_s
    if isinstance(error, IpBanned):
        error.banned_until_ms = now_ms + int(wait_s * 1000)
    return error


def described(answered: Answered, verdict: Verdict, clean: Cleaner) -> str:
    """What an answer that decides nothing looked like, in one clause."""
    said = _said(answered, verdict.row, clean(answered.msg))
    return f"{said}: {verdict.why.rstrip('.')}" if verdict.why else said


def _said(answered: Answered, row: ErrorCode | None, msg: str | None) -> str:
    parts = [f"HTTP {answered.answer.status}"]
    if answered.code is not None:
        parts.append(f"{answered.code} {row.name}" if row is not None else str(answered.code))
    if msg:
        parts.append(f'"{msg if len(msg) <= 160 else msg[:159] + "…"}"')
    return ", ".join(parts)


# ------------------------------------------------------------------------------------------------- secrets

# Text that looks like a signature or key, whoever sent it: an echoed form, an echoed JSON body, an echoed
# header.
_LOOKS_SECRET: Final = re.compile(
    r"""(signature|x-mbx-apikey|api[-_]?key|listen[-_]?key|secret)(["']?\s*(?:=|%3D|:)\s*["']?)([^\s"'&<>,;}]+)""",
    re.IGNORECASE,
)
# Controls, marks that reorder what a terminal shows, and halves of letters, which no terminal can write.
_CONTROLS: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]+"
)


# A text that is cut short, or wrapped, holds a part of a secret: a run of so many of its characters is no chance.
_RUN: Final = 16
# Only these: what other alphabets make of a letter can be longer than it was.
_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class Cleaner:
    """Takes the secrets of one request, and every longer run of their characters, out of texts of the other side, and
    shortens them."""

    __slots__ = ("_runs", "_secrets")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = [secret for secret in secrets if len(secret) >= 8]
        # An echo may change the case, in which a hexadecimal signature stays valid, or escape it for JSON.
        known += [secret.replace("/", r"\/") for secret in known if "/" in secret]
        self._secrets = re.compile("|".join(map(re.escape, known)), re.IGNORECASE) if known else None
        lower = [secret.translate(_LOWER) for secret in known]
        self._runs = frozenset(
            secret[at : at + _RUN] for secret in lower for at in range(len(secret) - _RUN + 1)
        )

    def __call__(self, text: str | None, longest: int = _LONGEST_MSG) -> str | None:
        """The text without secrets and control characters, at most `longest` characters."""
        if text is None:
            return None
        # Far more than is kept, so that no secret is cut in half before it is recognised.
        text = text[: longest + 8192]
        if self._secrets is not None:
            text = self._without_runs(self._secrets.sub("[removed]", text))
        text = _CONTROLS.sub(" ", _LOOKS_SECRET.sub(r"\1\2[removed]", text)).strip()
        return text if len(text) <= longest else f"{text[: longest - 1]}…"

    def _without_runs(self, text: str) -> str:
        lower = text.translate(_LOWER)
        kept: list[str] = []
        at = done = 0
        while at + _RUN <= len(lower):
            if lower[at : at + _RUN] not in self._runs:
                at += 1
                continue
            kept += [text[done:at], "[removed]"]
            while lower[at : at + _RUN] in self._runs:
                at += 1
            at = done = at + _RUN - 1
        return "".join([*kept, text[done:]])

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers without cookies, each value cleaned."""
        return {name: self(value) or "" for name, value in headers.items() if name != "set-cookie"}

    def excerpt(self, body: bytes) -> str:
        """The start of a body, as text."""
        return self(body[: 4 * _EXCERPT + 8192].decode("utf-8", "replace"), _EXCERPT) or ""
