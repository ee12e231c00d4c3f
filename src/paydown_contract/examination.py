"""The server half: holds any server that claims to speak the document to it, request by request, and names the clause
that it breaks.

Every variation of every request is sent as raw bytes. What the document forbids must be refused with an allowed status
and code; what it allows must be carried out, or refused for a reason of business that the document knows; each answer
must have the documented form. Nothing is asked of the server but its answers.
"""

import http.client
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from paydown_contract.bounded_reader import answer_json
from paydown_contract.document import Document, Operation
from paydown_contract.json_types import is_object
from paydown_contract.requests import raw_text as wire
from paydown_contract.requests.signer import Key
from paydown_contract.requests.tampering import Composer, Tamperer, Variant
from paydown_contract.requests.verifier import Oracle, Request, Verdict
from paydown_contract.rules.answer_form import Answer, Forms
from paydown_contract.rules.answer_meaning import contradictions
from paydown_contract.rules.business_refusals import code_of, is_business
from paydown_contract.rules.link_checks import Links

# A running clock moves while a request travels: edges of time nearer than this are left to servers whose
# clock stands still.
# It goes on while requests wait for their turn, and our reading of it may be a little ahead.
LATER_MS, EARLIER_MS = 3_000, 200
TOO_MANY: Final = 429
BANNED: Final = 418
# So many in a row, and the rest of an operation is left alone: going on would earn a ban and prove nothing.
PATIENCE: Final = 5


class Result(StrEnum):
    """What an examination came to."""

    KEPT = "kept"
    BROKEN = "broken"
    UNDECIDED = "undecided"  # too little was answered to say either


@dataclass(frozen=True, slots=True)
class Finding:
    """One clause of the document that a server breaks, and the smallest request that shows it."""

    operation: str
    clause: str
    said: str
    variant: str
    request: Request
    status: int
    body: bytes

    @property
    def size(self) -> int:
        """How much there is to read in the request."""
        return (
            len(self.request.query)
            + len(self.request.body)
            + sum(len(value) for _, value in self.request.headers)
        )


@dataclass(slots=True)
class Tally:
    """What was tried on one operation."""

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    business: int = 0
    silent: int = 0
    limited: int = 0  # answered 429 or 418: nothing is said about those
    left_out: int = 0  # not sent any more after several of them
    statuses: Counter[int] = field(default_factory=Counter[int])

    @property
    def is_enough(self) -> bool:
        """Whether a clean result says anything: most of what there was to try was judged, and some was carried out."""
        judged = self.sent - self.limited
        return self.accepted > 0 and judged >= self.limited + self.left_out


@dataclass(slots=True)
class Examination:
    """What a server was asked and what it got wrong."""

    findings: list[Finding] = field(default_factory=list[Finding])
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])
    links_followed: list[str] = field(default_factory=list[str])  # clauses
    links_missed: list[str] = field(
        default_factory=list[str]
    )  # the first call was refused, or beyond a limit
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the document is kept, as far as this tool can see."""
        return self.result is Result.KEPT

    @property
    def result(self) -> Result:
        """What was found: a broken clause counts whatever else was not examined; silence alone proves nothing."""
        if self.findings:
            return Result.BROKEN
        return Result.KEPT if self.tallies and not self.undecided else Result.UNDECIDED

    @property
    def undecided(self) -> list[str]:
        """Operations of which too little was answered."""
        return [name for name, tally in self.tallies.items() if not tally.is_enough]

    def add(self, finding: Finding) -> None:
        """Keep a finding; of several that say the same the one with the smallest request stays."""
        for at, other in enumerate(self.findings):
            if (other.operation, other.clause, gist(other.said)) == (
                finding.operation,
                finding.clause,
                gist(finding.said),
            ):
                if finding.size < other.size:
                    self.findings[at] = finding
                return
        self.findings.append(finding)


def gist(said: str) -> str:
    """What is wrong, without the code and the value of the one request: a mistake is told once, not for each value."""
    without_value = re.sub(r"(^|: )(\"[^\"]*\"|\S+) (is not of type|does not match|is no) ", r"\1\3 ", said)
    return re.sub(r"(code -?\d+)( or -?\d+)*", "code", without_value)


def server_time(document: Document, send: Callable[[Request], Answer]) -> int | None:
    """What the server's clock shows now, UTC ms; None if the server does not say."""
    operation = _time_operation(document)
    if operation is not None:
        answer = send(Request(operation.method, operation.path))
        if answer.status == 200:
            told = _object(answer.body).get("serverTime")
            if isinstance(told, int):
                return told
    return None


