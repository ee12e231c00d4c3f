"""The base of the next piece: the newest snapshot, and the pieces confirmed since."""

from __future__ import annotations

from decimal import Decimal

from paydown.repay.amounts import ZERO, exact
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.execution.run_context import Context
from paydown.repay.journal.journal_records import AttemptRecord
from paydown.repay.journal.states import AttemptState
from paydown.repay.planning.plan import Plan

__all__ = ["BaseSnapshot"]


class BaseSnapshot:
    """Keeps the newest snapshot of a run, and calculates what is owed after the pieces confirmed since.

    Args:
        context: The context that every decision needs.
        plan: The plan that is worked on.

    Attributes:
        snapshot: The newest snapshot; every later one is compared with it.
        since: Attempts answered as executed after it, and what each asked for. What the answer names is not counted.
        first: The first snapshot that this run itself has read.
        journaled: Whether an attempt in the journal carries it.
        must_read: Whether a new one must be read before the next piece: only the balance shows what is left.
    """

    def __init__(self, context: Context, plan: Plan) -> None:
        self._context = context
        self._plan = plan
        self._asset = plan.asset
        self.snapshot: Snapshot | None = None
        self.since: list[tuple[str, Decimal]] = []
        self.first: Snapshot | None = None
        self.journaled = False
        self.must_read = True

    def take_up(self, last: AttemptRecord) -> None:
        """Go on from the snapshot of an attempt of an earlier run.

        The next snapshot must show every piece that the exchange itself confirmed. It need not show a piece confirmed
        by a person's word, since that word is no reading of the debt.
        """
        prior = (self._context.journal.attempts.find(one) for one in last.intent.since)
        self.snapshot = last.intent.before
        self.since = [
            (one.id, one.intent.expected)
            for one in (*prior, last)
            if one is not None and one.state is AttemptState.EXECUTED and one.correction is None
        ]

    def replace(self, snapshot: Snapshot) -> None:
        """Take a new snapshot as the base: nothing has been confirmed since, and no attempt carries it yet."""
        self.snapshot = snapshot
        self.since = []
        self.journaled = False
        self.must_read = False

    @property
    def fresh(self) -> bool:
        """Return whether every piece of this plan gets a snapshot of its own, at half of the pace."""
        options = self._context.options
        return options.look_between == "always" or len(self._plan.pieces) <= options.fresh_look_pieces

    def owed(self, base: Snapshot) -> Decimal:
        """Return what is owed after the pieces confirmed since `base`, the newest snapshot."""
        with exact():
            return base[self._asset].debt - sum((repaid for _, repaid in self.since), ZERO)

    def missing(self, snapshot: Snapshot) -> Decimal:
        """Return by how much the debt exceeds the debt left by the confirmed pieces; 0 if by less than half a piece."""
        base = self.snapshot
        if base is None or not self.since:
            return ZERO
        with exact():
            over = snapshot[self._asset].debt - self.owed(base) - self._growth(base)
            return over if over >= min(amount for _, amount in self.since) / 2 else ZERO

    def is_outdated(self, base: Snapshot) -> bool:
        """Return whether a new snapshot is needed before the next piece.

        A plan with few pieces reads one before each. A longer one goes on with an older base, which makes nothing
        unsafe: changes by other users after the base only widen doubt.
        """
        options = self._context.options
        if self.must_read or self.first is None:
            return True
        age_ms = self._context.now_ms() - base.answered_at_ms
        if age_ms > (options.base_max_age_ms if self.fresh else options.look_max_age_ms):
            return True
        if self.since and options.look_between == "always":
            return True
        events = self._context.events(self._asset, base.answered_at_ms)
        # The stream shows another debt than our calculation: another user changed it.
        return bool(events) and abs(events[-1].total - self.owed(base)) > self._growth(base)

    def _growth(self, base: Snapshot) -> Decimal:
        with exact():
            return base[self._asset].debt * self._context.options.max_daily_interest / 24
