"""Keep web pages away from the sandbox: they run in the user's browser, which can reach loopback, too.

A page cannot read answers of another site, but it can send some requests without asking, and a name of its own that
suddenly leads to 127.0.0.1 ("DNS rebinding") makes the sandbox a part of its own site. Three headers give it away,
none of which a script can forge:

    Host             the name in the address. A rebound name is the attacker's, so only known names are served.
    Origin           the site that a request comes from; programs that are no browsers do not send it.
    Sec-Fetch-Site   what the browser thinks of the two.

The control API shows keys and moves the clock, so it checks all three, and takes bodies as `application/json` only,
which no page may send to another site without asking first. For calls of the API, which need a key anyway, only the two
headers of browsers are checked: other programs do not send them and may use any name for the host.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["BROWSER_HEADERS", "BrowserGuard", "Refused"]

Headers = Iterable[tuple[bytes, bytes]]

BROWSER_HEADERS = frozenset({b"origin", b"sec-fetch-site"})
_NAMES = frozenset({"localhost"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_REMEDY = "--allow-remote NAME adds a name under which the sandbox is reached"


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is not served: the header at fault, the reason in words, and the status to answer."""

    header: str
    reason: str
    status: int = 403


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _host_of(authority: str) -> str | None:
    """Return the name or address in a `Host` header, in lower case; None if it is malformed."""
    if not authority.isascii() or any(sign in authority for sign in "/@?#\\, \t") or not authority:
        return None
    try:
        parts = urlsplit(f"//{authority}")
        _ = parts.port  # raises ValueError if the port is no number
    except ValueError:
        return None
    return parts.hostname


class BrowserGuard:
    """Separate requests of programs and of the sandbox's own pages from those of other web sites.

    Args:
        bound: The address or name that the sandbox listens on. Loopback is always served. If it listens on every
            address of the machine, any IP address will do as `Host`: only names can be rebound.
        names: Further names under which it is reached, such as that of its container.
    """

    def __init__(self, bound: str = "127.0.0.1", names: Iterable[str] = ()) -> None:
        listening = _address(bound)
        self._any_address = listening is not None and listening.is_unspecified
        self._names = _NAMES | {name.lower().rstrip(".") for name in (bound, *names)}

    def knows(self, host: str | None) -> bool:
        """Return whether the sandbox is served under this name or address."""
        if not host:
            return False
        address = _address(host)
        if address is None:
            return host.rstrip(".") in self._names
        return address.is_loopback or self._any_address or host in self._names

    def refusal_of_browser(self, headers: Headers) -> Refused | None:
        """Return why a request comes from a page of another site, or None."""
        found = [(name, value) for name, value in headers if name in BROWSER_HEADERS]
        origins = [value.decode("latin-1") for name, value in found if name == b"origin"]
        sites = {value.strip().lower() for name, value in found if name == b"sec-fetch-site"}
        for origin in origins:
            parts = urlsplit(origin) if origin.isascii() else None
            if (
                parts is None
                or parts.scheme not in ("http", "https")
                or not self.knows(_host_of(parts.netloc))
            ):
                return Refused("Origin", f"requests of web pages elsewhere are not served; {_REMEDY}")
        if sites - {b"none", b"same-origin"} and not (origins and sites == {b"same-site"}):
            return Refused("Sec-Fetch-Site", "requests of web pages elsewhere are not served")
        return None

    def refusal(self, method: str, headers: Headers) -> Refused | None:
        """Return why a request for the control API is not served, or None.

        Args:
            method: In capitals.
            headers: Names in lower case.
        """
        headers = list(headers)
        hosts = [value.decode("latin-1").strip() for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not self.knows(_host_of(hosts[0])):
            return Refused("Host", f"the control API is not served under this name; {_REMEDY}")
        refused = self.refusal_of_browser(headers)
        if refused is not None or method not in _WITH_BODY:
            return refused
        kinds = [value for name, value in headers if name == b"content-type"]
        if [kind.partition(b";")[0].strip().lower() for kind in kinds] != [b"application/json"]:
            return Refused("Content-Type", "application/json belongs here (curl: --json instead of -d)", 415)
        return None
