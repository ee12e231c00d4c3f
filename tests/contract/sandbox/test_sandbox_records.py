"""
What is written down: records that a state document brings along and those that come after, in every list by every
filter; ledger lines; and each field of the state document, there and back.
"""

import copy
import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from paydown_contract.document import Document, Operation
from paydown_contract.requests.raw_request import Request
from tests.contract.sandbox.test_sandbox_rules import Caller
from tests.contract.support.account_model import SIX_MONTHS_MS, AccountModel, Row
from tests.contract.support.exchange import MAIN, NOW_MS, OTHER, Exchange, exchange, holding, state
from tests.contract.support.model import decimal_text, plain
from tests.contract.support.passage_model import DAY_MS

ASSETS = ("BNB", "BTC")
KINDS = {
    "borrowRecords": "loan",
    "repayRecords": "repay",
    "marginInterestHistory": "interest",
    "capitalFlow": "flow",
    "negativeBalanceInterestHistory": "negative-interest",
    "negativeBalanceExchangeRecords": "negative-exchange",
}
KEYS = {MAIN: "S1", OTHER: "S2"}
# Above every id that the exchange begins with by itself.
FIRST_ID = 4_000_000_000_000_000_000
MONTHS_MS = 7_689_600_000  # three, as the document counts them
# Just inside and just outside of every window, and of two records at one moment.
AGES = tuple(
    sorted(
        {edge + step for edge in (7 * DAY_MS, 30 * DAY_MS, 90 * DAY_MS, SIX_MONTHS_MS) for step in (-1, 0, 1)}
        | {0, 1, DAY_MS, MONTHS_MS, 8 * DAY_MS, 60 * DAY_MS}
    )
)


def content_of(kind: str, identity: int, asset: str, at_ms: int) -> dict[str, Any]:
    """The row of one record, as its call prints it."""
    id_name, time_name = ("id", "timestamp") if kind == "flow" else ("txId", "timestamp")
    if kind == "negative-exchange":
        return {"startTime": at_ms, "endTime": at_ms, "details": [{"asset": asset, "negativeBalance": 1}]}
    if kind == "negative-interest":
        return {"asset": asset, "interest": "0.1", "interestAccuredTime": at_ms, "principal": "1"}
    if kind == "interest":
        time_name = "interestAccuredTime"
    row = {id_name: identity, "asset": asset, time_name: at_ms}
    if kind == "flow":
        row |= {"tranId": identity + 1, "type": ("BORROW", "REPAY")[identity % 2], "amount": "1"}
    return row


def brought() -> dict[str, Any]:
    """Records of every kind, in no order, with the same ids in both accounts and in different kinds."""
    content = state()
    rows: list[dict[str, Any]] = []
    for account in (MAIN, OTHER):
        for kind in KINDS.values():
            for number, age in enumerate(AGES):
                # Each account has another asset first, so that a mix of the two is seen.
                asset = ASSETS[(number + (account == OTHER)) % 2]
                identity, at_ms = FIRST_ID + len(AGES) - number, NOW_MS - age
                row = content_of(kind, identity, asset, at_ms)
                rows.append(
                    {
                        "kind": kind,
                        "id": identity,
                        "account": account,
                        "asset": asset,
                        "time": at_ms,
                        "row": row,
                    }
                )
    content["records"] = [rows[(number * 31) % len(rows)] for number in range(len(rows))]
    assert len({json.dumps(row) for row in content["records"]}) == len(rows)
    return content


def told(contract: Document, content: dict[str, Any], account: str) -> AccountModel:
    """A model that has the records of one account."""
    model = AccountModel(contract, content, account)
    for record in content["records"]:
        if record["account"] == account:
            model.rows.append(
                Row(record["kind"], record["asset"], record["time"], copy.deepcopy(record["row"]))
            )
    return model


