"""
Every answer that the document describes is given by the exchange: each status of each call in its documented form,
each record that a movement leaves behind, and right requests at the first and the last moment of time.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from paydown_contract.document import Document, Operation
from paydown_contract.requests.composer import Composer
from paydown_contract.rules.answer_schema import AnswerSchema
from tests.contract.client.test_client_requests import right_texts
from tests.contract.support import drive
from tests.contract.support.asgi import Answer
from tests.contract.support.client import Bench, confirming, reply
from tests.contract.support.exchange import MAIN, NOW_MS, Exchange, exchange, holding, registered, state
from tests.contract.support.keys import signing_key
from tests.contract.support.model import plain

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

# What makes the exchange answer each documented status: the names of its faults.
FAULTS = {
    "403": "waf_403_html",
    "418": "banned_418",
    "429": "rate_limited_429",
    "503": "service_unavailable_503",
    "5XX": "gateway_502_html_executed",
}


class Caller:
    """Makes right requests of the main account, at the exchange's own time."""

    def __init__(self, contract: Document, running: Exchange) -> None:
        self.contract = contract
        self.running = running
        self.now_ms = NOW_MS

    def move_clock(self, to_ms: int) -> None:
        """The exchange's clock and ours."""
        self.running.set_clock(to_ms)
        self.now_ms = to_ms

    def call(self, name: str, **texts: str) -> Answer:
        """One right request of that operation."""
        operation = self.contract.by_id(name)
        composer = Composer(self.contract, signing_key("S1"), self.now_ms)
        answer = self.running.send(composer.right(operation, list(texts.items())))
        complaints = list(AnswerSchema(operation).violations(answer))
        assert not complaints, (name, complaints, answer.status, answer.body)
        return answer

    def done(self, name: str, **texts: str) -> Any:
        """The content of an answer that must be a 200."""
        answer = self.call(name, **texts)
        assert answer.status == 200, (name, answer.body)
        return json.loads(answer.body, parse_float=str)  # digits as they were sent


def world(balances: Mapping[str, Mapping[str, str]], **more: Any) -> dict[str, Any]:
    """A state document with these balances and the prices of every other test."""
    content = state()
    account = {"id": MAIN, "keys": [registered(signing_key("S1"))], "balances": dict(balances)}
    return {**content, "accounts": [account], **more}


@pytest.mark.parametrize("status", list(FAULTS))
def test_every_call_can_fail_as_documented(status: str, operation: Operation, contract: Document) -> None:
    """Firewall, ban, limit, overload and gateway: status, headers and body are those of the document."""
    assert status in operation.responses
    with exchange() as running:
        caller = Caller(contract, running)
        caller.done("startUserDataStream")  # there is a key to keep alive and to close
        where = {"method": operation.method, "path": operation.path}
        running.control("POST", "faults", {"match": where, "fault": FAULTS[status], "times": 1})
        answer = caller.call(operation.id, **right_texts(operation, optional=operation.facts["x-mutates"]))
        assert str(answer.status) == status or f"{answer.status // 100}XX" == status, answer.body


def test_every_status_of_the_document_is_tried(contract: Document) -> None:
    """The faults and the plain answers of other tests are all statuses that there are."""
    for operation in contract.operations:
        assert set(operation.responses) - {"200", "400", "401"} == set(FAULTS)


# ------------------------------------------------------------------------------------------------ records


def test_a_loan_is_found_by_its_id(contract: Document) -> None:
    """The link of the document: the tranId of a borrow is the txId of its record, and the debt is higher."""
    with exchange() as running:
        caller = Caller(contract, running)
        before = plain(caller.done("accountBalance", asset="ETH")["crossMarginBorrowed"])
        first = caller.done("marginBorrow", asset="ETH", amount="0.25")["tranId"]
        second = caller.done("marginBorrow", asset="ETH", amount="0.5")["tranId"]
        after = plain(caller.done("accountBalance", asset="ETH")["crossMarginBorrowed"])
        assert after - before == plain("0.75")
        for tran_id, amount in ((first, "0.25"), (second, "0.5")):
            found = caller.done("borrowRecords", asset="ETH", txId=str(tran_id))
            assert found["total"] == 1
            (row,) = found["rows"]
            assert row["txId"] == tran_id
            assert row["asset"] == "ETH"
            assert plain(row["principal"]) == plain(amount)
            assert row["timestamp"] == NOW_MS
        listed = caller.done("borrowRecords", asset="ETH")
        assert [row["txId"] for row in listed["rows"]] == [second, first], "newest first"
        assert caller.done("borrowRecords", asset="BTC", txId=str(first))["rows"] == []
        assert caller.done("repayRecords", asset="ETH", txId=str(first))["rows"] == []


