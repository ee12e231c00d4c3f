"""
Whole lives of a debt through the real client over a real socket: borrowed, grown by the hour, repaid in every
way, answers lost; after each step client, exchange and an exact model agree about every balance and record.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from fractions import Fraction
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from paydown import Client, OutcomeUnknown, RequestRejected, UnresolvedOutcome
from paydown_contract.document import Document, Operation
from paydown_sandbox.sandbox import SocketSandbox
from paydown_sandbox.sandbox_clock import Clock as ExchangeTime
from tests.contract.sandbox.test_sandbox_matrix import balances_read
from tests.contract.support import drive
from tests.contract.support.account_model import AccountModel, Row, agrees
from tests.contract.support.client import Clock, OpenBudget, credentials
from tests.contract.support.exchange import MAIN, NOW_MS, holding, state
from tests.contract.support.keys import signing_key
from tests.contract.support.model import Outcome, decimal_text
from tests.contract.support.passage_model import DAY_MS, HOUR_MS, PassageModel
from tests.contract.support.profile import drawn, profile

ASSETS = ("BNB", "BTC", "ETH", "USDT")
REPAY_DEBT = "repayDebt"
LIQUIDATING = ("ACTIVE_LIQUIDATION", "FORCE_LIQUIDATION", "BANKRUPTED")
LOST = {
    "executed_then_reset": True,
    "reset_before": False,
    "executed_then_503": True,
    "not_executed_503_unknown": False,
    "timeout_1007_executed": True,
    "timeout_1007_not_executed": False,
    "gateway_502_html_executed": True,
    "malformed_json_executed": True,
    "success_false_not_executed": False,
}


def start() -> dict[str, Any]:
    """A small account whose debts grow."""
    content = state()
    content["accounts"] = content["accounts"][:1]
    content["accounts"][0]["balances"] = {
        "BNB": holding("2", "1.5", "0.001") | {"um": "0.5"},
        "USDT": holding("5000", "0", "0.5") | {"negative": "12.5", "cm": "3"},
        "BTC": holding("0.25", "0.01") | {"negative": "0.005"},
        "ETH": holding("0", "0.75", "0.00000007"),
    }
    content["interest"] = {
        "default_daily_rate": "0.0024",
        "negative_daily_rate": "0.001",
        "on_borrow": False,
    }
    content["lendable"] = {"BNB": "3", "ETH": "0.5"}
    return content


class Life(AccountModel):
    """The account with all its calls and on a clock."""

    def __init__(self, contract: Document, content: dict[str, Any]) -> None:
        super().__init__(contract, content, MAIN)
        self.passage = PassageModel(content, MAIN)
        self.passage.positions, self.passage.prices = self.positions, self.prices
        self.passage.pools = self.pools

    def borrow(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """As ever, but for an account that is being liquidated."""
        if self.passage.standing().status in LIQUIDATING:
            return Outcome(frozenset({51068}))
        return super().borrow(texts, now_ms)

    def wait(self, to_ms: int) -> None:
        """Let time pass; each charge leaves its record."""
        before = len(self.passage.charges)
        self.passage.auto_repay = self.auto_repay
        self.passage.advance(to_ms)
        self.rows += [
            Row("interest", charge["asset"], charge["interestAccuredTime"], charge)
            for charge in self.passage.charges[before:]
        ]


@contextmanager
def running() -> Iterator[SocketSandbox]:
    """The exchange on a socket, its clock moved by hand."""
    with SocketSandbox(start(), clock=ExchangeTime(NOW_MS)) as served:
        yield served


class Lives(RuleBasedStateMachine):
    """One account, one client, one exchange."""

    served: SocketSandbox
    contract: Document

    @initialize()
    def begin(self) -> None:
        """A new world."""
        self.control = httpx.Client(base_url=self.served.url, trust_env=False)
        self.content = start()
        self.put("PUT", "state", copy.deepcopy(self.content))
        self.model = Life(self.contract, self.content)
        self.clock = Clock()
        self.client = Client(
            credentials(signing_key("S1")),
            base_url=self.served.url,
            clock=self.clock,
            budget=OpenBudget(),
            sleep=lambda seconds: None,
        )
        self.executed = 0

    def put(self, method: str, name: str, content: Any = None) -> Any:
        """Call the control API."""
        answer = self.control.request(method, f"/_sandbox/{name}", json=content)
        assert answer.is_success, answer.text
        return answer.json()

    def make(self, name: str, texts: dict[str, str]) -> None:
        """Call both, and hold the client's answer to the model's."""
        operation = self.contract.by_id(name)
        held = self.model.balances()
        expected = self.model.call(operation, texts, self.clock.now)
        call = partial(drive.method(self.client, operation), **drive.arguments(operation, texts))
        if expected.codes:
            with pytest.raises(RequestRejected) as caught:
                call()
            assert caught.value.code in expected.codes, f"{name} {texts}: {caught.value}"
            return
        result = call()
        written = {} if result is None else result.to_json()
        assert agrees(expected.answer if written else {}, written, set()), f"{name} {texts}: {written}"
        self.executed += self.model.balances() != held  # a switch, or a wallet that is empty, moves nothing

    # ------------------------------------------------------------------ what may happen

    amounts = st.integers(1, 10**8).map(lambda ticks: decimal_text(Fraction(ticks, 10**8))) | st.sampled_from(
        ("1", "0.5", "0.001", "0.00000001", "100")
    )

    @rule(asset=st.sampled_from(ASSETS), amount=amounts)
    def borrow(self, asset: str, amount: str) -> None:
        """More debt, as far as the account bears it."""
        self.model.borrowable = self.model.passage.borrowable(asset)[0]
        self.make("marginBorrow", {"asset": asset, "amount": amount})

    @rule(asset=st.sampled_from(ASSETS), amount=amounts)
    def repay_loan(self, asset: str, amount: str) -> None:
        """In the asset itself."""
        self.make("repayLoan", {"asset": asset, "amount": amount})

    @rule(asset=st.sampled_from(ASSETS), data=st.data())
    def repay_loan_wholly(self, asset: str, data: st.DataObject) -> None:
        """Exactly what is owed."""
        if (debt := self.model.position(asset).debt) >= Fraction(1, 10**8) and not debt * 10**8 % 1:
            self.make("repayLoan", {"asset": asset, "amount": decimal_text(debt)})

    @rule(
        asset=st.sampled_from(ASSETS),
        amount=st.none() | amounts,
        payers=st.lists(st.sampled_from(ASSETS), max_size=3, unique=True),
    )
    def repay_debt(self, asset: str, amount: str | None, payers: list[str]) -> None:
        """By the four rules."""
        self.make(REPAY_DEBT, repayment(asset, amount, payers))

    @rule(amount=amounts, side=st.sampled_from(("TO_UM", "FROM_UM")))
    def transfer(self, amount: str, side: str) -> None:
        """Between the wallets."""
        self.make("bnbTransfer", {"amount": amount, "transferSide": side})

    @rule(on=st.booleans())
    def switch(self, on: bool) -> None:
        """Automatic repayment of negative futures balances, and what the account says of it."""
        self.make("setAutoRepayFutures", {"autoRepay": "true" if on else "false"})
        assert self.client.futures_debt.auto_repay_status().auto_repay is self.model.auto_repay

    @rule(asset=st.none() | st.sampled_from([name for name in ASSETS if name != "BNB"]))
    def collect(self, asset: str | None) -> None:
        """Bring the futures wallets home."""
        if asset is None:
            self.make("autoCollection", {})
        else:
            self.make("assetCollection", {"asset": asset})

    @rule()
    def repay_negative_balances(self) -> None:
        """All of them, or none."""
        self.make("repayFuturesNegativeBalance", {})

    @rule(step=st.sampled_from((1, 1000, HOUR_MS // 2, HOUR_MS, 5 * HOUR_MS, DAY_MS)))
    def wait(self, step: int) -> None:
        """Debts grow."""
        self.clock.now += step
        self.put("POST", "clock", {"set_ms": self.clock.now})
        self.model.wait(self.clock.now)

    @rule(asset=st.sampled_from(ASSETS), price=st.sampled_from(("0.5", "1", "600", "61234.56789")))
    def reprice(self, asset: str, price: str) -> None:
        """Another index price."""
        self.put("POST", "prices", {asset: price})
        self.model.prices[asset] = Fraction(price)

    @precondition(lambda self: any(row.debt for row in self.model.positions.values()))
    @rule(
        fault=st.sampled_from(list(LOST)),
        asset=st.sampled_from(ASSETS),
        amount=st.none() | amounts,
        payers=st.lists(st.sampled_from(ASSETS), max_size=3, unique=True),
    )
    def lose_an_answer(self, fault: str, asset: str, amount: str | None, payers: list[str]) -> None:
        """
        A repayment whose answer says nothing: the client calls it unknown, whether it was executed or not,
        and lets no second one out before somebody has decided.
        """
        texts = repayment(asset, amount, payers)
        operation = self.contract.by_id(REPAY_DEBT)
        expected = self.preview(texts)
        if expected.codes:
            return  # what would be refused anyway is another rule's matter
        self.put("POST", "faults", {"match": {"operation": REPAY_DEBT}, "fault": fault, "times": 1})
        keywords = drive.arguments(operation, texts)
        with pytest.raises(OutcomeUnknown) as caught:
            self.client.margin.repay_debt(**keywords)
        if LOST[fault]:
            self.model.call(operation, texts, self.clock.now)
            self.executed += 1
        (attempt,) = self.client.unresolved
        assert attempt.id == caught.value.attempt_id
        sent = len(self.put("GET", "requests")["requests"])
        with pytest.raises(UnresolvedOutcome):
            self.client.margin.repay_debt(**keywords)
        assert len(self.put("GET", "requests")["requests"]) == sent, "a second repayment left"
        self.client.settle(attempt.id, executed=LOST[fault])
        assert not self.client.unresolved

    def preview(self, texts: dict[str, str]) -> Outcome:
        """What would happen, on a copy."""
        kept, pools, gain = copy.deepcopy(self.model.positions), dict(self.model.pools), self.model.gain_usd
        try:
            return self.model.call(self.contract.by_id(REPAY_DEBT), texts, self.clock.now)
        finally:
            self.model.positions.clear()
            self.model.positions.update(kept)
            self.model.pools.update(pools)
            self.model.gain_usd = gain

    # ------------------------------------------------------------------ what always holds

    @invariant()
    def balances_agree(self) -> None:
        """The client reads what the model holds, and so does the control API."""
        if not hasattr(self, "client"):
            return
        read = [row.to_json() for row in self.client.account.balance()]
        expected = self.model.balance({}, self.clock.now).answer["balances"]
        assert balances_read(read) == expected
        content = self.put("GET", "state")
        assert content["books"]["imbalance"] == {}
        gain = self.model.gain_usd + self.model.passage.gain_usd
        assert Fraction(content["books"]["conversion_gain_usd"]) == gain
        assert {name: Fraction(text) for name, text in content["lendable"].items()} == self.model.pools

    def teardown(self) -> None:
        """At the end every record is there once, in order, and nothing was executed that nobody asked for."""
        if not hasattr(self, "client"):
            return
        with closing(self.control), closing(self.client):
            self.judge_records()

    def judge_records(self) -> None:
        """Lists and ledger against the model."""
        by_themselves = ("autoRepay", "negativeInterest", "autoExchange")
        entries = [
            entry for entry in self.put("GET", "ledger")["entries"] if entry["operation"] not in by_themselves
        ]
        assert len(entries) == self.executed
        span = {"start_time": NOW_MS - 1, "end_time": self.clock.now}
        records = self.client.records
        loans = [row for asset in ASSETS for row in records.iter_borrows(asset=asset, **span)]
        repayments = [row for asset in ASSETS for row in records.iter_repayments(asset=asset, **span)]
        charges = list(records.iter_margin_interest(**span))
        negative = list(self.client.futures_debt.iter_interest(**span))
        assert sorted(
            (row.asset, row.interest_accured_time, Fraction(row.interest)) for row in negative
        ) == sorted(
            (row["asset"], row["interestAccuredTime"], row["interest"])
            for row in self.model.passage.negative_charges
        )
        for kind, rows in (("loan", loans), ("repay", repayments), ("interest", charges)):
            expected = sorted(
                (row.time_ms, row.asset, *amounts_of(row.content))
                for row in self.model.rows
                if row.kind == kind
            )
            seen = sorted(
                (
                    content.get("timestamp", content.get("interestAccuredTime")),
                    content["asset"],
                    *amounts_of(content),
                )
                for content in (row.to_json() for row in rows)
            )
            assert seen == expected, kind


def amounts_of(row: Any) -> tuple[Fraction, ...]:
    """The amounts of a record, in one order."""
    return tuple(Fraction(row[name]) for name in ("amount", "interest", "principal") if name in row)


def repayment(asset: str, amount: str | None, payers: list[str]) -> dict[str, str]:
    """The texts of one repayment."""
    texts = {"asset": asset}
    if amount is not None:
        texts["amount"] = amount
    if payers:
        texts["specifyRepayAssets"] = ",".join(payers)
    return texts


@pytest.mark.timeout(600)
def test_client_exchange_and_model_agree_about_whole_lives(contract: Document) -> None:
    """Random lives, the same ones in every fast run; a failing one is made as short as it can be."""
    size = profile()
    with running() as served:
        Lives.served, Lives.contract = served, contract
        case = Lives.TestCase
        case.settings = drawn(max(6, size.examples // 4), stateful_step_count=size.steps)
        if size.name != "fast":
            seed(size.seed)(Lives)
        case("runTest").debug()


def record_calls(contract: Document) -> list[Operation]:
    """The calls that list what was borrowed, repaid and moved."""
    return [contract.by_id(name) for name in ("borrowRecords", "repayRecords", "capitalFlow")]


def test_records_are_found_by_every_window_page_and_filter(contract: Document) -> None:
    """
    Movements at known moments, asked for by windows that begin and end just before, at and just after each,
    by page, by id, by asset and by type: the answer is the model's.
    """
    from tests.contract.sandbox.test_sandbox_rules import Caller
    from tests.contract.support.exchange import exchange

    content = start()
    content["interest"] = {"on_borrow": False}
    moments = [NOW_MS + offset for offset in (0, 0, 1, 1000, 1000, DAY_MS, 3 * DAY_MS, 10 * DAY_MS)]
    with exchange() as served:
        served.install(content)
        model = AccountModel(contract, content, MAIN)
        for number, now in enumerate(moments):
            served.set_clock(now)
            caller = Caller(contract, served, now_ms=now)
            asset = ASSETS[number % 2]
            for name, path, texts in (
                ("marginBorrow", "/papi/v1/marginLoan", {"asset": asset, "amount": f"0.00{number + 1}"}),
                ("repayLoan", "/papi/v1/repayLoan", {"asset": asset, "amount": f"0.000{number + 1}"}),
                ("bnbTransfer", "/papi/v1/bnb-transfer", {"amount": "0.01", "transferSide": "TO_UM"}),
            ):
                made = len(model.rows)
                expected = model.call(contract.by_id(name), texts, now)
                answer = served.send(caller.request("POST", path, texts))
                assert (answer.status == 200) is expected.executed, answer.body
                for row in model.rows[made:]:
                    assert isinstance(row.content, dict)
                    row.content["tranId" if row.kind == "flow" else "txId"] = answer.json()["tranId"]
        now = moments[-1] + 25 * DAY_MS  # the first ones are older than the longest window
        served.set_clock(now)
        caller = Caller(contract, served, now_ms=now)
        flows = caller.get("/sapi/v1/margin/capital-flow", limit="1000").json()
        mine = [row for row in model.rows if row.kind == "flow"]
        assert len(flows) == len(mine)
        for row, seen in zip(mine, flows[::-1], strict=True):
            assert isinstance(row.content, dict)
            row.content["id"] = seen["id"]
        counted = 0
        for operation in record_calls(contract):
            for number, texts in enumerate(questions(operation, model, moments, now)):
                expected = model.call(operation, texts, now)
                address = f"10.1.0.{number // 50}"  # no address asks so often that it is refused
                answer = served.send(caller.request("GET", operation.path, texts), ip=address)
                where = f"{operation.id} {texts}: {answer.status} {answer.body[:300]!r}"
                if expected.codes:
                    assert (answer.status, answer.code in expected.codes) == (400, True), where
                    continue
                assert answer.status == 200, where
                assert agrees(expected.answer, answer.json(), set()), f"{expected.answer}: {where}"
                counted += bool(
                    expected.answer["rows"] if isinstance(expected.answer, dict) else expected.answer
                )
        assert counted > 300


def questions(
    operation: Operation, model: AccountModel, moments: list[int], now: int
) -> Iterator[dict[str, str]]:
    """Windows around every moment, pages, ids and filters."""
    names = {field.name for field in operation.fields}
    base = {"asset": "BNB"} if "asset" in names else {}
    edges = sorted({moment + step for moment in moments for step in (-1, 0, 1)} | {now, NOW_MS - 30 * DAY_MS})
    for first in (None, *edges):
        for last in (None, *edges[::2]) if first is not None else (None, *edges):
            window = {} if first is None else {"startTime": str(first)}
            yield base | window | ({} if last is None else {"endTime": str(last)})
    span = {"startTime": str(NOW_MS), "endTime": str(NOW_MS + 7 * DAY_MS)}
    if "size" in names:
        for size in (1, 2, 3, 10, 100):
            for current in (1, 2, 3, 4, 100):
                yield base | span | {"size": str(size), "current": str(current)}
                yield base | span | {"current": str(current)}
        kind = "loan" if operation.id == "borrowRecords" else "repay"
        for row in model.rows:
            if row.kind == kind:
                for asset in ASSETS[:3]:
                    yield {"asset": asset, "txId": str(row.content["txId"])}
        yield base | {"txId": "1"}
        yield base | {
            "txId": str(next(row.content["tranId"] for row in model.rows[::-1] if row.kind == "flow"))
        }
    else:
        ids = [row.content["id"] for row in model.rows if row.kind == "flow"]
        for asset in (None, "BNB", "BTC", "ETH"):
            chosen = span | ({} if asset is None else {"asset": asset})
            for limit in ("1", "2", "5", "1000"):
                yield chosen | {"limit": limit}
                for identity in (ids[0] - 1, *ids[::3], ids[-1]):
                    yield chosen | {"limit": limit, "fromId": str(identity)}
            for kind in ("BORROW", "REPAY", "TRANSFER", "COMMISSION_RETURN"):
                yield chosen | {"type": kind}
