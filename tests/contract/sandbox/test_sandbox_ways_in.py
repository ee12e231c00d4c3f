"""
The local exchange behind every way that leads to it: the application with a body in one piece and in many, the
transports of httpx, a socket with a known length and in chunks, before and after the control API was asked. The same
raw requests meet the same exchange, whatever goes wrong on the way back.
"""

import asyncio
import http.client
import itertools
import json
import re
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote_plus

import httpx
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from paydown_contract.document import Document
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.variants.tamperer import Tamperer
from paydown_sandbox.exchange import LARGEST_BODY
from paydown_sandbox.sandbox import Sandbox, SocketSandbox
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.serving.httpx_transport import AnswerLost as Reset
from tests.contract.sandbox.test_sandbox_faults import FAULTS, LOST
from tests.contract.sandbox.test_sandbox_rules import REPAY
from tests.contract.support.asgi import AnswerLost, AsgiServer
from tests.contract.support.exchange import NOW_MS, exchange, state
from tests.contract.support.keys import signing_key
from tests.contract.support.profile import profile

PING = "/papi/v1/ping"
BALANCE = "/papi/v1/balance"
# What the wire and its library add, and what tells how a body is framed.
_OF_THE_WAY = {"date", "server", "connection", "transfer-encoding", "content-length"}


@dataclass(frozen=True, slots=True)
class Heard:
    """What a client hears. Without a status the connection was reset or ended; `lost` where a way cannot tell."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    end: str = ""


def heard(status: int, headers: Any, body: bytes) -> Heard:
    """A whole answer."""
    kept = sorted((name.lower(), value) for name, value in headers if name.lower() not in _OF_THE_WAY)
    return Heard(status, tuple(kept), body)


def pieces(body: bytes) -> list[bytes]:
    """A body cut at its edges, in its middle and at the largest allowed size, with nothing in between now and then."""
    cuts = sorted({0, 1, len(body) // 2, len(body) - 1, LARGEST_BODY, len(body)})
    cuts = [cut for cut in cuts if 0 <= cut <= len(body)]
    parts = [body[start:end] for start, end in itertools.pairwise(cuts)]
    return [b"", *[each for part in parts for each in (part, b"")]]


class Way(ABC):
    """One way to one exchange. Its clock runs, but time does not pass."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    @classmethod
    def to(cls, content: dict[str, Any], clock: Clock) -> "Way":
        """This way to a fresh exchange."""
        return cls(Sandbox(content, clock=clock))

    @abstractmethod
    def send(self, request: Request) -> Heard:
        """Send the raw bytes."""

    @abstractmethod
    def control(self, method: str, name: str, content: Any = None) -> Any:
        """Ask the control API."""

    @abstractmethod
    def close(self) -> None:
        """Nobody comes this way any more."""


class ByApplication(Way):
    """The ASGI application, the body in one message."""

    cut: Callable[[bytes], list[bytes]] = staticmethod(lambda body: [body])

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.server = AsgiServer(sandbox.app)

    def send(self, request: Request) -> Heard:
        try:
            answer = self.server.send(request, parts=self.cut(request.body))
        except AnswerLost:
            return Heard(0, end="lost")
        return heard(answer.status, answer.headers, answer.body)

    def control(self, method: str, name: str, content: Any = None) -> Any:
        body = b"" if content is None else json.dumps(content).encode()
        answer = self.server.send(
            Request(method, f"/_sandbox/{name}", b"", (("content-type", "application/json"),), body)
        )
        assert answer.status < 300, answer.body
        return answer.json()

    def close(self) -> None:
        self.server.close()


class ByApplicationInPieces(ByApplication):
    """The same, the body in many messages, some of them empty."""

    cut = staticmethod(pieces)


