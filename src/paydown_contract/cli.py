"""Run `paydown-contract --url URL`: hold any server to the document.

    PAYDOWN_API_KEY=… PAYDOWN_API_SECRET=… paydown-contract --url http://127.0.0.1:8087
    paydown-contract --spec openapi/openapi.yaml --url http://127.0.0.1:8087 --api-key KEY --private-key-file key.pem

Requests that would move money are sent too, thousands of them, so `server_address` decides which hosts may get them.
"""

import argparse
import http.client
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from paydown_contract.arguments import parser
from paydown_contract.bounded_reader import visible
from paydown_contract.document import BrokenDocument, bundled_document, in_words, read_document
from paydown_contract.document_check import check_usable
from paydown_contract.examination.examination import Result
from paydown_contract.examination.examiner import examine
from paydown_contract.examination.findings_report import as_json, as_text
from paydown_contract.examination.server_clock import server_time
from paydown_contract.http_sender import HttpSender
from paydown_contract.key_file import UnreadableKey, read_private_key
from paydown_contract.requests.signing_key import Key
from paydown_contract.server_address import refused_address


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine a server and print the result.

    Args:
        arguments: Options of the command; None takes those of the process.

    Returns:
        The exit code. 0: enough was examined, and the document is kept. 1: a clause is broken. 2: neither can be
        concluded, since the document, the key or the server cannot be used or too few answers could be judged.
    """
    chosen = parser().parse_args(arguments)
    try:
        document = read_document(chosen.spec or bundled_document())
        check_usable(document)
    except BrokenDocument as error:
        return _complain(f"--spec: {error}")
    if not document.operations:
        return _complain("--spec: the document has no operation to examine")
    wrong = sorted(set(chosen.operation) - {operation.id for operation in document.operations})
    if wrong:
        return _complain(f"--operation: the document has no {', '.join(wrong)}")
    refusal = refused_address(document, chosen.url, chosen.allow_host)
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
            shown = server_time(document, sender)
            if chosen.frozen_at_ms is not None and shown not in (None, chosen.frozen_at_ms):
                return _complain(
                    f"--frozen-at-ms {chosen.frozen_at_ms}: the server's clock shows {shown}; stop it there first"
                )
            examination = examine(
                document,
                sender,
                key,
                frozen_at_ms=chosen.frozen_at_ms,
                operations=chosen.operation,
                progress=_print_nothing if chosen.json else _print,
            )
        finally:
            sender.close()
    except (OSError, http.client.HTTPException) as error:
        return _complain(f"{chosen.url}: {error or type(error).__name__}")
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError, MemoryError) as error:
        # A foreign document may ask for something that cannot be carried out. That is no clause which the server
        # breaks.
        return _complain(f"--spec or --url cannot be used: {in_words(error)} ({type(error).__name__})")
    _print((as_json if chosen.json else as_text)(examination, chosen.url, secrets))
    return {Result.KEPT: 0, Result.BROKEN: 1, Result.UNDECIDED: 2}[examination.result]


def _key(chosen: argparse.Namespace) -> Key:
    """Read the key to sign with, from the arguments or from the variables that the client reads as well.

    Raises:
        UnreadableKey: No key is named, or its file cannot be read.
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
            "PAYDOWN_API_SECRET and PAYDOWN_PRIVATE_KEY_FILE are both set: give --secret or --private-key-file"
        )
    if secret:
        return Key("hmac", api_key, secret.encode("utf-8"))
    password = environment.get("PAYDOWN_PRIVATE_KEY_PASSWORD") or None
    return read_private_key(Path(file), api_key, password)


def _print(text: str) -> None:
    sys.stdout.write(visible(text) + "\n")
    sys.stdout.flush()


def _print_nothing(text: str) -> None:
    """Print no progress: with --json the output is one JSON object."""


def _complain(text: str) -> int:
    sys.stderr.write(f"paydown-contract: {visible(' '.join(text.split()))}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
