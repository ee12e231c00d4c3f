"""
`paydown-contract` against a server that shares no line with this project: without a vice it passes, and each vice is
reported with the clause that it breaks.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from paydown_contract import cli
from paydown_contract.curl import as_curl
from paydown_contract.document import Document
from paydown_contract.examination.examination import Examination
from paydown_contract.examination.examiner import examine
from paydown_contract.examination.findings_report import as_text
from paydown_contract.http_sender import Received
from paydown_contract.requests.raw_request import Request
from tests.contract.support.asgi import Answer
from tests.contract.support.exchange import NOW_MS, exchange, state
from tests.contract.support.keys import signing_key
from tests.contract.support.places import BUNDLED, OPENAPI
from tests.doubles.little_server import OPERATIONS, LittleServer, listening

KEY = signing_key("S1")
assert isinstance(KEY.secret, bytes)
SECRET = KEY.secret


def now() -> int:
    """This machine's clock, UTC ms."""
    return time.time_ns() // 1_000_000


def little(vice: str = "", *, frozen: bool = True) -> LittleServer:
    """The server, with a vice or without."""
    return LittleServer(KEY.api_key, SECRET, (lambda: NOW_MS) if frozen else now, vice)


def run(contract: Document, vice: str, operations: Sequence[str], *, frozen: bool = True) -> Examination:
    """Examine the server, called directly: what sockets do is a matter of other tests."""
    server = little(vice, frozen=frozen)

    def send(request: Request) -> Received:
        headers: dict[str, list[str]] = {}
        for name, value in request.headers:
            headers.setdefault(name.lower(), []).append(value)
        status, answered, body = server.answer(
            request.method, request.path, request.query, headers, request.body
        )
        return Received(status, tuple(answered.items()), body)

    return examine(contract, send, KEY, frozen_at_ms=NOW_MS if frozen else None, operations=operations)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_right_server_passes(frozen: bool, contract: Document) -> None:
    """
    A server that answers by the document gets no finding, with its clock standing still and running, and each of its
    calls was truly carried out.
    """
    found = run(
        contract,
        "",
        OPERATIONS if frozen else ["serverTime", "accountBalance", "marginBorrow"],
        frozen=frozen,
    )
    assert [(each.clause, each.symptom, each.variant) for each in found.findings] == []
    assert all(tally.accepted for tally in found.tallies.values())


