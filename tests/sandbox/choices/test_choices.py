"""Every choice of the table is an option, each of its values shows, and the books stay true under all of them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paydown_sandbox.bundled_document import Document, load_document
from paydown_sandbox.choices import choice_table as choices
from paydown_sandbox.choices.settings import OptionError, Options, catalogue, settled
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox_clock import Clock
from paydown_sandbox.serving.httpx_transport import ExchangeTransport
from paydown_sandbox.serving.store import Store
from paydown_sandbox.state.state_writer import books_of, dump_world
from tests.sandbox.judge import check_conservation
from tests.sandbox.signer import KEY, REPAY, SECRET, Caller, digest

HOUR_MS = 3_600_000
START_MS = 1_767_225_600_000 + 7_000  # seven seconds after a full hour
BALANCE, ACCOUNT, TIME = "/papi/v1/balance", "/papi/v1/account", "/papi/v1/time"
LOANS, REPAYMENTS = "/papi/v1/margin/marginLoan", "/papi/v1/margin/repayLoan"
FLOW, PRICES = "/sapi/v1/margin/capital-flow", "/sapi/v1/portfolio/asset-index-price"
LISTS = (LOANS, REPAYMENTS, FLOW)

DOCUMENT = load_document()
TABLE = choices.table()

# What has to be chosen as well, so that there is something on which a choice can show.
LISTED = {"repayment-rows": "one"}
CONTEXT: dict[str, Mapping[str, str]] = {
    "repayment-rows": {"row-list": "both"},
    "row-amount": {**LISTED, "execution-amount": "a-part"},
    "row-asset": LISTED,
    "row-lists-apart": LISTED,
    "row-clock-offset": LISTED,
    "row-stamped-late": LISTED,
    "row-listed-late": LISTED,
    "row-first-status": LISTED,
    "row-pending-ms": {**LISTED, "row-first-status": "PENDING"},
    "row-repeated": LISTED,
    "rows-bounds": LISTED,
    "rows-empty": LISTED,
    "balance-replicas": {"balance-age": "5000"},
    "answer-amount": {"execution-amount": "a-part"},
    "answer-comes": {"execution-delay": "5000..60000"},
    "pending-means": {"execution-delay": "5000..60000", "answer-comes": "before-execution"},
}
# A kind of refusal that is executed all the same needs a refusal of that kind.
REFUSED = {"limiter": "429", "unavailable": "1008", "coded": "1021", "html": "400-html"}


def context_of(name: str, value: str) -> Mapping[str, str]:
    """What is chosen in addition to a value, in the run with it and in the run without."""
    if name == "refusal-executed":
        return {"refusal": REFUSED.get(value, "429")}
    return CONTEXT.get(name, {})


def state_with(options: Mapping[str, str], seed: int = 0) -> dict[str, Any]:
    """Account `a` owes BNB and ETH, and holds three other assets; amounts have more digits than lists show."""
    balances = {
        "BNB": {"free": "0.02", "borrowed": "40.123456789", "interest": "0.05", "um": "1"},
        "ETH": {"borrowed": "0.5"},
        "USDT": {"free": "30000.123456789"},
        "BTC": {"free": "0.5"},
        "USDC": {"free": "100"},
        "SOL": {},
    }
    key = {"api_key": KEY, "type": "hmac", "secret_or_public_key": SECRET}
    prices = {"BNB": "600", "ETH": "3000", "USDT": "1", "BTC": "60000", "USDC": "1", "SOL": "150", "XRP": "2"}
    return {
        "accounts": [{"id": "a", "keys": [key], "balances": balances}],
        "prices_usd": prices,
        "limits": {"weight_per_minute": 20_000, "orders_per_minute": 1200},
        "interest": {"default_daily_rate": "0.001"},
        "options": dict(options),
        "choices_seed": seed,
    }


class Observer:
    """A client in the same process that writes down everything it can see."""

    def __init__(self, options: Mapping[str, str], document: Document, seed: int = 0) -> None:
        self.exchange = Exchange(state_with(options, seed), document=document, clock=Clock(START_MS))
        self.http = httpx.Client(transport=ExchangeTransport(self.exchange), base_url="http://sandbox")
        self.seen: list[object] = []

    def call(self, method: str, path: str, text: str = "") -> httpx.Response | None:
        """One signed call, and what came back for it: an answer or an error of the wire."""
        message = f"{text}&timestamp={self.exchange.clock.now_ms()}" if text else ""
        message = message or f"timestamp={self.exchange.clock.now_ms()}"
        full = f"{message}&signature={digest(message)}"
        if path in (TIME, PRICES):
            full = text
        headers = {"X-MBX-APIKEY": KEY}
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        url, content = (f"{path}?{full}", None) if method == "GET" else (path, full)
        before = self.exchange.clock.now_ms()
        try:
            response = self.http.request(method, url, content=content, headers=headers)
        except httpx.TransportError as error:
            self.seen.append((method, path, type(error).__name__, self.exchange.clock.now_ms() - before))
            return None
        headers = {
            name: value
            for name, value in response.headers.items()
            if name.startswith("x-mbx") or name in ("content-type", "location", "retry-after")
        }
        took = self.exchange.clock.now_ms() - before
        self.seen.append((method, path, response.status_code, headers, response.text, took))
        return response

    def read_balance(self) -> None:
        """Read all that a client reads."""
        for path in (TIME, BALANCE, ACCOUNT):
            self.call("GET", path)
        self.call("GET", BALANCE, "asset=BNB")
        for path in LISTS:
            self.call("GET", path, "asset=BNB" if path != FLOW else "")

    def wait(self, by_ms: int) -> None:
        """Let time pass on the exchange's clock."""
        self.exchange.clock.advance(by_ms)


