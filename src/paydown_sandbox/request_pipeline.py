"""The steps of a request through the sandbox, in order. Read this module from top to bottom.

    route ─> fault ─> limit ─> outage ─> authenticate ─> validate ─> fault ─> count ─> execute ─> encode ─> fault

Each step either lets the request go on or ends its way with a reply. A step that finds the request wrong raises
`Refusal`, which becomes the error of that code; a call that must wait for another one raises `AccountBusy`.

The order of the steps is part of what a client can observe. The weight is charged before anything is checked, because
answers 400 and 401 count as well (`counted-on-error` of the document). Hard caps and orders are counted after the
checks and after a fault that keeps the request from being executed, so that a refused call costs none of them. The
first fault is one of the gateway, which no check has seen; the second one stands in place of the execution; the last
one loses or spoils an answer that is complete, because the call has been executed and its money has moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from paydown_sandbox.behaviour.behaviour import Behaviour
from paydown_sandbox.bundled_document import Document
from paydown_sandbox.call_record import Call
from paydown_sandbox.checks.authentication import Gatekeeper
from paydown_sandbox.checks.parameter_checks import read_received
from paydown_sandbox.checks.rate_limits import Admission, IpGate
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.faults.fault_effects import fault_error, not_executed, spoilt
from paydown_sandbox.faults.faults import LOSING, Fault, FaultBook
from paydown_sandbox.http_messages import Drop, RawRequest, RawResponse, Reply, Retry
from paydown_sandbox.json_text import encode
from paydown_sandbox.market_state import MarketState
from paydown_sandbox.operations.answers import JSON, Answers, Headers
from paydown_sandbox.operations.budgets import Budgets
from paydown_sandbox.operations.busy_accounts import AccountBusy
from paydown_sandbox.operations.registry import build_encoders, build_handlers
from paydown_sandbox.operations.routes import SHARED_BUDGET, Route, build_routes, header_name
from paydown_sandbox.request_log import RequestRecord

__all__ = ["LARGEST_BODY", "LARGEST_QUERY", "RequestPipeline"]

# A gateway cuts off larger requests before they reach the exchange.
LARGEST_BODY = 65_536
LARGEST_QUERY = 32_768

# How long a fault bans an address, or makes it wait, if the fault itself names no time.
_BAN_MS = 120_000
_WAIT_MS = 60_000


@dataclass(slots=True)
class _Visit:
    """One request on its way through the sandbox.

    Attributes:
        request: The raw request.
        record: Its record in the request log.
        route: The route of its operation.
        counted_ms: The clock of budgets and bans, milliseconds UTC.
        now_ms: The clock that reads timestamps; a fault can shift it, and then `counted_ms` stays where it was.
        headers: The headers of the answer so far.
        fault: The fault that strikes it, if one does.
    """

    request: RawRequest
    record: RequestRecord
    route: Route
    counted_ms: int
    now_ms: int
    headers: Headers
    fault: Fault | None = None


class RequestPipeline:
    """Answer requests about one market under its present options. New options need a new pipeline.

    Args:
        document: The API document.
        market: The state that calls read and change.
        behaviour: The parts that the options call for.
        budgets: The budgets that calls are charged to.
        faults: The armed faults.
    """

    def __init__(
        self,
        document: Document,
        market: MarketState,
        behaviour: Behaviour,
        budgets: Budgets,
        faults: FaultBook,
    ) -> None:
        options = market.options
        self._market = market
        self._outages = behaviour.outages
        self._lost_answers = behaviour.lost_answers
        self._repay_answers = behaviour.answers
        self._budgets = budgets
        self._faults = faults
        self._answers = Answers(document, options)
        self._gatekeeper = Gatekeeper(document, options, market.world.keys)
        self._shared_gate = IpGate(market.world.limits)
        self._shared_header = header_name(document, SHARED_BUDGET)
        self._routes = build_routes(
            document,
            market.world,
            self._shared_gate,
            build_handlers(market, behaviour),
            build_encoders(behaviour),
        )
        budgets.follow(self._routes, self._shared_gate)
        self._debt_call_ms = options.span("debt-call-ms")
        self._wrong_method_405 = options.is_set("wrong-method", "405")

    def reply(self, request: RawRequest, record: RequestRecord, now_ms: int, *, held: bool) -> Reply:
        """Take one request through all steps. No request can make this raise.

        Args:
            request: The request.
            record: Its record in the log, which every step fills in.
            now_ms: Now, milliseconds UTC.
            held: Whether it waited and is handed in again; then no further fault strikes it.
        """
        methods = self._routes.get(request.path)
        route = methods.get(request.method) if methods is not None else None
        if route is None or len(request.body) > LARGEST_BODY or len(request.query) > LARGEST_QUERY:
            return self._turn_away(request, record, methods, route, now_ms)
        record.operation = route.facts.id
        visit = _Visit(request, record, route, now_ms, now_ms, [])
        early = self._meet_fault(visit) if self._faults.armed and not held else None
        early = early or self._limit(visit)
        if early is None and self._outages is not None:
            early = self._outages.response(self._answers, route.facts, record, visit.headers)
        if early is not None:
            return early
        try:
            call = self._authenticate_and_validate(visit)
            if visit.fault is not None:
                early = self._strike_before_execution(visit, visit.fault, call)
                if early is not None:
                    return early
            if call.account is not None:
                self._budgets.count(route, call.account, record, visit.headers, visit.counted_ms)
            result = route.handler(call)
        except Refusal as refusal:
            return self._refuse(visit, refusal)
        except AccountBusy as busy:
            return self._queue(visit, busy)
        return self._hold_back(call, self._encode(visit, call, result))

    # ------------------------------------------------------------------ steps before any check

    def _turn_away(
        self,
        request: RawRequest,
        record: RequestRecord,
        methods: Mapping[str, Route] | None,
        route: Route | None,
        now_ms: int,
    ) -> RawResponse:
        """Answer a request that reaches no operation: an unknown path or method, or too many bytes."""
        header = self._shared_header if route is None else route.header
        gate = self._shared_gate if route is None else route.gate
        headers: Headers = [(header, b"%d" % gate.used(record.ip, now_ms))]
        record.verdict = "unknown-path" if route is None else "refused"
        if route is not None:
            # The pages list no 413 or 414, so a request that is too large is answered by the firewall.
            record.reason = "the body or the query is too large"
            return self._answers.page(record, 403, "Forbidden", headers)
        if methods is not None and self._wrong_method_405:
            headers.append((b"allow", ", ".join(methods).encode()))
            return self._answers.page(record, 405, "Not Allowed", headers)
        return self._answers.page(record, 404, "Not Found", headers)

    def _meet_fault(self, visit: _Visit) -> Reply | None:
        """Find the fault that strikes a request. A shifted clock and a fault of the gateway strike at once."""
        facts = self._fault_facts(visit.request, visit.route)
        mutates = visit.route.facts.mutates
        fault, skew = self._faults.find(facts, visit.now_ms, changes=mutates)
        if skew is not None:
            _strike(skew, visit.record)
            visit.now_ms += skew.skew_ms
        visit.fault = fault
        if fault is None or fault.kind not in ("gateway", "passage"):
            return None
        return self._strike_at_gateway(visit, fault)

    def _fault_facts(self, request: RawRequest, route: Route) -> dict[str, str]:
        """Return the facts that a fault can match on, read leniently, because nothing has been checked yet."""
        found = {
            "method": request.method,
            "path": request.path,
            "operation": route.facts.id,
            "ip": request.client_ip,
        }
        if any(fault.match.keys() & {"asset", "account"} for fault in self._faults.armed):
            with suppress(Refusal):
                found["asset"] = read_received(request.query, request.body).parameters.get("asset", "")
            for name, value in request.headers:
                if name == b"x-mbx-apikey":
                    key = self._market.world.keys.find(value)
                    if key is not None:
                        found["account"] = key.account
        return found

    def _strike_at_gateway(self, visit: _Visit, fault: Fault) -> Reply:
        """Keep a request from the exchange, or let it arrive there late."""
        record, route, now_ms = visit.record, visit.route, visit.counted_ms
        _strike(fault, record)
        record.verdict = "not-executed"
        if fault.name == "delay_before":
            return Retry(fault.delay_ms)
        if fault.name == "reset_before":
            record.answer = "reset"
            return Drop("reset", fault.delay_ms)
        used = route.gate.used(record.ip, now_ms)
        headers: Headers = [(route.header, b"%d" % used)]
        if fault.name == "waf_403_html":
            response = self._answers.page(record, fault.status or 403, "Forbidden", headers)
        elif fault.name in ("rate_limited_429", "banned_418"):
            banned = fault.name == "banned_418"
            until_ms = now_ms + (_BAN_MS if banned else _WAIT_MS)
            if banned and fault.ban_ms is not None:
                until_ms = now_ms + fault.ban_ms
                route.gate.ban(record.ip, until_ms)
            admission = Admission(418 if banned else 429, used, until_ms)
            limit = route.gate.settings.weight_per_minute
            response = self._answers.limited(record, admission, limit, route.header, now_ms)
            if fault.status is not None:
                response.status = record.status = fault.status
        else:
            response = fault_error(self._answers, fault, record, headers)
        response.delay_ms = fault.delay_ms
        return response

    def _limit(self, visit: _Visit) -> RawResponse | None:
        """Charge the weight of a request to its address, or refuse it with 429 or 418."""
        record, route = visit.record, visit.route
        weight = route.cost(visit.request.query) if route.cases else route.weight
        admission = route.gate.admit(visit.request.client_ip, weight, visit.counted_ms)
        if admission.status == 200:
            record.weight = weight
            visit.headers.append((route.header, b"%d" % admission.used))
            return None
        record.weight = 0
        record.reason = "banned" if admission.status == 418 else "the weight of the minute is spent"
        limit = route.gate.settings.weight_per_minute
        return self._answers.limited(record, admission, limit, route.header, visit.counted_ms)

    # ------------------------------------------------------------- steps of checking and executing

    def _authenticate_and_validate(self, visit: _Visit) -> Call:
        """Check key, signature and clock, then the parameters; return the call that the request makes."""
        record, route, now_ms = visit.record, visit.route, visit.now_ms
        # A request that waited in the queue is checked by the time at which it came, so its timestamp does not grow old
        # there.
        read_ms = record.time_ms if record.queued else now_ms
        key, parameters = self._gatekeeper.admit(visit.request, route.facts, record, read_ms)
        arguments = route.validator.arguments(parameters)
        account = None if key is None else self._market.world.ledger.accounts[key.account]
        return Call(route.facts, account, arguments, parameters, now_ms, record.id)

    def _strike_before_execution(self, visit: _Visit, fault: Fault, call: Call) -> RawResponse | Drop | None:
        """Answer a request that was checked and charged without executing it, if its fault demands that."""
        kind = self._lost_answers.kind() if fault.name == "answer_lost" else fault.kind
        if kind != "refused":
            call.answer_lost = fault.name in LOSING
            return None
        record, headers, asset = visit.record, visit.headers, call.texts.get("asset", "")
        _strike(fault, record)
        record.verdict = "not-executed"
        if fault.name == "answer_lost":
            body = encode({"asset": asset, "updateTime": call.now_ms, "success": True})
            return self._lost_answers.reply(self._answers, fault, record, headers, body.encode())
        response = not_executed(self._answers, fault, record, headers, asset, call.now_ms)
        response.delay_ms = fault.delay_ms
        return response

    def _refuse(self, visit: _Visit, refusal: Refusal) -> RawResponse:
        """Answer a request that a check or its handler refused."""
        record = visit.record
        record.verdict = "refused"
        record.reason = refusal.reason
        return self._answers.error(
            record,
            refusal.code,
            visit.headers,
            server=visit.route.facts.server,
            text=refusal.text,
            status=refusal.status,
            fields={"ip": record.ip, **refusal.fields},
        )

    def _queue(self, visit: _Visit, busy: AccountBusy) -> Retry:
        """Let a call wait until another call of its account is done; its weight is charged when it comes again."""
        record = visit.record
        visit.route.gate.refund(visit.request.client_ip, record.weight, visit.counted_ms)
        record.queued = True
        return Retry(busy.wait_ms)

    # ---------------------------------------------------------------- steps of answering

    def _encode(self, visit: _Visit, call: Call, result: object) -> RawResponse | Drop:
        """Write the answer to an executed call, as a fault or a choice changes it."""
        record, headers, fault = visit.record, visit.headers, visit.fault
        record.status = 200
        lines = call.lines
        if lines:
            record.verdict = "executed"
            record.ledger_ids = (lines[0].id,) if len(lines) == 1 else tuple(line.id for line in lines)
        else:
            record.verdict = "answered"
        body = visit.route.encode(result).encode()
        if call.answer_writer is not None:
            return call.answer_writer(self._answers, record, headers)
        if fault is not None:
            _strike(fault, record)
            if fault.name == "answer_lost":
                return self._lost_answers.reply(self._answers, fault, record, headers, body)
            reply = spoilt(self._answers, fault, record, headers, result, body)
            reply.delay_ms = fault.delay_ms
            return reply
        if self._repay_answers is not None and call.facts.id == "repayDebt":
            return self._repay_answers.response(self._answers, record, headers, result, body)
        headers.append(JSON)
        headers.append((b"content-length", b"%d" % len(body)))
        return RawResponse(200, headers, body)

    def _hold_back(self, call: Call, reply: RawResponse | Drop) -> RawResponse | Drop:
        """Keep the account of a borrow or repayment busy for as long as the answer is held back."""
        if call.debt_call and (call.lines or call.accepted):
            if self._debt_call_ms.most:
                reply.delay_ms += self._debt_call_ms.draw(self._market.chances)
            if reply.delay_ms:
                reply.release = call.owner.id
                self._market.busy.hold(call.owner.id, reply.delay_ms)
        return reply


def _strike(fault: Fault, record: RequestRecord) -> None:
    fault.struck += 1
    record.fault = fault.name
