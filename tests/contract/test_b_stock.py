"""
schemathesis itself against the local exchange, every request signed: nothing undocumented comes back, no
wrong
data is accepted, and each operation truly succeeds, since refusals alone would pass every check.
"""

import json
from functools import cache

import pytest

from paydown_contract import document, stock
from paydown_contract.document import Document, Operation
from paydown_contract.stock import Plan
from paydown_contract.stsign import Signer
from paydown_contract.tamper import Composer
from tests.contract.support.exchange import NOW_MS, Exchange, exchange, state
from tests.contract.support.gaps import is_gap
from tests.contract.support.keys import signing_key
from tests.contract.support.places import BUNDLED
from tests.contract.support.profile import profile

# Fewer real successes than this, and a run has proved nothing.
LEAST_SUCCESSES = 2

KNOWN = {"asset": ("BNB", "BTC", "ETH", "USDT"), "specifyRepayAssets": ("USDT", "BTC,USDT")}


@cache
def contract_document() -> Document:
    """The shipped document: what schemathesis reads and what judges it are one text here."""
    return document.read(BUNDLED)


def filling(running: Exchange, operation: Operation) -> Signer:
    """A signer that sees to it that there is always a debt to repay, a listen key to extend and a call left to make."""
    sent = 0
    caps = [int(cap["limit"]) for cap in operation.facts.get("x-caps", []) if cap["kind"] == "rate"]
    every = min(20, *(cap // 2 for cap in caps)) if caps else 20
    key = signing_key("S1")
    start = Composer(contract_document(), key, NOW_MS).right(contract_document().by_id("startUserDataStream"))

    def before() -> None:
        nonlocal sent
        if sent % every == 0:
            running.install(state())
        running.send(start, ip="10.9.9.9")
        sent += 1

    return Signer(contract_document(), key, lambda: NOW_MS, KNOWN, before)


@pytest.mark.timeout(600)
def test_schemathesis_finds_nothing_and_has_real_successes(operation: Operation) -> None:
    """Examples, coverage and, in the longer profiles, fuzzing: signed, with every check of its own."""
    if is_gap("sandbox", operation.id):
        return
    size = profile()
    with exchange() as running:
        outcome = stock.run(
            contract_document(),
            json.loads(BUNDLED.read_text("utf-8")),
            filling(running, operation),
            app=running.app,
            operations=[operation.id],
            plan=Plan(
                size.phases,
                size.stock_examples,
                size.seed,
                derandomised=size.name == "fast",
                database=size.examples_kept_in,
            ),
        )
    told = [
        f"{each.phase} {each.check}: {each.message}\n"
        f"{each.request.method} {each.request.target()} {each.request.body!r}"
        f"\n{each.status} {each.body!r}"
        for each in outcome.complaints
    ]
    assert not told, f"seed {size.seed}:\n" + "\n\n".join(told[:5])
    assert not outcome.errors
    assert outcome.successes(operation.id) >= LEAST_SUCCESSES, dict(outcome.statuses)
    assert sum(outcome.cases.values()) >= 8, dict(outcome.cases)
