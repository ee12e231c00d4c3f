"""Repay Binance Portfolio Margin debt from Python, and never repay it twice.

    from decimal import Decimal
    from paydown import Client, Credentials, OutcomeUnknown

    with Client(Credentials.from_env()) as pm:
        pm.margin.repay_debt(asset="BNB", amount=Decimal("0.1"), specify_repay_assets=["USDT", "BTC"])

The class of every error shows what is known about the debt: `RequestNotSent`, `RequestRejected`,
`OutcomeUnknown` (see `paydown.errors`). Money is `Decimal`, times are integers, UTC milliseconds; `utc()`
makes an aware datetime of one.

Importing this package loads nothing but this file: each name is loaded when it is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; importing typing would cost more than this package
if TYPE_CHECKING:
    from paydown._version import __version__ as __version__
    from paydown.budget import BudgetUnavailable as BudgetUnavailable
    from paydown.budget import MemoryBudget as MemoryBudget
    from paydown.budget import SqliteBudget as SqliteBudget
    from paydown.call.attempts import Attempt as Attempt
    from paydown.call.attempts import AttemptObserver as AttemptObserver
    from paydown.call.outcome import Outcome as Outcome
    from paydown.call.retry import ReadRetries as ReadRetries
    from paydown.client import AsyncClient as AsyncClient
    from paydown.client import Client as Client
    from paydown.clock import ExchangeClock as ExchangeClock
    from paydown.clock import SystemClock as SystemClock
    from paydown.credentials import Credentials as Credentials
    from paydown.errors import AccountRestricted as AccountRestricted
    from paydown.errors import AttemptRefused as AttemptRefused
    from paydown.errors import BudgetExceeded as BudgetExceeded
    from paydown.errors import ClientClosed as ClientClosed
    from paydown.errors import ClockRejected as ClockRejected
    from paydown.errors import ConnectionFailed as ConnectionFailed
    from paydown.errors import CredentialsRejected as CredentialsRejected
    from paydown.errors import ExchangeBusy as ExchangeBusy
    from paydown.errors import FirewallBlocked as FirewallBlocked
    from paydown.errors import InsufficientFunds as InsufficientFunds
    from paydown.errors import InvalidCredentials as InvalidCredentials
    from paydown.errors import InvalidRequest as InvalidRequest
    from paydown.errors import InvalidRequestType as InvalidRequestType
    from paydown.errors import IpBanned as IpBanned
    from paydown.errors import OutcomeUnknown as OutcomeUnknown
    from paydown.errors import PaydownError as PaydownError
    from paydown.errors import RateLimited as RateLimited
    from paydown.errors import ReadFailed as ReadFailed
    from paydown.errors import RequestNotSent as RequestNotSent
    from paydown.errors import RequestRejected as RequestRejected
    from paydown.errors import UnknownAttempt as UnknownAttempt
    from paydown.errors import UnresolvedOutcome as UnresolvedOutcome
    from paydown.errors import WrongAddress as WrongAddress
    from paydown.events import Event as Event
    from paydown.events import LastCall as LastCall
    from paydown.httpx_auth import SigningAuth as SigningAuth
    from paydown.repay import AsyncSafeRepay as AsyncSafeRepay
    from paydown.repay import SafeRepay as SafeRepay
    from paydown.timestamps import utc as utc
    from paydown_wire.enums import AccountStatus as AccountStatus
    from paydown_wire.models import Account as Account
    from paydown_wire.models import Balance as Balance
    from paydown_wire.models import RepayDebtResult as RepayDebtResult
    from paydown_wire.models import ServerTime as ServerTime
    from paydown_wire.operation import UNSET as UNSET
    from paydown_wire.operation import DecodeError as DecodeError
    from paydown_wire.operation import Unset as Unset

# The module of each public name. `test_public_names` checks that this table, the imports above and `__all__` agree.
_HOMES = {
    "UNSET": "paydown_wire.operation",
    "Account": "paydown_wire.models",
    "AccountRestricted": "paydown.errors",
    "AccountStatus": "paydown_wire.enums",
    "AsyncClient": "paydown.client",
    "AsyncSafeRepay": "paydown.repay",
    "Attempt": "paydown.call.attempts",
    "AttemptObserver": "paydown.call.attempts",
    "AttemptRefused": "paydown.errors",
    "Balance": "paydown_wire.models",
    "BudgetExceeded": "paydown.errors",
    "BudgetUnavailable": "paydown.budget",
    "Client": "paydown.client",
    "ClientClosed": "paydown.errors",
    "ClockRejected": "paydown.errors",
    "ConnectionFailed": "paydown.errors",
    "Credentials": "paydown.credentials",
    "CredentialsRejected": "paydown.errors",
    "DecodeError": "paydown_wire.operation",
    "Event": "paydown.events",
    "ExchangeBusy": "paydown.errors",
    "ExchangeClock": "paydown.clock",
    "FirewallBlocked": "paydown.errors",
    "InsufficientFunds": "paydown.errors",
    "InvalidCredentials": "paydown.errors",
    "InvalidRequest": "paydown.errors",
    "InvalidRequestType": "paydown.errors",
    "IpBanned": "paydown.errors",
    "LastCall": "paydown.events",
    "MemoryBudget": "paydown.budget",
    "Outcome": "paydown.call.outcome",
    "OutcomeUnknown": "paydown.errors",
    "PaydownError": "paydown.errors",
    "RateLimited": "paydown.errors",
    "ReadFailed": "paydown.errors",
    "ReadRetries": "paydown.call.retry",
    "RepayDebtResult": "paydown_wire.models",
    "RequestNotSent": "paydown.errors",
    "RequestRejected": "paydown.errors",
    "SafeRepay": "paydown.repay",
    "ServerTime": "paydown_wire.models",
    "SigningAuth": "paydown.httpx_auth",
    "SqliteBudget": "paydown.budget",
    "SystemClock": "paydown.clock",
    "UnknownAttempt": "paydown.errors",
    "UnresolvedOutcome": "paydown.errors",
    "Unset": "paydown_wire.operation",
    "WrongAddress": "paydown.errors",
    "__version__": "paydown._version",
    "utc": "paydown.timestamps",
}

__all__ = [
    "UNSET",
    "Account",
    "AccountRestricted",
    "AccountStatus",
    "AsyncClient",
    "AsyncSafeRepay",
    "Attempt",
    "AttemptObserver",
    "AttemptRefused",
    "Balance",
    "BudgetExceeded",
    "BudgetUnavailable",
    "Client",
    "ClientClosed",
    "ClockRejected",
    "ConnectionFailed",
    "Credentials",
    "CredentialsRejected",
    "DecodeError",
    "Event",
    "ExchangeBusy",
    "ExchangeClock",
    "FirewallBlocked",
    "InsufficientFunds",
    "InvalidCredentials",
    "InvalidRequest",
    "InvalidRequestType",
    "IpBanned",
    "LastCall",
    "MemoryBudget",
    "Outcome",
    "OutcomeUnknown",
    "PaydownError",
    "RateLimited",
    "ReadFailed",
    "ReadRetries",
    "RepayDebtResult",
    "RequestNotSent",
    "RequestRejected",
    "SafeRepay",
    "ServerTime",
    "SigningAuth",
    "SqliteBudget",
    "SystemClock",
    "UnknownAttempt",
    "UnresolvedOutcome",
    "Unset",
    "WrongAddress",
    "__version__",
    "utc",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value  # the next look-up finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
