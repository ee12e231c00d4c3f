"""Doubt earlier conclusions: refusals, and verdicts of "not executed"."""

from __future__ import annotations

from paydown.repay.amounts import exact, to_text
from paydown.repay.errors import RefusalNotVerified
from paydown.repay.evidence.case import LATE_EXECUTION, REFUSALS_LIE
from paydown.repay.evidence.reconcile import verify_refusal
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.execution.commands import Commit, Step
from paydown.repay.execution.ending import Ending
from paydown.repay.execution.run_context import Context, Decisions
from paydown.repay.journal.journal_records import AttemptRecord
from paydown.repay.journal.states import AttemptState, PlanState
from paydown.repay.stored import readable

__all__ = ["EarlierVerdicts"]


class EarlierVerdicts:
    """The refusal that is not verified yet, and the last "not executed" that a later fall of the debt would deny.

    Args:
        context: The context that every decision needs.

    Attributes:
        refused: An attempt that was refused, and whose refusal no snapshot has confirmed yet.
        denied: The last attempt that was found not executed, and the snapshot that showed it.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.refused: AttemptRecord | None = None
        self.denied: tuple[AttemptRecord, Snapshot] | None = None

    def take_up(self, last: AttemptRecord, plan_key: str) -> None:
        """Go on from the last attempt of an earlier run.

        A person's word comes without a snapshot, and so does a fall that was reported before: then the person decides
        about it.

        Args:
            last: The newest attempt of the account that may have left this machine.
            plan_key: Key of the plan that is worked on.
        """
        evidence = self._context.journal.evidence.of(last.id)
        if last.state is AttemptState.REJECTED and not evidence:
            self.refused = last
        if (
            last.state is AttemptState.PROVEN_NOT_EXECUTED
            and last.correction is None
            and last.plan_key == plan_key
        ):
            seen = evidence[-1].body.get("sightings")
            with readable(f"The evidence of attempt {last.id} in the journal"):
                self.denied = (last, Snapshot.from_json(seen[-1]["look"])) if seen else None

    def verify(self, refused: AttemptRecord) -> Decisions[bool]:
        """Verify by the balance that a refused attempt was not executed in spite of the refusal.

        One snapshot may be too early, so a refusal that it confirms is compared with the next one, after the pause.

        Returns:
            Whether the refusal is in doubt: the attempt is UNKNOWN then, and must be reconciled.

        Raises:
            RefusalNotVerified: The balance could not be read.
        """
        self.refused = None
        snapshot, doubted = yield from verify_refusal(self._context, refused)
        if snapshot is None:
            self.refused = refused
            raise RefusalNotVerified("Not verified: the balance could not be read after a refusal.")
        if not doubted:
            self.denied = (refused, snapshot)
        return doubted

    def contradict(self, snapshot: Snapshot) -> Decisions[AttemptRecord | Ending | None]:
        """Look for a fall of the debt by the amount of an attempt that was found not executed.

        Args:
            snapshot: The newest snapshot.

        Returns:
            `None` if the debt has not fallen so. An attempt whose refusal is in doubt now: it is UNKNOWN, and must be
            reconciled. Or the ending of a run whose last attempt was proven not executed and is not.
        """
        if self.denied is None:
            return None
        attempt, seen = self.denied
        asset, journal = attempt.intent.asset, self._context.journal
        with exact():
            fell = seen[asset].debt - snapshot[asset].debt
            if fell < attempt.intent.expected * self._context.options.fell_share:
                return None
        if attempt.state is AttemptState.REJECTED:
            body = {
                "refusal": {"contradicted": True},
                "verdict": {"signs": [REFUSALS_LIE]},
                "looks": [snapshot.to_json()],
            }
            yield Commit(
                Step.WRITE_EVIDENCE,
                lambda: journal.evidence.contradict_refusal(attempt.id, self._context.now_ms(), body=body),
            )
            self.denied = None
            return attempt
        text = f"proven not executed, and later the debt was lower by {to_text(fell)} {asset} all the same"
        finding = {"witness": "debt", "says": "executed", "text": text}
        verdict = {"rule": "fell-later", "signs": [LATE_EXECUTION], "findings": [finding]}
        yield Commit(
            Step.WRITE_EVIDENCE,
            lambda: journal.evidence.prove(
                attempt.id,
                "UNDECIDED",
                self._context.now_ms(),
                body={"verdict": verdict, "looks": [snapshot.to_json()]},
            ),
        )
        return Ending(
            PlanState.UNDECIDED,
            "fell-later",
            f"Attempt {attempt.id} was proven not executed, and now the debt is lower by {to_text(fell)} {asset} "
            f"all the same. Nothing else is sent. If it was executed late: paydown correct {attempt.id} --executed "
            '--note "what you saw". If another user repaid, resume.',
        )
