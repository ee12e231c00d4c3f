"""Use the client of the small document. Run by test_small_client.py, with that client first on the path."""

import asyncio
import json
import pickle
from decimal import Decimal

from paydown_wire import (
    UNSET,
    AsyncMarginResource,
    DecodeError,
    MarginResource,
    MarketResource,
    RecordsResource,
    enums,
    error_codes,
    models,
    operations,
    stream_event_from_json,
)


class Recorder:
    """A sender that keeps what it was given and answers what it was told."""

    def __init__(self, answer):
        self.answer, self.calls = answer, []

    def send(self, operation, arguments, decode):
        self.calls.append((operation, arguments))
        return decode(self.answer)

    def iterate(self, operation, arguments, decode_row):
        self.calls.append((operation, arguments))
        return iter([decode_row(row) for row in self.answer])


class AsyncRecorder(Recorder):
    async def send(self, operation, arguments, decode):
        return super().send(operation, arguments, decode)


def balance(**members):
    return {
        "asset": "BNB",
        "crossMarginBorrowed": "1.50",
        "updateTime": 0,
        "status": "NORMAL",
        "note": None,
    } | members


# arguments travel under their wire names, those that were not given as UNSET
sender = Recorder({"asset": "BNB", "success": True})
result = MarginResource(sender).repay_debt(asset="BNB", amount=Decimal("0.1"), specify_repay_assets=["USDT"])
operation, arguments = sender.calls[0]
assert operation is operations.REPAY_DEBT
assert arguments == {
    "asset": "BNB",
    "amount": Decimal("0.1"),
    "specifyRepayAssets": ["USDT"],
    "side": UNSET,
    "recvWindow": UNSET,
}
assert result == models.RepayResult(asset="BNB", success=True)
assert result.amount is None

# the awaited twin makes the same call
twin = AsyncRecorder({"asset": "BNB", "success": True})
again = AsyncMarginResource(twin).repay_debt(
    asset="BNB", amount=Decimal("0.1"), specify_repay_assets=["USDT"]
)
assert asyncio.run(again) == result
assert twin.calls == sender.calls

# a misspelt keyword is a TypeError, and so is a positional argument
for call in (
    lambda: MarginResource(sender).repay_debt(aset="BNB"),
    lambda: MarginResource(sender).repay_debt("BNB"),
):
    try:
        call()
    except TypeError:
        continue
    raise AssertionError("accepted")

# one call, two shapes
one = MarginResource(Recorder(balance())).balance(asset="BNB")
assert isinstance(one, models.Balance)
assert str(one.cross_margin_borrowed) == "1.50"
assert MarginResource(Recorder([balance(), balance(asset="USDT")])).balance()[1].asset == "USDT"
try:
    MarginResource(Recorder(balance())).balance()
    refused = ""
except DecodeError as error:
    refused = str(error)
assert refused == "the answer: expected an array, got an object"

# an answer without content is None
assert MarketResource(Recorder({})).ping() is None

# pages: the walk sets the page by itself
walk = Recorder([{"txId": 2**62, "amount": "1", "timestamp": 5}])
rows = list(RecordsResource(walk).iter_repayments(start_time=1))
assert rows[0].tx_id == 2**62
assert "current" not in walk.calls[0][1]
assert walk.calls[0][1]["startTime"] == 1
assert operations.REPAY_RECORDS.pagination.rows == "rows"

# empty text, number, null, unknown members, unknown values: all told apart
members = {"threshold": Decimal("0.10"), "status": "NEW", "tomorrow": [Decimal("1.5")], "listenKey": "s3cret"}
full = models.Balance.from_json(balance(cmUnrealizedPNL="", **members))
assert full.cm_unrealized_pnl is None
assert full.threshold == Decimal("0.10")
assert full.note is None
assert full.status == "NEW"
assert not full.status.is_known
assert enums.BalanceStatus.NORMAL.is_known
assert full.additional == {"tomorrow": [Decimal("1.5")]}
assert "s3cret" not in repr(full)
assert pickle.loads(pickle.dumps(full)) == full
assert hash(full) == hash(pickle.loads(pickle.dumps(full)))
plain = {"threshold": "0.10", "status": "NEW", "tomorrow": ["1.5"], "listenKey": "s3cret"}
assert json.loads(json.dumps(full.to_json())) == balance(**plain)

# keys that differ only in case
event = stream_event_from_json({"e": "liability", "E": 1, "t": "BORROW", "T": 1352286576452864727, "x": 0})
assert (event.event_time, event.transaction_id, event.additional) == (1, 1352286576452864727, {"x": 0})
assert stream_event_from_json({"e": "other", "E": 1}).tag == "other"

# facts
assert error_codes.find_error_code(-51061, "papi").name == "POOL_EMPTY"
assert error_codes.find_error_code(51061, "sapi").name == "POOL_EMPTY"
assert error_codes.find_error_code(1000, "papi") is None
assert error_codes.SIGNING.owned_parameters == ("timestamp", "recvWindow", "signature")
assert operations.REPAY_DEBT.answer_timeout_s == 10.0
assert operations.ACCOUNT_BALANCE.weight.when[0].value == 1
assert pickle.loads(pickle.dumps(UNSET)) is UNSET
assert not UNSET
assert repr(UNSET) == "UNSET"
print("used")
