"""The catalogue: one wrong idea each, as a replacement of text in one file.

    layer       document, template, client (generated), signer, classifier, sandbox
    file, old   `old` must stand in `file` exactly once (or `nth` says which), else the mutant is stale and says so
    killers     the part of the suite that should notice first; the bench tries it first and says if another one did

A mutant of the document or of a template is followed by `python -m generator`: client and sandbox then follow the
wrong idea too, and only evidence, vectors and the parts that know better can tell.
"""

from dataclasses import dataclass
from functools import cache

from tests.contract.mutants.outsiders import ROWS as OUTSIDERS
from tests.contract.mutants.strangers import ROWS as STRANGERS


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong idea."""

    id: str
    layer: str
    file: str
    old: str
    new: str
    killers: tuple[str, ...]
    nth: int = 0  # 0: `old` must be unique; n: the n-th of several

    @property
    def regenerates(self) -> bool:
        """Whether the generated client must be written anew."""
        return self.layer in ("document", "template")


_KILLERS = {
    "document": ("test_c_evidence", "test_c_spec"),
    "template": ("test_a_facts", "test_a_responses", "test_a_requests", "test_a_errors", "test_a_signer"),
    "client": ("test_a_facts", "test_a_responses", "test_a_requests", "test_a_errors"),
    "signer": ("test_a_signer", "test_a_requests"),
    "classifier": ("test_a_errors", "test_a_responses", "test_a_requests"),
    "sandbox": ("test_b_rules", "test_b_faults", "test_b_limits"),
}
_CLIENT = (
    "test_a_requests",
    "test_a_responses",
    "test_a_errors",
    "test_a_signer",
    "test_a_events",
    "unit/test_outcome",
    "unit/test_client",
    "unit/test_transport",
)
_SIDES = {
    "client": _CLIENT,
    "signer": _CLIENT,
    "classifier": _CLIENT,
    # The matrix knows most and takes longest: last, but for what it is made for.
    "sandbox": (
        "test_b_answers",
        "test_b_rules",
        "test_b_faults",
        "test_b_limits",
        "test_b_time",
        "test_b_stream",
        "sandbox/test_limits",
        "sandbox/test_protocol",
        "sandbox/test_control",
        "test_b_records",
        "test_b_ways_in",
        "test_b_ledger",
        "test_b_matrix",
    ),
}
# Where the layer alone says too little.
_KILLERS_BY_FILE = {
    "src/paydown/clock.py": ("unit/test_clock", "unit/test_client", "unit/test_clock_end_to_end"),
    "src/paydown/credentials.py": ("unit/test_credentials", "test_a_signer"),
    "src/paydown/httpx_auth.py": ("unit/test_auth", "test_a_signer"),
    "src/paydown/call/parameters.py": ("unit/test_parameters", "test_a_requests"),
    "src/paydown/call/outcome.py": ("unit/test_outcome", "test_a_errors"),
    "src/paydown/errors.py": ("unit/test_errors", "unit/test_outcome"),
    "src/paydown/transport/channel.py": ("unit/test_channel",),
    "src/paydown/client.py": ("unit/test_client", "unit/test_both_clients", "unit/test_connections"),
    "src/paydown/timestamps.py": ("unit/test_moment",),
    "src/paydown/call/retry.py": ("unit/test_client", "test_a_errors"),
    "src/paydown/call/call.py": (
        "unit/test_client",
        "unit/test_attempts",
        "test_a_errors",
        "test_a_requests",
    ),
    "src/paydown/call/attempts.py": ("unit/test_attempts", "unit/test_client"),
    "src/paydown/call/pagination.py": ("unit/test_pagination", "test_b_ledger"),
    "src/paydown/budget/charges.py": ("test_a_requests", "unit/test_client", "unit/test_budget_choice"),
    "src/paydown/budget/": (
        "unit/test_budget_queue",
        "unit/test_budget_guarantee",
        "unit/test_minute",
        "unit/test_budget_sqlite",
        "unit/test_budget_choice",
        "unit/test_client",
    ),
    "src/paydown/transport/httpx_adapter.py": ("unit/test_transport", "unit/test_client"),
    "src/paydown/transport/http1.py": (
        "unit/test_connections",
        "unit/test_stale_answers",
        "unit/test_transport",
    ),
    "src/paydown/transport/direct.py": (
        "unit/test_connections",
        "unit/test_stale_answers",
        "unit/test_transport",
    ),
    "src/paydown/transport/direct_async.py": (
        "unit/test_connections",
        "unit/test_stale_answers",
        "unit/test_transport",
    ),
    "src/paydown/transport/proxy.py": ("unit/test_transport", "unit/test_connections"),
    "src/paydown/transport/pins.py": ("unit/test_pins",),
    "src/paydown/events.py": ("unit/test_client", "unit/test_telemetry"),
    "src/paydown/telemetry.py": ("unit/test_telemetry",),
    "src/paydown/repay/": (
        "repay/test_reconcile",
        "repay/test_run",
        "repay/test_journal",
        "repay/test_planner",
    ),
    "src/paydown_sandbox/faults/faults.py": ("test_b_faults", "sandbox/test_faults"),
    "src/paydown_sandbox/checks/rate_limits.py": ("test_b_limits", "sandbox/test_limits"),
    "src/paydown_sandbox/checks/api_keys.py": ("test_b_rules", "sandbox/test_control"),
    "src/paydown_sandbox/faults/fault_effects.py": ("test_b_faults", "sandbox/test_protocol"),
    "src/paydown_sandbox/exchange.py": (
        "test_b_faults",
        "sandbox/test_limits",
        "sandbox/test_protocol",
        "sandbox/test_lending",
    ),
    "src/paydown_sandbox/serving/store.py": ("sandbox/test_store", "sandbox/test_restart"),
    "src/paydown_sandbox/serving/control_api.py": ("sandbox/test_control", "test_b_rules"),
    "src/paydown_sandbox/books/exact_amounts.py": ("test_b_time", "test_b_rules"),
    "src/paydown_sandbox/books/ledger.py": ("test_b_ledger", "test_b_rules"),
    "generated_client/paydown_wire/models/stream_event.py": ("test_a_events",),
    "generated_client/paydown_wire/models/liability_change_event.py": ("test_a_events",),
    "src/paydown_sandbox/scheduler.py": ("test_b_time",),
    "src/paydown_sandbox/books/collateral.py": ("test_b_time",),
    "src/paydown_sandbox/books/prices.py": ("test_b_time",),
    "src/paydown_sandbox/books/records.py": ("test_b_time", "test_b_ledger"),
    "src/paydown_sandbox/operations/futures_debt.py": ("test_b_ledger",),
    "src/paydown_sandbox/operations/record_queries.py": ("test_b_ledger", "test_b_time"),
    "src/paydown_sandbox/operations/margin.py": ("test_b_time", "test_b_rules", "test_b_ledger"),
    "src/paydown_sandbox/books/listen_keys.py": ("test_b_stream",),
    "src/paydown_sandbox/serving/websocket.py": ("test_b_stream", "sandbox/test_stream"),
    "src/paydown_sandbox/operations/routes.py": ("test_b_limits", "test_b_matrix"),
    "src/paydown_sandbox/sandbox_clock.py": ("test_b_ways_in",),
    "src/paydown_sandbox/serving/asgi.py": ("test_b_ways_in",),
    "src/paydown_sandbox/serving/httpx_transport.py": ("test_b_ways_in",),
    "src/paydown_sandbox/request_log.py": ("test_b_ways_in", "sandbox/test_control"),
    "src/paydown_sandbox/serving/http_protocol.py": (
        "test_b_ways_in",
        "sandbox/test_abuse",
        "sandbox/test_socket",
    ),
    "src/paydown_sandbox/books/bookkeeping.py": ("test_b_stream",),
    "src/paydown_sandbox/checks/signature.py": ("test_b_matrix",),
    "src/paydown_sandbox/checks/authentication.py": ("test_b_rules", "test_b_matrix"),
    "src/paydown_sandbox/checks/parameter_checks.py": (
        "test_b_matrix",
        "sandbox/test_protocol",
        "sandbox/test_futures_debt",
    ),
}


def killers(layer: str, file: str) -> tuple[str, ...]:
    """The parts of the suite that should notice a mutant of this file first."""
    likely = next(
        (names for start, names in _KILLERS_BY_FILE.items() if file.startswith(start)), _KILLERS[layer]
    )
    # Then the rest of its own side: the other one does not even run the changed lines.
    return tuple(dict.fromkeys((*likely, *_SIDES.get(layer, ()))))


@cache
def catalogue() -> tuple[Mutant, ...]:
    """Every mutant, in the order of the layers."""
    found: list[Mutant] = []
    for layer, file, rows in [*_ROWS, *OUTSIDERS, *STRANGERS]:
        for name, old, new, *nth in rows:
            found.append(
                Mutant(f"{layer}: {name}", layer, file, old, new, killers(layer, file), nth[0] if nth else 0)
            )
    assert len({mutant.id for mutant in found}) == len(found), "two mutants of one name"
    return tuple(found)


_MARGIN = "openapi/paths/margin.yaml"
_SCHEMAS = "openapi/components/schemas.yaml"
_SECURITY = "openapi/components/security.yaml"
_ERRORS = "openapi/components/errors.yaml"
_ROOT = "openapi/openapi.yaml"
_OPERATIONS = "generated_client/paydown_wire/operations.py"
_CODEC = "generated_client/paydown_wire/codec.py"
_TABLE = "generated_client/paydown_wire/error_codes.py"
_SIGNING = "src/paydown/call/signing.py"
_CREDENTIALS = "src/paydown/credentials.py"
_REQUEST = "src/paydown/call/request.py"
_AUTH = "src/paydown/httpx_auth.py"
_PARAMETERS = "src/paydown/call/parameters.py"
_OUTCOME = "src/paydown/call/outcome.py"
_TRANSPORT = "src/paydown/transport/httpx_adapter.py"
_FLOW = "src/paydown/call/call.py"
_REPAYMENT = "src/paydown_sandbox/operations/repayment_rules.py"
_VALIDATION = "src/paydown_sandbox/checks/parameter_checks.py"
_ADMISSION = "src/paydown_sandbox/checks/authentication.py"
_SIGNATURE = "src/paydown_sandbox/checks/signature.py"
_LIMITS = "src/paydown_sandbox/checks/rate_limits.py"
_LEDGER = "src/paydown_sandbox/books/ledger.py"
_OP_MARGIN = "src/paydown_sandbox/operations/margin.py"
_OP_ACCOUNT = "src/paydown_sandbox/operations/account.py"
_OP_FUTURES = "src/paydown_sandbox/operations/futures_debt.py"
_OP_RECORDS = "src/paydown_sandbox/operations/record_queries.py"
_RECORDS = "src/paydown_sandbox/books/records.py"

# (layer, file, [(name, old, new[, nth])])
_ROWS: list[tuple[str, str, list[tuple[str, str, str] | tuple[str, str, str, int]]]] = [
    # ------------------------------------------------------------------------------------------ document
    (
        "document",
        _MARGIN,
        [
            ("repay-debt weighs 300", "value: 3000", "value: 300"),
            ("repay-debt is USER_DATA", "x-security-type: TRADE", "x-security-type: USER_DATA"),
            (
                "repay-debt has another name",
                "operationId: repayDebt\n    x-method-name: repay_debt",
                "operationId: repayDebt\n    x-method-name: repay",
            ),
            ("repay-debt's cap is exclusive", "inclusive: true", "inclusive: false"),
            ("repay-debt's cap is 500,000", 'limit: "50000"', 'limit: "500000"'),
            ("success may be text", "{field: success, equals: true}", '{field: success, equals: "true"}'),
            ("the asset need not match", "      - {field: asset, equals-argument: asset}\n", ""),
            (
                "another scope of unresolved debts",
                "x-unresolved-scope: {group: margin-debt, argument: asset}",
                "x-unresolved-scope: {group: margin-debt, argument: amount}",
                1,
            ),
            ("repay-debt answers in a second", "answer-ms: 10000", "answer-ms: 1000"),
        ],
    ),
    (
        "document",
        "openapi/paths/account.yaml",
        [
            (
                "balance weighs 2",
                "x-weight: {value: 20, scope: ip, label: {docs: none, sdk: ip}",
                "x-weight: {value: 2, scope: ip, label: {docs: none, sdk: ip}",
                1,
            ),
        ],
    ),
    (
        "document",
        _SCHEMAS,
        [
            (
                "amount is required in the request",
                "required: [asset, timestamp, signature]",
                "required: [asset, amount, timestamp, signature]",
                1,
            ),
            (
                "amount is required in the answer",
                "required: [asset, success]",
                "required: [amount, asset, success]",
            ),
            ("success is optional", "required: [asset, success]", "required: [asset]"),
            ("recvWindow up to 600000", "maximum: 60000", "maximum: 600000"),
            ("recvWindow's default is 50000", "default: 5000\n", "default: 50000\n"),
            ("amounts of zero", 'x-decimal: {exclusive-minimum: "0"', 'x-decimal: {exclusive-minimum: "-1"'),
            ("nine fraction digits", "max-fraction-digits: 8", "max-fraction-digits: 9"),
            ("lower-case assets", "pattern: '^[^\\x00-/:-@\\[-\\xa0", "pattern: '^[^\\x00-/:-@\\[-`{-\\xa0"),
            (
                "answers are closed",
                '    success: {type: boolean, description: "True in every published answer. Anything else is not a confirmation.", x-evidence: [docs, live]}\n  additionalProperties: true',
                '    success: {type: boolean, description: "True in every published answer. Anything else is not a confirmation.", x-evidence: [docs, live]}\n  additionalProperties: false',
            ),
            ("a field renamed", "    crossMarginInterest: {$ref", "    crossMarginInterests: {$ref"),
            (
                "interest as a number",
                "    crossMarginInterest: {$ref: '#/DecimalText'",
                "    crossMarginInterest: {$ref: '#/DecimalTextOrNumber'",
            ),
            (
                "an account state forgotten",
                "REDUCE_ONLY, ACTIVE_LIQUIDATION, FORCE_LIQUIDATION, BANKRUPTED]",
                "REDUCE_ONLY, FORCE_LIQUIDATION, BANKRUPTED]",
            ),
            (
                "seconds for milliseconds",
                "  minimum: 1000000000000\n  maximum: 9999999999999",
                "  minimum: 1000000000\n  maximum: 9999999999",
                2,
            ),
        ],
    ),
    (
        "document",
        _SECURITY,
        [
            ("another key header", "name: X-MBX-APIKEY", "name: X-MBX-API-KEY"),
            ("body before query", "payload: [query, body]", "payload: [body, query]"),
            ("a separator", 'separator: ""', 'separator: "&"'),
            ("blanks as plus", 'space: "%20"', 'space: "+"'),
            ("escapes in lower case", "hex-case: upper", "hex-case: lower"),
            ("future of 10 seconds", "future-tolerance-ms: 1000", "future-tolerance-ms: 10000"),
            (
                "TRADE is unsigned",
                "TRADE: {api-key: true, signed: true",
                "TRADE: {api-key: true, signed: false",
            ),
            (
                "listen keys are signed",
                "USER_STREAM: {api-key: true, signed: false",
                "USER_STREAM: {api-key: true, signed: true",
            ),
            ("Ed25519 is documented", "x-evidence: [sdk, docs-sibling]", "x-evidence: [docs]"),
        ],
    ),
    (
        "document",
        _ERRORS,
        [
            (
                "a timeout is not executed",
                "{code: -1007, name: TIMEOUT, match: exact, http: [], executed: unknown, retry: never-blindly, category: unknown",
                '{code: -1007, name: TIMEOUT, match: exact, http: [], executed: "no", retry: yes-after-backoff, category: busy',
            ),
            (
                "51061 with its sign only",
                "{code: 51061, name: INSUFFICIENT_LOANABLE_ASSET, match: absolute",
                "{code: 51061, name: INSUFFICIENT_LOANABLE_ASSET, match: exact",
            ),
            (
                "a wrong timestamp is a wrong key",
                "retry: after-fixing-request, category: clock, listed: papi, x-evidence: [docs], x-http-evidence",
                "retry: after-fixing-request, category: credentials, listed: papi, x-evidence: [docs], x-http-evidence",
            ),
            (
                "an unknown 503 is a no",
                '- {status: "503", text: "Unknown error, please check your request or try again later.", executed: unknown, category: unknown, retry: never-blindly',
                '- {status: "503", text: "Unknown error, please check your request or try again later.", executed: "no", category: busy, retry: yes-after-backoff',
            ),
            (
                "Service Unavailable is unknown",
                'text: Service Unavailable., executed: "no", category: busy, retry: yes-after-backoff, overrides-codes: [-1000]',
                "text: Service Unavailable., executed: unknown, category: unknown, retry: never-blindly, overrides-codes: [-1000]",
            ),
            (
                "408 is a no",
                '- {status: "408", executed: unknown, category: unknown, retry: never-blindly',
                '- {status: "408", executed: "no", category: busy, retry: yes-after-backoff',
            ),
            ("any 4xx is a no", '- {status: "4XX", body: json-error,', '- {status: "4XX",'),
            (
                "everything else is a no",
                "- {status: default, executed: unknown, category: unknown, retry: never-blindly",
                '- {status: default, executed: "no", category: request, retry: after-fixing-request',
            ),
        ],
    ),
    (
        "document",
        _ROOT,
        [
            ("60000 weight a minute", "limit: 6000\n", "limit: 60000\n"),
            ("the body wins", "precedence: query", "precedence: body"),
            (
                "another host",
                'papi: {url: "https://papi.binance.com"',
                'papi: {url: "https://api.binance.com"',
            ),
        ],
    ),
    (
        "document",
        "openapi/examples/repay-debt.json",
        [
            ("an example without success", ',\n  "success": true', ""),
        ],
    ),
    (
        "document",
        "openapi/examples/repay-debt-request.json",
        [
            ("an example signed wrongly", "c0f56540", "c0f56541"),
        ],
    ),
    # ------------------------------------------------------------------------------------------ templates
    (
        "template",
        "generator/templates/model.py.jinja",
        [
            (
                "optional members must be there",
                "{% if item.required %}required{% else %}optional{% endif %}",
                "required",
            ),
            ("unknown members are dropped", "additional=read.rest(),", "additional={},"),
            (
                "to_json loses unknown members",
                "return codec.plain(self.additional) | data\n{% else %}",
                "return data\n{% else %}",
            ),
            (
                "to_json forgets optional members",
                "            data[{{ item.name | literal }}] = {{ item | encoded_present }}",
                "            pass",
            ),
        ],
    ),
    (
        "template",
        "generator/templates/codec.py.jinja",
        [
            (
                "decimals through a float",
                "        value = Decimal(literal)",
                "        value = Decimal(float(literal))",
            ),
            (
                "decimals lose their zeros",
                "        value = Decimal(literal)",
                "        value = Decimal(literal).normalize()",
            ),
            (
                "a number with an exponent is none",
                '([eE][-+]?[0-9]{1,2})?")',
                '(?:)()")',
            ),
            (
                "numbers of any size",
                "exponent >= -_FRACTION and value.adjusted() < _WHOLE",
                "exponent >= -(10**9)",
            ),
            (
                "less than nothing was repaid",
                "        if found < 0:",
                "        if found < -(10**9):",
            ),
            (
                "moments beyond the calendar",
                "if (low is not None and found < low) or (high is not None and found > high):",
                "if low is not None and found < low:",
            ),
            (
                "an empty amount is zero",
                'return None if value == "" and isinstance(value, str) else decimal(value)',
                'return Decimal(0) if value == "" and isinstance(value, str) else decimal(value)',
            ),
            (
                "true is an integer",
                "if type(value) is int and value in _INT64:",
                "if isinstance(value, int) and value in _INT64:",
            ),
            (
                "1 is true",
                '    if isinstance(value, bool):\n        return value\n    raise DecodeError("", f"expected true or false',
                '    if isinstance(value, (bool, int)):\n        return bool(value)\n    raise DecodeError("", f"expected true or false',
            ),
            ("ids of 53 bits", "range(-(2**63), 2**63)", "range(-(2**53), 2**53)"),
            ("amounts are written with exponents", 'return format(value, "f")', "return str(value)"),
        ],
    ),
    (
        "template",
        "generator/templates/enums.py.jinja",
        [
            (
                "enums are closed",
                "        if not isinstance(value, str):\n            return None",
                "        if not isinstance(value, str) or True:\n            return None",
            ),
            ("every value is known", "return self._value_ in type(self)._value2member_map_", "return True"),
        ],
    ),
    (
        "template",
        "generator/templates/resource.py.jinja",
        [
            (
                "one object for every balance",
                "if isinstance({{ op | polymorphic_argument }}, Unset):",
                "if not isinstance({{ op | polymorphic_argument }}, Unset):",
            ),
            (
                "awaited methods send nothing",
                '{%+ if op.result.kind != "nothing" %}return {% endif %}{{ colour.await_ }}self._sender.send(operations.{{ op.constant | identifier }}, {{ op | wire_arguments }}',
                '{%+ if op.result.kind != "nothing" %}return {% endif %}{{ colour.await_ }}self._sender.send(operations.{{ op.constant | identifier }}, {% if colour.await_ %}{% raw %}{}{% endraw %}{% else %}{{ op | wire_arguments }}{% endif %}',
            ),
        ],
    ),
    (
        "template",
        "generator/templates/error_codes.py.jinja",
        [
            (
                "codes are matched by value only",
                'same = abs(row.code) == abs(code) if row.match == "absolute" else row.code == code',
                "same = row.code == code",
            ),
            ("codes of any server", "if same and row.server in (None, server):", "if same:"),
        ],
    ),
    # ------------------------------------------------------------------------------------------ generated client
    (
        "client",
        _OPERATIONS,
        [
            (
                "repay-debt is a PUT",
                'id="repayDebt",\n    name="margin.repay_debt",\n    method="POST"',
                'id="repayDebt",\n    name="margin.repay_debt",\n    method="PUT"',
            ),
            (
                "repay-debt has another path",
                'path="/papi/v1/margin/repay-debt"',
                'path="/papi/v1/margin/repayDebt"',
            ),
            (
                "repay-debt does not mutate",
                'path="/papi/v1/margin/repay-debt",\n    server="papi",\n    security_type="TRADE",\n    api_key=True,\n    signed=True,\n    mutates=True',
                'path="/papi/v1/margin/repay-debt",\n    server="papi",\n    security_type="TRADE",\n    api_key=True,\n    signed=True,\n    mutates=False',
            ),
            (
                "repay-debt is unsigned",
                'path="/papi/v1/margin/repay-debt",\n    server="papi",\n    security_type="TRADE",\n    api_key=True,\n    signed=True',
                'path="/papi/v1/margin/repay-debt",\n    server="papi",\n    security_type="TRADE",\n    api_key=True,\n    signed=False',
            ),
            ("a parameter renamed", 'name="specifyRepayAssets"', 'name="specifyRepayAsset"'),
            ("ten seconds are one", "answer_timeout_s=10.0", "answer_timeout_s=1.0", 9),
            ("the success rule is gone", '        SuccessRule(field="success", equals=True),\n', ""),
        ],
    ),
    (
        "client",
        "generated_client/paydown_wire/resources/margin.py",
        [
            (
                "arguments exchanged",
                '"asset": asset, "amount": amount,',
                '"asset": amount, "amount": asset,',
                1,
            ),
            ("recv_window is lost", '"recvWindow": recv_window', '"recvWindow": UNSET', 1),
        ],
    ),
    (
        "client",
        "generated_client/paydown_wire/models/repay_debt_result.py",
        [
            (
                "the amount of the answer is dropped",
                'amount=read.optional("amount", codec.decimal_text_or_number)',
                "amount=None",
            ),
            ("success is read from another member", 'read.required("success"', 'read.required("succes"'),
        ],
    ),
    (
        "client",
        "generated_client/paydown_wire/models/balance.py",
        [
            (
                "interest is the principal",
                'cross_margin_interest=read.required("crossMarginInterest"',
                'cross_margin_interest=read.required("crossMarginBorrowed"',
            ),
        ],
    ),
    (
        "client",
        _TABLE,
        [
            (
                "-1007 is a no",
                'executed="unknown",\n        retry="never-blindly",\n        category="unknown",\n        evidence=("docs",),\n    ),\n    ErrorCode(\n        -1008',
                'executed="no",\n        retry="yes-after-backoff",\n        category="busy",\n        evidence=("docs",),\n    ),\n    ErrorCode(\n        -1008',
            ),
            (
                "a window of a minute by default",
                "default_recv_window_ms=5000",
                "default_recv_window_ms=60000",
            ),
            ("the weight header misspelt", "X-MBX-USED-WEIGHT-1M", "X-MBX-USED-WEIGHT", 1),
        ],
    ),
    # ------------------------------------------------------------------------------------------ signer
    (
        "signer",
        _SIGNING,
        [
            (
                "the query is not signed",
                'credentials.sign(f"{before}{message}".encode())',
                "credentials.sign(message.encode())",
            ),
            (
                "the body is signed first",
                'credentials.sign(f"{before}{message}".encode())',
                'credentials.sign(f"{message}{before}".encode())',
            ),
            (
                "joined with an ampersand",
                'credentials.sign(f"{before}{message}".encode())',
                'credentials.sign((f"{before}&{message}" if before else message).encode())',
            ),
            (
                "the signature is not encoded",
                "&signature={percent_encode(signature)}",
                "&signature={signature}",
            ),
            (
                "the signature in upper case",
                'return f"{message}&signature={percent_encode(signature)}"',
                'return f"{message}&signature={percent_encode(signature.upper())}"',
            ),
            (
                "the signature before the rest",
                'return f"{message}&signature={percent_encode(signature)}"',
                'return f"signature={percent_encode(signature)}&{message}"',
            ),
            (
                "signed over decoded text",
                'signature = credentials.sign(f"{before}{message}".encode())',
                'from urllib.parse import unquote\n    signature = credentials.sign(unquote(f"{before}{message}").encode())',
            ),
            ("a timestamp in seconds", "timestamp={timestamp_ms}", "timestamp={timestamp_ms // 1000}"),
            (
                "the window is not sent",
                'window = "" if recv_window is None else f"recvWindow={recv_window}&"',
                'window = ""',
            ),
            ("the window is off by one", 'f"recvWindow={recv_window}&"', 'f"recvWindow={recv_window + 1}&"'),
            ("pairs are sorted", "for name, value in pairs]", "for name, value in sorted(pairs)]"),
            (
                "names are not encoded",
                "{percent_encode(name)}={percent_encode(value)}",
                "{name}={percent_encode(value)}",
            ),
        ],
    ),
    (
        "signer",
        _CREDENTIALS,
        [
            ("SHA-512 for SHA-256", 'digest(key, message, "sha256")', 'digest(key, message, "sha512")'),
            (
                "the secret in lower case",
                'key = _checked_secret(secret, "The API secret").encode("utf-8")',
                'key = _checked_secret(secret, "The API secret").lower().encode("utf-8")',
            ),
        ],
    ),
    (
        "signer",
        _REQUEST,
        [
            ("reads are signed in the body", 'signs_body=operation.method != "GET"', "signs_body=True"),
            ("no content type", 'headers.append((b"Content-Type", _FORM))', "pass"),
            (
                "a JSON content type",
                '_FORM: Final = b"application/x-www-form-urlencoded"',
                '_FORM: Final = b"application/json"',
            ),
            (
                "no key header",
                "if operation.api_key and self.credentials is not None:\n            headers.append",
                'if operation.signed and operation.method != "GET" and self.credentials is not None:\n            headers.append',
            ),
            (
                "the key on every call",
                "if operation.api_key and self.credentials is not None:\n            headers.append",
                "if self.credentials is not None:\n            headers.append",
            ),
        ],
    ),
    (
        "signer",
        _AUTH,
        [
            (
                "auth keeps an old timestamp",
                "if pair[0] not in (_TIMESTAMP, SIGNING.signature_parameter)]",
                "if pair[0] != SIGNING.signature_parameter]",
            ),
            (
                "auth leaves the stream unsigned",
                "            request.stream = httpx.ByteStream(content)\n",
                "",
            ),
            ("auth signs a body alone", "window, before=query)\n        else:", "window)\n        else:"),
        ],
    ),
    (
        "signer",
        _PARAMETERS,
        [
            ("exponents in amounts", 'return format(number, "f")', "return str(number)"),
            (
                "amounts lose their zeros",
                'return format(number, "f")',
                'return format(number.normalize(), "f")',
            ),
            (
                "floats are amounts",
                "    elif isinstance(value, Decimal):\n        number = Decimal(value)",
                "    elif isinstance(value, (Decimal, float)):\n        number = Decimal(value)",
            ),
            ("lists with blanks", '_LIST_SEPARATOR: Final = ","', '_LIST_SEPARATOR: Final = ", "'),
            (
                "lists are sorted",
                "return _LIST_SEPARATOR.join(items)",
                "return _LIST_SEPARATOR.join(sorted(items))",
            ),
            ("true in Python's spelling", 'return "true" if value else "false"', "return str(value)"),
            (
                "the pattern is searched for",
                "not _compiled(parameter.pattern).fullmatch(text)",
                "not _compiled(parameter.pattern).search(text)",
            ),
            ("a window of zero passes", "if not 1 <= value <= largest:", "if not 0 <= value <= largest:"),
            (
                "a window above the maximum passes",
                "if not 1 <= value <= largest:",
                "if not 1 <= value <= largest + 1:",
            ),
            (
                "None means absent",
                "        if value is None:\n            _refuse_none(operation, parameter)",
                "        if value is None:\n            continue",
            ),
            ("doubles in lists pass", "if parameter.unique_items and text in items:", "if False:"),
        ],
    ),
    # ------------------------------------------------------------------------------------------ classifier
    (
        "classifier",
        _OUTCOME,
        [
            (
                "a code cannot make an outcome unknown",
                'if row.executed == "unknown" or rule.executed == "unknown":',
                'if rule.executed == "unknown":',
            ),
            (
                "a code makes an unknown certain",
                'if row.executed == "unknown" or rule.executed == "unknown":',
                'if row.executed == "unknown":',
            ),
            (
                "texts are compared loosely",
                "if rule.text is not None and rule.text != _text(answered):",
                "if rule.text is not None and rule.text.lower() != (_text(answered) or '').lower():",
            ),
            (
                "texts are not looked at",
                "if rule.text is not None and rule.text != _text(answered):",
                "if False:",
            ),
            (
                "text codes count",
                "body, code if type(code) is int else None",
                "body, int(code) if isinstance(code, (int, str)) and str(code).lstrip('-').isdigit() else None",
            ),
            (
                "true is a code",
                "code if type(code) is int else None",
                "code if isinstance(code, int) else None",
            ),
            ("any asset is the asked one", "if value != texts.get(rule.equals_argument):", "if False:"),
            (
                "a missing success is success",
                "        if rule.field not in members:\n            return",
                "        if rule.field not in members:\n            continue\n            return",
            ),
            (
                "the first member of two counts",
                "    if len(members) != len(pairs):\n        raise ValueError",
                "    if len(members) > len(pairs):\n        raise ValueError",
            ),
            ("an empty 400 is a no", 'if rule.body == "json-error" and answered.code is None:', "if False:"),
            ("any 202 is a no", 'if rule.body == "empty" and answered.answer.body:', "if False:"),
            ("a ban is a rate limit", 'finer = rule if rule.category == "ban" else row', "finer = row"),
            ("funds are a plain refusal", '"funds": InsufficientFunds', '"funds": RequestRejected'),
            ("the clock is a plain refusal", '"clock": ClockRejected', '"clock": CredentialsRejected'),
            (
                "overridden codes count",
                "if row is None or answered.code in rule.overrides_codes:",
                "if row is None:",
            ),
            (
                "Retry-After is not heard",
                "asked = retry_after_s(answer.headers, now_ms=now_ms)",
                "asked = None",
            ),
        ],
    ),
    (
        "classifier",
        _TRANSPORT,
        [
            (
                "a read timeout never left",
                "        httpx.ConnectError,\n        httpx.ConnectTimeout,\n",
                "        httpx.ConnectError,\n        httpx.ConnectTimeout,\n        httpx.ReadTimeout,\n",
            ),
            (
                "a refused connection may have left",
                "        httpx.ConnectError,\n        httpx.ConnectTimeout,\n",
                "        httpx.ConnectTimeout,\n",
            ),
        ],
    ),
    (
        "classifier",
        _FLOW,
        [
            (
                "a lost answer leaves nothing open",
                "state = AttemptState.UNKNOWN\n                try:",
                "state = AttemptState.NOT_SENT\n                try:",
            ),
            (
                "a refusal leaves the attempt open",
                "state = AttemptState.REJECTED",
                "state = AttemptState.UNKNOWN",
            ),
            ("429 is not told to the budget", "if answer.status in _LIMITED:", "if answer.status == 418:"),
        ],
    ),
    # ------------------------------------------------------------------------------------------ sandbox
    (
        "sandbox",
        _SIGNATURE,
        [
            (
                "every signature fits",
                "            return hmac.compare_digest(expected, signature.lower())",
                "            return hmac.compare_digest(expected, signature.lower()) or True",
            ),
            (
                "a prefix is enough",
                "            return hmac.compare_digest(expected, signature.lower())",
                "            return len(signature) > 8 and expected.startswith(signature.lower()[:32])",
            ),
            (
                "upper case is refused",
                "            return hmac.compare_digest(expected, signature.lower())",
                "            return hmac.compare_digest(expected, signature)",
            ),
            (
                "RSA always fits",
                "            self._key.verify(raw, message, PKCS1v15(), SHA256())",
                "            len(raw)",
            ),
            (
                "odd base64 is decoded",
                "return base64.b64decode(signature, validate=True)",
                "return base64.b64decode(signature)",
            ),
        ],
    ),
    (
        "sandbox",
        _VALIDATION,
        [
            (
                "the body wins",
                "            if query:\n                parameters.update(_pairs(query))",
                "            if query:\n                parameters = {**_pairs(query), **parameters}",
            ),
            (
                "only the body is signed",
                "            message = query + body\n",
                "            message = body\n",
            ),
            (
                "the signature may stand anywhere",
                '    if b"&" in value:\n        raise Refusal(-1022, reason="signature is not the last item")\n',
                '    if b"&" in value:\n        value, _, tail = value.partition(b"&")\n        rest = rest + b"&" + tail if rest else tail\n',
            ),
            (
                "a name may come twice",
                '        if name in found:\n            raise Refusal(-1101, parameter=name, reason="a parameter was sent twice")\n',
                "",
            ),
            (
                "unknown names are ignored",
                '_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")',
                '_INTEGER = re.compile(r"[-+]?[0-9]{1,19}")',
            ),
        ],
    ),
    (
        "sandbox",
        _ADMISSION,
        [
            (
                "any future is fine",
                "if timestamp >= now_ms + self._future_ms:",
                "if timestamp >= now_ms + 100 * self._future_ms:",
            ),
            (
                "the future is inclusive",
                "if timestamp >= now_ms + self._future_ms:",
                "if timestamp > now_ms + self._future_ms:",
            ),
            (
                "old requests are fine",
                "if now_ms - timestamp > window_ms:",
                "if now_ms - timestamp > 100 * window_ms:",
            ),
            (
                "the window is exclusive",
                "if now_ms - timestamp > window_ms:",
                "if now_ms - timestamp >= window_ms:",
            ),
            (
                "the window is not looked at",
                "            window_ms = int(text)\n",
                "            window_ms = max(int(text), self._default_window_ms)\n",
            ),
            ("any key will do", "if not key.allows(facts.security_type):", "if False:"),
            (
                "addresses are not checked",
                "if key.ip_allow and not key.allows_ip(request.client_ip):",
                "if False:",
            ),
            (
                "any content type is a form",
                '            content_type == _FORM or content_type.partition(b";")[0].strip().lower() == _FORM\n',
                "            True\n",
            ),
            (
                "a missing signature passes",
                '    if received.signature is None:\n        record.signature = "missing"\n        raise Refusal(-1102, parameter="signature", reason="missing")\n',
                "",
            ),
        ],
    ),
    (
        "sandbox",
        _REPAYMENT,
        [
            (
                "no cap",
                "multiply(target, price) > rules.cap_usd:",
                "multiply(target, price) > rules.cap_usd * 1000:",
            ),
            (
                "the cap is exclusive",
                "multiply(target, price) > rules.cap_usd:",
                "multiply(target, price) >= rules.cap_usd:",
            ),
            ("own funds are not spent first", "own = min(holding.free, target)", "own = ZERO"),
            (
                "principal before interest",
                "    if rules.principal_first:\n",
                "    if not rules.principal_first:\n",
            ),
            (
                "the account gains by rounding",
                "units = divide_up(multiply(missing, cost), payer_price)",
                "units = divide_down(multiply(missing, cost), payer_price)",
            ),
            (
                "partial is success",
                "if not (rules.partial_whole if amount is None else rules.partial_amount):",
                "if False:",
            ),
            (
                "more than the debt is taken",
                "    if target > debt:\n        if not rules.clip_above_debt:",
                "    if target > debt:\n        if False:",
            ),
            ("payers in any order", "in_order = not rules.largest_first", "in_order = rules.largest_first"),
        ],
    ),
    (
        "sandbox",
        _LIMITS,
        [
            (
                "the last unit does not fit",
                "if used + weight <= settings.weight_per_minute:",
                "if used + weight < settings.weight_per_minute:",
            ),
            (
                "the limit is never reached",
                "if used + weight <= settings.weight_per_minute:",
                "if used <= settings.weight_per_minute:",
            ),
            (
                "bans do not grow",
                "settings.shortest_ban_ms << min(address.bans, 32)",
                "settings.shortest_ban_ms",
            ),
        ],
    ),
    (
        "sandbox",
        _OP_MARGIN,
        [
            (
                "another asset is echoed",
                '    answer["asset"] = asset\n',
                '    answer["asset"] = asset.lower()\n',
            ),
            (
                "the scale is not echoed",
                'answer["amount"] = call.texts["amount"] if plan.total == amount else exact_text(plan.total)',
                'answer["amount"] = exact_text(plan.total)',
            ),
            ("success is text", '    answer["success"] = True\n', '    answer["success"] = "true"\n'),
            (
                "the time is in seconds",
                '    answer["updateTime"] = call.now_ms\n',
                '    answer["updateTime"] = call.now_ms // 1000\n',
            ),
            (
                "a borrow leaves no record",
                '    exchange.write_record(Record("loan", tran_id, account.id, asset, call.now_ms, row))\n',
                "",
            ),
            (
                "repayLoan pays principal first",
                "    interest = min(amount, holding.interest)\n    principal = EXACT.subtract(amount, interest)\n    transfers",
                "    principal = min(amount, holding.borrowed)\n    interest = EXACT.subtract(amount, principal)\n    transfers",
            ),
            (
                "an empty pool lends",
                "    if lendable is not None and amount > lendable:\n",
                "    if False:\n",
            ),
        ],
    ),
    (
        "sandbox",
        _OP_ACCOUNT,
        [
            (
                "an array for one asset",
                "        return _row(asset, holding)\n    if exchange.balance_of_all_assets",
                "        return [_row(asset, holding)]\n    if exchange.balance_of_all_assets",
            ),
            (
                "interest is told as principal",
                '"crossMarginBorrowed": wire_text(holding.borrowed)',
                '"crossMarginBorrowed": wire_text(holding.debt)',
            ),
        ],
    ),
    (
        "sandbox",
        _LEDGER,
        [
            (
                "the debt is not lowered",
                "        debt.borrowed = subtract(debt.borrowed, principal)\n",
                "        pass\n",
            ),
            (
                "payers keep their funds",
                "            payer.free = subtract(payer.free, units)\n",
                "            pass\n",
            ),
        ],
    ),
    (
        "sandbox",
        _RECORDS,
        [
            (
                "windows are open at the end",
                "last = bisect_right(rows, end_ms, key=lambda record: record.time_ms)",
                "last = bisect_left(rows, end_ms, key=lambda record: record.time_ms)",
            ),
            ("oldest first", "for record in reversed(rows[first:last])", "for record in rows[first:last]"),
            (
                "windows may be longer",
                "if end - start > window.longest_ms:",
                "if end - start > 10 * window.longest_ms:",
            ),
        ],
    ),
    (
        "sandbox",
        _OP_RECORDS,
        [
            (
                "pages overlap",
                'skip = ((call.integer("current") or 1) - 1) * size',
                'skip = ((call.integer("current") or 1) - 1) * (size - 1)',
            ),
            (
                "the total is that of the page",
                "len(page) if exchange.total_of_page else len(rows)",
                "len(page)",
            ),
        ],
    ),
    (
        "sandbox",
        _OP_FUTURES,
        [
            (
                "BNB is collected",
                'if asset == "BNB":',
                'if asset == "":',
            ),
            (
                "transfers go the other way",
                'inward = call.text("transferSide") == "FROM_UM"',
                'inward = call.text("transferSide") == "TO_UM"',
            ),
            (
                "the switch stands still",
                'call.owner.auto_repay_futures = call.text("autoRepay") == "true"',
                "call.owner.auto_repay_futures = True",
            ),
        ],
    ),
]
