"""
What the client concludes from each refusal: every status against every code of the error table, every text
that decides, every failure of the transport; and what it lets happen next.
"""

import asyncio
import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

import paydown
from paydown.budget import MemoryBudget
from paydown.clock import ExchangeClock
from paydown.errors import (
    AccountRestricted,
    ClockRejected,
    ConnectionFailed,
    CredentialsRejected,
    ExchangeBusy,
    FirewallBlocked,
    InsufficientFunds,
    IpBanned,
    OutcomeUnknown,
    PaydownError,
    RateLimited,
    ReadFailed,
    RequestNotSent,
    RequestRejected,
    UnknownAttempt,
    UnresolvedOutcome,
    WrongAddress,
)
from paydown_contract.document import Document, Operation
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key
from tests.contract.client.test_client_requests import right_texts
from tests.contract.support import drive
from tests.contract.support.client import Bench, Reply, confirming, reply
from tests.contract.support.exchange import NOW_MS
from tests.contract.support.expected_outcome import Conclusion, conclude
from tests.contract.support.keys import signing_key

CLASSES: Mapping[str, type[RequestRejected]] = {
    "request": RequestRejected,
    "credentials": CredentialsRejected,
    "clock": ClockRejected,
    "rate-limit": RateLimited,
    "ban": IpBanned,
    "busy": ExchangeBusy,
    "firewall": FirewallBlocked,
    "wrong-host": WrongAddress,
    "wrong-path": WrongAddress,
    "funds": InsufficientFunds,
    "account-state": AccountRestricted,
    "unknown": RequestRejected,
}
EXIT_CODES = {RequestNotSent: 3, RequestRejected: 4, OutcomeUnknown: 5, ReadFailed: 6}
JSON = {"content-type": "application/json;charset=UTF-8"}
HTML = {"content-type": "text/html"}


PARTS = 4  # slices of the long lists, so that two workers can share them


def coded(code: object, msg: object = "a text that decides nothing") -> bytes:
    """A JSON error body."""
    return json.dumps({"code": code, "msg": msg}).encode("utf-8")


def table_bodies(contract: Document) -> list[bytes]:
    """One body for each number of the table, in both signs, and for some that it does not hold."""
    numbers = sorted(
        {sign * row.code for row in contract.errors for sign in (1, -1)}
        | {0, 1, -1, -9999, 200, 51000, 52000}
    )
    return [coded(number) for number in numbers]


def deciding_bodies(contract: Document) -> list[bytes]:
    """Texts that decide, near misses of them, and bodies that are no JSON error at all."""
    found: list[bytes] = []
    for rule in contract.content["x-status-outcomes"]:
        if "text" in rule:
            text = rule["text"]
            variants = [text, f"  {text}\n", text.lower(), text.upper(), text[:-1], text + ".", "x" + text]
            for variant in variants:
                found += [
                    variant.encode(),
                    coded(-1000, variant),
                    coded(-1001, variant),
                    coded(-1008, variant),
                    coded(-9999, variant),
                ]
                found.append(json.dumps({"msg": variant}).encode())
                found.append(json.dumps(variant).encode())
    found += [
        b"",
        b" ",
        b"{}",
        b"[]",
        b"null",
        b"0",
        b"-1021",
        b"true",
        b'"text"',
        b"{",
        b"\xff",
        b"<html><body>403</body></html>",
    ]
    for odd in ("-1021", -1021.0, -1021.5, True, None, [-1021], {"code": -1021}, "x"):
        found += [coded(odd), json.dumps([{"code": odd}]).encode()]
    found += [
        coded(-1021, None),
        coded(-1021, 5),
        json.dumps({"code": -1021}).encode(),
        json.dumps({"msg": "x"}).encode(),
    ]
    return found


