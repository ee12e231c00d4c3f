"""Compare a journal with the account memory, and keep the memory up to date."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from paydown.repay.account.account_memory import AccountMemory, Doubt, Remembered, RememberedJournal
from paydown.repay.account.lock_holder import Holder
from paydown.repay.errors import JournalForgot
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_records import Intent, Standing

__all__ = ["RememberedState"]

_GO_ON = (
    "Nothing was sent. Go on with the journal that knows, if you have it; else look at the account, then adopt this "
    "one (`paydown adopt --note ...`)."
)


class RememberedState:
    """The memory of an account while its lock is held. Made under the lock, which alone allows to write the memory.

    Args:
        journal: The journal that is used now.
        account: The account's name in it.
        memory: The memory of the account next to its lock.
        unknown: The memory of an account that has none yet: its address and name.
        fingerprint: Fingerprint of the API key that is used now.
        deadline_of: From when on an intent can no longer act, UTC milliseconds on the exchange's clock.
        notes: Notes of earlier holders of the locks. Versions before this one left no more than the note.
    """

    def __init__(
        self,
        journal: Journal,
        account: str,
        memory: AccountMemory,
        *,
        unknown: Remembered,
        fingerprint: str,
        deadline_of: Callable[[Intent], int],
        notes: Sequence[Holder],
    ) -> None:
        self._journal = journal
        self._account = account
        self._memory = memory
        self._unknown = unknown
        self._fingerprint = fingerprint
        self._deadline_of = deadline_of
        self._remembered = memory.read()
        # A note counts only where no memory exists: an earlier holder ended uncleanly with another journal.
        self._notes = [
            note
            for note in notes
            if self._remembered is None and not note.clean and not _same_file(note.journal, journal.path)
        ]

    def standing(self) -> Standing:
        """Return the identity and the count of the journal now, and its doubt about the account."""
        return self._journal.standing(self._account)

    def refuse_forgetful(self) -> None:
        """Refuse a journal that knows less than is remembered of it, before anything is written.

        Raises:
            JournalForgot: It was replaced or restored from a backup, or another journal holds a doubt.
        """
        found = self.standing()
        remembered = self._remembered
        here = f"{self._journal.path} (journal {_short(found.identity)}, count {found.count})"
        for note in self._notes:
            raise JournalForgot(
                f"{_note_text(note)}: something may have happened that {here} does not know. {_GO_ON}",
                attempt_id="",
                journal=note.journal,
                remembered=note.journal,
            )
        if remembered is None:
            return
        own = remembered.journals.get(found.identity)
        if own is not None and found.count < own.count:
            raise JournalForgot(
                f"{here} knows less than it did: {_journal_text(found.identity, own)} is remembered. It was "
                f"restored from a backup, or is a copy. {_GO_ON}",
                attempt_id="" if own.doubt is None else own.doubt.attempt_id,
                journal=own.path,
                remembered=own.path,
            )
        for identity, other in remembered.doubts().items():
            if identity != found.identity and other.doubt is not None:
                raise JournalForgot(
                    f"{_journal_text(identity, other)} is remembered, and {here} does not know of that. {_GO_ON}",
                    attempt_id=other.doubt.attempt_id,
                    journal=other.path,
                    remembered=other.path,
                )

    def unknown_here(self) -> tuple[list[str], list[RememberedJournal], int]:
        """Return the remembered facts that this journal does not know.

        Returns:
            One sentence each, for people; the journals that know it; and the highest count that is remembered of this
            journal, 0 if none is.
        """
        found = self.standing()
        known = {} if self._remembered is None else dict(self._remembered.journals)
        own = known.get(found.identity)
        texts = [_note_text(note) for note in self._notes]
        journals: list[RememberedJournal] = []
        for identity, other in known.items():
            if identity != found.identity and other.doubt is not None:
                texts.append(_journal_text(identity, other))
                journals.append(other)
        if own is not None and found.count < own.count:
            texts.append(_journal_text(found.identity, own))
            journals.append(own)
        return texts, journals, 0 if own is None else own.count

    def write(self) -> None:
        """Write the state of this journal into the account memory."""
        found = self.standing()
        doubt: Doubt | None = None
        if found.doubt is not None:
            intent = found.doubt.intent
            doubt = Doubt(intent.id, self._deadline_of(intent))
        before = self._remembered  # no other process writes it while the lock is held
        known = before if before is not None else self._unknown
        now = RememberedJournal(str(self._journal.path), found.count, doubt)
        after = known.with_key(self._fingerprint).with_journal(found.identity, now)
        if after != before:
            self._memory.write(after)
            self._remembered = after

    def forget_doubts(self) -> None:
        """Forget the doubts of all journals after a person has adopted this one, and write this one's state."""
        remembered = self._remembered
        if remembered is not None:
            journals = {name: replace(one, doubt=None) for name, one in remembered.journals.items()}
            self._remembered = replace(remembered, journals=journals)
        self.write()


def _short(identity: str) -> str:
    return identity[:8]


def _journal_text(identity: str, known: RememberedJournal) -> str:
    doubt = "" if known.doubt is None else f", in doubt {known.doubt}"
    return f"{known.path} (journal {_short(identity)}, count {known.count}{doubt})"


def _note_text(note: Holder) -> str:
    return f"{note} wrote its attempts to {note.journal} and did not end cleanly"


def _same_file(one: str, other: Path) -> bool:
    """Return whether two paths lead to one file, by any links."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