def filters(operation: Operation) -> Iterator[dict[str, str]]:
    """Every filter that the call has, alone and together with each window."""
    fields = {field.name for field in operation.fields}
    required = {field.name for field in operation.fields if field.required} - {"timestamp", "signature"}
    moments = {age: str(NOW_MS - age) for age in AGES}
    windows: list[dict[str, str]] = [{}]
    windows += [{"startTime": text} for text in moments.values()]
    windows += [{"endTime": text} for text in moments.values()]
    pairs: tuple[tuple[int, int], ...] = (
        (1, 0),
        (7 * DAY_MS, 0),
        (30 * DAY_MS, 1),
        (30 * DAY_MS, 0),
        (30 * DAY_MS + 1, 0),
    )
    pairs += ((MONTHS_MS, 0), (MONTHS_MS + 1, 0), (0, 1), (90 * DAY_MS + 1, 90 * DAY_MS - 1))
    pairs += ((SIX_MONTHS_MS + 1, SIX_MONTHS_MS), (SIX_MONTHS_MS, SIX_MONTHS_MS - 1))
    windows += [{"startTime": str(NOW_MS - first), "endTime": str(NOW_MS - last)} for first, last in pairs]
    others: list[dict[str, str]] = [{}]
    others += [{"archived": text} for text in ("true", "false") if "archived" in fields]
    others += [{"size": "2"}, {"size": "2", "current": "2"}] if "current" in fields else []
    others += [{"size": "3"}] if "size" in fields and "current" not in fields else []
    others += [{"type": "REPAY"}, {"limit": "3"}] if "type" in fields else []
    others += (
        [{"fromId": str(FIRST_ID + 5)}, {"fromId": str(FIRST_ID + 5), "limit": "2"}]
        if "fromId" in fields
        else []
    )
    for asset in (None, *ASSETS, "USDT") if "asset" in fields else (None,):
        chosen = {} if asset is None else {"asset": asset}
        asked = [window | chosen for window in windows]
        asked += [other | windows[-3] | chosen for other in others]
        asked += [other | {"startTime": str(NOW_MS - 7 * DAY_MS)} | chosen for other in others]
        if "txId" in fields:
            asked += [
                {"txId": str(FIRST_ID + number)} | window | chosen
                for number in (0, 1, 2, len(AGES))
                for window in ({}, {"startTime": str(NOW_MS)}, {"endTime": str(NOW_MS - SIX_MONTHS_MS)})
            ]
        for texts in asked:
            if required <= texts.keys():
                yield texts


def judge_lists(
    contract: Document, running: Exchange, models: dict[str, AccountModel], now: int, asked: Any = filters
) -> int:
    """Ask both accounts everything; how many answers held records."""
    found = 0
    for name in KINDS:
        operation = contract.by_id(name)
        for account, model in models.items():
            caller = Caller(contract, running, KEYS[account], now)
            for number, texts in enumerate(asked(operation)):
                expected = model.call(operation, texts, now)
                request = caller.request("GET", operation.path, texts)
                # No address asks so often that it is refused.
                answer = running.send(request, ip=f"10.2.{list(KINDS).index(name)}.{number // 50}")
                where = f"{account} {name} {texts}: {answer.status} {answer.body[:300]!r}"
                if expected.codes:
                    assert (answer.status, answer.code in expected.codes) == (400, True), where
                    continue
                assert answer.status == 200, where
                assert answer.json() == expected.answer, f"{expected.answer}: {where}"
                found += bool(answer.json()["rows"] if isinstance(answer.json(), dict) else answer.json())
    return found


@pytest.mark.parametrize(
    "options",
    [{}, {"records-without-filter": "reject", "capital-flow-order": "oldest-first"}],
    ids=["as it is", "other readings"],
)
def test_records_of_a_state_document_are_found_by_every_filter(
    options: dict[str, str], contract: Document
) -> None:
    """
    Six kinds of records in two accounts under the same ids, around the edge of every window: each list by each
    asset, window, page, id and type is the model's.
    """
    content = brought() | {"options": options}
    with exchange(content) as running:
        models = {account: told(contract, content, account) for account in KEYS}
        assert judge_lists(contract, running, models, NOW_MS) > 200


