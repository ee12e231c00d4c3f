"""`paydown-contract --spec FILE --url URL`: the server half of the contract suite, for any server.

    paydown-contract --spec openapi/openapi.yaml --url http://127.0.0.1:8087 --api-key KEY --secret SECRET

Requests that would move money are sent too, thousands of them. So the address must be on this machine,
unless `--allow-host` names it; the
exchange itself is refused in any case.
"""

import argparse
import ipaddress
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from paydown_contract import document
from paydown_contract.document import BrokenDocument, Document
from paydown_contract.examine import Examination, HttpSender, as_curl, examine
from paydown_contract.proof import Key


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine a server. 0: nothing found, 1: it breaks the document, 2: it could not be examined."""
    chosen = _parser().parse_args(arguments)
    try:
        contract = document.read(chosen.spec)
    except (BrokenDocument, ValueError) as error:
        return _complain(f"--spec: {error}")
    secret = chosen.secret or os.environ.get("PAYDOWN_API_SECRET", "")
    api_key = chosen.api_key or os.environ.get("PAYDOWN_API_KEY", "")
    if not api_key or not secret:
        return _complain("a key is needed: --api-key and --secret, or PAYDOWN_API_KEY and PAYDOWN_API_SECRET")
    refusal = _refused_host(contract, chosen.url, chosen.allow_host)
    if refusal:
        return _complain(refusal)
    key = Key("hmac", api_key, secret.encode("utf-8"))
    tell = _keep_quiet if chosen.json else _say
    try:
        sender = HttpSender(chosen.url)
        try:
            found = examine(
                contract,
                sender,
                key,
                frozen_at_ms=chosen.frozen_at_ms,
                operations=chosen.operation,
                told=tell,
            )
        finally:
            sender.close()
    except (OSError, ValueError) as error:
        return _complain(f"{chosen.url}: {error}")
    write = as_json if chosen.json else as_text
    _say(write(found, chosen.url, (secret, api_key)))
    return 0 if found.passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="paydown-contract", description="Hold a server to an OpenAPI document with x-signing."
    )
    parser.add_argument(
        "--spec", type=Path, required=True, help="the document, YAML or JSON, one file or many"
    )
    parser.add_argument("--url", required=True, help="where the server is, such as http://127.0.0.1:8087")
    parser.add_argument("--api-key", help="an HMAC key with every permission (PAYDOWN_API_KEY)")
    parser.add_argument("--secret", help="its secret (PAYDOWN_API_SECRET)")
    parser.add_argument(
        "--operation",
        action="append",
        default=[],
        help="an operationId; may be given several times; default: all",
    )
    parser.add_argument(
        "--frozen-at-ms",
        type=int,
        help="where the server's clock stands still, UTC ms: edges of time are tried to the millisecond",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        help="a host that is not this machine and may be sent writes",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _keep_quiet(text: str) -> None:
    """One JSON object is all that a machine wants to read."""


def _complain(text: str) -> int:
    sys.stderr.write(f"paydown-contract: {text}\n")
    return 2


def _refused_host(contract: Document, url: str, allowed: Sequence[str]) -> str:
    host = urlsplit(url).hostname or ""
    real = [
        urlsplit(server["url"]).hostname
        for server in contract.content.get("x-servers", {}).values()
        if isinstance(server, dict) and server.get("url")
    ]
    if host in real:
        return f"{host} is the exchange itself: this tool sends repayments, and never there"
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return (
        ""
        if local or host in allowed
        else f"{host} is not this machine; if it may be sent writes, say --allow-host {host}"
    )


def as_text(found: Examination, url: str, secrets: Sequence[str]) -> str:
    """The result for people."""
    lines = [""]
    for finding in found.findings:
        lines += [
            f"✗ {finding.operation}: {finding.clause}",
            f"    {finding.said}",
            f"    {finding.variant}",
            f"    {as_curl(finding.request, url, secrets)}",
            f"    {finding.status} {finding.body.decode('utf-8', 'replace')[:200]}",
        ]
    sent = sum(tally.sent for tally in found.tallies.values())
    lines.append(
        f"{sent} requests to {len(found.tallies)} operations in {found.seconds:.0f} s: "
        + ("the document is kept" if found.passed else f"{len(found.findings)} clauses are broken")
    )
    return "\n".join(lines)


def as_json(found: Examination, url: str, secrets: Sequence[str]) -> str:
    """The result for machines."""
    return json.dumps(
        {
            "passed": found.passed,
            "seconds": round(found.seconds, 3),
            "operations": {
                name: {
                    "sent": tally.sent,
                    "accepted": tally.accepted,
                    "refused": tally.refused,
                    "refused_by_state": tally.business,
                    "no_opinion": tally.silent,
                    "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
                }
                for name, tally in found.tallies.items()
            },
            "findings": [
                {
                    "operation": finding.operation,
                    "clause": finding.clause,
                    "said": finding.said,
                    "variant": finding.variant,
                    "request": as_curl(finding.request, url, secrets),
                    "status": finding.status,
                    "body": finding.body.decode("utf-8", "replace"),
                }
                for finding in found.findings
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


if __name__ == "__main__":
    sys.exit(main())
