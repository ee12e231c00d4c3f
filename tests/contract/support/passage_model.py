"""
What time does to an account by itself, and how near to liquidation it stands: a model in exact fractions,
written from the pages and from the readings of the document, with no code of the exchange.

    every full hour    a 24th of the daily rate on each principal, rounded half up
    11:00 and 23:00    negative futures balances are repaid from free balances, where the account has it on
    above a threshold  a negative futures balance is covered by selling the first asset that suffices, by name
    00:00 UTC          the whole daily rate on each negative futures balance
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from tests.contract.support.model import Model, decimal_text, lowered, plain, raised

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


def half_up(value: Fraction, digits: int) -> Fraction:
    """The nearest multiple of the last of `digits` digits; the upper one of two that are as near."""
    scale = 10**digits
    return Fraction((value * scale * 2 + 1) // 2, scale)


@dataclass(frozen=True, slots=True)
class Standing:
    """The account's worth and margins, USD."""

    equity: Fraction
    actual: Fraction
    initial: Fraction
    maintenance: Fraction
    ratio: Fraction | None
    status: str

    @property
    def spare(self) -> Fraction:
        """What may leave the account."""
        return max(Fraction(0), self.equity - self.initial)


class PassageModel(Model):
    """One account on a clock."""

    def __init__(self, state: Mapping[str, Any], account: str) -> None:
        super().__init__(state, account)
        mine = next(each for each in state["accounts"] if each["id"] == account)
        self.auto_repay: bool = mine.get("auto_repay_futures", True)
        self.forced: str | None = mine.get("status")
        self.added = {name: plain(mine.get(f"{name}_margin_usd", "0")) for name in ("maintenance", "initial")}
        self.interest: Mapping[str, Any] = state.get("interest", {})
        self.thresholds = {name: plain(text) for name, text in state.get("negative_thresholds", {}).items()}
        self.limits = {name: plain(text) for name, text in state.get("borrow_limits", {}).items()}
        self.path = sorted(
            (point["at_ms"], name, plain(point["price"]))
            for name, points in state.get("price_paths", {}).items()
            for point in points
        )
        self.collateral: Mapping[str, Any] = state.get("collateral", {})
        self.now_ms: int = state["clock"]["now_ms"]
        self.charges: list[dict[str, Any]] = []  # newest last
        self.negative_charges: list[dict[str, Any]] = []
        self.exchanges: list[dict[str, Any]] = []

    def advance(self, to_ms: int) -> None:
        """Let everything that is due by `to_ms` happen, in the order of time."""
        for at_ms in self.moments(to_ms):
            while self.path and self.path[0][0] <= at_ms:
                _, name, price = self.path.pop(0)
                self.prices[name] = price
            if at_ms % HOUR_MS == 0:
                self.hour(at_ms)
        self.now_ms = to_ms

    def moments(self, to_ms: int) -> Iterator[int]:
        """Full hours and moments of scripted prices after now."""
        hours = range(self.now_ms - self.now_ms % HOUR_MS + HOUR_MS, to_ms + 1, HOUR_MS)
        yield from sorted({*hours, *(at for at, _, _ in self.path if self.now_ms < at <= to_ms)})

    def hour(self, at_ms: int) -> None:
        """One full hour."""
        digits = int(self.interest.get("fraction_digits", 8))
        hour = at_ms % DAY_MS // HOUR_MS
        for asset, position in list(self.positions.items()):
            rate = self.daily_rate(asset)
            charge = half_up(position.borrowed * rate / 24, digits)
            if charge:
                self.charges.append(
                    {
                        "asset": asset,
                        "rawAsset": asset,
                        "interest": charge,
                        "interestAccuredTime": at_ms,
                        "interestRate": rate,
                        "principal": position.borrowed,
                        "type": "PERIODIC",
                    }
                )
                position.interest += charge
                position.updated_ms = at_ms
            if self.auto_repay and hour in (11, 23) and min(position.free, position.negative):
                paid = min(position.free, position.negative)
                position.free -= paid
                position.negative -= paid
                position.updated_ms = at_ms
            if position.negative and asset in self.thresholds:
                self.cover(asset, at_ms)
            charge = half_up(position.negative * plain(self.interest.get("negative_daily_rate", "0")), digits)
            if hour == 0 and charge:
                self.negative_charges.append(
                    {
                        "asset": asset,
                        "interest": charge,
                        "interestAccuredTime": at_ms,
                        "interestRate": plain(self.interest["negative_daily_rate"]),
                        "principal": position.negative,
                    }
                )
                position.negative += charge
                position.updated_ms = at_ms

    def cover(self, asset: str, at_ms: int) -> None:
        """Sell what suffices for a negative balance above its threshold."""
        position, price = self.positions[asset], self.prices.get(asset)
        if position.negative <= self.thresholds[asset] or price is None:
            return
        for name in sorted(self.positions):
            payer, other = self.positions[name], self.prices.get(name)
            if name == asset or other is None:
                continue
            units = raised(position.negative * price / other)
            if units <= payer.free:
                self.exchanges.append(
                    {
                        "asset": asset,
                        "negativeBalance": position.negative,
                        "negativeMaxThreshold": self.thresholds[asset],
                        "at": at_ms,
                    }
                )
                payer.free -= units
                self.gain_usd += units * other - position.negative * price
                payer.updated_ms = position.updated_ms = at_ms
                position.negative = Fraction(0)
                return

    def daily_rate(self, asset: str) -> Fraction:
        """The daily rate of a margin debt."""
        rates = self.interest.get("daily_rates", {})
        return plain(rates.get(asset, self.interest.get("default_daily_rate", "0")))

    # ------------------------------------------------------------------ where it stands

    def number(self, name: str, usual: str) -> Fraction:
        """A rate or threshold of the collateral model."""
        return plain(self.collateral.get(name, usual))

    def rate_of(self, asset: str) -> Fraction:
        """How much of an asset's value counts."""
        rates = self.collateral.get("collateral_rates", {})
        return plain(rates[asset]) if asset in rates else self.number("default_collateral_rate", "0.95")

    def standing(self) -> Standing:
        """Held minus owed at index prices, margins on what is owed, and the ratio of the two."""
        equity = actual = owed = Fraction(0)
        for asset, position in self.positions.items():
            price = self.prices.get(asset)
            if price is None:
                continue
            debt = position.debt + position.negative
            net = (position.free + position.locked + position.um + position.cm - debt) * price
            actual += net
            equity += net * self.rate_of(asset) if net > 0 else net
            owed += debt * price
        maintenance = owed * self.number("maintenance_rate", "0.05") + self.added["maintenance"]
        initial = owed * self.number("initial_rate", "0.10") + self.added["initial"]
        ratio = None
        if maintenance:  # cut to eight digits, towards zero
            ratio = lowered(equity / maintenance) if equity >= 0 else -lowered(-equity / maintenance)
        return Standing(equity, actual, initial, maintenance, ratio, self.status(equity, ratio))

    def status(self, equity: Fraction, ratio: Fraction | None) -> str:
        """The state by its thresholds, unless the state document names it."""
        if self.forced is not None:
            return self.forced
        if ratio is None:
            return "NORMAL"
        if equity <= 0:
            return "BANKRUPTED"
        for name, usual, state in (
            ("liquidation_at", "1.05", "FORCE_LIQUIDATION"),
            ("reduce_only_at", "1.2", "REDUCE_ONLY"),
            ("margin_call_at", "1.5", "MARGIN_CALL"),
        ):
            if ratio <= self.number(name, usual):
                return state
        return "NORMAL"

    def borrowable(self, asset: str) -> tuple[Fraction, Fraction]:
        """What may be borrowed now, and the ceiling of the account level."""
        price, position = self.prices.get(asset), self.position(asset)
        limit = self.limits.get(asset)
        if limit is None:
            limit = lowered(Fraction(10_000_000) / price) if price else Fraction(0)
        room = max(Fraction(0), limit - position.borrowed)
        margin = self.number("initial_rate", "0.10")
        if price and margin:
            room = min(room, lowered(self.standing().spare / (price * margin)))
        return min(room, self.pools.get(asset, room)), limit

    def withdrawable(self, asset: str) -> Fraction:
        """What is free and not needed as collateral."""
        price, standing = self.prices.get(asset), self.standing()
        free = self.position(asset).free
        rate = self.rate_of(asset)
        if price and standing.initial and rate:
            free = min(free, lowered(standing.spare / (price * rate)))
        return free

    def account(self) -> dict[str, Any]:
        """The account call's answer: amounts as fractions, or as text where it is text."""
        standing = self.standing()
        return {
            "accountEquity": standing.equity,
            "actualEquity": standing.actual,
            "accountInitialMargin": standing.initial,
            "accountMaintMargin": standing.maintenance,
            "accountStatus": standing.status,
            "virtualMaxWithdrawAmount": standing.spare,
            "updateTime": max((row.updated_ms for row in self.positions.values()), default=0),
        }


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its amounts as texts, for comparison and for messages."""
    return {key: decimal_text(value) if isinstance(value, Fraction) else value for key, value in row.items()}
