"""Decide which answers the document allows to one raw request.

The oracle collects every clause that the request breaks. If there is none, the server must accept the request, unless
the state of the account forbids it (see `business_refusals`). If there are some, the server must refuse it, with the
code of any of the broken clauses, since no page of the exchange gives an order of checks. Where the document leaves a
case open, every answer but a server error is allowed, and the reason is kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from paydown_contract.document import FORM, Document, Field, Operation
from paydown_contract.requests.percent_encoding import EncodedText, effective_values, split
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key
from paydown_contract.rules.schema_mismatch import is_plain_integer, schema_mismatch

# The rows of the error table that may answer each kind of breach, by the names of the rows.
_ROWS: Final[Mapping[str, tuple[str, ...]]] = {
    "missing": ("MANDATORY_PARAM_EMPTY_OR_MALFORMED",),
    "empty": ("MANDATORY_PARAM_EMPTY_OR_MALFORMED", "PARAM_EMPTY"),
    "malformed": ("MANDATORY_PARAM_EMPTY_OR_MALFORMED", "ILLEGAL_CHARS", "INVALID_PARAMETER"),
    "precision": (
        "MANDATORY_PARAM_EMPTY_OR_MALFORMED",
        "ILLEGAL_CHARS",
        "INVALID_PARAMETER",
        "BAD_PRECISION",
    ),
    "positive": (
        "MANDATORY_PARAM_EMPTY_OR_MALFORMED",
        "ILLEGAL_CHARS",
        "INVALID_PARAMETER",
        "AMOUNT_MUST_BE_POSITIVE",
    ),
    "asset": ("MANDATORY_PARAM_EMPTY_OR_MALFORMED", "ILLEGAL_CHARS", "INVALID_PARAMETER", "BAD_ASSET"),
    "unknown": ("UNKNOWN_PARAM", "UNREAD_PARAMETERS", "TOO_MANY_PARAMETERS"),
    "duplicate": ("TOO_MANY_PARAMETERS",),
    "format": ("INVALID_MESSAGE", "ILLEGAL_CHARS", "MANDATORY_PARAM_EMPTY_OR_MALFORMED", "INVALID_PARAMETER"),
}

# The rows about the form of a request or about its sender: none of them may answer a valid request.
# BAD_ASSET is not among them, since a well-formed asset name may still be the name of no asset.
ABOUT_FORM: Final = frozenset(name for names in _ROWS.values() for name in names if name != "BAD_ASSET") | {
    "INVALID_TIMESTAMP",
    "INVALID_SIGNATURE",
    "BAD_API_KEY_FMT",
    "REJECTED_MBX_KEY",
    "UNAUTHORIZED",
}


@dataclass(frozen=True, slots=True)
class Breach:
    """One clause of the document that a request breaks, and how it may be answered."""

    clause: str
    statuses: frozenset[int]
    codes: frozenset[int]  # empty: no JSON error is promised


@dataclass(frozen=True, slots=True)
class AllowedAnswers:
    """The answers to one request that keep the document, with the clauses that the request breaks."""

    operation: Operation | None
    breaches: tuple[Breach, ...]
    silent: str = ""  # why the document has no opinion; empty if it has one

    @property
    def accepted(self) -> bool:
        """Whether the server must accept the request, as far as the account allows."""
        return not self.breaches and not self.silent

    @property
    def statuses(self) -> frozenset[int]:
        """HTTP statuses that the document allows."""
        return frozenset[int]().union(*(breach.statuses for breach in self.breaches)) or frozenset({200})

    @property
    def codes(self) -> frozenset[int]:
        """Error codes that the document allows; empty for an accepted request or one outside the API."""
        return frozenset[int]().union(*(breach.codes for breach in self.breaches))

    def allows(self, status: int, code: int | None) -> bool:
        """Return whether an answer keeps the document.

        Args:
            status: HTTP status of the answer.
            code: Error code in its body; None if it has none.
        """
        if self.silent:
            return 200 <= status < 500
        if not self.breaches:
            return status == 200
        return any(
            status in breach.statuses and (not breach.codes or code in breach.codes)
            for breach in self.breaches
        )


@dataclass(frozen=True, slots=True)
class Oracle:
    """Decides for any request which answers the document allows.

    Args:
        document: The document that the server claims to keep.
        keys: Every key that the server knows.
    """

    document: Document
    keys: tuple[Key, ...]

    def expect(self, request: Request, now_ms: int) -> AllowedAnswers:
        """Collect the clauses that a request breaks, and so the answers that it allows.

        Args:
            request: The request as raw bytes.
            now_ms: The server's time when the request arrives, UTC milliseconds.
        """
        operation = self.document.operation(request.method, request.path)
        if operation is None:
            return AllowedAnswers(
                None, (Breach("paths: no such method and path", frozenset({404, 405}), frozenset()),)
            )
        query, body = split(request.query), split(request.body)
        breaches: list[Breach] = []
        if request.body and not operation.takes_form:
            return AllowedAnswers(operation, (), "a body on a method that sends everything in the query")
        if request.body:
            breaches += self._content_type(request)
        for text in (query, body):
            if text.broken:
                breaches.append(
                    self._breach("x-signing.percent-encoding: text that cannot be decoded", "format")
                )
            if any("empty piece" in each or "without =" in each for each in text.irregularities):
                return AllowedAnswers(operation, tuple(breaches), "a piece that is no name=value")
            if any(each.startswith("the bare byte") for each in text.irregularities):
                return AllowedAnswers(
                    operation, tuple(breaches), "a byte that should have been percent-encoded"
                )
        signed_names = ("timestamp", "recvWindow", "signature")
        if operation.api_key:
            breaches += self._key_header(request)
        for place, text in (("query", query), ("body", body)):
            names = text.names()
            for name in dict.fromkeys(names):
                if names.count(name) > 1:
                    breaches.append(
                        self._breach(f"x-parameter-transport: {name} twice in the {place}", "duplicate")
                    )
                tolerated = operation.signature_tolerated and name in signed_names
                if operation.field(name) is None and not tolerated:
                    breaches.append(self._breach(f"{operation.id}: {name} is not a parameter", "unknown"))
        used = effective_values(query, body)
        for item in operation.fields:
            if item.name in used:
                breaches += self._value(operation, item, used[item.name])
            elif item.required:
                breaches.append(self._breach(f"{operation.id}.{item.name}: required", "missing"))
        if operation.signed:
            silent, found = self._signature(request, query, body)
            if silent:
                return AllowedAnswers(operation, tuple(breaches), silent)
            breaches += found
            breaches += self._time(used, now_ms)
        return AllowedAnswers(operation, tuple(breaches))

    def _breach(self, clause: str, kind: str, *, extra: Iterable[int] = ()) -> Breach:
        codes = self.document.codes_named(*_ROWS[kind]) | frozenset(extra)
        return Breach(clause, self._statuses(codes), codes)

    def _coded(self, clause: str, *names: str) -> Breach:
        """Make a breach that is answered by a code of the security scheme's own `error-codes`."""
        table: Mapping[str, int] = self.document.signing["error-codes"]
        codes = frozenset(table[name] for name in names)
        return Breach(clause, self._statuses(codes), codes)

    def _statuses(self, codes: Iterable[int]) -> frozenset[int]:
        statuses: set[int] = set()
        for code in codes:
            row = self.document.error(code)
            # A row without a documented status: a plain refusal is 400, one about the key may be 401 as well.
            fallback = (400, 401) if row is not None and row.category == "credentials" else (400,)
            statuses.update((row.statuses if row is not None else ()) or fallback)
        return frozenset(statuses)

    def _content_type(self, request: Request) -> list[Breach]:
        types = request.header("content-type")
        media = types[0].split(";")[0].strip().lower() if types else ""
        if media == FORM:
            return []
        refusal = self._breach("x-parameter-transport.body-content-type", "format")
        # A server that cannot read such a body misses the parameters in it; one that checks the type may answer 415.
        missing = self._breach("", "missing")
        return [Breach(refusal.clause, refusal.statuses | {415}, refusal.codes | missing.codes)]

    def _key_header(self, request: Request) -> list[Breach]:
        values = list(request.header(self.document.key_header))
        if not values:
            return [self._coded(f"{self.document.key_header}: missing", "key-format", "key")]
        if len(values) > 1 or values[0] not in {key.api_key for key in self.keys}:
            return [self._coded(f"{self.document.key_header}: not a known key", "key-format", "key")]
        return []

    def _signature(self, request: Request, query: EncodedText, body: EncodedText) -> tuple[str, list[Breach]]:
        places = [text for text in (query, body) if "signature" in text.names()]
        if not places:
            return "", []  # reported as a missing parameter
        if len(places) == 2:
            return "a signature in the query and another in the body", []
        text = places[0]
        if text.names().count("signature") > 1:
            return "", []  # reported as a repeated parameter
        breaches: list[Breach] = []
        if text.pairs[-1].name != "signature":
            breaches.append(self._coded("x-signing.signature.position: last", "signature"))
        message = b"".join(
            b"&".join(pair.raw for pair in each.pairs if pair.name != "signature") for each in (query, body)
        )
        keys = [key for key in self.keys if (key.api_key,) == request.header(self.document.key_header)]
        value = next(pair for pair in text.pairs if pair.name == "signature")
        if keys and not keys[0].is_plainly_spelled(value.value) and keys[0].verifies(value.value, message):
            return "another base64 spelling of a right signature", breaches
        if not keys or not keys[0].verifies(value.value, message):
            breaches.append(self._coded("x-signing: the signature does not fit the bytes sent", "signature"))
        return "", breaches

    def _time(self, used: Mapping[str, str], now_ms: int) -> list[Breach]:
        rules = self.document.signing
        stamp = used.get("timestamp", "")
        if not is_plain_integer(stamp):
            return []  # reported as malformed or missing
        window = (
            int(used["recvWindow"])
            if is_plain_integer(used.get("recvWindow", ""))
            else rules["recv-window"]["default"]
        )
        window = min(window, rules["recv-window"]["maximum"])
        tolerance = rules["timestamp"]["future-tolerance-ms"]
        ahead = int(stamp) - now_ms
        late = -ahead > window if rules["recv-window"]["inclusive"] else -ahead >= window
        early = ahead >= tolerance if rules["timestamp"]["future-exclusive"] else ahead > tolerance
        if late or early:
            return [self._coded("x-signing.acceptance: " + ("too late" if late else "too far ahead"), "time")]
        return []

    def _value(self, operation: Operation, item: Field, text: str) -> list[Breach]:
        clause = f"{operation.id}.{item.name}"
        signing = {"timestamp": ("time",), "signature": ("signature",), "recvWindow": ("time",)}.get(
            item.name, ()
        )
        extra = [self.document.signing["error-codes"][name] for name in signing]
        mismatch = schema_mismatch(item.schema, text)
        if mismatch is None:
            return []
        if text == "":
            return [self._breach(f"{clause}: empty", "empty", extra=extra)]
        return [self._breach(f"{clause}: {mismatch.reason}", mismatch.kind, extra=extra)]