def test_what_comes_after_a_state_document_has_ids_of_its_own(contract: Document) -> None:
    """Each call and each charge that leaves a record: its id is behind all that the state document brought."""
    content = brought() | {
        "interest": {"default_daily_rate": "0.0024", "negative_daily_rate": "0.001", "on_borrow": False},
        "negative_thresholds": {"ETH": "1"},
    }
    content["accounts"][0]["auto_repay_futures"] = False
    content["accounts"][0]["balances"]["ETH"]["negative"] = "2"
    for leading in KINDS.values():  # the ids of this kind are the highest, so that no other hides a mistake
        ids = {kind: FIRST_ID if kind == leading else 1 for kind in KINDS.values()}
        alone = content | {"records": [_one(kind, first) for kind, first in ids.items()]}
        with exchange(alone) as running:
            caller = Caller(contract, running)
            for path, texts in (
                ("/papi/v1/marginLoan", {"asset": "BTC", "amount": "0.5"}),
                ("/papi/v1/repayLoan", {"asset": "BTC", "amount": "0.5"}),
                ("/papi/v1/bnb-transfer", {"amount": "0.5", "transferSide": "FROM_UM"}),
            ):
                assert running.send(caller.request("POST", path, texts)).status == 200
            running.set_clock(NOW_MS - NOW_MS % DAY_MS + DAY_MS)
            records = running.control("GET", "state")["records"]
            for kind in KINDS.values():
                found = [record["id"] for record in records if record["kind"] == kind]
                assert len(found) > 1, f"nothing new of {kind}"
                assert len(set(found)) == len(found), f"{kind}: an id twice"
                assert found.count(ids[kind]) == 1
                if kind == leading:
                    assert min(found) == FIRST_ID, f"{kind}: an id that lies before those that were there"


def _one(kind: str, identity: int) -> dict[str, Any]:
    at_ms = NOW_MS - 1
    row = content_of(kind, identity, "BTC", at_ms)
    return {"kind": kind, "id": identity, "account": MAIN, "asset": "BTC", "time": at_ms, "row": row}


def test_records_stay_in_order_where_the_clock_goes_back(contract: Document) -> None:
    """What happens after the clock was set back is listed by its moment, not by when it was written."""
    offsets = (0, 5 * DAY_MS, -3 * DAY_MS, DAY_MS, DAY_MS, -4 * DAY_MS, 6 * DAY_MS)
    content = state()
    with exchange(content) as running:
        model = AccountModel(contract, content, MAIN)
        for offset in offsets:
            now = NOW_MS + offset
            running.set_clock(now)
            caller = Caller(contract, running, now_ms=now)
            for name, texts in (
                ("marginBorrow", {"asset": "BTC", "amount": "0.01"}),
                ("repayLoan", {"asset": "BTC", "amount": "0.02"}),
            ):
                operation = contract.by_id(name)
                made = len(model.rows)
                assert model.call(operation, texts, now).executed
                answer = running.send(caller.request("POST", operation.path, texts))
                assert answer.status == 200
                for row in model.rows[made:]:
                    assert isinstance(row.content, dict)
                    row.content["tranId" if row.kind == "flow" else "txId"] = answer.json()["tranId"]
        now = NOW_MS + 7 * DAY_MS
        running.set_clock(now)
        caller = Caller(contract, running, now_ms=now)
        moments = sorted(NOW_MS + offset for offset in set(offsets))
        windows = [(first, last) for first in moments for last in moments if 0 <= last - first <= 7 * DAY_MS]
        windows += [(moments[-1] - 6 * DAY_MS, now)]
        for name in ("borrowRecords", "repayRecords", "capitalFlow"):
            operation = contract.by_id(name)
            for first, last in windows:
                texts = {"asset": "BTC", "startTime": str(first), "endTime": str(last)}
                answer = caller.get(operation.path, **texts).json()
                rows = answer if isinstance(answer, list) else answer["rows"]
                identity = "tranId" if name == "capitalFlow" else "txId"
                expected = model.between(KINDS[name], first, last, "BTC")[:10]
                assert [(row["timestamp"], row[identity]) for row in rows[:10]] == [
                    (row.time_ms, row.content[identity]) for row in expected
                ], f"{name} {texts}"


# ------------------------------------------------------------------------------------------------ ledger lines

PLACES = ("free", "locked", "um", "cm", "negative")


def parts_of(running: Exchange) -> dict[tuple[str, str, str], Fraction]:
    """Each part of each position of each account that is not zero."""
    return {
        (account, asset, part): plain(text)
        for account, rows in running.balances().items()
        for asset, row in rows.items()
        for part, text in row.items()
        if part != "updated_ms" and plain(text)
    }


