"""The rules by which observations become a verdict, in the order of the table in docs/never-twice.md.

The first rule that applies decides. The two possible mistakes differ: if a lost repayment is taken for executed, the
next snapshot shows the debt that is left; if an executed one is taken for lost, it is paid twice. So "not executed" is
the last rule, and every rule before it names something that would allow for an execution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from paydown.repay.amounts import ZERO
from paydown.repay.evidence.case import Case
from paydown.repay.evidence.debt import Fall, can_stand, fall_of, fell_between, stands, stood_apart
from paydown.repay.evidence.holdings import spent_enough, still_there
from paydown.repay.evidence.listed_rows import borrowings, exact_row, near_rows, sums_of_others, unexplained
from paydown.repay.evidence.observation import Observation
from paydown.repay.evidence.rows import Row
from paydown.repay.evidence.snapshot import Snapshot

__all__ = ["RULES", "Gathered", "Result", "Rule", "first_that_applies"]

Result: TypeAlias = Literal["PROVEN_EXECUTED", "PROVEN_NOT_EXECUTED", "UNDECIDED"]

_EVERY_LIST = frozenset({"repay-record", "loan-record", "capital-flow"})


class Gathered:
    """All observations of one attempt, and the conclusions from them; every snapshot is compared by the newest lists.

    Each property is calculated when a rule first asks for it.

    Args:
        case: The attempt and what is known around it.
        observations: Everything that was observed since, oldest first; at least one.
    """

    def __init__(self, case: Case, observations: Sequence[Observation]) -> None:
        self.case = case
        self.newest = observations[-1]
        self.rows: Sequence[Row] = self.newest.rows
        # A snapshot from before the deadline proves nothing, since the request could still act after the snapshot.
        self.seen = [one for one in observations if one.server_ms >= case.deadline_ms]

    @cached_property
    def near(self) -> list[Row]:
        """Return the repayment rows whose time allows that the attempt wrote them."""
        return near_rows(self.case, self.rows)

    @cached_property
    def falls(self) -> list[Fall]:
        """Return by how much the debt had fallen in each observation."""
        return [fall_of(self.case, one.snapshot, self.rows) for one in self.seen]

    @cached_property
    def stood(self) -> list[Observation]:
        """Return observations, far enough apart, that show the debt where it was; an empty list if it did not stand."""
        return stood_apart(self.case, self.seen, self.falls)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table of rules.

    Attributes:
        name: Its name in docs/never-twice.md, in reports and in the journal.
        result: The result of the rule.
        applies: Whether it applies, given that no earlier rule does.
    """

    name: str
    result: Result
    applies: Callable[[Gathered], bool]


def first_that_applies(gathered: Gathered) -> Rule:
    """Return the first rule of the table that applies; the last one always does."""
    return next(rule for rule in RULES if rule.applies(gathered))


def _too_early(gathered: Gathered) -> bool:
    """Apply while the request can still act: until then nothing that is seen excludes an execution a moment later."""
    return gathered.newest.server_ms < gathered.case.deadline_ms


def _pending(gathered: Gathered) -> bool:
    """Apply while a repayment near the attempt is listed as PENDING: it may be this one, and it has not ended."""
    return any(row.status == "PENDING" for row in gathered.near)


def _debt_fell(gathered: Gathered) -> bool:
    """Apply if on any snapshot the debt fell by the amount asked, and value is gone from the payment assets.

    The rule does not apply once the debt had stood in two snapshots apart: a later fall belongs to the rule
    `fell-later`. Nor does it if one listed repayment of another amount is all of the fall, to the last digit: then
    another user repaid. If another user repaid as much as was asked, this rule takes that for our attempt: such a
    mistake costs no money.
    """
    if gathered.stood:
        return False
    case, near = gathered.case, gathered.near
    if any(_is_one_repayment_of_others(case, fall, near) for fall in gathered.falls):
        return False
    return any(
        _fell_by_what_was_asked(case, fall, one.snapshot, gathered.rows)
        for fall, one in zip(gathered.falls, gathered.seen, strict=True)
    )


def _row_fits(gathered: Gathered) -> bool:
    """Apply if a repayment row of exactly the amount is listed near the attempt, and the debt does not deny the row.

    The amount identifies the attempt, since no two pieces of a plan ask for the same one. The debt denies the row if it
    did not fall, unless it may have fallen and most of the value is gone from the payment assets: a borrowing has
    refilled the debt then.
    """
    if gathered.stood or not exact_row(gathered.case, gathered.near):
        return False
    case, fall = gathered.case, gathered.falls[-1]
    if not can_stand(case, fall):
        return True
    fell = fall.most >= case.asked * case.options.fell_most_share
    return fell and spent_enough(case, gathered.newest.snapshot, gathered.rows, case.options.fell_spent_share)


