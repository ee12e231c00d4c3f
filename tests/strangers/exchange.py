"""An exchange that keeps the published pages, and answers what they leave open as it is told.

It is written from the pages alone and shares nothing with the client, the sandbox or the document, so that a mistake of
theirs cannot agree with itself here. It keeps its own truth: `Exchange.arrivals` says of every repay-debt when and how
much was executed, whatever was answered.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl

import httpx

from tests.strangers.answers import KIND_OF_REFUSAL, Answers, accepted, answer, error, html
from tests.strangers.books import (
    HOUR_MS,
    MINUTE_MS,
    RUNNING_STEP_MS,
    START_MS,
    Books,
    Clock,
    Holding,
    Interest,
)
from tests.strangers.choices import Chosen
from tests.strangers.limits import Limits
from tests.strangers.others import Others
from tests.strangers.readings import Readings
from tests.strangers.records import LOANS, REPAYMENTS, BadQuery, Records
from tests.strangers.repayment import Arrival, Refusal, Repayments

PRICES = {"BNB": Decimal(600), "USDT": Decimal(1), "ETH": Decimal(3000), "BTC": Decimal(60000)}
OPENING = {"BNB": Holding(borrowed=Decimal(100)), "USDT": Holding(free=Decimal(500_000))}
KEY = "K" * 64
SECRET = "S" * 64
READ_MS = 20
TIMEOUT_MS = 10_000
AHEAD_MS = 1_000

REPAY_DEBT = ("POST", "/papi/v1/margin/repay-debt")

# Weight of each call, and whether it is signed.
CALLS: dict[tuple[str, str], tuple[int, bool]] = {
    ("GET", "/papi/v1/ping"): (1, False),
    ("GET", "/papi/v1/time"): (1, False),
    ("GET", "/fapi/v1/time"): (1, False),
    ("GET", "/api/v3/time"): (1, False),
    ("GET", "/papi/v1/balance"): (20, True),
    ("GET", "/papi/v1/account"): (20, True),
    ("GET", "/papi/v1/margin/repayLoan"): (10, True),
    ("GET", "/papi/v1/margin/marginLoan"): (10, True),
    ("GET", "/papi/v1/rateLimit/order"): (1, True),
    ("POST", "/papi/v1/repayLoan"): (100, True),
    ("POST", "/papi/v1/marginLoan"): (100, True),
    REPAY_DEBT: (3_000, True),
    ("GET", "/sapi/v1/margin/capital-flow"): (100, True),
    ("GET", "/sapi/v1/portfolio/asset-index-price"): (1, False),
}


@dataclass(frozen=True, slots=True)
class Fate:
    """Hold what becomes of one repay-debt, apart from what the choices say.

    Attributes:
        kind: "answered", "lost", "refused", or "unsent" if no connection could be made.
        executed: Whether it is executed although its answer is lost; `None` asks `lost-request`.
    """

    kind: str
    executed: bool | None = None


class Exchange(httpx.BaseTransport):
    """Answer requests for one account, on a virtual clock."""

    def __init__(
        self,
        values: Mapping[str, str | Sequence[str]] | None = None,
        *,
        seed: int = 0,
        opening: Mapping[str, Holding] = OPENING,
        start_ms: int = START_MS,
        lose: float = 0.0,
        refuse: float = 0.0,
        unsent: float = 0.0,
    ) -> None:
        """Open an account.

        Args:
            values: Values of the choices by name; the rest are ordinary.
            seed: Where the draws begin.
            opening: What the account holds and owes.
            start_ms: The time.
            lose: How likely an answer to a repay-debt gets lost.
            refuse: How likely one is refused; only if `refusal` names a way.
            unsent: How likely no connection can be made for one.
        """
        self.chosen = Chosen(values or {}, seed)
        self.clock = Clock(start_ms)
        self.books = Books(self.clock, opening)
        self.records = Records(self.clock, self.chosen)
        self.repayments = Repayments(self.books, self.records, self.chosen, PRICES)
        self.readings = Readings(self.books, self.chosen, PRICES)
        self.others = Others(self.books, self.records, self.chosen, PRICES, self._interest())
        self.limits = Limits(self.clock, self.chosen)
        self.answers = Answers(self.chosen)
        self.fates: deque[Fate] = deque()
        self.watchers: list[Callable[[str, Arrival | None], None]] = []
        self.requests = 0
        self._chances = (unsent, refuse, lose)

    @property
    def arrivals(self) -> list[Arrival]:
        """Return the truth about every repay-debt that arrived."""
        return self.repayments.arrivals

    @property
    def now(self) -> int:
        """Return the time, ms UTC."""
        return self.clock.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, as a client's sleep does."""
        self.clock.pass_ms(max(1, round(seconds * 1000)))

    def _interest(self) -> Interest:
        chosen = self.chosen
        each: int | None = {"hourly": HOUR_MS, "each-minute": MINUTE_MS, "never": None}[
            chosen["interest-charged"]
        ]
        if each is not None and chosen["balance-interest"] == "running":
            each = RUNNING_STEP_MS
        rate = Decimal(chosen["interest-rate"])
        paid_in = chosen["interest-paid-in"]
        late = chosen.number if each == HOUR_MS else None
        return Interest(
            self.books,
            rate=rate,
            paid_in=paid_in,
            each_ms=each,
            late_ms=(lambda: late("interest-moment")) if late else (lambda: 0),
        )

    # ------------------------------------------------------------ one request

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request; time passes meanwhile."""
        self.requests += 1
        call = (request.method, request.url.path)
        if call == REPAY_DEBT:
            return self._repay_debt(request)
        self.clock.pass_ms(READ_MS // 2)
        response = self._read(request, call)
        response.headers.update(self.limits.headers)
        response.request = request
        if call[1] == "/papi/v1/balance":
            self._tell("balance", None)
        self.clock.pass_ms(READ_MS - READ_MS // 2)
        return response

    def _tell(self, what: str, arrival: Arrival | None) -> None:
        for watcher in list(self.watchers):
            watcher(what, arrival)

    def _admit(
        self, request: httpx.Request, call: tuple[str, str]
    ) -> tuple[dict[str, str], httpx.Response | None]:
        """Return the parameters, and the refusal of a request that breaks the protocol or a limit."""
        if call not in CALLS:
            return {}, html(404)
        weight, signed = CALLS[call]
        query, body = request.url.query.decode(), request.read().decode()
        params = {
            **dict(parse_qsl(body, keep_blank_values=True)),
            **dict(parse_qsl(query, keep_blank_values=True)),
        }
        if call[1].endswith("asset-index-price") and "asset" not in params:
            weight = 50
        refusal = self.limits.charge(call[1], weight, repay_debt=call == REPAY_DEBT)
        if refusal is None and signed:
            refusal = self._signed(request, query, body, params)
        return params, refusal

    def _signed(
        self, request: httpx.Request, query: str, body: str, params: Mapping[str, str]
    ) -> httpx.Response | None:
        if request.headers.get("x-mbx-apikey") != KEY:
            return error(401, -2015, "Invalid API-key, IP, or permissions for action.")
        place = body if "signature" in dict(parse_qsl(body)) else query
        head, _, signature = place.rpartition("signature=")
        message = query + head.rstrip("&") if place is body else head.rstrip("&") + body
        digest = hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(digest, signature.lower()):
            return error(400, -1022, "Signature for this request is not valid.")
        stamp, window = params.get("timestamp", ""), params.get("recvWindow", "5000")
        if not (stamp.isdecimal() and window.isdecimal() and int(window) <= 60_000):
            return error(
                400, -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."
            )
        if not (int(stamp) < self.now + AHEAD_MS and self.now - int(stamp) <= int(window)):
            return error(400, -1021, "Timestamp for this request is outside of the recvWindow.")
        return None

    def _read(self, request: httpx.Request, call: tuple[str, str]) -> httpx.Response:
        params, refusal = self._admit(request, call)
        if refusal is not None:
            return refusal
        path = call[1].rpartition("/")[2]
        try:
            return self._answer(call, path, params)
        except BadQuery as bad:
            code, text = bad.args
            return error(400, code, text)
        except (ValueError, InvalidOperation):
            return error(400, -1102, "A parameter was empty/null, or malformed.")

    def _answer(self, call: tuple[str, str], path: str, params: Mapping[str, str]) -> httpx.Response:
        readings = self.readings
        if call[0] == "POST":
            return self._plain(path, params)
        if path == "time":
            return readings.time(own_path=call[1].startswith("/papi/"))
        if path in ("ping", "order"):
            limit = {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200}
            return answer(200, {} if path == "ping" else [limit])
        if path == "balance":
            return readings.fails("balance-errors") or readings.balance(params.get("asset"))
        if path == "account":
            return readings.account()
        if path in (REPAYMENTS, LOANS):
            return readings.fails("record-errors") or answer(200, self.records.page(path, params))
        failed = readings.fails("sapi-host")
        if failed is not None:
            return failed
        if path == "asset-index-price":
            return readings.prices(params.get("asset"))
        return readings.fails("record-errors") or answer(200, self.records.flow(params))

    def _plain(self, path: str, params: Mapping[str, str]) -> httpx.Response:
        """Borrow or repay by the plain calls, which answer with an id."""
        asset, amount = params["asset"], Decimal(params["amount"])
        if amount <= 0:
            return error(400, -4055, "Amount must be positive.")
        if path == LOANS:
            return answer(200, {"tranId": self.others.borrow(asset, amount)})
        holding = self.books[asset]
        if amount > holding.owed or amount > holding.free:
            return error(400, -3015 if amount > holding.owed else -3041, "The amount is too large.")
        return answer(200, {"tranId": self.others.repay(asset, amount)})

    # ------------------------------------------------------------ repay-debt

    def _fate(self) -> Fate:
        if self.fates:
            return self.fates.popleft()
        unsent, refuse, lose = self._chances
        drawn = self.chosen.source("fate").random()
        if drawn < unsent:
            return Fate("unsent")
        if drawn < unsent + refuse and self.chosen.possible("refusal") != ("none",):
            return Fate("refused")
        return Fate("lost") if 1 - drawn < lose else Fate("answered")

    def _arrive(self, params: Mapping[str, str]) -> tuple[Arrival | None, Refusal | None]:
        """Write an arrival down; return why it cannot be executed, if it cannot."""
        asset, text = params.get("asset", ""), params.get("amount")
        try:
            amount = None if text is None else Decimal(text)
        except InvalidOperation:
            return None, Refusal(400, -1102, "Mandatory parameter 'amount' was malformed.")
        payers = tuple(name for name in params.get("specifyRepayAssets", "").split(",") if name)
        arrival = Arrival(
            len(self.arrivals) + 1,
            self.now,
            asset,
            amount,
            payers,
            int(params["timestamp"]),
            self.books[asset].owed,
        )
        self.arrivals.append(arrival)
        self._tell("repay-debt", arrival)
        return arrival, self.repayments.problem(arrival)

    def _repay_debt(self, request: httpx.Request) -> httpx.Response:
        took = self.chosen.number("answer-time")
        fate = self._fate()
        if fate.kind == "unsent" and self.chosen["unsent"] == "no":
            self.clock.pass_ms(1)
            raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
        self.clock.pass_ms(took // 2)
        params, refusal = self._admit(request, REPAY_DEBT)
        headers = self.limits.headers
        if refusal is not None:
            response = refusal
        else:
            arrival, problem = self._arrive(params)
            if arrival is None:
                assert problem is not None
                response = error(problem.status, problem.code, problem.text)
            else:
                response = self._decide(request, arrival, problem, fate, took)
                arrival.answered_at = self.now + took - took // 2
        response.headers.update(headers)
        response.request = request
        self.clock.pass_ms(took - took // 2)
        return response

    def _decide(
        self, request: httpx.Request, arrival: Arrival, problem: Refusal | None, fate: Fate, took: int
    ) -> httpx.Response:
        if fate.kind == "unsent":
            self._begin(arrival, problem, delayed=False)
            arrival.told, arrival.answered_at = "no connection", self.now
            raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
        if fate.kind == "lost":
            return self._lose(request, arrival, problem, fate, took)
        if fate.kind == "refused":
            return self._refuse(arrival, problem)
        if problem is not None:
            return self._say_no(arrival, problem)
        accepts = self.chosen["answer-success-unexecuted"] == "accepted"
        if accepts and self.chosen.chance("answer-success-unexecuted", 0.2):
            arrival.told = "success, and dropped"
            return accepted(arrival, self.now)
        return self._execute_and_answer(arrival)

    def _begin(self, arrival: Arrival, problem: Refusal | None, *, delayed: bool) -> None:
        if problem is None and arrival.owed > 0:
            self.repayments.begin(arrival, delayed=delayed)

    def _execute_and_answer(self, arrival: Arrival) -> httpx.Response:
        before = self.books[arrival.asset]
        first = self.chosen["answer-comes"] == "before-execution"
        self._begin(arrival, None, delayed=first)
        after = self.books[arrival.asset]
        arrival.told = "success"
        ours = f"repay-debt {arrival.number}"
        used = [
            entry.asset for entry in self.books.entries[-8:] if entry.why == ours and entry.change.free < 0
        ]
        if first and not arrival.executed:  # it comes later: the answer speaks of what was asked for
            arrival.executed.append((self.now, arrival.asked))
            response = self._good(arrival, before.borrowed - after.borrowed, used)
            arrival.executed.clear()
            return response
        return self._good(arrival, before.borrowed - after.borrowed, used)

    def _good(self, arrival: Arrival, principal: Decimal, used: list[str]) -> httpx.Response:
        value = arrival.moved * PRICES[arrival.asset]
        return self.answers.good(arrival, self.now, principal=principal, value=value, used=used)

    def _say_no(self, arrival: Arrival, refusal: Refusal) -> httpx.Response:
        if self.chosen["failed-rows"] == "refused":
            self.records.failed(arrival.asset, arrival.asked)
        arrival.told = f"refused {refusal.status} {refusal.code}"
        return self.answers.refused(refusal, arrival)

    def _refuse(self, arrival: Arrival, problem: Refusal | None) -> httpx.Response:
        name = self.chosen["refusal"]
        if name == "none":
            return self._execute_and_answer(arrival) if problem is None else self._say_no(arrival, problem)
        refusal = self.answers.refusal(name, self.now)
        kind = KIND_OF_REFUSAL[name]
        lied = kind in self.chosen.possible("refusal-executed")
        if kind == "success-false":
            lied = "false" in self.chosen.possible("answer-success")
        if lied and self.chosen.chance("refusal-executed", 0.7):
            self._begin(arrival, problem, delayed=False)
            arrival.told = f"refused {refusal.status} {refusal.code}, falsely"
            return self.answers.refused(refusal, arrival)
        return self._say_no(arrival, refusal)

    def _lose(
        self, request: httpx.Request, arrival: Arrival, problem: Refusal | None, fate: Fate, took: int
    ) -> httpx.Response:
        executed = fate.executed
        if executed is None:
            form = self.chosen["lost-request"]
            executed = form == "executed" or (form == "either" and self.chosen.chance("lost-request", 0.5))
        form = self.chosen["lost-answer"]
        arrival.told = f"lost: {form}"
        self._tell("lost", arrival)
        if executed:
            self._begin(arrival, problem, delayed=True)
        elif self.chosen["failed-rows"] == "refused":
            self.records.failed(arrival.asset, arrival.asked)
        wait = took - took // 2
        if form == "read-timeout":
            timeout: float | None = request.extensions.get("timeout", {}).get("read")
            wait = TIMEOUT_MS if timeout is None else round(timeout * 1000)
        if form in ("reset", "read-timeout", "truncated"):
            self.clock.pass_ms(wait)
            arrival.answered_at = self.now
        return self.answers.lost(form, request)
