"""Describe the shape of every `x-` extension as JSON Schema, in which `x-remedy` holds what to write instead.

The vocabularies are closed: a word that is not listed is refused, so that a typing error cannot become a
fact. Extensions that are not named here are notes for people: kept in the bundled document, and without effect.
"""

from __future__ import annotations

from collections.abc import Sequence

from generator.checks.vocabulary import (
    BODIES,
    CAP_KINDS,
    CATEGORIES,
    EXECUTED,
    LABEL_SCOPES,
    LISTED,
    MATCHES,
    ORDERS,
    PAGE_STYLES,
    RETRIES,
    WEIGHT_SCOPES,
)
from generator.document.json_pointer import Json

Schema = dict[str, Json]
_PLAIN_DECIMAL = r"^[0-9]+(\.[0-9]+)?$"
_ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_PYTHON_NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"


def _one_of(words: Sequence[str]) -> Schema:
    return {"enum": list(words), "x-remedy": f"one of: {', '.join(words)}."}


def _text(remedy: str, pattern: str = "") -> Schema:
    schema: Schema = {"type": "string", "minLength": 1, "x-remedy": remedy}
    if pattern:
        schema["pattern"] = pattern
    return schema


def _integer(remedy: str, minimum: int | None = None) -> Schema:
    schema: Schema = {"type": "integer", "x-remedy": remedy}
    if minimum is not None:
        schema["minimum"] = minimum
    return schema


def _list(items: Schema, remedy: str, least: int = 0) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "x-remedy": remedy}


def _object(required: Sequence[str], properties: dict[str, Schema], remedy: str) -> Schema:
    return {"type": "object", "required": list(required), "properties": {**properties}, "x-remedy": remedy}


def _map(values: Schema, remedy: str) -> Schema:
    return {"type": "object", "minProperties": 1, "additionalProperties": values, "x-remedy": remedy}


_PROVENANCE = _list(_text("a mark of x-evidence-marks."), "a list of marks, such as [docs, live].", 1)
_BOOLEAN: Schema = {"type": "boolean", "x-remedy": "true or false."}
_MS = _integer("a whole number of milliseconds, at least 1.", 1)
_CODE = _integer("the number of the error.")
_ARGUMENT = _text("the wire name of a parameter of this call.")
_FIELD = _text("the wire name of a member of the answer.")

