# Written by `make generate` from openapi/paths/ and generator/templates/operations.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold every operation as data: what it needs, costs and changes, and when it counts as done."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from paydown_wire.operation import (
    Archive, Cap, Operation, PageWindow, Pagination, Parameter, SuccessRule, UnresolvedScope, Weight,
    WeightCase,
)

PING: Final = Operation(
    id="ping", name="market.ping", method="GET", path="/papi/v1/ping", server="papi", security_type="NONE",
    api_key=False, signed=False, mutates=False, weight=Weight(value=1, scope="ip", budget="ip-weight"),
    connect_timeout_s=3.0, answer_timeout_s=10.0, provenance=("docs", "sdk"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/market-data",
)

SERVER_TIME: Final = Operation(
    id="serverTime", name="market.time", method="GET", path="/papi/v1/time", server="papi",
    security_type="NONE", api_key=False, signed=False, mutates=False,
    weight=Weight(value=1, scope="ip", budget="ip-weight", observed=1), connect_timeout_s=3.0,
    answer_timeout_s=10.0, provenance=("live",),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/market-data",
)

ASSET_INDEX_PRICE: Final = Operation(
    id="assetIndexPrice", name="market.asset_index_prices", method="GET",
    path="/sapi/v1/portfolio/asset-index-price", server="sapi", security_type="MARKET_DATA", api_key=True,
    signed=False, mutates=False,
    weight=Weight(
        value=50, scope="ip", budget="sapi-ip-weight",
        when=(WeightCase(parameter="asset", present=True, value=1),),
    ),
    connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="query", kind="string", required=False,
            description="Asset code. Absent answers all assets, at a weight of 50 instead of 1.",
            min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
        ),
    ),
    provenance=("docs-sibling", "sdk"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin-pro/market-data",
)

ACCOUNT_BALANCE: Final = Operation(
    id="accountBalance", name="account.balance", method="GET", path="/papi/v1/balance", server="papi",
    security_type="USER_DATA", api_key=True, signed=True, mutates=False,
    weight=Weight(value=20, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="query", kind="string", required=False,
            description="Asset code. Absent answers an array of all assets, present one object.",
            min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
        ),
    ),
    provenance=("docs", "sdk"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account",
)

