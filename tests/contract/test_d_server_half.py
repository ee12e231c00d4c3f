"""
`paydown-contract` against servers that nobody of this project wrote: right ones pass, wrong ones are told
which clause they break.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from paydown_contract import cli
from paydown_contract.document import Document
from paydown_contract.examine import Received, as_curl, examine
from paydown_contract.oracle import Oracle, Request
from tests.contract.support.asgi import Answer
from tests.contract.support.exchange import NOW_MS, exchange, state
from tests.contract.support.keys import signing_key
from tests.contract.support.places import BUNDLED, OPENAPI
from tests.contract.support.strangers import Vices, answer, stranger


def now() -> int:
    """This machine's clock, UTC ms."""
    return time.time_ns() // 1_000_000


def run(
    contract: Document, vices: Vices, operations: list[str], *, frozen: bool = True
) -> list[tuple[str, str]]:
    """Clauses and complaints about one server, called directly: what sockets do is a matter of other tests."""
    key = signing_key("S1")
    oracle = Oracle(contract, (key,))

    def send(request: Request) -> Received:
        status, headers, body = answer(contract, oracle, vices, request, NOW_MS if frozen else now())
        return Received(status, tuple(headers.items()), body)

    found = examine(contract, send, key, frozen_at_ms=NOW_MS if frozen else None, operations=operations)
    return [(finding.clause, finding.said) for finding in found.findings]


def test_a_right_server_passes(contract: Document) -> None:
    """A server that answers by the document is told nothing, with its clock standing still."""
    assert (
        run(
            contract,
            Vices(),
            ["ping", "accountBalance", "repayDebt", "startUserDataStream", "assetIndexPrice"],
        )
        == []
    )


def forgets(name: str) -> Callable[[str, object], object]:
    """Leave a member out of every 200."""

    def change(operation: str, body: Any) -> Any:
        rows = body if isinstance(body, list) else [body]
        less = [{key: value for key, value in row.items() if key != name} for row in rows]
        return less if isinstance(body, list) else less[0]

    return change