ROOT = _object(
    [
        "x-evidence-marks",
        "x-servers",
        "x-security-types",
        "x-limits",
        "x-default-timeout",
        "x-error-codes",
        "x-status-outcomes",
    ],
    {
        "tags": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": _text("a name such as futures_debt: it becomes a module.", _PYTHON_NAME)
                },
            },
        },
        "x-evidence-marks": _map(_text("what the mark means."), "{docs: what it means, ...}"),
        "x-servers": {
            "type": "object",
            "required": ["papi"],
            "x-remedy": "{papi: {url: https://...}, ...}",
        },
        "x-security-types": _map(
            _object(
                ["api-key", "signed"],
                {"api-key": _BOOLEAN, "signed": _BOOLEAN},
                "{api-key: true, signed: true, x-evidence: [docs]}",
            ),
            "{TRADE: {api-key: true, signed: true}, ...}",
        ),
        "x-limits": _map(
            _object(
                ["limit", "interval-ms", "per", "header", "x-evidence"],
                {
                    "limit": _integer("how many, at least 1.", 1),
                    "interval-ms": _MS,
                    "per": _one_of(["ip", "account"]),
                    "header": _text("the header that counts it."),
                    "counted-on-error": _BOOLEAN,
                    "x-evidence": _PROVENANCE,
                },
                "{limit: 6000, interval-ms: 60000, per: ip, header: X-MBX-USED-WEIGHT-1M, ...}",
            ),
            "{ip-weight: {limit: 6000, interval-ms: 60000, ...}}",
        ),
        "x-default-timeout": _object(
            ["connect-ms", "answer-ms"],
            {"connect-ms": _MS, "answer-ms": _MS},
            "{connect-ms: 3000, answer-ms: 10000}",
        ),
        "x-error-codes": _list(
            _object(
                [
                    "code",
                    "name",
                    "match",
                    "http",
                    "meaning",
                    "executed",
                    "retry",
                    "category",
                    "listed",
                    "x-evidence",
                ],
                {
                    "code": _CODE,
                    "name": _text("its name in upper case, such as TIMEOUT.", "^[A-Z][A-Z0-9_]*$"),
                    "match": _one_of(MATCHES),
                    "http": _list(
                        _integer("an HTTP status, such as 400.", 100),
                        "a list of HTTP statuses; [] if none is documented.",
                    ),
                    "meaning": _text("what it means, in our words."),
                    "executed": _one_of(EXECUTED),
                    "retry": _one_of(RETRIES),
                    "category": _one_of(CATEGORIES),
                    "listed": _one_of(LISTED),
                    "x-evidence": _PROVENANCE,
                },
                "{code: -1007, name: TIMEOUT, match: exact, http: [], meaning: ..., executed: unknown, ...}",
            ),
            "a list of rows {code: ..., name: ..., ...}.",
            1,
        ),
        "x-status-outcomes": _list(
            _object(
                ["status", "executed", "category", "retry", "x-evidence"],
                {
                    "status": _text(
                        '"503", "4XX" or default, in quotes.', "^([1-5][0-9][0-9]|[1-5]XX|default)$"
                    ),
                    "body": _one_of(BODIES),
                    "text": _text("the text that the answer must equal."),
                    "code": _CODE,
                    "overrides-codes": _list(_CODE, "a list of error codes."),
                    "executed": _one_of([*EXECUTED, "see-body"]),
                    "category": _one_of(CATEGORIES),
                    "retry": _one_of(RETRIES),
                    "x-evidence": _PROVENANCE,
                },
                '{status: "503", executed: unknown, category: unknown, retry: never-blindly, ...}',
            ),
            "a list of rows, the first that fits decides.",
            1,
        ),
    },
    "the extension, as generator/checks/extensions.py describes it.",
)

