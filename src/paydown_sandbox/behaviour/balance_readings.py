"""Show positions in GET balance as choices demand: old, torn, rounded, or with gaps. The books themselves stay exact.

`PastPositions` keeps the positions of the last minutes for old readings. It begins when a choice needs it, and starts
over with the process, so that no reading is older than that.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Any

from paydown_sandbox.books.exact_amounts import EXACT, exact_text, wire_text
from paydown_sandbox.books.ledger import Account, Holding, Ledger
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.market_state import MarketState
from paydown_sandbox.operations.interest import Interest

__all__ = ["BalanceReadings", "PastPositions"]

_NAMES = (
    "balance-age", "balance-replicas", "balance-digits", "balance-one-form", "balance-unknown-asset",
    "balance-members", "balance-update-time", "balance-parts", "balance-interest",
)  # fmt: skip
_GAPS = ("no-zeros", "asset-missing", "empty")
_APART_MS = 3000  # how far the two sides of a repayment may be apart
_FROZEN_MS = (10_000, 60_000)  # how long ago a replica stopped that no longer follows
_MOST_ENTRIES = 256
_CUT = Context(prec=60, rounding=ROUND_DOWN)
_NEAREST = Context(prec=60, rounding=ROUND_HALF_UP)
_EIGHT, _SIX = Decimal("1e-8"), Decimal("1e-6")
_DEBT = ("borrowed", "interest")
_HELD = ("free", "locked", "um", "cm", "negative", "updated_ms")
_EMPTY = Holding()


class PastPositions:
    """Remember the positions of all accounts over the last minutes.

    Args:
        ledger: The ledger whose changes are followed.
        now_ms: Returns the time, milliseconds UTC.
        keep_ms: How far back a reading may reach.
    """

    def __init__(self, ledger: Ledger, now_ms: Callable[[], int], keep_ms: int) -> None:
        self._now_ms = now_ms
        self._keep_ms = keep_ms
        self._entries: dict[str, dict[str, list[tuple[int, Holding]]]] = {}
        for account in ledger.accounts.values():
            self._entries[account.id] = {
                asset: [(-1, replace(holding))] for asset, holding in account.holdings.items()
            }
        ledger.watcher = self._changed

    def _changed(self, account: str, asset: str, holding: Holding, at_ms: int | None) -> None:
        now_ms = self._now_ms()
        entries = self._entries.setdefault(account, {}).setdefault(asset, [])
        moment = now_ms if at_ms is None else min(at_ms, now_ms)
        if entries:
            moment = max(moment, entries[-1][0])
        entries.append((moment, replace(holding)))
        if len(entries) > _MOST_ENTRIES:
            first = bisect_right(entries, now_ms - self._keep_ms, key=lambda entry: entry[0]) - 1
            del entries[: max(0, first)]

    def at(self, account: str, moment_ms: int) -> dict[str, Holding]:
        """Return what an account held and owed at the end of a millisecond, by asset.

        Args:
            account: The id of the account.
            moment_ms: That millisecond, UTC.
        """
        found: dict[str, Holding] = {}
        for asset, entries in self._entries.get(account, {}).items():
            index = bisect_right(entries, moment_ms, key=lambda entry: entry[0])
            if index:
                found[asset] = entries[index - 1][1]
        return found


def _exponent(value: Decimal) -> str:
    if not value:
        return "0E-8"
    return exact_text(value) if value >= _SIX else f"{value.normalize():E}"


_TEXTS: Mapping[str, Callable[[Decimal], str]] = {
    "full": wire_text,
    "eight-down": lambda value: format(_CUT.quantize(value, _EIGHT), "f"),
    "six-half-up": lambda value: format(_NEAREST.quantize(value, _SIX), "f"),
    "plain-exponent": _exponent,
}


class BalanceReadings:
    """Decide which positions an answer of GET balance shows, and in which form.

    Args:
        market: The options, the ledger and the clock.
        interest: Gives the interest that is running and not charged yet.

    Attributes:
        text: Writes an amount.
    """

    def __init__(self, market: MarketState, interest: Interest) -> None:
        options = market.options
        self._clock = market.clock
        self._chances = market.chances
        self._interest = interest
        self._age = options.span("balance-age")
        self._replicas = options.text("balance-replicas")
        self._parts = options.text("balance-parts")
        self._running = options.is_set("balance-interest", "running")
        self._gaps = options.text("balance-array-holds")
        self._as_list = options.is_set("balance-one-form", "list")
        self._unknown = options.text("balance-unknown-asset")
        self._members = options.text("balance-members")
        self._update_time = options.text("balance-update-time")
        self.text = _TEXTS[options.text("balance-digits")]
        self._readings = 0
        self._stopped_ms: int | None = None
        self._past: PastPositions | None = None
        if self._age or self._replicas == "one-frozen" or self._parts != "together":
            keep_ms = max(self._age.most, _FROZEN_MS[1]) + 2 * _APART_MS
            self._past = PastPositions(market.world.ledger, market.clock.now_ms, keep_ms)

    @staticmethod
    def wanted(options: Options) -> bool:
        """Return whether any of these choices differs from its default."""
        return options.any_open(*_NAMES) or options.text("balance-array-holds") in _GAPS

    # ------------------------------------------------------------ positions that are shown

    def seen(self, account: Account) -> Mapping[str, Holding]:
        """Return the positions that the next answer shows, by asset."""
        now_ms = self._clock.now_ms()
        moment = self._moment(now_ms)
        positions: Mapping[str, Holding] = account.holdings
        if self._past is not None:
            positions = self._past.at(account.id, moment)
            if self._parts != "together":
                # Either the holdings or the debts are shown as of an earlier time than the rest.
                late = self._past.at(account.id, moment - self._chances.between(0, _APART_MS))
                names = _HELD if self._parts == "debt-first" else _DEBT
                positions = {
                    asset: _mixed(holding, late.get(asset, _EMPTY), names)
                    for asset, holding in positions.items()
                }
        if self._running:
            positions = {
                asset: self._with_running(asset, holding, moment) for asset, holding in positions.items()
            }
        return positions

    def _moment(self, now_ms: int) -> int:
        self._readings += 1
        if self._replicas == "alternating" and self._readings % 2:
            return now_ms
        if self._replicas == "one-frozen" and self._readings % 3 == 0:
            if self._stopped_ms is None or now_ms - self._stopped_ms > _FROZEN_MS[1]:
                self._stopped_ms = now_ms - _FROZEN_MS[0]
            return self._stopped_ms
        return now_ms - self._age.draw(self._chances)

    def _with_running(self, asset: str, holding: Holding, moment: int) -> Holding:
        running = self._interest.accrued(asset, holding.borrowed, moment)
        return replace(holding, interest=EXACT.add(holding.interest, running)) if running else holding

    # ----------------------------------------------------------------------- form of the rows

    def absent(self, row: dict[str, object]) -> object:
        """Return the answer for an asset that the account does not have; `row` holds only zeros."""
        if self._unknown == "refused":
            raise Refusal(-1108, reason="the account does not have this asset")
        return {} if self._unknown == "empty-object" else self.single(row)

    def single(self, row: dict[str, object]) -> object:
        """Return the answer for one asset."""
        if self._members == "no-cross-margin-asset":
            del row["crossMarginAsset"]
        return [self._row(row)] if self._as_list else self._row(row)

    def listed(self, rows: list[dict[str, Any]], positions: Mapping[str, Holding]) -> object:
        """Return the answer for all assets.

        Args:
            rows: One row for each asset.
            positions: The positions of which the rows were made, by asset.
        """
        if self._gaps == "no-zeros":
            rows = [row for row in rows if _something(positions.get(row["asset"]))]
        elif self._gaps == "asset-missing" and self._chances.one_in(5):
            there = [row for row in rows if _something(positions.get(row["asset"]))]
            if there:
                rows.remove(self._chances.pick(there))
        elif self._gaps == "empty" and self._chances.one_in(6):
            return []
        return [self._row(row) for row in rows]

    def _row(self, row: dict[str, object]) -> dict[str, object]:
        if self._members == "no-free" and self._chances.one_in(5):
            del row["crossMarginFree"]
        if self._update_time == "zero":
            row["updateTime"] = 0
        elif self._update_time == "now":
            row["updateTime"] = self._clock.now_ms()
        return row


def _mixed(holding: Holding, late: Holding, names: tuple[str, ...]) -> Holding:
    return replace(holding, **{name: getattr(late, name) for name in names})


def _something(holding: Holding | None) -> bool:
    return holding is not None and any((holding.held, holding.borrowed, holding.interest, holding.negative))
