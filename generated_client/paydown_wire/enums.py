# Written by `make generate` from openapi/components/ and generator/templates/enums.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold the values that the exchange is known to send. A value added later is kept, not refused."""

from __future__ import annotations

from enum import StrEnum


class OpenEnum(StrEnum):
    """Represent text with known values. An unknown value becomes a member too, with `is_known` false."""

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    __hash__ = str.__hash__

    @property
    def is_known(self) -> bool:
        """Return whether the document lists this value."""
        return self._value_ in type(self)._value2member_map_


class AccountStatus(OpenEnum):
    """State of the account. Values may be added."""

    NORMAL = "NORMAL"  # Nothing to do.
    MARGIN_CALL = "MARGIN_CALL"  # The margin ratio is low.
    SUPPLY_MARGIN = "SUPPLY_MARGIN"  # Margin must be added.
    REDUCE_ONLY = "REDUCE_ONLY"  # Positions may only shrink.
    ACTIVE_LIQUIDATION = "ACTIVE_LIQUIDATION"  # Liquidation has begun.
    FORCE_LIQUIDATION = "FORCE_LIQUIDATION"  # Positions are closed by the exchange.
    BANKRUPTED = "BANKRUPTED"  # Losses exceed the equity.


class FlowType(OpenEnum):
    """Kind of movement. Values may be added."""

    TRANSFER = "TRANSFER"
    BORROW = "BORROW"
    REPAY = "REPAY"
    BUY_INCOME = "BUY_INCOME"
    BUY_EXPENSE = "BUY_EXPENSE"
    SELL_INCOME = "SELL_INCOME"
    SELL_EXPENSE = "SELL_EXPENSE"
    TRADING_COMMISSION = "TRADING_COMMISSION"
    BUY_LIQUIDATION = "BUY_LIQUIDATION"
    SELL_LIQUIDATION = "SELL_LIQUIDATION"
    REPAY_LIQUIDATION = "REPAY_LIQUIDATION"
    OTHER_LIQUIDATION = "OTHER_LIQUIDATION"
    LIQUIDATION_FEE = "LIQUIDATION_FEE"
    SMALL_BALANCE_CONVERT = "SMALL_BALANCE_CONVERT"
    COMMISSION_RETURN = "COMMISSION_RETURN"
    SMALL_CONVERT = "SMALL_CONVERT"


class FuturesBusiness(OpenEnum):
    """Which futures business. Values may be added."""

    UM = "UM"  # USD-M futures.
    CM = "CM"  # COIN-M futures.


class InterestType(OpenEnum):
    """What the charge is. Values may be added."""

    PERIODIC = "PERIODIC"  # The hourly charge.
    ON_BORROW = "ON_BORROW"  # The first charge, when borrowing.
    PERIODIC_CONVERTED = "PERIODIC_CONVERTED"  # The hourly charge, paid in BNB.
    ON_BORROW_CONVERTED = "ON_BORROW_CONVERTED"  # The first charge, paid in BNB.
    PORTFOLIO = "PORTFOLIO"  # The daily charge on a negative balance.


class LiabilityChangeType(OpenEnum):
    """What changed the debt. Values may be added."""

    BORROW = "BORROW"


class RateLimitInterval(OpenEnum):
    """Unit of the interval. Values may be added."""

    MINUTE = "MINUTE"


class RateLimitType(OpenEnum):
    """What is counted. Values may be added."""

    ORDERS = "ORDERS"


class RecordStatus(OpenEnum):
    """Whether it is done."""

    PENDING = "PENDING"  # Not executed yet.
    CONFIRMED = "CONFIRMED"  # Done.
    FAILED = "FAILED"  # Nothing changed.


class RiskLevel(OpenEnum):
    """The new level. Values may be added."""

    MARGIN_CALL = "MARGIN_CALL"  # The margin ratio is low.
    REDUCE_ONLY = "REDUCE_ONLY"  # Positions may only shrink.
    FORCE_LIQUIDATION = "FORCE_LIQUIDATION"  # Positions are closed by the exchange.
