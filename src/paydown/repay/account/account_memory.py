"""The memory of an account's journals, kept outside of them, so that a lost journal cannot hide a doubt.

    <state directory>/locks/<account>.memory      next to the account's lock

A journal is a file, and files are deleted, restored from a backup, or reached by a link that was moved. So
its identity, its count and whether it holds a doubt are written down here as well: by the holder of the lock only,
after each commit of the journal, and before a byte of a request leaves. A journal that knows less than is
remembered of it, and another journal while a doubt is remembered, are refused. If journal and memory are both
restored from a backup, that cannot be noticed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paydown.repay.errors import JournalUnusable
from paydown.repay.journal.journal_path import sync_folder
from paydown.repay.moments import moment
from paydown.state_directory import make_directories

__all__ = ["AccountMemory", "Doubt", "Remembered", "RememberedJournal"]

_ENDING = ".memory"


@dataclass(frozen=True, slots=True)
class Doubt:
    """An attempt that may have been executed.

    Attributes:
        attempt_id: Its id.
        until_ms: From here on it can no longer act, UTC milliseconds on the exchange's clock.
    """

    attempt_id: str
    until_ms: int

    def __str__(self) -> str:
        return f"attempt {self.attempt_id}, which can act until {moment(self.until_ms)}"


@dataclass(frozen=True, slots=True)
class RememberedJournal:
    """The last known state of one journal.

    Attributes:
        path: Where it was.
        count: Its count.
        doubt: The attempt of this account that was open in it, or `None`.
    """

    path: str
    count: int
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """Everything that is remembered about one account.

    Attributes:
        base_url: Address of the exchange.
        name: Name of the account; "" for the default one.
        keys: Fingerprints of the API keys that were used for it.
        journals: The journals that were used for it, by identity.
    """

    base_url: str
    name: str
    keys: frozenset[str] = frozenset()
    journals: Mapping[str, RememberedJournal] = field(default_factory=dict[str, RememberedJournal])

    def doubts(self) -> dict[str, RememberedJournal]:
        """Return the journals that hold a doubt, by identity."""
        return {identity: known for identity, known in self.journals.items() if known.doubt is not None}

    def with_journal(self, identity: str, known: RememberedJournal) -> Remembered:
        """Return the same memory with the newest state of one journal.

        Args:
            identity: The journal's identity.
            known: The newest state of the journal.
        """
        return replace(self, journals={**self.journals, identity: known})

    def with_key(self, fingerprint: str) -> Remembered:
        """Return the same memory with one more key."""
        return replace(self, keys=self.keys | {fingerprint})

    def to_json(self) -> dict[str, object]:
        """Return the memory as plain data."""
        return {
            "version": 1,
            "base_url": self.base_url,
            "name": self.name,
            "keys": sorted(self.keys),
            "journals": {
                identity: {
                    "path": known.path,
                    "count": known.count,
                    "doubt": None
                    if known.doubt is None
                    else {"attempt_id": known.doubt.attempt_id, "until_ms": known.doubt.until_ms},
                }
                for identity, known in self.journals.items()
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Remembered:
        """Read a memory from the plain data of `to_json`."""
        journals: Mapping[str, Mapping[str, Any]] = data["journals"]
        return cls(
            base_url=str(data["base_url"]),
            name=str(data["name"]),
            keys=frozenset(str(key) for key in data["keys"]),
            journals={
                str(identity): RememberedJournal(
                    path=str(known["path"]),
                    count=int(known["count"]),
                    doubt=None
                    if known["doubt"] is None
                    else Doubt(str(known["doubt"]["attempt_id"]), int(known["doubt"]["until_ms"])),
                )
                for identity, known in journals.items()
            },
        )


class AccountMemory:
    """The memory of one account. Any process may read it; only the holder of the account's lock may write it.

    Args:
        directory: Where the locks are.
        account: Name of the lock: a fingerprint, never a key.
        durable: Whether a write is on the disk when it returns. `False` for simulations only.
    """

    def __init__(self, directory: Path, account: str, *, durable: bool = True) -> None:
        self.path = directory / f"{account}{_ENDING}"
        self._durable = durable

    def read(self) -> Remembered | None:
        """Return what is remembered, or `None` if nothing is.

        Raises:
            JournalUnusable: It cannot be read, so it is not known what is remembered.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable("cannot be read", error.strerror or type(error).__name__) from error
        try:
            return Remembered.from_json(json.loads(text))
        except (ValueError, KeyError, TypeError) as error:
            raise self._unusable("is damaged", type(error).__name__) from error

    def write(self, remembered: Remembered) -> None:
        """Replace what is remembered: all of it or nothing, and durable when this returns.

        Raises:
            JournalUnusable: It could not be written. Nothing may be sent.
        """
        folder = self.path.parent
        draft = folder / f".{self.path.name}.{os.getpid()}"
        try:
            make_directories(folder)
            try:
                handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(json.dumps(remembered.to_json()))
                    file.flush()
                    if self._durable:
                        os.fsync(file.fileno())
                draft.replace(self.path)
            except BaseException:
                with contextlib.suppress(OSError):
                    draft.unlink()
                raise
            if self._durable:
                sync_folder(folder)
        except OSError as error:
            raise self._unusable("cannot be written", error.strerror or type(error).__name__) from error

    def forget(self) -> None:
        """Remove the file, after its content was written to another place."""
        try:
            self.path.unlink(missing_ok=True)
            if self._durable:
                sync_folder(self.path.parent)
        except OSError as error:
            raise self._unusable("cannot be removed", error.strerror or type(error).__name__) from error

    def others(self, base_url: str) -> Iterator[Remembered]:
        """Yield what is remembered about the other accounts of the same exchange."""
        for path in sorted(self.path.parent.glob(f"*{_ENDING}")):
            if path.name != self.path.name:
                found = AccountMemory(path.parent, path.name.removesuffix(_ENDING)).read()
                if found is not None and found.base_url == base_url:
                    yield found

    def _unusable(self, what: str, why: str) -> JournalUnusable:
        return JournalUnusable(
            f"The memory of this account, {self.path}, {what} ({why}). Nothing may be sent without it: repair it, or "
            "move it away once you have looked at the account and know that nothing is in doubt."
        )