def test_ledger_lines_tell_how_every_balance_came_to_be(contract: Document) -> None:
    """
    Each call that moves money leaves one line under its name: its movements turn the balances before it into those
    after, and the debt falls by what it says; for a loan that is below zero.
    """
    content = state()
    calls: list[tuple[str, dict[str, str]]] = [
        ("marginBorrow", {"asset": "BTC", "amount": "0.5"}),
        ("repayLoan", {"asset": "BNB", "amount": "0.25"}),
        ("repayLoan", {"asset": "BNB", "amount": "0.75"}),
        ("repayDebt", {"asset": "BTC", "amount": "0.2"}),
        ("repayDebt", {"asset": "BNB", "amount": "6", "specifyRepayAssets": "USDT"}),
        ("repayDebt", {"asset": "币安人生", "amount": "12", "specifyRepayAssets": "BTC,USDT"}),
        ("bnbTransfer", {"amount": "0.5", "transferSide": "FROM_UM"}),
        ("bnbTransfer", {"amount": "0.25", "transferSide": "TO_UM"}),
        ("assetCollection", {"asset": "ETH"}),
        ("autoCollection", {}),
        ("repayFuturesNegativeBalance", {}),
    ]
    with exchange(content) as running:
        caller = Caller(contract, running)
        for number, (name, texts) in enumerate(calls, 1):
            before = parts_of(running)
            operation = contract.by_id(name)
            answer = running.send(caller.request(operation.method, operation.path, texts))
            assert answer.status == 200, (name, answer.body)
            after = parts_of(running)
            lines = running.executed()
            assert [line["id"] for line in lines] == list(range(1, number + 1))
            line = lines[-1]
            assert (line["operation"], line["account"], line["time"]) == (name, MAIN, NOW_MS)
            assert line["asset"] == ("BNB" if name == "bnbTransfer" else texts.get("asset"))
            if "tranId" in answer.json():
                assert line["tran_id"] == answer.json()["tranId"]
            expected = dict(before)
            for move in line["transfers"]:
                assert plain(move["amount"]) > 0
                for side, sign in (("from", -1), ("to", 1)):
                    owner, _, place = move[side].rpartition(":")
                    if owner != "house":
                        assert (owner, place in PLACES) == (MAIN, True)
                        moved = sign * plain(move["amount"]) * (-1 if place == "negative" else 1)
                        key = owner, move["asset"], place
                        expected[key] = expected.get(key, Fraction(0)) + moved
            for part, field in (("interest", "interest_repaid"), ("borrowed", "principal_repaid")):
                key = MAIN, line["asset"] or "", part
                expected[key] = expected.get(key, Fraction(0)) - plain(line[field])
            assert {key: value for key, value in expected.items() if value} == after, line


def test_an_asset_that_is_known_is_never_refused_as_unknown(contract: Document) -> None:
    """Held by another, priced alone, or held here: the balance is an answer, and of an unknown asset none."""
    content = state()
    content["prices_usd"]["PRICED"] = "2"
    content["accounts"][1]["balances"]["ELSEWHERE"] = holding("4")
    with exchange(content) as running:
        for choice in ("reject", "zeros"):
            running.install(content | {"options": {"unknown-asset-balance": choice}})
            for account in (MAIN, OTHER):
                held = running.balances()[account]
                for asset in ("BNB", "BTC", "PRICED", "ELSEWHERE", "NOSUCH"):
                    answer = Caller(contract, running, KEYS[account]).get("/papi/v1/balance", asset=asset)
                    if asset == "NOSUCH" and choice == "reject":
                        assert (answer.status, answer.code) == (400, -1108)
                        continue
                    assert answer.status == 200, (account, asset)
                    row = answer.json()
                    assert row["asset"] == asset
                    assert plain(row["crossMarginFree"]) == plain(held.get(asset, {"free": "0"})["free"])


# ------------------------------------------------------------------------------------------- the state document


