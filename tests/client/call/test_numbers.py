"""Numbers that no exchange counts with: an answer that holds one is unreadable, and never ends a program."""

from __future__ import annotations

import json
import resource
from decimal import Decimal

import httpx
import pytest

from paydown import ExchangeClock, OutcomeUnknown, ReadFailed
from tests.client.support.kit import NOW_MS, ONE_TRY, Exchange, Time, answer, client

# Each as it stands in a JSON text.
HOSTILE = {
    "a gigabyte once written out": "1e999999999",
    "more than memory": "1e999999999999999999",
    "more than Decimal holds": "1e99999999999999999999",
    "a hundred megabytes": "1e50000000",
    "next to nothing": "1e-50000000",
    "a million digits": "1" * 1_000_000,
    "a million digits behind the point": f"0.{'1' * 1_000_000}",
    "more digits than a sum can keep": "1" * 29,
}
TEXTS = [pytest.param(number, id=name) for name, number in HOSTILE.items()]


@pytest.fixture(autouse=True)
def little_memory():
    """Whoever writes such a number out ends in MemoryError here, and not in the machine's swap."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with open("/proc/self/status", encoding="ascii") as status:
        (line,) = (line for line in status if line.startswith("VmData:"))
    resource.setrlimit(resource.RLIMIT_DATA, (int(line.split()[1]) * 1024 + 64 * 1024 * 1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_DATA, before)


def body(status: int, text: str) -> httpx.Response:
    """A JSON answer."""
    return httpx.Response(status, content=text, headers={"content-type": "application/json"})


def confirmation(**members: str) -> str:
    """The answer of a repayment that was executed, with members as JSON text."""
    right = {"asset": '"BNB"', "amount": '"0.1"', "updateTime": str(NOW_MS), "success": "true"}
    return "{" + ",".join(f'"{name}":{text}' for name, text in {**right, **members}.items()) + "}"


@pytest.mark.parametrize("number", TEXTS)
@pytest.mark.parametrize("member", ["amount", "amount as text", "updateTime", "tomorrow", "code"])
def test_a_repayment_whose_answer_holds_a_hostile_number_may_have_happened(member, number):
    """Whatever stands in the answer, it is never taken for "not executed", and nothing is written out."""
    name, _, quoted = member.partition(" as ")
    exchange = Exchange(body(200, confirmation(**{name: f'"{number}"' if quoted else number})))
    pm = client(exchange)
    with pytest.raises(OutcomeUnknown) as caught:
        pm.margin.repay_debt(asset="BNB", amount="0.1")
    assert len(exchange.requests) == 1
    assert len(str(caught.value)) < 2_000
    assert len(caught.value.excerpt) <= 400
    assert [attempt.id for attempt in pm.unresolved] == [caught.value.attempt_id]


@pytest.mark.parametrize("amount", ['"-5"', "-5", '"-1E-8"', '"-0.1"'])
def test_less_than_nothing_was_never_repaid(amount):
    """An exchange that confirms a negative amount confirms nothing."""
    with pytest.raises(OutcomeUnknown):
        client(Exchange(body(200, confirmation(amount=amount)))).margin.repay_debt(asset="BNB", amount="0.1")


@pytest.mark.parametrize("time", [10**19, 2**63 - 1, -(10**19), 253_402_300_800_000])
def test_a_moment_that_no_calendar_has_makes_a_confirmation_unknown(time):
    """It would end in an overflow wherever somebody calculates with it."""
    with pytest.raises(OutcomeUnknown):
        client(Exchange(body(200, confirmation(updateTime=str(time))))).margin.repay_debt(
            asset="BNB", amount="0.1"
        )


@pytest.mark.parametrize("number", TEXTS)
def test_a_refusal_that_holds_a_hostile_number_is_none(number):
    """A body that cannot be read says nothing, whatever its status: 400 alone is no proof."""
    text = f'{{"code":-1102,"msg":"Mandatory parameter","at":{number}}}'
    with pytest.raises(OutcomeUnknown):
        client(Exchange(body(400, text))).margin.repay_debt(asset="BNB", amount="0.1")


@pytest.mark.parametrize("code", [10**9 + 1, -(10**18), 10**25])
def test_a_code_that_is_no_code_refuses_nothing(code):
    """What the exchange never numbers its errors with is no error of the exchange, and fits into no database."""
    with pytest.raises(OutcomeUnknown) as caught:
        client(Exchange(answer(400, code, "no"))).margin.repay_debt(asset="BNB", amount="0.1")
    assert caught.value.code is None


@pytest.mark.parametrize("code", [-1007, 10**9 + 1, -(10**18), "-1007", "x", 1.5, True, [], {"a": 1}])
def test_a_confirmation_beside_a_code_that_may_be_an_error_may_have_happened(code):
    """Whether it says yes or no, nobody can say; no code, null and 200 say nothing against it."""
    with pytest.raises(OutcomeUnknown):
        client(Exchange(body(200, confirmation(code=json.dumps(code))))).margin.repay_debt(
            asset="BNB", amount="0.1"
        )
    for harmless in (None, 0, 200):
        pm = client(Exchange(body(200, confirmation(code=json.dumps(harmless)))))
        assert pm.margin.repay_debt(asset="BNB", amount="0.1").success


@pytest.mark.parametrize("number", TEXTS)
@pytest.mark.parametrize("quoted", [True, False])
def test_a_read_that_holds_a_hostile_number_fails_as_a_read(number, quoted):
    """The error is short, and names where."""
    told = {"amount": "1", "borrowLimit": "2"}
    text = json.dumps(told).replace('"1"', f'"{number}"' if quoted else number)
    with pytest.raises(ReadFailed) as caught:
        client(Exchange(body(200, text)), retries=ONE_TRY).margin.max_borrowable(asset="BNB")
    assert len(str(caught.value)) < 2_000


def test_a_balance_with_exponents_is_read():
    """One zero written as "0E-8" does not hide the debt."""
    row = {
        "asset": "BNB",
        "crossMarginBorrowed": "1.5",
        "crossMarginInterest": "1E-8",
        "crossMarginFree": "0E-8",
        "crossMarginLocked": "0",
        "umUnrealizedPNL": "-1.25e-7",
    }
    found = client(Exchange(httpx.Response(200, json=[row]))).account.balance()[0]
    assert (found.cross_margin_borrowed, found.cross_margin_interest) == (
        Decimal("1.5"),
        Decimal("0.00000001"),
    )
    assert (found.cross_margin_free, found.um_unrealized_pnl) == (0, Decimal("-0.000000125"))
    assert found.to_json()["crossMarginFree"] == "0.00000000"


@pytest.mark.parametrize("member", ["crossMarginBorrowed", "crossMarginInterest"])
def test_a_debt_of_less_than_nothing_is_no_debt_that_was_read(member):
    """It would pass for a debt that is repaid."""
    row = dict.fromkeys(
        ("crossMarginBorrowed", "crossMarginInterest", "crossMarginFree", "crossMarginLocked"), "0"
    )
    exchange = Exchange(httpx.Response(200, json=[{"asset": "BNB", **row, member: "-5"}]))
    with pytest.raises(ReadFailed, match=member):
        client(exchange, retries=ONE_TRY).account.balance()


@pytest.mark.parametrize(
    "number", [*HOSTILE.values(), str(10**19), str(2**63 - 1), "-1", "0", "253402300800000"]
)
def test_a_clock_that_shows_no_moment_is_not_believed(number):
    """The next clock is asked, as if it had not answered: no call fails with an error of a calculation."""

    def told(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/time"):
            return body(200, f'{{"serverTime":{NOW_MS if request.url.host == "other.test" else number}}}')
        return httpx.Response(200, json=[])

    time = Time()
    clock = ExchangeClock(
        ["https://papi.binance.com/papi/v1/time", "https://other.test/time"],
        ticks=time.ticks,
        wall=time.now_ms,
    )
    pm = client(Exchange(told), time, clock=clock)
    assert pm.account.balance() == []
    assert abs(clock.now_ms() - NOW_MS) < 1_000
