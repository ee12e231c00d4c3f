"""Requests of every kind that a client, a broken client or an enemy sends, for each call of the document.

Each kind in `KINDS` turns one good request into one of its sort. `Wire.raw` holds the bytes where they are no
well-formed HTTP; everything else can be sent over a socket and handed to an ASGI application alike.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from paydown_sandbox.bundled_document import OperationFacts, ParameterFacts
from tests.sandbox.signer import KEY, SECRET, digest

FORM = "application/x-www-form-urlencoded"
UNSIGNED = ("NONE", "MARKET_DATA", "USER_STREAM")
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Wire:
    """One request. With `judged` its answer must be one that the document describes for the operation `facts`."""

    facts: OperationFacts
    method: str
    path: bytes
    query: bytes = b""
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    raw: bytes | None = None
    chunks: bool = False
    judged: bool = True

    def bytes(self) -> bytes:
        """What goes over the socket."""
        if self.raw is not None:
            return self.raw
        target = self.path + (b"?" + self.query if self.query else b"")
        lines = [self.method.encode() + b" " + target + b" HTTP/1.1", b"Host: sandbox"]
        lines += [name + b": " + value for name, value in self.headers]
        body = self.body
        if self.chunks:
            parts = [body[at : at + 7] for at in range(0, len(body), 7)]
            body = (
                b"".join(b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\nT: 1\r\n\r\n"
            )
            lines.append(b"Transfer-Encoding: chunked")
        elif body or self.method in ("POST", "PUT"):
            lines.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


@dataclass
class Moment:
    """The inputs of a generator: chances, and the sandbox's time (UTC ms)."""

    chance: random.Random
    now_ms: int


Pairs = list[tuple[str, str]]

ODD = (
    "",
    " ",
    "BNB",
    "bnb",
    "0",
    "-0",
    "-1",
    "+1",
    "1e9",
    "1E-7",
    "0x10",
    "1_000",
    "01",
    ".5",
    "5.",
    "1,5",
    "NaN",
    "Infinity",
    "-inf",
    "true",
    "null",
    "undefined",
    "[]",
    "{}",
    "TO_UM",
    "9" * 19,
    "9" * 400,
    "0." + "0" * 300 + "1",
    str(2**63 - 1),
    str(2**63),
    str(-(2**63)),
    "１２３",
    "١٢٣",
    "BNB,BNB",
    ",",
    "USDT,",
    "a" * 3000,
    "币安人生",
    "💸",
    "\u202e",
    "\ufeff",
    "e\u0301",
    "'; DROP TABLE holding;--",
    "<script>",
    "../../etc/passwd",
    "${jndi:ldap://x}",
    "%s%n",
    "\t",
    "\r\nX: y",
    "\0",
    "a\0b",
)
# Percent-encodings as they stand on the wire.
SPELT = (
    "%00",
    "%",
    "%2",
    "%zz",
    "%c0%af",
    "%ed%a0%80",
    "%ff",
    "%u0041",
    "%2541",
    "%42%4e%42",
    "%c3%a9",
    "%C3%A9",
    "+",
    "B+B",
    "%0d%0aSet-Cookie:a",
    "%F0%9F%92%B8",
    "%e2%80%ae",
)
ODD_PATHS = (
    b"/papi/v1/../v1/ping",
    b"/papi/v1/ping/",
    b"//papi/v1/ping",
    b"/papi/v1/%70ing",
    b"/PAPI/V1/PING",
    b"/papi/v1/ping;a=b",
    b"/papi/v1/ping%00",
    b"/papi/v1/ping%3fa",
    b"/",
    b"/papi",
    b"/.env",
    b"/_sandboxed",
    b"/papi/v2/ping",
    b"/" + b"a" * 3000,
    b"*",
    b"/\xff\xfe",
    b"/papi/v1/exchangeInfo",
    b"/papi/v1/order",
    b"/%2e%2e/%2e%2e/etc/passwd",
    b"/pm/ws/x",
    b"/_sandbox/nothing",
)


def fitting(parameter: ParameterFacts, moment: Moment) -> str:
    """A value that the document allows."""
    chance = moment.chance
    if parameter.choices:
        return chance.choice(parameter.choices)
    if parameter.kind == "integer":
        if parameter.maximum is not None and parameter.maximum <= 10**6:
            return str(chance.randrange(max(1, parameter.minimum or 1), parameter.maximum + 1))
        return str(moment.now_ms - chance.randrange(10**9))
    if parameter.kind == "decimal":
        return f"0.{chance.randrange(1, 10**4):04}"
    return chance.choice(("BNB", "USDT", "BTC"))


