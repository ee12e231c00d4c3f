"""After a lost answer: tell from evidence whether a repayment happened.

Two stories are put to the evidence, "it was executed" and "it was not", and each must explain what
is seen. Only if exactly one does is the attempt decided; otherwise it stays in doubt and a person
is told what to look at. The witnesses:

    time      a request whose timestamp is older than its recvWindow can no longer be accepted, so after
              that, and a while for what was already accepted, nothing more can come of it
    debt      principal + interest fell by the amount, or did not; interest only ever adds a bounded bit
    assets    what could pay has been spent, or is untouched to the last digit
    rows      a repayment record, a REPAY of the capital flow or a stream event that fits

The two mistakes are not alike. Taking a lost repayment for executed leaves a debt that the next
look shows. Taking an executed one for lost pays twice. So "executed" needs the debt to say so and
nothing to contradict it; "not executed" needs two witnesses that are independent of each other,
no row that fits, the time to have run out, and lists that show every borrowing until the look.
`docs/never-twice.md` gives each rule its argument.

Pure functions: no clock, no I/O. The engine brings the sightings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Literal

from paydown.repay.evidence import Row, Sighting
from paydown.repay.facts import Facts
from paydown.repay.journal import AttemptRecord
from paydown.repay.options import Options
from paydown.repay.plan import moment
from paydown.repay.quantities import ZERO, ceil_to, exact, to_text

__all__ = ["Case", "Finding", "Result", "Says", "Verdict", "contradicts_refusal", "deadline_ms", "judge"]

Says = Literal["executed", "not executed", "either", "neither", "nothing"]
Result = Literal["PROVEN_EXECUTED", "PROVEN_NOT_EXECUTED", "UNDECIDED"]

_HOUR_MS = 3_600_000

# Rows whose time is too near to a look to say whether that look includes them are tried both ways.
# With more of them than this the debt is called disturbed instead: 2^6 combinations are cheap.
_MOST_UNCERTAIN = 6


@dataclass(frozen=True, slots=True)
class Case:
    """An attempt in doubt, with what is known around it.

    Attributes:
        attempt: The attempt, UNKNOWN.
        prior: Attempts that were answered as executed between the last look and this attempt.
        prices_usd: USD per unit, by asset, from the plan.
        facts: What the document says.
        options: Thresholds.
    """

    attempt: AttemptRecord
    prior: tuple[AttemptRecord, ...]
    prices_usd: Mapping[str, Decimal]
    facts: Facts
    options: Options


@dataclass(frozen=True, slots=True)
class Finding:
    """What one witness says, with its numbers, in one sentence."""

    witness: Literal["time", "debt", "assets", "rows"]
    says: Says
    text: str

    def to_json(self) -> dict[str, str]:
        """Plain data."""
        return {"witness": self.witness, "says": self.says, "text": self.text}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence proves.

    Attributes:
        result: The state it proves, or "UNDECIDED".
        rule: Name of the rule that decided, as in `docs/never-twice.md`.
        repaid: How much of the debt the attempt repaid: zero if not executed, `None` if undecided.
        findings: What each witness says.
        check: What a person should look at, for an undecided attempt.
    """

    result: Result
    rule: str
    repaid: Decimal | None
    findings: tuple[Finding, ...]
    check: tuple[str, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether exactly one story is left."""
        return self.result != "UNDECIDED"

    def to_json(self) -> dict[str, object]:
        """Plain data; stored with the sightings that led to it."""
        return {
            "result": self.result,
            "rule": self.rule,
            "repaid": None if self.repaid is None else to_text(self.repaid),
            "findings": [finding.to_json() for finding in self.findings],
            "check": list(self.check),
        }


def deadline_ms(signed_at_ms: int, recv_window_ms: int, facts: Facts, options: Options) -> int:
    """From this moment on, on the exchange's clock, an attempt that did not happen never will.

    The exchange accepts a request only while `serverTime - timestamp <= recvWindow` (documented). An accepted
    one may run for as long as we would have waited for its answer. After both, `settle_ms` for the back end.
    """
    last_accepted = facts.no_acceptance_after_ms(signed_at_ms, recv_window_ms)
    return max(last_accepted, signed_at_ms + facts.answer_timeout_ms) + options.settle_ms


def judge(case: Case, sighting: Sighting) -> Verdict:
    """Put both stories to one sighting.

    Returns:
        The verdict. An undecided one may be decided by a later sighting: records lag.
    """
    with exact():
        return _Judge(case, sighting).verdict()


def contradicts_refusal(case: Case, sighting: Sighting) -> bool:
    """Whether a debt fell by exactly what a refused attempt had asked."""
    with exact():
        return _Judge(case, sighting).fell()


@dataclass(frozen=True, slots=True)
class _Debt:
    """Which stories explain the debt."""

    fits_executed: bool
    fits_not: bool
    not_lower: bool  # the debt is at least what it was, other people's borrowing aside
    too_high: bool  # more is owed than an execution leaves, whatever others repaid and did not list
    text: str

    @property
    def says(self) -> Says:
        return _says(self.fits_executed, self.fits_not)


@dataclass(frozen=True, slots=True)
class _Assets:
    """Which stories explain the holdings that could have paid."""

    fits_executed: bool
    fits_not: bool
    untouched: bool  # not a digit of them changed, known rows aside
    kept: bool  # of no asset at all anything went, however the rows near a look are reckoned
    exhausted: bool  # nothing that could pay is left
    text: str

    @property
    def says(self) -> Says:
        return _says(self.fits_executed, self.fits_not)


@dataclass(frozen=True, slots=True)
class _Residue:
    """How the payers changed when certain rows of others are taken away."""

    changes: Mapping[str, Decimal]
    own_gained: Decimal  # what those rows brought into the owed asset's own holdings, and what they took
    own_lost: Decimal
    follows_lists: bool  # nothing that is surely listed is left in
    # What others repaid of the debt and was not taken away: surely between the looks, and at most.
    repaid: Decimal = ZERO
    by_others: Decimal = ZERO


def _says(fits_executed: bool, fits_not: bool) -> Says:
    if fits_executed:
        return "either" if fits_not else "executed"
    return "not executed" if fits_not else "neither"


class _Judge:
    """One case before one sighting. Split into witnesses; `verdict` weighs them."""

    def __init__(self, case: Case, sighting: Sighting) -> None:
        self.case = case
        self.intent = case.attempt.intent
        self.asset = self.intent.asset
        self.sighting = sighting
        self.base = self.intent.before
        self.now = sighting.look
        self.deadline = deadline_ms(
            self.intent.signed_at_ms, self.intent.recv_window_ms, case.facts, case.options
        )
        # From the earliest the exchange can have stamped it to the last moment it can have taken effect.
        self.window = (self.intent.signed_at_ms - case.facts.future_tolerance_ms, self.deadline)
        self.repaid_before = sum((attempt.repaid or ZERO for attempt in case.prior), ZERO)
        self.growth = self._interest(self.base.sent_at_ms, self.now.answered_at_ms)
        self.growth_by_deadline = self._interest(self.base.sent_at_ms, self.deadline)
        self.accounted: list[Row] = []
        mine, pending, others = self._sort_rows()
        self.mine = mine
        self.pending = pending
        self.others = others
        self.foreign = self._foreign()

    # What the others did

    def _interest(self, from_ms: int, to_ms: int) -> Decimal:
        """The most interest that can have accrued between two moments, whatever the hour it is charged at."""
        hours = to_ms // _HOUR_MS - from_ms // _HOUR_MS + 1
        borrowed = sum((abs(row.amount) for row in self.sighting.rows if row.kind == "BORROW"), ZERO)
        return (self.base[self.asset].debt + borrowed) * self.case.options.max_daily_interest / 24 * hours

    def _expected(self) -> Decimal:
        """How much this attempt repays if it is executed: its amount, or the debt of that moment."""
        if self.intent.amount is not None:
            return self.intent.amount
        return self.base[self.asset].debt - self.repaid_before

    def _sort_rows(self) -> tuple[tuple[Row, ...], tuple[Row, ...], tuple[Row, ...]]:
        """Rows on this debt: those that fit this attempt, those that are still pending, everybody else's."""
        slack = self.case.options.clock_slack_ms
        rows = [
            row
            for row in _once(self.sighting.rows, slack)
            if row.asset == self.asset and row.moves_debt and row.at_ms >= self.base.sent_at_ms - slack
        ]
        for attempt in self.case.prior:  # answered as executed: their rows are accounted for already
            row = self._row_of(attempt, rows)
            if row is not None:
                rows.remove(row)
                self.accounted.append(row)
        borrowed = [row for row in rows if row.kind == "BORROW"]
        fitting = [row for row in rows if self._fits(row, borrowed)]
        mine = tuple(sorted(fitting, key=lambda row: abs(row.at_ms - self.intent.signed_at_ms))[:1])
        pending = tuple(row for row in rows if row.status == "PENDING")
        return mine, pending, tuple(row for row in rows if row not in mine and row.status != "PENDING")

    def _row_of(self, attempt: AttemptRecord, rows: Iterable[Row]) -> Row | None:
        """The REPAY row that an executed attempt left: its amount, inside its window."""
        facts, options, intent = self.case.facts, self.case.options, attempt.intent
        earliest = intent.signed_at_ms - facts.future_tolerance_ms
        latest = deadline_ms(intent.signed_at_ms, intent.recv_window_ms, facts, options)
        candidates = [
            row
            for row in rows
            if row.kind == "REPAY" and abs(row.amount) == attempt.repaid and earliest <= row.at_ms <= latest
        ]
        # Equal pieces follow each other within one window: the nearest row is this one's.
        return min(candidates, key=lambda row: abs(row.at_ms - intent.signed_at_ms), default=None)

    def _fits(self, row: Row, borrowed: Iterable[Row]) -> bool:
        """Whether a row can be this attempt: a REPAY of its amount to the last digit, inside its window.

        A whole debt is what was owed at that moment: with what somebody borrowed just before.
        """
        if row.status == "PENDING" or not self._in_window(row):
            return False
        if self.intent.amount is not None:
            return abs(row.amount) == self.intent.amount
        expected, latest_ms = self._expected(), row.at_ms + self.case.options.clock_slack_ms
        more = sum((abs(other.amount) for other in borrowed if other.at_ms <= latest_ms), ZERO)
        return expected <= abs(row.amount) <= expected + self.growth + more

    def _in_window(self, row: Row) -> bool:
        """Whether a row is a REPAY of a moment at which this attempt can have been executed."""
        return row.kind == "REPAY" and self.window[0] <= row.at_ms <= self.window[1]

    def _drifts(self, rows: Iterable[Row]) -> list[Decimal] | None:
        """By how much others can have moved the debt; `None` if too many rows are near a look to say."""
        slack = self.case.options.clock_slack_ms
        certain, uncertain = ZERO, list[Decimal]()
        for row in rows:
            change = abs(row.amount) if row.kind == "BORROW" else -abs(row.amount)
            if row.at_ms > self.now.answered_at_ms + slack:
                continue  # after the look that is being judged
            near_base = row.at_ms <= self.base.answered_at_ms + slack
            near_now = row.at_ms >= self.now.sent_at_ms - slack
            if near_base or near_now:
                uncertain.append(change)
            else:
                certain += change
        if len(uncertain) > _MOST_UNCERTAIN:
            return None
        return [
            certain + sum(some, ZERO)
            for size in range(len(uncertain) + 1)
            for some in combinations(uncertain, size)
        ]

    # The witnesses

    def _debt(self) -> _Debt:
        before, after = self.base[self.asset], self.now[self.asset]
        drifts = self._drifts(self.others)
        if drifts is None:
            return _Debt(False, False, False, False, "too many rows of others are too near to a look to tell")
        fits_executed = any(self._debt_executed(drift) for drift in drifts)
        fits_not = any(self._debt_not(drift) for drift in drifts)
        not_lower = after.debt >= before.debt - self.repaid_before + max(drifts)
        text = (
            f"{self.asset} owed before: {to_text(before.borrowed)} + {to_text(before.interest)} interest"
            + (f", {to_text(self.repaid_before)} repaid since" if self.repaid_before else "")
            + f"; now: {to_text(after.borrowed)} + {to_text(after.interest)} interest"
            + (f"; others moved it by {', '.join(to_text(drift) for drift in drifts)}" if self.others else "")
            + f"; interest explains at most {to_text(ceil_to(self.growth, self.case.facts.amount_digits))}"
        )
        too_high = not fits_executed and self._too_high(max(drifts))
        return _Debt(fits_executed, fits_not, not_lower, too_high, text)

    def _too_high(self, drift: Decimal) -> bool:
        """Whether more is owed than an execution leaves, given the most by which the lists raise the debt.

        What others repaid and is not listed only lowers it further: this holds whatever they did.
        """
        if self.intent.amount is None:
            return True  # an execution leaves no more than what others borrowed, and it did not fit
        before, after = self.base[self.asset], self.now[self.asset]
        repaid = self.repaid_before + self.intent.amount
        by_others = sum((abs(row.amount) for row in self.others if row.kind != "BORROW"), ZERO)
        accrued = self.growth if by_others else self.growth_by_deadline
        interest_paid = min(repaid + by_others, before.interest + accrued)
        return (
            after.debt > before.debt - repaid + drift + self.growth
            or after.borrowed > before.borrowed - repaid + drift + interest_paid
        )

    def _debt_not(self, drift: Decimal) -> bool:
        return self._debt_after(self.repaid_before, drift)

    def _debt_executed(self, drift: Decimal) -> bool:
        if self.intent.amount is not None:
            return self._debt_after(self.repaid_before + self.intent.amount, drift)
        # The whole debt went: what is owed now, if anything, somebody borrowed afterwards.
        later = sum((abs(row.amount) for row in self.others if row.kind == "BORROW"), ZERO)
        after = self.now[self.asset]
        return after.debt == 0 or (later > 0 and after.borrowed <= later and after.interest <= self.growth)

    def _debt_after(self, repaid: Decimal, drift: Decimal) -> bool:
        """Whether the debt is what it would be after `repaid`, up to interest."""
        before, after = self.base[self.asset], self.now[self.asset]
        expected = before.debt - repaid + drift
        if not expected <= after.debt <= expected + self.growth:
            return False
        # Interest never changes the principal. A repayment takes it down by its amount, less the interest
        # that it pays first (or last: the order is not published). Ours can only have paid interest that had
        # accrued before the deadline, however late this look is.
        by_others = sum((abs(row.amount) for row in self.others if row.kind != "BORROW"), ZERO)
        accrued = self.growth if by_others else self.growth_by_deadline
        principal = before.borrowed - repaid + drift
        interest_paid = min(repaid + by_others, before.interest + accrued)
        if not principal <= after.borrowed <= principal + interest_paid:
            return False
        # Nobody repaid anything: then nothing of the interest can be gone either.
        return repaid + by_others > 0 or after.interest >= before.interest

    def _assets(self) -> _Assets:
        payers = self._payers()
        residues = self._residues(payers)
        prices = self.case.prices_usd
        price = prices[self.asset]
        expected = self._expected()
        free = self.base[self.asset].free
        unmoved = [residue for residue in residues if not any(residue.changes.values())]
        before = self.repaid_before
        fits_executed = any(
            self._paid(residue, before + expected, free) and not self._held_back(residue, before + expected)
            for residue in residues
        )
        fits_not = any(self._paid(residue, before, free) for residue in residues) if before else bool(unmoved)
        if fits_executed and not fits_not:
            # What others are known to have repaid may have been paid from these holdings.
            beside_usd = self._beside()
            fits_not = any(
                self._paid(residue, before, free, residue.by_others, beside_usd)
                for residue in residues
                if residue.by_others or beside_usd
            )
        left_usd = sum((self.now[name].free * prices.get(name, ZERO) for name in payers), ZERO)
        exhausted = left_usd <= expected * price * self.case.options.margin
        changes = {name: self.now[name].held - self.base[name].held for name in sorted(payers)}
        moved = ", ".join(f"{name} {to_text(change)}" for name, change in changes.items() if change)
        text = f"of what could pay, {moved} changed" if moved else "nothing that could pay has changed"
        untouched = not before and any(residue.follows_lists for residue in unmoved)
        return _Assets(fits_executed, fits_not, untouched, untouched and self._kept(), exhausted, text)

    def _kept(self) -> bool:
        """Whether no asset fell, named or not: that only the named ones pay is not relied on where they alone tell."""
        residues = self._residues({self.asset, *self.base.assets, *self.now.assets})
        return all(
            change >= 0 for residue in (residues[1:] or residues) for change in residue.changes.values()
        )

    def _beside(self) -> Decimal:
        """USD value by which other debts fell, which is what others repaid of them at least."""
        prices = self.case.prices_usd
        fallen = {
            name: self.base[name].debt - self.now[name].debt
            for name in self.base.assets
            if name != self.asset
        }
        return sum((fall * prices.get(name, ZERO) for name, fall in fallen.items() if fall > 0), ZERO)

    def _held_back(self, residue: _Residue, amount: Decimal) -> bool:
        """Whether less of the asset's own holdings is gone than listed repayments and `amount` would have taken.

        Whoever repays, what the account holds of the asset itself pays first (documented). Certain once the
        lists show all that came in.
        """
        if "capital-flow" not in self.sighting.read or not self._lag_over() or not residue.repaid:
            return False
        own = [row.amount for row in self.foreign if row.asset == self.asset and row.kind != "REPAY"]
        came = sum((amount for amount in own if amount > 0), ZERO)
        went = sum(own, ZERO) - came
        least = max(ZERO, self.base[self.asset].free + went)
        return came - residue.changes[self.asset] < min(least, amount + residue.repaid)

    def _payers(self) -> set[str]:
        if self.intent.pay_with:
            return {self.asset, *self.intent.pay_with}
        return {self.asset, *self.base.assets, *self.now.assets}

    def _foreign(self) -> list[Row]:
        """What the lists lay to others and what moved holdings, between the looks or so near that nobody can say."""
        ours = {row.id for row in (*self.accounted, *self.mine) if row.source == "capital-flow"}
        slack = self.case.options.clock_slack_ms
        first, last = self.base.sent_at_ms - slack, self.now.answered_at_ms + slack
        # What was borrowed is held as well: a loan record fills the holdings where no flow was read.
        return [
            row
            for row in _once(self.sighting.rows, slack)
            if first <= row.at_ms <= last
            and (row.source == "loan-record" or (row.source == "capital-flow" and row.id not in ours))
        ]

    def _residues(self, payers: set[str]) -> list[_Residue]:
        """How each payer changed: as it is, and again without what the lists lay to others."""
        plain = {name: self.now[name].held - self.base[name].held for name in payers}
        slack = self.case.options.clock_slack_ms
        first, last = self.base.answered_at_ms + slack, self.now.sent_at_ms - slack
        repayments = [row for row in self.others if row.kind == "REPAY"]
        repaid = sum((abs(row.amount) for row in repayments if first < row.at_ms < last), ZERO)
        by_others = sum((abs(row.amount) for row in repayments), ZERO)
        within = [row for row in self.foreign if row.asset in payers]
        residues = [_Residue(plain, ZERO, ZERO, not within, repaid, by_others)]
        edge = [row for row in within if not first < row.at_ms < last]
        if not within or len(edge) > _MOST_UNCERTAIN:
            return residues
        sure = [row for row in within if row not in edge]
        for size in range(len(edge) + 1):
            for some in combinations(edge, size):
                changes = dict(plain)
                for row in (*sure, *some):
                    changes[row.asset] -= row.amount
                own = [row.amount for row in (*sure, *some) if row.asset == self.asset]
                gained = sum((amount for amount in own if amount > 0), ZERO)
                residues.append(_Residue(changes, gained, sum(own, ZERO) - gained, follows_lists=True))
        return residues

    def _paid(
        self,
        residue: _Residue,
        amount: Decimal,
        free: Decimal,
        by_others: Decimal = ZERO,
        beside_usd: Decimal = ZERO,
    ) -> bool:
        """Whether the holdings moved as repaying `amount` moves them: the asset itself first, then others.

        Strangers may have paid from them as well: up to `by_others` of this debt, and `beside_usd` of others.
        """
        # A whole-debt repayment also takes interest that accrued after the look.
        more = ZERO if self.intent.amount is not None else self.growth
        # Others may have filled or emptied the asset's own holdings before it was their turn to pay.
        least, most = max(ZERO, free + residue.own_lost), free + residue.own_gained
        more += by_others
        own_low, own_high = min(least, amount), min(most, amount + more)
        changes = residue.changes
        if not -own_high <= changes[self.asset] <= -own_low:
            return False
        rest = amount + changes[self.asset]  # what others had to pay for
        others = {name: change for name, change in changes.items() if name != self.asset}
        if any(change > 0 for change in others.values()):
            return False
        if rest <= 0 and more == 0 and beside_usd == 0:
            return not any(others.values())
        spent, price = self._value(others), self.case.prices_usd[self.asset]
        if spent is None:
            return any(others.values())
        tolerance = self.case.options.price_tolerance
        most_usd = ((rest + more) * price + beside_usd) * (1 + tolerance)
        return max(ZERO, rest) * price * (1 - tolerance) <= spent <= most_usd

    def _spent(self, residue: Mapping[str, Decimal], amount: Decimal) -> bool:
        """Whether the value that left the holdings is that of `amount`, within the price tolerance."""
        spent, price = self._value(residue), self.case.prices_usd[self.asset]
        if spent is None:
            return True  # without prices the holdings cannot tell
        tolerance = self.case.options.price_tolerance
        more = ZERO if self.intent.amount is not None else self.growth
        return amount * price * (1 - tolerance) <= spent <= (amount + more) * price * (1 + tolerance)

    def _value(self, residue: Mapping[str, Decimal]) -> Decimal | None:
        """USD value of what left; `None` if an asset that moved has no known price."""
        total = ZERO
        for name, change in residue.items():
            price = self.case.prices_usd.get(name)
            if change and price is None:
                return None
            total -= change * (price or ZERO)
        return total

    def _stream_fits(self) -> bool:
        """Whether a stream event took the liability down by what this attempt would repay."""
        expected = self._expected()
        total = self.base[self.asset].debt - self.repaid_before
        for event in self.sighting.events:
            if event.asset != self.asset or event.at_ms < self.base.sent_at_ms:
                continue
            if (
                self.window[0] <= event.at_ms <= self.window[1]
                and expected - self.growth <= total - event.total <= expected + self.growth
                and event.total < total
            ):
                return True
            total = event.total
        return False

    # Weighing them

    def fell(self) -> bool:
        return self._debt().says == "executed" and self._assets().says != "not executed"

    def verdict(self) -> Verdict:
        if self.sighting.server_ms < self.deadline:
            early = Finding(
                "time",
                "either",
                f"the request can take effect until {moment(self.deadline)}; this look is from before that",
            )
            return Verdict("UNDECIDED", "too-early", None, (early,), self._check())
        debt, assets = self._debt(), self._assets()
        streamed = self._stream_fits()
        findings = (
            Finding(
                "time",
                "nothing",
                f"signed {moment(self.intent.signed_at_ms)}; nothing more can come of it since "
                f"{moment(self.deadline)}; before this look the exchange's clock read "
                f"{moment(self.sighting.server_ms)}",
            ),
            Finding("debt", debt.says, debt.text),
            Finding("assets", assets.says, assets.text),
            self._rows_finding(streamed),
        )
        rule, result = self._weigh(debt, assets, row=bool(self.mine) or streamed)
        if result == "UNDECIDED":
            return Verdict(result, rule, None, findings, self._check())
        if result == "PROVEN_NOT_EXECUTED":
            return Verdict(result, rule, ZERO, findings)
        return Verdict(result, rule, self._part() if rule == "partly-executed" else self._whole(), findings)

    def _weigh(self, debt: _Debt, assets: _Assets, *, row: bool) -> tuple[str, Result]:
        if self.pending:
            return "pending", "UNDECIDED"
        executed = self._weigh_executed(debt, assets, row=row)
        if executed is not None:
            return executed, "PROVEN_EXECUTED"
        if row or debt.says == "executed" or (assets.says == "executed" and not self._spent_by_others(debt)):
            return "contradiction", "UNDECIDED"
        not_executed = self._weigh_not(debt, assets)
        if not_executed is not None:
            return not_executed, "PROVEN_NOT_EXECUTED"
        return "disturbed", "UNDECIDED"

    def _weigh_executed(self, debt: _Debt, assets: _Assets, *, row: bool) -> str | None:
        if assets.says == "not executed":
            return None  # nothing was spent: whatever lowered the debt, it was not this
        if debt.says == "executed":
            return "debt-fell"
        if debt.says == "either" and assets.says == "executed":
            return "assets-spent"
        if debt.says in ("either", "neither") and row:
            return "row-fits"
        if debt.says == "neither" and assets.exhausted and self._part() > 0 and self._partly_paid():
            return "partly-executed"
        return None

    def _weigh_not(self, debt: _Debt, assets: _Assets) -> str | None:
        if debt.fits_executed and assets.fits_executed:
            return None  # "executed" explains all of it as well
        if self.intent.amount is None and debt.fits_executed and any(map(self._in_window, self.others)):
            return None  # of a whole debt nobody knows the amount: that repayment of others can be this one
        if self._drained() and not assets.untouched:
            return None  # it may have been executed in part
        # Whatever is seen here, a borrowing can have brought it about beside an execution: it fills the debt and
        # the holdings alike. So nothing is said before the lists show every one until this look.
        flow = "capital-flow" in self.sighting.read
        if not self._lag_over() or not (flow or "loan-record" in self.sighting.read):
            return None
        # With all borrowings known, the debt is enough: nothing else raises it. Where the amount is too small
        # for the debt to tell, the holdings must, and trades and transfers fill those as well.
        if assets.untouched and (debt.too_high or (flow and assets.kept)):
            if debt.fits_not:
                return "nothing-moved"
            if debt.not_lower:
                return "assets-untouched"
        if not debt.fits_not or not debt.too_high:
            return "fell-too-little" if self._fell_too_little() else None
        if assets.says == "not executed":
            return "nothing-more-moved"
        return "debt-stands" if flow else None

    def _spent_by_others(self, debt: _Debt) -> bool:
        """Whether others spent what was spent: they must have repaid, unlisted, what else is gone of the debt.

        Only where the debt fits neither story, so that somebody did.
        """
        if debt.says != "neither":
            return False
        before = self.base[self.asset]
        drifts = self._drifts(self.others) or [ZERO]
        gone = before.debt - self.repaid_before + max(drifts) - self.now[self.asset].debt + self.growth
        return gone > 0 and any(
            self._paid(residue, self.repaid_before, before.free, residue.by_others + gone, self._beside())
            for residue in self._residues(self._payers())
        )

    def _drained(self) -> bool:
        """Whether all that could pay may have been used up at some moment.

        What the lists show to have come in is taken off what is left, since it may have come after that.
        """
        prices, payers = self.case.prices_usd, self._payers()
        left = {name: self.now[name].free for name in payers}
        for row in self.foreign:
            if row.asset in payers and row.amount > 0:
                left[row.asset] -= row.amount
        left_usd = sum((amount * prices.get(name, ZERO) for name, amount in left.items() if amount > 0), ZERO)
        return left_usd <= self._expected() * prices[self.asset] * self.case.options.margin

    def _lag_over(self) -> bool:
        """Whether what was listed is all that happened before the look, the last moment before it included."""
        return self.sighting.lists_all(self.case.options.lists_after_ms)

    def _fell_too_little(self) -> bool:
        """Whether more principal is left than an executed repayment can have left, whoever else repaid.

        Only borrowing raises it, and both lists of borrowings were read after their lag. A repayment in part
        leaves more as well, but it takes all that could pay.
        """
        if not self.sighting.read >= {"capital-flow", "loan-record"}:
            return False
        borrowed = sum((abs(row.amount) for row in self.others if row.kind == "BORROW"), ZERO)
        before, after = self.base[self.asset], self.now[self.asset]
        if self.intent.amount is None:
            return after.borrowed > borrowed
        repaid = self.repaid_before + self.intent.amount
        interest_paid = min(repaid, before.interest + self.growth_by_deadline)
        return after.borrowed > before.borrowed - repaid + borrowed + interest_paid

    def _partly_paid(self) -> bool:
        """Whether the value spent is that of the part of the debt that is gone."""
        return any(
            self._spent(residue.changes, self.repaid_before + self._part())
            for residue in self._residues(self._payers())
        )

    def _whole(self) -> Decimal:
        """What an attempt repaid that was executed as asked: its amount, whatever others did to the debt."""
        if self.intent.amount is None and self.mine:
            return abs(self.mine[0].amount)
        return self._expected()

    def _part(self) -> Decimal:
        """What an attempt repaid that was executed in part, at most: too little would be asked for once more."""
        drifts = self._drifts(self.others) or [ZERO]
        fell = self.base[self.asset].debt - self.repaid_before + max(drifts) - self.now[self.asset].debt
        return min(self._expected(), fell + self.growth) if fell > 0 else ZERO

    def _rows_finding(self, streamed: bool) -> Finding:
        seen: list[str] = [f"{row.source} {row.id} over {to_text(abs(row.amount))} fits" for row in self.mine]
        seen.extend(f"{row.source} {row.id} is PENDING" for row in self.pending)
        if streamed:
            seen.append("a liabilityChange event fits")
        if self.others:
            seen.append(f"{len(self.others)} of others")
        lists = ", ".join(sorted(self.sighting.read)) or "no list"
        text = f"read {lists}: " + (
            "; ".join(seen) if seen else "no row fits, which proves nothing by itself"
        )
        if self.sighting.unread:
            text += "; not read: " + ", ".join(
                f"{name} ({why})" for name, why in self.sighting.unread.items()
            )
        return Finding("rows", "executed" if self.mine or streamed else "nothing", text)

    def _check(self) -> tuple[str, ...]:
        intent = self.intent
        what = "the whole debt" if intent.amount is None else f"{to_text(intent.amount)}"
        attempt = self.case.attempt.id
        return (
            f"Open the repayment history of {self.asset} in the exchange's web interface and look for one of "
            f"{what} {self.asset} between {moment(self.window[0])} and {moment(self.window[1])}.",
            f"Ask everybody who can use this account, and every program that does, whether they repaid or "
            f"borrowed {self.asset} in that time.",
            f"Then settle attempt {attempt}: as executed if that repayment is there and nobody else made it, "
            "otherwise as not executed. Nothing is sent for this account until then.",
        )


def _once(rows: Sequence[Row], slack_ms: int) -> list[Row]:
    """Rows without repeats: one event is listed in the records and in the capital flow, seconds apart."""
    kept: list[Row] = []
    for row in sorted(rows, key=lambda row: row.source != "capital-flow"):
        twin = next(
            (
                other
                for other in kept
                if other.source != row.source
                and other.source == "capital-flow"
                and (other.kind, other.asset, abs(other.amount)) == (row.kind, row.asset, abs(row.amount))
                and abs(other.at_ms - row.at_ms) <= slack_ms
            ),
            None,
        )
        if twin is None or row.status == "PENDING":
            kept.append(row)
    return kept
