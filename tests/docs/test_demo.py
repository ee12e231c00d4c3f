"""`make demo` tells its story on any machine, whatever its user has set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo.py"
NOBODY = "http://127.0.0.1:9"  # the discard port: a proxy that would be asked does not answer


def test_the_demo_repays_once_behind_a_proxy_and_beside_a_users_keys():
    """It ends with 0, the ledger shows one repayment, and neither proxy nor key of the environment is used."""
    environment = {**os.environ, "HTTP_PROXY": NOBODY, "ALL_PROXY": NOBODY}
    environment |= {"PAYDOWN_API_KEY": "ours", "PAYDOWN_API_SECRET": "ours", "PAYDOWN_BUDGET": "memory"}

    done = subprocess.run(
        [sys.executable, DEMO], env=environment, capture_output=True, text=True, timeout=50, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Repayments in the exchange's ledger: 1" in done.stdout
    assert "Done: everything above happened on this machine." in done.stdout
