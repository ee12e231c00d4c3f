"""What may be concluded from an answer. Expected classes are written by hand from the exchange's protocol pages."""

from __future__ import annotations

import json
import traceback
from typing import NamedTuple

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paydown import (
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
    RequestRejected,
    WrongAddress,
)
from paydown.call.answer import NOT_JSON, parse_answer
from paydown.call.failures import REFUSALS
from paydown.call.outcome import answer_outcome
from paydown.redaction import Redactor
from paydown.transport.channel import Answer
from paydown_wire.error_codes import ERROR_CODES, STATUS_OUTCOMES
from paydown_wire.operations import ACCOUNT_BALANCE, MARGIN_BORROW, REPAY_DEBT
from tests.client.support.kit import NOW_MS, ONE_TRY, REPAY, Exchange, Time, answer, client, repaid

HTML = {"content-type": "text/html"}
TEXT_A = "Unknown error, please check your request or try again later."
TEXT_D = "Internal error; unable to process your request. Please try again."
BANNED = f"Way too much request weight used; IP banned until {NOW_MS + 600_000}."


def text(status: int, body: str | bytes = "", **headers: str) -> httpx.Response:
    return httpx.Response(status, content=body, headers=headers)


class Case(NamedTuple):
    """One way an answer to a repayment can look."""

    name: str
    answer: httpx.Response | Exception
    expected: type[PaydownError] | None  # None: done
    executes: bool  # what happened to the debt, which the caller cannot see