class Exchange:
    """Answers every call with one chosen answer, and settles what a call leaves open."""

    def __init__(self, operation: Operation, key: Key | None = None) -> None:
        self.operation = operation
        self.answer: Reply | Exception = reply({})
        self.bench = Bench(key or signing_key("S1"), self.respond)
        self.keywords = drive.arguments(operation, right_texts(operation, optional=False))
        self.pickled: set[tuple[type, int]] = set()
        self.method: Callable[..., Any] = drive.method(self.bench.client, operation)

    def respond(self, request: Request) -> Reply:
        """Give the chosen answer, or fail as chosen."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def call(self, answer: Reply | Exception) -> tuple[PaydownError | None, int]:
        """What the call raises, and how many requests it sent."""
        self.answer = answer
        before = len(self.bench.capture.requests)
        try:
            self.method(**self.keywords)
        except PaydownError as error:
            return error, len(self.bench.capture.requests) - before
        return None, len(self.bench.capture.requests) - before

    def settle(self) -> int:
        """Close what is open; how many that were."""
        client = self.bench.client
        attempts = client.unresolved
        for attempt in attempts:
            client.settle(attempt.id, executed=False)
        return len(attempts)


def judge(
    exchange: Exchange, contract: Document, status: int, body: bytes, headers: Mapping[str, str] = JSON
) -> None:
    """
    One answer: the class, the attributes, the number of requests and what stays open are the document's.
    """
    operation = exchange.operation
    mutates = operation.facts["x-mutates"]
    server = operation.facts.get("x-server", "papi")
    expected = conclude(contract, status, body, server)
    where = f"{operation.id}: {status} {body[:120]!r} -> {expected.executed}, {expected.category}"
    error, requests = exchange.call((status, headers, body))
    opened = exchange.settle()
    if expected.executed == "see-body":
        return  # tests of answers judge a 200
    assert error is not None, where
    if expected.executed == "unknown":
        wanted: type[PaydownError] = OutcomeUnknown if mutates else ReadFailed
        assert type(error) is wanted, f"{where}: {type(error).__name__}"
        assert opened == (1 if mutates else 0), where
    else:
        # A 429 whose text speaks of a ban may be read as one.
        kinds = {CLASSES[expected.category]}
        if expected.category == "rate-limit" and b"banned until" in body:
            kinds.add(IpBanned)
        if (
            not mutates
            and expected.retry == "yes-after-backoff"
            and not issubclass(CLASSES[expected.category], RateLimited)
        ):
            assert type(error) is ReadFailed, f"{where}: {type(error).__name__}"
            assert type(error.__cause__) in kinds, f"{where}: because of {type(error.__cause__).__name__}"
        else:
            assert type(error) in kinds, f"{where}: {type(error).__name__}"
        assert opened == 0, where
    if mutates:
        assert requests == 1, where
    elif not isinstance(error, RateLimited):  # after those nobody may ask again soon
        again = expected.executed == "unknown" or expected.retry == "yes-after-backoff"
        assert (requests > 1) is again, f"{where}: {requests} requests"
    check_attributes(exchange, error, expected, status, body, where)


def check_attributes(
    exchange: Exchange, error: PaydownError, expected: Conclusion, status: int, body: bytes, where: str
) -> None:
    """What the error tells, and that it tells no secret."""
    assert error.status == status, where
    assert error.code == expected.code, where
    assert error.code_name == (expected.row.name if expected.row else None), where
    assert (
        error.operation
        == f"{exchange.operation.facts['tags'][0]}.{exchange.operation.facts['x-method-name']}"
    ), where
    if exchange.operation.signed:
        assert error.sent_at_ms == NOW_MS, where
    assert {kind: error.exit_code for kind in EXIT_CODES if isinstance(error, kind)} == {
        kind: code for kind, code in EXIT_CODES.items() if isinstance(error, kind)
    }, where
    shown = repr(error) + str(error) + repr(error.__dict__)
    for secret in secrets_of(exchange):
        assert secret not in shown, f"{where}: a secret is shown"
    kind = (type(error), status)
    if kind not in exchange.pickled:  # each kind once: it costs more than the call
        exchange.pickled.add(kind)
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), copy.__dict__) == (type(error), str(error), error.__dict__), where


def secrets_of(exchange: Exchange) -> list[str]:
    """What must never be shown: the key, the secret and the last signature."""
    key = signing_key("S1")
    assert isinstance(key.secret, bytes)
    found = [key.secret.decode("ascii")]
    if exchange.operation.api_key:
        found.append(key.api_key)
    if exchange.operation.signed:
        request = exchange.bench.capture.requests[-1]
        found.append((request.query or request.body).rpartition(b"signature=")[2].decode("ascii"))
    return found


def chosen(contract: Document) -> list[Operation]:
    """One write and one read, and every other write."""
    writes = [operation for operation in contract.operations if operation.facts["x-mutates"]]
    read = next(operation for operation in contract.operations if operation.path == "/papi/v1/balance")
    return [*writes, read]


def statuses(contract: Document) -> list[int]:
    """Every status that a rule names, every one documented anywhere, and neighbours of all."""
    named = {
        int(rule["status"]) for rule in contract.content["x-status-outcomes"] if rule["status"].isdigit()
    }
    named |= {200, 201, 202, 204, 205, 206, 226, 300, 301, 302, 303, 304, 307, 308, 399}
    named |= {step + number for number in set(named) for step in (-1, 1)} | {
        400,
        402,
        405,
        409,
        410,
        413,
        414,
        415,
        422,
        425,
        431,
        451,
        499,
    }
    named |= {500, 501, 502, 504, 505, 507, 511, 520, 521, 522, 523, 524, 525, 526, 529, 530, 598, 599}
    return sorted(number for number in named if 200 <= number < 600)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_code_with_every_status_becomes_its_class(part: int, contract: Document) -> None:
    """
    For repay-debt: all rows of the error table, both signs, with all statuses that decide and their
    neighbours.
    """
    operation = next(op for op in contract.operations if op.path == "/papi/v1/margin/repay-debt")
    exchange = Exchange(operation)
    bodies = table_bodies(contract)
    for status in statuses(contract)[part::PARTS]:
        for body in bodies:
            judge(exchange, contract, status, body)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_deciding_text_and_odd_body_becomes_its_class(part: int, contract: Document) -> None:
    """
    For repay-debt: texts that tell the 503 apart, near misses, bodies that are no JSON error, with all
    statuses.
    """
    operation = next(op for op in contract.operations if op.path == "/papi/v1/margin/repay-debt")
    exchange = Exchange(operation)
    bodies = deciding_bodies(contract)
    decided = {200, 202, 400, 403, 408, 418, 429, 500, 503, 504}
    for status in statuses(contract)[part::PARTS]:
        for body in bodies if status in decided else bodies[-40:]:
            judge(exchange, contract, status, body, JSON if body[:1] in (b"{", b"[") else HTML)


def test_every_operation_concludes_alike(operation: Operation, contract: Document) -> None:
    """
    Each call of the document: every row of the table with its own statuses, and every status with a plain
    body.
    """
    exchange = Exchange(operation)
    for row in contract.errors:
        for status in row.statuses or (400,):
            judge(exchange, contract, status, coded(row.code))
        judge(exchange, contract, 503, coded(row.code))
    for status in statuses(contract):
        judge(exchange, contract, status, coded(-9999))
        judge(exchange, contract, status, b"<html></html>", HTML)
    for rule in contract.content["x-status-outcomes"]:
        if "text" in rule:
            judge(exchange, contract, 503, coded(-1000, rule["text"]))
            judge(exchange, contract, 503, rule["text"].encode(), {"content-type": "text/plain"})


@pytest.mark.parametrize("status", range(200, 600))
def test_no_status_is_a_success_but_200(status: int, contract: Document) -> None:
    """
    A body that would confirm a repayment confirms nothing with another status, and an empty one is no better.
    """
    if status == 200:
        return
    operation = next(op for op in contract.operations if op.path == "/papi/v1/margin/repay-debt")
    exchange = Exchange(operation)
    body = json.dumps(confirming(operation, right_texts(operation, optional=False))).encode()
    error, requests = exchange.call((status, JSON, body))
    expected = conclude(contract, status, body)
    # A refusal that says it was done contradicts itself: to be careful with it is right as well.
    assert type(error) in (OutcomeUnknown, CLASSES[expected.category]), status
    assert requests == 1
    exchange.settle()
    judge(exchange, contract, status, b"")


# ------------------------------------------------------------------------------------------------ what a
# 200 must say


def spoilt(operation: Operation, texts: Mapping[str, str]) -> Iterator[Any]:
    """200 bodies that break one success rule each."""
    right = confirming(operation, texts)
    for rule in operation.facts.get("x-success", []):
        name = rule["field"]
        yield {key: value for key, value in right.items() if key != name}
        for wrong in (
            None,
            False,
            True,
            0,
            1,
            "",
            "true",
            "True",
            "success",
            "SUCCESS",
            "1",
            [],
            [True],
            {},
            {"a": 1},
            -1,
            1.0,
            "BTC",
            "bnb",
            "BNB ",
            " BNB",
            "ok",
        ):
            if "equals" in rule and wrong == rule["equals"] and type(wrong) is type(rule["equals"]):
                continue
            if "equals-argument" in rule and wrong == texts.get(rule["equals-argument"]):
                continue
            if rule.get("type") == "integer" and isinstance(wrong, int) and not isinstance(wrong, bool):
                continue
            yield {**right, name: wrong}
    yield from (
        [right],
        [],
        {},
        None,
        True,
        1,
        "success",
        "",
        {"code": -1, "msg": "failed"},
        {"success": "true"},
        {"data": right},
    )


def test_a_write_is_done_only_if_every_rule_holds(operation: Operation, contract: Document) -> None:
    """A 200 that lacks a rule's field, or holds another value or type there, leaves the outcome unknown."""
    if not operation.facts["x-mutates"]:
        return
    assert operation.facts["x-success"]
    exchange = Exchange(operation)
    texts = right_texts(operation, optional=False)
    error, requests = exchange.call(reply(confirming(operation, texts)))
    assert (error, requests) == (None, 1)
    for body in spoilt(operation, texts):
        error, requests = exchange.call(reply(body))
        assert (type(error), requests) == (OutcomeUnknown, 1), body
        assert exchange.settle() == 1, body


