"""Says for one raw request what the document allows a server to answer.

The oracle collects every clause that the request breaks. None: the server must accept it (business rules, which need
the state of an account, come on top). Some: the server must refuse it, with the code of any of the broken clauses,
since no page gives an order of checks. Where the document is silent the verdict has no opinion, and says why.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from paydown_contract.document import FORM, Document, Field, Operation
from paydown_contract.requests import raw_text as wire
from paydown_contract.requests.signer import Key

# Which rows of the error table may answer which kind of breach, by the rows' names.
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

# The rows that speak of the form of a request or of who sent it: none of them may answer a right one.
# BAD_ASSET is not among them, since a name of the right form may still be the name of nothing.
ABOUT_FORM: Final = frozenset(name for names in _ROWS.values() for name in names if name != "BAD_ASSET") | {
    "INVALID_TIMESTAMP",
    "INVALID_SIGNATURE",
    "BAD_API_KEY_FMT",
    "REJECTED_MBX_KEY",
    "UNAUTHORIZED",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands on the wire: nothing decoded, nothing normalised."""

    method: str
    path: str
    query: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> tuple[str, ...]:
        """Every value of the header of that name, whatever its case."""
        return tuple(value for key, value in self.headers if key.lower() == name.lower())

    def target(self) -> str:
        """Path and query, as in the request line."""
        return self.path + ("?" + self.query.decode("latin-1") if self.query else "")