CASES = [
    # Done: 200, a JSON object, success exactly true, the asked asset.
    Case("done", repaid(), None, True),
    Case("no amount, as seen live", text(200, '{"asset":"BNB","success":true,"updateTime":1}'), None, True),
    Case("unknown field", repaid(newField={"a": [1]}), None, True),
    Case("amount as a number", text(200, '{"asset":"BNB","success":true,"amount":0.10}'), None, True),
    Case("a code that means no error", repaid(code=200, msg="success"), None, True),
    # 200 that confirms nothing.
    Case("success false", repaid(success=False), OutcomeUnknown, False),
    Case("success 1", repaid(success=1), OutcomeUnknown, True),
    Case("success 'true'", repaid(success="true"), OutcomeUnknown, True),
    Case("success null", repaid(success=None), OutcomeUnknown, True),
    Case("no success", text(200, '{"asset":"BNB","amount":"0.1"}'), OutcomeUnknown, True),
    Case("other asset", repaid(asset="BTC"), OutcomeUnknown, True),
    Case("asset in lower case", repaid(asset="bnb"), OutcomeUnknown, True),
    Case("no asset", text(200, '{"success":true}'), OutcomeUnknown, True),
    Case("success twice", text(200, '{"asset":"BNB","success":false,"success":true}'), OutcomeUnknown, True),
    Case("array", text(200, '[{"asset":"BNB","success":true}]'), OutcomeUnknown, True),
    Case("null", text(200, "null"), OutcomeUnknown, True),
    Case("true", text(200, "true"), OutcomeUnknown, True),
    Case("text", text(200, '"ok"'), OutcomeUnknown, True),
    Case("empty", text(200), OutcomeUnknown, True),
    Case("blank", text(200, "  "), OutcomeUnknown, True),
    Case("cut short", text(200, '{"asset":"BNB","success":true'), OutcomeUnknown, True),
    Case("missing comma, as published", text(200, '{"asset":"BNB" "success":true}'), OutcomeUnknown, True),
    Case("HTML", text(200, "<html>welcome</html>", **HTML), OutcomeUnknown, True),
    Case("NaN", text(200, '{"asset":"BNB","success":true,"amount":NaN}'), OutcomeUnknown, True),
    Case("byte order mark", text(200, b'\xef\xbb\xbf{"asset":"BNB","success":true}'), OutcomeUnknown, True),
    Case("UTF-16", text(200, '{"asset":"BNB","success":true}'.encode("utf-16")), OutcomeUnknown, True),
    Case("not UTF-8", text(200, b'{"asset":"BNB","success":true,"x":"\xff"}'), OutcomeUnknown, True),
    Case("a thousand brackets", text(200, "[" * 100_000), OutcomeUnknown, True),
    Case("an integer of 5000 digits", text(200, "1" * 5000), OutcomeUnknown, True),
    Case("two answers", text(200, '{"asset":"BNB","success":true}{}'), OutcomeUnknown, True),
    Case("success beside a code of the list", repaid(code=-1007), OutcomeUnknown, False),
    Case("success beside 51999", repaid(code=51999), OutcomeUnknown, False),
    Case("success beside an error code nobody lists", repaid(code=-99999), OutcomeUnknown, False),
    Case("error in a 200", answer(200, -2015, "Invalid API-key"), OutcomeUnknown, False),
    Case("amount is an object", repaid(amount={}), OutcomeUnknown, True),
    Case("time is text", repaid(updateTime="1636371437000"), OutcomeUnknown, True),
    # Other 2xx and 3xx: nobody documents them.
    Case("202 empty: the dead testnet answers so, and whoever accepts for later", text(202), OutcomeUnknown, True),
    Case("202 with a body", text(202, "{}"), OutcomeUnknown, True),
    Case("201", text(201, repaid().content), OutcomeUnknown, True),
    Case("204", text(204), OutcomeUnknown, True),
    Case("301", text(301, location="https://example.com/"), OutcomeUnknown, False),
    Case("307", text(307, location=REPAY), OutcomeUnknown, False),
    Case("304", text(304), OutcomeUnknown, False),
    # 4xx with a JSON error: not executed, the code gives the finer class.
    Case("400 -1102", answer(400, -1102, "Mandatory parameter"), RequestRejected, False),
    Case("400 -1021", answer(400, -1021, "Timestamp for this request"), ClockRejected, False),
    Case("400 -1022", answer(400, -1022, "Signature for this request is not valid."), CredentialsRejected, False),
    Case("400 -2014", answer(400, -2014, "API-key format invalid."), CredentialsRejected, False),
    Case("400 -2018", answer(400, -2018, "Balance is insufficient."), InsufficientFunds, False),
    Case("400 -2023", answer(400, -2023, "User in liquidation mode now."), AccountRestricted, False),
    Case("400 51007", answer(400, 51007, "pending"), ExchangeBusy, False),
    Case("400 -51007", answer(400, -51007, "pending"), ExchangeBusy, False),
    Case("400 51061", answer(400, 51061, "pool"), InsufficientFunds, False),
    Case("400 -3015, of another list", answer(400, -3015, "Repay amount exceeds"), RequestRejected, False),
    Case("400 with a code nobody lists", answer(400, -9999999, "New."), RequestRejected, False),
    Case("409 with a code nobody lists", answer(409, -7, "New."), RequestRejected, False),
    Case("400 -1016", answer(400, -1016, "This service is no longer available."), WrongAddress, False),
    # A status that denies what its body confirms: one of the two is wrong, and nobody knows which.
    Case("400 with a code that confirms", text(400, repaid(code=-1102).content), OutcomeUnknown, True),
    Case("404 that confirms", text(404, repaid().content), OutcomeUnknown, True),
    Case("429 that confirms", text(429, repaid().content), OutcomeUnknown, True),
    Case("503 B that confirms", text(503, repaid(msg="Service Unavailable.").content), OutcomeUnknown, True),
    # 4xx whose code says that it is not known.
    Case("400 -1000", answer(400, -1000, "unknown"), OutcomeUnknown, True),
    Case("400 -1001", answer(400, -1001, "disconnected"), OutcomeUnknown, True),
    Case("400 -1006", answer(400, -1006, "unexpected"), OutcomeUnknown, True),
    Case("400 -1007", answer(400, -1007, "timeout"), OutcomeUnknown, True),
    Case("400 -1010", answer(400, -1010, "message"), OutcomeUnknown, True),
    Case("400 -5041", answer(400, -5041, "queue"), OutcomeUnknown, True),
    Case("400 51078", answer(400, 51078, "assets"), OutcomeUnknown, True),
    Case("400 51998", answer(400, 51998, "busy"), OutcomeUnknown, False),
    Case("400 -51998", answer(400, -51998, "busy"), OutcomeUnknown, False),
    Case("400 51999", answer(400, 51999, "abnormal"), OutcomeUnknown, True),
    Case("400 -3044", answer(400, -3044, "busy"), OutcomeUnknown, True),
    Case("429 -1007", answer(429, -1007, "timeout"), OutcomeUnknown, True),
    Case("408 -1007", answer(408, -1007, "timeout"), OutcomeUnknown, True),
    Case("408", text(408), OutcomeUnknown, True),
    Case("408 -1102", answer(408, -1102, "Mandatory"), OutcomeUnknown, True),
    # 4xx without a JSON error: somebody else may have answered.
    Case("400 HTML", text(400, "<html>", **HTML), OutcomeUnknown, True),
    Case("400 empty", text(400), OutcomeUnknown, True),
    Case("400 code as text", text(400, '{"code":"-1102","msg":"x"}'), OutcomeUnknown, True),
    Case("400 code as true", text(400, '{"code":true,"msg":"x"}'), OutcomeUnknown, True),
    Case("400 code as object", text(400, '{"code":{},"msg":"x"}'), OutcomeUnknown, True),
    Case("400 array", text(400, '[{"code":-1102}]'), OutcomeUnknown, True),
    Case("499 HTML", text(499, "<html>", **HTML), OutcomeUnknown, True),
    # What says "no error" beside a 200 says no error beside a 400 either: errors are negative, or in the list.
    Case("400 code 200", answer(400, 200, "success"), OutcomeUnknown, True),
    Case("400 code 0", answer(400, 0, "success"), OutcomeUnknown, True),
    Case("400 code of a gateway", answer(400, 400, "Bad Request"), OutcomeUnknown, True),
    Case("401 code of a gateway", answer(401, 401, "Unauthorized"), OutcomeUnknown, True),
    Case("401 empty", text(401), OutcomeUnknown, True),
    Case("401 HTML", text(401, "<html>", **HTML), OutcomeUnknown, True),
    Case("404 empty", text(404), OutcomeUnknown, True),
    Case("404 text", text(404, "404 page not found"), OutcomeUnknown, True),
    Case("404 XML of a store", text(404, "<?xml version='1.0'?><Error/>"), OutcomeUnknown, True),
    # Statuses of which the pages say no, with the bodies that they name.
    Case("401 -2015", answer(401, -2015, "Invalid API-key, IP, or permissions"), CredentialsRejected, False),
    Case("403 HTML", text(403, "<html>403 Forbidden</html>", **HTML), FirewallBlocked, False),
    Case("403 empty", text(403), FirewallBlocked, False),
    Case("404 HTML", text(404, "<html>404</html>", **HTML), WrongAddress, False),
    Case("404 HTML of another make", text(404, "\r\n<!DOCTYPE HTML><p>404", **HTML), WrongAddress, False),
    Case("404 -1016", answer(404, -1016, "This service is no longer available."), WrongAddress, False),
    Case("418 -1003", answer(418, -1003, BANNED), IpBanned, False),
    Case("418 empty", text(418), IpBanned, False),
    Case("429 -1003", answer(429, -1003, "Too much request weight used"), RateLimited, False),
    Case("429 -1015", answer(429, -1015, "Too many new orders"), RateLimited, False),
    Case("429 HTML", text(429, "<html>", **HTML), RateLimited, False),
    # 503: four texts, four meanings.
    Case("503 A", answer(503, -1000, TEXT_A), OutcomeUnknown, True),
    Case("503 A plain", text(503, TEXT_A), OutcomeUnknown, True),
    Case("503 B", answer(503, -1000, "Service Unavailable."), ExchangeBusy, False),
    Case("503 B plain", text(503, "Service Unavailable.\n"), ExchangeBusy, False),
    Case("503 B without its point", text(503, "Service Unavailable"), OutcomeUnknown, True),
    Case("503 B in HTML", text(503, "<h1>Service Unavailable.</h1>", **HTML), OutcomeUnknown, True),
    Case("503 B with -1007", answer(503, -1007, "Service Unavailable."), OutcomeUnknown, True),
    Case("503 C", answer(503, -1008, "Request throttled by system-level protection."), ExchangeBusy, False),
    Case("503 D", answer(503, -1001, TEXT_D), OutcomeUnknown, True),
    Case("503 HTML", text(503, "<html>", **HTML), OutcomeUnknown, True),
    Case("503 empty", text(503), OutcomeUnknown, True),
    # Other 5xx.
    Case("500", text(500), OutcomeUnknown, True),
    Case("500 -1121", answer(500, -1121, "Invalid symbol."), OutcomeUnknown, True),
    Case("502 HTML of a CDN", text(502, "<html>502 Bad Gateway</html>", **HTML), OutcomeUnknown, True),
    Case("504 -1007", answer(504, -1007, "Timeout waiting for response"), OutcomeUnknown, True),
    Case("504 -1008", answer(504, -1008, "throttled"), OutcomeUnknown, True),
    Case("520", text(520), OutcomeUnknown, True),
    Case("599", text(599), OutcomeUnknown, True),
    # No answer.
    Case("refused", httpx.ConnectError("refused"), ConnectionFailed, False),
    Case("connect time-out", httpx.ConnectTimeout("slow"), ConnectionFailed, False),
    Case("no connection free", httpx.PoolTimeout("full"), ConnectionFailed, False),
    Case("proxy refused", httpx.ProxyError("407"), ConnectionFailed, False),
    Case("read time-out", httpx.ReadTimeout("slow"), OutcomeUnknown, True),
    Case("write time-out", httpx.WriteTimeout("slow"), OutcomeUnknown, True),
    Case("reset", httpx.ReadError("reset"), OutcomeUnknown, True),
    Case("write error", httpx.WriteError("broken pipe"), OutcomeUnknown, True),
    Case("disconnected", httpx.RemoteProtocolError("Server disconnected"), OutcomeUnknown, True),
    Case("local protocol", httpx.LocalProtocolError("odd"), OutcomeUnknown, True),
    Case("a bug in a transport", ZeroDivisionError("oops"), OutcomeUnknown, True),
    Case("an OSError", ConnectionResetError("reset"), OutcomeUnknown, True),
]  # fmt: skip


