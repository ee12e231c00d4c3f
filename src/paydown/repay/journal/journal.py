"""The journal: each intent, written down before the request leaves, and the outcome of each attempt.

    attempts.begin()               INTENT, with the debt seen just before     durable before a byte leaves
    attempts.finish()              EXECUTED | REJECTED | NOT_SENT | UNKNOWN   durable before anything else begins
    evidence.prove()               PROVEN_EXECUTED | PROVEN_NOT_EXECUTED      with its evidence, in one commit
    evidence.contradict_refusal()  REJECTED becomes UNKNOWN again             with its evidence, in one commit
    corrections.add()              a person's correction of a state that has ended; nothing is edited

No key, secret or signature is ever written: an account is a salted hash of its address and name, and a key is a salted
hash, too.

The journal has an identity, drawn at random when it is made, and a count that only grows; with them the account memory
recognises a journal that was deleted, replaced or restored from a backup.

Several processes may open one journal. The account lock decides which of them may write for an account; that at most
one attempt per account is open is decided here, by a unique index.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal

from paydown.repay.journal.commit_listeners import CommitListeners
from paydown.repay.journal.journal_file import JournalFile
from paydown.repay.journal.journal_inspection import health_of
from paydown.repay.journal.journal_records import Json, Standing
from paydown.repay.journal.tables.adoption_table import AdoptionTable
from paydown.repay.journal.tables.attempt_table import AttemptTable
from paydown.repay.journal.tables.correction_table import CorrectionTable
from paydown.repay.journal.tables.debt_table import DebtTable
from paydown.repay.journal.tables.evidence_table import EvidenceTable
from paydown.repay.journal.tables.plan_table import PlanTable

__all__ = ["Journal"]


class Journal:
    """A journal file and its tables. Safe to use from several threads; a context manager.

    Args:
        path: The file; made with its folders if it does not exist.
        synchronous: "FULL" makes every commit durable before it returns. "OFF" survives a killed process
            but not a power cut: for simulations only, since nothing is safe with it.

    Attributes:
        file: The database file, for questions that no table answers.
        path: The file's absolute path.
        identity: Drawn at random when the journal was made.
        durable: Whether a commit survives a power cut.
        plans: The plans, by plan key.
        attempts: The attempts, with their outcomes.
        evidence: The evidence about attempts.
        corrections: The corrections by persons.
        debts: The debt over time.
        adoptions: When a person went on with this journal although more was remembered.

    Raises:
        JournalUnusable: Not our file, of a newer version, not writable, or on a disk without WAL.
    """

    def __init__(self, path: str | os.PathLike[str], *, synchronous: Literal["FULL", "OFF"] = "FULL") -> None:
        file = JournalFile(path, synchronous=synchronous)
        self.file = file
        self.path, self.identity, self.durable = file.path, file.identity, file.durable
        self._listeners = CommitListeners()
        self.plans = PlanTable(file)
        self.attempts = AttemptTable(file, self._listeners)
        self.evidence = EvidenceTable(file, self._listeners, self.attempts)
        self.corrections = CorrectionTable(file, self._listeners)
        self.debts = DebtTable(file)
        self.adoptions = AdoptionTable(file)

    def close(self) -> None:
        """Close the file. Closing twice does no harm."""
        self.file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def account(self, identity: str) -> str:
        """Return the name of an account in this file: a hash salted with this file's own secret.

        Args:
            identity: The text that distinguishes accounts: address and name, or address and API key. It is not stored.
        """
        return hmac.new(self.file.salt, identity.encode(), hashlib.sha256).hexdigest()[:32]

    def standing(self, account: str) -> Standing:
        """Return the journal's identity, its count, and its doubt about an account."""
        with self.file.reading():  # both of one moment
            count = self.file.count()
            doubts = self.attempts.open_of(account)
        return Standing(self.identity, count, doubts[0] if doubts else None)

    def remembering(self, account: str, remember: Callable[[], object]) -> AbstractContextManager[None]:
        """Call `remember` after every commit about the account while the block runs. Only for the holder of its lock.

        Args:
            account: Name of the account.
            remember: See `CommitListeners.listening`.
        """
        return self._listeners.listening(account, remember)

    def health(self) -> Json:
        """Describe the journal for `paydown doctor`: is it sound, private and durable, and which attempts are open?"""
        return health_of(self.file)
