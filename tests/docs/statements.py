"""Hold what sentences state about the exchange to the fields of the document.

A statement is a piece of a sentence with places in it, each named after a fact:

    "lie at most {d:window} apart"      a duration: 30 days, 2 minutes, an hour, 5000 ms
    "weighs {n:repayDebt.weight}"       a number: 3000, 3,000, two
    "signature missing {c:codes.missing}"   an error code: -1102

The fact is looked up in what the sentence is about (its operation, parameter or field), or, with a full name, anywhere
in the document. A sentence that states what its subject has no field for is as wrong as one that states another number.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, cast

from paydown.repay import Options
from paydown_sandbox.books import exact_amounts as amounts
from paydown_sandbox.books.history import LINES_IN_MEMORY
from paydown_sandbox.request_log import RequestLog
from paydown_sandbox.serving.control.control_requests import LARGEST_CONTROL_BODY
from tests.docs.prose import Passage, contract, operations

_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10}
_DAY_MS = 86_400_000
_UNITS = {"ms": 1, "millisecond": 1, "s": 1000, "second": 1000, "min": 60_000, "minute": 60_000}
_UNITS.update({"hour": 3_600_000, "day": _DAY_MS, "month": 0})
NUMBER = rf"(?:\b\d+(?:,\d{{3}})*(?:\.\d+)?|\b(?:{'|'.join(_WORDS)})\b)"
DURATION = (
    rf"(?:(?:{NUMBER}|an?|a full) ?)?(?:milliseconds?|ms|seconds?|s|minutes?|min|hours?|days?|months?)\b"
)
# A number with the unit of a fact, wherever it stands in prose that is written by hand.
QUANTITY = re.compile(
    r"\b(?:[Ww]eigh(?:t|s)(?: of)?|[Ww]indow of|[Dd]efault|[Ww]eight is) \d[\d,]*\b"
    rf"|\b{NUMBER} ?(?:USD|ms|milliseconds?|s|seconds?|min|minutes?|hours?|days?|months?|digits|(?:a|per) minute)\b"
    r"|\b(?:an|a full|every full) (?:hour|day|minute|month)\b|\b(?:for|a second) a?(?:day|hour|ahead)\b|\b24th\b"
)

# What the document, the generated docstrings and the pages state, each with the fields that it must agree with.
STATEMENTS = (
    # windows and pages of lists
    "lie at most {d:window} apart",
    "at most {d:window} before `(?:endTime|end_time)`",
    "at most {d:window} apart, else {c:window.code}",
    "clipped to the last {d:window}",
    "(?<!SAPI: the )(?:window|span) (?:is |that is )?longer than {d:window}",
    "SAPI: the window is longer than {d:capitalFlow.window}",
    "(?:[Ww]ithout (?:`(?:txId|tx_id)` and )?times, |answered with |no times? )the last {d:window.default}",
    "the {d:window.default} before it",
    "[Aa]bout {d:kept} are kept",
    "older than {d:archive}(?<=months)",
    "[Dd]efault {n:default}, at most {n:maximum}",
    "Page, counted from {n:minimum}\\.(?: Default {n:default}\\.)?",
    "From {n:minimum} to {n:maximum}\\.",
    "(?:at|At) most {n:fraction-digits} (?:fraction )?digits(?! before)",
    "At most {n:max-items}, no duplicates",
    # weights and limits
    "Weight {n:weight} of {n:weight.limit} per {d:weight.interval}, counted per",
    "counted per \\w+; {n:weight.when} with `asset`",
    "weight of {n:weight} instead of {n:weight.when}",
    "weight of {n:weight} charged",
    "Documented as {n:weight.documented}, measured as {n:weight.observed}\\.",
    "print {n:weight.documented}, the header counted {n:weight.observed} twice live\\. Charge {n:weight}\\.",
    "{n:weight} exceeds the whole budget of {n:limits.orders} orders per minute",
    "Charge {n:weight} of the {n:limits.ip-weight} IP weight: {n:repayDebt.per-window} calls fill a minute",
    "Printed as {n:weight}\\(IP\\)",
    "{c:known} cost {n:weight} live",
    "The limit is {n:limit}(?: per path)?\\.",
    "At most {n:cap.limit} calls per {d:cap.interval}",
    "{n:repayDebt.cap} USD(?= of value| cap|\\.|, has no|\\?)",
    "[Ww]eighs {n:repayDebt.weight}, and {n:limits.ip-weight} fit into a minute",
    "snapshot weighs {n:accountBalance.weight} and a repayment {n:repayDebt.weight} of {n:limits.ip-weight} a minute",
    "{n:repayDebt.weight} \\+ {n:accountBalance.weight} and {n:repayDebt.weight} exceed {n:limits.ip-weight} a minute",
    "(?<!next )(?<![\\d,]){n:repayDebt.per-window} (?:repayments )?(?:fill )?a minute(?<!000 a minute)",
    "repayments go out at once, the next {n:repayDebt.per-window} a minute later",
    # time
    "recvWindow above {n:recv.maximum}",
    "is {d:recv.default} and at most {n:recv.maximum}",
    "a window of {d:recv.default}",
    "{d:tolerance} or more ahead",
    "(?:timestamp is|ahead is fatal after) {d:tolerance}(?: ahead)?",
    "serverTime \\+ {n:tolerance}",
    "Twice the {d:tolerance} by which the exchange lets a timestamp run ahead",
    "^{n:recv.minimum}\\. A window of 0",
    "the document's: {d:timeout.connect} until a connection stands \\([^)]*\\), {d:timeout.answer} from",
    "answer_timeout_s: Instead of the document's {d:timeout.answer}, for every call",
    "connect_timeout_s: Instead of the document's {d:timeout.connect}, for every call",
    # the listen key and its stream
    "key (?:that )?lives (?:for )?{d:key.lifetime}",
    "its {d:key.lifetime} (?:restart|starts over)",
    "^The {d:key.lifetime} (?:restart|starts over)",
    "by {d:key.lifetime}\\.",
    "about every {d:key.lifetime}, which is the lifetime itself: call every {d:key.keep-alive} or sooner",
    "{n:key.length} characters, valid for {d:key.lifetime}",
    "{n:stream-events} objects, distinguished",
    "connection lives at most {d:connection.lifetime}",
    "pings every {d:server-ping} and gives up after {m:pong} without a pong",
    # refusals and bans
    "banned, from {d:ban.minimum} to {d:ban.maximum}",
    "(?:wait|pause|otherwise pause|else) {d:ban.pause}(?<=minute)",
    "otherwise {c:known}",
    "Seen: {c:known}\\.",
    "Undocumented: {n:questions} questions?;",
    "The code names the reason; {c:capitalFlow.known} means a window",
    "a repeat may answer {c:keepAliveUserDataStream.known}",
    "rejects it with {c:answer}",
    "Classic margin has {c:answer}(?=[,.] )",
    "with it; {c:answer} fits",
    "^{c:answer} exists for a pending",
    "comes with {c:answer}",
    "is an error \\({c:codes.duplicate}\\)",
    "answered with {c:codes.key}",
    "signature does not fit the bytes {c:codes.signature}",
    "missing or malformed {c:codes.key-format}",
    "address or permission {c:codes.key}",
    "parameters sent twice {c:codes.duplicate}",
    "signature missing {c:codes.missing}",
    "too far ahead {c:codes.time}",
    "is refused \\({c:codes.time}\\)",
    "timestamp \\({c:codes.time} or",
    # the sandbox's own bounds
    "body is larger than {n:sandbox.body-mib} MiB",
    "The last {n:sandbox.entries} entries at most",
    "The last {n:sandbox.requests} requests at most",
    "[Dd]efault (?=\\d){n:default}(?=\\.)",
    "at most {n:sandbox.digits-before} digits before the point and {n:sandbox.digits-after} after",
    # how the engine waits: its own numbers, in one place as the defaults of its options
    "The same {d:options.settle_ms}, for the same reason",
    "classic margin guidance\\); {d:options.settle_ms} is 150 times",
    "`Options.settle_ms` \\({d:options.settle_ms}\\)",
    "comes at least {d:options.quiet_ms}",
    "older than {d:options.base_max_age_ms} \\(`Options",
    "waits until {d:options.not_before_ms} after the timestamp",
    "and {d:options.not_before_late_ms} where a late execution",
    "is shown, {d:options.not_before_ms} after its timestamp",
    "more than {d:options.edge_ms} inside",
    "two snapshots at least {d:options.looks_apart_ms} apart",
    "lists were read {d:options.records_lag_ms} later",
    "stands in a list after {d:options.records_lag_ms}",
    "next snapshot, {d:options.quiet_ms} after it",
    "each one waits {d:options.quiet_ms} before it is verified",
    "then after {d:options.look_again_ms.0}, {d:options.look_again_ms.1}, {d:options.look_again_ms.2}, "
    "{d:options.look_again_ms.3} and {d:options.look_again_ms.4} \\(`Options",
    "from {d:options.edge_ms} before the first snapshot to {d:options.edge_ms} after",
)
# Numbers that are part of a name or of an exact text.
NAMES = re.compile(
    r"/[ps]api/\S+|base64|Ed25519|SHA-?256|PKCS\S*|UTF-8|2\^53|\b[45]\d{0,2}x+\b|\b[45]XX\b|\b20\d\d-\d\d-\d\d\b|\b[SC]\d\b|https?://\S+"
)
# What no field of the document holds, and why none does.
UNHELD = {
    "-2015 appends the caller's IP": "the text of a refusal, which the document calls unstable",
    "on after a 429|spent \\(429\\)|given ms \\(418\\)": "HTTP statuses, the responses of the same number",
    "Elsewhere 202 means|Another 404 is|A code such as 200, which means no error with HTTP 200": "HTTP statuses",
    "1xx and 2xx": "families of HTTP statuses",
    "the error list calls it -1001|Seen with -2015|Classic margin: like 5100[67]": "codes, each in the table",
    "Does a 429 or 418 carry": "two HTTP statuses",
    "^400, as seen": "an HTTP status; `sandbox-default` beside it is held by the pages of choices",
    "-1101, -1103, -1104 and -1106 exist": "that these exist is all it states; each must be in the table of codes",
    "code -1008 mean that nothing was executed": "held by x-status-outcomes, see test_the_outcomes_of_a_503",
    "it is also the text of -1001": "held by x-status-outcomes, see test_the_outcomes_of_a_503",
    "0 has been seen": "an observation of one field",
    "Seen with 9 fraction digits": "an observation; more digits may come",
    "one charge is 1/24 of it|the charge of one hour": "hours of a day",
    "2026 catalog|catalog of 2026": "the year of an edition",
    "SDK 12\\.1\\.0 \\(August 2026\\)|SDK since 1\\.7\\.0": "the version of another program",
    "crawl of November 2025|^August 2026, asset=\\w+(?:, amount=5)?": "the date and the request of an observation",
    "(?:What happens to an `amount` of|Never send|A window of) 0": "zero itself",
    "Repay 0\\.1 BNB with USDT": "the request of the sample beside it",
    "the last 60 seconds": "a minute that slides, which `window: undocumented` leaves open",
    "first ten seconds": "an arithmetic remark about our own clock",
    "normally ends within 100 ms": "classic margin guidance, which this document does not hold",
    "a snapshot five seconds old, (?:and )?two clocks two (?:seconds )?apart": "the parts of `edge_ms`",
    "debt 1,000,000 USD, limit 49,000 USD ──▶ 21 pieces of 47,619 USD": "an example, held by the planner's own tests",
    "Calculate with 60 digits": "precision of our own",
    "two digits, thousands apart: `49,000\\.00 USD`": "how we write money",
    "\\(200, 400, 800 ms after 503\\)": "the vendor's advice, which the retries follow on their own terms",
    "would take 30 ms": "measured here",
    "(?:every full hour )?a 24th of (?:it at every full hour|the daily rate)": "an hour's share of a day",
    "without one every full hour costs a 24th of the daily rate": "an hour's share of a day",
    "charged a 24th of its rate at every full hour": "an hour's share of a day",
    "negative balance at a full hour": "when the sandbox treats balances",
    "twice, 50 ms apart": "the contract tool's own pause",
    "entries of one millisecond come in the order": "the order of a queue",
    "at least 8 digits after the point": "how the sandbox writes amounts; the scale varies live",
    "ccxt waits 150 s|time-out is one second; repay-debt has been seen to take 0\\.8 s": "other programs, measured",
    "got lost: 20 seconds|\\| [\\d.]+ s \\| <=? [\\d.]+ \\| met": "measured here, written by `make bench`",
    "nearer than three seconds": "the contract tool's own margin",
    "more than 4 s apart": "twice `Options.clock_slack_ms`",
    "\\(from 3 s before its timestamp to 42 s after\\)": "worked out of several options by reconcile",
    "about every ten minutes": "the clock's own pace",
    "last moments|For banned_418|OpenAPI 3\\.1": "names",
    "over 15 % worse": "the vendor's own words about another call",
}
# Sums that a sentence shows are worked out.
_SUM = re.compile(r"(\d+(?:\.\d+)?) x (\d+(?:\.\d+)?)(?: / (\d+))? = (\d+(?:\.\d+)?)")


# Every statement holds a digit, a number in words or a unit of time: most passages hold none and are not searched.
_MAY_STATE = re.compile(rf"\d|\b(?:{'|'.join(_WORDS)}|(?:second|minute|hour|day|month)s?)\b")


class NoSuchFact(LookupError):
    """The subject of a sentence has no field for what the sentence states."""


@dataclass(frozen=True)
class Found:
    """A statement in a passage: where it stands, and what is wrong with it."""

    start: int
    end: int
    wrong: str


def statements_in(passage: Passage) -> Iterator[Found]:
    """Yield every statement of a passage, with its contradiction to the document, if any."""
    if not _MAY_STATE.search(passage.text):
        return
    for pattern, names in _patterns():
        for match in pattern.finditer(passage.text):
            wrong: list[str] = []
            for group, (kind, name) in names.items():
                stated = match[group]
                if stated is None:
                    continue
                try:
                    facts = _fact(name, passage)
                except NoSuchFact:
                    wrong.append(f"{stated!r}: nothing in the document is its {name}")
                    continue
                if _read(kind, stated) not in facts:
                    wrong.append(f"{stated!r}: {name} is {sorted(map(str, facts))}")
            yield Found(match.start(), match.end(), "; ".join(wrong))
    for match in _SUM.finditer(passage.text):
        product = Decimal(match[1]) * Decimal(match[2]) / Decimal(match[3] or 1)
        right = Decimal(match[4])
        same = product.quantize(right) == right
        yield Found(match.start(), match.end(), "" if same else f"{match[0]}: it is {product}")


def patterns() -> list[re.Pattern[str]]:
    """Return the pattern of every statement."""
    return [pattern for pattern, _ in _patterns()]


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], dict[str, tuple[str, str]]], ...]:
    shapes = {"n": NUMBER, "d": DURATION, "m": NUMBER, "c": r"-?\d{4,5}"}
    found: list[tuple[re.Pattern[str], dict[str, tuple[str, str]]]] = []
    for statement in STATEMENTS:
        names: dict[str, tuple[str, str]] = {}

        def place(match: re.Match[str], names: dict[str, tuple[str, str]] = names) -> str:
            group = f"g{len(names)}"
            names[group] = (match[1], match[2])
            return f"(?P<{group}>{shapes[match[1]]})"

        found.append((re.compile(re.sub(r"\{([ndmc]):([\w.-]+)\}", place, statement)), names))
    return tuple(found)


def _read(kind: str, text: str) -> object:
    if kind == "c":
        return int(text)
    if kind == "m":  # minutes, where the unit stands further ahead in the sentence
        return _number(text) * _UNITS["minute"]
    words = text.replace(",", "").split()
    if kind == "n":
        return _number(words[0])
    whole = re.fullmatch(rf"(?:({NUMBER}|an?|a full) ?)?([a-z]+?)s?|({NUMBER}) ?(ms|s)", " ".join(words))
    assert whole is not None, text
    count, unit = (whole[1], whole[2]) if whole[2] else (whole[3], whole[4])
    if text.endswith("ms"):
        unit = "ms"
    elif re.search(r"(?:^|\d ?)s$", text):
        unit = "s"
    number = Decimal(1) if count in (None, "a", "an", "a full") else _number(count)
    return f"{number} months" if unit == "month" else number * _UNITS[unit]


def _number(text: str) -> Decimal:
    return Decimal(_WORDS[text]) if text in _WORDS else Decimal(text.rstrip("."))


# ------------------------------------------------------------------------------------ facts


def _fact(name: str, passage: Passage) -> set[object]:
    operation: Mapping[str, Any] = passage.operation
    first, _, rest = name.partition(".")
    if first in operations():
        operation, name = operations()[first], rest
    for lookup in (_of_the_protocol, _of_the_node, _of_the_operation):
        subject = passage.node if lookup is _of_the_node else operation
        try:
            value = lookup(name, subject)
        except (KeyError, IndexError, TypeError):
            continue
        if value is not None:
            return _set_of(value)
    if not operation and name.partition(".")[0] in ("window", "archive"):
        # A sentence about lists in general: it must hold for each list that comes in pages.
        paged = [o for o in operations().values() if o.get("x-pagination", {}).get("style") == "page"]
        found: list[Any] = [_of_the_operation(name, one) for one in paged]
        if name == "window.code":
            found = [
                {row["sandbox-answer"]["code"]}
                for o in paged
                for row in o["x-undocumented"]
                if row["id"] == "window-too-long"
            ]
        facts = [_set_of(one) for one in found]
        if facts:
            return {one for one in facts[0] if all(one in other for other in facts)}
    raise NoSuchFact(name)


def _set_of(value: Any) -> set[object]:
    return set(cast("set[object]", value)) if isinstance(value, set) else {_plain(value)}


def _plain(value: object) -> object:
    return (
        Decimal(str(value))
        if isinstance(value, int | str | Decimal) and not isinstance(value, bool)
        else value
    )


def _of_the_node(name: str, node: Mapping[str, Any]) -> Any:
    schema = node.get("schema", node)
    if name == "fraction-digits":
        return schema["x-decimal"]["max-fraction-digits"]
    if name == "max-items":
        return schema["maxItems"]
    if name in ("default", "minimum", "maximum"):
        return schema[name]
    if name == "limit":
        return contract()["x-limits"][node["x-limit"]]["limit"]
    if name == "answer":
        return {node["sandbox-answer"]["code"]}
    return None


def _of_the_operation(name: str, operation: Mapping[str, Any]) -> Any:
    weight, pages = operation.get("x-weight", {}), operation.get("x-pagination", {})
    limit = contract()["x-limits"][weight.get("budget", "ip-weight")]
    caps = operation.get("x-caps", [])
    match name:
        case "weight":
            return weight["value"]
        case "weight.documented" | "weight.observed":
            return weight[name.partition(".")[2]]
        case "weight.when":
            return weight["when"][0]["value"]
        case "weight.limit":
            return limit["limit"]
        case "weight.interval":
            return limit["interval-ms"]
        case "per-window":
            return limit["limit"] // weight["value"]
        case "window":
            return _span(pages["window"]["max-ms"])
        case "window.default":
            return pages["window"]["default-ms"]
        case "kept":
            return pages["kept-ms"]
        case "archive":
            return {f"{pages['archive']['older-than-months']} months"}
        case "cap":
            return next(cap["limit"] for cap in caps if cap["kind"] == "value")
        case "cap.limit":
            return next(cap["limit"] for cap in caps if cap["kind"] == "rate")
        case "cap.interval":
            return next(cap["interval-ms"] for cap in caps if cap["kind"] == "rate")
        case "questions":
            return len(operation["x-undocumented"])
        case "known":
            return {row["code"] for row in operation["x-known-errors"]}
        case "fraction-digits":
            return operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"][
                "properties"
            ]["amount"]["x-decimal"]["max-fraction-digits"]
        case _:
            return None


def _span(ms: int) -> set[object]:
    """Return the span as milliseconds, and as calendar months if it is the shortest run of so many."""
    lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] * 2
    shortest = {n: min(sum(lengths[start : start + n]) for start in range(12)) for n in range(1, 7)}
    exact: set[object] = {Decimal(ms)}
    return exact | {f"{n} months" for n, days in shortest.items() if days * _DAY_MS == ms}


def _of_the_protocol(name: str, _operation: Mapping[str, Any]) -> Any:
    first, _, rest = name.partition(".")
    signing = contract()["components"]["securitySchemes"]["ApiKey"]["x-signing"]
    stream, ban = contract()["x-stream"], contract()["x-ban"]
    match first:
        case "recv":
            schema = contract()["paths"]["/papi/v1/balance"]["get"]["parameters"][1]["schema"]
            return schema["minimum"] if rest == "minimum" else signing["recv-window"][rest]
        case "tolerance":
            return signing["timestamp"]["future-tolerance-ms"]
        case "codes":
            return {signing["error-codes"][rest]}
        case "limits":
            return contract()["x-limits"][rest]["limit"]
        case "timeout":
            return contract()["x-default-timeout"][f"{rest}-ms"]
        case "ban":
            return ban["pause-after-429-ms" if rest == "pause" else f"{rest}-ms"]
        case "key":
            if rest == "length":
                return len(_listen_key())
            return stream["key-lifetime-ms" if rest == "lifetime" else "keep-alive-ms"]
        case "stream-events":
            return len(stream["events"])
        case "connection":
            return stream["connection-lifetime-ms"]
        case "server-ping":
            return stream["server-ping-interval-ms"]
        case "pong":
            return stream["pong-timeout-ms"]
        case "sandbox":
            return _of_the_sandbox(rest)
        case "options":
            field, _, place = rest.partition(".")
            value = getattr(Options(), field)
            return value[int(place)] if place else value
        case _:
            return None


def _of_the_sandbox(name: str) -> int:
    if name.startswith("digits"):
        # As the sandbox reads an amount: the longest text of nines that it takes, on either side of the point.
        before = next(n for n in range(1, 99) if not _takes("9" * (n + 1)))
        after = next(n for n in range(1, 99) if not _takes("0." + "9" * (n + 1)))
        return before if name == "digits-before" else after
    return {
        "body-mib": LARGEST_CONTROL_BODY // 2**20,
        "entries": LINES_IN_MEMORY,
        "requests": inspect.signature(RequestLog).parameters["most"].default,
    }[name]


def _takes(text: str) -> bool:
    try:
        amounts.parse(text)
    except amounts.AmountError:
        return False
    return True


def _listen_key() -> str:
    answer = operations()["startUserDataStream"]["responses"]["200"]["content"]["application/json"]
    return str(answer["examples"]["documented"]["value"]["listenKey"])