# ------------------------------------------------------------------------------------------------ the
# transport fails

REQUEST = httpx.Request("POST", "http://exchange.test/")
NEVER_LEFT = [
    httpx.ConnectError("x"),
    httpx.ConnectTimeout("x"),
    httpx.PoolTimeout("x"),
    httpx.UnsupportedProtocol("x"),
    httpx.ProxyError("x"),
]
MAY_HAVE_LEFT = [
    httpx.ReadTimeout("x"),
    httpx.WriteTimeout("x"),
    httpx.ReadError("x"),
    httpx.WriteError("x"),
    httpx.CloseError("x"),
    httpx.RemoteProtocolError("x"),
    httpx.LocalProtocolError("x"),
    httpx.DecodingError("x"),
    httpx.NetworkError("x"),
    httpx.TransportError("x"),
    OSError("x"),
    ConnectionResetError("x"),
    BrokenPipeError("x"),
    TimeoutError("x"),
    RuntimeError("x"),
    ValueError("x"),
    KeyError("x"),
]


@pytest.mark.parametrize("failure", [*NEVER_LEFT, *MAY_HAVE_LEFT], ids=lambda failure: type(failure).__name__)
def test_a_failed_transport_is_judged_by_whether_a_byte_may_have_left(
    failure: Exception, operation: Operation
) -> None:
    """
    Before the first byte: not sent, and free to be called again. After it: a write is unknown, a read has
    failed.
    """
    exchange = Exchange(operation)
    error, requests = exchange.call(failure)
    opened = exchange.settle()
    left = not any(failure is each for each in NEVER_LEFT)
    if not left:
        assert type(error) is ConnectionFailed
        assert opened == 0
    elif operation.facts["x-mutates"]:
        assert type(error) is OutcomeUnknown
        assert (opened, requests) == (1, 1)
    else:
        assert type(error) is ReadFailed
        assert requests > 1
    assert error is not None
    assert error.status is None
    assert error.code is None


