"""The facts of the document about repay-debt that the repayer needs, taken from the generated client.

No fact is typed in by hand: cap, weight, digits and time rules come from `openapi/` through `paydown_wire`, so an edit
of the document reaches planner, engine and reconciler alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Facts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of the document about repay-debt.

    Attributes:
        cap_usd: Highest value of one repayment, the limit included.
        amount_digits: Most fraction digits of `amount`.
        weight_budget: Name of the limit that a repayment counts against.
        repay_weight: Weight of one repayment; `weight_limit` may be spent per `weight_interval_ms`.
        look_weight: Weight of one reading of all balances.
        answer_timeout_ms: How long the client waits for the answer of a repayment.
        default_recv_window_ms: `recvWindow` that holds when none is sent.
        future_tolerance_ms: A timestamp is accepted while it is less than this ahead of the exchange.
    """

    cap_usd: Decimal
    amount_digits: int
    weight_budget: str
    repay_weight: int
    weight_limit: int
    weight_interval_ms: int
    snapshot_weight: int
    answer_timeout_ms: int
    default_recv_window_ms: int
    future_tolerance_ms: int

    @property
    def calls_per_interval(self) -> int:
        """Return how many repayments fit into one interval when nothing else is sent."""
        return max(1, self.weight_limit // self.repay_weight)

    def no_acceptance_after_ms(self, signed_at_ms: int, recv_window_ms: int) -> int:
        """Return the last moment, on the exchange's clock, at which a request signed then can be accepted.

        Documented rule: accepted only while `serverTime - timestamp <= recvWindow`.

        Args:
            signed_at_ms: Timestamp of the request, UTC milliseconds.
            recv_window_ms: recvWindow of the request.
        """
        return signed_at_ms + recv_window_ms

    @classmethod
    def documented(cls) -> Facts:
        """Return the facts as the generated client carries them."""
        from paydown_wire import error_codes, operations

        repay, snapshot = operations.REPAY_DEBT, operations.ACCOUNT_BALANCE
        cap = next(cap for cap in repay.caps if cap.kind == "value")
        amount = next(parameter for parameter in repay.parameters if parameter.name == "amount")
        limit = error_codes.LIMITS[repay.weight.budget]
        digits = amount.max_fraction_digits
        if cap.unit != "USD" or not cap.inclusive or digits is None:
            raise ValueError(
                "the document's value cap or amount has changed its meaning; the planner must follow"
            )
        return cls(
            cap_usd=Decimal(cap.limit),
            amount_digits=digits,
            weight_budget=repay.weight.budget,
            repay_weight=repay.weight.value,
            weight_limit=limit.limit,
            weight_interval_ms=limit.interval_ms,
            snapshot_weight=snapshot.weight.value,
            # The client gives up this long after the first byte; the time for connecting comes before that.
            answer_timeout_ms=round(repay.answer_timeout_s * 1000),
            default_recv_window_ms=error_codes.SIGNING.default_recv_window_ms,
            future_tolerance_ms=error_codes.SIGNING.future_tolerance_ms,
        )
