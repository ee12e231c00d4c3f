"""What schemathesis notices without this suite's help: its own phases and checks, unsigned and signed.

A mutant counts as noticed if any check complains about any operation that it does not complain about on the unbroken
tree. Nothing of the oracle excuses or adds anything. Mutants of the client are out of its sight, since it talks to the
exchange itself.
"""

import json
from typing import Any

from paydown_contract import read_document
from tests.contract.support import stock
from tests.contract.support.exchange import NOW_MS, exchange, state
from tests.contract.support.keys import signing_key
from tests.contract.support.places import BUNDLED
from tests.contract.support.stock import Plan
from tests.contract.support.stock_signing import Signer

SEEN_LAYERS = ("document", "sandbox")


def complaints(mode: str) -> list[str]:
    """ "operation check status" for everything that stock schemathesis finds wrong with the tree."""
    contract = read_document(BUNDLED)
    bundled = json.loads(BUNDLED.read_text("utf-8"))
    found: set[str] = set()
    for operation in contract.operations:
        with exchange() as running:
            sent = 0

            def fill(running: Any = running) -> None:
                nonlocal sent
                if sent % 20 == 0:
                    running.install(state())
                sent += 1

            signer = Signer(contract, signing_key("S1"), lambda: NOW_MS, None, fill)
            outcome = stock.run(
                contract,
                bundled,
                signer if mode == "signed" else None,
                app=running.app,
                operations=[operation.id],
                plan=Plan(("examples", "coverage"), 1, 1, derandomised=True),
                tune=None if mode == "signed" else _as_shipped,
                excuse=False,
            )
        found |= {f"{operation.id} {each.check} {each.status}" for each in outcome.complaints}
        found |= {f"{operation.id} error" for _ in outcome.errors}
    return sorted(found)


def _as_shipped(schema: Any) -> None:
    """A 401 counts as an accepted request, as it does without configuration."""
    schema.config.checks.positive_data_acceptance.expected_statuses = [
        "2xx", "401", "403", "404", "409", "429", "5xx",
    ]  # fmt: skip
