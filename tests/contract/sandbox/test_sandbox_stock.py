"""schemathesis itself against the local exchange, every request signed: nothing undocumented comes back, no wrong data
is accepted, and each operation truly succeeds, since refusals alone would pass every check. Its stateful phase follows
each link of the document, and each link is truly followed."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from paydown_contract import read_document
from paydown_contract.document import Document, Operation
from paydown_contract.requests.composer import Composer
from paydown_contract.rules.links import links_of
from tests.contract.support import stateful, stock
from tests.contract.support.exchange import NOW_MS, Exchange, exchange, state
from tests.contract.support.gaps import is_gap
from tests.contract.support.keys import signing_key
from tests.contract.support.places import BUNDLED
from tests.contract.support.profile import profile
from tests.contract.support.stock import Outcome, Plan
from tests.contract.support.stock_signing import Signer

# Fewer real successes than this, and a run has proved nothing.
LEAST_SUCCESSES = 2

# Each link is followed so often at least, from a call that was carried out to one that was answered 2xx.
LEAST_FOLLOWED = 2

KNOWN = {"asset": ("BNB", "BTC", "ETH", "USDT"), "specifyRepayAssets": ("USDT", "BTC,USDT")}
# What a call that others follow can be made with: collecting refuses BNB, and the debts outlast the amounts.
MOVED = {**KNOWN, "asset": ("BTC", "ETH", "USDT"), "amount": ("0.001", "0.002", "0.0015")}


@cache
def contract_document() -> Document:
    """The shipped document: what schemathesis reads and what judges it are one text here."""
    return read_document(BUNDLED)


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


def nothing_found(outcome: Outcome) -> None:
    """Fail with the first complaints, each with its request, and with every error of schemathesis' own."""
    told = [
        f"{each.phase} {each.check}: {each.message}\n"
        f"{each.request.method} {each.request.target()} {each.request.body!r}"
        f"\n{each.status} {each.body!r}"
        for each in outcome.complaints
    ]
    assert not told, f"seed {profile().seed}:\n" + "\n\n".join(told[:5])
    assert not outcome.errors


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
    nothing_found(outcome)
    assert outcome.successes(operation.id) >= LEAST_SUCCESSES, dict(outcome.statuses)
    assert sum(outcome.cases.values()) >= 8, dict(outcome.cases)


def sources() -> list[str]:
    """Ids of the calls that have links."""
    return [each.id for each in contract_document().operations if links_of(contract_document(), each)]


def test_loans_repayments_and_keys_have_links() -> None:
    """Whoever takes links out of the document takes them out of the test below: so this names what must have some."""
    assert {"marginBorrow", "repayLoan", "repayDebt", "startUserDataStream"} <= set(sources())


def passing(running: Exchange, operation: Operation) -> Signer:
    """A signer under whom time passes where calls are counted over a time, as fast as the count allows."""
    caps = [each for each in operation.facts.get("x-caps", []) if each["kind"] == "rate"]
    pause_ms = max((int(cap["interval-ms"]) // int(cap["limit"]) + 1 for cap in caps), default=0)
    now_ms = NOW_MS

    def before() -> None:
        nonlocal now_ms
        if pause_ms:
            now_ms += pause_ms
            running.set_clock(now_ms)

    return Signer(contract_document(), signing_key("S1"), lambda: now_ms, before=before)


def followed(running: Exchange, name: str, app: Any = None) -> stateful.Followed:
    """What following the links of one call saw, as much as the profile wants."""
    size = profile()
    operation = contract_document().by_id(name)
    return stateful.follow(
        contract_document(),
        json.loads(BUNDLED.read_text("utf-8")),
        passing(running, operation),
        operation,
        MOVED,
        app=app or running.app,
        plan=Plan((), size.scenarios, size.seed, size.name == "fast", size.examples_kept_in),
        least=LEAST_FOLLOWED,
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sources())
def test_schemathesis_follows_every_link(name: str) -> None:
    """Its stateful phase: what one call did is seen by the call that the document's link names, and no link is left
    out or followed by refusals alone."""
    with exchange() as running:
        found = followed(running, name)
    nothing_found(found.outcome)
    few = {
        link.clause: found.times[link.clause]
        for link in links_of(contract_document(), contract_document().by_id(name))
        if found.times[link.clause] < LEAST_FOLLOWED
    }
    assert not few, (profile().seed, few, dict(found.outcome.statuses))


def answering(app: Any, method: str, path: str, content: Any) -> Callable[..., Any]:
    """The application, but one call that always answers the same."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if (scope.get("method"), scope.get("path")) != (method, path):
            await app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"x-mbx-used-weight-1m", b"3000")]
        headers.append((b"x-sapi-used-ip-weight-1m", b"3000"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(content).encode()})

    return answer


FORGOTTEN = {
    "marginBorrow": ("/papi/v1/margin/marginLoan", {"rows": [], "total": 0}, "links.record", "0 records for the id"),
    "repayLoan": ("/papi/v1/margin/repayLoan", {"rows": [], "total": 0}, "links.record", "0 records for the id"),
    "setAutoRepayFutures": ("/papi/v1/repay-futures-switch", {"autoRepay": True}, "links.status", "does not show it"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FORGOTTEN))
def test_a_server_that_forgets_what_it_did_breaks_the_link(name: str) -> None:
    """Every answer has the right form and status, and yet the second call shows nothing of the first: the link says
    so, and nothing else does."""
    path, content, clause, said = FORGOTTEN[name]
    with exchange() as running:
        found = followed(running, name, answering(running.app, "GET", path, content))
    assert found.outcome.complaints
    assert all(
        clause in each.check and said in each.message and each.status == 200
        for each in found.outcome.complaints
    ), [(each.check, each.message) for each in found.outcome.complaints]


def test_schemathesis_takes_the_plan() -> None:
    """Number, seed and store of the examples hold in every phase, and not where a phase brings no settings alone."""
    taken: list[Any] = []

    def tune(schema: Any) -> None:
        operation = schema["/papi/v1/ping"]["GET"]
        schema.config.phases.stateful.generation.update(no_shrink=True)
        taken.extend(
            schema.config.get_hypothesis_settings(operation=operation, phase=phase)
            for phase in ("coverage", "fuzzing", "stateful")
        )

    with exchange() as running:
        stock.run(
            contract_document(),
            json.loads(BUNDLED.read_text("utf-8")),
            None,
            app=running.app,
            operations=["ping"],
            plan=Plan(("examples",), max_examples=7, derandomised=True),
            tune=tune,
        )
    assert [(each.max_examples, each.derandomize, each.database) for each in taken] == [(7, True, None)] * 3