def full_state() -> dict[str, Any]:
    """Every field that a state document has, each with a value of its own that no default has."""
    content = state()
    numbers = iter(range(3, 10_000))

    def amount() -> str:
        return decimal_text(Fraction(next(numbers), 1000))

    for account in content["accounts"]:
        account["balances"] = {
            asset: {part: amount() for part in (*PLACES, "borrowed", "interest")}
            | {"updated_ms": NOW_MS - next(numbers)}
            for asset in ("BNB", "USDT")
        }
        account["auto_repay_futures"] = account["id"] == OTHER
        account["maintenance_margin_usd"], account["initial_margin_usd"] = amount(), amount()
    content["accounts"][0]["status"] = "REDUCE_ONLY"
    content["accounts"][0]["keys"][0] |= {"permissions": ["USER_DATA"], "ip_allow": ["10.0.0.0/8"]}
    content["prices_usd"] = {asset: amount() for asset in ("BNB", "USDT", "BTC")}
    content["price_paths"] = {
        asset: [{"at_ms": NOW_MS + next(numbers), "price": amount()} for _ in range(2)] for asset in ASSETS
    }
    limits = ("weight_per_minute", "orders_per_minute", "shortest_ban_ms", "longest_ban_ms")
    content["limits"] = {name: 10**6 + next(numbers) for name in limits}
    content["repay_weight_scope"] = "order"
    content["options"] = {"payment-order": "largest-first", "minimum-repayment": amount()}
    content["interest"] = {
        "default_daily_rate": amount(),
        "daily_rates": {asset: amount() for asset in ASSETS},
        "negative_daily_rate": amount(),
        "on_borrow": False,
        "fraction_digits": 7,
    }
    rates: tuple[str, ...] = ("default_collateral_rate", "maintenance_rate", "initial_rate")
    rates += ("margin_call_at", "reduce_only_at", "liquidation_at")
    content["collateral"] = {"collateral_rates": {asset: amount() for asset in ASSETS}}
    content["collateral"] |= {name: amount() for name in rates}
    for name in ("lendable", "borrow_limits", "negative_thresholds"):
        content[name] = {asset: amount() for asset in ASSETS}
    content["borrow_closed"] = ["BTC", "ETH"]
    content["seed"] = next(numbers)
    content["choices_seed"] = next(numbers)
    content["records"] = [_one(kind, FIRST_ID + number) for number, kind in enumerate(KINDS.values())]
    return content


def test_every_field_of_a_state_document_survives(contract: Document) -> None:
    """Each field with a value of its own: what comes out holds all of it, at its own place, and goes in again."""
    content = full_state()
    with exchange(content) as running:
        for _ in range(2):
            seen = running.control("GET", "state")
            for name, value in content.items():
                if name != "clock":
                    assert seen[name] == value, name
            assert (seen["clock"]["now_ms"], seen["clock"]["frozen"]) == (NOW_MS, True)
            running.install(seen)
        assert set(seen) - {"books"} == set(content), "a field that nothing here sets"


def numbers_of(value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every number of a document: its place, what holds it, and its key there."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        place = f"{path}[{key}]" if isinstance(value, list) else f"{path}.{key}" if path else str(key)
        if place.endswith((".row", "].keys")) or place == "options":
            continue
        if (isinstance(child, int) and not isinstance(child, bool)) or (
            isinstance(child, str) and child[:1].isdigit()
        ):
            yield place, value, key
        yield from numbers_of(child, place)


def refused(running: Exchange, content: dict[str, Any]) -> dict[str, Any]:
    """What is said of a state document that is refused."""
    body = json.dumps(content).encode()
    headers = (("content-type", "application/json"),)
    answer = running.server.send(Request("PUT", "/_sandbox/state", b"", headers, body))
    assert answer.status == 400, answer.body
    error: dict[str, Any] = answer.json()["error"]
    return error


def test_no_number_of_a_state_document_may_be_below_zero(contract: Document) -> None:
    """Each number turned below zero is refused under its own place, and so is each option that takes one."""
    content = full_state()
    with exchange() as running:
        before = running.control("GET", "state")
        places = list(numbers_of(content))
        assert len(places) > 80
        for place, holder, key in places:
            kept = holder[key]
            holder[key] = -kept if isinstance(kept, int) else f"-{kept}"
            assert refused(running, content)["path"] == place
            holder[key] = kept
        counted = 0
        for name, option in running.control("GET", "options").items():
            if (
                not option["values"] and option["default"][:1].isdigit()
            ):  # the default is a number, and not below zero
                counted += 1
                assert name in refused(running, {"options": {name: "-1"}})["reason"]
        assert counted >= 4
        assert running.control("GET", "state") == before
