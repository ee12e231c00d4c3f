"""How many contract cases a second are generated, sent through the exchange, and judged by the document.

The cases are those of the contract suite's tamper matrix, with its exchange and its oracle, in one process on one core.
"""

from __future__ import annotations

import time

from benchmarks.result import Section, Settings, Table
from paydown_contract import read_document
from paydown_contract.requests.variants.tamperer import Tamperer
from paydown_contract.rules.allowed_answers import Oracle
from tests.contract.support.exchange import NOW_MS, exchange, state
from tests.contract.support.keys import signing_key
from tests.contract.support.places import OPENAPI

QUICK = ("repayDebt", "accountBalance", "ping")
AGAIN = 100  # cases after which the world is made anew, so that right requests go on succeeding


def run(settings: Settings) -> Section:
    """Judge every variant of every operation once."""
    section = Section("cases", "Contract cases")
    contract = read_document(OPENAPI)
    key, other = signing_key("S1"), signing_key("S2")
    tamperer, oracle = Tamperer(contract, key, (other,), NOW_MS), Oracle(contract, (key, other))
    cases = disagreements = 0
    begun = time.perf_counter()
    with exchange() as running:
        for operation in contract.operations:
            if settings.quick and operation.id not in QUICK:
                continue
            for variant in tamperer.variants(operation):
                if cases % AGAIN == 0:
                    running.install(state())
                verdict = oracle.expect(variant.request, NOW_MS)
                answer = running.send(variant.request)
                cases += 1
                if not (verdict.accepted or verdict.silent or verdict.allows(answer.status, answer.code)):
                    disagreements += 1
    took = time.perf_counter() - begun
    section.tables.append(
        Table(
            "", ["cases", "seconds", "cases/s", "disagreements"], [[cases, took, cases / took, disagreements]]
        )
    )
    section.figure("contract cases generated, sent and judged", cases / took, "/s")
    if settings.quick:
        section.left_out.append(f"all operations but {', '.join(QUICK)} (quick)")
    return section
