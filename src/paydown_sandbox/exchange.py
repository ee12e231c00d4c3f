"""The exchange: one request in, one answer out, no web framework and no event loop.

    path ─> fault? ─> weight ─> key, signature, clock ─> parameters ─> fault? ─> books ─> fault? ─> answer

`Exchange.handle` is synchronous and works in memory. What it changed is collected until
somebody takes it (`Exchange.changes`), so that a server can commit many requests at once and send
their answers after that. Simulations call it directly, on a clock that they move themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal

from paydown_sandbox.behaviour.behaviour import Conduct
from paydown_sandbox.books.bookkeeping import Books, Changes
from paydown_sandbox.books.exact_amounts import EXACT
from paydown_sandbox.books.ledger import Account
from paydown_sandbox.bundled_document import Document, OperationFacts, load_document
from paydown_sandbox.call_record import Call
from paydown_sandbox.checks.authentication import Gatekeeper
from paydown_sandbox.checks.parameter_checks import read_received
from paydown_sandbox.checks.rate_limits import Admission, Charge, IpGate, Standing, Window
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.choices.settings import Option, catalogue
from paydown_sandbox.faults.fault_effects import JSON, Answers, Headers
from paydown_sandbox.faults.faults import LOSING, Fault, FaultBook, FaultKind
from paydown_sandbox.http_messages import RawRequest, RawResponse
from paydown_sandbox.json_text import encode
from paydown_sandbox.operations.repayment_rules import RepaymentRules
from paydown_sandbox.operations.routes import Route, build_routes
from paydown_sandbox.request_log import RequestLog, RequestRecord
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.scheduler import Accrual
from paydown_sandbox.state.state_reader import demo_state, read_world
from paydown_sandbox.state.world import World

__all__ = ["LARGEST_BODY", "LARGEST_QUERY", "Exchange"]

# A gateway cuts off larger requests before the exchange sees them.
LARGEST_BODY = 65_536
LARGEST_QUERY = 32_768

_MOVEMENT_LATE_MS = 30_000


class _Busy(Exception):
    def __init__(self, wait_ms: int) -> None:
        super().__init__(wait_ms)
        self.wait_ms = wait_ms


class Exchange(Books):
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
        self.option_catalogue: Mapping[str, Option] = catalogue(self.document)
        self.faults = FaultBook()
        self.requests = RequestLog()
        super().__init__(int(self.document.stream["key-lifetime-ms"]))
        self.install(read_world(demo_state() if state is None else state, self.option_catalogue))

    # ------------------------------------------------------------------- the world

    def install(self, world: World) -> None:
        """Replace the world; counters, requests, ledger lines, records and faults start over."""
        self.world = world
        self.start_over(world)
        self.faults.disarm()
        self.faults.reseed(world.seed)
        self.requests.start_over()
        self.changes = Changes()
        self.changes.world = True
        self.fresh = True
        self._busy_until: dict[str, int] = {}
        self._order_windows: dict[str, Window] = {}
        self.accrual = Accrual(self, self.clock.now_ms())
        self.conduct = Conduct(self)
        self.apply_options()

    def apply_options(self) -> None:
        """Read the options of the world again, and build what depends on them."""
        world = self.world
        options = world.options
        self.lenient_lists = options.is_set("malformed-payment-assets", "tolerate")
        caps = {facts.id: facts.value_cap_usd for facts in self.document.operations}
        self.repayment_rules = RepaymentRules.from_options(options, caps.get("repayDebt"))
        self.whole_debt_amount = options.is_set("whole-debt-answer-amount", "present")
        self.record_repay_debt = options.is_set("repay-debt-record", "record")
        self.flow_repay_debt = options.is_set("repay-debt-flow", "row")
        self.reject_unfiltered_records = options.is_set("records-without-filter", "reject")
        self.flow_oldest_first = options.is_set("capital-flow-order", "oldest-first")
        self.zeros_for_unknown_assets = options.is_set("unknown-asset-balance", "zeros")
        self.balance_of_all_assets = options.is_set("balance-array-holds", "all")
        self.empty_unknown_prices = options.is_set("unknown-asset-index-price", "empty")
        self._debt_call_ms = options.span("debt-call-ms")
        self._queue_debt_calls = options.is_set("concurrent-repay", "queue")
        self._wrong_method_405 = options.is_set("wrong-method", "405")
        self._order_scope = options.is_set("repay-weight-scope", "order")
        self._counts_as_order = options.is_set("repay-counts-as-order", "true") or options.is_set(
            "repay-weight-scope", "orders"
        )
        self._counts_orders = self._order_scope or self._counts_as_order
        self.window_too_long_code = options.integer("window-too-long-code")
        self.total_of = options.text("record-total")
        self.other_repayment_rows = options.text("other-repayment-rows")
        self.flow_from_id_included = options.is_set("flow-from-id", "from")
        self._movement_rows = options.text("other-movement-rows")
        self.window_end_included = options.is_set("rows-bounds", "included")
        self.recent_rows_hidden = options.is_set("rows-empty", "sometimes")
        status = options.text("account-status")
        self.told_status = None if status == "NORMAL" else "FROZEN" if status == "new-value" else status
        self.shape_rows(options)
        self.bnb_collection_code = options.integer("bnb-collection-code")
        self.answers = Answers(
            self.document,
            retry_after=options.is_set("retry-after", "present"),
            unlisted_status=options.integer("status-of-unlisted-errors"),
        )
        self.gatekeeper = Gatekeeper(self.document, options, world.keys)
        self.gate = IpGate(world.limits)
        self._routes = build_routes(self.document, world, self.gate)
        self._by_operation = {
            route.facts.id: route for methods in self._routes.values() for route in methods.values()
        }
        self._pools = {self.gate.name: self.gate}
        for route in self._by_operation.values():
            self._pools[route.gate.name] = route.gate
        self.conduct.read_options()
        if self.conduct.replies is not None:
            self._by_operation["repayDebt"].encode = self.conduct.replies.encode

    def advance_to_now(self) -> None:
        """Do what has fallen due since the last request."""
        self.accrual.run(self.clock.now_ms())

    def set_prices(self, prices: Mapping[str, Decimal]) -> None:
        """Set index prices by hand, USD per unit. Whoever becomes riskier by it is told."""
        now_ms = self.clock.now_ms()
        for asset, price in prices.items():
            self.world.prices.set(asset, price, now_ms)
        self.changes.world = True
        self.prices_moved(now_ms)

    def set_position(self, account_id: str, asset: str, amounts: Mapping[str, Decimal]) -> None:
        """Set parts of one position by hand; what was issued to the account changes with it."""
        account = self.world.ledger.accounts[account_id]
        holding = account.holding(asset)
        for place, amount in amounts.items():
            self.world.ledger.issue(account, asset, place, EXACT.subtract(amount, getattr(holding, place)))
        self.changes.world = True

    def counters(self) -> dict[str, str]:
        """The numbers that must go on where they stopped."""
        return {
            "request": str(self.requests.next_id),
            "requests_forgotten_below": str(self.requests.forgotten_below),
            "faults": self.faults.dump(),
            "clock_frozen_at_ms": str(self.clock.now_ms()) if self.clock.frozen else "",
            "clock_offset_ms": "0" if self.clock.frozen else str(self.clock.offset_ms),
            "next_hour_ms": str(self.accrual.next_hour_ms),
            "conduct": self.conduct.dump(),
            **self.book_counters(),
        }

    def restore_counters(self, counters: Mapping[str, str]) -> None:
        """Go on from what `counters` said when it was written down."""
        self.requests.next_id = int(counters["request"])
        self.requests.forgotten_below = int(counters["requests_forgotten_below"])
        self.faults.restore(counters["faults"])
        frozen = counters["clock_frozen_at_ms"]
        self.clock.restore(int(frozen) if frozen else None, int(counters["clock_offset_ms"]))
        self.accrual.next_hour_ms = int(counters["next_hour_ms"])
        self.accrual.next_due_ms = 0
        if "conduct" in counters:  # an older file knows no choices: nothing is under way in it
            self.conduct.restore(counters["conduct"])
        self.restore_book_counters(counters)

    def facts_of(self, operation: str) -> OperationFacts:
        """What the document says about a call, by its `operationId`."""
        return self._by_operation[operation].facts

    def write_flow(
        self, account: Account, kind: str, asset: str, amount: Decimal, tran_id: int, at_ms: int
    ) -> None:
        """Write one row of the capital flow; by choice late or never, if it is neither a loan nor a repayment."""
        if self._movement_rows == "listed" or kind in ("BORROW", "REPAY"):
            super().write_flow(account, kind, asset, amount, tran_id, at_ms)
        elif self._movement_rows == "late":
            record = self.flow_record(account, kind, asset, amount, tran_id, at_ms)
            late_ms = self.conduct.chances.between(0, _MOVEMENT_LATE_MS)
            self.conduct.list_later(record, self.clock.now_ms() + late_ms)

    def executed_late(self, call: Call) -> None:
        """Note with the request that what it asked for was executed by now."""
        record = None if call.request is None else self.requests.by_id(call.request)
        if record is not None and call.lines:
            record.verdict = "executed"
            record.ledger_ids += tuple(line.id for line in call.lines)
            self.changes.settled.append(record)

    # ------------------------------------------------------------------- budgets

    def standings(self) -> list[Standing]:
        """Who was refused or banned since this was last asked, in every pool."""
        return [standing for gate in self._pools.values() if gate.changed for standing in gate.standings()]

    def longest_cap_ms(self) -> int:
        """How far back the hard cap of a call can reach."""
        caps = [cap[2] for route in self._by_operation.values() for cap in route.facts.rate_caps]
        return max(caps, default=0)

    def restore_budgets(self, standings: Iterable[Standing], charges: Iterable[Charge]) -> None:
        """Put budgets and bans where an earlier process left them; `charges` in the order of their times."""
        for standing in standings:
            gate = self._pools.get(standing.pool)
            if gate is not None:
                gate.restore(standing)
        for charge in charges:
            route = self._by_operation.get(charge.operation)
            if route is None:
                continue
            if charge.weight:
                route.gate.spent(charge.ip, charge.weight, charge.time_ms)
            if charge.account is None:
                continue
            if charge.orders:
                self._order_window(charge.account).add(charge.time_ms, charge.orders)
            for name, _, interval_ms in route.facts.rate_caps if charge.capped else ():
                self._cap_window(route, charge.account + name, interval_ms).add(charge.time_ms, charge.capped)

    # ------------------------------------------------------------------- answering

    def handle(self, request: RawRequest) -> RawResponse:
        """Answer one request. Never raises for anything a client can send."""
        now_ms = self.clock.now_ms()
        if now_ms >= self.accrual.next_due_ms:
            self.advance_to_now()
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
        if route is None or len(request.body) > LARGEST_BODY or len(request.query) > LARGEST_QUERY:
            return self._outside(request, record, methods, route, now_ms)
        facts = route.facts
        record.operation = facts.id
        # The counters of the gate keep their own time, whatever a fault does to the clock that reads timestamps.
        counted_ms = now_ms
        fault: Fault | None = None
        if self.faults.armed and not held:
            fault, skew = self.faults.find(self._fault_facts(request, facts), now_ms, changes=facts.mutates)
            if skew is not None:
                FaultBook.strike(skew)
                record.fault = skew.name
                now_ms += skew.skew_ms
            if fault is not None and fault.kind in ("gateway", "passage"):
                return self._gateway_fault(fault, record, route, counted_ms)

        ip = request.client_ip
        weight = route.cost(request.query) if route.cases else route.weight
        record.weight = weight
        admission = route.gate.admit(ip, weight, counted_ms)
        if admission.status != 200:
            record.weight = 0
            record.reason = "banned" if admission.status == 418 else "the weight of the minute is spent"
            limit = route.gate.settings.weight_per_minute
            return self.answers.limited(record, admission, limit, route.header, counted_ms)
        headers: Headers = [(route.header, b"%d" % admission.used)]
        if self.conduct.outages is not None:
            down = self.conduct.outages.response(self.answers, facts, record, headers)
            if down is not None:
                return down
        try:
            # What waited in the queue was let in when it came: its timestamp does not grow old there.
            read_ms = record.time_ms if record.queued else now_ms
            admittance = self.gatekeeper.admit(request, facts, record, read_ms)
            arguments = route.validator.arguments(admittance.parameters)
            key = admittance.key
            account = None if key is None else self.world.ledger.accounts[key.account]
            call = Call(facts, account, arguments, admittance.parameters, now_ms, record.id)
            if fault is not None:
                if self._kind_of(fault) == "refused":
                    return self._refused_by_fault(fault, record, headers, call)
                call.answer_lost = fault.name in LOSING
            if facts.rate_caps and account is not None:
                self._count_calls(route, account, record, counted_ms)
            if self._counts_orders and account is not None and facts.id == "repayDebt":
                self._count_order(account, facts, record, counted_ms, headers)
            result = route.handler(self, call)
        except Refusal as refusal:
            return self._refused(refusal, record, facts, headers)
        except _Busy as busy:
            route.gate.refund(ip, weight, counted_ms)
            record.queued = True
            return RawResponse(0, [], b"", "again", busy.wait_ms)
        return self._answered(call, record, route, headers, fault, result)

    def _refused(
        self, refusal: Refusal, record: RequestRecord, facts: OperationFacts, headers: Headers
    ) -> RawResponse:
        record.verdict = "refused"
        record.reason = refusal.reason
        return self.answers.error(
            record,
            refusal.code,
            headers,
            server=facts.server,
            text=refusal.text,
            status=refusal.status,
            fields={"ip": record.ip, **refusal.fields},
        )

    def _answered(
        self,
        call: Call,
        record: RequestRecord,
        route: Route,
        headers: Headers,
        fault: Fault | None,
        result: object,
    ) -> RawResponse:
        """The answer to a call that was carried out, or its remains."""
        record.status = 200
        lines = call.lines
        if lines:
            record.verdict = "executed"
            record.ledger_ids = (lines[0].id,) if len(lines) == 1 else tuple(line.id for line in lines)
        else:
            record.verdict = "answered"
        body = route.encode(result).encode()
        replies = self.conduct.replies
        if call.reply is not None:
            response = call.reply(self.answers, record, headers)
        elif fault is not None:
            FaultBook.strike(fault)
            record.fault = fault.name
            if fault.name == "answer_lost":
                response = self.conduct.losses.response(self.answers, fault, record, headers, body)
            else:
                response = self.answers.spoilt(fault, record, headers, result, body)
                response.delay_ms = fault.delay_ms
        elif replies is not None and call.facts.id == "repayDebt":
            response = replies.formed(self.answers, record, headers, result, body)
        else:
            headers.append(JSON)
            headers.append((b"content-length", b"%d" % len(body)))
            response = RawResponse(200, headers, body)
        if call.debt_call and (lines or call.accepted):
            if self._debt_call_ms.most:
                response.delay_ms += self._debt_call_ms.draw(self.conduct.chances)
            if response.delay_ms:
                # While the answer is held back, the account's debt is in somebody's hands.
                self._busy_until[call.owner.id] = self.clock.now_ms() + response.delay_ms
                response.release = call.owner.id
        return response

    def _kind_of(self, fault: Fault) -> FaultKind:
        """When a fault strikes; of `answer_lost` the choices or chance decide."""
        return self.conduct.losses.kind() if fault.name == "answer_lost" else fault.kind

    def _refused_by_fault(
        self, fault: Fault, record: RequestRecord, headers: Headers, call: Call
    ) -> RawResponse:
        """The answer to a request that was checked and charged, and that a fault keeps from being executed."""
        FaultBook.strike(fault)
        record.fault = fault.name
        record.verdict = "not-executed"
        if fault.name == "answer_lost":
            body = encode({"asset": call.texts.get("asset", ""), "updateTime": call.now_ms, "success": True})
            return self.conduct.losses.response(self.answers, fault, record, headers, body.encode())
        response = self.answers.not_executed(fault, record, headers, call)
        response.delay_ms = fault.delay_ms
        return response

    def _outside(
        self,
        request: RawRequest,
        record: RequestRecord,
        methods: Mapping[str, Route] | None,
        route: Route | None,
        now_ms: int,
    ) -> RawResponse:
        """What never reaches the exchange proper: unknown paths, and requests that are too large."""
        header = b"x-mbx-used-weight-1m" if route is None else route.header
        gate = self.gate if route is None else route.gate
        headers: Headers = [(header, b"%d" % gate.used(record.ip, now_ms))]
        record.verdict = "unknown-path" if route is None else "refused"
        if route is not None:
            # The pages know no 413 or 414: what is too large does not pass the firewall.
            record.reason = "the body or the query is too large"
            return self.answers.page(record, 403, "Forbidden", headers)
        if methods is not None and self._wrong_method_405:
            headers.append((b"allow", ", ".join(methods).encode()))
            return self.answers.page(record, 405, "Not Allowed", headers)
        return self.answers.page(record, 404, "Not Found", headers)

    # ------------------------------------------------------------------- counters

    def _cap_window(self, route: Route, name: str, interval_ms: int) -> Window:
        window = route.rate_windows.get(name)
        if window is None:
            window = route.rate_windows[name] = Window(interval_ms)
        return window

    def _count_calls(self, route: Route, account: Account, record: RequestRecord, now_ms: int) -> None:
        """Hold the account to the hard caps of a call, such as 20 per day."""
        windows: list[Window] = []
        for name, limit, interval_ms in route.facts.rate_caps:
            window = self._cap_window(route, account.id + name, interval_ms)
            if window.used(now_ms) + 1 > limit:
                raise Refusal(-1003, status=429, limit=limit, reason=f"more than {limit} calls: {name}")
            windows.append(window)
        for window in windows:
            window.add(now_ms, 1)
        record.capped = True

    def _order_window(self, account: str) -> Window:
        window = self._order_windows.get(account)
        if window is None:
            window = self._order_windows[account] = Window(fixed=self.world.limits.fixed_window)
        return window

    def _count_order(
        self, account: Account, facts: OperationFacts, record: RequestRecord, now_ms: int, headers: Headers
    ) -> None:
        """Charge the order counter of the account, by the reading that the options choose."""
        limits = self.world.limits
        window = self._order_window(account.id)
        # Read as Order, 3000 cannot be literal against 1200 per minute; it is then counted
        # per account against the same 6000 that the weight would have been counted against.
        cost, limit = (1, limits.orders_per_minute)
        if self._order_scope:
            cost, limit = (facts.weight, limits.weight_per_minute)
        if window.used(now_ms) + cost > limit:
            raise Refusal(-1015, limit=limit, reason="the order budget is spent")
        record.orders = cost
        headers.append((b"x-mbx-order-count-1m", b"%d" % window.add(now_ms, cost)))

    def lock_debt_calls(self, call: Call) -> None:
        """Mark a borrow or repayment; refuse it while another one of the account is still running."""
        call.debt_call = True
        if not self._busy_until and self.conduct.execution is None:
            return
        account = call.owner.id
        until = self._busy_until.get(account, 0)
        if self.conduct.execution is not None:
            until = max(until, self.conduct.busy_until(account))
        if not until:
            return
        now_ms = self.clock.now_ms()
        if now_ms >= until:
            self._busy_until.pop(account, None)
        elif self._queue_debt_calls:
            raise _Busy(until - now_ms)
        else:
            raise Refusal(51007, reason="another borrow or repayment of this account is still running")

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
                    key = self.world.keys.find(value)
                    if key is not None:
                        found["account"] = key.account
        return found

    def _gateway_fault(self, fault: Fault, record: RequestRecord, route: Route, now_ms: int) -> RawResponse:
        """The request does not reach the exchange, or only later."""
        FaultBook.strike(fault)
        name = record.fault = fault.name
        record.verdict = "not-executed"
        if name == "delay_before":
            return RawResponse(0, [], b"", "again", fault.delay_ms)
        if name == "reset_before":
            record.answer = "reset"
            return RawResponse(0, [], b"", "reset", fault.delay_ms)
        used = route.gate.used(record.ip, now_ms)
        headers: Headers = [(route.header, b"%d" % used)]
        if name == "waf_403_html":
            response = self.answers.page(record, fault.status or 403, "Forbidden", headers)
        elif name in ("rate_limited_429", "banned_418"):
            banned = name == "banned_418"
            until = now_ms + (120_000 if banned else 60_000)
            if banned and fault.ban_ms is not None:
                until = now_ms + fault.ban_ms
                route.gate.ban(record.ip, until)
            admission = Admission(418 if banned else 429, used, until)
            limit = route.gate.settings.weight_per_minute
            response = self.answers.limited(record, admission, limit, route.header, now_ms)
            if fault.status is not None:
                response.status = record.status = fault.status
        else:
            response = self.answers.fault_error(fault, record, headers)
        response.delay_ms = fault.delay_ms
        return response
