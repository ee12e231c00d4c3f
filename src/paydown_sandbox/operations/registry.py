"""The handler of each operation of the document, by its `operationId`, and the encoder of its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from paydown_sandbox.behaviour.behaviour import Behaviour
from paydown_sandbox.call_record import Call
from paydown_sandbox.json_text import encode_numbers, encode_repayment
from paydown_sandbox.market_state import MarketState
from paydown_sandbox.operations.account import AccountOperations
from paydown_sandbox.operations.futures_debt import FuturesOperations
from paydown_sandbox.operations.margin import MarginOperations
from paydown_sandbox.operations.market import MarketOperations
from paydown_sandbox.operations.record_queries import RecordOperations
from paydown_sandbox.operations.stream import StreamOperations

__all__ = ["Encoder", "Handler", "build_encoders", "build_handlers"]

Encoder: TypeAlias = Callable[..., str]
# A handler executes one call: it refuses the call before anything changes, or changes the market and returns the
# answer.
Handler: TypeAlias = Callable[[Call], object]


def build_handlers(market: MarketState, behaviour: Behaviour) -> Mapping[str, Handler]:
    """Return the handler of each operation.

    Args:
        market: The market that the handlers read and change; its options are read here.
        behaviour: The parts that the options call for.
    """
    public = MarketOperations(market, behaviour.time)
    account = AccountOperations(market, behaviour.balances)
    margin = MarginOperations(market, behaviour)
    futures = FuturesOperations(market)
    records = RecordOperations(market, behaviour.rows)
    stream = StreamOperations(market.streams)
    return {
        "ping": public.ping,
        "serverTime": public.server_time,
        "assetIndexPrice": public.asset_index_price,
        "accountBalance": account.balance,
        "accountInformation": account.information,
        "orderRateLimit": account.order_limit,
        "autoCollection": futures.auto_collection,
        "assetCollection": futures.asset_collection,
        "bnbTransfer": futures.bnb_transfer,
        "repayDebt": margin.repay_debt,
        "repayLoan": margin.repay_loan,
        "marginBorrow": margin.borrow,
        "maxBorrowable": margin.max_borrowable,
        "maxWithdraw": margin.max_withdraw,
        "borrowRecords": records.borrow_records,
        "repayRecords": records.repay_records,
        "marginInterestHistory": records.margin_interest_history,
        "capitalFlow": records.capital_flow,
        "negativeBalanceInterestHistory": records.negative_balance_interest_history,
        "negativeBalanceExchangeRecords": records.negative_balance_exchange_records,
        "repayFuturesNegativeBalance": futures.repay_negative_balance,
        "autoRepayFuturesStatus": futures.auto_repay_status,
        "setAutoRepayFutures": futures.set_auto_repay,
        "startUserDataStream": stream.start,
        "keepAliveUserDataStream": stream.keep_alive,
        "closeUserDataStream": stream.close,
    }


def build_encoders(behaviour: Behaviour) -> Mapping[str, Encoder]:
    """Return the JSON encoders of the operations for which the ordinary one is not exact or not fast enough.

    Args:
        behaviour: Its chosen answers to repay-debt may hold JSON numbers.
    """
    return {
        "negativeBalanceExchangeRecords": encode_numbers,  # its amounts are JSON numbers
        "repayDebt": encode_repayment if behaviour.answers is None else behaviour.answers.encode,
    }