def script(observer: Observer) -> None:
    """A day in the life of a debt: balance readings, repayments of every kind, loans, waiting, too many requests."""
    faults = observer.exchange.faults
    observer.read_balance()
    observer.call("GET", PRICES, "asset=BNB")
    observer.call("GET", BALANCE, "asset=XRP")
    observer.call("POST", REPAY, "asset=ETH&amount=0.01")
    for amount, payers in (("1.23456789", "USDT,BTC"), ("0.02", "USDT"), ("3", "USDT,BTC,USDC")):
        observer.call("POST", REPAY, f"asset=BNB&amount={amount}&specifyRepayAssets={payers}")
        observer.read_balance()
        observer.call("POST", REPAY, "asset=BNB&amount=0.5&specifyRepayAssets=USDT")
        for pause in (50, 2400, 4000, 30_000, 61_000):
            observer.wait(pause)
            observer.read_balance()
    observer.call("POST", "/papi/v1/bnb-transfer", "amount=0.001&transferSide=FROM_UM")
    observer.call("GET", FLOW)
    observer.call("GET", REPAYMENTS, "asset=BNB&size=1")
    observer.call("GET", LOANS, "asset=BNB&size=1")
    last = observer.exchange.records.between("a", "repay", 0, 1 << 62)
    if last:
        observer.call("GET", REPAYMENTS, f"startTime={START_MS}&endTime={last[0].time_ms}")
    observer.call("POST", "/papi/v1/marginLoan", "asset=BNB&amount=2")
    for pause in (0, 2500, 4000, 40_000, 90_000):
        observer.wait(pause)
        observer.read_balance()
    observer.call("POST", "/papi/v1/marginLoan", "asset=BNB&amount=0.1")
    observer.call("GET", LOANS, "asset=BNB&size=1")
    observer.call("POST", "/papi/v1/repayLoan", "asset=BNB&amount=1")
    flows = observer.call("GET", FLOW)
    if flows is not None and flows.status_code == 200 and flows.json():
        observer.call("GET", FLOW, f"fromId={flows.json()[0]['id']}")
    observer.read_balance()
    refused = ("asset=SOL&amount=1", "asset=ETH&amount=9&specifyRepayAssets=USDT")
    short = ("asset=BNB&amount=20&specifyRepayAssets=USDC", "asset=BNB&specifyRepayAssets=USDC")
    for text in (*refused, *short, "asset=BNB&amount=0.1", "asset=BNB&amount=0.1"):
        observer.call("POST", REPAY, text)
        observer.wait(13_000)
    observer.read_balance()
    for _ in range(4):
        faults.arm({"fault": "answer_lost"})
        observer.call("POST", REPAY, "asset=BNB&amount=0.01&specifyRepayAssets=USDT")
        observer.wait(21_000)
        observer.read_balance()
    for _ in range(9):  # until the minute is spent
        observer.call("POST", REPAY, "asset=BNB&amount=0.01&specifyRepayAssets=USDT")
    observer.wait(HOUR_MS)
    observer.read_balance()
    owed = observer.exchange.world.ledger.accounts["a"].holding("ETH").debt
    leaves_dust = owed - Decimal("0.00004")
    observer.call("POST", REPAY, f"asset=ETH&amount={leaves_dust:f}&specifyRepayAssets=USDT")
    for _ in range(8):
        observer.read_balance()
        observer.wait(9_000)


