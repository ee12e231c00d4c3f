# Written by `make generate` from openapi/ and generator/templates/lazy_init.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""The typed client that `openapi/` describes. Private to paydown: import from `paydown`.

Loads nothing by itself; a module is loaded when one of its names is first asked for.
"""

TYPE_CHECKING = False  # type checkers take it for true; importing typing would cost more than this package
if TYPE_CHECKING:
    from . import enums as enums
    from . import error_codes as error_codes
    from . import models as models
    from . import operation as operation
    from . import operations as operations
    from . import resources as resources
    from .client_resources import AsyncClientResources as AsyncClientResources
    from .client_resources import ClientResources as ClientResources
    from .enums import AccountStatus as AccountStatus
    from .enums import FlowType as FlowType
    from .enums import FuturesBusiness as FuturesBusiness
    from .enums import InterestType as InterestType
    from .enums import LiabilityChangeType as LiabilityChangeType
    from .enums import OpenEnum as OpenEnum
    from .enums import RateLimitInterval as RateLimitInterval
    from .enums import RateLimitType as RateLimitType
    from .enums import RecordStatus as RecordStatus
    from .enums import RiskLevel as RiskLevel
    from .error_codes import BAN as BAN
    from .error_codes import CLOCKS as CLOCKS
    from .error_codes import ERROR_CODES as ERROR_CODES
    from .error_codes import LIMITS as LIMITS
    from .error_codes import PROVENANCE_MARKS as PROVENANCE_MARKS
    from .error_codes import SERVERS as SERVERS
    from .error_codes import SIGNING as SIGNING
    from .error_codes import STATUS_OUTCOMES as STATUS_OUTCOMES
    from .error_codes import STREAM as STREAM
    from .error_codes import Ban as Ban
    from .error_codes import ErrorCode as ErrorCode
    from .error_codes import Limit as Limit
    from .error_codes import Signing as Signing
    from .error_codes import SigningAlgorithm as SigningAlgorithm
    from .error_codes import StatusOutcome as StatusOutcome
    from .error_codes import Stream as Stream
    from .error_codes import find_error_code as find_error_code
    from .models.account import Account as Account
    from .models.account_position_event import AccountPositionEvent as AccountPositionEvent
    from .models.asset_index_price import AssetIndexPrice as AssetIndexPrice
    from .models.asset_position import AssetPosition as AssetPosition
    from .models.auto_repay_status import AutoRepayStatus as AutoRepayStatus
    from .models.balance import Balance as Balance
    from .models.balance_update_event import BalanceUpdateEvent as BalanceUpdateEvent
    from .models.borrow_record import BorrowRecord as BorrowRecord
    from .models.borrow_record_page import BorrowRecordPage as BorrowRecordPage
    from .models.capital_flow import CapitalFlow as CapitalFlow
    from .models.confirmation import Confirmation as Confirmation
    from .models.futures_account_update import FuturesAccountUpdate as FuturesAccountUpdate
    from .models.futures_account_update_event import FuturesAccountUpdateEvent as FuturesAccountUpdateEvent
    from .models.futures_balance import FuturesBalance as FuturesBalance
    from .models.futures_position import FuturesPosition as FuturesPosition
    from .models.interest_record import InterestRecord as InterestRecord
    from .models.interest_record_page import InterestRecordPage as InterestRecordPage
    from .models.liability_change_event import LiabilityChangeEvent as LiabilityChangeEvent
    from .models.listen_key import ListenKey as ListenKey
    from .models.listen_key_expired_event import ListenKeyExpiredEvent as ListenKeyExpiredEvent
    from .models.max_borrowable import MaxBorrowable as MaxBorrowable
    from .models.max_withdraw import MaxWithdraw as MaxWithdraw
    from .models.negative_balance_exchange_detail import (
        NegativeBalanceExchangeDetail as NegativeBalanceExchangeDetail,
    )
    from .models.negative_balance_exchange_record import (
        NegativeBalanceExchangeRecord as NegativeBalanceExchangeRecord,
    )
    from .models.negative_balance_exchange_record_list import (
        NegativeBalanceExchangeRecordList as NegativeBalanceExchangeRecordList,
    )
    from .models.negative_balance_interest import NegativeBalanceInterest as NegativeBalanceInterest
    from .models.open_order_loss import OpenOrderLoss as OpenOrderLoss
    from .models.open_order_loss_event import OpenOrderLossEvent as OpenOrderLossEvent
    from .models.rate_limit import RateLimit as RateLimit
    from .models.repay_debt_result import RepayDebtResult as RepayDebtResult
    from .models.repay_record import RepayRecord as RepayRecord
    from .models.repay_record_page import RepayRecordPage as RepayRecordPage
    from .models.risk_level_change_event import RiskLevelChangeEvent as RiskLevelChangeEvent
    from .models.server_time import ServerTime as ServerTime
    from .models.stream_event import StreamEvent as StreamEvent
    from .models.stream_event import UnknownStreamEvent as UnknownStreamEvent
    from .models.stream_event import stream_event_from_json as stream_event_from_json
    from .models.transaction_id import TransactionId as TransactionId
    from .operation import UNSET as UNSET
    from .operation import Archive as Archive
    from .operation import AsyncSender as AsyncSender
    from .operation import Cap as Cap
    from .operation import DecodeError as DecodeError
    from .operation import Operation as Operation
    from .operation import PageWindow as PageWindow
    from .operation import Pagination as Pagination
    from .operation import Parameter as Parameter
    from .operation import Sender as Sender
    from .operation import SuccessRule as SuccessRule
    from .operation import UnresolvedScope as UnresolvedScope
    from .operation import Unset as Unset
    from .operation import Weight as Weight
    from .operation import WeightCase as WeightCase
    from .operations import ALL_OPERATIONS as ALL_OPERATIONS
    from .resources.account import AccountResource as AccountResource
    from .resources.account import AsyncAccountResource as AsyncAccountResource
    from .resources.futures_debt import AsyncFuturesDebtResource as AsyncFuturesDebtResource
    from .resources.futures_debt import FuturesDebtResource as FuturesDebtResource
    from .resources.margin import AsyncMarginResource as AsyncMarginResource
    from .resources.margin import MarginResource as MarginResource
    from .resources.market import AsyncMarketResource as AsyncMarketResource
    from .resources.market import MarketResource as MarketResource
    from .resources.records import AsyncRecordsResource as AsyncRecordsResource
    from .resources.records import RecordsResource as RecordsResource
    from .resources.stream import AsyncStreamResource as AsyncStreamResource
    from .resources.stream import StreamResource as StreamResource

__all__ = [
    "ALL_OPERATIONS", "Account", "AccountPositionEvent", "AccountResource", "AccountStatus", "Archive",
    "AssetIndexPrice", "AssetPosition", "AsyncAccountResource", "AsyncClientResources",
    "AsyncFuturesDebtResource", "AsyncMarginResource", "AsyncMarketResource", "AsyncRecordsResource",
    "AsyncSender", "AsyncStreamResource", "AutoRepayStatus", "BAN", "Balance", "BalanceUpdateEvent", "Ban",
    "BorrowRecord", "BorrowRecordPage", "CLOCKS", "Cap", "CapitalFlow", "ClientResources", "Confirmation",
    "DecodeError", "ERROR_CODES", "ErrorCode", "FlowType", "FuturesAccountUpdate",
    "FuturesAccountUpdateEvent", "FuturesBalance", "FuturesBusiness", "FuturesDebtResource",
    "FuturesPosition", "InterestRecord", "InterestRecordPage", "InterestType", "LIMITS",
    "LiabilityChangeEvent", "LiabilityChangeType", "Limit", "ListenKey", "ListenKeyExpiredEvent",
    "MarginResource", "MarketResource", "MaxBorrowable", "MaxWithdraw", "NegativeBalanceExchangeDetail",
    "NegativeBalanceExchangeRecord", "NegativeBalanceExchangeRecordList", "NegativeBalanceInterest",
    "OpenEnum", "OpenOrderLoss", "OpenOrderLossEvent", "Operation", "PROVENANCE_MARKS", "PageWindow",
    "Pagination", "Parameter", "RateLimit", "RateLimitInterval", "RateLimitType", "RecordStatus",
    "RecordsResource", "RepayDebtResult", "RepayRecord", "RepayRecordPage", "RiskLevel",
    "RiskLevelChangeEvent", "SERVERS", "SIGNING", "STATUS_OUTCOMES", "STREAM", "Sender", "ServerTime",
    "Signing", "SigningAlgorithm", "StatusOutcome", "Stream", "StreamEvent", "StreamResource", "SuccessRule",
    "TransactionId", "UNSET", "UnknownStreamEvent", "UnresolvedScope", "Unset", "Weight", "WeightCase",
    "enums", "error_codes", "find_error_code", "models", "operation", "operations", "resources",
    "stream_event_from_json",
]

_MODULES = {
    "ALL_OPERATIONS": "operations", "Account": "models.account",
    "AccountPositionEvent": "models.account_position_event", "AccountResource": "resources.account",
    "AccountStatus": "enums", "Archive": "operation", "AssetIndexPrice": "models.asset_index_price",
    "AssetPosition": "models.asset_position", "AsyncAccountResource": "resources.account",
    "AsyncClientResources": "client_resources", "AsyncFuturesDebtResource": "resources.futures_debt",
    "AsyncMarginResource": "resources.margin", "AsyncMarketResource": "resources.market",
    "AsyncRecordsResource": "resources.records", "AsyncSender": "operation",
    "AsyncStreamResource": "resources.stream", "AutoRepayStatus": "models.auto_repay_status",
    "BAN": "error_codes", "Balance": "models.balance", "BalanceUpdateEvent": "models.balance_update_event",
    "Ban": "error_codes", "BorrowRecord": "models.borrow_record",
    "BorrowRecordPage": "models.borrow_record_page", "CLOCKS": "error_codes", "Cap": "operation",
    "CapitalFlow": "models.capital_flow", "ClientResources": "client_resources",
    "Confirmation": "models.confirmation", "DecodeError": "operation", "ERROR_CODES": "error_codes",
    "ErrorCode": "error_codes", "FlowType": "enums", "FuturesAccountUpdate": "models.futures_account_update",
    "FuturesAccountUpdateEvent": "models.futures_account_update_event",
    "FuturesBalance": "models.futures_balance", "FuturesBusiness": "enums",
    "FuturesDebtResource": "resources.futures_debt", "FuturesPosition": "models.futures_position",
    "InterestRecord": "models.interest_record", "InterestRecordPage": "models.interest_record_page",
    "InterestType": "enums", "LIMITS": "error_codes", "LiabilityChangeEvent": "models.liability_change_event",
    "LiabilityChangeType": "enums", "Limit": "error_codes", "ListenKey": "models.listen_key",
    "ListenKeyExpiredEvent": "models.listen_key_expired_event", "MarginResource": "resources.margin",
    "MarketResource": "resources.market", "MaxBorrowable": "models.max_borrowable",
    "MaxWithdraw": "models.max_withdraw",
    "NegativeBalanceExchangeDetail": "models.negative_balance_exchange_detail",
    "NegativeBalanceExchangeRecord": "models.negative_balance_exchange_record",
    "NegativeBalanceExchangeRecordList": "models.negative_balance_exchange_record_list",
    "NegativeBalanceInterest": "models.negative_balance_interest", "OpenEnum": "enums",
    "OpenOrderLoss": "models.open_order_loss", "OpenOrderLossEvent": "models.open_order_loss_event",
    "Operation": "operation", "PROVENANCE_MARKS": "error_codes", "PageWindow": "operation",
    "Pagination": "operation", "Parameter": "operation", "RateLimit": "models.rate_limit",
    "RateLimitInterval": "enums", "RateLimitType": "enums", "RecordStatus": "enums",
    "RecordsResource": "resources.records", "RepayDebtResult": "models.repay_debt_result",
    "RepayRecord": "models.repay_record", "RepayRecordPage": "models.repay_record_page", "RiskLevel": "enums",
    "RiskLevelChangeEvent": "models.risk_level_change_event", "SERVERS": "error_codes",
    "SIGNING": "error_codes", "STATUS_OUTCOMES": "error_codes", "STREAM": "error_codes",
    "Sender": "operation", "ServerTime": "models.server_time", "Signing": "error_codes",
    "SigningAlgorithm": "error_codes", "StatusOutcome": "error_codes", "Stream": "error_codes",
    "StreamEvent": "models.stream_event", "StreamResource": "resources.stream", "SuccessRule": "operation",
    "TransactionId": "models.transaction_id", "UNSET": "operation",
    "UnknownStreamEvent": "models.stream_event", "UnresolvedScope": "operation", "Unset": "operation",
    "Weight": "operation", "WeightCase": "operation", "find_error_code": "error_codes",
    "stream_event_from_json": "models.stream_event",
}
_SUBMODULES = frozenset(
    {
        "enums", "error_codes", "models", "operation", "operations", "resources",
    }
)


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value  # the next look-up does not call this function
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
