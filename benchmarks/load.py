"""A bounded load of pre-signed repayments over kept-alive connections, from one thread and one epoll.

Requests are signed and laid out as bytes before the clock starts, so that what limits the rate is the server.
Each connection has one request in flight. Signing is written out here and uses none of the client's code.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import selectors
import socket
import time
from typing import NamedTuple
from urllib.parse import urlsplit

PATH = "/papi/v1/margin/repay-debt"
AMOUNT = "0.00000001"


class Load(NamedTuple):
    """What came back: requests per second, how many were answered, and how many of those with 200.

    `client_share` is the part of one core that the load itself took: near 1, it and not the server is measured.
    """

    rate: float
    answered: int
    ok: int
    first_refusal: str
    client_share: float = 0.0


def signed_requests(url: str, key: str, secret: str, count: int) -> list[bytes]:
    """Return distinct requests, each signed for a moment of the last seconds, ready for the wire.

    Args:
        url: Address of the server.
        key: API key.
        secret: Secret of the key.
        count: How many requests.
    """
    now_ms = time.time_ns() // 1_000_000
    host = urlsplit(url).netloc
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nX-MBX-APIKEY: {key}\r\nAccept: application/json\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
    )
    requests = []
    for number in range(count):
        form = (
            f"asset=BNB&amount={AMOUNT}&specifyRepayAssets=USDT&recvWindow=60000&timestamp={now_ms - number}"
        )
        digest = hmac.new(secret.encode(), form.encode(), hashlib.sha256).hexdigest()
        body = f"{form}&signature={digest}"
        requests.append(f"{head}{len(body)}\r\n\r\n{body}".encode())
    return requests


class _Line:
    """One connection: what it has received of the answer under way."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def answer(self) -> bytes | None:
        """Return the next whole answer, or `None` while it is incomplete."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed a kept-alive connection")
        self.buffer += piece
        head, mark, body = self.buffer.partition(b"\r\n\r\n")
        if not mark:
            return None
        length = _content_length(head)
        if len(body) < length:
            return None
        whole, self.buffer = head + mark + body[:length], body[length:]
        return whole


def _content_length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        raise ConnectionError("an answer without Content-Length")
    return int(lower[at + 17 :].split(b"\r\n", 1)[0])


def fire(url: str, requests: list[bytes], seconds: float, connections: int = 16) -> Load:
    """Send requests for some seconds, then wait for the last answers.

    Args:
        url: Address of the server.
        requests: Signed requests, each sent once.
        seconds: How long to send.
        connections: How many connections to keep open.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    lines = [_Line((parts.hostname, parts.port)) for _ in range(connections)]
    supply = itertools.cycle(requests)
    answered = ok = 0
    refusal = b""
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
        begun, worked = time.perf_counter(), time.process_time()
        stop = begun + seconds
        for line in lines:
            line.socket.sendall(next(supply))
        open_lines = len(lines)
        while open_lines:
            events = selector.select(10)
            if not events:
                raise ConnectionError("no answer for ten seconds")
            for key, _ in events:
                answer = key.data.answer()
                if answer is None:
                    continue
                answered += 1
                if answer.startswith(b"HTTP/1.1 200 "):
                    ok += 1
                else:
                    refusal = refusal or answer
                if time.perf_counter() < stop:
                    key.data.socket.sendall(next(supply))
                else:
                    open_lines -= 1
                    selector.unregister(key.data.socket)
        took, worked = time.perf_counter() - begun, time.process_time() - worked
    for line in lines:
        line.socket.close()
    return Load(answered / took, answered, ok, refusal.decode(errors="replace")[-300:], worked / took)
