"""The whole story on this machine: a debt, a repayment, and an answer that got lost.

Run by `make demo`. Starts the sandbox on a free port, uses the `paydown` command as a person would, and
cleans up after itself. No key, no network, no money.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
PAYDOWN = str(BIN / "paydown")
API_KEY, API_SECRET = "demo-key", "demo-secret"
REPAY_PATH = "/papi/v1/margin/repay-debt"

STATE = {
    "accounts": [
        {
            "id": "demo",
            "keys": [
                {
                    "api_key": API_KEY,
                    "type": "hmac",
                    "secret_or_public_key": API_SECRET,
                    "permissions": ["TRADE", "USER_DATA"],
                    "ip_allow": [],
                }
            ],
            "balances": {
                "BNB": {"free": "0", "locked": "0", "borrowed": "1.5", "interest": "0.001"},
                "ETH": {"free": "0", "locked": "0", "borrowed": "2", "interest": "0.0004"},
                "USDT": {"free": "250000", "locked": "0", "borrowed": "0", "interest": "0"},
            },
        }
    ],
    "prices_usd": {"BNB": "600", "ETH": "3000", "USDT": "1", "BTC": "60000"},
    "limits": {"weight_per_minute": 6000, "orders_per_minute": 1200},
    "repay_weight_scope": "ip",
}


def title(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def control(url: str, method: str, path: str, body: object = None) -> Any:
    """One call of the sandbox's control interface."""
    data = None if body is None else json.dumps(body).encode()
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever proxy this machine uses
    request = urllib.request.Request(  # noqa: S310  # always http://127.0.0.1, printed by the sandbox itself
        url + path, data=data, method=method, headers={"content-type": "application/json"}
    )
    with direct.open(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def paydown(url: str, *words: str, expect: int = 0) -> None:
    """Show a command and run it; the demo fails when its exit code is another one."""
    print(f"$ paydown {' '.join(words)}", flush=True)
    environment = os.environ | {
        "PAYDOWN_API_KEY": API_KEY,
        "PAYDOWN_API_SECRET": API_SECRET,
        "PAYDOWN_BASE_URL": url,
    }
    done = subprocess.run([PAYDOWN, *words], env=environment, check=False, timeout=30)  # noqa: S603  # our own command
    print(f"(exit code {done.returncode})", flush=True)
    if done.returncode != expect:
        raise SystemExit(f"the demo expected exit code {expect}")


@contextmanager
def sandbox(folder: Path, name: str) -> Iterator[str]:
    """A local exchange of its own, with the debts of `STATE`; ends when the block does."""
    process = subprocess.Popen(  # noqa: S603  # our own command
        [PAYDOWN, "sandbox", "--port", "0", "--data", str(folder / f"{name}.db")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None  # noqa: S101  # asked for with PIPE
        ready = process.stdout.readline().strip()
        print(ready, flush=True)
        if not ready.startswith("sandbox ready at "):
            raise SystemExit("the sandbox did not start")
        url = ready.removeprefix("sandbox ready at ")
        control(url, "PUT", "/_sandbox/state", STATE)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="paydown-demo-") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = name  # leave the journal and the weight ledger of the user alone
        with sandbox(folder, "plain") as url:
            title("1. What is owed?")
            paydown(url, "debts")

            title("2. Repay the BNB with USDT.")
            paydown(url, "repay", "BNB", "--using", "USDT", "--yes")
            paydown(url, "debts")
            print("The exchange's ledger says:")
            for entry in control(url, "GET", "/_sandbox/ledger")["entries"]:
                print("  " + json.dumps(entry))

        # One repayment costs half of what an address may spend in a minute, so the second story gets an
        # exchange of its own instead of a pause.
        title("3. Another exchange: it executes the repayment, and its answer gets lost.")
        with sandbox(folder, "lost") as url:
            lost = {"match": {"method": "POST", "path": REPAY_PATH}, "fault": "executed_then_503", "times": 1}
            control(url, "POST", "/_sandbox/faults", lost)
            paydown(url, "repay", "BNB", "--using", "USDT", "--yes", expect=5)
            title("4. A retry would pay twice, so it is refused. Half a minute later the evidence decides.")
            # The lost request must be dead before anything is concluded; the exchange's own clock can be moved.
            control(url, "POST", "/_sandbox/clock", {"advance_ms": 60_000})
            paydown(url, "reconcile")
            paydown(url, "debts")
            print(
                f"Repayments in the exchange's ledger: {len(control(url, 'GET', '/_sandbox/ledger')['entries'])}"
            )
    title("Done: everything above happened on this machine.")


if __name__ == "__main__":
    main()