OPERATION = _object(
    [
        "operationId",
        "tags",
        "summary",
        "x-method-name",
        "x-security-type",
        "x-weight",
        "x-mutates",
        "x-evidence",
        "x-source",
    ],
    {
        "operationId": _text("a camelCase name, such as repayDebt.", "^[a-z][A-Za-z0-9]*$"),
        "tags": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": _text("the name of a tag, such as margin.", _PYTHON_NAME),
            "x-remedy": "exactly one resource, such as [margin].",
        },
        "summary": _text("one sentence about what the call does."),
        "x-method-name": _text("the name of the Python method, such as repay_debt.", _PYTHON_NAME),
        "x-security-type": _text("a key of x-security-types."),
        "x-weight": _object(
            ["value", "scope"],
            {
                "value": _integer("the weight to charge, at least 0.", 0),
                "scope": _one_of(WEIGHT_SCOPES),
                "budget": _text("a key of x-limits."),
                "observed": _integer("the measured weight.", 0),
                "documented": _integer("the printed weight.", 0),
                "label": _map(_one_of(LABEL_SCOPES), "{docs: order, sdk: ip}: who prints which scope."),
                "when": _list(
                    _object(
                        ["parameter", "value"],
                        {"parameter": _ARGUMENT, "present": _BOOLEAN, "value": _integer("a weight.", 0)},
                        "{parameter: asset, present: true, value: 1}",
                    ),
                    "[{parameter: asset, present: true, value: 1}]",
                ),
            },
            "x-weight: {value: 20, scope: ip}",
        ),
        "x-mutates": {
            "type": "boolean",
            "x-remedy": "x-mutates: true if sending it twice could do something twice, else false.",
        },
        "x-evidence": {**_PROVENANCE, "x-remedy": "x-evidence: [docs], or other marks of x-evidence-marks."},
        "x-source": _text("x-source: the https address of the page that describes the call.", "^https://"),
        "x-server": _text("a key of x-servers."),
        "x-timeout": _object(
            ["connect-ms", "answer-ms"],
            {"connect-ms": _MS, "answer-ms": _MS},
            "{connect-ms: 3000, answer-ms: 10000}",
        ),
        "x-caps": _list(
            _object(
                ["id", "kind", "limit", "unit", "inclusive", "text", "x-evidence"],
                {
                    "id": _text("a name such as value-per-repayment.", _ID),
                    "kind": _one_of(CAP_KINDS),
                    "limit": _text('a plain decimal in quotes, such as "50000".', _PLAIN_DECIMAL),
                    "unit": _text("what is counted, such as USD or calls."),
                    "inclusive": _BOOLEAN,
                    "interval-ms": _MS,
                    "text": _text("the limit in words."),
                    "x-evidence": _PROVENANCE,
                },
                '{id: value-cap, kind: value, limit: "50000", unit: USD, inclusive: true, text: ..., ...}',
            ),
            "a list of caps.",
        ),
        "x-rules": _list(
            _object(
                ["id", "text", "x-evidence"],
                {"id": _text("a name.", _ID), "text": _text("the rule."), "x-evidence": _PROVENANCE},
                "{id: whole-debt, text: ..., x-evidence: [docs]}",
            ),
            "a list of rules.",
        ),
        "x-undocumented": _list(
            _object(
                ["id", "question", "reading"],
                {
                    "id": _text("a name.", _ID),
                    "question": _text("the open question."),
                    "reading": _text("the reading to take."),
                },
                "{id: no-debt, question: ..., reading: ...}",
            ),
            "a list of open questions.",
        ),
        "x-known-errors": _list(
            _object(
                ["code", "text", "x-evidence"],
                {"code": _CODE, "text": _text("what it means here."), "x-evidence": _PROVENANCE},
                "{code: -4047, http: 400, text: ..., x-evidence: [live]}",
            ),
            "a list of errors that were really seen.",
        ),
        "x-success": _list(
            {
                "type": "object",
                "required": ["field"],
                "minProperties": 2,
                "maxProperties": 2,
                "properties": {
                    "field": _FIELD,
                    "equals": {
                        "type": ["string", "integer", "boolean"],
                        "x-remedy": "text, a whole number, true or false.",
                    },
                    "equals-argument": _ARGUMENT,
                    "type": _one_of(["integer", "string", "boolean"]),
                },
                "additionalProperties": False,
                "x-remedy": "{field: success, equals: true}; or equals-argument or type instead of equals.",
            },
            "a list of rules, all of which must hold.",
            1,
        ),
        "x-polymorphic-by": _ARGUMENT,
        "x-requires-any": _list(_ARGUMENT, "[txId, startTime]: at least one of these must be sent.", 2),
        "x-unresolved-scope": _object(
            ["group", "argument"],
            {"group": _text("a name shared by calls that wait for each other.", _ID), "argument": _ARGUMENT},
            "{group: margin-debt, argument: asset}",
        ),
        "x-pagination": _object(
            ["style", "order"],
            {
                "style": _one_of(PAGE_STYLES),
                "order": _one_of(ORDERS),
                "page": _ARGUMENT,
                "from-id": _ARGUMENT,
                "size": _ARGUMENT,
                "default-size": _integer("rows per page.", 1),
                "max-size": _integer("rows per page.", 1),
                "rows": _FIELD,
                "total": _FIELD,
                "id": _FIELD,
                "time": _FIELD,
                "window": _object(
                    ["start", "end"],
                    {"start": _ARGUMENT, "end": _ARGUMENT, "max-ms": _MS, "default-ms": _MS},
                    "{start: startTime, end: endTime, max-ms: 2592000000}",
                ),
                "archive": _object(
                    ["parameter", "older-than-months"],
                    {"parameter": _ARGUMENT, "older-than-months": _integer("months.", 1)},
                    "{parameter: archived, older-than-months: 6}",
                ),
                "kept-ms": _MS,
            },
            "{style: page, page: current, size: size, max-size: 100, rows: rows, order: newest-first, ...}",
        ),
    },
    "the member, as generator/checks/extensions.py describes it.",
)