ACCOUNT_INFORMATION: Final = Operation(
    id="accountInformation", name="account.information", method="GET", path="/papi/v1/account", server="papi",
    security_type="USER_DATA", api_key=True, signed=True, mutates=False,
    weight=Weight(value=20, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    provenance=("docs", "sdk"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Account-Information",
)

ORDER_RATE_LIMIT: Final = Operation(
    id="orderRateLimit", name="account.order_rate_limits", method="GET", path="/papi/v1/rateLimit/order",
    server="papi", security_type="USER_DATA", api_key=True, signed=True, mutates=False,
    weight=Weight(value=1, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    provenance=("docs", "sdk", "changelog"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-User-Rate-Limit",
)

AUTO_COLLECTION: Final = Operation(
    id="autoCollection", name="account.collect_all", method="POST", path="/papi/v1/auto-collection",
    server="papi", security_type="TRADE", api_key=True, signed=True, mutates=True,
    weight=Weight(value=750, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    success=(SuccessRule(field="msg", equals="success"),),
    caps=(
        Cap(
            id="calls-per-hour", kind="rate", limit="500", unit="calls", inclusive=True,
            text="At most 500 calls per hour, rolling.", interval_ms=3600000,
        ),
    ),
    provenance=("docs", "sdk"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Fund-Auto-collection",
)

ASSET_COLLECTION: Final = Operation(
    id="assetCollection", name="account.collect_asset", method="POST", path="/papi/v1/asset-collection",
    server="papi", security_type="TRADE", api_key=True, signed=True, mutates=True,
    weight=Weight(value=30, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="body", kind="string", required=True,
            description="The asset to collect. BNB is not supported.", min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
            excludes=("BNB",),
        ),
    ),
    success=(SuccessRule(field="msg", equals="success"),), provenance=("docs", "sdk"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Fund-Collection-by-Asset",
)

BNB_TRANSFER: Final = Operation(
    id="bnbTransfer", name="account.transfer_bnb", method="POST", path="/papi/v1/bnb-transfer", server="papi",
    security_type="TRADE", api_key=True, signed=True, mutates=True,
    weight=Weight(value=750, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="amount", python_name="amount", in_="body", kind="decimal", required=True,
            description="How much to move, in BNB.", exclusive_minimum="0", max_integer_digits=20,
            max_fraction_digits=8, min_length=1, max_length=29,
            pattern=r"^([1-9][0-9]{0,19}(\.[0-9]{1,8})?|0\.([1-9][0-9]{0,7}|0[1-9][0-9]{0,6}|00[1-9][0-9]{0,5}|000[1-9][0-9]{0,4}|0000[1-9][0-9]{0,3}|00000[1-9][0-9]{0,2}|000000[1-9][0-9]?|0000000[1-9]))$",
            unit="BNB",
        ),
        Parameter(
            name="transferSide", python_name="transfer_side", in_="body", kind="enum", required=True,
            description="TO_UM moves BNB to the USD-M futures wallet, FROM_UM back.",
            choices=("TO_UM", "FROM_UM"),
        ),
    ),
    success=(SuccessRule(field="tranId", type="integer"),),
    caps=(
        Cap(
            id="calls-per-10-minutes", kind="rate", limit="10", unit="calls", inclusive=True,
            text="At most 10 calls per 10 minutes, rolling.", interval_ms=600000,
        ),
    ),
    unresolved_scope=UnresolvedScope(group="bnb-transfer", argument="transferSide"),
    provenance=("docs", "sdk"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/BNB-transfer",
)

REPAY_DEBT: Final = Operation(
    id="repayDebt", name="margin.repay_debt", method="POST", path="/papi/v1/margin/repay-debt", server="papi",
    security_type="TRADE", api_key=True, signed=True, mutates=True,
    weight=Weight(value=3000, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="body", kind="string", required=True,
            description="The asset that is owed.", min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
        ),
        Parameter(
            name="amount", python_name="amount", in_="body", kind="decimal", required=False,
            description="How much of the debt to repay, in units of `asset`. Absent means all of it.",
            exclusive_minimum="0", max_integer_digits=20, max_fraction_digits=8, min_length=1, max_length=29,
            pattern=r"^([1-9][0-9]{0,19}(\.[0-9]{1,8})?|0\.([1-9][0-9]{0,7}|0[1-9][0-9]{0,6}|00[1-9][0-9]{0,5}|000[1-9][0-9]{0,4}|0000[1-9][0-9]{0,3}|00000[1-9][0-9]{0,2}|000000[1-9][0-9]?|0000000[1-9]))$",
            unit="asset",
        ),
        Parameter(
            name="specifyRepayAssets", python_name="specify_repay_assets", in_="body", kind="string_list",
            required=False,
            description=(
                "Assets to pay with, in order of preference. `asset` itself is always used first. "
                "Absent leaves the choice to the exchange."
            ),
            min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
            min_items=1, max_items=20, unique_items=True,
        ),
    ),
    success=(
        SuccessRule(field="success", equals=True), SuccessRule(field="asset", equals_argument="asset"),
    ),
    caps=(
        Cap(
            id="value-per-repayment", kind="value", limit="50000", unit="USD", inclusive=True,
            text="One repayment is worth at most 50,000 USD.",
        ),
    ),
    unresolved_scope=UnresolvedScope(group="margin-debt", argument="asset"),
    provenance=("docs", "sdk", "live"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/trade/Margin-Account-Repay-Debt",
)

REPAY_LOAN: Final = Operation(
    id="repayLoan", name="margin.repay_loan", method="POST", path="/papi/v1/repayLoan", server="papi",
    security_type="MARGIN", api_key=True, signed=True, mutates=True,
    weight=Weight(value=100, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="body", kind="string", required=True,
            description="The asset that is owed.", min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
        ),
        Parameter(
            name="amount", python_name="amount", in_="body", kind="decimal", required=True,
            description="How much to repay, in units of `asset`.", exclusive_minimum="0",
            max_integer_digits=20, max_fraction_digits=8, min_length=1, max_length=29,
            pattern=r"^([1-9][0-9]{0,19}(\.[0-9]{1,8})?|0\.([1-9][0-9]{0,7}|0[1-9][0-9]{0,6}|00[1-9][0-9]{0,5}|000[1-9][0-9]{0,4}|0000[1-9][0-9]{0,3}|00000[1-9][0-9]{0,2}|000000[1-9][0-9]?|0000000[1-9]))$",
            unit="asset",
        ),
    ),
    success=(SuccessRule(field="tranId", type="integer"),),
    unresolved_scope=UnresolvedScope(group="margin-debt", argument="asset"),
    provenance=("docs", "sdk", "live"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/trade/Margin-Account-Repay",
)

MARGIN_BORROW: Final = Operation(
    id="marginBorrow", name="margin.borrow", method="POST", path="/papi/v1/marginLoan", server="papi",
    security_type="MARGIN", api_key=True, signed=True, mutates=True,
    weight=Weight(value=100, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="body", kind="string", required=True,
            description="The asset to borrow.", min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
        ),
        Parameter(
            name="amount", python_name="amount", in_="body", kind="decimal", required=True,
            description="How much to borrow, in units of `asset`.", exclusive_minimum="0",
            max_integer_digits=20, max_fraction_digits=8, min_length=1, max_length=29,
            pattern=r"^([1-9][0-9]{0,19}(\.[0-9]{1,8})?|0\.([1-9][0-9]{0,7}|0[1-9][0-9]{0,6}|00[1-9][0-9]{0,5}|000[1-9][0-9]{0,4}|0000[1-9][0-9]{0,3}|00000[1-9][0-9]{0,2}|000000[1-9][0-9]?|0000000[1-9]))$",
            unit="asset",
        ),
    ),
    success=(SuccessRule(field="tranId", type="integer"),),
    unresolved_scope=UnresolvedScope(group="margin-borrow", argument="asset"),
    provenance=("docs", "sdk", "live"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/trade/Margin-Account-Borrow",
)

MAX_BORROWABLE: Final = Operation(
    id="maxBorrowable", name="margin.max_borrowable", method="GET", path="/papi/v1/margin/maxBorrowable",
    server="papi", security_type="USER_DATA", api_key=True, signed=True, mutates=False,
    weight=Weight(value=5, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="query", kind="string", required=True,
            description="Asset code.", min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
        ),
    ),
    provenance=("docs", "sdk", "live"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Margin-Max-Borrow",
)

MAX_WITHDRAW: Final = Operation(
    id="maxWithdraw", name="margin.max_withdraw", method="GET", path="/papi/v1/margin/maxWithdraw",
    server="papi", security_type="USER_DATA", api_key=True, signed=True, mutates=False,
    weight=Weight(value=5, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="query", kind="string", required=True,
            description="Asset code.", min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
        ),
    ),
    provenance=("docs", "sdk"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-Max-Withdraw",
)

BORROW_RECORDS: Final = Operation(
    id="borrowRecords", name="records.borrows", method="GET", path="/papi/v1/margin/marginLoan",
    server="papi", security_type="USER_DATA", api_key=True, signed=True, mutates=False,
    weight=Weight(value=10, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="query", kind="string", required=True,
            description="Asset code.", min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
        ),
        Parameter(
            name="txId", python_name="tx_id", in_="query", kind="integer", required=False,
            description="The `tranId` of the borrow. Wins over the times.", minimum=1,
            maximum=9223372036854775807,
        ),
        Parameter(
            name="startTime", python_name="start_time", in_="query", kind="integer", required=False,
            description="Start of the window, ms UTC.", minimum=1000000000000, maximum=9999999999999,
            unit="ms",
        ),
        Parameter(
            name="endTime", python_name="end_time", in_="query", kind="integer", required=False,
            description="End of the window, ms UTC.", minimum=1000000000000, maximum=9999999999999, unit="ms",
        ),
        Parameter(
            name="current", python_name="current", in_="query", kind="integer", required=False,
            description="Page, counted from 1. Default 1.", minimum=1, maximum=100000,
        ),
        Parameter(
            name="size", python_name="size", in_="query", kind="integer", required=False,
            description="Rows per page, default 10, at most 100.", minimum=1, maximum=100, unit="rows",
        ),
        Parameter(
            name="archived", python_name="archived", in_="query", kind="boolean_text", required=False,
            description="True selects data older than 6 months. Default false. Text on the wire.",
        ),
    ),
    requires_any=("txId", "startTime"),
    pagination=Pagination(
        style="page", page="current", size="size", default_size=10, max_size=100, rows="rows", total="total",
        id="txId", order="newest-first", time="timestamp",
        window=PageWindow(start="startTime", end="endTime", max_ms=2592000000, default_ms=604800000),
        archive=Archive(parameter="archived", older_than_months=6),
    ),
    provenance=("docs", "sdk", "live"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-Loan-Record",
)

REPAY_RECORDS: Final = Operation(
    id="repayRecords", name="records.repayments", method="GET", path="/papi/v1/margin/repayLoan",
    server="papi", security_type="USER_DATA", api_key=True, signed=True, mutates=False,
    weight=Weight(value=10, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="query", kind="string", required=True,
            description="Asset code.", min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
        ),
        Parameter(
            name="txId", python_name="tx_id", in_="query", kind="integer", required=False,
            description="The `tranId` of the repayment. Wins over the times.", minimum=1,
            maximum=9223372036854775807,
        ),
        Parameter(
            name="startTime", python_name="start_time", in_="query", kind="integer", required=False,
            description="Start of the window, ms UTC.", minimum=1000000000000, maximum=9999999999999,
            unit="ms",
        ),
        Parameter(
            name="endTime", python_name="end_time", in_="query", kind="integer", required=False,
            description="End of the window, ms UTC.", minimum=1000000000000, maximum=9999999999999, unit="ms",
        ),
        Parameter(
            name="current", python_name="current", in_="query", kind="integer", required=False,
            description="Page, counted from 1. Default 1.", minimum=1, maximum=100000,
        ),
        Parameter(
            name="size", python_name="size", in_="query", kind="integer", required=False,
            description="Rows per page, default 10, at most 100.", minimum=1, maximum=100, unit="rows",
        ),
        Parameter(
            name="archived", python_name="archived", in_="query", kind="boolean_text", required=False,
            description="True selects data older than 6 months. Default false. Text on the wire.",
        ),
    ),
    requires_any=("txId", "startTime"),
    pagination=Pagination(
        style="page", page="current", size="size", default_size=10, max_size=100, rows="rows", total="total",
        id="txId", order="newest-first", time="timestamp",
        window=PageWindow(start="startTime", end="endTime", max_ms=2592000000, default_ms=604800000),
        archive=Archive(parameter="archived", older_than_months=6),
    ),
    provenance=("docs", "sdk", "live"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-repay-Record",
)

MARGIN_INTEREST_HISTORY: Final = Operation(
    id="marginInterestHistory", name="records.margin_interest", method="GET",
    path="/papi/v1/margin/marginInterestHistory", server="papi", security_type="USER_DATA", api_key=True,
    signed=True, mutates=False, weight=Weight(value=10, scope="ip", budget="ip-weight", observed=10),
    connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="query", kind="string", required=False,
            description="Asset code. Absent selects all assets.", min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
        ),
        Parameter(
            name="startTime", python_name="start_time", in_="query", kind="integer", required=False,
            description="Start of the window, ms UTC.", minimum=1000000000000, maximum=9999999999999,
            unit="ms",
        ),
        Parameter(
            name="endTime", python_name="end_time", in_="query", kind="integer", required=False,
            description="End of the window, ms UTC.", minimum=1000000000000, maximum=9999999999999, unit="ms",
        ),
        Parameter(
            name="current", python_name="current", in_="query", kind="integer", required=False,
            description="Page, counted from 1. Default 1.", minimum=1, maximum=100000,
        ),
        Parameter(
            name="size", python_name="size", in_="query", kind="integer", required=False,
            description="Rows per page, default 10, at most 100.", minimum=1, maximum=100, unit="rows",
        ),
        Parameter(
            name="archived", python_name="archived", in_="query", kind="boolean_text", required=False,
            description="True selects data older than 6 months. Default false. Text on the wire.",
        ),
    ),
    pagination=Pagination(
        style="page", page="current", size="size", default_size=10, max_size=100, rows="rows", total="total",
        id="txId", order="newest-first", time="interestAccuredTime",
        window=PageWindow(start="startTime", end="endTime", max_ms=2592000000, default_ms=604800000),
        archive=Archive(parameter="archived", older_than_months=6),
    ),
    provenance=("docs", "sdk", "live"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Get-Margin-BorrowLoan-Interest-History",
)

CAPITAL_FLOW: Final = Operation(
    id="capitalFlow", name="records.capital_flow", method="GET", path="/sapi/v1/margin/capital-flow",
    server="sapi", security_type="USER_DATA", api_key=True, signed=True, mutates=False,
    weight=Weight(value=100, scope="ip", budget="sapi-ip-weight"), connect_timeout_s=3.0,
    answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="query", kind="string", required=False,
            description="Asset code. Absent selects all assets.", min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
        ),
        Parameter(
            name="type", python_name="type_", in_="query", kind="string", required=False,
            description="Kind of movement, one of the values of the field `type`. Absent selects all.",
            min_length=1, max_length=64, pattern="^[A-Z][A-Z_]*$",
        ),
        Parameter(
            name="startTime", python_name="start_time", in_="query", kind="integer", required=False,
            description="Start of the window, ms UTC.", minimum=1000000000000, maximum=9999999999999,
            unit="ms",
        ),
        Parameter(
            name="endTime", python_name="end_time", in_="query", kind="integer", required=False,
            description="End of the window, ms UTC.", minimum=1000000000000, maximum=9999999999999, unit="ms",
        ),
        Parameter(
            name="fromId", python_name="from_id", in_="query", kind="integer", required=False,
            description="Rows with an `id` greater than this.", minimum=1, maximum=9223372036854775807,
        ),
        Parameter(
            name="limit", python_name="limit", in_="query", kind="integer", required=False,
            description="Rows per answer, default 500, at most 1000.", minimum=1, maximum=1000, unit="rows",
        ),
    ),
    pagination=Pagination(
        style="from-id", from_id="fromId", size="limit", default_size=500, max_size=1000, id="id",
        order="undocumented", time="timestamp",
        window=PageWindow(start="startTime", end="endTime", max_ms=604800000), kept_ms=7776000000,
    ),
    provenance=("docs-sibling", "live"),
    source="https://developers.binance.com/docs/margin_trading/account/Query-Cross-Isolated-Margin-Capital-Flow",
)

NEGATIVE_BALANCE_INTEREST_HISTORY: Final = Operation(
    id="negativeBalanceInterestHistory", name="futures_debt.interest", method="GET",
    path="/papi/v1/portfolio/interest-history", server="papi", security_type="USER_DATA", api_key=True,
    signed=True, mutates=False, weight=Weight(value=50, scope="ip", budget="ip-weight"),
    connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="asset", python_name="asset", in_="query", kind="string", required=False,
            description="Asset code. Absent selects all assets.", min_length=1, max_length=32,
            pattern=r"^[^\x00-/:-@\[-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+$",
        ),
        Parameter(
            name="startTime", python_name="start_time", in_="query", kind="integer", required=False,
            description="Start of the window, ms UTC.", minimum=1000000000000, maximum=9999999999999,
            unit="ms",
        ),
        Parameter(
            name="endTime", python_name="end_time", in_="query", kind="integer", required=False,
            description="End of the window, ms UTC.", minimum=1000000000000, maximum=9999999999999, unit="ms",
        ),
        Parameter(
            name="size", python_name="size", in_="query", kind="integer", required=False,
            description="Rows per page, default 10, at most 100.", minimum=1, maximum=100, unit="rows",
        ),
    ),
    pagination=Pagination(
        style="time-window", size="size", default_size=10, max_size=100, order="newest-first",
        time="interestAccuredTime",
        window=PageWindow(start="startTime", end="endTime", max_ms=2592000000, default_ms=604800000),
    ),
    provenance=("docs", "sdk"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Portfolio-Margin-Negative-Balance-Interest-History",
)

NEGATIVE_BALANCE_EXCHANGE_RECORDS: Final = Operation(
    id="negativeBalanceExchangeRecords", name="futures_debt.exchange_records", method="GET",
    path="/papi/v1/portfolio/negative-balance-exchange-record", server="papi", security_type="USER_DATA",
    api_key=True, signed=True, mutates=False, weight=Weight(value=100, scope="ip", budget="ip-weight"),
    connect_timeout_s=3.0, answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="startTime", python_name="start_time", in_="query", kind="integer", required=True,
            description="Start of the window, ms UTC, at most 3 months before `endTime`.",
            minimum=1000000000000, maximum=9999999999999, unit="ms",
        ),
        Parameter(
            name="endTime", python_name="end_time", in_="query", kind="integer", required=True,
            description="End of the window, ms UTC.", minimum=1000000000000, maximum=9999999999999, unit="ms",
        ),
    ),
    pagination=Pagination(
        style="time-window", rows="rows", total="total", order="newest-first", time="startTime",
        window=PageWindow(start="startTime", end="endTime", max_ms=7689600000),
    ),
    provenance=("docs", "sdk"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-User-Negative-Balance-Auto-Exchange-Record",
)

REPAY_FUTURES_NEGATIVE_BALANCE: Final = Operation(
    id="repayFuturesNegativeBalance", name="futures_debt.repay", method="POST",
    path="/papi/v1/repay-futures-negative-balance", server="papi", security_type="USER_DATA", api_key=True,
    signed=True, mutates=True, weight=Weight(value=750, scope="ip", budget="ip-weight"),
    connect_timeout_s=3.0, answer_timeout_s=10.0, success=(SuccessRule(field="msg", equals="success"),),
    provenance=("docs", "sdk"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Repay-futures-Negative-Balance",
)

AUTO_REPAY_FUTURES_STATUS: Final = Operation(
    id="autoRepayFuturesStatus", name="futures_debt.auto_repay_status", method="GET",
    path="/papi/v1/repay-futures-switch", server="papi", security_type="USER_DATA", api_key=True, signed=True,
    mutates=False, weight=Weight(value=30, scope="ip", budget="ip-weight"), connect_timeout_s=3.0,
    answer_timeout_s=10.0, provenance=("docs", "sdk"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Get-Auto-repay-futures-Status",
)

SET_AUTO_REPAY_FUTURES: Final = Operation(
    id="setAutoRepayFutures", name="futures_debt.set_auto_repay", method="POST",
    path="/papi/v1/repay-futures-switch", server="papi", security_type="TRADE", api_key=True, signed=True,
    mutates=True, weight=Weight(value=750, scope="ip", budget="ip-weight"), connect_timeout_s=3.0,
    answer_timeout_s=10.0,
    parameters=(
        Parameter(
            name="autoRepay", python_name="auto_repay", in_="body", kind="boolean_text", required=True,
            description="True switches automatic repayment on. Text on the wire.",
        ),
    ),
    success=(SuccessRule(field="msg", equals="success"),),
    caps=(
        Cap(
            id="calls-per-day", kind="rate", limit="20", unit="calls", inclusive=True,
            text="At most 20 calls per day.", interval_ms=86400000,
        ),
    ),
    provenance=("docs", "sdk", "changelog"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/account/Change-Auto-repay-futures-Status",
)

START_USER_DATA_STREAM: Final = Operation(
    id="startUserDataStream", name="stream.start", method="POST", path="/papi/v1/listenKey", server="papi",
    security_type="USER_STREAM", api_key=True, signed=False, mutates=False,
    weight=Weight(value=1, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    provenance=("docs", "sdk", "live"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Start-User-Data-Stream",
)

KEEP_ALIVE_USER_DATA_STREAM: Final = Operation(
    id="keepAliveUserDataStream", name="stream.keep_alive", method="PUT", path="/papi/v1/listenKey",
    server="papi", security_type="USER_STREAM", api_key=True, signed=False, mutates=False,
    weight=Weight(value=1, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    provenance=("docs", "sdk", "live"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Keepalive-User-Data-Stream",
)

CLOSE_USER_DATA_STREAM: Final = Operation(
    id="closeUserDataStream", name="stream.close", method="DELETE", path="/papi/v1/listenKey", server="papi",
    security_type="USER_STREAM", api_key=True, signed=False, mutates=False,
    weight=Weight(value=1, scope="ip", budget="ip-weight"), connect_timeout_s=3.0, answer_timeout_s=10.0,
    provenance=("docs", "sdk", "live"),
    source="https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Close-User-Data-Stream",
)

ALL_OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        "ping": PING, "serverTime": SERVER_TIME, "assetIndexPrice": ASSET_INDEX_PRICE,
        "accountBalance": ACCOUNT_BALANCE, "accountInformation": ACCOUNT_INFORMATION,
        "orderRateLimit": ORDER_RATE_LIMIT, "autoCollection": AUTO_COLLECTION,
        "assetCollection": ASSET_COLLECTION, "bnbTransfer": BNB_TRANSFER, "repayDebt": REPAY_DEBT,
        "repayLoan": REPAY_LOAN, "marginBorrow": MARGIN_BORROW, "maxBorrowable": MAX_BORROWABLE,
        "maxWithdraw": MAX_WITHDRAW, "borrowRecords": BORROW_RECORDS, "repayRecords": REPAY_RECORDS,
        "marginInterestHistory": MARGIN_INTEREST_HISTORY, "capitalFlow": CAPITAL_FLOW,
        "negativeBalanceInterestHistory": NEGATIVE_BALANCE_INTEREST_HISTORY,
        "negativeBalanceExchangeRecords": NEGATIVE_BALANCE_EXCHANGE_RECORDS,
        "repayFuturesNegativeBalance": REPAY_FUTURES_NEGATIVE_BALANCE,
        "autoRepayFuturesStatus": AUTO_REPAY_FUTURES_STATUS, "setAutoRepayFutures": SET_AUTO_REPAY_FUTURES,
        "startUserDataStream": START_USER_DATA_STREAM, "keepAliveUserDataStream": KEEP_ALIVE_USER_DATA_STREAM,
        "closeUserDataStream": CLOSE_USER_DATA_STREAM,
    }
)
