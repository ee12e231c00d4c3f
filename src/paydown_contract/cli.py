"""`paydown-contract --url URL`: the server half of the contract suite, for any server.

    PAYDOWN_API_KEY=… PAYDOWN_API_SECRET=… paydown-contract --url http://127.0.0.1:8087
    paydown-contract --spec openapi/openapi.yaml --url http://127.0.0.1:8087 --api-key KEY --private-key-file key.pem

Requests that would move money are sent too, thousands of them. So the address must be on this machine, unless
`--allow-host` names it; the exchange itself is refused in any case.
"""

import argparse
import contextlib
import http.client
import importlib.util
import ipaddress
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paydown_contract import document
from paydown_contract.arguments import parser
from paydown_contract.bounded_reader import visible
from paydown_contract.document import BrokenDocument, Document, told
from paydown_contract.examination import Result, examine, server_time
from paydown_contract.findings_report import as_json, as_text
from paydown_contract.http_sender import HttpSender
from paydown_contract.json_types import is_list, is_object
from paydown_contract.key_file import UnreadableKey, read_private_key
from paydown_contract.requests.signer import Key
from paydown_contract.requests.valid_requests import check_usable

_PLAIN_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:]*:[0-9a-f:.]*(%[a-z0-9]+)?")


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine a server. 0: enough was examined and held, 1: it breaks the document, 2: nothing can be said."""
    chosen = parser().parse_args(arguments)
    try:
        contract = document.read(chosen.spec or bundled_document())
        check_usable(contract)
    except BrokenDocument as error:
        return _complain(f"--spec: {error}")
    if not contract.operations:
        return _complain("--spec: the document has no operation to examine")
    wrong = sorted(set(chosen.operation) - {operation.id for operation in contract.operations})
    if wrong:
        return _complain(f"--operation: the document has no {', '.join(wrong)}")
    refusal = _refused_host(contract, chosen.url, chosen.allow_host)
    if refusal:
        return _complain(refusal)
    try:
        key = _key(chosen)
    except UnreadableKey as error:
        return _complain(str(error))
    secrets = (
        key.api_key,
        *((key.secret.decode(),) if key.kind == "hmac" and isinstance(key.secret, bytes) else ()),
    )
    try:
        sender = HttpSender(chosen.url)
        try:
            shown = server_time(contract, sender)
            if chosen.frozen_at_ms is not None and shown not in (None, chosen.frozen_at_ms):
                return _complain(
                    f"--frozen-at-ms {chosen.frozen_at_ms}: the server's clock shows {shown}; stop it there first"
                )
            found = examine(
                contract,
                sender,
                key,
                frozen_at_ms=chosen.frozen_at_ms,
                operations=chosen.operation,
                told=_keep_quiet if chosen.json else _say,
            )
        finally:
            sender.close()
    except (OSError, http.client.HTTPException) as error:
        return _complain(f"{chosen.url}: {error or type(error).__name__}")
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError, MemoryError) as error:
        # Of a document that nobody has checked: it says something that cannot be carried out. That is no clause
        # which the server breaks.
        return _complain(f"--spec or --url cannot be used: {told(error)} ({type(error).__name__})")
    _say((as_json if chosen.json else as_text)(found, chosen.url, secrets))
    return {Result.KEPT: 0, Result.BROKEN: 1, Result.UNDECIDED: 2}[found.result]


def bundled_document() -> Path:
    """The document that is installed with the client, found without importing it.

    Raises:
        BrokenDocument: it is not installed.
    """
    found = importlib.util.find_spec("paydown_wire")
    path = Path(found.origin).with_name("openapi.json") if found is not None and found.origin else None
    if path is None or not path.is_file():
        raise BrokenDocument("no document is installed beside this tool: name one with --spec FILE")
    return path


def _key(chosen: argparse.Namespace) -> Key:
    """The key to sign with, from the arguments or from the variables that the client reads as well.

    Raises:
        UnreadableKey: none is named, or its file cannot be read.
    """
    environment = os.environ
    api_key = chosen.api_key or environment.get("PAYDOWN_API_KEY", "")
    secret = chosen.secret or environment.get("PAYDOWN_API_SECRET", "")
    file = chosen.private_key_file or environment.get("PAYDOWN_PRIVATE_KEY_FILE", "")
    if chosen.private_key_file:
        secret = ""
    elif chosen.secret:
        file = ""
    if not api_key or not (secret or file):
        raise UnreadableKey(
            "a key is needed: --api-key with --secret or --private-key-file, "
            "or PAYDOWN_API_KEY with PAYDOWN_API_SECRET or PAYDOWN_PRIVATE_KEY_FILE"
        )
    if secret and file:
        raise UnreadableKey(
            "PAYDOWN_API_SECRET and PAYDOWN_PRIVATE_KEY_FILE are both set: say which with an option"
        )
    if secret:
        return Key("hmac", api_key, secret.encode("utf-8"))
    password = environment.get("PAYDOWN_PRIVATE_KEY_PASSWORD") or None
    return read_private_key(Path(file), api_key, password)


def _say(text: str) -> None:
    sys.stdout.write(visible(text) + "\n")
    sys.stdout.flush()


def _keep_quiet(text: str) -> None:
    """One JSON object is all that a machine wants to read."""


def _complain(text: str) -> int:
    sys.stderr.write(f"paydown-contract: {visible(' '.join(text.split()))}\n")
    return 2


def _refused_host(contract: Document, url: str, allowed: Sequence[str]) -> str:
    """Why nothing may be sent to that address; empty if it may. The exchange is refused by every document."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
        _ = parts.port  # raises where it is no number
    except ValueError as error:
        return f"--url: {error}"
    if parts.scheme not in ("http", "https") or not host:
        return f"--url {url}: write an address such as http://127.0.0.1:8087"
    if not _PLAIN_HOST.fullmatch(host):
        # Other alphabets have signs that name resolution takes for Latin ones: fullwidth letters, other full stops.
        return f"--url {url}: write the host in plain letters, digits, hyphens and points"
    if not _is_local(host) and (host in _servers(contract) | _servers_of_bundled() or _is_exchange(host)):
        return f"{host} is the exchange itself: this tool sends repayments, and never there"
    if _is_local(host) or host in allowed:
        return ""
    return f"{host or url} is not this machine; if it may be sent writes, say --allow-host {host}"


def _servers(contract: Document) -> set[str]:
    """Every host that a document names as a server, wherever in it: a second name is the exchange, too."""
    found: set[str] = set()
    pending: list[Any] = [contract.content.get("servers"), contract.content.get("x-servers")]
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
    """The same of the installed document, so that no other document can hide the exchange."""
    try:
        return _servers(document.read(bundled_document()))
    except BrokenDocument:
        return set()  # nothing is installed: the names of the exchange's domains are known all the same


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_exchange(host: str) -> bool:
    """Any host of the exchange, also one that the document does not name."""
    return any("binance" in label or label.startswith("bnb") for label in host.split("."))


if __name__ == "__main__":
    sys.exit(main())
