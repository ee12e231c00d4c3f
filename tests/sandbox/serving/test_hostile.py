"""Hostile requests get no 5xx and only documented answers, and nothing moves without a signature."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paydown_sandbox.bundled_document import OperationFacts, load_document
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox_clock import Clock
from tests.sandbox.judge import Judge
from tests.sandbox.signer import KEY, NOW_MS, SECRET, Answer, Caller, digest, state_with

DOCUMENT = load_document()
OPERATIONS = {facts.id: facts for facts in DOCUMENT.operations}


JUDGE = Judge(DOCUMENT)


def check(facts: OperationFacts, answer: Answer) -> None:
    """The answer is one of those that the document gives the call."""
    JUDGE.check(facts, answer.status, answer.headers, answer.body)


EXCHANGE = Exchange(
    state_with(interest={"default_daily_rate": "0.001"}), document=DOCUMENT, clock=Clock(NOW_MS)
)

texts = st.one_of(
    st.sampled_from(
        ["", "BNB", "USDT", "bnb", "0", "1", "-1", "1e9", "0.1", "true", "false", "TO_UM", "NaN", "null"]
    ),
    st.sampled_from(
        ["USDT%2CBTC", "%00", "%", "%zz", "%F0%9F%92%B8", "币安人生", "'\"<>", "..%2f..%2fetc", "9" * 400]
    ),
    st.integers(-(2**70), 2**70).map(str),
    st.integers(NOW_MS - 10**7, NOW_MS + 10**7).map(str),
    st.text(max_size=12).map(lambda text: text.replace("&", "").replace("=", "")),
)
names = st.sampled_from(
    sorted({parameter.name for facts in DOCUMENT.operations for parameter in facts.parameters})
) | st.text(max_size=8).map(lambda text: text.replace("&", "").replace("=", ""))
headers = st.fixed_dictionaries(
    {},
    optional={
        "X-MBX-APIKEY": st.sampled_from([KEY, "", "x", "é", "k" * 300]),
        "Content-Type": st.sampled_from(
            [
                "application/x-www-form-urlencoded",
                "application/json",
                "multipart/form-data; boundary=x",
                ";;",
                "é",
            ]
        ),
    },
)


@st.composite
def parameters(draw: st.DrawFn, facts: OperationFacts) -> str:
    """Mostly the call's own parameters, with values that fit now and then."""
    found: list[str] = []
    for parameter in facts.parameters:
        if parameter.name in ("timestamp", "signature") or not draw(st.integers(0, 9)):
            continue
        fitting = {"integer": str(NOW_MS), "decimal": "0.01", "string_list": "USDT"}.get(
            parameter.kind, "BNB"
        )
        if parameter.choices:
            fitting = parameter.choices[0]
        found.append(f"{parameter.name}={draw(st.just(fitting) | texts)}")
    for _ in range(draw(st.integers(0, 2)) if draw(st.booleans()) else 0):
        found.append(f"{draw(names)}={draw(texts)}")
    return "&".join(draw(st.permutations(found)))


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_signed_nonsense_gets_documented_answers(operation: str, data: st.DataObject) -> None:
    """Validly signed requests with arbitrary parameters: 200 or a documented refusal, always in shape."""
    facts = OPERATIONS[operation]
    text = data.draw(parameters(facts))
    moment = NOW_MS + data.draw(st.sampled_from([0, 0, 0, -5000, 999, -5001, 1000, -(10**6)]))
    message = (f"{text}&timestamp={moment}" if text else f"timestamp={moment}").encode(
        "utf-8", "surrogatepass"
    )
    sent = message + b"&signature=" + digest(message, SECRET).encode()
    if facts.security_type in ("NONE", "MARKET_DATA"):
        sent = text.encode("utf-8", "surrogatepass")
    caller = Caller(EXCHANGE)
    in_query = facts.method == "GET" or data.draw(st.booleans())
    answer = (
        caller.raw(facts.method, facts.path, query=sent)
        if in_query
        else caller.raw(facts.method, facts.path, body=sent)
    )

    EXCHANGE.release("a")
    assert answer.status < 500
    check(facts, answer)
    assert EXCHANGE.world.ledger.imbalance() == {}


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    operation=st.sampled_from(sorted(OPERATIONS)),
    query=st.binary(max_size=60) | parameters(OPERATIONS["repayDebt"]).map(str.encode),
    body=st.binary(max_size=60) | parameters(OPERATIONS["repayDebt"]).map(str.encode),
    sent=headers,
)
def test_unsigned_bytes_move_nothing(operation: str, query: bytes, body: bytes, sent: dict[str, str]) -> None:
    """Arbitrary bytes in query, body and headers: never a 5xx, never a ledger line."""
    facts = OPERATIONS[operation]
    before = EXCHANGE.next_line_id
    answer = Caller(EXCHANGE).raw(facts.method, facts.path, query=query, body=body, headers=sent)

    assert answer.status < 500
    check(facts, answer)
    assert EXCHANGE.next_line_id == before


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(method=st.text(max_size=8), path=st.text(max_size=40))
def test_arbitrary_paths_are_not_found(method: str, path: str) -> None:
    """Every unknown target is answered 404 in HTML."""
    answer = Caller(EXCHANGE).raw(method, path)
    assert answer.status in (200, 400, 401, 404)
    assert answer.status != 404 or answer.body.startswith(b"<html>")