_BASELINES: dict[tuple[tuple[str, str], ...], list[object]] = {}


def observe(options: Mapping[str, str], document: Document, seed: int = 0) -> list[object]:
    """Everything that a client sees of the script under these options."""
    observer = Observer(options, document, seed)
    script(observer)
    return observer.seen


def baseline(options: Mapping[str, str], document: Document) -> list[object]:
    """The same with nothing chosen but the context; each is observed once."""
    key = tuple(sorted(options.items()))
    if key not in _BASELINES:
        _BASELINES[key] = observe(options, document)
    return _BASELINES[key]


EVERY_VALUE = [(choice.name, value) for choice in TABLE.values() for value in choice.values]


@pytest.mark.parametrize(("name", "value"), EVERY_VALUE, ids=[f"{n}={v}" for n, v in EVERY_VALUE])
def test_each_value_shows_unless_it_is_what_the_sandbox_does_anyway(
    name: str, value: str, document: Document
) -> None:
    """A client sees a difference, and none where the value sets every option to its default."""
    known = catalogue(document)
    context = context_of(name, value)
    without = Options(known, context)
    with_it = Options(known, {**context, name: value})
    same = all(with_it.text(option) == without.text(option) for option in known)

    seen = observe({**context, name: value}, document)

    assert (seen == baseline(context, document)) is same


# ---------------------------------------------------------------------------- options and draws


def test_every_choice_can_be_written_and_every_question_has_one_option(document: Document) -> None:
    """A choice is an option, or another name for one; no other name is an option next to the one it stands for."""
    known = catalogue(document)
    for choice in TABLE.values():
        for value in choice.values:
            assert settled(known, {choice.name: value}), (choice.name, value)
        if choice.name in known:
            assert known[choice.name].about == choice.about
        else:
            targets = {option for value in choice.values for option in settled(known, {choice.name: value})}
            assert {known[option].about for option in targets} == {choice.about}


def test_the_table_is_whole() -> None:
    """Each value has a meaning and a standing, and one that is assumed away its reason, likelihood and cost."""
    assert {choice.about for choice in TABLE.values()} == set(choices.TOPICS)
    for choice in TABLE.values():
        assert set(choice.means) == set(choice.standing) == set(choice.values)
        away = set(choice.standing_at("assumed-away"))
        assert set(choice.reason) == set(choice.likelihood) == set(choice.cost) == away, choice.name
        assert set(choice.invented) <= set(choice.values)
        assert choice.standing[choice.default] == "considered"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"row-list": "none"}, "is not one of both, repay-records, capital-flow"),
        ({"row-list": "both", "repay-debt-record": "none"}, "row-list and repay-debt-record contradict"),
        ({"answer-time": "20", "debt-call-ms": "0"}, "debt-call-ms would be 20 and 0"),
        ({"balance-age": "soon"}, "nor a range such as 0..5000"),
        ({"balance-age": "20..10"}, "nor a range"),
        ({"balance-age": "-5"}, "from 0 to 3600000"),
        ({"balance-age": "0..9999999"}, "from 0 to 3600000"),
        ({"row-clock-offset": "-9999999"}, "from -3600000 to 3600000"),
        ({"no-such-choice": "1"}, "there is no option 'no-such-choice'"),
    ],
)
def test_what_cannot_be_chosen_is_refused_in_words(
    options: dict[str, str], message: str, document: Document
) -> None:
    """The error names the option and what belongs there, or both names that contradict each other."""
    with pytest.raises(OptionError, match=message):
        Options(catalogue(document), options)


