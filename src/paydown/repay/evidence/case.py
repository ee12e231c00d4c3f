"""An attempt in doubt, with all facts about it that no observation changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from paydown.repay.amounts import ZERO
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.journal.journal_records import AttemptRecord
from paydown.repay.planning.repay_facts import Facts
from paydown.repay.repay_options import Options

__all__ = ["LATE_EXECUTION", "REFUSALS_LIE", "Case", "deadline_ms"]

LATE_EXECUTION = "late-execution"
"""Sign: a debt that stood after the deadline fell by the amount later. From then on "not executed" waits longer."""

REFUSALS_LIE = "refusals-lie"
"""Sign: a refusal was contradicted by the debt. From then on every refusal is verified as late as a lost answer."""


@dataclass(frozen=True, slots=True)
class Case:
    """An attempt in doubt, with the facts that no observation changes.

    Attributes:
        attempt: The attempt.
        prior: Attempts that were answered as executed between the last snapshot and this attempt.
        prices_usd: USD per unit, by asset, from the plan.
        facts: The facts of the document.
        options: Thresholds.
        near: Every other attempt of the account that was executed about that time, `prior` included.
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
        """Return the asset owed."""
        return self.attempt.intent.asset

    @property
    def base(self) -> Snapshot:
        """Return the snapshot before the attempt."""
        return self.attempt.intent.before

    @property
    def repaid_before(self) -> Decimal:
        """Return the sum that the prior attempts asked for, which a snapshot may show only in part."""
        return sum((one.intent.expected for one in self.prior), ZERO)

    @property
    def asked(self) -> Decimal:
        """Return how much this attempt repays if it is executed: its amount, or the whole debt at that time."""
        amount = self.attempt.intent.amount
        return self.base[self.asset].debt - self.repaid_before if amount is None else amount

    @property
    def deadline_ms(self) -> int:
        """Return from when on the attempt can no longer act, UTC milliseconds on the exchange's clock."""
        intent = self.attempt.intent
        return deadline_ms(intent.signed_at_ms, intent.recv_window_ms, self.facts, self.options)

    @property
    def not_before_ms(self) -> int:
        """Return from when on the verdict may be "not executed", UTC milliseconds on the exchange's clock."""
        late = LATE_EXECUTION in self.signs
        options = self.options
        return self.attempt.intent.signed_at_ms + (
            options.not_before_late_ms if late else options.not_before_ms
        )


def deadline_ms(signed_at_ms: int, recv_window_ms: int, facts: Facts, options: Options) -> int:
    """Return the moment from which on an attempt that was not executed never will be, on the exchange's clock.

    The exchange accepts a request only while `serverTime - timestamp <= recvWindow` (documented). An accepted
    one may run for as long as we would have waited for its answer. After both, `settle_ms` for the back end.

    Args:
        signed_at_ms: Timestamp of the request, UTC milliseconds.
        recv_window_ms: recvWindow of the request.
        facts: The facts of the document.
        options: Thresholds.
    """
    last_accepted = facts.no_acceptance_after_ms(signed_at_ms, recv_window_ms)
    return max(last_accepted, signed_at_ms + facts.answer_timeout_ms) + options.settle_ms
