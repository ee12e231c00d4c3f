"""An account whose history is acted out, for the tests of the verdict: what happened, and what is shown of it.

Written from the published pages alone. What they leave open is an argument here: which asset pays, whether
interest or principal goes first, which rows stand in which list, when, with which time and amount, how old a
balance is. Acts are done in the order of their times; what the account showed at any moment can be read later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from paydown.repay import LiabilityChange, Options
from paydown.repay.amounts import exact
from paydown.repay.evidence.case import Case, deadline_ms
from paydown.repay.evidence.observation import Observation
from paydown.repay.evidence.rows import Row, Source
from paydown.repay.evidence.snapshot import Holding, Snapshot
from paydown.repay.journal.journal_records import AttemptRecord, Intent
from paydown.repay.journal.states import AttemptState
from paydown.repay.planning.repay_facts import Facts

OWED = "BNB"
FACTS = Facts.documented()
OPTIONS = Options()
PRICES = {"BNB": Decimal(600), "USDT": Decimal(1), "BTC": Decimal(60_000)}
LISTS: frozenset[Source] = frozenset({"repay-record", "loan-record", "capital-flow"})

SIGNED_MS = 1_795_000_000_000
BASE_MS = SIGNED_MS - 1_000
DEAD_MS = deadline_ms(SIGNED_MS, 5_000, FACTS, OPTIONS)
# When a reconciliation looks: at the deadline, and after each pause.
LOOKS_MS = tuple(
    DEAD_MS + sum(OPTIONS.look_again_ms[:count]) for count in range(len(OPTIONS.look_again_ms) + 1)
)

_ROUND_TRIP_MS = 100


@dataclass
class Account:
    """One account that owes BNB.

    Attributes:
        owed: Principal of the debt when the history begins.
        interest: Interest owed then.
        held: What it holds, by asset. Enough for every act: nothing here checks that.
        other_debts: Principal of debts in other assets.
        repaid: When how much of the debt was repaid, by anybody.
        story: What was done, in words, times relative to the timestamp of the attempt.
    """

    owed: str | Decimal = "100"
    interest: str | Decimal = "0"
    held: Mapping[str, str | Decimal] = field(default_factory=lambda: {"USDT": "500000"})
    other_debts: Mapping[str, str | Decimal] = field(default_factory=dict)
    repaid: list[tuple[int, Decimal]] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._borrowed = {OWED: Decimal(self.owed), **{a: Decimal(v) for a, v in self.other_debts.items()}}
        self._interest = Decimal(self.interest)
        self._held = {asset: Decimal(value) for asset, value in self.held.items()}
        self._rows: list[tuple[int, Row]] = []
        self._shown: list[tuple[int, dict[str, Holding]]] = []
        self._save(
            SIGNED_MS - 10**9, f"owed {self.owed} and {self.interest} interest, held {dict(self.held)}"
        )

    @property
    def debt(self) -> Decimal:
        """What is owed now, interest included."""
        with exact():
            return self._borrowed[OWED] + self._interest

    def repay(
        self,
        at_ms: int,
        amount: str | Decimal | None = None,
        *,
        payers: Mapping[str, str | Decimal] | None = None,
        own_first: bool = True,
        interest_first: bool = True,
        price: str | Decimal = "1",
    ) -> Decimal:
        """Lower the debt by `amount`, or to nothing, and take its value from the payers by their shares."""
        with exact():
            value = self.debt if amount is None else min(Decimal(amount), self.debt)
            interest = min(self._interest, value)
            if not interest_first:
                interest = max(Decimal(0), value - self._borrowed[OWED])
            self._interest -= interest
            self._borrowed[OWED] -= value - interest
            own = min(self._held.get(OWED, Decimal(0)), value) if own_first else Decimal(0)
            self._add(OWED, -own)
            for asset, share in (payers or {"USDT": "1"}).items():
                worth = (value - own) * PRICES[OWED] * Decimal(price) * Decimal(share)
                self._add(asset, -worth / PRICES.get(asset, Decimal(1)))
        self.repaid.append((at_ms, value))
        self._save(at_ms, f"repaid {value}, payers {dict(payers or {'USDT': '1'})}, own first {own_first}")
        return value

    def borrow(self, at_ms: int, amount: str | Decimal, *, keep: bool = True) -> None:
        """Raise the debt; what was borrowed stays in the account, or leaves it at once."""
        with exact():
            self._borrowed[OWED] += Decimal(amount)
            if keep:
                self._add(OWED, Decimal(amount))
        self._save(at_ms, f"borrowed {amount}, {'kept' if keep else 'taken away'}")

    def move(self, at_ms: int, asset: str, change: str | Decimal) -> None:
        """Let a trade or a transfer change what is held."""
        with exact():
            self._add(asset, Decimal(change))
        self._save(at_ms, f"{asset} changed by {change}")

    def charge(self, at_ms: int, interest: str | Decimal) -> None:
        """Charge interest."""
        with exact():
            self._interest += Decimal(interest)
        self._save(at_ms, f"charged {interest}")

    def list(
        self,
        source: Source,
        kind: str,
        amount: str | Decimal,
        at_ms: int,
        *,
        shown_ms: int | None = None,
        status: str | None = "CONFIRMED",
        asset: str = OWED,
    ) -> None:
        """Add a row that can be read from `shown_ms` on."""
        value = Decimal(amount)
        if source == "capital-flow":
            status = None
            value = -value if kind == "REPAY" else value
        row = Row(source, str(len(self._rows) + 1), kind, asset, value, at_ms, status)
        shown_ms = at_ms if shown_ms is None else shown_ms
        self._rows.append((shown_ms, row))
        self.story.append(
            f"  listed in {source}: {kind} {value} {status} at {at_ms - SIGNED_MS:+} ms,"
            f" shown from {shown_ms - SIGNED_MS:+} ms"
        )

    def snapshot(self, at_ms: int, *, age_ms: int = 0) -> Snapshot:
        """Read all balances, as they were `age_ms` ago."""
        assets = next(assets for then, assets in reversed(self._shown) if then <= at_ms - age_ms)
        return Snapshot.of(at_ms, at_ms + _ROUND_TRIP_MS, assets.items())

    def observation(
        self,
        at_ms: int,
        *,
        since_ms: int = BASE_MS,
        age_ms: int = 0,
        read: Collection[Source] = LISTS,
        events: tuple[LiabilityChange, ...] = (),
    ) -> Observation:
        """Read balances and lists as a reconciliation does, from a little before the look at `since_ms` on."""
        from_ms = since_ms - OPTIONS.near_ms - OPTIONS.clock_slack_ms
        rows = tuple(
            row
            for shown_ms, row in self._rows
            if shown_ms <= at_ms and row.at_ms >= from_ms and row.source in read
        )
        unread = dict.fromkeys(sorted(LISTS - frozenset(read)), "503")
        return Observation(at_ms, self.snapshot(at_ms, age_ms=age_ms), rows, events, frozenset(read), unread)

    def _add(self, asset: str, change: Decimal) -> None:
        self._held[asset] = self._held.get(asset, Decimal(0)) + change

    def _save(self, at_ms: int, what: str) -> None:
        if self._shown and at_ms < self._shown[-1][0]:
            raise ValueError(
                f"acts go by the order of their times, and {at_ms} is before {self._shown[-1][0]}"
            )
        holdings = {
            asset: Holding(
                self._borrowed.get(asset, Decimal(0)),
                self._interest if asset == OWED else Decimal(0),
                self._held.get(asset, Decimal(0)),
            )
            for asset in {*self._borrowed, *self._held}
        }
        self._shown.append((at_ms, holdings))
        self.story.append(f"{at_ms - SIGNED_MS:+} ms: {what}")


def attempt(
    amount: str | Decimal | None,
    before: Snapshot,
    *,
    attempt_id: str = "lost",
    signed_ms: int = SIGNED_MS,
    pay_with: tuple[str, ...] = ("USDT",),
    since: tuple[str, ...] = (),
    executed: bool = False,
) -> AttemptRecord:
    """Record an attempt: in doubt, or answered as executed."""
    with exact():
        value = before[OWED].debt if amount is None else Decimal(amount)
    sent = None if amount is None else value
    intent = Intent(attempt_id, 1, OWED, sent, value, pay_with, before, since, signed_ms, 5_000)
    state = AttemptState.EXECUTED if executed else AttemptState.UNKNOWN
    return AttemptRecord(intent, "plan", state, {}, value if executed else None, signed_ms, None)


def case(
    tried: AttemptRecord,
    *,
    prior: tuple[AttemptRecord, ...] = (),
    near: tuple[AttemptRecord, ...] = (),
    prices: Mapping[str, Decimal] = PRICES,
    signs: frozenset[str] = frozenset(),
) -> Case:
    """Put an attempt in doubt with what is known around it."""
    return Case(tried, prior, prices, FACTS, OPTIONS, near=(*prior, *near), signs=signs)
