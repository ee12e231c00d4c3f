"""The errors of the repayer: what it refuses to do, and what it could not record.

RequestNotSent              nothing left this machine
├── PlanRefused             the plan is impossible or doubtful; .reason and .numbers say why
│   └── NothingOwed         there is no such debt (exit code 8)
├── PlanKeyConflict         the key belongs to a different request
├── PlanUnfinished          an earlier plan for the same debt is not finished; .plan_key names it
├── UnknownPlan             no such plan in this journal
├── AccountBusy             another process repays for this account; .holder names it
├── AccountUnconfirmed      it is not confirmed that this key or name means the known account
├── AccountInDoubt          another attempt of this account is open, in this journal or in another one
│   └── JournalForgot       the journal knows less than is remembered of it, or another one holds a doubt
└── JournalUnusable         the journal cannot be opened, read or written
ReadFailed
├── ClockStandsStill        the exchange's time does not move on
├── DebtNotListed           the balances do not show what is owed
└── RefusalNotVerified      the balance could not be read after a refusal
OutcomeUnknown
└── OutcomeNotRecorded      the journal failed after something was sent
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from paydown.errors import OutcomeUnknown, ReadFailed, RequestNotSent

if TYPE_CHECKING:
    from paydown.repay.account.lock_holder import Holder

__all__ = [
    "AccountBusy",
    "AccountInDoubt",
    "AccountUnconfirmed",
    "ClockStandsStill",
    "DebtNotListed",
    "JournalForgot",
    "JournalUnusable",
    "NothingOwed",
    "OutcomeNotRecorded",
    "PlanKeyConflict",
    "PlanRefused",
    "PlanUnfinished",
    "RefusalNotVerified",
    "SnapshotTooOld",
    "UnknownPlan",
]


class PlanRefused(RequestNotSent):
    """The plan is impossible or doubtful. Nothing was sent.

    Attributes:
        reason: One of "no-debt", "amount-above-debt", "price-unknown", "not-enough-to-pay",
            "cannot-be-cut", "liquidation", "not-listed".
        numbers: The amounts that show why, as text.
    """

    def __init__(self, reason: str, message: str, numbers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.numbers: dict[str, str] = dict(numbers or {})

    def to_json(self) -> dict[str, object]:
        """Return reason, text and numbers."""
        return {"refused": self.reason, "message": str(self), "numbers": dict(self.numbers)}


class NothingOwed(PlanRefused):
    """Nothing is owed in the asset: there is nothing to do. Nothing was sent."""

    exit_code = 8


class PlanKeyConflict(RequestNotSent):
    """The plan key already belongs to a different request. Choose another key, or ask for the same again.

    Attributes:
        key: The plan key.
    """

    def __init__(self, message: str, *, key: str) -> None:
        super().__init__(message)
        self.key = key


class PlanUnfinished(RequestNotSent):
    """A plan for this debt was begun and is not finished; a second plan would repay on top of it.

    Attributes:
        plan_key: Key of the plan to resume.
    """

    def __init__(self, message: str, *, plan_key: str) -> None:
        super().__init__(message)
        self.plan_key = plan_key


class UnknownPlan(RequestNotSent, LookupError):
    """The journal holds no such plan for this account."""


class AccountBusy(RequestNotSent):
    """Another process holds this account, and is named. Nothing was sent.

    Attributes:
        holder: Process, machine and since when; `None` if the holder left no readable note.
    """

    def __init__(self, message: str, *, holder: Holder | None) -> None:
        super().__init__(message)
        self.holder = holder


class AccountInDoubt(RequestNotSent):
    """An earlier attempt of this account may have happened and is not settled. Nothing was sent.

    Attributes:
        attempt_id: The attempt, or "" if only another journal knows it.
        journal: Path of the journal that knows it.
    """

    def __init__(self, message: str, *, attempt_id: str, journal: str) -> None:
        super().__init__(message)
        self.attempt_id = attempt_id
        self.journal = journal


class AccountUnconfirmed(RequestNotSent):
    """It is not confirmed that this key or name means the known account. Nothing was sent.

    Attributes:
        reason: "new-key": another key was used before for this account; `same_account=True` confirms that both belong
            to it. "new-name": something is in doubt for another name; `new_account=True` confirms that this is really
            another account. "key-of-another-account": the key belongs to another name, and no answer changes that.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class JournalForgot(AccountInDoubt):
    """The memory of the account knows more than this journal. Nothing was sent, and nothing was written.

    The journal was deleted, replaced or restored from a backup, or it is another journal while one holds a doubt. Open
    the journal that knows more; if that is gone, look at the account, then `SafeRepay.adopt()` or `paydown adopt` goes
    on with this one.

    Attributes:
        remembered: Path of the journal that knows more.
    """

    def __init__(self, message: str, *, attempt_id: str, journal: str, remembered: str) -> None:
        super().__init__(message, attempt_id=attempt_id, journal=journal)
        self.remembered = remembered


class JournalUnusable(RequestNotSent):
    """The journal cannot be opened, read or written, so nothing may be sent."""


class ClockStandsStill(ReadFailed):
    """The exchange's time endpoint gives the same time again and again: no deadline can be seen to pass."""


class DebtNotListed(ReadFailed):
    """The list of balances leaves out the asset that is owed, and so does the answer to a request for it by name.

    Attributes:
        listed: Assets that the list names.
    """

    def __init__(self, message: str, *, listed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.listed = tuple(listed)


class RefusalNotVerified(ReadFailed):
    """The exchange refused a repayment, and the balance that would confirm the refusal could not be read."""


class SnapshotTooOld(RequestNotSent):
    """The snapshot before a repayment had grown old when the first byte was about to leave. Nothing was sent."""


class OutcomeNotRecorded(OutcomeUnknown):
    """The journal failed after this run had sent something that was executed or may have been.

    The message states what is known. Repair the journal's disk, then resume: an attempt without a recorded outcome is
    reconciled before anything else is sent.
    """
