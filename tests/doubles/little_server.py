"""An exchange of a few calls that shares no line with the sandbox, the client or the judge: standard library only.

It keeps one account, and it is right. Each of its vices makes it wrong in one way; what must be said about it stands
beside the vice in `test_server_half.py`.
"""

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote_to_bytes

ASSET = re.compile(
    "[^\\x00-/:-@\\[-\\xa0\\xad\\u1680\\u180e\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000\\ufeff]{1,32}"
)
INTEGER = re.compile("[1-9][0-9]{0,18}")
AMOUNT = re.compile(r"(0|[1-9][0-9]{0,19})(\.[0-9]{1,8})?")
EXPONENT = re.compile("[0-9.]+[eE][+-]?[0-9]")
PRICES = {"ETH": "2000", "USDT": "1", "BTC": "50000", "BNB": "500"}

Answer = tuple[int, dict[str, str], bytes]


class Refused(Exception):
    """An error that the caller is told."""

    def __init__(self, code: int, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@dataclass(slots=True)
class Call:
    """One request, taken apart."""

    method: str
    path: str
    texts: dict[str, str] = field(default_factory=dict)

    def optional(self, name: str, default: str) -> str:
        """A parameter, or what it stands for when it is absent."""
        return self.texts.get(name, default)


def asset(text: str) -> bool:
    """Whether a text may be the name of an asset."""
    return ASSET.fullmatch(text) is not None and not re.search("[a-z]", text)


def amount(text: str) -> bool:
    """Whether a text is a positive amount."""
    return AMOUNT.fullmatch(text) is not None and Decimal(text) > 0


def between(low: int, high: int) -> Callable[[str], bool]:
    """Whether a text is an integer from `low` to `high`."""
    return lambda text: INTEGER.fullmatch(text) is not None and low <= int(text) <= high


def listed(text: str) -> bool:
    """Whether a text is a list of different assets."""
    names = text.split(",")
    return all(map(asset, names)) and len(set(names)) == len(names) <= 20


MOMENT = between(10**12, 10**13 - 1)
SIGNED: dict[str, tuple[bool, Callable[[str], bool]]] = {
    "recvWindow": (False, between(1, 60_000)),
    "timestamp": (True, MOMENT),
    "signature": (True, lambda text: re.fullmatch("[0-9A-Fa-f]{64}", text) is not None),
}
RECORDS: dict[str, tuple[bool, Callable[[str], bool]]] = {
    "asset": (True, asset),
    "txId": (False, between(1, 2**63 - 1)),
    "startTime": (False, MOMENT),
    "endTime": (False, MOMENT),
    "current": (False, between(1, 100_000)),
    "size": (False, between(1, 100)),
    "archived": (False, lambda text: text in ("true", "false")),
    **SIGNED,
}
# (method, path) -> parameters (required, right), weight
ROUTES: dict[tuple[str, str], tuple[dict[str, tuple[bool, Callable[[str], bool]]], int]] = {
    ("GET", "/papi/v1/ping"): ({}, 1),
    ("GET", "/papi/v1/time"): ({}, 1),
    ("GET", "/papi/v1/balance"): ({"asset": (False, asset), **SIGNED}, 20),
    ("POST", "/papi/v1/margin/repay-debt"): (
        {"asset": (True, asset), "amount": (False, amount), "specifyRepayAssets": (False, listed), **SIGNED},
        3000,
    ),
    ("POST", "/papi/v1/repayLoan"): ({"asset": (True, asset), "amount": (True, amount), **SIGNED}, 100),
    ("POST", "/papi/v1/marginLoan"): ({"asset": (True, asset), "amount": (True, amount), **SIGNED}, 100),
    ("GET", "/papi/v1/margin/marginLoan"): (RECORDS, 10),
    ("GET", "/papi/v1/margin/repayLoan"): (RECORDS, 10),
}
OPERATIONS = (
    "ping", "serverTime", "accountBalance", "repayDebt", "repayLoan", "marginBorrow", "borrowRecords", "repayRecords"
)  # fmt: skip


class LittleServer:
    """The exchange.

    Args:
        api_key: The only key.
        secret: Its secret.
        now_ms: The clock.
        vice: What it does wrong; nothing if empty.
    """

    def __init__(self, api_key: str, secret: bytes, now_ms: Callable[[], int], vice: str = "") -> None:
        self.api_key, self.secret, self.clock, self.vice = api_key, secret, now_ms, vice
        self.begun_ms = now_ms()
        self.debts = {name: Decimal(20_000) / Decimal(price) for name, price in PRICES.items()}
        self.loans: list[dict[str, Any]] = []
        self.repayments: list[dict[str, Any]] = []
        self.weight = 0
        self.next_id = 7001

    def answer(
        self, method: str, path: str, query: bytes, headers: Mapping[str, list[str]], body: bytes
    ) -> Answer:
        """What the server says to one raw request. Names of headers are in lower case."""
        route = ROUTES.get((method, path))
        if route is None:
            if self.vice == "an unknown path is fine":
                return 200, {"Content-Type": "application/json"}, b"{}"
            return 404, {"Content-Type": "text/html"}, b"<html>no such page</html>"
        self.weight += route[1]
        shown = "1" if self.vice == "the weight is not counted" else str(self.weight)
        told = {"Content-Type": "application/json", "X-MBX-USED-WEIGHT-1M": shown}
        if self.vice == "the weight is not shown":
            del told["X-MBX-USED-WEIGHT-1M"]
        try:
            call = self._read(route[0], Call(method, path), query, headers, body)
            content = self._carry_out(call)
            status = 201 if self.vice == "success is 201" else 200
        except Refused as refused:
            content = {"code": refused.code, "msg": "no"}
            status = refused.status
            status = self._spoilt_refusal(told, content, status)
        text = json.dumps(content).encode()
        if self.vice == "answers are cut short" and method == "POST":
            text = text[:-1]
        return status, told, text

    def _spoilt_refusal(self, told: dict[str, str], content: dict[str, Any], status: int) -> int:
        if self.vice == "a refusal has status 200":
            return 200
        if self.vice == "a refusal has status 500":
            return 500
        if self.vice == "a refusal has status 422":
            return 422
        if self.vice == "a refusal is HTML":
            told["Content-Type"] = "text/html"
        if self.vice == "every refusal has code -1000":
            content["code"] = -1000
        if self.vice == "the code is text":
            content["code"] = str(content["code"])
        if self.vice == "a refusal has no msg":
            del content["msg"]
        return status

    # ------------------------------------------------------------------ reading

    def _read(
        self,
        rules: Mapping[str, tuple[bool, Callable[[str], bool]]],
        call: Call,
        query: bytes,
        headers: Mapping[str, list[str]],
        body: bytes,
    ) -> Call:
        media = headers.get("content-type", [""])[0].split(";")[0].strip().lower()
        if body and media != "application/x-www-form-urlencoded" and self.vice != "any content type":
            raise Refused(-1102)
        places = [self._pieces(query), self._pieces(body)]
        if self.vice == "the body is not read":
            places[1] = []
        for pieces in places:
            names = [name for name, _ in pieces]
            if len(set(names)) != len(names) and self.vice != "a name may come twice":
                raise Refused(-1101)
            for name in names:
                if name not in rules and self.vice != "unknown names are fine":
                    raise Refused(-1104)
        order = places if self.vice == "the body wins" else places[::-1]
        call.texts = {name: value for pieces in order for name, value in pieces}
        if "timestamp" in rules:
            self._prove(call, query, body, headers)
        lenient = {
            "zero may be repaid": ("amount", lambda text: AMOUNT.fullmatch(text) is not None),
            "an exponent is an amount": ("amount", lambda text: amount(text) or EXPONENT.fullmatch(text)),
            "nine digits after the point": ("amount", lambda text: re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,9})?", text)),
            "lower-case assets are fine": ("asset", lambda text: asset(text.upper())),
            "an asset may be empty": ("asset", lambda text: not text or asset(text)),
            "blanks around an amount are cut off": ("amount", lambda text: amount(text.strip())),
            "a page may be huge": ("size", INTEGER.fullmatch),
            "a list may hold an asset twice": ("specifyRepayAssets", lambda text: all(map(asset, text.split(",")))),
        }  # fmt: skip
        for name, (required, strict) in rules.items():
            forgiving = lenient.get(self.vice)
            right = forgiving[1] if forgiving is not None and forgiving[0] == name else strict
            if name not in call.texts:
                forgotten = {
                    "unsigned is fine": "signature",
                    "unsigned is fine on balance": "signature" if call.path.endswith("/balance") else "",
                    "an amount may be missing": "amount",
                    "a timestamp may be missing": "timestamp",
                }.get(self.vice)
                if required and name != forgotten:
                    raise Refused(-1102)
            elif not right(call.texts[name]) and not (
                name == "recvWindow" and self.vice == "any recvWindow is fine"
            ):
                raise Refused(-1102)
        return call

    def _pieces(self, raw: bytes) -> list[tuple[str, str]]:
        found = []
        for piece in raw.split(b"&") if raw else ():
            name, _, value = piece.partition(b"=")
            if re.search(b"%(?![0-9A-Fa-f]{2})", piece):
                raise Refused(-1100)
            try:
                found.append(
                    (
                        unquote_to_bytes(name.replace(b"+", b" ")).decode(),
                        unquote_to_bytes(value.replace(b"+", b" ")).decode(),
                    )
                )
            except UnicodeDecodeError:
                raise Refused(-1100) from None
        return found

    def _prove(self, call: Call, query: bytes, body: bytes, headers: Mapping[str, list[str]]) -> None:
        keys = headers.get("x-mbx-apikey", [])
        if (
            keys != [self.api_key]
            and self.vice != "any key is fine"
            and not (keys and self.vice == "a key need only be there")
        ):
            raise Refused(-2015, 401)
        signature = call.texts.get("signature", "")
        on_balance = self.vice == "unsigned is fine on balance" and call.path.endswith("/balance")
        if not signature and (self.vice == "unsigned is fine" or on_balance):
            return
        if self.vice == "no signature is looked at":
            return
        kept = []
        for raw in (query, body):
            pieces = raw.split(b"&") if raw else []
            marked = [piece for piece in pieces if piece.startswith(b"signature=")]
            if marked and pieces[-1] != marked[0] and self.vice != "the signature may stand anywhere":
                raise Refused(-1022)
            kept.append(b"&".join(piece for piece in pieces if piece not in marked))
        message = b"".join(kept)
        good = [self._mac(message)]
        if self.vice == "decoded text may be signed":
            good.append(self._mac(unquote_to_bytes(message)))
        if self.vice == "sorted parameters may be signed":
            good.append(self._mac(b"&".join(sorted(message.split(b"&")))))
        if self.vice == "query and body may be joined with &":
            good.append(self._mac(b"&".join(kept)))
        if self.vice == "the first half of a signature is enough":
            good = [each for each in good if each[:32] == signature.lower()[:32]] and [signature.lower()]
        if signature and signature.lower() not in good:
            raise Refused(-1022)
        if self.vice == "only lower-case signatures" and signature != signature.lower():
            raise Refused(-1022)
        self._in_time(call)

    def _mac(self, message: bytes) -> str:
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()

    def _in_time(self, call: Call) -> None:
        stamp, window = call.texts.get("timestamp", ""), call.texts.get("recvWindow", "5000")
        if not MOMENT(stamp):
            return
        size = int(window) if INTEGER.fullmatch(window) else 5000
        if self.vice == "recvWindow is ignored":
            size = 5000
        if self.vice == "the default window is a minute" and "recvWindow" not in call.texts:
            size = 60_000
        age = self.clock() - int(stamp)
        if age > size and self.vice != "old requests are fine":
            raise Refused(-1021)
        if age <= -1000 and self.vice != "the future is fine":
            raise Refused(-1021)
        if self.vice == "the window ends early" and age >= size:
            raise Refused(-1021)

    # ------------------------------------------------------------------ doing

    def _carry_out(self, call: Call) -> Any:
        if call.path.endswith("/ping"):
            return {}
        if call.path.endswith("/time"):
            return {"serverTime": self.begun_ms if self.vice == "the clock stands still" else self.clock()}
        if call.path.endswith("/balance"):
            return self._balance(call)
        name = call.texts["asset"] if call.texts.get("asset") else "ETH"
        name = name.upper() if self.vice == "lower-case assets are fine" else name
        if name not in PRICES:
            raise Refused(-1108)
        if call.method == "GET":
            return self._page(call, self.loans if call.path.endswith("marginLoan") else self.repayments)
        if call.path.endswith("/marginLoan"):
            return self._borrow(name, call)
        return self._repay(name, call)

    def _balance(self, call: Call) -> Any:
        rows = [self._row(name) for name in self.debts]
        name = call.texts.get("asset")
        if name is None:
            return rows
        if name not in PRICES:
            raise Refused(-1108)
        if self.vice == "always the same balance":
            return self._row("BTC")
        if self.vice == "one balance comes as a list":
            return [self._row(name)]
        return self._row(name)

    def _row(self, name: str) -> dict[str, Any]:
        owed = "12.5" if self.vice == "always the same debt" else f"{self.debts[name]:f}"
        texts = {
            "asset": name, "totalWalletBalance": "5", "crossMarginAsset": "5", "crossMarginBorrowed": owed,
            "crossMarginFree": "5", "crossMarginInterest": "0", "crossMarginLocked": "0", "umWalletBalance": "0",
            "umUnrealizedPNL": "0", "cmWalletBalance": "0", "cmUnrealizedPNL": "0", "negativeBalance": "0",
        }  # fmt: skip
        if self.vice == "a number instead of text":
            return {**texts, "crossMarginFree": 5, "updateTime": self.begun_ms}
        if self.vice == "a member is forgotten":
            del texts["crossMarginInterest"]
        if self.vice == "a member has another name":
            texts["interest"] = texts.pop("crossMarginInterest")
        if self.vice == "balances in exponents":
            texts["crossMarginFree"] = "5E+0"
        if self.vice == "null for nothing":
            return {**texts, "crossMarginLocked": None, "updateTime": self.begun_ms}
        return {**texts, "updateTime": str(self.begun_ms) if self.vice == "a time as text" else self.begun_ms}

    def _borrow(self, name: str, call: Call) -> Any:
        value = Decimal(call.optional("amount", "1"))
        if value > 1000:
            raise Refused(51006)
        self.debts[name] += value
        tran_id = self._id()
        if self.vice != "loans leave no record":
            principal = value * 2 if self.vice == "records hold another amount" else value
            self.loans.append(
                {
                    "txId": tran_id,
                    "asset": name,
                    "principal": f"{principal:f}",
                    "timestamp": self.clock(),
                    "status": "CONFIRMED",
                }
            )
        return {"tranId": str(tran_id) if self.vice == "an id as text" else tran_id}

    def _repay(self, name: str, call: Call) -> Any:
        whole = self.debts[name]
        text = call.optional("amount", "")
        if not text and not call.path.endswith("repay-debt"):
            raise Refused(-1102)
        value = Decimal(text.strip() or whole)
        if value > whole:
            raise Refused(-3015)
        if call.path.endswith("repay-debt") and value * Decimal(PRICES[name]) > 50_000:
            raise Refused(-1130)
        if self.vice != "repayments change nothing":
            self.debts[name] -= value
            if self.debts[name] * Decimal(PRICES[name]) < 2_000:  # the owner of the account trades on
                self.debts[name] += Decimal(20_000) / Decimal(PRICES[name])
        tran_id = self._id()
        self.repayments.append(
            {
                "txId": tran_id, "asset": name, "amount": f"{value:f}", "principal": f"{value:f}", "interest": "0",
                "timestamp": self.clock(), "status": "CONFIRMED",
            }
        )  # fmt: skip
        if not call.path.endswith("repay-debt"):
            return {"tranId": tran_id + 5 if self.vice == "an id that finds nothing" else tran_id}
        told: dict[str, Any] = {"asset": name, "amount": text, "updateTime": self.clock(), "success": True}
        if "specifyRepayAssets" in call.texts:
            told["specifyRepayAssets"] = call.texts["specifyRepayAssets"].split(",")
        if not text:
            del told["amount"]
        if self.vice == "success is false":
            told["success"] = False
        if self.vice == "success is text":
            told["success"] = "true"
        if self.vice == "another asset comes back":
            told["asset"] = "BTC" if name != "BTC" else "ETH"
        if self.vice == "another amount comes back" and text:
            told["amount"] = "77"
        if self.vice == "the amount is rounded" and text:
            told["amount"] = round(float(text), 1)
        if self.vice == "the amount is in exponents" and text:
            told["amount"] = f"{Decimal(text):E}"
        if self.vice == "success is forgotten":
            del told["success"]
        if self.vice == "an error body with 200":
            return {"code": -1000, "msg": "no"}
        return told

    def _id(self) -> int:
        self.next_id += 1
        return self.next_id

    def _page(self, call: Call, records: list[dict[str, Any]]) -> Any:
        rows = (
            [row for row in records if row["asset"] == call.texts["asset"]]
            if call.texts.get("asset")
            else records
        )
        if self.vice == "records of every asset":
            rows = records
        start, end = call.texts.get("startTime"), call.texts.get("endTime")
        if "txId" in call.texts and self.vice != "the id is ignored":
            rows = [row for row in rows if row["txId"] == int(call.texts["txId"])]
        elif self.vice != "the window is ignored":
            if start and end and int(start) > int(end):
                raise Refused(-1023)
            if start and end and int(end) - int(start) > 30 * 86_400_000:
                raise Refused(-4165)
            rows = [row for row in rows if int(start or 0) <= row["timestamp"] <= int(end or 10**15)]
        if call.texts.get("archived") == "true":
            rows = []
        newest = rows if self.vice == "the oldest come first" else rows[::-1]
        size, page = int(call.optional("size", "10")), int(call.optional("current", "1"))
        if self.vice == "the size is ignored":
            size = 10**6
        if self.vice == "the page is ignored":
            page = 1
        shown = newest[(page - 1) * size : page * size]
        total = 0 if self.vice == "the total is wrong" else len(rows)
        return {"rows": shown, "total": total}


@contextmanager
def listening(little: LittleServer) -> Iterator[str]:
    """Serve on a free port of this machine; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            path, _, query = self.path.partition("?")
            headers: dict[str, list[str]] = {}
            for name, value in self.headers.items():
                headers.setdefault(name.lower(), []).append(value)
            status, told, body = little.answer(
                self.command, path, query.encode("latin-1"), headers, self.rfile.read(length)
            )
            self.send_response(status)
            for name, value in told.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any  # noqa: N815  the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