WRONG: dict[str, tuple[Vices, str, str]] = {
    "accepts unsigned": (
        Vices(accepts=lambda verdict, request: b"signature=" not in request.query + request.body),
        "signature: required",
        "accepted",
    ),
    "accepts any signature": (
        Vices(accepts=lambda verdict, request: "does not fit" in verdict.breaches[0].clause),
        "the signature does not fit",
        "accepted",
    ),
    "accepts any key": (
        Vices(accepts=lambda verdict, request: "not a known key" in verdict.breaches[0].clause),
        "not a known key",
        "accepted",
    ),
    "accepts old requests": (
        Vices(accepts=lambda verdict, request: "too late" in verdict.breaches[-1].clause),
        "acceptance: too late",
        "accepted",
    ),
    "accepts the future": (
        Vices(accepts=lambda verdict, request: "too far ahead" in verdict.breaches[-1].clause),
        "too far ahead",
        "accepted",
    ),
    "accepts a name twice": (
        Vices(accepts=lambda verdict, request: "twice" in verdict.breaches[0].clause),
        "twice in the",
        "accepted",
    ),
    "accepts unknown names": (
        Vices(accepts=lambda verdict, request: "is not a parameter" in verdict.breaches[0].clause),
        "is not a parameter",
        "accepted",
    ),
    "accepts any amount": (
        Vices(accepts=lambda verdict, request: "repayDebt.amount" in verdict.breaches[0].clause),
        "repayDebt.amount",
        "accepted",
    ),
    "forgets a field": (
        Vices(changes=forgets("success")),
        "responses.200.content.application/json.schema",
        "success",
    ),
    "renames a field": (
        Vices(changes=lambda operation, body: json.loads(json.dumps(body).replace("asset", "coin"))),
        "responses.200",
        "asset",
    ),
    "returns 200 on failure": (Vices(status_of_refusals=200), "", "accepted (200)"),
    "returns 500 on failure": (Vices(status_of_refusals=500), "", "answered 500"),
    "forgets the weight": (Vices(forgets_header=True), "responses.200.headers", "missing"),
    "answers in plain text": (Vices(plain_text=True), "responses.200.content", "content type"),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_server_is_told_its_clause(name: str, contract: Document) -> None:
    """Each vice is flagged with the clause of the document that it breaks."""
    vices, clause, said = WRONG[name]
    found = run(contract, vices, ["repayDebt"])
    assert [each for each in found if clause in each[0] and said in each[1]], found[:5]


def test_a_running_clock_is_read_from_the_server(contract: Document) -> None:
    """
    Without a frozen clock the server's own time counts, and edges of time that cannot be met are left out.
    """
    assert run(contract, Vices(), ["accountInformation"], frozen=False) == []
    late = Vices(accepts=lambda verdict, request: "too late" in verdict.breaches[-1].clause)
    assert run(contract, late, ["accountInformation"], frozen=False)


def received(told: Answer) -> Received:
    """An answer of the application as one that came over a connection."""
    return Received(told.status, told.headers, told.body)


def test_the_local_exchange_passes(contract: Document) -> None:
    """The sandbox itself, through the same door as any other server."""
    key = signing_key("S1")
    with exchange() as running:
        found = examine(
            contract,
            lambda request: received(running.send(request)),
            key,
            frozen_at_ms=NOW_MS,
            operations=["accountBalance", "repayDebt"],
            between=lambda operation, number: running.install(state()) if number % 25 == 0 else None,
        )
    assert [(finding.clause, finding.said, finding.variant) for finding in found.findings] == []
    assert found.tallies["repayDebt"].accepted > 50


# ------------------------------------------------------------------------------------------------ the command


def test_the_command_tells_what_it_found(contract: Document, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Exit 0 for a right server and 1 for a wrong one, with the clause and a curl line that shows no secret.
    """
    key = signing_key("S1")
    assert isinstance(key.secret, bytes)
    common = [
        "--spec",
        str(BUNDLED),
        "--api-key",
        key.api_key,
        "--secret",
        key.secret.decode(),
        "--operation",
        "accountInformation",
    ]
    with stranger(contract, key, Vices(), lambda: NOW_MS) as url:
        assert cli.main([*common, "--url", url, "--frozen-at-ms", str(NOW_MS)]) == 0
    assert "the document is kept" in capsys.readouterr().out
    wrong = Vices(accepts=lambda verdict, request: b"signature=" not in request.query)
    with stranger(contract, key, wrong, lambda: NOW_MS) as url:
        assert cli.main([*common, "--url", url, "--frozen-at-ms", str(NOW_MS)]) == 1
        said = capsys.readouterr().out
        assert "accountInformation.signature: required" in said
        assert "curl -i -X GET" in said
        assert key.api_key not in said
        assert cli.main([*common, "--url", url, "--frozen-at-ms", str(NOW_MS), "--json"]) == 1
        report = json.loads(capsys.readouterr().out)
        assert report["passed"] is False
        assert report["operations"]["accountInformation"]["sent"] > 100
        assert any("signature: required" in finding["clause"] for finding in report["findings"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "https://papi.binance.com"], "is the exchange itself"),
        (["--url", "https://papi.binance.com", "--allow-host", "papi.binance.com"], "is the exchange itself"),
        (["--url", "http://192.0.2.1:80"], "is not this machine"),
        (["--url", "http://127.0.0.1:9", "--spec", "no-such-file.yaml"], "--spec"),
        (["--url", "http://127.0.0.1:9"], "127.0.0.1:9"),
    ],
)
def test_the_command_refuses_what_it_must_not_do(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exchange itself, foreign machines, missing files and dead addresses end with 2 and a reason."""
    common = ["--spec", str(OPENAPI), "--api-key", "k" * 64, "--secret", "s" * 64]
    assert cli.main([*common, *arguments]) == 2
    assert said in capsys.readouterr().err


def test_the_command_needs_a_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a key there is nothing to sign with."""
    monkeypatch.delenv("PAYDOWN_API_KEY", raising=False)
    monkeypatch.delenv("PAYDOWN_API_SECRET", raising=False)
    assert cli.main(["--spec", str(OPENAPI), "--url", "http://127.0.0.1:9"]) == 2
    assert "a key is needed" in capsys.readouterr().err


def test_a_curl_line_can_be_pasted_and_keeps_secrets() -> None:
    """Quotes inside are quoted, and each secret shows its first letters only."""
    request = Request("POST", "/p", b"a=1", (("X-MBX-APIKEY", "verysecretkey"),), b"it's=verysecretsecret")
    line = as_curl(request, "http://h/", ("verysecretkey", "verysecretsecret"))
    assert line == "curl -i -X POST 'http://h/p?a=1' -H 'X-MBX-APIKEY: very…' --data-raw 'it'\\''s=very…'"
