"""`paydown-contract --url URL`: the server half of the contract suite, for any server.

    paydown-contract --url http://127.0.0.1:8087 --api-key KEY --secret SECRET
    paydown-contract --spec openapi/openapi.yaml --url http://127.0.0.1:8087 --api-key KEY --private-key-file key.pem

Requests that would move money are sent too, thousands of them. So the address must be on this machine, unless
`--allow-host` names it; the exchange itself is refused in any case.
"""

import argparse
import http.client
import importlib.util
import ipaddress
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paydown_contract import document
from paydown_contract.document import BrokenDocument, Document
from paydown_contract.examine import examine, server_time
from paydown_contract.json_shape import is_object
from paydown_contract.key_file import UnreadableKey, read_private_key
from paydown_contract.options import parser
from paydown_contract.proof import Key
from paydown_contract.sender import HttpSender
from paydown_contract.told import as_json, as_text


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine a server. 0: nothing found, 1: it breaks the document, 2: it could not be examined."""
    chosen = parser().parse_args(arguments)
    try:
        spec = chosen.spec or bundled_document()
        contract = document.read(spec)
    except (BrokenDocument, ValueError, KeyError, TypeError) as error:
        return _complain(f"--spec: {error}")
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
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _complain(f"{chosen.url}: {error or type(error).__name__}")
    _say((as_json if chosen.json else as_text)(found, chosen.url, secrets))
    return 0 if found.passed else 1


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
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _keep_quiet(text: str) -> None:
    """One JSON object is all that a machine wants to read."""


def _complain(text: str) -> int:
    sys.stderr.write(f"paydown-contract: {text}\n")
    return 2


def _refused_host(contract: Document, url: str, allowed: Sequence[str]) -> str:
    """Why nothing may be sent to that address; empty if it may. The exchange is refused by every document."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    named: list[Any] = [*contract.content.get("servers", ()), *contract.content.get("x-servers", {}).values()]
    servers = [str(each.get("url", "")) for each in named if is_object(each)]
    real = {(urlsplit(server).hostname or "").lower() for server in servers}
    if not _is_local(host) and (host in real or _is_exchange(host)):
        return f"{host} is the exchange itself: this tool sends repayments, and never there"
    if _is_local(host) or host in allowed:
        return ""
    return f"{host or url} is not this machine; if it may be sent writes, say --allow-host {host}"


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_exchange(host: str) -> bool:
    """Any host of the exchange, also one that the document does not name."""
    return any("binance" in label or label == "bnbstatic" for label in host.split("."))


if __name__ == "__main__":
    sys.exit(main())