def _fell_later(gathered: Gathered) -> bool:
    """Apply if the debt stood in two snapshots apart and fell after that.

    It was executed very late, in whole or in part, or another user repaid; a row that is listed for it may be of our
    attempt. The account is marked with the sign "late-execution", so that "not executed" waits longer from then on.
    """
    case, stood = gathered.case, gathered.stood
    if not stood:
        return False
    return fell_between(case, stood, gathered.seen) or not all(
        can_stand(case, fall) for fall in gathered.falls
    )


def _disturbed(gathered: Gathered) -> bool:
    """Apply if the debt did not stand, and yet fell neither by nothing nor by the amount asked.

    Other users of the account change the same debt. Their changes cannot be distinguished from a part of our attempt.
    """
    return not gathered.stood


def _rows_near(gathered: Gathered) -> bool:
    """Apply if the debt stood, yet listed repayments may be of this attempt, in whole or in part.

    The debt stands also where an execution was balanced by a borrowing that no list shows. A repayment row is then the
    only trace of the execution, so every row that may be ours forbids "not executed".
    """
    return unexplained(gathered.case, gathered.rows)


def _holdings_fell(gathered: Gathered) -> bool:
    """Apply if the debt stood, yet in one of the snapshots half of the value asked is gone from the account.

    A borrowing that no list shows can refill a debt, but not the asset that paid. Any snapshot counts, since a spent
    asset can be replaced later.
    """
    return not all(still_there(gathered.case, one.snapshot, gathered.rows) for one in gathered.seen)


def _lists_unread(gathered: Gathered) -> bool:
    """Apply if a list could not be read with the newest snapshot, since its rows could forbid "not executed"."""
    return gathered.newest.read < _EVERY_LIST


def _stands_so_far(gathered: Gathered) -> bool:
    """Apply if all evidence supports "not executed", but it is too early to conclude that.

    The lists need time until they show every borrowing of the snapshots, and a request that was accepted may wait in a
    queue whose length is not published. A borrowing that is listed just before the newest snapshot may be in it or not.
    If it is, it could hide an execution just before it; a later snapshot decides.
    """
    case, newest = gathered.case, gathered.newest.snapshot
    since_ms = newest.sent_at_ms - case.options.edge_ms
    uncertain = any(row.at_ms >= since_ms for row in borrowings(case.asset, gathered.rows))
    if uncertain and not stands(case, gathered.falls[-1]):
        return True
    listed_ms = gathered.stood[-1].snapshot.answered_at_ms + case.options.lists_after_ms
    return gathered.newest.server_ms < max(case.not_before_ms, listed_ms)


def _debt_stood(_: Gathered) -> bool:
    """Apply where no earlier rule applies: no observation allows for an execution any more."""
    return True


def _fell_by_what_was_asked(case: Case, fall: Fall, snapshot: Snapshot, rows: Sequence[Row]) -> bool:
    """Return whether the debt fell by the amount asked, and value is gone from the payment assets.

    A larger fall needs rows of other users that explain the excess, and leave this attempt: a user who repaid three
    times as much does not prove that we did. Where the fall shows only with listed borrowings counted in, which may be
    listed before the debt rises, most of the value must be gone from the payment assets.
    """
    options, asked = case.options, case.asked
    if case.attempt.intent.amount is None and snapshot[case.asset].debt == 0:
        return asked > 0
    if fall.least < asked * options.fell_share or fall.most < asked * options.fell_most_share:
        return False
    certain = fall.alone >= asked * options.fell_share
    if not spent_enough(case, snapshot, rows, ZERO if certain else options.fell_spent_share):
        return False
    room = asked * options.fee_share
    more = fall.least - asked
    return more <= room or any(abs(other - more) <= room for other in sums_of_others(case, snapshot, rows))


def _is_one_repayment_of_others(case: Case, fall: Fall, near: Iterable[Row]) -> bool:
    """Return whether one row near the attempt names exactly the fall of the debt, and that is not the amount asked."""
    amount = case.attempt.intent.amount
    return amount not in (None, fall.alone) and any(abs(row.amount) == fall.alone for row in near)


RULES: tuple[Rule, ...] = (
    Rule("too-early", "UNDECIDED", _too_early),
    Rule("pending", "UNDECIDED", _pending),
    Rule("debt-fell", "PROVEN_EXECUTED", _debt_fell),
    Rule("row-fits", "PROVEN_EXECUTED", _row_fits),
    Rule("fell-later", "UNDECIDED", _fell_later),
    Rule("disturbed", "UNDECIDED", _disturbed),
    Rule("rows-near", "UNDECIDED", _rows_near),
    Rule("holdings-fell", "UNDECIDED", _holdings_fell),
    Rule("lists-unread", "UNDECIDED", _lists_unread),
    Rule("stands-so-far", "UNDECIDED", _stands_so_far),
    Rule("debt-stood", "PROVEN_NOT_EXECUTED", _debt_stood),
)
"""Every rule and what it proves, in the order in which they are tried and in which the page lists them."""