def call(pm, amount="0.1"):
    return pm.margin.repay_debt(asset="BNB", amount=amount)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_answer_gives_exactly_the_class_that_the_pages_allow(case):
    """By type alone a caller knows: done, refused, never left, or may have happened."""
    exchange = Exchange(case.answer)
    pm = client(exchange)

    if case.expected is None:
        assert call(pm).asset == "BNB"
        assert pm.unresolved == ()
        return
    with pytest.raises(PaydownError) as caught:
        call(pm)

    assert type(caught.value) is case.expected
    assert len(exchange.requests) == 1
    assert len(pm.unresolved) == (case.expected is OutcomeUnknown)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_caller_who_loops_over_any_exception_repays_at_most_once(case):
    """Three tries, `except Exception: continue`: the fault strikes first, then the exchange is healthy."""
    executed: list[str] = []

    def healthy(request: httpx.Request) -> httpx.Response:
        executed.append(request.content.decode())
        return repaid()

    exchange = Exchange(case.answer, healthy)
    pm = client(exchange)
    if case.executes:
        executed.append("the one whose answer was lost")

    for _ in range(3):
        try:
            call(pm)
        except Exception:  # noqa: BLE001  # the careless caller that this is about
            continue
        break

    assert len(executed) <= 1
    # Where it surely did not happen, the second try repays; a ban outlasts all three.
    repeats = case.expected not in (None, OutcomeUnknown, IpBanned)
    assert len(executed) == (1 if case.executes or repeats else 0)