def test_a_span_takes_any_number_or_range(document: Document) -> None:
    """Not only those of the table; and a choice that is made anew replaces what its other name had set."""
    options = Options(catalogue(document), {"balance-age": "7000", "row-clock-offset": "-30..-10"})
    assert options.span("balance-age") == (7000, 7000)
    assert options.span("row-clock-offset") == (-30, -10)
    once = options.replaced({"row-list": "both"})
    assert once.replaced({"row-list": "capital-flow"}).text("repay-debt-record") == "none"


def test_worlds_are_drawn_from_the_table(document: Document) -> None:
    """The same generator gives the same world, each value comes up, and every world can be built."""
    known = catalogue(document)
    assert choices.draw(random.Random(3)) == choices.draw(random.Random(3)) != choices.draw(random.Random(4))
    seen: dict[str, set[str]] = {}
    rng = random.Random(0)
    for _ in range(400):
        world = choices.draw(rng)
        Options(known, world)
        for name, value in world.items():
            seen.setdefault(name, set()).add(value)
    assert seen == {name: set(choice.standing_at("considered")) for name, choice in TABLE.items()}


def test_a_draw_can_be_narrowed() -> None:
    """To topics, to a standing, and to how unusual a world is."""
    rng = random.Random(1)
    looks = choices.draw(rng, about="looks")
    assert {TABLE[name].about for name in looks} == {"looks"}
    assert {TABLE[name].about for name in choices.draw(rng, about=("rows", "time"))} == {"rows", "time"}
    away = choices.draw(rng, standing="assumed-away")
    assert all(value in (TABLE[name].default, *TABLE[name].reason) for name, value in away.items())
    assert away["balance-age"] == "0..30000"
    usual = choices.draw(rng, unusual=0.0)
    assert usual == {name: choice.default for name, choice in TABLE.items()}
    with pytest.raises(ValueError, match="there is no topic 'weather': write one of rows, looks"):
        choices.draw(rng, about="weather")


def test_chance_comes_again_with_its_seed(document: Document) -> None:
    """The same seed and the same requests give the same run, another seed another one."""
    world = choices.draw(random.Random(11), about=("looks", "rows", "execution"))
    assert observe(world, document, 5) == observe(world, document, 5) != observe(world, document, 6)


# ---------------------------------------------------------------------------- what the values mean


def observer(document: Document, **options: str) -> Observer:
    """A client of an exchange with these options, `_` for `-`."""
    return Observer({name.replace("_", "-"): value for name, value in options.items()}, document)


def debt_and_payer(client: Observer) -> tuple[Decimal, Decimal]:
    """What the balance shows: the debt in BNB, and what is free in USDT."""
    answer = client.call("GET", BALANCE)
    assert answer is not None
    rows = {row["asset"]: row for row in answer.json()}
    debt = Decimal(rows["BNB"]["crossMarginBorrowed"]) + Decimal(rows["BNB"]["crossMarginInterest"])
    return debt, Decimal(rows["USDT"]["crossMarginFree"])


TRUE = Decimal("40.173456789")
ONE = "asset=BNB&amount=1&specifyRepayAssets=USDT"


def test_an_old_look_shows_what_was_true_then(document: Document) -> None:
    """Five seconds long the balance shows the debt before the repayment, while the books have the one after it."""
    client = observer(document, balance_age="5000")
    before = debt_and_payer(client)
    client.wait(10_000)
    client.call("POST", REPAY, ONE)
    assert client.exchange.world.ledger.accounts["a"].holding("BNB").debt == TRUE - 1
    client.wait(4999)
    assert debt_and_payer(client) == before
    client.wait(1)
    assert debt_and_payer(client) == (TRUE - 1, before[1] - 588)  # 0.02 BNB were free


@pytest.mark.parametrize("parts", ["debt-first", "payers-first"])
def test_a_torn_look_shows_one_side_before_the_other(parts: str, document: Document) -> None:
    """For up to three seconds, and never the other way round; afterwards both."""
    client = observer(document, balance_parts=parts)
    debt, free = debt_and_payer(client)
    client.wait(10_000)
    client.call("POST", REPAY, ONE)
    seen = set()
    for _ in range(30):
        client.wait(100)
        seen.add(tuple(a == b for a, b in zip(debt_and_payer(client), (debt, free), strict=True)))
    first = (False, True) if parts == "debt-first" else (True, False)
    assert seen == {first, (False, False)}


