"""How each fault of the table looks on the wire: what is answered, and when the debt shrinks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

REPAY_PATH = "/papi/v1/margin/repay-debt"

# A held answer is let go after this long at the latest, in case its client never gives up.
LONGEST_HOLD_S = 30.0


def http_answer(
    status: int, body: bytes, content_type: str = "application/json;charset=UTF-8", **headers: str
) -> bytes:
    """A complete HTTP/1.1 answer. Keyword names are header names with `_` for `-`."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def json_answer(status: int, value: object, **headers: str) -> bytes:
    """A JSON answer in compact form, as the exchange sends it."""
    return http_answer(status, json.dumps(value, separators=(",", ":")).encode(), **headers)


def error_answer(status: int, code: int, msg: str, **headers: str) -> bytes:
    """An error in the exchange's form."""
    return json_answer(status, {"code": code, "msg": msg}, **headers)


def html_answer(status: int, title: str) -> bytes:
    """A page of somebody who stands between client and exchange."""
    return http_answer(status, f"<html><body><h1>{title}</h1></body></html>".encode(), "text/html")


@dataclass
class Connection:
    """One accepted connection, and the ways in which it can be mistreated."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def close(self) -> None:
        """End in an orderly way (FIN)."""
        self.writer.close()

    def reset(self) -> None:
        """End with RST: linger time zero throws away what was not sent."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def hold(self) -> None:
        """Say nothing until the client gives up."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            await asyncio.wait_for(self.reader.read(1), LONGEST_HOLD_S)
        self.close()


When = Literal["before the answer", "after the answer", "never"]
Behaviour = Callable[[Connection, dict[str, object]], Awaitable[None]]


def says(answer: bytes) -> Behaviour:
    """Answer with these bytes and stay connected."""

    async def behave(connection: Connection, genuine: dict[str, object]) -> None:
        await connection.send(answer)

    return behave


def says_then_closes(answer: bytes) -> Behaviour:
    """Answer with these bytes, which are no whole answer, and close."""

    async def behave(connection: Connection, genuine: dict[str, object]) -> None:
        await connection.send(answer)
        connection.close()

    return behave


def says_genuine_with(change: Callable[[dict[str, object]], object]) -> Behaviour:
    """Answer 200 with the genuine result after `change`."""

    async def behave(connection: Connection, genuine: dict[str, object]) -> None:
        await connection.send(json_answer(200, change(genuine)))

    return behave


async def _resets(connection: Connection, genuine: dict[str, object]) -> None:
    connection.reset()


async def _closes(connection: Connection, genuine: dict[str, object]) -> None:
    connection.close()


async def _holds(connection: Connection, genuine: dict[str, object]) -> None:
    await connection.hold()


async def _truncates(connection: Connection, genuine: dict[str, object]) -> None:
    await connection.send(json_answer(200, genuine)[:-20])
    connection.close()


async def _continues(connection: Connection, genuine: dict[str, object]) -> None:
    await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n" + json_answer(200, genuine))


async def _chunks(connection: Connection, genuine: dict[str, object]) -> None:
    body = json.dumps(genuine).encode()
    await connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]))
        + b"0\r\n\r\n"
    )


async def _dribbles(connection: Connection, genuine: dict[str, object]) -> None:
    raw = connection.writer.get_extra_info("socket")
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in json_answer(200, genuine):
        await connection.send(bytes([byte]))


UNKNOWN_ERROR = "Unknown error, please check your request or try again later."
BUS_ERROR = "An unexpected response was received from the message bus. Execution status unknown."
BACKEND_TIMEOUT = (
    "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
)
THROTTLED = (
    "Request throttled by system-level protection. "
    "Reduce-only/close-position orders are exempt. Please try again."
)
INTERNAL_ERROR = "Internal error; unable to process your request. Please try again."
WEIGHT_SPENT = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE."


def _banned() -> bytes:
    until_ms = time.time_ns() // 1_000_000 + 120_000
    return error_answer(
        418, -1003, f"Way too much request weight used; IP banned until {until_ms}.", Retry_After="120"
    )


async def _bans(connection: Connection, genuine: dict[str, object]) -> None:
    await connection.send(_banned())


# name -> (when the debt shrinks, what is answered)
BEFORE: When = "before the answer"
FAULT_BEHAVIOUR: dict[str, tuple[When, Behaviour]] = {
    "executed_then_503": (BEFORE, says(error_answer(503, -1000, UNKNOWN_ERROR))),
    "not_executed_503_unknown": ("never", says(error_answer(503, -1000, UNKNOWN_ERROR))),
    "service_unavailable_503": ("never", says(error_answer(503, -1000, "Service Unavailable."))),
    "throttled_1008": ("never", says(error_answer(503, -1008, THROTTLED))),
    "executed_then_reset": (BEFORE, _resets),
    "reset_before": ("never", _resets),
    "executed_then_delay": (BEFORE, _holds),
    "delay_before": ("after the answer", _holds),
    "timeout_1007_executed": (BEFORE, says(error_answer(408, -1007, BACKEND_TIMEOUT))),
    "timeout_1007_not_executed": ("never", says(error_answer(408, -1007, BACKEND_TIMEOUT))),
    "unexpected_1006_executed": (BEFORE, says(error_answer(500, -1006, BUS_ERROR))),
    "unexpected_1006_not_executed": ("never", says(error_answer(500, -1006, BUS_ERROR))),
    "busy_51998_not_executed": ("never", says(error_answer(400, 51998, "System is busy, try again later."))),
    "pending_51007": ("never", says(error_answer(400, 51007, "You have a pending transaction."))),
    "rate_limited_429": ("never", says(error_answer(429, -1003, WEIGHT_SPENT, Retry_After="1"))),
    "banned_418": ("never", _bans),
    "waf_403_html": ("never", says(html_answer(403, "ERROR: The request could not be satisfied"))),
    "gateway_502_html_executed": (BEFORE, says(html_answer(502, "Bad Gateway"))),
    "success_without_amount": (
        BEFORE,
        says_genuine_with(lambda g: {k: v for k, v in g.items() if k != "amount"}),
    ),
    "malformed_json_executed": (
        BEFORE,
        says(http_answer(200, b'{"asset":"BNB","updateTime":1636371437000"success":true}')),
    ),
    "success_false_not_executed": ("never", says_genuine_with(lambda g: g | {"success": False})),
    "amount_as_number": (BEFORE, says_genuine_with(lambda g: g | {"amount": 0.5})),
    "extra_field": (BEFORE, says_genuine_with(lambda g: g | {"tomorrow": {"x": 1}})),
    "clock_skew": (
        "never",
        says(error_answer(400, -1021, "Timestamp for this request is outside of the recvWindow.")),
    ),
    "executed_then_closed": (BEFORE, _closes),
    "truncated_body_executed": (BEFORE, _truncates),
    "timeout_1007_504_executed": (BEFORE, says(error_answer(504, -1007, BACKEND_TIMEOUT))),
    "internal_1001_503_executed": (BEFORE, says(error_answer(503, -1001, INTERNAL_ERROR))),
    "empty_200_executed": (BEFORE, says(http_answer(200, b""))),
    "redirect_307_not_executed": ("never", says(http_answer(307, b"", "text/html", Location=REPAY_PATH))),
    "half_head_executed": (BEFORE, says_then_closes(b"HTTP/1.1 200 OK\r\nContent-Ty")),
    "not_http_executed": (BEFORE, says_then_closes(b"\x16\x03\x01 what is this\r\n\r\n")),
    "html_200_executed": (BEFORE, says(html_answer(200, "Please log in"))),
    "array_200_executed": (BEFORE, says_genuine_with(lambda g: [g])),
    "null_200_executed": (BEFORE, says_genuine_with(lambda g: None)),
    "wrong_asset_executed": (BEFORE, says_genuine_with(lambda g: g | {"asset": "WRONG"})),
    "success_text_executed": (BEFORE, says_genuine_with(lambda g: g | {"success": "true"})),
    "success_missing_executed": (
        BEFORE,
        says_genuine_with(lambda g: {k: v for k, v in g.items() if k != "success"}),
    ),
    "code_1007_in_200_executed": (BEFORE, says(error_answer(200, -1007, BACKEND_TIMEOUT))),
    "code_1000_in_400_executed": (BEFORE, says(error_answer(400, -1000, "An unknown error occurred."))),
    "html_400_executed": (BEFORE, says(html_answer(400, "Bad Request"))),
    "unlisted_500_executed": (BEFORE, says(error_answer(500, -987654, "Something new."))),
    "unlisted_400": ("never", says(error_answer(400, -987654, "Something new."))),
    "insufficient_2018": ("never", says(error_answer(400, -2018, "Balance is insufficient."))),
    "key_2015": ("never", says(error_answer(401, -2015, "Invalid API-key, IP, or permissions for action."))),
    "html_404": ("never", says(html_answer(404, "Not Found"))),
    "empty_202": ("never", says(http_answer(202, b""))),
    "continue_100_first": (BEFORE, _continues),
    "chunked_answer": (BEFORE, _chunks),
    "answer_byte_by_byte": (BEFORE, _dribbles),
}