def _object(body: bytes) -> dict[str, Any]:
    try:
        content: Any = answer_json(body)
    except ValueError:
        return {}
    return content if is_object(content) else {}


def examine(
    document: Document,
    send: Callable[[Request], Answer],
    key: Key,
    *,
    others: tuple[Key, ...] = (),
    frozen_at_ms: int | None = None,
    operations: Iterable[str] = (),
    between: Callable[[Operation, int], None] = lambda operation, number: None,
    told: Callable[[str], None] = lambda text: None,
) -> Examination:
    """Send every variation and judge every answer.

    Args:
        document: What the server claims to speak.
        send: Sends one raw request.
        key: A key of the server with every permission.
        others: More keys that the server knows.
        frozen_at_ms: Where the server's clock stands still; None if it runs.
        operations: Ids to examine; none means all.
        between: Called before each request, with its number: a server that runs dry can be filled up here.
        told: Told the progress.
    """
    begun = time.monotonic()
    found = Examination()
    told_ms = server_time(document, send) if frozen_at_ms is None else None
    offset = 0 if told_ms is None else told_ms - time.time_ns() // 1_000_000
    oracle = Oracle(document, (key, *others))
    dropped = 0  # requests in a row that got no answer: a server that is gone is not examined any more
    chosen = set(operations)
    _follow_links(document, send, key, frozen_at_ms, offset, found, told, chosen)
    if frozen_at_ms is None:
        _watch_clock(document, send, found)
    for operation in document.operations:
        if chosen and operation.id not in chosen:
            continue
        tally = found.tallies[operation.id] = Tally()
        forms = Forms(operation)
        made_by = _maker(document, operation)
        in_a_row = 0
        for number, (variant, now) in enumerate(
            _variants(document, key, others, operation, frozen_at_ms, offset)
        ):
            if in_a_row >= PATIENCE:
                tally.left_out += 1
                continue
            between(operation, number)
            if made_by is not None:
                send(Composer(document, key, now).right(made_by))
            try:
                answer = send(variant.request)
            except (OSError, http.client.HTTPException) as error:
                dropped += 1
                if dropped >= PATIENCE:
                    raise
                said = f"no HTTP answer came ({type(error).__name__})"
                clause = f"{operation.id}: responses"
                label = f"{variant.group}: {variant.name}"
                found.add(Finding(operation.id, clause, said, label, variant.request, 0, b""))
                continue
            dropped = 0
            in_a_row = in_a_row + 1 if answer.status in (TOO_MANY, BANNED) else 0
            tally.sent += 1
            tally.statuses[answer.status] += 1
            for clause, said in judge(document, oracle, operation, forms, variant, answer, now, tally):
                label = f"{variant.group}: {variant.name}"
                found.add(
                    Finding(
                        operation.id, clause, said, label, variant.request, answer.status, answer.body[:500]
                    )
                )
        if tally.accepted == 0 and not tally.left_out:
            found.add(_never(document, key, operation, frozen_at_ms or 0))
        limited = f", {tally.limited} beyond a limit" if tally.limited else ""
        told(
            f"{operation.id}: {tally.sent} requests, {tally.accepted} accepted, {tally.refused} refused{limited}"
        )
    found.findings = condensed(found.findings)
    found.seconds = time.monotonic() - begun
    return found