def test_facts_stay_apart_on_the_error():
    """Status, code, name, text and headers are attributes of their own; nothing is overwritten."""
    exchange = Exchange(answer(400, -2018, "Balance is insufficient.", X_MBX_USED_WEIGHT_1M="3001"))
    pm = client(exchange)

    with pytest.raises(InsufficientFunds) as caught:
        call(pm)

    error = caught.value
    assert (error.status, error.code, error.code_name) == (400, -2018, "BALANCE_NOT_SUFFICIENT")
    assert error.msg == "Balance is insufficient."
    assert error.headers["x-mbx-used-weight-1m"] == "3001"
    assert error.operation == "margin.repay_debt"
    assert error.sent_at_ms == NOW_MS
    assert error.retry == "after-fixing-request"
    assert error.attempt_id is not None
    assert "nothing was executed" in str(error)


def test_an_unlisted_code_is_kept_with_its_text():
    """A code of tomorrow is no crash and not None."""
    with pytest.raises(RequestRejected) as caught:
        call(client(Exchange(answer(400, -7777, "Something new."))))

    assert caught.value.code == -7777
    assert caught.value.code_name is None
    assert caught.value.msg == "Something new."


@pytest.mark.parametrize(
    ("given", "wait_s"),
    [
        (answer(429, -1003, "Too much", Retry_After="7"), 7.0),
        (answer(429, -1003, "Too much"), 60.0),
        (answer(429, -1003, "Too much", Retry_After="soon"), 60.0),
        (answer(429, -1003, "Too much", Retry_After="-5"), 60.0),
        (answer(418, -1003, BANNED), 600.0),
        (answer(418, -1003, BANNED, Retry_After="900"), 900.0),
        (answer(418, -1003, "banned"), 120.0),
        (answer(418, -1003, "banned", Retry_After="300"), 300.0),
        (answer(429, -1003, BANNED), 600.0),
    ],
)
def test_limits_say_how_long_to_wait(given, wait_s):
    """Retry-After, the text's "banned until", else a minute after 429 and two after 418, as the pages say."""
    with pytest.raises(RateLimited) as caught:
        call(client(Exchange(given)))

    assert caught.value.retry_after_s == wait_s
    if isinstance(caught.value, IpBanned):
        assert caught.value.banned_until_ms == NOW_MS + wait_s * 1000


