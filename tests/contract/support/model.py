"""A model of the debt rules, written from the pages and from the readings of the document, in exact
fractions.

It holds what the exchange must hold after each call. Nothing of the sandbox's code is used; where the pages
leave a question open, the
document's `sandbox-option` decides, and its default is the careful reading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

TICK: Final = Fraction(1, 10**8)
AMOUNTS: Final = ("free", "locked", "borrowed", "interest")
WALLETS: Final = ("um", "cm", "negative")  # written only where they hold something
CAP_USD: Final = Fraction(50_000)


def plain(text: str) -> Fraction:
    """A plain decimal text as an exact number."""
    return Fraction(text)


def decimal_text(value: Fraction) -> str:
    """The shortest plain text of a number with at most 40 digits after the point."""
    scaled = value * 10**40
    assert scaled.denominator == 1, value
    sign = "-" if scaled < 0 else ""
    digits = str(abs(scaled.numerator)).rjust(41, "0")
    text = f"{digits[:-40]}.{digits[-40:]}".rstrip("0").rstrip(".")
    return sign + text


def raised(value: Fraction) -> Fraction:
    """The next multiple of the eighth digit, upwards."""
    return -((-value) // TICK) * TICK


def lowered(value: Fraction) -> Fraction:
    """The next multiple of the eighth digit, downwards."""
    return value // TICK * TICK


@dataclass(slots=True)
class Position:
    """One account's position in one asset."""

    free: Fraction = Fraction(0)
    locked: Fraction = Fraction(0)
    borrowed: Fraction = Fraction(0)
    interest: Fraction = Fraction(0)
    um: Fraction = Fraction(0)
    cm: Fraction = Fraction(0)
    negative: Fraction = Fraction(0)
    updated_ms: int = 0

    @property
    def debt(self) -> Fraction:
        """Principal and interest."""
        return self.borrowed + self.interest


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call does: the codes that may refuse it, or the answer that confirms it."""

    codes: frozenset[int] = frozenset()
    answer: Any = field(default_factory=dict)

    @property
    def executed(self) -> bool:
        """Whether it is carried out."""
        return not self.codes


def position(row: Mapping[str, str]) -> Position:
    """A position as the state document writes it."""
    free, locked, borrowed, interest, um, cm, negative = (
        plain(row.get(name, "0")) for name in (*AMOUNTS, *WALLETS)
    )
    return Position(free, locked, borrowed, interest, um, cm, negative)


class Model:
    """One account of the exchange, and the prices."""

    def __init__(self, state: Mapping[str, Any], account: str) -> None:
        mine = next(each for each in state["accounts"] if each["id"] == account)
        self.positions = {name: position(row) for name, row in mine["balances"].items()}
        self.prices = {name: plain(text) for name, text in state["prices_usd"].items()}
        self.known = set(self.prices) | {name for each in state["accounts"] for name in each["balances"]}
        self.options: dict[str, str] = dict(state.get("options", {}))
        self.pools = {name: plain(text) for name, text in state.get("lendable", {}).items()}
        self.gain_usd = Fraction(0)  # what the house earned by conversions: fees, and what was rounded up

    def option(self, name: str, default: str) -> str:
        """The chosen reading of an open question."""
        return self.options.get(name, default)

    def position(self, asset: str) -> Position:
        """The position in an asset, empty if there is none."""
        return self.positions.get(asset) or Position()

    def repay_debt(self, texts: Mapping[str, str], now_ms: int) -> Outcome:
        """What repay-debt does with these right texts; the model moves on if it is executed."""
        asset = texts["asset"]
        named = texts["specifyRepayAssets"].split(",") if "specifyRepayAssets" in texts else None
        refusals: set[int] = set()
        if asset not in self.known:
            return Outcome(frozenset({-1108}))
        if named is not None and [name for name in named if name not in self.known]:
            return Outcome(frozenset({-1130}))
        position = self.position(asset)
        if not position.debt:
            if self.option("no-debt", "reject") == "reject":
                return Outcome(frozenset({-3015}))
            return Outcome(answer=self._answer(texts, Fraction(0), named, now_ms))
        amount = plain(texts["amount"]) if "amount" in texts else position.debt
        if amount > position.debt:
            if self.option("amount-above-debt", "reject") == "reject":
                refusals.add(-3015)
            amount = position.debt
        if (
            asset in self.prices
            and (plain(texts["amount"]) if -3015 in refusals else amount) * self.prices[asset] > CAP_USD
        ):
            refusals.add(int(self.option("above-value-cap-code", "-1130")))
        own = min(position.free, amount)
        missing, spent = self._convert(asset, amount - own, named)
        if missing:
            partial = self.option(
                "insufficient-amount" if "amount" in texts else "insufficient-whole-debt", "reject"
            )
            if partial == "reject" or amount == missing:
                refusals.add(-2018)
            amount -= missing
        if amount < plain(self.option("minimum-repayment", "0")):
            refusals.add(-3016)
        rest = position.debt - amount
        if rest and rest < plain(self.option("minimum-remaining-debt", "0")):
            refusals.add(-3024)
        if refusals:
            return Outcome(frozenset(refusals))
        position.free -= own
        position.updated_ms = now_ms
        for name, units in spent:
            self.positions[name].free -= units
            self.positions[name].updated_ms = now_ms
            self.gain_usd += units * self.prices[name]
        self.gain_usd -= (amount - own) * self.prices.get(asset, Fraction(0))
        self.flow_back(asset, amount)
        if self.option("repayment-order", "interest-first") == "interest-first":
            interest = min(amount, position.interest)
        else:
            interest = amount - min(amount, position.borrowed)
        position.interest -= interest
        position.borrowed -= amount - interest
        return Outcome(answer=self._answer(texts, amount, named, now_ms))

    def flow_back(self, asset: str, amount: Fraction) -> None:
        """What is repaid, interest included, can be lent again; below zero: it was lent."""
        if asset in self.pools:
            self.pools[asset] += amount

    def _convert(
        self, asset: str, missing: Fraction, named: Sequence[str] | None
    ) -> tuple[Fraction, list[tuple[str, Fraction]]]:
        """What stays missing, and what the payment assets give, in the order in which they pay."""
        spent: list[tuple[str, Fraction]] = []
        price = self.prices.get(asset)
        if not missing or price is None:
            return missing, spent
        cost = price * (1 + plain(self.option("conversion-fee-rate", "0")))
        for name in self._payers(asset, named):
            payer, payer_price = self.positions.get(name), self.prices.get(name)
            if payer is None or not payer.free or payer_price is None or not missing:
                continue
            units = raised(missing * cost / payer_price)
            covers = missing
            if units > payer.free:
                units, covers = payer.free, min(missing, lowered(payer.free * payer_price / cost))
            if covers:
                spent.append((name, units))
                missing -= covers
        return missing, spent

    def _payers(self, asset: str, named: Sequence[str] | None) -> list[str]:
        if named is not None:
            names = [name for name in named if name != asset]
            by_worth = self.option("payment-order", "as-listed") == "largest-first"
        elif self.option("payment-assets-absent", "same-asset-only") == "any-asset":
            names = [name for name in self.positions if name != asset]
            by_worth = True
        else:
            return []
        if by_worth:
            names.sort(
                key=lambda name: (-self.position(name).free * self.prices.get(name, Fraction(0)), name)
            )
        return names

    def _answer(
        self, texts: Mapping[str, str], amount: Fraction, named: Sequence[str] | None, now_ms: int
    ) -> dict[str, Any]:
        answer: dict[str, Any] = {"asset": texts["asset"], "updateTime": now_ms, "success": True}
        if "amount" in texts:
            answer["amount"] = texts["amount"] if plain(texts["amount"]) == amount else decimal_text(amount)
        elif self.option("whole-debt-answer-amount", "absent") == "present":
            answer["amount"] = decimal_text(amount)
        if named is not None:
            answer["specifyRepayAssets"] = list(named)
        return answer

    def balances(self) -> dict[str, dict[str, Any]]:
        """The account as the control API writes it."""
        return {
            name: {key: decimal_text(getattr(row, key)) for key in AMOUNTS}
            | {key: decimal_text(getattr(row, key)) for key in WALLETS if getattr(row, key)}
            | {"updated_ms": row.updated_ms}
            for name, row in self.positions.items()
        }
