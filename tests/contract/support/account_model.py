"""The whole account as the pages describe it: borrowing, both repayments, wallets, records, switches and hard caps.

What the exchange makes up for itself, such as how much may be borrowed, is not modelled: it is asked, and must then be
kept to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from paydown_contract.document import Document, Operation
from tests.contract.support.model import AMOUNTS, Model, Outcome, Position, decimal_text, plain

DAY_MS: Final = 86_400_000
SIX_MONTHS_MS: Final = 183 * DAY_MS


class NewId:
    """Stands in an expected answer for an id that was never seen before."""

    def __repr__(self) -> str:
        return "a new id"


NEW_ID: Final = NewId()


@dataclass(frozen=True, slots=True)
class Row:
    """One record."""

    kind: str
    asset: str
    time_ms: int
    content: Mapping[str, Any]


class AccountModel(Model):
    """One account, all its calls."""

    def __init__(self, document: Document, state: Mapping[str, Any], account: str) -> None:
        super().__init__(state, account)
        self.document = document
        mine = next(each for each in state["accounts"] if each["id"] == account)
        self.auto_repay: bool = mine.get("auto_repay_futures", True)
        self.orders_limit: int = state["limits"]["orders_per_minute"]
        self.rows: list[Row] = []
        self.listen_key: str | None = None
        self.calls: dict[str, list[int]] = {}
        self.borrowable: Fraction | None = None  # of the asset that is asked for next
        self._calls: dict[str, Callable[[Mapping[str, str], int], Outcome]] = {
            "ping": lambda texts, now: Outcome(),
            "serverTime": lambda texts, now: Outcome(answer={"serverTime": now}),
            "accountBalance": self.balance,
            "repayDebt": self.repay_debt,
            "repayLoan": self.repay_loan,
            "marginBorrow": self.borrow,
            "orderRateLimit": lambda texts, now: Outcome(answer=self._order_limit()),
            "autoCollection": self.collect_all,
            "assetCollection": self.collect_asset,
            "bnbTransfer": self.transfer_bnb,
            "repayFuturesNegativeBalance": self.repay_negative,
            "autoRepayFuturesStatus": lambda texts, now: Outcome(answer={"autoRepay": self.auto_repay}),
            "setAutoRepayFutures": self.set_auto_repay,
            "assetIndexPrice": self.index_price,
            "borrowRecords": lambda texts, now: self.page("borrowRecords", "loan", texts, now),
            "repayRecords": lambda texts, now: self.page("repayRecords", "repay", texts, now),
            "marginInterestHistory": lambda texts, now: self.page(
                "marginInterestHistory", "interest", texts, now
            ),
            "negativeBalanceInterestHistory": self.negative_interest,
            "negativeBalanceExchangeRecords": self.negative_exchange,
            "capitalFlow": self.flow,
        }

    def knows(self, operation: Operation) -> bool:
        """Whether the model knows exactly what this call answers."""
        return operation.id in self._calls

    def call(self, operation: Operation, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """What a right request does, hard caps on calls included."""
        for cap in operation.facts.get("x-caps", []):
            if cap["kind"] == "rate":
                recent = [at for at in self.calls.get(operation.id, []) if at > now_ms - cap["interval-ms"]]
                if len(recent) >= int(cap["limit"]):
                    return Outcome(frozenset({-1003}))
                self.calls[operation.id] = [*recent, now_ms]
        return self._calls[operation.id](texts, now_ms)

    # ------------------------------------------------------------------ reads

    def balance(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """Balances of all assets or of one, as `test_sandbox_matrix.balances_read` reads them."""
        asset = texts.get("asset")
        everything = self.option("balance-array-holds", "touched") == "all"
        if (
            asset is not None
            and asset not in self.known
            and self.option("unknown-asset-balance", "reject") == "reject"
        ):
            return Outcome(frozenset({-1108}))
        nothing = dict.fromkeys(AMOUNTS, "0") | {"updated_ms": 0}
        rows = self.balances()
        if asset is None and everything:
            rows |= {name: nothing for name in self.known if name not in rows}
        rows = rows if asset is None else {asset: rows.get(asset, nothing)}
        return Outcome(answer={"balances": {"array": asset is None, **rows}})

    def index_price(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """Prices of all assets or of one: a list in both cases."""
        asset = texts.get("asset")
        if asset is not None and asset not in self.prices:
            if self.option("unknown-asset-index-price", "reject") == "reject":
                return Outcome(frozenset({-1108}))
            return Outcome(answer=[])
        chosen = self.prices if asset is None else {asset: self.prices[asset]}
        return Outcome(
            answer=[
                {"asset": name, "assetIndexPrice": decimal_text(price), "time": now_ms}
                for name, price in chosen.items()
            ]
        )

    def _order_limit(self) -> list[dict[str, Any]]:
        return [
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": self.orders_limit}
        ]

    # ------------------------------------------------------------------ borrowing and repaying

    def repay_loan(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """In the owed asset itself, interest first, with an id and a record."""
        asset, amount = texts["asset"], plain(texts["amount"])
        if asset not in self.known:
            return Outcome(frozenset({-1108}))
        position = self.position(asset)
        refusals = (
            {-3015}
            if amount > position.debt and self.option("amount-above-debt", "reject") == "reject"
            else set()
        )
        if not position.debt:
            return Outcome(frozenset({-3015}))
        amount = min(amount, position.debt)
        if amount > position.free:
            refusals.add(-2018)
        if refusals:
            return Outcome(frozenset(refusals))
        interest = min(amount, position.interest)
        position.free -= amount
        position.interest -= interest
        position.borrowed -= amount - interest
        position.updated_ms = now_ms
        self.flow_back(asset, amount)
        content = {
            "amount": amount,
            "asset": asset,
            "interest": interest,
            "principal": amount - interest,
            "timestamp": now_ms,
            "status": "CONFIRMED",
        }
        self.rows.append(Row("repay", asset, now_ms, {"txId": NEW_ID, **content}))
        self.rows.append(
            Row(
                "flow",
                asset,
                now_ms,
                {
                    "id": NEW_ID,
                    "tranId": NEW_ID,
                    "timestamp": now_ms,
                    "asset": asset,
                    "type": "REPAY",
                    "amount": -amount,
                },
            )
        )
        return Outcome(answer={"tranId": NEW_ID})

    def borrow(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """Up to the maxBorrowable of that moment."""
        asset, amount = texts["asset"], plain(texts["amount"])
        if asset not in self.known:
            return Outcome(frozenset({-1108}))
        if self.borrowable is not None and amount > self.borrowable:
            return Outcome(frozenset({51006, 51061}))
        position = self.positions.setdefault(asset, Position())
        position.free += amount
        position.borrowed += amount
        position.updated_ms = now_ms
        self.flow_back(asset, -amount)
        self.rows.append(
            Row(
                "loan",
                asset,
                now_ms,
                {
                    "txId": NEW_ID,
                    "asset": asset,
                    "principal": amount,
                    "timestamp": now_ms,
                    "status": "CONFIRMED",
                },
            )
        )
        self.rows.append(
            Row(
                "flow",
                asset,
                now_ms,
                {
                    "id": NEW_ID,
                    "tranId": NEW_ID,
                    "timestamp": now_ms,
                    "asset": asset,
                    "type": "BORROW",
                    "amount": amount,
                },
            )
        )
        return Outcome(answer={"tranId": NEW_ID})

    # ------------------------------------------------------------------ wallets

    def collect_all(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """Everything in the futures wallets, but for the BNB of the USD-M one."""
        for asset in self.positions:
            self._collect(asset, ("cm",) if asset == "BNB" else ("um", "cm"), now_ms)
        return Outcome(answer={"msg": "success"})

    def collect_asset(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """One asset; BNB is not supported."""
        asset = texts["asset"]
        if asset == "BNB" or asset not in self.known:
            return Outcome(frozenset({-1108}))
        self._collect(asset, ("um", "cm"), now_ms)
        return Outcome(answer={"msg": "success"})

    def _collect(self, asset: str, wallets: tuple[str, ...], now_ms: int) -> None:
        position = self.positions.get(asset)
        if position is None:
            return
        for wallet in wallets:
            amount = getattr(position, wallet)
            if amount:
                setattr(position, wallet, Fraction(0))
                position.free += amount
                position.updated_ms = now_ms

    def transfer_bnb(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """Between the cross wallet and the USD-M wallet."""
        amount, inward = plain(texts["amount"]), texts["transferSide"] == "FROM_UM"
        position = self.position("BNB")
        if amount > (position.um if inward else position.free):
            return Outcome(frozenset({-2018, -4050}))
        sign = 1 if inward else -1
        position.free += sign * amount
        position.um -= sign * amount
        position.updated_ms = now_ms
        self.rows.append(
            Row(
                "flow",
                "BNB",
                now_ms,
                {
                    "id": NEW_ID,
                    "tranId": NEW_ID,
                    "timestamp": now_ms,
                    "asset": "BNB",
                    "type": "TRANSFER",
                    "amount": sign * amount,
                },
            )
        )
        return Outcome(answer={"tranId": NEW_ID})

    def repay_negative(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """Every negative futures balance from the free balance of its asset, or none of them."""
        owed = [position for position in self.positions.values() if position.negative]
        if any(position.negative > position.free for position in owed):
            return Outcome(frozenset({-4050, -2018}))
        for position in owed:
            position.free -= position.negative
            position.negative = Fraction(0)
            position.updated_ms = now_ms
        return Outcome(answer={"msg": "success"})

    def set_auto_repay(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """The switch."""
        self.auto_repay = texts["autoRepay"] == "true"
        return Outcome(answer={"msg": "success"})

    # ------------------------------------------------------------------ records

    def window(self, operation_id: str, texts: Mapping[str, str], now_ms: int) -> tuple[int, int] | Outcome:
        """The first and last moment that a record call asks for, or why it may not."""
        facts = self.document.by_id(operation_id).facts["x-pagination"]["window"]
        longest, usual = facts["max-ms"], facts.get("default-ms", facts["max-ms"])
        start, end = (int(texts[name]) if name in texts else None for name in (facts["start"], facts["end"]))
        if start is not None and end is not None:
            if start > end:
                return Outcome(frozenset({-1023}))
            if end - start > longest:
                return Outcome(frozenset({-4047 if operation_id == "capitalFlow" else -4165}))
            return start, end
        if start is not None:
            return max(start, now_ms - longest), now_ms
        if end is not None:
            return end - usual, end
        return now_ms - usual, now_ms

    def between(self, kind: str, first: int, last: int, asset: str | None) -> list[Row]:
        """Records in a window, newest first."""
        found = [
            row
            for row in self.rows
            if row.kind == kind and first <= row.time_ms <= last and asset in (None, row.asset)
        ]
        found.reverse()  # of two at one moment the later one comes first
        return sorted(found, key=lambda row: -row.time_ms)

    def page(self, operation_id: str, kind: str, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """One page of a list that has pages."""
        if "txId" in texts:
            wanted = int(texts["txId"])
            rows = [
                row
                for row in self.rows
                if row.kind == kind
                and row.content["txId"] == wanted
                and texts.get("asset") in (None, row.asset)
            ]
        else:
            required = self.document.by_id(operation_id).facts.get("x-requires-any")
            if (
                required
                and "startTime" not in texts
                and self.option("records-without-filter", "last-7-days") == "reject"
            ):
                return Outcome(frozenset({-1102}))
            window = self.window(operation_id, texts, now_ms)
            if isinstance(window, Outcome):
                return window
            archived = texts.get("archived") == "true"
            rows = [
                row
                for row in self.between(kind, *window, texts.get("asset"))
                if (row.time_ms < now_ms - SIX_MONTHS_MS) is archived
            ]
        facts = self.document.by_id(operation_id).facts["x-pagination"]
        size = int(texts.get("size", facts["default-size"]))
        skip = (int(texts.get("current", "1")) - 1) * size
        return Outcome(answer={"rows": [row.content for row in rows[skip : skip + size]], "total": len(rows)})

    def negative_interest(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """A bare list without pages."""
        window = self.window("negativeBalanceInterestHistory", texts, now_ms)
        if isinstance(window, Outcome):
            return window
        rows = self.between("negative-interest", *window, texts.get("asset"))
        return Outcome(answer=[row.content for row in rows[: int(texts.get("size", "10"))]])

    def negative_exchange(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """Exchanges of negative balances."""
        window = self.window("negativeBalanceExchangeRecords", texts, now_ms)
        if isinstance(window, Outcome):
            return window
        rows = self.between("negative-exchange", *window, None)
        return Outcome(answer={"total": len(rows), "rows": [row.content for row in rows]})

    def flow(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """Movements of the cross wallet: the latest, or those after an id; about 90 days are kept."""
        facts = self.document.by_id("capitalFlow").facts["x-pagination"]
        oldest = now_ms - facts["kept-ms"]
        if "startTime" in texts and "endTime" in texts:
            window = self.window("capitalFlow", texts, now_ms)
            if isinstance(window, Outcome):
                return window
            first, last = window
        else:
            first, last = int(texts.get("startTime", oldest)), int(texts.get("endTime", now_ms))
        rows = [
            row
            for row in self.between("flow", max(first, oldest), last, texts.get("asset"))
            if texts.get("type") in (None, row.content["type"])
        ]
        after = int(texts["fromId"]) if "fromId" in texts else None
        rows = [row for row in rows if after is None or row.content["id"] > after]
        limit = int(texts.get("limit", facts["default-size"]))
        chosen = rows[:limit] if after is None else rows[-limit:]
        if self.option("capital-flow-order", "newest-first") != "newest-first":
            chosen = chosen[::-1]
        return Outcome(answer=[row.content for row in chosen])

    def learn(self, kind: str, number: int, identity: int) -> None:
        """Give the last record of a kind, counted from its end, the id that the exchange gave it."""
        found = [row for row in self.rows if row.kind == kind]
        row = found[-number]
        name = "id" if kind == "flow" else "txId"
        assert isinstance(row.content, dict)
        row.content[name] = identity


def agrees(expected: Any, seen: Any, known_ids: set[int]) -> bool:
    """Whether an answer is the expected one: amounts by value, new ids by being new."""
    if isinstance(expected, NewId):
        return isinstance(seen, int) and not isinstance(seen, bool) and seen not in known_ids and seen > 0
    if isinstance(expected, Mapping):
        return (
            isinstance(seen, dict)
            and expected.keys() == seen.keys()
            and all(agrees(value, seen[key], known_ids) for key, value in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(seen, list)
            and len(expected) == len(seen)
            and all(agrees(one, two, known_ids) for one, two in zip(expected, seen, strict=True))
        )
    if isinstance(expected, Fraction):
        return isinstance(seen, str) and plain(seen) == expected
    return bool(expected == seen) and type(expected) is type(seen)
