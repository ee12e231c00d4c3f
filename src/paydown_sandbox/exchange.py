"""The exchange: one request in, one answer out, no web framework and no event loop.

    path ──> fault? ──> weight ──> key ──> signature ──> clock ──> parameters ──> ledger ──> fault? ──> answer

`Exchange.handle` is synchronous and works in memory. What it changed is collected until
somebody takes it (`Exchange.changes`), so that a server can commit many requests at once and send
their answers after that. Simulations call it directly, on a clock that they move themselves.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Protocol, cast

from paydown_sandbox.amounts import ZERO
from paydown_sandbox.calls import Call, LedgerLine
from paydown_sandbox.clock import Clock
from paydown_sandbox.document import Document, OperationFacts, load_document
from paydown_sandbox.faults import Fault, FaultBook
from paydown_sandbox.keys import ApiKey, KeyRing
from paydown_sandbox.ledger import Account, Transfer
from paydown_sandbox.limits import Admission, IpGate, Window
from paydown_sandbox.operations import HANDLERS
from paydown_sandbox.options import Option, catalogue
from paydown_sandbox.refusal import Refusal
from paydown_sandbox.repayment import RepaymentRules
from paydown_sandbox.request_log import RequestLog, RequestRecord
from paydown_sandbox.state import demo_state, read_world
from paydown_sandbox.validation import Received, Validator, read_received
from paydown_sandbox.wire import RawRequest, RawResponse, html_page
from paydown_sandbox.world import World

__all__ = ["Changes", "Exchange", "Handler"]

_JSON = (b"content-type", b"application/json;charset=UTF-8")
_HTML = (b"content-type", b"text/html")
_FORM = b"application/x-www-form-urlencoded"
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

# A gateway cuts off larger requests before the exchange sees them.
LARGEST_BODY = 65_536
LARGEST_QUERY = 32_768

_LEDGER_IN_MEMORY = 100_000


class Handler(Protocol):
    """Executes one call: refuses before changing anything, or changes the world and answers."""

    def __call__(self, exchange: Exchange, call: Call) -> object: ...


class Changes:
    """What happened since it was last taken, for whoever makes it durable."""

    __slots__ = ("lines", "requests", "world")

    def __init__(self) -> None:
        self.lines: list[LedgerLine] = []
        self.requests: list[RequestRecord] = []
        self.world = False


class _Route:
    __slots__ = ("facts", "gate", "handler", "header", "validator")

    def __init__(
        self, facts: OperationFacts, handler: Handler, validator: Validator, gate: IpGate, header: bytes
    ):
        self.facts = facts
        self.handler = handler
        self.validator = validator
        self.gate = gate
        self.header = header


class Exchange:
    """A double of the exchange around one world.

    Args:
        state: A state document (parsed JSON); the demo state if absent.
        document: The API document; the bundled one if absent.
        clock: What tells the time; a running clock if absent.

    Raises:
        StateError: The state document is wrong.
    """

    def __init__(
        self, state: object | None = None, *, document: Document | None = None, clock: Clock | None = None
    ) -> None:
        self.document = document or load_document()
        self.clock = clock or Clock()
        self.option_catalogue: dict[str, Option] = catalogue(self.document)
        self.faults = FaultBook()
        self.requests = RequestLog()
        self.lines: deque[LedgerLine] = deque(maxlen=_LEDGER_IN_MEMORY)
        self.next_line_id = 1
        self.next_tran_id = 154_266_068_121  # of the size seen live
        self.changes = Changes()
        self.fresh = True
        self._time = self.document.signing["timestamp"]
        self._window = self.document.signing["recv-window"]
        self.future_tolerance_ms = int(self._time["future-tolerance-ms"])
        self.default_recv_window_ms = int(self._window["default"])
        self.maximum_recv_window_ms = int(self._window["maximum"])
        self.world: World
        self.install(read_world(demo_state() if state is None else state, self.option_catalogue))

    # ------------------------------------------------------------------- the world

    def install(self, world: World) -> None:
        """Replace the world; counters, requests, ledger lines and faults start over."""
        self.world = world
        self.faults.disarm()
        self.faults.reseed(world.seed)
        self.requests.clear()
        self.requests.next_id = 1
        self.lines.clear()
        self.next_line_id = 1
        self.changes = Changes()
        self.changes.world = True
        self.fresh = True
        self._busy_until: dict[str, int] = {}
        self._order_windows: dict[str, Window] = {}
        self.apply_options()

    def apply_options(self) -> None:
        """Read the options of the world again, and build what depends on them."""
        world = self.world
        options = world.options
        self.lenient_lists = options.is_set("malformed-payment-assets", "tolerate")
        cap = next(
            (facts.value_cap_usd for facts in self.document.operations if facts.id == "repayDebt"), None
        )
        self.repayment_rules = RepaymentRules.from_options(options, cap)
        self._debt_call_ms = options.integer("debt-call-ms")
        self._queue_debt_calls = options.is_set("concurrent-repay", "queue")
        self._retry_after = options.is_set("retry-after", "present")
        self._wrong_method_405 = options.is_set("wrong-method", "405")
        self._refuse_json = options.is_set("json-body", "refused")
        self._order_scope = options.is_set("repay-weight-scope", "order")
        self._counts_as_order = options.is_set("repay-counts-as-order", "true")
        self._index_key_required = options.is_set("index-price-key", "required")
        gate = IpGate(world.limits)
        self.gate = gate
        self._pools: dict[str, IpGate] = {}
        self._routes: dict[str, dict[str, _Route]] = {}
        for facts in self.document.operations:
            handler = HANDLERS.get(facts.id)
            if handler is None:
                continue
            budget = self.document.limits[facts.weight_budget]
            pool = gate
            if facts.weight_budget != "ip-weight":
                settings = type(world.limits)(
                    weight_per_minute=int(budget["limit"]),
                    fixed_window=world.limits.fixed_window,
                    ban_after_429=world.limits.ban_after_429,
                )
                pool = self._pools[facts.path] = IpGate(settings)
            header = str(budget["header"]).lower().encode()
            route = _Route(facts, handler, Validator(facts, lenient_lists=self.lenient_lists), pool, header)
            self._routes.setdefault(facts.path, {})[facts.method] = route

    def clock_moved(self) -> None:
        """The clock was moved by hand: do what has become due."""

    def counters(self) -> dict[str, str]:
        """The numbers that must go on where they stopped."""
        return {
            "request": str(self.requests.next_id),
            "line": str(self.next_line_id),
            "tran": str(self.next_tran_id),
            "clock_frozen_at_ms": str(self.clock.now_ms()) if self.clock.frozen else "",
            "clock_offset_ms": str(self.clock.offset_ms),
            "dust_usd": str(self.world.ledger.dust_usd),
        }

    def restore_counters(self, counters: Mapping[str, str]) -> None:
        """Go on from what `counters` said when it was written down."""
        self.requests.next_id = int(counters.get("request", "1"))
        self.next_line_id = int(counters.get("line", "1"))
        self.next_tran_id = int(counters.get("tran", str(self.next_tran_id)))
        frozen = counters.get("clock_frozen_at_ms", "")
        self.clock.restore(int(frozen) if frozen else None, int(counters.get("clock_offset_ms", "0")))

    def forget_changes(self) -> None:
        """Drop what was collected, where nothing makes it durable."""
        self.changes = Changes()
        self.world.ledger.touched.clear()
        self.world.ledger.house_touched.clear()

    def take_changes(self) -> Changes:
        """Hand over what happened since the last call."""
        taken = self.changes
        self.changes = Changes()
        return taken

    # ------------------------------------------------------------------- answering

    def handle(self, request: RawRequest) -> RawResponse:
        """Answer one request. Never raises for anything a client can send."""
        now_ms = self.clock.now_ms()
        held = request.held
        if isinstance(held, RequestRecord):
            record = held
        else:
            held = None
            record = self.requests.open(
                now_ms, request.method, request.path, request.query, request.body, request.client_ip
            )
        response = self._answer(request, record, held is not None, now_ms)
        if response.action == "again":
            response.held = record
        else:
            self.changes.requests.append(record)
        return response

    def release(self, account: str) -> None:
        """The answer that kept `account` busy is out."""
        self._busy_until.pop(account, None)

    def _answer(self, request: RawRequest, record: RequestRecord, held: bool, now_ms: int) -> RawResponse:
        methods = self._routes.get(request.path)
        route = methods.get(request.method) if methods is not None else None
        if route is None:
            record.verdict = "unknown-path"
            if methods is not None and self._wrong_method_405:
                page = self._page(record, 405, "Not Allowed", now_ms)
                page.headers.append((b"allow", ", ".join(methods).encode()))
                return page
            return self._page(record, 404, "Not Found", now_ms)
        if len(request.body) > LARGEST_BODY:
            return self._page(record, 413, "Request Entity Too Large", now_ms)
        if len(request.query) > LARGEST_QUERY:
            return self._page(record, 414, "Request-URI Too Large", now_ms)
        facts = route.facts
        record.operation = facts.id
        fault: Fault | None = None
        if self.faults.armed and not held:
            fault, skew = self.faults.find(self._fault_facts(request, facts), now_ms)
            if skew is not None:
                FaultBook.strike(skew)
                record.fault = skew.name
                now_ms += skew.skew_ms
            if fault is not None and fault.kind in ("gateway", "passage"):
                FaultBook.strike(fault)
                record.fault = fault.name
                return self._gateway_fault(fault, record, route, request.client_ip, now_ms)

        ip = request.client_ip
        weight = self._weight(facts, request)
        admission = route.gate.admit(ip, weight, now_ms)
        record.weight = weight
        if admission.status != 200:
            return self._limited(record, route, admission, ip, now_ms)
        headers = [_JSON, (route.header, b"%d" % admission.used)]
        call: Call | None = None
        try:
            call = self._authenticated(request, route, record, now_ms, headers)
            if fault is not None and fault.kind == "refused":
                FaultBook.strike(fault)
                record.fault = fault.name
                return self._refused_fault(fault, record, headers, call)
            result = route.handler(self, call)
        except Refusal as refusal:
            return self._refused(record, refusal, headers, ip)
        except _Busy as busy:
            route.gate.refund(ip, weight, now_ms)
            return RawResponse(0, [], b"", "again", busy.wait_ms)
        record.status = 200
        if call.lines:
            record.verdict = "executed"
            record.ledger_ids = tuple(line.id for line in call.lines)
        else:
            record.verdict = "answered"
        body = _encode(result).encode()
        if fault is not None:
            FaultBook.strike(fault)
            record.fault = fault.name
            response = self._executed_fault(fault, record, headers, result, body)
        else:
            headers.append((b"content-length", b"%d" % len(body)))
            response = RawResponse(200, headers, body)
        if call.lines:
            response.durable = True
            response.delay_ms += self._debt_call_ms if call.debt_call else 0
            if call.debt_call and response.delay_ms:
                self._busy_until[call.owner.id] = self.clock.now_ms() + response.delay_ms
                response.release = call.owner.id
        return response

    # ------------------------------------------------------------------- admission

    def _weight(self, facts: OperationFacts, request: RawRequest) -> int:
        weight = facts.weight
        for case in facts.weight_cases:
            prefix = case.parameter.encode() + b"="
            present = request.query.startswith(prefix) or b"&" + prefix in request.query
            if present == case.present:
                weight = case.value
        if self._order_scope and facts.id == "repayDebt":
            return 0
        return weight

    def _authenticated(
        self,
        request: RawRequest,
        route: _Route,
        record: RequestRecord,
        now_ms: int,
        headers: list[tuple[bytes, bytes]],
    ) -> Call:
        """Check key, signature, clock and parameters; in this order."""
        facts = route.facts
        key_text: bytes | None = None
        content_type = b""
        for name, value in request.headers:
            if name == b"x-mbx-apikey":
                if key_text is not None:
                    raise Refusal(-2014, reason="the key header was sent twice")
                key_text = value
            elif name == b"content-type":
                content_type = value
        key: ApiKey | None = None
        if facts.api_key and (key_text or facts.security_type != "MARKET_DATA" or self._index_key_required):
            text = key_text.decode("latin-1") if key_text else ""
            if not KeyRing.well_formed(text):
                raise Refusal(-2014, reason="the key header is missing or malformed")
            key = self.world.keys.find(text)

        received = self._received(request, content_type)
        signed = facts.signed
        if signed:
            if "timestamp" not in received.parameters:
                raise Refusal(-1102, parameter="timestamp", reason="missing")
            if received.signature is None:
                record.signature = "missing"
                raise Refusal(-1102, parameter="signature", reason="missing")
            if not received.signature:
                raise Refusal(-1105, parameter="signature", reason="empty")
            if not received.parameters["timestamp"]:
                raise Refusal(-1105, parameter="timestamp", reason="empty")
        account: Account | None = None
        if key is not None:
            record.account = key.account
            account = self.world.ledger.accounts[key.account]
            if not key.allows_ip(request.client_ip):
                raise Refusal(-2015, reason="this address is not on the key's list")
            if not key.allows(facts.security_type):
                raise Refusal(-2015, reason=f"the key lacks the permission for {facts.security_type}")
        elif facts.api_key and (key_text or facts.security_type != "MARKET_DATA" or self._index_key_required):
            raise Refusal(-2015, reason="no such key")

        if key is not None and received.signature is not None and (signed or facts.signature_tolerated):
            if not key.verifier.verify(received.message, received.signature):
                record.signature = "invalid"
                raise Refusal(-1022, reason="the signature does not fit the bytes")
            record.signature = "valid"
            if signed or "timestamp" in received.parameters:
                self._check_time(received.parameters, now_ms)
        else:
            record.signature = "not-needed"
            if received.signature is not None:
                raise Refusal(-1103, reason="this call takes no signature")
        arguments = route.validator.arguments(received.parameters)
        call = Call(facts, account, arguments, received.parameters, now_ms, record.id)
        if account is not None and (facts.id == "repayDebt" and (self._order_scope or self._counts_as_order)):
            self._count_order(account, facts, now_ms, headers)
        return call

    def _received(self, request: RawRequest, content_type: bytes) -> Received:
        body = request.body
        if not body:
            return read_received(request.query, b"")
        form = content_type.partition(b";")[0].strip().lower() == _FORM
        if form and request.method != "GET":
            return read_received(request.query, body)
        if self._refuse_json:
            raise Refusal(-1013, reason="the body is not a form")
        # The bytes still count for the signature; the parameters in them are not read.
        received = read_received(request.query, b"")
        return Received(received.parameters, received.signature, received.message + body)

    def _check_time(self, parameters: Mapping[str, str], now_ms: int) -> None:
        window_ms = self.default_recv_window_ms
        text = parameters.get("recvWindow")
        if text is not None:
            if not text:
                raise Refusal(-1105, parameter="recvWindow", reason="empty")
            if not (text.isascii() and text.isdigit()) or (text[0] == "0" and len(text) > 1):
                raise Refusal(-1100, parameter="recvWindow", reason="not a whole number")
            window_ms = int(text) if len(text) < 20 else self.maximum_recv_window_ms + 1
            if not 1 <= window_ms <= self.maximum_recv_window_ms:
                raise Refusal(-1130, parameter="recvWindow", reason="out of range")
        text = parameters["timestamp"]
        if not (text.isascii() and text.isdigit()) or (text[0] == "0" and len(text) > 1) or len(text) > 19:
            raise Refusal(-1102, parameter="timestamp", reason="not a whole number")
        timestamp = int(text)
        if timestamp >= now_ms + self.future_tolerance_ms:
            raise Refusal(-1021, text="msg-ahead", reason="ahead of the exchange's clock")
        if now_ms - timestamp > window_ms:
            raise Refusal(-1021, reason="older than its recvWindow")

    def _count_order(
        self, account: Account, facts: OperationFacts, now_ms: int, headers: list[tuple[bytes, bytes]]
    ) -> None:
        """Charge the order counter of the account, by the reading that the options choose."""
        limits = self.world.limits
        window = self._order_windows.get(account.id)
        if window is None:
            window = self._order_windows[account.id] = Window(fixed=limits.fixed_window)
        # Read as Order, 3000 cannot be literal against 1200 per minute; it is then counted
        # per account against the same 6000 that the weight would have been counted against.
        cost, limit = (
            (facts.weight, limits.weight_per_minute) if self._order_scope else (1, limits.orders_per_minute)
        )
        if window.used(now_ms) + cost > limit:
            raise Refusal(-1015, limit=limit, reason="the order budget is spent")
        headers.append((b"x-mbx-order-count-1m", b"%d" % window.add(now_ms, cost)))

    # ------------------------------------------------------------------- what handlers use

    def lock_debt_calls(self, call: Call) -> None:
        """Mark a borrow or repayment; refuse it while another one of the account is still running."""
        call.debt_call = True
        account = call.owner
        until = self._busy_until.get(account.id)
        if until is None:
            return
        now_ms = self.clock.now_ms()
        if now_ms >= until:
            del self._busy_until[account.id]
        elif self._queue_debt_calls:
            raise _Busy(until - now_ms)
        else:
            raise Refusal(51007, reason="another borrow or repayment of this account is still running")

    def book(
        self,
        call: Call,
        asset: str | None,
        interest: Decimal = ZERO,
        principal: Decimal = ZERO,
        transfers: list[Transfer] | None = None,
        tran_id: int | None = None,
        note: str = "",
    ) -> LedgerLine:
        """Write down what was just executed. `interest` and `principal` are what the debt fell by."""
        line = LedgerLine(
            self.next_line_id, call.now_ms, call.owner.id, call.facts.id, asset, call.request,
            interest, principal, transfers or [], tran_id, note,
        )  # fmt: skip
        self.next_line_id += 1
        self.lines.append(line)
        self.changes.lines.append(line)
        call.lines.append(line)
        return line

    # ------------------------------------------------------------------- answers that say no

    def _page(self, record: RequestRecord, status: int, reason: str, now_ms: int) -> RawResponse:
        body = html_page(status, reason)
        record.status = status
        used = self.gate.used(record.ip, now_ms)
        headers = [_HTML, (b"x-mbx-used-weight-1m", b"%d" % used), (b"content-length", b"%d" % len(body))]
        return RawResponse(status, headers, body)

    def _error(
        self,
        record: RequestRecord,
        code: int,
        headers: list[tuple[bytes, bytes]],
        *,
        text: str = "msg",
        status: int | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> RawResponse:
        row = self.document.errors[code]
        template = row.msg if text == "msg" else row.extra.get(text, row.msg)
        for name, value in (fields or {}).items():
            template = template.replace("{" + name + "}", str(value))
        record.status = status or row.status
        record.code = code
        body = _encode({"code": code, "msg": template}).encode()
        return RawResponse(record.status, [*headers, (b"content-length", b"%d" % len(body))], body)

    def _refused(
        self, record: RequestRecord, refusal: Refusal, headers: list[tuple[bytes, bytes]], ip: str
    ) -> RawResponse:
        record.verdict = "refused"
        record.reason = refusal.reason
        fields = {"ip": ip, "parameter": "", "limit": "", "until": "", **refusal.fields}
        return self._error(
            record, refusal.code, headers, text=refusal.text, status=refusal.status, fields=fields
        )

    def _limited(
        self, record: RequestRecord, route: _Route, admission: Admission, ip: str, now_ms: int
    ) -> RawResponse:
        record.weight = 0
        record.reason = "banned" if admission.status == 418 else "the weight of the minute is spent"
        headers = [_JSON, (route.header, b"%d" % admission.used)]
        if self._retry_after:
            headers.append((b"retry-after", b"%d" % max(1, -((now_ms - admission.until_ms) // 1000))))
        return self._error(
            record,
            -1003,
            headers,
            text="msg-418" if admission.status == 418 else "msg",
            status=admission.status,
            fields={"limit": route.gate.settings.weight_per_minute, "until": admission.until_ms, "ip": ip},
        )

    # ------------------------------------------------------------------- faults

    def _fault_facts(self, request: RawRequest, facts: OperationFacts) -> dict[str, str]:
        """What a fault can match on. Read leniently: nothing has been checked yet."""
        found = {
            "method": request.method,
            "path": request.path,
            "operation": facts.id,
            "ip": request.client_ip,
        }
        if any(fault.match.keys() & {"asset", "account"} for fault in self.faults.armed):
            with suppress(Refusal):
                found["asset"] = read_received(request.query, request.body).parameters.get("asset", "")
            for name, value in request.headers:
                if name == b"x-mbx-apikey":
                    key = self.world.keys.find(value.decode("latin-1"))
                    if key is not None:
                        found["account"] = key.account
        return found

    def _gateway_fault(
        self, fault: Fault, record: RequestRecord, route: _Route, ip: str, now_ms: int
    ) -> RawResponse:
        """The request does not reach the exchange, or only later."""
        name = fault.name
        record.verdict = "not-executed"
        if name == "delay_before":
            return RawResponse(0, [], b"", "again", fault.delay_ms)
        if name == "reset_before":
            record.answer = "reset"
            return RawResponse(0, [], b"", "reset", fault.delay_ms)
        used = (route.header, b"%d" % route.gate.used(ip, now_ms))
        if name == "waf_403_html":
            response = self._page(record, fault.status or 403, "Forbidden", now_ms)
        elif name == "service_unavailable_503":
            response = self._json_answer(record, 503, [used], {"code": -1000, "msg": "Service Unavailable."})
        elif name == "throttled_1008":
            response = self._error(record, -1008, [_JSON, used], status=fault.status)
        else:
            banned = name == "banned_418"
            until = now_ms + (fault.ban_ms if banned else 60_000)
            admission = Admission(418 if banned else 429, route.gate.used(ip, now_ms), until)
            response = self._limited(record, route, admission, ip, now_ms)
            record.reason = "a fault said so"
        response.delay_ms = fault.delay_ms
        return response

    def _refused_fault(
        self, fault: Fault, record: RequestRecord, headers: list[tuple[bytes, bytes]], call: Call
    ) -> RawResponse:
        """The request was checked and charged, and is not executed."""
        name = fault.name
        record.verdict = "not-executed"
        if name == "success_false_not_executed":
            response = self._json_answer(
                record,
                200,
                headers[1:],
                {"asset": call.texts.get("asset", ""), "updateTime": call.now_ms, "success": False},
            )
        else:
            response = self._unknown_answer(fault, record, headers)
        response.delay_ms = fault.delay_ms
        return response

    def _executed_fault(
        self,
        fault: Fault,
        record: RequestRecord,
        headers: list[tuple[bytes, bytes]],
        result: object,
        body: bytes,
    ) -> RawResponse:
        """The request was executed; its answer is lost, late or spoilt."""
        name = fault.name
        if name == "executed_then_reset":
            record.answer = "reset"
            response = RawResponse(0, [], b"", "reset")
        elif name == "truncated_body_executed":
            record.answer = "truncated"
            headers.append((b"content-length", b"%d" % len(body)))
            response = RawResponse(200, headers, body, "truncate")
        elif name == "gateway_502_html_executed":
            page = html_page(fault.status or 502, "Bad Gateway")
            record.status = fault.status or 502
            response = RawResponse(record.status, [_HTML, (b"content-length", b"%d" % len(page))], page)
        elif name in ("executed_then_503", "timeout_1007_executed", "unexpected_1006_executed"):
            response = self._unknown_answer(fault, record, headers)
        else:
            spoilt = _spoilt(name, result, body)
            headers.append((b"content-length", b"%d" % len(spoilt)))
            response = RawResponse(200, headers, spoilt)
        if name != "executed_then_delay" and response.action == "send":
            record.answer = "spoilt"
        response.delay_ms = fault.delay_ms
        return response

    def _unknown_answer(
        self, fault: Fault, record: RequestRecord, headers: list[tuple[bytes, bytes]]
    ) -> RawResponse:
        """An error that, executed or not, reads the same."""
        name = fault.name
        if name in ("executed_then_503", "not_executed_503_unknown"):
            text = "Unknown error, please check your request or try again later."
            return self._json_answer(record, fault.status or 503, headers[1:], {"code": -1000, "msg": text})
        if name.startswith("timeout_1007"):
            return self._error(record, -1007, headers, status=fault.status or 408)
        if name.startswith("unexpected_1006"):
            return self._error(record, -1006, headers, status=fault.status or 500)
        if name == "busy_51998_not_executed":
            return self._error(record, 51998, headers, status=fault.status)
        return self._error(record, 51007, headers, status=fault.status)

    def _json_answer(
        self,
        record: RequestRecord,
        status: int,
        headers: list[tuple[bytes, bytes]],
        content: dict[str, object],
    ) -> RawResponse:
        body = _encode(content).encode()
        record.status = status
        code = content.get("code")
        record.code = code if isinstance(code, int) else None
        return RawResponse(status, [_JSON, *headers, (b"content-length", b"%d" % len(body))], body)


class _Busy(Exception):
    def __init__(self, wait_ms: int) -> None:
        super().__init__(wait_ms)
        self.wait_ms = wait_ms


def _spoilt(name: str, result: object, body: bytes) -> bytes:
    """The answer of an executed request, changed in the way the fault names."""
    if name == "malformed_json_executed":
        return body[: max(1, len(body) // 2)]
    if not isinstance(result, dict):
        return body
    members = cast(dict[str, object], result)
    if name == "success_without_amount":
        return _encode({key: value for key, value in members.items() if key != "amount"}).encode()
    if name == "extra_field":
        return _encode({**members, "sandboxExtraField": {"nested": [1, "2"]}}).encode()
    if name == "amount_as_number" and isinstance(members.get("amount"), str):
        # Spelled out by hand: a float would round it.
        marked = _encode({**members, "amount": 0})
        return marked.replace('"amount":0', f'"amount":{members["amount"]}', 1).encode()
    return body