def test_a_date_in_retry_after_is_understood():
    """HTTP allows a moment instead of a duration; this one is 13 s after the clock of the test."""
    late = answer(429, -1003, "Too much", Retry_After="Mon, 08 Nov 2021 11:37:30 GMT")

    with pytest.raises(RateLimited) as caught:
        call(client(Exchange(late), Time(NOW_MS)))

    assert caught.value.retry_after_s == pytest.approx(13.0)


# ---------------------------------------------------------------------------------- the tables, as a whole

# Everything that the pages call "not executed", and nothing else. Each line: status, kinds of body, where it is said.
# "Outcome classes" is that table of the page about the debt, "HTTP status" and "503 texts" are parts of the protocol.
SAID_NOT_EXECUTED = [
    (
        range(400, 500),
        {"refusal", "unlisted"},
        'Outcome classes: "HTTP 4xx with a JSON error other than 408/418/429"',
    ),
    ((403,), "any", 'HTTP status: "firewall rule broken, maybe HTML", not executed'),
    ((404,), {"html"}, 'HTTP status: "unknown path, HTML", not executed'),
    (
        (418,),
        "any",
        'Outcome classes: "rejected by the limiter according to the docs"; HTTP status: "IP banned"',
    ),
    (
        (429,),
        "any",
        'Outcome classes: "rejected by the limiter according to the docs"; HTTP status: "a limit is broken"',
    ),
    ((503,), {"variant B", "variant B, bare", "-1008"}, '503 texts: "Service Unavailable." and -1008'),
]
NEVER_A_NO = {408}  # "408: not documented", unknown

BODIES = {
    "empty": b"",
    "blank": b" \r\n",
    "html": b"<!doctype html><title>Blocked</title>",
    "xml": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "plain": b"no healthy upstream",
    "null": b"null",
    "object": b"{}",
    "message only": b'{"message":"Forbidden"}',
    "confirmation": repaid().content,
    "refusal": answer(400, -1102, "Mandatory parameter").content,
    "unlisted": answer(400, -99999, "new").content,
    "doubt": answer(400, -1007, "Timeout waiting for response from backend server.").content,
    "abnormal": answer(400, 51999, "abnormal").content,
    "no code": b'{"msg":"Mandatory parameter"}',
    "code as text": b'{"code":"-1102","msg":"Mandatory parameter"}',
    "code of a gateway": b'{"code":404,"msg":"Not Found"}',
    "code of a success": b'{"code":200,"msg":"success"}',
    "cut short": b'{"code":-1102,"msg":"Mand',
    "two": b'{"code":-1102,"msg":"x"}{"code":-1102,"msg":"x"}',
    "variant A": answer(503, -1000, TEXT_A).content,
    "variant B": answer(503, -1000, "Service Unavailable.").content,
    "variant B, bare": b"Service Unavailable.",
    "variant D": answer(503, -1001, TEXT_D).content,
    "-1008": answer(503, -1008, "Request throttled by system-level protection.").content,
}
# Bodies that outvote a status: a confirmation, and a code of which the list says that nobody knows.
OUTVOTE = {"confirmation", "doubt", "abnormal", "variant D"}
JSON_ERRORS = {"refusal", "unlisted", "-1008"}