@pytest.mark.parametrize("way", ["repayLoan", "repayDebt"])
def test_a_repayment_leaves_its_record(way: str, contract: Document) -> None:
    """Interest is paid before principal, the record adds up, and the debt is lower by the amount."""
    content = world({"ETH": holding("5", "2", "0.125")}, options={"repay-debt-record": "record"})
    with exchange(content) as running:
        caller = Caller(contract, running)
        answer = caller.done(way, asset="ETH", amount="0.5")
        (row,) = caller.done("repayRecords", asset="ETH")["rows"]
        assert plain(row["amount"]) == plain("0.5")
        assert plain(row["interest"]) == plain("0.125")
        assert plain(row["principal"]) == plain("0.375")
        assert (row["asset"], row["timestamp"]) == ("ETH", NOW_MS)
        if "tranId" in answer:
            assert row["txId"] == answer["tranId"]
            assert caller.done("repayRecords", asset="ETH", txId=str(answer["tranId"]))["rows"] == [row]
        held = caller.done("accountBalance", asset="ETH")
        assert plain(held["crossMarginBorrowed"]) == plain("1.625")
        assert plain(held["crossMarginInterest"]) == 0


def test_records_come_in_pages(contract: Document) -> None:
    """Newest first, no row twice, none lost, and the total counts all of them."""
    with exchange() as running:
        caller = Caller(contract, running)
        ids = []
        for number in range(7):
            caller.move_clock(NOW_MS + number)
            ids.append(caller.done("marginBorrow", asset="ETH", amount="0.01")["tranId"])
        newest = ids[::-1]
        pages = [
            caller.done("borrowRecords", asset="ETH", current=str(page), size="3") for page in (1, 2, 3, 4)
        ]
        assert [[row["txId"] for row in page["rows"]] for page in pages] == [
            newest[:3],
            newest[3:6],
            newest[6:],
            [],
        ]
        assert {page["total"] for page in pages} == {7}
        since = caller.done("borrowRecords", asset="ETH", startTime=str(NOW_MS + 5))
        assert [row["txId"] for row in since["rows"]] == newest[:2]
        until = caller.done("borrowRecords", asset="ETH", startTime=str(NOW_MS), endTime=str(NOW_MS + 2))
        assert [row["txId"] for row in until["rows"]] == newest[4:]


def test_a_window_may_be_as_long_as_documented_and_no_longer(contract: Document) -> None:
    """The longest window is answered; one millisecond more is refused with the documented code."""
    with exchange() as running:
        caller = Caller(contract, running)
        tried = 0
        for operation in contract.operations:
            window = operation.facts.get("x-pagination", {}).get("window")
            if window is None:
                continue
            codes = {row["code"] for row in operation.facts.get("x-known-errors", ())}
            codes = codes or contract.codes_named("INVALID_TIME_INTERVAL")
            texts = right_texts(operation, optional=False)
            start = NOW_MS - window["max-ms"]
            times = {"startTime": str(start), "endTime": str(NOW_MS)}
            assert caller.call(operation.id, **{**texts, **times}).status == 200, operation.id
            refused = caller.call(operation.id, **{**texts, **times, "startTime": str(start - 1)})
            assert refused.status == 400, operation.id
            assert refused.code in codes, (operation.id, refused.body)
            tried += 1
        assert tried >= 5


