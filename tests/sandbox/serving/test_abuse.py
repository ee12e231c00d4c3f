"""A real socket and a real process, mistreated: bounded memory, ordered answers, and a next client that is served."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import websockets

from paydown_sandbox.sandbox import SocketSandbox
from tests.sandbox.serving.raw_sockets import connected
from tests.sandbox.signer import REPAY, digest

FORM = "application/x-www-form-urlencoded"
PING = b"GET /papi/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n"
CLOCK = b"GET /_sandbox/clock HTTP/1.1\r\nHost: localhost\r\n\r\n"
OPEN_KEY = b"POST /papi/v1/listenKey HTTP/1.1\r\nHost: x\r\n"
MIB = 1024 * 1024


@pytest.fixture
def running() -> Iterator[SocketSandbox]:
    """A sandbox on a free port."""
    with SocketSandbox() as sandbox:
        yield sandbox


def read_to_end(raw: socket.socket) -> bytes:
    """Everything until the other side closes, in order or not."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while part := raw.recv(65536):
            found += part
    return found


def post(sandbox: SocketSandbox, *, more: bytes = b"") -> bytes:
    """A valid repayment as bytes, with `more` behind it."""
    text = f"asset=BNB&amount=0.1&specifyRepayAssets=USDT&timestamp={sandbox.now_ms()}"
    body = f"{text}&signature={digest(text, sandbox.api_secret)}"
    head = (
        f"POST {REPAY} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {sandbox.api_key}\r\nContent-Type: {FORM}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode() + more


HEADERS = b"abcd: efgh\r\n" * 5000
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "one header": (b"GET /papi/v1/ping HTTP/1.1\r\nA: ", b"a" * 65536),
    "one header behind another request": (PING + b"GET / HTTP/1.1\r\nA: ", b"a" * 65536),
    "headers behind another request": (PING + b"GET / HTTP/1.1\r\n", HEADERS),
    "target behind another request": (PING + b"GET /", b"a" * 65536),
    "trailers": (OPEN_KEY + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", HEADERS),
    "chunk extension": (OPEN_KEY + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a" * 65536),
    "body": (OPEN_KEY + b"Content-Length: 1000000000000\r\n\r\n", b"a" * 65536),
    "headers to the control API": (CLOCK + b"GET / HTTP/1.1\r\n", HEADERS),
    "one header to the control API": (CLOCK + b"GET / HTTP/1.1\r\nA: ", b"a" * 65536),
    "trailers to the control API": (
        b"POST /_sandbox/clock HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        HEADERS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_cut_off(running: SocketSandbox, name: str) -> None:
    """However a request goes on for ever, the connection ends within a few MiB, and others are served."""
    begin, more = ENDLESS[name]
    with connected(running) as raw, pytest.raises(ConnectionError):
        raw.sendall(begin + more * (32 * MIB // len(more)))
    assert httpx.get(f"{running.url}/papi/v1/ping").status_code == 200


@pytest.mark.parametrize(
    "rubbish", [b"GARBAGE\x00\r\n\r\n", b"\r\n\r\nnonsense\r\n\r\n", b"G@T / HTTP/1.1\r\n\r\n"]
)
def test_rubbish_behind_a_repayment_does_not_take_its_answer(
    running: SocketSandbox, rubbish: bytes, tmp_path: Path
) -> None:
    """The repayment is executed and answered; only then the bytes behind it are refused."""
    running.owe("BNB", "1")
    running.hold_next_answer(50)  # so that the rubbish is seen while the answer is still due
    with connected(running) as raw:
        raw.sendall(post(running, more=rubbish))
        found = read_to_end(raw)
    assert found.startswith(b"HTTP/1.1 200 OK\r\n")
    assert found.index(b'"success":true') < found.index(b"HTTP/1.1 400 Bad Request")
    assert found.count(b"HTTP/1.1 ") == 2
    refusal = json.loads(found[found.index(b"HTTP/1.1 400 Bad Request") :].partition(b"\r\n\r\n")[2])
    assert refusal["code"] == -1013  # INVALID_MESSAGE: it never became a request


def test_a_control_call_behind_a_repayment_waits_for_its_answer(running: SocketSandbox) -> None:
    """It is refused, since the connection cannot change hands in the middle, but after the answer."""
    running.owe("BNB", "1")
    running.hold_next_answer(50)
    with connected(running) as raw:
        raw.sendall(post(running, more=b"GET /_sandbox/clock HTTP/1.1\r\nHost: localhost\r\n\r\n" + PING))
        found = read_to_end(raw)
    assert re.findall(rb"HTTP/1.1 (\d+)", found) == [b"200", b"400"]


@pytest.mark.parametrize("target", ["/papi/v1/ping", "/_sandbox/clock"])
def test_the_absolute_form_of_a_target_is_served(running: SocketSandbox, target: str) -> None:
    """RFC 9112, 3.2.2: a server must accept it, also where clients should send the other form."""
    request = f"GET {running.url}{target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with connected(running) as raw:
        raw.sendall(request.encode())
        assert read_to_end(raw).startswith(b"HTTP/1.1 200 OK")


def test_a_trailer_is_no_header(running: SocketSandbox) -> None:
    """A key that comes behind the body opens nothing."""
    with connected(running) as raw:
        raw.sendall(
            OPEN_KEY + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n"
            b"X-MBX-APIKEY: " + running.api_key.encode() + b"\r\n\r\n"
        )
        assert b'"code":-2014' in read_to_end(raw)


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
def test_an_offer_to_upgrade_a_call_is_read_over(running: SocketSandbox, protocol: bytes) -> None:
    """The repayment is executed as if it had made no offer, its body included."""
    running.owe("BNB", "1")
    data = post(running)
    head, _, body = data.partition(b"\r\n\r\n")
    with connected(running) as raw:
        raw.sendall(head + b"\r\nConnection: Upgrade, close\r\nUpgrade: " + protocol + b"\r\n\r\n" + body)
        found = read_to_end(raw)
    assert found.startswith(b"HTTP/1.1 200 OK")
    assert b'"success":true' in found


def test_large_bodies_are_not_kept(running: SocketSandbox) -> None:
    """The log shows the beginning of a body and holds no more than that."""
    with httpx.Client(base_url=running.url) as client:
        for _ in range(3):
            client.post(f"/papi/v1/listenKey?a={'q' * 30_000}", content=b"a=" + b"x" * 65_000)
    for record in running.exchange.requests:
        assert len(record.query) + len(record.body) <= 8192
        assert len(record.as_json()["body"]) == 2048  # type: ignore[arg-type] # a text


def test_many_connections_are_served(running: SocketSandbox) -> None:
    """A thousand clients that connect and send nothing do not keep the next one out."""
    with contextlib.ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(connected(running)).sendall(b"GET /papi/v1/pi")
        assert httpx.get(f"{running.url}/papi/v1/ping").status_code == 200


# ------------------------------------------------------------------------ websockets


async def listen_key(sandbox: SocketSandbox) -> str:
    """An open listen key."""
    async with httpx.AsyncClient(base_url=sandbox.url, headers={"X-MBX-APIKEY": sandbox.api_key}) as client:
        return str((await client.post("/papi/v1/listenKey")).json()["listenKey"])


def test_bad_frames_end_their_own_stream_only(running: SocketSandbox) -> None:
    """No mask, a reserved opcode, half a character, a huge frame, binary, broken JSON: the next client is served."""
    handshake = (
        b"GET /pm/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    frames = {
        "unmasked": b"\x81\x02{}",
        "reserved opcode": b"\x83\x80\x00\x00\x00\x00",
        "reserved bits": b"\xf1\x80\x00\x00\x00\x00",
        "half a character": b"\x81\x81\x00\x00\x00\x00\xff",
        "announced exabyte": b"\x81\xff" + b"\x7f" * 8 + b"\x00" * 4,
        "long ping": b"\x89\xfe\x01\x00" + b"\x00" * 260,
    }
    for name, frame in frames.items():
        with connected(running) as raw:
            raw.sendall(handshake)
            assert raw.recv(4096).startswith(b"HTTP/1.1 101 "), name
            raw.sendall(frame)
            assert read_to_end(raw)[:1] in (b"\x88", b""), name  # a close frame, then the end

    async def talk() -> list[str]:
        uri = running.url.replace("http", "ws") + "/pm/stream"
        async with websockets.connect(uri) as stream:
            await stream.send(b"\x00\x01")  # binary: read over
            answers: list[str] = []
            for text in ("{", "[]", '{"method": "SUBSCRIBE", "params": [["a"], 5, "no such key"], "id": 1}',
                         '{"id": "\\ud800"}', "[" * 50_000, '{"method": "LIST_SUBSCRIPTIONS", "id": 2}'):  # fmt: skip
                await stream.send(text)
                answers.append(str(await stream.recv()))
            return answers

    answers = asyncio.run(talk())
    assert [json.loads(text).get("code") for text in answers] == [3, 2, None, 3, 3, None]
    assert json.loads(answers[-1]) == {"result": [], "id": 2}


def test_a_stream_that_is_not_read_is_dropped(running: SocketSandbox) -> None:
    """A client that asks and asks and never reads is cut off instead of filling the memory."""

    async def flood() -> int:
        uri = running.url.replace("http", "ws") + f"/pm/ws/{await listen_key(running)}"
        question = json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": "x" * 60_000})
        async with websockets.connect(uri, max_queue=1, ping_interval=None) as stream:
            for number in itertools.count():
                try:
                    await asyncio.wait_for(stream.send(question), 10)
                except websockets.ConnectionClosed:
                    return number
                if number > 5_000:
                    return number
        raise AssertionError("the count ended")

    assert asyncio.run(flood()) < 5_000
    assert httpx.get(f"{running.url}/papi/v1/ping").status_code == 200


# ------------------------------------------------------------------------ the process


def test_a_full_disk_stops_the_process_and_answers_nothing_that_is_lost(tmp_path: Path) -> None:
    """A file that cannot grow ends the process with exit code 1 and no answer; a restart has all that was answered."""
    data = tmp_path / "exchange.db"
    options = ["--port", "0", "--data", str(data)]
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000));"
        "from paydown_sandbox.serving.process import main; sys.exit(main(sys.argv[1:]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    last = 0
    with httpx.Client(base_url=url) as client, contextlib.suppress(httpx.TransportError):
        while last < 5_000:
            client.get("/papi/v1/ping").raise_for_status()
            last += 1
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "does not take any more" in errors

    process = subprocess.Popen(
        [sys.executable, "-m", "paydown_sandbox", *options], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    try:
        shown = httpx.get(f"{url}/_sandbox/requests").json()["requests"]
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert last > 10
    assert len(shown) >= last  # every ping that was answered


def test_a_ban_survives_kill_9(tmp_path: Path) -> None:
    """A process that is killed right after an answer 418 is followed by one that still answers 418."""
    command = [
        sys.executable,
        "-m",
        "paydown_sandbox",
        "--port",
        "0",
        "--data",
        str(tmp_path / "exchange.db"),
    ]
    texts: list[str] = []
    for _ in range(2):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        if not texts:
            httpx.post(f"{url}/_sandbox/faults", json={"fault": "banned_418", "ban_ms": 600_000})
        answer = httpx.get(f"{url}/papi/v1/ping")
        process.kill()
        process.communicate(timeout=20)
        assert answer.status_code == 418
        texts.append(answer.json()["msg"])
    assert texts[0] == texts[1]
