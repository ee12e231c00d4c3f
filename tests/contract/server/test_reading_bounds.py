"""Part D: `paydown-contract` against servers, documents and addresses that mean harm: a clear line, in time, exit 2.

0 is said only when enough was examined and held, 1 only of a clause that the server broke; everything else is 2.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paydown_contract import cli, read_document
from paydown_contract.bounded_reader import Unreadable, answer_json, parse, visible
from paydown_contract.document import BrokenDocument, Document
from paydown_contract.examination.examination import Examination, Result, Tally
from paydown_contract.examination.examiner import examine
from paydown_contract.examination.findings_report import as_json, as_text
from paydown_contract.http_sender import AnswerTooLong, HttpSender, Received
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key
from paydown_contract.requests.variants.tamperer import Tamperer
from paydown_contract.rules.allowed_answers import Oracle
from paydown_sandbox.state.state_reader import DEMO_API_KEY, DEMO_SECRET
from tests.contract.support.asgi import Answer
from tests.contract.support.exchange import NOW_MS, exchange
from tests.contract.support.keys import signing_key

KEY = ["--api-key", "k" * 64, "--secret", "s" * 64]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextlib.contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads a request's head and then calls `answer`, for every connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def one(peer: socket.socket) -> None:
            with peer:
                try:
                    while True:
                        seen = b""
                        while b"\r\n\r\n" not in seen:
                            part = peer.recv(65_536)
                            if not part:
                                return
                            seen += part
                        answer(peer)
                except OSError:
                    return

        def accept() -> None:
            while True:
                try:
                    peer, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(peer,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def whole(body: bytes, status: bytes = b"200 OK") -> Callable[[socket.socket], None]:
    """A whole answer."""
    head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\n"
    return lambda peer: peer.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def drip(start: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    """An answer that goes on and on, a piece every 50 ms."""

    def send(peer: socket.socket) -> None:
        peer.sendall(start)
        while True:
            peer.sendall(piece)
            threading.Event().wait(0.05)

    return send


def flood(start: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    """An answer that goes on and on, as fast as it can."""

    def send(peer: socket.socket) -> None:
        peer.sendall(start)
        while True:
            peer.sendall(piece)

    return send


ENDLESS = {
    "a dripping body": drip(HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
    "a dripping body without a length": drip(HEAD + b"\r\n", b" "),
    "dripping chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a dripping head": drip(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "a dripping status line": drip(b"HTTP/1.1 2", b"0"),
    "interim answers without an end": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "silence": lambda peer: threading.Event().wait(5) and None,
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_answer_without_an_end_is_given_up_in_time(kind: str) -> None:
    """The deadline is of the whole answer, however lively the bytes come in."""
    with serving(ENDLESS[kind]) as url:
        sender = HttpSender(url, timeout_s=0.4)
        begun = time.monotonic()
        with pytest.raises(AnswerTooLong, match=r"within 0\.4 s"):
            sender(Request("GET", "/papi/v1/ping"))
        sender.close()
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    "start",
    [
        HEAD + b"\r\n",
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
    ],
    ids=["no length", "a huge length", "a huge chunk"],
)
def test_an_answer_without_a_bound_is_not_kept(start: bytes) -> None:
    """Of a body that does not end, a bounded part is read, and the answer counts as none."""
    with serving(flood(start, b" " * 65_536)) as url:
        sender = HttpSender(url, timeout_s=20)
        with pytest.raises(AnswerTooLong, match="more than 8 MiB"):
            sender(Request("GET", "/papi/v1/ping"))
        sender.close()


ANSWERS = {
    "deep": b"[" * 100_000,
    "deep and closed": b"[" * 50_000 + b"]" * 50_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a huge number": b'{"serverTime": ' + b"9" * 100_000 + b"}",
    "a huge exponent": b'{"serverTime": 1e999999999999999999}',
    "not finite": b'{"serverTime": NaN}',
    "half a pair": b'{"msg": "\\ud800", "code": -1}',
    "no text": b"\xff\xfe\x00",
    "terminal": json.dumps({"code": -1, "msg": "\x1b]0;owned\x07\x9b31m\u202e"}, ensure_ascii=False).encode(),
    "empty": b"",
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request", b"503 \x1b[31mred", b"418 I'm a teapot"])
@pytest.mark.parametrize("machine", [(), ("--json",)])
def test_no_answer_breaks_the_tool_or_the_terminal(
    name: str, status: bytes, machine: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A server may answer anything: the result is one of the three, and nothing of it reaches the terminal raw."""
    with serving(whole(ANSWERS[name], status)) as url:
        code = cli.main([*KEY, "--url", url, "--operation", "ping", *machine])
    said = capsys.readouterr()
    assert code in (1, 2)
    assert all(sign.isprintable() or sign == "\n" for sign in said.out + said.err)
    assert "Traceback" not in said.err


