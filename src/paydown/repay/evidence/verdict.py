"""After a lost answer: tell from evidence whether a repayment happened.

One question is asked of the debt: *by how much did it fall* since just before the request left, what
others borrowed counted in? The answer is a span, since the time of a row, the interest and the list
of borrowings are uncertain:

    least   only borrowings that surely came in between are counted in
    most    every borrowing that is listed near is, and all interest that can have accrued

    executed        the debt fell by what was asked, and something that could pay is spent; or a row
                    of the very amount is there and the debt does not stand
    not executed    the debt stood, in two looks apart, and nothing else allows for an execution:
                    no later look shows the fall, no repayment row is near the attempt that may be
                    this one in whole or in part, what could pay is still there, every list was read
                    late enough to show all borrowings, and `not_before_ms` is over
    undecided       everything else

The two mistakes are not alike. Taking a lost repayment for executed leaves a debt that the next look
shows. Taking an executed one for lost pays twice. So doubt only ever widens with what is unexplained:
no repayment row, no trade and no price is used to explain a fall away. `docs/never-twice.md` gives each
rule its argument and names what is still assumed.

Pure functions: no clock, no I/O. `recovery` brings the sightings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Literal

from paydown.repay.amounts import ZERO, ceil_to, exact, to_text
from paydown.repay.evidence.observed import Row, Sighting
from paydown.repay.evidence.snapshot import Look
from paydown.repay.journal.journal import AttemptRecord
from paydown.repay.planning.plan import moment
from paydown.repay.planning.repay_facts import Facts
from paydown.repay.repay_options import Options

__all__ = [
    "LATE_EXECUTION",
    "REFUSALS_LIE",
    "RULES",
    "Case",
    "Fall",
    "Finding",
    "Result",
    "Says",
    "Verdict",
    "deadline_ms",
    "judge",
    "may_have_fallen",
    "most_borrowed",
]

Says = Literal["executed", "not executed", "either", "neither", "nothing"]
Result = Literal["PROVEN_EXECUTED", "PROVEN_NOT_EXECUTED", "UNDECIDED"]

LATE_EXECUTION = "late-execution"
"""Sign: a debt that stood after the deadline fell by the amount later. From then on "not executed" waits longer."""

REFUSALS_LIE = "refusals-lie"
"""Sign: a refusal was contradicted by the debt. From then on every refusal is judged like a lost answer."""

# How many rows near an attempt a person is shown; each repayment may stand in two lists.
_ROWS_SHOWN = 4

RULES: Mapping[str, Result] = {
    "debt-fell": "PROVEN_EXECUTED",
    "row-fits": "PROVEN_EXECUTED",
    "debt-stood": "PROVEN_NOT_EXECUTED",
    "too-early": "UNDECIDED",
    "pending": "UNDECIDED",
    "fell-later": "UNDECIDED",
    "disturbed": "UNDECIDED",
    "rows-near": "UNDECIDED",
    "holdings-fell": "UNDECIDED",
    "lists-unread": "UNDECIDED",
    "stands-so-far": "UNDECIDED",
}
"""Every rule of the judge and what it proves; `docs/never-twice.md` argues for each."""

_HOUR_MS = 3_600_000
_EVERY_LIST = frozenset({"repay-record", "loan-record", "capital-flow"})

_SAYS: Mapping[Result, Says] = {
    "PROVEN_EXECUTED": "executed",
    "PROVEN_NOT_EXECUTED": "not executed",
    "UNDECIDED": "either",
}

# Combinations of more rows than this are not tried: 2^8 are cheap, and more rows leave any sum possible.
_MOST_COMBINED = 8

# Two lists tell of one borrowing at times that lie apart by no more than this much. Further apart, up to the lag of
# the lists, it may be one or two: then it is counted once for `least` and twice for `most`.
_SAME_MOMENT_MS = 4_000


@dataclass(frozen=True, slots=True)
class Case:
    """An attempt in doubt, with what is known around it.

    Attributes:
        attempt: The attempt.
        prior: Attempts that were answered as executed between the last look and this attempt.
        near: Every other attempt of the account that was executed about that time, `prior` included.
        prices_usd: USD per unit, by asset, from the plan.
        facts: What the document says.
        options: Thresholds.
        signs: Signs seen on this account that a reading holds which is usually assumed away.
    """

    attempt: AttemptRecord
    prior: tuple[AttemptRecord, ...]
    prices_usd: Mapping[str, Decimal]
    facts: Facts
    options: Options
    near: tuple[AttemptRecord, ...] = ()
    signs: frozenset[str] = frozenset()

    @property
    def asset(self) -> str:
        """The asset owed."""
        return self.attempt.intent.asset

    @property
    def base(self) -> Look:
        """The look before the attempt."""
        return self.attempt.intent.before

    @property
    def repaid_before(self) -> Decimal:
        """What the prior attempts asked for: a look may say less, an answer may not."""
        return sum((one.intent.expected for one in self.prior), ZERO)

    @property
    def asked(self) -> Decimal:
        """How much this attempt repays if it is executed: its amount, or the debt of that moment."""
        amount = self.attempt.intent.amount
        return self.base[self.asset].debt - self.repaid_before if amount is None else amount

    @property
    def deadline_ms(self) -> int:
        """See `deadline_ms`."""
        intent = self.attempt.intent
        return deadline_ms(intent.signed_at_ms, intent.recv_window_ms, self.facts, self.options)

    @property
    def not_before_ms(self) -> int:
        """From when on "not executed" may be said."""
        late = LATE_EXECUTION in self.signs
        options = self.options
        return self.attempt.intent.signed_at_ms + (
            options.not_before_late_ms if late else options.not_before_ms
        )


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
class Fall:
    """By how much the debt fell since the base look, as a span; negative if it rose. `alone` counts no borrowing in."""

    least: Decimal
    most: Decimal
    alone: Decimal


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence proves.

    Attributes:
        result: The state it proves, or "UNDECIDED".
        rule: Name of the rule that decided, as in `docs/never-twice.md`.
        repaid: How much of the debt the attempt repaid: zero if not executed, `None` if undecided.
        findings: What each witness says.
        check: What a person should look at, for an undecided attempt, and the commands to type.
        signs: Signs that a reading holds which is usually assumed away.
    """

    result: Result
    rule: str
    repaid: Decimal | None
    findings: tuple[Finding, ...]
    check: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether the attempt is proven one way or the other."""
        return self.result != "UNDECIDED"

    def to_json(self) -> dict[str, object]:
        """Plain data; stored with the sightings that led to it."""
        return {
            "result": self.result,
            "rule": self.rule,
            "repaid": None if self.repaid is None else to_text(self.repaid),
            "findings": [finding.to_json() for finding in self.findings],
            "check": list(self.check),
            "signs": list(self.signs),
        }


def deadline_ms(signed_at_ms: int, recv_window_ms: int, facts: Facts, options: Options) -> int:
    """From this moment on, on the exchange's clock, an attempt that did not happen never will.

    The exchange accepts a request only while `serverTime - timestamp <= recvWindow` (documented). An accepted
    one may run for as long as we would have waited for its answer. After both, `settle_ms` for the back end.
    """
    last_accepted = facts.no_acceptance_after_ms(signed_at_ms, recv_window_ms)
    return max(last_accepted, signed_at_ms + facts.answer_timeout_ms) + options.settle_ms


def judge(case: Case, sightings: Sequence[Sighting]) -> Verdict:
    """Say what the looks since an attempt prove, all of them judged by the newest lists.

    Args:
        case: The attempt and what is known around it.
        sightings: Everything that was seen since, oldest first; at least one.

    Returns:
        The verdict. An undecided one may be decided by a later sighting.
    """
    with exact():
        newest = sightings[-1]
        if newest.server_ms < case.deadline_ms:
            until = moment(case.deadline_ms)
            early = Finding(
                "time",
                "either",
                f"the request can take effect until {until}; this look is from before that",
            )
            return Verdict("UNDECIDED", "too-early", None, (early,), _check(case, sightings))
        seen = [one for one in sightings if one.server_ms >= case.deadline_ms]
        rule = _weigh(case, seen)
        result = RULES[rule]
        signs = (LATE_EXECUTION,) if rule == "fell-later" else ()
        findings = _findings(case, seen, result)
        if result == "UNDECIDED":
            return Verdict(result, rule, None, findings, _check(case, seen), signs)
        repaid = case.asked if result == "PROVEN_EXECUTED" else ZERO
        return Verdict(result, rule, repaid, findings, (), signs)


def may_have_fallen(case: Case, sighting: Sighting) -> bool:
    """Whether a refused attempt may have been executed: the debt may be lower by half of what it asked, or half of the
    value is gone from what could pay, where a borrowing that no list shows could hide the fall."""
    with exact():
        fell = fall_of(case, sighting.look, sighting.rows).most >= case.asked / 2
        return fell or not _still_there(case, sighting.look, sighting.rows)


def most_borrowed(asset: str, rows: Iterable[Row]) -> Decimal:
    """The most that the lists show to have been borrowed of an asset."""
    with exact():
        return _borrowed(_borrowings(asset, rows), 0)[1]


# The debt


def fall_of(case: Case, look: Look, rows: Iterable[Row]) -> Fall:
    """By how much the debt fell between the base look and this one, our own confirmed pieces taken away."""
    edge, base, asset = case.options.edge_ms, case.base, case.asset
    listed = _borrowings(asset, rows)
    sure, _ = _borrowed([row for row in listed if _surely_between(case, row, look)], edge)
    _, possible = _borrowed(
        [row for row in listed if base.sent_at_ms - edge <= row.at_ms <= look.answered_at_ms + edge], edge
    )
    before, after = base[asset], look[asset]
    fell = before.debt - case.repaid_before - after.debt
    # Interest only adds to what is owed, so no less was repaid than the principal fell by.
    alone = max(fell, before.borrowed - case.repaid_before - after.borrowed)
    if after.interest >= before.interest and _untouched(case, look):
        # Nothing of the interest is gone and nothing at all has moved in the account, so interest that was repaid and
        # charged anew explains nothing: the principal alone tells. A tiny amount would drown in the bound otherwise.
        return Fall(alone + sure, alone + possible, alone)
    return Fall(alone + sure, fell + possible + _interest(case, look, possible), alone)


def _surely_between(case: Case, row: Row, look: Look) -> bool:
    """Whether a row tells of something after the base look and before this one, however wrong its time is."""
    edge = case.options.edge_ms
    return case.base.answered_at_ms + edge < row.at_ms < look.sent_at_ms - edge


def _untouched(case: Case, look: Look) -> bool:
    """Whether no asset is held in another amount than before, to the last digit."""
    names = {*case.base.assets, *look.assets}
    return all(case.base[name].held == look[name].held for name in names)


def _interest(case: Case, look: Look, borrowed: Decimal) -> Decimal:
    """The most interest that can have accrued between base and look, whatever the hour it is charged at."""
    hours = look.answered_at_ms // _HOUR_MS - case.base.sent_at_ms // _HOUR_MS + 1
    return (case.base[case.asset].debt + borrowed) * case.options.max_daily_interest / 24 * hours


def _borrowings(asset: str, rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.asset == asset and row.kind == "BORROW" and row.status != "FAILED"]


def _borrowed(rows: Sequence[Row], near_ms: int) -> tuple[Decimal, Decimal]:
    """The least and the most that these rows say was borrowed: one borrowing may stand in two lists."""
    records = [row for row in rows if row.source != "capital-flow"]
    least = most = sum((abs(row.amount) for row in records), ZERO)
    for flow in (row for row in rows if row.source == "capital-flow"):
        amount = abs(flow.amount)
        twins = [(abs(row.at_ms - flow.at_ms), row) for row in records if abs(row.amount) == amount]
        apart, twin = min(twins, key=lambda pair: pair[0], default=(0, None))
        if twin is None or apart > max(2 * near_ms, _SAME_MOMENT_MS):
            least += amount
            most += amount
            continue
        records.remove(twin)
        if apart > _SAME_MOMENT_MS:
            most += amount
    return least, most


# The rows


def _near_rows(case: Case, rows: Iterable[Row]) -> list[Row]:
    """Repayment rows of a time at which this attempt may have left them: it in whole, or a part of it."""
    intent, options = case.attempt.intent, case.options
    # From the earliest that a record clock can say, to the latest execution stamped as late as is considered.
    first = intent.signed_at_ms - case.facts.future_tolerance_ms - options.clock_slack_ms
    last = case.deadline_ms - options.settle_ms + options.near_ms + options.clock_slack_ms
    return [row for row in _repayments(case, rows) if first <= row.at_ms <= last]


def _repayments(case: Case, rows: Iterable[Row]) -> list[Row]:
    kinds = ("REPAY", "REPAY_LIQUIDATION")
    return [row for row in rows if row.asset == case.asset and row.kind in kinds and row.status != "FAILED"]


def _unexplained(case: Case, rows: Sequence[Row]) -> bool:
    """Whether rows may be of an attempt that stood: near it, or of its very amount at any time.

    How many rows a repayment leaves, and with which amounts, is not published, so rows near it count by their sum, per
    list, less what our own confirmed pieces explain: a piece whose very row is listed explains no other. A row that is
    larger than the amount and its fee is no part of this attempt.
    """
    fee, listed = 1 + case.options.fee_share, _repayments(case, rows)
    near = _near_rows(case, rows)
    for source in sorted({row.source for row in listed}):
        left = [row for row in listed if row.source == source]
        room = ZERO
        for piece in case.near:
            own = next((row for row in left if abs(row.amount) == piece.intent.expected), None)
            if own is None:
                room += piece.intent.expected * fee
            else:
                left.remove(own)
        if any(abs(row.amount) == case.attempt.intent.amount for row in left):
            return True
        parts = [abs(row.amount) for row in left if row in near and abs(row.amount) <= case.asked * fee]
        if sum(parts, ZERO) - room >= case.asked * case.options.stands_share:
            return True
    return False


def _exact_row(case: Case, rows: Iterable[Row]) -> bool:
    """Whether a row names the very amount. No two attempts of a plan ask for the same one."""
    amount = case.attempt.intent.amount
    if amount is None or any(one.intent.amount == amount for one in case.near):
        return False
    return any(abs(row.amount) == amount and row.status != "PENDING" for row in rows)


# What could pay


def _spent_usd(case: Case, look: Look, rows: Iterable[Row], *, lent: bool = False) -> Decimal | None:
    """USD value by which what could pay is poorer, whatever else grew; `None` if that cannot be valued.

    What the lists show to have come in is added: it can stand where something was spent. What they show to have left
    is taken off only where one row is worth more than this attempt can have spent: any smaller one may be its own.

    Args:
        case: The case.
        look: The look that is compared with the one before the attempt.
        rows: What the lists show.
        lent: Whether what was borrowed counts as having come in too. Its proceeds may be spent elsewhere at once.
    """
    prices, price = case.prices_usd, case.prices_usd.get(case.asset)
    if price is None:
        return None
    too_large = case.asked * price * (1 + case.options.spent_share)
    moved: dict[str, Decimal] = {}
    for row in rows:
        inside = case.base.sent_at_ms - case.options.clock_slack_ms <= row.at_ms <= look.answered_at_ms
        if row.kind == "BORROW":
            inside = lent and _surely_between(case, row, look)
        if row.source != "capital-flow" or row.kind == "REPAY" or not inside:
            continue
        if row.amount > 0 or -row.amount * prices.get(row.asset, ZERO) > too_large:
            moved[row.asset] = moved.get(row.asset, ZERO) + row.amount
    total = ZERO
    for name in _payers(case, look):
        gone = case.base[name].held - look[name].held + moved.get(name, ZERO)
        if gone > 0:
            if name not in prices:
                return None
            total += gone * prices[name]
    return total


def _payers(case: Case, look: Look) -> set[str]:
    """Every asset that can have paid: whether one that was not named ever does is not published."""
    return {case.asset, *case.base.assets, *look.assets}


def _spent_enough(case: Case, look: Look, rows: Sequence[Row], share: Decimal) -> bool:
    """Whether what could pay is poorer by that share of the value that was asked, or at all where `share` is zero.

    What our confirmed pieces spent is no sign of this one. What was borrowed in between may have been spent or kept, so
    both ways of reckoning are tried.
    """
    price = case.prices_usd.get(case.asset)
    spent = [_spent_usd(case, look, rows), _spent_usd(case, look, rows, lent=True)]
    if share == 0:
        poorer = any(look[name].held < case.base[name].held for name in _payers(case, look))
        return poorer or any(one is not None and one > 0 for one in spent)
    if price is None:
        return False
    wanted = (case.repaid_before + case.asked * share) * price
    return any(one is not None and one >= wanted for one in spent)


def _still_there(case: Case, look: Look, rows: Iterable[Row]) -> bool:
    """Whether less than half of the value that was asked is gone from what could pay.

    A borrowing that no list shows refills the debt that an execution lowered, but it leaves the payer poorer.
    """
    price, spent = case.prices_usd.get(case.asset), _spent_usd(case, look, rows)
    if spent is None or price is None:
        return False
    options = case.options
    allowed = case.repaid_before * price * (1 + options.price_tolerance)
    return spent - allowed < case.asked * price * options.spent_share


# Weighing


def _weigh(case: Case, seen: Sequence[Sighting]) -> str:
    """The first rule that applies."""
    newest = seen[-1]
    rows = newest.rows
    near = _near_rows(case, rows)
    if any(row.status == "PENDING" for row in near):
        return "pending"
    falls = [fall_of(case, one.look, rows) for one in seen]
    stood = _stood_apart(case, seen, falls)
    if not stood:
        # A listed repayment of another amount that is all of the fall, to the last digit, is no sign of this one.
        others = any(_all_of_it(case, fall, near) for fall in falls)
        looks = [one.look for one in seen]
        if not others and any(_fell(case, fall, look, rows) for fall, look in zip(falls, looks, strict=True)):
            return "debt-fell"
        fits = _exact_row(case, near) and _fits(case, falls[-1], newest.look, rows)
        return "row-fits" if fits else "disturbed"
    if not all(_can_stand(case, fall) for fall in falls):
        return "fell-later"
    if _unexplained(case, rows):
        return "rows-near"
    if not all(_still_there(case, one.look, rows) for one in seen):
        return "holdings-fell"
    if newest.read < _EVERY_LIST:
        return "lists-unread"
    listed_ms = stood[-1].look.answered_at_ms + case.options.lists_after_ms
    if newest.server_ms < max(case.not_before_ms, listed_ms):
        return "stands-so-far"
    return "debt-stood"


def _stands(case: Case, fall: Fall) -> bool:
    """Whether the debt is where it was, to a tenth of what was asked, even if every uncertain borrowing counts in.

    If it is higher than even that leaves, the lists lack a borrowing, and one that they lack could hide an execution.
    """
    room = case.asked * case.options.stands_share
    return -room <= fall.most <= room


def _can_stand(case: Case, fall: Fall) -> bool:
    """Whether the debt may be where it was, with some of the borrowings that are uncertain counted in."""
    room = case.asked * case.options.stands_share
    return fall.least <= room and fall.most >= -room


def _stood_apart(case: Case, seen: Sequence[Sighting], falls: Sequence[Fall]) -> list[Sighting]:
    """The first looks that show the debt where it was, as many as it takes until they are far enough apart.

    No look before the last of them may say for sure that the debt was anywhere else: a debt that came back to where
    it was proves nothing.
    """
    found: list[Sighting] = []
    for one, fall in zip(seen, falls, strict=True):
        if not _can_stand(case, fall):
            return []
        if _stands(case, fall):
            found.append(one)
            if one.look.sent_at_ms - found[0].look.answered_at_ms >= case.options.looks_apart_ms:
                return found
    return []


def _fell(case: Case, fall: Fall, look: Look, rows: Sequence[Row]) -> bool:
    """Whether the debt fell by what was asked, and something that could pay is spent.

    A larger fall needs rows of others that explain what is more, and leave this one: a stranger who repaid three times
    as much does not prove that we did. Where the fall shows only with listed borrowings counted in, which may be listed
    before the debt rises, what could pay must be poorer by most of the value.
    """
    options, asked = case.options, case.asked
    if case.attempt.intent.amount is None and look[case.asset].debt == 0:
        return asked > 0
    if fall.least < asked * options.fell_share or fall.most < asked * options.fell_most_share:
        return False
    certain = fall.alone >= asked * options.fell_share
    if not _spent_enough(case, look, rows, ZERO if certain else options.fell_spent_share):
        return False
    room = asked * options.fee_share
    more = fall.least - asked
    return more <= room or any(abs(other - more) <= room for other in _sums_of_others(case, look, rows))


def _all_of_it(case: Case, fall: Fall, near: Iterable[Row]) -> bool:
    """Whether one row near names what the debt fell by, and that is not what was asked."""
    amount = case.attempt.intent.amount
    return amount not in (None, fall.alone) and any(abs(row.amount) == fall.alone for row in near)


def _fits(case: Case, fall: Fall, look: Look, rows: Sequence[Row]) -> bool:
    """Whether the debt does not deny a row of the very amount: it does not stand, or most of the value was spent."""
    if not _can_stand(case, fall):
        return True
    fell = fall.most >= case.asked * case.options.fell_most_share
    return fell and _spent_enough(case, look, rows, case.options.fell_spent_share)


def _sums_of_others(case: Case, look: Look, rows: Iterable[Row]) -> list[Decimal]:
    """What some of the listed repayments come to, in every combination; a row in two lists counts once."""
    first, last = case.base.sent_at_ms - case.options.near_ms, look.answered_at_ms + case.options.near_ms
    per_list: dict[str, list[Decimal]] = {}
    for row in rows:
        if (
            row.asset == case.asset
            and row.kind == "REPAY"
            and row.status in (None, "CONFIRMED")
            and first <= row.at_ms <= last
        ):
            per_list.setdefault(row.source, []).append(abs(row.amount))
    listed = max(per_list.values(), key=len, default=list[Decimal]())
    if len(listed) > _MOST_COMBINED:
        return []
    return [sum(some, ZERO) for size in range(1, len(listed) + 1) for some in combinations(listed, size)]


# For people


def _findings(case: Case, seen: Sequence[Sighting], result: Result) -> tuple[Finding, ...]:
    newest, intent = seen[-1], case.attempt.intent
    time = Finding(
        "time",
        "nothing",
        f"signed {moment(intent.signed_at_ms)}; nothing more can come of it since {moment(case.deadline_ms)}; "
        f"before this look the exchange's clock read {moment(newest.server_ms)}",
    )
    says = _SAYS[result]
    spent = _spent_usd(case, newest.look, newest.rows)
    worth = "cannot be valued" if spent is None else f"is poorer by {to_text(ceil_to(spent, 2))} USD"
    asked_usd = case.asked * case.prices_usd.get(case.asset, ZERO)
    assets = Finding(
        "assets",
        "nothing",
        f"what could pay {worth}; the amount is worth {to_text(ceil_to(asked_usd, 2))} USD",
    )
    return time, Finding("debt", says, _debt_text(case, newest)), assets, _rows_finding(case, newest)


def _debt_text(case: Case, sighting: Sighting) -> str:
    before, after = case.base[case.asset], sighting.look[case.asset]
    fall = fall_of(case, sighting.look, sighting.rows)
    digits = case.facts.amount_digits
    prior = f", {to_text(case.repaid_before)} repaid since by confirmed pieces" if case.repaid_before else ""
    least, most = to_text(ceil_to(fall.least, digits)), to_text(ceil_to(fall.most, digits))
    span = f"by {least}" if least == most else f"by {least} to {most}"
    return (
        f"{case.asset} owed before: {to_text(before.borrowed)} + {to_text(before.interest)} interest{prior}; now: "
        f"{to_text(after.borrowed)} + {to_text(after.interest)} interest; listed borrowings and possible interest "
        f"counted in, it fell {span} of the {to_text(case.asked)} asked"
    )


def _rows_finding(case: Case, sighting: Sighting) -> Finding:
    near = _near_rows(case, sighting.rows)
    listed = ", ".join(sorted(sighting.read)) or "no list"
    # One screen: of many rows those whose amounts are closest to what was asked.
    closest = sorted(near, key=lambda row: abs(abs(row.amount) - case.asked))[:_ROWS_SHOWN]
    shown = "; ".join(
        f"{row.source} {row.id}: {to_text(abs(row.amount))} at {moment(row.at_ms)}"
        + (f", {row.status}" if row.status not in (None, "CONFIRMED") else "")
        for row in near
        if row in closest
    )
    if len(near) > len(closest):
        shown += f"; and {len(near) - len(closest)} more"
    text = f"read {listed}: " + (
        f"repayments that may be this one: {shown}"
        if near
        else "no repayment near it, which proves nothing by itself"
    )
    if sighting.unread:
        text += "; not read: " + ", ".join(f"{name} ({why})" for name, why in sighting.unread.items())
    return Finding("rows", "executed" if _exact_row(case, near) else "nothing", text)


def _check(case: Case, seen: Sequence[Sighting]) -> tuple[str, ...]:
    """One screen for a person: the figures, the rows, the question, and what to type."""
    intent, attempt, newest = case.attempt.intent, case.attempt.id, seen[-1]
    what = "the whole debt" if intent.amount is None else to_text(intent.amount)
    since = moment(intent.signed_at_ms - case.options.near_ms)
    until = moment(case.deadline_ms + case.options.near_ms)
    return (
        f"{what} of {case.asset} was sent at {moment(intent.signed_at_ms)} and its outcome is not known. "
        f"{_debt_text(case, newest)[:1].upper()}{_debt_text(case, newest)[1:]}.",
        _rows_finding(case, newest).text[:1].upper() + _rows_finding(case, newest).text[1:] + ".",
        f"Look again first: paydown reconcile {attempt} --wait",
        f"Else open the repayment history of {case.asset} in the exchange's web interface, from {since} to {until}, "
        "and ask everybody who can use this account whether they repaid or borrowed in that time.",
        f'If it was this one, or you are not sure: paydown reconcile {attempt} --executed --note "what you saw". '
        "If that is wrong, the debt that is left is seen and the next plan repays it.",
        f'Only if you are sure that it was not: paydown reconcile {attempt} --not-executed --note "what you saw". '
        "It is sent again then; if that is wrong, it is repaid twice.",
    )