@dataclass(frozen=True, slots=True)
class Breach:
    """One clause of the document that a request breaks, and how it may be answered."""

    clause: str
    statuses: frozenset[int]
    codes: frozenset[int]  # empty: no JSON error is promised


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the document allows as the answer to one request."""

    operation: Operation | None
    breaches: tuple[Breach, ...]
    silent: str = ""  # why the document has no opinion; empty when it has one

    @property
    def accepted(self) -> bool:
        """Whether the request breaks nothing."""
        return not self.breaches and not self.silent

    @property
    def statuses(self) -> frozenset[int]:
        """Statuses that the document allows."""
        return frozenset[int]().union(*(breach.statuses for breach in self.breaches)) or frozenset({200})

    @property
    def codes(self) -> frozenset[int]:
        """Error codes that the document allows; empty for an accepted request or one outside the API."""
        return frozenset[int]().union(*(breach.codes for breach in self.breaches))

    def allows(self, status: int, code: int | None) -> bool:
        """Whether a server that answers so obeys the document."""
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
    """The document together with the keys that a server knows."""

    document: Document
    keys: tuple[Key, ...]

    def expect(self, request: Request, now_ms: int) -> Verdict:
        """Judge `request`, received when the server's clock shows `now_ms`."""
        operation = self.document.operation(request.method, request.path)
        if operation is None:
            return Verdict(
                None, (Breach("paths: no such method and path", frozenset({404, 405}), frozenset()),)
            )
        query, body = wire.split(request.query), wire.split(request.body)
        breaches: list[Breach] = []
        if request.body and not operation.takes_form:
            return Verdict(operation, (), "a body on a method that sends everything in the query")
        if request.body:
            breaches += self._content_type(request)
        for text in (query, body):
            if text.broken:
                breaches.append(
                    self._breach("x-signing.percent-encoding: text that cannot be decoded", "format")
                )
            if any("empty piece" in fault or "without =" in fault for fault in text.faults):
                return Verdict(operation, tuple(breaches), "a piece that is no name=value")
            if any(fault.startswith("the bare byte") for fault in text.faults):
                return Verdict(operation, tuple(breaches), "a byte that should have been percent-encoded")
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
        used = {
            pair.name: pair.value for text in (body, query) for pair in reversed(text.pairs)
        }  # the query wins
        for item in operation.fields:
            if item.name in used:
                breaches += self._value(operation, item, used[item.name])
            elif item.required:
                breaches.append(self._breach(f"{operation.id}.{item.name}: required", "missing"))
        if operation.signed:
            silent, found = self._signature(request, query, body)
            if silent:
                return Verdict(operation, tuple(breaches), silent)
            breaches += found
            breaches += self._time(used, now_ms)
        return Verdict(operation, tuple(breaches))

    # ------------------------------------------------------------------ clauses

    def _breach(self, clause: str, kind: str, *, extra: Iterable[int] = ()) -> Breach:
        codes = self.document.codes_named(*_ROWS[kind]) | frozenset(extra)
        return Breach(clause, self._statuses(codes), codes)

    def _coded(self, clause: str, *names: str) -> Breach:
        """A breach that the scheme's own `error-codes` answers."""
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
        # A server that does not read such a body misses what stands in it; one that checks the type may say
        # 415.
        missing = self._breach("", "missing")
        return [Breach(refusal.clause, refusal.statuses | {415}, refusal.codes | missing.codes)]

    def _key_header(self, request: Request) -> list[Breach]:
        values = list(request.header(self.document.key_header))
        if not values:
            return [self._coded(f"{self.document.key_header}: missing", "key-format", "key")]
        if len(values) > 1 or values[0] not in {key.api_key for key in self.keys}:
            return [self._coded(f"{self.document.key_header}: not a known key", "key-format", "key")]
        return []

    def _signature(self, request: Request, query: wire.Text, body: wire.Text) -> tuple[str, list[Breach]]:
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
        if not _is_integer(stamp):
            return []  # reported as malformed or missing
        window = (
            int(used["recvWindow"])
            if _is_integer(used.get("recvWindow", ""))
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
        if text == "":
            reason = value_fault(item.schema, "")
            return [self._breach(f"{clause}: empty", "empty", extra=extra)] if reason else []
        reason = value_fault(item.schema, text)
        if reason is None:
            return []
        kind = reason.kind
        return [self._breach(f"{clause}: {reason.text}", kind, extra=extra)]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is no value of a schema."""

    kind: str
    text: str


def value_fault(schema: Mapping[str, Any], text: str) -> Fault | None:
    """Why the wire text `text` is no value of `schema`, or None when it is one."""
    kind = schema.get("type")
    if text in schema.get("x-excludes", ()):
        return Fault("asset", "excluded by name")
    if kind == "array":
        return _list_fault(schema, text.split(","))
    if kind == "integer":
        if not _is_integer(text):
            return Fault("malformed", "not a plain integer")
        number = int(text)
        if number < schema.get("minimum", number) or number > schema.get("maximum", number):
            return Fault("malformed", "outside minimum and maximum")
        return None
    if kind == "boolean":
        return None if text in ("true", "false") else Fault("malformed", "neither true nor false")
    return _text_fault(schema, text)


def _text_fault(schema: Mapping[str, Any], text: str) -> Fault | None:
    kind = "malformed"
    if schema.get("format") == "decimal":
        kind = _decimal_kind(schema, text)
    elif schema.get("x-unit") is None and "enum" not in schema:
        kind = "asset"
    if "enum" in schema and text not in schema["enum"]:
        return Fault(kind, f"not one of {schema['enum']}")
    if not schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)):
        return Fault(kind, "too short or too long")
    if "pattern" in schema and _pattern(schema["pattern"]).fullmatch(text) is None:
        return Fault(kind, "does not match the pattern")
    rules = schema.get("x-decimal", {})
    if rules and Decimal(text) <= Decimal(rules.get("exclusive-minimum", "-1")):
        return Fault("positive", "not above the minimum")
    return None


def _decimal_kind(schema: Mapping[str, Any], text: str) -> str:
    digits = schema.get("x-decimal", {}).get("max-fraction-digits")
    if digits is not None and re.fullmatch(rf"[0-9]+\.[0-9]{{{int(digits) + 1},}}", text):
        return "precision"
    return (
        "positive"
        if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) and (text.startswith("-") or not text.strip("0."))
        else "malformed"
    )


def _list_fault(schema: Mapping[str, Any], items: Sequence[str]) -> Fault | None:
    if not schema.get("minItems", 0) <= len(items) <= schema.get("maxItems", len(items)):
        return Fault("malformed", "too few or too many items")
    if schema.get("uniqueItems") and len(set(items)) != len(items):
        return Fault("malformed", "an item twice")
    return next((fault for fault in (value_fault(schema["items"], item) for item in items) if fault), None)


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"0|-?[1-9][0-9]*", text) is not None


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
