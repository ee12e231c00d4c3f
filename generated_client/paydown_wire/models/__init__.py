# Written by `make generate` from openapi/ and generator/templates/lazy_init.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""The objects that the exchange sends, one module each, loaded on first use."""

TYPE_CHECKING = False  # type checkers take it for true; importing typing would cost more than this package
if TYPE_CHECKING:
    from .account import Account as Account
    from .account_position_event import AccountPositionEvent as AccountPositionEvent
    from .asset_index_price import AssetIndexPrice as AssetIndexPrice
    from .asset_position import AssetPosition as AssetPosition
    from .auto_repay_status import AutoRepayStatus as AutoRepayStatus
    from .balance import Balance as Balance
    from .balance_update_event import BalanceUpdateEvent as BalanceUpdateEvent
    from .borrow_record import BorrowRecord as BorrowRecord
    from .borrow_record_page import BorrowRecordPage as BorrowRecordPage
    from .capital_flow import CapitalFlow as CapitalFlow
    from .confirmation import Confirmation as Confirmation
    from .futures_account_update import FuturesAccountUpdate as FuturesAccountUpdate
    from .futures_account_update_event import FuturesAccountUpdateEvent as FuturesAccountUpdateEvent
    from .futures_balance import FuturesBalance as FuturesBalance
    from .futures_position import FuturesPosition as FuturesPosition
    from .interest_record import InterestRecord as InterestRecord
    from .interest_record_page import InterestRecordPage as InterestRecordPage
    from .liability_change_event import LiabilityChangeEvent as LiabilityChangeEvent
    from .listen_key import ListenKey as ListenKey
    from .listen_key_expired_event import ListenKeyExpiredEvent as ListenKeyExpiredEvent
    from .max_borrowable import MaxBorrowable as MaxBorrowable
    from .max_withdraw import MaxWithdraw as MaxWithdraw
    from .negative_balance_exchange_detail import (
        NegativeBalanceExchangeDetail as NegativeBalanceExchangeDetail,
    )
    from .negative_balance_exchange_record import (
        NegativeBalanceExchangeRecord as NegativeBalanceExchangeRecord,
    )
    from .negative_balance_exchange_record_list import (
        NegativeBalanceExchangeRecordList as NegativeBalanceExchangeRecordList,
    )
    from .negative_balance_interest import NegativeBalanceInterest as NegativeBalanceInterest
    from .open_order_loss import OpenOrderLoss as OpenOrderLoss
    from .open_order_loss_event import OpenOrderLossEvent as OpenOrderLossEvent
    from .rate_limit import RateLimit as RateLimit
    from .repay_debt_result import RepayDebtResult as RepayDebtResult
    from .repay_record import RepayRecord as RepayRecord
    from .repay_record_page import RepayRecordPage as RepayRecordPage
    from .risk_level_change_event import RiskLevelChangeEvent as RiskLevelChangeEvent
    from .server_time import ServerTime as ServerTime
    from .stream_event import StreamEvent as StreamEvent
    from .stream_event import UnknownStreamEvent as UnknownStreamEvent
    from .stream_event import stream_event_from_json as stream_event_from_json
    from .transaction_id import TransactionId as TransactionId

__all__ = [
    "Account", "AccountPositionEvent", "AssetIndexPrice", "AssetPosition", "AutoRepayStatus", "Balance",
    "BalanceUpdateEvent", "BorrowRecord", "BorrowRecordPage", "CapitalFlow", "Confirmation",
    "FuturesAccountUpdate", "FuturesAccountUpdateEvent", "FuturesBalance", "FuturesPosition",
    "InterestRecord", "InterestRecordPage", "LiabilityChangeEvent", "ListenKey", "ListenKeyExpiredEvent",
    "MaxBorrowable", "MaxWithdraw", "NegativeBalanceExchangeDetail", "NegativeBalanceExchangeRecord",
    "NegativeBalanceExchangeRecordList", "NegativeBalanceInterest", "OpenOrderLoss", "OpenOrderLossEvent",
    "RateLimit", "RepayDebtResult", "RepayRecord", "RepayRecordPage", "RiskLevelChangeEvent", "ServerTime",
    "StreamEvent", "TransactionId", "UnknownStreamEvent", "stream_event_from_json",
]

_MODULES = {
    "Account": "account", "AccountPositionEvent": "account_position_event",
    "AssetIndexPrice": "asset_index_price", "AssetPosition": "asset_position",
    "AutoRepayStatus": "auto_repay_status", "Balance": "balance",
    "BalanceUpdateEvent": "balance_update_event", "BorrowRecord": "borrow_record",
    "BorrowRecordPage": "borrow_record_page", "CapitalFlow": "capital_flow", "Confirmation": "confirmation",
    "FuturesAccountUpdate": "futures_account_update",
    "FuturesAccountUpdateEvent": "futures_account_update_event", "FuturesBalance": "futures_balance",
    "FuturesPosition": "futures_position", "InterestRecord": "interest_record",
    "InterestRecordPage": "interest_record_page", "LiabilityChangeEvent": "liability_change_event",
    "ListenKey": "listen_key", "ListenKeyExpiredEvent": "listen_key_expired_event",
    "MaxBorrowable": "max_borrowable", "MaxWithdraw": "max_withdraw",
    "NegativeBalanceExchangeDetail": "negative_balance_exchange_detail",
    "NegativeBalanceExchangeRecord": "negative_balance_exchange_record",
    "NegativeBalanceExchangeRecordList": "negative_balance_exchange_record_list",
    "NegativeBalanceInterest": "negative_balance_interest", "OpenOrderLoss": "open_order_loss",
    "OpenOrderLossEvent": "open_order_loss_event", "RateLimit": "rate_limit",
    "RepayDebtResult": "repay_debt_result", "RepayRecord": "repay_record",
    "RepayRecordPage": "repay_record_page", "RiskLevelChangeEvent": "risk_level_change_event",
    "ServerTime": "server_time", "StreamEvent": "stream_event", "TransactionId": "transaction_id",
    "UnknownStreamEvent": "stream_event", "stream_event_from_json": "stream_event",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value  # the next look-up does not call this function
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