def test_a_look_can_lack_what_is_owed_or_everything(document: Document) -> None:
    """One in five lacks an asset that has something, one in six is empty; the single object stays the truth."""
    missing, empty = (
        observer(document, balance_list="asset-missing"),
        observer(document, balance_list="empty"),
    )
    lengths: dict[str, set[int]] = {"missing": set(), "empty": set()}
    for _ in range(40):
        for name, client in (("missing", missing), ("empty", empty)):
            answer = client.call("GET", BALANCE)
            assert answer is not None
            lengths[name].add(len(answer.json()))
            one = client.call("GET", BALANCE, "asset=BNB")
            assert one is not None
            assert one.json()["crossMarginInterest"] == "0.05000000"
    assert lengths == {"missing": {5, 6}, "empty": {0, 6}}


def test_a_late_execution_is_answered_first_and_keeps_the_account_busy(document: Document) -> None:
    """The debt stands until then, another repayment meets 51007, and the log shows later that it was executed."""
    client = observer(document, execution_delay="60000..120000", answer_comes="before-execution")
    answer = client.call("POST", REPAY, ONE)
    assert answer is not None
    assert answer.json()["success"] is True
    assert client.exchange.lines == client.exchange.lines.__class__()
    client.wait(59_999)
    again = client.call("POST", REPAY, ONE)
    assert again is not None
    assert again.json()["code"] == 51007
    assert debt_and_payer(client)[0] == TRUE
    client.wait(60_001)
    assert debt_and_payer(client)[0] == TRUE - 1
    record = next(iter(client.exchange.requests))
    assert (record.verdict, record.moved_money) == ("executed", True)
    (line,) = client.exchange.lines
    assert line.request == record.id
    assert START_MS + 60_000 <= line.time_ms <= START_MS + 120_000


def test_an_answer_that_comes_after_the_execution_leaves_only_lost_ones_early(document: Document) -> None:
    """By itself `execution-delay` is for requests whose answer was lost; what is answered was executed."""
    client = observer(document, execution_delay="60000..120000", lost_request="executed")
    client.call("POST", REPAY, ONE)
    assert debt_and_payer(client)[0] == TRUE - 1
    client.exchange.faults.arm({"fault": "executed_then_503"})
    client.call("POST", REPAY, ONE)
    assert debt_and_payer(client)[0] == TRUE - 1
    client.wait(120_000)
    assert debt_and_payer(client)[0] == TRUE - 2


def test_a_request_may_be_executed_twice(document: Document) -> None:
    """Now and then, and both lines belong to it."""
    client = observer(document, execution_times="twice")
    for _ in range(12):
        client.exchange.world.limits.weight_per_minute = 1_000_000
        client.call("POST", REPAY, "asset=BNB&amount=0.1&specifyRepayAssets=USDT")
        client.wait(1000)
        client.exchange.advance_to_now()
    counts = {len(record.ledger_ids) for record in client.exchange.requests}
    assert counts == {1, 2}
    assert debt_and_payer(client)[0] == TRUE - Decimal("0.1") * len(client.exchange.lines)


def test_a_queued_repayment_waits_for_the_one_under_way(document: Document) -> None:
    """It is executed after the first, on a clock that stands still and on one that runs."""
    for clock in (Clock(START_MS), Clock(source=lambda: START_MS)):
        client = observer(
            document, execution_delay="5000..60000", pending_means="queued", answer_comes="before-execution"
        )
        client.exchange.clock = clock
        client.http.timeout = httpx.Timeout(None)
        for _ in range(2):
            answer = client.call("POST", REPAY, ONE)
            assert answer is not None
            assert answer.json()["success"] is True
        assert len(client.exchange.lines) == 1
        client.wait(60_000)
        assert debt_and_payer(client)[0] == TRUE - 2


def test_a_repayment_in_two_steps_moves_half_and_then_half(document: Document) -> None:
    """Both lines belong to the one request."""
    client = observer(document, execution_steps="two")
    client.call("POST", REPAY, ONE)
    assert debt_and_payer(client)[0] == TRUE - Decimal("0.5")
    client.wait(5000)
    assert debt_and_payer(client)[0] == TRUE - 1
    assert {line.request for line in client.exchange.lines} == {1}
    assert next(iter(client.exchange.requests)).ledger_ids == (1, 2)


