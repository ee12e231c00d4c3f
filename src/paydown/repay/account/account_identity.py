"""The identity of an account: the base URL and a name, or without a name the one default account of the base URL.

    API key known for this account             go on
    first key of an account                    remembered
    new key of the default account             asked once: the same account (a rotated key), or another one?
    new key of a named account                 remembered: the name is the identity
    new name next to a doubt                   asked once: really another account?
    key that belongs to another account        refused: rename the account, or use its name

A doubt belongs to the account, so a rotated key or a mistyped name must not hide it. The salted hashes of the keys that
belong to an account are kept in the journal (`accounts`) and next to its lock (`AccountMemory`).

Journals of versions before this one wrote the hash of the key in the place of the account. Those rows belong to the
account of that key: `confirm` finds them when a client with the key opens the journal.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import lru_cache

from paydown.errors import InvalidRequest
from paydown.repay.account.account_memory import AccountMemory
from paydown.repay.errors import AccountUnconfirmed
from paydown.repay.journal.journal import Journal

__all__ = [
    "DEFAULT",
    "Asking",
    "account_id",
    "checked_name",
    "confirm",
    "has_older_rows",
    "lock_name",
    "rename",
    "spoken",
]

DEFAULT = "default"
"""What people call the account that has no name."""


def checked_name(name: str | None) -> str:
    """Return the name of an account as it is stored: "" for the default one.

    Raises:
        InvalidRequest: It is empty or blank, as an unset variable is, or cannot be printed.
    """
    if name is None or name == DEFAULT:
        return ""
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise InvalidRequest(
            "An account's name is printable and has no blanks around it; "
            + (
                "this one is empty (an unset variable?). Write a name, or leave it out."
                if not name.strip()
                else f"not {name!r:.80}."
            ),
            parameter="account",
        )
    return name


def spoken(name: str) -> str:
    """Return the words that name an account in a sentence."""
    return f"account {name}" if name else "the default account"


@lru_cache(maxsize=64)
def lock_name(base_url: str, name_or_key: str) -> str:
    """Return the name of an account's lock, or the fingerprint of a key; the same for every journal, without a salt.

    PBKDF2 replaces the salt: an API key is long and random, but a name that a person chose need not be.

    Args:
        base_url: Address of the exchange.
        name_or_key: Name of the account, or an API key.
    """
    import hashlib

    identity = f"{base_url}\n{name_or_key}".encode()
    return hashlib.pbkdf2_hmac("sha256", identity, b"paydown account lock", 10_000).hex()[:32]


def account_id(journal: Journal, base_url: str, name: str) -> str:
    """Return the name of an account inside a journal, whether the journal knows the account yet or not.

    Args:
        journal: The journal.
        base_url: Address of the exchange.
        name: Name of the account, "" for the default one.
    """
    with journal.file.reading() as db:
        return _account_id(journal, db, base_url, name)


def _account_id(journal: Journal, db: sqlite3.Connection, base_url: str, name: str) -> str:
    row = db.execute(
        "SELECT account FROM accounts WHERE base_url = ? AND name = ?", (base_url, name)
    ).fetchone()
    if row is not None:
        known: str = row[0]
        return known
    number, identity = 1, f"{base_url}\n{name}"
    while True:
        found = journal.account(identity if number == 1 else f"{identity}\n{number}")
        # An account that was renamed keeps its hash: an account that takes its old name gets another one.
        if db.execute("SELECT 1 FROM accounts WHERE account = ?", (found,)).fetchone() is None:
            return found
        number += 1


def has_older_rows(journal: Journal, base_url: str, api_key: str) -> bool:
    """Return whether an older version wrote rows under the hash of this key that have no known account yet.

    Args:
        journal: The journal.
        base_url: Address of the exchange.
        api_key: The key.
    """
    key = journal.account(f"{base_url}\n{api_key}")
    with journal.file.reading() as db:
        return _has_rows(db, key) and _name_of_key(db, key) is None


@dataclass(frozen=True, slots=True)
class Asking:
    """A request to repay for an account: which account and which key.

    Attributes:
        base_url: Address of the exchange.
        name: Name of the account, "" for the default one.
        api_key: Its API key; only hashes of it are stored.
        fingerprint: The key's fingerprint next to the locks: see `lock_name`.
        same_account: The answer to a new key: it belongs to the same account.
        new_account: The answer to a new name: it is really another account.
    """

    base_url: str
    name: str
    api_key: str
    fingerprint: str
    same_account: bool = False
    new_account: bool = False


def confirm(journal: Journal, memory: AccountMemory, asking: Asking, now_ms: int) -> None:
    """Check that this key may act for this account, and remember that it may.

    Args:
        journal: The journal.
        memory: The memory next to the account's lock.
        asking: Which account and key want to repay.
        now_ms: Now, UTC milliseconds.

    Raises:
        AccountUnconfirmed: It must be confirmed first whose key it is.
    """
    base_url, name = asking.base_url, asking.name
    key = journal.account(f"{base_url}\n{asking.api_key}")
    with journal.file.reading() as db:
        if _name_of_key(db, key) == name:
            return
    with journal.file.writing() as db:
        account = _account_id(journal, db, base_url, name)
        owner = _name_of_key(db, key)
        if owner is None and _has_rows(db, key):
            owner = ""  # rows of an older version under this key belong to the default account
        if owner is None:
            owner = _remembered_owner(memory, asking)
        if owner is not None and owner != name:
            raise AccountUnconfirmed(
                f"This API key belongs to {spoken(owner)}, so it cannot be used for {spoken(name)}: two names would "
                f"hide a doubt from each other. Nothing was sent. {_leave_or_name(owner)}, or rename it: "
                f"paydown accounts rename {owner or DEFAULT} {name or 'NAME'}.",
                reason="key-of-another-account",
            )
        older = [row for row in _unclaimed(db) if row not in (key, account)]
        if name == "":
            others = owner is None and (_has_keys(db, account) or _remembers_keys(memory))
            # A known key raises the question only where something is in doubt; a new key may have caused all of the
            # older rows.
            rows = older if owner is None else [row for row in older if _in_doubt(db, row)]
            if others and not asking.same_account:
                raise _new_key(f"the default account of {base_url}")
            if rows and not asking.same_account and not asking.new_account:
                raise _older_rows(journal)
        if owner is None and not asking.new_account and not _is_known(db, memory, account):
            doubtful = [row for row in older if _in_doubt(db, row)] if name else []
            _refuse_beside_doubt(db, memory, asking, doubtful)
        claim = older if name == "" and asking.same_account else []
        _add(db, account, account, base_url, name, now_ms)
        for row in (key, *claim):
            _add(db, row, account, base_url, None, now_ms)


def rename(journal: Journal, base_url: str, old: str, new: str, now_ms: int) -> bool:
    """Give an account another name in a journal. Its rows stay where they are, its doubts too.

    Args:
        journal: The journal.
        base_url: Address of the exchange.
        old: The name it has, "" for the default account.
        new: The name it gets.
        now_ms: Now, UTC milliseconds.

    Returns:
        Whether the journal knew it.

    Raises:
        InvalidRequest: The new name is taken.
    """
    with journal.file.writing() as db:
        if _is_taken(journal, db, base_url, new):
            raise InvalidRequest(
                f"There is {spoken(new)} already in {journal.path}; two accounts cannot become one.",
                parameter="new",
            )
        account = _account_id(journal, db, base_url, old)
        known = bool(
            db.execute("SELECT 1 FROM accounts WHERE account = ? AND owner = account", (account,)).fetchone()
        ) or _has_rows(db, account)
        if not known:
            return False
        _add(db, account, account, base_url, old, now_ms)
        db.execute("UPDATE accounts SET name = ? WHERE account = ?", (new, account))
    return True


def _is_taken(journal: Journal, db: sqlite3.Connection, base_url: str, name: str) -> bool:
    if db.execute("SELECT 1 FROM accounts WHERE base_url = ? AND name = ?", (base_url, name)).fetchone():
        return True
    unregistered = _account_id(journal, db, base_url, name)
    return _has_rows(db, unregistered)


def _add(
    db: sqlite3.Connection, account: str, owner: str, base_url: str, name: str | None, now_ms: int
) -> None:
    db.execute(
        "INSERT INTO accounts (account, owner, base_url, name, added_at_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (account) DO NOTHING",
        (account, owner, base_url, name, now_ms),
    )


def _name_of_key(db: sqlite3.Connection, key: str) -> str | None:
    row = db.execute(
        "SELECT owners.name FROM accounts JOIN accounts AS owners ON owners.account = accounts.owner"
        " WHERE accounts.account = ?",
        (key,),
    ).fetchone()
    return None if row is None else str(row[0])


def _has_rows(db: sqlite3.Connection, account: str) -> bool:
    return db.execute("SELECT 1 FROM plans WHERE account = ? LIMIT 1", (account,)).fetchone() is not None


def _has_keys(db: sqlite3.Connection, account: str) -> bool:
    found = db.execute("SELECT 1 FROM accounts WHERE owner = ? AND account <> owner LIMIT 1", (account,))
    return found.fetchone() is not None


def _in_doubt(db: sqlite3.Connection, account: str) -> bool:
    found = db.execute(
        "SELECT 1 FROM attempts WHERE account = ? AND state IN ('INTENT', 'UNKNOWN') LIMIT 1", (account,)
    )
    return found.fetchone() is not None


def _unclaimed(db: sqlite3.Connection) -> list[str]:
    """Return the accounts whose rows an older version wrote, and whose key is not known yet."""
    return [
        row[0]
        for row in db.execute(
            "SELECT DISTINCT account FROM plans WHERE account NOT IN (SELECT account FROM accounts)"
        )
    ]


def _is_known(db: sqlite3.Connection, memory: AccountMemory, account: str) -> bool:
    known = db.execute("SELECT 1 FROM accounts WHERE account = ?", (account,)).fetchone()
    return known is not None or _has_rows(db, account) or memory.read() is not None


def _remembers_keys(memory: AccountMemory) -> bool:
    remembered = memory.read()
    return remembered is not None and bool(remembered.keys)


def _remembered_owner(memory: AccountMemory, asking: Asking) -> str | None:
    """Return the account of a key by the memories next to the locks, since another journal may have been used."""
    own = memory.read()
    if own is not None and asking.fingerprint in own.keys:
        return asking.name
    for other in memory.others(asking.base_url):
        if asking.fingerprint in other.keys:
            return other.name
    return None


def _new_key(whose: str) -> AccountUnconfirmed:
    return AccountUnconfirmed(
        f"This API key has not been used before for {whose}, and another one has. Is it the same account (a rotated "
        "key)? Nothing was sent. If so, confirm it once, with same_account=True or --same-account; if it is another "
        "account, give it a name (--account NAME).",
        reason="new-key",
    )


def _older_rows(journal: Journal) -> AccountUnconfirmed:
    return AccountUnconfirmed(
        f"An older version of paydown wrote to {journal.path} with other API keys or account names. Was that the same "
        "account? Nothing was sent. If so, confirm it once, with same_account=True or --same-account; if not, with "
        "new_account=True or --new-account.",
        reason="new-key",
    )


def _refuse_beside_doubt(
    db: sqlite3.Connection, memory: AccountMemory, asking: Asking, doubtful: list[str]
) -> None:
    named = [
        str(row[0])
        for row in db.execute(
            "SELECT DISTINCT owners.name FROM attempts JOIN accounts ON accounts.account = attempts.account"
            " JOIN accounts AS owners ON owners.account = accounts.owner"
            " WHERE attempts.state IN ('INTENT', 'UNKNOWN') AND owners.base_url = ?",
            (asking.base_url,),
        )
    ]
    named += [other.name for other in memory.others(asking.base_url) if other.doubts()]
    if not named and not doubtful:
        return
    whose = spoken(named[0]) if named else "an account of an older version of this journal"
    raise AccountUnconfirmed(
        f"{spoken(asking.name).capitalize()} has never been used, and something is in doubt for {whose} at the same "
        "exchange: if both are one account, this would repay twice. Nothing was sent. If it is really another account, "
        "confirm it once, with new_account=True or --new-account; else use the other name.",
        reason="new-name",
    )


def _leave_or_name(owner: str) -> str:
    return f"Use --account {owner}" if owner else "Leave the name out"
