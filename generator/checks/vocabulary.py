"""The closed vocabularies of the `x-` extensions. A word that is not here is refused, not passed on."""

CATEGORIES = (
    "request",
    "credentials",
    "clock",
    "rate-limit",
    "ban",
    "busy",
    "firewall",
    "wrong-host",
    "wrong-path",
    "funds",
    "account-state",
    "unknown",
)
RETRIES = ("never-blindly", "after-fixing-request", "yes-after-backoff")
EXECUTED = ("no", "unknown")
MATCHES = ("exact", "absolute")
LISTED = ("papi", "elsewhere")
WEIGHT_SCOPES = ("ip", "order", "uid")
LABEL_SCOPES = ("ip", "order", "uid", "none")
CAP_KINDS = ("value", "rate")
ORDERS = ("newest-first", "oldest-first", "undocumented")
PAGE_STYLES = ("page", "time-window", "from-id")
BODIES = ("any", "empty", "html", "json-error")
RESOURCES = ("market", "account", "margin", "records", "futures_debt", "stream")
SECURITY_TYPES = ("NONE", "TRADE", "USER_DATA", "MARGIN", "USER_STREAM", "MARKET_DATA")
# Names that a model, an enum or a member of a model cannot take: the generated package has them already.
RESERVED_CLASSES: tuple[str, ...] = (
    "Archive",
    "AsyncIterator",
    "AsyncSender",
    "Ban",
    "Callable",
    "Cap",
    "Decimal",
    "DecodeError",
    "ErrorCode",
    "Final",
    "Iterator",
    "Limit",
    "Literal",
    "Mapping",
    "MappingProxyType",
    "OpenEnum",
    "Operation",
    "PageWindow",
    "Pagination",
    "Parameter",
    "Sender",
    "Sequence",
    "Signing",
    "SigningAlgorithm",
    "StatusOutcome",
    "StrEnum",
    "Stream",
    "StreamEvent",
    "SuccessRule",
    "TypeAlias",
    "UnknownStreamEvent",
    "UnresolvedScope",
    "Unset",
    "Weight",
    "WeightCase",
)
RESERVED_FIELDS = (
    *("additional", "from_json", "to_json"),
    *("classmethod", "dict", "field", "object", "str"),  # the class body uses them after its members
)
# The methods of a resource use these modules and functions, which an argument of that name would hide.
RESERVED_ARGUMENTS = ("self", "cls", "codec", "isinstance", "models", "operations")
# The table of all operations is a constant beside those of the operations.
RESERVED_CONSTANTS = ("ALL_OPERATIONS",)