@pytest.mark.parametrize("kind", ["limiter", "unavailable", "coded", "html"])
def test_a_refusal_may_be_true_or_false(kind: str, document: Document) -> None:
    """One repayment in four is refused; it is executed all the same only if the choice names its kind."""
    for executed in (True, False):
        other = "limiter" if kind != "limiter" else "html"
        client = observer(document, refusal=REFUSED[kind], refusal_executed=kind if executed else other)
        for _ in range(12):
            client.exchange.world.limits.weight_per_minute = 1_000_000
            client.call("POST", REPAY, "asset=BNB&amount=0.01&specifyRepayAssets=USDT")
        refused = [record for record in client.exchange.requests if record.status != 200]
        assert refused
        assert {record.moved_money for record in refused} == {executed}
        assert len(client.exchange.lines) == (12 if executed else 12 - len(refused))


def test_a_lost_answer_is_lost_as_chosen(document: Document) -> None:
    """Executed or not as `lost-request` demands; a client in the same process may find that it never connected."""
    for choice, moved in (("executed", True), ("not-executed", False)):
        client = observer(document, lost_request=choice, unsent="connect-error")
        client.exchange.faults.arm({"fault": "answer_lost"})
        assert client.call("GET", BALANCE) is not None  # reading the balance does not use it up
        assert client.call("POST", REPAY, ONE) is None
        assert client.seen[-1] == ("POST", REPAY, "ConnectError", 0)
        assert list(client.exchange.requests)[-1].moved_money is moved
    either = observer(document)
    either.exchange.faults.arm({"fault": "answer_lost", "times": None})
    for _ in range(6):
        either.call("POST", REPAY, "asset=BNB&amount=0.01&specifyRepayAssets=USDT")
    assert {record.moved_money for record in either.exchange.requests} == {True, False}


@pytest.mark.parametrize(
    ("shape", "count"), [("one", 1), ("per-payer", 3), ("interest-and-principal", 2), ("halves", 2)]
)
def test_rows_add_up_in_every_shape(shape: str, count: int, document: Document) -> None:
    """Per payer (the free BNB, BTC, USDT), interest apart, or in halves: together they are what the debt fell by."""
    client = observer(document, repayment_rows=shape)
    client.exchange.set_prices({"BNB": Decimal(1000)})
    client.call("POST", REPAY, "asset=BNB&amount=40.1&specifyRepayAssets=BTC,USDT")
    records, flow = client.call("GET", REPAYMENTS, "asset=BNB"), client.call("GET", FLOW)
    assert records is not None
    assert flow is not None
    rows = records.json()["rows"]
    assert len(rows) == len(flow.json()) == count
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal("40.1")
    assert sum(Decimal(row["interest"]) + Decimal(row["principal"]) for row in rows) == Decimal("40.1")
    assert sum(Decimal(row["amount"]) for row in flow.json()) == -Decimal("40.1")
    assert len({row["txId"] for row in rows}) == count


@pytest.mark.parametrize(
    ("scope", "weight", "orders"), [("ip", "3000", None), ("orders", "1", "1"), ("both", "3000", "1")]
)
def test_a_repayment_counts_against_the_chosen_budget(
    scope: str, weight: str, orders: str | None, document: Document
) -> None:
    """The weight of the address, the orders of the account, or both."""
    answer = observer(document, weight_scope=scope).call("POST", REPAY, ONE)
    assert answer is not None
    assert answer.headers["x-mbx-used-weight-1m"] == weight
    assert answer.headers.get("x-mbx-order-count-1m") == orders


def test_ids_of_any_order_stay_unique(document: Document) -> None:
    """Also when the choice changes in the middle."""
    client = observer(document, row_ids="scattered")
    exchange = client.exchange
    seen: list[int] = []
    for ids in ("scattered", "rising", "scattered", "huge", "rising"):
        exchange.world.options = exchange.world.options.replaced({"row-ids": ids})
        exchange.apply_options()
        found = [exchange.market.history.ids.next_transaction() for _ in range(300)]
        assert (found == sorted(found)) is (ids != "scattered")
        assert (min(found) > 1 << 53) is (ids == "huge")
        seen += found
    assert len(set(seen)) == len(seen)


