"""Adopt a journal that knows less than is remembered, by a person's word and after one snapshot of the account."""

from __future__ import annotations

from dataclasses import dataclass

from paydown.repay.account.remembered_state import RememberedState
from paydown.repay.errors import AccountInDoubt
from paydown.repay.evidence.snapshot import Snapshot
from paydown.repay.execution.commands import Commit, ReadBalances, ReadTime, Step
from paydown.repay.execution.run_context import Context, Decisions

__all__ = ["Adoption", "adopt_journal"]


@dataclass(frozen=True, slots=True)
class Adoption:
    """One adoption of a journal by a person: the journal, the lost knowledge and the snapshot.

    Attributes:
        journal: Path of the journal that is used from now on.
        remembered: The facts remembered of other journals, or of this one, in a sentence each.
        snapshot: The account as it was read.
    """

    journal: str
    remembered: tuple[str, ...]
    snapshot: Snapshot

    def to_json(self) -> dict[str, object]:
        """Return the adoption as plain data."""
        return {"journal": self.journal, "remembered": list(self.remembered), "look": self.snapshot.to_json()}


def adopt_journal(context: Context, state: RememberedState, note: str) -> Decisions[Adoption | None]:
    """Read the account once, and adopt this journal. Under the account's lock.

    Args:
        context: The context that every decision needs.
        state: The memory of the account.
        note: Which person has looked at the account, and what they saw.

    Returns:
        What was adopted; `None` if this journal knows everything that is remembered.

    Raises:
        AccountInDoubt: What is remembered may still act on the exchange's clock.
    """
    texts, journals, highest = state.unknown_here()
    if not texts:
        return None
    server_ms = yield from ReadTime().reply()
    for one in journals:
        if one.doubt is not None and server_ms < one.doubt.until_ms:
            raise AccountInDoubt(
                f"{one.path} holds {one.doubt}. Look at the account after that, then adopt.",
                attempt_id=one.doubt.attempt_id,
                journal=one.path,
            )
    snapshot = yield from ReadBalances().reply()
    body = {"remembered": texts, "look": snapshot.to_json()}
    yield Commit(
        Step.WRITE_EVIDENCE,
        lambda: context.journal.adoptions.add(
            context.account, context.now_ms(), note=note, count=highest, body=body
        ),
    )
    state.forget_doubts()
    return Adoption(str(context.journal.path), tuple(texts), snapshot)
