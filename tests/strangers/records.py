"""The record lists: repayments, loans, capital flow; which rows they hold, and when they show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tests.strangers.books import HOUR_MS, ZERO, Clock, down
from tests.strangers.choices import Chosen

REPAYMENTS = "repayLoan"
LOANS = "marginLoan"
FLOW = "capital-flow"
DAY_MS = 24 * HOUR_MS
NEVER = 1 << 62
FEE = Decimal("0.001")

Fields = dict[str, Any]


class BadQuery(Exception):
    """Say that a list cannot be asked for like this: code and text of the refusal."""


@dataclass(slots=True)
class Row:
    """Hold one row of a list.

    Attributes:
        fields: What it shows once it is confirmed.
        visible_at: From when on it is listed.
        confirmed_at: From when on its status is no longer PENDING.
    """

    fields: Fields
    visible_at: int
    confirmed_at: int = 0

    def shown(self, now: int) -> Fields:
        """Return what the list shows of it at a moment."""
        if "status" in self.fields and now < self.confirmed_at:
            return {**self.fields, "status": "PENDING"}
        return dict(self.fields)


@dataclass(frozen=True, slots=True)
class Repaid:
    """Hold one repayment that was executed.

    Attributes:
        asset: The asset owed.
        interest: How much interest it repaid.
        principal: How much principal.
        asked: What the request asked for.
        spent: What each payer gave, in its own units.
        covered: How much of the debt each payer covered, in units of `asset`.
    """

    asset: str
    interest: Decimal
    principal: Decimal
    asked: Decimal
    spent: Mapping[str, Decimal]
    covered: Mapping[str, Decimal]

    @property
    def amount(self) -> Decimal:
        """Return what the debt fell by."""
        return self.interest + self.principal

    def part(self, share: Decimal) -> Repaid:
        """Return a share of it, as if it were a repayment of its own."""
        interest, principal = down(self.interest * share), down(self.principal * share)
        return replace(self, interest=interest, principal=principal, asked=down(self.asked * share))

    def rest(self, *parts: Repaid) -> Repaid:
        """Return what is left of it without some parts."""
        return replace(
            self,
            interest=self.interest - sum((part.interest for part in parts), ZERO),
            principal=self.principal - sum((part.principal for part in parts), ZERO),
            asked=self.asked - sum((part.asked for part in parts), ZERO),
        )


class Records:
    """Keep the three lists of one account."""

    def __init__(self, clock: Clock, chosen: Chosen) -> None:
        """Begin empty."""
        self._clock = clock
        self._chosen = chosen
        self._number = 0
        self._lists: dict[str, list[Row]] = {REPAYMENTS: [], LOANS: [], FLOW: []}

    # ------------------------------------------------------------ writing

    def new_id(self) -> int:
        """Return an id that no row has."""
        self._number += 1
        form = self._chosen["row-ids"]
        if form == "scattered":
            return self._chosen.source("row-ids").randrange(10**11, 10**12)
        return (1_352_286_576_452_864_727 if form == "huge" else 154_266_068_121) + self._number

    def _text(self, amount: Decimal) -> str:
        form = self._chosen["row-digits"]
        if form == "eight":
            return f"{amount:.8f}"
        if form == "nine":
            return f"{amount:.9f}"
        text = f"{amount:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def _flow(
        self, kind: str, asset: str, amount: Decimal, *, stamp: int, tran: int, visible_at: int
    ) -> None:
        fields: Fields = {
            "id": self.new_id(),
            "tranId": tran,
            "timestamp": stamp,
            "asset": asset,
            "type": kind,
            "amount": self._text(amount),
        }
        note = self._chosen["flow-note"]
        if note != "absent":
            fields["note"] = {"empty": "", "repay-debt": "margin repay-debt", "null": None}[note]
        self._lists[FLOW].append(Row(fields, visible_at))

    def _repayment_row(
        self, asset: str, interest: Decimal, principal: Decimal, amount: Decimal, stamp: int
    ) -> Fields:
        if self._chosen["row-digits"] == "nine" and interest:
            interest += Decimal("0.000000004")
            principal = amount - interest
        return {
            "txId": self.new_id(),
            "asset": asset,
            "amount": self._text(amount),
            "interest": self._text(interest),
            "principal": self._text(principal),
            "timestamp": stamp,
            "status": "CONFIRMED",
        }

    def announce(self, asset: str, asked: Decimal) -> Row | None:
        """List a repayment as PENDING before it is executed, if such rows exist here."""
        chosen = self._chosen
        if chosen["row-first-status"] != "PENDING" or chosen["repayment-rows"] != "one":
            return None
        if chosen["row-list"] == "capital-flow" or chosen["row-asset"] == "payer":
            return None
        now = self._clock.now
        fields = self._repayment_row(asset, ZERO, asked, asked, now + chosen.number("row-clock-offset"))
        row = Row(fields, now + chosen.number("row-listed-late"), NEVER)
        self._lists[REPAYMENTS].append(row)
        return row

    def repaid(self, done: Repaid, announced: Row | None = None) -> None:
        """List a repayment by repay-debt, as the choices say."""
        if self._chosen["failed-rows"] == "first-try":
            self.failed(done.asset, done.amount)
        self._conversion(done)
        where = self._chosen["row-list"]
        for part in self._parts(done):
            asset, amount = self._shown_as(part)
            if not amount:
                continue
            now = self._clock.now
            late = self._chosen.number("row-stamped-late")
            stamp = now + late + self._chosen.number("row-clock-offset")
            visible = now + max(late, self._chosen.number("row-listed-late"))
            visible_at = {REPAYMENTS: visible, FLOW: visible}
            visible_at[self._chosen.source("row-lists-apart").choice((REPAYMENTS, FLOW))] += (
                self._chosen.number("row-lists-apart") if where == "both" else 0
            )
            interest = min(part.interest, amount) if asset == part.asset else ZERO
            fields = self._repayment_row(asset, interest, amount - interest, amount, stamp)
            if where != "capital-flow":
                self._show_repayment(fields, visible_at[REPAYMENTS], announced)
            if where != "repay-records":
                signed = -amount if self._chosen["flow-sign"] == "negative" else amount
                self._flow(
                    "REPAY", asset, signed, stamp=stamp, tran=fields["txId"], visible_at=visible_at[FLOW]
                )
                self._repeat(FLOW)

    def _show_repayment(self, fields: Fields, visible_at: int, announced: Row | None) -> None:
        pending = self._chosen["row-first-status"] == "PENDING"
        if announced is not None:
            announced.fields |= {name: fields[name] for name in ("amount", "interest", "principal")}
            announced.confirmed_at = self._clock.now + self._chosen.number("row-pending-ms")
            return
        confirmed_at = visible_at + self._chosen.number("row-pending-ms") if pending else 0
        self._lists[REPAYMENTS].append(Row(fields, visible_at, confirmed_at))
        self._repeat(REPAYMENTS)

    def _repeat(self, kind: str) -> None:
        form = self._chosen["row-repeated"]
        if form == "never":
            return
        row = self._lists[kind][-1]
        fields = dict(row.fields)
        if form == "other-id":
            fields["id" if kind == FLOW else "txId"] = self.new_id()
        self._lists[kind].append(Row(fields, row.visible_at, row.confirmed_at))

    def _parts(self, done: Repaid) -> list[Repaid]:
        form = self._chosen["repayment-rows"]
        if form == "one":
            return [done]
        if form == "none":
            return []
        if form == "halves":
            half = done.part(Decimal("0.5"))
            return [half, done.rest(half)]
        if form == "interest-and-principal":
            interest = replace(done, principal=ZERO, asked=min(done.interest, done.asked))
            principal = replace(done, interest=ZERO, asked=done.asked - interest.asked)
            return [part for part in (interest, principal) if part.amount]
        parts: list[Repaid] = []
        for payer in done.spent:
            last = len(parts) == len(done.spent) - 1
            part = done.rest(*parts) if last else done.part(done.covered[payer] / done.amount)
            parts.append(replace(part, spent={payer: done.spent[payer]}, covered={payer: part.amount}))
        return parts

    def _shown_as(self, part: Repaid) -> tuple[str, Decimal]:
        """Return asset and amount that the row of a repayment shows."""
        if self._chosen["row-asset"] == "payer":
            payer = max(part.covered, key=lambda name: part.covered[name])
            if payer != part.asset:
                return payer, part.spent[payer]
        form = self._chosen["row-amount"]
        amount = {
            "exact": part.amount,
            "dust-above": part.amount + Decimal("0.00000001"),
            "dust-below": part.amount - Decimal("0.00000001"),
            "with-fee": down(part.amount * (1 + FEE)),
            "less-fee": down(part.amount * (1 - FEE)),
            "principal-only": part.principal,
            "asked": part.asked,
        }[form]
        return part.asset, max(amount, ZERO)

    def _conversion(self, done: Repaid) -> None:
        form = self._chosen["flow-conversion-rows"]
        if form == "none":
            return
        now = self._clock.now
        visible_at = now + self._chosen.number("row-listed-late")
        tran = self.new_id()
        for payer, spent in done.spent.items():
            if payer == done.asset:
                continue
            self._flow("SELL_EXPENSE", payer, -spent, stamp=now, tran=tran, visible_at=visible_at)
            bought = done.covered[payer]
            self._flow("BUY_INCOME", done.asset, bought, stamp=now, tran=tran, visible_at=visible_at)
            if form == "with-commission":
                fee = -down(spent * FEE)
                self._flow("TRADING_COMMISSION", payer, fee, stamp=now, tran=tran, visible_at=visible_at)

    def failed(self, asset: str, amount: Decimal) -> None:
        """List a repayment that failed."""
        fields = self._repayment_row(asset, ZERO, amount, amount, self._clock.now)
        self._lists[REPAYMENTS].append(Row({**fields, "status": "FAILED"}, self._clock.now))

    def borrowed(self, asset: str, amount: Decimal, debt_rises_at: int) -> int:
        """List a borrowing, as the choices say.

        Args:
            asset: What was borrowed.
            amount: How much.
            debt_rises_at: When the debt rises; now or later.

        Returns:
            Its tranId.
        """
        chosen, now = self._chosen, self._clock.now
        tran = self.new_id()
        form, where = chosen["borrow-rows"], chosen["borrow-list"]
        first = down(amount * Decimal("0.4"))
        parts = {"one": [amount], "none": [], "several": [first, amount - first]}[form]
        visible_at = now + chosen.number("borrow-listed-late")
        pending = chosen["borrow-first-status"] == "PENDING"
        for number, part in enumerate(parts):
            stamp = now + chosen.number("borrow-row-time")
            tx = tran if number == 0 else self.new_id()
            if where != "capital-flow":
                fields: Fields = {
                    "txId": tx,
                    "asset": asset,
                    "principal": self._text(part),
                    "timestamp": stamp,
                    "status": "CONFIRMED",
                }
                confirmed_at = max(debt_rises_at, visible_at + 3_000) if pending else 0
                self._lists[LOANS].append(Row(fields, visible_at, confirmed_at))
            if where != "loan-records":
                self._flow("BORROW", asset, part, stamp=stamp, tran=tx, visible_at=visible_at)
        return tran

    def repaid_otherwise(
        self, asset: str, interest: Decimal, principal: Decimal, *, always: bool = False
    ) -> int:
        """List a repayment by another call than repay-debt.

        Args:
            asset: The asset owed.
            interest: How much interest it repaid.
            principal: How much principal.
            always: Whether it is by repayLoan, whose row is promised.

        Returns:
            Its tranId.
        """
        now = self._clock.now
        fields = self._repayment_row(asset, interest, principal, interest + principal, now)
        where = "one" if always else self._chosen["other-repayment-rows"]
        if where == "one":
            self._lists[REPAYMENTS].append(Row(fields, now))
        if where != "none":
            amount = interest + principal
            signed = -amount if self._chosen["flow-sign"] == "negative" else amount
            self._flow("REPAY", asset, signed, stamp=now, tran=fields["txId"], visible_at=now)
        tran: int = fields["txId"]
        return tran

    def moved(self, rows: Mapping[str, tuple[str, Decimal]]) -> None:
        """List a trade, a transfer or a deposit in the capital flow: asset and signed amount by type of row."""
        form = self._chosen["other-movement-rows"]
        if form == "none":
            return
        now, tran = self._clock.now, self.new_id()
        late = self._chosen.source("other-movement-rows").randrange(30_000) if form == "late" else 0
        for kind, (asset, amount) in rows.items():
            self._flow(kind, asset, amount, stamp=now, tran=tran, visible_at=now + late)

    # ------------------------------------------------------------ reading

    def _visible(self, kind: str, start: int, end: int) -> list[Row]:
        now = self._clock.now
        known_until = now
        if self._chosen["rows-empty"] == "sometimes" and self._chosen.chance("rows-empty", 0.2):
            known_until = now - 60_000
        last = end if self._chosen["rows-bounds"] == "included" else end - 1
        found = [
            row
            for row in self._lists[kind]
            if row.visible_at <= known_until and start <= row.fields["timestamp"] <= last
        ]
        return sorted(found, key=lambda row: int(row.fields["timestamp"]))

    def page(self, kind: str, query: Mapping[str, str]) -> Fields:
        """Answer a query of the repay records or the loan records: newest first, page by page.

        Raises:
            BadQuery: The window is too long, or the asset is missing.
        """
        now = self._clock.now
        if not query.get("asset"):
            raise BadQuery(-1102, "Mandatory parameter 'asset' was not sent, was empty/null, or malformed.")
        end = int(query.get("endTime") or NEVER)
        start = int(query.get("startTime") or min(now, end) - 7 * DAY_MS)
        if "txId" in query:
            start, end = 0, NEVER
        elif min(end, now) - start > 30 * DAY_MS:
            raise BadQuery(-1127, "Lookup interval is too big.")
        size, current = int(query.get("size") or 10), int(query.get("current") or 1)
        if not (1 <= size <= 100 and current >= 1):
            raise BadQuery(-1130, "Data sent for parameter 'size' is not valid.")
        matching = [
            row.shown(now)
            for row in reversed(self._visible(kind, start, end))
            if row.fields["asset"] == query["asset"]
            and ("txId" not in query or row.fields["txId"] == int(query["txId"]))
        ]
        if query.get("archived", "false").lower() == "true":
            matching = []  # nothing here is older than six months
        rows = matching[(current - 1) * size : current * size]
        total = {"all": len(matching), "page": len(rows), "zero": 0}[self._chosen["rows-total"]]
        return {"rows": rows, "total": total}

    def flow(self, query: Mapping[str, str]) -> list[Fields]:
        """Answer a query of the capital flow.

        Raises:
            BadQuery: The window is longer than seven days, or the limit is out of range.
        """
        now = self._clock.now
        end = int(query.get("endTime") or NEVER)
        start = int(query.get("startTime") or min(now, end) - 7 * DAY_MS)
        if min(end, now) - start > 7 * DAY_MS:
            raise BadQuery(-4047, "Time interval must be within 0-7 days")
        limit = int(query.get("limit") or 500)
        if not 1 <= limit <= 1000:
            raise BadQuery(-1130, "Data sent for parameter 'limit' is not valid.")
        rows = [
            row.fields
            for row in self._visible(FLOW, start, end)
            if query.get("asset") in (None, row.fields["asset"])
            and query.get("type") in (None, row.fields["type"])
        ]
        if "fromId" in query:
            return self._from_id(rows, int(query["fromId"]))[:limit]
        if self._chosen["flow-order"] == "oldest-first":
            return rows[:limit]
        return rows[::-1][:limit]

    def _from_id(self, rows: list[Fields], wanted: int) -> list[Fields]:
        at = next((place for place, row in enumerate(rows) if row["id"] == wanted), None)
        if at is None:
            return [row for row in rows if row["id"] > wanted]
        return rows[at + (self._chosen["flow-from-id"] == "after") :]