# ---------------------------------------------------------------------------- lasting, and the books


def test_what_is_under_way_outlasts_the_process(document: Document, tmp_path: Path) -> None:
    """A late execution, a late row and a status to come are found again, and chance goes on where it stood."""
    options = {
        "execution-delay": "60000..120000", "answer-comes": "before-execution", "repayment-rows": "one",
        "row-listed-late": "0..30000", "row-first-status": "PENDING", "row-pending-ms": "0..60000",
        "interest-moment": "0..60000", "borrow-first-status": "PENDING", "borrow-debt-late": "0..60000",
    }  # fmt: skip

    def run(*, restart: bool) -> list[object]:
        path = tmp_path / f"{restart}.db"
        exchange = Exchange(state_with(options), document=document, clock=Clock(START_MS))
        store = Store(path)
        store.commit(exchange)
        seen: list[object] = []
        for acts in (True, False, False, False, True, False, False, False):
            caller = Caller(exchange)
            if acts:
                seen.append(caller.repay(ONE).body)
                seen.append(caller.signed("POST", "/papi/v1/marginLoan", "asset=BNB&amount=0.5").body)
            exchange.clock.advance(27_000)
            exchange.advance_to_now()
            store.commit(exchange)
            if restart:
                store.close()
                exchange = Exchange({}, document=document, clock=Clock(1))
                store = Store(path)
                store.load(exchange)
            reads = [(name, "asset=BNB") for name in (BALANCE, *LISTS)]
            seen += [Caller(exchange).signed("GET", *read).body for read in reads]
        store.close()
        log = [(record.verdict, record.ledger_ids) for record in exchange.requests]
        return [*seen, *log]

    assert run(restart=True) == run(restart=False)


@given(rng=st.randoms(use_true_random=False), assumed_away=st.booleans())
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_books_stay_true_under_every_choice(rng: random.Random, assumed_away: bool) -> None:
    """With any choice money is conserved, nothing is issued, and no account holds or owes less than nothing."""
    standing = None if assumed_away else "considered"
    world = choices.draw(rng, standing=standing, unusual=rng.choice([0.1, 0.4, 1.0]))
    client = Observer(world, DOCUMENT, rng.randrange(100))
    client.http.timeout = httpx.Timeout(None)
    ledger = client.exchange.world.ledger
    ledger.issue(ledger.accounts["a"], "BNB", "free", Decimal(rng.randrange(3)))
    issued = {asset: amount for asset, amount in ledger.issued.items() if amount}
    for _ in range(25):
        act(client, rng)
        assert ledger.imbalance() == {}
        assert {asset: amount for asset, amount in ledger.issued.items() if amount} == issued
        for holding in ledger.accounts["a"].holdings.values():
            amounts = (holding.free, holding.locked, holding.borrowed, holding.interest, holding.negative)
            assert min(amounts) >= 0
        check_conservation({**dump_world(client.exchange.world), "books": books_of(ledger)})


def act(client: Observer, rng: random.Random) -> None:
    """One thing that a client, a fault or time does."""
    asset, payers = rng.choice(["BNB", "BNB", "ETH", "SOL"]), rng.choice(["USDT", "BTC,USDT", "USDC", ""])
    amount = format(Decimal(rng.randrange(1, 10**10)).scaleb(-rng.choice([8, 9])), "f")
    named = f"&specifyRepayAssets={payers}" if payers else ""
    kind = rng.randrange(8)
    if kind < 3:
        client.call("POST", REPAY, f"asset={asset}" + (f"&amount={amount}" if kind else "") + named)
    elif kind == 3:
        client.call("POST", "/papi/v1/marginLoan", f"asset={asset}&amount={amount}")
    elif kind == 4:
        client.call("POST", "/papi/v1/repayLoan", f"asset={asset}&amount={amount}")
    elif kind == 5:
        client.exchange.faults.arm({"fault": "answer_lost"})
    elif kind == 6:
        client.read_balance()
    else:
        client.wait(rng.choice([10, 3000, 45_000, HOUR_MS]))
        client.exchange.advance_to_now()