def test_headers_of_a_server_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A content type or a counter in a complaint is shown with its escapes visible."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: \x1b]0;owned\x07\r\nX-MBX-USED-WEIGHT-1M: \x9b31m\r\n"
    body = head + b"Content-Length: 2\r\n\r\n{}"
    with serving(lambda peer: peer.sendall(body)) as url:
        assert cli.main([*KEY, "--url", url, "--operation", "ping"]) == 1
    assert all(sign.isprintable() or sign == "\n" for sign in capsys.readouterr().out)


# ------------------------------------------------------------------------------------------------ the result


def test_only_enough_that_held_is_a_success() -> None:
    """Nothing examined, nothing accepted, and most of it left out are no success; a finding is always one."""

    def result(**tallies: Tally) -> Result:
        return Examination(tallies=tallies).result

    assert result() is Result.UNDECIDED
    assert result(a=Tally()) is Result.UNDECIDED
    assert result(a=Tally(sent=5, limited=5, left_out=100)) is Result.UNDECIDED
    assert result(a=Tally(sent=50, refused=50)) is Result.UNDECIDED
    assert result(a=Tally(sent=7, accepted=2, limited=5, left_out=100)) is Result.UNDECIDED
    assert result(a=Tally(sent=100, accepted=20), b=Tally(sent=5, limited=5)) is Result.UNDECIDED
    assert result(a=Tally(sent=100, accepted=20)) is Result.KEPT