def condensed(findings: list[Finding]) -> list[Finding]:
    """Without what is said already: of a request that breaks several clauses at once nobody can tell which of them the
    server overlooks, and where one of them alone was overlooked, the others add nothing."""
    alone = {(each.operation, each.clause, _did_what(each)) for each in findings if "; " not in each.clause}
    return [
        each
        for each in findings
        if "; " not in each.clause
        or not any((each.operation, clause, _did_what(each)) in alone for clause in each.clause.split("; "))
    ]


def _did_what(finding: Finding) -> str:
    return finding.said.partition(" where ")[0]


def _follow_links(
    document: Document,
    send: Callable[[Request], Answer],
    key: Key,
    frozen_at_ms: int | None,
    offset: int,
    found: Examination,
    told: Callable[[str], None],
    chosen: set[str],
) -> None:
    """Before thousands of variations change the account: what one call does must be seen by the next."""
    links = Links(
        document,
        send,
        key,
        lambda: frozen_at_ms if frozen_at_ms is not None else time.time_ns() // 1_000_000 + offset,
    )
    for broken in links.follow(chosen):
        found.add(
            Finding(
                broken.operation,
                broken.clause,
                broken.said,
                "links: one call after another",
                broken.request,
                broken.status,
                broken.body,
            )
        )
    found.links_followed = list(dict.fromkeys(links.followed))
    found.links_missed = [each for each in dict.fromkeys(links.missed) if each not in found.links_followed]
    if found.links_followed or found.links_missed:
        told(f"links: {len(found.links_followed)} followed, {len(found.links_missed)} not followed")


def _watch_clock(document: Document, send: Callable[[Request], Answer], found: Examination) -> None:
    """A clock that runs must be seen to run."""
    operation = _time_operation(document)
    if operation is None:
        return
    request = Request(operation.method, operation.path)
    told: list[int] = []
    for _ in range(2):
        answer = send(request)
        value = _object(answer.body).get("serverTime")
        if answer.status != 200 or not isinstance(value, int):
            return  # its form is judged elsewhere
        told.append(value)
        time.sleep(0.05)
    if told[1] <= told[0]:
        found.add(
            Finding(
                operation.id,
                f"{operation.id}: serverTime",
                "the clock stands still or goes back; if it is meant to stand, say so with --frozen-at-ms",
                "the same call, 50 ms later",
                request,
                200,
                b"",
            )
        )


def _time_operation(document: Document) -> Operation | None:
    return next((op for op in document.operations if op.path.endswith("/time") and not op.fields), None)


def _maker(document: Document, operation: Operation) -> Operation | None:
    """The call that makes what a PUT or DELETE needs to find: the POST of the same path that needs no argument."""
    if operation.method not in ("PUT", "DELETE"):
        return None
    found = document.operation("POST", operation.path)
    return found if found is not None and not any(item.required for item in found.fields) else None


def _never(document: Document, key: Key, operation: Operation, now_ms: int) -> Finding:
    request = Composer(document, key, now_ms).right(operation)
    return Finding(
        operation.id,
        f"{operation.id}: responses.200",
        "no right request was ever accepted",
        "all of them",
        request,
        0,
        b"",
    )


def _variants(
    document: Document,
    key: Key,
    others: tuple[Key, ...],
    operation: Operation,
    frozen_at_ms: int | None,
    offset: int,
) -> Iterator[tuple[Variant, int]]:
    """The variants with the moment that they are judged at; a running clock is read again for every hundred."""
    if frozen_at_ms is not None:
        for variant in Tamperer(document, key, others, frozen_at_ms).variants(operation):
            yield variant, frozen_at_ms
        return
    now = time.time_ns() // 1_000_000 + offset
    for variant in _far_from_edges(document, key, operation, now):
        yield variant, now
    count = sum(1 for _ in Tamperer(document, key, others, 10**12).variants(operation))
    for start in range(0, count, 100):
        now = time.time_ns() // 1_000_000 + offset
        for number, variant in enumerate(Tamperer(document, key, others, now).variants(operation)):
            if start <= number < start + 100 and not _near_an_edge(document, variant, now):
                yield variant, now


