"""List the words that the `x-` extensions accept. A word that is not listed here is refused, not passed on."""

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
