"""Histories of an account, drawn for Hypothesis: what the published pages leave open, and what other users may do.

Assumed away, so not drawn: an execution of a tenth or less, one later than three minutes, a late one of a part, and a
borrowing in no list that refills the payer as well as the debt, or that meets an execution in part or late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import strategies as st

from paydown.repay.amounts import exact
from paydown.repay.evidence.case import Case
from paydown.repay.evidence.observation import Observation
from paydown.repay.evidence.rows import Source
from tests.repay.evidence.drawn_books import (
    DEAD_MS,
    LISTS,
    LOOKS_MS,
    OPTIONS,
    OWED,
    PRICES,
    SIGNED_MS,
    Account,
    attempt,
    case,
)

RECORD: Source = "repay-record"
LOAN: Source = "loan-record"
FLOW: Source = "capital-flow"

Act = Callable[[Account], object]


@dataclass(frozen=True, repr=False)
class Drawn:
    """A history: the case, what was seen of it, and what truly happened."""

    case: Case
    observations: tuple[Observation, ...]
    account: Account
    repaid_by_this: Decimal

    def __repr__(self) -> str:
        """Print the history, so that a failing one can be read."""
        snapshots = [
            f"{seen.server_ms - SIGNED_MS:+} ms: {seen.snapshot[OWED]}, read {sorted(seen.read)}"
            for seen in self.observations
        ]
        base = self.case.base
        return "\n".join(
            [
                f"asked {self.case.attempt.intent.amount}, pay with {self.case.attempt.intent.pay_with}",
                f"base {base.sent_at_ms - SIGNED_MS:+} ms: {base[OWED]}",
                *self.account.story,
                *snapshots,
            ]
        )


SHARES = [Decimal(text) for text in ("1", "1", "0.5", "0.05", "0.1", "0.9", "1.1", "0.45")]
OFF_MS = st.one_of(st.sampled_from([0, 0, 0, -30_000, 30_000, -1_100]), st.integers(-30_000, 30_000))
LATE_MS = st.one_of(st.sampled_from([0, 0, 0, 30_000]), st.integers(0, 30_000))
AGES_MS = st.one_of(st.sampled_from([0, 0, 5_000]), st.integers(0, 5_000))
PAYERS = [{"USDT": "1"}, {"BTC": "1"}, {"USDT": "0.5", "BTC": "0.5"}, {"XYZ": "1"}]


def parts_of(shape: str, value: Decimal) -> list[Decimal]:
    """The rows that one repayment leaves."""
    with exact():
        return {
            "none": [],
            "one": [value],
            "split": [value * Decimal("0.3"), value * Decimal("0.7")],
            "interest apart": [value * Decimal("0.05"), value * Decimal("0.95")],
            "with a fee": [value * Decimal("1.001")],
            "less a fee": [value * Decimal("0.999")],
            "1e-8 more": [value + Decimal("1e-8")],
        }[shape]


def rows_drawn(draw: st.DrawFn) -> Callable[[Account, int, Decimal], None]:
    """Choose how a repayment is listed; the answer lists one."""
    shape = draw(
        st.sampled_from(["none", "one", "split", "interest apart", "with a fee", "less a fee", "1e-8 more"])
    )
    sources = draw(st.sampled_from([(RECORD,), (FLOW,), (RECORD, FLOW)]))
    times = [(draw(OFF_MS), draw(LATE_MS)) for _ in sources]

    def listed(account: Account, at_ms: int, value: Decimal) -> None:
        for source, (off_ms, late_ms) in zip(sources, times, strict=True):
            for part in parts_of(shape, value):
                account.list(source, "REPAY", part, at_ms + off_ms, shown_ms=at_ms + late_ms)

    return listed


def stranger_drawn(draw: st.DrawFn, asked: Decimal, *, may_give: bool) -> tuple[int, Act]:
    """Choose what another user does, and when."""
    at_ms = SIGNED_MS + draw(st.one_of(st.integers(-35_000, 30_000), st.integers(-70_000, 200_000)))
    amount = asked * draw(st.sampled_from(SHARES))
    kind = draw(st.sampled_from(["borrow", "borrow", "repay", "move", "charge"]))
    if kind == "repay":
        listed, shown = rows_drawn(draw), draw(st.booleans())

        def others_repay(account: Account) -> None:
            value = account.repay(at_ms, amount)
            if shown:
                listed(account, at_ms, value)

        return at_ms, others_repay
    if kind == "move":
        sign = draw(st.sampled_from([-1, 1])) if may_give else -1
        return at_ms, lambda account: account.move(at_ms, "USDT", amount * PRICES[OWED] * sign)
    if kind == "charge":
        rate = OPTIONS.max_daily_interest / 24 * draw(st.sampled_from([Decimal(1), Decimal("0.01")]))
        return at_ms, lambda account: account.charge(at_ms, account.debt * rate * Decimal("0.99"))
    keep = may_give and draw(st.booleans())
    sources = draw(st.sampled_from([(LOAN,), (FLOW,), (LOAN, FLOW)]))
    times = [(draw(OFF_MS), draw(LATE_MS)) for _ in sources]

    def others_borrow(account: Account) -> None:
        account.borrow(at_ms, amount, keep=keep)
        for source, (off_ms, late_ms) in zip(sources, times, strict=True):
            account.list(source, "BORROW", amount, at_ms + off_ms, shown_ms=at_ms + late_ms)

    return at_ms, others_borrow


@st.composite
def histories(
    draw: st.DrawFn,
    *,
    executed: bool,
    strangers: int = 3,
    odd: bool = True,
    shares: Sequence[str] = ("0.0005", "0.01", "0.1", "0.5", "0.97"),
) -> Drawn:
    """Draw one history. `odd` adds what is rare: parts, late ends, unlisted borrowings, lists that fail."""
    owed = draw(st.sampled_from([Decimal(100), Decimal(1000)]))
    interest = draw(st.sampled_from([Decimal(0), Decimal("0.4"), Decimal(3)]))
    whole = draw(st.integers(0, 6)) == 0
    asked = owed + interest if whole else owed * Decimal(draw(st.sampled_from(shares)))
    own = asked * draw(st.sampled_from([Decimal(0), Decimal(0), Decimal("0.5"), Decimal(2)]))
    account = Account(owed, interest, {"USDT": "10000000", "BTC": "1000", "XYZ": "1000000000", OWED: own})
    pay_with = draw(st.sampled_from([("USDT",), ("USDT", "BTC", "XYZ"), ()]))

    long_plan = draw(st.booleans()) and asked < owed / 3
    base_ms = SIGNED_MS - (60_000 if long_plan else draw(st.sampled_from([20, 1_000, 3_000])))
    base_age_ms = draw(AGES_MS)
    acts: list[tuple[int, Act]] = []
    prior: list[tuple[str, int, Decimal]] = []
    for count in range(draw(st.integers(0, 2)) if long_plan else 0):
        at_ms = base_ms + 1_000 + count * 15_000 + draw(st.integers(0, 5_000))
        amount = asked * draw(st.sampled_from([Decimal(1), Decimal("0.3")])) + (count + 1) * Decimal("1e-8")
        listed = rows_drawn(draw)
        prior.append((f"prior{count}", at_ms, amount))
        acts.append(
            (
                at_ms,
                lambda a, at_ms=at_ms, amount=amount, listed=listed: listed(a, at_ms, a.repay(at_ms, amount)),
            )
        )

    unlisted = odd and executed and draw(st.integers(0, 3)) == 0
    late = odd and not unlisted and draw(st.integers(0, 4)) == 0
    in_part = odd and not unlisted and not late and draw(st.integers(0, 2)) == 0
    done: list[Decimal] = []
    if executed:
        part = (
            Decimal(draw(st.sampled_from(["0.999", "0.98", "0.9", "0.5", "0.12"]))) if in_part else Decimal(1)
        )
        at_ms = SIGNED_MS + draw(st.integers(0, 174_000 if late else 9_999))
        payers = draw(st.sampled_from(PAYERS if odd else PAYERS[:1]))
        price = draw(st.sampled_from(["0.92", "1", "1.08"]))
        interest_first, listed = draw(st.booleans()), rows_drawn(draw)
        own_first = not unlisted and (not odd or draw(st.booleans()))

        def ours(account: Account) -> None:
            amount = (account.debt if whole else asked) * part
            how = {"payers": payers, "own_first": own_first, "interest_first": interest_first, "price": price}
            value = account.repay(at_ms, amount, **how)  # type: ignore[arg-type]  # keywords of Account.repay
            listed(account, at_ms, value)
            done.append(value)

        acts.append((at_ms, ours))
        if unlisted:
            then_ms = SIGNED_MS + draw(st.integers(-5_000, 24_000))
            keep = then_ms > at_ms and not prior and draw(st.booleans())
            amount = asked * draw(st.sampled_from([Decimal(1), Decimal("0.95"), Decimal("1.05")]))
            acts.append((then_ms, lambda a: a.borrow(then_ms, amount, keep=keep)))
    for _ in range(draw(st.integers(0, strangers))):
        acts.append(stranger_drawn(draw, asked, may_give=not unlisted))
    for _, act in sorted(acts, key=lambda one: one[0]):
        with exact():
            act(account)

    before = account.snapshot(base_ms, age_ms=base_age_ms)
    confirmed = tuple(
        attempt(amount, before, attempt_id=name, signed_ms=at_ms - 100, executed=True)
        for name, at_ms, amount in prior
    )
    tried = attempt(
        None if whole else asked, before, pay_with=pay_with, since=tuple(one.id for one in confirmed)
    )
    times = list(LOOKS_MS)
    if odd and draw(st.booleans()):
        pauses = st.sampled_from([1_000, 10_000, 32_000, 60_000, 120_000])
        times = [DEAD_MS + draw(st.integers(0, 100_000))]
        for _ in range(4):
            times.append(times[-1] + draw(pauses))
    read = [LISTS] * len(times)
    if odd and draw(st.integers(0, 9)) == 0:
        read[draw(st.integers(0, len(times) - 1))] = LISTS - {draw(st.sampled_from(sorted(LISTS)))}
    observations = tuple(
        account.observation(at_ms, since_ms=base_ms, age_ms=draw(AGES_MS), read=lists)
        for at_ms, lists in zip(times, read, strict=True)
    )
    return Drawn(case(tried, prior=confirmed), observations, account, sum(done, Decimal(0)))