def test_interest_is_recorded_as_it_is_charged(contract: Document) -> None:
    """With interest on borrowing, each loan leaves a record of what it cost at once, and the debt holds it."""
    content = world({"ETH": holding("50")}, interest={"on_borrow": True, "default_daily_rate": "0.0024"})
    with exchange(content) as running:
        caller = Caller(contract, running)
        caller.done("marginBorrow", asset="ETH", amount="2")
        (row,) = caller.done("marginInterestHistory", asset="ETH")["rows"]
        assert (row["asset"], row["interestAccuredTime"], row["type"]) == ("ETH", NOW_MS, "ON_BORROW")
        assert plain(row["interest"]) == plain("0.0002"), "an hour of a daily rate of 0.0024"
        owed = caller.done("accountBalance", asset="ETH")
        assert plain(owed["crossMarginInterest"]) == plain(row["interest"])
        caller.move_clock(NOW_MS - NOW_MS % HOUR_MS + HOUR_MS)
        rows = caller.done("marginInterestHistory", asset="ETH")["rows"]
        assert len(rows) == 2
        assert rows[0]["interestAccuredTime"] > rows[1]["interestAccuredTime"], "newest first"
        assert len({each["txId"] for each in rows}) == 2
        held = plain(caller.done("accountBalance", asset="ETH")["crossMarginInterest"])
        assert held == sum(plain(each["interest"]) for each in rows)


def test_a_negative_balance_costs_what_the_page_prints(contract: Document) -> None:
    """The published sample: 210000 at 0.0001164 a day is 24.444."""
    content = world({"USDT": {"negative": "210000"}}, interest={"negative_daily_rate": "0.0001164"})
    with exchange(content) as running:
        caller = Caller(contract, running)
        caller.move_clock(NOW_MS - NOW_MS % DAY_MS + DAY_MS)
        (row,) = caller.done("negativeBalanceInterestHistory", asset="USDT")
        assert (row["asset"], plain(row["principal"]), plain(row["interestRate"])) == (
            "USDT",
            210000,
            plain("0.0001164"),
        )
        assert plain(row["interest"]) == plain("24.444")


def test_a_hole_that_is_sold_off_is_recorded(contract: Document) -> None:
    """Above its threshold a negative balance is covered, and the record says by how much."""
    content = world(
        {"USDT": holding("5000"), "BNB": {"negative": "1.10264488"}}, negative_thresholds={"BNB": "0.5"}
    )
    with exchange(content) as running:
        caller = Caller(contract, running)
        caller.move_clock(NOW_MS + 2 * HOUR_MS)
        found = caller.done(
            "negativeBalanceExchangeRecords", startTime=str(NOW_MS), endTime=str(NOW_MS + DAY_MS)
        )
        assert found["total"] == 1
        (row,) = found["rows"]
        assert row["details"] == [
            {"asset": "BNB", "negativeBalance": "1.10264488", "negativeMaxThreshold": "0.5"}
        ]
        assert NOW_MS <= row["startTime"] <= row["endTime"] <= caller.now_ms


def test_every_movement_is_in_the_capital_flow(contract: Document) -> None:
    """A loan comes in, a repayment goes out, both with their ids; type and asset choose among them."""
    with exchange() as running:
        caller = Caller(contract, running)
        borrowed = caller.done("marginBorrow", asset="ETH", amount="0.5")["tranId"]
        repaid = caller.done("repayLoan", asset="ETH", amount="0.25")["tranId"]
        rows = caller.done("capitalFlow", asset="ETH")
        assert {(row["tranId"], row["type"], plain(row["amount"])) for row in rows} == {
            (borrowed, "BORROW", plain("0.5")),
            (repaid, "REPAY", plain("-0.25")),
        }
        assert len({row["id"] for row in rows}) == 2
        (only,) = caller.done("capitalFlow", type="REPAY")
        assert only["tranId"] == repaid
        assert caller.done("capitalFlow", asset="BTC") == []
        older = min(row["id"] for row in rows)
        assert [row["tranId"] for row in caller.done("capitalFlow", fromId=str(older))] == [repaid]


# ------------------------------------------------------------------------------------------------ edges


def test_time_is_right_from_its_first_to_its_last_moment(operation: Operation, contract: Document) -> None:
    """Client and exchange at both ends of what `timestamp` may be: sent as it is, and accepted."""
    field = operation.field("timestamp")
    if field is None:
        return
    texts = right_texts(operation, optional=operation.facts["x-mutates"])
    for moment in (field.schema["minimum"], field.schema["maximum"]):
        bench = Bench(signing_key("S1"), lambda _: reply(confirming(operation, texts)))
        bench.clock.now = moment
        drive.method(bench.client, operation)(**drive.arguments(operation, texts))
        (sent,) = bench.capture.requests
        assert f"timestamp={moment}".encode() in sent.query + sent.body
        content = state()
        content["clock"] = {"now_ms": moment, "frozen": True}
        with exchange(content) as running:
            answer = running.send(sent)
            assert answer.status == 200, (moment, answer.body)