@pytest.mark.parametrize("kind", BODIES)
def test_nothing_is_called_not_executed_unless_the_pages_say_so(kind):
    """For a call that changes something, every other pair of status and body leaves the outcome unknown."""
    body = BODIES[kind]
    for status in range(100, 600):
        outcome = answer_outcome(
            REPAY_DEBT, parse_answer(Answer(status, {}, body), strict=True), {"asset": "BNB"}
        )
        said = any(
            status in statuses
            and (kinds == "any" or kind in kinds or (kind in JSON_ERRORS and "refusal" in kinds))
            for statuses, kinds, _ in SAID_NOT_EXECUTED
        )
        # -1000 is the code of "an unspecified failure": its own 503 text alone says more.
        doubted = kind in OUTVOTE or (kind in ("variant A", "variant B") and status != 503)
        expected = "no" if said and status not in NEVER_A_NO and not doubted else "unknown"
        if status == 200 and kind == "confirmation":
            expected = "done"
        assert outcome.executed == expected, (status, outcome)


def test_a_status_that_only_hints_tells_what_to_check():
    """The dead testnet answers 202 with nothing in it: for a repayment no proof, for a person the likely cause."""
    with pytest.raises(OutcomeUnknown, match="base URL"):
        call(client(Exchange(text(202))))
    with pytest.raises(ReadFailed, match="base URL"):
        client(Exchange(text(202)), retries=ONE_TRY).account.balance()


@pytest.mark.parametrize("row", ERROR_CODES, ids=lambda row: f"{row.code} {row.name}")
def test_every_code_of_the_document_has_a_class_and_unknown_ones_never_become_a_no(row):
    """Whatever the status: a code that says unknown is never taken for a refusal, except with 503 B."""
    assert row.category in REFUSALS
    for status in (400, 401, 403, 404, 408, 418, 429, 500, 502, 503, 504):
        body = json.dumps({"code": row.code, "msg": "x"}).encode()
        outcome = answer_outcome(
            REPAY_DEBT, parse_answer(Answer(status, {}, body), strict=True), {"asset": "BNB"}
        )
        if row.executed == "unknown" or status in (408, 500, 502, 504):
            assert outcome.executed == "unknown"
        elif status != 503:
            assert outcome.executed == "no"


def test_the_last_rule_takes_everything():
    """A status that no rule names is unknown."""
    assert STATUS_OUTCOMES[-1].status == "default"
    assert STATUS_OUTCOMES[-1].executed == "unknown"


@settings(deadline=None, max_examples=400)
@given(
    st.integers(min_value=100, max_value=999), st.binary(max_size=60) | st.text(max_size=60).map(str.encode)
)
def test_arbitrary_answers_never_confirm_a_repayment_and_never_crash(status, body):
    """Noise is at most a refusal; and a 5xx, 1xx, 3xx or other 2xx is never one, but for the texts of the pages."""
    outcome = answer_outcome(
        REPAY_DEBT, parse_answer(Answer(status, {}, body), strict=True), {"asset": "BNB"}
    )

    assert outcome.executed != "done"
    if status >= 500 or status < 200 or 300 <= status < 400 or status in (201, 204, 408):
        assert outcome.executed == "unknown"


def test_a_read_is_answered_by_200_alone():
    """Success rules belong to calls that change something."""
    assert (
        answer_outcome(ACCOUNT_BALANCE, parse_answer(Answer(200, {}, b"[]"), strict=False), {}).executed
        == "done"
    )
    assert (
        answer_outcome(ACCOUNT_BALANCE, parse_answer(Answer(202, {}, b""), strict=False), {}).executed
        == "unknown"
    )
    assert (
        answer_outcome(ACCOUNT_BALANCE, parse_answer(Answer(204, {}, b""), strict=False), {}).executed
        == "unknown"
    )


@pytest.mark.parametrize("number", ["true", "false", "1.0", '"1"', "null", "[1]"])
def test_a_number_that_is_none_confirms_no_borrowing(number):
    """`tranId` is an integer; in Python True is one as well, in JSON it is not."""
    answered = parse_answer(Answer(200, {}, f'{{"tranId":{number}}}'.encode()), strict=True)

    assert answer_outcome(MARGIN_BORROW, answered, {}).executed == "unknown"


def test_numbers_are_read_exactly():
    """Fractions become Decimal, ids above 2**53 keep every digit."""
    answered = parse_answer(Answer(200, {}, b'{"amount":0.10,"txId":1352286576452864727}'), strict=False)

    assert str(answered.json) == "{'amount': Decimal('0.10'), 'txId': 1352286576452864727}"


def test_a_member_named_twice_breaks_only_what_moves_money():
    """For a read the last one wins, as everywhere in Python."""
    twice = Answer(200, {}, b'{"a":1,"a":2}')

    assert parse_answer(twice, strict=True).json is NOT_JSON
    assert parse_answer(twice, strict=False).json == {"a": 2}