def own_pairs(facts: OperationFacts, moment: Moment) -> Pairs:
    """The call's own parameters: every required one, and some of the others."""
    found = [
        (parameter.name, fitting(parameter, moment))
        for parameter in facts.parameters
        if parameter.name not in ("timestamp", "signature", "recvWindow")
        and (parameter.required or moment.chance.random() < 0.4)
    ]
    moment.chance.shuffle(found)
    return found


def written(pairs: Pairs) -> str:
    """Pairs as a form, every value encoded once."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)


def signed(
    facts: OperationFacts,
    moment: Moment,
    text: str | bytes,
    *,
    secret: str = SECRET,
    at_ms: int | str | None = None,
    in_query: bool | None = None,
    key: bytes = KEY.encode(),
) -> Wire:
    """A request with these parameters, signed over its very bytes where the call is signed."""
    message = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if facts.security_type not in UNSIGNED:
        stamp = f"timestamp={moment.now_ms if at_ms is None else at_ms}".encode()
        message = message + b"&" + stamp if message else stamp
        message += b"&signature=" + digest(message, secret).encode()
    if in_query is None:
        in_query = facts.method == "GET" or moment.chance.random() < 0.5
    headers: Headers = [(b"X-MBX-APIKEY", key)] if key else []
    path = facts.path.encode()
    if in_query or facts.method == "GET":
        return Wire(facts, facts.method, path, message, headers)
    return Wire(facts, facts.method, path, b"", [*headers, (b"Content-Type", FORM.encode())], message)


def in_body(facts: OperationFacts, moment: Moment) -> Wire:
    """A good request with everything in the body, even where a body is not read."""
    wire = signed(facts, moment, written(own_pairs(facts, moment)), in_query=True)
    return replace(
        wire, query=b"", body=wire.query, headers=[*wire.headers, (b"Content-Type", FORM.encode())]
    )


Kind = Callable[[OperationFacts, Moment], Wire]


def good(facts: OperationFacts, moment: Moment) -> Wire:
    return signed(facts, moment, written(own_pairs(facts, moment)))


def odd_value(facts: OperationFacts, moment: Moment) -> Wire:
    pairs = own_pairs(facts, moment) or [("asset", "")]
    at = moment.chance.randrange(len(pairs))
    pairs[at] = (pairs[at][0], moment.chance.choice(ODD))
    return signed(facts, moment, written(pairs))


def odd_spelling(facts: OperationFacts, moment: Moment) -> Wire:
    pairs = own_pairs(facts, moment) or [("asset", "")]
    at = moment.chance.randrange(len(pairs))
    spelt = [f"{name}={quote(value, safe='')}" for name, value in pairs]
    name = pairs[at][0]
    spelt[at] = moment.chance.choice(
        [
            f"{name}={moment.chance.choice(SPELT)}",
            f"%{ord(name[0]):02x}{name[1:]}=BNB",
            f"{name}",
            f"{name}=a=b",
            f"{name}[]=BNB",
            f"&&{name}=BNB&",
            "=BNB",
            f"{name}=BNB;x=y",
            f"{name}=BNB?x=y",
            f" {name}=BNB",
        ]
    )
    text = "&".join(spelt)
    return signed(facts, moment, text.replace(" ", "%20"))


def missing(facts: OperationFacts, moment: Moment) -> Wire:
    pairs = own_pairs(facts, moment)
    return signed(facts, moment, written(pairs[1:]))


def repeated(facts: OperationFacts, moment: Moment) -> Wire:
    pairs = own_pairs(facts, moment) or [("asset", "BNB")]
    return signed(facts, moment, written([*pairs, moment.chance.choice(pairs)]))


def unknown(facts: OperationFacts, moment: Moment) -> Wire:
    name = moment.chance.choice(
        ("x", "price", "__proto__", "constructor", "Asset", "asset ", "newClientOrderId", "ж")
    )
    return signed(facts, moment, written(own_pairs(facts, moment)) + f"&{quote(name)}={moment.now_ms}")


def conflicting(facts: OperationFacts, moment: Moment) -> Wire:
    """Query and body name the same parameter, with different values; the signature covers both."""
    query = written(own_pairs(facts, moment)).encode()
    body = written(own_pairs(facts, moment)).encode()
    stamp = f"timestamp={moment.now_ms}".encode()
    body = body + b"&" + stamp if body else stamp
    body += b"&signature=" + digest(query + body).encode()
    headers: Headers = [(b"X-MBX-APIKEY", KEY.encode()), (b"Content-Type", FORM.encode())]
    return Wire(facts, facts.method, facts.path.encode(), query, headers, body)


def odd_signature(facts: OperationFacts, moment: Moment) -> Wire:
    wire = signed(facts, moment, written(own_pairs(facts, moment)), in_query=True)
    text, _, signature = wire.query.partition(b"&signature=")
    query = moment.chance.choice(
        [
            text,
            text + b"&signature=",
            text + b"&signature=" + b"0" * 64,
            b"signature=" + signature + b"&" + text,
            text + b"&signature=" + signature + b"&x=1",
            text + b"&signature=" + signature + b"&signature=" + signature,
            text + b"&%73ignature=" + signature,
            text + b"&signature=" + signature.upper(),
            text + b"&signature=" + signature[:-1],
            text + b"&signature=%" + signature,
            text + b"&signature=\xc3\xa9",
            text + b"&signature=" + b"a" * 5000,
            text + b"&Signature=" + signature,
        ]
    )
    return replace(wire, query=query)


def odd_time(facts: OperationFacts, moment: Moment) -> Wire:
    now = moment.now_ms
    at = moment.chance.choice(
        (
            now - 5001,
            now - 60_001,
            now + 1000,
            now + 10**9,
            0,
            -1,
            10**30,
            "",
            "now",
            f"{now}.0",
            f" {now}",
            f"{now}000",
            quote("１７６７２２５６０００００"),
            "1e12",
            f"%2B{now}",
            f"{now}&recvWindow=60001",
            f"{now}&recvWindow=0",
            f"{now}&recvWindow=",
            f"{now}&recvWindow=-5",
            f"{now}&recvWindow={quote('５０００')}",
            f"{now}&timestamp={now}",
        )
    )
    return signed(facts, moment, written(own_pairs(facts, moment)), at_ms=at)


def odd_key(facts: OperationFacts, moment: Moment) -> Wire:
    wire = good(facts, moment)
    kept = [header for header in wire.headers if header[0] != b"X-MBX-APIKEY"]
    keys = moment.chance.choice(
        (
            [],
            [b""],
            [b"x"],
            [b"k" * 300],
            [b"\xff\xfe"],
            ["ключ".encode()],
            [KEY.upper().encode()],
            [KEY.encode(), KEY.encode()],
            [KEY.encode(), b"x"],
            [b"read-only"],
            [b"elsewhere"],
        )
    )
    return replace(wire, headers=[*((b"x-mbx-apikey", key) for key in keys), *kept])


def wrong_secret(facts: OperationFacts, moment: Moment) -> Wire:
    return signed(facts, moment, written(own_pairs(facts, moment)), secret="wrong")


def raw_bytes(facts: OperationFacts, moment: Moment) -> Wire:
    """Arbitrary bytes as a body, and as far as HTTP lets them through, as a query."""
    chance = moment.chance
    if facts.method == "GET" or chance.random() < 0.3:
        text = bytes(chance.choice(b"\x80\xff\xc3\xa9&=%+ab\xed\xa0") for _ in range(chance.randrange(1, 40)))
        return signed(facts, moment, text, in_query=True)
    return signed(facts, moment, chance.randbytes(chance.randrange(1, 60)), in_query=False)


def too_large(facts: OperationFacts, moment: Moment) -> Wire:
    size = moment.chance.choice((32_700, 32_769, 65_500, 65_537, 200_000))
    if facts.method == "GET" or moment.chance.random() < 0.3:
        return signed(facts, moment, "asset=" + "B" * min(size, 60_000), in_query=True)
    return signed(facts, moment, "asset=" + "B" * size, in_query=False)


def wrong_method(facts: OperationFacts, moment: Moment) -> Wire:
    others = [
        name
        for name in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "PURGE", "SEARCH")
        if name != facts.method
    ]
    return replace(good(facts, moment), method=moment.chance.choice(others), judged=False)


def odd_type(facts: OperationFacts, moment: Moment) -> Wire:
    wire = in_body(facts, moment)
    kind = moment.chance.choice(
        (
            b"application/json",
            b"multipart/form-data; boundary=x",
            b"text/plain",
            b"",
            b";;",
            b"\xff",
            FORM.upper().encode(),
            FORM.encode() + b"; charset=utf-16",
            FORM.encode() + b";charset=utf-8",
        )
    )
    return replace(wire, headers=[wire.headers[0], *([(b"Content-Type", kind)] if kind else [])])


def json_body(facts: OperationFacts, moment: Moment) -> Wire:
    body = moment.chance.choice(
        (b'{"asset":"BNB"}', b"[" * 30_000, b"null", b"1" * 5000, b'{"a":' * 9000, b"\xff{")
    )
    headers: Headers = [(b"X-MBX-APIKEY", KEY.encode()), (b"Content-Type", b"application/json")]
    return Wire(facts, facts.method, facts.path.encode(), b"", headers, body)


def compressed(facts: OperationFacts, moment: Moment) -> Wire:
    wire = in_body(facts, moment)
    bomb = gzip.compress(b"0" * 10**6) if moment.chance.random() < 0.1 else gzip.compress(wire.body)
    return replace(wire, body=bomb, headers=[*wire.headers, (b"Content-Encoding", b"gzip")])


def chunked(facts: OperationFacts, moment: Moment) -> Wire:
    return replace(in_body(facts, moment), chunks=True)


def odd_headers(facts: OperationFacts, moment: Moment) -> Wire:
    wire = good(facts, moment)
    more: Headers = moment.chance.choice(
        (
            [(b"X-%d" % n, b"v") for n in range(500)],
            [(b"X-Long", b"v" * 50_000)],
            [(b"Expect", b"100-continue")],
            [(b"X-Forwarded-For", b"6.6.6.6")],
            [(b"Host", b"evil"), (b"Host", b"other")],
            [(b"Cookie", b"\xff\x80")],
            [(b"Range", b"bytes=0-1")],
            [(b"If-None-Match", b"*")],
            [(b"X-HTTP-Method-Override", b"DELETE")],
            [(b"Accept", b"application/xml")],
            [(b"Accept-Encoding", b"gzip;q=NaN")],
        )
    )
    return replace(wire, headers=[*wire.headers, *more])


def odd_path(facts: OperationFacts, moment: Moment) -> Wire:
    return replace(good(facts, moment), path=moment.chance.choice(ODD_PATHS), judged=False)


def flipped(facts: OperationFacts, moment: Moment) -> Wire:
    """A good request with one byte of its signed text changed, if that stays HTTP."""
    wire = good(facts, moment)
    text = bytearray(wire.query or wire.body or b"a=b")
    text[moment.chance.randrange(len(text))] = moment.chance.choice(b"abcXYZ0189%&=+-_.~")
    return replace(wire, query=bytes(text)) if wire.query else replace(wire, body=bytes(text))


def no_http(facts: OperationFacts, moment: Moment) -> Wire:
    """Bytes that are not, or not quite, HTTP; the connection is closed behind them."""
    whole = in_body(facts, moment)
    head, _, body = whole.bytes().partition(b"\r\n\r\n")
    first = head.split(b"\r\n")[0]
    chunk = head.replace(b"Content-Length", b"X-Not") + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw = moment.chance.choice(
        [
            moment.chance.randbytes(200),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
            b"\r\n" * 50,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            head + b"\r\nContent-Length: 3\r\n\r\n" + body,
            head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
            first + b"\r\nContent-Length: -1\r\n\r\n",
            first + b"\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n",
            first + b"\r\nContent-Length: 1 2\r\n\r\n",
            first + b"\r\nContent-Length: 0x3\r\n\r\nabc",
            first + b"\r\nContent-Length: 100000000000\r\n\r\nabc",
            first.replace(b"1.1", b"9.9") + b"\r\n\r\n",
            first.replace(b" HTTP/1.1", b"") + b"\r\n\r\n",
            first + b"\r\n bad: fold\r\n\r\n",
            first + b"\r\nA\0b: c\r\n\r\n",
            first + b"\r\nNo colon\r\n\r\n",
            first + b"\n\n",
            chunk + b"zz\r\nabc\r\n0\r\n\r\n",
            chunk + b"ffffffffffffffff\r\nabc",
            chunk + b"3\r\nabcdef\r\n0\r\n\r\n",
            chunk + b"3\r\nab",
            chunk + b"-1\r\n\r\n",
            first + b"\r\nX: " + b"a" * 70_000,
            head[: moment.chance.randrange(1, len(head))],
            first + b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            first + b"\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        ]
    )
    return replace(whole, raw=raw, judged=False)


KINDS: dict[str, Kind] = {
    kind.__name__.replace("_", " "): kind
    for kind in (
        good,
        odd_value,
        odd_spelling,
        missing,
        repeated,
        unknown,
        conflicting,
        odd_signature,
        odd_time,
        odd_key,
        wrong_secret,
        raw_bytes,
        too_large,
        wrong_method,
        odd_type,
        json_body,
        compressed,
        chunked,
        odd_headers,
        odd_path,
        flipped,
        no_http,
    )
}
# How often a kind comes for each time that a rare one does.
OFTEN = {"good": 12, "odd value": 6, "odd spelling": 4, "odd time": 2, "odd signature": 2, "flipped": 3}


def schedule(
    operations: tuple[OperationFacts, ...], requests: int, chance: random.Random
) -> list[tuple[str, OperationFacts]]:
    """Which kind meets which call: every pair equally often but for `OFTEN`, in an order of chance."""
    once = [(kind, facts) for kind in KINDS for facts in operations for _ in range(OFTEN.get(kind, 1))]
    found = once * (requests // len(once) + 1)
    chance.shuffle(found)
    return found[:requests]