@pytest.mark.parametrize(
    "failure", [KeyboardInterrupt(), SystemExit(1), asyncio.CancelledError(), MemoryError()]
)
def test_an_interrupt_passes_and_leaves_the_attempt_open(failure: BaseException, contract: Document) -> None:
    """Whatever stops the program while a repayment is on its way, the same client will not send it again."""

    def respond(request: Request) -> Reply:
        raise failure

    bench = Bench(signing_key("S1"), respond)
    with pytest.raises((type(failure), OutcomeUnknown)):
        bench.client.margin.repay_debt(asset="BNB")
    assert len(bench.client.unresolved) == 1
    with pytest.raises(UnresolvedOutcome):
        bench.client.margin.repay_debt(asset="BNB")
    assert len(bench.capture.requests) == 1


# ------------------------------------------------------------------------------------------------ what may
# happen next


def test_an_unknown_outcome_blocks_the_same_debt_and_nothing_else(contract: Document) -> None:
    """
    After `OutcomeUnknown` every call of the same group on the same argument is refused unsent, others go, and
    settling opens the way again.
    """
    scoped = [operation for operation in contract.operations if "x-unresolved-scope" in operation.facts]
    assert len(scoped) >= 2
    for first in scoped:
        scope = first.facts["x-unresolved-scope"]
        lost = {"on": True}

        def respond(request: Request, lost: dict[str, bool] = lost) -> Reply:
            if lost["on"]:
                return 503, JSON, coded(-1000, "Unknown error, please check your request or try again later.")
            operation = contract.operation(request.method, request.path)
            assert operation is not None
            pairs = dict(pair.split("=", 1) for pair in (request.body or request.query).decode().split("&"))
            return reply(confirming(operation, pairs))

        bench = Bench(signing_key("S1"), respond)
        texts = right_texts(first, optional=False)
        with pytest.raises(OutcomeUnknown) as unknown:
            drive.method(bench.client, first)(**drive.arguments(first, texts))
        lost["on"] = False
        for second in scoped:
            other = second.facts["x-unresolved-scope"]
            again = right_texts(second, optional=False)
            again[other["argument"]] = (
                texts[scope["argument"]]
                if other["argument"] == scope["argument"]
                else again[other["argument"]]
            )
            before = len(bench.capture.requests)
            if other["group"] == scope["group"]:
                with pytest.raises(UnresolvedOutcome) as refused:
                    drive.method(bench.client, second)(**drive.arguments(second, again))
                assert refused.value.attempt_id == unknown.value.attempt_id
                assert refused.value.exit_code == 3
                assert len(bench.capture.requests) == before
            else:
                drive.method(bench.client, second)(**drive.arguments(second, again))
                assert len(bench.capture.requests) == before + 1
        different = {**texts, scope["argument"]: another(first, scope["argument"], texts[scope["argument"]])}
        drive.method(bench.client, first)(**drive.arguments(first, different))
        with pytest.raises(UnknownAttempt):
            bench.client.settle("no such attempt", executed=True)
        settled = bench.client.settle(unknown.value.attempt_id, executed=True)
        assert settled.id == unknown.value.attempt_id
        assert bench.client.unresolved == ()
        drive.method(bench.client, first)(**drive.arguments(first, texts))