# vice: (an operation that shows it, a part of the clause, a part of the symptom)
VICES: dict[str, tuple[str, str, str]] = {
    # who may ask
    "unsigned is fine": ("accountBalance", "accountBalance.signature: required", "was accepted (200)"),
    "unsigned is fine on balance": ("accountBalance", "accountBalance.signature: required", "was accepted"),
    "no signature is looked at": (
        "accountBalance",
        "the signature does not fit the bytes sent",
        "was accepted",
    ),
    "the first half of a signature is enough": (
        "accountBalance",
        "does not fit the bytes sent",
        "was accepted",
    ),
    "decoded text may be signed": ("repayDebt", "does not fit the bytes sent", "was accepted"),
    "sorted parameters may be signed": ("repayLoan", "does not fit the bytes sent", "was accepted"),
    "query and body may be joined with &": ("repayLoan", "does not fit the bytes sent", "was accepted"),
    "the signature may stand anywhere": (
        "accountBalance",
        "x-signing.signature.position: last",
        "was accepted",
    ),
    "only lower-case signatures": ("accountBalance", "responses.200", "a right request was refused"),
    "any key is fine": ("accountBalance", "X-MBX-APIKEY: missing", "was accepted"),
    "a key need only be there": ("accountBalance", "X-MBX-APIKEY: not a known key", "was accepted"),
    # when
    "old requests are fine": ("accountBalance", "x-signing.acceptance: too late", "was accepted"),
    "the future is fine": ("accountBalance", "x-signing.acceptance: too far ahead", "was accepted"),
    "recvWindow is ignored": ("accountBalance", "x-signing.acceptance: too late", "was accepted"),
    "the default window is a minute": ("accountBalance", "x-signing.acceptance: too late", "was accepted"),
    "the window ends early": ("accountBalance", "responses.200", "a right request was refused"),
    "any recvWindow is fine": ("accountBalance", "accountBalance.recvWindow: outside", "was accepted"),
    "a timestamp may be missing": ("accountBalance", "accountBalance.timestamp: required", "was accepted"),
    # what is sent
    "a name may come twice": (
        "accountBalance",
        "x-parameter-transport: asset twice in the query",
        "was accepted",
    ),
    "unknown names are fine": ("accountBalance", "foo is not a parameter", "was accepted"),
    "any content type": ("repayLoan", "x-parameter-transport.body-content-type", "was accepted"),
    "the body is not read": ("repayLoan", "responses.200", "a right request was refused"),
    "the body wins": ("repayDebt", "x-success.asset", "does not repeat the asset"),
    "an amount may be missing": ("marginBorrow", "marginBorrow.amount: required", "was accepted"),
    "zero may be repaid": ("repayLoan", "repayLoan.amount: does not match the pattern", "was accepted"),
    "an exponent is an amount": ("repayLoan", "repayLoan.amount: does not match the pattern", "was accepted"),
    "nine digits after the point": (
        "repayLoan",
        "repayLoan.amount: does not match the pattern",
        "was accepted",
    ),
    "blanks around an amount are cut off": ("repayLoan", "repayLoan.amount: does not match", "was accepted"),
    "lower-case assets are fine": ("repayLoan", "repayLoan.asset: ", "was accepted"),
    "an asset may be empty": ("repayLoan", "repayLoan.asset: empty", "was accepted"),
    "a list may hold an asset twice": ("repayDebt", "specifyRepayAssets: an item twice", "was accepted"),
    "a page may be huge": (
        "borrowRecords",
        "borrowRecords.size: outside minimum and maximum",
        "was accepted",
    ),
    "an unknown path is fine": ("ping", "paths", "is not documented and was answered 200"),
    # how a refusal looks
    "a refusal has status 200": ("ping", "ping: foo is not a parameter", "was accepted (200)"),
    "a refusal has status 500": ("ping", "ping: foo is not a parameter", "was answered 500"),
    "a refusal has status 422": ("ping", "ping: foo is not a parameter", "was answered 422"),
    "a refusal is HTML": ("ping", "ping: responses.400.content", "text/html is not documented"),
    "every refusal has code -1000": (
        "ping",
        "ping: foo is not a parameter",
        "code -1000 where the document wants",
    ),
    "the code is text": (
        "ping",
        "ping: responses.400.content.application/json.schema",
        'code: "-1104" is not of type',
    ),
    "a refusal has no msg": (
        "ping",
        "ping: responses.400.content.application/json.schema",
        '"msg" is a required',
    ),
    # how an answer looks
    "success is 201": ("ping", "ping: responses", "status 201 is not documented"),
    "a member is forgotten": (
        "accountBalance",
        "responses.200.content.application/json.schema",
        "crossMarginInterest",
    ),
    "a member has another name": ("accountBalance", "application/json.schema", "crossMarginInterest"),
    "a number instead of text": (
        "accountBalance",
        "application/json.schema",
        "crossMarginFree: 5 is not of type",
    ),
    "a time as text": ("accountBalance", "application/json.schema", "updateTime"),
    "null for nothing": ("accountBalance", "application/json.schema", "crossMarginLocked: null"),
    "balances in exponents": ("accountBalance", "application/json.schema", "crossMarginFree"),
    "one balance comes as a list": ("accountBalance", "x-polymorphic-by asset", "a list comes back"),
    "always the same balance": (
        "accountBalance",
        "accountBalance: asset",
        "about another one than was asked for",
    ),
    "answers are cut short": ("repayLoan", "responses.200.content.application/json", "the body is not JSON"),
    "the weight is not shown": (
        "ping",
        "responses.200.headers.X-MBX-USED-WEIGHT-1M",
        "the header is missing",
    ),
    "the weight is not counted": ("accountBalance", "x-weight", "does not count the 20 of the call itself"),
    "an id as text": ("marginBorrow", "x-success.tranId", "is no integer"),
    # what an answer claims about money
    "success is false": ("repayDebt", "x-success.success", "answered 200 with False where success is True"),
    "success is text": ("repayDebt", "x-success.success", "answered 200 with 'true'"),
    "success is forgotten": ("repayDebt", "x-success.success", "answered 200 without it"),
    "an error body with 200": ("repayDebt", "x-success.success", "answered 200 without it"),
    "another asset comes back": ("repayDebt", "x-success.asset", "does not repeat the asset of the request"),
    "another amount comes back": ("repayDebt", "repayDebt: amount", "about another one than was asked for"),
    "the amount is rounded": ("repayDebt", "repayDebt: amount", "about another one than was asked for"),
    "the amount is in exponents": ("repayDebt", "responses.200.content.application/json.schema", "amount"),
    # one call after another
    "always the same debt": (
        "marginBorrow",
        "marginBorrow: responses.200.links.debt",
        "did not move by 0.06",
    ),
    "repayments change nothing": (
        "marginBorrow",
        "repayDebt: responses.200.links.debt",
        "did not move by -0.015",
    ),
    "loans leave no record": (
        "marginBorrow",
        "marginBorrow: responses.200.links.record",
        "0 records for the id",
    ),
    "an id that finds nothing": (
        "marginBorrow",
        "repayLoan: responses.200.links.record",
        "0 records for the id",
    ),
    "the id is ignored": ("marginBorrow", "marginBorrow: responses.200.links.record", "3 records for the id"),
    "records hold another amount": (
        "marginBorrow",
        "responses.200.links.record",
        "the record's amount is another",
    ),
    "records of every asset": ("records", "borrowRecords: asset", "about another one than was asked for"),
    "the page is ignored": ("marginBorrow", "borrowRecords: x-pagination.page", "pages of one record"),
    "the size is ignored": ("marginBorrow", "borrowRecords: x-pagination.page", "pages of one record"),
    "the total is wrong": ("records", "borrowRecords: x-pagination.total", "less than the rows"),
    "the window is ignored": ("records", "borrowRecords: x-pagination.window", "than the window"),
    "the oldest come first": ("running records", "x-pagination.order: newest-first", "another order"),
    "the clock stands still": ("running time", "serverTime: serverTime", "the clock stands still"),
}
SHOWN_BY = {
    "records": ["marginBorrow", "borrowRecords"],
    "running records": ["marginBorrow", "borrowRecords"],
    "running time": ["serverTime"],
}