def _far_from_edges(document: Document, key: Key, operation: Operation, now_ms: int) -> Iterator[Variant]:
    """Ages that a running clock cannot blur: well inside a window, and well outside."""
    if not operation.signed:
        return
    rules = document.signing
    default, maximum = rules["recv-window"]["default"], rules["recv-window"]["maximum"]
    make = Composer(document, key, now_ms)
    arguments = [pair for pair in make.arguments(operation, optional=False) if pair[0] != "recvWindow"]
    for window, age in (
        (None, default // 4),
        (None, default * 3),
        (1, LATER_MS + 1_000),
        (1_000, LATER_MS + 2_000),
        (maximum // 2, maximum // 4),
        (maximum // 2, maximum * 3 // 4),
        (maximum, maximum // 2),
        (maximum, maximum * 2),
    ):
        sent = [("recvWindow", str(window))] if window is not None else []
        pairs = [*arguments, *sent, ("timestamp", str(now_ms - age))]
        name = f"recvWindow {'absent' if window is None else window}, {age} ms old"
        yield Variant(operation.id, "time", name, make.signed(operation, wire.join(pairs)))


def _near_an_edge(document: Document, variant: Variant, now_ms: int) -> bool:
    """Whether the verdict would change within the seconds that a running clock may be off."""
    oracle = Oracle(document, ())
    verdicts = {
        tuple(
            breach.clause
            for breach in oracle.expect(variant.request, now_ms + step).breaches
            if "acceptance" in breach.clause
        )
        for step in (-EARLIER_MS, 0, LATER_MS)
    }
    return len(verdicts) > 1


def judge(
    document: Document,
    oracle: Oracle,
    operation: Operation,
    forms: Forms,
    variant: Variant,
    answer: Answer,
    now_ms: int,
    tally: Tally,
) -> Iterator[tuple[str, str]]:
    """(clause, what the server did) for everything that is wrong with one answer."""
    verdict = oracle.expect(variant.request, now_ms)
    code = code_of(answer.body)
    if answer.status in (TOO_MANY, BANNED) and verdict.operation is not None:
        tally.limited += 1
        yield from forms.complaints(answer)
        return
    if verdict.operation is None:
        tally.refused += 1
        if not verdict.allows(answer.status, code):
            yield (
                "paths",
                f"{variant.request.method} {variant.request.path} is not documented and was answered {answer.status}",
            )
        return
    if verdict.silent:
        tally.silent += 1
        if answer.status >= 500:
            yield f"{operation.id}: responses", f"a fault of the server: {answer.status}"
        return
    if verdict.accepted:
        if answer.status == 200:
            tally.accepted += 1
            yield from contradictions(operation, variant.request, answer)
        elif is_business(document, operation, answer.status, code):
            tally.business += 1
        else:
            yield (
                f"{operation.id}: responses.200",
                f"a right request was refused: {answer.status}, code {code}",
            )
    else:
        tally.refused += 1
        if not verdict.allows(answer.status, code):
            # A refusal that cannot be read as one breaks the form of refusals first.
            badly = (
                list(forms.complaints(answer)) if code is None and answer.status in verdict.statuses else []
            )
            yield from badly or [(_clause(verdict), _did(verdict, answer.status, code))]
            return
    if answer.status not in (413, 414, 415):
        yield from forms.complaints(answer)


def _clause(verdict: Verdict) -> str:
    return "; ".join(dict.fromkeys(breach.clause for breach in verdict.breaches))


def _did(verdict: Verdict, status: int, code: int | None) -> str:
    statuses = "/".join(map(str, sorted(verdict.statuses)))
    codes = " or ".join(map(str, sorted(verdict.codes))) or "any"
    wanted = f"where the document wants {statuses} with code {codes}"
    if 200 <= status < 300:
        beside = f", with an error body of code {code}," if code is not None else ""
        return f"was accepted ({status}){beside} {wanted}"
    if code is None:
        return f"was answered {status} without an error code {wanted}"
    return f"was answered {status}, code {code} {wanted}"