def another(operation: Operation, name: str, text: str) -> str:
    """Another right value of a parameter."""
    field = operation.field(name)
    assert field is not None
    choices: tuple[str, ...] = (*field.schema.get("enum", ()), "ETH", "XLM")
    return next(choice for choice in choices if choice != text)


@pytest.mark.parametrize("verdict", ["done", "rejected", "not sent"])
def test_a_decided_attempt_leaves_nothing_open(verdict: str, contract: Document) -> None:
    """
    After a confirmation, a refusal or a connection that never stood the same debt may be repaid at once.
    """
    operation = next(op for op in contract.operations if op.path == "/papi/v1/margin/repay-debt")
    exchange = Exchange(operation)
    answers: dict[str, Reply | Exception] = {
        "done": reply(confirming(operation, {"asset": "ETH"})),
        "rejected": (400, JSON, coded(-2018)),
        "not sent": httpx.ConnectError("x"),
    }
    exchange.call(answers[verdict])
    assert exchange.bench.client.unresolved == ()
    error, requests = exchange.call(answers["done"])
    assert (error, requests) == (None, 1)


def test_waits_are_what_the_exchange_asked_for(contract: Document) -> None:
    """
    Retry-After counts when present, a full minute after a 429 without it, and a ban lasts until the named
    moment.
    """
    operation = next(op for op in contract.operations if op.path == "/papi/v1/margin/repay-debt")
    exchange = Exchange(operation)
    pause = contract.content["x-ban"]["pause-after-429-ms"]
    shortest = contract.content["x-ban"]["minimum-ms"]
    until = NOW_MS + 987_654
    cases: list[tuple[int, Mapping[str, str], bytes, float]] = [
        (429, {}, coded(-1003), pause / 1000),
        (429, {"retry-after": "7"}, coded(-1003), 7),
        (429, {"Retry-After": "120"}, coded(-1015), 120),
        (418, {}, coded(-1003, f"Way too many requests; IP banned until {until}."), 987.654),
        (418, {"retry-after": "2000"}, coded(-1003, f"banned until {until}"), 2000),
        (418, {}, coded(-1003), shortest / 1000),
        (418, {"retry-after": "300"}, b"", 300),
    ]
    for status, headers, body, seconds in cases:
        exchange.bench.budget.gates.clear()
        error, _ = exchange.call((status, {**JSON, **headers}, body))
        assert isinstance(error, RateLimited), (status, headers)
        assert isinstance(error, IpBanned) is (status == 418)
        assert error.retry_after_s == pytest.approx(seconds), (status, headers, body)
        if isinstance(error, IpBanned):
            assert error.banned_until_ms == pytest.approx(NOW_MS + seconds * 1000, abs=1)
        assert len(exchange.bench.budget.gates) == 1
        assert exchange.bench.budget.gates[0][0] >= seconds * 1000 - 1
        assert exchange.bench.budget.gates[0][1] == ("banned" if status == 418 else "rate-limited")