@pytest.mark.parametrize("vice", list(VICES))
def test_each_vice_is_reported_with_its_clause(vice: str, contract: Document) -> None:
    """Each vice is flagged with the clause of the document that it breaks, and a request that shows it."""
    where, clause, symptom = VICES[vice]
    found = run(contract, vice, SHOWN_BY.get(where, [where]), frozen=not where.startswith("running"))
    fitting = [each for each in found.findings if clause in each.clause and symptom in each.symptom]
    assert fitting, [(each.clause, each.symptom) for each in found.findings[:8]]
    assert len(as_curl(fitting[0].request, "http://127.0.0.1:8087")) < 900


def test_a_dropped_request_is_a_finding(contract: Document) -> None:
    """One request without an answer is a finding and not the end; a server that is gone ends the examination."""
    server = little()
    calls = 0

    def send(request: Request) -> Received:
        nonlocal calls
        calls += 1
        if b"foo" in request.query or calls > 10_000:
            raise ConnectionResetError("reset")
        status, answered, body = server.answer(request.method, request.path, request.query, {}, request.body)
        return Received(status, tuple(answered.items()), body)

    found = examine(contract, send, KEY, frozen_at_ms=NOW_MS, operations=["ping"])
    (only,) = [each for each in found.findings if "no HTTP answer" in each.symptom]
    assert (only.clause, only.status) == ("ping: responses", 0)
    calls = 10_001
    with pytest.raises(ConnectionResetError):
        examine(contract, send, KEY, frozen_at_ms=NOW_MS, operations=["ping"])


def test_every_vice_of_the_server_is_tried() -> None:
    """Each way to be wrong that the server has stands in the table above."""
    source = Path(str(__import__(LittleServer.__module__, fromlist=["x"]).__file__)).read_text("utf-8")
    quoted = {text for text in VICES if f'"{text}"' in source}
    assert quoted == set(VICES), set(VICES) - quoted
    import re

    named = set(re.findall(r'self\.vice (?:==|!=) "([^"]+)"', source))
    assert named <= set(VICES), named - set(VICES)


def received(answer: Answer) -> Received:
    """An answer of the application as one that came over a connection."""
    return Received(answer.status, answer.headers, answer.body)


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
    assert [(finding.clause, finding.symptom, finding.variant) for finding in found.findings] == []
    assert found.tallies["repayDebt"].accepted > 50


