"""
Faults of the local exchange: whether money moved, what was charged, what comes back, what is written down, and
which requests they strike.
"""

import json
from fractions import Fraction
from typing import Any

import pytest

from paydown_contract.document import Document
from paydown_contract.requests.raw_request import Request
from tests.contract.sandbox.test_sandbox_rules import REPAY, Caller, funded
from tests.contract.support.asgi import Answer, AnswerLost
from tests.contract.support.exchange import MAIN, NOW_MS, OTHER, exchange, registered
from tests.contract.support.keys import signing_key
from tests.contract.support.model import plain

LOST = "the connection is dropped"
# name: (kind, executed, status, code, what the log says of the answer), as docs/faults.md lists them
FAULTS: dict[str, tuple[str, bool, int | str, int | None, str]] = {
    "executed_then_503": ("executed", True, 503, -1000, "spoilt"),
    "not_executed_503_unknown": ("refused", False, 503, -1000, "sent"),
    "service_unavailable_503": ("gateway", False, 503, -1000, "sent"),
    "throttled_1008": ("gateway", False, 503, -1008, "sent"),
    "executed_then_reset": ("executed", True, LOST, None, "reset"),
    "executed_then_closed": ("executed", True, LOST, None, "close"),
    "reset_before": ("gateway", False, LOST, None, "reset"),
    "executed_then_delay": ("executed", True, 200, None, "sent"),
    "delay_before": ("passage", True, 200, None, "sent"),
    "timeout_1007_executed": ("executed", True, 504, -1007, "spoilt"),
    "timeout_1007_not_executed": ("refused", False, 504, -1007, "sent"),
    "timeout_1007_408_executed": ("executed", True, 408, -1007, "spoilt"),
    "timeout_1007_504_executed": ("executed", True, 504, -1007, "spoilt"),
    "unexpected_1006_executed": ("executed", True, 500, -1006, "spoilt"),
    "unexpected_1006_not_executed": ("refused", False, 500, -1006, "sent"),
    "internal_1001_503_executed": ("executed", True, 503, -1001, "spoilt"),
    "busy_51998_not_executed": ("refused", False, 400, 51998, "sent"),
    "pending_51007": ("refused", False, 400, 51007, "sent"),
    "rate_limited_429": ("gateway", False, 429, -1003, "sent"),
    "banned_418": ("gateway", False, 418, -1003, "sent"),
    "waf_403_html": ("gateway", False, 403, None, "sent"),
    "gateway_502_html_executed": ("executed", True, 502, None, "spoilt"),
    "success_without_amount": ("executed", True, 200, None, "spoilt"),
    "malformed_json_executed": ("executed", True, 200, None, "spoilt"),
    "truncated_body_executed": ("executed", True, LOST, None, "truncate"),
    "empty_200_executed": ("executed", True, 200, None, "spoilt"),
    "success_false_not_executed": ("refused", False, 200, None, "sent"),
    "redirect_307_not_executed": ("refused", False, 307, None, "sent"),
    "amount_as_number": ("executed", True, 200, None, "spoilt"),
    "extra_field": ("executed", True, 200, None, "spoilt"),
    "clock_skew": ("passage", False, 400, -1021, "sent"),
}
REPAY_WEIGHT = 3000
TEXT_A = "Unknown error, please check your request or try again later."
TEXT_B = "Service Unavailable."


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_does_what_its_name_says_once(name: str, contract: Document) -> None:
    """Whether it moved money, what comes back, and that the next request is served as ever."""
    kind, executed, status, code, told = FAULTS[name]
    with exchange() as running:
        running.install(funded())
        caller = Caller(contract, running)
        fault: dict[str, Any] = {"match": {"method": "POST", "path": REPAY}, "fault": name, "times": 1}
        if "delay" in name:
            fault["delay_ms"] = 5
        running.control("POST", "faults", fault)
        before = running.balances()
        assert caller.get("/papi/v1/balance").status == 200, "a fault struck what it does not match"
        answer: Answer | None = None
        try:
            answer = caller.repay(asset="BNB", amount="0.25")
        except AnswerLost:
            assert status == LOST
        after = running.balances()
        assert (after != before) is executed
        assert len(running.executed()) == (1 if executed else 0)
        if executed:
            assert plain(before[MAIN]["BNB"]["interest"]) - plain(after[MAIN]["BNB"]["interest"]) == Fraction(
                1, 4
            )
        if answer is not None:
            assert (answer.status, answer.code) == (status, code), answer.body
            judge_spoilt(name, answer)
        if name != "banned_418":
            next_answer = caller.repay(asset="BNB", amount="0.1")
            assert (next_answer.status, next_answer.json()["success"]) == (200, True)
        (record,) = [
            each for each in running.control("GET", "requests")["requests"] if each.get("fault") == name
        ]
        assert record["path"] == REPAY
        assert record["moved_money"] is executed
        assert record["answer"] == told
        assert record["status"] == (status if isinstance(status, int) else record["status"])
        assert record["weight"] == (0 if kind == "gateway" else REPAY_WEIGHT)
        assert [row["struck"] for row in running.control("GET", "faults")["faults"]] in ([], [1])


