"""A small exchange of its own: one key, one ledger, and every fault of the table. Standard library only.

It shares no code with the client or with the sandbox, so that what all three say is said three times. It
knows just enough to tell a valid repayment from an invalid one: the key, HMAC-SHA256 over the raw bytes, the
timestamp rule, and a debt that shrinks when a repayment is executed.

    with FakeExchange.started() as fake:            # a thread of this process
        fake.fail_next("executed_then_503")
        ...
        assert fake.executed("BNB") == 1

    python -m tests.doubles.independent_fake --port 0    # a process; first line: fake ready at http://HOST:PORT
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import unquote

from tests.faults.fault_behaviour import (
    BEFORE,
    FAULT_BEHAVIOUR,
    LONGEST_HOLD_S,
    REPAY_PATH,
    Connection,
    error_answer,
    html_answer,
    json_answer,
    says_genuine_with,
)

API_KEY = "independent-key"
API_SECRET = "independent-secret"
ENOUGH = Decimal(10) ** 9
OWED: dict[str, Decimal] = {"ETH": Decimal(1)} | dict.fromkeys(
    ("BNB", "币安人生", *(f"BNB{number}" for number in range(1, 50))), ENOUGH
)


class Request(NamedTuple):
    """One request as it arrived; `query` and `body` are raw bytes."""

    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    body: bytes


class Refused(Exception):
    """An answer that executes nothing."""

    def __init__(self, status: int, code: int, msg: str) -> None:
        super().__init__(msg)
        self.status, self.code, self.msg = status, code, msg


@dataclass
class Ledger:
    """What is owed and what was executed. Amounts in units of the asset."""

    owed: dict[str, Decimal] = field(default_factory=OWED.copy)
    executed: list[tuple[str, Decimal]] = field(default_factory=list)

    def repay(self, asset: str, amount: Decimal | None) -> Decimal:
        """Shrink the debt by exactly `amount`, or to nothing."""
        owed = self.owed.get(asset, Decimal(0))
        paid = owed if amount is None else amount
        if not 0 < paid <= owed:
            raise Refused(400, -3015, "The repay amount exceeds the debt.")
        self.owed[asset] = owed - paid
        self.executed.append((asset, paid))
        return paid


def parameters(text: str) -> list[tuple[str, str]]:
    """Split without decoding anything but percent signs; a `+` stays a `+`."""
    return [
        (name, unquote(value)) for name, _, value in (item.partition("=") for item in text.split("&") if item)
    ]


def verified(request: Request, now_ms: int) -> dict[str, str]:
    """Check key, signature and time as the exchange does; return the parameters."""
    if request.headers.get("x-mbx-apikey") != API_KEY:
        raise Refused(401, -2015, "Invalid API-key, IP, or permissions for action.")
    query, body = request.query.decode(), request.body.decode()
    signed_part, separator, rest = (body if "signature=" in body else query).rpartition("signature=")
    if not separator or "&" in rest or not signed_part.endswith("&"):
        raise Refused(
            400, -1102, "Mandatory parameter 'signature' was not sent, was empty/null, or malformed."
        )
    message = query + signed_part[:-1] if "signature=" in body else signed_part[:-1] + body
    digest = hmac.new(API_SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(digest, rest.lower()):
        raise Refused(400, -1022, "Signature for this request is not valid.")
    values = dict(parameters(body)) | dict(parameters(query))
    timestamp, window = values.get("timestamp", ""), values.get("recvWindow", "5000")
    if not (timestamp.isascii() and timestamp.isdigit() and window.isascii() and window.isdigit()):
        raise Refused(
            400, -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."
        )
    if not (int(timestamp) < now_ms + 1000 and now_ms - int(timestamp) <= int(window)):
        raise Refused(400, -1021, "Timestamp for this request is outside of the recvWindow.")
    return values


class FakeExchange:
    """The exchange: `url` to talk to, `fail_next` to break it, `executed` to see what happened."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.arrived: list[tuple[str, str]] = []
        self.url = ""
        self._next_fault: str | None = None
        self._working = 0
        self._idle = threading.Event()
        self._idle.set()

    def fail_next(self, fault: str | None) -> None:
        """Let this fault strike the next repayment that is validly signed, once."""
        if fault is not None and fault not in FAULT_BEHAVIOUR:
            raise ValueError(f"the independent fake has no fault {fault!r}")
        self._next_fault = fault

    def executed(self, asset: str = "BNB") -> int:
        """How many repayments of `asset` were executed, once nothing is under way any more."""
        if not self._idle.wait(LONGEST_HOLD_S):
            raise RuntimeError("a client keeps waiting for an answer that it will not get")
        return sum(1 for name, _ in self.ledger.executed if name == asset)

    def forget(self) -> None:
        """Start again with a new ledger and no fault."""
        self.ledger = Ledger()
        self.arrived.clear()
        self._next_fault = None

    async def serve(self, port: int = 0) -> asyncio.Server:
        """Listen on loopback."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> Iterator[FakeExchange]:
        """Run in a thread of this process until the block ends."""
        fake = cls()
        ready: threading.Event = threading.Event()
        loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

        async def run() -> None:
            stop = asyncio.Event()
            server = await fake.serve()
            loops.append((asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()
            server.close()  # asyncio.run cancels what still serves a connection

        thread = threading.Thread(target=lambda: asyncio.run(run()), name="independent-fake", daemon=True)
        thread.start()
        if not ready.wait(10):
            raise RuntimeError("the independent fake did not start")
        try:
            yield fake
        finally:
            loop, stop = loops[0]
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            async for request in _requests(reader):
                await self._answer(connection, request)
                if writer.is_closing():
                    break
        writer.close()

    async def _answer(self, connection: Connection, request: Request) -> None:
        self.arrived.append((request.method, request.path))
        try:
            match request.method, request.path:
                case "POST", path if path == REPAY_PATH:
                    await self._repay(connection, request)
                case "GET", "/papi/v1/time":
                    await connection.send(json_answer(200, {"serverTime": time.time_ns() // 1_000_000}))
                case "GET", "/papi/v1/ping":
                    await connection.send(json_answer(200, {}))
                case "GET", "/papi/v1/balance":
                    await connection.send(json_answer(200, self._balance(request)))
                case _:
                    await connection.send(html_answer(404, "Not Found"))
        except Refused as refused:
            await connection.send(error_answer(refused.status, refused.code, refused.msg))

    async def _repay(self, connection: Connection, request: Request) -> None:
        values = verified(request, time.time_ns() // 1_000_000)
        asset = values.get("asset", "")
        if not asset:
            raise Refused(
                400, -1102, "Mandatory parameter 'asset' was not sent, was empty/null, or malformed."
            )
        amount = Decimal(values["amount"]) if "amount" in values else None
        genuine: dict[str, object] = {
            **(
                {"amount": values["amount"]} if amount is not None else {}
            ),  # absent when all was repaid: live
            "asset": asset,
            "specifyRepayAssets": [name for name in values.get("specifyRepayAssets", "").split(",") if name],
            "updateTime": time.time_ns() // 1_000_000,
            "success": True,
        }
        fault, self._next_fault = self._next_fault, None
        when, behave = FAULT_BEHAVIOUR[fault] if fault else (BEFORE, says_genuine_with(lambda g: g))
        if when == "before the answer":
            self.ledger.repay(asset, amount)
        self._at_work(1)
        try:
            await behave(connection, genuine)
            if when == "after the answer":
                self.ledger.repay(asset, amount)
        finally:
            self._at_work(-1)

    def _at_work(self, change: int) -> None:
        self._working += change
        if self._working:
            self._idle.clear()
        else:
            self._idle.set()

    def _balance(self, request: Request) -> object:
        values = verified(request, time.time_ns() // 1_000_000)
        rows = [_balance_row(asset, owed) for asset, owed in self.ledger.owed.items()]
        if "asset" in values:
            return next(
                (row for row in rows if row["asset"] == values["asset"]),
                _balance_row(values["asset"], Decimal(0)),
            )
        return rows


def _balance_row(asset: str, owed: Decimal) -> dict[str, object]:
    zero = dict.fromkeys(
        ("totalWalletBalance", "crossMarginAsset", "crossMarginInterest", "crossMarginFree",
        "crossMarginLocked",
         "umWalletBalance", "umUnrealizedPNL", "cmWalletBalance", "cmUnrealizedPNL", "negativeBalance"), "0",
    )  # fmt: skip
    return {"asset": asset, **zero, "crossMarginBorrowed": format(owed, "f"), "updateTime": 0}


async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[Request]:
    """The requests of one keep-alive connection."""
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path, _, query = target.partition("?")
        yield Request(method, path, query.encode("latin-1"), headers, body)


@contextlib.contextmanager
def refused_url() -> Iterator[str]:
    """An address on which nobody listens, for as long as the block lasts.

    The port is held by a socket that never listens, so that no other process can be given it.
    """
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"


async def _main(port: int) -> None:
    fake = FakeExchange()
    async with await fake.serve(port) as server:
        print(f"fake ready at {fake.url}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--port", type=int, default=0)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(options.parse_args().port))