# What a server did not do although it answered 200: the call, its path, the clause, a part of the symptom.
UNDONE = {
    "assetCollection": ("/papi/v1/asset-collection", "links.balance", "every balance is as it was before"),
    "autoCollection": ("/papi/v1/auto-collection", "links.balances", "every balance is as it was before"),
    "bnbTransfer": ("/papi/v1/bnb-transfer", "links.balance", "every balance is as it was before"),
    "repayFuturesNegativeBalance": (
        "/papi/v1/repay-futures-negative-balance", "links.balances", "every balance is as it was before"
    ),
    "setAutoRepayFutures": ("/papi/v1/repay-futures-switch", "links.status", "does not show it"),
    "startUserDataStream": ("/papi/v1/listenKey", "x-repeatable", "answers something else"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(UNDONE))
def test_an_answer_without_the_deed_is_a_finding(name: str, contract: Document) -> None:
    """Each answer has the right form, and nothing was done, or another key was made: the next call shows it."""
    path, clause, symptom = UNDONE[name]
    keys = 0

    with exchange() as running:

        def send(request: Request) -> Received:
            nonlocal keys
            answer = received(running.send(request))
            if (request.method, request.path) == ("POST", path) and answer.status == 200:
                if name == "startUserDataStream":
                    keys += 1
                    return Received(
                        answer.status, answer.headers, json.dumps({"listenKey": f"{keys:064}"}).encode()
                    )
                running.install(state())
            return answer

        found = examine(contract, send, KEY, frozen_at_ms=NOW_MS, operations=[name])
    assert [clause in each.clause and symptom in each.symptom for each in found.findings] == [True]
    assert not found.links_missed


def test_many_findings_of_one_kind_are_written_once(contract: Document) -> None:
    """A server that answers each refusal with 200 gets a few lines only, with the code that its answers hold."""
    found = run(contract, "a refusal has status 200", ["accountBalance"])
    text = as_text(found, "http://127.0.0.1:8087", ())
    assert "was accepted (200), with an error body of code -1102, where the document wants 400" in text
    assert "more clauses: was accepted (200), with an error body of code (--json has all)" in text
    assert text.count("✗") <= 15


# ------------------------------------------------------------------------------------------------ the command


COMMON = ["--api-key", KEY.api_key, "--secret", SECRET.decode()]


def test_the_command_reports_its_findings(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Exit 0 for a right server and 1 for a wrong one, with the clause and a curl line that shows no secret; the document
    that is installed is the default.
    """
    common = [*COMMON, "--operation", "accountBalance", "--frozen-at-ms", str(NOW_MS)]
    with listening(little()) as url:
        assert cli.main([*common, "--url", url]) == 0
    assert "the document is kept" in capsys.readouterr().out
    with listening(little("unsigned is fine on balance")) as url:
        assert cli.main([*common, "--spec", str(BUNDLED), "--url", url]) == 1
        printed = capsys.readouterr().out
        assert "✗ accountBalance.signature: required" in printed
        assert "curl -i -X GET" in printed
        assert KEY.api_key not in printed
        assert SECRET.decode() not in printed
        assert cli.main([*common, "--spec", str(OPENAPI), "--url", url, "--json"]) == 1
        report = json.loads(capsys.readouterr().out)
        assert report["passed"] is False
        assert report["operations"]["accountBalance"]["sent"] > 100
        assert any("signature: required" in finding["clause"] for finding in report["findings"])


@pytest.mark.parametrize("name", ["E1", "R1"])
def test_the_command_signs_with_a_private_key(
    name: str, tmp_path: Path, contract: Document, capsys: pytest.CaptureFixture[str]
) -> None:
    """A PEM file signs for servers that know its public half: the sandbox, over a socket, with a clock that runs."""
    from paydown_sandbox import SocketSandbox

    key = signing_key(name)
    file = tmp_path / "key.pem"
    file.write_bytes(key.pem())
    content = state()
    del content["clock"]
    with SocketSandbox(state=content) as sandbox:
        arguments = ["--url", sandbox.url, "--api-key", key.api_key, "--private-key-file", str(file)]
        assert cli.main([*arguments, "--operation", "accountInformation"]) == 0, capsys.readouterr().out


def test_the_sandbox_passes_over_a_socket(capsys: pytest.CaptureFixture[str]) -> None:
    """The calls of the user data stream, which need each other, and the links, with a clock that runs."""
    from paydown_sandbox import SocketSandbox

    content = state()
    del content["clock"]
    names = ["ping", "serverTime", "marginBorrow", "keepAliveUserDataStream", "closeUserDataStream"]
    with SocketSandbox(state=content) as sandbox:
        chosen = [text for name in names for text in ("--operation", name)]
        assert cli.main([*COMMON, "--url", sandbox.url, *chosen, "--json"]) == 0, capsys.readouterr().out
    report = json.loads(capsys.readouterr().out)
    assert all(report["operations"][name]["accepted"] >= 2 for name in names), report["operations"]


def test_a_clock_that_stands_elsewhere_is_reported_first(capsys: pytest.CaptureFixture[str]) -> None:
    """Every request would be late: the command names what the server's clock shows instead of a thousand clauses."""
    with listening(little()) as url:
        assert cli.main([*COMMON, "--url", url, "--frozen-at-ms", str(NOW_MS + 1)]) == 2
    assert f"the server's clock shows {NOW_MS}" in capsys.readouterr().err


def test_a_server_that_limits_is_not_blamed(contract: Document, capsys: pytest.CaptureFixture[str]) -> None:
    """429 proves nothing about a request: after a few of them the rest is left out, and the result is undecided."""
    from paydown_sandbox import SocketSandbox

    content = state()
    content["limits"] = {"weight_per_minute": 6000, "orders_per_minute": 1200}
    del content["clock"]
    with SocketSandbox(state=content) as sandbox:
        code = cli.main([*COMMON, "--url", sandbox.url, "--operation", "repayDebt"])
    printed = capsys.readouterr().out
    assert code == 2, printed
    assert "too little was answered" in printed
    assert "Answered 429 again and again" in printed


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["--url", "https://papi.binance.com"], "is the exchange itself"),
        (["--url", "https://papi.binance.com", "--allow-host", "papi.binance.com"], "is the exchange itself"),
        (["--url", "https://PAPI.BINANCE.COM.:443"], "is the exchange itself"),
        (["--url", "https://api3.binance.com", "--allow-host", "api3.binance.com"], "is the exchange itself"),
        (["--url", "https://api.binance.us", "--allow-host", "api.binance.us"], "is the exchange itself"),
        (["--url", "http://192.0.2.1:80"], "is not this machine"),
        (["--url", "http://127.0.0.1:9", "--spec", "no-such-file.yaml"], "--spec"),
        (["--url", "http://127.0.0.1:9"], "127.0.0.1:9"),
        (["--url", "http://127.0.0.1:9", "--operation", "repay"], "the document has no repay"),
        (["--url", "http://127.0.0.1:9", "--private-key-file", "no-such.pem"], "no-such.pem"),
    ],
)
def test_the_command_refuses_what_it_must_not_do(
    arguments: list[str], printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exchange itself, foreign machines, missing files and dead addresses end with 2 and a reason."""
    common = ["--spec", str(OPENAPI), "--api-key", "k" * 64, "--secret", "s" * 64]
    assert cli.main([*common, *arguments]) == 2
    assert printed in capsys.readouterr().err


def test_the_command_needs_a_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a key there is nothing to sign with."""
    for name in ("PAYDOWN_API_KEY", "PAYDOWN_API_SECRET", "PAYDOWN_PRIVATE_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["--spec", str(OPENAPI), "--url", "http://127.0.0.1:9"]) == 2
    assert "a key is needed" in capsys.readouterr().err


def test_a_curl_line_can_be_pasted_and_keeps_secrets() -> None:
    """Quotes inside are quoted; key, signature and every named secret show their first letters only."""
    request = Request(
        "POST",
        "/p",
        b"a=1&signature=0123456789abcdef",
        (("X-MBX-APIKEY", "verysecretkey"), ("Accept", "*/*")),
        b"it's=verysecretsecret&signature=Zm9v%2Bx%3D%3D",
    )
    line = as_curl(request, "http://h/", ("verysecretkey", "verysecretsecret"))
    assert line == (
        "curl -i -X POST 'http://h/p?a=1&signature=0123…' -H 'X-MBX-APIKEY: very…' -H 'Accept: */*' "
        "--data-raw 'it'\\''s=very…&signature=Zm9v…'"
    )


def test_help_needs_nothing_installed() -> None:
    """Without the `contract` extra --help and wrong options are answered as ever; a run names the extra."""
    blocked = "import sys; sys.modules['jsonschema_rs'] = sys.modules['yaml'] = None; "
    program = blocked + "from paydown_contract.__main__ import main; sys.exit(main())"

    def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    helped = ran("--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "--private-key-file" in helped.stdout
    assert ran("--no-such-option").returncode == 2
    done = ran("--url", "http://127.0.0.1:9")
    assert done.returncode == 2
    assert "pip install 'paydown[contract]'" in done.stderr