def judge_spoilt(name: str, answer: Answer) -> None:
    """The body of a struck answer."""
    texts = {
        "executed_then_503": TEXT_A,
        "not_executed_503_unknown": TEXT_A,
        "service_unavailable_503": TEXT_B,
    }
    if name in texts:
        assert answer.json()["msg"] == texts[name]
    elif name == "success_without_amount":
        assert "amount" not in answer.json()
        assert answer.json()["success"] is True
    elif name == "malformed_json_executed":
        with pytest.raises(ValueError, match=r"."):
            answer.json()
    elif name == "success_false_not_executed":
        assert answer.json()["success"] is False
    elif name == "amount_as_number":
        assert b'"amount":0.25' in answer.body
    elif name == "extra_field":
        assert set(answer.json()) - {"amount", "asset", "updateTime", "success"}
    elif name in ("waf_403_html", "gateway_502_html_executed"):
        assert (answer.header("content-type") or "").startswith("text/html")
        assert b"<html" in answer.body
    elif name == "banned_418":
        assert "banned until" in answer.json()["msg"]
    elif name == "empty_200_executed":
        assert answer.body == b""
    elif answer.status == 200:
        assert answer.json() == {
            "amount": "0.25",
            "asset": "BNB",
            "updateTime": answer.json()["updateTime"],
            "success": True,
        }


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_may_answer_with_another_status(name: str, contract: Document) -> None:
    """`status` replaces that of the fault; a fault without an answer of its own takes none."""
    kind, executed, usual, _, _ = FAULTS[name]
    with exchange() as running:
        if kind == "passage" or name in ("executed_then_reset", "executed_then_closed", "reset_before"):
            body = json.dumps({"fault": name, "status": 599}).encode()
            refused = running.server.send(
                Request("POST", "/_sandbox/faults", b"", (("content-type", "application/json"),), body)
            )
            assert refused.status == 400
            assert refused.json()["error"]["path"] == "status"
            return
        if usual == LOST:
            return  # a body that is cut off never arrives, whatever its status
        for status in (599, 400, 202, None):
            running.install(funded())
            fault = {"match": {"path": REPAY}, "fault": name, "status": status, "delay_ms": 0}
            running.control("POST", "faults", fault)
            answer = Caller(contract, running).repay(asset="BNB", amount="0.25")
            assert answer.status == (usual if status is None else status), status
            assert len(running.executed()) == executed


MATCHES: dict[str, list[tuple[str, bool]]] = {
    "method": [("POST", True), ("GET", False)],
    "path": [(REPAY, True), ("/papi/v1/balance", False)],
    "operation": [("repayDebt", True), ("accountBalance", False)],
    "account": [(MAIN, True), (OTHER, False)],
    "asset": [("BNB", True), ("ETH", False)],
    "ip": [("127.0.0.1", True), ("10.9.9.9", False)],
}