# ------------------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize(
    "said",
    [
        "bad request asset=BNB&timestamp=1&signature=0123456789abcdef0123",
        '{"signature":"0123456789abcdef0123","x":1}',
        "X-MBX-APIKEY: 0123456789abcdef0123",
        "apiKey=0123456789abcdef0123&x=1",
        "SIGNATURE%3D0123456789abcdef0123",
        "key KNOWNKEYKNOWNKEY here",
        "KNOWNKEYKNOWNKEY" * 40,
        "x" * 290 + "KNOWNKEYKNOWNKEY",
        "the key knownkeyknownkey here",  # hexadecimal signatures are valid in either case
        "key KnownKey%2BKNOWN/KEY here, KNOWNKEY%2bKNOWN/KEY there",
        r'{"sent":"KNOWNKEY+KNOWN\/KEY"}',
    ],
    # Names of tests are shown in reports, and no report shows what looks like a signature.
    ids=[
        *("form", "json", "header", "api-key", "escaped-name"),
        *("known", "often", "at-the-cut", "lower-case", "escaped", "escaped-slash"),
    ],
)
def test_texts_of_the_other_side_are_cleaned(said):
    """A gateway may echo the request; key and signature do not pass on into an error."""
    clean = Redactor(["KNOWNKEYKNOWNKEY", "KNOWNKEY+KNOWN/KEY", "KNOWNKEY%2BKNOWN/KEY", "", "ab"])

    for cleaned in (clean(said), clean.excerpt(said.encode()), clean.headers({"x-echo": said})["x-echo"]):
        assert cleaned is not None
        assert "0123456789" not in cleaned
        assert "KNOWN" not in cleaned.upper()


def test_excerpts_are_short_and_harmless():
    """At most 300 characters, no control characters, no cookies, whatever the body."""
    clean = Redactor()

    assert clean("up\u202e and \ud800 away") == "up  and   away"
    excerpt = clean.excerpt(b"\x1b[31mred\x1b[0m\r\n\x00" + b"y" * 5000 + b"\xff")

    assert len(excerpt) == 300
    assert excerpt.isprintable()
    assert clean.headers({"set-cookie": "session=1", "server": "nginx"}) == {"server": "nginx"}
    assert clean.excerpt(b"") == ""
    assert clean(None) is None


# ------------------------------------------------------------------------------------- pieces of secrets


@given(
    secret=st.text("0123456789abcdefABCDEF", min_size=16, max_size=64)
    | st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=", min_size=16, max_size=90),
    data=st.data(),
    before=st.text(max_size=40),
    behind=st.text(max_size=40),
    upper=st.booleans(),
)
def test_no_run_of_sixteen_characters_of_a_secret_is_kept(secret, data, before, behind, upper):
    """A text that was cut, wrapped or had its case changed holds a part of a secret, and no more of it is shown."""
    start = data.draw(st.integers(0, len(secret) - 16))
    end = data.draw(st.integers(start + 16, len(secret)))
    piece = secret[start:end].upper() if upper else secret[start:end]

    kept = Redactor([secret])(f"{before}{piece}{behind}")

    assert kept is not None
    runs = {secret[at : at + 16].lower() for at in range(len(secret) - 15)}
    assert not any(kept.lower()[at : at + 16] in runs for at in range(len(kept)))


@given(st.text(max_size=200))
def test_a_text_without_a_secret_is_not_changed(text):
    """Only what the request held is taken out."""
    assert Redactor(["0123456789abcdef" * 4])(text) == Redactor()(text)


@pytest.mark.parametrize("member", ["success", "amount", "updateTime"])
def test_a_signature_in_the_place_of_another_value_is_not_shown(member):
    """The error of a decoder repeats the start of what it found there, in its own text and in the traceback's."""

    def echoes(request: httpx.Request) -> httpx.Response:
        signature = request.content.decode().rpartition("=")[2]
        sent.append(signature)
        return repaid(**{member: signature})

    sent: list[str] = []
    with pytest.raises(OutcomeUnknown) as caught:
        call(client(Exchange(echoes)))

    shown = "".join(traceback.format_exception(caught.value)) + str(vars(caught.value))
    (signature,) = sent
    assert not any(signature[at : at + 16] in shown for at in range(len(signature) - 15))