def test_a_list_may_be_as_long_as_documented(contract: Document) -> None:
    """The longest list of payment assets: the client sends it, and the exchange takes them in that order."""
    operation = contract.by_id("repayDebt")
    field = operation.field("specifyRepayAssets")
    assert field is not None
    names = [f"A{number:03}" for number in range(field.schema["maxItems"])]
    content = world({"BNB": holding("0", "1"), **{name: holding("0.01") for name in names}})
    content["prices_usd"] |= dict.fromkeys(names, "600")
    with exchange(content) as running:
        texts = {"asset": "BNB", "amount": "0.015", "specifyRepayAssets": ",".join(names)}
        bench = Bench(signing_key("S1"), lambda _: reply(confirming(operation, texts)))
        bench.client.margin.repay_debt(asset="BNB", amount="0.015", specify_repay_assets=names)
        answer = running.send(bench.capture.requests[0])
        assert answer.status == 200, answer.body
        assert answer.json()["specifyRepayAssets"] == names
        held = running.balances()[MAIN]
        assert [plain(held[name]["free"]) for name in names[:3]] == [0, plain("0.005"), plain("0.01")]


def test_a_long_type_of_flow_leaves_the_client(contract: Document) -> None:
    """A type of tomorrow, as long as a type may be, is sent as it is."""
    operation = contract.by_id("capitalFlow")
    field = operation.field("type")
    assert field is not None
    name = "A" * field.schema["maxLength"]
    bench = Bench(signing_key("S1"), lambda _: reply([]))
    drive.method(bench.client, operation)(**drive.arguments(operation, {"type": name}))
    assert f"type={name}&".encode() in bench.capture.requests[0].query


# ------------------------------------------------------------------------------------------------ business


def test_an_empty_pool_lends_nothing(contract: Document) -> None:
    """Both calls that ask the pool answer its observed code."""
    content = world({"ETH": holding("50")}, lendable={"ETH": "0"})
    with exchange(content) as running:
        caller = Caller(contract, running)
        assert caller.call("maxBorrowable", asset="ETH").code == 51061
        assert caller.call("marginBorrow", asset="ETH", amount="1").code == 51061
        assert caller.done("borrowRecords", asset="ETH")["rows"] == []


@pytest.mark.parametrize("way", ["repayLoan", "repayDebt"])
def test_a_call_that_meets_another_one_is_told_so(way: str, contract: Document) -> None:
    """51007 is about another call that still runs: nothing was executed, and the same call later succeeds."""
    path = contract.by_id(way).path
    with exchange() as running:
        caller = Caller(contract, running)
        running.control(
            "POST",
            "faults",
            {"match": {"method": "POST", "path": path}, "fault": "pending_51007", "times": 1},
        )
        before = running.balances()
        assert caller.call(way, asset="ETH", amount="0.5").code == 51007
        assert running.balances() == before
        assert caller.call(way, asset="ETH", amount="0.5").status == 200


@pytest.mark.parametrize("way", ["repayLoan", "repayDebt"])
def test_a_rest_that_is_too_small_is_refused(way: str, contract: Document) -> None:
    """With a smallest remaining debt a repayment may leave nothing or enough, and no crumb."""
    content = world({"ETH": holding("50", "2")}, options={"minimum-remaining-debt": "0.1"})
    with exchange(content) as running:
        caller = Caller(contract, running)
        refused = caller.call(way, asset="ETH", amount="1.95")
        if way == "repayDebt":
            assert (refused.status, refused.code) == (400, -3024)
            assert caller.call(way, asset="ETH", amount="1.9").status == 200
        else:  # the document asks this question about repay-debt alone
            assert refused.status == 200


@pytest.mark.parametrize("name", ["serverTime", "ping", "assetIndexPrice"])
def test_open_calls_answer_again_and_again(name: str, contract: Document) -> None:
    """Calls without a signature, asked often: each answer is right, and the clock is the exchange's."""
    with exchange() as running:
        caller = Caller(contract, running)
        for number in range(12):
            caller.move_clock(NOW_MS + number)
            content = caller.done(name)
            if name == "serverTime":
                assert content == {"serverTime": NOW_MS + number}
            elif name == "assetIndexPrice":
                assert {row["asset"]: row["assetIndexPrice"] for row in content} == state()["prices_usd"]
            else:
                assert content == {}
