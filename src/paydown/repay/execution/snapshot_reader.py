"""Read the base of the next piece, when the weight is free and the balance has caught up."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from paydown.repay.amounts import to_text
from paydown.repay.evidence.listed_rows import most_borrowed
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.execution.base_snapshot import BaseSnapshot
from paydown.repay.execution.commands import (
    AwaitRoom,
    Pause,
    ReadBalances,
    ReadRows,
    ReadStatus,
    ShowProgress,
)
from paydown.repay.execution.piece_cutter import PieceCutter
from paydown.repay.execution.run_context import Context, Decisions
from paydown.repay.execution.run_tally import RunTally
from paydown.repay.planning.planner import refuse_liquidation

__all__ = ["SnapshotReader"]


class _ShowWaiting(Protocol):
    def __call__(self, message: str, wait_ms: int) -> ShowProgress: ...


class SnapshotReader:
    """The reader of one run's snapshots.

    Args:
        context: The context that every decision needs.
        asset: Asset owed.
        base: The base of the next piece, which a new snapshot replaces.
        cutter: Cuts the next piece.
        tally: Counts the weight that is spent.
        waiting: Makes the progress of a wait, from a sentence and milliseconds.
    """

    def __init__(
        self,
        context: Context,
        asset: str,
        base: BaseSnapshot,
        cutter: PieceCutter,
        tally: RunTally,
        waiting: _ShowWaiting | Callable[[str, int], ShowProgress],
    ) -> None:
        self._context = context
        self._asset = asset
        self._base = base
        self._cutter = cutter
        self._tally = tally
        self._waiting = waiting

    def still_good(self) -> Decisions[Snapshot | None]:
        """Return the newest snapshot if it is good enough for the next piece, else `None`.

        A new snapshot would grow old while the piece waits for its weight, so there must be room soon.
        """
        base = self._base.snapshot
        if base is None or self._base.is_outdated(base):
            return None
        room_ms = 0
        if self._base.fresh:
            room_ms = yield from AwaitRoom(self._context.facts.repay_weight).reply()
        return base if room_ms <= self._context.options.base_max_age_ms / 2 else None

    def read(self) -> Decisions[tuple[Snapshot, bool] | None]:
        """Read a new snapshot and make it the base.

        Returns:
            The snapshot, and whether it shows what was confirmed before it; `None` if a stop was asked for before it
            was read and there is an older base.

        Raises:
            PlanRefused: The account is being liquidated, or the price is unknown.
        """
        base = self._base
        if not self._is_last():
            yield from self._be_quiet()
            yield from self._await_room()
            if self._context.stop() and base.snapshot is not None:
                return None
        if base.first is None:
            status = yield from ReadStatus().reply()
            self._tally.weight += self._context.facts.snapshot_weight
            refuse_liquidation(status)
        yield from self._cutter.read_price()
        snapshot, shown = yield from self._take()
        base.replace(snapshot)
        if base.first is None:
            base.first = snapshot
        return snapshot, shown

    def _is_last(self) -> bool:
        """Return whether nothing is left to send by calculation, so that no room is needed after the snapshot."""
        base = self._base
        if base.snapshot is None or base.first is None or not base.since:
            return False
        return self._cutter.cut(base.snapshot) is None

    def _be_quiet(self) -> Decisions[None]:
        """Wait until the balance has caught up with the last request, so that the next base shows its effect."""
        if self._tally.left_at_ms is None:
            return
        wait_ms = self._tally.left_at_ms + self._context.options.quiet_ms - self._context.now_ms()
        if wait_ms > 0:
            yield self._waiting("until the balance shows what was sent before", wait_ms)
            yield Pause(wait_ms)

    def _await_room(self) -> Decisions[None]:
        """Wait until the next piece and the snapshot before it fit, so that only milliseconds lie between them."""
        facts = self._context.facts
        weight = facts.repay_weight + facts.snapshot_weight * (2 if self._base.first is None else 1)
        shown = False
        while not self._context.stop():
            wait_ms = yield from AwaitRoom(weight).reply()
            if wait_ms <= 0:
                return
            if wait_ms > self._context.options.max_wait_ms:
                return  # the call itself refuses to wait so long, and explains why
            if not shown:
                yield self._waiting("for request weight", wait_ms)
                shown = True
            yield Pause(wait_ms)

    def _take(self) -> Decisions[tuple[Snapshot, bool]]:
        """Read a snapshot that shows the confirmed pieces; after the last retake return any snapshot, and False."""
        for pause_ms in (*self._context.options.retake_ms, None):
            snapshot = yield from ReadBalances(self._asset).reply()
            self._tally.weight += self._context.facts.snapshot_weight
            missing = self._base.missing(snapshot)
            if missing <= 0 or (yield from self._borrowed_since()) >= missing:
                return snapshot, True
            if pause_ms is None or self._context.stop():
                return snapshot, False
            yield self._waiting(
                f"the balance does not show yet what was confirmed: {to_text(missing)} {self._asset} are missing",
                pause_ms,
            )
            yield Pause(pause_ms)
        raise AssertionError("the last retake has returned")

    def _borrowed_since(self) -> Decisions[Decimal]:
        """Return the most that the lists show to have been borrowed since the base snapshot."""
        base = self._base.snapshot
        assert base is not None  # noqa: S101  # only asked where something is missing against it
        listed = yield from ReadRows(self._asset, base.sent_at_ms - self._context.options.near_ms).reply()
        return most_borrowed(self._asset, listed.rows)
