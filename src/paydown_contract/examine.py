"""The server half: holds any server that claims to speak the document to it, request by request, and names
the clause that it breaks.

Every variation of every request is sent as raw bytes. What the document forbids must be refused with an
allowed status and code; what
it allows must be carried out, or refused for a reason of business that the document knows; each answer must
have the documented
form. Nothing is asked of the server but its answers.
"""

import http.client
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import jsonschema_rs

from paydown_contract.document import Document, Operation
from paydown_contract.oracle import Oracle, Request, Verdict
from paydown_contract.proof import Key
from paydown_contract.stock import code_of, is_business
from paydown_contract.tamper import Composer, Tamperer, Variant

# A running clock moves while a request travels: edges of time nearer than this are left to servers whose
# clock stands still.
# It goes on while requests wait for their turn, and our reading of it may be a little ahead.
LATER_MS, EARLIER_MS = 3_000, 200


class Answer(Protocol):
    """What a server answered."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """All headers, in order."""
        ...

    @property
    def body(self) -> bytes:
        """The whole body."""
        ...


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as it arrived."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


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


@dataclass(slots=True)
class Tally:
    """What was tried on one operation."""

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    business: int = 0
    silent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class Examination:
    """What a server was asked and what it got wrong."""

    findings: list[Finding] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


class HttpSender:
    """Sends raw requests to one address over connections that are kept.

    Args:
        base_url: Such as http://127.0.0.1:8087.
        timeout_s: Longest wait for an answer.

    Raises:
        ValueError: the address is not http or https.
    """

    def __init__(self, base_url: str, timeout_s: float = 30.0) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{base_url!r} is no http address")
        self._prefix = parts.path.rstrip("/")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._make: Callable[[], http.client.HTTPConnection] = lambda: kind(
            parts.hostname or "", parts.port, timeout=timeout_s
        )
        self._connection = self._make()

    def __call__(self, request: Request) -> Received:
        """
        Send one request and read its answer; a kept connection that was closed meanwhile is opened anew.
        """
        try:
            return self._send(request)
        except (http.client.HTTPException, OSError):
            self._connection.close()
            self._connection = self._make()
            return self._send(request)

    def _send(self, request: Request) -> Received:
        connection = self._connection
        connection.putrequest(request.method, self._prefix + request.target(), skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value.encode("latin-1"))
        if request.body or request.method != "GET":
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)
        response = connection.getresponse()
        return Received(response.status, tuple(response.getheaders()), response.read())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def server_time(document: Document, send: Callable[[Request], Received]) -> int:
    """What the server's clock shows now, UTC ms; this machine's clock if the server does not say."""
    operation = next((op for op in document.operations if op.path.endswith("/time") and not op.fields), None)
    if operation is not None:
        answer = send(Request(operation.method, operation.path))
        if answer.status == 200:
            content = json.loads(answer.body)
            if isinstance(content, dict) and isinstance(content.get("serverTime"), int):
                return int(content["serverTime"])
    return time.time_ns() // 1_000_000


def examine(
    document: Document,
    send: Callable[[Request], Received],
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
    offset = 0 if frozen_at_ms is not None else server_time(document, send) - time.time_ns() // 1_000_000
    oracle = Oracle(document, (key, *others))
    chosen = set(operations)
    for operation in document.operations:
        if chosen and operation.id not in chosen:
            continue
        tally = found.tallies[operation.id] = Tally()
        forms = Forms(operation)
        seen: set[tuple[str, str]] = set()
        for number, (variant, now) in enumerate(
            _variants(document, key, others, operation, frozen_at_ms, offset)
        ):
            between(operation, number)
            answer = send(variant.request)
            tally.sent += 1
            tally.statuses[answer.status] += 1
            for clause, said in judge(document, oracle, operation, forms, variant, answer, now, tally):
                if (clause, said) not in seen:  # the first request that shows it is enough
                    seen.add((clause, said))
                    found.findings.append(
                        Finding(
                            operation.id,
                            clause,
                            said,
                            f"{variant.group}: {variant.name}",
                            variant.request,
                            answer.status,
                            answer.body[:500],
                        )
                    )
        if tally.accepted == 0:
            found.findings.append(_never(document, key, operation, frozen_at_ms or 0))
        told(f"{operation.id}: {tally.sent} requests, {tally.accepted} accepted, {tally.refused} refused")
    found.seconds = time.monotonic() - begun
    return found


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
    """
    The variants with the moment that they are judged at; a running clock is read again for every hundred.
    """
    if frozen_at_ms is not None:
        for variant in Tamperer(document, key, others, frozen_at_ms).variants(operation):
            yield variant, frozen_at_ms
        return
    count = sum(1 for _ in Tamperer(document, key, others, 10**12).variants(operation))
    for start in range(0, count, 100):
        now = time.time_ns() // 1_000_000 + offset
        for number, variant in enumerate(Tamperer(document, key, others, now).variants(operation)):
            if start <= number < start + 100 and not _near_an_edge(document, variant, now):
                yield variant, now


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


class Forms:
    """Judges the form of an operation's answers."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self._validators: dict[tuple[int, str], jsonschema_rs.Draft202012Validator] = {}

    def described(self, status: int) -> Mapping[str, Any] | None:
        """The documented response for a status."""
        responses = self.operation.responses
        return responses.get(str(status)) or responses.get(f"{status // 100}XX")

    def complaints(self, answer: Answer) -> Iterator[tuple[str, str]]:
        """(clause, what is wrong) for status, content type, headers and body."""
        where = f"{self.operation.id}: responses.{answer.status}"
        response = self.described(answer.status)
        if response is None:
            yield f"{self.operation.id}: responses", f"status {answer.status} is not documented"
            return
        headers = [(name.lower(), value) for name, value in answer.headers]
        media = (
            next((value for name, value in headers if name == "content-type"), "")
            .split(";")[0]
            .strip()
            .lower()
        )
        content = response.get("content", {}).get(media)
        if content is None:
            yield f"{where}.content", f"content type {media or 'missing'} is not documented"
            return
        for name, header in response.get("headers", {}).items():
            values = [value for key, value in headers if key == name.lower()]
            if not values and header.get("x-limit") in ("ip-weight", "sapi-ip-weight"):
                yield f"{where}.headers.{name}", "the header is missing"
            if values and not all(value.isascii() and value.isdigit() for value in values):
                yield f"{where}.headers.{name}", f"{values[0]!r} is no {header['schema']['type']}"
        if media == "application/json":
            yield from self._body(where, answer, content["schema"])

    def _body(self, where: str, answer: Answer, schema: Any) -> Iterator[tuple[str, str]]:
        try:
            body = json.loads(answer.body)
        except ValueError:
            yield f"{where}.content.application/json", "the body is not JSON"
            return
        key = (answer.status, "application/json")
        validator = self._validators.get(key)
        if validator is None:
            validator = self._validators[key] = jsonschema_rs.Draft202012Validator(schema)
        for error in validator.iter_errors(body):
            at = "/".join(str(step) for step in error.instance_path)
            yield f"{where}.content.application/json.schema", f"{at + ': ' if at else ''}{error.message}"
            return


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
            yield _clause(verdict), _did(verdict, answer.status, code)
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
        return f"was accepted ({status}) {wanted}"
    return f"was answered {status}, code {code}, {wanted}"


def as_curl(request: Request, base_url: str, secrets: Iterable[str] = ()) -> str:
    """The request as a curl line that can be pasted, with every secret masked."""
    parts = ["curl", "-i", "-X", request.method, _quoted(base_url.rstrip("/") + request.target())]
    for name, value in request.headers:
        parts += ["-H", _quoted(f"{name}: {value}")]
    if request.body:
        parts += ["--data-raw", _quoted(request.body.decode("utf-8", "backslashreplace"))]
    line = " ".join(parts)
    for secret in secrets:
        if secret:
            line = line.replace(secret, secret[:4] + "…")
    return line


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
