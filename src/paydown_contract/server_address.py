"""Decide which address may be sent requests that move money: this machine or an allowed host, never the exchange."""

import contextlib
import ipaddress
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from paydown_contract.document import BrokenDocument, Document, bundled_document, read_document
from paydown_contract.json_types import is_list, is_object

_PLAIN_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:]*:[0-9a-f:.]*(%[a-z0-9]+)?")


def refused_address(document: Document, url: str, allowed: Sequence[str]) -> str:
    """Return why nothing may be sent to an address; an empty text if requests may be sent there.

    Args:
        document: The document of the examination; its servers are the exchange.
        url: Address of the server.
        allowed: Hosts other than this machine that may get requests.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
        _ = parts.port  # raises where it is no number
    except ValueError as error:
        return f"--url: {error}"
    if parts.scheme not in ("http", "https") or not host:
        return f"--url {url}: write an address such as http://127.0.0.1:8087"
    if not _PLAIN_HOST.fullmatch(host):
        # Name resolution takes characters of other alphabets for Latin ones: fullwidth letters, other full stops.
        return f"--url {url}: write the host in plain letters, digits, hyphens and points"
    if not _is_local(host) and (host in _servers(document) | _servers_of_bundled() or _is_exchange(host)):
        return f"{host} is the exchange itself: this tool sends repayments, and never there"
    if _is_local(host) or host in allowed:
        return ""
    return f"{host or url} is not this machine; if it may be sent writes, add --allow-host {host}"


def _servers(document: Document) -> set[str]:
    """Collect every host that a document names as a server, at any depth: a second name is the exchange, too."""
    found: set[str] = set()
    pending: list[Any] = [document.content.get("servers"), document.content.get("x-servers")]
    while pending:
        node = pending.pop()
        if is_object(node):
            pending += node.values()
        elif is_list(node):
            pending += node
        elif isinstance(node, str) and "://" in node:
            with contextlib.suppress(ValueError):
                found.add((urlsplit(node).hostname or "").rstrip(".").lower())
    return found


def _servers_of_bundled() -> set[str]:
    """Collect the hosts of the installed document, so that no other document can hide the exchange."""
    try:
        return _servers(read_document(bundled_document()))
    except BrokenDocument:
        return set()  # without it, `_is_exchange` still knows the domains of the exchange


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_exchange(host: str) -> bool:
    """Return True for a host in a domain of the exchange, also one that no document names."""
    return any("binance" in label or label.startswith("bnb") for label in host.split("."))