# Extensions of schemas and parameters.
FIELD: Schema = {
    "type": "object",
    "properties": {
        "x-evidence": _PROVENANCE,
        "x-unit": _text("the unit, such as ms, asset or USD."),
        "x-python-name": _text("a name such as event_time.", _PYTHON_NAME),
        "x-open-enum": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": _text("a value as text, in quotes where YAML would read it as something else."),
            "x-remedy": "[NORMAL, MARGIN_CALL]: the values known today, each once.",
        },
        "x-enum-name": _text("a class name such as AccountStatus.", "^[A-Z][A-Za-z0-9]*$"),
        "x-open-enum-descriptions": _map(_text("what the value means."), "{NORMAL: what it means, ...}"),
        "x-excludes": _list(_text("a value that is refused."), "[BNB]: the values that are refused.", 1),
        "x-decimal": {
            "type": "object",
            "properties": {
                "exclusive-minimum": _text('a plain decimal in quotes, such as "0".', _PLAIN_DECIMAL),
                "minimum": _text('"0", in an answer that cannot be negative.', "^0$"),
                "max-integer-digits": _integer("a number of digits.", 1),
                "max-fraction-digits": _integer("a number of digits.", 0),
            },
            "additionalProperties": False,
            "x-remedy": '{exclusive-minimum: "0", max-fraction-digits: 8}',
        },
    },
}

SIGNING = _object(
    [
        "payload",
        "separator",
        "signature",
        "owned-parameters",
        "algorithms",
        "percent-encoding",
        "timestamp",
        "recv-window",
        "error-codes",
    ],
    {
        "payload": _list(_one_of(["query", "body"]), "[query, body]", 1),
        "separator": {"type": "string", "x-remedy": '"", in quotes.'},
        "signature": _object(
            ["parameter", "position"],
            {"parameter": _ARGUMENT, "position": _one_of(["last"])},
            "{parameter: signature, position: last}",
        ),
        "owned-parameters": _list(_ARGUMENT, "[timestamp, recvWindow, signature]", 1),
        "algorithms": _map(
            _object(
                ["algorithm", "encoding", "x-evidence"],
                {
                    "algorithm": _text("its usual name."),
                    "encoding": _one_of(["hex", "base64"]),
                    "percent-encoded": _BOOLEAN,
                    "x-evidence": _PROVENANCE,
                },
                "{algorithm: HMAC-SHA256, encoding: hex, x-evidence: [docs]}",
            ),
            "{hmac: {algorithm: HMAC-SHA256, ...}, ...}",
        ),
        "percent-encoding": _object(
            ["charset", "unreserved", "hex-case"],
            {"hex-case": _one_of(["upper", "lower"])},
            '{charset: utf-8, unreserved: "A-Za-z0-9-_.~", hex-case: upper}',
        ),
        "timestamp": _object(
            ["future-tolerance-ms"], {"future-tolerance-ms": _MS}, "{unit: ms, future-tolerance-ms: 1000}"
        ),
        "recv-window": _object(
            ["default", "maximum"], {"default": _MS, "maximum": _MS}, "{default: 5000, maximum: 60000}"
        ),
        "error-codes": _object(
            ["time", "signature", "key-format", "key"],
            {"time": _CODE, "signature": _CODE, "key-format": _CODE, "key": _CODE},
            "{time: -1021, signature: -1022, key-format: -2014, key: -2015}",
        ),
    },
    "x-signing, as generator/checks/extensions.py describes it.",
)


def known_names() -> frozenset[str]:
    """Return the names of the extensions that have an effect, so that misspelt ones can be found."""
    names = {"x-limit", "x-signing", "x-collapse", "x-empty", "x-boolean-text", "x-stream", "x-ban"}
    for schema in (ROOT, OPERATION, FIELD):
        properties = schema["properties"]
        names |= (
            {name for name in properties if name.startswith("x-")} if isinstance(properties, dict) else set()
        )
    return frozenset(names)