ODD = (
    "",
    "BNB",
    "USDT",
    "BTC",
    "bnb",
    "0",
    "1",
    "-1",
    "0.5",
    "1e9",
    "true",
    "false",
    "TO_UM",
    "NaN",
    "%",
    "%zz",
    "%00",
    "é",
    "9" * 99,
)


def generated(chance: random.Random, facts: OperationFacts) -> tuple[bytes, bytes, dict[str, str]]:
    """One request, right, wrong or hostile: query, body and headers."""
    found: list[str] = []
    for parameter in facts.parameters:
        if parameter.name in ("timestamp", "signature") or (not parameter.required and chance.random() < 0.5):
            continue
        fitting = {
            "integer": str(NOW_MS - chance.randrange(10**9)),
            "decimal": f"0.{chance.randrange(1, 10**4):04}",
        }
        value = fitting.get(parameter.kind, chance.choice(("BNB", "USDT", "BTC")))
        if parameter.choices:
            value = chance.choice(parameter.choices)
        elif parameter.maximum is not None and parameter.maximum <= 10**6:
            value = str(chance.randrange(1, parameter.maximum + 1))
        found.append(f"{parameter.name}={value if chance.random() < 0.9 else chance.choice(ODD)}")
    if chance.random() < 0.1:
        found.append(f"{chance.choice(('asset', 'x', 'signature', 'timestamp', '%61'))}={chance.choice(ODD)}")
    chance.shuffle(found)
    moment = NOW_MS + (0 if chance.random() < 0.9 else chance.randrange(-(10**5), 10**5))
    if facts.security_type not in ("NONE", "MARKET_DATA"):
        found.append(f"timestamp={moment}")
    message = "&".join(found).encode()
    if facts.security_type not in ("NONE", "MARKET_DATA"):
        message += b"&signature=" + digest(message, SECRET if chance.random() < 0.95 else "wrong").encode()
    if chance.random() < 0.03:
        at = chance.randrange(len(message) + 1)
        message = message[:at] + chance.randbytes(3) + message[at:]
    sent = {"X-MBX-APIKEY": KEY if chance.random() < 0.97 else chance.choice(("", "x", "k" * 300))}
    if facts.method == "GET" or chance.random() < 0.5:
        return message, b"", sent
    kind = "application/x-www-form-urlencoded" if chance.random() < 0.95 else "application/json"
    return b"", message, {**sent, "Content-Type": kind}


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_a_hundred_thousand_requests_over_the_whole_document() -> None:
    """Right, wrong and hostile ones, with the clock going on: no 5xx, documented shapes, money conserved."""
    chance = random.Random(4)
    exchange = Exchange(
        state_with(interest={"default_daily_rate": "0.001"}, limits={"weight_per_minute": 10**12}),
        document=DOCUMENT,
        clock=Clock(NOW_MS),
    )
    caller = Caller(exchange)
    statuses: Counter[int] = Counter()
    executed: set[str] = set()
    for number in range(100_000):
        facts = chance.choice(DOCUMENT.operations)
        query, body, sent = generated(chance, facts)
        answer = caller.raw(facts.method, facts.path, query=query, body=body, headers=sent)
        statuses[answer.status] += 1
        if answer.status == 200:
            executed.add(facts.id)
        assert answer.status < 500
        check(facts, answer)
        if number % 500 == 0:
            assert exchange.world.ledger.imbalance() == {}
            exchange.clock.advance(chance.randrange(10))
            exchange.set_position("a", "USDT", {"free": Decimal(250_000), "um": Decimal(1)})
            exchange.set_position("a", "BNB", {"free": Decimal(1), "borrowed": Decimal(2), "um": Decimal(1)})
            exchange.forget_changes()
    assert executed == {facts.id for facts in DOCUMENT.operations}
    assert statuses[200] > 40_000
