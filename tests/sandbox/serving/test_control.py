"""The control API: the world in and out, what happened, and errors that change nothing."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs
import pytest
from openapi_spec_validator import validate

from paydown_sandbox.assumptions_page import unknowns_page
from paydown_sandbox.bundled_document import Document
from paydown_sandbox.choices.settings import Options, catalogue
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.faults.faults import FAULTS
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.serving.application import create_app
from paydown_sandbox.serving.store import Store
from paydown_sandbox.state.state_reader import read_world
from paydown_sandbox.state.state_writer import dump_records, dump_world
from tests.sandbox.signer import KEY, NOW_MS, REPAY, SECRET, Caller, digest, state_with

JSON = {"content-type": "application/json"}
CONTROL: dict[str, Any] = json.loads(
    files("paydown_sandbox.serving").joinpath("control.openapi.json").read_text()
)


class Control:
    """Calls the control API in process, and checks every answer against its document."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.app = create_app(exchange)

    async def __call__(
        self, method: str, path: str, content: object = None, query: str = ""
    ) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)  # type: ignore[arg-type] # any ASGI callable will do
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=JSON) as client:
            body = None if content is None else json.dumps(content)
            response = await client.request(method, f"/_sandbox/{path}{query}", content=body)
        documented = CONTROL["paths"][f"/_sandbox/{path}"][method.lower()]["responses"][
            str(response.status_code)
        ]
        media, described = next(iter(documented["content"].items()))
        assert response.headers["content-type"].startswith(media)
        if media == "application/json":
            schema = {**described.get("schema", {}), "components": CONTROL["components"]}
            jsonschema_rs.Draft202012Validator(schema).validate(response.json())
        return response


@pytest.fixture
def control(exchange: Exchange) -> Control:
    """The control API of the sandbox of this test."""
    return Control(exchange)


def test_the_document_names_the_faults_of_the_table() -> None:
    """The control API's document offers each fault of the sandbox, and no other."""
    names = CONTROL["components"]["schemas"]["FaultName"]["enum"]

    assert sorted(names) == sorted(FAULTS)


def run(coroutine: Any) -> Any:
    """Run one coroutine."""
    import asyncio

    return asyncio.run(coroutine)


def test_its_document_is_valid_and_complete(control: Control) -> None:
    """Every route is documented, every documented call is served, and the document validates."""
    validate(CONTROL)
    served = {
        (route.path, method)
        for route in control.app._control.routes  # type: ignore[attr-defined] # looked at, not used
        for method in route.methods
        if method != "HEAD"
    }
    documented = {(path, method.upper()) for path, item in CONTROL["paths"].items() for method in item}
    assert served == documented
    assert run(control("GET", "openapi.json")).json() == CONTROL


def test_a_state_put_back_is_the_same_state(control: Control, document: Document) -> None:
    """GET, PUT into another exchange, GET again: nothing is lost, and the books balance."""
    caller = Caller(control.exchange)
    caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    caller.signed("POST", "/papi/v1/marginLoan", "asset=BTC&amount=0.5")
    state = run(control("GET", "state")).json()

    other = Control(Exchange({}, document=document, clock=Clock(1)))
    assert run(other("PUT", "state", state)).json() == {"accounts": 1}
    again = run(other("GET", "state")).json()

    assert again["books"].pop("imbalance") == state["books"].pop("imbalance") == {}
    del again["books"], state["books"]
    assert again == state
    assert again["clock"] == {"now_ms": NOW_MS, "frozen": True, "offset_ms": 0}


def test_put_replaces_everything_but_the_clock(control: Control) -> None:
    """Ledger, requests, faults and budgets start over; the clock goes on where it stood."""
    caller = Caller(control.exchange)
    caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    control.exchange.faults.arm({"fault": "waf_403_html"})
    run(control("PUT", "state", state_with()))

    assert run(control("GET", "ledger")).json() == {"entries": [], "next_id": 1}
    assert run(control("GET", "requests")).json() == {"requests": [], "next_id": 1}
    assert run(control("GET", "faults")).json()["faults"] == []
    assert run(control("GET", "clock")).json()["now_ms"] == NOW_MS
    assert Caller(control.exchange).raw("GET", "/papi/v1/ping").headers["x-mbx-used-weight-1m"] == "1"