@pytest.mark.parametrize("name", ["executed_then_503", "not_executed_503_unknown", "service_unavailable_503"])
def test_a_fault_strikes_what_all_its_members_fit(name: str, contract: Document) -> None:
    """Each member of `match` alone, and each pair of them: one that does not fit is enough to spare the request."""
    members = [(member, text, fits) for member, cases in MATCHES.items() for text, fits in cases]
    pairs = [(one,) for one in members]
    pairs += [(one, two) for one in members for two in members if one[0] < two[0]]
    content = funded()
    content["accounts"].append({"id": OTHER, "keys": [registered(signing_key("S2"))], "balances": {}})
    with exchange() as running:
        for chosen in pairs:
            running.install(content)
            match = {member: text for member, text, _ in chosen}
            running.control("POST", "faults", {"match": match, "fault": name})
            answer = Caller(contract, running).repay(asset="BNB", amount="0.25")
            assert (answer.status == 503) is all(fits for _, _, fits in chosen), match


def test_faults_are_counted_matched_and_disarmed(contract: Document) -> None:
    """
    `times`, `skip`, `match` by asset, and DELETE: a fault strikes exactly where and as often as it was
    told.
    """
    with exchange() as running:
        running.install(funded())
        caller = Caller(contract, running)
        running.control(
            "POST",
            "faults",
            {"match": {"asset": "ETH"}, "fault": "service_unavailable_503", "times": 2, "skip": 1},
        )
        statuses = [
            caller.repay(asset=asset, amount="0.01").status
            for asset in ("BNB", "ETH", "BNB", "ETH", "ETH", "ETH", "BNB")
        ]
        assert statuses == [200, 200, 200, 503, 503, 200, 200]
        running.control("POST", "faults", {"match": {}, "fault": "rate_limited_429", "times": None})
        assert [caller.get("/papi/v1/balance").status for _ in range(3)] == [429, 429, 429]
        running.control("DELETE", "faults")
        assert caller.get("/papi/v1/balance").status == 200
        running.control("POST", "faults", {"match": {}, "fault": "waf_403_html", "probability": 0})
        assert caller.get("/papi/v1/balance").status == 200


def test_a_fault_that_needs_an_execution_waits_for_one(contract: Document) -> None:
    """An executed-then fault is not spent on a request that is refused anyway."""
    with exchange() as running:
        running.install(funded())
        caller = Caller(contract, running)
        running.control("POST", "faults", {"match": {"path": REPAY}, "fault": "executed_then_503"})
        assert caller.repay(asset="BNB", amount="1000000").status == 400
        assert caller.repay(asset="BNB", amount="0.25").status == 503
        assert len(running.executed()) == 1


def test_a_scenario_begins_and_ends_on_the_clock(contract: Document) -> None:
    """`after_ms` counts from the start, `for_ms` from when the fault begins: from the first to the last moment."""
    fault = {"fault": "service_unavailable_503", "times": None, "after_ms": 2000, "for_ms": 3000}
    with exchange() as running:
        running.install(funded())
        now = NOW_MS + 777
        running.set_clock(now)
        running.control("POST", "scenarios", {"name": "an outage", "faults": [fault]})
        for step, struck in (
            (0, False),
            (1999, False),
            (2000, True),
            (4999, True),
            (5000, False),
            (9000, False),
        ):
            running.set_clock(now + step)
            answer = Caller(contract, running, now_ms=now + step).get("/papi/v1/balance")
            assert (answer.status == 503) is struck, step


@pytest.mark.parametrize("seed", [0, 1, 2**31])
def test_a_scenario_with_a_seed_strikes_the_same_requests_again(seed: int, contract: Document) -> None:
    """Whatever was drawn before: the seed of the scenario starts the chances over."""
    fault = {"fault": "service_unavailable_503", "times": None, "probability": 0.5}
    with exchange() as running:
        running.install(funded())
        caller = Caller(contract, running)
        runs: list[list[int]] = []
        for _ in range(3):
            running.control("POST", "scenarios", {"name": "half", "seed": seed, "faults": [fault]})
            runs.append([caller.get("/papi/v1/balance").status for _ in range(40)])
            running.control("DELETE", "faults")
        assert runs[0] == runs[1] == runs[2]
        assert set(runs[0]) == {200, 503}