class ByTransport(ByApplication):
    """The transport of httpx, a body that is read piece by piece."""

    def httpx_request(self, request: Request, content: Any) -> httpx.Request:
        url = httpx.URL("http://sandbox").copy_with(raw_path=request.target().encode("latin-1"))
        assert url.raw_path == request.target().encode("latin-1"), "httpx would send something else"
        return httpx.Request(request.method, url, headers=list(request.headers), content=content)

    def answer(self, request: Request) -> httpx.Response:
        with httpx.Client(transport=self.sandbox.transport(), timeout=None) as client:
            return client.send(self.httpx_request(request, iter(pieces(request.body))))

    def send(self, request: Request) -> Heard:
        try:
            answer = self.answer(request)
        except Reset:
            return Heard(0, end="reset")
        except httpx.RemoteProtocolError:
            return Heard(0, end="ended")
        return heard(answer.status_code, answer.headers.multi_items(), answer.content)


class ByAsyncTransport(ByTransport):
    """The same for asyncio."""

    def answer(self, request: Request) -> httpx.Response:
        async def parts() -> AsyncIterator[bytes]:
            for part in pieces(request.body):
                yield part

        async def go() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.sandbox.transport(), timeout=None) as client:
                return await client.send(self.httpx_request(request, parts()))

        return self.server.loop.run_until_complete(go())


