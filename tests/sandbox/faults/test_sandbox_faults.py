"""Every fault: what the client sees, and whether money moved."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from paydown_sandbox.bundled_document import Document
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.faults.faults import FAULTS
from paydown_sandbox.faults.scenario import bundled_scenarios, find_scenario, start_scenario
from paydown_sandbox.http_messages import Drop, RawRequest, RawResponse, Reply, Retry
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.state.strict_json import StateError
from tests.sandbox.signer import NOW_MS, REPAY, Answer, Caller, state_with

CALL = "asset=BNB&amount=0.10000000&specifyRepayAssets=USDT"

# What each fault promises: the kind of reply, its status (0 without an answer), its code, whether it was executed.
EXPECTED: dict[str, tuple[type[Reply], int, int | None, bool]] = {
    "executed_then_503": (RawResponse, 503, -1000, True),
    "not_executed_503_unknown": (RawResponse, 503, -1000, False),
    "service_unavailable_503": (RawResponse, 503, -1000, False),
    "throttled_1008": (RawResponse, 503, -1008, False),
    "executed_then_reset": (Drop, 0, None, True),
    "reset_before": (Drop, 0, None, False),
    "executed_then_delay": (RawResponse, 200, None, True),
    "delay_before": (Retry, 0, None, False),
    "timeout_1007_executed": (RawResponse, 504, -1007, True),
    "timeout_1007_not_executed": (RawResponse, 504, -1007, False),
    "unexpected_1006_executed": (RawResponse, 500, -1006, True),
    "unexpected_1006_not_executed": (RawResponse, 500, -1006, False),
    "busy_51998_not_executed": (RawResponse, 400, 51998, False),
    "pending_51007": (RawResponse, 400, 51007, False),
    "rate_limited_429": (RawResponse, 429, -1003, False),
    "banned_418": (RawResponse, 418, -1003, False),
    "waf_403_html": (RawResponse, 403, None, False),
    "gateway_502_html_executed": (RawResponse, 502, None, True),
    "success_without_amount": (RawResponse, 200, None, True),
    "malformed_json_executed": (RawResponse, 200, None, True),
    "success_false_not_executed": (RawResponse, 200, None, False),
    "amount_as_number": (RawResponse, 200, None, True),
    "extra_field": (RawResponse, 200, None, True),
    "clock_skew": (RawResponse, 400, -1021, False),
    "executed_then_closed": (Drop, 0, None, True),
    "truncated_body_executed": (RawResponse, 200, None, True),
    "timeout_1007_408_executed": (RawResponse, 408, -1007, True),
    "timeout_1007_504_executed": (RawResponse, 504, -1007, True),
    "internal_1001_503_executed": (RawResponse, 503, -1001, True),
    "empty_200_executed": (RawResponse, 200, None, True),
    "redirect_307_not_executed": (RawResponse, 307, None, False),
    "answer_lost": (Drop, 0, None, True),  # by choice or by chance; with the seed 0 it is executed at first
}


def code_of(answer: Answer) -> int | None:
    """The error code of a body that may be anything."""
    try:
        content = json.loads(answer.body)
    except ValueError:
        return None
    return content.get("code") if isinstance(content, dict) else None


def test_the_table_names_every_fault() -> None:
    """A fault that no test expects does not exist."""
    assert EXPECTED.keys() == FAULTS.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_each_fault_answers_and_executes_as_its_name_says(caller: Caller, name: str) -> None:
    """It strikes once, the log names it, and the next call is healthy."""
    kind, status, code, executed = EXPECTED[name]
    fault = caller.exchange.faults.arm({"fault": name, "match": {"method": "POST", "path": REPAY}})

    answer = caller.repay(CALL)

    assert (type(answer.raw), answer.status, code_of(answer)) == (kind, status, code)
    assert fault.struck == 1
    record = list(caller.exchange.requests)[-1]
    assert (record.fault, record.moved_money) == (name, executed)
    assert caller.debt("BNB") == Decimal("1.501") - (Decimal("0.1") if executed else 0)
    caller.exchange.release("a")  # the answer is out, late or never
    assert caller.repay(CALL).json["success"] is True


@pytest.mark.parametrize(
    ("name", "manner"),
    [("executed_then_reset", "reset"), ("reset_before", "reset"), ("executed_then_closed", "close")],
)
def test_a_dropped_connection_is_reset_or_closed(caller: Caller, name: str, manner: str) -> None:
    """The manner of the drop is the one that the name of the fault promises."""
    caller.exchange.faults.arm({"fault": name})
    dropped = caller.repay(CALL).raw
    assert isinstance(dropped, Drop)
    assert dropped.manner == manner


def test_a_truncated_answer_is_marked(caller: Caller) -> None:
    """The answer is whole, and the server that sends it cuts it off."""
    caller.exchange.faults.arm({"fault": "truncated_body_executed"})
    cut = caller.repay(CALL).raw
    assert isinstance(cut, RawResponse)
    assert cut.truncated
    caller.exchange.release("a")
    whole = caller.repay(CALL).raw
    assert isinstance(whole, RawResponse)
    assert not whole.truncated


def test_spoilt_answers_are_spoilt_in_the_named_way(caller: Caller) -> None:
    """A missing amount, a number without rounding, an unknown member, half a JSON text, success false."""
    bodies: dict[str, bytes] = {}
    for name in ("success_without_amount", "amount_as_number", "extra_field", "malformed_json_executed"):
        caller.exchange.faults.arm({"fault": name})
        bodies[name] = caller.repay(CALL).body
    caller.exchange.faults.arm({"fault": "success_false_not_executed"})
    refused = caller.repay(CALL).json

    assert "amount" not in json.loads(bodies["success_without_amount"])
    assert b'"amount":0.10000000,' in bodies["amount_as_number"]
    assert json.loads(bodies["extra_field"]).keys() > {"amount", "asset", "success"}
    with pytest.raises(ValueError, match=r"line 1"):
        json.loads(bodies["malformed_json_executed"])
    assert refused["success"] is False


def test_texts_tell_the_503_variants_apart(caller: Caller) -> None:
    """Unknown, unavailable and throttled have the published texts."""
    texts: list[str] = []
    for name in ("executed_then_503", "service_unavailable_503", "throttled_1008"):
        caller.exchange.faults.arm({"fault": name})
        texts.append(caller.repay(CALL).json["msg"])
    assert texts[0] == "Unknown error, please check your request or try again later."
    assert texts[1] == "Service Unavailable."
    assert texts[2].startswith("Request throttled by system-level protection.")


def test_a_fault_is_not_spent_on_a_request_that_is_refused_anyway(caller: Caller) -> None:
    """`executed_…` promises an execution: a wrong signature or too large an amount leaves it armed."""
    fault = caller.exchange.faults.arm({"fault": "executed_then_503"})

    assert caller.repay("asset=BNB&amount=9&specifyRepayAssets=USDT").code == -3015
    assert Caller(caller.exchange, secret="wrong").repay(CALL).code == -1022
    assert fault.struck == 0
    assert caller.repay(CALL).status == 503
    assert fault.struck == 1


@pytest.mark.parametrize("match", [{}, {"method": "POST"}, {"account": "a"}, {"ip": "127.0.0.1"}])
@pytest.mark.parametrize("name", ["executed_then_503", "executed_then_reset", "timeout_1007_not_executed"])
def test_a_fault_about_an_execution_waits_for_a_call_that_changes_something(
    caller: Caller, name: str, match: dict[str, str]
) -> None:
    """The clock, a balance reading and a listen key neither meet it nor count for `skip`: the repayment does."""
    fault = caller.exchange.faults.arm({"fault": name, "match": match, "skip": 1})

    def harmless() -> list[int]:
        return [
            caller.raw("GET", "/papi/v1/time").status,
            caller.signed("GET", "/papi/v1/balance").status,
            caller.raw("POST", "/papi/v1/listenKey").status,
        ]

    assert harmless() == [200, 200, 200]
    assert caller.repay(CALL).status == 200  # the one that `skip` lets pass
    assert harmless() == [200, 200, 200]
    assert fault.struck == 0
    caller.repay(CALL)
    assert fault.struck == 1
    assert list(caller.exchange.requests)[-1].fault == name


@pytest.mark.parametrize(
    "match", [{"path": "/papi/v1/time"}, {"operation": "serverTime"}, {"method": "GET"}], ids=str
)
def test_a_fault_about_an_execution_strikes_a_read_that_was_asked_for(
    caller: Caller, match: dict[str, str]
) -> None:
    """Answers of reads get lost too, where the match of the fault asks for reads."""
    caller.exchange.faults.arm({"fault": "executed_then_503", "match": match})
    assert caller.repay(CALL).status == 200
    assert caller.raw("GET", "/papi/v1/time").status == 503


def test_a_fault_of_the_gateway_strikes_whatever_comes(caller: Caller) -> None:
    """What never reaches the exchange needs nothing to change."""
    caller.exchange.faults.arm({"fault": "service_unavailable_503"})
    assert caller.raw("GET", "/papi/v1/time").status == 503


def test_a_delay_before_hands_the_request_in_again(caller: Caller) -> None:
    """The same request comes back after the delay, is judged by the clock of then, and is logged once."""
    caller.exchange.faults.arm({"fault": "delay_before", "delay_ms": 5001})
    first = caller.repay(CALL)
    assert isinstance(first.raw, Retry)
    assert first.raw.delay_ms == 5001
    from tests.sandbox.signer import KEY, digest

    caller.exchange.clock.advance(5001)
    text = f"{CALL}&timestamp={NOW_MS}"
    headers = [(b"x-mbx-apikey", KEY.encode()), (b"content-type", b"application/x-www-form-urlencoded")]
    body = f"{text}&signature={digest(text)}".encode()
    second = caller.exchange.handle(
        RawRequest("POST", REPAY, b"", headers, body, "127.0.0.1", held=first.raw.held)
    )
    assert isinstance(second, RawResponse)
    assert b"-1021" in second.body
    assert len(caller.exchange.requests) == 1


def test_faults_match_count_skip_and_last(caller: Caller) -> None:
    """By asset and account, after two requests, twice, and only for a while."""
    arm = caller.exchange.faults.arm
    arm({"fault": "pending_51007", "match": {"asset": "BNB", "account": "a"}, "skip": 2, "times": 2})
    statuses = [caller.repay(CALL).status for _ in range(5)]
    assert statuses == [200, 200, 400, 400, 200]
    arm({"fault": "pending_51007", "match": {"asset": "BTC"}})
    assert caller.repay(CALL).status == 200
    caller.exchange.faults.disarm()
    arm({"fault": "service_unavailable_503", "times": None, "from_ms": NOW_MS + 10, "until_ms": NOW_MS + 20})
    seen: list[int] = []
    for _ in range(4):
        seen.append(caller.raw("GET", "/papi/v1/ping").status)
        caller.exchange.clock.advance(7)
    assert seen == [200, 200, 503, 200]


def test_chances_are_seeded(document: Document) -> None:
    """The same seed and the same requests meet the same faults; another seed meets others."""

    def run(seed: int) -> list[int]:
        exchange = Exchange(state_with(seed=seed), document=document, clock=Clock(NOW_MS))
        exchange.faults.arm({"fault": "waf_403_html", "probability": 0.3, "times": None})
        caller = Caller(exchange)
        return [caller.raw("GET", "/papi/v1/ping").status for _ in range(60)]

    assert run(1) == run(1) != run(2)
    assert 5 < run(1).count(403) < 35


def test_a_ban_can_be_real(caller: Caller) -> None:
    """With ban_ms the address stays banned, for everything."""
    caller.exchange.faults.arm({"fault": "banned_418", "ban_ms": 180_000})
    assert caller.repay(CALL).status == 418
    assert caller.raw("GET", "/papi/v1/ping").status == 418
    caller.exchange.clock.advance(180_000)
    assert caller.raw("GET", "/papi/v1/ping").status == 200


def test_clock_skew_moves_the_exchange_against_the_client(caller: Caller) -> None:
    """While it lasts, the time endpoint shows the shifted clock, and a client that follows it gets through."""
    caller.exchange.faults.arm({"fault": "clock_skew", "times": None, "skew_ms": -8000})
    shown = caller.raw("GET", "/papi/v1/time").json["serverTime"]
    assert shown == NOW_MS - 8000
    assert caller.repay(CALL).code == -1021
    assert caller.signed("POST", REPAY, CALL, at_ms=shown).status == 200


@pytest.mark.parametrize("window", ["fixed", "sliding"])
@pytest.mark.parametrize("skew_ms", [65_000, -65_000])
def test_clock_skew_leaves_the_count_of_weight_alone(window: str, skew_ms: int) -> None:
    """A request on a clock that is off counts in the minute in which it came, no earlier and no later."""
    caller = Caller(Exchange(state_with(options={"limit-window": window}), clock=Clock(frozen_at_ms=NOW_MS)))
    caller.raw("GET", "/papi/v1/ping")
    caller.exchange.faults.arm({"fault": "clock_skew", "skew_ms": skew_ms})
    assert caller.repay(CALL).code == -1021

    assert caller.raw("GET", "/papi/v1/ping").headers["x-mbx-used-weight-1m"] == "3002"
    caller.exchange.clock.advance(60_001)
    assert caller.raw("GET", "/papi/v1/ping").headers["x-mbx-used-weight-1m"] == "1"


@pytest.mark.parametrize(
    ("node", "path"),
    [
        ({}, "(document)"),
        ({"fault": "nonsense"}, "fault"),
        ({"fault": "waf_403_html", "times": -1}, "times"),
        ({"fault": "waf_403_html", "probability": 2}, "probability"),
        ({"fault": "waf_403_html", "match": {"pth": "/"}}, "match"),
        ({"fault": "waf_403_html", "delay": 1}, "(document)"),
        ({"fault": "waf_403_html", "status": 42}, "status"),
        ("waf_403_html", "(document)"),
    ],
)
def test_a_wrong_fault_names_its_place(caller: Caller, node: object, path: str) -> None:
    """The error names the place and what belongs there, and nothing is armed."""
    with pytest.raises(StateError) as caught:
        caller.exchange.faults.arm(node)
    assert str(caught.value).startswith(path)
    assert not caller.exchange.faults.armed


def test_a_bad_tuesday_plays_out_on_the_clock(caller: Caller) -> None:
    """Lost answers now and then, an outage after a minute, a ban after five."""
    scenario = find_scenario("a-bad-tuesday")
    start_scenario(caller.exchange.faults, scenario, NOW_MS)
    assert caller.raw("GET", "/papi/v1/ping").status == 200
    caller.exchange.clock.advance(60_000)
    assert caller.raw("GET", "/papi/v1/ping").status == 503
    caller.exchange.clock.advance(90_000)
    assert caller.raw("GET", "/papi/v1/ping").status == 200
    caller.exchange.clock.advance(150_000)
    assert [caller.raw("GET", "/papi/v1/ping").status for _ in range(2)] == [418, 418]
    caller.exchange.clock.advance(120_000)
    replies = [caller.repay("asset=BNB&amount=0.0001&specifyRepayAssets=USDT") for _ in range(300)]
    lost = [one for one in replies if one.status != 200]
    assert 1 <= len(lost) <= 24
    assert len(caller.exchange.lines) == 300


def test_every_bundled_scenario_reads() -> None:
    """And none of them can be asked for by a path."""
    assert {"a-bad-tuesday", "lost-answers", "slow-exchange"} <= bundled_scenarios().keys()
    for name in ("../scenarios/a-bad-tuesday", "/etc/passwd", "a-bad-tuesday.json"):
        with pytest.raises(StateError):
            find_scenario(name)