ACCOUNT = {"id": "a", "keys": [{"api_key": "k", "type": "hmac", "secret_or_public_key": "hush"}]}


@pytest.mark.parametrize(
    ("state", "path"),
    [
        ([], ""),
        ({"acounts": []}, ""),
        ({"accounts": {}}, "accounts"),
        ({"accounts": [{}]}, "accounts[0]"),
        ({"accounts": [{"id": "house"}]}, "accounts[0].id"),
        ({"accounts": [ACCOUNT, {"id": "a"}]}, "accounts[1]"),
        ({"accounts": [ACCOUNT, {**ACCOUNT, "id": "b"}]}, "accounts[1].keys[0]"),
        ({"accounts": [{**ACCOUNT, "balances": {"bnb": {}}}]}, "accounts[0].balances.bnb"),
        ({"accounts": [{**ACCOUNT, "balances": {"BNB": {"free": 1}}}]}, "accounts[0].balances.BNB.free"),
        ({"accounts": [{**ACCOUNT, "balances": {"BNB": {"free": "-1"}}}]}, "accounts[0].balances.BNB.free"),
        ({"accounts": [{**ACCOUNT, "balances": {"BNB": {"free": "1e5"}}}]}, "accounts[0].balances.BNB.free"),
        ({"prices_usd": {"BNB": "0"}}, "prices_usd.BNB"),
        ({"limits": {"weight_per_minute": -1}}, "limits.weight_per_minute"),
        ({"limits": {"weight_per_minute": True}}, "limits.weight_per_minute"),
        ({"options": {"no-such-option": "1"}}, "options"),
        ({"options": {"no-debt": "maybe"}}, "options"),
        ({"options": {"minimum-repayment": "some"}}, "options"),
        ({"options": {"above-value-cap-code": "1"}}, "options"),
        ({"options": {"window-too-long-code": "-1130.5"}}, "options"),
        ({"options": {"status-of-unlisted-errors": "1"}}, "options"),
        ({"options": {"status-of-unlisted-errors": "503"}}, "options"),
        ({"repay_weight_scope": "galaxy"}, "options"),
        ({"records": [{"kind": "loan"}]}, "records[0]"),
        ({"clock": {"now_ms": "noon"}}, "clock.now_ms"),
        ({"price_paths": {"BNB": [{"at_ms": 1}]}}, "price_paths.BNB[0]"),
        ({"state_file": "/etc/passwd"}, ""),
    ],
)
def test_a_wrong_state_names_its_place_and_changes_nothing(
    control: Control, state: object, path: str
) -> None:
    """The error names the place; the old world goes on, and no secret is quoted."""
    answer = run(control("PUT", "state", state))

    assert answer.status_code == 400
    assert answer.json()["error"]["path"] == path
    assert "hush" not in answer.text
    assert Caller(control.exchange).debt("BNB") > 1