def test_headers_of_limits_reach_the_budget(contract: Document) -> None:
    """What the used-weight header of an answer says is told to the budget, of refusals too."""
    operation = next(op for op in contract.operations if op.path == "/papi/v1/margin/repay-debt")
    exchange = Exchange(operation)
    for status, body in (
        (200, json.dumps(confirming(operation, {"asset": "ETH"})).encode()),
        (400, coded(-2018)),
        (429, coded(-1003)),
    ):
        exchange.bench.budget.released.clear()
        exchange.call((status, {**JSON, "X-MBX-USED-WEIGHT-1M": "4321", "x-mbx-order-count-1m": "12"}, body))
        assert exchange.bench.budget.released == [("answered", {"ip-weight": 4321, "orders": 12})]
        last = exchange.bench.client.last
        assert last is not None
        assert (last.used_weight, last.order_count, last.status) == (4321, 12, status)


def test_answers_that_repeat_secrets_do_not_spread_them(contract: Document) -> None:
    """A body or header that echoes key and signature comes out of the error without them."""
    operation = next(op for op in contract.operations if op.path == "/papi/v1/margin/repay-debt")
    for status in (400, 401, 418, 429, 500, 503):
        key = signing_key("S1")
        shown: list[str] = []

        def echo(request: Request, status: int = status, shown: list[str] = shown) -> Reply:
            signature = request.body.rpartition(b"signature=")[2].decode()
            shown.append(signature)
            text = f"key {request.headers} signature {signature} body {request.body.decode()}"
            return status, {**JSON, "x-echo": signature, "set-cookie": "session=1"}, coded(-2015, text)

        bench = Bench(key, echo)
        with pytest.raises(PaydownError) as caught:
            bench.client.margin.repay_debt(asset="BNB")
        error = caught.value
        told = (
            repr(error) + str(error) + repr(error.__dict__) + repr(error.headers) + repr(pickle.dumps(error))
        )
        assert key.api_key not in told
        assert shown[0] not in told
        assert "session=1" not in told
        assert operation.id == "repayDebt"


def test_every_public_error_has_its_exit_code() -> None:
    """
    3: nothing left, 4: refused, 5: may have happened, 6: a read failed; by class, so that a script can
    tell.
    """
    for name in paydown.__all__:
        thing = getattr(paydown, name)
        if isinstance(thing, type) and issubclass(thing, PaydownError):
            expected = [code for kind, code in EXIT_CODES.items() if issubclass(thing, kind)]
            assert thing is PaydownError or [thing.exit_code] == expected, name


class Now:
    """Time that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.ms = NOW_MS

    def read(self) -> int:
        """Milliseconds."""
        return self.ms

    def sleep(self, seconds: float) -> None:
        """Let them pass."""
        self.ms += max(1, round(seconds * 1000))


def test_a_write_is_repeated_for_a_refused_timestamp_alone_and_once(contract: Document) -> None:
    """
    With the clock that asks the exchange, whatever a repayment is refused with, it leaves once; refused for its
    timestamp, and whatever the second answer is, at most twice.
    """
    key = signing_key("S1")
    assert isinstance(key.secret, bytes)
    credentials = paydown.Credentials.hmac(key.api_key, key.secret.decode("ascii"))
    for status in (400, 401, 403, 418, 429, 503):
        for code in sorted({row.code for row in contract.errors if row.server == "papi"}):
            writes: list[httpx.Request] = []
            now = Now()

            def answer(
                request: httpx.Request,
                now: Now = now,
                status: int = status,
                code: int = code,
                writes: list[httpx.Request] = writes,
            ) -> httpx.Response:
                if request.url.path.endswith("/time"):
                    return httpx.Response(200, json={"serverTime": now.read()})
                writes.append(request)
                return httpx.Response(status, json={"code": code, "msg": "-"})

            clock = ExchangeClock(("http://127.0.0.1:1/papi/v1/time",), ticks=now.read, wall=now.read)
            pm = paydown.Client(
                credentials,
                base_url="http://127.0.0.1:1",
                transport=httpx.MockTransport(answer),
                clock=clock,
                budget=MemoryBudget(clock=clock, ticks=now.read),
                ticks=now.read,
                sleep=now.sleep,  # two repayments and the question for the time do not fit into one minute
            )
            with pm, pytest.raises((RequestRejected, OutcomeUnknown)):
                pm.margin.repay_debt(asset="BNB")
            concluded = conclude(contract, status, json.dumps({"code": code, "msg": "-"}).encode())
            again = concluded.executed == "no" and concluded.category == "clock"
            assert len(writes) == (2 if again else 1), f"{status} {code}"
