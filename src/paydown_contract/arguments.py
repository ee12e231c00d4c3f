"""Define the options of `paydown-contract`, with the standard library alone, so that --help needs nothing installed."""

import argparse
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command's options."""
    options = argparse.ArgumentParser(
        prog="paydown-contract",
        description="Hold a server to the document, request by request, and name each clause that it breaks.",
        epilog="Exit code 0: enough was examined and held. 1: a clause is broken. 2: neither can be concluded.",
    )
    options.add_argument(
        "--spec",
        type=Path,
        metavar="FILE",
        help="the document, YAML or JSON, one file or many; default: the one installed with paydown",
    )
    options.add_argument("--url", required=True, help="where the server is, such as http://127.0.0.1:8087")
    options.add_argument("--api-key", help="a key with every permission (or PAYDOWN_API_KEY)")
    options.add_argument("--secret", help="its secret, if it is an HMAC key (or PAYDOWN_API_SECRET)")
    options.add_argument(
        "--private-key-file",
        metavar="FILE",
        help="its PEM file, if it is an RSA or Ed25519 key (or PAYDOWN_PRIVATE_KEY_FILE); "
        "a password is read from PAYDOWN_PRIVATE_KEY_PASSWORD",
    )
    options.add_argument(
        "--operation",
        action="append",
        default=[],
        metavar="ID",
        help="an operationId; may be given several times; default: all of them, and their links",
    )
    options.add_argument(
        "--frozen-at-ms",
        type=int,
        metavar="MS",
        help="where the server's clock stands still, UTC ms: edges of time are tried to the millisecond",
    )
    options.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST",
        help="a host that is not this machine and may be sent writes",
    )
    options.add_argument("--json", action="store_true", help="one JSON object instead of text")
    return options
