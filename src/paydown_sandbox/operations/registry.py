"""One function per call of the document, found by its `operationId`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from paydown_sandbox.json_text import encode_numbers, encode_repayment
from paydown_sandbox.operations import account, futures_debt, margin, market, stream
from paydown_sandbox.operations import record_queries as records

if TYPE_CHECKING:
    from paydown_sandbox.operations.routes import Handler

__all__ = ["ENCODERS", "HANDLERS"]

HANDLERS: dict[str, Handler] = {
    "ping": market.ping,
    "serverTime": market.server_time,
    "assetIndexPrice": market.asset_index_price,
    "accountBalance": account.account_balance,
    "accountInformation": account.account_information,
    "orderRateLimit": account.order_rate_limit,
    "autoCollection": futures_debt.auto_collection,
    "assetCollection": futures_debt.asset_collection,
    "bnbTransfer": futures_debt.bnb_transfer,
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
    "repayFuturesNegativeBalance": futures_debt.repay_negative_balance,
    "autoRepayFuturesStatus": futures_debt.auto_repay_status,
    "setAutoRepayFutures": futures_debt.set_auto_repay,
    "startUserDataStream": stream.start_stream,
    "keepAliveUserDataStream": stream.keep_alive_stream,
    "closeUserDataStream": stream.close_stream,
}

# How an answer becomes JSON, where the plain way is not exact or not fast enough.
ENCODERS: dict[str, Callable[..., str]] = {
    "negativeBalanceExchangeRecords": encode_numbers,  # its amounts are JSON numbers
    "repayDebt": encode_repayment,
}