class BySocket(Way):
    """A connection per request, the length of the body told."""

    chunked = False
    after_control = False

    def __init__(self, sandbox: SocketSandbox) -> None:
        super().__init__(sandbox)
        self.running = sandbox.__enter__()
        self.host, _, port = sandbox.url.removeprefix("http://").partition(":")
        self.port = int(port)

    @classmethod
    def to(cls, content: dict[str, Any], clock: Clock) -> "Way":
        return cls(SocketSandbox(content, clock=clock))

    def framed(self, request: Request) -> bytes:
        lines = [f"{request.method} {request.target()} HTTP/1.1", "Host: sandbox"]
        lines += [f"{name}: {value}" for name, value in request.headers]
        if self.chunked:
            chunks = [part for part in pieces(request.body) if part]
            body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
            lines.append("Transfer-Encoding: chunked")
        else:
            body = request.body
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def opened(self) -> socket.socket:
        raw = socket.create_connection((self.host, self.port), timeout=20)
        if self.after_control:
            raw.sendall(b"GET /_sandbox/clock HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert self.read(raw, "GET").status == 200
        return raw

    def read(self, raw: socket.socket, method: str) -> Heard:
        answer = http.client.HTTPResponse(raw, method=method)
        try:
            answer.begin()
            return heard(answer.status, answer.getheaders(), answer.read())
        except (http.client.RemoteDisconnected, http.client.IncompleteRead):
            return Heard(0, end="ended")
        except ConnectionResetError:
            return Heard(0, end="reset")
        finally:
            answer.close()

    def send(self, request: Request) -> Heard:
        with self.opened() as raw:
            raw.sendall(self.framed(request))
            return self.read(raw, request.method)

    def control(self, method: str, name: str, content: Any = None) -> Any:
        body = b"" if content is None else json.dumps(content).encode()
        with socket.create_connection((self.host, self.port), timeout=20) as raw:
            raw.sendall(
                f"{method} /_sandbox/{name} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            answer = self.read(raw, method)
        assert 200 <= answer.status < 300, answer
        return json.loads(answer.body)

    def close(self) -> None:
        self.running.__exit__()


class BySocketInChunks(BySocket):
    """A connection per request, the body in chunks."""

    chunked = True


class BySocketAfterControl(BySocket):
    """A connection that has asked the control API before: another protocol serves it."""

    after_control = True


class BySocketAfterControlInChunks(BySocketAfterControl):
    """The same, the body in chunks."""

    chunked = True


WAYS: tuple[type[Way], ...] = (
    ByApplication,
    ByApplicationInPieces,
    ByTransport,
    ByAsyncTransport,
    BySocket,
    BySocketInChunks,
    BySocketAfterControl,
    BySocketAfterControlInChunks,
)
OTHER_WAYS = pytest.mark.parametrize("way", WAYS[1:], ids=lambda way: way.__name__)


@contextmanager
def opened(way: type[Way], **options: str) -> Iterator[Way]:
    """A fresh exchange and one way to it."""
    content = state() | {"options": options}
    del content["clock"]
    found = way.to(content, Clock(source=lambda: NOW_MS))
    try:
        yield found
    finally:
        found.close()


def seen(way: Way) -> dict[str, Any]:
    """What the exchange holds, did and wrote down."""
    return {
        "state": way.control("GET", "state"),
        "ledger": way.control("GET", "ledger"),
        "requests": way.control("GET", "requests"),
    }


def raw_requests(contract: Document) -> Iterator[tuple[str, Request]]:
    """Every call as it should be, and what the ways could read differently: paths, places, sizes and headers."""
    make = Composer(contract, signing_key("S1"), NOW_MS)
    for operation in contract.operations:
        if operation.id != "startUserDataStream":  # its key is another one each time
            yield operation.id, make.right(operation)
    repay, balance = contract.by_id("repayDebt"), contract.by_id("accountBalance")
    pairs = [("asset", "BNB"), ("amount", "0.25"), ("specifyRepayAssets", "USDT")]
    right = make.right(repay, pairs)
    yield "in the query", make.right(repay, pairs, place="query")
    yield (
        "in both places",
        make.split(repay, b"asset=BNB&amount=0.25", f"timestamp={NOW_MS}".encode(), last="query"),
    )
    read = make.right(balance, [])
    for name, path in (
        ("the last letter spelled out", BALANCE[:-1] + "%65"),
        ("a slash spelled out", BALANCE.replace("/v1/", "%2Fv1/")),
        ("a question mark spelled out", BALANCE + "%3F"),
        ("an umlaut", BALANCE + "%C3%BC"),
        ("a plus", BALANCE + "+"),
    ):
        yield name, replace(read, path=path)
        yield name + " of a repayment", replace(right, path=path.replace(BALANCE, REPAY))
    yield "a wrong method", replace(read, method="PATCH")
    yield "no key", replace(right, headers=right.headers[1:])
    yield (
        "the last byte changed",
        replace(right, body=right.body[:-1] + (b"0" if right.body[-1:] != b"0" else b"1")),
    )
    yield "one letter of the body missing", replace(right, body=right.body[1:])
    for size in (LARGEST_BODY - 1, LARGEST_BODY, LARGEST_BODY + 1, 2 * LARGEST_BODY):
        start = right.body + b"&x="
        yield f"{size} bytes", replace(right, body=start + b"y" * (size - len(start)))


def played(way: Way, contract: Document) -> tuple[dict[str, Heard], dict[str, Any]]:
    """Every raw request, one after the other, and what has become of the exchange."""
    return {name: way.send(request) for name, request in raw_requests(contract)}, seen(way)


@pytest.fixture(scope="module")
def usual(contract: Document) -> tuple[dict[str, Heard], dict[str, Any]]:
    """What the application says and does, each body in one piece."""
    with opened(ByApplication) as way:
        return played(way, contract)


def test_the_usual_way_tells_the_requests_apart(
    contract: Document, usual: tuple[dict[str, Heard], dict[str, Any]]
) -> None:
    """Right calls succeed and move money, another spelling of a path is another path, and one byte is too much."""
    answers, then = usual
    refused = {
        operation.id
        for operation in contract.operations
        if answers.get(operation.id, Heard(200)).status != 200
    }
    assert refused == {"keepAliveUserDataStream", "closeUserDataStream"}, (
        "no stream was begun, all else succeeds"
    )
    assert [answers[name].status for name in ("in the query", "in both places")] == [200, 200]
    spelled = [name for name in answers if "spelled out" in name or "umlaut" in name or "plus" in name]
    assert {answers[name].status for name in spelled} == {404}
    sizes = [answers[f"{size} bytes"].status for size in (LARGEST_BODY - 1, LARGEST_BODY, LARGEST_BODY + 1)]
    assert sizes == [400, 400, 403]
    assert [row["status"] for row in then["requests"]["requests"]] == [
        each.status for each in answers.values()
    ]
    assert {entry["request"] for entry in then["ledger"]["entries"]} <= {
        row["id"] for row in then["requests"]["requests"] if row["moved_money"]
    }


@OTHER_WAYS
def test_every_way_says_and_does_the_same(
    way: type[Way], contract: Document, usual: tuple[dict[str, Heard], dict[str, Any]]
) -> None:
    """Status, headers, body, balances, ledger and log do not depend on how a request came in."""
    with opened(way) as found:
        answers, then = played(found, contract)
    for name, answer in usual[0].items():
        assert answers[name] == answer, name
    assert then == usual[1]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_loses_and_delays_alike(way: type[Way], contract: Document) -> None:
    """
    After each fault, also one that keeps the account busy until its answer is out, the account is free again, and
    log and ledger hold each request once.
    """
    repay = contract.by_id("repayDebt")
    make = Composer(contract, signing_key("S1"), NOW_MS)
    pairs = [("asset", "BNB"), ("amount", "0.01"), ("specifyRepayAssets", "USDT")]
    with opened(way) as found:
        rows: list[tuple[Any, ...]] = []
        for name, (_, executed, status, code, told) in FAULTS.items():
            found.control("POST", "faults", {"fault": name, "match": {"path": REPAY}, "delay_ms": 1})
            answer = found.send(make.right(repay, pairs))
            if status == LOST:
                assert answer.status == 0, name
                ends = {"reset": "reset", "close": "ended", "truncate": "ended"}
                assert answer.end in ("lost", ends[told]), name
            else:
                assert answer.status == status, name
            if code is not None:
                assert json.loads(answer.body)["code"] == code, name
            rows.append((name, executed))
            after = found.send(make.right(repay, pairs))
            assert after.status == 200, f"{name} has left something behind: {after.body!r}"
            rows.append((None, True))
        then = seen(found)
    assert [(row["fault"], row["moved_money"]) for row in then["requests"]["requests"]] == rows
    assert len(then["ledger"]["entries"]) == sum(executed for _, executed in rows)
    assert {row["weight"] for row in then["requests"]["requests"] if row["fault"] is None} == {3000}


@pytest.mark.parametrize("in_process", [ByTransport, ByAsyncTransport], ids=lambda way: way.__name__)
@pytest.mark.parametrize("delay_ms", [700, 5_001])
def test_a_delay_in_process_moves_a_clock_that_stands_still(
    in_process: type[Way], delay_ms: int, contract: Document
) -> None:
    """
    By that delay and nothing else, for each fault. A request that is let through late is judged when it gets through:
    past its window it is refused.
    """
    repay = contract.by_id("repayDebt")
    pairs = [("asset", "BNB"), ("amount", "0.01"), ("specifyRepayAssets", "USDT")]
    with opened(in_process) as way:
        way.sandbox.freeze(NOW_MS)
        now = NOW_MS
        for name, (_, executed, status, _, _) in FAULTS.items():
            way.control("POST", "faults", {"fault": name, "match": {"path": REPAY}, "delay_ms": delay_ms})
            moved = len(way.sandbox.ledger())
            answer = way.send(Composer(contract, signing_key("S1"), now).right(repay, pairs))
            late = name == "delay_before"
            too_late = late and delay_ms > 5_000
            begun, now = now, now + (0 if name == "clock_skew" else delay_ms)
            assert way.sandbox.now_ms() == now, name
            if too_late:
                assert (answer.status, json.loads(answer.body)["code"]) == (400, -1021)
            else:
                assert answer.status == (0 if status == LOST else status), name
            times = [now if late else begun] if executed and not too_late else []
            assert [entry["time"] for entry in way.sandbox.ledger()[moved:]] == times, name
            way.control("DELETE", "faults")


@pytest.mark.parametrize("way", [WAYS[0], WAYS[1]], ids=lambda way: way.__name__)
@pytest.mark.parametrize("choice", ["queue", "reject"])
def test_a_second_repayment_waits_or_is_refused(way: type[Way], choice: str, contract: Document) -> None:
    """
    While the answer of the first is held back: under concurrent-repay=queue the second is done after it, charged and
    written down once; else it is refused with 51007.
    """
    make = Composer(contract, signing_key("S1"), NOW_MS)
    request = make.right(contract.by_id("repayDebt"), [("asset", "BNB"), ("amount", "0.01")])
    with opened(way, **{"concurrent-repay": choice, "debt-call-ms": "10"}) as found:
        assert isinstance(found, ByApplication)
        server, cut = found.server, found.cut(request.body)

        async def both() -> list[int]:
            answers = await asyncio.gather(*(server.answer(request, cut) for _ in range(2)))
            return [answer.status for answer in answers]

        assert server.loop.run_until_complete(both()) == ([200, 200] if choice == "queue" else [200, 400])
        then = seen(found)
        assert found.send(request).status == 200
    rows = then["requests"]["requests"]
    done = 2 if choice == "queue" else 1
    assert [(row["id"], row["moved_money"], row["code"]) for row in rows] == [
        (1, True, None),
        (2, choice == "queue", None if choice == "queue" else 51007),
    ]
    assert len(then["ledger"]["entries"]) == done


@pytest.mark.parametrize("way", [BySocket, BySocketAfterControl], ids=lambda way: way.__name__)
def test_a_second_repayment_waits_on_a_socket_too(way: type[Way], contract: Document) -> None:
    """Two connections at once: both are done and answered, each is written down once."""
    make = Composer(contract, signing_key("S1"), NOW_MS)
    request = make.right(contract.by_id("repayDebt"), [("asset", "BNB"), ("amount", "0.01")])
    with opened(way, **{"concurrent-repay": "queue", "debt-call-ms": "20"}) as found:
        assert isinstance(found, BySocket)
        with found.opened() as one, found.opened() as two:
            for raw in (one, two):
                raw.sendall(found.framed(request))
            assert [found.read(raw, "POST").status for raw in (one, two)] == [200, 200]
        then = seen(found)
    assert [(row["id"], row["moved_money"]) for row in then["requests"]["requests"]] == [(1, True), (2, True)]
    assert len(then["ledger"]["entries"]) == 2


# ---------------------------------------------------------------------------------------------- the log


# A digest, or a signature in base64, or most of one.
_SECRET = re.compile(r"[0-9A-Za-z+/_-]{40}")


def spellings(name: str) -> Iterator[str]:
    """A name with each letter spelled out, all of them, and what careless clients make of it."""
    for at, letter in enumerate(name):
        for spelled in (f"%{ord(letter):02x}", f"%{ord(letter):02X}", f"%{ord(letter.upper()):02x}"):
            yield name[:at] + spelled + name[at + 1 :]
    yield "".join(f"%{ord(letter):02x}" for letter in name)
    yield "".join(f"%{ord(letter):02X}" for letter in name.upper())
    yield from (
        name,
        name.upper(),
        name.title(),
        name + "[]",
        name + "[0]",
        name + "+",
        "+" + name,
        name + "%20",
    )


@pytest.mark.parametrize("key", ["S1", "E1"])
def test_no_log_shows_a_signature(key: str, contract: Document) -> None:
    """However the matrix, or a careless client, names it and wherever it stands; what surrounds it is shown."""
    others = tuple(signing_key(name) for name in ("R1", "S2"))
    tamperer = Tamperer(contract, signing_key(key), others, NOW_MS)
    make = tamperer.composer
    requests: list[tuple[str, Request]] = []
    for operation in [contract.by_id(name) for name in ("accountBalance", "repayDebt")[: 1 + (key == "S1")]]:
        for variant in tamperer.variants(operation):
            if (
                variant.group in ("signature", "order", "escapes", "content type")
                or "signature" in variant.name
            ):
                requests.append((variant.name, variant.request))
        text = b"asset=BNB&timestamp=%d" % NOW_MS
        for name in spellings("signature"):
            value = make.signed(operation, text, place="query").query.rpartition(b"signature=")[2]
            proof = name.encode() + b"=" + value
            for label, raw in (
                ("last", text + b"&" + proof),
                ("first", proof + b"&" + text),
                ("alone", proof),
                ("before a right one", text + b"&" + proof + b"&signature=" + value),
                ("behind a right one", text + b"&signature=" + value + b"&" + proof),
            ):
                requests.append((f"{name} {label}", make.signed(operation, raw, sign=False)))
    part = make.right(contract.by_id("repayDebt"), place="query").query.rpartition(b"signature=")[2]
    multipart = b'--x\r\nContent-Disposition: form-data; name="signature"\r\n\r\n' + part + b"\r\n--x--\r\n"
    requests.append(("a part", make.bare(contract.by_id("repayDebt"), b"", multipart)))
    with exchange() as running:
        running.install(state() | {"accounts": [state()["accounts"][0]]})
        sent = [running.send(request).status for _, request in requests]
        assert 200 in sent
        rows = list(logged(running))
        assert len(rows) == len(requests)
        for (name, request), row in zip(requests, rows, strict=True):
            assert _SECRET.search(unquote_plus(row["query"])) is None, (name, row["query"])
            assert _SECRET.search(unquote_plus(row["body"])) is None, (name, row["body"])
            assert f"timestamp={NOW_MS}" not in request.query.decode("latin-1").partition("ignature")[0] or (
                f"timestamp={NOW_MS}" in row["query"]
            ), name


def logged(running: Any) -> Iterator[dict[str, Any]]:
    """The whole log, page by page."""
    after = 0
    while page := running.control("GET", "requests", query=f"after={after}&limit=1000")["requests"]:
        yield from page
        after = page[-1]["id"]


# ---------------------------------------------------------------------------------------------- the clock


_MOVES = st.one_of(
    st.tuples(st.just("pass"), st.integers(0, 10**8)),
    st.tuples(st.just("freeze"), st.just(0)),
    st.tuples(st.just("resume"), st.just(0)),
    st.tuples(st.just("set"), st.integers(-(10**9), 10**9)),
    st.tuples(st.just("advance"), st.integers(0, 10**8)),
    st.tuples(st.just("restore"), st.just(0)),
)


def test_the_clock_goes_on_from_where_it_stood() -> None:
    """
    Stopped, moved, set back, resumed or carried over to another exchange in any order: time passes only while the
    clock runs, and nothing else makes it jump.
    """
    machine = [NOW_MS]

    @seed(profile().seed)
    @settings(
        max_examples=profile().examples, deadline=None, database=None, derandomize=profile().name == "fast"
    )
    @given(st.lists(_MOVES, min_size=3, max_size=12))
    def moves(steps: list[tuple[str, int]]) -> None:
        clock = Clock(source=lambda: machine[0])
        now, frozen = clock.now_ms(), False
        for name, by in steps:
            if name == "pass":
                machine[0] += by
                now += 0 if frozen else by
            elif name == "freeze":
                clock.freeze()
                frozen = True
            elif name == "resume":
                clock.resume()
                frozen = False
            elif name == "set":
                now += by
                clock.set(now)
            elif name == "advance":
                now += by
                clock.advance(by)
            else:
                other = Clock(source=lambda: machine[0])
                other.restore(
                    clock.now_ms() if clock.frozen else None, 0 if clock.frozen else clock.offset_ms
                )
                clock = other
            assert (clock.now_ms(), clock.frozen) == (now, frozen), (name, steps)

    moves()


def test_a_clock_that_runs_again_is_told_alike_by_all(contract: Document) -> None:
    """Control API, server time and the timestamps that are accepted follow one clock through stops and moves."""
    machine = [NOW_MS]
    content = state()
    del content["clock"]
    way = ByApplication.to(content, Clock(source=lambda: machine[0]))
    try:
        now = NOW_MS
        for order, moved in (
            ({"frozen": True}, 0),
            ({"advance_ms": 3_600_000}, 3_600_000),
            ({"frozen": False}, 0),
            ({"set_ms": NOW_MS - 86_400_000}, None),
            ({"frozen": True, "advance_ms": 5}, 5),
            ({"frozen": False, "advance_ms": 7}, 7),
            ({"frozen": False}, 0),
        ):
            told = way.control("POST", "clock", order)
            now = int(order["set_ms"]) if moved is None else now + moved
            for _ in range(2):
                assert way.control("GET", "clock")["now_ms"] == now, order
                time = way.send(Request("GET", "/papi/v1/time"))
                if time.status == 200:
                    assert json.loads(time.body)["serverTime"] == now
                for off, status in ((0, 200), (-5001, 400), (1000, 400)):
                    caller = Composer(contract, signing_key("S1"), now + off)
                    assert way.send(caller.right(contract.by_id("accountBalance"), [])).status == status, (
                        order,
                        off,
                    )
                machine[0] += 60_000
                now += 0 if told["frozen"] else 60_000
    finally:
        way.close()