@pytest.mark.parametrize("status", ["418 I'm a teapot", "429 Too Many Requests"])
def test_a_server_that_bans_from_the_start_is_not_called_right(
    status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """If every answer was a ban, the result is undecided: the exit code is 2, as text and as JSON."""
    more = "\r\nX-MBX-USED-WEIGHT-1M: 1\r\nRetry-After: 60"
    with serving(whole(b'{"code": -1003, "msg": "x"}', f"{status}{more}".encode())) as url:
        assert cli.main([*KEY, "--url", url, "--operation", "ping", "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert (report["passed"], report["result"], report["undecided"]) == (False, "undecided", ["ping"])


def examined(contract: Document, name: str, spoil: Callable[[Answer], Received]) -> Examination:
    """What is found of the sandbox when its answers to one operation are changed on the way."""
    with exchange() as running:

        def send(request: Request) -> Received:
            told = running.send(request)
            return spoil(Answer(told.status, told.headers, told.body))

        key = signing_key("S1")
        return examine(contract, send, key, frozen_at_ms=NOW_MS, operations=[name])


def test_a_server_without_the_weight_header_of_sapi_is_told(contract: Document) -> None:
    """The counter of the other server is as much a part of its answers as that of this one."""

    def spoil(answer: Answer) -> Received:
        headers = tuple(pair for pair in answer.headers if not pair[0].lower().startswith("x-sapi-used"))
        return Received(answer.status, headers, answer.body)

    found = examined(contract, "assetIndexPrice", spoil)
    assert any("X-SAPI-USED" in finding.clause.upper() for finding in found.findings), found.findings


def test_a_server_that_refuses_everything_for_funds_is_told(contract: Document) -> None:
    """A reason of business may refuse one right request, not every one there is."""
    refusal = json.dumps({"code": -51061, "msg": "no funds"}).encode()

    def spoil(answer: Answer) -> Received:
        if answer.status != 200:
            return Received(answer.status, tuple(answer.headers), answer.body)
        return Received(400, tuple(answer.headers), refusal)

    found = examined(contract, "marginBorrow", spoil)
    assert found.result is Result.BROKEN
    assert any("no right request was ever accepted" in finding.symptom for finding in found.findings)


# ------------------------------------------------------------------------------------------------ keys


def test_the_demo_key_of_the_sandbox_is_a_key_like_others(contract: Document) -> None:
    """A secret that is no base64 makes no variant of that kind, and breaks nothing."""
    key = Key("hmac", DEMO_API_KEY, DEMO_SECRET.encode())
    for operation in contract.operations:
        assert sum(1 for _ in Tamperer(contract, key, (), 1_700_000_000_000).variants(operation)) > 5


@settings(max_examples=25, deadline=None)
@given(secret=st.binary(min_size=1, max_size=80))
def test_any_secret_signs(contract: Document, secret: bytes) -> None:
    """Whatever bytes a secret is made of, every variant can be written and the right one is right."""
    key = Key("hmac", "k" * 64, secret)
    operation = contract.by_id("accountBalance")
    request = Composer(contract, key, 1_700_000_000_000).right(operation)
    assert Oracle(contract, (key,)).expect(request, 1_700_000_000_000).accepted
    assert list(Tamperer(contract, key, (), 1_700_000_000_000).variants(operation))


# ------------------------------------------------------------------------------------------------ documents


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + at)}: &{chr(98 + at)} [{','.join(['*' + chr(97 + at)] * 10)}]\n" for at in range(12)
)
TEXTS = {
    "alias bomb": BOMB,
    "alias of itself": "a: &a [*a]\npaths: {}\n",
    "alias of nothing": "a: *b\n",
    "100,000 brackets": "[" * 100_000,
    "100,000 closed brackets": "[" * 100_000 + "]" * 100_000,
    "deep blocks": "".join(f"{' ' * depth}a:\n" for depth in range(400)),
    "deep dashes": "- " * 50_000,
    "a huge number": "a: " + "9" * 100_000,
    "a tag of Python": "a: !!python/object/apply:os.system ['true']",
    "two documents": "a: 1\n---\nb: 2\n",
    "not text": "a: \x00",
    "empty": "",
    "a list": "- 1",
    "paths that are none": "paths: [1]",
    "no paths": "openapi: 3.1.0",
    "no operation": "paths: {}",
    "path item of text": "paths: {/a: x}",
    "operation of text": "paths: {/a: {get: x}}",
    "no responses": "paths: {/a: {get: {operationId: a}}}",
    "no answer of success": "paths: {/a: {get: {operationId: a, responses: {}}}}",
    "parameter of text": "paths: {/a: {get: {operationId: a, parameters: [x], responses: {}}}}",
    "circle": "paths: {$ref: '#/paths'}",
    "reference out of the folder": "paths: {$ref: ../../../../etc/passwd}",
    "reference to a device": "paths: {$ref: /dev/zero}",
    "reference to the network": "paths: {$ref: 'https://evil.example/x.yaml'}",
    "reference to nothing": "paths: {$ref: '#/nothing'}",
    "references that double": "paths: {a: {$ref: '#/b0'}}\n"
    + "".join(f"b{at}: [{{$ref: '#/b{at + 1}'}}, {{$ref: '#/b{at + 1}'}}]\n" for at in range(40))
    + "b40: x\n",
    "references one behind the other": "paths: {a: {$ref: '#/b0'}}\n"
    + "".join(f"b{at}: {{$ref: '#/b{at + 1}'}}\n" for at in range(2_000))
    + "b2000: x\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_document_that_means_harm_is_one_line_and_exit_2(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bombs, depth, circles, devices, other people's files, and everything that is no document: in time, in a line."""
    file = tmp_path / "folder" / "openapi.yaml"
    file.parent.mkdir()
    file.write_text(TEXTS[name])
    begun = time.monotonic()

    assert cli.main([*KEY, "--spec", str(file), "--url", "http://127.0.0.1:9"]) == 2

    said = capsys.readouterr()
    assert time.monotonic() - begun < 10
    assert said.err.startswith("paydown-contract: --spec")
    assert said.err.count("\n") == 1
    assert not said.out


@pytest.mark.parametrize(
    "kind", ["pipe", "device", "folder", "huge", "absent", "linked device", "odd name", "JSON"]
)
def test_a_file_that_is_none_is_one_line_and_exit_2(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe is not waited for, a device not read to its end, a file of gigabytes not loaded."""
    file = tmp_path / "openapi.yaml"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "huge":
        with file.open("wb") as made:
            made.truncate(10**10)
    elif kind == "linked device":
        file.symlink_to("/dev/zero")
    elif kind == "odd name":
        file = tmp_path / "\x1b]0;x\x07.yaml"
    elif kind == "JSON":
        file = tmp_path / "openapi.json"
        file.write_text("[" * 100_000)
    name = "/dev/zero" if kind == "device" else str(file)

    assert cli.main([*KEY, "--spec", name, "--url", "http://127.0.0.1:9"]) == 2

    said = capsys.readouterr().err
    assert said.startswith("paydown-contract: --spec")
    assert said.removesuffix("\n").isprintable()


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """A reference inside the folder that a symbolic link leads out of it is out of it."""
    (tmp_path / "secret.yaml").write_text("secret: text")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "inside.yaml").symlink_to(tmp_path / "secret.yaml")
    (folder / "openapi.yaml").write_text("paths: {/a: {$ref: inside.yaml}}")

    with pytest.raises(BrokenDocument, match="leaves the folder"):
        read_document(folder / "openapi.yaml")


SPOILT = {
    "a pattern that is none": ('"pattern": "', '"pattern": "('),
    "a pattern without an end": ('"pattern": "', '"pattern": "((a+)+)*$|'),
    "a pattern of many repeats": ('"pattern": "', '"pattern": "a*a*a*a*a*a*a*a*$|'),
    "a type that is none": ('"type": "object"', '"type": "thing"'),
    "a size of billions": ('"minLength": 1', '"minLength": 1000000000'),
    "no signing": ('"x-signing"', '"x-singing"'),
    "no success": ('"200": {', '"201": {'),
    "an odd name": ('"in": "query"', '"inn": "query"'),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_document_is_no_broken_clause(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a server cannot be blamed for is found before anything is sent."""
    text = cli.bundled_document().read_text()
    old, new = SPOILT[name]
    assert old in text
    file = tmp_path / "openapi.json"
    file.write_text(text.replace(old, new))

    assert cli.main([*KEY, "--spec", str(file), "--url", "http://127.0.0.1:9"]) == 2
    assert capsys.readouterr().err.startswith("paydown-contract: --spec")


@given(st.one_of(st.binary(max_size=200), st.text("{}[]&*!:,-#'\"| \n\tab01", max_size=200).map(str.encode)))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    """Any bytes are a value or a refusal; the same holds of answers."""
    for suffix in (".yaml", ".json"):
        with contextlib.suppress(Unreadable):
            parse(content, suffix)
    with contextlib.suppress(ValueError):
        answer_json(content)


@given(st.text(max_size=60))
def test_what_is_shown_is_printable(text: str) -> None:
    """Nothing that a terminal obeys is left."""
    assert all(sign.isprintable() or sign == "\n" for sign in visible(text))


# ------------------------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    "host",
    [
        "papi.binance.com",
        "papi.binance.com.",
        "PAPI.BINANCE.COM",
        "api1.binance.com",
        "api-gcp.binance.com",
        "fapi.binance.com",
        "fstream.binance.com",
        "api.binance.us",
        "testnet.binancefuture.com",
        "data-api.binance.vision",
        "bin.bnbstatic.com",
        "papi.ｂinance.com",
        "papi.binance。com",
        "papi.b\u0131nance.com",
        "user@papi.binance.com",
        "localhost@papi.binance.com",
        "localhost:80@papi.binance.com",
    ],
)
def test_no_name_of_the_exchange_can_be_allowed(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever of its names is written, in whatever letters, with or without permission: nothing is sent there."""
    bare = host.rpartition("@")[2]
    allowed = [text for each in (bare, bare.lower().rstrip("."), host) for text in ("--allow-host", each)]
    for scheme in ("https", "http"):
        assert cli.main([*KEY, "--url", f"{scheme}://{host}", *allowed]) == 2
        said = capsys.readouterr().err
        assert "is the exchange itself" in said or "write the host in plain letters" in said


def test_a_name_that_only_the_document_knows_is_the_exchange_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every server that a document names counts, its clocks and streams included, and those of the installed one."""
    text = cli.bundled_document().read_text()
    file = tmp_path / "openapi.json"
    file.write_text(
        text.replace("fapi.binance.com", "second.example").replace("fstream.binance.com", "third.example")
    )

    for host in ("second.example", "third.example", "second.example.", "Third.Example"):
        arguments = ["--spec", str(file), "--url", f"https://{host}", "--allow-host", host]
        assert cli.main([*KEY, *arguments]) == 2
        assert "is the exchange itself" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["", "http://", "ftp://127.0.0.1", "http://127.0.0.1:x", "http://[::1", "http://a b/", "x"]
)
def test_an_address_that_is_none_is_one_line_and_exit_2(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong address is reported before anything is sent."""
    assert cli.main([*KEY, f"--url={url}"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_texts_of_servers_are_shown_in_one_line_each() -> None:
    """A text of the server cannot add lines of its own to the result."""
    found = Examination(tallies={"a\nb": Tally(sent=5, limited=5)})

    assert "a\nb" not in as_text(found, "http://127.0.0.1", ())
    assert as_json(found, "http://127.0.0.1", ()).isascii()
