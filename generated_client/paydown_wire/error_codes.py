# Written by `make generate` from openapi/components/errors.yaml and generator/templates/error_codes.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold the facts that all operations share: errors, limits, signing, servers.

The `provenance` of each row is a tuple of marks (`docs`, `docs-sibling`, `sdk`, `changelog`, `live`, `computed`, `undocumented`),
explained in `PROVENANCE_MARKS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Executed = Literal["no", "unknown"]
Category = Literal[
    "request", "credentials", "clock", "rate-limit", "ban", "busy", "firewall", "wrong-host", "wrong-path",
    "funds", "account-state", "unknown",
]
Retry = Literal["never-blindly", "after-fixing-request", "yes-after-backoff"]


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """Hold an error code of the exchange, and what it means for a debt.

    Attributes:
        code: The number. With `match` "absolute" its sign is ignored.
        name: The name on the exchange's page, or one of this project where the page gives none.
        meaning: A description, in the words of this project.
        executed: Whether a call that moves money may have been executed despite the error.
        retry: What to do before sending such a call again.
        category: The kind of error, which decides the exception.
        match: How `code` is compared.
        http: HTTP statuses that it was seen or documented with; empty if unknown.
        server: The only server that the row applies to, or `None` for all.
        listed: "papi" if the Portfolio Margin page lists it, "elsewhere" if a sibling page does.
        provenance: Where the fact comes from, as marks of `PROVENANCE_MARKS`.
    """

    code: int
    name: str
    meaning: str
    executed: Executed
    retry: Retry
    category: Category
    match: Literal["exact", "absolute"] = "exact"
    http: tuple[int, ...] = ()
    server: str | None = None
    listed: Literal["papi", "elsewhere"] = "papi"
    provenance: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusOutcome:
    """Hold what an HTTP status proves about a call that changes something. The first row that fits decides.

    Attributes:
        status: "503", "4XX" for the rest of a hundred, or "default" for anything.
        body: "any", "empty", "html", or "json-error" for an object whose integer `code` is negative or listed.
        text: Must equal the trimmed `msg` of a JSON body, or the whole trimmed body if it is not JSON.
        code: Must equal the `code` of a JSON body.
        overrides_codes: Codes whose own "unknown" this row overrules.
        executed: "no", "unknown", or "see-body": done only if every success rule of the call holds.
    """

    status: str
    body: Literal["any", "empty", "html", "json-error"] = "any"
    text: str | None = None
    code: int | None = None
    overrides_codes: tuple[int, ...] = ()
    executed: Executed | Literal["see-body"]
    category: Category
    retry: Retry
    provenance: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Hold a budget that the exchange counts: at most `limit` within `interval_ms`, counted per `per`."""

    id: str
    limit: int
    interval_ms: int
    per: str
    header: str
    counted_on_error: bool
    per_endpoint: bool = False
    window: str = ""
    provenance: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningAlgorithm:
    """Hold how a signature is computed and written.

    Attributes:
        algorithm: The usual name.
        encoding: "hex" or "base64".
        percent_encoded: Whether the encoded signature is percent-encoded on the wire.
        provenance: Where the fact comes from, as marks of `PROVENANCE_MARKS`.
    """

    algorithm: str
    encoding: Literal["hex", "base64"]
    percent_encoded: bool
    provenance: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Hold how requests are signed. Times are milliseconds on the exchange's clock.

    Attributes:
        api_key_header: Header that carries the key.
        payload: Parts that are signed, in this order, joined by `separator`.
        signature_parameter: The parameter with the signature, sent last.
        owned_parameters: Added by the scheme, never by a caller.
        algorithms: One for each kind of key.
        charset: How text becomes bytes before percent-encoding.
        unreserved: Characters that are not percent-encoded, as ranges.
        hex_case: Case of the hexadecimal digits of percent-encoding.
        future_tolerance_ms: A timestamp this far ahead, or further, is refused.
        default_recv_window_ms: Age up to which a request is accepted when it names no other.
        maximum_recv_window_ms: Greatest age that may be named.
        time_code: Error code of a timestamp outside of the window.
        signature_code: Error code of a wrong signature.
        key_format_code: Error code of a malformed key.
        key_code: Error code of a key that is unknown, or not allowed to do this.
    """

    api_key_header: str
    payload: tuple[str, ...]
    separator: str
    signature_parameter: str
    owned_parameters: tuple[str, ...]
    algorithms: Mapping[str, SigningAlgorithm]
    charset: str
    unreserved: str
    hex_case: Literal["upper", "lower"]
    future_tolerance_ms: int
    default_recv_window_ms: int
    maximum_recv_window_ms: int
    time_code: int
    signature_code: int
    key_format_code: int
    key_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """Hold how long to pause after a limit was exceeded, for answers without `retry_after_header`."""

    minimum_ms: int
    maximum_ms: int
    pause_after_429_ms: int
    retry_after_header: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Hold the address, the lifetimes and the event names of the user data stream.

    Attributes:
        server: Key of `SERVERS`.
        connect: Path below that server; `{listenKey}` stands for the key.
        keep_alive_ms: Extend the key at least this often.
        type_key: Member that names the event.
        time_key: Member with the time of the event, ms UTC.
        ignored: Events that have nothing to do with a debt.
    """

    server: str
    connect: str
    key_lifetime_ms: int
    keep_alive_ms: int
    connection_lifetime_ms: int
    server_ping_interval_ms: int
    pong_timeout_ms: int
    type_key: str
    time_key: str
    ignored: tuple[str, ...] = ()


ERROR_CODES: Final[tuple[ErrorCode, ...]] = (
    ErrorCode(
        -1000, "UNKNOWN", "An unspecified failure.", executed="unknown", retry="never-blindly",
        category="unknown", provenance=("docs",),
    ),
    ErrorCode(
        -1001, "DISCONNECTED", "An internal fault; the text asks to try again. For money, look first.",
        executed="unknown", retry="never-blindly", category="unknown", http=(503,), provenance=("docs",),
    ),
    ErrorCode(
        -1002, "UNAUTHORIZED", "The key is not allowed to make this call.", executed="no",
        retry="after-fixing-request", category="credentials", provenance=("docs",),
    ),
    ErrorCode(
        -1003, "TOO_MANY_REQUESTS",
        "The weight of the minute is spent (429), or the IP is banned until a given ms (418).", executed="no",
        retry="yes-after-backoff", category="rate-limit", http=(429, 418), provenance=("docs",),
    ),
    ErrorCode(
        -1004, "DUPLICATE_IP", "The IP is already on the whitelist.", executed="no",
        retry="after-fixing-request", category="credentials", provenance=("docs",),
    ),
    ErrorCode(
        -1005, "NO_SUCH_IP", "The IP is not on the whitelist.", executed="no", retry="after-fixing-request",
        category="credentials", provenance=("docs",),
    ),
    ErrorCode(
        -1006, "UNEXPECTED_RESP", "An odd internal answer; the outcome is not known.", executed="unknown",
        retry="never-blindly", category="unknown", provenance=("docs",),
    ),
    ErrorCode(
        -1007, "TIMEOUT", "The back end did not answer in time; the outcome is not known.",
        executed="unknown", retry="never-blindly", category="unknown", provenance=("docs",),
    ),
    ErrorCode(
        -1008, "REQUEST_THROTTLED",
        (
            "Overload protection refused the request. The page gives the code no upper-case name;"
            " this one is ours."
        ),
        executed="no", retry="yes-after-backoff", category="busy", http=(503,), provenance=("docs",),
    ),
    ErrorCode(
        -1010, "ERROR_MSG_RECEIVED", "An unspecified failure.", executed="unknown", retry="never-blindly",
        category="unknown", provenance=("docs",),
    ),
    ErrorCode(
        -1011, "NON_WHITE_LIST", "The IP may not use this route.", executed="no",
        retry="after-fixing-request", category="credentials", provenance=("docs",),
    ),
    ErrorCode(
        -1013, "INVALID_MESSAGE", "The request is malformed.", executed="no", retry="after-fixing-request",
        category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1015, "TOO_MANY_ORDERS", "The order budget of the account is spent.", executed="no",
        retry="yes-after-backoff", category="rate-limit", http=(429,), provenance=("docs",),
    ),
    ErrorCode(
        -1016, "SERVICE_SHUTTING_DOWN", "The endpoint has been withdrawn.", executed="no",
        retry="after-fixing-request", category="wrong-path", provenance=("docs",),
    ),
    ErrorCode(
        -1020, "UNSUPPORTED_OPERATION", "The operation is not offered.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1021, "INVALID_TIMESTAMP", "The timestamp lies before the recvWindow, or 1000 ms or more ahead.",
        executed="no", retry="after-fixing-request", category="clock", http=(400,), provenance=("docs",),
    ),
    ErrorCode(
        -1022, "INVALID_SIGNATURE", "The signature does not fit the bytes that arrived.", executed="no",
        retry="after-fixing-request", category="credentials", http=(400,), provenance=("docs",),
    ),
    ErrorCode(
        -1023, "START_TIME_GREATER_THAN_END_TIME", "The time range is reversed.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1100, "ILLEGAL_CHARS", "A character outside a parameter's legal range.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1101, "TOO_MANY_PARAMETERS", "Too many parameters, or one sent twice.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1102, "MANDATORY_PARAM_EMPTY_OR_MALFORMED", "A required parameter is missing, empty or malformed.",
        executed="no", retry="after-fixing-request", category="request", http=(400,), provenance=("docs",),
    ),
    ErrorCode(
        -1103, "UNKNOWN_PARAM", "A parameter is not known.", executed="no", retry="after-fixing-request",
        category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1104, "UNREAD_PARAMETERS", "Some parameters were not used.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1105, "PARAM_EMPTY", "A parameter is empty.", executed="no", retry="after-fixing-request",
        category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1106, "PARAM_NOT_REQUIRED", "A parameter must not be sent here.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1108, "BAD_ASSET", "There is no such asset.", executed="no", retry="after-fixing-request",
        category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1109, "BAD_ACCOUNT", "There is no such account.", executed="no", retry="after-fixing-request",
        category="account-state", provenance=("docs",),
    ),
    ErrorCode(
        -1111, "BAD_PRECISION", "More digits than the asset allows.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1121, "BAD_SYMBOL", "There is no such symbol.", executed="no", retry="after-fixing-request",
        category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1125, "INVALID_LISTEN_KEY", "The listen key is gone; create a new one.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1127, "MORE_THAN_XX_HOURS", "The time range is too long.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1128, "OPTIONAL_PARAMS_BAD_COMBO", "Optional parameters do not combine.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -1130, "INVALID_PARAMETER", "A value is not valid for its parameter.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -2010, "NEW_ORDER_REJECTED", "An order was refused.", executed="no", retry="after-fixing-request",
        category="request", provenance=("docs",),
    ),
    ErrorCode(
        -2013, "NO_SUCH_ORDER", "The order was not found.", executed="no", retry="after-fixing-request",
        category="request", provenance=("docs",),
    ),
    ErrorCode(
        -2014, "BAD_API_KEY_FMT", "The key text is malformed.", executed="no", retry="after-fixing-request",
        category="credentials", provenance=("docs",),
    ),
    ErrorCode(
        -2015, "REJECTED_MBX_KEY", "Wrong key, IP or permission. The live text appends the caller's IP.",
        executed="no", retry="after-fixing-request", category="credentials", http=(401,),
        provenance=("docs",),
    ),
    ErrorCode(
        -2018, "BALANCE_NOT_SUFFICIENT", "Not enough balance.", executed="no", retry="after-fixing-request",
        category="funds", provenance=("docs",),
    ),
    ErrorCode(
        -2019, "MARGIN_NOT_SUFFICIEN", "Not enough margin. The name is spelled so.", executed="no",
        retry="after-fixing-request", category="funds", provenance=("docs",),
    ),
    ErrorCode(
        -2023, "USER_IN_LIQUIDATION", "The account is being liquidated.", executed="no",
        retry="yes-after-backoff", category="account-state", provenance=("docs",),
    ),
    ErrorCode(
        -4027, "INVALID_ACCOUNT_TYPE", "The account type does not fit.", executed="no",
        retry="after-fixing-request", category="account-state", provenance=("docs",),
    ),
    ErrorCode(
        -4044, "INVALID_BALANCE_TYPE", "The balance type does not fit.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -4047, "THERE_EXISTS_OPEN_ORDERS", "Open orders stand in the way.", executed="no",
        retry="after-fixing-request", category="account-state", server="papi", provenance=("docs",),
    ),
    ErrorCode(
        -4050, "CROSS_BALANCE_INSUFFICIENT", "The cross balance is too small.", executed="no",
        retry="after-fixing-request", category="funds", provenance=("docs",),
    ),
    ErrorCode(
        -4055, "AMOUNT_MUST_BE_POSITIVE", "The amount is zero or negative.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -4056, "INVALID_API_KEY_TYPE", "The key type does not fit.", executed="no",
        retry="after-fixing-request", category="credentials", provenance=("docs",),
    ),
    ErrorCode(
        -4057, "INVALID_RSA_PUBLIC_KEY", "The registered public key does not fit.", executed="no",
        retry="after-fixing-request", category="credentials", provenance=("docs",),
    ),
    ErrorCode(
        -4084, "UPCOMING_METHOD", "The method is not open yet.", executed="no", retry="after-fixing-request",
        category="wrong-path", provenance=("docs",),
    ),
    ErrorCode(
        -4088, "NO_PLACE_ORDER_PERMISSION", "The account may not place orders now.", executed="no",
        retry="after-fixing-request", category="account-state", provenance=("docs",),
    ),
    ErrorCode(
        -4165, "INVALID_TIME_INTERVAL", "The time range exceeds the allowed days.", executed="no",
        retry="after-fixing-request", category="request", provenance=("docs",),
    ),
    ErrorCode(
        -5028, "ME_RECVWINDOW_REJECT", "Too late when it reached the matching engine.", executed="no",
        retry="after-fixing-request", category="clock", provenance=("docs",),
    ),
    ErrorCode(
        -5041, "TOO_MANY_REQUESTS_IN_QUEUE", "A request of this account waited too long in a queue.",
        executed="unknown", retry="never-blindly", category="unknown", provenance=("docs",),
    ),
    ErrorCode(
        51006, "EXCEED_MAX_BORROWABLE", "Borrowing above the allowed maximum.", executed="no",
        retry="after-fixing-request", category="funds", match="absolute", provenance=("docs",),
    ),
    ErrorCode(
        51007, "HAS_PENDING_TRANSACTION",
        (
            "Another borrow or repayment of the account is still running. It may be your own, "
            "whose answer was lost: read the balance first."
        ),
        executed="no", retry="yes-after-backoff", category="busy", match="absolute", provenance=("docs",),
    ),
    ErrorCode(
        51014, "ASSET_ADMIN_BAN_BORROW", "This asset cannot be borrowed now.", executed="no",
        retry="after-fixing-request", category="account-state", match="absolute", provenance=("docs",),
    ),
    ErrorCode(
        51061, "INSUFFICIENT_LOANABLE_ASSET",
        (
            "The lending pool is too small for the request: lower the amount, or wait a day. Seen"
            " on maxBorrowable and marginLoan."
        ),
        executed="no", retry="yes-after-backoff", category="funds", match="absolute", http=(400,),
        provenance=("docs",),
    ),
    ErrorCode(
        51068, "LIQUIDATION_IN_PROGRESS", "The margin account is being liquidated; no trading.",
        executed="no", retry="yes-after-backoff", category="account-state", match="absolute",
        provenance=("docs",),
    ),
    ErrorCode(
        51078, "NET_ASSET_MUST_LTE_RATIO",
        (
            "The name speaks of a ratio, the text of margin assets that could not be fetched. "
            "They do not fit, so nothing is concluded."
        ),
        executed="unknown", retry="never-blindly", category="unknown", match="absolute", provenance=("docs",),
    ),
    ErrorCode(
        51113, "EXCEED_PRICE_LIMIT", "A limit price over 15 % worse than the index (sell below, buy above).",
        executed="no", retry="after-fixing-request", category="request", match="absolute",
        provenance=("docs",),
    ),
    ErrorCode(
        51122, "PM_FUNCTION_NOT_SUPPORTED", "The function is closed to Portfolio Margin accounts.",
        executed="no", retry="after-fixing-request", category="account-state", match="absolute",
        provenance=("docs",),
    ),
    ErrorCode(
        51998, "SYSTEM_BUSY", "Busy; the text asks to try later and leaves open whether it was executed.",
        executed="unknown", retry="never-blindly", category="unknown", match="absolute", provenance=("docs",),
    ),
    ErrorCode(
        51999, "UNKNOWN", "An abnormal or unspecified failure.", executed="unknown", retry="never-blindly",
        category="unknown", match="absolute", provenance=("docs",),
    ),
    ErrorCode(
        -3006, "EXCEED_MAX_BORROWABLE", "Classic margin: like 51006.", executed="no",
        retry="after-fixing-request", category="funds", listed="elsewhere", provenance=("docs-sibling",),
    ),
    ErrorCode(
        -3007, "HAS_PENDING_TRANSACTION", "Classic margin: like 51007.", executed="no",
        retry="yes-after-backoff", category="busy", listed="elsewhere", provenance=("docs-sibling",),
    ),
    ErrorCode(
        -3010, "REPAY_NOT_ALLOWED", "Classic margin: the repayment was refused.", executed="no",
        retry="after-fixing-request", category="account-state", listed="elsewhere",
        provenance=("docs-sibling",),
    ),
    ErrorCode(
        -3012, "ASSET_ADMIN_BAN_BORROW", "Classic margin: borrowing is closed for this asset.", executed="no",
        retry="after-fixing-request", category="account-state", listed="elsewhere",
        provenance=("docs-sibling",),
    ),
    ErrorCode(
        -3014, "ACCOUNT_BAN_BORROW", "Classic margin: borrowing is closed for this account.", executed="no",
        retry="after-fixing-request", category="account-state", listed="elsewhere",
        provenance=("docs-sibling",),
    ),
    ErrorCode(
        -3015, "REPAY_EXCEED_LIABILITY",
        (
            "Classic margin: the amount is above the debt; one page uses it also when the "
            "remaining debt would be too small."
        ),
        executed="no", retry="after-fixing-request", category="request", listed="elsewhere",
        provenance=("docs-sibling",),
    ),
    ErrorCode(
        -3016, "LT_MIN_REPAY",
        "Classic margin: the repayment is below a minimum, whose value is not published.", executed="no",
        retry="after-fixing-request", category="request", listed="elsewhere", provenance=("docs-sibling",),
    ),
    ErrorCode(
        -3024, "FEW_LIABILITY_LEFT", "Classic margin: the remaining debt would be too small.", executed="no",
        retry="after-fixing-request", category="request", listed="elsewhere", provenance=("docs-sibling",),
    ),
    ErrorCode(
        -3027, "NOT_VALID_MARGIN_ASSET", "Classic margin: the asset is not in margin.", executed="no",
        retry="after-fixing-request", category="request", listed="elsewhere", provenance=("docs-sibling",),
    ),
    ErrorCode(
        -3036, "ACCOUNT_BAN_REPAY", "Classic margin: the account may not repay.", executed="no",
        retry="after-fixing-request", category="account-state", listed="elsewhere",
        provenance=("docs-sibling",),
    ),
    ErrorCode(
        -3041, "BALANCE_NOT_CLEARED", "Classic margin: by its text, the balance is not enough.",
        executed="no", retry="after-fixing-request", category="funds", listed="elsewhere",
        provenance=("docs-sibling",),
    ),
    ErrorCode(
        -3044, "SYSTEM_BUSY", "Classic margin: busy; execution is not stated.", executed="unknown",
        retry="never-blindly", category="unknown", listed="elsewhere", provenance=("docs-sibling",),
    ),
    ErrorCode(
        -3045, "SYSTEM", "Classic margin: the lending pool is empty.", executed="no",
        retry="yes-after-backoff", category="funds", listed="elsewhere", provenance=("docs-sibling",),
    ),
    ErrorCode(
        -4047, "CAPITAL_DATE_INTERVAL_LIMIT",
        "SAPI: the window is longer than 7 days. The same number means open orders on PAPI.", executed="no",
        retry="after-fixing-request", category="request", server="sapi", listed="elsewhere",
        provenance=("docs-sibling",),
    ),
    ErrorCode(
        -10039, "AMOUNT_TOO_SMALL", "Crypto loans and Portfolio Margin Pro: the repayment is too small.",
        executed="no", retry="after-fixing-request", category="request", listed="elsewhere",
        provenance=("docs-sibling",),
    ),
    ErrorCode(
        -10040, "AMOUNT_TOO_LARGE", "Crypto loans and Portfolio Margin Pro: the repayment is too large.",
        executed="no", retry="after-fixing-request", category="request", listed="elsewhere",
        provenance=("docs-sibling",),
    ),
    ErrorCode(
        -10041, "INSUFFICIENT_AMOUNT", "Crypto loans and Portfolio Margin Pro: the pool is short.",
        executed="no", retry="after-fixing-request", category="funds", listed="elsewhere",
        provenance=("docs-sibling",),
    ),
    ErrorCode(
        51169, "COLLATERAL_LIMIT_REACHED",
        (
            "Seen in third-party code only: a collateral limit is reached. No name is published; "
            "this one is ours."
        ),
        executed="no", retry="after-fixing-request", category="funds", match="absolute", listed="elsewhere",
        provenance=("live",),
    ),
)

STATUS_OUTCOMES: Final[tuple[StatusOutcome, ...]] = (
    StatusOutcome(
        status="503", text="Service Unavailable.", overrides_codes=(-1000,), executed="no", category="busy",
        retry="yes-after-backoff", provenance=("docs",),
    ),
    StatusOutcome(
        status="503", code=-1008, executed="no", category="busy", retry="yes-after-backoff",
        provenance=("docs",),
    ),
    StatusOutcome(
        status="503", text="Unknown error, please check your request or try again later.", executed="unknown",
        category="unknown", retry="never-blindly", provenance=("docs",),
    ),
    StatusOutcome(
        status="503", text="Internal error; unable to process your request. Please try again.",
        executed="unknown", category="unknown", retry="never-blindly", provenance=("docs",),
    ),
    StatusOutcome(
        status="200", executed="see-body", category="unknown", retry="never-blindly",
        provenance=("docs", "live"),
    ),
    StatusOutcome(
        status="202", body="empty", executed="unknown", category="wrong-host", retry="never-blindly",
        provenance=("live", "undocumented"),
    ),
    StatusOutcome(
        status="401", body="json-error", executed="no", category="credentials", retry="after-fixing-request",
        provenance=("live",),
    ),
    StatusOutcome(
        status="403", executed="no", category="firewall", retry="yes-after-backoff", provenance=("docs",)
    ),
    StatusOutcome(
        status="404", body="html", executed="no", category="wrong-path", retry="after-fixing-request",
        provenance=("live",),
    ),
    StatusOutcome(
        status="404", body="json-error", executed="no", category="wrong-path", retry="after-fixing-request",
        provenance=("docs",),
    ),
    StatusOutcome(
        status="408", executed="unknown", category="unknown", retry="never-blindly",
        provenance=("undocumented",),
    ),
    StatusOutcome(
        status="418", executed="no", category="ban", retry="yes-after-backoff", provenance=("docs",)
    ),
    StatusOutcome(
        status="429", executed="no", category="rate-limit", retry="yes-after-backoff", provenance=("docs",)
    ),
    StatusOutcome(
        status="4XX", body="json-error", executed="no", category="request", retry="after-fixing-request",
        provenance=("docs",),
    ),
    StatusOutcome(
        status="default", executed="unknown", category="unknown", retry="never-blindly",
        provenance=("docs", "undocumented"),
    ),
)

LIMITS: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        "ip-weight": Limit(
            id="ip-weight", limit=6000, interval_ms=60000, per="ip", header="X-MBX-USED-WEIGHT-1M",
            counted_on_error=True, window="sliding", provenance=("docs", "live"),
        ),
        "orders": Limit(
            id="orders", limit=1200, interval_ms=60000, per="account", header="X-MBX-ORDER-COUNT-1M",
            counted_on_error=False, window="sliding", provenance=("docs",),
        ),
        "sapi-ip-weight": Limit(
            id="sapi-ip-weight", limit=12000, interval_ms=60000, per="ip", header="X-SAPI-USED-IP-WEIGHT-1M",
            counted_on_error=True, per_endpoint=True, window="sliding", provenance=("docs-sibling",),
        ),
        "sapi-uid-weight": Limit(
            id="sapi-uid-weight", limit=180000, interval_ms=60000, per="account",
            header="X-SAPI-USED-UID-WEIGHT-1M", counted_on_error=True, per_endpoint=True, window="sliding",
            provenance=("docs-sibling",),
        ),
    }
)

SIGNING: Final = Signing(
    api_key_header="X-MBX-APIKEY", payload=("query", "body"), separator="", signature_parameter="signature",
    owned_parameters=("timestamp", "recvWindow", "signature"),
    algorithms=MappingProxyType(
        {
            "hmac": SigningAlgorithm(
                algorithm="HMAC-SHA256", encoding="hex", percent_encoded=False, provenance=("docs",)
            ),
            "rsa": SigningAlgorithm(
                algorithm="RSASSA-PKCS1-v1_5-SHA256", encoding="base64", percent_encoded=True,
                provenance=("docs",),
            ),
            "ed25519": SigningAlgorithm(
                algorithm="Ed25519", encoding="base64", percent_encoded=True,
                provenance=("sdk", "docs-sibling"),
            ),
        }
    ),
    charset="utf-8", unreserved="A-Za-z0-9-_.~", hex_case="upper", future_tolerance_ms=1000,
    default_recv_window_ms=5000, maximum_recv_window_ms=60000, time_code=-1021, signature_code=-1022,
    key_format_code=-2014, key_code=-2015,
)

BAN: Final = Ban(
    minimum_ms=120000, maximum_ms=259200000, pause_after_429_ms=60000, retry_after_header="Retry-After"
)

STREAM: Final = Stream(
    server="stream", connect="/ws/{listenKey}", key_lifetime_ms=3600000, keep_alive_ms=1800000,
    connection_lifetime_ms=86400000, server_ping_interval_ms=180000, pong_timeout_ms=600000, type_key="e",
    time_key="E",
    ignored=(
        "ORDER_TRADE_UPDATE", "CONDITIONAL_ORDER_TRADE_UPDATE", "ALGO_UPDATE", "ACCOUNT_CONFIG_UPDATE",
        "executionReport",
    ),
)

SERVERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "papi": "https://papi.binance.com", "sapi": "https://api.binance.com",
        "stream": "wss://fstream.binance.com/pm",
    }
)

# Addresses that answer {"serverTime": <ms UTC>} without a key, the best first.
CLOCKS: Final[tuple[str, ...]] = (
    "https://papi.binance.com/papi/v1/time", "https://fapi.binance.com/fapi/v1/time",
    "https://api.binance.com/api/v3/time",
)

PROVENANCE_MARKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "docs": "Printed on an official page of this API (crawl of November 2025).",
        "docs-sibling": "Printed on an official page of another Binance API.",
        "sdk": "Read from the official Python SDK 12.1.0 (August 2026) or from the official catalog of 2026.",
        "changelog": "Stated in an official change log, notice or FAQ.",
        "live": "Observed on the wire and published by third parties.",
        "computed": "Follows from other facts by calculation; the comment next to it shows how.",
        "undocumented": "Documented nowhere. The value is the careful reading, chosen by this project.",
    }
)


def find_error_code(code: int, server: str) -> ErrorCode | None:
    """Return the row of an error code, or `None` if no page lists it.

    Args:
        code: The number that the exchange answered.
        server: Key of `SERVERS` for the server that answered.
    """
    for row in ERROR_CODES:
        same = abs(row.code) == abs(code) if row.match == "absolute" else row.code == code
        if same and row.server in (None, server):
            return row
    return None