@pytest.mark.parametrize(
    ("method", "path", "content", "place"),
    [
        ("PUT", "state", b'{"accounts": [{"id": "a", "balances": {"\\ud800": {}}}]}', ""),
        ("PUT", "state", b'{"accounts": [{"id": "a", "\xed\xa0\x80": 1}]}', ""),
        ("POST", "prices", b'{"\\uD800": "1"}', ""),
        ("POST", "prices", b'{"bnb": "1"}', "bnb"),
        ("POST", "prices", b'{"A, B": "1"}', "A, B"),
        ("POST", "scenarios", b'{"name": "\\udfff", "faults": []}', ""),
        ("POST", "faults", b'{"fault": "waf_403_html", "match": {"path": "\\ud800"}}', ""),
        ("POST", "faults", b'{"fault": "waf_403_html", "status": 204}', "status"),
        ("POST", "balances", b'{"account": "a", "asset": "\\ud83d\\ude00"}x', ""),
    ],
)
def test_texts_that_could_not_be_given_back_are_refused(
    control: Control, method: str, path: str, content: bytes, place: str
) -> None:
    """Half a surrogate pair, or a price of what is no asset: 400, and the world can still be read."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=control.app)  # type: ignore[arg-type] # any ASGI callable will do
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=JSON) as client:
            return await client.request(method, f"/_sandbox/{path}", content=content)

    answer = run(send())
    assert (answer.status_code, answer.json()["error"]["path"]) == (400, place)
    for name in ("state", "faults", "prices"):
        assert run(control("GET", name)).status_code == 200


def test_a_misspelt_parameter_is_refused(control: Control) -> None:
    """An unknown filter is refused by every call in the documented form, since it would show everything."""
    for path, calls in CONTROL["paths"].items():
        for method in calls:
            answer = run(control(method.upper(), path.removeprefix("/_sandbox/"), query="?methud=POST"))
            assert (answer.status_code, answer.json()["error"]["path"]) == (400, "methud")


RECORD = {"id": 5, "account": "a", "asset": "BNB", "time": NOW_MS - 1000, "row": {}}


def test_ids_go_on_behind_those_of_the_records_that_were_brought(document: Document, tmp_path: Path) -> None:
    """Exported records of every kind, put into a stored exchange, never meet a new record with their id."""
    exchange = Exchange(
        state_with(interest={"default_daily_rate": "0.1"}, options={"repay-debt-flow": "row"}),
        document=document,
        clock=Clock(NOW_MS),
    )
    caller = Caller(exchange)

    def work() -> None:
        caller.signed("POST", "/papi/v1/marginLoan", "asset=BTC&amount=0.5")
        caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")
        exchange.clock.advance(3_600_000)
        caller.raw("GET", "/papi/v1/ping")

    work()
    exported = {**dump_world(exchange.world), "records": dump_records(exchange.records)}
    assert {record["kind"] for record in exported["records"]} >= {"loan", "interest", "flow"}  # type: ignore[attr-defined] # a list
    exchange.install(read_world(exported, exchange.option_catalogue))
    store = Store(tmp_path / "exchange.db")
    store.commit(exchange)
    work()
    store.commit(exchange)  # a second record with an id would be refused here
    store.close()


@pytest.mark.parametrize(
    ("records", "path"),
    [
        ([{"kind": "loan", **RECORD}, {"kind": "loan", **RECORD}], "records[1]"),
        ([{"kind": "loan", **RECORD, "id": 2**63 - 1}], "records[0].id"),
    ],
)
def test_records_that_could_not_be_stored_are_refused(
    control: Control, records: list[object], path: str
) -> None:
    """An id that comes twice, or behind which no other fits."""
    answer = run(control("PUT", "state", state_with(records=records)))
    assert (answer.status_code, answer.json()["error"]["path"]) == (400, path)
    twice = [{"kind": kind, **RECORD} for kind in ("loan", "repay")]  # two kinds, two records
    assert run(control("PUT", "state", state_with(records=twice))).status_code == 200


def test_a_disk_that_takes_no_more_is_said(document: Document, tmp_path: Path) -> None:
    """507 in the documented form, instead of an answer that would be lost."""
    store = Store(tmp_path / "exchange.db")
    control = Control(Exchange(state_with(), document=document, clock=Clock(NOW_MS)))
    control.app.committer.store = store
    store.close()
    answer = run(control("POST", "prices", {"BNB": "1"}))
    assert answer.status_code == 507
    assert "does not take any more" in answer.json()["error"]["reason"]


async def put_state(control: Control, content: bytes | str) -> httpx.Response:
    """Put a state document as it stands, valid or not."""
    transport = httpx.ASGITransport(app=control.app)  # type: ignore[arg-type] # any ASGI callable will do
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=JSON) as client:
        return await client.put("/_sandbox/state", content=content)


def test_bodies_that_are_no_json_or_too_large_are_refused(control: Control) -> None:
    """400 and 413, in JSON."""

    assert run(put_state(control, b"{")).status_code == 400
    assert run(put_state(control, b"[" * 100_000)).status_code == 400
    assert run(put_state(control, b" " * (16 * 1024 * 1024 + 1))).status_code == 413


def test_requests_show_verdicts_and_never_a_signature(control: Control) -> None:
    """What arrived, what was decided, whether money moved; filters work; DELETE forgets."""
    caller = Caller(control.exchange)
    caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    Caller(control.exchange, secret="wrong").repay("asset=BNB")
    caller.raw("GET", "/nowhere")
    answer = run(control("GET", "requests"))

    rows = answer.json()["requests"]
    assert [(row["verdict"], row["signature"], row["moved_money"]) for row in rows] == [
        ("executed", "valid", True),
        ("refused", "invalid", False),
        ("unknown-path", "unchecked", False),
    ]
    assert rows[0]["ledger"] == [1]
    assert SECRET not in answer.text
    assert not re.search(r"[0-9a-f]{64}", answer.text)
    assert len(run(control("GET", "requests", query=f"?path={REPAY}&after=1")).json()["requests"]) == 1
    assert run(control("DELETE", "requests")).json() == {"deleted": 3}
    assert run(control("GET", "requests")).json() == {"requests": [], "next_id": 4}


def test_faults_are_armed_listed_and_disarmed(control: Control) -> None:
    """A list is armed as a whole or not at all."""
    one = run(control("POST", "faults", {"fault": "waf_403_html", "times": None})).json()
    two = run(control("POST", "faults", [{"fault": "reset_before"}, {"fault": "pending_51007"}])).json()
    assert run(control("POST", "faults", [{"fault": "reset_before"}, {"fault": "oops"}])).status_code == 400
    listed = run(control("GET", "faults")).json()["faults"]
    assert [row["id"] for row in listed] == [one["id"], *(row["id"] for row in two["faults"])]
    assert run(control("DELETE", "faults", query=f"?id={one['id']}")).json() == {"deleted": 1}
    assert run(control("DELETE", "faults")).json() == {"deleted": 2}


def test_the_clock_is_moved_frozen_and_resumed(control: Control) -> None:
    """Moves ahead by a step or to a moment; a jump of more than ten years is refused."""
    assert run(control("POST", "clock", {"advance_ms": 5})).json()["now_ms"] == NOW_MS + 5
    assert run(control("POST", "clock", {"set_ms": NOW_MS})).json()["now_ms"] == NOW_MS
    assert run(control("POST", "clock", {"frozen": False})).json()["frozen"] is False
    frozen = run(control("POST", "clock", {"frozen": True, "set_ms": NOW_MS + 1})).json()
    assert frozen == {"now_ms": NOW_MS + 1, "frozen": True, "offset_ms": 0}
    for wrong in ({"advance_ms": -1}, {"set_ms": 9_999_999_999_999}, {"ms": 1}, {"frozen": "yes"}):
        assert run(control("POST", "clock", wrong)).status_code == 400
    assert run(control("GET", "clock")).json()["now_ms"] == NOW_MS + 1


def test_prices_and_positions_can_be_set_without_replacing_the_world(control: Control) -> None:
    """The ledger stays, and the books still balance."""
    caller = Caller(control.exchange)
    caller.repay("asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    assert run(control("POST", "prices", {"BNB": "590.5"})).json()["BNB"] == "590.5"
    assert run(control("POST", "prices", {"BNB": "0"})).status_code == 400
    assert run(control("GET", "prices")).json()["BNB"] == "590.5"
    moved = run(
        control("POST", "balances", {"account": "a", "asset": "BNB", "borrowed": "2", "interest": "0"})
    )
    assert moved.json() == {"borrowed": "2", "interest": "0"}
    assert run(control("POST", "balances", {"account": "nobody", "asset": "BNB"})).status_code == 400
    assert caller.debt("BNB") == 2
    assert run(control("GET", "state")).json()["books"]["imbalance"] == {}


def test_scenarios_start_by_name_or_document(control: Control) -> None:
    """A name is never a path, and a document may bring everything itself."""
    assert "a-bad-tuesday" in run(control("GET", "scenarios")).json()
    started = run(control("POST", "scenarios", {"name": "a-bad-tuesday"}))
    assert (started.status_code, len(started.json()["faults"])) == (201, 4)
    own = {"name": "mine", "faults": [{"fault": "waf_403_html", "after_ms": 5, "for_ms": 5}]}
    assert run(control("POST", "scenarios", own)).json()["faults"][0]["from_ms"] == NOW_MS + 5
    for wrong in ({"name": "/etc/passwd"}, {"name": "x", "faults": [{"fault": "?"}]}, {}):
        assert run(control("POST", "scenarios", wrong)).status_code == 400


def test_every_choice_is_listed_and_explained(control: Control, document: Document) -> None:
    """Each option of the document is known, read by the code, and stands on the page of open questions."""
    options = run(control("GET", "options")).json()
    page = run(control("GET", "unknowns")).text
    named = {question.option for question in document.questions() if question.option}
    assert named <= options.keys()
    for name, option in options.items():
        assert f"`{name}`" in page
        assert option["value"] == option["default"]
        assert not option["values"] or option["default"] in option["values"]
    source = "".join(
        path.read_text("utf-8")
        for path in Path(str(files("paydown_sandbox"))).rglob("*.py")
        if path.name != "settings.py"
    )
    assert [name for name in options if f'"{name}"' not in source] == []
    assert page == unknowns_page(document)
    for question in document.questions():
        assert question.question.replace("|", "\\|") in page


def test_every_value_of_every_option_gives_a_working_exchange(document: Document) -> None:
    """Under every value of an option a world can be built, and a repayment gets an answer below 500."""
    for option in catalogue(document).values():
        for value in option.values or ((option.default,) if option.numbers else ("1",)):
            Options(catalogue(document), {option.name: value})
            exchange = Exchange(
                state_with(options={option.name: value}), document=document, clock=Clock(NOW_MS)
            )
            answer = Caller(exchange).repay("asset=BNB&amount=0.5&specifyRepayAssets=USDT")
            # Choices about answers and refusals are there to answer with another status.
            odd = option.about in ("answers", "refusals") and 200 <= answer.status < 504
            assert odd or answer.status in (200, 400), (option.name, value, answer.body)


def test_small_choices_are_choices_too(document: Document) -> None:
    """The smallest window, unlisted statuses, microseconds, a window too long, totals and BNB: default and other."""
    records = "/papi/v1/margin/marginLoan"
    long = f"asset=BTC&startTime={NOW_MS - 40 * 86_400_000}&endTime={NOW_MS}"

    def caller(**options: str) -> Caller:
        chosen = {name.replace("_", "-"): value for name, value in options.items()}
        return Caller(Exchange(state_with(options=chosen), document=document, clock=Clock(NOW_MS)))

    assert caller().signed("GET", "/papi/v1/account", "recvWindow=5").status == 200
    assert caller(smallest_recv_window="6").signed("GET", "/papi/v1/account", "recvWindow=5").code == -1130
    micro = NOW_MS * 1000 + 1
    assert caller().signed("GET", "/papi/v1/account", at_ms=micro).code == -1021
    assert (
        caller(microsecond_timestamps="accept").signed("GET", "/papi/v1/account", at_ms=micro).status == 200
    )
    assert caller().signed("GET", records, long).code == -4165
    assert caller(window_too_long_code="-1127").signed("GET", records, long).code == -1127
    unlisted = next(code for code in (-1108, -1130, -1104) if document.error(code).status is None)
    assert unlisted == -1108
    for status in ("400", "422"):
        answer = caller(status_of_unlisted_errors=status).repay("asset=NOSUCH")
        assert (answer.code, answer.status) == (-1108, int(status))
    assert caller().signed("POST", "/papi/v1/asset-collection", "asset=BNB").code == -1108
    refused = caller(bnb_collection_code="-1130").signed("POST", "/papi/v1/asset-collection", "asset=BNB")
    assert refused.code == -1130
    for value, total in (("all-matches", 2), ("page", 1)):
        borrower = caller(record_total=value)
        for _ in range(2):
            assert borrower.signed("POST", "/papi/v1/marginLoan", "asset=BTC&amount=0.1").status == 200
        assert borrower.signed("GET", records, "asset=BTC&size=1").json["total"] == total


def test_the_documents_clients_reach_the_same_exchange(control: Control) -> None:
    """httpx over ASGI: a signed repayment, with the form body that httpx writes."""

    async def repay() -> httpx.Response:
        transport = httpx.ASGITransport(app=control.app)  # type: ignore[arg-type] # any ASGI callable will do
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=JSON) as client:
            text = f"asset=BNB&amount=0.1&specifyRepayAssets=USDT&timestamp={NOW_MS}"
            headers = {"X-MBX-APIKEY": KEY, "Content-Type": "application/x-www-form-urlencoded"}
            return await client.post(REPAY, content=f"{text}&signature={digest(text)}", headers=headers)

    answer = run(repay())
    assert answer.json()["success"] is True
    assert answer.headers["x-mbx-used-weight-1m"] == "3000"


@pytest.mark.parametrize(
    "text", ["0" * 5_000, "9" * 5_000, "9" * 20, "", "-1", "+1", "1.0", "1e3", "\u0661", " 1", "x"]
)
@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "ledger", "after"),
        ("GET", "ledger", "limit"),
        ("GET", "requests", "after"),
        ("GET", "requests", "limit"),
        ("DELETE", "faults", "id"),
    ],
)
def test_a_number_in_the_query_is_one_or_is_refused(
    control: Control, method: str, path: str, name: str, text: str
) -> None:
    """Text in place of a number is answered 400 with the parameter's name, never with a failure of the server."""
    response = run(control(method, path, query=f"?{name}={quote(text)}"))
    assert response.status_code == 400
    assert response.json()["error"]["path"] == name


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "NaN", "Infinity", "-Infinity", "1" * 100, "[" * 60 + "]" * 60]
)
def test_a_state_that_could_not_be_read_back_is_refused(control: Control, number: str) -> None:
    """Numbers that JSON has no text for, and depth that no answer can have, change nothing."""
    row = '{"kind": "repay", "id": 1, "account": "a", "asset": "BNB", "time": 1, "row": {"x": %s}}'
    content = '{"accounts": [{"id": "a"}], "records": [%s]}' % (row % number)
    before = run(control("GET", "state")).json()

    assert run(put_state(control, content)).status_code == 400
    assert run(control("GET", "state")).json() == before


def test_what_is_asked_for_after_an_id_begins_behind_it(
    exchange: Exchange, control: Control, caller: Caller
) -> None:
    """`after` is the last id that was seen: its own entry is not shown again, and the next one is not lost."""
    for _ in range(3):
        caller.repay("asset=BNB&amount=0.00000001&specifyRepayAssets=USDT")
    for path, entries in (("ledger", "entries"), ("requests", "requests")):
        ids = [entry["id"] for entry in run(control("GET", path)).json()[entries]]
        assert len(ids) == 3
        for at, seen in enumerate(ids):
            later = run(control("GET", path, query=f"?after={seen}")).json()[entries]
            assert [entry["id"] for entry in later] == ids[at + 1 :]
